//! The variables of a node in the Prometheus text format, as tidy or untidy as the node writes it.

use std::fmt::Write;

use serde_json::Value;

use super::cell::{Counts, Now, rounded};
use super::script::Place;
use super::spec::{ExpositionSpec, HistogramSpec, KindSpec, VariableSpec};
use super::state::World;
use super::view::{fill, plain};

/// A value of the exposition, without the name of its metric.
pub(super) struct Sample {
    pub place: Place,
    /// Behind the name of the metric: `_bucket`, `_sum`, `_count`.
    pub suffix: &'static str,
    pub labels: Vec<(String, String)>,
    pub value: String,
}

impl World {
    pub(super) fn exposition(&self, now: i64, node: usize, spec: &ExpositionSpec) -> String {
        let mut text = String::new();
        for variable in self.families(&spec.families) {
            let of = &self.script.spec.variables[variable];
            let samples = self.samples(now, node, variable, spec.sum_first);
            if samples.is_empty() {
                continue;
            }
            let name = metric(of);
            // What is written to a text can not fail.
            if spec.help && !of.help.is_empty() {
                let _ = writeln!(text, "# HELP {name} {}", of.help);
            }
            if spec.types {
                let _ = writeln!(text, "# TYPE {name} {}", said_type(of));
            }
            for sample in samples {
                let _ = writeln!(text, "{name}{}{} {}", sample.suffix, braces(&sample.labels), sample.value);
            }
        }
        if !spec.more.is_empty() {
            text.push_str(&fill(&spec.more, &self.values(now, node), |_| None));
        }
        text
    }

    /// The variables of these families, by their numbers, in the order of the list.
    pub(super) fn families<'a>(&'a self, families: &'a [String]) -> impl Iterator<Item = usize> + 'a {
        let variables = &self.script.spec.variables;
        families.iter().flat_map(move |family| {
            let fits = move |name: &str| match family.strip_suffix('*') {
                Some(begin) => name.starts_with(begin),
                None => name == family,
            };
            variables.iter().enumerate().filter(move |(_, variable)| fits(&variable.name)).map(|(at, _)| at)
        })
    }

    /// Every sample of a variable on a node.
    pub(super) fn samples(&self, now: i64, node: usize, variable: usize, sum_first: bool) -> Vec<Sample> {
        let of = &self.script.spec.variables[variable];
        let mut samples = Vec::new();
        for (at, place) in self.script.cells.iter().enumerate() {
            if place.variable != variable || place.node != node {
                continue;
            }
            let series = self.script.series(*place);
            let labels: Vec<(String, String)> = series
                .map(|series| series.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
                .unwrap_or_default();
            let sway = &self.sways[at];
            if let (KindSpec::Histogram(spec), Now::Histogram(counts), false) =
                (&of.kind, &self.cells[at].now, sway.null || sway.dropped)
            {
                if !(of.absent_at_zero && counts.count == 0) {
                    histogram(&mut samples, *place, spec, counts, &labels, sum_first);
                }
                continue;
            }
            let Some(value) = self.value_at(now, at).as_ref().and_then(written) else { continue };
            if of.absent_at_zero && value == "0" {
                continue;
            }
            samples.push(Sample { place: *place, suffix: "", labels, value });
        }
        samples
    }
}

fn histogram(
    samples: &mut Vec<Sample>,
    place: Place,
    spec: &HistogramSpec,
    counts: &Counts,
    labels: &[(String, String)],
    sum_first: bool,
) {
    let sample = |suffix: &'static str, le: Option<String>, value: String| {
        let mut labels = labels.to_vec();
        labels.extend(le.map(|le| ("le".to_owned(), le)));
        Sample { place, suffix, labels, value }
    };
    let sum = if spec.whole { format!("{:.0}", counts.sum) } else { rounded(counts.sum, 6).to_string() };
    let totals = [sample("_sum", None, sum), sample("_count", None, counts.count.to_string())];
    let bounds = spec.buckets.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
    let mut below = 0;
    let buckets = bounds.zip(&counts.buckets).map(|(bound, count)| {
        below += count;
        sample("_bucket", Some(bound), below.to_string())
    });
    if sum_first {
        samples.extend(totals);
        samples.extend(buckets);
    } else {
        samples.extend(buckets);
        samples.extend(totals);
    }
}

/// What an exposition calls a variable.
pub(super) fn metric(variable: &VariableSpec) -> &str {
    variable.metric.as_deref().unwrap_or(&variable.name)
}

fn said_type(variable: &VariableSpec) -> &str {
    let own = match variable.kind {
        KindSpec::Counter(_) => "counter",
        KindSpec::Histogram(_) => "histogram",
        KindSpec::Gauge(_)
        | KindSpec::Walk(_)
        | KindSpec::Height(_)
        | KindSpec::Hash(_)
        | KindSpec::State(_)
        | KindSpec::Flag(_)
        | KindSpec::Time(_)
        | KindSpec::Uptime
        | KindSpec::Of(_) => "gauge",
    };
    variable.said_type.as_deref().unwrap_or(own)
}

/// A value as a sample writes it; nothing for null and for words that are no number.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::Bool(yes) => Some(u8::from(*yes).to_string()),
        Value::Number(_) => Some(plain(value)),
        Value::String(text) => text.parse::<f64>().is_ok().then(|| text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn braces(labels: &[(String, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}
