//! The states of an alert, and what a measurement makes of each. Pure: the same inputs give the same state.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::time::spoken;
use crate::base::{At, Boot, Severity};
use crate::model::Truth;

/// How long a resolved alert is shown.
pub const RESOLVED_SHOWN: Duration = Duration::from_secs(15 * 60);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AlertState {
    /// Measured, and not so.
    Inactive,
    /// A range in the expression is not covered yet.
    WarmingUp { have: Duration, need: Duration },
    /// The selectors match nothing: absence is not health.
    NoData {
        since: At,
        why: String,
        #[serde(default)]
        lack: Lack,
    },
    /// It fires at `fires`, if the condition holds until then.
    Pending { since: At, fires: Boot, value: f64 },
    /// `no_data` is set while the data that made it fire is missing. `kept_until` is set while the condition does not
    /// hold any more and the rule's `keep_firing_for` keeps it: then it resolves.
    Firing { since: At, value: f64, no_data: Option<At>, kept_until: Option<Boot> },
    /// Was firing, and a measurement said that it is over.
    Resolved { at: At },
}

/// In which way there is nothing to judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lack {
    /// It may come: a series is not there now, or what gives it does not answer.
    #[default]
    Data,
    /// The node answers and does not have it.
    NotExposed,
    /// The configuration names nothing that would give it.
    NotRead,
}

impl Lack {
    /// What the truth of an operand makes of its rule.
    pub(super) fn of(truth: &Truth) -> Lack {
        match truth {
            Truth::NotExposed => Lack::NotExposed,
            Truth::NotRead { .. } | Truth::ProvesNothing { .. } => Lack::NotRead,
            Truth::Fresh
            | Truth::Stale { .. }
            | Truth::Absent
            | Truth::Failing { .. }
            | Truth::NeverPolled
            | Truth::WarmingUp { .. } => Lack::Data,
        }
    }

    /// Whether it is known that the rule can not be watched here, and waiting does not change it.
    #[must_use]
    pub fn is_known(self) -> bool {
        match self {
            Lack::Data => false,
            Lack::NotExposed | Lack::NotRead => true,
        }
    }
}

/// The two spans of a rule.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holds {
    /// `for`: how long the condition must hold before it fires.
    pub(super) before: Duration,
    /// `keep_firing_for`: how long it must not hold before it resolves.
    pub(super) after: Duration,
}

/// What one evaluation says about one alert.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Measurement {
    /// The expression has an element for it, with this value.
    Active(f64),
    /// All its operands were measured, and the expression has no element for it.
    Inactive,
    /// A range is not covered yet.
    Uncovered { have: Duration, need: Duration },
    /// It can not be told, and why.
    Missing { why: String, lack: Lack },
}

impl AlertState {
    /// The state after a measurement. Both spans are counted on the boot clock.
    #[must_use]
    pub(super) fn next(&self, measured: &Measurement, at: At, holds: Holds) -> AlertState {
        match measured {
            Measurement::Active(value) => self.active(*value, at, holds.before),
            Measurement::Inactive => self.inactive(at, holds.after),
            Measurement::Uncovered { have, need } => {
                self.unmeasured(at, AlertState::WarmingUp { have: *have, need: *need })
            }
            Measurement::Missing { why, lack } => {
                let since = match self {
                    AlertState::NoData { since, .. } => *since,
                    AlertState::Inactive
                    | AlertState::WarmingUp { .. }
                    | AlertState::Pending { .. }
                    | AlertState::Firing { .. }
                    | AlertState::Resolved { .. } => at,
                };
                self.unmeasured(at, AlertState::NoData { since, why: why.clone(), lack: *lack })
            }
        }
    }

    fn active(&self, value: f64, at: At, hold: Duration) -> AlertState {
        let (since, fires) = match self {
            AlertState::Firing { since, .. } => {
                return AlertState::Firing { since: *since, value, no_data: None, kept_until: None };
            }
            AlertState::Pending { since, fires, .. } => (*since, *fires),
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::NoData { .. }
            | AlertState::Resolved { .. } => (at, at.boot.plus(hold)),
        };
        if at.boot >= fires {
            AlertState::Firing { since: at, value, no_data: None, kept_until: None }
        } else {
            AlertState::Pending { since, fires, value }
        }
    }

