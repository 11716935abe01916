//! Two hundred random kills: of the console, of the runner, of both, at any moment of a committed sequence.
//!
//! Each trial has its own state root, its own node that answers over HTTP, and its own unit, whose "restart" writes a
//! line to a file, so that what really ran can be counted. Whatever is killed: nothing lost, nothing twice, nothing
//! silent. Every trial is made from a seed, which is printed when it fails.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use opsconsole::app::JournalId;
use opsconsole::base::{ActId, Digest, Provenance, RunId, Severity, StepId};
use opsconsole::model::{Exec, Labels};
use opsconsole::runbook::record::{Outcome, SequenceEnd};
use opsconsole::runbook::seal::{Environment, Host, Place, Privilege, SealedAct};
use opsconsole::runbook::tree::{ActPlan, Class, ConditionPlan, EscalationPlan, SequencePlan, Task, WayBack};
use opsconsole::runbook::{Actor, Record, Run, Runbook, SealedSequence, Step};
use opsconsole::shell::{StateRoot, clock, journal};
use opsconsole::sources::http_json::{Extract, HttpJsonSpec, JsonSeriesSpec};
use opsconsole::sources::{BoundSource, SourceKindSpec, SourceSpec};

use crate::terminal::{Console, PROGRAM};

const TRIALS: usize = 200;
/// Trials under way at once: they mostly wait.
const AT_ONCE: usize = 16;
/// The two acts of a sequence take about this long each.
const ACT_MILLIS: u64 = 300;
/// The act that only waits, and runs nothing.
const PAUSE: &str = "pause";

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Console,
    Runner,
    Both,
}

/// What the sequence is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Two commands, verified.
    Commands,
    /// The same with a wait between them.
    Waits,
    /// The same, which cures nothing and has a way back.
    GoesBack,
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    seed: u64,
    victim: Victim,
    kind: Kind,
    after: Duration,
}

impl Trial {
    fn of(seed: u64) -> Trial {
        let mut z = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^= z >> 27;
        let victim = [Victim::Console, Victim::Runner, Victim::Both][usize::try_from(z % 3).expect("small")];
        let kind = [Kind::Commands, Kind::Waits, Kind::GoesBack][usize::try_from((z >> 40) % 3).expect("small")];
        // From before the runner began to after it ended.
        let span_millis = if kind == Kind::GoesBack { 5_000 } else { 2_600 };
        Trial { seed, victim, kind, after: Duration::from_millis((z >> 8) % span_millis) }
    }
}

/// A node whose height grows with every answer, on a port of its own.
fn serve_node() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let mut height = 100;
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            height += 1;
            let body = format!("{{\"height\":{height}}}");
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    port
}

/// Everything a trial needs, in one folder.
struct Site {
    folder: tempfile::TempDir,
    root: StateRoot,
    run: RunId,
    sequence: SealedSequence,
}

