//! What a demo says of its faults, and what can be asked of it: plain facts, so that a console can show them without
//! knowing what simulates them.

use serde::{Deserialize, Serialize};

use crate::base::Wall;

/// What a fault disturbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The chain or its service.
    #[serde(alias = "Chain")]
    Chain,
    /// The way the node answers.
    #[serde(alias = "Endpoint")]
    Endpoint,
}

/// A fault of the demo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultState {
    /// The system that it is in.
    #[serde(default)]
    pub system: String,
    pub name: String,
    pub sentence: String,
    pub kind: FaultKind,
    pub on: bool,
    /// Since when it is on; nothing where it is off, or where the demo is of a version that did not tell.
    #[serde(default)]
    pub since: Option<Wall>,
    /// The alerts of its system that fire for it on the surface that is simulated.
    #[serde(default)]
    pub raises: Vec<String>,
    /// Whether a restart of the unit that it is in ends it.
    #[serde(default)]
    pub ends_by_restart: bool,
}

/// What a console asks of the demo that it looks at. Nothing of it reaches anything real.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DemoOrder {
    /// Tell every fault.
    Tell,
    Switch {
        system: String,
        name: String,
        on: bool,
    },
    /// Switch every fault off: of this system, or of all where none is named.
    Cure {
        system: Option<String>,
    },
    /// Tell the faults that are on, and no others: what a console asks by itself every few seconds.
    TellOn,
}

impl FaultState {
    /// `system/name`, as it is switched.
    #[must_use]
    pub fn whole_name(&self) -> String {
        format!("{}/{}", self.system, self.name)
    }
}
