//! What was decided, done and found, newest last, and everything that is recorded of the selected entry.
//!
//! Must never: shorten what is in the journal's files; this is a view of the newest entries alone, and says so.

mod detail;
pub mod sentence;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::sentence::{sentence, tone};
use super::{Intent, Look, Model};
use crate::base::text;
use crate::runbook::{Actor, Entry};
use crate::ui::layout::above;
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Rows, Viewport, frame, rows};
use crate::ui::{Action, Glyph, Role};

/// The list, and everything that is recorded of the selected entry.
pub const PARTS: &[&str] = &["journal", "entry"];
const ENTRY: usize = 1;

/// Which entry is selected, counted from the first that this console ever saw, so that it stays itself while older
/// ones fall out. Without one, the newest is, and stays so as entries come.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    pub look: Look,
    chosen: Option<u64>,
    top: u64,
}

impl Journal {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let entries = self.shown(model);
        let len = entries.len();
        let mut view = self.view(&entries);
        let selected = entries.get(view.cursor);
        if action == Action::Copy {
            return Some(match selected {
                Some((_, entry)) => Intent::Copy(text::copyable(&copied(entry)).into_owned()),
                None => Intent::Say("no entry is shown; there is nothing to copy".to_owned()),
            });
        }
        let [list, lower] = self.look.arranged(body, split(body));
        let inside = frame::inner(lower);
        let lines = selected.map_or(0, |(_, entry)| describe(entry, inside.width).len());
        if !self.look.pages(ENTRY, action, lines, usize::from(inside.height))
            && view.on(action, len, usize::from(frame::inner(list).height))
        {
            let number = |at: usize| entries.get(at).map(|(number, _)| *number);
            self.chosen = number(view.cursor).filter(|_| view.cursor + 1 < len);
            self.top = number(view.offset).unwrap_or(0);
        }
        None
    }

    /// The entries that the filter leaves, each with its number, oldest first.
    fn shown<'a>(&self, model: &'a Model) -> Vec<(u64, &'a Entry)> {
        let filter = &self.look.filter;
        let numbered = (model.journal.dropped()..).zip(model.journal.iter());
        numbered.filter(|(_, entry)| !filter.is_set() || filter.accepts(&said(entry))).collect()
    }

    fn view(&self, entries: &[(u64, &Entry)]) -> Viewport {
        let last = entries.len().saturating_sub(1);
        // An entry that the filter hides or that fell out gives its place to the next one.
        let at = |number: u64| entries.partition_point(|(have, _)| *have < number).min(last);
        match self.chosen {
            Some(number) => Viewport { offset: at(self.top), cursor: at(number) },
            None => Viewport { offset: last, cursor: last },
        }
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let [upper, lower] = self.look.arranged(area, split(area));
        let entries = self.shown(model);
        let (len, all) = (entries.len(), model.journal.len());
        let note = match model.journal.dropped() {
            0 => text::count(all, "entry"),
            dropped => format!("{all} newest entries, {dropped} older in the files"),
        };
        let title = self.look.filter.title("journal", len, all);
        let inside = frame::frame(buf, theme, upper, &title, (Role::Dim, &note));
        let view = self.view(&entries);
        let window = view.window(len, usize::from(inside.height));
        for (row, at) in window.clone().enumerate() {
            line(buf, model, inside, row, entries[at].1, at == view.cursor);
        }
        rows::more(buf, theme, inside, window.start, len - window.end);
        let selected = entries.get(view.cursor).map(|(_, entry)| *entry);
        let inside = frame::frame(buf, theme, lower, "entry", (Role::Dim, &selected.map(place).unwrap_or_default()));
        match selected {
            Some(entry) => describe(entry, inside.width).draw(buf, theme, inside, &self.look.text(ENTRY)),
            None => {
                let words = if all == 0 { "nothing has been journalled yet" } else { "no entry matches the filter" };
                Pen::new(buf, theme, inside, 0).put(Role::Dim, words);
            }
        }
    }
}

fn describe(entry: &Entry, columns: u16) -> Rows {
    let mut text = Rows::new(columns);
    detail::describe(&mut text, entry);
    text
}

/// What the line of an entry says: what a filter looks at.
fn said(entry: &Entry) -> String {
    format!("{} {} {}", entry.at.wall.clock(), name(&entry.actor), sentence(&entry.record))
}

/// An entry as a line for a report. Never the record as it is stored: one that opens a run holds the whole document,
/// with commands in it that the console has a reason not to run.
fn copied(entry: &Entry) -> String {
    format!("{} {} {}", entry.at.wall, name(&entry.actor), sentence(&entry.record))
}

fn place(entry: &Entry) -> String {
    format!("number {} · {}", entry.seq, entry.hash.short())
}

/// Three fifths for the list, the rest for the selected entry.
fn split(area: Rect) -> [Rect; 2] {
    above(area, (area.height * 3 / 5).max(area.height.saturating_sub(16))).into()
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
