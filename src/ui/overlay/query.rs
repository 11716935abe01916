//! The line for an expression, at the top of the page, which says where a mistake is while it is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::field::Field;
use super::{Answer, Line, frame, line, wrapped, write_lines};
use crate::base::{Key, KeyCode};
use crate::promql::place::place;
use crate::promql::{Expr, ExprError};
use crate::ui::{Role, Theme};

/// Rows of the header, which stays visible.
const BELOW_HEADER: u16 = 2;

/// One expression being typed. An empty one is an answer too: chart again what is selected.
#[derive(Clone, Debug)]
pub struct QueryForm {
    field: Field,
    /// What is wrong with the text as it stands.
    error: Option<ExprError>,
}

impl QueryForm {
    #[must_use]
    pub fn new(text: &str) -> QueryForm {
        let mut form = QueryForm { field: Field::new("expression", text), error: None };
        form.check();
        form
    }

    #[must_use]
    pub fn text(&self) -> &str {
        self.field.text()
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        match key.code {
            KeyCode::Esc => return Answer::No,
            KeyCode::Enter => return if self.error.is_none() { Answer::Yes } else { Answer::Open },
            _ => self.field.key(key),
        }
        self.check();
        Answer::Open
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        // An expression copied from a file often ends in a line end.
        self.field.insert(pasted.trim());
        self.check();
    }

    fn check(&mut self) {
        let text = self.field.text();
        self.error = if text.is_empty() { None } else { Expr::parse(text).err() };
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let columns = usize::from(area.width.saturating_sub(4)).max(1);
        let (text, cursor) = self.field.shown();
        let chars: Vec<char> = text.chars().collect();
        // The cursor is always visible, with what stands before it.
        let skip = (cursor + 2).saturating_sub(columns);
        let part =
            |from: usize, to: usize| chars[from.min(chars.len())..to.min(chars.len())].iter().collect::<String>();
        let under = part(cursor, cursor + 1);
        let under = if under.is_empty() { " ".to_owned() } else { under };
        let mut lines: Vec<Line> = vec![vec![
            (Role::Text, part(skip, cursor)),
            (Role::Selected, under),
            (Role::Text, part(cursor + 1, skip + columns)),
        ]];
        lines.extend(self.complaint(skip, columns));
        lines.push(line(Role::Dim, "enter: chart it   ctrl-u: clear   empty: chart what is selected   esc: leave it"));
        let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
        let top = BELOW_HEADER.min(area.height);
        let place = Rect { y: area.y + top, height: height.min(area.height - top), ..area };
        let inside = frame(theme, Role::Accent, "expression (PromQL)", place, buffer);
        write_lines(theme, &lines, 0, inside, buffer);
    }

    /// A caret under the mistake, and the sentence about it.
    fn complaint(&self, skip: usize, columns: usize) -> Vec<Line> {
        if let Some(refused) = self.field.refused {
            return vec![line(Role::Warning, refused)];
        }
        let Some(error) = &self.error else { return Vec::new() };
        let (shown, _) = self.field.shown();
        // The text that was parsed begins where the blanks before it end.
        let lead = shown.chars().take_while(|c| c.is_whitespace()).count();
        let at = place(self.text(), error).map(|byte| lead + self.text()[..byte].chars().count());
        let caret = at.and_then(|at| at.checked_sub(skip)).filter(|at| *at < columns);
        let mut lines = Vec::new();
        lines.extend(caret.map(|at| line(Role::Warning, format!("{:at$}^", ""))));
        let words = match at {
            Some(at) => format!("column {}: {error}", at + 1),
            None => error.to_string(),
        };
        lines.extend(wrapped(&words, columns).into_iter().map(|words| line(Role::Warning, words)));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::testing::text_of;

    fn drawn(form: &QueryForm, width: u16) -> String {
        let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height: 8 });
        let area = buf.area;
        form.render(&Theme::standard(), area, &mut buf);
        text_of(&buf)
    }

    #[test]
    fn a_mistake_is_shown_with_its_place_and_holds_the_answer_back() {
        let mut form = QueryForm::new("sum(up)");
        assert_eq!(form.key(Key::plain(KeyCode::Enter)), Answer::Open);
        let text = drawn(&form, 60);
        assert!(text.contains("column 1: aggregation sum is not supported"), "{text}");
        form = QueryForm::new("");
        form.paste("up +\n");
        let text = drawn(&form, 60);
        assert!(text.contains("\n│     ^") && text.contains("column 5: not PromQL"), "{text}");
        for c in " up".chars() {
            assert_eq!(form.key(Key::char(c)), Answer::Open);
        }
        assert_eq!(form.key(Key::plain(KeyCode::Enter)), Answer::Yes);
        assert_eq!(form.text(), "up + up");
    }

    #[test]
    fn the_end_of_a_long_expression_stays_visible_at_any_width() {
        let form = QueryForm::new(&format!("up + {}", "up + ".repeat(20)));
        assert!(drawn(&form, 40).contains("up +"));
        (0..20).for_each(|width| drop(drawn(&form, width)));
    }
}
