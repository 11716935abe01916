//! The table of one source: its rows, its roll-ups, its documents and its lines, and when each has had its time.
//!
//! Everything here runs between two key presses: a row of a hundred thousand series is linked, narrowed and dropped
//! without a look at its labels. Layouts that go are dropped where they were made: a decoder holds them until nobody
//! else does.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::{Extent, Retention};
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
    pub(super) cells: Arc<[Rollup]>,
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
    /// Series names that the source has given; those of its newest row are in that row's layout too.
    given: Arc<HashSet<Arc<str>>>,
    /// How the last row was narrowed: rows of one layout are narrowed alike.
    narrowing: Option<Narrowing>,
    values_bytes: usize,
    layouts_bytes: usize,
    rollups_bytes: usize,
}

#[derive(Clone, Debug)]
struct Narrowing {
    /// The layout before, by its hash.
    from: u64,
    to: Arc<Layout>,
    kept: Arc<[usize]>,
}

pub(super) const MINUTE_MILLIS: i64 = 60_000;

/// Names remembered of one source, beside those it gives now.
const NAMES_LIMIT: usize = 20_000;

impl Row {
    fn bytes(&self) -> usize {
        size_of::<Row>() + size_of_val::<[f64]>(&self.values)
    }
}

impl RollupRow {
    fn bytes(&self) -> usize {
        size_of::<RollupRow>() + size_of_val::<[Rollup]>(&self.cells)
    }
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
            given: Arc::default(),
            narrowing: None,
            values_bytes: 0,
            layouts_bytes: 0,
            rollups_bytes: 0,
        }
    }

    /// Memory of rows, layouts and roll-ups. Labels that several layouts share count once.
    pub(super) fn bytes(&self) -> usize {
        self.values_bytes + self.layouts_bytes + self.rollups_bytes
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

    /// Adds a row that is newer than all others.
    pub(super) fn push(&mut self, batch: &Batch) {
        // A recording brings every layout anew; rows of one shape share one all the same.
        let layout = match self.rows.back() {
            Some(row) if row.layout.hash() == batch.layout.hash() => Arc::clone(&row.layout),
            _ => {
                self.note_names(&batch.layout);
                Arc::clone(&batch.layout)
            }
        };
        let changed = self.rows.back().is_none_or(|row| !Arc::ptr_eq(&row.layout, &layout));
        let row = Row { at: batch.sent.wall, layout, values: Arc::clone(&batch.values) };
        self.values_bytes += row.bytes();
        self.rows.push_back(row);
        if changed {
            self.weigh();
        }
    }

    /// Remembers the names of a new layout. Where a source's names never stop changing, those that are longest gone
    /// are forgotten with all others that are gone.
    fn note_names(&mut self, layout: &Layout) {
        if self.given.len() >= NAMES_LIMIT {
            let newest = self.rows.back().into_iter().flat_map(|row| row.layout.names());
            self.given = Arc::new(newest.take(NAMES_LIMIT).cloned().collect());
        }
        let room = NAMES_LIMIT.saturating_sub(self.given.len());
        let fresh: Vec<Arc<str>> =
            layout.names().filter(|name| !self.given.contains(*name)).take(room).cloned().collect();
        if !fresh.is_empty() {
            Arc::make_mut(&mut self.given).extend(fresh);
        }
    }

    /// Whether the source has ever given a series of this name, as far as names are remembered.
    pub(super) fn has_given(&self, name: &str) -> bool {
        // Only where not all could be remembered has the newest row any that are not.
        let may_lack = self.given.len() >= NAMES_LIMIT;
        self.given.contains(name) || (may_lack && self.rows.back().is_some_and(|row| row.layout.has(name)))
    }

    pub(super) fn gives(&self, name: &str) -> bool {
        let missing = self.state.not_exposed.iter().chain(self.state.lacking.iter().map(|(missing, _)| missing));
        self.has_given(name) || missing.into_iter().any(|missing| &**missing == name)
    }

    /// When the oldest row was measured that has a series of this name.
    pub(super) fn first_with(&self, name: &str) -> Option<Wall> {
        // Neighbours share their layout, which then needs to be asked once.
        let mut asked: Option<&Arc<Layout>> = None;
        let with = self.rows.iter().find(|row| {
            let known = asked.is_some_and(|layout| Arc::ptr_eq(layout, &row.layout));
            asked = Some(&row.layout);
            !known && row.layout.has(name)
        });
        with.map(|row| row.at)
    }

    /// How many series of this name, or of any, its newest or its oldest row has, and how many samples of them its rows
    /// at most.
    pub(super) fn extent(&self, name: Option<&str>, from: Wall, to: Wall) -> Extent {
        let until = self.rows.partition_point(|row| row.at <= to);
        let rows = until - self.rows.partition_point(|row| row.at <= from).min(until);
        let of = |row: &Row| name.map_or(row.layout.series().len(), |name| row.layout.columns_of(name).len());
        let series = self.rows.back().into_iter().chain(self.rows.front()).map(of).max().unwrap_or_default();
        Extent { series, samples: series * rows }
    }

    /// The newest row that is not newer than `at`.
    pub(super) fn newest_at(&self, at: Wall) -> Option<&Row> {
        let after = self.rows.partition_point(|row| row.at <= at);
        self.rows.get(after.checked_sub(1)?)
    }

    /// Narrows and drops rows that have had their time.
    pub(super) fn expire(&mut self, now: Wall, named: &BTreeSet<Arc<str>>, retention: &Retention) {
        let whole_until = now.minus(retention.rest);
        while self.rows.get(self.narrowed).is_some_and(|row| row.at < whole_until) {
            self.narrow_next(named);
        }
        let raw_until = now.minus(retention.named);
        while self.rows.front().is_some_and(|row| row.at < raw_until) {
            self.drop_oldest();
        }
        let rolled_until = now.minus(retention.rolled).0.div_euclid(MINUTE_MILLIS);
        while self.rollups.front().is_some_and(|row| row.minute < rolled_until) {
            self.drop_oldest_rollup();
        }
    }

    /// Gives up what can best be spared: series that nothing names, oldest first; then roll-ups; then rows. The newest
    /// row stays, because it is what is true now. Returns whether there was anything to give.
    pub(super) fn spare(&mut self, named: &BTreeSet<Arc<str>>) -> bool {
        if self.narrowed + 1 < self.rows.len() {
            self.narrow_next(named);
        } else if !self.rollups.is_empty() {
            self.drop_oldest_rollup();
        } else if self.rows.len() > 1 {
            self.drop_oldest();
        } else {
            return false;
        }
        true
    }

    /// Drops every row newer than `now`.
    pub(super) fn forget_after(&mut self, now: Wall) {
        while self.rows.back().is_some_and(|row| row.at > now) {
            if let Some(row) = self.rows.pop_back() {
                self.values_bytes -= row.bytes();
            }
        }
        self.narrowed = self.narrowed.min(self.rows.len());
        self.weigh();
    }

    /// What expressions name has changed: rows are narrowed otherwise from now on.
    pub(super) fn renamed(&mut self) {
        self.narrowing = None;
    }

    fn drop_oldest(&mut self) {
        let Some(row) = self.rows.pop_front() else { return };
        self.values_bytes -= row.bytes();
        self.narrowed = self.narrowed.saturating_sub(1);
        if self.rows.front().is_none_or(|next| !Arc::ptr_eq(&next.layout, &row.layout)) {
            self.weigh();
        }
    }

    fn drop_oldest_rollup(&mut self) {
        if let Some(row) = self.rollups.pop_front() {
            self.rollups_bytes -= row.bytes();
        }
    }

    /// Leaves only the named series in the oldest row that is still whole, and adds it to its minute's roll-up.
    fn narrow_next(&mut self, named: &BTreeSet<Arc<str>>) {
        let Some(row) = self.rows.get_mut(self.narrowed) else { return };
        let narrowing = match self.narrowing.take() {
            Some(known) if known.from == row.layout.hash() => known,
            before => Narrowing::of(&row.layout, named, before),
        };
        let weight = row.bytes();
        let narrower = !Arc::ptr_eq(&row.layout, &narrowing.to);
        if narrower {
            row.layout = Arc::clone(&narrowing.to);
            row.values = narrowing.kept.iter().map(|column| row.values[*column]).collect();
        }
        self.values_bytes -= weight - row.bytes();
        let row = row.clone();
        let next = self.rows.get(self.narrowed + 1);
        let left = next.is_none_or(|next| next.layout.hash() != narrowing.from);
        let first = self.narrowed == 0 || !Arc::ptr_eq(&self.rows[self.narrowed - 1].layout, &row.layout);
        self.narrowed += 1;
        self.narrowing = Some(narrowing);
        self.roll(&row);
        if narrower && (left || first) {
            self.weigh();
        }
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
                for (cell, value) in Arc::make_mut(&mut last.cells).iter_mut().zip(row.values.iter()) {
                    *cell = cell.and(*value as f32, seen);
                }
            }
            _ => {
                let cells = row.values.iter().map(|value| Rollup::of(*value as f32)).collect();
                let row = RollupRow { minute, layout: Arc::clone(&row.layout), cells, seen: 1 };
                self.rollups_bytes += row.bytes();
                self.rollups.push_back(row);
            }
        }
    }

    /// Adds up what the layouts of all rows take, after one came or went.
    fn weigh(&mut self) {
        let mut counted: HashSet<*const Layout> = HashSet::new();
        let mut shared: HashMap<u64, usize> = HashMap::new();
        let mut last: Option<*const Layout> = None;
        self.layouts_bytes = 0;
        // From the newest on: an older layout adds the labels that no newer one took over.
        for row in self.rows.iter().rev() {
            let here = Arc::as_ptr(&row.layout);
            if last.replace(here) == Some(here) || !counted.insert(here) {
                continue;
            }
            let taken_over = shared.get(&row.layout.hash()).copied().unwrap_or(0);
            self.layouts_bytes += row.layout.frame_bytes() + row.layout.labels_bytes().saturating_sub(taken_over);
            shared.extend(row.layout.origin());
        }
    }
}

