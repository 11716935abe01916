//! What every kind of source has in common: what its spec can say, and what it does once compiled.
//!
//! The set of kinds is closed by [`SourceKindSpec`](super::SourceKindSpec); these traits only spare its users a match
//! over all kinds for every question.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::extraction::JsonSeriesSpec;
use super::{BoundSource, Cursor, Machine, SourceKindSpec};
use crate::base::{Unit, text};
use crate::model::labels::NAME;
use crate::model::{Document, Fetch, FetchFailure, Labels, Layout, LogLine, Reply};

/// Gives a text with its `{setting}`s written in.
pub type Fill<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// The shortest interval of a source that starts a program: a program that is started more often is a load of its own.
pub(super) const PROGRAM_INTERVAL: Duration = Duration::from_secs(10);

/// What a kind's spec, as written in a `system.ron`, says of itself.
pub(super) trait KindSpec {
    /// The read as `allowed_reads` declares it.
    fn read(&self) -> String;

    /// Checks what needs no address and no setting.
    ///
    /// # Errors
    /// What is wrong with the spec, in words.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Checks what can be checked without asking, and makes ready to read.
    ///
    /// # Errors
    /// What is wrong with the spec, in words.
    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String>;

    /// The names of all series it can give; nothing where it gives whatever the node exposes.
    fn names(&self) -> Option<Vec<String>>;

    /// What a series means and what it is measured in, where the spec says it.
    fn meaning(&self, _name: &str) -> Option<(&str, Unit)> {
        None
    }

    /// Each way to one of its series, where the spec names them: the labels that the series has at least, and the
    /// surface that has it.
    fn extractions(&self) -> Vec<(Labels, &str)> {
        Vec::new()
    }

    /// The same with every `{setting}` written in.
    ///
    /// # Errors
    /// A name that is no setting, or a value that may not stand there.
    fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String>;

    /// Whether it reads from the machine that the console runs on, and not from the endpoint.
    fn is_of_machine(&self) -> bool {
        false
    }

    /// Whether it asks the server that scrapes the target, and no node.
    fn asks_server(&self) -> bool {
        false
    }

    /// Whether its answers tell the node's time.
    fn tells_time(&self) -> bool {
        false
    }

    /// Whether it gives lines of a log.
    fn gives_lines(&self) -> bool {
        false
    }

    /// The shortest interval that it may be polled at.
    fn least_interval(&self) -> Duration {
        Duration::ZERO
    }

    /// The names of the documents that it gives.
    fn documents(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The series that it extracts from JSON.
    fn series(&self) -> &[JsonSeriesSpec] {
        &[]
    }

    /// A series that is 1 in every answer and 0 in every failure, beside the console's own.
    fn verdict(&self) -> Option<&'static str> {
        None
    }
}

/// What the console adds to every batch of a source.
#[derive(Debug)]
pub(super) struct Own<'a> {
    /// On every series of the source.
    pub labels: &'a Labels,
    /// The first columns.
    pub series: &'a [Labels],
    pub values: &'a [f64],
}

/// A kind, ready to read.
pub(super) trait Kind: Debug + Send + Sync {
    /// What to read next.
    ///
    /// # Errors
    /// What is to be read has no usable address.
    fn fetch(&self, cursor: &Cursor) -> Result<Fetch, FetchFailure>;

    /// Reads an answer. `own` are the first columns of what it gives.
    ///
    /// # Errors
    /// The answer is none, or of another kind than was expected.
    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure>;
}

/// A source of a machine that the console does not run on.
#[derive(Debug)]
pub(super) struct Unread;

impl Kind for Unread {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Err(mismatched())
    }

    fn decode(&self, _reply: &Reply, _own: &Own<'_>, _cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        Err(mismatched())
    }
}

/// What one answer brought.
#[derive(Debug)]
pub(super) struct Decoded {
    pub layout: Arc<Layout>,
    /// One value per column of the layout.
    pub values: Vec<f64>,
    pub documents: Vec<Document>,
    pub lines: Vec<LogLine>,
    pub dropped_lines: u64,
    pub not_exposed: Vec<Arc<str>>,
    pub surfaces: Vec<Arc<str>>,
    pub dropped_series: u64,
}

impl Decoded {
    pub fn of(layout: Arc<Layout>, values: Vec<f64>) -> Decoded {
        Decoded {
            layout,
            values,
            documents: Vec::new(),
            lines: Vec::new(),
            dropped_lines: 0,
            not_exposed: Vec::new(),
            surfaces: Vec::new(),
            dropped_series: 0,
        }
    }
}

/// The series that a kind can give, by number.
#[derive(Debug)]
pub(super) struct Columns {
    series: Vec<Labels>,
}

impl Columns {
    /// `series` without the target's labels; they are added here.
    ///
    /// # Errors
    /// Two are equal, or one sets a label that the target sets.
    pub fn new(bound: &BoundSource, series: impl IntoIterator<Item = Labels>) -> Result<Columns, String> {
        let mut columns: Vec<Labels> = Vec::new();
        for labels in series {
            if labels.iter().any(|(name, _)| !bound.labels.get(name).is_empty()) {
                return Err(format!("series {labels} sets a label that the target sets"));
            }
            let whole = labels.iter().fold(bound.labels.clone(), |whole, (name, value)| whole.with(name, value));
            if columns.contains(&whole) {
                return Err(format!("series {labels} is declared twice"));
            }
            columns.push(whole);
        }
        Ok(Columns { series: columns })
    }

