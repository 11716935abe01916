//! What a runner is to carry out: a confirmation in the journal that nobody has begun.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::time::spoken;
use crate::base::{ActId, At, Digest, StepId};
use crate::runbook::seal::SealedAct;
use crate::runbook::tree::Class;
use crate::runbook::{Entry, Record, SealedSequence, Task};

/// A confirmed sequence that was not begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub step: StepId,
    pub sealed: SealedSequence,
    /// How much the frozen runbook asks of its confirmation.
    pub planned_class: Class,
    /// As it was shown to the operator.
    pub hash: Digest,
    /// The name that the operator gave when arming.
    pub declared: Option<String>,
    /// When it was confirmed, and in which boot.
    pub confirmed: At,
    pub boot_id: String,
    /// The journal's last record when it was read.
    pub last_seq: u64,
}

impl Order {
    /// The journal's last confirmation, if it has this hash and nobody has begun or ended it.
    pub fn find(entries: &[Entry], hash: &Digest) -> Result<Order, String> {
        let (at, step, sealed, confirmed) = last_confirmed(entries).ok_or("nothing was confirmed in this run")?;
        if confirmed != hash {
            return Err(format!("what was confirmed last is {}, not {}", confirmed.short(), hash.short()));
        }
        if entries[at + 1..].iter().any(|entry| is_begun_or_ended(&entry.record)) {
            return Err(format!("the sequence {} was already begun or ended; nothing is done twice", sealed.id));
        }
        let entry = &entries[at];
        Ok(Order {
            step: step.clone(),
            sealed: sealed.clone(),
            planned_class: planned_class(entries, step).unwrap_or(sealed.class),
            hash: confirmed.clone(),
            declared: entry.actor.declared.clone(),
            confirmed: entry.at,
            boot_id: entry.boot_id.clone(),
            last_seq: entries.last().map_or(0, |entry| entry.seq),
        })
    }

    /// Holds the order against what was reviewed, and against the present.
    pub fn check(&self, hash: &Digest, now: At, boot_id: &str, within: Duration) -> Result<(), String> {
        let digest = self.sealed.digest().map_err(|error| format!("the sequence has no digest: {error}"))?;
        if digest != *hash {
            return Err(format!("what would run has the digest {}, and {} was reviewed", digest.short(), hash.short()));
        }
        if self.boot_id != boot_id {
            return Err("it was confirmed before this machine was started; look again and confirm again".to_owned());
        }
        let age = now.boot.since(self.confirmed.boot);
        if age > within {
            return Err(format!("it was confirmed {} ago; look again and confirm again", spoken(age)));
        }
        if let Err(why) = self.sealed.approved() {
            return Err(why.to_owned());
        }
        if self.sealed.class < self.planned_class {
            let (said, is) = (self.sealed.class.word(), self.planned_class.word());
            return Err(format!("it was confirmed as {said}, and the runbook says that it is {is}"));
        }
        if self.sealed.acts.is_empty() {
            return Err("the sequence has no acts".to_owned());
        }
        if self.sealed.verify.is_empty() || self.sealed.reads.is_empty() {
            return Err("the sequence names nothing that would verify it".to_owned());
        }
        let mut seen: BTreeSet<&ActId> = BTreeSet::new();
        match self.all_acts().find(|act| !seen.insert(&act.id)) {
            Some(act) => Err(format!("two acts of the sequence are called {}", act.id)),
            None => Ok(()),
        }
    }

    /// The acts, then those of the way back.
    pub fn all_acts(&self) -> impl Iterator<Item = &SealedAct> {
        self.sealed.acts.iter().chain(&self.sealed.way_back)
    }
}

/// What the runbook that the journal froze says of this step.
fn planned_class(entries: &[Entry], step: &StepId) -> Option<Class> {
    let Record::RunOpened { runbook, .. } = &entries.first()?.record else { return None };
    match &runbook.step(step)?.task {
        Task::Commit(plan) => Some(plan.class),
        Task::Observe(_)
        | Task::Choose(_)
        | Task::Watch(_)
        | Task::Escalate(_)
        | Task::Conclude(_)
        | Task::ByHand(_)
        | Task::Tick(_)
        | Task::Ask(_)
        | Task::Collect(_) => None,
    }
}

/// The journal's last confirmation: its place, its step, what was confirmed, and the hash that was shown.
pub fn last_confirmed(entries: &[Entry]) -> Option<(usize, &StepId, &SealedSequence, &Digest)> {
    entries.iter().enumerate().rev().find_map(|(at, entry)| {
        let Record::Confirmed { step, sequence, hash, .. } = &entry.record else { return None };
        Some((at, step, &**sequence, hash))
    })
}

/// Whether a record behind a confirmation means that nobody may begin it any more.
fn is_begun_or_ended(record: &Record) -> bool {
    matches!(
        record,
        Record::RunnerStarted { .. }
            | Record::Intent { .. }
            | Record::Applied { .. }
            | Record::Settling { .. }
            | Record::Verifying { .. }
            | Record::WayBackStarted { .. }
            | Record::SequenceEnded { .. }
            | Record::Settled { .. }
            | Record::SequenceByHand { .. }
            | Record::RunClosed { .. }
    )
}
