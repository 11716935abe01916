//! Expressions that were checked: parsed, and made only of constructs this evaluator gives Prometheus' meaning.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use promql_parser::label::{MatchOp as ParsedMatchOp, Matchers};
use promql_parser::parser::{self, BinModifier, Expr as Parsed, LabelModifier, VectorMatchCardinality, token};
use regex::Regex;

use super::node::{Node, Operator, RangeFunction, Selector};
use super::scan::scan;
use crate::model::labels::NAME;
use crate::model::{MatchOp, Matcher};

/// A checked expression with its source text.
#[derive(Clone, Debug)]
pub struct Expr {
    source: Arc<str>,
    checked: Arc<Checked>,
}

#[derive(Debug)]
struct Checked {
    node: Node,
    selectors: Vec<Arc<Selector>>,
    names: BTreeSet<Arc<str>>,
    longest_range: Duration,
}

/// An expression that can not be used, with the construct that is the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    #[error("not PromQL: {detail}")]
    Syntax { detail: String },
    #[error("{construct} is not supported")]
    Unsupported { construct: String },
    #[error(
        "a condition compares with bool: write {comparison} bool, so that false is a measurement and not an empty answer"
    )]
    NotBool { comparison: String },
    #[error("a condition must be a comparison or arithmetic over comparisons; this yields a plain {yields}")]
    NotACondition { yields: String },
}

impl Expr {
    /// Parses and checks.
    ///
    /// # Errors
    /// Bad syntax, or a construct that is not supported, named.
    pub fn parse(source: &str) -> Result<Expr, ExprError> {
        scan(source)?;
        let parsed = parser::parse(source).map_err(|detail| ExprError::Syntax { detail })?;
        let node = compile(&parsed)?;
        let mut selectors = Vec::new();
        node.selectors(&mut |selector| selectors.push(Arc::clone(selector)));
        let names = selectors.iter().filter_map(|selector| selector.name.clone()).collect();
        let longest_range = selectors.iter().filter_map(|selector| selector.range).max().unwrap_or_default();
        Ok(Expr { source: Arc::from(source), checked: Arc::new(Checked { node, selectors, names, longest_range }) })
    }

    /// As written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names of all series it selects. A selector without an exact name gives none.
    #[must_use]
    pub fn names(&self) -> &BTreeSet<Arc<str>> {
        &self.checked.names
    }

    /// The longest range of any of its range selectors; zero without one.
    #[must_use]
    pub fn longest_range(&self) -> Duration {
        self.checked.longest_range
    }

    /// Every selector in it, left to right.
    #[must_use]
    pub fn selectors(&self) -> &[Arc<Selector>] {
        &self.checked.selectors
    }

    pub(super) fn node(&self) -> &Node {
        &self.checked.node
    }
}

fn unsupported<T>(construct: impl Into<String>) -> Result<T, ExprError> {
    Err(ExprError::Unsupported { construct: construct.into() })
}

fn compile(parsed: &Parsed) -> Result<Node, ExprError> {
    match parsed {
        Parsed::NumberLiteral(number) => Ok(Node::Number(number.val)),
        Parsed::Paren(paren) => compile(&paren.expr),
        Parsed::Unary(unary) => Ok(Node::Negate(Box::new(compile(&unary.expr)?))),
        Parsed::Binary(binary) => compile_binary(binary),
        Parsed::VectorSelector(selector) => Ok(Node::Select(Arc::new(compile_selector(selector, None)?))),
        Parsed::Call(call) => compile_call(call),
        Parsed::Aggregate(aggregate) => unsupported(format!("aggregation {}", aggregate.op)),
        Parsed::Subquery(_) => unsupported("subquery"),
        Parsed::StringLiteral(_) => unsupported("string literal"),
        Parsed::MatrixSelector(matrix) => {
            unsupported(format!("range selector {matrix} outside of rate() and increase()"))
        }
        Parsed::Extension(extension) => unsupported(format!("extension {}", extension.expr.name())),
    }
}

fn compile_binary(binary: &parser::BinaryExpr) -> Result<Node, ExprError> {
    let operator = match binary.op.id() {
        token::T_ADD => Operator::Add,
        token::T_SUB => Operator::Subtract,
        token::T_MUL => Operator::Multiply,
        token::T_DIV => Operator::Divide,
        token::T_MOD => Operator::Modulo,
        token::T_POW => Operator::Power,
        token::T_EQLC => Operator::Equal,
        token::T_NEQ => Operator::NotEqual,
        token::T_GTR => Operator::Greater,
        token::T_LSS => Operator::Less,
        token::T_GTE => Operator::GreaterOrEqual,
        token::T_LTE => Operator::LessOrEqual,
        _ if binary.op.is_set_operator() => return unsupported(format!("set operator {}", binary.op)),
        _ => return unsupported(format!("operator {}", binary.op)),
    };
    if let Some(modifier) = &binary.modifier {
        check_modifier(modifier)?;
    }
    Ok(Node::Binary {
        operator,
        returns_bool: binary.return_bool(),
        left: Box::new(compile(&binary.lhs)?),
        right: Box::new(compile(&binary.rhs)?),
    })
}

