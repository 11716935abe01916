//! What one poll of one source brought, ready to be linked into the store.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{FetchFailure, Labels, LogLine, Matcher};
use crate::base::{At, SourceId};
use std::time::Duration;

/// The columns of a source's rows: which series, in which order. Shared by every row until the source changes shape.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Labels>", into = "Vec<Labels>")]
pub struct Layout {
    series: Vec<Arc<Labels>>,
    /// The columns of each series name: most selectors name exactly one.
    by_name: HashMap<Arc<str>, Vec<usize>>,
    hash: u64,
}

impl Layout {
    #[must_use]
    pub fn new(series: Vec<Labels>) -> Layout {
        let mut hasher = DefaultHasher::new();
        series.hash(&mut hasher);
        let mut by_name: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (column, labels) in series.iter().enumerate() {
            match by_name.get_mut(labels.name()) {
                Some(columns) => columns.push(column),
                None => {
                    by_name.insert(Arc::from(labels.name()), vec![column]);
                }
            }
        }
        Layout { series: series.into_iter().map(Arc::new).collect(), by_name, hash: hasher.finish() }
    }

    /// The layout of only these columns, in this order.
    #[must_use]
    pub fn project(&self, columns: &[usize]) -> Layout {
        Layout::new(columns.iter().map(|column| (*self.series[*column]).clone()).collect())
    }

    #[must_use]
    pub fn series(&self) -> &[Arc<Labels>] {
        &self.series
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// The column of exactly this series.
    #[must_use]
    pub fn column(&self, labels: &Labels) -> Option<usize> {
        self.by_name.get(labels.name())?.iter().copied().find(|column| *self.series[*column] == *labels)
    }

    /// The names of all series.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_name.keys()
    }

    /// The columns whose series these matchers accept, in order.
    #[must_use]
    pub fn accepted(&self, matchers: &[Matcher]) -> Vec<usize> {
        let accepts = |column: &usize| matchers.iter().all(|matcher| matcher.accepts(&self.series[*column]));
        let named = matchers.iter().find_map(Matcher::exact_name);
        match named {
            Some(name) => {
                let columns = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
                columns.iter().copied().filter(accepts).collect()
            }
            None => (0..self.series.len()).filter(accepts).collect(),
        }
    }

    /// Equal for equal columns.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }
}

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

impl Clone for Layout {
    fn clone(&self) -> Layout {
        Layout { series: self.series.clone(), by_name: self.by_name.clone(), hash: self.hash }
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
    /// Samples that were left out because the source has more series than allowed.
    pub dropped_series: u64,
    pub failure: Option<FetchFailure>,
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
mod exact {
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
