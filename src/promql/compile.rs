//! From the parser's tree to the checked one: whatever has no meaning here is refused by name.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use promql_parser::label::{MatchOp as ParsedMatchOp, Matchers};
use promql_parser::parser::{
    self, AtModifier, BinModifier, Expr as Parsed, LabelModifier, Offset, VectorMatchCardinality, token,
};

use super::ExprError;
use super::dialect::Dialect;
use super::node::{
    Aggregate, AggregateOperator, Binary, Grouping, Keys, LabelReplace, Many, MapFunction, Matching, Moment, Node,
    Operator, OperatorKind, Range, RangeFunction, Selector, Shift, SortBy, Subquery,
};
use super::pattern::anchored;
use crate::model::labels::NAME;
use crate::model::{MatchOp, Matcher};

/// Compiles for one dialect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compiler {
    pub dialect: Dialect,
}

/// Functions that Prometheus 2 did not have, under the names that 3 gives them.
const ONLY_V3: &[&str] = &["mad_over_time", "sort_by_label", "sort_by_label_desc", "double_exponential_smoothing"];

pub(super) fn unsupported<T>(construct: impl Into<String>) -> Result<T, ExprError> {
    Err(ExprError::Unsupported { construct: construct.into() })
}

fn syntax<T>(detail: impl Into<String>) -> Result<T, ExprError> {
    Err(ExprError::Syntax { detail: detail.into() })
}

impl Compiler {
    /// The source with the one function that changed its name under the name that the parser knows.
    pub(super) fn renamed(self, source: &str) -> Result<String, ExprError> {
        let called = |name: &str| super::scan::calls(source, name);
        match self.dialect {
            Dialect::V3 => Ok(source.to_owned()),
            Dialect::V2 => match ONLY_V3.iter().find(|name| !called(name).is_empty()) {
                Some(name) => unsupported(format!("function {name} in Prometheus 2")),
                None => {
                    let mut renamed = source.to_owned();
                    for at in called("holt_winters").into_iter().rev() {
                        renamed.replace_range(at..at + "holt_winters".len(), "double_exponential_smoothing");
                    }
                    Ok(renamed)
                }
            },
        }
    }

    pub(super) fn node(self, parsed: &Parsed) -> Result<Node, ExprError> {
        match parsed {
            Parsed::NumberLiteral(number) => Ok(Node::Number(number.val)),
            Parsed::Paren(paren) => self.node(&paren.expr),
            Parsed::Unary(unary) => Ok(Node::Negate(Box::new(self.node(&unary.expr)?))),
            Parsed::Binary(binary) => self.binary(binary),
            Parsed::VectorSelector(selector) => Ok(Node::Select(Arc::new(self.selector(selector, None)?))),
            Parsed::Call(call) => self.call(call),
            Parsed::Aggregate(aggregate) => self.aggregate(aggregate),
            Parsed::Subquery(_) => unsupported(format!("subquery {parsed} without a function over it")),
            Parsed::StringLiteral(_) => unsupported("string literal"),
            Parsed::MatrixSelector(matrix) => {
                unsupported(format!("range selector {matrix} without a function over it"))
            }
            Parsed::Extension(extension) => unsupported(format!("extension {}", extension.expr.name())),
        }
    }

    fn binary(self, binary: &parser::BinaryExpr) -> Result<Node, ExprError> {
        let operator = match binary.op.id() {
            token::T_ADD => Operator::Add,
            token::T_SUB => Operator::Subtract,
            token::T_MUL => Operator::Multiply,
            token::T_DIV => Operator::Divide,
            token::T_MOD => Operator::Modulo,
            token::T_POW => Operator::Power,
            token::T_ATAN2 => Operator::Atan2,
            token::T_EQLC => Operator::Equal,
            token::T_NEQ => Operator::NotEqual,
            token::T_GTR => Operator::Greater,
            token::T_LSS => Operator::Less,
            token::T_GTE => Operator::GreaterOrEqual,
            token::T_LTE => Operator::LessOrEqual,
            token::T_LAND => Operator::And,
            token::T_LOR => Operator::Or,
            token::T_LUNLESS => Operator::Unless,
            _ => return unsupported(format!("operator {}", binary.op)),
        };
        let matching = binary.modifier.as_ref().map(matching).transpose()?.unwrap_or_default();
        let (mut left, mut right) = (self.node(&binary.lhs)?, self.node(&binary.rhs)?);
        if operator == Operator::Or {
            may_be_absent(&mut left);
        }
        if matches!(operator, Operator::Or | Operator::Unless) {
            may_be_absent(&mut right);
        }
        if operator.kind() == OperatorKind::Set && (left.yields() == "scalar" || right.yields() == "scalar") {
            return syntax(format!("set operator {} over a scalar", operator.symbol()));
        }
        Ok(Node::Binary(Box::new(Binary { operator, returns_bool: binary.return_bool(), matching, left, right })))
    }

