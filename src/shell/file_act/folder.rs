//! An open folder: everything in it is named relative to it, and no name leads out of it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::FileActError;

/// Links of root's that one path may lead through.
const LINKS_LIMIT: usize = 16;
/// Entries of one folder that are listed; a folder with more is refused.
const ENTRIES_LIMIT: usize = 200_000;

#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

/// What lies at a name, links not followed.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub kind: Kind,
    pub stat: Stat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    /// A link, a pipe, a socket or a device: nothing that is ever copied, written or followed.
    Other,
}

impl Found {
    /// Which file it is, whatever it is called.
    pub fn identity(&self) -> (u64, u64) {
        (self.stat.st_dev, self.stat.st_ino)
    }

    pub fn size_bytes(&self) -> u64 {
        u64::try_from(self.stat.st_size).unwrap_or(0)
    }
}

impl Folder {
    /// Opens a folder by its absolute path. With `within`, that folder and nothing above it is taken as it stands, and
    /// no link is followed; without, a link is followed where it belongs to root.
    ///
    /// # Errors
    /// A component is missing, no folder, or a link that is not followed.
    pub fn open(path: &Path, within: Option<&Path>) -> Result<Folder, FileActError> {
        let (start, rest) = match within {
            Some(root) => {
                let real = root.canonicalize().map_err(io_error("find", root))?;
                if real != root {
                    return Err(refused(root, format!("it is really {}", real.display())));
                }
                let rest =
                    path.strip_prefix(root).map_err(|_| refused(path, format!("it is not in {}", root.display())))?;
                (real.clone(), rest.to_owned())
            }
            None => {
                let real = through_links_of_root(path)?;
                let rest = real.strip_prefix("/").unwrap_or(&real).to_owned();
                (PathBuf::from("/"), rest)
            }
        };
        let fd = open_folder(CWD, &start, &start)?;
        let mut folder = Folder { fd, path: start };
        for part in rest.components() {
            let Component::Normal(name) = part else { return Err(refused(path, "it is no plain path".to_owned())) };
            let name = name.to_str().ok_or_else(|| refused(path, "it is not UTF-8".to_owned()))?;
            folder = folder.enter(name)?;
        }
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a folder in this one; a link is none.
    pub fn enter(&self, name: &str) -> Result<Folder, FileActError> {
        let path = self.path_of(name);
        match self.look(name)? {
            Some(Found { kind: Kind::Folder, .. }) => {
                Ok(Folder { fd: open_folder(&self.fd, Path::new(name), &path)?, path })
            }
            Some(_) => Err(refused(&path, "it is a link or a file, and not a folder".to_owned())),
            None => Err(refused(&path, "there is no such folder".to_owned())),
        }
    }

    /// What lies at a name, if anything does.
    pub fn look(&self, name: &str) -> Result<Option<Found>, FileActError> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let kind = match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => Kind::File,
                    FileType::Directory => Kind::Folder,
                    FileType::Symlink
                    | FileType::Fifo
                    | FileType::Socket
                    | FileType::CharacterDevice
                    | FileType::BlockDevice
                    | FileType::Unknown => Kind::Other,
                };
                Ok(Some(Found { kind, stat }))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.failed("look at", name)(error)),
        }
    }

    /// Every name in it, sorted. A name that is not text is refused: it could not be shown.
    pub fn names(&self) -> Result<Vec<String>, FileActError> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(self.failed("list", ""))? {
            let entry = entry.map_err(self.failed("list", ""))?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if names.len() == ENTRIES_LIMIT {
                return Err(refused(&self.path, format!("it holds more than {ENTRIES_LIMIT} entries")));
            }
            let name = std::str::from_utf8(name).ok().filter(|name| !name.chars().any(crate::base::text::is_hostile));
            match name {
                Some(name) if !name.contains('\\') => names.push(name.to_owned()),
                Some(_) | None => {
                    return Err(refused(
                        &self.path,
                        "it holds a name with characters that can not be shown".to_owned(),
                    ));
                }
            }
        }
        names.sort();
        Ok(names)
    }

    /// Opens a regular file for reading.
    pub fn read(&self, name: &str) -> Result<File, FileActError> {
        match self.look(name)? {
            Some(Found { kind: Kind::File, .. }) => {}
            Some(_) => return Err(refused(&self.path_of(name), "it is not a regular file".to_owned())),
            None => return Err(refused(&self.path_of(name), "there is no such file".to_owned())),
        }
        // What became a pipe since must not make this wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).map_err(self.failed("read", name))?;
        let file = File::from(fd);
        match file.metadata() {
            Ok(found) if found.is_file() => Ok(file),
            Ok(_) => Err(refused(&self.path_of(name), "it is not a regular file".to_owned())),
            Err(error) => Err(io_error("read", &self.path_of(name))(error)),
        }
    }

    /// Makes a file that must not exist, for its owner alone.
    pub fn create(&self, name: &str) -> Result<File, FileActError> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o600));
        fd.map(File::from).map_err(self.failed("make", name))
    }

    /// Makes a folder that must not exist.
    pub fn make(&self, name: &str, mode: u32) -> Result<(), FileActError> {
        rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode)).map_err(self.failed("make", name))
    }

    /// Renames within this folder; `to` must not exist.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), FileActError> {
        rustix::fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE)
            .map_err(self.failed("rename to", to))
    }

    /// Renames a file over another.
    pub fn rename_over(&self, from: &str, to: &str) -> Result<(), FileActError> {
        rustix::fs::renameat(&self.fd, from, &self.fd, to).map_err(self.failed("rename to", to))
    }

    /// Exchanges two names at once. Answers whether the file system can.
    pub fn exchange(&self, one: &str, other: &str) -> Result<bool, FileActError> {
        match rustix::fs::renameat_with(&self.fd, one, &self.fd, other, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(true),
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Ok(false),
            Err(error) => Err(self.failed("exchange", other)(error)),
        }
    }

    /// Removes a file, or a folder with everything in it, on this file system alone.
    pub fn remove(&self, name: &str) -> Result<(), FileActError> {
        let Some(found) = self.look(name)? else { return Ok(()) };
        match found.kind {
            Kind::File | Kind::Other => {
                rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()).map_err(self.failed("remove", name))
            }
            Kind::Folder => {
                let inner = self.enter(name)?;
                inner.same_device(self)?;
                inner.names()?.iter().try_for_each(|name| inner.remove(name))?;
                rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR).map_err(self.failed("remove", name))
            }
        }
    }

    /// That this folder is no other file system than the one it stands in.
    pub fn same_device(&self, parent: &Folder) -> Result<(), FileActError> {
        let device = |folder: &Folder| rustix::fs::fstat(&folder.fd).map(|stat| stat.st_dev);
        match (device(self), device(parent)) {
            (Ok(own), Ok(of_parent)) if own == of_parent => Ok(()),
            (Ok(_), Ok(_)) => Err(refused(&self.path, "another file system is mounted there".to_owned())),
            (Err(error), _) | (_, Err(error)) => Err(self.failed("look at", "")(error)),
        }
    }

    /// Gives this folder itself a mode, and an owner where that is permitted; answers whether it was.
    pub fn dress(&self, mode: u32, owner: Option<(u32, u32)>) -> Result<bool, FileActError> {
        let owned = owner.is_none_or(|(user, group)| super::copy::own(&self.fd, user, group));
        rustix::fs::fchmod(&self.fd, Mode::from_raw_mode(mode & 0o7777)).map_err(self.failed("set the mode of", ""))?;
        Ok(owned)
    }

    /// Waits until its entries are on the disk.
    pub fn sync(&self) -> Result<(), FileActError> {
        rustix::fs::fsync(&self.fd).map_err(self.failed("sync", ""))
    }

    fn failed(&self, what: &'static str, name: &str) -> impl FnOnce(Errno) -> FileActError + use<> {
        let path = if name.is_empty() { self.path.clone() } else { self.path_of(name) };
        move |error| FileActError::Io { what, path, source: error.into() }
    }
}

