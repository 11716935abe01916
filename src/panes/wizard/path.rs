//! The path: every step with its state, and below it the series that this runbook is about.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::progress::end_words;
use crate::panes::model::Model;
use crate::panes::{mark, words};
use crate::promql::Verdict;
use crate::runbook::machine::{Look, StepState};
use crate::runbook::record::Evidence;
use crate::runbook::tree::{Step, Task};
use crate::runbook::{Present, Run};
use crate::ui::widget::{Mark, Rows, Viewport, frame};
use crate::ui::{Glyph, Role};

/// `with_facts` where there is room for more than the path.
pub(super) fn draw(buf: &mut Buffer, model: &Model, run: &Run, area: Rect, with_facts: bool) {
    let since = words::ago(model.now, run.opened);
    let inside = frame::frame(buf, &model.theme, area, &run.runbook.title, (Role::Dim, &since));
    let (mut rows, here) = steps(run, inside.width);
    if with_facts {
        facts(rows.space(), model, run);
    }
    // The step at which the run stands is always on the screen.
    let offset = here.saturating_sub(usize::from(inside.height));
    rows.draw(buf, &model.theme, inside, &Viewport { offset, cursor: offset });
}

/// The path in lines of this width, and how many of them reach to the end of the step at which the run stands.
pub(super) fn steps(run: &Run, columns: u16) -> (Rows, usize) {
    let mut rows = Rows::new(columns);
    let current = run.current().map(|step| &step.id);
    let mut here = 0;
    for (depth, step) in run.path() {
        let state = run.steps.get(&step.id);
        let standing = state.map_or(StepState::NotStarted, |state| state.state);
        let (mark, note) = looks(step, standing, state.map_or(&[], |state| state.evidence.as_slice()));
        let mut prose = vec![(Role::Text, step.title.clone())];
        let sequence = state.and_then(|state| state.sequence.as_ref());
        match sequence.map(|sequence| (sequence, sequence.end.as_ref())) {
            Some((_, Some(end))) => {
                let (role, word, _) = end_words(end);
                prose.push((role, format!(" · {word}")));
            }
            Some((sequence, None)) => prose.push((mark.role, format!(" · {}", sequence.phase.word()))),
            None => {}
        }
        if let Some((branch, reason)) = state.and_then(|state| state.taken.as_ref()) {
            let how = if reason.is_some() { "taken with a reason" } else { "taken as suggested" };
            prose.push((Role::Dim, format!(" · {branch}, {how}")));
        }
        match state.and_then(|state| state.by_hand.as_ref()) {
            Some(by_hand) if by_hand.done => prose.push((Role::Dim, " · by hand".to_owned())),
            Some(_) => prose.push((Role::Warning, " · not done".to_owned())),
            None => {}
        }
        if sequence.is_none() {
            prose.push((mark.role, format!(" · {}{note}", mark.word)));
        }
        let before = rows.len();
        rows.marked(depth * 2, mark, &prose);
        if current == Some(&step.id) {
            rows.select_from(before);
            here = rows.len();
        }
    }
    if let Some(why) = &run.closed {
        rows.space().prose(0, Role::Dim, &format!("closed: {why}"));
        here = rows.len();
    }
    (rows, here)
}

/// How a step looks, with what its state alone does not say: reading that read nothing is no more done than a decision
/// that waits for somebody is running.
fn looks(step: &Step, state: StepState, evidence: &[Evidence]) -> (Mark, String) {
    let mark = mark::step(state);
    let read = evidence.iter().filter(|evidence| evidence.reading.truth.is_fresh()).count();
    match (state, &step.task) {
        (StepState::Done, _) if !evidence.is_empty() && read == 0 => (NOTHING_READ, String::new()),
        (StepState::Done, _) if read < evidence.len() => (mark, format!(", {read} of {} read", evidence.len())),
        (StepState::Running, Task::Choose(_) | Task::Commit(_) | Task::Escalate(_) | Task::Tick(_)) => {
            (WAITS, String::new())
        }
        _as_it_stands => (mark, String::new()),
    }
}

const NOTHING_READ: Mark = Mark::new(Glyph::Unknown, Role::Unknown, "nothing could be read");
const WAITS: Mark = Mark::new(Glyph::Running, Role::Accent, "waits for you");

/// What the run is about, and how that is now.
pub(super) fn facts(rows: &mut Rows, model: &Model, run: &Run) {
    rows.pair(0, "alert", Role::Text, run.alert.as_deref().unwrap_or("opened by hand"));
    rows.pair(0, "target", Role::Text, &format!("{}/{}", run.environment.word(), run.target));
    symptoms(rows, model, run);
    live(rows, model, run);
}

/// What shows that the runbook applies, and whether it shows now.
fn symptoms(rows: &mut Rows, model: &Model, run: &Run) {
    if run.runbook.symptoms.is_empty() {
        return;
    }
    rows.heading("symptoms");
    let present = Present::new(&model.store, &run.target, model.now);
    for symptom in &run.runbook.symptoms {
        let (mark, said) = match symptom.condition().map(|condition| present.judge(&condition)) {
            None => (SEEN, SEEN.word.to_owned()),
            Some(Verdict::True) => (SHOWS, SHOWS.word.to_owned()),
            Some(Verdict::False) => (GONE, GONE.word.to_owned()),
            Some(Verdict::Unknown(why)) => (mark::verdict(&Verdict::Unknown(String::new())), format!("unknown: {why}")),
        };
        rows.marked(0, mark, &[(Role::Text, symptom.means.clone()), (mark.role, format!(" · {said}"))]);
    }
}

const SHOWS: Mark = Mark::new(Glyph::Warning, Role::Warning, "shows");
const GONE: Mark = Mark::new(Glyph::Ok, Role::Ok, "does not show");
const SEEN: Mark = Mark::new(Glyph::Gap, Role::Dim, "seen by people alone");

fn live(rows: &mut Rows, model: &Model, run: &Run) {
    if run.runbook.panels.is_empty() {
        return;
    }
    rows.heading("now");
    let present = Present::new(&model.store, &run.target, model.now);
    for plan in &run.runbook.panels {
        let reading = present.read(plan);
        let value = reading.told().map_or_else(|| "—".to_owned(), |value| plan.unit.write(value));
        let truth = reading.truth.words(model.now.boot);
        let role = if reading.truth.is_fresh() { Role::Text } else { Role::Unknown };
        rows.parts(0, vec![(Role::Dim, format!("{:<26} ", plan.label)), (role, format!("{value} {truth}"))]);
    }
}
