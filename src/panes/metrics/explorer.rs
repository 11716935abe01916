//! What the page of metrics asks and what it was answered: facts, changed by `app/` alone, and only while the page is
//! shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::base::{At, TargetId, Wall};
use crate::model::{Labels, Matcher, Scope, Store};
use crate::panes::model::Target;
use crate::panes::series::{Picture, own_labels};
use crate::promql::{Buckets, Expr, ExprError};

use super::{Elsewhere, Turn};

/// Buckets of a sparkline in the list, and their length: what the store keeps of every series.
pub const SPARK_BUCKETS: usize = 20;
const SPARK_SECONDS: i64 = 15;
/// How long a sample stands for its series, as in the evaluator.
const LOOKBACK: Duration = Duration::from_secs(5 * 60);
/// Sparklines that are kept: those of one screen.
const MOST_SPARKS: usize = 128;

/// How the names of the console's own series begin.
const OWN: &str = "opsconsole_";

/// What is to be charted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub target: TargetId,
    /// PromQL.
    pub expr: String,
    pub bucket_seconds: u32,
    pub buckets: usize,
}

/// What the page needs to be drawn as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub question: Option<Question>,
    /// The series on the screen.
    pub visible: Vec<Arc<Labels>>,
    /// Who is asked instead of evaluating here.
    pub elsewhere: Option<Turn>,
}

/// A chart that is to be evaluated, with all that it takes.
#[derive(Clone, Debug)]
pub struct Chart {
    question: Question,
    picture: Picture,
    store: Store,
    now: At,
}

impl Chart {
    fn new(question: &Question, picture: &Picture, store: &Store, now: At) -> Chart {
        Chart { question: question.clone(), picture: picture.clone(), store: store.clone(), now }
    }

    #[must_use]
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// Evaluates what has closed since the last time.
    #[must_use]
    pub fn run(&self) -> Picture {
        let mut picture = self.picture.clone();
        picture.extend(&self.store, &Scope::Target(self.question.target.clone()), self.now);
        picture
    }
}

/// A series of the selected target.
#[derive(Clone, Debug)]
pub struct Listed {
    pub labels: Arc<Labels>,
    /// What a filter sees: everything in which it differs from the series of other nodes.
    pub text: String,
    /// The labels in which the series of its name differ from each other.
    differ: Arc<[String]>,
}

impl Listed {
    /// As the list writes it, where every column counts: what tells it from its neighbours.
    #[must_use]
    pub fn shown(&self) -> String {
        let pairs = self.labels.iter().filter(|(name, _)| self.differ.iter().any(|differs| differs == name));
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value:?}")).collect();
        match pairs.as_slice() {
            [] => self.labels.name().to_owned(),
            some => format!("{}{{{}}}", self.labels.name(), some.join(",")),
        }
    }
}

/// The answers.
#[derive(Clone, Debug, Default)]
pub struct Explorer {
    /// Every series of the selected target, in order; the console's own last.
    pub series: Vec<Listed>,
    shape: Option<(TargetId, u64)>,
    question: Option<Question>,
    /// The chart, or why the question is none.
    pub picture: Option<Result<Picture, ExprError>>,
    /// The same from a server, where one is asked instead.
    pub elsewhere: Option<Elsewhere>,
    /// The number of the question that is under way.
    pub(super) under_way: Option<u64>,
    pub(super) asked: u64,
    /// The last minutes of the series on the screen.
    sparks: BTreeMap<Arc<Labels>, Vec<Option<f64>>>,
    spark_end: Option<Wall>,
}

impl Explorer {
    /// Takes over the series of the selected target, if they are others now.
    pub fn list(&mut self, store: &Store, target: Option<&Target>) {
        let shape = target.map(|target| (target.id.clone(), store.shape(&target.id)));
        if shape == self.shape {
            return;
        }
        self.shape = shape;
        self.series = target.map_or_else(Vec::new, |target| {
            let known = store.known(&target.id);
            let named = known.chunk_by(|one, next| one.name() == next.name());
            let mut series: Vec<Listed> = named.flat_map(|named| listed(named, target)).collect();
            // What the console says of its own reads comes after what the nodes say.
            series.sort_by_key(|listed| listed.labels.name().starts_with(OWN));
            series
        });
    }

    /// Takes over a question; returns whether it is another expression than before, which the store must keep now.
    pub fn ask(&mut self, question: Option<Question>, target: Option<&Target>) -> bool {
        if question == self.question {
            return false;
        }
        let expr = |question: &Option<Question>| question.as_ref().map(|question| question.expr.clone());
        let other = expr(&question) != expr(&self.question);
        self.picture = question.as_ref().zip(target).map(|(question, target)| {
            let expr = Expr::parse(&question.expr)?;
            Ok(Picture::new(expr, &target.system, question.bucket_seconds, question.buckets))
        });
        self.question = question;
        other
    }

    /// The expression that is explored.
    #[must_use]
    pub fn expr(&self) -> Option<&Expr> {
        self.picture.as_ref().and_then(|picture| picture.as_ref().ok()).map(|picture| &picture.expr)
    }

