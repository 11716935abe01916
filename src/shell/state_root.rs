//! Where journals, locks and the outputs of runs live.
//!
//! ```text
//! <root>/journals/console.jsonl (+ .head)      shared: console-<user>.jsonl, for a journal has one writer account
//!        journals/alerts.json                  clocks and claims of alerts; shared: alerts-<user>.json
//!        journals/runs/<run>.jsonl (+ .head)
//!        runs/<run>/                           outputs of acts, and the lock of the run's runner
//!        locks/                                one file per target lock
//!        slo/                                  measured minutes of objectives
//!        budgets/                              turns of reads that a node counts
//! ```
//!
//! A folder that is a symbolic link or that belongs to somebody else is refused: whoever owns it could rewrite what
//! was done here, or make two operators believe that each holds the only lock.

#![allow(clippy::disallowed_methods, reason = "the shell is where files and the environment are read")]

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, OFlags};

use super::actor;
use crate::app::msg::JournalId;
use crate::base::RunId;

/// The state root that all operators of a host share, where its administrator made it.
const SHARED: &str = "/var/lib/opsconsole";

/// Group-writable with the group handed down: how an administrator marks a root as shared.
const SHARED_BITS: u32 = 0o2070;

/// Longest name of a run or an act that becomes a file name.
const NAME_LIMIT: usize = 120;

/// A state root that was found, checked, and has its folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRoot {
    path: PathBuf,
    shared: bool,
    /// Why the root is this user's own although a shared one exists; for the banner.
    not_shared_because: Option<String>,
    user: String,
}

/// A state root that can not be used. Without one nothing is journalled, and so nothing is done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateRootError {
    #[error(
        "there is no home folder for this user, so there is nowhere to keep a journal; name a folder with --state-root"
    )]
    NoHome,
    #[error("{path} is a symbolic link; the state root must be a real folder, name another with --state-root")]
    Symlink { path: String },
    #[error("{path} is not a folder; move it away, or name another folder with --state-root")]
    NotAFolder { path: String },
    #[error("{path} belongs to {owner}, not to {user}; a journal is kept only in a folder of one's own")]
    Foreign { path: String, owner: String, user: String },
    #[error("everyone may write to {path}; take that right away (chmod o-w) before it holds a journal")]
    WorldWritable { path: String },
    #[error("{name:?} can not name a file of the state root")]
    Name { name: String },
    #[error("{path} can not be used: {why}")]
    Io { path: String, why: String },
}

impl StateRoot {
    /// The given folder, else the host's shared one where this user may write to it, else the user's own. Its folders
    /// are made where they are missing.
    ///
    /// # Errors
    /// There is no place, it is not safe, or it can not be written.
    pub fn find(given: Option<&Path>) -> Result<StateRoot, StateRootError> {
        let (path, not_shared_because) = StateRoot::choose(given)?;
        StateRoot::at(&path, not_shared_because)
    }

    /// Which folder that would be, and why it is not the shared one where there is one. Nothing is made.
    ///
    /// # Errors
    /// There is no place.
    pub fn choose(given: Option<&Path>) -> Result<(PathBuf, Option<String>), StateRootError> {
        if let Some(path) = given {
            return Ok((path.to_owned(), None));
        }
        let shared = Path::new(SHARED);
        match shared.symlink_metadata() {
            Ok(_) if may_write(shared) => Ok((shared.to_owned(), None)),
            Ok(_) => Ok((own()?, Some(format!("{SHARED} exists, and {} may not write to it", actor::user())))),
            Err(_) => Ok((own()?, None)),
        }
    }

