//! The truth about one source: when it last answered, what it said of itself, why it does not answer now.
//!
//! # What a node does not have
//!
//! A path that a node does not have is *not exposed*, and no failure of it. That is believed where all of this holds:
//! the answer says so ([`FetchFailure::says_no_such_path`]), the path has not answered since the node was started, and
//! another read of the same endpoint answers. It is the store that knows the other reads, and tells by
//! [`SourceState::settle`]. The read that decides whether the endpoint is up is never *not exposed*: without it nobody
//! knows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Batch, FetchFailure, Labels, LifeSign, Restart, Truth};
use crate::base::{At, Boot, SourceId, TargetId};

/// How often a source may be late before its values are called stale.
const STALE_AFTER_INTERVALS: u32 = 3;

/// Answer times that are remembered.
const LATENCIES_KEPT: usize = 30;

/// Polls that follow each other more closely share one of them, so that the picture of a fast source stands still.
const LATENCY_SECONDS: Duration = Duration::from_secs(10);

/// Kept per source, updated by every batch.
#[derive(Clone, Debug)]
pub struct SourceState {
    pub id: SourceId,
    pub target: TargetId,
    /// What is read, for people: `GET http://127.0.0.1:3001/volchain/health`.
    pub address: String,
    pub interval: Duration,
    pub timeout: Duration,
    pub last_ok: Option<At>,
    /// The first failure since the last answer, and the latest reason.
    pub failing_since: Option<At>,
    pub failure: Option<FetchFailure>,
    pub failures_in_a_row: u32,
    /// Why the last poll was not made when it was due; it will be.
    pub late: Option<FetchFailure>,
    pub polls: u64,
    pub took: Duration,
    /// The longest answer times of the last polls in seconds, oldest first; `None` where no answer came.
    pub latencies: VecDeque<Option<f64>>,
    /// When the newest of them began.
    latency_since: Option<Boot>,
    pub next_try: Option<Boot>,
    pub clock_skew_seconds: Option<f64>,
    pub surfaces: Vec<Arc<str>>,
    pub not_exposed: Vec<Arc<str>>,
    /// As in [`Batch::lacking`].
    pub lacking: Vec<(Arc<str>, Truth)>,
    pub dropped_series: u64,
    pub series: usize,
    /// Names of the series that its kind says it can give, where it can say.
    pub declares: Vec<String>,
    /// Whether it gives no others, but for what every source gives of itself.
    pub declares_all: bool,
    /// Set where nothing is read at all: what the console tells of itself, which no list of sources is about.
    pub of_console: bool,
    /// Labels that each of its series has: what asks for others is not about it.
    pub labels: Labels,
    /// Whether this source gives lines of a log.
    pub gives_lines: bool,
    /// Lines that came, and how many of them were not kept because they came too fast.
    pub lines: u64,
    pub dropped_lines: u64,
    /// Set where it is no source that is polled but a server's memory, asked once at start: what came of that, in
    /// words; empty before. Nothing of it is a measurement of now.
    pub backfill: Option<String>,
    /// Whether it asks the endpoint over HTTP: then its answers say what the endpoint has.
    pub over_http: bool,
    /// Whether its answer decides the endpoint's `up`.
    pub decides_up: bool,
    /// The version that its last answer said.
    pub version: Option<Arc<str>>,
    /// Whether its answers are known for those of the configured system; nothing where that can not be told.
    pub is_own: Option<bool>,
    /// How the endpoint said that it has no such path, and since when, where it never had one since it was found out.
    unserved: Option<(FetchFailure, At)>,
    /// Whether that is believed: something else of the endpoint answers.
    pub is_unserved: bool,
    /// The first answer since the node was last started, as far as that was seen.
    pub found_out: Option<At>,
    /// By what the last answer tells that the node was started again since the one before.
    pub restart: Option<Restart>,
    /// When and by what it was last told that the node was started again.
    pub restarted: Option<(At, Restart)>,
    /// Values by which the next restart is told.
    life: Vec<LifeSign>,
    /// Nothing listened there when it was last asked.
    refused: bool,
}

