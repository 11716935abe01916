//! Targets, their nodes and their addresses.

use std::collections::BTreeMap;

use super::described::described;
use crate::base::{Credentials, EndpointId, NodeId, SecretRef, SourceId, SystemId, TargetId};
use crate::model::{Labels, SourceState};
use crate::runbook::seal::{Environment, Host, Privilege};
use crate::runbook::template;
use crate::sources::server::Server;
use crate::sources::{BoundSource, Machine, SourceKindSpec, SourceSpec, backfill};
use crate::systems::spec::EndpointSpec;
use crate::systems::{SettingValue, SystemSpec};

described! {
    /// A configuration of opsconsole, in RON. Check it with opsconsole config check.
    #[derive(Default)]
    pub struct ConfigSpec {
        /// The deployments to watch, each of one system.
        pub targets: Vec<TargetSpec>,
        /// Where journals, locks and run folders live: an absolute path. Left out, it is /var/lib/opsconsole where
        /// that exists, so that operators exclude each other, else a folder of your own.
        #[serde(default)]
        #[example("\"/var/lib/opsconsole\"")]
        pub state_root: Option<String>,
        /// The colours: dark, light, high-contrast, colour-blind-safe, mono, or the name of a file in themes/.
        #[serde(default)]
        #[example("\"dark\"")]
        pub theme: Option<String>,
        /// The keys: default, vim, or the name of a file in keymaps/.
        #[serde(default)]
        #[example("\"default\"")]
        pub keymap: Option<String>,
        /// How many colours: auto, never, 16, 256 or 24bit.
        #[serde(default)]
        #[example("\"auto\"")]
        pub colour: Option<String>,
        /// Rule files of your own, as Prometheus reads them; they are read again when they change.
        #[serde(default)]
        pub rules: Vec<RuleFileSpec>,
    }
}

described! {
    /// A Prometheus rule file.
    pub struct RuleFileSpec {
        /// An absolute path.
        #[example("\"/etc/prometheus/rules/node.yml\"")]
        pub file: String,
        /// The major version of the Prometheus that it was written for: 2 or 3; 3 where it is left out.
        #[serde(default)]
        #[example("2")]
        pub prometheus: Option<f64>,
        /// The targets that its rules are for; every one where it is left out.
        #[serde(default)]
        #[example("[\"node-exporter\"]")]
        pub targets: Vec<TargetId>,
    }
}

described! {
    /// One deployment of a system.
    pub struct TargetSpec {
        /// Its name, as shown, and as typed to confirm what is done to it.
        #[example("\"node-exporter\"")]
        pub id: TargetId,
        /// The kind of node.
        #[example("\"prometheus\"")]
        pub system: SystemId,
        /// How careful everyone must be: Development, Staging, Production. Demo is for simulated nodes.
        #[example("Staging")]
        pub environment: Environment,
        /// Where its commands run: Local, which is this machine. Left out, the console only observes, whatever the
        /// environment.
        #[serde(default)]
        #[example("Local")]
        pub host: Option<Host>,
        /// As whom its commands run. Nothing ever prompts: None, SudoNonInteractive("root") or Polkit. Every target
        /// with a host says it.
        #[serde(default = "no_privilege")]
        #[example("SudoNonInteractive(\"root\")")]
        pub privilege: Privilege,
        /// Its members.
        pub nodes: Vec<NodeSpec>,
        /// What differs from the system's defaults: Number(60.0) or Text("name").
        #[serde(default)]
        #[example("{}")]
        pub settings: BTreeMap<String, SettingValue>,
        /// Where the secrets are kept that its runbooks need to be let in, by the names that its system gives them:
        /// Env names an environment variable of the console, File a file that only its owner may read. A secret is
        /// never written here. Without it, what needs it is refused before anything is done.
        #[serde(default)]
        #[example("{}")]
        pub secrets: BTreeMap<String, SecretRef>,
        /// Seconds between two reads of every source. No source is read more often than its system allows.
        #[serde(default)]
        #[example("15.0")]
        pub interval_seconds: Option<f64>,
        /// Seconds between two reads of single sources, by their names.
        #[serde(default)]
        #[example("{\"metrics\": 30.0}")]
        pub intervals: BTreeMap<String, f64>,
        /// Requests per second that all sources of this target may make together; 5 where it is left out.
        #[serde(default = "default_rate")]
        #[example("5.0")]
        pub requests_per_second: f64,
        /// A server with Prometheus' HTTP API that scrapes this target: its memory fills the ranges and charts of the
        /// console at start, and it can be asked from the page of metrics. Its matchers say which of its series are
        /// those of this target, as between the braces of a selector; left out, they are those whose instance is that
        /// of an endpoint here. Its auth is as that of an endpoint.
        #[serde(default)]
        #[example("(url: \"http://127.0.0.1:9090\")")]
        pub prometheus: Option<PrometheusSpec>,
        /// What binds a simulated target to its folder. Written by opsconsole demo, never by hand.
        #[serde(default)]
        pub demo: Option<DemoSpec>,
    }
}

