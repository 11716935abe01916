//! What is shown of one alert.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::place;
use crate::alert::{Alert, AlertRule, AlertState, Claim, Template};
use crate::base::time::spoken;
use crate::base::{At, Severity, TargetId, Unit};
use crate::model::Labels;
use crate::model::labels::NAME;
use crate::panes::model::Target;
use crate::panes::series::unit_counted;
use crate::panes::words::{ago, countdown, whole};
use crate::panes::{Model, mark};
use crate::promql::subject::Counted;
use crate::ui::Role;

/// An alert with what its rule says. There are hundreds, of which a page shows some: what is put together, as where it
/// is, is so when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct AlertRow<'a> {
    pub(super) model: &'a Model,
    pub target: &'a TargetId,
    pub alert: &'a Alert,
    pub rule: &'a Arc<AlertRule>,
    pub name: &'a str,
    pub severity: Severity,
    pub labels: &'a Labels,
    pub state: &'a AlertState,
    /// How long the expression must hold before it fires.
    pub hold: Duration,
    pub expr: &'a str,
}

/// Every alert, worst first, as the book orders them.
#[must_use]
pub fn rows(model: &Model) -> Vec<AlertRow<'_>> {
    model.alerts.alerts().map(|alert| AlertRow::of(model, alert)).collect()
}

/// What it says of itself; nothing where that would speak of a value or of labels that are not there.
fn annotation(alert: &Alert, name: &str) -> String {
    let text = alert.annotation(name);
    let is_plain = alert.rule.annotations.get(name).is_some_and(Template::is_plain);
    match alert.state.value() {
        Some(_) => text,
        None if is_plain => text,
        None if alert.metric.is_empty() || text.contains("NaN") => String::new(),
        None => text,
    }
}

/// Who answers for an alert, or how long nobody may yet: for a narrow column and for a wide one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerNote {
    pub role: Role,
    pub short: String,
    pub long: String,
}

