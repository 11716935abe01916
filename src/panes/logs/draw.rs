//! Draws the page of logs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Logs, Numbered, by_read, kept_ever, sources};
use crate::base::text::count;
use crate::base::{Severity, Wall};
use crate::model::SourceState;
use crate::panes::words::source_name;
use crate::panes::{Model, mark};
use crate::ui::layout::above;
use crate::ui::widget::{Pen, frame, rows};
use crate::ui::{Action, Glyph, Role};

/// `~hh:mm:ss`, sign, severity, and the columns between them.
const LEAD_COLUMNS: u16 = WHEN_COLUMNS + 1 + 2 + 9;
/// Without the severity's word, where lines are narrow; sign and colour stay.
const NARROW_LEAD_COLUMNS: u16 = WHEN_COLUMNS + 1 + 2;
const WHEN_COLUMNS: u16 = 9;
/// Logs that are listed before the lines of one.
const MOST_LISTED: usize = 6;

/// The lines of one log, and a list of the logs above them where there are several.
pub(super) fn parts(area: Rect, logs: usize) -> [Rect; 2] {
    let rows = match logs {
        0 | 1 => 0,
        several => u16::try_from(several.min(MOST_LISTED)).unwrap_or(0) + frame::BOX_ROWS,
    };
    let (list, lines) = above(area, if area.height < 14 { 0 } else { rows });
    [lines, list]
}

fn lead(width: u16) -> u16 {
    if width >= 70 { LEAD_COLUMNS } else { NARROW_LEAD_COLUMNS }
}

/// Columns and rows that the text of lines has.
pub(super) fn text_size(area: Rect) -> (usize, usize) {
    let inside = frame::inner(area);
    (usize::from(inside.width.saturating_sub(lead(inside.width))), usize::from(inside.height))
}

impl Logs {
    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let all = sources(model);
        let theme = &model.theme;
        let Some(source) = self.chosen(&all) else {
            let inside = frame::frame(buf, theme, area, "logs", (Role::Dim, ""));
            let words = match model.target() {
                Some(target) => format!("no source of {} gives lines of a log", target.id),
                None => "no target is configured".to_owned(),
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, &words);
            return;
        };
        let [lines, logs] = self.look.arranged(area, parts(area, all.len()));
        if logs.height > 0 {
            list(buf, model, &all, source, logs);
        }
        let shown = self.lines(model, source);
        let (role, note) = self.note(model, source, &shown);
        let name = model.target().map_or(source.id.as_str(), |target| source_name(source, target));
        let title = self.look.filter.title(name, shown.len(), model.store.lines(&source.id).count());
        let inside = frame::frame(buf, theme, lines, &title, (role, &note));
        if shown.is_empty() {
            let truth = source.truth(model.now.boot);
            let words = match (model.store.lines(&source.id).next(), truth.is_fresh()) {
                (Some(_), _) => "no line matches the filter".to_owned(),
                (None, true) => "no line has come yet".to_owned(),
                (None, false) => truth.words(model.now.boot),
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, &words);
            return;
        }
        self.draw_lines(buf, model, &shown, inside);
    }

    /// Whether the end is followed, how much of the log is here, and how bad it is.
    fn note(&self, model: &Model, source: &SourceState, shown: &[Numbered]) -> (Role, String) {
        let mut said = Vec::new();
        for severity in [Severity::Critical, Severity::Warning] {
            let n = shown.iter().filter(|(_, line)| line.severity == Some(severity)).count();
            if n > 0 {
                said.push(format!("{} {n}", model.theme.glyph(mark::severity(severity).glyph)));
            }
        }
        let kept = model.store.lines(&source.id).count();
        said.push(match (kept, kept_ever(source)) {
            (kept, ever) if (kept as u64) < ever => format!("{kept} newest of {ever} lines"),
            (kept, _) => count(kept, "line"),
        });
        if source.dropped_lines > 0 {
            said.push(format!("{} came too fast and were dropped", source.dropped_lines));
        }
        if shown.iter().any(|(_, line)| line.timed_by_read) {
            said.push("~ when it was read".to_owned());
        }
        match self.held {
            None => {
                said.push("following".to_owned());
                (Role::Dim, said.join(" · "))
            }
            Some(held) => {
                let new = kept_ever(source).saturating_sub(held.seen);
                said.push(format!("not following, {new} new: {} follows", model.keymap.press(Action::Follow)));
                (Role::Warning, said.join(" · "))
            }
        }
    }

    /// Fills the area from its bottom line upwards; what is too short for that begins at the top.
    fn draw_lines(&self, buf: &mut Buffer, model: &Model, shown: &[Numbered], area: Rect) {
        let lead = lead(area.width);
        let width = usize::from(area.width.saturating_sub(lead));
        let height = usize::from(area.height);
        let bottom = self.bottom(shown);
        let mut picture: Vec<(usize, usize, String)> = Vec::new();
        let mut first = bottom;
        for at in (0..=bottom).rev() {
            let rows = self.rows(shown[at].1, width);
            let some = rows.into_iter().enumerate().rev().map(|(row, text)| (at, row, text));
            picture.extend(some);
            first = at;
            if picture.len() >= height {
                break;
            }
        }
        picture.truncate(height);
        picture.reverse();
        let mut last = bottom;
        while picture.len() < height && last + 1 < shown.len() {
            last += 1;
            let rows = self.rows(shown[last].1, width);
            picture.extend(rows.into_iter().enumerate().map(|(row, text)| (last, row, text)));
        }
        picture.truncate(height);
        let mut day = model.now.wall.0.div_euclid(DAY_MILLIS);
        for (index, (at, row, text)) in picture.iter().enumerate() {
            let line = shown[*at].1;
            // The first line of another day is told by its date.
            let of_day = line.at.0.div_euclid(DAY_MILLIS);
            let dated = std::mem::replace(&mut day, of_day) != of_day;
            let when = format!("{}{}", by_read(line), when(line.at, dated));
            let said = Said { when, severity: line.severity, first: *row == 0, text };
            draw_row(buf, model, area, index, &said);
        }
        rows::more(buf, &model.theme, area, first, shown.len() - 1 - last);
    }
}

