//! One value and how it lives from a second to the next.

use std::collections::VecDeque;

use serde_json::Value;

use super::spec::{CounterSpec, Does, GaugeSpec, HistogramSpec, KindSpec, StateSpec, TimeSpec, WalkSpec};
use crate::sim::random::Random;

/// Observations of one second beyond which the rest are as those before.
const MOST_OBSERVATIONS: u64 = 500;

/// A value, alive.
#[derive(Clone, Debug)]
pub struct Cell {
    pub now: Now,
    /// Its own, so that what happens to one value leaves all others as they were.
    random: Random,
    /// When the next thing happens to it, where things happen to it.
    next: i64,
    /// What a frozen value was that is computed anew otherwise.
    pub held: Option<Value>,
}

/// What it is now.
#[derive(Clone, Debug)]
pub enum Now {
    Number(f64),
    Histogram(Counts),
    /// Which of the words.
    Word(usize),
    /// Milliseconds since the epoch.
    Moment(i64),
    /// Looked at when it is asked for.
    Computed,
}

/// What a histogram has counted.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Per bucket, not added up; the last is of what is above all bounds.
    pub buckets: Vec<u64>,
    pub count: u64,
    pub sum: f64,
    /// The observations, where the oldest are forgotten.
    seen: VecDeque<f64>,
}

/// What faults do to a value, all together.
#[derive(Clone, Debug, PartialEq)]
pub struct Sway {
    pub frozen: bool,
    pub rate: f64,
    pub per_second: Option<f64>,
    pub set: Option<Value>,
    /// Added to a gauge for as long as it lasts.
    pub offset: f64,
    pub null: bool,
    pub dropped: bool,
    pub slower: f64,
    pub behind: u64,
}

impl Default for Sway {
    fn default() -> Sway {
        Sway {
            frozen: false,
            rate: 1.0,
            per_second: None,
            set: None,
            offset: 0.0,
            null: false,
            dropped: false,
            slower: 1.0,
            behind: 0,
        }
    }
}

impl Sway {
    /// Adds what one fault does.
    pub fn add(&mut self, does: &Does) {
        match does {
            Does::Freeze => self.frozen = true,
            Does::Rate(by) => self.rate *= by,
            Does::PerSecond(rate) => self.per_second = Some(*rate),
            Does::Set(value) => self.set = Some(value.clone()),
            Does::Step(by) => self.offset += by,
            Does::Null => self.null = true,
            Does::Drop => self.dropped = true,
            Does::Slower(by) => self.slower *= by,
            Does::Behind(blocks) => self.behind = self.behind.max(*blocks),
        }
    }
}

/// What a second brings to every value.
#[derive(Clone, Copy, Debug)]
pub struct Second {
    pub at: i64,
    /// When the world began.
    pub start: i64,
    /// How the series compares with its variable.
    pub times: f64,
    /// The height that a height follows.
    pub head: u64,
}

impl Cell {
    /// As it is when the world begins.
    pub fn new(kind: &KindSpec, mut random: Random, start: i64, times: f64) -> Cell {
        let (mut now, mut next) = (Now::Computed, i64::MAX);
        match kind {
            KindSpec::Counter(counter) => now = Now::Number((counter.start * times).trunc()),
            KindSpec::Gauge(gauge) => now = Now::Number(gauge.around * times),
            KindSpec::Walk(walk) => now = Now::Number(walk.start),
            KindSpec::Histogram(histogram) => now = Now::Histogram(Counts::of(histogram)),
            KindSpec::Height(height) => now = Now::Number(height.start as f64),
            KindSpec::State(state) => {
                now = Now::Word(0);
                next = state.changes_every_seconds.map_or(next, |seconds| start + millis(seconds));
            }
            KindSpec::Time(time) => {
                now = Now::Moment(start - millis(time.age_seconds));
                next = time.every_seconds.map_or(next, |seconds| start + millis(seconds * random.share()));
            }
            KindSpec::Hash(_) | KindSpec::Flag(_) | KindSpec::Uptime | KindSpec::Of(_) => {}
        }
        Cell { now, random, next, held: None }
    }

    /// Lives through a second.
    pub fn live(&mut self, kind: &KindSpec, second: Second, sway: &Sway) {
        if sway.frozen {
            // What happens again and again does not make up for what it missed.
            self.next = self.next.max(second.at);
            return;
        }
        match (kind, &mut self.now) {
            (KindSpec::Counter(spec), Now::Number(value)) => *value += self.random.growth(spec, second.times, sway),
            (KindSpec::Gauge(spec), Now::Number(value)) => *value = self.random.gauge(spec, second, sway),
            (KindSpec::Walk(spec), Now::Number(value)) => *value = self.random.walk(spec, *value),
            (KindSpec::Height(spec), Now::Number(value)) => {
                let lag = if spec.trails == 0 { 0 } else { self.random.below(spec.trails + 1) };
                let follows = second.head.saturating_sub(lag.max(sway.behind));
                *value = value.max(follows as f64);
            }
            (KindSpec::Histogram(spec), Now::Histogram(counts)) => {
                counts.observe(spec, &mut self.random, second.times, sway);
            }
            (KindSpec::State(spec), Now::Word(word)) if second.at >= self.next => {
                *word = usize::try_from(self.random.below(spec.of.len() as u64)).unwrap_or(0);
                self.next = second.at + spec.every();
            }
            (KindSpec::Time(spec), Now::Moment(moment)) if second.at >= self.next => {
                *moment = second.at;
                self.next = second.at + self.random.pause(spec, sway);
            }
            _unmoved => {}
        }
    }

