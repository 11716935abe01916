//! How far the operands of an expression can be trusted now.
//!
//! Lookback and ranges find samples long after a source fell silent. What may be *shown or judged as the present*
//! is decided here: by the state of every source that gives, or could give, an operand's series.

use std::cell::OnceCell;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Expr;
use super::eval::{LOOKBACK, windows};
use super::giving::Giving;
use super::node::{Node, Selector};
use crate::base::{At, Boot, Wall};
use crate::model::labels::{KeyedBySeries, NAME, SeriesSet};
use crate::model::store::Newest;
use crate::model::{Labels, Scope, Store, Truth};

/// What is known of one selector of an expression.
#[derive(Clone, Debug)]
pub struct Operand {
    /// As the parser writes the selector back.
    pub selector: Arc<str>,
    /// The worst of all its sources and series.
    pub truth: Truth,
    /// Set to [`Truth::WarmingUp`] while its range reaches back further than the first sample.
    pub uncovered: Option<Truth>,
    /// Set where it gives nothing and the expression has an answer without it: what its truth would be if it had none.
    pub excused: Option<Truth>,
    /// Whether an element of the answer is told by its labels: else every element rests on all of the operand.
    pub by_labels: bool,
    elements: Elements,
}

/// What is known of one series of a selector.
#[derive(Clone, Debug)]
pub struct Element {
    pub truth: Truth,
    /// The newest value.
    pub value: f64,
}

/// The series that a selector finds. They stay where they are until somebody asks for one: most are never asked for.
#[derive(Clone, Debug)]
struct Elements {
    name: Option<Arc<str>>,
    /// What each source's newest row has of them, and how true that is.
    parts: Vec<(Newest, Truth)>,
    /// Those that have too few samples, with the name, and how true they are for that.
    short: KeyedBySeries<Truth>,
    /// Whether any part has a value that is not a number: else none needs to be looked for.
    may_be_nan: bool,
    /// Without a name to look a series up by: all of them, by their labels without the name.
    listed: OnceCell<IndexMap<Labels, Element>>,
}

impl Elements {
    fn of(selector: &Selector, parts: Vec<(Newest, Truth)>) -> Elements {
        let may_be_nan = parts.iter().any(|(part, _)| part.values().any(f64::is_nan));
        let name = selector.name.clone();
        Elements { name, parts, short: KeyedBySeries::default(), may_be_nan, listed: OnceCell::new() }
    }

    /// The series with these labels and any name that was selected.
    fn get(&self, nameless: &Labels) -> Option<Element> {
        match &self.name {
            Some(name) => self.series(&nameless.clone().with(NAME, name)),
            None => self.listed().get(nameless).cloned(),
        }
    }

    /// Exactly this series. Two sources may give it; the later sample counts.
    fn series(&self, labels: &Labels) -> Option<Element> {
        let given = self.parts.iter().filter_map(|(part, truth)| Some((part.taken, part.value(labels)?, truth)));
        let (_, value, truth) = given.reduce(|first, other| if first.0 < other.0 { other } else { first })?;
        let short = self.short.get(labels).cloned();
        Some(Element { truth: short.into_iter().fold(truth.clone(), Truth::worst), value })
    }

    fn listed(&self) -> &IndexMap<Labels, Element> {
        self.listed.get_or_init(|| {
            let mut listed: IndexMap<Labels, Element> = IndexMap::new();
            let mut known = SeriesSet::default();
            for (labels, _) in self.samples().filter(|(labels, _)| known.insert(Arc::clone(labels))) {
                let Some(mut element) = self.series(labels) else { continue };
                // Two names may have the same other labels; no short one of them may hide behind another.
                let nameless = (**labels).clone().without(NAME);
                let before = listed.get(&nameless).map(|before| before.truth.clone());
                let short = before.filter(|truth| matches!(truth, Truth::WarmingUp { .. }));
                element.truth = short.into_iter().fold(element.truth, Truth::worst);
                listed.insert(nameless, element);
            }
            listed
        })
    }

