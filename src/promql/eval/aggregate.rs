//! Aggregation: the elements of a vector, group by group.

use std::cmp::Ordering;
use std::sync::Arc;

use super::super::dialect::Dialect;
use super::super::node::{Aggregate, AggregateOperator, Grouping};
use super::block::{Block, Tags, is_gone};
use super::key::{Keyring, Part};
use super::window::{Compensated, mean, quantile, variance};
use super::{EvalError, Evaluation};
use crate::model::store::GONE;

/// Each series' group, and the labels of every group.
struct Groups {
    of: Vec<usize>,
    tags: Vec<Tags>,
    /// Groups differ in more than a name.
    distinct: bool,
}

impl Groups {
    fn of(block: &Block, grouping: &Grouping) -> Groups {
        if let Grouping::By(names) = grouping
            && names.is_empty()
        {
            // One group of all: nobody's labels matter.
            let tags = if block.tags.is_empty() { Vec::new() } else { vec![Tags::of(Default::default())] };
            return Groups { of: vec![0; block.tags.len()], tags, distinct: true };
        }
        let mut ring = Keyring::new(Part::of_grouping(grouping));
        let distinct = !ring.part.counts_name();
        let mut groups = Groups { of: Vec::with_capacity(block.tags.len()), tags: Vec::new(), distinct };
        for tags in &block.tags {
            let group = ring.number(tags);
            if group == groups.tags.len() {
                groups.tags.push(Tags::of(ring.part.labels(tags)));
            }
            groups.of.push(group);
        }
        groups
    }

    /// The series of each group.
    fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.tags.len()];
        self.of.iter().enumerate().for_each(|(series, group)| members[*group].push(series));
        members
    }
}

