//! `opsconsole check`: the state of the targets as an exit code, for monitoring.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use color_eyre::eyre::Result;
use serde::Serialize;

use super::capability::{self, CapabilitySnapshot};
use super::{Common, load};
use crate::alert::AlertState;
use crate::base::text::{clean, count};
use crate::base::{Severity, TargetId, Unit};
use crate::panes::Model;
use crate::panes::model::{Level, Target};
use crate::shell::{self, headless};

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Wait up to this long for ranges to fill and pending alerts to decide
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "600")]
    wait: Option<u64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The verdict with what made it so, and what the nodes of each target were found to be and to have.
#[derive(Debug, Serialize)]
struct CheckReport<'a> {
    judgement: &'static str,
    findings: &'a [String],
    targets: Vec<TargetReport<'a>>,
}

#[derive(Debug, Serialize)]
struct TargetReport<'a> {
    target: &'a str,
    system: &'a str,
    capabilities: Vec<CapabilitySnapshot>,
}

/// The verdict, as monitoring systems number it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    Ok = 0,
    Warning = 1,
    Critical = 2,
    /// Something can not be told, or is warming up.
    Unknown = 3,
}

impl TargetReport<'_> {
    fn of<'a>(model: &Model, target: &'a Target) -> TargetReport<'a> {
        TargetReport {
            target: target.id.as_str(),
            system: target.system.id.as_str(),
            capabilities: capability::of_target(model, target),
        }
    }
}

impl Judgement {
    /// Unknown is worse than a warning that is known, and less bad than what is known to be critical.
    fn worst(self, other: Judgement) -> Judgement {
        let rank = |judgement| match judgement {
            Judgement::Ok => 0,
            Judgement::Warning => 1,
            Judgement::Unknown => 2,
            Judgement::Critical => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }

    fn word(self) -> &'static str {
        match self {
            Judgement::Ok => "ok",
            Judgement::Warning => "warning",
            Judgement::Critical => "critical",
            Judgement::Unknown => "unknown",
        }
    }
}

/// Judges, prints a line for each thing that is not ok, and exits with the verdict.
///
/// # Errors
/// No configuration, or mistakes in it.
pub fn run(common: &Common, args: &CheckArgs) -> Result<ExitCode> {
    let (setup, fetcher) = load::setup(common, load::targets(common)?)?.for_a_look();
    let wait = Duration::from_secs(args.wait.unwrap_or(0));
    let app = shell::runtime()?.block_on(async {
        match args.wait {
            None => headless::look(setup, &fetcher, Duration::ZERO).await,
            Some(_) => headless::look_until(setup, &fetcher, wait, settled).await,
        }
    })?;
    let found = judge(app.model());
    let (judgement, lines) = (found.worst, &found.lines);
    let word = judgement.word();
    if args.json {
        let targets = app.model().targets.iter().map(|target| TargetReport::of(app.model(), target)).collect();
        let report = CheckReport { judgement: word, findings: lines, targets };
        say_line!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(ExitCode::from(judgement as u8));
    }
    say_line!("{}", found.headline());
    lines.iter().for_each(|line| say_line!("  {line}"));
    // It is no part of the verdict: what warms up for want of it is.
    let missing = app.model().store.backfills().filter(|state| state.failure.is_some());
    missing.filter_map(|state| state.backfill.as_deref()).for_each(|said| say_line!("  {}", clean(said)));
    Ok(ExitCode::from(judgement as u8))
}

/// Whether nothing is warming up or pending any more.
fn settled(model: &Model) -> bool {
    model.alerts.alerts().all(|alert| match &alert.state {
        AlertState::WarmingUp { .. } | AlertState::Pending { .. } => false,
        AlertState::Inactive | AlertState::NoData { .. } | AlertState::Firing { .. } | AlertState::Resolved { .. } => {
            true
        }
    })
}

