//! Numbers as Prometheus writes and reads them in its answers.

/// As in a vector or a matrix: the shortest digits that say it exactly, with an exponent only for the very small and
/// the very large.
#[must_use]
pub fn written(value: f64) -> String {
    let size = value.abs();
    let plain = size == 0.0 || (1e-6..1e21).contains(&size);
    if plain || !value.is_finite() { plainly(value) } else { with_exponent(value) }
}

/// As in a scalar: never with an exponent.
#[must_use]
pub fn plainly(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

/// `1.5e+21`, `1e-07`: at least two digits.
fn with_exponent(value: f64) -> String {
    let short = format!("{value:e}");
    let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Reads what either of them wrote.
#[must_use]
pub fn read(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        text if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => text.parse().ok(),
        _no_number => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        let check = |value: f64, want: &str| {
            assert_eq!(written(value), want);
            let back = read(want).unwrap_or_else(|| panic!("{want}"));
            assert!(back == value || back.is_nan() && value.is_nan(), "{want}");
        };
        check(0.0, "0");
        check(-0.0, "-0");
        check(1.0, "1");
        check(0.1, "0.1");
        check(-2.5, "-2.5");
        check(1_600_000_000.5, "1600000000.5");
        check(1e20, "100000000000000000000");
        check(1e21, "1e+21");
        check(-1.5e300, "-1.5e+300");
        check(1e-6, "0.000001");
        check(1e-7, "1e-07");
        check(5e-324, "5e-324");
        check(f64::NAN, "NaN");
        check(f64::INFINITY, "+Inf");
        check(f64::NEG_INFINITY, "-Inf");
        assert_eq!(plainly(1e21), "1000000000000000000000");
        assert_eq!(plainly(1e-7), "0.0000001");
        for none in ["", "x", "nan(1)", "infinity", "1x"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
