//! What is wrong with runbooks that load: paths that end nowhere, branches that can not be reached, alerts that nobody
//! serves, verifications that prove nothing.
//!
//! Loading refuses what can not run; this finds what runs and misleads. It looks at compiled runbooks, so those that
//! are frozen in journals can be judged by the same rules.
//!
//! To add a rule: the file of [`lint`](self) it belongs to, and its line in that file's table of tests.

mod exprs;
mod paths;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::tree::{Runbook, Step, StepOutcome};
use crate::base::problem::nearest;
use crate::base::{RunbookId, Severity, StepId};

/// What the runbooks are held against.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The system's alerts, each with the runbook that its annotation names, by file name.
    pub alerts: &'a [(String, Option<String>)],
    /// Every series that the system's sources give; `None` where a source gives what it does not declare.
    pub series: Option<&'a BTreeSet<String>>,
    /// The names of the system's settings.
    pub settings: &'a BTreeSet<String>,
    /// The names of the system's secrets.
    pub secrets: &'a BTreeSet<String>,
}

/// Something to put right. Critical: it would fail or mislead in an incident. Warning: it probably would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub severity: Severity,
    pub runbook: Option<RunbookId>,
    pub step: Option<StepId>,
    pub what: String,
    pub fix: String,
}

/// Everything found, worst first, then by runbook.
#[must_use]
pub fn lint(runbooks: &[Arc<Runbook>], known: &Known<'_>) -> Vec<Finding> {
    let mut findings = Findings::default();
    alerts(runbooks, known, &mut findings);
    for runbook in runbooks {
        findings.runbook = Some(runbook.id.clone());
        served(runbook, known, &mut findings);
        paths::examine(runbook, &mut findings);
        exprs::examine(runbook, known, &mut findings);
    }
    let mut found = findings.found;
    found.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.runbook.cmp(&b.runbook)));
    found
}

/// Findings, and the runbook they are about while it is examined.
#[derive(Debug, Default)]
struct Findings {
    runbook: Option<RunbookId>,
    found: Vec<Finding>,
}

impl Findings {
    fn add(&mut self, severity: Severity, step: Option<&Step>, what: impl Into<String>, fix: impl Into<String>) {
        let (runbook, step) = (self.runbook.clone(), step.map(|step| step.id.clone()));
        self.found.push(Finding { severity, runbook, step, what: what.into(), fix: fix.into() });
    }
}

/// Alerts without a runbook, with several, or with one that does not know them.
fn alerts(runbooks: &[Arc<Runbook>], known: &Known<'_>, findings: &mut Findings) {
    for (alert, named) in known.alerts {
        let serving: Vec<&str> = runbooks
            .iter()
            .filter(|runbook| runbook.alerts.contains(alert))
            .map(|runbook| file_name(runbook))
            .collect();
        match (named.as_deref(), serving.as_slice()) {
            (None, []) => {
                let fix = "list it under alerts in the runbook that serves it, or write one";
                findings.add(Severity::Warning, None, format!("the alert {alert} has no runbook"), fix);
            }
            (Some(named), serving) if !runbooks.iter().any(|runbook| file_name(runbook) == named) => {
                let meant = nearest(named, runbooks.iter().map(|runbook| file_name(runbook)));
                let fix = match (meant, serving) {
                    (Some(meant), _) => format!("did you mean {meant}?"),
                    (None, [serving, ..]) => format!("name {serving}, which lists the alert"),
                    (None, []) => "write it, or take the annotation away".to_owned(),
                };
                let what = format!("the alert {alert} names the runbook {named}, which does not exist");
                findings.add(Severity::Critical, None, what, fix);
            }
            (Some(named), serving) if !serving.contains(&named) => {
                let what = format!("the alert {alert} names the runbook {named}, which does not list it");
                findings.add(Severity::Critical, None, what, format!("add {alert} to the alerts of {named}"));
            }
            (_, [first, second, ..]) => {
                let what = format!("the alert {alert} is listed by several runbooks: {first}, {second}");
                findings.add(Severity::Warning, None, what, "leave it to one of them");
            }
            (_, [_]) | (Some(_), []) => {}
        }
    }
}