    fn aggregate(self, aggregate: &parser::AggregateExpr) -> Result<Node, ExprError> {
        let number = || match aggregate.param.as_deref() {
            Some(param) => self.node(param),
            None => syntax(format!("{} without its number", aggregate.op)),
        };
        let operator = match aggregate.op.id() {
            token::T_SUM => AggregateOperator::Sum,
            token::T_AVG => AggregateOperator::Avg,
            token::T_MIN => AggregateOperator::Min,
            token::T_MAX => AggregateOperator::Max,
            token::T_COUNT => AggregateOperator::Count,
            token::T_GROUP => AggregateOperator::Group,
            token::T_STDDEV => AggregateOperator::Stddev,
            token::T_STDVAR => AggregateOperator::Stdvar,
            token::T_QUANTILE => AggregateOperator::Quantile(number()?),
            token::T_TOPK => AggregateOperator::Topk(number()?),
            token::T_BOTTOMK => AggregateOperator::Bottomk(number()?),
            token::T_COUNT_VALUES => {
                let Some(label) = aggregate.param.as_deref().and_then(string) else {
                    return syntax("count_values without its label");
                };
                AggregateOperator::CountValues(label_name(label, "count_values")?)
            }
            _ => return unsupported(format!("aggregation {}", aggregate.op)),
        };
        let grouping = match &aggregate.modifier {
            None => Grouping::By(Vec::new()),
            Some(LabelModifier::Include(labels)) => Grouping::By(names(&labels.labels)),
            Some(LabelModifier::Exclude(labels)) => Grouping::Without(names(&labels.labels)),
        };
        let of = self.node(&aggregate.expr)?;
        Ok(Node::Aggregate(Box::new(Aggregate { operator, grouping, of })))
    }

    fn call(self, call: &parser::Call) -> Result<Node, ExprError> {
        let name = call.func.name;
        if let Some(function) = map_function(name) {
            return self.map(function, call);
        }
        if let Some(function) = range_function(name) {
            return self.over(function, call);
        }
        let args = &call.args.args;
        let arg = |at: usize| match args.get(at) {
            Some(arg) => self.node(arg).map(Box::new),
            None => syntax(format!("{name} without its argument")),
        };
        let text = |at: usize| match args.get(at).and_then(|arg| string(arg)) {
            Some(text) => Ok(text),
            None => syntax(format!("{name} without its text")),
        };
        match name {
            "time" => Ok(Node::Time),
            "pi" => Ok(Node::Number(std::f64::consts::PI)),
            "scalar" => Ok(Node::Only(arg(0)?)),
            "vector" => Ok(Node::Vector(arg(0)?)),
            "absent" => {
                let labels = args.first().map(|arg| absent_labels(arg)).unwrap_or_default();
                let mut of = arg(0)?;
                of.change_selectors(&mut asked_absent);
                Ok(Node::Absent { of, labels })
            }
            "absent_over_time" => {
                let labels = args.first().map(|arg| absent_labels(arg)).unwrap_or_default();
                let mut range = self.range(name, args.first().map(|arg| &**arg))?;
                range.change_selectors(&mut asked_absent);
                Ok(Node::AbsentOver { range, labels })
            }
            "timestamp" => Ok(match *arg(0)? {
                Node::Select(selector) => Node::Taken(selector),
                other => Node::Map(MapFunction::Timestamp, vec![other]),
            }),
            "histogram_quantile" => Ok(Node::HistogramQuantile { quantile: arg(0)?, buckets: arg(1)? }),
            "sort" => Ok(Node::Sort { of: arg(0)?, by: SortBy::Value, descending: false }),
            "sort_desc" => Ok(Node::Sort { of: arg(0)?, by: SortBy::Value, descending: true }),
            "sort_by_label" | "sort_by_label_desc" => {
                let labels = (1..args.len()).map(|at| text(at).map(Arc::from)).collect::<Result<_, _>>()?;
                Ok(Node::Sort { of: arg(0)?, by: SortBy::Labels(labels), descending: name.ends_with("desc") })
            }
            "label_replace" => {
                let replace = LabelReplace {
                    target: label_name(text(1)?, name)?,
                    replacement: Arc::from(text(2)?),
                    source: Arc::from(text(3)?),
                    regex: anchored(text(4)?, self.dialect)?,
                };
                Ok(Node::LabelReplace { of: arg(0)?, replace: Box::new(replace) })
            }
            "label_join" => {
                let sources =
                    (3..args.len()).map(|at| label_name(text(at)?, name)).collect::<Result<Vec<_>, ExprError>>()?;
                let target = label_name(text(1)?, name)?;
                Ok(Node::LabelJoin { of: arg(0)?, target, separator: Arc::from(text(2)?), sources })
            }
            name => unsupported(format!("function {name}")),
        }
    }

