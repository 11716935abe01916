//! The runner: the hidden subcommand that carries out one confirmed sequence, to its end, without any console.
//!
//! ```text
//! one runner per run ─► the last confirmation with this hash, not yet begun ─► what was reviewed is what is here?
//!   ─► the target's lock ─► room for the outcome ─► host and privilege, again ─► RunnerStarted
//!   ─► each act: Intent (durable) ─► run ─► Applied ─► settle ─► verify ─► way back ─► SequenceEnded
//! ```
//!
//! Every end is a [`SequenceEnd`] in the journal. What the journal does not tell did not happen: no act starts before
//! its intent is durable, and none at all once the journal failed. An act that is confirmed once is begun at most
//! once, whoever is killed when: a run has one runner at a time, and a runner begins nothing for which the journal
//! already has a `RunnerStarted`.
//!
//! Asked to stop (`SIGTERM`, `SIGINT`), it lets the act that runs come to its end, starts no other, and ends the
//! sequence: as refused where nothing ran, else with its outcome unknown. `SIGHUP` is nothing to it.
//!
//! Must never: choose (everything is sealed), start an act twice, or count as cured what was not measured after it.

#![allow(clippy::disallowed_methods, reason = "the shell is where files and processes are touched")]

mod acts;
mod detach;
mod evidence;
pub(super) mod masking;
mod order;
mod output;
mod process;
mod recover;
mod request;
mod verification;
mod writer;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::app::msg::JournalId;
use crate::base::{At, Digest, RunId};
use crate::model::{Batch, Scope, Store};
use crate::promql::Verdict;
use crate::runbook::record::{Judged, SequenceEnd};
use crate::runbook::tree::ConditionPlan;
use crate::runbook::{Entry, Record};
use crate::shell::lock::{self, LockError, TargetLock};
use crate::shell::proof::{HostProof, prove_acts, prove_host};
use crate::shell::{StateRoot, actor, child, clock, journal, resolve};
use crate::sources::BoundSource;

use acts::ActsEnd;
pub use detach::{Stop, detach};
use order::Order;
pub use process::main;
pub use recover::{OpenRun, OrphanError, orphaned, recover, settle_orphan};
use verification::Seen;
use writer::Writer;

/// How often the runner looks again when somebody else wrote to the journal while it was about to begin.
const BEGIN_ATTEMPTS: u32 = 20;

/// Reads one source of the sealed sequence, once.
pub trait Probe {
    /// Every outcome is a batch, as with the console's own pollers.
    fn poll(&mut self, source: &BoundSource) -> impl Future<Output = Batch>;
}

/// Judges one condition of the sealed sequence over what was measured after its acts.
pub trait Judge {
    fn judge(&self, plan: &ConditionPlan, store: &Store, scope: &Scope, at: At) -> Verdict;
}

/// How often the runner looks, and how patient it is.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the beginning of one round of reads to the next.
    pub poll_every: Duration,
    /// Between asking an act to end and killing it.
    pub grace: Duration,
    /// Between two attempts to journal an outcome, and for how long it is attempted.
    pub retry_every: Duration,
    pub retry_for: Duration,
    /// A confirmation older than this is not begun: what it was decided on is no longer what is.
    pub confirmed_within: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            poll_every: Duration::from_secs(2),
            grace: child::GRACE,
            retry_every: Duration::from_secs(1),
            retry_for: Duration::from_secs(600),
            confirmed_within: Duration::from_secs(60),
        }
    }
}

/// What became of a runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The sequence ended, and the journal tells how.
    Ended(SequenceEnd),
    /// There was nothing for this runner to do, and it did nothing.
    Nothing { why: String },
    /// The journal could not take what happened. It holds at most an intent: an outcome unknown.
    Unjournalled { why: String },
}

impl Finished {
    /// 0 where the journal tells the end, whatever the end is.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Finished::Ended(_) => 0,
            Finished::Nothing { .. } => 3,
            Finished::Unjournalled { .. } => 4,
        }
    }
}

