//! What every record means. Each arm checks everything before it changes anything.

use std::sync::Arc;

use indexmap::IndexMap;

use super::propose::all_true;
use super::{FoldError, Moment, NOTES_KEPT, Note, Run, StepRun, StepState};
use crate::base::{BranchId, Ring, StepId, time};
use crate::runbook::record::{Entry, Judged, Record};
use crate::runbook::tree::{Step, StepOutcome, Task};

/// The run that this entry opens.
pub(super) fn open(entry: &Entry) -> Result<Run, FoldError> {
    let Record::RunOpened { run, target, environment, alert, runbook, hash, system: _ } = &entry.record else {
        return Err(FoldError::NotOpened { seq: entry.seq });
    };
    if entry.seq != 1 {
        return Err(FoldError::NotOpened { seq: entry.seq });
    }
    let mut run = Run {
        id: run.clone(),
        target: target.clone(),
        environment: *environment,
        alert: alert.clone(),
        runbook: Arc::new((**runbook).clone()),
        hash: hash.clone(),
        opened: entry.at,
        steps: IndexMap::new(),
        notes: Ring::new(NOTES_KEPT),
        closed: None,
        last_seq: entry.seq,
    };
    let ids: Vec<StepId> = run.runbook.steps.iter().map(|step| step.id.clone()).collect();
    run.steps.extend(ids.into_iter().map(|id| (id, StepRun::default())));
    run.skip_unneeded();
    run.arrive(entry);
    Ok(run)
}

/// Why a record can not stand where it stands.
pub(super) type Misplaced = String;

