//! Targets, their nodes and their addresses.

use std::collections::BTreeMap;

use super::described::described;
use crate::base::{Credentials, EndpointId, NodeId, SourceId, SystemId, TargetId};
use crate::model::Labels;
use crate::runbook::seal::{Environment, Host, Privilege};
use crate::sources::{BoundSource, SourceSpec};
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
        /// Where its commands run: Local, which is this machine. Left out, the console only observes. A target in
        /// Production says which of the two it is: Local or None.
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
    /// The sources of a system on every node of this target.
    #[must_use]
    pub fn bind(&self, system: &SystemSpec) -> Vec<BoundSource> {
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
                    bound.push(BoundSource {
                        id: SourceId::of(&self.id, &node.id, &address.id, &source.id),
                        target: self.id.clone(),
                        base_url: address.url.trim_end_matches('/').to_owned(),
                        labels: labels.clone(),
                        credentials: address.auth.clone(),
                        spec: SourceSpec { interval_seconds: self.interval_of(source), ..source.clone() },
                    });
                }
            }
        }
        bound
    }

    /// Seconds between two reads of a source: as given for it, or for the target, or by its system; never less than
    /// its floor.
    #[must_use]
    pub fn interval_of(&self, source: &SourceSpec) -> f64 {
        let wanted = self.intervals.get(&source.id).copied().or(self.interval_seconds);
        wanted.unwrap_or(source.interval_seconds).max(floor_seconds(source))
    }
}

/// The shortest interval that a source may be given: a read that costs the node something is never made more often than
/// its system says, any other once a second.
#[must_use]
pub fn floor_seconds(source: &SourceSpec) -> f64 {
    if source.cost.is_some() { source.interval_seconds } else { source.interval_seconds.min(1.0) }
}

impl EndpointAddressSpec {
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
