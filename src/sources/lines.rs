//! Lines of logs, whatever log they came from: made harmless, bounded, judged and counted.
//!
//! A counting pattern is a regular expression that makes a counter: it starts at 0 when the console starts, and grows
//! by one with every new line that it finds. What a log held before is shown and not counted.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use regex::bytes::{Captures, Match, Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::extraction::BOTH;
use super::kind::{free_name, labels_of};
use super::records::{Ended, OpenRecord, Records, RecordsSpec};
use crate::base::{Severity, Wall, text};
use crate::model::log::LONGEST_LINE;
use crate::model::{Labels, LogLine};

/// Lines of one batch; of more the newest are kept.
pub(super) const MOST_LINES: usize = 500;

/// Largest compiled pattern, in bytes.
const PATTERN_LIMIT: usize = 1 << 20;

/// What a pattern may remember while it looks, in bytes: a slower look is cheaper here than a large memory.
const PATTERN_CACHE: usize = 128 << 10;

/// What stands where something was masked.
const HIDDEN: &str = "[masked]";

/// What is looked for in lines.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternsSpec {
    #[serde(default)]
    pub counters: Vec<CounterSpec>,
    /// Tried in order; the first that finds something says how urgent a line is.
    #[serde(default)]
    pub severities: Vec<SeveritySpec>,
    /// Where a record may have several lines: how they are joined. Counters then count records.
    #[serde(default)]
    pub records: Option<RecordsSpec>,
    /// Regular expressions of what nobody may see: a program that writes a secret into its log does not make it public.
    /// What their groups find is not kept, or all that they find where they have no group.
    #[serde(default)]
    pub masks: Vec<String>,
}

impl PatternsSpec {
    /// The series of each pattern: a log has no surfaces.
    pub(super) fn extractions(&self) -> Vec<(Labels, &str)> {
        self.counters.iter().map(|one| (labels_of(&one.name, &one.labels), BOTH)).collect()
    }
}

/// A counter of the lines that a pattern finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CounterSpec {
    /// Ends with `_total`.
    pub name: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub help: String,
    /// A regular expression, found anywhere in a line; or in a record, whose lines are joined by `\n`: there `(?s)` lets
    /// `.` go on to the next line, and `(?m)` lets `^` begin one. `.` is any byte, and `\d`, `\w`, `\s` and `(?i)` are of
    /// ASCII, as logs are; `(?u)` asks for all of Unicode, at many times the memory.
    pub pattern: String,
    #[serde(default)]
    pub from: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeveritySpec {
    pub severity: Severity,
    pub pattern: String,
}

/// Compiled patterns.
#[derive(Debug)]
pub(super) struct Patterns {
    counters: Vec<(Labels, Arc<Regex>)>,
    severities: Vec<(Severity, Arc<Regex>)>,
    records: Option<Records>,
    masks: Vec<Arc<Regex>>,
}

/// What was counted since the console started.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// One per counter.
    pub counts: Vec<u64>,
    pub lines: u64,
    /// Bytes that came too fast to be read.
    pub skipped_bytes: u64,
    /// Records that were longer than allowed, and were looked at in part.
    pub cut_records: u64,
    /// The record whose end has not come.
    open: OpenRecord,
}

/// When a line was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    pub at: Wall,
    /// It is only known when the line was read.
    pub by_read: bool,
}

impl When {
    /// The line's own time, where it says one, else that of the read.
    pub fn of(own: Option<Wall>, read: Wall) -> When {
        When { at: own.unwrap_or(read), by_read: own.is_none() }
    }
}

/// The newest lines of one answer.
#[derive(Debug, Default)]
pub(super) struct Kept {
    lines: VecDeque<LogLine>,
    pub dropped: u64,
}

