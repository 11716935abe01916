//! Why nothing could be journalled, in the operator's words, with what to do next.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::base::time::spoken;
use crate::shell::actor;
use crate::shell::state_root::StateRootError;

/// A journal that could not be appended to, or not be read. Every one of them means: nothing may be begun.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    #[error("another process has held the journal {path} for {}; try again, or find it with: fuser {path}", spoken(*waited))]
    Busy { path: String, waited: Duration },
    #[error("no space left in {folder}: nothing can be journalled, so nothing will be done; free space and try again")]
    NoSpace { folder: String },
    #[error(
        "the filesystem of {path} is mounted read-only: nothing can be journalled, so nothing will be done; mount it writable and try again"
    )]
    ReadOnly { path: String },
    #[error(
        "{user} may not write to {path}: nothing can be journalled, so nothing will be done; see its owner and mode with: ls -l {path}"
    )]
    Denied { path: String, user: String },
    #[error(
        "the journal {path} ends at record {file_seq}, and its head file remembers record {head_seq}: records are missing at its end, so nothing is added to it; keep both files and find out what removed them"
    )]
    MissingTail { path: String, file_seq: u64, head_seq: u64 },
    #[error("the journal {path} is not whole, so nothing is added to it: {what}; see: opsconsole journal verify")]
    Damaged { path: String, what: String },
    #[error("a record of {bytes} bytes is larger than the {limit} that the journal takes; it was not written")]
    EntryTooLarge { bytes: u64, limit: u64 },
    #[error("the journal {path} is full ({bytes} bytes): close this run and open a new one")]
    Full { path: String, bytes: u64 },
    #[error("the journal {path} has moved on to record {found}; record {expected} was expected")]
    MovedOn { path: String, expected: u64, found: u64 },
    #[error("this record has no form in the journal: {why}")]
    NoForm { why: String },
    #[error(transparent)]
    Root(#[from] StateRootError),
    #[error("there is no journal {path}")]
    Missing { path: String },
    #[error("the journal {path} can not be used: {why}")]
    Io { path: String, why: String },
}

impl JournalError {
    /// What the system said about `path`, in words.
    #[must_use]
    pub fn of(path: &Path, error: &io::Error) -> JournalError {
        let shown = path.display().to_string();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                JournalError::NoSpace { folder: path.parent().unwrap_or(path).display().to_string() }
            }
            io::ErrorKind::ReadOnlyFilesystem => JournalError::ReadOnly { path: shown },
            io::ErrorKind::PermissionDenied => JournalError::Denied { path: shown, user: actor::user() },
            io::ErrorKind::NotFound => JournalError::Missing { path: shown },
            // Whatever else the system says is shown as the system says it.
            _ => JournalError::Io { path: shown, why: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_told_with_what_to_do() {
        let check = |code: i32, want: &str| {
            let said =
                JournalError::of(Path::new("/state/journals/console.jsonl"), &io::Error::from_raw_os_error(code));
            assert!(said.to_string().contains(want), "{said}");
        };
        check(28, "no space left in /state/journals: nothing can be journalled, so nothing will be done");
        check(122, "no space left");
        check(30, "mounted read-only");
        check(13, "may not write to /state/journals/console.jsonl");
        check(5, "Input/output error");
    }
}
