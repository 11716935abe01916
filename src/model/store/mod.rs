//! The store: the last minutes of every series, by source, in rows.
//!
//! A batch is one *row*: a time, a shared [`Layout`] and one value per column, all behind `Arc`s, so that linking a
//! batch in is a push. A clone of the store shares every table with it until the next batch of that source, which then
//! copies pointers: so an evaluation beside the key thread sees one moment, and nobody waits for it. A series that leaves a source's answer is
//! stale from that row on, without markers: the newest row up to a time either has the series or it does not.
//!
//! Retention (design §4): rows keep every series for [`Retention::rest`]; older rows are narrowed to the series that
//! some loaded expression names and live for [`Retention::named`]; named series also leave one-minute roll-ups for
//! [`Retention::rolled`]. The total of rows, layouts and roll-ups is capped. Where it is reached, the widest source
//! gives up its unnamed series first, then its roll-ups, then its oldest rows, and [`Store::evicted_rows`] says so; the
//! newest row of a source stays.

mod backfill;
mod found_out;
pub mod grid;
mod newest;
mod past;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::{Batch, Document, FetchFailure, Labels, Layout, LogLine, Matcher, SourceState};
use crate::base::{At, Boot, SourceId, TargetId, Wall};
pub use grid::{GONE, Grid, Parts};
pub use newest::Newest;
pub use table::Rollup;
use table::{MINUTE_MILLIS, Table};

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

/// How much there is to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    pub series: usize,
    pub samples: usize,
}

impl Extent {
    fn and(self, other: Extent) -> Extent {
        Extent { series: self.series + other.series, samples: self.samples + other.samples }
    }
}

