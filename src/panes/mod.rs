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
//! To add a pane: one folder, and one line each in [`Page`] and [`Panes`]. A pane holds its [`Look`] (zoom, filter),
//! names its parts, passes its layout through [`Look::arranged`] and its lines through [`Look::filter`].

pub mod alerts;
pub mod answering;
pub mod capability;
pub mod cells;
pub mod fleet;
pub mod footer;
pub mod header;
pub mod health;
pub mod intent;
pub mod journal;
pub mod logs;
pub mod look;
pub mod mark;
pub mod metrics;
pub mod model;
pub mod overview;
pub mod screen;
pub mod series;
pub mod slo;
pub mod sources;
pub mod target;
pub mod uses;
pub mod welcome;
pub mod wizard;
pub mod words;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::layout::{self, above};
use crate::ui::widget::Pen;
use crate::ui::{Action, Glyph, Role};
pub use intent::{Intent, Page};
pub use look::Look;
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
    pub slo: slo::Slos,
    pub fleet: fleet::Fleet,
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
            slo: slo::Slos::default(),
            fleet: fleet::Fleet::default(),
            body: Rect { x: 0, y: 2, width: 80, height: 21 },
        }
    }
}

impl Panes {
    /// Takes in the size of the window, so that a page up is the page that is seen. Drawing does not need it.
    pub fn resized(&mut self, area: Rect, model: &Model) {
        if let Ok(regions) = layout::layout(area, screen::banner_rows(model, area)) {
            self.body = regions.body;
        }
    }

    /// What an action means on a page, by the facts that are shown. Actions about the console itself (help, arming,
    /// filtering, freezing, quitting, redrawing) are the app's and answer with nothing here.
    pub fn on(&mut self, page: Page, action: Action, model: &Model) -> Option<Intent> {
        let model = model.shown();
        if let Some(words) = uses::elsewhere(page, action, &model.keymap) {
            return Some(Intent::Say(words));
        }
        match action {
            Action::PageOverview => Some(Intent::Show(Page::Overview)),
            Action::PageTarget => Some(Intent::Show(Page::Target)),
            Action::PageAlerts => Some(Intent::Show(Page::Alerts)),
            Action::PageWizard => Some(Intent::Show(Page::Wizard)),
            Action::PageJournal => Some(Intent::Show(Page::Journal)),
            Action::PageSources => Some(Intent::Show(Page::Sources)),
            Action::PageMetrics => Some(Intent::Show(Page::Metrics)),
            Action::PageLogs => Some(Intent::Show(Page::Logs)),
            Action::PageSlo => Some(Intent::Show(Page::Slo)),
            Action::PageFleet => Some(Intent::Show(Page::Fleet)),
            Action::NextPage => Some(Intent::Show(neighbour(page, 1))),
            Action::PreviousPage => Some(Intent::Show(neighbour(page, Page::ALL.len() - 1))),
            Action::NextTarget => {
                next_target(model).or_else(|| Some(Intent::Say("there is no other target to select".to_owned())))
            }
            Action::Zoom => {
                let parts = self.parts(page, model).len();
                self.look_mut(page).zoom_next(parts);
                None
            }
            // An expression can be typed from anywhere; only the page of metrics knows what stands in the line.
            Action::Query => self.on_page(Page::Metrics, action, model),
            Action::ChoosePrevious
            | Action::ChooseNext
            | Action::SwitchOrigin
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
            | Action::Copy
            | Action::Acknowledge
            | Action::Snooze
            | Action::TakeOther
            | Action::Commit
            | Action::SettleUnknown
            | Action::CloseRun
            | Action::Tick
            | Action::Decline
            | Action::ByHand => self.on_page(page, action, model),
            Action::Back
            | Action::Backward
            | Action::Forward
            | Action::Filter
            | Action::Freeze
            | Action::Palette
            | Action::Help
            | Action::Arm
            | Action::Disarm
            | Action::NextTheme
            | Action::Reload
            | Action::Redraw
            | Action::Suspend
            | Action::Quit
            | Action::DemoFaults => None,
        }
    }

    fn on_page(&mut self, page: Page, action: Action, model: &Model) -> Option<Intent> {
        let (_, body) = self.split(page, model, self.body);
        match page {
            Page::Overview => self.overview.on(action, model, body),
            Page::Target => self.target.on(action, model, body),
            Page::Alerts => self.alerts.on(action, model, body),
            Page::Wizard => self.wizard.on(action, model, body),
            Page::Journal => self.journal.on(action, model, body),
            Page::Sources => self.sources.on(action, model, body),
            Page::Metrics => self.metrics.on(action, model, body),
            Page::Logs => self.logs.on(action, model, body),
            Page::Slo => self.slo.on(action, model, body),
            Page::Fleet => self.fleet.on(action, model, body),
        }
    }

    /// Whether what is selected on a page can be opened: an alert that no runbook serves can not.
    #[must_use]
    pub fn opens(&self, page: Page, model: &Model) -> bool {
        match page {
            Page::Alerts => self.alerts.opens(model.shown()),
            Page::Overview
            | Page::Target
            | Page::Wizard
            | Page::Journal
            | Page::Sources
            | Page::Metrics
            | Page::Logs
            | Page::Slo
            | Page::Fleet => true,
        }
    }

