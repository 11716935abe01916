//! Everything that can happen, and everything that can be asked of the world. Closed, serialisable, without secrets.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Reloaded;
use super::beside::{Found, Task, Unwritten};
use super::collecting::Bundle;
use crate::alert::Remembered;
use crate::alert::slo::Closed;
use crate::base::{Boot, Digest, Key, RunId, SourceId, StepId, TargetId};
use crate::model::{Backfill, Batch, DemoOrder, Exec, FaultState};
use crate::panes::metrics::Inquiry;
use crate::panes::model::Link;
use crate::promql::buckets::Charted;
use crate::runbook::record::Archive;
use crate::runbook::seal::Place;
use crate::runbook::tree::ActPlan;
use crate::runbook::{Entry, Record};
use crate::sources::backfill::BackfillPlan;

/// Which journal file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JournalId {
    Console,
    Run(RunId),
}

/// Past facts, stamped by the shell with both clocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Msg {
    /// The time that `App::wake` asked for has come.
    Woke,
    Key(Key),
    Paste(String),
    /// A frame was written to the terminal.
    Drawn,
    /// Mouse reports are taken in and ignored, so that they can not become keys.
    Mouse,
    Resized {
        columns: u16,
        rows: u16,
    },
    /// The line to the terminal is known better, or has changed.
    Link(Link),
    /// The terminal acknowledged the frame that [`Effect::AskPainted`] asked about.
    Painted,
    /// Back from a suspension, or a new terminal: everything must be drawn again.
    Resumed,
    /// The console was to be suspended and was not, and why.
    NotSuspended {
        why: String,
    },
    Signal(Signal),
    Polled(Arc<Batch>),
    /// What [`Effect::Evaluate`] asked for.
    Evaluated {
        number: u64,
        #[serde(skip)]
        found: Unwritten<Box<Found>>,
    },
    /// The poller will try this source again then.
    NextTry {
        source: SourceId,
        at: Boot,
    },
    /// A journal has this entry, durably; whoever wrote it.
    Journalled {
        journal: JournalId,
        entry: Box<Entry>,
        /// The next entry of the same journal is right behind it.
        #[serde(default)]
        more: bool,
    },
    /// A record that was to follow another one did not: somebody else's came in between, and has been told by now.
    Overtaken {
        run: RunId,
    },
    JournalRefused {
        journal: JournalId,
        why: String,
    },
    /// Clocks and claims of alerts could not be kept for the next console.
    AlertsNotKept {
        why: String,
    },
    ArmAnswered {
        target: TargetId,
        answer: ArmAnswer,
    },
    Prepared {
        run: RunId,
        step: StepId,
        answer: Box<PrepareAnswer>,
    },
    /// Measured minutes of objectives could not be kept, and why: their budgets forget them with this console.
    MinutesNotKept {
        why: String,
    },
    /// The runner was started, or could not be.
    Committed {
        run: RunId,
        failed: Option<String>,
    },
    /// A text was given to the terminal for its clipboard, or was not, and why.
    Copied(Result<Copied, String>),
    /// What the server of a target remembers came, or did not.
    Backfilled(Box<Backfill>),
    /// A server answered [`Effect::Inquire`] of this number.
    Inquired {
        number: u64,
        answer: Result<Charted, String>,
    },
    /// Theme and keymap were read again, because their files changed or [`Effect::Load`] asked for it.
    Reloaded(Box<Reloaded>),
    /// The archive that [`Effect::Collect`] asked for was written, or was not, and why.
    Collected {
        run: RunId,
        step: StepId,
        outcome: Box<Result<Archive, String>>,
    },
    /// The demo did what [`Effect::Demo`] asked for, and tells every fault; or why it did not.
    DemoTold {
        order: DemoOrder,
        answer: Result<Vec<FaultState>, String>,
    },
    /// Polls of before this console began, oldest first of each source. Taken in at once, because no single one of
    /// these thousands is worth a look at everything.
    Remembered(Vec<Arc<Batch>>),
}

/// What was given to the clipboard. Terminals do not say whether they took it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// Its beginning, as long as a status line can show it.
    pub text: String,
    pub bytes: usize,
    /// What may have to be set for the text to arrive.
    pub needs: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    Terminate,
    HangUp,
    Interrupt,
}

