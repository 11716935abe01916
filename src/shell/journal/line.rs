//! One line: an entry's JSON, whose last field is the digest of all the fields before it.
//!
//! The digest is taken over the bytes as they stand in the file, not over what a parser makes of them, so that any
//! change of any byte shows, and no change of a parser can break an old journal.

use serde::Serialize;

use super::{ENTRY_LIMIT_BYTES, JournalError};
use crate::base::{At, Digest};
use crate::runbook::{Actor, Entry, Record};

/// The place of an entry in its chain: its number and its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub seq: u64,
    pub hash: Digest,
}

impl Link {
    /// Where an empty journal stands.
    pub fn start() -> Link {
        Link { seq: 0, hash: Digest::zero() }
    }

    pub fn of(entry: &Entry) -> Link {
        Link { seq: entry.seq, hash: entry.hash.clone() }
    }
}

/// The fields of an [`Entry`] that its digest covers, in the same order.
#[derive(Serialize)]
struct Unsealed<'a> {
    seq: u64,
    prev: &'a Digest,
    at: At,
    boot_id: &'a str,
    actor: &'a Actor,
    record: &'a Record,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bad {
    /// Not JSON: what a crash in the middle of writing leaves.
    Torn,
    /// JSON that was not written by us, or was changed afterwards.
    Wrong(String),
}

impl Bad {
    pub fn words(&self) -> String {
        match self {
            Bad::Torn => "is not a whole line".to_owned(),
            Bad::Wrong(what) => what.clone(),
        }
    }
}

/// Writes the line that follows `last`, its newline included, and reads it back: a record that could not be read
/// again is refused now, and the caller holds exactly what every later reader will see.
pub fn seal(
    last: &Link,
    actor: &Actor,
    at: At,
    boot_id: &str,
    record: &Record,
) -> Result<(Vec<u8>, Entry), JournalError> {
    let no_form = |why: String| JournalError::NoForm { why };
    let unsealed = Unsealed { seq: last.seq + 1, prev: &last.hash, at, boot_id, actor, record };
    let mut bytes = serde_json::to_vec(&unsealed).map_err(|error| no_form(error.to_string()))?;
    let digest = Digest::of(&bytes);
    bytes.pop();
    bytes.extend_from_slice(ending(&digest).as_bytes());
    let entry = parse(&bytes).map_err(|bad| no_form(bad.words()))?;
    bytes.push(b'\n');
    let size = bytes.len() as u64;
    if size > ENTRY_LIMIT_BYTES {
        return Err(JournalError::EntryTooLarge { bytes: size, limit: ENTRY_LIMIT_BYTES });
    }
    Ok((bytes, entry))
}

/// Reads a line, without its newline, and holds it against its own digest.
pub fn parse(line: &[u8]) -> Result<Entry, Bad> {
    let entry: Entry = serde_json::from_slice(line).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Bad::Wrong(format!("is not a journal entry: {error}")),
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof | serde_json::error::Category::Io => {
            Bad::Torn
        }
    })?;
    let Some(body) = line.strip_suffix(ending(&entry.hash).as_bytes()) else {
        return Err(Bad::Wrong("does not end with its digest".to_owned()));
    };
    if Digest::of(&[body, b"}"].concat()) != entry.hash {
        return Err(Bad::Wrong(format!("record {} was changed after it was written", entry.seq)));
    }
    Ok(entry)
}

/// Whether `entry` stands directly behind `last`.
pub fn follows(last: &Link, entry: &Entry) -> Result<(), String> {
    if entry.seq != last.seq + 1 {
        return Err(format!("record {} stands where record {} should", entry.seq, last.seq + 1));
    }
    if entry.prev != last.hash {
        return Err(format!("record {} does not continue record {}", entry.seq, last.seq));
    }
    Ok(())
}

fn ending(digest: &Digest) -> String {
    format!(",\"hash\":\"{digest}\"}}")
}

#[cfg(test)]
mod tests {
    use super::super::fixture::note;
    use super::*;

    fn sealed() -> (Vec<u8>, Entry) {
        seal(&Link::start(), &Actor::default(), At::default(), "boot", &note("hello")).expect("it has a form")
    }

    #[test]
    fn a_line_reads_back_as_the_entry_it_was_made_of() {
        let (bytes, entry) = sealed();
        assert_eq!(parse(&bytes[..bytes.len() - 1]), Ok(entry.clone()));
        assert_eq!(entry.seq, 1);
        assert_eq!(serde_json::to_vec(&entry).expect("it has a form"), bytes[..bytes.len() - 1]);
    }

    #[test]
    fn any_changed_byte_is_found() {
        let (bytes, _) = sealed();
        let line = &bytes[..bytes.len() - 1];
        for at in 0..line.len() {
            let mut changed = line.to_vec();
            changed[at] ^= 1;
            assert!(parse(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn every_beginning_of_a_line_is_torn_and_not_wrong() {
        let (bytes, _) = sealed();
        for length in 0..bytes.len() - 1 {
            assert_eq!(parse(&bytes[..length]), Err(Bad::Torn), "{length} bytes");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_written() {
        let large = note(&"x".repeat(ENTRY_LIMIT_BYTES as usize));
        let refused = seal(&Link::start(), &Actor::default(), At::default(), "boot", &large);
        assert!(matches!(refused, Err(JournalError::EntryTooLarge { .. })));
    }
}
