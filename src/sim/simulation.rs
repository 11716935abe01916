//! The systems that can be simulated, and one of them at play: the one seam between what a system is and what the demo
//! and a rehearsal do with it.
//!
//! One system is written by hand, because its runbooks change what it is made of; all others are worlds of data.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::client::FaultState;
use super::exchange::{Answer, Delivery, Request, Surface};
use super::folder::{self, ADMIN_SECRET};
use super::record::LogRecord;
use super::service::{Service, ServiceState, Verb};
use super::timeline::{Past, Timeline};
use super::volchain::{self, AfterRestart, Fault, Faults, Node};
use super::world::{self, Ran, Script, World, on_the_way};
use crate::base::{EndpointId, NodeId, Problem, SecretRef, SystemId, TargetId, Wall};
use crate::config::{DemoSpec, EndpointAddressSpec, NodeSpec, TargetSpec};
use crate::runbook::seal::{Environment, Host, Privilege};
use crate::systems::{Files, SettingValue};

/// The system whose model is written by hand.
pub const BY_HAND: &str = "volchain";

/// A system that can be simulated.
#[derive(Clone, Debug)]
pub struct Simulation {
    pub system: SystemId,
    /// Nothing for the one that is written by hand.
    script: Option<Arc<Script>>,
}

/// An address of a simulated target: the number of its port, its node, and its endpoint of `system.ron`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub port: usize,
    pub node: String,
    pub endpoint: String,
}

/// A log, and where it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPlace {
    pub log: usize,
    /// With its type.
    pub unit: Option<String>,
    /// Within the demo's folder.
    pub file: Option<String>,
}

/// A simulated system that lives, with its recent past.
#[derive(Clone, Debug)]
pub enum Play {
    ByHand(Timeline<Node>),
    World(Timeline<World>),
}

/// Something done to a system from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Fault { name: String, on: bool },
    Service { unit: String, verb: Verb },
    PortTaken { port: usize },
    ByHand(volchain::Change),
}

impl From<volchain::Change> for Event {
    fn from(change: volchain::Change) -> Event {
        Event::ByHand(change)
    }
}

impl Simulation {
    /// Every one of these systems that can be simulated, the one that is written by hand first.
    ///
    /// # Errors
    /// Every mistake in their worlds.
    pub fn all(systems: &BTreeMap<SystemId, Files>) -> Result<Vec<Simulation>, Vec<Problem>> {
        let worlds = Script::all(systems)?.into_iter();
        let worlds = worlds.map(|(system, script)| Simulation { system, script: Some(script) });
        Ok([Simulation::by_hand()].into_iter().chain(worlds).collect())
    }

    /// The one that is written by hand.
    #[must_use]
    pub fn by_hand() -> Simulation {
        Simulation { system: SystemId::new(BY_HAND), script: None }
    }

    /// A world that is not embedded.
    #[must_use]
    pub fn of(script: Arc<Script>) -> Simulation {
        Simulation { system: script.system.clone(), script: Some(script) }
    }

    /// What a world is; nothing for the one that is written by hand.
    #[must_use]
    pub fn script(&self) -> Option<&Arc<Script>> {
        self.script.as_ref()
    }

    /// A system that has been running well until `start`, in milliseconds since the epoch. The secret opens the
    /// administration endpoints of one that has them.
    #[must_use]
    pub fn begin(&self, seed: u64, surface: Surface, start: i64, admin_secret: &str) -> Play {
        match &self.script {
            None => Play::ByHand(Timeline::of(Node::new(seed, surface, start).with_admin_secret(admin_secret))),
            Some(script) => Play::World(Timeline::of(World::new(Arc::clone(script), seed, surface, start))),
        }
    }

    /// Id of the demo's target of this system.
    #[must_use]
    pub fn target_id(&self) -> TargetId {
        TargetId::new(format!("{}-demo", self.system))
    }

