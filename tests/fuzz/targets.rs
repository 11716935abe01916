//! What is fuzzed: each target has seeds, words of its format, and a reader that must hold.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use opsconsole::app::Msg;
use opsconsole::base::{At, Boot, Digest, Key, SourceId, Wall};
use opsconsole::config::target::ConfigSpec;
use opsconsole::model::{
    Answer, Batch, HttpAnswer, Labels, Layout, Matcher, Reply, Retention, Scope, SourceState, Store,
};
use opsconsole::runbook::{Actor, Entry, Record};
use opsconsole::shell::journal;
use opsconsole::shell::recorder::Recording;
use opsconsole::shell::terminal::input::InputParser;
use opsconsole::sources::open_metrics::OpenMetricsSpec;
use opsconsole::sources::prometheus_text::PrometheusTextSpec;
use opsconsole::sources::{BoundSource, Cursor, Source, SourceKindSpec, SourceSpec};
use opsconsole::systems;

type Run = Box<dyn FnMut(&[u8])>;

pub struct Target {
    pub name: &'static str,
    pub seeds: fn() -> Vec<Vec<u8>>,
    pub words: &'static [&'static [u8]],
    pub start: fn() -> Run,
}

pub const TARGETS: [Target; 7] = [
    Target { name: "exposition", seeds: expositions, words: EXPOSITION_WORDS, start: || decoder(text_source()) },
    Target { name: "open-metrics", seeds: open_metrics, words: EXPOSITION_WORDS, start: || decoder(open_source()) },
    Target { name: "json", seeds: answers, words: JSON_WORDS, start: || decoder(json_source()) },
    Target { name: "input", seeds: keys, words: INPUT_WORDS, start: input },
    Target { name: "config", seeds: configurations, words: RON_WORDS, start: config },
    Target { name: "recording", seeds: recordings, words: JSON_WORDS, start: recording },
    Target { name: "journal", seeds: journals, words: JSON_WORDS, start: journal },
];

const EXPOSITION_WORDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"\"",
    b"\\",
    b"\\\"",
    b"\\n",
    b",",
    b"=",
    b" ",
    b"\n",
    b"\r\n",
    b"#",
    b"# EOF\n",
    b"# TYPE a counter\n",
    b"# TYPE a histogram\n",
    b"# UNIT a_seconds seconds\n",
    b"# HELP ",
    b"le=\"+Inf\"",
    b"_total",
    b"_bucket",
    b"_created",
    b"NaN",
    b"+Inf",
    b"-Inf",
    b"1e999",
    b"-0",
    b"0x1p4",
    b" 1757407389000",
    b" # {id=\"1\"} 0.5 1.5",
    b"\0",
    b"\xff",
    b"\xe2\x80\xae",
    b"up",
    b"opsconsole_",
    b"__name__",
    b"99999999999999999999",
    b"job=\"x\"",
    b"exported_job=\"x\"",
];

const JSON_WORDS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"1e999",
    b"-",
    b"\\u0000",
    b"\\ud800",
    b"[[[[[[[[",
    b"{\"a\":",
    b"0.1",
    b"18446744073709551616",
    b"\n",
    b"\xff",
    b"\"NaN\"",
    b"{\"Happened\":",
    b"\"Full\"\n",
];

const INPUT_WORDS: &[&[u8]] = &[
    b"\x1b",
    b"\x1b[",
    b"\x1bO",
    b"\x1b[200~",
    b"\x1b[201~",
    b"\x1b[?2026;2$y",
    b"\x1b[0n",
    b"\x1b[1;5A",
    b"\x1b[<0;10;20M",
    b"\x1b[M",
    b"\x1b]52;c;",
    b"\x07",
    b"\x1b\\",
    b"\x1bP",
    b"\xc3",
    b"\xa9",
    b"\xf0\x9f",
    b"\x9b",
    b";",
    b"9999999999",
    b"~",
    b"\x00",
    b"\x7f",
];