described! {
    /// A member of a target.
    pub struct NodeSpec {
        /// Its name, unique within the target.
        #[example("\"node-1\"")]
        pub id: NodeId,
        /// Where it answers.
        pub endpoints: Vec<EndpointAddressSpec>,
        /// What differs from the target's settings for what is read of this node alone, such as the folder of its data.
        #[serde(default)]
        #[example("{}")]
        pub settings: BTreeMap<String, SettingValue>,
    }
}

described! {
    /// An address of a node.
    pub struct EndpointAddressSpec {
        /// Which of the system's endpoints it is.
        #[example("\"metrics\"")]
        pub id: EndpointId,
        /// Where it answers, without a path of its own unless everything lies below one.
        #[example("\"http://127.0.0.1:9100\"")]
        pub url: String,
        /// The job label of its series; the system's own where it is left out.
        #[serde(default)]
        #[example("\"node\"")]
        pub job: Option<String>,
        /// The instance label of its series; host and port where it is left out.
        #[serde(default)]
        #[example("\"node-1:9100\"")]
        pub instance: Option<String>,
        /// What reads identify themselves with: Bearer(Env("NAME")) or Basic(user: "ops", password: File("/path")).
        /// A secret is never written here, only where it is found: Env names an environment variable of the console,
        /// File a file that only its owner may read. It is sent over https, and over http to this machine alone.
        #[serde(default)]
        #[example("Bearer(File(\"/etc/opsconsole/token\"))")]
        pub auth: Option<Credentials>,
    }
}

described! {
    /// A server with Prometheus' HTTP API.
    pub struct PrometheusSpec {
        /// Where it answers.
        #[example("\"http://127.0.0.1:9090\"")]
        pub url: String,
        /// Which of its series are those of this target, as between the braces of a selector. Left out, they are those
        /// whose instance is that of an endpoint here.
        #[serde(default)]
        #[example("\"job=\\\"node\\\"\"")]
        pub matchers: Option<String>,
        /// What the questions identify themselves with, as for an endpoint.
        #[serde(default)]
        #[example("Bearer(File(\"/etc/opsconsole/token\"))")]
        pub auth: Option<Credentials>,
    }
}

impl PrometheusSpec {
    #[must_use]
    pub fn server(&self) -> Server {
        Server { url: self.url.trim_end_matches('/').to_owned(), credentials: self.auth.clone() }
    }
}

described! {
    /// What binds a simulated target to its scratch folder.
    pub struct DemoSpec {
        /// The only folder whose executables its commands may run.
        pub folder: String,
        /// Where the simulation takes faults.
        pub control_url: String,
    }
}

fn no_privilege() -> Privilege {
    Privilege::None
}

fn default_rate() -> f64 {
    5.0
}

impl TargetSpec {
    /// The address that is proven to be this target's, and that its runbooks send requests to: its first.
    #[must_use]
    pub fn acting_endpoint(&self) -> Option<&EndpointAddressSpec> {
        self.nodes.first().and_then(|node| node.endpoints.first())
    }

    /// The same as text, without a slash at its end.
    #[must_use]
    pub fn acting_url(&self) -> &str {
        self.acting_endpoint().map_or("", |endpoint| endpoint.url.trim_end_matches('/'))
    }

