//! The demo from start to end: some systems, one scratch folder, one control port.

use std::future::Future;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::backend::Backend;
use super::client::Identity;
use super::control;
use super::error::SimError;
use super::exchange::Surface;
use super::folder::{ControlFile, DemoFolder};
use super::life::Life;
use super::simulation::{Event, Play, Simulation};
use super::stage::{Stage, wall_millis};
use super::{filing, logfile, server};
use crate::base::{SystemId, Wall};

/// Seconds that an unused demo stays after its start, so that its console can come.
const GRACE_SECONDS: u32 = 10;
/// Seconds without any use after which a demo that lives while it is used ends.
const UNUSED_SECONDS: u32 = 3;

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    pub folder: PathBuf,
    /// What is simulated.
    pub systems: Vec<Simulation>,
    /// Of the first listener; 0 is any, as it is for all others.
    pub port: u16,
    pub surface: Surface,
    pub seed: u64,
    /// How long the node has been living when it is first asked; 15 minutes at most are told.
    pub history_minutes: u32,
    /// A fault of one of the systems that is on from the start, and how long ago it began.
    pub fault: Option<(SystemId, String, Duration)>,
    /// Take up the chain where the last process in this folder left it: for one system, which is a systemd unit.
    pub keep: bool,
    /// End when no console and no runner uses the demo any more, and only then.
    pub while_used: bool,
}

/// What is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Where it is controlled: `http://127.0.0.1:PORT`.
    pub control_url: String,
    pub systems: Vec<ServedSystem>,
}

/// A system that is served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedSystem {
    pub system: SystemId,
    /// `http://127.0.0.1:PORT`, by the numbers of its ports.
    pub urls: Vec<String>,
}

impl Served {
    /// These systems before anybody serves them.
    #[must_use]
    pub fn nowhere(systems: &[Simulation]) -> Served {
        let nowhere = "http://127.0.0.1:1".to_owned();
        let of = |simulation: &Simulation| ServedSystem {
            system: simulation.system.clone(),
            urls: vec![nowhere.clone(); simulation.ports()],
        };
        Served { systems: systems.iter().map(of).collect(), control_url: nowhere.clone() }
    }
}

/// Serves until SIGTERM, SIGINT or SIGHUP, or, with `while_used`, until nobody uses the demo. `ready` is called once
/// both ports answer and the folder is complete.
///
/// # Errors
/// The folder is not fit or already serves a demo, or a port can not be opened.
pub async fn serve(options: ServeOptions, ready: impl FnOnce(&Served)) -> Result<(), SimError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(SimError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(SimError::Signals)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(SimError::Signals)?;
    let while_used = options.while_used;
    let asked = async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = interrupt.recv() => return,
                // A console's terminal that vanishes must not take the node from a runner that still needs it.
                _ = hang_up.recv() => if !while_used { return },
            }
        }
    };
    serve_until(options, ready, asked).await
}

/// As [`serve`], but ends when `asked` does rather than on a signal.
///
/// # Errors
/// As [`serve`].
pub async fn serve_until(
    options: ServeOptions,
    ready: impl FnOnce(&Served),
    asked: impl Future<Output = ()>,
) -> Result<(), SimError> {
    let folder = DemoFolder::create(&options.folder)?;
    let _hold = folder.hold_as_server()?;
    let mut listeners = Vec::new();
    let mut systems = Vec::new();
    for simulation in &options.systems {
        let mut urls = Vec::new();
        for port in 0..simulation.ports() {
            // Only the very first listener is asked for by its number.
            let number = if listeners.is_empty() && port == 0 { options.port } else { 0 };
            let listener = server::listen(number).await?;
            urls.push(url(&listener, number)?);
            listeners.push((systems.len(), port, listener));
        }
        systems.push(ServedSystem { system: simulation.system.clone(), urls });
    }
    let desk = server::listen(0).await?;
    let served = Served { control_url: url(&desk, 0)?, systems };
    let file = ControlFile {
        control_url: served.control_url.clone(),
        token: random_token()?,
        pid: std::process::id(),
        systems: served.systems.clone(),
    };
    let admin_secret = random_token()?;
    let program = std::env::current_exe().map_err(SimError::file("find", &options.folder))?;
    folder.write_programs(&program, &options.systems)?;
    folder.write_admin_secret(&admin_secret)?;
    folder.write_control(&file)?;

    let stages = options.systems.iter().map(|simulation| begin(&options, simulation, &admin_secret));
    let stages = stages.collect::<Result<Vec<Stage>, SimError>>()?;
    let identity = Identity {
        opsconsole_demo: true,
        systems: served.systems.iter().map(|served| served.system.to_string()).collect(),
        surface: options.surface.name().to_owned(),
        pid: file.pid,
        seed: Some(options.seed),
        fault_age_seconds: options.fault.as_ref().map(|(_, _, age)| age.as_secs()),
    };
    let backend = Backend::of(folder.path());
    let mut living: JoinSet<io::Result<()>> = JoinSet::new();
    for stage in &stages {
        stage.load(backend.variable());
        backend.begin(stage, Wall(wall_millis())).map_err(SimError::file("write into", folder.path()))?;
        keep_machine(&mut living, &folder, stage, &backend)?;
    }
    let router = control::router(stages.clone(), &file.token, identity, backend);
    for (at, port, listener) in listeners {
        if let Some(stage) = stages.get(at) {
            living.spawn(server::run(stage.clone(), port, listener));
        }
    }
    ready(&served);
    let ended = tokio::select! {
        Some(ended) = living.join_next() => ended.unwrap_or_else(|error| Err(io::Error::other(error))),
        ended = axum::serve(desk, router).into_future() => ended,
        () = asked => Ok(()),
        () = unused(&folder), if options.while_used => Ok(()),
    };
    folder.remove_control();
    ended.map_err(|source| SimError::Listen { port: options.port, source })
}

