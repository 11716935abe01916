//! A drill: every fault of a world switched on and off again on simulated time, and what the console made of it.
//!
//! Whoever writes a world or the rules of a system reads here what an operator would have seen; the same drills are
//! the proof that each alert rule of each system fires for what it is about.
//!
//! Must never: judge by anything but what the console shows, or know a system's name.

use std::collections::BTreeMap;
use std::time::Duration;

use super::exchange::Surface;
use super::rehearsal::Rehearsal;
use super::simulation::Simulation;
use super::world::spec::{FaultSpec, RaisesSpec};
use crate::alert::AlertState;
use crate::app::SetupError;
use crate::base::SystemId;
use crate::panes::model::Level;
use crate::systems::Files;

/// How long an alert may take beyond its `for`: the polls and ranges that it waits for.
const PATIENCE: Duration = Duration::from_secs(900);

/// How long a system runs well before anything is judged: until every range of its rules is covered.
const CALM: Duration = Duration::from_secs(400);

/// How long a fault without an alert is on: rows have turned by then.
const GLANCE: Duration = Duration::from_secs(120);

/// What a surface of a system showed while nothing was wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Calm {
    pub surface: Surface,
    /// Alerts that fire though nothing is wrong.
    pub firing: Vec<String>,
    /// Alerts that can not be told, and why.
    pub no_data: BTreeMap<String, String>,
    /// Rows that are not well, with their levels.
    pub rows: Vec<String>,
}

/// What came of one fault on one surface.
#[derive(Clone, Debug, PartialEq)]
pub struct Drilled {
    pub surface: Surface,
    pub fault: String,
    /// Alerts in the order in which they fired, and after how many seconds.
    pub fired: Vec<(String, u64)>,
    /// Alerts that the fault says it raises and that did not fire, with their states.
    pub missed: Vec<(String, String)>,
    /// Alerts that fired and that the fault does not name.
    pub unsaid: Vec<String>,
    /// Alerts that fired before they held for their `for`.
    pub early: Vec<String>,
    /// Rows that turned, with their levels.
    pub rows: Vec<String>,
    /// The first thing on the overview that became worse: a row, or an alert that is pending or fires.
    pub first: Option<Sign>,
    /// Alerts that still fire long after the cure.
    pub lingering: Vec<String>,
}

/// What an operator who looks at the overview notices first.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    pub what: String,
    pub after_seconds: u64,
    /// When it should have been seen: after two polls of the slowest source.
    pub within_seconds: u64,
}

impl Drilled {
    /// Whether the fault did what it says, and no more.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.missed.is_empty() && self.unsaid.is_empty() && self.early.is_empty() && self.lingering.is_empty()
    }

    /// Whether an operator could see it, and in time.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.first.as_ref().is_some_and(|first| first.after_seconds <= first.within_seconds)
    }
}

/// One system on one surface, drilled fault by fault.
#[derive(Debug)]
pub struct Drill {
    life: Rehearsal,
    system: SystemId,
    surface: Surface,
    faults: Vec<FaultSpec>,
}

impl Drill {
    /// Begins it and lets it run well for a while. Nothing for a system that is written by hand: its faults say nothing
    /// of alerts.
    ///
    /// # Errors
    /// A mistake in the data.
    pub fn begin(
        simulation: &Simulation,
        files: &BTreeMap<SystemId, Files>,
        surface: Surface,
    ) -> Result<Option<Drill>, SetupError> {
        let Some(script) = simulation.script() else { return Ok(None) };
        let faults = script.spec.faults.clone();
        let systems = vec![simulation.clone()];
        let mut life = Rehearsal::of_systems(systems, surface, &[], (80, 24), |setup| setup.systems.clone_from(files))?;
        // Where no row is on the screen, rows are evaluated as often as nobody looks at them.
        life.press("5");
        life.advance(CALM);
        Ok(Some(Drill { life, system: simulation.system.clone(), surface, faults }))
    }

    /// The faults that this surface can have, by name.
    pub fn faults(&self) -> Vec<String> {
        let here = |fault: &&FaultSpec| fault.surfaces.is_empty() || fault.surfaces.contains(&self.surface);
        self.faults.iter().filter(here).map(|fault| fault.name.clone()).collect()
    }

    /// The alerts that a fault says it raises on this surface.
    pub fn raises(&self, name: &str) -> Vec<String> {
        let fault = self.faults.iter().find(|fault| fault.name == name);
        let here = |raises: &&RaisesSpec| raises.surfaces.is_empty() || raises.surfaces.contains(&self.surface);
        let raises = fault.into_iter().flat_map(|fault| &fault.raises).filter(here);
        raises.map(|raises| raises.alert.clone()).collect()
    }

    /// Every alert rule of the system.
    pub fn rules(&self) -> Vec<String> {
        let targets = &self.life.app.model().targets;
        targets.iter().flat_map(|target| target.system.rules.alerts()).map(|rule| rule.name.clone()).collect()
    }

    /// What is shown now, while nothing is wrong.
    pub fn calm(&self) -> Calm {
        let no_data = self.life.app.model().alerts.alerts().filter_map(|alert| match &alert.state {
            AlertState::NoData { why, .. } => Some((alert.rule.name.clone(), why.clone())),
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::Pending { .. }
            | AlertState::Firing { .. }
            | AlertState::Resolved { .. } => None,
        });
        Calm { surface: self.surface, firing: self.firing(), no_data: no_data.collect(), rows: self.rows() }
    }