    fn samples(&self) -> impl Iterator<Item = (&Arc<Labels>, f64)> {
        self.parts.iter().flat_map(|(part, _)| part.samples())
    }

    fn any_is_nan(&self) -> bool {
        let counts = |labels: &Labels| match &self.name {
            Some(_) => self.series(labels),
            None => self.listed().get(&labels.clone().without(NAME)).cloned(),
        };
        let mut not_numbers = self.samples().filter(|(_, value)| value.is_nan());
        self.may_be_nan && not_numbers.any(|(labels, _)| counts(labels).is_some_and(|element| element.value.is_nan()))
    }
}

impl Operand {
    /// The operand that can be trusted least: the first of them, where several are alike.
    #[must_use]
    pub fn worst(operands: &[Operand]) -> Option<&Operand> {
        operands.iter().reduce(|worst, other| {
            let truth = worst.truth.clone().worst(other.truth.clone());
            match truth {
                Truth::Fresh if worst.elements.any_is_nan() || !other.elements.any_is_nan() => worst,
                Truth::Fresh => other,
                truth if truth == worst.truth => worst,
                _ => other,
            }
        })
    }

    /// Why this operand says nothing now, with the selector's text; nothing where it does.
    #[must_use]
    pub fn why(&self, now: Boot) -> Option<String> {
        let why = match &self.truth {
            Truth::Fresh if self.elements.any_is_nan() => "not a number".to_owned(),
            Truth::Fresh => return None,
            truth => truth.words(now),
        };
        Some(format!("{}: {why}", self.selector))
    }

    /// Why this operand says nothing about the labels, which are without a name, now; nothing where it does.
    #[must_use]
    pub fn missing(&self, labels: &Labels) -> Option<Truth> {
        if !self.by_labels {
            return (!self.truth.is_fresh()).then(|| self.truth.clone());
        }
        match self.elements.get(labels) {
            Some(element) if element.truth.is_fresh() => None,
            Some(element) => Some(element.truth),
            None if self.truth.is_fresh() => Some(Truth::Absent),
            None => Some(self.truth.clone()),
        }
    }

    /// Whether its series with these labels, which are without a name, is not a number now.
    #[must_use]
    pub fn is_nan(&self, labels: &Labels) -> bool {
        self.elements.may_be_nan && self.elements.get(labels).is_some_and(|element| element.value.is_nan())
    }
}

/// The worst truth of all operands. An expression of constants alone is fresh.
#[must_use]
pub fn truth(expr: &Expr, store: &Store, scope: &Scope, at: At) -> Truth {
    operands(expr, store, scope, at).into_iter().fold(Truth::Fresh, |worst, operand| worst.worst(operand.truth))
}

/// Why an expression without an answer has none, where nothing of it is measured at all: every operand is one that it
/// has an answer without, and none of them is there. One with a number of its own, as in `x or vector(0)`, always has
/// an answer.
#[must_use]
pub fn nothing_measured<'a>(expr: &Expr, operands: &'a [Operand]) -> Option<&'a Operand> {
    let truth = |operand: &Operand| operand.excused.clone().unwrap_or(Truth::Fresh);
    let is_worst = |known: &Operand, other: &Operand| truth(known).worst(truth(other)) == truth(known);
    let nothing = operands.iter().all(|operand| operand.excused.is_some()) && !has_a_default(expr.node());
    operands.iter().filter(|_| nothing).reduce(|known, other| if is_worst(known, other) { known } else { other })
}

fn has_a_default(node: &Node) -> bool {
    matches!(node, Node::Vector(_)) || node.parts().into_iter().any(has_a_default)
}

