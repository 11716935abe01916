//! `opsconsole rules`: what promtool does with rule files, with its verdicts and exit codes.
//!
//! Must never: call a file good that could not be read, or a test passed that could not be run.
//!
//! To add a subcommand: a variant of [`Command`] and one file.

mod check;
mod glob;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use color_eyre::eyre::Result;

use crate::promql::Dialect;

#[derive(Debug, Args)]
pub struct RulesArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read rule files and print every mistake in them: exit code 0 or 1
    Check(FilesArgs),
    /// Run promtool's unit tests of rules: exit code 0 or 1
    Test(FilesArgs),
}

#[derive(Debug, Args)]
pub(super) struct FilesArgs {
    /// The files, in the order in which they are told of
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The Prometheus that the rules were written for
    #[arg(long, value_name = "2|3", default_value = "3")]
    prometheus: Dialect,
}

/// Runs a subcommand. Every mistake of a file has been printed.
///
/// # Errors
/// None at present.
pub fn run(args: &RulesArgs) -> Result<ExitCode> {
    let good = match &args.command {
        Command::Check(args) => check::run(args),
        Command::Test(args) => test::run(args),
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says on standard error that a file failed, and why, made harmless line by line.
fn failed(why: &[String]) {
    eprintln!("  FAILED:");
    for line in why.iter().flat_map(|text| text.lines()) {
        eprintln!("{}", crate::base::text::clean(line));
    }
}
