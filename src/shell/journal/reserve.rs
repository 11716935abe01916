//! Room for outcomes, set aside before acting: a disk that fills up during an act must not silence its journal.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::append::locked;
use super::{JournalError, RESERVE_BYTES, beside};
use crate::app::msg::JournalId;
use crate::shell::StateRoot;
use crate::shell::state_root::guarded_flags;

/// Sets [`RESERVE_BYTES`] aside behind the end of a journal that exists. Where the filesystem can not do that, a
/// ballast file of the same size stands beside it, which an append removes when the disk is full.
///
/// # Errors
/// There is no room: nothing may be begun.
pub fn reserve(root: &StateRoot, journal: &JournalId) -> Result<(), JournalError> {
    let path = root.journal(journal)?;
    let file = open(&path)?;
    let length = file.metadata().map_err(|error| JournalError::of(&path, &error))?.len();
    match fallocate(&file, FallocateFlags::KEEP_SIZE, length, RESERVE_BYTES) {
        Ok(()) => file.sync_data().map_err(|error| JournalError::of(&path, &error)),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => make_ballast(&path),
        Err(error) => Err(JournalError::of(&path, &error.into())),
    }
}

/// Gives back what was set aside. Failing to is harmless.
pub fn release(root: &StateRoot, journal: &JournalId) {
    let Ok(path) = root.journal(journal) else { return };
    drop_ballast(&path);
    if let Ok(file) = open(&path)
        && let Ok(found) = file.metadata()
    {
        // Cutting a file to the size it has frees what was set aside behind its end. The lock is held: no append
        // can be under way.
        let _ = file.set_len(found.len());
    }
}

/// Removes the ballast; whether there was one.
pub fn drop_ballast(journal: &Path) -> bool {
    let ballast = beside(journal, ".ballast");
    // A process that is just being started holds what was open when it was, and a removed file keeps its room for as
    // long as anybody holds it. What is cut off is free at once; where it can not be cut, it is removed all the same.
    if let Ok(file) = OpenOptions::new().write(true).custom_flags(guarded_flags()).open(&ballast) {
        let _ = file.set_len(0);
    }
    std::fs::remove_file(ballast).is_ok()
}

fn open(path: &Path) -> Result<File, JournalError> {
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .append(true)
        .custom_flags(guarded_flags())
        .open(path)
        .map_err(|error| JournalError::of(path, &error))?;
    locked(path, File::try_lock, &file)?;
    Ok(file)
}

