//! Polls of a real server on loopback: their rhythm, their turns, and what harms whom.

use std::sync::atomic::Ordering;

use super::super::fetch::http::loopback::{Act, answer, serve};
use super::*;
use crate::base::{Boot, Wall};
use crate::model::Labels;
use crate::sources::prometheus_text::PrometheusTextSpec;
use crate::sources::{BoundSource, BudgetSpec, SourceKindSpec, SourceSpec};

fn clock() -> At {
    // It stands still, so that no budget refills.
    At { boot: Boot(1_000), wall: Wall(1_000) }
}

fn source(id: &str, url: &str, interval_seconds: f64) -> Arc<Source> {
    let spec = SourceSpec {
        id: id.to_owned(),
        endpoint: "e".to_owned(),
        interval_seconds,
        timeout_seconds: 2.0,
        limit_bytes: 1 << 20,
        decides_up: true,
        cost: None,
        budget: None,
        once: false,
        kind: SourceKindSpec::PrometheusText(PrometheusTextSpec { path: "/metrics".to_owned(), limit_series: 100 }),
        from: Vec::new(),
        documented: Vec::new(),
        deviates: None,
        answers: Vec::new(),
        tells: Default::default(),
    };
    let bound = BoundSource {
        id: SourceId::new(id),
        target: "t".into(),
        base_url: url.to_owned(),
        credentials: None,
        budget: None,
        labels: Labels::from_pairs([("target", "t")]),
        spec,
        machine: None,
        recognise: None,
        http: Default::default(),
    };
    Arc::new(Source::compile(bound).expect("a source that compiles"))
}

fn rates(rate: f64) -> BTreeMap<TargetId, f64> {
    BTreeMap::from([("t".into(), rate)])
}

