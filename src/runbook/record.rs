//! The journal's vocabulary: everything that is worth remembering, in past tense.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::seal::{Approval, Environment, SealedSequence};
use super::tree::{ConditionPlan, Runbook};
use crate::alert::{AlertKey, Claim, ClaimKind};
use crate::base::{ActId, At, BranchId, Digest, RunId, SequenceId, StepId, SystemId, TargetId, Unit};
use crate::model::Reading;
use crate::promql::Verdict;

/// One line of a journal file: chained to the line before it by hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// 1 for the first.
    pub seq: u64,
    /// Hash of the entry before; zeros before the first.
    pub prev: Digest,
    pub at: At,
    /// Boot times of different boots can not be compared.
    pub boot_id: String,
    pub actor: Actor,
    pub record: Record,
    /// SHA-256 over the entry's JSON without this field.
    pub hash: Digest,
}

/// Who, as far as the machine knows, and as they call themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `opsconsole` or `runner`, with its process id.
    pub process: String,
    /// The effective user's name.
    pub user: String,
    /// Who logged in before any sudo, where the kernel knows.
    pub login_uid: Option<u32>,
    /// `SSH_CONNECTION`, cleaned.
    pub ssh: Option<String>,
    /// The name given when arming.
    pub declared: Option<String>,
}

/// A value as it was when a decision was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub label: String,
    pub expr: String,
    pub unit: Unit,
    pub reading: Reading,
}

/// A condition as it was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub means: String,
    pub expr: String,
    pub verdict: Verdict,
}

/// How an act ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Exited {
        code: i32,
    },
    Signalled {
        signal: i32,
    },
    /// It did not start; nothing changed.
    NotStarted {
        why: String,
    },
    /// It was still running at its time limit, or could not be waited for: whether it took effect is not known.
    Unknown {
        why: String,
    },
    /// Of a request: the node's whole answer came. 2xx is done; anything else is failed.
    Answered {
        status: u16,
    },
}

impl Outcome {
    /// Whether the act said of itself that it is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self {
            Outcome::Exited { code } => *code == 0,
            Outcome::Answered { status } => (200..300).contains(status),
            Outcome::Signalled { .. } | Outcome::NotStarted { .. } | Outcome::Unknown { .. } => false,
        }
    }

    /// Whether it ran to an end of its own, whatever that was.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self {
            Outcome::Exited { .. } | Outcome::Signalled { .. } | Outcome::Answered { .. } => true,
            Outcome::NotStarted { .. } | Outcome::Unknown { .. } => false,
        }
    }
}

/// How a sequence ended. These are all the ends there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SequenceEnd {
    Verified,
    RolledBack {
        why: String,
    },
    /// Done as confirmed, and the verification did not come true in time.
    NotCured {
        why: String,
    },
    /// An act may or may not have taken effect.
    OutcomeUnknown {
        why: String,
    },
    /// Refused before anything ran.
    Refused {
        why: String,
    },
    /// Confirmed, and no runner ever began it. Nothing ran.
    NeverStarted {
        why: String,
    },
}

