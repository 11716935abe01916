//! What the ports of a world answer.

use serde_json::{Map, Value};

use super::limit::Bucket;
use super::rpc;
use super::spec::{AnswerSpec, EffectSpec, EndpointEffectSpec, EndpointSpec, Mangles, PageSpec, RefusalSpec};
use super::state::World;
use super::view::{fill, plain, tried};
use crate::sim::exchange::{Answer, Delivery, Request};
use crate::sim::volchain::Fault;

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a sluggish node adds to every answer.
const SLUGGISH_MILLIS: u64 = 2_500;

/// An endpoint that a request found, and what stands for the `{…}`s of its path.
struct Found {
    number: usize,
    words: Map<String, Value>,
}

/// Status, type and body of an answer, and what it costs.
struct Content {
    status: u16,
    content_type: String,
    body: String,
    takes_millis: u64,
}

impl Content {
    fn new(status: u16, content_type: &str, body: String) -> Content {
        Content { status, content_type: content_type.to_owned(), body, takes_millis: 2 }
    }
}

impl World {
    pub(super) fn reply(&self, now: i64, request: &Request) -> Answer {
        let mut headers = Vec::new();
        let content = if self.on_the_way.on(Fault::Redirect) {
            headers.push(("Location", "/login".to_owned()));
            Content::new(302, HTML, "<!DOCTYPE html>\n<p>Found. Redirecting to /login</p>\n".to_owned())
        } else if self.on_the_way.on(Fault::Status500) {
            Content::new(500, JSON, r#"{"error":"internal server error"}"#.to_owned())
        } else if self.on_the_way.on(Fault::Html) {
            Content::new(
                200,
                HTML,
                "<!DOCTYPE html>\n<title>Sign in</title>\n<p>Please sign in to continue</p>\n".to_owned(),
            )
        } else {
            self.content(now, request)
        };
        let longer = if self.on_the_way.on(Fault::Sluggish) { SLUGGISH_MILLIS } else { 0 };
        Answer {
            status: content.status,
            content_type: content.content_type.into(),
            headers,
            date_millis: self.clock(now),
            body: content.body,
            takes_millis: content.takes_millis + longer,
        }
    }

    /// How the answer to this request travels.
    pub(super) fn travels(&self, request: &Request) -> Delivery {
        if !self.listening(request.port) {
            return Delivery::Refused;
        }
        let worst = self.on_the_way.delivery();
        if worst != Delivery::Whole {
            return worst;
        }
        let path = self.find(request).map(|found| self.script.endpoint(found.number).path.clone());
        let delivered = self.mangles(request.port, path.as_deref()).find_map(|mangles| match mangles {
            Mangles::Delivery(delivery) => Some(*delivery),
            Mangles::Status(_) | Mangles::Page(_) | Mangles::Missing | Mangles::Slow(_) | Mangles::RpcError(..) => None,
        });
        delivered.unwrap_or(Delivery::Whole)
    }

    /// Counts the request where there is a limit, and refuses it where there were too many.
    pub(super) fn count(&mut self, now: i64, request: &Request) -> Option<Answer> {
        let found = self.find(request)?;
        let script = std::sync::Arc::clone(&self.script);
        let spec = script.endpoint(found.number);
        let methods = rpc::methods(&request.body);
        for (nth, limit) in spec.limits.iter().enumerate() {
            let counts = |method: &&String| limit.methods.is_empty() || rpc::is_among(&limit.methods, method);
            let many = if limit.methods.is_empty() { 1 } else { methods.iter().filter(counts).count() };
            if many == 0 {
                continue;
            }
            let bucket = self.buckets.entry((found.number, nth)).or_insert_with(|| Bucket::full(limit, now));
            if let Some(refusal) = bucket.take(limit, now, many) {
                let content = match refusal {
                    RefusalSpec::Rpc(code, message) => {
                        Content::new(200, JSON, rpc::refused(&request.body, *code, message))
                    }
                    RefusalSpec::Page(page) => Content::new(page.status, &page.content_type, page.body.clone()),
                };
                return Some(Answer {
                    status: content.status,
                    content_type: content.content_type.into(),
                    headers: Vec::new(),
                    date_millis: self.clock(now),
                    body: content.body,
                    takes_millis: 1,
                });
            }
        }
        None
    }

    fn content(&self, now: i64, request: &Request) -> Content {
        let Some(port) = self.script.ports.get(request.port) else {
            return Content::new(404, TEXT, String::new());
        };
        let Some(found) = self.find(request) else { return self.unknown(now, request) };
        let spec = self.script.endpoint(found.number);
        let mut page = None;
        let (mut status, mut slow_millis, mut rpc_errors) = (None, 0, Vec::new());
        for mangles in self.mangles(request.port, Some(&spec.path)) {
            match mangles {
                Mangles::Status(other) => status = Some(*other),
                Mangles::Page(other) => page = Some(other),
                Mangles::Missing => return self.unknown(now, request),
                Mangles::Slow(seconds) => slow_millis += (seconds * 1000.0) as u64,
                Mangles::RpcError(method, code, message) => rpc_errors.push((method, *code, message)),
                Mangles::Delivery(_) => {}
            }
        }
        let mut content = if let Some(page) = page {
            self.page(now, port.node, page)
        } else if spec.method == request.method {
            self.whole(now, request, port.node, &found, &rpc_errors)
        } else {
            Content::new(spec.other_method.unwrap_or(405), TEXT, "Method Not Allowed".to_owned())
        };
        content.status = status.unwrap_or(content.status);
        content.takes_millis = spec.takes_millis + slow_millis;
        content
    }

    fn whole(
        &self,
        now: i64,
        request: &Request,
        node: usize,
        found: &Found,
        rpc_errors: &[(&String, i64, &String)],
    ) -> Content {
        let spec = self.script.endpoint(found.number);
        let programs = &self.script.endpoints[found.number];
        let typed = |usual: &str| spec.content_type.clone().unwrap_or_else(|| usual.to_owned());
        let mut content = match &spec.answers {
            AnswerSpec::Page(page) => self.page(now, node, page),
            AnswerSpec::Exposition(exposition) => {
                Content::new(200, &typed(EXPOSITION), self.exposition(now, node, exposition))
            }
            AnswerSpec::Query(families) => {
                let (status, body) = self.query(now, node, families, request);
                Content::new(status, JSON, body)
            }
            AnswerSpec::Rpc(rpc) => {
                let view = self.view(now, node);
                Content::new(200, &typed(JSON), rpc::answer(rpc, programs, &view, &request.body, rpc_errors))
            }
            AnswerSpec::Json(_) => {
                let input = self.input(now, node, request, found);
                let mut parts = programs.parts.iter().map(|part| tried(part, &input));
                match joined(&mut parts) {
                    Ok(value) => Content::new(200, &typed(JSON), value.to_string()),
                    // A mistake in the data; it is said where whoever writes it looks.
                    Err(why) => Content::new(500, TEXT, format!("world.ron: {}: {why}\n", spec.path)),
                }
            }
        };
        if let Some(program) = &programs.status {
            let status = tried(program, &self.input(now, node, request, found)).ok().flatten();
            let status = status.and_then(|value| value.as_u64()).and_then(|status| u16::try_from(status).ok());
            content.status = status.unwrap_or(content.status);
        }
        content
    }

    /// What a program of this endpoint finds.
    fn input(&self, now: i64, node: usize, request: &Request, found: &Found) -> Value {
        let mut view = self.view(now, node);
        let query = url::form_urlencoded::parse(request.query.as_bytes());
        let query: Map<String, Value> =
            query.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))).collect();
        view.insert("query".to_owned(), Value::Object(query));
        view.insert("path".to_owned(), Value::Object(found.words.clone()));
        Value::Object(view)
    }

    fn page(&self, now: i64, node: usize, page: &PageSpec) -> Content {
        let values = if page.body.contains('{') { self.values(now, node) } else { Map::new() };
        Content::new(page.status, &page.content_type, fill(&page.body, &values, |_| None))
    }

    fn unknown(&self, now: i64, request: &Request) -> Content {
        let port = &self.script.ports[request.port];
        match &self.script.node(port.node).ports[port.nth].unknown {
            Some(page) => self.page(now, port.node, page),
            None => Content::new(404, TEXT, "404 page not found\n".to_owned()),
        }
    }

    /// The endpoint of this path, that of this method first.
    fn find(&self, request: &Request) -> Option<Found> {
        let port = self.script.ports.get(request.port)?;
        let here = |spec: &EndpointSpec| spec.surfaces.is_empty() || spec.surfaces.contains(&self.surface);
        let mut found = None;
        for number in &port.endpoints {
            let spec = self.script.endpoint(*number);
            let Some(words) = here(spec).then(|| words_of(&spec.path, &request.path)).flatten() else { continue };
            if spec.method == request.method {
                return Some(Found { number: *number, words });
            }
            found.get_or_insert(Found { number: *number, words });
        }
        found
    }

    /// What the faults do to answers of this port and path.
    fn mangles<'a>(&'a self, port: usize, path: Option<&'a str>) -> impl Iterator<Item = &'a Mangles> {
        let here = self.script.ports.get(port).map(|port| {
            let node = self.script.node(port.node);
            (node.id.as_str(), node.ports[port.nth].id.as_str())
        });
        let fits = move |effect: &EndpointEffectSpec| {
            here.is_some_and(|(node, id)| {
                effect.port == id && (effect.nodes.is_empty() || effect.nodes.iter().any(|of| of == node))
            }) && effect.path.as_deref().is_none_or(|of| Some(of) == path)
        };
        self.effects().filter_map(move |effect| match effect {
            EffectSpec::Endpoint(effect) if fits(effect) => Some(&effect.does),
            EffectSpec::Endpoint(_)
            | EffectSpec::Variable(_)
            | EffectSpec::Log(_)
            | EffectSpec::Down(_)
            | EffectSpec::Fork(_)
            | EffectSpec::Fails(_)
            | EffectSpec::Missing(_) => None,
        })
    }
}

/// One value as it is; of several objects, their fields together.
fn joined(parts: &mut dyn Iterator<Item = Result<Option<Value>, String>>) -> Result<Value, String> {
    let mut whole = parts.next().transpose()?.flatten().unwrap_or(Value::Null);
    for part in parts {
        match (&mut whole, part?) {
            (Value::Object(whole), Some(Value::Object(more))) => whole.extend(more),
            (_, Some(other)) => return Err(format!("{} is no object", plain(&other))),
            (_, None) => {}
        }
    }
    Ok(whole)
}

/// What stands for the `{…}`s of a path; nothing where it is another path.
fn words_of(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    if let Some(begin) = pattern.strip_suffix('*') {
        return path.starts_with(begin).then(Map::new);
    }
    let mut words = Map::new();
    let (mut want, mut have) = (pattern.split('/'), path.split('/'));
    loop {
        match (want.next(), have.next()) {
            (None, None) => return Some(words),
            (Some(want), Some(have)) => match want.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) if !have.is_empty() => drop(words.insert(name.to_owned(), Value::from(have))),
                None if want == have => {}
                Some(_) | None => return None,
            },
            (Some(_), None) | (None, Some(_)) => return None,
        }
    }
}
