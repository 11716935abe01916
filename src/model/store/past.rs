//! What charts and lists ask of the store, beyond the present: roll-ups where raw samples have had their time, and
//! every series that is still known.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use super::table::{MINUTE_MILLIS, RollupRow, Row, Table};
use super::{Scope, SeriesWindow, Store};
use crate::base::{At, TargetId, Wall};
use crate::model::{Document, Labels, Layout, Matcher, SourceState};

/// How old a rolled-up minute may be and still stand for its series: a minute in which nothing came leaves none.
pub(super) const ROLLED_LOOKBACK: Duration = Duration::from_secs(2 * 60);

impl Store {
    /// As [`Store::instant`], and from the last value of each rolled-up minute where a source has no raw sample that
    /// is old enough.
    #[must_use]
    pub fn instant_past(
        &self,
        scope: &Scope,
        matchers: &[Matcher],
        at: Wall,
        lookback: Duration,
    ) -> Vec<(Arc<Labels>, Wall, f64)> {
        let mut found = Vec::new();
        for table in self.in_scope(scope) {
            let end = table.rows.partition_point(|row| row.at <= at);
            if let Some(row) = end.checked_sub(1).and_then(|last| table.rows.get(last)) {
                if row.at > at.minus(lookback) {
                    take(&row.layout, matchers, |column| row.values[column], row.at, &mut found);
                }
                continue;
            }
            let end = table.rollups.partition_point(|row| ended(row) <= at);
            let reach = ROLLED_LOOKBACK.max(table.state.interval * 2).min(lookback);
            let rolled = end.checked_sub(1).and_then(|last| table.rollups.get(last));
            if let Some(row) = rolled.filter(|row| ended(row) > at.minus(reach)) {
                take(&row.layout, matchers, |column| f64::from(row.cells[column].last), ended(row), &mut found);
            }
        }
        found
    }

    /// As [`Store::window`], with the last value of each rolled-up minute before a source's first raw sample.
    #[must_use]
    pub fn window_past(&self, scope: &Scope, matchers: &[Matcher], from: Wall, to: Wall) -> Vec<SeriesWindow> {
        let mut windows = self.window(scope, matchers, from, to);
        for table in self.in_scope(scope) {
            let first_raw = table.rows.front().map_or(to, |row| row.at);
            let start = table.rollups.partition_point(|row| ended(row) <= from);
            let mut older: Vec<SeriesWindow> = Vec::new();
            for row in table.rollups.range(start..).take_while(|row| ended(row) < first_raw && ended(row) <= to) {
                for column in row.layout.accepted(matchers) {
                    let labels = &row.layout.series()[column];
                    let sample = (ended(row), f64::from(row.cells[column].last));
                    match older.iter_mut().find(|window| window.labels == *labels) {
                        Some(window) => window.samples.push(sample),
                        None => older.push(SeriesWindow { labels: Arc::clone(labels), samples: vec![sample] }),
                    }
                }
            }
            for mut old in older {
                match windows.iter_mut().find(|window| window.labels == old.labels) {
                    Some(window) => {
                        old.samples.append(&mut window.samples);
                        window.samples = old.samples;
                    }
                    None => windows.push(old),
                }
            }
        }
        windows
    }

    /// The oldest raw sample of any source that gives a series of one of these names: what is older was rolled up.
    #[must_use]
    pub fn raw_since<'a>(&self, scope: &Scope, names: impl Iterator<Item = &'a str>) -> Option<Wall> {
        names
            .flat_map(|name| self.in_scope(scope).filter(move |table| table.has_given(name)))
            // Without roll-ups nothing was rolled up: before its first row it gave nothing.
            .filter(|table| !table.rollups.is_empty())
            .filter_map(|table| table.rows.front().map(|row| row.at))
            .max()
    }

    /// The newest sample of exactly this series, however old, and when it was taken.
    #[must_use]
    pub fn last(&self, scope: &Scope, labels: &Labels) -> Option<(Wall, f64)> {
        let newest = self.in_scope(scope).filter_map(|table| newest_of(table, labels));
        newest.max_by_key(|(at, _)| *at)
    }

    /// The state of every source that gives exactly this series, or gave it until it began to fail.
    pub fn giving<'a>(&'a self, scope: &'a Scope, labels: &'a Labels) -> impl Iterator<Item = &'a SourceState> {
        self.in_scope(scope).filter(|table| newest_of(table, labels).is_some()).map(|table| &table.state)
    }

    /// Every series of a target that its sources give, or gave until they fell silent; in order, each once.
    #[must_use]
    pub fn known(&self, target: &TargetId) -> Vec<Arc<Labels>> {
        let scope = Scope::Target(target.clone());
        let layouts = self.in_scope(&scope).flat_map(newest_layouts);
        let mut known: Vec<Arc<Labels>> = layouts.flat_map(|layout| layout.series().iter().cloned()).collect();
        known.sort_unstable();
        known.dedup();
        known
    }

    /// Equal as long as [`Store::known`] is.
    #[must_use]
    pub fn shape(&self, target: &TargetId) -> u64 {
        let scope = Scope::Target(target.clone());
        let mut hasher = DefaultHasher::new();
        for table in self.in_scope(&scope) {
            newest_layouts(table).for_each(|layout| layout.hash().hash(&mut hasher));
            0_u64.hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Every document of a target, and when it was fetched.
    pub fn documents<'a>(&'a self, target: &'a TargetId) -> impl Iterator<Item = (&'a Document, At)> {
        self.tables
            .values()
            .filter(move |table| table.state.target == *target)
            .flat_map(|table| &table.documents)
            .map(|(document, at)| (document, *at))
    }
}

