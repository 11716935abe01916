//! Everything that touches the world: the loop, the terminal guard, pollers, the runner, the journal's files, the
//! recorder and the loader.
//!
//! ```text
//! console   the one loop            driver    effects, one arm each      ledger   the journal's writer and reader
//! terminal  keys in, frames out     signals   what the system says       clock    both clocks
//! fetch     one bounded read        poller    sources in their rhythm    headless the loop without a terminal
//! walk      a runbook without a terminal, up to what is a person's to decide
//! runner    a committed sequence    proof     host and privilege         resolve  names to absolute paths
//! identify  who answers, where it is not the configured system
//! reload    themes and keymaps, again when their files change                  text_file what an operator wrote
//! journal   the files               lock      who may act                state_root where it all lives
//! demo      what a menu asks of what is simulated
//! alarm     when to look again          remembered clocks and claims of alerts, kept for the next console
//! ```
//!
//! Must never: decide. The shell carries out effects and reports facts; what they mean is the core's business.
//!
//! To add a primitive of I/O: a variant of `Fetch`, `Exec` or `Effect`, and its one arm here.

pub mod actor;
pub mod alarm;
pub mod backfill;
pub mod child;
pub mod clock;
pub mod collect;
pub mod console;
pub mod demo;
pub mod discover;
pub mod driver;
#[cfg(test)]
pub mod eventually;
pub mod examine;
pub mod fetch;
pub mod file_act;
pub mod headless;
pub mod identify;
pub mod journal;
pub mod ledger;
pub mod lock;
pub mod poller;
pub mod prometheus;
pub mod proof;
pub mod recorder;
pub mod reload;
pub mod remembered;
pub mod resolve;
pub mod runner;
pub mod secrets;
pub mod signals;
pub mod slo_log;
pub mod spawn;
pub mod state_root;
pub mod terminal;
pub mod text_file;
pub mod walk;

use std::io::{self, Read};

pub use state_root::StateRoot;

/// The runtime of a console, a runner or a look: one thread, because there is one loop.
///
/// # Errors
/// The system has no resources left for one.
pub fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()
}

/// Bytes that nobody can know beforehand.
///
/// # Errors
/// The system's source of randomness can not be read.
#[expect(clippy::disallowed_methods, reason = "the shell reads files")]
pub fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
