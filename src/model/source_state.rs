//! The truth about one source: when it last answered, what it said of itself, why it does not answer now.

use std::sync::Arc;
use std::time::Duration;

use super::{Batch, FetchFailure, Truth};
use crate::base::{At, Boot, SourceId, TargetId};

/// How often a source may be late before its values are called stale.
const STALE_AFTER_INTERVALS: u32 = 3;

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
    pub polls: u64,
    pub took: Duration,
    pub next_try: Option<Boot>,
    pub clock_skew_seconds: Option<f64>,
    pub surfaces: Vec<Arc<str>>,
    pub not_exposed: Vec<Arc<str>>,
    pub dropped_series: u64,
    pub series: usize,
    /// Names of the series that its kind says it can give, where it can say.
    pub declares: Vec<String>,
    /// Whether this source gives lines of a log.
    pub gives_lines: bool,
    /// Lines that came, and how many of them were not kept because they came too fast.
    pub lines: u64,
    pub dropped_lines: u64,
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
            polls: 0,
            took: Duration::ZERO,
            next_try: None,
            clock_skew_seconds: None,
            surfaces: Vec::new(),
            not_exposed: Vec::new(),
            dropped_series: 0,
            series: 0,
            declares: Vec::new(),
            gives_lines: false,
            lines: 0,
            dropped_lines: 0,
        }
    }

    /// Takes over what a poll of this source brought.
    pub fn note(&mut self, batch: &Batch) {
        self.polls += 1;
        self.took = batch.took;
        if let Some(not_read @ FetchFailure::NotRead { .. }) = &batch.failure {
            self.failure = Some(not_read.clone());
            self.not_exposed.clone_from(&batch.not_exposed);
            return;
        }
        if let Some(failure) = &batch.failure {
            self.failures_in_a_row += 1;
            self.failing_since.get_or_insert(batch.sent);
            self.failure = Some(failure.clone());
            return;
        }
        self.failures_in_a_row = 0;
        self.failing_since = None;
        self.failure = None;
        self.last_ok = Some(batch.sent);
        self.clock_skew_seconds = batch.clock_skew_seconds;
        self.surfaces.clone_from(&batch.surfaces);
        self.not_exposed.clone_from(&batch.not_exposed);
        self.dropped_series = batch.dropped_series;
        self.series = batch.values.len();
        self.lines += batch.lines.len() as u64 + batch.dropped_lines;
        self.dropped_lines += batch.dropped_lines;
    }

    /// The truth of everything this source gives, at `now`.
    #[must_use]
    pub fn truth(&self, now: Boot) -> Truth {
        if let (Some(failure), Some(since)) = (&self.failure, self.failing_since) {
            return Truth::Failing { reason: failure.to_string(), since: since.boot };
        }
        if self.is_never_read() {
            return Truth::NotExposed;
        }
        match self.last_ok {
            None => Truth::NeverPolled,
            Some(at) if now > self.stale_at(at) => Truth::Stale { age: now.since(at.boot) },
            Some(_) => Truth::Fresh,
        }
    }

    /// Whether nobody will ever ask it: it is of a machine that the console does not run on. What it gives is not
    /// exposed here, which is no failure of the node.
    #[must_use]
    pub fn is_never_read(&self) -> bool {
        matches!(self.failure, Some(FetchFailure::NotRead { .. }))
    }

    /// When the truth next changes by the passing of time alone.
    #[must_use]
    pub fn wake(&self, now: Boot) -> Option<Boot> {
        let at = self.stale_at(self.last_ok?);
        (self.failure.is_none() && at >= now).then(|| at.plus(Duration::from_millis(1)))
    }

    fn stale_at(&self, last_ok: At) -> Boot {
        last_ok.boot.plus(self.interval * STALE_AFTER_INTERVALS + self.timeout)
    }
}
