//! `system.ron`: what a kind of node exposes, and what its operators want to see of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::alert::RuleFile;
use crate::alert::slo::{Slo, SloSpec};
use crate::base::problem::nearest;
use crate::base::{PanelId, Problem, Provenance, Severity, Unit, ron_text};
use crate::model::HttpCare;
use crate::promql::subject::{Counted, Made};
use crate::promql::{Condition, Dialect, Expr};
use crate::runbook::template;
use crate::sources::{BudgetSpec, RecogniseSpec, SourceSpec};

/// A poll may be a little late, and its values have to last until the next one.
const LONGEST_INTERVAL_SECONDS: f64 = 240.0;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemSpec {
    pub title: String,
    pub summary: String,
    pub endpoints: Vec<EndpointSpec>,
    #[serde(default)]
    pub settings: Vec<SettingSpec>,
    /// What runbooks may need to be let in; a target says where each is kept.
    #[serde(default)]
    pub secrets: Vec<SecretSpec>,
    pub sources: Vec<SourceSpec>,
    /// Reads that a node counts, and how many there may be in a second.
    #[serde(default)]
    pub budgets: Vec<BudgetSpec>,
    #[serde(default)]
    pub panels: Vec<PanelSpec>,
    /// Expression of the chart on the target's page.
    #[serde(default)]
    pub chart: Option<ChartSpec>,
    /// Service level objectives, in the order of their table.
    #[serde(default)]
    pub slos: Vec<SloSpec>,
    #[serde(default)]
    pub escalation: Vec<EscalationSpec>,
    #[serde(default)]
    pub policies: Vec<PolicySpec>,
    /// Where people are reached.
    #[serde(default)]
    pub contacts: Vec<ContactSpec>,
    /// Every read that sources and checks may make: `GET /path`, `POST /path` (of an interface that answers to nothing
    /// else), `rpc method params`, `promql expression`, `TCP connect`, `stat /path`, `list /path`, `du /path`,
    /// `statvfs /path`, `tail /path`, `run program argument`, `systemctl show unit`, `journalctl -u unit`.
    pub allowed_reads: Vec<String>,
    /// The Prometheus that `alerts.yml` was written for: V2 or V3.
    #[serde(default)]
    pub alerts_prometheus: Dialect,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    pub id: String,
    pub job: String,
    pub default_port: u16,
    /// How its answer is told from any other's, where nothing is configured. Without it, it is not looked for.
    #[serde(default)]
    pub recognise: Option<RecogniseSpec>,
    /// Another read that tells it, where the one that decides whether it is up is no GET: nobody is sent a question
    /// with a body before it is known who it is.
    #[serde(default)]
    pub recognise_at: Option<LookAt>,
    /// What it needs of a request.
    #[serde(default)]
    pub http: HttpCare,
    /// The endpoint of this system whose answers come from here too, word for word, because this one passes them on: it
    /// is told by them, and never looked for where nothing is configured.
    #[serde(default)]
    pub passes_on: Option<String>,
}

/// A GET whose answer tells an endpoint: JSON for which the filter yields true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookAt {
    pub path: String,
    pub jq: String,
}

/// A value that differs per target; a number appears as the series `opsconsole_setting{name=…}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingSpec {
    pub name: String,
    pub help: String,
    pub value: SettingValue,
    #[serde(default)]
    pub from: Vec<String>,
}

/// A secret that a target of this system may have. Never its value, nor where it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSpec {
    pub name: String,
    pub help: String,
    /// The environment variable that the document calls it by.
    pub variable: String,
    #[serde(default)]
    pub from: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SettingValue {
    Number(f64),
    Text(String),
}

