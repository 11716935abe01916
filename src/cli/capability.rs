//! What the nodes of a target were found to be and to have, for programs: one form in snapshot, check and doctor.

use serde::Serialize;

use crate::base::text::{clean, count};
use crate::panes::Model;
use crate::panes::capability::{self, Capability, LackKind, Surface};
use crate::panes::model::Target;

/// Times are UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapabilitySnapshot {
    pub target: String,
    pub node: String,
    pub system: String,
    /// `documented`, `as_built`, `mixed`; null where no answer tells.
    pub surface: Option<&'static str>,
    pub versions: Vec<VersionSnapshot>,
    /// The reads that it answers.
    pub answers: Vec<String>,
    pub not_exposed: Vec<LackSnapshot>,
    pub fails: Vec<FailSnapshot>,
    pub not_asked: usize,
    /// Addresses at which something answers that is known for no system.
    pub not_recognised: Vec<String>,
    /// What answers in its place, in words.
    pub answers_as: Vec<String>,
    /// When the first answer since its last start came; null before one came.
    pub found_out: Option<String>,
    pub restarted: Option<RestartSnapshot>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionSnapshot {
    pub endpoint: String,
    pub version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LackSnapshot {
    pub what: String,
    /// `read`, `series`, or `absent` of a series that an exposition does not have now.
    pub kind: &'static str,
    /// How the node said so, of a read.
    pub how: Option<String>,
    /// What the document expects.
    pub expected: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailSnapshot {
    pub read: String,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RestartSnapshot {
    pub at: String,
    pub because: String,
}

impl CapabilitySnapshot {
    /// In one line: `node       node-1: as built · api 1.0.0 · 5 reads answered, 2 things not exposed`.
    #[must_use]
    pub fn line(&self) -> String {
        let versions = self.versions.iter().map(|said| format!("{} {}", said.endpoint, said.version));
        let versions = versions.collect::<Vec<_>>().join(", ");
        let surface = self
            .surface
            .map_or("not told by any answer", |surface| if surface == "as_built" { "as built" } else { surface });
        let mut said = format!("node       {}: surface {surface}", self.node);
        if !versions.is_empty() {
            said.push_str(&format!(" · version {versions}"));
        }
        said.push_str(&format!(" · {} answered", count(self.answers.len(), "read")));
        for (count, word) in [(self.not_exposed.len(), "not exposed"), (self.fails.len(), "failing")] {
            if count > 0 {
                said.push_str(&format!(", {count} {word}"));
            }
        }
        for words in &self.answers_as {
            said.push_str(&format!(" · {words}"));
        }
        said
    }
}

/// Of every node of a target that is asked anything over HTTP.
#[must_use]
pub fn of_target(model: &Model, target: &Target) -> Vec<CapabilitySnapshot> {
    capability::of_target(model, target).into_iter().map(|found| snapshot(target, found)).collect()
}

fn snapshot(target: &Target, found: Capability) -> CapabilitySnapshot {
    let plain = |text: &str| clean(text).into_owned();
    let lack = |lack: &capability::Lack| LackSnapshot {
        what: plain(&lack.what),
        kind: match lack.how {
            LackKind::Read(_) => "read",
            LackKind::Series => "series",
            LackKind::Absent => "absent",
        },
        how: match &lack.how {
            LackKind::Read(how) => Some(plain(how)),
            LackKind::Series | LackKind::Absent => None,
        },
        expected: plain(&lack.expected),
    };
    let fail = |(read, why): &(String, String)| FailSnapshot { read: plain(read), why: plain(why) };
    let version = |(endpoint, version): (String, String)| VersionSnapshot { endpoint, version };
    CapabilitySnapshot {
        target: target.id.to_string(),
        node: found.node.to_string(),
        system: target.system.id.to_string(),
        surface: match found.surface {
            Surface::Untold => None,
            Surface::Documented => Some("documented"),
            Surface::AsBuilt => Some("as_built"),
            Surface::Mixed => Some("mixed"),
        },
        not_exposed: found.lacks.iter().map(lack).collect(),
        fails: found.fails.iter().map(fail).collect(),
        versions: found.versions.into_iter().map(version).collect(),
        answers: found.answers,
        not_asked: found.not_asked,
        not_recognised: found.not_recognised,
        answers_as: found.answers_as.iter().map(|words| plain(words)).collect(),
        found_out: found.found_out.map(|at| at.wall.to_string()),
        restarted: found
            .restarted
            .map(|(at, because)| RestartSnapshot { at: at.wall.to_string(), because: because.to_string() }),
    }
}
