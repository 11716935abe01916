//! Why the selected alert says what it says: in a sentence for each comparison, and part by part.

use std::sync::Arc;
use std::time::Duration;

use super::row::AlertRow;
use crate::alert::{AlertRule, AlertState};
use crate::base::{At, TargetId};
use crate::model::{Labels, Scope, Store, Truth};
use crate::panes::series::distinct;
use crate::panes::words::number;
use crate::panes::{Model, capability, mark};
use crate::promql::Verdict;
use crate::promql::explain::{Case, Compared, Explained, Shown, explain};
use crate::promql::weight::weight;
use crate::ui::widget::{Mark, Rows};
use crate::ui::{Glyph, Role};

/// The explanation of one alert: a fact that `app/` keeps up to date while the page of alerts is shown.
#[derive(Clone, Debug)]
pub struct Why {
    target: TargetId,
    alert: String,
    labels: Labels,
    at: At,
    explained: Explained,
}

/// What is to be explained, with all that it takes.
#[derive(Clone, Debug)]
pub struct WhyAsked {
    target: TargetId,
    rule: Arc<AlertRule>,
    labels: Labels,
    at: At,
    store: Store,
}

/// How many times the parts of an expression are evaluated, beside the whole: roughly.
const PARTS: usize = 4;

impl WhyAsked {
    pub(super) fn of(row: &AlertRow, model: &Model, at: At) -> WhyAsked {
        let (target, rule, labels) = (row.target.clone(), Arc::clone(row.rule), row.labels.clone());
        WhyAsked { target, rule, labels, at, store: model.store.clone() }
    }

    /// What it may cost.
    #[must_use]
    pub fn weight(&self) -> usize {
        let scope = Scope::Target(self.target.clone());
        weight(&self.rule.expr, &self.store, &scope, self.at.wall, Duration::ZERO).saturating_mul(PARTS)
    }

    /// Evaluates every part of the alert's expression.
    #[must_use]
    pub fn run(&self) -> Why {
        let scope = Scope::Target(self.target.clone());
        Why {
            target: self.target.clone(),
            alert: self.rule.name.clone(),
            labels: self.labels.clone(),
            at: self.at,
            explained: explain(&self.rule.expr, &self.store, &scope, self.at, &self.labels),
        }
    }
}

impl Why {
    fn is_of(&self, row: &AlertRow) -> bool {
        self.target == *row.target && self.alert == row.name && self.labels == *row.labels
    }
}

/// The explanation, where it is of this alert.
fn known<'a>(model: &'a Model, row: &AlertRow) -> Option<&'a Why> {
    model.why.as_ref().filter(|why| why.is_of(row))
}

/// What would change the verdict, a sentence for each comparison, and what is missing: for the details.
pub fn sentences(rows: &mut Rows, model: &Model, row: &AlertRow) {
    let Some(why) = known(model, row) else { return };
    let missing = why.explained.all_missing();
    // Two parts of an expression may miss the same.
    let repeated = |at: usize| missing[..at].contains(&missing[at]);
    for missing in (0..missing.len()).filter(|at| !repeated(*at)).map(|at| missing[at]) {
        rows.pair(0, "no data", Role::Unknown, missing);
    }
    if let (AlertState::NoData { .. }, Some(target)) = (row.state, model.target_by_id(row.target)) {
        for expected in capability::expected(model, target, &row.rule.expr) {
            rows.pair(0, "expected", Role::Dim, &expected);
        }
    }
    let mut told = Vec::new();
    changes(&why.explained, lead(row.state), why.at, &mut told);
    for (label, words) in told {
        rows.pair(0, label, Role::Text, &words);
    }
}

/// Every part with its value, its truth and its verdict.
pub fn tree(rows: &mut Rows, model: &Model, row: &AlertRow) {
    match known(model, row) {
        Some(why) => part(rows, why, &why.explained, 0),
        None => {
            rows.prose(0, Role::Dim, "not evaluated yet");
        }
    }
}

/// What the whole does when a comparison changes.
fn lead(state: &AlertState) -> (&'static str, &'static str) {
    match state {
        AlertState::Firing { .. } | AlertState::Pending { .. } => ("fires when", "ends when"),
        AlertState::Inactive
        | AlertState::WarmingUp { .. }
        | AlertState::NoData { .. }
        | AlertState::Resolved { .. } => ("fires when", "holds until"),
    }
}

/// A sentence for each case of each comparison that the verdict is made of.
fn changes<'a>(part: &Explained, lead: (&'a str, &'a str), at: At, told: &mut Vec<(&'a str, String)>) {
    match &part.compared {
        Some(compared) if compared.cases.is_empty() => {
            told.push((
                lead.0,
                format!("{} {} {}", compared.subject, compared.comparison.change(false), compared.threshold),
            ));
        }
        Some(compared) => {
            let names = told_apart(compared.cases.iter().map(|case| &case.labels));
            let sentence = |(case, name): (&Case, &String)| {
                let label = if case.holds == Some(true) { lead.1 } else { lead.0 };
                (label, sentence(compared, case, name, at))
            };
            told.extend(compared.cases.iter().zip(&names).map(sentence));
            if compared.more > 0 {
                told.push(("", format!("and {} more series", compared.more)));
            }
        }
        // Of `and`, `or` and `unless` each side has its own say.
        None if part.verdict.is_some() && !part.parts.is_empty() => {
            part.parts.iter().for_each(|inner| changes(inner, ("true when", "true until"), at, told));
        }
        None => {}
    }
}

