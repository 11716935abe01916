//! What the operator writes: targets and options. Serde types, validation, and problems with their place.
//!
//! Must never: read a file itself, rewrite an operator's file, or hold a secret (only references).
//!
//! To add an option: a field of the spec it belongs to, with its default and its sentence.

pub mod target;

pub use target::{ConfigSpec, DemoSpec, EndpointAddressSpec, NodeSpec, TargetSpec};
