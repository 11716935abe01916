//! The step at which the run stands: what the document says, what the console does, and why it differs.

use super::{people, progress};
use crate::base::time::spoken;
use crate::base::{Provenance, Severity};
use crate::panes::model::Model;
use crate::panes::{mark, words};
use crate::promql::Verdict;
use crate::runbook::machine::{Look, StepRun, StepState};
use crate::runbook::record::Evidence;
use crate::runbook::tree::{ActPlan, Branch, Class, ConditionPlan, SequencePlan, Task, WayBack};
use crate::runbook::{Present, Run, Step};
use crate::ui::widget::{Mark, Rows};
use crate::ui::{Action, Glyph, Role};

/// What to press, at the frame's right.
pub(super) fn note<'a>(_model: &Model, run: &Run) -> (Role, &'a str) {
    match run.current().map(|step| &step.task) {
        None => (Role::Dim, "at its end"),
        Some(Task::Observe(_) | Task::Watch(_)) => (Role::Dim, "goes on by itself"),
        Some(Task::Choose(_)) => (Role::Accent, "choose"),
        Some(Task::Commit(_)) => (Role::Warning, "acts"),
        Some(Task::Escalate(_)) => (Role::Accent, "escalate"),
        Some(Task::Conclude(_)) => (Role::Accent, "conclude"),
        Some(Task::ByHand(_)) => (Role::Accent, "by hand"),
        Some(Task::Tick(_)) => (Role::Accent, "tick off"),
        Some(Task::Ask(_)) => (Role::Accent, "asks"),
        Some(Task::Collect(_)) => (Role::Dim, "goes on by itself"),
    }
}

pub(super) fn describe(rows: &mut Rows, model: &Model, run: &Run, chosen: usize) {
    let Some(step) = run.current() else {
        end(rows, model, run);
        return;
    };
    let nothing = StepRun::default();
    let state = run.steps.get(&step.id).unwrap_or(&nothing);
    next(rows, model, run, step, state);
    match &step.task {
        Task::Observe(_) | Task::Conclude(_) => {}
        Task::Choose(branches) => choose(rows, branches, state, chosen),
        Task::Watch(plan) => {
            if let Some(until) = state.watch_until {
                rows.prose(0, Role::Text, &format!("watches for {} more", words::countdown(model.now, until)));
            }
            conditions(rows, "until", &plan.until);
        }
        Task::Commit(plan) if state.by_hand.is_some() => {
            conditions(rows, "verifies", &plan.verify);
            state.by_hand.iter().for_each(|by_hand| people::by_hand(rows, model, run, by_hand));
        }
        Task::Commit(plan) => match &state.sequence {
            Some(sequence) => progress::describe(rows, model, &run.id, sequence),
            None => match super::filled(model, run, plan) {
                Ok(plan) => sequence(rows, model, run, &plan),
                Err(why) => {
                    rows.marked(0, mark::severity(Severity::Warning), &[(Role::Warning, format!(": {why}"))]);
                    sequence(rows, model, run, plan);
                }
            },
        },
        Task::Escalate(plan) => people::escalation(rows, model, run, plan, state),
        Task::ByHand(plan) => people::manual(rows, plan, state),
        Task::Tick(items) => people::checklist(rows, items, state, chosen),
        Task::Ask(plan) => people::input(rows, plan, state),
        Task::Collect(plan) => people::collect(rows, plan, state),
    }
    document(rows, &step.provenance);
    evidence(rows, run);
}

