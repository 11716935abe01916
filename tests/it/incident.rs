//! The incident as a person lives it, on simulated time: from the alert to the verified cure, with every key counted.

use std::time::Duration;

use opsconsole::alert::{Alert, AlertState};
use opsconsole::app::{Effect, JournalId, Msg};
use opsconsole::base::At;
use opsconsole::runbook::Record;
use opsconsole::runbook::Run;
use opsconsole::runbook::record::SequenceEnd;
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{CODE, Rehearsal};
use opsconsole::sim::volchain::Fault;

use crate::stage::{shows, shows_not};

const SURFACES: [Surface; 2] = [Surface::Documented, Surface::AsBuilt];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn firing(surface: Surface, fault: Fault) -> Rehearsal {
    let mut stage = Rehearsal::begin(surface, &[(fault, seconds(70))], 120, 40).expect("the embedded data");
    stage.advance(seconds(150));
    stage.press("3");
    stage
}

fn arm(stage: &mut Rehearsal) {
    stage.press("A");
    stage.type_text("INC-1 stale");
    stage.press("enter");
    stage.press("enter");
}

fn run_journal(stage: &Rehearsal) -> JournalId {
    JournalId::Run(stage.app.model().shown_run.clone().expect("a run is shown"))
}

fn end_of(stage: &Rehearsal) -> Option<SequenceEnd> {
    stage.journal(&run_journal(stage)).iter().find_map(|entry| match &entry.record {
        Record::SequenceEnded { end, .. } => Some(end.clone()),
        _ => None,
    })
}

#[test]
fn a_stale_chain_is_cured_on_both_surfaces() {
    for surface in SURFACES {
        let mut stage = firing(surface, Fault::ProducerStuck);
        shows(&stage, "firing");
        stage.press("enter");
        stage.advance(seconds(3));
        shows(&stage, "suggested");
        stage.press("enter");
        stage.advance(seconds(1));
        arm(&mut stage);
        shows(&stage, "ARMED");
        stage.press("X");
        shows(&stage, "type  volchain-demo");
        stage.type_text(&format!("volchain-demo {CODE}"));
        stage.advance(seconds(60));
        assert_eq!(end_of(&stage), Some(SequenceEnd::Verified), "{surface:?}");
        let run = Run::fold(stage.journal(&run_journal(&stage))).expect("a run");
        assert_eq!(Some(&run), stage.app.model().run(), "the live run is the fold of its journal");
    }
}

/// A console that begins while a run is open reads its journal from the first entry on, and writes nothing into it
/// before it knows how the run stands.
#[test]
fn an_open_run_is_read_whole_before_anything_is_added_to_it() {
    let mut before = firing(Surface::AsBuilt, Fault::ProducerStuck);
    before.press("enter");
    before.advance(seconds(3));
    before.press("enter");
    before.advance(seconds(1));
    let journal = run_journal(&before);
    let entries = before.journal(&journal).to_vec();
    assert!(entries.len() > 3, "{entries:?}");

    let mut after = Rehearsal::begin(Surface::AsBuilt, &[], 120, 40).expect("the embedded data");
    after.asked.clear();
    for (at, entry) in entries.iter().enumerate() {
        let entry = Box::new(entry.clone());
        after.tell(Msg::Journalled { journal: journal.clone(), entry, more: at + 1 < entries.len() });
        after.advance(seconds(1));
    }
    let written = |effect: &Effect| matches!(effect, Effect::Append { journal: JournalId::Run(_), .. });
    assert!(!after.asked.iter().any(written), "{:?}", after.asked);
    assert_eq!(after.app.model().run(), before.app.model().run());
    shows_not(&after, "can not be followed");
}

/// Closes the run that is shown, for this reason.
fn close(stage: &mut Rehearsal, why: &str) {
    stage.press("C");
    stage.type_text(why);
    stage.press("enter");
}

#[test]
fn a_run_is_closed_for_a_reason_and_by_no_accident() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerStuck);
    stage.press("enter");
    stage.advance(seconds(3));
    let open = |stage: &Rehearsal| stage.app.model().run().is_some_and(|run| run.closed.is_none());
    stage.press("C");
    shows(&stage, "it is not at its end");
    stage.press("enter");
    assert!(open(&stage), "closed without a reason");
    shows(&stage, "say why the run is closed");
    stage.press("esc");
    assert!(open(&stage) && stage.app.asks().is_none(), "closed though it was called off");
    close(&mut stage, "handed to the night shift");
    assert!(!open(&stage));
    let journal = stage.journal(&run_journal(&stage));
    let closed = Record::RunClosed { why: "handed to the night shift".to_owned() };
    assert!(journal.iter().any(|entry| entry.record == closed), "{journal:?}");
}

#[test]
fn the_command_is_shown_as_it_would_run_before_anybody_arms() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerStuck);
    stage.press("enter");
    stage.advance(seconds(3));
    stage.press("enter");
    stage.advance(seconds(1));
    assert!(stage.app.model().arming.is_none());
    shows(&stage, "systemctl restart volchain-backend");
    shows_not(&stage, "{unit}");
}

