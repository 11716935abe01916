//! A simulated VolChain node: alive, deterministic, and as stubborn as a real one.
//!
//! [`Node`] is pure: a seed, a start and a sequence of moments give the same chain every time, so that hours pass in
//! milliseconds and every answer can be produced again. [`Timeline`] keeps the recent past of a node, which is what
//! the console's back-fill reads.
//!
//! ```text
//! Change (a fault, a service command) ─► Timeline ─► Node ─► Answer (one of two surfaces)
//! ```
//!
//! Must never: read a clock, open a socket, or answer a field that the surface does not have.
//!
//! To add a fault: one variant in `fault.rs` with its sentence and what a restart does to it, and the place in
//! `model.rs` that it disturbs. To add a read: one arm in `surface.rs`.

mod fault;
mod model;
mod surface;

pub use super::exchange::{Answer, Delivery, Request, Surface};
use super::random::Random;
pub use super::record::{LogRecord, RECORDS_KEPT};
pub use super::service::{RESTART_MILLIS, Service, ServiceState, Verb};
pub use super::timeline::{Lives, Past};
pub use fault::{AfterRestart, Fault, FaultKind, Faults};
pub use model::{BLOCK_CAPACITY, Change, MEMPOOL_LIMIT, Node, Saved};
pub use surface::GAME_BUILD;

/// The unit that holds the node.
pub const UNIT: &str = "volchain-backend.service";

/// A node that remembers its last minutes.
pub type Timeline = super::timeline::Timeline<Node>;

#[cfg(test)]
mod tests;
