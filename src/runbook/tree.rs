//! The compiled runbook: what a file in `systems/*/runbooks/` means, frozen into the first record of every run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::template;
use crate::base::{ActId, BranchId, Provenance, RunbookId, SequenceId, Severity, StepId, SystemId, Unit, text};
use crate::model::file_act::{FileAct, FileOrder, PROGRAM_NAME};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runbook {
    pub id: RunbookId,
    pub system: SystemId,
    pub title: String,
    pub severity: Severity,
    /// The alerts that open it.
    pub alerts: Vec<String>,
    /// What is wrong when it applies, in a sentence.
    pub summary: String,
    /// Series to show beside the steps: label, expression, unit.
    pub panels: Vec<ReadingPlan>,
    /// In order; branches hold further steps.
    pub steps: Vec<Step>,
    pub provenance: Provenance,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub id: StepId,
    pub title: String,
    pub task: Task,
    /// Where it is set, the step is skipped unless the last sequence, or watch, that ran before it in the same list of
    /// steps ended so.
    #[serde(default)]
    pub only_after: Option<StepOutcome>,
    pub provenance: Provenance,
}

/// How a step ended, where the steps after it may depend on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StepOutcome {
    /// Of a sequence: its verification came true.
    Verified,
    /// Of a sequence: it was rolled back, or did not cure.
    Failed,
    /// Of a watch: what it waited for happened in time.
    CameTrue,
    /// Of a watch: its deadline passed.
    DeadlinePassed,
}

/// The primitives every step kind compiles to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a runbook has a few dozen steps; every reader would have to unbox")]
pub enum Task {
    /// Reads and records; runs by itself because it only reads.
    Observe(Vec<ReadingPlan>),
    /// Suggests the first branch whose condition is true; the operator takes it, or another with a reason.
    Choose(Vec<Branch>),
    /// Runs by itself until its condition is true, or its deadline passes; reads only.
    Watch(WatchPlan),
    /// Mutates, after arming and confirmation.
    Commit(SequencePlan),
    /// Hands over to people.
    Escalate(EscalationPlan),
    /// An end of the tree: what was found, in a sentence.
    Conclude(String),
}

/// A value to read and record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadingPlan {
    pub label: String,
    /// PromQL.
    pub expr: String,
    #[serde(default)]
    pub unit: Unit,
}

/// A condition with the words that explain it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionPlan {
    /// What is true when it holds, as a phrase: `blocks are being sealed again`.
    pub means: String,
    /// PromQL whose comparisons are written with `bool`; in verifications `{name}` stands for a captured value.
    pub expr: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    pub id: BranchId,
    pub title: String,
    /// All must be true for the branch to be suggested.
    pub when: Vec<ConditionPlan>,
    pub steps: Vec<Step>,
    pub provenance: Provenance,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WatchPlan {
    pub until: Vec<ConditionPlan>,
    pub deadline: Duration,
}

/// How much a confirmation asks of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    /// One named key.
    Routine,
    /// The target's name typed, and a fresh two-character code.
    Serious,
    /// The same, and break-glass.
    Destructive,
}

/// A sequence before it is sealed. `{name}` in an argv stands for a setting of the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequencePlan {
    pub id: SequenceId,
    pub class: Class,
    /// Must be true when it is confirmed, and again when it is committed.
    pub only_if: Vec<ConditionPlan>,
    /// Values measured at commit: name and expression. Verifications compare with them.
    pub capture: Vec<(String, String)>,
    pub acts: Vec<ActPlan>,
    /// What the operator should see if it works.
    pub expect: String,
    /// How long after the last act before verification begins.
    pub settle: Duration,
    pub verify: Vec<ConditionPlan>,
    pub verify_within: Duration,
    pub way_back: WayBack,
    pub escalation: EscalationPlan,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActPlan {
    pub id: ActId,
    pub title: String,
    pub act: Act,
    pub timeout: Duration,
    /// The systemd unit it acts on, after templating: the lock's key and what host proof is about.
    pub unit: String,
    pub provenance: Provenance,
}

/// What an act does. Nothing of it goes through a shell. `{name}` in its texts stands for a setting of the target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Act {
    /// A program's bare name, which is resolved to an absolute path when it is sealed, and its arguments.
    Command(Vec<String>),
    /// Lets time pass before the next act.
    Wait(Duration),
    /// Something small and exact with files; see [`FileAct`].
    File(FileAct),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WayBack {
    /// There is none, and why.
    None(String),
    /// Acts that undo it, in order.
    Acts(Vec<ActPlan>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationPlan {
    pub severity: Severity,
    /// Whom, as the document names them.
    pub contacts: Vec<String>,
    pub respond_within_minutes: u64,
    /// What to tell them.
    pub say: String,
}

impl StepOutcome {
    /// As it reads after `only if`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            StepOutcome::Verified => "the sequence before it was verified",
            StepOutcome::Failed => "the sequence before it failed",
            StepOutcome::CameTrue => "what was watched for happened",
            StepOutcome::DeadlinePassed => "what was watched for did not happen in time",
        }
    }

    /// Whether a step with this task can end so.
    #[must_use]
    pub fn of(self, task: &Task) -> bool {
        match (self, task) {
            (StepOutcome::Verified | StepOutcome::Failed, Task::Commit(_))
            | (StepOutcome::CameTrue | StepOutcome::DeadlinePassed, Task::Watch(_)) => true,
            (
                StepOutcome::Verified | StepOutcome::Failed,
                Task::Observe(_) | Task::Choose(_) | Task::Watch(_) | Task::Escalate(_) | Task::Conclude(_),
            )
            | (
                StepOutcome::CameTrue | StepOutcome::DeadlinePassed,
                Task::Observe(_) | Task::Choose(_) | Task::Commit(_) | Task::Escalate(_) | Task::Conclude(_),
            ) => false,
        }
    }
}

