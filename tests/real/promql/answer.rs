//! The answers of both engines in one form, and where they differ.

use opsconsole::base::Wall;
use opsconsole::model::{Labels, Scope, Store};
use opsconsole::promql::{Dialect, Expr, ExprError, Steps, Value, evaluate, evaluate_range};
use serde_json::Value as Json;

use super::server::Connection;

/// When two numbers are the same.
#[derive(Clone, Copy)]
struct Closeness {
    /// How far they may lie apart, relative to the larger.
    relative: f64,
    /// How far in numbers.
    absolute: f64,
    /// Where theirs is infinite or NaN, ours may be anything.
    finite_only: bool,
}

const CLOSE: Closeness = Closeness { relative: 1e-9, absolute: 0.0, finite_only: false };

/// What is asked, and when: milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct Question {
    pub text: String,
    pub when: When,
    /// PromQL defines the order of the answer.
    pub ordered: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum When {
    At(i64),
    Steps { start: i64, end: i64, step: i64 },
}

#[derive(Clone, Debug)]
pub enum Answer {
    Scalar(f64),
    Vector(Vec<(Labels, f64)>),
    /// By labels; each with its times in milliseconds.
    Matrix(Vec<(Labels, Vec<(i64, f64)>)>),
    Error(Refusal),
}

#[derive(Clone, Debug)]
pub enum Refusal {
    /// It is refused by name, whatever Prometheus says.
    Unsupported(String),
    /// Any other, with what the engine says.
    Failed(String),
}

/// What our engine answers.
pub fn ours(store: &Store, question: &Question) -> Answer {
    let expr = match Expr::parse_as(&question.text, Dialect::V2) {
        Ok(expr) => expr,
        Err(ExprError::Unsupported { construct }) => return Answer::Error(Refusal::Unsupported(construct)),
        Err(error) => return Answer::Error(Refusal::Failed(error.to_string())),
    };
    match question.when {
        When::At(at) => match evaluate(&expr, store, &Scope::Fleet, Wall(at)) {
            Ok(Value::Scalar(value)) => Answer::Scalar(value),
            Ok(Value::Vector(samples)) => {
                Answer::Vector(samples.into_iter().map(|sample| ((*sample.labels).clone(), sample.value)).collect())
            }
            Err(error) => Answer::Error(Refusal::Failed(error.to_string())),
        },
        When::Steps { start, end, step } => {
            match evaluate_range(&expr, store, &Scope::Fleet, Steps::between(Wall(start), Wall(end), step)) {
                Ok(matrix) => by_labels(matrix.series.into_iter().map(|series| {
                    let samples = series.samples.into_iter().map(|(at, value)| (at.0, value)).collect();
                    ((*series.labels).clone(), samples)
                })),
                Err(error) => Answer::Error(Refusal::Failed(error.to_string())),
            }
        }
    }
}

/// What Prometheus answers.
pub fn theirs(prometheus: &mut Connection, question: &Question) -> Answer {
    let query = percent(&question.text);
    let seconds = |millis: i64| format!("{}.{:03}", millis / 1000, millis % 1000);
    let path = match question.when {
        When::At(at) => format!("/api/v1/query?query={query}&time={}", seconds(at)),
        When::Steps { start, end, step } => {
            let (start, end, step) = (seconds(start), seconds(end), seconds(step));
            format!("/api/v1/query_range?query={query}&start={start}&end={end}&step={step}")
        }
    };
    let (_, body) = prometheus.get(&path);
    let json: Json = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    if json["status"] != "success" {
        return Answer::Error(Refusal::Failed(json["error"].as_str().unwrap_or_default().to_owned()));
    }
    let result = &json["data"]["result"];
    let list = || result.as_array().expect("a list").iter();
    match json["data"]["resultType"].as_str() {
        Some("scalar") => Answer::Scalar(sample(result).1),
        Some("vector") => Answer::Vector(list().map(|of| (labels(of), sample(&of["value"]).1)).collect()),
        Some("matrix") => by_labels(list().map(|of| {
            let samples = of["values"].as_array().expect("a list").iter().map(sample).collect();
            (labels(of), samples)
        })),
        other => Answer::Error(Refusal::Failed(format!("an answer of type {other:?}"))),
    }
}

fn by_labels(series: impl Iterator<Item = (Labels, Vec<(i64, f64)>)>) -> Answer {
    // absent_over_time of 2.42 gives a series without a sample where there is never nothing.
    let mut series: Vec<_> = series.filter(|(_, samples)| !samples.is_empty()).collect();
    series.sort_by(|a, b| a.0.cmp(&b.0));
    Answer::Matrix(series)
}

fn labels(of: &Json) -> Labels {
    let metric = of["metric"].as_object().expect("labels");
    Labels::from_pairs(metric.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("text"))))
}

