//! What the runbooks of a failed verification show, keep and refuse, on simulated time.

use std::time::Duration;

use opsconsole::app::{Effect, JournalId};
use opsconsole::runbook::Record;
use opsconsole::runbook::record::{Outcome, SequenceEnd};
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{CODE, Rehearsal};
use opsconsole::sim::volchain::Fault;

use crate::stage::{shows, shows_not};

const SURFACES: [Surface; 2] = [Surface::Documented, Surface::AsBuilt];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A console on a chain with these faults, at the branches of this runbook.
fn opened(surface: Surface, faults: &[Fault], runbook: &str) -> Rehearsal {
    let faults: Vec<(Fault, Duration)> = faults.iter().map(|fault| (*fault, seconds(400))).collect();
    let mut stage = Rehearsal::begin(surface, &faults, 120, 50).expect("the embedded data");
    stage.advance(seconds(90));
    stage.press(":");
    stage.type_text(runbook);
    stage.press("enter");
    stage.advance(seconds(3));
    stage
}

fn journal(stage: &Rehearsal) -> JournalId {
    JournalId::Run(stage.app.model().shown_run.clone().expect("a run is shown"))
}

fn suggested(stage: &Rehearsal) -> Option<String> {
    let run = stage.app.model().run().expect("a run");
    run.steps.values().find_map(|step| step.suggested.clone()).map(|branch| branch.to_string())
}

fn end_of(stage: &Rehearsal) -> Option<SequenceEnd> {
    stage.journal(&journal(stage)).iter().find_map(|entry| match &entry.record {
        Record::SequenceEnded { end, .. } => Some(end.clone()),
        _ => None,
    })
}

/// The step at which the run stands.
fn at(stage: &Rehearsal) -> String {
    let run = stage.app.model().run().expect("a run");
    run.current().map(|step| step.id.to_string()).unwrap_or_default()
}

/// Takes the suggested branch, arms, and confirms its sequence.
fn reconcile(stage: &mut Rehearsal) {
    stage.press("enter");
    stage.advance(seconds(1));
    stage.press("A");
    stage.type_text("INC-5 verification");
    stage.press("enter");
    stage.press("enter");
    stage.press("X");
    shows(stage, "type  volchain-demo");
    stage.press("end");
    stage.type_text(&format!("volchain-demo {CODE}"));
    stage.advance(seconds(200));
}

const BOTH: [(&str, Fault, &str); 2] =
    [("verification failure", Fault::CrossMismatch, "totals"), ("user mismatches", Fault::UserMismatch, "users")];

#[test]
fn as_built_it_cures_nothing_and_that_is_escalated() {
    for (runbook, fault, branch) in BOTH {
        for (surface, stubborn) in [(Surface::AsBuilt, false), (Surface::Documented, true)] {
            let faults = if stubborn { vec![fault, Fault::Stubborn] } else { vec![fault] };
            let mut stage = opened(surface, &faults, runbook);
            assert_eq!(suggested(&stage).as_deref(), Some(branch), "{surface:?}");
            reconcile(&mut stage);
            assert!(matches!(end_of(&stage), Some(SequenceEnd::NotCured { .. })), "{:?}", end_of(&stage));
            assert_eq!(at(&stage), format!("{branch}-not-cured"));
            shows(&stage, "escalate");
            let answered = |record: &Record| {
                matches!(record, Record::Applied { outcome: Outcome::Answered { status: 200 }, output, .. }
                    if output.contains("stakedAccounts"))
            };
            assert!(stage.journal(&journal(&stage)).iter().any(|entry| answered(&entry.record)), "the answer is kept");
        }
    }
}

