//! Unit tests of rules, in the files that promtool reads: series over simulated time, and what must come of them.
//!
//! ```text
//! test file ──file──► TestFile ──► for each test: Feed ─► Store ◄─► groups, turn by turn ──► what fires
//!                                                            └─► expressions, at the end      └──► compare
//! ```
//!
//! Nothing is three-valued here and no label is injected: the verdict must be the one of promtool, which knows neither.
//!
//! Must never: pass a test that it could not run.
//!
//! To add a key of the test file: `file`. To change what a rule does at a turn: `groups`.

mod compare;
mod file;
mod groups;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::RuleFile;
use crate::base::Wall;
use crate::model::{Labels, Scope, Store};
use crate::promql::data::{Feed, History, pairs};
use crate::promql::{Dialect, Expr, Sample, Value, evaluate_every};
use compare::Fired;
use file::{AlertTest, ExprTest, TestGroup};
pub use file::{TestFile, load};
use groups::Groups;

/// Turns that one test may take.
const MOST_TURNS: i64 = 10_000_000;

/// Runs every test of a file over its rules, each file with its name, in the order of the test file's list. What does
/// not hold is told in the form that promtool has; nothing is told where all holds.
#[must_use]
pub fn run(file: &TestFile, rules: &[RuleFile], dialect: Dialect) -> Vec<String> {
    let mut named = BTreeSet::new();
    if let Some(twice) = file.group_eval_order.iter().find(|name| !named.insert(name.as_str())) {
        return vec![format!("    group_eval_order names the group {twice:?} twice")];
    }
    let mut failures = Vec::new();
    for test in &file.tests {
        let run = Run { file, test, dialect };
        match run.outcome(rules) {
            Ok(found) | Err(found) => failures.extend(found),
        }
    }
    failures
}

/// One test of a file.
struct Run<'a> {
    file: &'a TestFile,
    test: &'a TestGroup,
    dialect: Dialect,
}

