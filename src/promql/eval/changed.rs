//! What Prometheus 3 changed: the same expression as 2 and as 3 understands it, each answer worked out by hand.

use super::super::fixture::World;
use super::{Expr, Value, evaluate};
use crate::base::Wall;
use crate::model::Scope;
use crate::promql::Dialect;

/// A counter of seconds every ten seconds, one that begins late, a label with a newline, and NaN.
fn world() -> World {
    let mut world = World::new(&["a/e/s", "a/e/t"]);
    for second in (10..=100).step_by(10) {
        world.row(
            "a/e/s",
            second,
            &[("total", second as f64), ("lines{path=a\nb}", 1.0), ("odd", f64::NAN), ("side", 1.0)],
        );
    }
    world.row("a/e/t", 15, &[("young", 9.0)]);
    world.row("a/e/t", 25, &[("young", 19.0)]);
    world
}

fn answer(world: &World, source: &str, second: i64, dialect: Dialect) -> String {
    let expr = match Expr::parse_as(source, dialect) {
        Ok(expr) => expr,
        Err(error) => return format!("refused: {error}"),
    };
    match evaluate(&expr, &world.store, &Scope::Fleet, Wall(second * 1000)) {
        Ok(Value::Scalar(value)) => value.to_string(),
        Ok(Value::Vector(samples)) => {
            let lines: Vec<_> = samples.iter().map(|sample| format!("{} {}", sample.labels, sample.value)).collect();
            lines.join(", ")
        }
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn the_same_expression_as_2_and_as_3_understands_it() {
    let world = world();
    let check = |source: &str, second: i64, of_2: &str, of_3: &str| {
        assert_eq!(answer(&world, source, second, Dialect::V2), of_2, "{source} at {second} s, as 2");
        assert_eq!(answer(&world, source, second, Dialect::V3), of_3, "{source} at {second} s, as 3");
    };
    // The lookback of five minutes has its left edge in 2 alone.
    check("total", 399, "total 100", "total 100");
    check("total", 400, "total 100", "");
    check("total offset 1m", 460, "total 100", "");
    check("absent(total)", 400, "", "{} 1");
    // So has a range: the sample just at its start, at 70 or at 90.
    check("count_over_time(total[30s])", 100, "{} 4", "{} 3");
    check("count_over_time(total[29s])", 100, "{} 3", "{} 3");
    check("sum_over_time(total[10s])", 100, "{} 190", "{} 100");
    check("rate(total[10s])", 100, "{} 1", "");
    check("present_over_time(total[1m])", 160, "{} 1", "");
    check("last_over_time(total[1m] offset 1m)", 220, "total 100", "");
    // And a subquery, whose steps lie at 70, 80, 90 and 100.
    check("count_over_time(total[30s:10s])", 100, "{} 4", "{} 3");
    check("count_over_time(vector(time())[30s:10s])", 100, "{} 4", "{} 3");
    // 2 asks where the counter was zero before it cuts the way to the start of the range, 3 after: 10 × 22/10, 10 × 18/10.
    check("increase(young[25s])", 28, "{} 22", "{} 18");
    // A dot matches a newline.
    check(r#"lines{path=~"a.b"}"#, 100, "", "lines{path=\"a\\nb\"} 1");
    check(r#"lines{path!~"a.b"}"#, 100, "lines{path=\"a\\nb\"} 1", "");
    check(
        r#"label_replace(lines, "path", "x", "path", "a.b")"#,
        100,
        "lines{path=\"a\\nb\"} 1",
        r#"lines{path="x"} 1"#,
    );
    // The spread of a value alone, and the name that atan2 forgot to drop.
    check("stdvar(odd)", 100, "{} 0", "{} NaN");
    check("side atan2 0", 100, "side 1.5707963267948966", "{} 1.5707963267948966");
    // A name may stand in quotes.
    let no_quotes = "refused: not PromQL: Prometheus 2 takes no label or metric name in quotes";
    check(r#"sum by ("path") (lines)"#, 100, no_quotes, "{path=\"a\\nb\"} 1");
    check(r#"{"side"}"#, 100, no_quotes, "side 1");
    check(r#"count_values("by", side) + on () label_join(side, "a", "-", "b")"#, 100, "{} 2", "{} 2");
    // A duration is a number of seconds, and a number a duration.
    check("5m", 100, "refused: not PromQL: the duration 5m stands where Prometheus 2 wants a number", "300");
    let no_duration = "refused: not PromQL: the range [30] is not a duration such as 5m";
    check("count_over_time(total[30])", 100, no_duration, "{} 3");
}

#[test]
fn what_changed_its_name_or_is_new_has_it_in_its_own_dialect_alone() {
    let world = world();
    let check = |source: &str, of_2: &str, of_3: &str| {
        assert_eq!(answer(&world, source, 100, Dialect::V2), of_2, "{source}, as 2");
        assert_eq!(answer(&world, source, 100, Dialect::V3), of_3, "{source}, as 3");
    };
    // Of what grows evenly the smoothed level is the last value, whatever the factors.
    check(
        "holt_winters(total[1m], 0.5, 0.25)",
        "{} 100",
        "refused: not PromQL: unknown function with name 'holt_winters'",
    );
    check(
        "double_exponential_smoothing(total[1m], 0.5, 0.25)",
        "refused: function double_exponential_smoothing in Prometheus 2 is not supported",
        "{} 100",
    );
    // Without the sample at 40 the median of 50 to 100 is 75, and the median way from it 15.
    check("mad_over_time(total[1m])", "refused: function mad_over_time in Prometheus 2 is not supported", "{} 15");
    check("sort_by_label(side, 'a')", "refused: function sort_by_label in Prometheus 2 is not supported", "side 1");
    // Within a text, and as the name of a metric, it is no function.
    check("holt_winters + on () side", "", "");
    check(r#"side{a!="holt_winters(x[1m], 0.5, 0.5)"}"#, "side 1", "side 1");
}

#[test]
fn a_store_that_has_had_what_is_asked_for_says_so() {
    let world = world();
    let ranged = answer(&world, r#"count_over_time({__name__=~"to.*"}[5m])"#, 100, Dialect::V3);
    assert_eq!(ranged, "{} 10");
    let too_far = answer(&world, r#"rate({__name__=~"to.*"}[6m])"#, 100, Dialect::V3);
    assert!(too_far.starts_with("error: {__name__=~\"to.*\"}[6m] looks 6m 00s back"), "{too_far}");
}
