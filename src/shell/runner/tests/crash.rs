//! Killed at any moment: nothing lost, nothing twice, nothing silent.

use super::*;
use crate::shell::journal::append;

/// The journal of a whole sequence, with two acts and a way back.
fn whole_story() -> (Workshop, Digest, Vec<Vec<u8>>) {
    let shop = workshop();
    shop.append(Record::ConsoleStarted { version: "0".to_owned() });
    let hash =
        shop.confirm(&shop.sealed(&["systemctl restart node", "systemctl start node"], &["systemctl stop node"]));
    let finished = shop.run(&hash, ill);
    assert!(matches!(finished, Finished::Ended(SequenceEnd::RolledBack { .. })), "{finished:?}");
    let bytes = std::fs::read(shop.path()).expect("it is there");
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    (shop, hash, lines)
}

/// Makes the journal what it was when `count` records were durable, as a crash right then would leave it.
fn rewind(shop: &Workshop, lines: &[Vec<u8>], count: usize) {
    for name in ["run-1.jsonl", "run-1.jsonl.head"] {
        let _ = std::fs::remove_file(shop.path().with_file_name(name));
    }
    std::fs::write(shop.path(), lines[..count].concat()).expect("ours");
    let entries = journal::read(&shop.path()).expect("it is whole");
    if let Some(last) = entries.last() {
        let head = format!("{{\"seq\":{},\"hash\":\"{}\"}}\n", last.seq, last.hash);
        std::fs::write(shop.path().with_file_name("run-1.jsonl.head"), head).expect("ours");
    }
}

fn intents(records: &[Record]) -> Vec<String> {
    records.iter().filter(|record| matches!(record, Record::Intent { .. })).map(told).collect()
}

#[test]
fn a_runner_started_again_at_any_moment_begins_no_act_twice() {
    let (shop, hash, lines) = whole_story();
    let once = shop.ran();
    assert_eq!(once, ["restart node", "start node", "stop node"]);
    for count in 1..=lines.len() {
        rewind(&shop, &lines, count);
        std::fs::remove_file(shop.folder.join("ran")).expect("ours");
        std::fs::write(shop.folder.join("ran"), "").expect("ours");
        let before = shop.records();
        let confirmed = before.iter().any(|record| matches!(record, Record::Confirmed { .. }));
        let begun = before.iter().any(|record| matches!(record, Record::RunnerStarted { .. }));
        let finished = shop.run(&hash, ill);
        if confirmed && !begun {
            assert!(matches!(finished, Finished::Ended(SequenceEnd::RolledBack { .. })), "{count}: {finished:?}");
            assert_eq!(shop.ran(), once);
        } else {
            assert!(matches!(finished, Finished::Nothing { .. }), "{count}: {finished:?}");
            assert_eq!(shop.records(), before, "after {count} records");
            assert!(shop.ran().is_empty());
        }
        let mut intents = intents(&shop.records());
        let all = intents.len();
        intents.dedup();
        assert_eq!(intents.len(), all, "an act was intended twice after {count} records");
    }
}

fn begun(entries: &[crate::runbook::Entry]) -> bool {
    entries.iter().any(|entry| matches!(entry.record, Record::RunnerStarted { .. }))
}

#[test]
fn every_prefix_has_the_end_that_it_tells() {
    let (shop, _, lines) = whole_story();
    for count in 1..=lines.len() {
        rewind(&shop, &lines, count);
        let entries = journal::read(&shop.path()).expect("it is whole");
        let story: Vec<String> = entries.iter().map(|entry| told(&entry.record)).collect();
        let has = |word: &str| story.iter().any(|told| told.starts_with(word));
        let want = match () {
            () if !has("Confirmed") || has("ended") => None,
            // The machine's fold calls never started only what no runner took on.
            () if !begun(&entries) => Some("never started"),
            () if !has("intent") => Some("refused"),
            () => Some("unknown"),
        };
        assert_eq!(orphaned(&entries).as_ref().map(word), want, "{story:?}");
        // An act with an intent and no outcome is named.
        let open = story.last().and_then(|last| last.strip_prefix("intent "));
        if let (Some(act), Some(SequenceEnd::OutcomeUnknown { why })) = (open, orphaned(&entries)) {
            assert!(why.contains(&format!("while {act} was to run")), "{why}");
        }
    }
}

#[test]
fn a_console_settles_what_a_dead_runner_left_and_only_that() {
    let (shop, hash, lines) = whole_story();
    let actor = Actor::default();
    for count in 1..=lines.len() {
        rewind(&shop, &lines, count);
        let before = journal::read(&shop.path()).expect("it is whole");
        let begun = before.iter().any(|entry| matches!(entry.record, Record::RunnerStarted { .. }));
        let alive = TargetLock::try_take_run(&shop.root, &shop.run, "runner").expect("it is free");
        assert_eq!(settle_orphan(&shop.root, &shop.run, &actor), Ok(None), "a runner is at work");
        drop(alive);
        let written = settle_orphan(&shop.root, &shop.run, &actor).expect("it can be written");
        // A fresh confirmation still has its runner coming.
        let want = orphaned(&before).is_some() && begun;
        assert_eq!(written.is_some(), want, "after {count} records");
        assert_eq!(settle_orphan(&shop.root, &shop.run, &actor), Ok(None), "it is settled once");
        if want {
            assert!(matches!(shop.run(&hash, ill), Finished::Nothing { .. }), "what is settled is not begun");
        }
    }
}