/// What a look found.
#[derive(Debug)]
pub struct Found {
    pub worst: Judgement,
    /// What is not ok, each in a line; then what nobody can watch here.
    pub lines: Vec<String>,
    /// The worst of each target.
    targets: BTreeMap<TargetId, Judgement>,
}

impl Found {
    fn note(&mut self, target: &TargetId, judgement: Judgement, line: String) {
        let of_target = self.targets.entry(target.clone()).or_insert(Judgement::Ok);
        *of_target = of_target.worst(judgement);
        self.worst = self.worst.worst(judgement);
        if judgement != Judgement::Ok {
            self.lines.push(line);
        }
    }

    /// The verdict, and of how many targets it is: `critical: 1 of 5 targets`.
    fn headline(&self) -> String {
        let so = self.targets.values().filter(|judgement| **judgement == self.worst).count();
        let all = count(self.targets.len(), "target");
        match self.worst {
            Judgement::Ok => format!("{}: {all}", self.worst.word()),
            Judgement::Warning | Judgement::Critical | Judgement::Unknown => {
                format!("{}: {so} of {all}", self.worst.word())
            }
        }
    }
}

/// The worst of all alerts and panel rows, and what made it so.
#[must_use]
pub fn judge(model: &Model) -> Found {
    let targets = model.targets.iter().map(|target| (target.id.clone(), Judgement::Ok)).collect();
    let mut found = Found { worst: Judgement::Ok, lines: Vec::new(), targets };
    let mut unwatched = Vec::new();
    for alert in model.alerts.alerts() {
        let why = match alert.state.why() {
            none if none.is_empty() => none,
            why => format!(": {}", clean(&why)),
        };
        let said = format!("{}: alert {} is {}{why}", alert.target, alert.rule.name, alert.state.word());
        let judgement = match (&alert.state, alert.rule.severity()) {
            (AlertState::Firing { .. }, Severity::Critical) => Judgement::Critical,
            (AlertState::Firing { .. }, Severity::Warning | Severity::Info) => Judgement::Warning,
            // It is known that nobody can watch it here, and no waiting changes that: said, and no finding.
            (AlertState::NoData { lack, .. }, _) if lack.is_known() => {
                unwatched.push(said.clone());
                Judgement::Ok
            }
            (AlertState::NoData { .. } | AlertState::WarmingUp { .. }, _) => Judgement::Unknown,
            (AlertState::Pending { .. }, _) => Judgement::Warning,
            (AlertState::Inactive | AlertState::Resolved { .. }, _) => Judgement::Ok,
        };
        found.note(&alert.target, judgement, said);
    }
    for target in &model.targets {
        for panel in &target.system.spec.panels {
            for (row, cell) in panel.rows.iter().zip(target.cells.get(&panel.id).into_iter().flatten()) {
                let judgement = match cell.level {
                    Level::Ok => Judgement::Ok,
                    Level::Warning => Judgement::Warning,
                    Level::Critical => Judgement::Critical,
                    // A row that the node does not expose is no finding of this check: its alert is, if there is one.
                    Level::Unknown => Judgement::Ok,
                };
                let shown = cell.reading.value.map_or_else(|| "-".to_owned(), |value| row.unit.write(value));
                let said = match row.unit {
                    // "scrape succeeds: no"; a label of this kind is a statement of its own.
                    Unit::YesNo => format!("{}: {}: {shown}", target.id, row.label),
                    _ => format!("{}: {} is {shown}", target.id, row.label),
                };
                found.note(&target.id, judgement, said);
            }
        }
    }
    // What is never read from here, or not exposed, is no finding: its alert is, if there is one.
    for source in model.store.sources().filter(|source| !source.is_never_read() && !source.is_unserved) {
        let words = source.truth(model.now.boot).words(model.now.boot);
        if !words.is_empty() {
            found.note(&source.target, Judgement::Unknown, format!("{}: {}", source.id, clean(&words)));
        }
    }
    found.lines.extend(unwatched);
    found
}
