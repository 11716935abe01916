//! The head file: how far the journal had come, so that a missing tail is found.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::line::Link;
use super::{JournalError, beside};
use crate::base::Digest;
use crate::shell::state_root::{guarded_flags, sync_folder_of};

/// More than a head ever needs.
const LIMIT_BYTES: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    seq: u64,
    hash: Digest,
}

/// What the head file beside `journal` remembers; `None` where there is none.
pub fn read(journal: &Path) -> Result<Option<Link>, JournalError> {
    let path = beside(journal, ".head");
    let mut options = OpenOptions::new();
    let file = match options.read(true).custom_flags(guarded_flags()).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(JournalError::of(&path, &error)),
    };
    let mut text = String::new();
    file.take(LIMIT_BYTES).read_to_string(&mut text).map_err(|error| JournalError::of(&path, &error))?;
    let head: Head = serde_json::from_str(&text).map_err(|_| JournalError::Damaged {
        path: journal.display().to_string(),
        what: format!("its head file {} can not be read as one", path.display()),
    })?;
    Ok(Some(Link { seq: head.seq, hash: head.hash }))
}

/// Writes the head durably, with the mode of its journal. It is renamed into place, so it is never half written.
pub fn write(journal: &Path, file: &File, link: &Link) -> Result<(), JournalError> {
    let fresh = beside(journal, ".head.new");
    let failed = |error: io::Error| JournalError::of(&fresh, &error);
    put(&fresh, file, link).map_err(failed)?;
    std::fs::rename(&fresh, beside(journal, ".head")).map_err(failed)?;
    sync_folder_of(journal).map_err(failed)
}

fn put(fresh: &Path, journal: &File, link: &Link) -> io::Result<()> {
    let mode = journal.metadata()?.permissions().mode() & 0o777;
    // A left-over of a crash is ours to replace: whoever appends holds the journal's lock.
    match std::fs::remove_file(fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(mode).custom_flags(guarded_flags()).open(fresh)?;
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    let mut text = serde_json::to_vec(&Head { seq: link.seq, hash: link.hash.clone() })?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::desk;
    use super::*;

    #[test]
    fn a_head_reads_back_and_a_spoiled_one_is_no_head() {
        let desk = desk();
        desk.fill(1, 1);
        let journal = File::open(&desk.path).expect("the journal exists");
        let link = Link { seq: 7, hash: Digest::of(b"seven") };
        write(&desk.path, &journal, &link).expect("it is written");
        assert_eq!(read(&desk.path), Ok(Some(link)));
        std::fs::write(desk.head(), "{}").expect("ours");
        assert!(matches!(read(&desk.path), Err(JournalError::Damaged { .. })));
        std::fs::remove_file(desk.head()).expect("ours");
        assert_eq!(read(&desk.path), Ok(None));
    }
}
