//! Carries out HTTP reads: bounded in size and time, without redirects, cookies, proxies or retries.
//!
//! A body is read piece by piece and the connection dropped at the first byte too many; the timeout runs from sending
//! to the last byte, so that an endpoint which drips one byte a second ends like one that is silent. Whatever goes
//! wrong comes back as one [`FetchFailure`], in the operator's words.

use std::error::Error;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::super::secrets;
use super::{connection_failure, shown};
use crate::base::Wall;
use crate::model::{Ask, FetchFailure, HttpAnswer, HttpRequest};
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, HOST, HeaderMap, HeaderName, LOCATION,
    USER_AGENT,
};

/// How long a connection may take. A listener on a living machine answers within one lost packet's time.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How long an unused connection is kept: shorter than the five seconds after which common servers close it, so that a
/// request never meets a connection that is just being closed.
const IDLE_FOR: Duration = Duration::from_secs(4);

/// Who asks, as nodes see it.
const NAMED: &str = concat!("opsconsole/", env!("CARGO_PKG_VERSION"));

/// A body from this size on gets [`ROOM`] at once.
const LARGE_BODY: usize = 256 << 10;

/// Allocators give back room of more than 32 MB at once.
const ROOM: usize = 33 << 20;

/// Bytes of a body that are read before others have their turn.
const IN_ONE_GO: usize = 256 << 10;

/// Reads over HTTP. Cheap to clone; the clients behind it are built at their first use, so that starting costs nothing
/// and a console that reads only plain HTTP never loads a certificate.
#[derive(Clone, Debug, Default)]
pub struct HttpClient {
    plain: Arc<OnceLock<Result<reqwest::Client, String>>>,
    tls: Arc<OnceLock<Result<reqwest::Client, String>>>,
}

impl HttpClient {
    #[must_use]
    pub fn new() -> HttpClient {
        HttpClient::default()
    }

