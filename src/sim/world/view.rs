//! The values of a world at a moment, as JSON: what jq programs and texts see.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use super::cell::{Counts, Now, rounded};
use super::script::{Place, placeholders};
use super::spec::{HistogramSpec, KindSpec, TimeForm};
use super::state::World;
use crate::base::{Digest, Wall};
use crate::sim::volchain::Fault;
use crate::sources::jq::{Filter, Json};

/// What a world's clock is off by while that fault is on.
pub(super) const CLOCK_OFF_MILLIS: i64 = 45_000;

/// The quantiles that a program finds of a histogram.
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];

/// What a node showed, and when.
type View = (i64, Map<String, Value>);

/// What was seen of each node last: many reads come at the same moment, and see the same. Whatever changes the world
/// forgets it.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<BTreeMap<usize, View>>);

impl Seen {
    fn get(&self, now: i64, node: usize) -> Option<Map<String, Value>> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&node).filter(|(at, _)| *at == now).map(|(_, view)| view.clone())
    }

    fn keep(&self, now: i64, node: usize, view: &Map<String, Value>) {
        // What a reader left behind is whole or not there at all.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(node, (now, view.clone()));
    }

    pub(super) fn forget(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Clone for Seen {
    /// Another world sees for itself.
    fn clone(&self) -> Seen {
        Seen::default()
    }
}

impl World {
    /// The nodes' own clock.
    pub(super) fn clock(&self, now: i64) -> i64 {
        if self.on_the_way.on(Fault::ClockOff) { now + CLOCK_OFF_MILLIS } else { now }
    }

    /// Everything that a program of this node finds: its variables by their names, a labelled one as an object by the
    /// values of its labels; `now`, `now_seconds`, `now_millis`, `node`, `surface` and `units`. Where there are several
    /// nodes, `nodes` has the variables of each.
    pub(super) fn view(&self, now: i64, node: usize) -> Map<String, Value> {
        if let Some(seen) = self.seen.get(now, node) {
            return seen;
        }
        let mut view = self.values(now, node);
        if self.script.spec.nodes.len() > 1 {
            let of = |(number, node): (usize, &super::spec::NodeSpec)| {
                let mut values = self.values(now, number);
                values.insert("up".to_owned(), Value::from(self.lives(number)));
                (node.id.clone(), Value::Object(values))
            };
            let nodes: Map<String, Value> = self.script.spec.nodes.iter().enumerate().map(of).collect();
            view.insert("nodes".to_owned(), Value::Object(nodes));
        }
        self.seen.keep(now, node, &view);
        view
    }

    /// The variables of one node, and what every text finds.
    pub(super) fn values(&self, now: i64, node: usize) -> Map<String, Value> {
        let mut values = self.given(now, node);
        let mut at = 0;
        while let Some(place) = self.script.cells.get(at) {
            if place.node == node {
                let value = self.value_of(now, at, &values);
                put(self, &mut values, *place, value);
            }
            at += 1;
        }
        values
    }

    fn given(&self, now: i64, node: usize) -> Map<String, Value> {
        let now = self.clock(now);
        let units = self.script.spec.units.iter().zip(&self.units);
        let units: Map<String, Value> =
            units.map(|(unit, service)| (unit.name.clone(), Value::from(service.state.word()))).collect();
        let given = json!({
            "now": Wall(now).to_string(),
            "now_seconds": now.div_euclid(1000),
            "now_millis": now,
            "node": self.script.node(node).id,
            "surface": self.surface.name(),
            "units": units,
        });
        match given {
            Value::Object(given) => given,
            _no_object => Map::new(),
        }
    }

    /// The value of this cell; nothing for one that is nowhere.
    pub(super) fn value_at(&self, now: i64, at: usize) -> Option<Value> {
        let place = *self.script.cells.get(at)?;
        let above = match &self.script.spec.variables[place.variable].kind {
            KindSpec::Of(_) | KindSpec::Hash(_) => self.values(now, place.node),
            _simple => Map::new(),
        };
        self.value_of(now, at, &above)
    }

    /// The same, with what stands above it known.
    fn value_of(&self, now: i64, at: usize, above: &Map<String, Value>) -> Option<Value> {
        let (place, cell, sway) = (self.script.cells[at], &self.cells[at], &self.sways[at]);
        if sway.dropped {
            return None;
        }
        if sway.null {
            return Some(Value::Null);
        }
        if let Some(set) = &sway.set {
            return Some(set.clone());
        }
        if let Some(held) = &cell.held {
            return Some(held.clone());
        }
        let variable = &self.script.spec.variables[place.variable];
        Some(match (&variable.kind, &cell.now) {
            (KindSpec::Counter(spec), Now::Number(value)) if !spec.whole => Value::from(rounded(*value, 6)),
            (KindSpec::Walk(spec), Now::Number(value)) => number(rounded(*value * sway.rate, spec.decimals)),
            (_, Now::Number(value)) => number(*value),
            (KindSpec::Histogram(spec), Now::Histogram(counts)) => histogram(spec, counts),
            (KindSpec::State(spec), Now::Word(word)) => spec.of.get(*word).map_or(Value::Null, |word| json!(word)),
            (KindSpec::Time(spec), Now::Moment(moment)) => written(self.clock(*moment), spec.form),
            (KindSpec::Flag(yes), _) => Value::from(*yes),
            (KindSpec::Uptime, _) => Value::from((now - self.up_since(place.node)).max(0) / 1000),
            (KindSpec::Hash(spec), _) => {
                let of = above.get(&spec.of).map(Value::to_string).unwrap_or_default();
                let chain = if self.forked(place.node) { self.script.node(place.node).id.as_str() } else { "" };
                Value::from(Digest::of(format!("{} {of} {chain}", variable.name).as_bytes()).to_string())
            }
            (KindSpec::Of(_), _) => {
                let program = self.script.derived[place.variable].as_ref()?;
                run(program, &Value::Object(above.clone())).unwrap_or(Value::Null)
            }
            _unlike => Value::Null,
        })
    }

    fn forked(&self, node: usize) -> bool {
        let id = &self.script.node(node).id;
        self.effects().any(|effect| matches!(effect, super::spec::EffectSpec::Fork(forked) if forked == id))
    }
}

/// Puts a value under the name of its variable: itself, or its part of an object by the values of its labels.
fn put(world: &World, values: &mut Map<String, Value>, place: Place, value: Option<Value>) {
    let variable = &world.script.spec.variables[place.variable];
    let Some(series) = variable.series.get(place.series).filter(|series| !series.labels.is_empty()) else {
        if let Some(value) = value {
            values.insert(variable.name.clone(), value);
        }
        return;
    };
    let parts = values.entry(variable.name.clone()).or_insert_with(|| Value::Object(Map::new()));
    if let (Value::Object(parts), Some(value)) = (parts, value) {
        let key = series.labels.values().map(String::as_str).collect::<Vec<_>>().join("/");
        parts.insert(key, value);
    }
}

/// A whole number as one.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 { Value::from(value as i64) } else { Value::from(value) }
}

