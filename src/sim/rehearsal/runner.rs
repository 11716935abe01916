//! The runner of a rehearsal: what is confirmed is carried out step by step against the simulated node, with the
//! records that a real runner writes.
//!
//! Must never: be taken for a proof of the real runner, which has tests of its own.

use std::time::Duration;

use super::Rehearsal;
use crate::app::JournalId;
use crate::base::{At, Digest, RunId, SequenceId, StepId};
use crate::model::file_act::PROGRAM_NAME;
use crate::model::{Exec, FileOrder};
use crate::runbook::Present;
use crate::runbook::SealedSequence;
use crate::runbook::machine::Look;
use crate::runbook::record::{Judged, Outcome, Record, SequenceEnd};
use crate::runbook::seal::{Place, SealedAct};
use crate::runbook::tree::{Act, ActPlan, ConditionPlan};
use crate::sim::exchange::Request;
use crate::sim::volchain;

/// What the rehearsed node takes as its `X-Admin-Secret`, wherever a reference stands for it.
pub(super) const ADMIN_SECRET: &str = "rehearsed";

/// Where the played runner is.
#[derive(Debug)]
pub(super) struct PlayedRunner {
    run: RunId,
    step: StepId,
    sequence: SealedSequence,
    hash: Digest,
    verify_from: At,
    deadline: At,
    true_in_a_row: u32,
}

impl Rehearsal {
    pub(super) fn start_runner(&mut self, run: RunId, step: StepId, sequence: SealedSequence, hash: Digest) {
        let journal = JournalId::Run(run.clone());
        let id = sequence.id.clone();
        self.append(
            journal.clone(),
            Record::RunnerStarted {
                sequence: id.clone(),
                hash: hash.clone(),
                pid: 4711,
                host_proof: played_proof(&sequence.place.unit),
                privilege_proof: "directly, as ops".to_owned(),
            },
        );
        if let Err(why) = self.play_acts(&journal, &id, &hash, &sequence.acts) {
            let end = self.go_back(&journal, &sequence, &hash, why);
            let judged = Vec::new();
            return self.append(journal, Record::SequenceEnded { step, sequence: id, end, judged });
        }
        let verify_from = self.now.plus(sequence.settle);
        let deadline = verify_from.plus(sequence.verify_within);
        self.append(journal, Record::Settling { sequence: id, until: verify_from });
        self.runner = Some(PlayedRunner { run, step, sequence, hash, verify_from, deadline, true_in_a_row: 0 });
    }

    /// One act after the other, until one fails.
    fn play_acts(
        &mut self,
        journal: &JournalId,
        sequence: &SequenceId,
        hash: &Digest,
        acts: &[SealedAct],
    ) -> Result<(), String> {
        for act in acts {
            let (sequence, shown) = (sequence.clone(), act.exec.to_string());
            let intent = Record::Intent { sequence: sequence.clone(), act: act.id.clone(), hash: hash.clone(), shown };
            self.append(journal.clone(), intent);
            let (outcome, output) = self.carry_out_act(&act.exec);
            let (done, took) = (outcome.is_done(), Duration::from_secs(3));
            self.append(journal.clone(), Record::Applied { sequence, act: act.id.clone(), outcome, took, output });
            if !done {
                return Err(format!("{} failed", act.title));
            }
        }
        Ok(())
    }

    /// As the real runner ends what failed.
    fn go_back(&mut self, journal: &JournalId, sealed: &SealedSequence, hash: &Digest, why: String) -> SequenceEnd {
        if sealed.way_back.is_empty() {
            return SequenceEnd::NotCured { why };
        }
        self.append(journal.clone(), Record::WayBackStarted { sequence: sealed.id.clone(), why: why.clone() });
        match self.play_acts(journal, &sealed.id, hash, &sealed.way_back) {
            Ok(()) => SequenceEnd::RolledBack { why },
            Err(failed) => SequenceEnd::NotCured { why: format!("{why}; the way back failed: {failed}") },
        }
    }

