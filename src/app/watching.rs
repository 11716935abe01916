//! Batches become alerts and cells.

use std::time::Duration;

use super::beside::{BUDGET, Task};
use super::cells::Asked;
use super::{App, Effect, JournalId, append};
use crate::alert::{AlertKey, AlertState, Transition, Which};
use crate::base::{At, Boot, Severity};
use crate::model::{Batch, Store};
use crate::panes::Page;
use crate::panes::model::SPARK_BUCKET_SECONDS;
use crate::panes::series::Picture;
use crate::promql::Expr;
use crate::runbook::Record;
use crate::systems::System;

/// Seconds of one bucket of a sparkline, and of the chart on a target's page.
const BUCKET_SECONDS: u32 = SPARK_BUCKET_SECONDS;
/// Buckets of the chart on a target's page: thirty minutes.
const CHART: usize = 180;

/// The chart of a target's page, as its system has it; what can not be read was refused when the system was loaded.
pub(super) fn chart(system: &System) -> Option<Picture> {
    let expr = Expr::parse(&system.spec.chart.as_ref()?.expr).ok()?;
    let mut picture = Picture::new(expr, system, BUCKET_SECONDS, CHART);
    picture.unit = system.spec.chart.as_ref().map_or(picture.unit, |chart| chart.unit);
    Some(picture)
}

/// How often clocks and claims of alerts are kept, while there are any.
pub(super) const KEEP_EVERY: Duration = Duration::from_secs(30);

/// How the banner of a recording rule that fails begins.
const RECORD_FAILS: &str = "nothing is recorded as ";

/// When what was last computed.
#[derive(Debug, Default)]
pub struct Refreshed {
    at: Option<Boot>,
    /// The page and the target that were shown last.
    shown: Option<(Page, usize)>,
    /// They are others than those that the cells were computed for.
    turned: bool,
    /// Older samples were linked in: every bucket has to be computed again.
    pub(super) history: bool,
    /// A source that could not be believed before has answered since alerts were evaluated.
    pub(super) answered: bool,
}

impl App {
    pub(super) fn polled(&mut self, batch: &Batch, effects: &mut Vec<Effect>) {
        if let Some(freeze) = &mut self.model.freeze {
            freeze.batches += 1;
        }
        let late = self.model.now.wall.since(batch.sent.wall);
        if late > Duration::from_secs(u64::from(2 * BUCKET_SECONDS)) {
            self.refreshed.history = true;
        }
        let now = self.model.now.boot;
        let fresh = |store: &Store| store.source(&batch.source).is_some_and(|state| state.truth(now).is_fresh());
        let before = fresh(&self.model.store);
        let strange = self.answers_as_another(&batch.source);
        self.model.store.link(batch);
        // What was unknown for want of data is judged as soon as there is data, not at the group's next turn.
        self.refreshed.answered |= !before && fresh(&self.model.store);
        self.find_out_anew(&batch.source, effects);
        if strange != self.answers_as_another(&batch.source) {
            self.tell_of_others();
        }
    }

    /// Evaluates what is due: alert rules in their rhythm, cells once a second or when a person has turned to them. A key
    /// is answered first, with cells that are seconds old at most, and those of its page are brought up to date for the
    /// frame after that.
    pub(super) fn watch(&mut self, at: At, effects: &mut Vec<Effect>) {
        self.tell_settings(at);
        self.ask_demo(at, effects);
        self.evaluate_rules(at, effects);
        self.tell_claims_over(at, effects);
        if self.alerts_kept.is_some_and(|kept| at.boot.since(kept) >= KEEP_EVERY) {
            self.keep_alerts(at, effects);
        }
        self.look_at_objectives(at, effects);
        let shown = Some((self.page, self.model.selected));
        self.refreshed.turned |= self.refreshed.shown != shown;
        self.refreshed.shown = shown;
        let due = self.refresh_due().is_none_or(|due| at.boot >= due);
        if due {
            self.refresh(at, Asked::Shown);
            self.refreshed.at = Some(at.boot);
            self.refreshed.turned = false;
            self.newer = true;
        }
        if due || self.urgent {
            self.explore(at, effects);
            self.explain(at, effects);
        }
        if self.model.status.as_ref().is_some_and(|(_, until)| until.boot <= at.boot) {
            self.model.status = None;
        }
    }

    /// What is light here, what is heavy beside the loop. Every rule at once where a source answered that was silent;
    /// but not before what is out has come back.
    fn evaluate_rules(&mut self, at: At, effects: &mut Vec<Effect>) {
        let is_out = self.model.alerts.is_out();
        let which = match self.refreshed.answered && !is_out {
            true => Which::All,
            false if self.model.alerts.wake().is_some_and(|due| due <= at.boot) => Which::Due,
            false => return,
        };
        self.refreshed.answered &= is_out;
        let (transitions, round) = self.model.alerts.evaluate_within(&mut self.model.store, at, which, BUDGET);
        if let Some(round) = round {
            self.beside.send(Task::Rules(Box::new(round)), effects);
        }
        self.moved(at, &transitions, effects);
    }

