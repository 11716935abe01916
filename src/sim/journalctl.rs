//! The demo's journalctl: the executable that a demo's sources run in place of the real one.
//!
//! It knows the units that are simulated, whose records it gets from the control port of the demo in whose folder it lies.

use std::path::Path;

use serde_json::json;

use super::client::{Control, encoded};
use super::error::SimError;
use super::record::LogRecord;
use super::systemctl::{Outcome, ask, failed, full_name};

/// A command line, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Call {
    units: Vec<String>,
    json: bool,
    lines: Option<usize>,
    /// Number of the last record that is known.
    pub after: u64,
    since_millis: Option<i64>,
}

/// What the simulated journalctl would print and exit with.
#[must_use]
pub fn outcome(folder: &Path, args: &[String]) -> Outcome {
    let call = match parse(args) {
        Ok(call) => call,
        Err(why) => return failed(1, why),
    };
    let records = || -> Result<Vec<LogRecord>, SimError> {
        let unit = call.unit().map(|unit| format!("&unit={}", encoded(unit))).unwrap_or_default();
        ask(&Control::of_folder(folder)?, "GET", &format!("/log?after={}{unit}", call.after))
    };
    match records() {
        Ok(records) => Outcome { stdout: print(&call, &records), ..Outcome::default() },
        Err(error) => failed(1, format!("Failed to read the journal: {error}")),
    }
}

pub(super) fn parse(args: &[String]) -> Result<Call, String> {
    let mut call = Call::default();
    let mut rest = args.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            Some(_) | None => (word, None),
        };
        let mut value = || value.or_else(|| rest.next()).ok_or_else(|| format!("option {name} requires an argument"));
        match name {
            "-u" | "--unit" => call.units.push(full_name(value()?)),
            "-o" | "--output" => call.json = value()? == "json",
            "-n" | "--lines" => call.lines = value()?.parse().ok(),
            "--output-fields" => drop(value()?),
            "--after-cursor" => call.after = number(value()?)?,
            "--since" => call.since_millis = seconds(value()?),
            "--" | "--no-pager" | "-q" | "--quiet" | "--utc" => {}
            other => return Err(format!("unrecognized option '{other}'")),
        }
    }
    Ok(call)
}

fn number(cursor: &str) -> Result<u64, String> {
    let number = cursor.split(';').find_map(|part| part.strip_prefix("i=")?.parse().ok());
    number.ok_or_else(|| "Failed to seek to cursor: Invalid argument".to_owned())
}

fn seconds(text: &str) -> Option<i64> {
    text.strip_prefix('@')?.parse::<i64>().ok()?.checked_mul(1000)
}

impl Call {
    /// The unit that is asked for, with its type; the last that was named.
    pub(super) fn unit(&self) -> Option<&str> {
        self.units.last().map(String::as_str)
    }
}

/// The newest of these records that were asked for, oldest first.
pub(super) fn print(call: &Call, records: &[LogRecord]) -> String {
    let wanted = |record: &&LogRecord| {
        record.number > call.after && call.since_millis.is_none_or(|since| record.at_millis >= since)
    };
    let wanted: Vec<&LogRecord> = records.iter().filter(wanted).collect();
    let newest = wanted.len().saturating_sub(call.lines.unwrap_or(usize::MAX));
    wanted[newest..].iter().map(|record| line(call, record) + "\n").collect()
}

fn line(call: &Call, record: &LogRecord) -> String {
    if !call.json {
        return record.text.clone();
    }
    // The process prints to standard output, so that systemd files everything as info.
    let fields = json!({
        "__CURSOR": format!("s=demo;i={}", record.number),
        "__REALTIME_TIMESTAMP": (record.at_millis * 1000).to_string(),
        "PRIORITY": "6",
        "MESSAGE": record.text,
    });
    fields.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<LogRecord> {
        let record = |number: u64| LogRecord {
            number,
            at_millis: number as i64 * 1000,
            text: format!("said {number}"),
            end: number * 7,
        };
        (1..=5).map(record).collect()
    }

    #[test]
    fn it_speaks_like_journalctl() {
        let check = |args: &[&str], want: &[&str]| {
            let args: Vec<String> = args.iter().map(|word| (*word).to_owned()).collect();
            let printed = print(&parse(&args).expect("understood"), &records());
            assert_eq!(printed.lines().collect::<Vec<_>>(), want, "{args:?}");
        };
        check(&["-u", "volchain-backend", "-n", "2"], &["said 4", "said 5"]);
        check(&["--unit=volchain-backend.service", "--after-cursor=s=demo;i=3", "--no-pager"], &["said 4", "said 5"]);
        check(&["-u", "volchain-backend", "--since=@4"], &["said 4", "said 5"]);
        assert_eq!(parse(&["-u".to_owned(), "other".to_owned()]).expect("understood").unit(), Some("other.service"));
        let json = r#"{"MESSAGE":"said 5","PRIORITY":"6","__CURSOR":"s=demo;i=5","__REALTIME_TIMESTAMP":"5000000"}"#;
        check(&["-o", "json", "--lines=1", "-u", "volchain-backend"], &[json]);
        assert!(parse(&["--follow".to_owned()]).is_err());
        assert!(parse(&["--after-cursor=x".to_owned()]).is_err());
    }
}
