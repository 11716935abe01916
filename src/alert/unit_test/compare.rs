//! Where what came differs from what was to come, in the form that promtool has.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::model::Labels;
use crate::promql::data::number::written;

/// An alert that fires, or must.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fired {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

/// A time of a test: `1h30m`, `5m`, `0s`.
pub(super) fn time(since: Duration) -> String {
    const UNITS: &[(&str, u128)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = since.as_millis();
    let mut out = String::new();
    for (unit, length) in UNITS {
        if rest >= *length {
            // Writing to a String can not fail.
            let _ = write!(out, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// The alerts in lines of their own, each with its place.
pub(super) fn alerts(fired: &[Fired]) -> String {
    if fired.is_empty() {
        return "[]".to_owned();
    }
    let mut out = String::from("[");
    for (place, alert) in fired.iter().enumerate() {
        let (labels, annotations) = (pairs(&alert.labels), pairs(&alert.annotations));
        let _ = write!(
            out,
            "\n            {place}:\n              Labels:{labels}\n              Annotations:{annotations}"
        );
    }
    out.push_str("\n            ]");
    out
}

fn pairs(of: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = of.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// The samples in one line.
pub(super) fn samples(of: &[(Labels, f64)]) -> String {
    if of.is_empty() {
        return "nil".to_owned();
    }
    of.iter().map(|(labels, value)| format!("{labels} {}", written(*value))).collect::<Vec<_>>().join(", ")
}

/// Whether both are the same series with the same values. What is not a number equals nothing, as in promtool.
pub(super) fn same(expected: &[(Labels, f64)], got: &[(Labels, f64)], fuzzy: bool) -> bool {
    let close =
        |left: f64, right: f64| left == right || fuzzy && (left.next_up() == right || left.next_down() == right);
    expected.len() == got.len()
        && expected.iter().zip(got).all(|(left, right)| left.0 == right.0 && close(left.1, right.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_units() {
        let check = |millis: u64, want: &str| assert_eq!(time(Duration::from_millis(millis)), want);
        check(0, "0s");
        check(90_000, "1m30s");
        check(5_400_000, "1h30m");
        check(90_000_500, "1d1h500ms");
    }

    #[test]
    fn values_are_compared_exactly_unless_the_last_bit_may_differ() {
        let check = |left: f64, right: f64, fuzzy: bool, want: bool| {
            let of = |value| [(Labels::named("x"), value)];
            assert_eq!(same(&of(left), &of(right), fuzzy), want, "{left} {right} {fuzzy}");
        };
        let sum = 0.1 + 0.2;
        check(0.3, sum, false, false);
        check(0.3, sum, true, true);
        check(sum, 0.3, true, true);
        check(0.3, sum.next_up(), true, false);
        check(0.0, -0.0, false, true);
        check(f64::NAN, f64::NAN, true, false);
        check(f64::INFINITY, f64::INFINITY, false, true);
        assert!(!same(&[(Labels::named("x"), 1.0)], &[(Labels::named("y"), 1.0)], true));
        assert!(!same(&[], &[(Labels::named("y"), 1.0)], true));
    }
}
