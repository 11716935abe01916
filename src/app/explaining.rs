//! Explains the selected alert, while the page of alerts is shown.

use super::App;
use crate::base::At;
use crate::panes::{Model, Page, Panes};

impl App {
    /// Evaluates every part of the selected alert's expression. Costs nothing on other pages.
    pub(super) fn explain(&mut self, at: At) {
        if self.page != Page::Alerts {
            return;
        }
        match &mut self.model.freeze {
            // A held screen is explained as it was held.
            Some(freeze) => answer(&self.panes, &mut freeze.shown, freeze.since),
            None => answer(&self.panes, &mut self.model, at),
        }
    }
}

fn answer(panes: &Panes, model: &mut Model, at: At) {
    model.why = panes.alerts.asked(model, at);
}
