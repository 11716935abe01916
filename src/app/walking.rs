//! A runbook that is asked for from outside: opened when the journal has told which runs are open, and walked without
//! a terminal for as long as no person has to decide.
//!
//! A walk takes the branch that the evidence suggests, and notes what the runbook finds at its end. Must never: act,
//! arm, or answer for a person. It ends before any of that, and says before what.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{App, Effect};
use crate::base::{At, RunId, RunbookId, TargetId};
use crate::promql::Verdict;
use crate::runbook::machine::StepState;
use crate::runbook::tree::{ActPlan, SequencePlan, Task};
use crate::runbook::{Record, Run, Step, seal};

/// How long a choice may stand without a suggestion where every condition is known: one may be about to turn.
const UNDECIDED: Duration = Duration::from_secs(20);

/// The runbook to open at start, and its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    pub target: TargetId,
    pub runbook: RunbookId,
}

/// Why a walk is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The path is at its end, and the run is closed.
    Ended { finding: Option<String> },
    /// The next step would change something.
    BeforeActs { title: String, class: &'static str, acts: Vec<String> },
    /// Somebody else has a run of this runbook open on this target, and stands in it.
    OpenElsewhere { title: String },
    /// A sequence of this run is under way, or its outcome has to be settled.
    ActsUnderWay { title: String },
    /// The evidence suggests no branch.
    NoSuggestion { title: String },
    /// The next step is a person's.
    Person { title: String, what: &'static str },
    /// The runbook hands over to people.
    HandsOver { title: String, contacts: Vec<String>, say: String },
    /// Nothing can be journalled, so nothing goes on.
    NotJournalled { why: String },
}

/// What a walk does next.
#[derive(Debug)]
enum Next {
    Wait,
    Write(Record),
    Halt(Halt),
}

impl App {
    /// Every run that is open has been told by now: the runbook that was wanted is opened, or its open run shown.
    pub(super) fn open_wanted(&mut self, at: At, effects: &mut Vec<Effect>) {
        if let Some(Wanted { target, runbook }) = self.wanted.take() {
            self.start_runbook(at, &target, &runbook, effects);
        }
    }

    /// The run that is walked, once it is there.
    #[must_use]
    pub fn walked(&self) -> Option<&RunId> {
        self.model.shown_run.as_ref().filter(|run| self.wanted.is_none() && self.model.runs.contains_key(*run))
    }

    /// Goes on with the shown run as far as that needs nobody; says when that is over.
    pub fn walk(&mut self, at: At) -> (Vec<Effect>, Option<Halt>) {
        let mut effects = Vec::new();
        if let Some(why) = self.model.journal_fault.clone() {
            return (effects, Some(Halt::NotJournalled { why }));
        }
        let Some(run) = self.model.run().filter(|run| self.wanted.is_none() && !self.writing.contains(&run.id)) else {
            return (effects, None);
        };
        let id: RunId = run.id.clone();
        // Another console's run is that console's: it is neither gone on with nor closed from here.
        if !id.as_str().ends_with(&self.nonce) {
            return (effects, Some(Halt::OpenElsewhere { title: run.runbook.title.clone() }));
        }
        let settings = self.model.target_by_id(&run.target);
        let settings =
            settings.map(|target| target.system.spec.settings_text(&target.spec.settings)).unwrap_or_default();
        match next(run, &settings, at) {
            Next::Wait => (effects, None),
            Next::Halt(halt) => (effects, Some(halt)),
            Next::Write(record) => {
                self.write_run(&id, record, &mut effects);
                (effects, None)
            }
        }
    }
}

fn next(run: &Run, settings: &BTreeMap<String, String>, at: At) -> Next {
    if run.closed.is_some() {
        let finding = run.steps.values().filter_map(|step| step.finding.clone()).next_back();
        return Next::Halt(Halt::Ended { finding });
    }
    let Some(step) = run.current() else {
        return Next::Write(Record::RunClosed { why: "it was walked to its end without a terminal".to_owned() });
    };
    let title = step.title.clone();
    let person = |what| Next::Halt(Halt::Person { title: title.clone(), what });
    match &step.task {
        Task::Observe(_) | Task::Watch(_) | Task::Collect(_) => Next::Wait,
        Task::Choose(_) => at_choice(run, step, at),
        Task::Commit(plan) => at_acts(run, step, plan, settings),
        Task::Conclude(finding) => Next::Write(Record::Concluded { step: step.id.clone(), finding: finding.clone() }),
        Task::Escalate(plan) => {
            Next::Halt(Halt::HandsOver { title, contacts: plan.contacts.clone(), say: plan.say.clone() })
        }
        Task::ByHand(_) => person("something is done by hand, and noted"),
        Task::Tick(_) => person("a checklist is gone through"),
        Task::Ask(_) => person("a value is given"),
    }
}

fn at_choice(run: &Run, step: &Step, at: At) -> Next {
    let state = run.steps.get(&step.id);
    let suggested = state.and_then(|state| state.suggested.clone());
    let since = state.and_then(|state| state.reached.as_ref()).map(|reached| at.wall.0 - reached.at.wall.0);
    // What is not known yet may still be measured; how long that may take is for whoever asked for the walk to say.
    let mut conditions = state.into_iter().flat_map(|state| &state.judged).flat_map(|(_, judged)| judged);
    let unknown = conditions.any(|judged| matches!(judged.verdict, Verdict::Unknown(_)));
    match (suggested, since) {
        (Some(branch), _) => Next::Write(Record::BranchTaken { step: step.id.clone(), branch, reason: None }),
        (None, Some(millis)) if !unknown && millis > i64::try_from(UNDECIDED.as_millis()).unwrap_or(i64::MAX) => {
            Next::Halt(Halt::NoSuggestion { title: step.title.clone() })
        }
        (None, _) => Next::Wait,
    }
}

fn at_acts(run: &Run, step: &Step, plan: &SequencePlan, settings: &BTreeMap<String, String>) -> Next {
    let title = step.title.clone();
    let open = plan.for_each.iter().map(|list| list.name.clone()).collect();
    // What can not be filled in is shown as the runbook has it: nothing of it is run from here.
    let shown = seal::previewed(plan, settings, Some(run.opened.wall), &open).unwrap_or_else(|_| plan.clone());
    match run.state(&step.id) {
        StepState::NotStarted => {
            let acts = shown.acts.iter().map(ActPlan::words).collect();
            Next::Halt(Halt::BeforeActs { title, class: plan.class.word(), acts })
        }
        StepState::Running | StepState::Unknown => Next::Halt(Halt::ActsUnderWay { title }),
        StepState::Done | StepState::Failed | StepState::Skipped | StepState::WillNotRun => Next::Wait,
    }
}
