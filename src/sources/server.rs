//! A Prometheus-compatible server: what it is asked over its HTTP API, and how its answers are read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::http;
use crate::base::{Credentials, Wall, text};
use crate::model::{Ask, FetchFailure, HttpAnswer, HttpCare, HttpRequest};
use crate::promql::data::{Answer, AnswerError};

/// What an answer must be, in words.
const EXPECTED: &str = "an answer of Prometheus' HTTP API";

const INSTANT: &str = "/api/v1/query";

/// Remarks on one answer that are taken.
const MOST_REMARKS: usize = 20;

/// Columns that are shown of what a server says.
const LONGEST_WORDS: usize = 300;

/// Where it answers, and what the console identifies itself with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    pub url: String,
    pub credentials: Option<Credentials>,
}

/// The times of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    At(Wall),
    Steps { from: Wall, to: Wall, step_millis: i64 },
}

/// How long an answer may take, and how large it may be.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub timeout: Duration,
    pub limit_bytes: u64,
}

impl Server {
    /// The request that asks for an expression.
    ///
    /// # Errors
    /// The address is none, or one that shows a password.
    pub fn request(&self, expr: &str, when: When, bounds: Bounds) -> Result<HttpRequest, FetchFailure> {
        let mut url = http::address(&self.url, path(when))?;
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("query", expr);
        match when {
            When::At(at) => pairs.append_pair("time", &seconds(at)),
            When::Steps { from, to, step_millis } => pairs
                .append_pair("start", &seconds(from))
                .append_pair("end", &seconds(to))
                .append_pair("step", &seconds(Wall(step_millis))),
        };
        drop(pairs);
        Ok(self.read(url, bounds))
    }

    /// The request that asks for an expression as it is now, by the server's own clock.
    ///
    /// # Errors
    /// As [`Server::request`].
    pub fn request_now(&self, expr: &str, bounds: Bounds) -> Result<HttpRequest, FetchFailure> {
        let mut url = http::address(&self.url, INSTANT)?;
        url.query_pairs_mut().append_pair("query", expr);
        Ok(self.read(url, bounds))
    }

    fn read(&self, url: url::Url, bounds: Bounds) -> HttpRequest {
        HttpRequest {
            care: HttpCare::default(),
            ask: Ask::Get,
            url: url.to_string(),
            accept: "application/json".to_owned(),
            timeout: bounds.timeout,
            limit_bytes: bounds.limit_bytes,
            credentials: self.credentials.clone(),
        }
    }
}

/// What is asked, without the address of the server.
#[must_use]
pub fn path(when: When) -> &'static str {
    match when {
        When::At(_) => INSTANT,
        When::Steps { .. } => "/api/v1/query_range",
    }
}

/// Reads an answer.
///
/// # Errors
/// The server refuses, in its own words; or this is no answer of such a server.
pub fn read(answer: &HttpAnswer) -> Result<Answer, FetchFailure> {
    let body = String::from_utf8_lossy(&answer.body);
    match Answer::from_json(&body) {
        Ok(answer) => Ok(answer),
        Err(AnswerError::Malformed { .. }) if http::is_html(answer) && answer.status == 200 => {
            Err(FetchFailure::Html { expected: EXPECTED.to_owned() })
        }
        // A refusal has a status of its own; what is no answer at all is told by the status.
        Err(AnswerError::Malformed { .. }) if !(200..300).contains(&answer.status) => {
            Err(FetchFailure::Status { status: answer.status })
        }
        Err(AnswerError::Malformed { what }) => {
            Err(FetchFailure::Malformed { expected: EXPECTED.to_owned(), detail: shown(&what) })
        }
        Err(error @ (AnswerError::Refused { .. } | AnswerError::Unsupported { .. })) => {
            Err(FetchFailure::Other { detail: shown(&error.to_string()) })
        }
    }
}

/// What a server remarks beside its answer: warnings, and hints at what the expression may not mean.
#[must_use]
pub fn remarks(answer: &HttpAnswer) -> Vec<String> {
    #[derive(Deserialize)]
    struct Remarks {
        #[serde(default)]
        warnings: Vec<String>,
        #[serde(default)]
        infos: Vec<String>,
    }
    // An answer without them, or with others than texts, has none that could be told.
    let Ok(Remarks { warnings, infos }) = serde_json::from_slice(&answer.body) else { return Vec::new() };
    warnings.iter().chain(&infos).take(MOST_REMARKS).map(|words| shown(words)).collect()
}

/// What a server says, harmless and not too long.
fn shown(words: &str) -> String {
    text::fitted(&text::clean(words), LONGEST_WORDS).into_owned()
}

fn seconds(at: Wall) -> String {
    at.as_seconds().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { timeout: Duration::from_secs(1), limit_bytes: 1 };

    #[test]
    fn addresses_are_built_and_hold_no_secret() {
        let check = |base: &str, want: Option<&str>| {
            let server = Server { url: base.to_owned(), credentials: None };
            let request = server.request("x{a=\"b\"} + 1", When::At(Wall(1_500)), BOUNDS).ok();
            assert_eq!(request.as_ref().map(|request| request.url.as_str()), want, "{base}");
        };
        let asked = "api/v1/query?query=x%7Ba%3D%22b%22%7D+%2B+1&time=1.5";
        check("http://127.0.0.1:9090", Some(&format!("http://127.0.0.1:9090/{asked}")));
        check("https://host/prefix/", Some(&format!("https://host/prefix/{asked}")));
        check("http://user:secret@host", None);
        check("ftp://host", None);
        check("host", None);
        check("mailto:x", None);
        let range = When::Steps { from: Wall(0), to: Wall(60_000), step_millis: 500 };
        let request = Server { url: "http://h".to_owned(), credentials: None }.request("x", range, BOUNDS);
        let want = "http://h/api/v1/query_range?query=x&start=0&end=60&step=0.5";
        assert_eq!(request.ok().map(|request| request.url).as_deref(), Some(want));
    }

    #[test]
    fn what_is_no_answer_is_said_and_harmless() {
        let check = |status: u16, body: &str, want: &str| {
            let answer = HttpAnswer { status, content_type: String::new(), date: None, body: body.as_bytes().to_vec() };
            match read(&answer) {
                Err(failure) => assert!(failure.to_string().contains(want), "{body}: {failure}"),
                Ok(answer) => panic!("{body}: {answer:?}"),
            }
        };
        check(502, "<html>Bad Gateway</html>", "answered with status 502");
        check(200, "<html>Sign in</html>", "answered with HTML instead of an answer of Prometheus");
        check(200, "{}", "not an answer of Prometheus' HTTP API: it has no status");
        check(200, "", "not an answer of Prometheus' HTTP API");
        let refused = r#"{"status":"error","errorType":"bad_data","error":"parse \u001b[2J error"}"#;
        check(400, refused, "the server refuses: bad_data: parse \u{fffd}[2J error");
        let long = format!(r#"{{"status":"error","errorType":"bad_data","error":"{}"}}"#, "x".repeat(5_000));
        let answer = HttpAnswer { status: 400, content_type: String::new(), date: None, body: long.into_bytes() };
        let said = read(&answer).expect_err("refused").to_string();
        assert!(text::width(&said) <= LONGEST_WORDS, "{said}");
    }
}