fn open_folder(at: impl std::os::fd::AsFd, name: &Path, shown: &Path) -> Result<OwnedFd, FileActError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, name, flags, Mode::empty()).map_err(|error| FileActError::Io {
        what: "open the folder",
        path: shown.to_owned(),
        source: error.into(),
    })
}

/// The path with the links that root placed in it resolved; any other link is refused.
fn through_links_of_root(path: &Path) -> Result<PathBuf, FileActError> {
    use std::os::unix::fs::MetadataExt;
    let mut done = PathBuf::from("/");
    let mut ahead: Vec<PathBuf> = path.components().rev().map(|part| PathBuf::from(part.as_os_str())).collect();
    let mut links = 0;
    while let Some(part) = ahead.pop() {
        if part == Path::new("/") {
            done = PathBuf::from("/");
            continue;
        }
        if part == Path::new("..") {
            done.pop();
            continue;
        }
        let next = done.join(&part);
        let found = match next.symlink_metadata() {
            Ok(found) => found,
            Err(error) => return Err(io_error("look at", &next)(error)),
        };
        if !found.is_symlink() {
            done = next;
            continue;
        }
        links += 1;
        if found.uid() != 0 || links > LINKS_LIMIT {
            return Err(refused(&next, "it is a link that root did not make; it is not followed".to_owned()));
        }
        let target = std::fs::read_link(&next).map_err(io_error("read the link", &next))?;
        ahead.extend(target.components().rev().map(|part| PathBuf::from(part.as_os_str())));
    }
    Ok(done)
}

pub fn refused(path: &Path, why: String) -> FileActError {
    FileActError::Refused { path: path.to_owned(), why }
}

pub fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileActError + use<> {
    let path = path.to_owned();
    move |source| FileActError::Io { what, path, source }
}