impl Patterns {
    pub fn compile(spec: &PatternsSpec) -> Result<Patterns, String> {
        let mut counters = Vec::with_capacity(spec.counters.len());
        for one in &spec.counters {
            let fail = |what: String| format!("counter {:?}: {what}", one.name);
            free_name(&one.name).map_err(fail)?;
            if !one.name.ends_with("_total") {
                return Err(fail("a counter's name ends with _total".to_owned()));
            }
            counters.push((labels_of(&one.name, &one.labels), pattern(&one.pattern).map_err(fail)?));
        }
        let severity = |one: &SeveritySpec| Ok((one.severity, pattern(&one.pattern)?));
        let severities = spec.severities.iter().map(severity).collect::<Result<_, String>>()?;
        let records = spec.records.as_ref().map(Records::compile).transpose()?;
        let mask = |one: &String| pattern(one).map_err(|what| format!("mask {one:?}: {what}"));
        let masks = spec.masks.iter().map(mask).collect::<Result<_, String>>()?;
        Ok(Patterns { counters, severities, records, masks })
    }

    /// The series of the counters.
    pub fn series(&self) -> impl Iterator<Item = Labels> {
        self.counters.iter().map(|(labels, _)| labels.clone())
    }

    /// Looks at one line: counts it where it is new, and keeps it.
    pub fn take(
        &self,
        line: &str,
        when: When,
        known: Option<Severity>,
        counted: bool,
        tally: &mut Tally,
        kept: &mut Kept,
    ) {
        tally.lines += u64::from(counted);
        let found = self.severities.iter().find(|(_, pattern)| pattern.is_match(line.as_bytes()));
        let own = found.map(|(severity, _)| *severity).or(known);
        let severity = match &self.records {
            Some(records) => {
                let (severity, ended) = records.take(&mut tally.open, line, counted, own);
                self.count(ended, tally);
                severity
            }
            None => {
                self.count(Ended { text: counted.then(|| line.to_owned()), cut: false }, tally);
                own
            }
        };
        kept.push(LogLine { at: when.at, timed_by_read: when.by_read, severity, text: shortened(&self.masked(line)) });
    }
}

impl Patterns {
    /// The line without what nobody may see.
    fn masked<'l>(&self, line: &'l str) -> Cow<'l, str> {
        let mut line = Cow::Borrowed(line);
        for mask in &self.masks {
            if let Cow::Owned(masked) = mask.replace_all(line.as_bytes(), without_groups) {
                // A mask may end within a character.
                line = Cow::Owned(String::from_utf8_lossy(&masked).into_owned());
            }
        }
        line
    }

    fn count(&self, ended: Ended, tally: &mut Tally) {
        tally.counts.resize(self.counters.len(), 0);
        tally.cut_records += u64::from(ended.cut);
        let Some(text) = ended.text else { return };
        for (count, (_, pattern)) in tally.counts.iter_mut().zip(&self.counters) {
            *count += u64::from(pattern.is_match(text.as_bytes()));
        }
    }

    /// Ends the record that is open, because the log brought nothing more.
    pub fn end(&self, tally: &mut Tally) {
        self.count(Records::end(&mut tally.open), tally);
    }

    /// Whether counters count records of several lines.
    pub fn counts_records(&self) -> bool {
        self.records.is_some()
    }
}

/// What a mask found in a line, without what its groups did; without all of it where it has no group.
fn without_groups(found: &Captures<'_>) -> Vec<u8> {
    let whole = found.get_match();
    let (mut kept, mut at) = (Vec::new(), 0);
    let group_of = |group: Match<'_>| (group.start() - whole.start(), group.end() - whole.start());
    for (start, end) in found.iter().skip(1).flatten().map(group_of) {
        // A group within another one is hidden with it.
        if start >= at {
            kept.extend_from_slice(&whole.as_bytes()[at..start]);
            kept.extend_from_slice(HIDDEN.as_bytes());
            at = end;
        }
    }
    match at == 0 && found.len() == 1 {
        true => HIDDEN.as_bytes().to_vec(),
        false => {
            kept.extend_from_slice(&whole.as_bytes()[at..]);
            kept
        }
    }
}

