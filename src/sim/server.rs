//! A port of a simulated system: HTTP by hand, because a well-behaved server can not drip, truncate or vanish.
//!
//! Loopback only. At most [`CONNECTIONS`] at a time, each with bounded heads and bodies. While the service is down or
//! the port refuses, the listener is closed and every open connection is cut, as when a process ends.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::error::SimError;
use super::exchange::{Answer, Delivery, Request};
use super::http::{self, Framing, Head};
use super::simulation::Event;
use super::stage::Stage;

const CONNECTIONS: usize = 64;
/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(5);
const SLOW: Duration = Duration::from_secs(10);
const DRIP: Duration = Duration::from_secs(1);
const HUGE_CHUNK: usize = 64 * 1024;
const HUGE_CHUNKS: usize = 1_600;
/// How often the listener looks whether a start has ended, and keeps the node's life from falling behind.
const STARTING_LOOK: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_secs(1);

/// Opens a listener on loopback; port 0 is any port.
///
/// # Errors
/// The port is taken or may not be opened.
pub async fn listen(port: u16) -> Result<TcpListener, SimError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| SimError::Listen { port, source })
}

/// Keeps a port as open or closed as the system says, and answers on it. Ends only when it is dropped.
pub async fn run(stage: Stage, port: usize, first: TcpListener) -> io::Result<()> {
    let address = first.local_addr()?;
    let mut listener = Some(first);
    let mut changes = stage.changes();
    let mut connections = JoinSet::new();
    loop {
        let number = *changes.borrow_and_update();
        let (starting, listening) = stage.look(|play, _| (play.starting(), play.listening(port)));
        follow(&stage, port, listening, address, &mut listener, &mut connections).await;
        stage.follow(port, number, listener.is_some());
        let look = if starting { STARTING_LOOK } else { LOOK };
        tokio::select! {
            accepted = accept(listener.as_ref()) => match accepted {
                Ok(stream) if connections.len() < CONNECTIONS => {
                    let stage = stage.clone();
                    connections.spawn(async move {
                        // A reader that goes away in the middle is its own affair.
                        let _ = converse(stage, port, stream).await;
                    });
                }
                Ok(stream) => drop(stream),
                // Out of file descriptors, or a connection that died in the queue: neither is helped by haste.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            changed = changes.changed() => if changed.is_err() { return Ok(()) },
            Some(_) = connections.join_next() => {}
            () = sleep(look) => {}
        }
    }
}

async fn follow(
    stage: &Stage,
    port: usize,
    listening: bool,
    address: SocketAddr,
    listener: &mut Option<TcpListener>,
    connections: &mut JoinSet<()>,
) {
    match (listening, listener.is_some()) {
        (true, false) => match TcpListener::bind(address).await {
            Ok(opened) => *listener = Some(opened),
            Err(_) => {
                stage.change(Event::PortTaken { port });
            }
        },
        (false, true) => {
            *listener = None;
            connections.shutdown().await;
        }
        (true, true) | (false, false) => {}
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<TcpStream> {
    match listener {
        Some(listener) => listener.accept().await.map(|(stream, _)| stream),
        None => std::future::pending().await,
    }
}

async fn converse(stage: Stage, port: usize, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let Some(head) = read_request(&mut stream, &mut buffer).await? else { return Ok(()) };
        let (answer, delivery) = stage.answer(&Request { port, ..head.request });
        stage.take_time(port, answer.takes_millis).await;
        let whole = deliver(&mut stream, &answer, delivery, head.keep_alive).await?;
        if !(whole && head.keep_alive) {
            return stream.shutdown().await;
        }
    }
}

/// Reads one request with its body. `None` when the reader said nothing more, or nothing sensible.
async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Head>> {
    loop {
        match http::head(buffer) {
            Ok(Some(head)) if head.content_length > http::BODY_LIMIT => return Ok(None),
            Ok(Some(mut head)) if buffer.len() >= head.length + head.content_length => {
                let whole: Vec<u8> = buffer.drain(..head.length + head.content_length).collect();
                head.request.body = String::from_utf8_lossy(whole.get(head.length..).unwrap_or_default()).into_owned();
                return Ok(Some(head));
            }
            Ok(_) => {}
            Err(_) => {
                stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await?;
                return Ok(None);
            }
        }
        let mut part = [0; 4096];
        match timeout(IDLE, stream.read(&mut part)).await {
            Ok(Ok(0)) | Err(_) => return Ok(None),
            Ok(Ok(count)) => buffer.extend_from_slice(part.get(..count).unwrap_or_default()),
            Ok(Err(error)) => return Err(error),
        }
    }
}

/// Sends an answer as it is to travel. True when the connection can go on.
async fn deliver(stream: &mut TcpStream, answer: &Answer, delivery: Delivery, keep_alive: bool) -> io::Result<bool> {
    let body = answer.body.as_bytes();
    let head = |framing| http::answer_head(answer, framing, keep_alive);
    match delivery {
        // The port closes for this one; whoever is still connected is cut off.
        Delivery::Refused => return Ok(false),
        Delivery::Whole => {}
        Delivery::Slow => sleep(SLOW).await,
        Delivery::Dripping => {
            stream.write_all(head(Framing::Length(body.len())).as_bytes()).await?;
            for byte in body.chunks(1) {
                stream.write_all(byte).await?;
                sleep(DRIP).await;
            }
            return Ok(true);
        }
        Delivery::Truncated => {
            stream.write_all(head(Framing::Length(body.len())).as_bytes()).await?;
            stream.write_all(body.get(..body.len() / 2).unwrap_or_default()).await?;
            return Ok(false);
        }
        Delivery::Huge => {
            stream.write_all(head(Framing::Chunked).as_bytes()).await?;
            stream_huge(stream).await?;
            return Ok(true);
        }
    }
    let mut whole = head(Framing::Length(body.len())).into_bytes();
    whole.extend_from_slice(body);
    stream.write_all(&whole).await?;
    Ok(true)
}

/// A JSON string of 100 MB. Its length is not announced, so that the reader has to count.
async fn stream_huge(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"1\r\n\"\r\n").await?;
    let mut chunk = format!("{HUGE_CHUNK:x}\r\n").into_bytes();
    chunk.resize(chunk.len() + HUGE_CHUNK, b'x');
    chunk.extend_from_slice(b"\r\n");
    for _ in 0..HUGE_CHUNKS {
        stream.write_all(&chunk).await?;
    }
    stream.write_all(b"1\r\n\"\r\n0\r\n\r\n").await
}
