//! `opsconsole runbook run` without a terminal: how far it goes, and that it is nobody else's hand.

use std::process::{Command, Output};

use crate::terminal::{Chain, PROGRAM};

fn walk(chain: &Chain, runbook: &str, within: &str) -> (Option<i32>, String) {
    let state = chain.state().display().to_string();
    let config = chain.config().display().to_string();
    let args = ["runbook", "run", runbook, "--headless", "--within", within];
    let told: Output = Command::new(PROGRAM)
        .args(["--config", &config, "--state-root", &state])
        .args(args)
        .output()
        .expect("the program runs");
    (told.status.code(), String::from_utf8_lossy(&told.stdout).into_owned())
}

#[test]
fn a_walk_says_what_it_read_and_leaves_the_runs_of_others_alone() {
    let chain = Chain::serve("producer-stuck", 300);
    // Whether a block was sealed in the last minute is not known before a minute has passed.
    let (code, told) = walk(&chain, "stale-blocks", "4");
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("observed 7 values at step look"), "{told}");
    assert!(told.contains("measured: height: "), "{told}");
    let (code, told) = walk(&chain, "stale-blocks", "20");
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("nothing was done: stale blocks is open on this target already"), "{told}");
    assert!(!told.contains("closed the run"), "{told}");
    let (code, told) = walk(&chain, "health-check-commands", "60");
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("ended: "), "{told}");
}
