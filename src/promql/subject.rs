//! What the value of a condition counts: the series whose unit it has, where that can be told; and what functions make
//! of it where they make something else.

use std::sync::Arc;

use promql_parser::parser::{self, token};

use super::Expr;

/// Functions whose answer is in the unit of what they are given.
const KEEPS_UNIT: [&str; 12] = [
    "abs",
    "avg_over_time",
    "ceil",
    "clamp_max",
    "clamp_min",
    "floor",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "quantile_over_time",
    "round",
    "scalar",
];

/// What the value of an expression or a condition counts, as far as its form tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// The series whose unit it has, where that can be told.
    pub subject: Option<Arc<str>>,
    /// What its functions make of that series, where that is something else.
    pub made: Option<Made>,
    /// The number that a condition compares it with.
    pub threshold: Option<f64>,
}

impl Counted {
    #[must_use]
    pub fn of(expr: &Expr) -> Counted {
        let Ok(parsed) = parser::parse(expr.source()) else { return Counted::default() };
        Counted { subject: of(&parsed), made: made_of(&parsed), threshold: threshold_of(&parsed) }
    }
}

/// What the functions of an expression make of what they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// How often something happened within a range.
    Events,
    PerSecond,
    /// One value divided by another, or what is left of one: compared with 1 or less, it is a share.
    Part,
    /// The mean of its series: of one that says yes or no, it is a share.
    Mean,
    /// The sum of its series: of one that says yes or no, it is a number.
    Sum,
    /// How long ago something was.
    Age,
    /// Something else than its series count: the number of them, or a value that is reckoned with.
    Number,
}

fn threshold_of(mut at: &parser::Expr) -> Option<f64> {
    loop {
        at = match plain(at) {
            parser::Expr::Binary(binary) if compares(binary) => {
                return match plain(&binary.rhs) {
                    parser::Expr::NumberLiteral(number) => Some(number.val),
                    _no_number => None,
                };
            }
            parser::Expr::Binary(binary) if keeps_left(binary) || binary.op.id() == token::T_LOR => &binary.lhs,
            _compares_nothing => return None,
        };
    }
}

fn made_of(expr: &parser::Expr) -> Option<Made> {
    match expr {
        parser::Expr::Paren(inner) => made_of(&inner.expr),
        parser::Expr::Unary(inner) => made_of(&inner.expr),
        parser::Expr::Subquery(inner) => made_of(&inner.expr),
        parser::Expr::Binary(binary) => made_of_two(binary),
        parser::Expr::Aggregate(aggregate) => match aggregate.op.id() {
            token::T_AVG => made_of(&aggregate.expr).or(Some(Made::Mean)),
            token::T_COUNT | token::T_COUNT_VALUES | token::T_STDDEV | token::T_STDVAR | token::T_GROUP => {
                Some(Made::Number)
            }
            token::T_SUM => made_of(&aggregate.expr).or(Some(Made::Sum)),
            _picks => made_of(&aggregate.expr),
        },
        parser::Expr::Call(call) => match call.func.name {
            "increase" | "changes" | "resets" => Some(Made::Events),
            "rate" | "irate" => Some(Made::PerSecond),
            "avg_over_time" => Some(Made::Mean),
            "histogram_quantile" => None,
            name if KEEPS_UNIT.contains(&name) => call.args.args.iter().rev().find_map(|argument| made_of(argument)),
            _other => Some(Made::Number),
        },
        parser::Expr::NumberLiteral(_)
        | parser::Expr::StringLiteral(_)
        | parser::Expr::VectorSelector(_)
        | parser::Expr::MatrixSelector(_)
        | parser::Expr::Extension(_) => None,
    }
}

fn is_now(expr: &parser::Expr) -> bool {
    matches!(plain(expr), parser::Expr::Call(call) if call.func.name == "time" && call.args.args.is_empty())
}

fn made_of_two(binary: &parser::BinaryExpr) -> Option<Made> {
    let one = |side: &parser::Expr| matches!(plain(side), parser::Expr::NumberLiteral(number) if number.val == 1.0);
    match binary.op.id() {
        _ if keeps_left(binary) => made_of(&binary.lhs),
        // Either side may be the answer: it is told only where both are made alike.
        token::T_LOR => {
            let (left, right) = (made_of(&binary.lhs), made_of(&binary.rhs));
            if left == right { left } else { Some(Made::Number) }
        }
        token::T_DIV => Some(Made::Part),
        token::T_SUB if one(&binary.lhs) => Some(Made::Part),
        token::T_SUB if is_now(&binary.lhs) => Some(Made::Age),
        token::T_ADD | token::T_SUB => {
            let (left, right) = (made_of(&binary.lhs), made_of(&binary.rhs));
            if left.is_some() && left == right { left } else { Some(Made::Number) }
        }
        _other => Some(Made::Number),
    }
}

