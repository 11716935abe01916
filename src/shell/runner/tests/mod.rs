//! A workshop: a real state root, a real socket, real small programs, the real runner; only what a node would answer
//! is made up.

mod crash;
mod ends;
mod requests;

use std::cell::Cell;
use std::net::TcpListener;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base::{ActId, Severity};
use crate::model::{Labels, Layout};
use crate::runbook::record::Outcome;
use crate::runbook::seal::{Approval, Place, SealedAct};
use crate::runbook::tree::{Class, EscalationPlan};
use crate::runbook::{Actor, SealedSequence};
use crate::shell::resolve::tests::{argv, demo};
use crate::sources::prometheus_text::PrometheusTextSpec;
use crate::sources::{SourceKindSpec, SourceSpec};

/// What the node's answers say, by the round in which they are given, counted from 1.
type Verdicts = fn(u32) -> Verdict;

pub struct Workshop {
    _place: tempfile::TempDir,
    _socket: TcpListener,
    pub root: StateRoot,
    pub run: RunId,
    pub place: Place,
    folder: PathBuf,
}

/// Programs of the simulated place. `systemctl` answers for this process and, asked for anything else, leaves a line.
const SYSTEMCTL: &str = "#!/bin/sh
if [ \"$1\" = show ]; then echo MainPID=@PID@; exit; fi
echo \"$*\" >> @FOLDER@/ran
echo did $1
";

pub fn workshop() -> Workshop {
    let place = tempfile::tempdir().expect("a temporary folder");
    let folder = place.path().canonicalize().expect("it is there");
    let systemctl =
        SYSTEMCTL.replace("@PID@", &std::process::id().to_string()).replace("@FOLDER@", &folder.display().to_string());
    let scripts = [
        ("systemctl", systemctl.as_str()),
        ("fails", "#!/bin/sh\necho no such unit; exit 5\n"),
        ("sleeps", "#!/bin/sh\nsleep 60\n"),
        ("dies", "#!/bin/sh\nkill -9 $$\n"),
        ("no-interpreter", "#!/no/such/interpreter\n"),
    ];
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let listens_on = socket.local_addr().expect("it is bound").to_string();
    let sealed_place = Place { listens_on, ..demo(&folder, &scripts) };
    let root = StateRoot::find(Some(&folder.join("state"))).expect("it can be made");
    Workshop { _place: place, _socket: socket, root, run: RunId::new("run-1"), place: sealed_place, folder }
}

/// Fast enough for a test; nothing is measured in it.
fn pace() -> Pace {
    Pace {
        poll_every: Duration::from_millis(10),
        grace: Duration::from_millis(500),
        retry_every: Duration::from_millis(10),
        retry_for: Duration::from_millis(200),
        confirmed_within: Duration::from_secs(600),
    }
}

impl Workshop {
    pub fn act(&self, id: &str, words: &str, timeout: Duration) -> SealedAct {
        let argv = resolve::resolve_argv(&self.place, &argv(words)).expect("it is allowed");
        SealedAct { id: ActId::new(id), title: id.to_owned(), exec: crate::model::Exec::Command { argv, timeout } }
    }

    /// A sequence of these commands, with these for its way back. Acts are named a1, a2, … and b1, b2, ….
    pub fn sealed(&self, acts: &[&str], way_back: &[&str]) -> SealedSequence {
        let named = |letter: &str, commands: &[&str]| -> Vec<SealedAct> {
            let numbered = commands.iter().enumerate();
            numbered.map(|(n, words)| self.act(&format!("{letter}{}", n + 1), words, Duration::from_secs(60))).collect()
        };
        SealedSequence {
            id: "restart".into(),
            title: "restart the node".to_owned(),
            class: Class::Serious,
            place: self.place.clone(),
            acts: named("a", acts),
            settle: Duration::from_millis(20),
            verify: vec![ConditionPlan { means: "blocks are sealed".to_owned(), expr: "x > bool 0".to_owned() }],
            verify_within: Duration::from_millis(400),
            reads: vec![self.source()],
            way_back: named("b", way_back),
            no_way_back: way_back.is_empty().then(|| "a restart can not be undone".to_owned()),
            approval: None,
            escalation: EscalationPlan {
                severity: Severity::Critical,
                contacts: Vec::new(),
                respond_within_minutes: 5,
                say: String::new(),
            },
        }
    }

    fn source(&self) -> BoundSource {
        BoundSource {
            id: "mainnet/n1/api/metrics".into(),
            target: self.place.target.clone(),
            base_url: format!("http://{}", self.place.listens_on),
            credentials: None,
            budget: None,
            labels: Labels::from_pairs([("target", "mainnet")]),
            spec: SourceSpec {
                id: "metrics".to_owned(),
                endpoint: "api".to_owned(),
                interval_seconds: 2.5,
                timeout_seconds: 2.0,
                limit_bytes: 1000,
                decides_up: true,
                cost: None,
                budget: None,
                once: false,
                kind: SourceKindSpec::PrometheusText(PrometheusTextSpec {
                    path: "/metrics".to_owned(),
                    limit_series: 10,
                }),
                from: Vec::new(),
                documented: Vec::new(),
                deviates: None,
                answers: Vec::new(),
                tells: Default::default(),
            },
            machine: None,
            recognise: None,
            http: Default::default(),
        }
    }

    /// Journals the confirmation of a sequence, as a console would; answers with its hash.
    pub fn confirm(&self, sealed: &SealedSequence) -> Digest {
        let hash = sealed.digest().expect("it has a digest");
        self.append(Record::Confirmed {
            step: "cure".into(),
            sequence: Box::new(sealed.clone()),
            hash: hash.clone(),
            only_if: Vec::new(),
            evidence: Vec::new(),
        });
        hash
    }

    pub fn append(&self, record: Record) {
        let actor = Actor { declared: Some("ana".to_owned()), ..Actor::default() };
        journal::append(&self.root, &self.journal(), &actor, clock::now(), &clock::boot_id(), record)
            .expect("it is appended");
    }

    pub fn journal(&self) -> JournalId {
        JournalId::Run(self.run.clone())
    }

    pub fn path(&self) -> PathBuf {
        self.root.journal(&self.journal()).expect("a path")
    }

    pub fn records(&self) -> Vec<Record> {
        journal::read(&self.path()).expect("it is whole").into_iter().map(|entry| entry.record).collect()
    }

    /// The kinds of the records from the confirmation on.
    pub fn story(&self) -> Vec<String> {
        let records = self.records();
        let from = records.iter().rposition(|record| matches!(record, Record::Confirmed { .. })).map_or(0, |at| at + 1);
        records[from..].iter().map(told).collect()
    }

    /// What the simulated systemctl was asked to do.
    pub fn ran(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join("ran")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn run_with(&self, hash: &Digest, verdicts: Verdicts, stop: Stop) -> Finished {
        let rounds = Rc::new(Cell::new(0));
        let (probe, judge) = (Node { rounds: rounds.clone() }, Told { rounds, verdicts });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(&self.root, &self.run, hash, probe, judge, pace(), stop))
    }

    pub fn run(&self, hash: &Digest, verdicts: Verdicts) -> Finished {
        let (_ask, stop) = Stop::new();
        self.run_with(hash, verdicts, stop)
    }
}

fn told(record: &Record) -> String {
    match record {
        Record::Intent { act, .. } => format!("intent {act}"),
        Record::Applied { act, outcome: Outcome::Exited { code }, .. } => format!("applied {act} {code}"),
        Record::Applied { act, outcome: Outcome::Unknown { .. }, .. } => format!("applied {act} unknown"),
        Record::Applied { act, outcome: Outcome::Answered { status }, .. } => {
            format!("applied {act} answered {status}")
        }
        Record::SequenceEnded { end, .. } => format!("ended {}", word(end)),
        other => {
            let debug = format!("{other:?}");
            debug.split([' ', '{']).next().unwrap_or_default().to_owned()
        }
    }
}

pub fn word(end: &SequenceEnd) -> &'static str {
    match end {
        SequenceEnd::Verified => "verified",
        SequenceEnd::RolledBack { .. } => "rolled back",
        SequenceEnd::NotCured { .. } => "not cured",
        SequenceEnd::OutcomeUnknown { .. } => "unknown",
        SequenceEnd::Refused { .. } => "refused",
        SequenceEnd::NeverStarted { .. } => "never started",
    }
}

