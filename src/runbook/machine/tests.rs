//! Stories of runs: told record by record, cut off at every record, told twice, and told wrongly.

use std::collections::BTreeMap;
use std::time::Duration;

mod people;
mod random;
mod told;

use super::*;
use crate::base::{Boot, Provenance, SequenceId, SystemId, Unit, Wall};
use crate::model::{Exec, Truth};
use crate::runbook::fixture::{self, escalation, step};
use crate::runbook::record::{Actor, Archive, Record};
use crate::runbook::seal::{Host, Place, Privilege, SealedAct};
use crate::runbook::tree::{
    Accepts, Act, ActPlan, Branch, CollectPlan, InputPlan, ItemPlan, ManualPlan, SequencePlan, WatchPlan, WayBack,
};

// ---- a runbook with everything in it ----

fn condition(expr: &str) -> ConditionPlan {
    ConditionPlan { means: format!("{expr} holds"), expr: expr.to_owned() }
}

fn branch(id: &str, when: &[&str], steps: Vec<Step>) -> Branch {
    let when: Vec<ConditionPlan> = when.iter().map(|expr| condition(expr)).collect();
    fixture::branch(id, &when, steps)
}

fn act(id: &str) -> ActPlan {
    ActPlan {
        id: id.into(),
        title: id.to_owned(),
        act: Act::Command(vec!["systemctl".to_owned(), id.to_owned(), "unit".to_owned()]),
        timeout: Duration::from_secs(90),
        unit: "unit".to_owned(),
        provenance: Provenance::default(),
    }
}

fn sequence() -> SequencePlan {
    SequencePlan {
        id: "restart".into(),
        only_if: vec![condition("stuck")],
        capture: Vec::new(),
        acts: vec![act("stop"), act("start")],
        verify: vec![condition("moving"), condition("draining")],
        way_back: WayBack::Acts(vec![act("undo"), act("redo")]),
        ..fixture::sequence()
    }
}

fn runbook() -> Runbook {
    let conclude = |id: &str, only_after| step(id, Task::Conclude(format!("{id}.")), only_after);
    let stuck = vec![
        step("restart", Task::Commit(sequence()), None),
        step("hand-over", Task::Escalate(escalation()), Some(StepOutcome::Failed)),
        conclude("cured", Some(StepOutcome::Verified)),
    ];
    let watch = WatchPlan { until: vec![condition("busy")], deadline: Duration::from_secs(300) };
    let idle = vec![
        step("wait", Task::Watch(watch), None),
        conclude("busy-again", Some(StepOutcome::CameTrue)),
        conclude("idle-still", Some(StepOutcome::DeadlinePassed)),
    ];
    let deeper = branch("deeper", &["deep"], vec![conclude("deep-end", None)]);
    let other = branch("other", &["never"], vec![step("tell", Task::Escalate(escalation()), None)]);
    let odd = vec![step("choose-again", Task::Choose(vec![deeper, other]), None)];
    let branches = vec![
        branch("stuck", &["stuck", "old"], stuck),
        branch("idle", &["idle"], idle),
        branch("odd", &["odd"], odd),
        branch("people", &["by people"], by_people()),
    ];
    let reading = |expr: &str| ReadingPlan { label: expr.to_owned(), expr: expr.to_owned(), unit: Unit::Seconds };
    Runbook {
        steps: vec![
            step("look", Task::Observe(vec![reading("age"), reading("nan")]), None),
            step("choose", Task::Choose(branches), None),
            step("report", Task::Escalate(escalation()), None),
        ],
        ..fixture::runbook()
    }
}

