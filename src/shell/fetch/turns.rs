//! Turns for reads that a node counts: kept in a file of the state root, so that all consoles of this machine share
//! them, and the reads that commands and runners make with them.
//!
//! ```text
//! <root>/budgets/<hash of the budget's key>.turns    "<boot id> <when the next turn is free, ms since boot>"
//! ```
//!
//! Whoever wants a turn locks the file, looks, writes and unlocks; nobody holds the lock while waiting. A console that
//! can not use the file keeps its own budget in memory, which other consoles do not see: it does so too where it was
//! given no state root, as a simulation's is.
//!
//! Must never: give two turns at one time; let a read go out of turn because a file is damaged.

#![allow(clippy::disallowed_methods, reason = "the shell is where files are touched")]

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::base::{Boot, Digest};
use crate::model::FetchFailure;
use crate::shell::clock;
use crate::shell::state_root::StateRoot;
use crate::sources::SharedBudget;
use crate::sources::budget::Turns;

/// Whoever finds the file locked comes back after this; a lock lasts as long as a line is written.
const BUSY: Duration = Duration::from_millis(5);

/// A longer line was not written by a console.
const LINE_LIMIT_BYTES: u64 = 200;

/// Where turns are taken. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct TurnTaker {
    root: Option<Arc<StateRoot>>,
    own: Arc<Mutex<HashMap<String, Turns>>>,
}

impl TurnTaker {
    /// For this process alone.
    #[must_use]
    pub fn alone() -> TurnTaker {
        TurnTaker::default()
    }

    /// Shared with every process that uses this state root.
    #[must_use]
    pub fn shared(root: Arc<StateRoot>) -> TurnTaker {
        TurnTaker { root: Some(root), own: Arc::default() }
    }

    /// Takes a turn of this budget, if one is free at `now`.
    ///
    /// # Errors
    /// None is, and how long until one may be.
    pub fn try_take(&self, budget: &SharedBudget, now: Boot) -> Result<(), Duration> {
        self.change(budget, |turns| turns.take(budget, now)).unwrap_or(Err(BUSY))
    }

