//! An input: a value that a person gives, checked before it is taken. `{name}` stands for it in the steps after this
//! one: as one literal argument, one number, or the text of a label's value.

use serde::{Deserialize, Serialize};

use super::checking::Checking;
use crate::runbook::Task;
use crate::runbook::tree::{Accepts, InputPlan};
use crate::sources::jq;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputSpec {
    /// As it will stand between braces. No setting is called so.
    pub name: String,
    /// What is asked for, as a phrase.
    pub asks: String,
    pub accepts: Accepts,
}

impl InputSpec {
    pub(super) fn compile(&self, at: &str, check: &mut Checking<'_>) -> Task {
        match &self.accepts {
            Accepts::Text => {}
            Accepts::Integer { least, most } if least <= most => {}
            Accepts::Integer { least, most } => {
                check.complain(&format!("{at}.accepts"), format!("no number is from {least} to {most}"), None);
            }
            Accepts::OneOf(known) => {
                if known.is_empty() {
                    check.complain(&format!("{at}.accepts"), "one of nothing can not be given", None);
                }
            }
            Accepts::LabelValues { expr, .. } => check.expr(expr, &format!("{at}.accepts.expr")),
            Accepts::Document { jq: filter, .. } => {
                if let Err(why) = jq::Filter::compile(filter, &[]) {
                    check.complain(&format!("{at}.accepts.jq"), why, None);
                }
            }
        }
        if self.asks.trim().is_empty() {
            check.complain(&format!("{at}.asks"), "an input does not say what it asks for", None);
        }
        check.declare_input(&self.name, &format!("{at}.name"));
        Task::Ask(InputPlan { name: self.name.clone(), asks: self.asks.clone(), accepts: self.accepts.clone() })
    }
}
