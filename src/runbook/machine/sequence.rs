//! What the records of a confirmed sequence mean, from the confirmation to its end.
//!
//! The runner decides; this only refuses what can not have happened, so that a journal that was tampered with, or
//! written by a faulty runner, is never taken for the story of a cure.

use super::fold::{Kind, Misplaced};
use super::propose::all_true;
use super::{ActOutput, Phase, Run, SequenceRun, StepRun, StepState};
use crate::base::{ActId, At, Digest, SequenceId, StepId};
use crate::runbook::record::{Judged, Outcome, SequenceEnd};
use crate::runbook::seal::SealedSequence;
use crate::runbook::tree::Task;

impl Run {
    pub(super) fn confirmed(
        &mut self,
        at: At,
        step: &StepId,
        sequence: &SealedSequence,
        hash: &Digest,
        only_if: &[Judged],
    ) -> Result<(), Misplaced> {
        let current = self.current_of(step, Kind::Commit)?;
        let state = self.state(step);
        match state {
            StepState::NotStarted => {}
            StepState::Running
            | StepState::Done
            | StepState::Failed
            | StepState::Skipped
            | StepState::Unknown
            | StepState::WillNotRun => return Err(format!("confirms {step}, which is {}", state.word())),
        }
        match &current.task {
            Task::Commit(plan) if plan.id != sequence.id => {
                return Err(format!("confirms {}, but the sequence of {step} is {}", sequence.id, plan.id));
            }
            Task::Commit(plan) if only_if.len() != plan.only_if.len() => {
                return Err(format!("confirms {step} without judging each of its conditions"));
            }
            Task::Commit(plan) if sequence.class < plan.class => {
                let (said, is) = (sequence.class.word(), plan.class.word());
                return Err(format!("confirms {step} as {said}, though it is {is}"));
            }
            Task::Commit(_) => {}
            Task::Observe(_)
            | Task::Choose(_)
            | Task::Watch(_)
            | Task::Escalate(_)
            | Task::Conclude(_)
            | Task::ByHand(_)
            | Task::Tick(_)
            | Task::Ask(_)
            | Task::Collect(_) => {
                return Err(format!("confirms {step}, which is no sequence"));
            }
        }
        if let Err(why) = sequence.approved() {
            return Err(format!("confirms {step}, though {why}"));
        }
        if !only_if.is_empty() && !all_true(only_if) {
            return Err(format!("confirms {step}, though not all of its conditions are true"));
        }
        let run = self.step_mut(step)?;
        run.state = StepState::Running;
        run.sequence = Some(SequenceRun {
            sealed: sequence.clone(),
            hash: hash.clone(),
            confirmed: at,
            runner_pid: None,
            phase: Phase::Confirmed,
            acts: Vec::new(),
            outputs: Vec::new(),
            judged: Vec::new(),
            end: None,
        });
        Ok(())
    }

    pub(super) fn runner_started(&mut self, id: &SequenceId, hash: &Digest, pid: u32) -> Result<(), Misplaced> {
        let sequence = self.open_sequence(id)?;
        sequence.holds(hash)?;
        match &sequence.phase {
            Phase::Confirmed => sequence.phase = Phase::Started,
            // A second runner that only waits and verifies is possible; one that starts in the middle of an act is not.
            Phase::Acting(act) => return Err(format!("starts a runner while {act} has no outcome")),
            Phase::Started | Phase::Settling { .. } | Phase::Verifying { .. } | Phase::GoingBack | Phase::Ended => {}
        }
        sequence.runner_pid = Some(pid);
        Ok(())
    }

