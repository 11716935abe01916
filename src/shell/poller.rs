//! Polls every source at its own rhythm and reports what came. One task per source: a slow, huge or broken endpoint
//! harms only its own.
//!
//! Every target has a gate: at most two requests under way, and no more per second than it was given; its machine has
//! one of its own, so that a program that hangs never delays what is asked of the node. The channel to
//! the core is bounded and never skipped: where the core is behind, polling waits. Nothing is caught up after the
//! machine slept, because each wait is counted from the end of the poll before it.
//!
//! An answer whose decoding takes more than [`DECODE_WITHIN`] quarantines its source until the console is started
//! again; the decoding itself can not be interrupted, but it is bounded in work and its result is thrown away.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::fetch::{Fetcher, Missed, turns};
use super::identify::{Acquaintances, Asks, Endpoints, Part};
use crate::app::msg::Msg;
use crate::base::{At, SourceId, TargetId};
use crate::model::{Batch, Fetch, FetchFailure, Reply};
use crate::panes::model::Target;
use crate::sources::schedule::{Budget, MOST_IN_FLIGHT, Schedule};
use crate::sources::{Cursor, Source, SourceError};

/// Reads both clocks.
pub type Clock = fn() -> At;

/// Longest time that decoding one answer may take.
pub const DECODE_WITHIN: Duration = Duration::from_millis(500);

/// Bodies up to this size are decoded where they arrive; handing them over would cost more than it saves.
const DECODED_IN_PLACE: usize = 16 << 10;

/// Requests per second for a target that no rate was given for.
const DEFAULT_RATE: f64 = 5.0;

/// Polls while it lives. Dropping it ends every poll.
#[derive(Debug)]
pub struct Poller {
    _tasks: JoinSet<()>,
    nudges: Nudges,
}

impl Poller {
    /// Starts polling every source of these targets, each target at its own rate.
    ///
    /// # Errors
    /// A source that can not be used as written.
    pub fn of_targets(
        targets: &[Target],
        fetcher: &Fetcher,
        messages: &mpsc::Sender<(At, Msg)>,
        clock: Clock,
    ) -> Result<Poller, SourceError> {
        let bound = targets.iter().flat_map(|target| target.sources.iter().cloned());
        let sources = bound.map(|bound| Source::compile(bound).map(Arc::new)).collect::<Result<_, _>>()?;
        let rates = targets.iter().map(|target| (target.id.clone(), target.spec.requests_per_second)).collect();
        let known = Acquaintances::of(targets);
        Ok(Poller::start(sources, &rates, &known, fetcher, messages, clock))
    }

    /// Starts polling. `rates` gives each target's requests per second, `known` the systems that an endpoint may turn
    /// out to be of. Must be called within a runtime.
    ///
    /// Every poll sends [`Msg::Polled`] and then, where there is a next one, [`Msg::NextTry`].
    #[must_use]
    pub fn start(
        sources: Vec<Arc<Source>>,
        rates: &BTreeMap<TargetId, f64>,
        known: &Acquaintances,
        fetcher: &Fetcher,
        messages: &mpsc::Sender<(At, Msg)>,
        clock: Clock,
    ) -> Poller {
        let mut gates: HashMap<(TargetId, bool), Arc<Gate>> = HashMap::new();
        let mut tasks = JoinSet::new();
        let mut nudges = HashMap::new();
        let endpoints = Endpoints::of(&sources, known);
        for source in sources {
            let target = &source.bound.target;
            let rate = rates.get(target).copied().unwrap_or(DEFAULT_RATE);
            let gate = gates
                .entry((target.clone(), source.bound.machine.is_some()))
                .or_insert_with(|| Arc::new(Gate::new(rate, clock)));
            // One nudge is enough: a poll that is due is due once.
            let (nudge, nudged) = mpsc::channel(1);
            nudges.insert(source.bound.id.clone(), nudge);
            let part = endpoints.part(&source.bound, known);
            let polling = Polling {
                schedule: Schedule::of(&source),
                source,
                gate: Arc::clone(gate),
                fetcher: fetcher.clone(),
                messages: messages.clone(),
                clock,
            };
            tasks.spawn(polling.run(nudged, part));
        }
        Poller { _tasks: tasks, nudges: Nudges(nudges) }
    }

