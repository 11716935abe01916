//! `opsconsole man`: the manual pages, from the definition that also parses and helps.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use color_eyre::eyre::{Result, WrapErr, bail};

use super::Cli;

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Print the page of this command instead, such as: config check
    #[arg(value_name = "COMMAND", conflicts_with = "out")]
    command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints a page in roff, for `man -l -`, or writes them all.
///
/// # Errors
/// There is no such command, or the folder can not be written.
pub fn run(args: &ManArgs) -> Result<ExitCode> {
    let pages = pages()?;
    if let Some(folder) = &args.out {
        std::fs::create_dir_all(folder).wrap_err_with(|| folder.display().to_string())?;
        for (name, page) in &pages {
            write(&folder.join(format!("{name}.1")), page)?;
        }
        say_line!("{} pages are in {}", pages.len(), folder.display());
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = std::iter::once("opsconsole").chain(args.command.iter().map(String::as_str)).collect::<Vec<_>>();
    match pages.iter().find(|(name, _)| *name == wanted.join("-")) {
        Some((_, page)) => say!("{page}"),
        None => bail!("there is no command {:?}; opsconsole --help lists them", args.command.join(" ")),
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "the command line writes the files that it was asked for")]
fn write(path: &Path, page: &str) -> Result<()> {
    std::fs::write(path, page).wrap_err_with(|| path.display().to_string())
}

/// Every page: its name and its roff.
fn pages() -> Result<Vec<(String, String)>> {
    let mut command = Cli::command();
    command.build();
    let mut pages = Vec::new();
    collect(&command, "opsconsole", &mut pages)?;
    Ok(pages)
}

fn collect(command: &Command, name: &str, pages: &mut Vec<(String, String)>) -> Result<()> {
    let mut roff = Vec::new();
    // The name of a page is that of its file; what is typed has a space instead of the dash.
    Man::new(command.clone().display_name(name)).render(&mut roff)?;
    pages.push((name.to_owned(), String::from_utf8_lossy(&roff).into_owned()));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        collect(inner, &format!("{name}-{}", inner.get_name()), pages)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_command(command: &Command, visit: &mut impl FnMut(&Command)) {
        visit(command);
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            each_command(inner, visit);
        }
    }

    #[test]
    fn every_command_and_option_says_what_it_is_for() {
        each_command(&Cli::command(), &mut |command| {
            assert!(command.get_about().is_some(), "{} says nothing", command.get_name());
            for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
                assert!(arg.get_help().is_some(), "{} of {} says nothing", arg.get_id(), command.get_name());
            }
        });
    }

    #[test]
    fn every_command_has_a_page() {
        let pages = pages().expect("they can be written");
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["opsconsole", "opsconsole-config", "opsconsole-config-check", "opsconsole-doctor"] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert!(!names.contains(&"opsconsole-runner"), "what is hidden has no page");
        for (name, page) in &pages {
            assert!(page.contains(".SH SYNOPSIS") && page.contains(&format!(".TH {name} ")), "{name}: {page:.200}");
        }
    }
}
