//! What people do and say at the steps of a run, and what is kept for them, on simulated time.

use std::time::Duration;

use opsconsole::app::{Effect, JournalId};
use opsconsole::base::StepId;
use opsconsole::runbook::machine::{Collected, StepState};
use opsconsole::runbook::{Entry, Record, Run};
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::Rehearsal;
use opsconsole::sim::volchain::{Fault, Verb};

use crate::stage::shows;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn begin(surface: Surface, faults: &[(Fault, u64)]) -> Rehearsal {
    let faults: Vec<_> = faults.iter().map(|(fault, age)| (*fault, seconds(*age))).collect();
    Rehearsal::begin(surface, &faults, 120, 40).expect("the embedded data")
}

fn open(stage: &mut Rehearsal, runbook: &str) {
    stage.press(":");
    stage.type_text(runbook);
    stage.press("enter");
    stage.advance(seconds(3));
    assert_eq!(run(stage).runbook.title, runbook, "another runbook was opened");
}

fn run(stage: &Rehearsal) -> &Run {
    stage.app.model().run().expect("a run")
}

fn journal(stage: &Rehearsal) -> &[Entry] {
    stage.journal(&JournalId::Run(run(stage).id.clone()))
}

fn say(stage: &mut Rehearsal, words: &str) {
    stage.type_text(words);
    stage.press("enter");
}

/// The step at which the run stands.
fn at(stage: &Rehearsal) -> String {
    run(stage).current().map(|step| step.id.to_string()).unwrap_or_default()
}

#[test]
fn the_alert_opens_its_runbook_and_the_evidence_is_kept_before_anything_is_done() {
    for surface in [Surface::Documented, Surface::AsBuilt] {
        let mut stage = begin(surface, &[]);
        stage.service(Verb::Stop);
        stage.advance(seconds(100));
        stage.press("3");
        stage.press("enter");
        stage.advance(seconds(3));
        assert_eq!(run(&stage).runbook.id.as_str(), "volchain/service-down");
        let kept = run(&stage).steps[&StepId::new("keep")].collected.clone();
        let Some(Collected::Archive(archive)) = kept else { panic!("no evidence was kept: {kept:?}") };
        assert!(archive.files.iter().any(|name| name.starts_with("logs/")), "{archive:?}");
        assert_eq!(at(&stage), "cause", "{surface:?}");
    }
}

/// A restart that somebody made by hand counts when what verifies the step was measured, and not before.
#[test]
fn a_sequence_done_by_hand_is_measured_before_it_counts() {
    for (helps, want, end) in [(true, StepState::Done, "cured"), (false, StepState::Failed, "not-cured")] {
        let mut stage = begin(Surface::AsBuilt, &[(Fault::ProducerStuck, 100)]);
        stage.advance(seconds(150));
        open(&mut stage, "stale blocks");
        stage.press("enter");
        stage.advance(seconds(1));
        stage.press("H");
        say(&mut stage, "restarted it on the machine");
        stage.advance(seconds(2));
        assert_eq!(run(&stage).state(&"restart".into()), StepState::Running);
        stage.press("X");
        assert!(stage.app.asks().is_none(), "it can not be confirmed as well");
        if helps {
            stage.service(Verb::Restart);
        }
        stage.advance(seconds(140));
        assert_eq!((run(&stage).state(&"restart".into()), at(&stage).as_str()), (want, end));
        let said = journal(&stage).iter().any(|entry| matches!(entry.record, Record::SequenceByHand { .. }));
        assert!(said && stage.asked.iter().all(|effect| !matches!(effect, Effect::Commit { .. })));
        assert_eq!(&Run::fold(journal(&stage)).expect("a run"), run(&stage), "the live run is the fold of its journal");
    }
}

#[test]
fn a_hand_over_says_how_long_is_left_to_tell_and_keeps_who_was_told() {
    let mut stage = begin(Surface::AsBuilt, &[(Fault::ProducerOff, 300)]);
    stage.advance(seconds(70));
    open(&mut stage, "stale blocks");
    stage.press("enter");
    stage.advance(seconds(1));
    assert_eq!(at(&stage), "tell-producer-off");
    shows(&stage, "left to tell them");
    stage.press("enter");
    shows(&stage, "to tell: On-call engineer");
    // What the runbook says is no word of the operator: nothing is told by a key alone.
    stage.press("enter");
    shows(&stage, "say who was told");
    say(&mut stage, "the night shift");
    stage.advance(seconds(1));
    let told = |entry: &Entry| {
        matches!(&entry.record, Record::Escalated { contacts, .. }
            if contacts == &["the night shift".to_owned()])
    };
    assert!(journal(&stage).iter().any(told), "{:?}", journal(&stage).last());
}

#[test]
fn the_rules_of_the_system_are_seen_in_the_wizard_and_in_help() {
    let mut stage = begin(Surface::AsBuilt, &[]);
    open(&mut stage, "health check");
    (0..3).for_each(|_| stage.press("z"));
    shows(&stage, "never edit files of the node directly");
    shows(&stage, "On-call engineer, Team lead within 15 minutes");
    stage.press("2");
    stage.press("?");
    stage.type_text("principle");
    shows(&stage, "every fix goes through the ledger first");
}
