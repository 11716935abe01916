//! One measured value on one line: sign, label, value, words about its truth or level, and its last minutes.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Mark, Pen, spark};
use crate::base::time::spoken;
use crate::base::{Boot, Unit, text};
use crate::model::{Reading, Truth};
use crate::ui::layout::line;
use crate::ui::{Glyph, Role, Theme};

/// The sign and the column behind it.
const SIGN_COLUMNS: usize = 2;
/// Columns of a value: what [`Unit::write`] promises not to exceed.
const VALUE_COLUMNS: u16 = 10;
/// A sparkline of fewer columns says nothing.
const LEAST_SPARK_COLUMNS: u16 = 6;
/// `critical` or `warning`, so that sparklines of one pane begin at one column.
const WORD_COLUMNS: u16 = 8;

/// What a line shows.
#[derive(Clone, Copy, Debug)]
pub struct CellLine<'a> {
    pub label: &'a str,
    /// Columns of the label, the same for all lines of a pane.
    pub label_columns: u16,
    pub reading: &'a Reading,
    pub unit: Unit,
    /// How the value is judged. Only said of a fresh one; of any other the truth is said.
    pub mark: Mark,
    pub spark: &'a [Option<f64>],
}

/// The label's columns that suit all `labels` of a pane of this width.
#[must_use]
pub fn label_columns<'a>(labels: impl Iterator<Item = &'a str>, width: u16) -> u16 {
    let widest = labels.map(|label| text::width(&text::clean(label))).max().unwrap_or(0);
    let room = width.saturating_sub(2 + 1 + VALUE_COLUMNS + 1 + WORD_COLUMNS);
    u16::try_from(widest).unwrap_or(u16::MAX).min(room.max(6))
}

/// Draws the line `index` of `area`. Values stand below each other; a long label may reach into the free columns
/// before its value, and a value moves left where the words behind it need its place.
pub fn cell_line(buf: &mut Buffer, theme: &Theme, area: Rect, index: usize, now: Boot, cell: CellLine) {
    let fresh = cell.reading.truth.is_fresh() && cell.reading.value.is_some();
    let mark = if fresh { cell.mark } else { Mark::of_truth(&cell.reading.truth) };
    let width = usize::from(area.width);
    let value = written(theme, cell.reading, cell.unit);
    let usual = SIGN_COLUMNS + usize::from(cell.label_columns) + 1 + usize::from(VALUE_COLUMNS);
    let words =
        if fresh { mark.word.to_owned() } else { truth_words(cell.reading, now, width.saturating_sub(usual + 1)) };
    // A label that lost more than half of its columns to words would say nothing.
    let least = SIGN_COLUMNS + usize::from(cell.label_columns) / 2 + 1 + text::width(&value);
    let end = usual.min(width.saturating_sub(1 + text::width(&words))).max(least);
    let label_columns = end.saturating_sub(SIGN_COLUMNS + 1 + text::width(&value));

    let mut pen = Pen::new(buf, theme, area, index);
    pen.glyph(mark.role, mark.glyph).gap(1).field(Role::Text, cell.label, columns(label_columns)).gap(1);
    let value_role = match (fresh, mark.role) {
        (false, _) => Role::Dim,
        (true, Role::Warning | Role::Critical) => mark.role,
        (true, _) => Role::Text,
    };
    pen.put(value_role, &value).gap(1);
    if !fresh {
        pen.put(mark.role, &words);
        return;
    }
    pen.field(mark.role, mark.word, WORD_COLUMNS).gap(1);
    let room = columns(pen.room());
    if room >= LEAST_SPARK_COLUMNS {
        let area = line(area, index);
        let place = Rect { x: area.right() - room, width: room, ..area };
        spark::spark(buf, theme, place, cell.spark, Role::Chart);
    }
}

