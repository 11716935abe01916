//! The demo's systemctl: the executable that a demo's runbooks run in place of the real one.
//!
//! It speaks like systemctl (words, exit codes) of the units that are simulated, and reaches nothing but the control port of the demo in
//! whose folder it lies. It runs as a process of its own, so it waits by blocking.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::client::{ANSWER_LIMIT, Control, ServiceReport, service_target};
use super::control::RELOAD;
use super::error::SimError;
use super::http;
use super::service::{ServiceState, Verb};
use super::stage::wall_millis;
use crate::base::Wall;

/// What the simulated process is said to use.
const MEMORY_BYTES: u64 = 188_743_680;

const CONNECT_PATIENCE: Duration = Duration::from_secs(2);
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
const CGROUP_LIMIT: u64 = 64 * 1024;

/// What a command prints and exits with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

/// A command line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    verb: String,
    /// At least one, but of a reload; more than one only of `show`.
    units: Vec<String>,
    /// Of `show`; empty means all.
    properties: Vec<String>,
    value_only: bool,
    quiet: bool,
}

/// What systemd would know of the unit.
#[derive(Clone, Debug)]
pub(super) struct UnitFacts {
    /// With its type.
    pub unit: String,
    pub active: ServiceState,
    /// 0 without a process.
    pub main_pid: u32,
    pub since: Wall,
    /// Microseconds from the machine's start to the process's.
    pub started_micros: u64,
    pub control_group: String,
    pub environment: BTreeMap<String, String>,
}

impl Outcome {
    /// Prints it as the program would, and gives the exit code.
    #[must_use]
    pub fn print(&self) -> i32 {
        // A reader that went away does not change what was done.
        let _ = std::io::stdout().write_all(self.stdout.as_bytes());
        let _ = std::io::stderr().write_all(self.stderr.as_bytes());
        self.code
    }
}

/// What the simulated systemctl would print and exit with.
#[must_use]
pub fn outcome(folder: &Path, args: &[String]) -> Outcome {
    let call = match parse(args) {
        Ok(call) => call,
        Err(why) => return failed(1, why),
    };
    let done = Control::of_folder(folder).and_then(|control| carry_out(&control, &call));
    let unit = call.units.first().map_or("", String::as_str);
    done.unwrap_or_else(|error| failed(1, format!("Failed to {} {unit}: {error}", call.verb)))
}

fn carry_out(control: &Control, call: &Call) -> Result<Outcome, SimError> {
    if call.verb == "show" {
        let known = call.units.iter().map(|unit| tell(control, unit)?.as_ref().map(facts).transpose());
        let known = known.collect::<Result<Vec<_>, _>>()?;
        return Ok(Outcome {
            stdout: shown(call, &known.into_iter().flatten().collect::<Vec<_>>()),
            ..Outcome::default()
        });
    }
    if call.verb == RELOAD {
        return ask::<serde_json::Value>(control, "POST", &format!("/service/{RELOAD}")).map(|_| Outcome::default());
    }
    let unit = call.units.first().map_or("", String::as_str);
    let Some(report) = tell(control, unit)? else { return Ok(unknown_unit(call)) };
    Ok(match call.verb.as_str() {
        "is-active" => is_active(&report, call.quiet),
        "status" => status(&report),
        verb => match Verb::named(verb) {
            Some(verb) => command(control, unit, verb)?,
            None => failed(1, format!("Unknown command verb {verb}.")),
        },
    })
}

fn parse(args: &[String]) -> Result<Call, String> {
    let mut words = Vec::new();
    let mut properties = Vec::new();
    let (mut value_only, mut quiet) = (false, false);
    let mut rest = args.iter().map(String::as_str);
    let mut add = |list: &str| properties.extend(list.split(',').map(str::to_owned));
    while let Some(word) = rest.next() {
        match word {
            "-p" | "--property" => add(rest.next().ok_or("option requires an argument: property")?),
            "-n" | "--lines" => drop(rest.next()),
            "--value" => value_only = true,
            "-q" | "--quiet" => quiet = true,
            "--" | "--no-pager" | "--no-ask-password" | "--system" | "-l" | "--full" => {}
            _ => match word.strip_prefix("--property=").or_else(|| word.strip_prefix("-p")) {
                Some(list) => add(list),
                None if word.starts_with("--lines=") => {}
                None if word.starts_with('-') => return Err(format!("unrecognized option '{word}'")),
                None => words.push(word),
            },
        }
    }
    match words.as_slice() {
        [verb, units @ ..] if units.len() == 1 || (*verb == "show" && !units.is_empty()) => Ok(Call {
            verb: (*verb).to_owned(),
            units: units.iter().map(|unit| full_name(unit)).collect(),
            properties,
            value_only,
            quiet,
        }),
        [verb] if *verb == RELOAD => {
            Ok(Call { verb: RELOAD.to_owned(), units: Vec::new(), properties, value_only, quiet })
        }
        [] | [_] => Err("this demo's systemctl needs a command and a unit".to_owned()),
        _ => Err("this demo's systemctl takes one unit at a time".to_owned()),
    }
}

