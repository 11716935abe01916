//! References to secrets. The value itself is met only by the shell, at the moment of use.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Host;

use super::text;

/// Where a secret's value is found when it is needed. Never the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum SecretRef {
    /// An environment variable of the console.
    Env(String),
    /// The first line of a file that others may not read.
    File(String),
    /// Asked of the operator, under this name, and never stored.
    Prompt(String),
}

impl SecretRef {
    /// What a POSIX shell puts in its place, between double quotes.
    #[must_use]
    pub fn in_shell(&self) -> String {
        match self {
            // A name that is none could be read as something else by a shell.
            SecretRef::Env(name) if is_environment_name(name) => format!("${name}"),
            SecretRef::Env(_) => "$SECRET".to_owned(),
            SecretRef::File(path) => format!("$(head -n 1 -- {})", text::shell_quoted(&text::escaped(path))),
            SecretRef::Prompt(_) => "$SECRET".to_owned(),
        }
    }
}

/// As shown wherever the value would stand: `«env:NAME»`.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "«env:{name}»"),
            SecretRef::File(path) => write!(f, "«file:{path}»"),
            SecretRef::Prompt(name) => write!(f, "«prompt:{name}»"),
        }
    }
}

/// What a read identifies itself with. The secret itself is met only by the shell, when the request is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Credentials {
    /// A token in the `Authorization` header.
    Bearer(SecretRef),
    /// A user name and a password in the `Authorization` header.
    Basic { user: String, password: SecretRef },
}

impl Credentials {
    #[must_use]
    pub fn secret(&self) -> &SecretRef {
        match self {
            Credentials::Bearer(secret) | Credentials::Basic { password: secret, .. } => secret,
        }
    }
}

/// Whether a host's name always means this machine.
#[must_use]
pub fn is_loopback_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether nobody between here and there can read along: https, or this machine.
#[must_use]
pub fn is_private(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Domain(name)) => is_loopback_name(name),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// What can be the name of an environment variable that holds a secret.
#[must_use]
pub fn is_environment_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (1..=64).contains(&name.len()) && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
        // The loader's own: never handed to a runner.
        && !name.starts_with("LD_")
}
