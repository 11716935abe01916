//! Source kinds: one file each, pure. A source says what to fetch and how to read what came back.
//!
//! ```text
//! SourceSpec ──compile──► Source ──fetch(cursor)──► Fetch ──(shell)──► Reply ──decode──► Batch
//!
//! of the endpoint    http_json  json_rpc  prometheus_text  open_metrics  tcp
//! of the machine     file  folder  disk  log  command  units  journald
//! of a server        promql_api (an expression over Prometheus' HTTP API)
//! shared             kind (what all have in common)  http  exposition (text formats)  extraction (JSON by jq)
//!                    lines (of logs)  records (of several lines)  budget (reads that all consoles share)
//!                    identity (whose answer it is)  tells (what it says of the node itself)
//!                    server (Prometheus' HTTP API)  backfill (what it remembers from before the first poll)
//! ```
//!
//! A source is declared once and read on every node of a target that has its endpoint; `node` is among the labels of
//! every series. One that says something of the target as a whole is declared `once`: it is read at the first such node
//! alone, and its series have no `node`.
//!
//! Every batch has, beside what the node gave: `up` where the source decides it, `opsconsole_source_up{source}` and
//! `opsconsole_scrape_duration_seconds{source}`, and where the answer tells the node's time
//! `opsconsole_clock_skew_seconds{source}`. A failed batch has only the first two, at 0.
//!
//! # Across nodes
//!
//! What the nodes of a target say is compared in PromQL, over series that each of them gives. The difference of heights
//! is `max by (target) (h) - min by (target) (h)`. Equal heights are no agreement: for that a series is read as a
//! `Fingerprint` (see [`extraction`]) of the hash of the newest block, beside its height and in the same answer, so that
//! two nodes with one height and two numbers have forked:
//!
//! ```text
//! max by (target) (hash) - min by (target) (hash)
//!   + 0 / (max by (target) (h) == bool min by (target) (h))      no answer while the heights differ
//!   + 0 / (count by (target) (hash) > bool 1)                    nor from one node alone
//! > bool 0
//! ```
//!
//! A condition is *unknown* where an operand is (a node that is silent or stale) and where a part of it is not a number,
//! which `0 / 0` is: *not forked* is never said without two fresh answers about one height. An alert rule, which
//! is Prometheus' own, joins `and on (target) (count by (target) (hash) == count by (target) (up))` for the first.
//!
//! Must never: do I/O, read a clock, or show a missing field as a number. A read must not change the node.
//!
//! To add a kind: one file with its spec and its decoder, one variant of [`SourceKindSpec`], one line in
//! `SourceKindSpec::spec`.

pub mod backfill;
pub mod budget;
pub mod command;
pub mod disk;
pub mod exposition;
pub mod extraction;
pub mod file;
pub mod folder;
mod http;
pub mod http_json;
pub mod identity;
pub mod journald;
pub mod jq;
pub mod json_rpc;
mod kind;
pub mod lines;
pub mod log;
pub mod open_metrics;
pub mod prometheus_text;
pub mod promql_api;
pub mod records;
pub mod schedule;
pub mod server;
pub mod tcp;
pub mod tells;
pub mod units;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{At, Credentials, SourceId, TargetId, Unit, time::spoken};
use crate::model::labels::NAME;
use crate::model::{Batch, Fetch, FetchFailure, HttpCare, Labels, Layout, Reply, Told};
pub use budget::{BudgetSpec, SharedBudget};
pub use identity::{RecogniseSpec, Recognition};
pub use kind::Fill;
use kind::{Kind, KindSpec, Own};
pub use tells::{TellsSpec, VersionSpec};

/// Longest interval and timeout that a source may have.
const LONGEST_SECONDS: f64 = 86_400.0;

