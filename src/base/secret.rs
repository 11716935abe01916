//! References to secrets. The value itself is met only by the shell, at the moment of use.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a secret's value is found when it is needed. Never the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum SecretRef {
    /// An environment variable of the console.
    Env(String),
    /// The first line of a file that others may not read.
    File(String),
    /// Asked of the operator, under this name, and never stored.
    Prompt(String),
}

/// As shown wherever the value would stand: `«env:NAME»`.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "«env:{name}»"),
            SecretRef::File(path) => write!(f, "«file:{path}»"),
            SecretRef::Prompt(name) => write!(f, "«prompt:{name}»"),
        }
    }
}
