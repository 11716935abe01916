//! Operators between numbers, between vectors and numbers, and between vectors.

use std::sync::Arc;

use super::super::dialect::Dialect;
use super::super::node::{Binary, Keys, Many, Matching, Operator, OperatorKind};
use super::block::{Block, Tags, is_gone};
use super::key::{Keyring, Part};
use super::{Answer, EvalError, Evaluation};
use crate::model::Labels;
use crate::model::store::GONE;

impl Evaluation<'_> {
    pub(super) fn binary(&self, binary: &Binary) -> Result<Answer, EvalError> {
        let (left, right) = (self.answer(&binary.left)?, self.answer(&binary.right)?);
        let operator = binary.operator;
        match (left, right) {
            (Answer::Scalars(left), Answer::Scalars(right)) => {
                // The parser demands bool between scalars, so that there always is a value.
                let value = |(left, right): (&f64, &f64)| self.element(operator, true, *left, *right, *left);
                let values = left.iter().zip(&right).map(|pair| value(pair).unwrap_or(f64::NAN));
                Ok(Answer::Scalars(values.collect()))
            }
            (Answer::Vector(block), Answer::Scalars(numbers)) => {
                let value = |value, number| self.element(operator, binary.returns_bool, value, number, value);
                self.with_numbers(binary, block, &numbers, value)
            }
            (Answer::Scalars(numbers), Answer::Vector(block)) => {
                // A filter keeps the vector's value, on whichever side it stands.
                let value = |value, number| self.element(operator, binary.returns_bool, number, value, value);
                self.with_numbers(binary, block, &numbers, value)
            }
            (Answer::Vector(left), Answer::Vector(right)) => Ok(Answer::Vector(match operator.kind() {
                OperatorKind::Set => self.set(operator, &binary.matching, &left, &right),
                OperatorKind::Arithmetic | OperatorKind::Comparison => self.matched(binary, &left, &right)?,
            })),
        }
    }

    fn with_numbers(
        &self,
        binary: &Binary,
        mut block: Block,
        numbers: &[f64],
        value: impl Fn(f64, f64) -> Option<f64>,
    ) -> Result<Answer, EvalError> {
        let steps = self.steps.count;
        for (at, have) in block.values.iter_mut().enumerate().filter(|(_, have)| !is_gone(**have)) {
            *have = value(*have, numbers[at % steps]).unwrap_or(GONE);
        }
        let block = block.without_empty();
        if drops_name(binary, self.dialect) {
            return Ok(Answer::Vector(self.distinct(binary.operator.symbol(), block.nameless())?));
        }
        Ok(Answer::Vector(block))
    }

    /// One element of the "one" side for each of the other: at every step its own match.
    fn matched(&self, binary: &Binary, left: &Block, right: &Block) -> Result<Block, EvalError> {
        // From here on every element of `many` looks for the only one of `one` that has its key.
        let swapped = matches!(binary.matching.many, Many::Right(_));
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let partners = Partners::of(Part::of_keys(&binary.matching.keys), many, one);
        let sides = Sides { binary, dialect: self.dialect, swapped, many, one, partners };
        let one_to_one = matches!(binary.matching.many, Many::Neither);
        let mut out = Rows::of(&sides, self.steps.count);
        // By key, after which step it was answered last.
        let mut answered = vec![0; sides.partners.keys];
        for step in 0..self.steps.count {
            let there = |block: &Block| block.present(step).next().is_some();
            let nothing_to_match = !there(left) || !there(right);
            if nothing_to_match && !self.strict {
                continue;
            }
            self.check_one(&sides, step)?;
            for series in many.present(step) {
                let key = sides.partners.key[series];
                let Some(partner) = sides.partners.present(key, step, one).next() else {
                    if self.strict {
                        return Err(sides.unmatched(!swapped, &many.tags[series]));
                    }
                    continue;
                };
                let Some(value) = self.pair(&sides, series, partner, step) else { continue };
                if one_to_one && std::mem::replace(&mut answered[key], step + 1) == step + 1 {
                    return Err(sides.many(true, &many.tags[series]));
                }
                out.set(&sides, (series, partner), step, value);
            }
            if self.strict {
                self.check_all_matched(&sides, step)?;
            }
        }
        let mut block = out.block;
        // Elements of different keys differ in more than a name; then one row of each key is the only one of its labels.
        let keys = answered.iter().filter(|step| **step > 0).count();
        block.distinct = one_to_one && keys == block.tags.len() && !sides.partners.part.counts_name();
        self.distinct(binary.operator.symbol(), block)
    }

    fn pair(&self, sides: &Sides<'_>, many: usize, one: usize, step: usize) -> Option<f64> {
        let (many, one) = (sides.many.row(many)[step], sides.one.row(one)[step]);
        let (left, right) = if sides.swapped { (one, many) } else { (many, one) };
        self.element(sides.binary.operator, sides.binary.returns_bool, left, right, left)
    }

    /// No key may have two elements on the side that must have one.
    fn check_one(&self, sides: &Sides<'_>, step: usize) -> Result<(), EvalError> {
        for key in &sides.partners.crowded {
            if let Some(second) = sides.partners.present(*key, step, sides.one).nth(1) {
                return Err(sides.many(false, &sides.one.tags[second]));
            }
        }
        Ok(())
    }

    fn check_all_matched(&self, sides: &Sides<'_>, step: usize) -> Result<(), EvalError> {
        let mut asked = vec![false; sides.partners.keys];
        sides.many.present(step).for_each(|series| asked[sides.partners.key[series]] = true);
        for (key, _) in asked.iter().enumerate().filter(|(_, asked)| !**asked) {
            if let Some(left_over) = sides.partners.present(key, step, sides.one).next() {
                return Err(sides.unmatched(sides.swapped, &sides.one.tags[left_over]));
            }
        }
        Ok(())
    }

    fn set(&self, operator: Operator, matching: &Matching, left: &Block, right: &Block) -> Block {
        let steps = self.steps.count;
        let mut ring = Keyring::new(Part::of_keys(&matching.keys));
        let mut numbers = |block: &Block| -> Vec<usize> { block.tags.iter().map(|tags| ring.number(tags)).collect() };
        let (left_keys, right_keys) = (numbers(left), numbers(right));
        let keys = ring.len();
        let mut out = Block::new(steps);
        let at_steps = |block: &Block, of: &[usize]| -> Vec<bool> {
            let mut there = vec![false; keys * steps];
            for ((_, row), key) in block.rows().zip(of) {
                let there = &mut there[key * steps..(key + 1) * steps];
                there.iter_mut().zip(row).for_each(|(there, value)| *there |= !is_gone(*value));
            }
            there
        };
        let mut take = |block: &Block, of: &[usize], kept: &dyn Fn(usize, usize) -> bool| {
            for ((tags, row), key) in block.rows().zip(of) {
                let value = |(step, value): (usize, &f64)| if kept(step, *key) { *value } else { GONE };
                out.tags.push(tags.clone());
                out.values.extend(row.iter().enumerate().map(value));
            }
        };
        match operator {
            Operator::Or => {
                let there = at_steps(left, &left_keys);
                take(left, &left_keys, &|_, _| true);
                take(right, &right_keys, &|step, key| !there[key * steps + step]);
            }
            Operator::And | Operator::Unless => {
                let there = at_steps(right, &right_keys);
                let wanted = operator == Operator::And;
                take(left, &left_keys, &|step, key| there[key * steps + step] == wanted);
                out.distinct = left.distinct;
            }
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Modulo
            | Operator::Power
            | Operator::Atan2
            | Operator::Equal
            | Operator::NotEqual
            | Operator::Greater
            | Operator::Less
            | Operator::GreaterOrEqual
            | Operator::LessOrEqual => {}
        }
        if out.distinct {
            return out.without_empty();
        }
        // Both sides of an `or` may have a series of the same labels, each at its own steps.
        match super::block::joined(out.clone().without_empty()) {
            Ok(whole) => whole,
            Err(_) => out,
        }
    }

    /// The value of one element; nothing where a filter drops it. `kept` is what a filter keeps.
    fn element(&self, operator: Operator, returns_bool: bool, left: f64, right: f64, kept: f64) -> Option<f64> {
        let holds = match operator {
            Operator::Add => return Some(left + right),
            Operator::Subtract => return Some(left - right),
            Operator::Multiply => return Some(left * right),
            Operator::Divide => return Some(left / right),
            Operator::Modulo => return Some(left % right),
            Operator::Power => return Some(left.powf(right)),
            Operator::Atan2 => return Some(left.atan2(right)),
            Operator::Equal => left == right,
            Operator::NotEqual => left != right,
            Operator::Greater => left > right,
            Operator::Less => left < right,
            Operator::GreaterOrEqual => left >= right,
            Operator::LessOrEqual => left <= right,
            // Sets have no elements to compare; they are never asked here.
            Operator::And | Operator::Or | Operator::Unless => return None,
        };
        if self.strict && (left.is_nan() || right.is_nan()) {
            return Some(f64::NAN);
        }
        match (returns_bool, holds) {
            (true, holds) => Some(f64::from(u8::from(holds))),
            (false, true) => Some(kept),
            (false, false) => None,
        }
    }
}

