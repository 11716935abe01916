//! What the pages say of a series or an expression: its labels, its truth, its unit, its meaning, and its picture.

use std::sync::Arc;
use std::time::Duration;

use super::model::{Level, Model, Target};
use crate::base::{At, Unit, Wall};
use crate::model::labels::NAME;
use crate::model::{Labels, Scope, SourceState, Store, Truth};
use crate::promql::subject::{Counted, Made};
use crate::promql::{self, Buckets, Expr, limit};
use crate::systems::{RowSpec, System, SystemSpec};

/// An expression over fixed buckets, with what its system says of its values.
#[derive(Clone, Debug)]
pub struct Picture {
    pub expr: Expr,
    pub unit: Unit,
    /// Values from which on it is of that level.
    pub limits: Vec<(Level, f64)>,
    pub buckets: Buckets,
    /// Columns that end before this have no value: their ranges reach back further than the first sample.
    covered_from: Option<Wall>,
}

impl Picture {
    /// Nothing evaluated yet.
    #[must_use]
    pub fn new(expr: Expr, system: &System, seconds: u32, count: usize) -> Picture {
        let unit = unit(&system.spec, &expr);
        let limits = limits(&system.spec, &expr);
        Picture { limits, unit, expr, buckets: Buckets::new(seconds, count), covered_from: None }
    }

    /// Whether something has closed since the last time.
    #[must_use]
    pub fn is_due(&self, now: Wall) -> bool {
        self.buckets.is_due(now)
    }

    /// What it may cost to evaluate the whole of it.
    #[must_use]
    pub fn weight(&self, store: &Store, scope: &Scope, now: At) -> usize {
        let length = Duration::from_secs(u64::from(self.buckets.seconds));
        let count = u32::try_from(self.buckets.count).unwrap_or(u32::MAX);
        promql::weight::weight(&self.expr, store, scope, now.wall, length * count)
    }

    /// Evaluates what has closed since the last time.
    pub fn extend(&mut self, store: &Store, scope: &Scope, now: At) {
        self.buckets.extend(&self.expr, store, scope, now.wall);
        if let Some(until) = promql::measured_until(&self.expr, store, scope, now) {
            self.buckets.forget_after(until);
        }
        // What was covered once stays so, although its oldest samples are let go of.
        let length =
            Duration::from_secs(u64::from(self.buckets.seconds)) * u32::try_from(self.buckets.count).unwrap_or(0);
        let covered = covered_from(&self.expr, store, scope, now.wall.minus(length));
        self.covered_from = [self.covered_from, covered].into_iter().flatten().min();
        if let (Some(from), Some(end)) = (self.covered_from, self.buckets.end) {
            let length = i64::from(self.buckets.seconds) * 1000;
            let columns = |from: i64| usize::try_from((end.0 - from).div_euclid(length) + 1).unwrap_or(0);
            for line in &mut self.buckets.lines {
                let uncovered = line.values.len().saturating_sub(columns(from.0));
                line.values[..uncovered].fill(None);
            }
        }
    }
}

/// From when on every range of an expression is covered: before that, what it yields is reckoned from a part of the
/// range, and rises like an incident. Nothing where it has no range, or was covered by `asked` already.
#[must_use]
pub fn covered_from(expr: &Expr, store: &Store, scope: &Scope, asked: Wall) -> Option<Wall> {
    /// How far before its oldest sample a series is looked for among what is left of older ones.
    const BEFORE: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(120)];
    let ranging = expr.selectors().iter().filter(|selector| !selector.looks_back().is_zero());
    let of = ranging.filter_map(|selector| {
        let name = selector.name.as_deref()?;
        let since = store.observed_since(scope, name)?;
        let interval = store.sources_of(scope, name).map(|source| source.interval).max().unwrap_or_default();
        let covered = since.plus(selector.looks_back().saturating_sub(interval));
        let older = || store.rollups(scope, &selector.matchers, since.minus(BEFORE[0]), since.minus(BEFORE[1]));
        (covered > asked && older().is_empty()).then_some(covered)
    });
    of.max()
}

