//! The console beside a real Prometheus that remembers a target from before the console looked: its past in charts and
//! ranges, and the Prometheus asked instead of the console.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use opsconsole::model::Labels;

use crate::promql::server::Prometheus;
use crate::terminal::{Console, PROGRAM, wait};
use crate::{free_port, has};

/// How far back the Prometheus remembers, and how often it scraped.
const PAST_SECONDS: i64 = 840;
const SCRAPED_EVERY: i64 = 15;

/// Per second, in the past and now.
const SLOPE: f64 = 3.0;

const RULES: &str = "groups:
- name: work
  rules:
  - alert: WorkStands
    expr: rate(work_done_total[10m]) < 1
  - alert: WorkFlies
    expr: rate(work_done_total[10m]) > 1000
";

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_secs_f64()
}

/// A node that counts, from now on.
fn node(port: u16) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut head = [0; 4096];
            let _asked = stream.read(&mut head);
            let body = format!("work_done_total {}\nbegun_now 7\n", (now() * SLOPE).floor());
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _gone = stream.write_all(answer.as_bytes());
        }
    });
}

/// What a Prometheus that scraped the node, and a stranger, would have.
fn remembered(node: u16) -> Vec<(Labels, Vec<(i64, f64)>)> {
    let end = now() as i64;
    let times = (0..PAST_SECONDS / SCRAPED_EVERY).map(|n| end - PAST_SECONDS + n * SCRAPED_EVERY);
    let times: Vec<i64> = times.collect();
    let samples = |value: &dyn Fn(i64) -> f64| times.iter().map(|at| (at * 1000, value(*at))).collect::<Vec<_>>();
    let of = |name: &str, instance: &str| {
        Labels::named(name).with("job", "scraped").with("instance", instance).with("rack", "r1")
    };
    let (ours, stranger) = (format!("127.0.0.1:{node}"), "10.1.1.1:9");
    vec![
        (of("up", &ours), samples(&|_| 1.0)),
        (of("work_done_total", &ours), samples(&|at| at as f64 * SLOPE)),
        (of("up", stranger), samples(&|_| 1.0)),
        (of("work_done_total", stranger), samples(&|at| at as f64 * 1_000_000.0)),
    ]
}

fn configured(folder: &Path, prometheus: &str, node: u16) -> String {
    let rules = folder.join("rules.yml");
    std::fs::write(&rules, RULES).expect("written");
    let config = folder.join("config.ron");
    let text = format!(
        "(targets: [(id: \"worker\", system: \"prometheus\", environment: Development, {prometheus} nodes: [(id: \
         \"node-1\", endpoints: [(id: \"metrics\", url: \"http://127.0.0.1:{node}\")])])], state_root: {:?}, rules: \
         [(file: {:?})])",
        folder.join("state").display().to_string(),
        rules.display().to_string()
    );
    std::fs::write(&config, text).expect("written");
    config.display().to_string()
}

fn run(args: &[&str], config: &str) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM).args(args).args(["--config", config]).output().expect("it runs");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), text)
}

#[test]
fn the_past_of_a_prometheus_fills_charts_and_ranges_and_it_can_be_asked() {
    if !has("prometheus") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (port, node_port) = (free_port(), free_port());
    let prometheus = Prometheus::start(folder.path(), port);
    node(node_port);
    let past = remembered(node_port);
    prometheus.load(past.iter().map(|(labels, samples)| (labels, samples)), 600_000);
    let url = format!("http://127.0.0.1:{port}");

    // Without it the rules warm up; with it they are judged at the first look.
    let (code, said) = run(&["check"], &configured(folder.path(), "", node_port));
    assert!(code == Some(3) && said.contains("WorkStands is warming up"), "{code:?} {said}");
    let config = configured(folder.path(), &format!("prometheus: (url: {url:?}),"), node_port);
    let (code, said) = run(&["check", "--wait", "20"], &config);
    assert!(!said.contains("warming up") && !said.contains("Work"), "{code:?} {said}");
    let (_, said) = run(&["doctor"], &config);
    assert!(said.contains("worker/prometheus/history"), "{said}");

    let mut console = Console::start(&["--config", &config], 160, 50);
    console.shows("worker");
    console.type_text("6");
    console.shows("prometheus/history");
    console.type_text("/history\r");
    console.shows("of 2 series (112 samples) from prometheus at");
    println!("{}", console.screen());

    // Twelve minutes of a rate that has been measured here for seconds.
    console.type_text("\u{1b}");
    console.type_text("7e");
    console.shows("expression (PromQL)");
    console.type_text("\u{15}rate(work_done_total[2m])\r");
    console.shows("rate(work_done_total[2m])");
    console.shows("a column is 15s");
    // The first column or two have less than two minutes before them.
    wait("the past in the chart", || console.screen().contains("last 3.00/s  min "));
    console.shows("from prometheus before ");
    let here = console.screen();
    println!("{here}");
    assert!(!here.contains("from prometheus at"), "{here}");

    console.type_text("O");
    console.shows(&format!("from prometheus at {url}: rate(work_done_total[2m])"));
    // Its own labels, and those of the stranger, whom the expression does not leave out.
    console.shows("10.1.1.1:9");
    println!("{}", console.screen());
    console.type_text("e\u{15}up * on (job) up\r");
    console.shows("the server refuses: execution: found duplicate series");
    println!("{}", console.screen());
    console.type_text("O");
    console.shows("charts are evaluated by this console now");

    // A Prometheus that is gone is said to be.
    console.type_text("e\u{15}work_done_total\rO");
    console.shows(&format!("from prometheus at {url}: work_done_total"));
    drop(prometheus);
    console.shows("connection refused");
    println!("{}", console.screen());
    console.type_text("q");
    console.ended();

    let (_, said) = run(&["doctor"], &config);
    assert!(said.contains("worker/prometheus/history") && said.contains("connection refused"), "{said}");
}
