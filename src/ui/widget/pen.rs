//! Writes along one line of a buffer: every piece cleaned, fitted to the columns that are left, and styled by role.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Mark;
use crate::base::text;
use crate::ui::{Glyph, Role, Theme, layout};

/// A line being written, from both ends towards the middle.
pub struct Pen<'a> {
    buf: &'a mut Buffer,
    theme: &'a Theme,
    start: u16,
    x: u16,
    end: u16,
    y: u16,
}

impl<'a> Pen<'a> {
    /// A pen at the beginning of the line `index` of `area`; where there is no such line, nothing is written.
    pub fn new(buf: &'a mut Buffer, theme: &'a Theme, area: Rect, index: usize) -> Pen<'a> {
        let line = layout::line(area, index).intersection(buf.area);
        let end = if line.height == 0 { line.x } else { line.right() };
        Pen { buf, theme, start: line.x, x: line.x, end, y: line.y }
    }

    /// Columns that are left.
    #[must_use]
    pub fn room(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    pub fn put(&mut self, role: Role, text: &str) -> &mut Self {
        let room = self.room();
        if room > 0 && !text.is_empty() {
            let shown = self.theme.shown(text);
            let fitted = self.theme.fitted(&shown, room);
            self.x = write(self.buf, (self.x, self.y), &fitted, room, self.theme.style(role));
        }
        self
    }

    pub fn glyph(&mut self, role: Role, glyph: Glyph) -> &mut Self {
        let theme = self.theme;
        self.put(role, theme.glyph(glyph))
    }

    /// Sign and word of a state.
    pub fn mark(&mut self, mark: Mark) -> &mut Self {
        self.glyph(mark.role, mark.glyph).gap(1).put(mark.role, mark.word)
    }

    pub fn gap(&mut self, columns: u16) -> &mut Self {
        self.x = self.x.saturating_add(columns).min(self.end);
        self
    }

    /// Goes on at this column of the line, if the pen is not beyond it already.
    pub fn tab(&mut self, column: u16) -> &mut Self {
        self.x = self.x.max(self.start.saturating_add(column)).min(self.end);
        self
    }

    /// Writes into a column of this width and goes on behind it.
    pub fn field(&mut self, role: Role, text: &str, columns: u16) -> &mut Self {
        let (end, stop) = (self.end, self.x.saturating_add(columns).min(self.end));
        self.end = stop;
        self.put(role, text);
        (self.x, self.end) = (stop, end);
        self
    }

    /// As [`Pen::field`], with the text at the column's right edge.
    pub fn field_right(&mut self, role: Role, text: &str, columns: u16) -> &mut Self {
        let wide = text::width(&self.theme.shown(text));
        let lead = usize::from(columns).saturating_sub(wide);
        let stop = self.x.saturating_add(columns).min(self.end);
        let lead = u16::try_from(lead).unwrap_or(columns);
        self.gap(lead).field(role, text, columns - lead);
        self.x = stop;
        self
    }

    /// Writes at the right end of what is left, where the whole text fits; returns whether it did.
    pub fn right(&mut self, role: Role, text: &str) -> bool {
        let shown = self.theme.shown(text);
        let wide = text::width(&shown);
        if wide > self.room() {
            return false;
        }
        self.end -= u16::try_from(wide).unwrap_or(0);
        write(self.buf, (self.end, self.y), &shown, wide, self.theme.style(role));
        true
    }

    /// Keeps this many columns free at the right end.
    pub fn right_gap(&mut self, columns: u16) -> &mut Self {
        self.end = self.end.saturating_sub(columns).max(self.x);
        self
    }

    /// Repeats a sign to the end of what is left.
    pub fn fill(&mut self, role: Role, glyph: Glyph) -> &mut Self {
        // Signs of a theme take one column each.
        let (sign, style) = (self.theme.glyph(glyph), self.theme.style(role));
        for column in self.x..self.end {
            self.buf[(column, self.y)].set_symbol(sign).set_style(style);
        }
        self.x = self.x.max(self.end);
        self
    }
}

/// Writes a text that fits `room` and lies within the buffer; the column behind it.
fn write(buf: &mut Buffer, (x, y): (u16, u16), text: &str, room: usize, style: Style) -> u16 {
    if !text::is_plain(text) {
        return buf.set_stringn(x, y, text, room, style).0;
    }
    // Most text is of one column a character, and need not be taken apart into what belongs together.
    let mut column = x;
    for letter in text.chars().take(room) {
        buf[(column, y)].set_char(letter).set_style(style);
        column += 1;
    }
    column
}

/// Lays the style of the selected line under the line `index` of `area`, whatever is written there.
pub fn select(buf: &mut Buffer, theme: &Theme, area: Rect, index: usize) {
    let bg = theme.style(Role::Selected);
    let mut style = Style::new().add_modifier(bg.add_modifier);
    style.bg = bg.bg;
    buf.set_style(layout::line(area, index).intersection(buf.area), style);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::testing::text_of;

    fn written(width: u16, theme: &Theme, write: impl FnOnce(&mut Pen)) -> String {
        let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height: 1 });
        let area = buf.area;
        write(&mut Pen::new(&mut buf, theme, area, 0));
        text_of(&buf)
    }

    #[test]
    fn pieces_are_fitted_by_columns() {
        let theme = Theme::standard();
        let check = |width, want: &str, write: fn(&mut Pen)| assert_eq!(written(width, &theme, write), want);
        check(6, "日本…", |pen| {
            pen.put(Role::Text, "日本語です");
        });
        check(10, "ab…  x  42", |pen| {
            pen.field(Role::Text, "abcdef", 3).gap(2).put(Role::Text, "x");
            assert!(pen.right(Role::Text, "42"));
        });
        check(5, "  42!", |pen| {
            pen.field_right(Role::Text, "42", 4).put(Role::Text, "!");
            assert!(!pen.right(Role::Text, "no room"));
        });
        check(3, "a", |pen| {
            pen.put(Role::Text, "a").gap(9).put(Role::Text, "b");
        });
    }

    #[test]
    fn hostile_text_does_not_reach_a_cell() {
        let theme = Theme::standard();
        let seen = written(12, &theme, |pen| {
            pen.put(Role::Text, "a\x1b[2J\u{202e}b");
        });
        assert_eq!(seen, "a\u{fffd}[2J\u{fffd}b");
        let seen = written(12, &theme.with_ascii(true), |pen| {
            pen.put(Role::Text, "é → longer than that");
        });
        assert_eq!(seen, "? > longer ~");
    }
}
