//! Who answers at a configured endpoint, where its answers are not those of the configured system: the ports of
//! several systems collide, and an address may be put in wrongly.
//!
//! ```text
//! the deciding source's answer ──its own──────────────────► Who::Configured: the other sources of the endpoint go on
//!                              └─not so, or nothing tells─► the reads by which every other one is told, one after another
//!                                             ├─ one takes it ──► Who::Other: no value of the endpoint is taken
//!                                             └─ none does ─────► Who::Unknown: values are taken, and it is said
//! ```
//!
//! The first answer is waited for before another source of the endpoint is believed. Strangers are asked only while the
//! answers are strange or nothing tells them from those of others, and then at most every [`ASK_AGAIN`].
//!
//! Must never: send a body or a secret to whom the configuration does not mean; ask what no system declares.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::discover::{self, Question};
use crate::base::{SystemId, TargetId};
use crate::model::{Batch, Fetch, FetchFailure, Reply};
use crate::panes::model::Target;
use crate::sources::{BoundSource, Cursor, Source};
use crate::systems::{self, System, SystemSpec};

/// How long an answer that nobody knew stays unasked about.
const ASK_AGAIN: Duration = Duration::from_secs(600);

/// Longest time that one read for another system may take.
const WITHIN: Duration = Duration::from_secs(2);

/// How much longer than the first answer may take it is waited for.
const FIRST_SPREAD: Duration = Duration::from_secs(2);

/// Every system whose nodes can be known: those that come with the program, and those of the targets as they are
/// configured. Those that no target needs are read when somebody first has to be known.
#[derive(Clone, Debug, Default)]
pub struct Acquaintances {
    /// What each target is configured as.
    targets: BTreeMap<TargetId, SystemId>,
    configured: BTreeMap<SystemId, Arc<System>>,
    others: Arc<OnceLock<BTreeMap<SystemId, SystemSpec>>>,
}

impl Acquaintances {
    #[must_use]
    pub fn of(targets: &[Target]) -> Acquaintances {
        let configured = targets.iter().map(|target| (target.system.id.clone(), Arc::clone(&target.system)));
        let ids = targets.iter().map(|target| (target.id.clone(), target.system.id.clone()));
        Acquaintances { targets: ids.collect(), configured: configured.collect(), others: Arc::default() }
    }

    fn others(&self) -> &BTreeMap<SystemId, SystemSpec> {
        let parse = |(id, files): (SystemId, systems::Files)| {
            let text = files.get("system.ron").filter(|_| !self.configured.contains_key(&id))?;
            // A mistake in a system's data is told where it is checked.
            systems::spec::load(id.as_str(), text).ok().map(|spec| (id, spec))
        };
        self.others.get_or_init(|| systems::embedded().into_iter().filter_map(parse).collect())
    }

    /// What tells, at an address, every endpoint of every system but this one and the one that it passes on.
    fn questions(&self, base_url: &str, but: &Place) -> Vec<Question<'_>> {
        let known = || self.configured.iter().map(|(id, system)| (id, &system.spec)).chain(self.others());
        let own = known().find(|(id, _)| **id == but.system).map(|(_, system)| system);
        let own = own.into_iter().flat_map(|system| &system.endpoints).find(|endpoint| endpoint.id == but.endpoint);
        let passed_on = own.and_then(|endpoint| endpoint.passes_on.as_deref());
        let mut questions = Vec::new();
        for (id, system) in known() {
            let is_another = |name: &str| *id != but.system || (name != but.endpoint && Some(name) != passed_on);
            for endpoint in system.endpoints.iter().filter(|endpoint| is_another(&endpoint.id)) {
                discover::add(&mut questions, (id, system, endpoint), base_url);
            }
        }
        // What takes the answers of many kinds of node tells nobody from anybody.
        questions.retain_mut(Question::is_specific);
        questions
    }
}

/// Who answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Who {
    /// Nothing has come yet.
    #[default]
    NotAsked,
    Configured,
    /// Nobody that is known.
    Unknown,
    /// Another system, or another endpoint of the same one, and what it is configured as; in words.
    Other {
        answers: String,
        configured: String,
    },
}

/// What an endpoint is configured as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    system: SystemId,
    endpoint: String,
}

impl Place {
    /// How it is called beside another: by its system, or where that is the same one by the endpoint too.
    fn beside(&self, other: &Place) -> String {
        if self.system == other.system { format!("{} {}", self.system, self.endpoint) } else { self.system.to_string() }
    }
}

/// The part that a source has in it.
#[derive(Debug)]
pub enum Part {
    /// Its answers say who it is, or at least that somebody answers.
    Judges(Judge),
    /// It is believed as far as who it is allows it.
    Follows { who: watch::Receiver<Who>, longest: Duration },
    /// Nothing tells who answers.
    None,
}

