//! Copies: regular files and folders alone, into what did not exist, with mode, owner and times, down to the disk.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{Gid, Mode, Timespec, Timestamps, Uid};

use super::folder::{Folder, Found, Kind, io_error, refused};
use super::{FileActError, Place};
use crate::base::text::count;

/// Folders within folders that are entered.
pub const DEPTH_LIMIT: usize = 64;
const CHUNK_BYTES: usize = 128 * 1024;

/// What a copy came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub files: u64,
    pub folders: u64,
    pub bytes: u64,
    /// Entries whose owner could not be kept.
    pub not_owned: u64,
}

impl Tally {
    pub fn shown(&self) -> String {
        let owners = match self.not_owned {
            0 => String::new(),
            others => format!("; {others} belong to this user, who may not give them away"),
        };
        let (files, folders) = (count(self.files, "file"), count(self.folders, "folder"));
        format!("{files}, {folders}, {}{owners}", count(self.bytes, "byte"))
    }
}

/// Copies to a path that must not exist; it appears whole or not at all.
pub fn copy_tree(from: &Place<'_>, to: &Place<'_>) -> Result<Vec<String>, FileActError> {
    if to.path().starts_with(from.path()) {
        return Err(refused(&to.path(), format!("it lies in {}, which is to be copied", from.path().display())));
    }
    let source = from.open_parent()?;
    let target = to.make_parent(0o700)?;
    if target.look(&to.name)?.is_some() {
        return Err(refused(&to.path(), "it exists already; nothing is ever copied into something".to_owned()));
    }
    let partial = format!("{}.partial", to.name);
    let tally = copy_beside(&source, &from.name, &target, &partial, None)?;
    target.rename(&partial, &to.name)?;
    target.sync()?;
    Ok(vec![format!("copied {} to {}: {}", from.path().display(), to.path().display(), tally.shown())])
}

/// Copies to a name that must not exist. What was copied before a failure is removed again.
pub fn copy_beside(
    from: &Folder,
    name: &str,
    to: &Folder,
    new_name: &str,
    owner: Option<(u32, u32)>,
) -> Result<Tally, FileActError> {
    if to.look(new_name)?.is_some() {
        let why = "it is there from an attempt that was cut off; look at it and remove it".to_owned();
        return Err(refused(&to.path_of(new_name), why));
    }
    let mut tally = Tally::default();
    match copy_any(from, name, to, new_name, owner, 0, &mut tally).and_then(|()| to.sync()) {
        Ok(()) => Ok(tally),
        Err(error) => {
            // The failure is what is told; what can not be removed stays under a name that nothing takes for a copy.
            let _ = to.remove(new_name);
            Err(error)
        }
    }
}

fn copy_any(
    from: &Folder,
    name: &str,
    to: &Folder,
    new_name: &str,
    owner: Option<(u32, u32)>,
    depth: usize,
    tally: &mut Tally,
) -> Result<(), FileActError> {
    let path = from.path_of(name);
    let Some(found) = from.look(name)? else {
        return Err(refused(&path, "there is no such file or folder".to_owned()));
    };
    let own = Some(owner.unwrap_or((found.stat.st_uid, found.stat.st_gid)));
    match found.kind {
        Kind::Other => Err(refused(&path, "it is a link, a pipe, a socket or a device; it is not copied".to_owned())),
        Kind::Folder if depth == DEPTH_LIMIT => Err(refused(&path, format!("folders are deeper than {DEPTH_LIMIT}"))),
        Kind::Folder => {
            let source = from.enter(name)?;
            to.make(new_name, 0o700)?;
            let target = to.enter(new_name)?;
            for inner in source.names()? {
                copy_any(&source, &inner, &target, &inner, owner, depth + 1, tally)?;
            }
            tally.folders += 1;
            tally.not_owned += u64::from(!target.dress(found.stat.st_mode, own)?);
            target.sync()
        }
        Kind::File => copy_file(from, name, &found, to, new_name, own, tally),
    }
}

fn copy_file(
    from: &Folder,
    name: &str,
    found: &Found,
    to: &Folder,
    new_name: &str,
    owner: Option<(u32, u32)>,
    tally: &mut Tally,
) -> Result<(), FileActError> {
    let (path, new_path) = (from.path_of(name), to.path_of(new_name));
    let mut source = from.read(name)?;
    let mut target = to.create(new_name)?;
    let poured = pour((&mut source, &path), (&mut target, &new_path));
    if poured.is_err() {
        // A process that is just being started holds what was open when it was, and a removed file keeps its room for
        // as long as anybody holds it. What is cut off is free at once.
        let _ = target.set_len(0);
    }
    let bytes = poured?;
    if bytes != found.size_bytes() {
        return Err(refused(&path, "it changed while it was copied".to_owned()));
    }
    tally.not_owned += u64::from(owner.is_some_and(|(user, group)| !own(&target, user, group)));
    finish(&target, found.stat.st_mode, &new_path)?;
    let time = |seconds, nanos| Timespec { tv_sec: seconds, tv_nsec: i64::try_from(nanos).unwrap_or(0) };
    let times = Timestamps {
        last_access: time(found.stat.st_mtime, found.stat.st_mtime_nsec),
        last_modification: time(found.stat.st_mtime, found.stat.st_mtime_nsec),
    };
    // Only how old the copy seems depends on it.
    let _ = rustix::fs::futimens(&target, &times);
    tally.files += 1;
    tally.bytes += bytes;
    Ok(())
}

/// Copies all that can be read; answers how many bytes that was.
fn pour((from, path): (&mut File, &Path), (to, new_path): (&mut File, &Path)) -> Result<u64, FileActError> {
    let mut bytes = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).map_err(io_error("read", path))?;
        if read == 0 {
            return Ok(bytes);
        }
        to.write_all(&chunk[..read]).map_err(io_error("write", new_path))?;
        bytes += read as u64;
    }
}

/// Gives a new file its mode, and waits until it is on the disk.
pub fn finish(file: &File, mode: u32, path: &Path) -> Result<(), FileActError> {
    rustix::fs::fchmod(file, Mode::from_raw_mode(mode & 0o7777))
        .map_err(|error| io_error("set the mode of", path)(error.into()))?;
    file.sync_all().map_err(io_error("sync", path))
}

/// Gives it to this user and group; answers whether that was permitted, or needless.
pub fn own(file: impl AsFd, user: u32, group: u32) -> bool {
    let is = rustix::fs::fstat(&file).is_ok_and(|stat| stat.st_uid == user && stat.st_gid == group);
    is || rustix::fs::fchown(&file, Some(Uid::from_raw(user)), Some(Gid::from_raw(group))).is_ok()
}
