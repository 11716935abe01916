//! Regular expressions as Prometheus reads them: RE2's syntax, said in that of the crate regex.
//!
//! The two look alike and differ in places that would change a number without a word: to RE2 `\d`, `\w`, `\s` and
//! `\b` know ASCII alone, a class holds no other class and no set operations, and a brace that counts nothing is a
//! brace. What RE2 refuses is refused here too.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

use super::ExprError;
use super::dialect::Dialect;

/// More repetitions than this RE2 does not count.
const MOST_REPEATED: u32 = 1000;

/// A pattern that is none.
struct Refused;

/// As Prometheus reads it: anchored at both ends. In 3, `.` matches a newline too.
pub(super) fn anchored(pattern: &str, dialect: Dialect) -> Result<Regex, ExprError> {
    let refused = || ExprError::Unsupported { construct: format!("regular expression {pattern:?}") };
    let said = translated(pattern).map_err(|Refused| refused())?;
    // Alone first: an unbalanced pattern such as `a)|(b` would otherwise break out of the anchors.
    Regex::new(&said).map_err(|_| refused())?;
    let flags = match dialect {
        Dialect::V2 => "",
        Dialect::V3 => "s",
    };
    Regex::new(&format!("^(?{flags}:{said})$")).map_err(|_| refused())
}

fn translated(pattern: &str) -> Result<String, Refused> {
    let mut reader = Reader { chars: pattern.chars().peekable(), said: String::new() };
    let mut repeated = false;
    while let Some(c) = reader.chars.next() {
        let repeats = match c {
            '*' | '+' | '?' => true,
            '{' => reader.count()?,
            _ => false,
        };
        if repeats {
            // `a**` is no pattern to RE2.
            if repeated {
                return Err(Refused);
            }
            if c != '{' {
                reader.said.push(c);
            }
            if reader.chars.next_if_eq(&'?').is_some() {
                reader.said.push('?');
            }
        } else if c != '{' {
            reader.piece(c)?;
        }
        repeated = repeats;
    }
    Ok(reader.said)
}

/// What is left of a pattern, and what was said of it.
struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
    said: String,
}

