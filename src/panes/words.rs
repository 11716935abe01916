//! Times and numbers as every page writes them.

use std::time::Duration;

use super::model::Target;
use crate::base::time::spoken;
use crate::base::{At, Unit};
use crate::model::SourceState;

/// What is left until a moment on a clock that counts down: `04:59`, `1:04:59`; the same width for an hour at a time.
#[must_use]
pub fn countdown(now: At, until: At) -> String {
    let left = until.boot.since(now.boot).as_secs();
    match left {
        0..3600 => format!("{:02}:{:02}", left / 60, left % 60),
        _ => format!("{}:{:02}:{:02}", left / 3600, left / 60 % 60, left % 60),
    }
}

/// How long ago a moment was.
#[must_use]
pub fn ago(now: At, then: At) -> String {
    format!("{} ago", whole(now.boot.since(then.boot)))
}

/// A duration in whole seconds below a minute, so that it does not flicker through milliseconds.
#[must_use]
pub fn whole(duration: Duration) -> String {
    if duration < Duration::from_secs(1) { "0s".to_owned() } else { spoken(duration) }
}

/// A sample as it is, without a unit: whole numbers whole.
#[must_use]
pub fn number(value: f64) -> String {
    if value.is_infinite() {
        Unit::Count.write(value)
    } else if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else if value.abs() >= 1e15 || (value != 0.0 && value.abs() < 1e-3) {
        format!("{value:.4e}")
    } else {
        let digits = format!("{value:.4}");
        digits.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

/// `node/endpoint/source` without the target, and without the node where the target has only one.
#[must_use]
pub fn source_name<'a>(source: &'a SourceState, target: &Target) -> &'a str {
    let below = |id: &'a str, folder: &str| id.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
    let id = source.id.as_str();
    let id = below(id, target.id.as_str()).unwrap_or(id);
    match target.spec.nodes.as_slice() {
        [only] => below(id, only.id.as_str()).unwrap_or(id),
        _none_or_several => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Boot, Wall};

    #[test]
    fn a_countdown_keeps_its_width() {
        let at = |seconds: u64| At { boot: Boot(seconds * 1000), wall: Wall(0) };
        let check = |now, until, want: &str| assert_eq!(countdown(at(now), at(until)), want);
        check(0, 299, "04:59");
        check(300, 299, "00:00");
        check(0, 3_899, "1:04:59");
    }

    #[test]
    fn numbers_are_written_as_they_are() {
        let check = |value, want: &str| assert_eq!(number(value), want);
        check(1_757_407_389_515.0, "1757407389515");
        check(0.0, "0");
        check(0.25, "0.25");
        check(-1.5, "-1.5");
        check(3.000_01, "3");
        check(0.000_01, "1.0000e-5");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "+Inf");
    }
}
