//! What was decided, done and found, newest last, and everything that is recorded of the selected entry.
//!
//! Must never: shorten what is in the journal's files; this is a view of the newest entries alone, and says so.

mod detail;
pub mod sentence;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::sentence::{sentence, tone};
use super::{Intent, Model};
use crate::runbook::{Actor, Entry};
use crate::ui::layout::above;
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Rows, Viewport, frame, rows};
use crate::ui::{Action, Glyph, Role};

/// Which entry is selected, counted from the first that this console ever saw, so that it stays itself while older
/// ones fall out. Without one, the newest is, and stays so as entries come.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    chosen: Option<u64>,
    top: u64,
}

impl Journal {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let len = model.journal.len();
        let mut view = self.view(model);
        let (list, _) = split(body);
        if view.on(action, len, usize::from(frame::inner(list).height)) {
            let number = |at: usize| model.journal.dropped() + at as u64;
            self.chosen = (view.cursor + 1 < len).then_some(number(view.cursor));
            self.top = number(view.offset);
        }
        None
    }

    fn view(&self, model: &Model) -> Viewport {
        let last = model.journal.len().saturating_sub(1);
        let at =
            |number: u64| usize::try_from(number.saturating_sub(model.journal.dropped())).unwrap_or(last).min(last);
        match self.chosen {
            Some(number) => Viewport { offset: at(self.top), cursor: at(number) },
            None => Viewport { offset: last, cursor: last },
        }
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let (upper, lower) = split(area);
        let len = model.journal.len();
        let note = match model.journal.dropped() {
            0 => format!("{len} entries"),
            dropped => format!("{len} newest entries, {dropped} older in the files"),
        };
        let inside = frame::frame(buf, theme, upper, "journal", (Role::Dim, &note));
        let view = self.view(model);
        let window = view.window(len, usize::from(inside.height));
        let visible = model.journal.iter().skip(window.start).take(window.len());
        for (row, (at, entry)) in (window.start..).zip(visible).enumerate() {
            line(buf, model, inside, row, entry, at == view.cursor);
        }
        rows::more(buf, theme, inside, window.start, len - window.end);
        let selected = model.journal.iter().nth(view.cursor);
        let inside = frame::frame(buf, theme, lower, "entry", (Role::Dim, &selected.map(place).unwrap_or_default()));
        match selected {
            Some(entry) => {
                let mut text = Rows::new(inside.width);
                detail::describe(&mut text, entry);
                text.draw(buf, theme, inside, &Viewport::default());
            }
            None => {
                Pen::new(buf, theme, inside, 0).put(Role::Dim, "nothing has been journalled yet");
            }
        }
    }
}

fn place(entry: &Entry) -> String {
    format!("number {} · {}", entry.seq, entry.hash.short())
}

/// Three fifths for the list, the rest for the selected entry.
fn split(area: Rect) -> (Rect, Rect) {
    above(area, (area.height * 3 / 5).max(area.height.saturating_sub(16)))
}

const NAME_COLUMNS: u16 = 10;

fn line(buf: &mut Buffer, model: &Model, area: Rect, row: usize, entry: &Entry, selected: bool) {
    let time = entry.at.wall.to_string();
    // `2026-11-21T03:04:05.678Z`: the date where there is room, the time of day always; milliseconds are a detail.
    let day = time.get(..10).unwrap_or_default();
    let mut pen = Pen::new(buf, &model.theme, area, row);
    if selected {
        pen.glyph(Role::Accent, Glyph::Cursor);
    }
    pen.tab(2);
    if area.width >= 100 {
        pen.put(Role::Border, day).gap(1);
    }
    pen.put(Role::Dim, &entry.at.wall.clock()).gap(2);
    pen.field(Role::Accent, name(&entry.actor), NAME_COLUMNS).gap(1);
    pen.put(tone(&entry.record), &sentence(&entry.record));
    if selected {
        select(buf, &model.theme, area, row);
    }
}

/// Who, in a word: the runner for what it did by itself, else the name given when arming, else the user's.
#[must_use]
pub fn name(actor: &Actor) -> &str {
    if actor.process.starts_with("runner") {
        return "runner";
    }
    actor.declared.as_deref().unwrap_or(&actor.user)
}
