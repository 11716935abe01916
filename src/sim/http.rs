//! As much of HTTP/1.1 as the demo speaks: the head of a request, the head of an answer, and a whole answer read back.
//! Pure text; who sends it is no concern of this file.

use super::exchange::{Answer, Request};

/// Largest head of a request that is read.
pub const HEAD_LIMIT: usize = 16 * 1024;
/// Largest body of a request that is read.
pub const BODY_LIMIT: usize = 64 * 1024;

/// A request's head, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub request: Request,
    pub content_length: usize,
    pub keep_alive: bool,
    /// Bytes of the head, with its empty line.
    pub length: usize,
}

/// Why a request can not be answered as HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHead {
    TooLarge,
    Malformed,
}

/// How an answer's body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
}

/// Reads the head at the beginning of `bytes`; `None` while it is incomplete.
///
/// # Errors
/// A head that is too large or is not HTTP/1.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, BadHead> {
    let Some(end) = find(bytes, b"\r\n\r\n") else {
        return if bytes.len() > HEAD_LIMIT { Err(BadHead::TooLarge) } else { Ok(None) };
    };
    let text = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok()).ok_or(BadHead::Malformed)?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(BadHead::Malformed);
    };
    if !target.starts_with('/') || !version.starts_with("HTTP/1.") {
        return Err(BadHead::Malformed);
    }
    let mut head = Head {
        request: Request::new(method, target),
        content_length: 0,
        keep_alive: version == "HTTP/1.1",
        length: end + 4,
    };
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(BadHead::Malformed)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => head.content_length = value.parse().map_err(|_| BadHead::Malformed)?,
            "connection" if value.eq_ignore_ascii_case("close") => head.keep_alive = false,
            "x-admin-secret" => head.request.admin_secret = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(Some(head))
}

/// The head of an answer, with its empty line.
pub fn answer_head(answer: &Answer, framing: Framing, keep_alive: bool) -> String {
    let mut text = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("Content-Type: {}\r\nDate: {}\r\n", answer.content_type, answer.date()));
    text.push_str(&match framing {
        Framing::Length(length) => format!("Content-Length: {length}\r\n"),
        Framing::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
    });
    text.push_str(if keep_alive { "Connection: keep-alive\r\n\r\n" } else { "Connection: close\r\n\r\n" });
    text
}

/// A request to the control port: no body, one answer, then the end of the connection.
pub fn control_request(method: &str, target: &str, address: &str, token: &str) -> String {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nX-Demo-Token: {token}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    )
}

/// Reads an answer of the control port that was read to its end: status and body.
///
/// # Errors
/// What is wrong with it, in words.
pub fn whole_answer(bytes: &[u8]) -> Result<(u16, String), String> {
    let end = find(bytes, b"\r\n\r\n").ok_or("the connection closed before an answer came")?;
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    let body = bytes.get(end + 4..).unwrap_or_default();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("the answer is not HTTP")?;
    let promised = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    if promised.is_some_and(|length| length != body.len()) {
        return Err("the connection closed in the middle of the answer".to_owned());
    }
    Ok((status, String::from_utf8_lossy(body).into_owned()))
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_or_refused() {
        let check = |bytes: &str, want: Result<Option<(&str, &str, usize, bool)>, BadHead>| {
            let head = head(bytes.as_bytes());
            let got = head.as_ref().map(|head| {
                head.as_ref().map(|head| {
                    (head.request.path.as_str(), head.request.query.as_str(), head.content_length, head.keep_alive)
                })
            });
            assert_eq!(got.map_err(|bad| *bad), want, "{bytes:?}");
        };
        check("GET /a?b=1 HTTP/1.1\r\nHost: x\r\n\r\n", Ok(Some(("/a", "b=1", 0, true))));
        check("POST /a HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc", Ok(Some(("/a", "", 3, false))));
        check("GET /a HTTP/1.0\r\n\r\n", Ok(Some(("/a", "", 0, false))));
        check("GET /a HTTP/1.1\r\nHost", Ok(None));
        check("GET http://elsewhere/ HTTP/1.1\r\n\r\n", Err(BadHead::Malformed));
        check("\x16\x03\x01 tls\r\n\r\n", Err(BadHead::Malformed));
        check("GET /a HTTP/1.1\r\nContent-Length: many\r\n\r\n", Err(BadHead::Malformed));
        check(&"x".repeat(HEAD_LIMIT + 1), Err(BadHead::TooLarge));
    }

    #[test]
    fn an_answer_that_breaks_off_is_no_answer() {
        let check = |bytes: &str, want: Result<(u16, &str), &str>| {
            let got = whole_answer(bytes.as_bytes());
            assert_eq!(got.as_ref().map(|(s, b)| (*s, b.as_str())).map_err(String::as_str), want, "{bytes:?}");
        };
        check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab", Ok((200, "ab")));
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            Err("the connection closed in the middle of the answer"),
        );
        check("", Err("the connection closed before an answer came"));
        check("HTTP/1.1 OK\r\n\r\n", Err("the answer is not HTTP"));
    }
}