impl Run<'_> {
    fn interval(&self) -> Duration {
        self.file.evaluation_interval
    }

    fn name(&self) -> String {
        if self.test.name.is_empty() { String::new() } else { format!("    name: {},\n", self.test.name) }
    }

    /// What does not hold. An error is what ended the test: the rest of it could not be judged.
    fn outcome(&self, rules: &[RuleFile]) -> Result<Vec<String>, Vec<String>> {
        let by_time = self.alerts_by_time()?;
        let mut store = Feed::store();
        let mut feed = Feed::new(self.history()?, &mut store);
        let mut groups = Groups::new(self.ordered(rules), self.scene(), &mut store);
        let mut failures = Vec::new();
        let mut waiting = by_time.into_iter().peekable();
        let step = i64::try_from(self.interval().as_millis()).unwrap_or(i64::MAX).max(1);
        let turns = i64::try_from(self.test.last_time().as_millis()).unwrap_or(i64::MAX) / step;
        if turns > MOST_TURNS {
            return Err(vec![format!("    the test takes more than {MOST_TURNS} evaluations")]);
        }
        for turn in 0..=turns {
            let at = Wall(self.test.start.0.saturating_add(turn * step));
            feed.until(&mut store, at);
            groups.evaluate(&mut store, at).map_err(|broken| [failures.clone(), broken].concat())?;
            let next = at.plus(self.interval());
            while let Some((_, tests)) = waiting.next_if(|(time, _)| self.test.start.plus(*time) < next) {
                failures.extend(tests.iter().filter_map(|test| self.judge_alert(test, &groups)));
            }
        }
        // What was given for later than the last turn is not seen by expressions either.
        failures.extend(self.test.expressions.iter().filter_map(|test| self.judge_expr(test, &store)));
        Ok(failures)
    }

    fn alerts_by_time(&self) -> Result<BTreeMap<Duration, Vec<&AlertTest>>, Vec<String>> {
        let mut by_time: BTreeMap<Duration, Vec<&AlertTest>> = BTreeMap::new();
        for test in &self.test.alerts {
            if test.alertname.is_empty() {
                let time = compare::time(test.eval_time);
                return Err(vec![format!("{}    an alert_rule_test of the time {time} has no alertname", self.name())]);
            }
            by_time.entry(test.eval_time).or_default().push(test);
        }
        Ok(by_time)
    }

    fn history(&self) -> Result<History, Vec<String>> {
        let interval = match (self.test.interval, self.dialect) {
            (Some(interval), _) => interval,
            // Without an interval, 2.x takes all samples to be of one time.
            (None, Dialect::V2) => Duration::ZERO,
            (None, Dialect::V3) => self.interval(),
        };
        let mut history = History::default();
        for series in &self.test.series {
            history.give(&series.series, &series.values, self.test.start, interval).map_err(|bad| {
                vec![format!("{}    series: {} {:?}, err: {bad}", self.name(), series.series, series.values)]
            })?;
        }
        Ok(history)
    }

    /// The groups in the order of evaluation: one that the file does not name is as early as the first that it names.
    fn ordered<'r>(&self, rules: &'r [RuleFile]) -> Vec<&'r super::RuleGroup> {
        let place = |name: &str| self.file.group_eval_order.iter().position(|ordered| ordered == name).unwrap_or(0);
        let mut groups: Vec<_> = rules.iter().flat_map(|file| &file.groups).collect();
        groups.sort_by_key(|group| place(&group.name));
        groups
    }

    fn scene(&self) -> groups::Outside {
        let labels = self.test.external_labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        groups::Outside {
            labels: Labels::from_pairs(labels),
            url: self.test.external_url.clone(),
            interval: self.interval(),
            dialect: self.dialect,
        }
    }

    fn judge_alert(&self, test: &AlertTest, groups: &Groups<'_>) -> Option<String> {
        let mut expected: Vec<Fired> = test.expected.iter().map(|alert| alert.fired(&test.alertname)).collect();
        let mut fired = groups.firing(&test.alertname);
        expected.sort();
        fired.sort();
        (expected != fired).then(|| {
            let time = compare::time(test.eval_time);
            let (expected, fired) = (compare::alerts(&expected), compare::alerts(&fired));
            let name = self.name();
            format!(
                "{name}    alertname: {}, time: {time},\n        exp:{expected},\n        got:{fired}",
                test.alertname
            )
        })
    }

    fn judge_expr(&self, test: &ExprTest, store: &Store) -> Option<String> {
        let at = self.test.start.plus(test.eval_time);
        let found = self.expected(test).and_then(|expected| Ok((expected, self.answer(&test.expr, store, at)?)));
        let place = || format!("{}    expr: {:?}, time: {}", self.name(), test.expr, compare::time(test.eval_time));
        match found {
            Err(what) => Some(format!("{}, err: {what}", place())),
            Ok((expected, got)) if compare::same(&expected, &got, self.file.fuzzy_compare) => None,
            Ok((expected, got)) => {
                let (expected, got) = (compare::samples(&expected), compare::samples(&got));
                Some(format!("{},\n        exp: {expected}\n        got: {got}", place()))
            }
        }
    }

    fn expected(&self, test: &ExprTest) -> Result<Vec<(Labels, f64)>, String> {
        let mut expected = Vec::new();
        for sample in &test.expected {
            let bad = |what: String| format!("labels {:?}: {what}", sample.labels);
            let pairs = pairs(&sample.labels).map_err(|error| bad(error.to_string()))?;
            if let Some((name, _)) = pairs.iter().find(|(_, value)| value.is_empty()) {
                return Err(bad(format!("no series has the label {name} with an empty value; leave it out")));
            }
            let labels = Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            expected.push((labels, sample.value));
        }
        expected.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(expected)
    }

    fn answer(&self, expr: &str, store: &Store, at: Wall) -> Result<Vec<(Labels, f64)>, String> {
        let samples = vector(expr, store, at, self.interval(), self.dialect)?;
        let mut samples: Vec<_> = samples.into_iter().map(|one| ((*one.labels).clone(), one.value)).collect();
        samples.sort_by(|left, right| left.0.cmp(&right.0));
        Ok(samples)
    }
}

/// The answer to an expression; a number is a vector without labels.
fn vector(source: &str, store: &Store, at: Wall, interval: Duration, dialect: Dialect) -> Result<Vec<Sample>, String> {
    let expr = Expr::parse_as(source, dialect).map_err(|error| error.to_string())?;
    evaluated(&expr, store, at, interval)
}

fn evaluated(expr: &Expr, store: &Store, at: Wall, interval: Duration) -> Result<Vec<Sample>, String> {
    match evaluate_every(expr, store, &Scope::Fleet, at, interval) {
        Ok(Value::Vector(samples)) => Ok(samples),
        Ok(Value::Scalar(value)) => Ok(vec![Sample { labels: Labels::default().into(), value }]),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
