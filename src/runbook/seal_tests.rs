//! What is sealed, and what is refused.

use super::*;
use crate::base::{Provenance, Severity};
use crate::model::Labels;
use crate::model::Method;
use crate::runbook::request::RequestPlan;
use crate::runbook::tree::{Act, ForEachPlan, Task};
use crate::sources::http_json::HttpJsonSpec;
use crate::sources::{SourceKindSpec, SourceSpec};

fn act(id: &str, argv: &[&str]) -> ActPlan {
    ActPlan {
        id: id.into(),
        title: id.to_owned(),
        act: Act::Command(argv.iter().map(|part| (*part).to_owned()).collect()),
        timeout: Duration::from_secs(90),
        unit: "{unit}".to_owned(),
        provenance: Provenance::default(),
    }
}

fn plan() -> SequencePlan {
    let condition = |expr: &str| ConditionPlan { means: expr.to_owned(), expr: expr.to_owned() };
    SequencePlan {
        id: "restart".into(),
        class: Class::Routine,
        only_if: Vec::new(),
        capture: vec![("before".to_owned(), "height".to_owned())],
        acts: vec![act("go", &["systemctl", "restart", "{unit}"])],
        expect: String::new(),
        settle: Duration::from_secs(10),
        verify: vec![condition("height > bool {before}"), condition("up == bool 1")],
        verify_within: Duration::from_secs(120),
        way_back: WayBack::Acts(vec![act("undo", &["systemctl", "stop", "{unit}"])]),
        escalation: EscalationPlan {
            severity: Severity::Critical,
            contacts: vec!["team".to_owned()],
            respond_within_minutes: 15,
            say: String::new(),
        },
        for_each: None,
    }
}

fn settings(unit: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("unit".to_owned(), unit.to_owned())])
}

fn source(id: &str, decides_up: bool) -> BoundSource {
    BoundSource {
        id: id.into(),
        target: "here".into(),
        base_url: "http://127.0.0.1:1".to_owned(),
        credentials: None,
        budget: None,
        labels: Labels::default(),
        spec: SourceSpec {
            id: id.to_owned(),
            endpoint: "api".to_owned(),
            interval_seconds: 5.0,
            timeout_seconds: 2.0,
            limit_bytes: 1_000,
            decides_up,
            cost: None,
            budget: None,
            once: false,
            kind: SourceKindSpec::HttpJson(HttpJsonSpec {
                method: crate::sources::http_json::ReadMethod::Get,
                path: format!("/{id}"),
                series: Vec::new(),
                documents: Vec::new(),
            }),
            from: Vec::new(),
            documented: Vec::new(),
            deviates: None,
            answers: Vec::new(),
            tells: Default::default(),
        },
        machine: None,
        recognise: None,
        http: Default::default(),
    }
}

fn place() -> Place {
    Place {
        target: "here".into(),
        system: "system".into(),
        environment: Environment::Production,
        host: Host::Local,
        privilege: Privilege::None,
        demo_folder: None,
        lock_key: "local/unit/node".to_owned(),
        listens_on: "127.0.0.1:1".to_owned(),
        unit: "node".to_owned(),
        base_url: "http://127.0.0.1:1".to_owned(),
        secrets: std::collections::BTreeMap::new(),
    }
}

fn exec(argv: &[&str]) -> Exec {
    Exec::Command { argv: argv.iter().map(|part| (*part).to_owned()).collect(), timeout: Duration::from_secs(90) }
}

struct Given {
    plan: SequencePlan,
    acts: Vec<Exec>,
    way_back: Vec<Exec>,
    host_proven: bool,
    captured: BTreeMap<String, f64>,
    reads: Vec<BoundSource>,
    approval: Option<Approval>,
}

