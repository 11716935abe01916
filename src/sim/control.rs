//! The control port: takes faults and service commands, and tells the node's past.
//!
//! | request | answer |
//! |---|---|
//! | `GET /identity` | `{"opsconsole_demo": true, …}`; needs no token, so that anyone can tell a demo from a node |
//! | `GET /faults` | every fault with its sentence and state |
//! | `POST /faults/SYSTEM%2FNAME?on=true` | the fault as it now is, when the ports follow it; `NAME` where it is one |
//! | `POST /cure`, with `?system=NAME` for one of them | every fault, when all are off and the ports follow |
//! | `GET /service?unit=NAME` | `{"unit", "active", "main_pid", "since"}` |
//! | `POST /service/restart`, `start`, `stop`, each `?unit=NAME` | the unit; with `wait=true` when no start is under way |
//! | `POST /service/daemon-reload` | `{}`; the drop-ins read again |
//! | `GET /log?unit=NAME&after=NUMBER` | what the unit said after that record, as far as it is remembered |
//! | `GET /run?argv=["psql","-c","…"]` | what a program of a simulated machine does |
//! | `GET /history?system=…&node=…&endpoint=…&path=…` | a JSON line per poll of the last 15 minutes, oldest first |
//!
//! Must never: listen beyond loopback, or obey a request without the token or with a `Host` that is not loopback: a
//! web page in the operator's browser reaches this port too.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, Request as HttpRequest, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::backend::{Backend, VARIABLE};
use super::client::{FaultState, Identity, RunReport, ServiceReport};
use super::exchange::Request;
use super::record::LogRecord;
use super::service::{Service, ServiceState, Verb};
use super::simulation::{Event, LogPlace};
use super::stage::Stage;
use crate::base::{Digest, Wall};

/// Header that carries the token.
pub const TOKEN_HEADER: &str = "x-demo-token";

/// Reads the unit's drop-ins again.
pub(super) const RELOAD: &str = "daemon-reload";

const HISTORY_STEP_SECONDS: f64 = 5.0;

#[derive(Clone)]
struct Desk {
    stages: Arc<Vec<Stage>>,
    token: Digest,
    identity: Identity,
    backend: Backend,
}

/// The control port's routes.
pub fn router(stages: Vec<Stage>, token: &str, identity: Identity, backend: Backend) -> Router {
    // Only the token's digest is kept: comparing digests tells nothing about the token by its duration.
    let desk = Desk { stages: Arc::new(stages), token: Digest::of(token.as_bytes()), identity, backend };
    Router::new()
        .route("/faults", get(list_faults))
        .route("/faults/{name}", post(switch_fault))
        .route("/cure", post(cure))
        .route("/service", get(tell_service))
        .route("/service/{verb}", post(command_service))
        .route("/history", get(tell_history))
        .route("/run", get(run_program))
        .route("/log", get(tell_log))
        .route_layer(middleware::from_fn_with_state(desk.clone(), require_token))
        .route("/identity", get(tell_identity))
        .layer(middleware::from_fn(require_loopback))
        .with_state(desk)
}

async fn require_loopback(request: HttpRequest, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    if host.is_some_and(is_loopback) {
        next.run(request).await
    } else {
        refuse(StatusCode::FORBIDDEN, "this port is for this machine only")
    }
}

async fn require_token(State(desk): State<Desk>, request: HttpRequest, next: Next) -> Response {
    if shows_token(request.headers(), &desk.token) {
        next.run(request).await
    } else {
        refuse(StatusCode::FORBIDDEN, "the token of the demo's folder is missing or wrong")
    }
}

fn shows_token(headers: &HeaderMap, token: &Digest) -> bool {
    headers.get(TOKEN_HEADER).is_some_and(|shown| Digest::of(shown.as_bytes()) == *token)
}

/// Whether a `Host` header names loopback, with or without a port.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

fn refuse(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"error": why}))).into_response()
}

async fn tell_identity(State(desk): State<Desk>) -> Json<Identity> {
    Json(desk.identity)
}

async fn list_faults(State(desk): State<Desk>) -> Json<Vec<FaultState>> {
    Json(desk.stages.iter().flat_map(faults_of).collect())
}

fn faults_of(stage: &Stage) -> Vec<FaultState> {
    stage.look(|play, _| play.faults(stage.simulation.system.as_str()))
}

