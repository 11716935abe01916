//! What a confirmation asks for each class, and everything that calls it off.

use std::time::Duration;

use opsconsole::app::msg::Signal;
use opsconsole::app::{Effect, JournalId, Msg};
use opsconsole::base::At;
use opsconsole::panes::model::{Link, LinkState};
use opsconsole::runbook::Record;
use opsconsole::runbook::record::SequenceEnd;
use opsconsole::runbook::seal::Approval;
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{CODE, Rehearsal};
use opsconsole::sim::volchain::Fault;

use crate::stage::shows;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Armed and at the restart of a stuck chain, whose runbook calls it `class`.
fn at_the_act(class: &str) -> Rehearsal {
    changed(&[("runbooks/stale-blocks.ron", "class: Serious", &format!("class: {class}"))])
}

/// The same, with these texts in files of the system replaced.
fn changed(changes: &[(&str, &str, &str)]) -> Rehearsal {
    let faults = [(Fault::ProducerStuck, seconds(70))];
    let mut stage = Rehearsal::begin_as(Surface::AsBuilt, &faults, (120, 50), |setup| {
        let files = setup.systems.get_mut("volchain").expect("an embedded system");
        for (name, from, to) in changes {
            let file = files.get_mut(*name).expect("a file of the system");
            assert!(file.contains(from), "{name} has no {from}");
            *file = file.replace(from, to);
        }
    })
    .expect("the embedded data");
    stage.advance(seconds(150));
    for key in ["3", "enter"] {
        stage.press(key);
    }
    stage.advance(seconds(3));
    stage.press("enter");
    stage.advance(seconds(1));
    arm(&mut stage);
    stage
}

fn arm(stage: &mut Rehearsal) {
    stage.press("A");
    stage.type_text("INC-1 stale");
    stage.press("enter");
    stage.press("enter");
    shows(stage, "ARMED");
}

/// The same, with the confirmation open.
fn asked(class: &str) -> Rehearsal {
    let mut stage = at_the_act(class);
    ask(&mut stage, class);
    assert_eq!(stage.app.asks(), Some("confirmation"));
    stage
}

fn ask(stage: &mut Rehearsal, class: &str) {
    stage.press("X");
    if class == "Destructive" {
        assert_eq!(stage.app.asks(), Some("breaking the glass"));
        stage.type_text("INC-7");
        stage.press("enter");
        stage.type_text("nothing milder helped");
        stage.press("enter");
    }
}

/// The same, with the exact phrase typed.
fn counting() -> Rehearsal {
    let mut stage = asked("Destructive");
    begin_countdown(&mut stage);
    stage
}

fn begin_countdown(stage: &mut Rehearsal) {
    stage.type_text(&format!("volchain-demo {CODE}"));
    shows(stage, "it is carried out in 10 s");
    assert!(!acted(stage));
}

fn acted(stage: &Rehearsal) -> bool {
    stage.asked.iter().any(|effect| matches!(effect, Effect::Commit { .. }))
}

fn run_journal(stage: &Rehearsal) -> Vec<Record> {
    let run = stage.app.model().shown_run.clone().expect("a run is shown");
    stage.journal(&JournalId::Run(run)).iter().map(|entry| entry.record.clone()).collect()
}

/// Why the last refusal was, as the run's journal has it.
fn refused(stage: &Rehearsal) -> String {
    let last = run_journal(stage).into_iter().rev().find_map(|record| match record {
        Record::Refused { why, .. } => Some(why),
        _ => None,
    });
    last.unwrap_or_else(|| "nothing was refused".to_owned())
}

#[test]
fn what_is_routine_takes_its_one_key() {
    let mut stage = asked("Routine");
    shows(&stage, "press R to confirm");
    stage.press("enter");
    assert!(!acted(&stage));
    assert_eq!(refused(&stage), "the operator said no");
    stage.press("X");
    stage.type_text("volchain-demo k7");
    assert!(!acted(&stage), "it takes one key, and this is not it");
    stage.press("backspace");
    stage.press("R");
    assert!(acted(&stage));
}

