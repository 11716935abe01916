//! Which sources give the series of a selector, or could: what an operand says is as true as they are.
//!
//! Must never: count on a source that may not give it, or forget one that does.

use super::node::Selector;
use crate::base::{At, SourceId, Wall};
use crate::model::labels::NAME;
use crate::model::{Matcher, Scope, SourceState, Store, Truth};

/// The series that even a failed poll gives: a refused connection is a measurement of them.
const GIVEN_BY_FAILURE: [&str; 3] = ["up", "probe_success", "opsconsole_source_up"];

/// The sources behind a selector.
pub(super) struct Giving<'a> {
    pub(super) sources: Vec<(&'a SourceState, Truth)>,
    /// Set where nothing in the configuration could give it.
    not_read: Option<Truth>,
}

impl<'a> Giving<'a> {
    pub(super) fn of(selector: &'a Selector, store: &'a Store, scope: &'a Scope, at: At) -> Giving<'a> {
        // One that is bound to another node than the selector asks for has no part in it, whatever became of it.
        let all = || store.sources_in(scope).filter(|state| may_give(state, selector));
        let mut states: Vec<&SourceState> = match &selector.name {
            Some(name) => store.sources_of(scope, name).filter(|state| may_give(state, selector)).collect(),
            // Without a name any source may give it.
            None => all().collect(),
        };
        // A source that never answered could not show what it gives; its sibling on another node tells.
        let siblings: Vec<&SourceState> = all()
            .filter(|state| state.last_ok.is_none() && states.iter().all(|known| known.id != state.id))
            .filter(|state| states.iter().any(|known| kind(&known.id) == kind(&state.id)))
            .collect();
        states.extend(siblings);
        if states.is_empty() {
            states = Giving::could_give(selector.name.as_deref(), all(), at);
        }
        if states.is_empty() {
            states = Giving::would_give(selector, store, scope);
        }
        // A path that a node does not have says nothing of what another of its paths gives.
        let served = |state: &SourceState, other: &&SourceState| {
            !other.is_unserved && other.id != state.id && other.id.node_folder() == state.id.node_folder()
        };
        let all_of_it = states.clone();
        states.retain(|state| !state.is_unserved || !all_of_it.iter().any(|other| served(state, other)));
        let name = selector.name.as_deref().unwrap_or_default();
        if states.iter().any(|state| !state.is_never_read()) && is_of_sources(name) {
            // What every source tells of itself is told of those that are asked.
            states.retain(|state| !state.is_never_read());
        }
        let not_read = if states.is_empty() { no_such_node(selector, store, scope) } else { None };
        let sources = states.into_iter().map(|state| (state, source_truth(state, name, at))).collect();
        Giving { sources, not_read }
    }

    /// The sources that are the reason why nothing gives it yet: of what is not fresh and is asked at all, those that
    /// declare it, else those that can not say what they give.
    fn could_give(name: Option<&str>, all: impl Iterator<Item = &'a SourceState>, at: At) -> Vec<&'a SourceState> {
        let asked = |state: &&SourceState| !state.is_never_read() && !state.is_unserved;
        let silent = |state: &&SourceState| asked(state) && !state.truth(at.boot).is_fresh();
        let mut states: Vec<&SourceState> = all.filter(silent).collect();
        let Some(name) = name else { return states };
        let declaring = |state: &&SourceState| state.declares.iter().any(|one| one == name);
        if states.iter().any(declaring) {
            states.retain(declaring);
        } else if !is_of_sources(name) {
            states.retain(|state| !state.declares_all);
        }
        states
    }

    /// What nobody reads for want of an address, and would give it: what declares it; where nobody that is read may
    /// give what it does not declare, also what can not say what it gives.
    fn would_give(selector: &Selector, store: &'a Store, scope: &'a Scope) -> Vec<&'a SourceState> {
        let Some(name) = selector.name.as_deref() else { return Vec::new() };
        let mut states: Vec<&SourceState> = store.unbound_in(scope).filter(|state| may_give(state, selector)).collect();
        let declares = |state: &&SourceState| state.declares.iter().any(|one| one == name);
        if states.iter().any(declares)
            || store.sources_in(scope).any(|state| !state.declares_all && !state.is_never_read())
        {
            states.retain(declares);
        } else {
            states.retain(|state| !state.declares_all);
        }
        states
    }

    pub(super) fn worst(&self) -> Truth {
        let known = self.not_read.clone().unwrap_or(Truth::Fresh);
        self.sources.iter().fold(known, |worst, (_, truth)| worst.worst(truth.clone()))
    }

    /// The truth of a sample by the time it was taken: a source's newest answer carries its own time.
    pub(super) fn of_sample(&self, taken: Wall) -> Truth {
        let behind = |truth: &Truth| !truth.is_fresh() && !truth.is_known_lack();
        if !self.sources.iter().any(|(_, truth)| behind(truth)) {
            return Truth::Fresh;
        }
        let mut holders = self
            .sources
            .iter()
            .filter(|(state, _)| state.last_ok.is_some_and(|last_ok| last_ok.wall == taken))
            .map(|(_, truth)| truth)
            .peekable();
        if holders.peek().is_some() {
            return holders.filter(|truth| behind(truth)).fold(Truth::Fresh, |worst, truth| worst.worst(truth.clone()));
        }
        self.worst()
    }
}

/// Whether the labels that all series of a source have are such as the selector asks for.
fn may_give(state: &SourceState, selector: &Selector) -> bool {
    let accepts = |matcher: &Matcher| {
        let value = match &*matcher.name {
            // Asked of every selector, and no label of a source.
            NAME => return true,
            // What a source tells of itself names it.
            "source" if selector.name.as_deref().is_some_and(is_of_sources) => own_name(&state.id),
            name => state.labels.get(name),
        };
        value.is_empty() || matcher.accepts_value(value)
    };
    selector.matchers.iter().all(accepts)
}

/// What is asked of a node that the target does not name, nobody reads.
fn no_such_node(selector: &Selector, store: &Store, scope: &Scope) -> Option<Truth> {
    let asked = selector.matchers.iter().find(|matcher| &*matcher.name == "node")?;
    let mut nodes =
        store.sources_in(scope).map(|state| state.labels.get("node")).filter(|node| !node.is_empty()).peekable();
    nodes.peek()?;
    let why = || "the target names no such node".to_owned();
    (!nodes.any(|node| asked.accepts_value(node))).then(|| Truth::NotRead { why: why() })
}

/// Whether every source gives a series of this name, about itself.
fn is_of_sources(name: &str) -> bool {
    name == "up" || name.starts_with("opsconsole_") || name.starts_with("probe_") || name.starts_with("scrape_")
}

/// What a system calls the source: the end of its id.
fn own_name(id: &SourceId) -> &str {
    id.as_str().rsplit('/').next().unwrap_or_default()
}

/// `endpoint/source`: the same for one source of a system on every node.
fn kind(id: &SourceId) -> Option<&str> {
    let id = id.as_str();
    let (second, _) = id.rmatch_indices('/').nth(1)?;
    id.get(second + 1..)
}

fn source_truth(state: &SourceState, name: &str, at: At) -> Truth {
    match state.truth(at.boot) {
        // A stranger's answer says nothing of the node that was meant.
        Truth::Failing { .. } if GIVEN_BY_FAILURE.contains(&name) && !state.answers_as_another() => Truth::Fresh,
        // It was asked, and answered that there is nothing.
        Truth::NotExposed if state.is_unserved && GIVEN_BY_FAILURE.contains(&name) => Truth::Fresh,
        Truth::Fresh if state.not_exposed.iter().any(|missing| &**missing == name) => Truth::NotExposed,
        Truth::Fresh => {
            let lacking = state.lacking.iter().filter(|(missing, _)| &**missing == name);
            lacking.map(|(_, truth)| truth.clone()).fold(Truth::Fresh, Truth::worst)
        }
        truth => truth,
    }
}
