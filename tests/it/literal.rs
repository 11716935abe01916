//! Hostile values as chain data and as operators' answers: each arrives as one literal argument, or is refused with the
//! reason. The real binary, a node that names its users as it likes, and a program that tells what it was given.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::terminal::{Console, PROGRAM, wait};

const SYSTEM: &str = r#"(
    title: "named", summary: "a chain whose users have names",
    endpoints: [(id: "api", job: "named", default_port: 1)],
    settings: [(name: "unit", help: "the unit", value: Text("node"))],
    sources: [
        (id: "metrics", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0, decides_up: true,
            kind: PrometheusText((path: "/metrics", limit_series: 100))),
        (id: "users", endpoint: "api", interval_seconds: 1.0, timeout_seconds: 2.0,
            kind: HttpJson((path: "/users", documents: [(name: "users", jq: ".")], series: [
                (name: "named_users", help: "", extract: [(surface: "both", jq: ".mismatches | length")]),
            ]))),
    ],
    panels: [(id: "chain", dimension: ChainHealth, title: "chain health", rows: [
        (label: "users that differ", expr: "sum(named_mismatches)"),
    ])],
    allowed_reads: ["GET /metrics", "GET /users"],
)"#;

const RUNBOOK: &str = r#"(
    title: "tell the users", summary: "users differ", severity: Warning, by_hand: Some("users differ"),
    steps: [
        (id: "who", title: "whom it is about", kind: Input((name: "who", asks: "which user",
            accepts: LabelValues(expr: "named_mismatches", label: "user")))),
        (id: "which", title: "which of the list", kind: Input((name: "which", asks: "which one of the list",
            accepts: Document(name: "users", jq: ".mismatches")))),
        (id: "tell", title: "tell each of them", kind: Sequence((
            class: Serious, expect: "told", verify_within_seconds: 5,
            for_each: Some((name: "user", expr: "named_mismatches", label: "user", at_most: 5)),
            acts: [(id: "tell", title: "tell", does: Command([
                "tell", "{user}", "--to={user}", "{who} on {unit}", "{which}",
            ]))],
            verify: [(means: "somebody is there", expr: "named_users > bool 0")],
            way_back: None("nobody can be told otherwise"),
            escalation: (severity: Warning, contacts: ["team"], respond_within_minutes: 120, say: "not told"),
        ))),
    ],
)"#;

/// What the node says of its users.
type Users = Arc<Mutex<Vec<String>>>;

/// A node that names these users, on its metrics and in a document.
fn serve(users: &Users) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("a bound address").port();
    let users = Arc::clone(users);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let users = users.lock().expect("no panic holds it").clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
                let (kind, body) = match head.contains("/users") {
                    true => ("application/json", serde_json::json!({ "mismatches": users }).to_string()),
                    false => ("text/plain", users.iter().map(|user| exposed(user)).collect()),
                };
                let length = body.len();
                // A console that has gone away is not this test's concern.
                let _gone = write!(
                    reader.get_mut(),
                    "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
            });
        }
    });
    port
}

fn exposed(user: &str) -> String {
    let value = user.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("named_mismatches{{user=\"{value}\"}} 1\n")
}

struct Site {
    scratch: tempfile::TempDir,
    users: Users,
}