/// Everything as it should be; the tests below spoil one thing each.
fn given() -> Given {
    Given {
        plan: resolve_templates(&plan(), &settings("node")).expect("a good setting"),
        acts: vec![exec(&["/usr/bin/sudo", "-n", "--", "/usr/bin/systemctl", "restart", "node"])],
        way_back: vec![exec(&["/usr/bin/systemctl", "stop", "node"])],
        host_proven: true,
        captured: BTreeMap::from([("before".to_owned(), 93.0)]),
        reads: vec![source("health", true)],
        approval: None,
    }
}

impl Given {
    fn seal(&self) -> Result<SealedSequence, SealError> {
        let task = Task::Commit(self.plan.clone());
        let provenance = Provenance::default();
        let step =
            Step { id: "restart".into(), title: "restart the node".to_owned(), task, only_after: None, provenance };
        let prepared = Prepared {
            acts: &self.acts,
            way_back: &self.way_back,
            host_proven: self.host_proven,
            captured: &self.captured,
            reads: &self.reads,
            approval: self.approval.as_ref(),
        };
        seal(&self.plan, &step, &place(), &prepared)
    }
}

#[test]
fn nothing_is_left_open_in_a_sealed_sequence() {
    let sealed = given().seal().expect("all is given");
    assert_eq!(sealed.verify[0].expr, "height > bool 93");
    assert_eq!(sealed.verify[0].means, "height > bool {before}");
    assert_eq!(sealed.verify[1].expr, "up == bool 1");
    assert_eq!(sealed.title, "restart the node");
    assert_eq!(sealed.phrase(), "prod/here");
    assert_eq!(sealed.no_way_back, None);
    // The same is sealed to the same digest, through JSON too; anything else to another.
    let json = serde_json::to_string(&sealed).expect("sealed sequences have JSON");
    let read: SealedSequence = serde_json::from_str(&json).expect("as written");
    assert_eq!(read.digest().expect("has JSON"), sealed.digest().expect("has JSON"));
    let other = Given { captured: BTreeMap::from([("before".to_owned(), 94.0)]), ..given() };
    assert_ne!(other.seal().expect("all is given").digest().ok(), sealed.digest().ok());
}

#[test]
fn without_host_proof_it_is_at_least_serious() {
    let check = |class: Class, host_proven: bool, want: Class| {
        let mut given = Given { host_proven, ..given() };
        given.plan.class = class;
        given.approval = Some(break_glass());
        assert_eq!(given.seal().expect("all is given").class, want);
    };
    check(Class::Routine, true, Class::Routine);
    check(Class::Routine, false, Class::Serious);
    check(Class::Serious, false, Class::Serious);
    check(Class::Destructive, false, Class::Destructive);
}

fn break_glass() -> Approval {
    Approval::BreakGlass { incident: "INC-7".to_owned(), reason: "nothing milder helped".to_owned() }
}

#[test]
fn what_is_destructive_carries_its_approval_and_nothing_else_does() {
    let mut given = Given { approval: Some(break_glass()), ..given() };
    let without = given.seal().expect("all is given");
    assert_eq!(without.approval, None, "nothing is approved that needs no approval");
    given.plan.class = Class::Destructive;
    let with = given.seal().expect("all is given");
    assert_eq!((with.approval.clone(), with.approved()), (Some(break_glass()), Ok(())));
    let other = Approval::BreakGlass { incident: "INC-8".to_owned(), reason: "nothing milder helped".to_owned() };
    let differs = SealedSequence { approval: Some(other), ..with.clone() };
    assert_ne!(differs.digest().expect("plain data"), with.digest().expect("plain data"), "the hash covers it");
    for empty in [None, Some(Approval::BreakGlass { incident: " ".to_owned(), reason: "because".to_owned() })] {
        assert!(SealedSequence { approval: empty, ..with.clone() }.approved().is_err());
    }
    given.approval = None;
    assert_eq!(given.seal(), Err(SealError::NoApproval { sequence: "restart".into() }));
}

