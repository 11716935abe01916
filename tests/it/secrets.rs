//! A secret reaches the node that it is for, and nothing else: no output, no screen, no recording, no journal.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::terminal::{Chain, Console, PROGRAM, on};

const SECRET: &str = "k7-not-to-be-seen";

/// A node that answers only to who knows the secret.
fn node() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream);
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let known = head.contains(&format!("authorization: Bearer {SECRET}\r\n"));
            let (status, body) = if known { ("200 OK", "answered 1\n") } else { ("401 Unauthorized", "") };
            let length = body.len();
            // A reader that goes away is its own affair.
            let _ = write!(
                reader.get_mut(),
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    url
}

fn config(folder: &Path, url: &str, auth: &str) -> std::path::PathBuf {
    let path = folder.join("config.ron");
    let text = format!(
        r#"(targets: [(id: "guarded", system: "prometheus", environment: Staging,
nodes: [(id: "n", endpoints: [(id: "metrics", url: "{url}", auth: {auth})])])], state_root: "{}/state")"#,
        folder.display()
    );
    std::fs::write(&path, text).expect("ours");
    path
}

fn run(args: &[&str], config: &Path) -> (i32, String) {
    let output = Command::new(PROGRAM)
        .args(args)
        .arg("--config")
        .arg(config)
        .env("OPSCONSOLE_TEST_TOKEN", SECRET)
        .output()
        .expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!text.contains(SECRET), "{args:?} shows it");
    (output.status.code().unwrap_or(-1), text)
}

/// Every byte of every file below a folder.
fn everything(folder: &Path, found: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            everything(&entry, found);
        } else {
            found.extend(std::fs::read(&entry).expect("a file of ours"));
        }
    }
}

#[test]
fn a_secret_is_used_and_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(token.path(), format!("{SECRET}\n")).expect("ours");
    std::fs::set_permissions(token.path(), std::fs::Permissions::from_mode(0o600)).expect("ours");
    let file = format!("Bearer(File(\"{}\"))", token.path().display());
    let url = node();

    for auth in [file.as_str(), "Bearer(Env(\"OPSCONSOLE_TEST_TOKEN\"))"] {
        let config = config(folder.path(), &url, auth);
        let (_, said) = run(&["snapshot", "--json"], &config);
        assert!(said.contains("\"truth\": \"\"") && !said.contains("401"), "{said}");
        let (_, said) = run(&["config", "show"], &config);
        assert!(said.contains("Bearer("), "{said}");
        let (_, said) = run(&["doctor"], &config);
        assert!(said.contains("can be used"), "{said}");
    }

    let config = config(folder.path(), &url, &file);
    let recording = folder.path().join("recording");
    let [flag, path] = on(&config);
    let record = recording.display().to_string();
    let mut console = Console::start(&[&flag, &path, "--record", &record], 120, 40);
    console.shows("1 of 1 sources answer");
    console.type_text("6");
    console.shows("/metrics");
    console.type_text("q");
    assert!(console.ended().success());
    let mut kept = Vec::new();
    everything(folder.path(), &mut kept);
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("guarded") && !kept.contains(SECRET), "a file keeps it");

    std::fs::set_permissions(token.path(), std::fs::Permissions::from_mode(0o644)).expect("ours");
    let (code, said) = run(&["doctor"], &config);
    assert!(code == 2 && said.contains("chmod 640"), "{said}");
    let (_, said) = run(&["snapshot", "--text"], &config);
    assert!(said.contains("because of its secret"), "{said}");
}

/// Every process of this machine: its command line, and its environment as far as it may be read.
fn processes() -> Vec<(u32, String, String)> {
    let read =
        |path: std::path::PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).replace('\0', " ");
    let entries = std::fs::read_dir("/proc").expect("linux").map_while(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    pids.map(|pid| {
        let folder = Path::new("/proc").join(pid.to_string());
        (pid, read(folder.join("cmdline")), read(folder.join("environ")))
    })
    .collect()
}

