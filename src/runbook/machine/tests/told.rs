//! Single stories, and what can not be told.

use super::*;
use crate::runbook::tree::Class;

#[test]
fn what_nobody_was_asked_for_is_waited_for_and_not_for_ever() {
    let mut story = Story::open(World { unasked: true, ..World::of(&["stuck"]) });
    story.settle();
    story.stands_at(Some("look"));
    story.wait(29);
    assert_eq!(story.run.propose(&story.world, story.at), None);
    let wake = story.run.wake(&story.world, story.at).expect("time alone ends it");
    assert_eq!(wake, story.at.plus(Duration::from_secs(1)).boot);
    let mut answered = Story { world: World::of(&["stuck"]), ..story.clone() };
    answered.settle();
    answered.is("look", StepState::Done);
    story.wait(1);
    story.settle();
    story.stands_at(Some("choose"));
    assert!(story.run.steps[&StepId::new("look")].evidence.iter().all(|one| one.reading.value.is_none()));
}

#[test]
fn a_cure_is_told_from_the_alert_to_its_end() {
    let mut story = Story::open(World::of(&["stuck", "old"]));
    story.stands_at(Some("look"));
    story.settle();
    story.stands_at(Some("choose"));
    story.is("look", StepState::Done);
    assert_eq!(story.run.steps[&StepId::new("choose")].suggested, Some("stuck".into()));
    // The suggested branch needs no reason.
    story.tell(Record::BranchTaken { step: "choose".into(), branch: "stuck".into(), reason: None });
    story.stands_at(Some("restart"));
    story.is("wait", StepState::WillNotRun);
    story.is("deep-end", StepState::WillNotRun);
    assert!(story.run.propose(&story.world, story.at).is_none(), "a sequence waits for a person");
    story.tell(story.confirmation());
    assert_eq!(story.run.sequence_open().map(|open| &open.phase), Some(&Phase::Confirmed));
    story.tell(started());
    story.tell(intent("stop"));
    story.tell(applied("stop", Outcome::Exited { code: 0 }));
    story.tell(intent("start"));
    assert_eq!(story.run.sequence_open().map(|open| &open.phase), Some(&Phase::Acting("start".into())));
    story.tell(applied("start", Outcome::Exited { code: 0 }));
    story.tell(Record::Settling { sequence: id(), until: story.at });
    story.tell(verifying(story.at, &cured()));
    story.tell(ended(SequenceEnd::Verified, &cured()));
    story.is("restart", StepState::Done);
    story.is("hand-over", StepState::Skipped);
    story.stands_at(Some("cured"));
    assert!(story.run.sequence_open().is_none());
    story.tell(Record::Concluded { step: "cured".into(), finding: why() });
    story.stands_at(None);
    story.tell(Record::RunClosed { why: why() });
    assert_eq!(story.run.closed, Some(why()));
    let path: Vec<_> = story.run.path().into_iter().map(|(depth, step)| (depth, step.id.as_str())).collect();
    assert_eq!(path, [(0, "look"), (0, "choose"), (1, "restart"), (1, "hand-over"), (1, "cured"), (0, "report")]);
}

#[test]
fn how_a_sequence_ends_decides_what_comes_next() {
    let unknown = || SequenceEnd::OutcomeUnknown { why: why() };
    let check_as = |end: SequenceEnd, settled: Option<bool>, measured: World, state: StepState, next: &str| {
        let mut story = Story::acted();
        if matches!(end, SequenceEnd::RolledBack { .. }) {
            story.tell(Record::WayBackStarted { sequence: id(), why: why() });
            story.tell(intent("undo"));
            story.tell(applied("undo", Outcome::Exited { code: 1 }));
        }
        let world = if end == SequenceEnd::Verified { cured() } else { World::default() };
        story.tell(ended(end, &world));
        if let Some(cured) = settled {
            let (judged, note) = (judged(&sequence().verify, &measured), why());
            story.tell(Record::Settled { step: "restart".into(), sequence: id(), cured, note, judged });
        }
        story.is("restart", state);
        story.stands_at(Some(next));
    };
    let check = |end, settled, state, next: &str| check_as(end, settled, cured(), state, next);
    check(SequenceEnd::Verified, None, StepState::Done, "cured");
    check(SequenceEnd::NotCured { why: why() }, None, StepState::Failed, "hand-over");
    check(SequenceEnd::RolledBack { why: why() }, None, StepState::Failed, "hand-over");
    check(unknown(), None, StepState::Unknown, "restart");
    check(unknown(), Some(true), StepState::Done, "cured");
    check(unknown(), Some(false), StepState::Failed, "hand-over");
    // A word is no measurement.
    check_as(unknown(), Some(true), World::of(&["moving"]), StepState::Failed, "hand-over");
    check_as(unknown(), Some(true), World::default(), StepState::Failed, "hand-over");
}

