//! A world read and checked: everything compiled, every name a number.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::spec::{
    AnswerSpec, Does, EffectSpec, EndpointSpec, FaultSpec, KindSpec, MethodSpec, NodeSpec, SeriesSpec, WorldSpec,
};
use crate::base::problem::nearest;
use crate::base::ron_text::{self, Places};
use crate::base::{Problem, SystemId};
use crate::sim::volchain::{Fault, FaultKind};
use crate::sources::jq::Filter;
use crate::systems::Files;

/// The file of a system's folder.
pub const FILE: &str = "world.ron";

/// Values that one world may have.
const MOST_CELLS: usize = 4_000;

/// Names that a jq program or a text finds beside the variables.
const GIVEN: [&str; 10] =
    ["now", "now_seconds", "now_millis", "node", "nodes", "surface", "units", "path", "query", "params"];
/// What only the text of a log record has.
pub(super) const IN_RECORDS: [&str; 4] = ["time", "n", "hex", "ip"];

/// A world that can be begun.
#[derive(Debug)]
pub struct Script {
    pub system: SystemId,
    pub spec: WorldSpec,
    pub(super) ports: Vec<Port>,
    pub(super) cells: Vec<Place>,
    /// One per height and series.
    pub(super) heads: Vec<(usize, usize)>,
    /// Of every node, the unit that holds it.
    pub(super) unit_of: Vec<Option<usize>>,
    /// Of every variable, what it is made by.
    pub(super) derived: Vec<Option<Filter>>,
    pub(super) endpoints: Vec<Programs>,
    pub(super) files: Vec<FilePrograms>,
    pub(super) disks: Vec<(Filter, Filter)>,
    pub(super) programs: Vec<RunPrograms>,
}

/// One listener of one node.
#[derive(Clone, Debug)]
pub struct Port {
    pub node: usize,
    /// Its place among the ports of its node.
    pub nth: usize,
    /// What it answers: numbers of endpoints, in their order.
    pub(super) endpoints: Vec<usize>,
}

/// Where a value lives: its variable, its node and its series, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub variable: usize,
    pub node: usize,
    pub series: usize,
}

/// The jq programs of an endpoint.
#[derive(Debug, Default)]
pub struct Programs {
    pub status: Option<Filter>,
    pub parts: Vec<Filter>,
    pub methods: BTreeMap<String, Filter>,
}

#[derive(Debug)]
pub struct FilePrograms {
    pub size: Filter,
    pub age: Option<Filter>,
    pub count: Option<Filter>,
}

#[derive(Debug)]
pub struct RunPrograms {
    pub stdout: Filter,
    pub code: Option<Filter>,
}

impl Script {
    /// The worlds of these systems.
    ///
    /// # Errors
    /// Every mistake in any of them.
    pub fn all(systems: &BTreeMap<SystemId, Files>) -> Result<BTreeMap<SystemId, Arc<Script>>, Vec<Problem>> {
        let mut scripts = BTreeMap::new();
        for (system, files) in systems {
            if let Some(script) = Script::of(system, files)? {
                scripts.insert(system.clone(), Arc::new(script));
            }
        }
        Ok(scripts)
    }

    /// The world among the files of a system, if there is one.
    ///
    /// # Errors
    /// Every mistake in it, with its place.
    pub fn of(system: &SystemId, files: &Files) -> Result<Option<Script>, Vec<Problem>> {
        let read = |text: &String| Script::read(system, &format!("{system}/{FILE}"), text);
        files.get(FILE).map(read).transpose()
    }

    /// Reads a `world.ron`.
    ///
    /// # Errors
    /// The first mistake of form, or every mistake of meaning, with its place and what was probably meant.
    pub fn read(system: &SystemId, file: &str, text: &str) -> Result<Script, Vec<Problem>> {
        let spec: WorldSpec = ron_text::parse(file, text).map_err(|problem| vec![problem])?;
        let mut checker = Checker { file, places: Places::of(text), problems: Vec::new(), spec: &spec };
        let script = checker.script(system);
        let problems = checker.problems;
        match script {
            Some(script) if problems.is_empty() => Ok(Script { spec, ..script }),
            Some(_) | None => Err(problems),
        }
    }

