use super::super::fixture::World;
use super::*;

fn explained(world: &World, source: &str, second: i64, about: &str) -> Explained {
    let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let about = super::super::fixture::labels(about).without(NAME);
    explain(&expr, &world.store, &Scope::Fleet, world.at(second), &about)
}

/// One line per part: `source = values [truth] verdict, change`, indented by its depth.
fn written(part: &Explained, depth: usize, lines: &mut Vec<String>) {
    let mut line = format!("{}{}", "  ".repeat(depth), part.source);
    for shown in &part.shown {
        line.push_str(&format!(" = {}", shown.value));
        if !shown.truth.is_fresh() {
            line.push_str(&format!(" ({})", shown.truth.state()));
        }
    }
    if part.more > 0 {
        line.push_str(&format!(" and {} more", part.more));
    }
    if let Some(missing) = &part.missing {
        line.push_str(&format!(" [{missing}]{}", if part.may_be_absent { " may be" } else { "" }));
    }
    if let Some(verdict) = &part.verdict {
        line.push_str(&format!(
            " {}",
            match verdict {
                Verdict::True => "true".to_owned(),
                Verdict::False => "false".to_owned(),
                Verdict::Unknown(why) => format!("unknown: {why}"),
            }
        ));
    }
    if let Some(compared) = &part.compared {
        for case in &compared.cases {
            let (change, value) = (compared.comparison.change(case.holds == Some(true)), case.value);
            let to = case.threshold.map_or(compared.threshold.clone(), |threshold| threshold.to_string());
            line.push_str(&format!("; {} {change} {to}, is {value:?} by {}", compared.subject, case.distance));
        }
    }
    lines.push(line);
    part.parts.iter().for_each(|part| written(part, depth + 1, lines));
}

fn check(world: &World, source: &str, second: i64, want: &[&str]) {
    let mut lines = Vec::new();
    written(&explained(world, source, second, ""), 0, &mut lines);
    assert_eq!(lines, want, "{source}");
}

fn world() -> World {
    let mut world = World::new(&["a/e/s"]);
    for second in [0, 10, 20] {
        let total = second as f64;
        world.row_without(
            "a/e/s",
            second,
            &[
                ("age{node=a}", 41.0),
                ("age{node=b}", 70.0),
                ("waiting{node=a}", 3.0),
                ("total", total),
                ("odd", f64::NAN),
            ],
            &["never"],
        );
    }
    world
}

