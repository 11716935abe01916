//! Fixed time buckets as blocks: one line, or several lines high. A bucket always takes the same whole number of
//! columns, so a picture changes only when a bucket closes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::theme::RAMP_STEPS;
use crate::ui::{Glyph, Role, Theme};

/// The span of values that a picture covers, bottom to top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    pub low: f64,
    pub high: f64,
}

/// The part of the values' magnitude that a picture covers at least.
const LEAST_PART: f64 = 0.01;

impl Span {
    /// The span of what was measured. It begins at zero where that costs little of the picture's height; otherwise at
    /// the least value, because a disk that fills from 80 to 90 % would be a flat line.
    #[must_use]
    pub fn of(buckets: &[Option<f64>]) -> Option<Span> {
        Span::over(buckets.iter().copied())
    }

    /// As [`Span::of`], of several series together.
    #[must_use]
    pub fn over(buckets: impl Iterator<Item = Option<f64>>) -> Option<Span> {
        let measured = buckets.flatten().filter(|value| value.is_finite());
        let (low, high) = measured.fold(None, |span: Option<(f64, f64)>, value| {
            let (low, high) = span.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        })?;
        let low = if low >= 0.0 && low <= high / 2.0 { 0.0 } else { low };
        Some(Span { low, high }.not_exaggerated())
    }

    /// At least a hundredth of the values' magnitude, around them: what wavers by less does not fall from full to
    /// nothing. What never changes stays flat.
    fn not_exaggerated(self) -> Span {
        let least = LEAST_PART * self.low.abs().max(self.high.abs());
        if self.is_flat() || self.high - self.low >= least {
            return self;
        }
        let middle = f64::midpoint(self.low, self.high);
        Span { low: middle - least / 2.0, high: middle + least / 2.0 }
    }

    /// Whether nothing ever changed.
    #[must_use]
    pub fn is_flat(self) -> bool {
        self.high <= self.low
    }

    /// How high a value stands, from 0 to 1.
    #[must_use]
    pub fn part(self, value: f64) -> f64 {
        let height = self.high - self.low;
        if height > 0.0 { ((value - self.low) / height).clamp(0.0, 1.0) } else { 0.0 }
    }

    /// How many of `steps` steps a value fills; at least one, so that it differs from a gap.
    fn filled(self, value: f64, steps: usize) -> usize {
        ((self.part(value) * steps as f64).round() as usize).max(1).min(steps)
    }
}

/// The newest buckets that fit `columns`, and how many columns each takes.
#[must_use]
pub fn fitting(buckets: &[Option<f64>], columns: usize) -> (&[Option<f64>], usize) {
    let newest = &buckets[buckets.len().saturating_sub(columns)..];
    (newest, if newest.is_empty() { 1 } else { (columns / newest.len()).max(1) })
}

/// Draws the newest buckets at the right of `area`, over its whole height. A bucket without a measurement is a dot.
pub fn spark(buf: &mut Buffer, theme: &Theme, area: Rect, buckets: &[Option<f64>], role: Role) {
    let area = area.intersection(buf.area);
    let (newest, wide) = fitting(buckets, usize::from(area.width));
    let Some(span) = Span::of(newest) else {
        return gaps(buf, theme, area, newest.len() * wide);
    };
    columns(buf, theme, area, newest, wide, span, role);
}

/// As [`spark`], with a given span.
pub fn columns(
    buf: &mut Buffer,
    theme: &Theme,
    area: Rect,
    buckets: &[Option<f64>],
    wide: usize,
    span: Span,
    role: Role,
) {
    let mut x = area.right().saturating_sub(u16::try_from(buckets.len() * wide).unwrap_or(u16::MAX)).max(area.x);
    for bucket in buckets {
        for _ in 0..wide {
            if x < area.right() {
                column(buf, theme, Rect { x, width: 1, ..area }, bucket.map(|value| (value, span)), role);
            }
            x = x.saturating_add(1);
        }
    }
}

fn column(buf: &mut Buffer, theme: &Theme, area: Rect, value: Option<(f64, Span)>, role: Role) {
    let Some((value, span)) = value.filter(|(value, _)| value.is_finite()) else {
        return gaps(buf, theme, area, 1);
    };
    // What never changes is a line and not a wall; zero is the lowest block, as in any other picture.
    if span.is_flat() && value != 0.0 {
        if let Some(cell) = buf.cell_mut((area.x, area.bottom().saturating_sub(1))).filter(|_| area.height > 0) {
            cell.set_symbol(theme.glyph(Glyph::Rule)).set_style(theme.style(role));
        }
        return;
    }
    let mut left = span.filled(value, usize::from(area.height) * RAMP_STEPS);
    for y in (area.top()..area.bottom()).rev() {
        if left == 0 {
            return;
        }
        let step = left.min(RAMP_STEPS);
        if let Some(cell) = buf.cell_mut((area.x, y)) {
            cell.set_symbol(&theme.ramp()[step - 1]).set_style(theme.style(role));
        }
        left -= step;
    }
}

/// Dots on the lowest line, at the right.
fn gaps(buf: &mut Buffer, theme: &Theme, area: Rect, columns: usize) {
    let columns = u16::try_from(columns).unwrap_or(u16::MAX).min(area.width);
    for x in area.right() - columns..area.right() {
        if let Some(cell) = buf.cell_mut((x, area.bottom().saturating_sub(1))).filter(|_| area.height > 0) {
            cell.set_symbol(theme.glyph(Glyph::Gap)).set_style(theme.style(Role::Border));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::testing::text_of;

    fn drawn(width: u16, height: u16, buckets: &[Option<f64>]) -> String {
        let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
        let area = buf.area;
        spark(&mut buf, &Theme::standard(), area, buckets, Role::Chart);
        text_of(&buf)
    }

    #[test]
    fn buckets_become_blocks_and_gaps_stay_visible() {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        let check =
            |width, height, buckets: &[Option<f64>], want: &str| assert_eq!(drawn(width, height, buckets), want);
        check(8, 1, &some(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]), "▁▂▃▄▅▆▇█");
        check(4, 1, &[Some(8.0), None, Some(f64::NAN), Some(0.0)], "█··▁");
        check(2, 1, &some(&[1.0, 2.0, 8.0, 4.0]), "█▄");
        check(6, 1, &some(&[8.0, 4.0]), "███▄▄▄");
        check(5, 1, &some(&[8.0, 4.0]), " ██▄▄");
        check(2, 2, &some(&[16.0, 4.0]), "█\n█▄");
        check(3, 1, &some(&[7.0, 7.0, 7.0]), "───");
        check(3, 2, &some(&[7.0, 7.0, 7.0]), "\n───");
        check(3, 1, &some(&[0.0, 0.0, 0.0]), "▁▁▁");
        check(3, 1, &some(&[1_000_000.0, 1_010_000.0, 1_020_000.0]), "▁▄█");
        check(3, 1, &some(&[1_000_000.0, 1_000_001.0, 1_000_002.0]), "▄▄▄");
        check(3, 1, &some(&[-1_000_000.0, -1_000_001.0, -1_000_002.0]), "▄▄▄");
        check(3, 1, &[None, None], " ··");
        check(3, 1, &[], "");
        check(0, 0, &some(&[1.0]), "");
    }
}