/// Carries out the sequence of `run` that was last confirmed with this hash, unless it was already begun.
pub async fn run<P: Probe, J: Judge>(
    root: &StateRoot,
    run: &RunId,
    hash: &Digest,
    probe: P,
    judge: J,
    pace: Pace,
    stop: Stop,
) -> Finished {
    // One runner per run: whoever holds this may read the journal and know that nobody acts on it meanwhile.
    let holder = format!("runner of {run}, pid {}, since {}", std::process::id(), clock::now().wall);
    let _only = match TargetLock::try_take_run(root, run, &holder) {
        Ok(lock) => lock,
        Err(error @ LockError::Held { .. }) => return nothing(format!("this run already has a runner: {error}")),
        Err(error @ LockError::Io { .. }) => return nothing(error.to_string()),
    };
    let order = match root.journal(&JournalId::Run(run.clone())) {
        Err(error) => return nothing(error.to_string()),
        Ok(path) => match journal::read(&path) {
            Err(error) => return nothing(error.to_string()),
            Ok(entries) => match Order::find(&entries, hash) {
                Err(why) => return nothing(why),
                Ok(order) => order,
            },
        },
    };
    let writer = Writer::new(root, run, actor::present("runner", order.declared.as_deref()), pace);
    let mut runner = Runner { root, run, order, writer, probe, judge, pace, stop, judged: Vec::new() };
    let finished = runner.carry_out(hash, &holder).await;
    journal::release(root, &JournalId::Run(run.clone()));
    if let Finished::Unjournalled { why } = &finished {
        journal::say(&format!("run {run}: {why}"));
    }
    finished
}

fn nothing(why: String) -> Finished {
    Finished::Nothing { why }
}

struct Runner<'a, P, J> {
    root: &'a StateRoot,
    run: &'a RunId,
    order: Order,
    writer: Writer<'a>,
    probe: P,
    judge: J,
    pace: Pace,
    stop: Stop,
    /// What verification saw last.
    judged: Vec<Judged>,
}

/// What the runner found before it began.
struct Proofs {
    host: String,
    privilege: String,
    /// Held until the end of the sequence.
    _target: TargetLock,
}

