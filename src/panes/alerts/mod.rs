//! Every alert of every target, worst first, and what is known of the selected one.
//!
//! Must never: call an alert quiet whose data is missing or whose range is not covered.

pub mod detail;
pub mod list;
mod place;
pub mod row;
mod why;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::list::Cursor;
use self::row::AlertRow;
use super::{Intent, Look, Model};
use crate::alert::ClaimKind;
use crate::base::At;
use crate::ui::layout::{above, beside};
use crate::ui::widget::{Pen, Rows, frame, rows};
use crate::ui::{Action, Role};
pub use why::{Why, WhyAsked};

/// The list, what is known of the selected alert, and its expression part by part.
pub const PARTS: &[&str] = &["alerts", "details", "why"];
const DETAILS: usize = 1;
const WHY: usize = 2;

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
            Action::Acknowledge => return Some(self.cursor.claim(&rows, ClaimKind::Acknowledgement)),
            Action::Snooze => return Some(self.cursor.claim(&rows, ClaimKind::Snooze)),
            _moves => {}
        }
        let [list, details, why] = self.look.arranged(body, split(body, rows.len()));
        let selected = rows.get(self.cursor.index(&rows));
        let (details, why) = (frame::inner(details), frame::inner(why));
        let described = selected.map_or(0, |alert| describe(model, alert, details.width).len());
        let explained = selected.map_or(0, |alert| explain(model, alert, why.width).len());
        if !self.look.pages(DETAILS, action, described, usize::from(details.height))
            && !self.look.pages(WHY, action, explained, usize::from(why.height))
        {
            self.cursor.on(action, &rows, usize::from(frame::inner(list).height));
        }
        None
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let all = row::rows(model);
        let alerts = self.shown(&all);
        let [upper, lower, aside] = self.look.arranged(area, split(area, alerts.len()));
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
        let whence = format!("{} {}", alert.target, alert.place());
        let inside = frame::frame(buf, theme, lower, alert.name, (Role::Dim, whence.trim_end()));
        describe(model, alert, inside.width).draw(buf, theme, inside, &self.look.text(DETAILS));
        let inside = frame::frame(buf, theme, aside, "why", (Role::Dim, "every part of its expression, now"));
        explain(model, alert, inside.width).draw(buf, theme, inside, &self.look.text(WHY));
    }

    /// The explanation that the page needs to be drawn as it stands.
    #[must_use]
    pub fn asked(&self, model: &Model, at: At) -> Option<WhyAsked> {
        let all = row::rows(model);
        let rows = self.shown(&all);
        rows.get(self.cursor.index(&rows)).map(|row| WhyAsked::of(row, model, at))
    }

    /// Whether the selected alert has a runbook that could be opened.
    #[must_use]
    pub fn opens(&self, model: &Model) -> bool {
        let all = row::rows(model);
        let rows = self.shown(&all);
        self.cursor.row(&rows).is_some_and(|row| row.runbook().is_some())
    }

    fn shown<'a>(&self, all: &[AlertRow<'a>]) -> Vec<AlertRow<'a>> {
        all.iter().filter(|row| !self.look.filter.is_set() || self.look.filter.accepts(&row.line())).copied().collect()
    }
}

fn describe(model: &Model, alert: &AlertRow, columns: u16) -> Rows {
    let mut text = Rows::new(columns);
    detail::describe(&mut text, model, alert, &alert.rule.provenance());
    text
}

fn explain(model: &Model, alert: &AlertRow, columns: u16) -> Rows {
    let mut text = Rows::new(columns);
    why::tree(&mut text, model, alert);
    text
}

/// From this width on there is room for the explanation beside the details.
const WIDE: u16 = 110;

/// The list takes what it needs up to half of the page; the rest tells of the selected one.
fn split(area: Rect, alerts: usize) -> [Rect; 3] {
    let wanted = u16::try_from(alerts.max(1)).unwrap_or(u16::MAX).saturating_add(frame::BOX_ROWS);
    let (list, rest) = above(area, wanted.min((area.height / 2).max(3)));
    let (details, why) = beside(rest, if rest.width < WIDE { rest.width } else { rest.width / 2 });
    [list, details, why]
}
