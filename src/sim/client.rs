//! How a console drives a running demo: the control port's address and token come from the demo's folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::SimError;
use super::exchange::Request;
use super::folder::{ControlFile, DemoFolder};
use super::http;
use super::service::{ServiceState, Verb};
use super::timeline::Past;
use super::world::Ran;
pub use crate::model::FaultState;

/// Largest answer that is read.
pub(super) const ANSWER_LIMIT: u64 = 16 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// A running demo, as its folder tells.
#[derive(Clone, Debug)]
pub struct Control {
    pub file: ControlFile,
    /// Host and port of the control URL.
    pub(super) address: String,
}

/// Who answers on the control port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub opsconsole_demo: bool,
    pub systems: Vec<String>,
    pub surface: String,
    pub pid: u32,
    /// Nothing where the demo is of a version that did not tell.
    #[serde(default)]
    pub seed: Option<u64>,
    /// How old the fault was that the demo began with.
    #[serde(default)]
    pub fault_age_seconds: Option<u64>,
}

/// A simulated unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// With its type.
    pub unit: String,
    pub active: ServiceState,
    /// The serving process; 0 while the service is not active.
    pub main_pid: u32,
    /// `2026-11-21T03:04:05.678Z`
    pub since: String,
    /// What systemd would start it with.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// What a simulated program did; nothing where there is none that is called so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    pub ran: Option<Ran>,
}

/// A read whose past is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PastRead<'a> {
    pub system: &'a str,
    /// The node and the endpoint of `system.ron`; the first address where they are empty.
    pub node: &'a str,
    pub endpoint: &'a str,
    pub request: &'a Request,
}

impl Control {
    /// Reads where the demo of this folder is controlled.
    ///
    /// # Errors
    /// The folder is not a demo's or not safe, or no demo runs there.
    pub fn of_folder(folder: &Path) -> Result<Control, SimError> {
        let file = DemoFolder::open(folder)?.read_control()?;
        let address = file.control_url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        Ok(Control { file, address })
    }

    /// Sends one request and reads the whole answer.
    async fn ask(&self, method: &str, target: &str) -> Result<String, SimError> {
        let fail = |why: String| SimError::Control { address: self.address.clone(), why };
        let exchange = async {
            let mut stream = TcpStream::connect(&self.address).await?;
            let request = http::control_request(method, target, &self.address, &self.file.token);
            stream.write_all(request.as_bytes()).await?;
            let mut bytes = Vec::new();
            stream.take(ANSWER_LIMIT).read_to_end(&mut bytes).await?;
            Ok::<_, std::io::Error>(bytes)
        };
        let bytes = timeout(PATIENCE, exchange)
            .await
            .map_err(|_| fail("no answer within 30 s".to_owned()))?
            .map_err(|error| fail(error.to_string()))?;
        self.judge(method, target, &bytes)
    }

    /// The body of a good answer.
    pub(super) fn judge(&self, method: &str, target: &str, bytes: &[u8]) -> Result<String, SimError> {
        let (status, body) =
            http::whole_answer(bytes).map_err(|why| SimError::Control { address: self.address.clone(), why })?;
        if status == 200 {
            return Ok(body);
        }
        Err(SimError::Refused { request: format!("{method} {target}"), status, detail: body.trim().to_owned() })
    }

    pub(super) fn read<T: DeserializeOwned>(&self, body: &str) -> Result<T, SimError> {
        serde_json::from_str(body)
            .map_err(|error| SimError::Control { address: self.address.clone(), why: error.to_string() })
    }
}

/// Switches a fault, and returns when the ports follow it. It is named as `SYSTEM/NAME`, or as `NAME` where only one of
/// the systems has it.
///
/// # Errors
/// The demo does not answer, or knows no such fault, or several.
pub async fn set_fault(control: &Control, name: &str, on: bool) -> Result<FaultState, SimError> {
    let name = encoded(name);
    control.read(&control.ask("POST", &format!("/faults/{name}?on={on}")).await?)
}

/// Switches every fault off, of one system or of all, and returns every fault of all of them when the ports follow.
///
/// # Errors
/// The demo does not answer, or has no such system.
pub async fn cure(control: &Control, system: Option<&str>) -> Result<Vec<FaultState>, SimError> {
    let of = system.map(|system| format!("?system={}", encoded(system))).unwrap_or_default();
    control.read(&control.ask("POST", &format!("/cure{of}")).await?)
}

/// Every fault with its sentence and state.
///
/// # Errors
/// The demo does not answer.
pub async fn faults(control: &Control) -> Result<Vec<FaultState>, SimError> {
    control.read(&control.ask("GET", "/faults").await?)
}

/// What polls of this read would have brought every `step` of the last 15 minutes, oldest first. Polls that would have
/// failed on their way are left out.
///
/// # Errors
/// The demo does not answer, or has no such address.
pub async fn history(control: &Control, read: PastRead<'_>, step: Duration) -> Result<Vec<Past>, SimError> {
    let request = read.request;
    let pairs = [
        ("system", read.system),
        ("node", read.node),
        ("endpoint", read.endpoint),
        ("method", &request.method),
        ("path", &request.path),
        ("query", &request.query),
        ("body", &request.body),
        ("step_seconds", &step.as_secs_f64().to_string()),
    ];
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let lines = control.ask("GET", &format!("/history?{query}")).await?;
    lines.lines().map(|line| control.read(line)).collect()
}

/// Who answers on the control port.
///
/// # Errors
/// The demo does not answer.
pub async fn identity(control: &Control) -> Result<Identity, SimError> {
    control.read(&control.ask("GET", "/identity").await?)
}

/// A simulated unit as it is.
///
/// # Errors
/// The demo does not answer, or has no such unit.
pub async fn service(control: &Control, unit: &str) -> Result<ServiceReport, SimError> {
    control.read(&control.ask("GET", &service_target("", unit)).await?)
}

/// Commands a simulated unit, and returns when no start is under way any more.
///
/// # Errors
/// The demo does not answer, or has no such unit.
pub async fn command_service(control: &Control, unit: &str, verb: Verb) -> Result<ServiceReport, SimError> {
    control.read(&control.ask("POST", &service_target(verb.name(), unit)).await?)
}

/// Where a unit is told of, or commanded and waited for.
pub(super) fn service_target(verb: &str, unit: &str) -> String {
    let unit = encoded(unit);
    if verb.is_empty() { format!("/service?unit={unit}") } else { format!("/service/{verb}?wait=true&unit={unit}") }
}

/// Where a program is run.
pub(super) fn run_target(argv: &[String]) -> String {
    format!("/run?argv={}", encoded(&serde_json::to_string(argv).unwrap_or_default()))
}

pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
