//! The present, as runbooks and panels may look at it.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::Look;
use super::tree::{Accepts, ConditionPlan, ReadingPlan};
use crate::base::{At, TargetId};
use crate::model::{Reading, Scope, Store, Truth};
use crate::promql::truth::{nothing_measured, operands};
use crate::promql::{self, Condition, Expr, Value, Verdict};
use crate::sources::jq;

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
        let operands = operands(expr, self.store, &self.scope, self.at);
        let truth = operands.iter().fold(Truth::Fresh, |worst, operand| worst.worst(operand.truth.clone()));
        let silent = || promql::measured_until(expr, self.store, &self.scope, self.at);
        let measured = if truth.is_fresh() { self.at.wall } else { silent().unwrap_or(self.at.wall) };
        let value = match promql::evaluate(expr, self.store, &self.scope, measured) {
            Ok(Value::Scalar(value)) => Some(value),
            Ok(Value::Vector(samples)) => match samples.as_slice() {
                [only] => Some(only.value),
                [] | [_, _, ..] => None,
            },
            Err(_) => None,
        };
        match (value, truth) {
            (None, Truth::Fresh) => {
                let excused = nothing_measured(expr, &operands).and_then(|operand| operand.excused.clone());
                Reading { value: None, truth: excused.unwrap_or(Truth::Absent) }
            }
            (value, truth) => Reading { value, truth },
        }
    }

    /// What an answer may be now, in order; nothing where anything of its kind may be given.
    ///
    /// # Errors
    /// It is not known now, and why.
    pub fn choices(&self, accepts: &Accepts) -> Result<Option<Vec<String>>, String> {
        match accepts {
            Accepts::Text | Accepts::Integer { .. } => Ok(None),
            Accepts::OneOf(known) => Ok(Some(known.clone())),
            Accepts::LabelValues { expr, label } => self.label_values(expr, label).map(Some),
            Accepts::Document { name, jq } => self.in_document(name, jq).map(Some),
        }
    }

    /// The values that a label has in the answer to an expression, each once.
    ///
    /// # Errors
    /// The answer is not known now, and why.
    pub fn label_values(&self, expr: &str, label: &str) -> Result<Vec<String>, String> {
        let parsed = Expr::parse(expr).map_err(|error| error.to_string())?;
        match promql::truth(&parsed, self.store, &self.scope, self.at) {
            Truth::Fresh => {}
            truth => return Err(format!("{expr} can not be measured now: {}", truth.words(self.at.boot))),
        }
        match promql::evaluate(&parsed, self.store, &self.scope, self.at.wall) {
            Ok(Value::Vector(samples)) => {
                let values = samples.iter().map(|sample| sample.labels.get(label)).filter(|value| !value.is_empty());
                Ok(values.map(str::to_owned).collect::<BTreeSet<String>>().into_iter().collect())
            }
            Ok(Value::Scalar(_)) => Err(format!("{expr} has no labels")),
            Err(error) => Err(format!("{expr}: {error}")),
        }
    }

    /// The texts and numbers that a filter finds in a document: one, or the elements of one list.
    fn in_document(&self, name: &str, filter: &str) -> Result<Vec<String>, String> {
        let Scope::Target(target) = &self.scope else { return Err(format!("{name:?} is a document of one target")) };
        let (document, _) = self.store.document(target, name).ok_or(format!("there is no document {name:?} yet"))?;
        let input = jq::Json::from_value(&document.json).map_err(|error| error.to_string())?;
        let found = jq::Filter::compile(filter, &[])?.first(&input, &[]).map_err(|error| error.to_string())?;
        let plain = |value: &serde_json::Value| match value {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => None,
        };
        Ok(match found.map(|found| found.to_value()) {
            Some(serde_json::Value::Array(items)) => items.iter().filter_map(plain).collect(),
            Some(single) => plain(&single).into_iter().collect(),
            None => Vec::new(),
        })
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
