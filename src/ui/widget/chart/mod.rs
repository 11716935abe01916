//! Up to eight series over fixed time buckets, with scale, wall-clock axis, thresholds, a cursor, and the figures in
//! words. One series is a filled picture; several are lines, each with a letter, so that none is told by colour alone.

mod figures;
mod lines;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::spark::{self, Span};
use super::{Pen, frame};
use crate::base::{Unit, Wall, text};
use crate::ui::layout::{above, beside};
use crate::ui::{Glyph, Role, Theme};

/// What a chart shows.
#[derive(Clone, Copy, Debug)]
pub struct Chart<'a> {
    pub title: &'a str,
    /// Said at the right of the title; of a chart that is not present, why.
    pub note: &'a str,
    pub unit: Unit,
    /// All of the same length, oldest bucket first.
    pub lines: &'a [ChartLine<'a>],
    /// Series of the answer that have no line.
    pub left_out: usize,
    pub bucket_seconds: u32,
    /// The end of the newest bucket.
    pub end: Wall,
    /// Values from which on something is wrong, and how wrong.
    pub limits: &'a [(Role, f64)],
    /// The bucket that is read, counted back from the newest.
    pub cursor: Option<usize>,
    /// Whether the newest bucket may be taken for the present; without it the chart is drawn as the past.
    pub present: bool,
    /// What is said where there is nothing to draw.
    pub empty: &'a str,
}

/// One series of a chart.
#[derive(Clone, Copy, Debug)]
pub struct ChartLine<'a> {
    pub name: &'a str,
    /// `None` where nothing was measured.
    pub values: &'a [Option<f64>],
}

/// Rows below which a picture says nothing.
const LEAST_PLOT_ROWS: u16 = 3;
/// Columns of the scale at most: a value's and the bar behind it.
const SCALE_COLUMNS: u16 = 11;

/// How many buckets a chart on `area` is sure to show.
#[must_use]
pub fn room(area: Rect) -> usize {
    usize::from(frame::inner(area).width.saturating_sub(SCALE_COLUMNS + 1))
}

/// The role of the line with this number.
fn role(at: usize) -> Role {
    [Role::Chart, Role::Accent, Role::Text, Role::Dim][at % 4]
}

/// The letter of the line with this number.
fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at % 26).unwrap_or(0))
}

/// Draws the chart in a frame: figures, the picture between scale and time line, and a legend where there are several
/// lines. The newest bucket is at the right edge; as many buckets are shown as there are columns.
pub fn chart(buf: &mut Buffer, theme: &Theme, area: Rect, chart: Chart) {
    let role = if chart.present { Role::Dim } else { Role::Unknown };
    let inside = frame::frame(buf, theme, area, chart.title, (role, chart.note));
    let values = || chart.lines.iter().flat_map(|line| line.values.iter().copied());
    let Some(whole) = Span::over(values()) else {
        for (row, line) in super::wrap::wrap(chart.empty, usize::from(inside.width)).iter().enumerate() {
            Pen::new(buf, theme, inside, row).put(Role::Unknown, line);
        }
        return;
    };
    let gutter = scale_columns(chart.unit, whole).min(inside.width / 3);
    let several = chart.lines.len() > 1;
    // Several lines end in their letters, one column further right.
    let letters = u16::from(several);
    let columns = usize::from(inside.width.saturating_sub(gutter + 1 + letters));
    let longest = chart.lines.iter().max_by_key(|line| line.values.len()).map_or(&[][..], |line| line.values);
    let (newest, wide) = spark::fitting(longest, columns);
    let shown = Shown { buckets: newest.len(), wide };
    // The scale is that of what is visible, not of what has left the picture.
    let visible = chart.lines.iter().flat_map(|line| shown.of(line.values).iter().copied());
    let span = with_limits(Span::over(visible).unwrap_or(whole), chart.limits);
    figures::figures(buf, theme, inside, &chart, shown);
    let (_, rest) = above(inside, 1);
    let legend = figures::legend_rows(&chart, rest.height);
    let (picture, legend_area) = above(rest, rest.height - legend);
    let (plot, below) = above(picture, picture.height.saturating_sub(1));
    let (scale, drawing) = beside(plot, gutter + 1);
    let (drawing, ends) = beside(drawing, drawing.width.saturating_sub(letters));
    draw_scale(buf, theme, scale, chart.unit, span);
    draw_limits(buf, theme, drawing, chart.limits, span);
    if several {
        lines::draw(buf, theme, drawing, &chart, shown, span);
        lines::letters(buf, theme, ends, &chart, span);
    } else {
        let role = if chart.present { Role::Chart } else { Role::Border };
        // What never changes is a line in the middle: at the bottom it would look like nothing.
        let drawing = if span.is_flat() && span.high != 0.0 { middle(drawing) } else { drawing };
        spark::columns(buf, theme, drawing, newest, wide, span, role);
    }
    draw_cursor(buf, theme, drawing, &chart, shown);
    let (_, line) = beside(below, gutter + 1);
    time_line(buf, theme, Rect { width: line.width.saturating_sub(letters), ..line }, &chart, shown);
    figures::legend(buf, theme, legend_area, &chart, shown);
}

