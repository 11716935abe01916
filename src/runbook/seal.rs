//! Sealing: a confirmed sequence with nothing left open, and its hash.
//!
//! What the dialog showed, what the intent names and what the runner recomputes is one value with one digest.
//!
//! ```text
//! SequencePlan ──resolve_templates(settings)──► SequencePlan ──(the shell prepares)──► Prepared ──seal──► SealedSequence
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::request::segment_objection;
use super::template;
use super::tree::{Act, ActPlan, Class, ConditionPlan, EscalationPlan, SequencePlan, Step, WayBack};
use crate::base::{ActId, Digest, SecretRef, SequenceId, SystemId, TargetId, Wall, text};
use crate::model::{Exec, FileOrder};
use crate::sources::BoundSource;

/// Longest value that is shown in the reason why it is refused.
const SHOWN_COLUMNS: usize = 120;

/// Everything the runner needs, and nothing it could choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedSequence {
    pub id: SequenceId,
    pub title: String,
    pub class: Class,
    pub place: Place,
    pub acts: Vec<SealedAct>,
    pub settle: Duration,
    /// Captured values are already written into the expressions.
    pub verify: Vec<ConditionPlan>,
    pub verify_within: Duration,
    /// The reads that verification needs.
    pub reads: Vec<BoundSource>,
    /// Empty where there is no way back; then `no_way_back` says why.
    pub way_back: Vec<SealedAct>,
    pub no_way_back: Option<String>,
    pub escalation: EscalationPlan,
    /// By what right a destructive sequence runs; none for the others. Left out of the digest where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// By what right something destructive is done. A name that somebody types is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Approval {
    /// One operator alone, who answers for it with an incident and a reason.
    BreakGlass { incident: String, reason: String },
}

/// Where a sequence acts, and as whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub target: TargetId,
    pub system: SystemId,
    pub environment: Environment,
    pub host: Host,
    pub privilege: Privilege,
    /// Set for a demo target: the only folder whose executables may run, without any elevation.
    pub demo_folder: Option<String>,
    /// Keyed by host and unit, never by display name: `local/unit/volchain-backend`.
    pub lock_key: String,
    /// The listening address that must belong to the unit, such as `127.0.0.1:3001`.
    pub listens_on: String,
    pub unit: String,
    /// Where its endpoint answers, and so where requests go: `http://127.0.0.1:3001`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_url: String,
    /// Where its secrets are kept, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretRef>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedAct {
    pub id: ActId,
    pub title: String,
    pub exec: Exec,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Environment {
    Demo,
    Development,
    Staging,
    Production,
    /// Nobody has said: what answers on a machine that nothing is configured on. It may well be production, so it is
    /// shown as none of the others and is never acted on. A configuration can not say it.
    NotConfigured,
}

/// Where a target's commands run. Without one, commands are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host {
    Local,
    /// An alias of the operator's SSH configuration. Refused until it is built.
    Ssh(String),
}

/// As whom commands run. Nothing ever prompts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Privilege {
    None,
    SudoNonInteractive(String),
    Polkit,
}

impl Environment {
    pub const ALL: [Environment; 5] = [
        Environment::Demo,
        Environment::Development,
        Environment::Staging,
        Environment::Production,
        Environment::NotConfigured,
    ];

    /// As shown in the header and typed in confirmations.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Environment::Demo => "demo",
            Environment::Development => "dev",
            Environment::Staging => "staging",
            Environment::Production => "prod",
            Environment::NotConfigured => "not-configured",
        }
    }
}

impl SealedSequence {
    /// The digest that the dialog shows and the runner recomputes.
    ///
    /// # Errors
    /// Never for sequences made by sealing: all of a sequence's parts have JSON forms.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of_json(self)
    }

    /// Why it may not be carried out as it was approved, if that is so. The dialog, the journal and the runner ask.
    ///
    /// # Errors
    /// It is destructive, and carries no approval or an empty one.
    pub fn approved(&self) -> Result<(), &'static str> {
        match (self.class, &self.approval) {
            (Class::Routine | Class::Serious, _) => Ok(()),
            (Class::Destructive, None) => Err("it is destructive, and carries no approval"),
            (Class::Destructive, Some(Approval::BreakGlass { incident, reason })) => {
                match incident.trim().is_empty() || reason.trim().is_empty() {
                    true => Err("it is destructive, and its approval names no incident or no reason"),
                    false => Ok(()),
                }
            }
        }
    }

    /// What the operator must type to confirm: the target's name, `prod/` before it for production.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self.place.environment {
            Environment::Production => format!("prod/{}", self.place.target),
            Environment::Demo | Environment::Development | Environment::Staging | Environment::NotConfigured => {
                self.place.target.to_string()
            }
        }
    }
}

