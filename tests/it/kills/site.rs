//! Everything that one trial needs: a folder, a node, a journal, programs that say that they ran.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opsconsole::app::JournalId;
use opsconsole::base::{ActId, Digest, RunId, StepId};
use opsconsole::model::Exec;
use opsconsole::runbook::record::SequenceEnd;
use opsconsole::runbook::seal::Environment;
use opsconsole::runbook::{Actor, Record, Run, Runbook, SealedSequence};
use opsconsole::shell::{StateRoot, clock, journal};

use super::{Kind, PATIENCE, files, sequences};
use crate::terminal::{Console, PROGRAM};

/// Where the secret of the target is kept.
pub const SECRET_FILE: &str = "admin.secret";

/// A command of a sequence, and an answer of the node, take about this long.
pub const ACT_MILLIS: u64 = 300;

/// A node whose height grows with every answer, and that remembers what it was told to do.
#[derive(Clone)]
pub struct Node {
    pub port: u16,
    told: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Node {
    pub fn serve() -> Node {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let told: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let counted = Arc::clone(&told);
        std::thread::spawn(move || {
            for (height, stream) in (101..).zip(listener.incoming().flatten()) {
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || answer(stream, height, &counted));
            }
        });
        Node { port, told }
    }

    /// How often it was asked to do each thing below this path.
    fn told(&self, below: &str) -> BTreeMap<String, usize> {
        let told = self.told.lock().expect("no panic holds it");
        told.iter().filter(|(path, _)| path.starts_with(below)).map(|(path, times)| (path.clone(), *times)).collect()
    }
}

