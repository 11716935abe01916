//! The number that a condition compares an expression with: where a chart draws its threshold.

use promql_parser::parser::{self, token};

use super::Expr;

/// The number, where `condition` compares exactly `of` with one: 60 for `age > bool 60` and `age`.
#[must_use]
pub fn limit(condition: &Expr, of: &Expr) -> Option<f64> {
    let of = parser::parse(of.source()).ok()?;
    let parser::Expr::Binary(binary) = plain(parser::parse(condition.source()).ok()?) else { return None };
    if ![token::T_GTR, token::T_LSS, token::T_GTE, token::T_LTE].contains(&binary.op.id()) {
        return None;
    }
    let (left, right) = (plain(*binary.lhs), plain(*binary.rhs));
    let (compared, number) = match (left, right) {
        (compared, parser::Expr::NumberLiteral(number)) | (parser::Expr::NumberLiteral(number), compared) => {
            (compared, number.val)
        }
        _neither => return None,
    };
    (compared == plain(of)).then_some(number)
}

/// Without the parentheses around it.
fn plain(expr: parser::Expr) -> parser::Expr {
    match expr {
        parser::Expr::Paren(inner) => plain(*inner.expr),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_what_the_expression_is_compared_with() {
        let check = |condition: &str, of: &str, want: Option<f64>| {
            let parse = |source: &str| Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(limit(&parse(condition), &parse(of)), want, "{condition}");
        };
        check("age > bool 60", "age", Some(60.0));
        check("60 < bool age", "age", Some(60.0));
        check("rate(x[5m]) >= bool 0.5", "rate(x[5m])", Some(0.5));
        check("a / (b + 1) < bool 2", "a / (b + 1)", Some(2.0));
        check("age > bool 60", "height", None);
        check("up == bool 0", "up", None);
        check("age > bool height", "age", None);
        check("age", "age", None);
        check("(age) > bool 60", "(age)", Some(60.0));
        check("sum(rate(x[5m])) > bool 2", "sum(rate(x[5m]))", Some(2.0));
        check("sum(rate(x[5m])) > bool 2", "sum(rate(x[1m]))", None);
    }
}
