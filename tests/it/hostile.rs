//! Hostile text from every kind of source, and the bytes that reach the terminal: none of it is obeyed there.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::terminal::{Console, PROGRAM};

/// A control sequence, a window title, a bell, a C1 sequence, a backspace and characters that turn text around. The
/// numbers are used by nobody else.
const HOSTILE: &str =
    "\u{1b}[31337;7HPWNED\u{1b}]0;TITLED\u{7}\u{9b}31337mC1\u{8}\u{85}\u{202e}BIDI\u{2066}\u{200f}END";

/// The same within JSON and within RON or Rust escapes.
fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a text has a JSON form")
}

const SYSTEM: &str = r#"(
    title: "hostile", summary: "every kind of source", 
    endpoints: [(id: "api", job: "hostile", default_port: 1)],
    settings: [(name: "folder", help: "the simulation's", value: Text("/"))],
    sources: [
        (id: "json", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0, decides_up: true,
            kind: HttpJson((path: "/json",
                series: [(name: "height", help: "", extract: [(surface: "both", jq: ".height")])],
                documents: [(name: "whole", jq: ".")]))),
        (id: "html", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0,
            kind: HttpJson((path: "/html"))),
        (id: "redirect", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0,
            kind: HttpJson((path: "/redirect"))),
        (id: "metrics", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0,
            kind: PrometheusText((path: "/metrics", limit_series: 100))),
        (id: "malformed", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0,
            kind: PrometheusText((path: "/malformed", limit_series: 100))),
        (id: "port", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0, kind: Tcp(())),
        (id: "file", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0,
            kind: File((path: "{folder}", count_entries: true))),
        (id: "disk", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0, kind: Disk((path: "{folder}"))),
        (id: "log", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0,
            kind: Log((path: "{folder}/log", patterns: (
                counters: [(name: "pwned_total", help: "", pattern: "PWNED")],
                severities: [(severity: Critical, pattern: "PWNED")],
            )))),
        (id: "units", endpoint: "api", interval_seconds: 10.0, timeout_seconds: 2.0,
            kind: Units((units: ["hostile"]))),
        (id: "journal", endpoint: "api", interval_seconds: 10.0, timeout_seconds: 2.0,
            kind: Journald((unit: "hostile"))),
        (id: "command_json", endpoint: "api", interval_seconds: 10.0, timeout_seconds: 2.0,
            kind: Command((argv: ["say-json"], output: Json(documents: [(name: "said", jq: ".")])))),
        (id: "command_text", endpoint: "api", interval_seconds: 10.0, timeout_seconds: 2.0,
            kind: Command((argv: ["say-metrics"], output: PrometheusText(limit_series: 9)))),
        (id: "command_number", endpoint: "api", interval_seconds: 10.0, timeout_seconds: 2.0,
            kind: Command((argv: ["say-number"], output: Number((name: "number", help: ""))))),
        (id: "command_failed", endpoint: "api", interval_seconds: 10.0, timeout_seconds: 2.0,
            kind: Command((argv: ["fail"], output: Number((name: "other", help: ""))))),
    ],
    panels: [(id: "chain", dimension: ChainHealth, title: "chain", rows: [
        (label: "height", expr: "height", critical: "height > bool 0"),
        (label: "metric", expr: "hostile_metric"),
        (label: "said", expr: "hostile_said"),
    ])],
    allowed_reads: [
        "GET /json", "GET /html", "GET /redirect", "GET /metrics", "GET /malformed", "TCP connect", "list {folder}",
        "statvfs {folder}", "tail {folder}/log", "systemctl show hostile", "journalctl -u hostile", "run say-json",
        "run say-metrics", "run say-number", "run fail",
    ],
)"#;

const ALERTS: &str = r#"groups:
  - name: hostile
    interval: 1s
    rules:
      - alert: HostileLabel
        expr: hostile_metric > 0
        labels: {severity: critical}
        annotations:
          summary: "label {{ $labels.text }}"
          description: "label {{ $labels.text }} of {{ $labels.node }}"
"#;

fn exposition(name: &str) -> String {
    let value = HOSTILE.replace('\\', "\\\\").replace('"', "\\\"");
    format!("{name}{{text=\"{value}\"}} 1\n")
}

/// Answers every request by its path, for as long as the test lives.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("a bound address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let mut request = [0; 2048];
    let Ok(size @ 1..) = stream.read(&mut request) else { return };
    let request = String::from_utf8_lossy(&request[..size]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (head, body) = match path {
        "/json" => (
            "200 OK".to_owned(),
            format!("{{\"height\":7,{}:{},\"list\":[{}]}}", json(HOSTILE), json(HOSTILE), json(HOSTILE)),
        ),
        "/html" => ("200 OK".to_owned(), format!("<html>{HOSTILE}</html>")),
        "/redirect" => (format!("302 Found\r\nLocation: /PWNED{}", "\u{9b}31337m\u{202e}BIDI"), String::new()),
        "/metrics" => ("200 OK".to_owned(), exposition("hostile_metric")),
        _ => ("200 OK".to_owned(), format!("good 1\n{HOSTILE} {{\n")),
    };
    let length = body.len();
    let whole = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    // A console that has gone away is not this test's concern.
    let _gone = stream.write_all(whole.as_bytes());
}

