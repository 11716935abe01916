//! One series over fixed time buckets, with its scale, its range and its figures in words.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::spark::{self, Span};
use super::{Pen, frame};
use crate::base::time::spoken;
use crate::base::{Unit, text};
use crate::ui::layout::{above, beside};
use crate::ui::{Glyph, Role, Theme};

/// What a chart shows.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    pub title: &'a str,
    pub unit: Unit,
    /// Oldest first; `None` where nothing was measured.
    pub buckets: &'a [Option<f64>],
    pub bucket_seconds: u32,
    /// Whether the newest bucket may be taken for the present; without it the chart is drawn as the past.
    pub present: bool,
}

/// Draws the chart in a frame: figures at the top, blocks between a scale and a time line. The newest bucket is at the
/// right edge; as many buckets are shown as there are columns.
pub fn chart(buf: &mut Buffer, theme: &Theme, area: Rect, chart: Chart) {
    let seconds = Duration::from_secs(u64::from(chart.bucket_seconds));
    let note = match chart.present {
        true => (Role::Dim, format!("a column is {}", spoken(seconds))),
        false => (Role::Unknown, "stale".to_owned()),
    };
    let inside = frame::frame(buf, theme, area, chart.title, (note.0, &note.1));
    let Some(whole) = Span::of(chart.buckets) else {
        Pen::new(buf, theme, inside, 0).put(Role::Unknown, "nothing measured yet");
        return;
    };
    let gutter = scale_columns(chart.unit, whole).min(inside.width / 3);
    let (newest, wide) = spark::fitting(chart.buckets, usize::from(inside.width.saturating_sub(gutter + 1)));
    // The scale is that of what is visible, not of what has left the picture.
    let span = Span::of(newest).unwrap_or(whole);
    figures(buf, theme, inside, &chart, newest);
    let (_, rest) = above(inside, 1);
    let (plot, below) = above(rest, rest.height.saturating_sub(1));
    let (scale, picture) = beside(plot, gutter + 1);
    let role = if chart.present { Role::Chart } else { Role::Border };
    spark::columns(buf, theme, picture, newest, wide, span, role);
    draw_scale(buf, theme, scale, chart.unit, span);
    let covered = seconds * u32::try_from(newest.len()).unwrap_or(u32::MAX);
    let (_, line) = beside(below, gutter + 1);
    time_line(buf, theme, line, newest.len() * wide, covered);
}

fn scale_columns(unit: Unit, span: Span) -> u16 {
    let wide = |value| text::width(&unit.write(value));
    let middle = f64::midpoint(span.low, span.high);
    u16::try_from(wide(span.low).max(wide(span.high)).max(wide(middle))).unwrap_or(u16::MAX)
}

fn figures(buf: &mut Buffer, theme: &Theme, area: Rect, chart: &Chart, buckets: &[Option<f64>]) {
    let unit = chart.unit;
    let role = if chart.present { Role::Text } else { Role::Dim };
    let measured = || buckets.iter().flatten().copied().filter(|value| value.is_finite());
    let missing = buckets.len() - measured().count();
    let last = buckets.last().copied().flatten().filter(|value| value.is_finite());
    let figure = |value: Option<f64>| value.map_or(theme.glyph(Glyph::Absent).to_owned(), |value| unit.write(value));
    let mut pen = Pen::new(buf, theme, area, 0);
    let (low, high) = (measured().reduce(f64::min), measured().reduce(f64::max));
    for (word, value) in [("last", last), ("min", low), ("max", high)] {
        pen.put(Role::Dim, word).gap(1).put(role, &figure(value)).gap(2);
    }
    if missing > 0 {
        pen.glyph(Role::Border, Glyph::Gap).gap(1).put(Role::Dim, &format!("{missing} missing"));
    }
}

fn draw_scale(buf: &mut Buffer, theme: &Theme, area: Rect, unit: Unit, span: Span) {
    let last = usize::from(area.height.saturating_sub(1));
    for row in 0..=last {
        let value = match row {
            0 => Some(span.high),
            row if row == last => Some(span.low),
            row if last >= 4 && row * 2 == last => Some(f64::midpoint(span.low, span.high)),
            _between_labels => None,
        };
        let mut pen = Pen::new(buf, theme, area, row);
        pen.right(Role::Border, theme.glyph(Glyph::Bar));
        if let Some(value) = value.filter(|_| span.high > span.low || row == last) {
            pen.field_right(Role::Dim, &unit.write(value), area.width.saturating_sub(1));
        }
    }
}

fn time_line(buf: &mut Buffer, theme: &Theme, area: Rect, columns: usize, covered: Duration) {
    let lead = usize::from(area.width).saturating_sub(columns);
    let mut pen = Pen::new(buf, theme, area, 0);
    pen.right(Role::Dim, "now");
    pen.gap(u16::try_from(lead).unwrap_or(u16::MAX));
    let back = format!("{} ago", spoken(covered));
    if pen.room() > text::width(&back) {
        pen.put(Role::Dim, &back);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::testing::text_of;

    #[test]
    fn a_chart_has_a_scale_a_range_and_visible_gaps() {
        let buckets: Vec<Option<f64>> = (0..30).map(|n| (n % 10 != 7).then(|| f64::from(n * 3))).collect();
        let draw = |width, height, buckets: &[Option<f64>]| {
            let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
            let area = buf.area;
            let shown = Chart { title: "mempool", unit: Unit::Count, buckets, bucket_seconds: 5, present: true };
            chart(&mut buf, &Theme::standard(), area, shown);
            text_of(&buf)
        };
        insta::assert_snapshot!("chart", draw(40, 9, &buckets));
        assert!(draw(40, 9, &[]).contains("nothing measured yet"));
        for width in 0..30 {
            for height in 0..8 {
                draw(width, height, &buckets);
            }
        }
    }
}