/// What this step waits for, and the key for it.
fn next(rows: &mut Rows, model: &Model, run: &Run, step: &Step, state: &StepRun) {
    let press = |action: Action| model.keymap.press(action);
    let text = match (&step.task, state.state) {
        (Task::Commit(_), StepState::Unknown) => {
            format!(
                "the outcome is unknown: look at the node, then {} says what became of it",
                press(Action::SettleUnknown)
            )
        }
        (Task::Commit(_), StepState::Running) if state.by_hand.is_some() => {
            "it was done by hand; whether it helped is measured".to_owned()
        }
        (Task::Commit(_), StepState::Running) => "the runner works on it; this console may be closed".to_owned(),
        (Task::Commit(_), _) if model.arming.as_ref().is_none_or(|arming| arming.target != run.target) => {
            format!("{} arms the console, then {} opens the confirmation", press(Action::Arm), press(Action::Commit))
        }
        (Task::Commit(_), _) => format!("{} opens the confirmation", press(Action::Commit)),
        (Task::Choose(_), _) => {
            format!(
                "{} takes the selected branch; another than the suggested one asks for a reason",
                press(Action::Open)
            )
        }
        (Task::Conclude(finding), _) => {
            rows.prose(0, Role::Title, finding);
            format!("{} notes this finding", press(Action::Open))
        }
        (Task::Escalate(_), _) => format!("tell them, then {} notes whom you told", press(Action::Open)),
        (Task::ByHand(_), _) => {
            let (done, not_done, copy) = (press(Action::Open), press(Action::Decline), press(Action::Copy));
            format!("do it, then {done} notes what you did; {not_done} notes why not; {copy} copies the command")
        }
        (Task::Tick(_), _) => {
            let (tick, decline) = (press(Action::Tick), press(Action::Decline));
            format!("{tick} ticks off the selected item; {decline} says why it does not apply")
        }
        (Task::Ask(_), _) => format!("{} opens the line for it", press(Action::Open)),
        (Task::Collect(_), _) => "the evidence is being written; it goes on by itself".to_owned(),
        (Task::Observe(_) | Task::Watch(_), _) => "it reads, and goes on by itself".to_owned(),
    };
    rows.prose(0, Role::Accent, &text).space();
}

fn choose(rows: &mut Rows, branches: &[Branch], state: &StepRun, chosen: usize) {
    for (index, branch) in branches.iter().enumerate() {
        let suggested = state.suggested.as_ref() == Some(&branch.id);
        let mark = if suggested { SUGGESTED } else { OTHER };
        let before = rows.len();
        let mut prose = vec![(Role::Title, branch.title.clone())];
        let said = match (suggested, index == chosen) {
            (true, true) => " · suggested, selected",
            (true, false) => " · suggested",
            (false, true) => " · selected",
            (false, false) => "",
        };
        prose.push((Role::Accent, said.to_owned()));
        rows.marked(0, mark, &prose);
        match state.judged.iter().find(|(id, _)| *id == branch.id) {
            Some((_, judged)) => progress::judged(rows, judged),
            None => branch.when.iter().for_each(|condition| {
                let not_yet = (Role::Dim, format!(" · {}", mark::NOT_JUDGED.word));
                rows.marked(2, mark::NOT_JUDGED, &[(Role::Text, condition.means.clone()), not_yet]);
            }),
        }
        if index == chosen
            && let Some(why) = &branch.provenance.deviates
        {
            rows.pair(4, "differs", Role::Dim, why);
        }
        if index == chosen {
            rows.select_from(before);
        }
    }
}

