//! The metrics explorer: every series of the selected target, and one chart of the series that is selected or of an
//! expression that was typed.
//!
//! ```text
//! Metrics::asked ──► app/ asks the explorer ──► Explorer: list, picture, sparklines ──► Metrics::render
//! ```
//!
//! Must never: evaluate anything. The page says what it needs, `app/` has it answered.

mod draw;
pub mod explorer;
mod range;

use std::sync::Arc;

use ratatui::layout::Rect;

pub use self::explorer::{Asked, Explorer, Listed, Question};
pub use self::range::RANGES;
use super::series::selector;
use super::{Accepts, Intent, Model};
use crate::model::Labels;
use crate::ui::layout::{above, beside};
use crate::ui::widget::chart;
use crate::ui::widget::{Viewport, frame};
use crate::ui::{Action, Role};

/// What is asked, which range of it is looked at, and which series is selected.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// The expression that was typed; without one the selected series is charted.
    typed: Option<String>,
    /// Index into [`RANGES`].
    range: usize,
    /// The end of the bucket that is read, in milliseconds: it stays at its time while the chart moves on.
    mark: Option<i64>,
    /// The selected series, by what it is and not by where it stands.
    chosen: Option<Arc<Labels>>,
    view: Viewport,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics { typed: None, range: 1, mark: None, chosen: None, view: Viewport::default() }
    }
}

/// Where the parts of the page are.
struct Parts {
    chart: Rect,
    list: Rect,
    /// About the selected series; empty where there is no room.
    detail: Rect,
}

/// Chart above list; beside each other where there are columns for both.
fn parts(area: Rect) -> Parts {
    if area.width < 110 {
        let (chart, list) = above(area, (area.height * 11 / 20).max(area.height.min(9)));
        return Parts { chart, list, detail: Rect { height: 0, ..list } };
    }
    let (list, right) = beside(area, (area.width * 2 / 5).min(90));
    let detail = if area.height >= 30 { 11 } else { 0 };
    let (chart, detail) = above(right, right.height - detail);
    Parts { chart, list, detail }
}

impl Metrics {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect, accepts: Accepts) -> Option<Intent> {
        let parts = parts(body);
        match action {
            Action::Query => {
                Some(Intent::Query(self.typed.clone().unwrap_or_else(|| self.selected_expr(model, accepts))))
            }
            Action::Open => {
                self.ask(None);
                None
            }
            Action::ChoosePrevious => {
                self.range = self.range.saturating_sub(1);
                None
            }
            Action::ChooseNext => {
                self.range = (self.range + 1).min(RANGES.len() - 1);
                None
            }
            Action::CursorOlder => self.read(model, 1),
            Action::CursorNewer => self.read(model, -1),
            other => {
                let shown = shown(model, accepts);
                let height = usize::from(frame::inner(parts.list).height);
                self.view = self.view(&shown);
                if self.view.on(other, shown.len(), height) {
                    self.chosen = shown.get(self.view.cursor).map(|listed| Arc::clone(&listed.labels));
                }
                None
            }
        }
    }

    /// Charts this expression, or again what is selected.
    pub fn ask(&mut self, expr: Option<String>) {
        self.typed = expr.filter(|expr| !expr.trim().is_empty());
        self.mark = None;
    }

    /// What has to be answered for this page to be drawn.
    #[must_use]
    pub fn asked(&self, model: &Model, body: Rect, accepts: Accepts) -> Asked {
        let Some(target) = model.target() else { return Asked::default() };
        let parts = parts(body);
        let shown = shown(model, accepts);
        let view = self.view(&shown);
        let window = view.window(shown.len(), usize::from(frame::inner(parts.list).height));
        let visible = shown[window].iter().map(|listed| Arc::clone(&listed.labels)).collect();
        let selected = || shown.get(view.cursor).map(|listed| selector(&listed.labels));
        let (bucket_seconds, buckets) = RANGES[self.range].buckets(chart::room(parts.chart));
        let question = self.typed.clone().or_else(selected).map(|expr| Question {
            target: target.id.clone(),
            expr,
            bucket_seconds,
            buckets,
        });
        Asked { question, visible }
    }

    fn selected_expr(&self, model: &Model, accepts: Accepts) -> String {
        let shown = shown(model, accepts);
        shown.get(self.view(&shown).cursor).map(|listed| listed.text.clone()).unwrap_or_default()
    }

    /// The scroll position with the cursor where the selected series is now.
    fn view(&self, shown: &[&Listed]) -> Viewport {
        let last = shown.len().saturating_sub(1);
        let chosen = self.chosen.as_ref();
        let at = chosen.and_then(|chosen| shown.iter().position(|listed| listed.labels == *chosen));
        Viewport { cursor: at.unwrap_or(self.view.cursor.min(last)), ..self.view }
    }

    /// Moves the cursor of the chart by a bucket; beyond the newest it is gone.
    fn read(&mut self, model: &Model, older: i64) -> Option<Intent> {
        let buckets = &model.explorer.picture.as_ref()?.as_ref().ok()?.buckets;
        let (end, length) = (buckets.end?, i64::from(buckets.seconds) * 1000);
        let oldest = end.0 - (buckets.count as i64 - 1) * length;
        let mark = self.mark.map_or(end.0 + length, |mark| mark.div_euclid(length) * length) - older * length;
        self.mark = (mark <= end.0).then_some(mark.max(oldest));
        None
    }

    /// The bucket that is read, counted back from the newest.
    fn cursor(&self, buckets: &crate::promql::Buckets) -> Option<usize> {
        let length = i64::from(buckets.seconds.max(1)) * 1000;
        usize::try_from((buckets.end?.0 - self.mark?).div_euclid(length)).ok()
    }
}

/// The series that the filter lets through.
fn shown<'m>(model: &'m Model, accepts: Accepts) -> Vec<&'m Listed> {
    model.explorer.series.iter().filter(|listed| accepts(&listed.text)).collect()
}

/// How a level's threshold is drawn.
#[must_use]
pub fn limit_role(level: super::model::Level) -> Role {
    super::mark::level(level).role
}