/// What finds out who answers at one endpoint.
#[derive(Debug)]
pub struct Judge {
    who: watch::Sender<Who>,
    known: Acquaintances,
    configured: Place,
    asked: Option<Instant>,
}

/// The endpoints that are asked, by what the ids of their sources begin with.
#[derive(Debug)]
pub struct Endpoints(BTreeMap<String, (watch::Sender<Who>, Place, Duration)>);

impl Endpoints {
    #[must_use]
    pub fn of(sources: &[Arc<Source>], known: &Acquaintances) -> Endpoints {
        let judged = sources.iter().filter(|source| judges(&source.bound));
        let endpoint = |source: &Arc<Source>| {
            let folder = source.bound.id.endpoint_folder().to_owned();
            let system = known.targets.get(&source.bound.target)?.clone();
            let place = Place { system, endpoint: source.bound.spec.endpoint.clone() };
            Some((folder, (watch::Sender::new(Who::NotAsked), place, source.timeout() + FIRST_SPREAD)))
        };
        Endpoints(judged.filter_map(endpoint).collect())
    }

    /// The part of one source.
    #[must_use]
    pub fn part(&self, bound: &BoundSource, known: &Acquaintances) -> Part {
        let endpoint = self.0.get(bound.id.endpoint_folder()).filter(|_| bound.spec.kind.asks_endpoint());
        let Some((who, configured, longest)) = endpoint else { return Part::None };
        if !judges(bound) {
            return Part::Follows { who: who.subscribe(), longest: *longest };
        }
        let (who, known, configured) = (who.clone(), known.clone(), configured.clone());
        Part::Judges(Judge { who, known, configured, asked: None })
    }
}

/// Carries out one read for another system, in its turn; nothing where there is none, or nobody answered.
pub trait Asks {
    fn ask(&self, fetch: Fetch) -> impl Future<Output = Option<Reply>>;
}

impl Part {
    /// Waits until the endpoint's first answer has said who it is, and no longer than that may take.
    pub async fn ready(&mut self) {
        if let Part::Follows { who, longest, .. } = self {
            // Who says nothing in this time is believed by each of its answers.
            let _ = tokio::time::timeout(*longest, who.wait_for(|who| *who != Who::NotAsked)).await;
        }
    }

    /// From now on nothing is taken as known of who answers.
    pub fn ask_again(&mut self) {
        if let Part::Judges(judge) = self {
            judge.asked = None;
        }
    }

    /// What a poll brought, as far as it can be believed.
    pub async fn judged(&mut self, batch: Batch, source: &Source, cursor: &mut Cursor, asks: &impl Asks) -> Batch {
        let (who, follows) = match self {
            Part::None => return batch,
            Part::Follows { who, .. } => (who.borrow().clone(), true),
            Part::Judges(judge) => {
                judge.judge(&batch, &source.bound, asks).await;
                (judge.who.borrow().clone(), false)
            }
        };
        let asked_for_nothing = matches!(batch.failure, Some(FetchFailure::Late { .. } | FetchFailure::NotRead { .. }));
        // Who does not answer is no other system.
        let answered = batch.failure.as_ref().is_none_or(FetchFailure::is_strange);
        let Who::Other { answers, configured } = who else { return batch };
        if asked_for_nothing || !(answered || follows) {
            return batch;
        }
        let at = place(&source.bound.base_url).to_owned();
        let failure = FetchFailure::OtherSystem { at, answers, configured };
        let is_own = batch.told.is_own;
        let mut refused = source.failed(cursor, failure, batch.sent, batch.took);
        refused.told.is_own = is_own;
        refused
    }
}

impl Judge {
    async fn judge(&mut self, batch: &Batch, bound: &BoundSource, asks: &impl Asks) {
        // An answer that nothing tells from those of others may be anybody's.
        let untold = bound.recognise.is_none() && batch.failure.as_ref().is_none_or(FetchFailure::is_strange);
        match batch.told.is_own.or(untold.then_some(false)) {
            Some(true) => {
                self.asked = None;
                self.is(Who::Configured);
            }
            Some(false) if self.asked.is_some_and(|asked| asked.elapsed() < ASK_AGAIN) => {}
            Some(false) => {
                self.asked = Some(Instant::now());
                let who = self.identify(&bound.base_url, asks).await;
                self.is(who);
            }
            // It did not answer: whoever answers next is asked anew.
            None => {
                self.asked = None;
                self.who.send_if_modified(|who| {
                    let waiting = *who == Who::NotAsked;
                    if waiting {
                        *who = Who::Unknown;
                    }
                    waiting
                });
            }
        }
    }

    fn is(&self, who: Who) {
        self.who.send_if_modified(|known| std::mem::replace(known, who.clone()) != who);
    }