/// What the shell and the store gave for a sequence that is about to be confirmed.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<'a> {
    /// The acts with resolved argv, in the plan's order.
    pub acts: &'a [Exec],
    /// Those of the way back.
    pub way_back: &'a [Exec],
    /// Whether it was proven that the acts meet the node that is shown.
    pub host_proven: bool,
    /// The plan's captures, measured now. Only fresh values belong here.
    pub captured: &'a BTreeMap<String, f64>,
    /// The reads that verification needs; see [`needed_reads`].
    pub reads: &'a [BoundSource],
    /// Needed where the plan is destructive.
    pub approval: Option<&'a Approval>,
}

/// Why a sequence can not be sealed. Nothing was confirmed and nothing ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("{{{name}}} in {what} is not a setting of the target")]
    NoSetting { name: String, what: String },
    #[error("{name} is \"{value}\", which {why}; it can not stand in {what}")]
    BadSetting { name: String, value: String, why: &'static str, what: String },
    #[error("{name} was not measured, and the verification {expr} compares with it")]
    NotCaptured { name: String, expr: String },
    #[error("{name} was measured as {value}, and the verification {expr} compares with it")]
    NotFinite { name: String, value: String, expr: String },
    #[error("{sequence} has {planned} acts{part}, and {prepared} were prepared")]
    ActCount { sequence: SequenceId, part: &'static str, planned: usize, prepared: usize },
    #[error("what was prepared for {act} is not what the runbook says: {shown}")]
    NotThePlan { act: ActId, shown: String },
    #[error("{sequence} has no verification")]
    NoVerification { sequence: SequenceId },
    #[error("the verification reads {name}, which no source of the target gives")]
    NoSource { name: String },
    #[error("{sequence} has no reads to verify it with")]
    NoReads { sequence: SequenceId },
    #[error("{sequence} is destructive, and nobody broke the glass for it: an incident and a reason are needed")]
    NoApproval { sequence: SequenceId },
    #[error("there is nothing to do: {expr} gives no value for {name} now")]
    EmptyList { name: String, expr: String },
    #[error("{found} values of {name} were found, and at most {at_most} are done at once")]
    LongList { name: String, at_most: u32, found: usize },
}

/// Writes the target's settings, as text, into every argv and unit of the plan.
///
/// # Errors
/// A name that is no setting; a value that is empty, begins with `-`, looks like a blank to fill in, has white space
/// at its ends, or holds characters that do not show.
pub fn resolve_templates(plan: &SequencePlan, settings: &BTreeMap<String, String>) -> Result<SequencePlan, SealError> {
    resolve_but(plan, settings, &BTreeSet::new())
}

/// As [`resolve_templates`], but leaves the names in `open` as they stand: what a person has not answered yet, and the
/// values of a list that has not been measured. A plan that has such names can be shown, and can not be sealed.
///
/// # Errors
/// As [`resolve_templates`].
pub fn resolve_but(
    plan: &SequencePlan,
    settings: &BTreeMap<String, String>,
    open: &BTreeSet<String>,
) -> Result<SequencePlan, SealError> {
    let mut plan = plan.clone();
    plan.acts.iter_mut().try_for_each(|act| resolve_act(act, settings, open))?;
    match &mut plan.way_back {
        WayBack::None(_) => {}
        WayBack::Acts(acts) => acts.iter_mut().try_for_each(|act| resolve_act(act, settings, open))?,
    }
    Ok(plan)
}

/// The same before anything was measured, to be looked at: captured values, and the stamp of a run that is not open
/// yet, stand as words, and `open` names as they are.
///
/// # Errors
/// As [`resolve_templates`].
pub fn previewed(
    plan: &SequencePlan,
    settings: &BTreeMap<String, String>,
    opened: Option<Wall>,
    open: &BTreeSet<String>,
) -> Result<SequencePlan, SealError> {
    let mut known = settings.clone();
    for (name, _) in &plan.capture {
        known.entry(name.clone()).or_insert_with(|| "(measured when it is confirmed)".to_owned());
    }
    known.insert(template::STAMP.to_owned(), opened.map_or_else(|| "YYYYMMDD_HHMMSS".to_owned(), Wall::stamp));
    resolve_but(plan, &known, open)
}

/// The plan with its acts once for every one of these values, so that every act is seen before it is confirmed. A plan
/// without a list is left as it is.
///
/// # Errors
/// The list is empty, longer than the plan allows, or holds a value that can not stand in an act.
pub fn expand(plan: &SequencePlan, values: &[String]) -> Result<SequencePlan, SealError> {
    let Some(list) = &plan.for_each else { return Ok(plan.clone()) };
    let name = || list.name.clone();
    if values.is_empty() {
        return Err(SealError::EmptyList { name: name(), expr: list.expr.clone() });
    }
    if values.len() > list.at_most as usize {
        return Err(SealError::LongList { name: name(), at_most: list.at_most, found: values.len() });
    }
    let mut every_act = plan.acts.iter().chain(plan.way_back.acts());
    let in_a_path = every_act.any(|act| act.act.names_in_path().contains(&list.name.as_str()));
    for value in values {
        if let Some(why) = objection(value).or_else(|| segment_objection(value).filter(|_| in_a_path)) {
            return Err(bad_setting(&list.name, value, why, &format!("the acts of {}", plan.id)));
        }
    }
    let mut expanded = SequencePlan { for_each: None, ..plan.clone() };
    expanded.acts = repeated(&plan.acts, &list.name, values.iter());
    if let WayBack::Acts(acts) = &plan.way_back {
        // What was done last is taken back first.
        expanded.way_back = WayBack::Acts(repeated(acts, &list.name, values.iter().rev()));
    }
    Ok(expanded)
}

/// The acts once for every value. Ids are numbered, so that each act has its own record and its own output.
fn repeated<'a>(acts: &[ActPlan], name: &str, values: impl Iterator<Item = &'a String>) -> Vec<ActPlan> {
    let each = values.enumerate().flat_map(|(index, value)| {
        let mut acts = acts.to_vec();
        for act in &mut acts {
            act.id = ActId::new(format!("{}-{}", act.id, index + 1));
            if !act.title.contains(&format!("{{{name}}}")) {
                act.title = format!("{}: {value}", act.title);
            }
        }
        super::input::fill_acts(&mut acts, name, value);
        acts
    });
    each.collect()
}

