//! The demo's scratch folder: the only place whose executables a demo's runbooks may run.
//!
//! ```text
//! FOLDER/            0700, ours, no symlink
//!   opsconsole-demo  marks the folder as a demo's
//!   bin/             systemctl, journalctl and others: what runbooks and sources run instead of the real ones
//!   SYSTEM/          files and logs of a world
//!   log/backend.log  what the simulated node says that is written by hand
//!   backend/         its chain and its game, as files
//!   backup/          backups of them, four from the start
//!   dropin/          what is added to its unit
//!   admin.secret     what it takes as its X-Admin-Secret; 0600, and never printed
//!   control.json     where the running demo is controlled, and the token for it; gone when none runs
//!   config.ron       a configuration with the demo's targets, written on request
//!   state/           journals, locks and run folders of the demo's consoles
//!   serve.lock       held by the serving process        consoles.lock   shared by every console on the demo
//! ```

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::SimError;
use super::serve::{Served, ServedSystem};
use super::simulation::Simulation;
use crate::base::text;
use crate::config::ConfigSpec;
use crate::model::file_act::PROGRAM_NAME;
use crate::systems::SettingValue;

/// The log of the system that is written by hand.
pub(super) const LOG: &str = "log/backend.log";

pub(super) const ADMIN_SECRET: &str = "admin.secret";
const MARK: &str = "opsconsole-demo";
const CONTROL_FILE_LIMIT: u64 = 16 * 1024;

/// A scratch folder that was found safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoFolder {
    path: PathBuf,
}

/// `control.json`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlFile {
    /// `http://127.0.0.1:PORT`
    pub control_url: String,
    pub token: String,
    pub pid: u32,
    /// Where each system answers.
    pub systems: Vec<ServedSystem>,
}

/// A lock that lives as long as this value.
#[derive(Debug)]
pub struct Hold {
    _file: File,
}

