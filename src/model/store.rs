//! The store: the last minutes of every series, by source, in rows.
//!
//! A batch is one *row*: a time, a shared [`Layout`] and one value per column, all behind `Arc`s, so that linking a
//! batch in is a push and a snapshot for a worker is a copy of pointers. A series that leaves a source's answer is
//! stale from that row on, without markers: the newest row up to a time either has the series or it does not.
//!
//! Retention (design §4): rows keep every series for [`Retention::rest`]; older rows are narrowed to the series that
//! some loaded expression names and live for [`Retention::named`]; named series also leave one-minute roll-ups for
//! [`Retention::rolled`]. The total is capped; unnamed series go first, and [`Store::evicted_rows`] says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::{Batch, Document, Labels, Layout, Matcher, SourceState};
use crate::base::{At, Boot, SourceId, TargetId, Wall};

/// How long samples are kept, and how much memory they may take.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    /// Raw samples of series that an expression names.
    pub named: Duration,
    /// Raw samples of all others.
    pub rest: Duration,
    /// One-minute roll-ups of named series.
    pub rolled: Duration,
    pub cap_bytes: usize,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            named: Duration::from_secs(15 * 60),
            rest: Duration::from_secs(5 * 60),
            rolled: Duration::from_secs(24 * 3600),
            cap_bytes: 32 << 20,
        }
    }
}

impl Retention {
    /// Keeps named series for the longest range of any loaded expression and a tenth more, at least 15 minutes.
    #[must_use]
    pub fn covering(longest: Duration) -> Retention {
        let standard = Retention::default();
        Retention { named: standard.named.max(longest + longest / 10), ..standard }
    }
}

/// Which series an expression may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The series of one target: how a system's rules and runbooks are evaluated.
    Target(TargetId),
    /// The series of every target.
    Fleet,
}

/// The samples of one series within a window, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesWindow {
    pub labels: Arc<Labels>,
    pub samples: Vec<(Wall, f64)>,
}

/// The roll-ups of one series within a window, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct RolledSeries {
    pub labels: Arc<Labels>,
    pub minutes: Vec<(Wall, Rollup)>,
}

/// One minute of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rollup {
    pub low: f32,
    pub high: f32,
    pub mean: f32,
    pub last: f32,
}

#[derive(Clone, Debug)]
struct Row {
    at: Wall,
    layout: Arc<Layout>,
    values: Arc<[f64]>,
}

#[derive(Clone, Debug)]
struct RollupRow {
    minute: i64,
    layout: Arc<Layout>,
    cells: Vec<Rollup>,
    /// How many rows went into the cells.
    seen: u32,
}

#[derive(Clone, Debug)]
struct Table {
    state: SourceState,
    rows: VecDeque<Row>,
    /// How many rows at the front are already narrowed to named series.
    narrowed: usize,
    rollups: VecDeque<RollupRow>,
    documents: Vec<(Document, At)>,
    /// Every series name that the source has ever given.
    given: BTreeSet<Arc<str>>,
}

/// Series, roll-ups, documents and source states of every target.
#[derive(Clone, Debug)]
pub struct Store {
    tables: IndexMap<SourceId, Table>,
    /// Places in `tables`, by target and of all: most questions are about one target.
    by_target: BTreeMap<TargetId, Vec<usize>>,
    fleet: Vec<usize>,
    named: BTreeSet<Arc<str>>,
    retention: Retention,
    bytes: usize,
    evicted_rows: u64,
    version: u64,
}

impl Store {
    #[must_use]
    pub fn new(retention: Retention) -> Store {
        Store {
            tables: IndexMap::new(),
            by_target: BTreeMap::new(),
            fleet: Vec::new(),
            named: BTreeSet::new(),
            retention,
            bytes: 0,
            evicted_rows: 0,
            version: 0,
        }
    }

    /// Declares a source before its first poll, so that it can be shown as never polled.
    pub fn declare(&mut self, state: SourceState) {
        let table = Table {
            state,
            rows: VecDeque::new(),
            narrowed: 0,
            rollups: VecDeque::new(),
            documents: Vec::new(),
            given: BTreeSet::new(),
        };
        let target = table.state.target.clone();
        let (place, known) = self.tables.insert_full(table.state.id.clone(), table);
        if known.is_none() {
            self.by_target.entry(target).or_default().push(place);
            self.fleet.push(place);
        }
    }

