//! Locks on what may be acted on: one file per target, held through the kernel, so that a lock ends with its holder.
//!
//! A lock is keyed by host and unit, never by a display name: two consoles that call one node by two names still
//! exclude each other. The file stays when the lock ends, for removing it would let two processes hold two locks of
//! one name.

#![allow(clippy::disallowed_methods, reason = "the shell is where files are touched")]

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StateRoot;
use crate::base::{Digest, RunId, text};

/// A probe holds a lock in its shared form for an instant; whoever wants it looks again this often before it is held
/// by somebody.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// Longest text about a holder.
const HOLDER_LIMIT_BYTES: u64 = 1000;

/// The key of a console's arming for this place.
#[must_use]
pub fn arming(lock_key: &str) -> String {
    format!("armed:{lock_key}")
}

/// The key of a runner's work on this place.
#[must_use]
pub fn running(lock_key: &str) -> String {
    format!("run:{lock_key}")
}

/// A lock that this process holds until it is dropped or the process ends, however it ends. Children do not hold it:
/// the file is closed when they start.
#[derive(Debug)]
pub struct TargetLock {
    file: File,
}

/// Why a lock was not given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    #[error("held by {by}")]
    Held { by: String },
    #[error("the lock {path} can not be taken: {why}")]
    Io { path: String, why: String },
}

impl TargetLock {
    /// Takes the lock of `key` (see [`arming`] and [`running`]), if nobody holds it. `holder` is what the loser will
    /// read: who, which process, since when.
    ///
    /// # Errors
    /// Somebody holds it; its file can not be used.
    pub fn try_take(root: &StateRoot, key: &str, holder: &str) -> Result<TargetLock, LockError> {
        TargetLock::take(root, &file_of(root, key), &format!("{} ({key})", text::clean(holder)))
    }

    /// Takes the lock that says that a runner of this run is at work.
    ///
    /// # Errors
    /// As [`TargetLock::try_take`].
    pub fn try_take_run(root: &StateRoot, run: &RunId, holder: &str) -> Result<TargetLock, LockError> {
        let folder = root.run_folder(run).map_err(|error| io(Path::new(run.as_str()), &error))?;
        TargetLock::take(root, &folder.join("runner.lock"), &text::clean(holder))
    }

    fn take(root: &StateRoot, path: &Path, holder: &str) -> Result<TargetLock, LockError> {
        let (mut file, _) = root.open_common(path).map_err(|error| io(path, &error))?;
        for attempt in 1..=ATTEMPTS {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(LockError::Held { by: holder_in(&mut file) }),
                Err(TryLockError::Error(error)) => return Err(io(path, &error)),
            }
        }
        // The text is a courtesy to the loser; the lock holds without it.
        let _ = file.set_len(0).and_then(|()| file.write_all(holder.as_bytes()));
        Ok(TargetLock { file })
    }
}

impl Drop for TargetLock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

/// Whether a runner is at work on this place, whichever run it belongs to.
#[must_use]
pub fn runner_alive(root: &StateRoot, lock_key: &str) -> bool {
    is_held(&file_of(root, &running(lock_key)))
}

/// Whether a runner of this run is at work.
#[must_use]
pub fn run_has_runner(root: &StateRoot, run: &RunId) -> bool {
    root.run_path(run).is_ok_and(|folder| is_held(&folder.join("runner.lock")))
}

/// A lock file that can not even be opened is not known to be free.
fn is_held(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => match file.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        },
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

fn file_of(root: &StateRoot, key: &str) -> PathBuf {
    let digest = Digest::of(key.as_bytes());
    let short = digest.as_str().get(..16).unwrap_or(digest.as_str());
    root.locks().join(format!("{short}.lock"))
}

fn holder_in(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let _ = file.rewind().and_then(|()| file.take(HOLDER_LIMIT_BYTES).read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    if text.is_empty() { "another process".to_owned() } else { text::clean(&text).into_owned() }
}

fn io(path: &Path, error: &dyn std::fmt::Display) -> LockError {
    LockError::Io { path: path.display().to_string(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "local/unit/volchain-backend";

    fn root() -> (tempfile::TempDir, StateRoot) {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        (place, root)
    }

    #[test]
    fn one_holds_it_and_the_other_reads_who() {
        let (_place, root) = root();
        let held = TargetLock::try_take(&root, &arming(KEY), "ana, pid 7, since 12:00:00").expect("it is free");
        let refused = TargetLock::try_take(&root, &arming(KEY), "ben").expect_err("it is held");
        assert_eq!(refused.to_string(), "held by ana, pid 7, since 12:00:00 (armed:local/unit/volchain-backend)");
        drop(held);
        TargetLock::try_take(&root, &arming(KEY), "ben").expect("it is free again");
    }

    #[test]
    fn arming_and_running_are_two_locks_and_so_are_two_units() {
        let (_place, root) = root();
        let _armed = TargetLock::try_take(&root, &arming(KEY), "a").expect("it is free");
        let _running = TargetLock::try_take(&root, &running(KEY), "b").expect("it is free");
        let _other = TargetLock::try_take(&root, &running("local/unit/other"), "c").expect("it is free");
        assert!(runner_alive(&root, KEY));
    }

    #[test]
    fn a_probe_sees_a_runner_and_disturbs_nobody() {
        let (_place, root) = root();
        let run = RunId::new("run-1");
        assert!(!runner_alive(&root, KEY));
        assert!(!run_has_runner(&root, &run));
        let target = TargetLock::try_take(&root, &running(KEY), "r").expect("it is free");
        let own = TargetLock::try_take_run(&root, &run, "r").expect("it is free");
        assert!(runner_alive(&root, KEY) && run_has_runner(&root, &run));
        assert!(runner_alive(&root, KEY), "looking does not end it");
        drop((target, own));
        assert!(!runner_alive(&root, KEY) && !run_has_runner(&root, &run));
    }

    #[test]
    fn whoever_wants_it_outlasts_a_probe() {
        let (_place, root) = root();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..300 {
                    let _ = runner_alive(&root, KEY);
                }
            });
            for _ in 0..50 {
                TargetLock::try_take(&root, &running(KEY), "r").expect("only probes are about");
            }
        });
    }

    #[test]
    fn children_do_not_inherit_it() {
        let (_place, root) = root();
        let held = TargetLock::try_take(&root, &running(KEY), "r").expect("it is free");
        let mut child = std::process::Command::new("/bin/sleep").arg("30").spawn().expect("it starts");
        drop(held);
        let free = !runner_alive(&root, KEY);
        child.kill().and_then(|()| child.wait()).expect("it is ours");
        assert!(free);
    }
}
