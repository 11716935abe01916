//! Reading a journal from its first line, and telling the first thing that is wrong with it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::line::{self, Bad, Link};
use super::{ENTRY_LIMIT_BYTES, JournalError, append, head};
use crate::base::Digest;
use crate::runbook::Entry;
use crate::shell::state_root::guarded_flags;

/// What `journal verify` says about one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Whole entries, in their places, up to the first problem.
    pub entries: u64,
    /// The digest of the last of them.
    pub head: Digest,
    /// The first line that is wrong, counted from 1, and what is wrong with it.
    pub problem: Option<(u64, String)>,
    /// The head file remembers this record, and it is not there.
    pub missing_tail: Option<u64>,
    /// The head file itself is missing or spoiled, or remembers another record than the journal has.
    pub head_problem: Option<String>,
    /// Bytes behind the last whole line: a crash in the middle of writing. The next append puts them aside.
    pub torn_bytes: u64,
    /// Durable entries that the head file does not know yet. The next append mends it.
    pub head_behind: u64,
}

impl Verification {
    /// Whether everything that was ever journalled in this file is there, unchanged.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.problem.is_none() && self.missing_tail.is_none() && self.head_problem.is_none()
    }
}

/// Every entry of a journal, oldest first. A torn last line is left out.
///
/// # Errors
/// There is no such journal, it can not be read, or it is not whole.
pub fn read(path: &Path) -> Result<Vec<Entry>, JournalError> {
    match read_whole_part(path)? {
        (_, Some(damage)) => Err(damage),
        (entries, None) => Ok(entries),
    }
}

/// The entries before the first one that is damaged, and the damage: for people who look at what is left.
///
/// # Errors
/// There is no such journal, or it can not be read.
pub fn read_whole_part(path: &Path) -> Result<(Vec<Entry>, Option<JournalError>), JournalError> {
    let file = open(path)?;
    let mut entries = Vec::new();
    let scan = scan(path, &file, |entry| entries.push(entry))?;
    Ok((entries, scan.problem.map(|problem| damage(path, &problem))))
}

fn damage(path: &Path, (line, what): &(u64, String)) -> JournalError {
    JournalError::Damaged { path: path.display().to_string(), what: format!("line {line} {what}") }
}

/// Checks every line of a journal, its chain, and its head file.
///
/// # Errors
/// There is no such journal, or it can not be read.
pub fn verify(path: &Path) -> Result<Verification, JournalError> {
    let file = open(path)?;
    let mut at_head: Option<Digest> = None;
    let (head, mut head_problem) = match head::read(path) {
        Ok(head) => (head, None),
        Err(JournalError::Damaged { what, .. }) => (None, Some(what)),
        Err(error) => return Err(error),
    };
    let scan = scan(path, &file, |entry| {
        if head.as_ref().is_some_and(|head| head.seq == entry.seq) {
            at_head = Some(entry.hash);
        }
    })?;
    let last = scan.link;
    let mut missing_tail = None;
    let mut head_behind = 0;
    match head {
        Some(head) if head.seq > last.seq => missing_tail = Some(head.seq),
        Some(head) if head.seq > 0 && at_head.as_ref() != Some(&head.hash) => {
            head_problem = Some(format!("record {} is not the one that the head file remembers", head.seq));
        }
        Some(head) => head_behind = last.seq - head.seq,
        None if head_problem.is_none() && last.seq > 1 => head_problem = Some("the head file is missing".to_owned()),
        None => head_behind = last.seq,
    }
    Ok(Verification {
        entries: last.seq,
        head: last.hash,
        problem: scan.problem,
        missing_tail,
        head_problem,
        torn_bytes: scan.torn_bytes,
        head_behind,
    })
}