impl Site {
    fn new(kind: Kind, port: u16) -> Site {
        let folder = tempfile::tempdir().expect("a folder");
        let demo = folder.path().canonicalize().expect("it is there").join("demo");
        std::fs::create_dir_all(demo.join("bin")).expect("made");
        let acts = demo.join("acts.log");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = show ]; then printf 'MainPID={}\\nControlGroup=\\n'; exit 0; fi\n\
             echo \"$1 $2\" >> '{}'\nsleep 0.{ACT_MILLIS}\n",
            std::process::id(),
            acts.display()
        );
        let systemctl = demo.join("bin/systemctl");
        std::fs::write(&systemctl, script).expect("written");
        std::fs::set_permissions(&systemctl, std::fs::Permissions::from_mode(0o700)).expect("set");
        std::fs::set_permissions(&demo, std::fs::Permissions::from_mode(0o700)).expect("set");
        let root = StateRoot::find(Some(&demo.join("state"))).expect("a state root");
        let sequence = sequence(kind, &demo, port);
        let site = Site { folder, root, run: RunId::new("trial"), sequence };
        site.write_config(port);
        site.open();
        site
    }

    fn demo(&self) -> PathBuf {
        self.folder.path().canonicalize().expect("it is there").join("demo")
    }

    fn config(&self) -> PathBuf {
        self.demo().join("config.ron")
    }

    fn write_config(&self, port: u16) {
        let text = format!(
            "(targets: [(id: \"chain\", system: \"volchain\", environment: Demo, nodes: [(id: \"n\", endpoints: [(id: \"api\", \
             url: \"http://127.0.0.1:{port}\")])])], state_root: {:?})",
            self.root.path().display().to_string()
        );
        std::fs::write(self.config(), text).expect("written");
    }

    /// The run up to its confirmation, as a console writes it.
    fn open(&self) {
        let runbook = runbook(&self.sequence);
        let hash = Digest::of_json(&runbook).expect("JSON");
        self.append(Record::RunOpened {
            run: self.run.clone(),
            target: "chain".into(),
            system: "volchain".into(),
            environment: Environment::Demo,
            alert: None,
            runbook: Box::new(runbook),
            hash,
        });
        self.append(Record::Confirmed {
            step: StepId::new("act"),
            sequence: Box::new(self.sequence.clone()),
            hash: self.hash(),
            only_if: Vec::new(),
            evidence: Vec::new(),
        });
    }

    fn append(&self, record: Record) {
        let actor = Actor { process: "trial".to_owned(), user: "trial".to_owned(), ..Actor::default() };
        let id = JournalId::Run(self.run.clone());
        journal::append(&self.root, &id, &actor, clock::now(), &clock::boot_id(), record).expect("journalled");
    }

    fn hash(&self) -> Digest {
        self.sequence.digest().expect("JSON")
    }

    fn runner(&self) -> Child {
        Command::new(PROGRAM)
            .args(["runner", "--run", self.run.as_str(), "--hash", self.hash().as_str(), "--state-root"])
            .arg(self.root.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the runner starts")
    }

    fn console(&self) -> Console {
        Console::start(&["--config", &self.config().display().to_string()], 80, 24)
    }

    fn folded(&self) -> Run {
        let path = self.root.journal(&JournalId::Run(self.run.clone())).expect("a path");
        Run::fold(&journal::read(&path).expect("a whole journal")).expect("the story of a run")
    }

    fn end(&self) -> Option<SequenceEnd> {
        let run = self.folded();
        run.steps.values().find_map(|step| step.sequence.as_ref()?.end.clone())
    }

    /// How often each act really ran.
    fn ran(&self) -> BTreeMap<String, usize> {
        let text = std::fs::read_to_string(self.demo().join("acts.log")).unwrap_or_default();
        let mut ran = BTreeMap::new();
        text.lines().for_each(|line| *ran.entry(line.to_owned()).or_default() += 1);
        ran
    }
}

fn act_plan(id: &str) -> ActPlan {
    ActPlan {
        id: ActId::new(id),
        title: id.to_owned(),
        act: opsconsole::runbook::tree::Act::Command(vec!["systemctl".to_owned(), id.to_owned(), "unit".to_owned()]),
        timeout: Duration::from_secs(20),
        unit: "unit".to_owned(),
        provenance: Provenance::default(),
    }
}

fn escalation() -> EscalationPlan {
    EscalationPlan {
        severity: Severity::Critical,
        contacts: vec!["on-call".to_owned()],
        respond_within_minutes: 15,
        say: "it did not help".to_owned(),
    }
}

fn verify(kind: Kind) -> Vec<ConditionPlan> {
    let height = if kind == Kind::GoesBack { 1_000_000_000 } else { 100 };
    vec![ConditionPlan { means: "the height moves".to_owned(), expr: format!("height > bool {height}") }]
}

