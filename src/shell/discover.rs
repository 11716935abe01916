//! What answers on this machine where nothing is configured: one fixed read on each port at which a system's node
//! usually listens, all at once and within a second. What answers is told by its content, never by its port.
//!
//! Must never: read anything but what a system declares, from anything but loopback; act on what it finds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use tokio::task::JoinSet;

use super::clock;
use super::fetch::http::HttpClient;
use crate::base::{EndpointId, NodeId, SystemId, TargetId};
use crate::config::{EndpointAddressSpec, NodeSpec, TargetSpec};
use crate::model::{self, FetchFailure, HttpAnswer, HttpRequest, Reply};
use crate::runbook::seal::{Environment, Privilege};
use crate::systems::spec::EndpointSpec;
use crate::systems::{Recogniser, SystemSpec};

/// Longest time that looking may take.
const WITHIN: Duration = Duration::from_secs(1);

/// Most reads that are made.
const MOST_READS: usize = 24;

/// Largest answer that is looked at.
const LIMIT_BYTES: u64 = 4 << 20;

/// What was found, and what was looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Discovery {
    /// Named after their systems, without a host: they can only be observed.
    pub targets: Vec<TargetSpec>,
    pub looked: Vec<Looked>,
    /// Reads that were not made, because there were too many.
    pub left_out: usize,
}

/// One read and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// `http://127.0.0.1:3001/path`
    pub address: String,
    /// The systems whose nodes usually answer there.
    pub systems: Vec<SystemId>,
    pub answer: Answer,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Is(SystemId),
    /// Several systems take it for theirs: it is nobody's until a configuration says whose.
    Either(Vec<SystemId>),
    /// Something answers that no system recognises.
    Unrecognised {
        status: u16,
    },
    Nothing(FetchFailure),
}

/// What is read at one address, and the endpoints that it could be.
#[derive(Debug)]
pub(super) struct Question<'a> {
    base_url: String,
    request: HttpRequest,
    could_be: Vec<(&'a SystemId, EndpointId, Recogniser)>,
}

impl Question<'_> {
    /// Leaves out those that would take what many kinds of node answer; false where nobody is left.
    pub(super) fn is_specific(&mut self) -> bool {
        self.could_be.retain(|(_, _, recogniser)| !recogniser.is_general());
        !self.could_be.is_empty()
    }

    /// What is read, within a time and a size.
    pub(super) fn request(&self, timeout: Duration) -> HttpRequest {
        HttpRequest { timeout, limit_bytes: LIMIT_BYTES, ..self.request.clone() }
    }

    /// Whose answer it is, where it is one's alone.
    pub(super) fn is(&self, reply: &Reply) -> Option<(&SystemId, &EndpointId)> {
        judge(self, reply).1
    }
}

/// Adds what tells an endpoint of a system at an address, where there is a read that does: one question for each
/// address, because systems may have the same port and path.
pub(super) fn add<'a>(
    questions: &mut Vec<Question<'a>>,
    (id, system, endpoint): (&'a SystemId, &SystemSpec, &EndpointSpec),
    base_url: &str,
) {
    // A mistake in a system's data is told where it is checked; looking goes on with the others.
    let Ok(Some(recogniser)) = Recogniser::new(system, endpoint, base_url) else { return };
    let Some(request) = recogniser.request_to_strangers() else { return };
    let claim = (id, EndpointId::new(&endpoint.id), recogniser);
    match questions.iter_mut().find(|question| question.request.url == request.url) {
        Some(question) => question.could_be.push(claim),
        None => questions.push(Question { base_url: base_url.to_owned(), request, could_be: vec![claim] }),
    }
}

/// Looks on the loopback ports of these systems.
pub async fn look(systems: &BTreeMap<SystemId, SystemSpec>, client: &HttpClient) -> Discovery {
    let mut questions = questions(systems);
    let left_out = questions.len().saturating_sub(MOST_READS);
    questions.truncate(MOST_READS);
    let answers = ask(&questions, client).await;
    let mut discovery = Discovery { left_out, ..Discovery::default() };
    for (question, answer) in questions.iter().zip(answers) {
        let (answer, found) = match answer {
            Ok(answer) => judge(question, &replied(answer)),
            Err(failure) => (Answer::Nothing(failure), None),
        };
        if let Some((system, endpoint)) = found {
            discovery.add(system, endpoint, &question.base_url);
        }
        let mut asked_for: Vec<SystemId> = question.could_be.iter().map(|(system, ..)| (*system).clone()).collect();
        asked_for.dedup();
        discovery.looked.push(Looked { address: question.request.url.clone(), systems: asked_for, answer });
    }
    discovery
}

/// What is asked at the usual ports of these systems.
fn questions(systems: &BTreeMap<SystemId, SystemSpec>) -> Vec<Question<'_>> {
    let mut questions: Vec<Question> = Vec::new();
    for (id, system) in systems {
        for endpoint in &system.endpoints {
            let base_url = format!("http://127.0.0.1:{}", endpoint.default_port);
            add(&mut questions, (id, system, endpoint), &base_url);
        }
    }
    questions
}

