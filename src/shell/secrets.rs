//! From a reference to a secret's value, at the moment of use, and to the header that carries it.
//!
//! Must never: put a value into a message, an error or anything that can be printed; send one in the clear to another
//! machine.

#![allow(clippy::disallowed_methods, reason = "the shell is where files and the environment are read")]

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use reqwest::header::HeaderValue;
use rustix::fs::OFlags;

use super::actor;
use super::terminal::copy::base64;
use crate::base::secret::is_private;
use crate::base::{Credentials, SecretRef, secret};
use crate::model::{Exec, FetchFailure, HttpRequest};
use crate::runbook::SealedSequence;

/// Longest secret that is used.
const LIMIT_BYTES: u64 = 16 << 10;

/// A secret that can not be used. Never its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable {name} is not set for this process; set it before the console starts")]
    NotSet { name: String },
    #[error("{path} can not be read: {why}")]
    Unreadable { path: String, why: String },
    #[error("{path} can be read or changed by others; close it to them: chmod {chmod} {path}")]
    Open { path: String, chmod: &'static str },
    #[error("{path} belongs to {owner}; a secret's file belongs to root or to {user}: chown {user} {path}")]
    Foreign { path: String, owner: String, user: String },
    #[error("{what} is empty")]
    Empty { what: String },
    #[error("{what} holds characters that no header can carry, on its first line")]
    Unfit { what: String },
    #[error("{name:?} would have to be asked for, and nobody can be asked at every read; use Env or File")]
    Prompted { name: String },
    #[error("it would cross the network in the clear; use https, or an address of this machine")]
    InTheClear,
}

/// A value. It has no form that could be shown, and lives as short as it can.
pub struct Secret(String);

impl Secret {
    /// For what looks for it in order to take it out.
    pub(in crate::shell) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// The value of a secret, now.
///
/// # Errors
/// It is not there, or is not kept as a secret.
pub fn resolve(secret: &SecretRef) -> Result<Secret, SecretError> {
    let value = match secret {
        SecretRef::Env(name) => std::env::var(name).map_err(|_| SecretError::NotSet { name: name.clone() })?,
        SecretRef::File(path) => first_line(Path::new(path))?,
        SecretRef::Prompt(name) => return Err(SecretError::Prompted { name: name.clone() }),
    };
    let value = value.trim_end().to_owned();
    let what = || secret.to_string();
    if value.is_empty() {
        return Err(SecretError::Empty { what: what() });
    }
    if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return Err(SecretError::Unfit { what: what() });
    }
    Ok(Secret(value))
}