#[test]
fn what_never_ran_may_be_confirmed_again() {
    for end in [SequenceEnd::NeverStarted { why: why() }, SequenceEnd::Refused { why: why() }] {
        let mut story = Story::at_restart();
        story.tell(story.confirmation());
        story.tell(ended(end.clone(), &World::default()));
        story.is("restart", StepState::NotStarted);
        story.stands_at(Some("restart"));
        let sequence = story.run.steps[&StepId::new("restart")].sequence.as_ref().expect("what was refused is shown");
        assert_eq!(sequence.end, Some(end));
        story.tell(story.confirmation());
        story.is("restart", StepState::Running);
        assert_eq!(story.run.sequence_open().map(|open| open.acts.len()), Some(0));
    }
}

#[test]
fn what_can_not_have_happened_is_refused_and_changes_nothing() {
    let wrong_hash = Digest::of(b"other");
    let branch_taken = |branch: &str, reason: Option<&str>| Record::BranchTaken {
        step: "choose".into(),
        branch: branch.into(),
        reason: reason.map(str::to_owned),
    };
    let fresh = || Story::open(World::of(&["stuck", "old"]));
    let at_choice = || {
        let mut story = fresh();
        story.settle();
        story
    };
    let confirmed = || {
        let mut story = Story::at_restart();
        story.tell(story.confirmation());
        story
    };
    let acting = || {
        let mut story = confirmed();
        story.tell(started());
        story.tell(intent("stop"));
        story
    };
    let with = |mut story: Story, record: Record| {
        story.tell(record);
        story
    };
    let check = |mut story: Story, record: Record, want: &str| {
        let before = story.run.clone();
        let told = format!("{record:?}");
        match story.try_tell(record) {
            Ok(()) => panic!("accepted {told}"),
            Err(error) => assert!(error.to_string().contains(want), "{error}: {told}"),
        }
        assert_eq!(story.run, before, "{told}");
    };
    let unsure = Record::Suggested {
        step: "choose".into(),
        branch: Some("stuck".into()),
        judged: vec![(
            "stuck".into(),
            judged(&[condition("stuck"), condition("nobody knows")], &World::of(&["stuck"])),
        )],
    };
    let closing = || Record::RunClosed { why: why() };
    let unknown = || ended(SequenceEnd::OutcomeUnknown { why: why() }, &World::default());

    check(fresh(), opening(), "open already");
    check(fresh(), Record::Observed { step: "choose".into(), evidence: Vec::new() }, "the run stands at look");
    check(fresh(), branch_taken("stuck", Some("x")), "the run stands at look");
    check(at_choice(), Record::Observed { step: "choose".into(), evidence: Vec::new() }, "is not about a branch");
    check(at_choice(), branch_taken("nowhere", Some("x")), "no branch");
    check(at_choice(), branch_taken("idle", None), "without a reason");
    check(at_choice(), branch_taken("idle", Some("  ")), "without a reason");
    check(at_choice(), unsure, "not all true");
    check(at_choice(), Record::ConsoleStarted { version: why() }, "console's journal");
    check(at_choice(), Record::Concluded { step: "deep-end".into(), finding: why() }, "the run stands at choose");
    check(at_choice(), intent("stop"), "not open");
    check(Story::at_restart(), started(), "not open");
    check(confirmed(), confirmed().confirmation(), "which is running");
    check(confirmed(), intent("stop"), "no runner has started");
    check(confirmed(), closing(), "is running");
    check(confirmed(), ended(SequenceEnd::Verified, &cured()), "not all of its acts");
    check(confirmed(), ended(SequenceEnd::NotCured { why: why() }, &cured()), "not done");
    let other = Record::RunnerStarted {
        sequence: id(),
        hash: wrong_hash.clone(),
        pid: 1,
        host_proof: why(),
        privilege_proof: why(),
    };
    check(confirmed(), other, "was confirmed");
    check(with(confirmed(), started()), intent("start"), "not the next act");
    check(with(confirmed(), started()), intent("undo"), "not the next act");
    let other = Record::Intent { sequence: id(), act: "stop".into(), hash: wrong_hash, shown: why() };
    check(with(confirmed(), started()), other, "was confirmed");
    check(with(confirmed(), started()), applied("stop", Outcome::Exited { code: 0 }), "nobody meant to do");
    check(with(confirmed(), started()), ended(SequenceEnd::NeverStarted { why: why() }, &cured()), "did start it");
    check(acting(), intent("stop"), "before the outcome of stop");
    check(acting(), started(), "while stop has no outcome");
    check(acting(), Record::WayBackStarted { sequence: id(), why: why() }, "before the outcome of stop");
    check(acting(), ended(SequenceEnd::Refused { why: why() }, &cured()), "began to act");
    check(with(acting(), applied("stop", Outcome::Exited { code: 5 })), intent("start"), "after stop failed");
    let timed_out = || with(acting(), applied("stop", Outcome::Unknown { why: why() }));
    check(timed_out(), intent("start"), "after stop failed");
    check(timed_out(), ended(SequenceEnd::Verified, &cured()), "not all of its acts");
    check(Story::acted(), intent("start"), "not the next act");
    check(Story::acted(), ended(SequenceEnd::Verified, &World::of(&["moving"])), "not all of its verification");
    check(Story::acted(), ended(SequenceEnd::Verified, &World::default()), "not all of its verification");
    check(Story::acted(), ended(SequenceEnd::RolledBack { why: why() }, &cured()), "was not gone");
    let settled = || Record::Settled {
        step: "restart".into(),
        sequence: id(),
        cured: true,
        note: why(),
        judged: judged(&sequence().verify, &cured()),
    };
    check(Story::acted(), settled(), "not unknown");
    check(with(Story::acted(), unknown()), closing(), "nobody has settled");
    check(with(Story::acted(), unknown()), Story::at_restart().confirmation(), "which is outcome unknown");
    check(with(with(Story::acted(), unknown()), settled()), settled(), "stands at cured");
    check(with(Story::acted(), ended(SequenceEnd::Verified, &cured())), verifying(At::default(), &cured()), "not open");
    check(with(fresh(), closing()), Record::Refused { what: why(), why: why() }, "end of the run");
}

