//! From facts to findings. Pure: what was seen is an argument.

mod remedy;

use std::collections::BTreeSet;

use super::super::capability::{CapabilitySnapshot, LackSnapshot};
use super::{Finding, Health};
use crate::base::text::count;
use crate::base::time::spoken;
use crate::model::FetchFailure;
use crate::panes::model::Target;
use crate::runbook::tree::Act;
use crate::shell::examine::{PathFacts, PrivilegeFacts, ReadFacts, SecretFacts, StateFacts, TerminalFacts, acts};
use crate::systems::spec::{EndpointSpec, SecretSpec};

/// Cells below which pages say what is missing instead of showing it.
const LEAST_COLUMNS: u16 = 80;
const LEAST_ROWS: u16 = 24;

/// A journal that can not be written stops everything; this much is room for months.
const LITTLE_BYTES: u64 = 100 << 20;

/// A node's clock that is further away than this makes ages and ranges wrong.
const SKEW_SECONDS: f64 = 5.0;

/// What is known of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigFacts {
    /// The file that is used; nothing where there is none.
    pub path: Option<String>,
    /// Where one would be.
    pub usual: String,
    pub problems: Vec<String>,
    pub targets: usize,
    /// The file and its folder.
    pub places: Vec<PathFacts>,
    /// What answers on this machine where nothing is configured, in a sentence.
    pub found: Option<String>,
}

fn ok(area: &'static str, what: impl Into<String>) -> Finding {
    Finding { area, health: Health::Ok, what: what.into(), remedy: None }
}

fn warning(area: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { area, health: Health::Warning, what: what.into(), remedy: Some(remedy.into()) }
}

fn problem(area: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding { area, health: Health::Problem, what: what.into(), remedy: Some(remedy.into()) }
}

/// What the targets' systems can not be started with.
pub(super) fn broken(why: &str) -> Finding {
    problem("configuration", why, "put this right first; opsconsole config check lists every mistake")
}

pub(super) fn terminal(facts: &TerminalFacts) -> Vec<Finding> {
    const AREA: &str = "terminal";
    if !facts.is_terminal {
        let what = "standard output is no terminal, so that none could be asked";
        let remedy = "run opsconsole doctor in the terminal where the console will run, without a pipe";
        return vec![Finding { remedy: Some(remedy.to_owned()), ..ok(AREA, what) }];
    }
    let mut findings = vec![kind(facts), colours(facts), encoding(facts)];
    match &facts.answers {
        Some(Ok(answers)) => {
            let (columns, rows) = (answers.size.width, answers.size.height);
            findings.push(if columns >= LEAST_COLUMNS && rows >= LEAST_ROWS {
                ok(AREA, format!("{columns} columns and {rows} rows"))
            } else {
                let what = format!("{columns} columns and {rows} rows: pages are cut");
                warning(AREA, what, format!("make the window at least {LEAST_COLUMNS} by {LEAST_ROWS}"))
            });
            findings.push(match answers.status_after {
                Some(after) => ok(AREA, format!("a status report came after {}", spoken(after))),
                None => warning(
                    AREA,
                    "no status report came, so that frames can not be paced by what has arrived",
                    "use a terminal that answers CSI 5 n; on a slow line keys may show late until then",
                ),
            });
            findings.push(if answers.synchronized {
                ok(AREA, "synchronized output: frames appear whole")
            } else {
                let what = "no synchronized output: a frame may be seen half drawn";
                Finding {
                    remedy: Some("a newer terminal or tmux 3.4 has it; nothing is wrong without".to_owned()),
                    ..ok(AREA, what)
                }
            });
        }
        Some(Err(why)) => findings.push(problem(
            AREA,
            format!("the terminal can not be used: {why}"),
            "use another terminal, or set TERM to what it is",
        )),
        None => {}
    }
    findings.push(clipboard(facts));
    findings
}

fn kind(facts: &TerminalFacts) -> Finding {
    const AREA: &str = "terminal";
    match facts.term.as_deref() {
        None => problem(AREA, "TERM is not set", "set TERM to what the terminal is, for example xterm-256color"),
        Some("dumb") => problem(
            AREA,
            "TERM is dumb: the cursor can not be placed",
            "set TERM to what the terminal is, for example xterm-256color",
        ),
        Some(term) => ok(AREA, format!("TERM is {term}{}", if facts.tmux { ", within tmux" } else { "" })),
    }
}

