//! What a node has is found out anew when it was started again, and who answers in a node's place is said to everyone.
//!
//! Nothing is asked for this alone: restarts and strangers are told by what sources were told anyway, and what is asked
//! anew are those sources, each once and in its turn.

use super::{App, Effect};
use crate::base::{Severity, SourceId};
use crate::model::FetchFailure;

/// How the end of the banner of another system reads, by which it is found again.
const ANOTHER: &str = "; none of its values is taken";

impl App {
    /// Where the last answer of a source tells that its node was started again: forgets what was known of the node, and
    /// of what is read of the target as a whole, and asks every source of them out of its rhythm.
    pub(super) fn find_out_anew(&mut self, source: &SourceId, effects: &mut Vec<Effect>) {
        let Some(state) = self.model.store.source(source) else { return };
        let Some(restart) = state.restart.clone() else { return };
        let answered = state.last_ok.unwrap_or(self.model.now);
        let target = self.model.target_by_id(&state.target);
        let of_the_whole = target.into_iter().flat_map(|target| &target.sources).filter(|bound| bound.spec.once);
        let beside: Vec<SourceId> = of_the_whole.map(|bound| bound.id.clone()).collect();
        let forgotten = self.model.store.forget_node(source, answered, &restart, &beside);
        // The answer that told it is asked for again too: it was read against what was known before.
        effects.extend(forgotten.into_iter().map(|source| Effect::FetchNow { source }));
    }

    /// The system that answers in the place of a source's own, in the words of its failure.
    pub(super) fn answers_as_another(&self, source: &SourceId) -> Option<String> {
        match &self.model.store.source(source)?.failure {
            Some(failure @ FetchFailure::OtherSystem { .. }) => Some(failure.to_string()),
            Some(_) | None => None,
        }
    }

    /// A banner for each endpoint at which another system answers, and none for those where that is over.
    pub(super) fn tell_of_others(&mut self) {
        let failures = self.model.store.sources().filter_map(|state| state.failure.as_ref());
        let others = failures.filter(|failure| matches!(failure, FetchFailure::OtherSystem { .. }));
        let told: Vec<String> = others.map(ToString::to_string).collect();
        self.model.banners.retain(|banner| !banner.text.ends_with(ANOTHER) || told.contains(&banner.text));
        for text in told {
            if self.model.banners.iter().all(|banner| banner.text != text) {
                self.banner(Severity::Critical, text);
            }
        }
    }
}
