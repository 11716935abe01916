//! One target: its panels, one chart, whether its nodes answer, and every series it has.

use std::fmt::Write as _;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::{self, Line};
use super::model::{Model, Target};
use super::{Intent, Look, header, mark, words};
use crate::base::{Unit, text};
use crate::model::labels::NAME;
use crate::model::{Labels, Scope, SourceState, Truth};
use crate::ui::layout::{above, beside};
use crate::ui::widget::chart::{Chart, chart};
use crate::ui::widget::pen::select;
use crate::ui::widget::{Pen, Selection, Viewport, frame, rows};
use crate::ui::{Action, Role};

/// In the order of [`parts`].
pub const PARTS: &[&str] = &["panels", "nodes", "chart", "series"];
const PANELS: usize = 0;
const NODES: usize = 1;
const CHART: usize = 2;

/// Which series is selected, and how far their list is scrolled.
#[derive(Clone, Debug, Default)]
pub struct TargetPane {
    pub look: Look,
    series: Selection<Arc<Labels>>,
}

impl TargetPane {
    /// Moves through the list of series; opening one charts it, opening it again charts what the system charts.
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let target = model.target()?;
        let [panels, nodes, _, series] = self.parts(model, target, body);
        let height = |part: Rect| usize::from(frame::inner(part).height);
        let shown = self.shown(model, target);
        let selected = shown.get(self.view(&shown).cursor).map(|(labels, _)| Arc::clone(labels));
        match action {
            Action::Open => {
                let chosen = selected?.to_string();
                let series = (target.charted.as_deref() != Some(&chosen)).then_some(chosen);
                return Some(Intent::Chart { target: target.id.clone(), series });
            }
            Action::Copy => return Some(self.copy(target, selected.as_deref())),
            _moves => {}
        }
        let (lines, sources) = (panel_lines(target).len(), sources(model, target).count());
        let scrolled = self.look.scrolls(PANELS, action, lines, height(panels))
            || self.look.scrolls(NODES, action, sources, height(nodes));
        if !scrolled && !self.look.is_alone(CHART) {
            let place = |chosen: &Arc<Labels>| place(&shown, chosen);
            let key = |at: usize| shown.get(at).map(|(labels, _)| Arc::clone(labels));
            self.series.on(action, (shown.len(), height(series)), place, key);
        }
        None
    }

    /// The selected series as a selector; the newest value of the chart where that is shown alone.
    fn copy(&self, target: &Target, selected: Option<&Labels>) -> Intent {
        let newest = || target.chart.last().copied().flatten().map(words::number);
        let text = if self.look.is_alone(CHART) { newest() } else { selected.map(Labels::to_string) };
        match text {
            Some(text) => Intent::Copy(text::copyable(&text).into_owned()),
            None => Intent::Say("nothing is selected here that could be copied".to_owned()),
        }
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let Some(target) = model.target() else {
            let inside = frame::frame(buf, &model.theme, area, "target", (Role::Dim, ""));
            Pen::new(buf, &model.theme, inside, 0).put(Role::Unknown, "no target is configured");
            return;
        };
        let [panels_area, nodes_area, chart_area, series] = self.parts(model, target, area);
        panels(buf, model, target, panels_area, &self.look.text(PANELS));
        nodes(buf, model, target, nodes_area, &self.look.text(NODES));
        if chart_area.height > 0 {
            draw_chart(buf, model, target, chart_area);
        }
        self.draw_series(buf, model, target, series);
    }

    fn parts(&self, model: &Model, target: &Target, area: Rect) -> [Rect; 4] {
        self.look.arranged(area, parts(model, target, area))
    }

    /// The series that the filter leaves, each with its newest value.
    fn shown<'a>(&self, model: &'a Model, target: &'a Target) -> Vec<(&'a Arc<Labels>, f64)> {
        let filter = &self.look.filter;
        let all = model.store.present(&target.id);
        all.filter(|(labels, _)| !filter.is_set() || filter.accepts(&own_labels(labels, target))).collect()
    }

    fn view(&self, shown: &[(&Arc<Labels>, f64)]) -> Viewport {
        self.series.view(shown.len(), |chosen| place(shown, chosen))
    }

    fn draw_series(&self, buf: &mut Buffer, model: &Model, target: &Target, area: Rect) {
        let theme = &model.theme;
        let shown = self.shown(model, target);
        let (len, all) = (shown.len(), model.store.present(&target.id).count());
        let title = self.look.filter.title("series", len, all);
        let inside = frame::frame(buf, theme, area, &title, (Role::Dim, &format!("{all} now")));
        if len == 0 {
            let words = match all {
                0 => "no source of this target has given a series yet",
                _some => "no series matches the filter",
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, words);
            return;
        }
        let scope = Scope::Target(target.id.clone());
        let view = self.view(&shown);
        let window = view.window(len, usize::from(inside.height));
        for (row, at) in window.clone().enumerate() {
            let (labels, value) = shown[at];
            let truth = series_truth(model, &scope, labels);
            let mut pen = Pen::new(buf, theme, inside, row);
            let number = words::number(value);
            let (role, said) = match truth.is_fresh() {
                true => (Role::Text, number),
                false => (Role::Dim, format!("{number} {}", truth.words(model.now.boot))),
            };
            if pen.right(role, &said) {
                pen.right_gap(1);
            }
            pen.put(if truth.is_fresh() { Role::Text } else { Role::Unknown }, &own_labels(labels, target));
            if at == view.cursor {
                select(buf, theme, inside, row);
            }
        }
        rows::more(buf, theme, inside, window.start, len - window.end);
    }
}