/// Alerts of a runbook that are none.
fn served(runbook: &Runbook, known: &Known<'_>, findings: &mut Findings) {
    if runbook.alerts.is_empty() && runbook.by_hand.as_ref().is_none_or(|when| when.trim().is_empty()) {
        let fix = "list the alert that should lead to it, or say in by_hand when people open it";
        findings.add(Severity::Info, None, "no alert opens it; it is only found by hand", fix);
    }
    for alert in &runbook.alerts {
        if !known.alerts.iter().any(|(name, _)| name == alert) {
            let meant = nearest(alert, known.alerts.iter().map(|(name, _)| name.as_str()));
            let fix = match meant {
                Some(meant) => format!("did you mean {meant}?"),
                None => "add the alert to alerts.yml, or take it out of the runbook".to_owned(),
            };
            findings.add(Severity::Critical, None, format!("the alert {alert} does not exist"), fix);
        }
    }
}

/// The name of the runbook's file, without the system and `.ron`.
fn file_name(runbook: &Runbook) -> &str {
    runbook.id.as_str().rsplit('/').next().unwrap_or_default()
}

/// The steps that run where sequences, watches and manual steps end so.
fn running(steps: &[Step], outcomes: [StepOutcome; 3]) -> Vec<&Step> {
    steps.iter().filter(|step| step.only_after.is_none_or(|wanted| outcomes.contains(&wanted))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::fixture;

    pub(super) fn known<'a>(
        alerts: &'a [(String, Option<String>)],
        series: &'a BTreeSet<String>,
        settings: &'a BTreeSet<String>,
    ) -> Known<'a> {
        // One set serves as both: what a fixture may write between braces, it may also name as a secret.
        Known { alerts, series: Some(series), settings, secrets: settings }
    }

    pub(super) fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    /// Findings about the fixture after `change`, held against what it needs.
    pub(super) fn found(change: impl FnOnce(&mut Runbook)) -> Vec<Finding> {
        let mut runbook = fixture::runbook();
        change(&mut runbook);
        let alerts = [("Stale".to_owned(), Some("stale".to_owned()))];
        let (series, settings) = (names(&["age_seconds", "rate", "busy", "height"]), names(&["unit"]));
        lint(&[Arc::new(runbook)], &known(&alerts, &series, &settings))
    }

    /// The change leads to exactly this finding.
    #[track_caller]
    pub(super) fn check(want: (Severity, Option<&str>, &str), change: impl FnOnce(&mut Runbook)) {
        let found = found(change);
        let [finding] = found.as_slice() else { panic!("not one finding {want:?}: {found:#?}") };
        assert_eq!((finding.severity, finding.step.as_ref().map(StepId::as_str)), (want.0, want.1), "{finding:?}");
        assert!(finding.what.contains(want.2), "not {:?}: {finding:?}", want.2);
        assert!(!finding.fix.is_empty());
    }

    #[test]
    fn a_good_runbook_has_no_findings() {
        assert_eq!(found(|_| ()), []);
    }

    #[test]
    fn alerts_and_runbooks_know_each_other() {
        let check = |alerts: &[(&str, Option<&str>)], books: &[(&str, &[&str])], want: &[&str]| {
            let alerts: Vec<_> =
                alerts.iter().map(|(name, book)| ((*name).to_owned(), book.map(str::to_owned))).collect();
            let books: Vec<Arc<Runbook>> = books
                .iter()
                .map(|(name, alerts)| {
                    let alerts = alerts.iter().map(|alert| (*alert).to_owned()).collect();
                    Arc::new(Runbook { id: format!("sys/{name}").as_str().into(), alerts, ..fixture::runbook() })
                })
                .collect();
            let (none, settings) = (BTreeSet::new(), names(&["unit"]));
            let found = lint(&books, &Known { series: None, ..known(&alerts, &none, &settings) });
            let what: Vec<&str> = found.iter().map(|finding| finding.what.as_str()).collect();
            assert!(
                what.len() == want.len() && what.iter().zip(want).all(|(what, want)| what.contains(want)),
                "{what:?}"
            );
        };
        check(&[("A", None)], &[("a", &["A"])], &[]);
        check(&[("A", Some("a"))], &[("a", &["A"])], &[]);
        check(&[("A", None)], &[], &["the alert A has no runbook"]);
        check(&[("A", Some("b"))], &[("a", &["A"])], &["names the runbook b, which does not exist"]);
        check(&[("A", Some("b"))], &[("a", &["A"]), ("b", &[])], &["b, which does not list it", "no alert opens it"]);
        check(&[("A", None)], &[("a", &["A"]), ("b", &["A"])], &["several runbooks: a, b"]);
        check(&[("A", None)], &[("a", &["A", "B"])], &["the alert B does not exist"]);
    }
}
