use std::collections::BTreeMap;

use super::described::{Content, Described, FieldShape, Shape};
use super::*;
use crate::systems::{self, spec};

const MISTAKES: &str = include_str!("../../tests/fixtures/config/mistakes.ron");

fn specs() -> BTreeMap<SystemId, SystemSpec> {
    let read = |(id, files): (SystemId, Files)| {
        let spec = spec::load(id.as_str(), &files["system.ron"]).expect("an embedded system");
        (id, spec)
    };
    systems::embedded().into_iter().map(read).collect()
}

fn known() -> Known {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    let looks = Looks {
        themes: words(&["dark", "light", "mine"]),
        keymaps: words(&["default", "vim"]),
        colours: words(&["auto", "never", "16", "256", "24bit"]),
    };
    Known { systems: systems::embedded(), looks }
}

fn check(text: &str) -> Result<ConfigSpec, Vec<Problem>> {
    ConfigSpec::check("c.ron", text, &known())
}

/// A target on loopback, with more in it.
fn target(more: &str) -> String {
    format!(
        r#"(targets: [(id: "a", system: "prometheus", {more}
nodes: [(id: "n", endpoints: [(id: "metrics", url: "http://127.0.0.1:9100")])])])"#
    )
}

#[test]
fn every_mistake_of_a_file_is_told_in_its_place() {
    let problems = ConfigSpec::check("mistakes.ron", MISTAKES, &known()).expect_err("it is full of them");
    assert!(problems.len() >= 30, "{}", problems.len());
    let told = problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n");
    for secret in ["s3cr3t", "hunter2"] {
        assert!(!told.contains(secret), "a secret is repeated");
    }
    insta::assert_snapshot!("mistakes", told);
}

#[test]
fn a_mistake_hides_no_other() {
    // Each line with a mistake, alone in an otherwise sound file, is told in the same words.
    let all: Vec<String> = check(MISTAKES).expect_err("mistakes").iter().map(|problem| problem.what.clone()).collect();
    for (more, want) in [
        ("environment: \"prod\",", "environment must be one of"),
        ("environment: Staging, interval_seconds: \"often\",", "interval_seconds must be a number"),
        ("environment: Staging, \"rack\": 3,", "this target has no field rack"),
        ("environment: Staging, \"host\": None,", "the name of a field stands without quotes: host"),
        ("environment: Staging, interval_seconds: -5.0,", "an interval must be more than 0"),
    ] {
        let alone = check(&target(more)).expect_err(more);
        assert_eq!(alone.len(), 1, "{alone:?}");
        assert!(alone[0].what.starts_with(want), "{alone:?}");
        assert!(all.contains(&alone[0].what), "{alone:?}");
    }
}

#[test]
fn what_is_sound_is_taken() {
    for more in [
        "environment: Staging,",
        "environment: Production, host: None,",
        "environment: Staging, prometheus: (url: \"https://h/prefix\", matchers: \"job=\\\"a\\\"\", auth: Bearer(Env(\"X\"))),",
        "environment: Production,",
        "environment: Production, host: Some(Local), privilege: None,",
        "environment: Development, interval_seconds: 60, intervals: {\"metrics\": 1_00.0},",
        "/* a /* nested */ comment */ environment: Staging, settings: {},",
    ] {
        let read = check(&target(more)).unwrap_or_else(|problems| panic!("{more}: {problems:#?}"));
        let again = read.text().expect("it has a RON form");
        assert_eq!(check(&again), Ok(read), "{again}");
    }
}