impl SourceState {
    #[must_use]
    pub fn new(id: SourceId, target: TargetId, address: String, interval: Duration, timeout: Duration) -> SourceState {
        SourceState {
            id,
            target,
            address,
            interval,
            timeout,
            last_ok: None,
            failing_since: None,
            failure: None,
            failures_in_a_row: 0,
            late: None,
            polls: 0,
            took: Duration::ZERO,
            latencies: VecDeque::new(),
            latency_since: None,
            next_try: None,
            clock_skew_seconds: None,
            surfaces: Vec::new(),
            not_exposed: Vec::new(),
            lacking: Vec::new(),
            dropped_series: 0,
            series: 0,
            declares: Vec::new(),
            declares_all: false,
            of_console: false,
            labels: Labels::default(),
            gives_lines: false,
            lines: 0,
            dropped_lines: 0,
            backfill: None,
            over_http: false,
            decides_up: false,
            version: None,
            is_own: None,
            unserved: None,
            is_unserved: false,
            found_out: None,
            restart: None,
            restarted: None,
            life: Vec::new(),
            refused: false,
        }
    }

    /// What the target's system would read and nobody does, because the configuration names no address for it: known of
    /// no node, and asked for never. `why` as in [`Truth::NotRead`].
    #[must_use]
    pub fn unbound(id: SourceId, target: TargetId, address: String, why: String) -> SourceState {
        let failure = Some(FetchFailure::NotRead { why });
        SourceState { failure, ..SourceState::new(id, target, address, Duration::ZERO, Duration::ZERO) }
    }

    /// The same of what is asked once, for the past.
    #[must_use]
    pub fn of_past(self) -> SourceState {
        SourceState { backfill: Some(String::new()), ..self }
    }

    /// Takes over what a poll of this source brought.
    pub fn note(&mut self, batch: &Batch) {
        self.polls += 1;
        self.restart = None;
        self.took = batch.took;
        if let Some(not_read @ FetchFailure::NotRead { .. }) = &batch.failure {
            self.failure = Some(not_read.clone());
            self.not_exposed.clone_from(&batch.not_exposed);
            return;
        }
        if let Some(late @ FetchFailure::Late { .. }) = &batch.failure {
            // Nobody was asked: what is known stays as true as its age.
            self.late = Some(late.clone());
            return;
        }
        self.late = None;
        self.note_latency(batch);
        self.is_own = batch.told.is_own.or(self.is_own);
        if let Some(failure) = &batch.failure {
            self.note_failure(failure, batch.sent);
            return;
        }
        self.restart = self.restarted_by(batch);
        self.found_out.get_or_insert(batch.sent);
        self.version.clone_from(&batch.told.version);
        // A counter that is made when it first counts is missing at first: what it was before still tells.
        self.life.retain(|known| batch.told.life.iter().all(|now| now.series != known.series));
        self.life.extend(batch.told.life.iter().cloned());
        (self.unserved, self.is_unserved, self.refused) = (None, false, false);
        self.failures_in_a_row = 0;
        self.failing_since = None;
        self.failure = None;
        self.last_ok = Some(batch.sent);
        self.clock_skew_seconds = batch.clock_skew_seconds;
        self.surfaces.clone_from(&batch.surfaces);
        self.not_exposed.clone_from(&batch.not_exposed);
        self.lacking.clone_from(&batch.lacking);
        self.dropped_series = batch.dropped_series;
        self.series = batch.values.len();
        self.lines += batch.lines.len() as u64 + batch.dropped_lines;
        self.dropped_lines += batch.dropped_lines;
    }

    fn note_failure(&mut self, failure: &FetchFailure, sent: At) {
        self.refused |= matches!(failure, FetchFailure::Refused);
        self.failures_in_a_row += 1;
        self.failing_since.get_or_insert(sent);
        self.failure = Some(failure.clone());
        let never_had = self.over_http && !self.decides_up && self.found_out.is_none();
        match (failure.says_no_such_path() && never_had, &mut self.unserved) {
            (true, Some((how, _))) => how.clone_from(failure),
            (true, unserved @ None) => *unserved = Some((failure.clone(), sent)),
            (false, unserved) => *unserved = None,
        }
        self.is_unserved = false;
    }

