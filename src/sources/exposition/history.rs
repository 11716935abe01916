//! A file of samples with their times: an exposition of which one series may have many.

use super::naming::Naming;
use super::{BadLine, Dialect, Lines};
use crate::base::Wall;
use crate::model::Labels;
use crate::promql::data::History;

/// Reads every sample of a text: OpenMetrics where it ends with `# EOF`, with seconds, and else the Prometheus format,
/// with milliseconds. Samples that have no time are of `now`.
///
/// # Errors
/// The first line that is not of the format, or gives a series a second sample of the same time.
pub fn history(text: &str, now: Wall) -> Result<History, BadLine> {
    let dialect = match text.trim_end().ends_with("# EOF") {
        true => Dialect::OpenMetrics,
        false => Dialect::PrometheusText,
    };
    let own = Labels::default();
    let mut naming = Naming::new(&own);
    let mut lines = Lines::of_history(text, dialect);
    let mut history = History::default();
    while lines.advance() {
        let Some(sample) = lines.sample()? else { continue };
        let labels = naming.labels(&sample, lines.pairs()).map_err(|what| lines.bad_sample(what))?;
        let at = sample.timestamp.map_or(now, Wall);
        if !history.push(labels.clone(), at, sample.value) {
            return Err(lines.bad_sample(format!("a second sample of {labels} at {at}")));
        }
    }
    lines.finish()?;
    Ok(history)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scope;
    use crate::promql::data::store;
    use crate::promql::{Expr, Value, evaluate};

    fn check(text: &str, expr: &str, second: i64, want: &str) {
        let history = history(text, Wall(1_000_000)).unwrap_or_else(|bad| panic!("{text}: {bad}"));
        let expr = Expr::parse(expr).expect(expr);
        let told = match evaluate(&expr, &store(history), &Scope::Fleet, Wall(second * 1000)) {
            Ok(Value::Vector(samples)) => {
                let told = samples.iter().map(|sample| format!("{}={}", sample.labels, sample.value));
                told.collect::<Vec<_>>().join(" ")
            }
            other => format!("{other:?}"),
        };
        assert_eq!(told, want, "{text}");
    }

    #[test]
    fn samples_have_the_times_that_they_are_stamped_with() {
        let text = "# TYPE x counter\nx{a=\"1\"} 1 10000\nx{a=\"1\"} 5 50000\nx{a=\"2\"} 3 50000\ny 7\n";
        check(text, "x", 20, r#"x{a="1"}=1"#);
        check(text, "x", 50, r#"x{a="1"}=5 x{a="2"}=3"#);
        check(text, "y", 1000, "y=7");
        check("x 2 20000\nx 1 10000\n", "x", 15, "x=1");
    }

    #[test]
    fn what_ends_as_open_metrics_has_seconds() {
        let text = "# TYPE x counter\nx_total{a=\"1\"} 1 10\nx_total{a=\"1\"} 5 50.5\n# EOF\n";
        check(text, "x_total", 50, r#"x_total{a="1"}=1"#);
        check(text, "x_total", 51, r#"x_total{a="1"}=5"#);
        let by_time = "# TYPE x gauge\nx 1 10\ny 2 10\nx 3 20\n# EOF\n";
        check(by_time, "x", 20, "x=3");
    }

    #[test]
    fn a_mistake_has_its_line() {
        let check = |text: &str, line: usize| match history(text, Wall(0)) {
            Err(bad) => assert_eq!(bad.line, line, "{text}: {bad}"),
            Ok(_) => panic!("{text}"),
        };
        check("x 1 5\nx 2 5\n", 2);
        check("x 1\nx{ 2\n", 2);
        check("x 1\n\n\nx 2\n", 4);
    }
}