/// The link of record `seq`, where every record up to the last is whole.
pub fn link_at(path: &Path, file: &File, seq: u64) -> Result<Option<Link>, JournalError> {
    let mut found = (seq == 0).then(Link::start);
    let scan = scan(path, file, |entry| {
        if entry.seq == seq {
            found = Some(Link::of(&entry));
        }
    })?;
    match scan.problem {
        Some(problem) => Err(damage(path, &problem)),
        None => Ok(found),
    }
}

struct Scan {
    link: Link,
    problem: Option<(u64, String)>,
    torn_bytes: u64,
}

/// Opens for reading, and waits until no append is under way, so that no line is seen that may yet be taken back.
/// Where the lock can not be had in time the file is read as it is: reading must work when nothing else does.
fn open(path: &Path) -> Result<File, JournalError> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(guarded_flags())
        .open(path)
        .map_err(|error| JournalError::of(path, &error))?;
    let _ = append::locked(path, File::try_lock_shared, &file);
    Ok(file)
}

fn scan(path: &Path, mut file: &File, mut each: impl FnMut(Entry)) -> Result<Scan, JournalError> {
    let failed = |error: std::io::Error| JournalError::of(path, &error);
    file.rewind().map_err(failed)?;
    let mut reader = BufReader::new(file);
    let mut scan = Scan { link: Link::start(), problem: None, torn_bytes: 0 };
    let mut number = 0;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let size = reader.by_ref().take(ENTRY_LIMIT_BYTES + 1).read_until(b'\n', &mut bytes).map_err(failed)?;
        if size == 0 {
            return Ok(scan);
        }
        number += 1;
        let last = reader.fill_buf().map_err(failed)?.is_empty();
        let whole = bytes.strip_suffix(b"\n");
        let read = match whole {
            Some(line) => line::parse(line),
            None if size as u64 > ENTRY_LIMIT_BYTES && !last => Err(Bad::Wrong("is too long".to_owned())),
            None => Err(Bad::Torn),
        };
        let checked = read.and_then(|entry| line::follows(&scan.link, &entry).map(|()| entry).map_err(Bad::Wrong));
        match checked {
            Ok(entry) => {
                scan.link = Link::of(&entry);
                each(entry);
            }
            Err(Bad::Torn) if last => scan.torn_bytes = size as u64,
            Err(bad) => {
                scan.problem = Some((number, bad.words()));
                return Ok(scan);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{desk, note};
    use super::*;

    /// Three records, then `change` to the bytes of the file; what verification says of it.
    fn changed(change: impl Fn(Vec<u8>) -> Vec<u8>) -> Verification {
        let desk = desk();
        desk.fill(1, 3);
        desk.write(&change(desk.bytes()));
        verify(&desk.path).expect("it can be read")
    }

    fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
        String::from_utf8_lossy(bytes).replace(from, to).into_bytes()
    }

    fn swapped(bytes: &[u8], one: usize, other: usize) -> Vec<u8> {
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        lines.swap(one - 1, other - 1);
        lines.concat()
    }

    fn without_line(bytes: &[u8], number: usize) -> Vec<u8> {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        lines.iter().enumerate().filter(|(at, _)| at + 1 != number).flat_map(|(_, line)| line.iter().copied()).collect()
    }

    #[test]
    fn a_journal_left_alone_is_whole() {
        let found = changed(|bytes| bytes);
        assert!(found.is_whole());
        assert_eq!((found.entries, found.torn_bytes, found.head_behind), (3, 0, 0));
    }

    #[test]
    fn tampering_is_found_at_its_first_line() {
        let check = |change: &dyn Fn(Vec<u8>) -> Vec<u8>, line: u64, want: &str| {
            let found = changed(change);
            let (at, what) = found.problem.clone().expect("a problem is found");
            assert_eq!(at, line, "{found:?}");
            assert!(what.contains(want), "{what}");
            assert!(!found.is_whole());
        };
        check(&|bytes| replaced(&bytes, "note 2", "note 9"), 2, "was changed after it was written");
        check(&|bytes| replaced(&bytes, "note 3", "note 9"), 3, "was changed after it was written");
        check(&|bytes| without_line(&bytes, 1), 1, "record 2 stands where record 1 should");
        check(&|bytes| without_line(&bytes, 2), 2, "record 3 stands where record 2 should");
        check(&|bytes| replaced(&bytes, "\n{\"seq\":2", "\n\n{\"seq\":2"), 2, "not a whole line");
        check(&|bytes| [b"{}\n".as_slice(), &bytes].concat(), 1, "is not a journal entry");
        check(&|bytes| swapped(&bytes, 1, 2), 1, "record 2 stands where record 1 should");
        check(&|bytes| swapped(&bytes, 2, 3), 2, "record 3 stands where record 2 should");
    }

    /// Wherever a byte is flipped, its line is named: no line before it, and none after it.
    #[test]
    fn a_flipped_byte_is_found_in_its_line_wherever_it_is() {
        let desk = desk();
        desk.fill(1, 3);
        let good = desk.bytes();
        for at in (0..good.len()).step_by(7) {
            let mut bytes = good.clone();
            bytes[at] ^= 0x01;
            desk.write(&bytes);
            let found = verify(&desk.path).expect("it can be read");
            let line = good[..at].iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
            assert!(!found.is_whole(), "byte {at}");
            // The last line without its end is a torn one, and the head misses it.
            match found.problem {
                Some((named, _)) => assert_eq!(named, line, "byte {at}"),
                None => assert_eq!(found.missing_tail, Some(line), "byte {at}"),
            }
        }
    }

    #[test]
    fn a_missing_tail_is_found_by_the_head() {
        let found = changed(|bytes| without_line(&bytes, 3));
        assert_eq!((found.missing_tail, found.problem.clone()), (Some(3), None));
        assert!(!found.is_whole());
        let found = changed(|_| Vec::new());
        assert_eq!(found.missing_tail, Some(3));
        let found = changed(|bytes| bytes[..bytes.len() - 9].to_vec());
        assert_eq!(found.missing_tail, Some(3), "the head knew the line that is torn now");
    }

    #[test]
    fn what_a_crash_leaves_is_no_problem() {
        let found = changed(|bytes| [&bytes, b"{\"seq\":4".as_slice()].concat());
        assert!(found.is_whole());
        assert_eq!((found.entries, found.torn_bytes), (3, 8));

        let desk = desk();
        desk.fill(1, 2);
        let head = std::fs::read(desk.head()).expect("there is a head");
        desk.fill(3, 2);
        std::fs::write(desk.head(), head).expect("ours");
        let found = verify(&desk.path).expect("it can be read");
        assert!(found.is_whole());
        assert_eq!(found.head_behind, 2);
    }

    #[test]
    fn a_rewritten_journal_does_not_match_its_head() {
        let (desk, other) = (desk(), desk());
        desk.fill(1, 3);
        other.append(note("another story")).expect("it is appended");
        other.fill(2, 3);
        desk.write(&other.bytes());
        let found = verify(&desk.path).expect("it can be read");
        assert!(found.head_problem.is_some_and(|what| what.contains("record 3")));
        std::fs::remove_file(desk.head()).expect("ours");
        let found = verify(&desk.path).expect("it can be read");
        assert_eq!(found.head_problem.as_deref(), Some("the head file is missing"));
    }

    #[test]
    fn reading_refuses_what_is_not_whole_and_leaves_a_torn_line_out() {
        let desk = desk();
        assert!(matches!(read(&desk.path), Err(JournalError::Missing { .. })));
        desk.fill(1, 3);
        let good = desk.bytes();
        desk.write(&[&good, b"torn".as_slice()].concat());
        assert_eq!(read(&desk.path).expect("it is whole").len(), 3);
        desk.write(&replaced(&good, "note 2", "note 9"));
        assert!(matches!(read(&desk.path), Err(JournalError::Damaged { .. })));
    }
}
