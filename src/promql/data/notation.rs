//! The expanding notation of a test's samples: `1 2 _ stale`, `0+10x5`, `7x3`, `_x4`.

use super::BadText;

/// Samples that one text may expand to.
const MOST_SAMPLES: usize = 10_000_000;

/// What is given at one turn.
#[derive(Clone, Copy, Debug)]
pub enum Given {
    Value(f64),
    /// Nothing was scraped.
    Nothing,
    /// The series has left the scrape.
    Stale,
}

/// Every turn that the text stands for, in order. Items are separated by blanks:
///
/// | item | stands for |
/// |---|---|
/// | `a` | the number, `Inf` or `NaN` |
/// | `axn` | it, and n times more |
/// | `a+bxn`, `a-bxn` | it, and n more, each by b larger or smaller than the one before |
/// | `_`, `_xn` | nothing, once or n times |
/// | `stale` | the series has left; `stalexn` is none, but n may follow other forms |
///
/// # Errors
/// An item that is none of them, with its place.
pub fn values(text: &str) -> Result<Vec<Given>, BadText> {
    let mut read = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let Some(item) = rest.split([' ', '\t', '\n', '\r']).next().filter(|item| !item.is_empty()) else {
            return Ok(read);
        };
        let start = text.len() - rest.len();
        Item { text, start, item, at: 0 }.expand(&mut read)?;
        rest = &rest[item.len()..];
    }
}

/// One item, and how far it was read.
struct Item<'a> {
    text: &'a str,
    start: usize,
    item: &'a str,
    at: usize,
}

impl Item<'_> {
    fn bad(&self, what: impl Into<String>) -> BadText {
        BadText::at(self.text, self.start + self.at, what)
    }

    fn expand(mut self, into: &mut Vec<Given>) -> Result<(), BadText> {
        if self.took('_') {
            let times = if self.took('x') { self.times(into.len())? } else { 1 };
            self.ended()?;
            into.extend(std::iter::repeat_n(Given::Nothing, times));
            return Ok(());
        }
        if self.word("stale") {
            into.push(Given::Stale);
            return Ok(());
        }
        let first = self.signed()?;
        let step = if self.took('x') {
            0.0
        } else if self.is_at_end() {
            return self.push(first, 0.0, 0, into);
        } else {
            let step = self.step()?;
            if !self.took('x') {
                return Err(self.bad("after what is added must stand x and how many times"));
            }
            step
        };
        let times = self.times(into.len())?;
        self.ended()?;
        self.push(first, step, times, into)
    }

    /// The first, and as many more; each is added to, so that roundings add up as they do in Prometheus.
    fn push(&self, first: f64, step: f64, times: usize, into: &mut Vec<Given>) -> Result<(), BadText> {
        let mut value = first;
        into.push(Given::Value(value));
        for _ in 0..times {
            value += step;
            into.push(Given::Value(value));
        }
        Ok(())
    }

    fn rest(&self) -> &str {
        &self.item[self.at..]
    }

    fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    fn took(&mut self, sign: char) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        found
    }

    /// Whether all that is left is this word, in lower case.
    fn word(&self, word: &str) -> bool {
        self.rest() == word
    }

    fn ended(&self) -> Result<(), BadText> {
        match self.rest().chars().next() {
            None => Ok(()),
            Some(next) => Err(self.bad(format!("{next:?} can not follow here; separate samples by blanks"))),
        }
    }

    fn signed(&mut self) -> Result<f64, BadText> {
        if self.took('-') {
            Ok(-self.number()?)
        } else {
            self.took('+');
            self.number()
        }
    }

    /// What is added each time: it always has a sign.
    fn step(&mut self) -> Result<f64, BadText> {
        match self.rest().starts_with(['+', '-']) {
            true => self.signed(),
            false => Err(self.bad(format!("{:?} can not follow a number; write + - or x", self.rest()))),
        }
    }

    fn number(&mut self) -> Result<f64, BadText> {
        let end = number_end(self.rest());
        let written = &self.rest()[..end];
        let follows = self.rest()[end..].chars().next();
        let whole = follows.is_none_or(|c| !(c.is_alphanumeric() || c == '_') || (c == 'x' && is_digits(written)));
        match written.parse::<f64>() {
            Ok(number) if whole => {
                self.at += end;
                Ok(number)
            }
            Ok(_) | Err(_) => Err(self.bad(format!("{:?} is no number, no _ and not stale", self.rest()))),
        }
    }

    fn times(&mut self, have: usize) -> Result<usize, BadText> {
        let end = self.rest().find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest().len());
        let digits = &self.rest()[..end];
        match digits.parse::<usize>() {
            Ok(times) if times.saturating_add(have) < MOST_SAMPLES => {
                self.at += end;
                Ok(times)
            }
            Ok(_) => Err(self.bad(format!("more than {MOST_SAMPLES} samples"))),
            Err(_) => Err(self.bad(format!("{:?} does not say how many times", self.rest()))),
        }
    }
}

