//! Whole sources: the embedded systems' own, over answers of both surfaces and over hostile ones.

use proptest::prelude::*;

use super::*;
use crate::base::{Boot, SystemId, Wall};
use crate::model::{Answer, CommandAnswer, FileAnswer, FileKind, FileSeen, HttpAnswer};
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

/// A bound source of some kind, for tests of what a kind compiles to.
pub(super) fn bound_at(base_url: &str) -> BoundSource {
    bound(system("prometheus").sources.remove(0), base_url)
}

/// A bound source of this kind, on this machine.
pub(super) fn bound_kind(kind: SourceKindSpec) -> BoundSource {
    let spec = SourceSpec { kind, interval_seconds: 10.0, ..system("prometheus").sources.remove(0) };
    bound(spec, "http://127.0.0.1:3001")
}

fn bound(spec: SourceSpec, base_url: &str) -> BoundSource {
    BoundSource {
        id: SourceId::new(format!("t/n/e/{}", spec.id)),
        target: "t".into(),
        base_url: base_url.to_owned(),
        credentials: None,
        budget: None,
        labels: Labels::from_pairs([("target", "t"), ("node", "n"), ("job", "j"), ("instance", "i")]),
        machine: spec.kind.is_of_machine().then_some(Machine::Here),
        recognise: None,
        http: Default::default(),
        spec,
    }
}

fn source(system_id: &str, id: &str) -> Source {
    let spec = system(system_id).sources.into_iter().find(|source| source.id == id).expect("a declared source");
    Source::compile(bound(spec, "http://127.0.0.1:3001")).expect("a source that compiles")
}

fn reply(body: &str) -> Reply {
    over_http(|_| {}, body)
}

/// An answer over HTTP that is not quite as usual.
pub(super) fn over_http(change: impl FnOnce(&mut HttpAnswer), body: &str) -> Reply {
    let mut answer = HttpAnswer {
        status: 200,
        content_type: "application/json".to_owned(),
        date: Some(Wall(1_757_407_400_000)),
        body: body.as_bytes().to_vec(),
    };
    change(&mut answer);
    Reply { answer: Answer::Http(answer), ..empty() }
}

/// The answer to a connection.
fn empty() -> Reply {
    Reply {
        answer: Answer::Tcp,
        sent: At { boot: Boot(5_000), wall: Wall(1_757_407_399_980) },
        took: Duration::from_millis(40),
    }
}

