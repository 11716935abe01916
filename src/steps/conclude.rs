//! A conclusion: the end of a path, with what was found.

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::runbook::Task;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConcludeSpec {
    /// What was found, in a sentence.
    pub finding: String,
}

impl ConcludeSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        if self.finding.trim().is_empty() {
            check.complain(&format!("{at}.finding"), "a conclusion says nothing", None);
        }
        Task::Conclude(self.finding.clone())
    }
}
