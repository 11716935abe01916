//! Every leaf of every embedded runbook, walked to from the measurements that lead to it.
//!
//! ```text
//! SCENARIOS ──walk──► the journal of a run ──► folded at every prefix, resumed after every record, told twice
//! ```
//!
//! A leaf is a step at which a path can end: a conclusion, or a hand-over to people. A runbook whose leaves are not all
//! in [`SCENARIOS`] fails `every_leaf_has_its_scenario`, which names them: add a row for each. The walk does by itself
//! what an operator does who follows the console (takes the suggested branch, arms, confirms, acknowledges); a row's
//! `script` says what else happens, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use opsconsole::app::{App, Effect, JournalId, Msg};
use opsconsole::runbook::tree::{Class, Runbook, Task};
use opsconsole::runbook::{Entry, Record, Run};
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{self, CODE, Rehearsal};
use opsconsole::sim::volchain::Fault;
use opsconsole::systems::{self, System};

/// One leaf, and what leads to it.
struct Scenario {
    system: &'static str,
    /// The name of its file, without `.ron`.
    runbook: &'static str,
    leaf: &'static str,
    surfaces: &'static [Surface],
    /// Faults of the simulated node, and for how many seconds before the console was opened.
    faults: &'static [(Fault, u64)],
    /// For how many seconds the console is open before the runbook is.
    before: u64,
    /// What happens when the run stands at a step, each once, in this order.
    script: &'static [(&'static str, Happens)],
}

/// What happens beside what the operator does by following the console.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "the words of the table; a runbook uses those that it needs")]
enum Happens {
    Begins(Fault),
    Ends(Fault),
    /// So many seconds pass.
    Passes(u64),
    /// Keys by their names, instead of what the operator would do there.
    Keys(&'static [&'static str]),
    /// Text is typed.
    Types(&'static str),
}

use Happens::{Ends, Passes};

const BOTH: &[Surface] = &[Surface::Documented, Surface::AsBuilt];

const SCENARIOS: &[Scenario] = &[
    // ---- volchain: stale blocks ----
    Scenario {
        system: "volchain",
        runbook: "stale-blocks",
        leaf: "cured",
        surfaces: BOTH,
        faults: &[(Fault::ProducerStuck, 300)],
        before: 70,
        script: &[],
    },
    Scenario {
        system: "volchain",
        runbook: "stale-blocks",
        leaf: "not-cured",
        surfaces: BOTH,
        faults: &[(Fault::StuckAgain, 300)],
        before: 70,
        script: &[],
    },
    Scenario {
        system: "volchain",
        runbook: "stale-blocks",
        leaf: "busy-again",
        surfaces: BOTH,
        faults: &[(Fault::Idle, 400)],
        before: 70,
        script: &[("wait-for-transactions", Passes(20)), ("wait-for-transactions", Ends(Fault::Idle))],
    },
    Scenario {
        system: "volchain",
        runbook: "stale-blocks",
        leaf: "idle-still",
        surfaces: BOTH,
        faults: &[(Fault::Idle, 400)],
        before: 70,
        script: &[],
    },
    Scenario {
        system: "volchain",
        runbook: "stale-blocks",
        leaf: "tell-producer-off",
        surfaces: BOTH,
        faults: &[(Fault::ProducerOff, 300)],
        before: 70,
        script: &[],
    },
    Scenario {
        system: "volchain",
        runbook: "stale-blocks",
        leaf: "recovered-end",
        surfaces: BOTH,
        faults: &[(Fault::ProducerStuck, 300)],
        before: 70,
        script: &[("cause", Ends(Fault::ProducerStuck)), ("cause", Passes(30))],
    },
];

/// Every embedded system, read.
fn embedded() -> Vec<System> {
    let loaded = systems::embedded();
    loaded.iter().map(|(id, files)| System::load(id, files).expect("embedded data is right")).collect()
}

/// Steps at which a path can end.
fn leaves(runbook: &Runbook) -> BTreeSet<String> {
    let ends = |task: &Task| matches!(task, Task::Conclude(_) | Task::Escalate(_));
    let steps = runbook.every_step().into_iter().map(|(_, step)| step);
    steps.filter(|step| ends(&step.task)).map(|step| step.id.to_string()).collect()
}

