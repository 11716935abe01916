//! Runs a program that only reads, and takes what it puts out.

use std::path::Path;

use super::shown;
use crate::model::{CommandAnswer, CommandRequest, FetchFailure};
use crate::shell::child::{self, Ended};
use crate::shell::resolve;

/// Runs the program to its end.
///
/// # Errors
/// It is not run as it stands, did not end in time, was ended by a signal, or put out too much.
pub async fn run(request: &CommandRequest) -> Result<CommandAnswer, FetchFailure> {
    let (name, arguments) =
        request.argv.split_first().ok_or_else(|| FetchFailure::NotRun { why: "the command is empty".to_owned() })?;
    let path = resolve::reading_program(request.within.as_deref(), name)
        .map_err(|error| FetchFailure::NotRun { why: error.to_string() })?;
    let argv: Vec<String> = std::iter::once(path.display().to_string()).chain(arguments.iter().cloned()).collect();
    let said = child::read(&argv, request.timeout, request.limit_bytes)
        .await
        .map_err(|error| FetchFailure::NotRun { why: format!("{}: {error}", path.display()) })?;
    if said.overflowed {
        return Err(FetchFailure::TooLarge { limit_bytes: request.limit_bytes });
    }
    let program = Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let complaint = shown(child::lines(&said.stderr).lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
    match said.ended {
        Ended::Exited { code } => Ok(CommandAnswer { code, stdout: said.stdout, complaint }),
        Ended::Signalled { signal } => Err(FetchFailure::Signalled { program, signal, complaint }),
        Ended::OverTime { why } => {
            // `why` begins with how long it ran, which the failure says itself.
            let how = why.split_once("; it ").map_or(why.as_str(), |(_, how)| how);
            let how = how.strip_prefix("was ").unwrap_or(how).to_owned();
            Err(FetchFailure::StillRunning { program, after: request.timeout, how })
        }
        Ended::Lost { why } => Err(FetchFailure::Other { detail: format!("{program}: {why}") }),
    }
}