#[test]
fn looks_that_there_are_not_are_told_unless_something_takes_their_place() {
    let sound = target("environment: Staging,");
    let with = |looks: &str| sound.replacen('(', &format!("({looks}, "), 1);
    assert!(check(&with(r#"theme: "mine", keymap: "vim", colour: "256""#)).is_ok());
    let text = with(r#"theme: "drak", keymap: "vmi", colour: "65k""#);
    let told: Vec<String> = check(&text).expect_err("three").iter().map(ToString::to_string).collect();
    let want = [
        "c.ron:1:9: there is no theme drak; there are: dark, light, mine; did you mean dark?",
        "c.ron:1:25: there is no keymap vmi; there are: default, vim; did you mean vim?",
        "c.ron:1:40: there is no colour depth 65k; there are: auto, never, 16, 256, 24bit",
    ];
    assert_eq!(told, want);
    let unused = Known { systems: systems::embedded(), ..Known::default() };
    assert!(ConfigSpec::check("c.ron", &text, &unused).is_ok());
}

#[test]
fn what_was_probably_meant_is_said_and_what_else_is_possible() {
    let told = |more: &str| check(&target(more)).expect_err(more)[0].to_string();
    let host = told("environment: Staging, host: Locl, privilege: None,");
    assert!(host.ends_with("; host may also be left out; did you mean Local?"), "{host}");
    let auth = sound_with_auth("Bearer(Enviro(\"X\"))");
    let auth = check(&auth).expect_err("no such reference")[0].to_string();
    assert!(auth.ends_with("did you mean Env?"), "{auth}");
}

fn sound_with_auth(auth: &str) -> String {
    target("environment: Staging,").replace(r#":9100")"#, &format!(r#":9100", auth: {auth})"#))
}

#[test]
fn the_template_is_sound_as_it_is_and_with_every_option() {
    let template = ConfigSpec::template(&specs());
    let read = check(&template).unwrap_or_else(|problems| panic!("{problems:#?}\n{template}"));
    assert_eq!(read.targets.len(), 1);
    let all: String = template
        .lines()
        .map(|line| match line.trim_start().strip_prefix("//") {
            Some(option) if option.starts_with(|c: char| c.is_ascii_lowercase()) => format!("{option}\n"),
            Some(_) | None => format!("{line}\n"),
        })
        .collect();
    let full = check(&all).unwrap_or_else(|problems| panic!("{problems:#?}\n{all}"));
    assert!(full.state_root.is_some() && full.targets[0].nodes[0].endpoints[0].auth.is_some());
    assert!(template.lines().all(|line| crate::base::text::width(line) <= 100), "{template}");
    assert!(template.contains("volchain") && template.contains("block_stale_seconds"), "{template}");
}

/// Every field below a shape.
fn each_field(shape: &Shape, visit: &mut impl FnMut(&FieldShape)) {
    match shape {
        Shape::Optional(inner) | Shape::List(inner) | Shape::Map(inner) => each_field(inner, visit),
        Shape::Struct(described) => described.fields.iter().for_each(|field| {
            visit(field);
            each_field(&field.shape, visit);
        }),
        Shape::Choice(choice) => choice.variants.iter().for_each(|variant| match &variant.content {
            Content::Nothing => {}
            Content::One(inner) => each_field(inner, visit),
            Content::Fields(fields) => fields.iter().for_each(|field| each_field(&field.shape, visit)),
        }),
        Shape::Text | Shape::Number => {}
    }
}

#[test]
fn every_field_says_what_it_is_for_and_what_to_write() {
    let mut seen = 0;
    each_field(&ConfigSpec::SHAPE, &mut |field| {
        seen += 1;
        assert!(field.doc.iter().any(|line| line.trim().len() > 5), "{} says nothing", field.name);
        // What nobody writes by hand may have none.
        let written = !["demo", "folder", "control_url"].contains(&field.name);
        let made = matches!(field.shape, Shape::List(_));
        assert!(!written || made || field.example.is_some(), "{} has no example", field.name);
    });
    assert!(seen > 15);
}

#[test]
fn the_description_of_every_choice_is_what_serde_reads() {
    let reads = |environment: &str, more: &str, auth: &str| {
        let text = format!(
            r#"(targets: [(id: "a", system: "volchain", environment: {environment}, {more}
nodes: [(id: "n", endpoints: [(id: "api", url: "https://n", auth: {auth})])])])"#
        );
        ConfigSpec::parse("c.ron", &text).unwrap_or_else(|problems| panic!("{text}: {problems:#?}"));
    };
    let Shape::Choice(environments) = crate::runbook::seal::Environment::SHAPE else { panic!("a choice") };
    let Shape::Choice(hosts) = crate::runbook::seal::Host::SHAPE else { panic!("a choice") };
    let Shape::Choice(privileges) = crate::runbook::seal::Privilege::SHAPE else { panic!("a choice") };
    let Shape::Choice(settings) = systems::SettingValue::SHAPE else { panic!("a choice") };
    let Shape::Choice(secrets) = crate::base::SecretRef::SHAPE else { panic!("a choice") };
    let Shape::Choice(credentials) = crate::base::Credentials::SHAPE else { panic!("a choice") };
    environments.variants.iter().for_each(|variant| reads(variant.written, "", "None"));
    hosts.variants.iter().for_each(|variant| reads("Staging", &format!("host: {},", variant.written), "None"));
    privileges
        .variants
        .iter()
        .for_each(|variant| reads("Staging", &format!("privilege: {},", variant.written), "None"));
    let setting = |written: &str| format!("settings: {{\"x\": {written}}},");
    settings.variants.iter().for_each(|variant| reads("Staging", &setting(variant.written), "None"));
    secrets.variants.iter().for_each(|variant| reads("Staging", "", &format!("Bearer({})", variant.written)));
    credentials.variants.iter().for_each(|variant| reads("Staging", "", variant.written));
}

#[test]
fn intervals_are_overridden_and_never_below_the_floor() {
    let specs = specs();
    let system = &specs[&SystemId::new("volchain")];
    let interval = |more: &str, source: &str| {
        let text = format!(
            r#"(targets: [(id: "a", system: "volchain", environment: Staging, {more}
nodes: [(id: "n", endpoints: [(id: "api", url: "http://127.0.0.1:3001")])])])"#
        );
        // What the check refuses still must not reach a node.
        let config = ConfigSpec::parse("c.ron", &text).expect("its form is sound");
        let bound = config.targets[0].bind(system);
        let found = bound.iter().find(|bound| bound.spec.id == source).expect("a source of the system");
        found.spec.interval_seconds
    };
    assert_eq!(interval("", "health"), 2.0);
    assert_eq!(interval("interval_seconds: 60.0,", "health"), 60.0);
    assert_eq!(interval("interval_seconds: 60.0, intervals: {\"health\": 5.0},", "health"), 5.0);
    assert_eq!(interval("intervals: {\"health\": 0.01},", "health"), 1.0);
    assert_eq!(interval("intervals: {\"verify\": 0.01},", "verify"), 30.0, "a costly read keeps its distance");
}

