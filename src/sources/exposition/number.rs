//! Numbers of expositions, most of which are short.

/// Powers of ten that are exact as a number.
const EXACT: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Digits that always fit 64 bits.
const MOST_DIGITS: usize = 19;

/// Integers up to this one are exact as a number.
const MOST_EXACT: u64 = 1 << 53;

/// A value: digits, exponents, `NaN`, `+Inf`, `-Inf`. None for what is no number, or one too large to hold.
pub(super) fn value(text: &[u8]) -> Option<f64> {
    if let Some(plain) = plain(text) {
        return Some(plain);
    }
    let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let overflown = value.is_infinite() && text.iter().any(u8::is_ascii_digit);
    (!overflown).then_some(value)
}

/// Whole numbers and short decimals, which a division of two exact numbers rounds as it should be.
fn plain(text: &[u8]) -> Option<f64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some(_) | None => (false, text),
    };
    let (mut mantissa, mut count, mut point) = (0u64, 0, None);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                count += 1;
            }
            b'.' if point.is_none() => point = Some(count),
            _ => return None,
        }
    }
    if count == 0 || count > MOST_DIGITS {
        return None;
    }
    let whole = match point {
        None => mantissa as f64,
        Some(point) if mantissa <= MOST_EXACT => mantissa as f64 / EXACT.get(count - point)?,
        Some(_) => return None,
    };
    Some(if negative { -whole } else { whole })
}

/// Whole milliseconds.
pub(super) fn milliseconds(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds with a fraction, in milliseconds.
pub(super) fn seconds(text: &[u8]) -> Option<i64> {
    value(text).filter(|seconds| seconds.is_finite()).map(|seconds| (seconds * 1000.0) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_and_nothing_else_is() {
        let check = |text: &str, want: Option<f64>| {
            assert_eq!(value(text.as_bytes()).map(f64::to_bits), want.map(f64::to_bits), "{text}");
        };
        check("0", Some(0.0));
        check("-0", Some(-0.0));
        check("18446744073709551615", Some(18_446_744_073_709_551_615.0));
        check("0.1", Some(0.1));
        check("123456789.123456789", Some(123_456_789.123_456_79));
        check("1e400", None);
        check("1e-400", Some(0.0));
        check("+Inf", Some(f64::INFINITY));
        check("-inf", Some(f64::NEG_INFINITY));
        check("NaN", Some(f64::NAN));
        for text in ["", "-", ".", "-.", "1.2.3", "--1", "0x10", "1_000", "1,5", "one", "1\0", "٣", "in", "nano"] {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn digits_are_read_as_the_standard_library_does(text in "-?[0-9]{0,22}(\\.[0-9]{0,22})?") {
            let want = text.parse::<f64>().ok();
            prop_assert_eq!(value(text.as_bytes()).map(f64::to_bits), want.map(f64::to_bits));
        }

        #[test]
        fn what_is_written_is_read_back(bits in any::<u64>()) {
            let want = f64::from_bits(bits);
            let back = value(want.to_string().as_bytes());
            prop_assert!(back.is_some_and(|back| back.to_bits() == bits || (back.is_nan() && want.is_nan())));
        }
    }
}
