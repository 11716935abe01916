//! Source kinds: one file each, pure. A source says what to fetch and how to read what came back.
//!
//! ```text
//! SourceSpec ──compile──► Source ──fetch──► Fetch ──(shell)──► Reply ──decode──► Batch
//! ```
//!
//! Every batch has, beside what the node gave: `up` where the source decides it, `opsconsole_source_up{source}` and
//! `opsconsole_scrape_duration_seconds{source}`. A failed batch has only the first two, at 0.
//!
//! Must never: do I/O, read a clock, or show a missing field as a number. A read must not change the node.
//!
//! To add a kind: one file with its spec and its decoder, one variant in [`SourceKindSpec`] and in [`Source`].

pub mod exposition;
pub mod http_json;
pub mod jq;
pub mod open_metrics;
pub mod prometheus_text;
pub mod schedule;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{At, SourceId, TargetId};
use crate::model::labels::NAME;
use crate::model::{Batch, Document, Fetch, FetchFailure, HttpRequest, Labels, Layout, Reply};

/// Longest interval and timeout that a source may have.
const LONGEST_SECONDS: f64 = 86_400.0;

/// Largest answer that a source may allow.
const LARGEST_LIMIT_BYTES: u64 = 64 << 20;

/// A source as a system's `system.ron` declares it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Unique within the system.
    pub id: String,
    /// The endpoint of the system that it is read from.
    pub endpoint: String,
    pub interval_seconds: f64,
    pub timeout_seconds: f64,
    pub limit_bytes: u64,
    /// Whether this source's answer decides the endpoint's `up`. Exactly one source per endpoint does.
    #[serde(default)]
    pub decides_up: bool,
    /// What the read costs the node, in words, where it is not cheap.
    #[serde(default)]
    pub cost: Option<String>,
    pub kind: SourceKindSpec,
    /// Lines of the document that ask for this read.
    #[serde(default)]
    pub from: Vec<String>,
    #[serde(default)]
    pub documented: Vec<String>,
    #[serde(default)]
    pub deviates: Option<String>,
    #[serde(default)]
    pub answers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SourceKindSpec {
    HttpJson(http_json::HttpJsonSpec),
    PrometheusText(prometheus_text::PrometheusTextSpec),
    OpenMetrics(open_metrics::OpenMetricsSpec),
}

impl SourceKindSpec {
    /// The read as `allowed_reads` declares it: `GET /path`.
    #[must_use]
    pub fn read(&self) -> String {
        match self {
            SourceKindSpec::HttpJson(spec) => format!("GET {}", spec.path),
            SourceKindSpec::PrometheusText(spec) => format!("GET {}", spec.path),
            SourceKindSpec::OpenMetrics(spec) => format!("GET {}", spec.path),
        }
    }
}

/// One source on one endpoint of one node, ready to be polled. Sealed sequences carry these, so they serialise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundSource {
    pub id: SourceId,
    pub target: TargetId,
    /// The endpoint's base URL, without a trailing slash.
    pub base_url: String,
    /// `job`, `instance`, `node` and `target`: on every series of the source.
    pub labels: Labels,
    pub spec: SourceSpec,
}

/// A source that can not be used as written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("source {source_id}: {what}")]
pub struct SourceError {
    pub source_id: String,
    pub what: String,
}

/// What a poller keeps between two polls of one source: the shape of the last answer, so that an unchanged answer
/// costs no interning; and whether the source is quarantined.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// The columns of the last answer that could be read.
    pub layout: Option<Arc<Layout>>,
    /// Set by the failure that ends the source until the console is started again.
    pub quarantined: Option<FetchFailure>,
    /// Which entries of a JSON source's spec the columns belong to.
    entries: Vec<usize>,
    /// Where the series of an exposition stand.
    shape: exposition::Shape,
}

/// A compiled source.
#[derive(Debug)]
pub struct Source {
    pub bound: BoundSource,
    kind: Kind,
    /// The series that every batch begins with: `up` where the source decides it, `opsconsole_source_up`,
    /// `opsconsole_scrape_duration_seconds`.
    own: Vec<Labels>,
    /// The columns of a failed batch: [`Source::own`] without the duration.
    failed: Arc<Layout>,
}

#[derive(Debug)]
enum Kind {
    HttpJson(http_json::HttpJson),
    PrometheusText(exposition::Exposition),
    OpenMetrics(exposition::Exposition),
}

