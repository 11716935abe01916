//! The journal's files: one per run and one for the console; every line chained to the one before it by hash.
//!
//! ```text
//! append:  lock ─► read the tail ─► hold it against the head ─► write one line ─► fsync ─► write the head ─► syslog
//! ```
//!
//! An entry counts from the moment its line is durable. The head file says how far the journal had come, so that a
//! missing tail is found; a crash between line and head leaves the head behind, which the next append mends (the line
//! is waited for, the head is not). A last line that a crash tore is put aside, never thrown away, and the journal says
//! so in a record of its own.
//!
//! Must never: rewrite or remove a durable line; append to a journal that is not whole; report an entry before it is
//! durable. Readers take the file's lock in its shared form, so they see no line that may yet be taken back.
//!
//! To add something to remember: a variant of [`Record`](crate::runbook::Record). Nothing here knows their meaning,
//! except which of them end something and may use the last room of a file.

#![allow(clippy::disallowed_methods, reason = "the shell is where files are touched")]

mod append;
mod error;
mod follow;
mod head;
mod line;
mod read;
mod reserve;
pub(super) mod syslog;
mod tail;

pub use append::{append, append_after};
pub use error::JournalError;
pub use follow::Follower;
pub use read::{Verification, read, read_whole_part, verify};
pub use reserve::{release, reserve};
pub use syslog::say;

/// Longest line of a journal, its newline included.
pub const ENTRY_LIMIT_BYTES: u64 = 1 << 20;

/// Largest journal file. The last [`KEPT_FOR_ENDS_BYTES`] of it take only records that end something.
pub const FILE_LIMIT_BYTES: u64 = 64 << 20;

/// Room in every file for outcomes and ends of what was already begun.
pub const KEPT_FOR_ENDS_BYTES: u64 = 4 << 20;

/// Room on disk that is set aside before acting, for the records that tell what became of it.
pub const RESERVE_BYTES: u64 = 256 << 10;

/// `console.jsonl` + `.head` and the like: the files that stand beside a journal.
fn beside(path: &std::path::Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod fixture {
    use super::*;
    use crate::app::msg::JournalId;
    use crate::base::RunId;
    use crate::runbook::{Actor, Entry, Record};
    use crate::shell::{StateRoot, clock};

    /// A state root in a folder that goes away with it, and one run's journal in it.
    pub struct Desk {
        _place: tempfile::TempDir,
        pub root: StateRoot,
        pub journal: JournalId,
        pub path: std::path::PathBuf,
    }

    pub fn desk() -> Desk {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        let journal = JournalId::Run(RunId::new("run-1"));
        let path = root.journal(&journal).expect("a path");
        Desk { _place: place, root, journal, path }
    }

    pub fn note(text: &str) -> Record {
        Record::ConsoleStopped { why: text.to_owned() }
    }

    impl Desk {
        pub fn append(&self, record: Record) -> Result<Entry, JournalError> {
            append(&self.root, &self.journal, &Actor::default(), clock::now(), "boot", record)
        }

        /// Appends `count` notes, numbered from `from`.
        pub fn fill(&self, from: usize, count: usize) {
            for n in from..from + count {
                self.append(note(&format!("note {n}"))).expect("it is appended");
            }
        }

        pub fn bytes(&self) -> Vec<u8> {
            std::fs::read(&self.path).expect("the journal exists")
        }

        pub fn write(&self, bytes: &[u8]) {
            std::fs::write(&self.path, bytes).expect("the journal is ours");
        }

        pub fn head(&self) -> std::path::PathBuf {
            beside(&self.path, ".head")
        }
    }
}
