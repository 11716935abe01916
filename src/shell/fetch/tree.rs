//! Walks through a folder and adds up what is in it.
//!
//! Every folder is opened by its name within the one before it, without following a link, so that nothing that changes
//! under the walk leads out of the folder it began in. The walk ends at its limits and says which it was.

#![allow(clippy::disallowed_methods, reason = "the shell is where files are read")]

use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};
use rustix::io::Errno;

use super::file::failure;
use crate::model::{FetchFailure, TreeCut, TreeLook, TreeSeen};

/// The part of the time for an answer that the walk may take; the rest is for the answer itself.
const SHARE: u32 = 2;

/// Opening a folder: never a link, never something that opening changes.
fn flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK
}

/// Adds up what lies below `path`.
///
/// # Errors
/// The folder itself can not be read, or is none, or is a link.
pub fn walk(path: &Path, look: &TreeLook, within: Duration) -> Result<TreeSeen, FetchFailure> {
    let fail = |errno: Errno| failure(path, &errno.into());
    let top = open(path, flags(), Mode::empty()).map_err(|errno| match errno {
        Errno::LOOP | Errno::NOTDIR => FetchFailure::File {
            path: crate::base::text::escaped(&path.to_string_lossy()).into_owned(),
            detail: "it is no folder, or a link to one; links are not followed".to_owned(),
        },
        other => fail(other),
    })?;
    let device = fstat(&top).map_err(fail)?.st_dev;
    let mut walk = Walk {
        look,
        device,
        until: Instant::now() + within / SHARE,
        seen: TreeSeen { with_suffix: vec![0; look.suffixes.len()], ..TreeSeen::default() },
        entries: 0,
        denied: 0,
        too_deep: false,
    };
    let mut open_folders = vec![Dir::new(top).map_err(fail)?];
    while let Some(folder) = open_folders.last_mut() {
        match walk.next_in(folder) {
            Step::Enter(inner) if open_folders.len() > look.deepest as usize => {
                drop(inner);
                walk.too_deep = true;
            }
            Step::Enter(inner) => open_folders.push(inner),
            Step::On => {}
            Step::Up => drop(open_folders.pop()),
            Step::Cut(cut) => return Ok(TreeSeen { cut: Some(cut), ..walk.seen }),
        }
    }
    let cut = match walk.denied {
        0 => walk.too_deep.then_some(TreeCut::Depth),
        folders => Some(TreeCut::Denied(folders)),
    };
    Ok(TreeSeen { cut, ..walk.seen })
}

struct Walk<'a> {
    look: &'a TreeLook,
    device: u64,
    until: Instant,
    seen: TreeSeen,
    entries: u64,
    denied: u64,
    too_deep: bool,
}

enum Step {
    Enter(Dir),
    On,
    Up,
    Cut(TreeCut),
}