/// The upper half of a picture, whose lowest line is the middle.
fn middle(area: Rect) -> Rect {
    Rect { height: area.height.div_ceil(2), ..area }
}

/// How many of the newest buckets are visible, and how many columns each takes.
#[derive(Clone, Copy, Debug)]
struct Shown {
    buckets: usize,
    wide: usize,
}

impl Shown {
    fn of<'v>(&self, values: &'v [Option<f64>]) -> &'v [Option<f64>] {
        &values[values.len().saturating_sub(self.buckets)..]
    }

    fn columns(self) -> u16 {
        u16::try_from(self.buckets * self.wide).unwrap_or(u16::MAX)
    }
}

/// The span with every limit that is near enough not to press the picture flat.
fn with_limits(span: Span, limits: &[(Role, f64)]) -> Span {
    let near = |limit: &f64| *limit > span.high && *limit <= span.high * 1.5 && span.high > 0.0;
    let high = limits.iter().map(|(_, limit)| *limit).filter(near).fold(span.high, f64::max);
    Span { high, ..span }
}

/// The line of a picture of this height on which a value lies; nothing where it is outside.
fn row_of(value: f64, span: Span, height: u16) -> Option<u16> {
    if height == 0 || value.is_nan() || value < span.low || value > span.high {
        return None;
    }
    let part = if span.high > span.low { (value - span.low) / (span.high - span.low) } else { 0.0 };
    let from_bottom = (part * f64::from(height)).ceil().max(1.0) as u16;
    Some(height - from_bottom.min(height))
}

fn scale_columns(unit: Unit, span: Span) -> u16 {
    let wide = labels(unit, span).iter().map(|label| text::width(label)).max().unwrap_or(0);
    u16::try_from(wide).unwrap_or(u16::MAX)
}

/// What the scale says at its bottom, its middle and its top.
fn labels(unit: Unit, span: Span) -> [String; 3] {
    unit.write_apart([span.low, f64::midpoint(span.low, span.high), span.high])
}

fn draw_scale(buf: &mut Buffer, theme: &Theme, area: Rect, unit: Unit, span: Span) {
    let last = usize::from(area.height.saturating_sub(1));
    let flat = span.is_flat() && span.high != 0.0;
    let [low, midst, high] = labels(unit, span);
    for row in 0..usize::from(area.height) {
        let label = match row {
            row if flat => (row + 1 == usize::from(middle(area).height)).then_some(&high),
            0 => Some(&high),
            row if row == last => Some(&low),
            row if last >= 4 && row == last.div_ceil(2) => Some(&midst),
            _between_labels => None,
        };
        let mut pen = Pen::new(buf, theme, area, row);
        pen.right(Role::Border, theme.glyph(Glyph::Bar));
        if let Some(label) = label.filter(|_| flat || span.high > span.low || row == last) {
            pen.field_right(Role::Dim, label, area.width.saturating_sub(1));
        }
    }
}

/// A line across the picture at each threshold that lies within it.
fn draw_limits(buf: &mut Buffer, theme: &Theme, area: Rect, limits: &[(Role, f64)], span: Span) {
    for (role, limit) in limits {
        if let Some(row) = row_of(*limit, span, area.height) {
            Pen::new(buf, theme, area, usize::from(row)).fill(*role, Glyph::Rule);
        }
    }
}

/// Lays the style of what is selected under the bucket that is read.
fn draw_cursor(buf: &mut Buffer, theme: &Theme, area: Rect, chart: &Chart, shown: Shown) {
    let Some(back) = chart.cursor.filter(|back| *back < shown.buckets) else { return };
    let right = u16::try_from(back * shown.wide).unwrap_or(u16::MAX);
    let wide = u16::try_from(shown.wide).unwrap_or(1);
    let Some(x) = area.right().checked_sub(right.saturating_add(wide)).filter(|x| *x >= area.x) else { return };
    let bg = theme.style(Role::Selected);
    let mut style = ratatui::style::Style::new().add_modifier(bg.add_modifier);
    style.bg = bg.bg;
    buf.set_style(Rect { x, width: wide, ..area }.intersection(buf.area), style);
}

