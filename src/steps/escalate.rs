//! An escalation: the incident is handed over to people, who are named with the time they have to answer.

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::runbook::Task;
use crate::runbook::tree::EscalationPlan;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalateSpec {
    pub to: EscalationPlan,
}

impl EscalateSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        check.escalation(&self.to, &format!("{at}.to"));
        Task::Escalate(self.to.clone())
    }
}