    /// What polls sources out of their rhythm; it does not keep the polling alive.
    #[must_use]
    pub fn nudges(&self) -> Nudges {
        self.nudges.clone()
    }
}

/// Asks for sources out of their rhythm.
#[derive(Clone, Debug, Default)]
pub struct Nudges(HashMap<SourceId, mpsc::Sender<()>>);

impl Nudges {
    /// Polls a source as soon as its target's gate allows. False where there is no such source, or it is quarantined.
    pub fn fetch_now(&self, source: &SourceId) -> bool {
        let full_is_asked_already = |nudge: &mpsc::Sender<()>| match nudge.try_send(()) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(())) => true,
            Err(mpsc::error::TrySendError::Closed(())) => false,
        };
        self.0.get(source).is_some_and(full_is_asked_already)
    }
}

/// What one target may be asked for.
#[derive(Debug)]
struct Gate {
    in_flight: Semaphore,
    budget: Mutex<Budget>,
}

impl Gate {
    fn new(rate: f64, clock: Clock) -> Gate {
        let budget = Mutex::new(Budget::new(rate, clock().boot));
        Gate { in_flight: Semaphore::new(MOST_IN_FLIGHT), budget }
    }

    /// Waits for a turn. The request is under way until the permit is dropped. What the node counts needs a turn of
    /// that budget too; it is waited for outside, so that nothing else of the target waits with it.
    ///
    /// # Errors
    /// No turn of the budget came in time.
    async fn enter(&self, polling: &Polling) -> Result<SemaphorePermit<'_>, FetchFailure> {
        let (clock, bound) = (polling.clock, &polling.source.bound);
        let began = Instant::now();
        let permit = loop {
            let permit = self.in_flight.acquire().await.expect("nobody closes the gate's semaphore");
            let Some(budget) = &bound.budget else { break permit };
            let Err(wait) = polling.fetcher.turns().try_take(budget, clock().boot) else { break permit };
            drop(permit);
            if began.elapsed() + wait > polling.source.patience() {
                return Err(turns::late(budget, polling.source.patience()));
            }
            tokio::time::sleep(wait).await;
        };
        let wait = self.budget.lock().unwrap_or_else(PoisonError::into_inner).reserve(clock().boot);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        Ok(permit)
    }
}

/// One source's polling.
struct Polling {
    source: Arc<Source>,
    schedule: Schedule,
    gate: Arc<Gate>,
    fetcher: Fetcher,
    messages: mpsc::Sender<(At, Msg)>,
    clock: Clock,
}

impl Polling {
    /// Polls until the core is gone or the source is quarantined.
    async fn run(mut self, mut nudged: mpsc::Receiver<()>, mut part: Part) {
        let mut cursor = Cursor::default();
        part.ready().await;
        let mut due = Instant::now() + self.schedule.first();
        let mut earliest = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                nudge = nudged.recv() => {
                    if nudge.is_none() {
                        return;
                    }
                    part.ask_again();
                    tokio::time::sleep_until(earliest).await;
                }
            }
            // What a request needs is held while one is under way: most sources wait most of the time.
            let batch = match self.gate.enter(&self).await {
                Ok(_permit) => Box::pin(read_once(&self.source, &mut cursor, &self.fetcher, self.clock)).await,
                Err(late) => self.source.failed(&mut cursor, late, (self.clock)(), Duration::ZERO),
            };
            let batch = Box::pin(part.judged(batch, &self.source, &mut cursor, &self)).await;
            // A poll that was late failed at nothing: it comes again in its rhythm.
            let late = matches!(batch.failure, Some(FetchFailure::Late { .. }));
            let wait = self.schedule.next(batch.failure.is_some() && !late, batch.took);
            due = Instant::now() + wait;
            earliest = Instant::now() + self.schedule.rest(batch.took);
            let next = (self.clock)().boot.plus(wait);
            if !self.tell(Msg::Polled(Arc::new(batch))).await || cursor.quarantined.is_some() {
                return;
            }
            if !self.tell(Msg::NextTry { source: self.source.bound.id.clone(), at: next }).await {
                return;
            }
        }
    }

    /// Waits until the core takes the message; false where there is no core any more.
    async fn tell(&self, msg: Msg) -> bool {
        self.messages.send(((self.clock)(), msg)).await.is_ok()
    }
}