const RON_WORDS: &[&[u8]] = &[
    b"(",
    b")",
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b",",
    b":",
    b"Some(",
    b"None",
    b"r#\"",
    b"/*",
    b"*/",
    b"//",
    b"'",
    b"\\u{",
    b"b\"",
    b"1e999",
    b"-0x1",
    b"#![enable(implicit_some)]",
    b"\n",
    b"\xff",
    b"((((((((",
    b"[[[[[[[[",
    b"id:",
    b"targets:",
    b"demo:",
];

/// One decoder that has seen everything before, beside one that has seen nothing: they must agree.
fn decoder(source: Source) -> Run {
    let mut cursor = Cursor::default();
    let mut store = store();
    let mut second = 0;
    Box::new(move |body| {
        second += 1;
        let sent = At { boot: Boot(second * 1000), wall: Wall(1_757_407_389_000 + second as i64 % 100_000) };
        let reply = Reply {
            answer: Answer::Http(HttpAnswer {
                status: 200,
                content_type: "text/plain".to_owned(),
                date: (second % 3 == 0).then_some(Wall(1_757_407_389_000)),
                body: body.to_vec(),
            }),
            sent,
            took: Duration::ZERO,
        };
        cursor.quarantined = None;
        let after = source.decode(&mut cursor, &reply);
        let fresh = source.decode(&mut Cursor::default(), &reply);
        assert_eq!(after.failure, fresh.failure);
        assert_eq!(after.layout, fresh.layout);
        assert_eq!(after.dropped_series, fresh.dropped_series);
        assert_eq!(after.values.len(), after.layout.series().len());
        let bits = |batch: &Batch| batch.values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&after), bits(&fresh));
        let again = source.decode(&mut cursor, &reply);
        assert_eq!((again.failure.clone(), bits(&again)), (after.failure.clone(), bits(&after)));
        let recorded = serde_json::to_string(&after).expect("a batch can be recorded");
        assert_eq!(bits(&serde_json::from_str(&recorded).expect("and read")).len(), after.values.len());
        linked(&mut store, after);
    })
}

fn store() -> Store {
    let mut store = Store::new(Retention { cap_bytes: 64 << 10, ..Retention::default() });
    store.keep([Arc::from("a_total")], Retention { cap_bytes: 64 << 10, ..Retention::default() });
    let (id, interval) = (SourceId::new("t/n/e/s"), Duration::from_secs(1));
    store.declare(SourceState::new(id, "t".into(), String::new(), interval, interval));
    store
}

fn linked(store: &mut Store, batch: Batch) {
    let now = batch.sent.wall;
    store.link(&Batch { source: SourceId::new("t/n/e/s"), ..batch });
    let all = [Matcher::equal("job", "j")];
    let found = store.instant(&Scope::Fleet, &all, now, Duration::from_secs(300)).len();
    assert!(found <= store.present(&"t".into()).count());
    let named = [Matcher::equal("__name__", "a_total")];
    for window in store.window(&Scope::Fleet, &named, Wall(i64::MIN / 2), now) {
        assert!(window.samples.is_sorted_by(|left, right| left.0 < right.0));
    }
    for rolled in store.rollups(&Scope::Fleet, &named, Wall(i64::MIN / 2), now) {
        assert!(
            rolled.minutes.iter().all(|(_, minute)| minute.low.partial_cmp(&minute.high) != Some(Ordering::Greater))
        );
    }
}

fn bound(spec: SourceSpec) -> Source {
    let labels = Labels::from_pairs([("job", "j"), ("node", "n"), ("target", "t")]);
    let base_url = "http://127.0.0.1:1".to_owned();
    let bound = BoundSource {
        id: SourceId::new("t/n/e/s"),
        target: "t".into(),
        base_url,
        labels,
        credentials: None,
        budget: None,
        spec,
        machine: None,
        recognise: None,
        http: Default::default(),
    };
    Source::compile(bound).expect("a source that compiles")
}

fn exposition_source(kind: SourceKindSpec) -> Source {
    bound(SourceSpec {
        id: "s".to_owned(),
        endpoint: "e".to_owned(),
        interval_seconds: 1.0,
        timeout_seconds: 1.0,
        limit_bytes: 1 << 20,
        decides_up: true,
        cost: None,
        budget: None,
        once: false,
        kind,
        from: Vec::new(),
        documented: Vec::new(),
        deviates: None,
        answers: Vec::new(),
        tells: Default::default(),
    })
}

