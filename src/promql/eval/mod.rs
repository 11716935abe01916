//! Evaluation with the semantics of Prometheus, for one time or for many steps at once.
//!
//! A node is evaluated once for all steps: its answer is a [`block::Block`], series by series, so that labels are
//! looked at once per series and not once per step. One file per family: [`select`] brings samples in, [`over`] has
//! the functions of a range, [`map`] those of one value, [`key`] finds groups and partners, and [`aggregate`], [`binary`],
//! [`histogram`] and [`labels`] are what their names say.
//!
//! Must never: answer where Prometheus gives an error, or look at more samples than [`MOST_SAMPLES`].

mod aggregate;
mod binary;
mod block;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod changed;
mod histogram;
mod key;
mod labels;
mod map;
mod over;
mod rate;
mod select;
mod window;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::Expr;
use super::dialect::Dialect;
use super::node::{Node, Selector};
use crate::base::Wall;
use crate::base::time::spoken;
use crate::model::{Labels, Scope, SeriesWindow, Store};
pub use block::Steps;
use block::{Block, Tags, is_gone, joined, repeated};

/// How old the newest sample of a series may be, as in Prometheus by default.
pub(super) const LOOKBACK: Duration = Duration::from_secs(5 * 60);
const LOOKBACK_MILLIS: i64 = 5 * 60 * 1000;

/// Samples that one evaluation may touch; Prometheus' own default is the same.
pub const MOST_SAMPLES: usize = 50_000_000;

/// The step of subqueries that have none of their own: Prometheus' default evaluation interval.
const DEFAULT_STEP_MILLIS: i64 = 60_000;

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

/// The answer to a range query: each series with the steps at which it has a value, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    pub series: Vec<SeriesWindow>,
}

/// Why an expression has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    #[error("several series on the {side} of {operator} have the labels {labels}")]
    ManyToMany { operator: String, side: &'static str, labels: String },
    /// Without their names, or with others, two elements are the same.
    #[error("several series have the labels {labels} after {operator}, which changes them")]
    SameLabels { operator: String, labels: String },
    /// Only where every operand must be there: in conditions.
    #[error("no series on the {side} of {operator} has the labels {labels}")]
    Unmatched { operator: String, side: &'static str, labels: String },
    #[error("{function} can not take {value}: it must be {must}")]
    Number { function: &'static str, value: String, must: &'static str },
    /// The store has had what a selector without a name looks back for.
    #[error(
        "{selector} looks {} back and has no metric name: samples that no expression names are kept for {}; name the metric",
        spoken(*range), spoken(*kept)
    )]
    NotKept { selector: String, range: Duration, kept: Duration },
    #[error("it would touch more than {limit} samples; ask for less time, larger steps or fewer series")]
    TooMuch { limit: usize },
}

/// The value of an expression at a time.
///
/// # Errors
/// Where Prometheus gives one, or it would touch too many samples.
pub fn evaluate(expr: &Expr, store: &Store, scope: &Scope, at: Wall) -> Result<Value, EvalError> {
    let left = Cell::new(MOST_SAMPLES);
    Evaluation::new(expr, store, scope, Steps::once(at), &left).value(expr.node())
}

/// As [`evaluate`], for rules that are evaluated at this interval: it is the step of subqueries that have none.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_every(
    expr: &Expr,
    store: &Store,
    scope: &Scope,
    at: Wall,
    interval: Duration,
) -> Result<Value, EvalError> {
    let left = Cell::new(MOST_SAMPLES);
    let evaluation = Evaluation::new(expr, store, scope, Steps::once(at), &left);
    let default_step_millis = i64::try_from(interval.as_millis()).unwrap_or(DEFAULT_STEP_MILLIS).max(1);
    Evaluation { default_step_millis, ..evaluation }.value(expr.node())
}

/// As [`evaluate`], but for conditions: an element without a partner is an error, and a comparison with NaN is NaN,
/// where Prometheus leaves the element out or answers 0. Neither may pass for a measurement.
pub(super) fn evaluate_strictly(expr: &Expr, store: &Store, scope: &Scope, at: Wall) -> Result<Value, EvalError> {
    let left = Cell::new(MOST_SAMPLES);
    let evaluation = Evaluation::new(expr, store, scope, Steps::once(at), &left);
    Evaluation { strict: true, ..evaluation }.value(expr.node())
}

