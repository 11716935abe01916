//! The past that the servers of targets remember: asked for at start, taken in when it comes.
//!
//! Must never: let anything of it stand for the present. It fills ranges and charts; what is true now only polled
//! sources say.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{App, Effect, setup};
use crate::base::text::count;
use crate::base::time::spoken;
use crate::base::{Severity, SourceId};
use crate::model::{Backfill, Batch, Layout, Retention, SourceState};
use crate::panes::model::Target;
use crate::sources::backfill::BackfillPlan;
use crate::sources::server::{When, path};

/// The longest past that is asked for, whatever an expression's range.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

impl App {
    /// Asks the server of every target that names one for what loaded expressions name.
    pub(super) fn ask_for_the_past(&mut self, effects: &mut Vec<Effect>) {
        let reach = Retention::covering(self.named.1).named.min(LONGEST);
        for target in &self.model.targets {
            let Some(spec) = &target.spec.prometheus else { continue };
            let (mut names, _) = setup::expressions(std::slice::from_ref(target), &self.model.alerts);
            // Objectives are of every target that has them.
            names.extend(self.slos.needs().0);
            let server = spec.server();
            self.model.store.declare_backfill(declared(target, &server.url));
            let names = names.into_iter().collect::<BTreeSet<Arc<str>>>().into_iter();
            let of = (server, spec.matchers.as_deref());
            let plan = BackfillPlan::new(target.id.clone(), of, names, reach, &target.sources);
            effects.push(Effect::Backfill(Box::new(plan)));
        }
    }

    /// Takes in what a server remembered, and says what came of it.
    pub(super) fn backfilled(&mut self, fill: &Backfill) {
        let taken = self.model.store.link_backfill(fill);
        let Some(spec) = self.target_index(&fill.target).and_then(|at| self.model.targets[at].spec.prometheus.clone())
        else {
            return;
        };
        let Some(state) = self.model.store.backfill_mut(&fill.target) else { return };
        let from = format!("prometheus at {}", spec.url);
        let batch = Batch::of(state.id.clone(), fill.asked, fill.took, Arc::new(Layout::new(Vec::new())), []);
        state.note(&Batch { failure: fill.failure.clone(), ..batch });
        state.series = taken.series;
        state.dropped_series = fill.untold as u64;
        let series = format!("{} series", taken.series);
        let mut said = match (&fill.failure, taken.since) {
            (Some(failure), _) => format!(
                "the past of {} is not filled in from {from}: {failure}; ranges and charts begin at the start of this \
                 console",
                fill.target
            ),
            (None, None) => format!(
                "{from} has nothing of {}: see in its configuration that matchers, or the instance of each endpoint, \
                 are those that the server knows",
                fill.target
            ),
            (None, Some(since)) => {
                let length = spoken(fill.asked.wall.since(since));
                format!("back-filled {length} of {series} ({}) from {from}", count(taken.samples, "sample"))
            }
        };
        let mut troubled = fill.failure.is_some() || taken.since.is_none();
        if fill.untold > 0 && fill.failure.is_none() {
            let untold = format!("{} left out, because no label tells which node they are of", series_of(fill.untold));
            said = format!("{said}; {untold}");
        }
        if let Some(limit) = &fill.limit {
            troubled = true;
            said = format!("{said}; not all: {limit}");
        }
        state.backfill = Some(said.clone());
        if troubled {
            self.banner(Severity::Warning, said);
        }
        if taken.since.is_some() {
            self.refreshed.history = true;
            // What was warming up may be covered now.
            self.refreshed.answered = true;
        }
        self.urgent = true;
    }
}

fn series_of(series: usize) -> String {
    format!("{series} series")
}

