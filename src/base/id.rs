//! Typed ids: a target's name can not be passed where a source's is meant.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from(text.as_ref()))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    )*};
}

ids! {
    /// A kind of chain node, named like its folder in `systems/`.
    SystemId
    /// One deployment of a system, as named in the operator's configuration.
    TargetId
    /// One member of a target.
    NodeId
    /// One address of a node.
    EndpointId
    /// One polled source of one endpoint: `target/node/endpoint/source`.
    SourceId
    /// A panel of a system.
    PanelId
    /// A runbook of a system: `system/file-name`.
    RunbookId
    /// One walk through a runbook on one target; names its journal file.
    RunId
    /// A step of a runbook, unique within it.
    StepId
    /// A branch of a step.
    BranchId
    /// A sequence of a runbook, unique within it.
    SequenceId
    /// One act of a sequence.
    ActId
}

impl SourceId {
    /// The id of `source`, as the system names it, on one endpoint of one node of a target.
    #[must_use]
    pub fn of(target: &TargetId, node: &NodeId, endpoint: &EndpointId, source: &str) -> SourceId {
        SourceId::new(format!("{target}/{node}/{endpoint}/{source}"))
    }

    /// What the ids of all sources of the same endpoint begin with: `target/node/endpoint/`.
    #[must_use]
    pub fn endpoint_folder(&self) -> &str {
        self.folder(0)
    }

    /// What the ids of all sources of the same node begin with: `target/node/`.
    #[must_use]
    pub fn node_folder(&self) -> &str {
        self.folder(1)
    }

    /// Up to the slash before its last `above` + 1 names.
    fn folder(&self, above: usize) -> &str {
        let end = self.0.rmatch_indices('/').nth(above).map_or(0, |(at, slash)| at + slash.len());
        &self.0[..end]
    }
}
