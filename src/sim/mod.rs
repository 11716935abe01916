//! The demo: simulated systems on loopback. The core is a pure `answer(at, request)`; the server around it is small.
//!
//! ```text
//! volchain/   the node and its past, pure
//! stage       the node on the machine's clock, shared by the two listeners
//! server      the node's own port, which can misbehave          control   the port that takes faults and commands
//! serve       both, from start to end, in one scratch folder    folder    that folder
//! client      how a console drives a running demo               systemctl the executable that its runbooks run
//! logfile     what the node says, in the folder                 journalctl the same for those who ask systemd's journal
//! backend     the node's files in the folder, its backups and its drop-ins
//! played      what a rehearsal's acts do to files and units
//! machine     files, units and programs for a rehearsal, without any of them
//! ```
//!
//! Must never: answer anything but loopback, or let a fault be cured by what would not cure it on a real node.
//!
//! To add a system: one folder with its model beside `volchain/`.

mod backend;
pub mod client;
mod control;
mod error;
pub mod folder;
mod http;
pub mod journalctl;
mod life;
mod logfile;
mod machine;
mod played;
pub mod rehearsal;
pub mod serve;
mod server;
mod stage;
pub mod systemctl;
pub mod volchain;

pub use client::{Control, FaultState};
pub use error::SimError;
pub use folder::DemoFolder;
pub use serve::{ServeOptions, Served, serve};
pub use volchain::Surface;

#[cfg(test)]
mod alert_tests;
#[cfg(test)]
mod tests;
