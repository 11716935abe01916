//! A world, alive: its values, its units, its faults and what its nodes say.
//!
//! Life goes in seconds that count from the beginning, and every value has chance of its own, so that a world depends
//! on its seed and on when something was changed, never on how often somebody looked; and a fault changes what it
//! names and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cell::{Cell, Second, Sway, millis};
use super::limit::Bucket;
use super::script::{Place, Script};
use super::spec::{AfterRestartSpec, Does, EffectSpec, FaultSpec, KindSpec, VariableEffectSpec};
use super::view::Seen;
use super::voice::Voice;
use crate::base::Digest;
use crate::sim::exchange::{Answer, Delivery, Request, Surface};
use crate::sim::random::Random;
use crate::sim::record::LogRecord;
use crate::sim::service::{Service, ServiceState, Verb};
use crate::sim::timeline::Lives;
use crate::sim::volchain::{Fault, Faults};

const TICK_MILLIS: i64 = 1_000;
/// A jump of the clock beyond this is not lived through.
const CATCH_UP_MILLIS: i64 = 24 * 3_600_000;
/// How long its units have been up when a world begins, at least, and by chance as long again.
const UP_MILLIS: i64 = 3 * 3_600_000;

/// Something done to the world from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// By its number.
    Fault { fault: usize, on: bool },
    /// One that every world has.
    OnTheWay { fault: Fault, on: bool },
    /// By the unit's number.
    Service { unit: usize, verb: Verb },
    /// Another process has taken the port while nobody listened.
    PortTaken { port: usize },
}

/// A simulated deployment of one system.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) script: Arc<Script>,
    pub(super) surface: Surface,
    pub(super) start: i64,
    pub(super) cells: Vec<Cell>,
    pub(super) sways: Vec<Sway>,
    pub(super) units: Vec<Service>,
    /// Of every fault of the file, since when it is on, in milliseconds since the epoch; nothing where it is not.
    pub(super) faults: Vec<Option<i64>>,
    pub(super) on_the_way: Faults,
    pub(super) buckets: BTreeMap<(usize, usize), Bucket>,
    lived_until: i64,
    heads: Vec<Head>,
    voices: Vec<Voice>,
    pub(super) seen: Seen,
}

/// What the nodes of one height follow.
#[derive(Clone, Debug)]
struct Head {
    value: u64,
    next: i64,
    random: Random,
}

impl World {
    /// A world that has been running well until `start`, in milliseconds since the epoch.
    #[must_use]
    pub fn new(script: Arc<Script>, seed: u64, surface: Surface, start: i64) -> World {
        let chance = |what: &str| Random::new(number_of(&format!("{seed} {} {what}", script.system)));
        let cell = |place: &Place| {
            let variable = &script.spec.variables[place.variable];
            let random = chance(&format!("{} {} {}", variable.name, place.node, place.series));
            Cell::new(&variable.kind, random, start, script.series(*place).map_or(1.0, |series| series.times))
        };
        let unit = |unit: &super::spec::UnitSpec| {
            let longer = chance(&unit.name).below(UP_MILLIS.unsigned_abs());
            Service::active(start - UP_MILLIS - i64::try_from(longer).unwrap_or(0))
        };
        let head = |(variable, series): &(usize, usize)| {
            let KindSpec::Height(spec) = &script.spec.variables[*variable].kind else { return Head::none() };
            let random = chance(&format!("head {variable} {series}"));
            Head { value: spec.start, next: start + millis(spec.every_seconds), random }
        };
        World {
            surface,
            start,
            cells: script.cells.iter().map(cell).collect(),
            sways: vec![Sway::default(); script.cells.len()],
            units: script.spec.units.iter().map(unit).collect(),
            faults: vec![None; script.spec.faults.len()],
            on_the_way: Faults::default(),
            buckets: BTreeMap::new(),
            lived_until: start,
            heads: script.heads.iter().map(head).collect(),
            voices: script.spec.logs.iter().map(|log| Voice::new(chance(&format!("log {}", log.id)))).collect(),
            seen: Seen::default(),
            script,
        }
    }

    #[must_use]
    pub fn script(&self) -> &Arc<Script> {
        &self.script
    }

    #[must_use]
    pub fn surface(&self) -> Surface {
        self.surface
    }

    /// Whether the fault of this number is on.
    #[must_use]
    pub fn fault_on(&self, fault: usize) -> bool {
        self.fault_since(fault).is_some()
    }

