//! Help: the action table with the keys of the live keymap, narrowed by what is typed.
//!
//! First what the page is good for, then every action by what it is about.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Answer, Field, Line, frame, line, place, wrapped, write_lines};
use crate::base::{Key, KeyCode, text};
use crate::ui::action::{ACTIONS, ActionRow, Danger, Group};
use crate::ui::{Action, Keymap, Role, Theme};

const WIDTH: u16 = 96;
/// Columns of the keys before the sentence; more keys than that push their sentence to the right.
const KEY_COLUMNS: usize = 15;
/// The line that is typed into, and the one that says what the keys do here.
const FIXED_ROWS: u16 = 2;

/// The list of keys, scrolled to `offset`.
#[derive(Clone, Debug)]
pub struct Help {
    page: &'static str,
    first: Vec<ActionRow>,
    /// What stands above the page and may be cut there.
    standing: Vec<String>,
    /// Rules that hold for what the page shows.
    rules: Vec<String>,
    /// Whether the console looks at a demo.
    demo: bool,
    search: Field,
    offset: usize,
}

impl Help {
    /// Help on the page of this name, whose own actions stand first, below the sentences that stand above the page.
    #[must_use]
    pub fn new(page: &'static str, first: Vec<ActionRow>, standing: Vec<String>) -> Help {
        Help { page, first, standing, rules: Vec::new(), demo: false, search: Field::new("find", ""), offset: 0 }
    }

    /// With these rules below the keys.
    #[must_use]
    pub fn ruled(self, rules: Vec<String>) -> Help {
        Help { rules, ..self }
    }

    /// With the keys of the demo, where the console looks at one.
    #[must_use]
    pub fn in_demo(self, demo: bool) -> Help {
        Help { demo, ..self }
    }

    pub(super) fn key(&mut self, key: Key, keymap: &Keymap, area: Rect) -> Answer {
        let screen = usize::from(area.height.saturating_sub(FIXED_ROWS + 2)).max(1);
        let wanted = self.wanted();
        let last = self.lines(keymap, inside_columns(area), &wanted).len().saturating_sub(screen);
        let to = match key.code {
            KeyCode::Up => self.offset.saturating_sub(1),
            KeyCode::Down => self.offset + 1,
            KeyCode::PageUp => self.offset.saturating_sub(screen),
            KeyCode::PageDown => self.offset + screen,
            KeyCode::Enter | KeyCode::Esc => return Answer::No,
            // The key that opened it closes it, as long as it is not part of what is looked for.
            _ if self.search.text().is_empty() && keymap.action(key) == Some(Action::Help) => return Answer::No,
            _ => {
                self.search.key(key);
                0
            }
        };
        self.offset = to.min(last);
        Answer::Open
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.search.insert(pasted);
        self.offset = 0;
    }

    pub(super) fn render(&self, theme: &Theme, keymap: &Keymap, area: Rect, buffer: &mut Buffer) {
        let columns = inside_columns(area);
        let lines = self.lines(keymap, columns, &self.wanted());
        // As high as all of it, so that it stands still while it is narrowed.
        let all = self.lines(keymap, columns, &[]).len();
        let height = u16::try_from(all).unwrap_or(u16::MAX).saturating_add(FIXED_ROWS + 2);
        let inside = frame(theme, Role::Accent, "keys", place(area, WIDTH, height), buffer);
        let rows = inside.height.saturating_sub(FIXED_ROWS);
        let slice = |from: u16, height: u16| Rect { y: inside.y + from.min(inside.height), height, ..inside };
        let mut search = vec![(Role::Dim, "find ".to_owned())];
        search.extend(self.search.pieces(true, columns.saturating_sub("find ".len())));
        write_lines(theme, &[search], 0, slice(0, inside.height.min(1)), buffer);
        write_lines(theme, &lines, self.offset, slice(1, rows), buffer);
        let below = lines.len().saturating_sub(self.offset + usize::from(rows));
        let more = if below > 0 { format!("{below} more lines   ") } else { String::new() };
        let hint = line(Role::Dim, format!("{more}type to find   up, down, page up, page down: scroll   esc: close"));
        write_lines(theme, &[hint], 0, slice(1 + rows, inside.height.saturating_sub(1 + rows).min(1)), buffer);
    }

    /// The words that were typed.
    fn wanted(&self) -> Vec<String> {
        self.search.text().to_lowercase().split_whitespace().map(str::to_owned).collect()
    }

    /// What is found: every wanted word is in the key, the name, the sentence, the group or the danger of an action.
    fn lines(&self, keymap: &Keymap, columns: usize, wanted: &[String]) -> Vec<Line> {
        let mut lines = Vec::new();
        if wanted.is_empty() && !self.standing.is_empty() {
            lines.push(line(Role::Title, "said above the page"));
            let said = self.standing.iter().flat_map(|words| wrapped(&text::clean(words), columns.saturating_sub(2)));
            lines.extend(said.map(|words| line(Role::Warning, format!("  {}", words.trim_end()))));
        }
        section(&mut lines, &format!("on this page: {}", self.page), self.first.iter(), wanted, (keymap, columns));
        for group in Group::ALL {
            let rows = ACTIONS
                .iter()
                .filter(|row| row.exists(self.demo))
                .filter(|row| row.group == *group && self.first.iter().all(|here| here.action != row.action));
            section(&mut lines, group.word(), rows, wanted, (keymap, columns));
        }
        let found = |rule: &&String| {
            let rule = rule.to_lowercase();
            wanted.iter().all(|word| rule.contains(word.as_str()))
        };
        let rules: Vec<&String> = self.rules.iter().filter(found).collect();
        if !rules.is_empty() {
            lines.push(line(Role::Title, "rules of the system"));
            let said = rules.iter().flat_map(|words| wrapped(&text::clean(words), columns.saturating_sub(2)));
            lines.extend(said.map(|words| line(Role::Text, format!("  {}", words.trim_end()))));
        }
        if lines.is_empty() {
            lines.push(line(Role::Unknown, "no action is found by these words"));
        }
        lines
    }
}

