//! From a reviewed command to the exact argv that will run: no shell, no search path of the environment, no surprise.
//!
//! A bare name becomes an absolute path by a fixed list of folders that only root may write; in a demo by the demo's
//! own folder and nothing else. What the operator configured as privilege is put before it. The runner resolves again
//! what was sealed, and anything but the same answer is refused. A request is held against the address that the host
//! is proven by.

#![allow(clippy::disallowed_methods, reason = "the shell is where files are looked at")]

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};

use super::file_act;
use crate::base::{secret, text};
use crate::model::file_act::{MANIFEST, NEWEST, PROGRAM_NAME, is_backup_name};
use crate::model::{Exec, FileAct, FileOrder};
use crate::runbook::request::RequestError;
use crate::runbook::seal::{Environment, Host, Place, Privilege};
use crate::runbook::tree::{Act, ActPlan};

/// Where programs are looked for, in order. Also the `PATH` of every child.
pub const SEARCH: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const SUDO: &str = "/usr/bin/sudo";

/// Programs that run another program, or as another user: they would pass by the search path, the host proof and the
/// privilege that the operator configured. Never the program of an act, not even in a demo.
const RUNS_OTHERS: [&str; 20] = [
    "sudo",
    "su",
    "doas",
    "pkexec",
    "run0",
    "runuser",
    "setpriv",
    "chroot",
    "nsenter",
    "systemd-run",
    "env",
    "xargs",
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "busybox",
    "nohup",
];

/// Most elements of one argv, and most bytes of one element.
const ARGV_LIMIT: usize = 64;
const ARGUMENT_LIMIT_BYTES: usize = 4096;

/// A command that will not be run, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("the command is empty")]
    Empty,
    #[error("{name:?} is not the bare name of a program")]
    NotBare { name: String },
    #[error("{name} runs other programs; write the program itself, and as whom it runs into the target's privilege")]
    RunsOthers { name: String },
    #[error("the argument {shown} contains characters that can not be shown; it is refused")]
    Hostile { shown: String },
    #[error("the command is longer than {ARGV_LIMIT} elements, or one of them than {ARGUMENT_LIMIT_BYTES} bytes")]
    TooLong,
    #[error("{name} is not in {}", searched.join(", "))]
    NotFound { name: String, searched: Vec<String> },
    #[error("{path} is not run: {why}")]
    Unsafe { path: String, why: String },
    #[error("a simulated target may run only programs of its own folder {folder}: {why}")]
    OutsideDemo { folder: String, why: String },
    #[error("a simulated target never elevates its commands; set privilege to None")]
    DemoElevation,
    #[error(
        "the target is declared as a simulation and names no folder for its programs; nothing of the real system is run for it"
    )]
    DemoWithoutFolder,
    #[error("the target is not configured; nothing is run for what nobody has said anything about")]
    NotConfigured,
    #[error("{user:?} can not name a user for sudo")]
    User { user: String },
    #[error("{unit:?} can not name a unit")]
    Unit { unit: String },
    #[error("the command acts on {acts_on}, and the target's unit is {unit}")]
    OtherUnit { acts_on: String, unit: String },
    #[error("commands over ssh are refused: acting over ssh is not built")]
    Ssh,
    #[error("{0}")]
    Request(#[from] RequestError),
    #[error("the request {url} does not go to {listens_on}, which the host is proven by")]
    Elsewhere { url: String, listens_on: String },
    #[error("a simulated target may ask only a node on this machine, and {url} is none")]
    DemoElsewhere { url: String },
    #[error("{secret} is none of the target's secrets")]
    ForeignSecret { secret: String },
    #[error("this is not done: {act}: {why}")]
    FileAct { act: String, why: String },
    #[error("what would run now is not what was reviewed: {now} instead of {reviewed}")]
    Changed { now: String, reviewed: String },
}

