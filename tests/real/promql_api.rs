//! Sources that ask a Prometheus, as two systems have them, and a real one that scrapes what they want to know.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::look::{Look, series};
use crate::promql::server::Prometheus;
use crate::terminal::wait;
use crate::{free_port, has};

/// What answers every scrape with what it was told.
struct Exporter {
    port: u16,
    says: Arc<Mutex<Says>>,
}

struct Says {
    status: u16,
    /// What it answers after so many scrapes in which something happened.
    body: fn(u64) -> String,
    lively: bool,
    scrapes: u64,
}

impl Exporter {
    fn start(body: fn(u64) -> String) -> Exporter {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let says = Arc::new(Mutex::new(Says { status: 200, body, lively: false, scrapes: 0 }));
        let shared = Arc::clone(&says);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _asked = stream.read(&mut [0; 4096]);
                let mut says = shared.lock().expect("nobody panicked");
                says.scrapes += u64::from(says.lively);
                let body = (says.body)(says.scrapes);
                let answer = format!(
                    "HTTP/1.1 {} Said\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    says.status,
                    body.len()
                );
                let _gone = stream.write_all(answer.as_bytes());
            }
        });
        Exporter { port, says }
    }

    fn tell(&self, change: impl FnOnce(&mut Says)) {
        change(&mut self.says.lock().expect("nobody panicked"));
    }
}

/// Of ten readings, how many took up to 1, 5 and 30 seconds.
fn latencies(of_ten: [u64; 3], scrapes: u64) -> String {
    let buckets = ["1", "5", "30", "+Inf"].into_iter().zip(of_ten.into_iter().chain([10]));
    let bucket = |(le, count)| format!("oracle_latency_seconds_bucket{{le=\"{le}\"}} {}\n", count * scrapes);
    buckets.map(bucket).collect()
}

/// A node as it is built, which knows nothing of the oracle.
fn node(_scrapes: u64) -> String {
    "energy_provider_total 3\n".to_owned()
}

fn oracle(scrapes: u64) -> String {
    let slashed = format!("energy_slashing_total{{provider=\"p-7\",reason=\"late\"}} {scrapes}\n");
    latencies([5, 9, 10], scrapes) + if scrapes > 0 { &slashed } else { "" }
}

/// Another deployment, where everything takes longer: mixed in, it would be seen in every quantile.
fn stranger(scrapes: u64) -> String {
    latencies([0, 0, 0], scrapes) + &format!("energy_slashing_total{{provider=\"p-1\",reason=\"late\"}} {scrapes}\n")
}

/// A daemon that calls its labels like everybody else.
fn daemon(scrapes: u64) -> String {
    let mode = "coinjecture_codec_mode{job=\"daemon\",target=\"canary\",node=\"n-9\",mode=\"shadow\"} 1\n";
    "coinjecture_parity_matches_total 0\n".to_owned() + if scrapes > 0 { mode } else { "" }
}

/// A chain whose series are told by a label of the server's, and a daemon whose series are those of its address.
fn configured(folder: &Path, server: u16, node: u16, daemon: u16) -> PathBuf {
    let config = folder.join("config.ron");
    let target = |id: &str, matchers: &str, port: u16| {
        let system = id.trim_end_matches("-1");
        format!(
            "(id: {id:?}, system: {system:?}, environment: Development, requests_per_second: 20.0, prometheus: (url: \
             \"http://127.0.0.1:{server}\"{matchers}), nodes: [(id: \"node-1\", endpoints: [(id: \"metrics\", url: \
             \"http://127.0.0.1:{port}\")])])"
        )
    };
    let text = format!(
        "(targets: [{}, {}], state_root: {:?})",
        target(CHAIN, ", matchers: \"deployment=\\\"main\\\"\"", node),
        target(DAEMON, "", daemon),
        folder.join("state").display().to_string()
    );
    std::fs::write(&config, text).expect("written");
    config
}

fn scraping([node, oracle, stranger, daemon]: [u16; 4]) -> String {
    format!(
        "global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: chain
    static_configs:
      - targets: ['127.0.0.1:{node}', '127.0.0.1:{oracle}']
        labels: {{deployment: main}}
      - targets: ['127.0.0.1:{stranger}']
        labels: {{deployment: other}}
      - targets: ['127.0.0.1:{daemon}']
"
    )
}

const CHAIN: &str = "fastmainnet-1";
const DAEMON: &str = "coinjecture-1";
const LATENCIES: [(&str, &str, f64); 3] = [
    ("oracle takes, p50", "oracle_p50", 1.0),
    // Half way from 5 to 30 seconds, and nine tenths of it.
    ("oracle takes, p95", "oracle_p95", 17.5),
    ("oracle takes, p99", "oracle_p99", 27.5),
];