    fn at(path: &Path, not_shared_because: Option<String>) -> Result<StateRoot, StateRootError> {
        let path = std::path::absolute(path).map_err(|error| io_error(path, &error))?;
        make_parents(&path)?;
        make(&path, 0o700)?;
        let shared = checked(&path, None)?.mode() & SHARED_BITS == SHARED_BITS;
        let root = StateRoot { path, shared, not_shared_because, user: actor::user() };
        for folder in ["journals", "journals/runs", "runs", "locks", "slo", "budgets"] {
            root.folder(&root.path.join(folder))?;
        }
        Ok(root)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether other operators of this host use the same root, and so are excluded by its locks.
    #[must_use]
    pub fn shared(&self) -> bool {
        self.shared
    }

    /// Why the shared root of this host is not used, where there is one.
    #[must_use]
    pub fn not_shared_because(&self) -> Option<&str> {
        self.not_shared_because.as_deref()
    }

    /// The file of a journal.
    ///
    /// # Errors
    /// The run's id can not be a file name.
    pub fn journal(&self, journal: &JournalId) -> Result<PathBuf, StateRootError> {
        match journal {
            JournalId::Console if self.shared => {
                Ok(self.path.join("journals").join(format!("console-{}.jsonl", file_name(&self.user)?)))
            }
            JournalId::Console => Ok(self.path.join("journals/console.jsonl")),
            JournalId::Run(run) => {
                Ok(self.path.join("journals/runs").join(format!("{}.jsonl", file_name(run.as_str())?)))
            }
        }
    }

    /// The file of what is remembered of alerts.
    ///
    /// # Errors
    /// The user's name can not be part of a file name.
    pub fn alerts(&self) -> Result<PathBuf, StateRootError> {
        match self.shared {
            true => Ok(self.path.join("journals").join(format!("alerts-{}.json", file_name(&self.user)?))),
            false => Ok(self.path.join("journals/alerts.json")),
        }
    }

    /// The folder of journals, and within it the folder `runs` of one journal per run.
    #[must_use]
    pub fn journals(&self) -> PathBuf {
        self.path.join("journals")
    }

    /// The folder of the measured minutes of objectives.
    #[must_use]
    pub fn slo(&self) -> PathBuf {
        self.path.join("slo")
    }

    /// The folder of the turns of reads that a node counts.
    #[must_use]
    pub fn budgets(&self) -> PathBuf {
        self.path.join("budgets")
    }

    #[must_use]
    pub fn locks(&self) -> PathBuf {
        self.path.join("locks")
    }

    /// The folder for what the acts of a run put out; made where it is missing.
    ///
    /// # Errors
    /// The id can not name a folder, or the folder can not be made.
    pub fn run_folder(&self, run: &RunId) -> Result<PathBuf, StateRootError> {
        let path = self.run_path(run)?;
        self.folder(&path)?;
        Ok(path)
    }

    /// The same folder, which may not have been made yet.
    ///
    /// # Errors
    /// The id can not name a folder.
    pub fn run_path(&self, run: &RunId) -> Result<PathBuf, StateRootError> {
        Ok(self.path.join("runs").join(file_name(run.as_str())?))
    }

    /// Opens a file of the root for reading and appending, and makes it where it is missing; says whether it did.
    /// Never follows a symbolic link, and never opens anything but a plain file.
    ///
    /// # Errors
    /// As the system says.
    pub fn open(&self, path: &Path) -> io::Result<(File, bool)> {
        self.open_with_mode(path, if self.shared { 0o640 } else { 0o600 })
    }

    /// As [`StateRoot::open`], for a file that every operator of a shared root writes: a lock.
    ///
    /// # Errors
    /// As the system says.
    pub fn open_common(&self, path: &Path) -> io::Result<(File, bool)> {
        self.open_with_mode(path, if self.shared { 0o660 } else { 0o600 })
    }

    fn open_with_mode(&self, path: &Path, mode: u32) -> io::Result<(File, bool)> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).mode(mode).custom_flags(guarded_flags());
        match options.open(path) {
            Ok(file) => Ok((plain(file)?, false)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match options.clone().create_new(true).open(path) {
                    Ok(file) => {
                        // The umask may have taken away what the group needs.
                        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
                        Ok((plain(file)?, true))
                    }
                    // Another process made it in between.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        Ok((plain(options.open(path)?)?, false))
                    }
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    fn folder(&self, path: &Path) -> Result<(), StateRootError> {
        // In a shared root nobody but its owner may rename or remove a file: setgid, sticky.
        make(path, if self.shared { 0o3770 } else { 0o700 })?;
        let group = self.shared.then(|| self.path.metadata().map(|found| found.gid()).ok()).flatten();
        checked(path, group).map(|_| ())
    }
}

/// A name that is safe as one component of a path: letters, digits, `-`, `_`, `.`, `@`, `:`; not hidden.
///
/// # Errors
/// It is not.
pub fn file_name(name: &str) -> Result<&str, StateRootError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@:".contains(c);
    if name.is_empty() || name.starts_with('.') || name.len() > NAME_LIMIT || !name.chars().all(plain) {
        return Err(StateRootError::Name { name: name.chars().take(NAME_LIMIT).collect() });
    }
    Ok(name)
}

/// Flags for opening what somebody else may have put there: no link is followed, no pipe is waited for.
#[must_use]
pub fn guarded_flags() -> i32 {
    // Both bits are far below the sign bit, so the value is the same number.
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// Makes a new or removed name in a folder durable.
///
/// # Errors
/// As the system says.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn plain(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a plain file")) }
}

fn own() -> Result<PathBuf, StateRootError> {
    directories::ProjectDirs::from("", "", "opsconsole")
        .and_then(|folders| folders.state_dir().map(Path::to_owned))
        .ok_or(StateRootError::NoHome)
}

fn may_write(path: &Path) -> bool {
    rustix::fs::accessat(CWD, path, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

fn make_parents(path: &Path) -> Result<(), StateRootError> {
    match path.parent() {
        Some(parent) if !parent.exists() => {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|error| io_error(parent, &error))
        }
        Some(_) | None => Ok(()),
    }
}

fn make(path: &Path, mode: u32) -> Result<(), StateRootError> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .and_then(|()| sync_folder_of(path))
            .map_err(|error| io_error(path, &error)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io_error(path, &error)),
    }
}