fn histogram(spec: &HistogramSpec, counts: &Counts) -> Value {
    let mut parts = Map::new();
    parts.insert("count".to_owned(), Value::from(counts.count));
    parts.insert("sum".to_owned(), number(rounded(counts.sum, 6)));
    for (name, share) in QUANTILES {
        let value = counts.quantile(spec, share).map_or(Value::Null, |value| Value::from(rounded(value, 6)));
        parts.insert(name.to_owned(), value);
    }
    Value::Object(parts)
}

fn written(moment: i64, form: TimeForm) -> Value {
    match form {
        TimeForm::Seconds => Value::from(moment.div_euclid(1000)),
        TimeForm::Millis => Value::from(moment),
        TimeForm::Rfc3339 => Value::from(Wall(moment).to_string()),
    }
}

/// What a program gives; nothing where it gives nothing.
///
/// # Errors
/// What went wrong, in words.
pub(super) fn tried(program: &Filter, input: &Value) -> Result<Option<Value>, String> {
    let input = Json::from_value(input).map_err(|error| error.to_string())?;
    program.first(&input, &[]).map(|found| found.map(|json| json.to_value())).map_err(|error| error.to_string())
}

pub(super) fn run(program: &Filter, input: &Value) -> Option<Value> {
    tried(program, input).ok().flatten()
}

/// A text with its `{name}`s written in: those that `own` knows, then those of the values.
pub(super) fn fill(text: &str, values: &Map<String, Value>, mut own: impl FnMut(&str) -> Option<String>) -> String {
    let mut filled = text.to_owned();
    let names: Vec<String> = placeholders(text).map(str::to_owned).collect();
    for name in names {
        let value = own(&name).or_else(|| values.get(&name).map(plain));
        if let Some(value) = value {
            filled = filled.replacen(&format!("{{{name}}}"), &value, 1);
        }
    }
    filled
}

/// A text as it is, anything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
