//! What the value of a condition counts: the series whose unit it has, where that can be told.

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

/// The name of that series: `age` for `age * (waiting > bool 0) > 60`. Buckets count what they are buckets of.
#[must_use]
pub fn subject(expr: &Expr) -> Option<Arc<str>> {
    of(&parser::parse(expr.source()).ok()?)
}

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
    fn a_condition_counts_what_it_compares() {
        let check = |source: &str, want: Option<&str>| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(subject(&expr).as_deref(), want, "{source}");
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