    fn carry_out_act(&mut self, exec: &Exec) -> (Outcome, String) {
        match exec {
            Exec::Command { .. } => match self.play_by_hand(exec) {
                Ok(changes) => {
                    changes.into_iter().for_each(|change| self.apply_by_hand(change));
                    (Outcome::Exited { code: 0 }, String::new())
                }
                Err(why) => (Outcome::Exited { code: 1 }, why),
            },
            Exec::Wait { .. } => (Outcome::Exited { code: 0 }, String::new()),
            Exec::Request { method, url, headers, .. } => {
                let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
                let mut request = Request::new(method.word(), path.unwrap_or("/"));
                request.admin_secret = headers.first().map(|_| ADMIN_SECRET.to_owned());
                let by_hand = self.casts.iter_mut().find(|cast| cast.play.by_hand().is_some());
                let Some(cast) = by_hand else { return (Outcome::Exited { code: 1 }, String::new()) };
                let (answer, _) = cast.play.answer(self.now.wall.0, &request);
                (Outcome::Answered { status: answer.status }, answer.body)
            }
        }
    }

    fn play_by_hand(&mut self, exec: &Exec) -> Result<Vec<volchain::Change>, String> {
        let node = self.casts.iter().find_map(|cast| cast.play.by_hand());
        let node = node.ok_or("nothing that this could be done to is rehearsed")?;
        self.played.play(exec, node, self.now.wall)
    }

    pub(super) fn play_runner(&mut self) {
        let Some(mut runner) = self.runner.take() else { return };
        if self.now.boot < runner.verify_from.boot || !self.now.boot.0.is_multiple_of(2000) {
            self.runner = Some(runner);
            return;
        }
        let model = self.app.model();
        let present = Present::new(&model.store, &runner.sequence.place.target, self.now);
        let judge = |plan: &ConditionPlan| Judged {
            means: plan.means.clone(),
            expr: plan.expr.clone(),
            verdict: present.judge(plan),
        };
        let judged: Vec<Judged> = runner.sequence.verify.iter().map(judge).collect();
        let all = judged.iter().all(|judged| judged.verdict == crate::promql::Verdict::True);
        runner.true_in_a_row = if all { runner.true_in_a_row + 1 } else { 0 };
        let journal = JournalId::Run(runner.run.clone());
        let sequence = runner.sequence.id.clone();
        let mut late = false;
        let mut end = if runner.true_in_a_row >= 2 {
            Some(SequenceEnd::Verified)
        } else if self.now.boot >= runner.deadline.boot {
            late = true;
            None
        } else {
            None
        };
        self.append(
            journal.clone(),
            Record::Verifying { sequence: sequence.clone(), judged: judged.clone(), deadline: runner.deadline },
        );
        if late {
            let why = "the verification did not come true in time".to_owned();
            end = Some(self.go_back(&journal, &runner.sequence, &runner.hash, why));
        }
        match end {
            Some(end) => self.append(journal, Record::SequenceEnded { step: runner.step, sequence, end, judged }),
            None => self.runner = Some(runner),
        }
    }
}

pub(super) fn played_proof(unit: &str) -> String {
    format!("pid 4242 of {unit}.service listens on 127.0.0.1:3001")
}

pub(super) fn resolved(place: &Place, plan: &ActPlan) -> Result<Exec, String> {
    Ok(match plan.act.clone() {
        Act::Command(mut argv) => {
            if let Some(program) = argv.first_mut() {
                *program = format!("/run/opsconsole-demo/bin/{program}");
            }
            Exec::Command { argv, timeout: plan.timeout }
        }
        Act::Wait(time) => Exec::Wait { time },
        Act::Request(request) => {
            request.at(&place.base_url, &place.secrets, plan.timeout).map_err(|error| error.to_string())?
        }
        Act::File(act) => {
            let order = FileOrder { within: Some("/run/opsconsole-demo".to_owned()), act };
            let mut argv = vec![format!("/run/opsconsole-demo/bin/{PROGRAM_NAME}")];
            argv.extend(order.arguments().unwrap_or_default());
            Exec::Command { argv, timeout: plan.timeout }
        }
    })
}
