//! The metrics explorer: every series of the selected target, and one chart of the series that is selected or of an
//! expression that was typed.
//!
//! ```text
//! Metrics::asked ──► app/ asks the explorer ──► Explorer: list, picture, sparklines ──► Metrics::render
//!                                                 └─ Inquiry ──► (shell, a server) ──► Charted, in the picture's place
//! ```
//!
//! Must never: evaluate anything. The page says what it needs, `app/` has it answered.

mod draw;
mod elsewhere;
pub mod explorer;
mod range;

use std::sync::Arc;

use ratatui::layout::Rect;

pub use self::elsewhere::{Elsewhere, Inquiry, Turn};
pub use self::explorer::{Asked, Chart, Explorer, Listed, Question};
pub use self::range::RANGES;
use super::series::selector;
use super::{Intent, Look, Model};
use crate::base::text;
use crate::model::Labels;
use crate::ui::layout::{above, beside};
use crate::ui::widget::chart;
use crate::ui::widget::{Selection, Viewport, frame};
use crate::ui::{Action, Role};

/// In the order of [`parts`].
pub const PARTS: &[&str] = &["chart", "series", "details"];
const CHART: usize = 0;

/// What is asked, which range of it is looked at, and which series is selected.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub look: Look,
    /// The expression that was typed; without one the selected series is charted.
    typed: Option<String>,
    /// Index into [`RANGES`].
    range: usize,
    /// The end of the bucket that is read, in milliseconds: it stays at its time while the chart moves on.
    mark: Option<i64>,
    /// Whether the server of the target is asked instead of evaluating here.
    elsewhere: bool,
    series: Selection<Arc<Labels>>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            look: Look::default(),
            typed: None,
            range: 1,
            mark: None,
            elsewhere: false,
            series: Selection::default(),
        }
    }
}

/// Chart above list; beside each other where there are columns for both. What is known of the selected series needs
/// room of its own.
fn parts(area: Rect) -> [Rect; 3] {
    if area.width < 110 {
        let (chart, list) = above(area, (area.height * 11 / 20).max(area.height.min(9)));
        return [chart, list, Rect { height: 0, ..list }];
    }
    let (list, right) = beside(area, (area.width * 2 / 5).min(90));
    let detail = if area.height >= 30 { 11 } else { 0 };
    let (chart, detail) = above(right, right.height - detail);
    [chart, list, detail]
}