#[test]
fn what_is_destructive_is_done_after_its_countdown_and_is_loud_in_both_journals() {
    let mut stage = counting();
    stage.advance(seconds(4));
    shows(&stage, "it is carried out in 6 s");
    // Reading on is not calling off.
    stage.press("pagedown");
    assert!(!acted(&stage));
    stage.advance(seconds(6));
    assert!(acted(&stage));
    shows(&stage, "BREAK-GLASS, incident INC-7: nothing milder helped");
    let (incident, reason) = ("INC-7".to_owned(), "nothing milder helped".to_owned());
    let approval = Approval::BreakGlass { incident, reason };
    let records = run_journal(&stage);
    let confirmed = records.iter().find_map(|record| match record {
        Record::Confirmed { sequence, hash, .. } => Some((sequence, hash)),
        _ => None,
    });
    let (sequence, hash) = confirmed.expect("it was confirmed");
    assert_eq!(sequence.approval, Some(approval.clone()));
    assert_eq!(sequence.digest().expect("plain data"), *hash, "the hash covers the approval");
    let told = stage.journal(&JournalId::Console).iter().any(|entry| {
        matches!(&entry.record, Record::GlassBroken { approval: told, hash: of, .. } if *told == approval && of == hash)
    });
    assert!(told, "the console's journal tells it too");
    stage.advance(seconds(60));
    let verified = |record: &Record| matches!(record, Record::SequenceEnded { end: SequenceEnd::Verified, .. });
    assert!(run_journal(&stage).iter().any(verified));
}

#[test]
fn without_an_incident_and_a_reason_nothing_destructive_is_offered() {
    let mut stage = at_the_act("Destructive");
    stage.press("X");
    for typed in ["alice", "approved by bob"] {
        stage.type_text(typed);
        stage.press("enter");
    }
    shows(&stage, "a name is none");
    assert_eq!(stage.app.asks(), Some("breaking the glass"));
    stage.press("esc");
    assert!(stage.asked.iter().all(|effect| !matches!(effect, Effect::Prepare { .. })));
}

/// What ends a confirmation without an act, with its reason in the journal.
fn calls_off(class: &str, changes: &[(&str, Change, &str)]) {
    let mut stage = at_the_act(class);
    for (name, change, want) in changes {
        if stage.app.model().arming.is_none() {
            // A clock that jumped makes what was measured over a minute begin anew.
            stage.advance(seconds(75));
            arm(&mut stage);
        }
        ask(&mut stage, class);
        if class == "Destructive" {
            begin_countdown(&mut stage);
        }
        change(&mut stage);
        assert_eq!(stage.app.asks(), None, "{name}, {class}: still open");
        assert!(refused(&stage).contains(want), "{name}, {class}: {}", refused(&stage));
        if class == "Destructive" {
            stage.advance(seconds(11));
        }
        assert!(!acted(&stage), "{name}, {class}: it acted");
    }
}

type Change = fn(&mut Rehearsal);

const CHANGES: &[(&str, Change, &str)] = &[
    ("paste", |stage| stage.tell(Msg::Paste(format!("volchain-demo {CODE}"))), "something was pasted"),
    ("resize", |stage| stage.resize(110, 48), "the window changed its size"),
    ("the terminal comes back", |stage| stage.tell(Msg::Resumed), "the terminal came back"),
    ("enter", |stage| stage.press("enter"), "the operator"),
    ("esc", |stage| stage.press("esc"), "the operator"),
    (
        "clock jump",
        |stage| {
            let now = stage.now();
            let jumped = At { boot: now.boot.plus(seconds(1)), wall: now.wall.plus(seconds(61)) };
            stage.tell_at(jumped, Msg::Woke);
        },
        "the clock jumped",
    ),
    ("end of input", |stage| stage.tell(Msg::Signal(Signal::HangUp)), "the terminal went away"),
];

#[test]
fn whatever_changes_what_was_seen_calls_off_a_confirmation() {
    calls_off("Serious", CHANGES);
}