    fn map(self, function: MapFunction, call: &parser::Call) -> Result<Node, ExprError> {
        let mut args = call.args.args.iter().map(|arg| self.node(arg)).collect::<Result<Vec<_>, _>>()?;
        if args.is_empty() {
            // The functions of time alone may be called so.
            args.push(Node::Vector(Box::new(Node::Time)));
        }
        Ok(Node::Map(function, args))
    }

    fn over(self, function: RangeFunction, call: &parser::Call) -> Result<Node, ExprError> {
        let args = &call.args.args;
        // quantile_over_time has its number first, the others behind.
        let at = usize::from(function == RangeFunction::QuantileOverTime);
        let mut range = self.range(call.func.name, args.get(at).map(|arg| &**arg))?;
        if let Range::Samples(selector) = &mut range {
            Arc::make_mut(selector).least_samples = function.needs_samples();
        }
        let others = args.iter().enumerate().filter(|(place, _)| *place != at);
        let numbers = others.map(|(_, arg)| self.node(arg)).collect::<Result<Vec<_>, _>>()?;
        Ok(Node::Over { function, range, numbers })
    }

    fn range(self, function: &str, operand: Option<&Parsed>) -> Result<Range, ExprError> {
        match operand.map(bare) {
            Some(Parsed::MatrixSelector(matrix)) => {
                let selector = self.selector(&matrix.vs, Some((matrix.range, matrix.to_string())))?;
                Ok(Range::Samples(Arc::new(selector)))
            }
            Some(Parsed::Subquery(subquery)) => {
                let shift = shift(subquery.offset.as_ref(), subquery.at.as_ref())?;
                let mut inner = self.node(&subquery.expr)?;
                let back = Duration::from_millis(u64::try_from(shift.offset_millis.max(0)).unwrap_or(0));
                reach(&mut inner, subquery.range + back);
                let subquery = Subquery { inner, range: subquery.range, step: subquery.step, shift };
                Ok(Range::Subquery(Arc::new(subquery)))
            }
            Some(_) | None => unsupported(format!("function {function} over something other than a range")),
        }
    }

    fn selector(
        self,
        selector: &parser::VectorSelector,
        range: Option<(Duration, String)>,
    ) -> Result<Selector, ExprError> {
        let mut matchers = Vec::new();
        if let Some(name) = &selector.name {
            matchers.push(Matcher::equal(NAME, name));
        }
        matchers.extend(self.matchers(&selector.matchers)?);
        let name = matchers.iter().find_map(Matcher::exact_name).filter(|name| !name.is_empty()).map(Arc::from);
        let (range, text) = match range {
            Some((range, text)) => (Some(range), text),
            None => (None, selector.to_string()),
        };
        let shift = shift(selector.offset.as_ref(), selector.at.as_ref())?;
        Ok(Selector {
            text: Arc::from(text),
            name,
            matchers: crate::model::Matchers::new(matchers),
            range,
            shift,
            least_samples: 1,
            may_be_absent: false,
            is_asked_absent: false,
            reach: Duration::ZERO,
        })
    }