    /// The sources of a system on every node of this target.
    #[must_use]
    pub fn bind(&self, system: &SystemSpec) -> Vec<BoundSource> {
        let mut bound: Vec<BoundSource> = Vec::new();
        for node in &self.nodes {
            let own = self.settings.iter().chain(&node.settings);
            let own = own.map(|(name, value)| (name.clone(), value.clone())).collect();
            let settings = system.settings_text(&own);
            for address in &node.endpoints {
                for source in system.sources.iter().filter(|source| source.endpoint == address.id.as_str()) {
                    let once = source.once || source.kind.asks_server();
                    if !once || bound.iter().all(|other| other.spec.id != source.id) {
                        bound.push(self.bind_one(system, source, &settings, (node, address), once));
                    }
                }
            }
        }
        bound
    }

    /// What a system would read at endpoints that no node of this target has, each source once, and why nobody does.
    #[must_use]
    pub fn unbound(&self, system: &SystemSpec) -> Vec<SourceState> {
        let configured = |id: &str| {
            let mut addresses = self.nodes.iter().flat_map(|node| &node.endpoints);
            addresses.any(|address| address.id.as_str() == id)
        };
        let without = system.endpoints.iter().filter(|endpoint| !configured(&endpoint.id));
        let read_there = without.flat_map(|endpoint| {
            let of_it = system.sources.iter().filter(|source| source.endpoint == endpoint.id);
            of_it.map(move |source| (endpoint, source))
        });
        let state = |(endpoint, source): (&EndpointSpec, &SourceSpec)| {
            let id = SourceId::of(&self.id, &NodeId::new(NO_NODE), &EndpointId::new(&endpoint.id), &source.id);
            let why = format!("the target names no endpoint {}", endpoint.id);
            let names = source.kind.names();
            let mut state = SourceState::unbound(id, self.id.clone(), source.kind.read(), why);
            state.declares_all = names.is_some();
            state.declares = names.unwrap_or_else(|| source.tells.promises.keys().cloned().collect());
            state.declares.extend(source.names_of_itself().map(str::to_owned));
            // Of which node it would be nobody knows, so that it may be of any that is asked for.
            state.labels = Labels::from_pairs([("target", self.id.as_str()), ("job", endpoint.job.as_str())]);
            state
        };
        read_there.map(state).collect()
    }

    fn bind_one(
        &self,
        system: &SystemSpec,
        source: &SourceSpec,
        settings: &BTreeMap<String, String>,
        (node, address): (&NodeSpec, &EndpointAddressSpec),
        once: bool,
    ) -> BoundSource {
        let fill = |text: &str| {
            template::fill(text, |name| {
                settings.get(name).cloned().ok_or_else(|| format!("{{{name}}} is not a setting of {}", self.system))
            })
        };
        let (kind, mut machine) = match source.kind.filled(&fill) {
            Ok(kind) => {
                let machine = kind.is_of_machine().then(|| self.machine(address));
                (kind, machine)
            }
            // The loader has seen that every name is a setting; what is left is a value that may not stand there, and
            // a read that can not be made says so.
            Err(why) => (source.kind.clone(), Some(Machine::Elsewhere { why })),
        };
        let endpoint = system.endpoints.iter().find(|endpoint| endpoint.id == address.id.as_str());
        let mut base_url = address.url.trim_end_matches('/').to_owned();
        let mut credentials = address.auth.clone();
        let kind = match (kind, &self.prometheus) {
            (SourceKindSpec::PromqlApi(asked), Some(server)) => {
                Server { url: base_url, credentials } = server.server();
                SourceKindSpec::PromqlApi(asked.of_series(self.matchers_at(server)))
            }
            (kind @ SourceKindSpec::PromqlApi(_), None) => {
                let why = "the target names no prometheus: set it to the server that scrapes it".to_owned();
                machine = Some(Machine::Elsewhere { why });
                kind
            }
            (kind, _) => kind,
        };
        let job = address.job.as_deref().or(endpoint.map(|endpoint| endpoint.job.as_str()));
        let mut labels = Labels::from_pairs([("target", self.id.as_str()), ("job", job.unwrap_or_default())]);
        if !once {
            labels = labels.with("node", node.id.as_str());
        }
        if !source.kind.asks_server() {
            labels = labels.with("instance", &address.instance());
        }
        let budget = source.budget.as_ref();
        let budget = budget.and_then(|name| system.budgets.iter().find(|budget| budget.name == *name));
        BoundSource {
            id: SourceId::of(&self.id, &node.id, &address.id, &source.id),
            target: self.id.clone(),
            budget: budget.map(|budget| budget.at(&base_url)),
            base_url,
            labels,
            credentials,
            recognise: endpoint.filter(|_| source.decides_up).and_then(|endpoint| system.recognises(endpoint).cloned()),
            http: endpoint.map(|endpoint| endpoint.http).unwrap_or_default(),
            spec: SourceSpec { kind, interval_seconds: self.interval_of(source), ..source.clone() },
            machine,
        }
    }

