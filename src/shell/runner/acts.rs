//! Acts, one after the other: intent, run, outcome.

use std::time::Duration;

use super::masking::Mask;
use super::output::Output;
use super::{Judge, Probe, Runner, request};
use crate::base::time::spoken;
use crate::model::Exec;
use crate::runbook::record::Outcome;
use crate::runbook::seal::SealedAct;
use crate::runbook::{Entry, Record};
use crate::shell::child::{self, Ended};
use crate::shell::{clock, secrets};

/// How a list of acts ended.
pub enum ActsEnd {
    /// Each of them said that it is done.
    Applied,
    /// One of them said that it failed.
    Failed { why: String },
    /// One of them may or may not have taken effect, or some were done and the others never started.
    Uncertain { why: String },
    /// Not one of them took effect.
    NothingRan { why: String },
    /// One of them ran, and the journal could not take what became of it.
    Mute { why: String },
}

impl<P: Probe, J: Judge> Runner<'_, P, J> {
    /// Starts each act once its intent is durable, and the next once its outcome is.
    pub async fn act_all(&mut self, acts: &[SealedAct]) -> ActsEnd {
        for (done, act) in acts.iter().enumerate() {
            let intent = match self.may_start(act) {
                Ok(intent) => intent,
                Err(why) if done == 0 => return ActsEnd::NothingRan { why },
                Err(why) => {
                    return ActsEnd::Uncertain {
                        why: format!(
                            "{done} of {} acts are done, and {} was not started: {why}",
                            acts.len(),
                            act.title
                        ),
                    };
                }
            };
            let outcome = match self.act(act, &intent).await {
                Ok(outcome) => outcome,
                Err(why) => return ActsEnd::Mute { why },
            };
            let title = &act.title;
            match outcome {
                done if done.is_done() => {}
                Outcome::Exited { code } => return ActsEnd::Failed { why: format!("{title} failed with code {code}") },
                Outcome::NotStarted { why } if done == 0 => {
                    return ActsEnd::NothingRan { why: format!("{title} did not start: {why}") };
                }
                Outcome::NotStarted { why } => return ActsEnd::Failed { why: format!("{title} did not start: {why}") },
                // Whoever ended it, it may have handed its work to systemd before.
                Outcome::Signalled { signal } => {
                    return ActsEnd::Uncertain { why: format!("{title} was ended by signal {signal}") };
                }
                Outcome::Unknown { why } => return ActsEnd::Uncertain { why: format!("{title}: {why}") },
                Outcome::Answered { status } => {
                    return ActsEnd::Failed { why: format!("{title} was answered with status {status}") };
                }
            }
        }
        ActsEnd::Applied
    }

    /// Writes the intent, with room for its outcome set aside. Without both the act does not start.
    fn may_start(&mut self, act: &SealedAct) -> Result<Entry, String> {
        if let Some(why) = self.stop.asked().or_else(|| self.writer.trouble()) {
            return Err(why);
        }
        self.reserve()?;
        let intent = Record::Intent {
            sequence: self.order.sealed.id.clone(),
            act: act.id.clone(),
            hash: self.order.hash.clone(),
            shown: act.exec.to_string(),
        };
        self.writer.once(intent).map_err(|error| error.to_string())
    }

    async fn act(&mut self, act: &SealedAct, intent: &Entry) -> Result<Outcome, String> {
        let began = clock::now();
        let mask = Mask::of(&secrets::values(&self.order.sealed));
        let mut output = Output::open(self.root, self.run, intent.seq, &act.id, mask);
        let outcome = match &act.exec {
            Exec::Command { argv, timeout } => match child::start(argv, &[]) {
                Ok(running) => {
                    let mut take = |bytes: &[u8]| output.take(bytes);
                    outcome(running.finish(*timeout, self.pace.grace, &mut take).await)
                }
                Err(error) => Outcome::NotStarted { why: error.to_string() },
            },
            Exec::Wait { time } => {
                tokio::time::sleep(*time).await;
                Outcome::Exited { code: 0 }
            }
            Exec::Request { method, url, headers, body, timeout } => {
                request::send(*method, url, headers, body.as_deref(), *timeout, &mut output).await
            }
        };
        let took: Duration = clock::now().boot.since(began.boot);
        let applied = Record::Applied {
            sequence: self.order.sealed.id.clone(),
            act: act.id.clone(),
            outcome: outcome.clone(),
            took,
            output: output.finish(),
        };
        match self.writer.insist(applied).await {
            Ok(_) => Ok(outcome),
            Err(error) => Err(format!("{} ran for {} and ended as {outcome:?}, and {error}", act.title, spoken(took))),
        }
    }
}

fn outcome(ended: Ended) -> Outcome {
    match ended {
        Ended::Exited { code } => Outcome::Exited { code },
        Ended::Signalled { signal } => Outcome::Signalled { signal },
        Ended::OverTime { why } | Ended::Lost { why } => Outcome::Unknown { why },
    }
}
