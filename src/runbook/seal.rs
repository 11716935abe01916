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

use super::template;
use super::tree::{Act, ActPlan, Class, ConditionPlan, EscalationPlan, SequencePlan, Step, WayBack};
use crate::base::{ActId, Digest, SequenceId, SystemId, TargetId, Wall, text};
use crate::model::{Exec, FileOrder};
use crate::sources::BoundSource;

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
}

/// Why a sequence can not be sealed. Nothing was confirmed and nothing ran.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("{{{name}}} in {what} is not a setting of the target")]
    NoSetting { name: String, what: String },
    #[error("the setting {name} is {value:?}, which {why}; it can not stand in {what}")]
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
}

/// Writes the target's settings, as text, into every argv and unit of the plan.
///
/// # Errors
/// A name that is no setting; a value that is empty, begins with `-`, looks like a blank to fill in, has white space
/// at its ends, or holds characters that do not show.
pub fn resolve_templates(plan: &SequencePlan, settings: &BTreeMap<String, String>) -> Result<SequencePlan, SealError> {
    let mut plan = plan.clone();
    plan.acts.iter_mut().try_for_each(|act| resolve_act(act, settings))?;
    match &mut plan.way_back {
        WayBack::None(_) => {}
        WayBack::Acts(acts) => acts.iter_mut().try_for_each(|act| resolve_act(act, settings))?,
    }
    Ok(plan)
}

/// The same before anything was measured, to be looked at: captured values, and the stamp of a run that is not open
/// yet, stand as words.
///
/// # Errors
/// As [`resolve_templates`].
pub fn previewed(
    plan: &SequencePlan,
    settings: &BTreeMap<String, String>,
    opened: Option<Wall>,
) -> Result<SequencePlan, SealError> {
    let mut known = settings.clone();
    for (name, _) in &plan.capture {
        known.entry(name.clone()).or_insert_with(|| "(measured when it is confirmed)".to_owned());
    }
    known.insert(template::STAMP.to_owned(), opened.map_or_else(|| "YYYYMMDD_HHMMSS".to_owned(), Wall::stamp));
    resolve_templates(plan, &known)
}

fn resolve_act(act: &mut ActPlan, settings: &BTreeMap<String, String>) -> Result<(), SealError> {
    let what = format!("the act {}", act.id);
    for part in act.act.texts_mut().chain([&mut act.unit]) {
        *part = template::fill(part, |name| {
            let value =
                settings.get(name).ok_or_else(|| SealError::NoSetting { name: name.to_owned(), what: what.clone() })?;
            match objection(value) {
                None => Ok(value.clone()),
                Some(why) => {
                    let (name, value) = (name.to_owned(), text::escaped(value).into_owned());
                    Err(SealError::BadSetting { name, value, why, what: what.clone() })
                }
            }
        })?;
    }
    Ok(())
}

/// Why a value may not become a part of an argv.
fn objection(value: &str) -> Option<&'static str> {
    let looks_blank = value.contains('<') && value.contains('>');
    match value {
        "" => Some("is empty"),
        _ if value.chars().any(text::is_hostile) => Some("holds characters that do not show"),
        _ if value.trim() != value => Some("has white space at its ends"),
        _ if value.starts_with('-') => Some("would be read as an option"),
        _ if looks_blank => Some("looks like a blank that was not filled in"),
        _ if value.contains(['{', '}']) => Some("holds a brace"),
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
    if prepared.reads.is_empty() {
        return Err(SealError::NoReads { sequence: sequence() });
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
        acts: seal_acts(plan, &plan.acts, prepared.acts, "")?,
        settle: plan.settle,
        verify,
        verify_within: plan.verify_within,
        reads: prepared.reads.to_vec(),
        way_back: seal_acts(plan, plan.way_back.acts(), prepared.way_back, " on its way back")?,
        no_way_back,
        escalation: plan.escalation.clone(),
    })
}

fn filled(condition: &ConditionPlan, captured: &BTreeMap<String, f64>) -> Result<ConditionPlan, SealError> {
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
        .map(|(act, exec)| match carries_out(exec, act) {
            true => Ok(SealedAct { id: act.id.clone(), title: act.title.clone(), exec: exec.clone() }),
            false => Err(SealError::NotThePlan { act: act.id.clone(), shown: exec.to_string() }),
        })
        .collect()
}

/// The settings with the stamp of a run among them; see [`template::STAMP`].
#[must_use]
pub fn stamped(mut settings: BTreeMap<String, String>, opened: Wall) -> BTreeMap<String, String> {
    settings.insert(template::STAMP.to_owned(), opened.stamp());
    settings
}

/// Whether a resolved command ends with the planned program, by an absolute path, and exactly its arguments. What
/// stands before it, such as `sudo -n --`, is the privilege, and is reviewed with the rest.
fn carries_out(exec: &Exec, act: &ActPlan) -> bool {
    let (argv, planned) = match (exec, &act.act) {
        (Exec::Command { argv, .. }, Act::Command(planned)) => (argv, planned),
        (Exec::Wait { time }, Act::Wait(planned)) => return time == planned,
        (Exec::Command { argv, .. }, Act::File(planned)) => {
            let order =
                FileOrder::in_argv(argv).filter(|(at, _)| argv[*at].starts_with('/') && argv[0].starts_with('/'));
            return order.is_some_and(|(_, order)| planned.is_settled_as(&order.act));
        }
        (Exec::Command { .. }, Act::Wait(_)) | (Exec::Wait { .. }, Act::Command(_) | Act::File(_)) => return false,
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
