//! The number that a condition compares an expression with: where a chart draws its threshold.

use super::Expr;
use super::node::{Node, Operator};

/// The number, where `condition` compares exactly `of` with one: 60 for `age > bool 60` and `age`.
#[must_use]
pub fn limit(condition: &Expr, of: &Expr) -> Option<f64> {
    let Node::Binary { operator, left, right, .. } = condition.node() else { return None };
    let ordered = match operator {
        Operator::Greater | Operator::Less | Operator::GreaterOrEqual | Operator::LessOrEqual => true,
        // Equal to a number is a state and not a threshold.
        Operator::Equal | Operator::NotEqual => false,
        Operator::Add
        | Operator::Subtract
        | Operator::Multiply
        | Operator::Divide
        | Operator::Modulo
        | Operator::Power => false,
    };
    let (compared, number) = match (&**left, &**right) {
        (compared, Node::Number(number)) | (Node::Number(number), compared) => (compared, *number),
        _neither => return None,
    };
    (ordered && same(compared, of.node())).then_some(number)
}

fn same(left: &Node, right: &Node) -> bool {
    match (left, right) {
        (Node::Number(left), Node::Number(right)) => left == right,
        (Node::Time, Node::Time) => true,
        (Node::Select(left), Node::Select(right)) => left.text == right.text,
        (Node::Over(one, left), Node::Over(other, right)) => one == other && left.text == right.text,
        (Node::Negate(left), Node::Negate(right)) => same(left, right),
        (
            Node::Binary { operator, returns_bool, left, right },
            Node::Binary { operator: other, returns_bool: too, left: first, right: second },
        ) => operator == other && returns_bool == too && same(left, first) && same(right, second),
        _different => false,
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
    }
}
