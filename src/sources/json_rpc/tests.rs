//! A node's JSON-RPC as its public code answers: every envelope with status 200, errors among them.

use super::*;
use crate::base::ron_text;
use crate::model::Batch;
use crate::sources::Source;
use crate::sources::tests::{bound_kind, over_http, shown};

const MARKET: &str = r#"(
    method: "energy.market_state",
    params: Some("{\"page\": 0}"),
    too_often: [-32001, -32002],
    series: [
        (name: "energy_providers", help: "", extract: [(surface: "as-built", jq: ".providers | length")]),
        (
            name: "energy_provider_reputation",
            help: "",
            each: Some((jq: ".providers", labels: {"provider": ".provider_id"}, limit: 3)),
            extract: [
                (surface: "documented", jq: ".reputation.composite_score"),
                (surface: "as-built", jq: ".reputation_score"),
            ],
        ),
        (name: "energy_mode_batch", help: "", extract: [(surface: "as-built", jq: ".governance.mode == \"batch\"")]),
        (name: "treasury_last_error_seconds", help: "", extract: [(surface: "documented", jq: ".executor.last_error_at")]),
    ],
    documents: [(name: "governance", jq: ".governance")],
)"#;

fn spec(text: &str) -> JsonRpcSpec {
    ron_text::parse("test", text).expect("a spec")
}

fn source(spec: JsonRpcSpec) -> Source {
    let kind = SourceKindSpec::JsonRpc(spec);
    kind.check().expect("a sound spec");
    Source::compile(bound_kind(kind)).expect("it compiles")
}

fn decode(body: &str) -> Batch {
    source(spec(MARKET)).decode(&mut Cursor::default(), &over_http(|_| {}, body))
}

fn fails(status: u16, body: &str) -> String {
    let answer = over_http(|answer| answer.status = status, body);
    let batch = source(spec(MARKET)).decode(&mut Cursor::default(), &answer);
    batch.failure.unwrap_or_else(|| panic!("{body} is an answer")).to_string()
}

