//! `rate` and `increase`: the growth of a counter over a range, extrapolated to the range's ends as Prometheus does.

use std::time::Duration;

use super::node::RangeFunction;
use crate::base::Wall;

/// A gap to an end of the range is extrapolated over whole only while it is shorter than this many sample intervals.
const EXTRAPOLATED_INTERVALS: f64 = 1.1;

/// The value over the samples of one series, oldest first, all within the range that ends at `to`. Nothing with
/// fewer than two samples.
///
/// A fall of the value is a reset of the counter: what it had before counts as growth. The growth is extrapolated to
/// both ends of the range, but over no more than half an average sample interval where the gap is wider than such an
/// interval, and never to before the counter would have been zero. The order of the last two is Prometheus 3's.
pub(super) fn over(function: RangeFunction, samples: &[(Wall, f64)], range: Duration, to: Wall) -> Option<f64> {
    let [(first_at, first), .., (last_at, last)] = *samples else { return None };
    let mut growth = last - first;
    for pair in samples.windows(2) {
        if pair[1].1 < pair[0].1 {
            growth += pair[0].1;
        }
    }
    let sampled = seconds_between(first_at, last_at);
    let average = sampled / (samples.len() - 1) as f64;
    let threshold = average * EXTRAPOLATED_INTERVALS;

    let mut to_start = seconds_between(to.minus(range), first_at);
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if growth > 0.0 && first >= 0.0 {
        to_start = to_start.min(sampled * (first / growth));
    }
    let mut to_end = seconds_between(last_at, to);
    if to_end >= threshold {
        to_end = average / 2.0;
    }

    let factor = (sampled + to_start + to_end) / sampled;
    Some(match function {
        RangeFunction::Increase => growth * factor,
        RangeFunction::Rate => growth * (factor / range.as_secs_f64()),
    })
}

fn seconds_between(earlier: Wall, later: Wall) -> f64 {
    later.0.saturating_sub(earlier.0) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples as (second, value), the range's length and end in seconds, the increase computed by hand.
    fn check(what: &str, samples: &[(i64, f64)], range: u64, to: i64, want: Option<f64>) {
        let samples: Vec<_> = samples.iter().map(|(second, value)| (Wall(second * 1000), *value)).collect();
        let (range, to) = (Duration::from_secs(range), Wall(to * 1000));
        let close = |got: Option<f64>, want: Option<f64>| match (got, want) {
            (Some(got), Some(want)) => got == want || (got - want).abs() < 1e-9 || got.is_nan() && want.is_nan(),
            (got, want) => got == want,
        };
        let increase = over(RangeFunction::Increase, &samples, range, to);
        assert!(close(increase, want), "{what}: increase {increase:?}, not {want:?}");
        let rate = over(RangeFunction::Rate, &samples, range, to);
        let want = want.map(|want| want / range.as_secs_f64());
        assert!(close(rate, want), "{what}: rate {rate:?}, not {want:?}");
    }

    #[test]
    fn growth_is_extrapolated_as_in_prometheus() {
        let steady: Vec<(i64, f64)> = (1..=6).map(|n| (n * 10, 90.0 + 10.0 * n as f64)).collect();
        // 50 over 50 s; 10 s to the start are less than 11 s, so all of them count: 50 × 60/50.
        check("whole range", &steady, 60, 60, Some(60.0));
        // 20 over 20 s; 40 s to the start are too many, so half an interval counts: 20 × 25/20.
        check("begins late", &steady[3..], 60, 60, Some(25.0));
        // 20 over 20 s; 10 s to the start, and half an interval for the 30 s to the end: 20 × 35/20.
        check("ends early", &steady[..3], 60, 60, Some(35.0));
        // 50 over 50 s from 5: the counter was zero 5 s before its first sample: 50 × 55/50.
        let young: Vec<(i64, f64)> = (1..=6).map(|n| (n * 10, 10.0 * n as f64 - 5.0)).collect();
        check("zero point", &young, 60, 60, Some(55.0));
        // 12 s to the start are too many, so half an interval counts. The zero point, 9 s before the first sample, is
        // farther than that; Prometheus before 3 would have taken it. 10 × 18/10.
        check("zero point after the cut", &[(15, 9.0), (25, 19.0)], 25, 28, Some(18.0));
        // From 0 there is nothing before the first sample.
        check("from zero", &[(30, 0.0), (40, 7.0)], 40, 40, Some(7.0));
        // A negative first value is no counter's: the zero point says nothing. 10 × 20/10.
        check("negative", &[(10, -5.0), (20, 5.0)], 20, 20, Some(20.0));
        check("flat", &[(10, 5.0), (20, 5.0), (30, 5.0)], 30, 30, Some(0.0));
    }

    #[test]
    fn a_reset_counts_what_was_there_before_it() {
        // 13 − 5 + 15 = 23 over 30 s; zero point 30 × 5/23 before the first sample: 23 + 5.
        check("one reset", &[(10, 5.0), (20, 15.0), (30, 3.0), (40, 13.0)], 40, 40, Some(28.0));
        // 1 − 10 + 10 + 8 = 9 over 20 s; the zero point, 20 × 10/9 before, is farther than the 10 s to the start: 9 × 30/20.
        check("two resets", &[(10, 10.0), (20, 8.0), (30, 1.0)], 30, 30, Some(13.5));
    }

    #[test]
    fn fewer_than_two_samples_are_no_growth() {
        check("none", &[], 60, 60, None);
        check("one", &[(50, 3.0)], 60, 60, None);
    }

    #[test]
    fn nan_and_infinity_follow_ieee() {
        check("NaN", &[(10, 1.0), (20, f64::NAN)], 20, 20, Some(f64::NAN));
        check("infinite", &[(10, 1.0), (20, f64::INFINITY)], 20, 20, Some(f64::INFINITY));
    }
}
