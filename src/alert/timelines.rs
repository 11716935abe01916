//! What happens at which second, and which alerts there are then.

use std::time::Duration;

use super::{Alert, AlertBook, AlertState, Transition, Which, rules};
use crate::promql::fixture::World;

/// What happens at a second, before the book is evaluated there.
enum Event {
    /// The source of a node answers with these series.
    Row(&'static str, &'static [(&'static str, f64)]),
    /// It answers, and does not expose this one.
    Without(&'static str, &'static str),
    Refused(&'static str),
    /// The wall clock is set forward, or back, by so many seconds.
    Jump(i64),
    Nothing,
}
use Event::{Jump, Nothing, Refused, Row, Without};

pub(super) const AGE: &str = "{alert: Old, expr: age > 60, for: 30s, labels: {severity: critical}}";

pub(super) fn book(interval: &str, rules: &[&str]) -> AlertBook {
    let rules = rules.join("\n      - ");
    let text = format!("groups:\n  - name: g\n    interval: {interval}\n    rules:\n      - {rules}\n");
    let file = rules::load("f", &text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut book = AlertBook::default();
    book.add(&"t".into(), &file);
    book
}

/// `state labels`, worst first; the rule's own severity is left out.
pub(super) fn shown(book: &AlertBook) -> String {
    let one = |alert: &Alert| {
        let mut text = alert.state.word().to_owned();
        if let AlertState::Firing { no_data: Some(_), .. } = alert.state {
            text.push_str(", no data");
        }
        if let AlertState::NoData { why, .. } = &alert.state {
            text.push_str(&format!(": {why}"));
        }
        let labels = alert.labels.clone().without("severity");
        if labels.is_empty() { text } else { format!("{text} {labels}") }
    };
    book.alerts().map(one).collect::<Vec<_>>().join("; ")
}

pub(super) fn step(book: &mut AlertBook, world: &mut World, second: i64) -> Vec<Transition> {
    let at = world.at(second);
    book.evaluate(&mut world.store, at)
}

/// As [`step`], every group beside the key thread.
pub(super) fn step_beside(book: &mut AlertBook, world: &mut World, second: i64) -> Vec<Transition> {
    let at = world.at(second);
    let (none, round) = book.evaluate_within(&mut world.store, at, Which::Due, 0);
    assert!(none.is_empty(), "nothing is light enough: {none:?}");
    round.map_or_else(Vec::new, |round| book.take_in(round.run(), &mut world.store))
}

/// Each node of the timeline has one source that is polled every 10 s with 2 s to answer.
fn check(rule: &str, timeline: &[(i64, Event, &str)]) {
    let mut book = book("1s", &[rule]);
    let mut beside = book.clone();
    let has_b = timeline.iter().any(|(_, event, _)| matches!(event, Row("b", _) | Without("b", _) | Refused("b")));
    let mut world = World::new(if has_b { &["a/e/s", "b/e/s"] } else { &["a/e/s"] });
    world.keep(&["age", "total"], Duration::ZERO);
    for (second, event, want) in timeline {
        match event {
            Row(node, series) => world.row(&format!("{node}/e/s"), *second, series),
            Without(node, name) => world.row_without(&format!("{node}/e/s"), *second, &[], &[name]),
            Refused(node) => world.refused(&format!("{node}/e/s"), *second),
            Jump(seconds) => {
                world.jump += seconds;
                world.store.forget_after(world.at(*second).wall);
            }
            Nothing => {}
        }
        let elsewhere = step_beside(&mut beside, &mut world, *second);
        assert_eq!(step(&mut book, &mut world, *second), elsewhere, "{rule} at {second} s");
        assert_eq!(shown(&book), *want, "{rule} at {second} s");
        assert_eq!(shown(&beside), *want, "{rule} at {second} s, beside the key thread");
        assert!(book.wake() > Some(world.at(*second).boot), "wakes in the past at {second} s");
    }
}

#[test]
fn the_life_of_an_alert() {
    check(
        AGE,
        &[
            (0, Row("b", &[]), "no data: age: not polled yet"),
            (1, Row("a", &[("age", 10.0)]), "inactive"),
            (11, Row("a", &[("age", 60.0)]), "inactive"),
            (21, Row("a", &[("age", 61.0)]), "pending"),
            (22, Row("b", &[]), "pending"),
            (31, Row("a", &[("age", 70.0)]), "pending"),
            (41, Row("a", &[("age", 70.0)]), "pending"),
            (50, Nothing, "pending"),
            (51, Nothing, "firing"),
            (61, Row("a", &[("age", 60.0)]), "resolved"),
            (71, Row("a", &[("age", 1.0)]), "resolved"),
            (960, Row("a", &[("age", 1.0)]), "resolved"),
            (961, Nothing, "inactive"),
            (970, Row("a", &[("age", 99.0)]), "pending"),
            (980, Row("a", &[("age", 9.0)]), "inactive"),
            (990, Row("a", &[("age", 99.0)]), "pending"),
            (1010, Row("a", &[("age", 99.0)]), "pending"),
            (1020, Nothing, "firing"),
            (1030, Row("a", &[("age", 9.0)]), "resolved"),
            (1040, Row("a", &[("age", 99.0)]), "pending"),
        ],
    );
}

#[test]
fn a_firing_alert_outlives_its_data_and_only_a_measurement_ends_it() {
    check(
        AGE,
        &[
            (0, Row("a", &[("age", 99.0)]), "pending"),
            (20, Row("a", &[("age", 99.0)]), "pending"),
            (30, Nothing, "firing"),
            // The source falls silent: 3 × 10 s + 2 s after its last answer, lookback or not.
            (52, Nothing, "firing"),
            (53, Nothing, "firing, no data"),
            (400, Nothing, "firing, no data"),
            (410, Row("a", &[("age", 99.0)]), "firing"),
            (420, Refused("a"), "firing, no data"),
            (430, Without("a", "age"), "firing, no data"),
            (440, Row("a", &[]), "firing, no data"),
            (450, Row("a", &[("age", f64::NAN)]), "firing, no data"),
            (460, Row("a", &[("age", 1.0)]), "resolved"),
            (470, Refused("a"), "no data: age: connection refused: nothing listens there; resolved"),
            (1360, Nothing, "no data: age: connection refused: nothing listens there"),
        ],
    );
}

#[test]
fn absence_is_never_green() {
    check(
        AGE,
        &[
            (0, Nothing, "no data: age: not polled yet"),
            (1, Refused("a"), "no data: age: connection refused: nothing listens there"),
            (2, Without("a", "age"), "not exposed: age: not exposed"),
            (3, Row("b", &[]), "not exposed: age: not exposed"),
            (4, Row("a", &[("other", 1.0)]), "no data: age: absent"),
            (5, Row("a", &[("age", f64::NAN)]), "no data: age: not a number"),
            (6, Row("a", &[("age", 1.0)]), "inactive"),
            (39, Nothing, "no data: age: stale 33s"),
            (40, Row("a", &[("age", 99.0)]), "pending"),
            (50, Refused("a"), "no data: age: connection refused: nothing listens there"),
            (60, Row("a", &[("age", 99.0)]), "pending"),
            (80, Row("a", &[("age", 99.0)]), "pending"),
            (89, Nothing, "pending"),
            (90, Nothing, "firing"),
        ],
    );
}

#[test]
fn a_rule_may_say_what_it_means_that_nothing_is_there() {
    check(
        "{alert: A, expr: 'age > 60', annotations: {opsconsole_absent: 'nothing ever aged'}}",
        &[
            (1, Refused("a"), "no data: age: connection refused: nothing listens there"),
            (2, Without("a", "age"), "not exposed: age: not exposed"),
            (4, Row("a", &[("other", 1.0)]), "no data: nothing ever aged"),
            (5, Row("a", &[("age", f64::NAN)]), "no data: age: not a number"),
        ],
    );
}

/// A rule over recorded series knows as much as one over what they are made of.
#[test]
fn what_is_recorded_carries_the_truth_of_what_it_is_made_of() {
    let rules = ["{record: 'r:grown', expr: 'sum(increase(total[30s]))'}", "{record: 'r:age', expr: 'age * 2'}"];
    let alert = |name: &str, expr: &str| format!("{{alert: {name}, expr: '{expr}'}}");
    let alerts = [alert("Growing", "r:grown > 0"), alert("Old", "r:age > 9")];
    let rules: Vec<&str> = rules.into_iter().chain(alerts.iter().map(String::as_str)).collect();
    let mut book = book("1s", &rules);
    let mut world = World::new(&["a/e/s"]);
    book.declare(&mut world.store);
    let mut check = |second: i64, series: Option<&[(&str, f64)]>, missing: &[&str], want: [&str; 2]| {
        match series {
            Some(series) => world.row_without("a/e/s", second, series, missing),
            None => world.refused("a/e/s", second),
        }
        step(&mut book, &mut world, second);
        let mut states: Vec<(String, String)> = book
            .alerts()
            .map(|alert| (alert.rule.name.clone(), format!("{} {}", alert.state.word(), alert.state.why())))
            .collect();
        states.sort();
        let states: Vec<&str> = states.iter().map(|(_, state)| state.trim()).collect();
        assert_eq!(states, want, "at {second} s");
    };
    let warming = "warming up measured for 0ms of 30s";
    check(0, Some(&[("total", 1.0)]), &["age"], [warming, "not exposed r:age: not exposed"]);
    check(10, None, &[], {
        let refused = "no data r:grown: connection refused: nothing listens there";
        [refused, "no data r:age: connection refused: nothing listens there"]
    });
    check(20, Some(&[("total", 1.0), ("age", 1.0)]), &[], ["inactive", "inactive"]);
}

#[test]
fn a_range_warms_up() {
    check(
        "{alert: Growing, expr: 'increase(total[30s]) > 0'}",
        &[
            (0, Row("a", &[("total", 1.0)]), "warming up"),
            (10, Row("a", &[("total", 2.0)]), "warming up"),
            (19, Nothing, "warming up"),
            (20, Row("a", &[("total", 2.0)]), "firing"),
            // The sample at its start is outside of a range.
            (29, Nothing, "firing"),
            (30, Row("a", &[("total", 2.0)]), "resolved"),
            (40, Row("a", &[("total", 2.0)]), "resolved"),
            (50, Refused("a"), "no data: total[30s]: connection refused: nothing listens there; resolved"),
        ],
    );
}

#[test]
fn a_jump_of_the_wall_clock_does_not_break_the_hold() {
    for jump in [3600, -3600] {
        check(
            AGE,
            &[
                (0, Row("a", &[("age", 99.0)]), "pending"),
                (10, Row("a", &[("age", 99.0)]), "pending"),
                (15, Jump(jump), "pending"),
                (16, Nothing, "pending"),
                (20, Row("a", &[("age", 99.0)]), "pending"),
                (29, Nothing, "pending"),
                (30, Nothing, "firing"),
                (31, Jump(-jump), "firing"),
                (32, Nothing, "firing"),
                (40, Row("a", &[("age", 9.0)]), "resolved"),
            ],
        );
        // What the boot clock or the source itself says is believed at once.
        check(
            AGE,
            &[
                (0, Row("a", &[("age", 99.0)]), "pending"),
                (5, Jump(jump), "pending"),
                (10, Refused("a"), "no data: age: connection refused: nothing listens there"),
            ],
        );
        // After a while without samples a jump is no excuse.
        check(
            AGE,
            &[
                (0, Row("a", &[("age", 99.0)]), "pending"),
                (5, Jump(jump), "pending"),
                (10, Row("a", &[]), "pending"),
                (31, Row("a", &[]), "pending"),
                (37, Row("a", &[]), "pending"),
                (38, Nothing, "no data: age: absent"),
                (40, Row("a", &[("age", 99.0)]), "pending"),
            ],
        );
    }
}

#[test]
fn each_label_set_is_an_alert_of_its_own() {
    let refused = "no data: age: connection refused: nothing listens there";
    check(
        AGE,
        &[
            (0, Row("a", &[("age{node=a}", 99.0)]), r#"pending {node="a"}; no data: age: not polled yet"#),
            (1, Row("b", &[("age{node=b}", 1.0)]), r#"pending {node="a"}"#),
            (20, Row("a", &[("age{node=a}", 99.0)]), r#"pending {node="a"}"#),
            (21, Row("b", &[("age{node=b}", 99.0)]), r#"pending {node="a"}; pending {node="b"}"#),
            (30, Nothing, r#"firing {node="a"}; pending {node="b"}"#),
            (31, Refused("b"), &format!(r#"firing {{node="a"}}; {refused} {{node="b"}}"#)),
            // What is measured of one node counts, whatever is the matter with the other.
            (40, Row("a", &[("age{node=a}", 1.0)]), &format!(r#"{refused} {{node="b"}}; resolved {{node="a"}}"#)),
            (50, Row("b", &[("age{node=b}", 1.0)]), r#"resolved {node="a"}"#),
            (51, Row("a", &[("age{node=a}", 1.0)]), r#"resolved {node="a"}"#),
            (60, Refused("b"), &format!(r#"{refused}; resolved {{node="a"}}"#)),
        ],
    );
}

#[test]
fn changes_are_told_once() {
    let mut book = book("1s", &[AGE]);
    let mut world = World::new(&["a/e/s"]);
    let mut check = |second: i64, age: Option<f64>, want: &[(&str, &str)]| {
        match age {
            Some(age) => world.row("a/e/s", second, &[("age", age)]),
            None => world.refused("a/e/s", second),
        }
        let told = step(&mut book, &mut world, second);
        let told: Vec<_> = told.iter().map(|change| (change.from.word(), change.to.word())).collect();
        assert_eq!(told, want, "at {second} s");
    };
    check(0, Some(1.0), &[]);
    check(10, Some(2.0), &[]);
    check(20, Some(99.0), &[("inactive", "pending")]);
    check(30, Some(98.0), &[]);
    check(50, Some(97.0), &[("pending", "firing")]);
    check(60, None, &[("firing", "firing")]);
    check(70, None, &[]);
    check(80, Some(96.0), &[("firing", "firing")]);
    check(90, Some(1.0), &[("firing", "resolved")]);
    check(1000, Some(1.0), &[("resolved", "inactive")]);
    check(1010, None, &[("inactive", "no data")]);
    check(1020, Some(99.0), &[("no data", "pending")]);
    check(1030, Some(9.0), &[("pending", "inactive")]);
}

#[test]
fn the_worst_comes_first() {
    let mut book = book(
        "1s",
        &[
            "{alert: Inactive, expr: age > 1000}",
            "{alert: NoData, expr: none > 1000}",
            "{alert: PendingWarning, expr: age > 1, for: 1h}",
            "{alert: PendingCritical, expr: age > 1, for: 1h, labels: {severity: critical}}",
            "{alert: FiringWarning, expr: age > 1}",
            "{alert: FiringCritical, expr: age > 1, labels: {severity: critical}}",
            "{alert: WarmingUp, expr: 'rate(age[1h]) > 1'}",
        ],
    );
    let mut world = World::new(&["a/e/s"]);
    world.row("a/e/s", 0, &[("age", 99.0)]);
    world.row("a/e/s", 10, &[("age", 99.0)]);
    step(&mut book, &mut world, 10);
    let names: Vec<_> = book.alerts().map(|alert| alert.rule.name.as_str()).collect();
    assert_eq!(
        names,
        ["FiringCritical", "FiringWarning", "PendingCritical", "PendingWarning", "NoData", "WarmingUp", "Inactive"]
    );
    assert_eq!(book.names().iter().map(|name| &**name).collect::<Vec<_>>(), ["age", "none"]);
    assert_eq!(book.longest_range(), Duration::from_secs(3600));
}

#[test]
fn a_group_is_due_at_its_interval_and_when_a_hold_is_over() {
    let mut book = book("10s", &["{alert: A, expr: age > 1, for: 14s}"]);
    let mut world = World::new(&["a/e/s"]);
    world.row("a/e/s", 0, &[("age", 99.0)]);
    let mut check = |second: i64, due: i64, want: &str| {
        step(&mut book, &mut world, second);
        assert_eq!(book.wake(), Some(world.at(due).boot), "after {second} s");
        assert_eq!(shown(&book), want, "at {second} s");
    };
    check(0, 10, "pending");
    check(3, 10, "pending");
    check(11, 14, "pending");
    check(14, 20, "firing");
    check(45, 50, "firing, no data");
    assert_eq!(AlertBook::default().wake(), None);
}

#[test]
fn a_rule_follows_a_thousand_label_sets_and_counts_the_rest() {
    let mut book = book("1s", &["{alert: A, expr: age > 1}"]);
    let mut world = World::new(&["a/e/s"]);
    let names: Vec<_> = (0..1005).map(|n| format!("age{{n={n}}}")).collect();
    let series: Vec<_> = names.iter().map(|name| (name.as_str(), 9.0)).collect();
    world.row("a/e/s", 0, &series);
    step(&mut book, &mut world, 0);
    assert_eq!((book.alerts().count(), book.beyond_limit), (1000, 5));
    world.row("a/e/s", 10, &series[..10]);
    step(&mut book, &mut world, 10);
    assert_eq!(book.beyond_limit, 0);
}

#[test]
fn what_is_kept_firing_waits_before_it_resolves() {
    check(
        "{alert: Old, expr: age > 60, keep_firing_for: 30s}",
        &[
            (0, Row("a", &[("age", 99.0)]), "firing"),
            (10, Row("a", &[("age", 9.0)]), "firing"),
            (20, Row("a", &[("age", 99.0)]), "firing"),
            (30, Row("a", &[("age", 9.0)]), "firing"),
            (50, Row("a", &[("age", 9.0)]), "firing"),
            (59, Nothing, "firing"),
            (60, Nothing, "resolved"),
        ],
    );
}

#[test]
fn a_counter_that_is_reset_goes_on_counting() {
    check(
        "{alert: Growing, expr: 'increase(total[30s]) > 5'}",
        &[
            (0, Row("a", &[("total", 100.0)]), "warming up"),
            (10, Row("a", &[("total", 110.0)]), "warming up"),
            (20, Row("a", &[("total", 120.0)]), "firing"),
            // The process began anew: what it counted since is an increase, and the fall is none.
            (30, Row("a", &[("total", 9.0)]), "firing"),
            (40, Row("a", &[("total", 9.0)]), "firing"),
            (50, Row("a", &[("total", 9.0)]), "resolved"),
        ],
    );
}

#[test]
fn a_series_that_disappears_is_no_data_and_a_source_that_returns_is_judged_at_once() {
    check(
        AGE,
        &[
            (0, Row("a", &[("age{disk=x}", 99.0), ("age{disk=y}", 1.0)]), r#"pending {disk="x"}"#),
            (20, Row("a", &[("age{disk=x}", 99.0), ("age{disk=y}", 1.0)]), r#"pending {disk="x"}"#),
            (30, Row("a", &[("age{disk=x}", 99.0), ("age{disk=y}", 1.0)]), r#"firing {disk="x"}"#),
            (40, Row("a", &[("age{disk=y}", 1.0)]), r#"firing, no data {disk="x"}"#),
            (50, Refused("a"), r#"firing, no data {disk="x"}"#),
            (60, Row("a", &[("age{disk=x}", 99.0)]), r#"firing {disk="x"}"#),
            (70, Row("a", &[("age{disk=x}", 1.0)]), r#"resolved {disk="x"}"#),
        ],
    );
}

#[test]
fn labels_that_an_alert_makes_of_its_value_make_another_alert() {
    check(
        r#"{alert: Old, expr: age > 60, labels: {level: '{{ if gt $value 90.0 }}high{{ else }}low{{ end }}', on: '{{ $labels.disk }}'}}"#,
        &[
            (0, Row("a", &[("age{disk=x}", 70.0)]), r#"firing {disk="x",level="low",on="x"}"#),
            (
                10,
                Row("a", &[("age{disk=x}", 99.0)]),
                r#"firing {disk="x",level="high",on="x"}; resolved {disk="x",level="low",on="x"}"#,
            ),
        ],
    );
}
