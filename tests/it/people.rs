//! The runbooks that people take part in, walked on simulated time to every one of their ends.

use std::time::Duration;

use opsconsole::app::JournalId;
use opsconsole::base::StepId;
use opsconsole::runbook::machine::{Collected, StepState};
use opsconsole::runbook::tree::Task;
use opsconsole::runbook::{Entry, Record, Run};
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{CODE, Rehearsal};
use opsconsole::sim::volchain::{Fault, Verb};

use crate::stage::shows;

const SURFACES: [Surface; 2] = [Surface::Documented, Surface::AsBuilt];

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A walk through a runbook: what a person would do at each step, until its end.
struct Walk {
    stage: Rehearsal,
    /// Branches to take instead of the suggested ones.
    take: Vec<&'static str>,
    /// Manual steps that are not done.
    not_done: bool,
    /// What happens to the node when something was confirmed.
    when_confirmed: Vec<(Fault, bool)>,
}

impl Walk {
    fn begin(surface: Surface, faults: &[(Fault, u64)]) -> Walk {
        let faults: Vec<_> = faults.iter().map(|(fault, age)| (*fault, seconds(*age))).collect();
        let stage = Rehearsal::begin(surface, &faults, 120, 40).expect("the embedded data");
        Walk { stage, take: Vec::new(), not_done: false, when_confirmed: Vec::new() }
    }

    fn open(&mut self, runbook: &str) {
        self.stage.press(":");
        self.stage.type_text(runbook);
        self.stage.press("enter");
        self.stage.advance(seconds(1));
        let title = self.run().runbook.title.clone();
        assert_eq!(title, runbook, "another runbook was opened");
    }

    fn run(&self) -> &Run {
        self.stage.app.model().run().expect("a run")
    }

    fn journal(&self) -> &[Entry] {
        self.stage.journal(&JournalId::Run(self.run().id.clone()))
    }

    /// Goes on by itself or by hand until something was confirmed or nothing is left to do; the last step that a
    /// person finished.
    fn walk(&mut self) -> String {
        let mut last = String::new();
        for _ in 0..4_000 {
            let Some(step) = self.run().current().cloned() else { return last };
            last = step.id.to_string();
            match &step.task {
                Task::Observe(_) | Task::Watch(_) | Task::Collect(_) => self.stage.advance(seconds(1)),
                Task::Choose(branches) => {
                    let at = branches.iter().position(|branch| self.take.contains(&branch.id.as_str()));
                    self.stage.advance(seconds(6));
                    match at {
                        Some(at) => {
                            (0..branches.len()).for_each(|_| self.stage.press("up"));
                            (0..at).for_each(|_| self.stage.press("down"));
                            self.stage.press("enter");
                            if self.stage.app.asks().is_some() {
                                self.say("the evidence is not all there is");
                            }
                        }
                        None => {
                            let suggested = self.run().steps[&step.id].suggested.clone();
                            assert!(suggested.is_some(), "nothing is suggested at {}", step.id);
                            self.stage.press("enter");
                        }
                    }
                }
                Task::Commit(_) if self.run().state(&step.id) == StepState::NotStarted => self.confirm(),
                Task::Commit(_) => self.stage.advance(seconds(2)),
                Task::ByHand(_) => {
                    self.stage.press(if self.not_done { "N" } else { "enter" });
                    self.say("the owner of the balancer was asked");
                }
                Task::Escalate(_) => {
                    shows(&self.stage, "left to tell them");
                    self.stage.press("enter");
                    self.stage.press("enter");
                }
                Task::Conclude(_) => self.stage.press("enter"),
                Task::Tick(_) => self.stage.press("space"),
                Task::Ask(_) => panic!("nothing is asked in these runbooks"),
            }
            self.stage.advance(seconds(1));
        }
        panic!("the walk does not end; it stands at {last}");
    }

    fn say(&mut self, words: &str) {
        self.stage.type_text(words);
        self.stage.press("enter");
    }

    fn confirm(&mut self) {
        if self.stage.app.model().arming.is_none() {
            self.stage.press("A");
            self.stage.type_text("INC-7 walked");
            self.stage.press("enter");
            self.stage.press("enter");
        }
        self.stage.press("X");
        self.stage.type_text(&format!("volchain-demo {CODE}"));
        self.stage.advance(seconds(1));
        for (fault, on) in std::mem::take(&mut self.when_confirmed) {
            self.stage.fault(fault, on);
        }
        assert!(self.run().current().is_some_and(|step| self.run().state(&step.id) != StepState::NotStarted));
    }