/// Columns inside the box.
fn inside_columns(area: Rect) -> usize {
    usize::from(WIDTH.min(area.width).saturating_sub(4))
}

/// A heading and its actions, if any of them is wanted.
fn section<'a>(
    lines: &mut Vec<Line>,
    title: &str,
    rows: impl Iterator<Item = &'a ActionRow>,
    wanted: &[String],
    (keymap, columns): (&Keymap, usize),
) {
    let before = lines.len();
    for row in rows {
        let keys = keymap.keys(row.action).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let said = format!("{keys} {} {} {} {}", row.name, row.sentence, row.group.word(), row.danger.note());
        let said = said.to_lowercase();
        if !wanted.iter().all(|word| said.contains(word)) {
            continue;
        }
        let role = match row.danger {
            Danger::None | Danger::Decides => Role::Text,
            Danger::Acts => Role::Warning,
        };
        let note = if row.danger == Danger::None { String::new() } else { format!(" ({})", row.danger.note()) };
        let keys = format!("  {keys:<KEY_COLUMNS$} ");
        let hang = text::width(&keys);
        for (at, part) in wrapped(&format!("{}{note}", row.sentence), columns.saturating_sub(hang)).iter().enumerate() {
            let lead = if at == 0 { keys.clone() } else { " ".repeat(hang) };
            lines.push(vec![(Role::Accent, lead), (role, part.trim_end().to_owned())]);
        }
    }
    if lines.len() > before {
        lines.insert(before, line(Role::Title, title));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::overlay::Overlay;
    use crate::ui::widget::testing::text_of;

    fn typed(text: &str) -> Help {
        let first = vec![*Action::Open.row(), *Action::Filter.row()];
        let mut help = Help::new("alerts", first, Vec::new()).in_demo(true);
        let area = Rect { x: 0, y: 0, width: 80, height: 24 };
        for c in text.chars() {
            assert_eq!(help.key(Key::char(c), &Keymap::standard(), area), Answer::Open);
        }
        help
    }

    fn said(help: &Help) -> Vec<String> {
        let lines = help.lines(&Keymap::standard(), 120, &help.wanted());
        lines.iter().map(|line| line.iter().map(|(_, piece)| piece.as_str()).collect()).collect()
    }

    #[test]
    fn the_page_comes_first_and_every_action_once() {
        let lines = said(&typed(""));
        assert_eq!(lines[0], "on this page: alerts");
        assert!(lines[1].contains("open what is selected") && lines[2].contains("show only the lines"), "{lines:?}");
        for row in ACTIONS {
            let times = lines.iter().filter(|line| line.contains(row.sentence)).count();
            assert_eq!(times, 1, "{}", row.name);
        }
    }

    /// A banner that is cut above the page can be read here whole, until something is looked for.
    #[test]
    fn what_stands_above_the_page_is_said_whole() {
        let banner = format!("found {}", "volchain on 127.0.0.1:3001 and ".repeat(9));
        let mut help = Help::new("alerts", Vec::new(), vec![banner.clone()]);
        let lines = help.lines(&Keymap::standard(), 60, &[]);
        let said: String = lines.iter().skip(1).take(6).flatten().map(|(_, piece)| piece.as_str()).collect();
        assert_eq!(
            said.split_whitespace().collect::<Vec<_>>()[..30],
            banner.split_whitespace().collect::<Vec<_>>()[..30]
        );
        help.paste("zzz");
        assert_eq!(help.lines(&Keymap::standard(), 60, &help.wanted()).len(), 1);
    }

    #[test]
    fn typing_narrows_and_danger_is_said() {
        let check = |text: &str, want: &[&str]| assert_eq!(said(&typed(text)), want, "{text:?}");
        let commit = "  X               open the confirmation of this step (acts, after its confirmation)";
        check("Acts", &["runbooks and acting", commit]);
        check("confirm step", &["runbooks and acting", commit]);
        check("zzz", &["no action is found by these words"]);
    }

    #[test]
    fn its_key_closes_it_unless_something_is_typed() {
        let area = Rect { x: 0, y: 0, width: 80, height: 24 };
        let question = Key::char('?');
        assert_eq!(typed("").key(question, &Keymap::standard(), area), Answer::No);
        assert_eq!(typed("x").key(question, &Keymap::standard(), area), Answer::Open);
    }

    #[test]
    fn no_size_brings_it_down() {
        let overlay = Overlay::Help(Box::new(typed("o")));
        for (width, height) in [(0, 0), (1, 1), (4, 3), (20, 5), (80, 24), (200, 60)] {
            let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
            let area = buf.area;
            overlay.render(&Theme::standard(), &Keymap::standard(), crate::base::At::default(), area, &mut buf);
            assert!(height < 24 || text_of(&buf).contains("find o"));
        }
    }
}
