//! The checked tree: only constructs that [`super::eval`] gives Prometheus' meaning.

use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::base::Wall;
use crate::model::Matchers;

/// One construct of a checked expression. Parentheses are gone: the tree itself says what belongs together.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Number(f64),
    /// `time()`
    Time,
    Select(Arc<Selector>),
    Negate(Box<Node>),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    /// A function of every sample of an instant vector, alone.
    Map(MapFunction, Vec<Node>),
    /// A function of the samples in a range, with its numbers.
    Over {
        function: RangeFunction,
        range: Range,
        numbers: Vec<Node>,
    },
    /// `absent(x)` and `absent_over_time(x[5m])`: what is labelled by `labels` where there is nothing.
    Absent {
        of: Box<Node>,
        labels: Vec<(Arc<str>, Arc<str>)>,
    },
    AbsentOver {
        range: Range,
        labels: Vec<(Arc<str>, Arc<str>)>,
    },
    /// `timestamp(x)` of a selector: when its samples were taken. Of anything else, it is a [`MapFunction`].
    Taken(Arc<Selector>),
    /// `scalar(x)`
    Only(Box<Node>),
    /// `vector(1)`
    Vector(Box<Node>),
    HistogramQuantile {
        quantile: Box<Node>,
        buckets: Box<Node>,
    },
    LabelReplace {
        of: Box<Node>,
        replace: Box<LabelReplace>,
    },
    LabelJoin {
        of: Box<Node>,
        target: Arc<str>,
        separator: Arc<str>,
        sources: Vec<Arc<str>>,
    },
    Sort {
        of: Box<Node>,
        by: SortBy,
        descending: bool,
    },
}

#[derive(Clone, Debug)]
pub(super) struct LabelReplace {
    pub target: Arc<str>,
    pub replacement: Arc<str>,
    pub source: Arc<str>,
    pub regex: Regex,
}

#[derive(Clone, Debug)]
pub(super) enum SortBy {
    Value,
    Labels(Vec<Arc<str>>),
}

#[derive(Clone, Debug)]
pub(super) struct Binary {
    pub operator: Operator,
    /// Written with `bool`: 0 or 1 for every element, instead of only the elements that compare.
    pub returns_bool: bool,
    pub matching: Matching,
    pub left: Node,
    pub right: Node,
}

/// How the elements of two vectors find each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Matching {
    pub keys: Keys,
    pub many: Many,
}

/// The labels that two elements must share.
#[derive(Clone, Debug)]
pub(super) enum Keys {
    On(Vec<Arc<str>>),
    /// All but these and the name.
    Ignoring(Vec<Arc<str>>),
}

impl Default for Keys {
    fn default() -> Keys {
        Keys::Ignoring(Vec::new())
    }
}

/// Which side may have several elements for one of the other; with the labels taken over from that other.
#[derive(Clone, Debug, Default)]
pub(super) enum Many {
    #[default]
    Neither,
    Left(Vec<Arc<str>>),
    Right(Vec<Arc<str>>),
}

#[derive(Clone, Debug)]
pub(super) struct Aggregate {
    pub operator: AggregateOperator,
    pub grouping: Grouping,
    pub of: Node,
}

/// The labels that make a group.
#[derive(Clone, Debug)]
pub(super) enum Grouping {
    By(Vec<Arc<str>>),
    /// All but these and the name.
    Without(Vec<Arc<str>>),
}

#[derive(Clone, Debug)]
pub(super) enum AggregateOperator {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Group,
    Stddev,
    Stdvar,
    Quantile(Node),
    Topk(Node),
    Bottomk(Node),
    CountValues(Arc<str>),
}

/// What a range function works on.
#[derive(Clone, Debug)]
pub(super) enum Range {
    Samples(Arc<Selector>),
    Subquery(Arc<Subquery>),
}