/// The row of a panel that shows exactly this expression.
fn row_of<'s>(spec: &'s SystemSpec, expr: &Expr) -> Option<&'s RowSpec> {
    let source = expr.source().trim();
    spec.panels.iter().flat_map(|panel| &panel.rows).find(|row| row.expr.trim() == source)
}

/// The name, where the expression is one selector and nothing else.
#[must_use]
pub fn plain_name(expr: &Expr) -> Option<&str> {
    match expr.selectors() {
        [only] if only.range.is_none() => {
            let name = only.name.as_deref()?;
            let rest = expr.source().trim().strip_prefix(name)?;
            (rest.is_empty() || (rest.starts_with('{') && rest.ends_with('}'))).then_some(name)
        }
        _none_or_several => None,
    }
}

/// What the values of an expression count, as far as its system or its name says.
#[must_use]
pub fn unit(spec: &SystemSpec, expr: &Expr) -> Unit {
    if let Some(row) = row_of(spec, expr) {
        return row.unit;
    }
    match plain_name(expr) {
        Some(name) => unit_of_name(spec, name),
        None => unit_counted(spec, &Counted::of(expr)),
    }
}

/// The unit of what is counted so.
#[must_use]
pub fn unit_counted(spec: &SystemSpec, counted: &Counted) -> Unit {
    let of_series = counted.subject.as_deref().map_or(Unit::Count, |name| unit_of_name(spec, name));
    let yes_or_no = of_series == Unit::YesNo;
    match counted.made {
        Some(Made::Events) => Unit::Events,
        Some(Made::PerSecond) => Unit::PerSecond,
        Some(Made::Age) => Unit::Seconds,
        Some(Made::Mean) if yes_or_no => Unit::Ratio,
        Some(Made::Sum) if yes_or_no => Unit::Count,
        Some(Made::Part) if counted.threshold.is_some_and(|limit| (0.0..=1.0).contains(&limit)) => Unit::Ratio,
        Some(Made::Part | Made::Number) => Unit::Count,
        Some(Made::Mean | Made::Sum) | None => of_series,
    }
}

/// What a series of this name counts: as a panel or the system's extraction says, else as its name ends.
#[must_use]
pub fn unit_of_name(spec: &SystemSpec, name: &str) -> Unit {
    let rows = spec.panels.iter().flat_map(|panel| &panel.rows);
    let of_row = rows.filter(|row| row.expr.trim() == name).map(|row| row.unit).next();
    let declared = || meaning(spec, name).map(|(_, unit)| unit);
    // `level:name_in_unit:operations`, as recorded series are named.
    let own = name.split(':').nth(1).unwrap_or(name);
    of_row.or_else(declared).unwrap_or_else(|| match own.trim_end_matches("_total").rsplit('_').next() {
        // The clock itself is no duration.
        Some("seconds") if name.ends_with("_time_seconds") || name.contains("timestamp") => Unit::Time,
        Some("seconds") => Unit::Seconds,
        Some("milliseconds" | "ms") if !name.contains("timestamp") => Unit::Milliseconds,
        Some("bytes") => Unit::Bytes,
        Some("ratio") => Unit::Ratio,
        Some(_) | None if name == "up" || name == "opsconsole_source_up" => Unit::YesNo,
        Some(_) | None => Unit::Count,
    })
}

/// What a series means, where its system says it.
#[must_use]
pub fn help<'s>(spec: &'s SystemSpec, name: &str) -> Option<&'s str> {
    meaning(spec, name).map(|(help, _)| help).filter(|help| !help.is_empty())
}

fn meaning<'s>(spec: &'s SystemSpec, name: &str) -> Option<(&'s str, Unit)> {
    spec.sources.iter().find_map(|source| source.kind.meaning(name))
}