    /// Walks to the end, which must be this one; then the journal is read back, cut off at every record and with every
    /// record told twice.
    fn ends(mut self, want: &str) {
        assert_eq!(self.walk(), want);
        let entries = self.journal();
        let mut resumed = Run::fold(&entries[..1]).expect("an opening");
        for (at, entry) in entries.iter().enumerate() {
            let text = serde_json::to_string(entry).expect("JSON");
            let read: Entry = serde_json::from_str(&text).expect("as written");
            resumed.apply(&read).expect("it follows");
            resumed.apply(&read).expect("told twice it changes nothing");
            assert_eq!(Run::fold(&entries[..=at]).expect("every prefix is a run"), resumed);
        }
        assert_eq!(&resumed, self.run(), "the live run is the fold of its journal");
    }
}

fn down(surface: Surface, faults: &[(Fault, u64)], stop: Option<Verb>) -> Walk {
    let mut walk = Walk::begin(surface, faults);
    if let Some(verb) = stop {
        walk.stage.service(verb);
    }
    walk.stage.advance(seconds(100));
    walk.stage.press("3");
    walk.stage.press("enter");
    walk.stage.advance(seconds(1));
    assert_eq!(walk.run().runbook.id.as_str(), "volchain/service-down");
    walk
}

#[test]
fn a_stopped_service_is_started_and_verified() {
    for surface in SURFACES {
        let mut walk = down(surface, &[], Some(Verb::Stop));
        walk.stage.advance(seconds(2));
        let kept = walk.run().steps[&StepId::new("keep")].collected.clone();
        let Some(Collected::Archive(archive)) = kept else { panic!("no evidence was kept: {kept:?}") };
        assert!(archive.files.iter().any(|name| name.starts_with("logs/")), "{archive:?}");
        walk.ends("stopped-cured");
    }
}

#[test]
fn a_service_that_does_not_come_up_is_handed_over() {
    down(Surface::AsBuilt, &[(Fault::RestartFails, 10)], Some(Verb::Stop)).ends("stopped-not-cured");
}

#[test]
fn a_service_that_runs_and_is_silent_is_restarted_once() {
    down(Surface::AsBuilt, &[(Fault::Refused, 70)], None).ends("silent-not-cured");
    let mut cured = down(Surface::Documented, &[(Fault::Refused, 70)], None);
    cured.when_confirmed = vec![(Fault::Refused, false)];
    cured.ends("silent-cured");
}

#[test]
fn a_service_that_was_just_restarted_gets_time_and_no_second_restart() {
    down(Surface::AsBuilt, &[(Fault::Refused, 70)], Some(Verb::Restart)).ends("restarted-in-vain");
    let mut walk = down(Surface::AsBuilt, &[(Fault::Refused, 70)], Some(Verb::Restart));
    while walk.run().state(&"comes-up".into()) != StepState::Running {
        walk.stage.advance(seconds(7));
        if matches!(walk.run().current().map(|step| &step.task), Some(Task::Choose(_))) {
            walk.stage.press("enter");
        }
    }
    walk.stage.fault(Fault::Refused, false);
    walk.ends("came-up");
}

#[test]
fn a_node_that_came_back_is_left_alone_and_one_that_can_not_be_seen_is_looked_at_by_people() {
    let mut back = down(Surface::Documented, &[(Fault::Refused, 70)], None);
    back.stage.fault(Fault::Refused, false);
    back.stage.advance(seconds(5));
    back.ends("answers-end");
    let mut unseen = down(Surface::AsBuilt, &[(Fault::Refused, 70)], None);
    unseen.take = vec!["unseen"];
    unseen.ends("unseen-tell");
}

#[test]
fn a_mempool_that_does_not_drain_is_handed_over_or_cured() {
    for surface in SURFACES {
        let mut walk = Walk::begin(surface, &[(Fault::MempoolFlood, 200)]);
        walk.stage.advance(seconds(60));
        walk.open("mempool overload");
        walk.not_done = true;
        walk.ends("not-cured");
    }
    let mut cured = Walk::begin(Surface::AsBuilt, &[(Fault::MempoolFlood, 200)]);
    cured.open("mempool overload");
    cured.when_confirmed = vec![(Fault::MempoolFlood, false)];
    cured.ends("cured");
}

#[test]
fn a_mempool_that_drains_is_left_alone() {
    let mut drained = Walk::begin(Surface::Documented, &[(Fault::MempoolFlood, 200)]);
    drained.open("mempool overload");
    drained.stage.fault(Fault::MempoolFlood, false);
    drained.ends("drained-end");
    for (comes_back, want) in [(false, "drained-naturally"), (true, "drains-too-slowly")] {
        let mut walk = Walk::begin(Surface::AsBuilt, &[(Fault::MempoolFlood, 200)]);
        walk.open("mempool overload");
        walk.take = vec!["draining"];
        while walk.run().state(&"wait-drained".into()) != StepState::Running {
            match walk.run().current().map(|step| step.task.clone()) {
                Some(Task::Choose(_) | Task::ByHand(_)) => break,
                _ => walk.stage.advance(seconds(1)),
            }
        }
        if !comes_back {
            walk.stage.advance(seconds(1));
        }
        // The flood goes on until the branch was taken; whether it ends then decides.
        walk.stage.press("enter");
        walk.say("the balancer lets half through");
        walk.stage.advance(seconds(190));
        (0..4).for_each(|_| walk.stage.press("up"));
        (0..2).for_each(|_| walk.stage.press("down"));
        walk.stage.press("enter");
        if walk.stage.app.asks().is_some() {
            walk.say("the owner says that it has stopped");
        }
        walk.stage.advance(seconds(1));
        assert_eq!(walk.run().state(&"wait-drained".into()), StepState::Running);
        if !comes_back {
            walk.stage.fault(Fault::MempoolFlood, false);
        }
        walk.ends(want);
    }
}

