//! The past that a server remembered, before the first row of the sources that are polled.
//!
//! Its rows lie in tables of their own that come before all others of the target, so that a window reads a series from
//! both as one. Each of these tables ends with an empty row at the moment from which the console measures itself: what
//! is asked of a moment after that finds nothing of it, whatever the lookback, and only ranges and charts reach back
//! into it. So it covers ranges and is never the present.

use std::sync::Arc;
use std::time::Duration;

use super::{Scope, Store, Table};
use crate::base::{At, SourceId, TargetId, Wall};
use crate::model::{Backfill, Batch, Layout, Scraped, SourceState};

/// Between two samples of a server that scrapes as most do; older roll-ups reach as far as this allows.
const USUAL_INTERVAL: Duration = Duration::from_secs(60);

/// What was taken in of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub series: usize,
    pub samples: usize,
    /// The oldest sample.
    pub since: Option<Wall>,
}

impl Store {
    /// Declares that the past of this state's target will be asked for.
    pub fn declare_backfill(&mut self, state: SourceState) {
        if self.backfills.iter().all(|known| known.id != state.id) {
            self.backfills.push(state.of_past());
        }
    }

    /// What the servers were asked for, and what came of it.
    pub fn backfills(&self) -> impl Iterator<Item = &SourceState> {
        self.backfills.iter()
    }

    /// The same of one target, to be told what came.
    pub fn backfill_mut(&mut self, target: &TargetId) -> Option<&mut SourceState> {
        self.backfills.iter_mut().find(|state| state.target == *target)
    }

    /// Takes in what a server remembered, as far as it is older than what was measured here.
    pub fn link_backfill(&mut self, fill: &Backfill) -> Taken {
        self.version += 1;
        let mut taken = Taken::default();
        for (place, scraped) in fill.scrapes.iter().enumerate() {
            let id = SourceId::new(format!("{}/prometheus/history/{place}", fill.target));
            if self.tables.contains_key(&id) || scraped.layouts.is_empty() {
                continue;
            }
            let end = self.first_measured(&fill.target, scraped).map_or(fill.asked.wall, |at| at.min(fill.asked.wall));
            let Some(mut table) = past_table(&id, fill, scraped, end) else { continue };
            if let Some(first) = table.rows.front() {
                taken.since = Some(taken.since.map_or(first.at, |since| since.min(first.at)));
            }
            let names = scraped.layouts.iter().map(|layout| layout.series().len());
            taken.series += names.max().unwrap_or(0);
            taken.samples += table.rows.iter().map(|row| row.values.len()).sum::<usize>();
            table.expire(fill.asked.wall, &self.named, &self.retention);
            let (at, _) = self.tables.insert_full(id, Arc::new(table));
            // Before all that is polled: a window reads the tables in their order.
            self.by_target.entry(fill.target.clone()).or_default().insert(0, at);
            self.fleet.insert(0, at);
        }
        self.evict();
        taken
    }

    /// Until when the samples of a series name, as far as there are any, are those that a server remembered.
    #[must_use]
    pub fn backfilled_until(&self, scope: &Scope, name: &str) -> Option<Wall> {
        let past = self.in_scope(scope).filter(|table| table.state.backfill.is_some() && table.has_given(name));
        past.filter_map(|table| table.rows.back().map(|row| row.at)).max()
    }

    /// Drops what has had its time; sources that are polled do so with every row.
    pub fn expire_backfills(&mut self, now: Wall) {
        for table in self.tables.values_mut().filter(|table| table.state.backfill.is_some()) {
            Arc::make_mut(table).expire(now, &self.named, &self.retention);
        }
    }

    /// After the clock was set back, what was remembered ends at the latest now.
    pub(super) fn end_backfills(&mut self, now: Wall) {
        for table in self.tables.values_mut().filter(|table| table.state.backfill.is_some()) {
            if table.rows.back().is_some_and(|row| !row.values.is_empty() && row.at < now) {
                let id = table.state.id.clone();
                Arc::make_mut(table).push(&ending(id, now));
            }
        }
    }

    /// The first row of a polled source of the target that has one of these series.
    fn first_measured(&self, target: &TargetId, scraped: &Scraped) -> Option<Wall> {
        let scope = Scope::Target(target.clone());
        let polled = self.in_scope(&scope).filter(|table| table.state.backfill.is_none());
        polled.filter_map(|table| first_with_any(table, scraped)).min()
    }
}

fn first_with_any(table: &Table, scraped: &Scraped) -> Option<Wall> {
    let mut asked: Option<&Arc<Layout>> = None;
    let row = table.rows.iter().find(|row| {
        // Neighbours share their layout, which then needs to be asked once.
        let known = asked.is_some_and(|layout| Arc::ptr_eq(layout, &row.layout));
        asked = Some(&row.layout);
        let has = |labels: &Arc<_>| row.layout.column(labels).is_some();
        !known && scraped.layouts.iter().any(|layout| layout.series().iter().any(has))
    })?;
    Some(row.at)
}

/// The rows before `end`, and there the empty one.
fn past_table(id: &SourceId, fill: &Backfill, scraped: &Scraped, end: Wall) -> Option<Table> {
    let state = SourceState::new(id.clone(), fill.target.clone(), String::new(), USUAL_INTERVAL, Duration::ZERO);
    let mut table = Table::new(state.of_past());
    for row in &scraped.rows {
        let Some(layout) = scraped.layouts.get(row.layout) else { continue };
        // A recording can hold anything; a row that does not fit its columns, or is out of order, is none.
        let fits = layout.series().len() == row.values.len();
        let follows = table.rows.back().is_none_or(|last| last.at < row.at);
        if fits && follows && row.at < end {
            let at = At { wall: row.at, ..fill.asked };
            table.push(&Batch::of(id.clone(), at, Duration::ZERO, Arc::clone(layout), Arc::clone(&row.values)));
        }
    }
    table.rows.back()?;
    table.push(&ending(id.clone(), end));
    Some(table)
}

/// A row without a series: from there on all are gone.
fn ending(id: SourceId, at: Wall) -> Batch {
    let nothing = Arc::new(Layout::new(Vec::new()));
    Batch::of(id, At { wall: at, ..At::default() }, Duration::ZERO, nothing, [])
}