/// A rolled-up minute counts from its end on.
pub(super) fn ended(row: &RollupRow) -> Wall {
    Wall((row.minute + 1) * MINUTE_MILLIS - 1)
}

fn take(
    layout: &Layout,
    matchers: &[Matcher],
    value: impl Fn(usize) -> f64,
    at: Wall,
    found: &mut Vec<(Arc<Labels>, Wall, f64)>,
) {
    let columns = layout.accepted(matchers).into_iter();
    found.extend(columns.map(|column| (Arc::clone(&layout.series()[column]), at, value(column))));
}

/// The layout of the newest row, and the one before it: a source that fails gives next to nothing in its newest row.
fn newest_layouts(table: &Table) -> impl Iterator<Item = &Arc<Layout>> {
    let newest = table.rows.back().map(|row| &row.layout);
    let before = newest.and_then(|newest| before(table, newest));
    newest.into_iter().chain(before.map(|row| &row.layout))
}

/// The newest row whose columns differ from these, of a source that fails: what it gave until then.
fn before<'a>(table: &'a Table, newest: &Layout) -> Option<&'a Row> {
    table.state.failure.as_ref()?;
    table.rows.iter().rev().find(|row| row.layout.hash() != newest.hash())
}

fn newest_of(table: &Table, labels: &Labels) -> Option<(Wall, f64)> {
    let of_row = |row: &Row| row.layout.column(labels).map(|column| (row.at, row.values[column]));
    let newest = table.rows.back()?;
    of_row(newest).or_else(|| of_row(before(table, &newest.layout)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Boot;
    use crate::model::store::{Retention, Store};
    use crate::model::{Batch, FetchFailure};

    fn at(second: i64) -> At {
        At { boot: Boot(second as u64 * 1000), wall: Wall(second * 1000) }
    }

    /// A source that counts seconds, named, from 0 to the end; without an answer where `silent` says so.
    fn counting(until: i64, silent: impl Fn(i64) -> bool) -> Store {
        let mut store = Store::new(Retention::default());
        let ten = Duration::from_secs(10);
        store.declare(SourceState::new("t/n/e/s".into(), "t".into(), String::new(), ten, ten));
        store.keep([Arc::from("x")], Retention::default());
        for second in (0..=until).step_by(10) {
            let series = if silent(second) { vec![] } else { vec![Labels::named("x"), Labels::named("y")] };
            let values = vec![second as f64; series.len()];
            let layout = Arc::new(Layout::new(series));
            let failure = silent(second).then_some(FetchFailure::Refused);
            let batch = Batch::of("t/n/e/s".into(), at(second), ten, layout, values);
            store.link(&Batch { failure, ..batch });
        }
        store
    }

    #[test]
    fn the_past_is_read_from_roll_ups_where_raw_samples_are_gone() {
        let store = counting(3_600, |second| (600..1_200).contains(&second));
        let scope = Scope::Target("t".into());
        let lookback = Duration::from_secs(300);
        let value = |second: i64| {
            let found = store.instant_past(&scope, &[Matcher::equal("__name__", "x")], at(second).wall, lookback);
            found.first().map(|(_, _, value)| *value)
        };
        assert_eq!(value(3_600), Some(3_600.0));
        // Older than the fifteen minutes of raw samples: the last value of the minute before.
        assert_eq!(value(1_800), Some(1_790.0));
        assert_eq!(value(900), None);
        assert!(store.instant(&scope, &[Matcher::equal("__name__", "x")], at(1_800).wall, lookback).is_empty());
        // What nothing names leaves no roll-ups.
        assert!(store.instant_past(&scope, &[Matcher::equal("__name__", "y")], at(1_800).wall, lookback).is_empty());

        let windows = store.window_past(&scope, &[Matcher::equal("__name__", "x")], at(2_400).wall, at(3_600).wall);
        let samples = &windows[0].samples;
        assert!(samples.is_sorted_by(|a, b| a.0 < b.0), "{samples:?}");
        assert_eq!((samples[0].1, samples[samples.len() - 1].1), (2_450.0, 3_600.0));
        assert_eq!(store.raw_since(&scope, ["x"].into_iter()), Some(at(2_700).wall));
    }

    #[test]
    fn a_source_that_fell_silent_is_still_known_by_its_series() {
        let store = counting(100, |second| second > 50);
        let target: TargetId = "t".into();
        let names: Vec<String> = store.known(&target).iter().map(|labels| labels.to_string()).collect();
        assert_eq!(names, ["x", "y"]);
        let scope = Scope::Target(target.clone());
        assert_eq!(store.last(&scope, &Labels::named("x")), Some((at(50).wall, 50.0)));
        assert_eq!(store.last(&scope, &Labels::named("z")), None);
        assert_eq!(store.giving(&scope, &Labels::named("x")).count(), 1);
        assert_ne!(store.shape(&target), counting(20, |_| false).shape(&target));
        assert_eq!(counting(10, |_| false).shape(&target), counting(20, |_| false).shape(&target));
    }
}
