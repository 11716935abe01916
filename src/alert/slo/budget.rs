//! What is left of an objective's budget, from the minutes that were measured.

use std::collections::VecDeque;
use std::time::Duration;

use super::Minute;

/// Minutes that a sparkline shows.
pub const SPARK_MINUTES: i64 = 60;

/// How an objective stood over its window.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    pub objective: f64,
    pub window: Duration,
    /// How much of the window was measured.
    pub covered: Duration,
    /// The good part of what was measured; nothing where nothing happened.
    pub good: Option<f64>,
    /// What is left of the budget of what was measured: 1 is all of it, below 0 the objective is missed.
    pub remaining: Option<f64>,
    /// How fast it is being used: at 1 it lasts exactly the window. Over the last hour, and over the last six.
    pub burn_hour: Option<f64>,
    pub burn_six_hours: Option<f64>,
    /// The good part of each of the last sixty minutes, oldest first.
    pub spark: Vec<Option<f64>>,
}

impl Budget {
    /// From measured minutes, oldest first; `now` is the minute that is going on.
    pub(super) fn of(minutes: &VecDeque<Minute>, now: i64, objective: f64, window: Duration) -> Budget {
        let length = |minutes: i64| now.saturating_sub(minutes);
        let of_window = i64::try_from(window.as_secs() / 60).unwrap_or(i64::MAX);
        let (good, total, covered) = sums(minutes, length(of_window));
        let burn = |hours: i64| {
            let (good, total, _) = sums(minutes, length(hours * 60));
            (total > 0.0).then(|| (1.0 - good / total) / (1.0 - objective))
        };
        let good = (total > 0.0).then(|| good / total);
        Budget {
            objective,
            window,
            covered: Duration::from_secs(covered * 60),
            good,
            remaining: good.map(|good| 1.0 - (1.0 - good) / (1.0 - objective)),
            burn_hour: burn(1),
            burn_six_hours: burn(6),
            spark: spark(minutes, now),
        }
    }

    /// The part of the window that was measured: 0 to 1.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        self.covered.as_secs_f64() / self.window.as_secs_f64()
    }
}

/// Good, all, and how many minutes, from the minute `from` on.
fn sums(minutes: &VecDeque<Minute>, from: i64) -> (f64, f64, u64) {
    let start = minutes.partition_point(|minute| minute.0 < from);
    minutes.range(start..).fold((0.0, 0.0, 0), |(good, total, count), minute| {
        (good + f64::from(minute.1), total + f64::from(minute.2), count + 1)
    })
}

fn spark(minutes: &VecDeque<Minute>, now: i64) -> Vec<Option<f64>> {
    let from = now - SPARK_MINUTES;
    let mut spark = vec![None; usize::try_from(SPARK_MINUTES).unwrap_or(0)];
    for minute in minutes.range(minutes.partition_point(|minute| minute.0 < from)..) {
        let place = usize::try_from(minute.0 - from).ok().and_then(|place| spark.get_mut(place));
        if let (Some(place), true) = (place, minute.2 > 0.0) {
            *place = Some(f64::from(minute.1 / minute.2));
        }
    }
    spark
}
