//! The rules of the system: its principles, what is never and what is always done, whom to tell and how fast. They hold
//! in every runbook, so they can be looked at from each.

use crate::base::text::count;
use crate::panes::model::Target;
use crate::systems::{PolicyKind, SystemSpec};
use crate::ui::Role;
use crate::ui::widget::Rows;

pub(super) fn describe(rows: &mut Rows, target: &Target) {
    let spec = &target.system.spec;
    for kind in PolicyKind::ALL {
        let mut texts = spec.policies.iter().filter(|policy| policy.kind == kind).peekable();
        if texts.peek().is_none() {
            continue;
        }
        rows.heading(kind.word());
        for policy in texts {
            let from = (Role::Dim, format!("  {}", policy.provenance.from.join(", ")));
            let before = rows.len();
            rows.prose(0, Role::Text, &policy.text);
            if rows.len() > before && !policy.provenance.from.is_empty() {
                rows.parts(2, vec![from]);
            }
            for documented in &policy.provenance.documented {
                rows.prose(4, Role::Dim, documented);
            }
        }
    }
    rows.heading("whom to tell");
    for row in &spec.escalation {
        let within = count(row.respond_within_minutes, "minute");
        rows.pair(0, row.severity.word(), Role::Text, &format!("{} within {within}", row.contacts.join(", ")));
    }
    for contact in &spec.contacts {
        rows.pair(0, &contact.label, Role::Text, &contact.at);
    }
}

/// The same in single sentences, for help.
#[must_use]
pub fn sentences(spec: &SystemSpec) -> Vec<String> {
    let policies = spec.policies.iter().map(|policy| format!("{}: {}", policy.kind.word(), policy.text));
    let escalation = spec.escalation.iter().map(|row| {
        let within = count(row.respond_within_minutes, "minute");
        format!("{}: tell {} within {within}", row.severity.word(), row.contacts.join(", "))
    });
    let contacts = spec.contacts.iter().map(|contact| format!("{}: {}", contact.label, contact.at));
    policies.chain(escalation).chain(contacts).collect()
}
