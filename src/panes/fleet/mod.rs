//! The fleet: a line for every target, a column for every dimension of health, the worst first.
//!
//! ```text
//! ╭─ fleet ──────────────────────────────────────────────────────── 1 critical · 3 ok ╮
//! │   target      alerts     chain health     mempool        …         answers objectives│
//! │ ▸ ◆ chain-1   1 firing   ◆ last bl… 7m 12s ▲ pending 1244            8 of 8     1 met│
//! ╰── chain-1 ────────────────────────────────────────────────────────────────────────────╯
//!   chain health   ◆ last block   7m 12s   critical
//! ```
//!
//! A cell tells the row of that dimension that is worst, or its first row that is measured: by its name and its value;
//! where there is no room for both, a row in trouble by its name and any other by its value. The cells of the selected
//! line are written out below the list. Must never: show what is not known as well, or hide a target because it is well.

mod row;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::row::Row;
use super::alerts::row::AlertRow;
use super::model::Level;
use super::{Intent, Look, Model, alerts, cells, health, mark};
use crate::alert::{AlertState, Lack};
use crate::base::{TargetId, text};
use crate::ui::layout::above;
use crate::ui::widget::cell::written;
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Selection, Viewport, frame, rows};
use crate::ui::{Action, Glyph, Role};

pub const PARTS: &[&str] = &["fleet"];

/// Which target is selected.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    pub look: Look,
    selection: Selection<TargetId>,
}

impl Fleet {
    /// Moves, opens the page of the selected target, or copies its line.
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let shown = self.shown(model);
        let selected = shown.get(self.view(&shown).cursor);
        match (action, selected) {
            (Action::Open, Some(row)) => return Some(Intent::SelectTarget(row.target.id.clone())),
            (Action::Copy, Some(row)) => return Some(Intent::Copy(text::copyable(&said(model, row)).into_owned())),
            (Action::Open | Action::Copy, None) => return Some(Intent::Say("no target is shown".to_owned())),
            (_moves, _) => {}
        }
        let (list, _) = split(model, body);
        let height = usize::from(frame::inner(list).height).saturating_sub(1);
        let key = |at: usize| shown.get(at).map(|row| row.target.id.clone());
        self.selection.on(action, (shown.len(), height), |chosen| place(&shown, chosen), key);
        None
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let shown = self.shown(model);
        let [area] = self.look.arranged(area, [area]);
        let (area, below) = split(model, area);
        let title = self.look.filter.title("fleet", shown.len(), model.targets.len());
        let (role, note) = summary(model);
        let inside = frame::frame(buf, theme, area, &title, (role, &note));
        if shown.is_empty() {
            let words =
                if model.targets.is_empty() { "no target is configured" } else { "no target matches the filter" };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, words);
            return;
        }
        let columns = Columns::of(model, inside.width);
        columns.heads(buf, model, inside);
        let (_, list) = above(inside, 1);
        let view = self.view(&shown);
        let window = view.window(shown.len(), usize::from(list.height));
        for (line, at) in window.clone().enumerate() {
            columns.draw(buf, model, list, line, &shown[at], at == view.cursor);
        }
        rows::more(buf, theme, list, window.start, shown.len() - window.end);
        if let Some(row) = shown.get(view.cursor).filter(|_| below.height > 0) {
            written_out(buf, model, below, row);
        }
    }

    /// The worst first; of those that are alike, in the order of the configuration.
    fn shown<'m>(&self, model: &'m Model) -> Vec<Row<'m>> {
        let filter = &self.look.filter;
        let mut rows: Vec<Row> = model.targets.iter().map(|target| Row::of(model, target)).collect();
        rows.retain(|row| !filter.is_set() || filter.accepts(&said(model, row)));
        rows.sort_by_key(|row| std::cmp::Reverse(row.trouble()));
        rows
    }

    fn view(&self, shown: &[Row]) -> Viewport {
        self.selection.view(shown.len(), |chosen| place(shown, chosen))
    }
}

fn place(shown: &[Row], target: &TargetId) -> Option<usize> {
    shown.iter().position(|row| row.target.id == *target)
}

/// The list, and below it a line for each dimension of the selected target where there is room for both.
fn split(model: &Model, area: Rect) -> (Rect, Rect) {
    /// The frame, the titles, and some lines of the list.
    const LEAST_LIST_ROWS: u16 = 7;
    // A line of alerts, and one for each dimension.
    let wanted = u16::try_from(model.dimensions.len()).unwrap_or(u16::MAX / 2) + 1 + frame::BOX_ROWS;
    let below = if area.height >= wanted + LEAST_LIST_ROWS { wanted } else { 0 };
    above(area, area.height - below)
}

