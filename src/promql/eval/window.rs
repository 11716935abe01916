//! The samples of one series within one range, and what is computed of them.

use super::super::dialect::Dialect;
use super::super::node::RangeFunction;
use super::rate;
use crate::base::Wall;

/// Samples oldest first, all there; `from` and `to` are the ends of the range, `now` the step that asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window<'a> {
    pub times: &'a [Wall],
    pub values: &'a [f64],
    pub from: Wall,
    pub to: Wall,
    pub now: Wall,
    pub dialect: Dialect,
}

impl Window<'_> {
    /// The value of a function; nothing where it has none for so few samples. `numbers` are its further arguments.
    pub(super) fn over(&self, function: RangeFunction, numbers: &[f64]) -> Option<f64> {
        if self.values.len() < function.needs_samples() {
            return None;
        }
        let count = self.values.len() as f64;
        let first = self.values[0];
        let number = |at: usize| numbers.get(at).copied().unwrap_or(f64::NAN);
        Some(match function {
            RangeFunction::Rate | RangeFunction::Increase | RangeFunction::Delta => rate::over(function, self)?,
            RangeFunction::Irate => self.of_last_two(true)?,
            RangeFunction::Idelta => self.of_last_two(false)?,
            RangeFunction::Deriv => self.line(self.times[0]).0,
            RangeFunction::PredictLinear => {
                let (slope, intercept) = self.line(self.now);
                slope * number(0) + intercept
            }
            RangeFunction::DoubleExponentialSmoothing => smoothed(self.values, number(0), number(1)),
            RangeFunction::Changes => {
                let differ = |pair: &&[f64]| pair[0] != pair[1] && !(pair[0].is_nan() && pair[1].is_nan());
                self.values.windows(2).filter(differ).count() as f64
            }
            RangeFunction::Resets => self.values.windows(2).filter(|pair| pair[1] < pair[0]).count() as f64,
            RangeFunction::AvgOverTime => mean(self.values),
            RangeFunction::SumOverTime => sum(self.values.iter().copied()),
            RangeFunction::CountOverTime => count,
            RangeFunction::MinOverTime => self
                .values
                .iter()
                .fold(first, |least, value| if *value < least || least.is_nan() { *value } else { least }),
            RangeFunction::MaxOverTime => {
                self.values.iter().fold(first, |most, value| if *value > most || most.is_nan() { *value } else { most })
            }
            RangeFunction::LastOverTime => self.values[self.values.len() - 1],
            RangeFunction::PresentOverTime => 1.0,
            RangeFunction::QuantileOverTime => quantile(number(0), &mut self.values.to_vec()),
            RangeFunction::StddevOverTime => variance(self.values).sqrt(),
            RangeFunction::StdvarOverTime => variance(self.values),
            RangeFunction::MadOverTime => {
                let median = quantile(0.5, &mut self.values.to_vec());
                let mut away: Vec<f64> = self.values.iter().map(|value| (value - median).abs()).collect();
                quantile(0.5, &mut away)
            }
        })
    }

    /// `irate` and `idelta`: only the last two samples count.
    fn of_last_two(&self, per_second: bool) -> Option<f64> {
        let [.., before, last] = *self.values else { return None };
        let [.., before_at, last_at] = *self.times else { return None };
        let seconds = (last_at.0 - before_at.0) as f64 / 1000.0;
        if seconds == 0.0 {
            return None;
        }
        match per_second {
            // A counter that fell began again from zero.
            true if last < before => Some(last / seconds),
            true => Some((last - before) / seconds),
            false => Some(last - before),
        }
    }

    /// Slope per second and value at `origin` of the line with the least squares.
    fn line(&self, origin: Wall) -> (f64, f64) {
        let first = self.values[0];
        if self.values.iter().all(|value| *value == first) {
            return if first.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first) };
        }
        let mut sums = [Compensated::default(); 4];
        for (at, y) in self.times.iter().zip(self.values) {
            let x = (at.0 - origin.0) as f64 / 1000.0;
            for (sum, term) in sums.iter_mut().zip([x, *y, x * y, x * x]) {
                sum.add(term);
            }
        }
        let count = self.values.len() as f64;
        let [x, y, xy, xx] = sums.map(Compensated::total);
        let covariance = xy - x * y / count;
        let slope = covariance / (xx - x * x / count);
        (slope, y / count - slope * x / count)
    }
}

/// A sum that carries what rounding took from it (Kahan and Neumaier).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    pub(super) fn of(first: f64) -> Compensated {
        Compensated { sum: first, lost: 0.0 }
    }

    pub(super) fn add(&mut self, term: f64) {
        let next = self.sum + term;
        self.lost += if next.is_infinite() {
            0.0
        } else if self.sum.abs() >= term.abs() {
            (self.sum - next) + term
        } else {
            (term - next) + self.sum
        };
        self.sum = next;
    }

    pub(super) fn total(self) -> f64 {
        // Nothing was lost of an infinite sum, nor of one that is exact; zero then keeps its sign.
        if self.sum.is_infinite() || self.lost == 0.0 { self.sum } else { self.sum + self.lost }
    }
}

pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sum = Compensated::default();
    values.for_each(|value| sum.add(value));
    sum.total()
}

/// The mean; step by step where the sum alone would be infinite.
pub(super) fn mean(values: &[f64]) -> f64 {
    let plain = sum(values.iter().copied());
    if plain.is_finite() || values.iter().any(|value| !value.is_finite()) {
        return plain / values.len() as f64;
    }
    values
        .iter()
        .enumerate()
        .fold(0.0, |mean, (before, value)| mean + (value / (before + 1) as f64 - mean / (before + 1) as f64))
}

/// The variance of the whole population (Welford).
pub(super) fn variance(values: &[f64]) -> f64 {
    let (mut count, mut mean, mut squares) = (0.0, Compensated::default(), Compensated::default());
    for value in values {
        count += 1.0;
        let before = value - mean.total();
        mean.add(before / count);
        squares.add(before * (value - mean.total()));
    }
    squares.total() / count
}

/// The quantile, between the two nearest ranks. Sorts `values`; NaN is the least.
pub(super) fn quantile(quantile: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| match (a.is_nan(), b.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => a.total_cmp(b),
    });
    let rank = quantile * (values.len() as f64 - 1.0);
    let lower = rank.floor().max(0.0) as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// Holt and Winters: a level and a trend, each smoothed.
fn smoothed(values: &[f64], level_factor: f64, trend_factor: f64) -> f64 {
    let (mut before, mut level, mut trend) = (0.0, values[0], values[1] - values[0]);
    for (at, value) in values.iter().enumerate().skip(1) {
        if at > 1 {
            trend = trend_factor * (level - before) + (1.0 - trend_factor) * trend;
        }
        let next = level_factor * value + (1.0 - level_factor) * (level + trend);
        before = level;
        level = next;
    }
    level
}
