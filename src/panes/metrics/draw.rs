//! Draws the page of metrics.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Elsewhere, Listed, Metrics, RANGES, limit_role};
use crate::base::text::count;
use crate::base::time::spoken;
use crate::base::{Unit, Wall, text};
use crate::model::{Scope, Truth};
use crate::panes::model::{Model, Target};
use crate::panes::series::{self, Picture};
use crate::panes::words::whole;
use crate::panes::{capability, mark};
use crate::promql::buckets::MOST_LINES;
use crate::promql::{Buckets, Selector};
use crate::ui::widget::chart::{Chart, ChartLine, chart};
use crate::ui::widget::pen::select;
use crate::ui::widget::{Pen, Rows, Viewport, frame, rows, spark};
use crate::ui::{Action, Glyph, Role};

const VALUE_COLUMNS: u16 = 10;
/// The widest sparkline of the list.
const SPARK_COLUMNS: u16 = 20;

impl Metrics {
    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let Some(target) = model.target() else {
            let inside = frame::frame(buf, &model.theme, area, "metrics", (Role::Dim, ""));
            Pen::new(buf, &model.theme, inside, 0).put(Role::Unknown, "no target is configured");
            return;
        };
        let [chart, list, details] = self.parts(area);
        let shown = self.shown(model);
        let selected = shown.get(self.view(&shown).cursor).copied();
        if chart.height > 0 {
            self.chart(buf, model, target, selected, chart);
        }
        if list.height > 0 {
            self.list(buf, model, target, &shown, list);
        }
        if details.height > 0 {
            detail(buf, model, target, selected, details);
        }
    }

    fn chart(&self, buf: &mut Buffer, model: &Model, target: &Target, selected: Option<&Listed>, area: Rect) {
        if let Some(elsewhere) = &model.explorer.elsewhere {
            return self.chart_elsewhere(buf, model, elsewhere, area);
        }
        let title = self.typed.as_deref().or(selected.map(|listed| listed.text.as_str())).unwrap_or("metrics");
        let range = &RANGES[self.range];
        let nothing = Buckets::default();
        let (picture, refused) = match &model.explorer.picture {
            Some(Ok(picture)) => (Some(picture), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        let buckets = picture.map_or(&nothing, |picture| &picture.buckets);
        let names = series::distinct(&buckets.lines.iter().map(|line| line.labels.clone()).collect::<Vec<_>>());
        let lines: Vec<ChartLine> = buckets
            .lines
            .iter()
            .zip(&names)
            .map(|(line, name)| ChartLine { name: if name.is_empty() { title } else { name }, values: &line.values })
            .collect();
        let limits = picture.map_or_else(Vec::new, limits);
        let empty =
            refused.or_else(|| buckets.fault.clone()).unwrap_or_else(|| self.nothing(model, target, range.words));
        let truth = picture.map_or(Truth::Fresh, |picture| series::charted_truth(model, target, &picture.expr));
        let present = truth.is_fresh();
        let note = match present {
            true => note(range.words, buckets, backfilled(model, target, picture), area.width),
            false => format!("{} · {}", range.words, mark::truth(&truth).word),
        };
        let shown = Chart {
            title,
            note: &note,
            unit: picture.map_or(Unit::Count, |picture| picture.unit),
            lines: &lines,
            left_out: buckets.left_out,
            bucket_seconds: buckets.seconds,
            end: buckets.end.unwrap_or_default(),
            limits: &limits,
            cursor: self.cursor(buckets),
            present,
            empty: &empty,
        };
        chart(buf, &model.theme, area, shown);
    }

    /// As a server gave it: where it came from stands before what it is, so that it is never cut off.
    fn chart_elsewhere(&self, buf: &mut Buffer, model: &Model, elsewhere: &Elsewhere, area: Rect) {
        let range = &RANGES[self.range];
        let buckets = &elsewhere.buckets;
        let labels = buckets.lines.iter().map(|line| line.labels.clone()).collect::<Vec<_>>();
        let names: Vec<String> = series::distinct(&labels).iter().map(|name| text::clean(name).into_owned()).collect();
        let named = |name: &'_ String| if name.is_empty() { elsewhere.turn.expr.clone() } else { name.clone() };
        let names: Vec<String> = names.iter().map(named).collect();
        let lines: Vec<ChartLine> =
            buckets.lines.iter().zip(&names).map(|(line, name)| ChartLine { name, values: &line.values }).collect();
        let shown = Chart {
            title: &elsewhere.title(),
            note: &note(range.words, buckets, None, area.width),
            unit: elsewhere.unit,
            lines: &lines,
            left_out: buckets.left_out,
            bucket_seconds: buckets.seconds,
            end: buckets.end.unwrap_or_default(),
            limits: &[],
            cursor: self.cursor(buckets),
            present: elsewhere.fault.is_none(),
            empty: &elsewhere.nothing(range.words),
        };
        chart(buf, &model.theme, area, shown);
    }

    fn list(&self, buf: &mut Buffer, model: &Model, target: &Target, shown: &[&Listed], area: Rect) {
        let theme = &model.theme;
        let all = model.explorer.series.len();
        let title = self.look.filter.title("series", shown.len(), all);
        let inside = frame::frame(buf, theme, area, &title, (Role::Dim, &format!("{all} now")));
        if shown.is_empty() {
            let words = if all == 0 {
                "no source of this target has given a series yet"
            } else {
                "no series matches the filter"
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, words);
            return;
        }
        let view = self.view(shown);
        let window = view.window(shown.len(), usize::from(inside.height));
        for (row, at) in window.clone().enumerate() {
            line(buf, model, target, inside, row, shown[at], at == view.cursor);
        }
        rows::more(buf, theme, inside, window.start, shown.len() - window.end);
    }

    /// Why there is nothing to draw. What is measured now will be, at the end of the column that is still open.
    fn nothing(&self, model: &Model, target: &Target, range: &str) -> String {
        if self.typed.is_none() && model.explorer.series.is_empty() {
            return "no source of this target has given a series yet".to_owned();
        }
        let picture = model.explorer.picture.as_ref().and_then(|picture| picture.as_ref().ok());
        if let Some(closes) = picture.and_then(|picture| first_close(model, target, picture)) {
            let left = match closes.since(model.now.wall).as_secs() {
                0..60 => "within a minute".to_owned(),
                seconds => format!("in {} min", seconds.div_ceil(60)),
            };
            return format!("it is measured now; the first column closes {left}, at {} UTC", closes.clock());
        }
        let expected = picture.map(|picture| capability::expected(model, target, &picture.expr)).unwrap_or_default();
        if !expected.is_empty() {
            return format!("not exposed now: {}", expected.join("; "));
        }
        let keys =
            format!("{} and {}", model.keymap.press(Action::ChoosePrevious), model.keymap.press(Action::ChooseNext));
        format!("nothing was measured at the end of any column of the last {range}; {keys} choose another range")
    }
}

/// When the first column of a picture closes, if what it names has values since the newest column closed, and had none
/// before.
fn first_close(model: &Model, target: &Target, picture: &Picture) -> Option<Wall> {
    let scope = Scope::Target(target.id.clone());
    let end = picture.buckets.end?;
    let is_new = |selector: &Selector| {
        let found = |listed: &Listed| selector.matchers.iter().all(|matcher| matcher.accepts(&listed.labels));
        let since = selector.name.as_deref().and_then(|name| model.store.observed_since(&scope, name));
        selector.range.is_none() && since.is_some_and(|since| since > end) && model.explorer.series.iter().any(found)
    };
    let selectors = picture.expr.selectors();
    let closes = end.plus(Duration::from_secs(u64::from(picture.buckets.seconds)));
    (!selectors.is_empty() && selectors.iter().all(|selector| is_new(selector))).then_some(closes)
}

/// The thresholds of a picture, as the chart draws them.
pub(crate) fn limits(picture: &Picture) -> Vec<(Role, f64)> {
    picture.limits.iter().map(|(level, limit)| (limit_role(*level), *limit)).collect()
}

/// Until when what a picture shows was not measured by this console; nothing where it all was.
fn backfilled(model: &Model, target: &Target, picture: Option<&Picture>) -> Option<Wall> {
    let picture = picture.filter(|picture| !picture.buckets.lines.is_empty())?;
    let scope = Scope::Target(target.id.clone());
    let names = picture.expr.names().iter();
    let until = names.filter_map(|name| model.store.backfilled_until(&scope, name)).max()?;
    let shown = picture.buckets.lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let oldest = picture.buckets.end?.minus(Duration::from_secs(u64::from(picture.buckets.seconds) * shown as u64));
    (oldest < until).then_some(until)
}

/// The range, the length of a column, and where the values come from, in as many words as there is room for.
fn note(range: &str, buckets: &Buckets, backfilled: Option<Wall>, width: u16) -> String {
    let column = spoken(Duration::from_secs(u64::from(buckets.seconds)));
    let column = column.trim_end_matches(" 00s").trim_end_matches(" 00m");
    if let Some(until) = backfilled {
        let said = format!("{range} · a column is {column} · from prometheus before {}", until.clock());
        let short = format!("{range} · {column} · prometheus before {}", until.clock());
        return if text::width(&said) + 24 > usize::from(width) { short } else { said };
    }
    let said = match buckets.rolled {
        0 => format!("{range} · a column is {column}"),
        rolled => format!("{range} · a column is {column} · {} from roll-ups of 1 min", count(rolled, "column")),
    };
    if text::width(&said) + 24 > usize::from(width) { format!("{range} · {column}") } else { said }
}

fn line(buf: &mut Buffer, model: &Model, target: &Target, area: Rect, row: usize, listed: &Listed, selected: bool) {
    let theme = &model.theme;
    let scope = Scope::Target(target.id.clone());
    let truth = series::truth(model, &scope, &listed.labels);
    let last = model.store.last(&scope, &listed.labels).map(|(_, value)| value);
    let unit = series::unit_of_name(&target.system.spec, listed.labels.name());
    let sparks = if area.width >= 56 { (area.width / 4).min(SPARK_COLUMNS) } else { 0 };
    let mark = mark::truth(&truth);
    let names = area.width.saturating_sub(4 + VALUE_COLUMNS + 1 + sparks + u16::from(sparks > 0));

    let mut pen = Pen::new(buf, theme, area, row);
    if selected {
        pen.glyph(Role::Accent, Glyph::Cursor);
    }
    pen.tab(2).glyph(mark.role, mark.glyph).gap(1);
    let shown = listed.shown();
    let name = text::fitted_middle(&shown, usize::from(names));
    pen.field(if truth.is_fresh() { Role::Text } else { Role::Unknown }, &name, names).gap(1);
    let value = last.map_or(theme.glyph(Glyph::Absent).to_owned(), |value| unit.write_at(value, model.now.wall));
    pen.field_right(if truth.is_fresh() { Role::Text } else { Role::Dim }, &value, VALUE_COLUMNS);
    if sparks > 0 {
        let line = crate::ui::layout::line(area, row);
        let place = Rect { x: line.right() - sparks, width: sparks, ..line };
        let role = if truth.is_fresh() { Role::Chart } else { Role::Border };
        spark::spark(buf, theme, place, model.explorer.spark(&listed.labels), role);
    }
    if selected {
        select(buf, theme, area, row);
    }
}

/// Everything about the selected series.
fn detail(buf: &mut Buffer, model: &Model, target: &Target, selected: Option<&Listed>, area: Rect) {
    let theme = &model.theme;
    let Some(listed) = selected else {
        frame::frame(buf, theme, area, "series", (Role::Dim, ""));
        return;
    };
    let (labels, spec) = (&listed.labels, &target.system.spec);
    let scope = Scope::Target(target.id.clone());
    let truth = series::truth(model, &scope, labels);
    let mark = mark::truth(&truth);
    let words = match &truth {
        Truth::Fresh => "fresh".to_owned(),
        other => other.words(model.now.boot),
    };
    let inside = frame::frame(buf, theme, area, labels.name(), (mark.role, &words));
    let mut text = Rows::new(inside.width);
    if let Some(help) = series::help(spec, labels.name()) {
        text.pair(0, "meaning", Role::Text, help);
    }
    let value = match model.store.last(&scope, labels) {
        Some((at, value)) => {
            let unit = series::unit_of_name(spec, labels.name());
            let exact = crate::panes::words::number(value);
            let short = match (unit.write(value), unit.write_at(value, model.now.wall)) {
                (short, same) if short == same => short,
                (_, ago) => format!("{}, {ago}", Wall((value * 1000.0) as i64)),
            };
            let both = if short == exact { exact } else { format!("{short} ({exact})") };
            format!("{both}, taken {} ago", whole(model.now.wall.since(at)))
        }
        None => "none is kept".to_owned(),
    };
    text.pair(0, "value", if truth.is_fresh() { Role::Text } else { Role::Dim }, &value);
    let all = labels.to_string();
    text.pair(0, "labels", Role::Dim, &all.replace(',', ", "));
    let sources: Vec<&str> = model.store.giving(&scope, labels).map(|source| source.id.as_str()).collect();
    text.pair(0, "from", Role::Dim, &sources.join(", "));
    let kept = format!(
        "five minutes of every series; of what is charted here longer, in roll-ups of one minute for a day. At most \
         {MOST_LINES} lines are drawn"
    );
    text.pair(0, "kept", Role::Dim, &kept);
    text.draw(buf, theme, inside, &Viewport::default());
}
