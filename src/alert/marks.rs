//! What is remembered of one alert besides its state: who answers for it, how often it changed, where nobody looked.

use std::collections::VecDeque;
use std::time::Duration;

use super::AlertState;
use super::claim::{Claim, ClaimKind};
use crate::base::{At, Boot, Wall};

/// An alert flaps when it began or ceased to fire this often within [`FLAPPING_WINDOW`]: three times there and back.
pub const FLAPPING_CHANGES: usize = 6;
pub const FLAPPING_WINDOW: Duration = Duration::from_secs(30 * 60);

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Marks {
    pub(super) acknowledged: Option<Claim>,
    pub(super) snoozed: Option<Claim>,
    /// Whether the end of a claim was told.
    pub(super) told_over: Vec<ClaimKind>,
    /// When it began or ceased to fire, oldest first; at most [`FLAPPING_CHANGES`].
    pub(super) changes: VecDeque<Boot>,
    /// When somebody must have answered; set while it fires on a target whose escalation says so.
    pub(super) response_due: Option<At>,
    /// From when to when no console looked, before this one took over its clocks.
    pub(super) not_observed: Option<(Wall, Wall)>,
}

impl Marks {
    /// Follows a change of state. `respond` is how soon somebody must answer.
    pub(super) fn changed(&mut self, from: &AlertState, to: &AlertState, at: At, respond: Option<Duration>) {
        if from.is_firing() == to.is_firing() {
            return;
        }
        self.changes.push_back(at.boot);
        while self.changes.len() > FLAPPING_CHANGES {
            self.changes.pop_front();
        }
        // An acknowledgement is of one firing: the next one needs its own.
        self.acknowledged = None;
        self.told_over.retain(|kind| *kind == ClaimKind::Snooze);
        self.response_due = respond.filter(|_| to.is_firing()).map(|within| at.plus(within));
    }

    pub(super) fn is_flapping(&self, now: Boot) -> bool {
        let recent = self.changes.iter().filter(|at| now.since(**at) < FLAPPING_WINDOW).count();
        recent >= FLAPPING_CHANGES
    }

    pub(super) fn claim(&self, kind: ClaimKind) -> Option<&Claim> {
        match kind {
            ClaimKind::Acknowledgement => self.acknowledged.as_ref(),
            ClaimKind::Snooze => self.snoozed.as_ref(),
        }
    }

    pub(super) fn set(&mut self, kind: ClaimKind, claim: Option<Claim>) {
        self.told_over.retain(|told| *told != kind);
        match kind {
            ClaimKind::Acknowledgement => self.acknowledged = claim,
            ClaimKind::Snooze => self.snoozed = claim,
        }
    }

    /// Whether anything is left to remember when the alert itself is gone.
    pub(super) fn is_worth_keeping(&self, now: At) -> bool {
        self.snoozed.as_ref().is_some_and(|snooze| !snooze.is_over(now.wall))
            || self.changes.back().is_some_and(|last| now.boot.since(*last) < FLAPPING_WINDOW)
    }

    /// The next moment at which a claim is over and nobody was told.
    pub(super) fn ends(&self) -> impl Iterator<Item = (ClaimKind, &Claim)> {
        [ClaimKind::Acknowledgement, ClaimKind::Snooze]
            .into_iter()
            .filter(|kind| !self.told_over.contains(kind))
            .filter_map(|kind| Some((kind, self.claim(kind)?)))
    }
}