/// A node that answers every read with one sample.
struct Node {
    rounds: Rc<Cell<u32>>,
}

impl Probe for Node {
    async fn poll(&mut self, source: &BoundSource) -> Batch {
        self.rounds.set(self.rounds.get() + 1);
        let layout = Arc::new(Layout::new(vec![source.labels.clone().with("__name__", "x")]));
        Batch::of(source.id.clone(), clock::now(), Duration::ZERO, layout, [f64::from(self.rounds.get())])
    }
}

/// Says what the test wants, but only of a store that holds this round's sample and never more than was measured.
struct Told {
    rounds: Rc<Cell<u32>>,
    verdicts: Verdicts,
}

impl Judge for Told {
    fn judge(&self, _plan: &ConditionPlan, store: &Store, scope: &Scope, _at: At) -> Verdict {
        let Scope::Target(target) = scope else { panic!("a sequence is about one target") };
        let present: Vec<f64> = store.present(target).map(|(_, value)| value).collect();
        assert_eq!(present, [f64::from(self.rounds.get())], "judged over this round's sample");
        (self.verdicts)(self.rounds.get())
    }
}

pub fn cured(_: u32) -> Verdict {
    Verdict::True
}

pub fn ill(_: u32) -> Verdict {
    Verdict::False
}

pub fn unknown(_: u32) -> Verdict {
    Verdict::Unknown("no data".to_owned())
}
