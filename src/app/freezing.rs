//! Holding the screen: the pages show the facts of a moment while data goes on coming in.
//!
//! A freeze is a copy of the model, which the pages draw and move in instead of the live one
//! ([`Model::shown`](crate::panes::Model::shown)). Everything else goes on: polls, alerts, the diagnosis of runs, the
//! countdown of arming. Header, banners and the foot of the screen stay live, and the freeze's own banner says what
//! happens behind it.
//!
//! Nobody decides on frozen data. While the screen is held, whatever writes or acts is refused with the reason, except
//! disarming; and whatever opens a dialog that decides (an answer that was under way) ends the freeze.

use super::App;
use crate::alert::ClaimKind;
use crate::base::At;
use crate::panes::Intent;
use crate::panes::model::Freeze;
use crate::ui::Action;

impl App {
    /// Holds the screen, or lets it go.
    pub(super) fn toggle_freeze(&mut self, at: At) {
        if self.model.freeze.is_some() {
            return self.thaw(at, "the screen shows the present again");
        }
        let shown = Box::new(self.model.clone());
        self.model.freeze = Some(Freeze { since: at, batches: 0, news: Vec::new(), news_more: 0, shown });
        self.model.status = None;
    }

    /// Lets the screen go, if it is held.
    pub(super) fn thaw(&mut self, at: At, why: &str) {
        if self.model.freeze.take().is_some() {
            self.say(at, why);
        }
    }

    /// Refuses what may not be done while the screen is held; returns whether it was.
    pub(super) fn refused_frozen(&mut self, at: At, what: &str) -> bool {
        let Some(freeze) = &self.model.freeze else { return false };
        let text = format!(
            "not done: the screen is frozen since {} UTC; press {} to see the present, then {what}",
            freeze.since.wall.clock(),
            self.model.keymap.press(Action::Freeze),
        );
        self.say(at, text);
        true
    }

    /// What the operator chooses to look at moves in the frozen model as in the live one; and no dialog that decides
    /// stands over frozen facts.
    pub(super) fn keep_freeze(&mut self, at: At) {
        if self.overlay.as_ref().is_some_and(|overlay| overlay.decides()) {
            return self.thaw(at, "the freeze ended, because there is something to decide");
        }
        let model = &mut self.model;
        if let Some(freeze) = &mut model.freeze {
            let shown = &mut freeze.shown;
            shown.selected = model.selected;
            shown.theme.clone_from(&model.theme);
            shown.keymap.clone_from(&model.keymap);
            if model.shown_run.as_ref().is_none_or(|run| shown.runs.contains_key(run)) {
                shown.shown_run.clone_from(&model.shown_run);
            }
        }
    }
}

/// What an intent would do that may not be done on frozen facts, in words; nothing of one that only looks.
pub(super) fn decision(intent: &Intent) -> Option<&'static str> {
    match intent {
        Intent::OpenRunbook { .. } | Intent::StartRunbook { .. } => Some("open the runbook"),
        Intent::TakeBranch { .. } => Some("take the branch"),
        Intent::Commit { .. } => Some("commit"),
        Intent::Acknowledge { .. } => Some("acknowledge it"),
        Intent::Claim { kind: ClaimKind::Acknowledgement, .. } => Some("acknowledge the alert"),
        Intent::Claim { kind: ClaimKind::Snooze, .. } => Some("snooze the alert"),
        Intent::SettleUnknown { .. } => Some("settle it"),
        Intent::CloseRun(_) => Some("close the run"),
        Intent::Tick { .. } => Some("tick it off"),
        Intent::Decline { .. } => Some("decline it"),
        Intent::ByHand { .. } => Some("note what was done by hand"),
        Intent::Show(_)
        | Intent::SelectTarget(_)
        | Intent::Query(_)
        | Intent::Explore(_)
        | Intent::FetchNow(_)
        | Intent::ShowRun(_)
        | Intent::Copy(_)
        | Intent::Zoom(_)
        | Intent::Say(_) => None,
    }
}
