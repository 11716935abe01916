//! One rule on one target: what is measured of it, and the alerts that come of it.
//!
//! All operands of a supported expression share the labels of the element they make, name aside. So for every alert
//! it can be told which series speak about it, whether they were measured just now, and whether silence means *no*.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::state::{AlertState, Measurement};
use super::{Alert, AlertRule, Transition};
use crate::base::{At, Severity, TargetId};
use crate::model::labels::NAME;
use crate::model::{Labels, Scope, Store, Truth};
use crate::promql::truth::{Operand, operands};
use crate::promql::{Value, evaluate};

/// Label sets of one rule that are followed. A rule that matches more has lost its meaning for a person.
pub(super) const MAX_ALERTS: usize = 1000;
/// How long a label set without data is told apart from the rule as a whole.
const NO_DATA_SHOWN: Duration = Duration::from_secs(15 * 60);

/// What an evaluation looks at.
pub(super) struct Moment<'a> {
    pub(super) store: &'a Store,
    pub(super) scope: &'a Scope,
    pub(super) at: At,
    /// The wall clock jumped a moment ago: samples seem missing until every source was polled once more.
    pub(super) settling: bool,
}

/// A rule with its alerts.
#[derive(Clone, Debug)]
pub(super) struct LiveRule {
    pub(super) rule: Arc<AlertRule>,
    target: TargetId,
    /// The rule as a whole, while no label set speaks for it. Nothing before the first evaluation.
    whole: Option<Alert>,
    whole_shown: bool,
    /// By the labels of the element, without name and without the rule's own labels.
    elements: IndexMap<Labels, Alert>,
    /// Active label sets beyond [`MAX_ALERTS`] at the last evaluation.
    pub(super) beyond_limit: usize,
}

/// What one evaluation measured.
struct Measured {
    operands: Vec<Operand>,
    /// The active elements that rest on present data, in the order of the answer.
    active: IndexMap<Labels, f64>,
    /// Set where the expression has no answer at all.
    failure: Option<String>,
}

impl LiveRule {
    pub(super) fn new(target: &TargetId, rule: AlertRule) -> LiveRule {
        LiveRule {
            rule: Arc::new(rule),
            target: target.clone(),
            whole: None,
            whole_shown: false,
            elements: IndexMap::new(),
            beyond_limit: 0,
        }
    }

    /// The alerts that a person should see.
    pub(super) fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.whole.iter().filter(|_| self.whole_shown).chain(self.elements.values())
    }

    /// Evaluates the rule and moves its alerts on.
    pub(super) fn step(&mut self, moment: &Moment<'_>, transitions: &mut Vec<Transition>) {
        let measured = Measured::now(&self.rule, moment);
        let before = self.whole_shown_state();
        self.step_elements(&measured, &before, moment, transitions);
        self.step_whole(&measured, &before, moment, transitions);
    }

    /// What was shown for the rule as a whole: where a new label set comes from.
    fn whole_shown_state(&self) -> AlertState {
        match &self.whole {
            Some(whole) if self.whole_shown => whole.state.clone(),
            Some(_) | None => AlertState::Inactive,
        }
    }

    fn step_elements(
        &mut self,
        measured: &Measured,
        before: &AlertState,
        moment: &Moment<'_>,
        transitions: &mut Vec<Transition>,
    ) {
        let hold = self.rule.hold;
        for (labels, alert) in &mut self.elements {
            let Some(measurement) = measured.of(labels, moment) else { continue };
            let next = alert.state.next(&measurement, moment.at, hold);
            note(transitions, alert, &next);
            alert.state = next;
        }
        self.elements.retain(|_, alert| match &alert.state {
            AlertState::Inactive | AlertState::WarmingUp { .. } => false,
            AlertState::NoData { since, .. } => moment.at.boot.since(since.boot) < NO_DATA_SHOWN,
            AlertState::Pending { .. } | AlertState::Firing { .. } | AlertState::Resolved { .. } => true,
        });
        self.beyond_limit = 0;
        for (labels, value) in &measured.active {
            if self.elements.contains_key(labels) {
                continue;
            }
            if self.elements.len() == MAX_ALERTS {
                self.beyond_limit += 1;
                continue;
            }
            let mut alert = self.alert(labels.clone(), before.clone());
            let next = before.next(&Measurement::Active(*value), moment.at, hold);
            note(transitions, &alert, &next);
            alert.state = next;
            self.elements.insert(labels.clone(), alert);
        }
    }

    fn step_whole(
        &mut self,
        measured: &Measured,
        before: &AlertState,
        moment: &Moment<'_>,
        transitions: &mut Vec<Transition>,
    ) {
        let first = self.whole.is_none();
        let mut whole = self.whole.take().unwrap_or_else(|| self.alert(Labels::default(), AlertState::Inactive));
        let next = match measured.of_whole(moment) {
            Some(measurement) => whole.state.next(&measurement, moment.at, self.rule.hold),
            None => whole.state.clone(),
        };
        let told = self.elements.values().any(|alert| alert.state.lacks_data());
        let shown = self.elements.is_empty() || (next.lacks_data() && !told);
        whole.state = before.clone();
        if shown && !first {
            note(transitions, &whole, &next);
        }
        whole.state = next;
        self.whole = Some(whole);
        self.whole_shown = shown;
    }

    /// An alert for an element: its labels with the rule's own over them.
    fn alert(&self, labels: Labels, state: AlertState) -> Alert {
        let labels = self.rule.labels.iter().fold(labels, |labels, (name, value)| labels.with(name, value));
        Alert { target: self.target.clone(), rule: Arc::clone(&self.rule), labels, state }
    }

    pub(super) fn severity(&self) -> Severity {
        self.rule.severity()
    }
}

