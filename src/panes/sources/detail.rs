//! Everything about one source, and its answer times as a picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{is_off, latencies, next, past, seconds};
use crate::base::Unit;
use crate::base::text::count;
use crate::model::{SourceState, Truth};
use crate::panes::words::{ago, whole};
use crate::panes::{Model, answering};
use crate::sources::BoundSource;
use crate::systems::promise;
use crate::ui::layout::{above, beside};
use crate::ui::widget::{Pen, Rows, Viewport, frame};
use crate::ui::{Action, Role};

/// Columns and rows from which on answer times get a picture of their own.
const LEAST_COLUMNS: u16 = 100;
const LEAST_ROWS: u16 = 6;

/// The text, and a picture beside it where there is room for one.
fn split(area: Rect) -> (Rect, Option<Rect>) {
    if area.width < LEAST_COLUMNS || area.height < LEAST_ROWS {
        return (area, None);
    }
    let (left, right) = beside(area, area.width * 3 / 5);
    (left, Some(right))
}

/// How many lines the text of a source has in this area.
pub(super) fn lines(model: &Model, source: &SourceState, area: Rect) -> usize {
    text(model, source, split(area).0).len()
}

fn text(model: &Model, source: &SourceState, area: Rect) -> Rows {
    let mut rows = Rows::new(frame::inner(area).width);
    describe(&mut rows, model, source);
    rows
}

pub(super) fn draw(buf: &mut Buffer, model: &Model, source: &SourceState, area: Rect, view: &Viewport) {
    if area.height == 0 {
        return;
    }
    let theme = &model.theme;
    let (left, right) = split(area);
    let kept = format!("store {}", Unit::Bytes.write(model.store.bytes() as f64));
    let kept = match model.store.evicted_rows() {
        0 => kept,
        evicted => format!("{kept} · {evicted} rows dropped for the limit"),
    };
    let inside = frame::frame(buf, theme, left, source.id.as_str(), (Role::Dim, &kept));
    text(model, source, left).draw(buf, theme, inside, view);
    if let Some(right) = right {
        picture(buf, model, source, right);
    }
}

fn picture(buf: &mut Buffer, model: &Model, source: &SourceState, area: Rect) {
    let theme = &model.theme;
    let note = match source.latencies.len() {
        0 => "no column yet".to_owned(),
        1 => "the last column".to_owned(),
        columns => format!("the last {}", count(columns, "column")),
    };
    let inside = frame::frame(buf, theme, area, "answer times", (Role::Dim, &note));
    let answered = || source.latencies.iter().flatten().copied();
    let (Some(low), Some(high)) = (answered().reduce(f64::min), answered().reduce(f64::max)) else {
        Pen::new(buf, theme, inside, 0).put(Role::Unknown, "it has not answered yet");
        return;
    };
    let mean = answered().sum::<f64>() / answered().count() as f64;
    let missing = source.latencies.len() - answered().count();
    let mut pen = Pen::new(buf, theme, inside, 0);
    for (word, value) in [("min", low), ("avg", mean), ("max", high)] {
        pen.put(Role::Dim, word).gap(1).put(Role::Text, &seconds(value)).gap(2);
    }
    if missing > 0 {
        pen.put(Role::Critical, &format!("{missing} without an answer"));
    }
    let (_, below) = above(inside, 1);
    let (plot, foot) = above(below, below.height.saturating_sub(1).min(12));
    let wide = (plot.width / u16::try_from(source.latencies.len().max(1)).unwrap_or(1)).clamp(1, 2);
    let width = u16::try_from(source.latencies.len()).unwrap_or(u16::MAX).saturating_mul(wide).min(plot.width);
    let truth = source.truth(model.now.boot);
    latencies_wide(buf, model, source, &truth, Rect { width, ..plot });
    Pen::new(buf, theme, foot, 0).put(Role::Dim, "oldest first; polls within ten seconds share a column");
}

/// At the left of its place, each answer time two columns wide where there is room.
fn latencies_wide(buf: &mut Buffer, model: &Model, source: &SourceState, truth: &Truth, area: Rect) {
    let len = u16::try_from(source.latencies.len()).unwrap_or(u16::MAX);
    if len > 0 && area.width >= len * 2 {
        let buckets: Vec<Option<f64>> = source.latencies.iter().copied().collect();
        let role = if truth.is_fresh() { Role::Chart } else { Role::Border };
        crate::ui::widget::spark::spark(buf, &model.theme, area, &buckets, role);
        return;
    }
    latencies(buf, model, source, truth, area);
}

fn bound<'m>(model: &'m Model, source: &SourceState) -> Option<&'m BoundSource> {
    model.targets.iter().flat_map(|target| &target.sources).find(|bound| bound.id == source.id)
}

