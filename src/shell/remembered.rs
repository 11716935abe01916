//! The clocks and claims of alerts, in a small file of the state root: written whole, read once at the start.
//!
//! It is no journal: what it holds can be lost without harm, because every alert is measured again. So a file that can
//! not be read is said and put aside, and never keeps a console from starting.

#![allow(clippy::disallowed_methods, reason = "the shell is where files are read")]

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::state_root::{StateRoot, guarded_flags, sync_folder_of};
use crate::alert::Remembered;

/// Largest file that is read: far more than two thousand alerts with their labels take.
const LIMIT_BYTES: u64 = 8 << 20;

/// What the console before this one kept; nothing where there was none.
///
/// # Errors
/// The file can not be read, or is none of ours: which, and why. It is put aside.
pub fn read(root: &StateRoot) -> Result<Option<Remembered>, String> {
    let path = root.alerts().map_err(|error| error.to_string())?;
    let file = match OpenOptions::new().read(true).custom_flags(guarded_flags()).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(said(&path, &error.to_string())),
    };
    let mut text = String::new();
    let read = file.take(LIMIT_BYTES + 1).read_to_string(&mut text);
    let whole = read.is_ok_and(|bytes| bytes as u64 <= LIMIT_BYTES);
    match serde_json::from_str(&text).ok().filter(|_| whole) {
        Some(remembered) => Ok(Some(remembered)),
        None => {
            // Where it can not even be renamed it is written over, which is as good.
            let _ = std::fs::rename(&path, beside(&path, ".unreadable"));
            Err(said(&path, "it is not what a console writes; it was put aside as .unreadable"))
        }
    }
}

fn said(path: &Path, why: &str) -> String {
    format!("clocks and claims of alerts begin anew: {}: {why}", path.display())
}

/// Keeps it for the next console. The file is renamed into place, so it is never half written.
///
/// # Errors
/// As the system says.
pub fn write(root: &StateRoot, remembered: &Remembered) -> Result<(), String> {
    let path = root.alerts().map_err(|error| error.to_string())?;
    put(&path, remembered)
        .map_err(|error| format!("clocks and claims of alerts can not be kept in {}: {error}", path.display()))
}

fn put(path: &Path, remembered: &Remembered) -> io::Result<()> {
    const MODE: u32 = 0o600;
    // Each process its own, so that two consoles of one user do not write into one file.
    let fresh = beside(path, &format!(".{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(MODE).custom_flags(guarded_flags());
    let mut file = options.open(&fresh)?;
    file.set_permissions(std::fs::Permissions::from_mode(MODE))?;
    file.write_all(&serde_json::to_vec(remembered)?)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    sync_folder_of(path)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::memory::{Clock, RememberedAlert};
    use crate::alert::{AlertKey, Claim};
    use crate::base::{At, Boot, Wall};
    use crate::model::Labels;

    #[test]
    fn what_is_kept_comes_back_and_what_is_no_memory_is_put_aside() {
        let place = tempfile::tempdir().expect("a folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        assert_eq!(read(&root), Ok(None));
        let labels = Labels::from_pairs([("node", "a"), ("severity", "critical")]);
        let claim = Claim { by: "ada".into(), reason: "known".into(), at: Wall(1), until: Wall(2) };
        let alert = RememberedAlert {
            key: AlertKey { target: "t".into(), alert: "Old".into(), labels: labels.clone() },
            metric: labels,
            clock: Some(Clock::Firing { since: Wall(5), value: None, keep_left: None }),
            acknowledged: Some(claim),
            snoozed: None,
            response_due: Some(Wall(9)),
            changes: vec![Wall(5)],
        };
        let at = At { boot: Boot(7), wall: Wall(8) };
        let kept = Remembered { at, boot_id: "x".into(), alerts: vec![alert], left_out: 0 };
        for _ in 0..2 {
            write(&root, &kept).expect("it can be written");
            assert_eq!(read(&root), Ok(Some(kept.clone())));
        }
        let path = root.alerts().expect("a path");
        let names = || std::fs::read_dir(root.path()).expect("a folder").count();
        let before = names();
        std::fs::write(&path, "{\"at\":").expect("ours");
        assert!(read(&root).is_err_and(|why| why.contains("put aside")));
        assert_eq!(read(&root), Ok(None));
        assert_eq!(names(), before);
    }
}
