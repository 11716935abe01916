//! The rows of a system's panels, as the overview and the target's page draw them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::mark;
use super::model::{Cell, Level, Model, Target};
use crate::base::{Boot, Unit, text};
use crate::model::{Reading, Truth};
use crate::systems::{Dimension, OnOverview, PanelSpec, RowSpec};
use crate::ui::layout::above;
use crate::ui::widget::cell::{CellLine, cell_line, label_columns, written};
use crate::ui::widget::pen::select;
use crate::ui::widget::{Mark, Pen, spark};
use crate::ui::{Glyph, Role};

/// A picture over fewer lines says no more than the one behind the value, and over more no more than that.
const LEAST_PICTURE_ROWS: usize = 2;
const MOST_PICTURE_ROWS: usize = 6;

/// What is measured and nothing judges is neither well nor ill.
const NOT_JUDGED: Mark = Mark::new(Glyph::Gap, Role::Dim, "");

/// A row that nothing has been evaluated for.
static NOT_EVALUATED: Cell = Cell {
    reading: Reading { value: None, truth: Truth::NeverPolled },
    level: Level::Unknown,
    spark: Vec::new(),
    limits: Vec::new(),
    unjudged: None,
};

/// One line of a pane.
#[derive(Clone, Copy, Debug)]
pub enum Line<'a> {
    /// A word over the lines that follow.
    Heading(Heading<'a>),
    Value(&'a RowSpec, &'a Cell),
}

/// A word over lines, how its subject is, and what of it is not among them.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    pub words: &'a str,
    pub level: Level,
    pub selected: bool,
    /// A row that has no line of its own, because there is no room for one.
    pub row: Option<(&'a RowSpec, &'a Cell)>,
    pub left_out: Option<LeftOut>,
}

/// Rows that there is no line for, and how the worst of them is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub rows: usize,
    pub role: Role,
    pub word: &'static str,
}

impl LeftOut {
    /// Nothing where no row is left out.
    #[must_use]
    pub fn of(lines: &[Line]) -> Option<LeftOut> {
        if lines.is_empty() {
            return None;
        }
        let mark = match worst(lines) {
            _ if lines.iter().all(is_not_exposed) => Mark::new(Glyph::NotExposed, Role::NotExposed, "not exposed"),
            level => mark::level(level),
        };
        // What is well is no news.
        let role = if mark.role == Role::Ok { Role::Dim } else { mark.role };
        Some(LeftOut { rows: lines.len(), role, word: mark.word })
    }

    /// `6 more, ok`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{} more, {}", self.rows, self.word)
    }
}

/// What a target has to say of a dimension where there is not room for all.
pub fn of_dimension(target: &Target, dimension: Dimension) -> impl Iterator<Item = Line<'_>> {
    target.system.spec.panels.iter().filter(move |panel| panel.dimension == dimension).flat_map(|panel| {
        of_panel(target, panel).filter(|line| panel.overview == OnOverview::Always || in_trouble(line))
    })
}

/// Everything that a target has to say of a dimension.
pub fn all_of_dimension(target: &Target, dimension: Dimension) -> impl Iterator<Item = Line<'_>> {
    let panels = target.system.spec.panels.iter().filter(move |panel| panel.dimension == dimension);
    panels.flat_map(|panel| of_panel(target, panel))
}

/// How much a row asks for attention, so that those that do come first: critical, warning, then what its node has and
/// does not give. What is still missing for a while, or for ever, moves nothing.
#[must_use]
pub fn trouble(line: &Line) -> u8 {
    match (level(line), line) {
        (Level::Critical, _) => 3,
        (Level::Warning, _) => 2,
        (Level::Ok, _) | (Level::Unknown, Line::Heading(..)) => 0,
        (Level::Unknown, Line::Value(_, cell)) => match cell.reading.truth {
            Truth::Failing { .. } | Truth::Stale { .. } => 1,
            Truth::Fresh => u8::from(!is_measured(line)),
            Truth::Absent
            | Truth::NotExposed
            | Truth::NotRead { .. }
            | Truth::ProvesNothing { .. }
            | Truth::NeverPolled
            | Truth::WarmingUp { .. } => 0,
        },
    }
}

/// Whether a row has a number that is of now.
#[must_use]
pub fn is_measured(line: &Line) -> bool {
    let number = |cell: &Cell| cell.reading.value.is_some_and(|value| !value.is_nan());
    matches!(line, Line::Value(_, cell) if cell.reading.truth.is_fresh() && number(cell))
}

/// Those in trouble first, the others as their system has them.
#[must_use]
pub fn by_trouble<'a>(lines: impl Iterator<Item = Line<'a>>) -> Vec<Line<'a>> {
    let mut lines: Vec<Line> = lines.collect();
    lines.sort_by_key(|line| std::cmp::Reverse(trouble(line)));
    lines
}

