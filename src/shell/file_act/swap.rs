//! Putting something in the place of something else, and back.
//!
//! ```text
//! NAME.new-STAMP      what is to come, complete and on the disk
//! NAME.was-STAMP      which file NAME was before, by its inode; written before anything moves
//! NAME  ◄─exchange─►  NAME.new-STAMP, which then becomes NAME.before-STAMP
//! ```
//!
//! The exchange is one step of the file system, so NAME is the old whole or the new whole at every moment. The way
//! back asks for the inode and not for a name, so it finds the old one wherever a crash has left it, and does nothing
//! where nothing was changed.

use std::io::{Read, Write};

use super::copy::{copy_beside, finish};
use super::folder::{Folder, Kind, io_error, refused};
use super::manifest::{self, Sums};
use super::{FileActError, Place};

const ABSENT: &str = "absent";

/// Writes a small file.
pub fn write_text(
    place: &Place<'_>,
    text: &str,
    mode: u32,
    keep: bool,
    stamp: &str,
) -> Result<Vec<String>, FileActError> {
    let folder = place.make_parent(0o755)?;
    let path = place.path();
    match folder.look(&place.name)?.map(|found| found.kind) {
        None | Some(Kind::File) => {}
        Some(Kind::Folder | Kind::Other) => return Err(refused(&path, "it is not a regular file".to_owned())),
    }
    if text == read_text(&folder, &place.name)?.as_deref().unwrap_or("\0") {
        return Ok(vec![format!("{} holds exactly this already", path.display())]);
    }
    let fresh = new_name(&place.name, stamp);
    let mut file = folder.create(&fresh)?;
    let put = || match keep {
        true => swap_in(&folder, &place.name, stamp),
        false => folder
            .rename_over(&fresh, &place.name)
            .and_then(|()| folder.sync())
            .map(|()| "over what was there".to_owned()),
    };
    let written = file.write_all(text.as_bytes()).map_err(io_error("write", &path));
    let written = written.and_then(|()| finish(&file, mode, &path)).and_then(|()| put());
    if written.is_err() {
        clear_new(&folder, &place.name, stamp);
    }
    written.map(|kept| vec![format!("wrote {} ({} bytes, mode {mode:04o}); {kept}", path.display(), text.len())])
}

/// Puts a verified copy in the place of what lives.
pub fn replace(live: &Place<'_>, with: &Place<'_>, stamp: &str) -> Result<Vec<String>, FileActError> {
    let backup = with.open_parent()?;
    let mut said = manifest::verify_folder(&backup, Some(&with.name))?;
    let wanted = manifest::part_of(&manifest::read(&backup)?.sums, Some(&with.name));
    let folder = live.open_parent()?;
    let kind_of = |folder: &Folder, name: &str| folder.look(name).map(|found| found.map(|found| found.kind));
    let (is, comes) = (kind_of(&folder, &live.name)?, kind_of(&backup, &with.name)?);
    if is.is_some() && is != comes {
        let why = "it is a folder where the backup has a file, or a file where the backup has a folder".to_owned();
        return Err(refused(&live.path(), why));
    }
    let wanted: Sums = wanted.into_iter().map(|(name, sum)| (name.replacen(&with.name, &live.name, 1), sum)).collect();
    if is.is_some() && manifest::measured(&folder, Some(&live.name))?.0 == wanted {
        said.push(format!("{} is the same already; nothing is replaced", live.path().display()));
        return Ok(said);
    }
    // What runs the node has to own what it will write.
    let owner = folder.look(&live.name)?.map(|found| (found.stat.st_uid, found.stat.st_gid));
    let fresh = new_name(&live.name, stamp);
    let tally = copy_beside(&backup, &with.name, &folder, &fresh, owner)?;
    let put = verify_copy(&folder, &live.name, &fresh, &wanted).and_then(|()| swap_in(&folder, &live.name, stamp));
    if put.is_err() {
        clear_new(&folder, &live.name, stamp);
    }
    said.push(format!("replaced {}: {}; {}", live.path().display(), tally.shown(), put?));
    Ok(said)
}

/// The bytes that will live, read again from the disk.
fn verify_copy(folder: &Folder, name: &str, fresh: &str, wanted: &Sums) -> Result<(), FileActError> {
    let (found, _) = manifest::measured(folder, Some(fresh))?;
    let found: Sums = found.into_iter().map(|(path, sum)| (path.replacen(fresh, name, 1), sum)).collect();
    manifest::compare(folder, wanted, &found)
}