/// `inner[range:step]`: the inner expression as a range of its own answers.
#[derive(Clone, Debug)]
pub(super) struct Subquery {
    pub inner: Node,
    pub range: Duration,
    /// The default step of the query where none is written.
    pub step: Option<Duration>,
    pub shift: Shift,
}

/// Which series an operand takes, and over which time.
#[derive(Clone, Debug)]
pub struct Selector {
    /// As the parser writes it back: `x{job="a"}[5m]`.
    pub text: Arc<str>,
    /// The metric name, where the selector demands exactly one.
    pub name: Option<Arc<str>>,
    /// All of them, the name's included.
    pub matchers: Matchers,
    /// Of range selectors only.
    pub range: Option<Duration>,
    pub shift: Shift,
    /// Samples of a series below which there is no answer: 2 for what needs a growth.
    pub least_samples: usize,
    /// An expression such as `absent(x)` or `x or y` has an answer without it.
    pub may_be_absent: bool,
    /// Its being absent is what is asked for, as in `absent(x)`: that nobody looks is then no answer.
    pub is_asked_absent: bool,
    /// How much further back than its own range and shift it looks, because it stands within subqueries.
    pub reach: Duration,
}

impl Selector {
    /// The time that the present means to it. `start()` and `end()` of a single time are that time.
    #[must_use]
    pub fn shifted(&self, now: Wall) -> Wall {
        let at = match self.shift.at {
            Some(Moment::Millis(millis)) => Wall(millis),
            Some(Moment::Start | Moment::End) | None => now,
        };
        Wall(at.0.saturating_sub(self.shift.offset_millis))
    }

    /// How far back from the time of a query its samples lie, at most, where they lie at a distance from it.
    #[must_use]
    pub fn looks_back(&self) -> Duration {
        let offset = Duration::from_millis(u64::try_from(self.shift.offset_millis.max(0)).unwrap_or(0));
        self.range.unwrap_or_default() + offset + self.reach
    }
}

/// `@` and `offset`: another time than the query's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    pub at: Option<Moment>,
    /// Into the past where it is positive.
    pub offset_millis: i64,
}

/// What stands behind `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Start,
    End,
    /// Milliseconds since 1970.
    Millis(i64),
}

/// Functions of one value, with numbers that may change from step to step; `time` functions without an argument are
/// given `vector(time())`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapFunction {
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Clamp,
    ClampMax,
    ClampMin,
    Cos,
    Cosh,
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Deg,
    Exp,
    Floor,
    Hour,
    Ln,
    Log10,
    Log2,
    Minute,
    Month,
    Rad,
    Round,
    Sgn,
    Sin,
    Sinh,
    Sqrt,
    Tan,
    Tanh,
    Timestamp,
    Year,
}

/// Functions of the samples of one series within a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RangeFunction {
    Rate,
    Increase,
    Delta,
    Irate,
    Idelta,
    Deriv,
    PredictLinear,
    DoubleExponentialSmoothing,
    Changes,
    Resets,
    AvgOverTime,
    SumOverTime,
    CountOverTime,
    MinOverTime,
    MaxOverTime,
    LastOverTime,
    PresentOverTime,
    QuantileOverTime,
    StddevOverTime,
    StdvarOverTime,
    MadOverTime,
}

