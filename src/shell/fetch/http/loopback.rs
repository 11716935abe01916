//! A small server that misbehaves as told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What happens on a connection once a request's head was read.
#[derive(Clone, Debug)]
pub enum Act {
    Write(Vec<u8>),
    /// Write one byte, wait a little, for ever.
    Drip,
    /// Keep the connection open and silent.
    Hold,
    Pause(Duration),
}

pub struct Loopback {
    pub url: String,
    pub requests: Arc<AtomicUsize>,
    /// The most requests that were answered at the same time.
    pub most: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with these header lines and this body. It says that the connection ends with it, as [`serve`] ends it: a
/// client that were not told might put its next question to a connection that is just being closed.
pub fn answer(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}Content-Length: {length}");
    Act::Write(format!("{head}\r\n\r\n{body}").into_bytes())
}

/// An answer whose body is the request's own head and body, as it came.
pub async fn echo() -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound address"));
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut came = vec![0; 4_096];
            let mut length = 0;
            // Head and body may come apart; a body ends as JSON does here, or there is none.
            while let Ok(read) = stream.read(&mut came[length..]).await {
                length += read;
                let text = String::from_utf8_lossy(&came[..length]);
                let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                    head.contains("content-length: 0") || body.ends_with('}') || head.starts_with("GET")
                });
                if read == 0 || whole {
                    break;
                }
            }
            let body = String::from_utf8_lossy(&came[..length]).into_owned();
            let Act::Write(bytes) = answer("200 OK", "", &body) else { continue };
            drop(stream.write_all(&bytes).await);
        }
    });
    (url, task)
}

pub async fn serve(acts: Vec<Act>) -> Loopback {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound address"));
    let (requests, most, now) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default(), Arc::default());
    let counters = (Arc::clone(&requests), Arc::clone(&most));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acts, (requests, most), now) = (acts.clone(), counters.clone(), Arc::clone(&now));
            tokio::spawn(async move { connection(stream, &acts, &requests, &most, &now).await });
        }
    });
    Loopback { url, requests, most, task }
}

async fn connection(
    mut stream: TcpStream,
    acts: &[Act],
    requests: &AtomicUsize,
    most: &AtomicUsize,
    now: &AtomicUsize,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    requests.fetch_add(1, Ordering::SeqCst);
    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    for act in acts {
        match act {
            Act::Write(bytes) => drop(stream.write_all(bytes).await),
            Act::Pause(duration) => tokio::time::sleep(*duration).await,
            Act::Drip => {
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            Act::Hold => std::future::pending().await,
        }
    }
    now.fetch_sub(1, Ordering::SeqCst);
}