    /// Rests everybody, because the node said that it was asked too often.
    pub async fn pause(&self, budget: &SharedBudget, now: Boot) {
        while self.change(budget, |turns| turns.pause(budget, now)).is_none() {
            tokio::time::sleep(BUSY).await;
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// None came within `patience`.
    pub async fn take(
        &self,
        budget: &SharedBudget,
        patience: Duration,
        now: impl Fn() -> Boot,
    ) -> Result<(), FetchFailure> {
        let began = now();
        loop {
            match self.try_take(budget, now()) {
                Ok(()) => return Ok(()),
                Err(wait) => match now().since(began) + wait > patience {
                    true => return Err(late(budget, patience)),
                    false => tokio::time::sleep(wait).await,
                },
            }
        }
    }

    /// What `work` makes of the turns; nothing where somebody else is at them.
    fn change<T>(&self, budget: &SharedBudget, work: impl FnOnce(&mut Turns) -> T) -> Option<T> {
        match self.root.as_ref().map(|root| open(root, budget)) {
            Some(Ok(mut file)) => match file.try_lock() {
                Ok(()) => {
                    let boot = clock::boot_id();
                    let kept = read(&mut file, &boot);
                    Some(self.alone_with(budget, |turns| {
                        // What this process knows counts too, should it ever not be able to write it down.
                        turns.free_at = turns.free_at.max(kept.free_at);
                        let done = work(turns);
                        let _ = write(&mut file, &boot, *turns);
                        let _ = file.unlock();
                        done
                    }))
                }
                Err(TryLockError::WouldBlock) => None,
                Err(TryLockError::Error(_)) => Some(self.alone_with(budget, work)),
            },
            Some(Err(_)) | None => Some(self.alone_with(budget, work)),
        }
    }

    fn alone_with<T>(&self, budget: &SharedBudget, work: impl FnOnce(&mut Turns) -> T) -> T {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        work(own.entry(budget.key.clone()).or_default())
    }
}

/// What a poll that found no turn says.
#[must_use]
pub fn late(budget: &SharedBudget, waited: Duration) -> FetchFailure {
    FetchFailure::Late { budget: budget.name.clone(), per_second: budget.per_second.to_string(), waited }
}

fn open(root: &StateRoot, budget: &SharedBudget) -> io::Result<File> {
    root.open_common(&path_of(root, budget)).map(|(file, _)| file)
}

fn path_of(root: &StateRoot, budget: &SharedBudget) -> PathBuf {
    let digest = Digest::of(budget.key.as_bytes());
    root.budgets().join(format!("{}.turns", digest.as_str().get(..16).unwrap_or(digest.as_str())))
}

/// Of another boot nothing is known but that the machine was started since: that took longer than any turn.
fn read(file: &mut File, boot: &str) -> Turns {
    let mut line = String::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(LINE_LIMIT_BYTES).read_to_string(&mut line));
    let found = line.trim().split_once(' ');
    match (read, found.map(|(of, at)| (of == boot, at.parse()))) {
        (Ok(_), None) if line.is_empty() => Turns::default(),
        (Ok(_), Some((false, Ok::<u64, _>(_)))) => Turns::default(),
        (Ok(_), Some((true, Ok(at)))) => Turns { free_at: Boot(at) },
        // Damaged: as far away as can be, which is mended without a burst.
        (Ok(_) | Err(_), _) => Turns { free_at: Boot(u64::MAX) },
    }
}

fn write(file: &mut File, boot: &str, turns: Turns) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(format!("{boot} {}\n", turns.free_at.0).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::BudgetSpec;

    fn budget(per_second: f64) -> SharedBudget {
        let spec = BudgetSpec {
            name: "energy_reads".to_owned(),
            help: String::new(),
            per_second,
            pause_seconds: 60.0,
            from: Vec::new(),
        };
        spec.at("http://127.0.0.1:26658")
    }

    fn root() -> (tempfile::TempDir, Arc<StateRoot>) {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = StateRoot::find(Some(&place.path().join("state"))).expect("it can be made");
        (place, Arc::new(root))
    }

    #[tokio::test]
    async fn two_consoles_of_one_root_share_their_turns() {
        let (_place, root) = root();
        let budget = budget(4.0);
        let (one, other) = (TurnTaker::shared(Arc::clone(&root)), TurnTaker::shared(root));
        assert_eq!(one.try_take(&budget, Boot(10_000)), Ok(()));
        assert_eq!(other.try_take(&budget, Boot(10_100)), Err(Duration::from_millis(150)));
        assert_eq!(other.try_take(&budget, Boot(10_250)), Ok(()));
        other.pause(&budget, Boot(10_300)).await;
        assert_eq!(one.try_take(&budget, Boot(10_600)), Err(Duration::from_millis(59_700)));
        assert_eq!(TurnTaker::alone().try_take(&budget, Boot(10_600)), Ok(()), "who shares nothing knows of nobody");
    }

    #[test]
    fn many_at_once_never_make_a_burst() {
        let (_place, root) = root();
        let budget = budget(4.0);
        let given = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let taker = TurnTaker::shared(Arc::clone(&root));
                let (given, budget) = (&given, &budget);
                scope.spawn(move || {
                    // Simulated time: each asks at every moment of the same two seconds.
                    for now in (0..2_000).step_by(50) {
                        while let Err(wait) = taker.try_take(budget, Boot(10_000 + now)) {
                            if wait > BUSY {
                                break;
                            }
                        }
                    }
                    given.lock().expect("nobody panics").push(());
                });
            }
        });
        // However they came, what is kept says that the turns were spaced: the next is at most one turn ahead.
        let left = TurnTaker::shared(root).try_take(&budget, Boot(12_000));
        assert!(left.is_ok() || left.is_err_and(|wait| wait <= budget.spacing()), "{left:?}");
        assert_eq!(given.lock().expect("nobody panics").len(), 8);
    }

    #[test]
    fn a_damaged_file_is_mended_and_gives_nothing_at_once() {
        let (_place, root) = root();
        let budget = budget(4.0);
        let taker = TurnTaker::shared(Arc::clone(&root));
        for text in ["x", "one two", &format!("{} never", clock::boot_id()), &"9".repeat(5_000)] {
            std::fs::write(path_of(&root, &budget), text).expect("ours");
            assert_eq!(taker.try_take(&budget, Boot(1_000)), Err(Duration::from_millis(250)), "{text:.20}");
            assert_eq!(taker.try_take(&budget, Boot(1_250)), Ok(()), "{text:.20}");
        }
        std::fs::write(path_of(&root, &budget), "another-boot 99999999\n").expect("ours");
        let taker = TurnTaker::shared(root);
        assert_eq!(taker.try_take(&budget, Boot(1_000)), Ok(()), "what was before the start is over");
    }

    #[tokio::test]
    async fn who_waits_too_long_says_so() {
        let (_place, root) = root();
        let (budget, taker) = (budget(0.5), TurnTaker::shared(root));
        let now = || Boot(5_000);
        assert_eq!(taker.take(&budget, Duration::from_secs(1), now).await, Ok(()));
        let late = taker.take(&budget, Duration::from_secs(1), now).await.expect_err("nobody's turn");
        let said = late.to_string();
        assert!(said.starts_with("not asked within 1s: the 0.5 reads a second"), "{said}");
        assert!(said.contains("share as energy_reads"), "{said}");
    }
}
