//! Instant evaluation with Prometheus 3 semantics: five minutes of lookback, ranges open on the left, extrapolated
//! rates with counter resets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::Expr;
use super::node::{Node, Operator, Selector};
use super::rate;
use crate::base::Wall;
use crate::model::labels::NAME;
use crate::model::{Labels, Scope, SeriesWindow, Store};

/// How old the newest sample of a series may be, as in Prometheus by default.
pub(super) const LOOKBACK: Duration = Duration::from_secs(5 * 60);

/// One element of an instant vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub labels: Arc<Labels>,
    pub value: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Scalar(f64),
    Vector(Vec<Sample>),
}

/// Two vectors that can not be matched one to one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error("several series on the {side} of {operator} have the labels {labels}")]
    ManyToMany { operator: String, side: &'static str, labels: String },
    /// Without their names, two elements are the same.
    #[error("several series have the labels {labels} after {operator}, which drops their names")]
    SameLabels { operator: String, labels: String },
    /// Only where every operand must be there: in conditions.
    #[error("no series on the {side} of {operator} has the labels {labels}")]
    Unmatched { operator: String, side: &'static str, labels: String },
}

/// The value of an expression at a time.
///
/// # Errors
/// A vector match that is not one to one.
pub fn evaluate(expr: &Expr, store: &Store, scope: &Scope, at: Wall) -> Result<Value, EvalError> {
    Evaluation { store, scope, at, strict: false, past: false }.value(expr.node())
}

/// As [`evaluate`], but for charts: where raw samples have had their time, with the last value of each minute of the
/// store's roll-ups.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_past(expr: &Expr, store: &Store, scope: &Scope, at: Wall) -> Result<Value, EvalError> {
    Evaluation { store, scope, at, strict: false, past: true }.value(expr.node())
}

/// As [`evaluate`], but for conditions: an element without a partner is an error, and a comparison with NaN is NaN,
/// where Prometheus leaves the element out or answers 0. Neither may pass for a measurement.
pub(super) fn evaluate_strictly(expr: &Expr, store: &Store, scope: &Scope, at: Wall) -> Result<Value, EvalError> {
    Evaluation { store, scope, at, strict: true, past: false }.value(expr.node())
}

/// The newest sample of each series of a selector, by labels.
pub(super) fn newest(
    selector: &Selector,
    store: &Store,
    scope: &Scope,
    at: Wall,
) -> IndexMap<Arc<Labels>, (Wall, f64)> {
    latest(store.instant(scope, &selector.matchers, at, LOOKBACK))
}

fn latest(found: Vec<(Arc<Labels>, Wall, f64)>) -> IndexMap<Arc<Labels>, (Wall, f64)> {
    let mut newest: IndexMap<Arc<Labels>, (Wall, f64)> = IndexMap::new();
    for (labels, taken, value) in found {
        // Two sources may give one series; the later sample counts.
        let entry = newest.entry(labels).or_insert((taken, value));
        if entry.0 < taken {
            *entry = (taken, value);
        }
    }
    newest
}

/// The samples of each series of a range selector, oldest first, one per time.
pub(super) fn windows(
    selector: &Selector,
    range: Duration,
    store: &Store,
    scope: &Scope,
    at: Wall,
) -> Vec<SeriesWindow> {
    in_order(store.window(scope, &selector.matchers, at.minus(range), at))
}

fn in_order(mut windows: Vec<SeriesWindow>) -> Vec<SeriesWindow> {
    for window in &mut windows {
        if !window.samples.is_sorted_by(|a, b| a.0 < b.0) {
            window.samples.sort_by_key(|(taken, _)| *taken);
            window.samples.dedup_by_key(|(taken, _)| *taken);
        }
    }
    windows
}

struct Evaluation<'a> {
    store: &'a Store,
    scope: &'a Scope,
    at: Wall,
    strict: bool,
    /// Roll-ups may stand for samples that are gone.
    past: bool,
}

