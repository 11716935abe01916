//! Simulated deployments that are data: `src/systems/SYSTEM/world.ron`, embedded as the other files of a system are.
//!
//! [`Script`] is such a file, read and checked; [`World`] is one, alive: pure, deterministic, seeded. A
//! [`Timeline`](super::timeline::Timeline) of it lives its past again, exactly.
//!
//! ```text
//! world.ron ─► spec ─► script ─► state (a second at a time: cell, voice, limit) ─► view ─► answer, machine
//! ```
//!
//! The file is one RON value; `spec` has every field with what it means and what it is where it is left out.
//!
//! | part | what it says |
//! |---|---|
//! | `nodes` | the members, and the ports of each; a port stands for endpoints of `system.ron` |
//! | `settings` | what the demo's target sets; `{folder}` is the folder of this system |
//! | `units` | systemd units, and the nodes that live and end with each |
//! | `variables` | what has a value at every moment, per node and per series: `Counter`, `Gauge`, `Walk`, `Histogram`, `Height`, `Hash`, `State`, `Flag`, `Time`, `Uptime`, and `Of` what a jq program makes of those above |
//! | `endpoints` | what a path of a port answers, on which surface: `Json` by jq, `Exposition`, `Rpc`, `Page`, `Query` |
//! | `logs` | what is said, how often, in which journal and which file |
//! | `files`, `disks`, `programs` | what sources read of the machine, by jq |
//! | `faults` | name, sentence, lines of the document, surfaces, and effects: on variables, endpoints, logs, nodes, units, files |
//!
//! A jq program sees what [`World::view`] says: the variables of its node by their names, those of all nodes as
//! `.nodes.NODE`, the time as `.now`, `.now_seconds` and `.now_millis`. The faults of the way to a node (refused, slow,
//! truncated and so on) are those of every simulation and are written in no file.
//!
//! Must never: read a clock, open a socket, or know a chain's name.
//!
//! To add a kind of variable, of answer or of effect: its variant in `spec`, then where the compiler says.

mod answer;
mod cell;
mod exposition;
mod limit;
mod machine;
mod query;
mod rpc;
mod script;
pub mod spec;
mod state;
mod view;
mod voice;

pub use machine::{Disk, Lying, Ran};
pub use script::{Script, on_the_way};
pub use state::{Change, World};

#[cfg(test)]
mod tests;
