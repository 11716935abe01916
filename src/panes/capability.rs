//! What each node of a target was found to be and to have: its surface and version, the reads that it answers, those
//! that it does not expose with what the document expects, and those at which it fails.
//!
//! It is worked out from what sources were told anyway: nothing is polled for it. The page of a target, the doctor, the
//! check and the snapshot all tell it from here.
//!
//! Must never: call a read *not exposed* before the node answered anything; show a node as found out whose answers are
//! another system's.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::model::{Model, Target};
use crate::alert::Rule;
use crate::base::{At, NodeId};
use crate::model::{FetchFailure, Restart, SourceState};
use crate::promql::Expr;
use crate::sources::BoundSource;
use crate::systems::promise;

/// What was found out about one node.
#[derive(Clone, Debug, PartialEq)]
pub struct Capability {
    pub node: NodeId,
    pub surface: Surface,
    /// What it says of its version: the endpoint, and the version.
    pub versions: Vec<(String, String)>,
    /// The reads that it answers, as `GET /health`.
    pub answers: Vec<String>,
    /// What it does not expose.
    pub lacks: Vec<Lack>,
    /// The reads at which it fails, and why.
    pub fails: Vec<(String, String)>,
    /// Reads that nobody has made yet.
    pub not_asked: usize,
    /// Endpoints at which something answers that is not known for this system.
    pub not_recognised: Vec<String>,
    /// What another system's answers were found to be, in words, each endpoint once.
    pub answers_as: Vec<String>,
    /// When the first answer since its last start came.
    pub found_out: Option<At>,
    /// When and by what it was last told that it was started again.
    pub restarted: Option<(At, Restart)>,
}

/// Which of a system's surfaces the answers of a node belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// No answer tells.
    Untold,
    Documented,
    AsBuilt,
    Mixed,
}

/// A series, or a read as a whole, that a node does not expose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// The series, or the read.
    pub what: String,
    pub how: LackKind,
    /// What the document expects.
    pub expected: String,
}

/// In which way something is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LackKind {
    /// The whole read, and how the node said so.
    Read(String),
    /// A series that the answer to its read has no place for.
    Series,
    /// A series that an exposition does not have now: some programs make a counter when it first counts.
    Absent,
}

impl Surface {
    fn of(surfaces: &BTreeSet<&str>) -> Surface {
        match (surfaces.contains("documented"), surfaces.contains("as-built")) {
            (false, false) => Surface::Untold,
            (true, false) => Surface::Documented,
            (false, true) => Surface::AsBuilt,
            (true, true) => Surface::Mixed,
        }
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Surface::Untold => "surface not known yet",
            Surface::Documented => "documented",
            Surface::AsBuilt => "as built",
            Surface::Mixed => "mixed",
        }
    }

    /// The same, so that who does not know the word understands it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Surface::Untold => "not known yet: no answer tells the documented surface from the one as built",
            Surface::Documented => "documented",
            Surface::AsBuilt => "as built",
            Surface::Mixed => "mixed: partly documented, partly as built",
        }
    }
}

impl Lack {
    /// `x: not exposed (answered with status 404); the document promises …`
    #[must_use]
    pub fn words(&self) -> String {
        let how = match &self.how {
            LackKind::Read(how) => format!("not exposed ({how})"),
            LackKind::Series => "not exposed".to_owned(),
            LackKind::Absent => "not there now".to_owned(),
        };
        format!("{}: {how}; {}", self.what, self.expected)
    }
}

impl Capability {
    /// Of how many reads something is known, and how many of them are answered: `5 of 6 reads`.
    #[must_use]
    pub fn reads(&self) -> String {
        let whole = self.lacks.iter().filter(|lack| matches!(lack.how, LackKind::Read(_))).count();
        let all = self.answers.len() + whole + self.fails.len() + self.not_asked;
        let parts = [(whole, "not exposed"), (self.fails.len(), "failing"), (self.not_asked, "not asked yet")];
        let mut said = format!("{} of {all} reads", self.answers.len());
        for (count, word) in parts.into_iter().filter(|(count, _)| *count > 0) {
            said.push_str(&format!(", {count} {word}"));
        }
        said
    }
}

/// What was found out about every node of a target, in the order of its configuration. Of a node that is only looked
/// at through its machine, or not at all, there is nothing.
#[must_use]
pub fn of_target(model: &Model, target: &Target) -> Vec<Capability> {
    target.spec.nodes.iter().filter_map(|node| of_node(model, target, &node.id)).collect()
}

