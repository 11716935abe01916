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
mod people;
mod progress;
pub mod rules;

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Intent, Look, Model};
use crate::base::{ActId, RunId, StepId, text};
use crate::model::FileOrder;
use crate::model::file_act::PROGRAM_NAME;
use crate::runbook::machine::StepRun;
use crate::runbook::seal::{Privilege, SealError};
use crate::runbook::tree::{Act, ActPlan, Branch, SequencePlan, Task};
use crate::runbook::{Present, Run, Step, seal};
use crate::ui::layout::above;
use crate::ui::widget::{Pen, Rows, Viewport, frame};
use crate::ui::{Action, Role};

/// From this width on the path stands beside the step rather than above it.
const BESIDE_COLUMNS: u16 = 100;

/// The path of the run, the step at which it stands, and what holds in every runbook of the system: that part is seen
/// when it is asked for.
pub const PARTS: &[&str] = &["path", "step", "rules of the system"];

/// The part that is seen when it is asked for.
const RULES: usize = 2;

/// Which branch or item is selected, and how far the step's text is scrolled: on one step, and forgotten at the next.
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
            Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::Top | Action::Bottom
                if self.look.is_alone(RULES) =>
            {
                let inside = frame::inner(body);
                let lines = self.rules(model, run, inside.width).len();
                self.look.scrolls(RULES, action, lines, usize::from(inside.height));
                None
            }
            Action::Up | Action::Down if choices(current) > 0 => {
                let chosen = self.chosen(run, current);
                let to = if action == Action::Up { chosen.saturating_sub(1) } else { chosen + 1 };
                self.choice = Some(to.min(choices(current) - 1));
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
            Action::Tick => Some(match self.item(run, current) {
                Some((step, item)) => Intent::Tick { run: run.id.clone(), step, item },
                None => Intent::Say("the run does not stand at a checklist".to_owned()),
            }),
            Action::Decline => Some(match (self.item(run, current), current) {
                (Some((step, item)), _) => Intent::Decline { run: run.id.clone(), step, item: Some(item) },
                (None, Some(step)) => Intent::Decline { run: run.id.clone(), step: step.id.clone(), item: None },
                (None, None) => Intent::Say("the path is at its end; there is nothing to decline".to_owned()),
            }),
            Action::ByHand => Some(match current {
                Some(step) => Intent::ByHand { run: run.id.clone(), step: step.id.clone() },
                None => Intent::Say("the path is at its end; there is nothing to do by hand".to_owned()),
            }),
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
                let branch = branches.get(self.chosen(run, current))?.id.clone();
                let suggested = run.steps.get(&step.id).and_then(|state| state.suggested.as_ref());
                if action == Action::TakeOther && suggested == Some(&branch) {
                    return Some(Intent::Say("this branch is the suggested one; open takes it".to_owned()));
                }
                self.choice = None;
                Intent::TakeBranch { run: id, step: step.id.clone(), branch }
            }
            Task::Conclude(_) | Task::Escalate(_) | Task::ByHand(_) | Task::Ask(_) => {
                Intent::Acknowledge { run: id, step: step.id.clone() }
            }
            Task::Tick(_) => match self.item(run, current) {
                Some((step, item)) => Intent::Tick { run: id, step, item },
                None => return None,
            },
            Task::Collect(_) => Intent::Say("this step goes on by itself when the evidence is written".to_owned()),
            Task::Commit(_) if action == Action::TakeOther => Intent::Say(
                "the branch is taken; if it is not the right one any more, close the run and open the runbook again"
                    .to_owned(),
            ),
            Task::Commit(_) => Intent::Say("this step acts: arm, then open its confirmation".to_owned()),
            Task::Observe(_) | Task::Watch(_) => Intent::Say("this step goes on by itself".to_owned()),
        })
    }

    /// What is selected. Where nobody has moved: the suggested branch, or the first item that is open.
    fn chosen(&self, run: &Run, current: Option<&Step>) -> usize {
        let first = || {
            let step = current?;
            let state = run.steps.get(&step.id)?;
            match &step.task {
                Task::Tick(items) => items.iter().position(|item| !state.ticked.contains_key(&item.id)),
                Task::Choose(branches) => {
                    branches.iter().position(|branch| Some(&branch.id) == state.suggested.as_ref())
                }
                Task::Observe(_)
                | Task::Watch(_)
                | Task::Commit(_)
                | Task::Escalate(_)
                | Task::Conclude(_)
                | Task::ByHand(_)
                | Task::Ask(_)
                | Task::Collect(_) => None,
            }
        };
        let last = choices(current).saturating_sub(1);
        self.choice.filter(|_| self.is_on(run)).or_else(first).unwrap_or(0).min(last)
    }

    /// The selected item of the checklist at which the run stands.
    fn item(&self, run: &Run, current: Option<&Step>) -> Option<(StepId, ActId)> {
        let step = current?;
        let items = step.task.items();
        items.get(self.chosen(run, current)).map(|item| (step.id.clone(), item.id.clone()))
    }

    fn rules(&self, model: &Model, run: &Run, columns: u16) -> Rows {
        let mut rows = Rows::new(columns);
        if let Some(target) = model.target_by_id(&run.target) {
            rules::describe(&mut rows, target);
        }
        rows
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let Some(run) = model.run() else {
            let inside = frame::frame(buf, &model.theme, area, "wizard", (Role::Dim, "no run"));
            Pen::new(buf, &model.theme, inside, 0)
                .put(Role::Dim, "no runbook is open: go to the alerts, select one and open it");
            return;
        };
        if self.look.is_alone(RULES) {
            let inside = frame::frame(buf, &model.theme, area, PARTS[RULES], (Role::Dim, run.target.as_str()));
            return self.rules(model, run, inside.width).draw(buf, &model.theme, inside, &self.look.text(RULES));
        }
        let (upper, lower) = self.split(area, run);
        path::draw(buf, model, run, upper, facts_beside(area) || lower.height == 0);
        let step = run.current().map_or("the end of the path", |step| step.title.as_str());
        let inside = frame::frame(buf, &model.theme, lower, step, detail::note(model, run));
        let scrolled = if self.is_on(run) { self.scrolled } else { Viewport::default() };
        self.rows(model, run, area).draw(buf, &model.theme, inside, &scrolled);
    }

    /// The text of the step, for a page of this area.
    fn rows(&self, model: &Model, run: &Run, area: Rect) -> Rows {
        let (_, lower) = self.split(area, run);
        let mut rows = Rows::new(frame::inner(lower).width);
        detail::describe(&mut rows, model, run, self.chosen(run, run.current()));
        if !facts_beside(area) {
            path::facts(rows.space(), model, run);
        }
        rows
    }

    fn split(&self, area: Rect, run: &Run) -> (Rect, Rect) {
        let (path, step) = split(area, run);
        let [path, step, _rules] = self.look.arranged(area, [path, step, Rect { height: 0, ..area }]);
        (path, step)
    }
}