#[test]
fn the_effective_configuration_names_every_default() {
    let text = target("environment: Staging,");
    let effective = check(&text).expect("it is sound").effective(&specs());
    let target = &effective.targets[0];
    assert_eq!(target.intervals["metrics"], 5.0);
    let endpoint = &target.nodes[0].endpoints[0];
    assert_eq!((endpoint.job.as_deref(), endpoint.instance.as_deref()), (Some("prometheus"), Some("127.0.0.1:9100")));
    let written = effective.text().expect("it has a RON form");
    assert_eq!(check(&written).map(|again| again.effective(&specs())), Ok(effective), "{written}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// A file that was cut anywhere is told where it is wrong, in places that it has, and harms nobody.
    #[test]
    fn a_torn_file_is_told_in_places_that_it_has(from in 0..MISTAKES.len(), length in 1..400_usize) {
        let torn: String = MISTAKES
            .char_indices()
            .filter(|(at, _)| !(from..from + length).contains(at))
            .map(|(_, c)| c)
            .collect();
        let lines = torn.lines().count();
        for problem in check(&torn).expect_err("it is full of mistakes") {
            proptest::prop_assert!((1..=lines + 1).contains(&problem.line), "{problem}");
            proptest::prop_assert!(problem.column > 0, "{problem}");
        }
    }
}

#[test]
fn rule_files_are_named_by_their_paths_for_a_prometheus_and_for_targets_that_are_known() {
    let check = |rules: &str, want: &[&str]| {
        let text = target("environment: Staging,").replacen("(targets:", &format!("(rules: [{rules}], targets:"), 1);
        let told: Vec<String> = match check(&text) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(|problem| problem.what).collect(),
        };
        assert_eq!(told, want, "{rules}");
    };
    check(r#"(file: "/etc/rules.yml"), (file: "/etc/old.yml", prometheus: 2, targets: ["a"])"#, &[]);
    check(r#"(file: "rules.yml")"#, &["a rule file is named by its absolute path"]);
    check(
        r#"(file: "/a.yml", prometheus: 4, targets: ["b"]), (file: "/a.yml")"#,
        &[
            "this is no Prometheus version that is known here; it is 2 or 3",
            "there is no target b; there are: a",
            "this rule file is named before; one name is enough",
        ],
    );
}