fn sequence(rows: &mut Rows, model: &Model, run: &Run, plan: &SequencePlan) {
    let class = match plan.class {
        Class::Routine => "routine: one key",
        Class::Serious => "serious: the target's name and a code, typed",
        Class::Destructive => "destructive: break-glass",
    };
    if let Some(list) = &plan.for_each {
        let what = format!("{} that {} has, at most {}; ends at a failure", list.label, list.expr, list.at_most);
        rows.pair(0, "for each", Role::Text, &what);
    }
    for act in &plan.acts {
        runs(rows, "runs", Role::Title, act, &super::shown(model, run, act));
    }
    rows.pair(0, "class", Role::Text, class);
    rows.pair(0, "expect", Role::Text, &plan.expect);
    rows.pair(0, "waits", Role::Text, &spoken(plan.settle));
    let present = Present::new(&model.store, &run.target, model.now);
    for (index, condition) in plan.only_if.iter().enumerate() {
        let verdict = present.judge(condition);
        let role = match verdict {
            Verdict::True => Role::Text,
            Verdict::False => Role::Warning,
            Verdict::Unknown(_) => Role::Unknown,
        };
        let said = format!("{} · {} now", condition.means, mark::verdict(&verdict).word);
        rows.pair(0, if index == 0 { "only if" } else { "" }, role, &said);
    }
    conditions(rows, "verifies", &plan.verify);
    rows.pair(0, "within", Role::Text, &spoken(plan.verify_within));
    match &plan.way_back {
        WayBack::None(why) => rows.pair(0, "way back", Role::Warning, &format!("none: {why}")),
        WayBack::Acts(acts) => {
            acts.iter().for_each(|act| runs(rows, "way back", Role::Text, act, &super::shown(model, run, act)));
            rows
        }
    };
}

/// What an act does in words where it has them, and the exact command.
fn runs(rows: &mut Rows, label: &str, role: Role, act: &ActPlan, shown: &str) {
    match act.act.sentence() {
        Some(sentence) => {
            // Its command line is for the confirmation, where every byte is reviewed.
            rows.pair(0, label, role, &sentence);
        }
        None => {
            rows.pair(0, label, role, shown);
        }
    }
}

fn conditions(rows: &mut Rows, label: &str, plans: &[ConditionPlan]) {
    for (index, plan) in plans.iter().enumerate() {
        rows.pair(0, if index == 0 { label } else { "" }, Role::Text, &plan.means);
    }
}

fn document(rows: &mut Rows, provenance: &Provenance) {
    if provenance.documented.is_empty() && provenance.deviates.is_none() {
        return;
    }
    rows.heading("the document");
    for command in &provenance.documented {
        rows.prose(0, Role::Dim, command);
    }
    if let Some(why) = &provenance.deviates {
        rows.pair(0, "differs", Role::Text, why);
    }
    rows.pair(0, "from", Role::Dim, &provenance.from.join(", "));
}

fn evidence(rows: &mut Rows, run: &Run) {
    // What a confirmation was given on repeats what was observed before it.
    let observed = run.steps.values().filter(|state| state.sequence.is_none());
    let found: Vec<&Evidence> = observed.flat_map(|state| &state.evidence).collect();
    if found.is_empty() {
        return;
    }
    rows.heading("evidence, as it was when it was read");
    for evidence in found {
        let value = evidence.reading.told().map_or_else(|| "—".to_owned(), |value| evidence.unit.write(value));
        let truth = evidence.reading.truth.words(run.opened.boot);
        rows.parts(0, vec![(Role::Dim, format!("{:<34} ", evidence.label)), (Role::Text, format!("{value} {truth}"))]);
    }
}

/// The end of the path: how every sequence ended, and what was found.
fn end(rows: &mut Rows, model: &Model, run: &Run) {
    for state in run.steps.values() {
        if let Some(sequence) = &state.sequence {
            progress::describe(rows, model, &run.id, sequence);
        }
        if let Some(by_hand) = &state.by_hand {
            people::said(rows, by_hand);
        }
        if let Some(collected) = &state.collected {
            people::collected(rows, collected);
        }
        if let Some(finding) = &state.finding {
            rows.space().pair(0, "found", Role::Title, finding);
        }
    }
    if run.closed.is_none() {
        rows.space().prose(0, Role::Accent, &format!("{} closes the run", model.keymap.press(Action::CloseRun)));
    }
    evidence(rows, run);
}

const SUGGESTED: Mark = Mark::new(Glyph::Suggested, Role::Accent, "suggested");
const OTHER: Mark = Mark::new(Glyph::NotStarted, Role::Dim, "other");
