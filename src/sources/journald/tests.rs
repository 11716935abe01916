//! Journals as journalctl writes them.

use super::*;
use crate::base::{At, Boot};
use crate::model::{Answer, Batch, CommandAnswer};
use crate::sources::lines::CounterSpec;
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
    let patterns = PatternsSpec { counters: vec![counter], ..PatternsSpec::default() };
    let spec = SourceKindSpec::Journald(JournaldSpec { unit: "node".to_owned(), patterns });
    Source::compile(bound_kind(spec)).expect("it compiles")
}

fn said(code: i32, stdout: &str, complaint: &str) -> Reply {
    let answer = CommandAnswer { code, stdout: stdout.as_bytes().to_vec(), complaint: complaint.to_owned() };
    Reply { answer: Answer::Command(answer), sent: NOW, took: Duration::ZERO }
}

fn argv(source: &Source, cursor: &Cursor) -> String {
    source.fetch(cursor).expect("a read").to_string()
}

fn texts(batch: &Batch) -> Vec<&str> {
    batch.lines.iter().map(|line| &*line.text).collect()
}

#[test]
fn a_journal_is_read_on_from_its_last_record() {
    let (source, mut cursor) = (source(), Cursor::default());
    let base = "journalctl --no-pager -o json --output-fields=MESSAGE,PRIORITY -u node.service";
    assert_eq!(argv(&source, &cursor), format!("{base} --lines=50"));
    let old =
        r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1757407389515000","PRIORITY":"3","MESSAGE":"fail before"}"#;
    let batch = source.decode(&mut cursor, &said(0, &format!("{old}\n"), ""));
    assert_eq!((texts(&batch), batch.lines[0].at), (vec!["fail before"], Wall(1_757_407_389_515)));
    assert_eq!(batch.lines[0].severity, Some(Severity::Critical));
    let counted = |batch: &Batch| batch.values[batch.values.len() - 3];
    assert_eq!(counted(&batch), 0.0);
    assert_eq!(argv(&source, &cursor), format!("{base} --lines=1000 '--after-cursor=s=1;i=2'"));
    let new = r#"{"__CURSOR":"s=1;i=3","MESSAGE":"fail now","PRIORITY":"6"}"#;
    let batch = source.decode(&mut cursor, &said(0, new, ""));
    assert_eq!((counted(&batch), batch.lines[0].at), (1.0, NOW.wall));
    let batch = source.decode(&mut cursor, &said(0, "", ""));
    assert_eq!((counted(&batch), batch.failure), (1.0, None), "silence is an answer");
    // A record that the journal has forgotten ends the reading by cursor, not the source.
    let batch = source.decode(&mut cursor, &said(1, "", "Failed to seek to cursor: Invalid argument"));
    let words = batch.failure.expect("a failure").to_string();
    assert_eq!(words, "journalctl ended with code 1: Failed to seek to cursor: Invalid argument");
    assert_eq!(argv(&source, &cursor), format!("{base} --lines=1000 --since=@1757407400"));
}

#[test]
fn an_empty_journal_is_read_on_by_time() {
    let (source, mut cursor) = (source(), Cursor::default());
    assert_eq!(source.decode(&mut cursor, &said(0, "-- No entries --\n", "")).failure, None);
    assert!(argv(&source, &cursor).ends_with("--since=@1757407400"));
    let batch = source.decode(&mut cursor, &said(0, r#"{"__CURSOR":"s=1;i=1","MESSAGE":"fail"}"#, ""));
    assert_eq!(batch.values[batch.values.len() - 3], 1.0);
}

#[test]
fn a_journal_that_may_not_be_seen_is_not_a_silent_one() {
    let hint = "Hint: You are currently not seeing messages from other users and the system.";
    let batch = source().decode(&mut Cursor::default(), &said(0, "", hint));
    assert_eq!(batch.failure.expect("a failure").to_string(), format!("journalctl shows nothing: {hint}"));
}

#[test]
fn messages_may_be_anything() {
    let check = |message: &str, want: &[&str]| {
        let record = format!(r#"{{"__CURSOR":"s=1;i=1","MESSAGE":{message}}}"#);
        let batch = source().decode(&mut Cursor::default(), &said(0, &record, ""));
        assert_eq!((batch.failure.clone(), texts(&batch)), (None, want.to_vec()), "{message}");
    };
    check(r#""plain""#, &["plain"]);
    check(r#""one\ntwo\n""#, &["one", "two"]);
    check(r#""\u001b[31mred\u001b[0m\u202e""#, &["red\u{fffd}"]);
    check("[104,105,27,91,51,49,109,255]", &["hi\u{fffd}"]);
    check("[300,-1]", &["??"]);
    check(r#"["a","b"]"#, &["a", "b"]);
    check("null", &["[a message that the journal holds to be too large]"]);
    check("7", &["7"]);
}

#[test]
fn a_cursor_is_only_believed_where_it_can_stand_in_an_argv() {
    let (source, mut cursor) = (source(), Cursor::default());
    for hostile in [r#""a b""#, r#""a\u001bb""#, r#""ä""#, "7", "null"] {
        source.decode(&mut cursor, &said(0, &format!(r#"{{"__CURSOR":{hostile},"MESSAGE":"x"}}"#), ""));
        assert!(argv(&source, &cursor).ends_with("--since=@1757407400"), "{hostile}");
    }
    let batch = source.decode(&mut cursor, &said(0, "{\"MESSAGE\":", ""));
    assert!(batch.failure.expect("a failure").to_string().starts_with("not journal records: "));
}

#[test]
fn a_flood_says_that_older_records_may_be_missing() {
    let (source, mut cursor) = (source(), Cursor::default());
    source.decode(&mut cursor, &said(0, "", ""));
    let flood: String =
        (0..MOST_RECORDS).map(|n| format!("{{\"__CURSOR\":\"i={n}\",\"MESSAGE\":\"m{n}\"}}\n")).collect();
    let batch = source.decode(&mut cursor, &said(0, &flood, ""));
    assert_eq!(batch.lines.len() as u64 + batch.dropped_lines, MOST_RECORDS as u64 + 1);
    assert!(argv(&source, &cursor).ends_with(&format!("--after-cursor=i={}", MOST_RECORDS - 1)));
}
