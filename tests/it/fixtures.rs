//! What real nodes answer, and what each system's sources make of it: `tests/fixtures/answers/SYSTEM.ron`.
//!
//! Every extraction of every source has an answer of each surface it is for, and what can be read of it exactly; the
//! ugly answers stand beside the good ones. A pattern of a log that no record of a fixture is counted by is as untested
//! as an extraction without one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opsconsole::base::{At, Boot, SystemId, Wall};
use opsconsole::config::PrometheusSpec;
use opsconsole::model::{Answer, Batch, CommandAnswer, FileAnswer, HttpAnswer, Labels, Reply, TailBegan, TailRead};
use opsconsole::sim::Simulation;
use opsconsole::sources::{BoundSource, Cursor, Source, SourceKindSpec};
use opsconsole::systems::{self, System};
use serde::Deserialize;

/// 2026-11-21 03:00:00 UTC, when every answer was asked for.
const NOW: At = At { boot: Boot(9_000_000), wall: Wall(1_795_230_000_000) };

const BOTH: &str = "both";

/// One answer and what is made of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FixtureSpec {
    /// The id of the source that asks.
    of: String,
    /// What is special about the answer.
    name: String,
    answer: AnswerSpec,
    /// Series without the labels of the source, and their values: all that the answer has of those that are declared.
    #[serde(default)]
    gives: BTreeMap<String, f64>,
    #[serde(default)]
    not_exposed: BTreeSet<String>,
    /// The surface that it is told by.
    #[serde(default)]
    surface: Option<String>,
    /// Words of the failure that it is.
    #[serde(default)]
    fails: Option<String>,
    /// What the kept lines of a log must not contain.
    #[serde(default)]
    hides: Vec<String>,
}

#[derive(Debug, Deserialize)]
enum AnswerSpec {
    Http {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default = "json")]
        content_type: String,
        body: String,
    },
    Command {
        #[serde(default)]
        code: i32,
        stdout: String,
        #[serde(default)]
        complaint: String,
    },
    /// Records that a log or a journal brings after it was first looked at.
    Log(String),
}

fn ok() -> u16 {
    200
}

fn json() -> String {
    "application/json".to_owned()
}

/// The series of the console's own that are of no interest here.
fn is_own(name: &str) -> bool {
    name == "up" || name.starts_with("opsconsole_")
}

fn reply(answer: Answer) -> Reply {
    Reply { answer, sent: NOW, took: Duration::from_millis(4) }
}

fn tail(began: TailBegan, bytes: &str) -> Answer {
    Answer::File(FileAnswer::Tail(TailRead { began, bytes: bytes.as_bytes().to_vec(), ..TailRead::default() }))
}

fn command(code: i32, stdout: &str, complaint: &str) -> Answer {
    let (stdout, complaint) = (stdout.as_bytes().to_vec(), complaint.to_owned());
    Answer::Command(CommandAnswer { code, stdout, complaint })
}

/// Records as journalctl tells them.
fn journal(lines: &str) -> String {
    let record = |(number, line): (usize, &str)| {
        serde_json::json!({"__CURSOR": format!("s=1;i={number}"), "MESSAGE": line, "PRIORITY": "6"}).to_string() + "\n"
    };
    lines.lines().enumerate().map(record).collect()
}

fn decoded(bound: &BoundSource, answer: &AnswerSpec) -> Batch {
    let source = Source::compile(bound.clone()).unwrap_or_else(|error| panic!("{error}"));
    let mut cursor = Cursor::default();
    let journald = matches!(bound.spec.kind, SourceKindSpec::Journald(_));
    let answer = match answer {
        AnswerSpec::Http { status, content_type, body } => Answer::Http(HttpAnswer {
            status: *status,
            content_type: content_type.clone(),
            date: None,
            body: body.as_bytes().to_vec(),
        }),
        AnswerSpec::Command { code, stdout, complaint } => command(*code, stdout, complaint),
        AnswerSpec::Log(lines) if journald => {
            source.decode(&mut cursor, &reply(command(0, "-- No entries --\n", "")));
            command(0, &journal(lines), "")
        }
        AnswerSpec::Log(lines) => {
            source.decode(&mut cursor, &reply(tail(TailBegan::Anew, "")));
            tail(TailBegan::On, lines)
        }
    };
    let is_log = matches!(bound.spec.kind, SourceKindSpec::Journald(_) | SourceKindSpec::Log(_));
    let batch = source.decode(&mut cursor, &reply(answer));
    if !is_log || batch.failure.is_some() {
        return batch;
    }
    // A record of several lines ends when the log brings nothing more.
    let nothing = if journald { command(0, "", "") } else { tail(TailBegan::On, "") };
    Batch { lines: batch.lines, ..source.decode(&mut cursor, &reply(nothing)) }
}