fn script(folder: &Path, name: &str, stdout: &str, stderr: &str, code: i32) {
    let (out, err) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.err")));
    fs::write(&out, stdout).expect("ours");
    fs::write(&err, stderr).expect("ours");
    let text = format!("#!/bin/sh\ncat {}\ncat {} >&2\nexit {code}\n", out.display(), err.display());
    let path = folder.join("bin").join(name);
    fs::write(&path, text).expect("ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
}

/// The simulation's folder: a log and programs that say hostile things.
fn machine(folder: &Path) {
    fs::create_dir_all(folder.join("bin")).expect("ours");
    fs::write(folder.join("log"), format!("before {HOSTILE}\n")).expect("ours");
    fs::write(folder.join(format!("entry {HOSTILE}")), "").expect("ours");
    let unit = format!("Id={HOSTILE}\nLoadState=loaded\nActiveState={HOSTILE}\nSubState={HOSTILE}\n");
    script(folder, "systemctl", &unit, HOSTILE, 0);
    let bytes = HOSTILE.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
    let record = |message: &str| format!("{{\"__CURSOR\":\"i=1\",\"PRIORITY\":\"3\",\"MESSAGE\":{message}}}\n");
    script(folder, "journalctl", &(record(&json(HOSTILE)) + &record(&format!("[{bytes}]"))), HOSTILE, 0);
    script(folder, "say-json", &format!("{{{}:{}}}", json(HOSTILE), json(HOSTILE)), HOSTILE, 0);
    script(folder, "say-metrics", &exposition("hostile_said"), HOSTILE, 0);
    script(folder, "say-number", HOSTILE, HOSTILE, 0);
    script(folder, "fail", HOSTILE, &format!("failed {HOSTILE}\n"), 3);
}

fn config(url: &str, folder: &Path, state: &Path) -> String {
    format!(
        r#"(state_root: Some("{state}"), targets: [(id: "hostile", system: "hostile", environment: Demo,
            host: Some(Local), privilege: None, demo: Some((folder: "{folder}", control_url: "http://127.0.0.1:1")),
            settings: {{"folder": Text("{folder}")}}, requests_per_second: 50.0,
            nodes: [(id: "node-1", endpoints: [(id: "api", url: "{url}")])])])"#,
        state = state.display(),
        folder = folder.display(),
    )
}

/// What a terminal would obey or turn around, of what did come.
fn obeyed(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let mut found = Vec::new();
    // The console rings and steps back itself, but never behind these words.
    let sequences = [
        ("a cursor move", "\u{1b}[31337"),
        ("a title", "\u{1b}]0;TITLED"),
        ("a bell", "TITLED\u{7}"),
        ("a backspace", "C1\u{8}"),
    ];
    for (what, wanted) in sequences {
        if text.contains(wanted) {
            found.push(what.to_owned());
        }
    }
    // Nothing of the console's own is any of these.
    let hostile = |c: &char| {
        matches!(c, '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
            || matches!(c, '\u{b}' | '\u{c}' | '\u{7f}')
    };
    found.extend(text.chars().filter(hostile).map(|c| format!("{c:?}")));
    found
}

#[test]
fn nothing_hostile_reaches_the_terminal_from_any_kind_of_source() {
    let scratch = tempfile::tempdir().expect("a folder");
    let scratch = scratch.path().canonicalize().expect("it is there");
    let (folder, home) = (scratch.join("machine"), scratch.join("config"));
    machine(&folder);
    let system = home.join("opsconsole/systems/hostile");
    fs::create_dir_all(&system).expect("ours");
    fs::write(system.join("system.ron"), SYSTEM).expect("ours");
    fs::write(system.join("alerts.yml"), ALERTS).expect("ours");
    let path = scratch.join("config.ron");
    let state = scratch.join("state");
    fs::create_dir(&state).expect("ours");
    fs::write(&path, config(&serve(), &folder, &state)).expect("ours");

    let place = format!("XDG_CONFIG_HOME={}", home.display());
    let args = [place.as_str(), PROGRAM, "--config", path.to_str().expect("UTF-8")];
    let mut console = Console::start_program("/usr/bin/env", &args, 160, 50);
    console.shows("chain health");
    // An alert carries a label of the node's to the screen.
    console.type_text("3");
    console.shows("HostileLabel");
    console.shows("PWNED");
    // A program's complaint stands in its source's state.
    console.type_text("6");
    console.shows("command_failed");
    let mut log = fs::OpenOptions::new().append(true).open(folder.join("log")).expect("ours");
    log.write_all(format!("new {HOSTILE}\n").repeat(3).as_bytes()).expect("ours");
    console.type_text("G");
    console.shows("ended with code 3: failed");
    // Every page there is, with its rows selected one after the other.
    for _ in 0..12 {
        console.type_text("\tg");
        for _ in 0..20 {
            console.type_text("j");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let raw = console.raw();
    console.type_text("q");
    console.ended();
    assert!(raw.windows(5).any(|window| window == b"PWNED"), "what is hostile was on the screen");
    assert_eq!(obeyed(&raw), Vec::<String>::new());
}

#[test]
fn what_this_test_looks_for_it_would_find() {
    assert!(obeyed(HOSTILE.as_bytes()).len() == 9, "{:?}", obeyed(HOSTILE.as_bytes()));
    assert_eq!(obeyed("\u{1b}[2J\u{1b}[1;31mfine\u{1b}]52;c;x\u{1b}\\".as_bytes()), Vec::<String>::new());
}
