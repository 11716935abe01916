//! Runbooks: the tree, the sealed sequence, the run, and the journal's vocabulary.
//!
//! ```text
//! steps/ compile a file ──► Runbook (tree) ──frozen in──► Record::RunOpened
//!                              │ a Sequence is confirmed
//!                              ▼
//!                        SealedSequence (hash) ──► the runner ──► Records ──► Run::fold
//! ```
//!
//! The run machine is sans-I/O. [`machine::Run`] is nothing but the fold of its journal; what should happen next is
//! proposed as records, and takes effect when the journal has them.
//!
//! [`plan`] shows a runbook without running it, [`lint`] judges it, [`argv`], [`request`] and [`template`] say what may
//! stand in an act, [`input`] what is taken from a person, and [`page`] writes for 80 columns.
//!
//! Must never: decide on an unknown verdict; change a run other than by a record.
//!
//! To add a kind of step: `steps/`. To add something that can happen in a run: a variant of [`record::Record`] and
//! its meaning in [`machine`].

pub mod argv;
#[cfg(test)]
mod fixture;
pub mod input;
pub mod lint;
pub mod machine;
pub mod page;
pub mod plan;
pub mod present;
pub mod record;
pub mod request;
pub mod seal;
pub mod template;
pub mod tree;

pub use machine::Run;
pub use present::Present;
pub use record::{Actor, Entry, Record};
pub use seal::SealedSequence;
pub use tree::{Runbook, SequencePlan, Step, Task};
