//! The cells of panels: what is on the screen every second, everything else now and then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::base::{At, Boot, PanelId, SystemId, TargetId, Wall};
use crate::model::{Reading, Scope, Store, Truth};
use crate::panes::Page;
use crate::panes::model::{Cell, Level, SPARK_BUCKET_SECONDS, Target};
use crate::panes::series::covered_from;
use crate::promql::limit::limit;
use crate::promql::{self, Condition, Expr, Value, Verdict};
use crate::runbook::Present;
use crate::systems::{OnOverview, PanelSpec, RowSpec, System};

/// Buckets of a sparkline: ten minutes, of which a narrow one shows the newest.
const SPARK: usize = 60;
const BUCKET_MILLIS: i64 = SPARK_BUCKET_SECONDS as i64 * 1000;
/// How old the cells of a panel may be that nobody looks at: the level of its target is told from them.
const UNSEEN_EVERY: Duration = Duration::from_secs(5);
/// Targets whose cells on the overview are brought up to date in one second; of more, these take turns. No source is
/// asked as often as every turn of thirty targets comes.
const TARGETS_A_SECOND: usize = 10;

/// Which cells are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Those on the screen, and of the others those that are too old.
    Shown,
    All,
}

/// The rows of every panel, read once, and when each panel of each target was last brought up to date.
#[derive(Debug, Default)]
pub struct Compiled {
    rows: HashMap<(SystemId, PanelId), Arc<[Row]>>,
    evaluated: HashMap<(TargetId, PanelId), Evaluated>,
}

#[derive(Clone, Copy, Debug)]
struct Evaluated {
    at: Boot,
    /// The bucket that the newest value of its sparklines belongs to.
    bucket: i64,
}

/// A row of a panel, ready to be evaluated. What can not be read was refused when its system was loaded.
#[derive(Debug)]
struct Row {
    expr: Option<Expr>,
    critical: Option<Condition>,
    warning: Option<Condition>,
    /// What it needs to say anything, and what is said without.
    needs: Option<(Condition, String)>,
    limits: Vec<(Level, f64)>,
}

impl Row {
    fn of(spec: &RowSpec) -> Row {
        let condition = |text: &Option<String>| Condition::parse(text.as_ref()?).ok();
        let (expr, critical, warning) =
            (Expr::parse(&spec.expr).ok(), condition(&spec.critical), condition(&spec.warning));
        let limit_of =
            |level, condition: &Option<Condition>| Some((level, limit(condition.as_ref()?.expr(), expr.as_ref()?)?));
        let limits = [limit_of(Level::Warning, &warning), limit_of(Level::Critical, &critical)];
        let needs = condition(&spec.needs).map(|needs| (needs, spec.otherwise.clone().unwrap_or_default()));
        Row { limits: limits.into_iter().flatten().collect(), expr, critical, warning, needs }
    }
}

impl Compiled {
    fn rows(&mut self, system: &System, panel: &PanelSpec) -> Arc<[Row]> {
        let key = (system.id.clone(), panel.id.clone());
        Arc::clone(self.rows.entry(key).or_insert_with(|| panel.rows.iter().map(Row::of).collect()))
    }
}

impl App {
    /// Brings cells and the chart of the shown target up to date.
    pub(super) fn refresh(&mut self, at: At, asked: Asked) {
        self.model.store.expire_backfills(at.wall);
        let history = std::mem::take(&mut self.refreshed.history);
        if history {
            let charts = self.model.targets.iter_mut().filter_map(|target| target.chart.as_mut());
            charts.for_each(|chart| chart.buckets.restart());
            self.model.explorer.restart();
        }
        let (page, selected) = (self.page, self.model.selected);
        let turns = self.model.targets.len().div_ceil(TARGETS_A_SECOND).max(1);
        let turn = usize::try_from(at.boot.0 / 1000).unwrap_or(0) % turns;
        for (index, target) in self.model.targets.iter_mut().enumerate() {
            let alone = page == Page::Target && index == selected;
            let system = Arc::clone(&target.system);
            for panel in &system.spec.panels {
                let on_overview = page == Page::Overview && panel.overview == OnOverview::Always;
                let shown = alone || (on_overview && (index == selected || index % turns == turn));
                let wanted = shown || asked == Asked::All || history;
                refresh_panel(target, panel, &self.model.store, &mut self.compiled, at, (wanted, history));
            }
            if let Some(chart) = target.chart.as_mut().filter(|_| alone || asked == Asked::All) {
                chart.extend(&self.model.store, &Scope::Target(target.id.clone()), at);
            }
        }
    }
}

