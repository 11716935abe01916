//! The fleet: a line for every target, a column for every dimension of health, the worst first.
//!
//! ```text
//! ╭─ fleet ──────────────────────────────────────────────────────── 1 critical · 3 ok ╮
//! │   target      alerts     chain health   mempool     …            answers objectives│
//! │ ▸ ◆ chain-1   1 firing   ◆ age 7m 12s   ▲ 1244                     8 of 8     1 met│
//! ╰───────────────────────────────────────────────────────────────────────────────────╯
//! ```
//!
//! A cell tells the row of that dimension that is worst, or how well its first row is. Must never: show what is not
//! known as well, or hide a target because it is well.

mod row;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::row::{Health, Row};
use super::{Intent, Look, Model, cells, mark};
use crate::base::{TargetId, text};
use crate::panes::model::Level;
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
        let height = usize::from(frame::inner(body).height).saturating_sub(1);
        let key = |at: usize| shown.get(at).map(|row| row.target.id.clone());
        self.selection.on(action, (shown.len(), height), |chosen| place(&shown, chosen), key);
        None
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let shown = self.shown(model);
        let [area] = self.look.arranged(area, [area]);
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

/// How many targets are of which level, and the colour of the worst.
fn summary(model: &Model) -> (Role, String) {
    let levels: Vec<Level> = model.targets.iter().map(|target| Row::of(model, target).level()).collect();
    let order = [Level::Critical, Level::Warning, Level::Unknown, Level::Ok];
    let count = |level: Level| levels.iter().filter(|of| **of == level).count();
    let words = order.iter().filter(|level| count(**level) > 0);
    let words: Vec<String> = words.map(|level| format!("{} {}", count(*level), mark::level(*level).word)).collect();
    let worst = order.into_iter().find(|level| count(*level) > 0).unwrap_or(Level::Unknown);
    (mark::level(worst).role, words.join(" · "))
}

/// A line as words, whole: for the clipboard and for a filter.
fn said(model: &Model, row: &Row) -> String {
    let dimensions = model.dimensions.iter().zip(&row.health).filter_map(|(dimension, health)| match health {
        Health::NotFed => None,
        Health::Row(line) => Some(format!("{}: {}", dimension.title, cells::said(model, line))),
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
/// From this width on a dimension's cell names the row that it tells.
const NAMED: u16 = 22;

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
        let room = room - if objectives { OBJECTIVES } else { 0 };
        Columns { target, dimension: (room / dimensions).max(2), answers, objectives }
    }

    fn heads(self, buf: &mut Buffer, model: &Model, area: Rect) {
        let mut pen = Pen::new(buf, &model.theme, area, 0);
        pen.tab(4).field(Role::Dim, "target", self.target).field(Role::Dim, "alerts", ALERTS);
        for dimension in &model.dimensions {
            pen.field(Role::Dim, &dimension.title, self.dimension.saturating_sub(1)).gap(1);
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
        for health in &row.health {
            self.dimension(&mut pen, model, health);
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

    fn dimension(self, pen: &mut Pen, model: &Model, health: &Health) {
        let Health::Row(cells::Line::Value(spec, cell)) = health else {
            pen.field(Role::Dim, "-", self.dimension.saturating_sub(1)).gap(1);
            return;
        };
        let mark = cells::mark(spec, cell);
        let value = written(&model.theme, &cell.reading, spec.unit);
        let words = if self.dimension >= NAMED { format!("{value} {}", spec.label) } else { value };
        let role = if mark.role == Role::Ok || mark.role == Role::Dim { Role::Text } else { mark.role };
        pen.glyph(mark.role, mark.glyph).gap(1).field(role, &words, self.dimension.saturating_sub(3)).gap(1);
    }
}
