//! The same samples in a store of ours and in a real Prometheus.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use opsconsole::base::{At, Boot, SourceId, Wall};
use opsconsole::model::{Batch, Labels, Layout, Retention, SourceState, Store};
use opsconsole::promql::Steps;

use super::median;
use super::server::{Connection, Prometheus};

/// Of each series: five minutes, one every five seconds.
pub const SAMPLES: usize = 60;
pub const INTERVAL_MILLIS: i64 = 5_000;
const START: i64 = 1_600_000_000_000;
/// The time of the newest sample, at which everything is asked.
pub const END: Wall = Wall(START + (SAMPLES as i64 - 1) * INTERVAL_MILLIS);

pub const TARGET: &str = "bench";
const SOURCE: &str = "bench/node/metrics/exposition";
const BOUNDS: [&str; 10] = ["0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "+Inf"];

/// A question is repeated to Prometheus until it has cost so many seconds, or so many times.
const LEAST_SECONDS: f64 = 0.4;
const MOST_ASKED: usize = 40;
/// The accounts of the system are in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// Series, and what each grows by from one sample to the next.
pub type Series = Vec<(Labels, f64)>;

fn labelled(name: &str, at: usize) -> Labels {
    Labels::named(name)
        .with("job", "node")
        .with("instance", &format!("10.0.{}.{}:9100", at / 250 % 250, at % 250))
        .with("method", ["get", "post", "put", "delete"][at % 4])
        .with("path", &format!("/api/v1/{}", at / 4))
}

/// So many counters `x`.
pub fn counters(series: usize) -> Series {
    (0..series).map(|at| (labelled("x", at), 1.0 + (at % 97) as f64 / 8.0)).collect()
}

/// So many counters `x`, and so many buckets `b`.
pub fn plain(series: usize) -> Series {
    let bucket = |at: usize| {
        let (histogram, bound) = (at / BOUNDS.len(), at % BOUNDS.len());
        (labelled("b", histogram).with("le", BOUNDS[bound]), (bound + 1) as f64 * (1.0 + (histogram % 13) as f64))
    };
    let mut all = counters(series);
    all.extend((0..series).map(bucket));
    all
}

pub struct Both {
    pub store: Store,
    prometheus: Option<(Prometheus, tempfile::TempDir)>,
}

impl Both {
    pub fn with(series: Series) -> Both {
        let prometheus = started(&series);
        Both { store: store(&series), prometheus }
    }

    /// Milliseconds of CPU time of Prometheus for one question at the end.
    pub fn theirs_at(&self, text: &str) -> Option<f64> {
        let path = format!("/api/v1/query?query={}&time={}", percent(text), END.0 / 1000);
        self.theirs(&[path])
    }

    /// The same, over steps.
    pub fn theirs_over(&self, text: &str, steps: Steps) -> Option<f64> {
        let (start, end, step) = (steps.start.0 / 1000, steps.end.0 / 1000, steps.step_millis / 1000);
        let path = format!("/api/v1/query_range?query={}&start={start}&end={end}&step={step}", percent(text));
        self.theirs(&[path])
    }

    /// The same, for all of these questions together, without what it costs to be asked.
    pub fn theirs_of_all(&self, texts: &[String]) -> Option<f64> {
        let asked = |text: &str| format!("/api/v1/query?query={}&time={}", percent(text), END.0 / 1000);
        let real: Vec<String> = texts.iter().map(|text| asked(text)).collect();
        let none: Vec<String> = texts.iter().map(|_| asked("vector(1)")).collect();
        Some(self.theirs(&real)? - self.theirs(&none)?)
    }

    fn theirs(&self, paths: &[String]) -> Option<f64> {
        let (prometheus, _) = self.prometheus.as_ref()?;
        let mut connection = prometheus.connect();
        ask(&mut connection, paths);
        let batch = |connection: &mut Connection| {
            let (began, mut asked) = (cpu_seconds(prometheus), 0);
            while asked < 3 || asked < MOST_ASKED && cpu_seconds(prometheus) - began < LEAST_SECONDS {
                ask(connection, paths);
                asked += 1;
            }
            (cpu_seconds(prometheus) - began) * 1e3 / asked as f64
        };
        Some(median((0..3).map(|_| batch(&mut connection)).collect()))
    }
}

fn ask(connection: &mut Connection, paths: &[String]) {
    for path in paths {
        let (status, body) = connection.get(path);
        assert!(status == 200, "{path}: {status} {body}");
    }
}

/// User and system time of the process so far.
fn cpu_seconds(prometheus: &Prometheus) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", prometheus.id())).expect("it runs");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().expect("ticks"));
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

fn started(series: &Series) -> Option<(Prometheus, tempfile::TempDir)> {
    let installed = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("prometheus").is_file()));
    if !installed {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
    let prometheus = Prometheus::start(folder.path(), port);
    let samples = |grown: f64| (0..SAMPLES).map(move |at| (START + at as i64 * INTERVAL_MILLIS, grown * at as f64));
    let all: BTreeMap<Labels, Vec<(i64, f64)>> =
        series.iter().map(|(labels, grown)| (labels.clone(), samples(*grown).collect())).collect();
    prometheus.load(all.iter(), INTERVAL_MILLIS * 4);
    Some((prometheus, folder))
}

/// All of them as one source gives them, row by row.
pub fn store(series: &Series) -> Store {
    let whole = Duration::from_secs(3600);
    let mut store = Store::new(Retention { named: whole, rest: whole, rolled: whole, cap_bytes: 4 << 30 });
    let interval = Duration::from_millis(INTERVAL_MILLIS as u64);
    store.declare(SourceState::new(SourceId::new(SOURCE), TARGET.into(), String::new(), interval, interval));
    let layout = Arc::new(Layout::new(series.iter().map(|(labels, _)| labels.clone()).collect()));
    for at in 0..SAMPLES {
        let values: Vec<f64> = series.iter().map(|(_, grown)| grown * at as f64).collect();
        let sent = now_at(at);
        store.link(&Batch::of(SourceId::new(SOURCE), sent, Duration::from_millis(3), Arc::clone(&layout), values));
    }
    store
}

/// The time of a sample on both clocks.
pub fn now_at(sample: usize) -> At {
    let millis = sample as i64 * INTERVAL_MILLIS;
    At { boot: Boot(1_000_000 + millis as u64), wall: Wall(START + millis) }
}

fn percent(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
