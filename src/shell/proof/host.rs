//! That the process which listens on a target's address belongs to the unit that commands will act on.

#![allow(clippy::disallowed_methods, reason = "the shell is where /proc is read")]

use std::collections::BTreeSet;
use std::time::Duration;

use super::listener::{self, Listening};
use crate::runbook::seal::{Host, Place};
use crate::shell::child::{self, Ended};
use crate::shell::resolve;

/// How long systemd may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// The first process: systemd itself holds the sockets that it hands to units.
const INIT: u32 = 1;

/// Whether commands act on the node that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostProof {
    /// How it was proven.
    Proven(String),
    /// Why it could not be: shown in the dialog, and the act is at least serious.
    NotProven(String),
    /// What is seen to be wrong: refused.
    Contradicted(String),
}

impl HostProof {
    /// What the dialog shows; a contradiction is a refusal.
    ///
    /// # Errors
    /// It is contradicted, and how.
    pub fn shown(self) -> Result<Result<String, String>, String> {
        match self {
            HostProof::Proven(how) => Ok(Ok(how)),
            HostProof::NotProven(why) => Ok(Err(why)),
            HostProof::Contradicted(why) => Err(why),
        }
    }
}

/// Asks the kernel who listens on the place's address, and systemd whether that is the place's unit. Blocks for a
/// moment while it looks through `/proc`.
pub async fn prove_host(place: &Place) -> HostProof {
    match &place.host {
        Host::Local => prove_local(place).await,
        Host::Ssh(alias) => HostProof::Contradicted(format!("{alias}: acting over ssh is not built")),
    }
}

async fn prove_local(place: &Place) -> HostProof {
    let sockets = match sockets_of(&place.listens_on) {
        Ok(sockets) => sockets,
        Err(other) => return other,
    };
    let inodes: BTreeSet<u64> = sockets.iter().map(|socket| socket.inode).collect();
    let holders = listener::holders(&inodes);
    if holders.is_empty() {
        return HostProof::NotProven(format!(
            "something listens on {}, and this user may not see which process it is",
            place.listens_on
        ));
    }
    match unit_of(place).await {
        Ok(unit) => judge(place, &unit, &holders, cgroups_of),
        Err(why) => HostProof::NotProven(why),
    }
}

fn sockets_of(listens_on: &str) -> Result<Vec<Listening>, HostProof> {
    let not_proven = |why: String| HostProof::NotProven(format!("{listens_on}: {why}"));
    let addresses = listener::addresses(listens_on).map_err(not_proven)?;
    if !addresses.iter().any(|address| listener::is_local(address.ip())) {
        return Err(HostProof::Contradicted(format!(
            "{listens_on} is not an address of this machine, and commands would act on this machine"
        )));
    }
    let sockets = listener::listening().map_err(not_proven)?;
    let found = addresses.iter().map(|address| listener::answering(&sockets, *address)).find(|found| !found.is_empty());
    found.ok_or_else(|| HostProof::NotProven(format!("nothing listens on {listens_on}")))
}

/// What systemd knows of a unit's processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Unit {
    main: Option<u32>,
    control_group: Option<String>,
}

async fn unit_of(place: &Place) -> Result<Unit, String> {
    let name = resolve::unit_name(&place.unit).map_err(|error| error.to_string())?;
    let program = resolve::program(place, "systemctl").map_err(|error| error.to_string())?;
    let program = program.display().to_string();
    let argv = [program.as_str(), "show", "--property=MainPID,ControlGroup", name].map(str::to_owned);
    let asked = |why: &str| format!("systemd could not be asked about {name}: {why}");
    match child::answer(&argv, LIMIT).await {
        Ok((Ended::Exited { code: 0 }, said)) => Ok(parse(&said)),
        Ok((Ended::Exited { .. } | Ended::Signalled { .. }, said)) => {
            Err(asked(said.lines().next().unwrap_or("systemctl failed and said nothing")))
        }
        Ok((Ended::OverTime { why } | Ended::Lost { why }, _)) => Err(asked(&why)),
        Err(error) => Err(asked(&error.to_string())),
    }
}

fn parse(said: &str) -> Unit {
    let value = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    Unit {
        main: value("MainPID").and_then(|pid| pid.trim().parse().ok()).filter(|pid| *pid != 0),
        control_group: value("ControlGroup").map(str::to_owned).filter(|group| group.len() > 1),
    }
}

/// Whether the processes that hold the socket are the unit's.
fn judge(place: &Place, unit: &Unit, holders: &BTreeSet<u32>, cgroups: impl Fn(u32) -> Vec<String>) -> HostProof {
    let within = |pid: u32| {
        let by_group = |group: &String| cgroups(pid).iter().any(|path| is_within(path, group));
        unit.main == Some(pid) || unit.control_group.as_ref().is_some_and(by_group)
    };
    let (of_unit, others): (Vec<u32>, Vec<u32>) = holders.iter().partition(|pid| within(**pid));
    let name = format!("{}.service", resolve::bare_unit(&place.unit));
    let address = &place.listens_on;
    match (of_unit.first(), others.iter().find(|pid| **pid != INIT)) {
        (Some(pid), None) => HostProof::Proven(format!("pid {pid} of {name} listens on {address}")),
        (Some(pid), Some(other)) => HostProof::NotProven(format!(
            "pid {pid} of {name} listens on {address}, and so does {}",
            described(*other, &cgroups(*other))
        )),
        (None, Some(other)) => HostProof::Contradicted(format!(
            "{} listens on {address}, not {name}{}",
            described(*other, &cgroups(*other)),
            if unit.main.is_none() && unit.control_group.is_none() { ", which is not running" } else { "" }
        )),
        (None, None) => HostProof::NotProven(format!("systemd itself holds {address}, and {name} does not")),
    }
}