impl Walk<'_> {
    fn next_in(&mut self, folder: &mut Dir) -> Step {
        let entry = match folder.read() {
            None => return Step::Up,
            Some(Ok(entry)) => entry,
            Some(Err(_)) => {
                self.denied += 1;
                return Step::Up;
            }
        };
        let name = entry.file_name();
        if [&b"."[..], b".."].contains(&name.to_bytes()) {
            return Step::On;
        }
        self.entries += 1;
        if self.entries > self.look.limit {
            return Step::Cut(TreeCut::Entries);
        }
        if Instant::now() > self.until {
            return Step::Cut(TreeCut::Time);
        }
        let Ok(fd) = folder.fd() else { return Step::Up };
        // What is gone by now was there when the folder was read, and is nothing any more.
        let Ok(found) = statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) else { return Step::On };
        if FileType::from_raw_mode(found.st_mode) != FileType::Directory {
            self.add(&found, name.to_bytes());
            return Step::On;
        }
        self.seen.folders += 1;
        // What is mounted here is another file system's business, and may be one that never answers.
        if found.st_dev != self.device {
            return Step::On;
        }
        let inner: Result<OwnedFd, Errno> = openat(fd, name, flags(), Mode::empty());
        match inner.and_then(Dir::new) {
            Ok(inner) => Step::Enter(inner),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Step::On,
            Err(_) => {
                self.denied += 1;
                Step::On
            }
        }
    }

    fn add(&mut self, found: &Stat, name: &[u8]) {
        let seen = &mut self.seen;
        seen.files += 1;
        seen.bytes = seen.bytes.saturating_add(u64::try_from(found.st_size).unwrap_or(0));
        // The system counts blocks of 512 bytes, whatever those of the disk are.
        let blocks = u64::try_from(found.st_blocks).unwrap_or(0);
        seen.disk_bytes = seen.disk_bytes.saturating_add(blocks.saturating_mul(512));
        for (count, suffix) in seen.with_suffix.iter_mut().zip(&self.look.suffixes) {
            *count += u64::from(name.ends_with(suffix.as_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn look(limit: u64, deepest: u32) -> TreeLook {
        TreeLook { limit, deepest, suffixes: vec![".sst".to_owned(), ".log".to_owned()] }
    }

    /// 3 files of 100, 20 and 3 bytes, 2 folders, and a link out of it all.
    fn tree() -> tempfile::TempDir {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path().join("db");
        fs::create_dir_all(root.join("a/b")).expect("ours");
        fs::write(root.join("1.sst"), [0; 100]).expect("ours");
        fs::write(root.join("a/2.sst"), [0; 20]).expect("ours");
        fs::write(root.join("a/b/LOG"), [0; 3]).expect("ours");
        fs::write(place.path().join("outside"), [0; 5_000]).expect("ours");
        fs::create_dir(place.path().join("other")).expect("ours");
        fs::write(place.path().join("other/big.sst"), [0; 9_000]).expect("ours");
        place
    }

    #[test]
    fn everything_is_added_up_and_no_link_is_followed() {
        let place = tree();
        let root = place.path().join("db");
        let seen = walk(&root, &look(1_000, 8), PATIENCE).expect("readable");
        assert_eq!((seen.bytes, seen.files, seen.folders, seen.cut), (123, 3, 2, None));
        assert_eq!(seen.with_suffix, [2, 0]);
        symlink(place.path().join("outside"), root.join("link")).expect("ours");
        symlink(place.path().join("other"), root.join("a/folder")).expect("ours");
        symlink(&root, root.join("a/b/round")).expect("ours");
        let seen = walk(&root, &look(1_000, 8), PATIENCE).expect("readable");
        assert_eq!((seen.files, seen.folders, seen.cut), (6, 2, None), "links are entries, and that is all");
        assert!(seen.bytes < 1_000, "the length of a link is that of its text: {}", seen.bytes);
        assert_eq!(seen.with_suffix, [2, 0]);
        let link = place.path().join("way");
        symlink(&root, &link).expect("ours");
        let refused = walk(&link, &look(1_000, 8), PATIENCE).expect_err("a link");
        assert!(refused.to_string().contains("links are not followed"), "{refused}");
    }

    #[test]
    fn a_walk_that_saw_not_all_says_so() {
        let place = tree();
        let root = place.path().join("db");
        let cut = |look: &TreeLook, within| walk(&root, look, within).expect("readable").cut;
        assert_eq!(cut(&look(5, 8), PATIENCE), None);
        assert_eq!(cut(&look(4, 8), PATIENCE), Some(TreeCut::Entries));
        assert_eq!(cut(&look(1_000, 1), PATIENCE), Some(TreeCut::Depth));
        assert_eq!(cut(&look(1_000, 2), PATIENCE), None);
        assert_eq!(cut(&look(1_000, 8), Duration::ZERO), Some(TreeCut::Time));
        let seen = walk(&root, &look(1_000, 0), PATIENCE).expect("readable");
        assert_eq!((seen.bytes, seen.cut), (100, Some(TreeCut::Depth)));
        fs::set_permissions(root.join("a/b"), fs::Permissions::from_mode(0o000)).expect("ours");
        // Root may read everything, whatever its mode.
        let denied = if rustix::process::getuid().is_root() { None } else { Some(TreeCut::Denied(1)) };
        assert_eq!(cut(&look(1_000, 8), PATIENCE), denied);
        fs::set_permissions(root.join("a/b"), fs::Permissions::from_mode(0o700)).expect("ours");
    }

    #[test]
    fn what_is_no_folder_is_no_tree() {
        let place = tree();
        let check = |name: &str, want: &str| {
            let refused = walk(&place.path().join(name), &look(10, 1), PATIENCE).expect_err(want);
            assert!(refused.to_string().contains(want), "{refused}");
        };
        check("outside", "it is no folder");
        check("nothing", "there is no ");
    }
}
