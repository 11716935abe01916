//! One target: every panel, its charts, whether its nodes answer, and the facts of what it is and where it runs.
//!
//! ```text
//! ╭─ panels ──────╮╭─ chart ─────────────────╮      wide windows put the facts under the panels and fill the rest
//! │ height  1042  ││        ▂▃▅▇▅▃           │      with a chart for each row of a panel
//! ╰───────────────╯╰─────────────────────────╯
//! ╭─ nodes ───────╮╭─ facts ─────────────────╮
//! ╰───────────────╯╰─────────────────────────╯
//! ```

mod facts;
mod found;
mod nodes;
mod place;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::cells::{self, Heading, Line};
use super::metrics::limit_role;
use super::model::{Cell, Level, Model, SPARK_BUCKET_SECONDS, Target};
use super::series::Picture;
use super::{Intent, Look, mark};
use crate::base::{Unit, Wall, text};
use crate::model::Truth;
use crate::systems::{PanelSpec, RowSpec};
use crate::ui::widget::chart::{Chart, ChartLine, chart};
use crate::ui::widget::{Pen, Selection, Viewport, frame, rows};
use crate::ui::{Action, Role};

/// In the order of [`place::parts`].
pub const PARTS: &[&str] = &["panels", "nodes", "chart", "facts", "charts"];
const NODES: usize = 1;
const FACTS: usize = 3;

/// Which row of the panels is selected: the row, wherever it stands now.
#[derive(Clone, Debug, Default)]
pub struct TargetPane {
    pub look: Look,
    selection: Selection<(String, String)>,
}

impl TargetPane {
    /// Moves through the rows of the panels; opening one explores it on the page of metrics.
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let target = model.target()?;
        let [panels, nodes, _, facts, _] = self.parts(target, body);
        let height = |part: Rect| usize::from(frame::inner(part).height);
        let lines = panel_lines(target, height(panels));
        let rows = values(&lines);
        let selected = rows.get(self.place(&rows).cursor).map(|(_, line)| line);
        match action {
            Action::Open => {
                return Some(match selected.and_then(|line| row(line)) {
                    Some(row) => Intent::Explore(row.expr.clone()),
                    None => Intent::Show(super::Page::Metrics),
                });
            }
            Action::Copy => {
                return Some(match selected {
                    Some(line) => Intent::Copy(text::copyable(&cells::said(model, line)).into_owned()),
                    None => Intent::Say("nothing is selected here that could be copied".to_owned()),
                });
            }
            _moves => {}
        }
        let told = facts::rows(model, target, facts).len();
        let scrolled = self.look.scrolls(NODES, action, nodes::len(model, target), height(nodes))
            || self.look.scrolls(FACTS, action, told, height(facts));
        if !scrolled {
            let key = |at: usize| rows.get(at).and_then(|(_, line)| key(line));
            self.selection.on(action, (rows.len(), height(panels)), |chosen| find(&rows, chosen), key);
        }
        None
    }

    /// The selected one of the rows with values; headings between them are not selected.
    fn place(&self, rows: &[(usize, Line)]) -> Viewport {
        self.selection.view(rows.len(), |chosen| find(rows, chosen))
    }

    /// The selected one of all lines, with the first of them at the top.
    fn view(&self, lines: &[Line]) -> Viewport {
        let rows = values(lines);
        let selected = rows.get(self.place(&rows).cursor).map_or(lines.len(), |(at, _)| *at);
        Viewport { offset: 0, cursor: selected }
    }

    fn parts(&self, target: &Target, area: Rect) -> [Rect; 5] {
        self.look.arranged(area, place::parts(target, area))
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let Some(target) = model.target() else {
            let inside = frame::frame(buf, &model.theme, area, "target", (Role::Dim, ""));
            Pen::new(buf, &model.theme, inside, 0).put(Role::Unknown, "no target is configured");
            return;
        };
        let [panels, nodes, chart, facts, charts] = self.parts(target, area);
        self.panels(buf, model, target, panels);
        nodes::draw(buf, model, target, nodes, &self.look.text(NODES));
        facts::draw(buf, model, target, facts, &self.look.text(FACTS));
        if chart.height > 0 {
            draw_chart(buf, model, target, chart);
        }
        let pictured = place::pictured(target);
        for (place, (row, cell)) in place::charts(charts, pictured.len()).iter().zip(pictured) {
            row_chart(buf, model, row, cell, *place);
        }
    }

    fn panels(&self, buf: &mut Buffer, model: &Model, target: &Target, area: Rect) {
        if area.height == 0 {
            return;
        }
        let theme = &model.theme;
        let lines = panel_lines(target, usize::from(frame::inner(area).height));
        let (role, note) = cells::summary(model, &lines);
        let inside = frame::frame(buf, theme, area, &target.system.spec.title, (role, &note));
        if lines.is_empty() {
            let words = "its system has no panels: its series are on the page of metrics";
            Pen::new(buf, theme, inside, 0).put(Role::Dim, words);
            return;
        }
        let view = self.view(&lines);
        let selected = (view.cursor < lines.len()).then_some(view.cursor);
        let window = view.window(lines.len(), usize::from(inside.height));
        let here = selected.filter(|at| window.contains(at)).map(|at| at - window.start);
        cells::draw(buf, model, inside, &lines[window.clone()], lines.len(), here);
        rows::more(buf, theme, inside, window.start, lines.len() - window.end);
    }
}