impl Site {
    fn new() -> Site {
        let site = Site { scratch: tempfile::tempdir().expect("a folder"), users: Users::default() };
        let port = serve(&site.users);
        let folder = site.at("machine");
        fs::create_dir_all(folder.join("bin")).expect("ours");
        site.program("systemctl", &format!("printf 'MainPID={}\\nControlGroup=\\n'", std::process::id()));
        let told = site.at("told");
        let tell = format!(
            "for word in \"$@\"; do printf '[%s]' \"$word\"; done >> '{0}'\necho >> '{0}'\n[ \"$1\" != stop-here ]",
            told.display()
        );
        site.program("tell", &tell);
        let system = site.at("home/opsconsole/systems/named/runbooks");
        fs::create_dir_all(&system).expect("ours");
        fs::write(system.join("tell.ron"), RUNBOOK).expect("ours");
        fs::write(system.join("../system.ron"), SYSTEM).expect("ours");
        let state = site.at("state");
        fs::create_dir(&state).expect("ours");
        let config = format!(
            r#"(state_root: Some("{state}"), targets: [(id: "users", system: "named", environment: Demo,
                host: Some(Local), privilege: None, demo: Some((folder: "{folder}", control_url: "http://127.0.0.1:1")),
                nodes: [(id: "n", endpoints: [(id: "api", url: "http://127.0.0.1:{port}")])])])"#,
            state = state.display(),
            folder = folder.display(),
        );
        fs::write(site.at("config.ron"), config).expect("ours");
        site
    }

    fn at(&self, path: &str) -> PathBuf {
        self.scratch.path().canonicalize().expect("it is there").join(path)
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.at("machine/bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("ours");
        fs::set_permissions(self.at("machine"), fs::Permissions::from_mode(0o700)).expect("ours");
    }

    fn name(&self, users: &[&str]) {
        *self.users.lock().expect("no panic holds it") = users.iter().map(|user| (*user).to_owned()).collect();
    }

    fn console(&self) -> Console {
        let home = format!("XDG_CONFIG_HOME={}", self.at("home").display());
        let config = self.at("config.ron").display().to_string();
        Console::start_program("/usr/bin/env", &[&home, PROGRAM, "--config", &config], 160, 60)
    }

    /// What each act was given, word by word.
    fn told(&self) -> Vec<String> {
        fs::read_to_string(self.at("told")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The id of the one run.
    fn run(&self) -> String {
        let journals = self.journal(&["show", "runs"]);
        journals.lines().find(|name| *name != "console").expect("a run").to_owned()
    }

    fn journal(&self, args: &[&str]) -> String {
        let output = Command::new(PROGRAM).arg("journal").args(args).arg("--state-root").arg(self.at("state")).output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Waits until the console has seen that the node names so many users.
fn sees(console: &mut Console, users: usize) {
    console.type_text("2");
    let wanted = format!("users that differ {users}");
    wait("the users of the node", || {
        console.screen().lines().any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").contains(&wanted))
    });
    console.type_text("4");
}

/// Gives a value that is asked for, and waits until it is taken.
fn gives(console: &mut Console, asked: &str, value: &str) {
    console.shows(asked);
    console.type_text("\r");
    console.shows("tab completes it");
    console.type_text(value);
    console.shows(value);
    console.type_text("\r");
    wait("the value to be taken", || !console.screen().contains("tab completes it"));
}

#[test]
fn users_of_the_chain_are_told_one_by_one_as_they_are_named_until_one_fails() {
    let site = Site::new();
    let pwned = |name: &str| site.at(name).display().to_string();
    let substituted = format!("$(touch {})", pwned("one"));
    let ticks = format!("`touch {}`", pwned("two"));
    let quotes = "it's \"quoted\" a;b|c&d>e *";
    site.name(&[&substituted, &ticks, quotes, "stop-here", "zz-never"]);
    let mut console = site.console();
    console.shows("chain health");
    sees(&mut console, 5);
    console.type_text(":tell the users\r");
    gives(&mut console, "whom it is about", quotes);
    gives(&mut console, "which of the list", &substituted);
    console.shows("tell each of them");
    console.type_text("A");
    console.shows("incident or reason");
    console.type_text("INC-5 names\r\r");
    console.shows("ARMED");

    // As many as are allowed, and none whose name is more than a name.
    let refusals: [(&[&str], &str); 4] = [
        (&["a", "b", "c", "d", "e", "f"], "6 values of user were found, and at most 5 are done at once"),
        (&["a", "--flag"], "would be read as an option"),
        (&["a", "../../etc/passwd"], "leads out of a folder"),
        (&["a", "two\nlines \u{1b}[31337m\u{202e}"], "which holds characters"),
    ];
    for (users, why) in refusals {
        site.name(users);
        sees(&mut console, users.len());
        console.type_text("X");
        console.shows(why);
        assert_eq!(site.told(), Vec::<String>::new());
    }

    site.name(&[&substituted, &ticks, quotes, "stop-here", "zz-never"]);
    sees(&mut console, 5);
    console.type_text("X");
    console.shows("to confirm");
    console.type_text("\u{1b}[F");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let phrase = console.phrase();
    console.type_by_hand(&phrase);
    wait("the end of the sequence", || {
        site.journal(&["show", &site.run()]).contains("tell was done as confirmed and did not cure")
    });
    let told = |user: &str| format!("[{user}][--to={user}][{quotes} on node][{substituted}]");
    assert_eq!(
        site.told(),
        [told(&substituted), told(&ticks), told(quotes), told("stop-here")],
        "the first failure ends it"
    );
    console.type_text("q");
    assert!(console.ended().success());

    for name in ["one", "two", "machine/one", "x"] {
        assert!(!site.at(name).exists(), "{name} was made");
    }
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert!(!raw.contains("\u{1b}[31337m") && !raw.contains('\u{202e}'), "it was obeyed");
    the_journal_keeps_it_as_data(&site, &substituted, quotes);
}

fn the_journal_keeps_it_as_data(site: &Site, substituted: &str, quotes: &str) {
    let run = site.run();
    let entries = site.journal(&["show", &run, "--json"]);
    let entries: Vec<serde_json::Value> =
        entries.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    let given: Vec<&str> = entries.iter().filter_map(|entry| entry["record"]["Answered"]["value"].as_str()).collect();
    assert_eq!(given, [quotes, substituted]);
    let intents = entries.iter().filter(|entry| entry["record"]["Intent"].is_object()).count();
    assert_eq!(intents, 4);
    let page = site.journal(&["report", &run]);
    assert!(page.contains("tell") && !page.contains("\n# tell"), "{page}");
    assert!(!page.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{page}");
    assert!(site.journal(&["verify"]).lines().count() > 0);
}

/// What a person would type, and what a completion offers: never one that is more than a value.
#[test]
fn an_answer_is_one_of_those_that_are_there_now() {
    let site = Site::new();
    site.name(&["alice", "bad\u{1b}[31337mname", "--flag"]);
    let mut console = site.console();
    console.shows("chain health");
    sees(&mut console, 3);
    console.type_text(":tell the users\r");
    console.shows("whom it is about");
    console.type_text("\r");
    console.shows("tab completes it");
    for (typed, why) in [
        ("bob", "is none of"),
        ("--flag", "would be read as an option"),
        ("../x", "leads out of a folder"),
        ("{unit}", "holds a brace"),
        ("<user>", "not filled in"),
    ] {
        console.type_text(typed);
        console.shows(typed);
        console.type_text("\r");
        console.shows(why);
        // The line is emptied for the next.
        console.type_text("\u{15}");
        wait("an empty line", || !console.screen().contains(&format!("value  {typed}")));
    }
    // A control character in a paste takes all of it with it; in raw bytes it is a key, and no text.
    console.type_text("\u{1b}[200~a\u{1b}[31337mb\nc\u{202e}\u{1b}[201~");
    console.shows("not accepted");
    console.type_text("al\t\r");
    console.shows("which of the list");
    console.type_text("q");
    assert!(console.ended().success());
    let raw = String::from_utf8_lossy(&console.raw()).into_owned();
    assert!(!raw.contains("\u{1b}[31337m") && !raw.contains('\u{202e}'), "it was obeyed");
    let run = site.run();
    let told = site.journal(&["show", &run]);
    assert!(told.contains("gave alice for who"), "{told}");
}
