//! Nodes, their addresses, and what reads identify themselves with.

use url::{Host, Url};

use super::super::fit::shown;
use super::super::found::Found;
use super::given;
use crate::base::ron_tree::{Node, Value};
use crate::base::secret;
use crate::systems::SystemSpec;

/// The nodes of one target.
pub(super) fn check(nodes: &Node, spec: Option<&SystemSpec>, found: &mut Found) {
    let mut addresses: Vec<(usize, &str, String)> = Vec::new();
    for (at, node) in nodes.items().iter().enumerate() {
        let Some(endpoints) = node.field("endpoints") else { continue };
        if matches!(&endpoints.value, Value::List(items) if items.is_empty()) {
            found.at(endpoints.place, "a node without endpoints can not be read; give it at least one");
        }
        let mut seen: Vec<&str> = Vec::new();
        for endpoint in endpoints.items() {
            let id = endpoint.field("id").and_then(|node| Some((node, node.text()?)));
            if let Some((node, name)) = id {
                check_id(node, name, &mut seen, spec, found);
            }
            let Some(url) = endpoint.field("url") else { continue };
            let parsed = url.text().map(usable);
            match parsed {
                Some(Err(why)) => found.at(url.place, why),
                Some(Ok(parsed)) => {
                    check_auth(endpoint, &parsed, found);
                    let key = parsed.as_str().trim_end_matches('/').to_owned();
                    let name = id.map(|(_, name)| name).unwrap_or_default();
                    let same = |(other, id, url): &(usize, &str, String)| *other != at && *id == name && *url == key;
                    if addresses.iter().any(same) {
                        found.at(url.place, "another node of this target has the same address; one node, one address");
                    }
                    addresses.push((at, name, key));
                }
                None => {}
            }
            check_user(endpoint, found);
            if let Some(secret) = reference(endpoint) {
                check_reference(secret, AGAIN, found);
            }
        }
    }
}

/// A server beside the nodes, which is asked like one.
pub(super) fn check_server(server: &Node, found: &mut Found) {
    if let Some(url) = server.field("url") {
        match url.text().map(usable) {
            Some(Ok(parsed)) => check_auth(server, &parsed, found),
            Some(Err(why)) => found.at(url.place, why),
            None => {}
        }
    }
    check_user(server, found);
    if let Some(secret) = reference(server) {
        check_reference(secret, AGAIN, found);
    }
}

fn check_id<'a>(node: &Node, name: &'a str, seen: &mut Vec<&'a str>, spec: Option<&SystemSpec>, found: &mut Found) {
    if seen.contains(&name) {
        found.at(node.place, format!("the endpoint {} is given twice for this node", shown(name)));
    }
    seen.push(name);
    if let Some(spec) = spec
        && !spec.endpoints.iter().any(|endpoint| endpoint.id == name)
    {
        let what = format!("the system has no endpoint {}", shown(name));
        found.unknown(node.place, what, name, spec.endpoints.iter().map(|endpoint| endpoint.id.as_str()));
    }
}

/// An address that can be read from. What is wrong with one is told without repeating it where it may hold a secret.
fn usable(text: &str) -> Result<Url, String> {
    let example = "such as http://127.0.0.1:9100";
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(_) if text.contains('@') => return Err(format!("this is no address, {example}")),
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return Err(format!("{} is no address: it begins with http:// or https://, {example}", shown(text)));
        }
        Err(error) => return Err(format!("{} is no address: {error}; {example}", shown(text))),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address carries a user name or a password, which would be shown; \
                    give it auth: Basic(user: \"…\", password: File(\"/path\")) and change the password"
            .to_owned());
    }
    if !["http", "https"].contains(&url.scheme()) {
        let meant = if url.host().is_none() { format!("; begin it with http://, {example}") } else { String::new() };
        return Err(format!("{} is neither http nor https{meant}", shown(text)));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("an address has no ? and no #; the console adds what is read there".to_owned());
    }
    Ok(url)
}

/// That a secret crosses no wire in the clear.
fn check_auth(endpoint: &Node, url: &Url, found: &mut Found) {
    let Some(auth) = given(endpoint, "auth") else { return };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => secret::is_loopback_name(name),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !loopback {
        found.at(
            auth.place,
            "a secret is not sent over plain http to another machine; use https, or an address of this machine",
        );
    }
}

/// The reference inside an `auth`.
fn reference(endpoint: &Node) -> Option<&Node> {
    let auth = given(endpoint, "auth")?;
    match auth.word() {
        Some("Bearer") => auth.content(),
        Some("Basic") => auth.field("password"),
        _ => None,
    }
}

/// The protocol ends a user name at its first colon.
fn check_user(endpoint: &Node, found: &mut Found) {
    if let Some(user) = given(endpoint, "auth").and_then(|auth| auth.field("user"))
        && let Some(name) = user.text()
        && (name.is_empty() || name.contains(':'))
    {
        found.at(user.place, "a user name is not empty and has no colon");
    }
}

/// Why nobody can be asked for the secret of a read.
const AGAIN: &str = "is read again and again";

/// Why nobody can be asked for the secret of an act.
const WITHOUT_A_CONSOLE: &str = "is used when no console may be there any more";

/// What the runbooks of a target are let in with: by names that its system has, and kept as a secret is.
pub(super) fn check_secrets(target: &Node, spec: Option<&SystemSpec>, found: &mut Found) {
    let Some(secrets) = target.field("secrets") else { return };
    for (key, value) in secrets.entries() {
        check_reference(value, WITHOUT_A_CONSOLE, found);
        let (Some(name), Some(spec)) = (key.text(), spec) else { continue };
        if !spec.secrets.iter().any(|secret| secret.name == name) {
            let what = format!("the system has no secret {}", shown(name));
            found.unknown(key.place, what, name, spec.secrets.iter().map(|secret| secret.name.as_str()));
        }
    }
}

/// A reference that a secret can be found by.
fn check_reference(secret: &Node, because: &str, found: &mut Found) {
    if secret.word() == Some("Prompt") {
        let what = format!("nobody can be asked for a secret that {because}; use Env(\"NAME\") or File(\"/path\")");
        found.at(secret.place, what);
    }
    let Some((content, text)) = secret.content().and_then(|node| Some((node, node.text()?))) else { return };
    match secret.word() {
        Some("File") if !text.starts_with('/') => {
            found.at(
                content.place,
                "the file of a secret is named by its absolute path; ~ and variables are not expanded",
            );
        }
        // A name never holds what a token is made of; if it does, the secret itself was written here.
        Some("Env") if !secret::is_environment_name(text) => found.suggest(
            content.place,
            "this is no name of an environment variable: capital letters, digits and _, at most 64",
            Some("if it is the secret itself, change it, for it has been read".to_owned()),
        ),
        _ => {}
    }
}
