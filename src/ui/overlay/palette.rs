//! The palette: everything that can be done or gone to, found by typing parts of its name.
//!
//! Must never: do anything. It says which entry was chosen; what follows is what the entry's key would have done, with
//! the same confirmation.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Answer, Field, frame, place};
use crate::base::{Key, KeyCode, text};
use crate::ui::action::Danger;
use crate::ui::layout::above;
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Viewport, rows};
use crate::ui::{Action, Glyph, Role, Theme};

const WIDTH: u16 = 90;
const MOST_ROWS: u16 = 24;

/// One thing to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub text: String,
    /// Found by this too, though it is not shown.
    pub name: String,
    /// The keys that do the same.
    pub keys: String,
    pub danger: Danger,
}

/// The entries, what was typed, and the selected one of those that match.
#[derive(Clone, Debug)]
pub struct Palette {
    entries: Vec<Entry>,
    search: Field,
    /// Places in `entries`, best match first.
    found: Vec<usize>,
    view: Viewport,
}

impl Palette {
    #[must_use]
    pub fn new(entries: Vec<Entry>) -> Palette {
        let found = (0..entries.len()).collect();
        Palette { entries, search: Field::new("find", ""), found, view: Viewport::default() }
    }

    /// The place of the selected entry in what the palette was made of.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        self.found.get(self.view.cursor).copied()
    }

    pub(super) fn key(&mut self, key: Key, area: Rect) -> Answer {
        let moves = match key.code {
            KeyCode::Enter => return if self.chosen().is_some() { Answer::Yes } else { Answer::Open },
            KeyCode::Esc => return Answer::No,
            KeyCode::Up => Some(Action::Up),
            KeyCode::Down => Some(Action::Down),
            KeyCode::PageUp => Some(Action::PageUp),
            KeyCode::PageDown => Some(Action::PageDown),
            // As in a shell's history, and the way to the next one while the hand is on ctrl-p.
            KeyCode::Char('p') if key.ctrl => Some(Action::Up),
            KeyCode::Char('n') if key.ctrl => Some(Action::Down),
            _ => None,
        };
        match moves {
            Some(action) => {
                let (_, list) = parts(area);
                self.view.on(action, self.found.len(), usize::from(list.height));
            }
            None => {
                self.search.key(key);
                self.find();
            }
        }
        Answer::Open
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.search.insert(pasted);
        self.find();
    }

    fn find(&mut self) {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(self.search.text(), CaseMatching::Smart, Normalization::Smart);
        let mut chars = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let told = format!("{} {}", entry.text, entry.name);
            if let Some(score) = pattern.score(Utf32Str::new(&told, &mut chars), &mut matcher) {
                scored.push((score, at));
            }
        }
        // The sort is stable: equals stay in the order in which they were given.
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        self.found = scored.into_iter().map(|(_, at)| at).collect();
        self.view = Viewport::default();
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let (outer, list) = parts(area);
        let title = format!("find: {} of {}", self.found.len(), self.entries.len());
        let inside = frame(theme, Role::Accent, &title, outer, buffer);
        let mut pen = Pen::new(buffer, theme, inside, 0);
        pen.right(Role::Dim, "enter: do it   esc: close");
        pen.right_gap(2).put(Role::Accent, "> ");
        let room = pen.room();
        for (role, piece) in self.search.pieces(true, room) {
            pen.put(role, &piece);
        }
        if self.found.is_empty() {
            Pen::new(buffer, theme, list, 0).put(Role::Unknown, "nothing is found by this");
        }
        let window = self.view.window(self.found.len(), usize::from(list.height));
        for (row, at) in window.clone().enumerate() {
            let Some(entry) = self.found.get(at).and_then(|place| self.entries.get(*place)) else { continue };
            let selected = at == self.view.cursor;
            let mut pen = Pen::new(buffer, theme, list, row);
            pen.right_gap(4);
            // The danger keeps its place: the text may be cut, the danger may not.
            if entry.danger != Danger::None && pen.right(Role::Warning, entry.danger.note()) {
                pen.right_gap(2);
            }
            if text::width(&entry.keys) + 24 < pen.room() && pen.right(Role::Accent, &entry.keys) {
                pen.right_gap(2);
            }
            if selected {
                pen.glyph(Role::Accent, Glyph::Cursor);
            }
            let role = if entry.danger == Danger::Acts { Role::Warning } else { Role::Text };
            pen.tab(2).put(role, &entry.text);
            if selected {
                select(buffer, theme, list, row);
            }
        }
        rows::more(buffer, theme, list, window.start, self.found.len() - window.end);
    }
}

/// The box, and the list in it below the line that is typed into. It does not change its size as entries are found.
fn parts(area: Rect) -> (Rect, Rect) {
    let outer = place(area, WIDTH, MOST_ROWS.min(area.height.saturating_sub(2).max(3)));
    let inside = Rect {
        x: outer.x + 2.min(outer.width),
        y: outer.y + 1.min(outer.height),
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    };
    (outer, above(inside, 1).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn palette() -> Palette {
        let entry = |text: &str, name: &str, danger| Entry {
            text: text.to_owned(),
            name: name.to_owned(),
            keys: String::new(),
            danger,
        };
        Palette::new(vec![
            entry("show the alerts", "page_alerts", Danger::None),
            entry("arm the console for the selected target", "arm", Danger::Decides),
            entry("select the target main-a", "", Danger::None),
            entry("open the confirmation of the step's sequence", "commit", Danger::Acts),
        ])
    }

    const AREA: Rect = Rect { x: 0, y: 0, width: 80, height: 24 };

    #[test]
    fn typing_finds_the_best_match_by_text_or_name() {
        let check = |typed: &str, want: Option<usize>| {
            let mut palette = palette();
            typed.chars().for_each(|c| assert_eq!(palette.key(Key::char(c), AREA), Answer::Open));
            assert_eq!(palette.chosen(), want, "{typed:?}");
        };
        check("", Some(0));
        check("main", Some(2));
        check("commit", Some(3));
        check("alrt", Some(0));
        check("zzzz", None);
    }

    #[test]
    fn nothing_is_chosen_where_nothing_is_found_and_keys_move_the_choice() {
        let mut palette = palette();
        let down = Key { code: KeyCode::Char('n'), ctrl: true, alt: false };
        assert_eq!(palette.key(down, AREA), Answer::Open);
        assert_eq!(palette.chosen(), Some(1));
        palette.key(Key::plain(KeyCode::Up), AREA);
        assert_eq!(palette.key(Key::plain(KeyCode::Enter), AREA), Answer::Yes);
        assert_eq!(palette.chosen(), Some(0));
        palette.paste("zzzz");
        assert_eq!(palette.key(Key::plain(KeyCode::Enter), AREA), Answer::Open);
        assert_eq!(palette.key(Key::plain(KeyCode::Esc), AREA), Answer::No);
    }

    #[test]
    fn no_size_brings_it_down() {
        for width in 0..90 {
            for height in 0..30 {
                let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
                let area = buf.area;
                palette().render(&Theme::standard(), area, &mut buf);
            }
        }
    }
}
