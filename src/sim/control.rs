//! The control port: takes faults and service commands, and tells the node's past.
//!
//! | request | answer |
//! |---|---|
//! | `GET /identity` | `{"opsconsole_demo": true, …}`; needs no token, so that anyone can tell a demo from a node |
//! | `GET /faults` | every fault with its sentence and state |
//! | `POST /faults/NAME?on=true` | the fault as it now is, when the port follows it |
//! | `GET /service` | `{"active", "main_pid", "since"}` |
//! | `POST /service/restart`, `start`, `stop` | the service; with `?wait=true` when no start is under way any more |
//! | `POST /service/daemon-reload` | the service, its drop-ins read again |
//! | `GET /log?after=NUMBER` | what the node said after that record, as far as it remembers |
//! | `GET /history?path=/volchain/health` | a JSON line per poll of the last 15 minutes, oldest first |
//!
//! Must never: listen beyond loopback, or obey a request without the token or with a `Host` that is not loopback: a
//! web page in the operator's browser reaches this port too.

use axum::extract::{Path, Query, Request as HttpRequest, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::backend::Backend;
use super::client::{FaultState, Identity, ServiceReport};
use super::stage::Stage;
use super::volchain::{Change, Fault, LogRecord, Request, Service, ServiceState, Verb};
use crate::base::{Digest, Wall};

/// Header that carries the token.
pub const TOKEN_HEADER: &str = "x-demo-token";

/// Reads the unit's drop-ins again.
pub(super) const RELOAD: &str = "daemon-reload";

const HISTORY_STEP_SECONDS: f64 = 5.0;

#[derive(Clone)]
struct Desk {
    stage: Stage,
    token: Digest,
    identity: Identity,
    backend: Backend,
}

/// The control port's routes.
pub fn router(stage: Stage, token: &str, identity: Identity, backend: Backend) -> Router {
    // Only the token's digest is kept: comparing digests tells nothing about the token by its duration.
    let desk = Desk { stage, token: Digest::of(token.as_bytes()), identity, backend };
    Router::new()
        .route("/faults", get(list_faults))
        .route("/faults/{name}", post(switch_fault))
        .route("/service", get(tell_service))
        .route("/service/{verb}", post(command_service))
        .route("/history", get(tell_history))
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
    Json(Fault::ALL.into_iter().map(|fault| state_of(&desk.stage, fault)).collect())
}

#[derive(Deserialize)]
struct Switch {
    on: bool,
}

async fn switch_fault(State(desk): State<Desk>, Path(name): Path<String>, Query(to): Query<Switch>) -> Response {
    let Some(fault) = Fault::named(&name) else {
        let known: Vec<&str> = Fault::ALL.into_iter().map(Fault::name).collect();
        return refuse(StatusCode::NOT_FOUND, &format!("no such fault; there are {}", known.join(", ")));
    };
    desk.stage.change_and_follow(Change::Fault { fault, on: to.on }).await;
    Json(state_of(&desk.stage, fault)).into_response()
}

fn state_of(stage: &Stage, fault: Fault) -> FaultState {
    FaultState {
        name: fault.name().to_owned(),
        sentence: fault.sentence().to_owned(),
        kind: fault.kind(),
        on: stage.look(|timeline, _| timeline.node().fault_on(fault)),
    }
}

async fn tell_service(State(desk): State<Desk>) -> Json<ServiceReport> {
    Json(report(&desk, desk.stage.look(|timeline, _| timeline.node().service())))
}

#[derive(Deserialize)]
struct Wait {
    #[serde(default)]
    wait: bool,
}

async fn command_service(State(desk): State<Desk>, Path(verb): Path<String>, Query(how): Query<Wait>) -> Response {
    if verb == RELOAD {
        desk.stage.load(desk.backend.variable());
        return Json(report(&desk, desk.stage.look(|timeline, _| timeline.node().service()))).into_response();
    }
    let Some(verb) = Verb::named(&verb) else {
        return refuse(StatusCode::NOT_FOUND, "no such command; there are restart, start, stop and daemon-reload");
    };
    desk.backend.before(&desk.stage, verb);
    desk.stage.change_and_follow(Change::Service(verb)).await;
    let service =
        if how.wait { desk.stage.settled().await } else { desk.stage.look(|timeline, _| timeline.node().service()) };
    Json(report(&desk, service)).into_response()
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn tell_log(State(desk): State<Desk>, Query(which): Query<After>) -> Json<Vec<LogRecord>> {
    Json(desk.stage.look(|timeline, _| timeline.node().records_after(which.after)))
}

fn report(desk: &Desk, service: Service) -> ServiceReport {
    let runs = matches!(service.state, ServiceState::Active);
    ServiceReport {
        active: service.state,
        main_pid: if runs { std::process::id() } else { 0 },
        since: Wall(service.since).to_string(),
        barrier_timeout_ms: desk.stage.loaded(),
    }
}

#[derive(Deserialize)]
struct Which {
    path: String,
    #[serde(default)]
    step_seconds: Option<f64>,
}

async fn tell_history(State(desk): State<Desk>, Query(which): Query<Which>) -> Response {
    if !which.path.starts_with('/') {
        return refuse(StatusCode::BAD_REQUEST, "path must begin with a slash");
    }
    let step = which.step_seconds.filter(|step| step.is_finite()).unwrap_or(HISTORY_STEP_SECONDS).clamp(1.0, 900.0);
    let past = desk.stage.history(&Request::get(&which.path), (step * 1000.0) as i64);
    match past.iter().map(json_line).collect::<Result<String, _>>() {
        Ok(lines) => ([("content-type", "application/x-ndjson")], lines).into_response(),
        Err(error) => refuse(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
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
