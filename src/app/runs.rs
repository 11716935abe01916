//! Runs: opening them, folding in what the journal says, letting them propose their next record.

use super::{App, Effect, JournalId, append};
use crate::base::{At, Digest, RunId, RunbookId, Severity, StepId, TargetId, text};
use crate::panes::journal::sentence::sentence;
use crate::promql::Verdict;
use crate::runbook::Present;
use crate::runbook::machine::SequenceRun;
use crate::runbook::record::{Judged, SequenceEnd};
use crate::runbook::{Entry, Record, Run, Runbook};

/// Runs shown at once. Closed ones fall out first.
const RUNS_LIMIT: usize = 32;

impl App {
    /// Opens the runbook that serves an alert; goes to its open run on that target if there is one.
    pub(super) fn open_runbook(&mut self, at: At, target_id: &TargetId, alert: &str, effects: &mut Vec<Effect>) {
        let Some(target) = self.model.target_by_id(target_id) else { return };
        let Some(runbook) = target.system.runbook_for(alert).cloned() else {
            return self
                .say(at, format!("no runbook serves {alert} yet; its rule says where the document describes it"));
        };
        self.open_run(at, target_id, &runbook, Some(alert), effects);
    }

    /// Opens a runbook that no alert asked for; goes to its open run on that target if there is one.
    pub(super) fn start_runbook(
        &mut self,
        at: At,
        target_id: &TargetId,
        runbook: &RunbookId,
        effects: &mut Vec<Effect>,
    ) {
        let Some(target) = self.model.target_by_id(target_id) else { return };
        let found = target.system.runbooks.iter().find(|known| known.id == *runbook).cloned();
        if let Some(runbook) = found {
            self.open_run(at, target_id, &runbook, None, effects);
        }
    }

    fn open_run(
        &mut self,
        at: At,
        target_id: &TargetId,
        runbook: &Runbook,
        alert: Option<&str>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(target) = self.model.target_by_id(target_id) else { return };
        let open = self
            .model
            .runs
            .values()
            .find(|run| run.target == *target_id && run.runbook.id == runbook.id && run.closed.is_none());
        if let Some(run) = open {
            let run = run.id.clone();
            return self.show_run(run);
        }
        let hash = match Digest::of_json(runbook) {
            Ok(hash) => hash,
            Err(error) => return self.say(at, format!("the runbook can not be frozen: {error}")),
        };
        let stamp: String = at.wall.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
        let name = runbook.id.as_str().rsplit('/').next().unwrap_or_default();
        let run = RunId::new(format!("{stamp}-{target_id}-{name}-{}", self.nonce));
        let record = Record::RunOpened {
            run: run.clone(),
            target: target_id.clone(),
            system: target.system.id.clone(),
            environment: target.spec.environment,
            alert: alert.map(str::to_owned),
            runbook: Box::new(runbook.clone()),
            hash,
        };
        effects.push(append(JournalId::Run(run.clone()), record));
        effects.push(Effect::Follow { run: run.clone() });
        self.show_run(run);
    }

    /// A journal has an entry: this is where it takes effect.
    /// While more of it is right behind, the run stands nowhere yet, and nothing is proposed for it.
    pub(super) fn journalled(
        &mut self,
        at: At,
        journal: &JournalId,
        entry: Entry,
        more: bool,
        effects: &mut Vec<Effect>,
    ) {
        self.urgent = true;
        self.model.journal_fault = None;
        if let (Some(freeze), Record::SequenceEnded { .. }) = (&mut self.model.freeze, &entry.record) {
            freeze.note(sentence(&entry.record));
        }
        match journal {
            JournalId::Console => {
                if let Record::Armed { .. } = entry.record {
                    self.armed(at, &entry.record);
                }
                // Open runs are told before the first entry of this console.
                self.open_wanted(at, effects);
            }
            JournalId::Run(run) => {
                match more {
                    true => self.writing.insert(run.clone()),
                    false => self.writing.remove(run),
                };
                self.fold(run, &entry);
                if matches!(entry.record, Record::RunClosed { .. }) && self.model.shown_run.as_ref() == Some(run) {
                    self.say(at, "the run is closed");
                }
            }
        }
        self.model.journal.push(entry);
    }

    /// Another console, or the runner, went on with the run. What the run proposes is proposed anew; what a person
    /// decided, they decide again on what they see now.
    pub(super) fn overtaken(&mut self, at: At, run: &RunId) {
        self.writing.remove(run);
        if self.deciding.remove(run) {
            self.say(at, "not done: the run has gone on meanwhile; look at it and decide again");
        }
    }

    fn fold(&mut self, id: &RunId, entry: &Entry) {
        let result = match self.model.runs.get_mut(id) {
            Some(run) => run.apply(entry),
            None => Run::fold(std::slice::from_ref(entry)).map(|run| {
                self.make_room_for_runs();
                self.model.runs.insert(id.clone(), run);
                self.model.shown_run.get_or_insert_with(|| id.clone());
            }),
        };
        if let Err(error) = result {
            self.banner(
                Severity::Critical,
                format!("the journal of run {id} can not be followed: {error}; run opsconsole journal verify"),
            );
        }
    }

    fn make_room_for_runs(&mut self) {
        while self.model.runs.len() >= RUNS_LIMIT {
            let closed = self.model.runs.values().position(|run| run.closed.is_some());
            self.model.runs.shift_remove_index(closed.unwrap_or(0));
        }
    }

    pub(super) fn journal_refused(&mut self, at: At, journal: &JournalId, why: &str) {
        if let JournalId::Run(run) = journal {
            self.writing.remove(run);
        }
        self.model.journal_fault = Some(why.to_owned());
        self.say(at, format!("not done, because it can not be journalled: {why}"));
        self.banner(Severity::Critical, format!("journal: {why}"));
    }

    /// Lets every open run write what it can without a person. Arming is checked here too, as time passes.
    pub(super) fn propose(&mut self, at: At, effects: &mut Vec<Effect>) {
        self.check_arming(at, effects);
        if self.model.journal_fault.is_some() {
            return;
        }
        let mut proposed = Vec::new();
        for run in self.model.runs.values() {
            if run.closed.is_some() || self.writing.contains(&run.id) || run.sequence_open().is_some() {
                continue;
            }
            let present = Present::new(&self.model.store, &run.target, at);
            if let Some(record) = run.propose(&present, at) {
                proposed.push((run.id.clone(), record));
            }
        }
        for (run, record) in proposed {
            self.write_run(&run, record, effects);
            self.deciding.remove(&run);
        }
        self.collect(at, effects);
    }
}

/// The sequence of this step whose outcome is unknown, and why, if that is how it stands.
pub(super) fn unknown_outcome<'a>(run: &'a Run, step: &StepId) -> Option<(&'a SequenceRun, &'a str)> {
    let sequence = run.steps.get(step)?.sequence.as_ref()?;
    match sequence.end.as_ref()? {
        SequenceEnd::OutcomeUnknown { why } => Some((sequence, why)),
        SequenceEnd::Verified
        | SequenceEnd::RolledBack { .. }
        | SequenceEnd::NotCured { .. }
        | SequenceEnd::Refused { .. }
        | SequenceEnd::NeverStarted { .. } => None,
    }
}

/// A judged condition as a sentence.
pub(super) fn judged_words(judged: &Judged) -> String {
    let verdict = match &judged.verdict {
        Verdict::True => "true".to_owned(),
        Verdict::False => "false".to_owned(),
        Verdict::Unknown(why) => format!("unknown ({})", text::clean(why)),
    };
    format!("{}: {verdict}", judged.means)
}