impl Narrowing {
    /// The columns of a layout that something names. Where they are the same series as before, so is the layout.
    fn of(layout: &Arc<Layout>, named: &BTreeSet<Arc<str>>, before: Option<Narrowing>) -> Narrowing {
        let mut kept: Vec<usize> = named.iter().flat_map(|name| layout.columns_of(name)).collect();
        kept.sort_unstable();
        let to = match kept.len() == layout.series().len() {
            true => Arc::clone(layout),
            false => {
                let to = layout.project(&kept);
                match before {
                    Some(before) if before.to.hash() == to.hash() => before.to,
                    Some(_) | None => Arc::new(to),
                }
            }
        };
        Narrowing { from: layout.hash(), to, kept: kept.into() }
    }
}

impl Rollup {
    fn of(value: f32) -> Rollup {
        Rollup { low: value, high: value, mean: value, last: value }
    }

    /// With one more value; `seen` counts it. What is not a number leaves a minute that has numbers as it is.
    fn and(self, value: f32, seen: f32) -> Rollup {
        match (value.is_nan(), self.mean.is_nan()) {
            (true, _) => self,
            (false, true) => Rollup::of(value),
            (false, false) => Rollup {
                low: self.low.min(value),
                high: self.high.max(value),
                mean: self.mean + (value - self.mean) / seen,
                last: value,
            },
        }
    }
}