impl Tally {
    /// The counters and then the number of lines, as columns from `first` on.
    pub fn values(&self, counters: usize) -> Vec<(usize, f64)> {
        let count = |at: usize| self.counts.get(at).copied().unwrap_or(0) as f64;
        let counts = (0..counters).map(|at| (at, count(at)));
        let own = [(counters, self.lines as f64), (counters + 1, self.skipped_bytes as f64)];
        counts.chain(own).collect()
    }

    /// The same with the records that were cut, where there are records.
    pub fn values_of(&self, counters: usize, patterns: &Patterns) -> Vec<(usize, f64)> {
        let mut values = self.values(counters);
        values.extend(patterns.counts_records().then_some((counters + 2, self.cut_records as f64)));
        values
    }
}

impl Kept {
    pub fn push(&mut self, line: LogLine) {
        if self.lines.len() == MOST_LINES {
            self.lines.pop_front();
            self.dropped += 1;
        }
        self.lines.push_back(line);
    }

    /// A line of the console's own, where lines of the log are missing.
    pub fn note(&mut self, at: Wall, words: &str) {
        let text = Arc::from(format!("[{words}]"));
        self.push(LogLine { at, timed_by_read: false, severity: Some(Severity::Warning), text });
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn into_lines(self) -> Vec<LogLine> {
        self.lines.into()
    }
}

/// Patterns that are in use, by their text: each brings a machine of its own, and every node of a system looks for the
/// same ones.
static IN_USE: Mutex<BTreeMap<String, Weak<Regex>>> = Mutex::new(BTreeMap::new());

pub(super) fn pattern(text: &str) -> Result<Arc<Regex>, String> {
    // What whoever panicked left behind is whole: an entry is put in as one.
    let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
    in_use.retain(|_, pattern| pattern.strong_count() > 0);
    if let Some(pattern) = in_use.get(text).and_then(Weak::upgrade) {
        return Ok(pattern);
    }
    let compiled =
        RegexBuilder::new(text).unicode(false).size_limit(PATTERN_LIMIT).dfa_size_limit(PATTERN_CACHE).build();
    // The library draws the place of a mistake over several lines; the last says what it is.
    let pattern = compiled.map(Arc::new).map_err(|error| {
        let words = error.to_string();
        format!("the pattern {text:?} can not be used: {}", words.lines().last().unwrap_or_default())
    })?;
    in_use.insert(text.to_owned(), Arc::downgrade(&pattern));
    Ok(pattern)
}

fn shortened(line: &str) -> Arc<str> {
    match line.char_indices().nth(LONGEST_LINE) {
        None => Arc::from(line),
        Some(_) => {
            let whole: String = line.chars().take(LONGEST_LINE - 1).collect();
            Arc::from(whole + "…")
        }
    }
}

/// A line as it may be shown: escape sequences taken out whole, every other hostile character and every byte that is
/// not UTF-8 made a visible replacement, without blanks at its end.
#[must_use]
pub fn harmless(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let stripped = without_escapes(text.trim_end_matches(['\r', '\n']));
    text::clean(&stripped).trim_end().to_owned()
}

/// The time that a line begins with, where it begins with one that can not be misread: `2026-11-21T03:04:05Z`, bare
/// or in brackets.
#[must_use]
pub fn time_of(line: &str) -> Option<Wall> {
    let word = line.split_whitespace().next()?.trim_start_matches('[').trim_end_matches([']', ':']);
    if word.len() < "2026-11-21T03:04:05Z".len() {
        return None;
    }
    word.parse::<jiff::Timestamp>().ok().map(|time| Wall(time.as_millisecond()))
}

/// The text without terminal escape sequences. One that does not end is left as it is, so that it can not hide what
/// follows; [`text::clean`] then shows its beginning.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\u{1b}', '\u{9b}', '\u{9d}']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = sequence(rest);
        // What is no sequence gives its first character to the cleaning.
        let kept = if length == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { 0 };
        out.push_str(&rest[..kept]);
        rest = &rest[length.max(kept)..];
    }
    out.push_str(rest);
    out
}

