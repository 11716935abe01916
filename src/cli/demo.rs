//! `opsconsole demo`: a simulated chain on loopback and the console on it; `--serve` runs the chain alone.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::{Result, WrapErr, bail};

use super::{Common, load};
use crate::base::text::shell_line;
use crate::model::{Answer, Batch, HttpAnswer, Reply};
use crate::shell::{self, clock};
use crate::sim::client::{FaultState, Identity};
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
    /// With --serve: the node's port; any free one by default
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
    /// The fault that the demo starts with; `none` for a healthy chain; producer-stuck by default
    #[arg(long)]
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

    /// The fault to start with, and how long ago it began.
    fn fault(&self) -> Result<Option<(Fault, Duration)>> {
        let name = self.fault.as_deref().unwrap_or("producer-stuck");
        if name == "none" {
            return Ok(None);
        }
        let Some(fault) = Fault::named(name) else {
            let known = Fault::ALL.iter().map(|fault| fault.name()).collect::<Vec<_>>().join(", ");
            bail!("{name:?} is no fault of the demo; there are: none, {known}");
        };
        Ok(Some((fault, Duration::from_secs(self.fault_age()))))
    }

    /// What was asked for and is not so in a demo that runs already; each as it was asked, and as it is.
    fn unmet(&self, runs: &Identity, faults: &[FaultState]) -> Vec<String> {
        let mut unmet = Vec::new();
        if let Some(asked) = self.surface.map(SurfaceName::word).filter(|asked| *asked != runs.surface) {
            unmet.push(format!("--surface {asked}, and it answers {}", runs.surface));
        }
        let on: Vec<&str> = faults.iter().filter(|fault| fault.on).map(|fault| fault.name.as_str()).collect();
        if let Some(asked) = self.fault.as_deref()
            && on != Some(asked).filter(|asked| *asked != "none").into_iter().collect::<Vec<_>>()
        {
            let on = if on.is_empty() { "no fault".to_owned() } else { on.join(" and ") };
            unmet.push(format!("--fault {asked}, and it has {on}"));
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
        surface: args.chain.surface().into(),
        seed: args.chain.seed(),
        history_minutes: HISTORY_MINUTES,
        fault: args.chain.fault()?,
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
    args.chain.fault()?;
    let demo = DemoFolder::create(folder)?;
    let _hold = demo.hold_as_console()?;
    // Everything that can be refused is loaded before a chain is started that nobody would look at; where it answers is
    // put in afterwards.
    let nowhere = "http://127.0.0.1:1".to_owned();
    let unserved = Served { data_url: nowhere.clone(), control_url: nowhere };
    let mut loaded = load::seen(common, demo.config(&unserved)?)?;
    let control = match running(folder)? {
        Some(control) => agreed(control, folder, &args.chain)?,
        None => start_server(folder, &args.chain)?,
    };
    let served = Served { data_url: control.file.data_url.clone(), control_url: control.file.control_url.clone() };
    loaded.setup.config = demo.config(&served)?;
    let trouble = RefCell::new(None);
    let history = history(folder, loaded.setup.clone(), &trouble);
    let farewell = farewell(loaded.root.path());
    let ran =
        shell::runtime()?.block_on(shell::console::run(loaded.setup, loaded.root, args.record.as_deref(), history));
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
fn agreed(control: Control, folder: &Path, asked: &ChainArgs) -> Result<Control> {
    let unmet = shell::runtime()?.block_on(async {
        let runs = sim::client::identity(&control).await?;
        let faults = sim::client::faults(&control).await?;
        Ok::<_, sim::SimError>(asked.unmet(&runs, &faults))
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

/// Starts the chain and waits until it answers.
#[expect(clippy::disallowed_methods, reason = "the command line starts the demo's server")]
fn start_server(folder: &Path, chain: &ChainArgs) -> Result<Control> {
    let program = std::env::current_exe().wrap_err("the program's own path")?;
    let mut server = std::process::Command::new(program)
        .args(["demo", "--serve", "--while-used", "--surface", chain.surface().word()])
        .args(["--fault", chain.fault()?.map_or("none", |(fault, _)| fault.name())])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::volchain::FaultKind;

    #[test]
    fn what_is_asked_of_a_running_demo_is_compared_with_what_it_is() {
        let runs = Identity {
            opsconsole_demo: true,
            system: "volchain".to_owned(),
            surface: "as-built".to_owned(),
            data_url: String::new(),
            pid: 1,
            seed: Some(7),
            fault_age_seconds: Some(70),
        };
        let check = |asked: ChainArgs, on: &[&str], want: &[&str]| {
            let state = |fault: Fault| FaultState {
                name: fault.name().to_owned(),
                sentence: String::new(),
                kind: FaultKind::Chain,
                on: on.contains(&fault.name()),
            };
            assert_eq!(asked.unmet(&runs, &Fault::ALL.map(state)), want);
        };
        let stuck = &["producer-stuck"][..];
        let fault = |name: &str| ChainArgs { fault: Some(name.to_owned()), ..ChainArgs::default() };
        check(ChainArgs::default(), stuck, &[]);
        check(ChainArgs::default(), &[], &[]);
        check(fault("producer-stuck"), stuck, &[]);
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
