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
    /// Nobody reads what could give it: the configuration names no such endpoint, server or machine. Why, and how to
    /// change that. It says nothing of the node, well or ill.
    NotRead { why: String },
    /// Measured, and it says nothing: what it compares has nothing to be compared with. In the words of its system.
    ProvesNothing { why: String },
}

impl Truth {
    /// Whether a value with this truth may be shown, or judged, as the present state.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        matches!(self, Truth::Fresh)
    }

    /// Whether it is known that there is nothing to be told, and waiting does not change it: what is not exposed, not
    /// read, or has nothing to be compared with. Nobody can judge it, and nobody needs to look for it.
    #[must_use]
    pub fn is_known_lack(&self) -> bool {
        matches!(self, Truth::NotExposed | Truth::NotRead { .. } | Truth::ProvesNothing { .. })
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
            Truth::NotRead { .. } => "not_read",
            Truth::ProvesNothing { .. } => "proves_nothing",
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
            Truth::ProvesNothing { .. } => 5,
            Truth::NotRead { .. } => 6,
            Truth::NotExposed => 7,
            Truth::Failing { .. } => 8,
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
            Truth::NotRead { why } => format!("not read: {why}"),
            Truth::ProvesNothing { why } => why.clone(),
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