impl Evaluation<'_> {
    pub(super) fn aggregate(&self, aggregate: &Aggregate) -> Result<Block, EvalError> {
        let block = self.vector(&aggregate.of)?;
        let groups = Groups::of(&block, &aggregate.grouping);
        let of_values = |compute: &dyn Fn(usize, &mut Vec<f64>) -> f64| self.of_groups(&block, &groups, compute);
        match &aggregate.operator {
            AggregateOperator::Sum => Ok(self.sums(&block, groups)),
            AggregateOperator::Avg => Ok(of_values(&|_, values| match *values.as_slice() {
                // Even zero keeps its sign.
                [value] => value,
                _ => mean(values),
            })),
            AggregateOperator::Count => Ok(of_values(&|_, values| values.len() as f64)),
            AggregateOperator::Group => Ok(of_values(&|_, _| 1.0)),
            AggregateOperator::Stddev => Ok(of_values(&|_, values| self.spread(values).sqrt())),
            AggregateOperator::Stdvar => Ok(of_values(&|_, values| self.spread(values))),
            AggregateOperator::Min => Ok(of_values(&|_, values| extreme(values, |value, least| value < least))),
            AggregateOperator::Max => Ok(of_values(&|_, values| extreme(values, |value, most| value > most))),
            AggregateOperator::Quantile(of) => {
                let of = self.numbers(of)?;
                Ok(of_values(&|step, values| quantile(of[step], values)))
            }
            AggregateOperator::Topk(count) => self.best(&block, &groups, &self.numbers(count)?, true),
            AggregateOperator::Bottomk(count) => self.best(&block, &groups, &self.numbers(count)?, false),
            AggregateOperator::CountValues(label) => Ok(self.count_values(&block, &aggregate.grouping, label)),
        }
    }

    /// The variance of a group. To Prometheus 2 a value alone has none, even where it is NaN or infinite.
    fn spread(&self, values: &[f64]) -> f64 {
        match (self.dialect, values) {
            (Dialect::V2, [_]) => 0.0,
            (Dialect::V2 | Dialect::V3, values) => variance(values),
        }
    }

    /// Sums need no list of values, so that a group may be as large as it likes.
    fn sums(&self, block: &Block, groups: Groups) -> Block {
        let steps = self.steps.count;
        let mut sums: Vec<Option<Compensated>> = vec![None; groups.tags.len() * steps];
        for ((_, row), group) in block.rows().zip(&groups.of) {
            let sums = &mut sums[group * steps..(group + 1) * steps];
            for (sum, value) in sums.iter_mut().zip(row).filter(|(_, value)| !is_gone(**value)) {
                match sum {
                    Some(sum) => sum.add(*value),
                    None => *sum = Some(Compensated::of(*value)),
                }
            }
        }
        let values = sums.into_iter().map(|sum| sum.map_or(GONE, Compensated::total)).collect();
        Block { steps, tags: groups.tags, values, distinct: groups.distinct }.without_empty()
    }

    /// One value per group and step, of all that the group has at that step.
    fn of_groups(&self, block: &Block, groups: &Groups, compute: &dyn Fn(usize, &mut Vec<f64>) -> f64) -> Block {
        let mut whole = Block { distinct: groups.distinct, ..Block::new(self.steps.count) };
        let mut values = Vec::new();
        for (tags, members) in groups.tags.iter().zip(groups.members()) {
            whole.tags.push(tags.clone());
            for step in 0..self.steps.count {
                values.clear();
                values.extend(members.iter().map(|series| block.row(*series)[step]).filter(|value| !is_gone(*value)));
                whole.values.push(if values.is_empty() { GONE } else { compute(step, &mut values) });
            }
        }
        whole.without_empty()
    }

    /// `topk` and `bottomk`: the best of each group, best first, with all their labels.
    fn best(&self, block: &Block, groups: &Groups, counts: &[f64], largest: bool) -> Result<Block, EvalError> {
        check_counts(if largest { "topk" } else { "bottomk" }, counts)?;
        let mut kept: Vec<Vec<f64>> = vec![vec![GONE; self.steps.count]; block.tags.len()];
        let mut order = Vec::new();
        for members in groups.members() {
            for (step, count) in counts.iter().enumerate() {
                let mut there: Vec<usize> =
                    members.iter().copied().filter(|series| !is_gone(block.row(*series)[step])).collect();
                there.sort_by(|a, b| ranked(block.row(*a)[step], block.row(*b)[step], largest));
                there.truncate(count.max(0.0) as usize);
                for series in there {
                    kept[series][step] = block.row(series)[step];
                    if !order.contains(&series) {
                        order.push(series);
                    }
                }
            }
        }
        let mut best = Block { distinct: block.distinct, ..Block::new(self.steps.count) };
        for series in order {
            best.push(block.tags[series].clone(), &kept[series]);
        }
        Ok(best)
    }

    /// The value becomes a label first, and then the groups are made: it may take the place of a label of theirs.
    fn count_values(&self, block: &Block, grouping: &Grouping, label: &Arc<str>) -> Block {
        let part = match grouping {
            Grouping::By(names) => Part::of_grouping(&Grouping::By(names.iter().chain([label]).cloned().collect())),
            Grouping::Without(_) => Part::of_grouping(grouping),
        };
        let mut ring = Keyring::new(part);
        let mut whole = Block { distinct: !ring.part.counts_name(), ..Block::new(self.steps.count) };
        let nothing = vec![GONE; self.steps.count];
        for (tags, row) in block.rows() {
            for (step, value) in row.iter().enumerate().filter(|(_, value)| !is_gone(**value)) {
                let valued = Tags::of(tags.to_labels().with(label, &number(*value)));
                let group = ring.number(&valued);
                if group == whole.tags.len() {
                    whole.push(Tags::of(ring.part.labels(&valued)), &nothing);
                }
                let count = &mut whole.values[group * self.steps.count + step];
                *count = if is_gone(*count) { 1.0 } else { *count + 1.0 };
            }
        }
        whole
    }
}

/// Above this a number of elements is none.
const MOST_COUNT: f64 = 9.2e18;

/// Whether every number is one of elements, even where there are no elements.
fn check_counts(function: &'static str, counts: &[f64]) -> Result<(), EvalError> {
    match counts.iter().find(|count| count.is_nan() || count.abs() > MOST_COUNT) {
        Some(count) => Err(EvalError::Number { function, value: count.to_string(), must: "a whole number" }),
        None => Ok(()),
    }
}

/// The value that no other beats; NaN only where all are.
fn extreme(values: &[f64], beats: impl Fn(f64, f64) -> bool) -> f64 {
    let better = |best: f64, value: &f64| if beats(*value, best) || best.is_nan() { *value } else { best };
    values.iter().fold(f64::NAN, better)
}

/// The order of `topk`, or of `bottomk`: NaN is the worst of both.
fn ranked(a: f64, b: f64, largest: bool) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if largest => b.total_cmp(&a),
        (false, false) => a.total_cmp(&b),
    }
}

/// A value as the label of `count_values`: in full, without an exponent.
fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value if value.is_nan() => "NaN".to_owned(),
        value => {
            let shortest = value.to_string();
            // Of two texts that are as short and as near Prometheus takes the even one.
            match shortest.split_once('.') {
                Some((_, decimals)) => format!("{value:.*}", decimals.len()),
                None => shortest,
            }
        }
    }
}
