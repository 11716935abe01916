//! The shape of an exposition: which series stood on which line.

use std::sync::Arc;

use super::families::Rule;
use super::is_timely;
use super::scan::{Dialect, line_end, next_line, rest, skip_blanks};
use crate::base::Wall;
use crate::model::Labels;
use crate::model::Layout;
use crate::model::batch::SERIES_BYTES;
use crate::model::labels::SeriesSet;

/// How many lines ahead a known line is looked for: series come and go one by one, or a few together.
const LOOKED_AHEAD: usize = 16;

/// The shape of the last exposition: where its series stand and which column each has.
#[derive(Clone, Debug)]
pub struct Shape {
    /// What each line has that the line before it has not: series of one family differ in little.
    text: Vec<u8>,
    lines: Vec<Line>,
    layout: Arc<Layout>,
    dropped: u64,
    /// Layouts of before that someone else may still hold. To free a hundred thousand labels takes time, and here,
    /// where expositions are decoded, there is some.
    retired: Vec<Arc<Layout>>,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    /// How many bytes it shares with the line before it.
    shared: u32,
    /// Where its own end in [`Shape::text`].
    end: u32,
    kind: Kind,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A line about a family, which has to come again as it was.
    Remark,
    Sample {
        /// Whether the line has the next column; duplicates and series beyond the limit have none.
        kept: bool,
        /// Whether it was not stamped, or with a time near enough.
        timely: bool,
    },
}

impl Default for Shape {
    fn default() -> Shape {
        Shape {
            text: Vec::new(),
            lines: Vec::new(),
            layout: Arc::new(Layout::new(Vec::new())),
            dropped: 0,
            retired: Vec::new(),
        }
    }
}

impl Shape {
    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Samples that were left out.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Frees the layouts that nobody else holds any more.
    pub(super) fn let_go(&mut self) {
        self.retired.retain(|layout| Arc::strong_count(layout) > 1);
    }

    /// The values of an exposition that has exactly this shape.
    pub(super) fn again(&self, text: &str, dialect: Dialect, own: &[f64], now: Wall) -> Option<Vec<f64>> {
        if self.lines.is_empty() {
            return None;
        }
        let bytes = text.as_bytes();
        let mut values = Vec::with_capacity(self.layout.series().len());
        values.extend_from_slice(own);
        let (mut at, mut before, mut start) = (0, 0, 0);
        for line in &self.lines {
            at = line_start(text, at, dialect);
            let suffix = &self.text[start..line.end as usize];
            start = line.end as usize;
            let middle = at + line.shared as usize;
            let end = middle + suffix.len();
            let same = bytes.get(middle..end)? == suffix
                && bytes.get(at..middle)? == bytes.get(before..before + line.shared as usize)?;
            if !same {
                return None;
            }
            before = at;
            match line.kind {
                Kind::Remark if line_end(text, end) == end => at = (end + 1).min(bytes.len()),
                Kind::Remark => return None,
                Kind::Sample { kept, timely } => {
                    if !ends_series(bytes, end) {
                        return None;
                    }
                    let rest = rest(text, end, dialect).ok()?;
                    if line.rule.judge(&rest).is_err() || is_timely(rest.timestamp, now) != timely {
                        return None;
                    }
                    if kept {
                        values.push(rest.value);
                    }
                    at = rest.next;
                }
            }
        }
        let over = line_start(text, at, dialect) == bytes.len();
        (over && values.len() == self.layout.series().len()).then_some(values)
    }

    /// What of this shape can be used to read another one.
    pub(super) fn reused(&self, dialect: Dialect) -> Reused<'_> {
        // Where lines depend on what was declared before them, only their labels can be used again.
        let lines = if dialect == Dialect::PrometheusText { &self.lines[..] } else { &[] };
        // The console's own series come before those of the lines.
        let kept = self.lines.iter().filter(|line| matches!(line.kind, Kind::Sample { kept: true, .. })).count();
        let column = self.layout.series().len().saturating_sub(kept);
        let here = Place { line: 0, column, text: Vec::new() };
        let mut reused = Reused { shape: self, lines, ahead: here.clone(), here, index: None, shared_bytes: 0 };
        reused.here.decode(self, lines);
        reused
    }

    /// A shape to take this one's place, still without lines.
    pub(super) fn fresh(&self) -> Fresh {
        Fresh {
            text: Vec::with_capacity(self.text.len()),
            lines: Vec::with_capacity(self.lines.len()),
            before: Vec::new(),
            dropped: 0,
        }
    }

    /// Puts what was read in this one's place.
    pub(super) fn replace(&mut self, fresh: Fresh, layout: Layout) {
        let Fresh { mut text, mut lines, dropped, .. } = fresh;
        text.shrink_to_fit();
        lines.shrink_to_fit();
        (self.text, self.lines, self.dropped) = (text, lines, dropped);
        self.retired.push(std::mem::replace(&mut self.layout, Arc::new(layout)));
        self.let_go();
    }
}

