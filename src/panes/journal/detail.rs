//! Everything that is recorded of one entry, for reading.

use super::name;
use super::sentence::{sentence, tone};
use crate::base::{Boot, text};
use crate::panes::mark;
use crate::promql::Verdict;
use crate::runbook::record::{Evidence, Judged};
use crate::runbook::{Entry, Record};
use crate::ui::Role;
use crate::ui::widget::Rows;

pub fn describe(rows: &mut Rows, entry: &Entry) {
    rows.prose(0, tone(&entry.record), &sentence(&entry.record));
    rows.space();
    rows.pair(0, "when", Role::Text, &entry.at.wall.to_string());
    rows.pair(0, "who", Role::Text, &who(entry));
    match &entry.record {
        Record::RunOpened { runbook, hash, .. } => {
            rows.pair(0, "runbook", Role::Text, &format!("{} (frozen, hash {})", runbook.id, hash.short()));
        }
        Record::Observed { evidence, .. } => self::evidence(rows, evidence, entry.at.boot),
        Record::Suggested { judged, .. } => {
            for (branch, judged) in judged {
                rows.pair(0, "branch", Role::Text, branch.as_str());
                self::judged(rows, judged);
            }
        }
        Record::WatchEnded { judged, .. }
        | Record::Verifying { judged, .. }
        | Record::SequenceEnded { judged, .. }
        | Record::Settled { judged, .. }
        | Record::ByHandMeasured { judged, .. } => self::judged(rows, judged),
        Record::Confirmed { sequence, hash, only_if, evidence, .. } => {
            rows.pair(0, "hash", Role::Text, hash.as_str());
            for act in &sequence.acts {
                rows.pair(0, "runs", Role::Text, &act.exec.to_string());
            }
            self::judged(rows, only_if);
            self::evidence(rows, evidence, entry.at.boot);
        }
        Record::RunnerStarted { hash, host_proof, privilege_proof, .. } => {
            rows.pair(0, "hash", Role::Text, hash.as_str());
            rows.pair(0, "host", Role::Text, host_proof);
            rows.pair(0, "privilege", Role::Text, privilege_proof);
        }
        Record::Applied { output, .. } => {
            let shown = if output.is_empty() { "none" } else { output };
            rows.pair(0, "output", Role::Dim, shown);
        }
        Record::Intent { hash, .. } => {
            rows.pair(0, "hash", Role::Text, hash.as_str());
        }
        Record::AlertChanged { labels, .. } => {
            rows.pair(0, "labels", Role::Dim, labels);
        }
        Record::AlertClaimed { key, .. } | Record::ClaimWithdrawn { key, .. } | Record::ClaimOver { key, .. } => {
            rows.pair(0, "labels", Role::Dim, &key.labels.to_string());
        }
        Record::Armed { lock_key, .. } => {
            rows.pair(0, "lock", Role::Dim, lock_key);
        }
        Record::BranchTaken { .. }
        | Record::WatchStarted { .. }
        | Record::Escalated { .. }
        | Record::Concluded { .. }
        | Record::RunClosed { .. }
        | Record::Disarmed { .. }
        | Record::Refused { .. }
        | Record::Settling { .. }
        | Record::WayBackStarted { .. }
        | Record::ConsoleStarted { .. }
        | Record::ConsoleStopped { .. }
        | Record::ClockJumped { .. }
        | Record::TornLine { .. }
        | Record::GlassBroken { .. }
        | Record::DidByHand { .. }
        | Record::Ticked { .. }
        | Record::Answered { .. }
        | Record::NotCollected { .. }
        | Record::DemoSwitched { .. } => {}
        Record::SequenceByHand { verify, .. } => {
            for condition in verify {
                rows.pair(0, "to measure", Role::Text, &format!("{}: {}", condition.means, condition.expr));
            }
        }
        Record::Collected { archive, .. } => {
            rows.pair(0, "archive", Role::Text, &archive.path);
            rows.pair(0, "sha256", Role::Text, archive.sha256.as_str());
            rows.pair(0, "holds", Role::Dim, &archive.files.join(", "));
            for left_out in &archive.left_out {
                rows.pair(0, "without", Role::Warning, left_out);
            }
        }
    }
}

fn who(entry: &Entry) -> String {
    let actor = &entry.actor;
    let mut said = vec![name(actor).to_owned()];
    said.push(format!("user {}", actor.user));
    said.extend(actor.login_uid.map(|uid| format!("logged in as uid {uid}")));
    said.extend(actor.ssh.as_ref().map(|ssh| format!("over ssh from {}", ssh.split(' ').next().unwrap_or(ssh))));
    said.push(actor.process.clone());
    text::clean(&said.join(", ")).into_owned()
}

fn evidence(rows: &mut Rows, evidence: &[Evidence], at: Boot) {
    for item in evidence {
        let value = item.reading.told().map_or("—".to_owned(), |value| item.unit.write(value));
        let words = item.reading.truth.words(at);
        let role = if item.reading.truth.is_fresh() { Role::Text } else { Role::Unknown };
        rows.parts(2, vec![(Role::Dim, format!("{}  ", item.label)), (role, format!("{value}  {words}"))]);
    }
}

fn judged(rows: &mut Rows, judged: &[Judged]) {
    for item in judged {
        let mark = mark::verdict(&item.verdict);
        let why = match &item.verdict {
            Verdict::True | Verdict::False => String::new(),
            Verdict::Unknown(why) => format!(" ({why})"),
        };
        rows.marked(2, mark, &[(Role::Text, item.means.clone()), (mark.role, format!("  {}{why}", mark.word))]);
    }
}
