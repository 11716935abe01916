//! A JSON value as filters see it, read with limits.

use jaq_json::{Num, Val};
use jaq_std::ValT as _;
use serde::Deserialize;

/// Deepest nesting that is read. Deeper answers would let recursion over them overflow a stack.
pub const MAX_DEPTH: usize = 64;

/// A JSON value. It lives on one thread: parse it, run the filters over it, take out what is needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Json(pub(super) Val);

/// Why bytes are not JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("the answer is empty")]
    Empty,
    #[error("it ends in the middle, after {bytes} bytes")]
    EndsInTheMiddle { bytes: usize },
    #[error("it is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("{detail} at line {line} column {column}")]
    Syntax { detail: String, line: usize, column: usize },
}

impl Json {
    /// Reads exactly one value. Of two fields with one name the later wins.
    ///
    /// # Errors
    /// Not JSON, and why and where; or nested deeper than [`MAX_DEPTH`].
    pub fn parse(body: &[u8]) -> Result<Json, JsonError> {
        if body.trim_ascii().is_empty() {
            return Err(JsonError::Empty);
        }
        if depth(body) > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        serde_json::from_slice(body).map(Json).map_err(|error| {
            if error.is_eof() {
                return JsonError::EndsInTheMiddle { bytes: body.len() };
            }
            let (line, column) = (error.line(), error.column());
            // The library's message ends with the place, which stands in fields of its own here.
            let detail = error.to_string();
            let detail = detail.split(" at line ").next().unwrap_or_default().to_owned();
            JsonError::Syntax { detail, line, column }
        })
    }

    /// The number in this value: itself, or 1 and 0 for true and false. Not finite is no number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        let number = match &self.0 {
            Val::Bool(yes) => f64::from(u8::from(*yes)),
            other => other.as_f64()?,
        };
        number.is_finite().then_some(number)
    }

    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.0, Val::Null)
    }

    /// As serde's JSON. A number that JSON can not write is null.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        to_value(&self.0)
    }

    /// From serde's JSON.
    ///
    /// # Errors
    /// Nested deeper than [`MAX_DEPTH`].
    pub fn from_value(value: &serde_json::Value) -> Result<Json, JsonError> {
        if is_deeper(value, MAX_DEPTH) {
            return Err(JsonError::TooDeep);
        }
        Val::deserialize(value).map(Json).map_err(|_| JsonError::Empty)
    }

    #[must_use]
    pub fn null() -> Json {
        Json(Val::Null)
    }

    /// A list of these.
    #[must_use]
    pub fn list(items: Vec<Json>) -> Json {
        Json(items.into_iter().map(|Json(value)| value).collect())
    }

    /// What an object has under this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Json> {
        let Val::Obj(entries) = &self.0 else { return None };
        let named = |key: &Val| matches!(key, Val::TStr(text) if **text == *name.as_bytes());
        entries.iter().find(|(key, _)| named(key)).map(|(_, value)| Json(value.clone()))
    }

    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(self.0, Val::Obj(_))
    }

    /// The items of a list.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Json>> {
        match &self.0 {
            Val::Arr(items) => Some(items.iter().cloned().map(Json).collect()),
            _ => None,
        }
    }

    /// A text as it is; a number or a truth value as it is written. Nothing else has one.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match &self.0 {
            Val::TStr(text) | Val::BStr(text) => Some(String::from_utf8_lossy(text).into_owned()),
            Val::Num(_) | Val::Bool(_) => Some(self.0.to_string()),
            Val::Null | Val::Arr(_) | Val::Obj(_) => None,
        }
    }
}

impl From<f64> for Json {
    fn from(number: f64) -> Json {
        Json(Val::from(number))
    }
}

/// The deepest nesting of brackets outside texts. Says nothing about whether they match.
pub(super) fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Whether a value nests deeper than `limit`; looks no deeper than that.
fn is_deeper(value: &serde_json::Value, limit: usize) -> bool {
    match value {
        serde_json::Value::Array(_) | serde_json::Value::Object(_) if limit == 0 => true,
        serde_json::Value::Array(items) => items.iter().any(|item| is_deeper(item, limit - 1)),
        serde_json::Value::Object(entries) => entries.values().any(|item| is_deeper(item, limit - 1)),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => false,
    }
}

