//! Panes: one folder each. A pane owns its view state (cursor, scroll) and draws; facts live in the [`Model`].
//!
//! ```text
//! Action ──► Panes::on(page, action, &Model) ──► Intent ──► app/
//!            screen::draw(&Model, &Panes, page, area, buffer)
//! ```
//!
//! Must never: change a fact, know a message or an effect, or decide that something dangerous may happen: a pane
//! returns an [`Intent`], and `app/` wraps it in its confirmation.
//!
//! To add a pane: one folder, and one line each in [`Page`] and [`Panes`].

pub mod alerts;
pub mod cells;
pub mod footer;
pub mod header;
pub mod intent;
pub mod journal;
pub mod logs;
pub mod mark;
pub mod metrics;
pub mod model;
pub mod overview;
pub mod screen;
pub mod series;
pub mod sources;
pub mod target;
pub mod wizard;
pub mod words;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::{Action, layout};
pub use intent::{Intent, Page};
pub use model::Model;
pub use screen::draw;

/// One of each pane, and how large they are.
#[derive(Clone, Debug)]
pub struct Panes {
    pub overview: overview::Overview,
    pub target: target::TargetPane,
    pub alerts: alerts::Alerts,
    pub wizard: wizard::Wizard,
    pub journal: journal::Journal,
    pub sources: sources::Sources,
    pub metrics: metrics::Metrics,
    pub logs: logs::Logs,
    body: Rect,
}

impl Default for Panes {
    fn default() -> Panes {
        Panes {
            overview: overview::Overview::default(),
            target: target::TargetPane::default(),
            alerts: alerts::Alerts::default(),
            wizard: wizard::Wizard::default(),
            journal: journal::Journal::default(),
            sources: sources::Sources::default(),
            metrics: metrics::Metrics::default(),
            logs: logs::Logs::default(),
            body: Rect { x: 0, y: 2, width: 80, height: 21 },
        }
    }
}

impl Panes {
    /// Takes in the size of the window, so that a page up is the page that is seen. Drawing does not need it.
    pub fn resized(&mut self, area: Rect, model: &Model) {
        if let Ok(regions) = layout::layout(area, screen::banners(model).len()) {
            self.body = regions.body;
        }
    }

    /// What an action means on a page. Actions about the console itself (help, arming, quitting, redrawing) are the
    /// app's and answer with nothing here.
    pub fn on(&mut self, page: Page, action: Action, model: &Model) -> Option<Intent> {
        match action {
            Action::PageOverview => Some(Intent::Show(Page::Overview)),
            Action::PageTarget => Some(Intent::Show(Page::Target)),
            Action::PageAlerts => Some(Intent::Show(Page::Alerts)),
            Action::PageWizard => Some(Intent::Show(Page::Wizard)),
            Action::PageJournal => Some(Intent::Show(Page::Journal)),
            Action::PageSources => Some(Intent::Show(Page::Sources)),
            Action::PageMetrics => Some(Intent::Show(Page::Metrics)),
            Action::PageLogs => Some(Intent::Show(Page::Logs)),
            Action::NextPage => Some(Intent::Show(neighbour(page, 1))),
            Action::PreviousPage => Some(Intent::Show(neighbour(page, Page::ALL.len() - 1))),
            Action::NextTarget => next_target(model),
            Action::Back => (page != Page::Overview).then_some(Intent::Show(Page::Overview)),
            // An expression can be typed from anywhere; only the page of metrics knows what stands in the line.
            Action::Query => self.on_page(Page::Metrics, action, model),
            Action::ChoosePrevious
            | Action::ChooseNext
            | Action::CursorOlder
            | Action::CursorNewer
            | Action::Wrap
            | Action::Follow
            | Action::PollNow
            | Action::Up
            | Action::Down
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Open
            | Action::CopyStep
            | Action::TakeOther
            | Action::Commit
            | Action::SettleUnknown
            | Action::CloseRun => self.on_page(page, action, model),
            Action::Help | Action::Arm | Action::Disarm | Action::Redraw | Action::Suspend | Action::Quit => None,
        }
    }

    fn on_page(&mut self, page: Page, action: Action, model: &Model) -> Option<Intent> {
        let body = self.body;
        let accepts = self.filter(page);
        match page {
            Page::Overview => self.overview.on(action, model, body),
            Page::Target => self.target.on(action, model, body),
            Page::Alerts => self.alerts.on(action, model, body, &accepts),
            Page::Wizard => self.wizard.on(action, model, body),
            Page::Journal => self.journal.on(action, model, body, &accepts),
            Page::Sources => self.sources.on(action, model, body, &accepts),
            Page::Metrics => self.metrics.on(action, model, body, &accepts),
            Page::Logs => self.logs.on(action, model, body, &accepts),
        }
    }

    /// What the page of metrics needs to be drawn as it stands.
    #[must_use]
    pub fn asked(&self, model: &Model) -> metrics::Asked {
        self.metrics.asked(model, self.body, &self.filter(Page::Metrics))
    }

    /// Which lines of a page's list are shown, by the text of each. This is the one place to put a filter: every list
    /// takes its answer.
    fn filter(&self, _page: Page) -> impl Fn(&str) -> bool + use<> {
        |_line| true
    }

    /// Draws a page.
    pub fn render(&self, page: Page, model: &Model, area: Rect, buf: &mut Buffer) {
        let accepts = self.filter(page);
        match page {
            Page::Overview => self.overview.render(model, area, buf),
            Page::Target => self.target.render(model, area, buf),
            Page::Alerts => self.alerts.render(model, &accepts, area, buf),
            Page::Wizard => self.wizard.render(model, area, buf),
            Page::Journal => self.journal.render(model, &accepts, area, buf),
            Page::Sources => self.sources.render(model, &accepts, area, buf),
            Page::Metrics => self.metrics.render(model, &accepts, area, buf),
            Page::Logs => self.logs.render(model, &accepts, area, buf),
        }
    }
}

/// Whether a line of a list is shown, by its text.
pub type Accepts<'a> = &'a dyn Fn(&str) -> bool;

fn neighbour(page: Page, steps: usize) -> Page {
    let at = Page::ALL.iter().position(|other| *other == page).unwrap_or(0);
    Page::ALL[(at + steps) % Page::ALL.len()]
}

fn next_target(model: &Model) -> Option<Intent> {
    let next = (model.selected + 1) % model.targets.len().max(1);
    let target = model.targets.get(next).filter(|_| next != model.selected)?;
    Some(Intent::SelectTarget(target.id.clone()))
}

#[cfg(test)]
mod screen_tests;
#[cfg(test)]
mod testing;