impl Metrics {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        match action {
            Action::Query => {
                return Some(Intent::Query(self.typed.clone().unwrap_or_else(|| self.selected_expr(model))));
            }
            Action::Copy => return Some(self.copy(model)),
            Action::SwitchOrigin => return self.switch_origin(model),
            Action::Open => self.ask(None),
            Action::ChoosePrevious => self.range = self.range.saturating_sub(1),
            Action::ChooseNext => self.range = (self.range + 1).min(RANGES.len() - 1),
            Action::CursorOlder => self.read(model, 1),
            Action::CursorNewer => self.read(model, -1),
            other => {
                let [_, list, _] = self.parts(body);
                let shown = self.shown(model);
                let key = |at: usize| shown.get(at).map(|listed| Arc::clone(&listed.labels));
                let size = (shown.len(), usize::from(frame::inner(list).height));
                self.series.on(other, size, |chosen| place(&shown, chosen), key);
            }
        }
        None
    }

    /// Turns to the server of the target, or back.
    fn switch_origin(&mut self, model: &Model) -> Option<Intent> {
        let target = model.target()?;
        let Some(server) = &target.spec.prometheus else {
            let what = "names no server to ask; add prometheus: (url: \"http://…:9090\") to it in the configuration";
            return Some(Intent::Say(format!("target {} {what}", target.id)));
        };
        self.elsewhere = !self.elsewhere;
        self.mark = None;
        Some(Intent::Say(match self.elsewhere {
            true => format!("charts come from prometheus at {} now", server.url),
            false => "charts are evaluated by this console now".to_owned(),
        }))
    }

    /// The selected series as a selector; where the chart is shown alone, what is charted.
    fn copy(&self, model: &Model) -> Intent {
        let charted = self.typed.clone().filter(|_| self.look.is_alone(CHART));
        let expr = charted.unwrap_or_else(|| self.selected_expr(model));
        match expr.is_empty() {
            true => Intent::Say("no series is shown; there is nothing to copy".to_owned()),
            false => Intent::Copy(text::copyable(&expr).into_owned()),
        }
    }

    /// Charts this expression, or again what is selected.
    pub fn ask(&mut self, expr: Option<String>) {
        self.typed = expr.filter(|expr| !expr.trim().is_empty());
        self.mark = None;
    }

    /// What has to be answered for this page to be drawn.
    #[must_use]
    pub fn asked(&self, model: &Model, body: Rect) -> Asked {
        let Some(target) = model.target() else { return Asked::default() };
        let [chart, list, _] = self.parts(body);
        let shown = self.shown(model);
        let view = self.view(&shown);
        let window = view.window(shown.len(), usize::from(frame::inner(list).height));
        let visible = shown[window].iter().map(|listed| Arc::clone(&listed.labels)).collect();
        let selected = || shown.get(view.cursor).map(|listed| selector(&listed.labels));
        let (bucket_seconds, buckets) = RANGES[self.range].buckets(chart::room(chart));
        let question = self.typed.clone().or_else(selected).map(|expr| Question {
            target: target.id.clone(),
            expr,
            bucket_seconds,
            buckets,
        });
        let server = target.spec.prometheus.as_ref().filter(|_| self.elsewhere);
        let elsewhere = server.and_then(|server| {
            let named = || shown.get(view.cursor).map(|listed| elsewhere::selector(&listed.labels, server));
            Some(Turn { server: server.server(), expr: self.typed.clone().or_else(named)? })
        });
        Asked { question, visible, elsewhere }
    }

    fn parts(&self, area: Rect) -> [Rect; 3] {
        self.look.arranged(area, parts(area))
    }

    /// The series that the filter leaves.
    fn shown<'m>(&self, model: &'m Model) -> Vec<&'m Listed> {
        model.explorer.series.iter().filter(|listed| self.look.filter.accepts(&listed.text)).collect()
    }

    fn selected_expr(&self, model: &Model) -> String {
        let shown = self.shown(model);
        shown.get(self.view(&shown).cursor).map(|listed| listed.text.clone()).unwrap_or_default()
    }

    fn view(&self, shown: &[&Listed]) -> Viewport {
        self.series.view(shown.len(), |chosen| place(shown, chosen))
    }

    /// Moves the cursor of the chart by a bucket; beyond the newest it is gone.
    fn read(&mut self, model: &Model, older: i64) {
        let Some(buckets) = model.explorer.buckets() else { return };
        let (Some(end), length) = (buckets.end, i64::from(buckets.seconds) * 1000) else { return };
        let oldest = end.0 - (buckets.count as i64 - 1) * length;
        let mark = self.mark.map_or(end.0 + length, |mark| mark.div_euclid(length) * length) - older * length;
        self.mark = (mark <= end.0).then_some(mark.max(oldest));
    }

    /// The bucket that is read, counted back from the newest.
    fn cursor(&self, buckets: &crate::promql::Buckets) -> Option<usize> {
        let length = i64::from(buckets.seconds.max(1)) * 1000;
        usize::try_from((buckets.end?.0 - self.mark?).div_euclid(length)).ok()
    }
}

fn place(shown: &[&Listed], chosen: &Arc<Labels>) -> Option<usize> {
    shown.iter().position(|listed| listed.labels == *chosen)
}

/// How a level's threshold is drawn.
#[must_use]
pub fn limit_role(level: super::model::Level) -> Role {
    super::mark::level(level).role
}