/// The values of an expression at every step.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_range(expr: &Expr, store: &Store, scope: &Scope, steps: Steps) -> Result<Matrix, EvalError> {
    let left = Cell::new(MOST_SAMPLES);
    Evaluation::new(expr, store, scope, steps, &left).matrix(expr)
}

/// As [`evaluate_range`], but for charts: where raw samples have had their time, with the last value of each minute of
/// the store's roll-ups.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_range_past(expr: &Expr, store: &Store, scope: &Scope, steps: Steps) -> Result<Matrix, EvalError> {
    let left = Cell::new(MOST_SAMPLES);
    Evaluation { past: true, ..Evaluation::new(expr, store, scope, steps, &left) }.matrix(expr)
}

/// The samples of each series of a range selector, oldest first, one per time.
pub(super) fn windows(
    selector: &Selector,
    range: Duration,
    store: &Store,
    scope: &Scope,
    at: Wall,
) -> Vec<SeriesWindow> {
    let mut windows = store.window(scope, &selector.matchers, at.minus(range), at);
    for window in &mut windows {
        if !window.samples.is_sorted_by(|a, b| a.0 < b.0) {
            window.samples.sort_by_key(|(taken, _)| *taken);
            window.samples.dedup_by_key(|(taken, _)| *taken);
        }
    }
    windows
}

/// What a node is evaluated with.
#[derive(Clone, Copy)]
struct Evaluation<'a> {
    store: &'a Store,
    scope: &'a Scope,
    /// Of this node; those of the whole query are `query`.
    steps: Steps,
    query: Steps,
    strict: bool,
    /// Roll-ups may stand for samples that are gone.
    past: bool,
    dialect: Dialect,
    default_step_millis: i64,
    left: &'a Cell<usize>,
}

/// The values of a node at every step.
enum Answer {
    Scalars(Vec<f64>),
    Vector(Block),
}

