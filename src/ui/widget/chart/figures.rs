//! The figures of a chart in words: what the cursor reads, the last value, least, mean and most of what is visible.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Chart, LEAST_PLOT_ROWS, Shown, letter, role};
use crate::base::{Unit, Wall, text};
use crate::ui::layout::above;
use crate::ui::widget::Pen;
use crate::ui::{Glyph, Role, Theme};

/// Columns of a value in the legend.
const VALUE_COLUMNS: u16 = 10;

/// One line: of the only series all figures, of several what holds for all of them.
pub(super) fn figures(buf: &mut Buffer, theme: &Theme, area: Rect, chart: &Chart, shown: Shown) {
    let mut pen = Pen::new(buf, theme, area, 0);
    let read = reading(theme, chart, shown);
    match chart.lines {
        [only] => {
            let values = shown.of(only.values);
            let role = if chart.present { Role::Text } else { Role::Dim };
            let value = at(values, chart.cursor);
            pen.put(read.role, &read.words).gap(1).put(role, &written(theme, chart, value)).gap(2);
            let summary = Summary::of(values);
            if chart.unit == Unit::YesNo {
                // Of yes and no the share says more than the mean.
                let share = summary.mean.map_or(String::new(), |share| Unit::Ratio.write(share));
                pen.put(Role::Dim, "yes").gap(1).put(role, &share).gap(2);
            } else {
                for (word, value) in [("min", summary.low), ("avg", summary.mean), ("max", summary.high)] {
                    pen.put(Role::Dim, word).gap(1).put(role, &written(theme, chart, value)).gap(2);
                }
            }
            let missing = values.iter().filter(|value| value.is_none()).count();
            if missing > 0 {
                pen.glyph(Role::Border, Glyph::Gap).gap(1).put(Role::Dim, &format!("{missing} missing")).gap(2);
            }
        }
        several => {
            pen.put(read.role, &read.words).gap(2);
            let left_out = match chart.left_out {
                0 => format!("{} series", several.len()),
                more => format!("{} of {} series", several.len(), several.len() + more),
            };
            pen.put(Role::Dim, &left_out).gap(2);
        }
    }
    for (role, limit) in chart.limits {
        let words = format!("{} {}", theme.glyph(Glyph::Rule), chart.unit.write(*limit));
        if text::width(&words) + 2 <= pen.room() {
            pen.put(*role, &words).gap(2);
        }
    }
}

struct Read {
    role: Role,
    words: String,
}

/// What the values of the figures belong to: the cursor's time, or the end.
fn reading(theme: &Theme, chart: &Chart, shown: Shown) -> Read {
    match chart.cursor.filter(|back| *back < shown.buckets) {
        Some(back) => {
            let at = Wall(chart.end.0 - back as i64 * i64::from(chart.bucket_seconds) * 1000);
            Read { role: Role::Accent, words: format!("{} {}", theme.glyph(Glyph::Cursor), at.clock()) }
        }
        None => Read { role: Role::Dim, words: "last".to_owned() },
    }
}

/// The value of the bucket that is read; without a cursor the newest.
fn at(values: &[Option<f64>], cursor: Option<usize>) -> Option<f64> {
    let back = cursor.filter(|back| *back < values.len()).unwrap_or(0);
    values.iter().rev().nth(back).copied().flatten()
}

fn written(theme: &Theme, chart: &Chart, value: Option<f64>) -> String {
    value.map_or(theme.glyph(Glyph::Absent).to_owned(), |value| chart.unit.write(value))
}

struct Summary {
    low: Option<f64>,
    mean: Option<f64>,
    high: Option<f64>,
}

impl Summary {
    fn of(values: &[Option<f64>]) -> Summary {
        let measured = || values.iter().flatten().copied().filter(|value| value.is_finite());
        let count = measured().count();
        let mean = (count > 0).then(|| measured().sum::<f64>() / count as f64);
        Summary { low: measured().reduce(f64::min), mean, high: measured().reduce(f64::max) }
    }
}

/// Rows that the legend takes, and leaves the picture what it needs.
pub(super) fn legend_rows(chart: &Chart, height: u16) -> u16 {
    if chart.lines.len() < 2 {
        return 0;
    }
    let wanted = u16::try_from(chart.lines.len()).unwrap_or(u16::MAX);
    wanted.min(height.saturating_sub(LEAST_PLOT_ROWS + 1))
}

/// A line for each series: letter, name, the value that is read, least, mean and most.
pub(super) fn legend(buf: &mut Buffer, theme: &Theme, area: Rect, chart: &Chart, shown: Shown) {
    let figures = area.width >= 80;
    let columns = if figures { VALUE_COLUMNS + 1 + 3 * (VALUE_COLUMNS + 5) } else { VALUE_COLUMNS + 1 };
    let names = area.width.saturating_sub(columns + 2);
    for (index, line) in chart.lines.iter().enumerate() {
        let (place, _) = above(area, area.height);
        let mut pen = Pen::new(buf, theme, place, index);
        let values = shown.of(line.values);
        pen.put(role(index), &letter(index).to_string()).gap(1).field(Role::Text, line.name, names);
        pen.gap(1).field_right(Role::Text, &written(theme, chart, at(values, chart.cursor)), VALUE_COLUMNS);
        if figures {
            let summary = Summary::of(values);
            for (word, value) in [("min ", summary.low), ("avg ", summary.mean), ("max ", summary.high)] {
                let words = format!("{word}{}", written(theme, chart, value));
                pen.gap(1).field_right(Role::Dim, &words, VALUE_COLUMNS + 4);
            }
        }
    }
}
