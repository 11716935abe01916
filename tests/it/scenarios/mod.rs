//! Every leaf of every embedded runbook, walked to from the measurements that lead to it.
//!
//! ```text
//! a row ──walk──► the journal of a run ──► folded at every prefix, resumed after every record, told twice
//! ```
//!
//! A leaf is a step at which a path can end: a conclusion, or a hand-over to people. A runbook whose leaves are not all
//! in the table of its system fails `every_leaf_has_its_scenario`, which names them: add a row for each. The walk does
//! by itself what an operator does who follows the console: takes what is suggested and nothing else, arms, confirms,
//! breaks the glass, notes, ticks, answers, and tells the contacts. A row's `script` says what else happens, and when.
//!
//! What is proved of each walk: it ends at its leaf and not elsewhere; the live run is the fold of its journal at every
//! moment; every prefix of the journal, written and read, is a
//! run, which a record that is told twice does not change; and a console that
//! crashed after any record stands where the one before it stood, is told the rest to the same end, and acts by itself
//! in none of it. Of verifications in a row that judged alike, which tell a console nothing new, it crashes after the
//! first and after the last.

mod volchain;

use std::collections::BTreeSet;
use std::mem::discriminant;
use std::time::Duration;

use opsconsole::app::{App, Effect, JournalId, Msg};
use opsconsole::runbook::machine::StepState;
use opsconsole::runbook::tree::{Accepts, Class, Runbook, Step, Task};
use opsconsole::runbook::{Entry, Record, Run};
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{self, CODE, Rehearsal};
use opsconsole::sim::volchain::{Fault, Verb};
use opsconsole::systems::{self, System};

/// The tables, one for each system.
const TABLES: &[(&str, &[Scenario])] = &[("volchain", volchain::SCENARIOS)];

const BOTH: &[Surface] = &[Surface::Documented, Surface::AsBuilt];
const DOCUMENTED: &[Surface] = &[Surface::Documented];
const AS_BUILT: &[Surface] = &[Surface::AsBuilt];

/// In a script, instead of a step: when the console has just begun.
const BEGUN: &str = "";

/// One leaf, and what leads to it.
#[derive(Clone, Copy)]
struct Scenario {
    /// The name of its file, without `.ron`.
    runbook: &'static str,
    leaf: &'static str,
    surfaces: &'static [Surface],
    /// Faults of the simulated node, and for how many seconds before the console was opened.
    faults: &'static [(Fault, u64)],
    /// For how many seconds the console is open before the runbook is.
    before: u64,
    script: Script,
}

/// What happens when the run stands at a step, each once, in this order.
type Script = &'static [(&'static str, Happens)];

/// What happens beside what the operator does by following the console.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Begins(Fault),
    Ends(Fault),
    /// So many seconds pass.
    Passes(u64),
    /// The operator does what the step asks for; what the script says next comes right after it.
    Follows,
    /// The operator says of a manual step that it is not done.
    Declines,
    /// Somebody stops or restarts the node's service outside the console.
    Service(Verb),
    /// The files of backups are from now on not what their checksums say.
    BackupsDamaged,
    /// The backup folder takes no removal.
    PruningRefused,
    /// An earlier run has left a longer time of the barrier in the unit.
    LongerTimeLeft,
    /// Systemd gives no answer.
    SystemdSilent,
    /// The file of the game's database is there, and nothing is in it.
    GameEmpty,
}

/// A leaf that is reached on both surfaces, with the runbook opened after 70 seconds.
const fn leaf(runbook: &'static str, leaf: &'static str, faults: &'static [(Fault, u64)], script: Script) -> Scenario {
    Scenario { runbook, leaf, surfaces: BOTH, faults, before: 70, script }
}

impl Scenario {
    const fn on(mut self, surfaces: &'static [Surface]) -> Scenario {
        self.surfaces = surfaces;
        self
    }

