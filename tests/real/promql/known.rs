//! Where the answers may differ, and why: every class is counted in the output of a run.

use super::answer::{Answer, Question, Refusal, When, equal_where_finite, nearly_equal, within_one};

/// One class.
pub struct Known {
    pub name: &'static str,
    pub reason: &'static str,
    covers: fn(&Question, &Answer, &Answer) -> bool,
}

pub const KNOWN: &[Known] = &[
    Known {
        name: "a range or a text alone",
        reason: "an answer here is a number or a vector; a range or a text is refused by name",
        covers: |_, ours, _| refuses(ours, "without a function over it") || refuses(ours, "string literal"),
    },
    Known {
        name: "@ over steps, with a number",
        reason: "2.42 moves what @ holds with every step, of a query or a subquery, within the numbers of aggregations \
                 and the ranges of functions that take a number",
        covers: |question, _, _| {
            let steps = matches!(question.when, When::Steps { .. }) || question.text.contains('[');
            steps && question.text.contains('@') && says(question, &["quantile", "topk", "bottomk", "predict_linear"])
        },
    },
    Known {
        name: "largest exponentials",
        reason: "exp of Go for this processor, which sinh and cosh use, is infinite from 709.44 on and not from 709.78",
        covers: |question, ours, theirs| says(question, &["exp", "sinh", "cosh"]) && equal_where_finite(ours, theirs),
    },
    Known {
        name: "a mean made whole",
        reason: "2.42 rounds with every sample of a mean: a hair above a whole number, ceil makes it the next one",
        covers: |question, ours, theirs| {
            says(question, &["ceil", "floor", "round"]) && says(question, &["avg"]) && within_one(ours, theirs)
        },
    },
    Known {
        name: "plus before a range",
        reason: "the parser drops a plus that stands before an operand, whatever it is",
        covers: |question, ours, theirs| {
            question.text.contains('+') && !failed(ours) && fails_with(theirs, "unary expression only allowed")
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
        covers: |_, ours, _| fails_with(ours, "illegal regex"),
    },
];

/// Whether one of the words stands in the question.
fn says(question: &Question, words: &[&str]) -> bool {
    words.iter().any(|word| question.text.contains(word))
}

fn failed(answer: &Answer) -> bool {
    matches!(answer, Answer::Error(_))
}

fn fails_with(theirs: &Answer, words: &str) -> bool {
    matches!(theirs, Answer::Error(Refusal::Failed(why)) if why.contains(words))
}

fn refuses(ours: &Answer, construct: &str) -> bool {
    matches!(ours, Answer::Error(Refusal::Unsupported(refused)) if refused.contains(construct))
}

/// The class of a difference, if it is a known one.
pub fn class(question: &Question, ours: &Answer, theirs: &Answer) -> Option<&'static Known> {
    KNOWN.iter().find(|known| (known.covers)(question, ours, theirs))
}
