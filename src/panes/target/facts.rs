//! What a target is and where it runs: what its configuration says, and what its nodes say of themselves.

use std::collections::BTreeSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::found;
use crate::alert::{AlertState, Lack};
use crate::base::text::count;
use crate::panes::model::{Model, Target};
use crate::panes::{alerts, capability};
use crate::runbook::seal::{Environment, Host, Privilege};
use crate::systems::SettingValue;
use crate::ui::widget::{Rows, Viewport, frame};
use crate::ui::{Action, Role};

pub(super) fn draw(buf: &mut Buffer, model: &Model, target: &Target, area: Rect, view: &Viewport) {
    if area.height == 0 {
        return;
    }
    let inside = frame::frame(buf, &model.theme, area, "facts", (Role::Dim, target.id.as_str()));
    rows(model, target, area).draw(buf, &model.theme, inside, view);
}

/// Everything that there is to say.
pub(super) fn rows(model: &Model, target: &Target, area: Rect) -> Rows {
    let mut rows = Rows::new(frame::inner(area).width);
    let found = capability::of_target(model, target);
    found::others(&mut rows, &found);
    about(&mut rows, target);
    series(&mut rows, model, target);
    rules(&mut rows, model, target);
    found::rows(&mut rows, model, target, &found);
    settings(&mut rows, target);
    rows
}

fn about(rows: &mut Rows, target: &Target) {
    rows.pair(0, "system", Role::Text, &format!("{} ({})", target.system.spec.title, target.system.id));
    let role = match target.spec.environment {
        Environment::Production | Environment::NotConfigured => Role::Warning,
        Environment::Demo | Environment::Development | Environment::Staging => Role::Text,
    };
    let said = match target.spec.environment {
        Environment::NotConfigured => "not configured: what it is has to be said before anything can be done to it",
        said => said.word(),
    };
    rows.pair(0, "environment", role, said);
    let host = match &target.spec.host {
        Some(Host::Local) => "this machine: its commands run here".to_owned(),
        Some(Host::Ssh(alias)) => format!("over SSH: {alias}"),
        None => "none is given, so that it can only be observed".to_owned(),
    };
    rows.pair(0, "host", Role::Text, &host);
    let privilege = match &target.spec.privilege {
        _ if target.spec.host.is_none() => "none is used: without a host no command runs".to_owned(),
        Privilege::None => "none: commands run as this user".to_owned(),
        Privilege::SudoNonInteractive(user) => format!("sudo as {user}, where it asks for no password"),
        Privilege::Polkit => "polkit".to_owned(),
    };
    rows.pair(0, "privilege", Role::Text, &privilege);
}

fn series(rows: &mut Rows, model: &Model, target: &Target) {
    let sources = || model.store.sources().filter(|source| source.target == target.id);
    let missing: BTreeSet<&str> = sources().flat_map(|source| source.lacks()).map(|name| &**name).collect();
    let series: usize = sources().map(|source| source.series).sum();
    let key = model.keymap.press(Action::PageMetrics);
    let mut said = format!("{series} now; {key} shows them");
    if !missing.is_empty() {
        said.push_str(&format!("; {} not exposed", missing.len()));
    }
    rows.pair(0, "series", Role::Text, &said);
}

fn rules(rows: &mut Rows, model: &Model, target: &Target) {
    let (role, said) = judged(model, target);
    rows.pair(0, "alerts", role, &said);
    for (word, role) in [("firing", Role::Critical), ("pending", Role::Warning)] {
        let named = named(model, target, word);
        if !named.is_empty() {
            rows.pair(0, word, role, &named.join(", "));
        }
    }
    let runbooks: Vec<&str> = target.system.runbooks.iter().map(|runbook| runbook.title.as_str()).collect();
    if !runbooks.is_empty() {
        rows.pair(0, "runbooks", Role::Text, &runbooks.join(", "));
    }
    for escalation in &target.system.spec.escalation {
        let words = format!("within {} min: {}", escalation.respond_within_minutes, escalation.contacts.join(", "));
        rows.pair(0, crate::panes::mark::severity(escalation.severity).word, Role::Dim, &words);
    }
}

