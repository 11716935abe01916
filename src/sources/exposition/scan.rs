//! The scanner: from a text to its samples, one pass, every byte looked at once, nothing copied.

use std::borrow::Cow;

use super::families::{Families, Rule};
use super::number;
use crate::model::labels::NAME;

/// Labels of one series beyond which an exposition is refused.
const MOST_LABELS: usize = 64;

/// Longest name and labels of one series.
const LONGEST_SERIES_BYTES: usize = 16 << 10;

/// Which of the formats is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// The Prometheus text format 0.0.4: comments are skipped, timestamps are milliseconds.
    PrometheusText,
    /// OpenMetrics 1.0: families are declared and checked, timestamps are seconds, exemplars are skipped, and the text
    /// ends with `# EOF`.
    OpenMetrics,
}

impl Dialect {
    /// What a failure says was expected.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Dialect::PrometheusText => "a Prometheus exposition",
            Dialect::OpenMetrics => "an OpenMetrics exposition",
        }
    }
}

/// A line that is not of the format.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadLine {
    /// From 1.
    pub line: usize,
    pub what: String,
}

/// One sample, as it stands in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample<'a> {
    pub name: &'a str,
    /// Name and labels, as written.
    pub series: &'a str,
    pub value: f64,
    /// Milliseconds since 1970, where the sample is stamped.
    pub timestamp: Option<i64>,
    /// What the sample's family allows.
    pub(super) rule: Rule,
}

/// One label of a sample.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    pub name: &'a str,
    /// Between the quotes, as written.
    pub raw: &'a str,
    escaped: bool,
}

impl<'a> Pair<'a> {
    /// The value with its escapes undone.
    #[must_use]
    pub fn value(&self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut value = String::with_capacity(self.raw.len());
        let mut chars = self.raw.chars();
        while let Some(c) = chars.next() {
            match (c, c == '\\') {
                (c, false) => value.push(c),
                (_, true) => match chars.next() {
                    Some('n') => value.push('\n'),
                    Some(c @ ('"' | '\\')) => value.push(c),
                    // As Prometheus does: an escape that is none stays as it is.
                    other => value.extend(Some('\\').into_iter().chain(other)),
                },
            }
        }
        Cow::Owned(value)
    }
}

/// Walks over the samples of a text.
#[derive(Debug)]
pub struct Lines<'a> {
    text: &'a str,
    dialect: Dialect,
    /// Where the next unread line begins.
    at: usize,
    /// Its number, from 1.
    line: usize,
    /// The labels of the last sample.
    pairs: Vec<Pair<'a>>,
    families: Families<'a>,
    /// Whether families are held to what OpenMetrics says of them.
    held: bool,
    remark: &'a str,
}

