//! Stories of what people do and say.

use super::*;

fn at_people() -> Story {
    let mut story = Story::open(World::of(&["idle"]));
    story.settle();
    story.take("people");
    story.stands_at(Some("ask"));
    story
}

fn answered(value: &str) -> Record {
    Record::Answered { step: "ask".into(), name: "who".to_owned(), value: value.to_owned() }
}

fn ticked(item: &str, not_applicable: Option<&str>) -> Record {
    Record::Ticked { step: "tick".into(), item: item.into(), not_applicable: not_applicable.map(str::to_owned) }
}

fn refused(story: &mut Story, record: Record, want: &str) {
    let before = story.run.clone();
    let text = format!("{record:?}");
    match story.try_tell(record) {
        Err(error) if error.to_string().contains(want) => {}
        other => panic!("{other:?}, not {want:?}, of {text}"),
    }
    assert_eq!(story.run, before, "a refused record changes nothing: {text}");
}

#[test]
fn people_walk_a_branch_to_its_end() {
    let mut story = at_people();
    for (value, want) in [("", "is empty"), ("-x", "an option"), ("a\u{1b}", "do not show"), ("<who>", "not filled in")]
    {
        refused(&mut story, answered(value), want);
    }
    refused(&mut story, Record::Answered { step: "ask".into(), name: "x".to_owned(), value: why() }, "asks for who");
    story.tell(answered("$(x) \"y\""));
    story.stands_at(Some("keep"));
    assert!(story.run.propose(&story.world, story.at).is_none(), "an archive is made beside the machine");
    story.tell(Record::Collected { step: "keep".into(), archive: archive() });
    refused(&mut story, ticked("four", None), "no item");
    refused(&mut story, ticked("one", Some(" ")), "without a reason");
    story.tell(ticked("two", None));
    refused(&mut story, ticked("two", None), "second time");
    story.tell(ticked("one", Some("there is only one node")));
    story.is("tick", StepState::Running);
    story.tell(ticked("three", None));
    story.is("tick", StepState::Done);
    refused(&mut story, Record::DidByHand { step: "hand".into(), done: true, note: " ".to_owned() }, "says nothing");
    story.tell(Record::DidByHand { step: "hand".into(), done: true, note: "asked Ayse to do it".to_owned() });
    story.is("not-done", StepState::Skipped);
    story.stands_at(Some("wait-for"));
    let Task::Watch(plan) = &story.run.current().expect("a step").task else { panic!("no watch") };
    assert_eq!(plan.until[0].expr, "x{who=\"$(x) \\\"y\\\"\"}", "the answer is one literal value");
    story.tell(Record::WatchStarted { step: "wait-for".into(), until: story.at });
    story.tell(Record::WatchEnded { step: "wait-for".into(), judged: Vec::new(), in_time: false });
    let Task::Conclude(finding) = &story.run.current().expect("a step").task else { panic!("no conclusion") };
    assert_eq!(finding, "$(x) \"y\" has seen to it");
}

#[test]
fn what_is_not_done_has_a_reason_and_leads_elsewhere() {
    let mut story = at_people();
    story.tell(answered("ayse"));
    story.tell(Record::NotCollected { step: "keep".into(), why: "the disk is full".to_owned() });
    story.is("keep", StepState::Failed);
    ["one", "two", "three"].into_iter().for_each(|item| story.tell(ticked(item, None)));
    story.tell(Record::DidByHand { step: "hand".into(), done: false, note: "nobody is there".to_owned() });
    story.stands_at(Some("not-done"));
    story.is("wait-for", StepState::Skipped);
    let by_hand = story.run.steps[&StepId::new("hand")].by_hand.clone().expect("somebody said so");
    assert_eq!((by_hand.done, by_hand.note.as_str()), (false, "nobody is there"));
}

fn by_hand(story: &Story) -> Record {
    let from = story.at.plus(Duration::from_secs(10));
    let (verify, until) = (sequence().verify, from.plus(Duration::from_secs(120)));
    Record::SequenceByHand { step: "restart".into(), note: "restarted it by hand".to_owned(), verify, from, until }
}

#[test]
fn a_sequence_done_by_hand_counts_when_it_is_measured() {
    let check = |later: &[&str], seconds: u64, want: Option<bool>, state: StepState| {
        let mut story = Story::at_restart();
        story.tell(by_hand(&story));
        story.is("restart", StepState::Running);
        refused(&mut story, story_confirmation(), "which is running");
        story.world = World::of(later);
        assert!(story.run.propose(&story.world, story.at).is_none(), "older readings vouch for nothing");
        story.wait(seconds);
        let proposed = story.run.propose(&story.world, story.at);
        let cured = proposed.as_ref().map(|record| match record {
            Record::ByHandMeasured { cured, .. } => *cured,
            other => panic!("{other:?}"),
        });
        assert_eq!(cured, want, "{later:?} after {seconds} s");
        proposed.into_iter().for_each(|record| story.tell(record));
        story.is("restart", state);
    };
    check(&["moving", "draining"], 9, None, StepState::Running);
    check(&["moving", "draining"], 10, Some(true), StepState::Done);
    check(&["moving"], 129, None, StepState::Running);
    check(&["moving"], 130, Some(false), StepState::Failed);
}

fn story_confirmation() -> Record {
    Story::at_restart().confirmation()
}

#[test]
fn an_unknown_verification_cures_nothing_that_was_done_by_hand() {
    let mut story = Story::at_restart();
    let Record::SequenceByHand { step, note, mut verify, from, until } = by_hand(&story) else { panic!("by hand") };
    refused(
        &mut story,
        Record::SequenceByHand { step: step.clone(), note: note.clone(), verify: Vec::new(), from, until },
        "without each of its verifications",
    );
    verify[0].expr = "height > bool {before}".to_owned();
    story.tell(Record::SequenceByHand { step: step.clone(), note, verify, from, until });
    story.world = cured();
    story.wait(20);
    assert!(story.run.propose(&story.world, story.at).is_none());
    let judged = judged(&sequence().verify, &World::default());
    refused(&mut story, Record::ByHandMeasured { step, judged, cured: true }, "not all of its verification");
    story.wait(200);
    story.settle();
    story.is("restart", StepState::Failed);
    story.stands_at(Some("hand-over"));
}

/// Cut off after every record, and with every entry told twice, the run is the same.
#[test]
fn every_prefix_folds_to_the_same_run() {
    let mut story = at_people();
    story.tell(answered("ayse"));
    story.tell(Record::Collected { step: "keep".into(), archive: archive() });
    ["two", "one", "three"].into_iter().for_each(|item| story.tell(ticked(item, None)));
    story.tell(Record::DidByHand { step: "hand".into(), done: true, note: why() });
    let mut live = Run::fold(&story.entries[..1]).expect("a run");
    for (at, entry) in story.entries.iter().enumerate().skip(1) {
        live.apply(entry).expect("it follows");
        live.apply(entry).expect("told twice, it changes nothing");
        let read: Vec<Entry> = story.entries[..=at]
            .iter()
            .map(|entry| serde_json::from_str(&serde_json::to_string(entry).expect("JSON")).expect("as written"))
            .collect();
        assert_eq!(Run::fold(&read).expect("a run"), live);
    }
    assert_eq!(live, story.run);
}
