//! Which lines of a dimension a pane shows that is too low for all of them: of every target its worst row before any
//! target's well ones, and how much is left out.
//!
//! Must never: leave out a row in trouble while one that is well is shown, or leave out anything without saying so.

use crate::base::text;
use crate::model::Truth;
use crate::panes::cells::{self, Heading, LeftOut, Line};
use crate::panes::mark;
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
        let mut rows = cells::by_trouble(cells::of_dimension(target, dimension.dimension));
        // What a node does not have is the first to be left out.
        rows.sort_by_key(is_lacking);
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

fn is_lacking(line: &Line) -> bool {
    matches!(line, Line::Value(_, cell) if cell.reading.truth == Truth::Absent || cell.reading.truth.is_known_lack())
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

/// From so many columns on, a heading has room for the longest name and for what is left out.
const ROOMY: usize = 46;

/// What is shown on so many lines, and what to say at the foot of that which is not told in a heading.
#[derive(Clone, Debug)]
pub struct Folded<'a> {
    pub lines: Vec<Line<'a>>,
    pub foot: Option<String>,
}

/// The lines for a pane of this height: a heading and the worst row of each target, or both on one line where it is too
/// low for that; then every row in trouble; then the others, one of each target in turn.
#[must_use]
pub fn fold<'a>(parts: &[Part<'a>], headed: bool, height: usize, columns: usize) -> Folded<'a> {
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
    // A heading with a row beside it has no room for more words.
    let in_headings = !in_one_line && columns >= ROOMY;
    let shown = || seen.iter().zip(&counts);
    let foot = match unseen.iter().map(|part| part.level).max() {
        Some(level) => {
            let targets = text::count(unseen.len(), "more target");
            Some(format!("{targets}, {}", mark::level(level).word))
        }
        None if !in_headings => {
            let left_out: Vec<Line> = shown().flat_map(|(part, count)| part.left_out(*count)).collect();
            LeftOut::of(&left_out).map(|left_out| left_out.words())
        }
        None => None,
    };
    Folded { lines: shown().flat_map(|(part, count)| part.lines(*count, in_one_line, in_headings)).collect(), foot }
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

    /// What has no line where this many rows have one.
    fn left_out(&self, count: usize) -> Vec<Line<'a>> {
        self.rows[count..].iter().chain(&self.elsewhere).copied().collect()
    }

    fn lines(&self, count: usize, in_one_line: bool, in_headings: bool) -> Vec<Line<'a>> {
        let left_out = LeftOut::of(&self.left_out(count)).filter(|_| in_headings);
        let beside = usize::from(in_one_line).min(count);
        let row = self.rows[..beside].first();
        let heading = Line::Heading(self.heading(row, left_out));
        std::iter::once(heading).chain(self.rows[beside..count].iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::testing::{self, Condition};

    /// Three targets: one ill, two well, of five rows each.
    fn model() -> Model {
        let mut model = testing::model(Condition::Well);
        let mut other = model.targets[0].clone();
        other.id = "main-b".into();
        model.targets.push(other);
        let mut ill = testing::model(Condition::Ill).targets.remove(0);
        ill.id = "main-c".into();
        model.targets.push(ill);
        model
    }

    fn said(model: &Model, height: usize) -> (Vec<String>, Option<String>) {
        let parts = parts(model, &model.dimensions[0]);
        let folded = fold(&parts, true, height, 46);
        assert!(folded.lines.len() <= height);
        let words = folded.lines.iter().map(|line| match line {
            Line::Heading(heading) => {
                let row = heading.row.map_or(String::new(), |(row, _)| format!(": {}", row.label));
                let left_out = heading.left_out.map_or(String::new(), |left_out| format!(" ({})", left_out.words()));
                format!("{}{row}{left_out}", heading.words)
            }
            Line::Value(row, _) => row.label.clone(),
        });
        (words.collect(), folded.foot)
    }

    #[test]
    fn every_target_keeps_its_worst_row_before_any_well_one_is_shown() {
        let model = model();
        let check = |height, want: &[&str], foot: Option<&str>| {
            let (lines, said_below) = said(&model, height);
            assert_eq!((lines, said_below.as_deref()), (want.iter().map(|line| (*line).to_owned()).collect(), foot));
        };
        check(1, &["main-c: last block"], Some("2 more targets, ok"));
        check(3, &["main-c: last block", "main-a: node up", "main-b: node up"], Some("12 more, unknown"));
        // What fails comes before what is well.
        let four = ["main-c: last block", "blocks verified", "main-a: node up", "main-b: node up"];
        check(4, &four, Some("11 more, unknown"));
        let six = [
            "main-c (4 more, unknown)",
            "last block",
            "main-a (4 more, ok)",
            "node up",
            "main-b (4 more, ok)",
            "node up",
        ];
        check(6, &six, None);
        let (all, foot) = said(&model, 18);
        assert_eq!((all.len(), foot), (18, None));
        assert_eq!(all[..6], ["main-c", "last block", "blocks verified", "users with issues", "node up", "height"]);
    }

    /// A pane is as high as its configuration says, whatever its values are.
    #[test]
    fn the_height_of_a_pane_does_not_depend_on_values() {
        let (well, ill) = (testing::model(Condition::Well), testing::model(Condition::Ill));
        for (at, dimension) in well.dimensions.iter().enumerate() {
            assert_eq!(usual(&well, dimension), usual(&ill, &ill.dimensions[at]));
        }
        assert_eq!(usual(&model(), &well.dimensions[0]), 18);
    }
}
