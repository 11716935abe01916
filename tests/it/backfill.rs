//! What the console asks of the server of a target at start, and what it says of the answer.

use std::time::Duration;

use opsconsole::app::{App, Effect, Msg, Setup};
use opsconsole::base::{At, Boot, Key, Wall};
use opsconsole::config::PrometheusSpec;
use opsconsole::model::{Backfill, FetchFailure, Labels, SeriesWindow};
use opsconsole::panes::metrics::Inquiry;
use opsconsole::promql::buckets::Charted;
use opsconsole::sim::rehearsal;
use opsconsole::sources::backfill::{BackfillPlan, Gathered};

const URL: &str = "http://127.0.0.1:9090";

fn at(second: i64) -> At {
    At { boot: Boot(second as u64 * 1000), wall: Wall(second * 1000) }
}

fn setup() -> Setup {
    let mut setup = rehearsal::setup(160, 40);
    setup.config.targets[0].prometheus = Some(PrometheusSpec { url: URL.to_owned(), matchers: None, auth: None });
    setup
}

fn begun() -> (App, BackfillPlan) {
    let (app, first) = App::new(setup()).expect("the embedded data");
    let plans = first.into_iter().filter_map(|effect| match effect {
        Effect::Backfill(plan) => Some(*plan),
        _other => None,
    });
    let mut plans = plans.collect::<Vec<_>>();
    assert_eq!(plans.len(), 1);
    (app, plans.remove(0))
}

fn told(app: &App) -> String {
    app.model().store.backfills().filter_map(|state| state.backfill.clone()).collect()
}

fn banners(app: &App) -> String {
    app.model().banners.iter().map(|banner| banner.text.clone() + "\n").collect()
}

fn series(name: &str, instance: &str, seconds: impl Iterator<Item = i64>) -> SeriesWindow {
    let labels = Labels::named(name).with("job", "chain").with("instance", instance);
    SeriesWindow { labels: labels.into(), samples: seconds.map(|second| (Wall(second * 1000), 1.0)).collect() }
}

fn fill(plan: &BackfillPlan, asked: At, all: Vec<SeriesWindow>) -> Backfill {
    let mut gathered = Gathered::new(plan);
    gathered.add(all).expect("there is room");
    let finished = gathered.finish(asked.wall);
    let empty = Backfill::failed(plan.target.clone(), asked, Duration::ZERO, FetchFailure::Refused);
    Backfill { scrapes: finished.scrapes, untold: finished.untold, failure: None, ..empty }
}

#[test]
fn only_a_target_with_a_server_asks_and_it_asks_for_what_expressions_name() {
    let (app, plan) = begun();
    assert!(plan.names.iter().any(|name| name == "up") && plan.names.iter().any(|name| name.starts_with("volchain_")));
    assert!(plan.selectors().iter().all(|one| one.contains(r#"instance=~"127\\.0\\.0\\.1:3001""#)), "{plan:?}");
    assert!(plan.reach >= Duration::from_secs(900));
    assert_eq!((app.model().store.backfills().count(), told(&app).as_str()), (1, ""));
    let mut without = setup();
    without.config.targets[0].prometheus = None;
    let (app, first) = App::new(without).expect("the embedded data");
    assert!(!first.iter().any(|effect| matches!(effect, Effect::Backfill(_))));
    assert_eq!(app.model().store.backfills().count(), 0);
}

#[test]
fn what_came_is_said_and_what_did_not() {
    let (mut app, plan) = begun();
    let all = vec![
        series("up", "127.0.0.1:3001", (100..940).step_by(20)),
        series("volchain_height", "127.0.0.1:3001", (100..940).step_by(20)),
        series("volchain_height", "10.0.0.9:1", (100..940).step_by(20)),
    ];
    let filled = fill(&plan, at(940), all);
    app.update(at(941), Msg::Backfilled(Box::new(filled.clone())));
    assert_eq!(
        told(&app),
        format!(
            "back-filled 14m 00s of 2 series (84 samples) from prometheus at {URL}; 1 series left out, because no \
             label tells which node they are of"
        )
    );
    assert!(!banners(&app).contains("prometheus"), "{}", banners(&app));
    // It is recorded with all else, and comes back as it was.
    let json = serde_json::to_string(&Msg::Backfilled(Box::new(filled.clone()))).expect("JSON");
    assert_eq!(serde_json::from_str::<Msg>(&json).expect(&json), Msg::Backfilled(Box::new(filled)));

    let check = |fill: Backfill, want: &str| {
        let (mut app, _) = begun();
        app.update(at(941), Msg::Backfilled(Box::new(fill)));
        assert!(told(&app).contains(want) && banners(&app).contains(want), "{}\n{}", told(&app), banners(&app));
    };
    let refused = Backfill::failed(plan.target.clone(), at(940), Duration::ZERO, FetchFailure::Refused);
    check(refused, "connection refused: nothing listens there; ranges and charts begin at the start");
    check(fill(&plan, at(940), Vec::new()), "has nothing of volchain-demo: see in its configuration");
    let some = fill(&plan, at(940), vec![series("up", "127.0.0.1:3001", [900].into_iter())]);
    let limited = Backfill { limit: Some("there are more than 5000 series".to_owned()), ..some };
    check(limited, "not all: there are more than 5000 series");
    // Nobody asked for this one.
    let (mut app, _) = begun();
    let stranger = Backfill::failed("stranger".into(), at(940), Duration::ZERO, FetchFailure::Refused);
    app.update(at(941), Msg::Backfilled(Box::new(stranger)));
    assert_eq!(told(&app), "");
}

#[test]
fn a_chart_is_asked_of_the_server_and_says_so() {
    let (mut app, _) = begun();
    let press = |app: &mut App, second: i64, keys: &str| {
        let keys = keys.split(' ').map(|key| key.parse::<Key>().expect(key));
        keys.flat_map(|key| app.update(at(second), Msg::Key(key))).collect::<Vec<_>>()
    };
    let asked = |effects: Vec<Effect>| {
        let inquiries = effects.into_iter().filter_map(|effect| match effect {
            Effect::Inquire { number, inquiry } => Some((number, *inquiry)),
            _other => None,
        });
        inquiries.collect::<Vec<(u64, Inquiry)>>()
    };
    app.update(at(1_000), Msg::Woke);
    assert!(asked(press(&mut app, 1_000, "e ctrl-u u p enter")).is_empty(), "nobody asked a server");
    let inquiries = asked(press(&mut app, 1_001, "O"));
    let [(number, inquiry)] = &inquiries[..] else { panic!("{inquiries:?}") };
    assert_eq!((inquiry.expr.as_str(), inquiry.server.url.as_str()), ("up", URL));
    let elsewhere = |app: &App| app.model().explorer.elsewhere.as_ref().map(|elsewhere| elsewhere.title());
    assert_eq!(elsewhere(&app), Some(format!("from prometheus at {URL}: up")));
    let line = SeriesWindow { labels: Labels::named("up").into(), samples: vec![(inquiry.end, 1.0)] };
    let charted = Charted::of(&[line], inquiry.seconds, inquiry.count, inquiry.end);
    app.update(at(1_002), Msg::Inquired { number: *number, answer: Ok(charted) });
    assert_eq!(app.model().explorer.buckets().map(|buckets| buckets.lines.len()), Some(1));
    assert!(asked(press(&mut app, 1_003, ", . ,")).is_empty(), "the same is not asked again at every key");
    assert_eq!(asked(press(&mut app, 1_004, "]")).len(), 1, "another range is another question");
    assert!(asked(press(&mut app, 1_005, "O")).is_empty());
    assert_eq!(elsewhere(&app), None);
}
