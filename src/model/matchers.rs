//! The matchers of one selector together, and the columns of the layouts they met.
//!
//! A rule asks the same question of the same layouts round after round. What a selector accepts of a layout is found
//! once, and remembered beside the matchers themselves: it goes with the expression it belongs to.

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Layout, Matcher};

/// Layouts remembered of one selector: one for each source that gives its series, as a rule.
const MOST_LAYOUTS: usize = 64;

/// Columns remembered of one selector, of all layouts together. An answer that is wider than this is found anew every
/// time, which is a small part of what is then done with it.
const MOST_COLUMNS: usize = 16_384;

/// Conditions that a series must all meet.
#[derive(Clone, Debug)]
pub struct Matchers {
    all: Arc<[Matcher]>,
    /// The one that demands a name, with the name.
    name: Option<(usize, Arc<str>)>,
    known: Arc<Mutex<Known>>,
}

/// The columns that were accepted of layouts, by their hashes; those that were asked for first at the front.
#[derive(Debug, Default)]
struct Known {
    of: VecDeque<(u64, Arc<[u32]>)>,
    columns: usize,
}

/// Some columns of the layout that they were asked of, in its order, and of every layout that is equal to it.
#[derive(Clone, Debug)]
pub enum Columns {
    /// All of one name. Where they stand is each layout's own affair, even if it is equal to another.
    Named(Arc<str>),
    Accepted(Arc<[u32]>),
}

impl Matchers {
    #[must_use]
    pub fn new(all: Vec<Matcher>) -> Matchers {
        let named = |(at, matcher): (usize, &Matcher)| Some((at, Arc::from(matcher.exact_name()?)));
        let name = all.iter().enumerate().find_map(named);
        Matchers { all: Arc::from(all), name, known: Arc::default() }
    }

    /// The one series name that they accept, if they accept one.
    #[must_use]
    pub fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref().map(|(_, name)| name)
    }

    /// The columns of a layout whose series they accept.
    #[must_use]
    pub fn columns(&self, layout: &Layout) -> Columns {
        let Some((named, name)) = &self.name else {
            return self.remembered(layout, || {
                let accepted = |column: &u32| self.all.iter().all(|one| one.accepts(layout.labels(*column)));
                (0..layout.series().len() as u32).filter(accepted).collect()
            });
        };
        if self.all.len() == 1 || !layout.has(name) {
            return Columns::Named(Arc::clone(name));
        }
        self.remembered(layout, || {
            // The columns of a name need not be asked for it again.
            let others = || self.all.iter().enumerate().filter(|(at, _)| at != named).map(|(_, matcher)| matcher);
            let accepted = |column: &u32| others().all(|matcher| matcher.accepts(layout.labels(*column)));
            layout.named(name).iter().copied().filter(accepted).collect()
        })
    }

    fn remembered(&self, layout: &Layout, find: impl FnOnce() -> Arc<[u32]>) -> Columns {
        // What is remembered is whole between any two of its changes, whoever broke off.
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, columns)) = known().of.iter().find(|(hash, _)| *hash == layout.hash()) {
            return Columns::Accepted(Arc::clone(columns));
        }
        let columns = find();
        known().add(layout.hash(), &columns);
        Columns::Accepted(columns)
    }
}

impl Known {
    /// Forgets what was asked for first, where there is no room.
    fn add(&mut self, layout: u64, columns: &Arc<[u32]>) {
        if columns.len() > MOST_COLUMNS {
            return;
        }
        self.columns += columns.len();
        self.of.push_back((layout, Arc::clone(columns)));
        while self.of.len() > MOST_LAYOUTS || self.columns > MOST_COLUMNS {
            let Some((_, forgotten)) = self.of.pop_front() else { return };
            self.columns -= forgotten.len();
        }
    }
}

impl Columns {
    /// The columns themselves.
    #[must_use]
    pub fn of<'a>(&'a self, layout: &'a Layout) -> &'a [u32] {
        match self {
            Columns::Named(name) => layout.named(name),
            Columns::Accepted(columns) => columns,
        }
    }
}

impl Deref for Matchers {
    type Target = [Matcher];

    fn deref(&self) -> &[Matcher] {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::model::labels::NAME;
    use crate::model::{Labels, MatchOp};

    fn layout(names: &[&str], series: usize) -> Layout {
        let series =
            (0..series).map(|at| Labels::from_pairs([(NAME, names[at % names.len()]), ("n", at.to_string().as_str())]));
        Layout::new(series.collect())
    }

    fn check(matchers: &Matchers, layout: &Layout, want: &[u32]) {
        // The second answer is remembered.
        for _ in 0..2 {
            assert_eq!(matchers.columns(layout).of(layout), want);
            let slow: Vec<u32> = layout.accepted(matchers).into_iter().map(|column| column as u32).collect();
            assert_eq!(slow, want);
        }
    }

    #[test]
    fn the_columns_of_each_layout_are_its_own() {
        let named = Matchers::new(vec![Matcher::equal(NAME, "x")]);
        let regex = MatchOp::Regex(Regex::new("^(?s:1|2|3|4)$").expect("a regex"));
        let some = Matcher { name: Arc::from("n"), op: regex };
        let narrower = Matchers::new(vec![some.clone(), Matcher::equal(NAME, "x")]);
        let nameless = Matchers::new(vec![some]);
        let (two, three) = (layout(&["x", "y"], 6), layout(&["x", "y", "z"], 9));
        for _ in 0..2 {
            check(&named, &two, &[0, 2, 4]);
            check(&named, &three, &[0, 3, 6]);
            check(&narrower, &two, &[2, 4]);
            check(&narrower, &three, &[3]);
            check(&nameless, &two, &[1, 2, 3, 4]);
            check(&nameless, &three, &[1, 2, 3, 4]);
            check(&narrower, &layout(&["y"], 3), &[]);
        }
    }

    #[test]
    fn no_more_is_remembered_than_has_room() {
        let all = Matchers::new(vec![Matcher { name: Arc::from("n"), op: MatchOp::NotEqual(Arc::from("0")) }]);
        let held = |all: &Matchers| {
            let known = all.known.lock().expect("nobody broke off");
            assert_eq!(known.columns, known.of.iter().map(|(_, columns)| columns.len()).sum::<usize>());
            (known.of.len(), known.columns)
        };
        for series in 1..=2 * MOST_LAYOUTS {
            let layout = layout(&["x"], series);
            assert_eq!(all.columns(&layout).of(&layout).len(), series - 1);
        }
        assert_eq!(held(&all).0, MOST_LAYOUTS);
        let wide = layout(&["x"], MOST_COLUMNS);
        assert_eq!(all.columns(&wide).of(&wide).len(), MOST_COLUMNS - 1);
        assert_eq!(held(&all), (1, MOST_COLUMNS - 1));
        let wider = layout(&["x"], MOST_COLUMNS + 2);
        assert_eq!(all.columns(&wider).of(&wider).len(), MOST_COLUMNS + 1);
        assert_eq!(held(&all), (1, MOST_COLUMNS - 1));
    }
}
