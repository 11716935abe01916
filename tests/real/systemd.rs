//! A real systemd in a container: a unit named as in the runbook, really restarted by it, with host proof and `sudo -n`.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::has;
use crate::terminal::{Console, PROGRAM, wait};

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

/// A machine with its own systemd.
struct Machine {
    boot: Child,
    leader: u32,
}

impl Machine {
    fn boot(root: &Path) -> Option<Machine> {
        let boot = Command::new("systemd-nspawn")
            .args(["--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe", "--directory"])
            .arg(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut machine = Machine { boot, leader: 0 };
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while std::time::Instant::now() < end {
            if machine.boot.try_wait().ok()?.is_some() {
                return None;
            }
            machine.leader = machine.init().unwrap_or(0);
            if machine.leader != 0 && machine.run(&["systemctl", "is-system-running"]).1.contains("running") {
                return Some(machine);
            }
            if machine.leader != 0 && machine.run(&["systemctl", "is-system-running"]).1.contains("degraded") {
                return Some(machine);
            }
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        None
    }

    /// The machine's process 1, as this machine numbers it.
    fn init(&self) -> Option<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.boot.id());
        std::fs::read_to_string(children).ok()?.split_whitespace().next()?.parse().ok()
    }

    fn enter(&self) -> Vec<String> {
        let leader = self.leader.to_string();
        ["nsenter", "--target", &leader, "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd", "--"]
            .map(str::to_owned)
            .to_vec()
    }

    fn run(&self, command: &[&str]) -> (bool, String) {
        let enter = self.enter();
        let output = Command::new(&enter[0]).args(&enter[1..]).args(command).output().expect("nsenter runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.leader.to_string()]).status();
        let _ = self.boot.kill();
        let _ = self.boot.wait();
    }
}

/// A Debian with systemd and sudo, made once.
fn debian() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("debian");
    if root.join("etc/opsconsole-made").exists() {
        return Some(root);
    }
    let made = Command::new("debootstrap")
        .args(["--variant=minbase", "--include=systemd,systemd-sysv,dbus,sudo,procps", "stable"])
        .arg(&root)
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !made {
        println!("not run: debootstrap could not make a Debian here");
        return None;
    }
    std::fs::write(root.join("etc/opsconsole-made"), "").ok()?;
    Some(root)
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

fn furnish(root: &Path) {
    let program = root.join("usr/local/bin/opsconsole");
    let _ = std::fs::remove_file(&program);
    std::fs::copy(PROGRAM, &program).expect("the program is copied");
    for old in ["srv/chain", "var/lib/opsconsole"] {
        let _ = std::fs::remove_dir_all(root.join(old));
    }
    write(root, "etc/systemd/system/volchain-backend.service", UNIT);
    write(root, "etc/sudoers.d/ops", SUDOERS);
    write(root, "etc/opsconsole.ron", CONFIG);
    let chroot = |command: &str| {
        Command::new("chroot").arg(root).args(["/bin/sh", "-c", command]).status().expect("chroot runs");
    };
    chroot("id ops >/dev/null 2>&1 || useradd --create-home --shell /bin/bash ops");
    chroot("getent group opsconsole >/dev/null || groupadd opsconsole; usermod -aG opsconsole ops");
    // Where the runbook has the backend, whose disk the console measures.
    chroot("install -d -m 0755 /home/volcev /home/volcev/blokoyunu/backend/volchain");
    chroot("install -d -g opsconsole -m 2770 /var/lib/opsconsole; install -d -o ops -m 0700 /srv/chain");
    chroot("chmod 0440 /etc/sudoers.d/ops");
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
    let root_user = std::fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("Uid:\t0\t"));
    if !root_user {
        println!("not run: a container needs root");
        return;
    }
    if !["systemd-nspawn", "debootstrap", "nsenter"].iter().all(|program| has(program)) {
        return;
    }
    let Some(root) = debian() else { return };
    furnish(&root);
    let Some(machine) = Machine::boot(&root) else {
        println!("not run: systemd does not boot in a container here");
        return;
    };
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
