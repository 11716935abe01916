//! Arming, preparing, confirming, committing.
//!
//! ```text
//! ArmForm ─► Effect::Arm ─► ArmAnswer::Ready ─► Record::Armed ─(journalled)─► armed
//! Intent::Commit ─► Effect::Prepare ─► seal ─► Confirm ─(typed)─► conditions again ─► Effect::Commit
//!       └─(destructive)─► BreakGlassForm ─┘              └─(destructive)─► countdown ─┘
//! ```
//!
//! Each arrow that fails ends in a refusal with its reason, on the screen and in the journal.

use std::collections::BTreeMap;
use std::time::Duration;

use super::msg::{ArmAnswer, PrepareAnswer};
use super::{App, Effect, JournalId, append};
use crate::base::{At, Boot, RunId, Severity, StepId, TargetId};
use crate::model::{Exec, Reading, Truth};
use crate::panes::model::{Arming, Target};
use crate::promql::{Expr, Verdict};
use crate::runbook::Present;
use crate::runbook::Record;
use crate::runbook::machine::Look;
use crate::runbook::record::{Evidence, Judged};
use crate::runbook::seal::{self, Approval, Environment, Host, Place, Prepared, SealedSequence};
use crate::runbook::template;
use crate::runbook::tree::{ConditionPlan, SequencePlan, Task, WayBack};
use crate::sources::{BoundSource, Source};
use crate::systems::SettingValue;
use crate::ui::overlay::{ArmForm, Confirm, Overlay, confirm::Offer};

/// Without a key for this long the console disarms.
const IDLE: Duration = Duration::from_secs(5 * 60);

/// What is under way between a question to the shell and its answer.
#[derive(Debug, Default)]
pub struct ArmingState {
    /// The form that was answered, until the lock is held and the journal has it.
    asked: Option<(ArmForm, Place)>,
    proof: Option<Result<String, String>>,
    /// The key of the arming lock that the shell holds for us.
    held: Option<String>,
    /// The sequence that is being prepared.
    preparing: Option<Preparing>,
}

/// A sequence between what it plans and what is offered for confirmation.
#[derive(Debug)]
struct Preparing {
    run: RunId,
    step: StepId,
    planned: Planned,
    approval: Option<Approval>,
}

/// A sequence as it would be done now.
#[derive(Debug)]
pub(super) struct Planned {
    pub place: Place,
    pub plan: SequencePlan,
    /// What is compared with afterwards, measured once; or why it could not be.
    pub captured: Result<BTreeMap<String, f64>, String>,
}

impl App {
    pub(super) fn arming_wake(&self) -> Option<Boot> {
        let arming = self.model.arming.as_ref()?;
        Some(arming.until.boot.min(self.last_key.plus(IDLE)))
    }

    /// Disarms when the time is up or nobody is there.
    pub(super) fn check_arming(&mut self, at: At, effects: &mut Vec<Effect>) {
        let Some(arming) = &self.model.arming else { return };
        if arming.until.boot <= at.boot {
            self.disarm("its time is up", effects);
        } else if self.last_key.plus(IDLE) <= at.boot {
            self.disarm("no key for five minutes", effects);
        }
    }

    pub(super) fn open_arm_form(&mut self, at: At) {
        if let Some(arming) = &self.model.arming {
            let text = format!("already armed for {} until {}; disarm first", arming.target, arming.until.wall.clock());
            return self.say(at, text);
        }
        let Some(target) = self.model.target() else { return self.say(at, "no target to arm for") };
        if let Err(why) = place_of(target) {
            return self.say(at, why);
        }
        if let Some(fault) = &self.model.journal_fault {
            let text = format!("not armed: {fault}");
            return self.say(at, text);
        }
        let user = &self.model.console.actor.user;
        let form = ArmForm::new(target.id.clone(), target.spec.environment.word(), user);
        self.overlay = Some(Overlay::Arm(Box::new(form)));
    }

    pub(super) fn arm(&mut self, at: At, form: ArmForm, effects: &mut Vec<Effect>) {
        let Some(target) = self.model.target_by_id(&form.target) else { return };
        match place_of(target) {
            Ok(place) => {
                effects.push(Effect::Arm { place: Box::new(place.clone()) });
                self.arming.asked = Some((form, place));
                self.say(at, "arming: taking the lock and proving the host");
            }
            Err(why) => self.say(at, why),
        }
    }

