//! JSON turned into series and documents by jq filters, with ordered fallbacks per series. Where the JSON came from,
//! over HTTP or from a program, is another file's business.
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
use super::kind::{Columns, Decoded, Own, free_name, labels_of};
use super::{BoundSource, Cursor};
use crate::base::{Unit, Wall};
use crate::model::{Document, FetchFailure, Labels};

/// Largest document that is kept, in bytes of its JSON.
const LARGEST_DOCUMENT: usize = 65_536;

/// What a failure says was expected.
pub(super) const EXPECTED: &str = "JSON";

/// The surfaces an extraction can belong to. [`BOTH`] tells nothing about which one a node has.
const SURFACES: [&str; 3] = ["documented", "as-built", BOTH];

const BOTH: &str = "both";

/// What a filter can name beside its input.
const VARIABLES: [&str; 2] = ["$node_seconds", "$seconds"];

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

/// What a series means and what it is measured in, where one of these gives it.
pub(super) fn meaning<'s>(series: &'s [JsonSeriesSpec], name: &str) -> Option<(&'s str, Unit)> {
    series.iter().find(|series| series.name == name).map(|series| (series.help.as_str(), series.unit))
}

/// Compiled filters.
#[derive(Debug)]
pub(super) struct Extraction {
    columns: Columns,
    series: Vec<JsonSeries>,
    documents: Vec<(String, Filter)>,
}

#[derive(Debug)]
struct JsonSeries {
    labels: Labels,
    name: Arc<str>,
    extract: Vec<(Arc<str>, Filter)>,
}

/// What one document yielded.
#[derive(Debug, Default)]
struct Found {
    /// Which entries of the spec yielded, and what; in the order of the spec.
    values: Vec<(usize, f64)>,
    documents: Vec<Document>,
    not_exposed: Vec<Arc<str>>,
    surfaces: Vec<Arc<str>>,
}

impl Extraction {
    pub fn compile(
        bound: &BoundSource,
        series: &[JsonSeriesSpec],
        documents: &[JsonDocumentSpec],
    ) -> Result<Extraction, String> {
        let one =
            |one: &JsonSeriesSpec| JsonSeries::compile(one).map_err(|what| format!("series {:?}: {what}", one.name));
        let series: Vec<JsonSeries> = series.iter().map(one).collect::<Result<_, _>>()?;
        let document = |one: &JsonDocumentSpec| match Filter::compile(&one.jq, &VARIABLES) {
            Ok(filter) => Ok((one.name.clone(), filter)),
            Err(what) => Err(format!("document {:?}: {what}", one.name)),
        };
        let documents = documents.iter().map(document).collect::<Result<_, _>>()?;
        let columns = Columns::new(bound, series.iter().map(|series| series.labels.clone()))?;
        Ok(Extraction { columns, series, documents })
    }

    /// Reads a document: `node` is the node's own clock where it tells it, `ours` when we asked.
    pub fn decode(
        &self,
        body: &[u8],
        node: Option<Wall>,
        ours: Wall,
        own: &Own<'_>,
        cursor: &mut Cursor,
    ) -> Result<Decoded, FetchFailure> {
        let found = self.find(body, node, ours)?;
        Ok(Decoded {
            documents: found.documents,
            not_exposed: found.not_exposed,
            surfaces: found.surfaces,
            ..self.columns.lay_out(own, cursor, &found.values)
        })
    }

    fn find(&self, body: &[u8], node: Option<Wall>, ours: Wall) -> Result<Found, FetchFailure> {
        let input = Json::parse(body).map_err(|error: JsonError| FetchFailure::Malformed {
            expected: EXPECTED.to_owned(),
            detail: error.to_string(),
        })?;
        let node_seconds = node.map(Wall::as_seconds).map_or_else(Json::null, Json::from);
        let variables = [node_seconds, Json::from(ours.as_seconds())];
        let mut found = Found::default();
        for (at, series) in self.series.iter().enumerate() {
            match series.yields(&input, &variables)? {
                Some((surface, value)) => {
                    found.values.push((at, value));
                    if **surface != *BOTH && !found.surfaces.contains(surface) {
                        found.surfaces.push(Arc::clone(surface));
                    }
                }
                None if found.not_exposed.contains(&series.name) => {}
                None => found.not_exposed.push(Arc::clone(&series.name)),
            }
        }
        let yielded = |name: &Arc<str>| found.values.iter().any(|(at, _)| self.series[*at].name == *name);
        found.not_exposed.retain(|name| !yielded(name));
        for (name, filter) in &self.documents {
            if let Some(json) = taken(filter, &input, &variables, name)?.filter(|json| !json.is_null()) {
                let json = Arc::new(bounded(json.to_value()));
                found.documents.push(Document { name: name.clone(), json });
            }
        }
        Ok(found)
    }
}

impl JsonSeries {
    fn compile(spec: &JsonSeriesSpec) -> Result<JsonSeries, String> {
        free_name(&spec.name)?;
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
        let labels = labels_of(&spec.name, &spec.labels);
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
    use crate::sources::tests::bound_at;

    type Spec = (Vec<JsonSeriesSpec>, Vec<JsonDocumentSpec>);

    fn spec(series: &[(&str, &[(&str, &str)])], documents: &[(&str, &str)]) -> Spec {
        let extract = |(surface, jq): &(&str, &str)| Extract { surface: (*surface).into(), jq: (*jq).into() };
        let one = |(name, extracts): &(&str, &[(&str, &str)])| JsonSeriesSpec {
            name: (*name).to_owned(),
            labels: BTreeMap::new(),
            help: String::new(),
            unit: Unit::Count,
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
        extraction.find(body.as_bytes(), None, Wall(100_000))
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
        let found = extraction.find(br#"{"lastBlockTime":40000}"#, Some(Wall(145_000)), Wall(100_000));
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
}
