//! An act by HTTP: what may stand in one, and the exact request that it becomes on a target.
//!
//! A value of the target becomes one segment of the path, or the content of one JSON string: never another path, a
//! query, a header or syntax. A secret is a reference from the file of the runbook to the moment of sending.
//!
//! Must never: hold a secret's value; let anything but the runbook choose where a request goes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::base::{SecretRef, text};
use crate::model::{Exec, Method, SecretHeader};

/// Longest path, and most headers.
const PATH_LIMIT_BYTES: usize = 1024;
const HEADER_LIMIT: usize = 8;

/// Headers that belong to the connection, or that the console writes itself.
const OURS: [&str; 10] = [
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "user-agent",
];

/// A request before it is sealed. `{name}` in its path and in the strings of its body stands for a setting of the
/// target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestPlan {
    pub method: Method,
    /// From the root of the target's endpoint, without a query: `/admin/reconcile`.
    pub path: String,
    pub headers: Vec<HeaderPlan>,
    pub body: Option<Value>,
}

/// A header whose value is a secret of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderPlan {
    pub name: String,
    /// A name of the target's `secrets`.
    pub secret: String,
}

/// Why a request is not made on this target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error(
        "the target has no secret {name}, which the header {header} needs; add secrets: {{\"{name}\": Env(\"…\")}} to it \
         in the configuration, or File(\"/…\") with the path of a file that only its owner may read"
    )]
    NoSecret { name: String, header: String },
    #[error("the path {path} {why}")]
    Path { path: String, why: &'static str },
    #[error("the header {name} {why}")]
    Header { name: String, why: &'static str },
    #[error("the target's address {base_url} can not carry a request: {why}")]
    Address { base_url: String, why: String },
}

impl RequestPlan {
    /// Why this can not be a request, wherever it is made.
    ///
    /// # Errors
    /// A path or a header that is none, or that could mean another.
    pub fn check(&self) -> Result<(), RequestError> {
        if let Some(why) = path_objection(&self.path) {
            return Err(RequestError::Path { path: text::escaped(&self.path).into_owned(), why });
        }
        let mut seen = BTreeSet::new();
        for header in &self.headers {
            let name = header.name.to_ascii_lowercase();
            let token = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
            let why = if name.is_empty() || name.len() > 64 || !name.chars().all(token) {
                Some("is no name of a header")
            } else if OURS.contains(&name.as_str()) || name.starts_with("proxy-") {
                Some("is the connection's own")
            } else if !seen.insert(name) {
                Some("is there already")
            } else {
                None
            };
            if let Some(why) = why {
                return Err(RequestError::Header { name: text::escaped(&header.name).into_owned(), why });
            }
        }
        if self.headers.len() > HEADER_LIMIT {
            return Err(RequestError::Header { name: self.headers[HEADER_LIMIT].name.clone(), why: "is one too many" });
        }
        Ok(())
    }

    /// The request itself, at an endpoint of a target with these secrets. Every setting is written in already.
    ///
    /// # Errors
    /// As [`RequestPlan::check`]; a secret that the target does not have; an address that can not be used.
    pub fn at(
        &self,
        base_url: &str,
        secrets: &BTreeMap<String, SecretRef>,
        timeout: Duration,
    ) -> Result<Exec, RequestError> {
        self.check()?;
        if self.path.contains(['{', '}']) {
            let path = text::escaped(&self.path).into_owned();
            return Err(RequestError::Path { path, why: "holds a brace that belongs to no setting" });
        }
        let secret = |header: &HeaderPlan| match secrets.get(&header.secret) {
            Some(value) => Ok(SecretHeader { name: header.name.clone(), value: value.clone() }),
            None => Err(RequestError::NoSecret { name: header.secret.clone(), header: header.name.clone() }),
        };
        Ok(Exec::Request {
            method: self.method,
            url: self.url(base_url)?,
            headers: self.headers.iter().map(secret).collect::<Result<_, _>>()?,
            body: self.body.as_ref().map(Value::to_string),
            timeout,
        })
    }

    fn url(&self, base_url: &str) -> Result<String, RequestError> {
        let address = |why: String| RequestError::Address { base_url: text::escaped(base_url).into_owned(), why };
        let mut url = Url::parse(base_url).map_err(|error| address(error.to_string()))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(address("it is neither http nor https".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(address("it holds more than a scheme, a host, a port and a path".to_owned()));
        }
        {
            let mut segments = url.path_segments_mut().map_err(|()| address("it has no path".to_owned()))?;
            segments.pop_if_empty();
            self.path.split('/').skip(1).for_each(|segment| {
                segments.push(segment);
            });
        }
        Ok(url.to_string())
    }

    /// Where settings may stand.
    #[must_use]
    pub fn texts(&self) -> Vec<&String> {
        let mut found = vec![&self.path];
        if let Some(body) = &self.body {
            strings(body, &mut found);
        }
        found
    }

    /// The same, to write the settings into.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        let mut found = vec![&mut self.path];
        if let Some(body) = &mut self.body {
            strings_mut(body, &mut found);
        }
        found
    }

    /// As a person reads it before a target is known.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut shown = format!("{} {}", self.method.word(), self.path);
        for header in &self.headers {
            shown.push_str(&format!(", {}: the secret {}", header.name, header.secret));
        }
        match &self.body {
            Some(body) => shown + ", body " + &body.to_string(),
            None => shown + ", no body",
        }
    }
}