fn place(shown: &[(&Arc<Labels>, f64)], chosen: &Arc<Labels>) -> Option<usize> {
    shown.iter().position(|(labels, _)| *labels == chosen)
}

/// The panels and nodes at the left, chart and series at the right; below each other where there are no two columns.
fn parts(model: &Model, target: &Target, area: Rect) -> [Rect; 4] {
    let panel_lines = panel_lines(target).len();
    let node_lines = sources(model, target).count().max(1);
    let boxed = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX / 2).saturating_add(frame::BOX_ROWS);
    let charted = target.charted.is_some() || target.system.spec.chart.is_some();
    if area.width < 72 {
        let (panels, rest) = above(area, boxed(panel_lines.max(1)).min(area.height / 2));
        let (nodes, series) = above(rest, boxed(node_lines).min(rest.height / 2));
        return [panels, nodes, Rect { height: 0, ..series }, series];
    }
    // A target without panels is read in its series: they get the width.
    let left = if panel_lines == 0 { (area.width / 3).max(36) } else { area.width / 2 };
    let (left, right) = beside(area, left);
    let panel_rows = match panel_lines {
        0 => 0,
        _some => left.height.saturating_sub(boxed(node_lines)).max(left.height / 2),
    };
    let (panels, nodes) = above(left, panel_rows);
    let chart_rows = if charted { (right.height / 2).clamp(7, 18).min(right.height) } else { 0 };
    let (chart, series) = above(right, chart_rows);
    [panels, nodes, chart, series]
}

fn panel_lines(target: &Target) -> Vec<Line<'_>> {
    let panels = &target.system.spec.panels;
    let mut lines = Vec::new();
    for panel in panels {
        if panels.len() > 1 {
            lines.push(Line::Heading(&panel.title, super::model::Level::Ok, false));
        }
        let before = lines.len();
        lines.extend(cells::of_panel(target, panel));
        let worst = lines[before..].iter().map(cells::level).max().unwrap_or(super::model::Level::Unknown);
        if let Some(Line::Heading(_, level, _)) = before.checked_sub(1).and_then(|at| lines.get_mut(at)) {
            *level = worst;
        }
    }
    lines
}

fn panels(buf: &mut Buffer, model: &Model, target: &Target, area: Rect, view: &Viewport) {
    if area.height == 0 {
        return;
    }
    let theme = &model.theme;
    let lines = panel_lines(target);
    let inside = frame::frame(buf, theme, area, &target.system.spec.title, (Role::Dim, target.id.as_str()));
    let window = view.scrolled(lines.len(), usize::from(inside.height));
    cells::draw(buf, model, inside, &lines[window.clone()]);
    rows::more(buf, theme, inside, window.start, lines.len() - window.end);
}

