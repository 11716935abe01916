//! Answers what the page of metrics asks, while it is shown.

use super::beside::{BUDGET, Task};
use super::{App, Effect, setup};
use crate::base::At;
use crate::model::Retention;
use crate::panes::metrics::Chart;
use crate::panes::{Model, Page, Panes};

/// The longest range that exploring alone makes the store keep raw samples for; beyond it there are roll-ups.
const LONGEST_EXPLORED: std::time::Duration = std::time::Duration::from_secs(3_600);

impl App {
    /// Asks again what the page needs, and evaluates what has closed. Costs nothing on other pages.
    pub(super) fn explore(&mut self, at: At, effects: &mut Vec<Effect>) {
        if self.page != Page::Metrics {
            return;
        }
        self.panes.resized(self.area, &self.model);
        let heavy = match self.model.freeze.take() {
            // A held screen is explored as it was held.
            Some(mut freeze) => {
                let (_, heavy) = answer(&self.panes, &mut freeze.shown, freeze.since);
                self.model.freeze = Some(freeze);
                heavy
            }
            None => {
                let (other, heavy) = answer(&self.panes, &mut self.model, at);
                if other {
                    self.keep_explored();
                }
                // A screen that is held is not brought up to date, so that nobody needs to be asked for it.
                if let Some((number, inquiry)) = self.model.explorer.inquire(at) {
                    effects.push(Effect::Inquire { number, inquiry: Box::new(inquiry) });
                }
                heavy
            }
        };
        if let Some(chart) = heavy
            && !self.beside.has(|task| matches!(task, Task::Chart(_)))
        {
            self.beside.send(Task::Chart(Box::new(chart)), effects);
        }
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
        let (mut named, longest) = setup::expressions(&self.model.targets, &self.model.alerts);
        let (objectives, range) = self.slos.needs();
        named.extend(objectives);
        self.named = (named, longest.max(range));
        self.keep_explored();
    }
}

/// Returns whether another expression is explored than before, and the chart that is too heavy to be evaluated here.
fn answer(panes: &Panes, model: &mut Model, at: At) -> (bool, Option<Chart>) {
    model.explorer.list(&model.store, model.targets.get(model.selected));
    let asked = panes.asked(model);
    model.explorer.turn_to(asked.elsewhere, asked.question.as_ref(), model.targets.get(model.selected));
    let other = model.explorer.ask(asked.question, model.targets.get(model.selected));
    (other, model.explorer.evaluate(&model.store, &asked.visible, at, BUDGET))
}
