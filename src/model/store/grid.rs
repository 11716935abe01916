//! The samples of matching series within a window, column by column: what evaluation reads.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Matcher, Scope, Store, Table};
use crate::base::Wall;
use crate::model::{Labels, Layout};

/// The value of a series at a time at which its source answered without it: the bit pattern by which Prometheus marks
/// a stale sample. No exposition can say it, because every NaN that is read becomes the same one.
pub const GONE: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Series that were sampled at the same times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grid {
    /// Oldest first.
    pub times: Vec<Wall>,
    pub series: Vec<Arc<Labels>>,
    /// One value per time of the first series, then those of the second; [`GONE`] where there is none.
    pub values: Vec<f64>,
}

impl Store {
    /// The samples of each matching series from `from` to `to`, both included; one grid per source that has any.
    #[must_use]
    pub fn grids(&self, scope: &Scope, matchers: &[Matcher], from: Wall, to: Wall) -> Vec<Grid> {
        self.in_scope(scope).filter_map(|table| table.grid(matchers, from, to)).collect()
    }
}

impl Table {
    fn grid(&self, matchers: &[Matcher], from: Wall, to: Wall) -> Option<Grid> {
        let (first, end) =
            (self.rows.partition_point(|row| row.at < from), self.rows.partition_point(|row| row.at <= to));
        let rows = || self.rows.range(first..end);
        let mut slots = Slots::default();
        let mut last: Option<&Arc<Layout>> = None;
        for row in rows() {
            if last.is_none_or(|last| !Arc::ptr_eq(last, &row.layout) && last.hash() != row.layout.hash()) {
                slots.add(&row.layout, matchers);
            }
            last = Some(&row.layout);
        }
        if slots.series.is_empty() {
            return None;
        }
        let times: Vec<Wall> = rows().map(|row| row.at).collect();
        let count = times.len();
        let mut values = vec![GONE; slots.series.len() * count];
        for (time, row) in rows().enumerate() {
            for &(column, slot) in &slots.of[&row.layout.hash()] {
                values[slot * count + time] = row.values[column];
            }
        }
        Some(Grid { times, series: slots.series, values })
    }
}

/// Where the accepted columns of each layout go.
#[derive(Default)]
struct Slots {
    series: Vec<Arc<Labels>>,
    known: HashMap<Arc<Labels>, usize>,
    of: HashMap<u64, Vec<(usize, usize)>>,
}

impl Slots {
    fn add(&mut self, layout: &Layout, matchers: &[Matcher]) {
        if self.of.contains_key(&layout.hash()) {
            return;
        }
        let accepted = layout.accepted(matchers);
        let columns = if self.of.is_empty() {
            self.series = accepted.iter().map(|column| Arc::clone(&layout.series()[*column])).collect();
            accepted.into_iter().enumerate().map(|(slot, column)| (column, slot)).collect()
        } else {
            if self.known.is_empty() {
                // Only a source that changes its shape pays for finding its series again.
                self.known = self.series.iter().cloned().enumerate().map(|(slot, labels)| (labels, slot)).collect();
            }
            accepted.into_iter().map(|column| (column, self.slot(&layout.series()[column]))).collect()
        };
        self.of.insert(layout.hash(), columns);
    }

    fn slot(&mut self, labels: &Arc<Labels>) -> usize {
        let next = self.series.len();
        let slot = *self.known.entry(Arc::clone(labels)).or_insert(next);
        if slot == next {
            self.series.push(Arc::clone(labels));
        }
        slot
    }
}
