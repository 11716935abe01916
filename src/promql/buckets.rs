//! An expression over fixed time buckets: what a chart shows.
//!
//! A bucket begins and ends at whole multiples of its length on the wall clock, and its value is that of the expression
//! at its end. So a picture changes when a bucket closes, and at no other time; and only the new bucket is evaluated.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Expr;
use super::eval::{LOOKBACK, Matrix, Steps, evaluate_range_past};
use crate::base::Wall;
use crate::model::labels::SeriesSet;
use crate::model::{Labels, Scope, SeriesWindow, Store};

/// Lines that one chart draws; more are counted.
pub const MOST_LINES: usize = 8;
/// Buckets that one chart has.
pub const MOST_BUCKETS: usize = 180;
/// Buckets times series times minutes of range (one where there is none) that one chart may ask for, selector by
/// selector: it is drawn between two key presses.
pub const MOST_WORK: u64 = 2_000_000;

/// The lines of one expression, oldest bucket first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets {
    /// Length of a bucket.
    pub seconds: u32,
    /// How many buckets are kept.
    pub count: usize,
    /// The end of the newest closed bucket; nothing before the first evaluation.
    pub end: Option<Wall>,
    pub lines: Vec<Line>,
    /// Series of the newest bucket that have no line.
    pub left_out: usize,
    /// How many of the oldest buckets were read from one-minute roll-ups.
    pub rolled: usize,
    /// Why there is nothing to draw now.
    pub fault: Option<String>,
    /// Buckets evaluated so far, at most `count`: a line that comes late begins with gaps.
    evaluated: usize,
}

/// One series of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub labels: Arc<Labels>,
    /// `None` where nothing was measured.
    pub values: Vec<Option<f64>>,
}

/// What another evaluator gave over the same buckets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Charted {
    pub lines: Vec<Line>,
    pub left_out: usize,
}

impl Charted {
    /// The values of these series at the ends of `count` buckets, of which the last ends at `end`.
    #[must_use]
    pub fn of(series: &[SeriesWindow], seconds: u32, count: usize, end: Wall) -> Charted {
        let length = i64::from(seconds.max(1)) * 1000;
        let count = count.clamp(1, MOST_BUCKETS);
        let start = end.0.saturating_sub((count as i64 - 1) * length);
        let line = |series: &SeriesWindow| {
            let mut values = vec![None; count];
            for (at, value) in &series.samples {
                let place = usize::try_from((at.0.saturating_sub(start)).div_euclid(length)).ok();
                if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
                    // What is no number can not be drawn.
                    *slot = Some(*value).filter(|value| value.is_finite());
                }
            }
            Line { labels: Arc::clone(&series.labels), values }
        };
        let lines: Vec<Line> = series.iter().take(MOST_LINES).map(line).collect();
        Charted { lines, left_out: series.len().saturating_sub(MOST_LINES) }
    }
}

impl Buckets {
    /// Nothing yet. Both are at least one, and at most [`MOST_BUCKETS`] are kept.
    #[must_use]
    pub fn new(seconds: u32, count: usize) -> Buckets {
        Buckets { seconds: seconds.max(1), count: count.clamp(1, MOST_BUCKETS), ..Buckets::default() }
    }

    /// Takes over what another evaluator gave for the buckets up to `end`.
    pub fn take_over(&mut self, charted: Charted, end: Wall) {
        let Charted { mut lines, left_out } = charted;
        // A recording can hold anything.
        lines.iter_mut().for_each(|line| line.values.resize(self.count, None));
        lines.retain(|line| line.values.iter().any(Option::is_some));
        let evaluated = self.count;
        *self = Buckets { end: Some(end), lines, left_out, evaluated, ..Buckets::new(self.seconds, self.count) };
    }

    /// The end of the newest bucket that is closed now.
    #[must_use]
    pub fn newest_end(&self, now: Wall) -> Wall {
        self.boundary(now)
    }

    /// Forgets what was evaluated, because older samples came in.
    pub fn restart(&mut self) {
        *self = Buckets::new(self.seconds, self.count);
    }

    /// Whether a bucket has closed since the last evaluation.
    #[must_use]
    pub fn is_due(&self, now: Wall) -> bool {
        self.end.is_none_or(|end| end != self.boundary(now))
    }

    fn boundary(&self, now: Wall) -> Wall {
        let length = i64::from(self.seconds.max(1)) * 1000;
        Wall(now.0.div_euclid(length) * length)
    }

