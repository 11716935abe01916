//! From the store to blocks: instant selectors, the tracks that range functions work on, and subqueries.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::dialect::Dialect;
use super::super::node::{Moment, Range, Selector, Shift, Subquery};
use super::block::{Block, Steps, Tags, is_gone};
use super::{Answer, EvalError, Evaluation, LOOKBACK_MILLIS};
use crate::base::Wall;
use crate::model::Labels;
use crate::model::store::{GONE, Grid, Parts};

/// Series that have their samples at the same times; [`GONE`] where one has none.
#[derive(Debug)]
pub(super) struct Track {
    pub times: Vec<Wall>,
    pub tags: Vec<Tags>,
    pub values: Vec<f64>,
}

impl Track {
    pub(super) fn row(&self, series: usize) -> &[f64] {
        &self.values[series * self.times.len()..(series + 1) * self.times.len()]
    }
}

/// For every step the place of the newest row that is not too old.
type Newest = Vec<Option<usize>>;

/// Where a series stands: in which grid, and as which of its series.
type At = (usize, usize);

impl Evaluation<'_> {
    /// The time that a step means to an operand.
    pub(super) fn shifted(&self, shift: Shift, step: Wall) -> Wall {
        let at = match shift.at {
            None => step,
            Some(Moment::Start) => self.query.start,
            Some(Moment::End) => self.query.end,
            Some(Moment::Millis(millis)) => Wall(millis),
        };
        Wall(at.0.saturating_sub(shift.offset_millis))
    }

    /// The first and the last time that the steps mean to an operand.
    fn span(&self, shift: Shift) -> (Wall, Wall) {
        let ends = [self.shifted(shift, self.steps.start), self.shifted(shift, self.steps.last())];
        (ends[0].min(ends[1]), ends[0].max(ends[1]))
    }

    /// Whether a sample this old, relative to the left edge, is too old: 2 includes the edge, 3 does not.
    pub(super) fn before(&self, taken: Wall, edge: Wall) -> bool {
        match self.dialect {
            Dialect::V2 => taken < edge,
            Dialect::V3 => taken <= edge,
        }
    }

    /// Each series of a selector with its newest sample at every step.
    pub(super) fn select(&self, selector: &Selector) -> Result<Block, EvalError> {
        let mut block = Block::new(self.steps.count);
        for (grid, newest) in self.newest(selector)? {
            let count = grid.times.len();
            block.tags.reserve(grid.series.len());
            block.values.reserve(grid.series.len() * self.steps.count);
            for (series, labels) in grid.series.into_iter().enumerate() {
                let row = &grid.values[series * count..(series + 1) * count];
                block.tags.push(Tags { labels, nameless: false });
                block.values.extend(newest.iter().map(|place| place.map_or(GONE, |place| row[place])));
            }
        }
        block.distinct = selector.name.is_some();
        Ok(block.without_empty())
    }

    /// When the newest sample of each series was taken, in seconds.
    pub(super) fn taken(&self, selector: &Selector) -> Result<Block, EvalError> {
        let mut block = Block::new(self.steps.count);
        for (grid, newest) in self.newest(selector)? {
            let count = grid.times.len();
            for (series, labels) in grid.series.iter().enumerate() {
                let row = &grid.values[series * count..(series + 1) * count];
                block.tags.push(Tags { labels: Arc::clone(labels), nameless: true });
                block.values.extend(newest.iter().map(|place| match place {
                    Some(place) if !is_gone(row[*place]) => grid.times[*place].as_seconds(),
                    Some(_) | None => GONE,
                }));
            }
        }
        block.distinct = selector.name.is_some();
        Ok(block.without_empty())
    }

    /// The grids of a selector, and for every step the place of the newest row that is not too old.
    fn newest(&self, selector: &Selector) -> Result<Vec<(Grid, Newest)>, EvalError> {
        let (first, last) = self.span(selector.shift);
        let from = Wall(first.0.saturating_sub(LOOKBACK_MILLIS));
        let grids = match self.steps.count {
            1 if !self.past => {
                self.checked(selector)?;
                self.brought(self.store.newest_grids(self.scope, &selector.matchers, from, last))?
            }
            _ => self.grids(selector, from, last)?,
        };
        let with_places = grids.into_iter().map(|grid| {
            let places = self.steps.times().map(|step| {
                let at = self.shifted(selector.shift, step);
                let place = grid.times.partition_point(|taken| *taken <= at).checked_sub(1)?;
                let edge = Wall(at.0.saturating_sub(LOOKBACK_MILLIS));
                (!self.before(grid.times[place], edge)).then_some(place)
            });
            let places = places.collect();
            (grid, places)
        });
        Ok(with_places.collect())
    }

    /// What a range function works on, within the ranges of all steps.
    pub(super) fn tracks(&self, range: &Range) -> Result<Tracks<'_>, EvalError> {
        match range {
            Range::Samples(selector) => {
                let (first, last) = self.span(selector.shift);
                let from = Wall(first.0.saturating_sub(millis(selector.range.unwrap_or_default())));
                if !self.past
                    && let Some(parts) = self.store.parts(self.scope, &selector.matchers, from, last)
                {
                    self.checked(selector)?;
                    self.spend(parts.samples())?;
                    return Ok(Tracks::Parts(parts));
                }
                let tracks: Vec<Track> = self.grids(selector, from, last)?.into_iter().map(Track::from).collect();
                Ok(Tracks::Whole(tracks.into_iter()))
            }
            Range::Subquery(subquery) => Ok(Tracks::Whole(self.subquery(subquery)?.into_iter())),
        }
    }

    fn subquery(&self, subquery: &Subquery) -> Result<Vec<Track>, EvalError> {
        let step = subquery.step.map_or(self.default_step_millis, millis).max(1);
        let (first, last) = self.span(subquery.shift);
        let edge = Wall(first.0.saturating_sub(millis(subquery.range)));
        // Steps of a subquery lie at multiples of its step, whatever the query's.
        let mut start = Wall(edge.0.div_euclid(step) * step);
        while self.before(start, edge) {
            start = Wall(start.0 + step);
        }
        let steps = Steps::between(start, last, step);
        if steps.count == 0 {
            return Ok(Vec::new());
        }
        let inner = Evaluation { steps, ..*self };
        let block = match inner.answer(&subquery.inner)? {
            Answer::Scalars(values) => {
                let mut block = Block::new(steps.count);
                block.push(Tags::of(Labels::default()), &values);
                block
            }
            Answer::Vector(block) => block,
        };
        Ok(vec![Track { times: steps.times().collect(), tags: block.tags, values: block.values }])
    }

    fn grids(&self, selector: &Selector, from: Wall, to: Wall) -> Result<Vec<Grid>, EvalError> {
        self.checked(selector)?;
        self.brought(match self.past {
            true => self.store.grids_past(self.scope, &selector.matchers, from, to),
            false => self.store.grids(self.scope, &selector.matchers, from, to),
        })
    }

    /// Refuses what the store has had.
    fn checked(&self, selector: &Selector) -> Result<(), EvalError> {
        let (range, kept) = (selector.looks_back(), self.store.kept_unnamed());
        if selector.name.is_none() && range > kept {
            return Err(EvalError::NotKept { selector: selector.text.to_string(), range, kept });
        }
        Ok(())
    }

    fn brought(&self, grids: Vec<Grid>) -> Result<Vec<Grid>, EvalError> {
        self.spend(grids.iter().map(|grid| grid.values.len()).sum())?;
        Ok(if grids.len() > 1 { united(grids) } else { grids })
    }
}