    /// What the page of metrics needs to be drawn as it stands.
    #[must_use]
    pub fn asked(&self, model: &Model) -> metrics::Asked {
        let (_, body) = self.split(Page::Metrics, model, self.body);
        self.metrics.asked(model, body)
    }

    /// Draws a page, or the part of it that is shown alone under a line that says so and how to come back.
    pub fn render(&self, page: Page, model: &Model, area: Rect, buf: &mut Buffer) {
        let (title, area) = self.split(page, model, area);
        self.draw_zoom(page, model, title, buf);
        match page {
            // Without a target there is nothing to overlook; what was looked for is more use.
            Page::Overview if !model.console.nothing_found.is_empty() => welcome::render(model, area, buf),
            Page::Overview => self.overview.render(model, area, buf),
            Page::Target => self.target.render(model, area, buf),
            Page::Alerts => self.alerts.render(model, area, buf),
            Page::Wizard => self.wizard.render(model, area, buf),
            Page::Journal => self.journal.render(model, area, buf),
            Page::Sources => self.sources.render(model, area, buf),
            Page::Metrics => self.metrics.render(model, area, buf),
            Page::Logs => self.logs.render(model, area, buf),
            Page::Slo => self.slo.render(model, area, buf),
            Page::Fleet => self.fleet.render(model, area, buf),
        }
    }

    /// What the parts of a page are called, in the order in which they are shown alone.
    #[must_use]
    pub fn parts(&self, page: Page, model: &Model) -> Vec<String> {
        let named = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        match page {
            Page::Overview => overview::parts(model),
            Page::Target => named(target::PARTS),
            Page::Alerts => named(alerts::PARTS),
            Page::Wizard => named(wizard::PARTS),
            Page::Journal => named(journal::PARTS),
            Page::Sources => named(sources::PARTS),
            Page::Metrics => named(metrics::PARTS),
            Page::Logs => named(logs::PARTS),
            Page::Slo => named(slo::PARTS),
            Page::Fleet => named(fleet::PARTS),
        }
    }

    /// How a page is looked at.
    #[must_use]
    pub fn look(&self, page: Page) -> &Look {
        match page {
            Page::Overview => &self.overview.look,
            Page::Target => &self.target.look,
            Page::Alerts => &self.alerts.look,
            Page::Wizard => &self.wizard.look,
            Page::Journal => &self.journal.look,
            Page::Sources => &self.sources.look,
            Page::Metrics => &self.metrics.look,
            Page::Logs => &self.logs.look,
            Page::Slo => &self.slo.look,
            Page::Fleet => &self.fleet.look,
        }
    }

    pub fn look_mut(&mut self, page: Page) -> &mut Look {
        match page {
            Page::Overview => &mut self.overview.look,
            Page::Target => &mut self.target.look,
            Page::Alerts => &mut self.alerts.look,
            Page::Wizard => &mut self.wizard.look,
            Page::Journal => &mut self.journal.look,
            Page::Sources => &mut self.sources.look,
            Page::Metrics => &mut self.metrics.look,
            Page::Logs => &mut self.logs.look,
            Page::Slo => &mut self.slo.look,
            Page::Fleet => &mut self.fleet.look,
        }
    }

    /// Looks at a page as it was looked at then: its selection, scroll, zoom and filter.
    pub fn restore(&mut self, page: Page, then: &Panes) {
        match page {
            Page::Overview => self.overview = then.overview.clone(),
            Page::Target => self.target = then.target.clone(),
            Page::Alerts => self.alerts = then.alerts.clone(),
            Page::Wizard => self.wizard = then.wizard.clone(),
            Page::Journal => self.journal = then.journal.clone(),
            Page::Sources => self.sources = then.sources.clone(),
            Page::Metrics => self.metrics = then.metrics.clone(),
            Page::Logs => self.logs = then.logs.clone(),
            Page::Slo => self.slo = then.slo.clone(),
            Page::Fleet => self.fleet = then.fleet.clone(),
        }
    }

    /// The line that says that a part is shown alone, where one is, and the page below it.
    fn split(&self, page: Page, model: &Model, area: Rect) -> (Rect, Rect) {
        let alone = self.look(page).zoomed(self.parts(page, model).len());
        above(area, u16::from(alone.is_some()))
    }

    fn draw_zoom(&self, page: Page, model: &Model, area: Rect, buf: &mut Buffer) {
        let parts = self.parts(page, model);
        let Some(alone) = self.look(page).zoomed(parts.len()) else { return };
        let mut pen = Pen::new(buf, &model.theme, area, 0);
        let next = if alone + 1 < parts.len() { "next part" } else { "whole page" };
        pen.right_gap(1);
        pen.right(Role::Dim, " whole page");
        pen.right(Role::Accent, &model.keymap.press(Action::Back));
        pen.right(Role::Dim, &format!(" {next}  "));
        pen.right(Role::Accent, &model.keymap.press(Action::Zoom));
        pen.gap(1).glyph(Role::Accent, Glyph::Cursor).gap(1).put(Role::Title, &parts[alone]);
        pen.put(Role::Dim, &format!(" alone, {} of {}", alone + 1, parts.len()));
    }
}

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
pub(crate) mod testing;