    /// Number of ports.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.script.as_ref().map_or(1, |script| script.ports())
    }

    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let address =
            |port, node: &str, endpoint: &str| Address { port, node: node.to_owned(), endpoint: endpoint.to_owned() };
        match &self.script {
            None => vec![address(0, "node-1", "api")],
            Some(script) => script.addresses().map(|(port, node, id)| address(port, node, id)).collect(),
        }
    }

    /// Names of everything that can go wrong with it.
    #[must_use]
    pub fn fault_names(&self) -> Vec<String> {
        match &self.script {
            None => Fault::ALL.into_iter().map(|fault| fault.name().to_owned()).collect(),
            Some(script) => {
                let own = script.spec.faults.iter().map(|fault| fault.name.clone());
                own.chain(on_the_way().map(|fault| fault.name().to_owned())).collect()
            }
        }
    }

    /// Names of the programs that its sources run.
    pub fn programs(&self) -> impl Iterator<Item = &str> {
        let programs = self.script.iter().flat_map(|script| &script.spec.programs);
        programs.filter_map(|program| program.argv.first().map(String::as_str))
    }

    /// The demo's target of this system: `urls` by the numbers of its ports, `folder` that of the whole demo.
    #[must_use]
    pub fn target(&self, urls: &[String], folder: &str, control_url: &str) -> TargetSpec {
        let mut nodes: Vec<NodeSpec> = Vec::new();
        for address in self.addresses() {
            let endpoint = EndpointAddressSpec {
                id: EndpointId::new(&address.endpoint),
                url: urls.get(address.port).cloned().unwrap_or_default(),
                job: None,
                instance: None,
                auth: None,
            };
            match nodes.iter_mut().find(|node| node.id.as_str() == address.node) {
                Some(node) => node.endpoints.push(endpoint),
                None => {
                    let settings = self.settings_of_node(&address.node, folder);
                    nodes.push(NodeSpec { id: NodeId::new(&address.node), endpoints: vec![endpoint], settings });
                }
            }
        }
        TargetSpec {
            id: self.target_id(),
            system: self.system.clone(),
            environment: Environment::Demo,
            host: Some(Host::Local),
            privilege: Privilege::None,
            nodes,
            secrets: match &self.script {
                None => BTreeMap::from([("admin".to_owned(), SecretRef::File(format!("{folder}/{ADMIN_SECRET}")))]),
                Some(_) => BTreeMap::new(),
            },
            settings: self.settings(folder),
            interval_seconds: None,
            intervals: BTreeMap::new(),
            // A simulation is not spared.
            requests_per_second: if self.script.is_some() { 20.0 } else { 5.0 },
            prometheus: None,
            demo: Some(DemoSpec { folder: folder.to_owned(), control_url: control_url.to_owned() }),
        }
    }

    fn settings(&self, folder: &str) -> BTreeMap<String, SettingValue> {
        match &self.script {
            None => folder::settings(folder),
            Some(script) => self.filled(&script.spec.settings, folder),
        }
    }

    fn settings_of_node(&self, node: &str, folder: &str) -> BTreeMap<String, SettingValue> {
        let nodes = self.script.iter().flat_map(|script| &script.spec.nodes);
        nodes.filter(|of| of.id == node).map(|of| self.filled(&of.settings, folder)).next().unwrap_or_default()
    }

    /// With the folder of this system in its place.
    fn filled(&self, settings: &BTreeMap<String, SettingValue>, folder: &str) -> BTreeMap<String, SettingValue> {
        let own = format!("{folder}/{}", self.system);
        let filled = |value: &SettingValue| match value {
            SettingValue::Text(text) => SettingValue::Text(text.replace("{folder}", &own)),
            SettingValue::Number(number) => SettingValue::Number(*number),
        };
        settings.iter().map(|(name, value)| (name.clone(), filled(value))).collect()
    }
}

impl Play {
    /// The one that is written by hand, as it is.
    #[must_use]
    pub fn by_hand(&self) -> Option<&Node> {
        match self {
            Play::ByHand(timeline) => Some(timeline.node()),
            Play::World(_) => None,
        }
    }

