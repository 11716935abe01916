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
use super::{Accepts, Intent, Model};
use crate::base::Provenance;
use crate::ui::layout::above;
use crate::ui::widget::{Pen, Rows, Viewport, frame, rows};
use crate::ui::{Action, Role};

/// Which alert is selected.
#[derive(Clone, Debug, Default)]
pub struct Alerts {
    cursor: Cursor,
}

impl Alerts {
    /// Moves, or opens the runbook of the selected alert.
    pub fn on(&mut self, action: Action, model: &Model, body: Rect, accepts: Accepts) -> Option<Intent> {
        let rows = shown(model, accepts);
        if action == Action::Open {
            return self.cursor.open(&rows);
        }
        let (list, _) = split(body, rows.len());
        self.cursor.on(action, &rows, usize::from(frame::inner(list).height));
        None
    }

    pub fn render(&self, model: &Model, accepts: Accepts, area: Rect, buf: &mut Buffer) {
        let rows = shown(model, accepts);
        let selected = rows.get(self.cursor.index(&rows));
        let alert = selected.and_then(|row| {
            model
                .alerts
                .alerts()
                .find(|alert| alert.target == *row.target && alert.rule.name == row.name && alert.labels == *row.labels)
        });
        let provenance = alert.map(|alert| alert.rule.provenance());
        self.paint(model, &rows, provenance.unwrap_or_default(), area, buf);
    }

    fn paint(&self, model: &Model, alerts: &[AlertRow], provenance: Provenance, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let (upper, lower) = split(area, alerts.len());
        let (role, summary) = list::summary(alerts);
        let inside = frame::frame(buf, theme, upper, "alerts", (role, &summary));
        if alerts.is_empty() {
            let words = match model.alerts.alerts().next() {
                Some(_) => "no alert passes the filter",
                None => "no alert rules are loaded: nothing here can fire",
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, words);
            return;
        }
        let height = usize::from(inside.height);
        let window = self.cursor.view(alerts).window(alerts.len(), height);
        let selected = self.cursor.index(alerts);
        for (line, at) in window.clone().enumerate() {
            list::draw(buf, model, inside, line, &alerts[at], at == selected);
        }
        rows::more(buf, theme, inside, window.start, alerts.len() - window.end);
        let Some(alert) = alerts.get(selected) else { return };
        let inside = frame::frame(buf, theme, lower, alert.name, (Role::Dim, alert.target.as_str()));
        let mut text = Rows::new(inside.width);
        detail::describe(&mut text, model, alert, &provenance);
        text.draw(buf, theme, inside, &Viewport::default());
    }
}

/// The alerts that the filter lets through, by everything that their lines say.
fn shown<'m>(model: &'m Model, accepts: Accepts) -> Vec<AlertRow<'m>> {
    row::rows(model).into_iter().filter(|row| accepts(&row.text())).collect()
}

/// The list takes what it needs up to half of the page; the rest tells of the selected one.
fn split(area: Rect, alerts: usize) -> (Rect, Rect) {
    let wanted = u16::try_from(alerts.max(1)).unwrap_or(u16::MAX).saturating_add(frame::BOX_ROWS);
    above(area, wanted.min((area.height / 2).max(3)))
}
