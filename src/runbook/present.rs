//! The present, as runbooks and panels may look at it.

use std::collections::BTreeMap;

use super::machine::Look;
use super::tree::{ConditionPlan, ReadingPlan};
use crate::base::{At, TargetId};
use crate::model::{Reading, Scope, Store, Truth};
use crate::promql::{self, Condition, Expr, Value, Verdict};

/// One target's series at one moment.
pub struct Present<'a> {
    store: &'a Store,
    scope: Scope,
    at: At,
}

impl<'a> Present<'a> {
    #[must_use]
    pub fn new(store: &'a Store, target: &TargetId, at: At) -> Present<'a> {
        Present { store, scope: Scope::Target(target.clone()), at }
    }

    /// The value of an expression that yields one number, with its truth. Several series are no single number: then
    /// the value is missing, never the first of them. Where a source fell silent, the value is that of its last answer.
    #[must_use]
    pub fn reading(&self, expr: &Expr) -> Reading {
        let truth = promql::truth(expr, self.store, &self.scope, self.at);
        let measured = promql::measured_until(expr, self.store, &self.scope, self.at).unwrap_or(self.at.wall);
        let value = match promql::evaluate(expr, self.store, &self.scope, measured) {
            Ok(Value::Scalar(value)) => Some(value),
            Ok(Value::Vector(samples)) => match samples.as_slice() {
                [only] => Some(only.value),
                [] | [_, _, ..] => None,
            },
            Err(_) => None,
        };
        match (value, truth) {
            (None, Truth::Fresh) => Reading { value: None, truth: Truth::Absent },
            (value, truth) => Reading { value, truth },
        }
    }

    /// Values for the verification to compare with.
    ///
    /// # Errors
    /// A value that is not fresh or not a number, by name and in words.
    pub fn capture(&self, wanted: &[(String, String)]) -> Result<BTreeMap<String, f64>, String> {
        let mut captured = BTreeMap::new();
        for (name, expr) in wanted {
            let expr = Expr::parse(expr).map_err(|error| format!("{name}: {error}"))?;
            match self.reading(&expr) {
                Reading { value: Some(value), truth: Truth::Fresh } if value.is_finite() => {
                    captured.insert(name.clone(), value);
                }
                Reading { truth, .. } => {
                    let words = truth.words(self.at.boot);
                    let words = if words.is_empty() { "not a number".to_owned() } else { words };
                    return Err(format!("{name} ({}) can not be measured now: {words}", expr.source()));
                }
            }
        }
        Ok(captured)
    }
}

impl Look for Present<'_> {
    fn read(&self, plan: &ReadingPlan) -> Reading {
        match Expr::parse(&plan.expr) {
            Ok(expr) => self.reading(&expr),
            // A run frozen by another version may hold what this one can not evaluate.
            Err(_) => Reading { value: None, truth: Truth::NotExposed },
        }
    }

    fn judge(&self, plan: &ConditionPlan) -> Verdict {
        match Condition::parse(&plan.expr) {
            Ok(condition) => condition.judge(self.store, &self.scope, self.at),
            Err(error) => Verdict::Unknown(error.to_string()),
        }
    }
}
