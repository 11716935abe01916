//! Records of several lines: a line that begins one, and those that belong to it.
//!
//! A record ends with the beginning of the next, at its limits, or when the log has brought nothing more in one poll.
//! Patterns look at whole records, so that a record is counted once, and a count may be one poll late. People see every
//! line as it came; a line within a record is as urgent as its first.

use std::sync::Arc;

use regex::bytes::Regex;
use serde::{Deserialize, Serialize};

use super::lines::pattern;
use crate::base::Severity;

/// What a record may be allowed to have.
const MOST_LINES: usize = 500;
const MOST_BYTES: usize = 256 << 10;

/// How lines make records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordsSpec {
    /// A regular expression that finds the first line of a record; every other line belongs to the record before it.
    pub start: String,
    /// Lines of one record that patterns see; later ones belong to no record.
    #[serde(default = "limit_lines")]
    pub limit_lines: usize,
    /// The same in bytes.
    #[serde(default = "limit_bytes")]
    pub limit_bytes: usize,
}

fn limit_lines() -> usize {
    50
}

fn limit_bytes() -> usize {
    16 << 10
}

/// The same, compiled.
#[derive(Debug)]
pub(super) struct Records {
    start: Arc<Regex>,
    limit_lines: usize,
    limit_bytes: usize,
}

/// The record whose end has not come.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenRecord {
    text: String,
    lines: usize,
    /// Whether it was there before the first read, and is not to be counted.
    old: bool,
    severity: Option<Severity>,
    /// It was counted at its limit, and the lines that still come belong to it without being looked at.
    full: bool,
}

/// What a line made of the record before it.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Ended {
    /// A record that is whole, and new.
    pub text: Option<String>,
    /// It has reached a limit.
    pub cut: bool,
}

impl Records {
    pub fn compile(spec: &RecordsSpec) -> Result<Records, String> {
        let check = |name, value, most| match (1..=most).contains(&value) {
            true => Ok(()),
            false => Err(format!("{name} of a record is {value}; it must be between 1 and {most}")),
        };
        check("limit_lines", spec.limit_lines, MOST_LINES)?;
        check("limit_bytes", spec.limit_bytes, MOST_BYTES)?;
        let start = pattern(&spec.start).map_err(|what| format!("the start of a record: {what}"))?;
        if start.is_match(b"") {
            return Err(format!("the start of a record, {:?}, finds every line", spec.start));
        }
        Ok(Records { start, limit_lines: spec.limit_lines, limit_bytes: spec.limit_bytes })
    }

    /// Takes a line. `counted` says whether it is new; `own` is how urgent it is by itself. Gives how urgent it is as
    /// part of its record, and the record that it ended.
    pub fn take(
        &self,
        open: &mut OpenRecord,
        line: &str,
        counted: bool,
        own: Option<Severity>,
    ) -> (Option<Severity>, Ended) {
        if self.start.is_match(line.as_bytes()) || open.lines == 0 {
            let before = Records::end(open);
            *open = OpenRecord { text: line.to_owned(), lines: 1, old: !counted, severity: own, full: false };
            return (own, before);
        }
        let severity = own.or(open.severity);
        if open.full {
            return (severity, Ended::default());
        }
        if open.lines == self.limit_lines || open.text.len() + 1 + line.len() > self.limit_bytes {
            open.full = true;
            let text = (!open.old).then(|| std::mem::take(&mut open.text));
            return (severity, Ended { text, cut: true });
        }
        open.text.push('\n');
        open.text.push_str(line);
        open.lines += 1;
        (severity, Ended::default())
    }

    /// Ends the open record: nothing more came.
    pub fn end(open: &mut OpenRecord) -> Ended {
        let record = std::mem::take(open);
        let whole = record.lines > 0 && !record.full && !record.old;
        Ended { text: whole.then_some(record.text), cut: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(start: &str, limit_lines: usize, limit_bytes: usize) -> Result<Records, String> {
        Records::compile(&RecordsSpec { start: start.to_owned(), limit_lines, limit_bytes })
    }

    const START: &str = r"^\d{4}-\d\d-\d\d ";

    #[test]
    fn lines_are_joined_to_the_record_that_they_belong_to() {
        let records = records(START, 50, 1_000).expect("it compiles");
        let mut open = OpenRecord::default();
        let mut take = |line: &str, counted| records.take(&mut open, line, counted, None).1.text;
        assert_eq!(take("  of a record that began before", false), None);
        assert_eq!(take("2026-11-20 old", false), None);
        assert_eq!(take("  its end", true), None);
        assert_eq!(take("2026-11-20 DRIFT", true), None, "what was there before is not counted");
        assert_eq!(take("  Legacy:      b'\\xb6'", true), None);
        assert_eq!(take("  Refactored:  b'\\x1d'", true), None);
        let whole = "2026-11-20 DRIFT\n  Legacy:      b'\\xb6'\n  Refactored:  b'\\x1d'";
        assert_eq!(take("2026-11-20 next", true).as_deref(), Some(whole));
        assert_eq!(Records::end(&mut open).text.as_deref(), Some("2026-11-20 next"));
        assert_eq!(Records::end(&mut open), Ended::default());
    }

    #[test]
    fn a_record_without_an_end_is_held_within_bounds_and_counted_once() {
        let check = |records: Records, lines: usize| {
            let mut open = OpenRecord::default();
            let mut ended = Vec::new();
            for at in 0..100 {
                let line = if at == 0 { "2026-11-20 x".to_owned() } else { "more".to_owned() };
                let (_, end) = records.take(&mut open, &line, true, Some(Severity::Info));
                ended.extend(end.text.map(|text| (at, text.lines().count(), end.cut)));
            }
            assert_eq!(ended, [(lines, lines, true)]);
            assert_eq!(Records::end(&mut open).text, None);
        };
        check(records(START, 3, 1_000).expect("it compiles"), 3);
        check(records(START, 500, 30).expect("it compiles"), 4);
    }

    #[test]
    fn a_line_within_a_record_is_as_urgent_as_its_first() {
        let records = records(START, 3, 1_000).expect("it compiles");
        let mut open = OpenRecord::default();
        let mut take = |line, own| records.take(&mut open, line, true, own).0;
        assert_eq!(take("2026-11-20 x", Some(Severity::Warning)), Some(Severity::Warning));
        assert_eq!(take("  y", None), Some(Severity::Warning));
        assert_eq!(take("  z", Some(Severity::Critical)), Some(Severity::Critical));
        assert_eq!(take("2026-11-20 x", None), None);
    }

    #[test]
    fn what_can_not_work_is_refused() {
        let check = |found: Result<Records, String>, want: &str| {
            let error = found.expect_err(want);
            assert!(error.contains(want), "{error}");
        };
        check(records("(", 3, 100), "the start of a record: the pattern");
        check(records(".*", 3, 100), "finds every line");
        check(records(START, 0, 100), "limit_lines of a record is 0; it must be between 1 and 500");
        check(records(START, 3, 1 << 30), "limit_bytes of a record is 1073741824");
    }
}