fn resolve_act(
    act: &mut ActPlan,
    settings: &BTreeMap<String, String>,
    open: &BTreeSet<String>,
) -> Result<(), SealError> {
    let what = format!("the act {}", act.id);
    for name in act.act.names_in_path().into_iter().filter(|name| !open.contains(*name)) {
        let value = settings.get(name).map_or("", String::as_str);
        if let Some(why) = segment_objection(value) {
            return Err(bad_setting(name, value, why, &what));
        }
    }
    for part in act.act.texts_mut().chain([&mut act.unit]) {
        *part = template::fill_text(part, |name| match open.contains(name) {
            true => Ok(format!("{{{name}}}")),
            false => setting(settings, name, &what),
        })?;
    }
    Ok(())
}

/// A setting as it is written into an act.
fn setting(settings: &BTreeMap<String, String>, name: &str, what: &str) -> Result<String, SealError> {
    let missing = || SealError::NoSetting { name: name.to_owned(), what: what.to_owned() };
    let value = settings.get(name).ok_or_else(missing)?;
    objection(value).map_or_else(|| Ok(value.clone()), |why| Err(bad_setting(name, value, why, what)))
}

fn bad_setting(name: &str, value: &str, why: &'static str, what: &str) -> SealError {
    // What a chain gives may be long, and this is for a line of the journal.
    let value = text::fitted(&text::escaped(value), SHOWN_COLUMNS).into_owned();
    SealError::BadSetting { name: name.to_owned(), value, why, what: what.to_owned() }
}

