//! `opsconsole snapshot`: what is known now, once, for people or programs.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use color_eyre::eyre::Result;
use serde::Serialize;

use super::capability::{self, CapabilitySnapshot};
use super::{Common, load};
use crate::alert::AlertState;
use crate::alert::slo::{Definition, Standing};
use crate::base::Boot;
use crate::base::text::clean;
use crate::model::Reading;
use crate::panes::model::{Cell, Level};
use crate::panes::{Model, cells};
use crate::promql::Verdict;
use crate::shell::{self, headless};
use crate::systems::RowSpec;

#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// Print JSON
    #[arg(long, conflicts_with = "text")]
    json: bool,
    /// Print text (the default)
    #[arg(long)]
    text: bool,
    /// Keep watching this long before judging, so that ranges fill
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    watch: u64,
}

/// The level of a row that no limit is about.
const NOT_JUDGED: &str = "not_judged";

/// Everything a snapshot says. Times are UTC.
#[derive(Debug, Serialize)]
pub struct Snapshot {
    pub taken: String,
    pub targets: Vec<TargetSnapshot>,
}

#[derive(Debug, Serialize)]
pub struct TargetSnapshot {
    pub target: String,
    pub system: String,
    pub environment: &'static str,
    pub panels: Vec<PanelSnapshot>,
    pub alerts: Vec<AlertSnapshot>,
    pub objectives: Vec<ObjectiveSnapshot>,
    pub sources: Vec<SourceSnapshot>,
    /// What each node was found to be and to have.
    pub capabilities: Vec<CapabilitySnapshot>,
}

#[derive(Debug, Serialize)]
pub struct PanelSnapshot {
    pub panel: String,
    pub rows: Vec<RowSnapshot>,
}

#[derive(Debug, Serialize)]
pub struct RowSnapshot {
    pub label: String,
    pub value: Option<f64>,
    pub shown: String,
    /// `fresh`, `stale`, `absent`, `not_exposed`, `not_read`, `proves_nothing`, `failing`, `never_polled` or
    /// `warming_up`: a missing value is never without one of them, and is never 0.
    pub state: &'static str,
    /// The state in words, with its times and reasons; of a fresh value why its level can not be told. Empty otherwise.
    pub truth: String,
    /// `ok`, `warning`, `critical` or `unknown`; `not_judged` of a value that no limit is about.
    pub level: &'static str,
}

#[derive(Debug, Serialize)]
pub struct AlertSnapshot {
    pub alert: String,
    pub severity: &'static str,
    /// `inactive`, `pending`, `firing`, `resolved`, `warming up`, `no data`, `not exposed` or `not read`.
    pub state: &'static str,
    /// Why it can not be told; empty where it can.
    pub why: String,
    pub labels: String,
}

/// Parts are from 0 to 1; what was not measured is null.
#[derive(Debug, Serialize)]
pub struct ObjectiveSnapshot {
    pub id: String,
    pub title: String,
    /// `true`, `false`, `unknown`, or `needs_definition`.
    pub now: &'static str,
    /// Why it is unknown, or can not be measured; empty otherwise.
    pub why: String,
    pub objective: Option<f64>,
    pub window_seconds: Option<u64>,
    pub covered_seconds: Option<u64>,
    pub good: Option<f64>,
    pub budget_remaining: Option<f64>,
    pub burn_1h: Option<f64>,
    pub burn_6h: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct SourceSnapshot {
    pub source: String,
    pub address: String,
    /// As of a row.
    pub state: &'static str,
    pub truth: String,
    pub took_ms: u128,
    pub surfaces: Vec<String>,
    pub not_exposed: Vec<String>,
    pub clock_skew_seconds: Option<f64>,
}

/// Prints a snapshot.
///
/// # Errors
/// No configuration, or mistakes in it.
pub fn run(common: &Common, args: &SnapshotArgs) -> Result<ExitCode> {
    let (setup, fetcher) = load::setup(common, load::targets(common)?)?.for_a_look();
    let app = shell::runtime()?.block_on(headless::look(setup, &fetcher, Duration::from_secs(args.watch)))?;
    let snapshot = Snapshot::of(app.model());
    if args.json {
        say_line!("{}", serde_json::to_string_pretty(&snapshot)?);
    } else {
        say!("{}", snapshot.text());
    }
    Ok(ExitCode::SUCCESS)
}

impl Level {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Unknown => "unknown",
            Level::Warning => "warning",
            Level::Critical => "critical",
        }
    }
}

