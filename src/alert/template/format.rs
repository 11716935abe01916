//! Numbers as Go prints them, and its `printf`.

use super::Value;

/// Widest field and finest precision that are printed: enough for anything a person reads.
const WIDEST: usize = 200;

/// Go changes to an exponent from here on: that of a million.
const EXPONENT_FROM: i32 = 6;

/// The fewest digits that tell the number from its neighbours, as Go prints a float: `61.5`, `1e+06`.
pub(super) fn shortest(number: f64) -> String {
    if let Some(words) = not_finite(number) {
        return words.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if number != 0.0 && !(-4..EXPONENT_FROM).contains(&exponent) => {
            format!("{digits}e{}", signed_exponent(exponent))
        }
        Ok(_) | Err(_) => number.to_string(),
    }
}

fn not_finite(number: f64) -> Option<&'static str> {
    match number {
        number if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _finite => None,
    }
}

/// At least two digits, always with a sign.
fn signed_exponent(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{:02}", exponent.abs())
}

/// `%e` with so many digits behind the point.
fn scientific(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{digits}e{}", signed_exponent(exponent.parse().unwrap_or(0)))
}

/// `%g` with so many significant digits.
pub(super) fn general(number: f64, significant: usize) -> String {
    if let Some(words) = not_finite(number) {
        return words.to_owned();
    }
    let significant = significant.max(1);
    let rounded = format!("{number:.*e}", significant - 1);
    let exponent = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()).unwrap_or(0);
    let limit = i32::try_from(significant).unwrap_or(i32::MAX);
    if number != 0.0 && (exponent < -4 || exponent >= limit) {
        let (digits, _) = rounded.split_once('e').unwrap_or((&rounded, "0"));
        return format!("{}e{}", without_zeros(digits), signed_exponent(exponent));
    }
    let behind = usize::try_from(limit - 1 - exponent).unwrap_or(0);
    without_zeros(&format!("{number:.behind$}")).to_owned()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// A directive of a format: `%[flags][width][.precision]verb`.
#[derive(Default)]
struct Directive {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
}

/// Prints as Go's `Sprintf` does, its notes about wrong arguments included.
pub(super) fn printf(format: &str, args: &[Value]) -> String {
    let mut out = String::new();
    let mut next = 0;
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut directive = Directive::default();
        while let Some(flag) = chars.peek() {
            match flag {
                '-' => directive.minus = true,
                '+' => directive.plus = true,
                '#' => directive.sharp = true,
                ' ' => directive.space = true,
                '0' => directive.zero = true,
                _other => break,
            }
            chars.next();
        }
        directive.width = number(&mut chars).unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            directive.precision = Some(number(&mut chars).unwrap_or(0));
        }
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => {
                match args.get(next) {
                    Some(value) => out.push_str(&directive.print(verb, value)),
                    None => out.push_str(&format!("%!{verb}(MISSING)")),
                }
                next += 1;
            }
        }
    }
    if next < args.len() {
        let extra: Vec<String> = args[next..].iter().map(|arg| format!("{}={}", arg.kind(), arg.shown())).collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<usize> {
    let mut read = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        read = Some((read.unwrap_or(0_usize) * 10 + digit as usize).min(WIDEST));
        chars.next();
    }
    read
}

impl Directive {
    fn print(&self, verb: char, value: &Value) -> String {
        let text = match (verb, value) {
            ('v', Value::Float(number)) => self.float('g', *number),
            ('v', Value::Int(number)) => self.signed(number.to_string()),
            ('v', Value::Text(text)) if self.sharp => quoted(text),
            ('v', value) => value.shown(),
            ('t', Value::Bool(truth)) => truth.to_string(),
            ('T', value) => value.kind().to_owned(),
            ('s', Value::Text(text)) => self.cut(text),
            ('q', Value::Text(text)) => quoted(text),
            ('x', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
            ('X', Value::Text(text)) => text.bytes().map(|byte| format!("{byte:02X}")).collect(),
            ('d', Value::Int(number)) => self.signed(number.to_string()),
            ('b', Value::Int(number)) => self.radix(*number, |size| format!("{size:b}")),
            ('o', Value::Int(number)) => self.radix(*number, |size| format!("{size:o}")),
            ('x', Value::Int(number)) => self.radix(*number, |size| format!("{size:x}")),
            ('X', Value::Int(number)) => self.radix(*number, |size| format!("{size:X}")),
            ('c', Value::Int(number)) => {
                u32::try_from(*number).ok().and_then(char::from_u32).unwrap_or('\u{fffd}').to_string()
            }
            ('e' | 'E' | 'f' | 'F' | 'g' | 'G', Value::Float(number)) => self.float(verb, *number),
            (verb, Value::List(list)) => {
                let each: Vec<String> = list.iter().map(|value| self.print(verb, value)).collect();
                return format!("[{}]", each.join(" "));
            }
            (verb, Value::Nil) => return format!("%!{verb}(<nil>)"),
            (verb, value) => return format!("%!{verb}({}={})", value.kind(), value.shown()),
        };
        self.padded(text, matches!(value, Value::Int(_) | Value::Float(_)))
    }

    fn cut(&self, text: &str) -> String {
        text.chars().take(self.precision.unwrap_or(usize::MAX)).collect()
    }

    fn radix(&self, number: i64, digits: impl Fn(u64) -> String) -> String {
        let sign = if number < 0 { "-" } else { "" };
        self.signed(format!("{sign}{}", digits(number.unsigned_abs())))
    }

    fn float(&self, verb: char, number: f64) -> String {
        let text = match (not_finite(number), verb) {
            (Some(words), _) if self.plus => words.to_owned(),
            (Some(words), _) => words.trim_start_matches('+').to_owned(),
            (None, 'f' | 'F') => format!("{number:.*}", self.precision.unwrap_or(6)),
            (None, 'e') => scientific(number, self.precision.unwrap_or(6)),
            (None, 'E') => scientific(number, self.precision.unwrap_or(6)).to_uppercase(),
            (None, verb) => {
                let text = self.precision.map_or_else(|| shortest(number), |digits| general(number, digits));
                if verb == 'G' { text.to_uppercase() } else { text }
            }
        };
        if not_finite(number).is_some() && !self.plus && number == f64::INFINITY {
            return "+Inf".to_owned();
        }
        self.signed(text)
    }

    fn signed(&self, text: String) -> String {
        match (text.starts_with(['-', '+']), self.plus, self.space) {
            (false, true, _) => format!("+{text}"),
            (false, false, true) => format!(" {text}"),
            (true, _, _) | (false, false, false) => text,
        }
    }

    fn padded(&self, text: String, is_number: bool) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        if missing == 0 {
            return text;
        }
        if self.minus {
            return text + &" ".repeat(missing);
        }
        if self.zero && is_number && !text.ends_with("Inf") && text != "NaN" {
            let sign = text.find(|c: char| !"+- ".contains(c)).unwrap_or(0);
            return format!("{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..]);
        }
        " ".repeat(missing) + &text
    }
}

/// A text in quotes, so that it could be read back.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() && u32::from(c) < 0x80 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
