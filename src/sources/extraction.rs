//! JSON turned into series and documents by jq filters, with ordered fallbacks per series. Where the JSON came from,
//! over HTTP or from a program, is another file's business.
//!
//! A series names its extractions in order: the surface the documents promise first, the one the node's code really
//! has after it. The first that yields a finite number wins; a series that none yields is *not exposed*, never zero.
//! A filter sees the body as its input and `$node_seconds` (the node's clock from its `Date` header, null without
//! one) and `$seconds` (ours, when the request was sent). A truth value is 1 or 0, null is nothing. What jq makes of
//! null is not always null: `length` makes 0, and `not` true; a filter that counts names what it counts, as in
//! `.providers | arrays | length`.
//!
//! A series may be one per item of a list, such as one per provider: `each` finds the items and names their labels, and
//! the extractions see one item each. What a node says in words that only tell the same from the other, such as the
//! hash of a block, is read as a [`Reads::Fingerprint`]: a number that is equal where the words are, so that PromQL can
//! compare it between nodes, and that costs no series per word.
//!
//! One name may have several entries with different labels; it is not exposed where none of them yields.
//!
//! The body is parsed once, within limits on size and depth, and all filters of the source run over it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::jq::{Filter, JqError, Json, JsonError};
use super::kind::{Columns, Decoded, Own, free_name, given_labels, labels_of};
use super::{BoundSource, Cursor};
use crate::base::{Digest, Unit, Wall};
use crate::model::labels::NAME;
use crate::model::{Document, FetchFailure, Labels};

/// Largest document that is kept, in bytes of its JSON.
const LARGEST_DOCUMENT: usize = 65_536;

/// What a failure says was expected.
pub(super) const EXPECTED: &str = "JSON";

/// The surfaces an extraction can belong to. [`BOTH`] tells nothing about which one a node has.
const SURFACES: [&str; 3] = ["documented", "as-built", BOTH];

const BOTH: &str = "both";

/// Most items that a list may be allowed.
const MOST_ITEMS: usize = 500;

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
    /// Where the answer has it of several things: each is a series of its own.
    #[serde(default)]
    pub each: Option<EachSpec>,
    #[serde(default)]
    pub reads: Reads,
    /// Tried in order.
    pub extract: Vec<Extract>,
    #[serde(default)]
    pub from: Vec<String>,
}

/// A series for every item of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EachSpec {
    /// A jq filter that yields the list.
    pub jq: String,
    /// Labels of an item's series, each by a jq filter over the item that yields a text or a number. An item without
    /// one of them has no series.
    pub labels: BTreeMap<String, String>,
    /// Items that are taken; 50 where it is not given.
    #[serde(default = "limit_items")]
    pub limit: usize,
}

fn limit_items() -> usize {
    50
}

/// What a filter's value is taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reads {
    #[default]
    Number,
    /// A text, as a number that is the same for the same text, whatever its case and with or without `0x` where it is
    /// hexadecimal. Two texts share one by chance once in 4 · 10¹⁵; of its size nothing follows.
    Fingerprint,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// `documented`, `as-built`, or `both` where the two have the same field.
    pub surface: String,
    /// A jq filter that yields a number, a boolean (1 or 0) or nothing; of a fingerprint, a text.
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
    each: Option<Each>,
    reads: Reads,
    extract: Vec<(Arc<str>, Filter)>,
}

#[derive(Debug)]
struct Each {
    list: Filter,
    labels: Vec<(String, Filter)>,
    limit: usize,
}

/// What one document yielded.
#[derive(Debug, Default)]
struct Found {
    /// Which entries of the spec yielded, and what; in the order of the spec.
    values: Vec<(usize, f64)>,
    /// Series of items.
    named: Vec<(Labels, f64)>,
    /// Items that were left out.
    dropped: u64,
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
        let one_name = |one: &JsonSeries| series.iter().filter(|other| other.name == one.name).count() == 1;
        if let Some(twice) = series.iter().find(|one| one.each.is_some() && !one_name(one)) {
            return Err(format!("series {:?}: a name with each has no other entry", twice.name));
        }
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
        self.decode_json(&parsed(body)?, node, ours, own, cursor)
    }

    /// As [`Extraction::decode`], of what was parsed before.
    pub fn decode_json(
        &self,
        input: &Json,
        node: Option<Wall>,
        ours: Wall,
        own: &Own<'_>,
        cursor: &mut Cursor,
    ) -> Result<Decoded, FetchFailure> {
        let found = self.find(input, own.labels, node, ours)?;
        let laid = self.columns.lay_out_with(own, cursor, &found.values, found.named);
        Ok(Decoded {
            documents: found.documents,
            not_exposed: found.not_exposed,
            surfaces: found.surfaces,
            dropped_series: laid.dropped_series + found.dropped,
            ..laid
        })
    }

    /// An answer that says that there is nothing of all this.
    pub fn nothing(&self, own: &Own<'_>, cursor: &mut Cursor) -> Decoded {
        let mut not_exposed: Vec<Arc<str>> = Vec::new();
        for series in &self.series {
            if !not_exposed.contains(&series.name) {
                not_exposed.push(Arc::clone(&series.name));
            }
        }
        Decoded { not_exposed, ..self.columns.lay_out(own, cursor, &[]) }
    }

    fn find(&self, input: &Json, own: &Labels, node: Option<Wall>, ours: Wall) -> Result<Found, FetchFailure> {
        let node_seconds = node.map(Wall::as_seconds).map_or_else(Json::null, Json::from);
        let variables = [node_seconds, Json::from(ours.as_seconds())];
        let mut found = Found::default();
        for (at, series) in self.series.iter().enumerate() {
            if let Some(each) = &series.each {
                series.of_items(each, input, own, &variables, &mut found)?;
                continue;
            }
            match series.yields(input, &variables)? {
                Some((surface, value)) => {
                    found.values.push((at, value));
                    found.note(surface);
                }
                None if found.not_exposed.contains(&series.name) => {}
                None => found.not_exposed.push(Arc::clone(&series.name)),
            }
        }
        let yielded = |name: &Arc<str>| found.values.iter().any(|(at, _)| self.series[*at].name == *name);
        found.not_exposed.retain(|name| !yielded(name));
        for (name, filter) in &self.documents {
            if let Some(json) = taken(filter, input, &variables, name)?.filter(|json| !json.is_null()) {
                let json = Arc::new(bounded(json.to_value()));
                found.documents.push(Document { name: name.clone(), json });
            }
        }
        Ok(found)
    }
}

