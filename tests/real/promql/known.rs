//! Where the answers may differ, and why: every class is counted in the output of a run.

use super::answer::{Answer, Question, Refusal};

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
];

fn refuses(ours: &Answer, construct: &str) -> bool {
    matches!(ours, Answer::Error(Refusal::Unsupported(refused)) if refused.contains(construct))
}

/// The class of a difference, if it is a known one.
pub fn class(question: &Question, ours: &Answer, theirs: &Answer) -> Option<&'static Known> {
    KNOWN.iter().find(|known| (known.covers)(question, ours, theirs))
}
