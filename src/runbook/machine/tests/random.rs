//! Random stories: a run that was cut off, told twice or told wrongly is never another run.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// One decision of the world, the operator or the runner after another, from a list of random bytes.
struct Chance<'a>(std::slice::Iter<'a, u8>);

impl Chance<'_> {
    fn of(&mut self, sides: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % sides)
    }

    fn over(&self) -> bool {
        self.0.len() == 0
    }
}

fn random_world(chance: &mut Chance<'_>, boot_id: String) -> World {
    let mut world = World::of(&[]);
    for holds in world.holds.values_mut() {
        *holds = chance.of(2) == 0;
    }
    if chance.of(4) == 0 {
        world.holds.retain(|expr, _| expr.len() > 4);
    }
    World { boot_id, age: u64::from(chance.of(200)), ..world }
}

/// A story that could have happened: what goes by itself, an operator who decides anyhow, a runner that may fail and
/// die, and a machine that may restart.
fn random_story(bytes: &[u8]) -> Story {
    let mut chance = Chance(bytes.iter());
    let mut story = Story::open(World::of(&[]));
    while !chance.over() && story.run.closed.is_none() {
        story.wait(u64::from(chance.of(60)) * u64::from(chance.of(8)));
        if chance.of(3) == 0 {
            story.world = random_world(&mut chance, story.world.boot_id.clone());
        }
        if chance.of(12) == 0 {
            story.world.boot_id = format!("{}+", story.world.boot_id);
            story.at.boot = Boot(u64::from(chance.of(250)));
        }
        let record = match story.run.propose(&story.world, story.at) {
            Some(record) if chance.of(8) != 0 => record,
            Some(_) | None => by_people(&story, &mut chance),
        };
        story.tell(record);
    }
    story
}

fn by_people(story: &Story, chance: &mut Chance<'_>) -> Record {
    if chance.of(6) == 0 {
        return match chance.of(4) {
            0 => Record::Refused { what: why(), why: why() },
            1 => Record::Disarmed { target: "here".into(), why: why() },
            2 => Record::TornLine { bytes: 9, kept_in: why() },
            _ => Record::Armed {
                target: "here".into(),
                lock_key: why(),
                reason: why(),
                declared: why(),
                until: story.at,
            },
        };
    }
    if let Some(open) = story.run.sequence_open() {
        return by_runner(open, story, chance);
    }
    let Some(step) = story.run.current() else { return Record::RunClosed { why: why() } };
    let step_id = step.id.clone();
    match &step.task {
        Task::Observe(_) | Task::Watch(_) => Record::Refused { what: why(), why: why() },
        Task::Choose(branches) => {
            let branch = branches[usize::from(chance.of(branches.len() as u8))].id.clone();
            Record::BranchTaken { step: step_id, branch, reason: Some(why()) }
        }
        Task::Commit(_) if story.run.unsettled().is_some() => {
            let cured = chance.of(2) == 0;
            Record::Settled { step: step_id, sequence: id(), cured, note: why(), judged: Vec::new() }
        }
        Task::Commit(_) if story.run.steps.get(&step_id).is_some_and(|run| run.state == StepState::Running) => {
            Record::Refused { what: why(), why: why() }
        }
        Task::Commit(plan) if chance.of(4) == 0 => {
            let (verify, from) = (plan.verify.clone(), story.at.plus(Duration::from_secs(5)));
            let until = from.plus(plan.verify_within);
            Record::SequenceByHand { step: step_id, note: why(), verify, from, until }
        }
        Task::Commit(_) => story.confirmation(),
        Task::Escalate(plan) => Record::Escalated { step: step_id, contacts: plan.contacts.clone() },
        Task::Conclude(finding) => Record::Concluded { step: step_id, finding: finding.clone() },
        Task::ByHand(_) => Record::DidByHand { step: step_id, done: chance.of(2) == 0, note: why() },
        Task::Tick(items) => {
            let open: Vec<_> =
                items.iter().filter(|item| !story.run.steps[&step_id].ticked.contains_key(&item.id)).collect();
            let item = open[usize::from(chance.of(open.len() as u8))].id.clone();
            Record::Ticked { step: step_id, item, not_applicable: (chance.of(3) == 0).then(why) }
        }
        Task::Ask(plan) => Record::Answered { step: step_id, name: plan.name.clone(), value: "busy\"".to_owned() },
        Task::Collect(_) if chance.of(3) == 0 => Record::NotCollected { step: step_id, why: why() },
        Task::Collect(_) => Record::Collected { step: step_id, archive: archive() },
    }
}

