//! The hidden subcommand that executes a committed sequence.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use color_eyre::eyre::{Result, eyre};

use crate::base::{Digest, RunId};
use crate::shell::runner;
use crate::shell::state_root::StateRoot;

#[derive(Debug, Args)]
pub struct RunnerArgs {
    #[arg(long)]
    state_root: PathBuf,
    #[arg(long)]
    run: String,
    #[arg(long)]
    hash: Digest,
}

/// Runs it to its end.
///
/// # Errors
/// The state root can not be used.
pub fn run(args: RunnerArgs) -> Result<ExitCode> {
    let root = StateRoot::find(Some(&args.state_root)).map_err(|error| eyre!("{error}"))?;
    let run = RunId::new(&args.run);
    Ok(crate::shell::runtime()?.block_on(runner::main(&root, &run, &args.hash)))
}
