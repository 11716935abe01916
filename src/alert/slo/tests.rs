use super::*;
use crate::promql::fixture::World;

fn spec(text: &str) -> SloSpec {
    crate::base::ron_text::parse("f", text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
}

fn level() -> Arc<Slo> {
    let text = r#"(id: "fresh", title: "blocks", objective: 0.9, window: "1h", level: "age <= bool 60")"#;
    Arc::new(Slo::compile(&spec(text)).unwrap_or_else(|why| panic!("{why}")))
}

fn book(slo: Arc<Slo>, minutes: Vec<Minute>) -> SloBook {
    let mut book = SloBook::default();
    let history = History::from([(slo.id.clone(), minutes)]);
    book.add(&"t".into(), &[slo], history);
    book
}

fn rounded(value: Option<f64>) -> Option<f64> {
    value.map(|value| (value * 1000.0).round() / 1000.0)
}

#[test]
fn what_is_written_is_checked() {
    let check = |text: &str, want: Result<(), &str>| {
        let got = Slo::compile(&spec(&format!("(id: \"a\", title: \"b\", {text})"))).map(drop);
        match want {
            Ok(()) => assert_eq!(got, Ok(()), "{text}"),
            Err(part) => assert!(got.as_ref().is_err_and(|why| why.contains(part)), "{text}: {got:?}"),
        }
    };
    check(r#"objective: 0.99, window: "30d", level: "up == bool 1""#, Ok(()));
    check(r#"objective: 0.99, window: "28d", good: "increase(a[1m])", total: "increase(b[1m])""#, Ok(()));
    check(r#"needs_definition: "the node exposes no latency""#, Ok(()));
    check(r#"needs_definition: " ""#, Err("either"));
    check(r#"objective: 0.99, window: "30d""#, Err("either"));
    check(r#"objective: 0.99, window: "30d", good: "a""#, Err("either"));
    check(r#"objective: 0.99, window: "30d", level: "up == bool 1", good: "a", total: "b""#, Err("either"));
    check(r#"objective: 1, window: "30d", level: "up == bool 1""#, Err("objective"));
    check(r#"window: "30d", level: "up == bool 1""#, Err("objective"));
    check(r#"objective: 0.99, level: "up == bool 1""#, Err("window"));
    check(r#"objective: 0.99, window: "36d", level: "up == bool 1""#, Err("35d"));
    check(r#"objective: 0.99, window: "month", level: "up == bool 1""#, Err("duration"));
    check(r#"objective: 0.99, window: "30d", level: "up""#, Err("condition"));
    check(r#"objective: 0.99, window: "30d", good: "x[5m]", total: "b""#, Err("range selector"));
}

/// The budget of two hours, an hour after it began, of which each minute is good for a part or was not measured.
#[test]
fn a_budget_is_that_of_the_window_and_only_what_was_measured_uses_it() {
    let check = |minutes: &[Option<f32>], remaining: Option<f64>, burn: Option<f64>, covered: u64| {
        let past = (0..).zip(minutes).filter_map(|(n, good)| good.map(|good| Minute(n, good, 1.0))).collect();
        let now = 60;
        let budget = Budget::of(&past, now, 0.9, Duration::from_secs(2 * 3600));
        assert_eq!((rounded(budget.remaining), rounded(budget.burn_hour)), (remaining, burn));
        assert_eq!(budget.covered, Duration::from_secs(covered * 60));
    };
    check(&[], None, None, 0);
    check(&[None; 60], None, None, 0);
    check(&[Some(1.0); 60], Some(1.0), Some(0.0), 60);
    // As bad as allowed, for half of the window: half of the budget.
    check(&[Some(0.9); 60], Some(0.5), Some(1.0), 60);
    check(&[Some(0.0); 60], Some(-4.0), Some(10.0), 60);
    let mut half = [Some(1.0); 60];
    half[..30].fill(None);
    check(&half, Some(1.0), Some(0.0), 30);
    half[59] = Some(0.0);
    check(&half, Some(0.917), Some(0.167), 30);
    // A minute of an outage is a minute of the window, whoever was started just before it.
    let mut last = [None; 60];
    last[59] = Some(0.0);
    check(&last, Some(0.917), Some(0.167), 1);
}

/// Half of what was asked for in a minute failed, and nobody knows how much was asked for before.
#[test]
fn of_events_the_part_that_was_measured_stands_for_its_own_time() {
    let past = [Minute(59, 50.0, 100.0)].into_iter().collect();
    let budget = Budget::of(&past, 60, 0.9, Duration::from_secs(3600));
    assert_eq!((budget.good, rounded(budget.remaining)), (Some(0.5), Some(0.917)));
}

#[test]
fn minutes_leave_the_window_and_the_hour() {
    let past: Past = (0..180).map(|n| Minute(n, if n < 60 { 0.0 } else { 1.0 }, 1.0)).collect();
    let budget = |hours: u64| Budget::of(&past, 180, 0.5, Duration::from_secs(hours * 3600));
    assert_eq!((rounded(budget(3).remaining), rounded(budget(2).remaining)), (Some(0.333), Some(1.0)));
    assert_eq!((rounded(budget(3).burn_hour), rounded(budget(3).burn_six_hours)), (Some(0.0), Some(0.333)));
    assert_eq!(budget(24).coverage(), 3.0 / 24.0);
    assert_eq!(budget(3).spark, vec![Some(1.0); 60]);
}

#[test]
fn a_level_is_good_for_the_part_of_a_minute_in_which_it_held_and_unknown_is_neither() {
    let mut world = World::new(&["a/e/s"]);
    let mut book = book(level(), Vec::new());
    let mut closed = Vec::new();
    for second in (0..360).step_by(10) {
        match second {
            // The first minute is good, the second half, the third is not measured, the rest bad.
            0..90 => world.row("a/e/s", second, &[("age", 1.0)]),
            120..180 => world.refused("a/e/s", second),
            _ => world.row("a/e/s", second, &[("age", 99.0)]),
        }
        let at = world.at(second);
        closed.extend(book.look(&world.store, at).expect("it is time").into_iter().map(|(_, closed)| closed.minute));
        assert!(book.look(&world.store, world.at(second)).is_none(), "twice at {second} s");
    }
    assert_eq!(closed, [Minute(0, 1.0, 1.0), Minute(1, 0.5, 1.0), Minute(3, 0.0, 1.0), Minute(4, 0.0, 1.0)]);
    let standing = book.standings(&"t".into(), world.at(360)).remove(0);
    assert_eq!(standing.now, Some(Verdict::False));
    let budget = standing.budget.expect("it is defined");
    assert_eq!(budget.covered, Duration::from_secs(240));
    assert_eq!(&budget.spark[54..], [Some(1.0), Some(0.5), None, Some(0.0), Some(0.0), None]);
}

#[test]
fn a_ratio_adds_up_events_and_needs_both_measured() {
    let text = r#"(id: "ok", title: "requests", objective: 0.9, window: "1d", good: "good", total: "total")"#;
    let slo = Arc::new(Slo::compile(&spec(text)).unwrap_or_else(|why| panic!("{why}")));
    let mut book = book(slo, Vec::new());
    let mut world = World::new(&["a/e/s"]);
    let mut look = |second: i64, series: &[(&str, f64)], want: &[Minute], now: Result<bool, &str>| {
        world.row("a/e/s", second, series);
        let closed = book.look(&world.store, world.at(second)).unwrap_or_default();
        assert_eq!(closed.into_iter().map(|(_, closed)| closed.minute).collect::<Vec<_>>(), want, "at {second} s");
        let want = match now {
            Ok(true) => Verdict::True,
            Ok(false) => Verdict::False,
            Err(why) => Verdict::Unknown(why.to_owned()),
        };
        assert_eq!(book.standings(&"t".into(), world.at(second))[0].now, Some(want), "at {second} s");
    };
    look(10, &[("good{n=1}", 60.0), ("good{n=2}", 35.0), ("total", 100.0)], &[], Ok(true));
    look(50, &[("good{n=1}", 60.0), ("good{n=2}", 20.0), ("total", 100.0)], &[], Ok(false));
    look(70, &[("good{n=1}", 60.0)], &[Minute(0, 80.0, 100.0)], Err("total: absent"));
    look(130, &[("good{n=1}", 0.0), ("total", 0.0)], &[], Err("nothing happened in the last minute"));
    look(190, &[("good{n=1}", 1.0), ("total", 1.0)], &[Minute(2, 0.0, 0.0)], Ok(true));
}

#[test]
fn history_is_taken_up_and_a_clock_that_goes_back_takes_its_future_along() {
    let mut world = World::new(&["a/e/s"]);
    world.row("a/e/s", 600, &[("age", 1.0)]);
    let known: Vec<Minute> = (0..20).map(|n| Minute(n, 0.0, 1.0)).collect();
    let mut book = book(level(), known);
    book.look(&world.store, world.at(600));
    // It is the tenth minute: what is known of the tenth to the nineteenth was never so.
    let budget = book.standings(&"t".into(), world.at(600)).remove(0).budget.expect("it is defined");
    assert_eq!((budget.covered, rounded(budget.remaining)), (Duration::from_secs(600), Some(-0.667)));
}

#[test]
fn a_row_that_can_not_be_measured_is_kept_with_its_reason() {
    let slo = Slo::compile(&spec(r#"(id: "p95", title: "latency", needs_definition: "no such series")"#));
    let mut book = book(Arc::new(slo.unwrap_or_else(|why| panic!("{why}"))), Vec::new());
    let world = World::new(&["a/e/s"]);
    assert_eq!(book.look(&world.store, world.at(60)), Some(Vec::new()));
    let standing = book.standings(&"t".into(), world.at(60)).remove(0);
    assert!(matches!(&standing.slo.definition, Definition::Needed(why) if why == "no such series"));
    assert_eq!((standing.now, standing.budget), (None, None));
}
