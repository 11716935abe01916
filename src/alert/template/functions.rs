//! The functions of templates: Go's own and those that Prometheus adds.

use std::cmp::Ordering;
use std::sync::Arc;

use regex::Regex;

use super::format::printf;
use super::value::Value;
use super::{Ask, humanize};
use crate::alert::duration;

macro_rules! functions {
    ($($name:literal => $variant:ident,)*) => {
        /// Every function by the name that a template calls it.
        pub(super) const ALL: &[(&str, Function)] = &[$(($name, Function::$variant)),*];

        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Function {
            $($variant,)*
        }
    };
}

functions! {
    "and" => And,
    "or" => Or,
    "not" => Not,
    "eq" => Eq,
    "ne" => Ne,
    "lt" => Lt,
    "le" => Le,
    "gt" => Gt,
    "ge" => Ge,
    "len" => Len,
    "index" => Index,
    "slice" => Slice,
    "print" => Print,
    "println" => PrintLine,
    "printf" => PrintFormat,
    "html" => Html,
    "urlquery" => UrlQuery,
    "query" => Query,
    "first" => First,
    "label" => Label,
    "value" => ValueOf,
    "strvalue" => TextValue,
    "sortByLabel" => SortByLabel,
    "humanize" => Humanize,
    "humanize1024" => Humanize1024,
    "humanizeDuration" => HumanizeDuration,
    "humanizePercentage" => HumanizePercentage,
    "humanizeTimestamp" => HumanizeTimestamp,
    "title" => Title,
    "toUpper" => ToUpper,
    "toLower" => ToLower,
    "stripPort" => StripPort,
    "stripDomain" => StripDomain,
    "match" => Match,
    "reReplaceAll" => ReplaceAll,
    "parseDuration" => ParseDuration,
    "graphLink" => GraphLink,
    "tableLink" => TableLink,
    "safeHtml" => SafeHtml,
    "externalURL" => ExternalUrl,
    "pathPrefix" => PathPrefix,
}

/// Documented, and not done here: they belong to the pages of a Prometheus server.
pub(super) const REFUSED: [&str; 8] = ["args", "call", "js", "now", "tmpl", "toDuration", "toTime", "urlQueryEscape"];

/// Longest text that a function may make.
const TEXT_LIMIT_BYTES: usize = 64 << 10;