#[test]
fn at_every_prefix_the_fold_is_the_live_run() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerStuck);
    let steps: &[&dyn Fn(&mut Rehearsal)] = &[
        &|stage| stage.press("enter"),
        &|stage| stage.advance(seconds(3)),
        &|stage| stage.press("enter"),
        &|stage| stage.advance(seconds(1)),
        &|stage| arm(stage),
        &|stage| stage.press("X"),
        &|stage| stage.type_text(&format!("volchain-demo {CODE}")),
        &|stage| stage.advance(seconds(5)),
        &|stage| stage.advance(seconds(10)),
        &|stage| stage.advance(seconds(30)),
        &|stage| close(stage, "the chain moves again"),
    ];
    for step in steps {
        step(&mut stage);
        let entries = stage.journal(&run_journal(&stage));
        for length in 1..=entries.len() {
            Run::fold(&entries[..length]).expect("every prefix is a run");
        }
        assert_eq!(Some(&Run::fold(entries).expect("a run")), stage.app.model().run());
    }
}

#[test]
fn an_idle_chain_is_not_restarted() {
    for surface in SURFACES {
        let idle = [(Fault::Idle, seconds(400))];
        let mut stage = Rehearsal::begin(surface, &idle, 100, 30).expect("the embedded data");
        stage.advance(seconds(180));
        let fires = |alert: &Alert| matches!(alert.state, AlertState::Firing { .. });
        assert!(!stage.app.model().alerts.alerts().any(fires), "an idle chain makes no blocks, and that is no alert");
        // Somebody opens the runbook all the same.
        stage.press(":");
        stage.type_text("stale blocks");
        stage.press("enter");
        stage.advance(seconds(3));
        let run = stage.app.model().run().expect("a run");
        let suggested = run.steps.values().find_map(|step| step.suggested.clone());
        assert_eq!(suggested.as_ref().map(|branch| branch.as_str()), Some("idle"), "{surface:?}");
    }
}

#[test]
fn a_producer_that_is_off_is_escalated_and_not_restarted() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerOff);
    stage.press("enter");
    stage.advance(seconds(3));
    let run = stage.app.model().run().expect("a run");
    let suggested = run.steps.values().find_map(|step| step.suggested.clone());
    assert_eq!(suggested.as_ref().map(|branch| branch.as_str()), Some("producer-off"));
}

#[test]
fn what_does_not_cure_is_said_and_escalated() {
    let mut stage = firing(Surface::AsBuilt, Fault::StuckAgain);
    stage.press("enter");
    stage.advance(seconds(3));
    stage.press("enter");
    stage.advance(seconds(1));
    arm(&mut stage);
    stage.press("X");
    stage.type_text(&format!("volchain-demo {CODE}"));
    stage.advance(seconds(200));
    assert!(matches!(end_of(&stage), Some(SequenceEnd::NotCured { .. })), "{:?}", end_of(&stage));
    shows(&stage, "escalate");
}

#[test]
fn observing_refuses_and_says_how() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerStuck);
    stage.press("enter");
    stage.advance(seconds(3));
    stage.press("enter");
    stage.advance(seconds(1));
    stage.press("X");
    shows(&stage, "arm it for this target first");
    assert!(stage.asked.iter().all(|effect| !matches!(effect, Effect::Prepare { .. } | Effect::Commit { .. })));
    let refused =
        stage.journal(&run_journal(&stage)).iter().any(|entry| matches!(entry.record, Record::Refused { .. }));
    assert!(refused, "the refusal is journalled");
}

#[test]
fn an_endpoint_that_vanishes_resolves_nothing() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerStuck);
    stage.fault(Fault::Refused, true);
    stage.advance(seconds(30));
    shows(&stage, "firing");
    shows(&stage, "no data");
    shows_not(&stage, "resolved");
}

#[test]
fn the_console_disarms_when_its_time_is_up() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerStuck);
    arm(&mut stage);
    assert!(stage.app.model().arming.is_some());
    // Keys keep it from being idle; the fifteen minutes pass all the same.
    for _ in 0..16 {
        stage.advance(seconds(60));
        stage.press("down");
    }
    assert!(stage.app.model().arming.is_none());
    let disarmed =
        stage.journal(&JournalId::Console).iter().any(|entry| matches!(entry.record, Record::Disarmed { .. }));
    assert!(disarmed);
}

#[test]
fn a_jump_of_the_clock_disarms_and_is_journalled() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerStuck);
    arm(&mut stage);
    assert!(stage.app.model().arming.is_some());
    let now = stage.now();
    let jumped = At { boot: now.boot.plus(seconds(1)), wall: now.wall.plus(seconds(61)) };
    let effects = stage.app.update(jumped, Msg::Woke);
    assert!(stage.app.model().arming.is_none(), "armed across a jump of a minute");
    let journalled = effects.iter().any(|effect| {
        matches!(effect, Effect::Append { record, .. } if matches!(**record, Record::ClockJumped { millis: 60_000 }))
    });
    assert!(journalled, "{effects:?}");
}

#[test]
fn a_terminal_that_comes_back_finds_the_console_disarmed() {
    let mut stage = firing(Surface::AsBuilt, Fault::ProducerStuck);
    arm(&mut stage);
    stage.tell(Msg::Resumed);
    assert!(stage.app.model().arming.is_none());
}

#[test]
fn alerts_are_judged_as_soon_as_their_data_is_there() {
    let stage = Rehearsal::begin(Surface::AsBuilt, &[], 100, 30).expect("the embedded data");
    let alerts = stage.app.model().alerts.alerts();
    let unknown: Vec<&str> = alerts.filter(|alert| alert.state.lacks_data()).map(|alert| &*alert.rule.name).collect();
    assert_eq!(unknown, ["VolchainBarrierTimeouts"], "as it is built, the node does not expose them");
}
