//! What is asked of a server about the past of a target, and how its series become those of the target.
//!
//! ```text
//! BackfillPlan ──selectors──► (shell) ──Answer──► Gathered ──finish──► Scraped, for the store
//! ```
//!
//! A series of the server is taken over only where it can be told which endpoint it is of: by its `instance` and `job`,
//! by a `node` label, or because the server has one instance and the target one endpoint. Then the labels that the
//! server attached when it scraped, which are those of its own `up`, are replaced by the target's, so that the past and
//! the present are one series. What can not be told is left out and counted: a range function must never add up the
//! series of a stranger.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::BoundSource;
use super::server::Server;
use crate::base::{TargetId, Wall};
use crate::model::labels::NAME;
use crate::model::{Labels, Layout, PastRow, Scraped, SeriesWindow};
use crate::promql::Expr;

/// Series and samples that are taken of one target's past.
pub const MOST_SERIES: usize = 5_000;
pub const MOST_SAMPLES: usize = 1_000_000;

/// Scrapes of different times that one target's past may consist of.
const MOST_SCRAPES: usize = 64;

/// Bytes of names in one question: proxies refuse addresses that are much longer.
const NAMES_BYTES: usize = 2_000;

/// What is asked, and whose it will be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackfillPlan {
    pub target: TargetId,
    pub server: Server,
    /// Which series of the server are those of the target.
    pub matchers: String,
    /// The series that loaded expressions name, in order.
    pub names: Vec<String>,
    /// How far back.
    pub reach: Duration,
    /// The labels that each endpoint of the target gives its series.
    pub ends: Vec<Labels>,
}

impl BackfillPlan {
    /// The past of a target with these sources. Without `matchers` it is found by the instances of its endpoints.
    #[must_use]
    pub fn new(
        target: TargetId,
        (server, matchers): (Server, Option<&str>),
        names: impl Iterator<Item = Arc<str>>,
        reach: Duration,
        sources: &[BoundSource],
    ) -> BackfillPlan {
        // What is of the target as a whole, or of the server itself, is no end that the server scrapes.
        let of_node = |source: &&BoundSource| !source.labels.get("node").is_empty();
        let mut ends: Vec<Labels> = sources.iter().filter(of_node).map(|source| source.labels.clone()).collect();
        ends.sort_unstable();
        ends.dedup();
        let matchers = matchers
            .map_or_else(|| instances(ends.iter().map(|labels| labels.get("instance").to_owned())), str::to_owned);
        let plain = |name: &Arc<str>| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
        // What the console says of its own reads no server has.
        let asked = names.filter(|name| plain(name) && !name.is_empty() && !name.starts_with("opsconsole_"));
        // The server's own `up` tells which labels it attached, and when it scraped.
        let names: BTreeSet<String> = asked.map(|name| name.to_string()).chain(["up".to_owned()]).collect();
        BackfillPlan { target, server, matchers, names: names.into_iter().collect(), reach, ends }
    }

    /// The range selectors that ask for it all, none of them too long for an address.
    #[must_use]
    pub fn selectors(&self) -> Vec<String> {
        let mut chunks: Vec<String> = Vec::new();
        for name in &self.names {
            match chunks.last_mut().filter(|chunk| chunk.len() + name.len() < NAMES_BYTES) {
                Some(chunk) => {
                    chunk.push('|');
                    chunk.push_str(name);
                }
                None => chunks.push(name.clone()),
            }
        }
        let matchers = if self.matchers.is_empty() { String::new() } else { format!(",{}", self.matchers) };
        let seconds = self.reach.as_secs().max(1);
        chunks.into_iter().map(|names| format!("{{__name__=~\"{names}\"{matchers}}}[{seconds}s]")).collect()
    }
}

/// What finds the series of endpoints, if the server has their instances.
pub(crate) fn instances(ends: impl Iterator<Item = String>) -> String {
    let instances: BTreeSet<String> = ends.collect();
    let quoted: Vec<String> =
        instances.into_iter().map(|instance| regex::escape(&instance).replace('\\', "\\\\")).collect();
    format!("instance=~\"{}\"", quoted.join("|").replace('"', "\\\""))
}

