//! Every source, the most troubled first: whether it can be believed, when it last answered and how fast, and what it
//! does not have.

mod detail;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::answering::{self, Answering};
use super::words::{self, ago, whole};
use super::{Intent, Look, Model};
use crate::base::{Boot, SourceId, Unit, text};
use crate::model::{SourceState, Truth};
use crate::ui::layout::{above, line};
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Selection, Viewport, frame, rows, spark};
use crate::ui::{Action, Glyph, Role};

/// In the order of [`split`].
pub const PARTS: &[&str] = &["sources", "details"];
const DETAILS: usize = 1;

/// Which source is selected; without a choice, the most troubled.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    pub look: Look,
    selection: Selection<SourceId>,
}

impl Sources {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let shown = self.shown(model);
        let selected = shown.get(self.view(&shown).cursor).copied();
        match (action, selected) {
            (Action::PollNow, Some(source)) if source.backfill.is_some() => {
                return Some(Intent::Say(format!("{} is asked once, at start", source.id)));
            }
            (Action::PollNow, Some(source)) => return Some(Intent::FetchNow(source.id.clone())),
            (Action::Copy, Some(source)) => {
                return Some(Intent::Copy(text::copyable(&address(source)).into_owned()));
            }
            (Action::PollNow | Action::Copy, None) => {
                return Some(Intent::Say("no source is shown: there is nothing to copy or to ask".to_owned()));
            }
            (_moves, _) => {}
        }
        let [list, details] = self.look.arranged(body, split(body, shown.len()));
        let text = selected.map_or(0, |source| detail::lines(model, source, details));
        if !self.look.pages(DETAILS, action, text, usize::from(frame::inner(details).height)) {
            let height = usize::from(frame::inner(list).height).saturating_sub(1);
            let key = |at: usize| shown.get(at).map(|source| source.id.clone());
            self.selection.on(action, (shown.len(), height), |chosen| place(&shown, chosen), key);
        }
        None
    }

    /// The sources that the filter leaves, the most troubled first; those alike in the order of the configuration.
    fn shown<'m>(&self, model: &'m Model) -> Vec<&'m SourceState> {
        let (now, filter) = (model.now.boot, &self.look.filter);
        let sources = model.store.sources().chain(model.store.backfills());
        let mut shown: Vec<&SourceState> =
            sources.filter(|source| !filter.is_set() || filter.accepts(&said(model, source))).collect();
        shown.sort_by_key(|source| trouble(source, now));
        shown
    }

    fn view(&self, shown: &[&SourceState]) -> Viewport {
        self.selection.view(shown.len(), |chosen| place(shown, chosen))
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let shown = self.shown(model);
        let (len, all) = (shown.len(), model.store.sources().chain(model.store.backfills()).count());
        let [upper, lower] = self.look.arranged(area, split(area, len));
        // With nothing to select, the details alone have this to say too.
        let upper = if len == 0 && upper.height == 0 { lower } else { upper };
        let counted = Answering::of(model.store.sources(), model.now.boot);
        let title = self.look.filter.title("sources", len, all);
        let inside = frame::frame(buf, theme, upper, &title, (counted.mark().role, &counted.counts()));
        if len == 0 {
            let words = match all {
                0 => "no source is configured: nothing is measured",
                _some => "no source matches the filter",
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, words);
            return;
        }
        let columns = Columns::of(inside.width);
        heads(buf, model, inside, columns);
        let (_, list) = above(inside, 1);
        let view = self.view(&shown);
        let window = view.window(len, usize::from(list.height));
        for (row, at) in window.clone().enumerate() {
            source_line(buf, model, list, row, columns, shown[at], at == view.cursor);
        }
        rows::more(buf, theme, list, window.start, len - window.end);
        if let Some(source) = shown.get(view.cursor) {
            detail::draw(buf, model, source, lower, &self.look.text(DETAILS));
        }
    }
}

