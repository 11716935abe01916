//! Consoles that end and begin, rules that are read again, people who answer, series that are recorded.

use std::time::Duration;

use super::timelines::{AGE, book, shown, step, step_beside};
use super::{AlertBook, Transition, Which, rules};
use crate::promql::fixture::World;

/// A console that ends at one second and another that begins `gap` seconds later, on the same boot or after a reboot.
struct Restart {
    book: AlertBook,
    world: World,
    rules: Vec<&'static str>,
}

impl Restart {
    fn begin(rules: &[&'static str]) -> Restart {
        let mut world = World::new(&["a/e/s"]);
        world.keep(&["age"], Duration::from_secs(3600));
        Restart { book: book("1s", rules), world, rules: rules.to_vec() }
    }

    fn row(&mut self, second: i64, age: f64, want: &str) {
        self.world.row("a/e/s", second, &[("age", age)]);
        step(&mut self.book, &mut self.world, second);
        assert_eq!(shown(&self.book), want, "at {second} s");
    }

    /// The store of the new console is empty; its boot clock may have begun anew.
    fn again(&mut self, second: i64, boot_id: &str) {
        let text = serde_json::to_string(&self.book.remembered(self.world.at(second), "one")).expect("JSON");
        let mut fresh = Restart::begin(&self.rules);
        std::mem::swap(self, &mut fresh);
        self.book.restore(serde_json::from_str(&text).expect("as it was written"), boot_id.to_owned());
    }
}

#[test]
fn a_restart_in_the_middle_keeps_the_clock() {
    for boot_id in ["one", "another"] {
        let mut life = Restart::begin(&["{alert: Old, expr: age > 60, for: 5m}"]);
        life.row(0, 99.0, "pending");
        life.row(10, 99.0, "pending");
        life.again(120, boot_id);
        step(&mut life.book, &mut life.world, 180);
        assert_eq!(shown(&life.book), "no data: age: not polled yet");
        // Three minutes were left when it ended; the minute in which nobody looked is not counted.
        life.row(190, 99.0, "pending");
        let alert = life.book.alerts().next().expect("an alert");
        assert_eq!(alert.state.pending_left(life.world.at(190).boot), Some(Duration::from_secs(180)));
        assert_eq!(alert.state.since().map(|since| since.wall), Some(life.world.at(0).wall));
        assert_eq!(alert.not_observed(), Some((life.world.at(120).wall, life.world.at(190).wall)));
        life.row(360, 99.0, "pending");
        life.row(370, 99.0, "firing");
        // What fires goes on firing, and its response clock with it.
        life.again(400, boot_id);
        step(&mut life.book, &mut life.world, 500);
        assert_eq!(shown(&life.book), "firing, no data");
        life.row(510, 99.0, "firing");
        let alert = life.book.alerts().next().expect("an alert");
        assert_eq!(alert.state.since().map(|since| since.wall), Some(life.world.at(370).wall));
        let gap = Some((life.world.at(400).wall, life.world.at(510).wall));
        assert_eq!(alert.not_observed(), gap);
        // What is missing later is told as such, and not as time in which nobody looked.
        life.world.refused("a/e/s", 515);
        step(&mut life.book, &mut life.world, 515);
        assert_eq!(life.book.alerts().next().and_then(super::Alert::not_observed), gap);
        life.again(520, boot_id);
        step(&mut life.book, &mut life.world, 530);
        life.row(540, 9.0, "resolved");
    }
}

#[test]
fn a_long_outage_forgets_clocks_and_a_long_hold_waits_for_the_grace_period() {
    let mut life = Restart::begin(&["{alert: Old, expr: age > 60, for: 20m}"]);
    life.row(0, 99.0, "pending");
    life.again(1140, "one");
    life.row(1200, 99.0, "pending");
    // One minute was left; a hold this long waits ten all the same.
    let left = |life: &Restart, second: i64| {
        let alert = life.book.alerts().next().expect("an alert");
        alert.state.pending_left(life.world.at(second).boot).map(|left| left.as_secs())
    };
    assert_eq!(left(&life, 1200), Some(600));
    life.again(1210, "one");
    life.row(1210 + 3601, 99.0, "pending");
    assert_eq!(left(&life, 1210 + 3601), Some(1200));
    assert_eq!(life.book.alerts().next().expect("an alert").not_observed(), None);
}

#[test]
fn a_rule_that_is_read_again_keeps_its_alerts() {
    let mut life = Restart::begin(&[AGE]);
    life.row(0, 99.0, "pending");
    let file = |hold: &str| {
        let text = format!(
            "groups:\n  - name: g\n    interval: 1s\n    rules:\n      - {{alert: Old, expr: age > 61, for: {hold}, labels: {{severity: critical}}}}\n"
        );
        rules::load("f", &text).expect("rules")
    };
    life.book.add(&"t".into(), &file("40s"));
    life.row(10, 99.0, "pending");
    life.row(30, 99.0, "pending");
    life.row(40, 99.0, "firing");
    life.book.add(&"t".into(), &file("2h"));
    life.row(50, 99.0, "firing");
    life.book.add(&"t".into(), &rules::RuleFile::empty("f"));
    assert_eq!(shown(&life.book), "");
}

#[test]
fn somebody_answers_for_an_alert_until_it_is_over() {
    use super::{Claim, ClaimError, ClaimKind};
    let mut life = Restart::begin(&[AGE]);
    life.book.respond_within(&"t".into(), crate::base::Severity::Critical, Duration::from_secs(900));
    life.row(0, 99.0, "pending");
    let key = life.book.alerts().next().expect("an alert").key();
    let claim = |world: &World, second: i64, seconds: i64| Claim {
        by: " ada ".to_owned(),
        reason: "looking".to_owned(),
        at: world.at(second).wall,
        until: world.at(second + seconds).wall,
    };
    let early = life.book.acknowledge(&key, claim(&life.world, 0, 60));
    assert_eq!(early, Err(ClaimError::NotFiring { alert: "Old".to_owned(), state: "pending" }));
    life.row(30, 99.0, "firing");
    let due = |life: &Restart, second: i64| {
        let alert = life.book.alert(&key).expect("the alert");
        alert.response_due(life.world.at(second).wall).map(|due| due.wall)
    };
    assert_eq!(due(&life, 31), Some(life.world.at(930).wall));
    for (wrong, error) in [
        (Claim { by: " ".to_owned(), ..claim(&life.world, 31, 60) }, ClaimError::NoName),
        (Claim { reason: String::new(), ..claim(&life.world, 31, 60) }, ClaimError::NoReason),
        (claim(&life.world, 31, 0), ClaimError::Over { until: life.world.at(31).wall }),
        (claim(&life.world, 31, 40 * 86_400), ClaimError::TooFar),
    ] {
        assert_eq!(life.book.acknowledge(&key, wrong), Err(error));
    }
    let taken = life.book.acknowledge(&key, claim(&life.world, 31, 60)).expect("it can be");
    assert_eq!(taken.by, "ada");
    assert_eq!(due(&life, 31), None);
    life.again(40, "one");
    life.book.respond_within(&"t".into(), crate::base::Severity::Critical, Duration::from_secs(900));
    life.row(50, 99.0, "firing");
    assert_eq!(life.book.alert(&key).and_then(|alert| alert.acknowledged()), Some(&taken));
    assert!(life.book.claims_over(life.world.at(90)).is_empty());
    // Over: said once, and the clock counts again from where it began.
    let over = life.book.claims_over(life.world.at(91));
    assert_eq!(
        over.iter().map(|over| (over.kind, over.firing)).collect::<Vec<_>>(),
        [(ClaimKind::Acknowledgement, true)]
    );
    assert!(life.book.claims_over(life.world.at(92)).is_empty());
    assert_eq!(due(&life, 91), Some(life.world.at(930).wall));
    // A snooze outlives the alert, and a restart.
    life.book.snooze(&key, claim(&life.world, 92, 3600)).expect("it can be");
    assert_eq!(due(&life, 93), None);
    life.row(100, 1.0, "resolved");
    life.row(1100, 1.0, "inactive");
    life.again(1200, "another");
    life.row(1300, 99.0, "pending");
    life.row(1330, 99.0, "firing");
    let alert = life.book.alert(&key).expect("the alert");
    assert_eq!(alert.snoozed_until(life.world.at(1330).wall), Some(life.world.at(3692).wall));
    assert_eq!(alert.acknowledged(), None);
    let gone = super::AlertKey { alert: "Gone".to_owned(), ..key.clone() };
    assert!(matches!(life.book.withdraw(&gone, ClaimKind::Snooze), Err(ClaimError::NoSuchAlert { .. })));
    assert_eq!(life.book.withdraw(&key, ClaimKind::Snooze), Ok(true));
    assert_eq!(life.book.withdraw(&key, ClaimKind::Snooze), Ok(false));
}

#[test]
fn an_alert_that_comes_and_goes_flaps() {
    let mut life = Restart::begin(&["{alert: Old, expr: age > 60}"]);
    let flaps = |life: &Restart, second: i64| {
        let alert = life.book.alerts().next().expect("an alert");
        alert.is_flapping(life.world.at(second).boot)
    };
    for round in 0..3 {
        assert!(round == 0 || !flaps(&life, round * 100));
        life.row(round * 100, 99.0, "firing");
        life.row(round * 100 + 50, 9.0, "resolved");
    }
    assert!(flaps(&life, 250));
    life.again(260, "another");
    life.row(300, 99.0, "firing");
    assert!(flaps(&life, 300));
    // The oldest of six changes is half an hour ago.
    life.row(1880, 99.0, "firing");
    assert!(!flaps(&life, 1880));
}

#[test]
fn recorded_series_are_there_for_the_rules_after_them_and_leave_with_their_data() {
    let rules = [
        "{record: 'job:age:max', expr: max by (job) (age), labels: {made: by_rule}}",
        "{record: 'job:age:twice', expr: 'job:age:max * 2'}",
        "{alert: Old, expr: 'job:age:twice > 100'}",
    ];
    for step in [step, step_beside] {
        recorded(&rules, step);
    }
}

fn recorded(rules: &[&str], step: fn(&mut AlertBook, &mut World, i64) -> Vec<Transition>) {
    let mut book = book("1s", rules);
    let mut world = World::new(&["a/e/s"]);
    world.keep(&["age", "job:age:max", "job:age:twice"], Duration::from_secs(600));
    book.declare(&mut world.store);
    let mut check = |second: i64, row: Option<&[(&str, f64)]>, want: &str| {
        match row {
            Some(row) => world.row("a/e/s", second, row),
            None => world.refused("a/e/s", second),
        }
        step(&mut book, &mut world, second);
        assert_eq!(shown(&book), want, "at {second} s");
    };
    check(0, Some(&[("age{job=x,n=1}", 10.0), ("age{job=x,n=2}", 60.0)]), r#"firing {job="x",made="by_rule"}"#);
    check(10, Some(&[("age{job=x,n=1}", 10.0), ("age{job=x,n=2}", 20.0)]), r#"resolved {job="x",made="by_rule"}"#);
    check(20, Some(&[("age{job=x,n=1}", 80.0)]), r#"firing {job="x",made="by_rule"}"#);
    // What rests on a source that does not answer is not recorded as if it did.
    check(30, None, r#"firing, no data {job="x",made="by_rule"}"#);
    check(40, Some(&[("age{job=x,n=1}", 8.0)]), r#"resolved {job="x",made="by_rule"}"#);
    assert!(book.names().contains("job:age:max"));
    assert_eq!(book.record_failures().count(), 0);
}

#[test]
fn a_group_with_a_limit_says_when_a_rule_has_more() {
    let text = "groups:\n  - name: g\n    interval: 1s\n    limit: 2\n    rules:\n      - {alert: A, expr: age > 1}\n      - {record: 'age:all', expr: age}\n";
    let mut book = AlertBook::default();
    book.add(&"t".into(), &rules::load("f", text).expect("rules"));
    let mut world = World::new(&["a/e/s"]);
    book.declare(&mut world.store);
    let rows = [("age{n=1}", 9.0), ("age{n=2}", 9.0), ("age{n=3}", 9.0)];
    world.row("a/e/s", 0, &rows[..2]);
    step(&mut book, &mut world, 0);
    assert_eq!(shown(&book), r#"firing {n="1"}; firing {n="2"}"#);
    world.row("a/e/s", 10, &rows);
    step(&mut book, &mut world, 10);
    assert_eq!(shown(&book), r#"firing, no data {n="1"}; firing, no data {n="2"}"#);
    let failures: Vec<_> = book.record_failures().map(|(_, name, why)| format!("{name}: {why}")).collect();
    assert_eq!(failures, ["age:all: it has 3 elements, and its group's limit is 2"]);
}

#[test]
fn what_changes_while_a_round_is_out_overtakes_it() {
    use super::{Claim, ClaimKind};
    let mut life = Restart::begin(&["{alert: Old, expr: age > 60, labels: {severity: critical}}"]);
    life.row(0, 99.0, "firing");
    let key = life.book.alerts().next().expect("an alert").key();
    let out = |life: &mut Restart, second: i64| {
        life.world.row("a/e/s", second, &[("age", 9.0)]);
        let at = life.world.at(second);
        let (none, round) = life.book.evaluate_within(&mut life.world.store, at, Which::Due, 0);
        assert_eq!(none, []);
        assert!(life.book.is_out());
        round.expect("it is too heavy for nothing")
    };
    let round = out(&mut life, 10);
    assert_eq!(life.book.wake(), None, "nothing else is due before it is back");
    // While it is out, what is due later waits behind it.
    let later = life.world.at(12);
    let (none, second) = life.book.evaluate_within(&mut life.world.store, later, Which::Due, 0);
    assert!(none.is_empty() && second.is_none());
    let claim =
        Claim { by: "ada".to_owned(), reason: "looking".to_owned(), at: later.wall, until: life.world.at(600).wall };
    life.book.snooze(&key, claim.clone()).expect("it can be snoozed");
    assert_eq!(life.book.take_in(round.run(), &mut life.world.store), []);
    assert_eq!(shown(&life.book), "firing", "its result knows nothing of the claim");
    assert!(life.book.wake() <= Some(later.boot), "its turn is still to come");
    let round = out(&mut life, 20);
    assert_eq!(life.book.take_in(round.run(), &mut life.world.store).len(), 1);
    assert_eq!(shown(&life.book), "resolved");
    let alert = life.book.alert(&key).expect("the alert");
    assert_eq!(alert.snoozed().map(|claim| claim.by.as_str()), Some("ada"));
    assert!(life.book.withdraw(&key, ClaimKind::Snooze).expect("the alert"));
    // A single look waits for nobody.
    let round = out(&mut life, 30);
    life.world.row("a/e/s", 31, &[("age", 99.0)]);
    let now = life.world.at(31);
    assert_eq!(life.book.evaluate_all(&mut life.world.store, now).len(), 1);
    assert_eq!(life.book.take_in(round.run(), &mut life.world.store), []);
    assert_eq!(shown(&life.book), "firing");
}