/// Every dimension of a target in full: the row that is told of it, its value, and how well or how true that is.
fn written_out(buf: &mut Buffer, model: &Model, area: Rect, row: &Row) {
    let level = mark::level(row.level());
    let note = format!("{} {}", model.theme.glyph(level.glyph), level.word);
    let inside = frame::frame(buf, &model.theme, area, row.target.id.as_str(), (level.role, &note));
    let widest = model.dimensions.iter().map(|dimension| text::width(&dimension.title)).max().unwrap_or(0);
    let titles = u16::try_from(widest).unwrap_or(u16::MAX).min(inside.width / 3);
    let mut pen = Pen::new(buf, &model.theme, inside, 0);
    pen.field(Role::Dim, "alerts", titles).gap(2).put(row.alerts_role(), &alerts(model, row));
    for (at, (dimension, line)) in (1..).zip(model.dimensions.iter().zip(&row.cells)) {
        let mut pen = Pen::new(buf, &model.theme, inside, at);
        pen.field(Role::Dim, &dimension.title, titles).gap(2);
        match line {
            Some(cells::Line::Value(spec, cell)) => {
                let mark = cells::mark(spec, cell);
                let words = cells::said(model, &cells::Line::Value(spec, cell));
                pen.glyph(mark.role, mark.glyph).gap(1).put(told_as(mark.role), &words);
            }
            Some(cells::Line::Heading(..)) | None => {
                pen.put(Role::Dim, "- its system has nothing of this");
            }
        }
    }
}

/// What fires and what is about to, with where it is; then how much can not be told.
fn alerts(model: &Model, row: &Row) -> String {
    let all = alerts::row::rows(model);
    let of_target = || all.iter().filter(|alert| *alert.target == row.target.id);
    let named = |alert: &AlertRow| match alert.state {
        AlertState::Firing { .. } => Some(format!("{} {}", alert.name, alert.place()).trim_end().to_owned()),
        AlertState::Pending { .. } => Some(format!("{} {} pending", alert.name, alert.place()).replace("  ", " ")),
        AlertState::NoData { .. }
        | AlertState::WarmingUp { .. }
        | AlertState::Resolved { .. }
        | AlertState::Inactive => None,
    };
    let mut words: Vec<String> = of_target().filter_map(named).collect();
    let lacking = |lack: Lack| {
        let lacks = |alert: &&AlertRow| matches!(alert.state, AlertState::NoData { lack: of, .. } if *of == lack);
        of_target().filter(lacks).count()
    };
    let unwatched = [(Lack::NotExposed, "not exposed, so not watched"), (Lack::NotRead, "not read, so not watched")];
    let unwatched = unwatched.map(|(lack, words)| (lacking(lack), words));
    for (count, word) in [(row.health.no_data, "no data")].into_iter().chain(unwatched) {
        if count > 0 {
            words.push(format!("{count} {word}"));
        }
    }
    if words.is_empty() { "none fires".to_owned() } else { words.join(", ") }
}

/// The role of words whose sign has this one: what is well, or not judged, is plain text.
fn told_as(role: Role) -> Role {
    if role == Role::Ok || role == Role::Dim { Role::Text } else { role }
}

/// How many targets are of which level, and the colour of the worst.
fn summary(model: &Model) -> (Role, String) {
    let levels: Vec<Level> = model.targets.iter().map(|target| health::Health::of(model, target).level()).collect();
    health::counts(&levels)
}

/// A line as words, whole: for the clipboard and for a filter.
fn said(model: &Model, row: &Row) -> String {
    let dimensions = model.dimensions.iter().zip(&row.cells);
    let dimensions = dimensions.filter_map(|(dimension, line)| {
        line.as_ref().map(|line| format!("{}: {}", dimension.title, cells::said(model, line)))
    });
    let mut words = vec![
        format!("{} {}", row.target.id, mark::level(row.level()).word),
        format!("{} {}", row.target.system.id, row.target.spec.environment.word()),
        row.alerts_words(),
        row.answers_words(),
    ];
    words.extend(dimensions);
    words.extend(row.objectives_words());
    words.join("; ")
}

const LEAST_TARGET: u16 = 14;
const MOST_TARGET: u16 = 26;
const ALERTS: u16 = 11;
const ANSWERS: u16 = 10;
const OBJECTIVES: u16 = 12;
/// A sign, and the shortest value that says anything.
const LEAST_DIMENSION: u16 = 9;
/// From this width on a dimension's cell has room for the name of its row and its value.
const NAMED: u16 = 16;