fn columns(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// The value in its unit; the sign of absence where there is none, never 0, and where it is reckoned from a part of its
/// range: such a number is wrong, and looks like any other.
#[must_use]
pub fn written(theme: &Theme, reading: &Reading, unit: Unit) -> String {
    match reading.told() {
        Some(value) => unit.write(value),
        None => theme.glyph(Glyph::Absent).to_owned(),
    }
}

/// What is to be said of a reading that is not a fresh value: all of it where it fits, else since when alone; the
/// reason of a failing source is on the page of the sources.
#[must_use]
pub fn truth_words(reading: &Reading, now: Boot, columns: usize) -> String {
    let whole = match &reading.truth {
        Truth::Fresh => "no value".to_owned(),
        truth => truth.words(now),
    };
    match &reading.truth {
        Truth::Failing { since, .. } if text::width(&whole) > columns => format!("fails {}", spoken(now.since(*since))),
        Truth::WarmingUp { .. } if text::width(&whole) > columns => "warming up".to_owned(),
        Truth::NotRead { .. } if text::width(&whole) > columns => "not read".to_owned(),
        _fits_or_is_short => whole,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ui::widget::testing::text_of;

    const OK: Mark = Mark::new(Glyph::Ok, Role::Ok, "ok");
    const CRITICAL: Mark = Mark::new(Glyph::Critical, Role::Critical, "critical");

    fn drawn(width: u16, value: Option<f64>, truth: Truth, mark: Mark) -> (String, Buffer) {
        let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height: 1 });
        let area = buf.area;
        let reading = Reading { value, truth };
        let cell = CellLine {
            label: "height",
            label_columns: 6,
            reading: &reading,
            unit: Unit::Count,
            mark,
            spark: &[Some(1.0), Some(8.0)],
        };
        cell_line(&mut buf, &Theme::standard(), area, 0, Boot(90_000), cell);
        (text_of(&buf), buf)
    }

    #[test]
    fn a_value_is_shown_with_its_truth() {
        let check = |width, value, truth: Truth, mark, want: &str| {
            assert_eq!(drawn(width, value, truth, mark).0, want);
        };
        check(40, Some(1042.0), Truth::Fresh, OK, "● height       1042 ok        ▁▁▁▁▁█████");
        check(40, Some(0.0), Truth::Fresh, CRITICAL, "■ height          0 critical  ▁▁▁▁▁█████");
        check(30, Some(1042.0), Truth::Fresh, OK, "● height       1042 ok");
        let stale = Truth::Stale { age: Duration::from_secs(45) };
        check(40, Some(1042.0), stale.clone(), OK, "≈ height       1042 stale 45s");
        check(40, None, Truth::Absent, OK, "— height          — absent");
        check(40, None, Truth::NotExposed, CRITICAL, "⊘ height          — not exposed");
        let warming = Truth::WarmingUp { have: Duration::from_secs(40), need: Duration::from_secs(300) };
        check(50, Some(2.25), warming, OK, "◌ height          — warming up (40s of 5m 00s)");
        check(40, None, Truth::NeverPolled, OK, "○ height          — not polled yet");
        check(40, None, Truth::Fresh, OK, "? height          — no value");
        let failing = Truth::Failing { reason: "refused".into(), since: Boot(30_000) };
        check(50, None, failing.clone(), OK, "✗ height          — refused, for 1m 00s");
        check(34, None, failing, CRITICAL, "✗ height          — fails 1m 00s");
        check(26, None, Truth::NotExposed, OK, "⊘ height     — not exposed");
        check(14, None, Truth::NotExposed, OK, "⊘ he… — not e…");
        // No cell of a line that is not fresh has the colour of health or of an alarm.
        let theme = Theme::standard();
        let (_, buf) = drawn(40, Some(1.0), stale, CRITICAL);
        let alarming = [Role::Ok, Role::Critical, Role::Warning].map(|role| theme.style(role).fg);
        assert!(buf.content().iter().all(|cell| !alarming.contains(&Some(cell.fg))));
    }
}