/// The exact command of an act at this place.
///
/// # Errors
/// The command is not run as it stands, and why.
pub fn resolve(place: &Place, plan: &ActPlan) -> Result<Exec, ResolveError> {
    if bare_unit(&plan.unit) != bare_unit(&place.unit) {
        return Err(ResolveError::OtherUnit { acts_on: plan.unit.clone(), unit: place.unit.clone() });
    }
    match &plan.act {
        Act::Command(argv) => Ok(Exec::Command { argv: resolve_argv(place, argv)?, timeout: plan.timeout }),
        Act::Wait(time) => Ok(Exec::Wait { time: *time }),
        Act::File(act) => Ok(Exec::Command { argv: file_act_argv(place, act)?, timeout: plan.timeout }),
        Act::Request(request) => {
            allowed_place(place)?;
            let exec = request.at(&place.base_url, &place.secrets, plan.timeout)?;
            goes_to_the_place(place, &exec)?;
            Ok(exec)
        }
    }
}

/// That a request goes to the address that host proof is about, and that its secrets are those of the place.
fn goes_to_the_place(place: &Place, exec: &Exec) -> Result<(), ResolveError> {
    let Exec::Request { url, .. } = exec else { return Ok(()) };
    let address = |url: &str| {
        let url = url::Url::parse(url).ok()?;
        Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
    };
    let shown = || text::escaped(url).into_owned();
    if address(url).as_deref() != Some(&place.listens_on)
        || address(&place.base_url).as_deref() != Some(&place.listens_on)
    {
        return Err(ResolveError::Elsewhere { url: shown(), listens_on: place.listens_on.clone() });
    }
    if place.demo_folder.is_some() && !secret::is_private(url) {
        return Err(ResolveError::DemoElsewhere { url: shown() });
    }
    match exec.secrets().find(|secret| !place.secrets.values().any(|own| own == *secret)) {
        Some(secret) => Err(ResolveError::ForeignSecret { secret: secret.to_string() }),
        None => Ok(()),
    }
}

/// The exact argv of a command at this place: the program's path, and the configured privilege before it.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_argv(place: &Place, argv: &[String]) -> Result<Vec<String>, ResolveError> {
    allowed_place(place)?;
    let (name, arguments) = argv.split_first().ok_or(ResolveError::Empty)?;
    if argv.len() > ARGV_LIMIT || argv.iter().any(|argument| argument.len() > ARGUMENT_LIMIT_BYTES) {
        return Err(ResolveError::TooLong);
    }
    if let Some(hostile) = argv.iter().find(|argument| argument.chars().any(text::is_hostile)) {
        return Err(ResolveError::Hostile { shown: text::escaped(hostile).into_owned() });
    }
    names_its_unit(place, name, arguments)?;
    let path = program(place, name)?.display().to_string();
    let mut resolved = match &place.privilege {
        Privilege::None | Privilege::Polkit => Vec::new(),
        Privilege::SudoNonInteractive(user) => sudo(user)?,
    };
    resolved.push(path);
    resolved.extend(arguments.iter().cloned());
    Ok(resolved)
}

/// The exact argv of a file act at this place: this very program, or a demo's own name for it, with the order.
fn file_act_argv(place: &Place, act: &FileAct) -> Result<Vec<String>, ResolveError> {
    allowed_place(place)?;
    let refuse = |why: String| ResolveError::FileAct { act: text::escaped(&act.sentence()).into_owned(), why };
    if let Some(why) = act.objection() {
        return Err(refuse(why));
    }
    let mut act = act.clone();
    for path in act.paths_mut() {
        *path = settled(path).map_err(&refuse)?;
    }
    if let FileAct::Prune { parent, keep_days, keep_newest, listed: listed @ None } = &mut act {
        let now = super::clock::now().wall;
        let names = file_act::candidates(Path::new(parent), *keep_days, *keep_newest, now);
        *listed = Some(names.map_err(|error| refuse(format!("{parent} can not be listed: {error}")))?);
    }
    let order = FileOrder { within: place.demo_folder.clone(), act };
    if let Some(folder) = &order.within
        && let Some(path) = order.act.paths().into_iter().find(|path| !Path::new(path).starts_with(folder))
    {
        return Err(ResolveError::OutsideDemo { folder: folder.clone(), why: format!("{path} is not in it") });
    }
    let arguments = order.arguments().map_err(|error| refuse(error.to_string()))?;
    if arguments.iter().any(|argument| argument.chars().any(text::is_hostile)) {
        return Err(refuse("it contains characters that can not be shown".to_owned()));
    }
    if arguments.iter().any(|argument| argument.len() > ARGUMENT_LIMIT_BYTES) {
        return Err(ResolveError::TooLong);
    }
    let program = match &place.demo_folder {
        Some(folder) => program_of_demo(folder, PROGRAM_NAME)?,
        None => own_program(&place.privilege)?,
    };
    let mut argv = match &place.privilege {
        Privilege::None | Privilege::Polkit => Vec::new(),
        Privilege::SudoNonInteractive(user) => sudo(user)?,
    };
    argv.push(program.display().to_string());
    argv.extend(arguments);
    Ok(argv)
}