/// A command that a person may run, with the target's settings written in.
///
/// # Errors
/// As [`resolve_templates`].
pub fn resolve_argv(argv: &[String], settings: &BTreeMap<String, String>) -> Result<Vec<String>, SealError> {
    let filled = |part: &String| template::fill_text(part, |name| setting(settings, name, "the command to copy"));
    argv.iter().map(filled).collect()
}

/// Why a value may not become a part of an argv.
pub(super) fn objection(value: &str) -> Option<&'static str> {
    let looks_blank = value.contains('<') && value.contains('>');
    match value {
        "" => Some("is empty"),
        _ if value.chars().any(text::is_hostile) => Some("holds characters that do not show"),
        _ if value.trim() != value => Some("has white space at its ends"),
        _ if value.starts_with('-') => Some("would be read as an option"),
        _ if looks_blank => Some("looks like a blank that was not filled in"),
        _ if value.contains(['{', '}']) => Some("holds a brace"),
        _ if value.split('/').any(|part| part == "..") => Some("holds .., which leads out of a folder"),
        _ => None,
    }
}

/// The names of the series that these verifications read.
///
/// # Errors
/// An expression that is no condition; loaded runbooks have none.
pub fn verify_names(verify: &[ConditionPlan]) -> Result<BTreeSet<Arc<str>>, crate::promql::ExprError> {
    let mut names = BTreeSet::new();
    for condition in verify {
        names.extend(
            crate::promql::Condition::parse(&template::sampled(&condition.expr))?.expr().names().iter().cloned(),
        );
    }
    Ok(names)
}

/// The sources that give any of these series. `up` is given by the sources that decide it; of every other name
/// `gives` says whether the source gives it, and says yes where a source does not declare what it gives.
///
/// # Errors
/// A series that no source gives: such a verification could never come true.
pub fn needed_reads(
    names: &BTreeSet<Arc<str>>,
    sources: &[BoundSource],
    gives: impl Fn(&BoundSource, &str) -> bool,
) -> Result<Vec<BoundSource>, SealError> {
    let given = |source: &BoundSource, name: &str| {
        if name == "up" { source.spec.decides_up } else { gives(source, name) }
    };
    if let Some(name) = names.iter().find(|name| !sources.iter().any(|source| given(source, name))) {
        return Err(SealError::NoSource { name: name.to_string() });
    }
    let needed = sources.iter().filter(|source| names.iter().any(|name| given(source, name)));
    Ok(needed.cloned().collect())
}

/// Seals a plan whose templates are resolved.
///
/// # Errors
/// Something is open, or is not what the plan says.
pub fn seal(
    plan: &SequencePlan,
    step: &Step,
    place: &Place,
    prepared: &Prepared<'_>,
) -> Result<SealedSequence, SealError> {
    let sequence = || plan.id.clone();
    if plan.verify.is_empty() {
        return Err(SealError::NoVerification { sequence: sequence() });
    }
    if let Some(list) = &plan.for_each {
        // Only what was measured, value by value, is confirmed.
        return Err(SealError::EmptyList { name: list.name.clone(), expr: list.expr.clone() });
    }
    if prepared.reads.is_empty() {
        return Err(SealError::NoReads { sequence: sequence() });
    }
    if plan.class == Class::Destructive && prepared.approval.is_none() {
        return Err(SealError::NoApproval { sequence: sequence() });
    }
    let verify = plan
        .verify
        .iter()
        .map(|condition| filled(condition, prepared.captured))
        .collect::<Result<Vec<ConditionPlan>, SealError>>()?;
    let no_way_back = match &plan.way_back {
        WayBack::None(why) => Some(why.clone()),
        WayBack::Acts(_) => None,
    };
    Ok(SealedSequence {
        id: sequence(),
        title: step.title.clone(),
        class: if prepared.host_proven { plan.class } else { plan.class.max(Class::Serious) },
        place: place.clone(),
        acts: seal_acts(plan, place, &plan.acts, prepared.acts, "")?,
        settle: plan.settle,
        verify,
        verify_within: plan.verify_within,
        reads: prepared.reads.to_vec(),
        way_back: seal_acts(plan, place, plan.way_back.acts(), prepared.way_back, " on its way back")?,
        no_way_back,
        escalation: plan.escalation.clone(),
        approval: prepared.approval.filter(|_| plan.class == Class::Destructive).cloned(),
    })
}

