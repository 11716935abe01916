//! What of the alerts outlives the console: clocks, claims and flapping, as data that the shell keeps in a file.
//!
//! Clocks follow Prometheus: what was pending goes on counting where it stood, the time in which nobody looked is not
//! counted, and after an outage longer than [`OUTAGE_TOLERANCE`] clocks begin anew. A rule whose `for` is at least
//! [`GRACE`] waits that long at the least, so that it does not fire over what happened while nobody looked. A shorter
//! `for` goes on as it stood, where Prometheus begins it anew: a restart of a console is far more frequent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::claim::{AlertKey, Claim};
use super::marks::{FLAPPING_CHANGES, Marks};
use super::{Alert, AlertState};
use crate::base::{At, Boot, Wall};
use crate::model::Labels;

/// After a longer outage clocks begin anew.
pub const OUTAGE_TOLERANCE: Duration = Duration::from_secs(3600);
/// How long a restored alert with a long `for` stays pending at the least.
pub const GRACE: Duration = Duration::from_secs(600);
/// Alerts that are remembered, worst first.
pub const MOST_REMEMBERED: usize = 2000;

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// When it was true.
    pub at: At,
    /// The kernel's name of that boot: boot times of another can not be compared.
    pub boot_id: String,
    pub alerts: Vec<RememberedAlert>,
    /// Those beyond [`MOST_REMEMBERED`].
    pub left_out: usize,
}

/// One alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RememberedAlert {
    pub key: AlertKey,
    /// The labels of its series.
    pub metric: Labels,
    pub clock: Option<Clock>,
    pub acknowledged: Option<Claim>,
    pub snoozed: Option<Claim>,
    pub response_due: Option<Wall>,
    /// When it began or ceased to fire.
    pub changes: Vec<Wall>,
}

/// Where its clocks stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Clock {
    Pending {
        since: Wall,
        left: Duration,
    },
    /// `keep_left` is what was left of `keep_firing_for`, where that was counting.
    Firing {
        since: Wall,
        /// Nothing where it is not finite, which JSON can not say.
        value: Option<f64>,
        keep_left: Option<Duration>,
    },
}

/// A remembered alert that comes back.
#[derive(Clone, Debug)]
pub(super) struct Returning {
    pub(super) metric: Labels,
    pub(super) marks: Marks,
    clock: Option<Clock>,
    /// When the console before this one last looked, on the clocks of now.
    seen: At,
}

impl Remembered {
    /// How long nobody looked. A wall clock that was set back says nothing, which is no time.
    fn outage(&self, at: At, boot_id: &str) -> Duration {
        let same_boot = !boot_id.is_empty() && self.boot_id == boot_id && at.boot >= self.at.boot;
        if same_boot { at.boot.since(self.at.boot) } else { at.wall.since(self.at.wall) }
    }

    /// What comes back at `at`.
    pub(super) fn returning(self, at: At, boot_id: &str) -> impl Iterator<Item = (AlertKey, Returning)> {
        let outage = self.outage(at, boot_id);
        let seen = At { boot: back(at.boot, outage), wall: self.at.wall };
        self.alerts.into_iter().map(move |alert| {
            let clock = alert.clock.filter(|_| outage <= OUTAGE_TOLERANCE);
            let firing = matches!(clock, Some(Clock::Firing { .. }));
            let then = |wall: Wall| moment(wall, at);
            let marks = Marks {
                // An acknowledgement is of one firing: without its clock nobody knows whether it is the same.
                acknowledged: alert.acknowledged.filter(|_| firing),
                snoozed: alert.snoozed,
                told_over: Vec::new(),
                changes: alert.changes.into_iter().take(FLAPPING_CHANGES).map(|wall| then(wall).boot).collect(),
                response_due: alert.response_due.filter(|_| firing).map(then),
                not_observed: clock.is_some().then_some((seen.wall, at.wall)),
            };
            (alert.key, Returning { metric: alert.metric, marks, clock, seen })
        })
    }
}

impl RememberedAlert {
    /// Nothing where there is nothing to remember of it.
    pub(super) fn of(alert: &Alert, now: At) -> Option<RememberedAlert> {
        let clock = match &alert.state {
            AlertState::Pending { since, fires, .. } => {
                Some(Clock::Pending { since: since.wall, left: fires.since(now.boot) })
            }
            AlertState::Firing { since, value, kept_until, .. } => Some(Clock::Firing {
                since: since.wall,
                value: Some(*value).filter(|value| value.is_finite()),
                keep_left: kept_until.map(|until| until.since(now.boot)),
            }),
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::NoData { .. }
            | AlertState::Resolved { .. } => None,
        };
        let one = RememberedAlert::of_marks(alert.key(), (*alert.metric).clone(), clock, &alert.marks, now);
        (one.clock.is_some() || alert.marks.is_worth_keeping(now)).then_some(one)
    }

    pub(super) fn of_marks(
        key: AlertKey,
        metric: Labels,
        clock: Option<Clock>,
        marks: &Marks,
        now: At,
    ) -> RememberedAlert {
        let wall = |boot: &Boot| now.wall.minus(now.boot.since(*boot));
        RememberedAlert {
            key,
            metric,
            clock,
            acknowledged: marks.acknowledged.clone(),
            snoozed: marks.snoozed.clone(),
            response_due: marks.response_due.map(|due| due.wall),
            changes: marks.changes.iter().map(wall).collect(),
        }
    }
}

impl Returning {
    /// The state of what was firing; nothing is measured of it yet.
    pub(super) fn firing(&self, at: At) -> Option<AlertState> {
        match &self.clock {
            Some(Clock::Firing { since, value, keep_left }) => Some(AlertState::Firing {
                since: moment(*since, at),
                value: value.unwrap_or(f64::NAN),
                no_data: Some(self.seen),
                kept_until: keep_left.map(|left| at.boot.plus(left)),
            }),
            Some(Clock::Pending { .. }) | None => None,
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        matches!(self.clock, Some(Clock::Pending { .. }))
    }

    /// Whether it may still come back.
    pub(super) fn is_awaited(&self, at: At) -> bool {
        at.boot.since(self.seen.boot) <= OUTAGE_TOLERANCE
    }

    /// Since when it was pending, and when it fires now.
    pub(super) fn pending(&self, at: At, hold: Duration) -> Option<(At, Boot)> {
        let Some(Clock::Pending { since, left }) = &self.clock else { return None };
        let left = (*left).min(hold);
        let left = if hold < GRACE { left } else { left.max(GRACE) };
        Some((moment(*since, at), at.boot.plus(left)))
    }
}

/// A wall time on both clocks of now. The boot clock can not go back before its beginning.
fn moment(wall: Wall, now: At) -> At {
    let boot = match wall > now.wall {
        true => now.boot.plus(wall.since(now.wall)),
        false => back(now.boot, now.wall.since(wall)),
    };
    At { boot, wall }
}

fn back(boot: Boot, by: Duration) -> Boot {
    Boot(boot.0.saturating_sub(crate::base::time::millis(by)))
}
