//! Scrapes from the socket to the store, in a process of their own.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use opsconsole::base::SourceId;
use opsconsole::model::{Labels, Retention, SourceState, Store};
use opsconsole::shell::fetch::Fetcher;
use opsconsole::shell::{clock, poller, runtime};
use opsconsole::sources::prometheus_text::PrometheusTextSpec;
use opsconsole::sources::{BoundSource, Cursor, Source, SourceKindSpec, SourceSpec};
use rustix::time::{ClockId, clock_gettime};

use super::{corpus, quantile, row};

const SCRAPES: usize = 60;

pub fn run() {
    for (series, steady, first, memory) in [(100_000, "18", "270", "110"), (10_000, "-", "-", "18")] {
        let served = corpus::Served::start(series);
        let output = Command::new(std::env::current_exe().expect("this program"))
            .args(["scrape-in-child", &served.url])
            .output()
            .expect("the scraper starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let figures: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [first_ms, steady_ms, decode_ms, resident, peak] = figures[..] else {
            panic!("{text} {}", String::from_utf8_lossy(&output.stderr))
        };
        row(&format!("first scrape of {series} series, socket to store, ms of CPU"), first_ms, first);
        row(&format!("steady scrape of {series}, socket to store, ms of CPU"), steady_ms, steady);
        row("  of that, linking into the store, median ms", decode_ms, "-");
        row(&format!("resident memory of {series} series x {SCRAPES} samples, MB"), resident, memory);
        row("  its peak, MB", peak, "-");
    }
}

/// Scrapes [`SCRAPES`] times and prints the figures.
pub fn child(url: &str) {
    let source = Arc::new(source(url));
    let mut store = Store::new(Retention { cap_bytes: 1 << 30, ..Retention::default() });
    let address = source.address().expect("an address");
    let bound = &source.bound;
    let state = SourceState::new(bound.id.clone(), bound.target.clone(), address, source.interval(), source.timeout());
    store.declare(state);
    let runtime = runtime().expect("a runtime");
    let client = Fetcher::new();
    let mut cursor = Cursor::default();
    let (mut each, mut links) = (Vec::new(), Vec::new());
    for _ in 0..SCRAPES {
        let before = cpu_seconds();
        let batch = runtime.block_on(poller::poll_once(&source, &mut cursor, &client, clock::now));
        assert_eq!(batch.failure, None);
        let linking = cpu_seconds();
        store.link(&batch);
        drop(batch);
        links.push(cpu_seconds() - linking);
        each.push(cpu_seconds() - before);
        // Rows of one millisecond would be one row.
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(store.evicted_rows(), 0);
    let steady = each[5..].iter().sum::<f64>() / (each.len() - 5) as f64;
    let status = std::fs::read_to_string("/proc/self/status").expect("a process");
    let megabytes = |field: &str| {
        let line = status.lines().find(|line| line.starts_with(field)).expect("a field");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("kilobytes") / 1024.0
    };
    let link = quantile(&mut links, 0.5);
    println!("{} {} {} {} {}", each[0] * 1e3, steady * 1e3, link * 1e3, megabytes("VmRSS"), megabytes("VmHWM"));
    assert!(store.bytes() > 0);
}

/// User and system time of all threads, those that ended too.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A source with room for everything.
pub fn source(url: &str) -> Source {
    let spec = SourceSpec {
        id: "metrics".to_owned(),
        endpoint: "metrics".to_owned(),
        interval_seconds: 1.0,
        timeout_seconds: 10.0,
        limit_bytes: 64 << 20,
        decides_up: true,
        cost: None,
        budget: None,
        once: false,
        kind: SourceKindSpec::PrometheusText(PrometheusTextSpec { path: "/metrics".to_owned(), limit_series: 1 << 20 }),
        from: Vec::new(),
        documented: Vec::new(),
        deviates: None,
        answers: Vec::new(),
        tells: Default::default(),
    };
    let pairs = [("job", "chain"), ("instance", "127.0.0.1:9100"), ("node", "node-1"), ("target", "mainnet")];
    let bound = BoundSource {
        id: SourceId::new("mainnet/node-1/metrics/metrics"),
        target: "mainnet".into(),
        base_url: url.to_owned(),
        labels: Labels::from_pairs(pairs),
        credentials: None,
        budget: None,
        spec,
        machine: None,
        recognise: None,
        http: Default::default(),
    };
    Source::compile(bound).expect("a source that compiles")
}
