//! What the console costs and how fast it answers, measured on the real binary in a pseudo-terminal.
//!
//! `cargo bench --bench figures` prints a table with the target beside each figure. The chain runs in a process of its
//! own. Figures are of this machine in this minute: compare runs side by side, not across machines.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks and starts programs")]

use std::fs;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const PROGRAM: &str = env!("CARGO_BIN_EXE_opsconsole");
const ROWS: NonZero<u16> = NonZero::new(60).expect("not zero");
const COLUMNS: NonZero<u16> = NonZero::new(200).expect("not zero");
const STARTS: usize = 15;
const KEYS: usize = 60;
const WATCH: Duration = Duration::from_secs(30);
/// Each polls its chain's health every two seconds: ten requests a second together.
const TARGETS: usize = 20;

fn main() {
    // `cargo test --benches` asks for no figures.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = std::env::temp_dir().join(format!("opsconsole-bench-{}", std::process::id()));
    let chain = Chain::serve(&folder);
    let config = chain.many_targets();
    let one = folder.join("config.ron");

    row("figure", "measured", "target");
    let starts: Vec<(f64, f64)> = (0..STARTS).map(|_| first_frames(&one)).collect();
    let (mut whole, mut measured): (Vec<f64>, Vec<f64>) = starts.into_iter().unzip();
    row("first full frame, every pane, median ms", &format!("{:.1}", quantile(&mut whole, 0.5)), "20");
    row("the same with the first measured values", &format!("{:.1}", quantile(&mut measured, 0.5)), "-");
    let mut keys = key_latencies(&one);
    row("key to screen, p95 ms", &format!("{:.2}", quantile(&mut keys, 0.95)), "3");
    let (cpu, memory, _) = steady(&config, 200, 60);
    row("cpu of one core, 10 sources/s, 200x60, %", &format!("{:.2}", cpu * 100.0), "0.5");
    row("resident memory, the same, peak MB", &format!("{memory:.1}"), "12");
    let (cpu, memory, bytes) = steady(&one, 80, 24);
    row("bytes/s at 80x24", &format!("{bytes:.0}"), "1000");
    row("cpu, one target, 80x24, %", &format!("{:.2}", cpu * 100.0), "-");
    row("resident memory, the same, peak MB", &format!("{memory:.1}"), "12");
    drop(chain);
    let _ = fs::remove_dir_all(folder);
}

fn row(figure: &str, measured: &str, target: &str) {
    println!("{figure:<44} {measured:>10} {target:>8}");
}

fn quantile(values: &mut [f64], at: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * at).round() as usize]
}

struct Chain {
    folder: PathBuf,
    server: Child,
}

