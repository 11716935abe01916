//! Everything that needs more than one module, or the real binary.
//!
//! What needs a real Prometheus or a real systemd lives in `tests/real/`, which plain `cargo test` leaves out.

#![allow(clippy::disallowed_methods, reason = "tests touch the world to see what the program does to it")]

mod acting;
mod backfill;
mod backups;
mod capability;
mod config;
mod confirming;
mod exploring;
mod faults;
mod fixtures;
mod hostile;
mod house;
mod incident;
mod kills;
mod link;
mod literal;
mod looking;
mod looks;
mod people;
mod pictures;
mod pty;
mod random_keys;
mod reconciling;
mod recording;
mod rules;
mod said;
mod scenarios;
mod secrets;
mod stage;
mod terminal;
mod walking;