/// The alerts in this state, each with where it is.
fn named(model: &Model, target: &Target, word: &str) -> Vec<String> {
    let rows = alerts::row::rows(model);
    let rows = rows.iter().filter(|row| *row.target == target.id && row.state.word() == word);
    let name = |row: &alerts::row::AlertRow| match row.place().as_str() {
        "" => row.name.to_owned(),
        place => format!("{} ({place})", row.name),
    };
    let mut names: Vec<String> = Vec::new();
    for name in rows.map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// How many rules there are, and how many alerts are in each state but quiet: `3 rules: 1 firing, 1 with no data`.
fn judged(model: &Model, target: &Target) -> (Role, String) {
    let rules: usize = target.system.rules.groups.iter().map(|group| group.rules.len()).sum();
    if rules == 0 {
        return (Role::Unknown, "no rules: nothing can fire".to_owned());
    }
    let mut counts = [0_usize; 7];
    for alert in model.alerts.of_target(&target.id) {
        let at = match alert.state {
            AlertState::Firing { .. } => 0,
            AlertState::Pending { .. } => 1,
            AlertState::NoData { lack: Lack::Data, .. } => 2,
            AlertState::NoData { lack: Lack::NotExposed, .. } => 5,
            AlertState::NoData { lack: Lack::NotRead, .. } => 6,
            AlertState::WarmingUp { .. } => 3,
            AlertState::Resolved { .. } => 4,
            AlertState::Inactive => continue,
        };
        counts[at] += 1;
    }
    let words = ["firing", "pending", "with no data", "warming up", "resolved", "not exposed", "not read"];
    let said: Vec<String> =
        counts.iter().zip(words).filter(|(n, _)| **n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    let role = match counts {
        [firing, ..] if firing > 0 => Role::Critical,
        [_, pending, ..] if pending > 0 => Role::Warning,
        [_, _, no_data, ..] if no_data > 0 => Role::Unknown,
        _quiet => Role::Text,
    };
    match said.as_slice() {
        [] => (role, format!("{}: all quiet", count(rules, "rule"))),
        some => (role, format!("{}: {}", count(rules, "rule"), some.join(", "))),
    }
}

/// Every setting, and whether it is the system's own.
fn settings(rows: &mut Rows, target: &Target) {
    let written = |value: &SettingValue| match value {
        SettingValue::Text(text) => text.clone(),
        SettingValue::Number(number) => crate::panes::words::number(*number),
    };
    for (name, value) in target.system.spec.settings(&target.spec.settings) {
        let own = target.spec.settings.contains_key(&name);
        let role = if own { Role::Text } else { Role::Dim };
        let whose = if own { "" } else { " (default)" };
        rows.pair(0, "setting", role, &format!("{name} = {}{whose}", written(&value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::testing::{self, Condition};

    #[test]
    fn without_a_host_nothing_is_said_of_how_commands_run() {
        let said = |model: &Model| {
            let mut rows = Rows::new(100);
            about(&mut rows, &model.targets[0]);
            let area = Rect { x: 0, y: 0, width: 100, height: 6 };
            let mut buf = Buffer::empty(area);
            rows.draw(&mut buf, &model.theme, area, &Viewport::default());
            crate::ui::widget::testing::text_of(&buf)
        };
        let mut model = testing::model(Condition::Well);
        assert!(said(&model).contains("no command runs") && !said(&model).contains("as this user"));
        model.targets[0].spec.host = Some(Host::Local);
        assert!(said(&model).contains("commands run as this user"));
    }

    #[test]
    fn every_state_of_an_alert_that_is_not_quiet_is_counted() {
        let check = |model: &Model, want: &str| assert_eq!(judged(model, &model.targets[0]).1, want);
        check(&testing::model(Condition::Ill), "3 rules: 1 firing, 1 pending, 1 not exposed");
        check(&testing::model(Condition::Stale), "3 rules: 3 with no data");
        let mut model = testing::model(Condition::Well);
        check(&model, "3 rules: 1 not exposed");
        std::sync::Arc::make_mut(&mut model.targets[0].system).rules.groups.clear();
        check(&model, "no rules: nothing can fire");
    }
}
