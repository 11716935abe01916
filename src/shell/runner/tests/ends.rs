//! Every way a sequence can end.

use super::*;

/// Runs a sequence; its end, and the story in the journal.
fn check(acts: &[&str], way_back: &[&str], verdicts: Verdicts, want: &str, story: &[&str]) -> String {
    let shop = workshop();
    let hash = shop.confirm(&shop.sealed(acts, way_back));
    let finished = shop.run(&hash, verdicts);
    let Finished::Ended(end) = &finished else { panic!("{finished:?}") };
    assert_eq!(word(end), want, "{end:?}");
    let told: Vec<String> = shop.story().into_iter().filter(|told| told != "Verifying").collect();
    assert_eq!(told, story, "{end:?}");
    assert!(journal::verify(&shop.path()).expect("it can be read").is_whole());
    format!("{end:?}")
}

const RESTART: &str = "systemctl restart node";

#[test]
fn a_cure_that_was_measured_is_verified() {
    let story = ["RunnerStarted", "intent a1", "applied a1 0", "Settling", "ended verified"];
    check(&[RESTART], &[], cured, "verified", &story);
    // A condition that comes true late, and one true answer between false ones.
    check(&[RESTART], &[], |round| if round > 3 { Verdict::True } else { Verdict::False }, "verified", &story);
    let story = ["RunnerStarted", "intent a1", "applied a1 0", "Settling", "ended not cured"];
    check(&[RESTART], &[], |round| if round % 2 == 0 { Verdict::True } else { Verdict::False }, "not cured", &story);
}

#[test]
fn what_is_not_known_cures_nothing() {
    let story = ["RunnerStarted", "intent a1", "applied a1 0", "Settling", "ended not cured"];
    let end = check(&[RESTART], &[], unknown, "not cured", &story);
    assert!(end.contains("is not known (no data)") && end.contains("can not be undone"), "{end}");
}

#[test]
fn what_did_not_cure_is_taken_back_where_it_can_be() {
    let story = [
        "RunnerStarted",
        "intent a1",
        "applied a1 0",
        "Settling",
        "WayBackStarted",
        "intent b1",
        "applied b1 0",
        "ended rolled back",
    ];
    check(&[RESTART], &["systemctl stop node"], ill, "rolled back", &story);
    let story = [
        "RunnerStarted",
        "intent a1",
        "applied a1 5",
        "WayBackStarted",
        "intent b1",
        "applied b1 5",
        "ended not cured",
    ];
    let end = check(&["fails", RESTART], &["fails"], cured, "not cured", &story);
    assert!(end.contains("a1 failed with code 5; the way back failed: b1 failed with code 5"), "{end}");
}

#[test]
fn a_failed_act_stops_the_acts_behind_it() {
    let story = ["RunnerStarted", "intent a1", "applied a1 0", "intent a2", "applied a2 5", "ended not cured"];
    check(&[RESTART, "fails", RESTART], &[], cured, "not cured", &story);
}

#[test]
fn an_act_that_did_not_start_changed_nothing() {
    let story = ["RunnerStarted", "intent a1", "Applied", "ended refused"];
    check(&["no-interpreter", RESTART], &["fails"], cured, "refused", &story);
}

#[test]
fn an_act_whose_outcome_is_unknown_is_observed_and_neither_repeated_nor_taken_back() {
    let story = ["RunnerStarted", "intent a1", "Applied", "Settling", "ended unknown"];
    let end = check(&["dies", RESTART], &["fails"], cured, "unknown", &story);
    assert!(end.contains("ended by signal 9; afterwards everything that was to be verified held"), "{end}");

    let shop = workshop();
    let mut sealed = shop.sealed(&[], &["fails"]);
    sealed.acts =
        vec![shop.act("a1", "sleeps", Duration::from_millis(50)), shop.act("a2", RESTART, Duration::from_secs(9))];
    let hash = shop.confirm(&sealed);
    let finished = shop.run(&hash, ill);
    let Finished::Ended(SequenceEnd::OutcomeUnknown { why }) = &finished else { panic!("{finished:?}") };
    assert!(why.contains("a1: still running after 0ms") || why.contains("a1: still running after 50ms"), "{why}");
    assert!(why.contains("\"blocks are sealed\" does not hold"), "{why}");
    assert!(shop.ran().is_empty());
}