    pub(super) fn arm_answered(&mut self, at: At, target: &TargetId, answer: ArmAnswer, effects: &mut Vec<Effect>) {
        let Some((form, place)) = self.arming.asked.clone() else { return };
        if form.target != *target {
            return;
        }
        match answer {
            ArmAnswer::Ready { host_proof, mortal } => {
                if let Some(why) = mortal {
                    self.banner(Severity::Warning, format!("an action dies with this login: {why}"));
                }
                self.arming.held = Some(place.lock_key.clone());
                self.arming.proof = Some(host_proof);
                let record = Record::Armed {
                    target: target.clone(),
                    lock_key: place.lock_key.clone(),
                    reason: form.reason().to_owned(),
                    declared: form.declared().to_owned(),
                    until: at.plus(form.duration()),
                };
                effects.push(append(JournalId::Console, record));
            }
            ArmAnswer::Refused { why } => {
                self.arming.asked = None;
                let what = format!("arming for {target}");
                self.refuse(at, &what, &why, JournalId::Console, effects);
            }
        }
    }

    /// The journal has the arming: now it holds.
    pub(super) fn armed(&mut self, at: At, record: &Record) {
        let Record::Armed { target, reason, declared, until, .. } = record else { return };
        let Some((form, _)) = self.arming.asked.take() else { return };
        if form.target != *target {
            return;
        }
        let proof = self.arming.proof.take().unwrap_or_else(|| Err("the host was not asked about".to_owned()));
        self.last_key = at.boot;
        self.model.arming = Some(Arming {
            target: target.clone(),
            reason: reason.clone(),
            declared: declared.clone(),
            until: *until,
            host_proof: proof,
        });
        let text = format!("armed for {target} until {} UTC", until.wall.clock());
        self.say(at, text);
    }

    pub(super) fn disarm(&mut self, why: &str, effects: &mut Vec<Effect>) {
        self.arming.asked = None;
        self.arming.preparing = None;
        self.call_off(self.model.now, why, effects);
        if let Some(lock_key) = self.arming.held.take() {
            effects.push(Effect::Disarm { lock_key });
        }
        if let Some(arming) = self.model.arming.take() {
            let target = arming.target;
            self.say(self.model.now, format!("disarmed: {why}"));
            effects.push(append(JournalId::Console, Record::Disarmed { target, why: why.to_owned() }));
        }
    }

    /// Asks the shell to resolve and prove what a step would do. Nothing is sealed yet.
    pub(super) fn prepare(
        &mut self,
        at: At,
        run: &RunId,
        step: &StepId,
        approval: Option<Approval>,
        effects: &mut Vec<Effect>,
    ) {
        match self.plan_of(run, step) {
            Ok(planned) => {
                let way_back = match &planned.plan.way_back {
                    WayBack::Acts(acts) => acts.clone(),
                    WayBack::None(_) => Vec::new(),
                };
                effects.push(Effect::Prepare {
                    run: run.clone(),
                    step: step.clone(),
                    place: Box::new(planned.place.clone()),
                    acts: planned.plan.acts.clone(),
                    way_back,
                });
                let (run, step) = (run.clone(), step.clone());
                self.arming.preparing = Some(Preparing { run, step, planned, approval });
                self.say(at, "preparing: resolving the command and proving host and privilege");
            }
            Err(why) => self.refuse(at, &format!("step {step}"), &why, JournalId::Run(run.clone()), effects),
        }
    }

    /// What a step would do, with the values of now.
    pub(super) fn plan_of(&self, run: &RunId, step: &StepId) -> Result<Planned, String> {
        self.plan_with(run, step, None)
    }

