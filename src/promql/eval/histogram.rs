//! `histogram_quantile` over classic buckets.

use std::sync::Arc;

use super::super::node::Node;
use super::block::{Block, Tags, is_gone};
use super::key::{Keyring, Part};
use super::{EvalError, Evaluation};
use crate::model::store::GONE;

/// The label that holds a bucket's upper bound.
const LE: &str = "le";

/// One histogram: its buckets' bounds and series, in the order of the bounds.
struct Histogram {
    tags: Tags,
    buckets: Vec<(f64, usize)>,
}

impl Evaluation<'_> {
    pub(super) fn histogram_quantile(&self, quantile: &Node, buckets: &Node) -> Result<Block, EvalError> {
        let quantiles = self.numbers(quantile)?;
        let block = self.vector(buckets)?;
        let mut out = Block { distinct: true, ..Block::new(self.steps.count) };
        let mut cumulative = Vec::new();
        for histogram in histograms(&block) {
            let values = quantiles.iter().enumerate().map(|(step, quantile)| {
                cumulative.clear();
                let there = histogram.buckets.iter().map(|(bound, series)| (*bound, block.row(*series)[step]));
                cumulative.extend(there.filter(|(_, count)| !is_gone(*count)));
                if cumulative.is_empty() { GONE } else { of_buckets(*quantile, &mut cumulative) }
            });
            let values: Vec<f64> = values.collect();
            out.push(histogram.tags, &values);
        }
        Ok(out.without_empty())
    }
}

fn histograms(block: &Block) -> Vec<Histogram> {
    let mut ring = Keyring::new(Part::AllBut(Arc::from([Arc::from(LE)])));
    let mut found: Vec<Histogram> = Vec::new();
    for (series, tags) in block.tags.iter().enumerate() {
        // As in Prometheus, what has no bound that can be read is no bucket.
        let Some(bound) = bound(tags.get(LE)) else { continue };
        let place = ring.number(tags);
        if place == found.len() {
            found.push(Histogram { tags: Tags::of(ring.part.labels(tags)), buckets: Vec::new() });
        }
        found[place].buckets.push((bound, series));
    }
    for histogram in &mut found {
        histogram.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    found
}

fn bound(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The quantile of cumulative buckets in the order of their bounds, linear within its bucket.
fn of_buckets(quantile: f64, buckets: &mut Vec<(f64, f64)>) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    if buckets.last().is_none_or(|(bound, _)| *bound != f64::INFINITY) {
        return f64::NAN;
    }
    // Two spellings of one bound are one bucket.
    buckets.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            first.1 += later.1;
        }
        same
    });
    if buckets.len() < 2 {
        return f64::NAN;
    }
    let mut most = f64::NEG_INFINITY;
    for (_, count) in buckets.iter_mut() {
        // Buckets that were scraped at slightly different times may seem to fall.
        most = if *count > most { *count } else { most };
        *count = if *count < most { most } else { *count };
    }
    let observed = buckets[buckets.len() - 1].1;
    if observed == 0.0 {
        return f64::NAN;
    }
    let rank = quantile * observed;
    let last = buckets.len() - 1;
    let place = buckets[..last].iter().position(|(_, count)| *count >= rank).unwrap_or(last);
    if place == last {
        return buckets[last - 1].0;
    }
    let (end, count) = buckets[place];
    if place == 0 && end <= 0.0 {
        return end;
    }
    let (start, before) = if place == 0 { (0.0, 0.0) } else { buckets[place - 1] };
    start + (end - start) * ((rank - before) / (count - before))
}
