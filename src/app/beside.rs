//! What is evaluated beside the loop, because it may take longer than a person notices: on a snapshot of the store, one
//! of each kind at a time.
//!
//! Its result is not written into recordings: a replay works it out again from the same snapshot.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{App, Effect};
use crate::alert::{AlertBook, Evaluated, Round};
use crate::base::At;
use crate::panes::alerts::{Why, WhyAsked};
use crate::panes::metrics::Chart;
use crate::panes::series::Picture;

/// What may be looked at within one update, by its weight: a few milliseconds.
pub(super) const BUDGET: usize = 250_000;

/// Something to be evaluated.
#[derive(Clone, Debug)]
pub enum Task {
    Rules(Box<Round>),
    Chart(Box<Chart>),
    Why(Box<WhyAsked>),
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Found {
    Rules(Evaluated),
    Chart(Box<Picture>),
    Why(Box<Why>),
}

impl Task {
    /// Evaluates, as long as it takes.
    #[must_use]
    pub fn run(&self) -> Found {
        match self {
            Task::Rules(round) => Found::Rules(round.run()),
            Task::Chart(chart) => Found::Chart(Box::new(chart.run())),
            Task::Why(asked) => Found::Why(Box::new(asked.run())),
        }
    }
}

/// Something that goes through the program and into no recording. It makes no difference to what is equal.
#[derive(Clone)]
pub struct Unwritten<T>(pub Option<T>);

impl<T> Default for Unwritten<T> {
    fn default() -> Unwritten<T> {
        Unwritten(None)
    }
}

impl<T> PartialEq for Unwritten<T> {
    fn eq(&self, _other: &Unwritten<T>) -> bool {
        true
    }
}

impl<T> fmt::Debug for Unwritten<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "(there)" } else { "(not there)" })
    }
}

/// What is out.
#[derive(Debug, Default)]
pub struct Beside {
    last: u64,
    out: BTreeMap<u64, Arc<Task>>,
}

impl Beside {
    /// Whether something of this kind is out.
    pub(super) fn has(&self, of_kind: fn(&Task) -> bool) -> bool {
        self.out.values().any(|task| of_kind(task))
    }

    pub(super) fn send(&mut self, task: Task, effects: &mut Vec<Effect>) {
        self.last += 1;
        let task = Arc::new(task);
        self.out.insert(self.last, Arc::clone(&task));
        effects.push(Effect::Evaluate { number: self.last, task: Unwritten(Some(task)) });
    }
}

impl App {
    /// Takes in what was evaluated beside the loop; what is not there is worked out here.
    pub(super) fn evaluated(&mut self, at: At, number: u64, found: Unwritten<Box<Found>>, effects: &mut Vec<Effect>) {
        let Some(task) = self.beside.out.remove(&number) else { return };
        let found = found.0.map_or_else(|| task.run(), |found| *found);
        match (found, &*task) {
            (Found::Rules(found), _) => {
                let transitions = AlertBook::take_in(&mut self.model.alerts, found, &mut self.model.store);
                self.moved(at, &transitions, effects);
            }
            (Found::Chart(picture), Task::Chart(chart)) => {
                let shown = self.model.freeze.as_mut().map(|freeze| &mut freeze.shown.explorer);
                for explorer in shown.into_iter().chain([&mut self.model.explorer]) {
                    explorer.answered(chart.question(), &picture);
                }
                self.newer = true;
            }
            (Found::Why(why), _) => {
                match &mut self.model.freeze {
                    Some(freeze) => freeze.shown.why = Some(*why),
                    None => self.model.why = Some(*why),
                }
                self.newer = true;
            }
            (Found::Chart(_), Task::Rules(_) | Task::Why(_)) => {}
        }
    }
}
