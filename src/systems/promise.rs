//! What the documents expect a node to expose: shown beside what it does not.

use super::SystemSpec;
use crate::base::text;
use crate::sources::SourceSpec;

/// Longest filter that is shown whole, in columns: a longer one is no name of a field.
const LONGEST_FIELD: usize = 48;

/// Where a series, or the answer to a read, is expected, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The series; nothing of a read as a whole.
    pub series: Option<String>,
    /// The read, as `GET /metrics`.
    pub read: String,
    /// The field of the answer, as a jq filter, where it is short.
    pub field: Option<String>,
    /// Lines of the document; empty where no document says it, and only the code of the node had it.
    pub from: Vec<String>,
}

impl Promise {
    /// In a sentence without its end: `the document promises x at GET /metrics (pouw:65)`.
    #[must_use]
    pub fn words(&self) -> String {
        self.of(self.series.as_deref())
    }

    /// The same beside the name of the series: `the document promises it at GET /metrics (pouw:65)`.
    #[must_use]
    pub fn words_of_it(&self) -> String {
        self.of(self.series.as_deref().map(|_| "it"))
    }

    fn of(&self, series: Option<&str>) -> String {
        let read = text::clean(&self.read);
        let field = self.field.as_ref().map(|field| format!(", field {}", text::clean(field))).unwrap_or_default();
        match (series, self.from.as_slice()) {
            (Some(series), []) => format!("no document promises {series}; nodes as built have it at {read}{field}"),
            (Some(series), from) => {
                format!("the document promises {series} at {read}{field} ({})", from.join(", "))
            }
            (None, []) => format!("no document asks for {read}; nodes as built have it"),
            (None, from) => format!("the document asks for {read} ({})", from.join(", ")),
        }
    }
}

impl SystemSpec {
    /// What is expected of a series: what the document promises, before what nodes as built have.
    #[must_use]
    pub fn promise(&self, series: &str) -> Option<Promise> {
        let found = self.sources.iter().filter_map(|source| promise(source, series));
        found.reduce(|first, other| if first.from.is_empty() { other } else { first })
    }
}

/// What one source's data says of a series.
#[must_use]
pub fn promise(source: &SourceSpec, series: &str) -> Option<Promise> {
    let promise = |field: Option<&str>, from: &[String]| Promise {
        series: Some(series.to_owned()),
        read: source.kind.read(),
        field: field.filter(|field| text::width(field) <= LONGEST_FIELD).map(str::to_owned),
        from: from.to_vec(),
    };
    if let Some(from) = source.tells.promises.get(series) {
        return Some(promise(None, from));
    }
    if source.tells.at_once.iter().any(|name| name == series) {
        return Some(promise(None, &[]));
    }
    let extracted = source.kind.series(series);
    let first = extracted.first()?;
    let documented = |surface: &str| surface == "documented" || surface == "both";
    let all = || extracted.iter().flat_map(|one| one.extract.iter().map(move |extract| (one, extract)));
    Some(match all().find(|(_, extract)| documented(&extract.surface)) {
        Some((one, extract)) if one.from.is_empty() => promise(Some(&extract.jq), &source.from),
        Some((one, extract)) => promise(Some(&extract.jq), &one.from),
        None => promise(first.extract.first().map(|extract| extract.jq.as_str()), &[]),
    })
}

/// What is expected of a read as a whole.
#[must_use]
pub fn of_read(source: &SourceSpec) -> Promise {
    Promise { series: None, read: source.kind.read(), field: None, from: source.from.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems::{embedded, spec};

    #[test]
    fn the_expectation_stands_beside_every_series_that_a_document_names() {
        let check = |system: &str, series: &str, want: &str| {
            let spec = spec::load(system, &embedded()[system]["system.ron"]).expect("an embedded system");
            assert_eq!(spec.promise(series).map(|promise| promise.words()).unwrap_or_default(), want);
        };
        check(
            "pouw",
            "pouw_receipts_rejected_total",
            "the document promises pouw_receipts_rejected_total at GET /metrics (pouw:14, pouw:43, pouw:65, pouw:71)",
        );
        check(
            "pouw",
            "pouw_uptime_seconds",
            "the document promises pouw_uptime_seconds at GET /health, field .uptime_seconds (pouw:30)",
        );
        check("pouw", "nothing_of_this_name", "");
    }

    #[test]
    fn what_only_the_code_has_is_promised_by_no_document() {
        let mut spec = spec::load("pouw", &embedded()["pouw"]["system.ron"]).expect("an embedded system");
        spec.sources.retain(|source| source.id == "metrics");
        spec.sources[0].tells.promises.insert("x_total".to_owned(), Vec::new());
        let words = spec.promise("x_total").expect("it is named").words();
        assert_eq!(words, "no document promises x_total; nodes as built have it at GET /metrics");
        spec.sources[0].from.clear();
        assert_eq!(of_read(&spec.sources[0]).words(), "no document asks for GET /metrics; nodes as built have it");
    }
}
