//! The one client of Prometheus-compatible servers: a question over HTTP, read on a worker where it is large.

use super::fetch::http::HttpClient;
use crate::model::FetchFailure;
use crate::promql::data::Answer;
use crate::sources::server::{Bounds, Server, When, read};

/// Answers up to this size are read where they arrive.
const READ_IN_PLACE: usize = 16 << 10;

/// Asks once.
///
/// # Errors
/// No address, no server, or no answer, in the server's words.
pub async fn ask(
    client: &HttpClient,
    server: &Server,
    expr: &str,
    when: When,
    bounds: Bounds,
) -> Result<Answer, FetchFailure> {
    let answer = client.ask(&server.request(expr, when, bounds)?).await?;
    if answer.body.len() <= READ_IN_PLACE {
        return read(&answer);
    }
    let detail = || "the answer could not be read: a mistake in the console, please report it".to_owned();
    let reading = tokio::task::spawn_blocking(move || read(&answer)).await;
    reading.unwrap_or_else(|_| Err(FetchFailure::Other { detail: detail() }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fetch::http::loopback::{Act, answer, serve};
    use super::*;
    use crate::base::Wall;

    const BOUNDS: Bounds = Bounds { timeout: Duration::from_millis(300), limit_bytes: 100_000 };

    async fn asked(acts: Vec<Act>) -> Result<Answer, FetchFailure> {
        let server = serve(acts).await;
        let there = Server { url: server.url.clone(), credentials: None };
        ask(&HttpClient::new(), &there, "up", When::At(Wall(0)), BOUNDS).await
    }

    #[tokio::test]
    async fn a_server_that_gives_no_answer_is_told_apart() {
        let check = async |acts: Vec<Act>, want: &str| {
            let failure = asked(acts).await.expect_err(want).to_string();
            assert!(failure.contains(want), "{want}: {failure}");
        };
        check(vec![], "closed in the middle").await;
        check(vec![answer("500 Internal Server Error", "", "oops")], "status 500").await;
        check(vec![answer("200 OK", "Content-Type: text/html\r\n", "<html>Sign in</html>")], "HTML").await;
        check(vec![answer("200 OK", "", "{\"status\":")], "not an answer of Prometheus' HTTP API").await;
        check(vec![answer("200 OK", "", "[1, 2]")], "it has no status").await;
        check(vec![answer("200 OK", "", &"x".repeat(200_000))], "larger than 100000 bytes").await;
        check(vec![answer("302 Found", "Location: http://x/\r\n", "")], "redirected").await;
        check(vec![Act::Hold], "no complete answer within").await;
        let refused =
            r#"{"status":"error","errorType":"execution","error":"query processing would load too many samples"}"#;
        check(vec![answer("422 Unprocessable Entity", "", refused)], "too many samples").await;
    }

    #[tokio::test]
    async fn a_large_answer_is_read_like_a_small_one() {
        for count in [1, 1_000] {
            let values: Vec<String> = (0..count).map(|at| format!("[{at},\"1\"]")).collect();
            let series = format!(r#"{{"metric":{{"__name__":"x"}},"values":[{}]}}"#, values.join(","));
            let body = format!(r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#);
            let Ok(Answer::Matrix(series)) = asked(vec![answer("200 OK", "", &body)]).await else { panic!("a matrix") };
            assert_eq!(series[0].samples.len(), count);
        }
    }
}
