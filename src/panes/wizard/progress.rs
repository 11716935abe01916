//! A sequence under way: intents, outcomes, waiting, verification and the end it came to.

use crate::panes::model::Model;
use crate::panes::{mark, words};
use crate::promql::Verdict;
use crate::runbook::machine::{Phase, SequenceRun};
use crate::runbook::record::{Judged, Outcome, SequenceEnd};
use crate::ui::widget::{Mark, Rows};
use crate::ui::{Glyph, Role};

/// The end of a sequence: how it looks, in a word, and why.
pub(super) fn end_words(end: &SequenceEnd) -> (Role, &'static str, &str) {
    match end {
        SequenceEnd::Verified => (Role::Ok, "verified", "every condition of the verification came true"),
        SequenceEnd::RolledBack { why } => (Role::Warning, "rolled back", why),
        SequenceEnd::NotCured { why } => (Role::Critical, "not cured", why),
        SequenceEnd::OutcomeUnknown { why } => (Role::Unknown, "outcome unknown", why),
        SequenceEnd::Refused { why } => (Role::Warning, "refused", why),
        SequenceEnd::NeverStarted { why } => (Role::Warning, "never started", why),
    }
}

pub(super) fn describe(rows: &mut Rows, model: &Model, sequence: &SequenceRun) {
    rows.heading("progress");
    rows.marked(0, DONE, &[(Role::Text, format!("confirmed at {} UTC", sequence.confirmed.wall.clock()))]);
    if let Some(pid) = sequence.runner_pid {
        rows.marked(0, DONE, &[(Role::Text, format!("taken on by the runner, process {pid}"))]);
    }
    for act in sequence.sealed.acts.iter().chain(&sequence.sealed.way_back) {
        let Some((_, outcome)) = sequence.acts.iter().find(|(id, _)| *id == act.id) else { continue };
        let (mark, said) = match outcome {
            None => (RUNNING, "intended; no outcome yet".to_owned()),
            Some(Outcome::Exited { code: 0 }) => (DONE, "applied, exit code 0".to_owned()),
            Some(Outcome::Exited { code }) => (FAILED, format!("failed, exit code {code}")),
            Some(Outcome::Signalled { signal }) => (FAILED, format!("ended by signal {signal}")),
            Some(Outcome::NotStarted { why }) => (FAILED, format!("did not start: {why}")),
            Some(Outcome::Unknown { why }) => (UNKNOWN, format!("unknown: {why}")),
            Some(done @ Outcome::Answered { status }) => match done.is_done() {
                true => (DONE, format!("applied, answered with status {status}")),
                false => (FAILED, format!("failed, answered with status {status}")),
            },
        };
        rows.marked(0, mark, &[(Role::Text, act.exec.to_string()), (Role::Dim, format!(" · {said}"))]);
    }
    match &sequence.phase {
        Phase::Settling { until } => {
            let left = words::countdown(model.now, *until);
            rows.marked(0, RUNNING, &[(Role::Text, format!("waits {left} before it verifies"))]);
        }
        Phase::Verifying { deadline } => {
            let left = words::countdown(model.now, *deadline);
            rows.marked(0, RUNNING, &[(Role::Text, format!("verifies, {left} left"))]);
        }
        Phase::GoingBack => {
            rows.marked(0, RUNNING, &[(Role::Warning, "goes back".to_owned())]);
        }
        Phase::Confirmed | Phase::Started | Phase::Acting(_) | Phase::Ended => {}
    }
    judged(rows, &sequence.judged);
    if let Some(end) = &sequence.end {
        let (role, word, why) = end_words(end);
        rows.space().parts(0, vec![(role, word.to_owned())]);
        rows.prose(0, Role::Text, why);
    }
}

/// Conditions with their verdicts; an unknown says why.
pub(super) fn judged(rows: &mut Rows, judged: &[Judged]) {
    for condition in judged {
        let mark = mark::verdict(&condition.verdict);
        let said = match &condition.verdict {
            Verdict::Unknown(why) => format!(" · unknown: {why}"),
            Verdict::True | Verdict::False => format!(" · {}", mark.word),
        };
        rows.marked(2, mark, &[(Role::Text, condition.means.clone()), (mark.role, said)]);
    }
}

const DONE: Mark = Mark::new(Glyph::Done, Role::Ok, "done");
const RUNNING: Mark = Mark::new(Glyph::Running, Role::Accent, "now");
const FAILED: Mark = Mark::new(Glyph::Failed, Role::Critical, "failed");
const UNKNOWN: Mark = Mark::new(Glyph::Unknown, Role::Unknown, "unknown");
