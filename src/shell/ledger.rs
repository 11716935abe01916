//! The ledger: one worker that owns every journal file this console writes or follows.
//!
//! Appends are done one after the other, each durable before the next, and answered with the entry. A run's journal
//! has two writers, the console and its runner; so what reaches the core is always the file, read on from where it
//! was last read, whoever wrote there. A sequence whose runner is gone is ended here as what it is: never begun, or of
//! unknown outcome.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use super::journal::{self, Follower, JournalError};
use super::state_root::StateRoot;
use super::{remembered, runner, secrets, spawn};
use crate::alert::Remembered;
use crate::app::{JournalId, Msg};
use crate::base::{At, Digest, RunId};
use crate::runbook::{Actor, Entry, Record, Run};

/// Jobs that may wait. A disk that is slower than this is a reason to refuse.
const QUEUE: usize = 256;
/// How often a followed journal is read on while a sequence is under way in it.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);
/// How often, when nothing is.
const IDLE_EVERY: Duration = Duration::from_secs(2);
/// How often another console's run is looked for while none is open.
const ALONE_EVERY: Duration = Duration::from_secs(5);

/// What the ledger can be asked to do.
#[derive(Debug)]
pub enum Job {
    Append {
        journal: JournalId,
        record: Box<Record>,
        /// Only right behind the entry of this number.
        after: Option<u64>,
        actor: Actor,
    },
    /// Append a confirmation to a run's journal, right behind the entry `after`, and when it is durable start the runner.
    Commit {
        run: RunId,
        record: Box<Record>,
        hash: Digest,
        after: u64,
        actor: Actor,
    },
    Follow(RunId),
    KeepAlerts(Box<Remembered>),
}

/// The handle of the worker, which has a thread of its own: a slow disk delays the journal, never a key.
#[derive(Debug)]
pub struct Ledger {
    jobs: SyncSender<Job>,
    worker: JoinHandle<()>,
}

impl Ledger {
    /// Starts the worker; every run that is still open is followed from the start.
    #[must_use]
    pub fn start(root: Arc<StateRoot>, out: mpsc::Sender<(At, Msg)>, clock: fn() -> At, actor: Actor) -> Ledger {
        let (jobs, queue) = sync_channel(QUEUE);
        let worker = Worker {
            root,
            out,
            clock,
            boot_id: super::clock::boot_id(),
            actor,
            followed: BTreeMap::new(),
            folder_changed: None,
        };
        Ledger { jobs, worker: std::thread::spawn(move || worker.work(&queue)) }
    }

    /// Queues a job.
    ///
    /// # Errors
    /// The queue is full or the worker is gone: the message that says so to the core.
    pub fn ask(&self, job: Job) -> Result<(), Msg> {
        self.jobs.try_send(job).map_err(|error| {
            let (why, job) = match error {
                std::sync::mpsc::TrySendError::Full(job) => ("the disk is too slow: too many entries are waiting", job),
                std::sync::mpsc::TrySendError::Disconnected(job) => {
                    ("the journal's writer has stopped; restart the console", job)
                }
            };
            let why = why.to_owned();
            match job {
                Job::Append { journal, .. } => Msg::JournalRefused { journal, why },
                Job::Commit { run, .. } => Msg::Committed { run, failed: Some(why) },
                Job::Follow(run) => Msg::JournalRefused { journal: JournalId::Run(run), why },
                Job::KeepAlerts(_) => Msg::AlertsNotKept { why },
            }
        })
    }

    /// Waits until everything asked for is in the files. The receiving end of `out` must be gone by then, or emptied.
    pub fn finish(self) {
        drop(self.jobs);
        // A worker that panicked has nothing more to finish; its panic was reported where it happened.
        let _ = self.worker.join();
    }
}

struct Worker {
    root: Arc<StateRoot>,
    out: mpsc::Sender<(At, Msg)>,
    clock: fn() -> At,
    boot_id: String,
    /// Who ends what nobody else can end any more.
    actor: Actor,
    followed: BTreeMap<RunId, Followed>,
    /// When something last appeared beside the journals of runs, as their folder has it.
    folder_changed: Option<SystemTime>,
}

/// A run's journal, and the run it has told of so far.
struct Followed {
    follower: Follower,
    run: Option<Run>,
}

impl Followed {
    /// What is new in the file.
    fn read_on(&mut self) -> Result<Vec<Entry>, JournalError> {
        let entries = self.follower.more()?;
        for entry in &entries {
            match &mut self.run {
                // What does not fit is reported by the core, which folds the same entries.
                Some(run) => drop(run.apply(entry)),
                None => self.run = Run::fold(std::slice::from_ref(entry)).ok(),
            }
        }
        Ok(entries)
    }