impl<'a> Lines<'a> {
    #[must_use]
    pub fn new(text: &'a str, dialect: Dialect) -> Lines<'a> {
        let families = Families::default();
        Lines { text, dialect, at: 0, line: 1, pairs: Vec::new(), families, held: true, remark: "" }
    }

    /// Of a history, whose samples may stand in the order of their times: families are not checked.
    #[must_use]
    pub fn of_history(text: &'a str, dialect: Dialect) -> Lines<'a> {
        Lines { held: false, ..Lines::new(text, dialect) }
    }

    /// Goes on to the next line that says something; false at the end of the text.
    pub fn advance(&mut self) -> bool {
        if self.dialect == Dialect::PrometheusText {
            let (at, passed) = next_line(self.text, self.at);
            self.at = at;
            self.line += passed;
        }
        self.at < self.text.len()
    }

    /// Reads the line as a sample; `None` where it is a remark about a family.
    ///
    /// # Errors
    /// The line is neither, or its family does not allow it.
    pub fn sample(&mut self) -> Result<Option<Sample<'a>>, BadLine> {
        let (line, at) = (self.line, self.at);
        let bad = |what: String| BadLine { line, what };
        if self.dialect == Dialect::OpenMetrics {
            if self.held {
                self.families.open().map_err(bad)?;
            }
            if self.text.as_bytes().get(at) == Some(&b'#') {
                let end = line_end(self.text, at);
                self.remark = &self.text[at..end];
                if self.held {
                    self.families.remark(self.remark).map_err(bad)?;
                }
                self.at = (end + 1).min(self.text.len());
                self.line += 1;
                return Ok(None);
            }
        }
        let name_end = metric_name(self.text, at).map_err(bad)?;
        let series_end = self.labels(name_end).map_err(bad)?;
        if series_end - at > LONGEST_SERIES_BYTES {
            return Err(bad(format!("a series of more than {LONGEST_SERIES_BYTES} bytes")));
        }
        let name = &self.text[at..name_end];
        let rule = match self.dialect {
            Dialect::PrometheusText => Rule::ANY,
            Dialect::OpenMetrics if self.held => self.families.sample(name, &self.pairs).map_err(bad)?,
            Dialect::OpenMetrics => Rule::ANY,
        };
        self.end_sample(name, series_end, rule).map(Some)
    }

    /// Reads the line as a sample whose series is known and this long.
    pub(super) fn known(&mut self, length: usize) -> Result<Sample<'a>, BadLine> {
        let name = &self.text[self.at..self.at + length];
        let name = name.split(['{', ' ', '\t']).next().unwrap_or(name);
        self.end_sample(name, self.at + length, Rule::ANY)
    }

    fn end_sample(&mut self, name: &'a str, series_end: usize, rule: Rule) -> Result<Sample<'a>, BadLine> {
        let rest = rest(self.text, series_end, self.dialect).map_err(|what| self.bad(what))?;
        rule.judge(&rest).map_err(|what| self.bad(format!("{what} {}", shown(name))))?;
        let series = &self.text[self.at..series_end];
        self.at = rest.next;
        self.line += 1;
        Ok(Sample { name, series, value: rest.value, timestamp: rest.timestamp, rule })
    }

    /// The labels of the last sample, in the order of the text.
    pub fn pairs(&mut self) -> &mut [Pair<'a>] {
        &mut self.pairs
    }

    /// The last remark about a family.
    pub(super) fn remark(&self) -> &'a str {
        self.remark
    }