    /// Since when the fault of this number is on; nothing where it is not.
    #[must_use]
    pub fn fault_since(&self, fault: usize) -> Option<i64> {
        self.faults.get(fault).copied().flatten()
    }

    #[must_use]
    pub fn on_the_way(&self) -> &Faults {
        &self.on_the_way
    }

    /// The unit of this number.
    #[must_use]
    pub fn unit(&self, unit: usize) -> Option<Service> {
        self.units.get(unit).copied()
    }

    /// Whether a start of any unit is under way.
    #[must_use]
    pub fn starting(&self) -> bool {
        self.units.iter().any(|unit| unit.state == ServiceState::Activating)
    }

    /// Whether this port is open.
    #[must_use]
    pub fn listening(&self, port: usize) -> bool {
        let Some(of) = self.script.ports.get(port) else { return false };
        let surfaces = &self.script.node(of.node).ports[of.nth].surfaces;
        (surfaces.is_empty() || surfaces.contains(&self.surface))
            && self.lives(of.node)
            && self.on_the_way.delivery() != Delivery::Refused
    }

    /// What a log has said since the record of this number, oldest first, as far as it is remembered.
    #[must_use]
    pub fn records_after(&self, log: usize, number: u64) -> Vec<LogRecord> {
        self.voices.get(log).map(|voice| voice.records_after(number)).unwrap_or_default()
    }

    /// Whether the processes of this node run and can be reached.
    pub(super) fn lives(&self, node: usize) -> bool {
        let up = self.script.unit_of[node].is_none_or(|unit| self.units[unit].state == ServiceState::Active);
        up && !self.effects().any(|effect| matches!(effect, EffectSpec::Down(id) if *id == self.script.node(node).id))
    }

    /// When the processes of this node came up.
    pub(super) fn up_since(&self, node: usize) -> i64 {
        self.script.unit_of[node].map_or(self.start - UP_MILLIS, |unit| self.units[unit].since)
    }

    /// What the faults do that are on and can be seen here.
    pub(super) fn effects(&self) -> impl Iterator<Item = &EffectSpec> {
        let on =
            self.script.spec.faults.iter().zip(&self.faults).filter(|(fault, on)| on.is_some() && self.shows(fault));
        on.flat_map(|(fault, _)| &fault.effects)
    }

    fn shows(&self, fault: &FaultSpec) -> bool {
        fault.surfaces.is_empty() || fault.surfaces.contains(&self.surface)
    }

    /// Whether an effect is on this value.
    fn touches(&self, effect: &VariableEffectSpec, place: Place) -> bool {
        let node = &self.script.node(place.node).id;
        let series = self.script.series(place);
        let labelled =
            |(name, value): (&String, &String)| series.is_some_and(|series| series.labels.get(name) == Some(value));
        self.script.spec.variables[place.variable].name == effect.name
            && (effect.nodes.is_empty() || effect.nodes.contains(node))
            && effect.labels.iter().all(labelled)
    }

    fn switch(&mut self, now: i64, number: usize, on: bool) {
        let script = Arc::clone(&self.script);
        let (Some(state), Some(fault)) = (self.faults.get_mut(number), script.spec.faults.get(number)) else { return };
        if state.is_some() == on {
            return;
        }
        *state = on.then_some(now);
        self.sway(now);
        if !self.shows(fault) {
            return;
        }
        for effect in &fault.effects {
            match effect {
                EffectSpec::Variable(effect) if on => self.step(effect),
                EffectSpec::Fails(unit) => self.fail(now, unit, on),
                EffectSpec::Variable(_)
                | EffectSpec::Endpoint(_)
                | EffectSpec::Log(_)
                | EffectSpec::Down(_)
                | EffectSpec::Fork(_)
                | EffectSpec::Missing(_) => {}
            }
        }
    }

    fn step(&mut self, effect: &VariableEffectSpec) {
        let Does::Step(by) = effect.does else { return };
        let script = Arc::clone(&self.script);
        for (at, place) in script.cells.iter().enumerate() {
            if self.touches(effect, *place) {
                self.cells[at].step(&script.spec.variables[place.variable].kind, by);
            }
        }
        if effect.nodes.is_empty() {
            for ((variable, _), head) in script.heads.iter().zip(&mut self.heads) {
                if script.spec.variables[*variable].name == effect.name {
                    head.value = head.value.saturating_add(by.max(0.0) as u64);
                }
            }
        }
    }

