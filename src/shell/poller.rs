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
use crate::app::msg::Msg;
use crate::base::{At, SourceId, TargetId};
use crate::model::{Batch, FetchFailure, Reply};
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
        Ok(Poller::start(sources, &rates, fetcher, messages, clock))
    }

    /// Starts polling. `rates` gives each target's requests per second. Must be called within a runtime.
    ///
    /// Every poll sends [`Msg::Polled`] and then, where there is a next one, [`Msg::NextTry`].
    #[must_use]
    pub fn start(
        sources: Vec<Arc<Source>>,
        rates: &BTreeMap<TargetId, f64>,
        fetcher: &Fetcher,
        messages: &mpsc::Sender<(At, Msg)>,
        clock: Clock,
    ) -> Poller {
        let mut gates: HashMap<(TargetId, bool), Arc<Gate>> = HashMap::new();
        let mut tasks = JoinSet::new();
        let mut nudges = HashMap::new();
        for source in sources {
            let target = &source.bound.target;
            let rate = rates.get(target).copied().unwrap_or(DEFAULT_RATE);
            let gate = gates
                .entry((target.clone(), source.bound.machine.is_some()))
                .or_insert_with(|| Arc::new(Gate::new(rate, clock)));
            // One nudge is enough: a poll that is due is due once.
            let (nudge, nudged) = mpsc::channel(1);
            nudges.insert(source.bound.id.clone(), nudge);
            let polling = Polling {
                schedule: Schedule::of(&source),
                source,
                gate: Arc::clone(gate),
                fetcher: fetcher.clone(),
                messages: messages.clone(),
                clock,
            };
            tasks.spawn(polling.run(nudged));
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
    async fn run(mut self, mut nudged: mpsc::Receiver<()>) {
        let mut cursor = Cursor::default();
        let mut due = Instant::now() + self.schedule.first();
        let mut earliest = Instant::now();
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => {}
                nudge = nudged.recv() => {
                    if nudge.is_none() {
                        return;
                    }
                    tokio::time::sleep_until(earliest).await;
                }
            }
            let batch = match self.gate.enter(&self).await {
                Ok(_permit) => read_once(&self.source, &mut cursor, &self.fetcher, self.clock).await,
                Err(late) => self.source.failed(&mut cursor, late, (self.clock)(), Duration::ZERO),
            };
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
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::fetch::http::loopback::{Act, answer, serve};
    use super::*;
    use crate::base::{Boot, Wall};
    use crate::model::Labels;
    use crate::sources::prometheus_text::PrometheusTextSpec;
    use crate::sources::{BoundSource, BudgetSpec, SourceKindSpec, SourceSpec};

    fn clock() -> At {
        // It stands still, so that no budget refills.
        At { boot: Boot(1_000), wall: Wall(1_000) }
    }

    fn source(id: &str, url: &str, interval_seconds: f64) -> Arc<Source> {
        let spec = SourceSpec {
            id: id.to_owned(),
            endpoint: "e".to_owned(),
            interval_seconds,
            timeout_seconds: 2.0,
            limit_bytes: 1 << 20,
            decides_up: true,
            cost: None,
            budget: None,
            once: false,
            kind: SourceKindSpec::PrometheusText(PrometheusTextSpec { path: "/metrics".to_owned(), limit_series: 100 }),
            from: Vec::new(),
            documented: Vec::new(),
            deviates: None,
            answers: Vec::new(),
        };
        let bound = BoundSource {
            id: SourceId::new(id),
            target: "t".into(),
            base_url: url.to_owned(),
            credentials: None,
            budget: None,
            labels: Labels::from_pairs([("target", "t")]),
            spec,
            machine: None,
        };
        Arc::new(Source::compile(bound).expect("a source that compiles"))
    }

    fn rates(rate: f64) -> BTreeMap<TargetId, f64> {
        BTreeMap::from([("t".into(), rate)])
    }

    async fn polled(messages: &mut mpsc::Receiver<(At, Msg)>) -> Arc<Batch> {
        loop {
            match messages.recv().await {
                Some((_, Msg::Polled(batch))) => return batch,
                Some((_, Msg::NextTry { at, .. })) => assert!(at >= clock().boot),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn sources_are_polled_and_what_came_is_told() {
        let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
        let (sender, mut messages) = mpsc::channel(1);
        let sources = vec![source("s", &server.url, 0.01)];
        let poller = Poller::start(sources, &rates(1e6), &Fetcher::new(), &sender, clock);
        for _ in 0..3 {
            let batch = polled(&mut messages).await;
            assert_eq!((batch.failure.clone(), batch.layout.series().len()), (None, 4));
        }
        drop(poller);
        drop(sender);
        while messages.recv().await.is_some() {}
    }

    #[tokio::test]
    async fn a_broken_source_harms_only_itself() {
        let (good, bad) = (serve(vec![answer("200 OK", "", "a 1\n")]).await, serve(vec![Act::Hold]).await);
        let (sender, mut messages) = mpsc::channel(8);
        let sources = vec![source("bad", &bad.url, 0.01), source("good", &good.url, 0.01)];
        let _poller = Poller::start(sources, &rates(1e6), &Fetcher::new(), &sender, clock);
        for _ in 0..5 {
            assert_eq!(polled(&mut messages).await.source.as_str(), "good");
        }
    }

    #[tokio::test]
    async fn no_more_than_two_requests_are_under_way() {
        let slow = vec![Act::Pause(Duration::from_millis(20)), answer("200 OK", "", "a 1\n")];
        let server = serve(slow).await;
        let (sender, mut messages) = mpsc::channel(8);
        let sources = (0..6).map(|n| source(&format!("s{n}"), &server.url, 0.001)).collect();
        let _poller = Poller::start(sources, &rates(1e6), &Fetcher::new(), &sender, clock);
        for _ in 0..12 {
            polled(&mut messages).await;
        }
        assert_eq!(server.most.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn the_rate_holds_whatever_the_intervals_ask_for() {
        let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
        let (sender, mut messages) = mpsc::channel(8);
        let sources = (0..4).map(|n| source(&format!("s{n}"), &server.url, 0.001)).collect();
        let _poller = Poller::start(sources, &rates(0.02), &Fetcher::new(), &sender, clock);
        polled(&mut messages).await;
        // The next turn is fifty seconds away.
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert_eq!(server.requests.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_core_that_is_behind_stops_the_polling() {
        let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
        let (sender, mut messages) = mpsc::channel(1);
        let sources = vec![source("s", &server.url, 0.001)];
        let _poller = Poller::start(sources, &rates(1e6), &Fetcher::new(), &sender, clock);
        while server.requests.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(server.requests.load(Ordering::SeqCst), 1, "the second message has no room");
        polled(&mut messages).await;
        polled(&mut messages).await;
        assert!(server.requests.load(Ordering::SeqCst) >= 2);
    }

    #[tokio::test]
    async fn a_source_can_be_asked_now() {
        let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
        let (sender, mut messages) = mpsc::channel(8);
        let poller =
            Poller::start(vec![source("s", &server.url, 3600.0)], &rates(9.0), &Fetcher::new(), &sender, clock);
        polled(&mut messages).await;
        assert!(poller.nudges().fetch_now(&"s".into()));
        polled(&mut messages).await;
        assert!(!poller.nudges().fetch_now(&"unknown".into()));
    }

    #[tokio::test]
    async fn what_is_of_another_machine_is_told_once_and_never_read() {
        use crate::sources::{Machine, disk::DiskSpec};
        let mut bound = source("s", "http://127.0.0.1:1", 0.001).bound.clone();
        bound.spec.kind = SourceKindSpec::Disk(DiskSpec { path: "/".to_owned() });
        bound.machine = Some(Machine::Elsewhere { why: "it is over there".to_owned() });
        let source = Arc::new(Source::compile(bound).expect("a source that compiles"));
        let (sender, mut messages) = mpsc::channel(8);
        let poller = Poller::start(vec![source], &rates(1e6), &Fetcher::new(), &sender, clock);
        let failure = polled(&mut messages).await.failure.clone();
        assert_eq!(failure.map(|failure| failure.to_string()).as_deref(), Some("not read: it is over there"));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(messages.try_recv().is_err(), "no next try is announced, and none comes");
        assert!(!poller.nudges().fetch_now(&"s".into()));
    }

    #[tokio::test]
    async fn a_program_that_hangs_does_not_delay_what_is_asked_of_the_node() {
        use crate::sources::{Machine, command::CommandSpec, command::OutputSpec};
        let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
        let hanging = |id: &str| {
            let mut bound = source(id, &server.url, 10.0).bound.clone();
            let argv = ["sleep", "60"].map(str::to_owned).to_vec();
            bound.spec.kind = SourceKindSpec::Command(CommandSpec { argv, output: OutputSpec::ExitCode });
            bound.machine = Some(Machine::Here);
            Arc::new(Source::compile(bound).expect("a source that compiles"))
        };
        let (sender, mut messages) = mpsc::channel(8);
        let sources = vec![hanging("one"), hanging("two"), hanging("three"), source("node", &server.url, 0.01)];
        let _poller = Poller::start(sources, &rates(1e6), &Fetcher::new(), &sender, clock);
        for _ in 0..5 {
            assert_eq!(polled(&mut messages).await.source.as_str(), "node");
        }
    }

    #[tokio::test]
    async fn large_answers_are_decoded_elsewhere_and_keep_their_cursor() {
        let body: String = (0..90).map(|n| format!("a{{n=\"{n}\",text=\"{}\"}} 1\n", "x".repeat(300))).collect();
        assert!(body.len() > DECODED_IN_PLACE);
        let server = serve(vec![answer("200 OK", "", &body)]).await;
        let (source, fetcher) = (source("s", &server.url, 1.0), Fetcher::new());
        let mut cursor = Cursor::default();
        let first = poll_once(&source, &mut cursor, &fetcher, clock).await;
        let second = poll_once(&source, &mut cursor, &fetcher, clock).await;
        assert_eq!(first.values.len(), 93);
        assert!(Arc::ptr_eq(&first.layout, &second.layout));
    }

    #[tokio::test]
    async fn a_quarantined_source_is_not_asked_again() {
        let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
        let source = source("s", &server.url, 1.0);
        let overrun = FetchFailure::Overrun { filter: "s".to_owned() };
        let mut cursor = Cursor::default();
        cursor.quarantined = Some(overrun.clone());
        let batch = poll_once(&source, &mut cursor, &Fetcher::new(), clock).await;
        assert_eq!(batch.failure, Some(overrun));
        assert_eq!(server.requests.load(Ordering::SeqCst), 0);
    }

    /// A source whose reads the node counts.
    fn counted(id: &str, url: &str, per_second: f64) -> Arc<Source> {
        let spec = BudgetSpec {
            name: "reads".to_owned(),
            help: String::new(),
            per_second,
            pause_seconds: 60.0,
            from: Vec::new(),
        };
        let mut bound = source(id, url, 0.01).bound.clone();
        bound.budget = Some(spec.at(url));
        Arc::new(Source::compile(bound).expect("a source that compiles"))
    }

    #[tokio::test]
    async fn a_poll_without_a_turn_is_late_and_delays_nobody_else() {
        let server = serve(vec![answer("200 OK", "", "a 1\n")]).await;
        let (sender, mut messages) = mpsc::channel(8);
        let sources = vec![counted("one", &server.url, 0.01), counted("two", &server.url, 0.01)];
        let sources = sources.into_iter().chain([source("free", &server.url, 0.01)]).collect();
        let _poller = Poller::start(sources, &rates(1e6), &Fetcher::new(), &sender, clock);
        let (mut read, mut late, mut free) = (0, 0, 0);
        while late < 4 || free < 4 {
            let batch = polled(&mut messages).await;
            match (&batch.failure, batch.source.as_str()) {
                (None, "free") => free += 1,
                (None, _) => read += 1,
                (Some(FetchFailure::Late { .. }), "one" | "two") => {
                    assert_eq!(batch.values.len(), 0, "nobody was found down");
                    late += 1;
                }
                (failure, source) => panic!("{source}: {failure:?}"),
            }
        }
        assert_eq!(read, 1, "the next turn is a hundred seconds away");
    }

    #[tokio::test]
    async fn a_node_that_was_asked_too_often_is_left_alone_by_all() {
        let busy = serve(vec![answer("429 Too Many Requests", "", "")]).await;
        let fetcher = Fetcher::new();
        let (one, two) = (counted("one", &busy.url, 1e2), counted("two", &busy.url, 1e2));
        let refused = poll_once(&one, &mut Cursor::default(), &fetcher, clock).await;
        assert_eq!(refused.failure, Some(FetchFailure::Status { status: 429 }));
        let late = poll_once(&two, &mut Cursor::default(), &fetcher, clock).await;
        assert!(matches!(late.failure, Some(FetchFailure::Late { .. })), "{:?}", late.failure);
        assert_eq!(busy.requests.load(Ordering::SeqCst), 1);
    }
}
