//! Between an offer and its commit: what calls a confirmation off, the countdown, and the last look before acting.
//!
//! A confirmation stands for what was on the screen when it was given. Whatever changes that in between (the window,
//! the terminal, the arming, the alert, the evidence) ends it with its reason, on the screen and in the journal.

use super::{App, Effect, JournalId, acting, append};
use crate::alert::AlertState;
use crate::base::{At, Digest, RunId, Severity, StepId};
use crate::panes::journal::sentence::sentence;
use crate::runbook::record::{Evidence, Judged};
use crate::runbook::seal::{self, Approval};
use crate::runbook::tree::Class;
use crate::runbook::{Present, Record, SealedSequence};
use crate::ui::overlay::confirm::{Counted, Offer};
use crate::ui::overlay::{BreakGlassForm, Confirm, Overlay};

impl App {
    /// Opens what comes before the confirmation of a step: for what is destructive, the incident and the reason.
    pub(super) fn ask_to_commit(&mut self, at: At, run: &RunId, step: &StepId, effects: &mut Vec<Effect>) {
        match self.plan_of(run, step) {
            Ok(planned) if planned.plan.class == Class::Destructive => {
                let commands: Vec<String> = planned.plan.acts.iter().map(|act| act.title.clone()).collect();
                let title = self.model.runs.get(run).and_then(|run| run.current()).map_or("", |step| &step.title);
                let form = BreakGlassForm::new(run.clone(), step.clone(), title, &commands);
                self.overlay = Some(Overlay::BreakGlass(Box::new(form)));
            }
            // A refusal is told where it is prepared.
            Ok(_) | Err(_) => self.prepare(at, run, step, None, effects),
        }
    }

    /// Ends an open confirmation without an answer.
    pub(super) fn call_off(&mut self, at: At, why: &str, effects: &mut Vec<Effect>) {
        let confirm = match self.overlay.take() {
            Some(Overlay::Confirm(confirm)) => confirm,
            other => {
                self.overlay = other;
                return;
            }
        };
        let what = format!("step {}", confirm.offer.step);
        let why = format!("{why} while the confirmation was open; open it again");
        self.refuse(at, &what, &why, JournalId::Run(confirm.offer.run.clone()), effects);
    }

    pub(super) fn counts_down(&self) -> bool {
        matches!(&self.overlay, Some(Overlay::Confirm(confirm)) if confirm.is_counting())
    }

    /// Lets a countdown go on; at its end what was confirmed is committed.
    pub(super) fn count_down(&mut self, at: At, effects: &mut Vec<Effect>) {
        let confirm = match self.overlay.take() {
            Some(Overlay::Confirm(confirm)) if confirm.is_counting() && !self.quitting => confirm,
            other => {
                self.overlay = other;
                return;
            }
        };
        self.urgent = true;
        match confirm.counted(at.boot) {
            Counted::NotYet => self.overlay = Some(Overlay::Confirm(confirm)),
            Counted::Over => self.confirmed(at, confirm.offer, effects),
            Counted::Unseen => {
                self.overlay = Some(Overlay::Confirm(confirm));
                self.call_off(at, "the console stood still", effects);
            }
        }
    }

    /// The dialog was answered with the exact phrase. Everything is looked at once more, then the shell commits.
    pub(super) fn confirmed(&mut self, at: At, offer: Offer, effects: &mut Vec<Effect>) {
        let journal = JournalId::Run(offer.run.clone());
        let what = format!("step {}", offer.step);
        let looked = match self.look_again(at, &offer) {
            Ok(looked) => looked,
            Err(why) => return self.refuse(at, &what, &why, journal, effects),
        };
        let (only_if, evidence) = looked;
        let Offer { run, step, sequence, hash, .. } = offer;
        if let Some(approval) = &sequence.approval {
            self.tell_of_broken_glass(&run, &sequence, approval, &hash, effects);
        }
        let record = Record::Confirmed { step, sequence: Box::new(sequence), hash: hash.clone(), only_if, evidence };
        self.writing.insert(run.clone());
        let after = self.model.runs.get(&run).map_or(0, |run| run.last_seq);
        effects.push(Effect::Commit { run, record: Box::new(record), hash, after });
        self.say(at, "confirmed: starting the runner");
    }

    /// Whether what was offered may still be done: the conditions and the evidence as they are now, or why not.
    fn look_again(&self, at: At, offer: &Offer) -> Result<(Vec<Judged>, Vec<Evidence>), String> {
        let place = &offer.sequence.place;
        if self.model.arming.as_ref().is_none_or(|arming| arming.target != place.target) {
            return Err("the console is no longer armed for this target".to_owned());
        }
        offer.sequence.approved().map_err(str::to_owned)?;
        let plan = self.plan_with(&offer.run, &offer.step, Some(&offer.captured))?.plan;
        if !seal::same_acts(&plan, &offer.sequence) {
            return Err(
                "what it would be done for has changed while the confirmation was open; open it again".to_owned()
            );
        }
        if let Some(alert) = &offer.alert
            && self.active_alert(&offer.run).is_none()
        {
            return Err(format!("the alert {alert} has cleared while the confirmation was open; look again"));
        }
        let only_if = self.judge_all(at, &place.target, &plan.only_if);
        acting::refusal_of(&only_if)?;
        let run = self.model.runs.get(&offer.run).ok_or("that run is not open here")?;
        let evidence = acting::evidence_of(run, &Present::new(&self.model.store, &place.target, at));
        let stale = offer.evidence.iter().filter(|shown| shown.reading.truth.is_fresh()).find_map(|shown| {
            let now = evidence.iter().find(|now| now.label == shown.label && now.expr == shown.expr)?;
            (!now.reading.truth.is_fresh()).then(|| (now, now.reading.truth.words(at.boot)))
        });
        match stale {
            None => Ok((only_if, evidence)),
            Some((now, truth)) => Err(format!(
                "the evidence has gone stale while the confirmation was open: {} is {truth}; look again",
                now.label
            )),
        }
    }

    /// The alert that a run was opened from, if it fires or is about to.
    pub(super) fn active_alert(&self, run: &RunId) -> Option<String> {
        let run = self.model.runs.get(run)?;
        let name = run.alert.as_ref()?;
        let active = self.model.alerts.alerts().any(|alert| {
            *alert.rule.name == **name
                && alert.target == run.target
                && matches!(alert.state, AlertState::Firing { .. } | AlertState::Pending { .. })
        });
        active.then(|| name.clone())
    }

    fn tell_of_broken_glass(
        &mut self,
        run: &RunId,
        sequence: &SealedSequence,
        approval: &Approval,
        hash: &Digest,
        effects: &mut Vec<Effect>,
    ) {
        let record = Record::GlassBroken {
            run: run.clone(),
            target: sequence.place.target.clone(),
            sequence: sequence.id.clone(),
            hash: hash.clone(),
            approval: approval.clone(),
        };
        let said = sentence(&record);
        self.banner(Severity::Critical, said);
        effects.push(append(JournalId::Console, record));
    }

    pub(super) fn declined(&mut self, at: At, confirm: &Confirm, effects: &mut Vec<Effect>) {
        let why = match confirm.is_counting() {
            true => "the operator called the countdown off",
            false => "the operator said no",
        };
        let what = format!("step {}", confirm.offer.step);
        self.refuse(at, &what, why, JournalId::Run(confirm.offer.run.clone()), effects);
    }
}
