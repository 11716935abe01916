//! `world.ron` as it is written. What the types can not say, `load` checks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sim::exchange::{Delivery, Surface};
use crate::sim::volchain::FaultKind;
use crate::systems::SettingValue;

/// A simulated deployment of one system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorldSpec {
    pub nodes: Vec<NodeSpec>,
    /// What the demo's target sets; `{folder}` stands for the folder of this system.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingValue>,
    #[serde(default)]
    pub units: Vec<UnitSpec>,
    pub variables: Vec<VariableSpec>,
    pub endpoints: Vec<EndpointSpec>,
    #[serde(default)]
    pub logs: Vec<LogSpec>,
    #[serde(default)]
    pub files: Vec<FileSpec>,
    #[serde(default)]
    pub disks: Vec<DiskSpec>,
    #[serde(default)]
    pub programs: Vec<ProgramSpec>,
    #[serde(default)]
    pub faults: Vec<FaultSpec>,
}

/// A member of the deployment, and where it listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    pub id: String,
    pub ports: Vec<PortSpec>,
    /// What the demo's target sets for this node alone.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingValue>,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortSpec {
    pub id: String,
    /// The endpoints of `system.ron` that are behind it; the one of its own name where it is left out.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// What a path that nobody answers brings.
    #[serde(default)]
    pub unknown: Option<PageSpec>,
    /// Only on these surfaces is it open; on both where it is left out.
    #[serde(default)]
    pub surfaces: Vec<Surface>,
}

/// A whole answer. The body may hold `{variable}`s.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageSpec {
    #[serde(default = "ok")]
    pub status: u16,
    #[serde(default = "plain")]
    pub content_type: String,
    #[serde(default)]
    pub body: String,
}

fn ok() -> u16 {
    200
}

fn plain() -> String {
    "text/plain; charset=utf-8".to_owned()
}

/// A systemd unit. The nodes that it holds live and end with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitSpec {
    /// Without `.service`.
    pub name: String,
    #[serde(default)]
    pub nodes: Vec<String>,
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// Something that has a value at every moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableSpec {
    pub name: String,
    pub kind: KindSpec,
    /// One value per element; one without labels where it is left out. Every element has the same labels.
    #[serde(default)]
    pub series: Vec<SeriesSpec>,
    /// The nodes that have it; all where it is left out. Each has a value of its own.
    #[serde(default)]
    pub nodes: Vec<String>,
    /// What an exposition calls it; its name where it is left out.
    #[serde(default)]
    pub metric: Option<String>,
    #[serde(default)]
    pub help: String,
    /// What an exposition says its type is; that of its kind where it is left out.
    #[serde(default)]
    pub said_type: Option<String>,
    /// An exposition leaves it out while it is zero.
    #[serde(default)]
    pub absent_at_zero: bool,
}

/// An element of a labelled variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesSpec {
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its rate or its middle is so many times that of the variable.
    #[serde(default = "one")]
    pub times: f64,
}

fn one() -> f64 {
    1.0
}