fn is_within(path: &str, group: &str) -> bool {
    path == group || path.strip_prefix(group).is_some_and(|rest| rest.starts_with('/'))
}

fn described(pid: u32, cgroups: &[String]) -> String {
    let unit = cgroups.iter().find_map(|path| {
        path.rsplit('/').find(|part| part.ends_with(".service") || part.ends_with(".scope")).map(str::to_owned)
    });
    match unit {
        Some(unit) => format!("pid {pid} of {unit}"),
        None => format!("pid {pid} (of no unit)"),
    }
}

/// The control groups in which systemd keeps its units: the unified hierarchy and systemd's own.
fn cgroups_of(pid: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let path =
        |line: &str| line.strip_prefix("0::").or_else(|| Some(line.split_once(":name=systemd:")?.1)).map(str::to_owned);
    text.lines().filter_map(path).filter(|path| path != "/").collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::shell::eventually::eventually;
    use crate::shell::resolve::tests::{demo, place};

    #[test]
    fn the_unit_that_listens_is_told_from_every_other() {
        let unit = Unit { main: Some(10), control_group: Some("/system.slice/node.service".to_owned()) };
        let cgroups = |pid: u32| match pid {
            11 => vec!["/system.slice/node.service/worker".to_owned()],
            12 => vec!["/system.slice/node.service-evil".to_owned()],
            20 => vec!["/system.slice/other.service".to_owned()],
            _ => Vec::new(),
        };
        let check = |unit: &Unit, holders: &[u32], want: &str| {
            let found = judge(&place(), unit, &holders.iter().copied().collect(), cgroups);
            assert_eq!(format!("{found:?}"), want);
        };
        let address = "127.0.0.1:1";
        check(&unit, &[10], &format!("Proven(\"pid 10 of node.service listens on {address}\")"));
        check(&unit, &[11], &format!("Proven(\"pid 11 of node.service listens on {address}\")"));
        check(&unit, &[1, 11], &format!("Proven(\"pid 11 of node.service listens on {address}\")"));
        check(
            &unit,
            &[20],
            &format!("Contradicted(\"pid 20 of other.service listens on {address}, not node.service\")"),
        );
        check(&unit, &[12], &format!("Contradicted(\"pid 12 (of no unit) listens on {address}, not node.service\")"));
        check(
            &unit,
            &[10, 20],
            &format!("NotProven(\"pid 10 of node.service listens on {address}, and so does pid 20 of other.service\")"),
        );
        check(&unit, &[1], &format!("NotProven(\"systemd itself holds {address}, and node.service does not\")"));
        check(
            &Unit::default(),
            &[20],
            &format!(
                "Contradicted(\"pid 20 of other.service listens on {address}, not node.service, which is not running\")"
            ),
        );
    }

    #[test]
    fn what_systemd_says_is_read_and_an_empty_group_is_none() {
        let check = |said: &str, main: Option<u32>, group: Option<&str>| {
            assert_eq!(parse(said), Unit { main, control_group: group.map(str::to_owned) }, "{said}");
        };
        check("MainPID=12\nControlGroup=/system.slice/a.service", Some(12), Some("/system.slice/a.service"));
        check("ControlGroup=\nMainPID=0", None, None);
        check("MainPID=1\nControlGroup=/", Some(1), None);
        check("", None, None);
    }

    #[tokio::test]
    async fn a_real_socket_of_ours_is_proven_contradicted_or_neither() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let listens_on = socket.local_addr().expect("it is bound").to_string();
        let says = |text: &str| {
            let script =
                format!("#!/bin/sh\n[ \"$*\" = 'show --property=MainPID,ControlGroup node' ] || exit 9\n{text}\n");
            Place { listens_on: listens_on.clone(), ..demo(folder.path(), &[("systemctl", &script)]) }
        };
        let ours = format!("echo MainPID={}; echo ControlGroup=", std::process::id());
        let proven = async || matches!(prove_host(&says(&ours)).await, HostProof::Proven(_));
        assert!(eventually(proven).await, "{:?}", prove_host(&says(&ours)).await);
        assert!(matches!(prove_host(&says("echo MainPID=0")).await, HostProof::Contradicted(_)));
        let failed = prove_host(&says("echo no bus; exit 1")).await;
        assert_eq!(failed, HostProof::NotProven("systemd could not be asked about node: no bus".to_owned()));
        let quiet = Place { listens_on: "127.0.0.1:1".to_owned(), ..says(&ours) };
        assert_eq!(prove_host(&quiet).await, HostProof::NotProven("nothing listens on 127.0.0.1:1".to_owned()));
        let elsewhere = Place { listens_on: "192.0.2.1:80".to_owned(), ..says(&ours) };
        assert!(matches!(prove_host(&elsewhere).await, HostProof::Contradicted(_)));
        let ssh = Place { host: Host::Ssh("n1".to_owned()), ..says(&ours) };
        assert!(matches!(prove_host(&ssh).await, HostProof::Contradicted(_)));
    }
}