#[derive(Deserialize)]
struct Switch {
    on: bool,
}

async fn switch_fault(State(desk): State<Desk>, Path(name): Path<String>, Query(to): Query<Switch>) -> Response {
    let (system, name) = match name.split_once('/') {
        Some((system, name)) => (Some(system), name),
        None => (None, name.as_str()),
    };
    let has = |stage: &&Stage| {
        system.is_none_or(|system| stage.simulation.system.as_str() == system)
            && stage.simulation.fault_names().iter().any(|known| known == name)
    };
    let having: Vec<&Stage> = desk.stages.iter().filter(has).collect();
    let stage = match having.as_slice() {
        [stage] => *stage,
        [] => return refuse(StatusCode::NOT_FOUND, &format!("no such fault; there are {}", all_faults(&desk))),
        several => {
            let names = several.iter().map(|stage| format!("{}/{name}", stage.simulation.system));
            let names = names.collect::<Vec<_>>().join(", ");
            return refuse(StatusCode::CONFLICT, &format!("several systems have this fault; say which: {names}"));
        }
    };
    stage.change_and_follow(Event::Fault { name: name.to_owned(), on: to.on }).await;
    match faults_of(stage).into_iter().find(|fault| fault.name == name) {
        Some(state) => Json(state).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "no such fault"),
    }
}

#[derive(Deserialize)]
struct OfSystem {
    #[serde(default)]
    system: Option<String>,
}

async fn cure(State(desk): State<Desk>, Query(of): Query<OfSystem>) -> Response {
    let is = |stage: &&Stage| of.system.as_ref().is_none_or(|system| stage.simulation.system.as_str() == *system);
    if !desk.stages.iter().any(|stage| is(&stage)) {
        return refuse(StatusCode::NOT_FOUND, "there is no such system");
    }
    for stage in desk.stages.iter().filter(is) {
        for fault in faults_of(stage).into_iter().filter(|fault| fault.on) {
            stage.change_and_follow(Event::Fault { name: fault.name, on: false }).await;
        }
    }
    list_faults(State(desk.clone())).await.into_response()
}

/// Every fault as it is switched.
fn all_faults(desk: &Desk) -> String {
    let of = |stage: &Stage| {
        let names = stage.simulation.fault_names();
        // Where there is one system, its name is not needed.
        let begin = if desk.stages.len() == 1 { String::new() } else { format!("{}/", stage.simulation.system) };
        names.into_iter().map(|name| format!("{begin}{name}")).collect::<Vec<_>>()
    };
    desk.stages.iter().flat_map(of).collect::<Vec<_>>().join(", ")
}

#[derive(Deserialize)]
struct OfUnit {
    #[serde(default)]
    unit: String,
    #[serde(default)]
    wait: bool,
}

const NO_UNIT: &str = "there is no such unit";

/// The system that has this unit, which is named with its type.
fn stage_of<'a>(desk: &'a Desk, unit: &str) -> Option<&'a Stage> {
    desk.stages.iter().find(|stage| stage.look(|play, _| play.service(unit).is_some()))
}

async fn tell_service(State(desk): State<Desk>, Query(of): Query<OfUnit>) -> Response {
    let Some(stage) = stage_of(&desk, &of.unit) else { return refuse(StatusCode::NOT_FOUND, NO_UNIT) };
    told(stage, &of.unit)
}

async fn command_service(State(desk): State<Desk>, Path(verb): Path<String>, Query(of): Query<OfUnit>) -> Response {
    if verb == RELOAD {
        desk.stages.iter().for_each(|stage| stage.load(desk.backend.variable()));
        return Json(json!({})).into_response();
    }
    let Some(verb) = Verb::named(&verb) else {
        return refuse(StatusCode::NOT_FOUND, "no such command; there are restart, start, stop and daemon-reload");
    };
    let Some(stage) = stage_of(&desk, &of.unit) else { return refuse(StatusCode::NOT_FOUND, NO_UNIT) };
    desk.backend.before(stage, verb);
    stage.change_and_follow(Event::Service { unit: of.unit.clone(), verb }).await;
    if of.wait {
        stage.settled(&of.unit).await;
    }
    told(stage, &of.unit)
}

