//! Every fault of the simulated node that an alert is about raises it, after its `for`, and its cure resolves it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::drill::Drill;
use super::rehearsal::Rehearsal;
use super::simulation::Simulation;
use super::volchain::{Fault, Surface};
use crate::alert::{AlertState, Claim, ClaimKind};
use crate::app::{Effect, Msg, Reloaded, RuleText};
use crate::config::RuleFileSpec;
use crate::runbook::Record;
use crate::systems::{self, SettingValue};

/// How long an alert may take beyond its `for`: the polls and ranges that it waits for.
const PATIENCE_SECONDS: u64 = 900;

fn states(life: &Rehearsal) -> Vec<(String, &'static str)> {
    life.app.model().alerts.alerts().map(|alert| (alert.rule.name.clone(), alert.state.word())).collect()
}

fn is(life: &Rehearsal, alert: &str, state: &str) -> bool {
    states(life).iter().any(|(name, word)| name == alert && *word == state)
}

/// Seconds until the alert has this state.
fn wait(life: &mut Rehearsal, alert: &str, state: &str) -> u64 {
    for second in 0..PATIENCE_SECONDS {
        if is(life, alert, state) {
            return second;
        }
        life.advance(Duration::from_secs(1));
    }
    panic!("{alert} is not {state} after {PATIENCE_SECONDS} s: {:?}", states(life));
}

/// Raises each of these alerts in turn, and no other; then cures the fault and sees each of them resolved.
fn check(surface: Surface, fault: Fault, alerts: &[&str]) {
    check_in(&mut Rehearsal::begin(surface, &[], 80, 24).expect("a rehearsal"), fault, alerts);
}

fn check_in(life: &mut Rehearsal, fault: Fault, alerts: &[&str]) {
    let said = life.faults().into_iter().find(|known| known.name == fault.name()).expect("a fault").raises;
    let said: BTreeSet<&str> = said.iter().map(String::as_str).collect();
    assert_eq!(said, alerts.iter().copied().collect(), "what {} says that it raises", fault.name());
    let bells = |life: &Rehearsal| life.asked.iter().filter(|effect| matches!(effect, Effect::Bell)).count();
    let before = bells(life);
    let holds: Vec<u64> = alerts
        .iter()
        .map(|name| {
            let rules = &life.app.model().targets[0].system.rules;
            rules.alerts().find(|rule| rule.name == *name).expect("a rule of the system").hold.as_secs()
        })
        .collect();
    life.fault(fault, true);
    let mut passed = 0;
    for (alert, hold) in alerts.iter().zip(holds) {
        passed += wait(life, alert, "firing");
        assert!(passed >= hold, "{} raised {alert} after {passed} s, before its {hold} s", fault.name());
    }
    let others: Vec<_> =
        states(life).into_iter().filter(|(name, word)| *word == "firing" && !alerts.contains(&name.as_str())).collect();
    assert_eq!(others, [], "{}", fault.name());
    let critical = |alert: &&&str| ["VolchainServiceDown", "VolchainBlocksStale"].contains(*alert);
    assert_eq!(
        bells(life) - before,
        alerts.iter().filter(critical).count(),
        "{} rings once for what is critical",
        fault.name()
    );
    life.fault(fault, false);
    for alert in alerts {
        wait(life, alert, "resolved");
    }
}

#[test]
fn a_producer_that_seals_nothing_makes_blocks_stale() {
    check(Surface::AsBuilt, Fault::ProducerStuck, &["VolchainBlocksStale"]);
    // There it also counts who waits for a block in vain.
    check(Surface::Documented, Fault::ProducerStuck, &["VolchainBarrierTimeouts", "VolchainBlocksStale"]);
}

#[test]
fn a_producer_that_is_off_makes_blocks_stale() {
    check(Surface::AsBuilt, Fault::ProducerOff, &["VolchainBlocksStale"]);
    check(Surface::AsBuilt, Fault::StuckAgain, &["VolchainBlocksStale"]);
}