impl Asks for Polling {
    /// In the turn of the target, as any other of its reads.
    async fn ask(&self, fetch: Fetch) -> Option<Reply> {
        let _permit = self.gate.enter(self).await.ok()?;
        self.fetcher.fetch(&fetch, self.clock).await.ok()
    }
}

/// One poll of one source, outside any rhythm and any gate, but in its turn where the node counts its reads. Every
/// outcome is a batch.
pub async fn poll_once(source: &Arc<Source>, cursor: &mut Cursor, fetcher: &Fetcher, clock: Clock) -> Batch {
    if let Some(budget) = &source.bound.budget
        && let Err(late) = fetcher.turns().take(budget, source.patience(), || clock().boot).await
    {
        return source.failed(cursor, late, clock(), Duration::ZERO);
    }
    read_once(source, cursor, fetcher, clock).await
}

/// The read itself.
async fn read_once(source: &Arc<Source>, cursor: &mut Cursor, fetcher: &Fetcher, clock: Clock) -> Batch {
    if let Some(failure) = cursor.quarantined.clone() {
        return source.failed(cursor, failure, clock(), Duration::ZERO);
    }
    let fetch = match source.fetch(cursor) {
        Ok(fetch) => fetch,
        Err(failure) => return source.failed(cursor, failure, clock(), Duration::ZERO),
    };
    let batch = match fetcher.fetch(&fetch, clock).await {
        Ok(reply) => decode(source, cursor, reply).await,
        Err(Missed { failure, sent, took }) => source.failed(cursor, failure, sent, took),
    };
    let too_often = |failure: &FetchFailure| {
        matches!(failure, FetchFailure::TooOften { .. } | FetchFailure::Status { status: 429 })
    };
    if let Some(budget) = &source.bound.budget
        && batch.failure.as_ref().is_some_and(too_often)
    {
        fetcher.turns().pause(budget, clock().boot).await;
    }
    batch
}

async fn decode(source: &Arc<Source>, cursor: &mut Cursor, reply: Reply) -> Batch {
    let (sent, took) = (reply.sent, reply.took);
    let overrun = || FetchFailure::Overrun { filter: source.bound.spec.id.clone() };
    if reply.size_bytes() <= DECODED_IN_PLACE {
        let started = Instant::now();
        let batch = source.decode(cursor, &reply);
        return if started.elapsed() > DECODE_WITHIN { source.failed(cursor, overrun(), sent, took) } else { batch };
    }
    let (worker, mut taken) = (Arc::clone(source), std::mem::take(cursor));
    let decoding = tokio::task::spawn_blocking(move || {
        let batch = worker.decode(&mut taken, &reply);
        (taken, batch)
    });
    match tokio::time::timeout(DECODE_WITHIN, decoding).await {
        Ok(Ok((returned, batch))) => {
            *cursor = returned;
            batch
        }
        Ok(Err(_)) => {
            let detail = "the answer could not be read: a mistake in the console, please report it".to_owned();
            source.failed(cursor, FetchFailure::Other { detail }, sent, took)
        }
        Err(_) => source.failed(cursor, overrun(), sent, took),
    }
}

#[cfg(test)]
mod tests;