    /// Carries out a read.
    ///
    /// # Errors
    /// Nothing, or not all, came back; or a redirect did. A status that is not 2xx is an answer: the source judges it.
    pub async fn ask(&self, request: &HttpRequest) -> Result<HttpAnswer, FetchFailure> {
        let client = self.client(&request.url).map_err(|detail| FetchFailure::Tls { detail })?;
        let mut body = Vec::new();
        // The body outlives the attempt, so that a timeout can say how much had come.
        match tokio::time::timeout(request.timeout, head_and_body(&client, request, &mut body)).await {
            Ok(Ok(head)) => {
                Ok(HttpAnswer { status: head.status, content_type: head.content_type, date: head.date, body })
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => {
                let received_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
                Err(FetchFailure::Timeout { after: request.timeout, received_bytes })
            }
        }
    }

    /// The client for an address: of one kind for plain HTTP, of another for TLS.
    pub(in crate::shell) fn client(&self, url: &str) -> Result<reqwest::Client, String> {
        let secure = url.starts_with("https:");
        let client = if secure { &self.tls } else { &self.plain };
        client.get_or_init(|| build(secure)).clone()
    }
}

struct Head {
    status: u16,
    content_type: String,
    date: Option<Wall>,
}

async fn head_and_body(
    client: &reqwest::Client,
    request: &HttpRequest,
    body: &mut Vec<u8>,
) -> Result<Head, FetchFailure> {
    let too_large = FetchFailure::TooLarge { limit_bytes: request.limit_bytes };
    let mut asked = match &request.ask {
        Ask::Get => client.get(&request.url),
        // No body has a length too: some servers wait for one until it is said that there is none.
        Ask::Post { body: None } => client.post(&request.url).header(CONTENT_LENGTH, "0"),
        Ask::Post { body: Some(body) } => {
            client.post(&request.url).header(CONTENT_TYPE, "application/json").body(body.clone())
        }
    };
    asked = asked.header(ACCEPT, &request.accept);
    if let Some(authorization) = secrets::authorization(request)? {
        asked = asked.header(AUTHORIZATION, authorization);
    }
    if request.care.fresh_connection {
        // It is not kept for the next request either.
        asked = asked.header(CONNECTION, "close");
    }
    let asked = asked.build().map_err(|error| failure_of(&error))?;
    if let Some(limit_bytes) = request.care.request_bytes
        && let needed = size_of_request(&asked)
        && needed > limit_bytes
    {
        let detail = format!("the request has {needed} bytes, and the server reads no more than {limit_bytes}");
        return Err(FetchFailure::Address { detail });
    }
    let mut answer = client.execute(asked).await.map_err(|error| failure_of(&error))?;
    if answer.status().is_redirection() {
        let to = header(answer.headers(), LOCATION);
        let to = if to.is_empty() { "an address it does not name".to_owned() } else { shown(&to) };
        return Err(FetchFailure::Redirected { to });
    }
    if answer.content_length().is_some_and(|length| length > request.limit_bytes) {
        return Err(too_large);
    }
    while let Some(piece) = answer.chunk().await.map_err(|error| failure_of(&error))? {
        let length = u64::try_from(body.len() + piece.len()).unwrap_or(u64::MAX);
        if length > request.limit_bytes {
            return Err(too_large);
        }
        make_room(body, piece.len());
        body.extend_from_slice(&piece);
        // A body that comes as fast as it is read would keep the thread that answers keys for all of its length.
        if body.len() / IN_ONE_GO != (body.len() - piece.len()) / IN_ONE_GO {
            tokio::task::yield_now().await;
        }
    }
    let date = DateTimeParser::new().parse_timestamp(header(answer.headers(), DATE));
    Ok(Head {
        status: answer.status().as_u16(),
        content_type: header(answer.headers(), CONTENT_TYPE),
        date: date.ok().map(|date| Wall(date.as_millisecond())),
    })
}

/// Bytes that a request has when it is sent: its line, its headers with those that the client adds, and its body.
fn size_of_request(request: &reqwest::Request) -> u64 {
    let url = request.url();
    let path = url.path().len() + url.query().map_or(0, |query| query.len() + 1);
    let line = request.method().as_str().len() + path + " HTTP/1.1\r\n".len() + 1;
    let header = |name: &HeaderName, length: usize| name.as_str().len() + length + ": \r\n".len();
    let host = url.host_str().unwrap_or_default().len() + url.port().map_or(0, |port| port.to_string().len() + 1);
    let body = request.body().map_or(0, |body| body.as_bytes().map_or(0, <[u8]>::len));
    let added = header(&HOST, host)
        + header(&USER_AGENT, NAMED.len())
        + if body > 0 { header(&CONTENT_LENGTH, body.to_string().len()) } else { 0 };
    let given: usize = request.headers().iter().map(|(name, value)| header(name, value.len())).sum();
    u64::try_from(line + added + given + "\r\n".len() + body).unwrap_or(u64::MAX)
}

/// Makes room for one more piece of a body. A body that grows by doubling leaves every size that it had behind in the
/// process; room for more than 32 MB comes from the system as a whole, goes back to it when the answer has been read,
/// and takes no memory where nothing is written.
fn make_room(body: &mut Vec<u8>, piece: usize) {
    let needed = body.len() + piece;
    if needed > body.capacity() && (LARGE_BODY..ROOM).contains(&needed) {
        body.reserve_exact(ROOM - body.len());
    }
}

fn header(headers: &HeaderMap, name: HeaderName) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

/// A client for plain HTTP trusts no certificate and so needs to load none.
fn build(secure: bool) -> Result<reqwest::Client, String> {
    // Fails only where a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .user_agent(NAMED)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_WITHIN)
        .pool_idle_timeout(IDLE_FOR)
        .pool_max_idle_per_host(1);
    let builder = if secure { builder } else { builder.tls_certs_only([]) };
    builder.build().map_err(|error| shown(&chain(&error)))
}

/// What went wrong, found by walking down to the system's own error.
pub(in crate::shell) fn failure_of(error: &reqwest::Error) -> FetchFailure {
    if error.is_builder() {
        return FetchFailure::Address { detail: shown(&chain(error)) };
    }
    if error.is_dns() {
        return FetchFailure::HostNotFound;
    }
    if error.is_connect() && error.is_timeout() {
        return FetchFailure::ConnectTimeout { after: CONNECT_WITHIN };
    }
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(current) = cause {
        if let Some(failure) = known(current) {
            return failure;
        }
        cause = current.source();
    }
    FetchFailure::Other { detail: shown(&chain(error)) }
}

fn known(error: &(dyn Error + 'static)) -> Option<FetchFailure> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(FetchFailure::Tls { detail: shown(&tls.to_string()) });
    }
    let Some(error) = error.downcast_ref::<io::Error>() else {
        // The HTTP library keeps this kind to itself; its text is all there is.
        return error.to_string().starts_with("connection closed before").then_some(FetchFailure::Closed);
    };
    // An error inside an I/O error is not among its sources.
    if let Some(failure) = error.get_ref().and_then(|inner| known(inner)) {
        return Some(failure);
    }
    connection_failure(error)
}

/// An error with its causes, without their repetitions.
fn chain(error: &dyn Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(current) = cause {
        let part = current.to_string();
        if !parts.iter().any(|have| have.contains(&part)) {
            parts.push(part);
        }
        cause = current.source();
    }
    parts.join(": ")
}

#[cfg(test)]
pub mod loopback;

#[cfg(test)]
mod tests {
    use super::super::LONGEST_DETAIL;
    use super::loopback::{Act, answer, echo, serve};
    use super::*;
    use crate::base::text;
    use crate::model::HttpCare;
    use crate::shell::eventually::eventually;

