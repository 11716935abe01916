//! What the types of a runbook file can not say, checked element by element, each mistake with its place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::problem::nearest;
use crate::base::ron_text::Places;
use crate::base::{Problem, Provenance, StepId, SystemId, text};
use crate::promql::{Condition, Expr, ExprError};
use crate::runbook::template;
use crate::runbook::tree::{ConditionPlan, EscalationPlan, ReadingPlan, Symptom};

/// No wait, time limit or deadline of a runbook is longer than a day: a mistyped one would hold the target's lock.
const LONGEST_SECONDS: u64 = 86_400;

/// One file under examination. Elements are named by their path, as [`Places`] has it.
pub(super) struct Checking<'a> {
    system: &'a SystemId,
    file: &'a str,
    places: Places,
    /// The names of the system's settings, where they are known.
    settings: Option<&'a BTreeSet<String>>,
    steps: BTreeMap<StepId, String>,
    /// What people have been asked for, on the way to the step that is examined.
    inputs: Vec<String>,
    problems: Vec<Problem>,
}

impl<'a> Checking<'a> {
    pub(super) fn new(
        system: &'a SystemId,
        file: &'a str,
        text: &str,
        settings: Option<&'a BTreeSet<String>>,
    ) -> Checking<'a> {
        let (places, steps, problems) = (Places::of(text), BTreeMap::new(), Vec::new());
        Checking { system, file, places, settings, steps, inputs: Vec::new(), problems }
    }

    /// Every mistake, in the order of the file.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort();
        self.problems.dedup();
        self.problems
    }

    pub(super) fn complain(&mut self, at: &str, what: impl Into<String>, suggestion: Option<String>) {
        let (line, column) = self.places.at(at);
        self.problems.push(Problem::new(self.file, line, column, what).suggesting(suggestion));
    }

    /// Ids are typed by operators and become parts of file names.
    pub(super) fn id(&mut self, id: &str, at: &str) {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if id.is_empty() || !id.chars().all(plain) {
            let suggestion = Some("use lower-case letters, digits, - and _".to_owned());
            self.complain(at, format!("{:?} can not be an id", text::escaped(id)), suggestion);
        }
    }

    pub(super) fn step_id(&mut self, id: &StepId, at: &str) {
        self.id(id.as_str(), at);
        match self.steps.get(id).map(|first| self.places.at(first)) {
            Some((line, column)) => {
                let what = format!("the step {id} is there already, at {line}:{column}");
                self.complain(at, what, Some("ids of steps are unique within a runbook, branches included".to_owned()));
            }
            None => {
                self.steps.insert(id.clone(), at.to_owned());
            }
        }
    }

    pub(super) fn seconds(&mut self, seconds: u64, at: &str) -> Duration {
        if seconds == 0 || seconds > LONGEST_SECONDS {
            self.complain(at, format!("{seconds} seconds is no time limit; it is 1 to {LONGEST_SECONDS}"), None);
        }
        Duration::from_secs(seconds.min(LONGEST_SECONDS))
    }

    /// An expression, in which what was asked for before may stand.
    pub(super) fn expr(&mut self, expr: &str, at: &str) {
        self.value_names(expr, &BTreeSet::new(), at);
        if let Err(error) = Expr::parse(&template::sampled(expr)) {
            self.complain(at, error.to_string(), None);
        }
    }

    /// A name that stands for a value in the steps after this one.
    pub(super) fn declare_input(&mut self, name: &str, at: &str) {
        if !template::is_name(name) {
            let what = format!("{:?} can not be the name of a value", text::escaped(name));
            let suggestion = Some("use lower-case letters, digits and underscores".to_owned());
            self.complain(at, what, suggestion);
        }
        if self.settings.is_some_and(|settings| settings.contains(name)) {
            self.complain(at, format!("{name} is a setting of the system {}", self.system), None);
        }
        if self.inputs.iter().any(|known| known == name) {
            self.complain(at, format!("{name} is asked for already"), None);
        }
        self.inputs.push(name.to_owned());
    }

    /// How many values have been asked for so far.
    pub(super) fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Forgets all but the first of them.
    pub(super) fn forget_inputs(&mut self, known: usize) {
        self.inputs.truncate(known);
    }

    /// Names in an expression, where each must have been captured or asked for.
    fn value_names(&mut self, expr: &str, captured: &BTreeSet<&str>, at: &str) {
        for name in template::names(expr) {
            if captured.contains(name) || self.inputs.iter().any(|known| known == name) {
                continue;
            }
            let known = captured.iter().copied().chain(self.inputs.iter().map(String::as_str));
            let suggestion = nearest(name, known).map(|meant| format!("did you mean {meant}?"));
            self.complain(at, format!("{{{name}}} is not captured by this sequence, nor asked for before"), suggestion);
        }
    }

    pub(super) fn readings(&mut self, readings: &[ReadingPlan], at: &str) {
        for (index, reading) in readings.iter().enumerate() {
            self.expr(&reading.expr, &format!("{at}[{index}].expr"));
        }
    }

    pub(super) fn conditions(&mut self, conditions: &[ConditionPlan], at: &str) {
        self.verifications(conditions, &BTreeSet::new(), at);
    }

    /// Conditions in which `{name}` may stand for one of these captured values.
    pub(super) fn verifications(&mut self, conditions: &[ConditionPlan], captured: &BTreeSet<&str>, at: &str) {
        for (index, condition) in conditions.iter().enumerate() {
            let at = format!("{at}[{index}]");
            if condition.means.trim().is_empty() {
                self.complain(&format!("{at}.means"), "a condition does not say what it means", None);
            }
            let at = format!("{at}.expr");
            self.value_names(&condition.expr, captured, &at);
            if let Err(error) = parse_condition(&condition.expr) {
                self.complain(&at, error.to_string(), None);
            }
        }
    }

    /// `{name}` in a unit, where it must be a setting of the system.
    pub(super) fn setting_names(&mut self, text: &str, at: &str) {
        self.act_names(text, &BTreeSet::new(), at);
    }

    /// `{name}` in an act, where it must be a setting of the system, a value that the sequence captures, or the stamp
    /// of the run.
    pub(super) fn act_names(&mut self, text: &str, captured: &BTreeSet<&str>, at: &str) {
        for name in template::names_in_text(text) {
            let Some(known) = self.settings else { continue };
            let given = captured.contains(name) || name == template::STAMP;
            if !known.contains(name) && !given && self.inputs.iter().all(|input| input != name) {
                let all = known.iter().chain(&self.inputs).map(String::as_str);
                let suggestion = nearest(name, all).map(|meant| format!("did you mean {meant}?"));
                self.complain(at, format!("{{{name}}} is not a setting of the system {}", self.system), suggestion);
            }
        }
        let rest = template::fill_text(text, |_| Ok::<_, std::convert::Infallible>(String::new())).unwrap_or_default();
        if rest.contains(['{', '}']) {
            let suggestion = Some("a setting is written {name}, in lower case".to_owned());
            self.complain(
                at,
                format!("{:?} holds a brace that belongs to no setting", text::escaped(text)),
                suggestion,
            );
        }
    }

    pub(super) fn symptom(&mut self, symptom: &Symptom, at: &str) {
        if symptom.means.trim().is_empty() {
            self.complain(&format!("{at}.means"), "a symptom does not say what is seen", None);
        }
        if let Some(condition) = symptom.condition() {
            let at = format!("{at}.expr");
            self.value_names(&condition.expr, &BTreeSet::new(), &at);
            if let Err(error) = parse_condition(&condition.expr) {
                self.complain(&at, error.to_string(), None);
            }
        }
        self.provenance(&Provenance { from: symptom.from.clone(), ..Provenance::default() }, at);
    }

    pub(super) fn escalation(&mut self, plan: &EscalationPlan, at: &str) {
        if plan.contacts.is_empty() {
            self.complain(&format!("{at}.contacts"), "an escalation names nobody", None);
        }
    }

    /// Lines of the document are given as `system:12` or `system:12-15`, and what differs has a reason.
    pub(super) fn provenance(&mut self, provenance: &Provenance, at: &str) {
        let dot = if at.is_empty() { "" } else { "." };
        for (index, from) in provenance.from.iter().enumerate() {
            let lines = from.strip_prefix(self.system.as_str()).and_then(|rest| rest.strip_prefix(':'));
            let (first, last) = lines.map_or(("", ""), |lines| lines.split_once('-').unwrap_or((lines, lines)));
            let ordered = matches!((first.parse::<u32>(), last.parse::<u32>()), (Ok(a), Ok(b)) if a <= b && a > 0);
            if !ordered {
                let suggestion = Some(format!("write them as {}:12-15", self.system));
                let what = format!("{:?} names no lines of the system's document", text::escaped(from));
                self.complain(&format!("{at}{dot}from[{index}]"), what, suggestion);
            }
        }
        if !provenance.answers.is_empty() && provenance.deviates.is_none() {
            let what = "answers dangers of the document, and does not say how it deviates";
            self.complain(&format!("{at}{dot}answers"), what, None);
        }
    }
}

/// A condition whose `{name}`s will be numbers.
///
/// # Errors
/// As [`Condition::parse`].
fn parse_condition(expr: &str) -> Result<Condition, ExprError> {
    Condition::parse(&template::sampled(expr))
}