impl<'a> Evaluation<'a> {
    fn new(expr: &Expr, store: &'a Store, scope: &'a Scope, steps: Steps, left: &'a Cell<usize>) -> Evaluation<'a> {
        Evaluation {
            store,
            scope,
            steps,
            query: steps,
            strict: false,
            past: false,
            dialect: expr.dialect(),
            default_step_millis: DEFAULT_STEP_MILLIS,
            left,
        }
    }

    fn matrix(&self, expr: &Expr) -> Result<Matrix, EvalError> {
        let block = self.vector(expr.node())?;
        let series = block.rows().map(|(tags, row)| SeriesWindow {
            labels: tags.clone().into_labels(),
            samples: self.steps.times().zip(row.iter().copied()).filter(|(_, value)| !is_gone(*value)).collect(),
        });
        Ok(Matrix { series: series.collect() })
    }

    fn value(&self, node: &Node) -> Result<Value, EvalError> {
        Ok(match self.answer(node)? {
            Answer::Scalars(values) => Value::Scalar(values.first().copied().unwrap_or(f64::NAN)),
            Answer::Vector(block) => Value::Vector(
                block
                    .rows()
                    .filter(|(_, row)| row.first().is_some_and(|value| !is_gone(*value)))
                    .map(|(tags, row)| Sample { labels: tags.clone().into_labels(), value: row[0] })
                    .collect(),
            ),
        })
    }

    fn answer(&self, node: &Node) -> Result<Answer, EvalError> {
        let vector = |block: Block| Ok(Answer::Vector(block));
        match node {
            Node::Number(number) => Ok(Answer::Scalars(vec![*number; self.steps.count])),
            Node::Time => Ok(Answer::Scalars(self.steps.times().map(Wall::as_seconds).collect())),
            Node::Select(selector) => vector(self.select(selector)?),
            Node::Taken(selector) => vector(self.distinct("timestamp", self.taken(selector)?)?),
            Node::Negate(inner) => Ok(match self.answer(inner)? {
                Answer::Scalars(values) => Answer::Scalars(values.into_iter().map(|value| -value).collect()),
                Answer::Vector(mut block) => {
                    block.values.iter_mut().filter(|value| !is_gone(**value)).for_each(|value| *value = -*value);
                    Answer::Vector(self.never_repeated("-", block.nameless())?)
                }
            }),
            Node::Binary(binary) => self.binary(binary),
            Node::Aggregate(aggregate) => vector(self.aggregate(aggregate)?),
            Node::Map(function, of) => vector(self.map(*function, of)?),
            Node::Over { function, range, numbers } => vector(self.over(*function, range, numbers)?),
            Node::Absent { of, labels } => vector(self.absent(&self.vector(of)?, labels)),
            Node::AbsentOver { range, labels } => vector(self.absent_over(range, labels)?),
            Node::Only(of) => Ok(Answer::Scalars(self.only(&self.vector(of)?))),
            Node::Vector(of) => {
                let mut block = Block::new(self.steps.count);
                block.push(Tags::of(Labels::default()), &self.numbers(of)?);
                vector(block)
            }
            Node::HistogramQuantile { quantile, buckets } => vector(self.histogram_quantile(quantile, buckets)?),
            Node::LabelReplace { of, replace } => vector(self.label_replace(self.vector(of)?, replace)?),
            Node::LabelJoin { of, target, separator, sources } => {
                vector(self.label_join(self.vector(of)?, target, separator, sources)?)
            }
            Node::Sort { of, by, descending } => vector(self.sorted(self.vector(of)?, by, *descending)),
        }
    }

    /// An answer as a vector: a scalar is one without labels.
    fn vector(&self, node: &Node) -> Result<Block, EvalError> {
        Ok(match self.answer(node)? {
            Answer::Vector(block) => block,
            Answer::Scalars(values) => {
                let mut block = Block::new(self.steps.count);
                block.push(Tags::of(Labels::default()), &values);
                block
            }
        })
    }

    /// An answer that the check found to be a scalar, at every step.
    fn numbers(&self, node: &Node) -> Result<Vec<f64>, EvalError> {
        Ok(match self.answer(node)? {
            Answer::Scalars(values) => values,
            Answer::Vector(block) => self.only(&block),
        })
    }

    /// `scalar(x)`: the value of the only element, else NaN.
    fn only(&self, block: &Block) -> Vec<f64> {
        let of_step = |step| {
            let mut present = block.present(step);
            match (present.next(), present.next()) {
                (Some(series), None) => block.row(series)[step],
                (Some(_) | None, _) => f64::NAN,
            }
        };
        (0..self.steps.count).map(of_step).collect()
    }

    fn absent(&self, block: &Block, labels: &[(Arc<str>, Arc<str>)]) -> Block {
        let value = |step| if block.present(step).next().is_none() { 1.0 } else { crate::model::store::GONE };
        self.absence(labels, &(0..self.steps.count).map(value).collect::<Vec<_>>())
    }

    fn absence(&self, labels: &[(Arc<str>, Arc<str>)], values: &[f64]) -> Block {
        let labels = Labels::from_pairs(labels.iter().map(|(name, value)| (&**name, &**value)));
        let mut block = Block::new(self.steps.count);
        block.push(Tags::of(labels), values);
        block.without_empty()
    }

    /// A vector whose elements changed their labels, if they still differ.
    fn distinct(&self, operator: &str, block: Block) -> Result<Block, EvalError> {
        joined(block)
            .map_err(|labels| EvalError::SameLabels { operator: operator.to_owned(), labels: labels.to_string() })
    }

    /// As [`Evaluation::distinct`], for what Prometheus computes series by series and not step by step: two series of
    /// the same labels are an error even where no step has both.
    fn never_repeated(&self, operator: &str, block: Block) -> Result<Block, EvalError> {
        let block = block.without_empty();
        match repeated(&block) {
            None => Ok(block),
            Some(labels) => Err(EvalError::SameLabels { operator: operator.to_owned(), labels: labels.to_string() }),
        }
    }

    /// Counts samples that are touched.
    fn spend(&self, samples: usize) -> Result<(), EvalError> {
        match self.left.get().checked_sub(samples) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(EvalError::TooMuch { limit: MOST_SAMPLES }),
        }
    }
}
