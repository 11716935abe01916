//! Leaf vocabulary: what every other folder speaks.
//!
//! Two-clock time, typed ids, secret references, hostile text made harmless, digests, bounded rings, units and keys.
//! Nothing here knows what a node, a series or a pane is, and nothing here can fail for a reason outside its arguments.
//!
//! Must never: read a clock, a file or the environment; depend on any other folder of the house.
//!
//! To add a word of vocabulary: one file here, if at least two folders speak it.

pub mod digest;
pub mod id;
pub mod key;
pub mod problem;
pub mod provenance;
pub mod ring;
pub mod ron_text;
pub mod ron_tree;
pub mod secret;
pub mod text;
pub mod time;
pub mod unit;

pub use digest::Digest;
pub use id::{
    ActId, BranchId, EndpointId, NodeId, PanelId, RunId, RunbookId, SequenceId, SourceId, StepId, SystemId, TargetId,
};
pub use key::{Key, KeyCode};
pub use problem::Problem;
pub use provenance::{Provenance, Severity};
pub use ring::Ring;
pub use secret::{Credentials, SecretRef};
pub use time::{At, Boot, Wall};
pub use unit::Unit;
