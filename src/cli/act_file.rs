//! The hidden subcommand that carries out one file act of a committed sequence.

use std::process::ExitCode;

use clap::Args;
use color_eyre::eyre::Result;

use crate::base::text;
use crate::shell::{clock, file_act};

#[derive(Debug, Args)]
pub struct ActFileArgs {
    /// The act, as it was sealed
    order: String,
}

/// Does it, and says what it did.
///
/// # Errors
/// None; a failure is said, and is exit code 1.
pub fn run(args: &ActFileArgs) -> Result<ExitCode> {
    match file_act::carry_out(&args.order, clock::now().wall) {
        Ok(said) => {
            said.iter().for_each(|line| say_line!("{}", text::escaped(line)));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            eprintln!("opsconsole: {}", text::escaped(&error.to_string()));
            Ok(ExitCode::FAILURE)
        }
    }
}
