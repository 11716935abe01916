//! A unit's journal: its new records for people, and a counter per pattern.
//!
//! The first read shows the last records for context and counts none of them; from then on `journalctl` is asked for
//! what came after the last record's cursor. A record of several lines is several lines with one time. Where as many
//! records come as are asked for, older ones may be missing, and a line in their place says so.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kind::{Columns, Decoded, Fill, Kind, KindSpec, Own, PROGRAM_INTERVAL, folder_of};
use super::lines::{Kept, Patterns, PatternsSpec, When, harmless};
use super::units::{succeeded, unit_name};
use super::{BoundSource, Cursor, SourceKindSpec, log, seconds};
use crate::base::{Severity, Wall};
use crate::model::{CommandRequest, Fetch, FetchFailure, Labels, Reply};

const PROGRAM: &str = "journalctl";

/// What a failure says was expected.
const EXPECTED: &str = "journal records";

/// Records of the first read, and of any other.
const CONTEXT_RECORDS: usize = 50;
const MOST_RECORDS: usize = 1_000;

/// Fields that are asked for; cursor and times always come.
const FIELDS: &str = "--output-fields=MESSAGE,PRIORITY";

/// Longest cursor that is believed.
const LONGEST_CURSOR: usize = 512;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournaldSpec {
    /// With or without `.service`; may hold a `{setting}`.
    pub unit: String,
    #[serde(default)]
    pub patterns: PatternsSpec,
}

/// How far a journal was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    /// Of the last record.
    cursor: Option<String>,
    /// When a journal without any record was first read: everything since then is new.
    since: Option<Wall>,
}

#[derive(Debug)]
struct Journald {
    request: CommandRequest,
    patterns: Patterns,
    counters: usize,
    columns: Columns,
}

impl KindSpec for JournaldSpec {
    fn read(&self) -> String {
        format!("{PROGRAM} -u {}", self.unit)
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        let unit = unit_name(&self.unit)?;
        let argv = [PROGRAM, "--no-pager", "-o", "json", FIELDS, "-u", &unit].map(str::to_owned);
        let patterns = Patterns::compile(&self.patterns)?;
        Ok(Box::new(Journald {
            request: CommandRequest {
                argv: argv.to_vec(),
                within: folder_of(bound),
                timeout: seconds(bound.spec.timeout_seconds),
                limit_bytes: bound.spec.limit_bytes,
            },
            columns: Columns::new(bound, patterns.series().chain(log::own_series(bound, &patterns)))?,
            patterns,
            counters: self.patterns.counters.len(),
        }))
    }

    fn names(&self) -> Option<Vec<String>> {
        Some(log::names(&self.patterns))
    }

    fn extractions(&self) -> Vec<(Labels, &str)> {
        self.patterns.extractions()
    }

    fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        Ok(SourceKindSpec::Journald(JournaldSpec { unit: fill(&self.unit)?, ..self.clone() }))
    }

    fn is_of_machine(&self) -> bool {
        true
    }

    fn gives_lines(&self) -> bool {
        true
    }

    fn least_interval(&self) -> Duration {
        PROGRAM_INTERVAL
    }
}

