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

pub(super) const BOTH: &str = "both";

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

/// Each way to one of these series.
pub(super) fn extractions(series: &[JsonSeriesSpec]) -> Vec<(Labels, &str)> {
    let of = |one: &'_ JsonSeriesSpec| labels_of(&one.name, &one.labels);
    series.iter().flat_map(|one| one.extract.iter().map(move |way| (of(one), way.surface.as_str()))).collect()
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
mod tests;
