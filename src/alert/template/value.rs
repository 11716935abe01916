//! What a template computes with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::format::shortest;
use crate::model::Labels;
use crate::promql::Sample;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    /// A label that is not there is an empty text.
    Labels(Arc<BTreeMap<String, String>>),
    /// The data of an alert: a field that is not there is a mistake.
    Fields(Arc<BTreeMap<&'static str, Value>>),
    /// An element of a query's answer.
    Sample(Arc<Sample>),
    List(Arc<Vec<Value>>),
}

impl Value {
    pub(super) fn text(text: &str) -> Value {
        Value::Text(Arc::from(text))
    }

    pub(super) fn labels(labels: &Labels) -> Value {
        Value::Labels(Arc::new(labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()))
    }

    /// The type as Go names it: what its messages say.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float64",
            Value::Text(_) => "string",
            Value::Labels(_) => "map[string]string",
            Value::Fields(_) => "struct",
            Value::Sample(_) => "sample",
            Value::List(_) => "list",
        }
    }

    /// What `if`, `with`, `and`, `or` and `not` make of it: empty is false.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(truth) => *truth,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Labels(labels) => !labels.is_empty(),
            Value::Fields(_) | Value::Sample(_) => true,
            Value::List(list) => !list.is_empty(),
        }
    }

    /// What stands behind a dot.
    pub(super) fn field(&self, name: &str) -> Result<Value, String> {
        let wrong = || format!("can not look up the field {name} in {}", self.kind());
        match self {
            Value::Labels(labels) => Ok(Value::text(labels.get(name).map_or("", String::as_str))),
            Value::Fields(fields) => fields.get(name).cloned().ok_or_else(wrong),
            Value::Sample(sample) => match name {
                "Labels" => Ok(Value::labels(&sample.labels)),
                "Value" => Ok(Value::Float(sample.value)),
                _other => Err(wrong()),
            },
            Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) | Value::List(_) => {
                Err(wrong())
            }
        }
    }

    /// As it is printed where nothing says how.
    pub(super) fn shown(&self) -> String {
        match self {
            Value::Nil => "<nil>".to_owned(),
            Value::Bool(truth) => truth.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => shortest(*number),
            Value::Text(text) => text.to_string(),
            Value::Labels(labels) => {
                let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                format!("map[{}]", pairs.join(" "))
            }
            Value::Fields(fields) => {
                let shown: Vec<String> = fields.values().map(Value::shown).collect();
                format!("{{{}}}", shown.join(" "))
            }
            Value::Sample(sample) => {
                format!("{{{} {}}}", Value::labels(&sample.labels).shown(), shortest(sample.value))
            }
            Value::List(list) => {
                let shown: Vec<String> = list.iter().map(Value::shown).collect();
                format!("[{}]", shown.join(" "))
            }
        }
    }
}
