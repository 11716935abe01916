//! What one poll of one source brought, ready to be linked into the store.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::{FetchFailure, Labels, LogLine, Matcher, Told, Truth};
use crate::base::{At, SourceId};
use std::time::Duration;

/// The columns of a source's rows: which series, in which order. Shared by every row until the source changes shape.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<Labels>", into = "Vec<Labels>")]
pub struct Layout {
    series: Vec<Arc<Labels>>,
    /// Where each series name stands in `ordered`: most selectors name exactly one.
    by_name: HashMap<Arc<str>, Range<u32>>,
    /// Every column, those of one name beside each other and in order.
    ordered: Vec<u32>,
    /// Every column at or after the place that the hash of its labels gives it, once somebody asked for a series.
    places: OnceLock<Box<[u32]>>,
    hash: u64,
    labels_bytes: usize,
    /// The layout that this one came from, by its hash, and the bytes of labels that they share.
    origin: Option<(u64, usize)>,
}

impl Layout {
    #[must_use]
    pub fn new(series: Vec<Labels>) -> Layout {
        Layout::of(series.into_iter().map(Arc::new).collect())
    }

    /// A layout that shares its labels with whoever holds them already.
    #[must_use]
    pub fn of(series: Vec<Arc<Labels>>) -> Layout {
        // Each labels' own hash is keyed by chance, so that mixing them in order is enough.
        let mix = |hash: u64, labels: &Arc<Labels>| (hash.rotate_left(5) ^ labels.hash()).wrapping_mul(MIX);
        let hash = series.iter().fold(series.len() as u64, mix);
        let (by_name, ordered) = grouped(&series);
        let labels_bytes = series.iter().map(|labels| SERIES_BYTES + labels.text_bytes()).sum();
        Layout { series, by_name, ordered, places: OnceLock::new(), hash, labels_bytes, origin: None }
    }

    /// A layout that has these bytes of labels from another one.
    #[must_use]
    pub(crate) fn grown_from(self, origin: &Layout, shared_bytes: usize) -> Layout {
        Layout { origin: Some((origin.hash, shared_bytes)), ..self }
    }

    /// The layout of only these columns, in this order.
    #[must_use]
    pub fn project(&self, columns: &[usize]) -> Layout {
        Layout::of(columns.iter().map(|column| Arc::clone(&self.series[*column])).collect())
    }

    #[must_use]
    pub fn series(&self) -> &[Arc<Labels>] {
        &self.series
    }

    #[must_use]
    pub fn labels(&self, column: u32) -> &Arc<Labels> {
        &self.series[column as usize]
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The columns of a series name, in order.
    pub(super) fn named(&self, name: &str) -> &[u32] {
        let at = self.by_name.get(name).map_or(0..0, |at| at.start as usize..at.end as usize);
        &self.ordered[at]
    }

    /// The column of exactly this series.
    #[must_use]
    pub fn column(&self, labels: &Labels) -> Option<usize> {
        let places = self.places.get_or_init(|| placed(&self.series));
        let from = place_of(labels, places.len());
        let run = places[from..].iter().chain(&places[..from]).take_while(|column| **column != NO_COLUMN);
        run.map(|column| *column as usize).find(|column| *self.series[*column] == *labels)
    }

    /// The names of all series.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_name.keys()
    }

    /// The columns of a series name, in order.
    pub fn columns_of(&self, name: &str) -> impl ExactSizeIterator<Item = usize> {
        self.named(name).iter().map(|column| *column as usize)
    }

    /// The columns whose series these matchers accept, in order.
    #[must_use]
    pub fn accepted(&self, matchers: &[Matcher]) -> Vec<usize> {
        let accepts = |matcher: &Matcher, column: usize| matcher.accepts(&self.series[column]);
        match matchers.iter().find_map(|matcher| matcher.exact_name().map(|name| (matcher, name))) {
            Some((named, name)) => {
                // The columns of a name need not be asked for it again.
                let others: Vec<&Matcher> = matchers.iter().filter(|matcher| !std::ptr::eq(*matcher, named)).collect();
                let accepted = |column: &usize| others.iter().all(|matcher| accepts(matcher, *column));
                self.columns_of(name).filter(accepted).collect()
            }
            None => {
                let accepted = |column: &usize| matchers.iter().all(|matcher| accepts(matcher, *column));
                (0..self.series.len()).filter(accepted).collect()
            }
        }
    }

    /// Equal for equal columns, within this process.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Memory of the columns themselves, without their labels.
    pub(super) fn frame_bytes(&self) -> usize {
        size_of::<Layout>() + self.series.len() * COLUMN_BYTES + self.by_name.len() * NAME_BYTES
    }