impl DemoFolder {
    /// Makes the folder, or takes one that a demo made before or that is empty.
    ///
    /// # Errors
    /// The folder is a symlink, another's, writable by others, or full of something else.
    pub fn create(path: &Path) -> Result<DemoFolder, SimError> {
        let absolute = std::path::absolute(path).map_err(SimError::file("find", path))?;
        match DirBuilder::new().mode(0o700).create(&absolute) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(source) => return Err(SimError::File { what: "make the folder", path: absolute, source }),
        }
        let folder = DemoFolder::inspect(&absolute)?;
        folder.mark()?;
        fs::set_permissions(&folder.path, Permissions::from_mode(0o700))
            .map_err(SimError::file("close to others", &folder.path))?;
        for inner in ["bin", "state", "log", "backend", "backup", "dropin"] {
            folder.make_inner(inner)?;
        }
        Ok(folder)
    }

    /// Takes a folder that a demo made before.
    ///
    /// # Errors
    /// It is not there, or not safe, or no demo made it.
    pub fn open(path: &Path) -> Result<DemoFolder, SimError> {
        let absolute = std::path::absolute(path).map_err(SimError::file("find", path))?;
        let folder = DemoFolder::inspect(&absolute)?;
        if !folder.marked() {
            return Err(folder.unfit("no demo made it"));
        }
        Ok(folder)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The executable that runbooks run.
    #[must_use]
    pub fn systemctl(&self) -> PathBuf {
        self.path.join("bin/systemctl")
    }

    /// What the simulated node says.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// State root of the demo's consoles.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.path.join("state")
    }

    /// Held shared by a console for as long as it uses the demo. Waits at most for a glance of the serving process.
    ///
    /// # Errors
    /// The lock file can not be made or locked.
    pub fn hold_as_console(&self) -> Result<Hold, SimError> {
        let path = self.path.join("consoles.lock");
        let file = self.lock_file(&path)?;
        file.lock_shared().map_err(SimError::file("lock", &path))?;
        Ok(Hold { _file: file })
    }

    /// Held by the serving process.
    ///
    /// # Errors
    /// Another one holds it.
    pub fn hold_as_server(&self) -> Result<Hold, SimError> {
        let path = self.path.join("serve.lock");
        let file = self.lock_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Hold { _file: file }),
            Err(TryLockError::WouldBlock) => Err(SimError::AlreadyRunning { folder: self.path.clone() }),
            Err(TryLockError::Error(source)) => Err(SimError::File { what: "lock", path, source }),
        }
    }

    /// Whether a console holds the demo or a runner holds one of its targets.
    #[must_use]
    pub fn in_use(&self) -> bool {
        // Runners are looked at only when there is no console, because only a console starts one: this glance
        // can never make a runner find its target locked.
        is_held(&self.path.join("consoles.lock")) || self.runner_locks().iter().any(|lock| is_held(lock))
    }

    fn runner_locks(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.path.join("state/locks")) else { return Vec::new() };
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_file()).collect()
    }

    /// Writes the executables that hand their arguments to `program` as this folder's simulated ones.
    ///
    /// # Errors
    /// A file can not be written, or `program` is no UTF-8 path.
    pub fn write_programs(&self, program: &Path, systems: &[Simulation]) -> Result<(), SimError> {
        let program = program.to_str().ok_or_else(|| self.unfit("the program's path is not UTF-8"))?;
        let folder = self.text()?;
        for name in ["systemctl", "journalctl"] {
            let script = format!(
                "#!/bin/sh\nexec {} demo-{name} --folder {} -- \"$@\"\n",
                text::shell_quoted(program),
                text::shell_quoted(folder)
            );
            self.write(&format!("bin/{name}"), script.as_bytes(), 0o700)?;
        }
        for name in systems.iter().flat_map(Simulation::programs) {
            let script = format!(
                "#!/bin/sh\nexec {} demo-run --folder {} -- {} \"$@\"\n",
                text::shell_quoted(program),
                text::shell_quoted(folder),
                text::shell_quoted(name)
            );
            self.write(&format!("bin/{name}"), script.as_bytes(), 0o700)?;
        }
        // File acts name the folder that they may not leave, and what reads a file reads as itself.
        let itself = format!("#!/bin/sh\nexec {} \"$@\"\n", text::shell_quoted(program));
        self.write(&format!("bin/{PROGRAM_NAME}"), itself.as_bytes(), 0o700)?;
        self.write("bin/cat", b"#!/bin/sh\nexec /bin/cat \"$@\"\n", 0o700)?;
        Ok(())
    }

    /// Says where the running demo is controlled.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn write_control(&self, control: &ControlFile) -> Result<(), SimError> {
        let json = serde_json::to_vec_pretty(control).map_err(|error| self.unfit(&error.to_string()))?;
        self.write("control.json", &json, 0o600).map(|_| ())
    }

    /// Writes what the node takes as its `X-Admin-Secret`, for its owner alone.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn write_admin_secret(&self, secret: &str) -> Result<(), SimError> {
        self.write(ADMIN_SECRET, format!("{secret}\n").as_bytes(), 0o600).map(|_| ())
    }

    /// Nobody is served any more.
    pub fn remove_control(&self) {
        // It may have been removed with its folder, and a stale one is told by its silent address.
        let _ = fs::remove_file(self.path.join("control.json"));
    }

    /// Where the running demo is controlled.
    ///
    /// # Errors
    /// No demo runs here, or the file is damaged.
    pub fn read_control(&self) -> Result<ControlFile, SimError> {
        let path = self.path.join("control.json");
        let not_running = |why: String| SimError::NotRunning { folder: self.path.clone(), why };
        let mut text = String::new();
        open_plain(OpenOptions::new().read(true), &path)
            .and_then(|file| file.take(CONTROL_FILE_LIMIT).read_to_string(&mut text))
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => not_running("there is no control.json".to_owned()),
                _ => not_running(format!("control.json can not be read: {error}")),
            })?;
        serde_json::from_str(&text).map_err(|error| not_running(format!("control.json is damaged: {error}")))
    }

    /// A configuration with the demo's targets.
    ///
    /// # Errors
    /// The folder's path is not UTF-8, or a system is none that can be simulated.
    pub fn config(&self, served: &Served, systems: &[Simulation]) -> Result<ConfigSpec, SimError> {
        let folder = self.text()?;
        let targets = served.systems.iter().filter_map(|served_system| {
            let simulation = systems.iter().find(|simulation| simulation.system == served_system.system)?;
            Some(simulation.target(&served_system.urls, folder, &served.control_url))
        });
        let targets = targets.collect();
        Ok(ConfigSpec { targets, state_root: Some(format!("{folder}/state")), ..ConfigSpec::default() })
    }

    /// Writes [`DemoFolder::config`] as `config.ron` and returns its path.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn write_config(&self, served: &Served, systems: &[Simulation]) -> Result<PathBuf, SimError> {
        let text = self.config(served, systems)?.text().map_err(|error| self.unfit(&error.to_string()))?;
        self.write("config.ron", text.as_bytes(), 0o600)
    }

    /// Looks before anything is written: who could have put something here?
    fn inspect(absolute: &Path) -> Result<DemoFolder, SimError> {
        let unfit = |why: &str| SimError::Folder { folder: absolute.to_owned(), why: why.to_owned() };
        let found = fs::symlink_metadata(absolute).map_err(SimError::file("look at", absolute))?;
        if found.is_symlink() {
            return Err(unfit("it is a symbolic link"));
        }
        if !found.is_dir() {
            return Err(unfit("it is not a folder"));
        }
        if found.uid() != rustix::process::geteuid().as_raw() {
            return Err(unfit("it belongs to another user"));
        }
        if found.mode() & 0o022 != 0 {
            return Err(unfit("others may write to it"));
        }
        let path = fs::canonicalize(absolute).map_err(SimError::file("find", absolute))?;
        Ok(DemoFolder { path })
    }

    fn marked(&self) -> bool {
        fs::symlink_metadata(self.path.join(MARK)).is_ok_and(|mark| mark.is_file())
    }

    /// A folder that holds something else is left alone: it would be littered, and closed to those who read it.
    fn mark(&self) -> Result<(), SimError> {
        if self.marked() {
            return Ok(());
        }
        let mut entries = fs::read_dir(&self.path).map_err(SimError::file("list", &self.path))?;
        if entries.next().is_some() {
            return Err(self.unfit("it is not empty and no demo made it"));
        }
        self.write(MARK, b"made by opsconsole demo\n", 0o600).map(|_| ())
    }

    fn make_inner(&self, name: &str) -> Result<(), SimError> {
        let path = self.path.join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => DemoFolder::inspect(&path).map(|_| ()),
            Err(source) => Err(SimError::File { what: "make the folder", path, source }),
        }
    }

    /// Writes beside and renames, so that no reader meets half a file and no link is followed.
    fn write(&self, name: &str, bytes: &[u8], mode: u32) -> Result<PathBuf, SimError> {
        let path = self.path.join(name);
        let fresh = path.with_extension(format!("new-{}", std::process::id()));
        let written = fs::remove_file(&fresh)
            .or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
            .and_then(|()| open_plain(OpenOptions::new().write(true).create_new(true).mode(mode), &fresh))
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&fresh, &path));
        written.map_err(SimError::file("write", &path))?;
        Ok(path)
    }

    fn lock_file(&self, path: &Path) -> Result<File, SimError> {
        open_plain(OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600), path)
            .map_err(SimError::file("open", path))
    }

    fn text(&self) -> Result<&str, SimError> {
        self.path.to_str().ok_or_else(|| self.unfit("its path is not UTF-8"))
    }

    fn unfit(&self, why: &str) -> SimError {
        SimError::Folder { folder: self.path.clone(), why: why.to_owned() }
    }
}

