//! A log file, read as it grows: its new lines for people, and a counter per pattern.
//!
//! The first read shows the last lines for context and counts none of them. From then on every line is counted once,
//! when its end has come. A file that was moved away is read to its end where it now lies beside the new one as
//! `PATH.1`; a file that was cut or replaced is read from its start. Where more came than is read at once the newest
//! is read, and a line in the log's place says how much was passed over.

use serde::{Deserialize, Serialize};

use super::kind::{Columns, Decoded, Fill, Kind, KindSpec, Own, check_path, folder_of, mismatched, names_of};
use super::lines::{Kept, Patterns, PatternsSpec, Tally, When, harmless, time_of};
use super::{BoundSource, Cursor, SourceKindSpec, seconds};
use crate::base::{Unit, Wall};
use crate::model::{
    Answer, Fetch, FetchFailure, FileAnswer, FileRequest, Labels, Look, Reply, TailBegan, TailPosition, TailRead,
};

/// Bytes at the end of a file that are shown when it is first read.
const CONTEXT_BYTES: u64 = 16 << 10;

/// Longest line that is waited for; of a longer one the beginning is taken.
const LONGEST_UNENDED: usize = 64 << 10;

const OWN: [&str; 2] = ["opsconsole_log_lines_total", "opsconsole_log_skipped_bytes_total"];

/// Of records of several lines: those that were longer than allowed.
const CUT_RECORDS: &str = "opsconsole_log_cut_records_total";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSpec {
    /// Absolute; may hold `{setting}`s.
    pub path: String,
    #[serde(default)]
    pub patterns: PatternsSpec,
}

/// How far a log was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    position: Option<TailPosition>,
    /// The beginning of a line whose end has not come yet.
    unended: Vec<u8>,
}

#[derive(Debug)]
struct Log {
    /// As it is made first, without a position.
    request: FileRequest,
    limit_bytes: u64,
    patterns: Patterns,
    counters: usize,
    columns: Columns,
}

/// The series that every log has beside its counters: lines counted, bytes that came too fast, and records cut.
pub(super) fn own_series(bound: &BoundSource, patterns: &Patterns) -> impl Iterator<Item = Labels> {
    let cut = patterns.counts_records().then_some(CUT_RECORDS);
    OWN.into_iter().chain(cut).map(|name| Columns::of_source(bound, name))
}

/// The names of a log's series.
pub(super) fn names(patterns: &PatternsSpec) -> Vec<String> {
    let cut = patterns.records.as_ref().map(|_| CUT_RECORDS);
    names_of(patterns.counters.iter().map(|counter| counter.name.as_str()).chain(OWN).chain(cut))
}

impl KindSpec for LogSpec {
    fn read(&self) -> String {
        format!("tail {}", self.path)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        check_path(&self.path)?;
        let patterns = Patterns::compile(&self.patterns)?;
        let limit_bytes = bound.spec.limit_bytes;
        Ok(Box::new(Log {
            request: FileRequest {
                path: self.path.clone(),
                within: folder_of(bound),
                look: Look::Tail { after: None, context_bytes: CONTEXT_BYTES.min(limit_bytes), limit_bytes },
                timeout: seconds(bound.spec.timeout_seconds),
            },
            limit_bytes,
            columns: Columns::new(bound, patterns.series().chain(own_series(bound, &patterns)))?,
            patterns,
            counters: self.patterns.counters.len(),
        }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(names(&self.patterns))
    }

    fn extractions(&self) -> Vec<(Labels, &str)> {
        self.patterns.extractions()
    }

    fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::Log(LogSpec { path: fill(&self.path)?, ..self.clone() }))
    }

    fn is_of_machine(&self) -> bool {
        true
    }

    fn gives_lines(&self) -> bool {
        true
    }
}

impl Kind for Log {
    fn fetch(&self, cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        let look = Look::Tail {
            after: cursor.tail.position.clone(),
            context_bytes: CONTEXT_BYTES.min(self.limit_bytes),
            limit_bytes: self.limit_bytes,
        };
        Ok(Fetch::File(FileRequest { look, ..self.request.clone() }))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        let read = match &reply.answer {
            Answer::File(FileAnswer::Tail(read)) => read,
            Answer::File(FileAnswer::Absent) => return Err(FetchFailure::NoFile { path: self.request.path.clone() }),
            Answer::File(FileAnswer::Seen(_) | FileAnswer::Tree(_))
            | Answer::Http(_)
            | Answer::Tcp
            | Answer::FileSystem(_)
            | Answer::Command(_) => return Err(mismatched()),
        };
        let mut reading = Reading {
            patterns: &self.patterns,
            now: reply.sent.wall,
            counted: read.began != TailBegan::Anew,
            unended: std::mem::take(&mut cursor.tail.unended),
            tally: &mut cursor.tally,
            kept: Kept::default(),
        };
        reading.read(read);
        let Reading { unended, kept, .. } = reading;
        if kept.is_empty() && unended.is_empty() {
            self.patterns.end(&mut cursor.tally);
        }
        cursor.tail = Tail { position: Some(read.next.clone()), unended };
        let values = cursor.tally.values_of(self.counters, &self.patterns);
        let dropped_lines = kept.dropped;
        Ok(Decoded { lines: kept.into_lines(), dropped_lines, ..self.columns.lay_out(own, cursor, &values) })
    }
}

/// One answer on its way to lines.
struct Reading<'a> {
    patterns: &'a Patterns,
    now: Wall,
    counted: bool,
    unended: Vec<u8>,
    tally: &'a mut Tally,
    kept: Kept,
}

impl Reading<'_> {
    fn read(&mut self, read: &TailRead) {
        let mut bytes = read.bytes.as_slice();
        match read.began {
            TailBegan::Anew => self.unended.clear(),
            TailBegan::On => {}
            TailBegan::Over => {
                self.feed(&read.rest);
                // No end will come to this line any more, nor to the record that it is part of.
                let last = std::mem::take(&mut self.unended);
                if !last.is_empty() {
                    self.line(&last);
                }
                self.patterns.end(self.tally);
            }
        }
        if read.skipped_bytes > 0 {
            self.unended.clear();
            self.patterns.end(self.tally);
            let rest = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            if self.counted {
                let skipped = read.skipped_bytes.saturating_add(rest as u64);
                self.tally.skipped_bytes = self.tally.skipped_bytes.saturating_add(skipped);
                let size = Unit::Bytes.write(skipped as f64);
                self.kept.note(self.now, &format!("{size} of the log were not read: it grew too fast"));
            }
            bytes = &bytes[rest..];
        }
        self.feed(bytes);
    }

    /// Takes every line that has ended; keeps the beginning of the one that has not.
    fn feed(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| *byte == b'\n');
        let last = pieces.next_back().unwrap_or_default();
        for piece in pieces {
            if self.unended.is_empty() {
                self.line(piece);
            } else {
                self.hold(piece);
                let whole = std::mem::take(&mut self.unended);
                self.line(&whole);
            }
        }
        self.hold(last);
    }

    fn hold(&mut self, piece: &[u8]) {
        let room = LONGEST_UNENDED.saturating_sub(self.unended.len());
        self.unended.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    fn line(&mut self, bytes: &[u8]) {
        let line = harmless(&bytes[..bytes.len().min(LONGEST_UNENDED)]);
        if line.is_empty() {
            return;
        }
        let when = When::of(time_of(&line), self.now);
        self.patterns.take(&line, when, None, self.counted, self.tally, &mut self.kept);
    }
}

#[cfg(test)]
mod tests;