#[test]
fn open_runs_are_found_with_what_is_open_in_them() {
    let (shop, _, lines) = whole_story();
    let found = |shop: &Workshop| recover(&shop.root).expect("the folder can be read").0;
    let open = |sequence: Option<&str>, alive| {
        vec![OpenRun { run: shop.run.clone(), sequence: sequence.map(Into::into), alive }]
    };
    assert_eq!(found(&shop), open(None, false));
    rewind(&shop, &lines, 4);
    assert_eq!(found(&shop), open(Some("restart"), false));
    let runner = TargetLock::try_take_run(&shop.root, &shop.run, "runner").expect("it is free");
    assert_eq!(found(&shop), open(Some("restart"), true));
    drop(runner);
    shop.append(Record::RunClosed { why: "done".to_owned() });
    assert_eq!(found(&shop), []);

    let other = JournalId::Run(RunId::new("run-2"));
    let record = Record::ConsoleStarted { version: "0".to_owned() };
    append(&shop.root, &other, &Actor::default(), clock::now(), "boot", record).expect("it is appended");
    std::fs::write(shop.path(), "{}\n").expect("ours");
    let (open, unreadable) = recover(&shop.root).expect("the folder can be read");
    assert_eq!((open.len(), unreadable.len()), (1, 1), "one spoiled journal hides no other");
}

#[test]
fn a_journal_that_lost_its_tail_begins_nothing() {
    let (shop, hash, lines) = whole_story();
    let head = std::fs::read(shop.path().with_file_name("run-1.jsonl.head")).expect("there is a head");
    rewind(&shop, &lines, 2);
    std::fs::write(shop.path().with_file_name("run-1.jsonl.head"), head).expect("ours");
    let before = shop.ran().len();
    let finished = shop.run(&hash, cured);
    assert!(matches!(finished, Finished::Unjournalled { .. }), "{finished:?}");
    assert_eq!(shop.ran().len(), before);
    assert_eq!(shop.records().len(), 2);
}

#[test]
fn a_journal_that_fails_during_an_act_stops_every_further_act() {
    let shop = workshop();
    let sealed = shop.sealed(&["systemctl restart node", "systemctl start node"], &["systemctl stop node"]);
    let hash = shop.confirm(&sealed);
    // The first act takes the journal away: what follows can not be written.
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = show ] && {{ echo MainPID={}; exit; }}\necho \"$*\" >> {folder}/ran\nmv {journal} {folder}/gone\nmkdir {journal}\n",
        std::process::id(),
        folder = shop.folder.display(),
        journal = shop.path().display(),
    );
    std::fs::write(shop.folder.join("bin/systemctl"), script).expect("ours");
    let finished = shop.run(&hash, cured);
    assert!(matches!(&finished, Finished::Unjournalled { why } if why.contains("a1 ran for")), "{finished:?}");
    assert_eq!(finished.exit_code(), 4);
    assert_eq!(shop.ran(), ["restart node"]);
}

#[test]
fn an_outcome_that_was_late_in_the_journal_stops_every_further_act() {
    let shop = workshop();
    let hash =
        shop.confirm(&shop.sealed(&["systemctl restart node", "systemctl start node"], &["systemctl stop node"]));
    // The journal is away while the outcome is first tried, and back a moment later.
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = show ] && {{ echo MainPID={}; exit; }}\necho \"$*\" >> {folder}/ran\nmv {journal} {folder}/gone\nmkdir {journal}\n(sleep 0.08; rmdir {journal}; mv {folder}/gone {journal}) &\n",
        std::process::id(),
        folder = shop.folder.display(),
        journal = shop.path().display(),
    );
    std::fs::write(shop.folder.join("bin/systemctl"), script).expect("ours");
    let patient = Pace { retry_for: Duration::from_secs(60), ..pace() };
    let rounds = Rc::new(Cell::new(0));
    let (probe, judge) = (Node { rounds: rounds.clone() }, Told { rounds, verdicts: cured });
    let (_ask, stop) = Stop::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let finished = runtime.block_on(run(&shop.root, &shop.run, &hash, probe, judge, patient, stop));
    let Finished::Ended(SequenceEnd::OutcomeUnknown { why }) = &finished else { panic!("{finished:?}") };
    assert!(why.contains("1 of 2 acts are done, and a2 was not started: the journal failed meanwhile"), "{why}");
    assert_eq!(shop.ran(), ["restart node"]);
    assert_eq!(intents(&shop.records()), ["intent a1"]);
}