    /// The series names that loaded expressions use, with the retention they need.
    pub fn keep(&mut self, named: impl IntoIterator<Item = Arc<str>>, retention: Retention) {
        self.named = named.into_iter().collect();
        self.retention = retention;
    }

    /// Takes in what one poll brought. A batch of an undeclared source, or one older than the source's newest row
    /// (a late answer after a clock step back), is counted as evicted rather than reordered.
    pub fn link(&mut self, batch: &Batch) {
        self.version += 1;
        let Some(table) = self.tables.get_mut(&batch.source) else {
            self.evicted_rows += 1;
            return;
        };
        table.state.note(batch);
        for document in &batch.documents {
            table.documents.retain(|(have, _)| have.name != document.name);
            table.documents.push((document.clone(), batch.sent));
        }
        if table.rows.back().is_some_and(|row| row.at >= batch.sent.wall) {
            self.evicted_rows += 1;
            return;
        }
        let layout = match table.rows.back() {
            Some(row) if row.layout.hash() == batch.layout.hash() => Arc::clone(&row.layout),
            _ => {
                table.note_names(&batch.layout);
                Arc::clone(&batch.layout)
            }
        };
        let row = Row { at: batch.sent.wall, layout, values: Arc::clone(&batch.values) };
        self.bytes += row_bytes(&row);
        table.rows.push_back(row);
        self.bytes -= table.expire(batch.sent.wall, &self.named, &self.retention);
        self.evict();
    }

    /// Forgets every sample newer than `now`, after the wall clock was set back.
    pub fn forget_after(&mut self, now: Wall) {
        self.version += 1;
        for table in self.tables.values_mut() {
            while table.rows.back().is_some_and(|row| row.at > now) {
                if let Some(row) = table.rows.pop_back() {
                    self.bytes -= row_bytes(&row);
                }
            }
            table.narrowed = table.narrowed.min(table.rows.len());
        }
    }

    /// Grows by one with every change: an equal version means equal answers.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Rows dropped to stay under the cap, or refused because they came out of order.
    #[must_use]
    pub fn evicted_rows(&self) -> u64 {
        self.evicted_rows
    }

    pub fn sources(&self) -> impl Iterator<Item = &SourceState> {
        self.tables.values().map(|table| &table.state)
    }

    #[must_use]
    pub fn source(&self, id: &SourceId) -> Option<&SourceState> {
        self.tables.get(id).map(|table| &table.state)
    }

    pub fn source_mut(&mut self, id: &SourceId) -> Option<&mut SourceState> {
        self.tables.get_mut(id).map(|table| &mut table.state)
    }

    /// The latest document of that name from any source of the target, and when it was fetched.
    #[must_use]
    pub fn document(&self, target: &TargetId, name: &str) -> Option<(&Document, At)> {
        self.tables
            .values()
            .filter(|table| table.state.target == *target)
            .flat_map(|table| &table.documents)
            .find(|(document, _)| document.name == name)
            .map(|(document, at)| (document, *at))
    }

