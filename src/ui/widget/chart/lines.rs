//! Several series in one picture: braille dots, four rows and two columns to a cell, or letters where only ASCII is
//! drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::spark::Span;
use super::{Chart, Shown, letter, role};
use crate::ui::{Role, Theme};

/// Rows and columns of dots in a cell.
const DOT_ROWS: usize = 4;
const DOT_COLUMNS: usize = 2;
/// The bit of each dot, by column and row, in the block of braille patterns.
const DOTS: [[u8; DOT_ROWS]; DOT_COLUMNS] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// Draws every line of the chart, the first on top of the others.
pub(super) fn draw(buf: &mut Buffer, theme: &Theme, area: Rect, chart: &Chart, shown: Shown, span: Span) {
    for (at, line) in chart.lines.iter().enumerate().rev() {
        let role = if chart.present { role(at) } else { Role::Border };
        let values = shown.of(line.values);
        if theme.ascii {
            as_letters(buf, theme, area, values, shown, span, (role, letter(at)));
        } else {
            as_dots(buf, theme, area, values, shown, span, role);
        }
    }
}

/// The letter of each line at the height of its newest value.
pub(super) fn letters(buf: &mut Buffer, theme: &Theme, area: Rect, chart: &Chart, span: Span) {
    if area.width == 0 {
        return;
    }
    for (at, line) in chart.lines.iter().enumerate().rev() {
        let newest = line.values.last().copied().flatten();
        let Some(row) = newest.and_then(|value| super::row_of(value, span, area.height)) else { continue };
        if let Some(cell) = buf.cell_mut((area.x, area.y + row)) {
            cell.set_char(letter(at)).set_style(theme.style(role(at)));
        }
    }
}

fn first_column(area: Rect, shown: Shown) -> u16 {
    area.right().saturating_sub(shown.columns()).max(area.x)
}

fn as_letters(
    buf: &mut Buffer,
    theme: &Theme,
    area: Rect,
    values: &[Option<f64>],
    shown: Shown,
    span: Span,
    (role, letter): (Role, char),
) {
    let mut x = first_column(area, shown);
    for value in values {
        let row = value.and_then(|value| super::row_of(value, span, area.height));
        for _ in 0..shown.wide {
            if let Some(row) = row.filter(|_| x < area.right())
                && let Some(cell) = buf.cell_mut((x, area.y + row))
            {
                cell.set_char(letter).set_style(theme.style(role));
            }
            x = x.saturating_add(1);
        }
    }
}

fn as_dots(buf: &mut Buffer, theme: &Theme, area: Rect, values: &[Option<f64>], shown: Shown, span: Span, role: Role) {
    let rows = usize::from(area.height) * DOT_ROWS;
    if rows == 0 {
        return;
    }
    let mut dot = |x: usize, y: usize| {
        let (column, row) = (u16::try_from(x / DOT_COLUMNS), u16::try_from(y / DOT_ROWS));
        let (Ok(column), Ok(row)) = (column, row) else { return };
        let (x_cell, y_cell) = (area.x.saturating_add(column), area.y.saturating_add(row));
        if x_cell >= area.right() || y_cell >= area.bottom() {
            return;
        }
        if let Some(cell) = buf.cell_mut((x_cell, y_cell)) {
            let had = cell.symbol().chars().next().map_or(0, u32::from).checked_sub(0x2800).filter(|had| *had < 0x100);
            let bits = had.unwrap_or(0) | u32::from(DOTS[x % DOT_COLUMNS][y % DOT_ROWS]);
            cell.set_char(char::from_u32(0x2800 + bits).unwrap_or(' ')).set_style(theme.style(role));
        }
    };
    let mut x = usize::from(first_column(area, shown) - area.x) * DOT_COLUMNS;
    let mut before: Option<usize> = None;
    for value in values {
        let height = value.filter(|value| value.is_finite()).map(|value| span.part(value));
        let y = height.map(|part| rows - 1 - (part * (rows - 1) as f64).round() as usize);
        if let (Some(from), Some(to)) = (before, y) {
            (from.min(to)..=from.max(to)).for_each(|y| dot(x, y));
        }
        for _ in 0..shown.wide * DOT_COLUMNS {
            if let Some(y) = y {
                dot(x, y);
            }
            x += 1;
        }
        before = y;
    }
}