    /// Asks for every other system, until one takes the answer for its own.
    async fn identify(&self, base_url: &str, asks: &impl Asks) -> Who {
        for question in self.known.questions(base_url, &self.configured) {
            let Some(reply) = asks.ask(Fetch::Http(question.request(WITHIN))).await else { continue };
            if let Some((system, endpoint)) = question.is(&reply) {
                let other = Place { system: system.clone(), endpoint: endpoint.to_string() };
                let (answers, configured) = (other.beside(&self.configured), self.configured.beside(&other));
                return Who::Other { answers, configured };
            }
        }
        Who::Unknown
    }
}

/// Whether a source's answers are what the endpoint is told by.
fn judges(bound: &BoundSource) -> bool {
    bound.spec.decides_up && bound.spec.kind.asks_endpoint()
}

/// Host and port of an address.
fn place(base_url: &str) -> &str {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::mpsc;

    use super::super::fetch::Fetcher;
    use super::super::poller::Poller;
    use super::super::{clock, discover::Discovery};
    use super::*;
    use crate::app::Msg;
    use crate::base::At;

    /// A node on loopback that gives each path its answer, and 404 where it has none, and the paths that it was asked.
    struct Node {
        url: String,
        asked: Arc<std::sync::Mutex<Vec<String>>>,
        task: tokio::task::JoinHandle<()>,
    }

    impl Drop for Node {
        fn drop(&mut self) {
            self.task.abort();
        }
    }

    async fn node(answers: &'static [(&'static str, &'static str)]) -> Node {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let asked: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut came = vec![0; 2048];
                let Ok(length) = stream.read(&mut came).await else { continue };
                let head = String::from_utf8_lossy(&came[..length]).into_owned();
                let line = head.lines().next().unwrap_or_default().to_owned();
                seen.lock().expect("nobody panics with it").push(line.clone());
                let path = line.split(' ').nth(1).unwrap_or_default();
                let found = answers.iter().find(|(known, _)| *known == path);
                let (status, body) = found.map_or(("404 Not Found", "no"), |(_, body)| ("200 OK", *body));
                let length = body.len();
                let whole = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
                drop(stream.write_all(whole.as_bytes()).await);
            }
        });
        Node { url, asked, task }
    }

    const GOUD: &str = r#"{"status":"healthy","node_id":"n","chain_length":7,"peer_count":2,"latest_block":6}"#;
    const POUW: &str = r#"{"status":"healthy","version":"1.0.0","uptime_seconds":7,"components":[]}"#;

    /// A target of this system at this address, its sources over HTTP alone, and what is known of systems.
    fn configured(system: &str, endpoint: &str, url: &str) -> (Vec<Arc<Source>>, Acquaintances) {
        reading(system, endpoint, url, |bound| bound.spec.kind.over_http())
    }

    fn reading(
        system: &str,
        endpoint: &str,
        url: &str,
        which: impl Fn(&BoundSource) -> bool,
    ) -> (Vec<Arc<Source>>, Acquaintances) {
        let id = SystemId::new(system);
        let spec = systems::spec::load(system, &systems::embedded()[&id]["system.ron"]).expect("an embedded system");
        let mut found = Discovery::default();
        found.add(&id, &endpoint.into(), url);
        let target = found.targets.remove(0);
        let bound = target.bind(&spec).into_iter().filter(which);
        let sources = bound.map(|bound| Arc::new(Source::compile(bound).expect("it compiles"))).collect();
        let targets = BTreeMap::from([(target.id, id)]);
        (sources, Acquaintances { targets, ..Acquaintances::default() })
    }

    /// The first `count` batches of polling these.
    async fn polled(sources: Vec<Arc<Source>>, known: &Acquaintances, count: usize) -> Vec<Arc<Batch>> {
        let (sender, mut messages) = mpsc::channel::<(At, Msg)>(1);
        let rates = sources.iter().map(|source| (source.bound.target.clone(), 1e6)).collect();
        let _poller = Poller::start(sources, &rates, known, &Fetcher::new(), &sender, clock::now);
        let mut batches = Vec::new();
        while batches.len() < count {
            if let Some((_, Msg::Polled(batch))) = messages.recv().await {
                batches.push(batch);
            }
        }
        batches
    }

    #[tokio::test]
    async fn another_system_at_the_address_is_named_and_none_of_its_values_is_taken() {
        // What a Goud node says of its health is word for word what a PoUW node says when it is well.
        let stranger = node(&[("/health", GOUD), ("/api/v1/pouw/disputes?status=open", r#"{"total":3}"#)]).await;
        let (sources, known) = configured("pouw", "api", &stranger.url);
        let count = sources.len();
        let at = stranger.url.trim_start_matches("http://");
        for batch in polled(sources, &known, count).await {
            let failure = batch.failure.as_ref().expect("it is no node of this system").to_string();
            let want = format!("{at} answers as goud, the configuration says pouw; none of its values is taken");
            assert_eq!(failure, want, "{}", batch.source);
            assert!(batch.values.iter().all(|value| *value == 0.0), "{:?}", batch.values);
        }
        let asked = stranger.asked.lock().expect("nobody panics with it").clone();
        assert!(asked.iter().all(|line| line.starts_with("GET ")), "nobody is sent a question with a body: {asked:?}");
    }

    #[tokio::test]
    async fn one_that_answers_other_paths_is_asked_for_by_them() {
        let body = r#"{"height":7,"mempoolSize":0,"producerUptime":5}"#;
        let body: &'static str = Box::leak(body.to_owned().into_boxed_str());
        let answers: &'static [(&str, &str)] = Box::leak(Box::new([("/volchain/health", body)]));
        let stranger = node(answers).await;
        let (sources, known) = configured("goud", "api", &stranger.url);
        let judging = sources.into_iter().filter(|source| source.bound.recognise.is_some()).collect();
        let batches = polled(judging, &known, 1).await;
        let failure = batches[0].failure.as_ref().expect("it is no node of this system").to_string();
        assert!(failure.contains("answers as volchain, the configuration says goud"), "{failure}");
    }

    /// What the deciding source of an endpoint says of whoever answers with these.
    async fn judged(system: &str, endpoint: &str, answers: &'static [(&'static str, &'static str)]) -> Option<String> {
        let node = node(answers).await;
        let (sources, known) = reading(system, endpoint, &node.url, judges);
        let batches = polled(sources, &known, 1).await;
        let failure = batches[0].failure.as_ref()?;
        let at = node.url.trim_start_matches("http://");
        Some(failure.to_string().replace(at, "HERE"))
    }

    #[tokio::test]
    async fn an_endpoint_that_nothing_tells_is_not_believed_as_another() {
        let of = |answers: &str, configured: &str| {
            Some(format!("HERE answers as {answers}, the configuration says {configured}; none of its values is taken"))
        };
        let volchain = &[("/volchain/health", r#"{"height":7,"mempoolSize":0,"producerUptime":5}"#)];
        assert_eq!(judged("fastmainnet", "explorer", volchain).await, of("volchain", "fastmainnet"));
        let aggregator = &[("/treasury/summary", r#"{"source":"store","status":"ok"}"#)];
        let swapped = of("fastmainnet aggregator", "fastmainnet explorer");
        assert_eq!(judged("fastmainnet", "explorer", aggregator).await, swapped);
        assert_eq!(judged("fastmainnet", "explorer", &[("/", "<html>")]).await, None, "anything may be an explorer");
        // A balancer is told by the node behind it.
        assert_eq!(judged("goud", "balancer", &[("/health", GOUD)]).await, None);
        assert_eq!(judged("goud", "balancer", &[("/health", POUW)]).await, of("pouw", "goud"));
    }

    #[tokio::test]
    async fn its_own_answers_are_taken_and_nobody_else_is_asked_for() {
        let own = node(&[("/health", POUW)]).await;
        let (sources, known) = configured("pouw", "api", &own.url);
        let paths: BTreeSet<String> = sources.iter().map(|source| source.bound.spec.kind.read()).collect();
        let batches = polled(sources, &known, 2).await;
        let health = batches.iter().find(|batch| batch.told.is_own.is_some()).expect("the deciding source");
        assert_eq!((health.told.is_own, health.failure.clone()), (Some(true), None));
        assert_eq!(health.told.version.as_deref(), Some("1.0.0"));
        let asked = own.asked.lock().expect("nobody panics with it").clone();
        assert!(asked.iter().all(|line| paths.iter().any(|path| line.starts_with(path))), "{asked:?}");
    }

    #[tokio::test]
    async fn what_nobody_knows_is_taken_and_asked_about_once() {
        // It is well, and answers with one field less than this system's nodes do.
        let unknown = node(&[("/health", r#"{"status":"healthy","uptime_seconds":7}"#)]).await;
        let (mut sources, known) = configured("pouw", "api", &unknown.url);
        sources.retain(|source| source.bound.recognise.is_some());
        let mut quick = sources[0].bound.clone();
        quick.spec.interval_seconds = 0.05;
        let batches = polled(vec![Arc::new(Source::compile(quick).expect("it compiles"))], &known, 4).await;
        assert!(batches.iter().all(|batch| batch.failure.is_none() && batch.told.is_own == Some(false)));
        let asked = unknown.asked.lock().expect("nobody panics with it").clone();
        let others = asked.iter().filter(|line| !line.starts_with("GET /health ")).count();
        let distinct: BTreeSet<&String> = asked.iter().collect();
        assert!(others > 0 && others == distinct.len() - 1, "each read of another system once: {asked:?}");
    }
}