    /// The same with values that were captured before: they go on changing while a person reads what they went into.
    pub(super) fn plan_with(
        &self,
        run_id: &RunId,
        step_id: &StepId,
        captured: Option<&BTreeMap<String, f64>>,
    ) -> Result<Planned, String> {
        let run = self.model.runs.get(run_id).ok_or("that run is not open here")?;
        let step = run.current().filter(|step| step.id == *step_id).ok_or("the run does not stand at this step")?;
        let Task::Commit(plan) = &step.task else { return Err("this step changes nothing".to_owned()) };
        if run.sequence_open().is_some() {
            return Err("its sequence is already under way".to_owned());
        }
        if run.steps.get(step_id).is_some_and(|state| state.by_hand.is_some()) {
            return Err("its acts were done by hand; what came of it is being measured".to_owned());
        }
        let armed = self.model.arming.as_ref().ok_or("the console is observing; arm it for this target first")?;
        if armed.target != run.target {
            return Err(format!("the console is armed for {}, and this run is on {}", armed.target, run.target));
        }
        let target = self.model.target_by_id(&run.target).ok_or("the run's target is not configured here")?;
        let place = place_of(target)?;
        let mut settings = target.system.spec.settings_text(&target.spec.settings);
        let present = Present::new(&self.model.store, &run.target, self.model.now);
        let captured = captured.map_or_else(|| present.capture(&plan.capture), |captured| Ok(captured.clone()));
        // What can not be measured now is missed where an act names it, and refused when the sequence is sealed.
        for (name, value) in captured.iter().flatten() {
            if let Some(text) = template::number(*value) {
                settings.entry(name.clone()).or_insert(text);
            }
        }
        let settings = seal::stamped(settings, run.opened.wall);
        let plan = match &plan.for_each {
            None => plan.clone(),
            Some(list) => {
                let values = present.label_values(&list.expr, &list.label)?;
                seal::expand(plan, &values).map_err(|error| error.to_string())?
            }
        };
        let plan = seal::resolve_templates(&plan, &settings).map_err(|error| error.to_string())?;
        if plan.acts.iter().any(|act| act.unit != place.unit) {
            return Err(format!("an act is about another unit than {}, which the lock is for", place.unit));
        }
        Ok(Planned { place, plan, captured })
    }

    pub(super) fn prepared(
        &mut self,
        at: At,
        run: &RunId,
        step: &StepId,
        answer: PrepareAnswer,
        effects: &mut Vec<Effect>,
    ) {
        let Some(preparing) = self.arming.preparing.take().filter(|asked| asked.run == *run && asked.step == *step)
        else {
            return;
        };
        let PrepareAnswer::Ready { acts, way_back, host_proof, privilege_proof, code } = answer else {
            let PrepareAnswer::Refused { why } = answer else { return };
            return self.refuse(at, &format!("step {step}"), &why, JournalId::Run(run.clone()), effects);
        };
        let alert = self.active_alert(run);
        let offer =
            self.seal(at, &preparing, &acts, &way_back, host_proof.is_ok()).map(|(sequence, only_if, evidence)| {
                sequence.digest().map(|hash| Offer {
                    run: run.clone(),
                    step: step.clone(),
                    sequence,
                    hash,
                    code,
                    host_proof,
                    privilege_proof,
                    captured: preparing.planned.captured.clone().unwrap_or_default(),
                    expect: preparing.planned.plan.expect.clone(),
                    evidence,
                    only_if,
                    alert,
                })
            });
        match offer {
            Ok(Ok(offer)) => {
                self.overlay = Some(Overlay::Confirm(Box::new(Confirm::new(offer, at))));
                self.model.status = None;
                self.urgent = true;
                effects.push(Effect::AskPainted);
            }
            Ok(Err(error)) => {
                self.refuse(at, &format!("step {step}"), &error.to_string(), JournalId::Run(run.clone()), effects);
            }
            Err(why) => self.refuse(at, &format!("step {step}"), &why, JournalId::Run(run.clone()), effects),
        }
    }

    fn seal(
        &self,
        at: At,
        preparing: &Preparing,
        acts: &[Exec],
        way_back: &[Exec],
        host_proven: bool,
    ) -> Result<(SealedSequence, Vec<Judged>, Vec<Evidence>), String> {
        let Preparing { run, step, planned: Planned { place, plan, captured }, approval } = preparing;
        let run = self.model.runs.get(run).ok_or("that run is not open here")?;
        let step = run.current().filter(|current| current.id == *step).ok_or("the run has moved on")?;
        let target = self.model.target_by_id(&run.target).ok_or("the run's target is not configured here")?;
        let only_if = self.judge_all(at, &run.target, &plan.only_if);
        refusal_of(&only_if)?;
        let captured = captured.as_ref().map_err(String::clone)?;
        let reads = reads_for(target, plan)?;
        let approval = approval.as_ref();
        let prepared = Prepared { acts, way_back, host_proven, captured, reads: &reads, approval };
        let sequence = seal::seal(plan, step, place, &prepared).map_err(|error| error.to_string())?;
        Ok((sequence, only_if, evidence_of(run, &Present::new(&self.model.store, &run.target, at))))
    }

