//! The runner as a process: what the hidden subcommand does with its arguments.

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Judge, Pace, Probe, Stop, detach, run};
use crate::base::{At, Digest, RunId, SourceId};
use crate::model::{Batch, FetchFailure, Scope, Store};
use crate::promql::{Condition, Verdict};
use crate::runbook::tree::ConditionPlan;
use crate::shell::fetch::Fetcher;
use crate::shell::poller::poll_once;
use crate::shell::{StateRoot, clock, journal};
use crate::sources::{BoundSource, Cursor, Source, SourceError};

/// Carries out the sequence of this run that was confirmed with this hash.
pub async fn main(root: &StateRoot, run_id: &RunId, hash: &Digest) -> ExitCode {
    let stop = match detach().and_then(|()| Stop::on_signals()) {
        Ok(stop) => stop,
        Err(error) => {
            journal::say(&format!("run {run_id}: the runner could not leave its console, so nothing ran: {error}"));
            return ExitCode::from(4);
        }
    };
    let finished = run(root, run_id, hash, Polls::beside(root), Conditions, Pace::default(), stop).await;
    ExitCode::from(finished.exit_code())
}

/// Reads the sealed sources as the console's pollers do, and from the same budgets.
struct Polls {
    fetcher: Fetcher,
    sources: HashMap<SourceId, (Arc<Source>, Cursor)>,
}

impl Polls {
    fn beside(root: &StateRoot) -> Polls {
        Polls { fetcher: Fetcher::sharing(Arc::new(root.clone())), sources: HashMap::new() }
    }

    fn compiled(&mut self, bound: &BoundSource) -> Result<&mut (Arc<Source>, Cursor), SourceError> {
        if !self.sources.contains_key(&bound.id) {
            let source = Arc::new(Source::compile(bound.clone())?);
            self.sources.insert(bound.id.clone(), (source, Cursor::default()));
        }
        // Just inserted where it was missing.
        Ok(self.sources.get_mut(&bound.id).expect("it was inserted above"))
    }
}

impl Probe for Polls {
    async fn poll(&mut self, bound: &BoundSource) -> Batch {
        let fetcher = self.fetcher.clone();
        match self.compiled(bound) {
            Ok((source, cursor)) => poll_once(source, cursor, &fetcher, clock::now).await,
            Err(error) => {
                Batch::failed(bound.id.clone(), clock::now(), FetchFailure::Other { detail: error.to_string() })
            }
        }
    }
}

/// Judges conditions as the console does.
struct Conditions;

impl Judge for Conditions {
    fn judge(&self, plan: &ConditionPlan, store: &Store, scope: &Scope, at: At) -> Verdict {
        match Condition::parse(&plan.expr) {
            Ok(condition) => condition.judge(store, scope, at),
            Err(error) => Verdict::Unknown(error.to_string()),
        }
    }
}
