//! An exposition as a busy node has it, and a server for it.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

const BOUNDS: [&str; 12] = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];

/// Exactly this many samples, about 143 bytes each: two in five of histograms, seven in twenty counters, the rest
/// gauges. `tick` moves the values.
pub fn exposition(samples: usize, tick: usize) -> String {
    let mut text = String::with_capacity(samples * 150);
    let (histograms, counters) = (samples * 2 / 5 / 14, samples * 7 / 20);
    let gauges = samples - histograms * 14 - counters;
    for at in 0..histograms {
        if at % 50 == 0 {
            let _ = writeln!(text, "# HELP node_request_duration_seconds_{} How long requests took.", at / 50);
            let _ = writeln!(text, "# TYPE node_request_duration_seconds_{} histogram", at / 50);
        }
        let (family, labels) = (at / 50, labels(at));
        for (bucket, bound) in BOUNDS.iter().enumerate() {
            let value = at * 3 + bucket * 17 + tick;
            let _ = writeln!(text, "node_request_duration_seconds_{family}_bucket{{{labels},le=\"{bound}\"}} {value}");
        }
        let _ = writeln!(text, "node_request_duration_seconds_{family}_sum{{{labels}}} {}.{tick:03}", at * 7);
        let _ = writeln!(text, "node_request_duration_seconds_{family}_count{{{labels}}} {}", at * 3 + 187 + tick);
    }
    for at in 0..counters {
        if at % 100 == 0 {
            let _ = writeln!(text, "# TYPE node_handled_messages_{}_total counter", at / 100);
        }
        let _ = writeln!(text, "node_handled_messages_{}_total{{{}}} {}", at / 100, labels(at), at * 11 + tick);
    }
    for at in 0..gauges {
        if at % 100 == 0 {
            let _ = writeln!(text, "# TYPE node_queue_depth_ratio_{} gauge", at / 100);
        }
        let _ = writeln!(text, "node_queue_depth_ratio_{}{{{}}} {}.{tick:03}7", at / 100, labels(at), at % 97);
    }
    text
}

fn labels(at: usize) -> String {
    let method = ["GET", "POST", "PUT", "DELETE"][at % 4];
    format!(
        "node=\"node-{:03}\",region=\"eu-west-{}\",network=\"main\",method=\"{method}\",path=\"/api/v1/{}\",status=\"{}\"",
        at % 200,
        at % 3,
        at / 4 % 10_000,
        200 + at % 5
    )
}

/// The server of an exposition, in a process of its own.
pub struct Served {
    pub url: String,
    process: Child,
}

impl Served {
    pub fn start(samples: usize) -> Served {
        let itself = std::env::current_exe().expect("this program");
        let mut process = Command::new(itself)
            .args(["serve", &samples.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let mut output = std::io::BufReader::new(process.stdout.take().expect("its output"));
        std::io::BufRead::read_line(&mut output, &mut line).expect("its address");
        Served { url: line.trim().to_owned(), process }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves until it is killed; prints its address first.
pub fn serve(samples: usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let answers: Vec<Vec<u8>> = (0..3)
        .map(|tick| {
            let body = exposition(samples, tick);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            [head.into_bytes(), body.into_bytes()].concat()
        })
        .collect();
    println!("http://{}", listener.local_addr().expect("an address"));
    for stream in listener.incoming() {
        let answers = answers.clone();
        std::thread::spawn(move || answer(stream.expect("a connection"), &answers));
    }
}

fn answer(mut stream: TcpStream, answers: &[Vec<u8>]) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    for answer in answers.iter().cycle() {
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut piece) {
                Ok(0) | Err(_) => return,
                Ok(count) => request.extend_from_slice(&piece[..count]),
            }
        }
        request.clear();
        if stream.write_all(answer).is_err() {
            return;
        }
    }
}