fn sequence(kind: Kind, demo: &Path, port: u16) -> SealedSequence {
    let systemctl = demo.join("bin/systemctl").display().to_string();
    let act = |id: &str| SealedAct {
        id: ActId::new(id),
        title: id.to_owned(),
        exec: Exec::Command {
            argv: vec![systemctl.clone(), id.to_owned(), "unit".to_owned()],
            timeout: Duration::from_secs(20),
        },
    };
    let mut acts = vec![act("restart"), act("start")];
    if kind == Kind::Waits {
        let exec = Exec::Wait { time: Duration::from_millis(ACT_MILLIS) };
        acts.insert(1, SealedAct { id: ActId::new(PAUSE), title: PAUSE.to_owned(), exec });
    }
    let series = JsonSeriesSpec {
        each: None,
        reads: opsconsole::sources::extraction::Reads::Number,
        name: "height".to_owned(),
        labels: BTreeMap::new(),
        help: "height".to_owned(),
        unit: opsconsole::base::Unit::Count,
        extract: vec![Extract { surface: "both".to_owned(), jq: ".height".to_owned() }],
        from: Vec::new(),
    };
    let spec = SourceSpec {
        id: "health".to_owned(),
        endpoint: "api".to_owned(),
        interval_seconds: 2.0,
        timeout_seconds: 3.0,
        limit_bytes: 65_536,
        decides_up: true,
        cost: None,
        budget: None,
        once: false,
        kind: SourceKindSpec::HttpJson(HttpJsonSpec {
            method: opsconsole::sources::http_json::ReadMethod::Get,
            path: "/health".to_owned(),
            series: vec![series],
            documents: Vec::new(),
        }),
        from: Vec::new(),
        documented: Vec::new(),
        deviates: None,
        answers: Vec::new(),
    };
    SealedSequence {
        id: "sequence".into(),
        title: "two acts".to_owned(),
        class: Class::Serious,
        place: Place {
            target: "chain".into(),
            system: "volchain".into(),
            environment: Environment::Demo,
            host: Host::Local,
            privilege: Privilege::None,
            demo_folder: Some(demo.display().to_string()),
            lock_key: "local/unit/unit".to_owned(),
            listens_on: format!("127.0.0.1:{port}"),
            unit: "unit".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
            secrets: std::collections::BTreeMap::new(),
        },
        acts,
        settle: Duration::from_millis(200),
        verify: verify(kind),
        verify_within: Duration::from_secs(if kind == Kind::GoesBack { 1 } else { 10 }),
        reads: vec![BoundSource {
            id: "chain/n/api/health".into(),
            target: "chain".into(),
            base_url: format!("http://127.0.0.1:{port}"),
            credentials: None,
            budget: None,
            labels: Labels::from_pairs([("target", "chain")]),
            spec,
            machine: None,
        }],
        way_back: if kind == Kind::GoesBack { vec![act("stop")] } else { Vec::new() },
        no_way_back: (kind != Kind::GoesBack).then(|| "there is none".to_owned()),
        approval: None,
        escalation: escalation(),
    }
}

fn runbook(sequence: &SealedSequence) -> Runbook {
    let plan = SequencePlan {
        id: sequence.id.clone(),
        class: Class::Serious,
        only_if: Vec::new(),
        capture: Vec::new(),
        acts: vec![act_plan("restart"), act_plan("start")],
        expect: "the height moves".to_owned(),
        settle: sequence.settle,
        verify: sequence.verify.clone(),
        verify_within: sequence.verify_within,
        way_back: WayBack::None("there is none".to_owned()),
        escalation: escalation(),
        for_each: None,
    };
    Runbook {
        by_hand: None,
        id: "volchain/trial".into(),
        system: "volchain".into(),
        title: "a trial".to_owned(),
        severity: Severity::Critical,
        alerts: Vec::new(),
        summary: "two acts".to_owned(),
        panels: Vec::new(),
        steps: vec![Step {
            id: "act".into(),
            title: "two acts".to_owned(),
            task: Task::Commit(plan),
            only_after: None,
            provenance: Provenance::default(),
        }],
        provenance: Provenance::default(),
    }
}