/// A path with the newest backup's own name in the place of the word for it.
fn settled(path: &str) -> Result<String, String> {
    let Some((parent, rest)) = path.split_once(&format!("/{NEWEST}")) else { return Ok(path.to_owned()) };
    let entries = std::fs::read_dir(parent).map_err(|error| format!("{parent} can not be listed: {error}"))?;
    let names = entries.filter_map(Result::ok).filter(|entry| entry.path().join(MANIFEST).is_file());
    let names = names.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| is_backup_name(name));
    match names.max() {
        Some(newest) => Ok(format!("{parent}/{newest}{rest}")),
        None => Err(format!("{parent} holds no backup with a {MANIFEST}")),
    }
}

/// This program, where nobody but root, or without elevation the user, can have written it.
fn own_program(privilege: &Privilege) -> Result<PathBuf, ResolveError> {
    let nowhere = |why: String| ResolveError::Unsafe { path: PROGRAM_NAME.to_owned(), why };
    let path = std::env::current_exe().map_err(|error| nowhere(error.to_string()))?;
    let user = rustix::process::geteuid().as_raw();
    let elevated = *privilege != Privilege::None;
    runnable(&path, |owner| owner == 0 || (!elevated && owner == user))?;
    Ok(path)
}

/// Holds a sealed command against what it would be resolved to now. The runner asks this before anything runs.
///
/// # Errors
/// It is not what it would be now; as [`resolve`].
pub fn recheck(place: &Place, exec: &Exec) -> Result<(), ResolveError> {
    let argv = match exec {
        Exec::Command { argv, .. } => argv,
        Exec::Wait { .. } => return Ok(()),
        Exec::Request { .. } => {
            allowed_place(place)?;
            return goes_to_the_place(place, exec);
        }
    };
    let now = match FileOrder::in_argv(without_privilege(place, argv)) {
        Some((0, order)) => file_act_argv(place, &order.act)?,
        Some(_) | None => resolve_argv(place, &bare(place, argv)?)?,
    };
    if now == *argv {
        return Ok(());
    }
    let shown = |argv: &[String]| text::escaped(&text::shell_line(argv)).into_owned();
    Err(ResolveError::Changed { now: shown(&now), reviewed: shown(argv) })
}

/// The command of a resolved argv, from its absolute path on, without the privilege before it.
#[must_use]
pub fn without_privilege<'a>(place: &Place, argv: &'a [String]) -> &'a [String] {
    match &place.privilege {
        Privilege::None | Privilege::Polkit => argv,
        Privilege::SudoNonInteractive(user) => match sudo(user) {
            Ok(prefix) => argv.strip_prefix(prefix.as_slice()).unwrap_or(argv),
            Err(_) => argv,
        },
    }
}

fn bare(place: &Place, argv: &[String]) -> Result<Vec<String>, ResolveError> {
    let (path, arguments) = without_privilege(place, argv).split_first().ok_or(ResolveError::Empty)?;
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(std::iter::once(name).chain(arguments.iter().cloned()).collect())
}

/// The absolute path of a program at this place.
///
/// # Errors
/// As [`resolve`].
pub fn program(place: &Place, name: &str) -> Result<PathBuf, ResolveError> {
    named_program(place.demo_folder.as_deref(), name)
}

/// The absolute path of a program that a source runs to read: a bare name as for an act, or, but for a simulated
/// target, the path of a file that only root can have written.
///
/// # Errors
/// As [`resolve`].
pub fn reading_program(demo_folder: Option<&str>, name: &str) -> Result<PathBuf, ResolveError> {
    let path = Path::new(name);
    if demo_folder.is_some() || !path.is_absolute() {
        return named_program(demo_folder, name);
    }
    let bare = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if RUNS_OTHERS.contains(&bare) {
        return Err(ResolveError::RunsOthers { name: bare.to_owned() });
    }
    if !path.exists() {
        let folder = path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        return Err(ResolveError::NotFound { name: bare.to_owned(), searched: vec![folder] });
    }
    runnable(path, |owner| owner == 0)?;
    Ok(path.to_owned())
}

