//! systemd units: one `systemctl show` for all units of the source, and a document per unit.
//!
//! Series are named as the node exporter's systemd collector names them: `node_systemd_unit_state{name, state}` (1 for
//! the state the unit is in), `node_systemd_service_restart_total{name}`, `node_systemd_unit_start_time_seconds{name}`;
//! beside them `node_systemd_unit_loaded{name}` (0 for a unit that systemd does not know),
//! `node_systemd_unit_main_pid{name}` (0 without a process) and `node_systemd_unit_memory_current_bytes{name}`. A unit
//! that systemd does not know has no state. Of the variables that are asked for, and are set to a number, there is
//! `opsconsole_unit_environment{name, variable}`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::{Columns, Decoded, Fill, Kind, KindSpec, Own, PROGRAM_INTERVAL, folder_of, mismatched, names_of};
use super::{BoundSource, Cursor, SourceKindSpec, seconds};
use crate::base::{At, text};
use crate::model::{Answer, CommandAnswer, CommandRequest, Document, Fetch, FetchFailure, Labels, Reply};

const PROGRAM: &str = "systemctl";

/// What a failure says was expected.
const EXPECTED: &str = "what systemctl show says of a unit";

/// What is asked of every unit.
const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,Result,NRestarts,MainPID,ExecMainStartTimestamp,\
ExecMainStartTimestampMonotonic,MemoryCurrent";

/// systemd's `ActiveState`s that the node exporter tells of.
const STATES: [&str; 5] = ["active", "activating", "deactivating", "inactive", "failed"];

const STATE: &str = "node_systemd_unit_state";
const LOADED: &str = "node_systemd_unit_loaded";
const RESTARTS: &str = "node_systemd_service_restart_total";
const MAIN_PID: &str = "node_systemd_unit_main_pid";
const STARTED: &str = "node_systemd_unit_start_time_seconds";
/// Of a variable that systemd would start the unit with; a variable that is not set has none.
const ENVIRONMENT: &str = "opsconsole_unit_environment";
const MEMORY: &str = "node_systemd_unit_memory_current_bytes";

/// Columns of one unit: its states, then one each.
const SINGLE: [&str; 5] = [LOADED, RESTARTS, MAIN_PID, STARTED, MEMORY];
const COLUMNS: usize = STATES.len() + SINGLE.len();

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitsSpec {
    /// With or without `.service`; may hold `{setting}`s.
    pub units: Vec<String>,
    /// Variables of the units' environment whose numbers are read back.
    #[serde(default)]
    pub environment: Vec<String>,
}

#[derive(Debug)]
struct Units {
    request: CommandRequest,
    /// With their type: `volchain-backend.service`.
    units: Vec<String>,
    environment: Vec<String>,
    columns: Columns,
}

/// The properties of one unit, as systemctl shows them.
type Properties<'a> = BTreeMap<&'a str, &'a str>;

impl KindSpec for UnitsSpec {
    fn read(&self) -> String {
        format!("{PROGRAM} show {}", self.units.join(" "))
    }

    fn compile(&self, bound: &BoundSource) -> Result<Box<dyn Kind>, String> {
        if self.units.is_empty() {
            return Err("it names no unit".to_owned());
        }
        let units: Vec<String> = self.units.iter().map(|unit| unit_name(unit)).collect::<Result<_, _>>()?;
        let variable = |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if let Some(name) = self.environment.iter().find(|name| !variable(name)) {
            return Err(format!("{:?} can not name a variable", text::escaped(name)));
        }
        let properties = if self.environment.is_empty() { "" } else { ",Environment" };
        let properties = format!("{PROPERTIES}{properties}");
        let fixed = ["show", "--no-pager", "--property", &properties, "--"];
        let argv = [PROGRAM].iter().chain(&fixed).map(|word| (*word).to_owned()).chain(units.iter().cloned());
        let request = CommandRequest {
            argv: argv.collect(),
            within: folder_of(bound),
            timeout: seconds(bound.spec.timeout_seconds),
            limit_bytes: bound.spec.limit_bytes,
        };
        let of_units = units.iter().flat_map(|unit| series_of(unit));
        let of_environment = units.iter().flat_map(|unit| {
            let named = move |name: &String| Labels::named(ENVIRONMENT).with("name", unit).with("variable", name);
            self.environment.iter().map(named)
        });
        let columns = Columns::new(bound, of_units.chain(of_environment))?;
        Ok(Box::new(Units { request, units, environment: self.environment.clone(), columns }))
    }