/// Longest time that a poll waits for its turn.
const LONGEST_PATIENCE: Duration = Duration::from_secs(10);

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
    /// Largest answer that is taken; 64 KiB where it is not given.
    #[serde(default = "default_limit_bytes")]
    pub limit_bytes: u64,
    /// Whether this source's answer decides the endpoint's `up`. Exactly one source per endpoint does.
    #[serde(default)]
    pub decides_up: bool,
    /// What the read costs the node, in words, where it is not cheap.
    #[serde(default)]
    pub cost: Option<String>,
    /// The budget of the system that its reads are taken from, where the node counts them.
    #[serde(default)]
    pub budget: Option<String>,
    /// Whether it says something of the target as a whole: then it is read at one node, and its series have no `node`.
    #[serde(default)]
    pub once: bool,
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
    /// What its answers say of the node itself.
    #[serde(default)]
    pub tells: TellsSpec,
}

fn default_limit_bytes() -> u64 {
    64 << 10
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SourceKindSpec {
    HttpJson(http_json::HttpJsonSpec),
    PrometheusText(prometheus_text::PrometheusTextSpec),
    OpenMetrics(open_metrics::OpenMetricsSpec),
    Tcp(tcp::TcpSpec),
    File(file::FileSpec),
    Disk(disk::DiskSpec),
    Log(log::LogSpec),
    Command(command::CommandSpec),
    Units(units::UnitsSpec),
    Journald(journald::JournaldSpec),
    JsonRpc(json_rpc::JsonRpcSpec),
    PromqlApi(promql_api::PromqlApiSpec),
    Folder(folder::FolderSpec),
}

impl SourceKindSpec {
    /// The one match over all kinds.
    fn spec(&self) -> &dyn KindSpec {
        match self {
            SourceKindSpec::HttpJson(spec) => spec,
            SourceKindSpec::PrometheusText(spec) => spec,
            SourceKindSpec::OpenMetrics(spec) => spec,
            SourceKindSpec::Tcp(spec) => spec,
            SourceKindSpec::File(spec) => spec,
            SourceKindSpec::Disk(spec) => spec,
            SourceKindSpec::Log(spec) => spec,
            SourceKindSpec::Command(spec) => spec,
            SourceKindSpec::Units(spec) => spec,
            SourceKindSpec::Journald(spec) => spec,
            SourceKindSpec::JsonRpc(spec) => spec,
            SourceKindSpec::PromqlApi(spec) => spec,
            SourceKindSpec::Folder(spec) => spec,
        }
    }

    /// Checks what needs no address and no setting.
    ///
    /// # Errors
    /// What is wrong with the kind's spec.
    pub fn check(&self) -> Result<(), String> {
        self.spec().check()
    }

    /// The read as `allowed_reads` declares it: `GET /path`, `tail /path`, `systemctl show unit`.
    #[must_use]
    pub fn read(&self) -> String {
        self.spec().read()
    }

    /// The names of all series that the kind can give, beside the console's own; nothing where it gives whatever the
    /// node exposes.
    #[must_use]
    pub fn names(&self) -> Option<Vec<String>> {
        self.spec().names()
    }

    /// Each way to one of its series, where the spec names them: the labels that the series has at least, and the
    /// surface that has it: `documented`, `as-built` or `both`.
    #[must_use]
    pub fn extractions(&self) -> Vec<(Labels, &str)> {
        self.spec().extractions()
    }

    /// The series that tells by itself whether the read succeeded, where the kind has one.
    #[must_use]
    pub fn verdict(&self) -> Option<&'static str> {
        self.spec().verdict()
    }

    /// What a series means and what it is measured in, where the spec says it.
    #[must_use]
    pub fn meaning(&self, name: &str) -> Option<(&str, Unit)> {
        self.spec().meaning(name)
    }

    /// The same with every `{setting}` written in by `fill`.
    ///
    /// # Errors
    /// What `fill` says of the first name that it does not know, or a value that may not stand there.
    pub fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        self.spec().filled(fill)
    }

    /// Whether it reads from the machine that the console runs on, and not from the endpoint.
    #[must_use]
    pub fn is_of_machine(&self) -> bool {
        self.spec().is_of_machine()
    }

    /// Whether it asks the endpoint itself, in whatever way: then what it brings is of whoever answers there.
    #[must_use]
    pub fn asks_endpoint(&self) -> bool {
        !self.is_of_machine() && !self.asks_server()
    }

    /// Whether it asks the server that scrapes the target, and no node.
    #[must_use]
    pub fn asks_server(&self) -> bool {
        self.spec().asks_server()
    }

    /// Whether it asks over HTTP, of an endpoint of the node: then its answers say what the endpoint has, and the time.
    #[must_use]
    pub fn over_http(&self) -> bool {
        self.spec().tells_time()
    }

    /// The names of the documents that it gives.
    #[must_use]
    pub fn documents(&self) -> Vec<&str> {
        self.spec().documents()
    }

    /// The extractions of a series, as the system writes them: the surface and the filter; with the lines of the
    /// document that ask for it.
    #[must_use]
    pub fn series(&self, name: &str) -> Vec<&extraction::JsonSeriesSpec> {
        self.spec().series().iter().filter(|series| series.name == name).collect()
    }

    /// Whether it gives lines of a log.
    #[must_use]
    pub fn gives_lines(&self) -> bool {
        self.spec().gives_lines()
    }

    /// The shortest interval that it may be polled at, whoever asks.
    #[must_use]
    pub fn least_interval(&self) -> Duration {
        self.spec().least_interval()
    }
}

