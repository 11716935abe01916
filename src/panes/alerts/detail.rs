//! The selected alert: what it means, what it measures, and what its document says instead.

use super::row::AlertRow;
use super::why;
use crate::alert::{AlertState, Lack};
use crate::base::time::spoken;
use crate::base::{Provenance, text};
use crate::panes::words::{ago, countdown};
use crate::panes::{Model, mark};
use crate::ui::widget::Rows;
use crate::ui::{Action, Role};

pub fn describe(rows: &mut Rows, model: &Model, alert: &AlertRow, provenance: &Provenance) {
    rows.prose(0, Role::Title, &alert.summary()).prose(0, Role::Text, &alert.description());
    state(rows, model, alert);
    answered(rows, model, alert);
    why::sentences(rows, model, alert);
    match alert.runbook() {
        Some(title) => {
            let words = format!("{title}: {} opens it, with its diagnosis running", model.keymap.press(Action::Open));
            rows.pair(0, "runbook", Role::Accent, &words);
        }
        None => {
            rows.pair(0, "runbook", Role::Unknown, "none serves this alert");
        }
    }
    rows.space();
    rows.pair(0, "expression", Role::Text, alert.expr);
    if !alert.hold.is_zero() {
        rows.pair(0, "for", Role::Text, &spoken(alert.hold));
    }
    let labels = alert.labels.to_string();
    if labels != "{}" {
        rows.pair(0, "labels", Role::Dim, &labels.replace(',', ", "));
    }
    origin(rows, provenance);
}

fn state(rows: &mut Rows, model: &Model, alert: &AlertRow) {
    let mark = mark::alert(alert.state, alert.severity);
    let value = alert.value().map_or(String::new(), |value| format!(", value {value}"));
    let words = match alert.state {
        AlertState::Firing { no_data: None, .. } => format!("{} {}{value}", mark.word, alert.clock(model.now)),
        AlertState::Firing { no_data: Some(since), .. } => format!(
            "firing {}; its data is missing since {}, and only a measurement resolves it",
            alert.clock(model.now),
            ago(model.now, *since)
        ),
        AlertState::Pending { .. } => format!("pending: {}{value}", alert.clock(model.now)),
        AlertState::NoData { why, lack, .. } => match lack {
            Lack::Data => format!("no data {}: {why}", alert.clock(model.now)),
            Lack::NotExposed => {
                format!(
                    "not watched on this node: {why}. The node answers and does not have it; no waiting changes that"
                )
            }
            Lack::NotRead => {
                format!("not watched from here: {why}. Nobody reads it; no waiting changes that")
            }
        },
        AlertState::WarmingUp { .. } => {
            format!("warming up: measured {}, so it can neither fire nor be quiet", alert.clock(model.now))
        }
        AlertState::Resolved { .. } => format!("resolved by measurement {}", alert.clock(model.now)),
        AlertState::Inactive => "measured, and not so".to_owned(),
    };
    rows.pair(0, "state", mark.role, &words);
}

/// Who answers for it and until when, how long nobody may yet, and what else is to be known of its clocks.
fn answered(rows: &mut Rows, model: &Model, row: &AlertRow) {
    let (now, alert) = (model.now, row.alert);
    if let Some(due) = alert.response_due(now.wall) {
        if due.boot > now.boot {
            let words =
                format!("within {}: {} acknowledges it", countdown(now, due), model.keymap.press(Action::Acknowledge));
            rows.pair(0, "respond", Role::Warning, &words);
        } else {
            let words = format!("overdue by {}: nobody acknowledged it", countdown(due, now));
            rows.pair(0, "respond", Role::Critical, &words);
        }
    }
    for (label, claim) in [("acknowledged", alert.acknowledged()), ("snoozed", alert.snoozed())] {
        let Some(claim) = claim else { continue };
        let (by, until, reason) = (&claim.by, claim.until.clock(), &claim.reason);
        match claim.is_over(now.wall) {
            true => rows.pair(
                0,
                label,
                Role::Warning,
                &format!("not any more: {by} said until {until} UTC, because {reason}"),
            ),
            false => rows.pair(0, label, Role::Accent, &format!("by {by} until {until} UTC: {reason}")),
        };
    }
    if alert.is_flapping(now.boot) {
        rows.pair(0, "flapping", Role::Warning, "it began and ceased to fire at least three times in half an hour");
    }
    if let Some((from, to)) = alert.not_observed() {
        rows.pair(0, "gap", Role::Dim, &format!("not observed from {} to {} UTC", from.clock(), to.clock()));
    }
}

/// What the document says, and why the console does something else.
pub fn origin(rows: &mut Rows, provenance: &Provenance) {
    for documented in &provenance.documented {
        rows.pair(0, "documented", Role::Dim, &text::escaped(documented));
    }
    if let Some(deviates) = &provenance.deviates {
        rows.pair(0, "differs", Role::Warning, deviates);
    }
    if !provenance.from.is_empty() {
        rows.pair(0, "from", Role::Dim, &provenance.from.join(", "));
    }
    if !provenance.answers.is_empty() {
        rows.pair(0, "answers", Role::Dim, &provenance.answers.join(", "));
    }
}
