//! Help: the action table with the keys of the live keymap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Answer, Line, frame, line, place, write_lines};
use crate::base::{Key, KeyCode};
use crate::ui::action::{ACTIONS, Danger};
use crate::ui::{Keymap, Role, Theme};

/// The list of keys, scrolled to `offset`.
#[derive(Clone, Debug, Default)]
pub struct Help {
    offset: usize,
}

impl Help {
    pub(super) fn key(&mut self, key: Key, area: Rect) -> Answer {
        let screen = usize::from(area.height.saturating_sub(4)).max(1);
        let last = (ACTIONS.len() + 4).saturating_sub(screen);
        let to = match key.code {
            KeyCode::Up => self.offset.saturating_sub(1),
            KeyCode::Down => self.offset + 1,
            KeyCode::PageUp => self.offset.saturating_sub(screen),
            KeyCode::PageDown => self.offset + screen,
            KeyCode::Home => 0,
            KeyCode::End => last,
            _ => return Answer::No,
        };
        self.offset = to.min(last);
        Answer::Open
    }

    pub(super) fn render(&self, theme: &Theme, keymap: &Keymap, area: Rect, buffer: &mut Buffer) {
        let mut lines: Vec<Line> = ACTIONS
            .iter()
            .map(|row| {
                let keys = keymap.keys(row.action).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
                let (role, note) = match row.danger {
                    Danger::None => (Role::Text, ""),
                    Danger::Decides => (Role::Text, "  (journalled)"),
                    Danger::Acts => (Role::Warning, "  (after confirmation, acts)"),
                };
                vec![(Role::Accent, format!("{keys:<14} ")), (role, format!("{}{note}", row.sentence))]
            })
            .collect();
        lines.push(Line::new());
        lines.push(line(Role::Dim, "up, down, page up, page down: scroll   any other key: close"));
        let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
        let inside = frame(theme, Role::Accent, "keys", place(area, 78, height), buffer);
        write_lines(theme, &lines, self.offset, inside, buffer);
    }
}
