//! The frame around a part of a page: a rounded box with its title, or a single rule where lines are dear.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Pen;
use crate::ui::{Glyph, Role, Theme};

/// Below this height a box would cost more than it shows.
const LEAST_BOX_ROWS: u16 = 3;

/// Draws a frame with a title and, at its right, a note; returns what is inside, one column in from each side.
pub fn frame(buf: &mut Buffer, theme: &Theme, area: Rect, title: &str, note: (Role, &str)) -> Rect {
    let area = area.intersection(buf.area);
    if area.height < LEAST_BOX_ROWS {
        return rule(buf, theme, area, title, note);
    }
    title_line(buf, theme, area, title, note, (Glyph::TopLeft, Glyph::TopRight));
    for row in 1..area.height - 1 {
        let mut pen = Pen::new(buf, theme, area, usize::from(row));
        pen.right(Role::Border, theme.glyph(Glyph::Bar));
        pen.glyph(Role::Border, Glyph::Bar);
    }
    let mut pen = Pen::new(buf, theme, area, usize::from(area.height - 1));
    pen.right(Role::Border, theme.glyph(Glyph::BottomRight));
    pen.glyph(Role::Border, Glyph::BottomLeft).fill(Role::Border, Glyph::Rule);
    inside(area, 1)
}

/// Columns and rows that a box takes from what is inside it.
pub const BOX_COLUMNS: u16 = 4;
pub const BOX_ROWS: u16 = 2;

/// A single line with a title; what is below it.
pub fn rule(buf: &mut Buffer, theme: &Theme, area: Rect, title: &str, note: (Role, &str)) -> Rect {
    title_line(buf, theme, area, title, note, (Glyph::Rule, Glyph::Rule));
    inside(area, 0)
}

/// What the frame of `area` leaves, without drawing it: the inside that [`frame`] returns.
#[must_use]
pub fn inner(area: Rect) -> Rect {
    inside(area, u16::from(area.height >= LEAST_BOX_ROWS))
}

fn inside(area: Rect, bottom: u16) -> Rect {
    let margin = 2.min(area.width / 2);
    Rect {
        x: area.x + margin,
        y: area.y + 1.min(area.height),
        width: area.width - 2 * margin,
        height: area.height.saturating_sub(1 + bottom),
    }
}

fn title_line(
    buf: &mut Buffer,
    theme: &Theme,
    area: Rect,
    title: &str,
    (role, note): (Role, &str),
    (left, right): (Glyph, Glyph),
) {
    let mut pen = Pen::new(buf, theme, area, 0);
    pen.right(Role::Border, theme.glyph(right));
    pen.glyph(Role::Border, left).glyph(Role::Border, Glyph::Rule);
    let room = u16::try_from(pen.room().saturating_sub(3)).unwrap_or(u16::MAX);
    if !title.is_empty() && room > 0 {
        let wide = u16::try_from(crate::base::text::width(title)).unwrap_or(u16::MAX).min(room);
        pen.gap(1).field(Role::Title, title, wide).gap(1);
    }
    // A note that does not fit beside the title is left out: the frame's content says it as well.
    if !note.is_empty() && pen.room() >= crate::base::text::width(note) + 4 {
        pen.right(Role::Border, theme.glyph(Glyph::Rule));
        pen.right_gap(1);
        pen.right(role, note);
        pen.right_gap(1);
    }
    pen.fill(Role::Border, Glyph::Rule);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::testing::text_of;

    #[test]
    fn a_frame_holds_its_title_and_note_or_leaves_the_note_out() {
        let theme = Theme::standard();
        let check = |width, height, want: &str| {
            let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
            let area = buf.area;
            let inside = frame(&mut buf, &theme, area, "title", (Role::Ok, "3 of 3"));
            assert_eq!(inside, inner(area));
            assert_eq!(text_of(&buf), want);
        };
        check(
            24,
            4,
            "╭─ title ───── 3 of 3 ─╮\n│                      │\n│                      │\n╰──────────────────────╯",
        );
        check(12, 2, "── title ───\n");
        check(6, 1, "──────");
        check(1, 1, "─");
        check(0, 0, "");
    }
}