/// Puts the complete `NAME.new-STAMP` in the place of `NAME`; answers where what was there is kept.
pub fn swap_in(folder: &Folder, name: &str, stamp: &str) -> Result<String, FileActError> {
    let (fresh, before) = (new_name(name, stamp), before_name(name, stamp));
    if folder.look(&before)?.is_some() {
        return Err(refused(&folder.path_of(&before), "this run has put something aside there already".to_owned()));
    }
    let Some(old) = folder.look(name)? else {
        remember(folder, name, stamp, ABSENT)?;
        folder.rename(&fresh, name)?;
        folder.sync()?;
        return Ok("there was nothing before".to_owned());
    };
    let (device, inode) = old.identity();
    remember(folder, name, stamp, &format!("{device} {inode}"))?;
    if folder.exchange(&fresh, name)? {
        folder.sync()?;
        folder.rename(&fresh, &before)?;
    } else {
        // A file system that can not exchange: for a moment there is nothing, and the way back knows both names.
        folder.rename(name, &before)?;
        folder.rename(&fresh, name)?;
    }
    folder.sync()?;
    Ok(format!("what was there is kept as {}", folder.path_of(&before).display()))
}

/// Makes of a path what it was before this run.
pub fn put_back(place: &Place<'_>, stamp: &str) -> Result<Vec<String>, FileActError> {
    let nothing = |why: &str| Ok(vec![format!("{}: {why}", place.path().display())]);
    let Ok(folder) = place.open_parent() else {
        return nothing("its folder is not there, so this run changed nothing in it");
    };
    let name = place.name.as_str();
    let Some(was) = read_text(&folder, &was_name(name, stamp))? else {
        return nothing("this run changed nothing there");
    };
    let undone = format!("{name}.undone-{stamp}");
    let live = folder.look(name)?;
    if was.trim() == ABSENT {
        if live.is_none() {
            return nothing("there was nothing before, and there is nothing now");
        }
        folder.rename(name, &undone)?;
        folder.sync()?;
        return nothing(&format!("there was nothing before; what was written is kept as {undone}"));
    }
    let identity =
        was.trim().split_once(' ').and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)));
    let Some(identity) = identity else {
        return Err(refused(&folder.path_of(&was_name(name, stamp)), "it does not say what was there".to_owned()));
    };
    if live.is_some_and(|live| live.identity() == identity) {
        return nothing("it is what it was before");
    }
    let aside = [before_name(name, stamp), new_name(name, stamp)];
    let mut old = None;
    for candidate in aside {
        if folder.look(&candidate)?.is_some_and(|found| found.identity() == identity) {
            old = Some(candidate);
        }
    }
    let Some(old) = old else {
        return Err(refused(
            &folder.path_of(&before_name(name, stamp)),
            "what was put aside is not there any more".to_owned(),
        ));
    };
    match live {
        None => folder.rename(&old, name)?,
        Some(_) if folder.exchange(&old, name)? => folder.rename(&old, &undone)?,
        Some(_) => {
            folder.rename(name, &undone)?;
            folder.rename(&old, name)?;
        }
    }
    folder.sync()?;
    nothing(&format!("put back what it was; what was there is kept as {undone}"))
}

/// Writes down which file `name` is, before it is moved.
fn remember(folder: &Folder, name: &str, stamp: &str, what: &str) -> Result<(), FileActError> {
    let was = was_name(name, stamp);
    let mut file = folder.create(&was)?;
    file.write_all(format!("{what}\n").as_bytes()).map_err(io_error("write", &folder.path_of(&was)))?;
    finish(&file, 0o600, &folder.path_of(&was))?;
    folder.sync()
}

/// After a failure: removes what was to come, unless it has become what was.
fn clear_new(folder: &Folder, name: &str, stamp: &str) {
    let was = read_text(folder, &was_name(name, stamp)).ok().flatten();
    if was.is_none() {
        // The failure is what is told; under this name nothing takes it for anything.
        let _ = folder.remove(&new_name(name, stamp));
    }
}

fn read_text(folder: &Folder, name: &str) -> Result<Option<String>, FileActError> {
    let Some(_) = folder.look(name)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let limit = crate::model::file_act::TEXT_LIMIT_BYTES as u64 + 1;
    folder.read(name)?.take(limit).read_to_end(&mut bytes).map_err(io_error("read", &folder.path_of(name)))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn new_name(name: &str, stamp: &str) -> String {
    format!("{name}.new-{stamp}")
}

fn before_name(name: &str, stamp: &str) -> String {
    format!("{name}.before-{stamp}")
}

fn was_name(name: &str, stamp: &str) -> String {
    format!("{name}.was-{stamp}")
}