/// A server that does not answer, or refuses: a failure of the sources in its words, and no number anywhere.
fn check_failing(config: &Path, words: &str) {
    let look = Look::at(config, CHAIN);
    for (label, source, _) in LATENCIES {
        let said = look.source(source);
        assert!(said.starts_with("failing") && said.contains(words), "{source}: {said}");
        let row = look.row(label);
        assert!(row.value.is_none() && row.level == "unknown" && row.truth.contains(words), "{label}: {row:?}");
        assert_eq!(look.not_exposed(source), Vec::<String>::new(), "{source}");
    }
    assert_eq!(look.alert("FastMainnetOracleLatencyHigh"), "no data");
    println!("{}", look.source("oracle_p95"));
}

fn check_values(look: &Look) {
    for (label, source, value) in LATENCIES {
        let row = look.row(label);
        println!("{label}: {row:?}, {}", look.source(source));
        assert!(row.value.is_some_and(|found| (found - value).abs() < 1e-9), "{label}: {row:?}");
    }
    // More than 10 seconds, and less than 30.
    assert_eq!(look.row("oracle takes, p95").level, "warning");
    assert_eq!(look.alert("FastMainnetOracleLatencyHigh"), "pending");
    assert_eq!(look.alert("FastMainnetOracleLatencyCritical"), "inactive");
}

#[test]
fn what_a_real_prometheus_answers_is_what_its_sources_say() {
    if !has("prometheus") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (node, oracle) = (Exporter::start(node), Exporter::start(oracle));
    let (stranger, daemon) = (Exporter::start(stranger), Exporter::start(daemon));
    let server = free_port();
    let scraped = scraping([node.port, oracle.port, stranger.port, daemon.port]);
    let start = |arguments: &[&str]| Prometheus::start_with(folder.path(), server, &scraped, arguments);
    let config = configured(folder.path(), server, node.port, daemon.port);
    let prometheus = start(&[]);

    // Nothing happens yet: quantiles of nothing are no numbers, and what is not there is not exposed.
    wait("quantiles of nothing", || {
        let look = Look::at(&config, CHAIN);
        look.source("oracle_p50") == "fresh" && look.not_exposed("oracle_p50").is_empty()
    });
    let look = Look::at(&config, CHAIN);
    for (label, source, _) in LATENCIES {
        let row = look.row(label);
        println!("{label}: {row:?}, {} {:?}", look.source(source), look.not_exposed(source));
        assert!(row.value.is_none() && row.level == "unknown", "{label}: {row:?}");
    }
    assert_eq!(look.not_exposed("slashings"), ["fastmainnet_slashings_day"]);
    assert_eq!(look.row("Prometheus scrapes the node").value, Some(1.0));
    let mode = Look::at(&config, DAEMON);
    assert_eq!(mode.not_exposed("codec_mode_at_prometheus"), ["coinjecture_codec_mode_scraped"]);
    assert_eq!(mode.row("codec mode running, 0 to 3").value, None);

    for exporter in [&oracle, &stranger, &daemon] {
        exporter.tell(|says| says.lively = true);
    }
    wait("the quantiles", || Look::at(&config, CHAIN).row("oracle takes, p95").value.is_some());
    wait("a slashing", || !series("fastmainnet_slashings_day > 0", &[], &config).is_empty());
    let look = Look::at(&config, CHAIN);
    check_values(&look);
    let slashings = series("fastmainnet_slashings_day", &["target", "provider", "reason"], &config);
    println!("{slashings:?}");
    let labels: Vec<_> = slashings.iter().map(|(labels, _)| labels.join(" ")).collect();
    assert_eq!(labels, [format!("{CHAIN} p-7 late")]);

    // Whose label of a name it is stays plain: the console's own, then the server's, then the daemon's.
    let names =
        ["target", "job", "exported_target", "exported_job", "exported_exported_job", "node", "instance", "mode"];
    let modes = series("coinjecture_codec_mode_scraped", &names, &config);
    let instance = format!("127.0.0.1:{}", daemon.port);
    let labels =
        [DAEMON, "coinjecture-metrics", "canary", "daemon", "chain", "n-9", &instance, "shadow"].map(str::to_owned);
    assert_eq!(modes, [(labels.to_vec(), 1.0)]);

    // A part of the chain that fails is told by the server that scrapes it, as a number.
    oracle.tell(|says| says.status = 500);
    wait("a failed scrape", || Look::at(&config, CHAIN).row("Prometheus scrapes the node").value == Some(0.0));
    assert_eq!(Look::at(&config, CHAIN).row("Prometheus scrapes the node").level, "warning");
    oracle.tell(|says| says.status = 200);

    drop(prometheus);
    check_failing(&config, "connection refused");
    let prometheus = start(&["--query.max-samples=1"]);
    check_failing(&config, "the server refuses: execution: query processing would load too many samples");
    drop(prometheus);
    let _prometheus = start(&[]);
    wait("the quantiles again", || Look::at(&config, CHAIN).row("oracle takes, p95").value.is_some());
    check_values(&Look::at(&config, CHAIN));
}