impl Source {
    /// Compiles the filters and the address.
    ///
    /// # Errors
    /// A filter that does not compile or uses what is not allowed, or an address that is no URL.
    pub fn compile(bound: BoundSource) -> Result<Source, SourceError> {
        let fail = |what| SourceError { source_id: bound.id.to_string(), what };
        check_numbers(&bound.spec).map_err(fail)?;
        let kind = match &bound.spec.kind {
            SourceKindSpec::HttpJson(spec) => {
                let http_json = http_json::HttpJson::compile(spec).map_err(fail)?;
                let taken = |labels: &&Labels| labels.iter().any(|(name, _)| !bound.labels.get(name).is_empty());
                if let Some(labels) = http_json.series().find(taken) {
                    return Err(fail(format!("series {labels} sets a label that the target sets")));
                }
                Kind::HttpJson(http_json)
            }
            SourceKindSpec::PrometheusText(spec) => Kind::PrometheusText(spec.compile().map_err(fail)?),
            SourceKindSpec::OpenMetrics(spec) => Kind::OpenMetrics(spec.compile().map_err(fail)?),
        };
        address(&bound).map_err(|failure| fail(failure.to_string()))?;
        let own = own_series(&bound);
        let failed = Arc::new(Layout::new(own[..own.len() - 1].to_vec()));
        Ok(Source { bound, kind, own, failed })
    }

    #[must_use]
    pub fn interval(&self) -> Duration {
        seconds(self.bound.spec.interval_seconds)
    }

    #[must_use]
    pub fn timeout(&self) -> Duration {
        seconds(self.bound.spec.timeout_seconds)
    }

    /// What to read.
    ///
    /// # Errors
    /// The endpoint's address and the source's path make no URL.
    pub fn fetch(&self) -> Result<Fetch, FetchFailure> {
        let accept = match &self.kind {
            Kind::HttpJson(_) => "application/json",
            Kind::PrometheusText(_) => prometheus_text::ACCEPT,
            Kind::OpenMetrics(_) => open_metrics::ACCEPT,
        };
        Ok(Fetch::Http(HttpRequest {
            url: address(&self.bound)?.to_string(),
            accept: accept.to_owned(),
            timeout: self.timeout(),
            limit_bytes: self.bound.spec.limit_bytes,
        }))
    }

    /// The address, as shown in the sources pane.
    ///
    /// # Errors
    /// As [`Source::fetch`].
    pub fn address(&self) -> Result<String, FetchFailure> {
        match self.fetch()? {
            Fetch::Http(request) => Ok(format!("GET {}", request.url)),
        }
    }

    /// Reads an answer. Every outcome is a batch: a failure's batch has `up` 0 and no other series.
    pub fn decode(&self, cursor: &mut Cursor, reply: &Reply) -> Batch {
        match self.read(cursor, reply) {
            Ok(batch) => batch,
            Err(failure) => self.failed(cursor, failure, reply.sent, reply.took),
        }
    }

    fn read(&self, cursor: &mut Cursor, reply: &Reply) -> Result<Batch, FetchFailure> {
        if let Some(failure) = &cursor.quarantined {
            return Err(failure.clone());
        }
        if !(200..300).contains(&reply.status) {
            return Err(FetchFailure::Status { status: reply.status });
        }
        let mut values = vec![1.0; self.own.len()];
        // The last of our own series is the duration.
        values[self.own.len() - 1] = reply.took.as_secs_f64();
        match &self.kind {
            Kind::HttpJson(http_json) => {
                let decoded = http_json.decode(reply)?;
                let layout = self.json_layout(http_json, cursor, &decoded);
                values.extend(decoded.values.iter().map(|(_, value)| value));
                let said = Said {
                    documents: decoded.documents,
                    not_exposed: decoded.not_exposed,
                    surfaces: decoded.surfaces,
                    dropped_series: 0,
                };
                Ok(self.batch(reply, layout, values, said))
            }
            Kind::PrometheusText(exposition) => self.read_exposition(exposition, cursor, reply, &values),
            Kind::OpenMetrics(exposition) => {
                open_metrics::check_format(reply)?;
                self.read_exposition(exposition, cursor, reply, &values)
            }
        }
    }

    fn read_exposition(
        &self,
        exposition: &exposition::Exposition,
        cursor: &mut Cursor,
        reply: &Reply,
        values: &[f64],
    ) -> Result<Batch, FetchFailure> {
        let own = exposition::Own { labels: &self.bound.labels, series: &self.own, values };
        let decoded = exposition.decode(reply, &own, &mut cursor.shape)?;
        cursor.layout = Some(Arc::clone(&decoded.layout));
        let said = Said { dropped_series: decoded.dropped, ..Said::default() };
        Ok(self.batch(reply, decoded.layout, decoded.values, said))
    }

    /// The columns of a JSON answer: the last ones, where the same entries yielded.
    fn json_layout(
        &self,
        http: &http_json::HttpJson,
        cursor: &mut Cursor,
        decoded: &http_json::Decoded,
    ) -> Arc<Layout> {
        let entries = decoded.values.iter().map(|(entry, _)| *entry);
        if let Some(layout) = cursor.layout.as_ref().filter(|_| entries.clone().eq(cursor.entries.iter().copied())) {
            return Arc::clone(layout);
        }
        let bound = |series: &Labels| {
            series.iter().fold(self.bound.labels.clone(), |labels, (name, value)| labels.with(name, value))
        };
        let all: Vec<&Labels> = http.series().collect();
        let columns = self.own.iter().cloned().chain(entries.clone().map(|entry| bound(all[entry])));
        let layout = Arc::new(Layout::new(columns.collect()));
        cursor.entries = entries.collect();
        cursor.layout = Some(Arc::clone(&layout));
        layout
    }

