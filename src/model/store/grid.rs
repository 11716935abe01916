//! The samples of matching series within a window, column by column: what evaluation reads.

use std::collections::HashMap;
use std::sync::Arc;

use super::past::{ROLLED_LOOKBACK, ended};
use super::table::Row;
use super::{Scope, Store, Table};
use crate::base::Wall;
use crate::model::labels::KeyedBySeries;
use crate::model::{Columns, Labels, Layout, Matchers};

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
    pub fn grids(&self, scope: &Scope, matchers: &Matchers, from: Wall, to: Wall) -> Vec<Grid> {
        self.in_scope(scope).filter_map(|table| table.grid(matchers, from, to)).collect()
    }
}

impl Store {
    /// As [`Store::grids`], of the newest row of each source alone: all that one moment needs.
    #[must_use]
    pub fn newest_grids(&self, scope: &Scope, matchers: &Matchers, from: Wall, to: Wall) -> Vec<Grid> {
        let of_table = |table: &Table| {
            let newest = table.newest_at(to).filter(|row| row.at >= from)?;
            table.grid(matchers, newest.at, to)
        };
        self.in_scope(scope).filter_map(of_table).collect()
    }

    /// As [`Store::grids`], with the last value of each rolled-up minute before a source's first raw sample.
    #[must_use]
    pub fn grids_past(&self, scope: &Scope, matchers: &Matchers, from: Wall, to: Wall) -> Vec<Grid> {
        let of_table = |table: &Table| {
            let raw = table.grid(matchers, from, to);
            let first_raw = table.rows.front().map_or(Wall(i64::MAX), |row| row.at);
            match (table.rolled_grid(matchers, from, to, first_raw), raw) {
                (Some(rolled), Some(raw)) => Some(rolled.followed_by(&raw)),
                (Some(one), None) | (None, Some(one)) => Some(one),
                (None, None) => None,
            }
        };
        self.in_scope(scope).filter_map(of_table).collect()
    }
}

/// The samples of one source, a few series at a time: what is worked on stays where it is quick to reach, however many
/// there are.
#[derive(Debug)]
pub struct Parts<'a> {
    times: Vec<Wall>,
    layout: &'a Layout,
    rows: Vec<&'a [f64]>,
    columns: Columns,
    /// How many of the columns were handed out.
    given: usize,
}

/// Series in one part: their samples of five minutes fit into the cache of one core.
const PART: usize = 1024;

impl Store {
    /// As [`Store::grids`], in parts, where all of it is of one source and of one layout.
    #[must_use]
    pub fn parts(&self, scope: &Scope, matchers: &Matchers, from: Wall, to: Wall) -> Option<Parts<'_>> {
        let mut giving = self.in_scope(scope).filter(|table| table.gives_any(matchers, from, to));
        match (giving.next(), giving.next()) {
            (Some(only), None) => only.parts(matchers, from, to),
            (Some(_), Some(_)) | (None, _) => None,
        }
    }
}

impl Parts<'_> {
    /// All of them together.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.columns.of(self.layout).len() * self.rows.len()
    }
}

impl Iterator for Parts<'_> {
    type Item = Grid;

    fn next(&mut self) -> Option<Grid> {
        let left = self.columns.of(self.layout).get(self.given..).filter(|left| !left.is_empty())?;
        let columns = &left[..left.len().min(PART)];
        let series = columns.iter().map(|column| Arc::clone(self.layout.labels(*column))).collect();
        let grid = Grid { times: self.times.clone(), series, values: turned(columns, &self.rows) };
        self.given += columns.len();
        Some(grid)
    }
}

impl Grid {
    /// These samples, and then those.
    fn followed_by(self, next: &Grid) -> Grid {
        let places: HashMap<&Arc<Labels>, usize> = next.series.iter().enumerate().map(|(at, one)| (one, at)).collect();
        let (before, after) = (self.times.len(), next.times.len());
        let row = |grid: &Grid, at: Option<&usize>, count: usize| match at {
            Some(at) => grid.values[at * count..(at + 1) * count].to_vec(),
            None => vec![GONE; count],
        };
        let mut whole = Grid { times: [&*self.times, &*next.times].concat(), ..Grid::default() };
        for (at, labels) in self.series.iter().enumerate() {
            whole.series.push(Arc::clone(labels));
            whole.values.extend(row(&self, Some(&at), before));
            whole.values.extend(row(next, places.get(labels), after));
        }
        for (at, labels) in next.series.iter().enumerate().filter(|(_, labels)| !self.series.contains(labels)) {
            whole.series.push(Arc::clone(labels));
            whole.values.extend(row(&self, None, before));
            whole.values.extend(row(next, Some(&at), after));
        }
        whole
    }
}