/// The first line of a file that others can neither read nor change. Its group may read it: that of the operators.
fn first_line(path: &Path) -> Result<String, SecretError> {
    let shown = path.display().to_string();
    let unreadable = |why: String| SecretError::Unreadable { path: shown.clone(), why };
    // A pipe in its place must not hold the console.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(|error| unreadable(error.to_string()))?;
    // What was opened is judged, not what stands at the path a moment later.
    let found = file.metadata().map_err(|error| unreadable(error.to_string()))?;
    if !found.is_file() {
        return Err(unreadable("it is not a plain file".to_owned()));
    }
    if found.mode() & 0o027 != 0 {
        let chmod = if found.mode() & 0o040 == 0 { "600" } else { "640" };
        return Err(SecretError::Open { path: shown, chmod });
    }
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != 0 && found.uid() != user {
        let owner = actor::user_named(found.uid());
        return Err(SecretError::Foreign { path: shown, owner, user: actor::user() });
    }
    let mut text = String::new();
    file.take(LIMIT_BYTES).read_to_string(&mut text).map_err(|error| unreadable(error.to_string()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The `Authorization` of a request, if it has one.
///
/// # Errors
/// Its secret can not be used, or would be sent in the clear: nothing is asked then.
pub fn authorization(request: &HttpRequest) -> Result<Option<HeaderValue>, FetchFailure> {
    let Some(credentials) = &request.credentials else { return Ok(None) };
    let refused = |error: SecretError| FetchFailure::Secret { detail: error.to_string() };
    if !is_private(&request.url) {
        return Err(refused(SecretError::InTheClear));
    }
    let Secret(value) = resolve(credentials.secret()).map_err(refused)?;
    let line = match credentials {
        Credentials::Bearer(_) => format!("Bearer {value}"),
        Credentials::Basic { user, .. } => format!("Basic {}", base64(format!("{user}:{value}").as_bytes())),
    };
    let unfit = || refused(SecretError::Unfit { what: credentials.secret().to_string() });
    let mut header = HeaderValue::from_str(&line).map_err(|_| unfit())?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// The value of a header of an act, now.
///
/// # Errors
/// As [`resolve`].
pub fn header(secret: &SecretRef) -> Result<HeaderValue, SecretError> {
    let Secret(value) = resolve(secret)?;
    let unfit = || SecretError::Unfit { what: secret.to_string() };
    let mut header = HeaderValue::from_str(&value).map_err(|_| unfit())?;
    header.set_sensitive(true);
    Ok(header)
}

/// Whether an act could be carried out with its secrets as they are kept now.
///
/// # Errors
/// One of them can not be used, or what is sent would cross the network in the clear, and why.
pub fn usable(exec: &Exec) -> Result<(), String> {
    match exec {
        Exec::Command { .. } | Exec::Wait { .. } => {}
        // Whoever reads such a request along could also send it, or change it on its way.
        Exec::Request { url, .. } if !is_private(url) => {
            return Err(format!("{url} is not asked to change anything: {}", SecretError::InTheClear));
        }
        Exec::Request { .. } => {}
    }
    exec.secrets().try_for_each(|secret| {
        resolve(secret).map(drop).map_err(|error| format!("the secret {secret} can not be used: {error}"))
    })
}

/// Every secret that a sequence refers to, or may meet: those of its acts, of its way back and of its reads, and the
/// others of its target, which a node may well print whatever is done to it.
fn referred(sequence: &SealedSequence) -> impl Iterator<Item = &SecretRef> {
    let reads = sequence.reads.iter().filter_map(|read| read.credentials.as_ref()).map(Credentials::secret);
    let acts = sequence.acts.iter().chain(&sequence.way_back).flat_map(|act| act.exec.secrets());
    acts.chain(reads).chain(sequence.place.secrets.values())
}

/// The environment variables that a sequence needs, be it to mask what they hold; its runner gets them and nothing that
/// it starts does.
#[must_use]
pub fn variables(sequence: &SealedSequence) -> Vec<String> {
    let named = referred(sequence).filter_map(|secret| match secret {
        SecretRef::Env(name) if secret::is_environment_name(name) => Some(name.clone()),
        SecretRef::Env(_) | SecretRef::File(_) | SecretRef::Prompt(_) => None,
    });
    named.collect()
}

/// The values that must not be seen in what a sequence's acts put out, as far as they are there.
pub fn values(sequence: &SealedSequence) -> Vec<Secret> {
    referred(sequence).filter_map(|secret| resolve(secret).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;

    fn file(folder: &Path, text: &str, mode: u32) -> SecretRef {
        let path = folder.join(format!("token-{mode:o}-{}", text.len()));
        std::fs::write(&path, text).expect("ours");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("ours");
        SecretRef::File(path.display().to_string())
    }

    fn refusal(secret: &SecretRef) -> String {
        resolve(secret).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_file_is_believed_only_where_others_can_not_read_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let good = file(folder.path(), "k7-token\nand more\n", 0o600);
        assert_eq!(resolve(&good).map(|Secret(value)| value), Ok("k7-token".to_owned()));
        assert!(resolve(&file(folder.path(), "operators", 0o640)).is_ok());
        let check = |secret: SecretRef, want: &str| {
            let said = refusal(&secret);
            assert!(said.contains(want) && !said.contains("k7"), "{said}");
        };
        check(file(folder.path(), "k7-token", 0o644), "chmod 640");
        check(file(folder.path(), "k7-token", 0o606), "chmod 600");
        check(file(folder.path(), "k7-token", 0o620), "chmod 600");
        check(file(folder.path(), "\n", 0o600), "is empty");
        check(file(folder.path(), "k7\u{1b}[2J", 0o600), "no header can carry");
        check(SecretRef::File(folder.path().display().to_string()), "not a plain file");
        check(SecretRef::File("/no/such/file".to_owned()), "can not be read");
        check(SecretRef::Env("OPSCONSOLE_NO_SUCH_VARIABLE".to_owned()), "is not set");
        check(SecretRef::Prompt("token".to_owned()), "use Env or File");
    }

    #[test]
    fn a_secret_is_sent_over_https_or_to_this_machine_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let secret = file(folder.path(), "k7", 0o600);
        let signed = |url: &str, credentials: Credentials| {
            authorization(&HttpRequest {
                ask: crate::model::Ask::Get,
                url: url.to_owned(),
                accept: String::new(),
                timeout: Duration::from_secs(1),
                limit_bytes: 1,
                credentials: Some(credentials),
                care: Default::default(),
            })
        };
        for url in ["https://n/x", "http://127.0.0.1:1/x", "http://[::1]/x", "http://localhost:1", "http://127.9.9.9"] {
            let header = signed(url, Credentials::Bearer(secret.clone())).expect(url).expect("a header");
            assert_eq!(header.as_bytes(), b"Bearer k7");
            assert!(!format!("{header:?}").contains("k7"), "it is never printed");
        }
        for url in ["http://n/x", "http://10.0.0.1/", "http://localhost.evil/", "http://[::2]/", "http://0.0.0.0/", "x"]
        {
            let refused = signed(url, Credentials::Bearer(secret.clone())).expect_err(url);
            assert!(refused.to_string().contains("in the clear"), "{refused}");
        }
        let basic = Credentials::Basic { user: "ops".to_owned(), password: secret };
        let header = signed("https://n/x", basic).expect("it can be sent").expect("a header");
        assert_eq!(header.as_bytes(), b"Basic b3BzOms3");
    }
}
