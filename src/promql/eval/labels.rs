//! Functions of labels, and the order of an answer.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::node::{LabelReplace, SortBy};
use super::block::{Block, Tags};
use super::{EvalError, Evaluation};

impl Evaluation<'_> {
    pub(super) fn label_replace(&self, block: Block, replace: &LabelReplace) -> Result<Block, EvalError> {
        let changed = |tags: &Tags| {
            let Some(found) = replace.regex.captures(tags.get(&replace.source)) else { return tags.clone() };
            let mut value = String::new();
            found.expand(&replace.replacement, &mut value);
            Tags::of(tags.to_labels().with(&replace.target, &value))
        };
        self.relabelled("label_replace", block, changed)
    }

    pub(super) fn label_join(
        &self,
        block: Block,
        target: &str,
        separator: &str,
        sources: &[Arc<str>],
    ) -> Result<Block, EvalError> {
        let changed = |tags: &Tags| {
            let values: Vec<&str> = sources.iter().map(|source| tags.get(source)).collect();
            Tags::of(tags.to_labels().with(target, &values.join(separator)))
        };
        self.relabelled("label_join", block, changed)
    }

    fn relabelled(
        &self,
        function: &str,
        mut block: Block,
        changed: impl Fn(&Tags) -> Tags,
    ) -> Result<Block, EvalError> {
        block.tags.iter_mut().for_each(|tags| *tags = changed(tags));
        block.distinct = false;
        self.distinct(function, block)
    }

    /// An order that only an answer for one time has. NaN comes last either way.
    pub(super) fn sorted(&self, block: Block, by: &SortBy, descending: bool) -> Block {
        let mut order: Vec<usize> = (0..block.tags.len()).collect();
        let value = |series: usize| block.row(series).first().copied().unwrap_or(f64::NAN);
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        order.sort_by(|a, b| match by {
            SortBy::Value => match (value(*a).is_nan(), value(*b).is_nan()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => turned(value(*a).total_cmp(&value(*b))),
            },
            SortBy::Labels(names) => {
                let (a, b) = (&block.tags[*a], &block.tags[*b]);
                let named = names.iter().map(|name| natural(a.get(name), b.get(name))).find(|order| order.is_ne());
                turned(named.unwrap_or_else(|| a.iter().cmp(b.iter())))
            }
        });
        let mut sorted = Block { distinct: block.distinct, ..Block::new(block.steps) };
        order.into_iter().for_each(|series| sorted.push(block.tags[series].clone(), block.row(series)));
        sorted
    }
}

/// As people count: numbers within texts by their value.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (a_digits, b_digits) = (digits(a), digits(b));
        if a_digits > 0 && b_digits > 0 {
            let (a_number, b_number) = (a[..a_digits].trim_start_matches('0'), b[..b_digits].trim_start_matches('0'));
            let order = a_number.len().cmp(&b_number.len()).then_with(|| a_number.cmp(b_number));
            if order.is_ne() {
                return order;
            }
            (a, b) = (&a[a_digits..], &b[b_digits..]);
            continue;
        }
        let (mut a_chars, mut b_chars) = (a.chars(), b.chars());
        match (a_chars.next(), b_chars.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x != y => return x.cmp(&y),
            (Some(_), Some(_)) => (a, b) = (a_chars.as_str(), b_chars.as_str()),
        }
    }
}
