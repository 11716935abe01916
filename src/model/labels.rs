//! The identity of a series: its labels, name included, in order.
//!
//! A node can have a hundred thousand series, so that labels are one text in one allocation with their hash beside it:
//! a clone is a pointer, an unequal comparison is a number, and a set of series never reads a name.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The label that holds a series' name.
pub const NAME: &str = "__name__";

/// The series of the settings, by their `name`: what was configured, not what is so.
pub const SETTING: &str = "opsconsole_setting";

/// Keyed by chance, so that no node can choose names whose hashes collide.
static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Lengths from this one on do not fit the one byte that precedes a name or a value.
const LONG: usize = 0x7f;

/// What a label or two more take, as a rule.
const ROOM: usize = 48;

/// Sorted, unique label pairs. The name is the pair [`NAME`]; an empty value is the same as no label.
#[derive(Clone)]
pub struct Labels {
    /// For each pair: the length of its name, the length of its value, the name, the value. Lengths are written in
    /// characters below 128, so that the whole is a text and its parts are texts.
    text: Arc<str>,
    hash: u64,
}

impl Labels {
    /// Labels of a series called `name`.
    #[must_use]
    pub fn named(name: &str) -> Labels {
        Labels::from_pairs([(NAME, name)])
    }

    /// From pairs in any order; of two pairs with one name the later wins, and empty values are dropped.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
        let mut sorted: Vec<(&str, &str)> = pairs.into_iter().collect();
        sorted.sort_by(|left, right| left.0.cmp(right.0));
        let last = |(at, (name, _)): &(usize, &(&str, &str))| sorted.get(at + 1).is_none_or(|next| next.0 != *name);
        let unique = sorted.iter().enumerate().filter(last).map(|(_, pair)| *pair);
        Labels::from_sorted(unique.filter(|(_, value)| !value.is_empty()), &mut String::new())
    }

    /// From pairs that are sorted, unique and not empty. `text` is room to write in, used again and again.
    pub(crate) fn from_sorted<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, text: &mut String) -> Labels {
        text.clear();
        for (name, value) in pairs {
            push_length(text, name.len());
            push_length(text, value.len());
            text.push_str(name);
            text.push_str(value);
        }
        Labels { text: Arc::from(text.as_str()), hash: KEY.hash_one(text.as_str()) }
    }

    /// The same labels with `name` set to `value`, or without it where `value` is empty.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Labels {
        self.under([(name, value)])
    }

    /// The same labels with these over them, which are in order and each named once; an empty value takes one away.
    #[must_use]
    pub fn under<'a>(&self, over: impl IntoIterator<Item = (&'a str, &'a str)>) -> Labels {
        let (mut here, mut over) = (self.iter().peekable(), over.into_iter().peekable());
        let next = || {
            let (one, other) = (here.peek(), over.peek());
            match (one, other) {
                (Some((one, _)), Some((other, _))) => match one.cmp(other) {
                    Ordering::Less => here.next(),
                    Ordering::Equal => {
                        here.next();
                        over.next()
                    }
                    Ordering::Greater => over.next(),
                },
                (Some(_), None) => here.next(),
                (None, _) => over.next(),
            }
        };
        let mut text = String::with_capacity(self.text.len() + ROOM);
        Labels::from_sorted(std::iter::from_fn(next).filter(|(_, value)| !value.is_empty()), &mut text)
    }

    #[must_use]
    pub fn without(self, name: &str) -> Labels {
        if self.get(name).is_empty() {
            return self;
        }
        // What is left is in order as it stands.
        let mut text = String::with_capacity(self.text.len());
        Labels::from_sorted(self.iter().filter(|(have, _)| *have != name), &mut text)
    }

    /// The value of a label; empty where it is not set, as in PromQL.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        Pairs::value_of(&self.text, name).unwrap_or("")
    }

    #[must_use]
    pub fn name(&self) -> &str {
        self.get(NAME)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        Pairs { rest: &self.text }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// A text that is equal where all labels but the name are; nothing where the name stands among the others.
    pub(crate) fn nameless_text(&self) -> Option<&str> {
        let mut pairs = Pairs { rest: &self.text };
        match pairs.next() {
            Some((NAME, _)) => Some(pairs.rest),
            Some((first, _)) if first < NAME => None,
            Some(_) | None => Some(&self.text),
        }
    }

    /// Equal for equal labels, within this process.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    /// Memory of the text.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }
}

/// Writes a part of a text so that it can not run into the next.
pub(crate) fn push_text(text: &mut String, part: &str) {
    push_length(text, part.len());
    text.push_str(part);
}

/// One byte for lengths up to 126; a marker and five groups of seven bits for longer ones.
fn push_length(text: &mut String, length: usize) {
    if length < LONG {
        text.push(char::from(length as u8));
        return;
    }
    text.push(char::from(LONG as u8));
    text.extend([28, 21, 14, 7, 0].map(|shift| char::from(((length >> shift) & 0x7f) as u8)));
}

/// Walks over the pairs of a text that [`Labels::from_sorted`] wrote.
struct Pairs<'a> {
    rest: &'a str,
}

impl<'a> Pairs<'a> {
    /// The length of a name or a value at the start of these bytes, and how many of them say so.
    #[inline]
    fn length(bytes: &[u8]) -> Option<(usize, usize)> {
        match usize::from(*bytes.first()?) {
            LONG => {
                let groups = bytes.get(1..6)?;
                Some((groups.iter().fold(0, |length, group| (length << 7) | usize::from(*group)), 6))
            }
            length => Some((length, 1)),
        }
    }

