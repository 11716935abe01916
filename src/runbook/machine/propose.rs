//! What the run does by itself: it reads, judges and watches. It never decides and never acts.

use std::mem::discriminant;
use std::time::Duration;

use super::{Look, Moment, Run, StepRun, StepState};
use crate::base::{At, Boot, BranchId};
use crate::model::{Reading, Truth};
use crate::promql::Verdict;
use crate::runbook::record::{Evidence, Judged, Record};
use crate::runbook::tree::{Branch, ConditionPlan, ReadingPlan, Step, Task, WatchPlan};

/// Changed judgements of the branches are recorded at most this often, so that flapping values can not fill the disk.
pub const SUGGEST_EVERY: Duration = Duration::from_secs(5);

/// How long a step that reads waits for sources that were not asked once since the console was started.
const FIRST_POLL: Duration = Duration::from_secs(30);

impl Run {
    /// The record that should be written next without a person, if there is one now.
    #[must_use]
    pub fn propose(&self, look: &dyn Look, at: At) -> Option<Record> {
        let step = self.current()?;
        let run = self.steps.get(&step.id)?;
        match &step.task {
            Task::Observe(plans) => observed(step, run, plans, look, at),
            Task::Choose(branches) => suggestion(step, run, branches, look, at),
            Task::Watch(plan) => watching(step, run, plan, look, at),
            Task::Commit(_) => measuring(step, run, look, at),
            // These wait for a person: acknowledged, read, done, ticked or answered. An archive is made beside the
            // loop, by whoever carries the run.
            Task::Escalate(_)
            | Task::Conclude(_)
            | Task::ByHand(_)
            | Task::Tick(_)
            | Task::Ask(_)
            | Task::Collect(_) => None,
        }
    }

    /// When [`Run::propose`] may have something new to say by the passing of time alone; never in the past.
    #[must_use]
    pub fn wake(&self, look: &dyn Look, at: At) -> Option<Boot> {
        let step = self.current()?;
        let run = self.steps.get(&step.id)?;
        let (since, due) = match step.task {
            Task::Observe(_) => (run.reached.as_ref()?, run.reached.as_ref()?.at.plus(FIRST_POLL)),
            Task::Choose(_) => (run.suggested_at.as_ref()?, run.suggested_at.as_ref()?.at.plus(SUGGEST_EVERY)),
            Task::Watch(_) => (run.watch_started.as_ref()?, run.watch_until?),
            Task::Commit(_) => {
                let by_hand = run.by_hand.as_ref().filter(|_| run.state == StepState::Running)?;
                let measured = by_hand.measured.as_ref()?;
                let begun = if same_boot(&by_hand.at, look, at) {
                    at.boot >= measured.from.boot
                } else {
                    at.wall >= measured.from.wall
                };
                (&by_hand.at, if begun { measured.until } else { measured.from })
            }
            Task::Escalate(_)
            | Task::Conclude(_)
            | Task::ByHand(_)
            | Task::Tick(_)
            | Task::Ask(_)
            | Task::Collect(_) => return None,
        };
        let due = if same_boot(since, look, at) { due.boot } else { at.boot.plus(due.wall.since(at.wall)) };
        (due > at.boot).then_some(due)
    }
}

/// What is read at once, unless a console that was just started has yet to ask for some of it: that nobody asked is no
/// evidence.
fn observed(step: &Step, run: &StepRun, plans: &[ReadingPlan], look: &dyn Look, at: At) -> Option<Record> {
    let evidence = evidence(plans, look);
    let unasked = evidence.iter().any(|one| one.reading.truth == Truth::NeverPolled);
    let waits = run.reached.as_ref().is_some_and(|reached| {
        let same_boot = same_boot(reached, look, at);
        let since = if same_boot { at.boot.since(reached.at.boot) } else { at.wall.since(reached.at.wall) };
        since < FIRST_POLL
    });
    (!unasked || !waits).then(|| Record::Observed { step: step.id.clone(), evidence })
}