#[test]
fn a_confirmation_needs_every_condition_true() {
    let check = |only_if: Vec<Judged>| {
        let mut story = Story::at_restart();
        let (sequence, hash) = (Box::new(sealed()), Digest::zero());
        let told =
            story.try_tell(Record::Confirmed { step: "restart".into(), sequence, hash, only_if, evidence: Vec::new() });
        assert!(told.is_err());
    };
    check(Vec::new());
    check(judged(&sequence().only_if, &World::of(&[])));
    check(judged(&sequence().only_if, &World::default()));
}

#[test]
fn a_branch_is_suggested_only_when_all_of_it_is_true() {
    let check = |world: World, want: Option<&str>| {
        let mut story = Story::open(world);
        story.settle();
        assert_eq!(story.run.steps[&StepId::new("choose")].suggested, want.map(BranchId::new), "{:?}", story.world);
    };
    check(World::of(&["stuck", "old"]), Some("stuck"));
    check(World::of(&["stuck"]), None);
    check(World::of(&["stuck", "old", "idle"]), Some("stuck"));
    check(World::of(&["stuck", "idle", "odd"]), Some("idle"));
    check(World::of(&[]), None);
    check(World::default(), None);
    let mut half = World::of(&["stuck", "old", "odd"]);
    half.holds.remove("old");
    check(half, Some("odd"));
}

