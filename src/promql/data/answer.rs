//! An answer, and the JSON in which Prometheus' HTTP API gives it.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value as Json;

use super::number::{plainly, read, written};
use crate::base::Wall;
use crate::model::{Labels, SeriesWindow};
use crate::promql::{Matrix, Sample, Value};

/// What an expression gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Scalar(Wall, f64),
    /// Each with its time, which is that of the question.
    Vector(Vec<(Wall, Sample)>),
    /// By labels.
    Matrix(Vec<SeriesWindow>),
}

/// Why what came is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("the server refuses: {what}")]
    Refused { what: String },
    #[error("this is no answer of Prometheus' HTTP API: {what}")]
    Malformed { what: String },
    #[error("the answer has {what}, which is not supported")]
    Unsupported { what: String },
}

impl Answer {
    /// The answer to an instant query.
    #[must_use]
    pub fn instant(value: Value, at: Wall) -> Answer {
        match value {
            Value::Scalar(value) => Answer::Scalar(at, value),
            Value::Vector(samples) => Answer::Vector(samples.into_iter().map(|sample| (at, sample)).collect()),
        }
    }

    /// The answer to a range query: sorted by labels, as Prometheus has it.
    #[must_use]
    pub fn range(matrix: Matrix) -> Answer {
        let mut series: Vec<_> = matrix.series.into_iter().filter(|series| !series.samples.is_empty()).collect();
        series.sort_by(|left, right| left.labels.cmp(&right.labels));
        Answer::Matrix(series)
    }

    /// How many series it has; of a scalar, one.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Answer::Scalar(..) => 1,
            Answer::Vector(samples) => samples.len(),
            Answer::Matrix(series) => series.len(),
        }
    }

    /// As the body of an HTTP answer.
    #[must_use]
    pub fn to_json(&self) -> String {
        let (kind, result) = match self {
            Answer::Scalar(at, value) => ("scalar", format!("[{},\"{}\"]", at.as_seconds(), plainly(*value))),
            Answer::Vector(samples) => {
                let one = |(at, sample): &(Wall, Sample)| {
                    format!("{{\"metric\":{},\"value\":{}}}", metric(&sample.labels), pair(*at, sample.value))
                };
                ("vector", list(samples.iter().map(one)))
            }
            Answer::Matrix(series) => {
                let one = |series: &SeriesWindow| {
                    let values = list(series.samples.iter().map(|(at, value)| pair(*at, *value)));
                    format!("{{\"metric\":{},\"values\":{values}}}", metric(&series.labels))
                };
                ("matrix", list(series.iter().map(one)))
            }
        };
        format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"{kind}\",\"result\":{result}}}}}")
    }

    /// Reads the body of an HTTP answer.
    ///
    /// # Errors
    /// The server says that it has no answer, or what it says can not be read.
    pub fn from_json(body: &str) -> Result<Answer, AnswerError> {
        let json: Json = serde_json::from_str(body).map_err(|error| malformed(error.to_string()))?;
        match json["status"].as_str() {
            Some("success") => {}
            Some("error") => {
                let text = |name: &str| json[name].as_str().unwrap_or_default();
                return Err(AnswerError::Refused { what: format!("{}: {}", text("errorType"), text("error")) });
            }
            Some(_) | None => return Err(malformed("it has no status")),
        }
        let data = &json["data"];
        let result = &data["result"];
        let items = || result.as_array().ok_or_else(|| malformed("its result is no list"));
        match data["resultType"].as_str() {
            Some("scalar") => sample(result).map(|(at, value)| Answer::Scalar(at, value)),
            Some("vector") => {
                let one = |item: &Json| {
                    let (at, value) = sample(plain(item, "value", "histogram")?)?;
                    Ok((at, Sample { labels: labels(item)?, value }))
                };
                Ok(Answer::Vector(items()?.iter().map(one).collect::<Result<_, _>>()?))
            }
            Some("matrix") => {
                let one = |item: &Json| {
                    let values = plain(item, "values", "histograms")?;
                    let values = values.as_array().ok_or_else(|| malformed("the values of a series are no list"))?;
                    let samples = values.iter().map(sample).collect::<Result<_, _>>()?;
                    Ok(SeriesWindow { labels: labels(item)?, samples })
                };
                Ok(Answer::Matrix(items()?.iter().map(one).collect::<Result<_, _>>()?))
            }
            Some(other) => Err(AnswerError::Unsupported { what: format!("the type {other}") }),
            None => Err(malformed("it has no type")),
        }
    }
}

fn malformed(what: impl Into<String>) -> AnswerError {
    AnswerError::Malformed { what: what.into() }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn pair(at: Wall, value: f64) -> String {
    format!("[{},\"{}\"]", seconds(at), written(value))
}

/// Seconds with three digits behind the point, or none. The time of a scalar has no digits that say nothing.
fn seconds(at: Wall) -> String {
    let (sign, millis) = (if at.0 < 0 { "-" } else { "" }, at.0.unsigned_abs());
    match millis % 1000 {
        0 => format!("{sign}{}", millis / 1000),
        fraction => format!("{sign}{}.{fraction:03}", millis / 1000),
    }
}

fn metric(labels: &Labels) -> String {
    let mut out = String::from("{");
    for (place, (name, value)) in labels.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        // Writing to a String can not fail.
        let _ = write!(out, "{comma}{}:{}", Json::from(name), Json::from(value));
    }
    out.push('}');
    out
}

