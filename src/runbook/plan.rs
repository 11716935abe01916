//! The dry run: exactly what a runbook would read, judge and do on a target, beside what its document says.
//!
//! Must never: resolve, prove or run anything. A name that no setting fills is shown as it stands, and named.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::page::Page;
use super::seal;
use super::tree::{
    Act, ActPlan, Branch, CollectPlan, ConditionPlan, EscalationPlan, ForEachPlan, InputPlan, ItemPlan, ManualPlan,
    ReadingPlan, Runbook, SequencePlan, Step, Symptom, Task, WayBack,
};
use crate::base::{ActId, BranchId, Provenance, RunbookId, SecretRef, Severity, StepId, text, time};

/// A runbook as it would run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub runbook: RunbookId,
    /// The target whose settings are written in; `None` for any target, with `{name}` left as it is.
    pub target: Option<String>,
    pub title: String,
    pub summary: String,
    pub severity: Severity,
    pub alerts: Vec<String>,
    /// When people open it by themselves.
    #[serde(default)]
    pub by_hand: Option<String>,
    #[serde(default)]
    pub symptoms: Vec<Symptom>,
    pub steps: Vec<PlanStep>,
    pub provenance: Provenance,
    /// What would keep a sequence from being sealed on this target, by step.
    pub open: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStep {
    pub id: StepId,
    pub kind: String,
    pub title: String,
    /// What must have happened before, in words.
    pub only_if: Option<String>,
    pub does: Does,
    pub provenance: Provenance,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Does {
    Reads(Vec<ReadingPlan>),
    Chooses(Vec<PlanBranch>),
    Watches { until: Vec<ConditionPlan>, deadline_seconds: u64 },
    Acts(Box<PlanSequence>),
    HandsOver(EscalationPlan),
    Concludes(String),
    ByHand(ManualPlan),
    Ticks(Vec<ItemPlan>),
    Asks(InputPlan),
    Collects(CollectPlan),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanBranch {
    pub id: BranchId,
    pub title: String,
    pub when: Vec<ConditionPlan>,
    pub steps: Vec<PlanStep>,
    pub provenance: Provenance,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanSequence {
    pub class: String,
    pub only_if: Vec<ConditionPlan>,
    pub capture: Vec<(String, String)>,
    pub acts: Vec<PlanAct>,
    pub expect: String,
    pub settle_seconds: u64,
    pub verify: Vec<ConditionPlan>,
    pub verify_within_seconds: u64,
    pub way_back: Vec<PlanAct>,
    pub no_way_back: Option<String>,
    pub escalation: EscalationPlan,
    pub for_each: Option<ForEachPlan>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanAct {
    pub id: ActId,
    pub title: String,
    pub act: Act,
    /// As it is reviewed: exact where the target is known, with references where secrets stand.
    pub shown: String,
    pub unit: String,
    pub timeout_seconds: u64,
    pub provenance: Provenance,
}

/// The target that a plan is for: what is written into its acts.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    pub target: &'a str,
    /// As text.
    pub settings: &'a BTreeMap<String, String>,
    /// Where requests go.
    pub base_url: &'a str,
    pub secrets: &'a BTreeMap<String, SecretRef>,
}

impl Plan {
    /// The plan for any target.
    #[must_use]
    pub fn of(runbook: &Runbook) -> Plan {
        Plan::build(runbook, None)
    }

    /// The plan for one target.
    #[must_use]
    pub fn on(runbook: &Runbook, ground: &Ground<'_>) -> Plan {
        Plan::build(runbook, Some(ground))
    }

    fn build(runbook: &Runbook, ground: Option<&Ground<'_>>) -> Plan {
        let mut open = Vec::new();
        let asked = asked(runbook);
        let steps = steps(&runbook.steps, ground, &asked, &mut open);
        Plan {
            runbook: runbook.id.clone(),
            target: ground.map(|ground| ground.target.to_owned()),
            title: runbook.title.clone(),
            summary: runbook.summary.clone(),
            severity: runbook.severity,
            alerts: runbook.alerts.clone(),
            by_hand: runbook.by_hand.clone(),
            symptoms: runbook.symptoms.clone(),
            steps,
            provenance: runbook.provenance.clone(),
            open,
        }
    }

    /// The plan for reading, at most 80 columns wide.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = Page::default();
        page.line(0, &format!("{} ({}), {}", self.title, self.runbook, self.severity.word()));
        page.line(0, &self.summary);
        match &self.target {
            Some(target) => page.field(0, "target", target),
            None => page.field(0, "target", "any; {names} stand for settings of the target"),
        }
        let alerts = if self.alerts.is_empty() { "by hand only".to_owned() } else { self.alerts.join(", ") };
        page.field(0, "opened by", &alerts);
        if let Some(when) = &self.by_hand {
            page.field(0, "by hand", when);
        }
        for (index, symptom) in self.symptoms.iter().enumerate() {
            page.field(0, if index == 0 { "symptoms" } else { "" }, &symptom.means);
            match &symptom.expr {
                Some(expr) => page.field(0, "", expr),
                None => page.field(0, "", "seen by people; nothing measures it"),
            }
        }
        page.provenance(0, &self.provenance);
        for open in &self.open {
            page.field(0, "can not run", open);
        }
        write_steps(&self.steps, 0, &mut page);
        page.finish()
    }
}

/// What people will be asked for; its names stand in the plan as they are.
fn asked(runbook: &Runbook) -> BTreeSet<String> {
    let names = runbook.every_step().into_iter().filter_map(|(_, step)| match &step.task {
        Task::Ask(plan) => Some(plan.name.clone()),
        Task::Commit(plan) => plan.for_each.as_ref().map(|list| list.name.clone()),
        Task::Observe(_)
        | Task::Choose(_)
        | Task::Watch(_)
        | Task::Escalate(_)
        | Task::Conclude(_)
        | Task::ByHand(_)
        | Task::Tick(_)
        | Task::Collect(_) => None,
    });
    names.collect()
}

fn steps(
    steps_of: &[Step],
    ground: Option<&Ground<'_>>,
    asked: &BTreeSet<String>,
    open: &mut Vec<String>,
) -> Vec<PlanStep> {
    let mut planned = Vec::new();
    for step in steps_of {
        let does = match &step.task {
            Task::Observe(readings) => Does::Reads(readings.clone()),
            Task::Choose(branches) => {
                Does::Chooses(branches.iter().map(|branch| plan_branch(branch, ground, asked, open)).collect())
            }
            Task::Watch(watch) => {
                Does::Watches { until: watch.until.clone(), deadline_seconds: watch.deadline.as_secs() }
            }
            Task::Commit(sequence) => {
                let resolved = ground.map(|ground| seal::previewed(sequence, ground.settings, None, asked));
                let planned = match resolved {
                    None => PlanSequence::of(sequence, None, &mut |_| {}),
                    Some(Ok(resolved)) => {
                        PlanSequence::of(&resolved, ground, &mut |why| open.push(format!("{}: {why}", step.id)))
                    }
                    Some(Err(error)) => {
                        open.push(format!("{}: {error}", step.id));
                        PlanSequence::of(sequence, None, &mut |_| {})
                    }
                };
                Does::Acts(Box::new(planned))
            }
            Task::Escalate(plan) => Does::HandsOver(plan.clone()),
            Task::Conclude(finding) => Does::Concludes(finding.clone()),
            Task::ByHand(plan) => Does::ByHand(plan.clone()),
            Task::Tick(items) => Does::Ticks(items.clone()),
            Task::Ask(plan) => Does::Asks(plan.clone()),
            Task::Collect(plan) => Does::Collects(plan.clone()),
        };
        planned.push(PlanStep {
            id: step.id.clone(),
            kind: step.task.word().to_owned(),
            title: step.title.clone(),
            only_if: step.only_after.map(|outcome| outcome.phrase().to_owned()),
            does,
            provenance: step.provenance.clone(),
        });
    }
    planned
}

fn plan_branch(
    branch: &Branch,
    ground: Option<&Ground<'_>>,
    asked: &BTreeSet<String>,
    open: &mut Vec<String>,
) -> PlanBranch {
    PlanBranch {
        id: branch.id.clone(),
        title: branch.title.clone(),
        when: branch.when.clone(),
        steps: steps(&branch.steps, ground, asked, open),
        provenance: branch.provenance.clone(),
    }
}

impl PlanSequence {
    fn of(plan: &SequencePlan, ground: Option<&Ground<'_>>, refused: &mut dyn FnMut(String)) -> PlanSequence {
        let mut acts = |acts: &[ActPlan]| acts.iter().map(|act| PlanAct::of(act, ground, refused)).collect();
        PlanSequence {
            class: plan.class.word().to_owned(),
            only_if: plan.only_if.clone(),
            capture: plan.capture.clone(),
            acts: acts(&plan.acts),
            expect: plan.expect.clone(),
            settle_seconds: plan.settle.as_secs(),
            verify: plan.verify.clone(),
            verify_within_seconds: plan.verify_within.as_secs(),
            way_back: acts(plan.way_back.acts()),
            no_way_back: match &plan.way_back {
                WayBack::None(why) => Some(why.clone()),
                WayBack::Acts(_) => None,
            },
            escalation: plan.escalation.clone(),
            for_each: plan.for_each.clone(),
        }
    }
}

impl PlanAct {
    fn of(act: &ActPlan, ground: Option<&Ground<'_>>, refused: &mut dyn FnMut(String)) -> PlanAct {
        let shown = match act.on(ground.map(|ground| (ground.base_url, ground.secrets))) {
            Ok(shown) => shown,
            Err(error) => {
                refused(format!("{}: {error}", act.id));
                act.act.shown()
            }
        };
        PlanAct {
            shown,
            id: act.id.clone(),
            title: act.title.clone(),
            act: act.act.clone(),
            unit: act.unit.clone(),
            timeout_seconds: act.timeout.as_secs(),
            provenance: act.provenance.clone(),
        }
    }
}

fn spoken(seconds: u64) -> String {
    time::spoken(std::time::Duration::from_secs(seconds))
}

fn write_steps(steps: &[PlanStep], indent: usize, page: &mut Page) {
    for step in steps {
        page.blank();
        page.line(indent, &format!("{} {}: {}", step.kind, step.id, step.title));
        let inner = indent + 2;
        if let Some(only_if) = &step.only_if {
            page.field(inner, "only if", only_if);
        }
        match &step.does {
            Does::Reads(readings) => {
                for reading in readings {
                    page.field(inner, "read", &format!("{}: {}", reading.label, reading.expr));
                }
                page.provenance(inner, &step.provenance);
            }
            Does::Chooses(branches) => {
                page.provenance(inner, &step.provenance);
                branches.iter().for_each(|branch| write_branch(branch, inner, page));
            }
            Does::Watches { until, deadline_seconds } => {
                page.conditions(inner, "until", until);
                page.field(inner, "for at most", &spoken(*deadline_seconds));
                page.provenance(inner, &step.provenance);
            }
            Does::Acts(sequence) => {
                write_sequence(sequence, inner, page);
                page.provenance(inner, &step.provenance);
            }
            Does::HandsOver(plan) => {
                write_escalation("hand over", plan, inner, page);
                page.provenance(inner, &step.provenance);
            }
            Does::Concludes(finding) => {
                page.field(inner, "end", finding);
                page.provenance(inner, &step.provenance);
            }
            Does::ByHand(plan) => {
                page.field(inner, "by hand", &plan.what);
                if !plan.command.is_empty() {
                    page.field(inner, "to copy", &text::escaped(&text::shell_line(&plan.command)));
                }
                page.provenance(inner, &step.provenance);
            }
            Does::Ticks(items) => {
                for item in items {
                    page.field(inner, "tick", &item.text);
                    page.provenance(inner + 2, &item.provenance);
                }
                page.provenance(inner, &step.provenance);
            }
            Does::Asks(plan) => {
                page.field(inner, "ask", &format!("{{{}}} is {}: {}", plan.name, plan.asks, plan.accepts.words()));
                page.provenance(inner, &step.provenance);
            }
            Does::Collects(plan) => {
                for reading in &plan.readings {
                    page.field(inner, "keep", &format!("{}: {}", reading.label, reading.expr));
                }
                let documents = if plan.documents.is_empty() { "all".to_owned() } else { plan.documents.join(", ") };
                page.field(inner, "documents", &documents);
                page.field(inner, "log lines", &format!("the newest {} of each log", plan.log_lines));
                page.field(inner, "and", "the alerts of the target, and the journal of the run");
                page.provenance(inner, &step.provenance);
            }
        }
    }
}

fn write_branch(branch: &PlanBranch, indent: usize, page: &mut Page) {
    page.blank();
    page.line(indent, &format!("if {}: {}", branch.id, branch.title));
    page.conditions(indent + 2, "suggested", &branch.when);
    page.provenance(indent + 2, &branch.provenance);
    write_steps(&branch.steps, indent + 2, page);
}

fn write_sequence(sequence: &PlanSequence, indent: usize, page: &mut Page) {
    page.field(indent, "class", &sequence.class);
    page.conditions(indent, "only if", &sequence.only_if);
    for (name, expr) in &sequence.capture {
        page.field(indent, "note", &format!("{{{name}}} is {expr}"));
    }
    if let Some(list) = &sequence.for_each {
        let (name, label, expr, most) = (&list.name, &list.label, &list.expr, list.at_most);
        let what =
            format!("{{{name}}} in the values of {label} that {expr} has then, at most {most}; ends at a failure");
        page.field(indent, "for each", &what);
    }
    sequence.acts.iter().for_each(|act| write_act("run", act, indent, page));
    page.field(indent, "expect", &sequence.expect);
    page.field(indent, "settle", &spoken(sequence.settle_seconds));
    page.conditions(indent, "verify", &sequence.verify);
    page.field(indent, "within", &spoken(sequence.verify_within_seconds));
    sequence.way_back.iter().for_each(|act| write_act("way back", act, indent, page));
    if let Some(why) = &sequence.no_way_back {
        page.field(indent, "way back", &format!("none: {why}"));
    }
    write_escalation("if not cured", &sequence.escalation, indent, page);
}

fn write_act(word: &str, act: &PlanAct, indent: usize, page: &mut Page) {
    match act.act.sentence() {
        Some(sentence) => {
            page.field(indent, word, &sentence);
            page.field(indent, "", &text::escaped(&act.shown));
        }
        None => page.field(indent, word, &text::escaped(&act.shown)),
    }
    page.field(indent, "", &format!("{}; unit {}, at most {}", act.title, act.unit, spoken(act.timeout_seconds)));
    page.provenance(indent + 2, &act.provenance);
}

fn write_escalation(word: &str, plan: &EscalationPlan, indent: usize, page: &mut Page) {
    let minutes = spoken(plan.respond_within_minutes.saturating_mul(60));
    let to = plan.contacts.join(" and ");
    page.field(indent, word, &format!("{to}, {}, within {minutes}: {}", plan.severity.word(), plan.say));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::width;
    use crate::runbook::fixture;

    fn settings(unit: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("unit".to_owned(), unit.to_owned())])
    }

    fn on_target(settings: &BTreeMap<String, String>) -> Plan {
        let (target, base_url, secrets) = ("here", "http://127.0.0.1:1", &BTreeMap::new());
        Plan::on(&fixture::runbook(), &Ground { target, settings, base_url, secrets })
    }

    #[test]
    fn the_plan_shows_what_would_run_and_what_the_document_says() {
        let plan = on_target(&settings("node-unit"));
        assert!(plan.open.is_empty(), "{:?}", plan.open);
        let text = plan.text();
        for want in [
            "stale (sys/stale), critical",
            "target        here",
            "opened by     Stale",
            "read          age: age_seconds",
            "suggested     nothing is sealed: rate > bool 0",
            "only if       the sequence before it failed",
            "run           systemctl restart node-unit",
            "restart the unit; unit node-unit, at most 1m 30s",
            "document      sudo systemctl restart node",
            "differs       as whom it runs is the target's privilege (answers D07)",
            "lines         sys:81-82",
            "verify        it grows: height > bool {before}",
            "within        2m 00s",
            "way back      none: it can not be undone",
            "if not cured  on-call, critical, within 15m 00s: it did not help",
            "end           it is well",
        ] {
            assert!(text.lines().any(|line| line.trim_start() == want), "{want}\n{text}");
        }
    }

    #[test]
    fn every_line_fits_and_nothing_hostile_gets_through() {
        let mut runbook = fixture::runbook();
        runbook.summary = "word ".repeat(60) + "\x1b[31m" + &"x".repeat(200);
        let plan = Plan::of(&runbook);
        let text = plan.text();
        assert!(text.lines().all(|line| width(line) <= 80), "{text}");
        assert!(!text.contains('\x1b'));
        assert!(text.contains("systemctl restart '{unit}'"), "{text}");
    }

    #[test]
    fn what_would_keep_it_from_running_is_named() {
        for (settings, want) in [
            (BTreeMap::new(), "fix: {unit} in the act go is not a setting of the target"),
            (settings("-x"), "fix: unit is \"-x\", which would be read as an option; it can not stand in the act go"),
        ] {
            let plan = on_target(&settings);
            assert_eq!(plan.open, [want]);
            assert!(plan.text().contains("can not run"), "{}", plan.text());
        }
    }

    #[test]
    fn the_plan_survives_json() {
        let plan = Plan::of(&fixture::runbook());
        let json = serde_json::to_string(&plan).expect("plans have JSON");
        assert_eq!(serde_json::from_str::<Plan>(&json).expect("as written"), plan);
        assert!(json.contains(r#""from":["sys:81-82"],"documented":["sudo systemctl restart node"]"#));
    }
}
