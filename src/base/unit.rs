//! Units of measured values, and how each is written in few columns.

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
}

impl Unit {
    /// The value as an operator reads it; never more than ten columns.
    #[must_use]
    pub fn write(self, value: f64) -> String {
        if value.is_nan() {
            return "NaN".to_owned();
        }
        match self {
            Unit::Count => short(value),
            Unit::Seconds => seconds(value),
            Unit::Milliseconds => seconds(value / 1000.0),
            Unit::Bytes => bytes(value),
            Unit::Ratio => format!("{:.1}%", value * 100.0),
            Unit::PerSecond => format!("{}/s", short(value)),
            Unit::YesNo => if value == 0.0 { "no" } else { "yes" }.to_owned(),
        }
    }
}

fn seconds(value: f64) -> String {
    if value == 0.0 {
        return "0s".to_owned();
    }
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if value < 10.0 && duration.subsec_millis() != 0 && value >= 1.0 => format!("{value:.1}s"),
        Ok(duration) => spoken(duration),
        Err(_) => format!("{value:.1}s"),
    }
}

fn bytes(value: f64) -> String {
    scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

fn short(value: f64) -> String {
    if value.abs() < 100_000.0 {
        let text = if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") };
        return text;
    }
    scaled(value, 1000.0, &["", "k", "M", "G", "T", "P"])
}

fn scaled(value: f64, step: f64, names: &[&str]) -> String {
    let mut rest = value;
    let mut at = 0;
    while rest.abs() >= step && at + 1 < names.len() {
        rest /= step;
        at += 1;
    }
    if at == 0 { format!("{rest:.0}{}", names[at]) } else { format!("{rest:.1}{}", names[at]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_an_operator_says_them() {
        let check = |unit: Unit, value, want: &str| assert_eq!(unit.write(value), want);
        check(Unit::Count, 93.0, "93");
        check(Unit::Count, 1_250_000.0, "1.2M");
        check(Unit::Seconds, 75.0, "1m 15s");
        check(Unit::Seconds, 2.5, "2.5s");
        check(Unit::Milliseconds, 220.0, "220ms");
        check(Unit::Seconds, 0.0, "0s");
        check(Unit::Bytes, 1_572_864.0, "1.5MiB");
        check(Unit::Ratio, 0.995, "99.5%");
        check(Unit::PerSecond, 0.5, "0.50/s");
        check(Unit::YesNo, 1.0, "yes");
        check(Unit::Seconds, -3.0, "-3.0s");
        check(Unit::Count, f64::NAN, "NaN");
    }
}
