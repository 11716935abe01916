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
mod random;
mod record;
mod service;
mod surface;
mod timeline;

pub use fault::{AfterRestart, Delivery, Fault, FaultKind, Faults};
pub use model::{BLOCK_CAPACITY, Change, MEMPOOL_LIMIT, Node, Saved};
pub use record::{LogRecord, RECORDS_KEPT};
pub use service::{RESTART_MILLIS, Service, ServiceState, Verb};
pub use surface::{Answer, GAME_BUILD, Request, Surface};
pub use timeline::{Past, Timeline};

#[cfg(test)]
mod tests;
