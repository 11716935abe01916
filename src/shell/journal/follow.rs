//! Following a journal that somebody else may be writing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use super::line::{self, Bad, Link};
use super::{ENTRY_LIMIT_BYTES, JournalError};
use crate::runbook::Entry;
use crate::shell::state_root::guarded_flags;

/// Most entries handed out at once; the rest come with the next call.
const AT_ONCE: usize = 1000;

/// A reader's place in a journal.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    /// Bytes read so far: always the end of a whole line.
    offset: u64,
    link: Link,
}

impl Follower {
    /// Stands before the first entry. The journal need not exist yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Follower {
        Follower { path, offset: 0, link: Link::start() }
    }

    /// The number of the last entry handed out.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.link.seq
    }

    /// What was durably appended since the last call, oldest first, at most a thousand entries. Empty where nothing
    /// is new, where the last line is not whole yet, and while an append is under way. Never waits.
    ///
    /// # Errors
    /// The journal can not be read, became shorter than what was already read, or is not whole.
    pub fn more(&mut self) -> Result<Vec<Entry>, JournalError> {
        let file = match OpenOptions::new().read(true).custom_flags(guarded_flags()).open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && self.offset == 0 => return Ok(Vec::new()),
            Err(error) => return Err(JournalError::of(&self.path, &error)),
        };
        // An unfinished append may yet be taken back, so nothing is read beside one.
        match file.try_lock_shared() {
            Ok(()) => self.read(&file),
            Err(TryLockError::WouldBlock) => Ok(Vec::new()),
            Err(TryLockError::Error(error)) => Err(JournalError::of(&self.path, &error)),
        }
    }

    fn read(&mut self, mut file: &File) -> Result<Vec<Entry>, JournalError> {
        let path = self.path.clone();
        let failed = |error: std::io::Error| JournalError::of(&path, &error);
        if file.metadata().map_err(failed)?.len() < self.offset {
            return Err(self.damaged(format!("record {} was read, and is not there any more", self.link.seq)));
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(failed)?;
        let mut reader = BufReader::new(file);
        let mut entries = Vec::new();
        let mut bytes = Vec::new();
        while entries.len() < AT_ONCE {
            bytes.clear();
            let size = reader.by_ref().take(ENTRY_LIMIT_BYTES + 1).read_until(b'\n', &mut bytes).map_err(failed)?;
            let Some(whole) = bytes.strip_suffix(b"\n") else { break };
            match line::parse(whole) {
                Ok(entry) => {
                    line::follows(&self.link, &entry).map_err(|what| self.damaged(what))?;
                    self.link = Link::of(&entry);
                    self.offset += size as u64;
                    entries.push(entry);
                }
                // A torn line stays where it is until the next append puts it aside.
                Err(Bad::Torn) if reader.fill_buf().map_err(failed)?.is_empty() => break,
                Err(bad) => {
                    return Err(self.damaged(format!("the line after record {} {}", self.link.seq, bad.words())));
                }
            }
        }
        Ok(entries)
    }

    fn damaged(&self, what: String) -> JournalError {
        JournalError::Damaged { path: self.path.display().to_string(), what }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{desk, note};
    use super::*;
    use crate::runbook::Record;

    #[test]
    fn every_entry_comes_once_and_in_order() {
        let desk = desk();
        let mut follower = Follower::new(desk.path.clone());
        assert_eq!(follower.more(), Ok(Vec::new()));
        desk.fill(1, 3);
        let first: Vec<u64> = follower.more().expect("it is whole").iter().map(|entry| entry.seq).collect();
        assert_eq!(first, [1, 2, 3]);
        assert_eq!(follower.more(), Ok(Vec::new()));
        desk.fill(4, 1);
        assert_eq!(follower.more().expect("it is whole").len(), 1);
        assert_eq!(follower.seq(), 4);
    }

    #[test]
    fn half_a_line_waits_and_a_torn_one_gives_way() {
        let desk = desk();
        let mut follower = Follower::new(desk.path.clone());
        desk.fill(1, 1);
        follower.more().expect("it is whole");
        for torn in [b"{\"seq\":2".as_slice(), b"{\"seq\":2\n"] {
            let good = desk.bytes();
            desk.write(&[good.as_slice(), torn].concat());
            assert_eq!(follower.more(), Ok(Vec::new()));
            desk.append(note("after")).expect("it is appended");
            let records: Vec<Record> =
                follower.more().expect("it is whole").into_iter().map(|entry| entry.record).collect();
            assert!(
                matches!(records.as_slice(), [Record::TornLine { .. }, Record::ConsoleStopped { .. }]),
                "{records:?}"
            );
        }
    }

    #[test]
    fn nothing_is_read_beside_an_append() {
        let desk = desk();
        desk.fill(1, 1);
        let mut follower = Follower::new(desk.path.clone());
        let writer = File::open(&desk.path).expect("it exists");
        writer.lock().expect("it is free");
        assert_eq!(follower.more(), Ok(Vec::new()));
        drop(writer);
        assert_eq!(follower.more().expect("it is whole").len(), 1);
    }

    #[test]
    fn what_was_read_must_stay() {
        let desk = desk();
        desk.fill(1, 2);
        let mut follower = Follower::new(desk.path.clone());
        follower.more().expect("it is whole");
        desk.write(b"");
        assert!(matches!(follower.more(), Err(JournalError::Damaged { .. })));
    }
}