/// Where a listener is: `http://127.0.0.1:PORT`.
fn url(listener: &TcpListener, port: u16) -> Result<String, SimError> {
    let address = listener.local_addr().map_err(|source| SimError::Listen { port, source })?;
    Ok(format!("http://{address}"))
}

/// Keeps what a system leaves in the folder: its logs and its files.
fn keep_machine(
    living: &mut JoinSet<io::Result<()>>,
    folder: &DemoFolder,
    stage: &Stage,
    backend: &Backend,
) -> Result<(), SimError> {
    for place in stage.look(|play, _| play.logs()) {
        let Some(file) = place.file else { continue };
        let path = folder.path().join(file);
        logfile::begin(&path).map_err(SimError::file("make", &path))?;
        let stage = stage.clone();
        living.spawn(async move {
            logfile::keep(&stage, place.log, &path).await;
            Ok(())
        });
    }
    let (stage, backend) = (stage.clone(), backend.clone());
    let own = folder.path().to_owned();
    living.spawn(async move {
        if stage.by_hand(|_| ()).is_some() {
            backend.keep(&stage).await;
        } else {
            filing::keep(&stage, &own).await;
        }
        Ok(())
    });
    Ok(())
}

/// A system at play, and kept if it is to be.
fn begin(options: &ServeOptions, simulation: &Simulation, admin_secret: &str) -> Result<Stage, SimError> {
    let now = wall_millis();
    // A life is that of one system.
    let keep = options.keep && options.systems.len() == 1;
    if keep && let Some(mut life) = Life::read(&options.folder)? {
        let play = life.again(simulation, now, admin_secret)?;
        return Ok(Stage::new(simulation.clone(), play).kept_in(Some(life)));
    }
    let start = now - i64::from(options.history_minutes) * 60_000;
    let mut life = keep.then(|| Life::begin(&options.folder, options.seed, options.surface, start));
    let mut play: Play = simulation.begin(options.seed, options.surface, start, admin_secret);
    if let Some((_, name, age)) = options.fault.as_ref().filter(|(system, ..)| *system == simulation.system) {
        let since = now.saturating_sub_unsigned(crate::base::time::millis(*age)).max(start);
        let event = Event::Fault { name: name.clone(), on: true };
        play.apply(since, &event);
        if let Some(life) = &mut life {
            life.note(since, event)?;
        }
    }
    play.advance(now);
    Ok(Stage::new(simulation.clone(), play).kept_in(life))
}

/// Ends when nobody has used the demo for a while.
async fn unused(folder: &DemoFolder) {
    let mut every_second = interval(Duration::from_secs(1));
    every_second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = UseWatch::default();
    loop {
        every_second.tick().await;
        if watch.observe(folder.in_use()) {
            return;
        }
    }
}

/// Counts the seconds without use. It is asked once a second.
#[derive(Debug, Default)]
struct UseWatch {
    observed: u32,
    unused: u32,
}

impl UseWatch {
    /// True when it is time to go.
    fn observe(&mut self, in_use: bool) -> bool {
        self.observed = self.observed.saturating_add(1);
        self.unused = if in_use { 0 } else { self.unused.saturating_add(1) };
        self.observed > GRACE_SECONDS && self.unused >= UNUSED_SECONDS
    }
}

#[allow(clippy::disallowed_methods, reason = "the token must be one that nobody can guess")]
fn random_token() -> Result<String, SimError> {
    let path = std::path::Path::new("/dev/urandom");
    let mut bytes = [0; 24];
    std::fs::File::open(path)
        .and_then(|mut file: std::fs::File| -> io::Result<()> { file.read_exact(&mut bytes) })
        .map_err(SimError::file("read", path))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `u` is a second of use, `.` one without.
    #[test]
    fn an_unused_demo_ends_after_its_grace_and_a_few_seconds() {
        let check = |seconds: &str, want: Option<usize>| {
            let mut watch = UseWatch::default();
            let end = seconds.chars().position(|second| watch.observe(second == 'u'));
            assert_eq!(end, want, "{seconds}");
        };
        check("..........", None);
        check("...........", Some(10));
        check("uuuuuuuuuuuu...", Some(14));
        check("uuuuuuuuuuuu..u..u..", None);
        check("u.........", None);
        check("u..........", Some(10));
        check(".........u..", None);
    }
}
