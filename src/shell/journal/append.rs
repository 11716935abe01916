//! Appending one record, durably.

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::line::{self, Link};
use super::tail::{self, Standing};
use super::{FILE_LIMIT_BYTES, JournalError, KEPT_FOR_ENDS_BYTES, head, reserve, syslog};
use crate::app::msg::JournalId;
use crate::base::At;
use crate::runbook::{Actor, Entry, Record};
use crate::shell::StateRoot;
use crate::shell::state_root::sync_folder_of;

/// How long an append waits for another process' append: attempts, and the pause between two of them.
const ATTEMPTS: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// Appends a record to a journal. When this returns, the entry is durable; the answer is what every later reader
/// will see. Blocks while it waits for the disk and for other appends, at most about two seconds for the latter.
///
/// # Errors
/// Nothing was journalled, and why; so nothing may be begun.
pub fn append(
    root: &StateRoot,
    journal: &JournalId,
    actor: &Actor,
    at: At,
    boot_id: &str,
    record: Record,
) -> Result<Entry, JournalError> {
    let mut file = Journal::open(root, journal)?;
    let at = Stamp { actor, at, boot_id };
    file.mend(&at)?;
    file.add(&at, &record)
}

/// As [`append`], but only where the journal's last record still has the number `last_seq`: for a writer whose record
/// follows from what it read.
///
/// # Errors
/// As [`append`]; the journal has moved on.
pub fn append_after(
    root: &StateRoot,
    journal: &JournalId,
    (actor, at, boot_id): (&Actor, At, &str),
    last_seq: u64,
    record: Record,
) -> Result<Entry, JournalError> {
    let mut file = Journal::open(root, journal)?;
    if file.link.seq != last_seq {
        return Err(JournalError::MovedOn {
            path: file.path.display().to_string(),
            expected: last_seq,
            found: file.link.seq,
        });
    }
    let at = Stamp { actor, at, boot_id };
    file.mend(&at)?;
    file.add(&at, &record)
}

/// Who writes, and when.
struct Stamp<'a> {
    actor: &'a Actor,
    at: At,
    boot_id: &'a str,
}

/// A journal file whose lock is held, and whose end is known and agrees with its head.
struct Journal {
    path: PathBuf,
    file: File,
    link: Link,
    /// Bytes up to the end of the last whole line.
    length: u64,
    torn: Option<tail::Tail>,
    head_behind: bool,
}

impl Journal {
    fn open(root: &StateRoot, journal: &JournalId) -> Result<Journal, JournalError> {
        let path = root.journal(journal)?;
        let failed = |error: io::Error| JournalError::of(&path, &error);
        let (file, new) = root.open(&path).map_err(failed)?;
        locked(&path, File::try_lock, &file)?;
        if new {
            sync_folder_of(&path).map_err(failed)?;
        }
        let tail = tail::read_tail(&path, &file)?;
        let head_behind = tail::against_head(&path, &file, &tail)? == Standing::Behind;
        let (link, length) = (tail.link.clone(), tail.good_bytes);
        let torn = (!tail.torn.is_empty()).then_some(tail);
        Ok(Journal { path, file, link, length, torn, head_behind })
    }

    /// Brings a head that is behind up to date, and puts a torn end aside, with a record that says so.
    fn mend(&mut self, at: &Stamp<'_>) -> Result<(), JournalError> {
        if self.head_behind {
            let mended = head::write(&self.path, &self.file, &self.link);
            // The first head must be there before the second record: without it a missing tail could not be told
            // from a crash. A later one may lag, for outcomes must be written even on a full disk.
            if self.link.seq == 1 {
                mended?;
            }
        }
        let Some(tail) = self.torn.take() else { return Ok(()) };
        let kept = self.with_ballast(|journal| tail::put_aside(&journal.path, &journal.file, &tail))?;
        let kept_in = kept.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.add(at, &Record::TornLine { bytes: tail.torn.len() as u64, kept_in }).map(|_| ())
    }

    fn add(&mut self, at: &Stamp<'_>, record: &Record) -> Result<Entry, JournalError> {
        let (bytes, entry) = line::seal(&self.link, at.actor, at.at, at.boot_id, record)?;
        let limit = if ends_something(record) { FILE_LIMIT_BYTES } else { FILE_LIMIT_BYTES - KEPT_FOR_ENDS_BYTES };
        if self.length + bytes.len() as u64 > limit {
            return Err(JournalError::Full { path: self.path.display().to_string(), bytes: self.length });
        }
        self.with_ballast(|journal| journal.put(&bytes))?;
        self.link = Link::of(&entry);
        self.length += bytes.len() as u64;
        // The entry is durable now, so this is no longer a failure: a head that could not be written lags.
        let _ = head::write(&self.path, &self.file, &self.link);
        syslog::announce(&self.path, &self.link);
        Ok(entry)
    }

    /// Writes and fsyncs. What could not be made durable is taken back, so that it is not found later and believed.
    fn put(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            let _ = self.file.set_len(self.length).and_then(|()| self.file.sync_data());
            JournalError::of(&self.path, &error)
        })
    }

    /// Tries again without the ballast, where there is one, if the disk is full.
    fn with_ballast<T>(
        &mut self,
        mut attempt: impl FnMut(&mut Journal) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        match attempt(self) {
            Err(JournalError::NoSpace { .. }) if reserve::drop_ballast(&self.path) => attempt(self),
            answer => answer,
        }
    }
}