fn refresh_panel(
    target: &mut Target,
    panel: &PanelSpec,
    store: &Store,
    compiled: &mut Compiled,
    at: At,
    (wanted, history): (bool, bool),
) {
    let key = (target.id.clone(), panel.id.clone());
    let last = compiled.evaluated.get(&key).copied();
    if !wanted && last.is_some_and(|last| at.boot.since(last.at) < UNSEEN_EVERY) {
        return;
    }
    let bucket = at.wall.0.div_euclid(BUCKET_MILLIS);
    let closed = match last.filter(|_| !history) {
        Some(last) => usize::try_from(bucket - last.bucket).unwrap_or(SPARK).min(SPARK),
        None => SPARK,
    };
    compiled.evaluated.insert(key, Evaluated { at: at.boot, bucket });
    let ends: Vec<Wall> = (0..closed).rev().map(|ago| Wall((bucket - ago as i64) * BUCKET_MILLIS)).collect();
    let mut before = target.cells.remove(&panel.id).unwrap_or_default().into_iter();
    let rows = compiled.rows(&target.system, panel);
    let cells = rows.iter().map(|row| {
        let spark = before.next().map_or_else(Vec::new, |cell| cell.spark);
        cell(row, spark, store, &target.id, at, &ends)
    });
    let cells = cells.collect();
    target.cells.insert(panel.id.clone(), cells);
}

fn cell(row: &Row, mut spark: Vec<Option<f64>>, store: &Store, target: &TargetId, at: At, ends: &[Wall]) -> Cell {
    let Some(expr) = &row.expr else {
        let reading = Reading { value: None, truth: Truth::NotExposed };
        return Cell { reading, level: Level::Unknown, spark, limits: Vec::new(), unjudged: None };
    };
    let scope = Scope::Target(target.clone());
    if let Some(oldest) = ends.first() {
        let until = promql::measured_until(expr, store, &scope, at);
        let from = covered_from(expr, store, &scope, *oldest);
        extend(&mut spark, expr, store, &scope, ends, (from, until));
    }
    let mut reading = Present::new(store, target, at).reading(expr);
    let judge = |condition: &Option<Condition>| condition.as_ref().map(|condition| condition.judge(store, &scope, at));
    // What compares one with nothing has a value that says nothing, or none at all.
    let may_lack = matches!(reading.truth, Truth::Fresh | Truth::Absent | Truth::WarmingUp { .. });
    if let Some((needs, otherwise)) = row.needs.as_ref().filter(|_| may_lack)
        && needs.judge(store, &scope, at) == Verdict::False
    {
        reading = Reading { value: None, truth: Truth::ProvesNothing { why: otherwise.clone() } };
    }
    let (level, unjudged) = match (&reading.truth, reading.value) {
        // A quantile of nothing, or a ratio of nothing to nothing, is an answer and tells nothing.
        (Truth::Fresh, Some(value)) if value.is_nan() => (Level::Unknown, Some("not a number".to_owned())),
        (Truth::Fresh, _) => judged(judge(&row.critical), judge(&row.warning)),
        _not_now => (Level::Unknown, None),
    };
    Cell { reading, level, spark, limits: row.limits.clone(), unjudged }
}

/// The level of a value that is fresh, and why it can not be told.
fn judged(critical: Option<Verdict>, warning: Option<Verdict>) -> (Level, Option<String>) {
    match (critical, warning) {
        (Some(Verdict::True), _) => (Level::Critical, None),
        (_, Some(Verdict::True)) => (Level::Warning, None),
        // A limit that can not be told is not one that is kept.
        (Some(Verdict::Unknown(why)), _) | (_, Some(Verdict::Unknown(why))) => {
            (Level::Unknown, Some(format!("its limit can not be told: {why}")))
        }
        (Some(Verdict::False) | None, Some(Verdict::False) | None) => (Level::Ok, None),
    }
}

