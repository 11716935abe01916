//! The table of one source: its rows, its roll-ups, its documents and its lines, and when each has had its time.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::Retention;
use crate::base::{At, Wall};
use crate::model::log::LINES_KEPT;
use crate::model::{Batch, Document, Layout, LogLine, SourceState};

/// One minute of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rollup {
    pub low: f32,
    pub high: f32,
    pub mean: f32,
    pub last: f32,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) at: Wall,
    pub(super) layout: Arc<Layout>,
    pub(super) values: Arc<[f64]>,
}

#[derive(Clone, Debug)]
pub(super) struct RollupRow {
    pub(super) minute: i64,
    pub(super) layout: Arc<Layout>,
    pub(super) cells: Vec<Rollup>,
    /// How many rows went into the cells.
    pub(super) seen: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) state: SourceState,
    pub(super) rows: VecDeque<Row>,
    /// How many rows at the front are already narrowed to named series.
    pub(super) narrowed: usize,
    pub(super) rollups: VecDeque<RollupRow>,
    pub(super) documents: Vec<(Document, At)>,
    /// The newest lines of a log, oldest first; at most [`LINES_KEPT`].
    pub(super) lines: VecDeque<LogLine>,
    /// Every series name that the source has ever given.
    pub(super) given: BTreeSet<Arc<str>>,
}

pub(super) const MINUTE_MILLIS: i64 = 60_000;

/// Names remembered of one source.
const NAMES_LIMIT: usize = 20_000;

pub(super) fn row_bytes(row: &Row) -> usize {
    size_of::<Row>() + size_of_val::<[f64]>(&row.values)
}

impl Table {
    pub(super) fn new(state: SourceState) -> Table {
        Table {
            state,
            rows: VecDeque::new(),
            narrowed: 0,
            rollups: VecDeque::new(),
            documents: Vec::new(),
            lines: VecDeque::new(),
            given: BTreeSet::new(),
        }
    }

    /// Takes over what a batch says beside its samples.
    pub(super) fn note(&mut self, batch: &Batch) {
        self.state.note(batch);
        for document in &batch.documents {
            self.documents.retain(|(have, _)| have.name != document.name);
            self.documents.push((document.clone(), batch.sent));
        }
        self.lines.extend(batch.lines.iter().cloned());
        let excess = self.lines.len().saturating_sub(LINES_KEPT);
        self.lines.drain(..excess);
    }

    /// Remembers the names of a new layout. A source whose names never stop changing is asked what it still has.
    pub(super) fn note_names(&mut self, layout: &Layout) {
        if self.given.len() > NAMES_LIMIT {
            self.given = self.rows.iter().flat_map(|row| row.layout.names().cloned()).collect();
        }
        self.given.extend(layout.names().cloned());
    }

    pub(super) fn gives(&self, name: &str) -> bool {
        self.given.contains(name) || self.state.not_exposed.iter().any(|missing| &**missing == name)
    }

    /// Narrows and drops rows that have had their time; returns the bytes that were freed.
    pub(super) fn expire(&mut self, now: Wall, named: &BTreeSet<Arc<str>>, retention: &Retention) -> usize {
        let mut freed = 0;
        let whole_until = now.minus(retention.rest);
        while let Some(row) = self.rows.get_mut(self.narrowed).filter(|row| row.at < whole_until) {
            let before = row_bytes(row);
            narrow(row, named);
            freed += before - row_bytes(row);
            self.narrowed += 1;
            let row = row.clone();
            self.roll(&row);
        }
        let raw_until = now.minus(retention.named);
        while let Some(row) = self.rows.front().filter(|row| row.at < raw_until) {
            freed += row_bytes(row);
            self.rows.pop_front();
            self.narrowed = self.narrowed.saturating_sub(1);
        }
        let rolled_until = now.minus(retention.rolled).0.div_euclid(MINUTE_MILLIS);
        while self.rollups.front().is_some_and(|row| row.minute < rolled_until) {
            self.rollups.pop_front();
        }
        freed
    }

    /// Adds a narrowed row to the roll-up of its minute.
    fn roll(&mut self, row: &Row) {
        if row.values.is_empty() {
            return;
        }
        let minute = row.at.0.div_euclid(MINUTE_MILLIS);
        match self.rollups.back_mut() {
            Some(last) if last.minute == minute && last.layout.hash() == row.layout.hash() => {
                last.seen += 1;
                let seen = last.seen as f32;
                last.cells = last
                    .cells
                    .iter()
                    .zip(row.values.iter())
                    .map(|(cell, value)| cell.and(*value as f32, seen))
                    .collect();
            }
            _ => self.rollups.push_back(RollupRow {
                minute,
                layout: Arc::clone(&row.layout),
                cells: row.values.iter().map(|value| Rollup::of(*value as f32)).collect(),
                seen: 1,
            }),
        }
    }
}

impl Rollup {
    fn of(value: f32) -> Rollup {
        Rollup { low: value, high: value, mean: value, last: value }
    }

    /// With one more value; `seen` counts it.
    fn and(self, value: f32, seen: f32) -> Rollup {
        Rollup {
            low: self.low.min(value),
            high: self.high.max(value),
            mean: self.mean + (value - self.mean) / seen,
            last: value,
        }
    }
}

/// Leaves only the named series in a row.
fn narrow(row: &mut Row, named: &BTreeSet<Arc<str>>) {
    let kept: Vec<usize> = row
        .layout
        .series()
        .iter()
        .enumerate()
        .filter(|(_, labels)| named.contains(labels.name()))
        .map(|(column, _)| column)
        .collect();
    if kept.len() == row.values.len() {
        return;
    }
    row.layout = Arc::new(row.layout.project(&kept));
    row.values = kept.iter().map(|column| row.values[*column]).collect();
}
