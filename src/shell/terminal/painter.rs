//! Pictures in, bytes out: the double buffer between drawing and the terminal.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Rect, Size};

use super::encode::Encoder;

/// Frames larger than this are bracketed as one, where the terminal can do that. Smaller ones arrive whole anyway.
const SYNCHRONIZED_FROM_BYTES: usize = 1024;

const SYNCHRONIZED: (&[u8], &[u8]) = (b"\x1b[?2026h", b"\x1b[?2026l");

/// What became of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Painted {
    pub bytes: usize,
    /// The screen shows all of it, once the bytes are there.
    pub whole: bool,
}

/// Pictures in, bytes out. Knows the last picture, touches nothing.
#[derive(Debug)]
pub struct Painter {
    encoder: Encoder,
    shown: Buffer,
    next: Buffer,
    /// The screen may hold anything: begin with an empty one.
    stale: bool,
    synchronized: bool,
}

impl Painter {
    #[must_use]
    pub fn new(size: Size) -> Painter {
        let area = Rect::new(0, 0, size.width, size.height);
        Painter {
            encoder: Encoder::default(),
            shown: Buffer::empty(area),
            next: Buffer::empty(area),
            stale: true,
            synchronized: false,
        }
    }

    #[must_use]
    pub fn area(&self) -> Rect {
        self.shown.area
    }

    /// Appends the bytes that bring the picture which `render` draws onto the screen, row by row until there are
    /// `budget_bytes` of them; whether that is all of it. A row is never written in part, and one that has to wait
    /// while it shows something else is emptied: what stands on the screen is as it was meant, or not there yet.
    pub fn paint(&mut self, render: impl FnOnce(&mut Buffer, Rect), budget_bytes: usize, out: &mut Vec<u8>) -> Painted {
        let area = self.shown.area;
        self.next.reset();
        render(&mut self.next, area);
        debug_assert_eq!(self.next.area, area, "a picture keeps the size of the screen");
        let begun = out.len();
        if std::mem::take(&mut self.stale) {
            self.encoder.clear(out);
            self.shown.reset();
        }
        self.encoder.begin();
        let mut whole = true;
        let width = usize::from(area.width);
        for row in rows(usize::from(area.height)) {
            let cells = row * width..(row + 1) * width;
            let (before, after) = (&mut self.shown.content[cells.clone()], &self.next.content[cells]);
            if before == after {
                continue;
            }
            if out.len() - begun < budget_bytes {
                self.encoder.row(row, before, after, out);
                before.clone_from_slice(after);
                continue;
            }
            whole = false;
            if is_something_else(before, after) {
                self.encoder.erase(row, out);
                before.iter_mut().for_each(Cell::reset);
            }
        }
        let bytes = out.len() - begun;
        if self.synchronized && bytes > SYNCHRONIZED_FROM_BYTES {
            out.splice(begun..begun, SYNCHRONIZED.0.iter().copied());
            out.extend_from_slice(SYNCHRONIZED.1);
        }
        Painted { bytes: out.len() - begun, whole }
    }

    /// The next picture is drawn whole, on an empty screen of this size.
    pub fn restart(&mut self, size: Size) {
        let area = Rect::new(0, 0, size.width, size.height);
        self.shown.resize(area);
        self.next.resize(area);
        self.stale = true;
    }

    /// Large frames are bracketed as one from now on. Only for a terminal that said it can.
    pub fn set_synchronized(&mut self, on: bool) {
        self.synchronized = on;
    }
}

/// The order in which rows are written: who and where first, then what was said last, then the page from its top.
fn rows(height: usize) -> impl Iterator<Item = usize> {
    let head = height.min(2);
    (0..head).chain((head..height).rev().take(1)).chain(head..height.saturating_sub(1).max(head))
}

