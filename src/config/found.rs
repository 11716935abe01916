//! The mistakes of one file, while they are being collected.

use crate::base::Problem;
use crate::base::problem::nearest;
use crate::base::ron_tree::Place;

/// Mistakes beyond this many are not told: the file is something else.
const MOST: usize = 200;

pub(super) struct Found<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Found<'a> {
    pub(super) fn new(file: &'a str) -> Found<'a> {
        Found { file, problems: Vec::new() }
    }

    pub(super) fn at(&mut self, place: Place, what: impl Into<String>) {
        self.suggest(place, what, None);
    }

    pub(super) fn suggest(&mut self, place: Place, what: impl Into<String>, suggestion: Option<String>) {
        if self.problems.len() < MOST {
            self.problems.push(Problem::new(self.file, place.line, place.column, what).suggesting(suggestion));
        }
    }

    /// A name that is none of those there are.
    pub(super) fn unknown<'n>(
        &mut self,
        place: Place,
        what: String,
        name: &str,
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) {
        let listed = known.clone().into_iter().collect::<Vec<_>>().join(", ");
        let there = if listed.is_empty() { "there are none".to_owned() } else { format!("there are: {listed}") };
        let meant = nearest(name, known).map(|known| format!("did you mean {known}?"));
        self.suggest(place, format!("{what}; {there}"), meant);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// All of them in the order of the file, each once.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems.dedup();
        self.problems
    }
}