async fn polled(messages: &mut mpsc::Receiver<(At, Msg)>) -> Arc<Batch> {
    loop {
        match messages.recv().await {
            Some((_, Msg::Polled(batch))) => return batch,
            Some((_, Msg::NextTry { at, .. })) => assert!(at >= clock().boot),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn sources_are_polled_and_what_came_is_told() {
    let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
    let (sender, mut messages) = mpsc::channel(1);
    let sources = vec![source("s", &server.url, 0.01)];
    let poller = Poller::start(sources, &rates(1e6), &Acquaintances::default(), &Fetcher::new(), &sender, clock);
    for _ in 0..3 {
        let batch = polled(&mut messages).await;
        assert_eq!((batch.failure.clone(), batch.layout.series().len()), (None, 4));
    }
    drop(poller);
    drop(sender);
    while messages.recv().await.is_some() {}
}

#[tokio::test]
async fn a_broken_source_harms_only_itself() {
    let (good, bad) = (serve(vec![answer("200 OK", "", "a 1\n")]).await, serve(vec![Act::Hold]).await);
    let (sender, mut messages) = mpsc::channel(8);
    let sources = vec![source("bad", &bad.url, 0.01), source("good", &good.url, 0.01)];
    let _poller = Poller::start(sources, &rates(1e6), &Acquaintances::default(), &Fetcher::new(), &sender, clock);
    for _ in 0..5 {
        assert_eq!(polled(&mut messages).await.source.as_str(), "good");
    }
}

#[tokio::test]
async fn no_more_than_two_requests_are_under_way() {
    let slow = vec![Act::Pause(Duration::from_millis(20)), answer("200 OK", "", "a 1\n")];
    let server = serve(slow).await;
    let (sender, mut messages) = mpsc::channel(8);
    let sources = (0..6).map(|n| source(&format!("s{n}"), &server.url, 0.001)).collect();
    let _poller = Poller::start(sources, &rates(1e6), &Acquaintances::default(), &Fetcher::new(), &sender, clock);
    for _ in 0..12 {
        polled(&mut messages).await;
    }
    assert_eq!(server.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_rate_holds_whatever_the_intervals_ask_for() {
    let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
    let (sender, mut messages) = mpsc::channel(8);
    let sources = (0..4).map(|n| source(&format!("s{n}"), &server.url, 0.001)).collect();
    let _poller = Poller::start(sources, &rates(0.02), &Acquaintances::default(), &Fetcher::new(), &sender, clock);
    polled(&mut messages).await;
    // The next turn is fifty seconds away.
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_core_that_is_behind_stops_the_polling() {
    let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
    let (sender, mut messages) = mpsc::channel(1);
    let sources = vec![source("s", &server.url, 0.001)];
    let _poller = Poller::start(sources, &rates(1e6), &Acquaintances::default(), &Fetcher::new(), &sender, clock);
    while server.requests.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.requests.load(Ordering::SeqCst), 1, "the second message has no room");
    polled(&mut messages).await;
    polled(&mut messages).await;
    assert!(server.requests.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn a_source_can_be_asked_now() {
    let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
    let (sender, mut messages) = mpsc::channel(8);
    let poller = Poller::start(
        vec![source("s", &server.url, 3600.0)],
        &rates(9.0),
        &Acquaintances::default(),
        &Fetcher::new(),
        &sender,
        clock,
    );
    polled(&mut messages).await;
    assert!(poller.nudges().fetch_now(&"s".into()));
    polled(&mut messages).await;
    assert!(!poller.nudges().fetch_now(&"unknown".into()));
}

#[tokio::test]
async fn what_is_of_another_machine_is_told_once_and_never_read() {
    use crate::sources::{Machine, disk::DiskSpec};
    let mut bound = source("s", "http://127.0.0.1:1", 0.001).bound.clone();
    bound.spec.kind = SourceKindSpec::Disk(DiskSpec { path: "/".to_owned() });
    bound.machine = Some(Machine::Elsewhere { why: "it is over there".to_owned() });
    let source = Arc::new(Source::compile(bound).expect("a source that compiles"));
    let (sender, mut messages) = mpsc::channel(8);
    let poller = Poller::start(vec![source], &rates(1e6), &Acquaintances::default(), &Fetcher::new(), &sender, clock);
    let failure = polled(&mut messages).await.failure.clone();
    assert_eq!(failure.map(|failure| failure.to_string()).as_deref(), Some("not read: it is over there"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(messages.try_recv().is_err(), "no next try is announced, and none comes");
    assert!(!poller.nudges().fetch_now(&"s".into()));
}

#[tokio::test]
async fn a_program_that_hangs_does_not_delay_what_is_asked_of_the_node() {
    use crate::sources::{Machine, command::CommandSpec, command::OutputSpec};
    let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
    let hanging = |id: &str| {
        let mut bound = source(id, &server.url, 10.0).bound.clone();
        let argv = ["sleep", "60"].map(str::to_owned).to_vec();
        bound.spec.kind = SourceKindSpec::Command(CommandSpec { argv, output: OutputSpec::ExitCode });
        bound.machine = Some(Machine::Here);
        Arc::new(Source::compile(bound).expect("a source that compiles"))
    };
    let (sender, mut messages) = mpsc::channel(8);
    let sources = vec![hanging("one"), hanging("two"), hanging("three"), source("node", &server.url, 0.01)];
    let _poller = Poller::start(sources, &rates(1e6), &Acquaintances::default(), &Fetcher::new(), &sender, clock);
    for _ in 0..5 {
        assert_eq!(polled(&mut messages).await.source.as_str(), "node");
    }
}

#[tokio::test]
async fn large_answers_are_decoded_elsewhere_and_keep_their_cursor() {
    let body: String = (0..90).map(|n| format!("a{{n=\"{n}\",text=\"{}\"}} 1\n", "x".repeat(300))).collect();
    assert!(body.len() > DECODED_IN_PLACE);
    let server = serve(vec![answer("200 OK", "", &body)]).await;
    let (source, fetcher) = (source("s", &server.url, 1.0), Fetcher::new());
    let mut cursor = Cursor::default();
    let first = poll_once(&source, &mut cursor, &fetcher, clock).await;
    let second = poll_once(&source, &mut cursor, &fetcher, clock).await;
    assert_eq!(first.values.len(), 93);
    assert!(Arc::ptr_eq(&first.layout, &second.layout));
}

#[tokio::test]
async fn a_quarantined_source_is_not_asked_again() {
    let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
    let source = source("s", &server.url, 1.0);
    let overrun = FetchFailure::Overrun { filter: "s".to_owned() };
    let mut cursor = Cursor::default();
    cursor.quarantined = Some(overrun.clone());
    let batch = poll_once(&source, &mut cursor, &Fetcher::new(), clock).await;
    assert_eq!(batch.failure, Some(overrun));
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

/// A source whose reads the node counts.
fn counted(id: &str, url: &str, per_second: f64) -> Arc<Source> {
    let spec =
        BudgetSpec { name: "reads".to_owned(), help: String::new(), per_second, pause_seconds: 60.0, from: Vec::new() };
    let mut bound = source(id, url, 0.01).bound.clone();
    bound.budget = Some(spec.at(url));
    Arc::new(Source::compile(bound).expect("a source that compiles"))
}

#[tokio::test]
async fn a_poll_without_a_turn_is_late_and_delays_nobody_else() {
    let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
    let (sender, mut messages) = mpsc::channel(8);
    let sources = vec![counted("one", &server.url, 0.01), counted("two", &server.url, 0.01)];
    let sources = sources.into_iter().chain([source("free", &server.url, 0.01)]).collect();
    let _poller = Poller::start(sources, &rates(1e6), &Acquaintances::default(), &Fetcher::new(), &sender, clock);
    let (mut read, mut late, mut free) = (0, 0, 0);
    while late < 4 || free < 4 {
        let batch = polled(&mut messages).await;
        match (&batch.failure, batch.source.as_str()) {
            (None, "free") => free += 1,
            (None, _) => read += 1,
            (Some(FetchFailure::Late { .. }), "one" | "two") => {
                assert_eq!(batch.values.len(), 0, "nobody was found down");
                late += 1;
            }
            (failure, source) => panic!("{source}: {failure:?}"),
        }
    }
    assert_eq!(read, 1, "the next turn is a hundred seconds away");
}

#[tokio::test]
async fn a_node_that_was_asked_too_often_is_left_alone_by_all() {
    let busy = serve(vec![answer("429 Too Many Requests", "", "")]).await;
    let fetcher = Fetcher::new();
    let (one, two) = (counted("one", &busy.url, 1e2), counted("two", &busy.url, 1e2));
    let refused = poll_once(&one, &mut Cursor::default(), &fetcher, clock).await;
    assert_eq!(refused.failure, Some(FetchFailure::Status { status: 429 }));
    let late = poll_once(&two, &mut Cursor::default(), &fetcher, clock).await;
    assert!(matches!(late.failure, Some(FetchFailure::Late { .. })), "{:?}", late.failure);
    assert_eq!(busy.requests.load(Ordering::SeqCst), 1);
}