fn colours(facts: &TerminalFacts) -> Finding {
    const AREA: &str = "terminal";
    let term = facts.term.as_deref().unwrap_or_default();
    let deep = matches!(facts.colorterm.as_deref(), Some("truecolor" | "24bit")) || term.ends_with("-direct");
    match (facts.no_color, deep, term) {
        (true, ..) => ok(AREA, "NO_COLOR is set: states are told by sign and word alone"),
        (false, true, _) => ok(AREA, "24-bit colours"),
        (false, false, term) if term.contains("256color") => ok(AREA, "256 colours"),
        (false, false, term) => warning(
            AREA,
            format!("16 colours, as far as TERM={term} tells"),
            "if the terminal has more, set TERM to its -256color name or COLORTERM=truecolor",
        ),
    }
}

fn encoding(facts: &TerminalFacts) -> Finding {
    const AREA: &str = "terminal";
    match &facts.locale {
        Some(locale) if locale.to_ascii_lowercase().replace('-', "").contains("utf8") => {
            ok(AREA, format!("UTF-8, by the locale {locale}"))
        }
        other => warning(
            AREA,
            match other {
                Some(locale) => format!("the locale {locale} is not UTF-8: frames and charts may show as other signs"),
                None => "no locale is set: frames and charts may show as other signs".to_owned(),
            },
            "set LANG=C.UTF-8, or start with --ascii",
        ),
    }
}

fn clipboard(facts: &TerminalFacts) -> Finding {
    const AREA: &str = "terminal";
    let term = facts.term.as_deref().unwrap_or_default();
    if term == "linux" {
        return warning(
            AREA,
            "the Linux console has no clipboard",
            "copy from opsconsole runbook plan, or use a terminal that knows OSC 52",
        );
    }
    let remedy = if facts.tmux {
        "if nothing is copied, put set -g set-clipboard on and set -g allow-passthrough on into tmux.conf"
    } else {
        "if nothing is copied, allow OSC 52 in the terminal's settings"
    };
    Finding {
        remedy: Some(remedy.to_owned()),
        ..ok(AREA, "copying goes through OSC 52; terminals do not tell whether they take it")
    }
}

pub(super) fn config(facts: &ConfigFacts) -> Vec<Finding> {
    const AREA: &str = "configuration";
    let Some(path) = &facts.path else {
        let remedy = format!("opsconsole config init --out {} writes one to begin with", facts.usual);
        let mut findings = vec![match &facts.found {
            Some(found) => warning(AREA, found.clone(), remedy),
            None => warning(AREA, "there is no configuration, and no node was found on this machine", remedy),
        }];
        let broken = "the files of a system have a mistake";
        findings.extend(
            facts
                .problems
                .iter()
                .map(|why| problem(AREA, format!("{broken}: {why}"), "put it right, or move the folder away")),
        );
        return findings;
    };
    let mut findings: Vec<Finding> = facts
        .problems
        .iter()
        .map(|what| problem(AREA, what.clone(), "put it right there; opsconsole config check reads it again"))
        .collect();
    if findings.is_empty() {
        findings.push(ok(AREA, format!("{path}: {}, no mistakes", count(facts.targets, "target"))));
    }
    for place in &facts.places {
        if place.mode & 0o002 != 0 && place.mode & 0o1000 == 0 {
            let what = format!("everyone may change {}, and so what the console runs and where", place.path);
            findings.push(problem(AREA, what, format!("chmod o-w {}", place.path)));
        } else if !place.trusted_owner {
            let what =
                format!("{} belongs to {}, who can change what the console runs and where", place.path, place.owner);
            findings.push(warning(AREA, what, format!("let it belong to root or to you: chown root {}", place.path)));
        }
    }
    findings
}