impl Function {
    pub(super) fn named(name: &str) -> Option<Function> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    pub(super) fn name(self) -> &'static str {
        ALL.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| *name)
    }

    /// Calls it. `and` and `or` are the caller's, because they may not look at all of their arguments.
    pub(super) fn call(self, args: &[Value], ask: Option<Ask<'_>>, external_url: &str) -> Result<Value, String> {
        let text = |made: String| {
            if made.len() > TEXT_LIMIT_BYTES { Err("the text is too long".to_owned()) } else { Ok(Value::text(&made)) }
        };
        match (self, args) {
            (Function::And | Function::Or, args) => {
                args.last().cloned().ok_or_else(|| self.wants("at least one argument"))
            }
            (Function::Not, [value]) => Ok(Value::Bool(!value.is_true())),
            (Function::Eq, [first, others @ ..]) if !others.is_empty() => {
                others.iter().try_fold(false, |any, other| Ok(any | equal(first, other)?)).map(Value::Bool)
            }
            (Function::Ne, [left, right]) => Ok(Value::Bool(!equal(left, right)?)),
            (Function::Lt, [left, right]) => compared(left, right, Ordering::is_lt),
            (Function::Le, [left, right]) => compared(left, right, Ordering::is_le),
            (Function::Gt, [left, right]) => compared(left, right, Ordering::is_gt),
            (Function::Ge, [left, right]) => compared(left, right, Ordering::is_ge),
            (Function::Len, [value]) => length(value),
            (Function::Index, [value, keys @ ..]) => {
                keys.iter().try_fold(value.clone(), |value, key| indexed(&value, key))
            }
            (Function::Slice, [value, bounds @ ..]) if bounds.len() <= 2 => sliced(value, bounds),
            (Function::Print, args) => text(printed(args)),
            (Function::PrintLine, args) => text(args.iter().map(Value::shown).collect::<Vec<_>>().join(" ") + "\n"),
            (Function::PrintFormat, [Value::Text(format), args @ ..]) => text(printf(format, args)),
            (Function::Html, args) => text(escaped_html(&printed(args))),
            (Function::UrlQuery, args) => text(encoded(&printed(args))),
            (Function::Query, [Value::Text(expr)]) => {
                let ask = ask.ok_or_else(|| "queries can not be answered here".to_owned())?;
                Ok(Value::List(Arc::new(
                    ask(expr)?.into_iter().map(|sample| Value::Sample(Arc::new(sample))).collect(),
                )))
            }
            (Function::First, [Value::List(list)]) => {
                list.first().cloned().ok_or_else(|| "first() called on vector with no elements".to_owned())
            }
            (Function::Label, [Value::Text(name), Value::Sample(sample)]) => Ok(Value::text(sample.labels.get(name))),
            (Function::ValueOf, [Value::Sample(sample)]) => Ok(Value::Float(sample.value)),
            (Function::TextValue, [Value::Sample(sample)]) => Ok(Value::text(sample.labels.get("__value__"))),
            (Function::SortByLabel, [Value::Text(name), Value::List(list)]) => Ok(sorted(name, list)),
            (Function::Humanize, [value]) => text(humanize::humanize(number(value)?)),
            (Function::Humanize1024, [value]) => text(humanize::humanize1024(number(value)?)),
            (Function::HumanizeDuration, [value]) => text(humanize::duration(number(value)?)),
            (Function::HumanizePercentage, [value]) => text(humanize::percentage(number(value)?)),
            (Function::HumanizeTimestamp, [value]) => text(humanize::timestamp(number(value)?)?),
            (Function::Title, [Value::Text(words)]) => text(titled(words)),
            (Function::ToUpper, [Value::Text(words)]) => text(words.to_uppercase()),
            (Function::ToLower, [Value::Text(words)]) => text(words.to_lowercase()),
            (Function::StripPort, [Value::Text(address)]) => {
                text(host_and_port(address).map_or(&**address, |(host, _)| host).to_owned())
            }
            (Function::StripDomain, [Value::Text(address)]) => text(without_domain(address)),
            (Function::Match, [Value::Text(pattern), Value::Text(words)]) => {
                Ok(Value::Bool(regex(pattern)?.is_match(words)))
            }
            (Function::ReplaceAll, [Value::Text(pattern), Value::Text(with), Value::Text(words)]) => {
                text(regex(pattern)?.replace_all(words, &**with).into_owned())
            }
            (Function::ParseDuration, [Value::Text(words)]) => {
                duration::parse(words).map(|duration| Value::Float(duration.as_secs_f64()))
            }
            (Function::GraphLink, [Value::Text(expr)]) => text(format!("/graph?g0.expr={}&g0.tab=0", encoded(expr))),
            (Function::TableLink, [Value::Text(expr)]) => text(format!("/graph?g0.expr={}&g0.tab=1", encoded(expr))),
            (Function::SafeHtml, [Value::Text(words)]) => Ok(Value::Text(Arc::clone(words))),
            (Function::ExternalUrl, []) => Ok(Value::text(external_url)),
            (Function::PathPrefix, []) => text(path_of(external_url)),
            (function, args) => {
                let kinds: Vec<&str> = args.iter().map(Value::kind).collect();
                Err(format!("{} can not be called with ({})", function.name(), kinds.join(", ")))
            }
        }
    }

    fn wants(self, what: &str) -> String {
        format!("{} needs {what}", self.name())
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::Text(text) => text.parse().map_err(|_| format!("{text:?} is not a number")),
        Value::Nil | Value::Bool(_) | Value::Labels(_) | Value::Fields(_) | Value::Sample(_) | Value::List(_) => {
            Err(format!("can't convert {} to float", value.kind()))
        }
    }
}

fn equal(left: &Value, right: &Value) -> Result<bool, String> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (Value::Int(left), Value::Int(right)) => Ok(left == right),
        (Value::Float(left), Value::Float(right)) => Ok(left == right),
        (Value::Text(left), Value::Text(right)) => Ok(left == right),
        (Value::Nil, Value::Nil) => Ok(true),
        _other => Err(incompatible(left, right)),
    }
}

fn compared(left: &Value, right: &Value, holds: fn(Ordering) -> bool) -> Result<Value, String> {
    let order = match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        // Nothing is said of a NaN.
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _other => return Err(incompatible(left, right)),
    };
    Ok(Value::Bool(order.is_some_and(holds)))
}

