//! Durations as Prometheus writes them: `1h30m`, `5s`, `1d`, `500ms`.

use std::time::Duration;

const UNITS: &[(&str, u64)] = &[
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a duration: numbers with units, each unit at most once, the longest first; or a bare `0`.
///
/// # Errors
/// Not of that form, or longer than the clocks reach. The message says what to write.
pub fn parse(text: &str) -> Result<Duration, String> {
    let malformed = || format!("{text:?} is not a duration; write numbers with units, such as 90s, 1h30m or 1d");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut total, mut allowed) = (text, 0_u64, UNITS);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(malformed)?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).map_or(after, |end| &after[..end]);
        let place = allowed.iter().position(|(name, _)| *name == unit).ok_or_else(malformed)?;
        let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(allowed[place].1));
        total = millis
            .and_then(|millis| total.checked_add(millis))
            .ok_or_else(|| if number.is_empty() { malformed() } else { format!("{text:?} is too long") })?;
        allowed = &allowed[place + 1..];
        rest = &after[unit.len()..];
    }
    if text.is_empty() { Err(malformed()) } else { Ok(Duration::from_millis(total)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_prometheus_reads_them() {
        let check = |text: &str, want: Option<u64>| {
            assert_eq!(parse(text).ok(), want.map(Duration::from_millis), "{text:?}");
        };
        check("0", Some(0));
        check("0s", Some(0));
        check("5s", Some(5_000));
        check("1h30m", Some(5_400_000));
        check("1d", Some(86_400_000));
        check("2w", Some(1_209_600_000));
        check("1y", Some(31_536_000_000));
        check("500ms", Some(500));
        check("1m500ms", Some(60_500));
        check("1s1ms", Some(1_001));
        for wrong in
            ["", "5", "s", "m5", "30m1h", "1h1h", "1.5h", "-5s", "5 s", "5S", "1ms1s", "5min", "99999999999999y"]
        {
            check(wrong, None);
        }
    }
}
