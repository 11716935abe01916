//! The recorder: everything that happened, as it reached the core, in one bounded file.
//!
//! One JSON document per line: the [`Setup`], then `(At, Msg)` pairs. Messages hold decoded batches and no secrets, so
//! neither does a recording. At its limit it stops with a last line that says so.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::{Msg, Setup};
use crate::base::At;

/// Largest recording.
const LIMIT_BYTES: u64 = 64 << 20;

/// One line of a recording.
#[derive(Debug, Serialize, Deserialize)]
enum Line<'a> {
    Setup(Box<Cow<'a, Setup>>),
    Happened(At, Cow<'a, Msg>),
    /// The limit was reached: nothing after this was recorded.
    Full,
}

/// A recording that can not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("{path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("{path}:{line}: not a line of a recording: {error}")]
    Line { path: PathBuf, line: usize, error: serde_json::Error },
    #[error("{path}: a recording begins with a setup, and this does not")]
    NoSetup { path: PathBuf },
}

/// Writes a recording.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    full: bool,
}

impl Recorder {
    /// Begins a new recording, readable by its owner alone.
    ///
    /// # Errors
    /// The file exists already or can not be written.
    #[expect(clippy::disallowed_methods, reason = "the shell writes files")]
    pub fn begin(path: &Path, setup: &Setup) -> Result<Recorder, RecordingError> {
        let fail = |error| RecordingError::File { path: path.to_owned(), error };
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fail)?;
        let mut recorder = Recorder { path: path.to_owned(), file: BufWriter::new(file), bytes: 0, full: false };
        recorder.write(&Line::Setup(Box::new(Cow::Borrowed(setup))))?;
        Ok(recorder)
    }

    /// Adds what happened; silently nothing once the recording is full, which its last line says.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn note(&mut self, at: At, msg: &Msg) -> Result<(), RecordingError> {
        if self.full {
            return Ok(());
        }
        if self.bytes >= LIMIT_BYTES {
            self.full = true;
            return self.write(&Line::Full);
        }
        self.write(&Line::Happened(at, Cow::Borrowed(msg)))
    }

    /// Hands what was noted to the file system.
    ///
    /// # Errors
    /// The file can not be written.
    pub fn flush(&mut self) -> Result<(), RecordingError> {
        self.file.flush().map_err(|error| RecordingError::File { path: self.path.clone(), error })
    }

    fn write(&mut self, line: &Line<'_>) -> Result<(), RecordingError> {
        let fail = |error| RecordingError::File { path: self.path.clone(), error };
        let mut json = serde_json::to_vec(line).map_err(|error| fail(error.into()))?;
        json.push(b'\n');
        self.bytes += json.len() as u64;
        self.file.write_all(&json).map_err(fail)
    }
}

/// A recording, read back.
#[derive(Debug)]
pub struct Recording {
    pub setup: Setup,
    pub happened: Vec<(At, Msg)>,
    /// Whether it stopped at its limit.
    pub full: bool,
}

impl Recording {
    /// Reads a whole recording. A torn last line, as a killed console leaves it, ends it.
    ///
    /// # Errors
    /// The file can not be read, or a line before the last is not one of a recording.
    #[expect(clippy::disallowed_methods, reason = "the shell reads files")]
    pub fn read(path: &Path) -> Result<Recording, RecordingError> {
        let fail = |error| RecordingError::File { path: path.to_owned(), error };
        let lines = BufReader::new(File::open(path).map_err(fail)?).lines();
        let lines: Vec<String> = lines.collect::<Result<_, _>>().map_err(fail)?;
        let (mut setup, mut happened, mut full) = (None, Vec::new(), false);
        for (index, text) in lines.iter().enumerate() {
            match serde_json::from_str(text) {
                Ok(Line::Setup(found)) => setup = Some(found.into_owned()),
                Ok(Line::Happened(at, msg)) => happened.push((at, msg.into_owned())),
                Ok(Line::Full) => full = true,
                Err(_) if index + 1 == lines.len() => {}
                Err(error) => return Err(RecordingError::Line { path: path.to_owned(), line: index + 1, error }),
            }
        }
        let setup = setup.ok_or_else(|| RecordingError::NoSetup { path: path.to_owned() })?;
        Ok(Recording { setup, happened, full })
    }
}