/// All at once; the answers come in the order of the questions.
async fn ask(questions: &[Question<'_>], client: &HttpClient) -> Vec<Result<HttpAnswer, FetchFailure>> {
    let mut asking = JoinSet::new();
    for (at, question) in questions.iter().enumerate() {
        let (client, request) = (client.clone(), question.request(WITHIN));
        asking.spawn(async move { (at, client.ask(&request).await) });
    }
    let mut answers: Vec<_> = asking.join_all().await;
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn replied(answer: HttpAnswer) -> Reply {
    Reply { answer: model::Answer::Http(answer), sent: clock::now(), took: Duration::ZERO }
}

/// What an answer is. Of several that take it for theirs, those that look for less give way.
fn judge<'a>(question: &'a Question<'_>, reply: &Reply) -> (Answer, Option<(&'a SystemId, &'a EndpointId)>) {
    let status = match &reply.answer {
        model::Answer::Http(answer) => answer.status,
        _no_other_was_asked_for => 0,
    };
    let all: Vec<_> = question.could_be.iter().filter(|(_, _, recogniser)| recogniser.recognises(reply)).collect();
    let specific: Vec<_> = all.iter().filter(|(_, _, recogniser)| !recogniser.is_general()).copied().collect();
    let kept = if specific.is_empty() { all } else { specific };
    match &kept[..] {
        [] => (Answer::Unrecognised { status }, None),
        [(system, endpoint, _)] => (Answer::Is((*system).clone()), Some((*system, endpoint))),
        several => (Answer::Either(several.iter().map(|(system, ..)| (*system).clone()).collect()), None),
    }
}

impl Discovery {
    pub(super) fn add(&mut self, system: &SystemId, endpoint: &EndpointId, base_url: &str) {
        let address = EndpointAddressSpec {
            id: endpoint.clone(),
            url: base_url.to_owned(),
            job: None,
            instance: None,
            auth: None,
        };
        if let Some(target) = self.targets.iter_mut().find(|target| target.system == *system) {
            target.nodes.iter_mut().for_each(|node| node.endpoints.push(address.clone()));
            return;
        }
        self.targets.push(TargetSpec {
            id: TargetId::new(system.as_str()),
            system: system.clone(),
            environment: Environment::NotConfigured,
            host: None,
            privilege: Privilege::None,
            nodes: vec![NodeSpec { id: NodeId::new("node-1"), endpoints: vec![address], settings: BTreeMap::new() }],
            secrets: BTreeMap::new(),
            settings: BTreeMap::new(),
            interval_seconds: None,
            intervals: BTreeMap::new(),
            requests_per_second: 5.0,
            prometheus: None,
            demo: None,
        });
    }

    /// For the banner of a console that starts on what was found.
    #[must_use]
    pub fn sentence(&self) -> String {
        let found: Vec<String> = self
            .targets
            .iter()
            .map(|target| {
                let at: Vec<String> =
                    target.nodes.iter().flat_map(|node| &node.endpoints).map(|endpoint| endpoint.instance()).collect();
                format!("{} on {}", target.system, at.join(" and "))
            })
            .collect();
        format!("found {}; to configure: opsconsole config init", found.join(", "))
    }

    /// What was looked for, what answered, and what to do: where nothing was found.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        // What to do comes first: a low screen cuts the list.
        let mut lines: Vec<String> = [
            "nothing is configured, and no node was found on this machine",
            "",
            "to watch a node: opsconsole config init --out FILE, put its address in, opsconsole --config FILE",
            "to look around without one: opsconsole demo",
            "to see what this machine lacks: opsconsole doctor",
            "",
            "looked for, each with one read:",
        ]
        .map(str::to_owned)
        .to_vec();
        for looked in &self.looked {
            let systems = looked.systems.iter().map(SystemId::as_str).collect::<Vec<_>>().join(", ");
            lines.push(format!("  {systems} at {}", looked.address));
            lines.push(format!("    {}", looked.answer.words()));
        }
        if self.left_out > 0 {
            lines.push(format!("  and not at {} more addresses: too many to read at once", self.left_out));
        }
        lines
    }

    /// The same as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines().iter().fold(String::new(), |mut text, line| {
            // Writing to a String can not fail.
            let _ = writeln!(text, "{line}");
            text
        })
    }
}

impl Answer {
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Answer::Is(system) => format!("this is {system}"),
            Answer::Either(systems) => {
                let systems = systems.iter().map(SystemId::as_str).collect::<Vec<_>>().join(" or ");
                format!("this could be {systems}; a configuration has to say which")
            }
            Answer::Unrecognised { status } => {
                format!("something answers there with status {status}, and it is none of these systems")
            }
            Answer::Nothing(failure) => failure.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::fetch::http::loopback::{Act, Loopback, answer, serve};
    use super::*;
    use crate::systems::{embedded, spec};

