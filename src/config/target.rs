//! Targets, their nodes and their addresses.

use std::collections::BTreeMap;

use super::described::described;
use crate::base::{Credentials, EndpointId, NodeId, SecretRef, SourceId, SystemId, TargetId};
use crate::model::Labels;
use crate::runbook::seal::{Environment, Host, Privilege};
use crate::runbook::template;
use crate::sources::server::Server;
use crate::sources::{BoundSource, Machine, SourceKindSpec, SourceSpec, backfill};
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
                elsewhere("it is of the node's machine; if the console runs on that one, set host: Local on the target")
            }
        }
    }
}

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
mod tests {
    use super::*;
    use crate::systems::spec;

    const SYSTEM: &str = r#"(
        title: "t", summary: "s", endpoints: [(id: "api", job: "j", default_port: 1)],
        settings: [(name: "data_folder", help: "", value: Text("/var/lib/node"))],
        sources: [
            (id: "port", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0, decides_up: true, kind: Tcp(())),
            (id: "disk", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0, kind: Disk((path: "{data_folder}"))),
        ],
        allowed_reads: ["TCP connect", "statvfs {data_folder}"],
    )"#;

    fn bound(fields: &str, urls: &[&str]) -> Vec<BoundSource> {
        let node = |(at, url): (usize, &&str)| format!(r#"(id: "n{at}", endpoints: [(id: "api", url: "{url}")])"#);
        let nodes = urls.iter().enumerate().map(node).collect::<Vec<_>>().join(",");
        let text = format!(r#"(targets: [(id: "t", system: "s", {fields} nodes: [{nodes}])])"#);
        let target = ConfigSpec::parse("test", &text).expect("a configuration").targets.remove(0);
        target.bind(&spec::load("system.ron", SYSTEM).expect("a system"))
    }

    #[test]
    fn a_machine_is_read_only_where_it_is_this_one() {
        let check = |fields: &str, urls: &[&str], want: &str| {
            let bound = bound(fields, urls);
            let [.., port, disk] = bound.as_slice() else { panic!("two sources of each node") };
            assert_eq!(port.machine, None, "the port is asked over the network");
            assert!(disk.shown().contains(want), "{}", disk.shown());
        };
        let here = "http://127.0.0.1:3001";
        check("environment: Production, host: Some(Local),", &[here], "statvfs /var/lib/node on this machine");
        check("environment: Production, host: Some(Local),", &["http://10.0.0.7:3001"], "on this machine");
        check("environment: Production, host: Some(Local),", &[here, "http://localhost:2"], "on this machine");
        check("environment: Production, host: Some(Local),", &[here, "http://[::1]:2"], "on this machine");
        check("environment: Production, host: Some(Local),", &[here, "http://10.0.0.7:2"], "several nodes");
        check("environment: Production,", &[here], "set host: Local on the target");
        check("environment: Production, host: Some(Ssh(\"h\")),", &[here], "ssh is not built");
        check("environment: Demo, host: Some(Local),", &[here], "nothing of this machine is read");
        let demo = "environment: Demo, host: Some(Local), demo: Some((folder: \"/tmp/d\", control_url: \"\")),";
        check(demo, &[here], "statvfs /var/lib/node in the simulation");
        let own = "environment: Production, host: Some(Local), settings: {\"data_folder\": Text(\"/data\")},";
        check(own, &[here], "statvfs /data on this machine");
    }

    /// Three nodes asked directly, and the balancer before them.
    const CLUSTER: &str = r#"(
        title: "t", summary: "s",
        endpoints: [(id: "api", job: "node", default_port: 8081), (id: "balancer", job: "lb", default_port: 8080)],
        settings: [(name: "volume", help: "", value: Text("/volumes/node1_data"))],
        budgets: [(name: "reads", help: "", per_second: 4.0)],
        sources: [
            (id: "health", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0, decides_up: true, kind: Tcp(())),
            (id: "volume", endpoint: "api", interval_seconds: 60.0, timeout_seconds: 9.0, kind: Folder((path: "{volume}"))),
            (id: "backup", endpoint: "api", interval_seconds: 60.0, timeout_seconds: 9.0, once: true, kind: File((path: "/b"))),
            (id: "lb", endpoint: "balancer", interval_seconds: 5.0, timeout_seconds: 1.0, decides_up: true, kind: Tcp(())),
            (id: "chain", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0, budget: Some("reads"),
             kind: JsonRpc((method: "chain.tip"))),
            (id: "ratio", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0,
             kind: PromqlApi((expr: "sum(x)", name: "ratio", help: ""))),
        ],
        allowed_reads: ["TCP connect", "du {volume}", "stat /b", "rpc chain.tip", "promql sum(x)"],
    )"#;

    fn cluster(fields: &str) -> Vec<BoundSource> {
        let node = |at: usize| {
            format!(
                r#"(id: "node{at}", endpoints: [(id: "api", url: "http://127.0.0.1:808{at}")],
                    settings: {{"volume": Text("/volumes/node{at}_data")}})"#
            )
        };
        let nodes: Vec<String> = (1..=3).map(node).collect();
        let text = format!(
            r#"(targets: [(id: "t", system: "s", environment: Production, host: Some(Local), privilege: None, {fields}
                nodes: [{}, (id: "lb", endpoints: [(id: "balancer", url: "http://127.0.0.1:8080")])])])"#,
            nodes.join(",")
        );
        let target = ConfigSpec::parse("test", &text).expect("a configuration").targets.remove(0);
        target.bind(&spec::load("system.ron", CLUSTER).expect("a system"))
    }

    #[test]
    fn a_source_is_read_on_every_node_that_has_its_endpoint() {
        let bound = cluster("");
        let of = |id: &str| -> Vec<&BoundSource> { bound.iter().filter(|source| source.spec.id == id).collect() };
        let nodes = |id: &str| of(id).iter().map(|source| source.labels.get("node").to_owned()).collect::<Vec<_>>();
        assert_eq!(nodes("health"), ["node1", "node2", "node3"]);
        assert_eq!(nodes("lb"), ["lb"]);
        assert_eq!(nodes("backup"), [""], "what is of the whole is read once, and is of no node");
        let read = |id: &str| of(id).iter().map(|source| source.spec.kind.read()).collect::<Vec<_>>();
        assert_eq!(read("volume"), [1, 2, 3].map(|at| format!("du /volumes/node{at}_data")), "each has its own");
        let keys: Vec<_> = of("chain").iter().filter_map(|source| Some(source.budget.as_ref()?.key.as_str())).collect();
        assert_eq!(keys, [1, 2, 3].map(|at| format!("reads at this machine:808{at}")));
        assert!(of("health").iter().all(|source| source.budget.is_none()));
    }

    #[test]
    fn an_expression_is_asked_of_the_targets_server_once() {
        let ratio = |fields: &str| {
            let mut bound = cluster(fields);
            bound.retain(|source| source.spec.id == "ratio");
            let [one] = bound.as_slice() else { panic!("{} of them", bound.len()) };
            one.clone()
        };
        assert!(ratio("").not_read().is_some_and(|why| why.contains("names no prometheus")));
        let server = "prometheus: Some((url: \"http://127.0.0.1:9090/\", matchers: Some(\"job=\\\"x\\\"\"))),";
        let one = ratio(server);
        assert_eq!(
            (one.base_url.as_str(), one.labels.to_string().as_str()),
            ("http://127.0.0.1:9090", r#"{job="node",target="t"}"#)
        );
        let address = |one: BoundSource| crate::sources::Source::compile(one).expect("it compiles").address();
        let want = "GET http://127.0.0.1:9090/api/v1/query?query=sum%28x%7Bjob%3D%22x%22%7D%29";
        assert_eq!(address(one).as_deref(), Ok(want));
        let found = address(ratio("prometheus: Some((url: \"http://127.0.0.1:9090\")),")).expect("an address");
        assert!(found.contains("instance%3D%7E%22127") && found.contains("8083"), "{found}");
    }

    #[test]
    fn mistakes_in_what_is_shared_are_told_with_what_was_meant() {
        let check = |from: &str, to: &str, want: &str| {
            let problems = spec::load("system.ron", &CLUSTER.replace(from, to)).expect_err(want);
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(words.iter().any(|word| word.contains(want)), "{words:?}");
        };
        check(r#"Some("reads")"#, r#"Some("read")"#, r#"which is not declared; did you mean "reads"?"#);
        check("per_second: 4.0", "per_second: 400.0", "budget \"reads\": per_second is 400");
        let twice = r#"budgets: [(name: "reads", help: "", per_second: 1.0),"#;
        check("budgets: [", twice, "is declared twice");
        check("chain.tip\"))", "chain.tips\"))", r#"did you mean "rpc chain.tip"?"#);
        check("chain.tip", "chain.set_tip", "named as one that changes something (set)");
        check("sum(x)\", name", "sum(x\", name", "not PromQL");
        check(
            "60.0, timeout_seconds: 9.0, kind: Folder",
            "5.0, timeout_seconds: 9.0, kind: Folder",
            "at most every 10s",
        );
        check("(path: \"{volume}\")", "(path: \"{volume}\", deepest: 900)", "deepest is 900");
        check("once: true, kind", "once: true, decides_up: true, kind", "can not decide whether a node is up");
    }

    #[test]
    fn a_system_declares_what_it_reads_and_which_settings_it_uses() {
        let check = |from: &str, to: &str, want: &str| {
            let problems = spec::load("system.ron", &SYSTEM.replace(from, to)).expect_err(want);
            let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(words.iter().any(|word| word.contains(want)), "{words:?}");
        };
        check(r#""statvfs {data_folder}""#, "", r#"makes the read "statvfs {data_folder}""#);
        check(r#"path: "{data_folder}""#, r#"path: "{folder}""#, "{folder} is not one of the settings");
        let units = r#"Units((units: ["node"]))"#;
        check(r#"Disk((path: "{data_folder}"))"#, units, "a source that starts a program is read at most every 10s");
    }
}