    /// What is still unread.
    pub(super) fn rest_of_text(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// A complaint about the line before the next one.
    pub(super) fn bad_sample(&self, what: String) -> BadLine {
        BadLine { line: self.line - 1, what }
    }

    fn bad(&self, what: String) -> BadLine {
        BadLine { line: self.line, what }
    }

    /// Whether the text may end here.
    ///
    /// # Errors
    /// The format has an end that was not there.
    pub fn finish(&self) -> Result<(), BadLine> {
        match self.dialect {
            Dialect::PrometheusText => Ok(()),
            Dialect::OpenMetrics if self.held => self.families.finish().map_err(|what| self.bad(what)),
            Dialect::OpenMetrics => Ok(()),
        }
    }

    /// Reads the labels behind a name into `pairs`, and gives where the series ends.
    fn labels(&mut self, name_end: usize) -> Result<usize, String> {
        self.pairs.clear();
        let brace = skip_blanks(self.text.as_bytes(), name_end);
        if self.text.as_bytes().get(brace) != Some(&b'{') {
            return Ok(name_end);
        }
        let pairs = &mut self.pairs;
        label_pairs(self.text, brace + 1, |pair| pairs.push(pair))
    }
}

/// What stands behind a series.
#[derive(Debug)]
pub(super) struct Rest {
    pub value: f64,
    pub timestamp: Option<i64>,
    pub exemplar: bool,
    /// Where the next line begins.
    pub next: usize,
}

/// Reads a value, an optional timestamp, and an exemplar where the format has them.
pub(super) fn rest(text: &str, at: usize, dialect: Dialect) -> Result<Rest, String> {
    let bytes = text.as_bytes();
    let start = skip_blanks(bytes, at);
    let end = token_end(bytes, start);
    let Some(value) = number::value(&bytes[start..end]) else {
        return Err(format!("{:?} is not a value", shown(&text[start..end])));
    };
    let mut rest = Rest { value, timestamp: None, exemplar: false, next: end };
    let mut at = skip_blanks(bytes, end);
    let exemplar = |at: usize| dialect == Dialect::OpenMetrics && bytes.get(at) == Some(&b'#');
    if bytes.get(at).is_some_and(|byte| *byte != b'\n') && !exemplar(at) {
        let line = &text[at..line_end(text, at)];
        let end = token_end(bytes, at);
        rest.timestamp = match dialect {
            Dialect::PrometheusText => number::milliseconds(&bytes[at..end]),
            Dialect::OpenMetrics => number::seconds(&bytes[at..end]),
        };
        at = skip_blanks(bytes, end);
        let ends = bytes.get(at).is_none_or(|byte| *byte == b'\n') || exemplar(at);
        if rest.timestamp.is_none() || !ends {
            return Err(format!("{:?} is not a timestamp", shown(line.trim_ascii_end())));
        }
    }
    if exemplar(at) {
        rest.exemplar = true;
        at = exemplar_end(text, at + 1)?;
    }
    rest.next = (at + 1).min(bytes.len());
    Ok(rest)
}

/// Passes over an exemplar: labels, a value, and a time in seconds where it has one.
fn exemplar_end(text: &str, at: usize) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let brace = skip_blanks(bytes, at);
    if brace == at || bytes.get(brace) != Some(&b'{') {
        return Err("an exemplar without labels".to_owned());
    }
    let mut at = label_pairs(text, brace + 1, |_| {})?;
    for what in ["value", "timestamp"] {
        let start = skip_blanks(bytes, at);
        at = token_end(bytes, start);
        let absent = start == at && what == "timestamp";
        if !absent && number::value(&bytes[start..at]).is_none() {
            return Err(format!("{:?} is not the {what} of an exemplar", shown(&text[start..at])));
        }
    }
    at = skip_blanks(bytes, at);
    match bytes.get(at) {
        None | Some(b'\n') => Ok(at),
        Some(_) => Err(format!("{:?} stands behind an exemplar", shown(&text[at..line_end(text, at)]))),
    }
}

/// Gives each label to `each`, from behind the opening brace to behind the closing one.
fn label_pairs<'a>(text: &'a str, mut at: usize, mut each: impl FnMut(Pair<'a>)) -> Result<usize, String> {
    let bytes = text.as_bytes();
    for _ in 0..=MOST_LABELS {
        at = skip_blanks(bytes, at);
        if bytes.get(at) == Some(&b'}') {
            return Ok(at + 1);
        }
        let name_end = run(bytes, at, LABEL);
        let name = &text[at..name_end];
        let equals = skip_blanks(bytes, name_end);
        if bytes.get(equals) != Some(&b'=') || name.is_empty() || starts_with_digit(name) || name == NAME {
            return Err(no_label(text, at));
        }
        let quote = skip_blanks(bytes, equals + 1);
        if bytes.get(quote) != Some(&b'"') {
            return Err(format!("{:?} is not a quoted value", shown(&text[quote..token_end(bytes, quote)])));
        }
        let (value_end, escaped) = value_end(bytes, quote + 1).ok_or_else(|| endless(text, at))?;
        each(Pair { name, raw: &text[quote + 1..value_end], escaped });
        at = skip_blanks(bytes, value_end + 1);
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b'}') => return Ok(at + 1),
            Some(_) | None if !text[at..line_end(text, at)].contains('}') => return Err(endless(text, at)),
            Some(_) | None => {
                return Err(format!("a comma is missing before {:?}", shown(&text[at..line_end(text, at)])));
            }
        }
    }
    Err(format!("a series with more than {MOST_LABELS} labels"))
}

