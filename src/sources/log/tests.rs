//! A log as it grows, is cut, is moved away, and comes in halves.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base::{At, Boot, Severity};
use crate::model::{Answer, Batch, LogLine};
use crate::sources::lines::{CounterSpec, SeveritySpec};
use crate::sources::tests::bound_kind;
use crate::sources::{Source, SourceKindSpec};

const NOW: At = At { boot: Boot(9_000), wall: Wall(1_757_407_400_000) };

fn source() -> Source {
    let counter = CounterSpec {
        name: "failures_total".to_owned(),
        labels: std::collections::BTreeMap::new(),
        help: String::new(),
        pattern: "fail".to_owned(),
        from: Vec::new(),
    };
    let severity = SeveritySpec { severity: Severity::Critical, pattern: "FATAL".to_owned() };
    let patterns =
        PatternsSpec { counters: vec![counter], severities: vec![severity], records: None, masks: Vec::new() };
    let spec = SourceKindSpec::Log(LogSpec { path: "/var/log/node.log".to_owned(), patterns });
    Source::compile(bound_kind(spec)).expect("it compiles")
}

fn read(began: TailBegan, bytes: &[u8]) -> TailRead {
    TailRead { began, bytes: bytes.to_vec(), ..TailRead::default() }
}

fn decode(source: &Source, cursor: &mut Cursor, read: TailRead) -> Batch {
    let reply = Reply { answer: Answer::File(FileAnswer::Tail(read)), sent: NOW, took: Duration::ZERO };
    let batch = source.decode(cursor, &reply);
    assert_eq!(batch.failure, None);
    batch
}

fn texts(batch: &Batch) -> Vec<&str> {
    batch.lines.iter().map(|line| &*line.text).collect()
}

/// Failures, lines, bytes skipped: as counted so far.
fn counted(batch: &Batch) -> Vec<f64> {
    batch.values[batch.values.len() - 3..].to_vec()
}

#[test]
fn what_was_there_before_is_shown_and_not_counted() {
    let (source, mut cursor) = (source(), Cursor::default());
    let context = TailRead { skipped_bytes: 900, ..read(TailBegan::Anew, b"half of one\nold fail\nolder\nbeg") };
    let batch = decode(&source, &mut cursor, context);
    assert_eq!(texts(&batch), ["old fail", "older"]);
    assert_eq!(counted(&batch), [0.0, 0.0, 0.0], "a counter starts at 0");
    // The end of the line that had begun comes, and only then is it one.
    let batch = decode(&source, &mut cursor, read(TailBegan::On, b"un, then fail\nnew"));
    assert_eq!(texts(&batch), ["begun, then fail"]);
    assert_eq!(counted(&batch), [1.0, 1.0, 0.0]);
    let batch = decode(&source, &mut cursor, read(TailBegan::On, b""));
    assert_eq!((texts(&batch).len(), counted(&batch)), (0, vec![1.0, 1.0, 0.0]), "counters persist");
}

#[test]
fn a_file_from_its_start_has_no_half_line() {
    let (source, mut cursor) = (source(), Cursor::default());
    assert_eq!(texts(&decode(&source, &mut cursor, read(TailBegan::Anew, b"first\nsecond\n"))), ["first", "second"]);
}

#[test]
fn a_rotation_loses_nothing() {
    let (source, mut cursor) = (source(), Cursor::default());
    decode(&source, &mut cursor, read(TailBegan::Anew, b""));
    decode(&source, &mut cursor, read(TailBegan::On, b"the last li"));
    let rotated = TailRead { rest: b"ne fail\nunended".to_vec(), ..read(TailBegan::Over, b"fail anew\n") };
    let batch = decode(&source, &mut cursor, rotated);
    assert_eq!(texts(&batch), ["the last line fail", "unended", "fail anew"]);
    assert_eq!(counted(&batch), [2.0, 3.0, 0.0]);
}

#[test]
fn a_cut_file_is_read_from_its_start() {
    let (source, mut cursor) = (source(), Cursor::default());
    decode(&source, &mut cursor, read(TailBegan::Anew, b""));
    decode(&source, &mut cursor, read(TailBegan::On, b"never en"));
    let batch = decode(&source, &mut cursor, read(TailBegan::Over, b"after the cut\n"));
    assert_eq!(texts(&batch), ["never en", "after the cut"]);
}

#[test]
fn what_came_too_fast_is_said() {
    let (source, mut cursor) = (source(), Cursor::default());
    decode(&source, &mut cursor, read(TailBegan::Anew, b""));
    decode(&source, &mut cursor, read(TailBegan::On, b"lost beginning"));
    let skipped = TailRead { skipped_bytes: 2_044, ..read(TailBegan::On, b"end\nfail\n") };
    let batch = decode(&source, &mut cursor, skipped);
    assert_eq!(texts(&batch), ["[2.0KiB of the log were not read: it grew too fast]", "fail"]);
    assert_eq!(counted(&batch), [1.0, 1.0, 2048.0]);
    let many: String = (0..600).map(|n| format!("line {n}\n")).collect();
    let batch = decode(&source, &mut cursor, read(TailBegan::On, many.as_bytes()));
    assert_eq!((batch.lines.len(), batch.dropped_lines), (500, 100));
    assert_eq!(texts(&batch)[0], "line 100");
    assert_eq!(counted(&batch)[1], 601.0, "what is not kept is counted all the same");
}

