//! Step kinds: one file each, pure. A step is written in RON and compiles to a primitive of the runbook tree.
//!
//! ```text
//! runbooks/*.ron ──book::load──► RunbookSpec ──compile──► Runbook
//! ```
//!
//! Must never: do I/O, or compile to something the run machine would have to know by name.
//!
//! To add a kind: one file with its spec and its `compile`, one variant in [`StepKindSpec`].

pub mod book;
pub mod branch;
pub mod check;
mod checking;
pub mod checklist;
pub mod collect;
pub mod conclude;
pub mod escalate;
pub mod input;
pub mod manual;
pub mod sequence;
pub mod verify;
pub mod watch;

use serde::{Deserialize, Serialize};

use crate::base::{Provenance, StepId};
use crate::runbook::tree::StepOutcome;
use crate::runbook::{Step, Task};
pub use book::RunbookSpec;
use checking::Checking;

/// A step as written. Its kind says what it does; the rest is the same for all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// Unique within the runbook.
    pub id: StepId,
    pub title: String,
    pub kind: StepKindSpec,
    /// Only if the sequence, the watch or the manual step before it in the same list ended so.
    #[serde(default)]
    pub only_after: Option<StepOutcome>,
    /// Lines of the document that it implements: `system:12-15`.
    #[serde(default)]
    pub from: Vec<String>,
    /// The commands as the document has them.
    #[serde(default)]
    pub documented: Vec<String>,
    /// Why the console does something else, where it does.
    #[serde(default)]
    pub deviates: Option<String>,
    /// The dangers in the document that it answers.
    #[serde(default)]
    pub answers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a runbook has a few dozen steps; every reader would have to unbox")]
pub enum StepKindSpec {
    Check(check::CheckSpec),
    Branch(branch::ChooseSpec),
    Watch(watch::WatchSpec),
    Sequence(sequence::SequenceSpec),
    Escalate(escalate::EscalateSpec),
    Conclude(conclude::ConcludeSpec),
    Verify(verify::VerifySpec),
    Manual(manual::ManualSpec),
    Checklist(checklist::ChecklistSpec),
    Input(input::InputSpec),
    Collect(collect::CollectSpec),
}

/// Compiles a list of steps that stands at `at`.
fn compile(specs: &[StepSpec], at: &str, check: &mut Checking<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    // What is asked for in a branch is not known outside of it.
    let known = check.inputs();
    for (index, spec) in specs.iter().enumerate() {
        let at = format!("{at}[{index}]");
        check.step_id(&spec.id, &format!("{at}.id"));
        let task = spec.kind.compile(&spec.id, &format!("{at}.kind"), check);
        if let Some(outcome) = spec.only_after
            && !steps.iter().any(|step| outcome.of(&step.task))
        {
            let before = outcome.kind();
            let what = format!("{} waits for the end of a {before}, and none stands before it in this list", spec.id);
            check.complain(&format!("{at}.only_after"), what, None);
        }
        let provenance = Provenance {
            from: spec.from.clone(),
            documented: spec.documented.clone(),
            deviates: spec.deviates.clone(),
            answers: spec.answers.clone(),
        };
        check.provenance(&provenance, &at);
        let (id, title) = (spec.id.clone(), spec.title.clone());
        steps.push(Step { id, title, task, only_after: spec.only_after, provenance });
    }
    check.forget_inputs(known);
    steps
}

impl StepKindSpec {
    fn compile(&self, id: &StepId, at: &str, check: &mut Checking<'_>) -> Task {
        match self {
            StepKindSpec::Check(spec) => spec.compile(at, check),
            StepKindSpec::Branch(spec) => spec.compile(at, check),
            StepKindSpec::Watch(spec) => spec.compile(at, check),
            StepKindSpec::Sequence(spec) => spec.compile(id, at, check),
            StepKindSpec::Escalate(spec) => spec.compile(at, check),
            StepKindSpec::Conclude(spec) => spec.compile(at, check),
            StepKindSpec::Verify(spec) => spec.compile(at, check),
            StepKindSpec::Manual(spec) => spec.compile(at, check),
            StepKindSpec::Checklist(spec) => spec.compile(at, check),
            StepKindSpec::Input(spec) => spec.compile(at, check),
            StepKindSpec::Collect(spec) => spec.compile(at, check),
        }
    }
}
