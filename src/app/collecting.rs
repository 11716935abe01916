//! Evidence for an archive: gathered here from what is known, written by the shell beside the loop.
//!
//! Must never: gather more than its limits; hold up the run where it can not be written.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{App, Effect};
use crate::base::{At, Credentials, RunId, SecretRef, StepId, TargetId, text};
use crate::model::Scope;
use crate::panes::model::Target;
use crate::runbook::machine::{Look, StepState};
use crate::runbook::record::{Archive, Evidence};
use crate::runbook::tree::{CollectPlan, Task};
use crate::runbook::{Present, Record, Run};

/// How long evidence waits for the first answers of sources that were not asked yet.
const FIRST_ANSWERS: Duration = Duration::from_secs(10);
/// Documents in one archive.
const MOST_DOCUMENTS: usize = 64;

/// What goes into an archive, besides the run's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    pub parts: Vec<Part>,
    /// Their values are masked wherever they stand.
    pub secrets: Vec<SecretRef>,
}

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub name: String,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    Text(String),
    Json(Arc<serde_json::Value>),
}

impl App {
    /// Asks for the archives that runs are waiting for; each once.
    pub(super) fn collect(&mut self, at: At, effects: &mut Vec<Effect>) {
        let mut wanted = Vec::new();
        self.to_collect.retain(|run, _| self.model.runs.contains_key(run));
        let known =
            |target: &TargetId| self.model.store.sources_in(&Scope::Target(target.clone())).all(|one| one.polls > 0);
        for run in self.model.runs.values() {
            let waits = run.closed.is_none() && !self.writing.contains(&run.id) && !self.collecting.contains(&run.id);
            let Some(step) = run.current().filter(|_| waits) else { continue };
            if let (Task::Collect(plan), StepState::NotStarted) = (&step.task, run.state(&step.id)) {
                // A console that has just been started knows hardly anything yet.
                let since = *self.to_collect.entry(run.id.clone()).or_insert(at.boot);
                if !known(&run.target) && at.boot.since(since) < FIRST_ANSWERS {
                    continue;
                }
                let bundle = self.bundle(at, run, plan);
                wanted.push((run.id.clone(), step.id.clone(), bundle));
            }
        }
        for (run, step, bundle) in wanted {
            self.to_collect.remove(&run);
            self.collecting.insert(run.clone());
            effects.push(Effect::Collect { run, step, bundle: Box::new(bundle) });
        }
    }

    pub(super) fn collected(
        &mut self,
        run: &RunId,
        step: StepId,
        outcome: Result<Archive, String>,
        effects: &mut Vec<Effect>,
    ) {
        self.collecting.remove(run);
        let stands = self.model.runs.get(run).and_then(Run::current).is_some_and(|current| current.id == step);
        if stands {
            let record = match outcome {
                Ok(archive) => Record::Collected { step, archive },
                Err(why) => Record::NotCollected { step, why },
            };
            self.write_run(run, record, effects);
            // Nobody decided this; if the run has gone on meanwhile, nobody has to be told.
            self.deciding.remove(run);
        }
    }

    fn bundle(&self, at: At, run: &Run, plan: &CollectPlan) -> Bundle {
        let mut parts =
            vec![Part { name: "readings.txt".to_owned(), content: Content::Text(self.readings(at, run, plan)) }];
        parts.push(Part { name: "alerts.txt".to_owned(), content: Content::Text(self.alerts_of(at, run)) });
        let wanted = |name: &str| plan.documents.is_empty() || plan.documents.iter().any(|one| one == name);
        let documents = self.model.store.documents(&run.target).filter(|(document, _)| wanted(&document.name));
        for (document, fetched) in documents.take(MOST_DOCUMENTS) {
            let when: String = fetched.wall.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
            let name = format!("documents/{}-{when}.json", file_name(&document.name));
            parts.push(Part { name, content: Content::Json(Arc::clone(&document.json)) });
        }
        let mut secrets = Vec::new();
        if let Some(target) = self.model.target_by_id(&run.target) {
            parts.extend(self.logs(target, plan.log_lines as usize));
            let used = target.sources.iter().filter_map(|source| source.credentials.as_ref()).map(Credentials::secret);
            // What its acts send, its node may print.
            for secret in used.chain(target.spec.secrets.values()) {
                if !secrets.contains(secret) {
                    secrets.push(secret.clone());
                }
            }
        }
        Bundle { parts, secrets }
    }

    /// A line for each value: when, what, how much, how true, and the expression.
    fn readings(&self, at: At, run: &Run, plan: &CollectPlan) -> String {
        let present = Present::new(&self.model.store, &run.target, at);
        let mut page = format!("read {} UTC on {}/{}\n", at.wall, run.environment.word(), run.target);
        let mut line = |label: &str, value: String, truth: String, expr: &str| {
            // Writing to a string can not fail.
            let _ = writeln!(page, "{label}\t{value}\t{truth}\t{expr}");
        };
        for plan in run.runbook.panels.iter().chain(&plan.readings) {
            let reading = present.read(plan);
            let value = reading.value.map_or_else(|| "-".to_owned(), |value| plan.unit.write(value));
            line(&plan.label, value, reading.truth.words(at.boot), &plan.expr);
        }
        for Evidence { label, expr, unit, reading } in run.steps.values().flat_map(|step| &step.evidence) {
            let value = reading.value.map_or_else(|| "-".to_owned(), |value| unit.write(value));
            line(&format!("at first: {label}"), value, reading.truth.words(run.opened.boot), expr);
        }
        page
    }

    fn alerts_of(&self, at: At, run: &Run) -> String {
        let mut page = format!("alerts of {} at {} UTC\n", run.target, at.wall);
        for alert in self.model.alerts.alerts().filter(|alert| alert.target == run.target) {
            let _ = writeln!(page, "{}\t{}\t{}", alert.rule.name, alert.state.word(), alert.labels);
        }
        page
    }

    fn logs(&self, target: &Target, newest: usize) -> Vec<Part> {
        let mut parts = Vec::new();
        for source in &target.sources {
            let mut lines: Vec<_> = self.model.store.lines(&source.id).rev().take(newest).collect();
            if lines.is_empty() {
                continue;
            }
            lines.reverse();
            let text = lines.iter().map(|line| format!("{} {}\n", line.at, line.text)).collect();
            let name = format!("logs/{}.log", file_name(source.id.as_str()));
            parts.push(Part { name, content: Content::Text(text) });
        }
        parts
    }
}

/// A name that is one plain file name.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '.' { c } else { '-' };
    let name: String = text::clean(name).chars().map(plain).take(80).collect();
    name.trim_start_matches(['.', '-']).to_owned()
}
