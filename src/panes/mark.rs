//! How each state of the model is told: by sign, word and colour together, the same on every page.

use super::model::Level;
use crate::alert::AlertState;
use crate::base::Severity;
use crate::model::Truth;
use crate::promql::Verdict;
use crate::runbook::machine::StepState;
use crate::ui::widget::Mark;
use crate::ui::{Glyph, Role};

#[must_use]
pub fn level(level: Level) -> Mark {
    match level {
        Level::Ok => Mark::new(Glyph::Ok, Role::Ok, "ok"),
        Level::Unknown => Mark::new(Glyph::Unknown, Role::Unknown, "unknown"),
        Level::Warning => Mark::new(Glyph::Warning, Role::Warning, "warning"),
        Level::Critical => Mark::new(Glyph::Critical, Role::Critical, "critical"),
    }
}

#[must_use]
pub fn severity(severity: Severity) -> Mark {
    match severity {
        Severity::Info => Mark::new(Glyph::Ok, Role::Accent, "info"),
        Severity::Warning => Mark::new(Glyph::Warning, Role::Warning, "warning"),
        Severity::Critical => Mark::new(Glyph::Critical, Role::Critical, "critical"),
    }
}

/// The state of an alert; how urgent a firing one is, its rule says.
#[must_use]
pub fn alert(state: &AlertState, urgency: Severity) -> Mark {
    let urgent = severity(urgency).role;
    match state {
        AlertState::Firing { no_data: None, .. } => Mark::new(Glyph::Firing, urgent, "firing"),
        AlertState::Firing { no_data: Some(_), .. } => Mark::new(Glyph::Firing, urgent, "firing, no data"),
        AlertState::Pending { .. } => Mark::new(Glyph::Pending, Role::Warning, "pending"),
        AlertState::NoData { lack, .. } if lack.is_known() => Mark::new(Glyph::Unknown, Role::Dim, state.word()),
        AlertState::NoData { .. } => Mark::new(Glyph::Unknown, Role::Unknown, state.word()),
        AlertState::WarmingUp { .. } => Mark::new(Glyph::WarmingUp, Role::WarmingUp, "warming up"),
        AlertState::Resolved { .. } => Mark::new(Glyph::Resolved, Role::Ok, "resolved"),
        AlertState::Inactive => Mark::new(Glyph::Ok, Role::Ok, "quiet"),
    }
}

/// The truth of a source: whether what it gives can be believed now.
#[must_use]
pub fn truth(truth: &Truth) -> Mark {
    match truth {
        Truth::Fresh => Mark::new(Glyph::Ok, Role::Ok, "answers"),
        Truth::Stale { .. }
        | Truth::Absent
        | Truth::NotExposed
        | Truth::Failing { .. }
        | Truth::NeverPolled
        | Truth::WarmingUp { .. }
        | Truth::NotRead { .. }
        | Truth::ProvesNothing { .. } => Mark::of_truth(truth),
    }
}

#[must_use]
pub fn verdict(verdict: &Verdict) -> Mark {
    match verdict {
        Verdict::True => Mark::new(Glyph::Done, Role::Ok, "true"),
        Verdict::False => Mark::new(Glyph::Failed, Role::Dim, "false"),
        Verdict::Unknown(_) => Mark::new(Glyph::Unknown, Role::Unknown, "unknown"),
    }
}

/// A condition that nothing has judged yet.
pub const NOT_JUDGED: Mark = Mark::new(Glyph::NotStarted, Role::Dim, "not judged yet");

#[must_use]
pub fn step(state: StepState) -> Mark {
    match state {
        StepState::NotStarted => Mark::new(Glyph::NotStarted, Role::Dim, "not started"),
        StepState::Running => Mark::new(Glyph::Running, Role::Accent, "running"),
        StepState::Done => Mark::new(Glyph::Done, Role::Ok, "done"),
        StepState::Failed => Mark::new(Glyph::Failed, Role::Critical, "failed"),
        StepState::Skipped => Mark::new(Glyph::Skipped, Role::Dim, "skipped"),
        StepState::Unknown => Mark::new(Glyph::Unknown, Role::Unknown, "outcome unknown"),
        StepState::WillNotRun => Mark::new(Glyph::WillNotRun, Role::Dim, "will not run"),
    }
}