fn describe(rows: &mut Rows, model: &Model, source: &SourceState) {
    let mark = answering::mark_of(source, model.now.boot);
    let words = match answering::why(source, model.now.boot) {
        why if why.is_empty() => mark.word.to_owned(),
        why => why,
    };
    rows.pair(0, "state", mark.role, &words);
    rows.pair(0, "read", Role::Text, &source.address);
    let again = match next(source, model.now.boot).as_str() {
        "" => String::new(),
        next => format!("; next {next}, {} asks now", model.keymap.press(Action::PollNow)),
    };
    let rhythm = format!("every {}, at most {} for an answer{again}", whole(source.interval), whole(source.timeout));
    let rhythm = if source.backfill.is_some() { "once, at start".to_owned() } else { rhythm };
    rows.pair(0, "rhythm", Role::Text, &rhythm);
    let last = match source.last_ok {
        Some(at) => {
            format!("{} UTC, {}, in {}", at.wall.clock(), ago(model.now, at), seconds(source.took.as_secs_f64()))
        }
        None => "never".to_owned(),
    };
    rows.pair(0, "answered", Role::Text, &format!("{last}; {}", count_polls(source)));
    if let (Some(failure), Some(since)) = (&source.failure, source.failing_since) {
        let failures = count(source.failures_in_a_row, "failure");
        let words =
            format!("{failures} in a row since {} UTC, {}: {failure}", since.wall.clock(), ago(model.now, since));
        rows.pair(0, "fails", Role::Critical, &words);
    }
    if let Some(late) = &source.late {
        rows.pair(0, "late", Role::Warning, &late.to_string());
    }
    match source.backfill {
        Some(_) => {
            rows.pair(0, "past", Role::Text, past(source));
        }
        None => brought(rows, source),
    }
    if let Some(bound) = bound(model, source) {
        expected(rows, source, bound);
        if let Some(budget) = &bound.budget {
            let words = format!("{}, {} a second for all consoles of this machine", budget.name, budget.per_second);
            rows.pair(0, "budget", Role::Text, &words);
        }
        if let Some(cost) = &bound.spec.cost {
            rows.pair(0, "costs", Role::Text, cost);
        }
        if let Some(deviates) = &bound.spec.deviates {
            rows.pair(0, "differs", Role::Warning, deviates);
        }
        if !bound.spec.from.is_empty() {
            rows.pair(0, "from", Role::Dim, &bound.spec.from.join(", "));
        }
    }
}

/// What the document expects where something is not exposed.
fn expected(rows: &mut Rows, source: &SourceState, bound: &BoundSource) {
    if source.unserved().is_some() {
        rows.pair(0, "expected", Role::Dim, &promise::of_read(&bound.spec).words());
    }
    let promised = source.lacks().iter().filter_map(|name| promise::promise(&bound.spec, name));
    for promise in promised {
        rows.pair(0, "expected", Role::Dim, &promise.words());
    }
}

/// What the last answer had, and what it lacked.
fn brought(rows: &mut Rows, source: &SourceState) {
    if source.last_ok.is_some() {
        rows.pair(0, "series", Role::Text, &source.series.to_string());
    }
    if source.gives_lines {
        rows.pair(0, "lines", Role::Text, &source.lines.to_string());
    }
    if source.dropped_series > 0 {
        let words = format!("{} series left out: the source has more than is allowed", source.dropped_series);
        rows.pair(0, "dropped", Role::Warning, &words);
    }
    if source.dropped_lines > 0 {
        let words = format!("{} of the log came too fast to be kept", count(source.dropped_lines, "line"));
        rows.pair(0, "dropped", Role::Warning, &words);
    }
    if !source.surfaces.is_empty() {
        rows.pair(0, "surface", Role::Text, &source.surfaces.join(" and "));
    }
    if let Some(skew) = source.clock_skew_seconds {
        let misled = if is_off(source) { ": ages from it are wrong by as much" } else { "" };
        let role = if is_off(source) { Role::Warning } else { Role::Text };
        let words = match skew {
            0.0 => "the node's clock agrees with ours to the second".to_owned(),
            skew => format!("the node's clock is {skew:+.1}s off ours{misled}"),
        };
        rows.pair(0, "clock", role, &words);
    }
    if source.is_never_read() && !source.not_exposed.is_empty() {
        rows.pair(0, "would give", Role::Dim, &source.not_exposed.join(", "));
    }
    if !source.lacks().is_empty() {
        rows.pair(0, "not exposed", Role::Unknown, &source.lacks().join(", "));
    }
}

fn count_polls(source: &SourceState) -> String {
    match source.polls {
        1 => "asked once".to_owned(),
        polls => format!("asked {polls} times"),
    }
}