    /// The unit came up: what its process counted is gone.
    pub fn restart(&mut self, kind: &KindSpec) {
        match kind {
            KindSpec::Counter(spec) if !spec.kept => self.now = Now::Number(0.0),
            KindSpec::Histogram(spec) => self.now = Now::Histogram(Counts::of(spec)),
            KindSpec::Counter(_)
            | KindSpec::Gauge(_)
            | KindSpec::Walk(_)
            | KindSpec::Height(_)
            | KindSpec::Hash(_)
            | KindSpec::State(_)
            | KindSpec::Flag(_)
            | KindSpec::Time(_)
            | KindSpec::Uptime
            | KindSpec::Of(_) => {}
        }
    }

    /// A fault began that adds so much at once. Of a gauge it adds for as long as it lasts, and not here.
    pub fn step(&mut self, kind: &KindSpec, by: f64) {
        if let (KindSpec::Counter(_) | KindSpec::Walk(_) | KindSpec::Height(_), Now::Number(value)) =
            (kind, &mut self.now)
        {
            *value += by;
        }
    }
}

impl Random {
    fn growth(&mut self, spec: &CounterSpec, times: f64, sway: &Sway) -> f64 {
        let rate = sway.per_second.unwrap_or(spec.per_second * times) * sway.rate;
        let amount = (rate * (1.0 + spec.jitter * self.either_side())).max(0.0);
        let rest = self.happens(amount.fract());
        if spec.whole { amount.trunc() + f64::from(u8::from(rest)) } else { amount }
    }

    fn gauge(&mut self, spec: &GaugeSpec, second: Second, sway: &Sway) -> f64 {
        let middle = spec.around * second.times * sway.rate;
        let turns = (second.at - second.start) as f64 / 1000.0 / spec.period_seconds.max(1.0);
        let noise = self.either_side();
        let wobble = spec.wobble * (0.6 * (std::f64::consts::TAU * turns).sin() + 0.4 * noise);
        let bounded = (middle + sway.offset + wobble).max(spec.least.unwrap_or(f64::NEG_INFINITY));
        rounded(bounded.min(spec.most.unwrap_or(f64::INFINITY)), spec.decimals)
    }

    fn walk(&mut self, spec: &WalkSpec, value: f64) -> f64 {
        (value + spec.step * self.either_side()).max(spec.least).min(spec.most)
    }

    /// Milliseconds until it happens again.
    fn pause(&mut self, spec: &TimeSpec, sway: &Sway) -> i64 {
        let Some(seconds) = spec.every_seconds else { return i64::MAX / 2 };
        millis(seconds / sway.rate.max(1e-9) * (1.0 + spec.jitter * self.either_side()))
    }
}

impl StateSpec {
    fn every(&self) -> i64 {
        self.changes_every_seconds.map_or(i64::MAX / 2, millis)
    }
}

impl Counts {
    fn of(spec: &HistogramSpec) -> Counts {
        Counts { buckets: vec![0; spec.buckets.len() + 1], ..Counts::default() }
    }

    fn observe(&mut self, spec: &HistogramSpec, random: &mut Random, times: f64, sway: &Sway) {
        let rate = sway.per_second.unwrap_or(spec.per_second * times) * sway.rate;
        let many = rate.max(0.0);
        let count = many.trunc() as u64 + u64::from(random.happens(many.fract()));
        let played = count.min(MOST_OBSERVATIONS);
        for nth in 0..played {
            // Those that are too many to be played each are as the first of them.
            let alike = if nth == 0 { count - played + 1 } else { 1 };
            let observed = spec.median * sway.slower * spec.spread.max(1.0).powf(random.bell());
            self.count_in(spec, if spec.whole { observed.round() } else { observed }, alike);
        }
        if let Some(window) = &spec.window
            && self.seen.len() > window.most
        {
            for _ in 0..window.forgets.min(self.seen.len()) {
                if let Some(old) = self.seen.pop_front() {
                    let bucket = bucket_of(spec, old);
                    self.buckets[bucket] = self.buckets[bucket].saturating_sub(1);
                    self.count = self.count.saturating_sub(1);
                    self.sum -= old;
                }
            }
        }
    }

    fn count_in(&mut self, spec: &HistogramSpec, observed: f64, alike: u64) {
        self.buckets[bucket_of(spec, observed)] += alike;
        self.count += alike;
        self.sum += observed * alike as f64;
        if spec.window.is_some() {
            self.seen.extend(std::iter::repeat_n(observed, usize::try_from(alike).unwrap_or(0)));
        }
    }

    /// The value below which this share of the observations is, as `histogram_quantile` would say; nothing where there
    /// are none.
    pub fn quantile(&self, spec: &HistogramSpec, share: f64) -> Option<f64> {
        let wanted = share * self.count as f64;
        let (mut below, mut low) = (0, 0.0);
        for (bound, count) in spec.buckets.iter().zip(&self.buckets) {
            if *count > 0 && (below + count) as f64 >= wanted {
                return Some(low + (bound - low) * (wanted - below as f64) / *count as f64);
            }
            below += count;
            low = *bound;
        }
        (self.count > 0).then_some(low)
    }
}

fn bucket_of(spec: &HistogramSpec, observed: f64) -> usize {
    spec.buckets.partition_point(|bound| *bound < observed)
}

pub(super) fn rounded(value: f64, decimals: u32) -> f64 {
    let scale = 10_f64.powi(i32::try_from(decimals).unwrap_or(0));
    (value * scale).round() / scale
}

pub(super) fn millis(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}