/// Whether a row is bad, or is not known although its node has it.
fn in_trouble(line: &Line) -> bool {
    match (level(line), line) {
        (Level::Critical | Level::Warning, _) => true,
        (Level::Ok, _) | (Level::Unknown, Line::Heading(..)) => false,
        (Level::Unknown, Line::Value(_, cell)) => match cell.reading.truth {
            Truth::Failing { .. } | Truth::Stale { .. } => true,
            // What is fresh and can not be judged, or is no number.
            Truth::Fresh => true,
            Truth::Absent | Truth::NeverPolled | Truth::WarmingUp { .. } => false,
            Truth::NotExposed | Truth::NotRead { .. } | Truth::ProvesNothing { .. } => false,
        },
    }
}

/// The rows of one panel.
pub fn of_panel<'a>(target: &'a Target, panel: &'a PanelSpec) -> impl Iterator<Item = Line<'a>> {
    let cells = target.cells.get(&panel.id).map(Vec::as_slice).unwrap_or_default();
    panel.rows.iter().enumerate().map(move |(at, row)| Line::Value(row, cells.get(at).unwrap_or(&NOT_EVALUATED)))
}

/// The level of what is fresh; of anything else it can not be told.
#[must_use]
pub fn level(line: &Line) -> Level {
    match line {
        Line::Heading(heading) => heading.level,
        Line::Value(_, cell) if cell.reading.truth.is_fresh() && cell.reading.value.is_some() => cell.level,
        Line::Value(..) => Level::Unknown,
    }
}

/// Draws lines below each other, with a picture over several lines under each value where there is room for it; the
/// selection is laid under the line of this index. How high a picture is depends on how many lines there usually are,
/// so that nothing grows or shrinks because a row got into trouble.
pub fn draw(buf: &mut Buffer, model: &Model, area: Rect, lines: &[Line], usual: usize, selected: Option<usize>) {
    let pictures = lines.iter().filter(|line| has_picture(line)).count();
    let free = usize::from(area.height).saturating_sub(usual);
    // One line of air below each picture, so that it belongs to the words above it.
    let picture = (free / pictures.max(1)).saturating_sub(1).min(MOST_PICTURE_ROWS);
    let picture = if picture < LEAST_PICTURE_ROWS { 0 } else { u16::try_from(picture).unwrap_or(0) };
    let columns = label_columns(lines.iter().filter_map(label), area.width);
    let mut rest = area;
    for (at, line) in lines.iter().enumerate() {
        let (place, below) = above(rest, 1);
        rest = below;
        match line {
            Line::Heading(told) => heading(buf, model, place, told),
            Line::Value(row, cell) => {
                let still = lines.len() - at - 1;
                let fits = usize::from(rest.height) > usize::from(picture) + still;
                let pictured = picture > 0 && has_picture(line) && fits;
                value(buf, model, place, columns, row, cell, pictured);
                if selected == Some(at) {
                    select(buf, &model.theme, place, 0);
                }
                if pictured {
                    let (place, below) = above(rest, picture);
                    tall(buf, model, place, cell);
                    (_, rest) = above(below, 1);
                }
            }
        }
    }
}

/// Whether the past of a value is worth several lines: not that of a yes, and not that of what was never measured.
fn has_picture(line: &Line) -> bool {
    match line {
        Line::Heading(..) => false,
        Line::Value(row, cell) => row.unit != Unit::YesNo && !cell.reading.truth.is_known_lack(),
    }
}

/// The worst of these lines. What a node does not expose is known, and waiting does not change it: it says nothing of how
/// well the others are; where there are no others, nothing is known.
#[must_use]
pub fn worst(lines: &[Line]) -> Level {
    let values = lines.iter().filter(|line| matches!(line, Line::Value(..)) && !is_not_exposed(line));
    values.map(level).max().unwrap_or(Level::Unknown)
}

fn is_not_exposed(line: &Line) -> bool {
    matches!(line, Line::Value(_, cell) if cell.reading.truth.is_known_lack())
}

/// How a pane is, for its frame: its worst level, how much of it is not known, and how much its nodes do not expose.
#[must_use]
pub fn summary(model: &Model, lines: &[Line]) -> (Role, String) {
    let values = || lines.iter().filter(|line| matches!(line, Line::Value(..)));
    let not_exposed = values().filter(|line| is_not_exposed(line)).count();
    let levels = || values().filter(|line| !is_not_exposed(line)).map(level);
    let worst = levels().filter(|level| *level != Level::Unknown).max();
    let unknown = levels().filter(|level| *level == Level::Unknown).count();
    let said = |mark: Mark, words: String| (mark.role, format!("{} {words}", model.theme.glyph(mark.glyph)));
    match worst {
        Some(bad @ (Level::Critical | Level::Warning)) => said(mark::level(bad), mark::level(bad).word.to_owned()),
        Some(_) if unknown == 0 && not_exposed == 0 => {
            said(mark::level(Level::Ok), mark::level(Level::Ok).word.to_owned())
        }
        Some(_) if unknown == 0 => said(mark::level(Level::Ok), format!("ok · {not_exposed} not exposed")),
        None if unknown == 0 => said(mark::level(Level::Unknown), format!("{not_exposed} not exposed")),
        Some(_) | None => said(mark::level(Level::Unknown), format!("{unknown} unknown")),
    }
}

