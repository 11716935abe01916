//! Keys pressed while the real console reads a hundred thousand series a second, and while it evaluates a hundred rules
//! over six hundred of them each, in a pseudo-terminal.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::{corpus, quantile, row};

const PROGRAM: &str = env!("CARGO_BIN_EXE_opsconsole");
const KEYS: usize = 240;
/// What a terminal is asked after a frame.
const STATUS: &[u8] = b"\x1b[5n";
const RULES: usize = 100;
/// Families of histograms among 100k samples.
const FAMILIES: usize = 57;

pub fn run() {
    let folder = std::env::temp_dir().join(format!("opsconsole-engine-{}", std::process::id()));
    for (what, series, rules, target) in [
        ("a scrape with one sample every second", 1, 0, "3"),
        ("a scrape with 100k samples every second", 100_000, 0, "8"),
        ("and a round of 100 rules over 600 series each", 100_000, RULES, "-"),
    ] {
        let served = corpus::Served::start(series);
        configure(&folder, &served.url, rules);
        let (mut keys, peak) = pressed(&folder);
        row(&format!("key to screen, {what}, median ms"), quantile(&mut keys, 0.5), "-");
        row("  p95 ms", quantile(&mut keys, 0.95), target);
        row("  worst ms", quantile(&mut keys, 1.0), "-");
        row("  peak memory of the console with its own 32 MB cap, MB", peak, "-");
        let _ = fs::remove_dir_all(&folder);
    }
}

/// A configuration with one target, of a system that may have this many series, and so many rules.
fn configure(folder: &Path, url: &str, rules: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let system = fs::read_to_string(root.join("src/systems/prometheus/system.ron")).expect("an embedded system");
    let system = system
        .replace("limit_series: 20000", "limit_series: 200000")
        .replace("limit_bytes: 20000000", "limit_bytes: 60000000")
        .replace("interval_seconds: 5.0", "interval_seconds: 1.0");
    let place = folder.join("opsconsole/systems/prometheus");
    fs::create_dir_all(&place).expect("a folder");
    fs::write(place.join("system.ron"), system).expect("written");
    let state = folder.join("state");
    let mut yaml = "groups:\n  - name: heavy\n    interval: 1s\n    rules:\n".to_owned();
    for rule in 0..rules {
        let buckets = format!("node_request_duration_seconds_{}_bucket", rule % FAMILIES);
        let expr = format!("histogram_quantile(0.95, sum by (le, node) (rate({buckets}[1m]))) > 100");
        yaml.push_str(&format!("      - {{alert: Heavy{rule}, expr: '{expr}'}}\n"));
    }
    let file = folder.join("rules.yml");
    fs::write(&file, yaml).expect("written");
    let rules = if rules == 0 { String::new() } else { format!("rules: [(file: {file:?})], ") };
    let config = format!(
        "({rules}targets: [(id: \"big\", system: \"prometheus\", environment: Demo, nodes: [(id: \"n\", endpoints: \
         [(id: \"metrics\", url: \"{url}\")])])], state_root: Some({state:?}))"
    );
    fs::write(folder.join("config.ron"), config).expect("written");
}

/// Milliseconds from each key to the first byte of its answer, and the console's peak memory in megabytes.
fn pressed(folder: &Path) -> (Vec<f64>, f64) {
    let size = PtySize { rows: 60, cols: 200, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pty");
    let mut command = CommandBuilder::new(PROGRAM);
    command.arg("--config");
    command.arg(folder.join("config.ron"));
    command.env("TERM", "xterm-256color");
    command.env("XDG_CONFIG_HOME", folder);
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
    let far_end = Arc::clone(&writer);
    let mut child = pair.slave.spawn_command(command).expect("the program starts");
    let (sender, output) = channel();
    std::thread::spawn(move || {
        let mut bytes = vec![0; 65536];
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            let when = Instant::now();
            // As every terminal does; one that keeps silent is paced as a slow line.
            if bytes[..count].windows(STATUS.len()).any(|part| part == STATUS) {
                far_end.lock().expect("nobody panicked").write_all(b"\x1b[0n").expect("the terminal takes answers");
            }
            if sender.send(when).is_err() {
                return;
            }
        }
    });
    std::thread::sleep(Duration::from_secs(4));
    let mut found = Vec::new();
    for n in 0..KEYS {
        // The page changes every time, so that every key has an answer; the pauses walk over the second.
        quiet(&output, Duration::from_millis(50 + (n as u64 * 37) % 90));
        let pressed = Instant::now();
        let key = [b"2", b"3", b"4", b"5", b"6", b"1"][n % 6];
        writer.lock().expect("nobody panicked").write_all(key).expect("the terminal takes keys");
        if let Ok(when) = output.recv_timeout(Duration::from_secs(2)) {
            found.push((when - pressed).as_secs_f64() * 1e3);
        }
    }
    let status = fs::read_to_string(format!("/proc/{}/status", child.process_id().expect("a pid"))).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("its peak");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("kilobytes");
    let _ = writer.lock().expect("nobody panicked").write_all(b"q");
    let _ = child.kill();
    let _ = child.wait();
    assert!(found.len() > KEYS * 9 / 10, "only {} keys of {KEYS} had an answer", found.len());
    (found, kib / 1024.0)
}

/// Waits this long, and then until nothing comes for a moment, so that no answer is taken for that of the next key.
fn quiet(output: &Receiver<Instant>, time: Duration) {
    let end = Instant::now() + time;
    while output.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
    while output.recv_timeout(Duration::from_millis(8)).is_ok() {}
}