    /// Memory of the labels.
    pub(super) fn labels_bytes(&self) -> usize {
        self.labels_bytes
    }

    /// The layout that this one came from, by its hash, and the bytes of labels that they share.
    pub(super) fn origin(&self) -> Option<(u64, usize)> {
        self.origin
    }
}

/// Spreads the bits of hashes that are mixed.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// What one series' labels take beside their text: two allocations, each with its counts.
pub(crate) const SERIES_BYTES: usize = 80;

/// What one column takes: a pointer, its place by name, and its places by hash.
const COLUMN_BYTES: usize = size_of::<Arc<Labels>>() + size_of::<u32>() + size_of::<u32>() * PLACES / COLUMNS;

/// So many places by hash for so many columns: enough that few of them are in another's way.
const PLACES: usize = 3;
const COLUMNS: usize = 2;

/// A place that no column took.
const NO_COLUMN: u32 = u32::MAX;

/// What one name takes, roughly.
const NAME_BYTES: usize = 96;

/// Where a series would stand among so many places.
fn place_of(labels: &Labels, places: usize) -> usize {
    (((labels.hash() >> 32) * places as u64) >> 32) as usize
}

/// Every column at the first free place from its own on; one place at least is left free.
fn placed(series: &[Arc<Labels>]) -> Box<[u32]> {
    let mut places = vec![NO_COLUMN; series.len() * PLACES / COLUMNS + 1];
    for (column, labels) in series.iter().enumerate() {
        let mut place = place_of(labels, places.len());
        while places[place] != NO_COLUMN {
            place = (place + 1) % places.len();
        }
        places[place] = column as u32;
    }
    places.into_boxed_slice()
}

/// The columns by name: where each name stands in the second, which holds every column.
fn grouped(series: &[Arc<Labels>]) -> (HashMap<Arc<str>, Range<u32>>, Vec<u32>) {
    // Names come in runs, so that most columns need no look-up.
    let mut by_name: HashMap<Arc<str>, Range<u32>> = HashMap::new();
    let runs = || series.chunk_by(|left, right| left.name() == right.name());
    for run in runs() {
        let name = run[0].name();
        match by_name.get_mut(name) {
            Some(at) => at.end += run.len() as u32,
            None => {
                by_name.insert(Arc::from(name), 0..run.len() as u32);
            }
        }
    }
    let mut start = 0;
    for at in by_name.values_mut() {
        let length = at.end;
        // Empty until it is filled below.
        *at = start..start;
        start += length;
    }
    let mut ordered = vec![0; series.len()];
    let mut column = 0;
    for run in runs() {
        let Some(at) = by_name.get_mut(run[0].name()) else { continue };
        for place in &mut ordered[at.end as usize..at.end as usize + run.len()] {
            *place = column;
            column += 1;
        }
        at.end += run.len() as u32;
    }
    (by_name, ordered)
}

impl PartialEq for Layout {
    fn eq(&self, other: &Layout) -> bool {
        self.hash == other.hash && self.series == other.series
    }
}

impl Eq for Layout {}

impl From<Vec<Labels>> for Layout {
    fn from(series: Vec<Labels>) -> Layout {
        Layout::new(series)
    }
}

impl From<Layout> for Vec<Labels> {
    fn from(layout: Layout) -> Vec<Labels> {
        layout.series.iter().map(|labels| (**labels).clone()).collect()
    }
}

/// Something structured that a person reads or jq judges: a part of an answer that a source names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// As named by the system, unique within the source.
    pub name: String,
    pub json: Arc<serde_json::Value>,
}

/// One poll of one source, decoded. A failed poll is a batch too: its `up` is 0 and the other series are gone, which
/// is what makes them stale at once, as in Prometheus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    pub source: SourceId,
    /// When the request was sent: the time of every sample in the batch.
    pub sent: At,
    /// From sending to the last byte, or to the failure.
    pub took: Duration,
    pub layout: Arc<Layout>,
    /// One value per column of the layout.
    #[serde(with = "exact")]
    pub values: Arc<[f64]>,
    pub documents: Vec<Document>,
    /// New lines of a log, oldest first.
    #[serde(default)]
    pub lines: Vec<LogLine>,
    /// Lines that came and were not kept, because there were more than a batch may carry.
    #[serde(default)]
    pub dropped_lines: u64,
    /// Series that the source declares and none of their fallbacks gave.
    pub not_exposed: Vec<Arc<str>>,
    /// The surface whose extractions matched: `documented`, `as-built`, or both.
    pub surfaces: Vec<Arc<str>>,
    /// The node's clock minus ours when the answer came, in seconds, if the node says.
    pub clock_skew_seconds: Option<f64>,
    /// Samples that were left out: the source has more series than allowed, gives one twice, sets one that belongs to
    /// the console, or stamps it with a time that is not now.
    pub dropped_series: u64,
    pub failure: Option<FetchFailure>,
    /// What the answer says of the node itself.
    #[serde(default, skip_serializing_if = "Told::is_empty")]
    pub told: Told,
    /// Series of recording rules that were not made, and how far what they are made of can be trusted: what rests on
    /// them is not to be trusted more. What is not exposed stands in `not_exposed` alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<(Arc<str>, Truth)>,
}