/// A sequence that must be refused before anything runs.
fn refused(change: impl Fn(&mut SealedSequence), want: &str) {
    let shop = workshop();
    let mut sealed = shop.sealed(&[RESTART], &[]);
    change(&mut sealed);
    let hash = shop.confirm(&sealed);
    let finished = shop.run(&hash, cured);
    let Finished::Ended(SequenceEnd::Refused { why }) = &finished else { panic!("{finished:?}") };
    assert!(why.contains(want), "{why}");
    assert_eq!(shop.story(), ["ended refused"]);
    assert!(shop.ran().is_empty());
}

#[test]
fn what_can_not_be_proven_right_is_refused_before_anything_runs() {
    use crate::model::Exec;
    use crate::runbook::seal::{Host, Privilege};
    refused(|sealed| sealed.verify.clear(), "nothing that would verify it");
    refused(|sealed| sealed.reads.clear(), "nothing that would verify it");
    refused(|sealed| sealed.acts.clear(), "no acts");
    refused(|sealed| sealed.way_back = sealed.acts.clone(), "two acts of the sequence are called a1");
    refused(|sealed| sealed.place.privilege = Privilege::Polkit, "never elevates");
    refused(|sealed| sealed.place.host = Host::Ssh("n1".to_owned()), "not built");
    refused(|sealed| sealed.place.demo_folder = None, "names no folder");
    refused(|sealed| sealed.place.listens_on = "192.0.2.1:80".to_owned(), "would not act on the node shown");
    let real = Exec::Command { argv: argv("/usr/bin/systemctl restart node"), timeout: Duration::from_secs(1) };
    refused(|sealed| sealed.acts[0].exec = real.clone(), "not what was reviewed");
}

#[test]
fn another_hash_than_the_one_confirmed_begins_nothing() {
    let shop = workshop();
    shop.confirm(&shop.sealed(&[RESTART], &[]));
    assert!(matches!(shop.run(&Digest::of(b"other"), cured), Finished::Nothing { .. }));
    assert!(shop.story().is_empty());

    let shop = workshop();
    let sealed = shop.sealed(&[RESTART], &[]);
    shop.append(Record::Confirmed {
        step: "cure".into(),
        sequence: Box::new(sealed),
        hash: Digest::of(b"what the dialog showed"),
        only_if: Vec::new(),
        evidence: Vec::new(),
    });
    let finished = shop.run(&Digest::of(b"what the dialog showed"), cured);
    assert!(
        matches!(&finished, Finished::Ended(SequenceEnd::Refused { why }) if why.contains("was reviewed")),
        "{finished:?}"
    );
    assert!(shop.ran().is_empty());
}

#[test]
fn a_superseded_confirmation_is_not_begun() {
    let shop = workshop();
    let first = shop.confirm(&shop.sealed(&[RESTART], &[]));
    let second = shop.confirm(&shop.sealed(&["systemctl stop node"], &[]));
    assert!(matches!(shop.run(&first, cured), Finished::Nothing { .. }));
    assert_eq!(shop.run(&second, cured), Finished::Ended(SequenceEnd::Verified));
    assert_eq!(shop.ran(), ["stop node"]);
}

#[test]
fn an_old_confirmation_is_not_begun() {
    let shop = workshop();
    let hash = shop.confirm(&shop.sealed(&[RESTART], &[]));
    let entries = journal::read(&shop.path()).expect("it is whole");
    let order = Order::find(&entries, &hash).expect("it was not begun");
    let check = |later: u64, boot_id: &str| {
        order.check(&hash, order.confirmed.plus(Duration::from_secs(later)), boot_id, Duration::from_secs(60)).is_ok()
    };
    assert!(check(60, &order.boot_id));
    assert!(!check(61, &order.boot_id));
    assert!(!check(0, "another boot"));
}

#[test]
fn one_target_is_acted_on_by_one_runner_under_whatever_name() {
    let shop = workshop();
    let held =
        TargetLock::try_take(&shop.root, &lock::running(&shop.place.lock_key), "run-7, ben").expect("it is free");
    let mut sealed = shop.sealed(&[RESTART], &[]);
    sealed.place.target = "another name".into();
    let hash = shop.confirm(&sealed);
    let finished = shop.run(&hash, cured);
    assert!(
        matches!(&finished, Finished::Ended(SequenceEnd::Refused { why }) if why.contains("run-7, ben")),
        "{finished:?}"
    );
    assert!(shop.ran().is_empty());
    drop(held);
    assert!(!lock::runner_alive(&shop.root, &shop.place.lock_key));
}