fn sample(pair: &Json) -> (i64, f64) {
    let at = (pair[0].as_f64().expect("a time") * 1000.0).round() as i64;
    let value = match pair[1].as_str().expect("a number as text") {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().expect("a number"),
    };
    (at, value)
}

fn percent(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// Whether only the last digits differ: those that rounding takes where large numbers nearly cancel.
pub fn nearly_equal(ours: &Answer, theirs: &Answer) -> bool {
    differs_by(ours, theirs, false, Closeness { relative: 1e-5, ..CLOSE }).is_none()
}

/// Whether no two numbers lie further apart than one.
pub fn within_one(ours: &Answer, theirs: &Answer) -> bool {
    differs_by(ours, theirs, false, Closeness { absolute: 1.0, ..CLOSE }).is_none()
}

/// Whether they differ in nothing but numbers that are not finite in theirs.
pub fn equal_where_finite(ours: &Answer, theirs: &Answer) -> bool {
    differs_by(ours, theirs, false, Closeness { finite_only: true, ..CLOSE }).is_none()
}

/// Where they differ, if they do.
pub fn difference(ours: &Answer, theirs: &Answer, ordered: bool) -> Option<String> {
    differs_by(ours, theirs, ordered, CLOSE)
}

fn differs_by(ours: &Answer, theirs: &Answer, ordered: bool, close: Closeness) -> Option<String> {
    match (ours, theirs) {
        (Answer::Error(_), Answer::Error(_)) => None,
        (Answer::Scalar(ours), Answer::Scalar(theirs)) => value(*ours, *theirs, close),
        (Answer::Vector(ours), Answer::Vector(theirs)) => vector(ours, theirs, ordered, close),
        (Answer::Matrix(ours), Answer::Matrix(theirs)) => matrix(ours, theirs, close),
        (_, Answer::Error(_)) => Some("an answer where Prometheus gives an error".to_owned()),
        (Answer::Error(_), _) => Some("an error where Prometheus answers".to_owned()),
        (_, _) => Some("answers of different types".to_owned()),
    }
}

fn value(ours: f64, theirs: f64, close: Closeness) -> Option<String> {
    let near = (ours - theirs).abs() <= (close.relative * ours.abs().max(theirs.abs())).max(close.absolute);
    let same = ours == theirs
        || ours.is_nan() && theirs.is_nan()
        || close.finite_only && !theirs.is_finite()
        || near && ours.is_finite() && theirs.is_finite();
    (!same).then(|| format!("{ours} and not {theirs}"))
}

fn vector(ours: &[(Labels, f64)], theirs: &[(Labels, f64)], ordered: bool, close: Closeness) -> Option<String> {
    if ordered {
        // Elements of the same value may stand in any order among themselves.
        let places = ours.iter().zip(theirs).enumerate();
        let mut wrong =
            places.filter_map(|(place, (ours, theirs))| value(ours.1, theirs.1, close).map(|what| (place, what)));
        if let Some((place, what)) = wrong.next() {
            return Some(format!("place {place}: {what}"));
        }
    }
    let series = |of: &[(Labels, f64)]| {
        let mut series: Vec<_> = of.iter().map(|(labels, value)| (labels.clone(), vec![(0, *value)])).collect();
        series.sort_by(|a, b| a.0.cmp(&b.0));
        series
    };
    matrix(&series(ours), &series(theirs), close)
}

type Series = (Labels, Vec<(i64, f64)>);

fn matrix(ours: &[Series], theirs: &[Series], close: Closeness) -> Option<String> {
    let has = |of: &[Series], labels: &Labels| of.iter().any(|(have, _)| have == labels);
    if let Some((labels, _)) = ours.iter().find(|(labels, _)| !has(theirs, labels)) {
        return Some(format!("{labels}, which Prometheus does not give"));
    }
    if let Some((labels, _)) = theirs.iter().find(|(labels, _)| !has(ours, labels)) {
        return Some(format!("not {labels}, which Prometheus gives"));
    }
    if ours.len() != theirs.len() {
        return Some(format!("{} series and not {}", ours.len(), theirs.len()));
    }
    ours.iter().zip(theirs).find_map(|((labels, ours), (_, theirs))| {
        let times = |of: &[(i64, f64)]| of.iter().map(|(at, _)| *at).collect::<Vec<_>>();
        if times(ours) != times(theirs) {
            return Some(format!("{labels}: values at {:?} and not {:?}", times(ours), times(theirs)));
        }
        let mut pairs = ours.iter().zip(theirs);
        pairs.find_map(|(ours, theirs)| {
            value(ours.1, theirs.1, close).map(|what| format!("{labels} at {}: {what}", ours.0))
        })
    })
}
