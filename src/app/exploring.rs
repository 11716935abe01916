//! Answers what the page of metrics asks, while it is shown.

use super::{App, setup};
use crate::base::At;
use crate::model::Retention;
use crate::panes::Page;

/// The longest range that exploring alone makes the store keep raw samples for; beyond it there are roll-ups.
const LONGEST_EXPLORED: std::time::Duration = std::time::Duration::from_secs(3_600);

impl App {
    /// Asks again what the page needs, and evaluates what has closed. Costs nothing on other pages.
    pub(super) fn explore(&mut self, at: At) {
        if self.page != Page::Metrics {
            return;
        }
        let target = self.model.targets.get(self.model.selected);
        self.model.explorer.list(&self.model.store, target);
        self.panes.resized(self.area, &self.model);
        let asked = self.panes.asked(&self.model);
        let target = self.model.targets.get(self.model.selected);
        if self.model.explorer.ask(asked.question, target) {
            self.keep_explored();
        }
        self.model.explorer.evaluate(&self.model.store, &asked.visible, at);
    }

    /// What is explored is named while it is: the store keeps it like what an alert or a panel names.
    fn keep_explored(&mut self) {
        let (mut named, mut longest) = self.named.clone();
        if let Some(expr) = self.model.explorer.expr() {
            named.extend(expr.names().iter().cloned());
            longest = longest.max(expr.longest_range().min(LONGEST_EXPLORED));
        }
        self.model.store.keep(named, Retention::covering(longest));
    }

    /// What every loaded expression names, before anything is explored.
    pub(super) fn keep_loaded(&mut self) {
        self.named = setup::expressions(&self.model.targets, &self.model.alerts);
        self.keep_explored();
    }
}