    /// What is drawn: of the server that is asked, or evaluated here.
    #[must_use]
    pub fn buckets(&self) -> Option<&Buckets> {
        let here = || self.picture.as_ref().and_then(|picture| picture.as_ref().ok()).map(|picture| &picture.buckets);
        self.elsewhere.as_ref().map(|elsewhere| &elsewhere.buckets).or_else(here)
    }

    /// Evaluates what has closed since the last time: the chart, and the sparklines of the series on the screen. A chart
    /// that weighs more than the budget is given back, to be evaluated elsewhere.
    pub fn evaluate(&mut self, store: &Store, visible: &[Arc<Labels>], now: At, budget: usize) -> Option<Chart> {
        let (target, _) = self.shape.as_ref()?;
        let scope = Scope::Target(target.clone());
        let mut heavy = None;
        if let Some(Ok(picture)) = self.picture.as_mut().filter(|_| self.elsewhere.is_none())
            && let Some(question) = &self.question
        {
            match picture.is_due(now.wall) && picture.weight(store, &scope, now) > budget {
                true => heavy = Some(Chart::new(question, picture, store, now)),
                false => picture.extend(store, &scope, now),
            }
        }
        let end = Wall(now.wall.0.div_euclid(SPARK_SECONDS * 1000) * SPARK_SECONDS * 1000);
        if self.spark_end != Some(end) {
            self.spark_end = Some(end);
            self.sparks.clear();
        }
        self.sparks.retain(|labels, _| visible.contains(labels));
        for labels in visible.iter().take(MOST_SPARKS) {
            self.sparks.entry(Arc::clone(labels)).or_insert_with(|| spark(store, &scope, labels, end));
        }
        heavy
    }

    /// Takes over a chart that was evaluated elsewhere, if it is still asked for.
    pub fn answered(&mut self, question: &Question, picture: &Picture) {
        if self.question.as_ref() == Some(question) {
            self.picture = Some(Ok(picture.clone()));
        }
    }

    /// Older samples came in: what was evaluated is evaluated again.
    pub fn restart(&mut self) {
        if let Some(Ok(picture)) = &mut self.picture {
            picture.buckets.restart();
        }
        self.spark_end = None;
    }

    /// The last minutes of a series, oldest bucket first; empty where it was not on the screen.
    #[must_use]
    pub fn spark(&self, labels: &Labels) -> &[Option<f64>] {
        self.sparks.get(labels).map_or(&[], Vec::as_slice)
    }
}

/// The series of one name.
fn listed<'a>(named: &'a [Arc<Labels>], target: &'a Target) -> impl Iterator<Item = Listed> + 'a {
    let differ: Arc<[String]> = differing(named).into_iter().map(str::to_owned).collect();
    named.iter().map(move |labels| Listed {
        text: own_labels(labels, target),
        labels: Arc::clone(labels),
        differ: Arc::clone(&differ),
    })
}

/// The names of the labels that these do not all have with the same value.
fn differing(named: &[Arc<Labels>]) -> BTreeSet<&str> {
    let Some((first, rest)) = named.split_first() else { return BTreeSet::new() };
    let mut differing = BTreeSet::new();
    for labels in rest {
        let others = |one: &'_ Labels, other: &'_ Labels, name: &str| one.get(name) != other.get(name);
        differing.extend(first.iter().map(|(name, _)| name).filter(|name| others(first, labels, name)));
        differing.extend(labels.iter().map(|(name, _)| name).filter(|name| others(first, labels, name)));
    }
    differing
}

/// The value at the end of each bucket, as the evaluator would see it.
fn spark(store: &Store, scope: &Scope, labels: &Labels, end: Wall) -> Vec<Option<f64>> {
    let matchers: Vec<Matcher> = labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect();
    (0..SPARK_BUCKETS as i64)
        .rev()
        .map(|ago| {
            let at = Wall(end.0 - ago * SPARK_SECONDS * 1000);
            let found = store.instant_past(scope, &matchers, at, LOOKBACK);
            found.iter().find(|(have, _, _)| **have == *labels).map(|(_, _, value)| *value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::testing::{self, Condition};

    #[test]
    fn series_of_one_name_are_told_apart_by_what_differs() {
        let model = testing::model(Condition::Well);
        let of = |pairs: &[(&str, &str)]| {
            let all = [("__name__", "x"), ("job", "j"), ("node", "n"), ("path", "/data")];
            Arc::new(Labels::from_pairs(all.into_iter().chain(pairs.iter().copied())))
        };
        let check = |series: &[Arc<Labels>], want: &[&str]| {
            let shown: Vec<String> = listed(series, &model.targets[0]).map(|listed| listed.shown()).collect();
            assert_eq!(shown, want);
        };
        check(&[of(&[])], &["x"]);
        check(&[of(&[("a", "1")]), of(&[("a", "2"), ("b", "3")])], &["x{a=\"1\"}", "x{a=\"2\",b=\"3\"}"]);
        let listed = listed(&[of(&[("a", "1")])], &model.targets[0]).map(|listed| listed.text).collect::<String>();
        assert_eq!(listed, "x{a=\"1\",path=\"/data\"}", "a filter finds it by all that is its own");
    }
}
