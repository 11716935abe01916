//! How far a number can be trusted. No number reaches the screen without one of these.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{Boot, time::spoken};

/// The state of knowledge behind a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Truth {
    /// Measured within the source's own rhythm.
    Fresh,
    /// Measured, but longer ago than the source's rhythm allows.
    Stale { age: Duration },
    /// The source answers, and the series is not in its answer now.
    Absent,
    /// The node has no such field or endpoint; it never will until it is upgraded.
    NotExposed,
    /// The source does not answer; `reason` is in the operator's words, `since` the first failure in a row.
    Failing { reason: String, since: Boot },
    /// Nobody has asked yet.
    NeverPolled,
    /// A range expression whose range is not yet covered.
    WarmingUp { have: Duration, need: Duration },
}

impl Truth {
    /// Whether a value with this truth may be shown, or judged, as the present state.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        matches!(self, Truth::Fresh)
    }

    /// The state alone, as programs read it.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self {
            Truth::Fresh => "fresh",
            Truth::Stale { .. } => "stale",
            Truth::Absent => "absent",
            Truth::NotExposed => "not_exposed",
            Truth::Failing { .. } => "failing",
            Truth::NeverPolled => "never_polled",
            Truth::WarmingUp { .. } => "warming_up",
        }
    }

    /// The less trustworthy of two: what holds for anything derived from both.
    #[must_use]
    pub fn worst(self, other: Truth) -> Truth {
        if self.rank() >= other.rank() { self } else { other }
    }

    fn rank(&self) -> u8 {
        match self {
            Truth::Fresh => 0,
            Truth::WarmingUp { .. } => 1,
            Truth::Stale { .. } => 2,
            Truth::NeverPolled => 3,
            Truth::Absent => 4,
            Truth::NotExposed => 5,
            Truth::Failing { .. } => 6,
        }
    }

    /// In words, for a cell or a status line; empty when fresh.
    #[must_use]
    pub fn words(&self, now: Boot) -> String {
        match self {
            Truth::Fresh => String::new(),
            Truth::Stale { age } => format!("stale {}", spoken(*age)),
            Truth::Absent => "absent".to_owned(),
            Truth::NotExposed => "not exposed".to_owned(),
            Truth::Failing { reason, since } => format!("{reason}, for {}", spoken(now.since(*since))),
            Truth::NeverPolled => "not polled yet".to_owned(),
            Truth::WarmingUp { have, need } => format!("warming up ({} of {})", spoken(*have), spoken(*need)),
        }
    }
}

/// A value with its truth. `value` may be a last known one where the truth is not fresh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    pub value: Option<f64>,
    pub truth: Truth,
}

impl Reading {
    /// The value, where it may be shown: what is reckoned from a part of its range is a wrong number that looks like any
    /// other.
    #[must_use]
    pub fn told(&self) -> Option<f64> {
        self.value.filter(|_| !matches!(self.truth, Truth::WarmingUp { .. }))
    }
}
