//! The last line: what was last to say, or what can be pressed here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Model, Page, Panes};
use crate::base::text;
use crate::ui::widget::Pen;
use crate::ui::{Action, Role};

/// What can be pressed on each page, most useful first; those that do not fit are left to help.
#[must_use]
pub fn hints(page: Page) -> &'static [(&'static [Action], &'static str)] {
    const MOVE: (&[Action], &str) = (&[Action::Up, Action::Down], "select");
    const HELP: (&[Action], &str) = (&[Action::Help], "help");
    const QUIT: (&[Action], &str) = (&[Action::Quit], "quit");
    const BACK: (&[Action], &str) = (&[Action::Back], "back");
    const TARGET: (&[Action], &str) = (&[Action::NextTarget], "next target");
    const FILTER: (&[Action], &str) = (&[Action::Filter], "filter");
    const ZOOM: (&[Action], &str) = (&[Action::Zoom], "zoom");
    const FIND: (&[Action], &str) = (&[Action::Palette], "find");
    const COPY: (&[Action], &str) = (&[Action::Copy], "copy");
    match page {
        Page::Overview => {
            &[(&[Action::Open], "open"), MOVE, ZOOM, (&[Action::NextPage], "next page"), FIND, HELP, QUIT, TARGET]
        }
        Page::Target => &[MOVE, (&[Action::Open], "explore it"), ZOOM, BACK, HELP, QUIT, TARGET, COPY],
        Page::Alerts => &[
            (&[Action::Open], "open its runbook"),
            (&[Action::Acknowledge], "acknowledge"),
            (&[Action::Snooze], "snooze"),
            MOVE,
            FILTER,
            HELP,
            QUIT,
            BACK,
            ZOOM,
            COPY,
        ],
        Page::Wizard => &[
            (&[Action::Open], "go on"),
            (&[Action::TakeOther], "other branch"),
            COPY,
            (&[Action::Arm], "arm"),
            (&[Action::Commit], "commit"),
            (&[Action::CloseRun], "close"),
            HELP,
            (&[Action::Tick], "tick"),
            (&[Action::Decline], "not done"),
            (&[Action::ByHand], "by hand"),
        ],
        Page::Journal => &[MOVE, (&[Action::Bottom], "newest"), FILTER, BACK, HELP, QUIT, ZOOM, COPY],
        Page::Slo => &[MOVE, FILTER, BACK, HELP, QUIT, ZOOM, COPY],
        Page::Fleet => &[MOVE, (&[Action::Open], "its page"), FILTER, BACK, HELP, QUIT, COPY],
        Page::Sources => &[MOVE, (&[Action::PollNow], "ask it now"), FILTER, BACK, HELP, QUIT, ZOOM, COPY],
        Page::Metrics => &[
            (&[Action::Query], "expression"),
            (&[Action::ChoosePrevious, Action::ChooseNext], "range"),
            (&[Action::CursorOlder, Action::CursorNewer], "read"),
            MOVE,
            FILTER,
            BACK,
            HELP,
            QUIT,
            (&[Action::Open], "chart it"),
            (&[Action::SwitchOrigin], "origin"),
            ZOOM,
            COPY,
            TARGET,
        ],
        Page::Logs => &[
            (&[Action::Up, Action::Down], "scroll"),
            (&[Action::Follow], "follow"),
            FILTER,
            (&[Action::ChoosePrevious, Action::ChooseNext], "log"),
            (&[Action::Wrap], "wrap"),
            BACK,
            HELP,
            QUIT,
            COPY,
            TARGET,
        ],
    }
}

/// Draws the status while its time lasts, and hints otherwise.
pub fn draw(buf: &mut Buffer, model: &Model, panes: &Panes, page: Page, area: Rect) {
    let mut pen = Pen::new(buf, &model.theme, area, 0);
    pen.gap(1);
    if !model.strokes.is_empty() {
        return unfinished(&mut pen, model);
    }
    if let Some((words, _)) = model.status.as_ref().filter(|(_, until)| model.now.boot < until.boot) {
        pen.put(Role::Accent, words);
        return;
    }
    const DEMO: (&[Action], &str) = (&[Action::DemoFaults], "demo's faults");
    let demo = (model.console.demo && page == Page::Overview).then_some(&DEMO);
    let offered = |(actions, _): &&(&[Action], &str)| *actions != [Action::Open] || panes.opens(page, model);
    for (actions, word) in hints(page).iter().filter(offered).chain(demo) {
        let keys: Vec<String> =
            actions.iter().filter_map(|action| model.keymap.key(*action)).map(|key| key.to_string()).collect();
        let keys = keys.join("/");
        if keys.is_empty() || text::width(&keys) + 1 + word.len() > pen.room() {
            continue;
        }
        pen.put(Role::Accent, &keys).gap(1).put(Role::Dim, word).gap(2);
    }
}

/// A sequence that waits for its next key: what was pressed, and what may follow.
fn unfinished(pen: &mut Pen, model: &Model) {
    for key in &model.strokes {
        pen.put(Role::Title, &key.to_string()).gap(1);
    }
    pen.put(Role::Accent, "…").gap(2);
    for (keys, action) in model.keymap.following(&model.strokes) {
        let (keys, word) = (keys.to_string(), action.row().name.replace('_', " "));
        if text::width(&keys) + 1 + word.len() > pen.room() {
            return;
        }
        pen.put(Role::Accent, &keys).gap(1).put(Role::Dim, &word).gap(2);
    }
    let cancel = "any other key: cancel";
    if cancel.len() <= pen.room() {
        pen.put(Role::Dim, cancel);
    }
}
