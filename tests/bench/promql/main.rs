//! What evaluation costs, beside a real Prometheus on the same samples in the same run.
//!
//! `cargo bench --bench promql` prints a table: CPU time of this thread, CPU time of the Prometheus process (its own
//! accounts, `/proc/PID/stat`) for the same question over HTTP, how many times that is ours, and the target. `-- sizes`,
//! `-- rules` or `-- growth` prints one part. Without a Prometheus installed its columns stay empty.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks and starts programs")]

mod data;
mod rules;
#[path = "../../real/promql/server.rs"]
mod server;

use std::time::Duration;

use data::{Both, SAMPLES};
use opsconsole::base::Wall;
use opsconsole::model::{Scope, Store};
use opsconsole::promql::{Expr, Steps, evaluate, evaluate_range};

/// One line of the table; all in milliseconds of CPU time.
pub struct Row {
    pub figure: String,
    pub ours: f64,
    pub theirs: Option<f64>,
    pub target: Option<f64>,
}

impl Row {
    pub fn print(&self) {
        let theirs = self.theirs.map_or_else(|| "-".to_owned(), |theirs| format!("{theirs:.1}"));
        let times = self.theirs.map_or_else(|| "-".to_owned(), |theirs| format!("{:.0}", theirs / self.ours));
        let target = self.target.map_or_else(|| "-".to_owned(), |target| format!("{target:.0}"));
        let verdict = match self.target {
            Some(target) if self.ours > target => "missed",
            Some(_) => "met",
            None => "",
        };
        println!("{:<66} {:>9.3} {theirs:>11} {times:>7} {target:>7} {verdict}", self.figure, self.ours);
    }
}

/// CPU time of this thread in seconds: other work on the machine does not count.
pub fn thread_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Milliseconds that one of these takes: the median of as many as a second holds, at least five.
pub fn cost(mut work: impl FnMut()) -> f64 {
    work();
    let mut times = Vec::new();
    while times.len() < 5 || times.iter().sum::<f64>() < 1000.0 && times.len() < 200 {
        let began = thread_seconds();
        work();
        times.push((thread_seconds() - began) * 1e3);
    }
    median(times)
}

fn instant(store: &Store, text: &str) -> f64 {
    let expr = Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    cost(|| {
        std::hint::black_box(evaluate(&expr, store, &Scope::Fleet, data::END).expect(text));
    })
}

fn range(store: &Store, text: &str, steps: Steps) -> f64 {
    let expr = Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    cost(|| {
        std::hint::black_box(evaluate_range(&expr, store, &Scope::Fleet, steps).expect(text));
    })
}

fn sizes() {
    for (series, rate, quantile, sum) in [(10_000, 4.0, 6.0, 1.0), (100_000, 50.0, 70.0, 10.0)] {
        let both = Both::with(data::plain(series));
        let thousands = series / 1000;
        for (text, target) in [
            ("sum(rate(x[5m]))", rate),
            ("histogram_quantile(0.95, sum by (le) (rate(b[5m])))", quantile),
            ("sum(x)", sum),
        ] {
            let figure = format!("{text}, {thousands} k × {SAMPLES}");
            let (ours, theirs) = (instant(&both.store, text), both.theirs_at(text));
            Row { figure, ours, theirs, target: Some(target) }.print();
        }
        if series == 10_000 {
            let text = "sum(rate(x[1m]))";
            let steps =
                Steps::between(Wall(data::END.0 - 59 * data::INTERVAL_MILLIS), data::END, data::INTERVAL_MILLIS);
            let figure = format!("range query {text}, {} steps, {thousands} k", steps.count);
            let (ours, theirs) = (range(&both.store, text, steps), both.theirs_over(text, steps));
            Row { figure, ours, theirs, target: Some(20.0) }.print();
        }
    }
}

fn growth() {
    println!("{:<66} {:>9} {:>11}", "growth of sum(rate(x[5m])), µs a series", "ours", "prometheus");
    for series in [1_000, 3_000, 10_000, 30_000, 100_000] {
        let both = Both::with(data::counters(series));
        let text = "sum(rate(x[5m]))";
        let each = |millis: f64| millis * 1e3 / series as f64;
        let theirs = both.theirs_at(text).map_or_else(|| "-".to_owned(), |theirs| format!("{:.2}", each(theirs)));
        println!("{:<66} {:>9.3} {theirs:>11}", format!("  {series} series"), each(instant(&both.store, text)));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // `cargo test --benches` asks for no figures.
    if arguments.first().is_some_and(|first| first == "--test") {
        return;
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    println!("{:<66} {:>9} {:>11} {:>7} {:>7}", "CPU time in ms", "ours", "prometheus", "times", "target");
    if wanted("sizes") {
        sizes();
    }
    if wanted("rules") {
        rules::run();
    }
    if wanted("growth") {
        growth();
    }
    // The last Prometheus is given the time to end.
    std::thread::sleep(Duration::from_millis(10));
}
