//! From two pictures to the fewest bytes that turn the one into the other on a terminal.
//!
//! An operator reads this screen over a connection that may be bad, and shares it; so bytes are worth more than the
//! microseconds it takes to choose them. What is chosen, cell by cell, by counting:
//!
//! - to move there, by the cheapest of a dozen ways, or to write again what stands in between;
//! - to change only those attributes that differ, or to reset and set what is left;
//! - to leave the foreground alone for blanks, and to erase the blank end of a row instead of writing it.
//!
//! Terminals disagree about the width of some characters. After such a one nothing is assumed about where the cursor
//! is, so that a disagreement stays where it is and does not shift the rest of the row.
//!
//! Must never: let a control character of a cell through; assume where the cursor is at the beginning of a frame,
//! because somebody else may have written to the terminal.

use ratatui::buffer::{Cell, CellWidth};
use ratatui::style::{Color, Modifier};

use super::style::{self, Look, SEEN_ON_BLANK};
use super::travel::{Cursor, csi, step};
use crate::base::text::is_hostile;

/// Gaps longer than this are never cheaper to write again than to step over.
const GAP_LIMIT_COLUMNS: usize = 12;

/// Rows that cost more than this are also tried on an empty row.
const ANEW_FROM_BYTES: usize = 24;

/// Clears the screen in the default style.
const CLEAR: &[u8] = b"\x1b[m\x1b[2J";

/// One column of a row as the terminal shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Column<'a> {
    /// Empty for the second column of a wide character.
    symbol: &'a str,
    look: Look,
    /// Columns that the symbol takes; 0 for the second column of a wide character.
    width: u8,
    /// Blank, and nothing of its look but the background is seen.
    blank: bool,
    /// Terminals may disagree about the width.
    unsure: bool,
}

/// A column of an empty row.
const EMPTY: Column<'static> = Column {
    symbol: " ",
    look: Look { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() },
    width: 1,
    blank: true,
    unsure: false,
};

impl Column<'_> {
    fn is_empty_space(&self) -> bool {
        self.blank && self.look.bg == Color::Reset
    }
}

/// Remembers from frame to frame in which style the terminal writes.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    pen: Look,
    cursor: Option<Cursor>,
    /// Room that is used again: the way to a cell, what stands in between, and a change of style.
    scratch: [Vec<u8>; 3],
}

impl Encoder {
    /// Empties the screen, whatever was on it and whatever style was in use.
    pub fn clear(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(CLEAR);
        self.pen = Look::default();
        self.cursor = None;
    }

    /// Somebody else may have moved the cursor since the last frame.
    pub fn begin(&mut self) {
        self.cursor = None;
    }

    /// Writes what turns one row from `before` into `after`, in the shorter of two ways: what differs, or the whole
    /// row anew on an empty one. Nothing if they look the same.
    pub fn row(&mut self, row: usize, before: &[Cell], after: &[Cell], out: &mut Vec<u8>) {
        if before == after {
            return;
        }
        let (mut was, mut is) = (Vec::with_capacity(before.len()), Vec::with_capacity(after.len()));
        columns(before, &mut was);
        columns(after, &mut is);
        let (pen, cursor, begun) = (self.pen, self.cursor, out.len());
        self.difference(row, &was, &is, usize::MAX, out);
        let length = out.len() - begun;
        if length <= ANEW_FROM_BYTES {
            return;
        }
        let by_difference = (self.pen, self.cursor);
        (self.pen, self.cursor) = (pen, cursor);
        let mut anew = Vec::with_capacity(length);
        self.erase(row, &mut anew);
        was.fill(EMPTY);
        self.difference(row, &was, &is, length, &mut anew);
        if anew.len() < length {
            out.truncate(begun);
            out.extend_from_slice(&anew);
        } else {
            (self.pen, self.cursor) = by_difference;
        }
    }

    /// Empties a row.
    pub fn erase(&mut self, row: usize, out: &mut Vec<u8>) {
        if self.cursor != Some(Cursor { row, column: Some(0) }) {
            let mut moved = Vec::new();
            step(self.cursor, row, 0, &mut moved);
            out.extend_from_slice(&moved);
            self.cursor = Some(Cursor { row, column: Some(0) });
        }
        self.dress(&EMPTY, out);
        out.extend_from_slice(b"\x1b[K");
    }

    /// Writes what differs, or less where it comes to `most` bytes: then it is not wanted.
    fn difference(&mut self, row: usize, was: &[Column<'_>], is: &[Column<'_>], most: usize, out: &mut Vec<u8>) {
        let Some(last) = (0..is.len()).rev().find(|&column| was[column] != is[column]) else {
            return;
        };
        let blank_from = is.iter().rposition(|column| !column.is_empty_space()).map_or(0, |column| column + 1);
        let mut column = 0;
        let mut force = false;
        while column < is.len() && (column <= last || force) && out.len() < most {
            let cell = &is[column];
            let span = usize::from(cell.width.max(1));
            let changed = (column..column + span).any(|at| was[at] != is[at]);
            if cell.width == 0 || !(changed || force) {
                column += 1;
                continue;
            }
            self.go(row, column, is, out);
            if column >= blank_from && last >= column + 3 {
                self.dress(cell, out);
                out.extend_from_slice(b"\x1b[K");
                return;
            }
            // A terminal that takes it for wider or narrower has drawn over the next column, or not over its own.
            force = cell.unsure;
            self.put(row, column, cell, is.len(), out);
            column += span;
        }
    }