#[test]
fn a_question_is_a_post_with_what_the_data_says_and_nothing_else() {
    let address = source(spec(MARKET)).address().expect("an address");
    assert_eq!(
        address,
        r#"POST http://127.0.0.1:3001/ {"id":1,"jsonrpc":"2.0","method":"energy.market_state","params":{"page":0}}"#
    );
    assert_eq!(spec(MARKET).read(), r#"rpc energy.market_state {"page": 0}"#);
    let bare = spec(r#"(method: "light.latest_header", path: "/rpc")"#);
    assert_eq!(bare.read(), "rpc light.latest_header at /rpc");
    let address = source(bare).address().expect("an address");
    assert_eq!(address, r#"POST http://127.0.0.1:3001/rpc {"id":1,"jsonrpc":"2.0","method":"light.latest_header"}"#);
}

#[test]
fn a_result_is_read_as_any_json_is() {
    let batch = decode(
        r#"{"id":1,"jsonrpc":"2.0","result":{"status":"ok","providers":[
            {"provider_id":"p1","reputation_score":0.5},{"provider_id":"p\u001b[2J2","reputation_score":0.25},
            {"provider_id":null,"reputation_score":1},{"provider_id":"p4","reputation_score":1}],
            "executor":{"last_error_at":null},"governance":{"mode":"batch"}}}"#,
    );
    assert_eq!(batch.failure, None);
    assert_eq!(
        shown(&batch),
        [
            "up 1",
            "energy_providers 4",
            "energy_mode_batch 1",
            "energy_provider_reputation 0.5",
            "energy_provider_reputation 0.25"
        ]
    );
    let providers: Vec<&str> = batch.layout.series().iter().map(|labels| labels.get("provider")).collect();
    assert_eq!(providers[providers.len() - 2..], ["p1", "p\u{fffd}[2J2"], "what a chain says is made harmless");
    assert_eq!(batch.dropped_series, 2, "one without a name, and one above the limit");
    assert_eq!(batch.not_exposed.iter().map(|name| &**name).collect::<Vec<_>>(), ["treasury_last_error_seconds"]);
    assert_eq!(*batch.documents[0].json, serde_json::json!({"mode": "batch"}));
    assert_eq!(shown(&decode(r#"{"error":null,"id":1,"jsonrpc":"2.0","result":null}"#)), ["up 1"]);
}

#[test]
fn a_method_that_is_not_there_is_not_exposed_and_the_node_is_up() {
    let check = |error: &str| {
        let batch = decode(&format!(r#"{{"error":{error},"id":1,"jsonrpc":"2.0"}}"#));
        assert_eq!(batch.failure, None, "{error}");
        assert_eq!(shown(&batch), ["up 1"], "{error}");
        assert_eq!(batch.not_exposed.len(), 4, "{error}");
    };
    check(r#"{"code":-32601,"message":"method not found"}"#);
    check(r#"{"code":-32601}"#);
    check(r#"{"code":0,"message":"Method Not Found: energy.market_state"}"#);
    let own = JsonRpcSpec { not_exposed: vec![-33020], ..spec(MARKET) };
    let rehearsal = r#"{"error":{"code":-33020,"message":"market in rehearsal"},"id":1,"jsonrpc":"2.0"}"#;
    let batch = source(own).decode(&mut Cursor::default(), &over_http(|_| {}, rehearsal));
    assert_eq!((batch.failure, batch.not_exposed.len()), (None, 4));
}

#[test]
fn an_error_in_an_envelope_is_a_failure_whatever_the_status_says() {
    let check = |status: u16, body: &str, want: &str| assert_eq!(fails(status, body), want, "{body}");
    let error = |code: i64, message: &str| {
        serde_json::json!({"error": {"code": code, "message": message}, "id": 1, "jsonrpc": "2.0"}).to_string()
    };
    let treasury = error(-32092, "treasury storage error");
    check(200, &treasury, "the node answers energy.market_state with error -32092: treasury storage error");
    check(500, &treasury, "the node answers energy.market_state with error -32092: treasury storage error");
    check(200, &error(-32002, "banned"), "the node refuses to be read so often: error -32002: banned");
    check(200, &error(-1, "\u{1b}[31mred"), "the node answers energy.market_state with error -1: \u{fffd}[31mred");
    check(200, r#"{"error":"oops","id":null}"#, "the node answers energy.market_state with error 0: oops");
    check(429, "", "answered with status 429");
    check(429, &error(-32001, "rate limited"), "answered with status 429");
    check(403, "", "answered with status 403");
    check(404, "<html>", "answered with status 404");
    check(200, "<html><title>404</title>", "answered with HTML instead of JSON");
    check(200, "", "not JSON: the answer is empty");
    check(200, r#"{"id":1,"result""#, "not JSON: it ends in the middle, after 16 bytes");
    let no = |what: &str| format!("not an answer of JSON-RPC: {what}");
    check(200, "[]", &no("it is no object"));
    check(200, r#"{"id":1,"jsonrpc":"2.0"}"#, &no("it has neither a result nor an error"));
    check(200, r#"{"id":2,"result":{}}"#, &no("it answers another question: its id is not ours"));
    check(200, r#"{"id":2,"error":{"code":-32601}}"#, &no("it answers another question: its id is not ours"));
    check(200, r#"{"result":{}}"#, &no("it has no id, so that nothing says which question it answers"));
    check(503, r#"{"status":"unavailable"}"#, "answered with status 503");
}

#[test]
fn a_method_that_changes_something_is_no_source() {
    let check = |method: &str, want: Option<&str>| {
        let found = SourceKindSpec::JsonRpc(JsonRpcSpec { method: method.to_owned(), ..spec(MARKET) }).check();
        match want {
            None => assert_eq!(found, Ok(()), "{method}"),
            Some(word) => assert!(found.is_err_and(|what| what.contains(word)), "{method}"),
        }
    };
    check("energy.market_state", None);
    check("energy.settlements", None);
    check("gov.treasury.disbursements", None);
    check("light.latest_header", None);
    check("eth_getBlockByNumber", None);
    check("energy.settle", Some("(settle)"));
    check("gov.treasury.queue", Some("(queue)"));
    check("gov_rollback", Some("(rollback)"));
    check("eth_sendRawTransaction", Some("(send)"));
    check("energy.flag_dispute", Some("(flag)"));
    check("submit-reading", Some("an act of a runbook changes"));
    check("", Some("no name of a method"));
    check("a b", Some("no name of a method"));
    check(&"x".repeat(200), Some("no name of a method"));
}

#[test]
fn params_are_json_and_a_list_or_an_object() {
    let check = |params: &str, want: &str| {
        let found = SourceKindSpec::JsonRpc(JsonRpcSpec { params: Some(params.to_owned()), ..spec(MARKET) }).check();
        assert!(found.as_ref().is_err_and(|what| what.contains(want)), "{params}: {found:?}");
    };
    check("{page: 0}", "are not JSON");
    check("7", "must be an object or a list, such as {} or [7]");
    check(&format!("[{}]", "1,".repeat(5_000)), "longer than 4096 bytes");
}
