//! What a pane asks for.

use serde::{Deserialize, Serialize};

use crate::base::{BranchId, RunId, RunbookId, StepId, TargetId};

/// The pages, in the order of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Page {
    #[default]
    Overview,
    Target,
    Alerts,
    Wizard,
    Journal,
    Sources,
}

impl Page {
    pub const ALL: [Page; 6] = [Page::Overview, Page::Target, Page::Alerts, Page::Wizard, Page::Journal, Page::Sources];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Page::Overview => "overview",
            Page::Target => "target",
            Page::Alerts => "alerts",
            Page::Wizard => "wizard",
            Page::Journal => "journal",
            Page::Sources => "sources",
        }
    }

    /// Whether the page has a list that a filter can narrow. The overview has none on purpose: what asks for
    /// attention is not hidden where people look first.
    #[must_use]
    pub fn has_list(self) -> bool {
        match self {
            Page::Target | Page::Alerts | Page::Journal | Page::Sources => true,
            Page::Overview | Page::Wizard => false,
        }
    }
}

/// What a pane asks `app/` to do. Nothing here has happened yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    Show(Page),
    SelectTarget(TargetId),
    /// Open the runbook that serves this alert, with its diagnosis running; or go to its run if one is open.
    OpenRunbook {
        target: TargetId,
        alert: String,
    },
    /// Open this runbook without an alert, or go to its run if one is open.
    StartRunbook {
        target: TargetId,
        runbook: RunbookId,
    },
    /// Chart this series on the target's page; the system's own chart where there is none.
    Chart {
        target: TargetId,
        series: Option<String>,
    },
    ShowRun(RunId),
    /// The suggested branch; any other goes through a reason first.
    TakeBranch {
        run: RunId,
        step: StepId,
        branch: BranchId,
    },
    /// Open the confirmation of this step's sequence.
    Commit {
        run: RunId,
        step: StepId,
    },
    /// Record an escalation or the end of a branch.
    Acknowledge {
        run: RunId,
        step: StepId,
    },
    SettleUnknown {
        run: RunId,
        step: StepId,
    },
    CloseRun(RunId),
    /// Put this text on the operator's clipboard.
    Copy(String),
    /// Show this part of the page alone.
    Zoom(usize),
    /// Say this in the status line.
    Say(String),
}