    /// Which series of the server are those of this target: as it says, else those of its endpoints' instances.
    fn matchers_at(&self, server: &PrometheusSpec) -> String {
        server.matchers.clone().unwrap_or_else(|| {
            let endpoints = self.nodes.iter().flat_map(|node| &node.endpoints);
            backfill::instances(endpoints.map(EndpointAddressSpec::instance))
        })
    }

    /// Seconds between two reads of a source: as given for it, or for the target, or by its system; never less than
    /// its floor.
    #[must_use]
    pub fn interval_of(&self, source: &SourceSpec) -> f64 {
        let wanted = self.intervals.get(&source.id).copied().or(self.interval_seconds);
        wanted.unwrap_or(source.interval_seconds).max(floor_seconds(source))
    }

    /// The machine of a node: files, units and programs are read only where it is the one the console runs on.
    fn machine(&self, address: &EndpointAddressSpec) -> Machine {
        let elsewhere = |why: &str| Machine::Elsewhere { why: why.to_owned() };
        match (&self.host, &self.demo) {
            (Some(Host::Local), Some(demo)) => Machine::Simulated { folder: demo.folder.clone() },
            (Some(Host::Local), None) if self.environment == Environment::Demo => {
                elsewhere("the target is declared as a simulation and names no folder; nothing of this machine is read")
            }
            (Some(Host::Local), None) if self.nodes.len() > 1 && !address.is_loopback() => elsewhere(
                "the target has several nodes and this one's address is not loopback; run a console on its own machine",
            ),
            (Some(Host::Local), None) => Machine::Here,
            (Some(Host::Ssh(_)), _) => elsewhere("reading over ssh is not built; run a console on the node's machine"),
            (None, _) => {
                elsewhere("the target names no host; where the console runs on the node's machine, set host: Local")
            }
        }
    }
}

/// What stands for the node of a source that has none.
const NO_NODE: &str = "-";

/// The shortest interval that a source may be given: a read that costs the node something is never made more often than
/// its system says, any other once a second, or as often as its kind allows.
#[must_use]
pub fn floor_seconds(source: &SourceSpec) -> f64 {
    let usual = if source.cost.is_some() { source.interval_seconds } else { source.interval_seconds.min(1.0) };
    usual.max(source.kind.least_interval().as_secs_f64())
}

impl EndpointAddressSpec {
    /// Whether the address can only be of this machine.
    fn is_loopback(&self) -> bool {
        let Ok(url) = url::Url::parse(&self.url) else { return false };
        match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            // Of a scheme that the library does not know, an address is a name.
            Some(url::Host::Domain(name)) => {
                let digits = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '.');
                name == "localhost" || name.strip_prefix("127.").is_some_and(digits)
            }
            None => false,
        }
    }

    /// The `instance` label: as given, else host and port.
    #[must_use]
    pub fn instance(&self) -> String {
        match (&self.instance, url::Url::parse(&self.url)) {
            (Some(instance), _) => instance.clone(),
            (None, Ok(url)) => {
                format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
            }
            (None, Err(_)) => self.url.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
