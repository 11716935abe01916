//! Removing old backups. What is not beyond doubt a backup that verifies, old, and none of the newest, stays.

use std::io;
use std::path::Path;

use super::folder::{Kind, refused};
use super::manifest;
use super::{FileActError, Place};
use crate::base::Wall;
use crate::model::file_act::{MANIFEST, is_backup_name};

const DAY_MILLIS: i64 = 86_400_000;

/// The names that a prune would remove if all of them verified: what the operator is to confirm.
///
/// # Errors
/// The folder can not be listed.
pub fn candidates(parent: &Path, keep_days: u32, keep_newest: u32, now: Wall) -> io::Result<Vec<String>> {
    let names = std::fs::read_dir(parent)?.filter_map(Result::ok).filter(|entry| entry.path().join(MANIFEST).is_file());
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut backups: Vec<(Wall, String)> = names.filter_map(|name| Some((made_at(&name)?, name))).collect();
    backups.sort_by(|one, other| other.cmp(one));
    let keep = usize::try_from(keep_newest).unwrap_or(usize::MAX);
    let old = backups.into_iter().skip(keep).filter(|(made, _)| is_old(*made, keep_days, now));
    Ok(old.map(|(_, name)| name).collect())
}

fn is_old(made: Wall, keep_days: u32, now: Wall) -> bool {
    now.0.saturating_sub(made.0) > i64::from(keep_days) * DAY_MILLIS
}

/// Removes of the listed backups those that verify and are older than `keep_days`, but none of the newest
/// `keep_newest` that verify.
pub fn prune(
    parent: &Place<'_>,
    keep_days: u32,
    keep_newest: u32,
    listed: &[String],
    now: Wall,
) -> Result<Vec<String>, FileActError> {
    let folder = parent.open()?;
    let mut said = Vec::new();
    let mut backups = Vec::new();
    for name in folder.names()? {
        match (folder.look(&name)?.map(|found| found.kind), made_at(&name)) {
            (Some(Kind::Folder), Some(made)) => backups.push((made, name)),
            (Some(Kind::Folder), None) => said.push(format!("left alone: {name} is not named as a backup")),
            (Some(Kind::File | Kind::Other) | None, _) if is_backup_name(&name) => {
                said.push(format!("left alone: {name} is no folder"));
            }
            (Some(Kind::File | Kind::Other) | None, _) => {}
        }
    }
    // The newest first.
    backups.sort_by(|one, other| other.cmp(one));
    let mut kept = 0;
    let mut old = Vec::new();
    for (made, name) in backups {
        if kept >= keep_newest && !(is_old(made, keep_days, now) && listed.contains(&name)) {
            continue;
        }
        let verified = folder.enter(&name).and_then(|backup| {
            backup.same_device(&folder)?;
            manifest::verify_folder(&backup, None)
        });
        match verified {
            Err(error) => said.push(format!("left alone: {error}")),
            Ok(_) if kept < keep_newest => {
                if kept == 0 && made.stamp()[..8] != now.stamp()[..8] {
                    let why =
                        format!("the newest backup that verifies is {name}, which is not of today; nothing is removed");
                    return Err(refused(folder.path(), why));
                }
                kept += 1;
            }
            Ok(_) => old.push(name),
        }
    }
    if kept == 0 {
        return Err(refused(folder.path(), "it holds no backup that verifies; nothing is removed".to_owned()));
    }
    for name in &old {
        // From here on it is no backup for anybody, even if the rest of it should stay.
        let going = format!("{name}.removing");
        folder.rename(name, &going)?;
        folder.sync()?;
        folder.remove(&going)?;
        said.push(format!("removed {}", folder.path_of(name).display()));
    }
    folder.sync()?;
    said.push(format!("{} removed; the newest {kept} that verify, and all of {keep_days} days, are kept", old.len()));
    Ok(said)
}

/// When a backup of this name was made, in UTC; nothing for a name that is no date.
fn made_at(name: &str) -> Option<Wall> {
    if !is_backup_name(name) {
        return None;
    }
    let made = jiff::civil::DateTime::strptime("%Y%m%d_%H%M%S", name).ok()?;
    made.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| Wall(zoned.timestamp().as_millisecond()))
}