    /// Evaluates the buckets that have closed since the last time, all of them the first time and after the clock was
    /// set back.
    pub fn extend(&mut self, expr: &Expr, store: &Store, scope: &Scope, now: Wall) {
        let length = i64::from(self.seconds.max(1)) * 1000;
        let newest = self.boundary(now);
        let closed = match self.end {
            Some(end) if end == newest => return,
            // Nothing to go on from: what was refused or empty before may not be now.
            // What is fixed to the ends of the query has other values now at every bucket.
            Some(end) if end < newest && !self.lines.is_empty() && !expr.source().contains('@') => {
                usize::try_from((newest.0 - end.0) / length).unwrap_or(self.count)
            }
            Some(_) | None => {
                self.lines.clear();
                self.evaluated = 0;
                self.count
            }
        }
        .min(self.count);
        self.end = Some(newest);
        self.fault = None;
        self.left_out = 0;
        if let Err(why) = self.bounded(expr, store, scope, newest) {
            self.lines.clear();
            self.fault = Some(why);
            return;
        }
        let oldest = Wall(newest.0 - (closed.saturating_sub(1)) as i64 * length);
        let steps = Steps::between(oldest, newest, length);
        match evaluate_range_past(expr, store, scope, steps) {
            Ok(answer) => self.left_out = self.append(steps, answer),
            Err(error) => {
                self.lines.clear();
                self.fault = Some(error.to_string());
            }
        }
        self.lines.retain(|line| line.values.iter().any(Option::is_some));
        self.rolled = self.rolled_up(expr, store, scope);
    }

    fn bounded(&self, expr: &Expr, store: &Store, scope: &Scope, at: Wall) -> Result<(), String> {
        for selector in expr.selectors() {
            let newest = store.newest(scope, &selector.matchers, at, LOOKBACK);
            // Two sources may give one series.
            let series: SeriesSet = newest.iter().flat_map(|part| part.samples()).map(|(one, _)| one.clone()).collect();
            let series = series.len() as u64;
            let minutes = 1 + selector.range.unwrap_or_default().as_secs() / 60;
            let each = (self.count as u64).saturating_mul(minutes);
            if series.max(1).saturating_mul(each) > MOST_WORK {
                return Err(match MOST_WORK / each.max(1) {
                    0 => "its range is too long for a chart of this many columns: shorten it".to_owned(),
                    most => {
                        format!("it selects {series} series and a chart reads at most {most}: narrow it with labels")
                    }
                });
            }
        }
        Ok(())
    }

    /// Appends these steps to every line; returns how many series found no line.
    fn append(&mut self, steps: Steps, answer: Matrix) -> usize {
        let before = self.evaluated;
        self.evaluated = (before + steps.count).min(self.count);
        self.lines.iter_mut().for_each(|line| line.values.resize(before + steps.count, None));
        let mut left_out = 0;
        for SeriesWindow { labels, samples } in answer.series {
            let known = self.lines.iter().position(|line| line.labels == labels);
            if known.is_none() && self.lines.len() >= MOST_LINES {
                left_out += usize::from(samples.last().is_some_and(|(at, _)| *at == steps.last()));
                continue;
            }
            let place = known.unwrap_or_else(|| {
                self.lines.push(Line { labels, values: vec![None; before + steps.count] });
                self.lines.len() - 1
            });
            for (at, value) in samples {
                let step = usize::try_from((at.0 - steps.start.0) / steps.step_millis).unwrap_or(0);
                if let Some(cell) = self.lines[place].values.get_mut(before + step) {
                    *cell = Some(value);
                }
            }
        }
        for line in &mut self.lines {
            let excess = line.values.len().saturating_sub(self.evaluated);
            line.values.drain(..excess);
        }
        left_out
    }

    /// Leaves gaps where nothing was measured any more.
    pub fn forget_after(&mut self, until: Wall) {
        let Some(end) = self.end else { return };
        let length = i64::from(self.seconds.max(1)) * 1000;
        let after = (end.0 - until.0 + length - 1).div_euclid(length).max(0);
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        for line in &mut self.lines {
            line.values.iter_mut().rev().take(after).for_each(|value| *value = None);
        }
    }

    fn rolled_up(&self, expr: &Expr, store: &Store, scope: &Scope) -> usize {
        let (Some(end), Some(since)) = (self.end, store.raw_since(scope, expr.names().iter().map(|name| &**name)))
        else {
            return 0;
        };
        let shown = self.lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
        let raw = end.since(since).as_secs() / u64::from(self.seconds.max(1)) + 1;
        let raw = usize::try_from(raw).unwrap_or(usize::MAX);
        let older = shown.saturating_sub(raw);
        let read = |line: &Line| line.values.iter().take(older).any(Option::is_some);
        if self.lines.iter().any(read) { older } else { 0 }
    }