    fn request(url: &str) -> HttpRequest {
        HttpRequest {
            ask: Ask::Get,
            url: url.to_owned(),
            accept: "application/json".to_owned(),
            timeout: Duration::from_millis(300),
            limit_bytes: 1000,
            credentials: None,
            care: HttpCare::default(),
        }
    }

    async fn read(acts: Vec<Act>) -> Result<HttpAnswer, FetchFailure> {
        let server = serve(acts).await;
        HttpClient::new().ask(&request(&server.url)).await
    }

    #[tokio::test]
    async fn an_answer_comes_whole_with_its_status_type_and_date() {
        let headers = "Content-Type: application/json\r\nDate: Tue, 09 Sep 2025 08:43:09 GMT\r\n";
        let reply = read(vec![answer("500 Oops", headers, "{\"a\":1}")]).await.expect("an answer");
        assert_eq!((reply.status, reply.content_type.as_str()), (500, "application/json"));
        assert_eq!(reply.date, Some(Wall(1_757_407_389_000)));
        assert_eq!(reply.body, b"{\"a\":1}");
        let reply = read(vec![answer("200 OK", "Date: whenever\r\n", "")]).await.expect("an answer");
        assert_eq!((reply.date, reply.body.len()), (None, 0));
    }

    #[tokio::test]
    async fn a_read_by_post_brings_its_body_or_none() {
        let (url, server) = echo().await;
        let asked = async |ask: Ask| {
            let reply = HttpClient::new().ask(&HttpRequest { ask, ..request(&url) }).await.expect("an answer");
            String::from_utf8_lossy(&reply.body).into_owned()
        };
        let body = r#"{"id":1}"#;
        let came = asked(Ask::Post { body: Some(body.to_owned()) }).await;
        assert!(came.starts_with("POST / HTTP/1.1\r\n") && came.ends_with(&format!("\r\n\r\n{body}")), "{came}");
        assert!(came.contains("content-type: application/json\r\n") && came.contains("content-length: 8"), "{came}");
        // One server reads no more than 512 bytes of a request.
        assert!(came.len() < 400, "{}", came.len());
        let came = asked(Ask::Post { body: None }).await;
        assert!(came.starts_with("POST /") && came.contains("content-length: 0\r\n"), "{came}");
        assert!(asked(Ask::Get).await.starts_with("GET / HTTP/1.1\r\n"));
        server.abort();
    }