impl Found {
    fn note(&mut self, surface: &Arc<str>) {
        if **surface != *BOTH && !self.surfaces.contains(surface) {
            self.surfaces.push(Arc::clone(surface));
        }
    }
}

impl Each {
    fn compile(spec: &EachSpec) -> Result<Each, String> {
        if !(1..=MOST_ITEMS).contains(&spec.limit) {
            return Err(format!("its limit is {}; it must be between 1 and {MOST_ITEMS}", spec.limit));
        }
        if spec.labels.is_empty() {
            return Err("its each names no label, so that its series could not be told apart".to_owned());
        }
        let label = |(name, jq): (&String, &String)| Ok((name.clone(), Filter::compile(jq, &VARIABLES)?));
        let labels = spec.labels.iter().map(label).collect::<Result<_, String>>()?;
        Ok(Each { list: Filter::compile(&spec.jq, &VARIABLES)?, labels, limit: spec.limit })
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
        let each = spec.each.as_ref().map(Each::compile).transpose()?;
        Ok(JsonSeries { labels, name: Arc::from(spec.name.as_str()), each, reads: spec.reads, extract })
    }

    /// A series per item of the list. A node that has the list and nothing in it exposes it.
    fn of_items(
        &self,
        each: &Each,
        input: &Json,
        own: &Labels,
        variables: &[Json],
        found: &mut Found,
    ) -> Result<(), FetchFailure> {
        let Some(items) = taken(&each.list, input, variables, &self.name)?.and_then(|list| list.items()) else {
            found.not_exposed.push(Arc::clone(&self.name));
            return Ok(());
        };
        found.dropped += items.len().saturating_sub(each.limit) as u64;
        for item in items.iter().take(each.limit) {
            let mut pairs: Vec<(&str, String)> = Vec::with_capacity(each.labels.len());
            for (label, filter) in &each.labels {
                let text = taken(filter, item, variables, &self.name)?.and_then(|json| json.text());
                pairs.extend(text.map(|text| (label.as_str(), text)));
            }
            match self.yields(item, variables)? {
                Some((surface, value)) if pairs.len() == each.labels.len() => {
                    let own_labels = self.labels.iter().filter(|(name, _)| *name != NAME);
                    let pairs: Vec<(&str, &str)> =
                        own_labels.chain(pairs.iter().map(|(name, text)| (*name, text.as_str()))).collect();
                    found.named.push((given_labels(own, &self.name, &pairs), value));
                    found.note(surface);
                }
                Some(_) | None => found.dropped += 1,
            }
        }
        Ok(())
    }

    /// The first extraction that yields a finite number.
    fn yields(&self, input: &Json, variables: &[Json]) -> Result<Option<(&Arc<str>, f64)>, FetchFailure> {
        for (surface, filter) in &self.extract {
            if let Some(value) = taken(filter, input, variables, &self.name)?.and_then(|json| self.reads.value(&json)) {
                return Ok(Some((surface, value)));
            }
        }
        Ok(None)
    }
}

impl Reads {
    fn value(self, json: &Json) -> Option<f64> {
        match self {
            Reads::Number => json.number(),
            Reads::Fingerprint => json.text().as_deref().and_then(fingerprint),
        }
    }
}

/// 52 bits of a text's digest: as many as a number holds exactly.
fn fingerprint(said: &str) -> Option<f64> {
    let word = said.trim();
    let digits = word.strip_prefix("0x").or(word.strip_prefix("0X")).unwrap_or(word);
    let is_hex = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit());
    let plain = if is_hex { digits.to_ascii_lowercase() } else { word.to_owned() };
    let digest = Digest::of(plain.as_bytes());
    let bits = digest.as_str().get(..13).and_then(|start| u64::from_str_radix(start, 16).ok())?;
    (!plain.is_empty()).then_some(bits as f64)
}

/// Reads a body. Some proxies end a JSON text with the two characters `\n` where a line should end; the text before them
/// is whole, and is read.
pub(super) fn parsed(body: &[u8]) -> Result<Json, FetchFailure> {
    let read = |body: &[u8]| {
        Json::parse(body).map_err(|error: JsonError| FetchFailure::Malformed {
            expected: EXPECTED.to_owned(),
            detail: error.to_string(),
        })
    };
    read(body).or_else(|failure| match body.trim_ascii_end().strip_suffix(b"\\n") {
        Some(whole) => read(whole).map_err(|_| failure),
        None => Err(failure),
    })
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
}
