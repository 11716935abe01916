//! Where the answers may differ, and why: every class is counted in the output of a run.

use super::answer::{Answer, Question, Refusal, When, nearly_equal};

/// One class.
pub struct Known {
    pub name: &'static str,
    pub reason: &'static str,
    covers: fn(&Question, &Answer, &Answer) -> bool,
}

pub const KNOWN: &[Known] = &[
    Known {
        name: "range without a name",
        reason: "the store keeps a whole range only for series that an expression names, so that it is refused",
        covers: |_, ours, _| refuses(ours, "without a metric name"),
    },
    Known {
        name: "a range or a text alone",
        reason: "an answer here is a number or a vector; a range or a text is refused by name",
        covers: |_, ours, _| refuses(ours, "without a function over it") || refuses(ours, "string literal"),
    },
    Known {
        name: "@ over steps, with a number",
        reason: "2.42 moves the range of quantile_over_time and predict_linear with every step, although @ holds it",
        covers: |question, _, _| {
            let steps = matches!(question.when, When::Steps { .. });
            steps && question.text.contains('@') && says(question, &["quantile_over_time", "predict_linear"])
        },
    },
    Known {
        name: "timestamp with @ and offset",
        reason: "2.42 forgets the offset of a selector in timestamp() that has an @ too",
        covers: |question, _, _| {
            says(question, &["timestamp"]) && says(question, &["offset"]) && says(question, &["@"])
        },
    },
    Known {
        name: "spread of large numbers",
        reason: "2.42 sums the squares of stddev and stdvar without compensation: of times only some digits are right",
        covers: |question, ours, theirs| says(question, &["stddev", "stdvar"]) && nearly_equal(ours, theirs),
    },
    Known {
        name: "pattern",
        reason: "the parser refuses patterns that its own regular expressions do not have, before they are translated",
        covers: |_, ours, _| matches!(ours, Answer::Error(Refusal::Failed(why)) if why.contains("illegal regex")),
    },
];

/// Whether one of the words stands in the question.
fn says(question: &Question, words: &[&str]) -> bool {
    words.iter().any(|word| question.text.contains(word))
}

fn refuses(ours: &Answer, construct: &str) -> bool {
    matches!(ours, Answer::Error(Refusal::Unsupported(refused)) if refused.contains(construct))
}

/// The class of a difference, if it is a known one.
pub fn class(question: &Question, ours: &Answer, theirs: &Answer) -> Option<&'static Known> {
    KNOWN.iter().find(|known| (known.covers)(question, ours, theirs))
}