/// The address of a source as another program takes it: the URL alone of one that is got by HTTP.
fn address(source: &SourceState) -> String {
    let got = source.address.strip_prefix("GET ").and_then(|read| read.split_once(" at "));
    got.map_or_else(|| source.address.clone(), |(path, base)| format!("{base}{path}"))
}

fn place(shown: &[&SourceState], chosen: &SourceId) -> Option<usize> {
    shown.iter().position(|source| source.id == *chosen)
}

/// What the line of a source says, with the reason of its failure: what a filter looks at.
fn said(model: &Model, source: &SourceState) -> String {
    let state = answering::mark_of(source, model.now.boot).word;
    format!("{state} {} {} {}", source.id, source.address, answering::why(source, model.now.boot))
}

/// The less, the more troubled.
fn trouble(source: &SourceState, now: Boot) -> u8 {
    match source.truth(now) {
        Truth::Failing { .. } => 0,
        Truth::Stale { .. } => 1,
        Truth::NeverPolled => 2,
        Truth::Absent | Truth::NotExposed | Truth::WarmingUp { .. } => 3,
        Truth::NotRead { .. } | Truth::ProvesNothing { .. } => 6,
        Truth::Fresh if source.dropped_series > 0 || source.dropped_lines > 0 || is_off(source) => 4,
        Truth::Fresh => 5,
    }
}

/// Seconds that a node's clock may be off before ages from it mislead.
const SKEW_LIMIT_SECONDS: f64 = 5.0;

/// Whether the node's clock is too far from ours.
fn is_off(source: &SourceState) -> bool {
    source.clock_skew_seconds.is_some_and(|skew| skew.abs() >= SKEW_LIMIT_SECONDS)
}

/// The list and its heads take what they need up to three fifths of the page.
fn split(area: Rect, sources: usize) -> [Rect; 2] {
    let wanted = u16::try_from(sources.max(1)).unwrap_or(u16::MAX / 2).saturating_add(1 + frame::BOX_ROWS);
    above(area, wanted.min((area.height * 3 / 5).max(4))).into()
}

const STATE_COLUMNS: u16 = 11;
const AGE_COLUMNS: u16 = 12;
const TOOK_COLUMNS: u16 = 7;
const SERIES_COLUMNS: u16 = 7;
const NEXT_COLUMNS: u16 = 8;
const FAILS_COLUMNS: u16 = 6;

/// The columns whose width depends on the window.
#[derive(Clone, Copy)]
struct Columns {
    id: u16,
    /// The last answer times; none where there is no room.
    latencies: u16,
    /// Why it can not be believed; none where there is no room.
    why: u16,
}

impl Columns {
    fn of(width: u16) -> Columns {
        let fixed = 4 + STATE_COLUMNS + 1 + AGE_COLUMNS + TOOK_COLUMNS + SERIES_COLUMNS + NEXT_COLUMNS + FAILS_COLUMNS;
        let room = width.saturating_sub(fixed + 2);
        let latencies = if room >= 46 { 16.max(room / 6).min(30) } else { 0 };
        let why = if room >= 90 { (room - latencies) / 2 } else { 0 };
        let rest = room.saturating_sub(latencies + why + u16::from(latencies > 0) + 2 * u16::from(why > 0));
        Columns { id: rest.clamp(14, 60), latencies, why }
    }
}

fn heads(buf: &mut Buffer, model: &Model, area: Rect, columns: Columns) {
    let mut pen = Pen::new(buf, &model.theme, area, 0);
    pen.tab(4).field(Role::Dim, "state", STATE_COLUMNS).gap(1).field(Role::Dim, "source", columns.id).gap(1);
    pen.field(Role::Dim, "answered", AGE_COLUMNS).field_right(Role::Dim, "took", TOOK_COLUMNS);
    if columns.latencies > 0 {
        pen.gap(1).field(Role::Dim, "answer times", columns.latencies);
    }
    for (word, wide) in [("series", SERIES_COLUMNS), ("next", NEXT_COLUMNS), ("fails", FAILS_COLUMNS)] {
        pen.field_right(Role::Dim, word, wide);
    }
    if columns.why > 0 {
        pen.gap(2).field(Role::Dim, "why", columns.why);
    }
}