fn name(runbook: &Runbook) -> &str {
    runbook.id.as_str().rsplit('/').next().unwrap_or_default()
}

#[test]
fn every_leaf_has_its_scenario() {
    let mut missing = Vec::new();
    let mut known = BTreeSet::new();
    for system in embedded() {
        for runbook in &system.runbooks {
            let system = system.id.to_string();
            for leaf in leaves(runbook) {
                let reached = SCENARIOS
                    .iter()
                    .any(|row| row.system == system && row.runbook == name(runbook) && row.leaf == leaf);
                if !reached {
                    missing.push(format!("{}: {leaf}", runbook.id));
                }
                known.insert((system.clone(), name(runbook).to_owned(), leaf));
            }
        }
    }
    assert!(missing.is_empty(), "no scenario reaches these leaves:\n{}", missing.join("\n"));
    for row in SCENARIOS {
        let leaf = (row.system.to_owned(), row.runbook.to_owned(), row.leaf.to_owned());
        assert!(known.contains(&leaf), "{leaf:?} is in the table and in no runbook");
    }
}

#[test]
fn every_leaf_is_reached_on_the_documented_surface() {
    prove_all(Surface::Documented);
}

#[test]
fn every_leaf_is_reached_on_the_surface_as_built() {
    prove_all(Surface::AsBuilt);
}

fn prove_all(surface: Surface) {
    let rows = SCENARIOS.iter().filter(|row| row.surfaces.contains(&surface));
    let failed: Vec<String> = rows
        .filter_map(|row| {
            let proof = std::panic::catch_unwind(|| prove(&walk(row, surface)));
            proof.is_err().then(|| format!("{}/{}: {}", row.system, row.runbook, row.leaf))
        })
        .collect();
    assert!(failed.is_empty(), "on the surface {surface:?} these failed, as said above:\n{}", failed.join("\n"));
}

// ---- walking ----

/// How long a walk may take on simulated time.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Walks to the leaf; the journal of the run, and the run as the console had it.
fn walk(row: &Scenario, surface: Surface) -> (Vec<Entry>, Run) {
    let faults: Vec<_> = row.faults.iter().map(|(fault, age)| (*fault, Duration::from_secs(*age))).collect();
    let mut stage = Rehearsal::begin(surface, &faults, 120, 50).expect("the embedded data");
    stage.advance(Duration::from_secs(row.before));
    open(&mut stage, row);
    let mut script = row.script;
    let begun = stage.now();
    loop {
        let run = stage.app.model().run().expect("a run is shown").clone();
        let journal = JournalId::Run(run.id.clone());
        let folded = Run::fold(stage.journal(&journal)).expect("a run");
        assert_eq!(folded, run, "the live run is the fold of its journal");
        let Some(step) = run.current() else {
            let reached = run.path().last().map(|(_, step)| step.id.to_string());
            let said =
                run.path().into_iter().map(|(_, step)| (step.id.clone(), run.state(&step.id))).collect::<Vec<_>>();
            assert!(ended_at(&run, row.leaf), "the path ended at {reached:?} and not at {}: {said:?}", row.leaf);
            return (stage.journal(&journal).to_vec(), run);
        };
        let spent = stage.now().boot.since(begun.boot);
        assert!(spent < PATIENCE, "the run still stands at {} and does not come to {}", step.id, row.leaf);
        match script.split_first() {
            Some(((at, happens), rest)) if *at == step.id.as_str() => {
                script = rest;
                happen(&mut stage, *happens);
            }
            _nothing_else_happens_here => follow(&mut stage, &run, &step.task),
        }
    }
}

fn ended_at(run: &Run, leaf: &str) -> bool {
    let state = run.steps.get(leaf).map(|step| step.state);
    state == Some(opsconsole::runbook::machine::StepState::Done)
}

/// Opens the runbook by its title.
fn open(stage: &mut Rehearsal, row: &Scenario) {
    let target = stage.app.model().target().expect("a target");
    let runbook = target.system.runbooks.iter().find(|runbook| name(runbook) == row.runbook);
    let title = runbook.unwrap_or_else(|| panic!("no runbook {}", row.runbook)).title.clone();
    stage.press(":");
    stage.type_text(&title);
    stage.press("enter");
    stage.advance(Duration::from_secs(2));
    let opened = stage.app.model().run().map(|run| name(&run.runbook).to_owned());
    assert_eq!(opened.as_deref(), Some(row.runbook), "the palette opens it by its title");
    stage.press("4");
}