    /// By what this answer tells that the node was started again.
    fn restarted_by(&self, batch: &Batch) -> Option<Restart> {
        if let (Some(before), Some(now)) = (&self.version, &batch.told.version)
            && before != now
        {
            return Some(Restart::Version { before: Arc::clone(before), now: Arc::clone(now) });
        }
        let ended = |now: &LifeSign| self.life.iter().find(|before| before.ended(now));
        if let Some(sign) = batch.told.life.iter().find_map(ended) {
            return Some(sign.restart());
        }
        (self.refused && self.over_http && self.found_out.is_some()).then_some(Restart::Returned)
    }

    /// Forgets what was found out about the node before it was started again: what it is, what it has, and what it has
    /// not. Values keep the truth that their age gives them.
    pub fn forget(&mut self, at: At, restart: &Restart) {
        self.restarted = Some((at, restart.clone()));
        self.surfaces.clear();
        self.not_exposed.clear();
        self.life.clear();
        (self.version, self.is_own, self.found_out) = (None, None, None);
        (self.unserved, self.is_unserved, self.refused) = (None, false, false);
    }

    /// Whether the endpoint said that it has no such path, believed or not.
    pub(super) fn says_unserved(&self) -> bool {
        self.unserved.is_some()
    }

    /// Whether its last answer shows that the endpoint answers.
    pub(super) fn shows_life(&self) -> bool {
        self.over_http && self.failure.is_none() && self.last_ok.is_some() && !self.is_unserved
    }

    /// Takes it for *not exposed*, or for a failure, that the endpoint has no such path: as others of its reads answer
    /// or not.
    pub(super) fn settle(&mut self, others_answer: bool) {
        let Some((how, since)) = self.unserved.clone().filter(|_| self.is_unserved != others_answer) else { return };
        self.is_unserved = others_answer;
        self.not_exposed.clear();
        if others_answer {
            (self.failure, self.failing_since) = (None, None);
            self.not_exposed.extend(self.declares.iter().map(|name| Arc::from(name.as_str())));
        } else {
            (self.failure, self.failing_since) = (Some(how), Some(since));
        }
    }

    /// How the endpoint says that it has no such path, and since when that is known, where it is believed.
    #[must_use]
    pub fn unserved(&self) -> Option<&(FetchFailure, At)> {
        self.unserved.as_ref().filter(|_| self.is_unserved)
    }

    fn note_latency(&mut self, batch: &Batch) {
        let took = batch.failure.is_none().then_some(batch.took.as_secs_f64());
        let shares = self.latency_since.is_some_and(|since| batch.sent.boot.since(since) < LATENCY_SECONDS);
        match self.latencies.back_mut().filter(|_| shares) {
            // One answer that did not come is worth more than all that came.
            Some(newest) => *newest = newest.zip(took).map(|(most, took)| most.max(took)),
            None => {
                self.latency_since = Some(batch.sent.boot);
                self.latencies.push_back(took);
                let excess = self.latencies.len().saturating_sub(LATENCIES_KEPT);
                self.latencies.drain(..excess);
            }
        }
    }

    /// The truth of everything this source gives, at `now`.
    #[must_use]
    pub fn truth(&self, now: Boot) -> Truth {
        if let (Some(failure), Some(since)) = (&self.failure, self.failing_since) {
            return Truth::Failing { reason: failure.to_string(), since: since.boot };
        }
        if let Some(FetchFailure::NotRead { why }) = &self.failure {
            return Truth::NotRead { why: why.clone() };
        }
        if self.is_unserved {
            return Truth::NotExposed;
        }
        match self.last_ok {
            None => Truth::NeverPolled,
            // What was said of the past does not age.
            Some(_) if self.backfill.is_some() => Truth::Fresh,
            Some(at) if now > self.stale_at(at) => Truth::Stale { age: now.since(at.boot) },
            Some(_) => Truth::Fresh,
        }
    }

