//! A record as one sentence, without who and when: those stand beside it.

use crate::base::text;
use crate::base::time::spoken;
use crate::promql::Verdict;
use crate::runbook::Record;
use crate::runbook::record::{Judged, Outcome, SequenceEnd};
use crate::runbook::seal::Approval;
use crate::ui::Role;

/// What happened, in lower case.
#[must_use]
pub fn sentence(record: &Record) -> String {
    match record {
        Record::RunOpened { run, target, environment, alert, runbook, .. } => {
            let from = alert.as_ref().map(|alert| format!(" from the alert {alert}")).unwrap_or_default();
            format!("opened run {run}{from}: {} on {target} ({})", runbook.title, environment.word())
        }
        Record::Observed { step, evidence } => format!("observed {} at step {step}", values(evidence.len())),
        Record::Suggested { step, branch: Some(branch), .. } => format!("step {step} suggests {branch}"),
        Record::Suggested { step, branch: None, .. } => {
            format!("step {step} suggests nothing: no branch's conditions are all true")
        }
        Record::BranchTaken { step, branch, reason: None } => {
            format!("took the suggested branch {branch} at step {step}")
        }
        Record::BranchTaken { step, branch, reason: Some(reason) } => {
            format!("took branch {branch} at step {step}, which was not suggested: {reason}")
        }
        Record::WatchStarted { step, until } => format!("began to watch at step {step}, until {}", until.wall.clock()),
        Record::WatchEnded { step, in_time: true, .. } => format!("what step {step} waits for came true"),
        Record::WatchEnded { step, in_time: false, judged } => {
            format!("what step {step} waits for did not come true in time{}", open_points(judged))
        }
        Record::Escalated { step, contacts } => format!("escalated at step {step} to {}", contacts.join(", ")),
        Record::Concluded { finding, .. } => format!("concluded: {finding}"),
        Record::RunClosed { why } => format!("closed the run: {why}"),
        Record::Armed { target, reason, declared, until, .. } => {
            format!("armed for {target} by {declared} until {}: {reason}", until.wall.clock())
        }
        Record::Disarmed { target, why } => format!("disarmed for {target}: {why}"),
        Record::Refused { what, why } => format!("refused {what}: {why}"),
        Record::Confirmed { sequence, hash, .. } => {
            let right =
                sequence.approval.as_ref().map(|approval| format!(", {}", approved(approval))).unwrap_or_default();
            format!("confirmed {} on {} (hash {}){right}", sequence.title, sequence.place.target, hash.short())
        }
        Record::RunnerStarted { sequence, pid, .. } => format!("the runner took over {sequence} (process {pid})"),
        Record::Intent { shown, .. } => format!("is about to run {}", text::escaped(shown)),
        Record::Applied { act, outcome, took, .. } => format!("{act}: {} after {}", ended(outcome), spoken(*took)),
        Record::Settling { sequence, until } => format!("{sequence} settles until {}", until.wall.clock()),
        Record::Verifying { sequence, judged, deadline } => {
            let held = judged.iter().filter(|judged| judged.verdict == Verdict::True).count();
            format!("verifies {sequence} until {}: {held} of {} hold", deadline.wall.clock(), judged.len())
        }
        Record::WayBackStarted { sequence, why } => format!("went back on {sequence}: {why}"),
        Record::SequenceEnded { sequence, end, .. } => format!("{sequence} {}", sequence_end(end)),
        Record::Settled { sequence, cured, note, .. } => {
            let found = if *cured { "it took effect and cured" } else { "it did not cure" };
            format!("looked at {sequence} and says that {found}: {note}")
        }
        Record::ConsoleStarted { version } => format!("started the console, version {version}"),
        Record::ConsoleStopped { why } => format!("stopped the console: {why}"),
        Record::ClockJumped { millis } => {
            let way = if *millis < 0 { "back" } else { "forward" };
            let by = std::time::Duration::from_millis(millis.unsigned_abs());
            format!("the wall clock jumped {way} by {}", spoken(by))
        }
        Record::AlertChanged { target, alert, from, to, .. } => format!("{alert} on {target} went from {from} to {to}"),
        Record::AlertClaimed { key, kind, claim } => {
            let (alert, target, until) = (&key.alert, &key.target, claim.until.clock());
            format!("{} {} {alert} on {target} until {until}: {}", claim.by, kind.word(), claim.reason)
        }
        Record::ClaimWithdrawn { key, kind, by } => {
            format!("{by} took it back that {} on {} is {}", key.alert, key.target, kind.word())
        }
        Record::ClaimOver { key, kind, claim } => {
            format!(
                "{} on {} is not {} any more: {} said until {}",
                key.alert,
                key.target,
                kind.word(),
                claim.by,
                claim.until.clock()
            )
        }
        Record::TornLine { bytes, kept_in } => {
            format!("the journal's last line was torn; its {bytes} bytes are kept in {kept_in}")
        }
        Record::GlassBroken { run, target, sequence, hash, approval } => {
            format!("{} for {sequence} on {target} in run {run} (hash {})", approved(approval), hash.short())
        }
        Record::DidByHand { step, done: true, note } => format!("did step {step} by hand: {note}"),
        Record::DidByHand { step, done: false, note } => format!("did not do step {step}: {note}"),
        Record::Ticked { step, item, not_applicable: None } => format!("ticked off {item} of {step}"),
        Record::Ticked { step, item, not_applicable: Some(why) } => {
            format!("called {item} of {step} not applicable: {why}")
        }
        Record::Answered { step, name, value } => {
            format!("gave {} for {name} at step {step}", text::escaped(value))
        }
        Record::SequenceByHand { step, note, until, .. } => {
            format!("did step {step} by hand, which is measured until {}: {note}", until.wall.clock())
        }
        Record::ByHandMeasured { step, cured: true, .. } => {
            format!("what was done by hand at step {step} helped: every verification is true")
        }
        Record::ByHandMeasured { step, cured: false, judged } => {
            format!("what was done by hand at step {step} did not help in time{}", open_points(judged))
        }
        Record::Collected { archive, .. } => {
            let (files, bytes, hash) = (archive.files.len(), archive.bytes, archive.sha256.short());
            format!("kept {} of evidence, {bytes} bytes, hash {hash}, in {}", text::count(files, "file"), archive.path)
        }
        Record::NotCollected { why, .. } => format!("could not keep the evidence: {why}"),
        Record::DemoSwitched { faults, on: true } => format!("in the demo, let this go wrong: {}", faults.join(", ")),
        Record::DemoSwitched { faults, on: false } => format!("in the demo, cured {}", faults.join(", ")),
    }
}

