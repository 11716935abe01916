//! The compiled runbook: what a file in `systems/*/runbooks/` means, frozen into the first record of every run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::{RequestError, RequestPlan};
use super::template;
use crate::base::{
    ActId, BranchId, Provenance, RunbookId, SecretRef, SequenceId, Severity, StepId, SystemId, Unit, text,
};
use crate::model::file_act::{FileAct, FileOrder, PROGRAM_NAME};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runbook {
    pub id: RunbookId,
    pub system: SystemId,
    pub title: String,
    pub severity: Severity,
    /// The alerts that open it.
    pub alerts: Vec<String>,
    /// When people open it by themselves, where they do.
    #[serde(default)]
    pub by_hand: Option<String>,
    /// What is wrong when it applies, in a sentence.
    pub summary: String,
    /// What shows that it applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symptoms: Vec<Symptom>,
    /// Series to show beside the steps: label, expression, unit.
    pub panels: Vec<ReadingPlan>,
    /// In order; branches hold further steps.
    pub steps: Vec<Step>,
    pub provenance: Provenance,
}

/// Something that shows when a runbook applies. It is measured for as long as a run is open, and decides nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symptom {
    /// In words, as somebody who sees it would say it.
    pub means: String,
    /// True while it shows; nothing where only people can see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// Lines of the document.
    #[serde(default)]
    pub from: Vec<String>,
}

impl Symptom {
    /// What measures it, where something does.
    #[must_use]
    pub fn condition(&self) -> Option<ConditionPlan> {
        let expr = self.expr.clone()?;
        Some(ConditionPlan { means: self.means.clone(), expr })
    }
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
    /// Of a manual step: a person did it.
    DoneByHand,
    /// Of a manual step: a person did not do it, and said why.
    NotDone,
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
    /// A person does it, and says so; or says why not.
    ByHand(ManualPlan),
    /// A person goes through these, one by one, in whatever order.
    Tick(Vec<ItemPlan>),
    /// A person gives a value; `{name}` stands for it in the steps after this one.
    Ask(InputPlan),
    /// Gathers evidence into one archive. Runs by itself, because it only reads.
    Collect(CollectPlan),
}

/// What a person does by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManualPlan {
    /// What to do, in sentences.
    pub what: String,
    /// The command for it, for those who want to copy one; empty where there is none.
    #[serde(default)]
    pub command: Vec<String>,
}

/// One item of a checklist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemPlan {
    pub id: ActId,
    pub text: String,
    pub provenance: Provenance,
}

/// A value that a person gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputPlan {
    /// As it stands between braces; no setting of the system is called so.
    pub name: String,
    /// What is asked for, as a phrase.
    pub asks: String,
    pub accepts: Accepts,
}

/// What is taken for an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Accepts {
    /// Any text that can not be taken for syntax.
    Text,
    /// A whole number within these bounds, both included.
    Integer {
        least: i64,
        most: i64,
    },
    OneOf(Vec<String>),
    /// A value that this label has now, in the answer to this expression.
    LabelValues {
        expr: String,
        label: String,
    },
    /// A text or number that this jq filter finds now in the document of this name.
    Document {
        name: String,
        jq: String,
    },
}

/// Acts are repeated for every value of a list that is measured when the sequence is sealed, so that every act is seen
/// before anything is confirmed. The first act that fails ends them all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForEachPlan {
    /// As it stands between braces in the acts.
    pub name: String,
    /// The values that this label has in the answer to this expression.
    pub expr: String,
    pub label: String,
    /// A longer list is refused.
    pub at_most: u32,
}

/// What an archive of evidence holds, besides the alerts of the target and the journal of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectPlan {
    pub readings: Vec<ReadingPlan>,
    /// Documents by name; all of the target's where none is named.
    #[serde(default)]
    pub documents: Vec<String>,
    /// Newest lines of each of the target's logs.
    #[serde(default = "usual_log_lines")]
    pub log_lines: u32,
}

const fn usual_log_lines() -> u32 {
    500
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
    /// Where it is set, the acts are repeated.
    #[serde(default)]
    pub for_each: Option<ForEachPlan>,
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
    /// One request to the target's own node.
    Request(RequestPlan),
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
            StepOutcome::DoneByHand => "the manual step before it was done",
            StepOutcome::NotDone => "the manual step before it was not done",
        }
    }

    /// Whether a step with this task can end so.
    #[must_use]
    pub fn of(self, task: &Task) -> bool {
        match self {
            StepOutcome::Verified | StepOutcome::Failed => matches!(task, Task::Commit(_)),
            StepOutcome::CameTrue | StepOutcome::DeadlinePassed => matches!(task, Task::Watch(_)),
            StepOutcome::DoneByHand | StepOutcome::NotDone => matches!(task, Task::ByHand(_)),
        }
    }

    /// The kind of step that can end so.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            StepOutcome::Verified | StepOutcome::Failed => "sequence",
            StepOutcome::CameTrue | StepOutcome::DeadlinePassed => "watch",
            StepOutcome::DoneByHand | StepOutcome::NotDone => "manual step",
        }
    }
}