/// `simulated` where nothing but simulated targets is configured: then nobody else acts on them.
pub(super) fn state(facts: &StateFacts, simulated: bool) -> Vec<Finding> {
    const AREA: &str = "state root";
    if let Some(why) = &facts.unusable {
        return vec![problem(
            AREA,
            why.clone(),
            "without it nothing is journalled and so nothing can be done; put it right, or name another with --state-root",
        )];
    }
    let path = &facts.path;
    let share = "as root: install -d -g opsconsole -m 2770 /var/lib/opsconsole, and put every operator into that group";
    let mut findings = vec![match (facts.shared, &facts.not_shared_because) {
        (true, _) => ok(AREA, format!("{path} is shared: operators of this host exclude each other")),
        (false, _) if simulated => ok(AREA, format!("{path} is this user's own, as the simulated targets are")),
        (false, Some(why)) => warning(
            AREA,
            format!("{path} is this user's own: {why}"),
            "ask to be put into the group of /var/lib/opsconsole, and log in again",
        ),
        (false, None) => warning(
            AREA,
            format!(
                "{path} {}: other operators are not excluded",
                if facts.exists { "is this user's own" } else { "will be made, for this user alone" }
            ),
            share,
        ),
    }];
    if let Some(free) = facts.free_bytes
        && free < LITTLE_BYTES
    {
        let what = format!("{} MiB are free where {path} is; a full disk stops every action", free >> 20);
        findings.push(warning(AREA, what, "make room, or name another folder with --state-root"));
    }
    findings
}

pub(super) fn secrets(facts: &[SecretFacts]) -> Vec<Finding> {
    const AREA: &str = "secrets";
    let judge = |secret: &SecretFacts| match &secret.unusable {
        None => ok(AREA, format!("{} of {} can be used", secret.reference, secret.of)),
        Some(why) => problem(
            AREA,
            format!("{} of {} can not be used: {why}", secret.reference, secret.of),
            match secret.for_acts {
                true => "until then every act that needs it is refused before anything is done",
                false => "until then nothing is read from that endpoint",
            },
        ),
    };
    facts.iter().map(judge).collect()
}

/// The secrets of a target's system that the target does not name: one that a runbook sends is needed; of any other
/// it is only said.
pub(super) fn unnamed_secrets(target: &Target) -> Vec<Finding> {
    let sent: BTreeSet<&str> = acts(target)
        .filter_map(|plan| match &plan.act {
            Act::Request(request) => Some(request.headers.iter().map(|header| header.secret.as_str())),
            Act::Command(_) | Act::Wait(_) | Act::File(_) => None,
        })
        .flatten()
        .collect();
    let unnamed = target.system.spec.secrets.iter().filter(|secret| !target.spec.secrets.contains_key(&secret.name));
    let finding = |secret: &SecretSpec| {
        let SecretSpec { name, help, variable, .. } = secret;
        let what = format!("{} does not say where its secret {name} is kept: {help}", target.id);
        if !sent.contains(name.as_str()) {
            return ok("secrets", format!("{what} Nothing that the console reads or does needs it"));
        }
        let fix = format!(
            "add secrets: {{\"{name}\": Env(\"{variable}\")}} to the target; until then what needs it is refused"
        );
        warning("secrets", what, &fix)
    };
    if target.spec.host.is_none() { Vec::new() } else { unnamed.map(finding).collect() }
}

pub(super) fn tool(name: &str, present: bool, acts: bool) -> Finding {
    const AREA: &str = "tools";
    match (present, acts) {
        (true, _) => ok(AREA, format!("{name} is there")),
        (false, true) => problem(
            AREA,
            format!("{name} is not installed, and targets of this configuration act on this host"),
            "run the console on the host that it acts on, or take the host out to only observe",
        ),
        (false, false) => warning(
            AREA,
            format!("{name} is not installed: what reads through it fails"),
            "nothing to do where no target lives on this host",
        ),
    }
}

pub(super) fn privilege(facts: &[PrivilegeFacts]) -> Vec<Finding> {
    const AREA: &str = "privilege";
    let judge = |fact: &PrivilegeFacts| match (&fact.outcome, &fact.command) {
        (Ok(how), Some(command)) => ok(AREA, format!("{}: {command}: {how}", fact.target)),
        (Ok(how), None) => ok(AREA, format!("{}: {how}", fact.target)),
        (Err(why), None) => problem(
            AREA,
            format!("{}: whatever its runbooks do would be refused: {why}", fact.target),
            "put that right, or take the host out of the target to only observe",
        ),
        (Err(why), Some(command)) => problem(
            AREA,
            format!("{}: {command} would be refused: {why}", fact.target),
            "allow exactly this command to the operators in sudoers (NOPASSWD) or polkit, or set the target's privilege to what is allowed",
        ),
    };
    facts.iter().map(judge).collect()
}

pub(super) fn reads(facts: &[ReadFacts]) -> Vec<Finding> {
    facts.iter().flat_map(read).collect()
}

