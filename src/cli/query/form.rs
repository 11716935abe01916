//! The forms of an answer for people: a table, and a chart.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::crossterm::terminal;
use ratatui::layout::Rect;

use crate::base::text::{clean, width};
use crate::base::{Unit, Wall};
use crate::cli::shot::text;
use crate::model::SeriesWindow;
use crate::promql::buckets::MOST_LINES;
use crate::promql::data::Answer;
use crate::promql::data::number::written;
use crate::sources::server::When;
use crate::ui::Theme;
use crate::ui::widget::chart::{Chart, ChartLine, chart as draw};

/// The size of a chart where there is no terminal; its height in one, if that is not lower.
const COLUMNS: u16 = 100;
const ROWS: u16 = 18;

/// What is said of an answer without series.
const NOTHING: &str = "no series: nothing has these labels at that time";

/// Lines with the columns under each other.
pub(super) fn table(answer: &Answer) -> String {
    let rows: Vec<[String; 3]> = match answer {
        Answer::Scalar(_, value) => return format!("{}\n", written(*value)),
        Answer::Vector(samples) => {
            let row = |(_, sample): &(Wall, crate::promql::Sample)| {
                [sample.labels.to_string(), String::new(), written(sample.value)]
            };
            samples.iter().map(row).collect()
        }
        Answer::Matrix(series) => series.iter().flat_map(series_rows).collect(),
    };
    if rows.is_empty() {
        return format!("{NOTHING}\n");
    }
    let rows = rows.iter().map(|row| row.each_ref().map(|cell| clean(cell).into_owned())).collect::<Vec<_>>();
    let widest = |column: usize| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
    let (labels, times, values) = (widest(0), widest(1), widest(2));
    let mut out = String::new();
    for [series, time, value] in &rows {
        let pad = |have: &str, want: usize| " ".repeat(want.saturating_sub(width(have)));
        let _ = write!(out, "{series}{}  ", pad(series, labels));
        if times > 0 {
            let _ = write!(out, "{time}{}  ", pad(time, times));
        }
        // Writing to a String can not fail.
        let _ = writeln!(out, "{}{value}", pad(value, values));
    }
    out
}

/// The labels stand only before the first of a series' samples.
fn series_rows(series: &SeriesWindow) -> impl Iterator<Item = [String; 3]> {
    series.samples.iter().enumerate().map(|(place, (at, value))| {
        let labels = if place == 0 { series.labels.to_string() } else { String::new() };
        [labels, at.to_string(), written(*value)]
    })
}

/// A picture over the steps, without colours, so that it can be kept and sent.
pub(super) fn chart(answer: &Answer, title: &str, when: When, ascii: bool) -> String {
    let (columns, rows) = terminal::size().unwrap_or((COLUMNS, ROWS));
    let area = Rect::new(0, 0, columns, ROWS.min(rows));
    drawn(answer, title, when, &Theme::standard().with_ascii(ascii), area)
}

fn drawn(answer: &Answer, title: &str, when: When, theme: &Theme, area: Rect) -> String {
    let When::Steps { from, to, step_millis } = when else { return table(answer) };
    let series = match answer {
        Answer::Matrix(series) => &series[..],
        Answer::Scalar(..) | Answer::Vector(_) => &[],
    };
    let count = usize::try_from((to.0 - from.0) / step_millis).unwrap_or(0) + 1;
    let shown = &series[..series.len().min(MOST_LINES)];
    let named: Vec<_> = shown.iter().map(|series| clean(&series.labels.to_string()).into_owned()).collect();
    let values: Vec<_> = shown.iter().map(|series| buckets(series, from, step_millis, count)).collect();
    let lines: Vec<_> = named.iter().zip(&values).map(|(name, values)| ChartLine { name, values }).collect();
    let step = Wall(step_millis).as_seconds();
    let mut buf = Buffer::empty(area);
    let shape = Chart {
        title: &clean(title),
        note: &format!("a step is {}s", written(step)),
        unit: Unit::Count,
        lines: &lines,
        left_out: series.len() - shown.len(),
        bucket_seconds: (step as u32).max(1),
        end: to,
        limits: &[],
        cursor: None,
        present: true,
        empty: NOTHING,
    };
    draw(&mut buf, theme, area, shape);
    text(&buf)
}

/// One value per step; what is no number can not be drawn.
fn buckets(series: &SeriesWindow, from: Wall, step_millis: i64, count: usize) -> Vec<Option<f64>> {
    let mut values = vec![None; count];
    for (at, value) in &series.samples {
        let place = usize::try_from((at.0 - from.0) / step_millis).ok();
        if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
            *slot = Some(*value).filter(|value| value.is_finite());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Labels;
    use crate::promql::Sample;

    fn series(name: &str, samples: &[(i64, f64)]) -> SeriesWindow {
        let samples = samples.iter().map(|(second, value)| (Wall(second * 1000), *value)).collect();
        SeriesWindow { labels: Arc::new(Labels::named(name).with("a", "é")), samples }
    }

    #[test]
    fn a_table_is_aligned_and_harmless() {
        let sample =
            |name: &str, value| (Wall(0), Sample { labels: Arc::new(Labels::named("x").with("a", name)), value });
        let answer = Answer::Vector(vec![sample("é", 1.5), sample("long\u{1b}[2J", 1000.0)]);
        assert_eq!(table(&answer), "x{a=\"é\"}               1.5\nx{a=\"long\\u{1b}[2J\"}  1000\n");
        let range = Answer::Matrix(vec![series("x", &[(0, 1.0), (60, f64::NAN)]), series("longer", &[(0, 2.0)])]);
        assert_eq!(
            table(&range),
            "x{a=\"é\"}       1970-01-01T00:00:00.000Z    1\n\
             \x20              1970-01-01T00:01:00.000Z  NaN\n\
             longer{a=\"é\"}  1970-01-01T00:00:00.000Z    2\n"
        );
        assert_eq!(table(&Answer::Scalar(Wall(0), 1.0)), "1\n");
        assert_eq!(table(&Answer::Vector(Vec::new())), format!("{NOTHING}\n"));
    }

    #[test]
    fn a_chart_is_drawn_as_text() {
        let samples: Vec<_> = (0..=10).filter(|n| *n != 4).map(|n| (n * 60, (n * n) as f64)).collect();
        let when = When::Steps { from: Wall(0), to: Wall(600_000), step_millis: 60_000 };
        let area = Rect::new(0, 0, 40, 10);
        let theme = Theme::standard().with_ascii(true);
        insta::assert_snapshot!(drawn(&Answer::Matrix(vec![series("x", &samples)]), "x", when, &theme, area));
        let empty = drawn(&Answer::Matrix(Vec::new()), "x", when, &theme, area);
        assert!(empty.contains("no series"), "{empty}");
        for width in 0..20 {
            for height in 0..6 {
                let area = Rect::new(0, 0, width, height);
                drawn(&Answer::Matrix(vec![series("x", &samples)]), "x", when, &theme, area);
            }
        }
    }
}