#[test]
fn a_flood_overloads_the_mempool() {
    check(Surface::AsBuilt, Fault::MempoolFlood, &["VolchainMempoolOverload"]);
}

#[test]
fn a_wrong_balance_fails_the_verification() {
    for surface in [Surface::AsBuilt, Surface::Documented] {
        check(surface, Fault::UserMismatch, &["VolchainUserMismatches", "VolchainSystemVerificationFailed"]);
    }
}

#[test]
fn what_the_verification_finds_fails_it() {
    for surface in [Surface::AsBuilt, Surface::Documented] {
        check(surface, Fault::CrossMismatch, &["VolchainSystemVerificationFailed"]);
        check(surface, Fault::GameMissing, &["VolchainUserMismatches", "VolchainSystemVerificationFailed"]);
    }
    check(Surface::Documented, Fault::ChainBroken, &["VolchainSystemVerificationFailed"]);
}

#[test]
fn who_waits_for_a_block_in_vain_is_counted_where_that_is_exposed() {
    check(Surface::Documented, Fault::SlowSealing, &["VolchainBarrierTimeouts"]);
    check(Surface::Documented, Fault::MempoolFlood, &["VolchainBarrierTimeouts", "VolchainMempoolOverload"]);
    check(Surface::Documented, Fault::ProducerOff, &["VolchainBarrierTimeouts", "VolchainBlocksStale"]);
}

#[test]
fn an_endpoint_that_gives_no_answer_is_down() {
    let mut life = Rehearsal::begin(Surface::AsBuilt, &[], 80, 24).expect("a rehearsal");
    let faults = [
        Fault::Refused,
        Fault::Slow,
        Fault::Dripping,
        Fault::Status500,
        Fault::Html,
        Fault::Truncated,
        Fault::Huge,
        Fault::Redirect,
    ];
    for fault in faults {
        check_in(&mut life, fault, &["VolchainServiceDown"]);
    }
}

#[test]
fn a_node_that_takes_its_time_has_a_high_response_time() {
    for surface in [Surface::AsBuilt, Surface::Documented] {
        check(surface, Fault::Sluggish, &["VolchainHighResponseTime"]);
    }
}

/// Rules that are measured on a surface and that nothing can raise there: the published PoUW node never speaks with a
/// database, so that no line of its log is about one.
const QUIET: [(&str, Surface, &str); 1] = [("pouw", Surface::AsBuilt, "PouwDatabaseErrors")];

/// Every alert rule of a system is raised by a fault of its world, after its `for`, and by its cure resolved; where
/// nothing is wrong nothing fires; and a surface that can not show what a rule is about says so, and why. Of the faults
/// as many are played as it takes to raise each rule once: `opsconsole demo drill` plays them all, on both surfaces.
fn drill(system: &str) {
    let files = systems::embedded();
    let all = Simulation::all(&files).expect("the worlds have no mistakes");
    let simulation = all.iter().find(|simulation| simulation.system.as_str() == system).expect("a world");
    let mut raised: BTreeSet<String> = BTreeSet::new();
    let mut rules = Vec::new();
    for surface in [Surface::AsBuilt, Surface::Documented] {
        let mut drill = Drill::begin(simulation, &files, surface).expect("no mistakes").expect("a world that is data");
        let calm = drill.calm();
        assert_eq!(calm.firing, Vec::<String>::new(), "{system}, {}: nothing is wrong", surface.name());
        rules = drill.rules();
        let mut said: BTreeSet<String> = BTreeSet::new();
        for fault in drill.faults() {
            let raises = drill.raises(&fault);
            if raises.iter().any(|alert| !raised.contains(alert)) {
                let drilled = drill.drill(&fault).expect("a fault of this world");
                assert!(drilled.is_right() && drilled.is_seen(), "{system}, {}: {drilled:#?}", surface.name());
                raised.extend(drilled.fired.into_iter().map(|(alert, _)| alert));
            }
            said.extend(raises);
        }
        let quiet = |rule: &&String| QUIET.contains(&(system, surface, rule.as_str()));
        let untold = |rule: &&String| !said.contains(*rule) && !calm.no_data.contains_key(*rule) && !quiet(rule);
        let untold: Vec<&String> = rules.iter().filter(untold).collect();
        assert_eq!(untold, Vec::<&String>::new(), "{system}, {}: neither raised nor without data", surface.name());
    }
    rules.retain(|rule| !raised.contains(rule));
    assert_eq!(rules, Vec::<String>::new(), "{system}: raised by no fault");
}

