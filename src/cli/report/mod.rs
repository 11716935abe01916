//! The report of an incident: its timeline as the journals tell it, for people ([`markdown`]) and programs (JSON).
//!
//! ```text
//! the run's journal ──┐
//!                     ├─► Report ─► Markdown, JSON
//! the console's, as far as it is about the same target and time: arming, the alert, broken glass
//! ```
//!
//! Must never: tell what no record tells; let a text from outside become markup or move a terminal.
//!
//! To add a record: its line in [`details`](self::details), where it has more to say than its sentence.

pub(super) mod details;
mod markdown;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;

use crate::base::At;
use crate::base::text::{count, escaped};
use crate::base::time::spoken;
use crate::panes::journal::sentence::{sentence, sequence_end};
use crate::runbook::{Actor, Entry, Record, Run};

/// The form of the JSON; it grows when a field changes its meaning.
const FORM: u32 = 1;

/// One incident, from its alert to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub form: u32,
    pub run: String,
    pub runbook: String,
    pub title: String,
    pub system: String,
    pub target: String,
    pub environment: String,
    /// The alert that it was opened from.
    pub alert: Option<String>,
    /// What happened, how it ended, and how long it took, in a sentence.
    pub summary: String,
    /// RFC 3339, UTC.
    pub opened: String,
    /// The last thing that was journalled.
    pub last: String,
    pub took_seconds: f64,
    pub over: bool,
    /// Everybody who is named in a record, each once.
    pub people: Vec<Who>,
    pub timeline: Vec<Event>,
}

/// Who, as the journal knows them; hostile characters are written as escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Who {
    pub process: String,
    pub user: String,
    pub login_uid: Option<u32>,
    pub ssh: Option<String>,
    pub declared: Option<String>,
}

/// One record, or several verifications in a row of which the last is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Its number in its journal.
    pub seq: u64,
    /// Whether it stands in the journal of the run, or in that of the console.
    pub journal: &'static str,
    /// RFC 3339, UTC.
    pub at: String,
    pub since_before_seconds: f64,
    pub said: String,
    pub who: Who,
    /// Whether a person decided it: then the report names them.
    pub decided: bool,
    pub details: Vec<Detail>,
}

/// What a record says beyond its sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    pub label: String,
    pub text: String,
    pub form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    Prose,
    /// A command, as it was run.
    Command,
    /// Lines that a command put out.
    Output,
}

/// A journal from which no report can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this journal does not begin with the opening of a run")]
pub struct NoRun;

impl Report {
    /// The report of a run; `console` are the entries of the consoles' journal, of which those that belong to the
    /// incident are told too.
    ///
    /// # Errors
    /// The first entry does not open a run.
    pub fn of(run: &[Entry], console: &[Entry]) -> Result<Report, NoRun> {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return Err(NoRun) };
        let Record::RunOpened { run: id, target, system, environment, alert, runbook, .. } = &first.record else {
            return Err(NoRun);
        };
        let armed = armed_at(first, target.as_str(), console);
        let belongs = |entry: &&Entry| {
            armed.contains(&entry.seq) || belongs(entry, id.as_str(), target.as_str(), alert.as_deref(), first, last)
        };
        let mut told: Vec<(&'static str, &Entry)> = run.iter().map(|entry| ("run", entry)).collect();
        told.extend(console.iter().filter(belongs).map(|entry| ("console", entry)));
        told.sort_by_key(|(_, entry)| entry.at.wall);
        let folded = folded(run);
        let took = between(first, last);
        let mut people: Vec<Who> = Vec::new();
        for (_, entry) in told.iter().filter(|(_, entry)| decided(&entry.record)) {
            let who = Who::of(&entry.actor);
            if !people.contains(&who) {
                people.push(who);
            }
        }
        Ok(Report {
            form: FORM,
            run: escaped(id.as_str()).into_owned(),
            runbook: escaped(runbook.id.as_str()).into_owned(),
            title: escaped(&runbook.title).into_owned(),
            system: escaped(system.as_str()).into_owned(),
            target: escaped(target.as_str()).into_owned(),
            environment: environment.word().to_owned(),
            alert: alert.as_deref().map(|alert| escaped(alert).into_owned()),
            summary: escaped(&summary(run, &folded, first.at, took)).into_owned(),
            opened: first.at.wall.to_string(),
            last: last.at.wall.to_string(),
            took_seconds: took.as_secs_f64(),
            over: folded.as_ref().is_ok_and(is_over),
            people,
            timeline: timeline(&told),
        })
    }

    /// As a page for people.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::page(self)
    }
}

impl Who {
    fn of(actor: &Actor) -> Who {
        let shown = |text: &str| escaped(text).into_owned();
        Who {
            process: shown(&actor.process),
            user: shown(&actor.user),
            login_uid: actor.login_uid,
            ssh: actor.ssh.as_deref().map(shown),
            declared: actor.declared.as_deref().map(shown),
        }
    }
}

/// The run, and where its journal can not be followed any more, how far it came and why.
fn folded(entries: &[Entry]) -> Result<Run, String> {
    Run::fold(entries).map_err(|error| error.to_string())
}

fn is_over(run: &Run) -> bool {
    run.closed.is_some() || run.current().is_none()
}

/// Time from one entry to another: by the boot clock, which nobody sets, unless the machine was started in between.
fn between(earlier: &Entry, later: &Entry) -> Duration {
    match earlier.boot_id == later.boot_id {
        true => later.at.boot.since(earlier.at.boot),
        false => later.at.wall.since(earlier.at.wall),
    }
}

