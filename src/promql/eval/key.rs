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
