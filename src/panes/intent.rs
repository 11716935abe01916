//! What a pane asks for.

use serde::{Deserialize, Serialize};

use crate::alert::{AlertKey, ClaimKind};
use crate::base::{ActId, BranchId, RunId, RunbookId, SourceId, StepId, TargetId};

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
    Metrics,
    Logs,
    Slo,
    Fleet,
}

impl Page {
    pub const ALL: [Page; 10] = [
        Page::Overview,
        Page::Target,
        Page::Alerts,
        Page::Wizard,
        Page::Journal,
        Page::Sources,
        Page::Metrics,
        Page::Logs,
        Page::Slo,
        Page::Fleet,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Page::Overview => "overview",
            Page::Target => "target",
            Page::Alerts => "alerts",
            Page::Wizard => "wizard",
            Page::Journal => "journal",
            Page::Sources => "sources",
            Page::Metrics => "metrics",
            Page::Logs => "logs",
            Page::Slo => "slo",
            Page::Fleet => "fleet",
        }
    }

    /// Whether the page has a list that a filter can narrow. The overview has none on purpose: what asks for
    /// attention is not hidden where people look first.
    #[must_use]
    pub fn has_list(self) -> bool {
        match self {
            Page::Alerts | Page::Journal | Page::Sources | Page::Metrics | Page::Logs | Page::Slo | Page::Fleet => true,
            Page::Overview | Page::Target | Page::Wizard => false,
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
    /// Open the line for an expression, with this text in it.
    Query(String),
    /// Chart this expression on the page of metrics.
    Explore(String),
    /// Poll this source now.
    FetchNow(SourceId),
    /// Open this runbook without an alert, or go to its run if one is open.
    StartRunbook {
        target: TargetId,
        runbook: RunbookId,
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
    /// Ask for a reason and a time, then acknowledge or snooze this alert.
    Claim {
        key: AlertKey,
        kind: ClaimKind,
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
    /// Tick off this item of the checklist.
    Tick {
        run: RunId,
        step: StepId,
        item: ActId,
    },
    /// Ask why the manual step is not done, or why this item does not apply.
    Decline {
        run: RunId,
        step: StepId,
        item: Option<ActId>,
    },
    /// Ask what was done by hand instead of the step's sequence.
    ByHand {
        run: RunId,
        step: StepId,
    },
}