fn note(transitions: &mut Vec<Transition>, alert: &Alert, next: &AlertState) {
    if alert.state.differs(next) {
        transitions.push(Transition {
            target: alert.target.clone(),
            alert: alert.rule.name.clone(),
            labels: alert.labels.clone(),
            from: alert.state.clone(),
            to: next.clone(),
        });
    }
}

impl Measured {
    fn now(rule: &AlertRule, moment: &Moment<'_>) -> Measured {
        let operands = operands(&rule.expr, moment.store, moment.scope, moment.at);
        let (answer, failure) = match evaluate(&rule.expr, moment.store, moment.scope, moment.at.wall) {
            // As in Prometheus, a number is one element without labels: always active.
            Ok(Value::Scalar(value)) => (vec![(Labels::default(), value)], None),
            Ok(Value::Vector(samples)) => {
                let nameless = samples.iter().map(|sample| ((*sample.labels).clone().without(NAME), sample.value));
                (nameless.collect(), None)
            }
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let mut measured = Measured { operands, active: IndexMap::new(), failure };
        measured.active = answer.into_iter().filter(|(labels, _)| measured.gap(labels).is_none()).collect();
        measured
    }

    /// What is measured of one label set; nothing while a clock jump is the likely reason that nothing is.
    fn of(&self, labels: &Labels, moment: &Moment<'_>) -> Option<Measurement> {
        if let Some(value) = self.active.get(labels) {
            return Some(Measurement::Active(*value));
        }
        match self.gap(labels) {
            None => Some(Measurement::Inactive),
            Some(gap) => gap.measurement(moment),
        }
    }

    /// What is measured of the rule as a whole.
    fn of_whole(&self, moment: &Moment<'_>) -> Option<Measurement> {
        let gap = match (&self.failure, Operand::worst(&self.operands)) {
            (Some(failure), _) => Some(Gap { operand: None, failure: Some(failure.clone()) }),
            (None, Some(worst)) if worst.why(moment.at.boot).is_some() => Some(Gap::of(worst, worst.truth.clone())),
            (None, Some(_) | None) => None,
        };
        gap.map_or(Some(Measurement::Inactive), |gap| gap.measurement(moment))
    }

    /// Why nothing can be said about a label set; nothing where all its operands were measured.
    fn gap(&self, labels: &Labels) -> Option<Gap> {
        if let Some(failure) = &self.failure {
            return Some(Gap { operand: None, failure: Some(failure.clone()) });
        }
        let mut worst: Option<(&Operand, Truth)> = None;
        for operand in &self.operands {
            let truth = match (&operand.uncovered, operand.missing(labels)) {
                (_, Some(missing)) => missing,
                (Some(uncovered), None) => uncovered.clone(),
                (None, None) => Truth::Fresh,
            };
            let is_nan = operand.elements.get(labels).is_some_and(|element| element.value.is_nan());
            if truth.is_fresh() && !is_nan {
                continue;
            }
            worst = match worst {
                Some((known, known_truth)) if known_truth.clone().worst(truth.clone()) == known_truth => {
                    Some((known, known_truth))
                }
                Some(_) | None => Some((operand, truth)),
            };
        }
        worst.map(|(operand, truth)| Gap::of(operand, truth))
    }
}

/// Why something was not measured.
struct Gap {
    operand: Option<(Arc<str>, Truth)>,
    failure: Option<String>,
}

impl Gap {
    fn of(operand: &Operand, truth: Truth) -> Gap {
        Gap { operand: Some((Arc::clone(&operand.selector), truth)), failure: None }
    }

    fn measurement(self, moment: &Moment<'_>) -> Option<Measurement> {
        let Some((selector, truth)) = self.operand else {
            return Some(Measurement::Missing { why: self.failure.unwrap_or_default() });
        };
        let why = match truth {
            Truth::Absent | Truth::WarmingUp { .. } if moment.settling => return None,
            Truth::WarmingUp { have, need } => return Some(Measurement::Uncovered { have, need }),
            // The state says since when.
            Truth::Failing { reason, .. } => reason,
            Truth::Fresh => "not a number".to_owned(),
            truth @ (Truth::Stale { .. } | Truth::Absent | Truth::NotExposed | Truth::NeverPolled) => {
                truth.words(moment.at.boot)
            }
        };
        Some(Measurement::Missing { why: format!("{selector}: {why}") })
    }
}

/// How long after a clock jump missing samples may be its fault: until every source of the scope is due for stale.
pub(super) fn settling_time(store: &Store, scope: &Scope) -> Duration {
    store
        .sources()
        .filter(|state| match scope {
            Scope::Target(target) => state.target == *target,
            Scope::Fleet => true,
        })
        .map(|state| state.interval * 3 + state.timeout)
        .max()
        .unwrap_or_default()
}
