//! The head file: how far the journal had come, so that a missing tail is found.
//!
//! It is made durably once, with the first record, and from then on written over in place, without waiting for the
//! disk: an append costs one fsync, that of its line. All heads are equally long and shorter than a sector, so that after
//! a loss of power there is the old one or the new one, and an old one only lags, which the next append mends.

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

/// Every head is this long: its end is filled with blanks.
const HEAD_BYTES: usize = 128;

/// Writes the head. The first one is durable when this returns.
pub fn write(journal: &Path, file: &File, link: &Link) -> Result<(), JournalError> {
    let path = beside(journal, ".head");
    match overwrite(&path, link).map_err(|error| JournalError::of(&path, &error))? {
        true => Ok(()),
        false => replace(journal, file, link),
    }
}

/// Writes over a head that is there and as long as all are; whether it was.
fn overwrite(path: &Path, link: &Link) -> io::Result<bool> {
    let mut file = match OpenOptions::new().write(true).custom_flags(guarded_flags()).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if !found.is_file() || found.len() != HEAD_BYTES as u64 {
        return Ok(false);
    }
    file.write_all(&text(link)?).map(|()| true)
}

/// Makes the head durable, with the mode of its journal. It is renamed into place, so it is never half written.
fn replace(journal: &Path, file: &File, link: &Link) -> Result<(), JournalError> {
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
    file.write_all(&text(link)?)?;
    file.sync_all()
}

fn text(link: &Link) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(&Head { seq: link.seq, hash: link.hash.clone() })?;
    text.resize(HEAD_BYTES - 1, b' ');
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

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
        // In place, whatever the number, and all of the same length.
        let kept = std::fs::metadata(desk.head()).expect("there is a head");
        for seq in [8, u64::MAX, 9] {
            let link = Link { seq, hash: Digest::of(&seq.to_le_bytes()) };
            write(&desk.path, &journal, &link).expect("it is written");
            assert_eq!(read(&desk.path), Ok(Some(link)));
            let now = std::fs::metadata(desk.head()).expect("there is a head");
            assert_eq!((now.ino(), now.len()), (kept.ino(), HEAD_BYTES as u64));
        }
        // One of another length is replaced.
        let link = Link { seq: 10, hash: Digest::of(b"ten") };
        std::fs::write(desk.head(), format!("{{\"seq\":9,\"hash\":\"{}\"}}\n", link.hash)).expect("ours");
        write(&desk.path, &journal, &link).expect("it is written");
        assert_eq!(read(&desk.path), Ok(Some(link)));
        std::fs::write(desk.head(), "{}").expect("ours");
        assert!(matches!(read(&desk.path), Err(JournalError::Damaged { .. })));
        std::fs::remove_file(desk.head()).expect("ours");
        assert_eq!(read(&desk.path), Ok(None));
    }
}
