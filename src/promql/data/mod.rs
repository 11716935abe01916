//! Samples that were not polled: written by hand for a test, or read from a file.
//!
//! ```text
//! 'x{a="1"}' ──metric──► Labels ─┐
//! '1+2x3 _ stale' ──notation──► values ─┤──► History ──Feed──► Store, as far as a time has come
//!                                an exposition with times ─┘
//! answer ◄──► the JSON of Prometheus' HTTP API (answer)
//! ```
//!
//! Must never: guess what a sample was meant to be, or put one in a store before its time has come.
//!
//! To add a way of writing samples: one file that fills a [`History`].

pub mod answer;
pub mod history;
pub mod metric;
pub mod notation;
pub mod number;

pub use answer::{Answer, AnswerError};
pub use history::{Feed, History, store};
pub use metric::{metric, pairs};
pub use notation::{Given, values};

/// A text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct BadText {
    /// In characters, from 1.
    pub column: usize,
    pub what: String,
}

impl BadText {
    /// At this byte of the text.
    fn at(text: &str, byte: usize, what: impl Into<String>) -> BadText {
        let before = text.get(..byte).unwrap_or(text);
        BadText { column: before.chars().count() + 1, what: what.into() }
    }
}