impl Copied {
    #[must_use]
    pub fn of(text: &str, needs: Option<&str>) -> Copied {
        const SHOWN_COLUMNS: usize = 60;
        Copied {
            text: crate::base::text::fitted(text, SHOWN_COLUMNS).into_owned(),
            bytes: text.len(),
            needs: needs.map(str::to_owned),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Terminate => "SIGTERM",
            Signal::HangUp => "the terminal went away",
            Signal::Interrupt => "SIGINT",
        })
    }
}

/// The shell's answer to [`Effect::Arm`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ArmAnswer {
    /// The arming lock is held. `host_proof` says how it was proven that commands act on the node shown, or why not.
    Ready {
        host_proof: Result<String, String>,
        /// Why a committed sequence would end with this login, if it would.
        mortal: Option<String>,
    },
    Refused {
        why: String,
    },
}

/// The shell's answer to [`Effect::Prepare`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PrepareAnswer {
    Ready {
        /// The acts with resolved argv, in order, then those of the way back.
        acts: Vec<Exec>,
        way_back: Vec<Exec>,
        host_proof: Result<String, String>,
        privilege_proof: String,
        /// Fresh, for the dialog: two characters.
        code: String,
    },
    Refused {
        why: String,
    },
}

/// Imperatives for the shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    Quit,
    Suspend,
    Redraw,
    /// Say when the terminal has taken the next whole frame, and throw away what was typed before it.
    AskPainted,
    Bell,
    Copy(String),
    /// Read these again by name, from the operator's folder or the program's own, then answer with `Reloaded`.
    Load {
        theme: Option<String>,
        keymap: Option<String>,
        /// Rule files, by their paths.
        #[serde(default)]
        rules: Vec<String>,
    },
    /// Evaluate this beside the loop, then answer with `Evaluated`.
    Evaluate {
        number: u64,
        #[serde(skip)]
        task: Unwritten<Arc<Task>>,
    },
    /// Keep the clocks and claims of alerts for a console after this one.
    KeepAlerts(Box<Remembered>),
    /// Ask a server for the past of a target, then answer with `Backfilled`.
    Backfill(Box<BackfillPlan>),
    /// Ask a server for a chart, then answer with `Inquired` of the same number.
    Inquire {
        number: u64,
        inquiry: Box<Inquiry>,
    },
    /// Poll this source as soon as its target may be asked, not when it is due.
    FetchNow {
        source: SourceId,
    },
    /// Append durably, then answer with `Journalled` or `JournalRefused`.
    Append {
        journal: JournalId,
        record: Box<Record>,
        /// Only right behind the entry of this number, else answer with `Overtaken`: it follows from what was read.
        #[serde(default)]
        after: Option<u64>,
    },
    /// Take the arming lock and prove the host.
    Arm {
        place: Box<Place>,
    },
    Disarm {
        lock_key: String,
    },
    /// Resolve the argv, prove host and privilege, draw a code. Changes nothing.
    Prepare {
        run: RunId,
        step: StepId,
        place: Box<Place>,
        acts: Vec<ActPlan>,
        way_back: Vec<ActPlan>,
    },
    /// Append this `Confirmed` record to the run's journal, and when it is durable start the runner.
    /// Only right behind the entry `after`, as the person saw it.
    Commit {
        run: RunId,
        record: Box<Record>,
        hash: Digest,
        #[serde(default)]
        after: u64,
    },
    /// Keep these measured minutes of a target's objectives; answered with `MinutesNotKept` alone.
    KeepMinutes {
        target: TargetId,
        closed: Vec<Closed>,
    },
    /// Report every entry of the run's journal from the first, and whether its runner lives.
    Follow {
        run: RunId,
    },
    /// Write this evidence and the run's journal into one archive, then answer with `Collected`.
    Collect {
        run: RunId,
        step: StepId,
        bundle: Box<Bundle>,
    },
    /// Ask this of the demo in this folder, then answer with `DemoTold`.
    Demo {
        folder: String,
        order: DemoOrder,
    },
}