#[test]
fn every_rule_of_coinjecture_fires_and_resolves() {
    drill("coinjecture");
}

#[test]
fn every_rule_of_goud_fires_and_resolves() {
    drill("goud");
}

#[test]
fn every_rule_of_fastmainnet_fires_and_resolves() {
    drill("fastmainnet");
}

#[test]
fn every_rule_of_pouw_fires_and_resolves() {
    drill("pouw");
}

#[test]
fn what_no_rule_is_about_raises_nothing() {
    for fault in [Fault::Idle, Fault::ClockOff, Fault::ChainBroken, Fault::SlowSealing] {
        assert_eq!(fault.raises(Surface::AsBuilt), [""; 0], "{}", fault.name());
        let mut life = Rehearsal::begin(Surface::AsBuilt, &[], 80, 24).expect("a rehearsal");
        life.fault(fault, true);
        for _ in 0..20 {
            life.advance(Duration::from_secs(20));
            let raised: Vec<_> =
                states(&life).into_iter().filter(|(_, word)| ["firing", "pending"].contains(word)).collect();
            assert_eq!(raised, [], "{}", fault.name());
        }
    }
}

#[test]
fn what_the_node_does_not_expose_is_said_in_the_alerts_row() {
    let mut life = Rehearsal::begin(Surface::AsBuilt, &[], 80, 24).expect("a rehearsal");
    life.advance(Duration::from_secs(10));
    let timeouts = life.app.model().alerts.alerts().find(|alert| alert.rule.name == "VolchainBarrierTimeouts");
    match timeouts.map(|alert| &alert.state) {
        Some(AlertState::NoData { why, .. }) => {
            assert_eq!(why, "volchain_barrier_timeouts_total[5m]: not exposed");
        }
        other => panic!("{other:?}"),
    }
    let mut documented = Rehearsal::begin(Surface::Documented, &[], 80, 24).expect("a rehearsal");
    documented.advance(Duration::from_secs(400));
    assert!(is(&documented, "VolchainBarrierTimeouts", "inactive"), "{:?}", states(&documented));
}

const RULES: &str =
    "groups:\n  - name: own\n    interval: 5s\n    rules:\n      - {alert: Tall, expr: volchain_height > 0}\n";

#[test]
fn a_broken_rule_file_changes_nothing_but_a_banner() {
    let file = "/etc/prometheus/own.yml".to_owned();
    let text = |text: &str| RuleText { file: file.clone(), text: Ok(text.to_owned()) };
    let spec = RuleFileSpec { file: file.clone(), prometheus: Some(2.0), targets: Vec::new() };
    let begun = Rehearsal::begin_as(Surface::AsBuilt, &[], (80, 24), |setup| {
        setup.config.rules = vec![spec];
        setup.rules = vec![text(RULES)];
    });
    let mut life = begun.expect("a rehearsal");
    let read = |read: RuleText| {
        let (themes, keymaps) = (Vec::new(), Vec::new());
        Msg::Reloaded(Box::new(Reloaded { theme: None, keymap: None, themes, keymaps, rules: vec![read] }))
    };
    let banners = |life: &Rehearsal| -> Vec<String> {
        let all = life.app.model().banners.iter().map(|banner| banner.text.clone());
        all.filter(|text| text.starts_with("rules: ")).collect()
    };
    life.advance(Duration::from_secs(10));
    assert!(is(&life, "Tall", "firing") && banners(&life).is_empty(), "{:?}", states(&life));

    life.tell(read(text(&RULES.replace("> 0", "> (0"))));
    life.advance(Duration::from_secs(10));
    assert!(is(&life, "Tall", "firing"), "{:?}", states(&life));
    let [banner] = &banners(&life)[..] else { panic!("{:?}", banners(&life)) };
    assert!(banner.starts_with("rules: /etc/prometheus/own.yml:5:") && banner.ends_with("are kept"), "{banner}");
    let gone = RuleText { file: file.clone(), text: Err("it is gone".to_owned()) };
    life.tell(read(gone));
    assert_eq!(banners(&life), ["rules: /etc/prometheus/own.yml: it is gone; the rules of before are kept"]);

    life.tell(read(text(&RULES.replace("> 0", "> 1e9"))));
    life.advance(Duration::from_secs(10));
    assert!(is(&life, "Tall", "resolved") && banners(&life).is_empty(), "{:?}", states(&life));
}

