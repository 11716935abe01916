//! What VolChain's runbooks that act on files leave behind, on simulated time: backups, the chain, drop-ins.

use std::time::Duration;

use opsconsole::app::{JournalId, Setup};
use opsconsole::runbook::record::SequenceEnd;
use opsconsole::runbook::{Record, Run};
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{CODE, Rehearsal};
use opsconsole::sim::volchain::Fault;

use crate::stage::shows;

const SURFACES: [Surface; 2] = [Surface::Documented, Surface::AsBuilt];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A console on which a destructive sequence is confirmed as a serious one, because what break-glass asks for beside it
/// has tests of its own; and on which half an hour is two minutes.
fn shortened(setup: &mut Setup) {
    let files = setup.systems.get_mut("volchain").expect("the embedded system");
    let text = files.get_mut("runbooks/recovery-from-backup.ron").expect("the runbook");
    *text = text.replace("class: Destructive", "class: Serious");
    let text = files.get_mut("runbooks/barrier-timeouts.ron").expect("the runbook");
    *text = text.replace("deadline_seconds: 1800", "deadline_seconds: 120");
}

/// A console with this runbook open and its diagnosis done.
fn opened(surface: Surface, faults: &[(Fault, Duration)], runbook: &str) -> Rehearsal {
    let mut stage = Rehearsal::begin_as(surface, faults, (120, 60), shortened).expect("the embedded data");
    stage.advance(seconds(150));
    stage.press(":");
    stage.type_text(runbook);
    stage.press("enter");
    stage.advance(seconds(3));
    stage
}

fn suggested(stage: &Rehearsal) -> Option<String> {
    let run = stage.app.model().run().expect("a run");
    run.steps.values().find_map(|step| step.suggested.clone()).map(|branch| branch.to_string())
}

fn current(stage: &Rehearsal) -> String {
    let run = stage.app.model().run().expect("a run");
    run.current().map_or_else(|| "the end".to_owned(), |step| step.id.to_string())
}

/// Arms if need be, and confirms the sequence that the run stands at.
fn commit(stage: &mut Rehearsal) {
    if stage.app.model().arming.is_none() {
        stage.press("A");
        stage.type_text("INC-2 files");
        stage.press("enter");
        stage.press("enter");
    }
    stage.press("X");
    shows(stage, "type  volchain-demo");
    stage.press("end");
    stage.type_text(&format!("volchain-demo {CODE}"));
}

fn journal(stage: &Rehearsal) -> JournalId {
    JournalId::Run(stage.app.model().shown_run.clone().expect("a run is shown"))
}

/// How the sequences of the run ended, in order. The live run is the fold of its journal.
fn ends(stage: &Rehearsal) -> Vec<SequenceEnd> {
    let entries = stage.journal(&journal(stage));
    assert_eq!(Some(&Run::fold(entries).expect("a run")), stage.app.model().run());
    let ended = |entry: &opsconsole::runbook::Entry| match &entry.record {
        Record::SequenceEnded { end, .. } => Some(end.clone()),
        _ => None,
    };
    entries.iter().filter_map(ended).collect()
}

fn verified(end: Option<&SequenceEnd>) -> bool {
    matches!(end, Some(SequenceEnd::Verified))
}

fn rolled_back(end: Option<&SequenceEnd>) -> bool {
    matches!(end, Some(SequenceEnd::RolledBack { .. }))
}

#[test]
fn a_backup_is_made_and_only_then_old_ones_go() {
    for surface in SURFACES {
        let mut stage = opened(surface, &[], "daily backup");
        assert_eq!(current(&stage), "backup", "{surface:?}");
        commit(&mut stage);
        stage.advance(seconds(60));
        assert!(verified(ends(&stage).last()), "{surface:?}: {:?}", ends(&stage));
        assert_eq!((current(&stage).as_str(), stage.played.backups), ("prune", 5));
        commit(&mut stage);
        stage.advance(seconds(60));
        assert!(verified(ends(&stage).last()), "{surface:?}: {:?}", ends(&stage));
        assert_eq!((current(&stage).as_str(), stage.played.backups), ("done", 3));
        shows(&stage, "today's backup is made and verified");
    }
}

#[test]
fn a_backup_that_does_not_verify_is_none_and_nothing_old_goes() {
    let mut stage = opened(Surface::AsBuilt, &[], "daily backup");
    stage.played.damaged = true;
    commit(&mut stage);
    stage.advance(seconds(60));
    assert!(rolled_back(ends(&stage).last()), "{:?}", ends(&stage));
    assert_eq!(current(&stage), "not-done");
    shows(&stage, "escalate");
    stage.advance(seconds(30));
    assert!(stage.node_is_up(), "the way back has started the node");
    stage.press("enter");
    // Nobody was told by a key alone.
    stage.press("enter");
    assert_eq!(current(&stage), "not-done");
    stage.type_text("the one who is on call");
    stage.press("enter");
    stage.advance(seconds(1));
    assert_eq!(current(&stage), "the end", "what was to be removed is skipped");
}