fn happen(stage: &mut Rehearsal, happens: Happens) {
    match happens {
        Happens::Begins(fault) => stage.fault(fault, true),
        Happens::Ends(fault) => stage.fault(fault, false),
        Happens::Passes(seconds) => stage.advance(Duration::from_secs(seconds)),
        Happens::Keys(keys) => keys.iter().for_each(|key| stage.press(key)),
        Happens::Types(text) => stage.type_text(text),
    }
}

/// What an operator does who follows the console.
fn follow(stage: &mut Rehearsal, run: &Run, task: &Task) {
    match task {
        Task::Commit(_) if run.sequence_open().is_some() => {}
        Task::Commit(plan) => commit(stage, plan.class),
        Task::Observe(_) | Task::Watch(_) => {}
        // The suggested branch, the end of a path, and whatever else goes on with its key.
        _goes_on_with_a_key => stage.press("enter"),
    }
    stage.advance(Duration::from_secs(1));
}

fn commit(stage: &mut Rehearsal, class: Class) {
    if stage.app.model().arming.is_none() {
        stage.press("A");
        stage.type_text("INC-1 scenario");
        stage.press("enter");
        stage.press("enter");
    }
    stage.press("X");
    match class {
        Class::Routine => stage.type_text("R"),
        Class::Serious => stage.type_text(&format!("volchain-demo {CODE}")),
        Class::Destructive => {
            stage.type_text("INC-1");
            stage.press("enter");
            stage.type_text("nothing milder helps");
            stage.press("enter");
            stage.type_text(&format!("volchain-demo {CODE}"));
            stage.advance(Duration::from_secs(11));
        }
    }
}

// ---- proving ----

/// The journal is the run: at every prefix, from wherever a console goes on with it, and however often it is told.
fn prove((entries, live): &(Vec<Entry>, Run)) {
    let mut told = Run::fold(&entries[..1]).expect("it is opened");
    for length in 1..=entries.len() {
        let entry = &entries[length - 1];
        let before = told.last_seq;
        told.apply(entry).unwrap_or_else(|error| panic!("{error}"));
        let once = told.clone();
        told.apply(entry).expect("a record that is known changes nothing");
        assert_eq!(told, once, "record {} told twice, after {before}", entry.seq);
        assert_eq!(Run::fold(&entries[..length]).expect("every prefix is a run"), told, "record {}", entry.seq);
    }
    assert_eq!(told, *live);
    (1..entries.len()).for_each(|crashed| resume(entries, crashed, live));
}

/// A console that begins after record `crashed` stands where the other one stood, does nothing that nobody asked it
/// for, and goes on with what the journal tells from there.
fn resume(entries: &[Entry], crashed: usize, live: &Run) {
    let (mut app, _) = App::new(rehearsal::setup(120, 40)).expect("the embedded data");
    let journal = JournalId::Run(live.id.clone());
    let mut at = entries[crashed - 1].at.plus(Duration::from_secs(1));
    let mut asked = Vec::new();
    for (number, entry) in entries.iter().enumerate().flat_map(|(number, entry)| [(number, entry); 2]) {
        at = at.plus(Duration::from_millis(1));
        let more = number + 1 < crashed;
        let entry = Box::new(entry.clone());
        asked.extend(app.update(at, Msg::Journalled { journal: journal.clone(), entry, more }));
        if number + 1 == crashed {
            let resumed = app.model().run().expect("the run is shown");
            let folded = Run::fold(&entries[..crashed]).expect("every prefix is a run");
            assert_eq!(*resumed, folded, "resumed after record {crashed}");
        }
    }
    assert_eq!(app.model().run(), Some(live), "resumed after record {crashed} and told the rest");
    let acts = |effect: &Effect| match effect {
        Effect::Commit { .. } | Effect::Prepare { .. } | Effect::Arm { .. } => true,
        Effect::Append { record, .. } => matches!(**record, Record::Confirmed { .. } | Record::BranchTaken { .. }),
        _reads_or_draws => false,
    };
    assert!(!asked.iter().any(acts), "resumed after record {crashed}, the console acted by itself");
}