fn of_node(model: &Model, target: &Target, node: &NodeId) -> Option<Capability> {
    let folder = format!("{}/{node}/", target.id);
    let sources = target.sources.iter().filter(|bound| bound.id.as_str().starts_with(&folder));
    let known = sources.filter_map(|bound| Some((bound, model.store.source(&bound.id)?)));
    // Who answers in its place is told of whatever way it is asked in.
    let tells =
        |(bound, state): &(&BoundSource, &SourceState)| bound.spec.kind.over_http() || state.answers_as_another();
    let known: Vec<(&BoundSource, &SourceState)> = known.filter(tells).collect();
    let states = || known.iter().map(|(_, state)| *state);
    let surfaces: BTreeSet<&str> = states().flat_map(|state| &state.surfaces).map(|surface| &**surface).collect();
    let mut found = Capability {
        node: node.clone(),
        surface: Surface::of(&surfaces),
        versions: Vec::new(),
        answers: Vec::new(),
        lacks: Vec::new(),
        fails: Vec::new(),
        not_asked: 0,
        not_recognised: Vec::new(),
        answers_as: Vec::new(),
        found_out: states().filter_map(|state| state.found_out).min_by_key(|at| at.boot),
        restarted: states().filter_map(|state| state.restarted.clone()).max_by_key(|(at, _)| at.boot),
    };
    for (bound, state) in &known {
        found.add(model, target, bound, state);
    }
    (!known.is_empty()).then_some(found)
}

impl Capability {
    fn add(&mut self, model: &Model, target: &Target, bound: &BoundSource, state: &SourceState) {
        let read = bound.spec.kind.read();
        let version = state.version.as_ref().map(|version| (bound.spec.endpoint.clone(), version.to_string()));
        self.versions.extend(version.filter(|version| !self.versions.contains(version)));
        match (&state.failure, state.unserved()) {
            (_, Some((how, _))) => self.lacks.push(lack_of_read(bound, how.to_string())),
            (Some(failure @ FetchFailure::OtherSystem { .. }), None) => {
                let words = failure.to_string();
                if !self.answers_as.contains(&words) {
                    self.answers_as.push(words);
                }
            }
            (Some(failure), None) => self.fails.push((read, failure.to_string())),
            (None, None) if state.last_ok.is_none() => self.not_asked += 1,
            // It answers, and has nothing of all that is read from it: so do methods that a node does not offer.
            (None, None) if lacks_everything(state) => {
                self.lacks.push(lack_of_read(
                    bound,
                    "it does not offer it, or answers with nothing of what is read there".to_owned(),
                ));
            }
            (None, None) => {
                self.answers.push(read);
                let lacks = state.lacks().iter().map(|name| lack_of_series(target, bound, name, LackKind::Series));
                self.lacks.extend(lacks);
                // What an exposition has is not declared; what a document promises of it is.
                let promised = bound.spec.tells.promises.keys();
                let absent = promised.filter(|name| !model.store.exposes(&target.id, name));
                let absent = absent.map(|name| lack_of_series(target, bound, name, LackKind::Absent));
                self.lacks.extend(absent);
            }
        }
        let strange = state.is_own == Some(false) && state.failure.is_none();
        if strange {
            self.not_recognised.push(bound.base_url.clone());
        }
    }
}

fn lacks_everything(state: &SourceState) -> bool {
    let lacks = |name: &String| state.lacks().iter().any(|missing| **missing == **name);
    !state.declares.is_empty() && state.declares.iter().all(lacks)
}

fn lack_of_read(bound: &BoundSource, how: String) -> Lack {
    Lack { what: bound.spec.kind.read(), how: LackKind::Read(how), expected: promise::of_read(&bound.spec).words() }
}

fn lack_of_series(target: &Target, bound: &BoundSource, name: &str, how: LackKind) -> Lack {
    let promised = promise::promise(&bound.spec, name).or_else(|| target.system.spec.promise(name));
    let expected = promised.map_or_else(|| "nothing is expected of it".to_owned(), |promise| promise.words_of_it());
    Lack { what: name.to_owned(), how, expected }
}

/// What the document expects of the series that an expression needs and that no source of the target gives now, each
/// once. Where a rule would record one of them, it is what the rule needs.
#[must_use]
pub fn expected(model: &Model, target: &Target, expr: &Expr) -> Vec<String> {
    let mut missing = BTreeSet::new();
    missing_of(model, target, expr, RECORDED_DEEPEST, &mut missing);
    missing.iter().filter_map(|name| target.system.spec.promise(name)).map(|promise| promise.words()).collect()
}

/// Rules that record from what others recorded, at most so many after each other.
const RECORDED_DEEPEST: usize = 3;

fn missing_of(model: &Model, target: &Target, expr: &Expr, deepest: usize, missing: &mut BTreeSet<Arc<str>>) {
    let rules = || target.system.rules.groups.iter().flat_map(|group| &group.rules);
    for name in expr.names().iter().filter(|name| !model.store.exposes(&target.id, name)) {
        let recorded = rules().filter_map(|rule| match rule {
            Rule::Record(record) if record.name == *name => Some(record),
            Rule::Record(_) | Rule::Alert(_) => None,
        });
        if deepest > 0 {
            recorded.for_each(|record| missing_of(model, target, &record.expr, deepest - 1, missing));
        }
        missing.insert(Arc::clone(name));
    }
}