impl Act {
    /// Every text of it in which settings may stand.
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        let texts: Vec<&String> = match self {
            Act::Command(argv) => argv.iter().collect(),
            Act::Wait(_) => Vec::new(),
            Act::File(act) => act.texts(),
        };
        texts.into_iter()
    }

    /// The same, to write the settings into.
    pub fn texts_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let texts: Vec<&mut String> = match self {
            Act::Command(argv) => argv.iter_mut().collect(),
            Act::Wait(_) => Vec::new(),
            Act::File(act) => act.texts_mut(),
        };
        texts.into_iter()
    }

    /// As a person would write it on a command line.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Act::Command(argv) => text::shell_line(argv),
            Act::Wait(time) => format!("sleep {}", time.as_secs()),
            // Copied without the folder of a demo, it does nothing in one: its paths lie outside of every other.
            Act::File(act) => match (FileOrder { within: None, act: act.clone() }).arguments() {
                Ok(arguments) => format!("{PROGRAM_NAME} {}", text::shell_line(&arguments)),
                Err(error) => error.to_string(),
            },
        }
    }

    /// What it does in words, where its command line alone would not tell.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        match self {
            Act::Command(_) | Act::Wait(_) => None,
            Act::File(act) => Some(text::escaped(&act.sentence()).into_owned()),
        }
    }
}

impl Class {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Class::Routine => "routine",
            Class::Serious => "serious",
            Class::Destructive => "destructive",
        }
    }
}

impl WayBack {
    /// The acts of the way back; none where there is no way back.
    #[must_use]
    pub fn acts(&self) -> &[ActPlan] {
        match self {
            WayBack::None(_) => &[],
            WayBack::Acts(acts) => acts,
        }
    }
}

impl Task {
    /// The steps inside it, by branch.
    #[must_use]
    pub fn branches(&self) -> &[Branch] {
        match self {
            Task::Choose(branches) => branches,
            Task::Observe(_) | Task::Watch(_) | Task::Commit(_) | Task::Escalate(_) | Task::Conclude(_) => &[],
        }
    }

    /// Every expression the step itself may evaluate; those inside its branches are their steps' own.
    fn expressions(&self) -> Vec<String> {
        let conditions = |plans: &[ConditionPlan]| plans.iter().map(|plan| plan.expr.clone()).collect::<Vec<_>>();
        match self {
            Task::Observe(plans) => plans.iter().map(|plan| plan.expr.clone()).collect(),
            Task::Choose(branches) => branches.iter().flat_map(|branch| conditions(&branch.when)).collect(),
            Task::Watch(plan) => conditions(&plan.until),
            Task::Commit(plan) => {
                let captured = plan.capture.iter().map(|(_, expr)| expr.clone());
                captured.chain(conditions(&plan.only_if)).chain(conditions(&plan.verify)).collect()
            }
            Task::Escalate(_) | Task::Conclude(_) => Vec::new(),
        }
    }

    /// The kind of the step, in a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Task::Observe(_) => "check",
            Task::Choose(_) => "branch",
            Task::Watch(_) => "watch",
            Task::Commit(_) => "sequence",
            Task::Escalate(_) => "escalate",
            Task::Conclude(_) => "conclude",
        }
    }
}

impl Runbook {
    /// Every step with its depth in branches, in the order of the file.
    #[must_use]
    pub fn every_step(&self) -> Vec<(usize, &Step)> {
        let mut found = Vec::new();
        collect(&self.steps, 0, &mut found);
        found
    }

    /// Every expression it may evaluate. Where a verification compares with a captured value, a number stands for it.
    #[must_use]
    pub fn expressions(&self) -> Vec<String> {
        let panels = self.panels.iter().map(|plan| plan.expr.clone());
        let steps = self.every_step().into_iter().flat_map(|(_, step)| step.task.expressions());
        panels.chain(steps).map(|text| template::sampled(&text)).collect()
    }

    /// The step with this id, wherever it stands.
    #[must_use]
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.every_step().into_iter().map(|(_, step)| step).find(|step| step.id == *id)
    }
}

fn collect<'a>(steps: &'a [Step], depth: usize, found: &mut Vec<(usize, &'a Step)>) {
    for step in steps {
        found.push((depth, step));
        step.task.branches().iter().for_each(|branch| collect(&branch.steps, depth + 1, found));
    }
}
