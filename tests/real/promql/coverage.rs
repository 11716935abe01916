//! Which constructs of PromQL a question is made of: a run says how often each was asked for.

use super::answer::{Question, When};
use super::queries::WORDS;

/// Signs outside of texts, the longer ones first: each is looked for where no longer one stands.
const SIGNS: &[&str] = &["=~", "!~", "==", "!=", ">=", "<=", ">", "<", "=", "+", "-", "*", "/", "%", "^", "@"];

/// What is told by more than one word or sign.
const SHAPES: &[&str] = &[
    "instant query",
    "range query",
    "range selector",
    "subquery",
    "subquery without a step",
    "selector without a name",
    "offset into the future",
    "@ with a time",
    "@ start()",
    "@ end()",
    "matcher != in a selector",
];

/// Every construct that a run has to ask for.
pub fn all() -> impl Iterator<Item = &'static str> {
    WORDS.iter().flat_map(|words| words.iter().copied()).chain(SIGNS.iter().copied()).chain(SHAPES.iter().copied())
}

/// Those of one question, each once.
pub fn of(question: &Question) -> Vec<&'static str> {
    let text = without_texts(&question.text);
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let signs = signs(&text);
    all()
        .filter(|construct| words.contains(construct) || signs.contains(construct) || shape(construct, question, &text))
        .collect()
}

/// With every text empty.
fn without_texts(text: &str) -> String {
    text.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn signs(text: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        found.extend(sign);
        rest = &rest[sign.map_or(next.len_utf8(), |sign| sign.len())..];
    }
    found
}

fn shape(construct: &str, question: &Question, text: &str) -> bool {
    let brackets = || text.split('[').skip(1).map(|rest| rest.split(']').next().unwrap_or(rest));
    let behind_at = || text.split('@').skip(1).map(str::trim_start);
    let braces = || text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or(rest));
    match construct {
        "instant query" => matches!(question.when, When::At(_)),
        "range query" => matches!(question.when, When::Steps { .. }),
        "range selector" => brackets().any(|inside| !inside.contains(':')),
        "subquery" => brackets().any(|inside| inside.contains(':')),
        "subquery without a step" => brackets().any(|inside| inside.ends_with(':')),
        "selector without a name" => text.starts_with('{') || text.contains("({") || text.contains(" {"),
        "offset into the future" => text.contains("offset -"),
        "@ with a time" => behind_at().any(|at| at.starts_with(|c: char| c.is_ascii_digit())),
        "@ start()" => behind_at().any(|at| at.starts_with("start()")),
        "@ end()" => behind_at().any(|at| at.starts_with("end()")),
        "matcher != in a selector" => braces().any(|inside| inside.contains("!=")),
        _ => false,
    }
}