/// A verification with the captured values written in.
///
/// # Errors
/// One of them was not measured.
pub fn filled(condition: &ConditionPlan, captured: &BTreeMap<String, f64>) -> Result<ConditionPlan, SealError> {
    let expr = template::fill(&condition.expr, |name| {
        let (name, expr) = (name.to_owned(), condition.expr.clone());
        match captured.get(&name) {
            None => Err(SealError::NotCaptured { name, expr }),
            Some(value) => {
                template::number(*value).ok_or(SealError::NotFinite { name, value: value.to_string(), expr })
            }
        }
    })?;
    Ok(ConditionPlan { means: condition.means.clone(), expr })
}

fn seal_acts(
    plan: &SequencePlan,
    place: &Place,
    planned: &[ActPlan],
    prepared: &[Exec],
    part: &'static str,
) -> Result<Vec<SealedAct>, SealError> {
    if planned.len() != prepared.len() {
        let (sequence, planned, prepared) = (plan.id.clone(), planned.len(), prepared.len());
        return Err(SealError::ActCount { sequence, part, planned, prepared });
    }
    planned
        .iter()
        .zip(prepared)
        .map(|(act, exec)| match carries_out(exec, act, place) {
            true => Ok(SealedAct { id: act.id.clone(), title: act.title.clone(), exec: exec.clone() }),
            false => Err(SealError::NotThePlan { act: act.id.clone(), shown: exec.to_string() }),
        })
        .collect()
}

/// Whether a sealed sequence is still what this plan would be sealed to, act by act.
#[must_use]
pub fn same_acts(plan: &SequencePlan, sealed: &SealedSequence) -> bool {
    let place = &sealed.place;
    let same = |planned: &[ActPlan], sealed: &[SealedAct]| {
        let alike =
            |(act, sealed): (&ActPlan, &SealedAct)| act.id == sealed.id && carries_out(&sealed.exec, act, place);
        planned.len() == sealed.len() && planned.iter().zip(sealed).all(alike)
    };
    same(&plan.acts, &sealed.acts) && same(plan.way_back.acts(), &sealed.way_back)
}

/// The settings with the stamp of a run among them; see [`template::STAMP`].
#[must_use]
pub fn stamped(mut settings: BTreeMap<String, String>, opened: Wall) -> BTreeMap<String, String> {
    settings.insert(template::STAMP.to_owned(), opened.stamp());
    settings
}

/// Whether a resolved command ends with the planned program, by an absolute path, and exactly its arguments. What
/// stands before it, such as `sudo -n --`, is the privilege, and is reviewed with the rest. A request is the one that
/// the plan makes at this place, and no other.
fn carries_out(exec: &Exec, act: &ActPlan, place: &Place) -> bool {
    let (argv, planned) = match (exec, &act.act) {
        (Exec::Command { argv, .. }, Act::Command(planned)) => (argv, planned),
        (Exec::Wait { time }, Act::Wait(planned)) => return time == planned,
        (Exec::Command { argv, .. }, Act::File(planned)) => {
            let order =
                FileOrder::in_argv(argv).filter(|(at, _)| argv[*at].starts_with('/') && argv[0].starts_with('/'));
            return order.is_some_and(|(_, order)| planned.is_settled_as(&order.act));
        }
        (Exec::Request { .. }, Act::Request(planned)) => {
            return planned.at(&place.base_url, &place.secrets, act.timeout).as_ref() == Ok(exec);
        }
        (Exec::Command { .. }, Act::Wait(_) | Act::Request(_))
        | (Exec::Wait { .. }, Act::Command(_) | Act::File(_) | Act::Request(_))
        | (Exec::Request { .. }, Act::Command(_) | Act::File(_) | Act::Wait(_)) => return false,
    };
    let Some((program, arguments)) = planned.split_first() else { return false };
    let Some(at) = argv.len().checked_sub(planned.len()) else { return false };
    let absolute = |path: &str| path.starts_with('/');
    let named = |path: &str| path.rsplit('/').next() == Some(program);
    absolute(&argv[0]) && absolute(&argv[at]) && named(&argv[at]) && argv[at + 1..] == *arguments
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
