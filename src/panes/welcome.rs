//! The overview where nothing is configured and nothing was found: what to do next, and what was looked for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Model;
use crate::ui::Role;
use crate::ui::widget::{Pen, frame, rows, wrap};

pub fn render(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let inside = frame::frame(buf, theme, area, "no node to watch yet", (Role::Dim, ""));
    let lines = lines(&model.console.nothing_found, usize::from(inside.width));
    let shown = lines.len().min(usize::from(inside.height));
    for (row, (indent, role, line)) in lines.iter().take(shown).enumerate() {
        Pen::new(buf, theme, inside, row).gap(*indent).put(*role, line);
    }
    rows::more(buf, theme, inside, 0, lines.len() - shown);
}

/// Every line with its indentation, wrapped behind it.
fn lines(text: &[String], columns: usize) -> Vec<(u16, Role, String)> {
    let mut lines = Vec::new();
    for line in text {
        let indent = line.len() - line.trim_start().len();
        // What is indented further says more of the line before it.
        let role = if indent >= 4 { Role::Dim } else { Role::Text };
        let wrapped = wrap::wrap(line.trim_start(), columns.saturating_sub(indent));
        let indent = u16::try_from(indent).unwrap_or(0);
        if wrapped.is_empty() {
            lines.push((0, role, String::new()));
        }
        lines.extend(wrapped.into_iter().map(|part| (indent, role, part)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::testing::{self, Condition};
    use super::*;
    use crate::ui::widget::testing::{screen_of, text_of};

    fn drawn(width: u16, height: u16) -> (Buffer, Model) {
        let mut model = testing::model(Condition::Empty);
        let said = "nothing is configured\n\nto look around without one: opsconsole demo\n\nlooked for:\n  \
                    anychain at http://127.0.0.1:1/health\n    connection refused: nothing listens there";
        model.console.nothing_found = said.lines().map(str::to_owned).collect();
        let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
        let area = buf.area;
        render(&model, area, &mut buf);
        (buf, model)
    }

    #[test]
    fn it_says_what_was_looked_for_and_what_to_do() {
        let (buf, model) = drawn(60, 12);
        insta::assert_snapshot!("welcome", screen_of(&buf, &model.theme));
    }

    #[test]
    fn a_low_window_says_that_there_is_more() {
        let (buf, _) = drawn(40, 6);
        let text = text_of(&buf);
        assert!(text.contains("nothing is configured") && text.contains("↓6"), "{text}");
        for (width, height) in [(0, 0), (1, 1), (3, 3), (20, 5)] {
            drop(drawn(width, height));
        }
    }
}
