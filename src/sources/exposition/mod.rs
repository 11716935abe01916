//! Expositions: the text formats in which a node gives its series, read without copying.
//!
//! ```text
//! body ──┬─ same lines as last time ──► Shape::again ── one comparison and one number per line
//!        └─ otherwise ──► Lines (tokens) ──► Naming (labels) ──► a new Shape and Layout
//! ```
//!
//! A node's exposition keeps its shape from scrape to scrape: the same series on the same lines. [`Shape`] remembers
//! the text of each line up to its value; while every line begins as it did last time no label is parsed. Both ways
//! give the same answer to the same body, and the same refusal.
//!
//! **Timestamps** in an exposition do not move samples: every sample of an answer has the time of asking, as everything
//! else on the screen has. A sample that is stamped more than [`OLDEST`] before the node's own clock, or more than
//! [`NEWEST`] after it, does not say what is true now; it is left out and counted, and the others are kept. (Prometheus
//! would show no such sample either: it looks back five minutes, and takes nothing ten minutes ahead.)
//!
//! Labels that a node sets and the console needs for itself become `exported_<name>`, as in Prometheus. `up` and
//! series named `opsconsole_…` belong to the console: a node that exposes them is not believed, and they count as
//! dropped.
//!
//! Must never: allocate per sample of a known series; take a number for another; stop without the line that it could
//! not read.
//!
//! To add a format: a variant of [`Dialect`], and a source kind that reads with it.

mod families;
mod history;
mod naming;
mod number;
mod scan;
mod shape;

use std::sync::Arc;
use std::time::Duration;

use super::Cursor;
use super::http::{self, Question};
use super::kind::{Decoded, Kind, Own};
use crate::base::Wall;
use crate::model::labels::SeriesSet;
use crate::model::{Fetch, FetchFailure, HttpAnswer, Labels, Reply};
pub use history::history;
use naming::Naming;
pub use scan::{BadLine, Dialect, Lines, Pair, Sample};
pub use shape::Shape;

/// Age from which a stamped sample is not of now: what PromQL looks back.
const OLDEST: Duration = Duration::from_secs(5 * 60);

/// How far ahead of the node's clock a stamped sample may be.
const NEWEST: Duration = Duration::from_secs(10 * 60);

/// An exposition at an address of the endpoint: what the kinds that read one compile to.
#[derive(Debug)]
pub(super) struct Scrape {
    pub question: Question,
    pub exposition: Exposition,
}

impl Kind for Scrape {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(self.question.fetch())
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        self.exposition.decode_reply(reply, own, &mut cursor.shape)
    }
}

/// A format with its limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exposition {
    pub dialect: Dialect,
    pub limit_series: usize,
}

impl Exposition {
    pub(super) fn new(dialect: Dialect, limit_series: usize) -> Result<Exposition, String> {
        match limit_series {
            0 => Err("limit_series is 0, so that nothing would be read".to_owned()),
            limit_series => Ok(Exposition { dialect, limit_series }),
        }
    }

    /// Reads an answer over HTTP, as [`Exposition::decode`] reads its text.
    fn decode_reply(&self, reply: &Reply, own: &Own<'_>, shape: &mut Shape) -> Result<Decoded, FetchFailure> {
        let answer = http::answered(reply)?;
        if http::is_html(answer) {
            return Err(FetchFailure::Html { expected: self.dialect.expected().to_owned() });
        }
        if self.dialect == Dialect::OpenMetrics {
            check_format(answer)?;
        }
        // The node's own clock, where it says so, is what it stamps its samples with.
        self.decode(&answer.body, answer.date.unwrap_or(reply.sent.wall), own, shape)
    }

    /// Reads an exposition that was asked for at `now`; `shape` is that of the last one and is brought up to date.
    pub(super) fn decode(
        &self,
        body: &[u8],
        now: Wall,
        own: &Own<'_>,
        shape: &mut Shape,
    ) -> Result<Decoded, FetchFailure> {
        let read = text_of(body).and_then(|text| match shape.again(text, self.dialect, own.values, now) {
            Some(values) => Ok(values),
            None => self.read(text, own, shape, now),
        });
        shape.let_go();
        match read {
            Ok(values) => {
                let decoded = Decoded::of(Arc::clone(shape.layout()), values);
                Ok(Decoded { dropped_series: shape.dropped(), ..decoded })
            }
            Err(bad) => {
                let expected = self.dialect.expected().to_owned();
                Err(FetchFailure::Malformed { expected, detail: bad.to_string() })
            }
        }
    }

    /// Reads every line. Labels of series that the last exposition had too are taken from it.
    fn read(&self, text: &str, own: &Own<'_>, shape: &mut Shape, now: Wall) -> Result<Vec<f64>, BadLine> {
        let mut last = shape.reused(self.dialect);
        let mut fresh = shape.fresh();
        let mut naming = Naming::new(own.labels);
        let mut columns: Vec<Arc<Labels>> = own.series.iter().cloned().map(Arc::new).collect();
        columns.reserve(shape.layout().series().len());
        let mut values = own.values.to_vec();
        values.reserve(columns.capacity());
        let mut seen = SeriesSet::with_capacity_and_hasher(columns.capacity(), Default::default());
        seen.extend(columns.iter().cloned());
        let mut lines = Lines::new(text, self.dialect);
        while lines.advance() {
            let known = last.at(lines.rest_of_text());
            let sample = match &known {
                Some((length, _)) => lines.known(*length)?,
                None => match lines.sample()? {
                    Some(sample) => sample,
                    None => {
                        fresh.push_remark(lines.remark());
                        continue;
                    }
                },
            };
            let labels = match known {
                Some((_, labels)) => labels,
                None => last.shared(naming.labels(&sample, lines.pairs()).map_err(|what| lines.bad_sample(what))?),
            };
            let timely = is_timely(sample.timestamp, now);
            let room = columns.len() - own.series.len() < self.limit_series;
            let free = labels.name() != "up" && !labels.name().starts_with("opsconsole_");
            let kept = timely && room && free && seen.insert(Arc::clone(&labels));
            fresh.push(sample.series, kept, timely, sample.rule);
            if kept {
                columns.push(labels);
                values.push(sample.value);
            }
        }
        lines.finish()?;
        let layout = last.layout_of(columns);
        shape.replace(fresh, layout);
        Ok(values)
    }
}

/// A node that does not know OpenMetrics answers in the older format, and then that is what is wrong, not some line.
fn check_format(answer: &HttpAnswer) -> Result<(), FetchFailure> {
    let content_type = answer.content_type.trim_start().to_ascii_lowercase();
    let ended = answer.body.trim_ascii_end().ends_with(b"# EOF");
    if !content_type.starts_with("text/plain") || ended {
        return Ok(());
    }
    let detail = "the node answered in the older Prometheus text format, which the kind PrometheusText reads";
    Err(FetchFailure::Malformed { expected: "an OpenMetrics exposition".to_owned(), detail: detail.to_owned() })
}

/// Whether a sample says what is true at `now`: it is not stamped, or close enough.
fn is_timely(timestamp: Option<i64>, now: Wall) -> bool {
    timestamp.is_none_or(|millis| now.minus(OLDEST) <= Wall(millis) && Wall(millis) <= now.plus(NEWEST))
}

fn text_of(body: &[u8]) -> Result<&str, BadLine> {
    std::str::from_utf8(body).map_err(|error| {
        let before = &body[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        BadLine { line, what: "not UTF-8".to_owned() }
    })
}

#[cfg(test)]
mod open_metrics_tests;
#[cfg(test)]
mod round_trip_tests;
#[cfg(test)]
mod text_tests;
