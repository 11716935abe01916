//! When a source is read next, and how many reads a target may be asked for. Pure: time is an argument.
//!
//! A schedule has no memory of polls that did not happen, so that nothing is caught up after the machine slept.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use super::Source;
use crate::base::{Boot, SourceId};

/// How far a poll may be away from its regular time, as a part of the interval.
const JITTER: f64 = 0.05;

/// The time over which first polls are spread.
const FIRST_WITHIN: Duration = Duration::from_secs(1);

/// Longest wait after failures, where the interval is not longer still.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// So many intervals after a failure at most it is asked again: what was cured is soon seen to be.
const BACKOFF_INTERVALS: f64 = 2.5;

/// So many times as long as a failure took at least is waited, where it does not decide whether its node is up: what
/// hangs until its time is over must not take the turns of what answers.
const BACKOFF_OF_COST: u32 = 8;

/// Reads of one target that may be under way at the same time.
pub const MOST_IN_FLIGHT: usize = 2;

/// Slowest rate that a target may be given, in requests per second.
const SLOWEST_RATE: f64 = 0.01;

/// The rhythm of one source.
#[derive(Clone, Debug)]
pub struct Schedule {
    seed: u64,
    interval: Duration,
    /// The shortest time from the start of one poll to the start of the next, whoever asks.
    least: Duration,
    at_once: bool,
    polls: u64,
    failures: u32,
}

impl Schedule {
    #[must_use]
    pub fn of(source: &Source) -> Schedule {
        let least = source.bound.spec.kind.least_interval();
        let schedule = Schedule::new(&source.bound.id, source.interval().max(least), source.bound.spec.decides_up);
        Schedule { least, ..schedule }
    }

    /// `at_once` for a source that says whether its node is up.
    #[must_use]
    pub fn new(id: &SourceId, interval: Duration, at_once: bool) -> Schedule {
        let mut hasher = DefaultHasher::new();
        id.as_str().hash(&mut hasher);
        Schedule { seed: hasher.finish(), interval, least: Duration::ZERO, at_once, polls: 0, failures: 0 }
    }

    /// How long after the start of the console the first poll comes.
    #[must_use]
    pub fn first(&self) -> Duration {
        if self.at_once { Duration::ZERO } else { FIRST_WITHIN.mul_f64(self.chance()) }
    }

