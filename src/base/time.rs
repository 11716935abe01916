//! Two clocks, always read together.
//!
//! *Boot time* never jumps, runs through suspend, and carries every age, deadline and countdown. *Wall time* is what
//! people, Prometheus and the journal speak, and may jump at any moment. An [`At`] holds one reading of both, taken by
//! the shell; the core never reads a clock itself.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since the machine booted, suspend included (`CLOCK_BOOTTIME`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Boot(pub u64);

/// Milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Wall(pub i64);

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    pub boot: Boot,
    pub wall: Wall,
}

impl Boot {
    /// The moment `after` later; saturates at the end of time.
    #[must_use]
    pub fn plus(self, after: Duration) -> Boot {
        Boot(self.0.saturating_add(millis(after)))
    }

    /// How long ago `earlier` was; zero if it is in the future.
    #[must_use]
    pub fn since(self, earlier: Boot) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Wall {
    #[must_use]
    pub fn plus(self, after: Duration) -> Wall {
        Wall(self.0.saturating_add_unsigned(millis(after)))
    }

    #[must_use]
    pub fn minus(self, before: Duration) -> Wall {
        Wall(self.0.saturating_sub_unsigned(millis(before)))
    }

    /// How long ago `earlier` was; zero if it is in the future.
    #[must_use]
    pub fn since(self, earlier: Wall) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Seconds since the epoch, with millisecond precision: PromQL's timestamps.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// `hh:mm:ss` in UTC.
    #[must_use]
    pub fn clock(self) -> String {
        let second = self.0.div_euclid(1000).rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    }

    /// `20241225_120000` in UTC: how the folders of backups are named.
    #[must_use]
    pub fn stamp(self) -> String {
        let text = self.to_string();
        let digits: String = text.chars().take(19).filter(char::is_ascii_digit).collect();
        match digits.split_at_checked(8) {
            Some((date, time)) => format!("{date}_{time}"),
            None => digits,
        }
    }
}

/// `2026-11-21T03:04:05.678Z`: how the journal and reports write wall time.
impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl At {
    /// The same instant `after` later on both clocks.
    #[must_use]
    pub fn plus(self, after: Duration) -> At {
        At { boot: self.boot.plus(after), wall: self.wall.plus(after) }
    }

    /// How far the wall clock moved apart from the boot clock since `earlier`, in milliseconds.
    /// Zero on a machine whose clock nobody touched.
    #[must_use]
    pub fn jump_millis(self, earlier: At) -> i64 {
        let wall = self.wall.0.saturating_sub(earlier.wall.0);
        let boot = i64::try_from(self.boot.0.saturating_sub(earlier.boot.0)).unwrap_or(i64::MAX);
        wall.saturating_sub(boot)
    }
}

/// Whole milliseconds of a duration; saturates.
#[must_use]
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A duration in at most two units, as an operator says it: `850ms`, `45s`, `3m 05s`, `2h 10m`, `4d 3h`.
#[must_use]
pub fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_spoken_in_at_most_two_units() {
        let check = |millis, want: &str| assert_eq!(spoken(Duration::from_millis(millis)), want);
        check(0, "0ms");
        check(850, "850ms");
        check(45_000, "45s");
        check(185_000, "3m 05s");
        check(7_800_000, "2h 10m");
        check(356_400_000, "4d 3h");
    }

    #[test]
    fn a_jump_is_the_difference_between_the_clocks() {
        let before = At { boot: Boot(1_000), wall: Wall(50_000) };
        let after = At { boot: Boot(3_000), wall: Wall(112_000) };
        assert_eq!(after.jump_millis(before), 60_000);
        assert_eq!(before.plus(Duration::from_secs(9)).jump_millis(before), 0);
    }

    #[test]
    fn wall_time_is_written_in_utc() {
        assert_eq!(Wall(1_757_407_389_515).to_string(), "2025-09-09T08:43:09.515Z");
        assert_eq!(Wall(1_757_407_389_515).clock(), "08:43:09");
    }
}
