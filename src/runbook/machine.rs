//! The run machine: a fold of its journal, and the records it proposes next.
//!
//! [`Run::apply`] is the only thing that changes a run, and takes nothing but journal entries. [`Run::propose`] looks
//! at the present and says which record should be written next by itself; it takes effect when the journal has it
//! and hands it to `apply`. A live run therefore *is* the fold of its journal, at every prefix.
//!
//! ```text
//! Look ──propose──► Record ──(the journal)──► Entry ──apply──► Run ──current, path──► what is shown
//!                     ▲ a person, a runner
//! ```
//!
//! Must never: change by anything but an entry; take an unknown verdict for a yes; go on past a sequence whose
//! outcome nobody knows.
//!
//! To add a record: its arm in [`fold`](self::fold), where every arm checks everything before it changes anything.

mod fold;
mod people;
mod propose;
mod sequence;
#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use std::sync::Arc;

use super::record::{Archive, Entry, Evidence, Judged, Outcome, SequenceEnd};
use super::seal::{Environment, SealedSequence};
use super::tree::{ConditionPlan, ReadingPlan, Runbook, Step, StepOutcome, Task};
use crate::base::{ActId, At, BranchId, Digest, Ring, RunId, StepId, TargetId};
use crate::model::Reading;
use crate::promql::Verdict;
pub use propose::{SUGGEST_EVERY, all_true, evidence, judged};

/// How many notes a run keeps.
pub const NOTES_KEPT: usize = 64;

/// One walk through a runbook on one target.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub target: TargetId,
    pub environment: Environment,
    pub alert: Option<String>,
    pub runbook: Arc<Runbook>,
    pub hash: Digest,
    pub opened: At,
    /// Every step that the path has reached, in order, and the steps ahead of it on the path taken so far.
    pub steps: IndexMap<StepId, StepRun>,
    /// What else the journal tells, newest last: arming, refusals, torn lines. At most [`NOTES_KEPT`].
    pub notes: Ring<Note>,
    /// Why it was closed, if it was.
    pub closed: Option<String>,
    /// Of the last entry folded in.
    pub last_seq: u64,
}

/// Something that happened beside the steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub at: At,
    pub text: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepState {
    #[default]
    NotStarted,
    Running,
    Done,
    Failed,
    /// Reached, and not needed after what came before it.
    Skipped,
    /// Whether it took effect is not known; the path stops here until someone says.
    Unknown,
    /// On a branch that was not taken.
    WillNotRun,
}

/// What has become of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepRun {
    pub state: StepState,
    pub evidence: Vec<Evidence>,
    pub judged: Vec<(BranchId, Vec<Judged>)>,
    pub suggested: Option<BranchId>,
    /// When the branches were last judged for the record.
    pub suggested_at: Option<Moment>,
    /// The branch taken, and the reason where it was not the suggested one.
    pub taken: Option<(BranchId, Option<String>)>,
    pub watch_until: Option<At>,
    pub watch_started: Option<Moment>,
    /// What the watch saw at its end.
    pub watched: Vec<Judged>,
    /// Whether what was watched for happened before the deadline, once that is known.
    pub in_time: Option<bool>,
    /// The latest confirmation of this step's sequence.
    pub sequence: Option<SequenceRun>,
    pub finding: Option<String>,
    /// When the run came to stand at it.
    pub reached: Option<Moment>,
    /// What a person did by hand here: a manual step, or the acts of a sequence.
    pub by_hand: Option<ByHand>,
    /// The items of a checklist that were seen to, in the order in which they were.
    pub ticked: IndexMap<ActId, TickRun>,
    /// What was given for the value that the step asks for.
    pub answer: Option<String>,
    pub collected: Option<Collected>,
}

/// What a person did outside the console, as they say.
#[derive(Clone, Debug, PartialEq)]
pub struct ByHand {
    pub who: String,
    pub at: Moment,
    /// Otherwise it was not done, and `note` says why.
    pub done: bool,
    pub note: String,
    /// Of a sequence: it counts as done when this was measured, whatever is said.
    pub measured: Option<Measuring>,
}

/// The verification of what was done by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Measuring {
    pub verify: Vec<ConditionPlan>,
    /// Not before then, so that it is measured on what came after.
    pub from: At,
    pub until: At,
    /// As it was judged in the end; empty until then.
    pub judged: Vec<Judged>,
}

/// An item of a checklist that somebody has seen to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickRun {
    pub who: String,
    pub at: At,
    /// Why it does not apply, where it does not.
    pub not_applicable: Option<String>,
}

/// What became of the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collected {
    Archive(Archive),
    Failed(String),
}

/// A time, and the boot that its boot clock belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    pub at: At,
    pub boot_id: String,
}

/// A confirmed sequence, as its records tell.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceRun {
    pub sealed: SealedSequence,
    pub hash: Digest,
    pub confirmed: At,
    pub runner_pid: Option<u32>,
    pub phase: Phase,
    /// Acts with an intent; `None` while there is no outcome.
    pub acts: Vec<(ActId, Option<Outcome>)>,
    /// What they put out, in the same order.
    pub outputs: Vec<ActOutput>,
    pub judged: Vec<Judged>,
    pub end: Option<SequenceEnd>,
}

/// The end of what an act put out, as the journal has it; more of it is kept in a file beside the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActOutput {
    pub act: ActId,
    /// The number of the act's intent, which the name of the file begins with.
    pub intent_seq: u64,
    /// Lines; at most a few KiB. Empty while there is no outcome.
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Confirmed; no runner has begun.
    Confirmed,
    Started,
    Acting(ActId),
    Settling {
        until: At,
    },
    Verifying {
        deadline: At,
    },
    GoingBack,
    Ended,
}