    /// Measured, and not so: what fires is resolved, when it has been so for `keep`.
    fn inactive(&self, at: At, keep: Duration) -> AlertState {
        match self {
            AlertState::Firing { since, value, kept_until, .. } => {
                let until = kept_until.unwrap_or_else(|| at.boot.plus(keep));
                match at.boot >= until {
                    true => AlertState::Resolved { at },
                    false => {
                        AlertState::Firing { since: *since, value: *value, no_data: None, kept_until: Some(until) }
                    }
                }
            }
            AlertState::Resolved { .. } => self.faded(at.boot),
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::NoData { .. }
            | AlertState::Pending { .. } => AlertState::Inactive,
        }
    }

    /// Without a measurement a firing alert goes on firing, and everything else becomes `unknown`.
    fn unmeasured(&self, at: At, unknown: AlertState) -> AlertState {
        match self {
            // Nobody knows any more whether the condition still does not hold: that clock begins anew.
            AlertState::Firing { since, value, no_data, .. } => {
                AlertState::Firing { since: *since, value: *value, no_data: no_data.or(Some(at)), kept_until: None }
            }
            AlertState::Resolved { .. } => self.faded(at.boot),
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::NoData { .. }
            | AlertState::Pending { .. } => unknown,
        }
    }

    /// A resolved alert is inactive after its time on the screen.
    fn faded(&self, now: Boot) -> AlertState {
        match self {
            AlertState::Resolved { at } if now.since(at.boot) >= RESOLVED_SHOWN => AlertState::Inactive,
            state => state.clone(),
        }
    }