/// How a variable lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum KindSpec {
    /// Grows.
    Counter(CounterSpec),
    /// Stays around a value.
    Gauge(GaugeSpec),
    /// Goes where chance takes it.
    Walk(WalkSpec),
    /// Counts observations in buckets.
    Histogram(HistogramSpec),
    /// The height of a chain, which all nodes that have it follow.
    Height(HeightSpec),
    /// A hash that is the same on all nodes where the height is, unless one of them forked.
    Hash(HashSpec),
    /// One of some words.
    State(StateSpec),
    /// True or false.
    Flag(bool),
    /// When something happened last.
    Time(TimeSpec),
    /// Seconds since the node's unit came up.
    Uptime,
    /// What this jq program makes of the variables above it.
    Of(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterSpec {
    pub per_second: f64,
    /// How much a second differs from the next: 0.3 is up to 30 %.
    #[serde(default)]
    pub jitter: f64,
    #[serde(default)]
    pub start: f64,
    /// Whether it counts whole things.
    #[serde(default = "yes")]
    pub whole: bool,
    /// Whether it outlives a restart of its unit.
    #[serde(default)]
    pub kept: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaugeSpec {
    pub around: f64,
    /// How far it goes from there.
    #[serde(default)]
    pub wobble: f64,
    #[serde(default = "five_minutes")]
    pub period_seconds: f64,
    #[serde(default)]
    pub least: Option<f64>,
    #[serde(default)]
    pub most: Option<f64>,
    /// Digits after the point.
    #[serde(default)]
    pub decimals: u32,
}

fn five_minutes() -> f64 {
    300.0
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkSpec {
    pub start: f64,
    /// The farthest that it goes in a second.
    pub step: f64,
    pub least: f64,
    pub most: f64,
    #[serde(default)]
    pub decimals: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramSpec {
    /// Observations.
    pub per_second: f64,
    /// Upper bounds in the unit of the observations, without the last.
    pub buckets: Vec<f64>,
    /// Half of all observations are smaller.
    pub median: f64,
    /// Two thirds of them are within this factor of the median.
    #[serde(default = "twice")]
    pub spread: f64,
    /// Whether an observation is a whole number.
    #[serde(default)]
    pub whole: bool,
    /// Only so many of the newest observations are counted.
    #[serde(default)]
    pub window: Option<WindowSpec>,
}

fn twice() -> f64 {
    2.0
}

/// A histogram that forgets, so that its counts fall.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowSpec {
    pub most: usize,
    /// So many of the oldest go when there are more.
    pub forgets: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeightSpec {
    pub start: u64,
    pub every_seconds: f64,
    #[serde(default)]
    pub jitter: f64,
    /// Blocks that all nodes but the first are now and then behind.
    #[serde(default)]
    pub trails: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HashSpec {
    /// A variable above this one.
    pub of: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateSpec {
    /// It begins with the first.
    pub of: Vec<String>,
    /// Without it, it stays.
    #[serde(default)]
    pub changes_every_seconds: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeSpec {
    /// How often it happens again; never where it is left out.
    #[serde(default)]
    pub every_seconds: Option<f64>,
    #[serde(default)]
    pub jitter: f64,
    /// How long ago it was when the world began.
    #[serde(default)]
    pub age_seconds: f64,
    #[serde(default)]
    pub form: TimeForm,
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeForm {
    /// Of the epoch, whole.
    #[default]
    Seconds,
    Millis,
    /// `2026-11-21T03:04:05.678Z`
    Rfc3339,
}

/// What one path of a port answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    pub port: String,
    /// The nodes that answer it; all that have the port where it is left out.
    #[serde(default)]
    pub nodes: Vec<String>,
    #[serde(default = "get")]
    pub method: String,
    /// `/a/{id}` takes any word there, which a jq program sees as `.path.id`. `*` at the end takes all that begins so.
    pub path: String,
    /// Both where it is left out.
    #[serde(default)]
    pub surfaces: Vec<Surface>,
    pub answers: AnswerSpec,
    /// A jq program that gives the status; 200 where it is left out.
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub content_type: Option<String>,
    #[serde(default = "five")]
    pub takes_millis: u64,
    /// What another method brings on this path.
    #[serde(default)]
    pub other_method: Option<u16>,
    #[serde(default)]
    pub limits: Vec<LimitSpec>,
}

fn get() -> String {
    "GET".to_owned()
}

fn five() -> u64 {
    5
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AnswerSpec {
    /// jq programs over the variables; of several, which must give objects, the parts together.
    Json(Vec<String>),
    Exposition(ExpositionSpec),
    /// JSON-RPC 2.0.
    Rpc(RpcSpec),
    /// As it is, with `{variable}`s.
    Page(PageSpec),
    /// Prometheus' HTTP API below this path: instant values of plain selectors.
    Query(Vec<String>),
}

/// The Prometheus text format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpositionSpec {
    /// Names of variables in their order; `name*` are all that begin so.
    pub families: Vec<String>,
    #[serde(default = "yes")]
    pub help: bool,
    #[serde(default = "yes")]
    pub types: bool,
    /// Whether sum and count of a histogram stand before its buckets.
    #[serde(default)]
    pub sum_first: bool,
    /// What else is there, at the end.
    #[serde(default)]
    pub more: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RpcSpec {
    /// What each method gives.
    pub methods: BTreeMap<String, MethodSpec>,
    #[serde(default = "method_not_found")]
    pub unknown: (i64, String),
}

fn method_not_found() -> (i64, String) {
    (-32601, "method not found".to_owned())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MethodSpec {
    /// A jq program, which sees what it was asked with as `.params`.
    Result(String),
    Error(i64, String),
}

/// How often may be asked: a bucket that holds the tokens of one second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSpec {
    /// Of JSON-RPC, those that count; `name.*` are all that begin so. All where it is left out.
    #[serde(default)]
    pub methods: Vec<String>,
    pub per_second: f64,
    /// How long nothing is answered afterwards.
    #[serde(default)]
    pub ban_seconds: f64,
    pub first: RefusalSpec,
    /// During the ban; the same where it is left out.
    #[serde(default)]
    pub then: Option<RefusalSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RefusalSpec {
    /// An error of JSON-RPC.
    Rpc(i64, String),
    Page(PageSpec),
}

/// What a node says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSpec {
    pub id: String,
    pub node: String,
    /// The unit in whose journal it is.
    #[serde(default)]
    pub unit: Option<String>,
    /// The file that it is in, within the folder of this system.
    #[serde(default)]
    pub file: Option<String>,
    pub lines: Vec<LineSpec>,
    /// Said when the unit comes up.
    #[serde(default)]
    pub at_start: Vec<String>,
}

/// A record that is said again and again. `{time}` is the moment, `{hex}` 64 digits, `{ip}` an address of nobody,
/// `{n}` the number of the record, `{name}` a variable; it may have several lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineSpec {
    pub per_second: f64,
    pub text: String,
    #[serde(default)]
    pub surfaces: Vec<Surface>,
}

/// A file or a folder of the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Within the folder of this system.
    pub path: String,
    /// The node whose variables the programs see; the first where it is left out.
    #[serde(default)]
    pub node: Option<String>,
    /// A jq program.
    pub size_bytes: String,
    /// A jq program: how long ago it was written.
    #[serde(default)]
    pub age_seconds: Option<String>,
    /// So many of them, numbered: `{n}` in the path is the number. A jq program.
    #[serde(default)]
    pub count: Option<String>,
    /// What is in it, with `{variable}`s; zeroes where it is left out.
    #[serde(default)]
    pub text: Option<String>,
}

/// A file system: what `statvfs` of this path says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskSpec {
    pub path: String,
    #[serde(default)]
    pub node: Option<String>,
    pub size_bytes: String,
    pub free_bytes: String,
}

/// A program that sources run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramSpec {
    /// Word for word; `*` is any word, and at the end any number of them.
    pub argv: Vec<String>,
    #[serde(default)]
    pub node: Option<String>,
    /// A jq program: a text is printed as it is, anything else as JSON.
    pub stdout: String,
    /// A jq program.
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub stderr: Option<String>,
}

/// Something that can be switched on and off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    pub name: String,
    /// What happens while it is on, for the list that an operator reads.
    pub sentence: String,
    /// Lines of the document whose alert or symptom it is.
    #[serde(default)]
    pub from: Vec<String>,
    /// Where it can be seen; on both where it is left out.
    #[serde(default)]
    pub surfaces: Vec<Surface>,
    #[serde(default = "chain")]
    pub kind: FaultKind,
    #[serde(default)]
    pub after_restart: AfterRestartSpec,
    /// The alerts of the system that fire for it.
    #[serde(default)]
    pub raises: Vec<RaisesSpec>,
    pub effects: Vec<EffectSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaisesSpec {
    pub alert: String,
    /// Both where it is left out; elsewhere the alert has no data, or another tells of it.
    #[serde(default)]
    pub surfaces: Vec<Surface>,
}

fn chain() -> FaultKind {
    FaultKind::Chain
}

/// What a restart of a unit that an effect touches does to the fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterRestartSpec {
    Cured,
    #[default]
    Remains,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EffectSpec {
    Variable(VariableEffectSpec),
    Endpoint(EndpointEffectSpec),
    /// Says these records besides.
    Log(LogEffectSpec),
    /// Nothing listens on any port of this node.
    Down(String),
    /// What this node says differs from what the others say: its hashes are of another chain.
    Fork(String),
    /// The unit has ended, and ends again when it is started.
    Fails(String),
    /// The file is not there.
    Missing(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableEffectSpec {
    pub name: String,
    /// Which of its series; all where it is left out.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// On which nodes; on all where it is left out.
    #[serde(default)]
    pub nodes: Vec<String>,
    pub does: Does,
}

/// What happens to a variable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Does {
    /// It stays as it is.
    Freeze,
    /// It grows so many times as fast, or is so many times as large; of a histogram, more observations.
    Rate(f64),
    /// It grows by so much in a second.
    PerSecond(f64),
    /// It is this: a number, a text, true, false.
    Set(Value),
    /// Once so much more when it begins; a gauge is so much more for as long as it lasts.
    Step(f64),
    /// It is null, and no exposition has it.
    Null,
    /// It is nowhere.
    Drop,
    /// Observations are so many times as large.
    Slower(f64),
    /// A height so many blocks behind the others.
    Behind(u64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointEffectSpec {
    pub port: String,
    /// One path as it is written above; all of the port where it is left out.
    #[serde(default)]
    pub path: Option<String>,
    #[serde(default)]
    pub nodes: Vec<String>,
    pub does: Mangles,
}

/// What happens to the answers of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Mangles {
    /// The same body with another status.
    Status(u16),
    /// Something else.
    Page(PageSpec),
    /// As if there were no such path.
    Missing,
    /// So many seconds later.
    Slow(f64),
    /// It travels badly.
    Delivery(Delivery),
    /// One method of JSON-RPC, or all with `*`, gives an error.
    RpcError(String, i64, String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEffectSpec {
    pub log: String,
    pub per_second: f64,
    /// One of them each time, in turn.
    pub texts: Vec<String>,
    /// Nothing else is said.
    #[serde(default)]
    pub only: bool,
}