#[test]
fn whatever_changes_what_was_seen_calls_off_a_countdown() {
    calls_off("Destructive", CHANGES);
}

#[test]
fn what_would_be_counted_down_unseen_is_called_off() {
    let mut stage = counting();
    let since = stage.now().boot;
    stage.tell(Msg::Link(Link { state: LinkState::Held { since }, plain: false }));
    assert!(refused(&stage).contains("shows nothing new"), "{}", refused(&stage));

    // The machine slept, or the console was stopped: both clocks went on.
    let mut stage = counting();
    let later = stage.now().plus(seconds(40));
    stage.tell_at(later, Msg::Woke);
    assert!(refused(&stage).contains("stood still"), "{}", refused(&stage));
    assert!(!acted(&stage));
}

#[test]
fn the_key_that_freezes_calls_a_countdown_off() {
    let mut stage = counting();
    stage.press("f");
    assert_eq!(refused(&stage), "the operator called the countdown off");
    assert!(stage.app.model().freeze.is_none());
    // Over a frozen screen nothing is asked at all.
    stage.press("f");
    stage.press("X");
    assert_eq!(stage.app.asks(), None);
    shows(&stage, "the screen is frozen");
}

#[test]
fn an_arming_that_ends_takes_the_confirmation_with_it() {
    let mut stage = at_the_act("Serious");
    for _ in 0..14 {
        stage.advance(seconds(60));
        stage.press("down");
    }
    stage.press("X");
    assert_eq!(stage.app.asks(), Some("confirmation"));
    stage.advance(seconds(61));
    assert_eq!(stage.app.asks(), None);
    assert!(refused(&stage).contains("its time is up"), "{}", refused(&stage));
}

#[test]
fn keys_typed_before_the_dialog_was_seen_are_for_something_else() {
    for class in ["Routine", "Serious", "Destructive"] {
        let mut stage = at_the_act(class);
        let phrase = if class == "Routine" { "R".to_owned() } else { format!("volchain-demo {CODE}") };
        stage.hold_painted();
        ask(&mut stage, class);
        stage.type_text(&phrase);
        assert_eq!(stage.app.asks(), Some("confirmation"), "{class}");
        stage.advance(seconds(1));
        stage.tell(Msg::Painted);
        stage.advance(seconds(20));
        assert!(!acted(&stage), "{class}: typed ahead");
    }
}

#[test]
fn an_alert_that_cleared_meanwhile_is_said_and_nothing_is_done() {
    // The conditions of the sequence still hold: the alert alone is over, at 03:03.
    let rule = "volchain_last_block_age_seconds * (volchain_mempool_size > bool 0) > 60";
    let over = format!("({rule}) and on() (vector(time()) < {})", 1_773_457_200 + 180);
    let mut stage = changed(&[("alerts.yml", &format!("expr: {rule}\n"), &format!("expr: {over}\n"))]);
    stage.press("X");
    assert_eq!(stage.app.asks(), Some("confirmation"));
    stage.advance(seconds(45));
    stage.type_text(&format!("volchain-demo {CODE}"));
    assert!(!acted(&stage));
    assert!(refused(&stage).contains("the alert VolchainBlocksStale has cleared"), "{}", refused(&stage));
}

#[test]
fn a_chain_that_recovers_meanwhile_is_not_restarted() {
    let mut stage = asked("Serious");
    stage.fault(Fault::ProducerStuck, false);
    stage.advance(seconds(30));
    stage.type_text(&format!("volchain-demo {CODE}"));
    assert!(!acted(&stage));
    let why = refused(&stage);
    assert!(why.contains("has cleared") || why.contains("it is not so that"), "{why}");
}

#[test]
fn evidence_that_went_stale_meanwhile_is_said_and_nothing_is_done() {
    let mut stage = asked("Serious");
    stage.fault(Fault::Refused, true);
    stage.advance(seconds(60));
    stage.type_text(&format!("volchain-demo {CODE}"));
    assert!(!acted(&stage));
    let why = refused(&stage);
    assert!(why.contains("can not be told") || why.contains("gone stale"), "{why}");
}