/// The settings that keep a simulated target's reads in its folder.
#[must_use]
pub fn settings(folder: &str) -> BTreeMap<String, SettingValue> {
    let path = |name: &str, inner: &str| (name.to_owned(), SettingValue::Text(format!("{folder}/{inner}")));
    BTreeMap::from([
        path("log", LOG),
        path("data_folder", "backend/volchain"),
        path("backend_folder", "backend"),
        path("game_grid", "backend/gridb.json"),
        path("auth_database", "backend/auth.json"),
        path("backup_folder", "backup"),
        path("dropin_folder", "dropin"),
    ])
}

#[allow(clippy::disallowed_methods, reason = "the demo's scratch folder is its own")]
fn open_plain(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Whether somebody else holds a lock on this file. The glance itself holds it for a moment.
fn is_held(path: &Path) -> bool {
    let Ok(file) = open_plain(OpenOptions::new().read(true), path) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served() -> Served {
        Served { control_url: "http://127.0.0.1:3002".to_owned(), ..Served::nowhere(&chain()) }
    }

    fn chain() -> Vec<Simulation> {
        vec![Simulation::by_hand()]
    }

    #[test]
    fn a_folder_that_others_could_have_prepared_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let check = |name: &str, want: Option<&str>| {
            let error = DemoFolder::create(&scratch.path().join(name)).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), want.is_some(), "{name}: {error:?}");
            assert!(error.unwrap_or_default().contains(want.unwrap_or_default()), "{name}");
        };
        check("fresh", None);
        check("fresh", None);
        std::os::unix::fs::symlink(scratch.path().join("fresh"), scratch.path().join("link")).unwrap();
        check("link", Some("it is a symbolic link"));
        fs::create_dir(scratch.path().join("shared")).unwrap();
        fs::set_permissions(scratch.path().join("shared"), Permissions::from_mode(0o770)).unwrap();
        check("shared", Some("others may write to it"));
        fs::create_dir_all(scratch.path().join("home/papers")).unwrap();
        check("home", Some("it is not empty and no demo made it"));
        fs::create_dir(scratch.path().join("empty")).unwrap();
        check("empty", None);
        check("no/parent", Some("can not make the folder"));
        fs::hard_link(scratch.path().join("fresh/opsconsole-demo"), scratch.path().join("file")).unwrap();
        check("file", Some("it is not a folder"));
    }

    #[test]
    fn another_users_folder_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("theirs");
        fs::create_dir(&path).unwrap();
        // Only root can give a folder away; for everyone else the root folder is another's.
        let given = std::os::unix::fs::chown(&path, Some(4_711), None).is_ok();
        let error = DemoFolder::create(if given { &path } else { Path::new("/") }).unwrap_err();
        assert!(error.to_string().contains("it belongs to another user"), "{error}");
    }

    #[test]
    fn the_folder_and_what_is_in_it_are_ours_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("demo");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let folder = DemoFolder::create(&path).unwrap();
        folder.write_programs(Path::new("/bin/true"), &chain()).unwrap();
        let config = folder.write_config(&served(), &chain()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let paths = [folder.path(), &folder.state(), &folder.systemctl(), &config];
        assert_eq!(paths.map(mode), [0o700, 0o700, 0o700, 0o600]);
        assert!(DemoFolder::open(scratch.path()).is_err(), "no demo made that one");
        assert_eq!(DemoFolder::open(&path).unwrap(), folder);
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test runs what a runbook would run")]
    fn the_systemctl_of_a_folder_with_an_ugly_name_passes_its_arguments_on() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = DemoFolder::create(&scratch.path().join("it's a $(demo) \"folder\"")).unwrap();
        let program = scratch.path().join("opsconsole's stand-in");
        let mut file = open_plain(OpenOptions::new().write(true).create(true).mode(0o700), &program).unwrap();
        file.write_all(b"#!/bin/sh\nfor word in \"$@\"; do echo \"[$word]\"; done\n").unwrap();
        drop(file);
        folder.write_programs(&program, &chain()).unwrap();
        // Another test may be starting a process just now and hold the scripts open for writing for a moment.
        let run = || {
            std::process::Command::new("/bin/sh")
                .arg(folder.systemctl())
                .args(["show", "-p", "Main PID", "--value", "$HOME"])
                .output()
                .unwrap()
        };
        let output = (0..50).map(|_| run()).find(|output| output.status.success()).unwrap();
        let want = format!(
            "[demo-systemctl]\n[--folder]\n[{}]\n[--]\n[show]\n[-p]\n[Main PID]\n[--value]\n[$HOME]\n",
            folder.path().display()
        );
        assert_eq!(String::from_utf8(output.stdout).unwrap(), want);
    }

    #[test]
    fn the_configuration_reads_back_as_it_was_meant() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = DemoFolder::create(&scratch.path().join("demo")).unwrap();
        let config = folder.config(&served(), &chain()).unwrap();
        let text = config.text().unwrap();
        assert_eq!(ConfigSpec::parse("config.ron", &text), Ok(config), "{text}");
    }
}