    /// `seq` is the number of the intent's record.
    pub(super) fn intended(&mut self, seq: u64, id: &SequenceId, act: &ActId, hash: &Digest) -> Result<(), Misplaced> {
        let sequence = self.begun_sequence(id)?;
        sequence.holds(hash)?;
        let going_back = sequence.is_going_back();
        let (planned, done) = match going_back {
            false => (&sequence.sealed.acts, sequence.acts.len()),
            true => (&sequence.sealed.way_back, sequence.way_back_acts()),
        };
        if planned.get(done).is_none_or(|next| next.id != *act) {
            return Err(format!("means to do {act}, which is not the next act of {id}"));
        }
        let failed = sequence.acts.iter().find(|(_, outcome)| !outcome.as_ref().is_some_and(Outcome::is_done));
        if let (Some((failed, _)), false) = (failed, going_back) {
            return Err(format!("means to do {act} after {failed} failed"));
        }
        if !going_back {
            sequence.phase = Phase::Acting(act.clone());
        }
        sequence.acts.push((act.clone(), None));
        sequence.outputs.push(ActOutput { act: act.clone(), intent_seq: seq, text: String::new() });
        Ok(())
    }

    pub(super) fn applied(
        &mut self,
        id: &SequenceId,
        act: &ActId,
        outcome: &Outcome,
        output: &str,
    ) -> Result<(), Misplaced> {
        let sequence = self.open_sequence(id)?;
        match sequence.acts.last_mut() {
            Some((intended, known @ None)) if intended == act => *known = Some(outcome.clone()),
            Some(_) | None => return Err(format!("tells the outcome of {act}, which nobody meant to do")),
        }
        if let Some(kept) = sequence.outputs.last_mut() {
            output.clone_into(&mut kept.text);
        }
        if !sequence.is_going_back() {
            sequence.phase = Phase::Started;
        }
        Ok(())
    }

    pub(super) fn settling(&mut self, id: &SequenceId, until: At) -> Result<(), Misplaced> {
        let sequence = self.begun_sequence(id)?;
        if !sequence.is_going_back() {
            sequence.phase = Phase::Settling { until };
        }
        Ok(())
    }

    pub(super) fn verifying(&mut self, id: &SequenceId, judged: &[Judged], deadline: At) -> Result<(), Misplaced> {
        let sequence = self.begun_sequence(id)?;
        sequence.judged = judged.to_vec();
        if !sequence.is_going_back() {
            sequence.phase = Phase::Verifying { deadline };
        }
        Ok(())
    }

    pub(super) fn going_back(&mut self, id: &SequenceId) -> Result<(), Misplaced> {
        let sequence = self.begun_sequence(id)?;
        if sequence.sealed.way_back.is_empty() {
            return Err(format!("goes back from {id}, which has no way back"));
        }
        if sequence.is_going_back() {
            return Err(format!("goes back from {id} a second time"));
        }
        sequence.phase = Phase::GoingBack;
        Ok(())
    }

    pub(super) fn sequence_ended(
        &mut self,
        step: &StepId,
        id: &SequenceId,
        end: &SequenceEnd,
        judged: &[Judged],
    ) -> Result<(), Misplaced> {
        self.current_of(step, Kind::Commit)?;
        let sequence = self.open_sequence(id)?;
        sequence.may_end(end, judged)?;
        sequence.phase = Phase::Ended;
        sequence.end = Some(end.clone());
        if !judged.is_empty() {
            sequence.judged = judged.to_vec();
        }
        self.step_mut(step)?.state = match end {
            SequenceEnd::Verified => StepState::Done,
            SequenceEnd::RolledBack { .. } | SequenceEnd::NotCured { .. } => StepState::Failed,
            SequenceEnd::OutcomeUnknown { .. } => StepState::Unknown,
            // Nothing ran: it may be confirmed again.
            SequenceEnd::Refused { .. } | SequenceEnd::NeverStarted { .. } => StepState::NotStarted,
        };
        Ok(())
    }

    /// `cured` is what was measured, and not what somebody says.
    pub(super) fn settled(&mut self, step: &StepId, id: &SequenceId, cured: bool) -> Result<(), Misplaced> {
        let run = self.at_step(step, Kind::Commit)?;
        if run.state != StepState::Unknown {
            return Err(format!("settles {step}, whose outcome is not unknown"));
        }
        if run.sequence.as_ref().is_none_or(|sequence| sequence.sealed.id != *id) {
            return Err(format!("settles {id}, which is not the sequence of {step}"));
        }
        run.state = if cured { StepState::Done } else { StepState::Failed };
        Ok(())
    }