    /// The state in a word, the same on every page, in every snapshot and in every check. A firing alert may [lack data](AlertState::lacks_data) besides.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            AlertState::Inactive => "inactive",
            AlertState::WarmingUp { .. } => "warming up",
            AlertState::NoData { lack: Lack::Data, .. } => "no data",
            AlertState::NoData { lack: Lack::NotExposed, .. } => "not exposed",
            AlertState::NoData { lack: Lack::NotRead, .. } => "not read",
            AlertState::Pending { .. } => "pending",
            AlertState::Firing { .. } => "firing",
            AlertState::Resolved { .. } => "resolved",
        }
    }

    /// Why it can not be told whether it is so, in words; empty where it can.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            AlertState::NoData { why, .. } => why.clone(),
            AlertState::WarmingUp { have, need } => format!("measured for {} of {}", spoken(*have), spoken(*need)),
            AlertState::Inactive
            | AlertState::Pending { .. }
            | AlertState::Firing { .. }
            | AlertState::Resolved { .. } => String::new(),
        }
    }

    /// Whether the state does not rest on a present measurement.
    #[must_use]
    pub fn lacks_data(&self) -> bool {
        match self {
            AlertState::WarmingUp { .. } | AlertState::NoData { .. } => true,
            AlertState::Firing { no_data, .. } => no_data.is_some(),
            AlertState::Inactive | AlertState::Pending { .. } | AlertState::Resolved { .. } => false,
        }
    }

    /// When it entered this state, where that is told.
    #[must_use]
    pub fn since(&self) -> Option<At> {
        match self {
            AlertState::Inactive | AlertState::WarmingUp { .. } => None,
            AlertState::NoData { since, .. } | AlertState::Pending { since, .. } | AlertState::Firing { since, .. } => {
                Some(*since)
            }
            AlertState::Resolved { at } => Some(*at),
        }
    }

    /// The last measured value of what is pending or firing.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            AlertState::Pending { value, .. } | AlertState::Firing { value, .. } => Some(*value),
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::NoData { .. }
            | AlertState::Resolved { .. } => None,
        }
    }

    /// How long until a pending alert fires, if the condition holds; nothing for other states.
    #[must_use]
    pub fn pending_left(&self, now: Boot) -> Option<Duration> {
        match self {
            AlertState::Pending { fires, .. } => Some(fires.since(now)),
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::NoData { .. }
            | AlertState::Firing { .. }
            | AlertState::Resolved { .. } => None,
        }
    }

    /// When time alone may change it: a hold is over.
    #[must_use]
    pub(super) fn deadline(&self) -> Option<Boot> {
        match self {
            AlertState::Pending { fires, .. } => Some(*fires),
            AlertState::Firing { kept_until, .. } => *kept_until,
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::NoData { .. }
            | AlertState::Resolved { .. } => None,
        }
    }

    /// Whether it calls for somebody.
    #[must_use]
    pub fn is_firing(&self) -> bool {
        matches!(self, AlertState::Firing { .. })
    }

    /// Whether a person would call it another state. Values, reasons and progress change all the time.
    pub(super) fn differs(&self, other: &AlertState) -> bool {
        std::mem::discriminant(self) != std::mem::discriminant(other) || self.lacks_data() != other.lacks_data()
    }

    /// Worst first.
    pub(super) fn rank(&self, severity: Severity) -> (u8, std::cmp::Reverse<Severity>) {
        let rank = match self {
            AlertState::Firing { .. } => 0,
            AlertState::Pending { .. } => 1,
            AlertState::NoData { .. } => 2,
            AlertState::WarmingUp { .. } => 3,
            AlertState::Resolved { .. } => 4,
            AlertState::Inactive => 5,
        };
        (rank, std::cmp::Reverse(severity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Wall;

    fn at(second: u64) -> At {
        At { boot: Boot(second * 1000), wall: Wall(second as i64 * 1000) }
    }

    #[test]
    fn every_state_meets_every_measurement() {
        let states = [
            AlertState::Inactive,
            AlertState::WarmingUp { have: Duration::ZERO, need: Duration::from_secs(600) },
            AlertState::NoData { since: at(90), why: "absent".to_owned(), lack: Lack::Data },
            AlertState::Pending { since: at(90), fires: at(150).boot, value: 1.0 },
            AlertState::Pending { since: at(30), fires: at(90).boot, value: 1.0 },
            AlertState::Firing { since: at(90), value: 1.0, no_data: None, kept_until: None },
            AlertState::Firing { since: at(90), value: 1.0, no_data: Some(at(95)), kept_until: None },
            AlertState::Resolved { at: at(90) },
        ];
        let check = |measured: Measurement, want: [&str; 8]| {
            for (state, want) in states.iter().zip(want) {
                let next =
                    state.next(&measured, at(100), Holds { before: Duration::from_secs(60), after: Duration::ZERO });
                let lacking =
                    if matches!(next, AlertState::Firing { no_data: Some(_), .. }) { ", no data" } else { "" };
                let since = next.since().map_or(String::new(), |since| format!(" {}", since.boot.0 / 1000));
                assert_eq!(format!("{}{lacking}{since}", next.word()), want, "{state:?} and {measured:?}");
            }
        };
        check(
            Measurement::Active(2.0),
            [
                "pending 100",
                "pending 100",
                "pending 100",
                "pending 90",
                "firing 100",
                "firing 90",
                "firing 90",
                "pending 100",
            ],
        );
        check(
            Measurement::Inactive,
            ["inactive", "inactive", "inactive", "inactive", "inactive", "resolved 100", "resolved 100", "resolved 90"],
        );
        check(
            Measurement::Uncovered { have: Duration::ZERO, need: Duration::from_secs(600) },
            [
                "warming up",
                "warming up",
                "warming up",
                "warming up",
                "warming up",
                "firing, no data 90",
                "firing, no data 90",
                "resolved 90",
            ],
        );
        check(
            Measurement::Missing { why: "absent".to_owned(), lack: Lack::Data },
            [
                "no data 100",
                "no data 100",
                "no data 90",
                "no data 100",
                "no data 100",
                "firing, no data 90",
                "firing, no data 90",
                "resolved 90",
            ],
        );
    }

    #[test]
    fn the_time_left_is_told_for_pending_alerts_only() {
        let pending = AlertState::Pending { since: at(90), fires: at(150).boot, value: 1.0 };
        assert_eq!(pending.pending_left(at(100).boot), Some(Duration::from_secs(50)));
        assert_eq!(pending.pending_left(at(200).boot), Some(Duration::ZERO));
        assert_eq!(AlertState::Inactive.pending_left(at(100).boot), None);
    }

    #[test]
    fn without_a_hold_an_alert_fires_at_once() {
        let next = AlertState::Inactive.next(&Measurement::Active(2.0), at(100), Holds::default());
        let fires = AlertState::Firing { since: at(100), value: 2.0, no_data: None, kept_until: None };
        assert_eq!(next, fires);
    }

    #[test]
    fn what_is_kept_firing_resolves_after_its_time_without_the_condition() {
        let holds = Holds { before: Duration::ZERO, after: Duration::from_secs(30) };
        let mut state = AlertState::Firing { since: at(0), value: 1.0, no_data: None, kept_until: None };
        let mut check = |second: u64, measured: Measurement, want: &str| {
            state = state.next(&measured, at(second), holds);
            assert_eq!(state.word(), want, "at {second} s");
        };
        check(10, Measurement::Inactive, "firing");
        check(39, Measurement::Inactive, "firing");
        // The condition holds again: the clock begins anew when it ends.
        check(39, Measurement::Active(2.0), "firing");
        check(40, Measurement::Inactive, "firing");
        check(45, Measurement::Missing { why: String::new(), lack: Lack::Data }, "firing");
        check(60, Measurement::Inactive, "firing");
        check(89, Measurement::Inactive, "firing");
        check(90, Measurement::Inactive, "resolved");
    }
}