fn to_value(value: &Val) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Val::Null => Value::Null,
        Val::Bool(yes) => Value::Bool(*yes),
        Val::Num(Num::Int(whole)) => Value::from(*whole),
        Val::Num(number @ (Num::BigInt(_) | Num::Float(_) | Num::Dec(_))) => match number.to_string().parse::<u64>() {
            Ok(whole) => Value::from(whole),
            Err(_) => value.as_f64().and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number),
        },
        Val::TStr(text) | Val::BStr(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        Val::Arr(items) => Value::Array(items.iter().map(to_value).collect()),
        Val::Obj(entries) => {
            let key = |key: &Val| match key {
                Val::TStr(text) => String::from_utf8_lossy(text).into_owned(),
                other => other.to_string(),
            };
            Value::Object(entries.iter().map(|(name, item)| (key(name), to_value(item))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json_says_why_and_where() {
        let check = |body: &str, want: &str| {
            assert_eq!(Json::parse(body.as_bytes()).expect_err(body).to_string(), want);
        };
        check("", "the answer is empty");
        check(" \n", "the answer is empty");
        check(r#"{"height":9"#, "it ends in the middle, after 11 bytes");
        check("{\"height\":\n  oops}", "expected value at line 2 column 3");
        check("{} {}", "trailing characters at line 1 column 4");
        check(r#"{"n":1e999}"#, "number out of range at line 1 column 10");
        check(&"[".repeat(100_000), "it is nested deeper than 64 levels");
        check(&format!("{}1{}", "[".repeat(65), "]".repeat(65)), "it is nested deeper than 64 levels");
    }

    #[test]
    fn hostile_but_valid_json_is_read() {
        assert!(Json::parse(format!("{}1{}", "[".repeat(64), "]".repeat(64)).as_bytes()).is_ok());
        let text = format!(r#"{{"a":"{}"}}"#, "[".repeat(1000));
        assert!(Json::parse(text.as_bytes()).is_ok(), "brackets in a text are not nesting");
        let twice = Json::parse(br#"{"a":1,"a":2}"#).expect("valid JSON");
        assert_eq!(twice.to_value(), serde_json::json!({"a": 2}));
        let huge = Json::parse(b"18446744073709551615").expect("valid JSON");
        assert_eq!(huge.to_value(), serde_json::json!(18_446_744_073_709_551_615_u64));
        assert_eq!(huge.number(), Some(18_446_744_073_709_551_615.0));
    }

    #[test]
    fn only_finite_numbers_and_truth_values_are_numbers() {
        let check = |body: &str, want| assert_eq!(Json::parse(body.as_bytes()).expect(body).number(), want);
        check("3.5", Some(3.5));
        check("true", Some(1.0));
        check("false", Some(0.0));
        check("null", None);
        check("\"3\"", None);
        check("[]", None);
        assert_eq!(Json::from(f64::NAN).number(), None);
    }

    #[test]
    fn parts_are_found_by_name_and_place() {
        let json = Json::parse(br#"{"a":[1,"x",true,null,{}],"b":null}"#).expect("valid JSON");
        let items = json.field("a").and_then(|list| list.items()).expect("a list");
        let texts: Vec<Option<String>> = items.iter().map(Json::text).collect();
        assert_eq!(texts, [Some("1".to_owned()), Some("x".to_owned()), Some("true".to_owned()), None, None]);
        assert_eq!(Json::list(items).to_value(), serde_json::json!([1, "x", true, null, {}]));
        assert!(json.field("b").is_some_and(|found| found.is_null()) && json.field("c").is_none());
        assert!(json.is_object() && json.items().is_none() && Json::null().field("a").is_none());
    }

    #[test]
    fn values_survive_both_ways() {
        let value = serde_json::json!({"a": [1, 2.5, null, true, "x"], "b": {"c": []}});
        assert_eq!(Json::from_value(&value).expect("shallow").to_value(), value);
    }
}