impl Kind for Journald {
    fn fetch(&self, cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        let mut request = self.request.clone();
        let more = match &cursor.journal {
            Position { cursor: Some(last), .. } => vec![most(MOST_RECORDS), format!("--after-cursor={last}")],
            Position { cursor: None, since: Some(since) } => {
                vec![most(MOST_RECORDS), format!("--since=@{}", since.0.div_euclid(1000))]
            }
            Position { cursor: None, since: None } => vec![most(CONTEXT_RECORDS)],
        };
        request.argv.extend(more);
        Ok(Fetch::Command(request))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        let answer = match succeeded(reply, PROGRAM) {
            Ok(answer) => answer,
            Err(failure) => {
                if cursor.journal.cursor.take().is_some() {
                    // The journal may have forgotten the record; then it is read on by time.
                    cursor.journal.since = Some(reply.sent.wall);
                }
                return Err(failure);
            }
        };
        let counted = cursor.journal.cursor.is_some() || cursor.journal.since.is_some();
        let mut kept = Kept::default();
        let mut records = 0;
        for line in answer.stdout.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            // Where there is nothing, journalctl says so for people: `-- No entries --`.
            if line.is_empty() || line.starts_with(b"-- ") {
                continue;
            }
            let record: Record = serde_json::from_slice(line).map_err(malformed)?;
            records += 1;
            if records == 1 && counted && answer.stdout.iter().filter(|byte| **byte == b'\n').count() >= MOST_RECORDS {
                kept.note(reply.sent.wall, "older records may be missing: more came than are read at once");
            }
            if let Some(last) = record.cursor() {
                cursor.journal.cursor = Some(last.to_owned());
            }
            let when = When::of(record.at(), reply.sent.wall);
            for text in record.lines() {
                self.patterns.take(&text, when, record.severity(), counted, &mut cursor.tally, &mut kept);
            }
        }
        if records == 0 && !answer.complaint.is_empty() {
            // A user who may not see the journal gets an empty one and a hint; that is not silence of the unit.
            let detail = format!("{PROGRAM} shows nothing: {}", answer.complaint);
            return Err(FetchFailure::Other { detail });
        }
        cursor.journal.since.get_or_insert(reply.sent.wall);
        if records == 0 {
            self.patterns.end(&mut cursor.tally);
        }
        let values = cursor.tally.values_of(self.counters, &self.patterns);
        let dropped_lines = kept.dropped;
        Ok(Decoded { lines: kept.into_lines(), dropped_lines, ..self.columns.lay_out(own, cursor, &values) })
    }
}

fn most(records: usize) -> String {
    format!("--lines={records}")
}

fn malformed(error: serde_json::Error) -> FetchFailure {
    FetchFailure::Malformed { expected: EXPECTED.to_owned(), detail: error.to_string() }
}

/// One record. Any field may be a text, a list of bytes where it is not UTF-8, a list of either where it came several
/// times, or null where it is too large.
#[derive(Debug, Deserialize)]
struct Record {
    #[serde(rename = "__CURSOR", default)]
    cursor: Value,
    #[serde(rename = "__REALTIME_TIMESTAMP", default)]
    micros: Value,
    #[serde(rename = "PRIORITY", default)]
    priority: Value,
    #[serde(rename = "MESSAGE", default)]
    message: Value,
}

impl Record {
    /// A cursor that can stand in an argv.
    fn cursor(&self) -> Option<&str> {
        let plain = |cursor: &&str| cursor.len() <= LONGEST_CURSOR && cursor.chars().all(|c| c.is_ascii_graphic());
        self.cursor.as_str().filter(plain)
    }

    fn at(&self) -> Option<Wall> {
        let micros: i64 = self.micros.as_str()?.parse().ok()?;
        Some(Wall(micros / 1000))
    }

    /// syslog's priorities, 0 to 7.
    fn severity(&self) -> Option<Severity> {
        match self.priority.as_str()?.parse::<u8>().ok()? {
            0..=3 => Some(Severity::Critical),
            4 => Some(Severity::Warning),
            5..=7 => Some(Severity::Info),
            _none => None,
        }
    }

    fn lines(&self) -> Vec<String> {
        let text = text_of(&self.message);
        text.split(|byte| *byte == b'\n').map(harmless).filter(|line| !line.is_empty()).collect()
    }
}

fn text_of(message: &Value) -> Vec<u8> {
    match message {
        Value::String(text) => text.clone().into_bytes(),
        Value::Array(bytes) if bytes.iter().all(Value::is_number) => {
            bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()).unwrap_or(b'?')).collect()
        }
        Value::Array(several) => several.iter().map(text_of).collect::<Vec<_>>().join(&b'\n'),
        Value::Null => b"[a message that the journal holds to be too large]".to_vec(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => message.to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests;