    pub(super) fn node(&self, number: usize) -> &NodeSpec {
        &self.spec.nodes[number]
    }

    pub(super) fn endpoint(&self, number: usize) -> &EndpointSpec {
        &self.spec.endpoints[number]
    }

    /// The series of a variable; one without labels where it names none.
    pub(super) fn series(&self, place: Place) -> Option<&SeriesSpec> {
        self.spec.variables[place.variable].series.get(place.series)
    }

    /// The fault of this name.
    #[must_use]
    pub fn fault(&self, name: &str) -> Option<usize> {
        self.spec.faults.iter().position(|fault| fault.name == name)
    }

    /// The unit of this name, with or without its type.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<usize> {
        let name = name.strip_suffix(".service").unwrap_or(name);
        self.spec.units.iter().position(|unit| unit.name == name)
    }

    /// The port behind which an endpoint of `system.ron` is, by its number.
    #[must_use]
    pub fn port_of(&self, node: &str, endpoint: &str) -> Option<usize> {
        self.addresses().find(|(_, of, id)| *of == node && *id == endpoint).map(|(port, _, _)| port)
    }

    /// Every address of the target: number of the port, node, endpoint of `system.ron`.
    pub fn addresses(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        self.ports.iter().enumerate().flat_map(move |(number, port)| {
            let node = self.node(port.node);
            let spec = &node.ports[port.nth];
            let own = spec.endpoints.is_empty().then_some(spec.id.as_str());
            let ids = own.into_iter().chain(spec.endpoints.iter().map(String::as_str));
            ids.map(move |id| (number, node.id.as_str(), id))
        })
    }

    /// Number of ports.
    #[must_use]
    pub fn ports(&self) -> usize {
        self.ports.len()
    }
}

/// Faults that every world has: those of the way to it.
pub fn on_the_way() -> impl Iterator<Item = Fault> {
    Fault::ALL.into_iter().filter(|fault| fault.kind() == FaultKind::Endpoint)
}

struct Checker<'a> {
    file: &'a str,
    places: Places,
    problems: Vec<Problem>,
    spec: &'a WorldSpec,
}

impl<'a> Checker<'a> {
    fn complain(&mut self, path: &str, what: String) {
        let (line, column) = self.places.at(path);
        self.problems.push(Problem::new(self.file, line, column, what));
    }

