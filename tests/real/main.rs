//! Real parts: a Prometheus and a node exporter, a Prometheus to compare answers with, a PostgreSQL, and a systemd that
//! really restarts a unit.
//!
//! Run with `cargo test --test real`. Each test says what is missing where it can not run.

#![allow(clippy::disallowed_methods, reason = "tests touch the world to see what the program does to it")]

use std::net::TcpListener;

#[path = "../it/terminal.rs"]
#[allow(dead_code, reason = "the tests here use a part of it")]
mod terminal;

mod backfill;
mod exporters;
mod journald;
mod look;
mod machine;
mod postgres;
mod promql;
mod promql_api;
mod rules;
mod systemd;

/// Whether a program is installed; says so where it is not.
fn has(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    if !found {
        println!("not run: {program} is not installed here");
    }
    found
}

/// A port that nothing listens on now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}
