//! Looks at files, folders and file systems. Everything here may block; the caller gives it a thread.

#![allow(clippy::disallowed_methods, reason = "the shell is where files are read")]

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, StatVfsMountFlags, statvfs};

use super::{shown, tree};
use crate::base::{Wall, text};
use crate::model::{
    FetchFailure, FileAnswer, FileKind, FileRequest, FileSeen, FileSystemAnswer, FileSystemRequest, Look, TailBegan,
    TailPosition, TailRead,
};

/// Where a simulation notes the file systems that it has: a file for each, `SIZE FREE` in bytes, called as the path
/// within its folder with this in the place of a slash.
pub const NOTES: &str = "file-systems";
pub const NOTE_SLASH: &str = "+";

/// Carries out a look.
///
/// # Errors
/// The path may not be read, is no regular file where one is needed, or lies outside the folder that it may lie in.
pub fn look(request: &FileRequest) -> Result<FileAnswer, FetchFailure> {
    let found = allowed(&request.path, request.within.as_deref());
    match (&request.look, found) {
        (Look::Stat | Look::Entries { .. } | Look::Tree(_), Err(FetchFailure::NoFile { .. })) => Ok(FileAnswer::Absent),
        (_, Err(failure)) => Err(failure),
        (Look::Stat, Ok(path)) => seen(&path, None),
        (Look::Entries { limit }, Ok(path)) => seen(&path, Some(*limit)),
        (Look::Tree(wanted), Ok(path)) => match tree::walk(&path, wanted, request.timeout) {
            Ok(seen) => Ok(FileAnswer::Tree(seen)),
            Err(FetchFailure::NoFile { .. }) => Ok(FileAnswer::Absent),
            Err(failure) => Err(failure),
        },
        (Look::Tail { after, context_bytes, limit_bytes }, Ok(path)) => {
            tail(&path, after.as_ref(), *context_bytes, *limit_bytes).map(FileAnswer::Tail)
        }
    }
}

