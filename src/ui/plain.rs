//! The screen without what only decorates it, for a line on which every byte is waited for.
//!
//! Frames, sparklines and charts go, and so do the colours of what is not dangerous: what is left is every word and
//! every number at its place, a tenth of the bytes. What is decoration is told by the sign itself, so that no pane
//! has to know how good the line is.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::{Glyph, Role, Theme};

/// Roles that keep their looks: what is wrong, what is dangerous, and where the operator is.
const LOUD: [Role; 6] = [Role::Warning, Role::Critical, Role::Selected, Role::Production, Role::Armed, Role::Demo];

/// Takes the decoration out of a whole picture.
pub fn plain(buffer: &mut Buffer, theme: &Theme) {
    let loud = LOUD.map(|role| {
        let style = theme.style(role);
        (style.fg.unwrap_or(Color::Reset), style.bg.unwrap_or(Color::Reset))
    });
    for cell in &mut buffer.content {
        let symbol = cell.symbol();
        if symbol == theme.glyph(Glyph::Gap) || symbol.chars().next().is_some_and(is_decoration) {
            cell.set_symbol(" ");
        }
        // A background is laid under a whole line: the words on it may have any foreground.
        let keeps = cell.bg != Color::Reset || loud.contains(&(cell.fg, Color::Reset));
        if !keeps {
            cell.fg = Color::Reset;
            cell.modifier = cell.modifier.intersection(Modifier::REVERSED);
        }
    }
}

/// Lines and boxes, blocks, and patterns of dots.
fn is_decoration(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}')
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn words_and_dangers_stay_and_decoration_goes() {
        let theme = Theme::standard();
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
        let check = |buffer: &mut Buffer, text: &str, role: Role, want: &str, style: Style| {
            buffer.reset();
            buffer.set_string(0, 0, text, theme.style(role));
            plain(buffer, &theme);
            let mut expected = Buffer::empty(buffer.area);
            expected.set_string(0, 0, want, style);
            assert_eq!(*buffer, expected);
        };
        let quiet = Style::new();
        check(&mut buffer, "╭─ alerts ─╮", Role::Border, "   alerts   ", quiet);
        check(&mut buffer, "▁▂▃ ⣿⣀ 12", Role::Chart, "       12", quiet);
        check(&mut buffer, "height 1204 ok", Role::Ok, "height 1204 ok", quiet);
        for role in [Role::Critical, Role::Warning, Role::Production, Role::Armed] {
            check(&mut buffer, "stalled", role, "stalled", theme.style(role));
        }
    }
}