impl SourceSpec {
    /// Names of the series that it would give of itself, whatever it is answered.
    pub fn names_of_itself(&self) -> impl Iterator<Item = &'static str> {
        let up = self.decides_up.then_some("up");
        let always = ["opsconsole_source_up", "opsconsole_scrape_duration_seconds"];
        up.into_iter().chain(self.kind.verdict()).chain(always)
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first number that can not be used, and why.
    pub fn check(&self) -> Result<(), String> {
        for (name, value) in [("interval_seconds", self.interval_seconds), ("timeout_seconds", self.timeout_seconds)] {
            if !(value > 0.0 && value <= LONGEST_SECONDS) {
                return Err(format!("{name} is {value}; it must be more than 0 and at most {LONGEST_SECONDS}"));
            }
        }
        let least = self.kind.least_interval();
        if seconds(self.interval_seconds) < least {
            return Err(format!(
                "interval_seconds is {}; a source that starts a program is read at most every {}",
                self.interval_seconds,
                spoken(least)
            ));
        }
        if !(1..=LARGEST_LIMIT_BYTES).contains(&self.limit_bytes) {
            let given = self.limit_bytes;
            return Err(format!("limit_bytes is {given}; it must be between 1 and {LARGEST_LIMIT_BYTES}"));
        }
        self.tells.check(&self.kind.documents())?;
        self.kind.check()
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
    /// What its reads identify themselves with, by reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// With every `{setting}` written in.
    pub spec: SourceSpec,
    /// What its reads are taken from, shared with every console of this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<SharedBudget>,
    /// Of a source that reads from a machine: whether that is the one the console runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// Of the source that decides whether its endpoint is up: how its answers are told from those of other systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognise: Option<RecogniseSpec>,
    /// What the endpoint needs of a request.
    #[serde(default, skip_serializing_if = "HttpCare::is_none")]
    pub http: HttpCare,
}

/// The machine of a node, for sources that read from it without a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Machine {
    /// The one that the console runs on.
    Here,
    /// A simulated one: nothing outside this folder is read or run.
    Simulated { folder: String },
    /// Another one, or nobody said which: nothing is read. Why, and how to change it.
    Elsewhere { why: String },
}

impl BoundSource {
    /// Why this source is never read, where that is so: it is of a machine that the console does not run on.
    #[must_use]
    pub fn not_read(&self) -> Option<&str> {
        match &self.machine {
            Some(Machine::Elsewhere { why }) => Some(why),
            Some(Machine::Here | Machine::Simulated { .. }) => None,
            None if self.spec.kind.is_of_machine() => Some("which machine it is of was not said"),
            None => None,
        }
    }

    /// What is read and where, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        let read = self.spec.kind.read();
        match (self.not_read(), &self.machine) {
            (Some(why), _) => format!("{read}: not read, because {why}"),
            (None, Some(Machine::Here)) => format!("{read} on this machine"),
            (None, Some(Machine::Simulated { .. })) => format!("{read} in the simulation"),
            (None, Some(Machine::Elsewhere { .. }) | None) => format!("{read} at {}", self.base_url),
        }
    }
}

