//! The line at the foot of the screen that a filter is typed into. The list above it follows every key.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Answer, Field};
use crate::base::{Key, KeyCode};
use crate::ui::widget::Pen;
use crate::ui::{LineFilter, Role, Theme};

/// A filter being typed.
#[derive(Clone, Debug)]
pub struct FilterPrompt {
    field: Field,
}

impl FilterPrompt {
    /// Begins with the filter that the list has.
    #[must_use]
    pub fn new(filter: &LineFilter) -> FilterPrompt {
        FilterPrompt { field: Field::new("filter", filter.text()) }
    }

    /// The filter as it stands.
    #[must_use]
    pub fn filter(&self) -> LineFilter {
        LineFilter::parse(self.field.text())
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        match key.code {
            KeyCode::Enter => Answer::Yes,
            KeyCode::Esc => Answer::No,
            _ => {
                self.field.key(key);
                Answer::Open
            }
        }
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.field.insert(pasted);
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let Some(row) = usize::from(area.height).checked_sub(1) else { return };
        for x in area.x..area.right() {
            if let Some(cell) = buffer.cell_mut((x, area.bottom() - 1)) {
                cell.reset();
            }
        }
        let mut pen = Pen::new(buffer, theme, area, row);
        let filter = self.filter();
        let (role, said) = match (self.field.refused, filter.fault()) {
            (Some(refused), _) => (Role::Warning, refused.to_owned()),
            (None, Some(why)) => (Role::Warning, format!("hides nothing: {why}")),
            (None, None) => (Role::Dim, "! before it: those that do not match   enter: keep   esc: clear".to_owned()),
        };
        pen.gap(1).put(Role::Accent, "/");
        let room = pen.room();
        for (role, piece) in self.field.pieces(true, room) {
            pen.put(role, &piece);
        }
        pen.gap(2).put(role, &said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::testing::text_of;

    #[test]
    fn a_broken_filter_says_why_while_it_is_typed() {
        let check = |typed: &str, want: &str| {
            let mut prompt = FilterPrompt::new(&LineFilter::default());
            typed.chars().for_each(|c| assert_eq!(prompt.key(Key::char(c)), Answer::Open));
            let mut buf = Buffer::empty(Rect { x: 0, y: 0, width: 80, height: 2 });
            let area = buf.area;
            prompt.render(&Theme::standard(), area, &mut buf);
            assert_eq!(text_of(&buf).trim_start(), want);
        };
        check("a", "/a   ! before it: those that do not match   enter: keep   esc: clear");
        check("a(", "/a(   hides nothing: unclosed group");
    }
}