    fn batch(&self, reply: &Reply, layout: Arc<Layout>, values: Vec<f64>, said: Said) -> Batch {
        Batch {
            documents: said.documents,
            not_exposed: said.not_exposed,
            surfaces: said.surfaces,
            clock_skew_seconds: skew(reply),
            dropped_series: said.dropped_series,
            ..Batch::of(self.bound.id.clone(), reply.sent, reply.took, layout, values)
        }
    }

    /// The batch of a read that brought nothing. A failure that would come again with every answer of the kind, an
    /// overrun, quarantines the source.
    pub fn failed(&self, cursor: &mut Cursor, failure: FetchFailure, sent: At, took: Duration) -> Batch {
        if matches!(failure, FetchFailure::Overrun { .. }) {
            cursor.quarantined = Some(failure.clone());
        }
        let nothing = vec![0.0; self.failed.series().len()];
        let batch = Batch::of(self.bound.id.clone(), sent, took, Arc::clone(&self.failed), nothing);
        Batch { failure: Some(failure), ..batch }
    }

    /// Every series name the source can give, as far as it is declared.
    #[must_use]
    pub fn declared(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.own.iter().map(|labels| Arc::from(labels.name())).collect();
        match &self.kind {
            Kind::HttpJson(http_json) => {
                for series in http_json.series() {
                    if !names.iter().any(|name| **name == *series.name()) {
                        names.push(Arc::from(series.name()));
                    }
                }
            }
            Kind::PrometheusText(_) | Kind::OpenMetrics(_) => {}
        }
        names
    }
}

/// What an answer said beside its values.
#[derive(Default)]
struct Said {
    documents: Vec<Document>,
    not_exposed: Vec<Arc<str>>,
    surfaces: Vec<Arc<str>>,
    dropped_series: u64,
}

/// The series that every batch begins with.
fn own_series(bound: &BoundSource) -> Vec<Labels> {
    let of_source = |name| bound.labels.clone().with("source", &bound.spec.id).with(NAME, name);
    let up = bound.spec.decides_up.then(|| bound.labels.clone().with(NAME, "up"));
    let ours = ["opsconsole_source_up", "opsconsole_scrape_duration_seconds"].map(of_source);
    up.into_iter().chain(ours).collect()
}

/// The node's clock minus ours in the middle of the request, in seconds. The node gives whole seconds, so that less
/// than one is none.
fn skew(reply: &Reply) -> Option<f64> {
    let middle = reply.sent.wall.plus(reply.took / 2).as_seconds();
    let skew = reply.date?.as_seconds() - middle;
    Some(if skew.abs() < 1.0 { 0.0 } else { skew })
}

/// Whether an answer is a page for people: some proxies and frameworks answer every question with one.
fn is_html(reply: &Reply) -> bool {
    let content_type = reply.content_type.trim_start().to_ascii_lowercase();
    content_type.starts_with("text/html") || reply.body.trim_ascii_start().starts_with(b"<")
}

/// The endpoint's URL with the source's path and query.
fn address(bound: &BoundSource) -> Result<url::Url, FetchFailure> {
    let fail = |detail: String| FetchFailure::Address { detail };
    let path = match &bound.spec.kind {
        SourceKindSpec::HttpJson(spec) => &spec.path,
        SourceKindSpec::PrometheusText(spec) => &spec.path,
        SourceKindSpec::OpenMetrics(spec) => &spec.path,
    };
    let mut url = url::Url::parse(&bound.base_url).map_err(|error| fail(format!("{:?}: {error}", bound.base_url)))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(fail(format!("{:?} is neither http nor https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fail("it carries a user name or a password, which would be shown".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fail(format!("{:?} has a query; that belongs to the source's path", bound.base_url)));
    }
    if !path.starts_with('/') || path.contains('#') {
        return Err(fail(format!("the path {path:?} does not begin with / or has a #")));
    }
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path.as_str(), None),
    };
    let whole = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&whole);
    url.set_query(query);
    Ok(url)
}

fn check_numbers(spec: &SourceSpec) -> Result<(), String> {
    for (name, value) in [("interval_seconds", spec.interval_seconds), ("timeout_seconds", spec.timeout_seconds)] {
        if !(value > 0.0 && value <= LONGEST_SECONDS) {
            return Err(format!("{name} is {value}; it must be more than 0 and at most {LONGEST_SECONDS}"));
        }
    }
    match spec.limit_bytes {
        1..=LARGEST_LIMIT_BYTES => Ok(()),
        other => Err(format!("limit_bytes is {other}; it must be between 1 and {LARGEST_LIMIT_BYTES}")),
    }
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::from_secs(10))
}

#[cfg(test)]
mod tests;