impl Batch {
    /// A batch of these samples and nothing else: one value per column of the layout.
    #[must_use]
    pub fn of(source: SourceId, sent: At, took: Duration, layout: Arc<Layout>, values: impl Into<Arc<[f64]>>) -> Batch {
        Batch {
            source,
            sent,
            took,
            layout,
            values: values.into(),
            documents: Vec::new(),
            lines: Vec::new(),
            dropped_lines: 0,
            not_exposed: Vec::new(),
            surfaces: Vec::new(),
            clock_skew_seconds: None,
            dropped_series: 0,
            failure: None,
            told: Told::default(),
            lacking: Vec::new(),
        }
    }

    /// The batch of a source that could not even be asked: no series, and why.
    #[must_use]
    pub fn failed(source: SourceId, at: At, failure: FetchFailure) -> Batch {
        let nothing = Arc::new(Layout::new(Vec::new()));
        Batch { failure: Some(failure), ..Batch::of(source, at, Duration::ZERO, nothing, []) }
    }
}

/// Values as JSON numbers, and as strings where JSON has no number: a recording must give back what was measured.
pub(super) mod exact {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    enum Sample {
        #[serde(rename = "NaN")]
        NotANumber,
        #[serde(rename = "+Inf")]
        Infinite,
        #[serde(rename = "-Inf")]
        NegativeInfinite,
        #[serde(untagged)]
        Finite(f64),
    }

    pub fn serialize<S: Serializer>(values: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| match *value {
            value if value.is_nan() => Sample::NotANumber,
            f64::INFINITY => Sample::Infinite,
            f64::NEG_INFINITY => Sample::NegativeInfinite,
            value => Sample::Finite(value),
        }))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[f64]>, D::Error> {
        let samples = Vec::<Sample>::deserialize(deserializer)?;
        let values = samples.into_iter().map(|sample| match sample {
            Sample::NotANumber => f64::NAN,
            Sample::Infinite => f64::INFINITY,
            Sample::NegativeInfinite => f64::NEG_INFINITY,
            Sample::Finite(value) => value,
        });
        Ok(values.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_wherever_they_stand() {
        let names = ["b", "a", "a", "b", "c", "a"];
        let layout = Layout::new(
            names.iter().enumerate().map(|(n, name)| Labels::named(name).with("n", &n.to_string())).collect(),
        );
        let check = |name: &str, want: &[usize]| {
            assert_eq!(layout.columns_of(name).collect::<Vec<_>>(), want, "{name}");
            assert_eq!(layout.accepted(&[Matcher::equal(crate::model::labels::NAME, name)]), want, "{name}");
            assert_eq!(layout.has(name), !want.is_empty(), "{name}");
        };
        check("a", &[1, 2, 5]);
        check("b", &[0, 3]);
        check("c", &[4]);
        check("d", &[]);
        for (column, labels) in layout.series().iter().enumerate() {
            assert_eq!(layout.column(labels), Some(column), "{labels}");
        }
        assert_eq!(layout.column(&Labels::named("a").with("n", "0")), None);
        assert_eq!(Layout::new(Vec::new()).column(&Labels::named("a")), None);
        let projected = layout.project(&[5, 0]);
        assert_eq!(projected.columns_of("a").collect::<Vec<_>>(), [0]);
        assert_ne!(projected.hash(), layout.project(&[0, 5]).hash());
        assert_eq!(layout.accepted(&[Matcher::equal("n", "4")]), [4]);
    }

    #[test]
    fn every_value_survives_being_recorded() {
        #[derive(Serialize, Deserialize)]
        struct Held(#[serde(with = "exact")] Arc<[f64]>);
        let values = [1.5, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::NAN];
        let json = serde_json::to_string(&Held(Arc::from(values))).expect("JSON");
        let Held(back) = serde_json::from_str(&json).expect(&json);
        for (value, back) in values.iter().zip(back.iter()) {
            assert!(value.to_bits() == back.to_bits() || (value.is_nan() && back.is_nan()), "{json}");
        }
    }
}