/// By what right something destructive is done, so that nobody reads over it.
#[must_use]
pub fn approved(approval: &Approval) -> String {
    match approval {
        Approval::BreakGlass { incident, reason } => format!("BREAK-GLASS, incident {incident}: {reason}"),
    }
}

/// How a sequence ended, after its name.
#[must_use]
pub fn sequence_end(end: &SequenceEnd) -> String {
    match end {
        SequenceEnd::Verified => "did what it should: every verification is true".to_owned(),
        SequenceEnd::RolledBack { why } => format!("was rolled back: {why}"),
        SequenceEnd::NotCured { why } => format!("was done as confirmed and did not cure: {why}"),
        SequenceEnd::OutcomeUnknown { why } => format!("has an unknown outcome: {why}"),
        SequenceEnd::Refused { why } => format!("was refused before anything ran: {why}"),
        SequenceEnd::NeverStarted { why } => format!("never started, nothing ran: {why}"),
    }
}

/// How an act ended.
#[must_use]
pub fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code: 0 } => "succeeded (exit code 0)".to_owned(),
        Outcome::Exited { code } => format!("failed with exit code {code}"),
        Outcome::Signalled { signal } => format!("was ended by signal {signal}"),
        Outcome::NotStarted { why } => format!("did not start, nothing changed: {why}"),
        Outcome::Unknown { why } => format!("has an unknown outcome: {why}"),
        Outcome::Answered { status } => match outcome.is_done() {
            true => format!("succeeded (answered with status {status})"),
            false => format!("failed: answered with status {status}"),
        },
    }
}

