//! Every source: whether it can be believed, when it last answered and how, and what it does not have.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::words::{self, ago, count, whole};
use super::{Intent, Model, mark};
use crate::base::{Boot, Unit};
use crate::model::{SourceState, Truth};
use crate::ui::layout::above;
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Rows, Viewport, frame, rows};
use crate::ui::{Action, Glyph, Role};

/// Which source is selected. Sources are declared at start and keep their order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    view: Viewport,
}

impl Sources {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let len = model.store.sources().count();
        let (list, _) = split(body, len);
        self.view.on(action, len, usize::from(frame::inner(list).height).saturating_sub(1));
        None
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let len = model.store.sources().count();
        let (upper, lower) = split(area, len);
        let answering = model.store.sources().filter(|source| source.truth(model.now.boot).is_fresh()).count();
        let inside = frame::frame(buf, theme, upper, "sources", (Role::Dim, &format!("{answering} of {len} answer")));
        if len == 0 {
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, "no source is configured: nothing is measured");
            return;
        }
        heads(buf, model, inside);
        let (_, list) = above(inside, 1);
        let window = self.view.window(len, usize::from(list.height));
        let selected = self.view.cursor.min(len - 1);
        let visible = model.store.sources().skip(window.start).take(window.len());
        for (row, (at, source)) in (window.start..).zip(visible).enumerate() {
            line(buf, model, list, row, source, at == selected);
        }
        rows::more(buf, theme, list, window.start, len - window.end);
        if let Some(source) = model.store.sources().nth(selected) {
            let kept = format!("store {}", Unit::Bytes.write(model.store.bytes() as f64));
            let kept = match model.store.evicted_rows() {
                0 => kept,
                evicted => format!("{kept} · {evicted} rows dropped for the limit"),
            };
            let inside = frame::frame(buf, theme, lower, source.id.as_str(), (Role::Dim, &kept));
            let mut text = Rows::new(inside.width);
            describe(&mut text, model, source);
            text.draw(buf, theme, inside, &Viewport::default());
        }
    }
}

/// The list and its heads take what they need up to half of the page.
fn split(area: Rect, sources: usize) -> (Rect, Rect) {
    let wanted = u16::try_from(sources.max(1)).unwrap_or(u16::MAX / 2).saturating_add(1 + frame::BOX_ROWS);
    above(area, wanted.min((area.height / 2).max(4)))
}

const STATE_COLUMNS: u16 = 11;
const AGE_COLUMNS: u16 = 12;
const TOOK_COLUMNS: u16 = 7;
const SERIES_COLUMNS: u16 = 7;
const NEXT_COLUMNS: u16 = 8;
const FAILS_COLUMNS: u16 = 6;

/// Which columns there is room for: how long it took, series, next try, failures.
fn id_columns(width: u16) -> u16 {
    let fixed = 4 + STATE_COLUMNS + 1 + AGE_COLUMNS + 1 + TOOK_COLUMNS + SERIES_COLUMNS + NEXT_COLUMNS + FAILS_COLUMNS;
    width.saturating_sub(fixed + 1).clamp(14, 48)
}

fn heads(buf: &mut Buffer, model: &Model, area: Rect) {
    let mut pen = Pen::new(buf, &model.theme, area, 0);
    pen.tab(4)
        .field(Role::Dim, "state", STATE_COLUMNS)
        .gap(1)
        .field(Role::Dim, "source", id_columns(area.width))
        .gap(1);
    pen.field(Role::Dim, "answered", AGE_COLUMNS);
    for (word, columns) in
        [("took", TOOK_COLUMNS), ("series", SERIES_COLUMNS), ("next", NEXT_COLUMNS), ("fails", FAILS_COLUMNS)]
    {
        pen.field_right(Role::Dim, word, columns);
    }
}

