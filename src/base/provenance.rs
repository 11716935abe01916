//! Where an element of the data comes from, and how urgent it is.

use serde::{Deserialize, Serialize};

/// Where an element comes from, what the document says there, and why the console does something else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provenance {
    /// Lines of the document, such as `volchain:81-82`.
    pub from: Vec<String>,
    /// The commands as the document has them.
    pub documented: Vec<String>,
    /// Why the console does something else.
    pub deviates: Option<String>,
    /// The dangers in the document that this answers.
    pub answers: Vec<String>,
}

/// How urgent, as in the system's escalation table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl Severity {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}