#[test]
fn a_node_without_a_producer_is_not_restarted_for_its_mempool() {
    let mut walk = Walk::begin(Surface::AsBuilt, &[(Fault::ProducerOff, 100), (Fault::MempoolFlood, 200)]);
    walk.open("mempool overload");
    walk.ends("producer-off-tell");
}

#[test]
fn a_health_check_is_judged_and_never_printed() {
    let check = |surface, faults: &[(Fault, u64)], take: &[&'static str], want: &str| {
        let mut walk = Walk::begin(surface, faults);
        walk.stage.advance(seconds(70));
        walk.open("health check");
        walk.take = take.to_vec();
        walk.ends(want);
    };
    for surface in SURFACES {
        check(surface, &[], &[], "well-end");
        check(surface, &[(Fault::Idle, 300)], &[], "well-end");
        check(surface, &[(Fault::UserMismatch, 100)], &[], "system-fails-end");
    }
    check(Surface::AsBuilt, &[(Fault::Refused, 60)], &[], "down-end");
    check(Surface::AsBuilt, &[(Fault::ProducerStuck, 100)], &[], "stale-end");
    check(Surface::Documented, &[(Fault::MempoolFlood, 200)], &[], "overload-end");
    check(Surface::AsBuilt, &[], &["blocks-fail"], "blocks-fail-tell");
}

#[test]
fn a_slow_node_is_watched_and_told_about() {
    let check = |faults: &[(Fault, u64)], ends: bool, want: &str| {
        let mut walk = Walk::begin(Surface::AsBuilt, faults);
        walk.stage.advance(seconds(30));
        walk.open("high response time");
        if ends {
            while walk.run().state(&"passes".into()) != StepState::Running {
                walk.stage.advance(seconds(7));
                if matches!(walk.run().current().map(|step| &step.task), Some(Task::Choose(_))) {
                    walk.stage.press("enter");
                }
            }
            walk.stage.fault(Fault::Sluggish, false);
        }
        walk.ends(want);
    };
    check(&[], false, "fast-end");
    check(&[(Fault::Sluggish, 60), (Fault::MempoolFlood, 200)], false, "overloaded-end");
    check(&[(Fault::Sluggish, 60)], false, "slow-tell");
    check(&[(Fault::Sluggish, 60)], true, "passed");
}

/// A restart that somebody made by hand counts when what verifies the step was measured, and not before.
#[test]
fn a_sequence_done_by_hand_is_measured_before_it_counts() {
    for (helps, want) in [(true, StepState::Done), (false, StepState::Failed)] {
        let mut walk = Walk::begin(Surface::AsBuilt, &[(Fault::ProducerStuck, 100)]);
        walk.stage.advance(seconds(150));
        walk.open("stale blocks");
        walk.stage.advance(seconds(3));
        walk.stage.press("enter");
        walk.stage.advance(seconds(1));
        walk.stage.press("H");
        walk.say("restarted it on the machine");
        walk.stage.advance(seconds(2));
        assert_eq!(walk.run().state(&"restart".into()), StepState::Running);
        walk.stage.press("X");
        assert!(walk.stage.app.asks().is_none(), "it can not be confirmed as well");
        if helps {
            walk.stage.service(Verb::Restart);
        }
        walk.stage.advance(seconds(140));
        assert_eq!(walk.run().state(&"restart".into()), want);
        let said = walk.journal().iter().any(|entry| matches!(entry.record, Record::SequenceByHand { .. }));
        assert!(
            said && walk.stage.asked.iter().all(|effect| !matches!(effect, opsconsole::app::Effect::Commit { .. }))
        );
        walk.ends(if helps { "cured" } else { "not-cured" });
    }
}

#[test]
fn the_rules_of_the_system_are_seen_in_the_wizard_and_in_help() {
    let mut walk = Walk::begin(Surface::AsBuilt, &[]);
    walk.open("health check");
    (0..3).for_each(|_| walk.stage.press("z"));
    shows(&walk.stage, "never edit files of the node directly");
    shows(&walk.stage, "On-call engineer, Team lead within 15 minutes");
    walk.stage.press("2");
    walk.stage.press("?");
    walk.stage.type_text("principle");
    shows(&walk.stage, "every fix goes through the ledger first");
}
