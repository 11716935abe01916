//! One recording rule on one target: the series that it makes of others.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::RecordRule;
use super::measured::{Measured, Moment};
use crate::model::labels::NAME;
use crate::model::{Labels, Truth};

#[derive(Clone, Debug)]
pub(super) struct LiveRecord {
    pub(super) rule: Arc<RecordRule>,
    /// Why the last evaluation made nothing, where it should have.
    pub(super) failure: Option<String>,
    /// Where it made nothing: how far what it is made of can be trusted, where that is not whole.
    pub(super) lack: Option<Truth>,
}

impl LiveRecord {
    pub(super) fn new(rule: Arc<RecordRule>) -> LiveRecord {
        LiveRecord { rule, failure: None, lack: None }
    }

    /// The series as they are now. What rests on data that is missing or stale is left out: a recorded number would
    /// look fresh.
    pub(super) fn step(&mut self, moment: &Moment<'_>) -> Vec<(Arc<Labels>, f64)> {
        let measured = Measured::now(&self.rule.expr, moment);
        self.failure.clone_from(&measured.failure);
        self.lack = measured.lack();
        let mut seen = BTreeSet::new();
        let mut made = Vec::with_capacity(measured.active.len());
        for (nameless, element) in &measured.active {
            let own = self.rule.labels.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            let labels = Labels::from_pairs(nameless.iter().chain([(NAME, &*self.rule.name)]).chain(own));
            if !seen.insert(labels.clone()) {
                self.failure = Some(format!("several of its series would be {labels}"));
                return Vec::new();
            }
            made.push((Arc::new(labels), element.value));
        }
        made
    }
}