impl Snapshot {
    /// What a model says now.
    #[must_use]
    pub fn of(model: &Model) -> Snapshot {
        let targets = model.targets.iter().map(|target| TargetSnapshot {
            target: target.id.to_string(),
            system: target.system.id.to_string(),
            environment: target.spec.environment.word(),
            panels: panels(model, target),
            alerts: model.alerts.alerts().filter(|alert| alert.target == target.id).map(alert).collect(),
            objectives: target.objectives.iter().map(objective).collect(),
            capabilities: capability::of_target(model, target),
            sources: model
                .store
                .sources()
                .filter(|source| source.target == target.id)
                .map(|source| SourceSnapshot {
                    source: source.id.to_string(),
                    address: source.address.clone(),
                    state: source.truth(model.now.boot).state(),
                    truth: clean(&source.truth(model.now.boot).words(model.now.boot)).into_owned(),
                    took_ms: source.took.as_millis(),
                    surfaces: source.surfaces.iter().map(|name| name.to_string()).collect(),
                    not_exposed: source.not_exposed.iter().map(|name| name.to_string()).collect(),
                    clock_skew_seconds: source.clock_skew_seconds,
                })
                .collect(),
        });
        Snapshot { taken: model.now.wall.to_string(), targets: targets.collect() }
    }

    fn text(&self) -> String {
        let mut out = format!("{}\n", self.taken);
        for target in &self.targets {
            // Writing to a String can not fail.
            let _ = writeln!(out, "\n{}/{}  ({})", target.environment, target.target, target.system);
            for row in target.panels.iter().flat_map(|panel| &panel.rows) {
                let level = row.level.replace('_', " ");
                let _ = writeln!(out, "  {level:<10} {:<28} {:>10}  {}", row.label, row.shown, row.truth);
            }
            for alert in &target.alerts {
                let AlertSnapshot { alert, state, severity, why, .. } = alert;
                let why = if why.is_empty() { String::new() } else { format!("  {why}") };
                let _ = writeln!(out, "  alert      {alert:<28} {state}  {severity}{why}");
            }
            for found in &target.capabilities {
                let _ = writeln!(out, "  {}", found.line());
            }
            for source in target.sources.iter().filter(|source| !source.truth.is_empty()) {
                let _ = writeln!(out, "  source     {}: {}", source.source, source.truth);
            }
        }
        out
    }
}

impl RowSnapshot {
    fn of(row: &RowSpec, cell: &Cell, now: Boot) -> RowSnapshot {
        let Reading { value, truth } = &cell.reading;
        RowSnapshot {
            label: row.label.clone(),
            value: value.filter(|value| value.is_finite()),
            shown: value.map_or_else(|| "-".to_owned(), |value| row.unit.write(value)),
            state: truth.state(),
            truth: clean(&cells::doubt(cell, now)).into_owned(),
            level: if row.is_judged() || cell.level != Level::Ok { cell.level.word() } else { NOT_JUDGED },
        }
    }
}

fn panels(model: &Model, target: &crate::panes::model::Target) -> Vec<PanelSnapshot> {
    let panel = |panel: &crate::systems::PanelSpec| {
        let cells = target.cells.get(&panel.id).map_or(&[][..], Vec::as_slice);
        let now = model.now.boot;
        let rows = panel.rows.iter().zip(cells).map(|(row, cell)| RowSnapshot::of(row, cell, now));
        PanelSnapshot { panel: panel.id.to_string(), rows: rows.collect() }
    };
    target.system.spec.panels.iter().map(panel).collect()
}

