//! One round of a hundred alert rules: the expressions alone, and the whole of it as the console runs it, with the truth
//! of every operand and the state of every alert.

use std::fmt::Write as _;

use opsconsole::alert::{AlertBook, rules};
use opsconsole::base::TargetId;
use opsconsole::model::{Labels, Scope};
use opsconsole::promql::{Expr, evaluate};

use super::data::{Both, END, SAMPLES, Series, TARGET, now_at};
use super::{Row, cost};

const RULES: usize = 100;
/// Series of each metric: as many as all label sets of a busy endpoint.
const EACH: usize = 530;

/// A metric for every rule, every fifth one of buckets.
fn families() -> Series {
    let series = |rule: usize, at: usize| {
        let name = if is_histogram(rule) { format!("family_{rule}_bucket") } else { format!("family_{rule}_total") };
        let labels = Labels::named(&name)
            .with("job", "node")
            .with("instance", &format!("10.0.0.{}:9100", at % 10))
            .with("method", ["get", "post"][at / 10 % 2])
            .with("path", &format!("/api/v1/{}", at / 20));
        let bounds = ["0.1", "0.5", "1", "5", "+Inf"];
        let labels = if is_histogram(rule) { labels.with("le", bounds[at % bounds.len()]) } else { labels };
        (labels, 1.0 + ((rule * 31 + at) % 97) as f64)
    };
    (0..RULES).flat_map(|rule| (0..EACH).map(move |at| series(rule, at))).collect()
}

fn is_histogram(rule: usize) -> bool {
    rule % 5 == 3
}

/// The expression of a rule over its whole metric, or over the few series of one path on one method.
fn expression(rule: usize, light: bool) -> String {
    let chosen = match (light, is_histogram(rule)) {
        (false, _) => String::new(),
        (true, false) => format!("{{job=\"node\",path=\"/api/v1/{}\",method=\"get\"}}", rule % 26),
        (true, true) => {
            format!("{{job=\"node\",instance=~\"10.0.0.[0-4]:9100\",path=\"/api/v1/{}\",method=\"get\"}}", rule % 26)
        }
    };
    match rule % 5 {
        0 => format!("rate(family_{rule}_total{chosen}[5m]) > 18"),
        1 => format!("sum by (instance) (rate(family_{rule}_total{chosen}[5m])) > 600"),
        2 => format!("family_{rule}_total{chosen} > 5600"),
        3 => format!("histogram_quantile(0.95, sum by (le) (rate(family_{rule}_bucket{chosen}[5m]))) > 4"),
        _ => format!("max_over_time(family_{rule}_total{chosen}[5m]) - family_{rule}_total{chosen} > 1"),
    }
}

pub fn run() {
    let mut both = Both::with(families());
    for (light, over, target) in [(true, "1–10 series", 2.0), (false, "530 series", 30.0)] {
        let texts: Vec<String> = (0..RULES).map(|rule| expression(rule, light)).collect();
        let exprs: Vec<Expr> =
            texts.iter().map(|text| Expr::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))).collect();
        let scope = Scope::Target(TargetId::new(TARGET));
        let alone = cost(|| {
            for expr in &exprs {
                std::hint::black_box(evaluate(expr, &both.store, &scope, END).expect("an answer"));
            }
        });
        let mut book = AlertBook::default();
        let file = rules::load("alerts.yml", &yaml(&texts)).unwrap_or_else(|problems| panic!("{problems:?}"));
        book.add(&TargetId::new(TARGET), &file);
        let now = now_at(SAMPLES - 1);
        let round = cost(|| {
            std::hint::black_box(book.evaluate_all(&mut both.store, now));
        });
        let theirs = both.theirs_of_all(&texts);
        let figure = format!("{RULES} alert rules over {over} each");
        Row { figure: format!("{figure}, one round"), ours: round, theirs, target: Some(target) }.print();
        Row { figure: "  their expressions alone".to_owned(), ours: alone, theirs, target: None }.print();
    }
}

fn yaml(texts: &[String]) -> String {
    let mut yaml = "groups:\n  - name: bench\n    interval: 15s\n    rules:\n".to_owned();
    for (rule, text) in texts.iter().enumerate() {
        let _ = writeln!(yaml, "      - alert: Rule{rule}\n        expr: '{text}'\n        for: 1m");
        let _ = writeln!(yaml, "        labels: {{severity: warning}}");
    }
    yaml
}
