//! `rate`, `increase` and `delta`: the growth over a range, extrapolated to the range's ends as Prometheus does.

use super::super::dialect::Dialect;
use super::super::node::RangeFunction;
use super::window::Window;
use crate::base::Wall;

/// A gap to an end of the range is extrapolated over whole only while it is shorter than this many sample intervals.
const EXTRAPOLATED_INTERVALS: f64 = 1.1;

/// The value over the samples of one series. Nothing with fewer than two samples.
///
/// A fall of a counter is a reset: what it had before counts as growth. The growth is extrapolated to both ends of
/// the range, but over no more than half an average sample interval where the gap is wider than such an interval, and
/// never to before the counter would have been zero. Prometheus 2 looks for the zero point before it cuts, 3 after.
pub(super) fn over(function: RangeFunction, window: &Window<'_>) -> Option<f64> {
    let [first, .., last] = *window.values else { return None };
    let [first_at, .., last_at] = *window.times else { return None };
    let counter = function != RangeFunction::Delta;
    let mut growth = last - first;
    if counter {
        growth += window.values.windows(2).filter(|pair| pair[1] < pair[0]).map(|pair| pair[0]).sum::<f64>();
    }
    let sampled = seconds_between(first_at, last_at);
    let average = sampled / (window.values.len() - 1) as f64;
    let threshold = average * EXTRAPOLATED_INTERVALS;
    let cut = |gap: f64| if gap >= threshold { average / 2.0 } else { gap };
    let zero_point = if counter && growth > 0.0 && first >= 0.0 { sampled * (first / growth) } else { f64::INFINITY };

    let gap = seconds_between(window.from, first_at);
    let to_start = match window.dialect {
        Dialect::V2 => cut(gap.min(zero_point)),
        Dialect::V3 => cut(gap).min(zero_point),
    };
    let to_end = cut(seconds_between(last_at, window.to));

    let factor = (sampled + to_start + to_end) / sampled;
    let whole = seconds_between(window.from, window.to);
    Some(if function == RangeFunction::Rate { growth * (factor / whole) } else { growth * factor })
}

fn seconds_between(earlier: Wall, later: Wall) -> f64 {
    later.0.saturating_sub(earlier.0) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples as (second, value), the range's length and end in seconds, the increase computed by hand.
    fn check(what: &str, samples: &[(i64, f64)], range: u64, to: i64, want: Option<f64>) {
        let times: Vec<Wall> = samples.iter().map(|(second, _)| Wall(second * 1000)).collect();
        let values: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
        let (from, to) = (Wall((to - range as i64) * 1000), Wall(to * 1000));
        let window = Window { times: &times, values: &values, from, to, now: to, dialect: Dialect::V3 };
        let close = |got: Option<f64>, want: Option<f64>| match (got, want) {
            (Some(got), Some(want)) => got == want || (got - want).abs() < 1e-9 || got.is_nan() && want.is_nan(),
            (got, want) => got == want,
        };
        let increase = over(RangeFunction::Increase, &window);
        assert!(close(increase, want), "{what}: increase {increase:?}, not {want:?}");
        let rate = over(RangeFunction::Rate, &window);
        let want = want.map(|want| want / range as f64);
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