fn told(stage: &Stage, unit: &str) -> Response {
    match stage.look(|play, _| play.service(unit).map(|service| (service, play.environment(unit)))) {
        Some((service, environment)) => Json(report(stage, unit, service, environment)).into_response(),
        None => refuse(StatusCode::NOT_FOUND, NO_UNIT),
    }
}

fn report(stage: &Stage, unit: &str, service: Service, mut environment: BTreeMap<String, String>) -> ServiceReport {
    let runs = matches!(service.state, ServiceState::Active);
    environment.extend(stage.loaded().map(|millis| (VARIABLE.to_owned(), millis.to_string())));
    ServiceReport {
        unit: unit.to_owned(),
        active: service.state,
        main_pid: if runs { std::process::id() } else { 0 },
        since: Wall(service.since).to_string(),
        environment,
    }
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    after: u64,
}

/// What a unit said; without a unit, what the first one did.
async fn tell_log(State(desk): State<Desk>, Query(which): Query<After>) -> Json<Vec<LogRecord>> {
    let said = |stage: &Stage| {
        stage.look(|play, _| {
            let is = |place: &LogPlace| which.unit.as_ref().is_none_or(|unit| place.unit.as_ref() == Some(unit));
            let place = play.logs().into_iter().find(is)?;
            Some(play.records_after(place.log, which.after))
        })
    };
    Json(desk.stages.iter().find_map(said).unwrap_or_default())
}

#[derive(Deserialize)]
struct Run {
    argv: String,
}

async fn run_program(State(desk): State<Desk>, Query(run): Query<Run>) -> Response {
    let argv: Vec<String> = match serde_json::from_str(&run.argv) {
        Ok(argv) => argv,
        Err(error) => return refuse(StatusCode::BAD_REQUEST, &format!("argv is no list of words: {error}")),
    };
    let ran = desk.stages.iter().find_map(|stage| stage.look(|play, now| play.ran(now, &argv)));
    Json(RunReport { ran }).into_response()
}

#[derive(Deserialize)]
struct Which {
    system: String,
    #[serde(default)]
    node: String,
    #[serde(default)]
    endpoint: String,
    #[serde(default = "get_method")]
    method: String,
    path: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    step_seconds: Option<f64>,
}

fn get_method() -> String {
    "GET".to_owned()
}

async fn tell_history(State(desk): State<Desk>, Query(which): Query<Which>) -> Response {
    if !which.path.starts_with('/') {
        return refuse(StatusCode::BAD_REQUEST, "path must begin with a slash");
    }
    let Some(stage) = desk.stages.iter().find(|stage| stage.simulation.system.as_str() == which.system) else {
        return refuse(StatusCode::NOT_FOUND, "there is no such system");
    };
    let is = |address: &super::simulation::Address| {
        which.endpoint.is_empty() || (address.node == which.node && address.endpoint == which.endpoint)
    };
    let Some(address) = stage.simulation.addresses().into_iter().find(is) else {
        return refuse(StatusCode::NOT_FOUND, "there is no such address");
    };
    let step = which.step_seconds.filter(|step| step.is_finite()).unwrap_or(HISTORY_STEP_SECONDS).clamp(1.0, 900.0);
    let mut request = Request::new(&which.method, &which.path).at_port(address.port).with_body(&which.body);
    if !which.query.is_empty() {
        request.query = which.query;
    }
    // The past is lived again in a moment or two, in which the other ports are to answer too.
    let stage = stage.clone();
    let lived = tokio::task::spawn_blocking(move || stage.history(&request, (step * 1000.0) as i64)).await;
    let lines = lived
        .map_err(|error| error.to_string())
        .and_then(|past| past.iter().map(json_line).collect::<Result<String, _>>().map_err(|error| error.to_string()));
    match lines {
        Ok(lines) => ([("content-type", "application/x-ndjson")], lines).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error),
    }
}

fn json_line<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(|line| line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_pass() {
        let check = |host, want| assert_eq!(is_loopback(host), want, "{host}");
        check("127.0.0.1:4000", true);
        check("127.0.0.1", true);
        check("localhost:1", true);
        check("[::1]:4000", true);
        check("demo.example:4000", false);
        check("127.0.0.1.example:4000", false);
        check("127.0.0.1:4000@example", false);
        check("", false);
    }
}