/// A source that can not be used as written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("source {source_id}: {what}")]
pub struct SourceError {
    pub source_id: String,
    pub what: String,
}

/// What a poller keeps between two polls of one source: the shape of the last answer, so that an unchanged answer
/// costs no interning; how far logs were read and what was counted in them; and whether the source is quarantined.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// The columns of the last answer that could be read.
    pub layout: Option<Arc<Layout>>,
    /// Set by the failure that ends the source until the console is started again.
    pub quarantined: Option<FetchFailure>,
    /// How many of the columns are the console's own.
    own: usize,
    /// Which of a kind's columns the others are.
    columns: Vec<usize>,
    /// Where the series of an exposition stand.
    shape: exposition::Shape,
    /// What was read of a log, and what is left of a line whose end has not come.
    tail: log::Tail,
    /// How far a journal was read.
    journal: journald::Position,
    /// What was counted in lines.
    tally: lines::Tally,
    /// The columns, by their hash, of the last answer that was known for the system's own.
    recognised: Option<u64>,
}

/// A compiled source.
#[derive(Debug)]
pub struct Source {
    pub bound: BoundSource,
    kind: Box<dyn Kind>,
    /// The series that every batch begins with: `up` where the source decides it, the kind's own verdict,
    /// `opsconsole_source_up`, `opsconsole_scrape_duration_seconds`, and the clock skew where the answer told a time.
    own: Vec<Labels>,
    /// How many of them say whether there was an answer: they are 0 where there was none.
    verdicts: usize,
    /// The columns of a failed batch: those.
    failed: Arc<Layout>,
    /// How its answers are told from those of other systems, where they are judged.
    recognition: Option<Recognition>,
}

impl Source {
    /// Compiles filters, patterns and addresses.
    ///
    /// # Errors
    /// A filter that does not compile or uses what is not allowed, an address that is no URL, a path or a unit that is
    /// none.
    pub fn compile(bound: BoundSource) -> Result<Source, SourceError> {
        let fail = |what| SourceError { source_id: bound.id.to_string(), what };
        bound.spec.check().map_err(fail)?;
        let kind = match bound.not_read() {
            // Settings of another machine may be anything: they are never used.
            Some(_) => Box::new(kind::Unread),
            None => bound.spec.kind.spec().compile(&bound).map_err(fail)?,
        };
        let of_source = |name| bound.labels.clone().with("source", &bound.spec.id).with(NAME, name);
        let mut own = Vec::new();
        own.extend(bound.spec.decides_up.then(|| bound.labels.clone().with(NAME, "up")));
        own.extend(bound.spec.kind.spec().verdict().map(of_source));
        own.push(of_source("opsconsole_source_up"));
        let verdicts = own.len();
        let failed = Arc::new(Layout::new(own.clone()));
        own.push(of_source("opsconsole_scrape_duration_seconds"));
        own.extend(bound.spec.kind.spec().tells_time().then(|| of_source("opsconsole_clock_skew_seconds")));
        let recognition = bound.recognise.as_ref().filter(|_| bound.not_read().is_none());
        let recognition = recognition.map(Recognition::compile).transpose().map_err(fail)?;
        Ok(Source { bound, kind, own, verdicts, failed, recognition })
    }

    #[must_use]
    pub fn interval(&self) -> Duration {
        seconds(self.bound.spec.interval_seconds)
    }

    #[must_use]
    pub fn timeout(&self) -> Duration {
        seconds(self.bound.spec.timeout_seconds)
    }

