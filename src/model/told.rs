//! What an answer says of the node itself, beside its measurements: which version it is, by which values a restart is
//! told, and whether it is the answer of the system that was asked for at all.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What one answer says of its node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The version that it says it is, made harmless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Arc<str>>,
    /// Values by which a restart is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub life: Vec<LifeSign>,
    /// Whether it is an answer of the configured system, where that can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_own: Option<bool>,
}

impl Told {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Told::default()
    }
}

/// A value that says how long, or since when, a node runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LifeSign {
    /// The series that it is read from.
    pub series: Arc<str>,
    pub kind: LifeKind,
    pub value: f64,
}

/// What becomes of a [`LifeSign`] while its node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifeKind {
    /// It only grows: a lesser value is that of a node that was started again.
    Grows,
    /// It stays: the time of the start.
    Stays,
}

/// How far the time of a start may move without a start: some programs compute it anew from two clocks.
const START_WOBBLE_SECONDS: f64 = 2.0;

impl LifeSign {
    /// What its end tells.
    #[must_use]
    pub fn restart(&self) -> Restart {
        match self.kind {
            LifeKind::Grows => Restart::Fell(Arc::clone(&self.series)),
            LifeKind::Stays => Restart::Started(Arc::clone(&self.series)),
        }
    }

    /// Whether the node was started again between the two.
    #[must_use]
    pub fn ended(&self, later: &LifeSign) -> bool {
        let same = self.series == later.series && self.kind == later.kind;
        same && match self.kind {
            LifeKind::Grows => later.value < self.value,
            LifeKind::Stays => (later.value - self.value).abs() > START_WOBBLE_SECONDS,
        }
    }
}

/// By what it was told that a node was started again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restart {
    /// A value that only grows while the node runs is lower.
    Fell(Arc<str>),
    /// The time at which it says that it was started is another.
    Started(Arc<str>),
    /// It was refused, and answers again.
    Returned,
    /// It says another version.
    Version { before: Arc<str>, now: Arc<str> },
}

/// As the end of *restarted, because …*.
impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Restart::Fell(series) => write!(f, "{series} fell"),
            Restart::Started(series) => write!(f, "{series} changed"),
            Restart::Returned => f.write_str("it answers again after it was refused"),
            Restart::Version { before, now } => write!(f, "its version was {before} and is {now}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_ends_where_a_value_could_only_have_gone_on() {
        let sign = |kind, value| LifeSign { series: Arc::from("s"), kind, value };
        let check = |kind, before: f64, now: f64, want: bool| {
            assert_eq!(sign(kind, before).ended(&sign(kind, now)), want, "{kind:?} {before} {now}");
        };
        check(LifeKind::Grows, 40.0, 41.0, false);
        check(LifeKind::Grows, 40.0, 40.0, false);
        check(LifeKind::Grows, 40.0, 3.0, true);
        check(LifeKind::Stays, 1_000.0, 1_000.4, false);
        check(LifeKind::Stays, 1_000.0, 1_060.0, true);
        check(LifeKind::Grows, f64::NAN, 3.0, false);
        let other = LifeSign { series: Arc::from("other"), kind: LifeKind::Grows, value: 1.0 };
        assert!(!sign(LifeKind::Grows, 40.0).ended(&other), "of another series nothing follows");
    }
}