impl Evaluation<'_> {
    fn value(&self, node: &Node) -> Result<Value, EvalError> {
        match node {
            Node::Number(number) => Ok(Value::Scalar(*number)),
            Node::Time => Ok(Value::Scalar(self.at.as_seconds())),
            Node::Select(selector) => Ok(Value::Vector(
                self.newest(selector).into_iter().map(|(labels, (_, value))| Sample { labels, value }).collect(),
            )),
            Node::Over(function, selector) => {
                let range = selector.range.unwrap_or(LOOKBACK);
                let samples = self
                    .windows(selector, range)
                    .into_iter()
                    .filter_map(|window| {
                        let value = rate::over(*function, &window.samples, range, self.at)?;
                        Some(Sample { labels: nameless(&window.labels), value })
                    })
                    .collect();
                Ok(Value::Vector(samples))
            }
            Node::Negate(inner) => match self.value(inner)? {
                Value::Scalar(value) => Ok(Value::Scalar(-value)),
                Value::Vector(samples) => {
                    let negated = samples
                        .into_iter()
                        .map(|sample| Sample { labels: nameless(&sample.labels), value: -sample.value });
                    distinct("-", negated.collect())
                }
            },
            Node::Binary { operator, returns_bool, left, right } => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.binary(*operator, *returns_bool, left, right)
            }
        }
    }

    fn newest(&self, selector: &Selector) -> IndexMap<Arc<Labels>, (Wall, f64)> {
        if self.past {
            return latest(self.store.instant_past(self.scope, &selector.matchers, self.at, LOOKBACK));
        }
        newest(selector, self.store, self.scope, self.at)
    }

    fn windows(&self, selector: &Selector, range: Duration) -> Vec<SeriesWindow> {
        if self.past {
            let from = self.at.minus(range);
            return in_order(self.store.window_past(self.scope, &selector.matchers, from, self.at));
        }
        windows(selector, range, self.store, self.scope, self.at)
    }

    fn binary(&self, operator: Operator, returns_bool: bool, left: Value, right: Value) -> Result<Value, EvalError> {
        let drops_name = returns_bool || !operator.compares();
        let named = |labels: &Arc<Labels>| if drops_name { nameless(labels) } else { Arc::clone(labels) };
        let samples: Vec<Sample> = match (left, right) {
            (Value::Scalar(left), Value::Scalar(right)) => {
                // The parser demands bool between scalars, so that there always is a value.
                let value = self.element(operator, true, left, right, left);
                return Ok(Value::Scalar(value.unwrap_or(f64::NAN)));
            }
            (Value::Vector(samples), Value::Scalar(right)) => samples
                .into_iter()
                .filter_map(|sample| {
                    let value = self.element(operator, returns_bool, sample.value, right, sample.value)?;
                    Some(Sample { labels: named(&sample.labels), value })
                })
                .collect(),
            (Value::Scalar(left), Value::Vector(samples)) => samples
                .into_iter()
                .filter_map(|sample| {
                    // A filter keeps the vector's value, on whichever side it stands.
                    let value = self.element(operator, returns_bool, left, sample.value, sample.value)?;
                    Some(Sample { labels: named(&sample.labels), value })
                })
                .collect(),
            (Value::Vector(left), Value::Vector(right)) => {
                return self.matched(operator, returns_bool, &left, &right, named);
            }
        };
        if drops_name { distinct(operator.symbol(), samples) } else { Ok(Value::Vector(samples)) }
    }

    /// One to one, on all labels but the name.
    fn matched(
        &self,
        operator: Operator,
        returns_bool: bool,
        left: &[Sample],
        right: &[Sample],
        named: impl Fn(&Arc<Labels>) -> Arc<Labels>,
    ) -> Result<Value, EvalError> {
        if !self.strict && (left.is_empty() || right.is_empty()) {
            return Ok(Value::Vector(Vec::new()));
        }
        let many = |side, labels: &Labels| EvalError::ManyToMany {
            operator: operator.symbol().to_owned(),
            side,
            labels: labels.to_string(),
        };
        let unmatched = |side, labels: &Labels| EvalError::Unmatched {
            operator: operator.symbol().to_owned(),
            side,
            labels: labels.to_string(),
        };
        let mut partners: HashMap<Arc<Labels>, f64> = HashMap::with_capacity(right.len());
        for sample in right {
            let key = nameless(&sample.labels);
            if partners.contains_key(&key) {
                return Err(many("right", &key));
            }
            partners.insert(key, sample.value);
        }
        let mut answered: HashSet<Arc<Labels>> = HashSet::with_capacity(left.len());
        let mut samples = Vec::new();
        for sample in left {
            let key = nameless(&sample.labels);
            let Some(partner) = partners.get(&key) else {
                if self.strict {
                    return Err(unmatched("right", &key));
                }
                continue;
            };
            let Some(value) = self.element(operator, returns_bool, sample.value, *partner, sample.value) else {
                continue;
            };
            if !answered.insert(Arc::clone(&key)) {
                return Err(many("left", &key));
            }
            samples.push(Sample { labels: named(&sample.labels), value });
        }
        if self.strict
            && let Some(alone) =
                partners.keys().find(|key| !left.iter().any(|sample| nameless(&sample.labels) == **key))
        {
            return Err(unmatched("left", alone));
        }
        Ok(Value::Vector(samples))
    }

    /// The value of one element; nothing where a filter drops it. `kept` is what a filter keeps.
    fn element(&self, operator: Operator, returns_bool: bool, left: f64, right: f64, kept: f64) -> Option<f64> {
        let holds = match operator {
            Operator::Add => return Some(left + right),
            Operator::Subtract => return Some(left - right),
            Operator::Multiply => return Some(left * right),
            Operator::Divide => return Some(left / right),
            Operator::Modulo => return Some(left % right),
            Operator::Power => return Some(left.powf(right)),
            Operator::Equal => left == right,
            Operator::NotEqual => left != right,
            Operator::Greater => left > right,
            Operator::Less => left < right,
            Operator::GreaterOrEqual => left >= right,
            Operator::LessOrEqual => left <= right,
        };
        if self.strict && (left.is_nan() || right.is_nan()) {
            return Some(f64::NAN);
        }
        match (returns_bool, holds) {
            (true, holds) => Some(f64::from(u8::from(holds))),
            (false, true) => Some(kept),
            (false, false) => None,
        }
    }
}

/// The labels without the metric name: what operands are matched on.
pub(super) fn nameless(labels: &Arc<Labels>) -> Arc<Labels> {
    if labels.name().is_empty() { Arc::clone(labels) } else { Arc::new((**labels).clone().without(NAME)) }
}

/// A vector whose elements lost their names, if they still differ.
fn distinct(operator: &str, samples: Vec<Sample>) -> Result<Value, EvalError> {
    let mut seen = HashSet::with_capacity(samples.len());
    let twice = samples.iter().find(|sample| !seen.insert(&sample.labels)).map(|sample| sample.labels.to_string());
    match twice {
        Some(labels) => Err(EvalError::SameLabels { operator: operator.to_owned(), labels }),
        None => Ok(Value::Vector(samples)),
    }
}
