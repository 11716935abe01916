//! The top of every page: which target, how dangerous, who may act, whether the node answers, and what time it is.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::model::{LinkState, Model, Target};
use super::words::countdown;
use super::{Page, mark};
use crate::alert::AlertState;
use crate::base::text;
use crate::base::time::spoken;
use crate::runbook::seal::Environment;
use crate::ui::widget::{Mark, Pen};
use crate::ui::{Action, Glyph, Role, Theme, layout};

/// Draws one line, or two where the window is high enough for the tabs.
pub fn draw(buf: &mut Buffer, model: &Model, page: Page, area: Rect) {
    identity(buf, model, layout::line(area, 0), area.height < 2);
    if area.height > 1 {
        tabs(buf, model, page, layout::line(area, 1));
    }
}

fn identity(buf: &mut Buffer, model: &Model, area: Rect, alone: bool) {
    let target = model.target();
    let environment = target.map(|target| target.spec.environment);
    let theme = &model.theme;
    let mut pen = Pen::new(buf, theme, area, 0);
    // Second by second only the last digits of the clock change: it stands still at the right edge.
    pen.right_gap(1);
    pen.right(Role::Text, &format!("{} UTC", clock(model)));
    pen.right_gap(2);
    if alone {
        mode(&mut pen, model);
        pen.right_gap(2);
    }
    let (role, words) = line(model);
    // In a narrow window a line that is well gives way to the name of what is looked at.
    if (role != Role::Dim || text::width(&words) + 34 <= pen.room()) && pen.right(role, &words) {
        pen.right_gap(2);
    }
    pen.gap(1);
    if !alone {
        pen.put(Role::Dim, "opsconsole").gap(2);
    }
    if let Some(environment) = environment.filter(|environment| *environment != Environment::Demo) {
        let word = badge(environment);
        pen.put(Role::of(environment), &format!(" {word} ")).gap(1);
    }
    if model.console.demo || environment == Some(Environment::Demo) {
        pen.put(Role::Demo, " DEMO ").gap(1);
    }
    // The badges go first: the name may be cut, the danger may not.
    match target {
        Some(target) => pen.put(Role::Title, target.id.as_str()),
        None => pen.put(Role::Unknown, "no target"),
    };
    if let Some((mark, words)) = target.filter(|_| !alone).map(|target| link(model, target)) {
        let wide = text::width(&words) + 2;
        if pen.room() > wide + 2 {
            pen.right(mark.role, &format!("{} {words}", theme.glyph(mark.glyph)));
        }
    }
    if environment == Some(Environment::Production) {
        band(buf, theme, area);
    }
}

fn badge(environment: Environment) -> &'static str {
    match environment {
        Environment::Demo => "DEMO",
        Environment::Development => "dev",
        Environment::Staging => "staging",
        Environment::Production => "PROD",
    }
}

/// Lays the band of production under the whole line; what has a background of its own, such as an armed console, stays
/// what it is.
fn band(buf: &mut Buffer, theme: &Theme, area: Rect) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let cell = &mut buf[(x, y)];
            if cell.bg == Color::Reset && !cell.modifier.contains(Modifier::REVERSED) {
                cell.modifier = Modifier::empty();
                cell.set_style(theme.style(Role::Production));
            }
        }
    }
}

/// The time, to the second where the line carries a frame every second.
fn clock(model: &Model) -> String {
    let mut clock = model.now.wall.clock();
    if model.link.refresh() > Duration::from_secs(1) {
        clock.truncate("hh:mm".len());
    }
    clock
}

/// The line to this terminal: what it carries, or that nothing arrives.
fn line(model: &Model) -> (Role, String) {
    match model.link.state {
        LinkState::Unknown => (Role::Dim, "link unmeasured".to_owned()),
        LinkState::Fast => (Role::Dim, "link ok".to_owned()),
        LinkState::Slow { bytes_per_second: None } => (Role::Warning, "link slow".to_owned()),
        LinkState::Slow { bytes_per_second: Some(rate) } if rate < 1000 => (Role::Warning, format!("link {rate} B/s")),
        LinkState::Slow { bytes_per_second: Some(rate) } => (Role::Warning, format!("link {} kB/s", rate / 1000)),
        LinkState::Held { since } => {
            (Role::Warning, format!("link held {}", spoken(model.now.boot.since(since)).replace(' ', "")))
        }
    }
}

/// How many of a target's sources answer now.
#[must_use]
pub fn link(model: &Model, target: &Target) -> (Mark, String) {
    let sources = || model.store.sources().filter(|source| source.target == target.id);
    let all = sources().count();
    let answering = sources().filter(|source| source.truth(model.now.boot).is_fresh()).count();
    let mark = match answering {
        0 if all == 0 => mark::level(super::model::Level::Unknown),
        0 => mark::level(super::model::Level::Critical),
        some if some < all => mark::level(super::model::Level::Warning),
        _all_of_them => mark::level(super::model::Level::Ok),
    };
    (mark, format!("{answering} of {all} sources answer"))
}

/// Observing or armed: for what, by whom and how long; in as many words as there is room for.
fn mode(pen: &mut Pen, model: &Model) {
    let Some(arming) = &model.arming else {
        pen.right(Role::Dim, "observing");
        return;
    };
    let left = countdown(model.now, arming.until);
    let forms = [
        format!(" ARMED for {} by {} {left} left ", arming.target, arming.declared),
        format!(" ARMED {} {left} ", arming.target),
        format!(" ARMED {left} "),
    ];
    for words in &forms {
        if text::width(words) + 24 <= pen.room() && pen.right(Role::Armed, words) {
            return;
        }
    }
    pen.right(Role::Armed, &forms[2]);
}

fn tabs(buf: &mut Buffer, model: &Model, page: Page, area: Rect) {
    let theme: &Theme = &model.theme;
    let firing = model.alerts.alerts().filter(|alert| matches!(alert.state, AlertState::Firing { .. })).count();
    let mut pen = Pen::new(buf, theme, area, 0);
    pen.right_gap(1);
    mode(&mut pen, model);
    pen.right_gap(1).gap(1);
    let key = |page| model.keymap.key(action(page)).map(|key| key.to_string()).unwrap_or_default();
    let whole: usize = Page::ALL.iter().map(|page| key(*page).len() + page.word().len() + 3).sum();
    let words = whole + 3 < pen.room();
    for other in Page::ALL {
        let here = other == page;
        let (key_role, word_role) = if here { (Role::Title, Role::Title) } else { (Role::Accent, Role::Dim) };
        if here {
            pen.glyph(Role::Accent, Glyph::Cursor);
        }
        pen.put(key_role, &key(other));
        if words || here {
            pen.gap(1).put(word_role, other.word());
        }
        if other == Page::Alerts && firing > 0 {
            pen.gap(1).put(Role::Critical, &format!("{}{firing}", theme.glyph(Glyph::Firing)));
        }
        pen.gap(2);
    }
}

/// The action that shows a page.
#[must_use]
pub fn action(page: Page) -> Action {
    match page {
        Page::Overview => Action::PageOverview,
        Page::Target => Action::PageTarget,
        Page::Alerts => Action::PageAlerts,
        Page::Wizard => Action::PageWizard,
        Page::Journal => Action::PageJournal,
        Page::Sources => Action::PageSources,
        Page::Metrics => Action::PageMetrics,
        Page::Logs => Action::PageLogs,
        Page::Slo => Action::PageSlo,
    }
}
