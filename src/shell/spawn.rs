//! Starting the runner so that it outlives the console.
//!
//! A process of its own session outlives a closed terminal and a killed console. It does not outlive a logind that
//! kills what a login leaves behind; there the runner is started in a scope of the service manager. Where that does
//! not work either, arming says that the action dies with this login.

#![allow(clippy::disallowed_methods, reason = "the shell is where processes are started and files are read")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::child::{self, Ended};
use super::resolve::SEARCH;
use super::{StateRoot, actor};
use crate::base::{Digest, RunId};

/// How long a runner that fails at once is waited for.
const EARLY: Duration = Duration::from_millis(300);

/// How long logind and the service manager may take to answer.
const LIMIT: Duration = Duration::from_secs(3);

const LOGINCTL: &str = "/usr/bin/loginctl";
const SYSTEMD_RUN: &str = "/usr/bin/systemd-run";
const LINGER: &str = "/var/lib/systemd/linger";

/// What the runner, and nothing it starts, gets of the console's environment. No proxy, no library path, no secret but
/// those that its own reads need.
const HANDED_DOWN: [&str; 9] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SSH_CONNECTION",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_ID",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What ends a runner that the console leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Survival {
    /// Nothing does.
    Lives,
    /// Nothing does, when it is started in a scope by this argv.
    InScope(Vec<String>),
    /// The end of this login, or of this user's last one. Arming must say so.
    DiesWithLogin(String),
}

/// The circumstances on which survival depends.
#[derive(Clone, Debug, Default)]
struct Login {
    /// The control groups of this process.
    cgroups: String,
    /// Whether logind kills what a login leaves behind; `None` where that could not be found out.
    kills: Option<bool>,
    /// The argv that starts a program in a scope, where that was tried and works.
    scope: Option<Vec<String>>,
    /// Whether the user's own service manager outlives the last login.
    lingers: bool,
    root: bool,
}

/// Finds out whether a runner started now would outlive this login.
pub async fn survival() -> Survival {
    let mut login = Login {
        cgroups: std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default(),
        lingers: Path::new(LINGER).join(actor::user()).exists(),
        root: rustix::process::geteuid().is_root(),
        ..Login::default()
    };
    if in_session(&login.cgroups) {
        login.kills = kills_user_processes().await;
        if login.kills != Some(false) {
            login.scope = working_scope(login.root).await;
        }
    }
    judge(&login)
}

fn judge(login: &Login) -> Survival {
    if in_user_manager(&login.cgroups) && !login.lingers {
        let why = "this console runs under the user's own service manager, which ends with the user's last login; \
                   loginctl enable-linger changes that";
        return Survival::DiesWithLogin(why.to_owned());
    }
    if !in_session(&login.cgroups) || login.kills == Some(false) {
        return Survival::Lives;
    }
    let kills = match login.kills {
        Some(_) => "logind kills what a login leaves behind (KillUserProcesses)",
        None => "logind may kill what a login leaves behind (KillUserProcesses could not be read)",
    };
    match &login.scope {
        Some(argv) if login.root || login.lingers => Survival::InScope(argv.clone()),
        Some(_) => Survival::DiesWithLogin(format!(
            "{kills}, and the user's own service manager ends with the last login; loginctl enable-linger changes that"
        )),
        None => Survival::DiesWithLogin(format!("{kills}, and systemd-run --scope does not work here")),
    }
}

fn in_session(cgroups: &str) -> bool {
    cgroups.lines().any(|line| line.rsplit('/').any(|part| part.starts_with("session-") && part.ends_with(".scope")))
}

fn in_user_manager(cgroups: &str) -> bool {
    cgroups.lines().any(|line| line.rsplit('/').any(|part| part.starts_with("user@") && part.ends_with(".service")))
}

async fn kills_user_processes() -> Option<bool> {
    let argv = [LOGINCTL, "show-session", "--property=KillUserProcesses"].map(str::to_owned);
    match child::answer(&argv, LIMIT).await {
        Ok((Ended::Exited { code: 0 }, said)) => match said.trim() {
            "KillUserProcesses=yes" => Some(true),
            "KillUserProcesses=no" => Some(false),
            _ => None,
        },
        Ok((Ended::Exited { .. } | Ended::Signalled { .. } | Ended::OverTime { .. } | Ended::Lost { .. }, _))
        | Err(_) => None,
    }
}

/// The argv that starts a program in a scope, if it works for `/bin/true`.
async fn working_scope(root: bool) -> Option<Vec<String>> {
    let mut argv = vec![SYSTEMD_RUN.to_owned()];
    argv.extend((!root).then(|| "--user".to_owned()));
    argv.extend(["--scope", "--quiet", "--collect", "--"].map(str::to_owned));
    let mut attempt = argv.clone();
    attempt.push("/bin/true".to_owned());
    match child::answer_in(&attempt, &environment(), LIMIT).await {
        Ok((Ended::Exited { code: 0 }, _)) => Some(argv),
        Ok((Ended::Exited { .. } | Ended::Signalled { .. } | Ended::OverTime { .. } | Ended::Lost { .. }, _))
        | Err(_) => None,
    }
}

fn environment() -> Vec<(String, String)> {
    HANDED_DOWN.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect()
}