/// Everything that can be remembered. A run's journal begins with [`Record::RunOpened`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    // the run
    RunOpened {
        run: RunId,
        target: TargetId,
        system: SystemId,
        environment: Environment,
        /// The alert it was opened from.
        alert: Option<String>,
        /// Frozen: the run goes on with this, whatever the files say later.
        runbook: Box<Runbook>,
        hash: Digest,
    },
    Observed {
        step: StepId,
        evidence: Vec<Evidence>,
    },
    Suggested {
        step: StepId,
        branch: Option<BranchId>,
        judged: Vec<(BranchId, Vec<Judged>)>,
    },
    /// `reason` is set where the branch was not the suggested one.
    BranchTaken {
        step: StepId,
        branch: BranchId,
        reason: Option<String>,
    },
    WatchStarted {
        step: StepId,
        until: At,
    },
    WatchEnded {
        step: StepId,
        judged: Vec<Judged>,
        in_time: bool,
    },
    Escalated {
        step: StepId,
        contacts: Vec<String>,
    },
    Concluded {
        step: StepId,
        finding: String,
    },
    RunClosed {
        why: String,
    },

    // acting, written by the console
    Armed {
        target: TargetId,
        lock_key: String,
        reason: String,
        declared: String,
        until: At,
    },
    Disarmed {
        target: TargetId,
        why: String,
    },
    Refused {
        what: String,
        why: String,
    },
    /// The last record a console writes of a sequence; from here on the runner writes.
    Confirmed {
        step: StepId,
        sequence: Box<SealedSequence>,
        hash: Digest,
        only_if: Vec<Judged>,
        evidence: Vec<Evidence>,
    },

    // acting, written by the runner (and `SequenceEnded { NeverStarted }` and probes by a console)
    RunnerStarted {
        sequence: SequenceId,
        hash: Digest,
        pid: u32,
        host_proof: String,
        privilege_proof: String,
    },
    Intent {
        sequence: SequenceId,
        act: ActId,
        hash: Digest,
        shown: String,
    },
    Applied {
        sequence: SequenceId,
        act: ActId,
        outcome: Outcome,
        took: Duration,
        output: String,
    },
    Settling {
        sequence: SequenceId,
        until: At,
    },
    Verifying {
        sequence: SequenceId,
        judged: Vec<Judged>,
        deadline: At,
    },
    WayBackStarted {
        sequence: SequenceId,
        why: String,
    },
    SequenceEnded {
        step: StepId,
        sequence: SequenceId,
        end: SequenceEnd,
        judged: Vec<Judged>,
    },
    /// An operator looked at a sequence whose outcome was unknown, and says what became of it.
    Settled {
        step: StepId,
        sequence: SequenceId,
        cured: bool,
        note: String,
        judged: Vec<Judged>,
    },

    // the console
    ConsoleStarted {
        version: String,
    },
    ConsoleStopped {
        why: String,
    },
    ClockJumped {
        millis: i64,
    },
    AlertChanged {
        target: TargetId,
        alert: String,
        labels: String,
        from: String,
        to: String,
    },
    /// Somebody answers for an alert, or puts it off.
    AlertClaimed {
        key: AlertKey,
        kind: ClaimKind,
        claim: Claim,
    },
    ClaimWithdrawn {
        key: AlertKey,
        kind: ClaimKind,
        by: String,
    },
    /// The time of an acknowledgement or a snooze is over.
    ClaimOver {
        key: AlertKey,
        kind: ClaimKind,
        claim: Claim,
    },
    /// The last line of this file was torn; its bytes were put beside it.
    TornLine {
        bytes: u64,
        kept_in: String,
    },
    /// Somebody answers alone for something destructive, and it is being confirmed. In the console's journal, so that
    /// whoever reads that one sees it too.
    GlassBroken {
        run: RunId,
        target: TargetId,
        sequence: SequenceId,
        hash: Digest,
        approval: Approval,
    },

    // done by people, and said by them
    /// A manual step was done, or was not and `note` says why.
    DidByHand {
        step: StepId,
        done: bool,
        note: String,
    },
    /// An item of a checklist was seen to, or does not apply and why.
    Ticked {
        step: StepId,
        item: ActId,
        not_applicable: Option<String>,
    },
    /// A value was given; `{name}` stands for it from here on.
    Answered {
        step: StepId,
        name: String,
        value: String,
    },
    /// The acts of a sequence were done by hand, outside the console. They count as done when what verifies the
    /// sequence was measured after that.
    SequenceByHand {
        step: StepId,
        note: String,
        /// With the values written in that were measured before.
        verify: Vec<ConditionPlan>,
        from: At,
        until: At,
    },
    /// What was measured after a sequence was done by hand, in the end.
    ByHandMeasured {
        step: StepId,
        judged: Vec<Judged>,
        cured: bool,
    },
    /// Evidence was put into an archive.
    Collected {
        step: StepId,
        archive: Archive,
    },
    /// Evidence could not be put into an archive; the run goes on without.
    NotCollected {
        step: StepId,
        why: String,
    },
    /// Somebody switched faults of a demo from its console: what followed was simulated.
    DemoSwitched {
        /// Each as `system/name`.
        faults: Vec<String>,
        on: bool,
    },
}

/// A file with evidence, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    pub path: String,
    pub bytes: u64,
    /// Of the whole file.
    pub sha256: Digest,
    /// Names of the files in it.
    pub files: Vec<String>,
    /// What there was no room for, or what could not be read, and why.
    pub left_out: Vec<String>,
}