/// Size and use of the file system that holds a path.
///
/// # Errors
/// As [`look`].
pub fn usage(request: &FileSystemRequest) -> Result<FileSystemAnswer, FetchFailure> {
    let path = allowed(&request.path, request.within.as_deref())?;
    if let Some(simulated) = request.within.as_deref().and_then(|folder| simulated_usage(Path::new(folder), &path)) {
        return Ok(simulated);
    }
    let found = statvfs(&path).map_err(|error| failure(&path, &error.into()))?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(FileSystemAnswer {
        size_bytes: bytes(found.f_blocks),
        free_bytes: bytes(found.f_bfree),
        available_bytes: bytes(found.f_bavail),
        inodes: found.f_files,
        inodes_free: found.f_ffree,
        read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

/// What a simulation says of the file system of a path in its folder: that of the nearest folder above it for which
/// there is a note.
fn simulated_usage(folder: &Path, path: &Path) -> Option<FileSystemAnswer> {
    let root = folder.canonicalize().ok()?;
    let note = path.ancestors().take_while(|above| above.starts_with(&root)).find_map(|above| {
        let name = above.strip_prefix(&root).ok()?.to_str()?.replace('/', NOTE_SLASH);
        std::fs::read_to_string(root.join(NOTES).join(name)).ok()
    })?;
    let mut numbers = note.split_ascii_whitespace().map(|number| number.parse::<u64>().ok());
    let (size_bytes, free_bytes) = (numbers.next()??, numbers.next()??);
    Some(FileSystemAnswer {
        size_bytes,
        free_bytes,
        available_bytes: free_bytes,
        inodes: 13_000_000,
        inodes_free: 12_400_000,
        read_only: false,
    })
}

/// The path as it may be read. One of a simulated target must really lie in its folder, links resolved.
fn allowed(path: &str, within: Option<&str>) -> Result<PathBuf, FetchFailure> {
    let wanted = Path::new(path);
    let Some(folder) = within else { return Ok(wanted.to_owned()) };
    let outside = || FetchFailure::NotRead {
        why: format!("{} lies outside the simulation's folder {}", text::escaped(path), text::escaped(folder)),
    };
    let root = Path::new(folder).canonicalize().map_err(|error| failure(Path::new(folder), &error))?;
    // What is not there is judged by where it would be: a path outside is refused whether it is there or not.
    let known = wanted.ancestors().find_map(|part| part.canonicalize().ok()).ok_or_else(outside)?;
    if !known.starts_with(&root) {
        return Err(outside());
    }
    wanted.canonicalize().map_err(|error| failure(wanted, &error))
}

fn seen(path: &Path, count: Option<u64>) -> Result<FileAnswer, FetchFailure> {
    let found = match path.metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FileAnswer::Absent),
        Err(error) => return Err(failure(path, &error)),
    };
    let kind = kind_of(&found);
    let entries = match (kind, count) {
        (FileKind::Folder, Some(limit)) => {
            let entries = path.read_dir().map_err(|error| failure(path, &error))?;
            let most = usize::try_from(limit).unwrap_or(usize::MAX);
            Some(entries.take(most).count() as u64)
        }
        (FileKind::File | FileKind::Folder | FileKind::Other, _) => None,
    };
    let millis = found.mtime().saturating_mul(1000).saturating_add(found.mtime_nsec() / 1_000_000);
    Ok(FileAnswer::Seen(FileSeen { kind, size_bytes: found.len(), modified: Wall(millis), entries }))
}

/// What a file has grown by. See [`TailRead`].
fn tail(
    path: &Path,
    after: Option<&TailPosition>,
    context_bytes: u64,
    limit_bytes: u64,
) -> Result<TailRead, FetchFailure> {
    let (mut file, found) = open(path)?;
    let fail = |error: io::Error| failure(path, &error);
    let head = head_of(&mut file).map_err(fail)?;
    let size = found.len();
    let (began, rest, from) = match after {
        None => (TailBegan::Anew, Vec::new(), size.saturating_sub(context_bytes)),
        Some(last) if is_same(&found, &head, last) => (TailBegan::On, Vec::new(), last.offset),
        Some(last) => (TailBegan::Over, rest_of(path, last, limit_bytes), 0),
    };
    // The newest is what an operator needs; what lies before it is said to be missing.
    let start = from.max(size.saturating_sub(limit_bytes));
    let skipped_bytes = if began == TailBegan::Anew { start } else { start - from };
    let bytes = read_at(&mut file, start, limit_bytes).map_err(fail)?;
    let next = TailPosition { inode: found.ino(), offset: start + bytes.len() as u64, head };
    Ok(TailRead { began, rest, skipped_bytes, bytes, next, size_bytes: size })
}

/// What the file that was read before still has, where it was moved to `PATH.1`.
fn rest_of(path: &Path, last: &TailPosition, limit_bytes: u64) -> Vec<u8> {
    let mut moved = path.as_os_str().to_owned();
    moved.push(".1");
    let read = || -> Option<Vec<u8>> {
        let (mut file, found) = open(Path::new(&moved)).ok()?;
        let head = head_of(&mut file).ok()?;
        is_same(&found, &head, last).then(|| read_at(&mut file, last.offset, limit_bytes).ok()).flatten()
    };
    read().unwrap_or_default()
}

/// Whether a file is the one that was read before, and still holds what was read.
fn is_same(found: &Metadata, head: &[u8], last: &TailPosition) -> bool {
    found.ino() == last.inode && found.len() >= last.offset && head.starts_with(&last.head)
}

/// Opens a regular file. Without blocking, because to open a pipe that nobody writes to would wait for ever; what was
/// opened is looked at again, because a path can lead elsewhere by then.
fn open(path: &Path) -> Result<(File, Metadata), FetchFailure> {
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or(0);
    // Opening a device can do something; a pipe or a device is known before it is opened.
    let before = path.metadata().map_err(|error| failure(path, &error))?;
    regular(path, &before)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(|error| failure(path, &error))?;
    let found = file.metadata().map_err(|error| failure(path, &error))?;
    regular(path, &found)?;
    Ok((file, found))
}

fn regular(path: &Path, found: &Metadata) -> Result<(), FetchFailure> {
    let kind = found.file_type();
    let what = match kind_of(found) {
        FileKind::File => return Ok(()),
        FileKind::Folder => "a folder",
        FileKind::Other if kind.is_fifo() => "a pipe",
        FileKind::Other if kind.is_socket() => "a socket",
        FileKind::Other => "a device",
    };
    Err(FetchFailure::NotRegular { path: name(path), what: what.to_owned() })
}

fn kind_of(found: &Metadata) -> FileKind {
    match (found.is_file(), found.is_dir()) {
        (true, _) => FileKind::File,
        (_, true) => FileKind::Folder,
        (false, false) => FileKind::Other,
    }
}

fn head_of(file: &mut File) -> io::Result<Vec<u8>> {
    read_at(file, 0, TailPosition::HEAD_BYTES as u64)
}

fn read_at(file: &mut File, from: u64, limit_bytes: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(limit_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn failure(path: &Path, error: &io::Error) -> FetchFailure {
    let path = name(path);
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FetchFailure::NoFile { path },
        io::ErrorKind::PermissionDenied => FetchFailure::Denied { path },
        _ => FetchFailure::File { path, detail: shown(&error.to_string()) },
    }
}

fn name(path: &Path) -> String {
    text::escaped(&path.to_string_lossy()).into_owned()
}
