//! Sends the one request of an act: once, to where it was sealed for, with its secrets taken from where they are kept.
//!
//! No redirect is followed, no proxy used, nothing sent again. What comes back is put through the act's output, which
//! masks it and keeps it in bounds.
//!
//! Must never: call a request failed that may have been carried out, or keep a secret longer than it is sent.

use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, LOCATION};

use super::output::Output;
use crate::base::text;
use crate::base::time::spoken;
use crate::model::{Method, SecretHeader};
use crate::runbook::record::Outcome;
use crate::shell::fetch::http::{HttpClient, failure_of};
use crate::shell::secrets;

/// Most of an answer that is read. What an act has to say is short, and the rest would not be kept.
const ANSWER_LIMIT_BYTES: usize = 1 << 20;

/// Longest address of a redirect that is kept.
const LOCATION_COLUMNS: usize = 200;

/// How far a request got, so that a time limit can say what is known.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    status: Option<u16>,
    body_bytes: usize,
}

/// Sends it and waits for the whole answer.
pub async fn send(
    method: Method,
    url: &str,
    headers: &[SecretHeader],
    body: Option<&str>,
    timeout: Duration,
    output: &mut Output,
) -> Outcome {
    let request = match built(method, url, headers, body) {
        Ok(request) => request,
        Err(why) => return Outcome::NotStarted { why: output.masked(&why) },
    };
    let mut reached = Reached::default();
    let outcome = match tokio::time::timeout(timeout, exchange(request, &mut reached, output)).await {
        Ok(outcome) => outcome,
        Err(_) => Outcome::Unknown { why: reached.at_the_limit(timeout) },
    };
    match outcome {
        Outcome::Unknown { why } => Outcome::Unknown { why: output.masked(&why) },
        Outcome::NotStarted { why } => Outcome::NotStarted { why: output.masked(&why) },
        known @ (Outcome::Exited { .. } | Outcome::Signalled { .. } | Outcome::Answered { .. }) => known,
    }
}

/// A client of its own, so that no connection is used again: one that the node is just closing would leave it open
/// whether the request arrived.
fn built(
    method: Method,
    url: &str,
    headers: &[SecretHeader],
    body: Option<&str>,
) -> Result<reqwest::RequestBuilder, String> {
    let client = HttpClient::new().client(url)?;
    let method = match method {
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    };
    let mut request = client.request(method, url).header(ACCEPT, "application/json");
    for SecretHeader { name, value } in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
        let value = secrets::header(value).map_err(|error| error.to_string())?;
        request = request.header(name, value);
    }
    Ok(match body {
        Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_owned()),
        None => request.body(""),
    })
}

async fn exchange(request: reqwest::RequestBuilder, reached: &mut Reached, output: &mut Output) -> Outcome {
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        // Without a connection nothing was sent.
        Err(error) if error.is_connect() || error.is_builder() => {
            return Outcome::NotStarted { why: failure_of(&error).to_string() };
        }
        Err(error) => {
            return Outcome::Unknown { why: format!("sent, and no answer came: {}", failure_of(&error)) };
        }
    };
    let status = answer.status();
    reached.status = Some(status.as_u16());
    output.take(format!("answered with status {}\n", status.as_u16()).as_bytes());
    if status.is_redirection() {
        let to = answer.headers().get(LOCATION).map_or(&b""[..], |to| to.as_bytes());
        // Masked before it is cut: the beginning of a secret is not one that could be found.
        let to = output.masked(&String::from_utf8_lossy(to));
        let to = text::fitted(&text::clean(&to), LOCATION_COLUMNS).into_owned();
        output.take(format!("redirected to {to}; redirects are not followed\n").as_bytes());
    }
    loop {
        match answer.chunk().await {
            Ok(None) => break,
            Ok(Some(piece)) => {
                let room = ANSWER_LIMIT_BYTES - reached.body_bytes;
                output.take(&piece[..piece.len().min(room)]);
                reached.body_bytes += piece.len().min(room);
                if piece.len() > room {
                    output.take(format!("\n[the answer is larger than {ANSWER_LIMIT_BYTES} bytes]\n").as_bytes());
                    break;
                }
            }
            Err(error) => {
                let status = status.as_u16();
                let why = format!("answered with status {status}, and its answer broke off: {}", failure_of(&error));
                return Outcome::Unknown { why };
            }
        }
    }
    Outcome::Answered { status: status.as_u16() }
}

impl Reached {
    fn at_the_limit(self, timeout: Duration) -> String {
        let within = spoken(timeout);
        match self.status {
            None => format!("no answer within {within}"),
            Some(status) => {
                format!("answered with status {status}, and its answer was not whole within {within}")
            }
        }
    }
}
