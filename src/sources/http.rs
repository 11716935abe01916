//! What the kinds that read over HTTP share: the address, the request, and what an answer must be to be read.

use super::kind::mismatched;
use super::{BoundSource, seconds};
use crate::model::{Answer, Ask, Fetch, FetchFailure, HttpAnswer, HttpRequest, Reply};

/// A question to `path` on the source's endpoint, or why there can be none.
#[derive(Debug)]
pub(super) struct Question {
    request: HttpRequest,
}

impl Question {
    pub fn get(bound: &BoundSource, path: &str, accept: &str) -> Result<Question, String> {
        Question::compile(bound, path, accept, Ask::Get)
    }

    pub fn compile(bound: &BoundSource, path: &str, accept: &str, ask: Ask) -> Result<Question, String> {
        let url = address(&bound.base_url, path).map_err(|failure| failure.to_string())?;
        Ok(Question {
            request: HttpRequest {
                ask,
                url: url.to_string(),
                accept: accept.to_owned(),
                timeout: seconds(bound.spec.timeout_seconds),
                limit_bytes: bound.spec.limit_bytes,
                credentials: bound.credentials.clone(),
                care: bound.http,
            },
        })
    }

    pub fn fetch(&self) -> Fetch {
        Fetch::Http(self.request.clone())
    }
}

/// The answer, where its status says that it is one.
pub(super) fn answered(reply: &Reply) -> Result<&HttpAnswer, FetchFailure> {
    match &reply.answer {
        Answer::Http(answer) if (200..300).contains(&answer.status) => Ok(answer),
        Answer::Http(answer) => Err(FetchFailure::Status { status: answer.status }),
        Answer::Tcp | Answer::File(_) | Answer::FileSystem(_) | Answer::Command(_) => Err(mismatched()),
    }
}

/// The node's clock minus ours in the middle of the request, in seconds. The node gives whole seconds, so that less
/// than one is none.
pub(super) fn skew(reply: &Reply) -> Option<f64> {
    let date = match &reply.answer {
        Answer::Http(answer) => answer.date?,
        Answer::Tcp | Answer::File(_) | Answer::FileSystem(_) | Answer::Command(_) => return None,
    };
    let middle = reply.sent.wall.plus(reply.took / 2).as_seconds();
    let skew = date.as_seconds() - middle;
    Some(if skew.abs() < 1.0 { 0.0 } else { skew })
}

/// Whether an answer is a page for people: some proxies and frameworks answer every question with one.
pub(super) fn is_html(answer: &HttpAnswer) -> bool {
    let content_type = answer.content_type.trim_start().to_ascii_lowercase();
    content_type.starts_with("text/html") || answer.body.trim_ascii_start().starts_with(b"<")
}

/// The endpoint's URL with the source's path and query.
pub(super) fn address(base_url: &str, path: &str) -> Result<url::Url, FetchFailure> {
    let fail = |detail: String| FetchFailure::Address { detail };
    let mut url = url::Url::parse(base_url).map_err(|error| fail(format!("{base_url:?}: {error}")))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(fail(format!("{:?} is neither http nor https", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fail("it carries a user name or a password, which would be shown".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fail(format!("{base_url:?} has a query; that belongs to the source's path")));
    }
    if !path.starts_with('/') || path.contains('#') {
        return Err(fail(format!("the path {path:?} does not begin with / or has a #")));
    }
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path, None),
    };
    let whole = format!("{}{path}", url.path().trim_end_matches('/'));
    url.set_path(&whole);
    url.set_query(query);
    Ok(url)
}