    fn matchers(self, matchers: &Matchers) -> Result<Vec<Matcher>, ExprError> {
        if !matchers.or_matchers.is_empty() {
            return unsupported("or between label matchers");
        }
        let compiled = matchers.matchers.iter().map(|matcher| {
            let value = matcher.value.as_str();
            let op = match &matcher.op {
                ParsedMatchOp::Equal => MatchOp::Equal(Arc::from(value)),
                ParsedMatchOp::NotEqual => MatchOp::NotEqual(Arc::from(value)),
                ParsedMatchOp::Re(_) => MatchOp::Regex(anchored(value, self.dialect)?),
                ParsedMatchOp::NotRe(_) => MatchOp::NotRegex(anchored(value, self.dialect)?),
            };
            Ok(Matcher { name: Arc::from(matcher.name.as_str()), op })
        });
        compiled.collect()
    }
}

/// Without the parentheses around it.
fn bare(parsed: &Parsed) -> &Parsed {
    match parsed {
        Parsed::Paren(paren) => bare(&paren.expr),
        other => other,
    }
}

fn string(parsed: &Parsed) -> Option<&str> {
    match bare(parsed) {
        Parsed::StringLiteral(literal) => Some(&literal.val),
        _ => None,
    }
}

fn names(labels: &[String]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = labels.iter().map(|label| Arc::from(label.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn label_name(name: &str, of: &str) -> Result<Arc<str>, ExprError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.chars().all(plain) && name.starts_with(|c: char| !c.is_ascii_digit()) {
        Ok(Arc::from(name))
    } else {
        syntax(format!("{name:?} is not a label name, in {of}"))
    }
}

fn matching(modifier: &BinModifier) -> Result<Matching, ExprError> {
    match (modifier.fill_values.lhs, modifier.fill_values.rhs) {
        (None, None) => {}
        (Some(_), None) => return unsupported("modifier fill_left"),
        (None, Some(_)) => return unsupported("modifier fill_right"),
        (Some(_), Some(_)) => return unsupported("modifier fill"),
    }
    let keys = match &modifier.matching {
        Some(LabelModifier::Include(labels)) => Keys::On(names(&labels.labels)),
        Some(LabelModifier::Exclude(labels)) => Keys::Ignoring(names(&labels.labels)),
        None => Keys::default(),
    };
    let many = match &modifier.card {
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => Many::Neither,
        VectorMatchCardinality::ManyToOne(labels) => Many::Left(names(&labels.labels)),
        VectorMatchCardinality::OneToMany(labels) => Many::Right(names(&labels.labels)),
    };
    Ok(Matching { keys, many })
}

fn shift(offset: Option<&Offset>, at: Option<&AtModifier>) -> Result<Shift, ExprError> {
    let millis = |duration: &Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    let offset_millis = match offset {
        None => 0,
        Some(Offset::Pos(duration)) => millis(duration),
        Some(Offset::Neg(duration)) => -millis(duration),
    };
    let at = match at {
        None => None,
        Some(AtModifier::Start) => Some(Moment::Start),
        Some(AtModifier::End) => Some(Moment::End),
        Some(AtModifier::At(time)) => Some(Moment::Millis(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => millis(&after),
            Err(before) => -millis(&before.duration()),
        })),
    };
    Ok(Shift { at, offset_millis })
}

/// Lets every selector within a subquery look back as far as the subquery asks it to.
fn reach(node: &mut Node, by: Duration) {
    node.change_selectors(&mut |selector| selector.reach += by);
}

/// An answer is there without any of these.
fn may_be_absent(node: &mut Node) {
    node.change_selectors(&mut |selector| selector.may_be_absent = true);
}

/// Its absence is the answer.
fn asked_absent(selector: &mut Selector) {
    (selector.may_be_absent, selector.is_asked_absent) = (true, true);
}

/// The labels that `absent` can tell from its argument: what an equality matcher says, unless another matcher of the
/// same label comes after it. That is the order in which Prometheus reads them, too.
fn absent_labels(parsed: &Parsed) -> Vec<(Arc<str>, Arc<str>)> {
    let selector = match bare(parsed) {
        Parsed::VectorSelector(selector) => selector,
        Parsed::MatrixSelector(matrix) => &matrix.vs,
        _ => return Vec::new(),
    };
    let mut told: Vec<(Arc<str>, Arc<str>)> = Vec::new();
    let mut equalled: Vec<&str> = Vec::new();
    for matcher in selector.matchers.matchers.iter().filter(|matcher| matcher.name != NAME) {
        let name = matcher.name.as_str();
        if matcher.op == ParsedMatchOp::Equal && !equalled.contains(&name) {
            equalled.push(name);
            told.push((Arc::from(name), Arc::from(matcher.value.as_str())));
        } else {
            told.retain(|(have, _)| **have != *name);
        }
    }
    told
}

fn map_function(name: &str) -> Option<MapFunction> {
    Some(match name {
        "abs" => MapFunction::Abs,
        "acos" => MapFunction::Acos,
        "acosh" => MapFunction::Acosh,
        "asin" => MapFunction::Asin,
        "asinh" => MapFunction::Asinh,
        "atan" => MapFunction::Atan,
        "atanh" => MapFunction::Atanh,
        "ceil" => MapFunction::Ceil,
        "clamp" => MapFunction::Clamp,
        "clamp_max" => MapFunction::ClampMax,
        "clamp_min" => MapFunction::ClampMin,
        "cos" => MapFunction::Cos,
        "cosh" => MapFunction::Cosh,
        "day_of_month" => MapFunction::DayOfMonth,
        "day_of_week" => MapFunction::DayOfWeek,
        "day_of_year" => MapFunction::DayOfYear,
        "days_in_month" => MapFunction::DaysInMonth,
        "deg" => MapFunction::Deg,
        "exp" => MapFunction::Exp,
        "floor" => MapFunction::Floor,
        "hour" => MapFunction::Hour,
        "ln" => MapFunction::Ln,
        "log10" => MapFunction::Log10,
        "log2" => MapFunction::Log2,
        "minute" => MapFunction::Minute,
        "month" => MapFunction::Month,
        "rad" => MapFunction::Rad,
        "round" => MapFunction::Round,
        "sgn" => MapFunction::Sgn,
        "sin" => MapFunction::Sin,
        "sinh" => MapFunction::Sinh,
        "sqrt" => MapFunction::Sqrt,
        "tan" => MapFunction::Tan,
        "tanh" => MapFunction::Tanh,
        "year" => MapFunction::Year,
        _ => return None,
    })
}

fn range_function(name: &str) -> Option<RangeFunction> {
    Some(match name {
        "rate" => RangeFunction::Rate,
        "increase" => RangeFunction::Increase,
        "delta" => RangeFunction::Delta,
        "irate" => RangeFunction::Irate,
        "idelta" => RangeFunction::Idelta,
        "deriv" => RangeFunction::Deriv,
        "predict_linear" => RangeFunction::PredictLinear,
        "double_exponential_smoothing" => RangeFunction::DoubleExponentialSmoothing,
        "changes" => RangeFunction::Changes,
        "resets" => RangeFunction::Resets,
        "avg_over_time" => RangeFunction::AvgOverTime,
        "sum_over_time" => RangeFunction::SumOverTime,
        "count_over_time" => RangeFunction::CountOverTime,
        "min_over_time" => RangeFunction::MinOverTime,
        "max_over_time" => RangeFunction::MaxOverTime,
        "last_over_time" => RangeFunction::LastOverTime,
        "present_over_time" => RangeFunction::PresentOverTime,
        "quantile_over_time" => RangeFunction::QuantileOverTime,
        "stddev_over_time" => RangeFunction::StddevOverTime,
        "stdvar_over_time" => RangeFunction::StdvarOverTime,
        "mad_over_time" => RangeFunction::MadOverTime,
        _ => return None,
    })
}
