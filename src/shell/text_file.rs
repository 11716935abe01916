//! Reads a file that an operator wrote. One that can not be read is named, with where it fails and what to do.
//!
//! Must never: wait for what is no file, or read without a limit.

use std::io;
use std::path::Path;

use crate::base::Problem;

/// Why a file gave no text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFileError {
    #[error("there is no such file")]
    Missing,
    #[error("this user may not read it")]
    Denied,
    #[error("this is a folder, and a file is expected")]
    Folder,
    #[error("this is a pipe, a socket or a device, and a file is expected")]
    NotRegular,
    #[error("it is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    /// From 1.
    #[error("this is not UTF-8")]
    NotText { line: usize, column: usize },
    #[error("{detail}")]
    Other { detail: String },
}

impl From<io::Error> for TextFileError {
    fn from(error: io::Error) -> TextFileError {
        match error.kind() {
            io::ErrorKind::NotFound => TextFileError::Missing,
            io::ErrorKind::PermissionDenied => TextFileError::Denied,
            _ => TextFileError::Other { detail: error.to_string() },
        }
    }
}

impl TextFileError {
    /// With the file, the place, and what to do.
    #[must_use]
    pub fn problem(&self, path: &Path) -> Problem {
        let (line, column) = match self {
            TextFileError::NotText { line, column } => (*line, *column),
            _ => (0, 0),
        };
        let remedy = match self {
            TextFileError::Missing => Some("see whether the path is right"),
            TextFileError::Denied => Some("let it: see owner, group and mode of the file and of the folders above it"),
            TextFileError::Folder | TextFileError::NotRegular => Some("name the file itself"),
            TextFileError::TooLarge { .. } => Some("see whether it is the right file"),
            TextFileError::NotText { .. } => Some("save it as UTF-8, or see whether it is the right file"),
            TextFileError::Other { .. } => None,
        };
        Problem::new(&path.display().to_string(), line, column, self.to_string()).suggesting(remedy.map(str::to_owned))
    }
}

/// The text of a file of at most so many bytes.
///
/// # Errors
/// It can not be read, is no regular file, is larger, or is not UTF-8.
#[expect(clippy::disallowed_methods, reason = "the shell reads files")]
pub fn read(path: &Path, limit_bytes: u64) -> Result<String, TextFileError> {
    let found = std::fs::metadata(path)?;
    if found.is_dir() {
        return Err(TextFileError::Folder);
    }
    if !found.is_file() {
        return Err(TextFileError::NotRegular);
    }
    if found.len() > limit_bytes {
        return Err(TextFileError::TooLarge { limit_bytes });
    }
    String::from_utf8(std::fs::read(path)?).map_err(|error| {
        let sound = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let last = sound.rsplit('\n').next().unwrap_or_default();
        TextFileError::NotText { line: 1 + sound.matches('\n').count(), column: 1 + last.chars().count() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test writes the files that it reads")]
    fn a_file_that_can_not_be_read_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let check = |name: &str, bytes: &[u8], want: &str| {
            let path = folder.path().join(name);
            if !bytes.is_empty() {
                std::fs::write(&path, bytes).expect("ours");
            }
            let said = read(&path, 16).expect_err(name).problem(&path).to_string();
            assert_eq!(said, want.replace("FOLDER", &folder.path().display().to_string()));
        };
        check("none", b"", "FOLDER/none: there is no such file; see whether the path is right");
        check(
            "latin",
            b"(\n  \xe9\n)",
            "FOLDER/latin:2:3: this is not UTF-8; save it as UTF-8, or see whether it is the right file",
        );
        check("large", &[b' '; 17], "FOLDER/large: it is larger than 16 bytes; see whether it is the right file");
        check("", b"", "FOLDER/: this is a folder, and a file is expected; name the file itself");
    }
}
