//! What a record says beyond its sentence, for the report.

use super::{Detail, Form};
use crate::base::Boot;
use crate::base::text::escaped;
use crate::base::time::spoken;
use crate::panes::journal::sentence::approved;
use crate::promql::Verdict;
use crate::runbook::record::{Evidence, Judged};
use crate::runbook::{Entry, Record};

pub(in crate::cli) fn of(entry: &Entry) -> Vec<Detail> {
    let mut details = Vec::new();
    match &entry.record {
        Record::Observed { evidence, .. } => details.extend(measured(evidence, entry.at.boot)),
        Record::Suggested { judged, .. } => {
            for (branch, judged) in judged {
                details.extend(self::judged(&format!("for {branch}"), judged));
            }
        }
        Record::WatchEnded { judged, .. }
        | Record::Verifying { judged, .. }
        | Record::SequenceEnded { judged, .. }
        | Record::Settled { judged, .. } => details.extend(self::judged("condition", judged)),
        Record::Confirmed { sequence, hash, only_if, evidence, .. } => {
            details.push(prose("class", sequence.class.word()));
            details.extend(sequence.approval.as_ref().map(|approval| prose("approval", &approved(approval))));
            details.extend(sequence.acts.iter().map(|act| command("to run", &act.exec.to_string())));
            details.extend(sequence.way_back.iter().map(|act| command("way back", &act.exec.to_string())));
            details.extend(sequence.no_way_back.as_ref().map(|why| prose("way back", &format!("none: {why}"))));
            details.extend(judged("because", only_if));
            details.extend(measured(evidence, entry.at.boot));
            details.push(prose("verified within", &spoken(sequence.verify_within)));
            details.push(prose("hash", hash.as_str()));
        }
        Record::RunnerStarted { host_proof, privilege_proof, .. } => {
            details.push(prose("host", host_proof));
            details.push(prose("as", privilege_proof));
        }
        Record::Applied { output, .. } if !output.is_empty() => {
            details.push(Detail { label: "output".to_owned(), text: lines(output), form: Form::Output });
        }
        Record::Intent { shown, .. } => details.push(command("command", shown)),
        Record::AlertChanged { labels, .. } => details.push(prose("labels", labels)),
        _said_in_its_sentence => {}
    }
    details
}

fn prose(label: &str, text: &str) -> Detail {
    Detail { label: escaped(label).into_owned(), text: escaped(text).into_owned(), form: Form::Prose }
}

fn command(label: &str, text: &str) -> Detail {
    Detail { form: Form::Command, ..prose(label, text) }
}

/// Output keeps its lines; everything else in it that does not show is escaped.
fn lines(output: &str) -> String {
    output.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

fn measured(evidence: &[Evidence], now: Boot) -> Vec<Detail> {
    let one = |evidence: &Evidence| {
        let value = evidence.reading.value.map_or_else(|| "no value".to_owned(), |value| evidence.unit.write(value));
        let said = match evidence.reading.truth.words(now) {
            fresh if fresh.is_empty() => format!("{}: {value}", evidence.label),
            truth => format!("{}: {value}, {truth}", evidence.label),
        };
        prose("measured", &said)
    };
    evidence.iter().map(one).collect()
}

fn judged(label: &str, judged: &[Judged]) -> Vec<Detail> {
    let one = |judged: &Judged| {
        let verdict = match &judged.verdict {
            Verdict::True => "yes".to_owned(),
            Verdict::False => "no".to_owned(),
            Verdict::Unknown(why) => format!("unknown ({why})"),
        };
        prose(label, &format!("{}: {verdict}", judged.means))
    };
    judged.iter().map(one).collect()
}
