//! A real Prometheus on loopback: started, given samples by remote write, and asked over one connection.
//!
//! Remote write carries the very bits of a sample, markers of staleness included, and any time in the past. No file
//! that promtool reads can say a marker, and a scrape would need the hour that the samples tell of.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use opsconsole::model::Labels;

pub struct Prometheus {
    child: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    /// One that scrapes nothing.
    pub fn start(folder: &Path, port: u16) -> Prometheus {
        Prometheus::start_with(folder, port, "global: {scrape_interval: 15s, evaluation_interval: 1m}\n", &[])
    }

    /// One with a configuration and arguments of its own.
    pub fn start_with(folder: &Path, port: u16, written: &str, arguments: &[&str]) -> Prometheus {
        let config = folder.join("prometheus.yml");
        std::fs::write(&config, written).expect("written");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--web.enable-remote-write-receiver")
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let prometheus = Prometheus { child, port };
        let since = Instant::now();
        while !prometheus.is_ready() {
            assert!(since.elapsed() < Duration::from_secs(60), "prometheus does not become ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        prometheus
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.connect().get("/-/ready").0 == 200
    }

    /// The process, whose accounts a benchmark reads.
    #[allow(dead_code, reason = "tests do not ask what it costs")]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        Connection { stream: BufReader::new(stream) }
    }

    /// Writes samples, a slice of time for all series after the other: an older one than an hour is refused.
    pub fn load<'a>(&self, series: impl Iterator<Item = (&'a Labels, &'a Vec<(i64, f64)>)> + Clone, slice: i64) {
        let ends = || series.clone().flat_map(|(_, samples)| samples.iter().map(|(at, _)| *at));
        let (first, last) = (ends().min().expect("samples"), ends().max().expect("samples"));
        let mut connection = self.connect();
        for from in (first..=last).step_by(slice as usize) {
            let mut request = Vec::new();
            for (labels, samples) in series.clone() {
                let within: Vec<_> = samples.iter().filter(|(at, _)| (from..from + slice).contains(at)).collect();
                if !within.is_empty() {
                    field(&mut request, 1, &time_series(labels, &within));
                }
            }
            let (status, body) = connection.write(&uncompressed(&request));
            assert!(status == 204, "remote write: {status} {body}");
        }
    }
}

fn time_series(labels: &Labels, samples: &[&(i64, f64)]) -> Vec<u8> {
    let mut series = Vec::new();
    for (name, value) in labels.iter() {
        let mut label = Vec::new();
        field(&mut label, 1, name.as_bytes());
        field(&mut label, 2, value.as_bytes());
        field(&mut series, 1, &label);
    }
    for (at, value) in samples {
        let mut sample = vec![1 << 3 | 1];
        sample.extend_from_slice(&value.to_le_bytes());
        sample.push(2 << 3);
        varint(&mut sample, *at as u64);
        field(&mut series, 2, &sample);
    }
    series
}

/// A field of a protocol buffer that has a length.
fn field(into: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    into.push(number << 3 | 2);
    varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

/// A block of Snappy that is one literal per 64 KiB.
fn uncompressed(bytes: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    varint(&mut block, bytes.len() as u64);
    for chunk in bytes.chunks(1 << 16) {
        block.push(61 << 2);
        block.extend_from_slice(&(chunk.len() as u32 - 1).to_le_bytes()[..2]);
        block.extend_from_slice(chunk);
    }
    block
}

/// One connection that is kept for all questions.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// The status and the body of the answer.
    pub fn get(&mut self, path: &str) -> (u16, String) {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: prometheus\r\n\r\n").as_bytes())
    }

    fn write(&mut self, body: &[u8]) -> (u16, String) {
        let head = format!(
            "POST /api/v1/write HTTP/1.1\r\nHost: prometheus\r\nContent-Encoding: snappy\r\nContent-Type: \
             application/x-protobuf\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.ask(&[head.as_bytes(), body].concat())
    }

    fn ask(&mut self, request: &[u8]) -> (u16, String) {
        self.stream.get_mut().write_all(request).expect("it listens");
        let status = self.line().split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line().to_ascii_lowercase();
            match line.split_once(':') {
                Some(("content-length", value)) => length = value.trim().parse().expect("a length"),
                Some(("transfer-encoding", _)) => chunked = true,
                Some(_) => {}
                None => break,
            }
        }
        let mut body = Vec::new();
        if chunked {
            while let size @ 1.. = usize::from_str_radix(&self.line(), 16).expect("the length of a chunk") {
                self.take(size, &mut body);
                self.line();
            }
            self.line();
        } else {
            self.take(length, &mut body);
        }
        (status, String::from_utf8(body).expect("text"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("an answer");
        line.trim_end().to_owned()
    }

    fn take(&mut self, count: usize, into: &mut Vec<u8>) {
        let start = into.len();
        into.resize(start + count, 0);
        self.stream.read_exact(&mut into[start..]).expect("an answer");
    }
}