/// A unit's name with its type.
pub(super) fn full_name(unit: &str) -> String {
    if unit.contains('.') { unit.to_owned() } else { format!("{unit}.service") }
}

fn unknown_unit(call: &Call) -> Outcome {
    let unit = call.units.first().map_or("", String::as_str);
    match call.verb.as_str() {
        "is-active" => Outcome { stdout: "inactive\n".to_owned(), code: 4, ..Outcome::default() },
        "status" => failed(4, format!("Unit {unit} could not be found.")),
        verb => failed(5, format!("Failed to {verb} {unit}: Unit {unit} not found.")),
    }
}

fn command(control: &Control, unit: &str, verb: Verb) -> Result<Outcome, SimError> {
    let report: ServiceReport = ask(control, "POST", &service_target(verb.name(), unit))?;
    Ok(match (verb, report.active) {
        (Verb::Stop, _) | (Verb::Restart | Verb::Start, ServiceState::Active) => Outcome::default(),
        (Verb::Restart | Verb::Start, ServiceState::Failed | ServiceState::Inactive | ServiceState::Activating) => {
            failed(
                1,
                format!(
                    "Job for {unit} failed because the control process exited with error code.\n\
                 See \"systemctl status {unit}\" and \"journalctl -xeu {unit}\" for details."
                ),
            )
        }
    })
}

fn is_active(report: &ServiceReport, quiet: bool) -> Outcome {
    Outcome {
        stdout: if quiet { String::new() } else { format!("{}\n", report.active.word()) },
        code: if report.active == ServiceState::Active { 0 } else { 3 },
        ..Outcome::default()
    }
}

fn status(report: &ServiceReport) -> Outcome {
    let (mark, code) = match report.active {
        ServiceState::Active => ("●", 0),
        ServiceState::Activating => ("●", 3),
        ServiceState::Inactive => ("○", 3),
        ServiceState::Failed => ("×", 3),
    };
    let mut stdout = format!(
        "{mark} {} - simulated by opsconsole\n     Loaded: loaded (demo)\n     Active: {} ({}) since {}\n",
        report.unit,
        report.active.word(),
        sub_state(report.active),
        report.since
    );
    if report.main_pid != 0 {
        stdout.push_str(&format!("   Main PID: {} (opsconsole)\n", report.main_pid));
    }
    Outcome { stdout, code, ..Outcome::default() }
}

fn facts(report: &ServiceReport) -> Result<UnitFacts, SimError> {
    let since = report.since.parse::<jiff::Timestamp>().map_or(0, |since| since.as_millisecond());
    let up = u64::try_from(wall_millis() - since).unwrap_or(0);
    let now = clock_gettime(ClockId::Monotonic);
    let now_millis = u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap_or(0);
    let control_group = if report.main_pid == 0 { String::new() } else { control_group(report.main_pid)? };
    Ok(UnitFacts {
        unit: report.unit.clone(),
        active: report.active,
        main_pid: report.main_pid,
        since: Wall(since),
        // A chain may be older than the machine it is simulated on.
        started_micros: (now_millis.saturating_sub(up) * 1000).max(1),
        control_group,
        environment: report.environment.clone(),
    })
}

/// What `systemctl show` with these arguments prints of a unit of which this is known.
///
/// # Errors
/// The arguments are not those of `show`.
pub(super) fn show_facts(args: &[String], facts: &[UnitFacts]) -> Result<String, String> {
    let call = parse(args)?;
    if call.verb == "show" { Ok(shown(&call, facts)) } else { Err(format!("{} is more than a look", call.verb)) }
}

/// The units one after the other, an empty line between them.
fn shown(call: &Call, facts: &[UnitFacts]) -> String {
    let one = |unit: &String| match facts.iter().find(|facts| facts.unit == *unit) {
        Some(facts) => lines(call, |name| facts.property(name)),
        None => lines(call, |name| property_of_unknown(unit, name)),
    };
    call.units.iter().map(one).collect::<Vec<_>>().join("\n")
}

