//! The end of a journal file: where it stands, what is torn, and whether the head file agrees.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::line::{self, Bad, Link};
use super::{JournalError, beside, head, read};
use crate::shell::state_root::{guarded_flags, sync_folder_of};

/// First look at the end of a file; doubled until it holds a whole line.
const WINDOW_BYTES: u64 = 64 << 10;

/// How often a torn end may be put aside at one place before something else must be wrong.
const TORN_LIMIT: u32 = 1000;

/// Where a journal file ends.
#[derive(Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last whole entry.
    pub link: Link,
    /// Up to and including its newline.
    pub good_bytes: u64,
    /// What stands behind it.
    pub torn: Vec<u8>,
}

/// How a head file stands to the file's last whole entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    Level,
    /// Durable entries that the head does not know yet: a crash, or a full disk, between line and head.
    Behind,
}

/// Reads the end of a journal.
pub fn read_tail(path: &Path, file: &File) -> Result<Tail, JournalError> {
    let length = file.metadata().map_err(|error| JournalError::of(path, &error))?.len();
    let mut window = WINDOW_BYTES;
    loop {
        let from = length.saturating_sub(window);
        let bytes = read_at(file, from, length - from).map_err(|error| JournalError::of(path, &error))?;
        match end_of(&bytes, from) {
            Some(Ok(tail)) => return Ok(tail),
            Some(Err(what)) => return Err(JournalError::Damaged { path: path.display().to_string(), what }),
            None => window *= 2,
        }
    }
}

fn read_at(mut file: &File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The tail, as far as these last bytes of a file tell; `None` where they do not reach back far enough.
///
/// Only what is no JSON at all counts as torn, and only once: a changed line is refused, not put aside.
fn end_of(bytes: &[u8], from: u64) -> Option<Result<Tail, String>> {
    let tail =
        |end: usize, link: Link| Some(Ok(Tail { link, good_bytes: from + end as u64, torn: bytes[end..].to_vec() }));
    let mut end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut may_be_torn = end == bytes.len();
    loop {
        if end == 0 {
            return if from == 0 { tail(0, Link::start()) } else { None };
        }
        let begin = match bytes[..end - 1].iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if from == 0 => 0,
            None => return None,
        };
        match line::parse(&bytes[begin..end - 1]) {
            Ok(entry) => return tail(end, Link::of(&entry)),
            Err(Bad::Torn) if may_be_torn => {
                may_be_torn = false;
                end = begin;
            }
            Err(bad) => return Some(Err(format!("a line near its end {}", bad.words()))),
        }
    }
}

/// Holds the end of a journal against its head file.
pub fn against_head(path: &Path, file: &File, tail: &Tail) -> Result<Standing, JournalError> {
    let damaged = |what: String| JournalError::Damaged { path: path.display().to_string(), what };
    let Some(head) = head::read(path)? else {
        // The head is written right after the first line: only a crash between the two leaves a journal without it.
        return match tail.link.seq {
            0 => Ok(Standing::Level),
            1 => Ok(Standing::Behind),
            more => Err(damaged(format!("it has {more} records and its head file is missing"))),
        };
    };
    if head.seq > tail.link.seq {
        return Err(JournalError::MissingTail {
            path: path.display().to_string(),
            file_seq: tail.link.seq,
            head_seq: head.seq,
        });
    }
    if head == tail.link {
        return Ok(Standing::Level);
    }
    let found = if head.seq == tail.link.seq { None } else { read::link_at(path, file, head.seq)? };
    if found.as_ref() == Some(&head) {
        Ok(Standing::Behind)
    } else {
        Err(damaged(format!("its record {} is not the one that its head file remembers", head.seq)))
    }
}

/// Puts a torn end beside the journal, durably, and cuts it off. Answers with the file that keeps it.
pub fn put_aside(path: &Path, file: &File, tail: &Tail) -> Result<PathBuf, JournalError> {
    let failed = |error: io::Error| JournalError::of(path, &error);
    let (kept, mut copy) = free_name(path, tail.link.seq + 1).map_err(failed)?;
    copy.write_all(&tail.torn).and_then(|()| copy.sync_all()).map_err(|error| {
        // A copy that is not whole keeps nothing; the torn end itself is still in its place.
        let _ = std::fs::remove_file(&kept);
        failed(error)
    })?;
    sync_folder_of(path).map_err(failed)?;
    file.set_len(tail.good_bytes).and_then(|()| file.sync_data()).map_err(failed)?;
    Ok(kept)
}

fn free_name(path: &Path, seq: u64) -> io::Result<(PathBuf, File)> {
    for n in 1..=TORN_LIMIT {
        let kept = beside(path, &format!(".torn-{seq}-{n}"));
        let mut options = OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).custom_flags(guarded_flags()).open(&kept) {
            Ok(file) => return Ok((kept, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("{TORN_LIMIT} torn ends of it were already put aside")))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::desk;
    use super::*;

    #[test]
    fn the_end_is_found_however_little_of_the_file_is_seen() {
        let desk = desk();
        desk.fill(1, 5);
        let bytes = desk.bytes();
        let whole = end_of(&bytes, 0).expect("all is seen").expect("it is whole");
        assert_eq!(whole.link.seq, 5);
        for from in 0..bytes.len() {
            match end_of(&bytes[from..], from as u64) {
                Some(found) => assert_eq!(found.as_ref(), Ok(&whole), "from byte {from}"),
                None => assert!(from > 0),
            }
        }
    }

    #[test]
    fn only_the_last_line_can_be_torn() {
        let desk = desk();
        desk.fill(1, 2);
        let good = desk.bytes();
        let check = |behind: &[u8], want: Option<&[u8]>| {
            let found = end_of(&[good.as_slice(), behind].concat(), 0).expect("all is seen");
            assert_eq!(found.ok().map(|tail| tail.torn).as_deref(), want, "{behind:?}");
        };
        check(b"", Some(b""));
        check(b"{\"seq\":3", Some(b"{\"seq\":3"));
        check(b"\0\0\0\0", Some(b"\0\0\0\0"));
        check(b"{\"seq\":3\n", Some(b"{\"seq\":3\n"));
        check(b"{}\n", None);
        check(b"torn\ntorn", None);
        check(b"torn\ntorn\n", None);
    }

    #[test]
    fn an_empty_file_stands_at_the_start() {
        let tail = end_of(b"", 0).expect("all is seen").expect("it is whole");
        assert_eq!(tail, Tail { link: Link::start(), good_bytes: 0, torn: Vec::new() });
    }
}
