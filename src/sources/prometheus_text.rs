//! The Prometheus text exposition, version 0.0.4, read without copying.
//!
//! A node's exposition keeps its shape from scrape to scrape: the same series on the same lines. The decoder remembers
//! the text of each line up to its value ([`Shape`]); while every line begins as it did last time, a scrape costs one
//! comparison and one number per line and no label is parsed. Only a scrape whose shape changed is read in full.
//!
//! Labels that a node sets and the console needs for itself become `exported_<name>`, as in Prometheus. `up` and
//! series named `opsconsole_…` belong to the console: a node that exposes them is not believed, and they count as
//! dropped.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::http::{self, Get};
use super::kind::{self, Fill, Kind, KindSpec};
use super::{BoundSource, Cursor, SourceKindSpec};
use crate::model::labels::NAME;
use crate::model::{Fetch, FetchFailure, HttpAnswer, Labels, Layout, Reply};

/// Labels of one series beyond which an exposition is refused.
const MOST_LABELS: usize = 64;

/// What a failure says was expected.
const EXPECTED: &str = "a Prometheus exposition";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusTextSpec {
    pub path: String,
    /// Samples beyond this many are dropped, and counted.
    pub limit_series: usize,
}

/// Ready to decode.
#[derive(Debug)]
pub struct PrometheusText {
    limit_series: usize,
}

/// The shape of the last exposition: where its series stand and which column each has.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The series parts of all sample lines, one after the other.
    text: Vec<u8>,
    lines: Vec<Line>,
    layout: Arc<Layout>,
    dropped: u64,
}

impl Default for Shape {
    fn default() -> Shape {
        Shape { text: Vec::new(), lines: Vec::new(), layout: Arc::new(Layout::new(Vec::new())), dropped: 0 }
    }
}

#[derive(Clone, Copy, Debug)]
struct Line {
    /// Where the line's series part ends in `Shape::text`.
    end: usize,
    /// Whether the line has the next column; duplicates and series beyond the limit have none.
    kept: bool,
}

/// What one exposition brought.
#[derive(Debug)]
pub(super) struct Decoded {
    pub layout: Arc<Layout>,
    pub values: Vec<f64>,
    /// Duplicates, series beyond the limit, and series that a node may not set.
    pub dropped: u64,
}

/// What the console adds to every batch of a source.
#[derive(Debug)]
pub(super) struct Own<'a> {
    /// On every series of the source.
    pub labels: &'a Labels,
    /// The first columns.
    pub series: &'a [Labels],
    pub values: &'a [f64],
}

/// A line that is not of the format.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
struct BadLine {
    line: usize,
    what: String,
}

impl PrometheusText {
    pub(super) fn compile(spec: &PrometheusTextSpec) -> Result<PrometheusText, String> {
        match spec.limit_series {
            0 => Err("limit_series is 0, so that nothing would be read".to_owned()),
            limit_series => Ok(PrometheusText { limit_series }),
        }
    }

    /// Reads an exposition; `shape` is that of the last one and is brought up to date.
    pub(super) fn decode(&self, reply: &HttpAnswer, own: &Own<'_>, shape: &mut Shape) -> Result<Decoded, FetchFailure> {
        let body = reply.body.as_slice();
        if http::is_html(reply) {
            return Err(FetchFailure::Html { expected: EXPECTED.to_owned() });
        }
        if let Some(values) = again(body, own, shape) {
            return Ok(Decoded { layout: Arc::clone(&shape.layout), values, dropped: shape.dropped });
        }
        match self.read(body, own, shape) {
            Ok((values, fresh)) => {
                *shape = fresh;
                Ok(Decoded { layout: Arc::clone(&shape.layout), values, dropped: shape.dropped })
            }
            Err(bad) => Err(FetchFailure::Malformed { expected: EXPECTED.to_owned(), detail: bad.to_string() }),
        }
    }