    /// How long after the end of a poll that `took` this long the next one comes. The rhythm runs from start to start;
    /// between the end of one and the start of the next lies at least half of it, so that a slow node gets its rest.
    /// After failures the rhythm doubles with each, up to [`BACKOFF_INTERVALS`], or what the failures cost, or a minute,
    /// and is never faster than the interval.
    pub fn next(&mut self, failed: bool, took: Duration) -> Duration {
        self.polls += 1;
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        let away = 1.0 + JITTER * (2.0 * self.chance() - 1.0);
        let planned = match self.failures {
            0 => self.interval.mul_f64(away),
            failures => {
                // The first retry comes at the usual time: one failure is often a restart.
                let doubled = self.interval.saturating_mul(1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX));
                let cost = if self.at_once { Duration::ZERO } else { took.saturating_mul(BACKOFF_OF_COST) };
                let bound = self.interval.mul_f64(BACKOFF_INTERVALS).max(cost);
                doubled.min(bound).min(LONGEST_BACKOFF.max(self.interval)).mul_f64(away).max(self.interval)
            }
        };
        planned.saturating_sub(took).max(planned / 2).max(self.rest(took))
    }

    /// How long after the end of a poll that `took` this long the next one may come at the earliest, even where
    /// somebody asks for it.
    #[must_use]
    pub fn rest(&self, took: Duration) -> Duration {
        self.least.saturating_sub(took)
    }

    /// A number in 0..1 that depends on the source and on how often it was polled, and on nothing else.
    fn chance(&self) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, self.polls).hash(&mut hasher);
        // 53 bits fill a float's mantissa exactly.
        (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A target's rate: a bucket that holds the requests of one second and fills at the stated rate.
#[derive(Clone, Debug)]
pub struct Budget {
    per_second: f64,
    tokens: f64,
    at: Boot,
}

impl Budget {
    #[must_use]
    pub fn new(requests_per_second: f64, now: Boot) -> Budget {
        let per_second =
            if requests_per_second.is_finite() { requests_per_second.max(SLOWEST_RATE) } else { SLOWEST_RATE };
        Budget { per_second, tokens: per_second.max(1.0), at: now }
    }

    /// Takes one request from the budget, and says how long it has to wait for its turn. Turns are given in the order
    /// of the calls.
    pub fn reserve(&mut self, now: Boot) -> Duration {
        let filled = now.since(self.at).as_secs_f64() * self.per_second;
        self.tokens = (self.tokens + filled).min(self.per_second.max(1.0)) - 1.0;
        self.at = self.at.max(now);
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(-self.tokens / self.per_second).unwrap_or(LONGEST_BACKOFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule(interval: Duration) -> Schedule {
        Schedule::new(&"t/n/e/s".into(), interval, false)
    }

    #[test]
    fn polls_stay_near_their_rhythm_and_away_from_each_other() {
        let mut one = schedule(SECOND * 2);
        let waits: Vec<Duration> = (0..100).map(|_| one.next(false, Duration::ZERO)).collect();
        assert!(waits.iter().all(|wait| (1.9..=2.1).contains(&wait.as_secs_f64())), "{waits:?}");
        assert!(waits.windows(2).any(|pair| pair[0] != pair[1]));
        let mut same = schedule(SECOND * 2);
        let again: Vec<Duration> = (0..100).map(|_| same.next(false, Duration::ZERO)).collect();
        assert_eq!(waits, again, "the rhythm depends on nothing but the source");
        let mut other = Schedule::new(&"t/n/e/other".into(), SECOND * 2, false);
        assert_ne!(waits[0], other.next(false, Duration::ZERO));
    }

    #[test]
    fn what_starts_a_program_keeps_its_rest() {
        let mut program = Schedule { least: SECOND * 10, ..schedule(SECOND * 10) };
        for took in [Duration::ZERO, SECOND, SECOND * 6, SECOND * 60] {
            assert!(program.next(false, took) + took >= SECOND * 10, "{took:?}");
            assert!(program.rest(took) + took >= SECOND * 10, "{took:?}");
        }
        assert_eq!(schedule(SECOND).rest(Duration::ZERO), Duration::ZERO, "a request may come at once");
    }

    #[test]
    fn first_polls_are_spread_but_not_those_that_decide_up() {
        assert_eq!(Schedule::new(&"t/n/e/health".into(), SECOND, true).first(), Duration::ZERO);
        let firsts: Vec<Duration> =
            (0..20).map(|n| Schedule::new(&format!("t/n/e/{n}").as_str().into(), SECOND, false).first()).collect();
        assert!(firsts.iter().all(|first| *first < SECOND));
        assert!(firsts.iter().max() > firsts.iter().min());
    }

    #[test]
    fn failures_double_the_wait_up_to_a_bound_and_success_ends_it() {
        let check = |interval: u64, took: u64, failures: u32, from: f64, to: f64| {
            let (mut schedule, took) = (schedule(Duration::from_secs(interval)), Duration::from_secs(took));
            let mut wait = Duration::ZERO;
            (0..failures).for_each(|_| wait = schedule.next(true, took) + took);
            assert!((from..=to).contains(&wait.as_secs_f64()), "{interval} s, {failures} failures: {wait:?}");
            let after = schedule.next(false, Duration::ZERO).as_secs_f64();
            assert!((after / interval as f64 - 1.0).abs() <= 0.051);
        };
        check(2, 0, 1, 2.0, 2.1);
        check(2, 0, 2, 3.8, 4.2);
        check(2, 0, 4, 4.75, 5.25);
        check(2, 0, 4_000, 4.75, 5.25);
        // What was cured is seen in time.
        check(5, 0, 50, 11.8, 13.2);
        check(60, 0, 50, 60.0, 63.0);
        check(300, 0, 1, 300.0, 315.0);
        check(300, 0, 50, 300.0, 315.0);
        // What hangs is asked the more seldom, the longer it hangs.
        check(5, 3, 50, 22.8, 25.2);
        check(5, 20, 50, 57.0, 63.0);
    }

    #[test]
    fn what_decides_whether_a_node_is_up_is_asked_soon_however_it_fails() {
        let mut schedule = Schedule::new(&"t/n/e/health".into(), SECOND * 5, true);
        let waits: Vec<Duration> = (0..9).map(|_| schedule.next(true, SECOND * 3) + SECOND * 3).collect();
        assert!(waits.iter().all(|wait| *wait < SECOND * 14), "{waits:?}");
    }

    #[test]
    fn a_slow_answer_shortens_the_wait_but_leaves_a_rest() {
        let mut schedule = schedule(SECOND * 2);
        let wait = schedule.next(false, SECOND / 2).as_secs_f64();
        assert!((1.4..=1.6).contains(&wait), "{wait}");
        let wait = schedule.next(false, SECOND * 9).as_secs_f64();
        assert!((0.95..=1.05).contains(&wait), "{wait}");
    }

    #[test]
    fn a_budget_gives_turns_in_order_at_its_rate() {
        let mut budget = Budget::new(2.0, Boot(0));
        let mut reserve = |millis| budget.reserve(Boot(millis)).as_millis();
        assert_eq!((reserve(0), reserve(0), reserve(0), reserve(0)), (0, 0, 500, 1000));
        assert_eq!(reserve(1000), 500, "a second has paid for two of three");
        assert_eq!(reserve(60_000), 0);
        assert_eq!(reserve(60_000), 0);
        assert_eq!(reserve(60_000), 500, "a minute of silence saves up one second's requests, not sixty");
    }

    #[test]
    fn a_senseless_rate_is_slow_and_not_endless() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut budget = Budget::new(rate, Boot(0));
            assert_eq!(budget.reserve(Boot(0)), Duration::ZERO);
            assert_eq!(budget.reserve(Boot(0)), Duration::from_secs(100), "{rate}");
        }
    }
}