/// The next record of a runner, or of the console that finds it dead.
fn by_runner(open: &SequenceRun, story: &Story, chance: &mut Chance<'_>) -> Record {
    let lost = |chance: &mut Chance<'_>| chance.of(12) == 0;
    let unknown = || ended(SequenceEnd::OutcomeUnknown { why: why() }, &World::default());
    let deadline = story.at.plus(Duration::from_secs(9));
    if open.phase == Phase::Confirmed {
        return match chance.of(6) {
            0 => ended(SequenceEnd::NeverStarted { why: why() }, &World::default()),
            1 => ended(SequenceEnd::Refused { why: why() }, &World::default()),
            _ => started(),
        };
    }
    if lost(chance) {
        return unknown();
    }
    if let Some(act) = open.waiting_act() {
        let outcome = match chance.of(5) {
            0 => Outcome::Exited { code: 1 },
            1 => Outcome::Unknown { why: why() },
            _ => Outcome::Exited { code: 0 },
        };
        return applied(act.as_str(), outcome);
    }
    let next = |acts: &[SealedAct]| {
        acts.iter().find(|act| open.acts.iter().all(|(done, _)| *done != act.id)).map(|act| act.id.clone())
    };
    let fine = open.acts.iter().all(|(_, outcome)| *outcome == Some(Outcome::Exited { code: 0 }));
    match &open.phase {
        Phase::GoingBack => match next(&open.sealed.way_back) {
            Some(act) => intent(act.as_str()),
            None => ended(SequenceEnd::RolledBack { why: why() }, &World::default()),
        },
        Phase::Confirmed | Phase::Started | Phase::Acting(_) => match next(&open.sealed.acts) {
            Some(act) if fine => intent(act.as_str()),
            Some(_) => Record::WayBackStarted { sequence: id(), why: why() },
            None if fine => Record::Settling { sequence: id(), until: deadline },
            None => Record::WayBackStarted { sequence: id(), why: why() },
        },
        Phase::Settling { .. } => Record::Verifying { sequence: id(), judged: Vec::new(), deadline },
        Phase::Verifying { .. } | Phase::Ended => match chance.of(5) {
            0 | 1 => ended(SequenceEnd::Verified, &cured()),
            2 => ended(SequenceEnd::NotCured { why: why() }, &World::of(&[])),
            3 => Record::WayBackStarted { sequence: id(), why: why() },
            _ => verifying(story.at, &World::of(&["moving"])),
        },
    }
}

