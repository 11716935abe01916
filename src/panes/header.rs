//! The top of every page: which target, how dangerous, who may act, whether the node answers, and what time it is.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::answering::Answering;
use super::model::{LinkState, Model, Target};
use super::words::countdown;
use super::{Page, health};
use crate::alert::AlertState;
use crate::base::text;
use crate::base::time::spoken;
use crate::runbook::seal::Environment;
use crate::ui::widget::Pen;
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
    let mut badges = Vec::new();
    if let Some(environment) = environment.filter(|environment| *environment != Environment::Demo) {
        badges.push((Role::of(environment), format!(" {} ", badge(environment))));
    }
    if model.console.demo || environment == Some(Environment::Demo) {
        badges.push((Role::Demo, " DEMO ".to_owned()));
    }
    let name = target.map_or((Role::Unknown, "no target"), |target| (Role::Title, target.id.as_str()));
    let mut pen = Pen::new(buf, theme, area, 0);
    // Second by second only the last digits of the clock change: it stands still at the right edge.
    pen.right_gap(1);
    pen.right(Role::Text, &format!("{} UTC", clock(model)));
    pen.right_gap(2);
    if alone {
        mode(&mut pen, model);
        pen.right_gap(2);
    }
    pen.gap(1);
    let identity: usize = badges.iter().map(|(_, badge)| text::width(badge) + 1).sum();
    let extras = Extras::fitting(model, target, pen.room().saturating_sub(identity + text::width(name.1) + 2));
    if let Some((role, words)) = &extras.line {
        pen.right(*role, words);
        pen.right_gap(2);
    }
    if extras.product {
        pen.put(Role::Dim, PRODUCT).gap(2);
    }
    for (role, badge) in &badges {
        pen.put(*role, badge).gap(1);
    }
    // The badges go first: the name may be cut, the danger may not.
    for (role, words) in extras.fleet.iter().chain(&extras.faults) {
        pen.right(*role, words);
        pen.right_gap(2);
    }
    pen.put(name.0, name.1);
    // Beside the name, because it is said of this target alone.
    if let Some((role, words)) = &extras.answering {
        pen.gap(1).put(*role, words);
    }
    if environment == Some(Environment::Production) {
        band(buf, theme, area);
    }
}

const PRODUCT: &str = "opsconsole";

/// What the line says beside the target and the time, as far as there is room: first that the line to the terminal is
/// ill, then how all targets together are, then what goes wrong in a demo on purpose, then whether the selected target
/// answers, then that the line is well, and last the name of this program.
struct Extras {
    line: Option<(Role, String)>,
    fleet: Option<(Role, String)>,
    answering: Option<(Role, String)>,
    faults: Option<(Role, String)>,
    product: bool,
}

impl Extras {
    /// Everything at length; with the demo's faults in few words where that makes room for what else would be left out.
    fn fitting(model: &Model, target: Option<&Target>, room: usize) -> Extras {
        let at_length = Extras::in_words(model, target, room, false);
        if at_length.line.is_some() {
            return at_length;
        }
        let in_few = Extras::in_words(model, target, room, true);
        if in_few.line.is_some() { in_few } else { at_length }
    }

    fn in_words(model: &Model, target: Option<&Target>, room: usize, few: bool) -> Extras {
        let mut left = room;
        let mut fits = |words: &str| {
            let wide = text::width(words) + 2;
            let fits = wide <= left;
            left -= if fits { wide } else { 0 };
            fits
        };
        let (role, words) = line(model);
        let ill = role != Role::Dim && fits(&words);
        let fleet = health::fleet(model).and_then(|(role, forms)| {
            let form = forms.into_iter().find(|words| fits(words))?;
            Some((role, form))
        });
        let forms = faults(model);
        let faults = forms.into_iter().skip(usize::from(few)).find(|words| fits(words));
        let faults = faults.map(|words| (Role::Demo, words));
        let answering = target.map(|target| link(model, target)).and_then(|counted| {
            let mark = counted.mark();
            let glyph = model.theme.glyph(mark.glyph);
            let forms = [counted.words(), counted.short()].map(|words| format!("{glyph} {words}"));
            forms.into_iter().find(|words| fits(words)).map(|words| (mark.role, words))
        });
        let well = role == Role::Dim && fits(&words);
        let line = (ill || well).then_some((role, words));
        Extras { line, fleet, answering, faults, product: fits(PRODUCT) }
    }
}

fn badge(environment: Environment) -> &'static str {
    match environment {
        Environment::Demo => "DEMO",
        Environment::Development => "dev",
        Environment::Staging => "staging",
        Environment::Production => "PROD",
        Environment::NotConfigured => "not configured",
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

/// The line to this terminal: what it carries, or that nothing arrives. It is named by the terminal, so that nobody
/// takes it for the node's.
fn line(model: &Model) -> (Role, String) {
    match model.link.state {
        LinkState::Unknown => (Role::Dim, "terminal unmeasured".to_owned()),
        LinkState::Fast => (Role::Dim, "terminal ok".to_owned()),
        LinkState::Slow { bytes_per_second: None } => (Role::Warning, "terminal slow".to_owned()),
        LinkState::Slow { bytes_per_second: Some(rate) } if rate < 1000 => {
            (Role::Warning, format!("terminal {rate} B/s"))
        }
        LinkState::Slow { bytes_per_second: Some(rate) } => (Role::Warning, format!("terminal {} kB/s", rate / 1000)),
        LinkState::Held { since } => {
            (Role::Warning, format!("terminal held {}", spoken(model.now.boot.since(since)).replace(' ', "")))
        }
    }
}

/// How many faults of a demo are on.
fn faults(model: &Model) -> Vec<String> {
    let Some(told) = model.faults.as_ref().filter(|told| !told.on.is_empty()) else { return Vec::new() };
    let count = text::count(told.on.len(), "fault");
    vec![format!(" demo: {count} on "), format!(" {count} on ")]
}

/// How many of a target's sources answer now.
#[must_use]
pub fn link(model: &Model, target: &Target) -> Answering {
    let sources = model.store.sources().filter(|source| source.target == target.id);
    Answering::of(sources, model.now.boot)
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
        Page::Fleet => Action::PageFleet,
    }
}