const DAY_MILLIS: i64 = 86_400_000;

/// The time of day, or the date.
fn when(at: Wall, dated: bool) -> String {
    let date = if dated { at.to_string().get(5..10).map(str::to_owned) } else { None };
    date.unwrap_or_else(|| at.clock())
}

/// One row of one line.
struct Said<'a> {
    when: String,
    severity: Option<Severity>,
    /// Whether this is the first row of its line.
    first: bool,
    text: &'a str,
}

fn draw_row(buf: &mut Buffer, model: &Model, area: Rect, index: usize, said: &Said) {
    let lead = lead(area.width);
    let mark = said.severity.map(mark::severity);
    let mut pen = Pen::new(buf, &model.theme, area, index);
    if said.first {
        pen.field_right(Role::Dim, &said.when, WHEN_COLUMNS).gap(1);
        if let Some(mark) = mark {
            pen.glyph(mark.role, mark.glyph).gap(1);
            if lead == LEAD_COLUMNS {
                pen.put(mark.role, mark.word);
            }
        }
    }
    let urgent = mark.filter(|_| said.severity != Some(Severity::Info));
    pen.tab(lead).put(urgent.map_or(Role::Text, |mark| mark.role), said.text);
}

/// The logs of the target: which is shown, how many lines each brought.
fn list(buf: &mut Buffer, model: &Model, all: &[&SourceState], chosen: &SourceState, area: Rect) {
    let theme = &model.theme;
    let keys =
        format!("{} {} choose", model.keymap.press(Action::ChoosePrevious), model.keymap.press(Action::ChooseNext));
    let inside = frame::frame(buf, theme, area, "logs", (Role::Dim, &keys));
    let at = all.iter().position(|source| source.id == chosen.id).unwrap_or(0);
    let height = usize::from(inside.height);
    let first = at.saturating_sub(height.saturating_sub(1));
    for (row, source) in all.iter().skip(first).take(height).enumerate() {
        let mark = mark::truth(&source.truth(model.now.boot));
        let mut pen = Pen::new(buf, theme, inside, row);
        let here = source.id == chosen.id;
        if here {
            pen.glyph(Role::Accent, Glyph::Cursor);
        }
        pen.tab(2).glyph(mark.role, mark.glyph).gap(1);
        pen.right(Role::Dim, &count(source.lines, "line"));
        pen.right_gap(1);
        let name = model.target().map_or(source.id.as_str(), |target| source_name(source, target));
        pen.put(if here { Role::Title } else { Role::Text }, name);
    }
    rows::more(buf, theme, inside, first, all.len().saturating_sub(first + height));
}
