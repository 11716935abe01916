//! Overlays: help, the palette, the filter's line, the forms, and the confirmation. They own their text and scroll, and say what the keys made of them.
//!
//! ```text
//! Key ──► Overlay::key ──► Answer ──► app/
//! ```
//!
//! Must never: act. An overlay only says what was answered; `app/` decides what follows.
//!
//! To add an overlay: one file, one variant in [`Overlay`].

pub mod break_glass;
pub mod claim;
pub mod confirm;
pub mod faults;
pub mod field;
pub mod filter;
pub mod form;
pub mod help;
pub mod palette;
pub mod query;
pub mod said;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::widget::Pen;
use super::{Glyph, Keymap, Role, Theme};
use crate::base::{At, Key, text};
pub use break_glass::BreakGlassForm;
pub use claim::ClaimForm;
pub use confirm::Confirm;
pub use faults::FaultMenu;
pub use field::Field;
pub use filter::FilterPrompt;
pub use form::{ArmForm, ReasonForm, Reasoned, SettleForm};
pub use help::Help;
pub use palette::Palette;
pub use query::QueryForm;
pub use said::{Said, SaidForm};

/// What lies over the page, and takes every key.
#[derive(Debug)]
pub enum Overlay {
    Help(Box<Help>),
    Palette(Box<Palette>),
    Filter(Box<FilterPrompt>),
    Query(Box<QueryForm>),
    Arm(Box<ArmForm>),
    Reason(Box<ReasonForm>),
    Settle(Box<SettleForm>),
    Claim(Box<ClaimForm>),
    BreakGlass(Box<BreakGlassForm>),
    Confirm(Box<Confirm>),
    Said(Box<SaidForm>),
    Faults(Box<FaultMenu>),
}

/// What the keys made of an overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    Open,
    /// Closed without an answer.
    No,
    /// Answered; the overlay holds what was entered.
    Yes,
}

impl Overlay {
    /// Takes a key. Esc always means no.
    pub fn key(&mut self, key: Key, keymap: &Keymap, at: At, area: Rect) -> Answer {
        match self {
            Overlay::Help(help) => help.key(key, keymap, area),
            Overlay::Palette(palette) => palette.key(key, area),
            Overlay::Filter(prompt) => prompt.key(key),
            Overlay::Query(form) => form.key(key),
            Overlay::Arm(form) => form.key(key),
            Overlay::Reason(form) => form.key(key),
            Overlay::Settle(form) => form.key(key),
            Overlay::Claim(form) => form.key(key),
            Overlay::BreakGlass(form) => form.key(key),
            Overlay::Confirm(confirm) => confirm.key(key, at, area),
            Overlay::Said(form) => form.key(key),
            Overlay::Faults(menu) => menu.key(key, area),
        }
    }

    /// Takes a paste. To a confirmation it means no; a form takes it as text where it holds nothing hostile.
    pub fn paste(&mut self, pasted: &str) -> Answer {
        match self {
            Overlay::Help(help) => help.paste(pasted),
            Overlay::Palette(palette) => palette.paste(pasted),
            Overlay::Filter(prompt) => prompt.paste(pasted),
            Overlay::Query(form) => form.paste(pasted),
            Overlay::Arm(form) => form.paste(pasted),
            Overlay::Reason(form) => form.paste(pasted),
            Overlay::Settle(form) => form.paste(pasted),
            Overlay::Claim(form) => form.paste(pasted),
            Overlay::BreakGlass(form) => form.paste(pasted),
            Overlay::Said(form) => form.paste(pasted),
            Overlay::Faults(menu) => menu.paste(pasted),
            Overlay::Confirm(_) => return Answer::No,
        }
        Answer::Open
    }