    /// Reads every line. Labels of series that the last exposition had too are taken from it.
    fn read(&self, body: &[u8], own: &Own<'_>, last: &Shape) -> Result<(Vec<f64>, Shape), BadLine> {
        let text = text_of(body)?;
        let known = last.known(own.series.len());
        let mut shape = Shape::default();
        let mut columns: Vec<Labels> = own.series.to_vec();
        let mut values = own.values.to_vec();
        let mut seen: HashSet<Labels> = columns.iter().cloned().collect();
        for (number, line) in lines(text) {
            let bad = |what: String| BadLine { line: number, what };
            let end = series_end(line).map_err(bad)?;
            let (series, rest) = line.split_at(end);
            let value = value_of(rest.as_bytes()).ok_or_else(|| bad(format!("{:?} is not a value", shown(rest))))?;
            let labels = match known.get(series.as_bytes()) {
                Some(labels) => (***labels).clone(),
                None => labels_of(series, own.labels).map_err(bad)?,
            };
            let room = columns.len() - own.series.len() < self.limit_series;
            let free = labels.name() != "up" && !labels.name().starts_with("opsconsole_");
            let kept = room && free && seen.insert(labels.clone());
            shape.text.extend_from_slice(series.as_bytes());
            shape.lines.push(Line { end: shape.text.len(), kept });
            if kept {
                columns.push(labels);
                values.push(value);
            } else {
                shape.dropped += 1;
            }
        }
        shape.layout = Arc::new(Layout::new(columns));
        Ok((values, shape))
    }
}

/// An exposition at an address of the endpoint.
#[derive(Debug)]
struct Exposition {
    get: Get,
    text: PrometheusText,
}

impl KindSpec for PrometheusTextSpec {
    fn read(&self) -> String {
        format!("GET {}", self.path)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let get = Get::compile(bound, &self.path, "text/plain;version=0.0.4")?;
        Ok(Box::new(Exposition { get, text: PrometheusText::compile(self)? }))
    }

    fn names(&self) -> Option<Vec<String>> {
        None
    }

    fn filled(&self, _fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::PrometheusText(self.clone()))
    }

    fn tells_time(&self) -> bool {
        true
    }
}

impl Kind for Exposition {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(self.get.fetch())
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<kind::Decoded, FetchFailure> {
        let decoded = self.text.decode(http::answered(reply)?, own, &mut cursor.shape)?;
        Ok(kind::Decoded { dropped_series: decoded.dropped, ..kind::Decoded::of(decoded.layout, decoded.values) })
    }
}

impl Shape {
    /// The labels of each kept series part.
    fn known(&self, own: usize) -> HashMap<&[u8], &Arc<Labels>> {
        let mut columns = self.layout.series().iter().skip(own);
        let mut known = HashMap::with_capacity(self.lines.len());
        let mut start = 0;
        for line in &self.lines {
            let series = &self.text[start..line.end];
            start = line.end;
            if let Some(labels) = line.kept.then(|| columns.next()).flatten() {
                known.insert(series, labels);
            }
        }
        known
    }
}

/// The values of an exposition that has exactly the last one's shape.
fn again(body: &[u8], own: &Own<'_>, shape: &Shape) -> Option<Vec<f64>> {
    if shape.lines.is_empty() {
        return None;
    }
    let mut values = Vec::with_capacity(shape.layout.series().len());
    values.extend_from_slice(own.values);
    let (mut start, mut expected) = (0, shape.lines.iter());
    for line in byte_lines(body) {
        let want = expected.next()?;
        let rest = line.strip_prefix(&shape.text[start..want.end])?;
        start = want.end;
        if !rest.first().is_some_and(|byte| is_blank(*byte)) {
            return None;
        }
        let value = value_of(rest)?;
        if want.kept {
            values.push(value);
        }
    }
    (expected.next().is_none() && values.len() == shape.layout.series().len()).then_some(values)
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Lines that hold a sample, without blanks and line ends around them.
fn byte_lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    body.split(|byte| *byte == b'\n').map(|line| line.trim_ascii()).filter(|line| !line.is_empty() && line[0] != b'#')
}

