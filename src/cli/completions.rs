//! `opsconsole completions SHELL`: from the definition that also parses and helps.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use color_eyre::eyre::Result;

use super::Cli;

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell to complete in
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the completions of a shell.
///
/// # Errors
/// Never.
pub fn run(args: &CompletionsArgs) -> Result<ExitCode> {
    say!("{}", completions(args.shell));
    Ok(ExitCode::SUCCESS)
}

fn completions(shell: Shell) -> String {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "opsconsole", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let text = completions(shell);
            for name in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
                assert!(text.contains(name.get_name()), "{shell}: {}", name.get_name());
            }
        }
    }
}