    /// The time that the buckets cover.
    #[must_use]
    pub fn covered(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds)) * u32::try_from(self.count).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;

    fn extended(world: &World, buckets: &mut Buckets, source: &str, second: i64) {
        let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        buckets.extend(&expr, &world.store, &Scope::Fleet, world.at(second).wall);
    }

    fn values(buckets: &Buckets, line: usize) -> Vec<Option<f64>> {
        buckets.lines[line].values.clone()
    }

    #[test]
    fn buckets_close_on_the_wall_clock_and_only_then_change() {
        let mut world = World::new(&["a/e/s"]);
        let start = world.at(0).wall.0.rem_euclid(10_000);
        let aligned = (10_000 - start) % 10_000 / 1000;
        for second in 0..=60 {
            world.row("a/e/s", second, &[("x", second as f64)]);
        }
        let mut buckets = Buckets::new(10, 3);
        extended(&world, &mut buckets, "x", aligned + 45);
        assert_eq!(values(&buckets, 0), [20, 30, 40].map(|second| Some((aligned + second) as f64)));
        let before = buckets.clone();
        assert!(!buckets.is_due(world.at(aligned + 49).wall));
        extended(&world, &mut buckets, "x", aligned + 49);
        assert_eq!(buckets, before);
        extended(&world, &mut buckets, "x", aligned + 50);
        assert_eq!(values(&buckets, 0), [30, 40, 50].map(|second| Some((aligned + second) as f64)));
        let mut whole = Buckets::new(10, 3);
        extended(&world, &mut whole, "x", aligned + 50);
        assert_eq!(whole, buckets, "bucket by bucket and all at once are the same");
    }

    #[test]
    fn what_was_not_measured_any_more_is_a_gap() {
        let mut world = World::new(&["a/e/s"]);
        (0..=60).for_each(|second| world.row("a/e/s", second, &[("x", 1.0)]));
        let mut buckets = Buckets::new(1, 5);
        extended(&world, &mut buckets, "x", 60);
        buckets.forget_after(world.at(58).wall);
        assert_eq!(values(&buckets, 0), [Some(1.0), Some(1.0), Some(1.0), None, None]);
        buckets.forget_after(Wall(0));
        assert_eq!(values(&buckets, 0), [None; 5]);
    }

    #[test]
    fn lines_come_and_go_and_those_without_one_are_counted() {
        let mut world = World::new(&["a/e/s"]);
        let names: Vec<String> = (0..11).map(|n| format!("x{{n={n}}}")).collect();
        let many: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
        world.row("a/e/s", 0, &many[..2]);
        world.row("a/e/s", 10, &many[1..]);
        world.row("a/e/s", 20, &many[1..]);
        let mut buckets = Buckets::new(1, 15);
        extended(&world, &mut buckets, "x", 21);
        assert_eq!((buckets.lines.len(), buckets.left_out), (MOST_LINES, 3));
        assert_eq!(buckets.lines[0].values.last(), Some(&None));
        let mut short = Buckets::new(1, 5);
        extended(&world, &mut short, "x", 21);
        assert!(short.lines.iter().all(|line| line.values.iter().any(Option::is_some)));
    }

    #[test]
    fn what_is_too_much_is_refused_with_what_would_do() {
        let mut world = World::new(&["a/e/s"]);
        let names: Vec<String> = (0..1_200).map(|n| format!("x{{n={n}}}")).collect();
        let many: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
        world.row("a/e/s", 0, &many);
        let check = |source: &str, want: &str| {
            let mut buckets = Buckets::new(5, MOST_BUCKETS);
            extended(&world, &mut buckets, source, 5);
            assert!(buckets.lines.is_empty());
            assert_eq!(buckets.fault.as_deref(), Some(want), "{source}");
        };
        check("rate(x[10m])", "it selects 1200 series and a chart reads at most 1010: narrow it with labels");
        check("rate(x[30d])", "its range is too long for a chart of this many columns: shorten it");
        let mut buckets = Buckets::new(5, 10);
        extended(&world, &mut buckets, "1 + 1", 5);
        assert_eq!((buckets.lines.len(), values(&buckets, 0)), (1, vec![Some(2.0); 10]));
    }
}