/// Every kind of step that people do.
fn by_people() -> Vec<Step> {
    let item = |id: &str| ItemPlan { id: id.into(), text: id.to_owned(), provenance: Provenance::default() };
    let asked = InputPlan { name: "who".to_owned(), asks: "who".to_owned(), accepts: Accepts::Text };
    let collect = CollectPlan { readings: Vec::new(), documents: Vec::new(), log_lines: 9 };
    let after = WatchPlan { until: vec![condition("x{who={who}}")], deadline: Duration::from_secs(60) };
    let manual = ManualPlan { what: "look there".to_owned(), command: Vec::new() };
    vec![
        step("ask", Task::Ask(asked), None),
        step("keep", Task::Collect(collect), None),
        step("tick", Task::Tick(vec![item("one"), item("two"), item("three")]), None),
        step("hand", Task::ByHand(manual), None),
        step("not-done", Task::Escalate(escalation()), Some(StepOutcome::NotDone)),
        step("wait-for", Task::Watch(after), Some(StepOutcome::DoneByHand)),
        step("end", Task::Conclude("{who} has seen to it".to_owned()), None),
    ]
}

fn archive() -> Archive {
    let (path, files, left_out) = ("/evidence.tar".to_owned(), vec!["a.txt".to_owned()], Vec::new());
    Archive { path, bytes: 512, sha256: Digest::zero(), files, left_out }
}

fn sealed() -> SealedSequence {
    let plan = sequence();
    let seal = |acts: &[ActPlan]| -> Vec<SealedAct> {
        acts.iter()
            .map(|act| SealedAct {
                id: act.id.clone(),
                title: act.title.clone(),
                exec: Exec::Command { argv: vec!["/bin/true".to_owned()], timeout: act.timeout },
            })
            .collect()
    };
    SealedSequence {
        id: plan.id,
        title: "restart".to_owned(),
        class: plan.class,
        place: Place {
            target: "here".into(),
            system: "system".into(),
            environment: Environment::Demo,
            host: Host::Local,
            privilege: Privilege::None,
            demo_folder: None,
            lock_key: "local/unit/unit".to_owned(),
            listens_on: "127.0.0.1:1".to_owned(),
            unit: "unit".to_owned(),
            base_url: "http://127.0.0.1:1".to_owned(),
            secrets: std::collections::BTreeMap::new(),
        },
        acts: seal(&plan.acts),
        settle: plan.settle,
        verify: plan.verify,
        verify_within: plan.verify_within,
        reads: Vec::new(),
        way_back: seal(plan.way_back.acts()),
        no_way_back: None,
        approval: None,
        escalation: plan.escalation,
    }
}

// ---- the present ----

#[derive(Clone, Debug, Default)]
struct World {
    holds: BTreeMap<String, bool>,
    boot_id: String,
    /// Goes into the reason of every unknown verdict.
    age: u64,
    /// No source was asked yet.
    unasked: bool,
}

impl World {
    fn of(holds: &[&str]) -> World {
        let known = ["stuck", "old", "idle", "odd", "deep", "never", "busy", "moving", "draining"];
        let holds = known.iter().map(|expr| ((*expr).to_owned(), holds.contains(expr))).collect();
        World { holds, boot_id: "boot-1".to_owned(), ..World::default() }
    }
}

impl Look for World {
    fn read(&self, plan: &ReadingPlan) -> Reading {
        if self.unasked {
            return Reading { value: None, truth: Truth::NeverPolled };
        }
        let value = if plan.expr == "nan" { f64::NAN } else { 61.0 };
        Reading { value: Some(value), truth: Truth::Fresh }
    }

    fn judge(&self, plan: &ConditionPlan) -> Verdict {
        match self.holds.get(&plan.expr) {
            Some(true) => Verdict::True,
            Some(false) => Verdict::False,
            None => Verdict::Unknown(format!("stale {}", self.age)),
        }
    }

    fn boot_id(&self) -> Option<&str> {
        Some(&self.boot_id)
    }
}

// ---- telling ----

#[derive(Clone, Debug)]
struct Story {
    entries: Vec<Entry>,
    run: Run,
    world: World,
    at: At,
}

fn entry(seq: u64, at: At, boot_id: &str, record: Record) -> Entry {
    let actor = Actor::default();
    Entry { seq, prev: Digest::zero(), at, boot_id: boot_id.to_owned(), actor, record, hash: Digest::zero() }
}

