//! One line of text that an operator enters.

use tui_textarea::{CursorMove, TextArea};

use super::Piece;
use crate::base::{Key, KeyCode, text};
use crate::ui::Role;

/// Longest entry, in characters.
const LIMIT: usize = 200;

/// A single-line editor.
#[derive(Clone, Debug)]
pub struct Field {
    pub label: &'static str,
    area: TextArea<'static>,
    /// Said when the last input was refused.
    pub refused: Option<&'static str>,
}

impl Field {
    #[must_use]
    pub fn new(label: &'static str, text: &str) -> Field {
        let mut area = TextArea::new(vec![text::clean(text).into_owned()]);
        area.move_cursor(CursorMove::End);
        Field { label, area, refused: None }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        self.area.lines().first().map_or("", |line| line.trim())
    }

    /// The text as it stands, and the cursor's place in it in characters.
    #[must_use]
    pub fn shown(&self) -> (&str, usize) {
        let line = self.area.lines().first().map_or("", String::as_str);
        (line, self.area.cursor().1)
    }

    /// The text in pieces for drawing, with the cursor in it where the field is `active`: of a text that is longer
    /// than `room` columns the beginning is left out, so that nobody types what can not be seen.
    pub(super) fn pieces(&self, active: bool, room: usize) -> [Piece; 3] {
        let (line, cursor) = self.shown();
        let mut before: String = line.chars().take(cursor).collect();
        if active && text::width(&before) >= room {
            while !before.is_empty() && text::width(&before) + 2 > room {
                before.remove(0);
            }
            before.insert(0, '…');
        }
        let text = line;
        let under: String = text.chars().skip(cursor).take(1).collect();
        let after: String = text.chars().skip(cursor + 1).collect();
        let under = match (active, under.is_empty()) {
            (true, true) => (Role::Selected, " ".to_owned()),
            (true, false) => (Role::Selected, under),
            (false, _) => (Role::Text, under),
        };
        [(Role::Text, before), under, (Role::Text, after)]
    }

    pub fn key(&mut self, key: Key) {
        self.refused = None;
        match key.code {
            KeyCode::Char(c) if !key.ctrl && !key.alt => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Char('u') if key.ctrl => {
                self.area.delete_line_by_head();
            }
            KeyCode::Char('w') if key.ctrl => {
                self.area.delete_word();
            }
            KeyCode::Backspace => {
                self.area.delete_char();
            }
            KeyCode::Delete => {
                self.area.delete_next_char();
            }
            KeyCode::Left => self.area.move_cursor(CursorMove::Back),
            KeyCode::Right => self.area.move_cursor(CursorMove::Forward),
            KeyCode::Home => self.area.move_cursor(CursorMove::Head),
            KeyCode::End => self.area.move_cursor(CursorMove::End),
            _ => {}
        }
    }

    /// Adds text at the cursor, unless it holds characters that could mislead.
    pub fn insert(&mut self, added: &str) {
        let length = self.area.lines().first().map_or(0, |line| line.chars().count());
        if added.chars().any(text::is_hostile) {
            self.refused = Some("control or hidden characters are not accepted");
        } else if length + added.chars().count() > LIMIT {
            self.refused = Some("at most 200 characters");
        } else {
            self.area.insert_str(added);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_its_room() {
        let field = Field::new("reason", "0123456789");
        let check = |active, room, want: &str| {
            let shown: String = field.pieces(active, room).into_iter().map(|(_, piece)| piece).collect();
            assert_eq!(shown, want);
        };
        check(true, 11, "0123456789 ");
        check(true, 10, "…23456789 ");
        check(true, 4, "…89 ");
        check(true, 0, "… ");
        check(false, 4, "0123456789");
    }

    #[test]
    fn hostile_text_is_refused_and_long_text_too() {
        let mut field = Field::new("reason", "INC-7");
        field.insert("\u{202e}x");
        assert!(field.refused.is_some());
        field.insert(&"x".repeat(300));
        assert!(field.refused.is_some());
        field.key(Key::char('8'));
        assert_eq!((field.text(), field.refused), ("INC-78", None));
        field.insert("a\nb");
        assert_eq!(field.text(), "INC-78");
    }
}
