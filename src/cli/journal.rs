//! `opsconsole journal show|verify|report`: what happened, whether the files still say so, and an incident as a page.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use color_eyre::eyre::{Result, WrapErr, bail, eyre};

use super::report::Report;
use super::{Common, load};
use crate::app::JournalId;
use crate::base::RunId;
use crate::base::text::{clean, count};
use crate::panes::journal::sentence::sentence;
use crate::runbook::Entry;
use crate::shell::StateRoot;
use crate::shell::journal::{self, Verification};

#[derive(Debug, Args)]
pub struct JournalArgs {
    #[command(subcommand)]
    command: JournalCommand,
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// Print a journal: the console's, or a run's; `runs` lists the runs
    Show {
        /// `console`, `runs`, or the id of a run
        #[arg(default_value = "console")]
        which: String,
        /// One JSON document per entry
        #[arg(long)]
        json: bool,
    },
    /// Write the timeline of a run as a page in Markdown, or as JSON
    Report {
        /// The id of a run; `opsconsole journal show runs` lists them
        run: String,
        /// One JSON document instead
        #[arg(long)]
        json: bool,
        /// Into this file, which must not exist, instead of onto the screen
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Hold every journal against its hashes and its head; exit code 1 where one is not whole
    Verify,
}

/// Shows or verifies.
///
/// # Errors
/// The state root or a journal can not be read.
pub fn run(common: &Common, args: &JournalArgs) -> Result<ExitCode> {
    let wanted = match &common.state_root {
        Some(path) => Some(path.clone()),
        // A configuration may name the state root; without one it is found as the console finds it.
        None => load::config_file(common).ok().flatten().and_then(|config| config.state_root).map(PathBuf::from),
    };
    let root = StateRoot::find(wanted.as_deref()).map_err(|error| eyre!("{error}"))?;
    match &args.command {
        JournalCommand::Show { which, json } => show(&root, which, *json),
        JournalCommand::Report { run, json, out } => report(&root, run, *json, out.as_deref()),
        JournalCommand::Verify => verify(&root),
    }
}

fn show(root: &StateRoot, which: &str, json: bool) -> Result<ExitCode> {
    if which == "runs" {
        files(root)?.iter().filter_map(|path| path.file_stem()?.to_str()).for_each(|name| say_line!("{}", clean(name)));
        return Ok(ExitCode::SUCCESS);
    }
    let id = match which {
        "console" => JournalId::Console,
        run => JournalId::Run(RunId::new(run)),
    };
    let path = root.journal(&id).map_err(|error| eyre!("{error}"))?;
    if !path.exists() {
        bail!("there is no journal {which} in {}; opsconsole journal show runs lists them", root.path().display());
    }
    // What is before a damage is shown, and then the damage.
    let (entries, damage) = journal::read_whole_part(&path).map_err(|error| eyre!("{error}"))?;
    for entry in entries {
        if json {
            say_line!("{}", serde_json::to_string(&entry)?);
        } else {
            say_line!("{}", line(&entry));
        }
    }
    match damage {
        None => Ok(ExitCode::SUCCESS),
        Some(damage) => {
            say_line!("{}", clean(&damage.to_string()));
            Ok(ExitCode::from(1))
        }
    }
}

/// Writes the report of a run; exit code 1 where its journal is damaged, and what is before the damage is told.
fn report(root: &StateRoot, run: &str, json: bool, out: Option<&Path>) -> Result<ExitCode> {
    let path = root.journal(&JournalId::Run(RunId::new(run))).map_err(|error| eyre!("{error}"))?;
    if !path.exists() {
        bail!("there is no run {} in {}; opsconsole journal show runs lists them", clean(run), root.path().display());
    }
    let (entries, damage) = journal::read_whole_part(&path).map_err(|error| eyre!("{error}"))?;
    let console = root.journal(&JournalId::Console).map_err(|error| eyre!("{error}"))?;
    // A run is told without the console's journal where there is none.
    let console = journal::read_whole_part(&console).map(|(entries, _)| entries).unwrap_or_default();
    let report = Report::of(&entries, &console).map_err(|error| eyre!("{}: {error}", path.display()))?;
    let text = if json { format!("{}\n", serde_json::to_string_pretty(&report)?) } else { report.markdown() };
    match out {
        None => text.lines().for_each(|line| say_line!("{line}")),
        Some(out) => {
            let mut file =
                File::create_new(out).wrap_err_with(|| format!("the report is not written to {}", out.display()))?;
            file.write_all(text.as_bytes())?;
            say_line!("written to {}", out.display());
        }
    }
    match damage {
        None => Ok(ExitCode::SUCCESS),
        Some(damage) => {
            eprintln!(
                "the journal is not whole, and the report tells what is before this: {}",
                clean(&damage.to_string())
            );
            Ok(ExitCode::from(1))
        }
    }
}

/// An entry as a line: number, time, who, what.
pub(super) fn line(entry: &Entry) -> String {
    let who = entry.actor.declared.as_deref().unwrap_or(&entry.actor.user);
    let said = sentence(&entry.record);
    format!(
        "{:>5}  {}  {:<10} {:<22} {}",
        entry.seq,
        entry.at.wall,
        clean(who),
        clean(&entry.actor.process),
        clean(&said)
    )
}

/// Every journal of a state root: the consoles', then the runs', by name.
fn files(root: &StateRoot) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in [root.journals(), root.journals().join("runs")] {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        let mut here: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        here.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        here.sort();
        found.extend(here);
    }
    Ok(found)
}

fn verify(root: &StateRoot) -> Result<ExitCode> {
    let files = files(root)?;
    if files.is_empty() {
        say_line!("there is no journal in {}", root.path().display());
    }
    let mut whole = true;
    for path in &files {
        let found = journal::verify(path).map_err(|error| eyre!("{error}"))?;
        whole &= found.is_whole();
        let name = path.strip_prefix(root.path()).unwrap_or(path);
        say_line!("{}: {}", name.display(), words(&found));
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn words(found: &Verification) -> String {
    let short = found.head.short();
    let records = count(found.entries, "record");
    let mut said = match &found.problem {
        Some((line, what)) => {
            format!("DAMAGED: line {line} {}; {} before it whole", clean(what), records)
        }
        None if found.is_whole() => format!("ok, {records}, head {short}"),
        None => format!("NOT WHOLE: {records}, head {short}"),
    };
    // Behind a damage nothing is read, and so nothing of the tail is known.
    if let Some(seq) = found.missing_tail.filter(|_| found.problem.is_none()) {
        said.push_str(&format!("; MISSING TAIL: the head file remembers record {seq}"));
    }
    if let Some(what) = &found.head_problem {
        said.push_str(&format!("; HEAD: {}", clean(what)));
    }
    if found.torn_bytes > 0 {
        said.push_str(&format!(
            "; a torn last line of {}, which the next append puts aside",
            count(found.torn_bytes, "byte")
        ));
    }
    if found.head_behind > 0 {
        said.push_str(&format!("; the head file is {} behind, which the next append mends", found.head_behind));
    }
    said
}