    /// A server as some nodes have it: it takes one connection at a time, reads once and at most 512 bytes, answers any
    /// path, and lets go of the connection without a word.
    async fn curt() -> (String, tokio::task::JoinHandle<()>) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/metrics", listener.local_addr().expect("a bound address"));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut came = [0; 512];
                let Ok(length) = stream.read(&mut came).await else { continue };
                let whole = came[..length].ends_with(b"\r\n\r\n");
                let closes =
                    String::from_utf8_lossy(&came[..length]).to_ascii_lowercase().contains("connection: close");
                // What waits for an answer to half a request would wait for ever.
                let body = if whole && closes { "a 1\n" } else { "" };
                let length = body.len();
                let bytes = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes();
                drop(stream.write_all(&bytes).await);
            }
        });
        (url, task)
    }

    #[tokio::test]
    async fn a_server_that_reads_little_and_closes_at_once_is_asked_as_it_needs_it() {
        let (url, server) = curt().await;
        let client = HttpClient::new();
        let care = HttpCare { fresh_connection: true, request_bytes: Some(512) };
        for _ in 0..5 {
            let reply = client.ask(&HttpRequest { care, ..request(&url) }).await.expect("an answer each time");
            assert_eq!(reply.body, b"a 1\n");
        }
        let long = HttpRequest { care, ..request(&format!("{url}?{}", "x".repeat(500))) };
        match client.ask(&long).await {
            Err(FetchFailure::Address { detail }) => assert!(detail.contains("no more than 512"), "{detail}"),
            other => panic!("{other:?}"),
        }
        server.abort();
    }

    #[tokio::test]
    async fn what_a_request_needs_is_counted_to_the_byte() {
        let (url, server) = echo().await;
        for ask in [Ask::Get, Ask::Post { body: None }, Ask::Post { body: Some(r#"{"id":1}"#.to_owned()) }] {
            for fresh_connection in [false, true] {
                let care = HttpCare { fresh_connection, request_bytes: None };
                let asked = HttpRequest { ask: ask.clone(), care, ..request(&format!("{url}/a?b=c")) };
                let sent = HttpClient::new().ask(&asked).await.expect("an answer").body.len() as u64;
                let limited = |request_bytes| HttpRequest {
                    care: HttpCare { request_bytes: Some(request_bytes), ..care },
                    ..asked.clone()
                };
                assert!(HttpClient::new().ask(&limited(sent)).await.is_ok(), "{asked:?}");
                assert!(HttpClient::new().ask(&limited(sent - 1)).await.is_err(), "{asked:?}");
            }
        }
        server.abort();
    }

    #[tokio::test]
    async fn a_refused_connection_is_named() {
        let server = serve(vec![]).await;
        let url = server.url.clone();
        drop(server);
        // The listener is closed when its task has ended.
        let client = HttpClient::new();
        let refused = async || client.ask(&request(&url)).await.err() == Some(FetchFailure::Refused);
        assert!(eventually(refused).await);
    }

    #[tokio::test]
    async fn silence_and_dripping_end_with_a_timeout_that_says_what_came() {
        let after = Duration::from_millis(300);
        assert_eq!(read(vec![Act::Hold]).await.err(), Some(FetchFailure::Timeout { after, received_bytes: 0 }));
        let head = Act::Write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n".to_vec());
        match read(vec![head, Act::Drip]).await {
            Err(FetchFailure::Timeout { received_bytes, .. }) => assert!(received_bytes > 0),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn too_much_is_not_read() {
        let too_large = Some(FetchFailure::TooLarge { limit_bytes: 1000 });
        let told = Act::Write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n".to_vec());
        assert_eq!(read(vec![told, Act::Hold]).await.err(), too_large, "believed at its word, without reading");
        let untold = Act::Write(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(2000)).into_bytes());
        assert_eq!(read(vec![untold, Act::Hold]).await.err(), too_large);
        let fits = answer("200 OK", "", &"x".repeat(1000));
        assert_eq!(read(vec![fits]).await.expect("exactly the limit").body.len(), 1000);
    }

    #[tokio::test]
    async fn a_connection_that_ends_early_is_closed() {
        let check = async |acts: Vec<Act>| assert_eq!(read(acts).await.err(), Some(FetchFailure::Closed));
        check(vec![]).await;
        check(vec![Act::Write(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec())]).await;
        check(vec![Act::Write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"height\":".to_vec())]).await;
        check(vec![Act::Write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc".to_vec())]).await;
    }

    #[tokio::test]
    async fn redirects_are_told_and_not_followed() {
        let elsewhere = serve(vec![answer("200 OK", "", "{}")]).await;
        let headers = format!("Location: {}/x\r\n", elsewhere.url);
        let to = format!("{}/x", elsewhere.url);
        assert_eq!(read(vec![answer("302 Found", &headers, "")]).await.err(), Some(FetchFailure::Redirected { to }));
        assert_eq!(elsewhere.requests.load(std::sync::atomic::Ordering::SeqCst), 0);
        let long = format!("Location: http://x/{}\r\n", "y".repeat(5000));
        match read(vec![answer("301 Moved", &long, "")]).await {
            Err(FetchFailure::Redirected { to }) => assert!(text::width(&to) <= LONGEST_DETAIL),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn what_is_not_http_is_said_to_be_so() {
        match read(vec![Act::Write(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())]).await {
            Err(FetchFailure::Other { detail }) => assert!(detail.contains("invalid HTTP"), "{detail}"),
            other => panic!("{other:?}"),
        }
        let failure = HttpClient::new().ask(&request("http://")).await.expect_err("no host");
        assert!(matches!(failure, FetchFailure::Address { .. }), "{failure}");
    }

    #[tokio::test]
    async fn tls_that_fails_is_said_to_be_tls() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://{}/", listener.local_addr().expect("a bound address"));
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            std::future::pending::<()>().await;
        });
        let failure = HttpClient::new().ask(&request(&url)).await.expect_err("no TLS there");
        assert!(matches!(failure, FetchFailure::Tls { .. }), "{failure}");
        server.abort();
    }
}