/// Waits for a file's lock, a bounded number of times.
pub fn locked(path: &Path, attempt: fn(&File) -> Result<(), TryLockError>, file: &File) -> Result<(), JournalError> {
    for _ in 0..ATTEMPTS {
        match attempt(file) {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => return Err(JournalError::of(path, &error)),
        }
    }
    Err(JournalError::Busy { path: path.display().to_string(), waited: PAUSE * ATTEMPTS })
}

/// Whether a record tells the end of something that was begun before: those may use the last room of a file.
fn ends_something(record: &Record) -> bool {
    matches!(
        record,
        Record::Applied { .. }
            | Record::SequenceEnded { .. }
            | Record::Settled { .. }
            | Record::RunClosed { .. }
            | Record::Disarmed { .. }
            | Record::ConsoleStopped { .. }
            | Record::TornLine { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{desk, note};
    use super::super::{read, verify};
    use super::*;
    use crate::shell::clock;

    #[test]
    fn entries_are_numbered_and_chained() {
        let desk = desk();
        let first = desk.append(note("one")).expect("it is appended");
        let second = desk.append(note("two")).expect("it is appended");
        assert_eq!((first.seq, second.seq), (1, 2));
        assert_eq!(second.prev, first.hash);
        assert_eq!(read(&desk.path).expect("it is whole"), [first, second]);
    }

    #[test]
    fn a_torn_end_is_kept_beside_the_journal_and_told() {
        let desk = desk();
        desk.fill(1, 2);
        let torn = b"{\"seq\":3,\"prev\":\"00";
        desk.write(&[&desk.bytes(), torn.as_slice()].concat());
        desk.fill(3, 1);
        let entries = read(&desk.path).expect("it is whole");
        assert_eq!(entries.len(), 4);
        let Record::TornLine { bytes, kept_in } = &entries[2].record else { panic!("{:?}", entries[2]) };
        assert_eq!(*bytes, torn.len() as u64);
        assert_eq!(std::fs::read(desk.path.with_file_name(kept_in)).expect("it was kept"), torn);
        assert!(verify(&desk.path).expect("it can be read").is_whole());
    }

    #[test]
    fn torn_at_every_byte_nothing_durable_is_lost() {
        let desk = desk();
        desk.fill(1, 2);
        let (two, head) = (desk.bytes(), std::fs::read(desk.head()).expect("there is a head"));
        desk.fill(3, 1);
        let three = desk.bytes();
        for length in two.len()..three.len() {
            desk.write(&three[..length]);
            std::fs::write(desk.head(), &head).expect("ours");
            desk.append(note("after the crash")).expect("it is appended");
            let entries = read(&desk.path).expect("it is whole");
            assert_eq!(entries.len(), if length == two.len() { 3 } else { 4 }, "torn after {length} bytes");
        }
    }

    #[test]
    fn a_missing_tail_stops_every_append_and_changes_nothing() {
        let desk = desk();
        desk.fill(1, 2);
        let two = desk.bytes();
        desk.fill(3, 1);
        for left in [two.clone(), [&two, b"torn".as_slice()].concat(), Vec::new()] {
            desk.write(&left);
            let refused = desk.append(note("more"));
            assert!(matches!(refused, Err(JournalError::MissingTail { head_seq: 3, .. })), "{refused:?}");
            assert_eq!(desk.bytes(), left);
        }
    }

    #[test]
    fn a_head_that_is_behind_is_mended_and_a_lost_one_is_refused() {
        let desk = desk();
        desk.fill(1, 1);
        std::fs::remove_file(desk.head()).expect("ours");
        desk.fill(2, 1);
        let head = std::fs::read(desk.head()).expect("there is a head");
        desk.fill(3, 3);
        std::fs::write(desk.head(), head).expect("ours");
        desk.fill(6, 1);
        assert_eq!(verify(&desk.path).expect("it can be read").head_behind, 0);
        std::fs::remove_file(desk.head()).expect("ours");
        assert!(matches!(desk.append(note("more")), Err(JournalError::Damaged { .. })));
    }

    #[test]
    fn a_changed_last_record_stops_every_append() {
        let desk = desk();
        desk.fill(1, 3);
        desk.write(String::from_utf8_lossy(&desk.bytes()).replace("note 3", "note 9").as_bytes());
        assert!(matches!(desk.append(note("more")), Err(JournalError::Damaged { .. })));
    }

    #[test]
    fn an_append_that_expects_another_end_is_refused() {
        let desk = desk();
        desk.fill(1, 2);
        let stamp = (&Actor::default(), clock::now(), "boot");
        let refused = append_after(&desk.root, &desk.journal, stamp, 1, note("late"));
        assert!(matches!(refused, Err(JournalError::MovedOn { expected: 1, found: 2, .. })));
        append_after(&desk.root, &desk.journal, stamp, 2, note("in time")).expect("it is appended");
    }

    #[test]
    fn appends_of_many_writers_do_not_mix() {
        let desk = desk();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| desk.fill(0, 10));
            }
        });
        let found = verify(&desk.path).expect("it can be read");
        assert!(found.is_whole());
        assert_eq!((found.entries, found.head_behind), (40, 0));
    }

    #[test]
    fn a_journal_that_somebody_holds_is_refused_in_time() {
        let desk = desk();
        desk.fill(1, 1);
        let holder = File::open(&desk.path).expect("it exists");
        holder.lock().expect("it is free");
        assert!(matches!(desk.append(note("more")), Err(JournalError::Busy { .. })));
    }

    #[test]
    fn the_last_room_of_a_file_is_for_ends() {
        assert!(ends_something(&Record::RunClosed { why: String::new() }));
        assert!(!ends_something(&Record::ClockJumped { millis: 9 }));
    }
}