/// Only `bool` may stand beside an operator.
fn check_modifier(modifier: &BinModifier) -> Result<(), ExprError> {
    match modifier.card {
        VectorMatchCardinality::ManyToOne(_) => return unsupported("modifier group_left"),
        VectorMatchCardinality::OneToMany(_) => return unsupported("modifier group_right"),
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => {}
    }
    match modifier.matching {
        Some(LabelModifier::Include(_)) => return unsupported("modifier on"),
        Some(LabelModifier::Exclude(_)) => return unsupported("modifier ignoring"),
        None => {}
    }
    match (modifier.fill_values.lhs, modifier.fill_values.rhs) {
        (None, None) => Ok(()),
        (Some(_), None) => unsupported("modifier fill_left"),
        (None, Some(_)) => unsupported("modifier fill_right"),
        (Some(_), Some(_)) => unsupported("modifier fill"),
    }
}

fn compile_call(call: &parser::Call) -> Result<Node, ExprError> {
    let function = match call.func.name {
        "time" => return Ok(Node::Time),
        "rate" => RangeFunction::Rate,
        "increase" => RangeFunction::Increase,
        name => return unsupported(format!("function {name}")),
    };
    let mut operand = call.args.args.first().map(|first| &**first);
    while let Some(Parsed::Paren(paren)) = operand {
        operand = Some(&paren.expr);
    }
    match operand {
        Some(Parsed::MatrixSelector(matrix)) => {
            let selector = compile_selector(&matrix.vs, Some((matrix.range, matrix.to_string())))?;
            match selector.name {
                Some(_) => Ok(Node::Over(function, Arc::new(selector))),
                // The store keeps a whole range only for series that an expression names.
                None => unsupported(format!("range selector {} without a metric name", selector.text)),
            }
        }
        Some(Parsed::Subquery(_)) => unsupported("subquery"),
        _ => unsupported(format!("function {} over something other than a range selector", call.func.name)),
    }
}

fn compile_selector(
    selector: &parser::VectorSelector,
    range: Option<(Duration, String)>,
) -> Result<Selector, ExprError> {
    if selector.offset.is_some() {
        return unsupported("modifier offset");
    }
    if selector.at.is_some() {
        return unsupported("modifier @");
    }
    let mut matchers = Vec::new();
    if let Some(name) = &selector.name {
        matchers.push(Matcher::equal(NAME, name));
    }
    matchers.extend(compile_matchers(&selector.matchers)?);
    let name = matchers.iter().find_map(|matcher| match &matcher.op {
        MatchOp::Equal(name) if &*matcher.name == NAME && !name.is_empty() => Some(Arc::clone(name)),
        MatchOp::Equal(_) | MatchOp::NotEqual(_) | MatchOp::Regex(_) | MatchOp::NotRegex(_) => None,
    });
    let (range, text) = match range {
        Some((range, text)) => (Some(range), text),
        None => (None, selector.to_string()),
    };
    Ok(Selector { text: Arc::from(text), name, matchers, range })
}

fn compile_matchers(matchers: &Matchers) -> Result<Vec<Matcher>, ExprError> {
    if !matchers.or_matchers.is_empty() {
        return unsupported("or between label matchers");
    }
    matchers
        .matchers
        .iter()
        .map(|matcher| {
            let value = &matcher.value;
            let op = match &matcher.op {
                ParsedMatchOp::Equal => MatchOp::Equal(Arc::from(value.as_str())),
                ParsedMatchOp::NotEqual => MatchOp::NotEqual(Arc::from(value.as_str())),
                ParsedMatchOp::Re(_) => MatchOp::Regex(anchored(value)?),
                ParsedMatchOp::NotRe(_) => MatchOp::NotRegex(anchored(value)?),
            };
            Ok(Matcher { name: Arc::from(matcher.name.as_str()), op })
        })
        .collect()
}