impl MapFunction {
    /// As written.
    pub(super) fn word(self) -> &'static str {
        match self {
            MapFunction::Abs => "abs",
            MapFunction::Acos => "acos",
            MapFunction::Acosh => "acosh",
            MapFunction::Asin => "asin",
            MapFunction::Asinh => "asinh",
            MapFunction::Atan => "atan",
            MapFunction::Atanh => "atanh",
            MapFunction::Ceil => "ceil",
            MapFunction::Clamp => "clamp",
            MapFunction::ClampMax => "clamp_max",
            MapFunction::ClampMin => "clamp_min",
            MapFunction::Cos => "cos",
            MapFunction::Cosh => "cosh",
            MapFunction::DayOfMonth => "day_of_month",
            MapFunction::DayOfWeek => "day_of_week",
            MapFunction::DayOfYear => "day_of_year",
            MapFunction::DaysInMonth => "days_in_month",
            MapFunction::Deg => "deg",
            MapFunction::Exp => "exp",
            MapFunction::Floor => "floor",
            MapFunction::Hour => "hour",
            MapFunction::Ln => "ln",
            MapFunction::Log10 => "log10",
            MapFunction::Log2 => "log2",
            MapFunction::Minute => "minute",
            MapFunction::Month => "month",
            MapFunction::Rad => "rad",
            MapFunction::Round => "round",
            MapFunction::Sgn => "sgn",
            MapFunction::Sin => "sin",
            MapFunction::Sinh => "sinh",
            MapFunction::Sqrt => "sqrt",
            MapFunction::Tan => "tan",
            MapFunction::Tanh => "tanh",
            MapFunction::Timestamp => "timestamp",
            MapFunction::Year => "year",
        }
    }
}

impl RangeFunction {
    /// As written.
    pub(super) fn word(self) -> &'static str {
        match self {
            RangeFunction::Rate => "rate",
            RangeFunction::Increase => "increase",
            RangeFunction::Delta => "delta",
            RangeFunction::Irate => "irate",
            RangeFunction::Idelta => "idelta",
            RangeFunction::Deriv => "deriv",
            RangeFunction::PredictLinear => "predict_linear",
            RangeFunction::DoubleExponentialSmoothing => "double_exponential_smoothing",
            RangeFunction::Changes => "changes",
            RangeFunction::Resets => "resets",
            RangeFunction::AvgOverTime => "avg_over_time",
            RangeFunction::SumOverTime => "sum_over_time",
            RangeFunction::CountOverTime => "count_over_time",
            RangeFunction::MinOverTime => "min_over_time",
            RangeFunction::MaxOverTime => "max_over_time",
            RangeFunction::LastOverTime => "last_over_time",
            RangeFunction::PresentOverTime => "present_over_time",
            RangeFunction::QuantileOverTime => "quantile_over_time",
            RangeFunction::StddevOverTime => "stddev_over_time",
            RangeFunction::StdvarOverTime => "stdvar_over_time",
            RangeFunction::MadOverTime => "mad_over_time",
        }
    }

    /// Whether its answer may keep the name: only what is a sample of the series itself.
    pub(super) fn keeps_name(self) -> bool {
        self == RangeFunction::LastOverTime
    }

    /// Samples of a series below which there is no answer.
    pub(super) fn needs_samples(self) -> usize {
        match self {
            RangeFunction::Rate
            | RangeFunction::Increase
            | RangeFunction::Delta
            | RangeFunction::Irate
            | RangeFunction::Idelta
            | RangeFunction::Deriv
            | RangeFunction::PredictLinear
            | RangeFunction::DoubleExponentialSmoothing => 2,
            RangeFunction::Changes
            | RangeFunction::Resets
            | RangeFunction::AvgOverTime
            | RangeFunction::SumOverTime
            | RangeFunction::CountOverTime
            | RangeFunction::MinOverTime
            | RangeFunction::MaxOverTime
            | RangeFunction::LastOverTime
            | RangeFunction::PresentOverTime
            | RangeFunction::QuantileOverTime
            | RangeFunction::StddevOverTime
            | RangeFunction::StdvarOverTime
            | RangeFunction::MadOverTime => 1,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    And,
    Or,
    Unless,
}

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OperatorKind {
    Arithmetic,
    Comparison,
    Set,
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
            Operator::Atan2 => "atan2",
            Operator::Equal => "==",
            Operator::NotEqual => "!=",
            Operator::Greater => ">",
            Operator::Less => "<",
            Operator::GreaterOrEqual => ">=",
            Operator::LessOrEqual => "<=",
            Operator::And => "and",
            Operator::Or => "or",
            Operator::Unless => "unless",
        }
    }

    pub(super) fn kind(self) -> OperatorKind {
        match self {
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo
            | Operator::Power
            | Operator::Atan2 => OperatorKind::Arithmetic,
            Operator::Equal
            | Operator::NotEqual
            | Operator::Greater
            | Operator::Less
            | Operator::GreaterOrEqual
            | Operator::LessOrEqual => OperatorKind::Comparison,
            Operator::And | Operator::Or | Operator::Unless => OperatorKind::Set,
        }
    }

    pub(super) fn compares(self) -> bool {
        self.kind() == OperatorKind::Comparison
    }
}

