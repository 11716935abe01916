//! What a source's answers say of the node itself, as its system declares it: which version it is, by which values a
//! restart is told, and which series the document promises of them.
//!
//! Two things need no declaration, because they are everybody's: `process_start_time_seconds` tells a restart wherever
//! it is exposed, and the label `version` of a series that ends with `_build_info` a version.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::text;
use crate::model::{Document, Layout, LifeKind, LifeSign, Told};

/// The series of every Prometheus client library that says when its process was started.
const START: &str = "process_start_time_seconds";

/// Longest version that is kept, in columns.
const LONGEST_VERSION: usize = 60;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TellsSpec {
    /// Where its answers say the version of the node.
    #[serde(default)]
    pub version: Option<VersionSpec>,
    /// Series that only grow while the node runs: its uptime, or counters that nothing else resets.
    #[serde(default)]
    pub grows: Vec<String>,
    /// Series that the document promises of an exposition, each with its lines: what a node exposes there is its own
    /// affair, so that no other element names them.
    #[serde(default)]
    pub promises: BTreeMap<String, Vec<String>>,
    /// Series of an exposition that stand in it from its first answer on, as gauges and counters without labels do: a
    /// node that answers without one does not have it. What the first event makes may still come, and is not among them.
    #[serde(default)]
    pub at_once: Vec<String>,
}

/// Where an answer says a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VersionSpec {
    /// At this JSON pointer, such as `/version`, in the source's document of this name.
    Document(String, String),
    /// In this label of this series.
    Label(String, String),
}

impl TellsSpec {
    /// Checks what needs no answer: `documents` are the names that the source gives.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, documents: &[&str]) -> Result<(), String> {
        let Some(VersionSpec::Document(name, pointer)) = &self.version else { return Ok(()) };
        if !documents.contains(&name.as_str()) {
            return Err(format!("its version is told by the document {name:?}, which it does not give"));
        }
        if !pointer.starts_with('/') {
            return Err(format!("the JSON pointer {pointer:?} does not begin with /"));
        }
        Ok(())
    }

    /// Of the series that stand in every answer of a node that has them, those that this answer lacks.
    pub fn lacking(&self, layout: &Layout) -> impl Iterator<Item = Arc<str>> {
        self.at_once.iter().filter(|name| !layout.has(name)).map(|name| Arc::from(name.as_str()))
    }

    /// What an answer says.
    #[must_use]
    pub fn of(&self, layout: &Layout, values: &[f64], documents: &[Document]) -> Told {
        let start = sign(layout, values, START, LifeKind::Stays);
        let grows = self.grows.iter().filter_map(|name| sign(layout, values, name, LifeKind::Grows));
        let version = match &self.version {
            Some(version) => version.of(layout, documents),
            None => layout
                .names()
                .filter(|name| name.ends_with("_build_info"))
                .min()
                .and_then(|name| VersionSpec::Label(name.to_string(), "version".to_owned()).of(layout, documents)),
        };
        Told { version, life: start.into_iter().chain(grows).collect(), is_own: None }
    }
}

impl VersionSpec {
    fn of(&self, layout: &Layout, documents: &[Document]) -> Option<Arc<str>> {
        let said = match self {
            VersionSpec::Document(name, pointer) => {
                let found = documents.iter().find(|document| document.name == *name)?.json.pointer(pointer)?;
                match found {
                    serde_json::Value::String(text) => text.clone(),
                    serde_json::Value::Number(number) => number.to_string(),
                    _no_version => return None,
                }
            }
            VersionSpec::Label(series, label) => {
                let column = layout.columns_of(series).next()?;
                layout.series()[column].get(label).to_owned()
            }
        };
        let version = text::fitted(&text::clean(said.trim()), LONGEST_VERSION).into_owned();
        (!version.is_empty()).then(|| Arc::from(version))
    }
}

/// The value of a series, summed where it has labels.
fn sign(layout: &Layout, values: &[f64], name: &str, kind: LifeKind) -> Option<LifeSign> {
    if !layout.has(name) {
        return None;
    }
    let value: f64 = layout.columns_of(name).filter_map(|column| values.get(column)).sum();
    value.is_finite().then(|| LifeSign { series: Arc::from(name), kind, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Labels;

    #[test]
    fn a_version_is_read_where_the_system_says_and_nowhere_else() {
        let info = Labels::named("node_build_info").with("version", "2.1\u{1b}[31m");
        let layout = Layout::new(vec![info]);
        let json = Arc::new(serde_json::json!({ "version": "1.0.0", "of": { "build": 7 }, "none": null }));
        let documents = [Document { name: "health".to_owned(), json }];
        let check = |spec: VersionSpec, want: Option<&str>| {
            assert_eq!(spec.of(&layout, &documents).as_deref(), want, "{spec:?}");
        };
        let document = |name: &str, pointer: &str| VersionSpec::Document(name.to_owned(), pointer.to_owned());
        let label = |series: &str, label: &str| VersionSpec::Label(series.to_owned(), label.to_owned());
        check(document("health", "/version"), Some("1.0.0"));
        check(document("health", "/of/build"), Some("7"));
        check(document("health", "/none"), None);
        check(document("status", "/version"), None);
        check(label("other_info", "version"), None);
        check(label("node_build_info", "commit"), None);
        let hostile = label("node_build_info", "version").of(&layout, &documents).expect("it says one");
        assert!(hostile.starts_with("2.1") && !hostile.contains('\u{1b}'), "{hostile:?}");
    }

    #[test]
    fn what_stands_in_every_answer_and_is_not_in_this_one_is_lacking() {
        let at_once = ["height", "hits_total", "other"].map(str::to_owned).to_vec();
        let tells = TellsSpec { at_once, ..TellsSpec::default() };
        let layout = Layout::new(vec![Labels::named("height"), Labels::named("hits_total").with("of", "a")]);
        assert_eq!(tells.lacking(&layout).map(|name| name.to_string()).collect::<Vec<_>>(), ["other"]);
    }

    #[test]
    fn signs_of_life_are_read_by_name_and_summed_over_labels() {
        let series = [START, "hits_total", "hits_total", "odd"].map(Labels::named);
        let [start, one, two, odd] = series;
        let layout = Layout::new(vec![start, one.with("of", "a"), two.with("of", "b"), odd]);
        let grows = ["hits_total", "odd", "absent"].map(str::to_owned).to_vec();
        let told = TellsSpec { grows, ..TellsSpec::default() }.of(&layout, &[1_700.0, 2.0, 3.0, f64::NAN], &[]);
        let read: Vec<(&str, f64)> = told.life.iter().map(|sign| (&*sign.series, sign.value)).collect();
        assert_eq!(read, [(START, 1_700.0), ("hits_total", 5.0)]);
    }
}
