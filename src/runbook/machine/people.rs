//! What the records of people mean: manual steps, checklists, answers, archives, and sequences that were done by hand.

use std::sync::Arc;

use super::fold::{Kind, Misplaced};
use super::propose::all_true;
use super::{ByHand, Collected, Moment, Run, StepState, TickRun};
use crate::base::{ActId, At, StepId};
use crate::runbook::input;
use crate::runbook::record::{Actor, Archive, Judged};
use crate::runbook::tree::{ConditionPlan, Task};

impl Run {
    pub(super) fn did_by_hand(
        &mut self,
        step: &StepId,
        done: bool,
        note: &str,
        actor: &Actor,
        at: Moment,
    ) -> Result<(), Misplaced> {
        self.current_of(step, Kind::ByHand)?;
        said(note, "says nothing of what was done by hand")?;
        let run = self.step_mut(step)?;
        run.state = if done { StepState::Done } else { StepState::Failed };
        run.by_hand = Some(ByHand { who: name(actor), at, done, note: note.to_owned(), measured: None });
        Ok(())
    }

    pub(super) fn ticked(
        &mut self,
        step: &StepId,
        item: &ActId,
        not_applicable: Option<&str>,
        actor: &Actor,
        at: At,
    ) -> Result<(), Misplaced> {
        let Task::Tick(items) = &self.current_of(step, Kind::Tick)?.task else {
            return Err(format!("ticks off {item}, and {step} is no checklist"));
        };
        if items.iter().all(|known| known.id != *item) {
            return Err(format!("ticks off {item}, which is no item of {step}"));
        }
        let items = items.len();
        if let Some(why) = not_applicable {
            said(why, "calls an item not applicable without a reason")?;
        }
        let run = self.step_mut(step)?;
        if run.ticked.contains_key(item) {
            return Err(format!("ticks off {item} a second time"));
        }
        let tick = TickRun { who: name(actor), at, not_applicable: not_applicable.map(str::to_owned) };
        run.ticked.insert(item.clone(), tick);
        run.state = if run.ticked.len() == items { StepState::Done } else { StepState::Running };
        Ok(())
    }

    /// The answer is written into the steps at once, so that what is shown, judged and sealed from here on has it.
    pub(super) fn answered(&mut self, step: &StepId, given: &str, value: &str) -> Result<(), Misplaced> {
        let Task::Ask(plan) = &self.current_of(step, Kind::Ask)?.task else {
            return Err(format!("answers {step}, which asks nothing"));
        };
        if plan.name != given {
            return Err(format!("answers {given}, and {step} asks for {}", plan.name));
        }
        input::objection(&plan.accepts, value, None).map_err(|why| format!("answers {given}, but {why}"))?;
        let run = self.step_mut(step)?;
        run.answer = Some(value.to_owned());
        run.state = StepState::Done;
        input::fill(Arc::make_mut(&mut self.runbook), given, value);
        Ok(())
    }

    pub(super) fn collected(&mut self, step: &StepId, archive: &Archive) -> Result<(), Misplaced> {
        let run = self.at_step(step, Kind::Collect)?;
        run.collected = Some(Collected::Archive(archive.clone()));
        run.state = StepState::Done;
        Ok(())
    }

    pub(super) fn not_collected(&mut self, step: &StepId, why: &str) -> Result<(), Misplaced> {
        let run = self.at_step(step, Kind::Collect)?;
        run.collected = Some(Collected::Failed(why.to_owned()));
        // Evidence that can not be kept does not hold up a cure.
        run.state = StepState::Failed;
        Ok(())
    }

    pub(super) fn sequence_by_hand(
        &mut self,
        step: &StepId,
        note: &str,
        verify: &[ConditionPlan],
        (from, until): (At, At),
        actor: &Actor,
        at: Moment,
    ) -> Result<(), Misplaced> {
        let Task::Commit(plan) = &self.current_of(step, Kind::Commit)?.task else {
            return Err(format!("calls {step} done by hand, which is no sequence"));
        };
        if verify.is_empty() || verify.len() != plan.verify.len() {
            return Err(format!("calls {step} done by hand without each of its verifications"));
        }
        said(note, "says nothing of what was done by hand")?;
        let state = self.state(step);
        if state != StepState::NotStarted {
            return Err(format!("calls {step} done by hand, which is {}", state.word()));
        }
        let run = self.step_mut(step)?;
        run.state = StepState::Running;
        let measured = Some(super::Measuring { verify: verify.to_vec(), from, until, judged: Vec::new() });
        run.by_hand = Some(ByHand { who: name(actor), at, done: true, note: note.to_owned(), measured });
        Ok(())
    }

    pub(super) fn by_hand_measured(&mut self, step: &StepId, judged: &[Judged], cured: bool) -> Result<(), Misplaced> {
        let run = self.at_step(step, Kind::Commit)?;
        if run.state != StepState::Running {
            return Err(format!("measures {step}, which is {}", run.state.word()));
        }
        let Some(measured) = run.by_hand.as_mut().and_then(|by_hand| by_hand.measured.as_mut()) else {
            return Err(format!("measures {step}, which nobody did by hand"));
        };
        if judged.len() != measured.verify.len() {
            return Err(format!("measures {step} without each of its verifications"));
        }
        if cured && !all_true(judged) {
            return Err(format!("calls {step} cured, though not all of its verification is true"));
        }
        measured.judged = judged.to_vec();
        run.state = if cured { StepState::Done } else { StepState::Failed };
        Ok(())
    }
}

/// Who, as they call themselves, else as the machine knows them.
fn name(actor: &Actor) -> String {
    actor.declared.clone().unwrap_or_else(|| actor.user.clone())
}

fn said(text: &str, otherwise: &str) -> Result<(), Misplaced> {
    if text.trim().is_empty() { Err(otherwise.to_owned()) } else { Ok(()) }
}
