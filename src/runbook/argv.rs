//! What may not stand in an act's argv. There is no shell anywhere between a runbook and the kernel.

use crate::base::text;

/// Programs that read a command from their arguments. Whatever is given to them is syntax again.
const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "ash", "busybox", "toybox", "rbash", "pwsh",
    "eval", "script", "watch", "parallel", "xargs", "find", "awk", "gawk", "mawk", "perl", "python", "python3", "ruby",
    "node",
];

/// Programs that change who runs a command, where, or in what environment. That is the target's policy.
const CARRIERS: &[&str] = &[
    "sudo",
    "su",
    "doas",
    "pkexec",
    "runuser",
    "setpriv",
    "env",
    "nohup",
    "setsid",
    "nice",
    "chroot",
    "nsenter",
    "unshare",
    "ssh",
    "timeout",
    "systemd-run",
];

/// Why this argv can not be used, if it can not. Templates may still stand in it, but not in the first element.
#[must_use]
pub fn objection(argv: &[String]) -> Option<String> {
    let Some(program) = argv.first() else {
        return Some("the argv is empty".to_owned());
    };
    if program.contains('/') {
        return Some(format!(
            "{program} is a path; write the bare name, which is resolved when the sequence is sealed"
        ));
    }
    if program.is_empty() || program.starts_with('-') || program.contains(|c: char| c.is_whitespace() || c == '{') {
        return Some(format!("{:?} is not the name of a program", text::escaped(program)));
    }
    if let Some(shell) = shell(argv) {
        return Some(format!("{shell} would read a command from its arguments; name the program and its arguments"));
    }
    if CARRIERS.contains(&program.as_str()) {
        return Some(format!("{program} says as whom or where to run, which is the target's host and privilege"));
    }
    argv.iter()
        .find(|part| part.chars().any(text::is_hostile))
        .map(|part| format!("{} holds characters that do not show", text::escaped(part)))
}

/// What makes this argv a command line for another interpreter, if something does.
#[must_use]
pub fn shell(argv: &[String]) -> Option<&str> {
    let program = argv.first().map(|program| program.rsplit('/').next().unwrap_or(program))?;
    if SHELLS.contains(&program) {
        return Some(program);
    }
    argv.iter().skip(1).find(|part| *part == "-c").map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_program_and_its_arguments_are_an_act() {
        let check = |argv: &[&str], want: Option<&str>| {
            let argv: Vec<String> = argv.iter().map(|part| (*part).to_owned()).collect();
            match (objection(&argv), want) {
                (None, None) => {}
                (Some(got), Some(want)) => assert!(got.contains(want), "{argv:?}: {got}"),
                (got, want) => panic!("{argv:?}: {got:?}, not {want:?}"),
            }
        };
        check(&["systemctl", "restart", "{unit}"], None);
        check(&[], Some("empty"));
        check(&["/usr/bin/systemctl", "restart"], Some("bare name"));
        check(&["./run"], Some("bare name"));
        check(&["sh", "-c", "true"], Some("sh would read"));
        check(&["bash", "script"], Some("bash would read"));
        check(&["thing", "-c", "true"], Some("-c would read"));
        check(&["sudo", "systemctl", "restart", "x"], Some("as whom"));
        check(&["{program}", "x"], Some("not the name"));
        check(&["-x"], Some("not the name"));
        check(&["", "x"], Some("not the name"));
        check(&["echo", "a\u{202e}b"], Some("\\u{202e}"));
    }
}
