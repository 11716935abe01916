//! Batches become alerts and cells.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::beside::{BUDGET, Task};
use super::{App, Effect, JournalId, append};
use crate::alert::{AlertKey, AlertState, Transition, Which};
use crate::base::{At, Boot, Severity, TargetId, Wall};
use crate::model::{Batch, Reading, Scope, Store, Truth};
use crate::panes::model::{Cell, Level, SPARK_BUCKET_SECONDS, Target};
use crate::panes::series::Picture;
use crate::promql::limit::limit;
use crate::promql::{self, Condition, Expr, Value, Verdict};
use crate::runbook::Record;
use crate::systems::{RowSpec, System};

use crate::runbook::Present;

/// Seconds of one bucket of a sparkline, and of the chart on a target's page.
const BUCKET_SECONDS: u32 = SPARK_BUCKET_SECONDS;
/// Buckets of a sparkline: ten minutes, of which a narrow one shows the newest.
const SPARK: usize = 60;
/// Buckets of the chart on a target's page: thirty minutes.
const CHART: usize = 180;

/// The chart of a target's page, as its system has it; what can not be read was refused when the system was loaded.
pub(super) fn chart(system: &System) -> Option<Picture> {
    let expr = Expr::parse(&system.spec.chart.as_ref()?.expr).ok()?;
    let picture = Picture::new(expr, system, BUCKET_SECONDS, CHART);
    Some(Picture { unit: system.spec.chart.as_ref().map_or(picture.unit, |chart| chart.unit), ..picture })
}

/// How often clocks and claims of alerts are kept, while there are any.
pub(super) const KEEP_EVERY: Duration = Duration::from_secs(30);

/// How the banner of a recording rule that fails begins.
const RECORD_FAILS: &str = "nothing is recorded as ";

/// Expressions by their text, parsed once.
#[derive(Debug, Default)]
pub struct Compiled {
    exprs: HashMap<String, Option<Arc<Expr>>>,
    conditions: HashMap<String, Option<Arc<Condition>>>,
}

impl Compiled {
    fn expr(&mut self, text: &str) -> Option<Arc<Expr>> {
        match self.exprs.get(text) {
            Some(known) => known.clone(),
            None => {
                let parsed = Expr::parse(text).ok().map(Arc::new);
                self.exprs.insert(text.to_owned(), parsed.clone());
                parsed
            }
        }
    }

    fn condition(&mut self, text: &str) -> Option<Arc<Condition>> {
        match self.conditions.get(text) {
            Some(known) => known.clone(),
            None => {
                let parsed = Condition::parse(text).ok().map(Arc::new);
                self.conditions.insert(text.to_owned(), parsed.clone());
                parsed
            }
        }
    }
}

/// When what was last computed.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// Version of the store that the cells show.
    version: u64,
    at: Option<Boot>,
    /// The bucket that the newest value of every sparkline belongs to.
    bucket: Option<i64>,
    /// Older samples were linked in: every bucket has to be computed again.
    pub(super) history: bool,
    /// A source that could not be believed before has answered since alerts were evaluated.
    pub(super) answered: bool,
}

impl App {
    pub(super) fn polled(&mut self, batch: &Batch) {
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
        self.model.store.link(batch);
        // What was unknown for want of data is judged as soon as there is data, not at the group's next turn.
        self.refreshed.answered |= !before && fresh(&self.model.store);
    }