    /// The sequence, if it was confirmed and has not ended.
    fn open_sequence(&mut self, id: &SequenceId) -> Result<&mut SequenceRun, Misplaced> {
        self.steps
            .values_mut()
            .filter_map(|run: &mut StepRun| run.sequence.as_mut())
            .find(|sequence| sequence.end.is_none() && sequence.sealed.id == *id)
            .ok_or_else(|| format!("is about the sequence {id}, which is not open"))
    }

    /// The sequence, if a runner has begun it and no act is waiting for its outcome.
    fn begun_sequence(&mut self, id: &SequenceId) -> Result<&mut SequenceRun, Misplaced> {
        let sequence = self.open_sequence(id)?;
        match &sequence.phase {
            Phase::Confirmed => return Err(format!("is about {id}, which no runner has started")),
            Phase::Started
            | Phase::Acting(_)
            | Phase::Settling { .. }
            | Phase::Verifying { .. }
            | Phase::GoingBack
            | Phase::Ended => {}
        }
        match sequence.waiting_act() {
            Some(act) => Err(format!("comes before the outcome of {act}")),
            None => Ok(sequence),
        }
    }
}

impl SequenceRun {
    /// The act that was meant to be done and has no outcome yet.
    #[must_use]
    pub fn waiting_act(&self) -> Option<&ActId> {
        self.acts.iter().find(|(_, outcome)| outcome.is_none()).map(|(act, _)| act)
    }

    fn is_going_back(&self) -> bool {
        self.phase == Phase::GoingBack
    }

    /// How many acts of the way back have an intent.
    fn way_back_acts(&self) -> usize {
        self.acts.iter().filter(|(act, _)| self.sealed.way_back.iter().any(|planned| planned.id == *act)).count()
    }

    fn holds(&self, hash: &Digest) -> Result<(), Misplaced> {
        if self.hash == *hash {
            return Ok(());
        }
        Err(format!("is about a sequence {}, but {} was confirmed", hash.short(), self.hash.short()))
    }

    fn may_end(&self, end: &SequenceEnd, judged: &[Judged]) -> Result<(), Misplaced> {
        let id = &self.sealed.id;
        match end {
            SequenceEnd::Verified => {
                let done = self.sealed.acts.iter().all(|planned| {
                    let outcome = self.acts.iter().find(|(act, _)| *act == planned.id).map(|(_, outcome)| outcome);
                    outcome.is_some_and(|outcome| outcome.as_ref().is_some_and(Outcome::is_known))
                });
                if !done || self.is_going_back() {
                    return Err(format!("calls {id} verified, though not all of its acts were done"));
                }
                if judged.len() != self.sealed.verify.len() || !all_true(judged) {
                    return Err(format!("calls {id} verified, though not all of its verification is true"));
                }
            }
            SequenceEnd::RolledBack { .. } => {
                if !self.is_going_back() || self.waiting_act().is_some() {
                    return Err(format!("calls {id} rolled back, though its way back was not gone"));
                }
            }
            SequenceEnd::NotCured { .. } => {
                if self.phase == Phase::Confirmed || self.waiting_act().is_some() {
                    return Err(format!("calls {id} not cured, though it was not done"));
                }
            }
            // Always possible: it is what is said when nothing better is known.
            SequenceEnd::OutcomeUnknown { .. } => {}
            SequenceEnd::Refused { .. } => {
                if !self.acts.is_empty() {
                    return Err(format!("calls {id} refused, though it began to act"));
                }
            }
            SequenceEnd::NeverStarted { .. } => {
                if self.phase != Phase::Confirmed {
                    return Err(format!("calls {id} never started, though a runner did start it"));
                }
            }
        }
        Ok(())
    }
}
