//! Every alert of every target, worst first, and what is known of the selected one.
//!
//! Must never: call an alert quiet whose data is missing or whose range is not covered.

mod detail;
pub mod list;
pub mod row;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::list::Cursor;
use self::row::AlertRow;
use super::{Intent, Look, Model};
use crate::ui::layout::above;
use crate::ui::widget::{Pen, Rows, frame, rows};
use crate::ui::{Action, Role};

/// The list, and what is known of the selected alert.
pub const PARTS: &[&str] = &["alerts", "details"];
const DETAILS: usize = 1;

/// Which alert is selected.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    pub look: Look,
    cursor: Cursor,
}

impl Alerts {
    /// Moves, or opens the runbook of the selected alert.
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let all = row::rows(model);
        let rows = self.shown(&all);
        match action {
            Action::Open => return self.cursor.open(&rows),
            Action::Copy => return Some(self.cursor.copy(&rows)),
            _moves => {}
        }
        let [list, details] = self.look.arranged(body, split(body, rows.len()));
        let inside = frame::inner(details);
        let len = rows.get(self.cursor.index(&rows)).map_or(0, |alert| describe(model, alert, inside.width).len());
        if !self.look.pages(DETAILS, action, len, usize::from(inside.height)) {
            self.cursor.on(action, &rows, usize::from(frame::inner(list).height));
        }
        None
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let all = row::rows(model);
        let alerts = self.shown(&all);
        let [upper, lower] = self.look.arranged(area, split(area, alerts.len()));
        // With nothing to select, the details alone have this to say too.
        let upper = if alerts.is_empty() && upper.height == 0 { lower } else { upper };
        // The summary is of all of them: a filter does not make an alert quiet.
        let (role, summary) = list::summary(&all);
        let title = self.look.filter.title("alerts", alerts.len(), all.len());
        let inside = frame::frame(buf, theme, upper, &title, (role, &summary));
        if alerts.is_empty() {
            let words = match all.len() {
                0 => "no alert rules are loaded: nothing here can fire",
                _some => "no alert matches the filter",
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, words);
            return;
        }
        let height = usize::from(inside.height);
        let window = self.cursor.view(&alerts).window(alerts.len(), height);
        let selected = self.cursor.index(&alerts);
        for (line, at) in window.clone().enumerate() {
            list::draw(buf, model, inside, line, &alerts[at], at == selected);
        }
        rows::more(buf, theme, inside, window.start, alerts.len() - window.end);
        let Some(alert) = alerts.get(selected) else { return };
        let inside = frame::frame(buf, theme, lower, alert.name, (Role::Dim, alert.target.as_str()));
        describe(model, alert, inside.width).draw(buf, theme, inside, &self.look.text(DETAILS));
    }

    fn shown<'a>(&self, all: &[AlertRow<'a>]) -> Vec<AlertRow<'a>> {
        all.iter().filter(|row| !self.look.filter.is_set() || self.look.filter.accepts(&row.line())).cloned().collect()
    }
}

fn describe(model: &Model, alert: &AlertRow, columns: u16) -> Rows {
    let mut text = Rows::new(columns);
    detail::describe(&mut text, model, alert, &alert.rule.provenance());
    text
}

/// The list takes what it needs up to half of the page; the rest tells of the selected one.
fn split(area: Rect, alerts: usize) -> [Rect; 2] {
    let wanted = u16::try_from(alerts.max(1)).unwrap_or(u16::MAX).saturating_add(frame::BOX_ROWS);
    above(area, wanted.min((area.height / 2).max(3))).into()
}