#[test]
fn a_chain_that_does_not_add_up_stops_everything() {
    let check = |surface, runbook, faults: &[Fault], branch: &str, step: &str| {
        let mut stage = opened(surface, faults, runbook);
        assert_eq!(suggested(&stage).as_deref(), Some(branch), "{runbook} {surface:?}");
        stage.press("enter");
        stage.advance(seconds(1));
        assert_eq!(at(&stage), step);
        shows(&stage, "System administrator");
        stage.press("X");
        shows(&stage, "does not stand at a step that acts");
        assert!(stage.asked.iter().all(|effect| !matches!(effect, Effect::Prepare { .. } | Effect::Commit { .. })));
    };
    let (documented, built) = (Surface::Documented, Surface::AsBuilt);
    let verification = "verification failure";
    check(documented, verification, &[Fault::ChainBroken], "chain-inconsistent", "tell-chain-inconsistent");
    check(built, verification, &[Fault::ChainBroken], "blocks-inconsistent", "tell-blocks-inconsistent");
    for surface in SURFACES {
        let faults = [Fault::ChainBroken, Fault::UserMismatch];
        check(surface, "user mismatches", &faults, "chain-inconsistent", "tell-chain-inconsistent");
    }
}

#[test]
fn without_the_games_database_nothing_is_reconciled() {
    for surface in SURFACES {
        for (runbook, _, branch) in BOTH {
            let mut stage = opened(surface, &[Fault::GameMissing], runbook);
            assert_eq!(suggested(&stage).as_deref(), Some("no-file"), "{runbook} {surface:?}");
            // Somebody takes the way to the reconciliation all the same.
            let below = if branch == "totals" { 3 } else { 2 };
            (0..below).for_each(|_| stage.press("down"));
            stage.press("o");
            stage.type_text("I know better");
            stage.press("enter");
            stage.advance(seconds(1));
            assert_eq!(at(&stage), "reconcile", "{runbook}");
            stage.press("A");
            stage.type_text("INC-5");
            stage.press("enter");
            stage.press("enter");
            stage.press("X");
            stage.advance(seconds(1));
            shows(&stage, "refused");
            shows_not(&stage, "to confirm");
            assert_eq!(end_of(&stage), None);
        }
    }
}

#[test]
fn the_request_is_shown_as_it_would_be_sent_and_copied_without_its_secret() {
    let mut stage = opened(Surface::AsBuilt, &[Fault::UserMismatch], "user mismatches");
    stage.press("enter");
    stage.advance(seconds(1));
    stage.resize(200, 60);
    shows(&stage, "POST http://127.0.0.1:3001/admin/volchain-reconcile-stake-from-gridb");
    shows(&stage, "«env:VOLCHAIN_ADMIN_SECRET»");
    stage.press("y");
    let copied = stage.asked.iter().rev().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    let want = "curl --fail-with-body --silent --show-error --max-time 60 -X POST \
                -H \"X-Admin-Secret: $VOLCHAIN_ADMIN_SECRET\" \
                -- http://127.0.0.1:3001/admin/volchain-reconcile-stake-from-gridb";
    assert_eq!(copied.as_deref(), Some(want));
}

#[test]
fn a_target_without_the_secret_is_refused_with_what_to_do() {
    let faults = [(Fault::UserMismatch, seconds(400))];
    let without = |setup: &mut opsconsole::app::Setup| setup.config.targets[0].secrets.clear();
    let mut stage = Rehearsal::begin_as(Surface::AsBuilt, &faults, (120, 50), without).expect("the embedded data");
    stage.advance(seconds(90));
    stage.press(":");
    stage.type_text("user mismatches");
    stage.press("enter");
    stage.advance(seconds(3));
    stage.press("enter");
    stage.advance(seconds(1));
    stage.press("A");
    stage.type_text("INC-5");
    stage.press("enter");
    stage.press("enter");
    stage.press("X");
    stage.advance(seconds(1));
    shows_not(&stage, "to confirm");
    let refused = stage.journal(&journal(&stage)).iter().any(|entry| {
        matches!(&entry.record, Record::Refused { why, .. }
            if why.contains("no secret admin") && why.contains("add secrets:"))
    });
    assert!(refused, "{:?}", stage.journal(&journal(&stage)).last());
}
