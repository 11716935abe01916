//! Functions of the samples within a range, for every series and every step.

use std::sync::Arc;

use super::super::node::{Range, RangeFunction};
use super::block::{Block, is_gone};
use super::select::{Track, millis};
use super::window::Window;
use super::{EvalError, Evaluation};
use crate::base::Wall;
use crate::model::store::GONE;

impl Evaluation<'_> {
    pub(super) fn over(
        &self,
        function: RangeFunction,
        range: &Range,
        numbers: &[super::Node],
    ) -> Result<Block, EvalError> {
        let numbers = numbers.iter().map(|number| self.numbers(number)).collect::<Result<Vec<_>, _>>()?;
        let mut block = Block::new(self.steps.count);
        for mut track in self.tracks(range)? {
            let places = self.places(&track, range);
            let tags = std::mem::take(&mut track.tags);
            block.tags.reserve(tags.len());
            block.values.reserve(tags.len() * self.steps.count);
            for (series, mut tags) in tags.into_iter().enumerate() {
                tags.nameless |= !function.keeps_name();
                block.tags.push(tags);
                self.over_series(function, &track, series, &places, &numbers, &mut block.values)?;
            }
        }
        block.distinct = matches!(range, Range::Samples(selector) if selector.name.is_some());
        self.never_repeated(function.word(), block)
    }

    fn over_series(
        &self,
        function: RangeFunction,
        track: &Track,
        series: usize,
        places: &[Place],
        numbers: &[Vec<f64>],
        out: &mut Vec<f64>,
    ) -> Result<(), EvalError> {
        let row = track.row(series);
        let whole = !row.iter().any(|value| is_gone(*value));
        let (mut times, mut values) = (Vec::new(), Vec::new());
        let mut given = vec![0.0; numbers.len()];
        for (step, place) in places.iter().enumerate() {
            let inside = place.first..place.end;
            let (times, values): (&[Wall], &[f64]) = if whole {
                (&track.times[inside.clone()], &row[inside])
            } else {
                times.clear();
                values.clear();
                let there = inside.filter(|at| !is_gone(row[*at]));
                there.for_each(|at| {
                    times.push(track.times[at]);
                    values.push(row[at]);
                });
                (&times, &values)
            };
            given.iter_mut().zip(numbers).for_each(|(given, numbers)| *given = numbers[step]);
            // Only where there is a sample: Prometheus asks no function about nothing.
            if !values.is_empty() {
                check_numbers(function, &given)?;
            }
            let now = self.steps.at(step);
            let window = Window { times, values, from: place.from, to: place.to, now, dialect: self.dialect };
            out.push(window.over(function, &given).unwrap_or(GONE));
        }
        Ok(())
    }

    /// `absent_over_time`: 1 at the steps at which no series has a sample in its range.
    pub(super) fn absent_over(&self, range: &Range, labels: &[(Arc<str>, Arc<str>)]) -> Result<Block, EvalError> {
        let mut values = vec![1.0; self.steps.count];
        for track in self.tracks(range)? {
            let places = self.places(&track, range);
            for series in 0..track.tags.len() {
                let row = track.row(series);
                for (value, place) in values.iter_mut().zip(&places) {
                    if row[place.first..place.end].iter().any(|sample| !is_gone(*sample)) {
                        *value = GONE;
                    }
                }
            }
        }
        Ok(self.absence(labels, &values))
    }

    /// The part of a track that is the range of each step.
    fn places(&self, track: &Track, range: &Range) -> Vec<Place> {
        let length = millis(range.duration());
        let of_step = |step| {
            let to = self.shifted(range.shift(), step);
            let from = Wall(to.0.saturating_sub(length));
            let first = track.times.partition_point(|taken| self.before(*taken, from));
            let end = track.times.partition_point(|taken| *taken <= to).max(first);
            Place { first, end, from, to }
        };
        self.steps.times().map(of_step).collect()
    }
}

/// Where the range of a step lies in a track.
struct Place {
    first: usize,
    end: usize,
    from: Wall,
    to: Wall,
}

fn check_numbers(function: RangeFunction, numbers: &[f64]) -> Result<(), EvalError> {
    if function != RangeFunction::DoubleExponentialSmoothing {
        return Ok(());
    }
    match numbers.iter().find(|factor| **factor <= 0.0 || **factor >= 1.0) {
        Some(factor) => Err(EvalError::Number {
            function: "double_exponential_smoothing",
            value: factor.to_string(),
            must: "between 0 and 1",
        }),
        None => Ok(()),
    }
}
