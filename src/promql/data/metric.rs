//! A series as a test names it: `name`, `{a="b"}`, `name{a="b", c='d'}`.

use super::BadText;
use crate::model::Labels;
use crate::model::labels::NAME;

/// The labels of a series, none where the text is empty. A label that is given as empty is none.
///
/// # Errors
/// It is not of that form, with the place.
pub fn metric(text: &str) -> Result<Labels, BadText> {
    let pairs = pairs(text)?;
    Ok(Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
}

/// As [`metric`], with the labels that are given as empty: no series has them.
///
/// # Errors
/// As [`metric`].
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, BadText> {
    let mut reader = Reader { text, at: 0 };
    let name = reader.blanks().word(true);
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !name.is_empty() {
        pairs.push((NAME.to_owned(), name.to_owned()));
    }
    let braced = reader.blanks().took('{');
    if !braced && name.is_empty() && !reader.rest().is_empty() {
        return Err(reader.bad("a series begins with its name or {"));
    }
    if braced {
        reader.labels(&mut pairs)?;
    }
    match reader.blanks().rest() {
        "" => Ok(pairs),
        rest => Err(reader.bad(format!("{rest:?} can not follow a series"))),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn bad(&self, what: impl Into<String>) -> BadText {
        BadText::at(self.text, self.at, what)
    }

    fn blanks(&mut self) -> &mut Self {
        self.at = self.text.len() - self.rest().trim_start().len();
        self
    }

    fn took(&mut self, sign: char) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        found
    }

    /// A name; only that of a series may have colons.
    fn word(&mut self, colons: bool) -> &'a str {
        let rest = self.rest();
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
        let end = match rest.starts_with(|c: char| c.is_ascii_digit()) {
            true => 0,
            false => rest.find(|c| !allowed(c)).unwrap_or(rest.len()),
        };
        self.at += end;
        &rest[..end]
    }

    /// From behind the brace to behind the one that closes it.
    fn labels(&mut self, pairs: &mut Vec<(String, String)>) -> Result<(), BadText> {
        loop {
            if self.blanks().took('}') {
                return Ok(());
            }
            let name = self.word(false);
            if name.is_empty() {
                return Err(self.bad("here the name of a label is wanted, or }"));
            }
            if !self.blanks().took('=') {
                return Err(self.bad(format!("after the label {name} is wanted =")));
            }
            let value = self.blanks().quoted()?;
            pairs.push((name.to_owned(), value));
            if !self.blanks().took(',') && !self.rest().starts_with('}') {
                return Err(self.bad("after a label is wanted , or }"));
            }
        }
    }

    fn quoted(&mut self) -> Result<String, BadText> {
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
            return Err(self.bad("the value of a label stands in quotes"));
        };
        let start = self.at;
        self.at += 1;
        let mut value = Vec::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                self.at = start;
                return Err(self.bad("a quote that nothing closes"));
            };
            self.at += c.len_utf8();
            match c {
                c if c == quote => break,
                '\\' if quote != '`' => self.escaped(quote, &mut value)?,
                c => value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        String::from_utf8(value).map_err(|_| {
            self.at = start;
            self.bad("escapes that are no text together")
        })
    }

    /// What stands behind a backslash, as in a string of PromQL.
    fn escaped(&mut self, quote: char, value: &mut Vec<u8>) -> Result<(), BadText> {
        let start = self.at;
        let kind = self.rest().chars().next();
        self.at += kind.map_or(0, char::len_utf8);
        let simple = match kind {
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('v') => Some('\u{b}'),
            Some('\\') => Some('\\'),
            Some(c) if c == quote => Some(quote),
            Some(_) | None => None,
        };
        let read = match (simple, kind) {
            (Some(c), _) => Some(c),
            (None, Some('u')) => self.code(4, 16).and_then(char::from_u32),
            (None, Some('U')) => self.code(8, 16).and_then(char::from_u32),
            (None, Some('x')) => return self.byte(2, 16, start, value),
            (None, Some('0'..='7')) => {
                self.at = start;
                return self.byte(3, 8, start, value);
            }
            (None, _) => None,
        };
        match read {
            Some(c) => {
                value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                Ok(())
            }
            None => Err(self.no_escape(start)),
        }
    }

    fn byte(&mut self, digits: usize, radix: u32, start: usize, value: &mut Vec<u8>) -> Result<(), BadText> {
        match self.code(digits, radix).and_then(|code| u8::try_from(code).ok()) {
            Some(byte) => {
                value.push(byte);
                Ok(())
            }
            None => Err(self.no_escape(start)),
        }
    }

    fn code(&mut self, digits: usize, radix: u32) -> Option<u32> {
        let written = self.rest().get(..digits).filter(|text| text.chars().all(|c| c.is_digit(radix)))?;
        self.at += digits;
        u32::from_str_radix(written, radix).ok()
    }

    fn no_escape(&mut self, start: usize) -> BadText {
        self.at = start.saturating_sub(1);
        self.bad("an escape that is none")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_read_as_in_promql() {
        let check = |text: &str, want: &[(&str, &str)]| {
            let got = metric(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(got, Labels::from_pairs(want.iter().copied()), "{text:?}");
        };
        check("x", &[(NAME, "x")]);
        check(" job:x:rate5m ", &[(NAME, "job:x:rate5m")]);
        check("x{}", &[(NAME, "x")]);
        check("{}", &[]);
        check("", &[]);
        check(r#"x{a="b"}"#, &[(NAME, "x"), ("a", "b")]);
        check(r#"x { a = "b" , c='d', }"#, &[(NAME, "x"), ("a", "b"), ("c", "d")]);
        check(r#"{__name__="x",a=`\n`}"#, &[(NAME, "x"), ("a", "\\n")]);
        check(r#"x{a="\"\\\n\t\u00e9\xc3\xa9\101"}"#, &[(NAME, "x"), ("a", "\"\\\n\té\u{e9}A")]);
        check(r#"x{a="",b="é}"}"#, &[(NAME, "x"), ("b", "é}")]);
    }

    #[test]
    fn anything_else_is_refused_at_its_place() {
        let check = |text: &str, column: usize| match metric(text) {
            Err(error) => assert_eq!(error.column, column, "{text:?}: {error}"),
            Ok(read) => panic!("{text:?}: {read}"),
        };
        check("1x", 1);
        check("x y", 3);
        check("x{", 3);
        check("x{a}", 4);
        check(r#"x{a=b}"#, 5);
        check(r#"x{a="b" c="d"}"#, 9);
        check(r#"x{a="b"}}"#, 9);
        check(r#"x{a="b}"#, 5);
        check(r#"x{a=~"b"}"#, 5);
        check(r#"x{a="\q"}"#, 6);
        check(r#"x{a:b="c"}"#, 4);
        check(r#"x{a="\xff"}"#, 5);
        check("é", 1);
    }
}
