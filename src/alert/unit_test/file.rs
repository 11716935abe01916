//! The shape of a test file, as promtool has it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Location, MessageFormatter, UserMessageFormatter};

use super::super::{duration, reader};
use super::compare::Fired;
use crate::base::{Problem, Wall};

/// Where a file says nothing, as in promtool.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// A file of tests.
#[derive(Clone, Debug, PartialEq)]
pub struct TestFile {
    /// As written: relative to the test file, with globs.
    pub rule_files: Vec<String>,
    pub(super) evaluation_interval: Duration,
    /// The last bit of a value does not count.
    pub(super) fuzzy_compare: bool,
    pub(super) group_eval_order: Vec<String>,
    pub(super) tests: Vec<TestGroup>,
}

impl TestFile {
    /// Whether there is anything to test.
    #[must_use]
    pub fn has_tests(&self) -> bool {
        !self.tests.is_empty()
    }
}

/// Series, and what must come of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TestGroup {
    pub name: String,
    /// Between two samples of a series.
    pub interval: Option<Duration>,
    /// When everything begins.
    pub start: Wall,
    pub series: Vec<InputSeries>,
    pub alerts: Vec<AlertTest>,
    pub expressions: Vec<ExprTest>,
    pub external_labels: BTreeMap<String, String>,
    pub external_url: String,
}

impl TestGroup {
    /// The last time that any test asks for.
    pub(super) fn last_time(&self) -> Duration {
        let alerts = self.alerts.iter().map(|test| test.eval_time);
        alerts.chain(self.expressions.iter().map(|test| test.eval_time)).max().unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct InputSeries {
    pub series: String,
    pub values: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct AlertTest {
    pub eval_time: Duration,
    pub alertname: String,
    pub expected: Vec<ExpectedAlert>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectedAlert {
    exp_labels: Option<BTreeMap<String, String>>,
    exp_annotations: Option<BTreeMap<String, String>>,
}

impl ExpectedAlert {
    /// Files do not repeat the label that every alert of the name has.
    pub(super) fn fired(&self, name: &str) -> Fired {
        let mut labels = self.exp_labels.clone().unwrap_or_default();
        labels.insert("alertname".to_owned(), name.to_owned());
        Fired { labels, annotations: self.exp_annotations.clone().unwrap_or_default() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ExprTest {
    pub expr: String,
    pub eval_time: Duration,
    pub expected: Vec<ExpectedSample>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectedSample {
    pub labels: String,
    #[serde(deserialize_with = "number")]
    pub value: f64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawFile {
    rule_files: Option<Vec<String>>,
    evaluation_interval: Option<Span>,
    fuzzy_compare: Option<bool>,
    group_eval_order: Option<Vec<String>>,
    tests: Option<Vec<RawTest>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawTest {
    name: Option<String>,
    interval: Option<Span>,
    start_timestamp: Option<Start>,
    input_series: Option<Vec<InputSeries>>,
    alert_rule_test: Option<Vec<RawAlertTest>>,
    promql_expr_test: Option<Vec<RawExprTest>>,
    external_labels: Option<BTreeMap<String, String>>,
    external_url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawAlertTest {
    eval_time: Option<Span>,
    alertname: Option<String>,
    exp_alerts: Option<Vec<ExpectedAlert>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawExprTest {
    expr: Option<String>,
    eval_time: Option<Span>,
    exp_samples: Option<Vec<ExpectedSample>>,
}

/// Reads a test file.
///
/// # Errors
/// The first mistake, with its place: YAML, an unknown key, a duration that is none.
pub fn load(file: &str, text: &str) -> Result<TestFile, Problem> {
    // Samples may be infinite, or no number at all.
    let options = serde_saphyr::options! { non_finite_float_policy: NonFiniteFloatPolicy::PassThrough };
    match serde_saphyr::from_str_with_options::<Option<RawFile>>(text, options) {
        Ok(raw) => Ok(raw.unwrap_or_default().into()),
        Err(error) => {
            let place = error.location().unwrap_or(Location::UNKNOWN);
            let what = UserMessageFormatter.format_message(error.without_snippet());
            Err(reader::problem(file, place, what.into_owned()))
        }
    }
}

impl From<RawFile> for TestFile {
    fn from(raw: RawFile) -> TestFile {
        let interval = raw.evaluation_interval.map(|span| span.0).filter(|interval| !interval.is_zero());
        TestFile {
            rule_files: raw.rule_files.unwrap_or_default(),
            evaluation_interval: interval.unwrap_or(DEFAULT_INTERVAL),
            fuzzy_compare: raw.fuzzy_compare.unwrap_or_default(),
            group_eval_order: raw.group_eval_order.unwrap_or_default(),
            tests: raw.tests.unwrap_or_default().into_iter().map(TestGroup::from).collect(),
        }
    }
}

impl From<RawTest> for TestGroup {
    fn from(raw: RawTest) -> TestGroup {
        let alert = |test: RawAlertTest| AlertTest {
            eval_time: test.eval_time.unwrap_or_default().0,
            alertname: test.alertname.unwrap_or_default(),
            expected: test.exp_alerts.unwrap_or_default(),
        };
        let expression = |test: RawExprTest| ExprTest {
            expr: test.expr.unwrap_or_default(),
            eval_time: test.eval_time.unwrap_or_default().0,
            expected: test.exp_samples.unwrap_or_default(),
        };
        TestGroup {
            name: raw.name.unwrap_or_default(),
            interval: raw.interval.map(|span| span.0),
            start: raw.start_timestamp.unwrap_or_default().0,
            series: raw.input_series.unwrap_or_default(),
            alerts: raw.alert_rule_test.unwrap_or_default().into_iter().map(alert).collect(),
            expressions: raw.promql_expr_test.unwrap_or_default().into_iter().map(expression).collect(),
            external_labels: raw.external_labels.unwrap_or_default(),
            external_url: raw.external_url.unwrap_or_default(),
        }
    }
}

/// A duration as Prometheus writes them.
#[derive(Clone, Copy, Default)]
struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration::parse(&text).map(Span).map_err(D::Error::custom)
    }
}

/// Seconds since 1970, or a time in words.
#[derive(Clone, Copy, Default)]
struct Start(Wall);

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Start, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            || D::Error::custom(format!("{text:?} is no time; write seconds since 1970 or 2026-11-21T03:04:05Z"));
        match text.parse::<i64>() {
            Ok(seconds) => seconds.checked_mul(1000).map(|millis| Start(Wall(millis))).ok_or_else(wrong),
            Err(_) => {
                let read: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
                Ok(Start(Wall(read.as_millisecond())))
            }
        }
    }
}

/// A number of YAML: neither a text that looks like one, nor `+Inf`, which is `.inf` there.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    struct Number;
    impl Visitor<'_> for Number {
        type Value = f64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number")
        }

        fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
            Ok(value)
        }

        fn visit_i64<E>(self, value: i64) -> Result<f64, E> {
            Ok(value as f64)
        }

        fn visit_u64<E>(self, value: u64) -> Result<f64, E> {
            Ok(value as f64)
        }

        fn visit_unit<E>(self) -> Result<f64, E> {
            Ok(0.0)
        }
    }
    deserializer.deserialize_any(Number)
}
