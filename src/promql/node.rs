//! The checked tree: only constructs that [`super::eval`] gives Prometheus' meaning.

use std::sync::Arc;
use std::time::Duration;

use crate::model::Matcher;

/// One construct of a checked expression. Parentheses are gone: the tree itself says what belongs together.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Number(f64),
    /// `time()`
    Time,
    Select(Arc<Selector>),
    /// `rate` or `increase` over a selector that has a range.
    Over(RangeFunction, Arc<Selector>),
    Negate(Box<Node>),
    Binary {
        operator: Operator,
        /// Written with `bool`: 0 or 1 for every element, instead of only the elements that compare.
        returns_bool: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
}

impl Node {
    /// The type of its answer.
    pub(super) fn yields(&self) -> &'static str {
        match self {
            Node::Number(_) | Node::Time => "scalar",
            Node::Select(_) | Node::Over(..) => "vector",
            Node::Negate(inner) => inner.yields(),
            Node::Binary { left, right, .. } => {
                if left.yields() == "vector" {
                    "vector"
                } else {
                    right.yields()
                }
            }
        }
    }

    /// Calls `see` with every selector, left to right.
    pub(super) fn selectors<'a>(&'a self, see: &mut dyn FnMut(&'a Arc<Selector>)) {
        match self {
            Node::Number(_) | Node::Time => {}
            Node::Select(selector) | Node::Over(_, selector) => see(selector),
            Node::Negate(inner) => inner.selectors(see),
            Node::Binary { left, right, .. } => {
                left.selectors(see);
                right.selectors(see);
            }
        }
    }
}

/// Which series an operand takes, and over which time.
#[derive(Clone, Debug)]
pub struct Selector {
    /// As the parser writes it back: `x{job="a"}[5m]`.
    pub text: Arc<str>,
    /// The metric name, where the selector demands exactly one.
    pub name: Option<Arc<str>>,
    /// All of them, the name's included.
    pub matchers: Vec<Matcher>,
    /// Only for operands of `rate` and `increase`.
    pub range: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeFunction {
    Rate,
    Increase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
}

impl Operator {
    /// As written.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Modulo => "%",
            Operator::Power => "^",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Greater => ">",
            Operator::Less => "<",
            Operator::GreaterOrEqual => ">=",
            Operator::LessOrEqual => "<=",
        }
    }

    pub(super) fn compares(self) -> bool {
        match self {
            Operator::Equal
            | Operator::NotEqual
            | Operator::Greater
            | Operator::Less
            | Operator::GreaterOrEqual
            | Operator::LessOrEqual => true,
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo
            | Operator::Power => false,
        }
    }
}
