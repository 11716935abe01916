//! The menu of a demo: every fault of what is simulated, what is on, and a key that switches it.
//!
//! ```text
//! mod   what was told, what was typed, where the cursor is     list  the lines     draw  how they look
//! ```
//!
//! It says only what the demo told and when; what a key asks for stands in [`FaultMenu::take_order`] until the app has
//! passed it on, and what follows is what the demo tells next.
//!
//! Must never: be mistaken for a way to act on a node, or show a fault as switched before the demo says so.

mod draw;
mod list;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::list::{Line, Spot};
use super::{Answer, Field};
use crate::base::{At, Key, KeyCode};
use crate::model::{DemoOrder, FaultState};
use crate::ui::widget::Viewport;
use crate::ui::{Action, Theme};

/// The list, what was typed, and what was asked for.
#[derive(Clone, Debug)]
pub struct FaultMenu {
    /// Where the demo has its files; nothing where that is not known.
    folder: Option<String>,
    /// What was told last, and when.
    told: Option<(At, Vec<FaultState>)>,
    /// Why the last order was not carried out.
    trouble: Option<String>,
    /// The order that is under way.
    under_way: Option<DemoOrder>,
    /// What the last key asks for.
    order: Option<DemoOrder>,
    search: Field,
    view: Viewport,
}

impl FaultMenu {
    /// The menu of the demo in this folder, before it has told anything.
    #[must_use]
    pub fn new(folder: Option<String>) -> FaultMenu {
        FaultMenu {
            folder,
            told: None,
            trouble: None,
            under_way: None,
            order: None,
            search: Field::new("find", ""),
            view: Viewport::default(),
        }
    }

    /// Where the demo is that is asked.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        self.folder.as_deref()
    }

    /// An order is on its way: until it is answered there is no other.
    pub fn begin(&mut self, order: DemoOrder) {
        self.trouble = None;
        self.under_way = Some(order);
    }

    /// What the last key asked for; once.
    pub fn take_order(&mut self) -> Option<DemoOrder> {
        self.order.take()
    }

    /// The demo told every fault, or why it did not; then the list is that of before.
    pub fn told(&mut self, at: At, answer: Result<Vec<FaultState>, String>) {
        self.under_way = None;
        match answer {
            Ok(faults) => {
                let kept = self.selected().map(|(spot, fault)| (spot, fault.whole_name()));
                self.trouble = None;
                self.told = Some((at, faults));
                self.view.cursor = self.place_of(kept);
            }
            Err(why) => self.trouble = Some(why),
        }
    }

    /// The demo told which faults are on now; of an order that is under way the answer says it better.
    pub fn told_on(&mut self, at: At, on: &[FaultState]) {
        let kept = self.selected().map(|(spot, fault)| (spot, fault.whole_name()));
        let Some((when, faults)) = self.told.as_mut().filter(|_| self.under_way.is_none()) else { return };
        *when = at;
        for fault in faults {
            match on.iter().find(|one| one.system == fault.system && one.name == fault.name) {
                Some(told) => *fault = told.clone(),
                None => (fault.on, fault.since) = (false, None),
            }
        }
        self.view.cursor = self.place_of(kept);
    }

    /// Whether an order is on its way.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.under_way.is_some()
    }

    /// Every fault, as it was told last.
    fn faults(&self) -> &[FaultState] {
        self.told.as_ref().map_or(&[], |(_, faults)| faults)
    }

    fn lines(&self) -> Vec<Line> {
        list::lines(self.faults(), self.search.text())
    }

    /// The fault under the cursor, and where it stands.
    fn selected(&self) -> Option<(Spot, &FaultState)> {
        let lines = self.lines();
        let Some(Line::Fault(spot, place)) = lines.get(self.view.cursor) else { return None };
        Some((*spot, self.faults().get(*place)?))
    }

    /// The line of the fault of this name, where it stood or else where it stands now; the first one otherwise.
    fn place_of(&self, kept: Option<(Spot, String)>) -> usize {
        let lines = self.lines();
        let line_of = |at: Option<Spot>, name: &str| {
            lines.iter().position(|line| match line {
                Line::Fault(spot, place) => {
                    at.is_none_or(|at| at == *spot)
                        && self.faults().get(*place).is_some_and(|fault| fault.whole_name() == name)
                }
                Line::Nothing(_) | Line::On(_) | Line::System { .. } => false,
            })
        };
        let found = kept.and_then(|(spot, name)| line_of(Some(spot), &name).or_else(|| line_of(None, &name)));
        found.or_else(|| list::nearest(&lines, 0, true)).unwrap_or(0)
    }

    /// Takes a key. Yes means that there is an order; the menu stays open.
    pub(super) fn key(&mut self, key: Key, area: Rect) -> Answer {
        let (moves, down) = match key.code {
            KeyCode::Esc => return Answer::No,
            KeyCode::Enter => return self.ask(self.switched()),
            KeyCode::Char('t') if key.ctrl => return self.ask(self.cure_of_system()),
            KeyCode::Char('x') if key.ctrl => return self.ask(Some(DemoOrder::Cure { system: None })),
            KeyCode::Char('r') if key.ctrl => return self.ask(Some(DemoOrder::Tell)),
            KeyCode::Up => (Action::Up, false),
            KeyCode::Down => (Action::Down, true),
            KeyCode::PageUp => (Action::PageUp, false),
            KeyCode::PageDown => (Action::PageDown, true),
            KeyCode::Char('p') if key.ctrl => (Action::Up, false),
            KeyCode::Char('n') if key.ctrl => (Action::Down, true),
            _ => {
                self.search.key(key);
                self.search_changed();
                return Answer::Open;
            }
        };
        let lines = self.lines();
        self.view.on(moves, lines.len(), draw::list_rows(self, area));
        self.view.cursor = list::nearest(&lines, self.view.cursor, down).unwrap_or(0);
        Answer::Open
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.search.insert(pasted);
        self.search_changed();
    }

    fn search_changed(&mut self) {
        self.view = Viewport::default();
        self.view.cursor = self.place_of(None);
    }

    /// Nothing is ordered while an order is under way, or where nobody is there to take it.
    fn ask(&mut self, order: Option<DemoOrder>) -> Answer {
        if self.under_way.is_some() || self.folder.is_none() || order.is_none() {
            return Answer::Open;
        }
        self.order = order;
        Answer::Yes
    }

    /// The selected fault the other way.
    fn switched(&self) -> Option<DemoOrder> {
        let (_, fault) = self.selected()?;
        Some(DemoOrder::Switch { system: fault.system.clone(), name: fault.name.clone(), on: !fault.on })
    }

    fn cure_of_system(&self) -> Option<DemoOrder> {
        let (_, fault) = self.selected()?;
        Some(DemoOrder::Cure { system: Some(fault.system.clone()) })
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        draw::draw(self, theme, area, buffer);
    }
}

#[cfg(test)]
mod tests;
