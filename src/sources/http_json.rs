//! JSON over HTTP, turned into series and documents by jq filters, with ordered fallbacks per series.
//!
//! A series names its extractions in order: the surface the documents promise first, the one the node's code really
//! has after it. The first that yields a finite number wins; a series that none yields is *not exposed*, never zero.
//! A filter sees the body as its input and `$node_seconds` (the node's clock from its `Date` header, null without
//! one) and `$seconds` (ours, when the request was sent). A truth value is 1 or 0, null is nothing.
//!
//! One name may have several entries with different labels; it is not exposed where none of them yields.
//!
//! The body is parsed once, within limits on size and depth, and all filters of the source run over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::jq::{Filter, JqError, Json, JsonError};
use crate::base::{Unit, Wall};
use crate::model::labels::NAME;
use crate::model::{Document, FetchFailure, Labels, Reply};

/// Largest document that is kept, in bytes of its JSON.
const LARGEST_DOCUMENT: usize = 65_536;

/// What a failure says was expected.
const EXPECTED: &str = "JSON";

/// The surfaces an extraction can belong to. [`BOTH`] tells nothing about which one a node has.
const SURFACES: [&str; 3] = ["documented", "as-built", BOTH];

const BOTH: &str = "both";

/// What a filter can name beside its input.
const VARIABLES: [&str; 2] = ["$node_seconds", "$seconds"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpJsonSpec {
    /// Path and query, appended to the endpoint's URL.
    pub path: String,
    #[serde(default)]
    pub series: Vec<JsonSeriesSpec>,
    #[serde(default)]
    pub documents: Vec<JsonDocumentSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonSeriesSpec {
    pub name: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub help: String,
    #[serde(default)]
    pub unit: Unit,
    /// Tried in order.
    pub extract: Vec<Extract>,
    #[serde(default)]
    pub from: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// `documented`, `as-built`, or `both` where the two have the same field.
    pub surface: String,
    /// A jq filter that yields a number, a boolean (1 or 0) or nothing.
    pub jq: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonDocumentSpec {
    pub name: String,
    pub jq: String,
}

/// Compiled filters.
#[derive(Debug)]
pub struct HttpJson {
    series: Vec<JsonSeries>,
    documents: Vec<(String, Filter)>,
}

#[derive(Debug)]
struct JsonSeries {
    labels: Labels,
    name: Arc<str>,
    extract: Vec<(Arc<str>, Filter)>,
}

/// What one answer brought.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// Which entries of the spec yielded, and what; in the order of the spec.
    pub values: Vec<(usize, f64)>,
    pub documents: Vec<Document>,
    pub not_exposed: Vec<Arc<str>>,
    pub surfaces: Vec<Arc<str>>,
}

impl HttpJson {
    pub(super) fn compile(spec: &HttpJsonSpec) -> Result<HttpJson, String> {
        let mut series = Vec::with_capacity(spec.series.len());
        for one in &spec.series {
            series.push(JsonSeries::compile(one).map_err(|what| format!("series {:?}: {what}", one.name))?);
        }
        for (at, one) in series.iter().enumerate() {
            if series[..at].iter().any(|before| before.labels == one.labels) {
                return Err(format!("series {} is declared twice", one.labels));
            }
        }
        let document = |one: &JsonDocumentSpec| match Filter::compile(&one.jq, &VARIABLES) {
            Ok(filter) => Ok((one.name.clone(), filter)),
            Err(what) => Err(format!("document {:?}: {what}", one.name)),
        };
        let documents = spec.documents.iter().map(document).collect::<Result<_, _>>()?;
        Ok(HttpJson { series, documents })
    }

    /// The labels of every entry, without the source's own.
    pub(super) fn series(&self) -> impl Iterator<Item = &Labels> {
        self.series.iter().map(|series| &series.labels)
    }

    pub(super) fn decode(&self, reply: &Reply) -> Result<Decoded, FetchFailure> {
        if super::is_html(reply) {
            return Err(FetchFailure::Html { expected: EXPECTED.to_owned() });
        }
        let input = Json::parse(&reply.body).map_err(|error: JsonError| FetchFailure::Malformed {
            expected: EXPECTED.to_owned(),
            detail: error.to_string(),
        })?;
        let node_seconds = reply.date.map(Wall::as_seconds).map_or_else(Json::null, Json::from);
        let variables = [node_seconds, Json::from(reply.sent.wall.as_seconds())];
        let mut decoded = Decoded::default();
        for (at, series) in self.series.iter().enumerate() {
            match series.yields(&input, &variables)? {
                Some((surface, value)) => {
                    decoded.values.push((at, value));
                    if **surface != *BOTH && !decoded.surfaces.contains(surface) {
                        decoded.surfaces.push(Arc::clone(surface));
                    }
                }
                None if decoded.not_exposed.contains(&series.name) => {}
                None => decoded.not_exposed.push(Arc::clone(&series.name)),
            }
        }
        let yielded = |name: &Arc<str>| decoded.values.iter().any(|(at, _)| self.series[*at].name == *name);
        decoded.not_exposed.retain(|name| !yielded(name));
        for (name, filter) in &self.documents {
            if let Some(json) = taken(filter, &input, &variables, name)?.filter(|json| !json.is_null()) {
                let json = Arc::new(bounded(json.to_value()));
                decoded.documents.push(Document { name: name.clone(), json });
            }
        }
        Ok(decoded)
    }
}

impl JsonSeries {
    fn compile(spec: &JsonSeriesSpec) -> Result<JsonSeries, String> {
        if spec.name == "up" || spec.name.starts_with("opsconsole_") {
            return Err("the name belongs to the console".to_owned());
        }
        if spec.extract.is_empty() {
            return Err("it has no extraction".to_owned());
        }
        let mut extract = Vec::with_capacity(spec.extract.len());
        for one in &spec.extract {
            if !SURFACES.contains(&one.surface.as_str()) {
                return Err(format!("the surface {:?} is none of {}", one.surface, SURFACES.join(", ")));
            }
            extract.push((Arc::from(one.surface.as_str()), Filter::compile(&one.jq, &VARIABLES)?));
        }
        let pairs = spec.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels = Labels::from_pairs(pairs).with(NAME, &spec.name);
        Ok(JsonSeries { labels, name: Arc::from(spec.name.as_str()), extract })
    }

    /// The first extraction that yields a finite number.
    fn yields(&self, input: &Json, variables: &[Json]) -> Result<Option<(&Arc<str>, f64)>, FetchFailure> {
        for (surface, filter) in &self.extract {
            if let Some(value) = taken(filter, input, variables, &self.name)?.and_then(|json| json.number()) {
                return Ok(Some((surface, value)));
            }
        }
        Ok(None)
    }
}

/// What a filter gives. A shape that it does not know is nothing, so that the next fallback has its turn.
fn taken(filter: &Filter, input: &Json, variables: &[Json], what: &str) -> Result<Option<Json>, FetchFailure> {
    match filter.first(input, variables) {
        Ok(json) => Ok(json),
        Err(JqError::Failed { .. }) => Ok(None),
        Err(JqError::Overrun) => Err(FetchFailure::Overrun { filter: what.to_owned() }),
    }
}

/// The document, or a note in its place where it is too large.
fn bounded(json: serde_json::Value) -> serde_json::Value {
    let length = serde_json::to_vec(&json).map_or(usize::MAX, |bytes| bytes.len());
    if length <= LARGEST_DOCUMENT {
        return json;
    }
    serde_json::json!({ "left out": format!("larger than {LARGEST_DOCUMENT} bytes") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{At, Boot};
    use std::time::Duration;

    fn reply(body: &str) -> Reply {
        Reply {
            status: 200,
            content_type: "application/json; charset=utf-8".to_owned(),
            date: None,
            body: body.as_bytes().to_vec(),
            sent: At { boot: Boot(0), wall: Wall(100_000) },
            took: Duration::ZERO,
        }
    }

    fn spec(series: &[(&str, &[(&str, &str)])], documents: &[(&str, &str)]) -> HttpJsonSpec {
        let extract = |(surface, jq): &(&str, &str)| Extract { surface: (*surface).into(), jq: (*jq).into() };
        let one = |(name, extracts): &(&str, &[(&str, &str)])| JsonSeriesSpec {
            name: (*name).to_owned(),
            labels: BTreeMap::new(),
            help: String::new(),
            unit: Unit::Count,
            extract: extracts.iter().map(extract).collect(),
            from: Vec::new(),
        };
        HttpJsonSpec {
            path: "/".to_owned(),
            series: series.iter().map(one).collect(),
            documents: documents
                .iter()
                .map(|(name, jq)| JsonDocumentSpec { name: (*name).into(), jq: (*jq).into() })
                .collect(),
        }
    }

    const AGE: &[(&str, &str)] = &[
        ("documented", ".last_block_age_seconds"),
        ("as-built", "if .lastBlockTime then ($node_seconds // $seconds) - .lastBlockTime / 1000 else empty end"),
    ];
    const SIZE: &[(&str, &str)] = &[("both", ".mempoolSize")];
    const TIMEOUTS: &[(&str, &str)] = &[("documented", ".timeouts_total")];

    #[test]
    fn fallbacks_are_tried_in_order_and_nothing_is_never_zero() {
        let http_json = HttpJson::compile(&spec(&[("age", AGE), ("size", SIZE), ("timeouts", TIMEOUTS)], &[]));
        let http_json = http_json.expect("the filters compile");
        let check = |body: &str, values: &[(usize, f64)], not_exposed: &[&str], surfaces: &[&str]| {
            let decoded = http_json.decode(&reply(body)).expect(body);
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
        let http_json = HttpJson::compile(&spec(&[("age", AGE)], &[])).expect("the filters compile");
        let mut answer = reply(r#"{"lastBlockTime":40000}"#);
        answer.date = Some(Wall(145_000));
        assert_eq!(http_json.decode(&answer).expect("valid").values, [(0, 105.0)]);
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
        assert!(HttpJson::compile(&spec).expect_err("two equal series").contains("declared twice"));
        spec.series[1].labels.insert("mode".to_owned(), "b".to_owned());
        let decoded = HttpJson::compile(&spec).expect("two series").decode(&reply(r#"{"mode":"b","ok":true}"#));
        let decoded = decoded.expect("valid");
        assert_eq!((decoded.values, decoded.not_exposed), (vec![(1, 1.0)], vec![]));
    }

    #[test]
    fn a_wrong_answer_is_named_for_what_it_is() {
        let http_json = HttpJson::compile(&spec(&[("size", SIZE)], &[])).expect("the filters compile");
        let check = |content_type: &str, body: &str, want: &str| {
            let answer = Reply { content_type: content_type.to_owned(), ..reply(body) };
            assert_eq!(http_json.decode(&answer).expect_err(body).to_string(), want);
        };
        let json = "application/json";
        check("text/html; charset=utf-8", "{}", "answered with HTML instead of JSON");
        check(json, "\n <!DOCTYPE html>", "answered with HTML instead of JSON");
        check(json, r#"{"mempoolSize":3,"#, "not JSON: it ends in the middle, after 17 bytes");
        check(json, "", "not JSON: the answer is empty");
        check(json, "{\"a\":\nnope}", "not JSON: expected ident at line 2 column 2");
        check(json, &"[".repeat(9999), "not JSON: it is nested deeper than 64 levels");
    }

    #[test]
    fn a_filter_that_works_too_much_stops_the_source() {
        let jq: &[(&str, &str)] = &[("both", "[.[] as $a | .[] | . + $a] | length")];
        let http_json = HttpJson::compile(&spec(&[("pairs", jq)], &[])).expect("the filter compiles");
        let body = format!("[{}]", vec!["1"; 4000].join(","));
        let failure = http_json.decode(&reply(&body)).expect_err("too much work");
        assert_eq!(failure, FetchFailure::Overrun { filter: "pairs".to_owned() });
    }

    #[test]
    fn documents_are_bounded_and_absent_ones_are_left_out() {
        let documents: &[(&str, &str)] = &[("whole", "."), ("part", ".part // empty"), ("nothing", ".absent")];
        let http_json = HttpJson::compile(&spec(&[("size", SIZE)], documents)).expect("the filters compile");
        let text = "x".repeat(LARGEST_DOCUMENT);
        let decoded = http_json.decode(&reply(&format!(r#"{{"part":[1],"text":"{text}"}}"#))).expect("valid");
        let found: Vec<_> = decoded.documents.iter().map(|document| (&*document.name, &*document.json)).collect();
        let note = serde_json::json!({"left out": "larger than 65536 bytes"});
        assert_eq!(found, [("whole", &note), ("part", &serde_json::json!([1]))]);
    }

    #[test]
    fn a_spec_that_can_not_work_is_refused() {
        let check = |series: &[(&str, &[(&str, &str)])], want: &str| {
            let error = HttpJson::compile(&spec(series, &[])).expect_err(want);
            assert!(error.contains(want), "{error}");
        };
        check(&[("up", SIZE)], "belongs to the console");
        check(&[("opsconsole_setting", SIZE)], "belongs to the console");
        check(&[("a", &[])], "no extraction");
        check(&[("a", &[("legacy", ".a")])], "none of documented, as-built, both");
        check(&[("a", &[("both", "now")])], "now/0");
    }
}
