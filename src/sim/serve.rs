//! The demo from start to end: one node, one scratch folder, two ports.

use std::future::Future;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::backend::Backend;
use super::client::Identity;
use super::control;
use super::error::SimError;
use super::folder::{ControlFile, DemoFolder};
use super::life::Life;
use super::logfile;
use super::server;
use super::stage::{Stage, wall_millis};
use super::volchain::{Change, Fault, Node, Surface, Timeline};
use crate::base::Wall;

/// Seconds that an unused demo stays after its start, so that its console can come.
const GRACE_SECONDS: u32 = 10;
/// Seconds without any use after which a demo that lives while it is used ends.
const UNUSED_SECONDS: u32 = 3;

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    pub folder: PathBuf,
    /// Of the node; 0 is any.
    pub port: u16,
    pub surface: Surface,
    pub seed: u64,
    /// How long the node has been living when it is first asked; 15 minutes at most are told.
    pub history_minutes: u32,
    /// A fault that is on from the start, and how long ago it began.
    pub fault: Option<(Fault, Duration)>,
    /// Take up the chain where the last process in this folder left it: for a node that is a systemd unit.
    pub keep: bool,
    /// End when no console and no runner uses the demo any more, and only then.
    pub while_used: bool,
}

/// What is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The node: `http://127.0.0.1:PORT`.
    pub data_url: String,
    /// Where it is controlled: `http://127.0.0.1:PORT`.
    pub control_url: String,
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
    let data = server::listen(options.port).await?;
    let desk = server::listen(0).await?;
    let url = |listener: &tokio::net::TcpListener| {
        let address = listener.local_addr().map_err(|source| SimError::Listen { port: options.port, source })?;
        Ok::<_, SimError>(format!("http://{address}"))
    };
    let served = Served { data_url: url(&data)?, control_url: url(&desk)? };
    let file = ControlFile {
        control_url: served.control_url.clone(),
        token: random_token()?,
        pid: std::process::id(),
        data_url: served.data_url.clone(),
    };
    let admin_secret = random_token()?;
    let program = std::env::current_exe().map_err(SimError::file("find", &options.folder))?;
    folder.write_programs(&program)?;
    folder.write_admin_secret(&admin_secret)?;
    folder.write_control(&file)?;

    let (timeline, life) = begin(&options, &admin_secret)?;
    let stage = Stage::new(timeline).kept_in(life);
    let (log, speaking) = (folder.log(), stage.clone());
    logfile::begin(&log).map_err(SimError::file("make", &log))?;
    let identity = Identity {
        opsconsole_demo: true,
        system: "volchain".to_owned(),
        surface: options.surface.name().to_owned(),
        data_url: served.data_url.clone(),
        pid: file.pid,
        seed: Some(options.seed),
        fault_age_seconds: options.fault.map(|(_, age)| age.as_secs()),
    };
    let backend = Backend::of(folder.path());
    stage.load(backend.variable());
    backend.begin(&stage, Wall(wall_millis())).map_err(SimError::file("write into", folder.path()))?;
    let router = control::router(stage.clone(), &file.token, identity, backend.clone());
    let living = stage.clone();
    let node = server::run(stage, data);
    ready(&served);
    let ended = tokio::select! {
        ended = node => ended,
        ended = axum::serve(desk, router).into_future() => ended,
        () = logfile::keep(&speaking, &log) => Ok(()),
        () = backend.keep(&living) => Ok(()),
        () = asked => Ok(()),
        () = unused(&folder), if options.while_used => Ok(()),
    };
    folder.remove_control();
    ended.map_err(|source| SimError::Listen { port: options.port, source })
}

/// The chain, and where it is kept if it is.
fn begin(options: &ServeOptions, admin_secret: &str) -> Result<(Timeline, Option<Life>), SimError> {
    let now = wall_millis();
    if options.keep
        && let Some(mut life) = Life::read(&options.folder)?
    {
        let timeline = life.again(now, admin_secret)?;
        return Ok((timeline, Some(life)));
    }
    let start = now - i64::from(options.history_minutes) * 60_000;
    let node = Node::new(options.seed, options.surface, start).with_admin_secret(admin_secret);
    let mut life = options.keep.then(|| Life::begin(&options.folder, options.seed, options.surface, start));
    let mut timeline = Timeline::of(node);
    if let Some((fault, age)) = options.fault {
        let since = now.saturating_sub_unsigned(crate::base::time::millis(age)).max(start);
        let change = Change::Fault { fault, on: true };
        timeline.apply(since, change);
        if let Some(life) = &mut life {
            life.note(since, change)?;
        }
    }
    timeline.advance(now);
    Ok((timeline, life))
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