fn line(buf: &mut Buffer, model: &Model, area: Rect, row: usize, source: &SourceState, selected: bool) {
    let mark = mark::truth(&source.truth(model.now.boot));
    let mut pen = Pen::new(buf, &model.theme, area, row);
    if selected {
        pen.glyph(Role::Accent, Glyph::Cursor);
    }
    pen.tab(2).glyph(mark.role, mark.glyph).gap(1).field(mark.role, mark.word, STATE_COLUMNS).gap(1);
    // With one target its name is in the header already.
    let id = match model.targets.as_slice() {
        [target] => words::source_name(source, target),
        _several => source.id.as_str(),
    };
    pen.field(Role::Text, id, id_columns(area.width)).gap(1);
    let answered = source.last_ok.map_or("never".to_owned(), |at| ago(model.now, at));
    pen.field(Role::Text, &answered, AGE_COLUMNS);
    let took = if source.polls == 0 { String::new() } else { took(source) };
    pen.field_right(Role::Text, &took, TOOK_COLUMNS);
    pen.field_right(Role::Text, &source.series.to_string(), SERIES_COLUMNS);
    pen.field_right(Role::Text, &next(source, model.now.boot), NEXT_COLUMNS);
    let fails = source.failures_in_a_row;
    pen.field_right(if fails > 0 { Role::Critical } else { Role::Dim }, &fails.to_string(), FAILS_COLUMNS);
    if selected {
        select(buf, &model.theme, area, row);
    }
}

fn took(source: &SourceState) -> String {
    Unit::Milliseconds.write(source.took.as_secs_f64() * 1000.0)
}

fn next(source: &SourceState, now: Boot) -> String {
    match source.next_try {
        Some(at) if at > now => format!("in {}", whole(at.since(now))),
        Some(_) => "now".to_owned(),
        None => String::new(),
    }
}

fn describe(rows: &mut Rows, model: &Model, source: &SourceState) {
    let truth = source.truth(model.now.boot);
    let mark = mark::truth(&truth);
    let words = match &truth {
        Truth::Fresh => mark.word.to_owned(),
        other => other.words(model.now.boot),
    };
    rows.pair(0, "state", mark.role, &words);
    rows.pair(0, "read", Role::Text, &source.address);
    let rhythm = format!("every {}, at most {} for an answer", whole(source.interval), whole(source.timeout));
    rows.pair(0, "rhythm", Role::Text, &rhythm);
    let last = match source.last_ok {
        Some(at) => format!("{} UTC, {}; {}", at.wall.clock(), ago(model.now, at), count_polls(source)),
        None => format!("never; {}", count_polls(source)),
    };
    rows.pair(0, "answered", Role::Text, &last);
    if source.failures_in_a_row > 0 {
        let failures = count(source.failures_in_a_row as usize, "failure");
        rows.pair(
            0,
            "fails",
            Role::Critical,
            &format!("{failures} in a row, next try {}", next(source, model.now.boot)),
        );
    }
    if source.last_ok.is_some() {
        rows.pair(0, "series", Role::Text, &source.series.to_string());
    }
    if source.dropped_series > 0 {
        let words = format!("{} series left out: the source has more than is allowed", source.dropped_series);
        rows.pair(0, "dropped", Role::Warning, &words);
    }
    if !source.surfaces.is_empty() {
        rows.pair(0, "surface", Role::Text, &source.surfaces.join(" and "));
    }
    if let Some(skew) = source.clock_skew_seconds {
        let (role, words) = match skew.abs() {
            0.0..5.0 => (Role::Text, format!("the node's clock is {skew:+.1}s off ours")),
            _far => {
                (Role::Warning, format!("the node's clock is {skew:+.1}s off ours: ages from it are wrong by as much"))
            }
        };
        rows.pair(0, "clock", role, &words);
    }
    if !source.not_exposed.is_empty() {
        rows.pair(0, "not exposed", Role::Unknown, &source.not_exposed.join(", "));
    }
}

fn count_polls(source: &SourceState) -> String {
    match source.polls {
        1 => "asked once".to_owned(),
        polls => format!("asked {polls} times"),
    }
}