    /// Every series the target has now, by source: its labels and last value.
    pub fn present<'a>(&'a self, target: &'a TargetId) -> impl Iterator<Item = (&'a Arc<Labels>, f64)> {
        self.tables
            .values()
            .filter(move |table| table.state.target == *target)
            .filter_map(|table| table.rows.back())
            .flat_map(|row| row.layout.series().iter().zip(row.values.iter().copied()))
    }

    /// The newest sample of each matching series at `at`: not older than `lookback`, and not stale.
    #[must_use]
    pub fn instant(
        &self,
        scope: &Scope,
        matchers: &[Matcher],
        at: Wall,
        lookback: Duration,
    ) -> Vec<(Arc<Labels>, Wall, f64)> {
        let oldest = at.minus(lookback);
        let mut found = Vec::new();
        for table in self.in_scope(scope) {
            let Some(row) = table.rows.iter().rev().find(|row| row.at <= at) else { continue };
            if row.at <= oldest {
                continue;
            }
            for column in row.layout.accepted(matchers) {
                found.push((Arc::clone(&row.layout.series()[column]), row.at, row.values[column]));
            }
        }
        found
    }

    /// The samples of each matching series after `from` and up to `to` (open on the left, as in Prometheus 3).
    #[must_use]
    pub fn window(&self, scope: &Scope, matchers: &[Matcher], from: Wall, to: Wall) -> Vec<SeriesWindow> {
        let mut found: IndexMap<Arc<Labels>, Vec<(Wall, f64)>> = IndexMap::new();
        for table in self.in_scope(scope) {
            let start = table.rows.partition_point(|row| row.at <= from);
            let mut columns: Option<(u64, Vec<(usize, usize)>)> = None;
            for row in table.rows.range(start..).take_while(|row| row.at <= to) {
                if columns.as_ref().is_none_or(|(hash, _)| *hash != row.layout.hash()) {
                    columns = Some((row.layout.hash(), slots(&mut found, &row.layout, matchers)));
                }
                if let Some((_, columns)) = &columns {
                    for &(column, slot) in columns {
                        found[slot].push((row.at, row.values[column]));
                    }
                }
            }
        }
        found
            .into_iter()
            .filter(|(_, samples)| !samples.is_empty())
            .map(|(labels, samples)| SeriesWindow { labels, samples })
            .collect()
    }

    /// The roll-ups of each matching series whose minute began after `from` and up to `to`, oldest first.
    #[must_use]
    pub fn rollups(&self, scope: &Scope, matchers: &[Matcher], from: Wall, to: Wall) -> Vec<RolledSeries> {
        let mut found: IndexMap<Arc<Labels>, Vec<(Wall, Rollup)>> = IndexMap::new();
        for table in self.in_scope(scope) {
            for row in &table.rollups {
                let at = Wall(row.minute * MINUTE_MILLIS);
                if at <= from || at > to {
                    continue;
                }
                for column in row.layout.accepted(matchers) {
                    let labels = Arc::clone(&row.layout.series()[column]);
                    found.entry(labels).or_default().push((at, row.cells[column]));
                }
            }
        }
        found.into_iter().map(|(labels, minutes)| RolledSeries { labels, minutes }).collect()
    }

    /// The first sample of the scope: how far back any range can reach.
    #[must_use]
    pub fn observed_since(&self, scope: &Scope, name: &str) -> Option<Wall> {
        self.in_scope(scope)
            .filter_map(|table| {
                table.given.contains(name).then_some(())?;
                table.rows.iter().find(|row| row.layout.has(name))
            })
            .map(|row| row.at)
            .min()
    }

    /// The state of every source in scope that gives, or declares without giving, a series of this name.
    pub fn sources_of<'a>(&'a self, scope: &'a Scope, name: &'a str) -> impl Iterator<Item = &'a SourceState> {
        self.in_scope(scope).filter(move |table| table.gives(name)).map(|table| &table.state)
    }

    /// When the truth of some source next changes by time alone.
    #[must_use]
    pub fn wake(&self, now: Boot) -> Option<Boot> {
        self.tables.values().filter_map(|table| table.state.wake(now)).min()
    }

    fn in_scope<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a Table> {
        let places = match scope {
            Scope::Target(target) => self.by_target.get(target).map_or(&[][..], Vec::as_slice),
            Scope::Fleet => &self.fleet,
        };
        places.iter().map(|place| &self.tables[*place])
    }

    /// Drops whole rows, oldest and widest first, until the cap holds.
    fn evict(&mut self) {
        while self.bytes > self.retention.cap_bytes {
            let fullest = self.tables.values_mut().max_by_key(|table| table.rows.iter().map(row_bytes).sum::<usize>());
            let Some((table, row)) = fullest.and_then(|table| table.rows.pop_front().map(|row| (table, row))) else {
                return;
            };
            table.narrowed = table.narrowed.saturating_sub(1);
            self.bytes -= row_bytes(&row);
            self.evicted_rows += 1;
        }
    }
}

const MINUTE_MILLIS: i64 = 60_000;

/// Names remembered of one source.
const NAMES_LIMIT: usize = 20_000;

/// The accepted columns of a layout, each with its place in `found`.
fn slots(
    found: &mut IndexMap<Arc<Labels>, Vec<(Wall, f64)>>,
    layout: &Layout,
    matchers: &[Matcher],
) -> Vec<(usize, usize)> {
    let mut slots = Vec::new();
    for column in layout.accepted(matchers) {
        let entry = found.entry(Arc::clone(&layout.series()[column]));
        slots.push((column, entry.index()));
        entry.or_default();
    }
    slots
}

fn row_bytes(row: &Row) -> usize {
    size_of::<Row>() + size_of_val::<[f64]>(&row.values)
}

impl Table {
    /// Remembers the names of a new layout. A source whose names never stop changing is asked what it still has.
    fn note_names(&mut self, layout: &Layout) {
        if self.given.len() > NAMES_LIMIT {
            self.given = self.rows.iter().flat_map(|row| row.layout.names().cloned()).collect();
        }
        self.given.extend(layout.names().cloned());
    }