/// Whether the answer is no sample of a series any more. Prometheus 2 forgets to say so of `atan2`.
fn drops_name(binary: &Binary, dialect: Dialect) -> bool {
    let forgotten = dialect == Dialect::V2 && binary.operator == Operator::Atan2;
    binary.returns_bool || binary.operator.kind() == OperatorKind::Arithmetic && !forgotten
}

/// Two vectors whose elements are matched. `swapped` where the left is the side that must have one.
struct Sides<'a> {
    binary: &'a Binary,
    dialect: Dialect,
    swapped: bool,
    many: &'a Block,
    one: &'a Block,
    partners: Partners,
}

impl Sides<'_> {
    /// The labels of a pair.
    fn tags(&self, many: usize, one: usize) -> Tags {
        let mut tags = self.many.tags[many].clone();
        tags.nameless |= drops_name(self.binary, self.dialect);
        match (&self.binary.matching.many, &self.binary.matching.keys) {
            (Many::Neither, Keys::On(names)) => {
                let kept = |name: &str| names.iter().any(|kept| **kept == *name);
                Tags::of(Labels::from_pairs(tags.iter().filter(|(name, _)| kept(name))))
            }
            (Many::Neither, Keys::Ignoring(names)) if names.iter().all(|name| tags.get(name).is_empty()) => tags,
            (Many::Neither, Keys::Ignoring(names)) => {
                Tags::of(names.iter().fold(tags.to_labels(), |labels, name| labels.without(name)))
            }
            (Many::Left(taken) | Many::Right(taken), _) if taken.is_empty() => tags,
            (Many::Left(taken) | Many::Right(taken), _) => {
                let with = |labels: Labels, name: &Arc<str>| labels.with(name, self.one.tags[one].get(name));
                Tags::of(taken.iter().fold(tags.to_labels(), with))
            }
        }
    }

    fn side(&self, many: bool) -> &'static str {
        if many != self.swapped { "left" } else { "right" }
    }

    fn many(&self, many: bool, of: &Tags) -> EvalError {
        let operator = self.binary.operator.symbol().to_owned();
        let labels = self.partners.part.labels(of).to_string();
        EvalError::ManyToMany { operator, side: self.side(many), labels }
    }

    /// `right`: the element stands on the left, and has no partner on the right.
    fn unmatched(&self, right: bool, of: &Tags) -> EvalError {
        let operator = self.binary.operator.symbol().to_owned();
        let side = if right { "right" } else { "left" };
        EvalError::Unmatched { operator, side, labels: self.partners.part.labels(of).to_string() }
    }
}

