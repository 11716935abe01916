//! The run that is open: the path taken, the step it stands at, the evidence, and what can be done next.
//!
//! ```text
//! ┌ path: each step with its state ┐┌ the step: documented, done, why it differs ┐
//! │ live: what this runbook watches││ evidence, branches, the sequence's progress │
//! └────────────────────────────────┘└─────────────────────────────────────────────┘
//! ```
//!
//! Must never: take a branch or commit by itself; hide that the console does something else than the document.

mod detail;
mod path;
mod progress;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Intent, Look, Model};
use crate::base::{RunId, StepId};
use crate::runbook::machine::StepRun;
use crate::runbook::seal::SealError;
use crate::runbook::tree::{Branch, SequencePlan, Task};
use crate::runbook::{Run, Step, seal};
use crate::ui::layout::above;
use crate::ui::widget::{Pen, Rows, Viewport, frame};
use crate::ui::{Action, Role};

/// From this width on the path stands beside the step rather than above it.
const BESIDE_COLUMNS: u16 = 100;

/// The path of the run, and the step at which it stands.
pub const PARTS: &[&str] = &["path", "step"];

/// Which branch is selected, and how far the step's text is scrolled: on one step, and forgotten at the next.
#[derive(Clone, Debug, Default)]
pub struct Wizard {
    pub look: Look,
    on: Option<(RunId, Option<StepId>)>,
    choice: Option<usize>,
    scrolled: Viewport,
}

impl Wizard {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let Some(run) = model.run() else {
            return Some(Intent::Say("no runbook is open; select an alert and open it".to_owned()));
        };
        let current = run.current();
        let branches = current.map_or(&[][..], |step| step.task.branches());
        if !self.is_on(run) {
            *self = Wizard { on: Some(place(run)), look: std::mem::take(&mut self.look), ..Wizard::default() };
        }
        match action {
            Action::Up | Action::Down if !branches.is_empty() => {
                let chosen = self.chosen(run, branches);
                let to = if action == Action::Up { chosen.saturating_sub(1) } else { chosen + 1 };
                self.choice = Some(to.min(branches.len() - 1));
                self.follow(model, run, body);
                None
            }
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom => {
                let inside = frame::inner(self.split(body, run).1);
                let lines = self.rows(model, run, body).len();
                self.scrolled.scroll(action, lines, usize::from(inside.height));
                None
            }
            Action::Open | Action::TakeOther => self.go_on(action, run, current, branches),
            Action::Commit => Some(match current {
                Some(step) if matches!(step.task, Task::Commit(_)) => {
                    Intent::Commit { run: run.id.clone(), step: step.id.clone() }
                }
                Some(_) | None => Intent::Say("the run does not stand at a step that acts".to_owned()),
            }),
            Action::SettleUnknown => Some(match run.unsettled() {
                Some(step) => Intent::SettleUnknown { run: run.id.clone(), step: step.clone() },
                None => Intent::Say("no outcome of this run is unknown".to_owned()),
            }),
            Action::CloseRun => Some(Intent::CloseRun(run.id.clone())),
            Action::Copy => Some(copy(model, run, current)),
            _ => None,
        }
    }

    fn is_on(&self, run: &Run) -> bool {
        self.on.as_ref().is_some_and(|on| *on == place(run))
    }

    /// Scrolls so that the selected branch can be seen with its conditions.
    fn follow(&mut self, model: &Model, run: &Run, body: Rect) {
        let inside = frame::inner(self.split(body, run).1);
        let rows = self.rows(model, run, body);
        let height = usize::from(inside.height);
        let selected = rows.selected();
        let shown = self.scrolled.scrolled(rows.len(), height);
        self.scrolled.offset = if selected.start < shown.start || selected.len() > height {
            selected.start
        } else if selected.end > shown.end {
            selected.end - height
        } else {
            shown.start
        };
    }

    fn go_on(&mut self, action: Action, run: &Run, current: Option<&Step>, branches: &[Branch]) -> Option<Intent> {
        let Some(step) = current else {
            return Some(Intent::Say("the run has come to its end; close run closes it".to_owned()));
        };
        let id = run.id.clone();
        Some(match &step.task {
            Task::Choose(_) => {
                let branch = branches.get(self.chosen(run, branches))?.id.clone();
                let suggested = run.steps.get(&step.id).and_then(|state| state.suggested.as_ref());
                if action == Action::TakeOther && suggested == Some(&branch) {
                    return Some(Intent::Say("this branch is the suggested one; open takes it".to_owned()));
                }
                self.choice = None;
                Intent::TakeBranch { run: id, step: step.id.clone(), branch }
            }
            Task::Conclude(_) | Task::Escalate(_) => Intent::Acknowledge { run: id, step: step.id.clone() },
            Task::Commit(_) => Intent::Say("this step acts: arm, then open its confirmation".to_owned()),
            Task::Observe(_) | Task::Watch(_) => Intent::Say("this step goes on by itself".to_owned()),
        })
    }

    /// The selected branch; the suggested one where nobody has moved.
    fn chosen(&self, run: &Run, branches: &[Branch]) -> usize {
        let suggested = || {
            let state = run.current().and_then(|step| run.steps.get(&step.id))?;
            branches.iter().position(|branch| Some(&branch.id) == state.suggested.as_ref())
        };
        self.choice.filter(|_| self.is_on(run)).or_else(suggested).unwrap_or(0).min(branches.len().saturating_sub(1))
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let Some(run) = model.run() else {
            let inside = frame::frame(buf, &model.theme, area, "wizard", (Role::Dim, "no run"));
            Pen::new(buf, &model.theme, inside, 0)
                .put(Role::Dim, "no runbook is open: go to the alerts, select one and open it");
            return;
        };
        let (upper, lower) = self.split(area, run);
        path::draw(buf, model, run, upper, facts_beside(area) || lower.height == 0);
        let step = run.current().map_or("the end of the path", |step| step.title.as_str());
        let inside = frame::frame(buf, &model.theme, lower, step, detail::note(model, run));
        let scrolled = if self.is_on(run) { self.scrolled } else { Viewport::default() };
        self.rows(model, run, area).draw(buf, &model.theme, inside, &scrolled);
    }

    /// The text of the step, for a page of this area.
    fn rows(&self, model: &Model, run: &Run, area: Rect) -> Rows {
        let branches = run.current().map_or(&[][..], |step| step.task.branches());
        let (_, lower) = self.split(area, run);
        let mut rows = Rows::new(frame::inner(lower).width);
        detail::describe(&mut rows, model, run, self.chosen(run, branches));
        if !facts_beside(area) {
            path::facts(rows.space(), model, run);
        }
        rows
    }

    fn split(&self, area: Rect, run: &Run) -> (Rect, Rect) {
        let (path, step) = split(area, run);
        let [path, step] = self.look.arranged(area, [path, step]);
        (path, step)
    }
}

