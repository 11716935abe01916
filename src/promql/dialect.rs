//! Which Prometheus: 2 and 3 differ in a few places, and rule files were written for one of them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The meaning of an expression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Dialect {
    /// Ranges and lookback include their left edge; `.` in a regular expression matches no newline; `holt_winters`.
    V2,
    /// Ranges and lookback are open on the left; `.` matches everything; `double_exponential_smoothing`.
    #[default]
    V3,
}

/// A version that is neither.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no Prometheus version that is known here; it is 2 or 3")]
pub struct UnknownDialect(String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(text: &str) -> Result<Dialect, UnknownDialect> {
        match text.split('.').next() {
            Some("2") => Ok(Dialect::V2),
            Some("3") => Ok(Dialect::V3),
            Some(_) | None => Err(UnknownDialect(text.to_owned())),
        }
    }
}
