//! What a journal costs: folding a long one into its run, and appending a record to it.

use std::io::Write;
use std::time::{Duration, Instant};

use opsconsole::app::JournalId;
use opsconsole::base::{At, Boot, Digest, RunId, Wall};
use opsconsole::promql::Verdict;
use opsconsole::runbook::record::Judged;
use opsconsole::runbook::seal::Environment;
use opsconsole::runbook::{Actor, Entry, Record, Run};
use opsconsole::shell::{StateRoot, clock, journal};
use opsconsole::systems::{self, System};

use super::{allocations, quantile, row, thread_seconds};

const RECORDS: usize = 100_000;
const APPENDS: usize = 400;

pub fn run() {
    fold(RECORDS / 10);
    fold(RECORDS);
    append();
}

/// A run that stands at its choice, with evidence that flaps and people who try: the longest stories there are.
fn story(records: usize) -> Vec<Entry> {
    let files = systems::embedded();
    let (id, files) = files.iter().find(|(id, _)| id.as_str() == "volchain").expect("an embedded system");
    let system = System::load(id, files).expect("embedded data is right");
    let runbook = system.runbooks.iter().find(|book| book.id.as_str().ends_with("stale-blocks")).expect("a runbook");
    let opened = Record::RunOpened {
        run: "run".into(),
        target: "volchain".into(),
        system: system.id.clone(),
        environment: Environment::Demo,
        alert: None,
        runbook: Box::new((**runbook).clone()),
        hash: Digest::of_json(&**runbook).expect("it has JSON"),
    };
    let judged =
        |verdict| Judged { means: "transactions wait".to_owned(), expr: "mempool > bool 0".to_owned(), verdict };
    let next = |number: usize| match number {
        0 => opened.clone(),
        1 => Record::Observed { step: "look".into(), evidence: Vec::new() },
        number if number % 2 == 0 => Record::Suggested {
            step: "cause".into(),
            branch: None,
            judged: vec![("stuck".into(), vec![judged(Verdict::False), judged(Verdict::True)])],
        },
        _other => Record::Refused { what: "step restart".to_owned(), why: "the console is observing".to_owned() },
    };
    let one = |number: usize| {
        let at = At { boot: Boot(number as u64 * 1_000), wall: Wall(1_757_407_389_000 + number as i64 * 1_000) };
        let (seq, digest) = (number as u64 + 1, Digest::zero());
        let (actor, boot_id) = (Actor::default(), "boot".to_owned());
        Entry { seq, prev: digest.clone(), at, boot_id, actor, record: next(number), hash: digest }
    };
    (0..records).map(one).collect()
}

fn fold(records: usize) {
    let before = resident_kib();
    let entries = story(records);
    let per_record = (resident_kib() - before) * 1024.0 / records as f64;
    let (began, allocated) = (thread_seconds(), allocations::count());
    let run = Run::fold(&entries).expect("the story of a run");
    let seconds = thread_seconds() - began;
    let allocated = allocations::count() - allocated;
    assert_eq!(run.last_seq, records as u64);
    let target = if records == RECORDS { "0.5" } else { "-" };
    row(&format!("fold a journal of {records} records, s"), seconds, target);
    row("  allocations for each record", allocated as f64 / records as f64, "-");
    row("  memory of each record that is held, bytes", per_record, "-");
}

fn append() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
    let id = JournalId::Run(RunId::new("run"));
    let mut bare = std::fs::File::create(root.path().join("bare")).expect("a file");
    let (mut appends, mut writes) = (Vec::new(), Vec::new());
    let record = Record::RunClosed { why: "a record of the usual length, as most of them are".to_owned() };
    for _ in 0..APPENDS {
        // In turns, so that whatever else the disk does is done to both.
        appends.push(millis(|| {
            journal::append(&root, &id, &Actor::default(), clock::now(), &clock::boot_id(), record.clone())
                .map(drop)
                .expect("it is appended");
        }));
        writes.push(millis(|| {
            bare.write_all(&[b'x'; 400]).and_then(|()| bare.sync_data()).expect("it is written");
        }));
    }
    let (append, write) = (quantile(&mut appends, 0.5), quantile(&mut writes, 0.5));
    row("append a record, median ms", append, "-");
    row("  write as much and fsync it, median ms", write, "-");
    row("  the one over the other", append / write, "-");
    let path = root.journal(&id).expect("a path");
    let began = thread_seconds();
    let read = journal::read(&path).expect("it is whole").len();
    row("read and verify a record, microseconds", (thread_seconds() - began) * 1e6 / read as f64, "-");
}

fn millis(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().max(Duration::from_nanos(1)).as_secs_f64() * 1e3
}

/// Memory of this process that is in use.
fn resident_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0.0)
}