fn objective(standing: &Standing) -> ObjectiveSnapshot {
    let (now, why) = match (&standing.slo.definition, &standing.now) {
        (Definition::Needed(why), _) => ("needs_definition", why.as_str()),
        (Definition::Measured { .. }, Some(Verdict::True)) => ("true", ""),
        (Definition::Measured { .. }, Some(Verdict::False)) => ("false", ""),
        (Definition::Measured { .. }, Some(Verdict::Unknown(why))) => ("unknown", why.as_str()),
        (Definition::Measured { .. }, None) => ("unknown", "not looked at yet"),
    };
    let budget = standing.budget.as_ref();
    ObjectiveSnapshot {
        id: standing.slo.id.clone(),
        title: standing.slo.title.clone(),
        now,
        why: clean(why).into_owned(),
        objective: budget.map(|budget| budget.objective),
        window_seconds: budget.map(|budget| budget.window.as_secs()),
        covered_seconds: budget.map(|budget| budget.covered.as_secs()),
        good: budget.and_then(|budget| budget.good),
        budget_remaining: budget.and_then(|budget| budget.remaining),
        burn_1h: budget.and_then(|budget| budget.burn_hour),
        burn_6h: budget.and_then(|budget| budget.burn_six_hours),
    }
}

fn alert(alert: &crate::alert::Alert) -> AlertSnapshot {
    let state: &AlertState = &alert.state;
    AlertSnapshot {
        alert: alert.rule.name.clone(),
        severity: alert.rule.severity().word(),
        state: state.word(),
        why: clean(&state.why()).into_owned(),
        labels: clean(&alert.labels.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Truth;

    fn row(more: &str) -> RowSpec {
        crate::base::ron_text::parse("row", &format!("(label: \"height\", expr: \"x\"{more})")).expect("a row")
    }

    #[test]
    fn what_nobody_judges_is_not_well_and_a_limit_that_can_not_be_told_says_why() {
        let check = |more: &str, level: Level, unjudged: Option<&str>, want: [&str; 2]| {
            let reading = Reading { value: Some(13.0), truth: Truth::Fresh };
            let unjudged = unjudged.map(str::to_owned);
            let cell = Cell { reading, level, spark: Vec::new(), limits: Vec::new(), unjudged };
            let row = RowSnapshot::of(&row(more), &cell, Boot(0));
            assert_eq!([row.level, &*row.truth], want);
        };
        let limited = ", warning: \"x > bool 1\"";
        check("", Level::Ok, None, ["not_judged", ""]);
        check(limited, Level::Ok, None, ["ok", ""]);
        check(limited, Level::Unknown, Some("y: absent"), ["unknown", "y: absent"]);
    }

    /// A program that reads the JSON tells every state from every other, and none that is missing from a zero.
    #[test]
    fn every_state_is_its_own_in_json() {
        let seconds = Duration::from_secs;
        let check = |value: Option<f64>, truth: Truth, want: serde_json::Value| {
            let cell = Cell {
                reading: Reading { value, truth },
                level: Level::Unknown,
                spark: Vec::new(),
                limits: Vec::new(),
                unjudged: None,
            };
            let row = RowSnapshot::of(&row(", warning: \"x > bool 1\""), &cell, Boot(90_000));
            let json = serde_json::to_value(&row).expect("plain data");
            let seen = serde_json::json!([json["state"], json["value"], json["shown"], json["truth"]]);
            assert_eq!(seen, want);
        };
        use serde_json::json;
        check(Some(0.0), Truth::Fresh, json!(["fresh", 0.0, "0", ""]));
        check(Some(0.0), Truth::Stale { age: seconds(45) }, json!(["stale", 0.0, "0", "stale 45s"]));
        check(None, Truth::Absent, json!(["absent", null, "-", "absent"]));
        check(None, Truth::NotExposed, json!(["not_exposed", null, "-", "not exposed"]));
        let failing = Truth::Failing { reason: "refused".to_owned(), since: Boot(30_000) };
        check(None, failing, json!(["failing", null, "-", "refused, for 1m 00s"]));
        check(None, Truth::NeverPolled, json!(["never_polled", null, "-", "not polled yet"]));
        let warming = Truth::WarmingUp { have: seconds(180), need: seconds(600) };
        let unread = Truth::NotRead { why: "the target names no host".to_owned() };
        check(None, unread, json!(["not_read", null, "-", "not read: the target names no host"]));
        let alone = Truth::ProvesNothing { why: "only one node".to_owned() };
        check(None, alone, json!(["proves_nothing", null, "-", "only one node"]));
        check(None, warming, json!(["warming_up", null, "-", "warming up (3m 00s of 10m 00s)"]));
    }
}
