//! Where paths lead: dead ends, steps and branches that are never reached, conclusions that do not ask how it went.

use super::{Findings, running};
use crate::base::Severity;
use crate::runbook::tree::{Branch, Runbook, Step, StepOutcome, Task};

/// Every way in which sequences, watches and manual steps can end together.
const OUTCOMES: [[StepOutcome; 3]; 8] = [
    [StepOutcome::Verified, StepOutcome::CameTrue, StepOutcome::DoneByHand],
    [StepOutcome::Verified, StepOutcome::CameTrue, StepOutcome::NotDone],
    [StepOutcome::Verified, StepOutcome::DeadlinePassed, StepOutcome::DoneByHand],
    [StepOutcome::Verified, StepOutcome::DeadlinePassed, StepOutcome::NotDone],
    [StepOutcome::Failed, StepOutcome::CameTrue, StepOutcome::DoneByHand],
    [StepOutcome::Failed, StepOutcome::CameTrue, StepOutcome::NotDone],
    [StepOutcome::Failed, StepOutcome::DeadlinePassed, StepOutcome::DoneByHand],
    [StepOutcome::Failed, StepOutcome::DeadlinePassed, StepOutcome::NotDone],
];

pub(super) fn examine(runbook: &Runbook, findings: &mut Findings) {
    if let Some(last) = dead_end(&runbook.steps) {
        let what = format!("the path ends with {}, which is no end", last.id);
        findings.add(Severity::Warning, Some(last), what, END);
    }
    list(&runbook.steps, false, findings);
}

const END: &str = "end it with a conclusion, an escalation, or a sequence that names whom to call";

/// One list of steps, and the lists inside it. `goes_on` says whether steps follow after this list.
fn list(steps: &[Step], goes_on: bool, findings: &mut Findings) {
    for (at, step) in steps.iter().enumerate() {
        let rest = &steps[at + 1..];
        match &step.task {
            Task::Conclude(_) => after_conclusion(step, rest, findings),
            Task::Commit(_) => after_sequence(step, rest, findings),
            Task::Choose(branches) => {
                let goes_on = goes_on || !rest.is_empty();
                choice(step, branches, goes_on, findings);
            }
            Task::Observe(_)
            | Task::Watch(_)
            | Task::Escalate(_)
            | Task::ByHand(_)
            | Task::Tick(_)
            | Task::Ask(_)
            | Task::Collect(_) => {}
        }
    }
}

fn choice(step: &Step, branches: &[Branch], goes_on: bool, findings: &mut Findings) {
    for (at, branch) in branches.iter().enumerate() {
        if let Some(earlier) = branches[..at].iter().find(|earlier| covers(earlier, branch)) {
            let what = format!(
                "the branch {} is never suggested: whenever its conditions hold, those of {} hold too",
                branch.id, earlier.id
            );
            let fix = format!("put it before {}, or give that one a condition it does not share", earlier.id);
            findings.add(Severity::Warning, Some(step), what, fix);
        }
        if let (Some(last), false) = (dead_end(&branch.steps), goes_on) {
            let what = format!("the branch {} ends with {}, which is no end", branch.id, last.id);
            findings.add(Severity::Warning, Some(last), what, END);
        }
        list(&branch.steps, goes_on, findings);
    }
}

/// Whether every condition of the earlier branch is one of the later's too.
fn covers(earlier: &Branch, later: &Branch) -> bool {
    let same = |a: &str, b: &str| a.split_whitespace().eq(b.split_whitespace());
    !earlier.when.is_empty()
        && earlier.when.iter().all(|one| later.when.iter().any(|other| same(&one.expr, &other.expr)))
}

/// The step with which the path through this list may stop without an end, if there is one.
fn dead_end(steps: &[Step]) -> Option<&Step> {
    OUTCOMES.iter().find_map(|outcomes| {
        let last = *running(steps, *outcomes).last()?;
        match &last.task {
            Task::Conclude(_) | Task::Escalate(_) => None,
            Task::Commit(plan) if !plan.escalation.contacts.is_empty() => None,
            // Its branches are examined by themselves.
            Task::Choose(branches) if !branches.is_empty() => None,
            Task::Observe(_)
            | Task::Watch(_)
            | Task::Commit(_)
            | Task::Choose(_)
            | Task::ByHand(_)
            | Task::Tick(_)
            | Task::Ask(_)
            | Task::Collect(_) => Some(last),
        }
    })
}

fn after_conclusion(step: &Step, rest: &[Step], findings: &mut Findings) {
    let always = step.only_after.is_none();
    for never in rest.iter().filter(|next| always || next.only_after == step.only_after) {
        let what = format!("{} is never reached: {} before it ends the path", never.id, step.id);
        findings.add(Severity::Warning, Some(never), what, "move it before the conclusion, or say after what it runs");
    }
}

/// A conclusion that is reached however the sequence ended would call a failure well.
fn after_sequence(step: &Step, rest: &[Step], findings: &mut Findings) {
    let next = rest.iter().find(|next| next.only_after.is_none() || next.only_after == Some(StepOutcome::Failed));
    if let Some(Step { task: Task::Conclude(_), only_after: None, .. }) = next {
        let what = format!("after {} comes the same conclusion whether it cured or not", step.id);
        let fix = "let the conclusion run only after Verified, and an escalation only after Failed";
        findings.add(Severity::Critical, next, what, fix);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use crate::base::Severity::{Critical, Warning};
    use crate::runbook::fixture::{branch, conclude, condition, step};
    use crate::runbook::tree::{Branch, Runbook, Task};

    fn branches(runbook: &mut Runbook) -> &mut Vec<Branch> {
        match &mut runbook.steps[1].task {
            Task::Choose(branches) => branches,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_path_has_an_end() {
        check((Warning, Some("wait"), "the branch quiet ends with wait"), |book| {
            branches(book)[1].steps.pop();
        });
        check((Warning, Some("wait"), "the branch quiet ends with wait"), |book| {
            branches(book)[1].steps[1].only_after = Some(crate::runbook::tree::StepOutcome::CameTrue);
        });
        check((Warning, Some("look"), "the path ends with look"), |book| {
            book.steps.pop();
        });
        check((Warning, Some("sequel"), "the path ends with sequel"), |book| {
            book.steps.push(step("sequel", Task::Observe(Vec::new()), None));
        });
    }

    #[test]
    fn a_sequence_with_contacts_is_an_end() {
        assert_eq!(super::super::tests::found(|book| branches(book)[0].steps.truncate(1)), []);
        check((Warning, Some("fix"), "the branch stuck ends with fix"), |book| {
            let steps = &mut branches(book)[0].steps;
            steps.truncate(1);
            let Task::Commit(plan) = &mut steps[0].task else { panic!("{steps:?}") };
            plan.escalation.contacts.clear();
        });
    }

    #[test]
    fn everything_can_be_reached() {
        check((Warning, Some("late"), "late is never reached"), |book| {
            branches(book)[1].steps.push(conclude("late", None));
        });
        check((Warning, Some("why"), "the branch again is never suggested"), |book| {
            let when = [condition("x", "height > bool 0"), condition("y", " rate  > bool 0")];
            branches(book).push(branch("again", &when, vec![conclude("again", None)]));
        });
    }

    #[test]
    fn a_conclusion_asks_how_the_sequence_ended() {
        check((Critical, Some("cured"), "whether it cured or not"), |book| {
            let steps = &mut branches(book)[0].steps;
            steps.remove(1);
            steps[1].only_after = None;
        });
    }
}
