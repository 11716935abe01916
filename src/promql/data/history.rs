//! Samples of many series, and how they come into a store: all at once, or as far as a time has come.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::{BadText, Given, metric, values};
use crate::base::{At, Boot, SourceId, TargetId, Wall};
use crate::model::store::GONE;
use crate::model::{Batch, Labels, Layout, Retention, SourceState, Store};

/// Nothing is ever forgotten: what is read or written by hand is all there is, and it is bounded where it is read.
const FOREVER: Duration = Duration::from_secs(1 << 40);

/// The samples of every series.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// By time; [`GONE`] where the series has left.
    series: IndexMap<Labels, Vec<(Wall, f64)>>,
}

impl History {
    /// Adds a series in the notation of a test: the first item is of `start`, each next of `interval` later. A series
    /// that is given again replaces what was given before.
    ///
    /// # Errors
    /// The series or its samples are not of that notation.
    pub fn give(&mut self, series: &str, samples: &str, start: Wall, interval: Duration) -> Result<(), BadText> {
        let labels = metric(series)?;
        if series.trim().is_empty() {
            return Err(BadText::at(series, 0, "samples need a series"));
        }
        let mut at = start;
        let mut read = Vec::new();
        for given in values(samples)? {
            match given {
                Given::Value(value) => read.push((at, value)),
                Given::Stale => read.push((at, GONE)),
                Given::Nothing => {}
            }
            at = at.plus(interval);
        }
        // Without an interval all are of one time, of which the first stays.
        read.dedup_by_key(|(at, _)| *at);
        self.series.insert(labels, read);
        Ok(())
    }

    /// Adds one sample. Says whether the series had none of that time before.
    pub fn push(&mut self, labels: Labels, at: Wall, value: f64) -> bool {
        let samples = self.series.entry(labels).or_default();
        let place = samples.partition_point(|(have, _)| *have < at);
        let new = samples.get(place).is_none_or(|(have, _)| *have != at);
        if new {
            samples.insert(place, (at, value));
        }
        new
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.values().all(Vec::is_empty)
    }

    /// The time of the newest sample.
    #[must_use]
    pub fn last(&self) -> Option<Wall> {
        self.series.values().filter_map(|samples| samples.last().map(|(at, _)| *at)).max()
    }
}

/// A store that holds all of a history and keeps it.
#[must_use]
pub fn store(history: History) -> Store {
    let mut store = Feed::store();
    Feed::new(history, &mut store).until(&mut store, Wall(i64::MAX));
    store
}

/// A history on its way into a store. Series that were sampled at the same times are columns of one source.
#[derive(Debug)]
pub struct Feed {
    sources: Vec<VecDeque<Batch>>,
}

impl Feed {
    /// An empty store that keeps everything it is given.
    #[must_use]
    pub fn store() -> Store {
        Store::new(Retention { named: FOREVER, rest: FOREVER, rolled: FOREVER, cap_bytes: usize::MAX })
    }

    /// Declares the sources in the store; nothing is in it yet.
    #[must_use]
    pub fn new(history: History, store: &mut Store) -> Feed {
        let mut groups: IndexMap<Vec<Wall>, Vec<Column>> = IndexMap::new();
        for (labels, samples) in history.series.into_iter().filter(|(_, samples)| !samples.is_empty()) {
            let times = samples.iter().map(|(at, _)| *at).collect();
            let values = samples.into_iter().map(|(_, value)| value).collect();
            groups.entry(times).or_default().push(Column { labels: Arc::new(labels), values });
        }
        let sources = groups.into_iter().enumerate().map(|(number, (times, columns))| {
            let id = source(store, &format!("series-{number}"));
            rows(&id, &times, &columns)
        });
        Feed { sources: sources.collect() }
    }

    /// Links every sample up to this time, itself included.
    pub fn until(&mut self, store: &mut Store, at: Wall) {
        for rows in &mut self.sources {
            while rows.front().is_some_and(|row| row.sent.wall <= at) {
                if let Some(row) = rows.pop_front() {
                    store.link(&row);
                }
            }
        }
    }
}

/// One series of a source.
struct Column {
    labels: Arc<Labels>,
    values: Vec<f64>,
}