#[test]
fn a_comparison_says_its_threshold_and_what_would_change_it() {
    let world = world();
    check(
        &world,
        r#"age{node="a"} > 60"#,
        20,
        &[r#"age{node="a"} > 60 false; age{node="a"} rises above 60, is Some(41.0) by -19"#, r#"  age{node="a"} = 41"#],
    );
    check(
        &world,
        "60 <= age",
        20,
        &[
            "60 <= age = 70 true; age falls below 60, is Some(70.0) by 10; age rises to 60, is Some(41.0) by -19",
            "  age = 70 = 41",
        ],
    );
    check(
        &world,
        "waiting == 3",
        20,
        &["waiting == 3 = 3 true; waiting is no longer 3, is Some(3.0) by 0", "  waiting = 3"],
    );
    check(
        &world,
        "age > bool 60",
        20,
        &[
            "age > bool 60 = 1 = 0 true; age falls to 60, is Some(70.0) by 10; age rises above 60, is Some(41.0) by -19",
            "  age = 70 = 41",
        ],
    );
}

#[test]
fn two_vectors_are_compared_series_by_series() {
    check(
        &world(),
        "age < waiting * 20",
        20,
        &[
            "age < waiting * 20 = 41 true; age rises to 60, is Some(41.0) by -19",
            "  age = 70 = 41",
            "  waiting * 20 = 60",
            "    waiting = 3",
        ],
    );
    check(
        &world(),
        "age < on (node) group_left () waiting * 2",
        20,
        &[
            "age < on (node) group_left () waiting * 2 false; age falls below 6, is Some(41.0) by 35",
            "  age = 70 = 41",
            "  waiting * 2 = 6",
            "    waiting = 3",
        ],
    );
}

#[test]
fn what_is_missing_is_named_and_never_false() {
    let mut world = world();
    check(&world, "never > 1", 20, &["never > 1 unknown: never: not exposed", "  never [never: not exposed]"]);
    check(
        &world,
        "age > 60 and never > 1",
        20,
        &[
            "age > 60 and never > 1 unknown: never: not exposed",
            "  age > 60 = 70 true; age falls to 60, is Some(70.0) by 10; age rises above 60, is Some(41.0) by -19",
            "    age = 70 = 41",
            "  never > 1 unknown: never: not exposed",
            "    never [never: not exposed]",
        ],
    );
    check(
        &world,
        "age > 80 or gone > 1",
        20,
        &[
            "age > 80 or gone > 1 false",
            "  age > 80 false; age rises above 80, is Some(70.0) by -10; age rises above 80, is Some(41.0) by -39",
            "    age = 70 = 41",
            "  gone > 1 unknown: gone: absent",
            "    gone [gone: absent] may be",
        ],
    );
    check(
        &world,
        "odd > 1",
        20,
        &[
            "odd > 1 unknown: odd: not a number; odd rises above 1, is Some(NaN) by NaN",
            "  odd = NaN [odd: not a number]",
        ],
    );
    check(
        &world,
        "rate(total[5m]) > 1",
        20,
        &[
            "rate(total[5m]) > 1 unknown: total[5m]: warming up (20s of 5m 00s); rate(total[5m]) rises above 1, is Some(0.06666666666666667) by -0.9333333333333333",
            "  rate(total[5m]) = 0.06666666666666667 (warming_up)",
            "    total[5m] = 20 (warming_up) [total[5m]: warming up (20s of 5m 00s)]",
        ],
    );
    check(&world, "absent(never)", 20, &["absent(never) = 1 true", "  never [never: not exposed] may be"]);
    check(
        &world,
        "age > 80",
        53,
        &[
            "age > 80 unknown: age: stale 33s; age rises above 80, is Some(70.0) by -10; age rises above 80, is Some(41.0) by -39",
            "  age = 70 (stale) = 41 (stale) [age: stale 33s]",
        ],
    );
    world.refused("a/e/s", 30);
    check(
        &world,
        "age > 60",
        31,
        &[
            "age > 60 unknown: age: connection refused: nothing listens there, for 1s",
            "  age [age: connection refused: nothing listens there, for 1s]",
        ],
    );
    check(
        &World::new(&["a/e/s"]),
        "age > 60",
        0,
        &["age > 60 unknown: age: not polled yet", "  age [age: not polled yet]"],
    );
}

#[test]
fn the_series_that_was_asked_about_comes_first_and_the_rest_is_counted() {
    let mut world = World::new(&["a/e/s"]);
    let names: Vec<String> = (0..9).map(|n| format!("age{{node=n{n}}}")).collect();
    let series: Vec<(&str, f64)> =
        names.iter().zip(0..).map(|(name, n)| (name.as_str(), f64::from(n) * 10.0)).collect();
    world.row("a/e/s", 0, &series);
    let of = |about: &str| {
        let compared = explained(&world, "age > 45", 0, about).compared.unwrap_or_else(|| panic!("compares"));
        assert_eq!((compared.cases.len(), compared.more, compared.holds_anywhere), (3, 6, true));
        compared.cases.iter().map(|case| case.labels.get("node").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("x"), ["n8", "n7", "n6"]);
    assert_eq!(of("x{node=n2,severity=critical}"), ["n2", "n8", "n7"]);
}

#[test]
fn a_large_expression_is_cut_and_says_so() {
    let long = vec!["age"; 60].join(" + ");
    let whole = explained(&world(), &long, 20, "");
    let mut parts = vec![&whole];
    let (mut count, mut cut) = (0, false);
    while let Some(part) = parts.pop() {
        count += 1;
        cut |= part.cut;
        parts.extend(&part.parts);
    }
    assert_eq!((count, cut), (MOST_PARTS, true));
}
