//! `opsconsole demo`: simulated systems on loopback and the console on them; `--serve` runs the systems alone.

mod drill;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::{Result, WrapErr, bail};

use super::{Common, load};
use crate::base::SystemId;
use crate::base::problem::nearest;
use crate::base::text::{clean, shell_line};
use crate::model::{Answer, Batch, Fetch, HttpAnswer, Reply};
use crate::shell::{self, clock};
use crate::sim::client::{FaultState, Identity, PastRead};
use crate::sim::simulation::BY_HAND;
use crate::sim::{self, Control, DemoFolder, Past, Request, ServeOptions, Served, Simulation, Surface};
use crate::sources::{BoundSource, Cursor, Source};

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
        let mut found = all().filter(|(system, name)| is_called(system.as_str(), name, asked));
        match (found.next(), found.next()) {
            (Some((system, name)), None) => Ok(Some((system, name, Duration::from_secs(self.fault_age())))),
            (Some((first, name)), Some((second, _))) => {
                bail!(
                    "{asked:?} is a fault of several systems; say {first}/{name} or {second}/{name} or another of them"
                )
            }
            (None, _) => {
                let known: Vec<String> = all().map(|(system, name)| format!("{system}/{name}")).collect();
                bail!("{}", no_such_fault(asked, &known));
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
                [fault] => is_called(&fault.system, &fault.name, asked),
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

/// That there is no fault of this name, with the nearest of those that there are, and how to see them all.
fn no_such_fault(asked: &str, known: &[String]) -> String {
    let bare = |whole: &'_ String| whole.split_once('/').map_or(whole.clone(), |(_, name)| name.to_owned());
    let bare_names: Vec<String> = known.iter().map(bare).collect();
    let meant = nearest(asked, known.iter().map(String::as_str)).map(str::to_owned).or_else(|| {
        // `SYSTEM/` may be left out, or be that of another one.
        let name = asked.split_once('/').map_or(asked, |(_, name)| name);
        let near = nearest(name, bare_names.iter().map(String::as_str))?;
        bare_names.iter().position(|name| name == near).map(|at| known[at].clone())
    });
    let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    format!("{asked:?} is no fault of the demo{meant} (opsconsole demo fault lists them all)")
}

/// The one fault of a running demo that is called so.
fn fault_called<'a>(asked: &str, faults: &'a [FaultState]) -> Result<&'a FaultState, String> {
    let called: Vec<&FaultState> = faults.iter().filter(|fault| is_called(&fault.system, &fault.name, asked)).collect();
    match called.as_slice() {
        [one] => Ok(one),
        [] => Err(no_such_fault(asked, &faults.iter().map(FaultState::whole_name).collect::<Vec<_>>())),
        several => {
            let names: Vec<String> = several.iter().map(|fault| fault.whole_name()).collect();
            Err(format!("{asked:?} is a fault of several systems; say {}", names.join(" or ")))
        }
    }
}

/// How a mistake in what was typed is told, and what it exits with.
fn mistaken(why: &str) -> ExitCode {
    eprintln!("opsconsole: {}", clean(why));
    ExitCode::from(2)
}

