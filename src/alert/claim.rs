//! Who takes an alert upon themselves, or puts it off: by name, with a reason, until a stated time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{TargetId, Wall};
use crate::model::Labels;

/// Longest name and longest reason, in characters.
const NAME_LIMIT: usize = 80;
const REASON_LIMIT: usize = 500;
/// How far ahead a claim may end: what is to be silent for longer is to be changed in its rule.
pub const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// Which alert: the same after a restart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertKey {
    pub target: TargetId,
    pub alert: String,
    /// Those of the alert, the rule's own among them.
    pub labels: Labels,
}

/// An acknowledgement or a snooze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub by: String,
    pub reason: String,
    pub at: Wall,
    /// After this it says that it is over, and counts no more.
    pub until: Wall,
}

/// What a claim does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ClaimKind {
    /// Somebody works on it: the response clock stops. It ends with the alert.
    Acknowledgement,
    /// It neither rings nor counts down. It outlives the alert.
    Snooze,
}

/// A claim that can not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    #[error("there is no alert {alert} on {target} any more; look at the list again")]
    NoSuchAlert { target: TargetId, alert: String },
    #[error("{alert} is {state}; only what is firing can be acknowledged")]
    NotFiring { alert: String, state: &'static str },
    #[error("say by whom: the name is empty")]
    NoName,
    #[error("say why: the reason is empty")]
    NoReason,
    #[error("the {what} is longer than {limit} characters")]
    TooLong { what: &'static str, limit: usize },
    #[error("it would end at {until}, which is over already")]
    Over { until: Wall },
    #[error("it would end in more than 30 days; change the rule instead")]
    TooFar,
}

impl ClaimKind {
    /// In a word, for a list.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ClaimKind::Acknowledgement => "acknowledged",
            ClaimKind::Snooze => "snoozed",
        }
    }
}

impl Claim {
    #[must_use]
    pub fn is_over(&self, now: Wall) -> bool {
        now >= self.until
    }

    /// # Errors
    /// No name, no reason, one too long, or an end that is over or too far.
    pub(super) fn checked(self) -> Result<Claim, ClaimError> {
        let claim = Claim { by: self.by.trim().to_owned(), reason: self.reason.trim().to_owned(), ..self };
        if claim.by.is_empty() {
            return Err(ClaimError::NoName);
        }
        if claim.reason.is_empty() {
            return Err(ClaimError::NoReason);
        }
        for (what, text, limit) in [("name", &claim.by, NAME_LIMIT), ("reason", &claim.reason, REASON_LIMIT)] {
            if text.chars().count() > limit {
                return Err(ClaimError::TooLong { what, limit });
            }
        }
        if claim.is_over(claim.at) {
            return Err(ClaimError::Over { until: claim.until });
        }
        if claim.until.since(claim.at) > LONGEST {
            return Err(ClaimError::TooFar);
        }
        Ok(claim)
    }
}