impl Node {
    /// The type of its answer.
    pub(super) fn yields(&self) -> &'static str {
        match self {
            Node::Number(_) | Node::Time | Node::Only(_) => "scalar",
            Node::Select(_)
            | Node::Aggregate(_)
            | Node::Map(..)
            | Node::Over { .. }
            | Node::Absent { .. }
            | Node::AbsentOver { .. }
            | Node::Taken(_)
            | Node::Vector(_)
            | Node::HistogramQuantile { .. }
            | Node::LabelReplace { .. }
            | Node::LabelJoin { .. }
            | Node::Sort { .. } => "vector",
            Node::Negate(inner) => inner.yields(),
            Node::Binary(binary) => match binary.left.yields() {
                "vector" => "vector",
                _ => binary.right.yields(),
            },
        }
    }

    /// What it is made of, left to right.
    pub(super) fn parts(&self) -> Vec<&Node> {
        match self {
            Node::Number(_) | Node::Time | Node::Select(_) | Node::Taken(_) => Vec::new(),
            Node::Negate(of) | Node::Only(of) | Node::Vector(of) => vec![of],
            Node::Binary(binary) => vec![&binary.left, &binary.right],
            Node::Aggregate(aggregate) => match &aggregate.operator {
                AggregateOperator::Quantile(number)
                | AggregateOperator::Topk(number)
                | AggregateOperator::Bottomk(number) => vec![number, &aggregate.of],
                AggregateOperator::Sum
                | AggregateOperator::Avg
                | AggregateOperator::Min
                | AggregateOperator::Max
                | AggregateOperator::Count
                | AggregateOperator::Group
                | AggregateOperator::Stddev
                | AggregateOperator::Stdvar
                | AggregateOperator::CountValues(_) => vec![&aggregate.of],
            },
            Node::Map(_, of) => of.iter().collect(),
            Node::Over { range, numbers, .. } => range.parts().into_iter().chain(numbers).collect(),
            Node::AbsentOver { range, .. } => range.parts(),
            Node::Absent { of, .. }
            | Node::LabelReplace { of, .. }
            | Node::LabelJoin { of, .. }
            | Node::Sort { of, .. } => vec![of],
            Node::HistogramQuantile { quantile, buckets } => vec![quantile, buckets],
        }
    }

    /// The selector that it is, if it is one or a function right over one.
    fn selector(&self) -> Option<&Arc<Selector>> {
        match self {
            Node::Select(selector) | Node::Taken(selector) => Some(selector),
            Node::Over { range: Range::Samples(selector), .. }
            | Node::AbsentOver { range: Range::Samples(selector), .. } => Some(selector),
            Node::Number(_)
            | Node::Time
            | Node::Negate(_)
            | Node::Binary(_)
            | Node::Aggregate(_)
            | Node::Map(..)
            | Node::Over { .. }
            | Node::Absent { .. }
            | Node::AbsentOver { .. }
            | Node::Only(_)
            | Node::Vector(_)
            | Node::HistogramQuantile { .. }
            | Node::LabelReplace { .. }
            | Node::LabelJoin { .. }
            | Node::Sort { .. } => None,
        }
    }

    /// Calls `see` with every selector, left to right.
    pub(super) fn selectors<'a>(&'a self, see: &mut dyn FnMut(&'a Arc<Selector>)) {
        if let Some(selector) = self.selector() {
            see(selector);
        }
        for part in self.parts() {
            part.selectors(see);
        }
    }

    /// Lets `change` change every selector.
    pub(super) fn change_selectors(&mut self, change: &mut dyn FnMut(&mut Selector)) {
        match self {
            Node::Number(_) | Node::Time => {}
            Node::Select(selector) | Node::Taken(selector) => change(Arc::make_mut(selector)),
            Node::Negate(of) | Node::Only(of) | Node::Vector(of) => of.change_selectors(change),
            Node::Binary(binary) => {
                binary.left.change_selectors(change);
                binary.right.change_selectors(change);
            }
            Node::Aggregate(aggregate) => {
                match &mut aggregate.operator {
                    AggregateOperator::Quantile(number)
                    | AggregateOperator::Topk(number)
                    | AggregateOperator::Bottomk(number) => number.change_selectors(change),
                    AggregateOperator::Sum
                    | AggregateOperator::Avg
                    | AggregateOperator::Min
                    | AggregateOperator::Max
                    | AggregateOperator::Count
                    | AggregateOperator::Group
                    | AggregateOperator::Stddev
                    | AggregateOperator::Stdvar
                    | AggregateOperator::CountValues(_) => {}
                }
                aggregate.of.change_selectors(change);
            }
            Node::Map(_, of) => of.iter_mut().for_each(|of| of.change_selectors(change)),
            Node::Over { range, numbers, .. } => {
                range.change_selectors(change);
                numbers.iter_mut().for_each(|number| number.change_selectors(change));
            }
            Node::AbsentOver { range, .. } => range.change_selectors(change),
            Node::Absent { of, .. }
            | Node::LabelReplace { of, .. }
            | Node::LabelJoin { of, .. }
            | Node::Sort { of, .. } => of.change_selectors(change),
            Node::HistogramQuantile { quantile, buckets } => {
                quantile.change_selectors(change);
                buckets.change_selectors(change);
            }
        }
    }

    /// Whether every element of its answer has the labels of the series that it comes from, name aside: then the
    /// truth of an element is that of the series with its labels, and else that of all of them together.
    pub(super) fn keeps_labels(&self) -> bool {
        let here = match self {
            Node::Number(_) | Node::Time | Node::Select(_) | Node::Taken(_) | Node::Negate(_) | Node::Map(..) => true,
            Node::Over { range, .. } => matches!(range, Range::Samples(_)),
            Node::Sort { .. } => true,
            Node::Binary(binary) => {
                binary.operator.kind() != OperatorKind::Set
                    && matches!(&binary.matching, Matching { keys: Keys::Ignoring(labels), many: Many::Neither } if labels.is_empty())
            }
            Node::Aggregate(_)
            | Node::Absent { .. }
            | Node::AbsentOver { .. }
            | Node::Only(_)
            | Node::Vector(_)
            | Node::HistogramQuantile { .. }
            | Node::LabelReplace { .. }
            | Node::LabelJoin { .. } => false,
        };
        here && self.parts().into_iter().all(Node::keeps_labels)
    }
}

impl Range {
    pub(super) fn change_selectors(&mut self, change: &mut dyn FnMut(&mut Selector)) {
        match self {
            Range::Samples(selector) => change(Arc::make_mut(selector)),
            Range::Subquery(subquery) => Arc::make_mut(subquery).inner.change_selectors(change),
        }
    }

    fn parts(&self) -> Vec<&Node> {
        match self {
            Range::Samples(_) => Vec::new(),
            Range::Subquery(subquery) => vec![&subquery.inner],
        }
    }

    pub(super) fn duration(&self) -> Duration {
        match self {
            Range::Samples(selector) => selector.range.unwrap_or_default(),
            Range::Subquery(subquery) => subquery.range,
        }
    }

    pub(super) fn shift(&self) -> Shift {
        match self {
            Range::Samples(selector) => selector.shift,
            Range::Subquery(subquery) => subquery.shift,
        }
    }
}