fn named_program(demo_folder: Option<&str>, name: &str) -> Result<PathBuf, ResolveError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    if name.is_empty() || name.starts_with(['-', '.']) || !name.chars().all(plain) {
        return Err(ResolveError::NotBare { name: text::escaped(name).into_owned() });
    }
    if RUNS_OTHERS.contains(&name) {
        return Err(ResolveError::RunsOthers { name: name.to_owned() });
    }
    match demo_folder {
        Some(folder) => program_of_demo(folder, name),
        None => program_of_system(name),
    }
}

/// A unit's name, for an argv: it can not be read as an option.
///
/// # Errors
/// It could be, or has characters that no unit has.
pub fn unit_name(unit: &str) -> Result<&str, ResolveError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.@\\".contains(c);
    if unit.is_empty() || unit.len() > 255 || unit.starts_with('-') || !unit.chars().all(plain) {
        return Err(ResolveError::Unit { unit: text::escaped(unit).into_owned() });
    }
    Ok(unit)
}

/// `volchain-backend.service` and `volchain-backend` are one unit.
#[must_use]
pub fn bare_unit(unit: &str) -> &str {
    unit.strip_suffix(".service").unwrap_or(unit)
}

fn allowed_place(place: &Place) -> Result<(), ResolveError> {
    match &place.host {
        Host::Local => {}
        Host::Ssh(_) => return Err(ResolveError::Ssh),
    }
    match (&place.demo_folder, place.environment) {
        (Some(_), _) if place.privilege != Privilege::None => Err(ResolveError::DemoElevation),
        (_, Environment::NotConfigured) => Err(ResolveError::NotConfigured),
        (None, Environment::Demo) => Err(ResolveError::DemoWithoutFolder),
        (Some(_), _) | (None, Environment::Development | Environment::Staging | Environment::Production) => Ok(()),
    }
}

/// Host proof is about the place's unit, so what systemctl is asked to do must be about that unit alone.
fn names_its_unit(place: &Place, name: &str, arguments: &[String]) -> Result<(), ResolveError> {
    let unit = unit_name(&place.unit)?;
    // Reading the unit files again starts and stops nothing, and is about no unit.
    if name != "systemctl" || arguments == ["daemon-reload"] {
        return Ok(());
    }
    let units: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).skip(1).collect();
    match units.iter().find(|named| bare_unit(named) != bare_unit(unit)) {
        Some(other) => Err(ResolveError::OtherUnit { acts_on: (*other).clone(), unit: unit.to_owned() }),
        None if units.is_empty() => {
            Err(ResolveError::OtherUnit { acts_on: "no unit at all".to_owned(), unit: unit.to_owned() })
        }
        None => Ok(()),
    }
}

fn sudo(user: &str) -> Result<Vec<String>, ResolveError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if user.is_empty() || user.starts_with('-') || !user.chars().all(plain) {
        return Err(ResolveError::User { user: text::escaped(user).into_owned() });
    }
    Ok([SUDO, "-n", "-u", user, "--"].map(str::to_owned).to_vec())
}

fn program_of_system(name: &str) -> Result<PathBuf, ResolveError> {
    let found = SEARCH.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists());
    let Some(path) = found else {
        return Err(ResolveError::NotFound { name: name.to_owned(), searched: SEARCH.map(str::to_owned).to_vec() });
    };
    runnable(&path, |owner| owner == 0)?;
    Ok(path)
}

fn program_of_demo(folder: &str, name: &str) -> Result<PathBuf, ResolveError> {
    let outside = |why: String| ResolveError::OutsideDemo { folder: folder.to_owned(), why };
    let root = Path::new(folder).canonicalize().map_err(|error| outside(error.to_string()))?;
    let wanted = root.join("bin").join(name);
    let path = wanted.canonicalize().map_err(|error| outside(format!("{}: {error}", wanted.display())))?;
    if !path.starts_with(&root) {
        return Err(outside(format!("{} is really {}", wanted.display(), path.display())));
    }
    let user = rustix::process::geteuid().as_raw();
    runnable(&path, |owner| owner == 0 || owner == user)?;
    Ok(path)
}