    /// Writes one cell where the cursor is.
    fn put(&mut self, row: usize, column: usize, cell: &Column<'_>, columns: usize, out: &mut Vec<u8>) {
        self.dress(cell, out);
        if cell.unsure && cell.width == 2 {
            out.extend_from_slice(b"  ");
            csi(out, &[column + 1], b'G');
        }
        out.extend_from_slice(cell.symbol.as_bytes());
        let after = column + usize::from(cell.width);
        self.cursor = match (cell.unsure, after < columns) {
            (false, true) => Some(Cursor { row, column: Some(after) }),
            (false, false) => Some(Cursor { row, column: None }),
            (true, _) => None,
        };
    }

    /// Moves to a cell that will be written next.
    fn go(&mut self, row: usize, column: usize, is: &[Column<'_>], out: &mut Vec<u8>) {
        if self.cursor == Some(Cursor { row, column: Some(column) }) {
            return;
        }
        let [mut moved, mut written, mut dressed] = std::mem::take(&mut self.scratch);
        moved.clear();
        step(self.cursor, row, column, &mut moved);
        let gap = match self.cursor {
            Some(Cursor { row: at, column: Some(from) }) if at == row && from < column => Some(&is[from..column]),
            Some(_) | None => None,
        };
        let mut pen_after_gap = None;
        if let Some(gap) = gap.filter(|gap| gap.len() <= GAP_LIMIT_COLUMNS && !gap.iter().any(|cell| cell.unsure)) {
            written.clear();
            let pen = self.pen;
            for cell in gap {
                self.dress(cell, &mut written);
                written.extend_from_slice(cell.symbol.as_bytes());
            }
            let again = written.len() + self.cost(&is[column], &mut dressed);
            let after = std::mem::replace(&mut self.pen, pen);
            if again < moved.len() + self.cost(&is[column], &mut dressed) {
                pen_after_gap = Some(after);
            }
        }
        match pen_after_gap {
            Some(pen) => {
                self.pen = pen;
                out.extend_from_slice(&written);
            }
            None => out.extend_from_slice(&moved),
        }
        self.scratch = [moved, written, dressed];
        self.cursor = Some(Cursor { row, column: Some(column) });
    }

    /// Bytes of style that this cell would need now.
    fn cost(&self, cell: &Column<'_>, dressed: &mut Vec<u8>) -> usize {
        dressed.clear();
        style::change(self.pen, cell.look, cell.blank, dressed);
        dressed.len()
    }

    /// Puts on the cell's style.
    fn dress(&mut self, cell: &Column<'_>, out: &mut Vec<u8>) {
        self.pen = style::change(self.pen, cell.look, cell.blank, out);
    }
}

/// What a row of cells is on the terminal: wide characters take two columns, and what can not be shown is replaced.
fn columns<'a>(cells: &'a [Cell], out: &mut Vec<Column<'a>>) {
    out.clear();
    while out.len() < cells.len() {
        let cell = &cells[out.len()];
        let mut symbol = cell.symbol();
        // What most cells are needs no table of widths.
        let is_plain = matches!(symbol.as_bytes(), [b' '..=b'~']);
        if !is_plain && symbol.chars().any(is_hostile) {
            symbol = "\u{fffd}";
        }
        let mut width = if is_plain { 1 } else { symbol.cell_width() };
        if width == 0 || out.len() + usize::from(width) > cells.len() {
            (symbol, width) = (" ", 1);
        }
        let look = Look { fg: cell.fg, bg: cell.bg, modifier: cell.modifier };
        let blank = symbol == " " && !look.modifier.intersects(SEEN_ON_BLANK);
        let look = if blank { Look { bg: look.bg, ..Look::default() } } else { look };
        let width = u8::try_from(width).unwrap_or(u8::MAX);
        out.push(Column { symbol, look, width, blank, unsure: is_unsure(symbol, width) });
        for _tail in 1..width {
            out.push(Column { symbol: "", look, width: 0, blank: false, unsure: false });
        }
    }
}

/// Whether terminals disagree about the width: sequences of several code points, and wide characters outside the
/// scripts whose characters have always been wide.
fn is_unsure(symbol: &str, width: u8) -> bool {
    if symbol.is_ascii() {
        return false;
    }
    let mut chars = symbol.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => {
            width > 1
                && !matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ffe6}')
        }
        (Some(_), Some(_)) | (None, _) => true,
    }
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
