//! The store's rows, and what leaves them.

use super::*;

fn store() -> Store {
    let mut store = Store::new(Retention::default());
    store.declare(SourceState::new(
        "t/n/e/s".into(),
        "t".into(),
        "GET http://127.0.0.1:1/".to_owned(),
        Duration::from_secs(1),
        Duration::from_secs(1),
    ));
    store.keep([Arc::from("kept")], Retention::default());
    store
}

fn batch(second: u64, series: &[(&str, f64)]) -> Batch {
    let sent = At { boot: Boot(second * 1000), wall: Wall(second as i64 * 1000) };
    let layout = Arc::new(Layout::new(series.iter().map(|(name, _)| Labels::named(name)).collect()));
    let values: Vec<f64> = series.iter().map(|(_, value)| *value).collect();
    Batch::of("t/n/e/s".into(), sent, Duration::from_millis(3), layout, values)
}

fn named(name: &str) -> [Matcher; 1] {
    [Matcher::equal(crate::model::labels::NAME, name)]
}

const FIVE_MINUTES: Duration = Duration::from_secs(300);

#[test]
fn a_series_that_leaves_the_answer_is_stale_at_once() {
    let mut store = store();
    store.link(&batch(1, &[("kept", 1.0), ("gone", 7.0)]));
    store.link(&batch(2, &[("kept", 2.0)]));
    let at = |second: i64| store.instant(&Scope::Fleet, &named("gone"), Wall(second * 1000), FIVE_MINUTES);
    assert_eq!(at(1).len(), 1);
    assert!(at(2).is_empty());
}

#[test]
fn a_window_is_open_on_the_left() {
    let mut store = store();
    (1..=5).for_each(|second| store.link(&batch(second, &[("kept", second as f64)])));
    let windows = store.window(&Scope::Fleet, &named("kept"), Wall(2000), Wall(4000));
    assert_eq!(windows.len(), 1);
    assert_eq!(windows[0].samples, [(Wall(3000), 3.0), (Wall(4000), 4.0)]);
}

#[test]
fn old_rows_keep_only_named_series_and_leave_rollups() {
    let mut store = store();
    for second in 1..=1000 {
        store.link(&batch(second, &[("kept", second as f64), ("rest", 0.0)]));
    }
    let count = |name| {
        let windows = store.window(&Scope::Fleet, &named(name), Wall(0), Wall(1_000_000));
        windows.iter().map(|window| window.samples.len()).sum::<usize>()
    };
    assert_eq!(count("rest"), 301);
    assert_eq!(count("kept"), 901);
    let rollups = store.rollups(&Scope::Fleet, &named("kept"), Wall(0), Wall(1_000_000));
    let (at, second_minute) = rollups[0].minutes[0];
    assert_eq!(at, Wall(60_000));
    assert_eq!((second_minute.low, second_minute.high, second_minute.last), (60.0, 119.0, 119.0));
    assert!((second_minute.mean - 89.5).abs() < 0.01);
}

#[test]
fn the_cap_holds_and_says_what_it_cost() {
    let mut store = store();
    store.keep([Arc::from("kept")], Retention { cap_bytes: 4096, ..Retention::default() });
    for second in 1..=500 {
        store.link(&batch(second, &[("kept", 1.0), ("rest", 2.0)]));
    }
    assert!(store.bytes() <= 4096);
    assert!(store.evicted_rows() > 0);
}

#[test]
fn a_row_out_of_order_is_refused_and_counted() {
    let mut store = store();
    store.link(&batch(5, &[("kept", 1.0)]));
    store.link(&batch(4, &[("kept", 9.0)]));
    assert_eq!(store.evicted_rows(), 1);
    store.forget_after(Wall(0));
    store.link(&batch(4, &[("kept", 9.0)]));
    assert_eq!(store.evicted_rows(), 1);
}

#[test]
fn lines_are_bounded_and_the_newest_stay() {
    use crate::model::LogLine;
    use crate::model::log::LINES_KEPT;
    let mut store = store();
    let line = |number: usize| LogLine { at: Wall(0), severity: None, text: Arc::from(number.to_string()) };
    for second in 1..=30 {
        let lines = (0..100).map(|at| line(second * 100 + at)).collect();
        store.link(&Batch { lines, dropped_lines: 7, ..batch(second as u64, &[]) });
    }
    let id = "t/n/e/s".into();
    assert_eq!(store.lines(&id).count(), LINES_KEPT);
    assert_eq!(store.lines(&id).next().map(|line| &*line.text), Some("1100"));
    assert_eq!(store.lines(&id).next_back().map(|line| &*line.text), Some("3099"));
    let state = store.source(&id).expect("declared");
    assert_eq!((state.lines, state.dropped_lines), (30 * 107, 30 * 7));
    assert_eq!(store.lines(&"t/n/e/other".into()).count(), 0);
}

#[test]
fn what_is_never_read_is_not_exposed_and_no_failure() {
    use crate::model::{FetchFailure, Truth};
    let mut store = store();
    let not_read = FetchFailure::NotRead { why: "it is elsewhere".to_owned() };
    let at = At { boot: Boot(1000), wall: Wall(1000) };
    let batch = Batch { not_exposed: vec![Arc::from("kept")], ..Batch::failed("t/n/e/s".into(), at, not_read) };
    store.link(&batch);
    let state = store.source(&"t/n/e/s".into()).expect("declared");
    assert_eq!((state.truth(Boot(1)), state.failures_in_a_row, state.polls), (Truth::NotExposed, 0, 1));
    assert_eq!(store.sources_of(&Scope::Fleet, "kept").count(), 1, "what it would give is known");
}
