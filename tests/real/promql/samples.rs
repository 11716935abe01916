//! The samples that both engines are given: a small fleet for an hour, with everything that makes series difficult.
//!
//! Values are dyadic, so that sums are exact in any order, and drawn from so many that two series hardly ever tie.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use opsconsole::base::{At, Boot, SourceId, Wall};
use opsconsole::model::{Batch, Labels, Layout, Retention, SourceState, Store};

use super::rng::Rng;

/// Milliseconds since 1970 of the first sample: no multiple of a minute, so that subqueries must align their steps.
pub const START: i64 = 1_600_000_000_000;
/// How long there are samples.
pub const LENGTH: i64 = 3_600_000;

/// How Prometheus marks a series that has left a scrape.
const STALE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);
/// The NaN that Prometheus stores for one that was scraped.
const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// One scraped endpoint.
pub struct Source {
    name: &'static str,
    rows: Vec<Row>,
}

/// One scrape: its time in milliseconds, and what it brought.
struct Row {
    at: i64,
    series: Vec<(Labels, f64)>,
}

/// One endpoint and its habits, in milliseconds from [`START`].
struct Habit {
    name: &'static str,
    job: &'static str,
    instance: &'static str,
    interval: i64,
    phase: i64,
    /// Up to so many milliseconds late, each time anew.
    jitter: i64,
    /// Scrapes fail: `up` is 0 and everything else is stale.
    down: (i64, i64),
    /// Nobody scrapes: no samples and no markers.
    silent: (i64, i64),
}

const HABITS: &[Habit] = &[
    Habit {
        name: "a",
        job: "api",
        instance: "a:1",
        interval: 15_000,
        phase: 0,
        jitter: 0,
        down: (0, 0),
        silent: (0, 0),
    },
    Habit {
        name: "b",
        job: "api",
        instance: "b:1",
        interval: 15_000,
        phase: 7_500,
        jitter: 0,
        down: (900_000, 1_000_000),
        silent: (0, 0),
    },
    Habit {
        name: "c",
        job: "db",
        instance: "c:2",
        interval: 10_000,
        phase: 3_125,
        jitter: 0,
        down: (1_200_000, 1_700_000),
        silent: (2_500_000, 2_590_000),
    },
    Habit {
        name: "d",
        job: "edge",
        instance: "d:3",
        interval: 30_000,
        phase: 11_000,
        jitter: 2_500,
        down: (0, 0),
        silent: (1_800_000, 2_700_000),
    },
];

/// What grows and falls while an endpoint is scraped.
struct Life {
    rng: Rng,
    counters: BTreeMap<Labels, f64>,
    gauges: BTreeMap<Labels, f64>,
}

pub fn generate(seed: u64) -> Vec<Source> {
    HABITS.iter().enumerate().map(|(place, habit)| source(habit, Rng::new(seed + place as u64))).collect()
}

fn source(habit: &Habit, rng: Rng) -> Source {
    let mut life = Life { rng, counters: BTreeMap::new(), gauges: BTreeMap::new() };
    let within = |(from, to): (i64, i64), at: i64| from <= at && at < to;
    let mut rows = Vec::new();
    for turn in 0..LENGTH / habit.interval {
        let late = if habit.jitter > 0 { life.rng.between(0, habit.jitter) } else { 0 };
        let at = habit.phase + turn * habit.interval + late;
        if within(habit.silent, at) {
            continue;
        }
        let target = |name: &str| Labels::named(name).with("job", habit.job).with("instance", habit.instance);
        let series = if within(habit.down, at) {
            vec![(target("up"), 0.0)]
        } else {
            let mut series = life.scrape(habit, turn, &target);
            series.push((target("up"), 1.0));
            series
        };
        rows.push(Row { at: START + at, series });
    }
    Source { name: habit.name, rows }
}

impl Life {
    fn scrape(&mut self, habit: &Habit, turn: i64, target: &dyn Fn(&str) -> Labels) -> Vec<(Labels, f64)> {
        let mut series = Vec::new();
        for zone in ["north", "south", "east"] {
            // One zone at a time leaves for a while.
            if (turn / 20) % 4 != 1 || zone != "east" {
                series.push(self.gauge(target("temperature").with("zone", zone)));
            }
        }
        series.push(self.gauge(target("load")));
        for (method, code) in [("get", "200"), ("get", "500"), ("post", "200"), ("post", "404")] {
            // The failures of some endpoints appear only after a time.
            if code != "500" || turn > 40 || habit.job == "db" {
                series.push(self.counter(target("requests_total").with("method", method).with("code", code), 2));
            }
        }
        for code in ["404", "500"] {
            series.push(self.counter(target("errors_total").with("code", code), 1));
        }
        for method in ["get", "post"] {
            let bounds = ["0.125", "0.5", "1", "2.5", "+Inf"];
            self.histogram(&mut series, "latency_seconds", &bounds, &|name| target(name).with("method", method));
        }
        if habit.job == "api" {
            self.histogram(&mut series, "size_bytes", &["-16", "0", "1e3", "1e6", "Inf"], target);
        } else {
            self.histogram(&mut series, "broken", &["1", "x", "4"], target);
        }
        self.odd(&mut series, turn, target);
        series.push((target("start_time_seconds"), 1_577_836_799.5 + habit.interval as f64 * 512.0));
        let version = if turn < 60 { "1.2.0" } else { "1.10.0" };
        series.push((target("build_info").with("version", version).with("path", "/a b\n\"c\"\\é"), 1.0));
        series.push((target("zero"), if turn % 2 == 0 { 0.0 } else { -0.0 }));
        series
    }

