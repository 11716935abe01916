//! A request to a simulated node and its answer: what travels between a listener and a model.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::model::{Ask, HttpRequest};

/// Which of its two faces the node shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// What the runbook says.
    #[serde(alias = "Documented")]
    Documented,
    /// What the code does.
    #[serde(alias = "AsBuilt")]
    AsBuilt,
}

/// What is asked of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Without the question mark; empty where there is none.
    pub query: String,
    /// The `X-Admin-Secret` header.
    #[serde(default, skip_serializing)]
    pub admin_secret: Option<String>,
    /// What came with it; empty where nothing did.
    #[serde(default)]
    pub body: String,
    /// Which of the ports of the simulated system is asked, by its number.
    #[serde(default)]
    pub port: usize,
}

/// What the node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub content_type: Cow<'static, str>,
    /// Beside `Content-Type`, `Content-Length` and `Date`.
    pub headers: Vec<(&'static str, String)>,
    /// The `Date` header, by the node's clock, in milliseconds since the epoch.
    pub date_millis: i64,
    pub body: String,
    /// What the read costs the node.
    pub takes_millis: u64,
}

/// How an answer reaches the one who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    Whole,
    /// Nothing listens.
    Refused,
    /// The whole answer, after ten seconds.
    Slow,
    /// The head at once, then one byte of the body each second.
    Dripping,
    /// The head promises the whole body, and half of it comes.
    Truncated,
    /// A body of 100 MB, streamed.
    Huge,
}

impl Surface {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Surface::Documented => "documented",
            Surface::AsBuilt => "as-built",
        }
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Surface> {
        [Surface::Documented, Surface::AsBuilt].into_iter().find(|surface| surface.name() == name)
    }
}

impl Request {
    /// A GET of `/path?query`.
    #[must_use]
    pub fn get(target: &str) -> Request {
        Request::new("GET", target)
    }

    #[must_use]
    pub fn new(method: &str, target: &str) -> Request {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            admin_secret: None,
            body: String::new(),
            port: 0,
        }
    }

    /// What a read over HTTP asks, as a listener understands it.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Request {
        let target = request.url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        match &request.ask {
            Ask::Get => Request::get(target.unwrap_or("/")),
            Ask::Post { body } => {
                Request::new("POST", target.unwrap_or("/")).with_body(body.as_deref().unwrap_or_default())
            }
        }
    }

    /// The same at this port.
    #[must_use]
    pub fn at_port(self, port: usize) -> Request {
        Request { port, ..self }
    }

    /// The same with this body.
    #[must_use]
    pub fn with_body(self, body: &str) -> Request {
        Request { body: body.to_owned(), ..self }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name)).map(|(_, v)| v)
    }
}

impl Answer {
    /// The `Date` header.
    #[must_use]
    pub fn date(&self) -> String {
        let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
        jiff::Timestamp::from_millisecond(self.date_millis)
            .and_then(|timestamp| printer.timestamp_to_rfc9110_string(&timestamp))
            .unwrap_or_default()
    }
}
