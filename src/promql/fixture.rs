//! A store to test against: sources that answer, fail or fall silent at given seconds.

use std::sync::Arc;
use std::time::Duration;

use crate::base::{At, Boot, SourceId, Wall};
use crate::model::{Batch, FetchFailure, Labels, Layout, Retention, SourceState, Store};

/// How far apart the clocks of a test are: mixing them up fails it.
const BOOT_BEFORE_WALL: i64 = 5_000;

pub(crate) struct World {
    pub(crate) store: Store,
    /// Seconds that the wall clock was set forward so far.
    pub(crate) jump: i64,
}

/// A second on both clocks; the boot clock started 5000 s before the wall clock's zero.
pub(crate) fn at(second: i64) -> At {
    At { boot: Boot(((second + BOOT_BEFORE_WALL) * 1000) as u64), wall: Wall(second * 1000) }
}

impl World {
    /// Sources of the target `t`, named `node/endpoint/source`, polled every ten seconds with two to answer.
    pub(crate) fn new(sources: &[&str]) -> World {
        let mut store = Store::new(Retention::default());
        for source in sources {
            let (interval, timeout) = (Duration::from_secs(10), Duration::from_secs(2));
            let address = format!("GET http://{source}");
            store.declare(SourceState::new(id(source), "t".into(), address, interval, timeout));
        }
        World { store, jump: 0 }
    }

    /// Keeps these names beyond five minutes.
    pub(crate) fn keep(&mut self, names: &[&str], longest: Duration) {
        self.store.keep(names.iter().map(|name| Arc::from(*name)), Retention::covering(longest));
    }

    /// A second on both clocks, the wall clock's jumps included.
    pub(crate) fn at(&self, second: i64) -> At {
        let at = at(second);
        At { wall: Wall(at.wall.0 + self.jump * 1000), ..at }
    }

    /// An answer with series written as `name{label=value}`.
    pub(crate) fn row(&mut self, source: &str, second: i64, series: &[(&str, f64)]) {
        self.batch(source, second, series, &[], None);
    }

    /// An answer that declares series without giving them.
    pub(crate) fn row_without(&mut self, source: &str, second: i64, series: &[(&str, f64)], missing: &[&str]) {
        self.batch(source, second, series, missing, None);
    }

    /// A poll that nothing answers: only `up` remains, and is 0.
    pub(crate) fn refused(&mut self, source: &str, second: i64) {
        self.batch(source, second, &[("up", 0.0)], &[], Some(FetchFailure::Refused));
    }

    fn batch(
        &mut self,
        source: &str,
        second: i64,
        series: &[(&str, f64)],
        missing: &[&str],
        failure: Option<FetchFailure>,
    ) {
        let layout = Arc::new(Layout::new(series.iter().map(|(text, _)| labels(text)).collect()));
        let values: Vec<f64> = series.iter().map(|(_, value)| *value).collect();
        let batch = Batch {
            not_exposed: missing.iter().map(|name| Arc::from(*name)).collect(),
            failure,
            ..Batch::of(id(source), self.at(second), Duration::from_millis(3), layout, values)
        };
        self.store.link(&batch);
    }
}

/// `name{label=value,label=value}`, without quotes.
pub(crate) fn labels(text: &str) -> Labels {
    let (name, rest) = text.split_once('{').unwrap_or((text, "}"));
    rest.trim_end_matches('}')
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .fold(Labels::named(name), |labels, (name, value)| labels.with(name, value))
}

fn id(source: &str) -> SourceId {
    SourceId::new(format!("t/{source}"))
}