/// The present, as the machine may look at it.
pub trait Look {
    fn read(&self, plan: &ReadingPlan) -> Reading;
    fn judge(&self, plan: &ConditionPlan) -> Verdict;
    /// The boot that the present's boot clock belongs to. Where it is not known, a boot clock that went backwards
    /// tells of another boot.
    fn boot_id(&self) -> Option<&str> {
        None
    }
}

/// A journal that is not the story of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    #[error("the journal is empty")]
    Empty,
    #[error("record {seq}: the journal does not begin with the opening of a run")]
    NotOpened { seq: u64 },
    #[error("record {seq}: {what}")]
    OutOfPlace { seq: u64, what: String },
}

impl Run {
    /// The run that a journal tells of.
    ///
    /// # Errors
    /// The entries are not the story of a run.
    pub fn fold(entries: &[Entry]) -> Result<Run, FoldError> {
        let (first, rest) = entries.split_first().ok_or(FoldError::Empty)?;
        let mut run = fold::open(first)?;
        for entry in rest {
            run.apply(entry)?;
        }
        Ok(run)
    }

    /// The step at which the run stands, waiting or working; `None` when the path is at its end.
    #[must_use]
    pub fn current(&self) -> Option<&Step> {
        if self.closed.is_some() {
            return None;
        }
        let path = self.path();
        if path.iter().any(|(_, step)| self.is_end(step)) {
            return None;
        }
        path.into_iter().map(|(_, step)| step).find(|step| !self.state(&step.id).is_over())
    }

    /// The steps of the path taken so far and those ahead on it, each with its depth in branches. Skipped steps are
    /// among them; steps of branches that were not taken are not.
    #[must_use]
    pub fn path(&self) -> Vec<(usize, &Step)> {
        let mut path = Vec::new();
        self.walk(&self.runbook.steps, 0, &mut path);
        path
    }

    fn walk<'a>(&'a self, steps: &'a [Step], depth: usize, path: &mut Vec<(usize, &'a Step)>) {
        for step in steps {
            path.push((depth, step));
            let taken = self.steps.get(&step.id).and_then(|run| run.taken.as_ref());
            let branch = taken.and_then(|(taken, _)| step.task.branches().iter().find(|branch| branch.id == *taken));
            if let Some(branch) = branch {
                self.walk(&branch.steps, depth + 1, path);
            }
        }
    }

    /// The sequence that was confirmed and has not ended, if there is one. There is never more than one.
    #[must_use]
    pub fn sequence_open(&self) -> Option<&SequenceRun> {
        self.steps.values().filter_map(|run| run.sequence.as_ref()).find(|sequence| sequence.end.is_none())
    }

    /// The step whose sequence ended and nobody knows how, if there is one.
    #[must_use]
    pub fn unsettled(&self) -> Option<&StepId> {
        self.steps.iter().find(|(_, run)| run.state == StepState::Unknown).map(|(id, _)| id)
    }

    /// The state of a step; not started where the path does not know it yet.
    #[must_use]
    pub fn state(&self, id: &StepId) -> StepState {
        self.steps.get(id).map_or(StepState::NotStarted, |run| run.state)
    }

    /// Whether the path ends with this step.
    fn is_end(&self, step: &Step) -> bool {
        match step.task {
            Task::Conclude(_) => self.state(&step.id) == StepState::Done,
            Task::Observe(_)
            | Task::Choose(_)
            | Task::Watch(_)
            | Task::Commit(_)
            | Task::Escalate(_)
            | Task::ByHand(_)
            | Task::Tick(_)
            | Task::Ask(_)
            | Task::Collect(_) => false,
        }
    }

    /// How a sequence, a watch or a manual step ended, as far as steps after it may depend on it.
    fn outcome(&self, step: &Step) -> Option<StepOutcome> {
        let run = self.steps.get(&step.id)?;
        match &step.task {
            Task::Commit(_) => match run.state {
                StepState::Done => Some(StepOutcome::Verified),
                StepState::Failed => Some(StepOutcome::Failed),
                StepState::NotStarted
                | StepState::Running
                | StepState::Skipped
                | StepState::Unknown
                | StepState::WillNotRun => None,
            },
            Task::Watch(_) => run.in_time.map(|in_time| match in_time {
                true => StepOutcome::CameTrue,
                false => StepOutcome::DeadlinePassed,
            }),
            Task::ByHand(_) => run.by_hand.as_ref().map(|by_hand| match by_hand.done {
                true => StepOutcome::DoneByHand,
                false => StepOutcome::NotDone,
            }),
            Task::Observe(_)
            | Task::Choose(_)
            | Task::Escalate(_)
            | Task::Conclude(_)
            | Task::Tick(_)
            | Task::Ask(_)
            | Task::Collect(_) => None,
        }
    }
}

impl StepState {
    /// For the line of a step.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            StepState::NotStarted => "not started",
            StepState::Running => "running",
            StepState::Done => "done",
            StepState::Failed => "failed",
            StepState::Skipped => "skipped",
            StepState::Unknown => "outcome unknown",
            StepState::WillNotRun => "will not run",
        }
    }

    /// Whether the path goes on past a step in this state.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            StepState::Done | StepState::Failed | StepState::Skipped | StepState::WillNotRun => true,
            StepState::NotStarted | StepState::Running | StepState::Unknown => false,
        }
    }
}

impl Phase {
    /// For the line of a sequence.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Phase::Confirmed => "confirmed",
            Phase::Started => "started",
            Phase::Acting(_) => "acting",
            Phase::Settling { .. } => "settling",
            Phase::Verifying { .. } => "verifying",
            Phase::GoingBack => "going back",
            Phase::Ended => "ended",
        }
    }
}