impl Chain {
    fn serve(folder: &Path) -> Chain {
        let server = Command::new(PROGRAM)
            .args(["demo", "--serve", "--fault", "none", "--folder"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        while !folder.join("config.ron").exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_secs(1));
        Chain { folder: folder.to_owned(), server }
    }

    /// A configuration in which the one chain is many targets.
    fn many_targets(&self) -> PathBuf {
        let text = fs::read_to_string(self.folder.join("config.ron")).expect("the configuration");
        let url = text.split('"').find(|part| part.starts_with("http://127.0.0.1")).expect("an address");
        let target = |n: usize| {
            format!(
                "(id: \"chain-{n}\", system: \"volchain\", environment: Demo, requests_per_second: 5.0, \
                 nodes: [(id: \"node-1\", endpoints: [(id: \"api\", url: \"{url}\")])]),"
            )
        };
        let targets: String = (0..TARGETS).map(target).collect();
        let path = self.folder.join("many.ron");
        let state = self.folder.join("state");
        fs::write(&path, format!("(targets: [{targets}], state_root: Some({state:?}))")).expect("written");
        path
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    writer: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    began: Instant,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn start(config: &Path, columns: u16, rows: u16) -> Terminal {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(PROGRAM);
        command.arg("--config");
        command.arg(config);
        command.env("TERM", "xterm-256color");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (sender, output) = channel();
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        std::thread::spawn(move || {
            let mut bytes = vec![0; 65536];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send((Instant::now(), bytes[..count].to_vec())).is_err() {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().expect("a writer");
        Terminal { child, writer, output, began, _master: pair.master }
    }

    /// Everything written within this time.
    fn collect(&self, time: Duration) -> Vec<(Instant, Vec<u8>)> {
        let end = Instant::now() + time;
        let mut all = Vec::new();
        while let Ok(part) = self.output.recv_timeout(end.saturating_duration_since(Instant::now())) {
            all.push(part);
        }
        all
    }

    fn pid(&self) -> u32 {
        self.child.process_id().expect("a pid")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.writer.write_all(b"q");
        let _ = self.child.wait();
    }
}

/// Milliseconds until the first frame was there as a whole (its last byte before a pause), and until the screen held
/// 95 % of the cells that it holds a little later, when the first answers are in.
fn first_frames(config: &Path) -> (f64, f64) {
    let terminal = Terminal::start(config, 200, 60);
    let parts = terminal.collect(Duration::from_millis(120));
    let filled = |parts: &[(Instant, Vec<u8>)]| {
        let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
        parts.iter().for_each(|(_, bytes)| parser.process(bytes));
        parser.screen().contents().chars().filter(|c| !c.is_whitespace()).count()
    };
    let since_start = |part: &(Instant, Vec<u8>)| (part.0 - terminal.began).as_secs_f64() * 1000.0;
    let pause = Duration::from_millis(4);
    let burst = parts.windows(2).position(|pair| pair[1].0 - pair[0].0 > pause).unwrap_or(parts.len() - 1);
    assert!(filled(&parts[..=burst]) > 1000, "the first frame holds every pane");
    let full = filled(&parts);
    let enough = (1..=parts.len()).find(|count| filled(&parts[..*count]) * 100 >= full * 95).expect("a frame");
    (since_start(&parts[burst]), since_start(&parts[enough - 1]))
}

/// Milliseconds from a key to the first byte of its answer, each key pressed well after the last frame.
fn key_latencies(config: &Path) -> Vec<f64> {
    let mut terminal = Terminal::start(config, 200, 60);
    terminal.collect(Duration::from_secs(3));
    let mut found = Vec::new();
    for n in 0..KEYS {
        // The page changes every time, so that every key has an answer.
        let key = [b"2", b"3", b"4", b"5", b"6", b"1"][n % 6];
        while terminal.output.recv_timeout(Duration::from_millis(150)).is_ok() {}
        let pressed = Instant::now();
        terminal.writer.write_all(key).expect("the terminal takes keys");
        if let Ok((when, _)) = terminal.output.recv_timeout(Duration::from_secs(2)) {
            found.push((when - pressed).as_secs_f64() * 1000.0);
        }
    }
    found
}

/// CPU as a share of one core, peak resident megabytes, and bytes a second, after a warm-up.
fn steady(config: &Path, columns: u16, rows: u16) -> (f64, f64, f64) {
    let terminal = Terminal::start(config, columns, rows);
    terminal.collect(Duration::from_secs(5));
    let before = cpu_seconds(terminal.pid());
    let began = Instant::now();
    let bytes: usize = terminal.collect(WATCH).iter().map(|(_, bytes)| bytes.len()).sum();
    let elapsed = began.elapsed().as_secs_f64();
    let cpu = (cpu_seconds(terminal.pid()) - before) / elapsed;
    (cpu, peak_megabytes(terminal.pid()), bytes as f64 / elapsed)
}

/// User and system time, from `/proc/PID/stat` in ticks of a hundredth of a second; finer from `schedstat`.
fn cpu_seconds(pid: u32) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse::<f64>().ok())
        .sum::<f64>()
        / 1e9
}

fn peak_megabytes(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("its peak");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("kilobytes") / 1024.0
}