impl Accepts {
    /// What may be given, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Accepts::Text => "a text".to_owned(),
            Accepts::Integer { least, most } => format!("a whole number from {least} to {most}"),
            Accepts::OneOf(known) => format!("one of {}", known.join(", ")),
            Accepts::LabelValues { expr, label } => format!("a value that the label {label} of {expr} has now"),
            Accepts::Document { name, jq } => format!("something that {jq} finds now in the document {name:?}"),
        }
    }
}

impl Act {
    /// Every text of it in which settings may stand.
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        let texts: Vec<&String> = match self {
            Act::Command(argv) => argv.iter().collect(),
            Act::Wait(_) => Vec::new(),
            Act::Request(request) => request.texts(),
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
            Act::Request(request) => request.texts_mut(),
        };
        texts.into_iter()
    }

    /// The names that stand in the path of a request, where a value has to be one piece of it.
    #[must_use]
    pub fn names_in_path(&self) -> Vec<&str> {
        match self {
            Act::Request(request) => template::names_in_text(&request.path),
            Act::Command(_) | Act::Wait(_) | Act::File(_) => Vec::new(),
        }
    }

    /// As a person reads it before the target is known.
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
            Act::Request(request) => request.shown(),
        }
    }

    /// What it does in words, where its command line alone would not tell.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        match self {
            Act::Command(_) | Act::Wait(_) | Act::Request(_) => None,
            Act::File(act) => Some(text::escaped(&act.sentence()).into_owned()),
        }
    }
}

impl ActPlan {
    /// What it does, in as few words as tell it: its sentence, or its exact form.
    #[must_use]
    pub fn words(&self) -> String {
        self.act.sentence().unwrap_or_else(|| self.act.shown())
    }

    /// As a person reviews it on a target with this address and these secrets, settings written in; without a target,
    /// as the runbook has it.
    ///
    /// # Errors
    /// The act can not be done there.
    pub fn on(&self, ground: Option<(&str, &BTreeMap<String, SecretRef>)>) -> Result<String, RequestError> {
        match (&self.act, ground) {
            (Act::Request(request), Some((base_url, secrets))) => {
                request.at(base_url, secrets, self.timeout).map(|exec| exec.to_string())
            }
            (Act::Request(_), None) | (Act::Command(_) | Act::Wait(_) | Act::File(_), _) => Ok(self.act.shown()),
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
            Task::Observe(_)
            | Task::Watch(_)
            | Task::Commit(_)
            | Task::Escalate(_)
            | Task::Conclude(_)
            | Task::ByHand(_)
            | Task::Tick(_)
            | Task::Ask(_)
            | Task::Collect(_) => &[],
        }
    }

    /// The items of a checklist.
    #[must_use]
    pub fn items(&self) -> &[ItemPlan] {
        match self {
            Task::Tick(items) => items,
            Task::Observe(_)
            | Task::Choose(_)
            | Task::Watch(_)
            | Task::Commit(_)
            | Task::Escalate(_)
            | Task::Conclude(_)
            | Task::ByHand(_)
            | Task::Ask(_)
            | Task::Collect(_) => &[],
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
                let listed = plan.for_each.iter().map(|list| list.expr.clone());
                captured.chain(listed).chain(conditions(&plan.only_if)).chain(conditions(&plan.verify)).collect()
            }
            Task::Ask(InputPlan { accepts: Accepts::LabelValues { expr, .. }, .. }) => vec![expr.clone()],
            Task::Collect(plan) => plan.readings.iter().map(|plan| plan.expr.clone()).collect(),
            Task::Escalate(_) | Task::Conclude(_) | Task::ByHand(_) | Task::Tick(_) | Task::Ask(_) => Vec::new(),
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
            Task::ByHand(_) => "manual",
            Task::Tick(_) => "checklist",
            Task::Ask(_) => "input",
            Task::Collect(_) => "collect",
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
        let symptoms = self.symptoms.iter().filter_map(|symptom| symptom.expr.clone());
        let panels = symptoms.chain(self.panels.iter().map(|plan| plan.expr.clone()));
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