    /// How long a poll waits for its turn, where the node counts its reads, before it says that it is late.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.interval().min(LONGEST_PATIENCE)
    }

    /// What to read next.
    ///
    /// # Errors
    /// The source is of a machine that the console does not run on, or what is to be read has no usable address.
    pub fn fetch(&self, cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        match self.bound.not_read() {
            Some(why) => Err(FetchFailure::NotRead { why: why.to_owned() }),
            None => self.kind.fetch(cursor),
        }
    }

    /// What is read first, as shown to people.
    ///
    /// # Errors
    /// As [`Source::fetch`].
    pub fn address(&self) -> Result<String, FetchFailure> {
        self.fetch(&Cursor::default()).map(|fetch| fetch.to_string())
    }

    /// Reads an answer. Every outcome is a batch: a failure's batch has `up` 0 and no other series.
    pub fn decode(&self, cursor: &mut Cursor, reply: &Reply) -> Batch {
        match self.read(cursor, reply) {
            Ok(batch) => batch,
            Err(failure) => {
                let is_own = self.recognition.as_ref().and_then(|_| identity::of_failure(&failure));
                let mut batch = self.failed(cursor, failure, reply.sent, reply.took);
                batch.told.is_own = is_own;
                batch
            }
        }
    }

    fn read(&self, cursor: &mut Cursor, reply: &Reply) -> Result<Batch, FetchFailure> {
        if let Some(failure) = &cursor.quarantined {
            return Err(failure.clone());
        }
        let skew = http::skew(reply);
        let mut values = vec![1.0; self.verdicts];
        values.push(reply.took.as_secs_f64());
        values.extend(skew.filter(|_| self.own.len() > values.len()));
        if values.len() != cursor.own {
            // A node that begins or stops telling its time: no remembered column stands where it stood.
            cursor.forget_columns();
            cursor.own = values.len();
        }
        let own = Own { labels: &self.bound.labels, series: &self.own[..values.len()], values: &values };
        let decoded = self.kind.decode(reply, &own, cursor)?;
        cursor.layout = Some(Arc::clone(&decoded.layout));
        let told = self.bound.spec.tells.of(&decoded.layout, &decoded.values, &decoded.documents);
        let mut not_exposed = decoded.not_exposed;
        not_exposed.extend(self.bound.spec.tells.lacking(&decoded.layout));
        let recognition = self.recognition.as_ref();
        let is_own = recognition.map(|recognition| recognition.is_own(&decoded.layout, reply, cursor));
        Ok(Batch {
            told: Told { is_own, ..told },
            documents: decoded.documents,
            lines: decoded.lines,
            dropped_lines: decoded.dropped_lines,
            not_exposed,
            surfaces: decoded.surfaces,
            clock_skew_seconds: skew,
            dropped_series: decoded.dropped_series,
            ..Batch::of(self.bound.id.clone(), reply.sent, reply.took, decoded.layout, decoded.values)
        })
    }

    /// The batch of a read that brought nothing. A failure that would come again with every poll, an overrun or a
    /// machine that is not this one, ends the source.
    pub fn failed(&self, cursor: &mut Cursor, failure: FetchFailure, sent: At, took: Duration) -> Batch {
        let not_read = matches!(failure, FetchFailure::NotRead { .. });
        if not_read || matches!(failure, FetchFailure::Overrun { .. }) {
            cursor.quarantined = Some(failure.clone());
        }
        if not_read {
            // Nobody asked, so that nobody was found down.
            return Batch { not_exposed: self.declared(), ..Batch::failed(self.bound.id.clone(), sent, failure) };
        }
        if matches!(failure, FetchFailure::Late { .. }) {
            // Nobody asked yet: what was read before ages by itself.
            return Batch::failed(self.bound.id.clone(), sent, failure);
        }
        if matches!(failure, FetchFailure::OtherSystem { .. }) {
            // A stranger answered: whether the node that was meant is up, nobody asked.
            return Batch { took, ..Batch::failed(self.bound.id.clone(), sent, failure) };
        }
        let nothing = vec![0.0; self.failed.series().len()];
        let batch = Batch::of(self.bound.id.clone(), sent, took, Arc::clone(&self.failed), nothing);
        Batch { failure: Some(failure), ..batch }
    }

    /// Every series name the source can give, as far as it is declared.
    #[must_use]
    pub fn declared(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.own.iter().map(|labels| Arc::from(labels.name())).collect();
        names.extend(self.bound.spec.kind.names().into_iter().flatten().map(Arc::from));
        names
    }
}

impl Cursor {
    fn forget_columns(&mut self) {
        self.layout = None;
        self.columns = Vec::new();
        self.shape = exposition::Shape::default();
    }
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::from_secs(10))
}

#[cfg(test)]
mod tests;
