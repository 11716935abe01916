//! Expressions, and what Prometheus answers to them.

use super::super::fixture::World;
use super::{Expr, Value, evaluate};
use crate::base::Wall;
use crate::model::Scope;

/// `x` and `y` on two nodes, `z` on one, a counter with ten seconds between samples, and some edges of IEEE.
fn world() -> World {
    let mut world = World::new(&["a/e/s"]);
    for second in (10..=100).step_by(10) {
        world.row(
            "a/e/s",
            second,
            &[
                ("x{node=a}", 6.0),
                ("x{node=b}", 4.0),
                ("y{node=b}", 2.0),
                ("y{node=a}", 3.0),
                ("z{node=a}", 0.0),
                ("odd", f64::NAN),
                ("huge", f64::INFINITY),
                ("negative", -7.0),
                ("total{node=a}", second as f64),
            ],
        );
    }
    world
}

/// The answer in text: a number, or elements in the order of their labels, or the error.
fn answer(world: &World, source: &str, second: i64) -> String {
    let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    match evaluate(&expr, &world.store, &Scope::Fleet, Wall(second * 1000)) {
        Ok(Value::Scalar(value)) => value.to_string(),
        Ok(Value::Vector(samples)) => {
            let mut lines: Vec<_> =
                samples.iter().map(|sample| format!("{} {}", sample.labels, sample.value)).collect();
            lines.sort();
            lines.join(", ")
        }
        Err(error) => format!("error: {error}"),
    }
}

#[test]
fn scalars() {
    let world = world();
    let check = |source: &str, want: &str| assert_eq!(answer(&world, source, 100), want, "{source}");
    check("1 + 2 * 3", "7");
    check("2 ^ 3 ^ 2", "512");
    check("-2 ^ 2", "-4");
    check("(1 + 2) * 3", "9");
    check("7 % 4", "3");
    check("-7 % 4", "-3");
    check("7 % 0", "NaN");
    check("1 / 0", "inf");
    check("-1 / 0", "-inf");
    check("0 / 0", "NaN");
    check("time()", "100");
    check("5m", "300");
    check("2 > bool 1", "1");
    check("1 == bool 2", "0");
    check("NaN == bool NaN", "0");
    check("NaN != bool NaN", "1");
}

#[test]
fn selectors() {
    let world = world();
    let check = |source: &str, want: &str| assert_eq!(answer(&world, source, 100), want, "{source}");
    check("x", r#"x{node="a"} 6, x{node="b"} 4"#);
    check(r#"x{node="a"}"#, r#"x{node="a"} 6"#);
    check(r#"x{node!="a"}"#, r#"x{node="b"} 4"#);
    check(r#"x{node=~"a|c"}"#, r#"x{node="a"} 6"#);
    check(r#"x{node!~"a|c"}"#, r#"x{node="b"} 4"#);
    check(r#"x{node=~""}"#, "");
    check(r#"x{other=""}"#, r#"x{node="a"} 6, x{node="b"} 4"#);
    check(r#"{__name__=~"z|negative"}"#, r#"negative -7, z{node="a"} 0"#);
    check("nothing", "");
}

#[test]
fn vectors_and_scalars() {
    let world = world();
    let check = |source: &str, want: &str| assert_eq!(answer(&world, source, 100), want, "{source}");
    check("x * 2", r#"{node="a"} 12, {node="b"} 8"#);
    check("10 - x", r#"{node="a"} 4, {node="b"} 6"#);
    check("-x", r#"{node="a"} -6, {node="b"} -4"#);
    check("z / 0", r#"{node="a"} NaN"#);
    check("negative % 4", "{} -3");
    check("x > 5", r#"x{node="a"} 6"#);
    check("5 < x", r#"x{node="a"} 6"#);
    check("5 >= x", r#"x{node="b"} 4"#);
    check("x == 6", r#"x{node="a"} 6"#);
    check("x != 6", r#"x{node="b"} 4"#);
    check("x > bool 5", r#"{node="a"} 1, {node="b"} 0"#);
    check("5 > bool x", r#"{node="a"} 0, {node="b"} 1"#);
    check("x > 100", "");
    check("odd > 0", "");
    check("odd != 0", "odd NaN");
    check("odd > bool 0", "{} 0");
    check("odd != bool 0", "{} 1");
    check("huge > 1e308", "huge inf");
    check("huge - huge", "{} NaN");
    check("nothing > bool 0", "");
    check(r#"{__name__=~"x|y"} > 3"#, r#"x{node="a"} 6, x{node="b"} 4"#);
    check(
        r#"{__name__=~"x|y"} + 1"#,
        r#"error: several series have the labels {node="b"} after +, which changes them"#,
    );
    check(r#"-{__name__=~"x|y"}"#, r#"error: several series have the labels {node="b"} after -, which changes them"#);
}

#[test]
fn vectors_match_on_all_labels_but_the_name() {
    let world = world();
    let check = |source: &str, want: &str| assert_eq!(answer(&world, source, 100), want, "{source}");
    check("x / y", r#"{node="a"} 2, {node="b"} 2"#);
    check("x + z", r#"{node="a"} 6"#);
    check("z + x", r#"{node="a"} 6"#);
    check("x > y", r#"x{node="a"} 6, x{node="b"} 4"#);
    check("y > x", "");
    check("y < bool x", r#"{node="a"} 1, {node="b"} 1"#);
    check("x - x == 0", r#"{node="a"} 0, {node="b"} 0"#);
    check("x + nothing", "");
    check("x + negative", "");
    check("total - z > 50", r#"{node="a"} 100"#);
    check(r#"x + {__name__=~"y|z"}"#, r#"error: several series on the right of + have the labels {node="a"}"#);
    check(r#"{__name__=~"y|z"} + x"#, r#"error: several series on the left of + have the labels {node="a"}"#);
    // A filter that drops one of two candidates leaves a match that is one to one.
    check(r#"{__name__=~"y|z"} >= y"#, r#"y{node="a"} 3, y{node="b"} 2"#);
    check(r#"nothing + {__name__=~"y|z"}"#, "");
}

#[test]
fn lookback_is_five_minutes_and_open_on_the_left() {
    let world = world();
    let check = |second: i64, want: &str| assert_eq!(answer(&world, "z", second), want, "at {second} s");
    check(9, "");
    check(10, r#"z{node="a"} 0"#);
    check(399, r#"z{node="a"} 0"#);
    check(400, "");
}

#[test]
fn a_range_takes_what_is_after_its_start_up_to_its_end() {
    let world = world();
    let check = |source: &str, second, want: &str| assert_eq!(answer(&world, source, second), want, "{source}");
    // Samples at 80, 90 and 100: 20 over 20 s, 10 s to the start: 30 in 30 s. The one at 70 is outside.
    check("increase(total[30s])", 100, r#"{node="a"} 30"#);
    check("rate(total[30s])", 100, r#"{node="a"} 1"#);
    check("rate(total[30s]) * 60 > bool 59", 100, r#"{node="a"} 1"#);
    // One sample is no growth.
    check("rate(total[10s])", 100, "");
    check("rate(total[5m])", 401, "");
    check("rate(nothing[5m])", 100, "");
}

#[test]
fn a_series_of_two_sources_is_one_series() {
    let mut world = World::new(&["a/e/s", "a/e/u"]);
    for second in [10, 30] {
        world.row("a/e/s", second, &[("c", second as f64)]);
        world.row("a/e/u", second - 10, &[("c", second as f64 - 10.0)]);
    }
    assert_eq!(answer(&world, "c", 30), "c 30");
    assert_eq!(answer(&world, "increase(c[31s])", 30), "{} 30");
}