fn text_source() -> Source {
    exposition_source(SourceKindSpec::PrometheusText(PrometheusTextSpec { path: "/m".to_owned(), limit_series: 20 }))
}

fn open_source() -> Source {
    exposition_source(SourceKindSpec::OpenMetrics(OpenMetricsSpec { path: "/m".to_owned(), limit_series: 20 }))
}

fn json_source() -> Source {
    let (_, files) = systems::embedded().into_iter().find(|(id, _)| id.as_str() == "volchain").expect("embedded");
    let text = files.get("system.ron").expect("every system has one");
    let spec = systems::spec::load("system.ron", text).expect("a good system");
    bound(spec.sources.into_iter().find(|source| source.id == "health").expect("a source"))
}

fn owned(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn expositions() -> Vec<Vec<u8>> {
    owned(&[
        "# HELP a b\n# TYPE a counter\na_total{x=\"1\",y=\"2\"} 5\na_total{x=\"2\",y=\"2\"} 6\nb 1.5e-3\n",
        "a{x=\"q\\\"b\\\\n\\n}\"} 1 1757407389515\nb{} NaN\nc +Inf\nd -Inf\n",
        "h_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
        "a 1\nb 2\nc 3\nd 4\ne 5\nf 6\n",
    ])
}

fn open_metrics() -> Vec<Vec<u8>> {
    owned(&[
        "# TYPE a counter\n# HELP a b\na_total{x=\"1\"} 5 # {id=\"x\"} 1 1.5\na_created{x=\"1\"} 6\n# EOF\n",
        "# TYPE h histogram\n# UNIT h_seconds seconds\n# EOF\n",
        "# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# TYPE i info\ni_info{v=\"1\"} 1\n# EOF\n",
        "# TYPE s stateset\ns{s=\"a\"} 1\ns{s=\"b\"} 0\n# TYPE q summary\nq{quantile=\"0.5\"} 1\nq_count 1\nq_sum 1\n# EOF",
        "a 1 1757407389.5\nb 2\nc 3\n# EOF\n",
    ])
}

fn answers() -> Vec<Vec<u8>> {
    owned(&[
        r#"{"last_block_age_seconds":12,"mempoolSize":3,"producerUptime":220000,"height":93}"#,
        r#"{"lastId":658,"lastHash":"977d","accounts":10,"height":93,"lastBlockTime":1757407389515,"producerUptime":220}"#,
        r#"{"a":[1,2,{"b":[null,true,"x\u00e9"]}],"height":1e3}"#,
        "[]",
    ])
}

fn keys() -> Vec<Vec<u8>> {
    let mut keys = owned(&[
        "abc\r\t\x7f",
        "\x1b[A\x1b[1;5B\x1bOP\x1b[15~",
        "\x1b[200~pasted\ntext\x1b[201~",
        "\x1b[?2026;2$y\x1b[0n",
    ]);
    keys.push("\x1bé日\x1b[I\x1b[O\x1b[<0;3;4M".as_bytes().to_vec());
    keys
}

/// How the bytes are cut into pieces must not change what they mean.
fn input() -> Run {
    Box::new(|bytes| {
        let (mut whole, mut events) = (InputParser::new(), Vec::new());
        whole.feed(bytes, &mut events);
        let (mut pieces, mut others) = (InputParser::new(), Vec::new());
        let cut = bytes.len() % 7 + 1;
        bytes.chunks(cut).for_each(|piece| pieces.feed(piece, &mut others));
        assert_eq!(format!("{events:?}"), format!("{others:?}"));
        for parser in [&mut whole, &mut pieces] {
            parser.flush_escape(&mut events);
            parser.flush_unfinished(&mut events);
            parser.feed(b"x", &mut events);
        }
    })
}

fn configurations() -> Vec<Vec<u8>> {
    owned(&[
        "(targets: [(id: \"a\", system: \"prometheus\", environment: Prod, host: Some(Local), nodes: [(id: \"n\", endpoints: \
         [(id: \"metrics\", url: \"http://127.0.0.1:1\")])], settings: {\"x\": Number(1.0)}, requests_per_second: 2.0)])",
        "// comment\n(targets: [], state_root: Some(\"/var/lib/x\"))",
        "(targets: [(id: \"a\", system: \"s\", environment: Demo, nodes: [], demo: Some((folder: \"/x\", allowed: [\"y\"])))])",
    ])
}

fn config() -> Run {
    Box::new(|bytes| {
        let text = String::from_utf8_lossy(bytes);
        match ConfigSpec::parse("config.ron", &text) {
            Ok(config) => drop(format!("{config:?}")),
            Err(problems) => {
                assert!(!problems.is_empty(), "what is refused is refused for a reason");
                problems.iter().for_each(|problem| assert!(!problem.to_string().is_empty()));
            }
        }
    })
}

fn recordings() -> Vec<Vec<u8>> {
    let at = At { boot: Boot(5), wall: Wall(1_757_407_389_000) };
    let layout = Arc::new(Layout::new(vec![Labels::named("a").with("job", "j"), Labels::named("a_total")]));
    let values = [1.5, f64::NAN];
    let batch = Batch::of(SourceId::new("t/n/e/s"), at, Duration::from_millis(3), layout, values);
    let key = Msg::Key("ctrl-x".parse::<Key>().or("x".parse()).expect("a key"));
    let messages = [Msg::Polled(Arc::new(batch)), key, Msg::Paste("é".to_owned()), Msg::Woke];
    let lines: Vec<String> = messages
        .iter()
        .map(|msg| format!("{{\"Happened\":{}}}\n", serde_json::to_string(&(at, msg)).expect("JSON")))
        .collect();
    let mut seeds = owned(&["\"Full\"\n", "{\"Setup\":{}}\n"]);
    seeds.push(lines.concat().into_bytes());
    seeds.extend(lines.into_iter().map(String::into_bytes));
    seeds
}

/// Reads a recording, and links what batches it holds.
fn recording() -> Run {
    let path = std::env::temp_dir().join(format!("opsconsole-fuzz-{}.recording", std::process::id()));
    let mut store = store();
    Box::new(move |bytes| {
        std::fs::write(&path, bytes).expect("written");
        if let Err(error) = Recording::read(&path) {
            assert!(!error.to_string().is_empty());
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            let inner = line.strip_prefix(b"{\"Happened\":").and_then(|line| line.strip_suffix(b"}"));
            let Ok((_, Msg::Polled(batch))) = serde_json::from_slice::<(At, Msg)>(inner.unwrap_or(line)) else {
                continue;
            };
            linked(&mut store, (*batch).clone());
        }
    })
}

/// A whole journal of three entries, and pieces of one.
fn journals() -> Vec<Vec<u8>> {
    let mut prev = Digest::zero();
    let mut lines = Vec::new();
    for seq in 1..=3 {
        let record = Record::ConsoleStopped { why: "asked".to_owned() };
        let at = At { boot: Boot(seq), wall: Wall(1_757_407_389_000) };
        let (boot_id, actor) = ("b".to_owned(), Actor::default());
        let entry = Entry { seq, prev: prev.clone(), at, boot_id, actor, record, hash: Digest::zero() };
        let json = serde_json::to_string(&entry).expect("JSON");
        let body = json.strip_suffix(&format!(",\"hash\":\"{}\"}}", Digest::zero())).expect("the hash is last");
        prev = Digest::of(format!("{body}}}").as_bytes());
        lines.push(format!("{body},\"hash\":\"{prev}\"}}\n"));
    }
    let whole = lines.concat();
    owned(&[&whole, &lines[0], &whole[..whole.len() - 40], "\n", "{}\n{"])
}

/// A journal that someone wrote into is looked at, not believed.
fn journal() -> Run {
    let path = std::env::temp_dir().join(format!("opsconsole-fuzz-{}.jsonl", std::process::id()));
    Box::new(move |bytes| {
        std::fs::write(&path, bytes).expect("written");
        let read = journal::read_whole_part(&path);
        let (entries, damage) = read.expect("a file that can be read");
        assert!(entries.is_empty() || damage.is_none() || journal::read(&path).is_err());
        let verified = journal::verify(&path).expect("a file that can be read");
        assert!(damage.is_none() || !verified.is_whole());
    })
}
