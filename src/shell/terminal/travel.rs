//! Moving the cursor by the fewest bytes.
//!
//! Line feeds and backspaces are used as they are in raw mode: a line feed moves down and nothing else. Nothing here
//! depends on where a terminal says the cursor is after the last column was written.

/// What is known of the cursor. In the last column a terminal holds the cursor back until the next character; which
/// column it then reports differs, so the column counts as unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) row: usize,
    pub(super) column: Option<usize>,
}

/// A way to a column, from one that may not be known. False: not from there.
type Across = fn(Option<usize>, usize, &mut Vec<u8>) -> bool;

/// A way down by so many rows, to that row.
type Down = fn(usize, usize, &mut Vec<u8>);

/// The shortest way of the cursor to a cell, into an empty `out`.
pub(super) fn step(from: Option<Cursor>, row: usize, column: usize, out: &mut Vec<u8>) {
    match (row, column) {
        (0, 0) => csi(out, &[], b'H'),
        (row, 0) => csi(out, &[row + 1], b'H'),
        (row, column) => csi(out, &[row + 1, column + 1], b'H'),
    }
    let Some(from) = from.filter(|from| from.row <= row) else {
        return;
    };
    let absolute = out.len();
    let mut best = absolute;
    let mut way = Vec::with_capacity(absolute);
    // On the same row there is nothing to choose for the way down.
    let ways: &[Down] = if from.row == row { &[by_lines] } else { &[by_lines, by_down, by_row] };
    for down in ways {
        for across in [by_return as Across, by_column, by_right, by_left] {
            way.clear();
            // Across first: a carriage return also ends the state in which the column is not known.
            if !across(from.column, column, &mut way) {
                continue;
            }
            down(row - from.row, row, &mut way);
            if way.len() < best {
                best = way.len();
                out.truncate(0);
                out.extend_from_slice(&way);
            }
        }
    }
}

fn by_lines(down: usize, _row: usize, way: &mut Vec<u8>) {
    way.extend(std::iter::repeat_n(b'\n', down));
}

fn by_down(down: usize, _row: usize, way: &mut Vec<u8>) {
    if down > 0 {
        counted(way, down, b'B');
    }
}

fn by_row(down: usize, row: usize, way: &mut Vec<u8>) {
    if down > 0 {
        csi(way, &[row + 1], b'd');
    }
}

fn by_return(_from: Option<usize>, column: usize, way: &mut Vec<u8>) -> bool {
    way.push(b'\r');
    if column > 0 {
        counted(way, column, b'C');
    }
    true
}

fn by_column(_from: Option<usize>, column: usize, way: &mut Vec<u8>) -> bool {
    csi(way, &[column + 1], b'G');
    true
}

fn by_right(from: Option<usize>, column: usize, way: &mut Vec<u8>) -> bool {
    match from {
        Some(from) if from < column => counted(way, column - from, b'C'),
        Some(from) if from == column => {}
        Some(_) | None => return false,
    }
    true
}

fn by_left(from: Option<usize>, column: usize, way: &mut Vec<u8>) -> bool {
    match from {
        Some(from) if from > column && from - column <= 3 => way.extend(std::iter::repeat_n(0x08, from - column)),
        Some(from) if from > column => counted(way, from - column, b'D'),
        Some(_) | None => return false,
    }
    true
}

/// A control sequence whose count may be left out when it is one.
fn counted(out: &mut Vec<u8>, count: usize, last: u8) {
    if count == 1 { csi(out, &[], last) } else { csi(out, &[count], last) }
}

pub(super) fn csi(out: &mut Vec<u8>, numbers: &[usize], last: u8) {
    out.extend_from_slice(b"\x1b[");
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            out.push(b';');
        }
        decimal(out, *number);
    }
    out.push(last);
}

pub(super) fn decimal(out: &mut Vec<u8>, number: usize) {
    if number >= 10 {
        decimal(out, number / 10);
    }
    // A digit is below 10, so that it fits.
    out.push(b'0' + (number % 10) as u8);
}
