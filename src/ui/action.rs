//! The action table: everything a key can do, once. Keymaps, palette, help and the README's table of keys are made
//! from it.

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

impl Danger {
    /// What help, palette and README say of an action; empty of one that only looks.
    #[must_use]
    pub fn note(self) -> &'static str {
        match self {
            Danger::None => "",
            Danger::Decides => "journalled",
            Danger::Acts => "acts, after its confirmation",
        }
    }
}

macro_rules! groups {
    ($($variant:ident, $word:literal;)*) => {
        /// What an action is about: the sections of help, in their order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Group { $($variant,)* }

        impl Group {
            pub const ALL: &[Group] = &[$(Group::$variant,)*];

            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Group::$variant => $word,)* }
            }
        }
    };
}

groups! {
    Pages, "pages";
    Moving, "moving";
    Looking, "looking";
    Runbook, "runbooks and acting";
    Console, "the console";
    Demo, "the demo: nothing real is changed";
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ActionRow {
    pub action: Action,
    /// As in keymap files.
    pub name: &'static str,
    /// As in help and README.
    pub sentence: &'static str,
    pub group: Group,
    pub danger: Danger,
}

macro_rules! actions {
    ($($variant:ident, $name:literal, $group:ident, $danger:ident, $sentence:literal;)*) => {
        /// Everything a key can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Action { $($variant,)* }

        /// The table, in the order of help.
        pub const ACTIONS: &[ActionRow] = &[
            $(ActionRow {
                action: Action::$variant,
                name: $name,
                sentence: $sentence,
                group: Group::$group,
                danger: Danger::$danger,
            },)*
        ];
    };
}

actions! {
    PageOverview, "page_overview", Pages, None, "show every target on the overview";
    PageTarget, "page_target", Pages, None, "show the page of the selected target";
    PageAlerts, "page_alerts", Pages, None, "show the alerts";
    PageWizard, "page_wizard", Pages, None, "show the runbook that is open";
    PageJournal, "page_journal", Pages, None, "show the journal";
    PageSources, "page_sources", Pages, None, "show the sources and what they last said";
    PageMetrics, "page_metrics", Pages, None, "show the metrics: every series, and a chart of any expression";
    PageLogs, "page_logs", Pages, None, "show the logs";
    PageSlo, "page_slo", Pages, None, "show the service level objectives and their budgets";
    PageFleet, "page_fleet", Pages, None, "show every target in a line, the worst first";
    NextPage, "next_page", Pages, None, "go to the next page";
    PreviousPage, "previous_page", Pages, None, "go to the previous page";
    NextTarget, "next_target", Pages, None, "select the next target";
    Up, "up", Moving, None, "move up";
    Down, "down", Moving, None, "move down";
    PageUp, "page_up", Moving, None, "scroll up a screen";
    PageDown, "page_down", Moving, None, "scroll down a screen";
    Top, "top", Moving, None, "go to the first line";
    Bottom, "bottom", Moving, None, "go to the last line";
    Open, "open", Moving, Decides, "open what is selected: an alert's runbook, a branch, a target";
    Back, "back", Moving, None, "end a zoom, else clear a filter, else go back";
    Backward, "backward", Moving, None, "go back to what was looked at before";
    Forward, "forward", Moving, None, "go forward again";
    Zoom, "zoom", Looking, None, "show a part of the page alone, then the next, then all";
    Filter, "filter", Looking, None, "show only the lines that match; with ! those that do not";
    Freeze, "freeze", Looking, None, "hold the screen while data goes on coming in, or let go";
    Copy, "copy", Looking, None, "copy what is selected, or the step's command for a shell";
    Query, "query", Looking, None, "type an expression to chart";
    ChoosePrevious, "choose_previous", Looking, None, "the shorter range of the chart; the previous log";
    ChooseNext, "choose_next", Looking, None, "the longer range of the chart; the next log";
    SwitchOrigin, "switch_origin", Looking, None, "evaluate the chart here, or ask the target's Prometheus";
    CursorOlder, "cursor_older", Looking, None, "read the chart one column earlier";
    CursorNewer, "cursor_newer", Looking, None, "read the chart one column later";
    Wrap, "wrap", Looking, None, "wrap long lines of a log, or cut them";
    Follow, "follow", Looking, None, "follow the end of a log, or stop following it";
    PollNow, "poll_now", Looking, None, "ask the selected source now";
    Acknowledge, "acknowledge", Runbook, Decides, "say that you work on the alert: its response clock stops";
    Snooze, "snooze", Runbook, Decides, "put the alert off for a while, with a reason";
    Arm, "arm", Runbook, Decides, "arm the console for the selected target";
    Disarm, "disarm", Runbook, Decides, "disarm the console";
    TakeOther, "take_other", Runbook, Decides, "take a branch that is not suggested, with a reason";
    Commit, "commit", Runbook, Acts, "open the confirmation of this step";
    SettleUnknown, "settle_unknown", Runbook, Decides, "say what became of a sequence whose outcome is unknown";
    CloseRun, "close_run", Runbook, Decides, "close the run that is shown, for a reason";
    Tick, "tick", Runbook, Decides, "tick off the selected item of a checklist";
    Decline, "decline", Runbook, Decides, "say that a manual step is not done, or an item does not apply, and why";
    ByHand, "by_hand", Runbook, Decides, "say that a sequence was done by hand, outside the console; it is measured all the same";
    Palette, "palette", Console, None, "find an action, a page, a target or a runbook by typing";
    Help, "help", Console, None, "show the keys";
    NextTheme, "next_theme", Console, None, "go to the next theme";
    Reload, "reload", Console, None, "read the theme and the keymap again";
    Redraw, "redraw", Console, None, "draw the whole screen again";
    Suspend, "suspend", Console, None, "suspend the console to the shell";
    Quit, "quit", Console, None, "quit; a committed sequence goes on without the console";
    DemoFaults, "demo_faults", Demo, None, "only in a demo: let something go wrong in what is simulated, and cure it";
}

impl ActionRow {
    /// Whether a console has this action: what belongs to the demo exists nowhere else.
    #[must_use]
    pub fn exists(&self, demo: bool) -> bool {
        demo || self.group != Group::Demo
    }
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
