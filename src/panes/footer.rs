//! The last line: what was last to say, or what can be pressed here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Model, Page};
use crate::base::text;
use crate::ui::widget::Pen;
use crate::ui::{Action, Role};

/// What can be pressed on each page, most useful first; those that do not fit are left to help.
fn hints(page: Page) -> &'static [(&'static [Action], &'static str)] {
    const MOVE: (&[Action], &str) = (&[Action::Up, Action::Down], "select");
    const HELP: (&[Action], &str) = (&[Action::Help], "help");
    const QUIT: (&[Action], &str) = (&[Action::Quit], "quit");
    const BACK: (&[Action], &str) = (&[Action::Back], "back");
    const TARGET: (&[Action], &str) = (&[Action::NextTarget], "next target");
    match page {
        Page::Overview => &[(&[Action::Open], "open"), MOVE, TARGET, (&[Action::NextPage], "next page"), HELP, QUIT],
        Page::Target => &[MOVE, (&[Action::Open], "explore it"), TARGET, BACK, HELP, QUIT],
        Page::Alerts => &[(&[Action::Open], "open its runbook"), MOVE, BACK, HELP, QUIT],
        Page::Wizard => &[
            (&[Action::Open], "go on"),
            (&[Action::TakeOther], "other branch"),
            (&[Action::CopyStep], "copy"),
            (&[Action::Arm], "arm"),
            (&[Action::Commit], "commit"),
            (&[Action::CloseRun], "close"),
            HELP,
        ],
        Page::Journal => &[MOVE, (&[Action::Bottom], "newest"), BACK, HELP, QUIT],
        Page::Sources => &[MOVE, (&[Action::PollNow], "ask it now"), BACK, HELP, QUIT],
        Page::Metrics => &[
            (&[Action::Query], "expression"),
            (&[Action::ChoosePrevious, Action::ChooseNext], "range"),
            (&[Action::CursorOlder, Action::CursorNewer], "read"),
            MOVE,
            (&[Action::Open], "chart it"),
            TARGET,
            BACK,
            HELP,
            QUIT,
        ],
        Page::Logs => &[
            (&[Action::Up, Action::Down], "scroll"),
            (&[Action::Follow], "follow"),
            (&[Action::ChoosePrevious, Action::ChooseNext], "log"),
            (&[Action::Wrap], "wrap"),
            TARGET,
            BACK,
            HELP,
            QUIT,
        ],
    }
}

/// Draws the status while its time lasts, and hints otherwise.
pub fn draw(buf: &mut Buffer, model: &Model, page: Page, area: Rect) {
    let mut pen = Pen::new(buf, &model.theme, area, 0);
    pen.gap(1);
    if let Some((words, _)) = model.status.as_ref().filter(|(_, until)| model.now.boot < until.boot) {
        pen.put(Role::Accent, words);
        return;
    }
    for (actions, word) in hints(page) {
        let keys: Vec<String> =
            actions.iter().filter_map(|action| model.keymap.key(*action)).map(|key| key.to_string()).collect();
        let keys = keys.join("/");
        if keys.is_empty() || text::width(&keys) + 1 + word.len() > pen.room() {
            continue;
        }
        pen.put(Role::Accent, &keys).gap(1).put(Role::Dim, word).gap(2);
    }
}
