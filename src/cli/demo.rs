//! `opsconsole demo`: simulated systems on loopback and the console on them; `--serve` runs the systems alone.

mod drill;
mod faults;
mod past;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::{Result, WrapErr, bail};

use super::{Common, load};
use crate::base::SystemId;
use crate::base::text::shell_line;
use crate::shell;
use crate::sim::client::{FaultState, Identity};
use crate::sim::simulation::BY_HAND;
use crate::sim::{self, Control, DemoFolder, ServeOptions, Served, Simulation, Surface};

/// How long the demo's chain may take to start.
const START: Duration = Duration::from_secs(20);
const HISTORY_MINUTES: u32 = 15;

#[derive(Debug, Args)]
pub struct DemoArgs {
    #[command(subcommand)]
    command: Option<DemoCommand>,
    /// The one system to simulate; all of them by default
    system: Option<String>,
    #[command(flatten)]
    chain: ChainArgs,
    /// Where the demo keeps its files; a folder of its own in the temporary directory by default
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Run the nodes alone, without a console
    #[arg(long)]
    serve: bool,
    /// With --serve: write a configuration for a console on these nodes
    #[arg(long, value_name = "FILE", requires = "serve")]
    write_config: Option<PathBuf>,
    /// With --serve: the port of the first listener; any free one by default
    #[arg(long, requires = "serve", default_value_t = 0)]
    port: u16,
    /// With --serve: take up the chain where the last process in this folder left it, for a node that is a service
    #[arg(long, requires = "serve")]
    keep: bool,
    /// With --serve: end when no console and no runner uses the demo any more
    #[arg(long, hide = true, requires = "serve")]
    while_used: bool,
    /// Record the session for opsconsole replay
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// The simulated chain. What is left out is told apart from what is asked for: a demo that runs already may differ from
/// the one, never from the other.
#[derive(Debug, Default, Args)]
struct ChainArgs {
    /// What the simulated node answers like: what the documents promise, or what its public code does, which is the
    /// default
    #[arg(long, value_enum)]
    surface: Option<SurfaceName>,
    /// The fault that the demo starts with, as [SYSTEM/]NAME; `none` for none; volchain/producer-stuck by default
    #[arg(long, value_name = "FAULT")]
    fault: Option<String>,
    /// How long ago that fault began; 70 by default
    #[arg(long, value_name = "SECONDS")]
    fault_age: Option<u64>,
    /// Makes the same chain again; 7 by default
    #[arg(long)]
    seed: Option<u64>,
}

impl ChainArgs {
    fn surface(&self) -> SurfaceName {
        self.surface.unwrap_or(SurfaceName::AsBuilt)
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or(7)
    }

    fn fault_age(&self) -> u64 {
        self.fault_age.unwrap_or(70)
    }

    /// The fault to start with: its system, its name, and how long ago it began.
    fn fault(&self, systems: &[Simulation]) -> Result<Option<(SystemId, String, Duration)>> {
        let usual = systems.iter().any(|system| system.system.as_str() == BY_HAND).then_some("volchain/producer-stuck");
        let Some(asked) = self.fault.as_deref().or(usual).filter(|asked| *asked != "none") else { return Ok(None) };
        let all = || systems.iter().flat_map(|of| of.fault_names().into_iter().map(|name| (of.system.clone(), name)));
        let mut found = all().filter(|(system, name)| faults::is_called(system.as_str(), name, asked));
        match (found.next(), found.next()) {
            (Some((system, name)), None) => Ok(Some((system, name, Duration::from_secs(self.fault_age())))),
            (Some((first, name)), Some((second, _))) => {
                bail!(
                    "{asked:?} is a fault of several systems; say {first}/{name} or {second}/{name} or another of them"
                )
            }
            (None, _) => {
                let known: Vec<String> = all().map(|(system, name)| format!("{system}/{name}")).collect();
                bail!("{}", faults::no_such_fault(asked, &known));
            }
        }
    }