#[test]
fn a_second_runner_of_a_run_does_nothing_and_writes_nothing() {
    let shop = workshop();
    let hash = shop.confirm(&shop.sealed(&[RESTART], &[]));
    let first = TargetLock::try_take_run(&shop.root, &shop.run, "the first").expect("it is free");
    assert!(matches!(shop.run(&hash, cured), Finished::Nothing { .. }));
    assert!(shop.story().is_empty());
    drop(first);
    assert_eq!(shop.run(&hash, cured), Finished::Ended(SequenceEnd::Verified));
    assert!(matches!(shop.run(&hash, cured), Finished::Nothing { .. }));
    assert_eq!(shop.ran(), ["restart node"]);
}

#[test]
fn asked_to_stop_nothing_more_is_begun() {
    let shop = workshop();
    let hash = shop.confirm(&shop.sealed(&[RESTART], &["fails"]));
    let (ask, stop) = Stop::new();
    ask.send_replace(Some("asked to stop".to_owned()));
    assert!(matches!(shop.run_with(&hash, cured, stop), Finished::Ended(SequenceEnd::Refused { .. })));
    assert!(shop.ran().is_empty());

    // Asked in the middle of an act: that act comes to its end, the next is not begun, nothing is taken back.
    let shop = workshop();
    let hash = shop.confirm(&shop.sealed(&[RESTART, "systemctl stop node"], &["fails"]));
    let (ask, stop) = Stop::new();
    let path = shop.path();
    let watcher = std::thread::spawn(move || {
        let mut follower = journal::Follower::new(path);
        let tells = |entry: &Entry| matches!(entry.record, Record::Intent { .. } | Record::SequenceEnded { .. });
        while !follower.more().expect("it is whole").iter().any(tells) {
            std::thread::yield_now();
        }
        ask.send_replace(Some("asked to stop".to_owned()));
        ask
    });
    let finished = shop.run_with(&hash, ill, stop);
    let _ask = watcher.join().expect("it ends");
    assert_eq!(shop.ran().first().map(String::as_str), Some("restart node"));
    let word = match &finished {
        Finished::Ended(end) => word(end),
        other => panic!("{other:?}"),
    };
    // The question may come after the second act has begun; then that one is the last.
    assert!(["unknown", "not cured"].contains(&word), "{finished:?}");
    assert!(!shop.story().iter().any(|told| told == "intent b1"));
}

#[test]
fn what_an_act_said_is_kept_and_who_confirmed_is_named() {
    let shop = workshop();
    let hash = shop.confirm(&shop.sealed(&[RESTART], &[]));
    shop.run(&hash, cured);
    let entries = journal::read(&shop.path()).expect("it is whole");
    let applied = entries.iter().find(|entry| matches!(entry.record, Record::Applied { .. })).expect("it was applied");
    assert!(matches!(&applied.record, Record::Applied { output, .. } if output == "did restart"));
    assert!(applied.actor.process.starts_with("runner (pid "));
    assert_eq!(applied.actor.declared.as_deref(), Some("ana"));
    let intent = entries.iter().find(|entry| matches!(entry.record, Record::Intent { .. })).expect("it was intended");
    assert!(matches!(&intent.record, Record::Intent { hash: written, .. } if *written == hash));
    let kept = shop.root.path().join(format!("runs/run-1/{}-a1.out", intent.seq));
    assert_eq!(std::fs::read_to_string(kept).expect("it was kept"), "did restart\n");
}

#[test]
fn verification_that_flickers_leaves_a_bounded_journal() {
    let shop = workshop();
    let mut sealed = shop.sealed(&[RESTART], &[]);
    sealed.verify_within = Duration::from_secs(600);
    let hash = shop.confirm(&sealed);
    let flickering = |round| if round > 150 || round % 2 == 0 { Verdict::True } else { Verdict::False };
    assert_eq!(shop.run(&hash, flickering), Finished::Ended(SequenceEnd::Verified));
    assert_eq!(shop.story().iter().filter(|told| *told == "Verifying").count(), 100);
}

/// Whatever a console wrote: the runner begins nothing destructive that nobody answers for.
#[test]
fn what_is_destructive_is_refused_without_its_approval() {
    let check = |approval: Option<Approval>, want: &str, ran: usize| {
        let shop = workshop();
        let mut sealed = shop.sealed(&[RESTART], &[]);
        sealed.class = Class::Destructive;
        sealed.approval = approval;
        let hash = shop.confirm(&sealed);
        let Finished::Ended(end) = shop.run(&hash, cured) else { panic!("it ends") };
        assert_eq!((word(&end), shop.ran().len()), (want, ran), "{end:?}");
    };
    let broken = |incident: &str| {
        Some(Approval::BreakGlass { incident: incident.to_owned(), reason: "nothing milder helped".to_owned() })
    };
    check(None, "refused", 0);
    check(broken(""), "refused", 0);
    check(broken("INC-7"), "verified", 1);
}
