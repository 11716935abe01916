//! The times of a question: as they are typed, and what is meant where they are not.

use std::time::Duration;

use crate::alert::duration;
use crate::base::Wall;
use crate::sources::server::When;

/// Steps of a range where nobody says how long one is.
const STEPS: i64 = 100;

/// Steps of a range at most: what a Prometheus answers.
const MOST_STEPS: i64 = 11_000;

/// How far a chart looks back where nobody says it.
const CHART_MILLIS: i64 = 3_600_000;

/// What was typed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub at: Option<Wall>,
    pub from: Option<Wall>,
    pub to: Option<Wall>,
    pub step: Option<Duration>,
}

impl Asked {
    /// With `end` where no time was said. A chart is always of a range.
    pub(super) fn when(self, end: Wall, chart: bool) -> Result<When, String> {
        let to = self.to.or(self.at).unwrap_or(end);
        let from = match self.from {
            Some(from) => from,
            None if chart => Wall(to.0.saturating_sub(CHART_MILLIS)),
            None => return Ok(When::At(to)),
        };
        if to < from {
            return Err(format!("--to is before --from: {to} and {from}"));
        }
        let length = to.0.saturating_sub(from.0);
        let step_millis = match self.step {
            Some(step) => i64::try_from(step.as_millis()).unwrap_or(i64::MAX),
            // Whole seconds, so that the times of an answer can be read.
            None => (length / STEPS).div_euclid(1000).max(1) * 1000,
        };
        match length / step_millis {
            steps if steps >= MOST_STEPS => {
                Err(format!("{} steps are more than {MOST_STEPS}: make --step longer", steps + 1))
            }
            _few => Ok(When::Steps { from, to, step_millis }),
        }
    }
}

/// RFC 3339, or seconds since 1970.
pub(super) fn moment(text: &str) -> Result<Wall, String> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Wall(at.as_millisecond()));
    }
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e12);
    let read = seconds.map(|seconds| Wall((seconds * 1000.0).round() as i64));
    read.ok_or_else(|| "write a time as 2026-11-21T03:04:05Z or in seconds since 1970".to_owned())
}

/// A duration of Prometheus, or seconds.
pub(super) fn step(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let read = seconds.or_else(|| duration::parse(text).ok());
    read.filter(|step| step.as_millis() > 0)
        .ok_or_else(|| "write the length of a step as 15s, 1m30s or in seconds; at least 1ms".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        let check = |text: &str, want: Option<i64>| assert_eq!(moment(text).ok(), want.map(Wall), "{text}");
        check("0", Some(0));
        check("1600000000.5", Some(1_600_000_000_500));
        check("-1", Some(-1000));
        check("2026-11-21T03:04:05.678Z", Some(1_795_230_245_678));
        check("2026-11-21T04:04:05+01:00", Some(1_795_230_245_000));
        for wrong in ["", "now", "NaN", "1e300", "2026-11-21", "5m"] {
            check(wrong, None);
        }
        let check =
            |text: &str, want: Option<u64>| assert_eq!(step(text).ok(), want.map(Duration::from_millis), "{text}");
        check("15s", Some(15_000));
        check("1m30s", Some(90_000));
        check("0.5", Some(500));
        for wrong in ["", "0", "0s", "-5", "x", "0.0001"] {
            check(wrong, None);
        }
    }

    #[test]
    fn what_was_not_said_is_filled_in() {
        let end = Wall(10_000_000);
        let check = |asked: (Option<i64>, Option<i64>, Option<i64>, Option<u64>),
                     chart: bool,
                     want: Result<When, ()>| {
            let (at, from, to, step) = asked;
            let wall = |millis: Option<i64>| millis.map(Wall);
            let asked = Asked { at: wall(at), from: wall(from), to: wall(to), step: step.map(Duration::from_millis) };
            assert_eq!(asked.when(end, chart).map_err(|_| ()), want, "{asked:?}");
        };
        let steps = |from, to, step_millis| Ok(When::Steps { from: Wall(from), to: Wall(to), step_millis });
        check((None, None, None, None), false, Ok(When::At(end)));
        check((Some(5), None, None, None), false, Ok(When::At(Wall(5))));
        check((None, None, None, None), true, steps(6_400_000, 10_000_000, 36_000));
        check((None, Some(0), None, None), false, steps(0, 10_000_000, 100_000));
        check((None, Some(0), Some(1000), None), false, steps(0, 1000, 1000));
        check((None, Some(0), Some(1000), Some(10)), false, steps(0, 1000, 10));
        check((None, Some(1000), Some(0), None), false, Err(()));
        check((None, Some(0), Some(11_000), Some(1)), false, Err(()));
    }
}