    fn names(&self) -> Option<Vec<String>> {
        let environment = (!self.environment.is_empty()).then_some(ENVIRONMENT);
        Some(names_of([STATE].into_iter().chain(SINGLE).chain(environment)))
    }

    fn filled(&self, fill: Fill<'_>) -> Result<SourceKindSpec, String> {
        let units = self.units.iter().map(|unit| fill(unit)).collect::<Result<_, _>>()?;
        Ok(SourceKindSpec::Units(UnitsSpec { units, environment: self.environment.clone() }))
    }

    fn is_of_machine(&self) -> bool {
        true
    }

    fn least_interval(&self) -> Duration {
        PROGRAM_INTERVAL
    }
}

impl Kind for Units {
    fn fetch(&self, _cursor: &Cursor) -> Result<Fetch, FetchFailure> {
        Ok(Fetch::Command(self.request.clone()))
    }

    fn decode(&self, reply: &Reply, own: &Own<'_>, cursor: &mut Cursor) -> Result<Decoded, FetchFailure> {
        let answer = succeeded(reply, PROGRAM)?;
        let shown = String::from_utf8_lossy(&answer.stdout);
        let blocks: Vec<Properties<'_>> = blocks(&shown).collect();
        if blocks.len() != self.units.len() {
            let detail = format!("{} units were asked for and {} came", self.units.len(), blocks.len());
            return Err(FetchFailure::Malformed { expected: EXPECTED.to_owned(), detail });
        }
        let mut values = Vec::new();
        let mut documents = Vec::new();
        // systemctl answers in the order in which it was asked.
        for (at, (unit, properties)) in self.units.iter().zip(&blocks).enumerate() {
            if !properties.contains_key("LoadState") {
                let detail = format!("nothing is said of whether {unit} is loaded");
                return Err(FetchFailure::Malformed { expected: EXPECTED.to_owned(), detail });
            }
            values.extend(
                values_of(properties, reply.sent).into_iter().map(|(column, value)| (at * COLUMNS + column, value)),
            );
            let first = self.units.len() * COLUMNS + at * self.environment.len();
            let set = self.environment.iter().enumerate().filter_map(|(nth, name)| {
                variable_of(properties.get("Environment").copied().unwrap_or_default(), name).map(|value| (nth, value))
            });
            values.extend(set.map(|(nth, value)| (first + nth, value)));
            documents.push(document(unit, properties));
        }
        let decoded = self.columns.lay_out(own, cursor, &values);
        let missing = [STATE].into_iter().chain(SINGLE).filter(|name| !decoded.layout.has(name));
        let not_exposed = missing.map(Arc::from).collect();
        Ok(Decoded { documents, not_exposed, ..decoded })
    }
}

/// What a program put out, where it ended well.
pub(super) fn succeeded<'a>(reply: &'a Reply, program: &str) -> Result<&'a CommandAnswer, FetchFailure> {
    match &reply.answer {
        Answer::Command(answer) if answer.code == 0 => Ok(answer),
        Answer::Command(answer) => Err(FetchFailure::Exit {
            program: program.to_owned(),
            code: answer.code,
            complaint: answer.complaint.clone(),
        }),
        Answer::Http(_) | Answer::Tcp | Answer::File(_) | Answer::FileSystem(_) => Err(mismatched()),
    }
}