/// Which series can match which: those that have one key.
struct Partners {
    part: Part,
    /// How many keys there are.
    keys: usize,
    /// The key of each series of `many`.
    key: Vec<usize>,
    /// The first series of `one` by key, and after each series of `one` the next of the same key.
    first: Vec<Option<usize>>,
    next: Vec<Option<usize>>,
    /// The keys of several series of `one`.
    crowded: Vec<usize>,
}

impl Partners {
    fn of(part: Part, many: &Block, one: &Block) -> Partners {
        let mut ring = Keyring::new(part);
        let of_one: Vec<usize> = one.tags.iter().map(|tags| ring.number(tags)).collect();
        let key = many.tags.iter().map(|tags| ring.number(tags)).collect();
        let keys = ring.len();
        let (mut first, mut next) = (vec![None; keys], vec![None; of_one.len()]);
        let mut crowded = Vec::new();
        for (series, key) in of_one.into_iter().enumerate().rev() {
            next[series] = first[key].replace(series);
            if next[series].is_some() {
                crowded.push(key);
            }
        }
        crowded.sort_unstable();
        crowded.dedup();
        Partners { part: ring.part, keys, key, first, next, crowded }
    }

    /// The series of `one` with this key that have a value at this step, in order.
    fn present(&self, key: usize, step: usize, one: &Block) -> impl Iterator<Item = usize> {
        let all = std::iter::successors(self.first[key], |series| self.next[*series]);
        all.filter(move |series| !is_gone(one.values[series * one.steps + step]))
    }
}

/// What matching answers: one row for every pair that met.
struct Rows {
    block: Block,
    /// The last row of each series of `many`.
    last: Vec<Option<usize>>,
    /// The partner of each row, and the row before it of the same series.
    of: Vec<(usize, Option<usize>)>,
    nothing: Vec<f64>,
}

impl Rows {
    fn of(sides: &Sides<'_>, steps: usize) -> Rows {
        let last = vec![None; sides.many.tags.len()];
        Rows { block: Block::new(steps), last, of: Vec::new(), nothing: vec![GONE; steps] }
    }

    fn set(&mut self, sides: &Sides<'_>, (series, partner): (usize, usize), step: usize, value: f64) {
        let mut known = std::iter::successors(self.last[series], |row| self.of[*row].1);
        let row = match known.find(|row| self.of[*row].0 == partner) {
            Some(row) => row,
            None => {
                let row = self.of.len();
                self.of.push((partner, self.last[series].replace(row)));
                self.block.push(sides.tags(series, partner), &self.nothing);
                row
            }
        };
        self.block.values[row * self.block.steps + step] = value;
    }
}