/// The lines that have values, with where they stand.
fn values<'a>(lines: &[Line<'a>]) -> Vec<(usize, Line<'a>)> {
    lines.iter().copied().enumerate().filter(|(_, line)| row(line).is_some()).collect()
}

/// What a row is, wherever it stands.
fn key(line: &Line) -> Option<(String, String)> {
    row(line).map(|row| (row.label.clone(), row.expr.clone()))
}

fn find(rows: &[(usize, Line)], chosen: &(String, String)) -> Option<usize> {
    let is = |row: &RowSpec| row.label == chosen.0 && row.expr == chosen.1;
    rows.iter().position(|(_, line)| row(line).is_some_and(is))
}

/// The row of a line that has a value.
fn row<'a>(line: &Line<'a>) -> Option<&'a RowSpec> {
    match line {
        Line::Heading(..) => None,
        Line::Value(row, _) => Some(row),
    }
}

/// Every row of every panel, each panel under its title where there are several: those in trouble first, the others as
/// their system has them. Where so few lines are not enough for all, the rows of a panel are in that order too: a
/// page on which everything is seen need not move.
fn panel_lines(target: &Target, height: usize) -> Vec<Line<'_>> {
    let panels = &target.system.spec.panels;
    let headings = if panels.len() > 1 { panels.len() } else { 0 };
    let fits = headings + panels.iter().map(|panel| panel.rows.len()).sum::<usize>() <= height;
    let rows = |panel| match fits {
        true => cells::of_panel(target, panel).collect(),
        false => cells::by_trouble(cells::of_panel(target, panel)),
    };
    let mut parts: Vec<(&PanelSpec, Vec<Line>)> = panels.iter().map(|panel| (panel, rows(panel))).collect();
    parts
        .sort_by_key(|(_, lines)| std::cmp::Reverse(Some(cells::worst(lines)).filter(|level| *level > Level::Unknown)));
    let mut lines = Vec::new();
    for (panel, rows) in parts {
        if panels.len() > 1 {
            let level = cells::worst(&rows);
            let words = panel.title.as_str();
            lines.push(Line::Heading(Heading { words, level, selected: false, row: None, left_out: None }));
        }
        lines.extend(rows);
    }
    lines
}

fn draw_chart(buf: &mut Buffer, model: &Model, target: &Target, area: Rect) {
    let (Some(spec), Some(picture)) = (&target.system.spec.chart, &target.chart) else {
        let inside = frame::frame(buf, &model.theme, area, "chart", (Role::Dim, ""));
        Pen::new(buf, &model.theme, inside, 0).put(Role::Dim, "its system names nothing to chart here");
        return;
    };
    let Picture { unit, limits, buckets, .. } = picture;
    let names = super::series::distinct(&buckets.lines.iter().map(|line| line.labels.clone()).collect::<Vec<_>>());
    let named = buckets.lines.iter().zip(&names);
    let lines: Vec<ChartLine> = named.map(|(line, name)| ChartLine { name, values: &line.values }).collect();
    let limits: Vec<(Role, f64)> = limits.iter().map(|(level, limit)| (limit_role(*level), *limit)).collect();
    let truth = super::series::charted_truth(model, target, &picture.expr);
    let note = match truth {
        Truth::Fresh => format!("a column is {}s", buckets.seconds),
        ref old => mark::truth(old).word.to_owned(),
    };
    let why = truth.words(model.now.boot);
    let shown = Chart {
        title: &spec.title,
        note: &note,
        unit: *unit,
        lines: &lines,
        left_out: buckets.left_out,
        bucket_seconds: buckets.seconds,
        end: buckets.end.unwrap_or_default(),
        limits: &limits,
        cursor: None,
        present: truth.is_fresh(),
        empty: buckets.fault.as_deref().unwrap_or(if why.is_empty() { "nothing measured yet" } else { &why }),
    };
    chart(buf, &model.theme, area, shown);
}

/// One row of a panel as a chart of its own, from the buckets of its sparkline.
fn row_chart(buf: &mut Buffer, model: &Model, row: &RowSpec, cell: &Cell, area: Rect) {
    let length = i64::from(SPARK_BUCKET_SECONDS) * 1000;
    let limits: Vec<(Role, f64)> = cell.limits.iter().map(|(level, limit)| (limit_role(*level), *limit)).collect();
    let lines = [ChartLine { name: &row.label, values: &cell.spark }];
    let truth = cell.reading.truth.words(model.now.boot);
    let shown = Chart {
        title: &row.label,
        note: if truth.is_empty() { "" } else { mark::truth(&cell.reading.truth).word },
        unit: row.unit,
        lines: &lines,
        left_out: 0,
        bucket_seconds: SPARK_BUCKET_SECONDS,
        end: Wall(model.now.wall.0.div_euclid(length) * length),
        limits: &limits,
        cursor: None,
        present: cell.reading.truth.is_fresh(),
        empty: if truth.is_empty() { "nothing measured yet" } else { &truth },
    };
    chart(buf, &model.theme, area, shown);
}

/// Whether the past of a row is worth a chart: not that of a yes.
fn is_pictured(row: &RowSpec) -> bool {
    row.unit != Unit::YesNo
}