/// How the sentence is coloured; its words say the same.
#[must_use]
pub fn tone(record: &Record) -> Role {
    match record {
        Record::RunOpened { .. }
        | Record::BranchTaken { .. }
        | Record::Suggested { branch: Some(_), .. }
        | Record::WatchEnded { in_time: true, .. }
        | Record::Concluded { .. }
        | Record::RunClosed { .. }
        | Record::Intent { .. }
        | Record::AlertChanged { .. }
        | Record::AlertClaimed { .. }
        | Record::ClaimWithdrawn { .. }
        | Record::ClaimOver { .. } => Role::Text,
        Record::Observed { .. }
        | Record::WatchStarted { .. }
        | Record::Settling { .. }
        | Record::Verifying { .. }
        | Record::RunnerStarted { .. }
        | Record::ConsoleStarted { .. }
        | Record::ConsoleStopped { .. } => Role::Dim,
        Record::Confirmed { sequence, .. } if sequence.approval.is_some() => Role::Critical,
        Record::Armed { .. }
        | Record::Disarmed { .. }
        | Record::Confirmed { .. }
        | Record::Settled { .. }
        | Record::Escalated { .. } => Role::Title,
        Record::Refused { .. }
        | Record::WayBackStarted { .. }
        | Record::ClockJumped { .. }
        | Record::WatchEnded { in_time: false, .. }
        | Record::Applied { outcome: Outcome::NotStarted { .. }, .. } => Role::Warning,
        Record::Suggested { branch: None, .. } | Record::Applied { outcome: Outcome::Unknown { .. }, .. } => {
            Role::Unknown
        }
        Record::Applied { outcome, .. } if outcome.is_done() => Role::Text,
        Record::Applied {
            outcome: Outcome::Exited { .. } | Outcome::Signalled { .. } | Outcome::Answered { .. },
            ..
        }
        | Record::TornLine { .. }
        | Record::GlassBroken { .. } => Role::Critical,
        Record::SequenceEnded { end, .. } => end_tone(end),
        Record::Ticked { .. } | Record::Answered { .. } | Record::Collected { .. } => Role::Text,
        Record::DidByHand { done: true, .. } | Record::SequenceByHand { .. } => Role::Title,
        Record::DidByHand { done: false, .. } | Record::NotCollected { .. } => Role::Warning,
        Record::ByHandMeasured { cured: true, .. } => Role::Ok,
        Record::ByHandMeasured { cured: false, .. } => Role::Critical,
        Record::DemoSwitched { on: true, .. } => Role::Warning,
        Record::DemoSwitched { on: false, .. } => Role::Text,
    }
}

#[must_use]
pub fn end_tone(end: &SequenceEnd) -> Role {
    match end {
        SequenceEnd::Verified => Role::Ok,
        SequenceEnd::RolledBack { .. } | SequenceEnd::Refused { .. } | SequenceEnd::NeverStarted { .. } => {
            Role::Warning
        }
        SequenceEnd::NotCured { .. } => Role::Critical,
        SequenceEnd::OutcomeUnknown { .. } => Role::Unknown,
    }
}

/// What did not come true, and why where it can not be told.
fn open_points(judged: &[Judged]) -> String {
    let open: Vec<String> = judged
        .iter()
        .filter_map(|judged| match &judged.verdict {
            Verdict::True => None,
            Verdict::False => Some(format!("not {}", judged.means)),
            Verdict::Unknown(why) => Some(format!("unknown whether {} ({why})", judged.means)),
        })
        .collect();
    if open.is_empty() { String::new() } else { format!(": {}", open.join("; ")) }
}

fn values(n: usize) -> String {
    if n == 1 { "1 value".to_owned() } else { format!("{n} values") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::{At, Boot, Wall};

    #[test]
    fn every_record_is_a_sentence_in_lower_case() {
        let at = At { boot: Boot(0), wall: Wall(1_757_407_389_515) };
        let check = |record: Record, want: &str| {
            let said = sentence(&record);
            assert_eq!(said, want);
            assert!(!said.starts_with(char::is_uppercase));
        };
        check(Record::Observed { step: "s".into(), evidence: vec![] }, "observed 0 values at step s");
        check(
            Record::Suggested { step: "s".into(), branch: None, judged: vec![] },
            "step s suggests nothing: no branch's conditions are all true",
        );
        check(
            Record::BranchTaken { step: "s".into(), branch: "b".into(), reason: Some("I saw it".into()) },
            "took branch b at step s, which was not suggested: I saw it",
        );
        let judged = vec![
            Judged { means: "blocks are sealed".into(), expr: "x".into(), verdict: Verdict::Unknown("no data".into()) },
            Judged { means: "the port answers".into(), expr: "y".into(), verdict: Verdict::True },
        ];
        check(
            Record::WatchEnded { step: "s".into(), judged: judged.clone(), in_time: false },
            "what step s waits for did not come true in time: unknown whether blocks are sealed (no data)",
        );
        check(
            Record::Verifying { sequence: "restart".into(), judged, deadline: at },
            "verifies restart until 08:43:09: 1 of 2 hold",
        );
        check(
            Record::Applied {
                sequence: "q".into(),
                act: "restart".into(),
                outcome: Outcome::Signalled { signal: 9 },
                took: Duration::from_secs(3),
                output: String::new(),
            },
            "restart: was ended by signal 9 after 3s",
        );
        check(Record::ClockJumped { millis: -60_000 }, "the wall clock jumped back by 1m 00s");
        check(
            Record::SequenceEnded {
                step: "s".into(),
                sequence: "restart".into(),
                end: SequenceEnd::NeverStarted { why: "no runner came".into() },
                judged: vec![],
            },
            "restart never started, nothing ran: no runner came",
        );
    }
}