/// Declares a source of the store that nothing polls.
pub fn source(store: &mut Store, name: &str) -> SourceId {
    let target = TargetId::from("data");
    let id = SourceId::new(format!("{target}/{name}"));
    store.declare(SourceState::new(id.clone(), target, String::new(), Duration::from_secs(60), Duration::ZERO));
    id
}

/// The row of one time: these series and no others, so that those of the row before are stale.
#[must_use]
pub fn row(id: &SourceId, at: Wall, layout: Arc<Layout>, values: Vec<f64>) -> Batch {
    // There is no other clock than the one of the samples.
    let sent = At { boot: Boot(u64::try_from(at.0).unwrap_or(0)), wall: at };
    Batch::of(id.clone(), sent, Duration::ZERO, layout, values)
}

fn rows(id: &SourceId, times: &[Wall], columns: &[Column]) -> VecDeque<Batch> {
    let whole = Arc::new(Layout::of(columns.iter().map(|column| Arc::clone(&column.labels)).collect()));
    let is_gone = |value: f64| value.to_bits() == GONE.to_bits();
    let of_time = |(turn, at): (usize, &Wall)| {
        let there: Vec<usize> = (0..columns.len()).filter(|column| !is_gone(columns[*column].values[turn])).collect();
        let values = there.iter().map(|column| columns[*column].values[turn]).collect();
        let layout = if there.len() == columns.len() { Arc::clone(&whole) } else { Arc::new(whole.project(&there)) };
        row(id, *at, layout, values)
    };
    times.iter().enumerate().map(of_time).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;
    use crate::promql::{Expr, Value, evaluate};

    const MINUTE: Duration = Duration::from_secs(60);

    fn told(store: &Store, expr: &str, minute: i64) -> String {
        let expr = Expr::parse(expr).expect(expr);
        match evaluate(&expr, store, &Scope::Fleet, Wall(minute * 60_000)) {
            Ok(Value::Vector(samples)) => {
                samples.iter().map(|sample| format!("{}={}", sample.labels, sample.value)).collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_gap_is_looked_over_and_a_series_that_left_is_not() {
        let mut history = History::default();
        for (series, samples) in [("x{a=\"1\"}", "1 _ 3"), ("x{a=\"2\"}", "1 stale 3"), ("y", "7x9"), ("y", "1 2 3")] {
            history.give(series, samples, Wall(0), MINUTE).expect(series);
        }
        assert_eq!(history.last(), Some(Wall(120_000)));
        let store = store(history);
        assert_eq!(told(&store, "x", 0), r#"x{a="1"}=1 x{a="2"}=1"#);
        assert_eq!(told(&store, "x", 1), r#"x{a="1"}=1"#);
        assert_eq!(told(&store, "x", 2), r#"x{a="1"}=3 x{a="2"}=3"#);
        assert_eq!(told(&store, "x", 7), "", "five minutes after the last sample");
        assert_eq!(told(&store, "count_over_time(x[10m])", 2), r#"{a="1"}=2 {a="2"}=2"#);
        assert_eq!(told(&store, "y", 2), "y=3", "the later series counts");
    }

    #[test]
    fn nothing_is_known_before_its_time() {
        let mut history = History::default();
        history.give("x", "1+1x5", Wall(0), MINUTE).expect("x");
        let mut store = Feed::store();
        let mut feed = Feed::new(history, &mut store);
        feed.until(&mut store, Wall(60_000));
        assert_eq!(told(&store, "x", 4), "x=2");
        feed.until(&mut store, Wall(i64::MAX));
        assert_eq!(told(&store, "x", 4), "x=5");
        assert_eq!(store.evicted_rows(), 0);
    }

    #[test]
    fn without_an_interval_the_first_sample_stays() {
        let mut history = History::default();
        history.give("x", "1 2 3", Wall(0), Duration::ZERO).expect("x");
        assert_eq!(told(&store(history), "x", 1), "x=1");
    }

    #[test]
    fn a_sample_is_told_once() {
        let mut history = History::default();
        assert!(history.is_empty());
        let x = || Labels::named("x");
        assert!(history.push(x(), Wall(60_000), 2.0));
        assert!(history.push(x(), Wall(0), 1.0));
        assert!(!history.push(x(), Wall(0), 3.0));
        let store = store(history);
        assert_eq!(told(&store, "x", 0), "x=1");
        assert_eq!(told(&store, "x", 1), "x=2");
    }
}