    const fn after(mut self, seconds: u64) -> Scenario {
        self.before = seconds;
        self
    }
}

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
        let rows = TABLES.iter().find(|(id, _)| *id == system.id.as_str()).map_or(&[][..], |(_, rows)| rows);
        for runbook in &system.runbooks {
            for leaf in leaves(runbook) {
                if !rows.iter().any(|row| row.runbook == name(runbook) && row.leaf == leaf) {
                    missing.push(format!("{}: {leaf}", runbook.id));
                }
                known.insert(format!("{}: {leaf}", runbook.id));
            }
        }
    }
    assert!(missing.is_empty(), "no scenario reaches these leaves:\n{}", missing.join("\n"));
    for (system, row) in TABLES.iter().flat_map(|(system, rows)| rows.iter().map(move |row| (system, row))) {
        let leaf = format!("{system}/{}: {}", row.runbook, row.leaf);
        assert!(known.contains(&leaf), "{leaf} is in the table and in no runbook");
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
    let rows = TABLES.iter().flat_map(|(system, rows)| rows.iter().map(move |row| (system, row)));
    let failed: Vec<String> = rows
        .filter(|(_, row)| row.surfaces.contains(&surface))
        .filter_map(|(system, row)| {
            let proof = std::panic::catch_unwind(|| prove(&walk(row, surface)));
            proof.is_err().then(|| format!("{system}/{}: {}", row.runbook, row.leaf))
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
    let at_steps = row.script.iter().position(|(at, _)| *at != BEGUN).unwrap_or(row.script.len());
    let (begun, mut script) = row.script.split_at(at_steps);
    begun.iter().for_each(|(_, happens)| happen(&mut stage, *happens));
    stage.advance(Duration::from_secs(row.before));
    open(&mut stage, row);
    let opened = stage.now();
    loop {
        let run = stage.app.model().run().expect("a run is shown").clone();
        let journal = JournalId::Run(run.id.clone());
        let folded = Run::fold(stage.journal(&journal)).expect("a run");
        assert_eq!(folded, run, "the live run is the fold of its journal");
        let Some(step) = run.current() else {
            let path: Vec<_> = run.path().into_iter().map(|(_, step)| (step.id.clone(), run.state(&step.id))).collect();
            let state = run.steps.get(row.leaf).map(|step| step.state);
            assert_eq!(state, Some(StepState::Done), "the path did not end at {}: {path:?}", row.leaf);
            assert!(script.is_empty(), "the path ended before all of its script had happened: {script:?}");
            return (stage.journal(&journal).to_vec(), run);
        };
        let spent = stage.now().boot.since(opened.boot);
        assert!(spent < PATIENCE, "the run still stands at {} and does not come to {}", step.id, row.leaf);
        match script.split_first() {
            Some(((at, happens), rest)) if *at == step.id.as_str() => {
                script = rest;
                happen(&mut stage, *happens);
            }
            _nothing_else_happens_here => follow(&mut stage, &run, step),
        }
    }
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
        Happens::Follows => {
            let run = stage.app.model().run().expect("a run is shown").clone();
            follow(stage, &run, run.current().expect("it is not at its end"));
        }
        Happens::Declines => {
            stage.press("N");
            say(stage, "nobody could be reached");
        }
        Happens::Service(verb) => stage.service(verb),
        Happens::BackupsDamaged => stage.played.damaged = true,
        Happens::PruningRefused => stage.played.refuses_to_prune = true,
        Happens::LongerTimeLeft => stage.played.leave_dropin(),
        Happens::SystemdSilent => stage.played.systemd_silent = true,
        Happens::GameEmpty => stage.played.game_empty = true,
    }
}

/// What an operator does who follows the console.
fn follow(stage: &mut Rehearsal, run: &Run, step: &Step) {
    match &step.task {
        Task::Observe(_) | Task::Watch(_) | Task::Collect(_) => {}
        // The suggested branch is selected by itself; where there is none yet, more has to be measured.
        Task::Choose(_) if run.steps.get(&step.id).is_none_or(|state| state.suggested.is_none()) => {}
        Task::Choose(_) | Task::Conclude(_) => stage.press("enter"),
        Task::Commit(_) if run.sequence_open().is_some() => {}
        Task::Commit(plan) => commit(stage, plan.class),
        Task::ByHand(_) => {
            stage.press("enter");
            say(stage, "done as it is written");
        }
        Task::Tick(_) => stage.press("space"),
        Task::Ask(plan) => {
            stage.press("enter");
            answer(stage, &plan.accepts);
        }
        Task::Escalate(_) => {
            stage.press("enter");
            say(stage, "the one who is on call");
        }
    }
    assert_eq!(stage.app.asks(), None, "at {} the console asks for more", step.id);
    stage.advance(Duration::from_secs(1));
}

fn say(stage: &mut Rehearsal, words: &str) {
    stage.type_text(words);
    stage.press("enter");
}

/// Gives a value that is accepted.
fn answer(stage: &mut Rehearsal, accepts: &Accepts) {
    match accepts {
        Accepts::Text => stage.type_text("scenario"),
        Accepts::Integer { least, .. } => stage.type_text(&least.to_string()),
        Accepts::OneOf(values) => stage.type_text(values.first().expect("a choice has values")),
        Accepts::LabelValues { .. } | Accepts::Document { .. } => stage.press("tab"),
    }
    stage.press("enter");
}

fn commit(stage: &mut Rehearsal, class: Class) {
    if stage.app.model().arming.is_none() {
        stage.press("A");
        say(stage, "INC-1 scenario");
        stage.press("enter");
    }
    stage.press("X");
    if stage.app.asks().is_none() {
        // It is refused as things are; what is measured next may allow it.
        return;
    }
    if class == Class::Destructive {
        say(stage, "INC-1");
        say(stage, "nothing milder helps");
    }
    stage.press("end");
    match class {
        Class::Routine => stage.type_text("R"),
        Class::Serious => stage.type_text(&format!("volchain-demo {CODE}")),
        Class::Destructive => {
            stage.type_text(&format!("volchain-demo {CODE}"));
            stage.advance(Duration::from_secs(11));
        }
    }
}

// ---- proving ----

/// The journal is the run: as it is written and read, at every prefix, from wherever a console goes on with it, and
/// however often it is told.
fn prove((entries, live): &(Vec<Entry>, Run)) {
    let mut told = Run::fold(&entries[..1]).expect("it is opened");
    for length in 1..=entries.len() {
        let entry = &entries[length - 1];
        let before = told.last_seq;
        let written = serde_json::to_string(entry).expect("JSON");
        let read: Entry = serde_json::from_str(&written).expect("as written");
        told.apply(&read).unwrap_or_else(|error| panic!("{error}"));
        let once = told.clone();
        told.apply(entry).expect("a record that is known changes nothing");
        assert_eq!(told, once, "record {} told twice, after {before}", entry.seq);
        assert_eq!(Run::fold(&entries[..length]).expect("every prefix is a run"), told, "record {}", entry.seq);
    }
    assert_eq!(told, *live);
    (1..entries.len()).filter(|crashed| is_new(entries, *crashed)).for_each(|crashed| resume(entries, crashed, live));
}

/// Whether record `crashed` is anything but one in the middle of verifications that judged alike.
fn is_new(entries: &[Entry], crashed: usize) -> bool {
    let verdicts = |seq: usize| {
        let entry = entries.get(seq.checked_sub(1)?)?;
        let Record::Verifying { judged, .. } = &entry.record else { return None };
        Some(judged.iter().map(|judged| discriminant(&judged.verdict)).collect::<Vec<_>>())
    };
    let this = verdicts(crashed);
    this.is_none() || verdicts(crashed - 1) != this || verdicts(crashed + 1) != this
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
