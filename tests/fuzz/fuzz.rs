//! Mutated input against everything that reads what the console did not write itself.
//!
//! `cargo bench --bench fuzz -- --seconds 60 [--seed N] [target …]` runs each target that long, says how often and
//! prints the seed first. A finding stops with the seed and the input, which belongs into a test. The targets hold the
//! readers to more than not failing: what came before, and how the bytes came, must change nothing.

#![allow(clippy::disallowed_methods, reason = "a fuzzer reads clocks and files")]

mod mutate;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mutate::Mutator;
use targets::{TARGETS, Target};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut seconds, mut seed, mut wanted) = (10, None, Vec::new());
    while let Some(argument) = arguments.next() {
        let number = |next: Option<String>| next.and_then(|text| text.parse::<u64>().ok()).expect("a number");
        match argument.as_str() {
            // `cargo test --benches` asks for nothing.
            "--test" => return,
            "--seconds" => seconds = number(arguments.next()),
            "--seed" => seed = Some(number(arguments.next())),
            _ => wanted.push(argument),
        }
    }
    let chance = || u64::from_le_bytes(opsconsole::shell::random_bytes().expect("chance"));
    let seed = seed.unwrap_or_else(chance);
    println!("seed {seed}");
    let chosen = TARGETS.iter().filter(|target| wanted.is_empty() || wanted.iter().any(|word| word == target.name));
    let findings = chosen.filter(|target| !holds(target, Duration::from_secs(seconds), seed)).count();
    std::process::exit(i32::from(findings > 0));
}

/// Runs one target for this long; whether nothing was found.
fn holds(target: &Target, time: Duration, seed: u64) -> bool {
    let mut mutator = Mutator::new(seed, (target.seeds)(), target.words);
    let mut run = (target.start)();
    let (began, mut executions, mut bytes) = (Instant::now(), 0_u64, 0_u64);
    while began.elapsed() < time {
        let input = mutator.next();
        let slow = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&input)));
        let took = slow.elapsed();
        if outcome.is_err() || took > Duration::from_secs(2) {
            println!("{}: FOUND after {executions} executions, {took:?}, seed {seed}", target.name);
            println!("  {}", input.escape_ascii());
            return false;
        }
        executions += 1;
        bytes += input.len() as u64;
    }
    let per_second = executions as f64 / began.elapsed().as_secs_f64();
    println!(
        "{:<14} {executions:>10} executions, {per_second:>8.0} a second, {} bytes each, nothing found",
        target.name,
        bytes / executions.max(1)
    );
    true
}