/// The height goes into the note beside the backup, and grows while a person reads.
#[test]
fn what_was_measured_for_the_acts_stands_while_the_confirmation_is_read() {
    let mut stage = opened(Surface::AsBuilt, &[], "daily backup");
    for key in ["A", "w", "h", "y", "enter", "enter", "X", "end"] {
        stage.press(key);
    }
    stage.advance(seconds(20));
    stage.type_text(&format!("volchain-demo {CODE}"));
    stage.advance(seconds(60));
    assert!(verified(ends(&stage).last()), "{:?}", ends(&stage));
}

#[test]
fn a_prune_that_fails_is_told() {
    let mut stage = opened(Surface::AsBuilt, &[], "daily backup");
    commit(&mut stage);
    stage.advance(seconds(60));
    stage.played.refuses_to_prune = true;
    commit(&mut stage);
    stage.advance(seconds(60));
    assert!(matches!(ends(&stage).last(), Some(SequenceEnd::NotCured { .. })), "{:?}", ends(&stage));
    assert_eq!(current(&stage), "not-done");
    assert_eq!(stage.played.backups, 5);
}

#[test]
fn a_recovery_gives_the_chain_of_the_backup() {
    for surface in SURFACES {
        let mut stage = opened(surface, &[(Fault::UserMismatch, seconds(100))], "recovery from backup");
        assert_eq!(current(&stage), "restore", "{surface:?}");
        let before = stage.height();
        commit(&mut stage);
        stage.advance(seconds(150));
        assert!(verified(ends(&stage).last()), "{surface:?}: {:?}", ends(&stage));
        assert!(stage.height() < before, "{surface:?}: the height is that of the backup");
        assert_eq!(current(&stage), "restored");
        shows(&stage, "the node runs on the files of the backup");
    }
}

#[test]
fn a_damaged_backup_replaces_nothing() {
    let mut stage = opened(Surface::AsBuilt, &[], "recovery from backup");
    stage.played.damaged = true;
    let before = stage.height();
    commit(&mut stage);
    stage.advance(seconds(30));
    assert!(rolled_back(ends(&stage).last()), "{:?}", ends(&stage));
    assert!(stage.height() >= before);
    assert_eq!(current(&stage), "not-restored");
}

#[test]
fn a_recovery_that_does_not_verify_is_taken_back() {
    let mut stage = opened(Surface::AsBuilt, &[], "recovery from backup");
    let before = stage.height();
    stage.fault(Fault::ProducerOff, true);
    commit(&mut stage);
    stage.advance(seconds(300));
    assert!(rolled_back(ends(&stage).last()), "{:?}", ends(&stage));
    assert!(stage.height() >= before, "what lived before lives again");
    assert_eq!(current(&stage), "not-restored");
}

/// Sealing is slow and players give up.
fn slow(surface: Surface) -> Rehearsal {
    let mut stage = opened(surface, &[(Fault::SlowSealing, seconds(300))], "barrier timeouts");
    assert_eq!(suggested(&stage).as_deref(), Some("raise"), "{surface:?}");
    stage.press("enter");
    stage.advance(seconds(1));
    assert_eq!(current(&stage), "raise-timeout", "{surface:?}");
    commit(&mut stage);
    // Where it cures that is seen at once, and the two minutes begin; else only at the deadline.
    stage.advance(seconds(if surface == Surface::Documented { 130 } else { 300 }));
    stage
}

#[test]
fn where_the_node_takes_the_variable_a_longer_time_cures_and_is_taken_back() {
    let mut stage = slow(Surface::Documented);
    assert!(verified(ends(&stage).last()), "{:?}", ends(&stage));
    assert_eq!(current(&stage), "expiry");
    stage.fault(Fault::SlowSealing, false);
    stage.advance(seconds(130));
    assert_eq!(current(&stage), "revert");
    assert!(stage.played.dropin().is_some());
    commit(&mut stage);
    stage.advance(seconds(300));
    assert_eq!(stage.played.dropin(), None, "there was no drop-in before");
    assert!(verified(ends(&stage).last()), "{:?}", ends(&stage));
    assert_eq!(current(&stage), "over");
}

#[test]
fn where_the_node_ignores_the_variable_the_drop_in_is_taken_back_and_people_are_told() {
    let stage = slow(Surface::AsBuilt);
    assert!(rolled_back(ends(&stage).last()), "{:?}", ends(&stage));
    assert_eq!((current(&stage).as_str(), stage.played.dropin()), ("not-cured", None));
}
