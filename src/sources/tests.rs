//! Whole sources: the embedded systems' own, over answers of both surfaces and over hostile ones.

use proptest::prelude::*;

use super::*;
use crate::base::{Boot, SystemId, Wall};
use crate::systems;

const DOCUMENTED_HEALTH: &str = r#"{"last_block_age_seconds":12,"mempoolSize":3,"producerUptime":220000,"height":93,
    "volchain_barrier_timeouts_total":2,"volchain_barrier_wait_ms_total":1500,
    "volchain_invariant_user_mismatch_total":0,"volchain_invariant_system_mismatch_total":0}"#;

const BUILT_HEALTH: &str = r#"{"lastId":658,"lastHash":"977d","accounts":10,"height":93,"lastBlockId":658,
    "lastBlockHash":"2fb2","lastBlockTime":1757407389515,"mempoolSize":0,"producerUptime":220}"#;

const DOCUMENTED_SYSTEM: &str = r#"{"ok":false,"chainOk":true,"system":{"crossOk":false,"details":{"staked":3}},
    "users":{"ok":false,"mismatches":[{"username":null,"delta":2},{"username":"ada","delta":1}]}}"#;

const BUILT_SYSTEM: &str = r#"{"ok":false,"report":{"timestamp":"2025-09-09T08:43:09Z",
    "system":{"invariant_ok":true,"totals":{"balance":7674,"mined":7674,"used":8,"available":1,"staked":8},
    "differences":{"balance_mined":0,"used_available":0,"total_supply_check":0}},
    "users":[{"pubkey":"50","username":"unknown","invariant_ok":false},{"pubkey":"51","username":"ada","invariant_ok":true}],
    "summary":{"total_users":2,"users_with_issues":1,"system_ok":true}}}"#;