    /// Whoever clears such a fault is not an operator but the demo itself: what it held down comes up.
    fn fail(&mut self, now: i64, unit: &str, on: bool) {
        let Some(unit) = self.script.unit(unit).and_then(|unit| self.units.get_mut(unit)) else { return };
        if on {
            *unit = Service { state: ServiceState::Failed, since: now };
        } else if unit.state == ServiceState::Failed {
            *unit = unit.after(Verb::Start, now);
        }
    }

    /// Sees anew what the faults do to every value.
    fn sway(&mut self, now: i64) {
        let script = Arc::clone(&self.script);
        let effects: Vec<VariableEffectSpec> = self
            .effects()
            .filter_map(|effect| match effect {
                EffectSpec::Variable(effect) => Some(effect.clone()),
                EffectSpec::Endpoint(_)
                | EffectSpec::Log(_)
                | EffectSpec::Down(_)
                | EffectSpec::Fork(_)
                | EffectSpec::Fails(_)
                | EffectSpec::Missing(_) => None,
            })
            .collect();
        for (at, place) in script.cells.iter().enumerate() {
            let mut sway = Sway::default();
            effects.iter().filter(|effect| self.touches(effect, *place)).for_each(|effect| sway.add(&effect.does));
            // What is computed when it is asked for has to be kept where it is to stay.
            let held = match (sway.frozen, &self.cells[at].held) {
                (true, None) => self.value_at(now, at),
                (true, Some(held)) => Some(held.clone()),
                (false, _) => None,
            };
            self.cells[at].held = held;
            self.sways[at] = sway;
        }
    }

    fn tick(&mut self, now: i64) {
        for unit in 0..self.units.len() {
            if self.units[unit].settles_at().is_some_and(|at| at <= now) {
                self.come_up(now, unit);
            }
        }
        let living: Vec<bool> = (0..self.script.spec.nodes.len()).map(|node| self.lives(node)).collect();
        let script = Arc::clone(&self.script);
        self.grow_heads(now, &living);
        for (at, place) in script.cells.iter().enumerate() {
            if !living[place.node] {
                continue;
            }
            let times = script.series(*place).map_or(1.0, |series| series.times);
            let of = script.heads.iter().position(|head| *head == (place.variable, place.series));
            let head = of.map_or(0, |of| self.heads[of].value);
            let second = Second { at: now, start: self.start, times, head };
            self.cells[at].live(&script.spec.variables[place.variable].kind, second, &self.sways[at]);
        }
        self.say(now, &living);
    }

    fn grow_heads(&mut self, now: i64, living: &[bool]) {
        for (at, (variable, series)) in self.script.heads.iter().enumerate() {
            let mut all = self
                .script
                .cells
                .iter()
                .zip(&self.sways)
                .filter(|(place, _)| place.variable == *variable && place.series == *series && living[place.node]);
            let head = &mut self.heads[at];
            let KindSpec::Height(spec) = &self.script.spec.variables[*variable].kind else { continue };
            // A chain on which every node stands still makes no blocks that they would have to make up for.
            let Some((_, sway)) = all.find(|(_, sway)| !sway.frozen) else {
                head.next = head.next.max(now + TICK_MILLIS);
                continue;
            };
            while head.next <= now {
                head.value += 1;
                let jitter = 1.0 + spec.jitter * head.random.either_side();
                head.next += millis(spec.every_seconds / sway.rate.max(1e-9) * jitter).max(1);
            }
        }
    }

    fn say(&mut self, now: i64, living: &[bool]) {
        for log in 0..self.voices.len() {
            let spec = &self.script.spec.logs[log];
            let node = self.script.spec.nodes.iter().position(|node| node.id == spec.node).unwrap_or(0);
            let unit = spec.unit.as_ref().and_then(|unit| self.script.unit(unit));
            let speaks = unit.map_or(living[node], |unit| self.units[unit].state == ServiceState::Active);
            // A unit that has failed still says why.
            let effects = self.effects_of_log(&spec.id);
            let texts = self.voices[log].turn(&self.script, log, self.surface, speaks, effects);
            for text in texts {
                let filled = self.filled(now, node, log, &text);
                self.voices[log].say(now, filled);
            }
        }
    }

    fn effects_of_log(&self, id: &str) -> Vec<super::spec::LogEffectSpec> {
        self.effects()
            .filter_map(|effect| match effect {
                EffectSpec::Log(effect) if effect.log == id => Some(effect.clone()),
                EffectSpec::Log(_)
                | EffectSpec::Variable(_)
                | EffectSpec::Endpoint(_)
                | EffectSpec::Down(_)
                | EffectSpec::Fork(_)
                | EffectSpec::Fails(_)
                | EffectSpec::Missing(_) => None,
            })
            .collect()
    }

