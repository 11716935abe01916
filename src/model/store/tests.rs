//! The store's rows, and what leaves them.

use super::*;
use crate::model::Matchers;

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
    let line = |number: usize| {
        let text = Arc::from(number.to_string());
        LogLine { at: Wall(0), timed_by_read: false, severity: None, text }
    };
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
fn what_is_never_read_is_no_failure() {
    use crate::model::{FetchFailure, Truth};
    let mut store = store();
    let not_read = FetchFailure::NotRead { why: "it is elsewhere".to_owned() };
    let at = At { boot: Boot(1000), wall: Wall(1000) };
    let batch = Batch { not_exposed: vec![Arc::from("kept")], ..Batch::failed("t/n/e/s".into(), at, not_read) };
    store.link(&batch);
    let state = store.source(&"t/n/e/s".into()).expect("declared");
    let truth = Truth::NotRead { why: "it is elsewhere".to_owned() };
    assert_eq!((state.truth(Boot(1)), state.failures_in_a_row, state.polls), (truth, 0, 1));
    assert_eq!(store.sources_of(&Scope::Fleet, "kept").count(), 1, "what it would give is known");
}

#[test]
fn what_nothing_names_goes_first_and_the_newest_row_stays() {
    let check = |cap_bytes: usize, rows: u64, want: (bool, bool)| {
        let mut store = store();
        store.keep([Arc::from("kept")], Retention { cap_bytes, ..Retention::default() });
        let rest: Vec<(String, f64)> = (0..50).map(|n| (format!("rest_{n}"), 0.0)).collect();
        let series: Vec<(&str, f64)> =
            rest.iter().map(|(name, value)| (&**name, *value)).chain([("kept", 1.0)]).collect();
        (1..=rows).for_each(|second| store.link(&batch(second, &series)));
        let count = |name| {
            let windows = store.window(&Scope::Fleet, &named(name), Wall(0), Wall(1_000_000));
            windows.iter().map(|window| window.samples.len() as u64).sum::<u64>()
        };
        assert!(count("rest_7") >= 1, "what is true now is kept at any price");
        assert_eq!((count("kept") == rows, count("rest_7") == rows), want, "{cap_bytes}");
        assert!(want == (true, true) || store.evicted_rows() > 0);
    };
    check(1 << 20, 100, (true, true));
    check(30_000, 100, (true, false));
    check(1, 100, (false, false));
}

#[test]
fn layouts_weigh_too_and_what_they_share_weighs_once() {
    let labels: Vec<Arc<Labels>> =
        (0..1000).map(|n| Arc::new(Labels::named("kept").with("n", &n.to_string()))).collect();
    let linked = |layouts: &[Arc<Layout>]| {
        let mut store = store();
        for (second, layout) in layouts.iter().enumerate() {
            let sent = At { boot: Boot(0), wall: Wall(second as i64 * 1000 + 1000) };
            let values = vec![0.0; layout.series().len()];
            store.link(&Batch::of("t/n/e/s".into(), sent, Duration::ZERO, Arc::clone(layout), values));
        }
        store.bytes() - layouts.iter().map(|layout| layout.series().len() * 8).sum::<usize>()
    };
    let whole = Arc::new(Layout::of(labels.clone()));
    let once = linked(&[Arc::clone(&whole)]);
    assert!(once > 100_000, "{once}");
    assert!(linked(&[Arc::clone(&whole), Arc::clone(&whole)]) < once + 100);
    let shared = whole.labels_bytes() * 999 / 1000;
    let fewer = Arc::new(Layout::of(labels[1..].to_vec()).grown_from(&whole, shared));
    let both = linked(&[Arc::clone(&whole), fewer]);
    assert!(once + 10_000 < both && both < once + 20_000, "{once} {both}");
    let other = Layout::new((0..1000).map(|n| Labels::named("other").with("n", &n.to_string())).collect());
    assert!(linked(&[whole, Arc::new(other)]) > once * 19 / 10);
}

#[test]
fn rows_of_one_layout_are_narrowed_to_one_layout() {
    let mut store = store();
    let layout = Arc::new(Layout::new(vec![Labels::named("rest"), Labels::named("kept")]));
    for second in 1..=500 {
        let sent = At { boot: Boot(0), wall: Wall(second * 1000) };
        let values = [second as f64, -(second as f64)];
        store.link(&Batch::of("t/n/e/s".into(), sent, Duration::ZERO, Arc::clone(&layout), values));
    }
    let rows = &store.tables[0].rows;
    assert!(rows.iter().take(190).all(|row| Arc::ptr_eq(&row.layout, &rows[0].layout)));
    assert_eq!((&*rows[3].values, rows[3].layout.series()[0].name()), (&[-4.0][..], "kept"));
    // What is named later is kept from then on.
    store.keep([Arc::from("rest")], Retention::default());
    let sent = At { boot: Boot(0), wall: Wall(501_000) };
    store.link(&Batch::of("t/n/e/s".into(), sent, Duration::ZERO, layout, [0.0, 0.0]));
    let windows = store.window(&Scope::Fleet, &named("rest"), Wall(199_000), Wall(201_000));
    assert_eq!(windows[0].samples, [(Wall(200_000), 200.0), (Wall(201_000), 201.0)]);
}