#[test]
fn suggestions_follow_the_present_but_not_too_often() {
    let mut story = Story::open(World::of(&["stuck", "old"]));
    story.settle();
    let spoken = |story: &Story| story.run.propose(&story.world, story.at).is_some();
    story.world.holds.insert("stuck".to_owned(), false);
    assert!(!spoken(&story), "not at once");
    assert_eq!(story.run.wake(&story.world, story.at), Some(story.at.plus(SUGGEST_EVERY).boot));
    story.at = story.at.plus(SUGGEST_EVERY);
    assert!(spoken(&story));
    story.settle();
    assert_eq!(story.run.steps[&StepId::new("choose")].suggested, None);
    story.wait(60);
    assert!(!spoken(&story), "nothing changed");
    assert_eq!(story.run.wake(&story.world, story.at), None);
    story.world.holds.remove("idle");
    assert!(spoken(&story), "a verdict became unknown");
    story.settle();
    story.wait(60);
    story.world.age += 60;
    assert!(!spoken(&story), "an age that grows is no news");
    // After a restart of the machine the boot clock begins again, and wall time says how long ago it was.
    story.world = World { boot_id: "boot-2".to_owned(), ..World::of(&["odd"]) };
    story.at = At { boot: Boot(10), wall: story.at.wall.plus(Duration::from_secs(60)) };
    assert!(spoken(&story));
}

#[test]
fn a_watch_ends_when_it_is_true_or_its_deadline_passes() {
    let watching = || {
        let mut story = Story::open(World::of(&[]));
        story.settle();
        story.take("idle");
        story.settle();
        story.is("wait", StepState::Running);
        story
    };
    let mut story = watching();
    story.wait(299);
    story.settle();
    story.is("wait", StepState::Running);
    story.wait(1);
    story.settle();
    story.stands_at(Some("idle-still"));
    story.is("busy-again", StepState::Skipped);

    let mut story = watching();
    story.world = World::of(&["busy"]);
    story.settle();
    story.stands_at(Some("busy-again"));
    story.is("idle-still", StepState::Skipped);

    // Unknown is not true, however long it lasts.
    let mut story = watching();
    story.world.holds.clear();
    story.wait(300);
    story.settle();
    story.stands_at(Some("idle-still"));

    // The wall clock may jump without ending a watch of this boot.
    let mut story = watching();
    story.at.wall = story.at.wall.plus(Duration::from_secs(3_600));
    story.settle();
    story.is("wait", StepState::Running);

    // In another boot only wall time can tell.
    for (seconds, state) in [(299, StepState::Running), (300, StepState::Done)] {
        let mut story = watching();
        story.world.boot_id = "boot-2".to_owned();
        story.at = At { boot: Boot(5_000_000), wall: story.at.wall.plus(Duration::from_secs(seconds)) };
        story.settle();
        story.is("wait", state);
    }
}

#[test]
fn what_happens_beside_the_steps_is_noted_and_bounded() {
    let mut story = Story::open(World::of(&[]));
    let before = story.run.steps.clone();
    for n in 0..NOTES_KEPT + 3 {
        story.tell(Record::Refused { what: format!("arming {n}"), why: why() });
    }
    story.tell(Record::TornLine { bytes: 3, kept_in: why() });
    story.tell(Record::ClockJumped { millis: -65_000 });
    assert_eq!(story.run.steps, before);
    assert_eq!(story.run.notes.len(), NOTES_KEPT);
    assert_eq!(story.run.notes.last().map(|note| note.text.as_str()), Some("the clock jumped 1m 05s back"));
    assert!(story.run.notes.dropped() > 0);
}

#[test]
fn a_journal_with_a_hole_or_without_a_beginning_is_no_story() {
    let story = Story::acted();
    assert_eq!(Run::fold(&[]), Err(FoldError::Empty));
    assert_eq!(Run::fold(&story.entries[1..]), Err(FoldError::NotOpened { seq: 2 }));
    let mut holed = story.entries.clone();
    holed.remove(4);
    let error = Run::fold(&holed).expect_err("a hole");
    assert!(error.to_string().contains("record 5 is missing"), "{error}");
}

#[test]
fn a_confirmation_asks_for_what_its_runbook_asks_for() {
    let check = |change: &dyn Fn(&mut SealedSequence), want: &str| {
        let mut story = Story::at_restart();
        let Record::Confirmed { step, mut sequence, only_if, evidence, .. } = story.confirmation() else {
            panic!("a confirmation");
        };
        change(&mut sequence);
        let hash = sequence.digest().expect("plain data");
        let told = story.try_tell(Record::Confirmed { step, sequence, hash, only_if, evidence });
        let error = told.expect_err("it asks for more").to_string();
        assert!(error.contains(want), "{error}");
    };
    check(&|sequence| sequence.class = Class::Routine, "as routine, though it is serious");
    check(&|sequence| sequence.class = Class::Destructive, "carries no approval");
}