/// Refuses a folder in which somebody else could put words into our mouth. Folders below a shared root may belong to
/// any operator of its `group`.
fn checked(path: &Path, group: Option<u32>) -> Result<Metadata, StateRootError> {
    let found = path.symlink_metadata().map_err(|error| io_error(path, &error))?;
    let shown = path.display().to_string();
    if found.is_symlink() {
        return Err(StateRootError::Symlink { path: shown });
    }
    if !found.is_dir() {
        return Err(StateRootError::NotAFolder { path: shown });
    }
    if found.mode() & 0o002 != 0 {
        return Err(StateRootError::WorldWritable { path: shown });
    }
    let user = rustix::process::geteuid().as_raw();
    let administered = found.uid() == 0 && found.mode() & SHARED_BITS == SHARED_BITS;
    if found.uid() == user || administered || group == Some(found.gid()) {
        return Ok(found);
    }
    Err(StateRootError::Foreign { path: shown, owner: actor::user_named(found.uid()), user: actor::user() })
}

fn io_error(path: &Path, error: &io::Error) -> StateRootError {
    let why = match error.kind() {
        io::ErrorKind::PermissionDenied => format!("{} may not write there", actor::user()),
        io::ErrorKind::ReadOnlyFilesystem => "its filesystem is mounted read-only".to_owned(),
        io::ErrorKind::StorageFull => "there is no space left".to_owned(),
        _ => error.to_string(),
    };
    StateRootError::Io { path: path.display().to_string(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it exists").mode() & 0o7777
    }

    #[test]
    fn a_private_root_is_for_its_user_alone() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("a/state"))).expect("it can be made");
        assert!(!root.shared());
        for folder in ["", "journals", "journals/runs", "runs", "locks", "slo", "budgets"] {
            assert_eq!(mode(&root.path().join(folder)) & 0o777, 0o700, "{folder}");
        }
        let journal = root.journal(&JournalId::Console).expect("a path");
        let (_, new) = root.open(&journal).expect("it opens");
        assert!(new);
        assert_eq!(mode(&journal), 0o600);
        assert!(!root.open(&journal).expect("it opens again").1);
        assert_eq!(StateRoot::find(Some(root.path())).expect("it is found again"), root);
    }

    #[test]
    fn a_shared_root_gives_each_account_its_journal_and_all_of_them_the_locks() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = place.path().join("shared");
        std::fs::create_dir(&path).expect("it can be made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o2770)).expect("it is ours");
        let root = StateRoot::find(Some(&path)).expect("it can be used");
        assert!(root.shared());
        assert_eq!(mode(&root.locks()), 0o3770);
        let journal = root.journal(&JournalId::Console).expect("a path");
        assert!(journal.ends_with(format!("console-{}.jsonl", actor::user())));
        root.open(&journal).expect("it opens");
        assert_eq!(mode(&journal), 0o640);
        root.open_common(&root.locks().join("x.lock")).expect("it opens");
        assert_eq!(mode(&root.locks().join("x.lock")), 0o660);
    }

    #[test]
    fn unsafe_folders_are_refused_in_words() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let check = |name: &str, want: &str| {
            let error = StateRoot::find(Some(&place.path().join(name))).expect_err("it must be refused").to_string();
            assert!(error.contains(want), "{error}");
        };
        std::os::unix::fs::symlink(place.path(), place.path().join("link")).expect("a link");
        check("link", "symbolic link");
        std::fs::write(place.path().join("file"), "").expect("a file");
        check("file", "not a folder");
        std::fs::create_dir(place.path().join("open")).expect("a folder");
        std::fs::set_permissions(place.path().join("open"), std::fs::Permissions::from_mode(0o777)).expect("ours");
        check("open", "everyone may write");
        std::fs::create_dir(place.path().join("inner")).expect("a folder");
        std::os::unix::fs::symlink(place.path(), place.path().join("inner/locks")).expect("a link");
        check("inner", "symbolic link");
        if rustix::process::geteuid().is_root() {
            std::fs::create_dir(place.path().join("foreign")).expect("a folder");
            std::os::unix::fs::chown(place.path().join("foreign"), Some(12_345), None).expect("root may");
            check("foreign", "belongs to uid 12345");
        } else {
            println!("skipped: only root can give a folder away");
        }
    }

    #[test]
    fn names_that_are_paths_are_no_file_names() {
        let check = |name: &str, fine: bool| assert_eq!(file_name(name).is_ok(), fine, "{name:?}");
        check("20261121T030405-stale-blocks-7", true);
        check("", false);
        check("..", false);
        check("a/b", false);
        check(".hidden", false);
        check("a\u{202e}b", false);
        check(&"x".repeat(NAME_LIMIT + 1), false);
    }

    #[test]
    fn a_pipe_or_a_link_in_a_files_place_is_not_opened() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        let link = root.journals().join("console.jsonl");
        std::os::unix::fs::symlink("/dev/null", &link).expect("a link");
        assert!(root.open(&link).is_err());
        let pipe = root.journals().join("pipe");
        rustix::fs::mkfifoat(CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).expect("a pipe");
        assert!(root.open(&pipe).is_err());
    }
}
