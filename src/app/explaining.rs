//! Explains the selected alert, while the page of alerts is shown.

use super::beside::{BUDGET, Task};
use super::{App, Effect};
use crate::base::At;
use crate::panes::Page;

impl App {
    /// Evaluates every part of the selected alert's expression. Costs nothing on other pages.
    pub(super) fn explain(&mut self, at: At, effects: &mut Vec<Effect>) {
        if self.page != Page::Alerts {
            return;
        }
        let (model, at) = match &mut self.model.freeze {
            // A held screen is explained as it was held.
            Some(freeze) => (&mut *freeze.shown, freeze.since),
            None => (&mut self.model, at),
        };
        match self.panes.alerts.asked(model, at) {
            None => model.why = None,
            Some(asked) if asked.weight() <= BUDGET => model.why = Some(asked.run()),
            Some(asked) if !self.beside.has(|task| matches!(task, Task::Why(_))) => {
                self.beside.send(Task::Why(Box::new(asked)), effects);
            }
            Some(_waits) => {}
        }
    }
}