/// Why these matchers can not stand between the braces of a selector; nothing where they can.
#[must_use]
pub fn matchers_fault(matchers: &str) -> Option<String> {
    let mut quote = None;
    let mut escaped = false;
    for c in matchers.chars() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '{' | '}' | '#') => return Some(format!("{c} does not belong between the braces of a selector")),
            (Some(_) | None, _) => {}
        }
    }
    // With a matcher of its own, so that it is a selector even where there is no other.
    match Expr::parse(&format!("{{opsconsole_any=\"\",job=~\".+\",{matchers}}}")) {
        Err(why) => Some(why.to_string()),
        Ok(expr)
            if expr.selectors().iter().flat_map(|one| one.matchers.iter()).any(|matcher| &*matcher.name == NAME) =>
        {
            Some("which series are asked for by name is the console's business; leave __name__ out".to_owned())
        }
        Ok(_) => None,
    }
}

/// What has come so far.
#[derive(Debug)]
pub struct Gathered {
    ends: Vec<Labels>,
    series: Vec<SeriesWindow>,
    samples: usize,
}

/// What was made of all that came.
#[derive(Debug, Default, PartialEq)]
pub struct Finished {
    pub scrapes: Vec<Scraped>,
    /// Series that are not used, because nothing tells which node they are of.
    pub untold: usize,
    /// Which limit was reached, in words.
    pub limit: Option<String>,
}

impl Gathered {
    #[must_use]
    pub fn new(plan: &BackfillPlan) -> Gathered {
        Gathered { ends: plan.ends.clone(), series: Vec::new(), samples: 0 }
    }

    /// Takes an answer in as far as there is room.
    ///
    /// # Errors
    /// There is none for all of it; which limit was reached, in words.
    pub fn add(&mut self, answer: Vec<SeriesWindow>) -> Result<(), String> {
        for series in answer {
            if self.series.len() >= MOST_SERIES {
                return Err(format!("there are more than {MOST_SERIES} series"));
            }
            if self.samples + series.samples.len() > MOST_SAMPLES {
                return Err(format!("there are more than {MOST_SAMPLES} samples"));
            }
            self.samples += series.samples.len();
            self.series.push(series);
        }
        Ok(())
    }

    /// The series of the target's own labels, with their samples before `asked`.
    #[must_use]
    pub fn finish(self, asked: Wall) -> Finished {
        let attached = attached(&self.series);
        let lone = self.series.iter().map(|series| origin(&series.labels)).collect::<BTreeSet<_>>().len() == 1;
        let mut finished = Finished::default();
        let mut seen: HashSet<Arc<Labels>> = HashSet::new();
        let mut by_origin: BTreeMap<Origin, Vec<SeriesWindow>> = BTreeMap::new();
        for series in &self.series {
            let own = end_of(&series.labels, &self.ends, lone);
            let Some(labels) = own.map(|own| Arc::new(renamed(&series.labels, &attached, own))) else {
                finished.untold += 1;
                continue;
            };
            // Two that would be one can not be told apart.
            if !seen.insert(Arc::clone(&labels)) {
                finished.untold += 1;
                continue;
            }
            let mut samples: Vec<(Wall, f64)> = series.samples.clone();
            samples.retain(|(at, _)| *at < asked);
            samples.sort_by_key(|(at, _)| *at);
            samples.dedup_by_key(|(at, _)| *at);
            if !samples.is_empty() {
                by_origin.entry(origin(&series.labels)).or_default().push(SeriesWindow { labels, samples });
            }
        }
        let scrapes: Vec<Vec<SeriesWindow>> = by_origin.into_values().flat_map(together).collect();
        if scrapes.len() > MOST_SCRAPES {
            finished.limit = Some(format!("its series were measured at more than {MOST_SCRAPES} rhythms"));
        }
        finished.scrapes = scrapes.into_iter().take(MOST_SCRAPES).map(scraped).collect();
        finished
    }
}

/// What a server scraped a series from: its `job` and its `instance`.
type Origin = (String, String);

