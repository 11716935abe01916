//! Which sources a target has, on which of its nodes, and where each is read.

use super::*;
use crate::systems::spec;

const SYSTEM: &str = r#"(
    title: "t", summary: "s", endpoints: [(id: "api", job: "j", default_port: 1)],
    settings: [(name: "data_folder", help: "", value: Text("/var/lib/node"))],
    sources: [
        (id: "port", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0, decides_up: true, kind: Tcp(())),
        (id: "disk", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0, kind: Disk((path: "{data_folder}"))),
    ],
    allowed_reads: ["TCP connect", "statvfs {data_folder}"],
)"#;

fn bound(fields: &str, urls: &[&str]) -> Vec<BoundSource> {
    let node = |(at, url): (usize, &&str)| format!(r#"(id: "n{at}", endpoints: [(id: "api", url: "{url}")])"#);
    let nodes = urls.iter().enumerate().map(node).collect::<Vec<_>>().join(",");
    let text = format!(r#"(targets: [(id: "t", system: "s", {fields} nodes: [{nodes}])])"#);
    let target = ConfigSpec::parse("test", &text).expect("a configuration").targets.remove(0);
    target.bind(&spec::load("system.ron", SYSTEM).expect("a system"))
}

#[test]
fn a_machine_is_read_only_where_it_is_this_one() {
    let check = |fields: &str, urls: &[&str], want: &str| {
        let bound = bound(fields, urls);
        let [.., port, disk] = bound.as_slice() else { panic!("two sources of each node") };
        assert_eq!(port.machine, None, "the port is asked over the network");
        assert!(disk.shown().contains(want), "{}", disk.shown());
    };
    let here = "http://127.0.0.1:3001";
    check("environment: Production, host: Some(Local),", &[here], "statvfs /var/lib/node on this machine");
    check("environment: Production, host: Some(Local),", &["http://10.0.0.7:3001"], "on this machine");
    check("environment: Production, host: Some(Local),", &[here, "http://localhost:2"], "on this machine");
    check("environment: Production, host: Some(Local),", &[here, "http://[::1]:2"], "on this machine");
    check("environment: Production, host: Some(Local),", &[here, "http://10.0.0.7:2"], "several nodes");
    check("environment: Production,", &[here], "set host: Local");
    check("environment: Production, host: Some(Ssh(\"h\")),", &[here], "ssh is not built");
    check("environment: Demo, host: Some(Local),", &[here], "nothing of this machine is read");
    let demo = "environment: Demo, host: Some(Local), demo: Some((folder: \"/tmp/d\", control_url: \"\")),";
    check(demo, &[here], "statvfs /var/lib/node in the simulation");
    let own = "environment: Production, host: Some(Local), settings: {\"data_folder\": Text(\"/data\")},";
    check(own, &[here], "statvfs /data on this machine");
}

/// Three nodes asked directly, and the balancer before them.
const CLUSTER: &str = r#"(
    title: "t", summary: "s",
    endpoints: [(id: "api", job: "node", default_port: 8081), (id: "balancer", job: "lb", default_port: 8080)],
    settings: [(name: "volume", help: "", value: Text("/volumes/node1_data"))],
    budgets: [(name: "reads", help: "", per_second: 4.0)],
    sources: [
        (id: "health", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0, decides_up: true, kind: Tcp(())),
        (id: "volume", endpoint: "api", interval_seconds: 60.0, timeout_seconds: 9.0, kind: Folder((path: "{volume}"))),
        (id: "backup", endpoint: "api", interval_seconds: 60.0, timeout_seconds: 9.0, once: true, kind: File((path: "/b"))),
        (id: "lb", endpoint: "balancer", interval_seconds: 5.0, timeout_seconds: 1.0, decides_up: true, kind: Tcp(())),
        (id: "chain", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0, budget: Some("reads"),
         kind: JsonRpc((method: "chain.tip"))),
        (id: "ratio", endpoint: "api", interval_seconds: 5.0, timeout_seconds: 1.0,
         kind: PromqlApi((expr: "sum(x)", name: "ratio", help: ""))),
    ],
    allowed_reads: ["TCP connect", "du {volume}", "stat /b", "rpc chain.tip", "promql sum(x)"],
)"#;

fn cluster(fields: &str) -> Vec<BoundSource> {
    cluster_target(fields).bind(&spec::load("system.ron", CLUSTER).expect("a system"))
}

fn cluster_target(fields: &str) -> TargetSpec {
    let node = |at: usize| {
        format!(
            r#"(id: "node{at}", endpoints: [(id: "api", url: "http://127.0.0.1:808{at}")],
                settings: {{"volume": Text("/volumes/node{at}_data")}})"#
        )
    };
    let nodes: Vec<String> = (1..=3).map(node).collect();
    let text = format!(
        r#"(targets: [(id: "t", system: "s", environment: Production, host: Some(Local), privilege: None, {fields}
            nodes: [{}, (id: "lb", endpoints: [(id: "balancer", url: "http://127.0.0.1:8080")])])])"#,
        nodes.join(",")
    );
    ConfigSpec::parse("test", &text).expect("a configuration").targets.remove(0)
}