/// The values, as the present has them. JSON has no NaN and no infinities: such a value is recorded as none, so that
/// the run that lives and the run that is read back from disk are the same.
#[must_use]
pub fn evidence(plans: &[ReadingPlan], look: &dyn Look) -> Vec<Evidence> {
    plans
        .iter()
        .map(|plan| {
            let reading = look.read(plan);
            let reading = Reading { value: reading.value.filter(|value| value.is_finite()), ..reading };
            Evidence { label: plan.label.clone(), expr: plan.expr.clone(), unit: plan.unit, reading }
        })
        .collect()
}

/// The conditions, as the present judges them.
#[must_use]
pub fn judged(plans: &[ConditionPlan], look: &dyn Look) -> Vec<Judged> {
    plans
        .iter()
        .map(|plan| Judged { means: plan.means.clone(), expr: plan.expr.clone(), verdict: look.judge(plan) })
        .collect()
}

/// Whether these hold: there are some, and every one of them is true. Unknown is not true.
#[must_use]
pub fn all_true(judged: &[Judged]) -> bool {
    !judged.is_empty() && judged.iter().all(|one| one.verdict == Verdict::True)
}

fn suggestion(step: &Step, run: &StepRun, branches: &[Branch], look: &dyn Look, at: At) -> Option<Record> {
    if let Some(last) = &run.suggested_at {
        let same_boot = same_boot(last, look, at);
        let since = if same_boot { at.boot.since(last.at.boot) } else { at.wall.since(last.at.wall) };
        if since < SUGGEST_EVERY && (same_boot || at.wall >= last.at.wall) {
            return None;
        }
    }
    let judged: Vec<(BranchId, Vec<Judged>)> =
        branches.iter().map(|branch| (branch.id.clone(), judged(&branch.when, look))).collect();
    let branch = judged.iter().find(|(_, conditions)| all_true(conditions)).map(|(id, _)| id.clone());
    let news = run.suggested_at.is_none() || branch != run.suggested || !alike(&judged, &run.judged);
    news.then(|| Record::Suggested { step: step.id.clone(), branch, judged })
}

/// Whether two judgements come to the same. The reason of an unknown may name an age that grows by itself, which is
/// no news.
fn alike(now: &[(BranchId, Vec<Judged>)], before: &[(BranchId, Vec<Judged>)]) -> bool {
    let verdicts = |judged: &[(BranchId, Vec<Judged>)]| -> Vec<_> {
        judged.iter().flat_map(|(_, conditions)| conditions).map(|one| discriminant(&one.verdict)).collect()
    };
    verdicts(now) == verdicts(before)
}

fn watching(step: &Step, run: &StepRun, plan: &WatchPlan, look: &dyn Look, at: At) -> Option<Record> {
    let (Some(until), Some(started)) = (run.watch_until, &run.watch_started) else {
        return (run.state == StepState::NotStarted)
            .then(|| Record::WatchStarted { step: step.id.clone(), until: at.plus(plan.deadline) });
    };
    let judged = judged(&plan.until, look);
    let in_time = all_true(&judged);
    let passed = if same_boot(started, look, at) { at.boot >= until.boot } else { at.wall >= until.wall };
    (in_time || passed).then(|| Record::WatchEnded { step: step.id.clone(), judged, in_time })
}

/// What verifies a sequence that was done by hand: true in time, or not. Unknown is not true.
fn measuring(step: &Step, run: &StepRun, look: &dyn Look, at: At) -> Option<Record> {
    let by_hand = run.by_hand.as_ref().filter(|_| run.state == StepState::Running)?;
    let measured = by_hand.measured.as_ref()?;
    let same_boot = same_boot(&by_hand.at, look, at);
    let past = |moment: At| if same_boot { at.boot >= moment.boot } else { at.wall >= moment.wall };
    if !past(measured.from) {
        return None;
    }
    let judged = judged(&measured.verify, look);
    let cured = all_true(&judged);
    (cured || past(measured.until)).then(|| Record::ByHandMeasured { step: step.id.clone(), judged, cured })
}

/// Whether boot times of then and now can be compared.
fn same_boot(then: &Moment, look: &dyn Look, now: At) -> bool {
    look.boot_id().is_none_or(|boot_id| boot_id == then.boot_id) && now.boot >= then.at.boot
}
