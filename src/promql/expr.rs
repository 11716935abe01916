//! Expressions that were checked: parsed, and made only of constructs this evaluator gives Prometheus' meaning.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use promql_parser::parser;

use super::compile::Compiler;
use super::dialect::Dialect;
use super::node::{Node, Selector};
use super::scan::scan;
use crate::base::time::spoken;
use crate::model::Retention;

/// A checked expression with its source text.
#[derive(Clone, Debug)]
pub struct Expr {
    source: Arc<str>,
    checked: Arc<Checked>,
}

#[derive(Debug)]
struct Checked {
    node: Node,
    dialect: Dialect,
    selectors: Vec<Arc<Selector>>,
    names: BTreeSet<Arc<str>>,
    longest_range: Duration,
    unnamed: Option<(Arc<str>, Duration)>,
}

/// An expression that can not be used, with the construct that is the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    #[error("not PromQL: {detail}")]
    Syntax { detail: String },
    #[error("{construct} is not supported")]
    Unsupported { construct: String },
    /// Only where the console keeps the samples: see [`Expr::parse`].
    #[error(
        "{selector} looks {} back and has no metric name: samples that no expression names are kept for {}; name the metric",
        spoken(*range), spoken(*kept)
    )]
    Unnamed { selector: String, range: Duration, kept: Duration },
    #[error(
        "a condition compares with bool: write {comparison} bool, so that false is a measurement and not an empty answer"
    )]
    NotBool { comparison: String },
    #[error("a condition can not be made with {operator}: multiply comparisons for and, add them for or")]
    SetInCondition { operator: String },
    #[error("a condition must be a comparison or arithmetic over comparisons; this yields a plain {yields}")]
    NotACondition { yields: String },
}

impl Expr {
    /// Parses and checks, with the meaning that Prometheus 3 gives it, for a store that lives: one that keeps a whole
    /// range only for the series that an expression names.
    ///
    /// # Errors
    /// As [`Expr::parse_as`]; a selector without a metric name that looks further back than such series are kept.
    pub fn parse(source: &str) -> Result<Expr, ExprError> {
        let expr = Expr::parse_as(source, Dialect::V3)?;
        expr.within(Retention::default().rest)?;
        Ok(expr)
    }

    /// Parses and checks, with the meaning of this Prometheus, whatever a store keeps.
    ///
    /// # Errors
    /// Bad syntax; a construct that is not supported, or a function that this Prometheus does not have, named.
    pub fn parse_as(source: &str, dialect: Dialect) -> Result<Expr, ExprError> {
        scan(source, dialect)?;
        let compiler = Compiler { dialect };
        let renamed = compiler.renamed(source)?;
        let parsed = parser::parse(&renamed).map_err(|detail| ExprError::Syntax { detail })?;
        Expr::checked(source, compiler, &parsed)
    }

    /// The tree that the parser made of it.
    pub(super) fn parsed(&self) -> Result<parser::Expr, ExprError> {
        let renamed = Compiler { dialect: self.dialect() }.renamed(&self.source)?;
        parser::parse(&renamed).map_err(|detail| ExprError::Syntax { detail })
    }

    /// A part of such a tree as an expression of its own.
    pub(super) fn of_parsed(parsed: &parser::Expr, dialect: Dialect) -> Result<Expr, ExprError> {
        Expr::checked(&parsed.to_string(), Compiler { dialect }, parsed)
    }

    fn checked(source: &str, compiler: Compiler, parsed: &parser::Expr) -> Result<Expr, ExprError> {
        let node = compiler.node(parsed)?;
        let mut selectors = Vec::new();
        node.selectors(&mut |selector| selectors.push(Arc::clone(selector)));
        let names = selectors.iter().filter_map(|selector| selector.name.clone()).collect();
        let longest_range = selectors.iter().map(|selector| selector.looks_back()).max().unwrap_or_default();
        let unnamed = selectors.iter().filter(|selector| selector.name.is_none());
        let unnamed = unnamed.map(|selector| (Arc::clone(&selector.text), selector.looks_back()));
        let unnamed = unnamed.max_by_key(|(_, back)| *back).filter(|(_, back)| !back.is_zero());
        let checked = Checked { node, dialect: compiler.dialect, selectors, names, longest_range, unnamed };
        Ok(Expr { source: Arc::from(source), checked: Arc::new(checked) })
    }

