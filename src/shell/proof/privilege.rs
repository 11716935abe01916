//! That a command may run as configured, without asking anybody.

#![allow(clippy::disallowed_methods, reason = "the shell is where /proc is read")]

use std::path::Path;
use std::time::Duration;

use crate::base::text;
use crate::model::Exec;
use crate::runbook::seal::{Place, Privilege};
use crate::shell::child::{self, Ended};
use crate::shell::{actor, resolve, secrets};

/// How long a policy may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

const PKCHECK: &str = "/usr/bin/pkcheck";
const MANAGE_UNITS: &str = "org.freedesktop.systemd1.manage-units";

/// Proves that `argv`, as it was resolved at this place, may run. Nothing prompts.
///
/// For sudo this is what its policy says of the exact command. Whether it would ask for a password it does not say in
/// every configuration; the act itself runs with `-n`, and then fails without having done anything.
///
/// # Errors
/// It may not, or that could not be found out, and why.
pub async fn prove_privilege(place: &Place, argv: &[String]) -> Result<String, String> {
    match &place.privilege {
        Privilege::None => Ok(format!("runs as {}", actor::user())),
        Privilege::SudoNonInteractive(user) => sudo_allows(place, user, argv).await,
        Privilege::Polkit => polkit_allows(place).await,
    }
}

/// What an act needs before it may be carried out: a command its privilege, a request its secrets. Answers with the
/// proof, where there is something to prove.
///
/// # Errors
/// It may not, and why.
pub async fn prove_act(place: &Place, exec: &Exec) -> Result<Option<String>, String> {
    match exec {
        Exec::Command { argv, .. } => prove_privilege(place, argv).await.map(Some),
        Exec::Wait { .. } => Ok(None),
        Exec::Request { .. } => {
            secrets::usable(exec)?;
            let named: Vec<String> = exec.secrets().map(ToString::to_string).collect();
            let with = if named.is_empty() { "no secret".to_owned() } else { named.join(", ") };
            Ok(Some(format!("asks over HTTP as {}, with {with}", actor::user())))
        }
    }
}

/// The proofs of several acts as one line: each said once.
///
/// # Errors
/// One of them has none; its title and why.
pub async fn prove_acts<'a>(place: &Place, acts: impl Iterator<Item = &'a Exec>) -> Result<String, String> {
    let mut proofs: Vec<String> = Vec::new();
    for exec in acts {
        if let Some(proof) = prove_act(place, exec).await.map_err(|why| format!("{exec}: {why}"))?
            && !proofs.contains(&proof)
        {
            proofs.push(proof);
        }
    }
    Ok(proofs.join("; "))
}

async fn sudo_allows(place: &Place, user: &str, argv: &[String]) -> Result<String, String> {
    let command = resolve::without_privilege(place, argv);
    // `sudo -n -u USER --` stands before every sealed command; listing is the same call with one more option.
    let (options, end) = match argv.strip_suffix(command).and_then(<[String]>::split_last) {
        Some((end, options)) => (options, end),
        None => return Err("the command was not sealed with sudo before it".to_owned()),
    };
    let mut listing = options.to_vec();
    listing.extend(["-l".to_owned(), end.clone()]);
    listing.extend_from_slice(command);
    let shown = text::escaped(&text::shell_line(command)).into_owned();
    asked("sudo", &listing).await.map(|()| format!("sudo lets {} run {shown} as {user}", actor::user()))
}

async fn polkit_allows(place: &Place) -> Result<String, String> {
    if place.demo_folder.is_some() {
        return Err(resolve::ResolveError::DemoElevation.to_string());
    }
    if !Path::new(PKCHECK).exists() {
        return Err(format!("{PKCHECK} is not installed, so polkit can not be asked"));
    }
    let argv = [PKCHECK, "--action-id", MANAGE_UNITS, "--process", &subject()?].map(str::to_owned);
    asked("polkit", &argv).await.map(|()| format!("polkit lets {} manage units", actor::user()))
}

/// This process, so that polkit can not mistake another of the same number for it: `pid,start time,uid`.
fn subject() -> Result<String, String> {
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|error| format!("/proc/self/stat: {error}"))?;
    let start = start_time(&stat).ok_or("/proc/self/stat does not tell when this process began")?;
    Ok(format!("{},{start},{}", std::process::id(), rustix::process::geteuid().as_raw()))
}

/// Field 22; the second field may hold spaces and parentheses of its own.
fn start_time(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

async fn asked(whom: &str, argv: &[String]) -> Result<(), String> {
    match child::answer(argv, LIMIT).await {
        Ok((Ended::Exited { code: 0 }, _)) => Ok(()),
        Ok((Ended::Exited { code }, said)) => {
            let said = said.lines().find(|line| !line.is_empty()).map(str::to_owned);
            Err(format!("{whom} refuses: {}", said.unwrap_or_else(|| format!("it ended with {code}"))))
        }
        Ok((Ended::Signalled { signal }, _)) => Err(format!("{whom} could not be asked: ended by signal {signal}")),
        Ok((Ended::OverTime { why } | Ended::Lost { why }, _)) => Err(format!("{whom} could not be asked: {why}")),
        Err(error) => Err(format!("{whom} could not be asked: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::resolve::resolve_argv;
    use crate::shell::resolve::tests::{argv, place};

    fn prove(place: &Place, argv: &[String]) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(prove_privilege(place, argv))
    }

    #[test]
    fn without_privilege_the_user_is_named() {
        let argv = resolve_argv(&place(), &argv("true")).expect("it is there");
        assert_eq!(prove(&place(), &argv), Ok(format!("runs as {}", actor::user())));
    }

    #[test]
    fn a_command_that_sudo_does_not_know_is_refused() {
        let elevated = Place { privilege: Privilege::SudoNonInteractive("no-such-user".to_owned()), ..place() };
        let resolved = resolve_argv(&elevated, &argv("true")).expect("it is there");
        assert!(prove(&elevated, &resolved).is_err());
        assert!(prove(&elevated, &argv("/usr/bin/true")).is_err(), "not what was sealed");
    }

    #[test]
    fn a_simulation_is_never_elevated() {
        let simulated = Place { privilege: Privilege::Polkit, demo_folder: Some("/nowhere".to_owned()), ..place() };
        assert!(prove(&simulated, &[]).is_err());
    }

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let fields: Vec<String> = (3..=30).map(|field| field.to_string()).collect();
        let check =
            |name: &str| assert_eq!(start_time(&format!("7 ({name}) {}", fields.join(" "))), Some(22), "{name}");
        check("runner");
        check("a b) (c");
        assert!(subject().is_ok());
    }
}