impl<'a> AlertRow<'a> {
    fn of(model: &'a Model, alert: &'a Alert) -> AlertRow<'a> {
        let rule = &alert.rule;
        AlertRow {
            model,
            target: &alert.target,
            alert,
            rule,
            name: &rule.name,
            severity: alert.severity(),
            labels: &alert.labels,
            state: &alert.state,
            hold: rule.hold,
            expr: rule.expr.source(),
        }
    }

    pub(super) fn of_target(&self) -> Option<&'a Target> {
        self.model.target_by_id(self.target)
    }

    /// What its value counts; nothing where the value says no more than that the expression holds. As its rule says,
    /// else as its expression tells: what is compared with yes or no can have only that value while it holds, and a
    /// node that is offline is not a "no".
    #[must_use]
    pub fn unit(&self) -> Option<Unit> {
        let guessed = || {
            let Some(target) = self.of_target() else { return Some(Unit::Count) };
            // An element that kept its name has the value of that series: of `a > 1 or b > 2`, of the one that it is.
            let counted = match self.alert.metric.name() {
                "" => self.rule.counted.clone(),
                name => Counted { subject: Some(Arc::from(name)), ..Counted::default() },
            };
            let counted = target.system.rules.counted(&counted);
            Some(unit_counted(&target.system.spec, &counted)).filter(|unit| *unit != Unit::YesNo)
        };
        self.rule.unit.or_else(guessed)
    }

    /// Where it is, and what tells it from others of its name: its node, its endpoint, and other labels of its own.
    #[must_use]
    pub fn place(&self) -> String {
        let alike = self.model.alerts.of_target(self.target).filter(|other| other.rule.name == self.name);
        let others: Vec<&Labels> = alike.map(|other| &other.labels).filter(|labels| *labels != self.labels).collect();
        place::place(self, &others)
    }

    /// Its name in so many columns.
    #[must_use]
    pub fn short_name(&self, columns: usize) -> Cow<'a, str> {
        let family = || self.of_target().map_or("", |target| place::family(&target.system.rules));
        place::short_name(self.name, family, columns)
    }

    /// What it says of itself in a few words; empty where there is nothing to tell.
    #[must_use]
    pub fn summary(&self) -> String {
        annotation(self.alert, "summary")
    }

    /// What it says of itself; empty where there is nothing to tell.
    #[must_use]
    pub fn description(&self) -> String {
        annotation(self.alert, "description")
    }

    /// The title of the runbook that serves it.
    #[must_use]
    pub fn runbook(&self) -> Option<&'a str> {
        self.of_target()?.system.runbook_for(self.name).map(|runbook| runbook.title.as_str())
    }

    /// Snoozed, acknowledged, its response clock, or that one of these is over.
    #[must_use]
    pub fn answer(&self, now: At) -> Option<AnswerNote> {
        let note = |role, short: String, long: String| Some(AnswerNote { role, short, long });
        let lasting = |claim: &&Claim| !claim.is_over(now.wall);
        if let Some(snooze) = self.alert.snoozed().filter(lasting) {
            let until = &snooze.until.clock()[..5];
            return note(Role::Dim, format!("snoozed to {until}"), format!("snoozed until {until}"));
        }
        if let Some(claim) = self.alert.acknowledged().filter(lasting) {
            return note(Role::Accent, format!("ack by {}", claim.by), format!("acknowledged by {}", claim.by));
        }
        if let Some(due) = self.alert.response_due(now.wall) {
            return if due.boot > now.boot {
                let left = countdown(now, due);
                note(Role::Warning, format!("respond in {left}"), format!("respond within {left}"))
            } else {
                let late = countdown(due, now);
                note(Role::Critical, format!("overdue {late}"), format!("overdue by {late}"))
            };
        }
        let over = |word: &str| note(Role::Warning, format!("{word} over"), format!("its {word} is over"));
        match (self.alert.snoozed(), self.alert.acknowledged()) {
            (Some(_), _) if self.is_active() => over("snooze"),
            (_, Some(_)) if self.is_active() => over("ack"),
            (Some(_) | None, _) => None,
        }
    }

    /// Whether it asks for attention: firing, about to, or not able to tell.
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self.state {
            AlertState::Firing { .. }
            | AlertState::Pending { .. }
            | AlertState::NoData { .. }
            | AlertState::WarmingUp { .. } => true,
            AlertState::Inactive | AlertState::Resolved { .. } => false,
        }
    }

    /// What a filter sees of it.
    #[must_use]
    pub fn text(&self) -> String {
        let (state, severity) = (mark::alert(self.state, self.severity).word, mark::severity(self.severity).word);
        format!("{state} {severity} {} {} {} {}", self.name, self.target, self.labels, self.summary())
    }

    /// Since when, or how long until it fires.
    #[must_use]
    pub fn clock(&self, now: At) -> String {
        match self.state {
            AlertState::Firing { since, .. } => format!("for {}", whole(now.boot.since(since.boot))),
            AlertState::Pending { fires, .. } => {
                let left = fires.since(now.boot);
                format!("fires in {}", countdown(now, now.plus(left)))
            }
            AlertState::NoData { lack, .. } if lack.is_known() => String::new(),
            AlertState::NoData { since, .. } => {
                format!("for {}", whole(now.boot.since(since.boot)))
            }
            AlertState::WarmingUp { have, need } => format!("{} of {}", spoken(*have), spoken(*need)),
            AlertState::Resolved { at } => ago(now, *at),
            AlertState::Inactive => String::new(),
        }
    }

    /// What its line says, whole, however narrow the window: what a filter looks at.
    #[must_use]
    pub fn line(&self) -> String {
        let state = mark::alert(self.state, self.severity).word;
        let runbook = self.runbook().unwrap_or_default();
        format!("{state} {} {} {} {} {runbook}", self.severity.word(), self.name, self.target, self.labels)
    }

    /// Its name and labels, as it would be selected in Prometheus.
    #[must_use]
    pub fn selector(&self) -> String {
        format!("{}{}", self.name, self.labels.clone().without(NAME)).replace("{}", "")
    }

    /// The value it was last judged by, in its unit, where there is one now that says something.
    #[must_use]
    pub fn value(&self) -> Option<String> {
        match self.state {
            AlertState::Firing { value, no_data: None, .. } | AlertState::Pending { value, .. } => {
                self.unit().map(|unit| unit.write(*value))
            }
            AlertState::Firing { no_data: Some(_), .. }
            | AlertState::NoData { .. }
            | AlertState::WarmingUp { .. }
            | AlertState::Resolved { .. }
            | AlertState::Inactive => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::testing::{self, Condition, NOW};

    #[test]
    fn a_row_says_who_answers_and_how_long_nobody_may_yet() {
        let mut model = testing::model(Condition::Ill);
        let check = |model: &Model, seconds: u64, short: &str, role: Role| {
            let now = NOW.plus(Duration::from_secs(seconds));
            let rows = rows(model);
            let note = rows[0].answer(now).unwrap_or_else(|| panic!("a note after {seconds} s"));
            assert_eq!((note.short.as_str(), note.role), (short, role), "after {seconds} s");
        };
        check(&model, 0, "respond in 14:20", Role::Warning);
        check(&model, 860, "overdue 00:00", Role::Critical);
        check(&model, 920, "overdue 01:00", Role::Critical);
        let key = rows(&model)[0].alert.key();
        let until = NOW.plus(Duration::from_secs(600)).wall;
        let claim = Claim { by: "ayse".to_owned(), reason: "INC-7".to_owned(), at: NOW.wall, until };
        model.alerts.acknowledge(&key, claim.clone()).expect("it fires");
        check(&model, 10, "ack by ayse", Role::Accent);
        model.alerts.snooze(&key, claim).expect("it is there");
        check(&model, 20, "snoozed to 03:14", Role::Dim);
        // Both are over, so the clock that nobody stopped for good goes on.
        check(&model, 600, "respond in 04:20", Role::Warning);
        let well = testing::model(Condition::Well);
        let quiet = rows(&well);
        assert!(quiet.iter().filter(|row| !row.is_active()).all(|row| row.answer(NOW).is_none()));
    }
}
