//! The action table: everything a key can do, once. Keymaps, help and the README's table of keys are made from it.

use serde::{Deserialize, Serialize};

/// What an action can do to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Danger {
    /// Looks, or changes the view.
    None,
    /// Writes to the journal: a decision that is remembered.
    Decides,
    /// Leads to a confirmation that can change the node.
    Acts,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ActionRow {
    pub action: Action,
    /// As in keymap files.
    pub name: &'static str,
    /// As in help and README.
    pub sentence: &'static str,
    pub danger: Danger,
}

macro_rules! actions {
    ($($variant:ident, $name:literal, $danger:ident, $sentence:literal;)*) => {
        /// Everything a key can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Action { $($variant,)* }

        /// The table, in the order of help.
        pub const ACTIONS: &[ActionRow] = &[
            $(ActionRow { action: Action::$variant, name: $name, sentence: $sentence, danger: Danger::$danger },)*
        ];
    };
}

actions! {
    PageOverview, "page_overview", None, "show every target on the overview";
    PageTarget, "page_target", None, "show the page of the selected target";
    PageAlerts, "page_alerts", None, "show the alerts";
    PageWizard, "page_wizard", None, "show the runbook that is open";
    PageJournal, "page_journal", None, "show the journal";
    PageSources, "page_sources", None, "show the sources and what they last said";
    PageMetrics, "page_metrics", None, "show the metrics: every series, and a chart of any expression";
    PageLogs, "page_logs", None, "show the logs";
    NextPage, "next_page", None, "go to the next page";
    PreviousPage, "previous_page", None, "go to the previous page";
    NextTarget, "next_target", None, "select the next target";
    Up, "up", None, "move up";
    Down, "down", None, "move down";
    PageUp, "page_up", None, "scroll up a screen";
    PageDown, "page_down", None, "scroll down a screen";
    Top, "top", None, "go to the first line";
    Bottom, "bottom", None, "go to the last line";
    Open, "open", Decides, "open what is selected: an alert's runbook, a branch, a target";
    Back, "back", None, "go back, close";
    Query, "query", None, "type an expression to chart";
    ChoosePrevious, "choose_previous", None, "the shorter range of the chart; the previous log";
    ChooseNext, "choose_next", None, "the longer range of the chart; the next log";
    CursorOlder, "cursor_older", None, "read the chart one column earlier";
    CursorNewer, "cursor_newer", None, "read the chart one column later";
    Wrap, "wrap", None, "wrap long lines of a log, or cut them";
    Follow, "follow", None, "follow the end of a log, or stop following it";
    PollNow, "poll_now", None, "ask the selected source now";
    Help, "help", None, "show the keys";
    CopyStep, "copy_step", None, "copy the step's command, quoted for a shell";
    Arm, "arm", Decides, "arm the console for the selected target";
    Disarm, "disarm", Decides, "disarm the console";
    TakeOther, "take_other", Decides, "take a branch that is not suggested, with a reason";
    Commit, "commit", Acts, "open the confirmation of the step's sequence";
    SettleUnknown, "settle_unknown", Decides, "say what became of a sequence whose outcome is unknown";
    CloseRun, "close_run", Decides, "close the run that is shown";
    Redraw, "redraw", None, "draw the whole screen again";
    Suspend, "suspend", None, "suspend the console to the shell";
    Quit, "quit", None, "quit; a committed sequence goes on without the console";
}

impl Action {
    /// The row of this action.
    #[must_use]
    pub fn row(self) -> &'static ActionRow {
        // The macro makes enum and table from one list, so the position is the discriminant.
        &ACTIONS[self as usize]
    }

    #[must_use]
    pub fn named(name: &str) -> Option<Action> {
        ACTIONS.iter().find(|row| row.name == name).map(|row| row.action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_its_own_row_and_name() {
        for row in ACTIONS {
            assert_eq!(row.action.row().name, row.name);
            assert_eq!(Action::named(row.name), Some(row.action));
        }
    }
}