/// A unit's name with its type. It can be neither an option nor a pattern.
pub(super) fn unit_name(unit: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.@\\".contains(c);
    if unit.is_empty() || unit.len() > 255 || unit.starts_with('-') || !unit.chars().all(plain) {
        return Err(format!("{:?} can not name a unit", text::escaped(unit)));
    }
    const TYPES: [&str; 6] = [".service", ".socket", ".timer", ".mount", ".target", ".path"];
    let typed = TYPES.iter().any(|kind| unit.ends_with(kind));
    Ok(if typed { unit.to_owned() } else { format!("{unit}.service") })
}

fn series_of(unit: &str) -> Vec<Labels> {
    let named = |name: &&str| Labels::named(name).with("name", unit);
    let states = STATES.iter().map(|state| named(&STATE).with("state", state));
    states.chain(SINGLE.iter().map(named)).collect()
}

/// `Name=value` lines, a unit from the next by an empty line.
fn blocks(shown: &str) -> impl Iterator<Item = Properties<'_>> {
    let blocks = shown.split("\n\n").filter(|block| !block.trim().is_empty());
    blocks.map(|block| block.lines().filter_map(|line| line.split_once('=')).collect())
}

/// The number that a variable is set to. The list is systemd's own, words with quotes around those that need them.
fn variable_of(environment: &str, name: &str) -> Option<f64> {
    let words = environment.split_ascii_whitespace().map(|word| word.trim_matches('"'));
    let mut set = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    set.next_back()?.parse::<f64>().ok().filter(|value| value.is_finite())
}

fn values_of(properties: &Properties<'_>, sent: At) -> Vec<(usize, f64)> {
    let get = |name: &str| properties.get(name).copied().unwrap_or_default();
    let number = |name: &str| get(name).parse::<u64>().ok();
    let single = |name: &str| STATES.len() + SINGLE.iter().position(|have| *have == name).unwrap_or(0);
    let loaded = get("LoadState") == "loaded";
    let mut values = Vec::new();
    if loaded {
        let yes = |state: &str| f64::from(u8::from(get("ActiveState") == state));
        values.extend(STATES.iter().enumerate().map(|(at, state)| (at, yes(state))));
    }
    values.push((single(LOADED), f64::from(u8::from(loaded))));
    if !loaded {
        return values;
    }
    values.extend(number("NRestarts").map(|count| (single(RESTARTS), count as f64)));
    values.extend(number("MainPID").map(|pid| (single(MAIN_PID), pid as f64)));
    // The text beside it is in the machine's own zone; this counts microseconds since boot, and is 0 where no process
    // was ever started. Suspended time is not in it, so that a laptop's units seem younger than they are.
    let started = number("ExecMainStartTimestampMonotonic").filter(|micros| *micros > 0);
    values.extend(started.map(|micros| {
        let up = Duration::from_millis(sent.boot.0.saturating_sub(micros / 1000));
        (single(STARTED), sent.wall.minus(up).as_seconds().round())
    }));
    // Without accounting systemd shows [not set], or the largest number there is.
    let memory = number("MemoryCurrent").filter(|bytes| *bytes < u64::MAX);
    values.extend(memory.map(|bytes| (single(MEMORY), bytes as f64)));
    values
}

