//! Models for the tests of panes: an unnamed kind of chain in four conditions.

pub mod story;
mod texts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use self::story::{actor, entry, story};
use self::texts::{RULES, RUNBOOK, SYSTEM};
use super::Panes;
use super::metrics::Explorer;
use super::model::{Arming, Banner, Cell, Console, Level, Link, LinkState, Model, Target};
use super::series::Picture;
use crate::alert::slo::{History, Minute, SloBook, Standing};
use crate::alert::{Alert, AlertBook, Claim, rules};
use crate::base::{At, Boot, Ring, Severity, Wall};
use crate::config::{ConfigSpec, TargetSpec};
use crate::model::{Batch, FetchFailure, Labels, Layout, LogLine, Reading, Retention, SourceState, Store, Truth};
use crate::promql::buckets::Line;
use crate::promql::{Expr, Verdict};
use crate::runbook::{Record, Run, Runbook};
use crate::steps::book;
use crate::systems::{System, dimensions, spec};
use crate::ui::{Keymap, Theme};

/// What a model tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing is configured.
    Empty,
    /// Everything is measured and well; a runbook waits for a choice.
    Well,
    /// Production is ill, a sequence is being verified, a source fails.
    Ill,
    /// Nothing was heard for five minutes; a sequence has an unknown outcome.
    Stale,
}

impl Condition {
    pub const ALL: [Condition; 4] = [Condition::Empty, Condition::Well, Condition::Ill, Condition::Stale];

    pub fn word(self) -> &'static str {
        match self {
            Condition::Empty => "empty",
            Condition::Well => "well",
            Condition::Ill => "ill",
            Condition::Stale => "stale",
        }
    }
}

/// 2026-11-21T03:04:05Z, three days after boot.
pub const NOW: At = At { boot: Boot(259_200_000), wall: Wall(1_795_230_245_000) };

fn ago(seconds: u64) -> At {
    At { boot: Boot(NOW.boot.0 - seconds * 1000), wall: NOW.wall.minus(Duration::from_secs(seconds)) }
}

fn ahead(seconds: u64) -> At {
    NOW.plus(Duration::from_secs(seconds))
}

/// A model in this condition.
pub fn model(condition: Condition) -> Model {
    let mut model = bare();
    if condition == Condition::Empty {
        return model;
    }
    let target = target(condition);
    model.store = store(condition, &target);
    model.alerts = alerts(&mut model.store, &target);
    model.console.demo = condition != Condition::Ill;
    let run = Run::fold(&story(condition)).expect("the story is one of a run");
    model.shown_run = Some(run.id.clone());
    model.runs.insert(run.id.clone(), run);
    model.journal.push(entry(1, ago(3_600), Record::ConsoleStarted { version: "0.1.0".to_owned() }));
    story(condition).into_iter().for_each(|entry| model.journal.push(entry));
    if condition == Condition::Ill {
        model.arming = Some(Arming {
            target: target.id.clone(),
            reason: "INC-7".to_owned(),
            declared: "ayse".to_owned(),
            until: ahead(299),
            host_proof: Ok("pid 42 of node.service listens on 127.0.0.1:3001".to_owned()),
        });
        model.banners =
            vec![Banner { severity: Severity::Warning, text: "other operators are not excluded".to_owned() }];
    }
    if condition == Condition::Stale {
        model.journal_fault = Some("no space left on the device".to_owned());
        model.status = Some(("disarmed: the time was up".to_owned(), ahead(4)));
    }
    model.targets.push(target);
    model.dress();
    model
}

fn bare() -> Model {
    Model {
        now: NOW,
        console: Console {
            version: "0.1.0".to_owned(),
            actor: actor(),
            demo: false,
            state_root: "/var/lib/opsconsole".to_owned(),
            shared_state: true,
            nothing_found: Vec::new(),
        },
        link: Link { state: LinkState::Fast, plain: false },
        theme: Arc::new(Theme::standard()),
        keymap: Arc::new(Keymap::standard()),
        themes: vec!["dark".to_owned(), "light".to_owned()],
        keymaps: vec!["default".to_owned(), "vim".to_owned()],
        strokes: Vec::new(),
        targets: Vec::new(),
        selected: 0,
        dimensions: dimensions().expect("the embedded dimensions"),
        store: Store::new(Retention::default()),
        explorer: Explorer::default(),
        why: None,
        alerts: AlertBook::default(),
        runs: IndexMap::new(),
        shown_run: None,
        arming: None,
        journal: Ring::new(100),
        journal_fault: None,
        banners: Vec::new(),
        status: None,
        freeze: None,
        faults: None,
    }
}