/// Where a quoted value ends, and whether it has escapes; `None` where the line ends before it.
fn value_end(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    loop {
        at = run(bytes, at, PLAIN);
        match bytes.get(at)? {
            b'"' => return Some((at, escaped)),
            b'\\' if bytes.get(at + 1).is_some_and(|byte| *byte != b'\n') => {
                escaped = true;
                at += 2;
            }
            _ => return None,
        }
    }
}

fn endless(text: &str, at: usize) -> String {
    match text[at..line_end(text, at)].contains('}') {
        true => "a label value does not end".to_owned(),
        false => "the labels do not end".to_owned(),
    }
}

fn no_label(text: &str, at: usize) -> String {
    let line = &text[at..line_end(text, at)];
    match line.split_once('=') {
        Some((name, _)) => format!("{:?} is not a label name", shown(name.trim_ascii_end())),
        None if !line.contains('}') => "the labels do not end".to_owned(),
        None => format!("{:?} is not a label", shown(line)),
    }
}

/// Where the metric name ends that begins here.
fn metric_name(text: &str, at: usize) -> Result<usize, String> {
    let bytes = text.as_bytes();
    let end = run(bytes, at, METRIC);
    let delimited = bytes.get(end).is_none_or(|byte| matches!(byte, b'{' | b' ' | b'\t' | b'\r' | b'\n'));
    if end > at && delimited && !starts_with_digit(&text[at..end]) {
        return Ok(end);
    }
    let word = text[at..line_end(text, at)].split(['{', ' ', '\t']).next().unwrap_or("");
    Err(format!("{:?} is not a metric name", shown(word)))
}

pub(super) fn is_metric_name(name: &str) -> bool {
    metric_name(name, 0).is_ok_and(|end| end == name.len())
}

fn starts_with_digit(name: &str) -> bool {
    name.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// Passes over empty lines, comments and blanks, and says how many lines those were.
pub(super) fn next_line(text: &str, mut at: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let mut passed = 0;
    loop {
        at = skip_blanks(bytes, at);
        match bytes.get(at) {
            Some(b'\n') => at += 1,
            Some(b'#') => at = (line_end(text, at) + 1).min(bytes.len()),
            Some(_) | None => return (at, passed),
        }
        passed += 1;
    }
}

/// Where the line ends that `at` is in.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length)
}

/// The beginning of a text, for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

const METRIC: u8 = 1;
const LABEL: u8 = 2;
/// In a quoted value: neither its end, nor an escape, nor the end of the line.
const PLAIN: u8 = 4;
const BLANK: u8 = 8;
/// Neither blank nor the end of the line.
const TOKEN: u8 = 16;

/// What each byte can be part of.
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        if c.is_ascii_alphanumeric() || c == b'_' {
            class[byte] |= METRIC | LABEL;
        }
        if c == b':' {
            class[byte] |= METRIC;
        }
        if !matches!(c, b'"' | b'\\' | b'\n') {
            class[byte] |= PLAIN;
        }
        // A carriage return ends lines written elsewhere.
        if matches!(c, b' ' | b'\t' | b'\r') {
            class[byte] |= BLANK;
        } else if c != b'\n' {
            class[byte] |= TOKEN;
        }
        byte += 1;
    }
    class
};

/// Where the bytes of a class end that begin here.
fn run(bytes: &[u8], mut at: usize, class: u8) -> usize {
    while at < bytes.len() && CLASS[usize::from(bytes[at])] & class != 0 {
        at += 1;
    }
    at
}

pub(super) fn skip_blanks(bytes: &[u8], at: usize) -> usize {
    run(bytes, at, BLANK)
}

fn token_end(bytes: &[u8], at: usize) -> usize {
    run(bytes, at, TOKEN)
}