#[test]
fn a_source_is_read_on_every_node_that_has_its_endpoint() {
    let bound = cluster("");
    let of = |id: &str| -> Vec<&BoundSource> { bound.iter().filter(|source| source.spec.id == id).collect() };
    let nodes = |id: &str| of(id).iter().map(|source| source.labels.get("node").to_owned()).collect::<Vec<_>>();
    assert_eq!(nodes("health"), ["node1", "node2", "node3"]);
    assert_eq!(nodes("lb"), ["lb"]);
    assert_eq!(nodes("backup"), [""], "what is of the whole is read once, and is of no node");
    let read = |id: &str| of(id).iter().map(|source| source.spec.kind.read()).collect::<Vec<_>>();
    assert_eq!(read("volume"), [1, 2, 3].map(|at| format!("du /volumes/node{at}_data")), "each has its own");
    let keys: Vec<_> = of("chain").iter().filter_map(|source| Some(source.budget.as_ref()?.key.as_str())).collect();
    assert_eq!(keys, [1, 2, 3].map(|at| format!("reads at this machine:808{at}")));
    assert!(of("health").iter().all(|source| source.budget.is_none()));
}

#[test]
fn what_no_node_has_an_address_for_is_known_and_says_why() {
    let system = spec::load("system.ron", CLUSTER).expect("a system");
    let mut target = cluster_target("");
    assert!(target.unbound(&system).is_empty());
    target.nodes.retain(|node| node.id.as_str() != "lb");
    let unbound = target.unbound(&system);
    let [lb] = unbound.as_slice() else { panic!("{unbound:?}") };
    assert_eq!(
        lb.truth(crate::base::Boot(0)).words(crate::base::Boot(0)),
        "not read: the target names no endpoint balancer"
    );
    assert!(lb.declares.iter().any(|name| name == "up") && lb.id.as_str().ends_with("/lb"), "{lb:?}");
}

#[test]
fn an_expression_is_asked_of_the_targets_server_once() {
    let ratio = |fields: &str| {
        let mut bound = cluster(fields);
        bound.retain(|source| source.spec.id == "ratio");
        let [one] = bound.as_slice() else { panic!("{} of them", bound.len()) };
        one.clone()
    };
    assert!(ratio("").not_read().is_some_and(|why| why.contains("names no prometheus")));
    let server = "prometheus: Some((url: \"http://127.0.0.1:9090/\", matchers: Some(\"job=\\\"x\\\"\"))),";
    let one = ratio(server);
    assert_eq!(
        (one.base_url.as_str(), one.labels.to_string().as_str()),
        ("http://127.0.0.1:9090", r#"{job="node",target="t"}"#)
    );
    let address = |one: BoundSource| crate::sources::Source::compile(one).expect("it compiles").address();
    let want = "GET http://127.0.0.1:9090/api/v1/query?query=sum%28x%7Bjob%3D%22x%22%7D%29";
    assert_eq!(address(one).as_deref(), Ok(want));
    let found = address(ratio("prometheus: Some((url: \"http://127.0.0.1:9090\")),")).expect("an address");
    assert!(found.contains("instance%3D%7E%22127") && found.contains("8083"), "{found}");
}

#[test]
fn mistakes_in_what_is_shared_are_told_with_what_was_meant() {
    let check = |from: &str, to: &str, want: &str| {
        let problems = spec::load("system.ron", &CLUSTER.replace(from, to)).expect_err(want);
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(words.iter().any(|word| word.contains(want)), "{words:?}");
    };
    check(r#"Some("reads")"#, r#"Some("read")"#, r#"which is not declared; did you mean "reads"?"#);
    check("per_second: 4.0", "per_second: 400.0", "budget \"reads\": per_second is 400");
    let twice = r#"budgets: [(name: "reads", help: "", per_second: 1.0),"#;
    check("budgets: [", twice, "is declared twice");
    check("chain.tip\"))", "chain.tips\"))", r#"did you mean "rpc chain.tip"?"#);
    check("chain.tip", "chain.set_tip", "named as one that changes something (set)");
    check("sum(x)\", name", "sum(x\", name", "not PromQL");
    check("60.0, timeout_seconds: 9.0, kind: Folder", "5.0, timeout_seconds: 9.0, kind: Folder", "at most every 10s");
    check("(path: \"{volume}\")", "(path: \"{volume}\", deepest: 900)", "deepest is 900");
    check("once: true, kind", "once: true, decides_up: true, kind", "can not decide whether a node is up");
}

#[test]
fn a_system_declares_what_it_reads_and_which_settings_it_uses() {
    let check = |from: &str, to: &str, want: &str| {
        let problems = spec::load("system.ron", &SYSTEM.replace(from, to)).expect_err(want);
        let words: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(words.iter().any(|word| word.contains(want)), "{words:?}");
    };
    check(r#""statvfs {data_folder}""#, "", r#"makes the read "statvfs {data_folder}""#);
    check(r#"path: "{data_folder}""#, r#"path: "{folder}""#, "{folder} is not one of the settings");
    let units = r#"Units((units: ["node"]))"#;
    check(r#"Disk((path: "{data_folder}"))"#, units, "a source that starts a program is read at most every 10s");
}