    /// The Prometheus whose meaning it has.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.checked.dialect
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

    /// How far back from now it looks: ranges, offsets and subqueries together. Zero where it looks at the present.
    #[must_use]
    pub fn longest_range(&self) -> Duration {
        self.checked.longest_range
    }

    /// How far back those of its selectors look that have no metric name, where they look back at all: a store that
    /// lives can not know that it has to keep their series.
    #[must_use]
    pub fn unnamed_range(&self) -> Option<Duration> {
        self.checked.unnamed.as_ref().map(|(_, range)| *range)
    }

    /// Whether what is kept for this long without a name is all that it needs.
    ///
    /// # Errors
    /// The selector that looks further back.
    pub fn within(&self, kept: Duration) -> Result<(), ExprError> {
        match &self.checked.unnamed {
            Some((selector, range)) if *range > kept => {
                Err(ExprError::Unnamed { selector: selector.to_string(), range: *range, kept })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Every selector in it, left to right.
    #[must_use]
    pub fn selectors(&self) -> &[Arc<Selector>] {
        &self.checked.selectors
    }

    /// Whether every element of its answer has the labels of the series that it comes from, name aside.
    #[must_use]
    pub fn keeps_labels(&self) -> bool {
        self.checked.node.keeps_labels()
    }

    pub(super) fn node(&self) -> &Node {
        &self.checked.node
    }
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
        check("sum by (a) (rate(x[5m])) / on (a) group_left (b) y", &["x", "y"], 300);
        check("max_over_time(rate(x[1m])[5m:30s] offset 1h)", &["x"], 3960);
        check("x offset 5m + x @ 1000 - x @ end()", &["x"], 300);
        check("x and y or z unless w", &["w", "x", "y", "z"], 0);
        check("absent(x{a='b'}) + topk by (c) (3, x atan2 y)", &["x", "y"], 0);
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        let check = |source: &str, want: &str| match Expr::parse(source) {
            Err(ExprError::Unsupported { construct }) => assert_eq!(construct, want, "{source}"),
            other => panic!("{source}: {other:?}"),
        };
        check("limitk(3, x)", "aggregation limitk");
        check("histogram_sum(x)", "function histogram_sum");
        check("info(x)", "function info");
        check("x + fill(0) y", "modifier fill");
        check("x + fill_left(0) y", "modifier fill_left");
        check("x + fill_right(0) y", "modifier fill_right");
        check("x[5m]", "range selector x[5m] without a function over it");
        check("x[5m:1m]", "subquery x[5m:1m] without a function over it");
        check("'text'", "string literal");
        check(r#"{a="b" or c="d"}"#, "or between label matchers");
        check(r#"x{a=~"a**"}"#, r#"regular expression "a**""#);
    }

    #[test]
    fn what_has_no_name_looks_back_no_further_than_it_is_kept() {
        let check = |source: &str, back: Option<u64>, want: Option<&str>| {
            let whole = Expr::parse_as(source, Dialect::V3).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(whole.unnamed_range(), back.map(Duration::from_secs), "{source}");
            match (Expr::parse(source), want) {
                (Ok(_), None) => {}
                (Err(ExprError::Unnamed { selector, kept, .. }), Some(want)) => {
                    assert_eq!((&*selector, kept), (want, Duration::from_secs(300)), "{source}");
                }
                (other, want) => panic!("{source}: {other:?}, not {want:?}"),
            }
        };
        check(r#"{a="b"}"#, None, None);
        check(r#"rate(x[1h]) + {a="b"}"#, None, None);
        check(r#"rate({a="b"}[5m])"#, Some(300), None);
        check(r#"rate({a="b"}[5m1s])"#, Some(301), Some(r#"{a="b"}[5m1s]"#));
        check(r#"{__name__=~"x|y"} offset 6m"#, Some(360), Some(r#"{__name__=~"x|y"} offset 6m"#));
        check(r#"{a="b"} offset -6m"#, None, None);
        check(r#"max_over_time(rate({a="b"}[2m])[4m:])"#, Some(360), Some(r#"{a="b"}[2m]"#));
        check(r#"sum({a="b"} offset 1m) - rate({c="d"}[10m])"#, Some(600), Some(r#"{c="d"}[10m]"#));
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
        for after in ["offset 1e400", "offset 99999999999s", "@ 1e400", "@ 1e30", "@ nan"] {
            check(&format!("x {after}"));
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
