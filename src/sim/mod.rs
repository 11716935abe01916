//! The demo: simulated systems on loopback. The core is a pure `answer(at, request)`; the server around it is small.
//!
//! ```text
//! volchain/   the one system whose model is written by hand     world/    all others, which are data; both pure
//! simulation  the seam: what is simulated, and one at play      timeline  a model with its past
//! exchange    requests, answers, surfaces                       service   a unit as systemd tells of it
//! stage       a system on the machine's clock, shared by its listeners and the control listener
//! server      a port of a system, which can misbehave           control   the port that takes faults and commands
//! serve       all systems, from start to end, in one folder     folder    that folder
//! filing      the files of the worlds, in the folder            run       the programs of the worlds, for their sources
//! desk        what the menu of a console asks for
//! client      how a console drives a running demo               systemctl the executable that its runbooks run
//! logfile     what the node says, in the folder                 journalctl the same for those who ask systemd's journal
//! backend     the node's files in the folder, its backups and its drop-ins
//! played      what a rehearsal's acts do to files and units
//! machine     files, units and programs for a rehearsal, without any of them
//! drill       every fault of a world on simulated time, and what the console made of it
//! ```
//!
//! Must never: answer anything but loopback, or let a fault be cured by what would not cure it on a real node.
//!
//! To add a system: `world.ron` in its folder of `src/systems/`; see `world/`.

mod backend;
pub mod client;
mod control;
mod desk;
pub mod drill;
mod error;
mod exchange;
mod filing;
pub mod folder;
mod http;
pub mod journalctl;
mod life;
mod logfile;
mod machine;
mod played;
mod random;
mod record;
pub mod rehearsal;
pub mod run;
pub mod serve;
mod server;
mod service;
pub mod simulation;
mod stage;
pub mod systemctl;
mod timeline;
pub mod volchain;
pub mod world;

pub use client::{Control, FaultState};
pub use desk::desk;
pub use error::SimError;
pub use exchange::{Request, Surface};
pub use folder::DemoFolder;
pub use serve::{ServeOptions, Served, ServedSystem, serve};
pub use simulation::Simulation;
pub use timeline::Past;

#[cfg(test)]
mod alert_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod visible_tests;