/// A shape that is being read.
#[derive(Debug)]
pub(super) struct Fresh {
    text: Vec<u8>,
    lines: Vec<Line>,
    /// The last line.
    before: Vec<u8>,
    dropped: u64,
}

impl Fresh {
    pub(super) fn push(&mut self, series: &str, kept: bool, timely: bool, rule: Rule) {
        self.dropped += u64::from(!kept);
        self.push_line(series.as_bytes(), Kind::Sample { kept, timely }, rule);
    }

    pub(super) fn push_remark(&mut self, line: &str) {
        self.push_line(line.as_bytes(), Kind::Remark, Rule::ANY);
    }

    fn push_line(&mut self, line: &[u8], kind: Kind, rule: Rule) {
        let shared = line.iter().zip(&self.before).take_while(|(left, right)| left == right).count();
        self.text.extend_from_slice(&line[shared..]);
        // A body has at most 64 MB.
        self.lines.push(Line { shared: shared as u32, end: self.text.len() as u32, kind, rule });
        self.before.truncate(shared);
        self.before.extend_from_slice(&line[shared..]);
    }
}

/// The last shape, walked along while a new one is read.
#[derive(Debug)]
pub(super) struct Reused<'a> {
    shape: &'a Shape,
    lines: &'a [Line],
    here: Place,
    ahead: Place,
    /// Every series of the last layout, built when first asked for.
    index: Option<SeriesSet>,
    shared_bytes: usize,
}

#[derive(Clone, Debug)]
struct Place {
    line: usize,
    /// The column of this line or of the next that has one.
    column: usize,
    /// The line, in full.
    text: Vec<u8>,
}

impl Place {
    /// Completes `text`, which is that of the line before, to that of this line.
    fn decode(&mut self, shape: &Shape, lines: &[Line]) {
        let Some(line) = lines.get(self.line) else { return };
        let start = self.line.checked_sub(1).map_or(0, |before| lines[before].end as usize);
        self.text.truncate(line.shared as usize);
        self.text.extend_from_slice(&shape.text[start..line.end as usize]);
    }

    fn step(&mut self, shape: &Shape, lines: &[Line]) {
        if lines.get(self.line).is_some_and(|line| matches!(line.kind, Kind::Sample { kept: true, .. })) {
            self.column += 1;
        }
        self.line += 1;
        self.decode(shape, lines);
    }
}

impl Reused<'_> {
    /// The series that the text begins with, if it is one of the next that were there last time: its length and labels.
    pub(super) fn at(&mut self, text: &str) -> Option<(usize, Arc<Labels>)> {
        self.ahead.line = self.here.line;
        self.ahead.column = self.here.column;
        self.ahead.text.clone_from(&self.here.text);
        for _ in 0..LOOKED_AHEAD {
            let line = self.lines.get(self.ahead.line)?;
            let length = self.ahead.text.len();
            let same = text.as_bytes().starts_with(&self.ahead.text) && ends_series(text.as_bytes(), length);
            if same && matches!(line.kind, Kind::Sample { kept: true, .. }) {
                let labels = Arc::clone(self.shape.layout.series().get(self.ahead.column)?);
                self.ahead.step(self.shape, self.lines);
                std::mem::swap(&mut self.here, &mut self.ahead);
                self.shared_bytes += SERIES_BYTES + labels.text_bytes();
                return Some((length, labels));
            }
            self.ahead.step(self.shape, self.lines);
        }
        None
    }

    /// These labels as the last layout has them, if it has.
    pub(super) fn shared(&mut self, labels: Labels) -> Arc<Labels> {
        let index = self.index.get_or_insert_with(|| self.shape.layout.series().iter().cloned().collect());
        match index.get(&labels) {
            Some(known) => {
                self.shared_bytes += SERIES_BYTES + known.text_bytes();
                Arc::clone(known)
            }
            None => Arc::new(labels),
        }
    }

    /// The layout of these columns; it knows what it shares with the last one.
    pub(super) fn layout_of(self, columns: Vec<Arc<Labels>>) -> Layout {
        Layout::of(columns).grown_from(&self.shape.layout, self.shared_bytes)
    }
}

/// Where the next line begins that says something.
fn line_start(text: &str, at: usize, dialect: Dialect) -> usize {
    match dialect {
        Dialect::PrometheusText => next_line(text, at).0,
        Dialect::OpenMetrics => at,
    }
}

/// Whether a series that is `length` bytes long ends there: it could be the beginning of a longer one.
fn ends_series(bytes: &[u8], end: usize) -> bool {
    if end > 0 && bytes[end - 1] == b'}' {
        return true;
    }
    let next = skip_blanks(bytes, end);
    next > end && bytes.get(next) != Some(&b'{')
}