#[test]
fn lines_are_harmless_judged_and_timed() {
    let (source, mut cursor) = (source(), Cursor::default());
    let bytes = b"2025-09-09T08:43:09Z FATAL \x1b[31mred\x1b[0m\n\xff\xfe\r\n\r\n\x1b]0;title\x07plain\n";
    let batch = decode(&source, &mut cursor, read(TailBegan::Anew, bytes));
    let line = |at: i64, severity, text: &str| LogLine {
        at: Wall(at),
        timed_by_read: at == NOW.wall.0,
        severity,
        text: Arc::from(text),
    };
    let want = [
        line(1_757_407_389_000, Some(Severity::Critical), "2025-09-09T08:43:09Z FATAL red"),
        line(NOW.wall.0, None, "\u{fffd}\u{fffd}"),
        line(NOW.wall.0, None, "plain"),
    ];
    assert_eq!(batch.lines, want);
}

#[test]
fn a_line_without_an_end_is_held_within_bounds() {
    let (source, mut cursor) = (source(), Cursor::default());
    decode(&source, &mut cursor, read(TailBegan::Anew, b""));
    for _ in 0..3 {
        decode(&source, &mut cursor, read(TailBegan::On, &[b'x'; 40_000]));
    }
    assert_eq!(cursor.tail.unended.len(), LONGEST_UNENDED);
    let batch = decode(&source, &mut cursor, read(TailBegan::On, b" end\nnext\n"));
    assert_eq!((batch.lines.len(), &*batch.lines[1].text), (2, "next"));
}

#[test]
fn the_next_read_begins_where_the_last_one_ended() {
    let (source, mut cursor) = (source(), Cursor::default());
    let look = |cursor: &Cursor| match source.fetch(cursor) {
        Ok(Fetch::File(FileRequest { look: Look::Tail { after, .. }, .. })) => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(look(&cursor), None);
    let next = TailPosition { inode: 7, offset: 42, head: b"first".to_vec() };
    decode(&source, &mut cursor, TailRead { next: next.clone(), ..read(TailBegan::Anew, b"") });
    assert_eq!(look(&cursor), Some(next.clone()));
    let absent = Reply { answer: Answer::File(FileAnswer::Absent), sent: NOW, took: Duration::ZERO };
    let failed = source.decode(&mut cursor, &absent);
    assert_eq!(failed.failure.map(|failure| failure.to_string()).as_deref(), Some("there is no /var/log/node.log"));
    assert_eq!(look(&cursor), Some(next), "a failure forgets nothing");
}

/// Parity drifts as the node logs them: one line with a time, four without.
const DRIFT: &str = "2026-11-20 23:16:50,166 - coinjecture.legacy_compat - ERROR - compute_header_hash: PARITY DRIFT \u{2717}\n  \
    Legacy:      b'\\xb6\\xd0'\n  Refactored:  b'\\x1d'\n  Legacy time: 4.35ms\n  Refactored time: 0.06ms\n";

fn of_records(limit_lines: usize) -> Source {
    let text = format!(
        r#"(
            counters: [
                (name: "drifts_total", help: "", pattern: "PARITY DRIFT"),
                (name: "slow_drifts_total", help: "", pattern: r"(?s)PARITY DRIFT.*Legacy time: [1-9]"),
            ],
            severities: [(severity: Critical, pattern: "- ERROR -")],
            records: Some((start: r"^\d{{4}}-\d\d-\d\d ", limit_lines: {limit_lines})),
        )"#
    );
    let patterns: PatternsSpec = crate::base::ron_text::parse("test", &text).expect("patterns");
    let spec = SourceKindSpec::Log(LogSpec { path: "/var/log/parity.log".to_owned(), patterns });
    Source::compile(bound_kind(spec)).expect("it compiles")
}

/// Drifts, slow drifts, lines, bytes skipped, records cut.
fn counted_records(batch: &Batch) -> Vec<f64> {
    batch.values[batch.values.len() - 5..].to_vec()
}

#[test]
fn a_record_of_several_lines_is_counted_once_and_as_a_whole() {
    let (source, mut cursor) = (of_records(50), Cursor::default());
    decode(&source, &mut cursor, read(TailBegan::Anew, DRIFT.as_bytes()));
    // It comes in two halves, and its end is known only when nothing follows.
    let (first, second) = DRIFT.split_at(130);
    let batch = decode(&source, &mut cursor, read(TailBegan::On, first.as_bytes()));
    assert_eq!(counted_records(&batch)[..2], [0.0, 0.0]);
    let batch = decode(&source, &mut cursor, read(TailBegan::On, second.as_bytes()));
    assert_eq!(counted_records(&batch)[..2], [0.0, 0.0], "more of it may come");
    let urgent: Vec<_> = batch.lines.iter().map(|line| line.severity).collect();
    assert!(urgent.iter().all(|severity| *severity == Some(Severity::Critical)), "{urgent:?}");
    let batch = decode(&source, &mut cursor, read(TailBegan::On, b""));
    assert_eq!(counted_records(&batch), [1.0, 1.0, 5.0, 0.0, 0.0]);
    let batch = decode(&source, &mut cursor, read(TailBegan::On, DRIFT.repeat(3).as_bytes()));
    assert_eq!(counted_records(&batch)[..2], [3.0, 3.0], "the third is still open");
    let rotated = decode(&source, &mut cursor, read(TailBegan::Over, b"2026-11-20 anew\n"));
    assert_eq!(counted_records(&rotated), [4.0, 4.0, 21.0, 0.0, 0.0]);
}

#[test]
fn a_record_that_is_too_long_is_looked_at_in_part() {
    let (source, mut cursor) = (of_records(3), Cursor::default());
    decode(&source, &mut cursor, read(TailBegan::Anew, b""));
    let batch = decode(&source, &mut cursor, read(TailBegan::On, DRIFT.as_bytes()));
    assert_eq!(counted_records(&batch), [1.0, 0.0, 5.0, 0.0, 1.0], "what lies behind the limit is not found");
    assert_eq!(batch.lines.len(), 5, "and is seen by people all the same");
}
