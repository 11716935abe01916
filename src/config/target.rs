//! Targets, their nodes and their addresses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{EndpointId, NodeId, Problem, SourceId, SystemId, TargetId, ron_text};
use crate::model::Labels;
use crate::runbook::seal::{Environment, Host, Privilege};
use crate::runbook::template;
use crate::sources::{BoundSource, Machine, SourceSpec};
use crate::systems::{SettingValue, SystemSpec};

/// A configuration file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigSpec {
    pub targets: Vec<TargetSpec>,
    /// Where journals, locks and run folders live. `/var/lib/opsconsole` where it exists, else per user.
    #[serde(default)]
    pub state_root: Option<String>,
}

/// One deployment of a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetSpec {
    pub id: TargetId,
    pub system: SystemId,
    pub environment: Environment,
    /// Where its commands run. Without one, the console only observes.
    #[serde(default)]
    pub host: Option<Host>,
    #[serde(default = "no_privilege")]
    pub privilege: Privilege,
    pub nodes: Vec<NodeSpec>,
    #[serde(default)]
    pub settings: BTreeMap<String, SettingValue>,
    /// Requests per second that all sources of this target may make together.
    #[serde(default = "default_rate")]
    pub requests_per_second: f64,
    /// Set for simulated targets only.
    #[serde(default)]
    pub demo: Option<DemoSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    pub id: NodeId,
    pub endpoints: Vec<EndpointAddressSpec>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointAddressSpec {
    /// One of the system's endpoints.
    pub id: EndpointId,
    /// `http://127.0.0.1:3001`
    pub url: String,
    /// The `job` label; the system's own where it is not given.
    #[serde(default)]
    pub job: Option<String>,
    /// The `instance` label; host and port of the URL where it is not given.
    #[serde(default)]
    pub instance: Option<String>,
}

/// What binds a simulated target to its scratch folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemoSpec {
    /// The only folder whose executables its commands may run.
    pub folder: String,
    /// Where the simulation takes faults: `http://127.0.0.1:PORT`.
    pub control_url: String,
}

fn no_privilege() -> Privilege {
    Privilege::None
}

fn default_rate() -> f64 {
    5.0
}

impl ConfigSpec {
    /// Reads a configuration file's text.
    ///
    /// # Errors
    /// Every mistake found, with its place where it is known.
    pub fn parse(file: &str, text: &str) -> Result<ConfigSpec, Vec<Problem>> {
        ron_text::parse(file, text).map_err(|problem| vec![problem])
    }
}

impl TargetSpec {
    /// The sources of a system on every node of this target.
    #[must_use]
    pub fn bind(&self, system: &SystemSpec) -> Vec<BoundSource> {
        let settings = system.settings_text(&self.settings);
        let fill = |text: &str| {
            template::fill(text, |name| {
                settings.get(name).cloned().ok_or_else(|| format!("{{{name}}} is not a setting of {}", self.system))
            })
        };
        let mut bound = Vec::new();
        for node in &self.nodes {
            for address in &node.endpoints {
                let job = system
                    .endpoints
                    .iter()
                    .find(|endpoint| endpoint.id == address.id.as_str())
                    .map(|endpoint| endpoint.job.as_str());
                let labels = Labels::from_pairs([
                    ("target", self.id.as_str()),
                    ("node", node.id.as_str()),
                    ("job", address.job.as_deref().or(job).unwrap_or_default()),
                    ("instance", &address.instance()),
                ]);
                for source in system.sources.iter().filter(|source| source.endpoint == address.id.as_str()) {
                    let (kind, machine) = match source.kind.filled(&fill) {
                        Ok(kind) => {
                            let machine = kind.is_of_machine().then(|| self.machine(address));
                            (kind, machine)
                        }
                        // The loader has seen that every name is a setting; what is left is a value that may not stand
                        // there, and a read that can not be made says so.
                        Err(why) => (source.kind.clone(), Some(Machine::Elsewhere { why })),
                    };
                    bound.push(BoundSource {
                        id: SourceId::of(&self.id, &node.id, &address.id, &source.id),
                        target: self.id.clone(),
                        base_url: address.url.trim_end_matches('/').to_owned(),
                        labels: labels.clone(),
                        spec: SourceSpec { kind, ..source.clone() },
                        machine,
                    });
                }
            }
        }
        bound
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
            (None, _) => elsewhere(
                "it is of the node's machine; if the console runs on that one, set host: Some(Local) on the target",
            ),
        }
    }
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
        check("environment: Production,", &[here], "set host: Some(Local) on the target");
        check("environment: Production, host: Some(Ssh(\"h\")),", &[here], "ssh is not built");
        check("environment: Demo, host: Some(Local),", &[here], "nothing of this machine is read");
        let demo = "environment: Demo, host: Some(Local), demo: Some((folder: \"/tmp/d\", control_url: \"\")),";
        check(demo, &[here], "statvfs /var/lib/node in the simulation");
        let own = "environment: Production, host: Some(Local), settings: {\"data_folder\": Text(\"/data\")},";
        check(own, &[here], "statvfs /data on this machine");
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
