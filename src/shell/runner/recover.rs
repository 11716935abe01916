//! After a crash: which runs are still open, and how a sequence ended whose runner is gone.

use std::path::Path;
use std::time::Duration;

use super::order::last_confirmed;
use crate::app::msg::JournalId;
use crate::base::{ActId, RunId, SequenceId};
use crate::runbook::record::{Judged, Outcome, SequenceEnd};
use crate::runbook::{Actor, Entry, Record};
use crate::shell::journal::{self, JournalError};
use crate::shell::lock::{self, LockError, TargetLock};
use crate::shell::{StateRoot, clock};

/// A confirmation that no runner began within this time is taken to have none coming. Even then it is safe to be
/// wrong: a runner that comes later finds the end in the journal and does nothing.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most journals that are looked at.
const RUNS_LIMIT: usize = 10_000;

/// A run that was not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRun {
    pub run: RunId,
    /// The sequence that was confirmed and has no end, if there is one.
    pub sequence: Option<SequenceId>,
    /// Whether a runner of this run is at work now.
    pub alive: bool,
}

/// A sequence whose end could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrphanError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Lock(LockError),
}

/// Every run of the state root that was not closed, by name; and the journals that can not be read, which harm no
/// other.
///
/// # Errors
/// The folder of journals can not be read.
pub fn recover(root: &StateRoot) -> Result<(Vec<OpenRun>, Vec<JournalError>), JournalError> {
    let folder = root.journals().join("runs");
    let names = std::fs::read_dir(&folder).map_err(|error| JournalError::of(&folder, &error))?;
    let mut paths: Vec<_> = names.flatten().map(|name| name.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let (mut open, mut unreadable) = (Vec::new(), Vec::new());
    for path in paths.iter().rev().take(RUNS_LIMIT) {
        match open_run(root, path) {
            Ok(found) => open.extend(found),
            Err(error) => unreadable.push(error),
        }
    }
    open.reverse();
    Ok((open, unreadable))
}

fn open_run(root: &StateRoot, path: &Path) -> Result<Option<OpenRun>, JournalError> {
    let entries = journal::read(path)?;
    let closed = entries.iter().rev().any(|entry| matches!(entry.record, Record::RunClosed { .. }));
    if closed || entries.is_empty() {
        return Ok(None);
    }
    let run = RunId::new(path.file_stem().unwrap_or_default().to_string_lossy());
    let sequence = orphaned(&entries).and_then(|_| Some(last_confirmed(&entries)?.2.id.clone()));
    let alive = lock::run_has_runner(root, &run);
    Ok(Some(OpenRun { run, sequence, alive }))
}

/// How the last confirmed sequence ended, if its runner is gone and did not say; `None` where nothing was confirmed,
/// or it has its end. Only who holds the run's lock knows that the runner is gone.
#[must_use]
pub fn orphaned(entries: &[Entry]) -> Option<SequenceEnd> {
    let (at, ..) = last_confirmed(entries)?;
    let mut begun = false;
    let mut intended: Vec<(&ActId, Option<&Outcome>)> = Vec::new();
    for entry in &entries[at + 1..] {
        match &entry.record {
            Record::SequenceEnded { .. } | Record::Settled { .. } => return None,
            Record::RunnerStarted { .. } => begun = true,
            Record::Intent { act, .. } => intended.push((act, None)),
            Record::Applied { act, outcome, .. } => {
                match intended.iter_mut().rev().find(|(intent, _)| *intent == act) {
                    Some(intent) => intent.1 = Some(outcome),
                    None => intended.push((act, Some(outcome))),
                }
            }
            Record::RunOpened { .. }
            | Record::Observed { .. }
            | Record::Suggested { .. }
            | Record::BranchTaken { .. }
            | Record::WatchStarted { .. }
            | Record::WatchEnded { .. }
            | Record::Escalated { .. }
            | Record::Concluded { .. }
            | Record::RunClosed { .. }
            | Record::Armed { .. }
            | Record::Disarmed { .. }
            | Record::Refused { .. }
            | Record::Confirmed { .. }
            | Record::Settling { .. }
            | Record::Verifying { .. }
            | Record::WayBackStarted { .. }
            | Record::ConsoleStarted { .. }
            | Record::ConsoleStopped { .. }
            | Record::ClockJumped { .. }
            | Record::AlertClaimed { .. }
            | Record::ClaimWithdrawn { .. }
            | Record::ClaimOver { .. }
            | Record::AlertChanged { .. }
            | Record::TornLine { .. }
            | Record::GlassBroken { .. }
            | Record::DidByHand { .. }
            | Record::Ticked { .. }
            | Record::Answered { .. }
            | Record::SequenceByHand { .. }
            | Record::ByHandMeasured { .. }
            | Record::Collected { .. }
            | Record::NotCollected { .. }
            | Record::DemoSwitched { .. } => {}
        }
    }
    Some(end_of(begun, &intended))
}

fn end_of(begun: bool, intended: &[(&ActId, Option<&Outcome>)]) -> SequenceEnd {
    let did_nothing = |outcome: &Option<&Outcome>| matches!(outcome, Some(Outcome::NotStarted { .. }));
    if let Some((act, _)) = intended.iter().find(|(_, outcome)| outcome.is_none()) {
        let why = format!("the runner ended while {act} was to run: it may or may not have taken effect");
        return SequenceEnd::OutcomeUnknown { why };
    }
    if intended.iter().all(|(_, outcome)| did_nothing(outcome)) {
        return match begun {
            true if intended.is_empty() => SequenceEnd::Refused {
                why: "the runner ended before it began the first act; nothing ran, it may be confirmed again"
                    .to_owned(),
            },
            true => SequenceEnd::NotCured {
                why: "no act could be started, and the runner is gone; nothing changed".to_owned(),
            },
            false => SequenceEnd::NeverStarted {
                why: "no runner began it; nothing ran, it may be confirmed again".to_owned(),
            },
        };
    }
    let acts: Vec<&str> = intended.iter().map(|(act, _)| act.as_str()).collect();
    let why =
        format!("the runner ended after {}, before the end of the sequence: nothing was verified", acts.join(", "));
    SequenceEnd::OutcomeUnknown { why }
}

/// Writes the end of a sequence whose runner is gone; `None` where there is nothing to write: a runner is at work,
/// may still come, or the end is there already. While this writes, no runner of the run can begin. It may be asked
/// often: the run's lock is taken only when there is something to write, so that it is not in a runner's way.
///
/// # Errors
/// The journal or the run's lock can not be used.
pub fn settle_orphan(root: &StateRoot, run: &RunId, actor: &Actor) -> Result<Option<Entry>, OrphanError> {
    let id = JournalId::Run(run.clone());
    let path = root.journal(&id).map_err(JournalError::from)?;
    if lock::run_has_runner(root, run) || end_to_write(&journal::read(&path)?).is_none() {
        return Ok(None);
    }
    let _only = match TargetLock::try_take_run(root, run, &format!("{} settling {run}", actor.process)) {
        Ok(lock) => lock,
        Err(LockError::Held { .. }) => return Ok(None),
        Err(error @ LockError::Io { .. }) => return Err(OrphanError::Lock(error)),
    };
    // A runner may have come and gone between the look and the lock: only what is read under the lock counts.
    let Some(ended) = end_to_write(&journal::read(&path)?) else { return Ok(None) };
    Ok(Some(journal::append(root, &id, actor, clock::now(), &clock::boot_id(), ended)?))
}

/// The end that a journal lacks, unless its runner may still come.
fn end_to_write(entries: &[Entry]) -> Option<Record> {
    let end = orphaned(entries)?;
    let (at, step, sealed, _) = last_confirmed(entries)?;
    let confirmed = &entries[at];
    let begun = entries[at..].iter().any(|entry| matches!(entry.record, Record::RunnerStarted { .. }));
    let young = clock::now().boot.since(confirmed.at.boot) <= PATIENCE;
    if !begun && young && confirmed.boot_id == clock::boot_id() {
        return None;
    }
    let judged = last_judged(&entries[at..]);
    Some(Record::SequenceEnded { step: step.clone(), sequence: sealed.id.clone(), end, judged })
}

fn last_judged(entries: &[Entry]) -> Vec<Judged> {
    let judged = entries.iter().rev().find_map(|entry| {
        let Record::Verifying { judged, .. } = &entry.record else { return None };
        Some(judged.clone())
    });
    judged.unwrap_or_default()
}