    fn gives(&self, name: &str) -> bool {
        self.given.contains(name) || self.state.not_exposed.iter().any(|missing| &**missing == name)
    }

    /// Narrows and drops rows that have had their time; returns the bytes that were freed.
    fn expire(&mut self, now: Wall, named: &BTreeSet<Arc<str>>, retention: &Retention) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        let mut store = Store::new(Retention::default());
        store.declare(SourceState::new(
            "t/n/e/s".into(),
            "t".into(),
            "GET http://127.0.0.1:1/".to_owned(),
            Duration::from_secs(1),
            Duration::from_secs(1),
        ));
        store.keep([Arc::from("kept")], Retention::default());
        store
    }

    fn batch(second: u64, series: &[(&str, f64)]) -> Batch {
        Batch {
            source: "t/n/e/s".into(),
            sent: At { boot: Boot(second * 1000), wall: Wall(second as i64 * 1000) },
            took: Duration::from_millis(3),
            layout: Arc::new(Layout::new(series.iter().map(|(name, _)| Labels::named(name)).collect())),
            values: series.iter().map(|(_, value)| *value).collect(),
            documents: Vec::new(),
            not_exposed: Vec::new(),
            surfaces: Vec::new(),
            clock_skew_seconds: None,
            dropped_series: 0,
            failure: None,
        }
    }

    fn named(name: &str) -> [Matcher; 1] {
        [Matcher::equal(super::super::labels::NAME, name)]
    }

    const FIVE_MINUTES: Duration = Duration::from_secs(300);

    #[test]
    fn a_series_that_leaves_the_answer_is_stale_at_once() {
        let mut store = store();
        store.link(&batch(1, &[("kept", 1.0), ("gone", 7.0)]));
        store.link(&batch(2, &[("kept", 2.0)]));
        let at = |second: i64| store.instant(&Scope::Fleet, &named("gone"), Wall(second * 1000), FIVE_MINUTES);
        assert_eq!(at(1).len(), 1);
        assert!(at(2).is_empty());
    }

    #[test]
    fn a_window_is_open_on_the_left() {
        let mut store = store();
        (1..=5).for_each(|second| store.link(&batch(second, &[("kept", second as f64)])));
        let windows = store.window(&Scope::Fleet, &named("kept"), Wall(2000), Wall(4000));
        assert_eq!(windows.len(), 1);
        assert_eq!(windows[0].samples, [(Wall(3000), 3.0), (Wall(4000), 4.0)]);
    }

    #[test]
    fn old_rows_keep_only_named_series_and_leave_rollups() {
        let mut store = store();
        for second in 1..=1000 {
            store.link(&batch(second, &[("kept", second as f64), ("rest", 0.0)]));
        }
        let count = |name| {
            let windows = store.window(&Scope::Fleet, &named(name), Wall(0), Wall(1_000_000));
            windows.iter().map(|window| window.samples.len()).sum::<usize>()
        };
        assert_eq!(count("rest"), 301);
        assert_eq!(count("kept"), 901);
        let rollups = store.rollups(&Scope::Fleet, &named("kept"), Wall(0), Wall(1_000_000));
        let (at, second_minute) = rollups[0].minutes[0];
        assert_eq!(at, Wall(60_000));
        assert_eq!((second_minute.low, second_minute.high, second_minute.last), (60.0, 119.0, 119.0));
        assert!((second_minute.mean - 89.5).abs() < 0.01);
    }

    #[test]
    fn the_cap_holds_and_says_what_it_cost() {
        let mut store = store();
        store.keep([Arc::from("kept")], Retention { cap_bytes: 4096, ..Retention::default() });
        for second in 1..=500 {
            store.link(&batch(second, &[("kept", 1.0), ("rest", 2.0)]));
        }
        assert!(store.bytes() <= 4096);
        assert!(store.evicted_rows() > 0);
    }

    #[test]
    fn a_row_out_of_order_is_refused_and_counted() {
        let mut store = store();
        store.link(&batch(5, &[("kept", 1.0)]));
        store.link(&batch(4, &[("kept", 9.0)]));
        assert_eq!(store.evicted_rows(), 1);
        store.forget_after(Wall(0));
        store.link(&batch(4, &[("kept", 9.0)]));
        assert_eq!(store.evicted_rows(), 1);
    }
}
