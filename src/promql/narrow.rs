//! An expression that a server evaluates, kept to the series of one target: matchers written into every selector.

use promql_parser::label::Matcher;
use promql_parser::parser::{self, Expr as Parsed};

use super::ExprError;

/// The expression with these matchers in each of its selectors; they are written as between the braces of one.
///
/// # Errors
/// The expression, or the matchers, are not PromQL.
pub fn narrowed(source: &str, matchers: &str) -> Result<String, ExprError> {
    let syntax = |detail| ExprError::Syntax { detail };
    let mut parsed = parser::parse(source).map_err(syntax)?;
    let matchers = matchers.trim().trim_end_matches(',');
    if !matchers.is_empty() {
        // With a name of its own, so that matchers which may all be empty are a selector too.
        let selector = parser::parse(&format!("narrowed{{{matchers}}}")).map_err(syntax)?;
        let Parsed::VectorSelector(selector) = selector else {
            return Err(syntax(format!("{matchers} are no matchers")));
        };
        narrow(&mut parsed, &selector.matchers.matchers);
    }
    Ok(parsed.to_string())
}

fn narrow(expr: &mut Parsed, more: &[Matcher]) {
    match expr {
        Parsed::Aggregate(aggregate) => {
            narrow(&mut aggregate.expr, more);
            if let Some(param) = &mut aggregate.param {
                narrow(param, more);
            }
        }
        Parsed::Unary(unary) => narrow(&mut unary.expr, more),
        Parsed::Binary(binary) => {
            narrow(&mut binary.lhs, more);
            narrow(&mut binary.rhs, more);
        }
        Parsed::Paren(paren) => narrow(&mut paren.expr, more),
        Parsed::Subquery(subquery) => narrow(&mut subquery.expr, more),
        Parsed::VectorSelector(selector) => selector.matchers.matchers.extend(more.iter().cloned()),
        Parsed::MatrixSelector(selector) => selector.vs.matchers.matchers.extend(more.iter().cloned()),
        Parsed::Call(call) => call.args.args.iter_mut().for_each(|argument| narrow(argument, more)),
        Parsed::NumberLiteral(_) | Parsed::StringLiteral(_) | Parsed::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_selector_is_narrowed_and_nothing_else() {
        let check = |source: &str, matchers: &str, want: &str| {
            assert_eq!(narrowed(source, matchers).as_deref(), Ok(want), "{source}");
        };
        check("up", "job=\"a\"", "up{job=\"a\"}");
        check("up", "", "up");
        check("1 + 2", "job=\"a\"", "1 + 2");
        check("rate(x{y=~\"5..\"}[5m])", "job=\"a\"", "rate(x{job=\"a\",y=~\"5..\"}[5m])");
        check(
            "sum(rate(a[5m])) by (le) / sum(b offset 1m)",
            "job=\"a\",env!=\"x\"",
            "sum by (le) (rate(a{env!=\"x\",job=\"a\"}[5m])) / sum(b{env!=\"x\",job=\"a\"} offset 1m)",
        );
        check("max_over_time((-x)[10m:1m])", "j=\"a\"", "max_over_time((-x{j=\"a\"})[10m:1m])");
        check("topk(3, x) or absent(y)", "j=\"a\"", "topk(3, x{j=\"a\"}) or absent(y{j=\"a\"})");
        assert!(narrowed("rate(a[5m] + b[5m])", "").is_err());
        assert!(narrowed("up", "job=a").is_err());
        assert!(narrowed("up", "} or x{").is_err(), "matchers stay between their braces");
    }
}