/// The product's five dimensions, in the order of the overview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Dimension {
    ChainHealth,
    Mempool,
    Treasury,
    Oracle,
    Receipts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimensionSpec {
    pub dimension: Dimension,
    pub title: String,
    /// What will be seen here, and the system that feeds it.
    pub fed_by: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelSpec {
    pub id: PanelId,
    /// The pane of the overview, and the column of the fleet, that a row of it in trouble is seen in.
    pub dimension: Dimension,
    #[serde(default)]
    pub overview: OnOverview,
    pub title: String,
    pub rows: Vec<RowSpec>,
}

/// Which rows of a panel the overview has room for. Its target is as bad as the worst of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnOverview {
    #[default]
    Always,
    /// Those that are bad, or that ought to be known and are not; the others are on the page of the target.
    InTrouble,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowSpec {
    pub label: String,
    /// PromQL.
    pub expr: String,
    #[serde(default)]
    pub unit: Unit,
    /// Conditions that colour the row, worst first tried: PromQL with `bool`.
    #[serde(default)]
    pub critical: Option<String>,
    #[serde(default)]
    pub warning: Option<String>,
    #[serde(default)]
    pub provenance: Provenance,
    /// A condition without which the row says nothing: what compares nodes with each other needs two that answer.
    /// PromQL with `bool`.
    #[serde(default)]
    pub needs: Option<String>,
    /// What is said instead of a value where that does not hold, in a few words: `only one node answers`.
    #[serde(default)]
    pub otherwise: Option<String>,
}

impl RowSpec {
    /// Whether anything says how well its value is.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.critical.is_some() || self.warning.is_some()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartSpec {
    pub title: String,
    pub expr: String,
    #[serde(default)]
    pub unit: Unit,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationSpec {
    pub severity: Severity,
    pub respond_within_minutes: u64,
    pub contacts: Vec<String>,
    pub from: Vec<String>,
    #[serde(default)]
    pub documented: Vec<String>,
}

/// A rule of the document that holds in every runbook of the system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySpec {
    pub kind: PolicyKind,
    pub text: String,
    #[serde(default)]
    pub provenance: Provenance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PolicyKind {
    /// What everything else follows from.
    Principle,
    Never,
    Always,
}

impl PolicyKind {
    /// In the order in which they are read.
    pub const ALL: [PolicyKind; 3] = [PolicyKind::Principle, PolicyKind::Never, PolicyKind::Always];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            PolicyKind::Principle => "principle",
            PolicyKind::Never => "never",
            PolicyKind::Always => "always",
        }
    }
}

/// Where people are reached, or where something is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactSpec {
    /// In a word or two: `on-call`.
    pub label: String,
    pub at: String,
    #[serde(default)]
    pub provenance: Provenance,
}

impl SystemSpec {
    /// How the answers of an endpoint are told from those of any other: by its own words, or by those that it passes on.
    #[must_use]
    pub fn recognises<'a>(&'a self, endpoint: &'a EndpointSpec) -> Option<&'a RecogniseSpec> {
        let passed_on = || self.endpoints.iter().find(|other| endpoint.passes_on.as_ref() == Some(&other.id));
        endpoint.recognise.as_ref().or_else(|| passed_on()?.recognise.as_ref())
    }

    /// The objectives, ready to be measured: what can not be was refused when the system was loaded.
    #[must_use]
    pub fn objectives(&self) -> Vec<Arc<Slo>> {
        self.slos.iter().filter_map(|spec| Slo::compile(spec).ok()).map(Arc::new).collect()
    }

    /// The settings with a target's own values over the defaults.
    #[must_use]
    pub fn settings(&self, overrides: &BTreeMap<String, SettingValue>) -> BTreeMap<String, SettingValue> {
        let defaults = self.settings.iter().map(|setting| (setting.name.clone(), setting.value.clone()));
        defaults.chain(overrides.iter().map(|(name, value)| (name.clone(), value.clone()))).collect()
    }

    /// The same as text, as it is written into an argv.
    #[must_use]
    pub fn settings_text(&self, overrides: &BTreeMap<String, SettingValue>) -> BTreeMap<String, String> {
        let text = |value| match value {
            SettingValue::Text(text) => text,
            SettingValue::Number(number) => template::number(number).unwrap_or_default(),
        };
        self.settings(overrides).into_iter().map(|(name, value)| (name, text(value))).collect()
    }
}