/// The properties below are worth what the stories tell: all of them together must tell of everything.
#[test]
fn random_stories_tell_of_everything() {
    let mut told = BTreeSet::new();
    let mut state = 1_u64;
    for _ in 0..300 {
        let bytes: Vec<u8> = (0..300)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        for entry in random_story(&bytes).entries {
            let text = format!("{:?}", entry.record);
            let name = text.split([' ', '{']).next().unwrap_or_default().to_owned();
            let end = match &entry.record {
                Record::SequenceEnded { end, .. } => {
                    format!(" {}", format!("{end:?}").split(' ').next().unwrap_or_default())
                }
                Record::WatchEnded { in_time, .. } => format!(" {in_time}"),
                Record::Settled { cured, .. } => format!(" {cured}"),
                _ => String::new(),
            };
            told.insert(name + &end);
        }
    }
    let want = [
        "Observed",
        "Suggested",
        "BranchTaken",
        "WatchStarted",
        "WatchEnded true",
        "WatchEnded false",
        "Escalated",
        "Concluded",
        "RunClosed",
        "Armed",
        "Disarmed",
        "Refused",
        "Confirmed",
        "RunnerStarted",
        "Intent",
        "Applied",
        "Settling",
        "Verifying",
        "WayBackStarted",
        "SequenceEnded Verified",
        "SequenceEnded RolledBack",
        "SequenceEnded NotCured",
        "SequenceEnded OutcomeUnknown",
        "SequenceEnded Refused",
        "SequenceEnded NeverStarted",
        "Settled true",
        "Settled false",
        "TornLine",
    ];
    let missing: Vec<&str> = want.into_iter().filter(|name| !told.contains(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn the_fold_of_the_journal_is_the_live_run_at_every_prefix(bytes in prop::collection::vec(any::<u8>(), 1..400)) {
        let story = random_story(&bytes);
        let mut live = Run::fold(&story.entries[..1]).expect("the opening");
        for (at, entry) in story.entries.iter().enumerate() {
            live.apply(entry).expect("told before");
            prop_assert_eq!(&live, &Run::fold(&story.entries[..=at]).expect("a prefix of a story is a story"));
            // Told again, and with everything before it told again, nothing changes.
            let once = live.clone();
            story.entries[..=at].iter().for_each(|entry| live.apply(entry).expect("told before"));
            prop_assert_eq!(&live, &once);
        }
        prop_assert_eq!(&live, &story.run);
    }

    #[test]
    fn a_run_resumed_after_any_record_comes_to_the_same_end(bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        let story = random_story(&bytes);
        // What is on disk is JSON.
        let lines: Vec<String> =
            story.entries.iter().map(|entry| serde_json::to_string(entry).expect("entries have JSON")).collect();
        let read: Vec<Entry> = lines.iter().map(|line| serde_json::from_str(line).expect("as written")).collect();
        prop_assert_eq!(&read, &story.entries);
        for cut in 1..=read.len() {
            let mut resumed = Run::fold(&read[..cut]).expect("a prefix of a story is a story");
            read[cut..].iter().for_each(|entry| resumed.apply(entry).expect("told before"));
            prop_assert_eq!(&resumed, &story.run);
            prop_assert_eq!(resumed.propose(&story.world, story.at), story.run.propose(&story.world, story.at));
        }
    }

    #[test]
    fn a_record_in_the_wrong_place_changes_nothing_or_is_a_story_too(
        bytes in prop::collection::vec(any::<u8>(), 1..300),
        other in prop::collection::vec(any::<u8>(), 1..300),
    ) {
        let (story, other) = (random_story(&bytes), random_story(&other));
        let mut live = Run::fold(&story.entries[..1]).expect("the opening");
        for told in &story.entries {
            live.apply(told).expect("told before");
            for stranger in &other.entries {
                let stranger = entry(live.last_seq + 1, told.at, &told.boot_id, stranger.record.clone());
                let mut tried = live.clone();
                match tried.apply(&stranger) {
                    Err(_) => prop_assert_eq!(&tried, &live),
                    Ok(()) => holds_together(&tried)?,
                }
            }
        }
    }
}

/// What is true of every run, however it came to be.
fn holds_together(run: &Run) -> Result<(), TestCaseError> {
    let open = run.steps.values().filter_map(|step| step.sequence.as_ref()).filter(|open| open.end.is_none()).count();
    prop_assert!(open <= 1, "two sequences are open");
    prop_assert!(open == 0 || run.closed.is_none(), "closed with an open sequence");
    for (id, step) in &run.steps {
        let Some(sequence) = &step.sequence else { continue };
        if step.by_hand.is_some() {
            prop_assert!(sequence.end.is_some(), "{} is done by hand and by the runner", id);
            continue;
        }
        prop_assert_eq!(sequence.end.is_none(), step.state == StepState::Running, "{}", id);
        if sequence.end == Some(SequenceEnd::Verified) {
            prop_assert_eq!(step.state, StepState::Done);
            prop_assert!(all_true(&sequence.judged));
        }
        let intended: Vec<&ActId> = sequence.acts.iter().map(|(act, _)| act).collect();
        prop_assert!(
            intended.iter().enumerate().all(|(at, act)| !intended[..at].contains(act)),
            "an act was done twice"
        );
    }
    Ok(())
}
