//! The runbook file: RON, one per runbook.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::StepSpec;
use super::checking::Checking;
use crate::base::{Problem, Provenance, RunbookId, Severity, SystemId, ron_text};
use crate::runbook::Runbook;
use crate::runbook::tree::{ReadingPlan, Symptom};

/// A runbook as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunbookSpec {
    pub title: String,
    /// What is wrong when it applies, in a sentence.
    pub summary: String,
    pub severity: Severity,
    /// The alerts that open it.
    #[serde(default)]
    pub alerts: Vec<String>,
    /// When people open it by themselves, in a phrase; for a runbook that no alert opens.
    #[serde(default)]
    pub by_hand: Option<String>,
    /// What shows that it applies, measured where that can be.
    #[serde(default)]
    pub symptoms: Vec<Symptom>,
    /// Series to show beside the steps.
    #[serde(default)]
    pub panels: Vec<ReadingPlan>,
    pub steps: Vec<StepSpec>,
    #[serde(default)]
    pub from: Vec<String>,
    #[serde(default)]
    pub documented: Vec<String>,
    #[serde(default)]
    pub deviates: Option<String>,
    #[serde(default)]
    pub answers: Vec<String>,
}

/// Reads and compiles a runbook file called `name` (without `.ron`) of a system.
///
/// # Errors
/// Every mistake with its place: RON, expressions, duplicate ids, conditions without `bool`.
pub fn load(system: &SystemId, name: &str, file: &str, text: &str) -> Result<Runbook, Vec<Problem>> {
    load_with(system, name, file, text, None)
}

/// As [`load`]; where the names of the system's settings are given, every `{name}` in an argv must be one of them.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    system: &SystemId,
    name: &str,
    file: &str,
    text: &str,
    settings: Option<&BTreeSet<String>>,
) -> Result<Runbook, Vec<Problem>> {
    let spec: RunbookSpec = ron_text::parse(file, text).map_err(|problem| vec![problem])?;
    let mut check = Checking::new(system, file, text, settings);
    let runbook = spec.compile(system, name, &mut check);
    let problems = check.finish();
    if problems.is_empty() { Ok(runbook) } else { Err(problems) }
}

