//! A turn of groups that are too heavy for the time between two key presses: taken on a snapshot of the store, by
//! whoever has a thread to spare, and brought back to the book whole.

use super::Transition;
use super::group::{LiveGroup, Turn};
use super::live::Respond;
use crate::base::At;
use crate::model::{Batch, Scope, Store};

/// Groups as they were, with all that their turn needs.
#[derive(Clone, Debug)]
pub struct Round {
    serial: u64,
    at: At,
    store: Store,
    groups: Vec<Away>,
}

#[derive(Clone, Debug)]
pub(super) struct Away {
    pub(super) place: usize,
    pub(super) group: LiveGroup,
    pub(super) scope: Scope,
    pub(super) settling: bool,
    pub(super) respond: Respond,
}

/// What a round found: [`AlertBook::take_in`](super::AlertBook::take_in) wants it.
#[derive(Clone, Debug)]
pub struct Evaluated {
    pub(super) serial: u64,
    /// By their places in the book.
    pub(super) groups: Vec<(usize, LiveGroup)>,
    /// What recording rules made.
    pub(super) recorded: Vec<Batch>,
    pub(super) transitions: Vec<Transition>,
}

impl Round {
    pub(super) fn new(serial: u64, at: At, store: Store, groups: Vec<Away>) -> Round {
        Round { serial, at, store, groups }
    }

    /// Evaluates its groups: as long as it takes, and the same however often.
    #[must_use]
    pub fn run(&self) -> Evaluated {
        let mut store = self.store.clone();
        let (mut groups, mut recorded, mut transitions) = (Vec::new(), Vec::new(), Vec::new());
        for away in &self.groups {
            let Away { place, group, scope, settling, respond } = away;
            let mut group = group.clone();
            let turn = Turn { scope, at: self.at, settling: *settling, respond };
            recorded.extend(group.step(&turn, &mut store, &mut transitions));
            group.evaluated(self.at.boot);
            groups.push((*place, group));
        }
        Evaluated { serial: self.serial, groups, recorded, transitions }
    }
}