fn draw_chart(buf: &mut Buffer, model: &Model, target: &Target, area: Rect) {
    let system = target.system.spec.chart.as_ref();
    let (title, unit) = match (&target.charted, system) {
        (Some(series), _) => (series.as_str(), Unit::Count),
        (None, Some(spec)) => (spec.title.as_str(), spec.unit),
        (None, None) => {
            let inside = frame::frame(buf, &model.theme, area, "chart", (Role::Dim, ""));
            Pen::new(buf, &model.theme, inside, 0).put(Role::Dim, "nothing is charted: select a series and open it");
            return;
        }
    };
    let shown = Chart {
        title,
        unit,
        buckets: &target.chart,
        bucket_seconds: target.chart_bucket_seconds,
        present: header::link(model, target).0.role != Role::Critical,
    };
    chart(buf, &model.theme, area, shown);
}

fn sources<'a>(model: &'a Model, target: &'a Target) -> impl Iterator<Item = &'a SourceState> {
    model.store.sources().filter(|source| source.target == target.id)
}

/// A line for each source: which, whether it answers, on which surface it speaks, how far its clock is off.
fn nodes(buf: &mut Buffer, model: &Model, target: &Target, area: Rect, view: &Viewport) {
    let theme = &model.theme;
    let (worst, link) = header::link(model, target);
    let inside = frame::frame(buf, theme, area, "nodes", (worst.role, &link));
    let all = sources(model, target).count();
    if all == 0 {
        Pen::new(buf, theme, inside, 0).put(Role::Unknown, "this target has no sources");
    }
    let window = view.scrolled(all, usize::from(inside.height));
    let widest =
        sources(model, target).map(|source| text::width(words::source_name(source, target))).max().unwrap_or(0);
    let names = u16::try_from(widest).unwrap_or(u16::MAX);
    let visible = sources(model, target).skip(window.start).take(window.len());
    for (row, source) in visible.enumerate() {
        let truth = source.truth(model.now.boot);
        let mark = mark::truth(&truth);
        let mut pen = Pen::new(buf, theme, inside, row);
        pen.glyph(mark.role, mark.glyph).gap(1);
        pen.field(Role::Text, words::source_name(source, target), names.min(inside.width / 2)).gap(1);
        let said = match truth {
            Truth::Fresh => fresh_words(model, source),
            other => other.words(model.now.boot),
        };
        pen.put(if mark.role == Role::Ok { Role::Dim } else { mark.role }, &said);
    }
    rows::more(buf, theme, inside, window.start, all - window.end);
}

fn fresh_words(model: &Model, source: &SourceState) -> String {
    let mut said = vec!["answers".to_owned()];
    said.extend(source.last_ok.map(|at| words::ago(model.now, at)));
    said.extend((!source.surfaces.is_empty()).then(|| source.surfaces.join(" and ")));
    said.extend(source.clock_skew_seconds.map(|skew| format!("clock {skew:+.1}s")));
    said.join(" · ")
}

/// The labels that tell a series from the others of its target. A filter asks for those of every series, so they are
/// written without taking the labels apart.
fn own_labels(labels: &Labels, target: &Target) -> String {
    let of_target: &[&str] = match target.spec.nodes.len() {
        0 | 1 => &[NAME, "target", "job", "node", "instance"],
        _several => &[NAME, "target", "job"],
    };
    let mut own = labels.name().to_owned();
    for (name, value) in labels.iter().filter(|(name, _)| !of_target.contains(name)) {
        own.push(if own.ends_with('"') { ',' } else { '{' });
        own.push_str(name);
        own.push('=');
        // Writing to a string can not fail.
        let _written = write!(own, "{value:?}");
    }
    if own.ends_with('"') {
        own.push('}');
    }
    if own.is_empty() { "{}".to_owned() } else { own }
}

/// The truth of a series is that of the sources that give it. `up` is what the console itself measured, so a source
/// that fails makes it 0 and no less true.
fn series_truth(model: &Model, scope: &Scope, labels: &Labels) -> Truth {
    let sources = model.store.sources_of(scope, labels.name());
    let truth = sources.map(|source| source.truth(model.now.boot)).reduce(Truth::worst).unwrap_or(Truth::Fresh);
    match truth {
        Truth::Failing { .. } if labels.name() == "up" => Truth::Fresh,
        other => other,
    }
}