#[test]
fn a_rule_may_ask_for_what_is_configured() {
    let file = "/etc/prometheus/own.yml".to_owned();
    let spec = RuleFileSpec { file: file.clone(), prometheus: Some(2.0), targets: Vec::new() };
    let text = RULES.replace(
        "volchain_height > 0",
        r#"'volchain_height > scalar(opsconsole_setting{name="block_stale_seconds"})'"#,
    );
    let fires_with = |limit: f64| {
        let begun = Rehearsal::begin_as(Surface::AsBuilt, &[], (80, 24), |setup| {
            setup.config.rules = vec![spec.clone()];
            setup.rules = vec![RuleText { file: file.clone(), text: Ok(text.clone()) }];
            let settings = &mut setup.config.targets[0].settings;
            settings.insert("block_stale_seconds".to_owned(), SettingValue::Number(limit));
        });
        let mut life = begun.expect("a rehearsal");
        // Longer than a selector looks back: the setting is told again and again.
        life.advance(Duration::from_secs(400));
        is(&life, "Tall", "firing")
    };
    assert!(fires_with(1.0), "every chain is taller than that");
    assert!(!fires_with(1e12), "no chain is as tall as that");
}

#[test]
fn what_fires_goes_on_firing_for_the_next_console_and_is_snoozed_by_name() {
    let faults = [(Fault::Refused, Duration::from_secs(200))];
    let mut life = Rehearsal::begin(Surface::AsBuilt, &faults, 80, 24).expect("a rehearsal");
    wait(&mut life, "VolchainServiceDown", "firing");
    let key = life.app.model().alerts.alerts().next().expect("an alert").key();
    let until = life.now().wall.plus(Duration::from_secs(60));
    let claim = Claim { by: "ada".to_owned(), reason: "known".to_owned(), at: life.now().wall, until };
    let mut effects = Vec::new();
    let now = life.now();
    life.app.claim(now, &key, ClaimKind::Snooze, claim, &mut effects).expect("it can be snoozed");
    let [Effect::Append { record, .. }, Effect::KeepAlerts(kept)] = &effects[..] else { panic!("{effects:?}") };
    assert!(matches!(&**record, Record::AlertClaimed { kind: ClaimKind::Snooze, .. }));

    let remembered = Some((**kept).clone());
    let next = Rehearsal::begin_as(Surface::AsBuilt, &faults, (80, 24), |setup| setup.remembered = remembered);
    let mut next = next.expect("a rehearsal");
    assert!(is(&next, "VolchainServiceDown", "firing"), "{:?}", states(&next));
    let bells = |life: &Rehearsal| life.asked.iter().filter(|effect| matches!(effect, Effect::Bell)).count();
    assert_eq!(bells(&next), 0, "what was put off does not ring");
    // The rehearsals begin at the same time, so that the snooze is over a while later.
    let left = until.since(next.now().wall) + Duration::from_secs(2);
    next.advance(left);
    let said = next.app.model().banners.iter().any(|banner| banner.text.contains("still fires: the snooze by ada"));
    assert!(said && bells(&next) == 1, "{:?}", next.app.model().banners);
}