/// Appends the values at the ends of newly closed buckets, and lets the oldest fall out. Nothing is measured before
/// `from`, when ranges were not covered, nor after `until`.
fn extend(
    buckets: &mut Vec<Option<f64>>,
    expr: &Expr,
    store: &Store,
    scope: &Scope,
    ends: &[Wall],
    (from, until): (Option<Wall>, Option<Wall>),
) {
    for end in ends {
        if from.is_some_and(|from| *end < from) || until.is_some_and(|until| *end > until) {
            buckets.push(None);
            continue;
        }
        buckets.push(match promql::evaluate(expr, store, scope, *end) {
            Ok(Value::Scalar(value)) => Some(value),
            Ok(Value::Vector(samples)) => match samples.as_slice() {
                [only] => Some(only.value),
                [] | [_, _, ..] => None,
            },
            Err(_) => None,
        });
    }
    let excess = buckets.len().saturating_sub(SPARK);
    buckets.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::fixture::World;

    #[test]
    fn a_comparison_with_nothing_proves_nothing() {
        let mut world = World::new(&["a/e/s"]);
        let mut second = 0;
        let mut check = |series: &[(&str, f64)], want: &str, level: Level| {
            second += 10;
            world.row("a/e/s", second, series);
            let row = r#"(label: "x", expr: "max(x) - min(x)", warning: "max(x) - min(x) > bool 1",
                needs: "count(x) > bool 1", otherwise: "only one node")"#;
            let row = Row::of(&crate::base::ron_text::parse("row", row).expect("a row"));
            let at = world.at(second);
            let cell = cell(&row, Vec::new(), &world.store, &"t".into(), at, &[]);
            assert_eq!((cell.reading.truth.words(at.boot).as_str(), cell.level), (want, level), "{series:?}");
            assert!(want.is_empty() || cell.reading.value.is_none());
        };
        check(&[("x{node=a,target=t}", 1.0), ("x{node=b,target=t}", 1.0)], "", Level::Ok);
        check(&[("x{node=a,target=t}", 1.0), ("x{node=b,target=t}", 3.0)], "", Level::Warning);
        check(&[("x{node=a,target=t}", 1.0)], "only one node", Level::Unknown);
        check(&[], "absent", Level::Unknown);
    }

    #[test]
    fn a_limit_that_can_not_be_told_says_why() {
        let mut world = World::new(&["a/e/s"]);
        world.row("a/e/s", 10, &[("x{target=t}", 1.0)]);
        let row = r#"(label: "x", expr: "x", warning: "x > bool y")"#;
        let row = Row::of(&crate::base::ron_text::parse("row", row).expect("a row"));
        let cell = cell(&row, Vec::new(), &world.store, &"t".into(), world.at(10), &[]);
        assert_eq!(
            (cell.level, cell.unjudged.as_deref()),
            (Level::Unknown, Some("its limit can not be told: y: absent"))
        );
    }

    #[test]
    fn what_is_no_number_is_never_well() {
        let mut world = World::new(&["a/e/s"]);
        let mut second = 0;
        let mut check = |value: f64, limits: &str, want: Level| {
            second += 10;
            let at = world.at(second);
            world.row("a/e/s", second, &[("x{target=t}", value)]);
            let spec =
                crate::base::ron_text::parse("row", &format!("(label: \"x\", expr: \"x\"{limits})")).expect("a row");
            let cell = cell(&Row::of(&spec), Vec::new(), &world.store, &"t".into(), at, &[]);
            assert_eq!(cell.level, want, "{value}{limits}");
        };
        check(1.0, "", Level::Ok);
        check(f64::NAN, "", Level::Unknown);
        check(f64::INFINITY, "", Level::Ok);
        let limits = ", warning: \"x > bool 2\", critical: \"x > bool 5\"";
        check(1.0, limits, Level::Ok);
        check(3.0, limits, Level::Warning);
        check(6.0, limits, Level::Critical);
        check(f64::NAN, limits, Level::Unknown);
    }

    /// A rate over a part of its range is a wrong number, and its rise looks like an incident.
    #[test]
    fn nothing_is_drawn_of_a_range_before_it_is_covered() {
        let mut world = World::new(&["a/e/s"]);
        for second in (0..=200).step_by(10) {
            world.row("a/e/s", second, &[("x_total{target=t}", second as f64)]);
        }
        let spec =
            crate::base::ron_text::parse("row", "(label: \"x\", expr: \"increase(x_total[1m])\")").expect("a row");
        let ends: Vec<Wall> = (1..=12).map(|ten| world.at(ten * 10).wall).collect();
        let cell = cell(&Row::of(&spec), Vec::new(), &world.store, &"t".into(), world.at(200), &ends);
        let drawn: Vec<bool> = cell.spark.iter().map(Option::is_some).collect();
        // One poll before the whole minute is near enough.
        let want: Vec<bool> = (1..=12).map(|ten| ten >= 5).collect();
        assert_eq!(drawn, want, "{:?}", cell.spark);
    }
}
