//! Conditions have three values: a branch, a verification or a precondition is true, false or *unknown*.
//!
//! Unknown passes no verification, selects no branch and cures nothing. An empty answer, NaN, a stale or missing
//! operand, and a range that is not yet covered are all unknown.

use serde::{Deserialize, Serialize};

use super::eval::{Value, evaluate_strictly};
use super::node::{Node, Operator, OperatorKind};
use super::truth::{Operand, nothing_measured, operands};
use super::{Expr, ExprError};
use crate::base::At;
use crate::model::{Scope, Store, Truth};

/// An expression whose comparisons are written with `bool`.
#[derive(Clone, Debug)]
pub struct Condition {
    expr: Expr,
}

/// What a condition says now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    True,
    False,
    /// Can not be told, and why.
    Unknown(String),
}

impl Condition {
    /// Parses, and holds the expression to the rules of conditions.
    ///
    /// # Errors
    /// As [`Expr::parse`]; a comparison without `bool`; an expression that is no comparison.
    pub fn parse(source: &str) -> Result<Condition, ExprError> {
        let expr = Expr::parse(source)?;
        compares_with_bool(expr.node())?;
        is_condition(expr.node())?;
        Ok(Condition { expr })
    }

    #[must_use]
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// Judges the condition. All elements of a vector answer must agree: any NaN or an empty answer is unknown, a
    /// single zero is false.
    #[must_use]
    pub fn judge(&self, store: &Store, scope: &Scope, at: At) -> Verdict {
        let operands = operands(&self.expr, store, scope, at);
        if let Some(why) = Operand::worst(&operands).and_then(|worst| worst.why(at.boot)) {
            return Verdict::Unknown(why);
        }
        match evaluate_strictly(&self.expr, store, scope, at.wall) {
            Err(error) => Verdict::Unknown(error.to_string()),
            Ok(Value::Scalar(value)) => judged([(String::new(), value)]),
            Ok(Value::Vector(samples)) if samples.is_empty() => {
                let excused = nothing_measured(&self.expr, &operands).and_then(|operand| operand.excused.clone());
                Verdict::Unknown(excused.unwrap_or(Truth::Absent).words(at.boot))
            }
            Ok(Value::Vector(samples)) => {
                judged(samples.iter().map(|sample| (format!(" for {}", sample.labels), sample.value)))
            }
        }
    }
}

/// True where no value is zero. NaN anywhere makes it unknown: what was not measured can not be outvoted.
fn judged(values: impl IntoIterator<Item = (String, f64)>) -> Verdict {
    let mut verdict = Verdict::True;
    for (of, value) in values {
        if value.is_nan() {
            return Verdict::Unknown(format!("the answer{of} is not a number"));
        }
        if value == 0.0 {
            verdict = Verdict::False;
        }
    }
    verdict
}

fn compares_with_bool(node: &Node) -> Result<(), ExprError> {
    if let Node::Binary(binary) = node {
        match binary.operator.kind() {
            OperatorKind::Comparison if !binary.returns_bool => {
                return Err(ExprError::NotBool { comparison: binary.operator.symbol().to_owned() });
            }
            OperatorKind::Set => {
                return Err(ExprError::SetInCondition { operator: binary.operator.symbol().to_owned() });
            }
            OperatorKind::Comparison | OperatorKind::Arithmetic => {}
        }
    }
    node.parts().into_iter().try_for_each(compares_with_bool)
}

