use super::*;
use crate::alert::rules;

const RULES: &str = r#"
groups:
  - name: g
    rules:
      - record: doubled
        expr: x * 2
      - alert: High
        expr: x > 2
        for: 1m
        annotations: {summary: "{{ $labels.a }} is {{ $value }} in {{ $externalLabels.region }}"}
"#;

/// The failures of one test over [`RULES`], whose body this is.
fn failures(head: &str, body: &str, dialect: Dialect) -> Vec<String> {
    let text = format!(
        "{head}\ntests:\n  - interval: 1m\n    external_labels: {{region: eu}}\n    input_series: [{{series: 'x{{a=\"1\"}}', values: '0+1x10'}}]\n    {body}\n"
    );
    let file = load("t.yml", &text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    let rules = rules::load_as("r.yml", RULES, dialect).unwrap_or_else(|problems| panic!("{problems:?}"));
    run(&file, &[rules], dialect)
}

fn check(head: &str, body: &str, want: &[&str]) {
    assert_eq!(failures(head, body, Dialect::V3), want, "{head} {body}");
}

#[test]
fn what_holds_is_not_told() {
    let firing = r#"exp_alerts: [{exp_labels: {a: "1"}, exp_annotations: {summary: "1 is 4 in eu"}}]"#;
    check("", &format!("alert_rule_test: [{{eval_time: 4m, alertname: High, {firing}}}]"), &[]);
    check("", "alert_rule_test: [{eval_time: 3m, alertname: High}]", &[]);
    let doubled = |at: &str, value: &str| {
        format!(
            "promql_expr_test: [{{expr: doubled, eval_time: {at}, exp_samples: [{{labels: 'doubled{{a=\"1\"}}', value: {value}}}]}}]"
        )
    };
    check("", &doubled("4m", "8"), &[]);
    check("evaluation_interval: 3m", &doubled("4m", "6"), &[]);
    check(
        "",
        "start_timestamp: 1600000000\n    promql_expr_test: [{expr: 'time() - 1.6e9', eval_time: 1m, exp_samples: [{labels: '{}', value: 60}]}]",
        &[],
    );
}

#[test]
fn what_does_not_hold_is_told_as_promtool_does() {
    check(
        "",
        "name: first\n    alert_rule_test: [{eval_time: 4m, alertname: High}]",
        &[
            "    name: first,\n    alertname: High, time: 4m,\n        exp:[],\n        got:[\n            0:\n              \
           Labels:{a=\"1\", alertname=\"High\"}\n              Annotations:{summary=\"1 is 4 in eu\"}\n            ]",
        ],
    );
    check(
        "",
        "promql_expr_test: [{expr: 'x', eval_time: 90s, exp_samples: [{labels: x, value: 1}]}, {expr: y, eval_time: 0, exp_samples: [{labels: y, value: 0.5}]}]",
        &[
            "    expr: \"x\", time: 1m30s,\n        exp: x 1\n        got: x{a=\"1\"} 1",
            "    expr: \"y\", time: 0s,\n        exp: y 0.5\n        got: nil",
        ],
    );
    check(
        "",
        "promql_expr_test: [{expr: 'limitk(1, x)', eval_time: 0}]",
        &["    expr: \"limitk(1, x)\", time: 0s, err: aggregation limitk is not supported"],
    );
    check("group_eval_order: [g, g]", "name: x", &["    group_eval_order names the group \"g\" twice"]);
    check("", "alert_rule_test: [{eval_time: 1m}]", &["    an alert_rule_test of the time 1m has no alertname"]);
}

#[test]
fn the_last_bit_counts_unless_it_is_said_not_to() {
    let sum = "promql_expr_test: [{expr: '0.1 + 0.2', eval_time: 0, exp_samples: [{labels: '{}', value: 0.3}]}]";
    check("fuzzy_compare: true", sum, &[]);
    assert_eq!(failures("fuzzy_compare: false", sum, Dialect::V3).len(), 1);
}

#[test]
fn a_mistake_in_the_file_has_its_place() {
    let check = |text: &str, line: usize, part: &str| match load("t.yml", text) {
        Ok(file) => panic!("{text}: {file:?}"),
        Err(problem) => {
            assert_eq!(problem.line, line, "{problem}");
            assert!(problem.what.contains(part), "{problem}");
        }
    };
    check("tests:\n  - interval: 1m\n    nmae: x\n", 3, "nmae");
    check("tests:\n  - interval: 1 minute\n", 2, "1 minute");
    check("tests:\n  - promql_expr_test:\n      - eval_time: 5\n", 3, "\"5\"");
    check("tests:\n  - start_timestamp: soon\n", 2, "soon");
    check("tests: [\n", 1, "");
}
