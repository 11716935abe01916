//! Units of measured values, and how each is written in few columns.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Wall;
use super::time::spoken;

/// What a number counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// A plain number.
    #[default]
    Count,
    Seconds,
    Milliseconds,
    Bytes,
    /// 0 to 1, shown as 0 to 100 %.
    Ratio,
    PerSecond,
    /// 1 is yes, 0 is no.
    YesNo,
    /// Seconds since the Unix epoch: a moment, not a duration.
    Time,
    /// How often something happened. Prometheus' `increase` reckons with fractions of events; nobody has seen one, so
    /// it is written whole.
    Events,
}

impl Unit {
    /// Every unit by the name that files give it: the one of `system.ron`.
    pub const NAMED: [(&str, Unit); 9] = [
        ("Count", Unit::Count),
        ("Seconds", Unit::Seconds),
        ("Milliseconds", Unit::Milliseconds),
        ("Bytes", Unit::Bytes),
        ("Ratio", Unit::Ratio),
        ("PerSecond", Unit::PerSecond),
        ("YesNo", Unit::YesNo),
        ("Time", Unit::Time),
        ("Events", Unit::Events),
    ];

    /// The unit of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Unit> {
        Unit::NAMED.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit)
    }

    /// The value as an operator reads it; never more than ten columns, and nothing but zero is written as zero.
    #[must_use]
    pub fn write(self, value: f64) -> String {
        self.digits(value, None)
    }

    /// As [`Unit::write`], read at this moment: a time is told by how long ago it was.
    #[must_use]
    pub fn write_at(self, value: f64, now: Wall) -> String {
        match moment(value).filter(|_| self == Unit::Time) {
            Some(then) if then <= now => format!("{} ago", rough(now.since(then))),
            Some(then) => format!("in {}", rough(then.since(now))),
            None => self.write(value),
        }
    }

    /// As [`Unit::write`], with as many digits as different values need to be told apart: the labels of a scale.
    #[must_use]
    pub fn write_apart<const N: usize>(self, values: [f64; N]) -> [String; N] {
        const MOST_DIGITS: usize = 4;
        let differ = |written: &[String; N]| {
            let mut pairs = (0..N).flat_map(|at| (0..at).map(move |other| (at, other)));
            pairs.all(|(at, other)| values[at] == values[other] || written[at] != written[other])
        };
        let more = (0..=MOST_DIGITS).map(Some);
        let mut tries = std::iter::once(None).chain(more).map(|digits| values.map(|value| self.digits(value, digits)));
        tries.find(differ).unwrap_or_else(|| values.map(|value| self.digits(value, Some(MOST_DIGITS))))
    }

    /// With this many digits after the point; without a number, as many as read well.
    fn digits(self, value: f64, digits: Option<usize>) -> String {
        if value.is_nan() {
            return "NaN".to_owned();
        }
        if value.is_infinite() {
            // As Prometheus writes it.
            return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
        }
        match self {
            Unit::Count => short(value, digits),
            Unit::Seconds => seconds(value, digits),
            Unit::Milliseconds => seconds(value / 1000.0, digits),
            Unit::Bytes => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"], digits),
            Unit::Ratio => percent(value * 100.0, digits),
            Unit::PerSecond => format!("{}/s", short(value, digits)),
            Unit::YesNo => if value == 0.0 { "no" } else { "yes" }.to_owned(),
            Unit::Time => time(value, digits),
            Unit::Events => events(value, digits),
        }
    }
}

/// Whole, unless a scale needs more digits to tell its labels apart.
fn events(value: f64, digits: Option<usize>) -> String {
    match (value, digits) {
        (_, Some(_)) => short(value, digits),
        (0.0, None) => "0".to_owned(),
        (value, None) if value.abs() < 0.5 => if value > 0.0 { "<1" } else { ">-1" }.to_owned(),
        (value, None) => short(value.round(), None),
    }
}

/// What is called a time and is less than this (in 1973) is a duration: `block_time_seconds` is twelve seconds, not
/// the beginning of 1970.
const EARLIEST_SECONDS: f64 = 100_000_000.0;
/// What is called a time and is more than this (in 2100) is no time in seconds.
const LATEST_SECONDS: f64 = 4_102_444_800.0;