/// A comparison, or `*`, `+`, `-` over conditions and numbers: and, or, not.
fn is_condition(node: &Node) -> Result<(), ExprError> {
    let plain = || Err(ExprError::NotACondition { yields: node.yields().to_owned() });
    let Node::Binary(binary) = node else { return plain() };
    if binary.operator.compares() {
        return Ok(());
    }
    if !matches!(binary.operator, Operator::Add | Operator::Subtract | Operator::Multiply) {
        return plain();
    }
    match (&binary.left, &binary.right) {
        (Node::Number(_), other) | (other, Node::Number(_)) => is_condition(other),
        (left, right) => {
            is_condition(left)?;
            is_condition(right)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fixture::World;
    use super::*;

    #[test]
    fn only_comparisons_with_bool_are_conditions() {
        let check = |source: &str, want: Result<(), &str>| {
            let got = Condition::parse(source).map(|_| ()).map_err(|error| error.to_string());
            match want {
                Ok(()) => assert_eq!(got, Ok(()), "{source}"),
                Err(part) => assert!(got.as_ref().is_err_and(|error| error.contains(part)), "{source}: {got:?}"),
            }
        };
        check("x > bool 5", Ok(()));
        check("(x > bool 5) * (rate(y[5m]) == bool 0)", Ok(()));
        check("(x > bool 5) + (y > bool 1) - (z > bool 1)", Ok(()));
        check("1 - (x > bool 5)", Ok(()));
        check("(x + y) / 2 > bool 5", Ok(()));
        check("x > 5", Err("write > bool"));
        check("(x != 5) > bool 1", Err("write != bool"));
        check("(x > bool 5) * (y <= 2)", Err("write <= bool"));
        check("x", Err("plain vector"));
        check("1", Err("plain scalar"));
        check("time() + 1", Err("plain scalar"));
        check("rate(x[5m])", Err("plain vector"));
        check("(x > bool 5) * y", Err("plain vector"));
        check("(x > bool 5) / (y > bool 1)", Err("plain vector"));
        check("-(x > bool 5)", Err("plain vector"));
        check("1 + 1", Err("plain scalar"));
        check("sum(x) > bool 1", Ok(()));
        check("sum(x > 1) > bool 1", Err("write > bool"));
        check("(x > bool 1) and (y > bool 1)", Err("can not be made with and"));
        check("(x > bool 1) * count(y or z)", Err("can not be made with or"));
    }

    fn judge(world: &World, source: &str, second: i64) -> Verdict {
        let condition = Condition::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        condition.judge(&world.store, &Scope::Fleet, world.at(second))
    }

    fn check(world: &World, source: &str, second: i64, want: Result<bool, &str>) {
        let want = match want {
            Ok(true) => Verdict::True,
            Ok(false) => Verdict::False,
            Err(why) => Verdict::Unknown(why.to_owned()),
        };
        assert_eq!(judge(world, source, second), want, "{source} at {second} s");
    }

    #[test]
    fn what_is_measured_is_true_or_false() {
        let mut world = World::new(&["a/e/s"]);
        for second in [0, 10, 20] {
            world.row("a/e/s", second, &[("x{node=a}", 6.0), ("x{node=b}", 4.0), ("y{node=a}", second as f64)]);
        }
        check(&world, "1 < bool 2", 20, Ok(true));
        check(&world, "time() < bool 2", 20, Ok(false));
        check(&world, "x > bool 3", 20, Ok(true));
        check(&world, "x > bool 5", 20, Ok(false));
        check(&world, "x{node='a'} > bool 5", 20, Ok(true));
        check(&world, "(x > bool 3) * (x < bool 7)", 20, Ok(true));
        check(&world, "(x > bool 5) + (x < bool 5)", 20, Ok(true));
        check(&world, "1 - (x > bool 10)", 20, Ok(true));
        check(&world, "increase(y[20s]) > bool 0", 20, Ok(true));
        check(&world, "increase(y[20s]) == bool 0", 20, Ok(false));
    }

    #[test]
    fn what_is_not_measured_is_unknown() {
        let mut world = World::new(&["a/e/s"]);
        for second in [0, 10, 20] {
            world.row_without(
                "a/e/s",
                second,
                &[("x{node=a}", 6.0), ("x{node=b}", 4.0), ("y{node=a}", 1.0), ("odd", f64::NAN)],
                &["z"],
            );
        }
        check(&world, "w > bool 1", 20, Err("w: absent"));
        check(&world, "z > bool 1", 20, Err("z: not exposed"));
        check(&world, "(x > bool 1) * (z > bool 1)", 20, Err("z: not exposed"));
        check(&world, "(x + w) > bool 1", 20, Err("w: absent"));
        check(&world, "1 - (w > bool 1)", 20, Err("w: absent"));
        // Prometheus answers 0 and 1 here: neither is a measurement.
        check(&world, "odd > bool 1", 20, Err("odd: not a number"));
        check(&world, "odd != bool 1", 20, Err("odd: not a number"));
        check(&world, "1 - (odd > bool 1)", 20, Err("odd: not a number"));
        check(&world, "0 / 0 == bool 1", 20, Err("the answer is not a number"));
        check(&world, "y / 0 - y / 0 < bool 1", 20, Err(r#"the answer for {node="a"} is not a number"#));
        // Node b has no y, so that nothing is known of b.
        check(&world, "x > bool y", 20, Err(r#"no series on the right of > has the labels {node="b"}"#));
        check(&world, "y < bool x", 20, Err(r#"no series on the left of < has the labels {node="b"}"#));
        check(&world, "rate(y[5m]) == bool 0", 20, Err("y[5m]: warming up (20s of 5m 00s)"));
        check(&world, "x > bool 1", 53, Err("x: stale 33s"));
        world.refused("a/e/s", 30);
        check(&world, "x > bool 1", 31, Err("x: connection refused: nothing listens there, for 1s"));
        check(&world, "up == bool 0", 31, Ok(true));
        check(&World::new(&["a/e/s"]), "x > bool 1", 0, Err("x: not polled yet"));
    }

    #[test]
    fn a_range_that_was_observed_is_judged() {
        let mut world = World::new(&["a/e/s"]);
        world.keep(&["total"], Duration::from_secs(600));
        for second in (0..=600).step_by(10) {
            world.row("a/e/s", second, &[("total", 5.0)]);
        }
        check(&world, "rate(total[10m]) == bool 0", 580, Err("total[10m]: warming up (9m 40s of 10m 00s)"));
        check(&world, "rate(total[10m]) == bool 0", 590, Ok(true));
        check(&world, "rate(total[10m]) == bool 0", 600, Ok(true));
    }

    #[test]
    fn a_fork_is_told_only_by_two_fresh_answers_about_one_height() {
        // As the page of the sources has it.
        let forked = "max by (target) (hash) - min by (target) (hash) \
            + 0 / (max by (target) (h) == bool min by (target) (h)) + 0 / (count by (target) (hash) > bool 1) > bool 0";
        let world = |nodes: &[(&str, f64, f64)]| {
            let mut world = World::new(&["a/e/s", "b/e/s", "c/e/s"]);
            for (source, height, hash) in nodes {
                let of = |name: &str| format!("{name}{{target=t,node={}}}", &source[..1]);
                world.row(source, 0, &[(of("h").as_str(), *height), (of("hash").as_str(), *hash)]);
            }
            world
        };
        let check_all = |nodes: &[(&str, f64, f64)], want: Option<bool>| {
            let verdict = judge(&world(nodes), forked, 1);
            match want {
                Some(true) => assert_eq!(verdict, Verdict::True, "{nodes:?}"),
                Some(false) => assert_eq!(verdict, Verdict::False, "{nodes:?}"),
                None => assert!(matches!(verdict, Verdict::Unknown(_)), "{nodes:?}: {verdict:?}"),
            }
        };
        let (one, other) = (0x7c8e_b387 as f64, 0x4dd1_c71b as f64);
        check_all(&[("a/e/s", 3.0, one), ("b/e/s", 3.0, one), ("c/e/s", 3.0, one)], Some(false));
        check_all(&[("a/e/s", 3.0, one), ("b/e/s", 3.0, one), ("c/e/s", 3.0, other)], Some(true));
        check_all(&[("a/e/s", 3.0, one), ("b/e/s", 4.0, other), ("c/e/s", 3.0, one)], None);
        check_all(&[("a/e/s", 3.0, one), ("b/e/s", 3.0, one)], None);
        check_all(&[("a/e/s", 3.0, one)], None);
        let mut silent = world(&[("a/e/s", 3.0, one), ("b/e/s", 3.0, one), ("c/e/s", 3.0, one)]);
        silent.refused("c/e/s", 1);
        assert!(matches!(judge(&silent, forked, 2), Verdict::Unknown(_)), "one of them does not answer");
    }
}
