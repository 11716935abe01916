//! Lines of styled prose that are built once per frame and scrolled: details, steps, evidence.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::pen::{Pen, select};
use super::wrap::wrap;
use super::{Mark, Viewport};
use crate::base::text;
use crate::ui::{Glyph, Role, Theme};

/// Lines for an area of a given width. Everything that is added is wrapped or fitted to it.
#[derive(Debug)]
pub struct Rows {
    columns: usize,
    lines: Vec<Line>,
}

#[derive(Debug, Default)]
struct Line {
    indent: usize,
    mark: Option<Mark>,
    parts: Vec<(Role, String)>,
    selected: bool,
}

impl Rows {
    #[must_use]
    pub fn new(columns: u16) -> Rows {
        Rows { columns: usize::from(columns), lines: Vec::new() }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// An empty line, unless there is one already or nothing stands before it.
    pub fn space(&mut self) -> &mut Self {
        if self.lines.last().is_some_and(|line| !line.parts.is_empty()) {
            self.lines.push(Line::default());
        }
        self
    }

    /// A word over what follows.
    pub fn heading(&mut self, words: &str) -> &mut Self {
        self.space();
        self.prose(0, Role::Accent, words)
    }

    /// Wrapped text.
    pub fn prose(&mut self, indent: usize, role: Role, prose: &str) -> &mut Self {
        for line in wrap(prose, self.columns.saturating_sub(indent)) {
            self.lines.push(Line { indent, parts: vec![(role, line)], ..Line::default() });
        }
        self
    }

    /// One line of several pieces; what does not fit is cut.
    pub fn parts(&mut self, indent: usize, parts: Vec<(Role, String)>) -> &mut Self {
        self.lines.push(Line { indent, parts, ..Line::default() });
        self
    }

    /// A label and wrapped text beside it.
    pub fn pair(&mut self, indent: usize, label: &str, role: Role, prose: &str) -> &mut Self {
        // Labels are ours and short; the column is as wide as the widest of them.
        const LABEL: usize = 12;
        let hang = indent + LABEL.max(text::width(label) + 1);
        if self.columns < hang + 8 {
            self.prose(indent, Role::Dim, label);
            return self.prose(indent + 2, role, prose);
        }
        for (at, line) in wrap(prose, self.columns - hang).into_iter().enumerate() {
            let lead = if at == 0 { label } else { "" };
            let pad = hang - indent - text::width(lead);
            let parts = vec![(Role::Dim, format!("{lead}{:pad$}", "")), (role, line)];
            self.lines.push(Line { indent, parts, ..Line::default() });
        }
        self
    }

    /// A state's sign, then wrapped text that hangs behind it, then words about it, on the last line where they fit.
    pub fn marked(&mut self, indent: usize, mark: Mark, prose: &[(Role, String)]) -> &mut Self {
        let width = self.columns.saturating_sub(indent + 2);
        let whole: usize = prose.iter().map(|(_, part)| text::width(part)).sum();
        if whole <= width {
            self.lines.push(Line { indent, mark: Some(mark), parts: prose.to_vec(), selected: false });
            return self;
        }
        let mut mark = Some(mark);
        let mut used = width;
        for (role, part) in prose {
            if used + text::width(part) <= width
                && let Some(line) = self.lines.last_mut()
            {
                line.parts.push((*role, part.clone()));
                used += text::width(part);
                continue;
            }
            for line in wrap(part, width) {
                used = text::width(&line);
                let indent = if mark.is_some() { indent } else { indent + 2 };
                self.lines.push(Line { indent, mark: mark.take(), parts: vec![(*role, line)], selected: false });
            }
        }
        self
    }

    /// The lines that are selected; empty where none is.
    #[must_use]
    pub fn selected(&self) -> std::ops::Range<usize> {
        let start = self.lines.iter().position(|line| line.selected).unwrap_or(0);
        let end = self.lines.iter().rposition(|line| line.selected).map_or(start, |last| last + 1);
        start..end
    }

    /// Lays the selection under the lines from `from` on.
    pub fn select_from(&mut self, from: usize) -> &mut Self {
        self.lines.iter_mut().skip(from).for_each(|line| line.selected = true);
        self
    }

    /// Draws from where `view` is scrolled to, and says at the right edge that there is more above or below.
    pub fn draw(&self, buf: &mut Buffer, theme: &Theme, area: Rect, view: &Viewport) {
        let window = view.scrolled(self.len(), usize::from(area.height));
        for (row, line) in self.lines[window.clone()].iter().enumerate() {
            let mut pen = Pen::new(buf, theme, area, row);
            pen.gap(u16::try_from(line.indent).unwrap_or(u16::MAX));
            if let Some(mark) = line.mark {
                pen.glyph(mark.role, mark.glyph).gap(1);
            }
            for (role, part) in &line.parts {
                pen.put(*role, part);
            }
            if line.selected {
                select(buf, theme, area, row);
            }
        }
        more(buf, theme, area, window.start, self.len() - window.end);
    }
}

/// Says how many lines lie above and below what is drawn: in the lower edge of the frame around `area`, so that no
/// value is covered. Without an edge it covers the end of the line, and says that something is cut.
pub fn more(buf: &mut Buffer, theme: &Theme, area: Rect, above: usize, below: usize) {
    let counts = [(Glyph::Above, above), (Glyph::Below, below)].into_iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> = counts.map(|(glyph, count)| format!("{}{count}", theme.glyph(glyph))).collect();
    if words.is_empty() || area.is_empty() {
        return;
    }
    foot(buf, theme, area, Role::Accent, &words.join(" "));
}

/// Says something of what is not drawn in the lower edge of the frame around `area`; without an edge, over the end of
/// its last line.
pub fn foot(buf: &mut Buffer, theme: &Theme, area: Rect, role: Role, words: &str) {
    if area.is_empty() {
        return;
    }
    let corner = buf.cell((area.right() - 1, area.bottom())).map(ratatui::buffer::Cell::symbol);
    if corner == Some(theme.glyph(Glyph::Rule)) {
        let edge = Rect { y: area.bottom(), height: 1, ..area };
        Pen::new(buf, theme, edge, 0).right(role, &format!(" {words} "));
    } else {
        Pen::new(buf, theme, area, usize::from(area.height - 1)).right(role, &format!("… {words}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::testing::text_of;

    #[test]
    fn rows_wrap_hang_and_say_that_there_is_more() {
        let mut rows = Rows::new(30);
        let mark = Mark::new(Glyph::Ok, Role::Ok, "ok");
        rows.heading("evidence");
        let said = [(Role::Text, "the height moved within the last minute".into()), (Role::Ok, " · true".into())];
        rows.marked(0, mark, &said);
        rows.pair(2, "documented", Role::Text, "systemctl restart volchain-backend");
        let mut buf = Buffer::empty(Rect { x: 0, y: 0, width: 30, height: 5 });
        let area = buf.area;
        rows.draw(&mut buf, &Theme::standard(), area, &Viewport::default());
        let want = "evidence\n● the height moved within the\n  last minute · true\n  documented  systemctl\n              restart     … ↓1";
        assert_eq!(text_of(&buf), want);
    }

    #[test]
    fn in_a_frame_no_value_is_covered() {
        let theme = Theme::standard();
        let mut buf = Buffer::empty(Rect { x: 0, y: 0, width: 20, height: 3 });
        let area = buf.area;
        let inside = super::super::frame::frame(&mut buf, &theme, area, "series", (Role::Dim, ""));
        Pen::new(&mut buf, &theme, inside, 0).put(Role::Text, "height     22695");
        more(&mut buf, &theme, inside, 3, 35);
        assert_eq!(text_of(&buf), "╭─ series ─────────╮\n│ height     22695 │\n╰───────── ↑3 ↓35 ─╯");
    }
}
