//! The command line: one file per subcommand. Every act of the console on the screen has a twin here.
//!
//! Must never: offer a way to change a node that asks for less than the screen does. There is no `--yes`.
//!
//! To add a subcommand: one file with its arguments and `run`, one variant of [`Command`] and its arm in `main`.

/// Prints to standard output. A reader that has seen enough, such as `head`, is no mistake of anybody's.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::put(&format!($($text)*)) };
}

/// As [`say`], with a line end.
macro_rules! say_line {
    ($($text:tt)*) => { $crate::cli::put(&format!("{}\n", format_args!($($text)*))) };
}

pub mod act_file;
pub mod capability;
pub mod catalogue;
pub mod check;
pub mod completions;
pub mod config;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod journal;
pub mod load;
pub mod man;
pub mod query;
pub mod replay;
mod report;
pub mod rules;
pub mod runbook;
pub mod runner;
pub mod shot;
pub mod snapshot;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use color_eyre::eyre::Result;

/// What to type when something is wrong.
const AT_AN_INCIDENT: &str = "\
Without a command the console starts, on the configured targets; without a configuration, on what
answers on this machine. It only observes until it is armed.

When something is wrong:
  opsconsole                 see every target, its alerts and what to do about them
  opsconsole check           the same in one line for each thing that is not ok
  opsconsole journal show    what was done here, by whom, and how it ended
  opsconsole doctor          why something does not work here, and what to do about it";

/// The console an engineer opens over SSH on a blockchain node when something is wrong.
#[derive(Debug, Parser)]
#[command(name = "opsconsole", version, about, after_help = AT_AN_INCIDENT, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    /// Record the session, bounded and without secrets, for opsconsole replay
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options that most subcommands take.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// The configuration: targets, nodes, addresses; ~/.config/opsconsole/config.ron by default
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// Where journals and locks live, instead of /var/lib/opsconsole or the user's own
    #[arg(long, global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub state_root: Option<PathBuf>,
    /// Draw with ASCII characters only, where lines and signs show as something else
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub ascii: bool,
    /// The theme: dark, light, high-contrast, colour-blind-safe, mono, or a file of yours
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// The keymap: default, vim, or a file of yours
    #[arg(long, global = true, value_name = "NAME")]
    pub keymap: Option<String>,
    /// How many colours: auto, never, 16, 256, 24bit; auto asks NO_COLOR, COLORTERM and TERM
    #[arg(long, global = true, value_name = "DEPTH", visible_alias = "color")]
    pub colour: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge the targets by exit code: 0 ok, 1 warning, 2 critical, 3 unknown or warming up
    Check(check::CheckArgs),
    /// Print what is known now, once
    Snapshot(snapshot::SnapshotArgs),
    /// Show, verify or report from the journal
    Journal(journal::JournalArgs),
    /// Evaluate a PromQL expression over a file, the targets, or a Prometheus-compatible server
    Query(query::QueryArgs),
    /// Check Prometheus rule files, and run promtool's unit tests of them
    Rules(rules::RulesArgs),
    /// Look at runbooks, or run one: lint, list, show, plan, run
    Runbook(runbook::RunbookArgs),
    /// Write, check and show the configuration
    Config(config::ConfigArgs),
    /// Find what hinders the console on this machine, each with its remedy
    Doctor(doctor::DoctorArgs),
    /// Start the console on a simulated chain, on loopback
    Demo(demo::DemoArgs),
    /// Show the screen at the end of a recording
    Replay(replay::ReplayArgs),
    /// Draw a page of the simulation as SVG
    Shot(shot::ShotArgs),
    /// Print everything that the systems' data implements
    Catalogue(catalogue::CatalogueArgs),
    /// Print the completions of a shell
    Completions(completions::CompletionsArgs),
    /// Print the manual page
    Man(man::ManArgs),
    /// Print the table of keys as Markdown
    #[command(hide = true)]
    Keys,
    /// Execute a committed sequence; started by the console
    #[command(hide = true)]
    Runner(runner::RunnerArgs),
    /// Carry out a file act of a committed sequence; started by the runner
    #[command(hide = true)]
    ActFile(act_file::ActFileArgs),
    /// The simulated service manager of a demo
    #[command(hide = true)]
    DemoSystemctl(demo::StandInArgs),
    /// The simulated journal of a demo
    #[command(hide = true)]
    DemoJournalctl(demo::StandInArgs),
    /// A program of a machine that the demo simulates
    #[command(hide = true)]
    DemoRun(demo::StandInArgs),
}

/// Writes to standard output; what nobody reads any more is let go, anything else that goes wrong is said.
fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        eprintln!("opsconsole: standard output: {error}");
    }
}

/// The program. Returns its exit code; errors have been printed.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = color_eyre::config::HookBuilder::default().display_env_section(false).install() {
        eprintln!("opsconsole: {error}");
    }
    match dispatch(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("opsconsole: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    let common = cli.common;
    match cli.command {
        None => console::run(&common, cli.record.as_deref()),
        Some(Command::Demo(args)) => demo::run(&common, args),
        Some(Command::Journal(args)) => journal::run(&common, &args),
        Some(Command::Query(args)) => query::run(&common, &args),
        Some(Command::Rules(args)) => rules::run(&args),
        Some(Command::Runbook(args)) => runbook::run(&common, &args),
        Some(Command::Snapshot(args)) => snapshot::run(&common, &args),
        Some(Command::Check(args)) => check::run(&common, &args),
        Some(Command::Config(args)) => config::run(&common, &args),
        Some(Command::Doctor(args)) => doctor::run(&common, &args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
        Some(Command::Replay(args)) => replay::run(&args),
        Some(Command::Shot(args)) => shot::run(&common, &args),
        Some(Command::Catalogue(args)) => catalogue::run(&common, &args),
        Some(Command::Keys) => console::keys(),
        Some(Command::Runner(args)) => runner::run(args),
        Some(Command::ActFile(args)) => act_file::run(&args),
        Some(Command::DemoSystemctl(args)) => demo::systemctl(&args),
        Some(Command::DemoJournalctl(args)) => demo::journalctl(&args),
        Some(Command::DemoRun(args)) => demo::run_program(&args),
    }
}