/// Whether a fault is what is called so: `NAME`, or `SYSTEM/NAME`.
fn is_called(system: &str, name: &str, called: &str) -> bool {
    match called.split_once('/') {
        Some((of, called)) => of == system && called == name,
        None => called == name,
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
        Some(DemoCommand::Fault { name, switch }) => switch_fault(&folder, name.as_deref(), *switch),
        Some(DemoCommand::Drill { system, only }) => drill::run(systems(system.as_deref())?, only.as_deref()),
        Some(DemoCommand::Cure { what }) => cure(&folder, what),
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

/// Cures a fault, those of a system, or all; says which those were.
fn cure(folder: &Path, what: &str) -> Result<ExitCode> {
    let control = control_of(folder)?;
    shell::runtime()?.block_on(async {
        let runs = sim::client::identity(&control).await?;
        let system = (what != "all").then_some(what);
        if system.is_some_and(|system| !runs.systems.iter().any(|known| known == system)) {
            let faults = sim::client::faults(&control).await?;
            let name = match fault_called(what, &faults) {
                Ok(fault) => fault.whole_name(),
                Err(why) => return Ok(mistaken(&why)),
            };
            let state = sim::client::set_fault(&control, &name, false).await?;
            say_line!("{} is cured", state.whole_name());
            return Ok(ExitCode::SUCCESS);
        }
        let on = |fault: &&FaultState| fault.on && system.is_none_or(|system| fault.system == system);
        let before: Vec<String> =
            sim::client::faults(&control).await?.iter().filter(on).map(FaultState::whole_name).collect();
        let after = sim::client::cure(&control, system).await?;
        let cured = before.iter().filter(|name| !after.iter().any(|fault| fault.on && fault.whole_name() == **name));
        let cured: Vec<&str> = cured.map(String::as_str).collect();
        match cured.as_slice() {
            [] => say_line!("no fault was on"),
            cured => cured.iter().for_each(|name| say_line!("{name} is cured")),
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn switch_fault(folder: &Path, name: Option<&str>, switch: Switch) -> Result<ExitCode> {
    let control = control_of(folder)?;
    shell::runtime()?.block_on(async {
        match name {
            Some(asked) => {
                let faults = sim::client::faults(&control).await?;
                let name = match fault_called(asked, &faults) {
                    Ok(fault) => fault.whole_name(),
                    Err(why) => return Ok(mistaken(&why)),
                };
                let state = sim::client::set_fault(&control, &name, switch == Switch::On).await?;
                say_line!("{} is {}: {}", state.whole_name(), if state.on { "on" } else { "off" }, state.sentence);
            }
            None => {
                for state in sim::client::faults(&control).await? {
                    let name = state.whole_name();
                    say_line!("{name:<36} {:<4} {}", if state.on { "on" } else { "off" }, state.sentence);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
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
    let history = history(folder, loaded.setup.clone(), &trouble);
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
            batches.extend(source_history(&control, target.system.as_str(), bound).await?);
        }
    }
    Ok(batches)
}

async fn source_history(control: &Control, system: &str, bound: BoundSource) -> Result<Vec<Batch>> {
    let source = Source::compile(bound)?;
    let mut cursor = Cursor::default();
    // Only what answers lives its past again; its machine has none.
    let Ok(Fetch::Http(request)) = source.fetch(&cursor) else { return Ok(Vec::new()) };
    let read = PastRead {
        system,
        node: source.bound.labels.get("node"),
        endpoint: source.bound.spec.endpoint.as_str(),
        request: &Request::of(&request),
    };
    let past = sim::client::history(control, read, source.interval()).await?;
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
    fn a_fault_that_does_not_exist_names_the_nearest_and_how_to_see_them_all() {
        let known = ["goud/fork", "goud/html", "pouw/html", "volchain/slow"].map(str::to_owned);
        let check = |asked: &str, want: &str| {
            let said = no_such_fault(asked, &known);
            assert!(said.contains(want) && said.contains("demo fault lists them all"), "{said}");
            assert!(!said.contains('{') && said.lines().count() == 1, "{said}");
        };
        check("frok", "did you mean goud/fork?");
        check("goud/frok", "did you mean goud/fork?");
        check("pouw/slow", "did you mean volchain/slow?");
        check("nosuch", "\"nosuch\" is no fault of the demo (");
    }

    #[test]
    fn the_journal_is_shown_where_it_was_written() {
        let said = farewell(Path::new("/srv/my state"));
        assert!(said.contains("stays in /srv/my state"), "{said}");
        assert!(said.contains("opsconsole journal show --state-root '/srv/my state'"), "{said}");
    }
}
