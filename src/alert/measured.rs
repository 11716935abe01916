//! What one evaluation of an expression measured, and what it can not tell and why.
//!
//! All operands of an expression that keeps labels share those of the element they make, name aside. So for every
//! element it can be told which series speak about it, whether they were measured just now, and whether silence means
//! *no*. Of other expressions every element rests on all operands.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::state::{Lack, Measurement};
use crate::base::At;
use crate::model::labels::NAME;
use crate::model::{Labels, Scope, Store, Truth};
use crate::promql::truth::{Operand, nothing_measured, operands};
use crate::promql::{Expr, Value, evaluate};

/// What an evaluation looks at.
pub(super) struct Moment<'a> {
    pub(super) store: &'a Store,
    pub(super) scope: &'a Scope,
    pub(super) at: At,
    /// How far back its group looks.
    pub(super) offset: Duration,
    /// The most elements that a rule of its group may have; 0 is no limit.
    pub(super) limit: usize,
    /// The wall clock jumped a moment ago: samples seem missing until every source was polled once more.
    pub(super) settling: bool,
}

/// One element of an answer.
#[derive(Clone, Debug)]
pub(super) struct Element {
    /// With the name, where it has one.
    pub(super) series: Arc<Labels>,
    pub(super) value: f64,
}

pub(super) struct Measured {
    operands: Vec<Operand>,
    /// Why nothing of it is measured at all, where that is so: of all operands the one that says most.
    nothing: Option<(Arc<str>, Truth)>,
    /// The elements that rest on present data, by their labels without the name, in the order of the answer.
    pub(super) active: IndexMap<Labels, Element>,
    /// Set where the expression has no answer at all.
    pub(super) failure: Option<String>,
}

impl Measured {
    /// Where it says nothing at all: how far what it is about can be trusted.
    pub(super) fn lack(&self) -> Option<Truth> {
        let nothing = || self.nothing().map(|(_, truth)| truth.clone());
        let worst = || Operand::worst(&self.operands).map(|operand| operand.truth.clone());
        let truth = nothing().or_else(worst).filter(|_| self.active.is_empty() && self.failure.is_none())?;
        (!truth.is_fresh()).then_some(truth)
    }

    fn nothing(&self) -> Option<&(Arc<str>, Truth)> {
        self.nothing.as_ref().filter(|_| self.active.is_empty())
    }

    pub(super) fn now(expr: &Expr, moment: &Moment<'_>) -> Measured {
        let at = At { wall: moment.at.wall.minus(moment.offset), ..moment.at };
        let operands = operands(expr, moment.store, moment.scope, at);
        let nothing = nothing_measured(expr, &operands);
        let nothing = nothing.and_then(|operand| Some((Arc::clone(&operand.selector), operand.excused.clone()?)));
        let mut measured = Measured { operands, nothing, active: IndexMap::new(), failure: None };
        match evaluate(expr, moment.store, moment.scope, at.wall) {
            // As in Prometheus, a number is one element without labels: always active.
            Ok(Value::Scalar(value)) => measured.add(Element { series: Arc::default(), value }),
            Ok(Value::Vector(samples)) => samples
                .into_iter()
                .for_each(|sample| measured.add(Element { series: sample.labels, value: sample.value })),
            Err(error) => measured.failure = Some(error.to_string()),
        }
        let (count, limit) = (measured.active.len(), moment.limit);
        if limit > 0 && count > limit {
            measured.fail(format!("it has {count} elements, and its group's limit is {limit}"));
        }
        measured
    }

    fn add(&mut self, element: Element) {
        let labels = (*element.series).clone().without(NAME);
        if self.gap(&labels).is_none() {
            self.active.insert(labels, element);
        }
    }

    /// It has no answer that could be used.
    pub(super) fn fail(&mut self, why: String) {
        self.active.clear();
        self.failure = Some(why);
    }

    /// What is measured of a label set that is not active; nothing while a clock jump is the likely reason that nothing
    /// is. `absent` is what is said of an operand that is absent, in place of its selector.
    pub(super) fn of_inactive(
        &self,
        labels: &Labels,
        moment: &Moment<'_>,
        absent: Option<&str>,
    ) -> Option<Measurement> {
        match self.gap(labels) {
            None => Some(Measurement::Inactive),
            Some(gap) => gap.measurement(moment, absent),
        }
    }

    /// What is measured of the rule as a whole.
    pub(super) fn of_whole(&self, moment: &Moment<'_>, absent: Option<&str>) -> Option<Measurement> {
        let gap = match (&self.failure, Operand::worst(&self.operands)) {
            (Some(failure), _) => Some(Gap { operand: None, failure: Some(failure.clone()) }),
            (None, _) if self.nothing().is_some() => {
                self.nothing().cloned().map(|operand| Gap { operand: Some(operand), failure: None })
            }
            (None, Some(worst)) if worst.why(moment.at.boot).is_some() => Some(Gap::of(worst, worst.truth.clone())),
            (None, Some(_) | None) => None,
        };
        gap.map_or(Some(Measurement::Inactive), |gap| gap.measurement(moment, absent))
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
            if truth.is_fresh() && !operand.is_nan(labels) {
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

    fn measurement(self, moment: &Moment<'_>, absent: Option<&str>) -> Option<Measurement> {
        let Some((selector, truth)) = self.operand else {
            return Some(Measurement::Missing { why: self.failure.unwrap_or_default(), lack: Lack::Data });
        };
        let lack = Lack::of(&truth);
        let absent = absent.filter(|_| truth == Truth::Absent);
        let why = match truth {
            Truth::Absent | Truth::WarmingUp { .. } if moment.settling => return None,
            Truth::WarmingUp { have, need } => return Some(Measurement::Uncovered { have, need }),
            // The state says since when.
            Truth::Failing { reason, .. } => reason,
            Truth::Fresh => "not a number".to_owned(),
            truth @ (Truth::Stale { .. }
            | Truth::Absent
            | Truth::NotExposed
            | Truth::NeverPolled
            | Truth::NotRead { .. }
            | Truth::ProvesNothing { .. }) => truth.words(moment.at.boot),
        };
        let why = absent.map_or_else(|| format!("{selector}: {why}"), str::to_owned);
        Some(Measurement::Missing { why, lack })
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
