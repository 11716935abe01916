//! Who acts, as far as the machine knows: the effective user, who logged in before any sudo, and from where.

#![allow(clippy::disallowed_methods, reason = "the shell is where files and the environment are read")]

use crate::base::text;
use crate::runbook::Actor;

/// What the kernel writes for a process that no login started.
const NO_LOGIN: u32 = u32::MAX;

/// Longest text taken from the environment.
const LIMIT_CHARS: usize = 200;

/// The actor of this process. `process` is `opsconsole` or `runner`; `declared` is the name given when arming.
#[must_use]
pub fn present(process: &str, declared: Option<&str>) -> Actor {
    Actor {
        process: format!("{process} (pid {})", std::process::id()),
        user: user(),
        login_uid: std::fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| login_uid(&text)),
        ssh: std::env::var("SSH_CONNECTION").ok().map(|text| bounded(&text)).filter(|text| !text.is_empty()),
        declared: declared.map(bounded),
    }
}

/// The name of the effective user; `uid N` where `/etc/passwd` does not name it.
#[must_use]
pub fn user() -> String {
    user_named(rustix::process::geteuid().as_raw())
}

/// The name of any user, in the same words.
#[must_use]
pub fn user_named(uid: u32) -> String {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&passwd, uid).unwrap_or_else(|| format!("uid {uid}"))
}

fn name_in(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let found: u32 = fields.nth(1)?.parse().ok()?;
        (found == uid && !name.is_empty()).then(|| bounded(name))
    })
}

fn login_uid(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|uid| *uid != NO_LOGIN)
}

fn bounded(text: &str) -> String {
    text::clean(text).chars().take(LIMIT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_third_field_of_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nops:x:1000:1000::/home/ops:/bin/sh\n:x:7:7::/:/bin/sh\n";
        let check = |uid, want: Option<&str>| assert_eq!(name_in(passwd, uid).as_deref(), want, "uid {uid}");
        check(0, Some("root"));
        check(1000, Some("ops"));
        check(7, None);
        check(9, None);
    }

    #[test]
    fn a_process_without_a_login_has_no_login_uid() {
        assert_eq!(login_uid("4294967295"), None);
        assert_eq!(login_uid("1000\n"), Some(1000));
        assert_eq!(login_uid(""), None);
    }

    #[test]
    fn hostile_text_does_not_reach_the_journal_as_it_is() {
        assert_eq!(bounded("10.0.0.1\x1b[2J"), "10.0.0.1\u{fffd}[2J");
        assert_eq!(bounded(&"x".repeat(5000)).len(), LIMIT_CHARS);
    }

    #[test]
    fn this_process_has_an_actor() {
        let actor = present("runner", Some("ana"));
        assert_eq!(actor.process, format!("runner (pid {})", std::process::id()));
        assert!(!actor.user.is_empty());
        assert_eq!(actor.declared.as_deref(), Some("ana"));
    }
}
