//! Pictures in, bytes out: the double buffer between drawing and the terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

use super::encode::Encoder;

/// Frames larger than this are bracketed as one, where the terminal can do that. Smaller ones arrive whole anyway.
const SYNCHRONIZED_FROM_BYTES: usize = 1024;

const SYNCHRONIZED: (&[u8], &[u8]) = (b"\x1b[?2026h", b"\x1b[?2026l");

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

    /// Appends the bytes that bring the picture which `render` draws onto the screen.
    pub fn paint(&mut self, render: impl FnOnce(&mut Buffer, Rect), out: &mut Vec<u8>) {
        let area = self.shown.area;
        self.next.reset();
        render(&mut self.next, area);
        debug_assert_eq!(self.next.area, area, "a picture keeps the size of the screen");
        let begun = out.len();
        if std::mem::take(&mut self.stale) {
            self.encoder.clear(out);
            self.shown.reset();
        }
        self.encoder.frame(&self.shown, &self.next, out);
        std::mem::swap(&mut self.shown, &mut self.next);
        if self.synchronized && out.len() - begun > SYNCHRONIZED_FROM_BYTES {
            out.splice(begun..begun, SYNCHRONIZED.0.iter().copied());
            out.extend_from_slice(SYNCHRONIZED.1);
        }
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
        painter.paint(full, &mut out);
        assert!(out.starts_with(SYNCHRONIZED.0) && out.ends_with(SYNCHRONIZED.1));
        out.clear();
        painter.paint(full, &mut out);
        assert!(out.is_empty());
        let changed = |buffer: &mut Buffer, area| {
            full(buffer, area);
            buffer[(0, 0)].set_symbol("y");
        };
        painter.paint(changed, &mut out);
        assert_eq!(out, b"\x1b[Hy");
    }

    #[test]
    fn a_new_start_forgets_what_was_shown() {
        let mut painter = Painter::new(Size::new(80, 24));
        let (mut first, mut again) = (Vec::new(), Vec::new());
        painter.paint(full, &mut first);
        painter.restart(Size::new(80, 24));
        painter.paint(full, &mut again);
        assert_eq!(first, again);
        assert!(first.starts_with(b"\x1b[m\x1b[2J"));
        painter.restart(Size::new(2, 1));
        again.clear();
        painter.paint(full, &mut again);
        assert_eq!(again, b"\x1b[m\x1b[2J\x1b[Hxx");
    }
}
