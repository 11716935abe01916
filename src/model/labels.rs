//! The identity of a series: its labels, name included, in order.

use std::fmt;
use std::sync::Arc;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// The label that holds a series' name.
pub const NAME: &str = "__name__";

/// Sorted, unique label pairs. The name is the pair [`NAME`]; an empty value is the same as no label.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(Vec<(Arc<str>, Arc<str>)>);

impl Labels {
    /// Labels of a series called `name`.
    #[must_use]
    pub fn named(name: &str) -> Labels {
        Labels::default().with(NAME, name)
    }

    /// From pairs in any order; of two pairs with one name the later wins, and empty values are dropped.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
        pairs.into_iter().fold(Labels::default(), |labels, (name, value)| labels.with(name, value))
    }

    /// The same labels with `name` set to `value`, or without it where `value` is empty.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Labels {
        match self.0.binary_search_by(|(have, _)| (**have).cmp(name)) {
            Ok(at) if value.is_empty() => {
                self.0.remove(at);
            }
            Ok(at) => self.0[at].1 = Arc::from(value),
            Err(_) if value.is_empty() => {}
            Err(at) => self.0.insert(at, (Arc::from(name), Arc::from(value))),
        }
        self
    }

    #[must_use]
    pub fn without(self, name: &str) -> Labels {
        self.with(name, "")
    }

    /// The value of a label; empty where it is not set, as in PromQL.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        match self.0.binary_search_by(|(have, _)| (**have).cmp(name)) {
            Ok(at) => &self.0[at].1,
            Err(_) => "",
        }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        self.get(NAME)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// As in the exposition format: `name{a="b",c="d"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let mut pairs = self.iter().filter(|(name, _)| *name != NAME).peekable();
        if pairs.peek().is_none() {
            return if self.name().is_empty() { f.write_str("{}") } else { Ok(()) };
        }
        f.write_str("{")?;
        while let Some((name, value)) = pairs.next() {
            write!(f, "{name}={value:?}")?;
            if pairs.peek().is_some() {
                f.write_str(",")?;
            }
        }
        f.write_str("}")
    }
}

/// One condition on a label. Regular expressions are anchored at both ends, and `.` matches a newline.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: Arc<str>,
    pub op: MatchOp,
}

#[derive(Clone, Debug)]
pub enum MatchOp {
    Equal(Arc<str>),
    NotEqual(Arc<str>),
    Regex(Regex),
    NotRegex(Regex),
}

impl Matcher {
    #[must_use]
    pub fn equal(name: &str, value: &str) -> Matcher {
        Matcher { name: Arc::from(name), op: MatchOp::Equal(Arc::from(value)) }
    }

    /// The one series name it accepts, if it is about the name and accepts one.
    #[must_use]
    pub fn exact_name(&self) -> Option<&str> {
        match &self.op {
            MatchOp::Equal(name) if &*self.name == NAME => Some(name),
            MatchOp::Equal(_) | MatchOp::NotEqual(_) | MatchOp::Regex(_) | MatchOp::NotRegex(_) => None,
        }
    }

    #[must_use]
    pub fn accepts(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.name);
        match &self.op {
            MatchOp::Equal(want) => value == &**want,
            MatchOp::NotEqual(unwanted) => value != &**unwanted,
            MatchOp::Regex(regex) => regex.is_match(value),
            MatchOp::NotRegex(regex) => !regex.is_match(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_unique_and_without_empty_values() {
        let labels = Labels::from_pairs([("b", "2"), (NAME, "up"), ("a", "1"), ("b", "3"), ("c", "")]);
        assert_eq!(labels.to_string(), r#"up{a="1",b="3"}"#);
        assert_eq!(labels.get("c"), "");
        assert_eq!(labels.without("a").without("b").to_string(), "up");
    }
}