/// Bytes of the escape sequence that a text begins with; 0 where it is not a whole one.
fn sequence(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    let kind = match chars.next() {
        Some((_, '\u{9b}')) => '[',
        Some((_, '\u{9d}')) => ']',
        Some(_) => match chars.next() {
            Some((_, kind)) => kind,
            None => return 0,
        },
        None => return 0,
    };
    match kind {
        // A control sequence: parameters, then one final character.
        '[' => {
            let end = chars.find(|(_, c)| !('\u{20}'..='\u{3f}').contains(c));
            end.filter(|(_, c)| ('\u{40}'..='\u{7e}').contains(c)).map_or(0, |(at, _)| at + 1)
        }
        // A string: up to the bell or the string terminator.
        ']' | 'P' | '^' | '_' | 'X' => {
            while let Some((at, c)) = chars.next() {
                match c {
                    '\u{7}' => return at + 1,
                    '\u{9c}' => return at + '\u{9c}'.len_utf8(),
                    '\u{1b}' if chars.peek().is_some_and(|(_, next)| *next == '\\') => return at + 2,
                    _within => {}
                }
            }
            0
        }
        // Intermediates, then one final character.
        ' '..='/' => {
            let end = chars.find(|(_, c)| !(' '..='/').contains(c));
            end.filter(|(_, c)| ('0'..='~').contains(c)).map_or(0, |(at, _)| at + 1)
        }
        '0'..='~' => 2,
        _not_a_sequence => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(counters: &[&str], severities: &[(Severity, &str)]) -> Result<Patterns, String> {
        let counter = |(at, pattern): (usize, &&str)| CounterSpec {
            name: format!("c{at}_total"),
            labels: BTreeMap::new(),
            help: String::new(),
            pattern: (*pattern).to_owned(),
            from: Vec::new(),
        };
        let severity =
            |(severity, pattern): &(Severity, &str)| SeveritySpec { severity: *severity, pattern: (*pattern).into() };
        Patterns::compile(&PatternsSpec {
            counters: counters.iter().enumerate().map(counter).collect(),
            severities: severities.iter().map(severity).collect(),
            records: None,
            masks: Vec::new(),
        })
    }

    #[test]
    fn what_nobody_may_see_is_not_kept() {
        let check = |mask: &str, line: &str, want: &str| {
            let spec = PatternsSpec { masks: vec![mask.to_owned()], ..PatternsSpec::default() };
            let patterns = Patterns::compile(&spec).expect("a mask");
            let (mut tally, mut kept) = (Tally::default(), Kept::default());
            patterns.take(line, When::of(None, Wall(0)), None, true, &mut tally, &mut kept);
            assert_eq!(&*kept.lines[0].text, want, "{mask}");
        };
        check("key=([a-f0-9]+)", "a key=c0ffee and key=beef end", "a key=[masked] and key=[masked] end");
        check("c0ffee", "a key=c0ffee", "a key=[masked]");
        check("(?:key|seed)=([a-f0-9]+)( .*)?", "seed=c0ffee", "seed=[masked]");
        check("((a)b)c", "xabcx", "x[masked]cx");
        check("key=([a-f0-9]+)", "nothing of it", "nothing of it");
        let spec = PatternsSpec { masks: vec!["(".to_owned()], ..PatternsSpec::default() };
        assert!(Patterns::compile(&spec).expect_err("no pattern").starts_with("mask \"(\":"));
    }

    #[test]
    fn a_line_is_made_harmless_whole() {
        let check = |line: &[u8], want: &str| assert_eq!(harmless(line), want);
        check(b"plain", "plain");
        check(b"ends \r\n", "ends");
        check(b"\x1b[1;31mred\x1b[0m \x1b[2Kgone", "red gone");
        check(b"\x1b]0;title\x07after \x1b]8;;x\x1b\\link", "after link");
        check("\u{9b}31mc1\u{9d}0;t\u{9c}end".as_bytes(), "c1end");
        check(b"\x1b(Bset \x1b7save\x1b=", "set save");
        check(b"\x1bPdevice\x1b\\ control", " control");
        // What does not end hides nothing.
        check(b"\x1b]0;title does not end", "\u{fffd}]0;title does not end");
        check(b"\x1b[31", "\u{fffd}[31");
        check(b"\x1b", "\u{fffd}");
        check(b"a\x1b\x1b[1mb", "a\u{fffd}b");
        check("a\u{202e}b\u{85}c\x08d\te".as_bytes(), "a\u{fffd}b\u{fffd}c\u{fffd}d e");
        check(b"\xff\xfe ok \xf0\x9f", "\u{fffd}\u{fffd} ok \u{fffd}");
        check("grün 日本".as_bytes(), "grün 日本");
    }

    #[test]
    fn a_time_at_the_beginning_is_the_lines_own() {
        let check = |line: &str, want: Option<i64>| assert_eq!(time_of(line).map(|at| at.0), want, "{line}");
        check("2025-09-09T08:43:09.515Z up", Some(1_757_407_389_515));
        check("[2025-09-09T08:43:09Z] up", Some(1_757_407_389_000));
        check("2025-09-09T10:43:09+02:00 up", Some(1_757_407_389_000));
        check("2025-09-09 08:43:09 up", None);
        check("2025-09-09T08:43:09 up", None);
        check("up", None);
        check("", None);
    }

    #[test]
    fn lines_are_counted_judged_and_bounded() {
        let patterns = patterns(&["fail", "^\\[GUARD"], &[(Severity::Critical, "FATAL"), (Severity::Warning, "fail")]);
        let patterns = patterns.expect("they compile");
        let (mut tally, mut kept) = (Tally::default(), Kept::default());
        let when = When::of(Some(Wall(1)), Wall(2));
        let mut take = |line: &str, counted| patterns.take(line, when, None, counted, &mut tally, &mut kept);
        take("before: fail", false);
        take("[GUARD] fail", true);
        take("FATAL fail", true);
        take("fine", true);
        assert_eq!(tally.values(2), [(0, 2.0), (1, 1.0), (2, 3.0), (3, 0.0)]);
        let severities: Vec<_> = kept.into_lines().iter().map(|line| line.severity).collect();
        let [critical, warning] = [Some(Severity::Critical), Some(Severity::Warning)];
        assert_eq!(severities, [warning, warning, critical, None]);

        let mut kept = Kept::default();
        for at in 0..MOST_LINES + 3 {
            patterns.take(&at.to_string(), when, None, true, &mut tally, &mut kept);
        }
        assert_eq!(kept.dropped, 3);
        let lines = kept.into_lines();
        assert_eq!((lines.len(), &*lines[0].text), (MOST_LINES, "3"));
        assert_eq!(shortened(&"é".repeat(LONGEST_LINE)).chars().count(), LONGEST_LINE);
        assert_eq!(shortened(&"é".repeat(LONGEST_LINE + 1)).chars().last(), Some('…'));
    }

    #[test]
    fn patterns_that_can_not_work_are_refused() {
        let check = |pattern: &str, want: &str| {
            let error = patterns(&[pattern], &[]).expect_err(pattern);
            assert!(error.contains(want), "{error}");
            assert!(!error.contains('\n'), "{error}");
        };
        check("(", "unclosed group");
        check("a{1000}{1000}", "size");
        let named = |name: &str| {
            let counter = CounterSpec {
                name: name.to_owned(),
                labels: BTreeMap::new(),
                help: String::new(),
                pattern: String::new(),
                from: Vec::new(),
            };
            Patterns::compile(&PatternsSpec { counters: vec![counter], ..PatternsSpec::default() }).expect_err(name)
        };
        assert!(named("failures").contains("ends with _total"));
        assert!(named("opsconsole_x_total").contains("belongs to the console"));
        assert!(named("9x_total").contains("not a metric name"));
    }
}
