//! What makes series a group, or partners: the part of their labels that counts, as a number.
//!
//! Most series of a vector share their part with others, or with a series of another vector. Each part is read once
//! per series, and from then on compared as a number.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::node::{Grouping, Keys};
use super::block::Tags;
use crate::model::Labels;
use crate::model::labels::{NAME, push_text};

/// Which labels count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Only(Arc<[Arc<str>]>),
    /// All but these; the name never counts.
    AllBut(Arc<[Arc<str>]>),
}

impl Part {
    pub(super) fn of_keys(keys: &Keys) -> Part {
        match keys {
            Keys::On(names) => Part::Only(Arc::from(names.as_slice())),
            Keys::Ignoring(names) => Part::AllBut(Arc::from(names.as_slice())),
        }
    }

    pub(super) fn of_grouping(grouping: &Grouping) -> Part {
        match grouping {
            Grouping::By(names) => Part::Only(Arc::from(names.as_slice())),
            Grouping::Without(names) => Part::AllBut(Arc::from(names.as_slice())),
        }
    }

    /// Only the labels that count.
    pub(super) fn labels(&self, tags: &Tags) -> Labels {
        Labels::from_pairs(tags.iter().filter(|(name, _)| self.counts(name)))
    }

    /// Whether the name tells two series apart.
    pub(super) fn counts_name(&self) -> bool {
        self.counts(NAME)
    }

    fn counts(&self, name: &str) -> bool {
        let listed = |names: &[Arc<str>]| names.iter().any(|listed| **listed == *name);
        match self {
            Part::Only(names) => listed(names),
            Part::AllBut(names) => name != NAME && !listed(names),
        }
    }
}

/// Gives every part of labels that it meets a number, from zero on.
#[derive(Debug)]
pub(super) struct Keyring {
    pub part: Part,
    known: HashMap<Box<str>, usize>,
    /// Room for one part.
    text: String,
}

impl Keyring {
    pub(super) fn new(part: Part) -> Keyring {
        Keyring { part, known: HashMap::new(), text: String::new() }
    }

    /// How many parts it met.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The number of the part of these labels: the next one, where it was not met before.
    pub(super) fn number(&mut self, tags: &Tags) -> usize {
        let text = text_of(&self.part, tags, &mut self.text);
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let next = self.known.len();
        self.known.insert(Box::from(text), next);
        next
    }
}

/// A text that is equal where the part is.
fn text_of<'a>(part: &Part, tags: &'a Tags, text: &'a mut String) -> &'a str {
    text.clear();
    match part {
        Part::Only(names) => names.iter().for_each(|name| push_text(text, tags.get(name))),
        Part::AllBut(names) => {
            if names.is_empty()
                && let Some(whole) = tags.labels.nameless_text()
            {
                return whole;
            }
            for (name, value) in tags.iter().filter(|(name, _)| part.counts(name)) {
                push_text(text, name);
                push_text(text, value);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(part: Part, series: &[&[(&str, &str)]], want: &[usize]) {
        let mut ring = Keyring::new(part.clone());
        let tags = |pairs: &&[(&str, &str)]| Tags::of(Labels::from_pairs(pairs.iter().copied()));
        let numbers: Vec<usize> = series.iter().map(|pairs| ring.number(&tags(pairs))).collect();
        assert_eq!(numbers, want, "{part:?}");
        assert_eq!(ring.len(), want.iter().max().map_or(0, |most| most + 1));
        for (one, number) in series.iter().zip(&numbers) {
            for (other, another) in series.iter().zip(&numbers) {
                let same = part.labels(&tags(one)) == part.labels(&tags(other));
                assert_eq!(same, number == another, "{part:?}: {one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn a_number_is_that_of_the_labels_that_count() {
        let names = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect::<Arc<[Arc<str>]>>();
        let series: [&[(&str, &str)]; 8] = [
            &[(NAME, "x"), ("a", "1"), ("b", "2")],
            &[(NAME, "y"), ("a", "1"), ("b", "2")],
            &[("a", "1"), ("b", "2")],
            &[(NAME, "x"), ("a", "1")],
            &[(NAME, "x"), ("b", "1")],
            &[(NAME, "x"), ("Z", "1"), ("a", "1")],
            &[("Z", "1"), ("a", "1")],
            &[],
        ];
        check(Part::Only(names(&[])), &series, &[0; 8]);
        check(Part::Only(names(&["a"])), &series, &[0, 0, 0, 0, 1, 0, 0, 1]);
        check(Part::Only(names(&["a", "b"])), &series, &[0, 0, 0, 1, 2, 1, 1, 3]);
        check(Part::Only(names(&["b", NAME, "b"])), &series, &[0, 1, 2, 3, 4, 3, 5, 5]);
        check(Part::AllBut(names(&[])), &series, &[0, 0, 0, 1, 2, 3, 3, 4]);
        check(Part::AllBut(names(&["a", "Z"])), &series, &[0, 0, 0, 1, 2, 1, 1, 1]);
    }
}
