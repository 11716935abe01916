//! Carries out reads: one file per kind of [`Fetch`], and the one match over them.
//!
//! Every read is bounded in size and time and changes nothing. Files are opened on threads of their own, because a
//! file system of the network may never answer; at most [`FILES_AT_ONCE`] such threads wait at a time, so that the
//! others stay free for decoding. Whatever goes wrong comes back as one [`FetchFailure`], in the operator's words.
//!
//! Must never: write, follow a redirect, run what was not resolved, or open anything but a regular file.
//!
//! To add a primitive: one variant of `Fetch` and `Answer`, one file here, one arm in [`Fetcher::fetch`].

pub mod command;
pub mod file;
pub mod http;
pub mod tcp;
mod tree;
pub mod turns;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::state_root::StateRoot;
use crate::base::{At, text};
use crate::model::{Answer, Fetch, FetchFailure, Reply};
use http::HttpClient;
use turns::TurnTaker;

/// Reads of files that may be under way at the same time.
const FILES_AT_ONCE: usize = 2;

/// Longest piece of another's text in a failure, in columns.
const LONGEST_DETAIL: usize = 160;

/// Carries out reads. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Fetcher {
    http: HttpClient,
    files: Arc<Semaphore>,
    turns: TurnTaker,
}

/// A read that brought nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{failure}")]
pub struct Missed {
    pub failure: FetchFailure,
    /// When the request was sent.
    pub sent: At,
    /// From sending to the failure.
    pub took: Duration,
}

impl Default for Fetcher {
    fn default() -> Fetcher {
        Fetcher::new()
    }
}

impl Fetcher {
    /// With budgets of its own, where it has no state root.
    #[must_use]
    pub fn new() -> Fetcher {
        Fetcher::with(TurnTaker::alone())
    }

    /// With budgets that all processes share which use this state root.
    #[must_use]
    pub fn sharing(root: Arc<StateRoot>) -> Fetcher {
        Fetcher::with(TurnTaker::shared(root))
    }

    fn with(turns: TurnTaker) -> Fetcher {
        Fetcher { http: HttpClient::new(), files: Arc::new(Semaphore::new(FILES_AT_ONCE)), turns }
    }

    /// Where turns are taken of reads that a node counts.
    #[must_use]
    pub fn turns(&self) -> &TurnTaker {
        &self.turns
    }

    /// Carries out a read.
    ///
    /// # Errors
    /// Nothing, or not all, came back. A status that is not 2xx, a file that is not there and a program that ended
    /// with another code than 0 are answers: the source judges them.
    pub async fn fetch(&self, fetch: &Fetch, clock: impl Fn() -> At) -> Result<Reply, Missed> {
        let (sent, started) = (clock(), Instant::now());
        let answer = match fetch {
            Fetch::Http(request) => self.http.ask(request).await.map(Answer::Http),
            Fetch::Tcp(request) => tcp::connect(request).await.map(|()| Answer::Tcp),
            Fetch::File(request) => {
                let (wanted, path) = (request.clone(), request.path.clone());
                self.on_thread(path, request.timeout, move || file::look(&wanted)).await.map(Answer::File)
            }
            Fetch::FileSystem(request) => {
                let (wanted, path) = (request.clone(), request.path.clone());
                self.on_thread(path, request.timeout, move || file::usage(&wanted)).await.map(Answer::FileSystem)
            }
            Fetch::Command(request) => command::run(request).await.map(Answer::Command),
        };
        let took = started.elapsed();
        match answer {
            Ok(answer) => Ok(Reply { answer, sent, took }),
            Err(failure) => Err(Missed { failure, sent, took }),
        }
    }

    /// Runs what may block on a thread. One that never comes back keeps its place, so that it harms itself and one
    /// other, never all.
    async fn on_thread<T: Send + 'static>(
        &self,
        path: String,
        after: Duration,
        work: impl FnOnce() -> Result<T, FetchFailure> + Send + 'static,
    ) -> Result<T, FetchFailure> {
        let silent = || FetchFailure::File {
            path: path.clone(),
            detail: format!("its file system did not answer within {}", crate::base::time::spoken(after)),
        };
        let begun = async {
            // The semaphore is never closed; were it, nothing would hold this read back.
            let place = Arc::clone(&self.files).acquire_owned().await.ok();
            tokio::task::spawn_blocking(move || {
                let done = work();
                drop(place);
                done
            })
            .await
        };
        match timeout(after, begun).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(FetchFailure::Other {
                detail: "the read broke off: a mistake in the console, please report it".to_owned(),
            }),
            Err(_) => Err(silent()),
        }
    }
}

/// What an error of a connection means, where it is one that has a name of its own.
fn connection_failure(error: &io::Error) -> Option<FetchFailure> {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some(FetchFailure::Refused),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            Some(FetchFailure::Unreachable)
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => Some(FetchFailure::Closed),
        _ => None,
    }
}

/// Another's text as it may stand in a failure.
fn shown(detail: &str) -> String {
    text::fitted(&text::clean(detail), LONGEST_DETAIL).into_owned()
}

#[cfg(test)]
mod tests;
