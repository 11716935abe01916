//! What was decided, done and found, newest last, and everything that is recorded of the selected entry.
//!
//! Must never: shorten what is in the journal's files; this is a view of the newest entries alone, and says so.

mod detail;
pub mod sentence;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::sentence::{sentence, tone};
use super::{Accepts, Intent, Model};
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
    pub fn on(&mut self, action: Action, model: &Model, body: Rect, accepts: Accepts) -> Option<Intent> {
        let entries = shown(model, accepts);
        let mut view = self.view(&entries);
        let (list, _) = split(body);
        if view.on(action, entries.len(), usize::from(frame::inner(list).height)) {
            let number = |at: usize| entries.get(at).map_or(0, |(number, _)| *number);
            self.chosen = (view.cursor + 1 < entries.len()).then(|| number(view.cursor));
            self.top = number(view.offset);
        }
        None
    }

    fn view(&self, entries: &[Numbered]) -> Viewport {
        let last = entries.len().saturating_sub(1);
        let at = |number: u64| entries.partition_point(|(have, _)| *have < number).min(last);
        match self.chosen {
            Some(number) => Viewport { offset: at(self.top), cursor: at(number) },
            None => Viewport { offset: last, cursor: last },
        }
    }

    pub fn render(&self, model: &Model, accepts: Accepts, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let (upper, lower) = split(area);
        let entries = shown(model, accepts);
        let len = entries.len();
        let note = match (model.journal.len(), model.journal.dropped()) {
            (all, _) if len < all => format!("{len} of {all} entries"),
            (all, 0) => format!("{all} entries"),
            (all, dropped) => format!("{all} newest entries, {dropped} older in the files"),
        };
        let inside = frame::frame(buf, theme, upper, "journal", (Role::Dim, &note));
        let view = self.view(&entries);
        let window = view.window(len, usize::from(inside.height));
        for (row, at) in window.clone().enumerate() {
            line(buf, model, inside, row, entries[at].1, at == view.cursor);
        }
        rows::more(buf, theme, inside, window.start, len - window.end);
        let selected = entries.get(view.cursor).map(|(_, entry)| *entry);
        let inside = frame::frame(buf, theme, lower, "entry", (Role::Dim, &selected.map(place).unwrap_or_default()));
        match selected {
            Some(entry) => {
                let mut text = Rows::new(inside.width);
                detail::describe(&mut text, entry);
                text.draw(buf, theme, inside, &Viewport::default());
            }
            None => {
                let words = if model.journal.is_empty() {
                    "nothing has been journalled yet"
                } else {
                    "no entry passes the filter"
                };
                Pen::new(buf, theme, inside, 0).put(Role::Dim, words);
            }
        }
    }
}

/// An entry with its number since this console's first.
type Numbered<'m> = (u64, &'m Entry);

/// The entries that the filter lets through, by who did what.
fn shown<'m>(model: &'m Model, accepts: Accepts) -> Vec<Numbered<'m>> {
    let entries = (model.journal.dropped()..).zip(model.journal.iter());
    entries.filter(|(_, entry)| accepts(&format!("{} {}", name(&entry.actor), sentence(&entry.record)))).collect()
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