fn document(unit: &str, properties: &Properties<'_>) -> Document {
    // An environment may hold secrets: of it only the numbers that were asked for are kept.
    let told = properties.iter().filter(|(name, _)| **name != "Environment");
    let pairs = told.map(|(name, value)| ((*name).to_owned(), serde_json::Value::from(*value)));
    Document { name: format!("unit {unit}"), json: Arc::new(serde_json::Value::Object(pairs.collect())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Boot, Wall};

    const RUNNING: &str = "Id=node.service\nLoadState=loaded\nActiveState=active\nSubState=running\nResult=success\n\
        NRestarts=3\nMainPID=4242\nExecMainStartTimestamp=Sat 2026-11-21 03:00:00 UTC\n\
        ExecMainStartTimestampMonotonic=900000000\nMemoryCurrent=1048576\n";
    const UNKNOWN: &str = "Id=gone.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nMainPID=0\n";

    #[test]
    fn properties_become_what_the_node_exporter_says() {
        let sent = At { boot: Boot(1_000_000), wall: Wall(5_000_000_000) };
        let check = |shown: &str, want: &[(&str, f64)]| {
            let properties = blocks(shown).next().expect("a unit");
            let series = series_of("node.service");
            let values = values_of(&properties, sent).into_iter().map(|(column, value)| {
                let labels = &series[column];
                let state = labels.get("state");
                (
                    format!(
                        "{}{}{state}",
                        &labels.name()["node_systemd_".len()..],
                        if state.is_empty() { "" } else { " " }
                    ),
                    value,
                )
            });
            let found: Vec<(String, f64)> = values.collect();
            let found: Vec<(&str, f64)> = found.iter().map(|(name, value)| (name.as_str(), *value)).collect();
            assert_eq!(found, want, "{shown}");
        };
        check(
            RUNNING,
            &[
                ("unit_state active", 1.0),
                ("unit_state activating", 0.0),
                ("unit_state deactivating", 0.0),
                ("unit_state inactive", 0.0),
                ("unit_state failed", 0.0),
                ("unit_loaded", 1.0),
                ("service_restart_total", 3.0),
                ("unit_main_pid", 4242.0),
                ("unit_start_time_seconds", 4_999_900.0),
                ("unit_memory_current_bytes", 1_048_576.0),
            ],
        );
        check(UNKNOWN, &[("unit_loaded", 0.0)]);
        let unset = RUNNING.replace("=1048576", "=[not set]").replace("=900000000", "=0");
        assert_eq!(values_of(&blocks(&unset).next().expect("a unit"), sent).len(), 8);
        let largest = RUNNING.replace("=1048576", "=18446744073709551615");
        assert_eq!(values_of(&blocks(&largest).next().expect("a unit"), sent).len(), 9);
    }

    #[test]
    fn of_an_environment_the_last_number_counts_and_nothing_else_is_told() {
        let check = |environment: &str, want: Option<f64>| {
            assert_eq!(variable_of(environment, "WAIT_MS"), want, "{environment}");
        };
        check("WAIT_MS=10000", Some(10_000.0));
        check("A=1 \"WAIT_MS=2500\" B=2", Some(2_500.0));
        check("WAIT_MS=1 WAIT_MS=2", Some(2.0));
        check("WAIT_MS=", None);
        check("XWAIT_MS=1 WAIT_MSX=2", None);
        check("WAIT_MS=soon", None);
        check("", None);
        let secret = format!("{RUNNING}Environment=ADMIN_SECRET=hunter2\n");
        let told = document("node", &blocks(&secret).next().expect("a unit"));
        assert!(!told.json.to_string().contains("hunter2"), "{}", told.json);
    }

    #[test]
    fn units_come_one_after_the_other() {
        let both = format!("{RUNNING}\n{UNKNOWN}");
        let ids: Vec<&str> = blocks(&both).map(|block| block["Id"]).collect();
        assert_eq!(ids, ["node.service", "gone.service"]);
    }

    #[test]
    fn a_unit_can_be_no_option_and_no_pattern() {
        let check = |unit: &str, want: Option<&str>| assert_eq!(unit_name(unit).ok().as_deref(), want, "{unit}");
        check("node", Some("node.service"));
        check("node.service", Some("node.service"));
        check("node@1.2", Some("node@1.2.service"));
        check("data.mount", Some("data.mount"));
        check("-H", None);
        check("a b", None);
        check("*", None);
        check("", None);
        check("a\u{202e}b", None);
    }
}
