//! Which lines of a dimension a pane shows that is too low for all of them: of every target its worst row before any
//! target's well ones, and how much is left out.
//!
//! Must never: leave out a row in trouble while one that is well is shown, or leave out anything without saying so.

use crate::panes::cells::{self, Heading, LeftOut, Line};
use crate::panes::model::{Level, Model, Target};
use crate::systems::{DimensionSpec, OnOverview};

/// What one target says of a dimension.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    name: &'a str,
    selected: bool,
    level: Level,
    /// Those for the overview, the worst first.
    rows: Vec<Line<'a>>,
    /// Those that are on the target's own page alone, because they are well.
    elsewhere: Vec<Line<'a>>,
}

/// What every target says of a dimension, the worst first and those that are alike in the order of the configuration.
#[must_use]
pub fn parts<'a>(model: &'a Model, dimension: &DimensionSpec) -> Vec<Part<'a>> {
    let of = |(at, target): (usize, &'a Target)| {
        let all: Vec<Line> = cells::all_of_dimension(target, dimension.dimension).collect();
        let rows = cells::by_trouble(cells::of_dimension(target, dimension.dimension));
        let shown = |line: &Line| rows.iter().any(|row| is_same(row, line));
        let elsewhere = all.iter().filter(|line| !shown(line)).copied().collect();
        let level = cells::worst(&all);
        Part { name: target.id.as_str(), selected: at == model.selected, level, rows, elsewhere }
    };
    let mut parts: Vec<Part> = model.targets.iter().enumerate().map(of).collect();
    parts.retain(|part| !part.rows.is_empty() || !part.elsewhere.is_empty());
    parts.sort_by_key(|part| std::cmp::Reverse(part.level));
    parts
}

fn is_same(one: &Line, other: &Line) -> bool {
    match (one, other) {
        (Line::Value(one, _), Line::Value(other, _)) => std::ptr::eq(*one, *other),
        (Line::Heading(..), _) | (_, Line::Heading(..)) => false,
    }
}

/// Lines that a dimension has while nothing is in trouble: what its pane is as high as.
#[must_use]
pub fn usual(model: &Model, dimension: &DimensionSpec) -> usize {
    let headings = usize::from(model.targets.len() > 1);
    let of = |target: &Target| {
        let panels = || target.system.spec.panels.iter().filter(|panel| panel.dimension == dimension.dimension);
        let always = panels().filter(|panel| panel.overview == OnOverview::Always).map(|panel| panel.rows.len());
        panels().next().map_or(0, |_| headings + always.sum::<usize>().max(1))
    };
    model.targets.iter().map(of).sum()
}

/// Every line, none left out.
#[must_use]
pub fn whole<'a>(parts: &[Part<'a>], headed: bool) -> Vec<Line<'a>> {
    let of = |part: &Part<'a>| {
        let heading = headed.then(|| Line::Heading(part.heading(None, None)));
        heading.into_iter().chain(part.rows.clone()).chain(part.elsewhere.clone()).collect::<Vec<_>>()
    };
    parts.iter().flat_map(of).collect()
}

/// What is shown on so many lines, and what to say at the foot of that which is not told in a heading.
#[derive(Clone, Debug)]
pub struct Folded<'a> {
    pub lines: Vec<Line<'a>>,
    pub foot: Option<String>,
}

/// The lines for a pane of this height: a heading and the worst row of each target, or both on one line where it is too
/// low for that; then every row in trouble; then the others, one of each target in turn.
#[must_use]
pub fn fold<'a>(parts: &[Part<'a>], headed: bool, height: usize) -> Folded<'a> {
    if !headed {
        let lines: Vec<Line> = parts.iter().flat_map(|part| part.rows.iter().copied()).collect();
        let shown = height.min(lines.len());
        let more = lines[shown..].iter().copied().chain(parts.iter().flat_map(|part| part.elsewhere.clone()));
        let foot = LeftOut::of(&more.collect::<Vec<_>>()).map(|left_out| left_out.words());
        return Folded { lines: lines[..shown].to_vec(), foot };
    }
    let (seen, unseen) = parts.split_at(parts.len().min(height));
    let in_one_line = height < 2 * seen.len();
    let counts = rows_shown(seen, height - seen.len(), in_one_line);
    let lines = seen.iter().zip(counts).flat_map(|(part, count)| part.lines(count, in_one_line));
    let worst = unseen.iter().map(|part| part.level).max();
    let foot = worst.map(|level| {
        let targets = crate::base::text::count(unseen.len(), "more target");
        format!("{targets}, {}", crate::panes::mark::level(level).word)
    });
    Folded { lines: lines.collect(), foot }
}

/// How many rows of each target are shown; that on the line of its heading among them.
fn rows_shown(parts: &[Part], mut room: usize, in_one_line: bool) -> Vec<usize> {
    let mut counts: Vec<usize> = parts.iter().map(|part| part.rows.len().min(1)).collect();
    if !in_one_line {
        room -= counts.iter().sum::<usize>();
    }
    for (part, count) in parts.iter().zip(&mut counts) {
        let troubled = part.rows.iter().filter(|row| cells::trouble(row) > 0).count();
        let more = troubled.saturating_sub(*count).min(room);
        *count += more;
        room -= more;
    }
    while room > 0 && parts.iter().zip(&counts).any(|(part, count)| *count < part.rows.len()) {
        for (part, count) in parts.iter().zip(&mut counts) {
            if room > 0 && *count < part.rows.len() {
                *count += 1;
                room -= 1;
            }
        }
    }
    counts
}

impl<'a> Part<'a> {
    fn heading(&self, row: Option<&Line<'a>>, left_out: Option<LeftOut>) -> Heading<'a> {
        let row = row.and_then(|line| match line {
            Line::Value(row, cell) => Some((*row, *cell)),
            Line::Heading(..) => None,
        });
        Heading { words: self.name, level: self.level, selected: self.selected, row, left_out }
    }

    fn lines(&self, count: usize, in_one_line: bool) -> Vec<Line<'a>> {
        let left_out: Vec<Line> = self.rows[count..].iter().chain(&self.elsewhere).copied().collect();
        let beside = usize::from(in_one_line).min(count);
        let row = self.rows[..beside].first();
        let heading = Line::Heading(self.heading(row, LeftOut::of(&left_out)));
        std::iter::once(heading).chain(self.rows[beside..count].iter().copied()).collect()
    }
}
