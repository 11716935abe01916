//! Targets, their nodes and their addresses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{EndpointId, NodeId, Problem, SourceId, SystemId, TargetId, ron_text};
use crate::model::Labels;
use crate::runbook::seal::{Environment, Host, Privilege};
use crate::sources::BoundSource;
use crate::systems::{SettingValue, SystemSpec};

/// A configuration file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigSpec {
    pub targets: Vec<TargetSpec>,
    /// Where journals, locks and run folders live. `/var/lib/opsconsole` where it exists, else per user.
    #[serde(default)]
    pub state_root: Option<String>,
    /// The name of a theme: dark, light, high-contrast, colour-blind-safe, mono, or of a file in `themes/`.
    #[serde(default)]
    pub theme: Option<String>,
    /// The name of a keymap: default, vim, or of a file in `keymaps/`.
    #[serde(default)]
    pub keymap: Option<String>,
    /// How many colours: auto, never, 16, 256 or 24bit.
    #[serde(default)]
    pub colour: Option<String>,
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
                        spec: source.clone(),
                    });
                }
            }
        }
        bound
    }
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
