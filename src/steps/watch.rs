//! A watch: waits until something is so, or its deadline passes. It runs by itself, because it only reads.

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::runbook::Task;
use crate::runbook::tree::{ConditionPlan, WatchPlan};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchSpec {
    /// All must be true at once.
    pub until: Vec<ConditionPlan>,
    pub deadline_seconds: u64,
}

impl WatchSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        if self.until.is_empty() {
            check.complain(&format!("{at}.until"), "a watch waits for nothing", None);
        }
        check.conditions(&self.until, &format!("{at}.until"));
        let deadline = check.seconds(self.deadline_seconds, &format!("{at}.deadline_seconds"));
        Task::Watch(WatchPlan { until: self.until.clone(), deadline })
    }
}