/// The times of the first and the last visible bucket, and of one between them where there is room.
fn time_line(buf: &mut Buffer, theme: &Theme, area: Rect, chart: &Chart, shown: Shown) {
    let lead = area.width.saturating_sub(shown.columns());
    let length = i64::from(chart.bucket_seconds) * 1000;
    let clock = |back: usize| {
        let clock = Wall(chart.end.0 - back as i64 * length).clock();
        if chart.bucket_seconds >= 60 { clock.get(..5).unwrap_or_default().to_owned() } else { clock }
    };
    let mut pen = Pen::new(buf, theme, area, 0);
    pen.right(Role::Dim, &clock(0));
    if shown.columns() > 20 {
        pen.gap(lead).put(Role::Dim, &clock(shown.buckets));
    }
    if shown.columns() > 50 {
        let middle = shown.buckets / 2;
        let words = clock(middle);
        let at = area.width.saturating_sub(u16::try_from(middle * shown.wide + words.len() / 2).unwrap_or(u16::MAX));
        pen.tab(at).put(Role::Dim, &words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widget::testing::text_of;

    fn drawn(theme: &Theme, width: u16, height: u16, lines: &[ChartLine], cursor: Option<usize>) -> String {
        let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
        let area = buf.area;
        let shown = Chart {
            title: "mempool",
            note: "a column is 5s",
            unit: Unit::Count,
            lines,
            left_out: 2,
            bucket_seconds: 5,
            end: Wall(1_795_230_245_000),
            limits: &[(Role::Critical, 100.0), (Role::Warning, 1e9)],
            cursor,
            present: true,
            empty: "nothing measured yet",
        };
        chart(&mut buf, theme, area, shown);
        text_of(&buf)
    }

    #[test]
    fn a_chart_has_a_scale_a_range_and_visible_gaps() {
        let values: Vec<Option<f64>> = (0..30).map(|n| (n % 10 != 7).then(|| f64::from(n * 3))).collect();
        let one = [ChartLine { name: "x", values: &values }];
        let theme = Theme::standard();
        insta::assert_snapshot!("chart", drawn(&theme, 46, 9, &one, Some(2)));
        assert!(drawn(&theme, 40, 9, &[], None).contains("nothing measured yet"));
        for width in 0..30 {
            for height in 0..14 {
                drawn(&theme, width, height, &one, Some(3));
                drawn(&theme, width, height, &[one[0], one[0], one[0]], Some(99));
            }
        }
    }

    /// A disk that loses a few megabytes does not fall from full to empty, and its scale says how little it is.
    #[test]
    fn a_scale_that_changes_little_is_not_exaggerated() {
        let values: Vec<Option<f64>> = (0..30).map(|n| Some(26_199_000_000.0 - f64::from(n) * 100_000.0)).collect();
        let (theme, area) = (Theme::standard(), Rect { x: 0, y: 0, width: 46, height: 9 });
        let mut buf = Buffer::empty(area);
        let shown = Chart {
            title: "free",
            note: "",
            unit: Unit::Bytes,
            lines: &[ChartLine { name: "x", values: &values }],
            left_out: 0,
            bucket_seconds: 5,
            end: Wall(1_795_230_245_000),
            limits: &[],
            cursor: None,
            present: true,
            empty: "",
        };
        chart(&mut buf, &theme, area, shown);
        let text = text_of(&buf);
        assert!(text.contains("24.5GiB▕") || text.contains("24.5GiB│"), "{text}");
        assert!(text.contains("24.4GiB│") && text.contains("24.3GiB│"), "{text}");
        let tops: Vec<u16> =
            (0..area.width).filter_map(|x| (0..area.height).find(|y| buf[(x, *y)].symbol() == "█")).collect();
        assert!(tops.len() > 20 && tops.iter().all(|top| *top == tops[0]), "{tops:?}\n{text}");
    }

    #[test]
    fn several_lines_have_letters_and_a_legend() {
        let values = |step: f64| (0..30).map(|n| (n != 12).then(|| f64::from(n) * step)).collect::<Vec<_>>();
        let (steep, flat) = (values(3.0), values(0.5));
        let lines = [ChartLine { name: "node-1", values: &steep }, ChartLine { name: "node-2", values: &flat }];
        insta::assert_snapshot!("chart_lines", drawn(&Theme::standard(), 46, 12, &lines, None));
        let ascii = drawn(&Theme::standard().with_ascii(true), 46, 12, &lines, Some(4));
        assert!(ascii.is_ascii(), "{ascii}");
        insta::assert_snapshot!("chart_lines_ascii", ascii);
    }

    #[test]
    fn a_value_lies_on_one_line_of_the_picture() {
        let span = Span { low: 0.0, high: 100.0 };
        let check = |value, want| assert_eq!(row_of(value, span, 4), want, "{value}");
        check(0.0, Some(3));
        check(25.0, Some(3));
        check(26.0, Some(2));
        check(100.0, Some(0));
        check(101.0, None);
        check(f64::NAN, None);
    }
}
