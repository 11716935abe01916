//! What people do and say at the steps of a run: manual steps, checklists, answers, whom they told, and sequences that
//! they did by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{App, Effect, JournalId};
use crate::base::{ActId, At, RunId, StepId};
use crate::model::{Reading, Truth};
use crate::runbook::machine::StepState;
use crate::runbook::tree::{ConditionPlan, SequencePlan, Task};
use crate::runbook::{Present, Record, Run, seal};
use crate::ui::overlay::{Overlay, Said, SaidForm};

/// What was done by hand is not measured before this long after it was said, so that no older reading vouches for it.
const LEAST_SETTLE: Duration = Duration::from_secs(5);

impl App {
    /// What an operator does at a step that waits for a person: notes the finding, or opens the form for what is said.
    pub(super) fn acknowledge(&mut self, at: At, run_id: &RunId, step: &StepId, effects: &mut Vec<Effect>) {
        let Some((run, current)) = self.stands_at(run_id, step) else { return };
        let said = match &current.task {
            Task::Conclude(finding) => {
                let record = Record::Concluded { step: step.clone(), finding: finding.clone() };
                return self.write_run(run_id, record, effects);
            }
            Task::Escalate(plan) => Said::Told { contacts: plan.contacts.clone() },
            Task::ByHand(_) => Said::Done,
            Task::Ask(plan) => {
                let there = match Present::new(&self.model.store, &run.target, at).choices(&plan.accepts) {
                    Ok(there) => there,
                    Err(why) => return self.say(at, format!("what can be given is not known now: {why}")),
                };
                Said::Value { plan: plan.clone(), there }
            }
            Task::Observe(_)
            | Task::Choose(_)
            | Task::Watch(_)
            | Task::Commit(_)
            | Task::Tick(_)
            | Task::Collect(_) => {
                return self.say(at, "there is nothing to acknowledge at this step");
            }
        };
        let form = SaidForm::new(run_id.clone(), step.clone(), said, &current.title);
        self.overlay = Some(Overlay::Said(Box::new(form)));
    }

    /// Asks why a manual step is not done, or an item does not apply.
    pub(super) fn open_decline_form(&mut self, at: At, run_id: &RunId, step: &StepId, item: Option<ActId>) {
        let Some((_, current)) = self.stands_at(run_id, step) else { return };
        let form = match (&current.task, item) {
            (Task::ByHand(_), _) => SaidForm::new(run_id.clone(), step.clone(), Said::NotDone, &current.title),
            (Task::Tick(items), Some(item)) => {
                let title = items.iter().find(|known| known.id == item).map_or(item.as_str(), |known| &known.text);
                let title = title.to_owned();
                SaidForm::new(run_id.clone(), step.clone(), Said::NotApplicable(item), &title)
            }
            (
                Task::Observe(_)
                | Task::Choose(_)
                | Task::Watch(_)
                | Task::Commit(_)
                | Task::Escalate(_)
                | Task::Conclude(_)
                | Task::Tick(_)
                | Task::Ask(_)
                | Task::Collect(_),
                _,
            ) => return self.say(at, "only a manual step, or an item of a checklist, can be declined"),
        };
        self.overlay = Some(Overlay::Said(Box::new(form)));
    }

    /// Asks what was done by hand instead of the acts of a sequence.
    pub(super) fn open_by_hand_form(&mut self, at: At, run_id: &RunId, step: &StepId) {
        let Some((run, current)) = self.stands_at(run_id, step) else { return };
        match (&current.task, run.state(step)) {
            (Task::Commit(_), StepState::NotStarted) => {
                let form = SaidForm::new(run_id.clone(), step.clone(), Said::ByHand, &current.title);
                self.overlay = Some(Overlay::Said(Box::new(form)));
            }
            (Task::Commit(_), _) => self.say(at, "its sequence is under way, or its outcome has to be settled first"),
            (
                Task::Observe(_)
                | Task::Choose(_)
                | Task::Watch(_)
                | Task::Escalate(_)
                | Task::Conclude(_)
                | Task::ByHand(_)
                | Task::Tick(_)
                | Task::Ask(_)
                | Task::Collect(_),
                _,
            ) => {
                self.say(at, "only the acts of a sequence can be done by hand instead; a manual step is done with open")
            }
        }
    }

    pub(super) fn tick(&mut self, run: &RunId, step: &StepId, item: ActId, effects: &mut Vec<Effect>) {
        let Some((open, _)) = self.stands_at(run, step) else { return };
        if open.steps.get(step).is_some_and(|state| state.ticked.contains_key(&item)) {
            return;
        }
        self.write_run(run, Record::Ticked { step: step.clone(), item, not_applicable: None }, effects);
    }

    /// The form was answered.
    pub(super) fn said(&mut self, at: At, form: SaidForm, effects: &mut Vec<Effect>) {
        let text = form.text().to_owned();
        let SaidForm { run: run_id, step, said, .. } = form;
        let Some((run, current)) = self.stands_at(&run_id, &step) else {
            return self.say(at, "not done: the run has gone on meanwhile; look at it and decide again");
        };
        let record = match said {
            Said::Done => Record::DidByHand { step, done: true, note: text },
            Said::NotDone => Record::DidByHand { step, done: false, note: text },
            Said::NotApplicable(item) => Record::Ticked { step, item, not_applicable: Some(text) },
            Said::Told { .. } => Record::Escalated { step, contacts: vec![text] },
            Said::Value { plan, .. } => Record::Answered { step, name: plan.name, value: text },
            Said::ByHand => {
                let Task::Commit(plan) = &current.task else { return };
                let from = at.plus(plan.settle.max(LEAST_SETTLE));
                let verify = compared_with_before(run, plan);
                Record::SequenceByHand { step, note: text, verify, from, until: from.plus(plan.verify_within) }
            }
        };
        if let Some(fault) = &self.model.journal_fault {
            let (what, why) = ("what was said".to_owned(), fault.clone());
            return self.refuse(at, &what, &why, JournalId::Run(run_id), effects);
        }
        self.write_run(&run_id, record, effects);
    }

    /// The run and the step, if the run stands there.
    fn stands_at(&self, run: &RunId, step: &StepId) -> Option<(&Run, &crate::runbook::Step)> {
        let run = self.model.runs.get(run)?;
        run.current().filter(|current| current.id == *step).map(|current| (run, current))
    }
}

/// The verification, compared with what this run read before, where it did. A value that it did not read leaves its
/// name in the condition, which is then unknown, and cures nothing.
fn compared_with_before(run: &Run, plan: &SequencePlan) -> Vec<ConditionPlan> {
    let read = |expr: &str| {
        let evidence = run.steps.values().rev().flat_map(|step| &step.evidence);
        evidence.filter(|evidence| evidence.expr == expr).find_map(|evidence| match &evidence.reading {
            Reading { value: Some(value), truth: Truth::Fresh } => Some(*value),
            Reading { .. } => None,
        })
    };
    let before: BTreeMap<String, f64> =
        plan.capture.iter().filter_map(|(name, expr)| read(expr).map(|value| (name.clone(), value))).collect();
    let compared = |condition: &ConditionPlan| seal::filled(condition, &before).unwrap_or_else(|_| condition.clone());
    plan.verify.iter().map(compared).collect()
}