#[test]
fn a_minute_with_numbers_keeps_them() {
    let mut store = store();
    let value = |second: u64| match second {
        65 => f64::NAN,
        120..180 => f64::NAN,
        second => second as f64,
    };
    (60..=700).for_each(|second| store.link(&batch(second, &[("kept", value(second))])));
    let rollups = store.rollups(&Scope::Fleet, &named("kept"), Wall(0), Wall(200_000));
    let minutes: Vec<(i64, f32, f32)> =
        rollups[0].minutes.iter().map(|(at, minute)| (at.0 / 60_000, minute.low, minute.last)).collect();
    assert_eq!(minutes[0], (1, 60.0, 119.0));
    assert!(rollups[0].minutes[0].1.mean.is_finite());
    assert!(minutes[1].1.is_nan() && minutes[1].2.is_nan());
}

#[test]
fn names_of_before_are_remembered_and_bounded() {
    let mut store = store();
    store.link(&batch(1, &[("gone", 1.0)]));
    store.link(&batch(2, &[("kept", 1.0)]));
    assert_eq!(store.observed_since(&Scope::Fleet, "gone"), Some(Wall(1000)));
    assert_eq!(store.observed_since(&Scope::Fleet, "never"), None);
    assert_eq!(store.sources_of(&Scope::Fleet, "gone").count(), 1);
    for second in 3..10 {
        let names: Vec<String> = (0..9_000).map(|n| format!("n{second}_{n}")).collect();
        store.link(&batch(second, &names.iter().map(|name| (&**name, 0.0)).collect::<Vec<_>>()));
        assert_eq!(store.sources_of(&Scope::Fleet, &names[8_999]).count(), 1, "what is there now is always known");
    }
    assert_eq!(store.sources_of(&Scope::Fleet, "gone").count(), 0);
}

#[test]
fn a_row_that_does_not_fit_its_columns_is_refused() {
    let mut store = store();
    let mut odd = batch(1, &[("kept", 1.0)]);
    odd.values = Arc::from([]);
    store.link(&odd);
    assert_eq!(store.evicted_rows(), 1);
    assert!(store.instant(&Scope::Fleet, &named("kept"), Wall(1000), FIVE_MINUTES).is_empty());
}

#[test]
fn a_source_that_changes_its_shape_and_back_keeps_its_series() {
    let mut store = store();
    let whole: Vec<String> = (0..20).map(|n| format!("name_{n}")).collect();
    for second in 1..=9_u64 {
        // Every row brings its layout anew.
        let shown = if second % 3 == 0 { &whole[..10] } else { &whole[..] };
        let series: Vec<(&str, f64)> =
            shown.iter().enumerate().map(|(n, name)| (&**name, (n as u64 * 100 + second) as f64)).collect();
        store.link(&batch(second, &series));
    }
    let check = |name: &str, want: &[Option<f64>]| {
        let matchers = Matchers::new(named(name).to_vec());
        let grids = store.grids(&Scope::Fleet, &matchers, Wall(2000), Wall(5000));
        let values: Vec<Option<f64>> =
            grids[0].values.iter().map(|value| Some(*value).filter(|value| !value.is_nan())).collect();
        assert_eq!((grids.len(), grids[0].series.len(), &*values), (1, 1, want), "{name}");
    };
    check("name_3", &[Some(302.0), Some(303.0), Some(304.0), Some(305.0)]);
    check("name_13", &[Some(1302.0), None, Some(1304.0), Some(1305.0)]);
}

#[test]
fn the_newest_rows_tell_what_is_there_and_how_often_it_was() {
    let mut store = store();
    (1..=3).for_each(|second| store.link(&batch(second, &[("kept", second as f64), ("other", 7.0)])));
    let all = Matchers::new(named("kept").to_vec());
    let newest = store.newest(&Scope::Fleet, &all, Wall(2500), FIVE_MINUTES);
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[0].value(&Labels::named("kept")), Some(2.0));
    assert_eq!(newest[0].value(&Labels::named("other")), None, "it was not asked for");
    assert_eq!(newest[0].values().collect::<Vec<_>>(), [2.0]);
    assert!(store.newest(&Scope::Fleet, &all, Wall(302_999), FIVE_MINUTES)[0].taken == Wall(3000));
    assert!(store.newest(&Scope::Fleet, &all, Wall(303_000), FIVE_MINUTES).is_empty());
    let have = |store: &Store, from: i64, least: usize| {
        store.have_samples(&Scope::Fleet, &all, (Wall(from), Wall(4000)), FIVE_MINUTES, least)
    };
    assert!(have(&store, 0, 3) && have(&store, 1000, 2));
    assert!(!have(&store, 0, 4) && !have(&store, 1000, 3), "the left end does not count");
    // After a change of shape it has to be looked at.
    store.link(&batch(4, &[("kept", 4.0)]));
    assert!(have(&store, 0, 1) && !have(&store, 0, 2));
    // Who does not give it does not matter.
    store.link(&batch(5, &[("other", 4.0)]));
    assert!(store.have_samples(&Scope::Fleet, &all, (Wall(0), Wall(5000)), FIVE_MINUTES, 2));
}