fn system(id: &str) -> systems::SystemSpec {
    let files = systems::embedded();
    let text = files.get(&SystemId::new(id)).and_then(|files| files.get("system.ron")).expect("an embedded system");
    systems::spec::load(&format!("{id}/system.ron"), text).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn bound(spec: SourceSpec, base_url: &str) -> BoundSource {
    BoundSource {
        id: SourceId::new(format!("t/n/e/{}", spec.id)),
        target: "t".into(),
        base_url: base_url.to_owned(),
        credentials: None,
        labels: Labels::from_pairs([("target", "t"), ("node", "n"), ("job", "j"), ("instance", "i")]),
        spec,
    }
}

fn source(system_id: &str, id: &str) -> Source {
    let spec = system(system_id).sources.into_iter().find(|source| source.id == id).expect("a declared source");
    Source::compile(bound(spec, "http://127.0.0.1:3001")).expect("a source that compiles")
}

fn reply(body: &str) -> Reply {
    Reply {
        status: 200,
        content_type: "application/json".to_owned(),
        date: Some(Wall(1_757_407_400_000)),
        body: body.as_bytes().to_vec(),
        sent: At { boot: Boot(5_000), wall: Wall(1_757_407_399_980) },
        took: Duration::from_millis(40),
    }
}

/// `name value` of every series but the console's own.
fn shown(batch: &Batch) -> Vec<String> {
    let pairs = batch.layout.series().iter().zip(batch.values.iter());
    pairs
        .filter(|(labels, _)| !labels.name().starts_with("opsconsole_"))
        .map(|(labels, value)| {
            let mode = labels.get("mode");
            format!("{}{}{mode} {value}", labels.name(), if mode.is_empty() { "" } else { " " })
        })
        .collect()
}

fn names(list: &[Arc<str>]) -> Vec<&str> {
    list.iter().map(|name| &**name).collect()
}

#[test]
fn every_embedded_systems_sources_compile() {
    for (id, files) in systems::embedded() {
        let text = files.get("system.ron").expect("every system has one");
        let spec = systems::spec::load("system.ron", text).unwrap_or_else(|problems| panic!("{id}: {problems:?}"));
        for source in spec.sources {
            let name = source.id.clone();
            let compiled = Source::compile(bound(source, "http://127.0.0.1:1"));
            assert!(compiled.is_ok(), "{id}/{name}: {:?}", compiled.err());
        }
    }
}

#[test]
fn health_is_read_on_both_surfaces() {
    let health = source("volchain", "health");
    let batch = health.decode(&mut Cursor::default(), &reply(DOCUMENTED_HEALTH));
    assert_eq!(batch.failure, None);
    assert_eq!(
        shown(&batch),
        [
            "up 1",
            "volchain_height 93",
            "volchain_mempool_size 3",
            "volchain_last_block_age_seconds 12",
            "volchain_producer_uptime_seconds 220",
            "volchain_barrier_timeouts_total 2",
            "volchain_barrier_wait_ms_total 1500",
            "volchain_invariant_user_mismatch_total 0",
            "volchain_invariant_system_mismatch_total 0",
        ]
    );
    assert_eq!(names(&batch.surfaces), ["documented"]);
    assert_eq!(names(&batch.not_exposed), ["volchain_accounts", "volchain_last_block_id"]);

    let batch = health.decode(&mut Cursor::default(), &reply(BUILT_HEALTH));
    assert_eq!(
        shown(&batch),
        [
            "up 1",
            "volchain_height 93",
            "volchain_mempool_size 0",
            "volchain_last_block_age_seconds 10.484999895095825",
            "volchain_producer_uptime_seconds 0.22",
            "volchain_accounts 10",
            "volchain_last_block_id 658",
        ]
    );
    assert_eq!(names(&batch.surfaces), ["as-built"]);
    assert_eq!(
        names(&batch.not_exposed),
        [
            "volchain_barrier_timeouts_total",
            "volchain_barrier_wait_ms_total",
            "volchain_invariant_user_mismatch_total",
            "volchain_invariant_system_mismatch_total",
        ]
    );
    assert_eq!(batch.documents.iter().map(|document| &*document.name).collect::<Vec<_>>(), ["health"]);
}

#[test]
fn a_block_is_never_from_the_future_and_no_block_has_no_age() {
    let health = source("volchain", "health");
    let age = |body: &str| {
        let batch = health.decode(&mut Cursor::default(), &reply(body));
        shown(&batch).into_iter().find(|line| line.starts_with("volchain_last_block_age_seconds"))
    };
    assert_eq!(age(r#"{"lastBlockTime":1757407400700}"#).as_deref(), Some("volchain_last_block_age_seconds 0"));
    assert_eq!(age(r#"{"lastBlockTime":null}"#), None);
    assert_eq!(age(r#"{"lastBlockTime":"soon"}"#), None);
}

#[test]
fn verification_is_read_on_both_surfaces() {
    let system = source("volchain", "verify_system");
    let batch = system.decode(&mut Cursor::default(), &reply(DOCUMENTED_SYSTEM));
    assert_eq!(
        shown(&batch),
        ["volchain_system_verify_ok 0", "volchain_cross_ok 0", "volchain_chain_ok 1", "volchain_users_with_issues 2"]
    );
    assert_eq!(*batch.documents[0].json, serde_json::json!({"crossOk": false, "details": {"staked": 3}}));
    let batch = system.decode(&mut Cursor::default(), &reply(BUILT_SYSTEM));
    assert_eq!(
        shown(&batch),
        ["volchain_system_verify_ok 0", "volchain_cross_ok 1", "volchain_users_with_issues 1", "volchain_users 2"]
    );
    assert_eq!(batch.documents[1].json[0]["username"], "unknown");
    let batch = system.decode(&mut Cursor::default(), &reply(r#"{"ok":false,"error":"verify_failed"}"#));
    assert_eq!(shown(&batch), ["volchain_system_verify_ok 0"]);
    assert!(batch.documents.is_empty());

    let verify = source("volchain", "verify");
    let check = |body: &str, want: &str| {
        assert_eq!(shown(&verify.decode(&mut Cursor::default(), &reply(body))), [want], "{body}");
    };
    check(r#"{"ok":true,"mode":"blocks","height":2,"accounts":2}"#, "volchain_verify_ok blocks 1");
    check(r#"{"ok":true,"mode":"legacy","lastId":2,"accounts":1}"#, "volchain_verify_ok legacy 1");
    check(r#"{"ok":false,"error":"hash_mismatch","id":659}"#, "volchain_verify_ok blocks 0");
}

#[test]
fn a_failure_is_a_batch_with_up_0_and_nothing_else() {
    let health = source("volchain", "health");
    let check = |answer: Reply, want: &str| {
        let mut cursor = Cursor::default();
        health.decode(&mut cursor, &reply(BUILT_HEALTH));
        let batch = health.decode(&mut cursor, &answer);
        assert_eq!(batch.failure.as_ref().map(ToString::to_string).as_deref(), Some(want));
        let series: Vec<&str> = batch.layout.series().iter().map(|labels| labels.name()).collect();
        assert_eq!(series, ["up", "opsconsole_source_up"]);
        assert_eq!(*batch.values, [0.0, 0.0]);
        let after = health.decode(&mut cursor, &reply(BUILT_HEALTH));
        assert_eq!(after.failure, None, "one bad answer harms only itself");
    };
    check(Reply { status: 500, ..reply(r#"{"error":"x"}"#) }, "answered with status 500");
    check(Reply { status: 404, content_type: "text/html".to_owned(), ..reply("<html>") }, "answered with status 404");
    check(Reply { content_type: "text/html".to_owned(), ..reply("<html>") }, "answered with HTML instead of JSON");
    check(reply(&BUILT_HEALTH[..40]), "not JSON: it ends in the middle, after 40 bytes");
    let deep = "{\"a\":".repeat(70);
    check(reply(&deep), "not JSON: it is nested deeper than 64 levels");
}

#[test]
fn our_own_series_carry_the_sources_name() {
    let verify = source("volchain", "verify");
    let batch = verify.decode(&mut Cursor::default(), &reply(r#"{"ok":true}"#));
    let own: Vec<String> = batch.layout.series().iter().take(2).map(|labels| labels.to_string()).collect();
    let labels = r#"instance="i",job="j",node="n",source="verify",target="t""#;
    assert_eq!(
        own,
        [format!("opsconsole_source_up{{{labels}}}"), format!("opsconsole_scrape_duration_seconds{{{labels}}}")]
    );
    assert_eq!(batch.values[..2], [1.0, 0.04]);
    assert_eq!(names(&verify.declared()).len(), 3, "two of ours and one name of two entries");
    assert_eq!(
        names(&source("prometheus", "metrics").declared()),
        ["up", "opsconsole_source_up", "opsconsole_scrape_duration_seconds"]
    );
}

#[test]
fn an_unchanged_answer_keeps_its_layout() {
    let health = source("volchain", "health");
    let mut cursor = Cursor::default();
    let first = health.decode(&mut cursor, &reply(BUILT_HEALTH));
    let failed = health.decode(&mut cursor, &reply(""));
    let second = health.decode(&mut cursor, &reply(BUILT_HEALTH));
    assert!(Arc::ptr_eq(&first.layout, &second.layout));
    assert!(!Arc::ptr_eq(&first.layout, &failed.layout));
    let other = health.decode(&mut cursor, &reply(DOCUMENTED_HEALTH));
    assert_eq!(other.layout.series().len(), other.values.len());
}

#[test]
fn an_exposition_is_a_source_like_any_other() {
    let metrics = source("prometheus", "metrics");
    let mut cursor = Cursor::default();
    let batch = metrics.decode(&mut cursor, &reply("a{job=\"x\"} 1\nup 0\nup{x=\"y\"} 0\n"));
    assert_eq!(shown(&batch), ["up 1", "a 1"], "whether a node is up is not for the node to say");
}

#[test]
fn the_nodes_clock_is_compared_in_the_middle_of_the_request() {
    let health = source("volchain", "health");
    let check = |date: Option<i64>, want: Option<f64>| {
        let answer = Reply { date: date.map(Wall), ..reply(BUILT_HEALTH) };
        assert_eq!(health.decode(&mut Cursor::default(), &answer).clock_skew_seconds, want);
    };
    check(None, None);
    check(Some(1_757_407_400_000), Some(0.0));
    check(Some(1_757_407_399_001), Some(0.0));
    check(Some(1_757_407_445_000), Some(45.0));
    check(Some(1_757_407_355_000), Some(-45.0));
}

#[test]
fn an_overrun_quarantines_the_source() {
    let health = source("volchain", "health");
    let mut cursor = Cursor::default();
    let overrun = FetchFailure::Overrun { filter: "volchain_height".to_owned() };
    health.failed(&mut cursor, overrun.clone(), At::default(), Duration::ZERO);
    assert_eq!(health.decode(&mut cursor, &reply(BUILT_HEALTH)).failure, Some(overrun));
}

#[test]
fn addresses_are_built_by_a_url_type() {
    let spec = system("volchain").sources.remove(2);
    let check = |base: &str, want: Result<&str, &str>| {
        let compiled = Source::compile(bound(spec.clone(), base));
        match want {
            Ok(address) => assert_eq!(compiled.expect(base).address().as_deref(), Ok(address)),
            Err(word) => {
                let error = compiled.expect_err(base).to_string();
                assert!(error.contains(word), "{error}");
            }
        }
    };
    check("http://127.0.0.1:3001", Ok("GET http://127.0.0.1:3001/volchain/verify?mode=system"));
    check("https://node.example/behind", Ok("GET https://node.example/behind/volchain/verify?mode=system"));
    check("node.example:3001", Err("neither http nor https"));
    check("ftp://node.example", Err("neither http nor https"));
    check("http://me:secret@node.example", Err("user name or a password"));
    check("http://", Err("host"));
    check("http://node.example?x=1", Err("has a query"));
    let mut bad = spec.clone();
    bad.interval_seconds = f64::NAN;
    assert!(Source::compile(bound(bad, "http://127.0.0.1")).expect_err("NaN").to_string().contains("interval_seconds"));
    let mut bad = spec;
    bad.limit_bytes = 0;
    assert!(Source::compile(bound(bad, "http://127.0.0.1")).expect_err("0").to_string().contains("limit_bytes"));
}

#[test]
fn sources_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Source>();
    shared::<Cursor>();
}

/// A few lines that make an exposition when put together in any order and number.
fn lines() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..LINES.len(), 0..8)
}

const LINES: [&str; 9] = [
    "a 1",
    "a 2",
    "ab 3",
    "a{x=\"1\"} 4",
    "a {x=\"1\"} 5",
    "# HELP a",
    "",
    "a{y=\"1\",x=\"2\"} NaN",
    "b{x=\"2\",} 7 9",
];

fn exposition(lines: &[usize]) -> String {
    lines.iter().map(|line| format!("{}\n", LINES[*line])).collect()
}

proptest! {
    #[test]
    fn no_bytes_break_a_decoder(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        for source in [source("volchain", "health"), source("prometheus", "metrics")] {
            let batch = source.decode(&mut Cursor::default(), &Reply { body: body.clone(), ..reply("") });
            prop_assert_eq!(batch.layout.series().len(), batch.values.len());
        }
    }

    #[test]
    fn what_came_before_does_not_change_what_is_read(before in lines(), now in lines()) {
        let metrics = source("prometheus", "metrics");
        let mut cursor = Cursor::default();
        metrics.decode(&mut cursor, &reply(&exposition(&before)));
        let after = metrics.decode(&mut cursor, &reply(&exposition(&now)));
        let fresh = metrics.decode(&mut Cursor::default(), &reply(&exposition(&now)));
        prop_assert_eq!(&after.layout, &fresh.layout);
        prop_assert_eq!(shown(&after), shown(&fresh));
        prop_assert_eq!(after.dropped_series, fresh.dropped_series);
    }
}