fn origin(labels: &Labels) -> Origin {
    (labels.get("job").to_owned(), labels.get("instance").to_owned())
}

/// The labels that the server attached to all series of an origin: those of its `up`, or `job` and `instance`.
fn attached(series: &[SeriesWindow]) -> HashMap<Origin, Vec<(String, String)>> {
    let mut attached: HashMap<Origin, Vec<(String, String)>> = HashMap::new();
    for labels in series.iter().map(|series| &series.labels).filter(|labels| labels.name() == "up") {
        let pairs = || labels.iter().filter(|(name, _)| *name != NAME);
        let own = || pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect::<Vec<_>>();
        attached
            .entry(origin(labels))
            .and_modify(|known| known.retain(|pair| own().contains(pair)))
            .or_insert_with(own);
    }
    attached
}

/// The endpoint that a series is of, by the labels that the endpoint gives.
fn end_of<'e>(labels: &Labels, ends: &'e [Labels], lone: bool) -> Option<&'e Labels> {
    let only = |found: Vec<&'e Labels>| if let [one] = found[..] { Some(one) } else { None };
    let by = |name: &'static str| {
        ends.iter().filter(move |end| !labels.get(name).is_empty() && end.get(name) == labels.get(name))
    };
    for name in ["instance", "node"] {
        if by(name).next().is_some() {
            let of_job = || by(name).filter(|end| end.get("job") == labels.get("job")).collect();
            return only(by(name).collect()).or_else(|| only(of_job()));
        }
    }
    only(ends.iter().collect()).filter(|_| lone && !labels.get("instance").is_empty())
}