/// Series, roll-ups, documents and source states of every target.
#[derive(Clone, Debug)]
pub struct Store {
    tables: IndexMap<SourceId, Arc<Table>>,
    /// Places in `tables`, by target and of all: most questions are about one target.
    by_target: BTreeMap<TargetId, Vec<usize>>,
    fleet: Vec<usize>,
    /// What each target's server was asked for at start, and what came of it; its samples are in tables of their own.
    backfills: Vec<SourceState>,
    /// What the targets' systems would read, and their configuration names no address for.
    unbound: Vec<SourceState>,
    named: Arc<BTreeSet<Arc<str>>>,
    retention: Retention,
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
            backfills: Vec::new(),
            unbound: Vec::new(),
            named: Arc::default(),
            retention,
            evicted_rows: 0,
            version: 0,
        }
    }

    /// Declares a source before its first poll, so that it can be shown as never polled.
    pub fn declare(&mut self, state: SourceState) {
        let (id, target) = (state.id.clone(), state.target.clone());
        let (place, known) = self.tables.insert_full(id, Arc::new(Table::new(state)));
        if known.is_none() {
            self.by_target.entry(target).or_default().push(place);
            self.fleet.push(place);
        }
    }

    /// Declares what nobody reads, because its target's configuration names no address for it: the reason why nothing
    /// gives what it would.
    pub fn declare_unbound(&mut self, state: SourceState) {
        self.unbound.push(state);
    }

    /// The series names that loaded expressions use, with the retention they need.
    pub fn keep(&mut self, named: impl IntoIterator<Item = Arc<str>>, retention: Retention) {
        self.named = Arc::new(named.into_iter().collect());
        self.retention = retention;
        self.tables.values_mut().for_each(|table| Arc::make_mut(table).renamed());
    }

    /// How long series are kept that no expression names.
    #[must_use]
    pub fn kept_unnamed(&self) -> Duration {
        self.retention.rest
    }

    /// Takes in what one poll brought. A batch of an undeclared source, one whose values are not as many as its
    /// columns, or one older than the source's newest row (a late answer after a clock step back), is counted as
    /// evicted rather than mended.
    pub fn link(&mut self, batch: &Batch) {
        self.version += 1;
        let Some(table) = self.tables.get_mut(&batch.source).map(Arc::make_mut) else {
            self.evicted_rows += 1;
            return;
        };
        table.note(batch);
        if !matches!(batch.failure, Some(FetchFailure::Late { .. })) {
            // Where it is late, nothing was measured, and nothing ended.
            self.push(batch);
            self.settle(&batch.source);
        }
    }

    fn push(&mut self, batch: &Batch) {
        let Some(table) = self.tables.get_mut(&batch.source).map(Arc::make_mut) else { return };
        // A recording can hold anything; a row that does not fit its columns is none.
        let fits = batch.values.len() == batch.layout.series().len();
        if !fits || table.rows.back().is_some_and(|row| row.at >= batch.sent.wall) {
            self.evicted_rows += 1;
            return;
        }
        table.push(batch);
        table.expire(batch.sent.wall, &self.named, &self.retention);
        self.evict();
    }

    /// As [`Store::link`], in the place of the source's newest row where that has the same time: a group of recording
    /// rules adds to its row as it goes.
    pub fn link_again(&mut self, batch: &Batch) {
        if let Some(table) = self.tables.get_mut(&batch.source).map(Arc::make_mut)
            && table.rows.back().is_some_and(|row| row.at == batch.sent.wall)
        {
            table.forget_after(Wall(batch.sent.wall.0 - 1));
        }
        self.link(batch);
    }

    /// Forgets every sample newer than `now`, after the wall clock was set back.
    pub fn forget_after(&mut self, now: Wall) {
        self.version += 1;
        self.tables.values_mut().for_each(|table| Arc::make_mut(table).forget_after(now));
        self.end_backfills(now);
    }

    /// Grows by one with every change: an equal version means equal answers.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Memory of rows, layouts and roll-ups.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.tables.values().map(|table| table.bytes()).sum()
    }

    /// Rows dropped or narrowed to stay under the cap, or refused because they came out of order.
    #[must_use]
    pub fn evicted_rows(&self) -> u64 {
        self.evicted_rows
    }

    /// Every source that is polled.
    pub fn sources(&self) -> impl Iterator<Item = &SourceState> {
        let polled = |state: &&SourceState| state.backfill.is_none() && !state.of_console;
        self.tables.values().map(|table| &table.state).filter(polled)
    }

    #[must_use]
    pub fn source(&self, id: &SourceId) -> Option<&SourceState> {
        self.tables.get(id).map(|table| &table.state)
    }

    pub fn source_mut(&mut self, id: &SourceId) -> Option<&mut SourceState> {
        self.tables.get_mut(id).map(|table| &mut Arc::make_mut(table).state)
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

    /// The newest lines of a source's log, oldest first.
    pub fn lines(&self, id: &SourceId) -> impl DoubleEndedIterator<Item = &LogLine> {
        self.tables.get(id).map(|table| &table.lines).into_iter().flatten()
    }

    /// Every series the target has now, by source: its labels and last value.
    pub fn present<'a>(&'a self, target: &'a TargetId) -> impl Iterator<Item = (&'a Arc<Labels>, f64)> {
        self.tables
            .values()
            .filter(move |table| table.state.target == *target)
            .filter_map(|table| table.rows.back())
            .flat_map(|row| row.layout.series().iter().zip(row.values.iter().copied()))
    }

    /// Whether any source of the target gave a series of this name in its last answer.
    #[must_use]
    pub fn exposes(&self, target: &TargetId, name: &str) -> bool {
        let places = self.by_target.get(target).into_iter().flatten();
        let mut rows = places.filter_map(|place| self.tables[*place].rows.back());
        rows.any(|row| row.layout.has(name))
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
            let Some(row) = table.newest_at(at) else { continue };
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
        self.in_scope(scope).filter(|table| table.has_given(name)).filter_map(|table| table.first_with(name)).min()
    }

    /// How much the scope has of series of this name, or of any, after `from` and up to `to`: at most, and without a
    /// look at their labels.
    #[must_use]
    pub fn extent(&self, scope: &Scope, name: Option<&str>, from: Wall, to: Wall) -> Extent {
        self.in_scope(scope).map(|table| table.extent(name, from, to)).fold(Extent::default(), Extent::and)
    }

    /// The state of every polled source in scope: what is present rests on them, never on what was back-filled.
    pub fn sources_in<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a SourceState> {
        self.in_scope(scope).map(|table| &table.state).filter(|state| state.backfill.is_none())
    }

    /// The state of every polled source in scope that gives, or declares without giving, a series of this name.
    pub fn sources_of<'a>(&'a self, scope: &'a Scope, name: &'a str) -> impl Iterator<Item = &'a SourceState> {
        let polled = self.in_scope(scope).filter(|table| table.state.backfill.is_none());
        polled.filter(move |table| table.gives(name)).map(|table| &table.state)
    }

    /// What nobody in scope reads for want of an address.
    pub fn unbound_in<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = &'a SourceState> {
        self.unbound.iter().filter(move |state| match scope {
            Scope::Target(target) => state.target == *target,
            Scope::Fleet => true,
        })
    }

    /// When the truth of some source next changes by time alone.
    #[must_use]
    pub fn wake(&self, now: Boot) -> Option<Boot> {
        self.tables.values().filter_map(|table| table.state.wake(now)).min()
    }

    fn in_scope<'a>(&'a self, scope: &Scope) -> impl Iterator<Item = &'a Table> + use<'a> {
        let places = match scope {
            Scope::Target(target) => self.by_target.get(target).map_or(&[][..], Vec::as_slice),
            Scope::Fleet => &self.fleet,
        };
        places.iter().map(|place| &*self.tables[*place])
    }

    /// Lets the widest source give up what it can best spare, until the cap holds.
    fn evict(&mut self) {
        let mut excess = self.bytes().saturating_sub(self.retention.cap_bytes);
        while excess > 0 {
            let mut widest: Vec<&mut Arc<Table>> = self.tables.values_mut().collect();
            widest.sort_by_key(|table| std::cmp::Reverse(table.bytes()));
            if !widest.into_iter().any(|table| Arc::make_mut(table).spare(&self.named)) {
                return;
            }
            self.evicted_rows += 1;
            excess = self.bytes().saturating_sub(self.retention.cap_bytes);
        }
    }
}

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

#[cfg(test)]
mod tests;