    /// Switches one fault on, waits for what it says it raises, and cures it.
    pub fn drill(&mut self, name: &str) -> Option<Drilled> {
        let fault = self.faults.iter().find(|fault| fault.name == name)?.clone();
        let said = self.raises(name);
        let before = self.rows();
        let well = self.overview();
        self.life.fault_of(self.system.as_str(), name, true);
        let (fired, first) = self.wait_for(&said, &well);
        let rows = self.rows().into_iter().filter(|row| !before.contains(row)).collect();
        let firing = self.firing();
        let missed =
            said.iter().filter(|alert| !firing.contains(alert)).map(|alert| (alert.clone(), self.state(alert)));
        let missed = missed.collect();
        let unsaid = firing.iter().filter(|alert| !said.contains(alert)).cloned().collect();
        let early = fired.iter().filter(|(alert, after)| *after < self.hold(alert).as_secs());
        let early = early.map(|(alert, _)| alert.clone()).collect();
        self.life.fault_of(self.system.as_str(), name, false);
        let lingering = self.wait_for_calm(&well);
        let surface = self.surface;
        Some(Drilled { surface, fault: fault.name, fired, missed, unsaid, early, rows, first, lingering })
    }

    /// Lets time pass until all of these fire, or for as long as the slowest of them may take; when each fired, and what
    /// was noticed first.
    fn wait_for(&mut self, said: &[String], well: &BTreeMap<String, Level>) -> (Vec<(String, u64)>, Option<Sign>) {
        let holds = said.iter().map(|alert| self.hold(alert)).max();
        let most = holds.map_or(GLANCE, |hold| hold + PATIENCE);
        let slowest = self.life.app.model().store.sources().map(|source| source.interval).max().unwrap_or_default();
        let within_seconds = (slowest * 2).as_secs();
        let mut fired: Vec<(String, u64)> = Vec::new();
        let mut first = None;
        for second in 1..=most.as_secs() {
            self.life.advance(Duration::from_secs(1));
            first = first.or_else(|| Some(Sign { what: self.worse(well)?, after_seconds: second, within_seconds }));
            for alert in self.firing() {
                if fired.iter().all(|(known, _)| *known != alert) {
                    fired.push((alert, second));
                }
            }
            let all = said.iter().all(|alert| fired.iter().any(|(known, _)| known == alert));
            if all && second >= GLANCE.as_secs() {
                break;
            }
        }
        (fired, first)
    }

    /// What the overview shows as worse than well: its rows, and its alerts, each with its level.
    fn overview(&self) -> BTreeMap<String, Level> {
        let mut shown = BTreeMap::new();
        for target in &self.life.app.model().targets {
            for panel in &target.system.spec.panels {
                let cells = target.cells.get(&panel.id).into_iter().flatten();
                let bad = panel.rows.iter().zip(cells).filter(|(_, cell)| cell.level >= Level::Warning);
                shown.extend(bad.map(|(row, cell)| (format!("{}/{}", panel.id, row.label), cell.level)));
            }
        }
        let level = |state: &AlertState| match state {
            AlertState::Firing { .. } => Some(Level::Critical),
            AlertState::Pending { .. } => Some(Level::Warning),
            AlertState::Inactive
            | AlertState::NoData { .. }
            | AlertState::WarmingUp { .. }
            | AlertState::Resolved { .. } => None,
        };
        let alerts = self.life.app.model().alerts.alerts();
        shown.extend(alerts.filter_map(|alert| Some((alert.rule.name.clone(), level(&alert.state)?))));
        shown
    }

    /// Something that is worse than it was.
    fn worse(&self, well: &BTreeMap<String, Level>) -> Option<String> {
        let is_worse = |(what, level): &(String, Level)| well.get(what).is_none_or(|was| was < level);
        self.overview().into_iter().find(is_worse).map(|(what, _)| what)
    }

    /// Lets time pass until nothing fires any more; what still does. What the overview shows of now has time to turn back
    /// too: a row that is still bad could not be the first sign of the next fault.
    fn wait_for_calm(&mut self, well: &BTreeMap<String, Level>) -> Vec<String> {
        for second in 0..PATIENCE.as_secs() {
            if self.firing().is_empty() && (second >= GLANCE.as_secs() || self.worse(well).is_none()) {
                break;
            }
            self.life.advance(Duration::from_secs(1));
        }
        self.firing()
    }

    fn hold(&self, alert: &str) -> Duration {
        let targets = &self.life.app.model().targets;
        let mut rules = targets.iter().flat_map(|target| target.system.rules.alerts());
        rules.find(|rule| rule.name == alert).map_or(Duration::ZERO, |rule| rule.hold)
    }

    fn firing(&self) -> Vec<String> {
        let alerts = self.life.app.model().alerts.alerts();
        alerts
            .filter(|alert| matches!(alert.state, AlertState::Firing { .. }))
            .map(|alert| alert.rule.name.clone())
            .collect()
    }

    fn state(&self, alert: &str) -> String {
        let mut alerts = self.life.app.model().alerts.alerts();
        let Some(alert) = alerts.find(|known| known.rule.name == alert) else { return "no such rule".to_owned() };
        match &alert.state {
            AlertState::NoData { why, .. } => format!("no data: {why}"),
            AlertState::Inactive
            | AlertState::WarmingUp { .. }
            | AlertState::Pending { .. }
            | AlertState::Firing { .. }
            | AlertState::Resolved { .. } => alert.state.word().to_owned(),
        }
    }

    /// Rows that are warning, critical or not known, as `panel/row: level`.
    fn rows(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for target in &self.life.app.model().targets {
            for panel in &target.system.spec.panels {
                let cells = target.cells.get(&panel.id).into_iter().flatten();
                for (row, cell) in panel.rows.iter().zip(cells) {
                    let level = match cell.level {
                        Level::Ok => continue,
                        Level::Unknown => "unknown",
                        Level::Warning => "warning",
                        Level::Critical => "critical",
                    };
                    rows.push(format!("{}/{}: {level}", panel.id, row.label));
                }
            }
        }
        rows
    }
}
