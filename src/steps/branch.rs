//! A branch: ways to go on, each with the measured conditions that suggest it.

use serde::{Deserialize, Serialize};

use super::StepSpec;
use super::checking::Checking;
use crate::base::{BranchId, Provenance};
use crate::runbook::Task;
use crate::runbook::tree::{Branch, ConditionPlan};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChooseSpec {
    /// The first whose conditions are all true is suggested.
    pub branches: Vec<BranchSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchSpec {
    /// Unique within the step.
    pub id: BranchId,
    pub title: String,
    pub when: Vec<ConditionPlan>,
    pub steps: Vec<StepSpec>,
    #[serde(default)]
    pub from: Vec<String>,
    #[serde(default)]
    pub documented: Vec<String>,
    #[serde(default)]
    pub deviates: Option<String>,
    #[serde(default)]
    pub answers: Vec<String>,
}

impl ChooseSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        if self.branches.is_empty() {
            check.complain(&format!("{at}.branches"), "a branch step has no branches", None);
        }
        let mut known: Vec<&BranchId> = Vec::new();
        let mut branches = Vec::new();
        for (index, branch) in self.branches.iter().enumerate() {
            let at = format!("{at}.branches[{index}]");
            if known.contains(&&branch.id) {
                check.complain(&format!("{at}.id"), format!("the branch {} is there already", branch.id), None);
            }
            known.push(&branch.id);
            branches.push(branch.compile(&at, check));
        }
        Task::Choose(branches)
    }
}

impl BranchSpec {
    fn compile(&self, at: &str, check: &mut Checking<'_>) -> Branch {
        check.id(self.id.as_str(), &format!("{at}.id"));
        if self.when.is_empty() {
            let what = format!("the branch {} has no conditions, so nothing could suggest it", self.id);
            check.complain(&format!("{at}.when"), what, None);
        }
        if self.steps.is_empty() {
            let what = format!("the branch {} is empty; it needs at least a conclusion", self.id);
            check.complain(&format!("{at}.steps"), what, None);
        }
        check.conditions(&self.when, &format!("{at}.when"));
        let provenance = Provenance {
            from: self.from.clone(),
            documented: self.documented.clone(),
            deviates: self.deviates.clone(),
            answers: self.answers.clone(),
        };
        check.provenance(&provenance, at);
        Branch {
            id: self.id.clone(),
            title: self.title.clone(),
            when: self.when.clone(),
            steps: super::compile(&self.steps, &format!("{at}.steps"), check),
            provenance,
        }
    }
}