fn source_line(
    buf: &mut Buffer,
    model: &Model,
    area: Rect,
    row: usize,
    columns: Columns,
    source: &SourceState,
    selected: bool,
) {
    let truth = source.truth(model.now.boot);
    let mark = answering::mark_of(source, model.now.boot);
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
    pen.field(Role::Text, id, columns.id).gap(1);
    let answered = source.last_ok.map_or("never".to_owned(), |at| ago(model.now, at));
    pen.field(Role::Text, &answered, AGE_COLUMNS);
    let took = if source.polls == 0 { String::new() } else { seconds(source.took.as_secs_f64()) };
    pen.field_right(Role::Text, &took, TOOK_COLUMNS);
    if columns.latencies > 0 {
        pen.gap(1 + columns.latencies);
    }
    pen.field_right(Role::Text, &source.series.to_string(), SERIES_COLUMNS);
    pen.field_right(Role::Text, &next(source, model.now.boot), NEXT_COLUMNS);
    let fails = source.failures_in_a_row;
    pen.field_right(if fails > 0 { Role::Critical } else { Role::Dim }, &fails.to_string(), FAILS_COLUMNS);
    if columns.why > 0 {
        pen.gap(2).field(mark.role, &why(source, &truth, model.now.boot), columns.why);
    }
    if columns.latencies > 0 {
        let whole = line(area, row);
        let x = whole.x + 4 + STATE_COLUMNS + 1 + columns.id + 1 + AGE_COLUMNS + TOOK_COLUMNS + 1;
        let place = Rect { x, width: columns.latencies, ..whole }.intersection(area);
        latencies(buf, model, source, &truth, place);
    }
    if selected {
        select(buf, &model.theme, area, row);
    }
}

/// The picture of the last answer times; a missing answer is a gap.
fn latencies(buf: &mut Buffer, model: &Model, source: &SourceState, truth: &Truth, area: Rect) {
    let buckets: Vec<Option<f64>> = source.latencies.iter().copied().collect();
    let role = if truth.is_fresh() { Role::Chart } else { Role::Border };
    // One column for each, so that a fast source's picture is no wider than its history.
    let wide = u16::try_from(buckets.len()).unwrap_or(u16::MAX).min(area.width);
    let place = Rect { x: area.right().saturating_sub(wide), width: wide, ..area };
    spark::spark(buf, &model.theme, place, &buckets, role);
}

/// What troubles a source, in a few words.
fn why(source: &SourceState, truth: &Truth, now: Boot) -> String {
    match truth {
        Truth::Fresh | Truth::NeverPolled if source.backfill.is_some() => past(source).to_owned(),
        Truth::Fresh if source.dropped_series > 0 => format!("{} series left out", source.dropped_series),
        Truth::Fresh if source.dropped_lines > 0 => format!("{} dropped", text::count(source.dropped_lines, "line")),
        Truth::Fresh if is_off(source) => {
            format!("its clock is {:+.1}s off ours", source.clock_skew_seconds.unwrap_or_default())
        }
        Truth::Fresh if !source.lacks().is_empty() => format!("{} series not exposed", source.lacks().len()),
        Truth::Fresh => String::new(),
        _not_to_be_believed => answering::why(source, now),
    }
}

/// What came of asking for the past.
fn past(source: &SourceState) -> &str {
    match source.backfill.as_deref() {
        None | Some("") => "asked for the past once, at start",
        Some(said) => said,
    }
}

fn seconds(value: f64) -> String {
    Unit::Seconds.write(value)
}

/// When it is asked next, as a countdown.
fn next(source: &SourceState, now: Boot) -> String {
    match source.next_try {
        Some(at) if at > now => format!("in {}", whole(at.since(now))),
        Some(_) => "now".to_owned(),
        None => String::new(),
    }
}
