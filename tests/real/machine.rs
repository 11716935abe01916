//! A machine of its own: a Debian in a container, with a real systemd and a real journald.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::has;
use crate::terminal::PROGRAM;

/// A machine with its own systemd.
pub struct Machine {
    boot: Child,
    leader: u32,
    /// There is one Debian, and only one machine runs it at a time.
    _alone: MutexGuard<'static, ()>,
}

static ONE: Mutex<()> = Mutex::new(());

impl Machine {
    /// Boots a Debian that has the program and what `furnish` puts there; says so where that can not be done.
    pub fn start(furnish: impl FnOnce(&Path)) -> Option<Machine> {
        if !rustix::process::geteuid().is_root() {
            println!("not run: a container needs root");
            return None;
        }
        if !["systemd-nspawn", "debootstrap", "nsenter"].iter().all(|program| has(program)) {
            return None;
        }
        // A test that failed leaves nothing behind that another could not use.
        let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let root = debian()?;
        let program = root.join("usr/local/bin/opsconsole");
        let _ = std::fs::remove_file(&program);
        std::fs::copy(PROGRAM, &program).expect("the program is copied");
        furnish(&root);
        let machine = Machine::boot(&root, alone);
        if machine.is_none() {
            println!("not run: systemd does not boot in a container here");
        }
        machine
    }

    fn boot(root: &Path, alone: MutexGuard<'static, ()>) -> Option<Machine> {
        let boot = Command::new("systemd-nspawn")
            .args(["--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe", "--directory"])
            .arg(root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut machine = Machine { boot, leader: 0, _alone: alone };
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

    /// The words before a command that runs in the machine.
    pub fn enter(&self) -> Vec<String> {
        let leader = self.leader.to_string();
        ["nsenter", "--target", &leader, "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root", "--wd", "--"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Whether a command in the machine succeeded, and all that it printed.
    pub fn run(&self, command: &[&str]) -> (bool, String) {
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

/// Writes a file of the Debian.
pub fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

/// Runs a shell's words in the Debian, before it boots.
pub fn chroot(root: &Path, command: &str) {
    Command::new("chroot").arg(root).args(["/bin/sh", "-c", command]).status().expect("chroot runs");
}
