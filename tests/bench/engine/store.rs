//! What one message costs the loop that also reads the keyboard: linking, narrowing, dropping, asking.

use std::sync::Arc;
use std::time::Duration;

use opsconsole::base::{At, Boot, Wall};
use opsconsole::model::labels::NAME;
use opsconsole::model::{Answer, HttpAnswer, Matcher, Reply, Retention, Scope, SourceState, Store};
use opsconsole::sources::Cursor;

use super::{corpus, quantile, row, scrape, thread_seconds};

const SERIES: usize = 100_000;
/// Seconds between two rows, so that rows are narrowed and dropped within the benchmark.
const INTERVAL_SECONDS: i64 = 10;
const ROWS: usize = 120;

pub fn run() {
    let bodies: Vec<String> = (0..3).map(|tick| corpus::exposition(SERIES, tick)).collect();
    measured("link a row of 100k series into a full store", &bodies);
    let fewer = |body: &String, row: usize| {
        let lines = body.lines().enumerate().filter(|(at, _)| at % 1000 != row);
        lines.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let changing: Vec<String> = bodies.iter().enumerate().map(|(row, body)| fewer(body, row * 300)).collect();
    measured("the same, where every row has another shape", &changing);
}

fn measured(what: &str, bodies: &[String]) {
    let source = scrape::source("http://127.0.0.1:1");
    let mut store = Store::new(Retention::default());
    let raised = Retention { cap_bytes: 1 << 30, ..Retention::default() };
    store.keep((0..40).map(|n| Arc::from(format!("node_handled_messages_{n}_total"))), raised);
    let (target, id) = (source.bound.target.clone(), source.bound.id.clone());
    let interval = Duration::from_secs(INTERVAL_SECONDS as u64);
    store.declare(SourceState::new(id, target.clone(), String::new(), interval, interval));
    let mut cursor = Cursor::default();
    let mut links = Vec::new();
    let mut now = Wall(0);
    for (at, body) in bodies.iter().cycle().take(ROWS).enumerate() {
        now = Wall(1_757_407_389_000 + at as i64 * INTERVAL_SECONDS * 1000);
        let reply = Reply {
            answer: Answer::Http(HttpAnswer {
                status: 200,
                content_type: "text/plain".to_owned(),
                date: None,
                body: body.clone().into_bytes(),
            }),
            sent: At { boot: Boot(at as u64 * 10_000), wall: now },
            took: Duration::from_millis(5),
        };
        let batch = Arc::new(source.decode(&mut cursor, &reply));
        let began = thread_seconds();
        store.link(&batch);
        drop(batch);
        links.push((thread_seconds() - began) * 1e3);
    }
    row(&format!("{what}, first, ms"), links[0], "-");
    let mut full = links.split_off(40);
    row("  median ms", quantile(&mut full, 0.5), "-");
    row("  worst ms", quantile(&mut full, 1.0), "8");
    let scope = Scope::Target(target);
    let asked = |name: &str| {
        let matchers = [Matcher::equal(NAME, name)];
        let began = thread_seconds();
        let found = store.instant(&scope, &matchers, now, Duration::from_secs(300)).len();
        assert!(found > 0 && store.observed_since(&scope, name).is_some());
        (thread_seconds() - began) * 1e3
    };
    let mut times: Vec<f64> = (0..100).map(|n| asked(&format!("node_handled_messages_{n}_total"))).collect();
    row("  one name of it, asked for now and since when, p95 ms", quantile(&mut times, 0.95), "-");
}