/// What a range function works on, one after the other.
pub(super) enum Tracks<'a> {
    Whole(std::vec::IntoIter<Track>),
    Parts(Parts<'a>),
}

impl Iterator for Tracks<'_> {
    type Item = Track;

    fn next(&mut self) -> Option<Track> {
        match self {
            Tracks::Whole(tracks) => tracks.next(),
            Tracks::Parts(parts) => parts.next().map(Track::from),
        }
    }
}

impl From<Grid> for Track {
    fn from(grid: Grid) -> Track {
        let tags = grid.series.into_iter().map(|labels| Tags { labels, nameless: false }).collect();
        Track { times: grid.times, tags, values: grid.values }
    }
}

pub(super) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Where two sources give one series, it becomes a grid of its own: a series is one, whoever gives it.
fn united(mut grids: Vec<Grid>) -> Vec<Grid> {
    let mut places: HashMap<Arc<Labels>, Vec<At>> = HashMap::new();
    for (place, grid) in grids.iter().enumerate() {
        for (series, labels) in grid.series.iter().enumerate() {
            places.entry(Arc::clone(labels)).or_default().push((place, series));
        }
    }
    let shared: Vec<(Arc<Labels>, Vec<At>)> = places.into_iter().filter(|(_, places)| places.len() > 1).collect();
    if shared.is_empty() {
        return grids;
    }
    let whole: Vec<Grid> = shared.iter().map(|(labels, places)| unite(labels, places, &grids)).collect();
    for (place, grid) in grids.iter_mut().enumerate() {
        let taken: Vec<usize> =
            shared.iter().flat_map(|(_, of)| of).filter(|(at, _)| *at == place).map(|(_, series)| *series).collect();
        if !taken.is_empty() {
            *grid = without(grid, &taken);
        }
    }
    grids.extend(whole);
    grids
}

/// One series of several grids: every sample of any of them; gone only when none of them has it any more.
fn unite(labels: &Arc<Labels>, places: &[At], grids: &[Grid]) -> Grid {
    let mut times: Vec<Wall> = places.iter().flat_map(|(place, _)| grids[*place].times.iter().copied()).collect();
    times.sort_unstable();
    times.dedup();
    let value = |at: Wall, (place, series): At| {
        let grid = &grids[place];
        let row = grid.times.partition_point(|taken| *taken <= at).checked_sub(1)?;
        Some((grid.times[row], grid.values[series * grid.times.len() + row]))
    };
    let mut grid = Grid { series: vec![Arc::clone(labels)], ..Grid::default() };
    for at in times {
        let of: Vec<(Wall, f64)> = places.iter().filter_map(|place| value(at, *place)).collect();
        let now = of.iter().find(|(taken, value)| *taken == at && !is_gone(*value));
        let lives = of.iter().any(|(_, value)| !is_gone(*value));
        match (now, lives) {
            (Some((_, value)), _) => {
                grid.times.push(at);
                grid.values.push(*value);
            }
            (None, true) => {}
            (None, false) => {
                grid.times.push(at);
                grid.values.push(GONE);
            }
        }
    }
    grid
}

fn without(grid: &Grid, taken: &[usize]) -> Grid {
    let count = grid.times.len();
    let mut rest = Grid { times: grid.times.clone(), ..Grid::default() };
    let mut left = vec![true; grid.series.len()];
    taken.iter().for_each(|series| left[*series] = false);
    for (series, labels) in grid.series.iter().enumerate().filter(|(series, _)| left[*series]) {
        rest.series.push(Arc::clone(labels));
        rest.values.extend_from_slice(&grid.values[series * count..(series + 1) * count]);
    }
    rest
}
