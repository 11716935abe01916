//! The overview where nothing is configured and nothing was found: what was looked for, and what to do next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Model;
use crate::ui::Role;
use crate::ui::widget::{Pen, frame, wrap};

pub fn render(model: &Model, area: Rect, buf: &mut Buffer) {
    let theme = &model.theme;
    let inside = frame::frame(buf, theme, area, "no node to watch yet", (Role::Dim, ""));
    let mut row = 0;
    for line in &model.console.nothing_found {
        let indent = line.len() - line.trim_start().len();
        // What is indented further says more of the line before it.
        let role = if indent >= 4 { Role::Dim } else { Role::Text };
        let columns = usize::from(inside.width).saturating_sub(indent);
        let lines = wrap::wrap(line.trim_start(), columns);
        for part in &lines {
            Pen::new(buf, theme, inside, row).gap(u16::try_from(indent).unwrap_or(0)).put(role, part);
            row += 1;
        }
        if lines.is_empty() {
            row += 1;
        }
    }
}
