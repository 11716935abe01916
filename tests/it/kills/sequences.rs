//! The sequences that are killed: planned as a runbook has them, resolved and sealed as a console does.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use opsconsole::base::{ActId, Provenance, SecretRef, Severity, Unit};
use opsconsole::model::{Exec, FileAct, Labels, Method};
use opsconsole::runbook::request::{HeaderPlan, RequestPlan};
use opsconsole::runbook::seal::{Approval, Environment, Host, Place, Prepared, Privilege, seal};
use opsconsole::runbook::tree::{Act, ActPlan, Class, ConditionPlan, EscalationPlan, SequencePlan, Task, WayBack};
use opsconsole::runbook::{Runbook, SealedSequence, Step};
use opsconsole::shell::resolve;
use opsconsole::sources::extraction::Reads;
use opsconsole::sources::http_json::{Extract, HttpJsonSpec, JsonSeriesSpec, ReadMethod};
use opsconsole::sources::{BoundSource, SourceKindSpec, SourceSpec};

use super::Kind;
use super::files::{BACKUP, STAMP, today};
use super::site::ACT_MILLIS;

/// What the node would ask for.
pub const SECRET: &str = "killed-and-never-seen";

fn act(id: &str, act: Act) -> ActPlan {
    ActPlan {
        id: ActId::new(id),
        title: id.to_owned(),
        act,
        timeout: Duration::from_secs(20),
        unit: "unit".to_owned(),
        provenance: Provenance::default(),
    }
}

fn command(verb: &str) -> ActPlan {
    act(verb, Act::Command(["systemctl", verb, "unit"].map(str::to_owned).to_vec()))
}

fn file(id: &str, does: FileAct) -> ActPlan {
    act(id, Act::File(does))
}

fn request(id: &str, seed: u64) -> ActPlan {
    let headers = vec![HeaderPlan { name: "X-Admin-Secret".to_owned(), secret: "admin".to_owned() }];
    let path = format!("/act/{seed}/{id}");
    act(id, Act::Request(RequestPlan { method: Method::Post, path, headers, body: None }))
}

