//! Lines of logs, as a person reads them: harmless, in order, each with its time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::{Severity, Wall};

/// Lines of one source that the store keeps.
pub const LINES_KEPT: usize = 2_000;

/// Longest line that is kept, in characters; what is longer ends with an ellipsis.
pub const LONGEST_LINE: usize = 2_000;

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When the record was written where the log says so, else when it was read.
    pub at: Wall,
    /// Whether `at` is only when it was read: it was written at some time before.
    #[serde(default)]
    pub timed_by_read: bool,
    /// As the log says it, where it says one that can be recognised.
    pub severity: Option<Severity>,
    /// Without colours and control characters.
    pub text: Arc<str>,
}