fn incompatible(left: &Value, right: &Value) -> String {
    let hint = match (left, right) {
        (Value::Float(_), Value::Int(number)) | (Value::Int(number), Value::Float(_)) => format!("; write {number}.0"),
        _other => String::new(),
    };
    format!("incompatible types for comparison: {} and {}{hint}", left.kind(), right.kind())
}

fn length(value: &Value) -> Result<Value, String> {
    let length = match value {
        Value::Text(text) => text.len(),
        Value::Labels(labels) => labels.len(),
        Value::List(list) => list.len(),
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Fields(_) | Value::Sample(_) => {
            return Err(format!("a {} has no length", value.kind()));
        }
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn indexed(value: &Value, key: &Value) -> Result<Value, String> {
    match (value, key) {
        (Value::Labels(labels), Value::Text(name)) => Ok(Value::text(labels.get(&**name).map_or("", String::as_str))),
        (Value::List(list), Value::Int(at)) => {
            let item = usize::try_from(*at).ok().and_then(|at| list.get(at));
            item.cloned().ok_or_else(|| format!("there is no element {at} among {}", list.len()))
        }
        (Value::Text(text), Value::Int(at)) => {
            let byte = usize::try_from(*at).ok().and_then(|at| text.as_bytes().get(at));
            byte.map(|byte| Value::Int(i64::from(*byte))).ok_or_else(|| format!("there is no character {at}"))
        }
        _other => Err(format!("a {} has no index of type {}", value.kind(), key.kind())),
    }
}

fn sliced(value: &Value, bounds: &[Value]) -> Result<Value, String> {
    let bound = |at: usize, or: usize| match bounds.get(at) {
        None => Ok(or),
        Some(Value::Int(number)) => usize::try_from(*number).map_err(|_| format!("{number} is no place")),
        Some(other) => Err(format!("a {} is no place", other.kind())),
    };
    let out_of_range = || "the places are not within it".to_owned();
    match value {
        Value::Text(text) => {
            let range = bound(0, 0)?..bound(1, text.len())?;
            text.get(range).map(Value::text).ok_or_else(out_of_range)
        }
        Value::List(list) => {
            let range = bound(0, 0)?..bound(1, list.len())?;
            list.get(range).map(|part| Value::List(Arc::new(part.to_vec()))).ok_or_else(out_of_range)
        }
        other => Err(format!("a {} can not be cut", other.kind())),
    }
}

/// With a space between two that are both no text.
fn printed(args: &[Value]) -> String {
    let mut out = String::new();
    let mut after_text = true;
    for arg in args {
        let is_text = matches!(arg, Value::Text(_));
        if !is_text && !after_text {
            out.push(' ');
        }
        out.push_str(&arg.shown());
        after_text = is_text;
    }
    out
}

fn sorted(name: &str, list: &[Value]) -> Value {
    let key = |value: &Value| match value {
        Value::Sample(sample) => sample.labels.get(name).to_owned(),
        _other => String::new(),
    };
    let mut sorted = list.to_vec();
    sorted.sort_by_key(key);
    Value::List(Arc::new(sorted))
}

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|_| format!("{pattern:?} is not a regular expression"))
}

/// The first letter of every word in upper case.
fn titled(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for c in text.chars() {
        match inside {
            true => out.push(c),
            false => out.extend(c.to_uppercase()),
        }
        inside = c.is_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_whitespace());
    }
    out
}

/// `host:port`, `[host]:port`.
fn host_and_port(address: &str) -> Option<(&str, &str)> {
    let (host, port) = address.rsplit_once(':')?;
    match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').map(|host| (host, port)),
        None if host.contains([':', '[', ']']) => None,
        None => Some((host, port)),
    }
}

/// The first part of a host's name, with its port; an address of numbers stays.
fn without_domain(address: &str) -> String {
    let (host, port) = host_and_port(address).map_or((address, None), |(host, port)| (host, Some(port)));
    if host.parse::<std::net::IpAddr>().is_ok() {
        return address.to_owned();
    }
    let short = host.split('.').next().unwrap_or(host);
    port.map_or_else(|| short.to_owned(), |port| format!("{short}:{port}"))
}

fn escaped_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;").replace('\'', "&#39;")
}

/// As a part of a query in an address, where a space is a plus.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('*', "%2A").replace("%7E", "~")
}

fn path_of(address: &str) -> String {
    url::Url::parse(address).map(|address| address.path().trim_end_matches('/').to_owned()).unwrap_or_default()
}