    fn gauge(&mut self, labels: Labels) -> (Labels, f64) {
        let step = self.rng.between(-4096, 4096) as f64 / 64.0;
        let first = self.rng.between(-65_536, 65_536) as f64 / 64.0;
        let value = self.gauges.entry(labels.clone()).or_insert(first);
        *value += step;
        (labels, *value)
    }

    /// Grows by up to `most` 256 times over; now and then it starts again.
    fn counter(&mut self, labels: Labels, most: i64) -> (Labels, f64) {
        let grown = self.rng.between(0, most * 256 * 64) as f64 / 64.0;
        let (stands, restarts) = (self.rng.percent(15), self.rng.percent(3));
        let value = self.counters.entry(labels.clone()).or_insert(grown);
        *value = match (restarts, stands) {
            (true, _) => grown / 64.0,
            (false, true) => *value,
            (false, false) => *value + grown,
        };
        (labels, *value)
    }

    fn histogram(
        &mut self,
        series: &mut Vec<(Labels, f64)>,
        name: &str,
        bounds: &[&str],
        target: &dyn Fn(&str) -> Labels,
    ) {
        let restarts = self.rng.percent(2);
        let mut total = 0.0;
        for bound in bounds {
            let own = target(&format!("{name}_own")).with("le", bound);
            let grown = self.rng.between(0, 40) as f64;
            let value = self.counters.entry(own).or_insert(0.0);
            *value = if restarts { 0.0 } else { *value + grown };
            total += *value;
            series.push((target(&format!("{name}_bucket")).with("le", bound), total));
        }
        series.push((target(&format!("{name}_count")), total));
        let sum = self.counter(target(&format!("{name}_sum")), 4);
        series.push(sum);
    }

    /// NaN, the infinities, and a series that comes and goes.
    fn odd(&mut self, series: &mut Vec<(Labels, f64)>, turn: i64, target: &dyn Fn(&str) -> Labels) {
        let mixed = match turn % 7 {
            0 => NAN,
            3 => f64::INFINITY,
            5 => f64::NEG_INFINITY,
            other => other as f64 * 0.5,
        };
        for (kind, value) in [("nan", NAN), ("inf", f64::INFINITY), ("low", f64::NEG_INFINITY), ("mixed", mixed)] {
            series.push((target("odd").with("kind", kind), value));
        }
        if self.rng.percent(60) {
            series.push(self.gauge(target("flapping").with("slot", "1")));
        }
        if turn % 9 < 4 {
            series.push(self.gauge(target("flapping").with("slot", "2")));
        }
    }
}

/// A store with all of them, each source one of ours.
pub fn store(sources: &[Source]) -> Store {
    let day = Duration::from_secs(24 * 3600);
    let mut store = Store::new(Retention { named: day, rest: day, rolled: day, cap_bytes: 1 << 30 });
    for source in sources {
        let id = SourceId::new(format!("fleet/{}/metrics/exposition", source.name));
        let (interval, timeout) = (Duration::from_secs(15), Duration::from_secs(2));
        store.declare(SourceState::new(id.clone(), "fleet".into(), String::new(), interval, timeout));
        for row in &source.rows {
            let layout = Layout::new(row.series.iter().map(|(labels, _)| labels.clone()).collect());
            let values: Vec<f64> = row.series.iter().map(|(_, value)| *value).collect();
            let sent = At { boot: Boot((row.at - START + 1_000_000) as u64), wall: Wall(row.at) };
            store.link(&Batch::of(id.clone(), sent, Duration::from_millis(3), Arc::new(layout), values));
        }
    }
    store
}

/// The samples of every series, oldest first, with the markers that a scraping Prometheus would have set.
pub fn series(sources: &[Source]) -> BTreeMap<Labels, Vec<(i64, f64)>> {
    let mut all: BTreeMap<Labels, Vec<(i64, f64)>> = BTreeMap::new();
    for source in sources {
        let mut before: Vec<&Labels> = Vec::new();
        for row in &source.rows {
            for (labels, value) in &row.series {
                all.entry(labels.clone()).or_default().push((row.at, *value));
            }
            let now: Vec<&Labels> = row.series.iter().map(|(labels, _)| labels).collect();
            for left in before.iter().filter(|labels| !now.contains(labels)) {
                all.entry((*left).clone()).or_default().push((row.at, STALE));
            }
            before = now;
        }
    }
    all
}

/// The times of all samples: where edges of ranges are worth a question.
pub fn times(sources: &[Source]) -> Vec<i64> {
    sources.iter().flat_map(|source| source.rows.iter().map(|row| row.at)).collect()
}
