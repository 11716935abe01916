//! The narrow waist: all reading and acting reduces to these few primitives, held as data.
//!
//! A source compiles to a [`Fetch`] and decodes its [`Reply`]; an act of a runbook is an [`Exec`]. Only the shell
//! carries them out, so a new source or step kind adds no I/O code.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::file_act::FileOrder;
use crate::base::{At, Credentials, SecretRef, Wall, text, time::spoken};

/// A read. It must not change anything on the other side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fetch {
    Http(HttpRequest),
    /// Opens a connection and closes it again; nothing is sent.
    Tcp(TcpRequest),
    /// Looks at a file or a folder, or reads on in a file.
    File(FileRequest),
    /// Asks for the size and the use of the file system that holds a path.
    FileSystem(FileSystemRequest),
    /// Runs a program that only reads.
    Command(CommandRequest),
}

/// A request that only reads. Redirects are never followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    #[serde(default)]
    pub ask: Ask,
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
    /// What the server needs of a request.
    #[serde(default, skip_serializing_if = "HttpCare::is_none")]
    pub care: HttpCare,
}

/// What some servers need of a request that others do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpCare {
    /// It closes every connection after one answer and does not say so: each request comes on a connection of its own,
    /// and says that it does.
    #[serde(default)]
    pub fresh_connection: bool,
    /// It reads no more of a request than this.
    #[serde(default)]
    pub request_bytes: Option<u64>,
}

impl HttpCare {
    /// Whether nothing is needed.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == HttpCare::default()
    }
}

/// How a read is asked for. Some interfaces take every question by POST, those that change nothing too: JSON-RPC, and
/// that of IPFS. What is asked that way is named word for word in its system's `allowed_reads`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    #[default]
    Get,
    /// With this body, which is JSON, or none.
    Post { body: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpRequest {
    /// `127.0.0.1:3001`, `[::1]:3001` or `name:3001`.
    pub address: String,
    /// From looking the name up to the open connection.
    pub timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRequest {
    /// Absolute.
    pub path: String,
    /// The only folder that the file may really lie in, links resolved: that of a simulated target.
    pub within: Option<String>,
    pub look: Look,
    pub timeout: Duration,
}

/// What is asked of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// Whether it is there, what it is, how large and how old.
    Stat,
    /// The same of a folder, and how many entries it has; counting ends at `limit`.
    Entries { limit: u64 },
    /// What a folder holds, with the folders in it: see [`TreeSeen`].
    Tree(TreeLook),
    /// What a file has grown by since `after`; without it, the last `context_bytes` of the file.
    Tail { after: Option<TailPosition>, context_bytes: u64, limit_bytes: u64 },
}

/// How a folder is walked through. Links are never followed, and other file systems never entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeLook {
    /// The walk ends at so many entries.
    pub limit: u64,
    /// Folders within folders that are entered, the first not counted.
    pub deepest: u32,
    /// Ends of names, such as `.sst`: files that have them are counted apart.
    pub suffixes: Vec<String>,
}

/// How far a growing file was read. The inode alone does not identify a file, because file systems give it again at
/// once: the first bytes are compared as well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailPosition {
    pub inode: u64,
    /// Bytes read so far.
    pub offset: u64,
    /// The file's first bytes, at most [`TailPosition::HEAD_BYTES`].
    pub head: Vec<u8>,
}

impl TailPosition {
    /// First bytes that are compared to tell one file from the next.
    pub const HEAD_BYTES: usize = 64;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystemRequest {
    /// Any path on the file system.
    pub path: String,
    /// As in [`FileRequest`].
    pub within: Option<String>,
    pub timeout: Duration,
}

/// A program by its bare name or absolute path, and its arguments as they are: no shell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRequest {
    pub argv: Vec<String>,
    /// The folder whose `bin/` holds the only programs that may run: that of a simulated target.
    pub within: Option<String>,
    /// At this age it is asked to end, then killed, with everything it started.
    pub timeout: Duration,
    /// Largest standard output that is taken.
    pub limit_bytes: u64,
}

/// What came back. Lives in the poller only: bodies never enter a message.
#[derive(Clone, Debug)]
pub struct Reply {
    pub answer: Answer,
    /// When the request was sent.
    pub sent: At,
    /// From sending to the last byte.
    pub took: Duration,
}

/// The answer to each kind of [`Fetch`], in the same order.
#[derive(Clone, Debug)]
pub enum Answer {
    Http(HttpAnswer),
    /// The connection was opened.
    Tcp,
    File(FileAnswer),
    FileSystem(FileSystemAnswer),
    Command(CommandAnswer),
}

