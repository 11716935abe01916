//! As much of Prometheus' HTTP API as a world answers: the instant value of a plain selector. Anything else is an error
//! in Prometheus' form, so that nobody takes it for an answer.

use serde_json::{Value, json};

use super::exposition::metric;
use super::state::World;
use crate::sim::exchange::Request;

/// `name` or `name{label="value",…}`.
struct Selector {
    name: String,
    labels: Vec<(String, String)>,
}

impl World {
    pub(super) fn query(&self, now: i64, node: usize, families: &[String], request: &Request) -> (u16, String) {
        let failed =
            |kind: &str, why: &str| (400, json!({"status": "error", "errorType": kind, "error": why}).to_string());
        if request.path.ends_with("/buildinfo") {
            let build = json!({"status": "success", "data": {"version": "2.42.0"}});
            return (200, build.to_string());
        }
        if !request.path.ends_with("/query") {
            return failed("bad_data", "this server answers api/v1/query alone");
        }
        let asked = [request.query.as_str(), request.body.as_str()];
        let mut pairs = asked.iter().flat_map(|text| url::form_urlencoded::parse(text.as_bytes()));
        let Some((_, query)) = pairs.find(|(name, _)| name == "query") else {
            return failed(
                "bad_data",
                "invalid parameter \"query\": unknown position: parse error: no expression found in input",
            );
        };
        let Some(selector) = Selector::read(&query) else {
            return failed("bad_data", "this server answers plain selectors alone");
        };
        let result: Vec<Value> = self.matching(now, node, families, &selector).collect();
        (200, json!({"status": "success", "data": {"resultType": "vector", "result": result}}).to_string())
    }

    fn matching<'a>(
        &'a self,
        now: i64,
        node: usize,
        families: &'a [String],
        selector: &'a Selector,
    ) -> impl Iterator<Item = Value> + 'a {
        let samples = self.families(families).flat_map(move |variable| self.samples(now, node, variable, false));
        samples.filter_map(move |sample| {
            let of = &self.script.spec.variables[sample.place.variable];
            let name = format!("{}{}", metric(of), sample.suffix);
            if name != selector.name || !selector.labels.iter().all(|pair| sample.labels.contains(pair)) {
                return None;
            }
            let mut labels: serde_json::Map<String, Value> =
                sample.labels.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            labels.insert("__name__".to_owned(), Value::from(name));
            Some(json!({"metric": labels, "value": [self.clock(now) as f64 / 1000.0, sample.value]}))
        })
    }
}

impl Selector {
    fn read(text: &str) -> Option<Selector> {
        let text = text.trim();
        let (name, rest) = text.split_once('{').unwrap_or((text, "}"));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let name = name.trim();
        if name.is_empty() || !name.chars().all(plain) {
            return None;
        }
        let inner = rest.strip_suffix('}')?.trim().trim_end_matches(',');
        let pair = |pair: &str| {
            let (label, value) = pair.split_once('=')?;
            let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            (!value.contains('"')).then(|| (label.trim().to_owned(), value.to_owned()))
        };
        let labels = if inner.is_empty() { Some(Vec::new()) } else { inner.split(',').map(pair).collect() };
        Some(Selector { name: name.to_owned(), labels: labels? })
    }
}