    /// Labels of a series that belongs to one source of a target, whatever its path or program.
    pub fn of_source(bound: &BoundSource, name: &str) -> Labels {
        Labels::named(name).with("source", &bound.spec.id)
    }

    /// A row of these values behind the source's own. Where the same series came last time, so does their layout.
    pub fn lay_out(&self, own: &Own<'_>, cursor: &mut Cursor, values: &[(usize, f64)]) -> Decoded {
        self.lay_out_with(own, cursor, values, Vec::new())
    }

    /// As [`Columns::lay_out`], with series behind them that the answer named itself. Of two with the same labels the
    /// second is dropped.
    pub fn lay_out_with(
        &self,
        own: &Own<'_>,
        cursor: &mut Cursor,
        values: &[(usize, f64)],
        mut named: Vec<(Labels, f64)>,
    ) -> Decoded {
        let came = named.len();
        let mut seen = HashSet::with_capacity(came);
        named.retain(|(labels, _)| seen.insert(labels.clone()));
        let dropped_series = (came - named.len()) as u64;
        let columns = values.iter().map(|(_, value)| *value).chain(named.iter().map(|(_, value)| *value));
        let row = own.values.iter().copied().chain(columns).collect();
        let same = values.iter().map(|(column, _)| *column).eq(cursor.columns.iter().copied());
        let known = own.series.len() + values.len();
        let as_before = |layout: &&Arc<Layout>| {
            let before = layout.series().get(known..).unwrap_or_default();
            same && before.iter().map(|labels| &**labels).eq(named.iter().map(|(labels, _)| labels))
        };
        if let Some(layout) = cursor.layout.as_ref().filter(as_before) {
            return Decoded { dropped_series, ..Decoded::of(Arc::clone(layout), row) };
        }
        let columns = values.iter().map(|(column, _)| self.series[*column].clone());
        let series = own.series.iter().cloned().chain(columns).chain(named.into_iter().map(|(labels, _)| labels));
        let layout = Arc::new(Layout::new(series.collect()));
        cursor.columns = values.iter().map(|(column, _)| *column).collect();
        Decoded { dropped_series, ..Decoded::of(layout, row) }
    }
}

/// Longest value of a label that an answer names, in columns.
const LONGEST_LABEL: usize = 200;

/// The labels of a series that an answer names itself, made harmless. Where the target sets a label of the same name,
/// the answer's becomes `exported_NAME`.
pub(super) fn given_labels(own: &Labels, name: &str, pairs: &[(&str, &str)]) -> Labels {
    let mut labels = own.clone().with(NAME, name);
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        let taken = |key: &str| !own.get(key).is_empty() || key == NAME;
        let mut free = (*key).to_owned();
        while taken(&free) || (free != **key && pairs.iter().any(|(other, _)| *other == free)) {
            free = format!("exported_{free}");
        }
        labels = labels.with(&free, &text::fitted(&text::clean(value), LONGEST_LABEL));
    }
    labels
}

/// A name that a system's data may give a series.
pub(super) fn free_name(name: &str) -> Result<(), String> {
    if name == "up" || name.starts_with("opsconsole_") {
        return Err("the name belongs to the console".to_owned());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
        return Err(format!("{name:?} is not a metric name"));
    }
    Ok(())
}

/// Labels as written in a spec, with the series' name.
pub(super) fn labels_of(name: &str, labels: &std::collections::BTreeMap<String, String>) -> Labels {
    let pairs = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Labels::from_pairs(pairs).with(NAME, name)
}

/// The names of these series, each once.
pub(super) fn names_of<'a>(series: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in series {
        if !names.iter().any(|have| have == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The only folder that a source of this machine may read and run in; nothing where it is the real one.
pub(super) fn folder_of(bound: &BoundSource) -> Option<String> {
    match &bound.machine {
        Some(Machine::Simulated { folder }) => Some(folder.clone()),
        Some(Machine::Here | Machine::Elsewhere { .. }) | None => None,
    }
}

/// A path that can be read as written: absolute, without a way up and without characters that can not be shown.
pub(super) fn check_path(path: &str) -> Result<(), String> {
    let shown = crate::base::text::escaped(path);
    if !path.starts_with('/') {
        return Err(format!("the path {shown:?} is not absolute"));
    }
    if path.split('/').any(|part| part == "..") || path.chars().any(crate::base::text::is_hostile) {
        return Err(format!("the path {shown:?} leads upwards or has characters that can not be shown"));
    }
    Ok(())
}

/// An answer to another question than was asked: a mistake of the console's own.
pub(super) fn mismatched() -> FetchFailure {
    FetchFailure::Other { detail: "the answer is of another kind than the question: please report it".to_owned() }
}