    /// A world, as it is.
    #[must_use]
    pub fn world(&self) -> Option<&World> {
        match self {
            Play::ByHand(_) => None,
            Play::World(timeline) => Some(timeline.node()),
        }
    }

    pub fn advance(&mut self, now: i64) {
        match self {
            Play::ByHand(timeline) => timeline.advance(now),
            Play::World(timeline) => timeline.advance(now),
        }
    }

    /// Answers as of `now`, and says how that travels.
    pub fn answer(&mut self, now: i64, request: &Request) -> (Answer, Delivery) {
        match self {
            Play::ByHand(timeline) => {
                let answer = timeline.answer(now, request);
                (answer, timeline.node().delivery())
            }
            Play::World(timeline) => {
                let answer = timeline.answer(now, request);
                (answer, super::timeline::Lives::delivery(timeline.node(), request))
            }
        }
    }

    /// What polls of this read would have brought: see [`Timeline::history`].
    #[must_use]
    pub fn history(&self, now: i64, request: &Request, step_millis: i64) -> Vec<Past> {
        match self {
            Play::ByHand(timeline) => timeline.history(now, request, step_millis),
            Play::World(timeline) => timeline.history(now, request, step_millis),
        }
    }

    /// Does this to the system. What it does not know changes nothing.
    pub fn apply(&mut self, now: i64, event: &Event) {
        match self {
            Play::ByHand(timeline) => {
                if let Some(change) = change_by_hand(event) {
                    timeline.apply(now, change);
                }
            }
            Play::World(timeline) => {
                if let Some(change) = change_of_world(timeline.node(), event) {
                    timeline.apply(now, change);
                }
            }
        }
    }

    /// Whether a port is open.
    #[must_use]
    pub fn listening(&self, port: usize) -> bool {
        match self {
            Play::ByHand(timeline) => timeline.node().listening(),
            Play::World(timeline) => timeline.node().listening(port),
        }
    }

    /// Whether a start of any of its units is under way.
    #[must_use]
    pub fn starting(&self) -> bool {
        match self {
            Play::ByHand(timeline) => timeline.node().service().state == ServiceState::Activating,
            Play::World(timeline) => timeline.node().starting(),
        }
    }

    /// Its units with their types.
    #[must_use]
    pub fn units(&self) -> Vec<String> {
        match self {
            Play::ByHand(_) => vec![volchain::UNIT.to_owned()],
            Play::World(timeline) => {
                timeline.node().script().spec.units.iter().map(|unit| format!("{}.service", unit.name)).collect()
            }
        }
    }

    /// The unit of this name.
    #[must_use]
    pub fn service(&self, unit: &str) -> Option<Service> {
        match self {
            Play::ByHand(timeline) => (unit == volchain::UNIT).then(|| timeline.node().service()),
            Play::World(timeline) => {
                let world = timeline.node();
                world.script().unit(unit).and_then(|unit| world.unit(unit))
            }
        }
    }

    /// What a world's unit is started with.
    #[must_use]
    pub fn environment(&self, unit: &str) -> BTreeMap<String, String> {
        let script = self.world().map(World::script);
        let unit = script.and_then(|script| Some(&script.spec.units[script.unit(unit)?]));
        unit.map(|unit| unit.environment.clone()).unwrap_or_default()
    }

    #[must_use]
    pub fn logs(&self) -> Vec<LogPlace> {
        match self {
            Play::ByHand(_) => {
                let file = Some(folder::LOG.to_owned());
                vec![LogPlace { log: 0, unit: Some(volchain::UNIT.to_owned()), file }]
            }
            Play::World(timeline) => {
                let script = timeline.node().script();
                let place = |(log, spec): (usize, &world::spec::LogSpec)| LogPlace {
                    log,
                    unit: spec.unit.as_ref().map(|unit| format!("{unit}.service")),
                    file: spec.file.as_ref().map(|file| format!("{}/{file}", script.system)),
                };
                script.spec.logs.iter().enumerate().map(place).collect()
            }
        }
    }