/// As Prometheus reads it: anchored at both ends, and `.` matches a newline too.
fn anchored(pattern: &str) -> Result<Regex, ExprError> {
    let refused = || ExprError::Unsupported { construct: format!("regular expression {pattern:?}") };
    // Inside of a class these are set operations here, and plain characters in Prometheus.
    if pattern.contains('[') && ["&&", "--", "~~"].iter().any(|set| pattern.contains(set)) {
        return Err(refused());
    }
    // Alone first: an unbalanced pattern such as `a)|(b` would otherwise break out of the anchors.
    Regex::new(pattern).map_err(|_| refused())?;
    Regex::new(&format!("^(?s:{pattern})$")).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_supported_parses_and_says_what_it_needs() {
        let check = |source: &str, names: &[&str], range: u64| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(expr.source(), source);
            assert_eq!(expr.names().iter().map(|name| &**name).collect::<Vec<_>>(), names, "{source}");
            assert_eq!(expr.longest_range(), Duration::from_secs(range), "{source}");
        };
        check("1 + 2 * (3 - -4) / 5 % 6 ^ 7", &[], 0);
        check("time()", &[], 0);
        check("up", &["up"], 0);
        check(r#"x{a="1",b!="2",c=~"3|4",d!~"5.*"}"#, &["x"], 0);
        check(r#"{__name__="x",a="1"}"#, &["x"], 0);
        check(r#"{__name__=~"x|y"}"#, &[], 0);
        check("rate(x[5m]) > bool increase((y{a='b'}[1h30m]))", &["x", "y"], 5400);
        check("rate(x[90])", &["x"], 90);
        check("-x # a comment [with] offset 5m", &["x"], 0);
        check("offset > 5", &["offset"], 0);
        check(r#"x{a="y offset 5m [1:2]"}"#, &["x"], 0);
        check("1 == bool 1", &[], 0);
        check("x > 5m", &["x"], 0);
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        let check = |source: &str, want: &str| match Expr::parse(source) {
            Err(ExprError::Unsupported { construct }) => assert_eq!(construct, want, "{source}"),
            other => panic!("{source}: {other:?}"),
        };
        check("sum(x)", "aggregation sum");
        check("topk by (a) (3, x) > 1", "aggregation topk");
        check("1 + count_values('a', x)", "aggregation count_values");
        check("histogram_quantile(0.95, rate(x[5m]))", "function histogram_quantile");
        check("abs(x)", "function abs");
        check("irate(x[5m])", "function irate");
        check("x offset 5m", "modifier offset");
        check("x offset -5m", "modifier offset");
        check("rate(x[5m] offset 1e400)", "modifier offset");
        check("x @ 1000", "modifier @");
        check("rate(x[5m] @ end())", "modifier @");
        check("x and y", "set operator and");
        check("x or y", "set operator or");
        check("x unless y", "set operator unless");
        check("x atan2 y", "operator atan2");
        check("x + on(a) y", "modifier on");
        check("x + ignoring() y", "modifier ignoring");
        check("x + on(a) group_left y", "modifier group_left");
        check("x + on(a) group_right(b) y", "modifier group_right");
        check("x + fill(0) y", "modifier fill");
        check("x + fill_left(0) y", "modifier fill_left");
        check("x + fill_right(0) y", "modifier fill_right");
        check("rate(x[5m:1m])", "subquery");
        check("increase(rate(x[1m])[5m:])", "subquery");
        check("x[5m]", "range selector x[5m] outside of rate() and increase()");
        check("'text'", "string literal");
        check(r#"rate({a="b"}[5m])"#, r#"range selector {a="b"}[5m] without a metric name"#);
        check(r#"{a="b" or c="d"}"#, "or between label matchers");
        check(r#"x{a=~"[a&&b]"}"#, r#"regular expression "[a&&b]""#);
    }

    #[test]
    fn bad_syntax_is_said_and_never_panics() {
        let check = |source: &str| match Expr::parse(source) {
            Err(ExprError::Syntax { detail }) => assert!(!detail.is_empty(), "{source}"),
            other => panic!("{source}: {other:?}"),
        };
        for source in ["", "x y", "x)", "(x", "1 > 2", "rate(x)", "{}", "x{a=~\".*\"", "x{a=~\"(\"}", "foo(x)", "x +"] {
            check(source);
        }
        for range in ["1e400", "NaN", "inf", "0", "", "-5m", "99999999999s", "5m30", "1h99999999999s", "m"] {
            check(&format!("rate(x[{range}])"));
        }
        check("x > 1h99999999999s");
        check(&"(".repeat(9000));
        check(&format!("{}x", "-".repeat(600)));
    }

    #[test]
    fn deep_nesting_within_the_limit_is_taken() {
        let deep = format!("{}x{}", "(".repeat(256), ")".repeat(256));
        assert!(Expr::parse(&deep).is_ok());
        assert!(Expr::parse(&format!("{}x", "-".repeat(512))).is_ok());
    }

    #[test]
    fn a_pattern_can_not_break_out_of_its_anchors() {
        let check = |pattern: &str, value: &str, want: bool| {
            assert_eq!(anchored(pattern).expect(pattern).is_match(value), want, "{pattern} on {value:?}");
        };
        check("a|b", "a", true);
        check("a|b", "ab", false);
        check("a.c", "a\nc", true);
        check("a", "a\n", false);
        check("", "", true);
        assert!(anchored("a)|(b").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "x", "rate", "increase", "time", "(", ")", "[", "]", "{", "}", "5m", "1e400", "0x", "nan", "inf", " ",
                "offset", "@", "start", "end", "bool", "on", "fill", ",", "=", "=~", "!=", "!", "\"", "'", "`", "\\",
                "+", "-", "*", "^", "%", ">", ":", "#", "\n", "é", "0", ".", "sum", "by", "and", "__name__", "99999999999s",
            ]), 0..12)) {
            let _ = Expr::parse(&parts.concat());
        }
    }
}