    /// The embedded systems, as if their nodes listened at this server.
    fn at(servers: &[(&str, &Loopback)]) -> BTreeMap<SystemId, SystemSpec> {
        let mut systems = BTreeMap::new();
        for (id, server) in servers {
            let mut system = spec::load(id, &embedded()[*id]["system.ron"]).expect("an embedded system");
            let port = server.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("it has a port");
            system.endpoints.iter_mut().for_each(|endpoint| endpoint.default_port = port);
            systems.insert(SystemId::new(id), system);
        }
        systems
    }

    fn json(body: &str) -> Vec<Act> {
        vec![answer("200 OK", "Content-Type: application/json\r\n", body)]
    }

    const CHAIN: &str = r#"{"height": 7, "mempoolSize": 0, "producerUptime": 5}"#;

    #[tokio::test]
    async fn what_answers_is_found_by_what_it_says() {
        let chain = serve(json(CHAIN)).await;
        let metrics = serve(vec![answer("200 OK", "", "# TYPE a gauge\na 1\n")]).await;
        let systems = at(&[("volchain", &chain), ("prometheus", &metrics)]);
        let found = look(&systems, &HttpClient::new()).await;
        let ids: Vec<&str> = found.targets.iter().map(|target| target.id.as_str()).collect();
        assert_eq!(ids, ["prometheus", "volchain"]);
        assert!(found.targets.iter().all(|target| target.host.is_none()), "they can only be observed");
        assert_eq!(found.targets[1].nodes[0].endpoints[0].url, chain.url);
        assert!(found.sentence().contains("volchain on 127.0.0.1:"), "{}", found.sentence());
        assert_eq!(chain.requests.load(Ordering::SeqCst), 1, "one read each");
        // What is found is a configuration that the check takes, once somebody has said how careful one must be.
        let unsaid = |target: &TargetSpec| target.environment == Environment::NotConfigured;
        assert!(found.targets.iter().all(unsaid), "nobody has said that it is not production");
        let mut config = crate::config::ConfigSpec { targets: found.targets, ..Default::default() };
        let known = crate::config::Known { systems: embedded(), ..Default::default() };
        let check = |config: &crate::config::ConfigSpec| {
            crate::config::ConfigSpec::check("c.ron", &config.text().expect("it has a RON form"), &known)
        };
        let problems = check(&config).expect_err("it does not say what it is");
        assert!(problems.iter().all(|problem| problem.what.starts_with("NotConfigured is none of")), "{problems:?}");
        config.targets.iter_mut().for_each(|target| target.environment = Environment::Production);
        assert_eq!(check(&config), Ok(config));
    }

    #[tokio::test]
    async fn a_stranger_on_a_port_is_not_taken_for_a_node() {
        for (acts, want) in [
            (json(r#"{"status": "ok", "height": 7}"#), "it is none of these systems"),
            (vec![answer("404 Not Found", "", "no")], "status 404"),
            (vec![answer("200 OK", "Content-Type: text/html\r\n", "<html>")], "it is none of these systems"),
            (vec![answer("302 Found", "Location: /login\r\n", "")], "redirected to /login"),
            (vec![Act::Hold], "no complete answer"),
            (vec![], "connection closed"),
        ] {
            let server = serve(acts).await;
            let found = look(&at(&[("volchain", &server)]), &HttpClient::new()).await;
            assert_eq!(found.targets, []);
            let text = found.text();
            assert!(text.contains(want) && text.contains(&server.url) && text.contains("opsconsole demo"), "{text}");
        }
    }

    #[tokio::test]
    async fn an_interface_that_takes_only_posts_is_known_by_the_one_question_that_is_none() {
        let node = serve(json(r#"{"active": false, "last_mint": null, "last_burn": null}"#)).await;
        let found = look(&at(&[("fastmainnet", &node)]), &HttpClient::new()).await;
        let endpoints: Vec<&str> = found.targets[0].nodes[0].endpoints.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(endpoints, ["rpc"]);
        let stranger = serve(json(r#"{"active": false}"#)).await;
        assert_eq!(look(&at(&[("fastmainnet", &stranger)]), &HttpClient::new()).await.targets, []);
    }

    #[tokio::test]
    async fn systems_on_one_port_are_told_apart() {
        let server = serve(json(CHAIN)).await;
        let mut systems = at(&[("volchain", &server)]);
        // Another system with the same port and path, which looks for something else.
        let mut other = systems[&SystemId::new("volchain")].clone();
        other.endpoints[0].recognise = Some(crate::systems::RecogniseSpec::Json(".peers != null".to_owned()));
        systems.insert(SystemId::new("other"), other.clone());
        let found = look(&systems, &HttpClient::new()).await;
        assert_eq!(found.looked.len(), 1, "one read for both");
        assert_eq!(found.targets.len(), 1);
        assert_eq!(found.looked[0].answer, Answer::Is(SystemId::new("volchain")));
        // And one that would take the same answer.
        other.endpoints[0].recognise = Some(crate::systems::RecogniseSpec::Json(".height != null".to_owned()));
        systems.insert(SystemId::new("other"), other);
        let found = look(&systems, &HttpClient::new()).await;
        assert_eq!(found.targets, []);
        assert!(found.text().contains("this could be other or volchain"), "{}", found.text());
    }
}