/// The armings that were in force when the run was opened: the last one of each console, unless it was taken back.
fn armed_at(first: &Entry, target: &str, console: &[Entry]) -> BTreeSet<u64> {
    let mut armed: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in console.iter().take_while(|entry| entry.at.wall < first.at.wall) {
        let process = entry.actor.process.as_str();
        match &entry.record {
            Record::Armed { target: of, until, .. } if of.as_str() == target && first.at.wall <= until.wall => {
                armed.insert(process, entry.seq);
            }
            Record::Armed { .. } | Record::Disarmed { .. } | Record::ConsoleStopped { .. } => {
                armed.remove(process);
            }
            _not_about_arming => {}
        }
    }
    armed.into_values().collect()
}

/// Whether an entry of the console's journal belongs to the incident.
fn belongs(entry: &Entry, run: &str, target: &str, alert: Option<&str>, first: &Entry, last: &Entry) -> bool {
    let (opened, ended) = (first.at.wall, last.at.wall);
    let while_open = opened <= entry.at.wall && entry.at.wall <= ended;
    match &entry.record {
        Record::Armed { target: of, .. } | Record::Disarmed { target: of, .. } => of.as_str() == target && while_open,
        Record::GlassBroken { run: of, .. } => of.as_str() == run,
        Record::AlertChanged { target: of, alert: name, to, .. } => {
            let began = to.contains("firing") && opened.minus(BEFORE) <= entry.at.wall && entry.at.wall <= opened;
            of.as_str() == target && Some(name.as_str()) == alert && (while_open || began)
        }
        Record::AlertClaimed { key, .. } | Record::ClaimWithdrawn { key, .. } | Record::ClaimOver { key, .. } => {
            key.target.as_str() == target && Some(&*key.alert) == alert && while_open
        }
        Record::ClockJumped { .. } => while_open,
        Record::Refused { what, .. } => while_open && what.contains(target),
        _of_the_run_or_of_the_console_alone => false,
    }
}

/// How long before the opening an alert that began to fire belongs to the incident.
const BEFORE: Duration = Duration::from_secs(86_400);

/// Whether a person decided what this record tells.
fn decided(record: &Record) -> bool {
    matches!(
        record,
        Record::RunOpened { .. }
            | Record::BranchTaken { .. }
            | Record::Escalated { .. }
            | Record::Concluded { .. }
            | Record::RunClosed { .. }
            | Record::Armed { .. }
            | Record::Refused { .. }
            | Record::Disarmed { .. }
            | Record::Confirmed { .. }
            | Record::Settled { .. }
            | Record::AlertClaimed { .. }
            | Record::ClaimWithdrawn { .. }
            | Record::GlassBroken { .. }
            | Record::DidByHand { .. }
            | Record::Ticked { .. }
            | Record::Answered { .. }
            | Record::SequenceByHand { .. }
    )
}

fn timeline(told: &[(&'static str, &Entry)]) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut before: Option<&Entry> = None;
    let mut readings = 0;
    for (journal, entry) in told {
        let verifying = matches!(entry.record, Record::Verifying { .. });
        let again = verifying && before.is_some_and(|before| matches!(before.record, Record::Verifying { .. }));
        readings = if verifying { readings + 1 } else { 0 };
        let since = before.map_or(Duration::ZERO, |before| between(before, entry));
        let mut event = Event {
            seq: entry.seq,
            journal,
            at: entry.at.wall.to_string(),
            since_before_seconds: since.as_secs_f64(),
            said: escaped(&sentence(&entry.record)).into_owned(),
            who: Who::of(&entry.actor),
            decided: decided(&entry.record),
            details: details::of(entry),
        };
        if again && let Some(last) = events.pop() {
            event.since_before_seconds += last.since_before_seconds;
            event.said.push_str(&format!("; {}", count(readings as u64, "reading")));
        }
        events.push(event);
        before = Some(entry);
    }
    events
}

/// What happened, how it ended, and how long it took.
fn summary(entries: &[Entry], folded: &Result<Run, String>, opened: At, took: Duration) -> String {
    let Some(Record::RunOpened { target, environment, alert, runbook, .. }) =
        entries.first().map(|entry| &entry.record)
    else {
        return String::new();
    };
    let from = match alert {
        Some(alert) => format!("opened from the alert {alert}"),
        None => "opened by hand".to_owned(),
    };
    let clock = opened.wall.clock();
    let mut parts = vec![format!("{} on {}/{target}, {from} at {clock} UTC", runbook.title, environment.word())];
    let mut acted = false;
    for entry in entries {
        match &entry.record {
            // What was meant to be done may have been done.
            Record::Intent { .. } => acted = true,
            Record::SequenceEnded { step, end, .. } => {
                let title = runbook.step(step).map_or(step.as_str(), |step| &step.title);
                parts.push(format!("\"{title}\" {}", sequence_end(end)));
            }
            Record::Settled { .. } | Record::Escalated { .. } | Record::Concluded { .. } | Record::RunClosed { .. } => {
                parts.push(sentence(&entry.record));
            }
            _told_in_the_timeline => {}
        }
    }
    if !acted {
        parts.push("nothing was changed on the node".to_owned());
    }
    match folded {
        Err(why) => parts.push(format!("the journal can not be followed to its end ({why})")),
        Ok(run) if !is_over(run) => {
            let stands_at = run.current().map_or("its end", |step| &step.title);
            parts.push(format!("it is not over, and stands at: {stands_at}"));
        }
        Ok(_) => {}
    }
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_end_matches('.')).collect();
    format!("{}; it took {}.", parts.join("; "), spoken(took))
}