#[derive(Clone, Debug)]
pub struct HttpAnswer {
    pub status: u16,
    pub content_type: String,
    /// The `Date` header: the node's own clock.
    pub date: Option<Wall>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FileAnswer {
    /// There is nothing at the path; where only that was asked, this is an answer and no failure.
    Absent,
    Seen(FileSeen),
    Tail(TailRead),
    Tree(TreeSeen),
}

/// What a walk through a folder found. Where it was cut short, everything is at least as much.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TreeSeen {
    /// Sizes of all files, as they are read.
    pub bytes: u64,
    /// What they take on the disk: less where they have holes, more for the rest of each last block.
    pub disk_bytes: u64,
    /// Everything but folders; a link is one, whatever it leads to.
    pub files: u64,
    pub folders: u64,
    /// Files with each of the suffixes, in the order of the question.
    pub with_suffix: Vec<u64>,
    /// Why it is not all.
    pub cut: Option<TreeCut>,
}

/// Why a walk through a folder did not see all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeCut {
    Entries,
    Depth,
    Time,
    /// So many of its folders could not be read.
    Denied(u64),
}

/// What the file system says of a path, links followed.
#[derive(Clone, Debug, PartialEq)]
pub struct FileSeen {
    pub kind: FileKind,
    pub size_bytes: u64,
    pub modified: Wall,
    /// Of a folder, where it was asked for.
    pub entries: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    File,
    Folder,
    /// A pipe, a socket or a device.
    Other,
}

/// What a growing file brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TailRead {
    pub began: TailBegan,
    /// What the file before a rotation still had, up to its end.
    pub rest: Vec<u8>,
    /// Bytes that were passed over because more had come than is read at once; the rest of the line that the new
    /// bytes begin with belongs to them.
    pub skipped_bytes: u64,
    pub bytes: Vec<u8>,
    /// Where to read on.
    pub next: TailPosition,
    pub size_bytes: u64,
}

/// How the bytes of a [`TailRead`] join what was read before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TailBegan {
    /// Nothing was read before. The bytes are what was there already; `whole` where they are the file from its start.
    #[default]
    Anew,
    /// They follow what was read before.
    On,
    /// The path leads to another file now, or the file was cut: they are the file from its start.
    Over,
}

#[derive(Clone, Debug, PartialEq)]
pub struct FileSystemAnswer {
    pub size_bytes: u64,
    /// Free, also for root alone.
    pub free_bytes: u64,
    /// Free for everybody.
    pub available_bytes: u64,
    /// Zero where the file system has no fixed number.
    pub inodes: u64,
    pub inodes_free: u64,
    pub read_only: bool,
}

/// How a program ended by itself, and what it put out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommandAnswer {
    pub code: i32,
    pub stdout: Vec<u8>,
    /// The first line of its standard error, made harmless.
    pub complaint: String,
}

impl Reply {
    /// Bytes that there are to decode.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match &self.answer {
            Answer::Http(answer) => answer.body.len(),
            Answer::Tcp | Answer::FileSystem(_) => 0,
            Answer::File(FileAnswer::Absent | FileAnswer::Seen(_) | FileAnswer::Tree(_)) => 0,
            Answer::File(FileAnswer::Tail(read)) => read.rest.len() + read.bytes.len(),
            Answer::Command(answer) => answer.stdout.len(),
        }
    }
}

/// As a person reads it: what is read, and where.
impl fmt::Display for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Fetch::Http(request) => match &request.ask {
                Ask::Get => format!("GET {}", request.url),
                Ask::Post { body: None } => format!("POST {}", request.url),
                Ask::Post { body: Some(body) } => format!("POST {} {body}", request.url),
            },
            Fetch::Tcp(request) => format!("connect to {}", request.address),
            Fetch::File(request) => match request.look {
                Look::Stat => format!("stat {}", request.path),
                Look::Entries { .. } => format!("list {}", request.path),
                Look::Tail { .. } => format!("tail {}", request.path),
                Look::Tree(_) => format!("du {}", request.path),
            },
            Fetch::FileSystem(request) => format!("statvfs {}", request.path),
            Fetch::Command(request) => text::shell_line(&request.argv),
        };
        f.write_str(&text::escaped(&words))
    }
}

/// A mutation. Carried out by the runner alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exec {
    /// No shell: the first element is an absolute path, the others are passed as they are.
    Command { argv: Vec<String>, timeout: Duration },
    /// Lets time pass. It changes nothing.
    Wait { time: Duration },
    /// One request to the target's own node. It follows no redirect and is never sent twice.
    Request {
        method: Method,
        /// Absolute, built by a URL type.
        url: String,
        headers: Vec<SecretHeader>,
        /// JSON; sent as it stands.
        body: Option<String>,
        timeout: Duration,
    },
}

/// How a request changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    Post,
    Put,
    Delete,
}

impl Method {
    /// As it is sent.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

/// A header whose value is a secret, by its reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretHeader {
    pub name: String,
    pub value: SecretRef,
}