    /// Evaluates what is due: alert rules in their rhythm, cells once a second or when a person is looking for them.
    pub(super) fn watch(&mut self, at: At, effects: &mut Vec<Effect>) {
        self.evaluate_rules(at, effects);
        self.tell_claims_over(at, effects);
        if self.alerts_kept.is_some_and(|kept| at.boot.since(kept) >= KEEP_EVERY) {
            self.keep_alerts(at, effects);
        }
        self.look_at_objectives(at, effects);
        let version = self.model.store.version();
        let due = self.refresh_due().is_none_or(|due| at.boot >= due);
        if due || (self.urgent && version != self.refreshed.version) {
            self.refresh(at);
            self.refreshed.at = Some(at.boot);
            self.refreshed.version = version;
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
        self.refreshed.at.map(|last| last.plus(self.model.link.refresh()))
    }

    /// Alerts and cells, due or not.
    pub(super) fn evaluate_all(&mut self, at: At) {
        self.model.alerts.evaluate_all(&mut self.model.store, at);
        self.refresh(at);
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

    fn refresh(&mut self, at: At) {
        let bucket = at.wall.0.div_euclid(i64::from(BUCKET_SECONDS) * 1000);
        let closed = match (self.refreshed.bucket, self.refreshed.history) {
            (Some(last), false) => usize::try_from(bucket - last).unwrap_or(SPARK).min(SPARK),
            (_, true) | (None, _) => SPARK,
        };
        self.refreshed.bucket = Some(bucket);
        self.model.store.expire_backfills(at.wall);
        if std::mem::take(&mut self.refreshed.history) {
            self.model
                .targets
                .iter_mut()
                .filter_map(|target| target.chart.as_mut())
                .for_each(|chart| chart.buckets.restart());
            self.model.explorer.restart();
        }
        let ends: Vec<Wall> =
            (0..closed).rev().map(|ago| Wall((bucket - ago as i64) * i64::from(BUCKET_SECONDS) * 1000)).collect();
        for target in &mut self.model.targets {
            refresh_target(target, &self.model.store, &mut self.compiled, at, &ends);
        }
    }
}

fn refresh_target(target: &mut Target, store: &Store, compiled: &mut Compiled, at: At, ends: &[Wall]) {
    let system = Arc::clone(&target.system);
    let scope = Scope::Target(target.id.clone());
    for panel in &system.spec.panels {
        let before = target.cells.remove(&panel.id).unwrap_or_default();
        let cells = panel.rows.iter().enumerate().map(|(index, row)| {
            let spark = before.get(index).map_or_else(Vec::new, |cell| cell.spark.clone());
            cell(row, spark, store, &target.id, compiled, at, ends)
        });
        let cells = cells.collect();
        target.cells.insert(panel.id.clone(), cells);
    }
    if let Some(chart) = &mut target.chart {
        chart.extend(store, &scope, at);
    }
}

fn cell(
    row: &RowSpec,
    mut spark: Vec<Option<f64>>,
    store: &Store,
    target: &TargetId,
    compiled: &mut Compiled,
    at: At,
    ends: &[Wall],
) -> Cell {
    let Some(expr) = compiled.expr(&row.expr) else {
        let reading = Reading { value: None, truth: Truth::NotExposed };
        return Cell { reading, level: Level::Unknown, spark, limits: Vec::new() };
    };
    let present = Present::new(store, target, at);
    let scope = Scope::Target(target.clone());
    let until = promql::measured_until(&expr, store, &scope, at);
    extend(&mut spark, &expr, store, &scope, ends, until);
    let reading = present.reading(&expr);
    let mut holds = |text: &Option<String>| {
        let condition = text.as_ref().and_then(|text| compiled.condition(text));
        condition.is_some_and(|condition| condition.judge(store, &scope, at) == Verdict::True)
    };
    let level = if !reading.truth.is_fresh() {
        Level::Unknown
    } else if holds(&row.critical) {
        Level::Critical
    } else if holds(&row.warning) {
        Level::Warning
    } else {
        Level::Ok
    };
    let mut of_level = |level, text: &Option<String>| {
        let condition = compiled.condition(text.as_ref()?)?;
        Some((level, limit(condition.expr(), &expr)?))
    };
    let limits = [of_level(Level::Warning, &row.warning), of_level(Level::Critical, &row.critical)];
    Cell { reading, level, spark, limits: limits.into_iter().flatten().collect() }
}

/// Appends the values at the ends of newly closed buckets, and lets the oldest fall out. Nothing is measured after
/// `until`.
fn extend(
    buckets: &mut Vec<Option<f64>>,
    expr: &Expr,
    store: &Store,
    scope: &Scope,
    ends: &[Wall],
    until: Option<Wall>,
) {
    for end in ends {
        if until.is_some_and(|until| *end > until) {
            buckets.push(None);
            continue;
        }
        buckets.push(match promql::evaluate(expr, store, scope, *end) {
            Ok(Value::Scalar(value)) => Some(value),
            Ok(Value::Vector(samples)) => match samples.as_slice() {
                [only] => Some(only.value),
                [] | [_, _, ..] => None,
            },
            Err(_) => None,
        });
    }
    let excess = buckets.len().saturating_sub(SPARK);
    buckets.drain(..excess);
}
