//! `opsconsole demo`: a simulated chain on loopback and the console on it; `--serve` runs the chain alone.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::{Result, WrapErr, bail};

use super::{Common, load};
use crate::model::{Answer, Batch, HttpAnswer, Reply};
use crate::shell::{self, clock};
use crate::sim::volchain::{Fault, Past};
use crate::sim::{self, Control, DemoFolder, ServeOptions, Served, Surface};
use crate::sources::{BoundSource, Cursor, Source};

/// How long the demo's chain may take to start.
const START: Duration = Duration::from_secs(20);
const HISTORY_MINUTES: u32 = 15;

#[derive(Debug, Args)]
pub struct DemoArgs {
    #[command(subcommand)]
    command: Option<DemoCommand>,
    /// What the simulated node answers like: what the documents promise, or what its public code does
    #[arg(long, value_enum, default_value_t = SurfaceName::AsBuilt)]
    surface: SurfaceName,
    /// The fault that the demo starts with; `none` for a healthy chain
    #[arg(long, default_value = "producer-stuck")]
    fault: String,
    /// How long ago that fault began
    #[arg(long, value_name = "SECONDS", default_value_t = 70)]
    fault_age: u64,
    /// Where the demo keeps its files; a folder of its own in the temporary directory by default
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Run the nodes alone, without a console
    #[arg(long)]
    serve: bool,
    /// With --serve: write a configuration for a console on these nodes
    #[arg(long, value_name = "FILE", requires = "serve")]
    write_config: Option<PathBuf>,
    /// With --serve: the node's port; any free one by default
    #[arg(long, requires = "serve", default_value_t = 0)]
    port: u16,
    /// With --serve: take up the chain where the last process in this folder left it, for a node that is a service
    #[arg(long, requires = "serve")]
    keep: bool,
    /// With --serve: end when no console and no runner uses the demo any more
    #[arg(long, hide = true, requires = "serve")]
    while_used: bool,
    /// Makes the same chain again
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Record the session for opsconsole replay
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum DemoCommand {
    /// Switch a fault of the running demo on or off, or list them all
    Fault {
        /// The fault; without one, all of them are listed
        name: Option<String>,
        /// Whether the node has it from now on
        #[arg(value_enum, default_value_t = Switch::On)]
        switch: Switch,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SurfaceName {
    Documented,
    AsBuilt,
}

impl SurfaceName {
    fn word(self) -> &'static str {
        match self {
            SurfaceName::Documented => "documented",
            SurfaceName::AsBuilt => "as-built",
        }
    }
}

impl From<SurfaceName> for Surface {
    fn from(name: SurfaceName) -> Surface {
        match name {
            SurfaceName::Documented => Surface::Documented,
            SurfaceName::AsBuilt => Surface::AsBuilt,
        }
    }
}

/// What the demo's own programs are called with.
#[derive(Debug, Args)]
pub struct StandInArgs {
    #[arg(long)]
    folder: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs the demo.
///
/// # Errors
/// Its folder or ports can not be used, or there is no terminal.
pub fn run(common: &Common, args: DemoArgs) -> Result<ExitCode> {
    let folder = args.folder.clone().unwrap_or_else(default_folder);
    match &args.command {
        Some(DemoCommand::Fault { name, switch }) => switch_fault(&folder, name.as_deref(), *switch),
        None if args.serve => serve(&folder, &args),
        None => console(common, &folder, &args),
    }
}

/// The simulated `systemctl` that the demo's runbooks and sources run.
///
/// # Errors
/// None: it exits as systemctl does.
pub fn systemctl(args: &StandInArgs) -> Result<ExitCode> {
    let code = sim::systemctl::outcome(&args.folder, &args.args).print();
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// The simulated `journalctl` that the demo's sources run.
///
/// # Errors
/// None: it exits as journalctl does.
pub fn journalctl(args: &StandInArgs) -> Result<ExitCode> {
    let code = sim::journalctl::outcome(&args.folder, &args.args).print();
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn default_folder() -> PathBuf {
    std::env::temp_dir().join(format!("opsconsole-demo-{}", rustix::process::geteuid().as_raw()))
}

fn serve(folder: &Path, args: &DemoArgs) -> Result<ExitCode> {
    let options = ServeOptions {
        folder: folder.to_owned(),
        port: args.port,
        surface: args.surface.into(),
        seed: args.seed,
        history_minutes: HISTORY_MINUTES,
        fault: fault_of(args)?,
        keep: args.keep,
        while_used: args.while_used,
    };
    let quiet = args.while_used;
    let write_config = args.write_config.clone();
    let serving = folder.to_owned();
    shell::runtime()?.block_on(sim::serve(options, move |served| {
        let written = DemoFolder::open(&serving).and_then(|folder| folder.write_config(served));
        let copied = match (&written, &write_config) {
            (Ok(path), Some(to)) => std::fs::copy(path, to).map(|_| ()).map_err(|error| error.to_string()),
            (Err(error), _) => Err(error.to_string()),
            (Ok(_), None) => Ok(()),
        };
        if let Err(error) = copied {
            eprintln!("opsconsole: the configuration could not be written: {error}");
        }
        if !quiet {
            say_line!("a simulated chain answers on {}; its folder is {}", served.data_url, serving.display());
        }
    }))?;
    Ok(ExitCode::SUCCESS)
}

fn fault_of(args: &DemoArgs) -> Result<Option<(Fault, Duration)>> {
    if args.fault == "none" {
        return Ok(None);
    }
    let Some(fault) = Fault::named(&args.fault) else {
        let known = Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ");
        bail!("{:?} is no fault of the demo; there are: none, {known}", args.fault);
    };
    Ok(Some((fault, Duration::from_secs(args.fault_age))))
}

fn switch_fault(folder: &Path, name: Option<&str>, switch: Switch) -> Result<ExitCode> {
    let control = Control::of_folder(folder)
        .wrap_err_with(|| format!("no demo runs in {}; start one with opsconsole demo", folder.display()))?;
    shell::runtime()?.block_on(async {
        match name {
            Some(name) => {
                let state = sim::client::set_fault(&control, name, switch == Switch::On).await?;
                say_line!("{} is {}: {}", state.name, if state.on { "on" } else { "off" }, state.sentence);
            }
            None => {
                for state in sim::client::faults(&control).await? {
                    say_line!("{:<16} {:<4} {}", state.name, if state.on { "on" } else { "off" }, state.sentence);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The console, with the simulated chain in a process of its own that ends when nobody uses it any more.
fn console(common: &Common, folder: &Path, args: &DemoArgs) -> Result<ExitCode> {
    let demo = DemoFolder::create(folder)?;
    let _hold = demo.hold_as_console()?;
    let control = match Control::of_folder(folder) {
        Ok(control) if shell::runtime()?.block_on(sim::client::identity(&control)).is_ok() => control,
        Ok(_) | Err(_) => start_server(folder, args)?,
    };
    let served = Served { data_url: control.file.data_url.clone(), control_url: control.file.control_url.clone() };
    let config = demo.config(&served)?;
    let loaded = load::seen(common, config)?;
    let trouble = RefCell::new(None);
    let history = history(folder, loaded.setup.clone(), &trouble);
    let ran =
        shell::runtime()?.block_on(shell::console::run(loaded.setup, loaded.root, args.record.as_deref(), history));
    ran?;
    if let Some(why) = trouble.take() {
        eprintln!("opsconsole: the demo began without its last minutes, which could not be read: {why}");
    }
    say_line!("the demo's journal stays in {}; look at it with", folder.join("state").display());
    say_line!("  opsconsole journal show --state-root {}", folder.join("state").display());
    Ok(ExitCode::SUCCESS)
}

/// Starts the chain and waits until it answers.
#[expect(clippy::disallowed_methods, reason = "the command line starts the demo's server")]
fn start_server(folder: &Path, args: &DemoArgs) -> Result<Control> {
    let program = std::env::current_exe().wrap_err("the program's own path")?;
    let mut server = std::process::Command::new(program)
        .args(["demo", "--serve", "--while-used", "--surface", args.surface.word()])
        .args(["--fault", &args.fault, "--fault-age", &args.fault_age.to_string(), "--seed", &args.seed.to_string()])
        .arg("--folder")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .wrap_err("the demo's server")?;
    let began = std::time::Instant::now();
    loop {
        if let Some(status) = server.try_wait()? {
            let mut said = String::new();
            if let Some(mut stderr) = server.stderr.take() {
                std::io::Read::read_to_string(&mut stderr, &mut said)?;
            }
            bail!("the simulated chain did not start ({status}): {}", said.trim());
        }
        match Control::of_folder(folder) {
            Ok(control) if control.file.pid == server.id() => return Ok(control),
            Ok(_) | Err(_) => {}
        }
        if began.elapsed() > START {
            bail!("the simulated chain did not answer within {} seconds", START.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What the console would have seen in the last minutes, decoded by the real sources. Without it the demo still runs,
/// only without a past; the reason is said when the screen
/// is free again.
async fn history(folder: &Path, setup: crate::app::Setup, trouble: &RefCell<Option<String>>) -> Vec<Batch> {
    match fetch_history(folder, &setup).await {
        Ok(batches) => batches,
        Err(error) => {
            *trouble.borrow_mut() = Some(error.to_string());
            Vec::new()
        }
    }
}

async fn fetch_history(folder: &Path, setup: &crate::app::Setup) -> Result<Vec<Batch>> {
    let control = Control::of_folder(folder)?;
    let systems = setup.load_systems()?;
    let mut batches = Vec::new();
    for target in &setup.config.targets {
        let Some(system) = systems.get(&target.system) else { continue };
        for bound in target.bind(&system.spec) {
            batches.extend(source_history(&control, bound).await?);
        }
    }
    Ok(batches)
}

async fn source_history(control: &Control, bound: BoundSource) -> Result<Vec<Batch>> {
    let read = bound.spec.kind.read();
    // Only the node lives its past again; its machine has none.
    let Some(path) = read.strip_prefix("GET ").map(str::to_owned) else { return Ok(Vec::new()) };
    let source = Source::compile(bound)?;
    let mut cursor = Cursor::default();
    let past = sim::client::history(control, &path, source.interval()).await?;
    Ok(past.into_iter().map(|past| source.decode(&mut cursor, &reply(past))).collect())
}

/// An answer of the past as if it had just come.
fn reply(past: Past) -> Reply {
    let now = clock::now();
    let wall = crate::base::Wall(past.at_millis);
    let boot = crate::base::Boot(now.boot.0.saturating_sub(crate::base::time::millis(now.wall.since(wall))));
    Reply {
        answer: Answer::Http(HttpAnswer {
            status: past.status,
            content_type: past.content_type,
            date: Some(crate::base::Wall(past.date_millis)),
            body: past.body.into_bytes(),
        }),
        sent: crate::base::At { boot, wall },
        took: Duration::ZERO,
    }
}