impl Exec {
    /// What it does in words, where its exact form alone would not tell.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        match self {
            Exec::Command { argv, .. } => {
                FileOrder::in_argv(argv).map(|(_, order)| text::escaped(&order.act.sentence()).into_owned())
            }
            Exec::Wait { .. } | Exec::Request { .. } => None,
        }
    }

    /// The references of its secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretRef> {
        let headers: &[SecretHeader] = match self {
            Exec::Command { .. } | Exec::Wait { .. } => &[],
            Exec::Request { headers, .. } => headers,
        };
        headers.iter().map(|header| &header.value)
    }

    /// As a person would do it by hand in a POSIX shell. A secret is taken from where it is kept, and never stands
    /// there itself.
    #[must_use]
    pub fn by_hand(&self) -> String {
        match self {
            Exec::Command { argv, .. } => text::escaped(&text::shell_line(argv)).into_owned(),
            Exec::Wait { time } => format!("sleep {}", time.as_secs()),
            Exec::Request { method, url, headers, body, timeout } => {
                let mut line = format!("curl --fail-with-body --silent --show-error --max-time {}", timeout.as_secs());
                line.push_str(&format!(" -X {}", method.word()));
                for SecretHeader { name, value } in headers {
                    line.push_str(&format!(" -H \"{name}: {}\"", value.in_shell()));
                }
                if let Some(body) = body {
                    line.push_str(" -H 'Content-Type: application/json' --data-raw ");
                    line.push_str(&text::shell_quoted(&text::escaped(body)));
                }
                format!("{line} -- {}", text::shell_quoted(&text::escaped(url)))
            }
        }
    }
}

/// As a person reviews it: exact, escaped, quoted.
impl fmt::Display for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exec::Command { argv, .. } => f.write_str(&text::escaped(&text::shell_line(argv))),
            Exec::Wait { time } => write!(f, "wait {}", spoken(*time)),
            Exec::Request { method, url, headers, body, .. } => {
                write!(f, "{} {}", method.word(), text::escaped(url))?;
                for SecretHeader { name, value } in headers {
                    write!(f, ", {}: {}", text::escaped(name), text::escaped(&value.to_string()))?;
                }
                match body {
                    Some(body) => write!(f, ", body {}", text::escaped(body)),
                    None => f.write_str(", no body"),
                }
            }
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
    #[error("not read: {why}")]
    NotRead { why: String },
    #[error("there is no {path}")]
    NoFile { path: String },
    #[error("{path} may not be read by this user: permission denied")]
    Denied { path: String },
    #[error("{path} is {what}, not a regular file; it is not opened")]
    NotRegular { path: String, what: String },
    #[error("{path} can not be read: {detail}")]
    File { path: String, detail: String },
    #[error("not run: {why}")]
    NotRun { why: String },
    #[error("{program} was still running after {}; it was {how}", spoken(*.after))]
    StillRunning { program: String, after: Duration, how: String },
    #[error("{program} ended with code {code}{}", because(.complaint))]
    Exit { program: String, code: i32, complaint: String },
    #[error("{program} was ended by signal {signal}{}", because(.complaint))]
    Signalled { program: String, signal: i32, complaint: String },
    #[error("the node refuses to be read so often: {detail}")]
    TooOften { detail: String },
    /// Nobody was asked: the read waits for its turn among all consoles of this machine.
    #[error(
        "not asked within {}: the {} reads a second that all consoles of this machine share as {budget} are used up; \
         asked again with the next poll",
        spoken(*.waited), .per_second
    )]
    Late { budget: String, per_second: String, waited: Duration },
    #[error("the node answers {method} with error {code}: {message}")]
    Rpc { method: String, code: i64, message: String },
    #[error("the filter {filter} took too long or made too much; the source is quarantined")]
    Overrun { filter: String },
    #[error("{detail}")]
    Other { detail: String },
    /// Something answers, and it is known for another system by what it says: none of its values is taken.
    #[error("{at} answers as {answers}, the configuration says {configured}; none of its values is taken")]
    OtherSystem { at: String, answers: String, configured: String },
}

impl FetchFailure {
    /// Whether it is how a server that is well says that it has no such path: a status that says so, or the page for
    /// people that some frameworks answer every unknown path with.
    #[must_use]
    pub fn says_no_such_path(&self) -> bool {
        matches!(self, FetchFailure::Status { status: 404 | 405 | 501 } | FetchFailure::Html { .. })
    }

    /// Whether it is a whole answer that was made for another question: a node that is ill, busy or locked is still
    /// itself, and whoever answers like this may be another.
    #[must_use]
    pub fn is_strange(&self) -> bool {
        self.says_no_such_path() || matches!(self, FetchFailure::Malformed { .. })
    }
}

/// What a program said of its end, behind a colon.
fn because(complaint: &str) -> String {
    if complaint.is_empty() { String::new() } else { format!(": {complaint}") }
}