/// The labels of a series as a source of this endpoint gives them.
fn renamed(labels: &Labels, attached: &HashMap<Origin, Vec<(String, String)>>, own: &Labels) -> Labels {
    let of_scrape = attached.get(&origin(labels));
    let is_attached = |name: &str, value: &str| match of_scrape {
        Some(pairs) => pairs.iter().any(|(have, of)| have == name && of == value),
        None => name == "job" || name == "instance",
    };
    let attaches = |name: &str| match of_scrape {
        Some(pairs) => pairs.iter().any(|(have, _)| have == name),
        None => name == "job" || name == "instance",
    };
    let mut pairs: BTreeMap<String, String> =
        own.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for (name, value) in labels.iter().filter(|(name, value)| !is_attached(name, value)) {
        // The server moved a label of the node's out of the way of its own; it is moved out of the way of ours instead.
        let mut name = match name.strip_prefix("exported_") {
            Some(before) if attaches(before) => before.to_owned(),
            Some(_) | None => name.to_owned(),
        };
        while pairs.contains_key(&name) {
            name = format!("exported_{name}");
        }
        pairs.insert(name, value.to_owned());
    }
    Labels::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Series whose times are among those of one of them, which are the times of the scrape.
fn together(mut series: Vec<SeriesWindow>) -> Vec<Vec<SeriesWindow>> {
    series.sort_by_key(|one| std::cmp::Reverse(one.samples.len()));
    let mut scrapes: Vec<Vec<SeriesWindow>> = Vec::new();
    for one in series {
        let is_of = |scrape: &&mut Vec<SeriesWindow>| {
            let times = &scrape[0].samples;
            one.samples.iter().all(|(at, _)| times.binary_search_by_key(at, |(at, _)| *at).is_ok())
        };
        match scrapes.iter_mut().find(is_of) {
            Some(scrape) => scrape.push(one),
            None => scrapes.push(vec![one]),
        }
    }
    scrapes
}

/// Rows of series whose times are among those of the first.
fn scraped(series: Vec<SeriesWindow>) -> Scraped {
    let mut scraped = Scraped::default();
    let mut layouts: HashMap<Vec<usize>, usize> = HashMap::new();
    let mut next = vec![0; series.len()];
    let times: Vec<Wall> = series.first().into_iter().flat_map(|one| &one.samples).map(|(at, _)| *at).collect();
    for at in times {
        let (mut present, mut values) = (Vec::new(), Vec::new());
        for (place, one) in series.iter().enumerate() {
            if let Some((_, value)) = one.samples.get(next[place]).filter(|(taken, _)| *taken == at) {
                next[place] += 1;
                present.push(place);
                values.push(*value);
            }
        }
        let layout = *layouts.entry(present).or_insert_with_key(|present| {
            let labels = present.iter().map(|place| Arc::clone(&series[*place].labels)).collect();
            scraped.layouts.push(Arc::new(Layout::of(labels)));
            scraped.layouts.len() - 1
        });
        scraped.rows.push(PastRow { at, layout, values: values.into() });
    }
    scraped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(node: &str, job: &str, instance: &str) -> Labels {
        Labels::from_pairs([("target", "t"), ("node", node), ("job", job), ("instance", instance)])
    }

    fn plan(ends: &[Labels]) -> BackfillPlan {
        let server = Server { url: "http://127.0.0.1:9090".to_owned(), credentials: None };
        let mut plan =
            BackfillPlan::new("t".into(), (server, None), ["x".into()].into_iter(), Duration::from_secs(900), &[]);
        plan.ends = ends.to_vec();
        plan
    }

    fn series(labels: &[(&str, &str)], seconds: &[i64]) -> SeriesWindow {
        let samples = seconds.iter().map(|second| (Wall(second * 1000), *second as f64)).collect();
        SeriesWindow { labels: Arc::new(Labels::from_pairs(labels.iter().copied())), samples }
    }

    fn finished(ends: &[Labels], all: Vec<SeriesWindow>) -> Finished {
        let plan = plan(ends);
        let mut gathered = Gathered::new(&plan);
        gathered.add(all).expect("there is room");
        gathered.finish(Wall(100_000))
    }

    fn names(finished: &Finished) -> Vec<String> {
        let layouts = finished.scrapes.iter().flat_map(|scraped| &scraped.layouts);
        let mut names: Vec<String> =
            layouts.flat_map(|layout| layout.series()).map(|labels| labels.to_string()).collect();
        names.sort();
        names.dedup();
        names
    }

    #[test]
    fn questions_are_bounded_and_find_the_instances_of_the_target() {
        let names = (0..500).map(|n| Arc::from(format!("a_rather_long_name_{n}"))).chain([Arc::from("opsconsole_x")]);
        let server = Server { url: "http://h".to_owned(), credentials: None };
        let plan = BackfillPlan::new("t".into(), (server, Some("job=\"j\"")), names, Duration::from_secs(900), &[]);
        let selectors = plan.selectors();
        assert!(selectors.len() > 3 && selectors.iter().all(|one| one.len() < NAMES_BYTES + 100));
        assert!(selectors.iter().all(|one| one.ends_with("\",job=\"j\"}[900s]")), "{}", selectors[0]);
        assert!(selectors.iter().any(|one| one.contains("|up\"")) && !selectors.concat().contains("opsconsole"));
        let found = instances(["127.0.0.1:1", "[::1]:2"].map(str::to_owned).into_iter());
        assert_eq!(found, r#"instance=~"127\\.0\\.0\\.1:1|\\[::1\\]:2""#);
        assert_eq!(matchers_fault(&found), None);
    }

    #[test]
    fn matchers_are_matchers_and_nothing_else() {
        let check = |matchers: &str, want: Option<&str>| {
            let fault = matchers_fault(matchers);
            match (&fault, want) {
                (None, None) => {}
                (Some(fault), Some(want)) => assert!(fault.contains(want), "{matchers}: {fault}"),
                _ => panic!("{matchers}: {fault:?}"),
            }
        };
        check(r#"job="node""#, None);
        check(r#"job="a}b", instance=~"x.*""#, None);
        check(r#"job=node"#, Some("not PromQL"));
        check(r#"job="a"} or y{"#, Some("does not belong"));
        check(r#"__name__="y""#, Some("leave __name__ out"));
    }

    #[test]
    fn labels_become_those_of_the_target_s_own_series() {
        let up = series(&[("__name__", "up"), ("job", "p"), ("instance", "h:1"), ("env", "prod")], &[10, 20]);
        let all = [("__name__", "x"), ("job", "p"), ("instance", "h:1"), ("env", "prod")];
        let with = |more: &[(&str, &str)]| series(&[&all, more].concat(), &[10, 20]);
        let finished = finished(
            &[end("n", "j", "h:1")],
            vec![
                up,
                with(&[]),
                with(&[("path", "/"), ("exported_job", "mine"), ("exported_env", "theirs"), ("node", "q")]),
            ],
        );
        assert_eq!(
            names(&finished),
            [
                r#"up{instance="h:1",job="j",node="n",target="t"}"#,
                r#"x{env="theirs",exported_job="mine",exported_node="q",instance="h:1",job="j",node="n",path="/",target="t"}"#,
                r#"x{instance="h:1",job="j",node="n",target="t"}"#,
            ]
        );
        assert_eq!((finished.untold, finished.scrapes.len()), (0, 1));
    }

    #[test]
    fn what_no_label_tells_the_node_of_is_left_out() {
        let of = |job: &str, instance: &str| series(&[("__name__", "x"), ("job", job), ("instance", instance)], &[10]);
        let check = |ends: &[Labels], all: Vec<SeriesWindow>, want: &[&str], untold: usize| {
            let finished = finished(ends, all);
            assert_eq!((names(&finished).len(), finished.untold), (want.len(), untold), "{:?}", names(&finished));
            for (name, want) in names(&finished).iter().zip(want) {
                assert!(name.contains(want), "{name}");
            }
        };
        let two = [end("a", "j", "h:1"), end("b", "j", "h:2")];
        check(&two, vec![of("j", "h:1"), of("j", "h:2"), of("j", "h:3")], &["node=\"a\"", "node=\"b\""], 1);
        // One port, two endpoints: the job tells.
        let one = [end("a", "api", "h:1"), end("a", "metrics", "h:1")];
        check(&one, vec![of("metrics", "h:1"), of("other", "h:1")], &["job=\"metrics\""], 1);
        // Prometheus knows the only endpoint by another name; two names can not both be it.
        check(&two[..1], vec![of("p", "node-a")], &["node=\"a\""], 0);
        check(&two[..1], vec![of("p", "node-a"), of("p", "node-b")], &[], 2);
        check(&two, vec![of("p", "node-a")], &[], 1);
        check(&two[..1], vec![series(&[("__name__", "job:x:rate5m"), ("job", "p")], &[10])], &[], 1);
        let named = series(&[("__name__", "x"), ("node", "b")], &[10]);
        check(&two, vec![named], &["node=\"b\""], 0);
    }

    #[test]
    fn series_are_rows_of_the_scrape_that_they_came_with() {
        let of =
            |name: &str, seconds: &[i64]| series(&[("__name__", name), ("job", "j"), ("instance", "h:1")], seconds);
        let all = vec![of("up", &[10, 20, 30, 120]), of("x", &[10, 30]), of("recorded", &[15])];
        let finished = finished(&[end("a", "j", "h:1")], all);
        let times = |scraped: &Scraped| scraped.rows.iter().map(|row| row.at.0 / 1000).collect::<Vec<_>>();
        let width = |scraped: &Scraped| scraped.rows.iter().map(|row| row.values.len()).collect::<Vec<_>>();
        let [scrape, recorded] = &finished.scrapes[..] else { panic!("{finished:?}") };
        // What is as new as the question is not of the past.
        assert_eq!((times(scrape), width(scrape)), (vec![10, 20, 30], vec![2, 1, 2]));
        assert_eq!(times(recorded), [15]);
        assert_eq!(scrape.layouts.len(), 2, "rows of one shape share it");
    }

    #[test]
    fn what_is_too_much_is_not_taken() {
        let plan = plan(&[end("a", "j", "h:1")]);
        let mut gathered = Gathered::new(&plan);
        let many: Vec<SeriesWindow> =
            (0..MOST_SERIES + 1).map(|n| series(&[("__name__", "x"), ("n", &n.to_string())], &[])).collect();
        assert!(gathered.add(many).is_err_and(|limit| limit.contains("more than 5000 series")));
        assert_eq!(gathered.series.len(), MOST_SERIES);
    }
}
