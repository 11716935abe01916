//! Every target at once: the product's five dimensions, and the alerts that ask for attention.
//!
//! ```text
//! ╭─ chain health ─────╮╭─ mempool and barriers ─╮
//! │ ● height   1042 ok ││ ● pending     3 ok     │
//! ╰────────────────────╯╰────────────────────────╯
//!  oracle latency: no target feeds this pane; …
//! ╭─ alerts ─────────────────────────── 1 firing ╮
//! ╰──────────────────────────────────────────────╯
//! ```

mod fold;
mod place;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::place::Wanted;
use super::alerts::list::{self, Cursor};
use super::alerts::row::{self, AlertRow};
use super::cells::{self, Line};
use super::model::Level;
use super::{Intent, Look, Model, Page, mark};
use crate::base::text;
use crate::systems::DimensionSpec;
use crate::ui::layout::above;
use crate::ui::widget::{Pen, Viewport, frame, rows, wrap};
use crate::ui::{Action, Role};

/// The alerts' lines that a low window can give.
const MOST_ALERTS: usize = 8;

/// A part for each dimension, and the alerts.
#[must_use]
pub fn parts(model: &Model) -> Vec<String> {
    model.dimensions.iter().map(|dimension| dimension.title.clone()).chain(["alerts".to_owned()]).collect()
}

/// Which alert is selected, and how far the panes are scrolled.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub look: Look,
    alerts: Cursor,
    scroll: usize,
}

impl Overview {
    /// Up and down select among the alerts, page up and down scroll the panes. Open goes to the runbook of the
    /// selected alert; without an alert to open, to the selected target.
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let active = active(model);
        self.alerts = self.alerts.kept(&active);
        if let Some((part, dimension)) = self.dimension_alone(model) {
            return self.on_dimension(action, model, body, part, dimension);
        }
        match action {
            Action::Copy => Some(self.alerts.copy(&active)),
            Action::Open => {
                let to_target = model.target().map(|_| Intent::Show(Page::Target));
                match self.alerts.row(&active) {
                    // Without a runbook its target says more than that there is none.
                    Some(row) if row.runbook().is_none() => Some(Intent::SelectTarget(row.target.clone())),
                    Some(_) | None => self.alerts.open(&active).or(to_target),
                }
            }
            Action::PageDown => {
                let longest = model.dimensions.iter().map(|dimension| whole(model, dimension).len()).max();
                self.scroll = (self.scroll + 5).min(longest.unwrap_or(0));
                None
            }
            Action::PageUp => {
                self.scroll = self.scroll.saturating_sub(5);
                None
            }
            other => {
                self.alerts.on(other, &active, MOST_ALERTS);
                None
            }
        }
    }

    /// The dimension that is shown alone.
    fn dimension_alone<'a>(&self, model: &'a Model) -> Option<(usize, &'a DimensionSpec)> {
        let part = self.look.zoomed(model.dimensions.len() + 1)?;
        model.dimensions.get(part).map(|dimension| (part, dimension))
    }

    /// A dimension alone has nothing to select: it scrolls, and is copied as a whole.
    fn on_dimension(
        &mut self,
        action: Action,
        model: &Model,
        body: Rect,
        part: usize,
        dimension: &DimensionSpec,
    ) -> Option<Intent> {
        let lines = whole(model, dimension);
        match action {
            Action::Open => model.target().map(|_| Intent::Show(Page::Target)),
            Action::Copy => {
                let said: Vec<String> = lines.iter().map(|line| cells::said(model, line)).collect();
                let words = format!("{}: {}", dimension.title, said.join("; "));
                Some(Intent::Copy(text::copyable(&words).into_owned()))
            }
            other => {
                self.look.scrolls(part, other, lines.len(), usize::from(frame::inner(body).height));
                None
            }
        }
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let active = active(model);
        let all = model.alerts.alerts().count();
        let strip = strip_rows(area.height, active.len());
        let (panes, bottom) = above(area, area.height - strip);
        let sentences: Vec<String> = model.dimensions.iter().map(unfed).collect();
        let wanted =
            model.dimensions.iter().zip(&sentences).map(|(dimension, sentence)| match fold::usual(model, dimension) {
                0 => Wanted::Sentence(sentence),
                some => Wanted::Lines(some),
            });
        let mut places = place::places(panes, &wanted.collect::<Vec<_>>());
        places.push(bottom);
        let places = self.look.arranged(area, places);
        for (part, dimension) in model.dimensions.iter().enumerate() {
            let scrolled = match (self.look.is_alone(part), self.scroll) {
                (true, _) => Some(self.look.text(part).offset),
                (false, 0) => None,
                (false, offset) => Some(offset),
            };
            pane(buf, model, dimension, scrolled, places[part]);
        }
        self.strip(buf, model, &active, all, places[model.dimensions.len()]);
    }

    fn strip(&self, buf: &mut Buffer, model: &Model, active: &[AlertRow], all: usize, area: Rect) {
        let theme = &model.theme;
        let (role, summary) = match active {
            [] => (Role::Dim, String::new()),
            some => list::summary(some),
        };
        let inside = frame::frame(buf, theme, area, "alerts", (role, &summary));
        if active.is_empty() {
            let mut pen = Pen::new(buf, theme, inside, 0);
            match all {
                0 => pen.put(Role::Unknown, "no alert rules are loaded: nothing can fire"),
                1 => pen.mark(mark::level(Level::Ok)).put(Role::Dim, ": the one alert is measured and quiet"),
                all => pen
                    .mark(mark::level(Level::Ok))
                    .put(Role::Dim, &format!(": all {all} alerts are measured and quiet")),
            };
            return;
        }
        let cursor = self.alerts.kept(active);
        let selected = cursor.index(active);
        let lines = cursor.lines(active, usize::from(inside.height));
        for (row, at) in lines.iter().enumerate() {
            list::draw(buf, model, inside, row, &active[*at], *at == selected);
        }
        let below = lines.last().map_or(0, |last| active.len() - last - 1);
        rows::more(buf, theme, inside, active.len() - below - lines.len(), below);
    }
}