/// A line as words, for the clipboard: what it is, its value, and how well or how true that is.
#[must_use]
pub fn said(model: &Model, line: &Line) -> String {
    match line {
        Line::Heading(heading) => format!("{} {}", heading.words, mark::level(heading.level).word),
        Line::Value(row, cell) => {
            let value = written(&model.theme, &cell.reading, row.unit);
            let word = match doubt(cell, model.now.boot) {
                doubt if !doubt.is_empty() => doubt,
                _known if row.is_judged() => mark::level(cell.level).word.to_owned(),
                _known => String::new(),
            };
            format!("{} {value} {word}", row.label).trim_end().to_owned()
        }
    }
}

/// Why a value can not be taken for the present, or why its level can not be told; empty where both can.
#[must_use]
pub fn doubt(cell: &Cell, now: Boot) -> String {
    let truth = cell.reading.truth.words(now);
    if truth.is_empty() { cell.unjudged.clone().unwrap_or_default() } else { truth }
}

fn label<'a>(line: &Line<'a>) -> Option<&'a str> {
    match line {
        Line::Heading(..) => None,
        Line::Value(row, _) => Some(&row.label),
    }
}

fn heading(buf: &mut Buffer, model: &Model, area: Rect, told: &Heading) {
    let mut pen = Pen::new(buf, &model.theme, area, 0);
    let level = mark::level(told.level);
    if told.selected {
        pen.glyph(Role::Accent, Glyph::Cursor).gap(1);
    }
    let role = if told.selected { Role::Title } else { Role::Dim };
    match told.row {
        // The row says in words what the sign says of its subject.
        Some((row, cell)) => {
            pen.glyph(level.role, level.glyph).gap(1).put(role, told.words).gap(1);
            let (role, words) = in_few_words(model, row, cell, pen.room());
            pen.put(role, &words)
        }
        None => pen.put(role, told.words).gap(1).mark(level),
    };
    if let Some(left_out) = told.left_out {
        let words = left_out.words();
        if text::width(&words) + 2 <= pen.room() {
            pen.right(left_out.role, &words);
        }
    }
}

/// A row as its name and its value, where there is no room for its line: the value whole, the name as far as it fits.
#[must_use]
pub fn in_few_words(model: &Model, row: &RowSpec, cell: &Cell, columns: usize) -> (Role, String) {
    let mark = mark(row, cell);
    let role = if mark.role == Role::Ok || mark.role == Role::Dim { Role::Text } else { mark.role };
    let value = written(&model.theme, &cell.reading, row.unit);
    let label = model.theme.fitted(&row.label, columns.saturating_sub(text::width(&value) + 1));
    (role, format!("{label} {value}"))
}

/// How well a fresh value is; nothing where no threshold judges it.
fn judged(row: &RowSpec, cell: &Cell) -> Mark {
    if row.is_judged() { mark::level(cell.level) } else { NOT_JUDGED }
}

/// How a row is told in a single sign: how true its value is, and if that is not in doubt, how well.
#[must_use]
pub fn mark(row: &RowSpec, cell: &Cell) -> Mark {
    if cell.reading.truth.is_fresh() && cell.reading.value.is_some() {
        judged(row, cell)
    } else {
        Mark::of_truth(&cell.reading.truth)
    }
}

fn value(buf: &mut Buffer, model: &Model, area: Rect, columns: u16, row: &RowSpec, cell: &Cell, tall: bool) {
    let shown = CellLine {
        label: &row.label,
        label_columns: columns,
        reading: &cell.reading,
        unit: row.unit,
        mark: judged(row, cell),
        spark: if tall { &[] } else { &cell.spark },
    };
    cell_line(buf, &model.theme, area, 0, model.now.boot, shown);
}

fn tall(buf: &mut Buffer, model: &Model, area: Rect, cell: &Cell) {
    if area.height == 0 {
        return;
    }
    // The past is still the past when the present is not known, but it does not look alive.
    let role = if cell.reading.truth.is_fresh() { Role::Chart } else { Role::Border };
    let inset = Rect { x: area.x + 2.min(area.width), width: area.width.saturating_sub(2), ..area };
    spark::spark(buf, &model.theme, inset, &cell.spark, role);
}
