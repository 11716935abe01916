//! Carries out file acts: the hidden subcommand that a runner starts, under the privilege of its target.
//!
//! ```text
//! act-file JSON ─► FileOrder ─► folder (every component looked at, held open) ─► write · copy · manifest · swap · prune
//! ```
//!
//! Every path is walked component by component and held by an open folder, so that nothing that changes on the way
//! leads elsewhere. Links are not followed, but for those that root put into a path outside of a demo. What is put in
//! the place of something is exchanged with it at once: whoever looks finds the old whole or the new whole, and so
//! does whoever comes back after a crash.
//!
//! Must never: follow a link that somebody else could have placed, merge two folders, or remove what is not a backup
//! made by the console or its document.
//!
//! To add an act: its variant in `model/file_act`, its arm here, its work in a room of its own.

mod copy;
mod folder;
mod manifest;
mod prune;
mod swap;

pub use prune::candidates;

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use crate::base::Wall;
use crate::model::file_act::is_backup_name;
use crate::model::{FileAct, FileOrder};
use folder::Folder;

/// Why a file act was not done. What it had begun beside is removed again where that is possible.
#[derive(Debug, thiserror::Error)]
pub enum FileActError {
    #[error("the order is not one: {0}")]
    NotAnOrder(#[from] serde_json::Error),
    #[error("{path}: {why}")]
    Refused { path: PathBuf, why: String },
    #[error("can not {what} {path}: {source}")]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{folder} does not verify: {why}")]
    NotVerified { folder: PathBuf, why: String },
}

/// Does what an order says, as of `now`; answers with what there is to tell, a line each.
///
/// # Errors
/// It was not done, and why.
pub fn carry_out(json: &str, now: Wall) -> Result<Vec<String>, FileActError> {
    let order: FileOrder = serde_json::from_str(json)?;
    if let Some(why) = order.act.objection() {
        let path = order.act.paths().into_iter().next().map(PathBuf::from).unwrap_or_default();
        return Err(FileActError::Refused { path, why });
    }
    let within = order.within.as_deref().map(Path::new);
    let at = |path: &str| Place::of(path, within);
    match &order.act {
        FileAct::WriteText { path, text, mode, stamp, keep } => {
            swap::write_text(&at(path)?, text, *mode, *keep, checked(stamp)?)
        }
        FileAct::PutBack { path, stamp } => swap::put_back(&at(path)?, checked(stamp)?),
        FileAct::CopyTree { source, to } => copy::copy_tree(&at(source)?, &at(to)?),
        FileAct::Manifest { folder } => manifest::write(&at(folder)?),
        FileAct::VerifyManifest { folder } => manifest::verify(&at(folder)?),
        FileAct::Replace { live, with, stamp } => swap::replace(&at(live)?, &at(with)?, checked(stamp)?),
        FileAct::Prune { parent, keep_days, keep_newest, listed } => {
            let listed = listed.as_deref().unwrap_or_default();
            prune::prune(&at(parent)?, *keep_days, *keep_newest, listed, now)
        }
    }
}

/// A path that an order names: the folder it lies in, and its name there.
#[derive(Clone, Debug)]
struct Place<'a> {
    parent: PathBuf,
    name: String,
    within: Option<&'a Path>,
}

impl<'a> Place<'a> {
    fn of(path: &str, within: Option<&'a Path>) -> Result<Place<'a>, FileActError> {
        let refused = |why: &str| FileActError::Refused { path: PathBuf::from(path), why: why.to_owned() };
        let whole = Path::new(path);
        let kernels = ["/proc", "/sys", "/dev"];
        if kernels.iter().any(|place| whole.starts_with(place)) {
            return Err(refused("it belongs to the kernel"));
        }
        match within {
            Some(folder) if !whole.starts_with(folder) || whole == folder => {
                return Err(refused(&format!("a simulated target may touch nothing outside of {}", folder.display())));
            }
            Some(_) => {}
            None if whole.components().count() < 3 => {
                return Err(refused("it lies at the root of the machine"));
            }
            None => {}
        }
        match (whole.parent(), whole.file_name().and_then(|name| name.to_str())) {
            (Some(parent), Some(name)) => Ok(Place { parent: parent.to_owned(), name: name.to_owned(), within }),
            _ => Err(refused("it names nothing in a folder")),
        }
    }

    fn path(&self) -> PathBuf {
        self.parent.join(&self.name)
    }

    /// The folder it lies in, which must be there.
    fn open_parent(&self) -> Result<Folder, FileActError> {
        Folder::open(&self.parent, self.within)
    }

    /// The folder it lies in, made with this mode where only the last part of its path is missing.
    fn make_parent(&self, mode: u32) -> Result<Folder, FileActError> {
        let Some((above, name)) = self.parent.parent().zip(self.parent.file_name().and_then(|name| name.to_str()))
        else {
            return self.open_parent();
        };
        let inside = self.within.is_none_or(|folder| above.starts_with(folder));
        if inside {
            let above = Folder::open(above, self.within)?;
            if above.look(name)?.is_none() {
                above.make(name, mode)?;
                above.sync()?;
            }
        }
        self.open_parent()
    }

    /// The folder that it is.
    fn open(&self) -> Result<Folder, FileActError> {
        self.open_parent()?.enter(&self.name)
    }
}

fn checked(stamp: &str) -> Result<&str, FileActError> {
    if is_backup_name(stamp) {
        return Ok(stamp);
    }
    Err(FileActError::Refused { path: PathBuf::from(stamp), why: "this is not the stamp of a run".to_owned() })
}