/// The thresholds of an expression: what the row of a panel that shows it compares it with.
#[must_use]
pub fn limits(spec: &SystemSpec, expr: &Expr) -> Vec<(Level, f64)> {
    let Some(row) = row_of(spec, expr) else { return Vec::new() };
    [(Level::Warning, &row.warning), (Level::Critical, &row.critical)]
        .into_iter()
        .filter_map(|(level, condition)| {
            let condition = Expr::parse(condition.as_ref()?).ok()?;
            Some((level, limit::limit(&condition, expr)?))
        })
        .collect()
}

/// The labels that tell a series from the others of its target.
#[must_use]
pub fn own_labels(labels: &Labels, target: &Target) -> String {
    let mut own = labels.clone().without("target").without("job");
    if target.spec.nodes.len() < 2 {
        own = own.without("node").without("instance");
    }
    own.to_string()
}

/// The truth of a series is that of the sources that give it. `up` is what the console itself measured, so a source
/// that fails makes it 0 and no less true.
#[must_use]
pub fn truth(model: &Model, scope: &Scope, labels: &Labels) -> Truth {
    let sources = model.store.giving(scope, labels);
    let truth = sources.map(|source| source.truth(model.now.boot)).reduce(Truth::worst).unwrap_or(Truth::Fresh);
    given_by(labels.name(), truth)
}

/// What a source's truth makes of its series of this name.
fn given_by(name: &str, truth: Truth) -> Truth {
    match truth {
        Truth::Failing { .. } if ["up", "probe_success", "opsconsole_source_up"].contains(&name) => Truth::Fresh,
        other => other,
    }
}

/// Whether the newest column of an expression's chart may be taken for the present: the worst truth of the sources
/// that give what it names; where none has given it yet, of those that are to give it.
#[must_use]
pub fn charted_truth(model: &Model, target: &Target, expr: &Expr) -> Truth {
    let (scope, now) = (Scope::Target(target.id.clone()), model.now.boot);
    let own = || model.store.sources().filter(|source| source.target == target.id);
    let of_name = |name: &str| {
        let giving: Vec<&SourceState> = match model.store.sources_of(&scope, name).collect::<Vec<_>>() {
            none if none.is_empty() => {
                let declares = |source: &&SourceState| source.declares.iter().any(|one| one == name);
                match own().filter(declares).collect::<Vec<_>>() {
                    none if none.is_empty() => own().filter(|source| !source.is_never_read()).collect(),
                    declaring => declaring,
                }
            }
            some => some,
        };
        giving.into_iter().map(|source| given_by(name, source.truth(now))).fold(Truth::Fresh, Truth::worst)
    };
    expr.names().iter().map(|name| of_name(name)).fold(Truth::Fresh, Truth::worst)
}

/// The selector of exactly these labels, as PromQL writes it.
#[must_use]
pub fn selector(labels: &Labels) -> String {
    let quoted = |value: &str| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    let pairs = labels.iter().filter(|(name, _)| *name != NAME);
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    match pairs.as_slice() {
        [] => labels.name().to_owned(),
        some => format!("{}{{{}}}", labels.name(), some.join(",")),
    }
}

