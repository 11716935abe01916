//! What is left of an objective's budget, from the minutes that were measured.

use std::time::Duration;

use super::past::{Past, Sums};

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
    /// What is left of the whole window's budget: 1 is all of it, below 0 the objective is missed, however good the rest
    /// of the window was or will be.
    pub remaining: Option<f64>,
    /// How fast it is being used: at 1 it lasts exactly the window. Over the last hour, and over the last six.
    pub burn_hour: Option<f64>,
    pub burn_six_hours: Option<f64>,
    /// The good part of each of the last sixty minutes, oldest first.
    pub spark: Vec<Option<f64>>,
}

impl Budget {
    /// From what was measured; `now` is the minute that is going on.
    pub(super) fn of(past: &Past, now: i64, objective: f64, window: Duration) -> Budget {
        let minutes = window.as_secs() / 60;
        let length = |minutes: u64| now.saturating_sub(i64::try_from(minutes).unwrap_or(i64::MAX));
        let sums = past.since(length(minutes));
        let used = |sums: Sums, minutes: u64| Some(bad(sums)? * part(sums, minutes) / (1.0 - objective));
        let burn = |hours: u64| used(past.since(length(hours * 60)), hours * 60);
        Budget {
            objective,
            window,
            covered: Duration::from_secs(u64::from(sums.minutes) * 60),
            good: bad(sums).map(|bad| 1.0 - bad),
            remaining: used(sums, minutes).map(|used| 1.0 - used),
            burn_hour: burn(1),
            burn_six_hours: burn(6),
            spark: spark(past, now),
        }
    }

    /// The part of the window that was measured: 0 to 1.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        self.covered.as_secs_f64() / self.window.as_secs_f64()
    }
}

/// The bad part of what was measured; nothing where nothing happened.
fn bad(sums: Sums) -> Option<f64> {
    (sums.total > 0.0).then(|| 1.0 - sums.good / sums.total)
}

/// How much of so many minutes was measured. Half a minute of an outage, seen by a console that was started just before,
/// is half a minute of a month's budget and not half of it: what nobody measured has used nothing.
fn part(sums: Sums, minutes: u64) -> f64 {
    f64::from(sums.minutes) / (minutes.max(1) as f64)
}

fn spark(past: &Past, now: i64) -> Vec<Option<f64>> {
    let from = now - SPARK_MINUTES;
    let mut spark = vec![None; usize::try_from(SPARK_MINUTES).unwrap_or(0)];
    for minute in past.minutes_since(from) {
        let place = usize::try_from(minute.0 - from).ok().and_then(|place| spark.get_mut(place));
        if let (Some(place), true) = (place, minute.2 > 0.0) {
            *place = Some(f64::from(minute.1 / minute.2));
        }
    }
    spark
}