impl Reader<'_> {
    fn piece(&mut self, c: char) -> Result<(), Refused> {
        match c {
            '\\' => self.escape(false),
            '[' => self.class(),
            '(' => self.group(),
            '}' | ']' => {
                self.literal(c);
                Ok(())
            }
            c => {
                self.said.push(c);
                Ok(())
            }
        }
    }

    /// Says a character that stands for itself.
    fn literal(&mut self, c: char) {
        if c.is_ascii_punctuation() && !matches!(c, '<' | '>') {
            self.said.push('\\');
        }
        self.said.push(c);
    }

    /// Behind `{`: whether it counts. Where it does not, it is said as a brace.
    fn count(&mut self) -> Result<bool, Refused> {
        let rest: String = self.chars.clone().take_while(|c| *c != '}').collect();
        let closed = self.chars.clone().nth(rest.chars().count()) == Some('}');
        let (low, high) = rest.split_once(',').unwrap_or((&rest, &rest));
        let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        if !closed || !number(low) || !(high.is_empty() || number(high)) {
            self.literal('{');
            return Ok(false);
        }
        for bound in [low, high].into_iter().filter(|bound| !bound.is_empty()) {
            if bound.parse::<u32>().is_ok_and(|bound| bound <= MOST_REPEATED) {
                continue;
            }
            return Err(Refused);
        }
        self.said.push_str(&format!("{{{rest}}}"));
        self.chars.nth(rest.chars().count());
        Ok(true)
    }

    /// Behind `(`: only the flags that RE2 has.
    fn group(&mut self) -> Result<(), Refused> {
        self.said.push('(');
        if self.chars.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.said.push('?');
        if matches!(self.chars.peek(), Some('P' | '<')) {
            return Ok(());
        }
        for c in self.chars.by_ref() {
            self.said.push(c);
            match c {
                ':' | ')' => return Ok(()),
                'i' | 'm' | 's' | 'U' | '-' => {}
                _ => return Err(Refused),
            }
        }
        Err(Refused)
    }

    /// Behind a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), Refused> {
        let Some(c) = self.chars.next() else { return Err(Refused) };
        match c {
            'd' => self.said.push_str("[0-9]"),
            'D' => self.said.push_str("[^0-9]"),
            'w' => self.said.push_str("[0-9A-Za-z_]"),
            'W' => self.said.push_str("[^0-9A-Za-z_]"),
            's' => self.said.push_str(r"[\t\n\x0C\r ]"),
            'S' => self.said.push_str(r"[^\t\n\x0C\r ]"),
            'b' | 'B' if !in_class => self.said.push_str(&format!("(?-u:\\{c})")),
            'A' | 'z' if !in_class => self.said.extend(['\\', c]),
            'Q' if !in_class => self.quoted(),
            'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'x' | 'p' | 'P' => {
                self.said.extend(['\\', c]);
                // What belongs to it is the same in both.
                if matches!(c, 'x' | 'p' | 'P') && self.chars.peek() == Some(&'{') {
                    let inside = self.chars.by_ref().take_while(|c| *c != '}');
                    self.said.extend(inside);
                    self.said.push('}');
                }
            }
            '0'..='7' => self.octal(c)?,
            // Whatever else is ASCII and no letter stands for itself, a space too.
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => self.literal(c),
            _ => return Err(Refused),
        }
        Ok(())
    }

    /// Between `\Q` and `\E` everything stands for itself.
    fn quoted(&mut self) {
        while let Some(c) = self.chars.next() {
            if c == '\\' && self.chars.next_if_eq(&'E').is_some() {
                return;
            }
            self.literal(c);
        }
    }

    /// Up to three digits; one alone that is not zero would be a reference to a group, which RE2 has not.
    fn octal(&mut self, first: char) -> Result<(), Refused> {
        let mut digits = String::from(first);
        while digits.len() < 3
            && let Some(digit) = self.chars.next_if(|c| ('0'..='7').contains(c))
        {
            digits.push(digit);
        }
        if digits.len() == 1 && first != '0' {
            return Err(Refused);
        }
        let code = u32::from_str_radix(&digits, 8).map_err(|_| Refused)?;
        self.said.push_str(&format!("\\x{{{code:x}}}"));
        Ok(())
    }

    /// Behind `[`: characters and ranges of them.
    fn class(&mut self) -> Result<(), Refused> {
        self.said.push('[');
        if self.chars.next_if_eq(&'^').is_some() {
            self.said.push('^');
        }
        let mut first = true;
        while let Some(c) = self.chars.next() {
            match c {
                // As the first of a class it stands for itself.
                ']' if !first => {
                    self.said.push(']');
                    return Ok(());
                }
                '[' if self.chars.peek() == Some(&':') => self.named_class(),
                '\\' => self.escape(true)?,
                c => self.literal(c),
            }
            first = false;
            self.range()?;
        }
        Err(Refused)
    }

    /// The second half of `a-z`, if there is one.
    fn range(&mut self) -> Result<(), Refused> {
        let mut ahead = self.chars.clone();
        if ahead.next() != Some('-') || matches!(ahead.next(), Some(']') | None) {
            return Ok(());
        }
        self.chars.next();
        self.said.push('-');
        match self.chars.next() {
            Some('\\') => self.escape(true),
            Some(c) => {
                self.literal(c);
                Ok(())
            }
            None => Err(Refused),
        }
    }

    /// `[:alpha:]`, or a bracket that stands for itself.
    fn named_class(&mut self) {
        let rest: String = self.chars.clone().collect();
        match rest.find(":]") {
            Some(end) if rest[1..end].chars().all(|c| c.is_ascii_lowercase() || c == '^') => {
                self.said.push('[');
                self.said.push_str(&rest[..end + 2]);
                self.chars.nth(end + 1);
            }
            Some(_) | None => self.literal('['),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_prometheus() {
        let check = |pattern: &str, value: &str, want: bool| {
            let regex = anchored(pattern, Dialect::V3).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(regex.is_match(value), want, "{pattern} on {value:?}, said as {regex}");
        };
        check("a|b", "a", true);
        check("a|b", "ab", false);
        check("a.c", "a\nc", true);
        check("a", "a\n", false);
        check("", "", true);
        check(r"\d+", "42", true);
        check(r"\d", "٣", false);
        check(r"\w+", "a_1", true);
        check(r"\w", "é", false);
        check(r"\W", "é", true);
        check(r"\s", "\u{a0}", false);
        check(r"é\b.", "é.", false);
        check(r"e\b.", "e.", true);
        check(r"[\d-]+", "4-2", true);
        check(r"[a&&b]", "&", true);
        check("[a[]", "[", true);
        check("[]a]+", "]a", true);
        check("[^]]", "]", false);
        check("[a-]+", "a-", true);
        check("[--/]", ".", true);
        check("[[:alpha:]-]+", "a-", true);
        check("[~~]", "~", true);
        check("a{2}", "aa", true);
        check("a{2,}", "aaa", true);
        check("a{2", "a{2", true);
        check("a{,2}", "a{,2}", true);
        check("{}", "{}", true);
        check(r"\Qa.b\E.", "a.bc", true);
        check(r"\Qa.b\E.", "axbc", false);
        check(r"\101\0", "A\0", true);
        check(r"\<a\>", "<a>", true);
        check("(?i:AB)c", "abc", true);
        check(r"\x41\x{42}\pL", "ABc", true);
        check("a*?b", "aab", true);
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for pattern in ["a)|(b", "(", "[a", "a**", "a+{2}", "a{1001}", "(?x)a", r"\1", r"\y", "*", "(?u:a)", "a\\"] {
            assert!(anchored(pattern, Dialect::V3).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_newline_is_matched_since_3() {
        assert!(anchored("a.c", Dialect::V3).expect("a.c").is_match("a\nc"));
        assert!(!anchored("a.c", Dialect::V2).expect("a.c").is_match("a\nc"));
    }
}
