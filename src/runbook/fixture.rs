//! A small runbook for the tests of this folder.

use std::time::Duration;

use super::tree::{
    Act, ActPlan, Branch, Class, ConditionPlan, EscalationPlan, ReadingPlan, Runbook, SequencePlan, Step, StepOutcome,
    Task, WatchPlan, WayBack,
};
use crate::base::{Provenance, Severity, Unit};

pub fn condition(means: &str, expr: &str) -> ConditionPlan {
    ConditionPlan { means: means.to_owned(), expr: expr.to_owned() }
}

pub fn step(id: &str, task: Task, only_after: Option<StepOutcome>) -> Step {
    Step { id: id.into(), title: format!("the step {id}"), task, only_after, provenance: Provenance::default() }
}

pub fn branch(id: &str, when: &[ConditionPlan], steps: Vec<Step>) -> Branch {
    let provenance = Provenance::default();
    Branch { id: id.into(), title: format!("the branch {id}"), when: when.to_vec(), steps, provenance }
}

pub fn conclude(id: &str, only_after: Option<StepOutcome>) -> Step {
    step(id, Task::Conclude("it is well".to_owned()), only_after)
}

pub fn escalation() -> EscalationPlan {
    EscalationPlan {
        severity: Severity::Critical,
        contacts: vec!["on-call".to_owned()],
        respond_within_minutes: 15,
        say: "it did not help".to_owned(),
    }
}

pub fn sequence() -> SequencePlan {
    let act = ActPlan {
        id: "go".into(),
        title: "restart the unit".to_owned(),
        act: Act::Command(["systemctl", "restart", "{unit}"].map(str::to_owned).to_vec()),
        timeout: Duration::from_secs(90),
        unit: "{unit}".to_owned(),
        provenance: Provenance {
            from: vec!["sys:81-82".to_owned()],
            documented: vec!["sudo systemctl restart node".to_owned()],
            deviates: Some("as whom it runs is the target's privilege".to_owned()),
            answers: vec!["D07".to_owned()],
        },
    };
    SequencePlan {
        id: "fix".into(),
        class: Class::Serious,
        only_if: vec![condition("nothing is sealed", "rate > bool 0")],
        capture: vec![("before".to_owned(), "height".to_owned())],
        acts: vec![act],
        expect: "it comes back".to_owned(),
        settle: Duration::from_secs(10),
        verify: vec![condition("it grows", "height > bool {before}")],
        verify_within: Duration::from_secs(120),
        way_back: WayBack::None("it can not be undone".to_owned()),
        escalation: escalation(),
        for_each: None,
    }
}

/// Well formed: nothing in it is a finding.
pub fn runbook() -> Runbook {
    let stuck = vec![
        step("fix", Task::Commit(sequence()), None),
        step("tell", Task::Escalate(escalation()), Some(StepOutcome::Failed)),
        conclude("cured", Some(StepOutcome::Verified)),
    ];
    let watch = WatchPlan { until: vec![condition("it is busy", "busy > bool 0")], deadline: Duration::from_secs(300) };
    let idle = vec![step("wait", Task::Watch(watch), None), conclude("idle", None)];
    let branches = vec![
        branch("stuck", &[condition("nothing is sealed", "rate > bool 0")], stuck),
        branch("quiet", &[condition("nothing waits", "busy == bool 0")], idle),
    ];
    let reading = ReadingPlan { label: "age".to_owned(), expr: "age_seconds".to_owned(), unit: Unit::Seconds };
    Runbook {
        id: "sys/stale".into(),
        system: "sys".into(),
        title: "stale".to_owned(),
        severity: Severity::Critical,
        alerts: vec!["Stale".to_owned()],
        by_hand: None,
        summary: "nothing new".to_owned(),
        symptoms: Vec::new(),
        panels: Vec::new(),
        steps: vec![step("look", Task::Observe(vec![reading]), None), step("why", Task::Choose(branches), None)],
        provenance: Provenance::default(),
    }
}
