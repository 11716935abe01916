//! Every source: whether it can be believed, when it last answered and how, and what it does not have.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::words::{self, ago, count, whole};
use super::{Intent, Look, Model, mark};
use crate::base::{Boot, SourceId, Unit, text};
use crate::model::{SourceState, Truth};
use crate::ui::layout::above;
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Rows, Selection, Viewport, frame, rows};
use crate::ui::{Action, Glyph, Role};

/// The list, and what is known of the selected source.
pub const PARTS: &[&str] = &["sources", "details"];
const DETAILS: usize = 1;

/// Which source is selected.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub look: Look,
    selection: Selection<SourceId>,
}

impl Sources {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let sources = self.shown(model);
        let selected = sources.get(self.view(&sources).cursor).copied();
        if action == Action::Copy {
            return Some(match selected {
                Some(source) => Intent::Copy(text::copyable(&address(source)).into_owned()),
                None => Intent::Say("no source is shown; there is nothing to copy".to_owned()),
            });
        }
        let [list, details] = self.look.arranged(body, split(body, sources.len()));
        let inside = frame::inner(details);
        let len = selected.map_or(0, |source| describe(model, source, inside.width).len());
        if !self.look.pages(DETAILS, action, len, usize::from(inside.height)) {
            let height = usize::from(frame::inner(list).height).saturating_sub(1);
            let place = |chosen: &SourceId| place(&sources, chosen);
            let key = |at: usize| sources.get(at).map(|source| source.id.clone());
            self.selection.on(action, (sources.len(), height), place, key);
        }
        None
    }

    /// The sources that the filter leaves, in the order in which they were declared.
    fn shown<'a>(&self, model: &'a Model) -> Vec<&'a SourceState> {
        let filter = &self.look.filter;
        model.store.sources().filter(|source| !filter.is_set() || filter.accepts(&said(model, source))).collect()
    }

    fn view(&self, sources: &[&SourceState]) -> Viewport {
        self.selection.view(sources.len(), |chosen| place(sources, chosen))
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let sources = self.shown(model);
        let (len, all) = (sources.len(), model.store.sources().count());
        let [upper, lower] = self.look.arranged(area, split(area, len));
        // With nothing to select, the details alone have this to say too.
        let upper = if len == 0 && upper.height == 0 { lower } else { upper };
        let answering = model.store.sources().filter(|source| source.truth(model.now.boot).is_fresh()).count();
        let title = self.look.filter.title("sources", len, all);
        let inside = frame::frame(buf, theme, upper, &title, (Role::Dim, &format!("{answering} of {all} answer")));
        if len == 0 {
            let words = match all {
                0 => "no source is configured: nothing is measured",
                _some => "no source matches the filter",
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, words);
            return;
        }
        heads(buf, model, inside);
        let (_, list) = above(inside, 1);
        let view = self.view(&sources);
        let window = view.window(len, usize::from(list.height));
        for (row, at) in window.clone().enumerate() {
            line(buf, model, list, row, sources[at], at == view.cursor);
        }
        rows::more(buf, theme, list, window.start, len - window.end);
        if let Some(source) = sources.get(view.cursor) {
            let kept = format!("store {}", Unit::Bytes.write(model.store.bytes() as f64));
            let kept = match model.store.evicted_rows() {
                0 => kept,
                evicted => format!("{kept} · {evicted} rows dropped for the limit"),
            };
            let inside = frame::frame(buf, theme, lower, source.id.as_str(), (Role::Dim, &kept));
            describe(model, source, inside.width).draw(buf, theme, inside, &self.look.text(DETAILS));
        }
    }
}

/// The address of a source as another program takes it: the URL alone of one that is got by HTTP.
fn address(source: &SourceState) -> String {
    let got = source.address.strip_prefix("GET ").and_then(|read| read.split_once(" at "));
    got.map_or_else(|| source.address.clone(), |(path, base)| format!("{base}{path}"))
}

fn place(sources: &[&SourceState], chosen: &SourceId) -> Option<usize> {
    sources.iter().position(|source| source.id == *chosen)
}

/// What the line of a source says, with the reason of its failure: what a filter looks at.
fn said(model: &Model, source: &SourceState) -> String {
    let truth = source.truth(model.now.boot);
    let state = mark::truth(&truth).word;
    format!("{state} {} {} {}", source.id, source.address, truth.words(model.now.boot))
}

/// The list and its heads take what they need up to half of the page.
fn split(area: Rect, sources: usize) -> [Rect; 2] {
    let wanted = u16::try_from(sources.max(1)).unwrap_or(u16::MAX / 2).saturating_add(1 + frame::BOX_ROWS);
    above(area, wanted.min((area.height / 2).max(4))).into()
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

fn describe(model: &Model, source: &SourceState, columns: u16) -> Rows {
    let mut rows = Rows::new(columns);
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
    rows
}

fn count_polls(source: &SourceState) -> String {
    match source.polls {
        1 => "asked once".to_owned(),
        polls => format!("asked {polls} times"),
    }
}