/// `age rises above 60; it is 41, 19 less`
fn sentence(compared: &Compared, case: &Case, name: &str, at: At) -> String {
    let change = compared.comparison.change(case.holds == Some(true));
    let threshold = match case.threshold.map(number) {
        Some(threshold) if threshold == compared.threshold => threshold,
        Some(threshold) => format!("{} ({threshold})", compared.threshold),
        None => compared.threshold.clone(),
    };
    let of = if name.is_empty() { String::new() } else { format!(" for {name}") };
    let verb = if case.truth.is_fresh() { "is" } else { "was" };
    let value = case.value.map(number);
    let apart = match case.distance {
        distance if distance > 0.0 => Some(format!("{} more", number(distance))),
        distance if distance < 0.0 => Some(format!("{} less", number(-distance))),
        _equal_or_not_a_number => None,
    };
    let is = [value, apart].into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("{} {change} {threshold}{of}; it {verb} {is}{}", compared.subject, doubt(&case.truth, at))
}

/// Why a value is not the present one; empty where it is.
fn doubt(truth: &Truth, at: At) -> String {
    let words = truth.words(at.boot);
    if words.is_empty() { words } else { format!(" ({words})") }
}

/// By what several series differ. One alone needs no name: its labels are those of the alert.
fn told_apart<'a>(all: impl Iterator<Item = &'a Labels>) -> Vec<String> {
    let all: Vec<Arc<Labels>> = all.cloned().map(Arc::new).collect();
    if all.len() < 2 { vec![String::new(); all.len()] } else { distinct(&all) }
}

fn part(rows: &mut Rows, why: &Why, explained: &Explained, indent: usize) {
    let (mark, said) = said(explained, why.at);
    let role = if explained.verdict.is_some() { Role::Title } else { Role::Text };
    rows.marked(indent, mark, &[(role, explained.source.clone()), (mark.role, format!(" · {said}"))]);
    if let Some(compared) = &explained.compared {
        let mut told = Vec::new();
        changes(explained, ("true when", "true until"), why.at, &mut told);
        for (label, words) in told {
            rows.prose(indent + 2, Role::Text, format!("{label} {words}").trim());
        }
        let is_told = |inner: &&Explained| {
            // Its values stand in the sentence already.
            inner.source == compared.subject && inner.parts.is_empty() && !inner.shown.is_empty()
        };
        explained.parts.iter().filter(|inner| !is_told(inner)).for_each(|inner| part(rows, why, inner, indent + 2));
    } else {
        explained.parts.iter().for_each(|inner| part(rows, why, inner, indent + 2));
    }
    if explained.cut {
        rows.prose(indent + 2, Role::Dim, "… and more parts than are told");
    }
}

/// The sign of a part and what is said behind it: its verdict, or its values; with the reason where it has none.
fn said(explained: &Explained, at: At) -> (Mark, String) {
    if let Some(failure) = &explained.failure {
        return (Mark::new(Glyph::Failed, Role::Failing, "fails"), failure.clone());
    }
    if let Some(verdict) = &explained.verdict {
        let mark = mark::verdict(verdict);
        let words = match verdict {
            Verdict::Unknown(why) => format!("{}: {why}", mark.word),
            Verdict::True | Verdict::False => mark.word.to_owned(),
        };
        return (mark, words);
    }
    match (&explained.missing, explained.shown.is_empty()) {
        (Some(_), _) | (None, true) if explained.may_be_absent => {
            (Mark::new(Glyph::Absent, Role::Dim, "none"), "none, which it may be".to_owned())
        }
        (Some(missing), _) => {
            // The selector's own text stands before it already.
            let why = missing.strip_prefix(&explained.source).and_then(|rest| rest.strip_prefix(": "));
            let values = values(explained, at);
            let values = if values.is_empty() { values } else { format!("; last {values}") };
            (mark_of(explained), format!("{}{values}", why.unwrap_or(missing)))
        }
        (None, true) => (mark_of(explained), format!("no series{}", doubt(&explained.truth, at))),
        (None, false) => (mark_of(explained), values(explained, at)),
    }
}

fn mark_of(explained: &Explained) -> Mark {
    match &explained.truth {
        Truth::Fresh if !explained.shown.is_empty() => Mark::new(Glyph::Ok, Role::Text, "measured"),
        truth => Mark::of_truth(truth),
    }
}

fn values(explained: &Explained, at: At) -> String {
    let names = told_apart(explained.shown.iter().map(|shown| &shown.labels));
    let one = |(shown, name): (&Shown, &String)| {
        let gap = if name.is_empty() { "" } else { " " };
        format!("{}{gap}{name}{}", number(shown.value), doubt(&shown.truth, at))
    };
    let more = (explained.more > 0).then(|| format!("and {} more", explained.more));
    explained.shown.iter().zip(&names).map(one).chain(more).collect::<Vec<_>>().join(" · ")
}