/// Why a value may not become a segment of a path: it could be read as more than its name.
#[must_use]
pub fn segment_objection(value: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~:@+,=".contains(c);
    match value {
        "." | ".." => Some("would lead to another path"),
        _ if !value.chars().all(plain) => Some("holds characters that are more than a name in a path"),
        _ => None,
    }
}

fn path_objection(path: &str) -> Option<&'static str> {
    let Some(rest) = path.strip_prefix('/') else { return Some("does not begin with /") };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~:@+,={}/".contains(c);
    match path {
        _ if path.len() > PATH_LIMIT_BYTES => Some("is too long"),
        _ if path.contains(['?', '#']) => Some("holds a query; what a request changes stands in its path and body"),
        _ if !path.chars().all(plain) => Some("holds characters that are more than a path"),
        _ if rest.split('/').any(|segment| segment == "." || segment == "..") => Some("leads upwards"),
        _ if rest.split('/').any(str::is_empty) => Some("has an empty part"),
        _ => None,
    }
}

fn strings<'a>(value: &'a Value, found: &mut Vec<&'a String>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn strings_mut<'a>(value: &'a mut Value, found: &mut Vec<&'a mut String>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter_mut().for_each(|item| strings_mut(item, found)),
        Value::Object(fields) => fields.values_mut().for_each(|field| strings_mut(field, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(path: &str) -> RequestPlan {
        let headers = vec![HeaderPlan { name: "X-Admin-Secret".to_owned(), secret: "admin".to_owned() }];
        RequestPlan { method: Method::Post, path: path.to_owned(), headers, body: None }
    }

    fn secrets() -> BTreeMap<String, SecretRef> {
        BTreeMap::from([("admin".to_owned(), SecretRef::Env("CHAIN_SECRET".to_owned()))])
    }

    fn at(base_url: &str, plan: &RequestPlan) -> Result<Exec, String> {
        plan.at(base_url, &secrets(), Duration::from_secs(30)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_goes_to_the_endpoint_and_nowhere_else() {
        let check = |base: &str, path: &str, want: Result<&str, &str>| match (at(base, &plan(path)), want) {
            (Ok(Exec::Request { url, .. }), Ok(want)) => assert_eq!(url, want),
            (Err(why), Err(part)) => assert!(why.contains(part), "{path}: {why}"),
            (got, want) => panic!("{path}: {got:?}, not {want:?}"),
        };
        let here = "http://127.0.0.1:3001";
        check(here, "/admin/fix", Ok("http://127.0.0.1:3001/admin/fix"));
        check("https://node/below/", "/admin/fix", Ok("https://node/below/admin/fix"));
        check(here, "admin/fix", Err("does not begin with /"));
        check(here, "//evil/fix", Err("empty part"));
        check(here, "/a/../b", Err("leads upwards"));
        check(here, "/a/./b", Err("leads upwards"));
        check(here, "/a/%2e%2e/b", Err("more than a path"));
        check(here, "/a?mode=fix", Err("holds a query"));
        check(here, "/a#b", Err("holds a query"));
        check(here, "/a\\b", Err("more than a path"));
        check(here, "/a\r\nX: y", Err("more than a path"));
        check(here, "/{name}", Err("belongs to no setting"));
        check(here, &format!("/{}", "x".repeat(PATH_LIMIT_BYTES)), Err("too long"));
        check("ftp://127.0.0.1/", "/a", Err("neither http nor https"));
        check("http://u:p@127.0.0.1/", "/a", Err("holds more than"));
        check("nothing", "/a", Err("can not carry"));
    }

    #[test]
    fn a_secret_is_named_and_never_guessed() {
        let exec = at("http://127.0.0.1:3001", &plan("/admin/fix")).expect("the target has it");
        let shown = "POST http://127.0.0.1:3001/admin/fix, X-Admin-Secret: «env:CHAIN_SECRET», no body";
        assert_eq!(exec.to_string(), shown);
        let by_hand = "curl --fail-with-body --silent --show-error --max-time 30 -X POST \
                       -H \"X-Admin-Secret: $CHAIN_SECRET\" -- http://127.0.0.1:3001/admin/fix";
        assert_eq!(exec.by_hand(), by_hand);
        let missing = plan("/admin/fix").at("http://127.0.0.1:1", &BTreeMap::new(), Duration::ZERO);
        let why = missing.expect_err("it has none").to_string();
        assert!(why.contains("no secret admin") && why.contains(r#"secrets: {"admin": Env("…")}"#), "{why}");
    }

    #[test]
    fn headers_are_those_of_the_act_alone() {
        let check = |names: &[&str], want: &str| {
            let header = |name: &&str| HeaderPlan { name: (*name).to_owned(), secret: "admin".to_owned() };
            let plan = RequestPlan { headers: names.iter().map(header).collect(), ..plan("/a") };
            let why = at("http://127.0.0.1:1", &plan).expect_err("refused");
            assert!(why.contains(want), "{why}");
        };
        check(&["Host"], "connection's own");
        check(&["Proxy-Authorization"], "connection's own");
        check(&["X-A", "x-a"], "there already");
        check(&["X A"], "no name of a header");
        check(&["X\r\nY"], "no name of a header");
        check(&[""], "no name of a header");
        check(&["A", "B", "C", "D", "E", "F", "G", "H", "I"], "one too many");
    }

    #[test]
    fn a_body_is_json_and_is_quoted_for_a_shell() {
        let body = serde_json::json!({"who": "it's $(id)", "n": [1, {"deep": "{unit}"}]});
        let mut plan = RequestPlan { headers: Vec::new(), body: Some(body), ..plan("/a") };
        plan.texts_mut().into_iter().for_each(|text| *text = text.replace("{unit}", "\"}, x"));
        let exec = at("http://127.0.0.1:1", &plan).expect("a request");
        let Exec::Request { body: Some(body), .. } = &exec else { panic!("{exec:?}") };
        let read: Value = serde_json::from_str(body).expect("still JSON");
        assert_eq!(read["n"][1]["deep"], "\"}, x");
        assert!(exec.by_hand().contains(r"it'\''s $(id)"), "{}", exec.by_hand());
    }

    #[test]
    fn a_value_is_one_segment() {
        let check = |value: &str, fits: bool| assert_eq!(segment_objection(value).is_none(), fits, "{value:?}");
        check("volchain-backend", true);
        check("v1:abc", true);
        check("..", false);
        check("a/b", false);
        check("a?b", false);
        check("a%2f", false);
        check("$(id)", false);
        check("a b", false);
        check("é", false);
    }
}