    /// A record's text with everything in its place.
    fn filled(&mut self, now: i64, node: usize, log: usize, text: &str) -> String {
        let values = if text.contains('{') { self.values(now, node) } else { serde_json::Map::new() };
        let voice = &mut self.voices[log];
        let own = |name: &str| voice.own(now, name);
        super::view::fill(text, &values, own)
    }

    fn come_up(&mut self, now: i64, unit: usize) {
        let script = Arc::clone(&self.script);
        let name = &script.spec.units[unit].name;
        for (number, fault) in script.spec.faults.iter().enumerate() {
            if self.faults[number].is_some() && fault.after_restart == AfterRestartSpec::Cured && cured_by(fault, name)
            {
                self.faults[number] = None;
            }
        }
        self.sway(now);
        if self.effects().any(|effect| matches!(effect, EffectSpec::Fails(fails) if fails == name)) {
            self.units[unit] = Service { state: ServiceState::Failed, since: now };
            return;
        }
        self.units[unit] = Service::active(now);
        for (at, place) in script.cells.iter().enumerate() {
            if script.unit_of[place.node] == Some(unit) {
                self.cells[at].restart(&script.spec.variables[place.variable].kind);
            }
        }
        for log in (0..self.voices.len()).filter(|log| script.spec.logs[*log].unit.as_ref() == Some(name)) {
            let node = script.spec.nodes.iter().position(|node| node.id == script.spec.logs[log].node).unwrap_or(0);
            for text in &script.spec.logs[log].at_start {
                let filled = self.filled(now, node, log, text);
                self.voices[log].say(now, filled);
            }
        }
    }
}

/// Whether a restart of this unit is a restart of what the fault is in: the unit that it lets fail, or any where it
/// names none.
fn cured_by(fault: &FaultSpec, unit: &str) -> bool {
    let mut fails = fault.effects.iter().filter_map(|effect| match effect {
        EffectSpec::Fails(name) => Some(name),
        EffectSpec::Variable(_)
        | EffectSpec::Endpoint(_)
        | EffectSpec::Log(_)
        | EffectSpec::Down(_)
        | EffectSpec::Fork(_)
        | EffectSpec::Missing(_) => None,
    });
    let first = fails.next();
    first.is_none_or(|name| name == unit) || fails.any(|name| name == unit)
}

impl Head {
    fn none() -> Head {
        Head { value: 0, next: i64::MAX, random: Random::new(0) }
    }
}

impl Lives for World {
    type Change = Change;

    fn lived_until(&self) -> i64 {
        self.lived_until
    }

    fn advance(&mut self, now: i64) {
        if now - self.lived_until > CATCH_UP_MILLIS {
            self.lived_until = now - CATCH_UP_MILLIS;
        }
        while self.lived_until + TICK_MILLIS <= now {
            self.lived_until += TICK_MILLIS;
            self.seen.forget();
            self.tick(self.lived_until);
        }
    }

    fn apply(&mut self, now: i64, change: Change) {
        self.advance(now);
        self.seen.forget();
        let now = now.max(self.lived_until);
        match change {
            Change::Fault { fault, on } => self.switch(now, fault, on),
            Change::OnTheWay { fault, on } => self.on_the_way.switch(now, fault, on),
            Change::Service { unit, verb } => {
                if let Some(service) = self.units.get_mut(unit) {
                    *service = service.after(verb, now);
                }
            }
            Change::PortTaken { port } => {
                let unit = self.script.ports.get(port).and_then(|port| self.script.unit_of[port.node]);
                if let Some(unit) = unit {
                    self.units[unit] = Service { state: ServiceState::Failed, since: now };
                }
            }
        }
    }

    fn answer(&self, now: i64, request: &Request) -> Answer {
        self.reply(now, request)
    }

    fn consequence(&self, _request: &Request) -> Option<Change> {
        None
    }

    fn delivery(&self, request: &Request) -> Delivery {
        self.travels(request)
    }

    fn admit(&mut self, now: i64, request: &Request) -> Option<Answer> {
        self.count(now, request)
    }
}

/// A number that stands for a text.
fn number_of(text: &str) -> u64 {
    let digest = Digest::of(text.as_bytes());
    u64::from_str_radix(digest.as_str().get(..16).unwrap_or_default(), 16).unwrap_or(1)
}