/// A process that does not outlive its trial.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the sequence has an end, whoever writes it.
fn end_of(site: &Site) -> Option<SequenceEnd> {
    let patience = Instant::now() + Duration::from_secs(60);
    while Instant::now() < patience {
        if let Some(end) = site.end() {
            return Some(end);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}

/// One trial; the error says what was lost, done twice or silent.
fn play(trial: Trial, port: u16) -> Result<SequenceEnd, String> {
    let site = Site::new(trial.kind, port);
    let mut console = site.console();
    let mut runner = Reaped(site.runner());
    std::thread::sleep(trial.after);
    if matches!(trial.victim, Victim::Console | Victim::Both) {
        console.child.kill().map_err(|error| error.to_string())?;
    }
    if matches!(trial.victim, Victim::Runner | Victim::Both) {
        runner.0.kill().map_err(|error| error.to_string())?;
    }
    let _ = runner.0.wait();
    // Somebody opens a console again, and another one starts the runner again, which must find nothing to do.
    let _again = site.console();
    let mut second = Reaped(site.runner());
    let end = end_of(&site).ok_or("the sequence never came to an end")?;
    let _ = second.0.wait();
    check(trial.kind, &site, &end)?;
    Ok(end)
}

fn check(kind: Kind, site: &Site, end: &SequenceEnd) -> Result<(), String> {
    let run = site.folded();
    let sequence = run.steps.values().find_map(|step| step.sequence.as_ref()).ok_or("the sequence is lost")?;
    let ran = site.ran();
    for (act, times) in &ran {
        if *times > 1 {
            return Err(format!("{act} ran {times} times"));
        }
    }
    if ran.len() > sequence.acts.len() {
        return Err(format!("{} acts ran and {} have an intent", ran.len(), sequence.acts.len()));
    }
    for (act, outcome) in &sequence.acts {
        let really = act.as_str() == PAUSE || ran.contains_key(&format!("{act} unit"));
        if matches!(outcome, Some(Outcome::Exited { code: 0 })) && !really {
            return Err(format!("{act} is noted as done and did not run"));
        }
    }
    let unfinished = sequence.acts.iter().any(|(_, outcome)| outcome.is_none());
    let told = match end {
        SequenceEnd::Verified => !unfinished && ran.len() == 2,
        SequenceEnd::OutcomeUnknown { .. } => true,
        SequenceEnd::Refused { .. } | SequenceEnd::NeverStarted { .. } => ran.is_empty(),
        SequenceEnd::RolledBack { .. } => kind == Kind::GoesBack && !unfinished && ran.len() == 3,
        SequenceEnd::NotCured { .. } => false,
    };
    if !told {
        return Err(format!("it ended as {end:?}, and {} acts ran, unfinished: {unfinished}", ran.len()));
    }
    let path = site.root.journal(&JournalId::Run(site.run.clone())).map_err(|error| error.to_string())?;
    let found = journal::verify(&path).map_err(|error| error.to_string())?;
    if !found.is_whole() {
        return Err(format!("the journal is not whole: {found:?}"));
    }
    Ok(())
}

#[test]
fn two_hundred_kills_lose_nothing_do_nothing_twice_and_hide_nothing() {
    let seed: u64 = std::env::var("OPSCONSOLE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let trials: usize =
        std::env::var("OPSCONSOLE_TRIALS").ok().and_then(|trials| trials.parse().ok()).unwrap_or(TRIALS);
    println!("{trials} trials from seed {seed}; OPSCONSOLE_SEED and OPSCONSOLE_TRIALS=1 run one again");
    let port = serve_node();
    let next = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..AT_ONCE.min(trials))
        .map(|_| {
            let next = Arc::clone(&next);
            std::thread::spawn(move || {
                let mut ends: BTreeMap<String, usize> = BTreeMap::new();
                let mut failed = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    if index >= trials {
                        return (ends, failed);
                    }
                    let trial = Trial::of(seed + index as u64);
                    match play(trial, port) {
                        Ok(end) => {
                            if trials == 1 {
                                println!("{end:?}");
                            }
                            let name = format!("{end:?}").split([' ', '{']).next().unwrap_or_default().to_owned();
                            let what = format!("{:?}, {:?} killed: {name}", trial.kind, trial.victim);
                            *ends.entry(what).or_default() += 1;
                        }
                        Err(why) => failed.push(format!(
                            "seed {}, {:?}, {:?} killed after {:?}: {why}",
                            trial.seed, trial.kind, trial.victim, trial.after
                        )),
                    }
                }
            })
        })
        .collect();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    let mut failed = Vec::new();
    for worker in workers {
        let (more, wrong) = worker.join().expect("a worker does not panic");
        more.into_iter().for_each(|(name, count)| *ends.entry(name).or_default() += count);
        failed.extend(wrong);
    }
    println!("{ends:#?}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    // A test in which nothing was ever cut short would prove nothing.
    if trials == TRIALS {
        assert!(ends.keys().any(|name| name.contains("OutcomeUnknown")), "no kill came in the middle of an act");
        assert!(ends.keys().any(|name| name.contains("Verified")), "no sequence outlived its console");
    }
}