/// The labels in which the lines of one chart differ, for its legend; all where they do not.
#[must_use]
pub fn distinct(all: &[Arc<Labels>]) -> Vec<String> {
    let [first, rest @ ..] = all else { return Vec::new() };
    let same = |name: &str, value: &str| rest.iter().all(|labels| labels.get(name) == value);
    let common: Vec<&str> =
        first.iter().filter(|(name, value)| !rest.is_empty() && same(name, value)).map(|(name, _)| name).collect();
    all.iter()
        .map(|labels| {
            let left: Vec<String> = labels
                .iter()
                .filter(|(name, _)| !common.contains(name))
                .map(|(name, value)| if name == NAME { value.to_owned() } else { format!("{name}={value}") })
                .collect();
            left.join(" ")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::testing::{self, Condition};

    #[test]
    fn units_come_from_panels_and_names() {
        let model = testing::model(Condition::Well);
        let spec = &model.targets[0].system.spec;
        let check = |source: &str, want: Unit| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(unit(spec, &expr), want, "{source}");
        };
        check("age_seconds", Unit::Seconds);
        check("verify_ok", Unit::YesNo);
        check("go_memstats_heap_bytes{a=\"b\"}", Unit::Bytes);
        check("process_start_time_seconds", Unit::Time);
        check("last_block_timestamp_seconds", Unit::Time);
        check("last_block_timestamp_ms", Unit::Count);
        check("rate(x_bytes_total[5m])", Unit::PerSecond);
        check("rate(x[5m]) / rate(y[5m])", Unit::Count);
        check("rate(x[5m]) / rate(y[5m]) > 0.05", Unit::Ratio);
        check("1 - good_ratio > 0.05", Unit::Ratio);
        check("sum by (node) (increase(x[5m])) > 0", Unit::Events);
        check("avg by (target) (up) < 0.66", Unit::Ratio);
        check("sum(up) < 2", Unit::Count);
        check("up == 0", Unit::YesNo);
        check("time() - tick_seconds > 60", Unit::Seconds);
        check("backup_bytes < 4096 or without_checksum > 0", Unit::Count);
        check("chain:lag_seconds > 600", Unit::Seconds);
        check("chain:error_ratio:rate5m > 0.05", Unit::Ratio);
        check("opsconsole_scrape_duration_seconds", Unit::Seconds);
        let age = Expr::parse("age_seconds").expect("a selector");
        assert_eq!(limits(spec, &age), [(Level::Critical, 60.0)]);
    }

    /// A source that fails takes with it the charts of what it gives, and no other; what never came is not stale.
    #[test]
    fn a_chart_is_as_true_as_what_is_behind_it() {
        let check = |model: &Model, expr: &str, want: &str| {
            let expr = Expr::parse(expr).unwrap_or_else(|error| panic!("{expr}: {error}"));
            assert_eq!(charted_truth(model, &model.targets[0], &expr).state(), want, "{}", expr.source());
        };
        let ill = testing::model(Condition::Ill);
        check(&ill, "mempool_size", "fresh");
        check(&ill, "verify_ok", "failing");
        check(&ill, "mempool_size + users_with_issues", "failing");
        check(&ill, "up", "fresh");
        check(&testing::model(Condition::Stale), "mempool_size", "stale");
        let mut silent = testing::model(Condition::Well);
        silent.store = Store::new(crate::model::Retention::default());
        let target = &silent.targets[0];
        for source in &target.sources {
            let ten = std::time::Duration::from_secs(10);
            silent.store.declare(SourceState::new(source.id.clone(), target.id.clone(), String::new(), ten, ten));
        }
        check(&silent, "mempool_size", "never_polled");
    }

    #[test]
    fn a_selector_selects_what_it_was_made_of() {
        let labels = Labels::from_pairs([(NAME, "x"), ("a", "b\"c\\d\ne"), ("f", "g")]);
        let text = selector(&labels);
        assert_eq!(text, r#"x{a="b\"c\\d\ne",f="g"}"#);
        let expr = Expr::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(expr.selectors()[0].matchers.iter().all(|matcher| matcher.accepts(&labels)));
        assert_eq!(selector(&Labels::named("up")), "up");
    }

    #[test]
    fn a_legend_says_in_what_lines_differ() {
        let of = |node: &str| Arc::new(Labels::from_pairs([(NAME, "x"), ("node", node), ("job", "j")]));
        assert_eq!(distinct(&[of("a"), of("b")]), ["node=a", "node=b"]);
        assert_eq!(distinct(&[of("a")]), ["x job=j node=a"]);
        assert!(distinct(&[]).is_empty());
    }
}