fn make_ballast(journal: &Path) -> Result<(), JournalError> {
    let path = beside(journal, ".ballast");
    if path.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() == RESERVE_BYTES) {
        return Ok(());
    }
    drop_ballast(journal);
    let fill = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).custom_flags(guarded_flags()).open(&path)?;
        // Zeros might be stored as a hole, which sets nothing aside.
        let block: Vec<u8> = (0..=255).cycle().take(RESERVE_BYTES as usize).collect();
        file.write_all(&block)?;
        file.sync_all()
    };
    fill().map_err(|error| {
        drop_ballast(journal);
        JournalError::of(&path, &error)
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::Command;

    use super::super::fixture::{desk, note};
    use super::super::{append, read, verify};
    use super::*;
    use crate::base::RunId;
    use crate::runbook::Actor;
    use crate::shell::clock;

    /// A filesystem of one megabyte in memory; `None`, with the reason printed, where none can be mounted.
    struct SmallDisk(PathBuf, #[allow(dead_code, reason = "kept so that the folder goes away last")] tempfile::TempDir);

    impl SmallDisk {
        fn mount() -> Option<SmallDisk> {
            let place = tempfile::tempdir().expect("a temporary folder");
            let path = place.path().to_owned();
            let mounted =
                Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs"]).arg(&path).output();
            if mounted.is_ok_and(|answer| answer.status.success()) {
                return Some(SmallDisk(path, place));
            }
            println!("skipped: a small filesystem can only be mounted by root");
            None
        }

        fn fill(&self) {
            let mut file = OpenOptions::new().create(true).append(true).open(self.0.join("filler")).expect("it opens");
            while file.write_all(&[7; 4096]).is_ok() {}
            while file.write_all(&[7]).is_ok() {}
        }
    }

    impl Drop for SmallDisk {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(&self.0).output();
        }
    }

    fn disk_is_full(ballast: bool) {
        let Some(disk) = SmallDisk::mount() else { return };
        let root = StateRoot::find(Some(&disk.0.join("state"))).expect("it can be made");
        let (run, other) = (JournalId::Run(RunId::new("run-1")), JournalId::Run(RunId::new("run-2")));
        let put = |journal: &JournalId, text: &str| {
            append(&root, journal, &Actor::default(), clock::now(), "boot", note(text))
        };
        put(&run, "before").expect("there is room");
        put(&other, "before").expect("there is room");
        if ballast {
            make_ballast(&root.journal(&run).expect("a path")).expect("there is room");
        } else {
            reserve(&root, &run).expect("there is room");
        }
        disk.fill();
        let large = "x".repeat(8000);
        for _ in 0..10 {
            put(&run, &large).expect("room was set aside for this");
        }
        // The ballast, once it has given way, is anybody's room.
        disk.fill();
        let refused = put(&other, &large).map(|entry| entry.seq).expect_err("nothing was set aside for this");
        assert!(refused.to_string().contains("free space and try again"), "{refused}");
        assert!(matches!(reserve(&root, &other), Err(JournalError::NoSpace { .. })));
        for (journal, count) in [(&run, 11), (&other, 1)] {
            let path = root.journal(journal).expect("a path");
            assert_eq!(read(&path).expect("it is whole").len(), count);
            assert!(verify(&path).expect("it can be read").is_whole());
        }
    }

    #[test]
    fn outcomes_are_written_when_the_disk_is_full() {
        disk_is_full(false);
    }

    #[test]
    fn ballast_gives_way_when_the_disk_is_full() {
        disk_is_full(true);
    }

    #[test]
    fn reserving_changes_no_byte_of_the_journal() {
        let desk = desk();
        assert!(matches!(reserve(&desk.root, &desk.journal), Err(JournalError::Missing { .. })));
        desk.fill(1, 2);
        let before = desk.bytes();
        reserve(&desk.root, &desk.journal).expect("there is room");
        assert_eq!(desk.bytes(), before);
        desk.fill(3, 1);
        release(&desk.root, &desk.journal);
        assert!(verify(&desk.path).expect("it can be read").is_whole());
    }

    #[test]
    fn a_folder_that_may_not_be_written_is_told_as_that() {
        if rustix::process::geteuid().is_root() {
            println!("skipped: root may write everywhere");
            return;
        }
        use std::os::unix::fs::PermissionsExt;
        let desk = desk();
        let folder = desk.path.parent().expect("it has a folder").to_owned();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).expect("ours");
        let refused = desk.append(note("x")).expect_err("it may not be written");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("ours");
        assert!(matches!(refused, JournalError::Denied { .. }), "{refused}");
    }

    #[test]
    fn a_read_only_filesystem_is_told_as_that() {
        let Some(disk) = SmallDisk::mount() else { return };
        let root = StateRoot::find(Some(&disk.0.join("state"))).expect("it can be made");
        let journal = JournalId::Console;
        append(&root, &journal, &Actor::default(), clock::now(), "boot", note("x")).expect("there is room");
        let again = Command::new("mount").args(["-o", "remount,ro"]).arg(&disk.0).output().expect("mount is there");
        assert!(again.status.success());
        let refused = append(&root, &journal, &Actor::default(), clock::now(), "boot", note("x"));
        assert!(matches!(refused, Err(JournalError::ReadOnly { .. })), "{refused:?}");
        assert!(verify(&root.journal(&journal).expect("a path")).expect("reading works").is_whole());
    }
}