fn answer(stream: TcpStream, height: u64, told: &Mutex<BTreeMap<String, usize>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default().to_owned());
    if method == "POST" {
        // Counted when it has arrived, whoever is still there to hear of it.
        *told.lock().expect("no panic holds it").entry(path).or_default() += 1;
        std::thread::sleep(Duration::from_millis(ACT_MILLIS));
    }
    // It repeats a secret that it should keep.
    let body = format!("{{\"height\":{height},\"secret\":\"{}\"}}", sequences::SECRET);
    let length = body.len();
    // One that has been killed hears nothing.
    let _ = write!(
        reader.get_mut(),
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

/// Everything a trial needs, in one folder.
pub struct Site {
    folder: tempfile::TempDir,
    pub root: StateRoot,
    pub run: RunId,
    pub sequence: SealedSequence,
    node: Node,
    seed: u64,
}

impl Site {
    /// A run whose sequence has just been confirmed.
    pub fn new(kind: Kind, seed: u64, node: &Node) -> Site {
        let (folder, root) = Site::ground(node);
        let demo = folder.path().join("demo").canonicalize().expect("it is there");
        files::lay_out(&demo);
        let (runbook, sequence) = sequences::sealed(kind, &demo, seed, node.port);
        let site = Site { folder, root, run: RunId::new("trial"), sequence, node: node.clone(), seed };
        site.open(&runbook);
        site.confirm();
        site
    }

    /// A run that was opened and of which nothing is done.
    pub fn opened(runbook: &Runbook, seed: u64, node: &Node) -> Site {
        let (folder, root) = Site::ground(node);
        let demo = folder.path().join("demo").canonicalize().expect("it is there");
        let (_, sequence) = sequences::sealed(Kind::Commands, &demo, seed, node.port);
        let site = Site { folder, root, run: RunId::new("trial"), sequence, node: node.clone(), seed };
        site.open(runbook);
        site
    }

    /// Folder, programs, configuration and state root.
    fn ground(node: &Node) -> (tempfile::TempDir, StateRoot) {
        let folder = tempfile::tempdir().expect("a folder");
        let demo = folder.path().canonicalize().expect("it is there").join("demo");
        std::fs::create_dir_all(demo.join("bin")).expect("made");
        std::fs::set_permissions(&demo, std::fs::Permissions::from_mode(0o700)).expect("set");
        let acts = demo.join("acts.log");
        // What runs says that it ran, and with which environment; and every program tells a secret.
        let noted = format!(
            "printf '%s %s\\n' \"$1\" \"$2\" >> '{}'\nenv >> '{}'\ncat '{}' >&2",
            acts.display(),
            demo.join("environments.log").display(),
            demo.join(SECRET_FILE).display()
        );
        let systemctl = format!(
            "#!/bin/sh\nif [ \"$1\" = show ]; then printf 'MainPID={}\\nControlGroup=\\n'; exit 0; fi\n{noted}\nsleep 0.{ACT_MILLIS}\n",
            std::process::id(),
        );
        program(&demo, "systemctl", &systemctl);
        program(&demo, "opsconsole", &format!("#!/bin/sh\n{noted}\nexec '{PROGRAM}' \"$@\"\n"));
        std::fs::write(demo.join(SECRET_FILE), sequences::SECRET).expect("written");
        std::fs::set_permissions(demo.join(SECRET_FILE), std::fs::Permissions::from_mode(0o600)).expect("set");
        let root = StateRoot::find(Some(&demo.join("state"))).expect("a state root");
        let text = format!(
            "(targets: [(id: \"chain\", system: \"volchain\", environment: Demo, nodes: [(id: \"n\", endpoints: [(id: \"api\", \
             url: \"http://127.0.0.1:{}\")])], secrets: {{\"admin\": File({:?})}})], state_root: {:?})",
            node.port,
            demo.join(SECRET_FILE).display().to_string(),
            root.path().display().to_string()
        );
        std::fs::write(demo.join("config.ron"), text).expect("written");
        (folder, root)
    }

    pub fn demo(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there").join("demo")
    }

    fn open(&self, runbook: &Runbook) {
        let hash = Digest::of_json(runbook).expect("JSON");
        self.append(Record::RunOpened {
            run: self.run.clone(),
            target: "chain".into(),
            system: "volchain".into(),
            environment: Environment::Demo,
            alert: None,
            runbook: Box::new(runbook.clone()),
            hash,
        });
    }

    /// As a console writes it.
    fn confirm(&self) {
        if let Some(approval) = &self.sequence.approval {
            let broken = Record::GlassBroken {
                run: self.run.clone(),
                target: "chain".into(),
                sequence: self.sequence.id.clone(),
                hash: self.hash(),
                approval: approval.clone(),
            };
            self.append_to(&JournalId::Console, broken);
        }
        self.append(Record::Confirmed {
            step: StepId::new("act"),
            sequence: Box::new(self.sequence.clone()),
            hash: self.hash(),
            only_if: Vec::new(),
            evidence: Vec::new(),
        });
    }

    fn append(&self, record: Record) {
        self.append_to(&JournalId::Run(self.run.clone()), record);
    }

    fn append_to(&self, id: &JournalId, record: Record) {
        let actor = Actor { process: "trial".to_owned(), user: "trial".to_owned(), ..Actor::default() };
        journal::append(&self.root, id, &actor, clock::now(), &clock::boot_id(), record).expect("journalled");
    }

    fn hash(&self) -> Digest {
        self.sequence.digest().expect("JSON")
    }

    pub fn runner(&self) -> Child {
        Command::new(PROGRAM)
            .args(["runner", "--run", self.run.as_str(), "--hash", self.hash().as_str(), "--state-root"])
            .arg(self.root.path())
            // As a console hands it down, where the secret is kept in its environment.
            .env("VOLCHAIN_ADMIN_SECRET", sequences::SECRET)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the runner starts")
    }

    pub fn console(&self) -> Console {
        Console::start(&["--config", &self.demo().join("config.ron").display().to_string()], 80, 24)
    }

    pub fn folded(&self) -> Run {
        let path = self.root.journal(&JournalId::Run(self.run.clone())).expect("a path");
        Run::fold(&journal::read(&path).expect("a whole journal")).expect("the story of a run")
    }

    pub fn records(&self) -> Vec<Record> {
        let path = self.root.journal(&JournalId::Run(self.run.clone())).expect("a path");
        journal::read(&path).expect("a whole journal").into_iter().map(|entry| entry.record).collect()
    }

    pub fn end(&self) -> Option<SequenceEnd> {
        let run = self.folded();
        run.steps.values().find_map(|step| step.sequence.as_ref()?.end.clone())
    }

    /// What each act leaves behind when it runs; nothing for one that only waits.
    pub fn traces(&self) -> BTreeMap<ActId, Option<String>> {
        let all = self.sequence.acts.iter().chain(&self.sequence.way_back);
        all.map(|act| {
            let trace = match &act.exec {
                Exec::Command { argv, .. } => Some(argv[1..].join(" ")),
                Exec::Wait { .. } => None,
                Exec::Request { url, .. } => {
                    Some(url.split_once("//").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned())))
                        .flatten()
                }
            };
            (act.id.clone(), trace)
        })
        .collect()
    }

    /// How often each act really ran.
    pub fn ran(&self) -> BTreeMap<String, usize> {
        let text = std::fs::read_to_string(self.demo().join("acts.log")).unwrap_or_default();
        let mut ran = self.node.told(&format!("/act/{}/", self.seed));
        text.lines().for_each(|line| *ran.entry(line.to_owned()).or_default() += 1);
        ran
    }

    /// Kills the program of the act that the runner has under way, a moment after it began; with `only_now` whatever
    /// runs at this moment, and nothing where nothing does.
    pub fn kill_act(&self, runner: u32, moment: Duration, only_now: bool) {
        let patience = Instant::now() + if only_now { Duration::ZERO } else { Duration::from_secs(2) };
        loop {
            let act = processes().into_iter().find(|one| one.parent == runner && self.is_act(&one.command));
            if let Some(act) = act {
                if !only_now {
                    std::thread::sleep(moment);
                }
                if let Some(group) = i32::try_from(act.pid).ok().and_then(rustix::process::Pid::from_raw) {
                    // It may have ended by itself meanwhile.
                    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                }
                return;
            }
            if Instant::now() >= patience {
                return;
            }
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// Whether a command line is that of an act of this folder: one of its programs, or the console's own hidden one
    /// that such a program has become. The runner asks systemctl of the host as well; that is no act.
    fn is_act(&self, command: &str) -> bool {
        let demo = self.demo().display().to_string();
        let program = command.contains(&format!("{demo}/bin/")) && !command.contains(" show ");
        program || (command.contains(" act-file ") && command.contains(&demo))
    }

    /// Waits for acts that outlived their runner.
    pub fn acts_are_over(&self) -> Result<(), String> {
        let patience = Instant::now() + PATIENCE;
        while processes().iter().any(|one| self.is_act(&one.command)) {
            if Instant::now() > patience {
                return Err("an act never came to its end".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Looks for the secret in everything that is kept, and in the environment of everything that was started.
    pub fn keeps_no_secret(&self) -> Result<(), String> {
        let mut kept = Vec::new();
        everything(self.root.path(), &mut kept);
        let environments = self.demo().join("environments.log");
        kept.extend(std::fs::read(&environments).ok().map(|bytes| (environments, bytes)));
        let secret = sequences::SECRET.as_bytes();
        match kept.iter().find(|(_, bytes)| bytes.windows(secret.len()).any(|window| window == secret)) {
            Some((path, _)) => Err(format!("the secret stands in {}", path.display())),
            None => Ok(()),
        }
    }

    /// `journal verify` of everything there is, as an operator asks for it.
    pub fn journals_are_whole(&self) -> Result<(), String> {
        let mut verify = Command::new(PROGRAM);
        let output = verify.args(["journal", "verify", "--state-root"]).arg(self.root.path()).output();
        let output = output.map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("the journal is not whole: {}", String::from_utf8_lossy(&output.stdout))),
        }
    }
}

fn everything(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        match path.is_dir() {
            true => everything(&path, found),
            false => found.extend(std::fs::read(&path).ok().map(|bytes| (path, bytes))),
        }
    }
}

fn program(demo: &Path, name: &str, text: &str) {
    let path = demo.join("bin").join(name);
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("set");
}

/// A process that does not outlive its trial.
pub struct Reaped(pub Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Process {
    pid: u32,
    parent: u32,
    command: String,
}

fn processes() -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("linux").map_while(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    pids.filter_map(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some(Process { pid, parent, command: String::from_utf8_lossy(&command).replace('\0', " ") })
    })
    .collect()
}