/// `name value` of every series but the console's own.
pub(super) fn shown(batch: &Batch) -> Vec<String> {
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
        let settings = spec.settings_text(&Default::default());
        for mut source in spec.sources {
            let name = source.id.clone();
            let value = |name: &str| settings.get(name).cloned().ok_or_else(|| name.to_owned());
            source.kind = source.kind.filled(&|text| crate::runbook::template::fill(text, value)).expect(&name);
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
        [
            "volchain_system_verify_ok 0",
            "volchain_cross_ok 1",
            "volchain_users_with_issues 1",
            "volchain_users 2",
            "volchain_game_stakers 0",
            "volchain_game_staked 8"
        ]
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
    check(over_http(|answer| answer.status = 500, r#"{"error":"x"}"#), "answered with status 500");
    check(over_http(|answer| answer.status = 404, "<html>"), "answered with status 404");
    check(reply("\n <!DOCTYPE html>"), "answered with HTML instead of JSON");
    let html = |answer: &mut HttpAnswer| answer.content_type = "text/html; charset=utf-8".to_owned();
    check(over_http(html, "{}"), "answered with HTML instead of JSON");
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
    assert_eq!(names(&verify.declared()).len(), 4, "three of ours and one name of two entries");
    assert_eq!(
        names(&source("prometheus", "metrics").declared()),
        ["up", "opsconsole_source_up", "opsconsole_scrape_duration_seconds", "opsconsole_clock_skew_seconds"]
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
        let answer = over_http(|answer| answer.date = date.map(Wall), BUILT_HEALTH);
        let batch = health.decode(&mut Cursor::default(), &answer);
        assert_eq!(batch.clock_skew_seconds, want);
        let series = batch.layout.series().iter().zip(batch.values.iter());
        let mut skews = series.filter(|(labels, _)| labels.name() == "opsconsole_clock_skew_seconds");
        assert_eq!(skews.next().map(|(_, value)| *value), want, "a series where the node tells its time");
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
        let rpc = crate::base::ron_text::parse("test", "(method: \"a\")").expect("a spec");
        let asked = crate::base::ron_text::parse("test", "(expr: \"a\", name: \"b\", help: \"\")").expect("a spec");
        let others = [SourceKindSpec::JsonRpc(rpc), SourceKindSpec::PromqlApi(asked)];
        let others = others.map(|kind| Source::compile(bound_kind(kind)).expect("it compiles"));
        for source in [source("volchain", "health"), source("prometheus", "metrics")].into_iter().chain(others) {
            let batch = source.decode(&mut Cursor::default(), &over_http(|answer| answer.body = body.clone(), ""));
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

pub(super) fn reply_of(answer: Answer) -> Reply {
    Reply { answer, ..empty() }
}

pub(super) fn ran(code: i32, stdout: &str, complaint: &str) -> Reply {
    reply_of(Answer::Command(CommandAnswer {
        code,
        stdout: stdout.as_bytes().to_vec(),
        complaint: complaint.to_owned(),
    }))
}

/// Every series but the scrape's own, or why there is none.
pub(super) fn read_as(kind: SourceKindSpec, answer: Reply) -> Result<Vec<String>, String> {
    let source = Source::compile(bound_kind(kind)).map_err(|error| error.what)?;
    let batch = source.decode(&mut Cursor::default(), &answer);
    match batch.failure {
        Some(failure) => Err(failure.to_string()),
        None => Ok(batch
            .layout
            .series()
            .iter()
            .zip(batch.values.iter())
            .filter(|(labels, _)| {
                !labels.name().starts_with("opsconsole_s")
                    && !["up", "opsconsole_clock_skew_seconds"].contains(&labels.name())
            })
            .map(|(labels, value)| format!("{} {value}", labels.name()))
            .collect()),
    }
}

#[test]
fn files_and_folders_are_looked_at() {
    let seen = |kind, entries| {
        let modified = Wall(1_757_407_399_980 - 90_000);
        reply_of(Answer::File(FileAnswer::Seen(FileSeen { kind, size_bytes: 4_096, modified, entries })))
    };
    let spec = |count_entries| SourceKindSpec::File(file::FileSpec { path: "/data".to_owned(), count_entries });
    let check = |count, answer: Reply, want: &[&str]| {
        assert_eq!(read_as(spec(count), answer), Ok(want.iter().map(|line| (*line).to_owned()).collect()));
    };
    let all = ["file_exists 1", "file_size_bytes 4096", "file_age_seconds 90", "folder_entries 3"];
    check(true, seen(FileKind::Folder, Some(3)), &all);
    check(false, seen(FileKind::File, None), &all[..3]);
    check(true, reply_of(Answer::File(FileAnswer::Absent)), &["file_exists 0"]);
    let relative = SourceKindSpec::File(file::FileSpec { path: "data".to_owned(), count_entries: false });
    assert!(read_as(relative, empty()).expect_err("relative").contains("not absolute"));
    let upwards = SourceKindSpec::File(file::FileSpec { path: "/a/../b".to_owned(), count_entries: false });
    assert!(read_as(upwards, empty()).expect_err("upwards").contains("leads upwards"));
}

#[test]
fn a_connection_is_a_measurement_and_so_is_a_refused_one() {
    let source = Source::compile(bound_kind(SourceKindSpec::Tcp(tcp::TcpSpec {}))).expect("it compiles");
    assert_eq!(source.address().as_deref(), Ok("connect to 127.0.0.1:3001"));
    let mut cursor = Cursor::default();
    let of = |batch: &Batch, name: &str| {
        let at = batch.layout.series().iter().position(|labels| labels.name() == name)?;
        Some(batch.values[at])
    };
    let batch = source.decode(&mut cursor, &empty());
    assert_eq!(
        [of(&batch, "probe_success"), of(&batch, "probe_duration_seconds"), of(&batch, "up")],
        [Some(1.0), Some(0.04), Some(1.0)]
    );
    let batch = source.failed(&mut cursor, FetchFailure::Refused, At::default(), Duration::ZERO);
    assert_eq!(
        [of(&batch, "probe_success"), of(&batch, "probe_duration_seconds"), of(&batch, "up")],
        [Some(0.0), None, Some(0.0)]
    );
}

#[test]
fn what_a_program_puts_out_is_read_as_declared() {
    use command::{CommandSpec, NumberSpec, OutputSpec};
    let spec = |output| SourceKindSpec::Command(CommandSpec { argv: vec!["look".to_owned()], output });
    let number = || {
        let number = NumberSpec { name: "peers".to_owned(), help: String::new(), unit: crate::base::Unit::Count };
        spec(OutputSpec::Number(number))
    };
    let json = || {
        let text = r#"(name: "height", help: "", extract: [(surface: "both", jq: ".height")])"#;
        let series = vec![crate::base::ron_text::parse("test", text).expect("a series")];
        spec(OutputSpec::Json { series, documents: Vec::new() })
    };
    let check = |kind: SourceKindSpec, answer: Reply, want: Result<&[&str], &str>| {
        let want = want.map(|lines| lines.iter().map(|line| (*line).to_owned()).collect()).map_err(str::to_owned);
        assert_eq!(read_as(kind, answer), want);
    };
    check(spec(OutputSpec::ExitCode), ran(3, "", "ill"), Ok(&["opsconsole_command_exit_code 3"]));
    check(number(), ran(0, "7\n", ""), Ok(&["opsconsole_command_exit_code 0", "peers 7"]));
    check(number(), ran(1, "7\n", "no node"), Err("look ended with code 1: no node"));
    check(json(), ran(0, r#"{"height":93}"#, ""), Ok(&["height 93"]));
    check(json(), ran(0, "", ""), Err("not JSON: it put out nothing"));
    check(spec(OutputSpec::PrometheusText { limit_series: 9 }), ran(0, "a 1\nb 2\n", ""), Ok(&["a 1", "b 2"]));
    check(number(), empty(), Err("the answer is of another kind than the question: please report it"));
}

#[test]
fn units_are_asked_in_one_call() {
    let units = vec!["node".to_owned(), "gone".to_owned()];
    let source =
        Source::compile(bound_kind(SourceKindSpec::Units(units::UnitsSpec { units, environment: Vec::new() })))
            .expect("it compiles");
    let address = source.address().expect("an address");
    assert!(address.starts_with("systemctl show --no-pager --property "), "{address}");
    assert!(address.ends_with(" -- node.service gone.service"), "{address}");
    let shown =
        "Id=node.service\nLoadState=loaded\nActiveState=failed\nMainPID=0\n\nId=gone.service\nLoadState=not-found\n";
    let batch = source.decode(&mut Cursor::default(), &ran(0, shown, ""));
    assert_eq!(batch.failure, None);
    let documents: Vec<&str> = batch.documents.iter().map(|document| &*document.name).collect();
    assert_eq!(documents, ["unit node.service", "unit gone.service"]);
    let state = |name: &str, state: &str| {
        let found = |labels: &&Arc<Labels>| labels.get("name") == name && labels.get("state") == state;
        batch.layout.series().iter().position(|labels| found(&labels)).map(|at| batch.values[at])
    };
    assert_eq!(state("node.service", "failed"), Some(1.0));
    assert_eq!(state("node.service", "active"), Some(0.0));
    assert_eq!(state("gone.service", "active"), None, "of a unit that is not known nothing is said");
    let missing = ["node_systemd_service_restart_total", "node_systemd_unit_start_time_seconds"];
    assert_eq!(names(&batch.not_exposed)[..2], missing);
    let half = source.decode(&mut Cursor::default(), &ran(0, "Id=node.service\nLoadState=loaded\n", ""));
    assert!(half.failure.expect("a failure").to_string().contains("2 units were asked for and 1 came"));
}

#[test]
fn what_starts_a_program_is_not_read_often() {
    let mut often =
        bound_kind(SourceKindSpec::Units(units::UnitsSpec { units: vec!["node".to_owned()], environment: Vec::new() }));
    often.spec.interval_seconds = 9.0;
    let error = Source::compile(often).expect_err("too often").to_string();
    assert!(error.contains("read at most every 10s"), "{error}");
}

#[test]
fn what_is_of_another_machine_is_not_read_and_not_found_down() {
    let mut elsewhere = bound_kind(SourceKindSpec::Units(units::UnitsSpec {
        units: vec!["{unit}".to_owned()],
        environment: Vec::new(),
    }));
    elsewhere.machine = Some(Machine::Elsewhere { why: "it is over there".to_owned() });
    let source = Source::compile(elsewhere).expect("it compiles, whatever it would read");
    let mut cursor = Cursor::default();
    let failure = source.fetch(&cursor).expect_err("nothing to read");
    assert_eq!(failure.to_string(), "not read: it is over there");
    let batch = source.failed(&mut cursor, failure.clone(), At::default(), Duration::ZERO);
    assert_eq!((batch.values.len(), cursor.quarantined), (0, Some(failure)));
    assert!(names(&batch.not_exposed).contains(&"node_systemd_unit_state"));
    assert_eq!(source.bound.shown(), "systemctl show {unit}: not read, because it is over there");
}

#[test]
fn a_node_that_stops_telling_its_time_keeps_its_columns_apart() {
    let metrics = source("prometheus", "metrics");
    let mut cursor = Cursor::default();
    for date in [None, Some(Wall(1_757_407_400_000)), None] {
        let answer = over_http(|answer| answer.date = date, "a 1\nb 2\n");
        let batch = metrics.decode(&mut cursor, &answer);
        assert_eq!(shown(&batch), ["up 1", "a 1", "b 2"], "{date:?}");
        assert_eq!(batch.layout.series().len(), batch.values.len());
    }
}

#[test]
fn an_interface_that_only_takes_posts_is_read_by_one() {
    let text = r#"(
        path: "/api/v0/id", method: Post,
        series: [(name: "ipfs_up", help: "", extract: [(surface: "both", jq: ".ID | length > 0")])],
    )"#;
    let spec: http_json::HttpJsonSpec = crate::base::ron_text::parse("test", text).expect("a spec");
    let kind = SourceKindSpec::HttpJson(spec);
    assert_eq!(kind.read(), "POST /api/v0/id");
    let address = Source::compile(bound_kind(kind.clone())).expect("it compiles").address();
    assert_eq!(address.as_deref(), Ok("POST http://127.0.0.1:3001/api/v0/id"));
    assert_eq!(read_as(kind.clone(), reply(r#"{"ID":"12D3KooW"}"#)), Ok(vec!["ipfs_up 1".to_owned()]));
    let failure = read_as(kind, over_http(|answer| answer.status = 405, "405 - Method Not Allowed"));
    assert_eq!(failure, Err("answered with status 405".to_owned()));
}

#[test]
fn lines_of_json_are_a_list() {
    use command::{CommandSpec, OutputSpec};
    let json_lines = |may_be_empty| {
        let text = r#"(name: "disbursements", help: "", extract: [(surface: "both", jq: "map(select(.status == \"queued\")) | length")])"#;
        let series = vec![crate::base::ron_text::parse("test", text).expect("a series")];
        let output = OutputSpec::JsonLines { may_be_empty, series, documents: Vec::new() };
        SourceKindSpec::Command(CommandSpec { argv: vec!["list".to_owned()], output })
    };
    let check = |may_be_empty, answer: Reply, want: Result<&str, &str>| {
        let want = want.map(|line| vec![line.to_owned()]).map_err(str::to_owned);
        assert_eq!(read_as(json_lines(may_be_empty), answer), want);
    };
    let lines = "{\"status\":\"queued\"}\n\n{\"status\":\"draft\"}\r\n{\"status\":\"queued\"}";
    check(false, ran(0, lines, "[HTTP_CLIENT] connecting"), Ok("disbursements 2"));
    check(false, ran(0, "1\n1],[2\n", ""), Err("not JSON: line 2: trailing characters at line 1 column 2"));
    check(false, ran(0, "{\"a\":1}\npanicked at x", ""), Err("not JSON: line 2: expected value at line 1 column 1"));
    let silent = "not JSON: it put out nothing, ended with 0, and said: connection refused";
    check(false, ran(0, "\n", "connection refused"), Err(silent));
    check(true, ran(0, "", ""), Ok("disbursements 0"));
    check(true, ran(2, "", "unknown option '--limit'"), Err("list ended with code 2: unknown option '--limit'"));
    check(true, ran(0, &"1\n".repeat(10_001), ""), Err("it put out more than 10000 lines"));
}

#[test]
fn a_folder_is_summed_or_said_to_be_larger() {
    use crate::model::{TreeCut, TreeSeen};
    let text = r#"(path: "/data/rocksdb", suffixes: [".sst"])"#;
    let spec: folder::FolderSpec = crate::base::ron_text::parse("test", text).expect("a spec");
    let seen = |cut| TreeSeen { bytes: 123, disk_bytes: 4_096, files: 3, folders: 2, with_suffix: vec![1], cut };
    let of = |answer| reply_of(Answer::File(answer));
    let source = Source::compile(bound_kind(SourceKindSpec::Folder(spec.clone()))).expect("it compiles");
    assert_eq!(source.address().as_deref(), Ok("du /data/rocksdb"));
    let check = |answer: FileAnswer, want: &[&str]| {
        let want = want.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(read_as(SourceKindSpec::Folder(spec.clone()), of(answer)), Ok(want));
    };
    check(FileAnswer::Absent, &["folder_exists 0"]);
    let whole = [
        "folder_exists 1",
        "folder_walk_complete 1",
        "folder_size_bytes 123",
        "folder_disk_bytes 4096",
        "folder_files 3",
        "folder_folders 2",
        "folder_files_with 1",
    ];
    check(FileAnswer::Tree(seen(None)), &whole);
    let cut = ["folder_exists 1", "folder_walk_complete 0", "folder_size_at_least_bytes 123"];
    check(FileAnswer::Tree(seen(Some(TreeCut::Entries))), &cut);
    let batch = source.decode(&mut Cursor::default(), &of(FileAnswer::Tree(seen(Some(TreeCut::Denied(2))))));
    let said = batch.documents[0].json.to_string();
    assert!(said.contains("2 of its folders can not be read by this user"), "{said}");
    assert!(names(&batch.not_exposed).contains(&"folder_size_bytes"));
    let wrong = |change: fn(&mut folder::FolderSpec), want: &str| {
        let mut spec = spec.clone();
        change(&mut spec);
        let found = SourceKindSpec::Folder(spec).check();
        assert!(found.as_ref().is_err_and(|what| what.contains(want)), "{found:?}");
    };
    wrong(|spec| spec.limit_entries = 0, "limit_entries is 0; it must be between 1 and 1000000");
    wrong(|spec| spec.deepest = 1_000, "deepest is 1000; it must be at most 64");
    wrong(|spec| spec.suffixes = vec!["a/b".to_owned()], "without /");
}

#[test]
fn an_expression_is_asked_of_the_server_that_scrapes_the_target() {
    let text = r#"(expr: "sum(a) by (node) / sum(b)", name: "parity_ratio", help: "", limit_series: 2)"#;
    let spec: promql_api::PromqlApiSpec = crate::base::ron_text::parse("test", text).expect("a spec");
    let kind = SourceKindSpec::PromqlApi(spec.of_series("job=\"x\"".to_owned()));
    assert_eq!(kind.read(), "promql sum(a) by (node) / sum(b)");
    let source = Source::compile(bound_kind(kind.clone())).expect("it compiles");
    let asked = "sum+by+%28node%29+%28a%7Bjob%3D%22x%22%7D%29+%2F+sum%28b%7Bjob%3D%22x%22%7D%29";
    let address = format!("GET http://127.0.0.1:3001/api/v1/query?query={asked}");
    assert_eq!(source.address().as_deref(), Ok(address.as_str()));
    let vector = |result: &str| {
        let warnings = r#""warnings":["slow\u001b[2J"],"infos":["not a counter"]"#;
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}},{warnings}}}"#)
    };
    let one = |metric: &str, value: &str| format!(r#"{{"metric":{metric},"value":[1757407399.9,"{value}"]}}"#);
    let decode = |body: &str| source.decode(&mut Cursor::default(), &reply(body));
    let batch = decode(&vector(&format!(
        "[{},{},{}]",
        one(r#"{"__name__":"x","node":"a","role":"r"}"#, "0.5"),
        one(r#"{"node":"b"}"#, "NaN"),
        one(r#"{"node":"c"}"#, "1")
    )));
    assert_eq!(batch.failure, None);
    assert_eq!(shown(&batch), ["up 1", "parity_ratio 0.5", "parity_ratio NaN"]);
    let labels = batch.layout.series()[3].to_string();
    let want = r#"parity_ratio{exported_node="a",instance="i",job="j",node="n",role="r",target="t"}"#;
    assert_eq!((labels.as_str(), batch.dropped_series), (want, 1));
    assert_eq!(*batch.documents[0].json, serde_json::json!(["slow\u{fffd}[2J", "not a counter"]));
    let empty = decode(&vector("[]"));
    assert_eq!((shown(&empty), names(&empty.not_exposed)), (vec!["up 1".to_owned()], vec!["parity_ratio"]));
    let scalar = decode(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}"#);
    assert_eq!(shown(&scalar), ["up 1", "parity_ratio 2"]);
    let check = |body: &str, want: &str| {
        let failure = decode(body).failure.expect(want).to_string();
        assert!(failure.contains(want), "{failure}");
    };
    check(r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#, "bad_data: parse error");
    check("404 page not found", "not an answer of Prometheus' HTTP API");
    check(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#, "gives a range");
    let wrong = |change: fn(&mut promql_api::PromqlApiSpec), want: &str| {
        let mut spec = spec.clone();
        change(&mut spec);
        let found = SourceKindSpec::PromqlApi(spec).check();
        assert!(found.as_ref().is_err_and(|what| what.contains(want)), "{found:?}");
    };
    wrong(|spec| spec.expr = "rate(a[5m] + b[5m])".to_owned(), "not PromQL");
    wrong(|spec| spec.name = "up".to_owned(), "belongs to the console");
    wrong(|spec| spec.limit_series = 0, "limit_series is 0");
}