impl Table {
    fn rolled_grid(&self, matchers: &Matchers, from: Wall, to: Wall, first_raw: Wall) -> Option<Grid> {
        let start = self.rollups.partition_point(|row| ended(row) < from);
        let rows: Vec<_> =
            self.rollups.range(start..).take_while(|row| ended(row) < first_raw && ended(row) <= to).collect();
        let mut slots = Slots::default();
        rows.iter().for_each(|row| slots.add(&row.layout, matchers));
        if slots.series.is_empty() {
            return None;
        }
        let reach = ROLLED_LOOKBACK.max(self.state.interval * 2);
        let mut times: Vec<(Wall, Option<usize>)> = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let at = ended(row);
            // A minute in which nothing came left none: until the next one there was nothing.
            if let Some((last, _)) = times.last().filter(|(last, _)| at.since(*last) > reach) {
                times.push((Wall(last.0.saturating_add(i64::try_from(reach.as_millis()).unwrap_or(0))), None));
            }
            times.push((at, Some(place)));
        }
        let count = times.len();
        let mut values = vec![GONE; slots.series.len() * count];
        for (time, (_, place)) in times.iter().enumerate() {
            let Some(row) = place.map(|place| rows[place]) else { continue };
            for (column, slot) in slots.of(&row.layout) {
                values[slot * count + time] = f64::from(row.cells[column].last);
            }
        }
        Some(Grid { times: times.into_iter().map(|(at, _)| at).collect(), series: slots.series, values })
    }

    /// The rows from `from` to `to`, both included.
    fn rows_within(&self, from: Wall, to: Wall) -> impl ExactSizeIterator<Item = &Row> + Clone {
        let first = self.rows.partition_point(|row| row.at < from);
        self.rows.range(first..self.rows.partition_point(|row| row.at <= to).max(first))
    }

    fn gives_any(&self, matchers: &Matchers, from: Wall, to: Wall) -> bool {
        // Neighbours share their layout, which then needs to be asked once.
        let mut asked: Option<u64> = None;
        self.rows_within(from, to).any(|row| {
            let known = asked.replace(row.layout.hash()) == Some(row.layout.hash());
            !known && !matchers.columns(&row.layout).of(&row.layout).is_empty()
        })
    }

    fn parts(&self, matchers: &Matchers, from: Wall, to: Wall) -> Option<Parts<'_>> {
        let rows = self.rows_within(from, to);
        let layout = &rows.clone().next()?.layout;
        if rows.clone().any(|row| row.layout.hash() != layout.hash()) {
            return None;
        }
        let times = rows.clone().map(|row| row.at).collect();
        Some(Parts {
            times,
            layout,
            rows: rows.map(|row| &*row.values).collect(),
            columns: matchers.columns(layout),
            given: 0,
        })
    }

    fn grid(&self, matchers: &Matchers, from: Wall, to: Wall) -> Option<Grid> {
        let rows = || self.rows_within(from, to);
        let times = || rows().map(|row| row.at).collect();
        let one = &rows().next()?.layout;
        if rows().all(|row| row.layout.hash() == one.hash()) {
            let columns = matchers.columns(one);
            let columns = columns.of(one);
            if columns.is_empty() {
                return None;
            }
            let series = columns.iter().map(|column| Arc::clone(one.labels(*column))).collect();
            let values = turned(columns, &rows().map(|row| &*row.values).collect::<Vec<_>>());
            return Some(Grid { times: times(), series, values });
        }
        let mut slots = Slots::default();
        rows().for_each(|row| slots.add(&row.layout, matchers));
        if slots.series.is_empty() {
            return None;
        }
        let count = rows().len();
        let mut values = vec![GONE; slots.series.len() * count];
        for (time, row) in rows().enumerate() {
            for (column, slot) in slots.of(&row.layout) {
                values[slot * count + time] = row.values[column];
            }
        }
        Some(Grid { times: times(), series: slots.series, values })
    }
}

/// Series that are turned from rows into columns together: as many as the nearest memory holds.
const TURNED_TOGETHER: usize = 32;

/// The values of these columns, column by column, out of rows of one layout.
fn turned(columns: &[u32], rows: &[&[f64]]) -> Vec<f64> {
    let count = rows.len();
    let mut values = Vec::with_capacity(columns.len() * count);
    for columns in columns.chunks(TURNED_TOGETHER) {
        let start = values.len();
        values.resize(start + columns.len() * count, GONE);
        let part = &mut values[start..];
        for (time, row) in rows.iter().enumerate() {
            for (place, column) in columns.iter().enumerate() {
                part[place * count + time] = row[*column as usize];
            }
        }
    }
    values
}

/// Where the accepted columns of each layout go, for rows of several layouts.
#[derive(Default)]
struct Slots {
    series: Vec<Arc<Labels>>,
    known: KeyedBySeries<usize>,
    /// The accepted columns of each layout, and for each of them its place among the series.
    of: HashMap<u64, (Columns, Vec<usize>)>,
}

impl Slots {
    fn add(&mut self, layout: &Layout, matchers: &Matchers) {
        if self.of.contains_key(&layout.hash()) {
            return;
        }
        let columns = matchers.columns(layout);
        let slots = columns.of(layout).iter().map(|column| self.slot(layout.labels(*column))).collect();
        self.of.insert(layout.hash(), (columns, slots));
    }

    fn slot(&mut self, labels: &Arc<Labels>) -> usize {
        let next = self.series.len();
        let slot = *self.known.entry(Arc::clone(labels)).or_insert(next);
        if slot == next {
            self.series.push(Arc::clone(labels));
        }
        slot
    }

    /// The accepted columns of a layout that was added, each with its place.
    fn of<'a>(&'a self, layout: &'a Layout) -> impl Iterator<Item = (usize, usize)> + 'a {
        let added = self.of.get(&layout.hash()).into_iter();
        added.flat_map(|(columns, slots)| {
            columns.of(layout).iter().map(|column| *column as usize).zip(slots.iter().copied())
        })
    }
}