/// A server before it was asked.
fn declared(target: &Target, url: &str) -> SourceState {
    let id = SourceId::new(format!("{}/prometheus/history", target.id));
    let address = format!("GET {} at {url}", path(When::At(crate::base::Wall(0))));
    SourceState::new(id, target.id.clone(), address, Duration::ZERO, Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{At, Wall};
    use crate::model::{FetchFailure, Labels, PastRow, Scope, Scraped};
    use crate::promql::fixture::World;
    use crate::promql::{Expr, Value, evaluate, truth};

    /// Rows of `x{node=a}` at these seconds with these values; where there is none, the scrape came without it.
    fn fill(asked: At, rows: &[(i64, Option<f64>)]) -> Backfill {
        let x = Arc::new(Layout::new(vec![Labels::named("x").with("node", "a")]));
        let nothing = Arc::new(Layout::new(Vec::new()));
        let row = |(second, value): &(i64, Option<f64>)| PastRow {
            at: Wall(second * 1000),
            layout: usize::from(value.is_none()),
            values: value.iter().copied().collect(),
        };
        let scrape = Scraped { layouts: vec![x, nothing], rows: rows.iter().map(row).collect() };
        let nothing = FetchFailure::Refused;
        let empty = Backfill::failed("t".into(), asked, Duration::ZERO, nothing);
        Backfill { failure: None, scrapes: vec![scrape], ..empty }
    }

    fn counting(seconds: impl Iterator<Item = i64>) -> Vec<(i64, Option<f64>)> {
        seconds.map(|second| (second, Some(second as f64))).collect()
    }

    fn world() -> World {
        let mut world = World::new(&["a/e/s"]);
        world.keep(&["x"], Duration::from_secs(300));
        world
    }

    fn words(world: &World, source: &str, second: i64) -> String {
        let (now, expr) = (world.at(second), Expr::parse(source).expect(source));
        truth(&expr, &world.store, &Scope::Fleet, now).words(now.boot)
    }

    fn values(world: &World, source: &str, second: i64) -> Vec<f64> {
        let expr = Expr::parse(source).expect(source);
        match evaluate(&expr, &world.store, &Scope::Fleet, world.at(second).wall).expect(source) {
            Value::Vector(samples) => samples.into_iter().map(|sample| sample.value).collect(),
            Value::Scalar(value) => vec![value],
        }
    }

    #[test]
    fn the_past_covers_ranges_and_is_never_the_present() {
        let mut world = world();
        let past = fill(world.at(1_000), &counting((600..1_000).step_by(10)));
        assert_eq!(world.store.link_backfill(&past).series, 1);
        // Nobody has measured anything yet, whatever a server remembers.
        assert_eq!(words(&world, "x", 1_000), "not polled yet");
        assert_eq!(words(&world, "rate(x[1m])", 1_000), "not polled yet");
        assert!(values(&world, "x", 1_000).is_empty() && values(&world, "x", 1_001).is_empty());
        assert_eq!(values(&world, "x", 955), [950.0]);

        world.row("a/e/s", 1_002, &[("x{node=a}", 1_002.0)]);
        assert_eq!(words(&world, "x", 1_002), "");
        assert_eq!(words(&world, "rate(x[5m])", 1_002), "", "covered from the first answer on");
        assert_eq!(values(&world, "rate(x[1m])", 1_002).len(), 1, "one series, before and after");
        assert!((values(&world, "rate(x[1m])", 1_002)[0] - 1.0).abs() < 1e-9);
        assert_eq!(values(&world, "count_over_time(x[5m])", 1_002), [30.0]);

        // What its source no longer gives, or can not give, is not kept present by the past.
        world.row("a/e/s", 1_012, &[("y", 1.0)]);
        assert_eq!(words(&world, "x", 1_012), "absent");
        world.refused("a/e/s", 1_022);
        assert!(words(&world, "x", 1_022).starts_with("connection refused"));
        assert!(values(&world, "x", 1_022).is_empty());
    }

    #[test]
    fn without_the_past_a_range_warms_up() {
        let mut world = world();
        world.row("a/e/s", 1_002, &[("x{node=a}", 1_002.0)]);
        assert_eq!(words(&world, "rate(x[5m])", 1_002), "warming up (0ms of 5m 00s)");
    }

    #[test]
    fn what_nobody_measures_here_is_not_present_either() {
        let mut world = world();
        world.store.link_backfill(&fill(world.at(1_000), &counting((600..1_000).step_by(10))));
        world.row("a/e/s", 1_002, &[("y", 1.0)]);
        assert_eq!(words(&world, "x", 1_002), "absent");
        assert_eq!(words(&world, "rate(x[1m])", 1_002), "absent");
        assert_eq!(world.store.present(&"t".into()).count(), 1);
    }

    #[test]
    fn no_sample_is_taken_twice() {
        let mut world = world();
        for second in [940, 950, 1_001] {
            world.row("a/e/s", second, &[("x{node=a}", second as f64)]);
        }
        let taken = world.store.link_backfill(&fill(world.at(1_000), &counting((900..1_000).step_by(5))));
        assert_eq!((taken.samples, taken.since), (8, Some(Wall(900_000))));
        assert_eq!(values(&world, "count_over_time(x[5m])", 1_001), [11.0]);
        let again = fill(world.at(1_000), &counting(0..10));
        assert_eq!(world.store.link_backfill(&again).samples, 0, "a past is taken in once");
        assert_eq!(values(&world, "x", 955), [950.0]);
    }

    #[test]
    fn a_gap_of_the_server_stays_one() {
        let mut world = world();
        let rows = [(900, Some(1.0)), (910, None), (920, Some(2.0)), (930, Some(f64::NAN))];
        world.store.link_backfill(&fill(world.at(1_000), &rows));
        assert_eq!(values(&world, "x", 905), [1.0]);
        assert!(values(&world, "x", 915).is_empty(), "gone with that scrape, not five minutes later");
        assert_eq!(values(&world, "x", 925), [2.0]);
        assert!(values(&world, "x", 935)[0].is_nan());
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_present_of_the_past() {
        let mut world = world();
        world.store.link_backfill(&fill(world.at(1_000), &counting((900..1_000).step_by(10))));
        world.store.forget_after(Wall(955_000));
        assert!(values(&world, "x", 955).is_empty() && values(&world, "x", 957).is_empty());
        assert_eq!(values(&world, "x", 945), [940.0]);
    }

    #[test]
    fn a_past_that_has_had_its_time_is_dropped() {
        let mut world = world();
        world.store.link_backfill(&fill(world.at(1_000), &counting((100..1_000).step_by(10))));
        let before = world.store.bytes();
        world.store.expire_backfills(world.at(3_000).wall);
        assert!(world.store.bytes() < before, "{before}");
        assert!(values(&world, "x", 950).is_empty());
        world.store.expire_backfills(world.at(3_000 + 25 * 3_600).wall);
        assert!(world.store.bytes() < 2_000, "{}", world.store.bytes());
    }

    #[test]
    fn a_recording_that_lies_harms_nobody() {
        let mut world = world();
        let mut lies = fill(world.at(1_000), &[(900, Some(1.0)), (890, Some(2.0)), (910, Some(3.0))]);
        lies.scrapes[0].rows[2].layout = 7;
        lies.scrapes[0].rows.push(PastRow { at: Wall(920_000), layout: 0, values: Arc::from([1.0, 2.0]) });
        assert_eq!(world.store.link_backfill(&lies).samples, 1);
    }
}
