//! The files of a world in the demo's folder, kept as large and as old as the world says, and the programs of its
//! machine.
//!
//! Sizes are real and contents are not: a file without a text of its own is a hole of its size, which takes no room.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tokio::time::{MissedTickBehavior, interval};

use super::stage::Stage;
use super::world::{Disk, Lying};
use crate::shell::fetch::file::{NOTE_SLASH, NOTES};

/// How often the files are looked after.
const EVERY: Duration = Duration::from_secs(2);

/// Keeps the files of a world for as long as it is polled. `folder` is that of the demo.
pub async fn keep(stage: &Stage, folder: &Path) {
    let mut turn = interval(EVERY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut written = BTreeSet::new();
    loop {
        turn.tick().await;
        let seen = stage.look(|play, now| play.world().map(|world| (world.files(now), world.disks(now))));
        let Some((files, disks)) = seen else {
            return std::future::pending().await;
        };
        let system = stage.simulation.system.as_str();
        let own = folder.join(system);
        let kept = follow(&own, &files, &mut written).and_then(|()| note_disks(folder, system, &disks));
        if let Err(error) = kept {
            eprintln!("opsconsole: the simulated files in {} can not be written: {error}", own.display());
            return std::future::pending().await;
        }
    }
}

/// Writes what is there, and removes what was written before and is there no more.
fn follow(folder: &Path, files: &[Lying], written: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let now: BTreeSet<PathBuf> = files.iter().map(|file| folder.join(&file.path)).collect();
    for path in written.difference(&now) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    for file in files {
        lay(&folder.join(&file.path), file)?;
    }
    *written = now;
    Ok(())
}

/// Notes how full each file system is, for whoever asks about a path in the folder.
fn note_disks(folder: &Path, system: &str, disks: &[Disk]) -> io::Result<()> {
    let notes = folder.join(NOTES);
    for disk in disks {
        DirBuilder::new().recursive(true).mode(0o700).create(&notes)?;
        let name = format!("{system}/{}", disk.path);
        let path = notes.join(name.trim_end_matches('/').replace('/', NOTE_SLASH));
        let fresh = path.with_extension("writing");
        let mut note = open(&fresh)?;
        note.set_len(0)?;
        note.write_all(format!("{} {}\n", disk.size_bytes, disk.free_bytes).as_bytes())?;
        fs::rename(&fresh, &path)?;
    }
    Ok(())
}

fn lay(path: &Path, file: &Lying) -> io::Result<()> {
    let seen = fs::symlink_metadata(path).ok();
    let same_size = seen.as_ref().is_some_and(|seen| seen.is_file() && seen.len() == file.size_bytes);
    let same_age = seen.is_some_and(|seen| seen.mtime() == file.modified.div_euclid(1000));
    if same_size && same_age {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    let mut open = open(path)?;
    match &file.text {
        Some(text) => {
            open.set_len(0)?;
            open.write_all(text.as_bytes())?;
        }
        None => open.set_len(file.size_bytes)?,
    }
    let since = Duration::from_millis(u64::try_from(file.modified).unwrap_or(0));
    open.set_modified(UNIX_EPOCH + since)
}

#[allow(clippy::disallowed_methods, reason = "the simulated machine has files")]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}
