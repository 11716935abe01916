//! Numbers as people read them, the way Prometheus writes them.

use super::format::{general, shortest};
use crate::base::Wall;

const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
/// Digits that are shown.
const DIGITS: usize = 4;

/// `1.235M`, `12m`.
pub(super) fn humanize(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return general(number, DIGITS);
    }
    let (number, prefix) = if number.abs() >= 1.0 { divided(number, 1000.0, &LARGE) } else { multiplied(number) };
    format!("{}{prefix}", general(number, DIGITS))
}

/// `1.206Mi`.
pub(super) fn humanize1024(number: f64) -> String {
    if number.abs() <= 1.0 || !number.is_finite() {
        return general(number, DIGITS);
    }
    let (number, prefix) = divided(number, 1024.0, &BINARY);
    format!("{}{prefix}", general(number, DIGITS))
}

/// Seconds as `1d 2h 3m 4s`, or with a prefix below one second.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return general(seconds, DIGITS);
    }
    if seconds == 0.0 {
        return format!("{}s", general(seconds, DIGITS));
    }
    if seconds.abs() < 1.0 {
        let (number, prefix) = multiplied(seconds);
        return format!("{}{prefix}s", general(number, DIGITS));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let size = seconds.abs();
    let whole = size as u64;
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{sign}{}s", general(size, DIGITS)),
        (0, 0, minutes) => format!("{sign}{minutes}m {rest}s"),
        (0, hours, minutes) => format!("{sign}{hours}h {minutes}m {rest}s"),
        (days, hours, minutes) => format!("{sign}{days}d {hours}h {minutes}m {rest}s"),
    }
}

pub(super) fn percentage(ratio: f64) -> String {
    format!("{}%", general(ratio * 100.0, DIGITS))
}

/// Seconds since the epoch as a date, to the millisecond.
pub(super) fn timestamp(seconds: f64) -> Result<String, String> {
    if !seconds.is_finite() {
        return Ok(general(seconds, DIGITS));
    }
    let nanos = seconds * 1e9;
    if nanos >= i64::MAX as f64 || nanos <= i64::MIN as f64 {
        return Err(format!("{} is too far from now to be a time", shortest(seconds)));
    }
    let millis = (nanos as i64).div_euclid(1_000_000);
    let text = Wall(millis).to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    let clock = clock.trim_end_matches('Z');
    let clock = if clock.contains('.') { clock.trim_end_matches('0').trim_end_matches('.') } else { clock };
    Ok(format!("{date} {clock} +0000 UTC"))
}

fn divided(mut number: f64, by: f64, prefixes: &[&'static str]) -> (f64, &'static str) {
    let mut prefix = "";
    for larger in prefixes {
        if number.abs() < by {
            break;
        }
        prefix = larger;
        number /= by;
    }
    (number, prefix)
}

fn multiplied(mut number: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for smaller in SMALL {
        if number.abs() >= 1.0 {
            break;
        }
        prefix = smaller;
        number *= 1000.0;
    }
    (number, prefix)
}
