//! A check: values that are read and recorded. It runs by itself, because it only reads.

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::runbook::Task;
use crate::runbook::tree::ReadingPlan;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    pub readings: Vec<ReadingPlan>,
}

impl CheckSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        if self.readings.is_empty() {
            check.complain(&format!("{at}.readings"), "a check reads nothing", None);
        }
        check.readings(&self.readings, &format!("{at}.readings"));
        Task::Observe(self.readings.clone())
    }
}