    /// Whether nobody will ever ask it: it is of a machine that the console does not run on, or of a server that the
    /// target does not name. What it gives is not read, which is no failure of the node.
    #[must_use]
    pub fn is_never_read(&self) -> bool {
        matches!(self.failure, Some(FetchFailure::NotRead { .. }))
    }

    /// Whether its last answer was known for one of another system, or of another endpoint.
    #[must_use]
    pub fn answers_as_another(&self) -> bool {
        matches!(self.failure, Some(FetchFailure::OtherSystem { .. }))
    }

    /// Names of series that its last answer did not have; all that it could give, where the node has no such path.
    /// Before it answered once nothing can be said of what the node has, whatever it was declared to give.
    #[must_use]
    pub fn lacks(&self) -> &[Arc<str>] {
        if self.last_ok.is_some() || self.is_unserved { &self.not_exposed } else { &[] }
    }

    /// When the truth next changes by the passing of time alone.
    #[must_use]
    pub fn wake(&self, now: Boot) -> Option<Boot> {
        if self.backfill.is_some() {
            return None;
        }
        if self.is_unserved {
            return None;
        }
        let at = self.stale_at(self.last_ok?);
        (self.failure.is_none() && at >= now).then(|| at.plus(Duration::from_millis(1)))
    }

    fn stale_at(&self, last_ok: At) -> Boot {
        last_ok.boot.plus(self.interval * STALE_AFTER_INTERVALS + self.timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Wall;
    use crate::model::Layout;

    #[test]
    fn a_late_poll_is_no_failure_and_makes_nothing_younger() {
        let second = Duration::from_secs(1);
        let mut state = SourceState::new("t/n/e/s".into(), "t".into(), String::new(), second, second);
        let at = |seconds: u64| At { boot: Boot(seconds * 1000), wall: Wall(seconds as i64 * 1000) };
        let nothing = Arc::new(Layout::new(Vec::new()));
        let late = FetchFailure::Late { budget: "reads".to_owned(), per_second: "4".to_owned(), waited: second };
        let batch = Batch::of("t/n/e/s".into(), at(1), second, nothing, []);
        state.note(&batch);
        state.note(&Batch::failed("t/n/e/s".into(), at(3), late.clone()));
        assert_eq!((state.truth(Boot(3_000)), state.failures_in_a_row), (Truth::Fresh, 0));
        assert_eq!(state.late, Some(late));
        assert_eq!(state.truth(Boot(9_000)), Truth::Stale { age: second * 8 });
        state.note(&Batch { sent: at(9), ..batch });
        assert_eq!((state.truth(Boot(9_000)), state.late), (Truth::Fresh, None));
    }

    #[test]
    fn the_last_answer_times_are_kept_and_missing_answers_are_gaps() {
        let second = Duration::from_secs(1);
        let mut state = SourceState::new("t/n/e/s".into(), "t".into(), String::new(), second, second);
        let nothing = Arc::new(Layout::new(Vec::new()));
        let mut poll = |at: u64, millis: u64, failure: Option<FetchFailure>| {
            let sent = At { boot: Boot(at * 1000), wall: Wall(at as i64 * 1000) };
            let took = Duration::from_millis(millis);
            let batch = Batch::of("t/n/e/s".into(), sent, took, Arc::clone(&nothing), []);
            state.note(&Batch { failure, ..batch });
            state.latencies.iter().copied().collect::<Vec<_>>()
        };
        assert_eq!(poll(0, 500, None), [Some(0.5)]);
        assert_eq!(poll(2, 900, None), [Some(0.9)]);
        assert_eq!(poll(4, 100, None), [Some(0.9)]);
        assert_eq!(poll(12, 200, None), [Some(0.9), Some(0.2)]);
        assert_eq!(poll(14, 0, Some(FetchFailure::Refused)), [Some(0.9), None]);
        assert_eq!((20..90).map(|n| poll(n * 10, 1, None).len()).last(), Some(LATENCIES_KEPT));
    }
}
