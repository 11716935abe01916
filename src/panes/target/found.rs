//! What was found out about the nodes of a target: their surface and version, what they answer, what they do not
//! expose with what the document expects, and since when that is known.

use crate::panes::capability::{Capability, LackKind};
use crate::panes::model::{Model, Target};
use crate::panes::words::ago;
use crate::ui::Role;
use crate::ui::widget::Rows;

/// Who else answers in the place of a node: what nobody may overlook.
pub(super) fn others(rows: &mut Rows, found: &[Capability]) {
    for words in found.iter().flat_map(|one| &one.answers_as) {
        rows.pair(0, "another", Role::Critical, words);
    }
}

pub(super) fn rows(rows: &mut Rows, model: &Model, target: &Target, found: &[Capability]) {
    let one_alone = target.spec.nodes.len() < 2;
    for one in found {
        let of = if one_alone { String::new() } else { format!("{}: ", one.node) };
        said(rows, model, one, &of);
    }
    for one in found {
        lacking(rows, one);
    }
}

/// Surface, version, reads, and when that was found out; each behind the name of the node where there are several.
fn said(rows: &mut Rows, model: &Model, found: &Capability, of: &str) {
    rows.pair(0, "surface", Role::Text, &format!("{of}{}", found.surface.words()));
    let versions: Vec<String> =
        found.versions.iter().map(|(endpoint, version)| format!("{endpoint} {version}")).collect();
    let versions = if versions.is_empty() { "none of its answers says one".to_owned() } else { versions.join(", ") };
    rows.pair(0, "version", Role::Text, &format!("{of}{versions}"));
    rows.pair(0, "answers", Role::Text, &format!("{of}{}", found.reads()));
    let since = match found.found_out {
        Some(at) => format!("{} UTC, {}", at.wall.clock(), ago(model.now, at)),
        None => "not yet: nothing has answered".to_owned(),
    };
    let again = match &found.restarted {
        Some((at, why)) => format!("; asked anew after a restart at {} UTC, because {why}", at.wall.clock()),
        None => String::new(),
    };
    rows.pair(0, "found out", Role::Dim, &format!("{of}{since}{again}"));
    for base_url in &found.not_recognised {
        let words = format!("{of}what answers at {base_url} is not known for this system, nor for any other");
        rows.pair(0, "doubt", Role::Warning, &words);
    }
    for (read, why) in &found.fails {
        rows.pair(0, "fails", Role::Critical, &format!("{of}{read}: {why}"));
    }
}

fn lacking(rows: &mut Rows, found: &Capability) {
    for lack in &found.lacks {
        let role = match lack.how {
            LackKind::Read(_) | LackKind::Series => Role::NotExposed,
            LackKind::Absent => Role::Unknown,
        };
        rows.pair(0, "lacks", role, &lack.words());
    }
}