/// Whether it is written in digits: a word such as `Inf` can not be repeated.
fn is_digits(written: &str) -> bool {
    written.starts_with(|c: char| c.is_ascii_digit() || c == '.')
}

/// Where a number ends that begins here: digits, a point and an exponent, or a word.
fn number_end(text: &str) -> usize {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if !is_digits(text) {
        return text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len()).min(words(text));
    }
    let mut end = digits(text);
    if text[end..].starts_with('.') {
        end += 1 + digits(&text[end + 1..]);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        end += 1 + sign + digits(&text[end + 1 + sign..]);
    }
    end
}

/// The length of `inf` or `nan` in any case, else nothing: `infinity` is no number here.
fn words(text: &str) -> usize {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    if ["inf", "nan"].iter().any(|word| text[..end].eq_ignore_ascii_case(word)) { end } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(given: &Given) -> String {
        match given {
            Given::Value(value) => value.to_string(),
            Given::Nothing => "_".to_owned(),
            Given::Stale => "stale".to_owned(),
        }
    }

    #[test]
    fn the_notation_expands_as_in_promtool() {
        let check = |text: &str, want: &str| {
            let got = values(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!(got.iter().map(written).collect::<Vec<_>>().join(" "), want, "{text:?}");
        };
        check("", "");
        check("  1\t2 ", "1 2");
        check("1 2 3", "1 2 3");
        check("0+10x3", "0 10 20 30");
        check("10-2.5x2", "10 7.5 5");
        check("-2+4x3", "-2 2 6 10");
        check("-1-1x2", "-1 -2 -3");
        check("7x2", "7 7 7");
        check("-7x1", "-7 -7");
        check("7x0", "7");
        check("1x03", "1 1 1 1");
        check("0x10", "0 0 0 0 0 0 0 0 0 0 0");
        check("_", "_");
        check("_x3 4", "_ _ _ 4");
        check("_x0", "");
        check("1 stale 2", "1 stale 2");
        check("1 +1x3", "1 1 1 1 1");
        check("+1", "1");
        check("1e3 .5 1. 01", "1000 0.5 1 1");
        check("5e1x1 1e-1+1E0x1", "50 50 0.1 1.1");
        check("Inf nan -INF", "inf NaN -inf");
        check("-inf+1x1", "-inf -inf");
        check("0.1+0.1x3", "0.1 0.2 0.30000000000000004 0.4");
    }

    #[test]
    fn what_promtool_refuses_is_refused_at_its_place() {
        let check = |text: &str, column: usize| match values(text) {
            Err(error) => assert_eq!(error.column, column, "{text:?}: {error}"),
            Ok(read) => panic!("{text:?}: {read:?}"),
        };
        check("1+x3", 3);
        check("1x2.5", 4);
        check("1_", 1);
        check("2 stalex2", 3);
        check("x", 1);
        check("1,2", 2);
        check("1+1", 4);
        check("1x-1", 3);
        check("1+-1x2", 3);
        check("1--1x2", 3);
        check("1++1x2", 3);
        check("_x", 3);
        check("1.5.2", 4);
        check("1e", 1);
        check("1 x2", 3);
        check("1x3x2", 4);
        check("infx2", 1);
        check("Infinity", 1);
        check("_1", 2);
        check("__", 2);
        check("_x2_", 4);
        check("1x1e1", 4);
        check("1+infx2", 3);
        check("1x99999999999999999999", 3);
        check("1x99999999", 3);
        check("é", 1);
    }
}