/// With what was meant, where something near was.
fn meant(what: String, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{what}; did you mean {near:?}?"),
        None => what,
    }
}

/// Reads a `system.ron` and checks what the types can not.
///
/// # Errors
/// Every mistake found.
pub fn load(file: &str, text: &str) -> Result<SystemSpec, Vec<Problem>> {
    let spec: SystemSpec = ron_text::parse(file, text).map_err(|problem| vec![problem])?;
    let mut problems = Vec::new();
    let mut complain = |what: String| problems.push(Problem::new(file, 0, 0, what));
    for source in &spec.sources {
        if !spec.endpoints.iter().any(|endpoint| endpoint.id == source.endpoint) {
            complain(format!(
                "source {:?} reads from endpoint {:?}, which is not declared",
                source.id, source.endpoint
            ));
        }
        if let Err(what) = source.check() {
            complain(format!("source {:?}: {what}", source.id));
        }
        let known = |name: &str| match spec.settings.iter().any(|setting| setting.name == name) {
            // A stand-in that may stand anywhere a value may.
            true => Ok("x".to_owned()),
            false => Err(format!("{{{name}}} is not one of the settings")),
        };
        if let Err(what) = source.kind.filled(&|text| template::fill(text, known)) {
            complain(format!("source {:?}: {what}", source.id));
        }
        let read = source.kind.read();
        if !spec.allowed_reads.contains(&read) {
            let what = format!("source {:?} makes the read {read:?}, which allowed_reads does not declare", source.id);
            complain(meant(what, nearest(&read, spec.allowed_reads.iter().map(String::as_str))));
        }
        if let Some(budget) = &source.budget
            && !spec.budgets.iter().any(|known| known.name == *budget)
        {
            let what = format!("source {:?} takes its reads from budget {budget:?}, which is not declared", source.id);
            complain(meant(what, nearest(budget, spec.budgets.iter().map(|known| known.name.as_str()))));
        }
        if source.decides_up && (source.once || source.kind.asks_server()) {
            complain(format!(
                "source {:?} is of the target as a whole, so that it can not decide whether a node is up",
                source.id
            ));
        }
    }
    for (at, budget) in spec.budgets.iter().enumerate() {
        if let Err(what) = budget.check() {
            complain(format!("budget {:?}: {what}", budget.name));
        }
        if spec.budgets[..at].iter().any(|other| other.name == budget.name) {
            complain(format!("budget {:?} is declared twice", budget.name));
        }
    }
    for (at, slo) in spec.slos.iter().enumerate() {
        if let Err(what) = Slo::compile(slo) {
            complain(format!("slo {:?}: {what}", slo.id));
        }
        if spec.slos[..at].iter().any(|other| other.id == slo.id) {
            complain(format!("slo {:?} is declared twice", slo.id));
        }
    }
    for endpoint in &spec.endpoints {
        let looks_at = endpoint.recognise_at.as_ref().map(|look| format!("GET {}", look.path));
        if let Some(read) = looks_at.filter(|read| !spec.allowed_reads.contains(read)) {
            complain(format!(
                "endpoint {:?} is recognised by the read {read:?}, which allowed_reads does not declare",
                endpoint.id
            ));
        }
        if let Some(other) = &endpoint.passes_on
            && !spec.endpoints.iter().any(|known| known.id == *other && known.id != endpoint.id)
        {
            complain(format!(
                "endpoint {:?} passes on the answers of endpoint {other:?}, which is not declared",
                endpoint.id
            ));
        }
        let deciding = spec.sources.iter().filter(|source| source.endpoint == endpoint.id && source.decides_up).count();
        if deciding != 1 {
            complain(format!(
                "endpoint {:?} has {deciding} sources with decides_up; it needs exactly one",
                endpoint.id
            ));
        }
    }
    wrong_rows(&spec).chain(slow_sources(&spec)).for_each(&mut complain);
    if problems.is_empty() { Ok(spec) } else { Err(problems) }
}