    fn sequence_open(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.sequence_open().is_some())
    }

    fn is_closed(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.closed.is_some())
    }
}

impl Worker {
    fn work(mut self, queue: &Receiver<Job>) {
        self.find_new_runs();
        let mut busy = self.read_on();
        loop {
            let next = match (busy, self.followed.is_empty()) {
                (true, _) => queue.recv_timeout(FOLLOW_EVERY),
                (false, false) => queue.recv_timeout(IDLE_EVERY),
                (false, true) => queue.recv_timeout(ALONE_EVERY),
            };
            match next {
                Ok(job) => self.carry_out(job),
                Err(RecvTimeoutError::Timeout) => self.find_new_runs(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            busy = self.read_on();
        }
    }

    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Append { journal, record, after, actor } => {
                let appended = self.append(&journal, *record, after, &actor);
                match (appended, journal) {
                    (Ok(()), _) => {}
                    (Err(JournalError::MovedOn { .. }), JournalId::Run(run)) => {
                        // What came in between is told first.
                        self.follow(&run);
                        self.read_on();
                        self.say(Msg::Overtaken { run });
                    }
                    (Err(error), journal) => self.say(Msg::JournalRefused { journal, why: error.to_string() }),
                }
            }
            Job::Commit { run, record, hash, after, actor } => {
                let variables = match &*record {
                    Record::Confirmed { sequence, .. } => secrets::variables(sequence),
                    // Only a confirmation is committed.
                    _ => Vec::new(),
                };
                let failed = match self.append(&JournalId::Run(run.clone()), *record, Some(after), &actor) {
                    Ok(()) => self.start_runner(&run, &hash, &variables).err(),
                    Err(JournalError::MovedOn { .. }) => Some(
                        "the run has gone on since the confirmation was shown; look at it and decide again".to_owned(),
                    ),
                    Err(error) => {
                        let why = error.to_string();
                        self.say(Msg::JournalRefused { journal: JournalId::Run(run.clone()), why });
                        Some("the confirmation could not be journalled, so nothing was started".to_owned())
                    }
                };
                self.say(Msg::Committed { run, failed });
            }
            Job::Follow(run) => self.follow(&run),
            Job::KeepAlerts(kept) => {
                if let Err(why) = remembered::write(&self.root, &kept) {
                    self.say(Msg::AlertsNotKept { why });
                }
            }
        }
    }

    /// Runs that another console, or nobody's terminal, has opened meanwhile. One look at the folder tells that there are
    /// none.
    #[allow(clippy::disallowed_methods, reason = "the journal's folder says when a file came into it")]
    fn find_new_runs(&mut self) {
        let changed = std::fs::metadata(self.root.journals().join("runs")).and_then(|folder| folder.modified()).ok();
        if changed.is_none() || changed != self.folder_changed {
            self.folder_changed = changed;
            self.find_open_runs();
        }
    }

    /// Every run that is not closed is followed; a journal that can not be read is named and harms no other.
    fn find_open_runs(&mut self) {
        let refused = |error: JournalError| Msg::JournalRefused { journal: JournalId::Console, why: error.to_string() };
        match runner::recover(&self.root) {
            Ok((open, unreadable)) => {
                open.iter().for_each(|found| self.follow(&found.run));
                unreadable.into_iter().for_each(|error| self.say(refused(error)));
            }
            Err(error) => self.say(refused(error)),
        }
    }

    fn start_runner(&self, run: &RunId, hash: &Digest, variables: &[String]) -> Result<u32, String> {
        let runtime = super::runtime().map_err(|error| error.to_string())?;
        runtime.block_on(spawn::spawn_runner(&self.root, run, hash, variables))
    }

    fn follow(&mut self, run: &RunId) {
        if self.followed.contains_key(run) {
            return;
        }
        match self.root.journal(&JournalId::Run(run.clone())) {
            Ok(path) => {
                self.followed.insert(run.clone(), Followed { follower: Follower::new(path), run: None });
            }
            Err(error) => {
                self.say(Msg::JournalRefused { journal: JournalId::Run(run.clone()), why: error.to_string() });
            }
        }
    }