/// When an expression was last measured whole: the oldest last answer of a source that fell silent or fails; nothing
/// while all can be believed. A range that is evaluated later than that moves without anything being measured.
#[must_use]
pub fn measured_until(expr: &Expr, store: &Store, scope: &Scope, at: At) -> Option<Wall> {
    let of_selector = |selector: &Arc<Selector>| {
        let behind = |truth: &Truth| matches!(truth, Truth::Stale { .. } | Truth::Failing { .. });
        let giving = Giving::of(selector, store, scope, at).sources;
        giving
            .into_iter()
            .filter(|(_, truth)| behind(truth))
            .filter_map(|(state, _)| state.last_ok)
            .min_by_key(|ok| ok.wall)
    };
    expr.selectors().iter().filter_map(of_selector).map(|ok| ok.wall).min()
}

/// Every operand of an expression with its truth, left to right.
#[must_use]
pub fn operands(expr: &Expr, store: &Store, scope: &Scope, at: At) -> Vec<Operand> {
    let by_labels = expr.keeps_labels();
    let of = |selector: &Arc<Selector>| Operand { by_labels, ..operand(selector, store, scope, at) };
    expr.selectors().iter().map(of).collect()
}

fn operand(selector: &Selector, store: &Store, scope: &Scope, at: At) -> Operand {
    let giving = Giving::of(selector, store, scope, at);
    let mut truth = giving.worst();
    let shifted = selector.shifted(at.wall);
    // What is asked of the past is as true as it was then; only its source may be doubted.
    let of_part = |part: &Newest| if shifted == at.wall { giving.of_sample(part.taken) } else { truth.clone() };
    let parts = store.newest(scope, &selector.matchers, shifted, LOOKBACK);
    let parts: Vec<(Newest, Truth)> = parts
        .into_iter()
        .map(|part| {
            let truth = of_part(&part);
            (part, truth)
        })
        .collect();
    let mut elements = Elements::of(selector, parts);
    if elements.parts.is_empty() && truth.is_fresh() && !selector.may_be_absent {
        truth = Truth::Absent;
    }
    // Its source answers and does not have it: that is what the expression asks for. Where nobody looks, it is another
    // operand that answers.
    let is_excused = match &truth {
        // What a recording rule made nothing of is absent by its source's own word.
        Truth::NotExposed | Truth::Absent => selector.may_be_absent,
        Truth::NotRead { .. } => selector.may_be_absent && !selector.is_asked_absent,
        _what_may_come => false,
    };
    let mut excused = is_excused.then(|| std::mem::replace(&mut truth, Truth::Fresh));
    if elements.parts.is_empty() && truth.is_fresh() && selector.may_be_absent {
        excused.get_or_insert(Truth::Absent);
    }
    let uncovered = uncovered(selector, &giving, store, scope, at);
    truth = uncovered.iter().cloned().fold(truth, Truth::worst);
    elements.short = too_few(selector, &elements, store, scope, shifted);
    truth = elements.samples().filter_map(|(labels, _)| elements.short.get(labels)).cloned().fold(truth, Truth::worst);
    Operand { selector: Arc::clone(&selector.text), truth, uncovered, excused, by_labels: true, elements }
}

/// How much of a selector's range was observed, where that is not all of it. One interval of the source is given:
/// the first sample of a range comes up to that much after its start.
fn uncovered(selector: &Selector, giving: &Giving<'_>, store: &Store, scope: &Scope, at: At) -> Option<Truth> {
    let (need, name) = (selector.looks_back(), selector.name.as_deref()?);
    if need.is_zero() {
        return None;
    }
    let since = store.observed_since(scope, name)?;
    let interval = giving.sources.iter().map(|(state, _)| state.interval).max().unwrap_or_default();
    let have = at.wall.since(since);
    (have + interval < need).then_some(Truth::WarmingUp { have, need })
}

