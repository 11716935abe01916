//! How the menu looks: plainly the demo's, the list, all of the selected fault, and what the keys do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::FaultMenu;
use super::list::{Line, Spot};
use crate::base::text;
use crate::model::{DemoOrder, FaultState};
use crate::ui::overlay::{frame, place};
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::wrap::wrap;
use crate::ui::widget::{Mark, rows};
use crate::ui::{Glyph, Role, Theme};

const WIDTH: u16 = 160;
const MOST_ROWS: u16 = 48;
/// What it is, what it is not, and the line that is typed into.
const HEAD: usize = 2;
const MOST_TROUBLE: usize = 4;
/// A rule, two lines of its sentence, its state, its alerts.
const DETAIL: usize = 5;
const NAME: u16 = 32;
const STATE: u16 = 12;
const ALERTS: u16 = 36;
/// From this many columns on, the alerts stand in the list too.
const WIDE: usize = 130;

/// The parts of the box from above to below; the list has what the others leave.
struct Parts {
    outer: Rect,
    head: Rect,
    trouble: Rect,
    list: Rect,
    detail: Rect,
    hints: Rect,
}

/// Rows of the list in a window of this size.
pub(super) fn list_rows(menu: &FaultMenu, area: Rect) -> usize {
    usize::from(parts(menu, area).list.height)
}

fn parts(menu: &FaultMenu, area: Rect) -> Parts {
    let outer = place(area, WIDTH, MOST_ROWS.min(area.height.saturating_sub(2).max(3)));
    let inside = Rect {
        x: outer.x + 2.min(outer.width),
        y: outer.y + 1.min(outer.height),
        width: outer.width.saturating_sub(4),
        height: outer.height.saturating_sub(2),
    };
    let mut from = inside.y;
    let mut take = |rows: usize| {
        let height = u16::try_from(rows).unwrap_or(u16::MAX).min(inside.bottom() - from);
        let part = Rect { y: from, height, ..inside };
        from += height;
        part
    };
    let columns = usize::from(inside.width);
    let (trouble, hints) = (trouble(menu, columns).len(), hints(menu, columns).len());
    let fixed = HEAD + trouble + DETAIL + hints;
    let list = usize::from(inside.height).saturating_sub(fixed);
    Parts {
        outer,
        head: take(HEAD),
        trouble: take(trouble),
        list: take(list),
        detail: take(DETAIL),
        hints: take(hints),
    }
}

/// Draws the menu over the page.
pub(super) fn draw(menu: &FaultMenu, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let parts = parts(menu, area);
    let faults = menu.faults();
    let on = faults.iter().filter(|fault| fault.on).count();
    let title = match menu.told {
        Some(_) => format!("demo: {on} of {} on", text::count(faults.len(), "fault")),
        None => "demo: its faults".to_owned(),
    };
    let _inside = frame(theme, Role::DemoFrame, &title, parts.outer, buf);
    head(menu, theme, parts.head, buf);
    for (row, words) in trouble(menu, usize::from(parts.trouble.width)).iter().enumerate() {
        Pen::new(buf, theme, parts.trouble, row).put(Role::Warning, words);
    }
    list(menu, theme, parts.list, buf);
    if let Some((_, fault)) = menu.selected() {
        detail(fault, theme, parts.detail, buf);
    }
    for (row, words) in hints(menu, usize::from(parts.hints.width)).iter().enumerate() {
        Pen::new(buf, theme, parts.hints, row).put(Role::Dim, words);
    }
}

fn head(menu: &FaultMenu, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let mut pen = Pen::new(buf, theme, area, 0);
    pen.put(Role::Demo, " DEMO ").gap(1).put(Role::Text, "nothing real is changed: these nodes are simulated");
    if let Some(folder) = &menu.folder {
        pen.put(Role::Dim, &format!(", in {folder}"));
    }
    let mut pen = Pen::new(buf, theme, area, 1);
    let (role, said) = match (&menu.under_way, &menu.told) {
        (Some(order), _) => (Role::Accent, under_way(order)),
        (None, Some((at, _))) => (Role::Dim, format!("as of {} UTC", at.wall.clock())),
        (None, None) => (Role::Unknown, "not told yet".to_owned()),
    };
    pen.right(role, &said);
    pen.right_gap(2).put(Role::Accent, "> ");
    if menu.search.shown().0.is_empty() {
        let [before, cursor, _] = menu.search.pieces(true, 2);
        pen.put(before.0, &before.1).put(cursor.0, &cursor.1).gap(1).put(Role::Dim, "type to find");
        return;
    }
    let room = pen.room();
    for (role, piece) in menu.search.pieces(true, room) {
        pen.put(role, &piece);
    }
}

/// What the demo is being asked.
fn under_way(order: &DemoOrder) -> String {
    match order {
        DemoOrder::Tell | DemoOrder::TellOn => "asking the demo".to_owned(),
        DemoOrder::Switch { system, name, on: true } => format!("switching {system}/{name} on"),
        DemoOrder::Switch { system, name, on: false } => format!("curing {system}/{name}"),
        DemoOrder::Cure { system: Some(system) } => format!("curing all of {system}"),
        DemoOrder::Cure { system: None } => "curing everything".to_owned(),
    }
}