/// What can not be evaluated of the rows and the chart. A condition that nobody can read would be one that never holds.
fn wrong_rows(spec: &SystemSpec) -> impl Iterator<Item = String> {
    let rows = spec.panels.iter().flat_map(|panel| panel.rows.iter().map(move |row| (&panel.id, row)));
    let of_rows = rows.flat_map(|(panel, row)| {
        let condition = |text: &String| Condition::parse(text).err().map(|error| error.to_string());
        let wrong = [
            ("expr", Expr::parse(&row.expr).err().map(|error| error.to_string())),
            ("warning", row.warning.as_ref().and_then(condition)),
            ("critical", row.critical.as_ref().and_then(condition)),
            ("needs", row.needs.as_ref().and_then(condition)),
            ("otherwise", half_said(row)),
        ];
        let told = wrong.into_iter().filter_map(|(part, error)| Some((part, error?)));
        told.map(move |(part, error)| format!("row {:?} of panel {panel:?}: {part}: {error}", row.label))
    });
    let chart = spec.chart.as_ref().and_then(|chart| Expr::parse(&chart.expr).err());
    of_rows.chain(chart.map(|error| format!("chart: {error}")))
}

/// What a row needs and what it says without are told together.
fn half_said(row: &RowSpec) -> Option<String> {
    let words = row.otherwise.as_deref().map(str::trim).filter(|words| !words.is_empty());
    match (&row.needs, words) {
        (Some(_), None) => Some("says nothing of what is shown where `needs` does not hold".to_owned()),
        (None, Some(_)) => Some("is said where `needs` does not hold, and there is none".to_owned()),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

/// Gives the rows and the chart that show how often something happened the unit that is written whole, where the file
/// says no other.
pub(super) fn count_events(spec: &mut SystemSpec, rules: &RuleFile) {
    let rows = spec.panels.iter_mut().flat_map(|panel| &mut panel.rows).map(|row| (&row.expr, &mut row.unit));
    let chart = spec.chart.iter_mut().map(|chart| (&chart.expr, &mut chart.unit));
    for (expr, unit) in rows.chain(chart).filter(|(_, unit)| **unit == Unit::Count) {
        let counted = Expr::parse(expr).map(|expr| rules.counted(&Counted::of(&expr))).unwrap_or_default();
        if counted.made == Some(Made::Events) {
            *unit = Unit::Events;
        }
    }
}

/// Sources whose values would be forgotten before the next ones come: a selector looks back for five minutes.
fn slow_sources(spec: &SystemSpec) -> impl Iterator<Item = String> {
    let slow = spec.sources.iter().filter(|source| source.interval_seconds > LONGEST_INTERVAL_SECONDS);
    slow.map(|source| {
        format!(
            "source {:?} is read every {} s, at which its values come and go: read it every {LONGEST_INTERVAL_SECONDS} s",
            source.id, source.interval_seconds
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SystemId;

    /// The problems of a system in which this is written instead of that.
    fn check(instead_of: &str, written: &str, want: &str) {
        let files = crate::systems::embedded();
        let text = &files[&SystemId::new("volchain")]["system.ron"];
        assert!(text.contains(instead_of), "{instead_of} is in the file");
        let problems = load("volchain/system.ron", &text.replacen(instead_of, written, 1)).expect_err(written);
        assert!(problems.iter().any(|problem| problem.what.contains(want)), "{want}: {problems:?}");
    }

    #[test]
    fn what_can_not_be_evaluated_is_a_mistake_of_the_file() {
        let row = "row \"height\" of panel";
        check("expr: \"volchain_height\"", "expr: \"volchain_height(\"", row);
        let condition = "critical: \"volchain_height == bool 0\"";
        check(condition, "critical: \"volchain_height == bool\"", "row \"height\" of panel");
        check(condition, "critical: \"volchain_height\"", "critical: ");
        check("interval_seconds: 60.0", "interval_seconds: 600.0", "at which its values come and go");
    }
}
