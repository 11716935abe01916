//! What can go wrong with the demo itself, in the words of the one who started it.

use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum SimError {
    #[error("the demo folder {folder} can not be used: {why}")]
    Folder { folder: PathBuf, why: String },
    #[error("can not {what} {path}: {source}")]
    File { what: &'static str, path: PathBuf, source: io::Error },
    #[error("a demo is already running in {folder}; stop it first or give another folder")]
    AlreadyRunning { folder: PathBuf },
    #[error("no demo is running in {folder}: {why}; start one with `opsconsole demo --serve`")]
    NotRunning { folder: PathBuf, why: String },
    #[error("can not listen on 127.0.0.1:{port}: {source}")]
    Listen { port: u16, source: io::Error },
    #[error("the demo's control port {address} does not answer: {why}")]
    Control { address: String, why: String },
    #[error("the demo refused {request}: status {status}, {detail}")]
    Refused { request: String, status: u16, detail: String },
    #[error("can not listen for signals: {0}")]
    Signals(io::Error),
}

impl SimError {
    /// For `map_err` on file operations.
    pub(super) fn file<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> SimError + 'a {
        move |source| SimError::File { what, path: path.to_owned(), source }
    }
}