/// Why the demo did not do what was asked, and what to do about it.
fn trouble(menu: &FaultMenu, columns: usize) -> Vec<String> {
    let next = match (&menu.trouble, &menu.folder) {
        (None, Some(_)) => return Vec::new(),
        (_, None) => {
            "where the demo is controlled is not known, because its targets name no folder: leave this console and \
             start it with opsconsole demo, or with --config and the config.ron in a demo's folder"
                .to_owned()
        }
        (Some(why), Some(folder)) => {
            let folder = text::shell_line(std::slice::from_ref(folder));
            let stale = if menu.told.is_some() { "; the list is that of before" } else { "" };
            format!(
                "{why}{stale}. ctrl-r asks again; where the demo has ended, leave this console and start both with \
                 opsconsole demo --folder {folder}"
            )
        }
    };
    let mut lines = wrap(&next, columns);
    lines.truncate(MOST_TROUBLE);
    lines
}

fn list(menu: &FaultMenu, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = menu.lines();
    let window = menu.view.window(lines.len(), usize::from(area.height));
    for (row, at) in window.clone().enumerate() {
        let mut pen = Pen::new(buf, theme, area, row);
        match &lines[at] {
            Line::Nothing(why) => {
                pen.gap(2).put(Role::Unknown, why);
            }
            Line::On(0) => {
                pen.put(Role::Title, "on now").gap(2).put(Role::Dim, "nothing");
            }
            Line::On(count) => {
                pen.put(Role::Title, "on now").gap(2).put(Role::Warning, &text::count(*count, "fault"));
            }
            Line::System { name, on, all } => {
                pen.put(Role::Title, name).gap(2).put(Role::Dim, &format!("{on} of {} on", text::count(*all, "fault")));
            }
            Line::Fault(spot, place) => {
                let selected = at == menu.view.cursor;
                if let Some(fault) = menu.faults().get(*place) {
                    fault_line(&mut pen, *spot, fault, selected);
                }
                if selected {
                    select(buf, theme, area, row);
                }
            }
        }
    }
    rows::more(buf, theme, area, window.start, lines.len() - window.end);
}

fn fault_line(pen: &mut Pen, spot: Spot, fault: &FaultState, selected: bool) {
    let wide = pen.room() >= WIDE;
    if selected {
        pen.glyph(Role::Accent, Glyph::Cursor);
    }
    let mark = mark(fault);
    let name = match spot {
        Spot::On => fault.whole_name(),
        Spot::System => fault.name.clone(),
    };
    pen.tab(2).glyph(mark.role, mark.glyph).gap(1);
    pen.field(if fault.on { Role::Text } else { Role::Dim }, &name, NAME).gap(1);
    pen.field(mark.role, &state(fault), STATE).gap(1);
    if wide {
        pen.field(Role::Dim, &fault.raises.join(" "), ALERTS).gap(1);
    }
    pen.put(Role::Dim, &fault.sentence);
}

fn mark(fault: &FaultState) -> Mark {
    if fault.on {
        Mark::new(Glyph::Firing, Role::Warning, "on")
    } else {
        Mark::new(Glyph::NotStarted, Role::Dim, "off")
    }
}

/// Whether it is on, and since which second: a moment, which stands still, and no age.
fn state(fault: &FaultState) -> String {
    match (fault.on, fault.since) {
        (false, _) => "off".to_owned(),
        (true, None) => "on".to_owned(),
        (true, Some(since)) => format!("on {}", since.clock()),
    }
}

/// Everything about the selected fault.
fn detail(fault: &FaultState, theme: &Theme, area: Rect, buf: &mut Buffer) {
    Pen::new(buf, theme, area, 0).fill(Role::DemoFrame, Glyph::Rule);
    for (row, words) in wrap(&fault.sentence, usize::from(area.width)).iter().take(2).enumerate() {
        Pen::new(buf, theme, area, 1 + row).put(Role::Text, words);
    }
    let mark = mark(fault);
    let mut pen = Pen::new(buf, theme, area, 3);
    pen.mark(mark);
    if let Some(since) = fault.since {
        let date: String = since.to_string().chars().take("2026-11-21".len()).collect();
        pen.put(mark.role, &format!(" since {date} {} UTC", since.clock()));
    }
    let end = if fault.ends_by_restart { "; a restart of its unit cures it too" } else { "; no restart cures it" };
    pen.put(Role::Dim, end);
    let mut pen = Pen::new(buf, theme, area, 4);
    match fault.raises.as_slice() {
        [] => pen.put(Role::Dim, "no alert is named for it; it is seen in panels, sources and logs"),
        alerts => pen.put(Role::Dim, "raises ").put(Role::Text, &alerts.join(", ")),
    };
}

fn hints(menu: &FaultMenu, columns: usize) -> Vec<String> {
    let enter = match menu.selected() {
        Some((_, fault)) if fault.on => "enter: cure it   ",
        Some(_) => "enter: let it happen   ",
        None => "",
    };
    let whole = format!(
        "{enter}up, down: select   ctrl-t: cure its system   ctrl-x: cure everything   ctrl-r: ask again   esc: close"
    );
    // A hint is not broken in its middle.
    let mut lines = vec![String::new()];
    for hint in whole.split("   ") {
        let used = lines.last().map_or(0, |line| text::width(line));
        if used > 0 && used + 3 + text::width(hint) > columns {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { "   " });
            line.push_str(hint);
        }
    }
    lines
}