/// The series of a batch without the labels of its source; of a log those that counted something.
fn series(bound: &BoundSource, batch: &Batch) -> BTreeMap<String, (Labels, f64)> {
    let counts = bound.spec.kind.gives_lines();
    let all = batch.layout.series().iter().zip(batch.values.iter());
    let own = |name: &str| bound.labels.iter().any(|(label, _)| label == name);
    let counted = |value: f64| !counts || value != 0.0;
    let given = all.filter(|(labels, value)| !is_own(labels.name()) && counted(**value));
    let short = given.map(|(labels, value)| {
        let short = Labels::from_pairs(labels.iter().filter(|(name, _)| !own(name)));
        (short.to_string(), (short, *value))
    });
    short.collect()
}

/// What a fixture proves of its source.
fn check(system: &str, bound: &BoundSource, fixture: &FixtureSpec) -> Vec<(Labels, String)> {
    let what = format!("{system}, {}: {}", fixture.of, fixture.name);
    let batch = decoded(bound, &fixture.answer);
    match (&fixture.fails, &batch.failure) {
        (None, None) => {}
        (Some(want), Some(failure)) => {
            assert!(failure.to_string().contains(want.as_str()), "{what}: {failure}");
            return Vec::new();
        }
        (want, failure) => panic!("{what}: it fails with {failure:?}, and should with {want:?}"),
    }
    let found = series(bound, &batch);
    let told: BTreeMap<&str, f64> = found.iter().map(|(name, (_, value))| (name.as_str(), *value)).collect();
    let same = |(left, right): (&f64, &f64)| left == right || (left.is_nan() && right.is_nan());
    let equal = found.keys().eq(fixture.gives.keys()) && told.values().zip(fixture.gives.values()).all(same);
    assert!(equal, "{what}: it gives {told:#?}, and should {:#?}", fixture.gives);
    let not_exposed: BTreeSet<String> = batch.not_exposed.iter().map(|name| name.to_string()).collect();
    assert_eq!(not_exposed, fixture.not_exposed, "{what}: what is not exposed");
    let surfaces: Vec<&str> = batch.surfaces.iter().map(|surface| &**surface).collect();
    assert_eq!(surfaces, fixture.surface.as_deref().into_iter().collect::<Vec<_>>(), "{what}: the surface");
    for hidden in &fixture.hides {
        assert!(batch.lines.iter().all(|line| !line.text.contains(hidden.as_str())), "{what}: {hidden} is shown");
    }
    let surface = fixture.surface.clone().unwrap_or_else(|| BOTH.to_owned());
    found.into_values().map(|(labels, _)| (labels, surface.clone())).collect()
}

fn check_system(name: &str) {
    let path = format!("{}/tests/fixtures/answers/{name}.ron", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let fixtures: Vec<FixtureSpec> = ron::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
    let files = systems::embedded();
    let id = SystemId::new(name);
    let system = System::load(&id, &files[&id]).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let all = Simulation::all(&files).expect("the worlds have no mistakes");
    let simulation = all.iter().find(|one| one.system == id).expect("it can be simulated");
    let urls: Vec<String> = (0..simulation.ports()).map(|port| format!("http://127.0.0.1:{}", 3001 + port)).collect();
    let mut target = simulation.target(&urls, "/run/demo", "http://127.0.0.1:3000");
    target.prometheus = Some(PrometheusSpec { url: "http://127.0.0.1:9090".to_owned(), matchers: None, auth: None });
    let sources = target.bind(&system.spec);
    let mut proven: BTreeMap<&str, Vec<(Labels, String)>> = BTreeMap::new();
    for fixture in &fixtures {
        let bound = sources.iter().find(|bound| bound.spec.id == fixture.of);
        let bound = bound.unwrap_or_else(|| panic!("{name} has no source {}", fixture.of));
        proven.entry(fixture.of.as_str()).or_default().extend(check(name, bound, fixture));
    }
    let mut missing = BTreeSet::new();
    for bound in &sources {
        let proven = proven.get(bound.spec.id.as_str());
        for (series, surface) in bound.spec.kind.extractions() {
            // What is the same on both surfaces is proven by any answer.
            let is = |(given, by): &(Labels, String)| {
                series.iter().all(|(name, value)| given.get(name) == value) && (surface == BOTH || by == surface)
            };
            if !proven.is_some_and(|proven| proven.iter().any(is)) {
                missing.insert(format!("{}: {series} of {surface}", bound.spec.id));
            }
        }
    }
    assert_eq!(missing, BTreeSet::new(), "{name}: no fixture has these");
}

#[test]
fn volchains_answers_are_read() {
    check_system("volchain");
}

#[test]
fn coinjectures_answers_are_read() {
    check_system("coinjecture");
}

#[test]
fn gouds_answers_are_read() {
    check_system("goud");
}

#[test]
fn fastmainnets_answers_are_read() {
    check_system("fastmainnet");
}

#[test]
fn pouws_answers_are_read() {
    check_system("pouw");
}