#[test]
fn what_is_open_or_not_the_plan_is_not_sealed() {
    let check = |spoil: &dyn Fn(&mut Given), want: &str| {
        let mut given = given();
        spoil(&mut given);
        match given.seal() {
            Ok(_) => panic!("sealed, though {want}"),
            Err(error) => assert!(error.to_string().contains(want), "{error}"),
        }
    };
    check(&|given| given.captured.clear(), "before was not measured");
    check(&|given| given.captured = BTreeMap::from([("before".to_owned(), f64::NAN)]), "measured as NaN");
    check(&|given| given.captured = BTreeMap::from([("before".to_owned(), f64::INFINITY)]), "measured as inf");
    check(&|given| given.plan.verify.clear(), "no verification");
    check(&|given| given.reads.clear(), "no reads");
    check(&|given| given.acts.clear(), "has 1 acts, and 0 were prepared");
    check(&|given| given.way_back.clear(), "has 1 acts on its way back, and 0");
    let not_the_plan: &[&[&str]] = &[
        &["/usr/bin/systemctl", "restart", "other"],
        &["/usr/bin/systemctl", "stop", "node"],
        &["/usr/bin/systemctl", "restart", "node", "--now"],
        &["systemctl", "restart", "node"],
        &["sudo", "/usr/bin/systemctl", "restart", "node"],
        &["/usr/bin/notsystemctl", "restart", "node"],
        &["node"],
        &[],
    ];
    for argv in not_the_plan {
        check(&|given| given.acts = vec![exec(argv)], "not what the runbook says");
    }
}

#[test]
fn settings_become_data_or_are_refused() {
    let resolved = resolve_templates(&plan(), &settings("volchain-backend")).expect("a good setting");
    assert_eq!(resolved.acts[0].act.shown(), "systemctl restart volchain-backend");
    assert_eq!(resolved.acts[0].unit, "volchain-backend");
    assert_eq!(resolved.way_back.acts()[0].act.shown(), "systemctl stop volchain-backend");
    // A shell would read these; an argv does not.
    assert!(resolve_templates(&plan(), &settings("a b; $(id)")).is_ok());

    assert!(matches!(resolve_templates(&plan(), &BTreeMap::new()), Err(SealError::NoSetting { .. })));
    let check = |value: &str, want: &str| match resolve_templates(&plan(), &settings(value)) {
        Ok(_) => panic!("accepted {value:?}"),
        Err(error) => {
            assert!(error.to_string().contains(want), "{error}");
            assert!(!error.to_string().chars().any(text::is_hostile), "{error}");
        }
    };
    check("", "is empty");
    check("-f", "read as an option");
    check(" node", "white space");
    check("node ", "white space");
    check("no\x1bde", "do not show");
    check("no\u{202e}de", "do not show");
    check("<UNIT>", "not filled in");
    check("{unit}", "a brace");
    check("../node", "leads out of a folder");
    check(&format!("-{}", "x".repeat(100_000)), "xxx…");
}

/// A plan that does this for every value of a list, and takes it back.
fn for_each(argv: &[&str], at_most: u32) -> SequencePlan {
    let mut plan = plan();
    let argv: Vec<String> = argv.iter().map(|part| (*part).to_owned()).collect();
    plan.acts[0].act = Act::Command(argv.clone());
    if let WayBack::Acts(acts) = &mut plan.way_back {
        acts[0].act = Act::Command(argv);
    }
    let (expr, label) = ("mismatches".to_owned(), "user".to_owned());
    plan.for_each = Some(ForEachPlan { name: "user".to_owned(), expr, label, at_most });
    plan
}

