//! The newest row of each source, as far as a selector reaches: what is true at one moment, without a copy.

use std::sync::Arc;
use std::time::Duration;

use super::table::{Row, Table};
use super::{Scope, Store};
use crate::base::Wall;
use crate::model::{Columns, Labels, Layout, Matchers};

/// Some series of one row; at least one.
#[derive(Clone, Debug)]
pub struct Newest {
    pub taken: Wall,
    layout: Arc<Layout>,
    columns: Columns,
    values: Arc<[f64]>,
}

impl Newest {
    fn of(row: &Row, matchers: &Matchers) -> Option<Newest> {
        let columns = matchers.columns(&row.layout);
        let (layout, values) = (Arc::clone(&row.layout), Arc::clone(&row.values));
        (!columns.of(&layout).is_empty()).then_some(Newest { taken: row.at, layout, columns, values })
    }

    /// Each series with its value.
    pub fn samples(&self) -> impl Iterator<Item = (&Arc<Labels>, f64)> {
        let columns = self.columns.of(&self.layout).iter();
        columns.map(|column| (self.layout.labels(*column), self.values[*column as usize]))
    }

    /// Their values alone.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.columns.of(&self.layout).iter().map(|column| self.values[*column as usize])
    }

    /// The value of exactly this series, if it is one of them.
    #[must_use]
    pub fn value(&self, labels: &Labels) -> Option<f64> {
        let column = self.layout.column(labels)?;
        let among = self.columns.of(&self.layout).binary_search(&(column as u32)).is_ok();
        among.then(|| self.values[column])
    }
}

impl Store {
    /// What the newest row of each source up to `at` has of these series, where it is not as old as `lookback`.
    #[must_use]
    pub fn newest(&self, scope: &Scope, matchers: &Matchers, at: Wall, lookback: Duration) -> Vec<Newest> {
        self.in_scope(scope).filter_map(|table| Newest::of(table.newest_within(at, lookback)?, matchers)).collect()
    }

    /// Whether it can be told without looking at any sample that every series of [`Store::newest`] has this many of
    /// them after `from`: the newest rows of its source have the same columns.
    #[must_use]
    pub fn have_samples(
        &self,
        scope: &Scope,
        matchers: &Matchers,
        (from, to): (Wall, Wall),
        lookback: Duration,
        least: usize,
    ) -> bool {
        let asked = |table: &&Table| {
            let newest = table.newest_within(to, lookback);
            newest.is_some_and(|row| !matchers.columns(&row.layout).of(&row.layout).is_empty())
        };
        self.in_scope(scope).filter(asked).all(|table| table.alike_since(from, to) >= least)
    }
}

impl Table {
    fn newest_within(&self, at: Wall, lookback: Duration) -> Option<&Row> {
        self.newest_at(at).filter(|row| row.at > at.minus(lookback))
    }

    /// How many rows up to `to` have the columns of the last of them, counted back to `from` or to the first that has
    /// others.
    fn alike_since(&self, from: Wall, to: Wall) -> usize {
        let end = self.rows.partition_point(|row| row.at <= to);
        let mut rows = self.rows.range(..end).rev().take_while(|row| row.at > from);
        let Some(newest) = rows.next() else { return 0 };
        1 + rows.take_while(|row| row.layout.hash() == newest.layout.hash()).count()
    }
}
