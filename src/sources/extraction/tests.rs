//! Filters over answers of both surfaces, over lists, and over what is not JSON.

use super::*;
use crate::sources::tests::bound_at;

type Spec = (Vec<JsonSeriesSpec>, Vec<JsonDocumentSpec>);

fn spec(series: &[(&str, &[(&str, &str)])], documents: &[(&str, &str)]) -> Spec {
    let extract = |(surface, jq): &(&str, &str)| Extract { surface: (*surface).into(), jq: (*jq).into() };
    let one = |(name, extracts): &(&str, &[(&str, &str)])| JsonSeriesSpec {
        name: (*name).to_owned(),
        labels: BTreeMap::new(),
        help: String::new(),
        unit: Unit::Count,
        each: None,
        reads: Reads::Number,
        extract: extracts.iter().map(extract).collect(),
        from: Vec::new(),
    };
    let document = |(name, jq): &(&str, &str)| JsonDocumentSpec { name: (*name).into(), jq: (*jq).into() };
    (series.iter().map(one).collect(), documents.iter().map(document).collect())
}

fn compiled(spec: &Spec) -> Result<Extraction, String> {
    Extraction::compile(&bound_at("http://127.0.0.1:1"), &spec.0, &spec.1)
}

fn find(extraction: &Extraction, body: &str) -> Result<Found, FetchFailure> {
    extraction.find(&parsed(body.as_bytes())?, &Labels::default(), None, Wall(100_000))
}

const AGE: &[(&str, &str)] = &[
    ("documented", ".last_block_age_seconds"),
    ("as-built", "if .lastBlockTime then ($node_seconds // $seconds) - .lastBlockTime / 1000 else empty end"),
];
const SIZE: &[(&str, &str)] = &[("both", ".mempoolSize")];
const TIMEOUTS: &[(&str, &str)] = &[("documented", ".timeouts_total")];