/// The acts of a kind, and those of its way back.
fn acts(kind: Kind, demo: &Path, seed: u64) -> (Vec<ActPlan>, Vec<ActPlan>) {
    let at = |path: &str| demo.join(path).display().to_string();
    let stamp = || STAMP.to_owned();
    let back = |path: &str| FileAct::PutBack { path: at(path), stamp: stamp() };
    match kind {
        Kind::Commands | Kind::BreakGlass | Kind::People => (vec![command("restart"), command("start")], Vec::new()),
        Kind::Waits => {
            let pause = act("pause", Act::Wait(Duration::from_millis(ACT_MILLIS)));
            (vec![command("restart"), pause, command("start")], Vec::new())
        }
        Kind::GoesBack => (vec![command("restart"), command("start")], vec![command("stop")]),
        Kind::Requests => (vec![request("reconcile", seed), request("again", seed)], Vec::new()),
        Kind::DropIn | Kind::DropInBack => {
            let text = "[Service]\nEnvironment=\"TIMEOUT=45000\"\n".to_owned();
            let path = at("units/unit.service.d/timeout.conf");
            let write = FileAct::WriteText { path, text, mode: 0o644, stamp: stamp(), keep: true };
            let put_back = file("put-back", back("units/unit.service.d/timeout.conf"));
            let way_back = if kind == Kind::DropInBack { vec![put_back, command("start")] } else { Vec::new() };
            (vec![file("write", write), command("restart")], way_back)
        }
        Kind::Backup => {
            let folder = at(&format!("backup/{}", today()));
            let copy = FileAct::CopyTree { source: at("backend/volchain"), to: format!("{folder}/volchain") };
            let listed = Some(vec![BACKUP.to_owned()]);
            let prune = FileAct::Prune { parent: at("backup"), keep_days: 30, keep_newest: 1, listed };
            let acts = vec![
                command("stop"),
                file("copy", copy),
                file("sum", FileAct::Manifest { folder: folder.clone() }),
                file("verify", FileAct::VerifyManifest { folder }),
                command("start"),
                file("prune", prune),
            ];
            (acts, Vec::new())
        }
        Kind::Recovery | Kind::RecoveryBack => {
            let backup = at(&format!("backup/{BACKUP}"));
            let replace = |name: &str| FileAct::Replace {
                live: at(&format!("backend/{name}")),
                with: format!("{backup}/{name}"),
                stamp: stamp(),
            };
            let acts = vec![
                command("stop"),
                file("verify", FileAct::VerifyManifest { folder: backup.clone() }),
                file("replace-chain", replace("volchain")),
                file("replace-db", replace("db.json")),
                command("start"),
            ];
            let way_back = vec![
                file("put-back-db", back("backend/db.json")),
                file("put-back-chain", back("backend/volchain")),
                command("restart"),
            ];
            (acts, if kind == Kind::RecoveryBack { way_back } else { Vec::new() })
        }
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

/// A runbook of these steps.
pub fn runbook(steps: Vec<Step>) -> Runbook {
    Runbook {
        by_hand: None,
        id: "volchain/trial".into(),
        system: "volchain".into(),
        title: "a trial".to_owned(),
        severity: Severity::Critical,
        alerts: Vec::new(),
        summary: "one step after the other".to_owned(),
        symptoms: Vec::new(),
        panels: Vec::new(),
        steps,
        provenance: Provenance::default(),
    }
}

pub fn step(id: &str, title: &str, task: Task) -> Step {
    Step { id: id.into(), title: title.to_owned(), task, only_after: None, provenance: Provenance::default() }
}

/// The runbook of a trial, and its sequence as it was confirmed.
pub fn sealed(kind: Kind, demo: &Path, seed: u64, port: u16) -> (Runbook, SealedSequence) {
    let (acts, way_back) = acts(kind, demo, seed);
    let height = if kind.goes_back() { 1_000_000_000 } else { 100 };
    let plan = SequencePlan {
        id: "sequence".into(),
        class: if kind == Kind::BreakGlass { Class::Destructive } else { Class::Serious },
        only_if: Vec::new(),
        capture: Vec::new(),
        acts,
        expect: "the height moves".to_owned(),
        settle: Duration::from_millis(200),
        verify: vec![ConditionPlan { means: "the height moves".to_owned(), expr: format!("height > bool {height}") }],
        verify_within: Duration::from_secs(if kind.goes_back() { 1 } else { 10 }),
        way_back: match way_back.is_empty() {
            true => WayBack::None("there is none".to_owned()),
            false => WayBack::Acts(way_back),
        },
        escalation: escalation(),
        for_each: None,
    };
    let place = place(demo, port);
    let resolved = |acts: &[ActPlan]| -> Vec<Exec> {
        acts.iter().map(|act| resolve::resolve(&place, act).expect("it can be done there")).collect()
    };
    let approval = Approval::BreakGlass { incident: "INC-9".to_owned(), reason: "the chain is to be wiped".to_owned() };
    let prepared = Prepared {
        acts: &resolved(&plan.acts),
        way_back: &resolved(plan.way_back.acts()),
        host_proven: true,
        captured: &BTreeMap::new(),
        reads: &[read(port)],
        approval: (kind == Kind::BreakGlass).then_some(&approval),
    };
    let step = step("act", "two acts", Task::Commit(plan.clone()));
    let sequence = seal(&plan, &step, &place, &prepared).expect("it is the plan");
    (runbook(vec![step]), sequence)
}

fn place(demo: &Path, port: u16) -> Place {
    let secret = SecretRef::File(demo.join(super::site::SECRET_FILE).display().to_string());
    Place {
        target: "chain".into(),
        system: "volchain".into(),
        environment: Environment::Demo,
        host: Host::Local,
        privilege: Privilege::None,
        demo_folder: Some(demo.display().to_string()),
        lock_key: "local/unit/unit".to_owned(),
        listens_on: format!("127.0.0.1:{port}"),
        unit: "unit".to_owned(),
        base_url: format!("http://127.0.0.1:{port}"),
        secrets: BTreeMap::from([("admin".to_owned(), secret)]),
    }
}

/// The one read of the verification.
fn read(port: u16) -> BoundSource {
    let series = JsonSeriesSpec {
        each: None,
        reads: Reads::Number,
        name: "height".to_owned(),
        labels: BTreeMap::new(),
        help: "height".to_owned(),
        unit: Unit::Count,
        extract: vec![Extract { surface: "both".to_owned(), jq: ".height".to_owned() }],
        from: Vec::new(),
    };
    let kind = HttpJsonSpec {
        method: ReadMethod::Get,
        path: "/health".to_owned(),
        series: vec![series],
        documents: Vec::new(),
    };
    let spec = SourceSpec {
        budget: None,
        once: false,
        id: "health".to_owned(),
        endpoint: "api".to_owned(),
        interval_seconds: 2.0,
        timeout_seconds: 3.0,
        limit_bytes: 65_536,
        decides_up: true,
        cost: None,
        kind: SourceKindSpec::HttpJson(kind),
        from: Vec::new(),
        documented: Vec::new(),
        deviates: None,
        answers: Vec::new(),
        tells: Default::default(),
    };
    BoundSource {
        budget: None,
        id: "chain/n/api/health".into(),
        target: "chain".into(),
        base_url: format!("http://127.0.0.1:{port}"),
        credentials: None,
        labels: Labels::from_pairs([("target", "chain")]),
        spec,
        machine: None,
        recognise: None,
        http: Default::default(),
    }
}