fn opening() -> Record {
    Record::RunOpened {
        run: RunId::new("run"),
        target: "here".into(),
        system: SystemId::new("system"),
        environment: Environment::Demo,
        alert: Some("Stale".to_owned()),
        runbook: Box::new(runbook()),
        hash: Digest::zero(),
    }
}

impl Story {
    fn open(world: World) -> Story {
        let at = At { boot: Boot(1_000_000), wall: Wall(1_700_000_000_000) };
        let first = entry(1, at, &world.boot_id, opening());
        let run = Run::fold(std::slice::from_ref(&first)).expect("a story begins with its opening");
        Story { entries: vec![first], run, world, at }
    }

    fn try_tell(&mut self, record: Record) -> Result<(), FoldError> {
        let entry = entry(self.run.last_seq + 1, self.at, &self.world.boot_id, record);
        self.run.apply(&entry)?;
        self.entries.push(entry);
        Ok(())
    }

    #[track_caller]
    fn tell(&mut self, record: Record) {
        let text = format!("{record:?}");
        if let Err(error) = self.try_tell(record) {
            panic!("{error}, told {text}");
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.at = self.at.plus(Duration::from_secs(seconds));
    }

    /// Tells everything that goes by itself now.
    fn settle(&mut self) {
        for _ in 0..20 {
            match self.run.propose(&self.world, self.at) {
                Some(record) => self.tell(record),
                None => return,
            }
        }
        panic!("the run goes on proposing by itself");
    }

    #[track_caller]
    fn stands_at(&self, want: Option<&str>) {
        assert_eq!(self.run.current().map(|step| step.id.as_str()), want);
    }

    #[track_caller]
    fn is(&self, step: &str, want: StepState) {
        assert_eq!(self.run.state(&step.into()), want, "{step}");
    }

    fn take(&mut self, branch: &str) {
        let step = self.run.current().expect("a step").id.clone();
        self.tell(Record::BranchTaken { step, branch: branch.into(), reason: Some("because".to_owned()) });
    }

    fn confirmation(&self) -> Record {
        Record::Confirmed {
            step: "restart".into(),
            sequence: Box::new(sealed()),
            hash: Digest::zero(),
            only_if: judged(&sequence().only_if, &World::of(&["stuck"])),
            evidence: Vec::new(),
        }
    }

    fn at_restart() -> Story {
        let mut story = Story::open(World::of(&["stuck", "old"]));
        story.settle();
        story.take("stuck");
        story
    }

    /// Confirmed, started, and both acts done.
    fn acted() -> Story {
        let mut story = Story::at_restart();
        story.tell(story.confirmation());
        story.tell(started());
        for act in ["stop", "start"] {
            story.tell(intent(act));
            story.tell(applied(act, Outcome::Exited { code: 0 }));
        }
        story
    }
}

fn id() -> SequenceId {
    "restart".into()
}

fn started() -> Record {
    let proof = String::new();
    Record::RunnerStarted {
        sequence: id(),
        hash: Digest::zero(),
        pid: 7,
        host_proof: proof.clone(),
        privilege_proof: proof,
    }
}

fn intent(act: &str) -> Record {
    Record::Intent { sequence: id(), act: act.into(), hash: Digest::zero(), shown: String::new() }
}

fn applied(act: &str, outcome: Outcome) -> Record {
    let took = Duration::from_secs(1);
    Record::Applied { sequence: id(), act: act.into(), outcome, took, output: String::new() }
}

fn verifying(at: At, world: &World) -> Record {
    let judged = judged(&sequence().verify, world);
    Record::Verifying { sequence: id(), judged, deadline: at.plus(Duration::from_secs(120)) }
}

fn ended(end: SequenceEnd, world: &World) -> Record {
    Record::SequenceEnded { step: "restart".into(), sequence: id(), end, judged: judged(&sequence().verify, world) }
}

fn cured() -> World {
    World::of(&["moving", "draining"])
}

fn why() -> String {
    "so".to_owned()
}
