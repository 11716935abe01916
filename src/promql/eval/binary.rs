//! Operators between numbers, between vectors and numbers, and between vectors.

use std::collections::{HashMap, HashSet};

use super::super::dialect::Dialect;
use super::super::node::{Binary, Keys, Many, Matching, Operator, OperatorKind};
use super::block::{Block, Key, Part, Tags, is_gone};
use super::{Answer, EvalError, Evaluation};
use crate::model::Labels;
use crate::model::labels::NAME;
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
        let part = Part::of_keys(&binary.matching.keys);
        // From here on every element of `many` looks for the only one of `one` that has its key.
        let swapped = matches!(binary.matching.many, Many::Right(_));
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        let keys: Vec<Key> = many.tags.iter().map(|tags| part.key(tags)).collect();
        let mut partners: HashMap<Key, Vec<usize>> = HashMap::with_capacity(one.tags.len());
        for (series, tags) in one.tags.iter().enumerate() {
            partners.entry(part.key(tags)).or_default().push(series);
        }
        let sides = Sides { binary, dialect: self.dialect, swapped, many, one };
        let mut out = Block::new(self.steps.count);
        let mut rows: HashMap<(usize, usize), usize> = HashMap::new();
        for step in 0..self.steps.count {
            let there = |block: &Block| block.present(step).next().is_some();
            let nothing_to_match = !there(left) || !there(right);
            if nothing_to_match && !self.strict {
                continue;
            }
            self.check_one(&sides, &partners, step)?;
            let mut answered: HashSet<&Key> = HashSet::new();
            for series in many.present(step) {
                let key = &keys[series];
                let partner =
                    partners.get(key).and_then(|of| of.iter().copied().find(|one| !is_gone(sides.one.row(*one)[step])));
                let Some(partner) = partner else {
                    if self.strict {
                        return Err(sides.unmatched(!swapped, key));
                    }
                    continue;
                };
                let Some(value) = self.pair(&sides, series, partner, step) else { continue };
                if matches!(binary.matching.many, Many::Neither) && !answered.insert(key) {
                    return Err(sides.many(true, key));
                }
                let row = *rows.entry((series, partner)).or_insert_with(|| {
                    out.push(Tags::of(sides.labels(series, partner)), &vec![GONE; self.steps.count]);
                    out.tags.len() - 1
                });
                out.values[row * self.steps.count + step] = value;
            }
            if self.strict {
                self.check_all_matched(&sides, &keys, &partners, step)?;
            }
        }
        self.distinct(binary.operator.symbol(), out)
    }

    fn pair(&self, sides: &Sides<'_>, many: usize, one: usize, step: usize) -> Option<f64> {
        let (many, one) = (sides.many.row(many)[step], sides.one.row(one)[step]);
        let (left, right) = if sides.swapped { (one, many) } else { (many, one) };
        self.element(sides.binary.operator, sides.binary.returns_bool, left, right, left)
    }

    /// No key may have two elements on the side that must have one.
    fn check_one(&self, sides: &Sides<'_>, partners: &HashMap<Key, Vec<usize>>, step: usize) -> Result<(), EvalError> {
        for (key, of) in partners.iter().filter(|(_, of)| of.len() > 1) {
            if of.iter().filter(|one| !is_gone(sides.one.row(**one)[step])).count() > 1 {
                return Err(sides.many(false, key));
            }
        }
        Ok(())
    }

    fn check_all_matched(
        &self,
        sides: &Sides<'_>,
        keys: &[Key],
        partners: &HashMap<Key, Vec<usize>>,
        step: usize,
    ) -> Result<(), EvalError> {
        let asked: HashSet<&Key> = sides.many.present(step).map(|series| &keys[series]).collect();
        for (key, of) in partners {
            let there = of.iter().any(|one| !is_gone(sides.one.row(*one)[step]));
            if there && !asked.contains(key) {
                return Err(sides.unmatched(sides.swapped, key));
            }
        }
        Ok(())
    }

    fn set(&self, operator: Operator, matching: &Matching, left: &Block, right: &Block) -> Block {
        let part = Part::of_keys(&matching.keys);
        let keys = |block: &Block| -> Vec<Key> { block.tags.iter().map(|tags| part.key(tags)).collect() };
        let (left_keys, right_keys) = (keys(left), keys(right));
        let mut out = Block::new(self.steps.count);
        let at_steps = |block: &Block, keys: &[Key]| -> Vec<HashSet<Key>> {
            let of_step = |step| block.present(step).map(|series| keys[series].clone()).collect();
            (0..self.steps.count).map(of_step).collect()
        };
        let mut take = |block: &Block, keys: &[Key], kept: &dyn Fn(usize, &Key) -> bool| {
            for (series, (tags, row)) in block.rows().enumerate() {
                let value = |(step, value): (usize, &f64)| if kept(step, &keys[series]) { *value } else { GONE };
                out.push(tags.clone(), &row.iter().enumerate().map(value).collect::<Vec<_>>());
            }
        };
        match operator {
            Operator::Or => {
                let there = at_steps(left, &left_keys);
                take(left, &left_keys, &|_, _| true);
                take(right, &right_keys, &|step, key| !there[step].contains(key));
            }
            Operator::And | Operator::Unless => {
                let there = at_steps(right, &right_keys);
                let wanted = operator == Operator::And;
                take(left, &left_keys, &|step, key| there[step].contains(key) == wanted);
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
}

impl Sides<'_> {
    /// The labels of a pair.
    fn labels(&self, many: usize, one: usize) -> Labels {
        let mut labels = self.many.tags[many].to_labels();
        if drops_name(self.binary, self.dialect) {
            labels = labels.without(NAME);
        }
        let taken = match &self.binary.matching.many {
            Many::Neither => {
                return match &self.binary.matching.keys {
                    Keys::On(names) => {
                        let kept = |name: &str| names.iter().any(|kept| **kept == *name);
                        Labels::from_pairs(labels.iter().filter(|(name, _)| kept(name)))
                    }
                    Keys::Ignoring(names) => names.iter().fold(labels, |labels, name| labels.without(name)),
                };
            }
            Many::Left(taken) | Many::Right(taken) => taken,
        };
        taken.iter().fold(labels, |labels, name| labels.with(name, self.one.tags[one].get(name)))
    }

    fn side(&self, many: bool) -> &'static str {
        if many != self.swapped { "left" } else { "right" }
    }

    fn many(&self, many: bool, key: &Key) -> EvalError {
        let operator = self.binary.operator.symbol().to_owned();
        EvalError::ManyToMany { operator, side: self.side(many), labels: key.labels().to_string() }
    }

    /// `right`: the element stands on the left, and has no partner on the right.
    fn unmatched(&self, right: bool, key: &Key) -> EvalError {
        let operator = self.binary.operator.symbol().to_owned();
        let side = if right { "right" } else { "left" };
        EvalError::Unmatched { operator, side, labels: key.labels().to_string() }
    }
}
