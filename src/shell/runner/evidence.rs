//! What was measured after the acts, and nothing else: a store that begins empty.

use std::time::Duration;

use tokio::time::timeout;

use super::Probe;
use crate::base::At;
use crate::model::{Batch, FetchFailure, Retention, Scope, SourceState, Store};
use crate::runbook::SealedSequence;
use crate::shell::clock;
use crate::sources::BoundSource;

/// Added to a source's own time limit before a read is given up here.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a source's own times can not be used.
const FALLBACK: Duration = Duration::from_secs(10);

pub struct Evidence {
    pub store: Store,
    pub scope: Scope,
}

impl Evidence {
    pub fn new(sealed: &SealedSequence) -> Evidence {
        let span = sealed.verify_within + Duration::from_secs(300);
        let mut store = Store::new(Retention { named: span, rest: span, ..Retention::default() });
        for source in &sealed.reads {
            let interval = seconds(source.spec.interval_seconds);
            let limit = seconds(source.spec.timeout_seconds);
            store.declare(SourceState::new(source.id.clone(), source.target.clone(), source.shown(), interval, limit));
        }
        Evidence { store, scope: Scope::Target(sealed.place.target.clone()) }
    }

    /// Reads every source once, one after the other: never more than one request in flight.
    pub async fn round<P: Probe>(&mut self, probe: &mut P, reads: &[BoundSource]) {
        for source in reads {
            let sent = clock::now();
            let limit = seconds(source.spec.timeout_seconds) + PATIENCE;
            let batch = match timeout(limit, probe.poll(source)).await {
                Ok(batch) => batch,
                Err(_) => unanswered(source, sent, limit),
            };
            self.store.link(&batch);
        }
        self.store.forget_after(clock::now().wall);
    }
}

fn unanswered(source: &BoundSource, sent: At, after: Duration) -> Batch {
    let failure = FetchFailure::Timeout { after, received_bytes: 0 };
    Batch { took: after, ..Batch::failed(source.id.clone(), sent, failure) }
}

fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(FALLBACK)
}
