//! A Prometheus-compatible server, asked once over its HTTP API.

use std::time::Duration;

use color_eyre::eyre::{Result, WrapErr, bail};
use url::Url;

use super::time::When;
use crate::base::Wall;
use crate::model::HttpRequest;
use crate::promql::data::{Answer, AnswerError};
use crate::shell;
use crate::shell::fetch::http::HttpClient;

/// A server that takes longer has its own limit, and is not waited for.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Largest answer that is read.
const LIMIT_BYTES: u64 = 64 << 20;

/// Asks.
///
/// # Errors
/// No address, no server, or no answer, in the server's words.
pub(super) fn ask(base: &str, expr: &str, when: When) -> Result<Answer> {
    let url = address(base, expr, when)?;
    let request = HttpRequest {
        url: url.to_string(),
        accept: "application/json".to_owned(),
        timeout: TIMEOUT,
        limit_bytes: LIMIT_BYTES,
        credentials: None,
    };
    let answer = shell::runtime()?.block_on(HttpClient::new().get(&request)).wrap_err_with(|| base.to_owned())?;
    let body = String::from_utf8_lossy(&answer.body);
    match Answer::from_json(&body) {
        // A refusal has a status of its own; what is no answer at all is told by the status.
        Err(AnswerError::Malformed { .. }) if !(200..300).contains(&answer.status) => {
            bail!("{base}: HTTP status {}, and no answer of Prometheus' HTTP API", answer.status)
        }
        read => read.wrap_err_with(|| base.to_owned()),
    }
}

fn address(base: &str, expr: &str, when: When) -> Result<Url> {
    let mut url = Url::parse(base).wrap_err_with(|| format!("--url {base}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        bail!("--url {base}: a server is asked over http or https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        bail!("--url: others see what is typed here; an address may have no user and no password");
    }
    let end = match when {
        When::At(_) => "query",
        When::Steps { .. } => "query_range",
    };
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(["api", "v1", end]),
        Err(()) => bail!("--url {base}: it has no path"),
    };
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
    Ok(url)
}

fn seconds(at: Wall) -> String {
    at.as_seconds().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_built_and_hold_no_secret() {
        let check = |base: &str, want: Option<&str>| {
            let url = address(base, "x{a=\"b\"} + 1", When::At(Wall(1_500))).ok();
            assert_eq!(url.as_ref().map(Url::as_str), want, "{base}");
        };
        let asked = "api/v1/query?query=x%7Ba%3D%22b%22%7D+%2B+1&time=1.5";
        check("http://127.0.0.1:9090", Some(&format!("http://127.0.0.1:9090/{asked}")));
        check("https://host/prefix/", Some(&format!("https://host/prefix/{asked}")));
        check("http://user:secret@host", None);
        check("ftp://host", None);
        check("host", None);
        check("mailto:x", None);
        let range = When::Steps { from: Wall(0), to: Wall(60_000), step_millis: 500 };
        let url = address("http://h", "x", range).map(|url| url.to_string()).ok();
        assert_eq!(url.as_deref(), Some("http://h/api/v1/query_range?query=x&start=0&end=60&step=0.5"));
    }
}