    /// Tells of what an evaluation of rules changed.
    pub(super) fn moved(&mut self, at: At, transitions: &[Transition], effects: &mut Vec<Effect>) {
        transitions.iter().for_each(|transition| self.alert_changed(transition, effects));
        self.note_record_failures();
        let clocks = |state: &AlertState| matches!(state, AlertState::Pending { .. } | AlertState::Firing { .. });
        if transitions.iter().any(|change| clocks(&change.from) || clocks(&change.to)) {
            self.keep_alerts(at, effects);
        }
    }

    /// Hands clocks and claims to the shell. While there are any, how long nobody looked must be known to
    /// [`KEEP_EVERY`].
    pub(super) fn keep_alerts(&mut self, at: At, effects: &mut Vec<Effect>) {
        let remembered = self.model.alerts.remembered(at, &self.boot_id);
        self.alerts_kept = (!remembered.alerts.is_empty()).then_some(at.boot);
        effects.push(Effect::KeepAlerts(Box::new(remembered)));
    }

    /// A recording rule that makes nothing is said: what reads its series would only be without data.
    fn note_record_failures(&mut self) {
        let failures = self.model.alerts.record_failures();
        let told: Vec<String> =
            failures.map(|(target, name, why)| format!("{RECORD_FAILS}{name} on {target}: {why}")).collect();
        self.model.banners.retain(|banner| !banner.text.starts_with(RECORD_FAILS) || told.contains(&banner.text));
        for text in told {
            if self.model.banners.iter().all(|banner| banner.text != text) {
                self.banner(Severity::Warning, text);
            }
        }
    }

    /// When the cells and the clock on the screen are to be brought up to date; none before they ever were.
    pub(super) fn refresh_due(&self) -> Option<Boot> {
        let at_once = self.refreshed.turned && !self.urgent;
        self.refreshed.at.map(|last| if at_once { last } else { last.plus(self.model.link.refresh()) })
    }

    /// Alerts and cells, due or not.
    pub(super) fn evaluate_all(&mut self, at: At) {
        self.tell_settings(at);
        self.model.alerts.evaluate_all(&mut self.model.store, at);
        self.refresh(at, Asked::All);
    }

    /// Looks at the objectives, every ten seconds; refreshing wakes the app at least as often.
    fn look_at_objectives(&mut self, at: At, effects: &mut Vec<Effect>) {
        let Some(closed) = self.slos.look(&self.model.store, at) else { return };
        for target in &mut self.model.targets {
            target.objectives = self.slos.standings(&target.id, at);
            let of_target = closed.iter().filter(|(of, _)| *of == target.id);
            let closed: Vec<_> = of_target.map(|(_, closed)| closed.clone()).collect();
            if !closed.is_empty() {
                effects.push(Effect::KeepMinutes { target: target.id.clone(), closed });
            }
        }
    }

    fn alert_changed(&mut self, transition: &Transition, effects: &mut Vec<Effect>) {
        self.urgent = true;
        let loud = |state: &AlertState| matches!(state, AlertState::Firing { .. } | AlertState::Resolved { .. });
        if !loud(&transition.from) && !loud(&transition.to) {
            return;
        }
        let began =
            matches!(transition.to, AlertState::Firing { .. }) && !matches!(transition.from, AlertState::Firing { .. });
        let key = AlertKey {
            target: transition.target.clone(),
            alert: transition.alert.clone(),
            labels: transition.labels.clone(),
        };
        // Who put it off does not want to hear it.
        let rings = self.model.alerts.alert(&key).is_some_and(|alert| {
            alert.severity() == Severity::Critical && alert.snoozed_until(self.model.now.wall).is_none()
        });
        let alone = self.model.targets.len() == 1;
        if began && let Some(freeze) = &mut self.model.freeze {
            // The header names the target where there is only one.
            freeze.note(match alone {
                true => format!("FIRING {}", transition.alert),
                false => format!("FIRING {} on {}", transition.alert, transition.target),
            });
        }
        if began && rings {
            effects.push(Effect::Bell);
        }
        effects.push(append(
            JournalId::Console,
            Record::AlertChanged {
                target: transition.target.clone(),
                alert: transition.alert.clone(),
                labels: transition.labels.to_string(),
                from: transition.from.word().to_owned(),
                to: transition.to.word().to_owned(),
            },
        ));
    }
}
