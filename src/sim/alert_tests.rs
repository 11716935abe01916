//! Every fault of the simulated node that an alert is about raises it, after its `for`, and its cure resolves it.

use std::time::Duration;

use super::rehearsal::Rehearsal;
use super::volchain::{Fault, Surface};
use crate::alert::AlertState;
use crate::app::Effect;

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
    let mut life = Rehearsal::begin(surface, &[], 80, 24).expect("a rehearsal");
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
        passed += wait(&mut life, alert, "firing");
        assert!(passed >= hold, "{} raised {alert} after {passed} s, before its {hold} s", fault.name());
    }
    let others: Vec<_> = states(&life)
        .into_iter()
        .filter(|(name, word)| *word == "firing" && !alerts.contains(&name.as_str()))
        .collect();
    assert_eq!(others, [], "{} on the {} surface", fault.name(), surface.name());
    let critical = |alert: &&&str| ["VolchainServiceDown", "VolchainBlocksStale"].contains(*alert);
    let bells = life.asked.iter().filter(|effect| matches!(effect, Effect::Bell)).count();
    assert_eq!(bells, alerts.iter().filter(critical).count(), "{} rings once for what is critical", fault.name());
    life.fault(fault, false);
    for alert in alerts {
        wait(&mut life, alert, "resolved");
    }
}

#[test]
fn a_producer_that_seals_nothing_makes_blocks_stale() {
    for surface in [Surface::AsBuilt, Surface::Documented] {
        check(surface, Fault::ProducerStuck, &["VolchainBlocksStale"][..]);
    }
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
fn an_endpoint_that_gives_no_answer_is_down() {
    for fault in [Fault::Refused, Fault::Status500, Fault::Html, Fault::Truncated, Fault::Redirect] {
        check(Surface::AsBuilt, fault, &["VolchainServiceDown"]);
    }
}

#[test]
fn an_idle_chain_and_a_clock_that_is_off_raise_nothing() {
    for fault in [Fault::Idle, Fault::ClockOff] {
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
