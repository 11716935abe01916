//! Whether the acts cured what they were to cure: measured afterwards, twice in a row, before a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::evidence::Evidence;
use super::{Judge, Probe, Runner};
use crate::base::At;
use crate::base::time::spoken;
use crate::promql::Verdict;
use crate::runbook::Record;
use crate::runbook::record::Judged;
use crate::shell::clock;

/// How many rounds in a row everything must hold. One alone may be the last answer of what was there before.
const IN_A_ROW: u32 = 2;

/// Most records of one verification; what changes after that is only in the end's record.
const RECORDS: u32 = 100;

/// Longest sleep between two looks at the clock, which runs on while the machine sleeps.
const NAP: Duration = Duration::from_secs(1);

/// What verification saw.
pub enum Seen {
    Cured,
    NotInTime { why: String },
    Stopped { why: String },
}

impl<P: Probe, J: Judge> Runner<'_, P, J> {
    /// Settles, then measures until everything holds, the deadline passes, or the runner is asked to stop.
    pub async fn observe(&mut self) -> Seen {
        if let Some(why) = self.settle().await {
            return Seen::Stopped { why: format!("nothing was verified: {why}") };
        }
        let sealed = self.order.sealed.clone();
        let mut evidence = Evidence::new(&sealed);
        let deadline = clock::now().plus(sealed.verify_within);
        let nothing = || Verdict::Unknown("not measured since the last act".to_owned());
        self.judged = self.judge_all(nothing);
        let mut records = 1;
        self.note(deadline);
        let mut in_a_row = 0;
        loop {
            let began = Instant::now();
            evidence.round(&mut self.probe, &sealed.reads).await;
            let judged = self.judge_now(&evidence);
            let changed = !same(&self.judged, &judged);
            self.judged = judged;
            if changed && records < RECORDS {
                records += 1;
                self.note(deadline);
            }
            in_a_row = if all_true(&self.judged) { in_a_row + 1 } else { 0 };
            if in_a_row >= IN_A_ROW {
                return Seen::Cured;
            }
            if let Some(why) = self.stop.asked() {
                return Seen::Stopped {
                    why: format!("verification was broken off: {why}; {}", last_seen(&self.judged)),
                };
            }
            if clock::now().boot >= deadline.boot {
                let within = spoken(sealed.verify_within);
                return Seen::NotInTime { why: format!("not verified within {within}: {}", last_seen(&self.judged)) };
            }
            self.stop.or(sleep_until(self.next_round(began))).await;
        }
    }

    /// Waits as long as the sequence says. Answers with the reason if it was asked to stop meanwhile.
    async fn settle(&mut self) -> Option<String> {
        let until = clock::now().plus(self.order.sealed.settle);
        let sequence = self.order.sealed.id.clone();
        // Good to know, and nothing depends on it: a failure keeps further acts from starting, and that is all.
        let _ = self.writer.once(Record::Settling { sequence, until });
        loop {
            if let Some(why) = self.stop.asked() {
                return Some(why);
            }
            let left = until.boot.since(clock::now().boot);
            if left.is_zero() {
                return None;
            }
            self.stop.or(sleep(left.min(NAP))).await;
        }
    }

    /// A slow endpoint gets at least half of the pace to rest; a source that starts a program sets the pace.
    fn next_round(&self, began: Instant) -> Instant {
        let least = self.order.sealed.reads.iter().map(|source| source.spec.kind.least_interval()).max();
        let every = self.pace.poll_every.max(least.unwrap_or_default());
        (began + every).max(Instant::now() + every / 2)
    }

    fn judge_now(&self, evidence: &Evidence) -> Vec<Judged> {
        let now = clock::now();
        let verify = &self.order.sealed.verify;
        let judged = verify.iter().map(|plan| self.judge.judge(plan, &evidence.store, &evidence.scope, now));
        self.judged_as(judged)
    }

    fn judge_all(&self, verdict: impl Fn() -> Verdict) -> Vec<Judged> {
        self.judged_as(self.order.sealed.verify.iter().map(|_| verdict()))
    }

    fn judged_as(&self, verdicts: impl Iterator<Item = Verdict>) -> Vec<Judged> {
        let plans = self.order.sealed.verify.iter();
        plans
            .zip(verdicts)
            .map(|(plan, verdict)| Judged { means: plan.means.clone(), expr: plan.expr.clone(), verdict })
            .collect()
    }

    fn note(&mut self, deadline: At) {
        let record =
            Record::Verifying { sequence: self.order.sealed.id.clone(), judged: self.judged.clone(), deadline };
        let _ = self.writer.once(record);
    }
}

fn all_true(judged: &[Judged]) -> bool {
    !judged.is_empty() && judged.iter().all(|judged| judged.verdict == Verdict::True)
}

/// The reasons of what is unknown hold ages, which change with every round and say nothing new.
fn same(before: &[Judged], after: &[Judged]) -> bool {
    let kind = |judged: &Judged| std::mem::discriminant(&judged.verdict);
    before.iter().map(kind).eq(after.iter().map(kind))
}

fn last_seen(judged: &[Judged]) -> String {
    let said = |judged: &Judged| match &judged.verdict {
        Verdict::True => None,
        Verdict::False => Some(format!("\"{}\" does not hold", judged.means)),
        Verdict::Unknown(why) => Some(format!("whether \"{}\" is not known ({why})", judged.means)),
    };
    let open: Vec<String> = judged.iter().filter_map(said).collect();
    if open.is_empty() { "everything held only at the last look".to_owned() } else { open.join(", ") }
}