fn target(condition: Condition) -> Target {
    let environment = if condition == Condition::Ill { "Production" } else { "Demo" };
    let text = format!(
        r#"(targets: [(id: "main-a", system: "chain", environment: {environment}, nodes: [
            (id: "node-1", endpoints: [(id: "api", url: "http://127.0.0.1:3001")]),
        ])])"#
    );
    let spec: TargetSpec = ConfigSpec::parse("test", &text).expect("a configuration").targets.remove(0);
    let system = System {
        id: "chain".into(),
        spec: spec::load("system.ron", SYSTEM).expect("a system"),
        rules: rules::load("alerts.yml", RULES).expect("rules"),
        runbooks: vec![Arc::new(runbook())],
    };
    let pending = Expr::parse("mempool_size").expect("a selector");
    let mut picture = Picture::new(pending, &system, 10, 180);
    let labels = Arc::new(Labels::named("mempool_size"));
    picture.buckets.lines = vec![Line { labels, values: wave(60, condition) }];
    picture.buckets.end = Some(Wall(NOW.wall.0 - 5_000));
    let objectives = objectives(condition, &spec.id, &system);
    Target {
        id: spec.id.clone(),
        sources: spec.bind(&system.spec),
        system: Arc::new(system),
        spec,
        cells: cells(condition),
        chart: Some(picture),
        objectives,
    }
}

/// Three hours of minutes: well, or bad since an hour; unknown now where nothing is heard.
fn objectives(condition: Condition, target: &crate::base::TargetId, system: &System) -> Vec<Standing> {
    let now = NOW.wall.0 / 60_000;
    let part = |at: i64| match condition {
        Condition::Ill if at >= now - 60 => 0.25,
        Condition::Empty | Condition::Well | Condition::Ill | Condition::Stale => {
            if at % 50 == 0 {
                0.8
            } else {
                1.0
            }
        }
    };
    let minutes = |all: f32| (now - 180..now).map(|at| Minute(at, part(at) * all, all)).collect();
    let history = History::from([("blocks".to_owned(), minutes(1.0)), ("sealed".to_owned(), minutes(40.0))]);
    let mut book = SloBook::default();
    book.add(target, &system.spec.objectives(), history);
    let mut standings = book.standings(target, NOW);
    let silent = || Some(Verdict::Unknown("age_seconds: stale 5m 00s".to_owned()));
    for standing in standings.iter_mut().filter(|standing| standing.budget.is_some()) {
        standing.now = match condition {
            Condition::Empty | Condition::Well => Some(Verdict::True),
            Condition::Ill => Some(Verdict::False),
            Condition::Stale => silent(),
        };
    }
    standings
}

