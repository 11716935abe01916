//! What the node says on its standard output: plain lines without time or level, as the real node's code prints them.

use serde::{Deserialize, Serialize};

/// Records that a node remembers.
pub const RECORDS_KEPT: usize = 400;

/// One line, and when it was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Counts from 1.
    pub number: u64,
    pub at_millis: i64,
    pub text: String,
    /// Bytes of the log file up to the end of this line.
    pub end: u64,
}