/// The moment that a time means.
fn moment(value: f64) -> Option<Wall> {
    (EARLIEST_SECONDS..=LATEST_SECONDS).contains(&value).then_some(Wall((value * 1000.0) as i64))
}

/// The date; where more digits are asked for, so that times of one day differ, the time of day.
fn time(value: f64, digits: Option<usize>) -> String {
    match (moment(value), digits) {
        (Some(at), None) => at.to_string().chars().take("2026-11-21".len()).collect(),
        (Some(at), Some(_)) => at.clock(),
        (None, _) if value.abs() < EARLIEST_SECONDS => seconds(value, digits),
        (None, _) => short(value, digits),
    }
}

/// A duration in its largest unit alone.
fn rough(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

fn seconds(value: f64, digits: Option<usize>) -> String {
    const LONGEST: f64 = 1e12;
    match (value, digits) {
        (0.0, _) => "0s".to_owned(),
        (value, _) if value < 0.0 => format!("-{}", seconds(-value, digits)),
        // A microsecond is not nothing.
        (value, _) if value < 1e-9 => format!("{value:.1e}s"),
        (value, _) if value < 0.01 => format!("{}ms", short(value * 1000.0, digits)),
        (value, _) if value >= LONGEST => format!("{value:.1e}s"),
        (value, Some(digits)) => format!("{value:.digits$}s"),
        (value, None) if value >= 86_400.0 * 1000.0 => format!("{:.0}d", value / 86_400.0),
        (value, None) if (1.0..10.0).contains(&value) && value.fract() >= 0.001 => format!("{value:.1}s"),
        (value, None) => spoken(Duration::from_secs_f64(value)),
    }
}

fn percent(value: f64, digits: Option<usize>) -> String {
    let plain = value == 0.0 || (0.05..1000.0).contains(&value.abs());
    match digits {
        None if plain => format!("{value:.1}%"),
        digits => format!("{}%", short(value, digits)),
    }
}

/// A number of at most eight columns.
fn short(value: f64, digits: Option<usize>) -> String {
    let whole = value.fract() == 0.0;
    match (value.abs(), digits) {
        (100_000.0.., _) => scaled(value, 1000.0, &["", "k", "M", "G", "T", "P"], digits),
        (_, None) if whole => format!("{value:.0}"),
        (0.001.., Some(digits)) => format!("{value:.digits$}"),
        (10_000.0.., None) => format!("{value:.0}"),
        (0.1.., None) => format!("{value:.2}"),
        (0.001.., None) => format!("{value:.4}").trim_end_matches('0').to_owned(),
        (size, digits) => {
            // An exponent of three figures leaves room for one digit.
            let least = usize::from(size > 1e-99);
            let written = format!("{value:.*e}", digits.unwrap_or(least));
            written.replacen(".0e", "e", 1)
        }
    }
}

fn scaled(value: f64, step: f64, names: &[&str], digits: Option<usize>) -> String {
    let (mut rest, mut at) = (value, 0);
    // By what will be written: 999 999 is a million when it is rounded, and not a thousand thousand.
    while (rest.abs() * 10.0).round() / 10.0 >= step && at + 1 < names.len() {
        rest /= step;
        at += 1;
    }
    match at {
        _ if rest.abs() >= step => format!("{value:.1e}{}", names[0]),
        0 if digits.is_none() && (rest.fract() == 0.0 || rest.abs() >= 10.0) => format!("{rest:.0}{}", names[0]),
        0 => format!("{}{}", short(rest, digits), names[0]),
        _ => format!("{rest:.*}{}", digits.unwrap_or(1), names[at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text;

    #[test]
    fn values_read_as_an_operator_says_them() {
        let check = |unit: Unit, value, want: &str| assert_eq!(unit.write(value), want);
        check(Unit::Count, 93.0, "93");
        check(Unit::Count, 1_250_000.0, "1.2M");
        check(Unit::Count, 999_999.0, "1.0M");
        check(Unit::Count, 0.25, "0.25");
        check(Unit::Count, 0.0042, "0.0042");
        check(Unit::Count, 0.000_001, "1e-6");
        check(Unit::Count, -0.000_012, "-1.2e-5");
        check(Unit::Count, f64::INFINITY, "+Inf");
        check(Unit::Bytes, f64::NEG_INFINITY, "-Inf");
        check(Unit::Seconds, 75.0, "1m 15s");
        check(Unit::Seconds, 2.5, "2.5s");
        check(Unit::Seconds, 0.000_002, "0.002ms");
        check(Unit::Milliseconds, 220.0, "220ms");
        check(Unit::Seconds, 0.0, "0s");
        check(Unit::Bytes, 1_572_864.0, "1.5MiB");
        check(Unit::Bytes, 0.5, "0.50B");
        check(Unit::Ratio, 0.995, "99.5%");
        check(Unit::Ratio, 0.000_001, "1e-4%");
        check(Unit::PerSecond, 0.5, "0.50/s");
        check(Unit::PerSecond, 0.000_4, "4e-4/s");
        check(Unit::YesNo, 1.0, "yes");
        check(Unit::Seconds, -3.0, "-3s");
        check(Unit::Count, f64::NAN, "NaN");
        check(Unit::Time, 1_795_230_245.0, "2026-11-21");
        check(Unit::Time, 12.0, "12s");
        check(Unit::Events, 66.97, "67");
        check(Unit::Events, 1.01, "1");
        check(Unit::Events, 0.3, "<1");
        check(Unit::Events, 0.0, "0");
        check(Unit::Events, 287_340.4, "287.3k");
    }

    #[test]
    fn the_names_of_units_are_those_of_the_files() {
        for (name, unit) in Unit::NAMED {
            let read: Unit = crate::base::ron_text::parse("unit", name).unwrap_or_else(|why| panic!("{name}: {why:?}"));
            assert_eq!((read, Unit::named(name)), (unit, Some(unit)));
        }
        assert_eq!(Unit::named("seconds"), None);
    }

    #[test]
    fn a_time_is_told_by_its_age() {
        let now = Wall(1_795_230_245_000);
        let check = |value: f64, want: &str| assert_eq!(Unit::Time.write_at(value, now), want, "{value}");
        check(1_795_230_240.0, "5s ago");
        check(1_795_226_000.0, "1h ago");
        check(1_793_226_000.0, "23d ago");
        check(1_795_240_000.0, "in 2h");
        check(12.0, "12s");
        assert_eq!(Unit::Count.write_at(12.0, now), "12");
    }

    #[test]
    fn the_labels_of_a_scale_differ() {
        let check = |unit: Unit, values: [f64; 3], want: [&str; 3]| assert_eq!(unit.write_apart(values), want);
        let gib = f64::from(1 << 30);
        check(Unit::Bytes, [24.28 * gib, 24.4 * gib, 24.52 * gib], ["24.3GiB", "24.4GiB", "24.5GiB"]);
        check(Unit::Bytes, [24.4 * gib, 24.405 * gib, 24.41 * gib], ["24.400GiB", "24.405GiB", "24.410GiB"]);
        check(Unit::Count, [995_000.0, 1_000_000.0, 1_005_000.0], ["995.000k", "1.000M", "1.005M"]);
        check(Unit::Seconds, [3582.0, 3600.0, 3618.0], ["3582s", "3600s", "3618s"]);
        check(Unit::Time, [1_795_230_245.0, 1_795_230_246.0, 1_795_230_247.0], ["03:04:05", "03:04:06", "03:04:07"]);
        check(Unit::Count, [5.0, 5.0, 5.0], ["5", "5", "5"]);
    }

    /// Whatever is measured, it fits its column, and only zero looks like zero.
    #[test]
    fn no_value_is_too_wide_or_looks_like_nothing() {
        let units = Unit::NAMED.map(|(_, unit)| unit);
        let mut value: f64 = 1e-300;
        while value < 1e300 {
            for value in [value, -value, value * 9.9996, value.round()] {
                for unit in units {
                    let written = unit.write(value);
                    assert!(text::width(&written) <= 10, "{unit:?} {value} {written}");
                    let digits = written.split('e').next().unwrap_or_default();
                    let something = unit == Unit::YesNo || digits.contains(|c: char| ('1'..='9').contains(&c));
                    assert!(value == 0.0 || something, "{unit:?} {value} {written}");
                    assert!(text::width(&unit.write_at(value, Wall(1_795_230_245_000))) <= 10, "{unit:?} {value}");
                }
            }
            value *= 3.7;
        }
    }
}