/// One dimension: what there is room for, or everything scrolled to where it is.
fn pane(buf: &mut Buffer, model: &Model, dimension: &DimensionSpec, scrolled: Option<usize>, area: Rect) {
    let theme = &model.theme;
    let parts = fold::parts(model, dimension);
    let headed = model.targets.len() > 1;
    if parts.is_empty() && area.height == 1 {
        let mut pen = Pen::new(buf, theme, area, 0);
        pen.gap(1).put(Role::Dim, &format!("{}: {}", dimension.title, unfed(dimension)));
        return;
    }
    if parts.is_empty() {
        let inside = frame::frame(buf, theme, area, &dimension.title, (Role::Dim, ""));
        for (row, line) in wrap::wrap(&unfed(dimension), usize::from(inside.width)).iter().enumerate() {
            Pen::new(buf, theme, inside, row).put(Role::Dim, line);
        }
        return;
    }
    let whole = fold::whole(&parts, headed);
    let (role, note) = cells::summary(model, &whole);
    let inside = frame::frame(buf, theme, area, &dimension.title, (role, &note));
    let height = usize::from(inside.height);
    let Some(offset) = scrolled else {
        let folded = fold::fold(&parts, headed, height, usize::from(inside.width));
        cells::draw(buf, model, inside, &folded.lines, fold::usual(model, dimension), None);
        if let Some(foot) = &folded.foot {
            rows::foot(buf, theme, inside, Role::Dim, foot);
        }
        return;
    };
    let window = Viewport { offset, cursor: 0 }.scrolled(whole.len(), height);
    cells::draw(buf, model, inside, &whole[window.clone()], whole.len(), None);
    rows::more(buf, theme, inside, window.start, whole.len() - window.end);
}

fn active(model: &Model) -> Vec<AlertRow<'_>> {
    row::rows(model).into_iter().filter(AlertRow::is_active).collect()
}

/// What a pane says that no target feeds.
fn unfed(dimension: &DimensionSpec) -> String {
    format!("no target feeds this pane; {}", dimension.fed_by)
}

/// The strip's height: all that asks for attention where there is room for it, at least one line in its frame.
fn strip_rows(height: u16, active: usize) -> u16 {
    let most = match height {
        0..16 => 1,
        16..30 => 3,
        _high => MOST_ALERTS,
    };
    let rows = u16::try_from(active.clamp(1, most)).unwrap_or(1);
    (rows + if height < 16 { 1 } else { frame::BOX_ROWS }).min(height)
}

/// Everything that every target says of a dimension; with several targets, each under its name.
fn whole<'a>(model: &'a Model, dimension: &DimensionSpec) -> Vec<Line<'a>> {
    fold::whole(&fold::parts(model, dimension), model.targets.len() > 1)
}
