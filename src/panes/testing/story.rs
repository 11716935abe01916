//! The journal of a run on the unnamed chain, as far as it has come in each condition.

use std::time::Duration;

use super::{Condition, ago, ahead, runbook};
use crate::base::{At, Digest, TargetId};
use crate::model::{Exec, Reading, Truth};
use crate::promql::Verdict;
use crate::runbook::record::{Actor, Evidence, Judged, Outcome, SequenceEnd};
use crate::runbook::seal::{Environment, Host, Place, Privilege, SealedAct};
use crate::runbook::tree::{Class, Task};
use crate::runbook::{Entry, Record, Runbook, SealedSequence};

pub fn actor() -> Actor {
    Actor {
        process: "opsconsole 812".to_owned(),
        user: "ops".to_owned(),
        login_uid: Some(1000),
        ssh: Some("10.0.0.7 50122 10.0.0.2 22".to_owned()),
        declared: Some("ayse".to_owned()),
    }
}

pub fn entry(seq: u64, at: At, record: Record) -> Entry {
    let digest = |n: u64| Digest::of(n.to_string().as_bytes());
    Entry { seq, prev: digest(seq - 1), at, boot_id: "boot".to_owned(), actor: actor(), record, hash: digest(seq) }
}

/// The journal of a run, as far as it has come in this condition.
pub fn story(condition: Condition) -> Vec<Entry> {
    let runbook = runbook();
    let hash = Digest::of_json(&runbook).expect("a runbook has JSON");
    let environment = if condition == Condition::Ill { Environment::Production } else { Environment::Demo };
    let mut records = vec![
        (
            120,
            Record::RunOpened {
                run: "run-1".into(),
                target: "main-a".into(),
                system: "chain".into(),
                environment,
                alert: Some("BlocksStale".to_owned()),
                runbook: Box::new(runbook.clone()),
                hash,
            },
        ),
        (119, Record::Observed { step: "look".into(), evidence: evidence() }),
        (118, Record::Suggested { step: "cause".into(), branch: Some("stuck".into()), judged: judged_branches() }),
    ];
    if condition != Condition::Well {
        records.extend(acting(condition, &runbook, environment));
    }
    let numbered = (1..).zip(records);
    numbered.map(|(seq, (seconds, record))| entry(seq, ago(seconds), record)).collect()
}

pub fn evidence() -> Vec<Evidence> {
    let item = |label: &str, expr: &str, unit, value, truth| Evidence {
        label: label.to_owned(),
        expr: expr.to_owned(),
        unit,
        reading: Reading { value, truth },
    };
    vec![
        item("age of the newest block", "age_seconds", crate::base::Unit::Seconds, Some(200.0), Truth::Fresh),
        item("transactions waiting", "mempool_size", crate::base::Unit::Count, None, Truth::NotExposed),
    ]
}

fn judged_branches() -> Vec<(crate::base::BranchId, Vec<Judged>)> {
    let judged = |means: &str, verdict| Judged { means: means.to_owned(), expr: String::new(), verdict };
    vec![
        (
            "stuck".into(),
            vec![
                judged("transactions are waiting", Verdict::True),
                judged("the newest block is older than a minute", Verdict::True),
            ],
        ),
        (
            "idle".into(),
            vec![judged("no transaction is waiting", Verdict::Unknown("mempool_size is not exposed".to_owned()))],
        ),
    ]
}

fn acting(condition: Condition, runbook: &Runbook, environment: Environment) -> Vec<(u64, Record)> {
    let sealed = sealed(runbook, environment);
    let hash = sealed.digest().expect("a sequence has JSON");
    let sequence = sealed.id.clone();
    let shown = sealed.acts[0].exec.to_string();
    let judged = |means: &str, expr: &str, verdict| Judged { means: means.to_owned(), expr: expr.to_owned(), verdict };
    let mut records = vec![
        (90, Record::BranchTaken { step: "cause".into(), branch: "stuck".into(), reason: None }),
        (
            60,
            Record::Armed {
                target: "main-a".into(),
                lock_key: "local/unit/node".to_owned(),
                reason: "INC-7".to_owned(),
                declared: "ayse".to_owned(),
                until: ahead(299),
            },
        ),
        (
            50,
            Record::Confirmed {
                step: "restart".into(),
                sequence: Box::new(sealed.clone()),
                hash: hash.clone(),
                only_if: vec![judged("transactions are waiting", "mempool_size > bool 0", Verdict::True)],
                evidence: evidence(),
            },
        ),
        (
            49,
            Record::RunnerStarted {
                sequence: sequence.clone(),
                hash: hash.clone(),
                pid: 4242,
                host_proof: "pid 42 of node.service".to_owned(),
                privilege_proof: "as ops".to_owned(),
            },
        ),
        (48, Record::Intent { sequence: sequence.clone(), act: "restart-unit".into(), hash, shown }),
    ];
    let applied = |outcome| Record::Applied {
        sequence: sequence.clone(),
        act: "restart-unit".into(),
        outcome,
        took: Duration::from_secs(2),
        output: String::new(),
    };
    if condition == Condition::Ill {
        records.push((46, applied(Outcome::Exited { code: 0 })));
        records.push((45, Record::Settling { sequence: sequence.clone(), until: ago(35) }));
        let judged = vec![
            judged("the node answers", "up == bool 1", Verdict::True),
            judged("the newest block is young", "age_seconds <= bool 60", Verdict::Unknown("no value yet".to_owned())),
        ];
        records.push((35, Record::Verifying { sequence, judged, deadline: ahead(85) }));
    } else {
        let why = "still running at its time limit".to_owned();
        records.push((30, applied(Outcome::Unknown { why: why.clone() })));
        let end = SequenceEnd::OutcomeUnknown { why };
        records.push((29, Record::SequenceEnded { step: "restart".into(), sequence, end, judged: vec![] }));
    }
    records
}

fn sealed(runbook: &Runbook, environment: Environment) -> SealedSequence {
    let step = runbook.step(&"restart".into()).expect("a step of the fixture");
    let Task::Commit(plan) = &step.task else { panic!("the step acts") };
    let command = ["/usr/bin/systemctl", "restart", "node"].map(str::to_owned).to_vec();
    SealedSequence {
        id: plan.id.clone(),
        title: step.title.clone(),
        class: Class::Serious,
        place: place(environment),
        acts: vec![SealedAct {
            id: "restart-unit".into(),
            title: "restart the unit".to_owned(),
            exec: Exec::Command { argv: command, timeout: Duration::from_secs(90) },
        }],
        settle: plan.settle,
        verify: plan.verify.clone(),
        verify_within: plan.verify_within,
        reads: Vec::new(),
        way_back: Vec::new(),
        no_way_back: Some("a restart can not be undone".to_owned()),
        approval: None,
        escalation: plan.escalation.clone(),
    }
}

fn place(environment: Environment) -> Place {
    Place {
        target: TargetId::new("main-a"),
        system: "chain".into(),
        environment,
        host: Host::Local,
        privilege: Privilege::None,
        demo_folder: None,
        lock_key: "local/unit/node".to_owned(),
        listens_on: "127.0.0.1:3001".to_owned(),
        unit: "node".to_owned(),
        base_url: String::new(),
        secrets: std::collections::BTreeMap::new(),
    }
}
