//! `opsconsole runbook run`: a runbook in the console, or without a terminal as far as that goes.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use color_eyre::eyre::{Result, bail};

use crate::app::walking::{Halt, Wanted};
use crate::base::text::clean;
use crate::cli::report::details;
use crate::cli::{Common, journal, load};
use crate::model::Batch;
use crate::shell::{self, walk};
use crate::sim;
use crate::systems::System;

/// What `--help` says.
pub const LONG_ABOUT: &str = "\
Run a runbook: in the console, or without a terminal up to what is for a person to decide

With a terminal the console starts with the runbook open, or with its run where one is open already.

Without one its diagnosis runs, the branch that the evidence suggests is taken, and every entry of the
run's journal is printed. It ends before the first act, and before anything else that a person does or
says; nothing is ever changed. The console goes on with the run from there.

Exit codes without a terminal: 0 the runbook came to its end, 1 it waits for a person, 2 the time was
over first, 3 it could not be run. Where a run of the runbook is open already, nothing is done (1).";

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Its name, such as stale-blocks, or with its system before it
    runbook: String,
    /// The target; the only one of its system where it is not named
    #[arg(long)]
    target: Option<String>,
    /// Do not use the terminal, even if there is one
    #[arg(long)]
    headless: bool,
    /// Without a terminal: give up after this time
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    within: u64,
    /// Without a terminal: print the entries as JSON, one a line
    #[arg(long)]
    json: bool,
}

const ENDED: u8 = 0;
const WAITS: u8 = 1;
const OVER: u8 = 2;

/// Opens the runbook, and walks it where there is no terminal.
///
/// # Errors
/// There is no such runbook or target, or the console can not start.
pub fn run(common: &Common, args: &RunArgs, systems: &[Arc<System>]) -> Result<ExitCode> {
    let configured = load::targets(common)?;
    let target = super::meant(systems, &configured.config, &args.runbook, args.target.as_deref())?;
    let (system, runbook) = match super::find(systems, &args.runbook) {
        Ok(found) => found,
        Err(output) => bail!("{}", output.text.trim_end()),
    };
    if system.id != target.system {
        bail!("{} is a runbook of {}, and {} is a target of {}", runbook.id, system.id, target.id, target.system);
    }
    let wanted = Wanted { target: target.id.clone(), runbook: runbook.id.clone() };
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal() && !args.headless && !args.json;
    let mut loaded = load::seen(common, configured)?;
    loaded.setup.wanted = Some(wanted);
    if terminal {
        let history = async { Vec::<Batch>::new() };
        shell::runtime()?.block_on(shell::console::run(loaded.setup, loaded.root, None, sim::desk(), history))?;
        return Ok(ExitCode::SUCCESS);
    }
    let within = Duration::from_secs(args.within);
    let walked =
        shell::runtime()?.block_on(walk::walk(loaded.setup, loaded.root, within, |entry| match args.json {
            true => match serde_json::to_string(entry) {
                Ok(line) => say_line!("{line}"),
                Err(error) => eprintln!("opsconsole: entry {}: {error}", entry.seq),
            },
            false => {
                say_line!("{}", journal::line(entry));
                for detail in details::of(entry) {
                    say_line!("       {}: {}", clean(&detail.label), clean(&detail.text));
                }
            }
        }))?;
    // For people, and out of the way of programs that read the entries.
    let told = |line: String| match args.json {
        true => eprintln!("{line}"),
        false => say_line!("{line}"),
    };
    let Some(run) = walked.run else { bail!("no run of {} was opened within {} s", runbook.id, args.within) };
    let Some(halt) = walked.halt else {
        told(format!("the time of {} s is over; the run {run} is open, and goes on in the console", args.within));
        return Ok(ExitCode::from(OVER));
    };
    words(&halt).into_iter().for_each(|line| told(clean(&line).into_owned()));
    match halt {
        Halt::Ended { .. } => Ok(ExitCode::from(ENDED)),
        Halt::NotJournalled { .. } => bail!("nothing was done: nothing goes on without its journal"),
        Halt::BeforeActs { .. }
        | Halt::OpenElsewhere { .. }
        | Halt::ActsUnderWay { .. }
        | Halt::NoSuggestion { .. }
        | Halt::Person { .. }
        | Halt::HandsOver { .. } => {
            told(format!("the run {run} is open: go on with opsconsole runbook run {} in a terminal", runbook.id));
            Ok(ExitCode::from(WAITS))
        }
    }
}

/// Where the walk ended, for people.
fn words(halt: &Halt) -> Vec<String> {
    match halt {
        Halt::Ended { finding: Some(finding) } => vec![format!("ended: {finding}")],
        Halt::Ended { finding: None } => vec!["ended".to_owned()],
        Halt::BeforeActs { title, class, acts } => {
            let mut lines = vec![format!("stopped before anything is changed: {title} ({class}) would run")];
            lines.extend(acts.iter().map(|act| format!("  {act}")));
            lines
        }
        Halt::OpenElsewhere { title } => {
            vec![format!(
                "nothing was done: {title} is open on this target already, and is gone on with where it is open"
            )]
        }
        Halt::ActsUnderWay { title } => {
            vec![format!("stopped: the acts of {title} are under way, or their outcome has to be settled")]
        }
        Halt::NoSuggestion { title } => {
            vec![format!("stopped: the evidence suggests no branch; a person chooses: {title}")]
        }
        Halt::Person { title, what } => vec![format!("stopped: {title}: {what} by a person")],
        Halt::HandsOver { title, contacts, say } => {
            vec![format!("stopped: {title}; tell {}: {say}", contacts.join(", "))]
        }
        Halt::NotJournalled { why } => vec![format!("stopped: the journal can not be written: {why}")],
    }
}
