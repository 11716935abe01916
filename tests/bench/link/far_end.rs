//! The far end of a line: a terminal that takes what the line carries, and answers when it has taken the question.

use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_opsconsole");

/// A line between the program and its terminal.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// None: as fast as it is read.
    pub bytes_per_second: Option<u64>,
    /// What lies between the program and the line before the program has to wait.
    pub in_flight_bytes: usize,
}

pub const LOCAL: Line = Line { bytes_per_second: None, in_flight_bytes: usize::MAX };

/// Bytes as they arrived at the far end.
pub type Arrived = (Instant, Vec<u8>);

/// The program, its terminal and the line between them.
pub struct FarEnd {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keys: std::sync::mpsc::Sender<Vec<u8>>,
    arrived: Receiver<Arrived>,
    began: Instant,
    size: (NonZero<u16>, NonZero<u16>),
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl FarEnd {
    /// Starts the console on a configuration; `home` is its configuration directory.
    pub fn start(config: &Path, home: &Path, columns: u16, rows: u16, line: Line) -> FarEnd {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(PROGRAM);
        command.arg("--config");
        command.arg(config);
        command.env("TERM", "xterm-256color");
        command.env("XDG_CONFIG_HOME", home);
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let mut writer = pair.master.take_writer().expect("a writer");
        // The buffer between program and line, in pieces: a full one leaves the rest in the pty.
        let piece = 1024;
        let (into_line, out_of_buffer) = sync_channel::<Arrived>((line.in_flight_bytes / piece).clamp(1, 1 << 16));
        let (deliver, arrived) = channel();
        let (keys, typed) = channel::<Vec<u8>>();
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        std::thread::spawn(move || {
            let mut bytes = vec![0; if line.bytes_per_second.is_some() { piece } else { 65536 }];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if into_line.send((Instant::now(), bytes[..count].to_vec())).is_err() {
                    return;
                }
            }
        });
        // One writer for keys and answers, as there is one keyboard.
        std::thread::spawn(move || typed.iter().try_for_each(|bytes| writer.write_all(&bytes)));
        let answers = keys.clone();
        std::thread::spawn(move || {
            let mut questions = Questions::default();
            for (read, bytes) in out_of_buffer {
                for (when, slice) in slices(line, read, bytes) {
                    for _ in 0..questions.heard(&slice) {
                        let _gone = answers.send(b"\x1b[0n".to_vec());
                    }
                    if deliver.send((when, slice)).is_err() {
                        return;
                    }
                }
            }
        });
        let size = (NonZero::new(rows).expect("rows"), NonZero::new(columns).expect("columns"));
        FarEnd { child, keys, arrived, began, size, _master: pair.master }
    }

    pub fn type_in(&self, bytes: &[u8]) -> Instant {
        let now = Instant::now();
        self.keys.send(bytes.to_vec()).expect("the terminal takes keys");
        now
    }

    /// Everything that arrives within this time.
    pub fn collect(&self, time: Duration) -> Vec<Arrived> {
        let end = Instant::now() + time;
        let mut all = Vec::new();
        while let Ok(part) = self.arrived.recv_timeout(end.saturating_duration_since(Instant::now())) {
            all.push(part);
        }
        all
    }

    /// The next bytes, if any arrive within this time.
    pub fn next(&self, time: Duration) -> Option<Arrived> {
        self.arrived.recv_timeout(time).ok()
    }

    pub fn since_start_millis(&self, when: Instant) -> f64 {
        when.duration_since(self.began).as_secs_f64() * 1000.0
    }

    pub fn screen(&self) -> vt100::Parser {
        vt100::Parser::new(self.size.0, self.size.1, 0)
    }

    fn pid(&self) -> u32 {
        self.child.process_id().expect("a pid")
    }

    /// Seconds of CPU so far, all threads.
    pub fn cpu_seconds(&self) -> f64 {
        let first = |line: String| line.split(' ').next().and_then(|field| field.parse::<f64>().ok());
        self.tasks("schedstat").into_iter().filter_map(first).sum::<f64>() / 1e9
    }

    /// How often any thread has waited and was woken.
    pub fn wakeups(&self) -> u64 {
        let count = |status: String| {
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?.to_owned();
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        self.tasks("status").into_iter().filter_map(count).sum()
    }

    fn tasks(&self, file: &str) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("a process");
        tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join(file)).ok()).collect()
    }

    /// Megabytes: `VmRSS` now, `VmHWM` at most.
    pub fn megabytes(&self, field: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let line = status.lines().find(|line| line.starts_with(field)).expect("its memory");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("kilobytes") / 1024.0
    }
}

impl Drop for FarEnd {
    fn drop(&mut self) {
        let _gone = self.keys.send(b"q".to_vec());
        let until = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// What the line carries of these bytes, a hundredth of a second at a time.
fn slices(line: Line, read: Instant, bytes: Vec<u8>) -> impl Iterator<Item = Arrived> {
    let size = line.bytes_per_second.map_or(usize::MAX, |rate| usize::try_from(rate / 100).unwrap_or(1).max(1));
    let mut rest = VecDeque::from(bytes);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let slice: Vec<u8> = rest.drain(..size.min(rest.len())).collect();
        let Some(rate) = line.bytes_per_second else { return Some((read, slice)) };
        std::thread::sleep(Duration::from_secs_f64(slice.len() as f64 / rate as f64));
        Some((Instant::now(), slice))
    })
}

/// Counts status questions in a stream that may be cut anywhere.
#[derive(Default)]
struct Questions {
    matched: usize,
}

impl Questions {
    fn heard(&mut self, bytes: &[u8]) -> usize {
        const QUESTION: &[u8] = b"\x1b[5n";
        let mut found = 0;
        for byte in bytes {
            self.matched = match *byte {
                byte if byte == QUESTION[self.matched] => self.matched + 1,
                0x1b => 1,
                _other => 0,
            };
            if self.matched == QUESTION.len() {
                found += 1;
                self.matched = 0;
            }
        }
        found
    }
}