    /// The number of a name among those that there are.
    fn number<'n>(&mut self, path: &str, what: &str, name: &str, of: impl Iterator<Item = &'n str>) -> Option<usize> {
        let names: Vec<&str> = of.collect();
        let found = names.iter().position(|known| *known == name);
        if found.is_none() {
            let (line, column) = self.places.at(path);
            let near = nearest(name, names.iter().copied()).map(|near| format!("did you mean {near:?}?"));
            let problem = Problem::new(self.file, line, column, format!("there is no {what} {name:?} in this world"));
            self.problems.push(problem.suggesting(near));
        }
        found
    }

    fn unique<'n>(&mut self, path: &str, what: &str, names: impl Iterator<Item = &'n str>) {
        let names: Vec<&str> = names.collect();
        for (at, name) in names.iter().enumerate() {
            if names[..at].contains(name) {
                self.complain(&format!("{path}[{at}]"), format!("there are two {what}s {name:?}"));
            }
        }
    }

    fn node(&mut self, path: &str, name: &str) -> Option<usize> {
        let spec = self.spec;
        self.number(path, "node", name, spec.nodes.iter().map(|node| node.id.as_str()))
    }

    /// The numbers of these nodes; of all where none is named.
    fn nodes(&mut self, path: &str, names: &[String]) -> Vec<usize> {
        if names.is_empty() {
            return (0..self.spec.nodes.len()).collect();
        }
        names.iter().filter_map(|name| self.node(path, name)).collect()
    }

    fn variable(&mut self, path: &str, name: &str) -> Option<usize> {
        let spec = self.spec;
        self.number(path, "variable", name, spec.variables.iter().map(|variable| variable.name.as_str()))
    }

    fn jq(&mut self, path: &str, code: &str) -> Option<Filter> {
        Filter::compile(code, &[]).map_err(|why| self.complain(path, why)).ok()
    }

    /// Every `{name}` of a text must be a variable, or what every text finds.
    fn text(&mut self, path: &str, text: &str, more: &[&str]) {
        for name in placeholders(text) {
            if !GIVEN.contains(&name) && !more.contains(&name) {
                self.variable(path, name);
            }
        }
    }

    fn script(&mut self, system: &SystemId) -> Option<Script> {
        let spec = self.spec;
        self.unique("nodes", "node", spec.nodes.iter().map(|node| node.id.as_str()));
        self.unique("units", "unit", spec.units.iter().map(|unit| unit.name.as_str()));
        self.unique("variables", "variable", spec.variables.iter().map(|variable| variable.name.as_str()));
        self.unique("logs", "log", spec.logs.iter().map(|log| log.id.as_str()));
        self.unique("faults", "fault", spec.faults.iter().map(|fault| fault.name.as_str()));
        let (cells, heads, derived) = self.variables();
        let endpoints = (0..spec.endpoints.len()).map(|at| self.endpoint(at)).collect::<Vec<_>>();
        let ports = self.ports();
        let unit_of = self.units();
        self.logs();
        for (at, fault) in spec.faults.iter().enumerate() {
            self.fault(&format!("faults[{at}]"), fault);
        }
        let files = self.files();
        let disks = self.disks();
        let programs = self.programs();
        Some(Script {
            system: system.clone(),
            // The caller puts the real one here: it is still borrowed.
            spec: WorldSpec {
                nodes: Vec::new(),
                settings: BTreeMap::new(),
                units: Vec::new(),
                variables: Vec::new(),
                endpoints: Vec::new(),
                logs: Vec::new(),
                files: Vec::new(),
                disks: Vec::new(),
                programs: Vec::new(),
                faults: Vec::new(),
            },
            ports,
            cells,
            heads,
            unit_of,
            derived,
            endpoints: endpoints.into_iter().collect::<Option<_>>()?,
            files: files?,
            disks: disks?,
            programs: programs?,
        })
    }

    #[expect(clippy::type_complexity, reason = "three parts of one walk")]
    fn variables(&mut self) -> (Vec<Place>, Vec<(usize, usize)>, Vec<Option<Filter>>) {
        let (mut cells, mut heads, mut derived) = (Vec::new(), Vec::new(), Vec::new());
        for (at, variable) in self.spec.variables.iter().enumerate() {
            let path = format!("variables[{at}]");
            if GIVEN.contains(&variable.name.as_str()) {
                self.complain(&format!("{path}.name"), format!("every program finds {:?} already", variable.name));
            }
            let nodes = self.nodes(&format!("{path}.nodes"), &variable.nodes);
            let series = variable.series.len().max(1);
            let alike = |one: &SeriesSpec| one.labels.keys().eq(variable.series[0].labels.keys());
            if !variable.series.iter().all(alike) {
                self.complain(&format!("{path}.series"), "its series have different labels".to_owned());
            }
            cells.extend(
                nodes
                    .iter()
                    .flat_map(|node| (0..series).map(move |series| Place { variable: at, node: *node, series })),
            );
            derived.push(match &variable.kind {
                KindSpec::Of(code) => self.jq(&format!("{path}.kind"), code),
                KindSpec::Counter(_)
                | KindSpec::Gauge(_)
                | KindSpec::Walk(_)
                | KindSpec::Histogram(_)
                | KindSpec::Height(_)
                | KindSpec::Hash(_)
                | KindSpec::State(_)
                | KindSpec::Flag(_)
                | KindSpec::Time(_)
                | KindSpec::Uptime => None,
            });
            match &variable.kind {
                KindSpec::Height(height) => {
                    heads.extend((0..series).map(|series| (at, series)));
                    if height.every_seconds <= 0.0 {
                        self.complain(&format!("{path}.kind.every_seconds"), "it must be more than 0".to_owned());
                    }
                }
                KindSpec::Hash(hash) => {
                    let above = self.variable(&format!("{path}.kind.of"), &hash.of);
                    if above.is_some_and(|above| above >= at) {
                        self.complain(&format!("{path}.kind.of"), format!("{:?} must stand above it", hash.of));
                    }
                }
                KindSpec::State(state) if state.of.is_empty() => {
                    self.complain(&format!("{path}.kind.of"), "it names no state".to_owned());
                }
                KindSpec::Histogram(histogram) if !histogram.buckets.is_sorted() || histogram.median <= 0.0 => {
                    let what = "its buckets must grow and its median must be more than 0";
                    self.complain(&format!("{path}.kind"), what.to_owned());
                }
                KindSpec::Counter(_)
                | KindSpec::Gauge(_)
                | KindSpec::Walk(_)
                | KindSpec::Histogram(_)
                | KindSpec::State(_)
                | KindSpec::Flag(_)
                | KindSpec::Time(_)
                | KindSpec::Uptime
                | KindSpec::Of(_) => {}
            }
        }
        if cells.len() > MOST_CELLS {
            self.complain("variables", format!("they have {} values, and at most {MOST_CELLS} can live", cells.len()));
        }
        (cells, heads, derived)
    }

    fn port_ids(&self) -> Vec<&'a str> {
        let spec = self.spec;
        spec.nodes.iter().flat_map(|node| node.ports.iter().map(|port| port.id.as_str())).collect()
    }

    fn endpoint(&mut self, at: usize) -> Option<Programs> {
        let spec = &self.spec.endpoints[at];
        let path = format!("endpoints[{at}]");
        let ids = self.port_ids();
        self.number(&format!("{path}.port"), "port", &spec.port, ids.into_iter());
        self.nodes(&format!("{path}.nodes"), &spec.nodes);
        if !spec.path.starts_with('/') {
            self.complain(&format!("{path}.path"), "it must begin with a slash".to_owned());
        }
        let answers = format!("{path}.answers");
        let mut programs = Programs::default();
        if let Some(code) = &spec.status {
            programs.status = Some(self.jq(&format!("{path}.status"), code)?);
        }
        match &spec.answers {
            AnswerSpec::Json(parts) => {
                for (nth, part) in parts.iter().enumerate() {
                    programs.parts.push(self.jq(&format!("{answers}[{nth}]"), part)?);
                }
            }
            AnswerSpec::Exposition(exposition) => {
                for (nth, family) in exposition.families.iter().enumerate() {
                    self.family(&format!("{answers}.families[{nth}]"), family);
                }
            }
            AnswerSpec::Query(families) => {
                for (nth, family) in families.iter().enumerate() {
                    self.family(&format!("{answers}[{nth}]"), family);
                }
            }
            AnswerSpec::Rpc(rpc) => {
                for (nth, (name, method)) in rpc.methods.iter().enumerate() {
                    if let MethodSpec::Result(code) = method {
                        let filter = self.jq(&format!("{answers}.methods[{nth}]"), code)?;
                        programs.methods.insert(name.clone(), filter);
                    }
                }
            }
            AnswerSpec::Page(page) => self.text(&format!("{answers}.body"), &page.body, &[]),
        }
        Some(programs)
    }

    fn family(&mut self, path: &str, family: &str) {
        match family.strip_suffix('*') {
            Some(begin) if self.spec.variables.iter().any(|variable| variable.name.starts_with(begin)) => {}
            Some(begin) => self.complain(path, format!("no variable begins with {begin:?}")),
            None => drop(self.variable(path, family)),
        }
    }

    fn ports(&mut self) -> Vec<Port> {
        let spec = self.spec;
        let mut ports = Vec::new();
        for (node, of) in spec.nodes.iter().enumerate() {
            self.unique(&format!("nodes[{node}].ports"), "port", of.ports.iter().map(|port| port.id.as_str()));
            for (nth, port) in of.ports.iter().enumerate() {
                let here =
                    |one: &EndpointSpec| one.port == port.id && (one.nodes.is_empty() || one.nodes.contains(&of.id));
                let endpoints = (0..spec.endpoints.len()).filter(|at| here(&spec.endpoints[*at])).collect();
                ports.push(Port { node, nth, endpoints });
            }
        }
        ports
    }

    fn units(&mut self) -> Vec<Option<usize>> {
        let spec = self.spec;
        let mut unit_of = vec![None; spec.nodes.len()];
        for (at, unit) in spec.units.iter().enumerate() {
            for name in &unit.nodes {
                if let Some(node) = self.node(&format!("units[{at}].nodes"), name) {
                    unit_of[node] = Some(at);
                }
            }
        }
        unit_of
    }

    fn unit(&mut self, path: &str, name: &str) {
        let spec = self.spec;
        self.number(path, "unit", name, spec.units.iter().map(|unit| unit.name.as_str()));
    }

    fn logs(&mut self) {
        for (at, log) in self.spec.logs.iter().enumerate() {
            let path = format!("logs[{at}]");
            self.node(&format!("{path}.node"), &log.node);
            if let Some(unit) = &log.unit {
                self.unit(&format!("{path}.unit"), unit);
            }
            for (nth, line) in log.lines.iter().enumerate() {
                self.text(&format!("{path}.lines[{nth}].text"), &line.text, &IN_RECORDS);
            }
            for (nth, text) in log.at_start.iter().enumerate() {
                self.text(&format!("{path}.at_start[{nth}]"), text, &IN_RECORDS);
            }
        }
    }

    fn fault(&mut self, path: &str, fault: &FaultSpec) {
        if on_the_way().any(|known| known.name() == fault.name) {
            self.complain(&format!("{path}.name"), format!("every world has a fault {:?} already", fault.name));
        }
        for (nth, effect) in fault.effects.iter().enumerate() {
            let path = format!("{path}.effects[{nth}]");
            match effect {
                EffectSpec::Variable(effect) => {
                    self.nodes(&format!("{path}.nodes"), &effect.nodes);
                    if let Some(variable) = self.variable(&format!("{path}.name"), &effect.name) {
                        self.does(&path, variable, &effect.labels, &effect.does);
                    }
                }
                EffectSpec::Endpoint(effect) => {
                    let ids = self.port_ids();
                    self.number(&format!("{path}.port"), "port", &effect.port, ids.into_iter());
                    self.nodes(&format!("{path}.nodes"), &effect.nodes);
                    if let Some(of) = &effect.path {
                        let spec = self.spec;
                        let paths = spec.endpoints.iter().filter(|one| one.port == effect.port);
                        self.number(&format!("{path}.path"), "path", of, paths.map(|one| one.path.as_str()));
                    }
                }
                EffectSpec::Log(effect) => {
                    let spec = self.spec;
                    let logs = spec.logs.iter().map(|log| log.id.as_str());
                    self.number(&format!("{path}.log"), "log", &effect.log, logs);
                    for (nth, text) in effect.texts.iter().enumerate() {
                        self.text(&format!("{path}.texts[{nth}]"), text, &IN_RECORDS);
                    }
                }
                EffectSpec::Down(node) | EffectSpec::Fork(node) => drop(self.node(&path, node)),
                EffectSpec::Fails(unit) => self.unit(&path, unit),
                EffectSpec::Missing(file) => {
                    let spec = self.spec;
                    self.number(&path, "file", file, spec.files.iter().map(|file| file.path.as_str()));
                }
            }
        }
    }

    fn does(&mut self, path: &str, variable: usize, labels: &BTreeMap<String, String>, does: &Does) {
        let spec = &self.spec.variables[variable];
        let has = |one: &SeriesSpec| labels.iter().all(|(name, value)| one.labels.get(name) == Some(value));
        if !labels.is_empty() && !spec.series.iter().any(has) {
            self.complain(&format!("{path}.labels"), format!("{:?} has no series with these labels", spec.name));
        }
        let fits = match does {
            Does::Behind(_) => matches!(spec.kind, KindSpec::Height(_)),
            Does::Slower(_) => matches!(spec.kind, KindSpec::Histogram(_)),
            Does::PerSecond(_) => matches!(spec.kind, KindSpec::Counter(_) | KindSpec::Histogram(_)),
            Does::Step(_) => {
                matches!(spec.kind, KindSpec::Counter(_) | KindSpec::Gauge(_) | KindSpec::Walk(_) | KindSpec::Height(_))
            }
            Does::Rate(_) => !matches!(spec.kind, KindSpec::Hash(_) | KindSpec::Flag(_) | KindSpec::Of(_)),
            Does::Freeze | Does::Set(_) | Does::Null | Does::Drop => true,
        };
        if !fits {
            self.complain(&format!("{path}.does"), format!("this can not be done to {:?}", spec.name));
        }
    }

    fn files(&mut self) -> Option<Vec<FilePrograms>> {
        let mut files = Vec::new();
        for (at, file) in self.spec.files.iter().enumerate() {
            let path = format!("files[{at}]");
            if let Some(node) = &file.node {
                self.node(&format!("{path}.node"), node);
            }
            if let Some(text) = &file.text {
                self.text(&format!("{path}.text"), text, &IN_RECORDS);
            }
            if file.path.starts_with('/') || file.path.split('/').any(|part| part == "..") {
                self.complain(&format!("{path}.path"), "it must be within the folder of the system".to_owned());
            }
            let size = self.jq(&format!("{path}.size_bytes"), &file.size_bytes);
            let age = file.age_seconds.as_ref().map(|code| self.jq(&format!("{path}.age_seconds"), code));
            let count = file.count.as_ref().map(|code| self.jq(&format!("{path}.count"), code));
            files.push(FilePrograms { size: size?, age: age.flatten(), count: count.flatten() });
        }
        Some(files)
    }

    fn disks(&mut self) -> Option<Vec<(Filter, Filter)>> {
        let mut disks = Vec::new();
        for (at, disk) in self.spec.disks.iter().enumerate() {
            let path = format!("disks[{at}]");
            if let Some(node) = &disk.node {
                self.node(&format!("{path}.node"), node);
            }
            let size = self.jq(&format!("{path}.size_bytes"), &disk.size_bytes);
            let free = self.jq(&format!("{path}.free_bytes"), &disk.free_bytes);
            disks.push((size?, free?));
        }
        Some(disks)
    }

    fn programs(&mut self) -> Option<Vec<RunPrograms>> {
        let mut programs = Vec::new();
        for (at, program) in self.spec.programs.iter().enumerate() {
            let path = format!("programs[{at}]");
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
            let first = program.argv.first();
            if !first.is_some_and(|name| !name.is_empty() && name.chars().all(plain) && !name.starts_with('.')) {
                self.complain(&format!("{path}.argv"), "its first word must be the name of a program".to_owned());
            }
            if let Some(node) = &program.node {
                self.node(&format!("{path}.node"), node);
            }
            if let Some(text) = &program.stderr {
                self.text(&format!("{path}.stderr"), text, &[]);
            }
            let stdout = self.jq(&format!("{path}.stdout"), &program.stdout);
            let code = program.code.as_ref().map(|code| self.jq(&format!("{path}.code"), code));
            programs.push(RunPrograms { stdout: stdout?, code: code.flatten() });
        }
        Some(programs)
    }
}

/// The `{name}`s of a text. Braces around anything else stand for themselves.
pub(super) fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let within = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let plain = move |name: &&str| name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(within);
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).filter(plain)
}