/// The name of that series: `age` for `age * (waiting > bool 0) > 60`. Buckets count what they are buckets of.
fn of(expr: &parser::Expr) -> Option<Arc<str>> {
    match expr {
        parser::Expr::Paren(inner) => of(&inner.expr),
        parser::Expr::Unary(inner) => of(&inner.expr),
        parser::Expr::Subquery(inner) => of(&inner.expr),
        parser::Expr::VectorSelector(selector) => selector.name.as_deref().map(Arc::from),
        parser::Expr::MatrixSelector(selector) => selector.vs.name.as_deref().map(Arc::from),
        parser::Expr::Binary(binary) => keeps_left(binary).then(|| of(&binary.lhs)).flatten(),
        parser::Expr::Aggregate(aggregate) => {
            let id = aggregate.op.id();
            let keeps = [
                token::T_SUM,
                token::T_AVG,
                token::T_MIN,
                token::T_MAX,
                token::T_TOPK,
                token::T_BOTTOMK,
                token::T_QUANTILE,
            ];
            keeps.contains(&id).then(|| of(&aggregate.expr)).flatten()
        }
        parser::Expr::Call(call) => {
            let last = call.args.args.iter().rev().find_map(|argument| of(argument));
            match call.func.name {
                "histogram_quantile" => bucketed(&Expr::parse(&call.args.args.get(1)?.to_string()).ok()?),
                name if KEEPS_UNIT.contains(&name) => last,
                _other => None,
            }
        }
        parser::Expr::NumberLiteral(_) | parser::Expr::StringLiteral(_) | parser::Expr::Extension(_) => None,
    }
}

/// What is compared, or kept where something else holds, is still what it was.
fn keeps_left(binary: &parser::BinaryExpr) -> bool {
    let returns_bool = |binary: &parser::BinaryExpr| binary.modifier.as_ref().is_some_and(|by| by.return_bool);
    match binary.op.id() {
        token::T_LAND | token::T_LUNLESS => true,
        token::T_MUL => match plain(&binary.rhs) {
            parser::Expr::Binary(factor) => compares(factor) && returns_bool(factor),
            _other => false,
        },
        _other => compares(binary) && !returns_bool(binary),
    }
}

fn compares(binary: &parser::BinaryExpr) -> bool {
    [token::T_GTR, token::T_LSS, token::T_GTE, token::T_LTE, token::T_EQLC, token::T_NEQ].contains(&binary.op.id())
}

fn plain(expr: &parser::Expr) -> &parser::Expr {
    match expr {
        parser::Expr::Paren(inner) => plain(&inner.expr),
        other => other,
    }
}

fn bucketed(buckets: &Expr) -> Option<Arc<str>> {
    let name = buckets.names().iter().next()?;
    Some(Arc::from(name.strip_suffix("_bucket")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_make_something_else_of_their_series() {
        let check = |source: &str, want: Option<Made>, compared: Option<f64>| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            let counted = Counted::of(&expr);
            assert_eq!((counted.made, counted.threshold), (want, compared), "{source}");
        };
        check("age > 60", None, Some(60.0));
        check("max by (node) (age)", None, None);
        check("sum by (node) (increase(x[5m])) > 0", Some(Made::Events), Some(0.0));
        check("increase(x[5m]) > 0 or increase(y[5m]) > 2", Some(Made::Events), Some(0.0));
        check("increase(x[5m]) > 0 or y == 1", Some(Made::Number), Some(0.0));
        check("rate(x[5m]) > 0.05 and on (target) y > 1", Some(Made::PerSecond), Some(0.05));
        check("rate(x[5m]) / rate(y[5m]) > 0.1", Some(Made::Part), Some(0.1));
        check("1 - good_ratio > 0.05", Some(Made::Part), Some(0.05));
        check("avg by (target) (up) < 0.66", Some(Made::Mean), Some(0.66));
        check("count(up) < 3", Some(Made::Number), Some(3.0));
        check("time() - tick_seconds > on (target) (3 * y)", Some(Made::Age), None);
        check("sum(up) < 3", Some(Made::Sum), Some(3.0));
        check("rate(x[5m]) * 60 > 1", Some(Made::Number), Some(1.0));
        check("max(increase(x[5m])) + max(increase(y[5m]))", Some(Made::Events), None);
        check("queued > on (target) balance", None, None);
    }

    #[test]
    fn a_condition_counts_what_it_compares() {
        let check = |source: &str, want: Option<&str>| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(Counted::of(&expr).subject.as_deref(), want, "{source}");
        };
        check("age > 60", Some("age"));
        check("age{a=\"b\"} offset 5m != 60", Some("age"));
        check("age * (waiting > bool 0) > 60", Some("age"));
        check("(age > 60) and on() (waiting > 0)", Some("age"));
        check("age unless waiting", Some("age"));
        check("max by (node) (max_over_time(age[5m])) >= 60", Some("age"));
        check("histogram_quantile(0.95, sum by (le) (rate(x_seconds_bucket[5m]))) > 2", Some("x_seconds"));
        check("age > bool 60", None);
        check("age / height > 60", None);
        check("age * 2 > 60", None);
        check("rate(x[1m]) > 0.1", None);
        check("count(up) < 3", None);
        check("60 < age", None);
        check("vector(time()) > 1", None);
    }
}
