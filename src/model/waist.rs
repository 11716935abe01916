//! The narrow waist: all reading and acting reduces to these few primitives, held as data.
//!
//! A source compiles to a [`Fetch`] and decodes its [`Reply`]; an act of a runbook is an [`Exec`]. Only the shell
//! carries them out, so a new source or step kind adds no I/O code.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::{At, Credentials, Wall, text, time::spoken};

/// A read. It must not change anything on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fetch {
    Http(HttpRequest),
}

/// A GET. Redirects are never followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// Absolute, built by a URL type.
    pub url: String,
    /// The `Accept` header.
    pub accept: String,
    /// From sending to the last byte of the body.
    pub timeout: Duration,
    /// Largest body that is read.
    pub limit_bytes: u64,
    /// What it identifies itself with: a reference, resolved when the request is sent.
    pub credentials: Option<Credentials>,
}

/// What came back. Lives in the poller only: bodies never enter a message.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub content_type: String,
    /// The `Date` header: the node's own clock.
    pub date: Option<Wall>,
    pub body: Vec<u8>,
    /// When the request was sent.
    pub sent: At,
    /// From sending to the last byte.
    pub took: Duration,
}

/// A mutation. Carried out by the runner alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exec {
    /// No shell: the first element is an absolute path, the others are passed as they are.
    Command { argv: Vec<String>, timeout: Duration },
}

/// As a person reviews it: exact, escaped, quoted.
impl fmt::Display for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exec::Command { argv, .. } => f.write_str(&text::escaped(&text::shell_line(argv))),
        }
    }
}

/// Why a read brought nothing, in the operator's words. Each harms only the source it happened to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum FetchFailure {
    #[error("connection refused: nothing listens there")]
    Refused,
    #[error("host not found")]
    HostNotFound,
    #[error("no route to the host")]
    Unreachable,
    #[error("no connection within {}", spoken(*.after))]
    ConnectTimeout { after: Duration },
    #[error("no complete answer within {} ({received_bytes} bytes came)", spoken(*.after))]
    Timeout { after: Duration, received_bytes: u64 },
    #[error("answer larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("connection closed in the middle of the answer")]
    Closed,
    #[error("redirected to {to}; redirects are not followed")]
    Redirected { to: String },
    #[error("answered with status {status}")]
    Status { status: u16 },
    #[error("answered with HTML instead of {expected}")]
    Html { expected: String },
    #[error("not {expected}: {detail}")]
    Malformed { expected: String, detail: String },
    #[error("TLS failed: {detail}")]
    Tls { detail: String },
    #[error("not asked, because of its secret: {detail}")]
    Secret { detail: String },
    #[error("the address can not be used: {detail}")]
    Address { detail: String },
    #[error("the filter {filter} took too long or made too much; the source is quarantined")]
    Overrun { filter: String },
    #[error("{detail}")]
    Other { detail: String },
}