/// Starts `opsconsole runner` for a confirmed sequence. `variables` of the environment are handed down with the usual
/// ones: the secrets that its reads need. Answers with its process id.
///
/// # Errors
/// It did not start, or ended at once with nothing done; in words. The journal tells the rest.
pub async fn spawn_runner(root: &StateRoot, run: &RunId, hash: &Digest, variables: &[String]) -> Result<u32, String> {
    let arguments = arguments(root, run, hash);
    match survival().await {
        Survival::InScope(scope) => {
            // A scope needs a path that still leads to this binary.
            let program = own_path()?;
            let (systemd_run, options) = scope.split_first().ok_or("there is no systemd-run")?;
            let mut all = options.to_vec();
            all.push(program.display().to_string());
            all.extend(arguments);
            start(Path::new(systemd_run), None, &all, variables).await
        }
        Survival::Lives | Survival::DiesWithLogin(_) => {
            // The kernel's own link leads to the binary that runs now, even if an update has put another in its place.
            start(Path::new("/proc/self/exe"), own_path().ok(), &arguments, variables).await
        }
    }
}

fn arguments(root: &StateRoot, run: &RunId, hash: &Digest) -> Vec<String> {
    let root = root.path().display().to_string();
    ["runner", "--state-root", &root, "--run", run.as_str(), "--hash", hash.as_str()].map(str::to_owned).to_vec()
}

fn own_path() -> Result<PathBuf, String> {
    let path =
        std::env::current_exe().map_err(|error| format!("the console's own program can not be found: {error}"))?;
    if path.exists() {
        return Ok(path);
    }
    Err(format!("the console's own program {} was replaced; leave the console and start it again", path.display()))
}

/// Starts a program without a terminal and with little of our environment. It makes its own session; until then it
/// shares ours, and a sequence that it did not begin is one that never started.
async fn start(
    program: &Path,
    shown_as: Option<PathBuf>,
    arguments: &[String],
    variables: &[String],
) -> Result<u32, String> {
    let mut command = Command::new(program);
    if let Some(name) = shown_as {
        command.arg0(name);
    }
    command
        .args(arguments)
        .env_clear()
        .env("PATH", SEARCH.join(":"))
        .env("LANG", "C.UTF-8")
        .envs(environment())
        .envs(variables.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(false);
    let mut child = command.spawn().map_err(|error| format!("the runner could not be started: {error}"))?;
    let pid = child.id().ok_or("the runner ended before it could be seen")?;
    match timeout(EARLY, child.wait()).await {
        // It is at work. Whoever started it need not wait for it: its story is in the journal.
        Err(_) => Ok(pid),
        Ok(Ok(status)) if status.success() => Ok(pid),
        Ok(Ok(status)) => Err(format!("the runner ended at once ({status}); see the run's journal for what it tells")),
        Ok(Err(error)) => Err(format!("the runner could not be watched: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(program: &str, arguments: &[&str]) -> Result<u32, String> {
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(start(Path::new(program), None, &arguments, &[]))
    }

    #[test]
    fn a_runner_that_fails_at_once_is_told_and_one_that_works_is_left_alone() {
        assert!(run("/no/such/program", &[]).expect_err("it is not there").contains("could not be started"));
        assert!(run("/bin/true", &[]).is_ok());
        let pid = run("/bin/sleep", &["60"]).expect("it runs");
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("it is small")).expect("it is not 0");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is still there");
    }

    #[test]
    fn the_runner_gets_its_order_by_name_and_hash() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        let hash = Digest::of(b"x");
        let found = arguments(&root, &RunId::new("run-1"), &hash);
        let path = root.path().display().to_string();
        let want = ["runner", "--state-root", &path, "--run", "run-1", "--hash", hash.as_str()];
        assert_eq!(found, want);
    }

    #[test]
    fn survival_follows_from_the_login() {
        let session = "0::/user.slice/user-1000.slice/session-7.scope\n";
        let manager = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n";
        let scope = || Some(vec![SYSTEMD_RUN.to_owned()]);
        let check = |cgroups: &str, kills, scope, lingers, root, want: &str| {
            let login = Login { cgroups: cgroups.to_owned(), kills, scope, lingers, root };
            let told = match judge(&login) {
                Survival::Lives => "lives".to_owned(),
                Survival::InScope(_) => "in scope".to_owned(),
                Survival::DiesWithLogin(why) => why,
            };
            assert!(told.contains(want), "{login:?}: {told}");
        };
        check("0::/system.slice/cron.service\n", None, None, false, true, "lives");
        check("9:name=systemd:/\n0::/\n", None, None, false, false, "lives");
        check(session, Some(false), None, false, false, "lives");
        check(session, Some(true), scope(), true, false, "in scope");
        check(session, Some(true), scope(), false, true, "in scope");
        check(session, Some(true), scope(), false, false, "enable-linger");
        check(session, Some(true), None, true, false, "does not work here");
        check(session, None, None, false, false, "could not be read");
        check("1:name=systemd:/user.slice/session-c1.scope\n", Some(true), None, false, false, "logind kills");
        check(manager, None, None, false, false, "last login");
        check(manager, None, None, true, false, "lives");
    }
}