fn read(fact: &ReadFacts) -> Vec<Finding> {
    const AREA: &str = "reachability";
    match &fact.failure {
        // What is of another machine is not broken: nobody asked it. The address says why, and how to change that.
        Some(FetchFailure::NotRead { .. }) => return vec![ok(AREA, format!("{}: {}", fact.source, fact.address))],
        Some(late @ FetchFailure::Late { .. }) => {
            let what = format!("{}: {}: {late}", fact.source, fact.address);
            return vec![warning(AREA, what, remedy::of(late))];
        }
        // Told of the node as a whole, once for each of its endpoints.
        Some(FetchFailure::OtherSystem { .. }) => return Vec::new(),
        Some(why) => {
            let what = format!("{}: {}: {why}", fact.source, fact.address);
            return vec![problem(AREA, what, remedy::of(why))];
        }
        None => {}
    }
    if let Some(how) = &fact.unserved {
        return vec![ok(
            AREA,
            format!("{}: {}: not exposed: {how}, as other reads there are not", fact.source, fact.address),
        )];
    }
    let surface = match &fact.surfaces[..] {
        [] => String::new(),
        some => format!(", surface {}", some.join(" and ")),
    };
    let missing = match &fact.not_exposed[..] {
        [] => String::new(),
        some => format!(", not exposed: {}", some.join(", ")),
    };
    let mut findings =
        vec![ok(AREA, format!("{}: {} in {}{surface}{missing}", fact.source, fact.address, spoken(fact.took)))];
    if let Some(skew) = fact.clock_skew_seconds.filter(|skew| skew.abs() > SKEW_SECONDS) {
        let (direction, seconds) = if skew > 0.0 { ("ahead of", skew) } else { ("behind", -skew) };
        findings.push(warning(
            AREA,
            format!(
                "{}: the node's clock is {seconds:.0} s {direction} this machine's, so that ages are wrong by as much",
                fact.source
            ),
            "see on both whether the time is synchronized: timedatectl",
        ));
    }
    findings
}

/// What each node of a target was found to be and to have; in no case is it a problem that a node does not have what a
/// document promises, but it is one that another system answers.
pub(super) fn capabilities(found: &[CapabilitySnapshot]) -> Vec<Finding> {
    found.iter().flat_map(capability).collect()
}

fn capability(found: &CapabilitySnapshot) -> Vec<Finding> {
    const AREA: &str = "capability";
    let name = format!("{}/{}", found.target, found.node);
    let another = |words: &String| problem(AREA, format!("{name}: {words}"), remedy::OTHER_SYSTEM);
    let mut findings: Vec<Finding> = found.answers_as.iter().map(another).collect();
    for url in &found.not_recognised {
        let what = format!("{name}: what answers at {url} is not known for {}, nor for any other system", found.system);
        findings.push(warning(AREA, what, "see whether the endpoint's url leads to the node, and which version it is"));
    }
    if found.answers_as.is_empty() {
        findings.push(ok(AREA, format!("{}/{}", found.target, found.line().trim_start_matches("node").trim_start())));
    }
    let lack = |lack: &LackSnapshot| {
        let how = lack.how.as_ref().map(|how| format!(" ({how})")).unwrap_or_default();
        let word = if lack.kind == "absent" { "not there now" } else { "not exposed" };
        ok(AREA, format!("{name}: {} is {word}{how}; {}", lack.what, lack.expected))
    };
    findings.extend(found.not_exposed.iter().map(lack));
    findings
}

/// Endpoints of a target whose answers nothing tells from those of another system, by their ids: they are believed by
/// their address alone.
pub(super) fn indistinct(target: &Target) -> Vec<Finding> {
    let configured = |endpoint: &&EndpointSpec| {
        let mut addresses = target.spec.nodes.iter().flat_map(|node| &node.endpoints);
        addresses.any(|address| address.id.as_str() == endpoint.id)
    };
    let endpoints = target.system.spec.endpoints.iter().filter(configured);
    let ids: Vec<&str> = endpoints
        .filter(|endpoint| target.system.spec.recognises(endpoint).is_none())
        .map(|endpoint| endpoint.id.as_str())
        .collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let what = format!(
        "{}: no answer of {} tells this system from any other program: what answers there is believed, unless it is \
         known for another system or endpoint",
        target.id,
        ids.join(" and ")
    );
    vec![ok("capability", what)]
}

#[cfg(test)]
mod tests;