    /// What a run's journal says is reported by reading it on, so that the runner's entries and ours keep their order.
    fn append(
        &mut self,
        journal: &JournalId,
        record: Record,
        after: Option<u64>,
        actor: &Actor,
    ) -> Result<(), JournalError> {
        let (now, boot_id) = ((self.clock)(), &self.boot_id);
        let entry = match after {
            Some(last_seq) => journal::append_after(&self.root, journal, (actor, now, boot_id), last_seq, record)?,
            None => journal::append(&self.root, journal, actor, now, boot_id, record)?,
        };
        match journal {
            JournalId::Console => {
                let (journal, entry) = (JournalId::Console, Box::new(entry));
                self.say(Msg::Journalled { journal, entry, more: false });
            }
            JournalId::Run(run) => self.follow(run),
        }
        Ok(())
    }

    /// Reports what is new in every followed journal; returns whether a sequence is under way in one of them.
    fn read_on(&mut self) -> bool {
        let mut messages = Vec::new();
        let mut busy = false;
        for (run, followed) in &mut self.followed {
            let journal = JournalId::Run(run.clone());
            match followed.read_on() {
                Ok(entries) => {
                    let last = entries.len().saturating_sub(1);
                    messages.extend(entries.into_iter().enumerate().map(|(at, entry)| Msg::Journalled {
                        journal: journal.clone(),
                        entry: Box::new(entry),
                        more: at < last,
                    }));
                }
                Err(error) => messages.push(Msg::JournalRefused { journal, why: error.to_string() }),
            }
            if followed.sequence_open() {
                busy = true;
                // The lock says whether the runner is gone: nobody holds it, and holding it ourselves while we write
                // keeps a runner from beginning in between.
                if let Err(error) = runner::settle_orphan(&self.root, run, &self.actor) {
                    messages.push(Msg::JournalRefused { journal: JournalId::Run(run.clone()), why: error.to_string() });
                }
            }
        }
        self.followed.retain(|_, followed| !followed.is_closed());
        messages.into_iter().for_each(|message| self.say(message));
        busy
    }

    fn say(&self, msg: Msg) {
        // The loop is gone when the console has quit: then there is nobody to tell.
        let _ = self.out.blocking_send(((self.clock)(), msg));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::clock;

    /// What was told, without the times: `number` of an entry, with `+` where more is behind it.
    async fn told(inbox: &mut mpsc::Receiver<(At, Msg)>, count: usize) -> Vec<String> {
        let mut told = Vec::new();
        for _ in 0..count {
            told.push(match inbox.recv().await.expect("the ledger lives").1 {
                Msg::Journalled { entry, more, .. } => format!("{}{}", entry.seq, if more { "+" } else { "" }),
                Msg::Overtaken { run } => format!("{run} overtaken"),
                other => format!("{other:?}"),
            });
        }
        told
    }

    #[tokio::test]
    async fn what_follows_from_an_entry_is_written_right_behind_it_or_not_at_all() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = Arc::new(StateRoot::find(Some(place.path())).expect("it can be made"));
        let (out, mut inbox) = mpsc::channel(64);
        let ledger = Ledger::start(Arc::clone(&root), out, clock::now, Actor::default());
        let run = RunId::new("run-1");
        let note = |after: Option<u64>, why: &str| Job::Append {
            journal: JournalId::Run(run.clone()),
            record: Box::new(Record::ConsoleStopped { why: why.to_owned() }),
            after,
            actor: Actor::default(),
        };
        ledger.ask(note(None, "one")).expect("it takes jobs");
        assert_eq!(told(&mut inbox, 1).await, ["1"]);
        // Another console writes two at once.
        for why in ["two", "three"] {
            let record = Record::ConsoleStopped { why: why.to_owned() };
            journal::append(&root, &JournalId::Run(run.clone()), &Actor::default(), clock::now(), "boot", record)
                .expect("it is appended");
        }
        ledger.ask(note(Some(1), "late")).expect("it takes jobs");
        assert_eq!(told(&mut inbox, 3).await, ["2+", "3", "run-1 overtaken"]);
        ledger.ask(note(Some(3), "in time")).expect("it takes jobs");
        assert_eq!(told(&mut inbox, 1).await, ["4"]);
        ledger.finish();
    }

    #[tokio::test]
    async fn a_run_that_another_console_opens_is_told_too() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = Arc::new(StateRoot::find(Some(place.path())).expect("it can be made"));
        let (out, mut inbox) = mpsc::channel(64);
        let ledger = Ledger::start(Arc::clone(&root), out, clock::now, Actor::default());
        for name in ["theirs", "another"] {
            let (journal, record) = (JournalId::Run(RunId::new(name)), Record::ConsoleStopped { why: "x".to_owned() });
            journal::append(&root, &journal, &Actor::default(), clock::now(), "boot", record).expect("it is appended");
            assert_eq!(told(&mut inbox, 1).await, ["1"], "{name}");
        }
        ledger.finish();
    }
}