/// Where each column begins is the same for every line.
#[derive(Clone, Copy)]
struct Columns {
    target: u16,
    dimension: u16,
    answers: bool,
    objectives: bool,
}

impl Columns {
    fn of(model: &Model, width: u16) -> Columns {
        let dimensions = u16::try_from(model.dimensions.len().max(1)).unwrap_or(1);
        let longest = model.targets.iter().map(|target| target.id.as_str().chars().count()).max().unwrap_or(0);
        let wanted = u16::try_from(longest).unwrap_or(MOST_TARGET) + 1;
        let target = wanted.clamp(LEAST_TARGET, MOST_TARGET);
        let fixed = 4 + target + ALERTS;
        let room = width.saturating_sub(fixed);
        let answers = room >= dimensions * LEAST_DIMENSION + ANSWERS;
        let room = room - if answers { ANSWERS } else { 0 };
        let objectives = room >= dimensions * (LEAST_DIMENSION + 4) + OBJECTIVES;
        // Behind the last column nothing needs to be kept apart.
        let room = if answers { room } else { room + 1 };
        let room = room - if objectives { OBJECTIVES } else { 0 };
        Columns { target, dimension: (room / dimensions).max(2), answers, objectives }
    }

    fn heads(self, buf: &mut Buffer, model: &Model, area: Rect) {
        let mut pen = Pen::new(buf, &model.theme, area, 0);
        pen.tab(4).field(Role::Dim, "target", self.target).field(Role::Dim, "alerts", ALERTS);
        for dimension in &model.dimensions {
            let title = whole_words(&dimension.title, usize::from(self.dimension.saturating_sub(1)));
            pen.field(Role::Dim, title, self.dimension.saturating_sub(1)).gap(1);
        }
        if self.answers {
            pen.field_right(Role::Dim, "answers", ANSWERS);
        }
        if self.objectives {
            pen.field_right(Role::Dim, "objectives", OBJECTIVES);
        }
    }

    fn draw(self, buf: &mut Buffer, model: &Model, area: Rect, at: usize, row: &Row, selected: bool) {
        let level = mark::level(row.level());
        let mut pen = Pen::new(buf, &model.theme, area, at);
        if selected {
            pen.glyph(Role::Accent, Glyph::Cursor);
        }
        pen.tab(2).glyph(level.role, level.glyph).gap(1).field(Role::Text, row.target.id.as_str(), self.target);
        let (role, words) = (row.alerts_role(), row.alerts_words());
        pen.field(role, &words, ALERTS.saturating_sub(1)).gap(1);
        for line in &row.cells {
            self.dimension(&mut pen, model, line.as_ref());
        }
        if self.answers {
            pen.field_right(row.answers_role(), &row.answers_words(), ANSWERS);
        }
        if self.objectives {
            let words = row.objectives_words().unwrap_or_else(|| "-".to_owned());
            pen.field_right(row.objectives_role(), &words, OBJECTIVES);
        }
        if selected {
            select(buf, &model.theme, area, at);
        }
    }

    fn dimension(self, pen: &mut Pen, model: &Model, line: Option<&cells::Line>) {
        let Some(cells::Line::Value(spec, cell)) = line else {
            pen.field(Role::Dim, "-", self.dimension.saturating_sub(1)).gap(1);
            return;
        };
        let mark = cells::mark(spec, cell);
        let columns = self.dimension.saturating_sub(3);
        let words = if self.dimension >= NAMED {
            cells::in_few_words(model, spec, cell, usize::from(columns)).1
        } else if cells::trouble(&cells::Line::Value(spec, cell)) > 0 {
            spec.label.clone()
        } else {
            written(&model.theme, &cell.reading, spec.unit)
        };
        pen.glyph(mark.role, mark.glyph).gap(1).field(told_as(mark.role), &words, columns).gap(1);
    }
}

/// As many of the first words as fit, the first one always: half a word is none.
fn whole_words(title: &str, columns: usize) -> &str {
    let mut ends = title.match_indices(' ').map(|(at, _)| at).chain([title.len()]);
    let fitting = ends.rfind(|end| text::width(&title[..*end]) <= columns);
    let first = title.find(' ').unwrap_or(title.len());
    let words = &title[..fitting.unwrap_or(first)];
    words.strip_suffix(" and").unwrap_or(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_cut_between_words() {
        let check = |title, columns, want: &str| assert_eq!(whole_words(title, columns), want, "{title} in {columns}");
        check("mempool and barriers", 30, "mempool and barriers");
        check("mempool and barriers", 16, "mempool");
        check("mempool and barriers", 5, "mempool");
        check("chain health", 12, "chain health");
        check("chain health", 11, "chain");
    }
}
