//! A verification that stands by itself: all conditions must come true before the deadline. It reads only, so it runs by
//! itself, and what follows asks with `only_after` whether it did.

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::runbook::Task;
use crate::runbook::tree::{ConditionPlan, WatchPlan};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifySpec {
    /// All must be true at once.
    pub that: Vec<ConditionPlan>,
    pub within_seconds: u64,
}

impl VerifySpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        if self.that.is_empty() {
            check.complain(&format!("{at}.that"), "a verification that proves nothing", None);
        }
        check.conditions(&self.that, &format!("{at}.that"));
        let deadline = check.seconds(self.within_seconds, &format!("{at}.within_seconds"));
        Task::Watch(WatchPlan { until: self.that.clone(), deadline })
    }
}