fn runbook() -> Runbook {
    book::load(&"chain".into(), "stale", "stale.ron", RUNBOOK).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// A curve with a gap of three buckets, that rises at its end where the chain is ill.
fn wave(buckets: u32, condition: Condition) -> Vec<Option<f64>> {
    let ill = condition == Condition::Ill;
    (0..buckets)
        .map(|at| {
            let swing = f64::from((at * 7) % 13) + 2.0;
            let rise = if ill && at > buckets / 2 { f64::from(at - buckets / 2) * 9.0 } else { 0.0 };
            (!(20..23).contains(&at)).then_some(swing + rise)
        })
        .collect()
}

fn cells(condition: Condition) -> BTreeMap<crate::base::PanelId, Vec<Cell>> {
    let stale = Truth::Stale { age: Duration::from_secs(300) };
    let failing = || Truth::Failing { reason: FetchFailure::Refused.to_string(), since: Boot(NOW.boot.0 - 65_000) };
    let cell = |value: f64, level: Level| Cell {
        reading: Reading {
            value: Some(value),
            truth: if condition == Condition::Stale { stale.clone() } else { Truth::Fresh },
        },
        level,
        spark: wave(30, condition),
        limits: Vec::new(),
        unjudged: None,
    };
    let missing = |truth: Truth| Cell {
        reading: Reading { value: None, truth },
        level: Level::Unknown,
        spark: vec![],
        limits: vec![],
        unjudged: None,
    };
    let (chain, mempool) = match condition {
        Condition::Ill => (
            vec![
                cell(1.0, Level::Ok),
                cell(22_695.0, Level::Ok),
                cell(200.0, Level::Critical),
                missing(failing()),
                missing(failing()),
            ],
            vec![cell(1_227.0, Level::Warning), cell(0.0, Level::Ok), missing(Truth::NotExposed)],
        ),
        Condition::Empty | Condition::Well | Condition::Stale => (
            vec![
                cell(1.0, Level::Ok),
                cell(22_695.0, Level::Ok),
                cell(2.0, Level::Ok),
                cell(1.0, Level::Ok),
                cell(0.0, Level::Ok),
            ],
            vec![
                cell(3.0, Level::Ok),
                cell(41.5, Level::Ok),
                missing(Truth::WarmingUp { have: Duration::from_secs(180), need: Duration::from_secs(300) }),
            ],
        ),
    };
    BTreeMap::from([("chain".into(), chain), ("mempool".into(), mempool)])
}

fn store(condition: Condition, target: &Target) -> Store {
    let mut store = Store::new(Retention::default());
    let last = if condition == Condition::Stale { 300 } else { 1 };
    for source in &target.sources {
        let address = format!("GET {}/{}", source.base_url, source.spec.id);
        let seconds = |seconds| Duration::try_from_secs_f64(seconds).expect("a duration");
        let (interval, timeout) = (seconds(source.spec.interval_seconds), seconds(source.spec.timeout_seconds));
        store.declare(SourceState::new(source.id.clone(), target.id.clone(), address, interval, timeout));
        let ill = condition == Condition::Ill;
        let values: &[(&str, f64)] = match source.spec.id.as_str() {
            "health" if ill => &[("up", 1.0), ("height", 22_695.0), ("age_seconds", 200.0), ("mempool_size", 1_227.0)],
            "health" => &[("up", 1.0), ("height", 22_695.0), ("age_seconds", 2.0), ("mempool_size", 3.0)],
            _verify => &[("verify_ok", 1.0), ("users_with_issues", 0.0)],
        };
        for back in (0..5).rev() {
            let failure = (ill && source.spec.id == "verify").then_some(FetchFailure::Refused);
            store.link(&batch(source.id.clone(), &source.labels, values, ago(last + 12 * back), failure));
        }
        if let Some(state) = store.source_mut(&source.id) {
            state.next_try = Some(Boot(NOW.boot.0 + 4_000));
        }
    }
    store
}

fn batch(
    source: crate::base::SourceId,
    labels: &Labels,
    values: &[(&str, f64)],
    sent: At,
    failure: Option<FetchFailure>,
) -> Batch {
    let named = |name: &str| labels.clone().with(crate::model::labels::NAME, name);
    let values: Vec<(&str, f64)> = if failure.is_some() { vec![] } else { values.to_vec() };
    let layout = Arc::new(Layout::new(values.iter().map(|(name, _)| named(name)).collect()));
    let values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    Batch {
        not_exposed: vec![Arc::from("timeouts_total")],
        surfaces: vec![Arc::from("as-built")],
        clock_skew_seconds: Some(-0.4),
        failure,
        ..Batch::of(source, sent, Duration::from_millis(12), layout, values)
    }
}

fn alerts(store: &mut Store, target: &Target) -> AlertBook {
    let mut book = AlertBook::default();
    book.add(&target.id, &target.system.rules);
    book.respond_within(&target.id, Severity::Critical, Duration::from_secs(15 * 60));
    book.evaluate(store, ago(40));
    book.evaluate(store, NOW);
    // One put off for half an hour; where nothing is heard, for a time that is over.
    let (name, until) = match target.spec.environment == crate::runbook::seal::Environment::Production {
        true => ("MempoolOverload", ahead(1_800)),
        false => ("BlocksStale", ago(60)),
    };
    let key = book.alerts().find(|alert| alert.rule.name == name).map(Alert::key);
    let claim = Claim { by: "ayse".to_owned(), reason: "INC-7".to_owned(), at: ago(30 * 60).wall, until: until.wall };
    if let Some(key) = key {
        book.snooze(&key, claim).expect("a sound claim");
    }
    book
}

/// Gives the first source of the model lines of a log, and this many more of them.
pub fn logged(model: &mut Model, lines: u32) {
    const TEXTS: [(Option<Severity>, &str); 5] = [
        (Some(Severity::Info), "sealed block with 3 transactions"),
        (Some(Severity::Info), "GET /health 200 in 4 ms"),
        (
            Some(Severity::Warning),
            "the barrier between ledger and game state waited 812 ms, which is longer than the 500 ms that were expected; the next block is delayed",
        ),
        (None, "    at seal (/srv/node/ledger.js:212:17)"),
        (Some(Severity::Critical), "could not append to the ledger: no space left on the device"),
    ];
    let target = model.targets[0].id.clone();
    let source = model.store.sources().next().map_or("main-a/node-1/api/health".into(), |source| source.id.clone());
    let state = model.store.source_mut(&source).expect("a source of the model");
    state.gives_lines = true;
    let came = state.lines;
    let sent = state.last_ok.unwrap_or(NOW);
    for chunk in (0..lines).collect::<Vec<_>>().chunks(500) {
        let line = |n: &u32| {
            let number = came + u64::from(*n);
            let (severity, text) = TEXTS[(number % 5) as usize];
            let at = NOW.wall.minus(Duration::from_secs(u64::from(lines - n)));
            // What a trace adds to a line has no time of its own.
            let text = Arc::from(format!("{text} (#{number})"));
            LogLine { at, timed_by_read: severity.is_none(), severity, text }
        };
        let nothing = Arc::new(Layout::new(Vec::new()));
        let batch = Batch::of(source.clone(), sent, Duration::from_millis(3), nothing, []);
        model.store.link(&Batch { lines: chunk.iter().map(line).collect(), ..batch });
    }
    assert_eq!(model.store.source(&source).map(|state| &state.target), Some(&target));
}

/// Answers what the page of metrics asks, as `app/` does while it is shown.
pub fn explored(model: &mut Model, panes: &Panes) {
    model.explorer.list(&model.store, model.targets.get(model.selected));
    let asked = panes.asked(model);
    model.explorer.ask(asked.question, model.targets.get(model.selected));
    let heavy = model.explorer.evaluate(&model.store, &asked.visible, model.now, usize::MAX);
    assert!(heavy.is_none());
}