/// Whether a row shows so little of what it should that it would be read wrongly: more than half of its signs.
fn is_something_else(before: &[Cell], after: &[Cell]) -> bool {
    let signs = before.iter().zip(after).filter(|(before, _)| before.symbol() != " ");
    let (all, other) = signs.fold((0, 0), |(all, other), (before, after)| {
        (all + 1, other + usize::from(before.symbol() != after.symbol()))
    });
    2 * other > all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture that shares no cell with an empty one.
    fn full(buffer: &mut Buffer, _area: Rect) {
        for cell in &mut buffer.content {
            cell.set_symbol("x");
        }
    }

    #[test]
    fn large_frames_are_bracketed_where_the_terminal_can() {
        let mut painter = Painter::new(Size::new(80, 24));
        painter.set_synchronized(true);
        let mut out = Vec::new();
        painter.paint(full, usize::MAX, &mut out);
        assert!(out.starts_with(SYNCHRONIZED.0) && out.ends_with(SYNCHRONIZED.1));
        out.clear();
        painter.paint(full, usize::MAX, &mut out);
        assert!(out.is_empty());
        let changed = |buffer: &mut Buffer, area| {
            full(buffer, area);
            buffer[(0, 0)].set_symbol("y");
        };
        painter.paint(changed, usize::MAX, &mut out);
        assert_eq!(out, b"\x1b[Hy");
    }

    #[test]
    fn a_new_start_forgets_what_was_shown() {
        let mut painter = Painter::new(Size::new(80, 24));
        let (mut first, mut again) = (Vec::new(), Vec::new());
        painter.paint(full, usize::MAX, &mut first);
        painter.restart(Size::new(80, 24));
        painter.paint(full, usize::MAX, &mut again);
        assert_eq!(first, again);
        assert!(first.starts_with(b"\x1b[m\x1b[2J"));
        painter.restart(Size::new(2, 1));
        again.clear();
        painter.paint(full, usize::MAX, &mut again);
        assert_eq!(again, b"\x1b[m\x1b[2J\x1b[Hxx");
    }

    fn lines(words: &'static str) -> impl FnOnce(&mut Buffer, Rect) {
        move |buffer, area| {
            for row in 0..area.height {
                buffer.set_string(0, row, format!("{words} {row}"), ratatui::style::Style::new());
            }
        }
    }

    /// What a terminal shows after these bytes.
    fn shown(terminal: &mut vt100::Parser, bytes: &[u8]) -> Vec<String> {
        terminal.process(bytes);
        terminal.screen().rows(0, 80).map(|row| row.trim_end().to_owned()).collect()
    }

    #[test]
    fn a_picture_beyond_the_budget_comes_in_whole_rows() {
        let mut painter = Painter::new(Size::new(80, 24));
        let mut terminal = crate::shell::terminal::ptys::terminal(24, 80);
        let mut out = Vec::new();
        painter.paint(lines("height"), usize::MAX, &mut out);
        shown(&mut terminal, &out);
        let mut parts = 0;
        loop {
            out.clear();
            let painted = painter.paint(lines("sealed"), 60, &mut out);
            parts += 1;
            assert_eq!(painted.bytes, out.len());
            let rows = shown(&mut terminal, &out);
            for (row, text) in rows.iter().enumerate() {
                // What is not there yet is not what was there before, under a header that no longer speaks of it.
                assert!(text.is_empty() || *text == format!("sealed {row}"), "{text:?}");
            }
            assert!(!rows[0].is_empty() && !rows[1].is_empty() && !rows[23].is_empty(), "{rows:?}");
            assert_eq!(painted.whole, rows.iter().all(|row| !row.is_empty()));
            if painted.whole {
                break;
            }
        }
        assert!(parts > 2, "{parts}");
        out.clear();
        assert_eq!(painter.paint(lines("sealed"), 60, &mut out), Painted { bytes: 0, whole: true });
    }

    #[test]
    fn a_number_that_waits_stays_what_it_was() {
        let mut painter = Painter::new(Size::new(80, 24));
        let mut out = Vec::new();
        painter.paint(lines("pending transactions 12"), usize::MAX, &mut out);
        let mut terminal = crate::shell::terminal::ptys::terminal(24, 80);
        shown(&mut terminal, &out);
        out.clear();
        assert!(!painter.paint(lines("pending transactions 13"), 1, &mut out).whole);
        let rows = shown(&mut terminal, &out);
        assert_eq!((rows[0].as_str(), rows[9].as_str()), ("pending transactions 13 0", "pending transactions 12 9"));
    }

    #[test]
    fn every_row_has_its_turn_once() {
        for height in 0..6 {
            let mut found: Vec<usize> = rows(height).collect();
            found.sort_unstable();
            assert_eq!(found, (0..height).collect::<Vec<_>>());
        }
    }
}
