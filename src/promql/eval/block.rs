//! What evaluation works on: the values of many series at many steps, as one block of numbers.
//!
//! A missing value is the very bit pattern by which Prometheus marks a stale sample, so that a block needs no second
//! array to say what is there; arithmetic never meets one, because it is asked for first.

use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::base::Wall;
use crate::model::Labels;
use crate::model::labels::NAME;
use crate::model::store::GONE;

/// The times that an expression is evaluated at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    pub start: Wall,
    /// Milliseconds; more than zero.
    pub step_millis: i64,
    pub count: usize,
    /// What `@ end()` means: the end that was asked for, which the last step may not meet.
    pub end: Wall,
}

impl Steps {
    #[must_use]
    pub fn once(at: Wall) -> Steps {
        Steps { start: at, step_millis: 1, count: 1, end: at }
    }

    /// From `start` to `end`, both included where the step meets the end.
    #[must_use]
    pub fn between(start: Wall, end: Wall, step_millis: i64) -> Steps {
        let step_millis = step_millis.max(1);
        let count = if end < start { 0 } else { (end.0 - start.0) / step_millis + 1 };
        Steps { start, step_millis, count: usize::try_from(count).unwrap_or(0), end }
    }

    #[must_use]
    pub fn at(&self, index: usize) -> Wall {
        Wall(self.start.0 + self.step_millis * i64::try_from(index).unwrap_or(0))
    }

    #[must_use]
    pub fn last(&self) -> Wall {
        self.at(self.count.saturating_sub(1))
    }

    pub fn times(self) -> impl Iterator<Item = Wall> {
        (0..self.count).map(move |index| self.at(index))
    }
}

#[inline]
pub(super) fn is_gone(value: f64) -> bool {
    value.to_bits() == GONE.to_bits()
}

/// The labels of a series, of which the name may not count any more: dropping it costs nothing until somebody looks.
#[derive(Clone, Debug)]
pub(super) struct Tags {
    pub labels: Arc<Labels>,
    pub nameless: bool,
}

impl Tags {
    pub(super) fn of(labels: Labels) -> Tags {
        Tags { labels: Arc::new(labels), nameless: false }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().filter(|(name, _)| !(self.nameless && *name == NAME))
    }

    pub(super) fn get(&self, name: &str) -> &str {
        if self.nameless && name == NAME { "" } else { self.labels.get(name) }
    }

    pub(super) fn into_labels(self) -> Arc<Labels> {
        if self.nameless && !self.labels.name().is_empty() {
            Arc::new((*self.labels).clone().without(NAME))
        } else {
            self.labels
        }
    }

    pub(super) fn to_labels(&self) -> Labels {
        if self.nameless { (*self.labels).clone().without(NAME) } else { (*self.labels).clone() }
    }
}

impl PartialEq for Tags {
    fn eq(&self, other: &Tags) -> bool {
        (self.nameless == other.nameless && Arc::ptr_eq(&self.labels, &other.labels)) || self.iter().eq(other.iter())
    }
}

impl Eq for Tags {}

impl Hash for Tags {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for pair in self.iter() {
            pair.hash(state);
        }
    }
}

/// Series with one value per step, series by series.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    pub steps: usize,
    pub tags: Vec<Tags>,
    /// `steps` values of the first series, then those of the second; [`GONE`] where there is none.
    pub values: Vec<f64>,
    /// No two series have the same labels, even without their names: nothing has to be compared to know. It must not
    /// be said of series that a name alone tells apart.
    pub distinct: bool,
}

impl Block {
    pub(super) fn new(steps: usize) -> Block {
        Block { steps, ..Block::default() }
    }

    pub(super) fn push(&mut self, tags: Tags, values: &[f64]) {
        self.tags.push(tags);
        self.values.extend_from_slice(values);
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (&Tags, &[f64])> {
        self.tags.iter().zip(self.values.chunks_exact(self.steps.max(1)))
    }

    pub(super) fn row(&self, series: usize) -> &[f64] {
        &self.values[series * self.steps..(series + 1) * self.steps]
    }

    /// The series that have a value at this step.
    pub(super) fn present(&self, step: usize) -> impl Iterator<Item = usize> {
        (0..self.tags.len()).filter(move |series| !is_gone(self.values[series * self.steps + step]))
    }

    /// Without the series that have no value at any step.
    pub(super) fn without_empty(self) -> Block {
        if self.rows().all(|(_, row)| row.iter().any(|value| !is_gone(*value))) {
            return self;
        }
        let mut kept = Block { steps: self.steps, distinct: self.distinct, ..Block::default() };
        for (tags, row) in self.rows() {
            if row.iter().any(|value| !is_gone(*value)) {
                kept.push(tags.clone(), row);
            }
        }
        kept
    }

    /// The same without names.
    pub(super) fn nameless(mut self) -> Block {
        self.tags.iter_mut().for_each(|tags| tags.nameless = true);
        self
    }
}

/// The labels of two series that are the same, at whatever steps they have their values.
pub(super) fn repeated(block: &Block) -> Option<Labels> {
    if block.distinct || block.tags.len() < 2 {
        return None;
    }
    let mut known = HashSet::with_capacity(block.tags.len());
    block.tags.iter().find(|tags| !known.insert(*tags)).map(Tags::to_labels)
}

/// Joins series of the same labels into one, where no step has a value of both; the error is the labels that do.
pub(super) fn joined(block: Block) -> Result<Block, Labels> {
    if block.distinct || block.tags.len() < 2 {
        return Ok(block);
    }
    let mut places: HashMap<Tags, usize> = HashMap::with_capacity(block.tags.len());
    let mut whole = Block { steps: block.steps, ..Block::default() };
    for (tags, row) in block.rows() {
        match places.get(tags).copied() {
            None => {
                places.insert(tags.clone(), whole.tags.len());
                whole.push(tags.clone(), row);
            }
            Some(place) => {
                let known = &mut whole.values[place * block.steps..(place + 1) * block.steps];
                for (have, value) in known.iter_mut().zip(row) {
                    match (is_gone(*have), is_gone(*value)) {
                        (_, true) => {}
                        (true, false) => *have = *value,
                        (false, false) => return Err(tags.to_labels()),
                    }
                }
            }
        }
    }
    Ok(whole)
}