/// The series that have no two samples within the selector's range, which no growth can be told from.
fn too_few(selector: &Selector, elements: &Elements, store: &Store, scope: &Scope, at: Wall) -> KeyedBySeries<Truth> {
    let (least, mut short) = (selector.least_samples, KeyedBySeries::default());
    let Some(range) = selector.range.filter(|_| least > 1) else { return short };
    if store.have_samples(scope, &selector.matchers, (at.minus(range), at), LOOKBACK, least) {
        return short;
    }
    let windows = windows(selector, range, store, scope, at);
    let first: KeyedBySeries<(usize, Wall)> = windows
        .into_iter()
        .filter_map(|window| Some((window.labels, (window.samples.len(), window.samples.first()?.0))))
        .collect();
    for (labels, _) in elements.samples() {
        let (count, since) = first.get(labels).copied().unwrap_or((0, at));
        if count < least {
            short.insert(Arc::clone(labels), Truth::WarmingUp { have: at.since(since), need: range });
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fixture::World;
    use super::*;
    use crate::model::SourceState;

    fn check(world: &World, source: &str, second: i64, want: &str) {
        let now = world.at(second);
        let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(truth(&expr, &world.store, &Scope::Fleet, now).words(now.boot), want, "{source} at {second} s");
    }

    #[test]
    fn what_nobody_gives_yet_is_missing_because_of_those_that_declare_it() {
        let mut world = World::new(&["a/e/port", "a/e/unit"]);
        world.refused("a/e/port", 0);
        check(&world, "state", 0, "connection refused: nothing listens there, for 0ms");
        let unit = world.store.source_mut(&"t/a/e/unit".into()).expect("declared");
        unit.declares.push("state".to_owned());
        check(&world, "state", 0, "not polled yet");
    }

    #[test]
    fn a_source_of_another_node_is_no_reason() {
        let mut world = World::new(&["a/e/s", "b/e/s"]);
        for node in ["a", "b"] {
            let state = world.store.source_mut(&format!("t/{node}/e/s").as_str().into()).expect("declared");
            state.labels = Labels::from_pairs([("target", "t"), ("node", node)]);
        }
        world.row("a/e/s", 0, &[("x{node=a,target=t}", 1.0)]);
        world.row("b/e/s", 0, &[("x{node=b,target=t}", 1.0)]);
        world.refused("b/e/s", 1);
        world.row("a/e/s", 2, &[("x{node=a,target=t}", 1.0)]);
        let refused = "connection refused: nothing listens there, for 1s";
        check(&world, r#"x{node="a"}"#, 2, "");
        check(&world, r#"x{node=~"a|c"}"#, 2, "");
        check(&world, r#"x{node!="b"}"#, 2, "");
        check(&world, r#"x{node="b"}"#, 2, refused);
        check(&world, "x", 2, refused);
        check(&world, r#"x{other="y"}"#, 2, refused);
        check(&world, r#"x{node="c"}"#, 2, "not read: the target names no such node");
    }

    /// A target of a node with one endpoint, whose system reads at another one that nobody configured.
    fn without_an_endpoint(open: bool) -> World {
        let mut world = World::new(&["a/e/s"]);
        let why = "the target names no endpoint other".to_owned();
        let mut unread = SourceState::unbound("t/-/other/s".into(), "t".into(), "GET /".to_owned(), why);
        unread.declares = ["there", "up"].map(str::to_owned).to_vec();
        unread.declares_all = !open;
        unread.labels = Labels::from_pairs([("target", "t"), ("job", "other")]);
        world.store.declare_unbound(unread);
        let state = world.store.source_mut(&"t/a/e/s".into()).expect("declared");
        state.declares_all = true;
        state.labels = Labels::from_pairs([("target", "t"), ("job", "e"), ("node", "a")]);
        world.row("a/e/s", 0, &[("x{node=a,target=t}", 1.0), ("up{node=a,job=e,target=t}", 1.0)]);
        world
    }

    #[test]
    fn what_nobody_is_configured_to_read_is_not_absent() {
        let not_read = "not read: the target names no endpoint other";
        let closed = without_an_endpoint(false);
        check(&closed, "there", 0, not_read);
        check(&closed, r#"up{job="other"}"#, 0, not_read);
        check(&closed, r#"up{job="e"}"#, 0, "");
        check(&closed, "up", 0, "");
        check(&closed, "nowhere", 0, "absent");
        check(&closed, "x + there", 0, not_read);
        check(&closed, "x or there", 0, "");
        // That nobody looks is no answer to whether it is there.
        check(&closed, "absent(there)", 0, not_read);
        // What can not say what it gives may give anything that nobody else may.
        check(&without_an_endpoint(true), "nowhere", 0, not_read);
    }

    #[test]
    fn an_expression_whose_operands_are_all_missing_measures_nothing() {
        let world = without_an_endpoint(false);
        let check = |source: &str, want: Option<&str>| {
            let (expr, at) = (Expr::parse(source).expect(source), world.at(0));
            let operands = operands(&expr, &world.store, &Scope::Fleet, at);
            let words = nothing_measured(&expr, &operands).and_then(|one| Some(one.excused.clone()?.words(at.boot)));
            assert_eq!(words.as_deref(), want, "{source}");
        };
        check("nowhere or there", Some("not read: the target names no endpoint other"));
        check("nowhere or nothing", Some("absent"));
        check("(x > 5) or there", None);
        check("there", None);
        check("nowhere or vector(0)", None);
        check("x unless there", None);
    }

    #[test]
    fn who_answers_in_its_place_says_nothing_of_whether_it_is_up() {
        let mut world = World::new(&["a/e/s"]);
        world.row("a/e/s", 0, &[("up", 1.0)]);
        let other = crate::model::FetchFailure::OtherSystem {
            at: "n:1".to_owned(),
            answers: "goud".to_owned(),
            configured: "pouw".to_owned(),
        };
        let batch = crate::model::Batch::failed("t/a/e/s".into(), world.at(1), other);
        world.store.link(&batch);
        let words = "n:1 answers as goud, the configuration says pouw; none of its values is taken, for 0ms";
        check(&world, "up", 1, words);
        world.refused("a/e/s", 2);
        check(&world, "up", 2, "");
    }

    #[test]
    fn what_says_all_that_it_gives_is_no_reason_for_anything_else() {
        let mut world = World::new(&["a/e/known", "a/e/open"]);
        for (source, all) in [("t/a/e/known", true), ("t/a/e/open", false)] {
            let state = world.store.source_mut(&source.into()).expect("declared");
            state.declares_all = all;
            state.declares = vec!["y".to_owned()];
        }
        world.row("a/e/open", 0, &[("z", 1.0)]);
        world.refused("a/e/known", 0);
        let refused = "connection refused: nothing listens there, for 0ms";
        check(&world, "y", 0, refused);
        check(&world, "x", 0, "absent");
        check(&world, "probe_duration_seconds", 0, refused);
        world.refused("a/e/open", 0);
        check(&world, "x", 0, refused);
    }

    #[test]
    fn a_refused_connection_is_a_measurement_of_the_probe() {
        let mut world = World::new(&["a/e/port"]);
        world.row("a/e/port", 0, &[("probe_success", 1.0), ("probe_duration_seconds", 0.1)]);
        world.refused("a/e/port", 1);
        check(&world, "probe_duration_seconds", 1, "connection refused: nothing listens there, for 0ms");
        check(&world, "up", 1, "");
    }

    #[test]
    fn what_fell_silent_is_as_it_was_last_measured() {
        let mut world = World::new(&["a/e/health", "a/e/verify"]);
        for second in 0..=100 {
            world.row("a/e/health", second, &[("x", second as f64)]);
            world.row("a/e/verify", second, &[("y", 1.0)]);
        }
        let until = |world: &World, source: &str, second: i64| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            measured_until(&expr, &world.store, &Scope::Fleet, world.at(second))
        };
        assert_eq!(until(&world, "rate(x[1m])", 100), None);
        for second in 101..=130 {
            world.refused("a/e/health", second);
            world.row("a/e/verify", second, &[("y", 1.0)]);
        }
        assert_eq!(until(&world, "rate(x[1m])", 130), Some(world.at(100).wall));
        assert_eq!(until(&world, "rate(x[1m]) + y", 130), Some(world.at(100).wall));
        assert_eq!(until(&world, "y", 130), None);
        assert_eq!(until(&world, "up", 130), None, "a refused connection is a measurement");
    }

    #[test]
    fn the_worst_operand_counts() {
        let mut world = World::new(&["a/e/health", "a/e/verify", "a/e/late"]);
        for second in [0, 10, 20, 30] {
            world.row_without("a/e/health", second, &[("x", 1.0), ("up", 1.0)], &["age"]);
        }
        world.row("a/e/verify", 0, &[("ok", 1.0)]);
        check(&world, "1 + time()", 30, "");
        check(&world, "x", 30, "");
        check(&world, "x > bool 5", 30, "");
        check(&world, "age", 30, "not exposed");
        // 3 × 10 s + 2 s after the last answer.
        check(&world, "ok", 32, "");
        check(&world, "ok", 33, "stale 33s");
        check(&world, "x + ok", 33, "stale 33s");
        // Nothing gave it, and one source was never asked.
        check(&world, "unknown", 30, "not polled yet");
        world.row("a/e/late", 31, &[("late", 1.0)]);
        world.row("a/e/verify", 32, &[]);
        check(&world, "unknown", 32, "absent");
        check(&world, "ok", 32, "absent");
        world.refused("a/e/health", 40);
        check(&world, "x", 45, "connection refused: nothing listens there, for 5s");
        check(&world, "ok + x", 45, "connection refused: nothing listens there, for 5s");
        // A failed poll is a measurement of up.
        check(&world, "up == bool 0", 45, "");
    }

    #[test]
    fn a_silent_source_that_has_other_series_is_no_reason() {
        let mut world = World::new(&["a/e/health", "a/e/log"]);
        world.row("a/e/health", 0, &[("x", 1.0)]);
        world.refused("a/e/log", 1);
        check(&world, "unknown", 5, "connection refused: nothing listens there, for 4s");
        let log = world.store.source_mut(&"t/a/e/log".into()).expect("declared");
        (log.declares, log.declares_all) = (vec!["lines_total".to_owned()], true);
        check(&world, "unknown", 5, "absent");
        check(&world, "lines_total", 5, "connection refused: nothing listens there, for 4s");
        check(&world, "x", 5, "");
    }

    #[test]
    fn a_range_must_be_covered() {
        let mut world = World::new(&["a/e/s"]);
        world.keep(&["total"], Duration::from_secs(60));
        world.row("a/e/s", 100, &[("total", 0.0)]);
        check(&world, "rate(total[1m])", 100, "warming up (0ms of 1m 00s)");
        world.row("a/e/s", 110, &[("total", 1.0)]);
        check(&world, "rate(total[1m])", 120, "warming up (20s of 1m 00s)");
        check(&world, "total", 120, "");
        for second in (120..=160).step_by(10) {
            world.row("a/e/s", second, &[("total", 1.0)]);
            // One interval is given.
            let warming = format!("warming up ({}s of 1m 00s)", second - 100);
            check(&world, "rate(total[1m])", second, if second < 150 { &warming } else { "" });
        }
    }

    #[test]
    fn a_covered_range_with_one_sample_is_warming_up_again() {
        let mut world = World::new(&["a/e/s"]);
        for second in (0..=100).step_by(10) {
            world.row("a/e/s", second, &[("total", second as f64)]);
        }
        world.row("a/e/s", 200, &[("total", 200.0)]);
        check(&world, "rate(total[1m])", 205, "warming up (5s of 1m 00s)");
        world.row("a/e/s", 210, &[("total", 210.0)]);
        check(&world, "rate(total[1m])", 210, "");
    }

    #[test]
    fn a_node_that_never_answered_counts_for_what_its_sibling_gives() {
        let mut world = World::new(&["a/e/s", "b/e/s", "b/e/other"]);
        world.row("a/e/s", 0, &[("x{node=a}", 1.0)]);
        world.row("b/e/other", 0, &[("y{node=b}", 1.0)]);
        check(&world, "x", 5, "not polled yet");
        check(&world, "y", 5, "");
        world.refused("b/e/s", 6);
        check(&world, "x", 7, "connection refused: nothing listens there, for 1s");
        check(&world, "y", 7, "");
    }

    #[test]
    fn each_series_has_the_truth_of_its_own_source() {
        let mut world = World::new(&["a/e/s", "b/e/s"]);
        world.row("a/e/s", 0, &[("x{node=a}", 1.0)]);
        world.row("b/e/s", 1, &[("x{node=b}", 1.0)]);
        world.row("b/e/s", 40, &[("x{node=b}", 1.0)]);
        let now = world.at(41);
        let expr = Expr::parse("x").expect("x");
        let operands = operands(&expr, &world.store, &Scope::Fleet, now);
        let missing = |node| operands[0].missing(&Labels::from_pairs([("node", node)]));
        assert_eq!(missing("a"), Some(Truth::Stale { age: Duration::from_secs(41) }));
        assert_eq!(missing("b"), None);
        assert_eq!(missing("c"), Some(Truth::Stale { age: Duration::from_secs(41) }));
    }

    #[test]
    fn a_value_that_is_not_a_number_is_found_wherever_it_counts() {
        let mut world = World::new(&["a/e/s", "b/e/s"]);
        world.row("a/e/s", 0, &[("x{node=a}", f64::NAN), ("y{node=a}", 1.0), ("z{node=a}", f64::NAN)]);
        let why = |world: &World, source: &str, second: i64| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            let (of, now) = (Labels::from_pairs([("node", "a")]), world.at(second));
            let operands = operands(&expr, &world.store, &Scope::Fleet, now);
            assert!(!operands[0].is_nan(&Labels::from_pairs([("node", "none")])), "{source}");
            (operands[0].why(now.boot).is_some(), operands[0].is_nan(&of))
        };
        world.row("b/e/s", 0, &[("w{node=b}", 1.0)]);
        assert_eq!(why(&world, "x", 1), (true, true));
        assert_eq!(why(&world, "sum by (node) (x)", 1), (true, true));
        assert_eq!(why(&world, "y", 1), (false, false));
        // Of two names with the same labels the later one stands for both.
        assert_eq!(why(&world, r#"{node="a",__name__=~"x|y"}"#, 1), (false, false));
        assert_eq!(why(&world, r#"{node="a",__name__=~"x|y|z"}"#, 1), (true, true));
        // Of two sources the later sample counts.
        world.row("b/e/s", 5, &[("x{node=a}", 1.0), ("y{node=a}", f64::NAN)]);
        assert_eq!(why(&world, "x", 6), (false, false));
        assert_eq!(why(&world, "y", 6), (true, true));
    }

    #[test]
    fn a_series_with_too_few_samples_is_not_hidden_by_those_that_have_them() {
        let mut world = World::new(&["a/e/s"]);
        for second in (0..=100).step_by(10) {
            world.row("a/e/s", second, &[("total{n=old}", second as f64)]);
        }
        world.row("a/e/s", 110, &[("total{n=old}", 110.0), ("total{n=new}", 1.0)]);
        let missing = |world: &World, source: &str, n: &str| {
            let expr = Expr::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
            let operands = operands(&expr, &world.store, &Scope::Fleet, world.at(115));
            operands[0].missing(&Labels::from_pairs([("n", n)]))
        };
        let (have, need) = (Duration::from_secs(5), Duration::from_secs(60));
        for source in ["rate(total[1m])", r#"rate({n=~"old|new"}[1m])"#] {
            assert_eq!(missing(&world, source, "old"), None, "{source}");
            assert_eq!(missing(&world, source, "new"), Some(Truth::WarmingUp { have, need }), "{source}");
            assert_eq!(missing(&world, source, "none"), Some(Truth::WarmingUp { have, need }), "{source}");
        }
    }
}
