//! The runner's pen: records that may fail, and records that are insisted on.

use tokio::time::{Instant, sleep};

use super::Pace;
use crate::app::msg::JournalId;
use crate::base::RunId;
use crate::runbook::{Actor, Entry, Record};
use crate::shell::journal::{self, JournalError};
use crate::shell::{StateRoot, clock};

/// Writes the records of one run. Remembers whether the journal ever failed: then no further act may start.
pub struct Writer<'a> {
    root: &'a StateRoot,
    journal: JournalId,
    actor: Actor,
    boot_id: String,
    pace: Pace,
    trouble: Option<JournalError>,
}

impl<'a> Writer<'a> {
    pub fn new(root: &'a StateRoot, run: &RunId, actor: Actor, pace: Pace) -> Writer<'a> {
        let journal = JournalId::Run(run.clone());
        Writer { root, journal, actor, boot_id: clock::boot_id(), pace, trouble: None }
    }

    /// Why no further act may start, if the journal failed since the runner began.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.as_ref().map(|error| format!("the journal failed meanwhile ({error})"))
    }

    /// Writes directly behind the record `last_seq`, or not at all.
    pub fn after(&mut self, last_seq: u64, record: Record) -> Result<Entry, JournalError> {
        let stamp = (&self.actor, clock::now(), self.boot_id.as_str());
        journal::append_after(self.root, &self.journal, stamp, last_seq, record)
    }

    /// One attempt: for what may only happen if it is journalled, and for what is good to know.
    pub fn once(&mut self, record: Record) -> Result<Entry, JournalError> {
        journal::append(self.root, &self.journal, &self.actor, clock::now(), &self.boot_id, record)
            .inspect_err(|error| self.trouble = Some(error.clone()))
    }

    /// For what has happened: tries again until the journal takes it, as long as the pace allows.
    pub async fn insist(&mut self, record: Record) -> Result<Entry, JournalError> {
        let until = Instant::now() + self.pace.retry_for;
        loop {
            match self.once(record.clone()) {
                Ok(entry) => return Ok(entry),
                // These do not get better by waiting.
                Err(error @ (JournalError::NoForm { .. } | JournalError::EntryTooLarge { .. })) => return Err(error),
                Err(error) if Instant::now() >= until => return Err(error),
                Err(_) => sleep(self.pace.retry_every).await,
            }
        }
    }
}