impl Run {
    /// Takes in the next entry. An entry already taken in (by its number) changes nothing.
    ///
    /// # Errors
    /// The record can not stand here; the run is unchanged.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), FoldError> {
        if entry.seq <= self.last_seq {
            return Ok(());
        }
        let misplaced = |what| FoldError::OutOfPlace { seq: entry.seq, what };
        if entry.seq != self.last_seq + 1 {
            let missing = self.last_seq + 1;
            return Err(misplaced(format!("follows record {}; record {missing} is missing", self.last_seq)));
        }
        if let Some(why) = &self.closed {
            return Err(misplaced(format!("follows the end of the run, which was closed: {why}")));
        }
        self.take(entry).map_err(misplaced)?;
        self.skip_unneeded();
        self.arrive(entry);
        self.last_seq = entry.seq;
        Ok(())
    }

    /// Notes when the run came to stand where it stands.
    fn arrive(&mut self, entry: &Entry) {
        let here = self.current().map(|step| step.id.clone());
        if let Some(run) = here.and_then(|id| self.steps.get_mut(&id)) {
            run.reached.get_or_insert_with(|| Moment { at: entry.at, boot_id: entry.boot_id.clone() });
        }
    }

    fn take(&mut self, entry: &Entry) -> Result<(), Misplaced> {
        let moment = || Moment { at: entry.at, boot_id: entry.boot_id.clone() };
        match &entry.record {
            Record::RunOpened { .. } => Err("opens a run that is open already".to_owned()),
            Record::Observed { step, evidence } => {
                let run = self.at_step(step, Kind::Observe)?;
                run.evidence.clone_from(evidence);
                run.state = StepState::Done;
                Ok(())
            }
            Record::Suggested { step, branch, judged } => self.suggested(step, branch.as_ref(), judged, moment()),
            Record::BranchTaken { step, branch, reason } => self.branch_taken(step, branch, reason.as_deref()),
            Record::WatchStarted { step, until } => {
                let run = self.at_step(step, Kind::Watch)?;
                if run.watch_until.is_some() {
                    return Err(format!("starts the watch {step} a second time"));
                }
                run.watch_until = Some(*until);
                run.watch_started = Some(moment());
                run.state = StepState::Running;
                Ok(())
            }
            Record::WatchEnded { step, judged, in_time } => self.watch_ended(step, judged, *in_time),
            Record::Escalated { step, contacts } => {
                let run = self.at_step(step, Kind::Escalate)?;
                run.finding = Some(format!("handed over to {}", contacts.join(", ")));
                run.state = StepState::Done;
                Ok(())
            }
            Record::Concluded { step, finding } => {
                let run = self.at_step(step, Kind::Conclude)?;
                run.finding = Some(finding.clone());
                run.state = StepState::Done;
                Ok(())
            }
            Record::RunClosed { why } => self.close(why),
            Record::Armed { reason, declared, until, .. } => {
                self.note(entry, format!("armed by {declared} until {}: {reason}", until.wall.clock()))
            }
            Record::Disarmed { why, .. } => self.note(entry, format!("disarmed: {why}")),
            Record::Refused { what, why } => self.note(entry, format!("{what} was refused: {why}")),
            Record::Confirmed { step, sequence, hash, only_if, evidence } => {
                self.confirmed(entry.at, step, sequence, hash, only_if)?;
                let run = self.step_mut(step)?;
                run.evidence.clone_from(evidence);
                Ok(())
            }
            Record::RunnerStarted { sequence, hash, pid, .. } => self.runner_started(sequence, hash, *pid),
            Record::Intent { sequence, act, hash, .. } => self.intended(entry.seq, sequence, act, hash),
            Record::Applied { sequence, act, outcome, output, .. } => self.applied(sequence, act, outcome, output),
            Record::Settling { sequence, until } => self.settling(sequence, *until),
            Record::Verifying { sequence, judged, deadline } => self.verifying(sequence, judged, *deadline),
            Record::WayBackStarted { sequence, .. } => self.going_back(sequence),
            Record::SequenceEnded { step, sequence, end, judged } => self.sequence_ended(step, sequence, end, judged),
            Record::Settled { step, sequence, cured, note, judged } => {
                let text = format!("{sequence} was settled as {}: {note}", if *cured { "cured" } else { "not cured" });
                self.settled(step, sequence, *cured && all_true(judged))?;
                self.note(entry, text)
            }
            Record::ClockJumped { millis } => {
                let by = time::spoken(std::time::Duration::from_millis(millis.unsigned_abs()));
                self.note(entry, format!("the clock jumped {by} {}", if *millis < 0 { "back" } else { "forward" }))
            }
            Record::TornLine { bytes, kept_in } => {
                self.note(entry, format!("a torn line of {bytes} bytes was put aside in {kept_in}"))
            }
            Record::ConsoleStarted { .. } => Err("the start of a console belongs to the console's journal".to_owned()),
            Record::ConsoleStopped { .. } => Err("the end of a console belongs to the console's journal".to_owned()),
            Record::AlertClaimed { .. } | Record::ClaimWithdrawn { .. } | Record::ClaimOver { .. } => {
                Err("who answers for an alert belongs to the console's journal".to_owned())
            }
            Record::AlertChanged { .. } => Err("the change of an alert belongs to the console's journal".to_owned()),
            Record::GlassBroken { .. } => Err("the broken glass belongs to the console's journal".to_owned()),
            Record::DidByHand { step, done, note } => self.did_by_hand(step, *done, note, &entry.actor, moment()),
            Record::Ticked { step, item, not_applicable } => {
                self.ticked(step, item, not_applicable.as_deref(), &entry.actor, entry.at)
            }
            Record::Answered { step, name, value } => self.answered(step, name, value),
            Record::SequenceByHand { step, note, verify, from, until } => {
                self.sequence_by_hand(step, note, verify, (*from, *until), &entry.actor, moment())
            }
            Record::ByHandMeasured { step, judged, cured } => self.by_hand_measured(step, judged, *cured),
            Record::Collected { step, archive } => self.collected(step, archive),
            Record::NotCollected { step, why } => self.not_collected(step, why),
            Record::DemoSwitched { .. } => {
                Err("what was switched in a demo belongs to the console's journal".to_owned())
            }
        }
    }

    fn note(&mut self, entry: &Entry, text: String) -> Result<(), Misplaced> {
        self.notes.push(Note { at: entry.at, text });
        Ok(())
    }

    fn close(&mut self, why: &str) -> Result<(), Misplaced> {
        if let Some(open) = self.sequence_open() {
            return Err(format!("closes the run while the sequence {} is running", open.sealed.id));
        }
        if let Some(step) = self.unsettled() {
            return Err(format!("closes the run while nobody has settled the unknown outcome of {step}"));
        }
        self.closed = Some(why.to_owned());
        Ok(())
    }

    fn suggested(
        &mut self,
        step: &StepId,
        branch: Option<&BranchId>,
        judged: &[(BranchId, Vec<Judged>)],
        moment: Moment,
    ) -> Result<(), Misplaced> {
        let branches = self.current_of(step, Kind::Choose)?.task.branches();
        if let Some((stranger, _)) = judged.iter().find(|(id, _)| branches.iter().all(|branch| branch.id != *id)) {
            return Err(format!("judges {stranger}, which is no branch of {step}"));
        }
        if let Some(branch) = branch {
            let holds = judged.iter().find(|(id, _)| id == branch).is_some_and(|(_, judged)| all_true(judged));
            if !holds {
                return Err(format!("suggests {branch}, whose conditions are not all true"));
            }
        }
        let run = self.step_mut(step)?;
        run.judged = judged.to_vec();
        run.suggested = branch.cloned();
        run.suggested_at = Some(moment);
        run.state = StepState::Running;
        Ok(())
    }

    fn branch_taken(&mut self, step: &StepId, branch: &BranchId, reason: Option<&str>) -> Result<(), Misplaced> {
        let branches = self.current_of(step, Kind::Choose)?.task.branches();
        if branches.iter().all(|known| known.id != *branch) {
            return Err(format!("takes {branch}, which is no branch of {step}"));
        }
        let suggested = self.steps.get(step).and_then(|run| run.suggested.as_ref()) == Some(branch);
        if !suggested && reason.is_none_or(|reason| reason.trim().is_empty()) {
            return Err(format!("takes {branch}, which was not suggested, without a reason"));
        }
        let mut reached = Vec::new();
        for known in branches {
            let state = if known.id == *branch { StepState::NotStarted } else { StepState::WillNotRun };
            reach(&known.steps, state, &mut reached);
        }
        let run = self.step_mut(step)?;
        run.taken = Some((branch.clone(), reason.map(str::to_owned)));
        run.state = StepState::Done;
        self.steps.extend(reached.into_iter().map(|(id, state)| (id, StepRun { state, ..StepRun::default() })));
        Ok(())
    }

    fn watch_ended(&mut self, step: &StepId, judged: &[Judged], in_time: bool) -> Result<(), Misplaced> {
        let run = self.at_step(step, Kind::Watch)?;
        if run.watch_until.is_none() {
            return Err(format!("ends the watch {step}, which was not started"));
        }
        if in_time && !all_true(judged) {
            return Err(format!("ends the watch {step} in time, though not all of its conditions are true"));
        }
        run.watched = judged.to_vec();
        run.in_time = Some(in_time);
        run.state = StepState::Done;
        Ok(())
    }

    /// The step, if the run stands at it and it is of this kind.
    pub(super) fn current_of(&self, step: &StepId, kind: Kind) -> Result<&Step, Misplaced> {
        match self.current() {
            Some(current) if current.id == *step && Kind::of(&current.task) == kind => Ok(current),
            Some(current) if current.id == *step => {
                Err(format!("is not about a {}, as {step} is", current.task.word()))
            }
            Some(current) => Err(format!("is about {step}, but the run stands at {}", current.id)),
            None => Err(format!("is about {step}, but the path is at its end")),
        }
    }

    pub(super) fn at_step(&mut self, step: &StepId, kind: Kind) -> Result<&mut StepRun, Misplaced> {
        self.current_of(step, kind)?;
        self.step_mut(step)
    }

    pub(super) fn step_mut(&mut self, step: &StepId) -> Result<&mut StepRun, Misplaced> {
        self.steps.get_mut(step).ok_or_else(|| format!("is about {step}, which the path has not reached"))
    }

    /// Marks the steps of the path that are not needed after what came before them.
    fn skip_unneeded(&mut self) {
        loop {
            let path = self.path();
            let unneeded = path.iter().enumerate().find_map(|(at, (depth, step))| {
                let wanted = step.only_after.filter(|_| self.state(&step.id) == StepState::NotStarted)?;
                // Nearest first, up to the beginning of the list of steps that it stands in.
                let before = path[..at].iter().rev().take_while(|(other, _)| other >= depth);
                let mut siblings = before.filter(|(other, _)| other == depth).map(|(_, step)| *step);
                let ran = siblings.find(|other| wanted.of(&other.task) && self.state(&other.id) != StepState::Skipped);
                self.is_unneeded(wanted, ran).then(|| step.id.clone())
            });
            let Some(run) = unneeded.and_then(|id| self.steps.get_mut(&id)) else { return };
            run.state = StepState::Skipped;
        }
    }

    /// Whether a step that wants this outcome is not needed, now that `ran` was the last that could have it.
    fn is_unneeded(&self, wanted: StepOutcome, ran: Option<&Step>) -> bool {
        match ran {
            Some(step) => self.outcome(step).is_some_and(|outcome| outcome != wanted),
            None => true,
        }
    }
}

/// A task without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Observe,
    Choose,
    Watch,
    Commit,
    Escalate,
    Conclude,
    ByHand,
    Tick,
    Ask,
    Collect,
}

impl Kind {
    fn of(task: &Task) -> Kind {
        match task {
            Task::Observe(_) => Kind::Observe,
            Task::Choose(_) => Kind::Choose,
            Task::Watch(_) => Kind::Watch,
            Task::Commit(_) => Kind::Commit,
            Task::Escalate(_) => Kind::Escalate,
            Task::Conclude(_) => Kind::Conclude,
            Task::ByHand(_) => Kind::ByHand,
            Task::Tick(_) => Kind::Tick,
            Task::Ask(_) => Kind::Ask,
            Task::Collect(_) => Kind::Collect,
        }
    }
}

/// Steps that a taken branch makes known: its own are ahead now, deeper ones wait for their own branch to be taken,
/// and those of the other branches will not run.
fn reach(steps: &[Step], state: StepState, reached: &mut Vec<(StepId, StepState)>) {
    for step in steps {
        reached.push((step.id.clone(), state));
        if state == StepState::WillNotRun {
            step.task.branches().iter().for_each(|branch| reach(&branch.steps, state, reached));
        }
    }
}