/// A plain file that may be executed, and that nobody but its owner can have written.
fn runnable(path: &Path, owned: impl Fn(u32) -> bool) -> Result<(), ResolveError> {
    let refuse = |why: &str| ResolveError::Unsafe { path: path.display().to_string(), why: why.to_owned() };
    let found = path.metadata().map_err(|error| refuse(&error.to_string()))?;
    if !found.is_file() {
        return Err(refuse("it is not a plain file"));
    }
    if found.mode() & 0o022 != 0 {
        return Err(refuse("others than its owner may change it"));
    }
    if !owned(found.uid()) {
        return Err(refuse("it belongs to somebody else"));
    }
    if rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS).is_err() {
        return Err(refuse("this user may not execute it"));
    }
    Ok(())
}

#[cfg(test)]
pub mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::base::{ActId, Provenance};

    /// A place as a target on this host would have it.
    pub fn place() -> Place {
        Place {
            target: "mainnet".into(),
            system: "anychain".into(),
            environment: Environment::Staging,
            host: Host::Local,
            privilege: Privilege::None,
            demo_folder: None,
            lock_key: "local/unit/node".to_owned(),
            listens_on: "127.0.0.1:1".to_owned(),
            unit: "node".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
            secrets: std::collections::BTreeMap::new(),
        }
    }

    /// A simulated place whose programs are these scripts: name and text.
    pub fn demo(folder: &Path, scripts: &[(&str, &str)]) -> Place {
        std::fs::create_dir_all(folder.join("bin")).expect("ours");
        for (name, text) in scripts {
            let path = folder.join("bin").join(name);
            std::fs::write(&path, text).expect("ours");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        }
        Place { environment: Environment::Demo, demo_folder: Some(folder.display().to_string()), ..place() }
    }

    pub fn argv(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn bare_names_become_paths_of_the_system() {
        let resolved = resolve_argv(&place(), &argv("true --flag x")).expect("it is there");
        assert!(SEARCH.iter().any(|folder| resolved[0] == format!("{folder}/true")), "{resolved:?}");
        assert_eq!(resolved[1..], argv("--flag x"));
    }

    #[test]
    fn sudo_stands_before_the_path_and_polkit_changes_nothing() {
        let path = resolve_argv(&place(), &argv("true")).expect("it is there")[0].clone();
        let as_root = Place { privilege: Privilege::SudoNonInteractive("root".to_owned()), ..place() };
        let resolved = resolve_argv(&as_root, &argv("true x")).expect("it is there");
        assert_eq!(resolved, argv(&format!("/usr/bin/sudo -n -u root -- {path} x")));
        assert_eq!(without_privilege(&as_root, &resolved), argv(&format!("{path} x")));
        let polkit = Place { privilege: Privilege::Polkit, ..place() };
        assert_eq!(resolve_argv(&polkit, &argv("true")).expect("it is there"), [path]);
    }

    #[test]
    fn what_could_be_something_else_is_refused() {
        let check = |place: &Place, words: &[&str], want: &str| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            let error = resolve_argv(place, &words).expect_err(&words.join(" ")).to_string();
            assert!(error.contains(want), "{error}");
        };
        let here = place();
        check(&here, &[], "empty");
        check(&here, &["/bin/true"], "bare name");
        check(&here, &["../true"], "bare name");
        check(&here, &["-x"], "bare name");
        check(&here, &["sudo", "true"], "runs other programs");
        check(&here, &["sh", "-c", "true"], "runs other programs");
        check(&here, &["no-such-program"], "is not in /usr/sbin, /usr/bin");
        check(&here, &["true", "a\u{202e}b"], r"a\u{202e}b");
        check(&here, &["true", "a\nb"], "can not be shown");
        check(&here, &["true", &"x".repeat(5000)], "longer");
        check(&here, &["systemctl", "restart", "other"], "acts on other, and the target's unit is node");
        check(&here, &["systemctl", "restart"], "no unit at all");
        check(&here, &["systemctl", "restart", "node", "other.service"], "acts on other.service");
        let ssh = Place { host: Host::Ssh("n1".to_owned()), ..place() };
        check(&ssh, &["true"], "not built");
        let odd = Place { privilege: Privilege::SudoNonInteractive("-u root".to_owned()), ..place() };
        check(&odd, &["true"], "can not name a user");
        let unit = Place { unit: "--force".to_owned(), ..place() };
        check(&unit, &["true"], "can not name a unit");
    }

    #[test]
    fn a_simulation_runs_only_programs_of_its_own_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = demo(folder.path(), &[("systemctl", "#!/bin/sh\n"), ("loose", "#!/bin/sh\n"), ("text", "x")]);
        let bin = folder.path().canonicalize().expect("it is there").join("bin");
        let resolved = resolve_argv(&place, &argv("systemctl restart node")).expect("it is allowed");
        assert_eq!(resolved, argv(&format!("{} restart node", bin.join("systemctl").display())));

        let check = |place: &Place, name: &str, want: &str| {
            let error = resolve_argv(place, &[name.to_owned()]).expect_err(name).to_string();
            assert!(error.contains(want), "{error}");
        };
        check(&place, "true", "only programs of its own folder");
        std::os::unix::fs::symlink("/bin/true", bin.join("link")).expect("ours");
        check(&place, "link", "is really");
        std::fs::set_permissions(bin.join("loose"), std::fs::Permissions::from_mode(0o777)).expect("ours");
        check(&place, "loose", "others than its owner may change it");
        std::fs::set_permissions(bin.join("text"), std::fs::Permissions::from_mode(0o644)).expect("ours");
        check(&place, "text", "may not execute it");
        check(&Place { privilege: Privilege::Polkit, ..place.clone() }, "systemctl", "never elevates");
        let elevated = Privilege::SudoNonInteractive("root".to_owned());
        check(&Place { privilege: elevated, ..place.clone() }, "systemctl", "never elevates");
        check(&Place { demo_folder: None, ..place.clone() }, "systemctl", "names no folder");
        check(
            &Place { environment: Environment::Production, ..place.clone() },
            "true",
            "only programs of its own folder",
        );
        check(&Place { environment: Environment::NotConfigured, ..place }, "true", "nobody has said anything about");
    }

    #[test]
    fn what_was_reviewed_is_what_would_run_now() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let simulated = demo(folder.path(), &[("systemctl", "#!/bin/sh\n")]);
        let elevated = Place { privilege: Privilege::SudoNonInteractive("root".to_owned()), ..place() };
        for (place, words) in [(&simulated, "systemctl restart node"), (&elevated, "true"), (&place(), "true x")] {
            let exec = Exec::Command {
                argv: resolve_argv(place, &argv(words)).expect("it is allowed"),
                timeout: Duration::from_secs(1),
            };
            recheck(place, &exec).expect("nothing changed");
        }
        let check = |place: &Place, words: &str| {
            let exec = Exec::Command { argv: argv(words), timeout: Duration::from_secs(1) };
            recheck(place, &exec).expect_err(words);
        };
        check(&simulated, "/usr/bin/true");
        check(&simulated, "/usr/bin/systemctl restart node");
        check(&place(), "/tmp/true");
        check(&place(), "/usr/bin/sudo -n -u root -- /usr/bin/true");
        check(&elevated, "/usr/bin/true");
        check(&elevated, "/usr/bin/sudo -n -u other -- /usr/bin/true");
        std::fs::remove_file(folder.path().join("bin/systemctl")).expect("ours");
        check(&simulated, &format!("{}/bin/systemctl restart node", folder.path().display()));
    }

    #[test]
    fn an_act_must_be_about_the_unit_of_its_place() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = demo(folder.path(), &[("systemctl", "#!/bin/sh\n")]);
        let plan = |unit: &str| ActPlan {
            id: ActId::new("restart"),
            title: "restart".to_owned(),
            act: Act::Command(argv("systemctl restart node.service")),
            timeout: Duration::from_secs(9),
            unit: unit.to_owned(),
            provenance: Provenance::default(),
        };
        assert!(resolve(&place, &plan("node.service")).is_ok());
        assert!(matches!(resolve(&place, &plan("other")), Err(ResolveError::OtherUnit { .. })));
    }
}