#[test]
fn a_secret_that_an_act_sends_is_seen_by_the_runner_alone() {
    let chain = Chain::serve("user-mismatch", 400);
    let secret = std::fs::read_to_string(chain.path().join("admin.secret")).expect("the demo made one");
    let secret = secret.trim();
    assert!(secret.len() > 20);
    // The console is given it as the document has it, in a variable; the demo's own configuration names a file.
    let text = std::fs::read_to_string(chain.config()).expect("the configuration");
    let from = text.find("File(").expect("the secret's file");
    let to = from + text[from..].find(')').expect("its end") + 1;
    let config = chain.path().join("env.ron");
    let text = format!("{}Env(\"VOLCHAIN_ADMIN_SECRET\"){}", &text[..from], &text[to..]);
    std::fs::write(&config, text).expect("ours");
    let variable = format!("VOLCHAIN_ADMIN_SECRET={secret}");
    let config = config.display().to_string();
    let recording = chain.path().join("recording").display().to_string();
    let args = [&variable, PROGRAM, "--config", &config, "--record", &recording];
    let mut console = Console::start_program("/usr/bin/env", &args, 120, 50);
    console.shows("chain health");
    console.type_text(":user mismatches\r");
    console.shows("· suggested");
    console.type_text("\r");
    console.shows("«env:VOLCHAIN_ADMIN_SECRET»");
    console.type_text("A");
    console.shows("incident or reason");
    console.type_text("INC-5 secrets\r\r");
    console.shows("ARMED");
    console.type_text("X");
    console.shows("to confirm");
    console.type_text("\u{1b}[F");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let phrase = console.phrase();
    console.type_by_hand(&phrase);
    console.shows("answered with status 200");

    let folder = chain.path().display().to_string();
    let mut runners = Vec::new();
    for (pid, command, environment) in processes() {
        assert!(!command.contains(secret), "process {pid} shows it: {}", command.replace(secret, "[the secret]"));
        let ours = command.contains(&folder);
        if ours && command.contains(" runner ") {
            assert!(environment.contains(secret), "the runner needs it");
            runners.push(pid);
        } else if ours && !command.contains("env.ron") {
            assert!(!environment.contains(secret), "process {pid} has it and needs it not");
        }
    }
    assert_eq!(runners.len(), 1, "one runner is at work");
    console.type_text("q");
    assert!(console.ended().success());
    let (sent, end) = (std::fs::remove_file(chain.path().join("admin.secret")), runners[0].to_string());
    sent.expect("the one place where it is kept");
    let ended = Command::new("kill").args(["-TERM", &end]).status().expect("kill runs");
    assert!(ended.success());
    let mut kept = Vec::new();
    everything(&chain.path(), &mut kept);
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("stakedAccounts") && !kept.contains(secret), "a file keeps it");
    assert!(!String::from_utf8_lossy(&console.raw()).contains(secret), "the screen shows it");
}

/// What is only shown or kept: plans, a walk without a terminal, its journal, its report and its evidence. The node has
/// printed the secret into its log, which nobody could expect.
#[test]
fn a_secret_stands_in_no_plan_walk_report_or_evidence() {
    let chain = Chain::serve("none", 0);
    let secret = std::fs::read_to_string(chain.path().join("admin.secret")).expect("the demo made one");
    let secret = secret.trim().to_owned();
    let said = |args: &[&str]| {
        let (_, said) = chain.command(args);
        assert!(!said.contains(&secret), "{args:?} shows it");
        said
    };
    let plan = said(&["runbook", "plan", "user-mismatches"]);
    assert!(plan.contains("admin.secret\u{bb}"), "by its reference: {plan}");
    said(&["runbook", "plan", "user-mismatches", "--json"]);
    for (runbook, file) in [("barrier-timeouts", "act-file"), ("recovery-from-backup", "act-file")] {
        let plan = said(&["runbook", "plan", runbook]);
        assert!(plan.contains(file), "{plan}");
    }
    let log = chain.path().join("log/backend.log");
    let mut log = std::fs::OpenOptions::new().append(true).open(log).expect("the node's log");
    writeln!(log, "refused X-Admin-Secret {secret}").expect("written");
    let stop = Command::new(chain.path().join("bin/systemctl")).args(["stop", "volchain-backend"]).status();
    assert!(stop.expect("it runs").success());
    let walked = said(&["runbook", "run", "service-down", "--headless", "--within", "30"]);
    assert!(walked.contains("of evidence"), "{walked}");
    let runs = said(&["journal", "show", "runs"]);
    let run = runs.lines().find(|name| *name != "console").expect("a run");
    said(&["journal", "show", run]);
    said(&["journal", "show", run, "--json"]);
    said(&["journal", "report", run]);
    said(&["journal", "report", run, "--json"]);
    let mut kept = Vec::new();
    everything(&chain.state(), &mut kept);
    let kept = String::from_utf8_lossy(&kept);
    assert!(kept.contains("refused X-Admin-Secret [masked]"), "the log is part of the evidence");
    assert!(!kept.contains(&secret), "a file keeps it");
}