fn values(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[test]
fn a_list_of_the_chain_becomes_one_argument_each() {
    let plan = for_each(&["tell", "{user}", "--to={user}", "{user} on {unit}"], 5);
    let hostile = ["$(touch x)", "`touch x`", "it's \"a\"", "a;b|c&d>e *", "\\"];
    let expanded = expand(&plan, &values(&hostile)).expect("each is one argument");
    let expanded = resolve_templates(&expanded, &settings("node")).expect("a good setting");
    let argv = |act: &ActPlan| act.act.texts().cloned().collect::<Vec<String>>();
    for (act, value) in expanded.acts.iter().zip(hostile) {
        let whole = [value.to_owned(), format!("--to={value}"), format!("{value} on node")];
        assert_eq!(argv(act)[1..], whole);
    }
    let ids: Vec<&str> = expanded.acts.iter().map(|act| act.id.as_str()).collect();
    assert_eq!(ids, ["go-1", "go-2", "go-3", "go-4", "go-5"]);
    let back: Vec<String> = expanded.way_back.acts().iter().map(|act| argv(act)[1].clone()).collect();
    assert_eq!(back, hostile.iter().rev().map(|value| (*value).to_owned()).collect::<Vec<_>>(), "the last goes first");
    assert_eq!(expanded.for_each, None);
}

#[test]
fn a_list_with_one_bad_value_is_refused_whole() {
    let check = |plan: &SequencePlan, list: &[&str], want: &str| match expand(plan, &values(list)) {
        Ok(_) => panic!("expanded {list:?}"),
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains(want), "{said}");
            assert!(said.len() < 600 && !said.chars().any(text::is_hostile), "{said}");
        }
    };
    let plan = for_each(&["tell", "{user}"], 3);
    check(&plan, &[], "there is nothing to do: mismatches gives no value for user");
    check(&plan, &["a", "b", "c", "d"], "4 values of user were found, and at most 3 are done at once");
    let long = "é".repeat(100_000);
    let control = format!("{long}\u{9b}");
    let bad = [
        ("", "is empty"),
        ("--flag", "read as an option"),
        ("../../etc/passwd", "leads out of a folder"),
        ("a/../b", "leads out of a folder"),
        ("{unit}", "a brace"),
        ("<user>", "not filled in"),
        ("two\nlines", "do not show"),
        ("nul\0", "do not show"),
        ("\u{1b}[2J", "do not show"),
        ("bidi\u{202e}", "do not show"),
        (" a", "white space"),
        (control.as_str(), "do not show"),
    ];
    for (value, want) in bad {
        check(&plan, &["fine", value], want);
    }
    let mut in_a_path = for_each(&["tell", "{user}"], 3);
    let path = "/users/{user}/fix".to_owned();
    let request = RequestPlan { method: Method::Post, path, headers: Vec::new(), body: None };
    in_a_path.acts[0].act = Act::Request(request);
    check(&in_a_path, &["a/b"], "more than a name in a path");
    check(&in_a_path, &["$(id)"], "more than a name in a path");
    assert!(expand(&in_a_path, &values(&["alice"])).is_ok());
}

#[test]
fn verification_reads_what_it_names_and_no_more() {
    let sources = [source("health", true), source("verify", false), source("stats", false)];
    let gives = |source: &BoundSource, name: &str| {
        matches!((source.spec.id.as_str(), name), ("health", "height") | ("verify", "ok"))
    };
    let check = |names: &[&str], want: Result<&[&str], &str>| {
        let names = names.iter().map(|name| Arc::from(*name)).collect();
        let got = needed_reads(&names, &sources, gives);
        match (got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got.iter().map(|source| source.id.as_str()).collect::<Vec<_>>(), want),
            (Err(got), Err(want)) => assert_eq!(got, SealError::NoSource { name: want.to_owned() }),
            (got, want) => panic!("{got:?}, not {want:?}"),
        }
    };
    check(&["height"], Ok(&["health"]));
    check(&["up", "ok"], Ok(&["health", "verify"]));
    check(&["up", "nothing"], Err("nothing"));
    check(&[], Ok(&[]));
}

#[test]
fn the_names_of_a_verification_are_found_before_it_is_sealed() {
    let names = verify_names(&plan().verify).expect("conditions");
    assert_eq!(names.iter().map(|name| &**name).collect::<Vec<_>>(), ["height", "up"]);
}