#[test]
fn fallbacks_are_tried_in_order_and_nothing_is_never_zero() {
    let extraction = compiled(&spec(&[("age", AGE), ("size", SIZE), ("timeouts", TIMEOUTS)], &[]));
    let extraction = extraction.expect("the filters compile");
    let check = |body: &str, values: &[(usize, f64)], not_exposed: &[&str], surfaces: &[&str]| {
        let decoded = find(&extraction, body).expect(body);
        assert_eq!(decoded.values, values, "{body}");
        assert_eq!(decoded.not_exposed.iter().map(|name| &**name).collect::<Vec<_>>(), not_exposed, "{body}");
        assert_eq!(decoded.surfaces.iter().map(|name| &**name).collect::<Vec<_>>(), surfaces, "{body}");
    };
    check(
        r#"{"last_block_age_seconds":12,"mempoolSize":3,"timeouts_total":0}"#,
        &[(0, 12.0), (1, 3.0), (2, 0.0)],
        &[],
        &["documented"],
    );
    check(r#"{"lastBlockTime":40000,"mempoolSize":3}"#, &[(0, 60.0), (1, 3.0)], &["timeouts"], &["as-built"]);
    check(r#"{"lastBlockTime":null,"mempoolSize":null}"#, &[], &["age", "size", "timeouts"], &[]);
    check(r#"{"mempoolSize":"many"}"#, &[], &["age", "size", "timeouts"], &[]);
    check(r#"{"mempoolSize":true}"#, &[(1, 1.0)], &["age", "timeouts"], &[]);
    check("[1,2]", &[], &["age", "size", "timeouts"], &[]);
    check("3", &[], &["age", "size", "timeouts"], &[]);
}

#[test]
fn the_nodes_clock_is_used_where_it_is_known() {
    let extraction = compiled(&spec(&[("age", AGE)], &[])).expect("the filters compile");
    let body = parsed(br#"{"lastBlockTime":40000}"#).expect("JSON");
    let found = extraction.find(&body, &Labels::default(), Some(Wall(145_000)), Wall(100_000));
    assert_eq!(found.expect("valid").values, [(0, 105.0)]);
}

#[test]
fn a_name_with_several_entries_is_exposed_where_one_yields() {
    let mut spec = spec(
        &[
            ("ok", &[("both", "if .mode == \"a\" then .ok else empty end")]),
            ("ok", &[("both", "if .mode == \"b\" then .ok else empty end")]),
        ],
        &[],
    );
    assert!(compiled(&spec).expect_err("two equal series").contains("declared twice"));
    spec.0[1].labels.insert("mode".to_owned(), "b".to_owned());
    let decoded = find(&compiled(&spec).expect("two series"), r#"{"mode":"b","ok":true}"#).expect("valid");
    assert_eq!((decoded.values, decoded.not_exposed), (vec![(1, 1.0)], vec![]));
}

#[test]
fn what_is_not_json_is_named_for_what_it_is() {
    let extraction = compiled(&spec(&[("size", SIZE)], &[])).expect("the filters compile");
    let check = |body: &str, want: &str| {
        assert_eq!(find(&extraction, body).expect_err(body).to_string(), want);
    };
    check(r#"{"mempoolSize":3,"#, "not JSON: it ends in the middle, after 17 bytes");
    check("", "not JSON: the answer is empty");
    check("{\"a\":\nnope}", "not JSON: expected ident at line 2 column 2");
    check(&"[".repeat(9999), "not JSON: it is nested deeper than 64 levels");
}

#[test]
fn a_filter_that_works_too_much_stops_the_source() {
    let jq: &[(&str, &str)] = &[("both", "[.[] as $a | .[] | . + $a] | length")];
    let extraction = compiled(&spec(&[("pairs", jq)], &[])).expect("the filter compiles");
    let body = format!("[{}]", vec!["1"; 4000].join(","));
    let failure = find(&extraction, &body).expect_err("too much work");
    assert_eq!(failure, FetchFailure::Overrun { filter: "pairs".to_owned() });
}

#[test]
fn documents_are_bounded_and_absent_ones_are_left_out() {
    let documents: &[(&str, &str)] = &[("whole", "."), ("part", ".part // empty"), ("nothing", ".absent")];
    let extraction = compiled(&spec(&[("size", SIZE)], documents)).expect("the filters compile");
    let text = "x".repeat(LARGEST_DOCUMENT);
    let decoded = find(&extraction, &format!(r#"{{"part":[1],"text":"{text}"}}"#)).expect("valid");
    let found: Vec<_> = decoded.documents.iter().map(|document| (&*document.name, &*document.json)).collect();
    let note = serde_json::json!({"left out": "larger than 65536 bytes"});
    assert_eq!(found, [("whole", &note), ("part", &serde_json::json!([1]))]);
}

#[test]
fn a_spec_that_can_not_work_is_refused() {
    let check = |series: &[(&str, &[(&str, &str)])], want: &str| {
        let error = compiled(&spec(series, &[])).expect_err(want);
        assert!(error.contains(want), "{error}");
    };
    check(&[("up", SIZE)], "belongs to the console");
    check(&[("opsconsole_setting", SIZE)], "belongs to the console");
    check(&[("a", &[])], "no extraction");
    check(&[("a", &[("legacy", ".a")])], "none of documented, as-built, both");
    check(&[("a", &[("both", "now")])], "now/0");
}

#[test]
fn a_fingerprint_tells_the_same_from_the_other() {
    let same = |one: &str, other: &str, want: bool| {
        assert_eq!(fingerprint(one) == fingerprint(other), want, "{one} {other}");
    };
    same("7c8eb387", "7c8eb387", true);
    same("7c8eb387", "0x7C8EB387", true);
    same("7c8eb387", "4dd1c71b", false);
    same("Validator_1", "validator_1", false);
    assert_eq!((fingerprint(" "), fingerprint("0x")), (None, Some(fingerprint("0x").expect("a word"))));
    let most = (1_u64 << 52) as f64;
    assert!(fingerprint("x").is_some_and(|value| value < most && value.fract() == 0.0));
    let mut spec = spec(&[("tip", &[("as-built", ".chain[-1].hash")])], &[]);
    spec.0[0].reads = Reads::Fingerprint;
    let extraction = compiled(&spec).expect("it compiles");
    let value = |body: &str| find(&extraction, body).expect(body).values.first().map(|(_, value)| *value);
    assert_eq!(value(r#"{"chain":[{"hash":"a"},{"hash":"7c8eb387"}]}"#), fingerprint("7c8eb387"));
    assert_eq!(value(r#"{"chain":[]}"#), None);
    assert_eq!(value(r#"{"chain":[{"hash":null}]}"#), None);
}

#[test]
fn items_of_a_list_are_series_of_their_own() {
    let each = |jq: &str, limit| {
        let labels = BTreeMap::from([("component".to_owned(), ".name".to_owned())]);
        let mut spec = spec(&[("healthy", &[("as-built", r#".status | ascii_downcase == "healthy""#)])], &[]);
        spec.0[0].each = Some(EachSpec { jq: jq.to_owned(), labels, limit });
        spec
    };
    let extraction = compiled(&each(".components", 2)).expect("it compiles");
    // States are written as the code names them, not as the documents do.
    let body = r#"{"components":[{"name":"database","status":"Healthy"},{"name":"limiter","status":"Degraded"},
        {"name":"more","status":"Healthy"}]}"#;
    let found = find(&extraction, body).expect("valid");
    let named: Vec<_> = found.named.iter().map(|(labels, value)| (labels.get("component"), *value)).collect();
    assert_eq!((named, found.dropped), (vec![("database", 1.0), ("limiter", 0.0)], 1));
    let empty = find(&extraction, r#"{"components":[]}"#).expect("valid");
    assert_eq!((empty.named.len(), empty.not_exposed.len()), (0, 0), "there is a list, and nothing in it");
    let none = find(&extraction, r#"{"components":null}"#).expect("valid");
    assert_eq!(none.not_exposed.iter().map(|name| &**name).collect::<Vec<_>>(), ["healthy"]);
    let check = |spec: &Spec, want: &str| assert!(compiled(spec).expect_err(want).contains(want));
    check(&each(".components", 0), "its limit is 0; it must be between 1 and 500");
    let mut bare = each(".", 5);
    bare.0[0].each.as_mut().expect("set above").labels.clear();
    check(&bare, "names no label");
    let mut twice = each(".", 5);
    twice.0.push(twice.0[0].clone());
    check(&twice, "has no other entry");
}

#[test]
fn a_text_that_ends_with_the_letters_of_a_line_end_is_read() {
    let check = |body: &str, want: Option<&str>| match (parsed(body.as_bytes()), want) {
        (Ok(json), Some(want)) => assert_eq!(json.to_value().to_string(), want),
        (Err(failure), None) => assert!(failure.to_string().starts_with("not JSON: "), "{failure}"),
        (found, _) => panic!("{body}: {found:?}"),
    };
    let nodes = r#"{"nodes":3}"#;
    check(r#"{"nodes":3}\n"#, Some(nodes));
    check("{\"nodes\":3}\\n\r\n", Some(nodes));
    check(nodes, Some(nodes));
    check(r#"{"nodes":3}\n\n"#, None);
    check(r#"{"nodes":3\n"#, None);
    check(r"\n", None);
    check("upstream down\\n", None);
}