/// How many things of a step can be selected.
fn choices(current: Option<&Step>) -> usize {
    current.map_or(0, |step| step.task.branches().len().max(step.task.items().len()))
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
    let opened = Some(run.opened.wall);
    let Some(list) = &plan.for_each else { return seal::previewed(plan, &settings, opened, &BTreeSet::new()) };
    let present = Present::new(&model.store, &run.target, model.now);
    match present.label_values(&list.expr, &list.label) {
        Ok(values) => seal::previewed(&seal::expand(plan, &values)?, &settings, opened, &BTreeSet::new()),
        // Shown as it stands; it can not be confirmed before the list is measured.
        Err(_) => seal::previewed(plan, &settings, opened, &BTreeSet::from([list.name.clone()])),
    }
}

/// An act as it would be done on this run's target, or why it would be refused.
fn shown(model: &Model, run: &Run, act: &ActPlan) -> String {
    let target = model.target_by_id(&run.target).map(|target| (target.spec.acting_url(), &target.spec.secrets));
    act.on(target).unwrap_or_else(|error| format!("{}; refused: {error}", act.act.shown()))
}

/// An act as a person would do it by hand on this target: with its privilege, in a demo with the demo's own programs,
/// and a request with the variable or the file of its secret. Or why that can not be said yet.
fn copied(model: &Model, run: &Run, act: &ActPlan) -> Result<String, String> {
    let Some(target) = model.target_by_id(&run.target) else {
        return Err("the run's target is not configured here".to_owned());
    };
    let folder = target.spec.demo.as_ref().map(|demo| demo.folder.as_str());
    let program = |name: &str| folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/bin/{name}"));
    let argv = match &act.act {
        Act::Request(request) => {
            let exec = request.at(target.spec.acting_url(), &target.spec.secrets, act.timeout);
            return exec.map(|exec| exec.by_hand()).map_err(|error| error.to_string());
        }
        Act::Wait(_) => return Ok(act.act.shown()),
        Act::File(file) if !file.is_exact() => {
            return Err(format!(
                "which files that are is looked up when the confirmation is prepared: {} shows the exact commands",
                model.keymap.press(Action::Commit)
            ));
        }
        Act::File(file) => {
            let order = FileOrder { within: folder.map(str::to_owned), act: file.clone() };
            let arguments = order.arguments().map_err(|error| error.to_string())?;
            std::iter::once(program(PROGRAM_NAME)).chain(arguments).collect()
        }
        Act::Command(argv) => {
            let mut argv = argv.clone();
            argv.iter_mut().take(1).for_each(|name| *name = program(name));
            argv
        }
    };
    let sudo: Vec<String> = match &target.spec.privilege {
        Privilege::None | Privilege::Polkit => Vec::new(),
        Privilege::SudoNonInteractive(user) => ["sudo", "-n", "-u", user.as_str(), "--"].map(str::to_owned).to_vec(),
    };
    Ok(text::shell_line(&[sudo, argv].concat()))
}

/// Lines that a shell runs one after the other, as long as each succeeds.
fn by_hand(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join(" && ")
}

/// The command that the console itself would run, as a shell would have to be given it; never a documented one that
/// the console has a reason to do otherwise.
fn copy(model: &Model, run: &Run, current: Option<&Step>) -> Intent {
    let Some(step) = current else { return Intent::Say("the path is at its end; there is nothing to copy".to_owned()) };
    let state: Option<&StepRun> = run.steps.get(&step.id);
    if let Some(sequence) = state.and_then(|state| state.sequence.as_ref()) {
        return Intent::Copy(by_hand(sequence.sealed.acts.iter().map(|act| act.exec.by_hand())));
    }
    if let Task::Commit(plan) = &step.task {
        return match filled(model, run, plan) {
            Ok(plan) => match plan.acts.iter().map(|act| copied(model, run, act)).collect::<Result<Vec<_>, _>>() {
                Ok(lines) => Intent::Copy(by_hand(lines.into_iter())),
                Err(why) => Intent::Say(why),
            },
            Err(error) => Intent::Say(error.to_string()),
        };
    }
    if let Task::ByHand(plan) = &step.task
        && !plan.command.is_empty()
    {
        let settings = model.target_by_id(&run.target);
        let settings = settings.map(|target| target.system.spec.settings_text(&target.spec.settings));
        return match seal::resolve_argv(&plan.command, &settings.unwrap_or_default()) {
            Ok(argv) => Intent::Copy(text::shell_line(&argv)),
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
