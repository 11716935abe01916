//! A real systemd in a container: a unit named as in the runbook, really restarted by it, with host proof and `sudo -n`.

use std::path::Path;

use crate::machine::{Machine, chroot, write};
use crate::terminal::{Console, wait};

const PORT: u16 = 43_001;

const UNIT: &str = "[Unit]
Description=the simulated node of the runbook
[Service]
User=ops
ExecStart=/usr/local/bin/opsconsole demo volchain --serve --keep --fault producer-stuck --fault-age 70 --port 43001 --folder /srv/chain
[Install]
WantedBy=multi-user.target
";

const SUDOERS: &str = "ops ALL=(root) NOPASSWD: /usr/bin/systemctl restart volchain-backend\n";

const CONFIG: &str = "(
    targets: [(
        id: \"chain-1\",
        system: \"volchain\",
        environment: Staging,
        host: Local,
        privilege: SudoNonInteractive(\"root\"),
        nodes: [(id: \"node-1\", endpoints: [(id: \"api\", url: \"http://127.0.0.1:43001\")])],
    )],
)
";

fn furnish(root: &Path) {
    for old in ["srv/chain", "var/lib/opsconsole"] {
        let _ = std::fs::remove_dir_all(root.join(old));
    }
    write(root, "etc/systemd/system/volchain-backend.service", UNIT);
    write(root, "etc/sudoers.d/ops", SUDOERS);
    write(root, "etc/opsconsole.ron", CONFIG);
    chroot(root, "id ops >/dev/null 2>&1 || useradd --create-home --shell /bin/bash ops");
    chroot(root, "getent group opsconsole >/dev/null || groupadd opsconsole; usermod -aG opsconsole ops");
    // Where the runbook has the backend, whose disk the console measures.
    chroot(root, "install -d -m 0755 /home/volcev /home/volcev/blokoyunu/backend/volchain");
    chroot(root, "install -d -g opsconsole -m 2770 /var/lib/opsconsole; install -d -o ops -m 0700 /srv/chain");
    chroot(root, "chmod 0440 /etc/sudoers.d/ops");
}

/// Where this machine keeps no memory account for a container, systemd says `[not set]`, and the row has no value either.
fn memory_is_what_systemd_says(machine: &Machine, shown_bytes: Option<f64>) {
    let said = machine.run(&["systemctl", "show", "--property=MemoryCurrent", "volchain-backend"]).1;
    println!("{said}");
    let said = said.trim().strip_prefix("MemoryCurrent=").expect("systemd answers").to_owned();
    let kept_bytes = said.parse::<u64>().ok().filter(|bytes| *bytes != u64::MAX);
    assert_eq!(shown_bytes.is_some(), kept_bytes.is_some(), "{shown_bytes:?} and {said}");
    assert!(shown_bytes.is_none_or(|bytes| bytes > 1e6), "{shown_bytes:?}");
}

/// What a real systemd and a real journald say, as the operator's own user may read it.
fn units_and_journal_are_read(machine: &Machine) {
    let snapshot =
        ["runuser", "-u", "ops", "--", "opsconsole", "--config", "/etc/opsconsole.ron", "snapshot", "--json"];
    let (_, said) = machine.run(&snapshot);
    let json: serde_json::Value =
        serde_json::from_str(&said[said.find('{').unwrap_or(0)..]).unwrap_or_else(|error| panic!("{error}: {said}"));
    let rows = json.pointer("/targets/0/panels").and_then(serde_json::Value::as_array).expect("panels");
    let rows: Vec<&serde_json::Value> = rows.iter().filter_map(|panel| panel["rows"].as_array()).flatten().collect();
    let value = |label: &str| {
        let row = rows.iter().find(|row| row["label"] == label).unwrap_or_else(|| panic!("{label}: {said}"));
        println!("{row}");
        row["value"].as_f64()
    };
    assert_eq!(value("service active"), Some(1.0));
    memory_is_what_systemd_says(machine, value("memory"));
    assert!(value("disk used").is_some_and(|ratio| (0.0..=1.0).contains(&ratio)), "{said}");
    let sources = json.pointer("/targets/0/sources").and_then(serde_json::Value::as_array).expect("sources");
    let journal = sources.iter().find(|source| source["source"].as_str().is_some_and(|id| id.ends_with("/journal")));
    let journal = journal.expect("the journal is a source");
    println!("{journal}");
    // This user is not in systemd-journal: his own journal is empty, and it is read all the same.
    assert_eq!(journal["state"], "fresh", "{journal}");
}

#[test]
fn a_real_unit_is_restarted_by_the_runbook() {
    let Some(machine) = Machine::start(furnish) else { return };
    let (started, said) = machine.run(&["systemctl", "start", "volchain-backend"]);
    assert!(started, "{said}");
    wait("the node answers", || std::net::TcpStream::connect(("127.0.0.1", PORT)).is_ok());
    let pid_before = machine.run(&["systemctl", "show", "--property=MainPID", "volchain-backend"]).1;

    let enter = machine.enter();
    let mut args: Vec<&str> = enter.iter().skip(1).map(String::as_str).collect();
    args.extend([
        "runuser",
        "-u",
        "ops",
        "--",
        "env",
        "TERM=xterm-256color",
        "opsconsole",
        "--config",
        "/etc/opsconsole.ron",
    ]);
    let mut console = Console::start_program(&enter[0], &args, 120, 40);
    console.shows("staging");
    console.type_text("3");
    // Pending for two minutes, as the rule says.
    console.shows_within("firing", std::time::Duration::from_secs(240));
    console.type_text("\r");
    console.shows("suggested");
    console.type_text("\r");
    console.shows("restart");
    console.type_text("A");
    console.shows("incident or reason");
    console.type_text("INC-9 real unit\r\r");
    console.shows("ARMED");
    console.type_text("X");
    console.shows("to confirm");
    println!("{}", console.screen());
    let screen = console.screen();
    assert!(screen.contains("volchain-backend"), "{screen}");
    assert!(screen.contains("/usr/bin/sudo -n"), "{screen}");
    assert!(!screen.contains("NOT PROVEN"), "{screen}");
    console.type_text("\u{1b}[F");
    std::thread::sleep(std::time::Duration::from_millis(200));
    let phrase = console.phrase();
    console.type_by_hand(&phrase);
    console.shows_within("verified", std::time::Duration::from_secs(120));
    println!("{}", console.screen());
    let pid_after = machine.run(&["systemctl", "show", "--property=MainPID", "volchain-backend"]).1;
    assert_ne!(pid_before, pid_after, "systemd started another process");
    console.type_text("q");
    console.ended();
    units_and_journal_are_read(&machine);
    let (whole, said) = machine.run(&["runuser", "-u", "ops", "--", "opsconsole", "journal", "verify"]);
    assert!(whole, "{said}");
    println!("{said}");
}
