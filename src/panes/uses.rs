//! On which pages an action means something, and what it means there: one table for the keys and for help.
//!
//! Must never: leave a key that does nothing without a word. A key that a page has no use for says where it works.
//!
//! To add an action that belongs to a page: its pages in [`pages`]; and in [`sentence`] where it means another thing
//! on one of them.

use super::header;
use super::intent::Page;
use crate::ui::action::{ActionRow, Danger};
use crate::ui::{Action, Keymap};

/// Pages beyond these are not counted up.
const MOST_NAMED: usize = 2;

/// The pages on which an action has a use, in their order.
#[must_use]
pub fn pages(action: Action) -> &'static [Page] {
    match action {
        Action::TakeOther
        | Action::Commit
        | Action::SettleUnknown
        | Action::CloseRun
        | Action::Tick
        | Action::Decline
        | Action::ByHand => &[Page::Wizard],
        Action::PollNow => &[Page::Sources],
        Action::Acknowledge | Action::Snooze => &[Page::Alerts],
        Action::ChoosePrevious | Action::ChooseNext => &[Page::Metrics, Page::Logs],
        Action::SwitchOrigin | Action::CursorOlder | Action::CursorNewer => &[Page::Metrics],
        Action::Wrap | Action::Follow => &[Page::Logs],
        Action::Open => &[Page::Overview, Page::Target, Page::Alerts, Page::Wizard, Page::Metrics, Page::Fleet],
        // A list that a filter could narrow has its own words in `app/`. What only moves is silent where nothing moves.
        Action::Filter
        | Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::Top
        | Action::Bottom
        | Action::PageOverview
        | Action::PageTarget
        | Action::PageAlerts
        | Action::PageWizard
        | Action::PageJournal
        | Action::PageSources
        | Action::PageMetrics
        | Action::PageLogs
        | Action::PageSlo
        | Action::PageFleet
        | Action::NextPage
        | Action::PreviousPage
        | Action::NextTarget
        | Action::Back
        | Action::Backward
        | Action::Forward
        | Action::Zoom
        | Action::Freeze
        | Action::Copy
        | Action::Query
        | Action::Arm
        | Action::Disarm
        | Action::Palette
        | Action::Help
        | Action::NextTheme
        | Action::Reload
        | Action::Redraw
        | Action::Suspend
        | Action::Quit
        | Action::DemoFaults => &Page::ALL,
    }
}

/// What a key says on a page that has no use for its action: where it has one. Nothing where it has one here.
#[must_use]
pub fn elsewhere(page: Page, action: Action, keymap: &Keymap) -> Option<String> {
    let pages = pages(action);
    if pages.contains(&page) {
        return None;
    }
    let name = action.row().name.replace('_', " ");
    if pages.len() > MOST_NAMED {
        return Some(format!("{name} has no use on the {} page", page.word()));
    }
    let named: Vec<String> =
        pages.iter().map(|page| format!("the {} page, {}", page.word(), keymap.press(header::action(*page)))).collect();
    Some(format!("{name} works on {}", named.join(", and ")))
}

/// The row of an action as help shows it on a page: what it does there, and whether that is remembered.
#[must_use]
pub fn row(page: Page, action: Action) -> ActionRow {
    match sentence(page, action) {
        Some((danger, sentence)) => ActionRow { sentence, danger, ..*action.row() },
        None => *action.row(),
    }
}

fn sentence(page: Page, action: Action) -> Option<(Danger, &'static str)> {
    Some(match (action, page) {
        (Action::Open, Page::Overview) => {
            (Danger::Decides, "open the selected alert's runbook; without one, the target")
        }
        (Action::Open, Page::Alerts) => (Danger::Decides, "open the selected alert's runbook"),
        (Action::Open, Page::Wizard) => (Danger::Decides, "go on: take the selected branch, or end the path"),
        (Action::Open, Page::Target) => (Danger::None, "chart the selected row on the metrics page"),
        (Action::Open, Page::Metrics) => (Danger::None, "chart the selected series"),
        (Action::Open, Page::Fleet) => (Danger::None, "show the selected target's page"),
        (Action::ChoosePrevious, Page::Metrics) => (Danger::None, "the shorter range of the chart"),
        (Action::ChooseNext, Page::Metrics) => (Danger::None, "the longer range of the chart"),
        (Action::ChoosePrevious, Page::Logs) => (Danger::None, "the previous log"),
        (Action::ChooseNext, Page::Logs) => (Danger::None, "the next log"),
        (Action::Copy, Page::Wizard) => (Danger::None, "copy the step's command for a shell"),
        _as_everywhere => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::testing::{self, Condition};
    use crate::panes::{Intent, Panes, footer};
    use crate::ui::action::ACTIONS;

    #[test]
    fn a_key_without_a_use_says_where_it_has_one() {
        let (model, mut panes) = (testing::model(Condition::Well), Panes::default());
        let mut check = |page, action, want: &str| {
            assert_eq!(panes.on(page, action, &model), Some(Intent::Say(want.to_owned())), "{page:?} {action:?}");
        };
        check(Page::Overview, Action::Commit, "commit works on the wizard page, 4");
        check(Page::Overview, Action::CloseRun, "close run works on the wizard page, 4");
        check(Page::Overview, Action::PollNow, "poll now works on the sources page, 6");
        check(Page::Overview, Action::TakeOther, "take other works on the wizard page, 4");
        check(Page::Target, Action::SettleUnknown, "settle unknown works on the wizard page, 4");
        check(
            Page::Overview,
            Action::ChoosePrevious,
            "choose previous works on the metrics page, 7, and the logs page, 8",
        );
        check(Page::Journal, Action::Open, "open has no use on the journal page");
        for action in [Action::Up, Action::PageDown, Action::Top] {
            assert_eq!(panes.on(Page::Overview, action, &model), None, "what moves is silent");
        }
    }

    /// What the foot of a page offers has a use there, and what has a use only somewhere is offered there.
    #[test]
    fn the_table_and_the_foot_of_the_pages_agree() {
        for page in Page::ALL {
            let offered: Vec<Action> =
                footer::hints(page).iter().flat_map(|(actions, _)| actions.iter().copied()).collect();
            for action in &offered {
                assert!(pages(*action).contains(&page), "{page:?} offers {action:?}");
            }
            for row in ACTIONS.iter().filter(|row| pages(row.action) == [page]) {
                let rare = row.action == Action::SettleUnknown;
                assert!(rare || offered.contains(&row.action), "{page:?} does not offer {:?}", row.action);
            }
        }
    }

    #[test]
    fn help_says_what_a_key_does_on_this_page() {
        let check = |page, action, sentence: &str, danger| {
            let row = row(page, action);
            assert!(row.sentence.contains(sentence) && row.danger == danger, "{row:?}");
        };
        check(Page::Metrics, Action::Open, "chart the selected series", Danger::None);
        check(Page::Alerts, Action::Open, "runbook", Danger::Decides);
        check(Page::Logs, Action::ChooseNext, "the next log", Danger::None);
        check(Page::Wizard, Action::Commit, "confirmation", Danger::Acts);
    }
}
