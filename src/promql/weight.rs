//! What an evaluation may cost, told beforehand from what the store has: decides what is evaluated between two key
//! presses and what beside them.

use std::time::Duration;

use super::Expr;
use crate::base::Wall;
use crate::model::{Scope, Store};

/// What a series costs beside its samples, in samples: its labels are looked at, and its truth.
const SERIES: usize = 64;

/// At most so much of an expression is looked at when it is evaluated over a span that ends at `at`: samples, and
/// [`SERIES`] for each series of the names that it selects, whatever else their labels must be.
#[must_use]
pub fn weight(expr: &Expr, store: &Store, scope: &Scope, at: Wall, span: Duration) -> usize {
    let of_selector = |reach: Duration, name: Option<&str>| {
        let extent = store.extent(scope, name, at.minus(reach + span), at);
        let samples = if reach.is_zero() && span.is_zero() { extent.series } else { extent.samples };
        samples.saturating_add(extent.series.saturating_mul(SERIES))
    };
    let weights = expr.selectors().iter().map(|selector| of_selector(selector.looks_back(), selector.name.as_deref()));
    weights.fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::World;
    use super::*;

    #[test]
    fn a_weight_is_samples_and_series() {
        let mut world = World::new(&["a/e/s", "b/e/s"]);
        for second in [0, 10, 20, 30] {
            world.row("a/e/s", second, &[("x{a=1}", 1.0), ("x{a=2}", 1.0), ("y", 1.0)]);
            world.row("b/e/s", second, &[("x{a=3}", 1.0)]);
        }
        let check = |source: &str, span_seconds: u64, want: usize| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            let span = Duration::from_secs(span_seconds);
            let weight = weight(&expr, &world.store, &Scope::Fleet, world.at(30).wall, span);
            assert_eq!(weight, want, "{source} over {span_seconds} s");
        };
        check("1 + time()", 0, 0);
        check("nothing", 0, 0);
        check("x", 0, 3 * (SERIES + 1));
        check("x{a=\"1\"}", 0, 3 * (SERIES + 1));
        check("x + y", 0, 4 * (SERIES + 1));
        check("rate(x[25s])", 0, 3 * (SERIES + 3));
        check("rate(x[15s])", 20, 3 * (SERIES + 4));
        check("x", 15, 3 * (SERIES + 2));
    }
}