/// As [`byte_lines`], with line numbers that start at 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split('\n')
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim_ascii()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn text_of(body: &[u8]) -> Result<&str, BadLine> {
    std::str::from_utf8(body).map_err(|error| {
        let before = &body[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        BadLine { line, what: "not UTF-8".to_owned() }
    })
}

/// The number behind the series, and nothing but an optional timestamp behind that.
fn value_of(rest: &[u8]) -> Option<f64> {
    let rest = rest.trim_ascii();
    let end = rest.iter().position(|byte| is_blank(*byte)).unwrap_or(rest.len());
    let (value, timestamp) = rest.split_at(end);
    let timestamp = timestamp.trim_ascii();
    let stamped = timestamp.is_empty() || std::str::from_utf8(timestamp).is_ok_and(|text| text.parse::<i64>().is_ok());
    // Rust reads all spellings of the format: digits, exponents, NaN, +Inf, -Inf.
    let value = std::str::from_utf8(value).ok()?.parse().ok()?;
    stamped.then_some(value)
}

/// Where the series part of a line ends: behind the closing brace, or behind the name where there is none.
fn series_end(line: &str) -> Result<usize, String> {
    let bytes = line.as_bytes();
    let name = bytes.iter().position(|byte| is_blank(*byte) || *byte == b'{').unwrap_or(bytes.len());
    if !is_metric_name(&bytes[..name]) {
        return Err(format!("{:?} is not a metric name", shown(&line[..name])));
    }
    let brace = name + bytes[name..].iter().take_while(|byte| is_blank(**byte)).count();
    if bytes.get(brace) != Some(&b'{') {
        return Ok(name);
    }
    let (mut in_text, mut escaped) = (false, false);
    for (at, byte) in bytes.iter().enumerate().skip(brace + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'}' if !in_text => return Ok(at + 1),
            _ => {}
        }
    }
    Err("the labels do not end".to_owned())
}

/// The labels of a series part, with the source's own, which win.
fn labels_of(series: &str, own: &Labels) -> Result<Labels, String> {
    let Some((name, rest)) = series.split_once('{') else {
        return Ok(own.clone().with(NAME, series));
    };
    let mut pairs: Vec<(&str, String)> = Vec::new();
    // The series part ends with the brace that closes it.
    let mut rest = rest.trim_ascii_start();
    while !rest.starts_with('}') {
        if pairs.len() == MOST_LABELS {
            return Err(format!("a series with more than {MOST_LABELS} labels"));
        }
        let (label, after) = rest.split_once('=').ok_or_else(|| format!("{:?} is not a label", shown(rest)))?;
        let label = label.trim_ascii();
        if !is_label_name(label.as_bytes()) || label == NAME {
            return Err(format!("{:?} is not a label name", shown(label)));
        }
        if pairs.iter().any(|(have, _)| *have == label) {
            return Err(format!("the label {:?} twice", shown(label)));
        }
        let (value, after) = label_value(after.trim_ascii_start())?;
        pairs.push((label, value));
        rest = after.trim_ascii_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_ascii_start(),
            None if rest.starts_with('}') => {}
            None => return Err(format!("a comma is missing before {:?}", shown(rest))),
        }
    }
    let mut labels = own.clone().with(NAME, name.trim_ascii());
    let taken = |name: &str, labels: &Labels| !own.get(name).is_empty() || !labels.get(name).is_empty();
    let (free, colliding): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| own.get(name).is_empty());
    for (name, value) in free {
        labels = labels.with(name, &value);
    }
    for (name, value) in colliding {
        let mut exported = format!("exported_{name}");
        while taken(&exported, &labels) {
            exported = format!("exported_{exported}");
        }
        labels = labels.with(&exported, &value);
    }
    Ok(labels)
}

/// A quoted value with its escapes undone, and what stands behind it.
fn label_value(text: &str) -> Result<(String, &str), String> {
    let inside = text.strip_prefix('"').ok_or_else(|| format!("{:?} is not a quoted value", shown(text)))?;
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &inside[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, c @ ('"' | '\\'))) => value.push(c),
                // As Prometheus does: an escape that is none stays as it is.
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            c => value.push(c),
        }
    }
    Err("a label value does not end".to_owned())
}

fn is_metric_name(name: &[u8]) -> bool {
    is_name(name, |byte| byte == b':')
}

fn is_label_name(name: &[u8]) -> bool {
    is_name(name, |_| false)
}

fn is_name(name: &[u8], also: impl Fn(u8) -> bool) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || also(byte);
    match name.split_first() {
        Some((first, rest)) => plain(*first) && rest.iter().all(|byte| plain(*byte) || byte.is_ascii_digit()),
        None => false,
    }
}

/// The beginning of a text, for a message.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