/// Whether what the runbook watches stands below the path, rather than below the step.
fn facts_beside(area: Rect) -> bool {
    area.width >= BESIDE_COLUMNS
}

/// Which step of which run is shown.
fn place(run: &Run) -> (RunId, Option<StepId>) {
    (run.id.clone(), run.current().map(|step| step.id.clone()))
}

fn split(area: Rect, run: &Run) -> (Rect, Rect) {
    if facts_beside(area) {
        let left = Rect { width: area.width * 2 / 5, ..area };
        return (left, Rect { x: area.x + left.width, width: area.width - left.width, ..area });
    }
    let (steps, _) = path::steps(run, frame::inner(area).width);
    let steps = u16::try_from(steps.len()).unwrap_or(u16::MAX);
    above(area, steps.saturating_add(frame::BOX_ROWS).min(area.height * 2 / 5))
}

/// What a step would do on this run's target: the settings are written in by what writes them in before it is sealed.
fn filled(model: &Model, run: &Run, plan: &SequencePlan) -> Result<SequencePlan, SealError> {
    let target = model.target_by_id(&run.target);
    let settings = target.map(|target| target.system.spec.settings_text(&target.spec.settings)).unwrap_or_default();
    seal::previewed(plan, &settings, Some(run.opened.wall))
}

/// The command that the console itself would run, as a shell would have to be given it; never a documented one that
/// the console has a reason to do otherwise.
fn copy(model: &Model, run: &Run, current: Option<&Step>) -> Intent {
    let Some(step) = current else { return Intent::Say("the path is at its end; there is nothing to copy".to_owned()) };
    let state: Option<&StepRun> = run.steps.get(&step.id);
    if let Some(sequence) = state.and_then(|state| state.sequence.as_ref()) {
        return Intent::Copy(
            sequence.sealed.acts.iter().map(|act| act.exec.to_string()).collect::<Vec<_>>().join(" && "),
        );
    }
    if let Task::Commit(plan) = &step.task {
        return match filled(model, run, plan) {
            Ok(plan) => Intent::Copy(plan.acts.iter().map(|act| act.act.shown()).collect::<Vec<_>>().join(" && ")),
            Err(error) => Intent::Say(error.to_string()),
        };
    }
    match (&step.provenance.deviates, step.provenance.documented.as_slice()) {
        (_, []) => Intent::Say("this step has no command".to_owned()),
        (None, documented) => Intent::Copy(documented.join(" && ")),
        (Some(_), _) => {
            Intent::Say("the documented command is not copied: the step says why it is not what to run".to_owned())
        }
    }
}