    pub(super) fn committed(&mut self, at: At, run: &RunId, failed: Option<String>) {
        self.writing.remove(run);
        match failed {
            None => self.say(at, "the runner has taken over; this console may be closed"),
            Some(why) => {
                self.banner(Severity::Critical, format!("the runner did not start: {why}"));
            }
        }
    }

    /// Says no, with the reason, on the screen and in the journal.
    pub(super) fn refuse(&mut self, at: At, what: &str, why: &str, journal: JournalId, effects: &mut Vec<Effect>) {
        self.say(at, format!("refused: {why}"));
        effects.push(append(journal, Record::Refused { what: what.to_owned(), why: why.to_owned() }));
    }

    pub(super) fn judge_all(&self, at: At, target: &TargetId, conditions: &[ConditionPlan]) -> Vec<Judged> {
        let present = Present::new(&self.model.store, target, at);
        let judge = |plan: &ConditionPlan| Judged {
            means: plan.means.clone(),
            expr: plan.expr.clone(),
            verdict: present.judge(plan),
        };
        conditions.iter().map(judge).collect()
    }
}

/// Where a target's commands act. The lock is keyed by the unit, never by the name it is shown under.
///
/// # Errors
/// They act nowhere, and why.
pub fn place_of(target: &Target) -> Result<Place, String> {
    let spec = &target.spec;
    if spec.environment == Environment::NotConfigured {
        return Err(format!(
            "{} is not configured, so it is only observed; opsconsole config init writes a configuration to begin with",
            target.id
        ));
    }
    let Some(host) = &spec.host else {
        return Err(format!(
            "{} has no host, so it is only observed; set host: Local in its configuration to act",
            target.id
        ));
    };
    if let Host::Ssh(alias) = host {
        return Err(format!(
            "{} is on ssh host {alias}; acting over ssh is not built yet, open the console there",
            target.id
        ));
    }
    let Some(SettingValue::Text(unit)) = target.system.spec.settings(&spec.settings).remove("unit") else {
        return Err(format!("{} names no systemd unit; set the setting \"unit\" in its configuration", target.id));
    };
    let endpoint = spec.acting_endpoint();
    let listens_on = endpoint.and_then(|endpoint| url::Url::parse(&endpoint.url).ok()).map(|url| {
        format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
    });
    let Some(listens_on) = listens_on else {
        return Err(format!("{} has no address to prove the host by", target.id));
    };
    Ok(Place {
        target: target.id.clone(),
        system: target.system.id.clone(),
        environment: spec.environment,
        host: host.clone(),
        privilege: spec.privilege.clone(),
        demo_folder: spec.demo.as_ref().map(|demo| demo.folder.clone()),
        lock_key: format!("local/unit/{}", unit.strip_suffix(".service").unwrap_or(&unit)),
        listens_on,
        unit,
        base_url: spec.acting_url().to_owned(),
        secrets: spec.secrets.clone(),
    })
}

/// Why conditions do not allow it, if they do not.
pub(super) fn refusal_of(judged: &[Judged]) -> Result<(), String> {
    for condition in judged {
        match &condition.verdict {
            Verdict::True => {}
            Verdict::False => return Err(format!("it is not so that {}", condition.means)),
            Verdict::Unknown(why) => return Err(format!("it can not be told whether {}: {why}", condition.means)),
        }
    }
    Ok(())
}

/// What the run measured on its way to the step, as it is now: nobody decides on what was true half an hour ago.
pub(super) fn evidence_of(run: &crate::runbook::Run, present: &Present<'_>) -> Vec<Evidence> {
    let observed = run.steps.values().filter(|step| step.sequence.is_none());
    let now = |evidence: &Evidence| Evidence {
        reading: Expr::parse(&evidence.expr)
            .map_or(Reading { value: None, truth: Truth::NotExposed }, |expr| present.reading(&expr)),
        ..evidence.clone()
    };
    observed.flat_map(|step| step.evidence.iter().map(now)).collect()
}

/// The sources that the verification's series come from.
fn reads_for(target: &Target, plan: &SequencePlan) -> Result<Vec<BoundSource>, String> {
    let names = seal::verify_names(&plan.verify).map_err(|error| error.to_string())?;
    // A source that gives whatever its node exposes declares nothing; the runner finds out what it gives.
    let gives = |source: &BoundSource, name: &str| {
        source.spec.kind.names().is_none()
            || Source::compile(source.clone())
                .is_ok_and(|source| source.declared().iter().any(|given| &**given == name))
    };
    seal::needed_reads(&names, &target.sources, gives).map_err(|error| error.to_string())
}