impl RunbookSpec {
    fn compile(&self, system: &SystemId, name: &str, check: &mut Checking<'_>) -> Runbook {
        self.symptoms
            .iter()
            .enumerate()
            .for_each(|(index, symptom)| check.symptom(symptom, &format!("symptoms[{index}]")));
        check.readings(&self.panels, "panels");
        if self.steps.is_empty() {
            check.complain("steps", "the runbook has no steps", None);
        }
        for (index, alert) in self.alerts.iter().enumerate() {
            if self.alerts[..index].contains(alert) {
                check.complain(&format!("alerts[{index}]"), format!("the alert {alert} is there already"), None);
            }
        }
        let provenance = Provenance {
            from: self.from.clone(),
            documented: self.documented.clone(),
            deviates: self.deviates.clone(),
            answers: self.answers.clone(),
        };
        check.provenance(&provenance, "");
        Runbook {
            id: RunbookId::new(format!("{system}/{name}")),
            system: system.clone(),
            title: self.title.clone(),
            severity: self.severity,
            alerts: self.alerts.clone(),
            by_hand: self.by_hand.clone(),
            summary: self.summary.clone(),
            symptoms: self.symptoms.clone(),
            panels: self.panels.clone(),
            steps: super::compile(&self.steps, "steps", check),
            provenance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::Task;
    use crate::runbook::tree::{Class, StepOutcome, WayBack};

    /// A small runbook; the tests below break it in one place each.
    const SMALL: &str = r#"(
    title: "small", summary: "it is small", severity: Warning, alerts: ["Small"], from: ["sys:1-3"],
    symptoms: [(means: "a is off", expr: "a == bool 0", from: ["sys:2-2"]), (means: "people say so")],
    steps: [
        (id: "look", title: "look", kind: Check((readings: [(label: "a", expr: "a")]))),
        (id: "cause", title: "why?", kind: Branch((branches: [
            (id: "one", title: "one", when: [(means: "a is one", expr: "a == bool 1")], steps: [
                (id: "fix", title: "fix it", kind: Sequence((
                    class: Serious, expect: "better", verify_within_seconds: 60,
                    capture: [(name: "before", expr: "a")],
                    acts: [(id: "go", title: "go", does: Command(["systemctl", "restart", "{unit}"]), unit: "{unit}", timeout_seconds: 9)],
                    verify: [(means: "a has grown", expr: "a > bool {before}")],
                    way_back: None("there is none"),
                    escalation: (severity: Warning, contacts: ["team"], respond_within_minutes: 120, say: "no"),
                ))),
                (id: "good", title: "good", only_after: Verified, kind: Conclude((finding: "better"))),
            ]),
            (id: "two", title: "two", when: [(means: "a is two", expr: "a == bool 2")], steps: [
                (id: "wait", title: "wait", kind: Watch((until: [(means: "a is one", expr: "a == bool 1")], deadline_seconds: 60))),
                (id: "tell", title: "tell", kind: Escalate((to: (severity: Info, contacts: ["team"], respond_within_minutes: 9, say: "so")))),
            ]),
        ]))),
    ],
)"#;

    fn load_small(text: &str) -> Result<Runbook, Vec<Problem>> {
        load_with(&"sys".into(), "small", "small.ron", text, Some(&BTreeSet::from(["unit".to_owned()])))
    }

    #[test]
    fn a_runbook_is_compiled_into_its_tree() {
        let runbook = load_small(SMALL).unwrap_or_else(|problems| panic!("{problems:#?}"));
        assert_eq!(runbook.id.as_str(), "sys/small");
        let measured: Vec<bool> = runbook.symptoms.iter().map(|symptom| symptom.condition().is_some()).collect();
        assert_eq!(measured, [true, false]);
        let steps: Vec<_> =
            runbook.every_step().into_iter().map(|(depth, step)| (depth, step.id.as_str(), step.task.word())).collect();
        let want = [
            (0, "look", "check"),
            (0, "cause", "branch"),
            (1, "fix", "sequence"),
            (1, "good", "conclude"),
            (1, "wait", "watch"),
            (1, "tell", "escalate"),
        ];
        assert_eq!(steps, want);
        let fix = runbook.step(&"fix".into()).expect("is there");
        let Task::Commit(plan) = &fix.task else { panic!("{fix:?}") };
        assert_eq!(plan.id.as_str(), "fix");
        assert_eq!(plan.class, Class::Serious);
        assert_eq!(plan.way_back, WayBack::None("there is none".to_owned()));
        assert_eq!(runbook.step(&"good".into()).expect("is there").only_after, Some(StepOutcome::Verified));
    }

    /// Line and column of the place marked with `»` in `text`, and the text without the mark.
    fn marked(text: &str) -> (String, String) {
        let before = text.split('»').next().unwrap_or_default();
        let line = before.lines().count();
        let column = before.lines().last().unwrap_or_default().chars().count() + 1;
        (format!("{line}:{column}"), text.replacen('»', "", 1))
    }

    #[test]
    fn every_mistake_has_its_place() {
        let check = |from: &str, to: &str, want: &str| {
            assert!(SMALL.contains(from), "{from}");
            let (place, text) = marked(&SMALL.replacen(from, to, 1));
            let problems = load_small(&text).err().unwrap_or_default();
            let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let wanted = format!("small.ron:{place}: {want}");
            assert!(said.len() == 1 && said[0].starts_with(&wanted), "not {wanted}: {said:#?}");
        };
        check(r#"title: "small""#, r#"»titl: "small""#, "there is no field titl here");
        check("kind: Check", "kind: »Chek", "Chek is none of Check, Branch");
        check(r#""look""#, r#"»"Look at""#, r#""Look at" can not be an id; use lower-case"#);
        check(r#""wait""#, r#"»"fix""#, "the step fix is there already, at 8:22");
        check(r#""two""#, r#"»"one""#, "the branch one is there already");
        check(r#"expr: "a")"#, r#"expr: »"a +")"#, "not PromQL");
        check(r#""a == bool 1""#, r#"»"a == 1""#, "a condition compares with bool");
        check(r#""a == bool 0""#, r#"»"a == 0""#, "a condition compares with bool");
        check(r#""people say so""#, r#"»"""#, "a symptom does not say what is seen");
        check(r#""a == bool 1""#, r#"»"a""#, "a condition must be a comparison");
        check(r#"[(means: "a is two", expr: "a == bool 2")]"#, "»[]", "the branch two has no conditions");
        check(
            r#""a > bool {before}""#,
            r#"»"a > bool {befor}""#,
            "{befor} is not captured by this sequence, nor asked for before; did you mean before?",
        );
        check(r#""a == bool 2""#, r#"»"a == bool {before}""#, "{before} is not captured");
        check(r#"[(means: "a has grown", expr: "a > bool {before}")]"#, "»[]", "a sequence without a verification");
        check(r#"None("there is none")"#, r#"»None(" ")"#, "there is no way back, and no reason why");
        check(r#"None("there is none")"#, "»Acts([])", "the way back is empty; write None");
        check(r#"Command(["systemctl", "restart""#, r#"»Command(["sh", "-c""#, "sh would read a command");
        check(r#"Command(["systemctl""#, r#"»Command(["/bin/systemctl""#, "/bin/systemctl is a path");
        check(r#""{unit}"]"#, r#"»"{unti}"]"#, "{unti} is not a setting of the system sys");
        check(r#""{unit}"]"#, r#"»"{Unit}"]"#, r#""{Unit}" holds a brace"#);
        check("timeout_seconds: 9", "timeout_seconds: »0", "0 seconds is no time limit");
        check("only_after: Verified", "only_after: »CameTrue", "good waits for the end of a watch");
        check(r#""sys:1-3""#, r#"»"sys:3-1""#, r#""sys:3-1" names no lines"#);
        check(r#"from: ["sys:1-3"]"#, r#"answers: »["D1"]"#, "answers dangers of the document");
        check(r#"["team"], respond_within_minutes: 9"#, "»[], respond_within_minutes: 9", "an escalation names nobody");
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = SMALL
            .replace("{before}", "{b}")
            .replace("None(\"there is none\")", "None(\"\")")
            .replace("\"two\", t", "\"T\", t");
        let lines: Vec<usize> =
            load_small(&text).expect_err("three mistakes").iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [12, 13, 18]);
    }

    #[test]
    fn the_settings_are_not_checked_where_they_are_not_known() {
        let text = SMALL.replace("{unit}", "{other}");
        assert!(load(&"sys".into(), "small", "small.ron", &text).is_ok());
        assert!(load_small(&text).is_err());
    }

    #[test]
    fn a_runbook_reads_back_from_the_json_that_journals_freeze() {
        let runbook = load_small(SMALL).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let json = serde_json::to_string(&runbook).expect("runbooks have JSON");
        assert_eq!(serde_json::from_str::<Runbook>(&json).expect("as written"), runbook);
    }
}