    /// What was asked for and is not so in a demo that runs already; each as it was asked, and as it is.
    fn unmet(&self, system: Option<&str>, runs: &Identity, faults: &[FaultState]) -> Vec<String> {
        let mut unmet = Vec::new();
        if let Some(asked) = system.filter(|asked| runs.systems != [*asked]) {
            unmet.push(format!("{asked} alone, and it simulates {}", runs.systems.join(" and ")));
        }
        if let Some(asked) = self.surface.map(SurfaceName::word).filter(|asked| *asked != runs.surface) {
            unmet.push(format!("--surface {asked}, and it answers {}", runs.surface));
        }
        let on: Vec<&FaultState> = faults.iter().filter(|fault| fault.on).collect();
        if let Some(asked) = self.fault.as_deref() {
            let met = match on.as_slice() {
                [] => asked == "none",
                [fault] => faults::is_called(&fault.system, &fault.name, asked),
                _several => false,
            };
            let name = |fault: &&FaultState| match runs.systems.len() {
                0 | 1 => fault.name.clone(),
                _ => fault.whole_name(),
            };
            let on = on.iter().map(name).collect::<Vec<_>>().join(" and ");
            let on = if on.is_empty() { "no fault".to_owned() } else { on };
            if !met {
                unmet.push(format!("--fault {asked}, and it has {on}"));
            }
        }
        if let (Some(asked), Some(is)) = (self.seed, runs.seed)
            && asked != is
        {
            unmet.push(format!("--seed {asked}, and its is {is}"));
        }
        if let Some(asked) = self.fault_age
            && runs.fault_age_seconds != Some(asked)
        {
            unmet.push(match runs.fault_age_seconds {
                Some(is) => format!("--fault-age {asked}, and it began with {is}"),
                None => format!("--fault-age {asked}, and it began without a fault"),
            });
        }
        unmet
    }
}

#[derive(Debug, Subcommand)]
enum DemoCommand {
    /// Switch a fault of the running demo on or off, or list them all
    Fault {
        /// The fault, as [SYSTEM/]NAME; without one, all of them are listed
        name: Option<String>,
        /// Whether it is so from now on
        #[arg(value_enum, default_value_t = Switch::On)]
        switch: Switch,
    },
    /// Play every fault of the worlds on simulated time, without a console, and tell what each showed and raised; for
    /// those who write a world or its rules
    Drill {
        /// The one system to drill; all that are written as data by default
        system: Option<String>,
        /// The one fault to drill
        #[arg(long, value_name = "FAULT")]
        only: Option<String>,
    },
    /// Switch faults of the running demo off, whatever would cure them on a real node
    Cure {
        /// The fault, as [SYSTEM/]NAME; a SYSTEM for all of its faults; `all` for those of every system
        what: String,
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

/// What is to be simulated: one system, or all.
fn systems(one: Option<&str>) -> Result<Vec<Simulation>> {
    let mut all = Simulation::all(&load::system_files()?).map_err(|problems| {
        let told = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        color_eyre::eyre::eyre!("a world of the demo has mistakes:\n{told}")
    })?;
    let Some(one) = one else { return Ok(all) };
    let known = all.iter().map(|simulation| simulation.system.to_string()).collect::<Vec<_>>().join(", ");
    all.retain(|simulation| simulation.system.as_str() == one);
    if all.is_empty() {
        bail!("{one:?} is no system that can be simulated; there are {known}");
    }
    Ok(all)
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
        Some(DemoCommand::Fault { name, switch }) => faults::switch_fault(&folder, name.as_deref(), *switch),
        Some(DemoCommand::Drill { system, only }) => drill::run(systems(system.as_deref())?, only.as_deref()),
        Some(DemoCommand::Cure { what }) => faults::cure(&folder, what),
        None if args.serve => serve(&folder, &args, systems(args.system.as_deref())?),
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

/// A program of a simulated machine, which the demo's sources run.
///
/// # Errors
/// None: it exits as the program does.
pub fn run_program(args: &StandInArgs) -> Result<ExitCode> {
    let code = sim::run::outcome(&args.folder, &args.args).print();
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

fn default_folder() -> PathBuf {
    std::env::temp_dir().join(format!("opsconsole-demo-{}", rustix::process::geteuid().as_raw()))
}

fn serve(folder: &Path, args: &DemoArgs, systems: Vec<Simulation>) -> Result<ExitCode> {
    let options = ServeOptions {
        folder: folder.to_owned(),
        systems: systems.clone(),
        port: args.port,
        surface: args.chain.surface().into(),
        seed: args.chain.seed(),
        history_minutes: HISTORY_MINUTES,
        fault: args.chain.fault(&systems)?,
        keep: args.keep,
        while_used: args.while_used,
    };
    let quiet = args.while_used;
    let write_config = args.write_config.clone();
    let serving = folder.to_owned();
    shell::runtime()?.block_on(sim::serve(options, move |served| {
        let written = DemoFolder::open(&serving).and_then(|folder| folder.write_config(served, &systems));
        let copied = match (&written, &write_config) {
            (Ok(path), Some(to)) => std::fs::copy(path, to).map(|_| ()).map_err(|error| error.to_string()),
            (Err(error), _) => Err(error.to_string()),
            (Ok(_), None) => Ok(()),
        };
        if let Err(error) = copied {
            eprintln!("opsconsole: the configuration could not be written: {error}");
        }
        if !quiet {
            for system in &served.systems {
                say_line!("a simulated {} answers on {}", system.system, system.urls.join(" "));
            }
            say_line!("the folder is {}", serving.display());
        }
    }))?;
    Ok(ExitCode::SUCCESS)
}

fn control_of(folder: &Path) -> Result<Control> {
    Control::of_folder(folder)
        .wrap_err_with(|| format!("no demo runs in {}; start one with opsconsole demo", folder.display()))
}

/// The console, with the simulated chain in a process of its own that ends when nobody uses it any more.
fn console(common: &Common, folder: &Path, args: &DemoArgs) -> Result<ExitCode> {
    let simulated = systems(args.system.as_deref())?;
    args.chain.fault(&simulated)?;
    let demo = DemoFolder::create(folder)?;
    let _hold = demo.hold_as_console()?;
    // Everything that can be refused is loaded before a system is started that nobody would look at; where it answers
    // is put in afterwards.
    let mut loaded = load::seen(common, demo.config(&Served::nowhere(&simulated), &simulated)?)?;
    let control = match running(folder)? {
        Some(control) => agreed(control, folder, args)?,
        None => start_server(folder, args, &simulated)?,
    };
    let served = Served { systems: control.file.systems.clone(), control_url: control.file.control_url.clone() };
    loaded.setup.config = demo.config(&served, &simulated)?;
    let trouble = RefCell::new(None);
    let history = past::history(folder, loaded.setup.clone(), &trouble);
    let farewell = farewell(loaded.root.path());
    let record = args.record.as_deref();
    let running = shell::console::run(loaded.setup, loaded.root, record, sim::desk(), history);
    let ran = shell::runtime()?.block_on(running);
    ran?;
    if let Some(why) = trouble.take() {
        eprintln!("opsconsole: the demo began without its last minutes, which could not be read: {why}");
    }
    say!("{farewell}");
    Ok(ExitCode::SUCCESS)
}

/// Where the journal is that this console wrote, wherever that was.
fn farewell(root: &Path) -> String {
    let root = root.display().to_string();
    let shown = ["opsconsole", "journal", "show", "--state-root", &root].map(str::to_owned);
    format!("the demo's journal stays in {root}; look at it with\n  {}\n", shell_line(&shown))
}

/// The demo that runs in this folder already, if one does.
fn running(folder: &Path) -> Result<Option<Control>> {
    let Ok(control) = Control::of_folder(folder) else { return Ok(None) };
    let answers = shell::runtime()?.block_on(sim::client::identity(&control)).is_ok();
    Ok(answers.then_some(control))
}

/// The running demo, if it is what was asked for.
fn agreed(control: Control, folder: &Path, asked: &DemoArgs) -> Result<Control> {
    let unmet = shell::runtime()?.block_on(async {
        let runs = sim::client::identity(&control).await?;
        let faults = sim::client::faults(&control).await?;
        Ok::<_, sim::SimError>(asked.chain.unmet(asked.system.as_deref(), &runs, &faults))
    })?;
    if unmet.is_empty() {
        return Ok(control);
    }
    bail!(
        "a demo runs in {} already (process {}), and it is not the one asked for: {}; leave that out to look at it, \
         switch its faults with opsconsole demo fault, end it, or start another with --folder DIR",
        folder.display(),
        control.file.pid,
        unmet.join("; ")
    )
}

/// Starts the systems and waits until they answer.
#[expect(clippy::disallowed_methods, reason = "the command line starts the demo's server")]
fn start_server(folder: &Path, args: &DemoArgs, systems: &[Simulation]) -> Result<Control> {
    let chain = &args.chain;
    let fault = chain.fault(systems)?.map_or_else(|| "none".to_owned(), |(system, name, _)| format!("{system}/{name}"));
    let program = std::env::current_exe().wrap_err("the program's own path")?;
    let mut server = std::process::Command::new(program)
        .arg("demo")
        .args(&args.system)
        .args(["--serve", "--while-used", "--surface", chain.surface().word(), "--fault", &fault])
        .args(["--fault-age", &chain.fault_age().to_string(), "--seed", &chain.seed().to_string()])
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
            bail!("the simulation did not start ({status}): {}", said.trim());
        }
        match Control::of_folder(folder) {
            Ok(control) if control.file.pid == server.id() => return Ok(control),
            Ok(_) | Err(_) => {}
        }
        if began.elapsed() > START {
            bail!("the simulation did not answer within {} seconds", START.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::volchain::{Fault, FaultKind};

    #[test]
    fn what_is_asked_of_a_running_demo_is_compared_with_what_it_is() {
        let runs = Identity {
            opsconsole_demo: true,
            systems: vec!["volchain".to_owned()],
            surface: "as-built".to_owned(),
            pid: 1,
            seed: Some(7),
            fault_age_seconds: Some(70),
        };
        let check = |asked: ChainArgs, on: &[&str], want: &[&str]| {
            let state = |fault: Fault| FaultState {
                system: "volchain".to_owned(),
                name: fault.name().to_owned(),
                sentence: String::new(),
                kind: FaultKind::Chain,
                on: on.contains(&fault.name()),
                since: None,
                raises: Vec::new(),
                ends_by_restart: false,
            };
            assert_eq!(asked.unmet(Some("volchain"), &runs, &Fault::ALL.map(state)), want);
        };
        let stuck = &["producer-stuck"][..];
        let fault = |name: &str| ChainArgs { fault: Some(name.to_owned()), ..ChainArgs::default() };
        check(ChainArgs::default(), stuck, &[]);
        check(ChainArgs::default(), &[], &[]);
        check(fault("producer-stuck"), stuck, &[]);
        check(fault("volchain/producer-stuck"), stuck, &[]);
        check(fault("none"), &[], &[]);
        check(fault("none"), stuck, &["--fault none, and it has producer-stuck"]);
        check(fault("slow"), &[], &["--fault slow, and it has no fault"]);
        let all = ChainArgs { surface: Some(SurfaceName::Documented), seed: Some(8), fault_age: Some(5), fault: None };
        check(
            all,
            stuck,
            &[
                "--surface documented, and it answers as-built",
                "--seed 8, and its is 7",
                "--fault-age 5, and it began with 70",
            ],
        );
    }

    #[test]
    fn the_journal_is_shown_where_it_was_written() {
        let said = farewell(Path::new("/srv/my state"));
        assert!(said.contains("stays in /srv/my state"), "{said}");
        assert!(said.contains("opsconsole journal show --state-root '/srv/my state'"), "{said}");
    }
}