impl UnitFacts {
    fn property(&self, name: &str) -> Option<String> {
        let text = match name {
            "Id" => self.unit.clone(),
            "LoadState" => "loaded".to_owned(),
            "ActiveState" => self.active.word().to_owned(),
            "SubState" => sub_state(self.active).to_owned(),
            "Result" if self.active == ServiceState::Failed => "exit-code".to_owned(),
            "Result" => "success".to_owned(),
            // systemd counts its own restarts here, never an operator's.
            "NRestarts" => "0".to_owned(),
            "MainPID" => self.main_pid.to_string(),
            "ExecMainStartTimestamp" => self.since.to_string(),
            "ExecMainStartTimestampMonotonic" => self.started_micros.to_string(),
            "MemoryCurrent" if self.main_pid == 0 => "[not set]".to_owned(),
            "MemoryCurrent" => MEMORY_BYTES.to_string(),
            "ControlGroup" => self.control_group.clone(),
            "Environment" => {
                let words = self.environment.iter().map(|(name, value)| format!("{name}={value}"));
                words.collect::<Vec<_>>().join(" ")
            }
            _ => return None,
        };
        Some(text)
    }
}

/// Real systemctl shows a unit it does not know as one without a process.
fn property_of_unknown(unit: &str, name: &str) -> Option<String> {
    match name {
        "Id" => Some(unit.to_owned()),
        "LoadState" => Some("not-found".to_owned()),
        "ActiveState" => Some("inactive".to_owned()),
        "SubState" => Some("dead".to_owned()),
        "MainPID" => Some("0".to_owned()),
        "ControlGroup" => Some(String::new()),
        _ => None,
    }
}

/// `Name=value` lines, or values alone. A property that is not known prints nothing, as with systemctl.
fn lines(call: &Call, value_of: impl Fn(&str) -> Option<String>) -> String {
    let all = ["Id", "LoadState", "ActiveState", "SubState", "MainPID", "ControlGroup"].map(str::to_owned);
    let wanted: &[String] = if call.properties.is_empty() { &all } else { &call.properties };
    let line = |name: &String| {
        let value = value_of(name)?;
        Some(if call.value_only { format!("{value}\n") } else { format!("{name}={value}\n") })
    };
    wanted.iter().filter_map(line).collect()
}

fn sub_state(state: ServiceState) -> &'static str {
    match state {
        ServiceState::Active => "running",
        ServiceState::Activating => "start",
        ServiceState::Inactive => "dead",
        ServiceState::Failed => "failed",
    }
}

/// The control group of a process: of the unified hierarchy, else of systemd's own.
#[allow(clippy::disallowed_methods, reason = "systemctl tells the control group of the unit's process")]
fn control_group(pid: u32) -> Result<String, SimError> {
    let path = format!("/proc/{pid}/cgroup");
    let mut text = String::new();
    std::fs::File::open(&path)
        .and_then(|file| file.take(CGROUP_LIMIT).read_to_string(&mut text))
        .map_err(SimError::file("read", Path::new(&path)))?;
    Ok(group_in(&text))
}

fn group_in(text: &str) -> String {
    let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
    let named = || text.lines().find_map(|line| line.split_once(":name=systemd:").map(|(_, group)| group));
    unified.or_else(named).unwrap_or_default().to_owned()
}

/// Nothing of a unit that is not simulated.
fn tell(control: &Control, unit: &str) -> Result<Option<ServiceReport>, SimError> {
    match ask(control, "GET", &service_target("", unit)) {
        Ok(report) => Ok(Some(report)),
        Err(SimError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn ask<T: serde::de::DeserializeOwned>(
    control: &Control,
    method: &str,
    target: &str,
) -> Result<T, SimError> {
    let fail = |why: String| SimError::Control { address: control.address.clone(), why };
    let address: SocketAddr = control.address.parse().map_err(|_| fail("it is not an address".to_owned()))?;
    let exchange = || {
        let mut stream = TcpStream::connect_timeout(&address, CONNECT_PATIENCE)?;
        stream.set_read_timeout(Some(ANSWER_PATIENCE))?;
        stream.set_write_timeout(Some(ANSWER_PATIENCE))?;
        let request = http::control_request(method, target, &control.address, &control.file.token);
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        stream.take(ANSWER_LIMIT).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    let bytes = exchange().map_err(|error| fail(error.to_string()))?;
    control.read(&control.judge(method, target, &bytes)?)
}

pub(super) fn failed(code: i32, why: String) -> Outcome {
    Outcome { stderr: why + "\n", code, ..Outcome::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_group_is_read_from_either_hierarchy() {
        let check = |text, want| assert_eq!(group_in(text), want, "{text}");
        check("0::/system.slice/x.service\n", "/system.slice/x.service");
        check("12:pids:/a\n1:name=systemd:/b\n", "/b");
        check("1:name=systemd:/b\n0::/c\n", "/c");
        check("", "");
    }
}