    /// What it is called, for sentences about it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Overlay::Help(_) => "help",
            Overlay::Palette(_) => "palette",
            Overlay::Filter(_) => "filter",
            Overlay::Query(_) => "expression",
            Overlay::Arm(_) => "arming",
            Overlay::Reason(_) => "reason",
            Overlay::Settle(_) => "settling",
            Overlay::Claim(_) => "answering for an alert",
            Overlay::BreakGlass(_) => "breaking the glass",
            Overlay::Confirm(_) => "confirmation",
            Overlay::Said(_) => "what a person says",
            Overlay::Faults(_) => "the demo's faults",
        }
    }

    /// Whether its answer is a decision, which is made on what is known now and on nothing else.
    #[must_use]
    pub fn decides(&self) -> bool {
        match self {
            Overlay::Help(_) | Overlay::Palette(_) | Overlay::Filter(_) | Overlay::Query(_) | Overlay::Faults(_) => {
                false
            }
            Overlay::Arm(_)
            | Overlay::Reason(_)
            | Overlay::Settle(_)
            | Overlay::Claim(_)
            | Overlay::BreakGlass(_)
            | Overlay::Said(_)
            | Overlay::Confirm(_) => true,
        }
    }

    /// Says in the last line of a window that is too small for it that it is open. It takes no key but esc there.
    pub fn render_hidden(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        if let Some(last) = usize::from(area.height).checked_sub(1) {
            let words = format!("esc closes: {}", self.word());
            Pen::new(buffer, theme, area, last).put(Role::Accent, &words);
        }
    }

    pub fn render(&self, theme: &Theme, keymap: &Keymap, at: At, area: Rect, buffer: &mut Buffer) {
        match self {
            Overlay::Help(help) => help.render(theme, keymap, area, buffer),
            Overlay::Palette(palette) => palette.render(theme, area, buffer),
            Overlay::Filter(prompt) => prompt.render(theme, area, buffer),
            Overlay::Query(form) => form.render(theme, area, buffer),
            Overlay::Arm(form) => form.render(theme, area, buffer),
            Overlay::Reason(form) => form.render(theme, area, buffer),
            Overlay::Settle(form) => form.render(theme, area, buffer),
            Overlay::Claim(form) => form.render(theme, area, buffer),
            Overlay::BreakGlass(form) => form.render(theme, area, buffer),
            Overlay::Confirm(confirm) => confirm.render(theme, at, area, buffer),
            Overlay::Said(form) => form.render(theme, area, buffer),
            Overlay::Faults(menu) => menu.render(theme, area, buffer),
        }
    }
}

/// A piece of text with its meaning: overlays are lists of lines of these.
pub(super) type Piece = (Role, String);

/// One line of an overlay.
pub(super) type Line = Vec<Piece>;

pub(super) fn line(role: Role, text: impl Into<String>) -> Line {
    vec![(role, text.into())]
}

/// The box an overlay of `height` lines takes: centred, at most as large as the screen allows.
pub(super) fn place(area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width);
    let height = height.min(area.height);
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// Draws an empty frame with a title, and returns what is inside it.
pub(super) fn frame(theme: &Theme, role: Role, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    if area.width < 4 || area.height < 3 {
        return Rect { width: 0, height: 0, ..area };
    }
    let (style, right, bottom) = (theme.style(role), area.right() - 1, area.bottom() - 1);
    let (across, down) = (theme.glyph(Glyph::Rule), theme.glyph(Glyph::Bar));
    let corners =
        [Glyph::TopLeft, Glyph::TopRight, Glyph::BottomLeft, Glyph::BottomRight].map(|corner| theme.glyph(corner));
    for y in area.y..=bottom {
        for x in area.x..=right {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(theme.style(Role::Text));
                let edge_row = y == area.y || y == bottom;
                let edge_column = x == area.x || x == right;
                if edge_row {
                    cell.set_symbol(across).set_style(style);
                } else if edge_column {
                    cell.set_symbol(down).set_style(style);
                }
            }
        }
    }
    for (corner, (x, y)) in corners.iter().zip([(area.x, area.y), (right, area.y), (area.x, bottom), (right, bottom)]) {
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_symbol(corner);
        }
    }
    let room = usize::from(area.width) - 4;
    let title = theme.shown(title);
    let title = theme.fitted(&title, room.saturating_sub(2));
    write(theme, buffer, area.x + 2, area.y, room, &format!(" {title} "), style);
    Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 }
}

fn write(theme: &Theme, buffer: &mut Buffer, x: u16, y: u16, room: usize, text: &str, style: Style) -> usize {
    let shown = theme.shown(text);
    let fitted = theme.fitted(&shown, room);
    buffer.set_stringn(x, y, &fitted, room, style);
    text::width(&fitted)
}

/// Draws lines from `offset` on; returns whether the last one was drawn.
pub(super) fn write_lines(theme: &Theme, lines: &[Line], offset: usize, area: Rect, buffer: &mut Buffer) -> bool {
    for (row, pieces) in lines.iter().skip(offset).take(usize::from(area.height)).enumerate() {
        let mut used = 0;
        for (role, piece) in pieces {
            let room = usize::from(area.width).saturating_sub(used);
            let x = area.x.saturating_add(u16::try_from(used).unwrap_or(u16::MAX));
            used += write(theme, buffer, x, area.y + row as u16, room, piece, theme.style(*role));
        }
    }
    offset + usize::from(area.height) >= lines.len()
}

/// Breaks text at spaces into lines of at most `columns`; a word longer than a line is broken where the line ends, so
/// that nothing is hidden.
pub(super) fn wrapped(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let wide = text::width(word.trim_end());
        if used > 0 && used + wide > columns {
            lines.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            let wide = text::width(c.encode_utf8(&mut [0; 4]));
            if used + wide > columns {
                if c == ' ' {
                    continue;
                }
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            used += wide;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_hides_nothing() {
        assert_eq!(wrapped("restart the backend", 8), ["restart ", "the ", "backend"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("", 4), [""]);
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(wrapped(&format!("hash {hash}"), 30).concat().replace(' ', ""), format!("hash{hash}"));
    }
}