impl<P: Probe, J: Judge> Runner<'_, P, J> {
    async fn carry_out(&mut self, hash: &Digest, holder: &str) -> Finished {
        let proofs = match self.check(hash, holder).await {
            Ok(proofs) => proofs,
            Err(why) => return self.refuse(why),
        };
        if let Err(finished) = self.begin(hash, &proofs) {
            return finished;
        }
        let acts = self.order.sealed.acts.clone();
        let end = match self.act_all(&acts).await {
            ActsEnd::Applied => self.verify_or_go_back().await,
            ActsEnd::Failed { why } => self.go_back(why).await,
            ActsEnd::Uncertain { why } => Ok(self.look_and_leave(why).await),
            ActsEnd::NothingRan { why } => return self.refuse(why),
            ActsEnd::Mute { why } => Err(why),
        };
        match end {
            Ok(end) => self.end(end).await,
            Err(why) => Finished::Unjournalled { why },
        }
    }

    /// Everything that can be known before anything is done.
    async fn check(&mut self, hash: &Digest, holder: &str) -> Result<Proofs, String> {
        self.order.check(hash, clock::now(), &clock::boot_id(), self.pace.confirmed_within)?;
        let place = self.order.sealed.place.clone();
        for act in self.order.all_acts() {
            resolve::recheck(&place, &act.exec).map_err(|error| format!("{}: {error}", act.title))?;
        }
        let target = TargetLock::try_take(self.root, &lock::running(&place.lock_key), holder)
            .map_err(|error| format!("somebody else is acting on {}: {error}", place.unit))?;
        self.reserve()?;
        let host = match prove_host(&place).await {
            HostProof::Proven(how) => how,
            HostProof::NotProven(why) => format!("not proven: {why}"),
            HostProof::Contradicted(why) => return Err(format!("commands would not act on the node shown: {why}")),
        };
        let privilege = prove_acts(&place, self.order.all_acts().map(|act| &act.exec)).await?;
        match self.stop.asked() {
            Some(why) => Err(why),
            None => Ok(Proofs { host, privilege, _target: target }),
        }
    }

    /// Writes that the runner begins, directly behind what it read: if anything came between, it looks again.
    fn begin(&mut self, hash: &Digest, proofs: &Proofs) -> Result<(), Finished> {
        let started = Record::RunnerStarted {
            sequence: self.order.sealed.id.clone(),
            hash: hash.clone(),
            pid: std::process::id(),
            host_proof: proofs.host.clone(),
            privilege_proof: proofs.privilege.clone(),
        };
        let mut last_seq = self.order.last_seq;
        for _ in 0..BEGIN_ATTEMPTS {
            match self.writer.after(last_seq, started.clone()) {
                Ok(_) => return Ok(()),
                Err(journal::JournalError::MovedOn { .. }) => {
                    let entries = self.entries().map_err(|error| nothing(error.to_string()))?;
                    last_seq = Order::find(&entries, hash).map_err(nothing)?.last_seq;
                }
                Err(error) => return Err(Finished::Unjournalled { why: format!("nothing ran: {error}") }),
            }
        }
        Err(nothing("others kept writing to the journal; nothing ran".to_owned()))
    }

    fn entries(&self) -> Result<Vec<Entry>, journal::JournalError> {
        journal::read(&self.root.journal(&JournalId::Run(self.run.clone()))?)
    }

    fn reserve(&self) -> Result<(), String> {
        journal::reserve(self.root, &JournalId::Run(self.run.clone())).map_err(|error| error.to_string())
    }

    async fn verify_or_go_back(&mut self) -> Result<SequenceEnd, String> {
        match self.observe().await {
            Seen::Cured => Ok(SequenceEnd::Verified),
            Seen::NotInTime { why } => self.go_back(why).await,
            Seen::Stopped { why } => Ok(SequenceEnd::OutcomeUnknown { why: format!("every act is done; {why}") }),
        }
    }

    /// An act whose outcome is unknown is never taken back and never repeated; what can be seen is told.
    async fn look_and_leave(&mut self, why: String) -> SequenceEnd {
        let saw = match self.observe().await {
            Seen::Cured => "afterwards everything that was to be verified held".to_owned(),
            Seen::NotInTime { why } | Seen::Stopped { why } => why,
        };
        SequenceEnd::OutcomeUnknown { why: format!("{why}; {saw}") }
    }

    async fn go_back(&mut self, why: String) -> Result<SequenceEnd, String> {
        let acts = self.order.sealed.way_back.clone();
        if acts.is_empty() {
            let none = self.order.sealed.no_way_back.as_deref().unwrap_or("none was given");
            return Ok(SequenceEnd::NotCured { why: format!("{why}; no way back: {none}") });
        }
        let kept_from = self.stop.asked().or_else(|| self.writer.trouble());
        if let Some(because) = kept_from {
            return Ok(SequenceEnd::NotCured { why: format!("{why}; the way back was not begun: {because}") });
        }
        let started = Record::WayBackStarted { sequence: self.order.sealed.id.clone(), why: why.clone() };
        if let Err(error) = self.writer.once(started) {
            return Ok(SequenceEnd::NotCured { why: format!("{why}; the way back was not begun: {error}") });
        }
        match self.act_all(&acts).await {
            ActsEnd::Applied => Ok(SequenceEnd::RolledBack { why }),
            ActsEnd::Failed { why: failed } => {
                Ok(SequenceEnd::NotCured { why: format!("{why}; the way back failed: {failed}") })
            }
            ActsEnd::NothingRan { why: not_begun } => {
                Ok(SequenceEnd::NotCured { why: format!("{why}; the way back was not begun: {not_begun}") })
            }
            ActsEnd::Uncertain { why: unknown } => {
                Ok(SequenceEnd::OutcomeUnknown { why: format!("{why}; on the way back: {unknown}") })
            }
            ActsEnd::Mute { why } => Err(why),
        }
    }

    /// Nothing ran. That is so whether the journal can take it or not, so it is told once and not insisted on.
    fn refuse(&mut self, why: String) -> Finished {
        let end = SequenceEnd::Refused { why: why.clone() };
        match self.writer.once(self.ended(end.clone())) {
            Ok(_) => Finished::Ended(end),
            Err(error) => Finished::Unjournalled { why: format!("nothing ran: {why}; {error}") },
        }
    }

    async fn end(&mut self, end: SequenceEnd) -> Finished {
        let record = self.ended(end.clone());
        match self.writer.insist(record).await {
            Ok(_) => Finished::Ended(end),
            Err(error) => Finished::Unjournalled { why: format!("ended as {end:?}: {error}") },
        }
    }

    fn ended(&self, end: SequenceEnd) -> Record {
        Record::SequenceEnded {
            step: self.order.step.clone(),
            sequence: self.order.sealed.id.clone(),
            end,
            judged: self.judged.clone(),
        }
    }
}