    /// What a log has said since the record of this number, oldest first, as far as it is remembered.
    #[must_use]
    pub fn records_after(&self, log: usize, number: u64) -> Vec<LogRecord> {
        match self {
            Play::ByHand(timeline) => timeline.node().records_after(number),
            Play::World(timeline) => timeline.node().records_after(log, number),
        }
    }

    /// Everything that can go wrong with it, and whether it does.
    #[must_use]
    pub fn faults(&self, system: &str) -> Vec<FaultState> {
        match self {
            Play::ByHand(timeline) => {
                let node = timeline.node();
                let raises =
                    |fault: Fault| fault.raises(node.surface()).iter().map(|alert| (*alert).to_owned()).collect();
                let known = |fault: Fault| known(system, fault, node.faults(), raises(fault));
                Fault::ALL.into_iter().map(known).collect()
            }
            Play::World(timeline) => {
                let world = timeline.node();
                let own = |(number, fault)| of_world(system, world, number, fault);
                let own = world.script().spec.faults.iter().enumerate().map(own);
                own.chain(on_the_way().map(|fault| known(system, fault, world.on_the_way(), Vec::new()))).collect()
            }
        }
    }

    /// What a program of its machine would do now.
    #[must_use]
    pub fn ran(&self, now: i64, argv: &[String]) -> Option<Ran> {
        self.world().and_then(|world| world.ran(now, argv))
    }
}

/// A fault that is written by hand, as it is.
fn known(system: &str, fault: Fault, faults: &Faults, raises: Vec<String>) -> FaultState {
    FaultState {
        system: system.to_owned(),
        name: fault.name().to_owned(),
        sentence: fault.sentence().to_owned(),
        kind: fault.kind(),
        on: faults.on(fault),
        since: faults.since(fault).map(Wall),
        raises,
        ends_by_restart: fault.after_restart() == AfterRestart::Cured,
    }
}

/// A fault of a world's file, as it is.
fn of_world(system: &str, world: &World, number: usize, fault: &world::spec::FaultSpec) -> FaultState {
    let surface = world.surface();
    let here = |raises: &&world::spec::RaisesSpec| raises.surfaces.is_empty() || raises.surfaces.contains(&surface);
    FaultState {
        system: system.to_owned(),
        name: fault.name.clone(),
        sentence: sentence(fault, surface),
        kind: fault.kind,
        on: world.fault_on(number),
        since: world.fault_since(number).map(Wall),
        raises: fault.raises.iter().filter(here).map(|raises| raises.alert.clone()).collect(),
        ends_by_restart: fault.after_restart == world::spec::AfterRestartSpec::Cured,
    }
}

/// What happens, and whether it can be seen here.
fn sentence(fault: &world::spec::FaultSpec, surface: Surface) -> String {
    if fault.surfaces.is_empty() || fault.surfaces.contains(&surface) {
        return fault.sentence.clone();
    }
    format!("{} (nothing of it can be seen on this surface)", fault.sentence)
}

fn change_by_hand(event: &Event) -> Option<volchain::Change> {
    Some(match event {
        Event::Fault { name, on } => volchain::Change::Fault { fault: Fault::named(name)?, on: *on },
        Event::Service { verb, .. } => volchain::Change::Service(*verb),
        Event::PortTaken { .. } => volchain::Change::PortTaken,
        Event::ByHand(change) => *change,
    })
}

fn change_of_world(world: &World, event: &Event) -> Option<world::Change> {
    Some(match event {
        Event::Fault { name, on } => match world.script().fault(name) {
            Some(fault) => world::Change::Fault { fault, on: *on },
            None => world::Change::OnTheWay { fault: on_the_way().find(|fault| fault.name() == name)?, on: *on },
        },
        Event::Service { unit, verb } => world::Change::Service { unit: world.script().unit(unit)?, verb: *verb },
        Event::PortTaken { port } => world::Change::PortTaken { port: *port },
        Event::ByHand(_) => return None,
    })
}
