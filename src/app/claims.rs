//! Who answers for an alert: acknowledged and snoozed by name, journalled, told when it is over.

use super::{App, Effect, JournalId, append};
use crate::alert::{AlertKey, Claim, ClaimError, ClaimKind};
use crate::base::{At, Severity};
use crate::runbook::Record;
use crate::ui::overlay::{ClaimForm, Overlay};

impl App {
    /// Asks why and for how long; nobody can answer for what is not there, or acknowledge what does not fire.
    pub(super) fn open_claim_form(&mut self, at: At, key: AlertKey, kind: ClaimKind) {
        if let Some(fault) = &self.model.journal_fault {
            let text = format!("not {}: {fault}", kind.word());
            return self.say(at, text);
        }
        let Some(alert) = self.model.alerts.alert(&key) else {
            let (target, alert) = (key.target, key.alert);
            return self.say(at, ClaimError::NoSuchAlert { target, alert }.to_string());
        };
        if kind == ClaimKind::Acknowledgement && !alert.state.is_firing() {
            let (alert, state) = (key.alert, alert.state.word());
            return self.say(at, ClaimError::NotFiring { alert, state }.to_string());
        }
        let actor = &self.model.console.actor;
        let armed = self.model.arming.as_ref().map(|arming| &arming.declared);
        let by = armed.or(actor.declared.as_ref()).unwrap_or(&actor.user);
        self.overlay = Some(Overlay::Claim(Box::new(ClaimForm::new(key, kind, by))));
    }

    pub(super) fn claim_answered(&mut self, at: At, form: ClaimForm, effects: &mut Vec<Effect>) {
        let until = at.plus(form.duration()).wall;
        let claim = Claim { by: form.by.clone(), reason: form.reason().to_owned(), at: at.wall, until };
        if let Err(error) = self.claim(at, &form.key, form.kind, claim, effects) {
            self.say(at, error.to_string());
        }
    }

    /// Acknowledges a firing alert or snoozes one, and journals it.
    ///
    /// # Errors
    /// There is no such alert any more, it can not be claimed, or the claim lacks something.
    pub fn claim(
        &mut self,
        at: At,
        key: &AlertKey,
        kind: ClaimKind,
        claim: Claim,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ClaimError> {
        let taken = match kind {
            ClaimKind::Acknowledgement => self.model.alerts.acknowledge(key, claim),
            ClaimKind::Snooze => self.model.alerts.snooze(key, claim),
        }?;
        let text = format!("{} {} until {}", key.alert, kind.word(), taken.until.clock());
        self.say(at, text);
        let (key, claim) = (key.clone(), taken);
        effects.push(append(JournalId::Console, Record::AlertClaimed { key, kind, claim }));
        self.keep_alerts(at, effects);
        Ok(())
    }

    /// Takes an acknowledgement or a snooze back, and journals it. `by` is who does so.
    ///
    /// # Errors
    /// There is no such alert any more.
    pub fn withdraw_claim(
        &mut self,
        at: At,
        key: &AlertKey,
        kind: ClaimKind,
        by: &str,
        effects: &mut Vec<Effect>,
    ) -> Result<(), ClaimError> {
        if self.model.alerts.withdraw(key, kind)? {
            self.say(at, format!("{} is not {} any more", key.alert, kind.word()));
            let (key, by) = (key.clone(), by.to_owned());
            effects.push(append(JournalId::Console, Record::ClaimWithdrawn { key, kind, by }));
            self.keep_alerts(at, effects);
        }
        Ok(())
    }

    /// Says which claims are over. What fires all the same rings as if it were new.
    pub(super) fn tell_claims_over(&mut self, at: At, effects: &mut Vec<Effect>) {
        for over in self.model.alerts.claims_over(at) {
            let critical =
                self.model.alerts.alert(&over.key).is_some_and(|alert| alert.severity() == Severity::Critical);
            if over.firing {
                let what = match over.kind {
                    ClaimKind::Acknowledgement => "acknowledgement",
                    ClaimKind::Snooze => "snooze",
                };
                let (alert, target, by) = (&over.key.alert, &over.key.target, &over.claim.by);
                let until = over.claim.until.clock();
                self.banner(
                    alert_severity(critical),
                    format!("{alert} on {target} still fires: the {what} by {by} was until {until}"),
                );
            }
            if over.firing && critical {
                effects.push(Effect::Bell);
            }
            let (key, kind, claim) = (over.key, over.kind, over.claim);
            effects.push(append(JournalId::Console, Record::ClaimOver { key, kind, claim }));
            self.keep_alerts(at, effects);
        }
    }
}

fn alert_severity(critical: bool) -> Severity {
    if critical { Severity::Critical } else { Severity::Warning }
}