/// What is under this name; native histograms stand under the other one.
fn plain<'j>(item: &'j Json, name: &str, native: &str) -> Result<&'j Json, AnswerError> {
    match (&item[name], &item[native]) {
        (Json::Null, Json::Null) => Err(malformed(format!("a series has no {name}"))),
        (found, Json::Null) => Ok(found),
        (_, _) => Err(AnswerError::Unsupported { what: "native histograms".to_owned() }),
    }
}

fn labels(item: &Json) -> Result<Arc<Labels>, AnswerError> {
    let pairs = item["metric"].as_object().ok_or_else(|| malformed("a series has no labels"))?;
    let mut read = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        let value = value.as_str().ok_or_else(|| malformed(format!("the label {name} is no text")))?;
        read.push((name.as_str(), value));
    }
    Ok(Arc::new(Labels::from_pairs(read)))
}

fn sample(pair: &Json) -> Result<(Wall, f64), AnswerError> {
    let at = pair[0].as_f64().ok_or_else(|| malformed("a sample has no time"))?;
    let value = pair[1].as_str().and_then(read).ok_or_else(|| malformed("a sample has no value"))?;
    // Further than the clocks reach saturates, which is as far as anybody can look.
    Ok((Wall((at * 1000.0).round() as i64), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &Answer, want: &str) {
        assert_eq!(answer.to_json(), want);
        assert_eq!(Answer::from_json(want).as_ref(), Ok(answer), "{want}");
    }

    #[test]
    fn answers_are_written_and_read_as_the_http_api_has_them() {
        let labels = |pairs: &[(&str, &str)]| Arc::new(Labels::from_pairs(pairs.iter().copied()));
        check(
            &Answer::Scalar(Wall(1_435_781_451_781), 1.0),
            r#"{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"1"]}}"#,
        );
        check(
            &Answer::Scalar(Wall(-500), 1e21),
            r#"{"status":"success","data":{"resultType":"scalar","result":[-0.5,"1000000000000000000000"]}}"#,
        );
        let vector = |value| {
            let labels = labels(&[("__name__", "up"), ("job", "a\"b")]);
            Answer::Vector(vec![(Wall(1_435_781_451_050), Sample { labels, value })])
        };
        check(
            &vector(f64::INFINITY),
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\"b"},"value":[1435781451.050,"+Inf"]}]}}"#,
        );
        check(&Answer::Vector(Vec::new()), r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#);
        let series = SeriesWindow { labels: labels(&[]), samples: vec![(Wall(0), 0.5), (Wall(60_000), 1e-7)] };
        check(
            &Answer::Matrix(vec![series]),
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[0,"0.5"],[60,"1e-07"]]}]}}"#,
        );
        assert!(vector(f64::NAN).to_json().contains(r#""NaN""#));
    }

    #[test]
    fn what_is_no_answer_is_said() {
        let check = |body: &str, want: &str| match Answer::from_json(body) {
            Err(error) => assert!(error.to_string().contains(want), "{body}: {error}"),
            Ok(answer) => panic!("{body}: {answer:?}"),
        };
        check("<html>", "no answer of Prometheus' HTTP API");
        check("{}", "no status");
        check(r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#, "refuses: bad_data: parse error");
        let with = |data: &str| format!(r#"{{"status":"success","data":{data}}}"#);
        check(&with(r#"{"resultType":"string","result":[0,"x"]}"#), "the type string");
        check(&with(r#"{"resultType":"vector","result":[{"metric":{},"histogram":[0,{}]}]}"#), "native histograms");
        check(&with(r#"{"resultType":"vector","result":[{"metric":{},"value":[0,5]}]}"#), "no value");
        check(&with(r#"{"resultType":"vector","result":[{"value":[0,"5"]}]}"#), "no labels");
        check(&with(r#"{"resultType":"vector","result":{}}"#), "no list");
        check(&with(r#"{"resultType":"matrix","result":[{"metric":{},"values":[[0,"x"]]}]}"#), "no value");
    }

    #[test]
    fn a_range_is_sorted_by_labels_and_has_no_empty_series() {
        let series = |name: &str, samples: &[(Wall, f64)]| SeriesWindow {
            labels: Arc::new(Labels::named(name)),
            samples: samples.to_vec(),
        };
        let one = [(Wall(0), 1.0)];
        let answer = Answer::range(Matrix { series: vec![series("b", &one), series("c", &[]), series("a", &one)] });
        assert_eq!(answer, Answer::Matrix(vec![series("a", &one), series("b", &one)]));
        assert_eq!(answer.count(), 2);
    }
}
