//! A checklist: items that a person sees to one by one. It is done when each was ticked off, or called not applicable
//! with a reason.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::base::{ActId, Provenance};
use crate::runbook::Task;
use crate::runbook::tree::ItemPlan;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChecklistSpec {
    pub items: Vec<ItemSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemSpec {
    /// Unique within the checklist.
    pub id: ActId,
    pub text: String,
    #[serde(default)]
    pub from: Vec<String>,
    #[serde(default)]
    pub documented: Vec<String>,
    #[serde(default)]
    pub deviates: Option<String>,
    #[serde(default)]
    pub answers: Vec<String>,
}

impl ChecklistSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        if self.items.is_empty() {
            check.complain(&format!("{at}.items"), "a checklist without items", None);
        }
        let mut ids = BTreeSet::new();
        let items = self.items.iter().enumerate().map(|(index, item)| {
            let at = format!("{at}.items[{index}]");
            check.id(item.id.as_str(), &format!("{at}.id"));
            if !ids.insert(&item.id) {
                check.complain(&format!("{at}.id"), format!("the item {} is there already", item.id), None);
            }
            if item.text.trim().is_empty() {
                check.complain(&format!("{at}.text"), "an item does not say what to see to", None);
            }
            let provenance = Provenance {
                from: item.from.clone(),
                documented: item.documented.clone(),
                deviates: item.deviates.clone(),
                answers: item.answers.clone(),
            };
            check.provenance(&provenance, &at);
            ItemPlan { id: item.id.clone(), text: item.text.clone(), provenance }
        });
        Task::Tick(items.collect())
    }
}