    /// The lengths of the next pair, and where its name begins.
    #[inline]
    fn lengths(bytes: &[u8]) -> Option<(usize, usize, usize)> {
        let (name, first) = Pairs::length(bytes)?;
        let (value, second) = Pairs::length(bytes.get(first..)?)?;
        Some((name, value, first + second))
    }

    /// The value of a label. What comes before it is stepped over as bytes.
    fn value_of(text: &'a str, wanted: &str) -> Option<&'a str> {
        let bytes = text.as_bytes();
        let mut at = 0;
        loop {
            let (name, value, begins) = Pairs::lengths(bytes.get(at..)?)?;
            let begins = at + begins;
            let ends = begins + name;
            if name == wanted.len() && bytes.get(begins..ends)? == wanted.as_bytes() {
                return text.get(ends..ends + value);
            }
            at = ends + value;
        }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let (name, value, begins) = Pairs::lengths(self.rest.as_bytes())?;
        let (name, rest) = self.rest.get(begins..)?.split_at_checked(name)?;
        let (value, rest) = rest.split_at_checked(value)?;
        self.rest = rest;
        Some((name, value))
    }
}

impl Default for Labels {
    fn default() -> Labels {
        Labels::from_sorted(std::iter::empty(), &mut String::new())
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Labels) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Labels) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Labels) -> std::cmp::Ordering {
        self.iter().cmp(other.iter())
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Labels({self})")
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

/// As a list of pairs.
impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Labels, D::Error> {
        let pairs = Vec::<(String, String)>::deserialize(deserializer)?;
        Ok(Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))))
    }
}

/// A set of series. Their hashes are good and keyed already, so that none is computed.
pub(crate) type SeriesSet = HashSet<Arc<Labels>, BuildHasherDefault<Taken>>;

/// Something of each series, in the same way.
pub(crate) type KeyedBySeries<T> = HashMap<Arc<Labels>, T, BuildHasherDefault<Taken>>;

/// Takes the hash it is given.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Taken(u64);

impl Hasher for Taken {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
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
        self.accepts_value(labels.get(&self.name))
    }

    /// Whether a label of its name may have this value.
    #[must_use]
    pub fn accepts_value(&self, value: &str) -> bool {
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn labels_are_sorted_unique_and_without_empty_values() {
        let labels = Labels::from_pairs([("b", "2"), (NAME, "up"), ("a", "1"), ("b", "3"), ("c", "")]);
        assert_eq!(labels.to_string(), r#"up{a="1",b="3"}"#);
        assert_eq!(labels.get("c"), "");
        assert_eq!(labels.clone().without("a").without("b").to_string(), "up");
        assert_eq!(Labels::from_pairs([("a", "1"), ("a", "")]), Labels::default());
        assert_eq!(serde_json::to_string(&labels).expect("JSON"), r#"[["__name__","up"],["a","1"],["b","3"]]"#);
    }

    #[test]
    fn labels_are_laid_over_others() {
        let check = |here: &[(&str, &str)], over: &[(&str, &str)], want: &str| {
            let under = Labels::from_pairs(here.iter().copied()).under(over.iter().copied());
            assert_eq!(under.to_string(), want, "{here:?} under {over:?}");
            assert_eq!(under, Labels::from_pairs(here.iter().chain(over).copied()));
        };
        check(&[], &[], "{}");
        check(&[("b", "1")], &[], r#"{b="1"}"#);
        check(&[], &[("b", "1")], r#"{b="1"}"#);
        check(&[("b", "1"), ("d", "2")], &[("a", "3"), ("b", "4"), ("e", "5")], r#"{a="3",b="4",d="2",e="5"}"#);
        check(&[("b", "1"), ("d", "2")], &[("c", ""), ("d", "")], r#"{b="1"}"#);
    }

    #[test]
    fn order_is_that_of_the_pairs() {
        let check = |left: &[(&str, &str)], right: &[(&str, &str)]| {
            let of = |pairs: &[(&str, &str)]| Labels::from_pairs(pairs.iter().copied());
            assert!(of(left) < of(right), "{left:?} comes before {right:?}");
        };
        check(&[], &[("a", "1")]);
        check(&[("a", "12")], &[("a", "2")]);
        check(&[("a", "2")], &[("a", "2"), ("b", "1")]);
        check(&[("aa", "1")], &[("b", "1")]);
    }

    proptest! {
        #[test]
        fn pairs_are_what_they_were(
            pairs in proptest::collection::btree_map("[a-zé\\x00-\\x7f]{1,9}", "(?s).{1,300}", 0..9)
        ) {
            let labels = Labels::from_pairs(pairs.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())));
            let back: Vec<(&str, &str)> = labels.iter().collect();
            let want: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(&back, &want);
            let json = serde_json::to_string(&labels).expect("JSON");
            prop_assert_eq!(serde_json::from_str::<Labels>(&json).expect("labels"), labels.clone());
            for (name, value) in want.iter().copied() {
                prop_assert_eq!(labels.get(name), value);
                prop_assert!(labels.clone().without(name) != labels);
                prop_assert_eq!(labels.clone().without(name).with(name, value), labels.clone());
            }
            let named = labels.clone().with(NAME, "x");
            let without = [&named, &labels].map(|one| one.nameless_text());
            let covered = without.iter().flatten().count() == 2;
            prop_assert_eq!(covered, want.iter().all(|(name, _)| *name > NAME));
            prop_assert!(!covered || without[0] == without[1]);
        }
    }
}
