//! A manual step: what a person does by hand, outside the console. It is done with a note, or not done with a reason.

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::runbook::tree::ManualPlan;
use crate::runbook::{Task, argv};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManualSpec {
    /// What to do, in sentences.
    pub what: String,
    /// A command that can be copied for it: a program's bare name and its arguments. The documented one is copied where
    /// there is none and the step does not deviate from it.
    #[serde(default)]
    pub command: Vec<String>,
}

impl ManualSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        if self.what.trim().is_empty() {
            check.complain(&format!("{at}.what"), "a manual step does not say what to do", None);
        }
        if let Some(objection) = argv::objection(&self.command).filter(|_| !self.command.is_empty()) {
            check.complain(&format!("{at}.command"), objection, None);
        }
        for (index, part) in self.command.iter().enumerate() {
            check.setting_names(part, &format!("{at}.command[{index}]"));
        }
        Task::ByHand(ManualPlan { what: self.what.clone(), command: self.command.clone() })
    }
}
