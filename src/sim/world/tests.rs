//! Everything that a world can, on one small world; and that its past is always the same.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::sim::exchange::{Answer, Delivery, Request, Surface};
use crate::sim::service::{ServiceState, Verb};
use crate::sim::simulation::{Event, Play, Simulation};
use crate::sim::timeline::{Lives, Timeline};

const FIXTURE: &str = include_str!("fixture.ron");
const START: i64 = 1_700_000_000_000;

fn script() -> Arc<Script> {
    let read = Script::read(&"fixture".into(), "world.ron", FIXTURE);
    Arc::new(read.unwrap_or_else(|problems| panic!("{problems:#?}")))
}

fn world(surface: Surface) -> World {
    World::new(script(), 7, surface, START)
}

/// The same world after so many seconds, with these faults from the first of them.
fn after(seconds: i64, faults: &[&str]) -> World {
    on(Surface::Documented, seconds, faults)
}

fn on(surface: Surface, seconds: i64, faults: &[&str]) -> World {
    let mut world = world(surface);
    faults.iter().for_each(|name| switch(&mut world, START, name, true));
    world.advance(START + seconds * 1000);
    world
}

fn switch(world: &mut World, now: i64, name: &str, on: bool) {
    let fault = world.script().fault(name).unwrap_or_else(|| panic!("no fault {name}"));
    world.apply(now, Change::Fault { fault, on });
}

fn ask(world: &World, node: &str, port: &str, request: Request) -> Answer {
    let number = world.script().port_of(node, port).unwrap_or_else(|| panic!("no port {node}/{port}"));
    world.answer(world.lived_until(), &request.at_port(number))
}

fn json_of(world: &World, node: &str, target: &str) -> Value {
    let answer = ask(world, node, "api", Request::get(target));
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

fn status(world: &World, node: &str) -> Value {
    json_of(world, node, "/status")
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn variables_live_as_they_are_said_to() {
    let (early, late) = (after(10, &[]), after(600, &[]));
    let text = |world: &World| ask(world, "one", "api", Request::get("/metrics")).body;
    let sample = |world: &World, name: &str| -> f64 {
        let text = text(world);
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {text}"));
        line.rsplit(' ').next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    let requests = "x_requests_total{code=\"200\",path=\"/a\"}";
    let rate = (sample(&late, requests) - sample(&early, requests)) / 590.0;
    assert!((3.6..4.4).contains(&rate), "{rate}");
    assert_eq!(sample(&late, requests).fract(), 0.0);
    let blocks = number(&status(&late, "one")["height"]) - number(&status(&early, "one")["height"]);
    assert!((100.0..140.0).contains(&blocks), "{blocks} blocks in 590 s of 5 s");
    assert!(text(&late).contains("# TYPE latency histogram\nlatency_bucket{le=\"0.1\"} "), "{}", text(&late));
    assert_eq!(sample(&late, "latency_bucket{le=\"+Inf\"}"), sample(&late, "latency_count"));
    assert!(sample(&late, "latency_bucket{le=\"1\"}") > sample(&late, "latency_bucket{le=\"0.1\"}"));
    assert!(!text(&late).contains("late 0"), "what is absent at zero is absent");
    assert!(text(&late).contains("enabled 1\n") && text(&late).ends_with("extra 1\n"), "{}", text(&late));
    let begun = status(&world(Surface::Documented), "one");
    assert_eq!(begun["ratio"], json!("NaN"));
    assert_eq!(begun["last_tick"], json!(START / 1000 - 4));
    assert_eq!(begun["seen_at"], json!("2023-11-14T22:12:20.000Z"));
    for seconds in 0..200 {
        let world = after(seconds, &[]);
        let given = Value::Object(world.values(world.lived_until(), 0));
        assert!((46.0..=54.0).contains(&number(&given["temperature"])), "{given}");
        assert!((30.0..=60.0).contains(&number(&given["disk_used"])), "{given}");
        assert!(given["mode"] == json!("Cooperative") || given["mode"] == json!("Strict"));
    }
}

#[test]
fn a_window_of_observations_makes_counts_fall() {
    let count = |seconds| {
        let text = ask(&after(seconds, &[]), "one", "api", Request::get("/untidy")).body;
        let line = text.lines().find_map(|line| line.strip_prefix("micros_count "));
        line.map_or(0.0, |count| count.parse::<f64>().expect("a number"))
    };
    let counts: Vec<f64> = (1..40).map(count).collect();
    assert!(counts.windows(2).any(|pair| pair[1] < pair[0]), "{counts:?}");
    let text = ask(&after(9, &[]), "one", "api", Request::get("/untidy")).body;
    let names: Vec<&str> = text.lines().filter_map(|line| line.split([' ', '{']).next()).collect();
    assert_eq!(names, ["micros_sum", "micros_count", "micros_bucket", "micros_bucket", "micros_bucket"]);
    assert!(!text.contains('#') && !text.contains('.'), "{text}");
}

#[test]
fn endpoints_answer_by_port_method_path_and_surface() {
    let documented = after(5, &[]);
    let built = on(Surface::AsBuilt, 5, &[]);
    let check = |world: &World, node, port, request: Request, want: (u16, &str)| {
        let asked = format!("{} {} of {node}/{port}", request.method, request.path);
        let answer = ask(world, node, port, request);
        assert_eq!((answer.status, answer.body.as_str()), want, "{asked}");
    };
    check(&documented, "one", "api", Request::get("/old"), (200, r#"{"old":true}"#));
    check(&built, "one", "api", Request::get("/old"), (404, "404 page not found\n"));
    check(&documented, "two", "api", Request::get("/items/7?status=open"), (200, r#"{"id":"7","status":"open"}"#));
    check(&documented, "one", "api", Request::new("POST", "/api/v0/id"), (200, r#"{"ID":"one"}"#));
    check(&documented, "one", "api", Request::get("/api/v0/id"), (405, "Method Not Allowed"));
    check(&documented, "balancer", "api", Request::get("/nowhere"), (200, "<h1>404 at balancer</h1>"));
    check(&documented, "two", "api", Request::get("/untidy"), (404, "404 page not found\n"));
    let rpc = |body: &str| Request::new("POST", "/").with_body(body);
    let height = status(&documented, "one")["height"].clone();
    let result = json!({"jsonrpc": "2.0", "id": 1, "result": height}).to_string();
    check(&documented, "one", "rpc", rpc(r#"{"jsonrpc":"2.0","id":1,"method":"height"}"#), (200, &result));
    let unknown = r#"{"error":{"code":-32601,"message":"method not found"},"id":2,"jsonrpc":"2.0"}"#;
    check(&documented, "one", "rpc", rpc(r#"{"id":2,"method":"other"}"#), (200, unknown));
    let failed = r#"{"error":{"code":-32092,"message":"storage error"},"id":"a","jsonrpc":"2.0"}"#;
    check(&documented, "one", "rpc", rpc(r#"{"id":"a","method":"storage"}"#), (200, failed));
    let batch = r#"[{"id":1,"jsonrpc":"2.0","result":[3]}]"#;
    check(&documented, "one", "rpc", rpc(r#"[{"id":1,"method":"echo","params":[3]}]"#), (200, batch));
    let nodes: Value = serde_json::from_str(&ask(&documented, "balancer", "api", Request::get("/nodes")).body).unwrap();
    assert_eq!(nodes.as_array().map(Vec::len), Some(2), "{nodes}");
    assert_eq!(status(&documented, "one")["errors"], json!(0));
}

#[test]
fn a_plain_selector_is_answered_and_nothing_else() {
    let world = after(20, &[]);
    let query = |query: &str| {
        let answer = ask(&world, "one", "prometheus", Request::get(&format!("/api/v1/query?query={query}")));
        (answer.status, serde_json::from_str::<Value>(&answer.body).expect("JSON"))
    };
    let (status, gave) = query("x_requests_total%7Bcode%3D%22200%22%7D");
    assert_eq!(status, 200, "{gave}");
    let result = &gave["data"]["result"];
    assert_eq!(result.as_array().map(Vec::len), Some(1), "{gave}");
    assert_eq!(result[0]["metric"], json!({"__name__": "x_requests_total", "code": "200", "path": "/a"}));
    assert!(result[0]["value"][1].as_str().is_some_and(|value| value.parse::<f64>().is_ok()), "{gave}");
    assert_eq!(query("latency_count").1["data"]["result"].as_array().map(Vec::len), Some(1));
    assert_eq!(query("nothing").1["data"]["result"], json!([]));
    for refused in ["rate(x_requests_total%5B5m%5D)", "%7B%7D", "a%2Bb"] {
        let (status, gave) = query(refused);
        assert_eq!((status, &gave["status"]), (400, &json!("error")), "{refused}");
    }
    let built = on(Surface::AsBuilt, 5, &[]);
    let port = built.script().port_of("one", "prometheus").expect("a port");
    assert!(!built.listening(port), "the port is of the documented surface alone");
}

#[test]
fn who_asks_too_often_is_refused_and_then_banned() {
    let mut timeline = Timeline::of(world(Surface::Documented));
    let port = timeline.node().script().port_of("one", "rpc").expect("a port");
    let mut ask = |millis: i64, method: &str| {
        let body = json!({"id": 1, "method": method}).to_string();
        let answer = timeline.answer(START + millis, &Request::new("POST", "/").with_body(&body).at_port(port));
        let gave: Value = serde_json::from_str(&answer.body).unwrap_or(Value::from(answer.status));
        gave["error"]["code"].as_i64().unwrap_or(if gave["result"].is_null() { i64::from(answer.status) } else { 0 })
    };
    assert_eq!([ask(0, "height"), ask(10, "height"), ask(20, "height")], [0, 0, -32001]);
    assert_eq!(ask(3_000, "height"), -32002, "banned");
    assert_eq!(ask(3_000, "other"), -32601, "what does not count goes on");
    assert_eq!(ask(61_000, "height"), 0, "the ban is over");
    assert!((0..40).any(|_| ask(62_000, "other") == 429));
}

#[test]
fn faults_change_what_they_name_and_nothing_else() {
    let well = after(300, &[]);
    let at = |faults: &[&str], see: &dyn Fn(&World) -> Value| see(&after(300, faults));
    let given = |node: usize| move |world: &World| Value::Object(world.values(world.lived_until(), node));
    let check = |fault: &str, node: usize, variable: &str, is: &dyn Fn(&Value, &Value) -> bool| {
        let (was, now) = (given(node)(&well), at(&[fault], &given(node)));
        assert!(is(&was[variable], &now[variable]), "{fault}: {variable} {} and {}", was[variable], now[variable]);
    };
    check("stalled", 0, "height", &|_, now| *now == json!(1000));
    check("stalled", 0, "last_tick", &|_, now| *now == json!(START / 1000 - 4));
    check("behind", 1, "height", &|was, now| (11.0..=13.0).contains(&(number(was) - number(now))));
    check("behind", 0, "height", &|was, now| was == now);
    check("fork", 0, "tip", &|was, now| was == now);
    check("fork", 1, "tip", &|was, now| was != now);
    check("errors", 0, "requests", &|_, now| (800.0..1000.0).contains(&number(&now["500//a"])));
    check("errors", 0, "requests", &|was, now| was["200//a"] == now["200//a"]);
    check("busy", 0, "requests", &|was, now| number(&now["200//a"]) > 5.0 * number(&was["200//a"]));
    check("hot", 0, "temperature", &|was, now| number(now) > number(was));
    check("jump", 0, "late", &|_, now| *now == json!(5));
    check("strict", 0, "mode", &|_, now| *now == json!("Strict"));
    check("forgotten", 0, "seen_at", &|_, now| now.is_null());
    check("forgotten", 0, "role", &|was, now| was == now);
    check("slow-work", 0, "latency", &|was, now| number(&now["p95"]) >= number(&was["p95"]));
    assert!(at(&["forgotten"], &given(0)).get("mode").is_none(), "what is dropped is nowhere");
    // A node that has ended counts nothing more.
    for fault in well.script().spec.faults.iter().filter(|fault| fault.name != "crash") {
        let untouched = at(&[&fault.name], &given(0));
        assert_eq!(untouched["paid"], given(0)(&well)["paid"], "{}", fault.name);
    }
}

#[test]
fn faults_change_answers_ports_and_units() {
    let target = Request::get("/status");
    let answer = |faults: &[&str], node: &str| ask(&after(5, faults), node, "api", target.clone());
    assert_eq!(answer(&["unavailable"], "one").status, 503);
    assert_eq!(answer(&["strict"], "one").status, 503, "the status is a program");
    assert_eq!(answer(&["page"], "two").body, "<p>oops at two");
    assert_eq!(answer(&["late-answers"], "two").takes_millis, 1_505);
    assert_eq!(answer(&["late-answers"], "one").takes_millis, 5);
    assert_eq!(ask(&after(5, &["old-gone"]), "one", "api", Request::get("/old")).status, 404);
    let travels = |faults: &[&str], target: &str| after(5, faults).delivery(&Request::get(target));
    assert_eq!(travels(&["cut"], "/status"), Delivery::Truncated);
    assert_eq!(travels(&["cut"], "/metrics"), Delivery::Whole);
    let broken = Request::new("POST", "/").with_body(r#"{"id":1,"method":"height"}"#);
    assert!(ask(&after(5, &["rpc-broken"]), "one", "rpc", broken).body.contains("-32603"));
    let open = |faults: &[&str]| -> Vec<bool> {
        let world = after(5, faults);
        (0..world.script().ports()).map(|port| world.listening(port)).collect()
    };
    assert_eq!(open(&[]), [true; 5]);
    assert_eq!(open(&["two-down"]), [true, true, true, false, true]);
    assert_eq!(open(&["crash"]), [false, false, false, false, true]);
    assert_eq!(open(&["database-down"]), [true; 5]);
    for fault in on_the_way() {
        let mut world = world(Surface::Documented);
        world.apply(START, Change::OnTheWay { fault, on: true });
        let well = ask(&after(0, &[]), "one", "api", target.clone());
        let changed = ask(&world, "one", "api", target.clone()) != well;
        assert!(changed || world.delivery(&target) != Delivery::Whole, "{}", fault.name());
    }
}

#[test]
fn a_restart_cures_what_is_in_the_process_and_counts_from_zero() {
    let mut world = after(60, &["crash", "busy"]);
    let now = world.lived_until();
    let unit = world.script().unit("chain.service").expect("a unit");
    let state = |world: &World| world.unit(unit).map(|unit| unit.state);
    assert_eq!(state(&world), Some(ServiceState::Failed));
    world.apply(now, Change::Service { unit, verb: Verb::Start });
    world.advance(now + 10_000);
    assert_eq!(state(&world), Some(ServiceState::Active));
    let on = |world: &World, name: &str| world.fault_on(world.script().fault(name).expect("a fault"));
    assert!(!on(&world, "crash") && on(&world, "busy"));
    let given = Value::Object(world.values(world.lived_until(), 0));
    assert!(number(&given["uptime"]) < 10.0 && number(&given["requests"]["200//a"]) < 700.0, "{given}");
    assert!(number(&given["height"]) < 1005.0, "a chain whose nodes are all down makes no blocks: {given}");

    let mut parted = after(60, &["two-down"]);
    let height = |world: &World, node: usize| number(&world.values(world.lived_until(), node)["height"]);
    assert!(height(&parted, 0) - height(&parted, 1) > 8.0, "the others go on");
    switch(&mut parted, START + 60_000, "two-down", false);
    parted.advance(START + 65_000);
    assert!(height(&parted, 0) - height(&parted, 1) <= 1.0, "a node that comes back catches up");

    let database = world.script().unit("database").expect("a unit");
    let fault = world.script().fault("database-down").expect("a fault");
    world.apply(now + 20_000, Change::Fault { fault, on: true });
    world.apply(now + 21_000, Change::Service { unit: database, verb: Verb::Restart });
    world.advance(now + 30_000);
    assert_eq!(world.unit(database).map(|unit| unit.state), Some(ServiceState::Failed), "it ends again");
    world.apply(now + 31_000, Change::Fault { fault, on: false });
    world.advance(now + 40_000);
    assert_eq!(world.unit(database).map(|unit| unit.state), Some(ServiceState::Active));
}

#[test]
fn logs_say_what_they_are_given_to_say() {
    let said = |world: &World| -> Vec<String> { world.records_after(0, 0).into_iter().map(|said| said.text).collect() };
    let documented = said(&after(300, &[]));
    assert!((100..200).contains(&documented.len()), "{}", documented.len());
    assert!(documented.iter().all(|text| text.starts_with("\u{1b}[32mINFO\u{1b}[0m height=10")), "{documented:?}");
    assert!(documented.iter().all(|text| text.ends_with(" {\"json\": true}")), "{documented:?}");
    let built = said(&on(Surface::AsBuilt, 300, &[]));
    assert!(built.iter().any(|text| text.starts_with("as built ") && text.contains(" 203.0.113.")), "{built:?}");
    assert!(said(&after(300, &["silent"])).is_empty());
    let crashed = said(&after(30, &["crash"]));
    assert!(crashed.iter().all(|text| text == "panicked\n  at line 1") && crashed.len() == 30, "{crashed:?}");
    let records = after(300, &[]).records_after(0, 0);
    let bytes: u64 = records.iter().map(|record| record.text.len() as u64 + 1).sum();
    assert_eq!(records.last().map(|record| record.end), Some(bytes));
}

#[test]
fn the_machine_has_files_disks_and_programs() {
    let world = after(60, &[]);
    let now = world.lived_until();
    let files = world.files(now);
    let file = |path: &str| files.iter().find(|file| file.path == path);
    let height = status(&world, "one")["height"].as_u64().expect("a height");
    assert_eq!(file("data/db").map(|file| (file.size_bytes, now - file.modified)), Some((height * 10, 7_000)));
    let backup = file("backup/newest.txt").expect("a backup");
    assert_eq!(backup.text.as_deref(), Some(format!("height {height}\n").as_str()));
    assert!(file("data/000030.sst").is_some() && file("data/000061.sst").is_none());
    let broken = after(60, &["no-backup", "database-down"]);
    assert!(broken.files(now).iter().all(|file| file.path != "backup/newest.txt"));
    let disks = world.disks(now);
    assert!(disks.len() == 1 && disks[0].size_bytes == 1000 && (400..700).contains(&disks[0].free_bytes), "{disks:?}");
    let run = |world: &World, argv: &[&str]| {
        let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
        world.ran(now, &argv).map(|ran| (ran.code, ran.stdout, ran.stderr))
    };
    assert_eq!(run(&world, &["psql", "-c", "SELECT 1"]), Some((0, height.to_string(), String::new())));
    let failed = run(&broken, &["/usr/bin/psql", "-c", "SELECT 1"]).expect("it ran");
    assert_eq!((failed.0, failed.2.as_str()), (2, "could not connect"));
    let json = Some((0, format!("{{\"height\":{height}}}"), String::new()));
    assert_eq!(run(&world, &["cli", "status", "--json"]), json);
    assert_eq!(run(&world, &["cli", "status"]), None);
    assert_eq!(run(&world, &["other"]), None);
}

#[test]
fn mistakes_are_told_with_their_place_and_what_was_meant() {
    let check = |from: &str, to: &str, want: &str| {
        assert!(FIXTURE.contains(from), "{from}");
        let problems = Script::read(&"fixture".into(), "world.ron", &FIXTURE.replacen(from, to, 1)).expect_err(want);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let placed = told.iter().any(|told| {
            told.contains(want) && told.split(':').nth(1).and_then(|line| line.parse::<u32>().ok()).is_some()
        });
        assert!(placed, "{want}: {told:#?}");
    };
    check("jitter: 0.5", "jiter: 0.5", "there is no field jiter here");
    check("jitter: 0.5", "jiter: 0.5", "did you mean jitter?");
    check("kind: Flag(true)", "kind: Flagg(true)", "did you mean Flag?");
    check(
        "name: \"height\", does: Freeze",
        "name: \"heigth\", does: Freeze",
        "no variable \"heigth\" in this world; did you mean \"height\"?",
    );
    check("families: [\"requests\"", "families: [\"request\"", "did you mean \"requests\"?");
    check("Down(\"two\")", "Down(\"tow\")", "there is no node \"tow\"");
    check("Fails(\"database\")", "Fails(\"databse\")", "did you mean \"database\"?");
    check("path: \"/old\", does: Missing", "path: \"/odl\", does: Missing", "there is no path \"/odl\"");
    check("height={height}", "height={hight}", "there is no variable \"hight\"");
    check("Hash((of: \"height\"))", "Hash((of: \"role\"))", "\"role\" must stand above it");
    check("\"echo\": Result(\".params\")", "\"echo\": Result(\".params | now\")", "now/0");
    check("labels: {\"code\": \"500\"}, does", "labels: {\"code\": \"404\"}, does", "no series with these labels");
    check("does: Behind(12)", "does: Slower(2.0)", "this can not be done to \"height\"");
    check("name: \"fork\"", "name: \"refused\"", "every world has a fault \"refused\" already");
    check("name: \"fork\"", "name: \"stalled\"", "there are two faults \"stalled\"");
    check("argv: [\"cli\"", "argv: [\"../cli\"", "must be the name of a program");
    check("path: \"data/db\"", "path: \"/data/db\"", "must be within the folder");
    let first = Script::read(&"x".into(), "x/world.ron", "(\n  nodes: [],\n  unit: [],\n)").expect_err("a mistake");
    assert!(first[0].to_string().starts_with("x/world.ron:3:3: there is no field unit here"), "{}", first[0]);
}

/// Every read of every port that a world has, as polls of the past would bring it.
fn past_of(play: &Play, now: i64) -> Vec<(usize, i64, u16, String)> {
    let script = script();
    let mut past = Vec::new();
    for port in 0..script.ports() {
        for target in ["/status", "/metrics", "/untidy", "/nodes"] {
            let request = Request::get(target).at_port(port);
            let lived = play.history(now, &request, 20_000).into_iter();
            past.extend(lived.map(|past| (port, past.at_millis, past.status, past.body)));
        }
    }
    past
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_past_is_the_same_whenever_it_is_asked(
        seed in 0_u64..1000,
        mut changes in prop::collection::vec((0_i64..120_000, 0_usize..40, any::<bool>()), 0..8),
        looks in prop::collection::vec(1_i64..120_000, 0..6),
    ) {
        changes.sort();
        let simulation = Simulation::of(script());
        let names = simulation.fault_names();
        let events: Vec<(i64, Event)> = changes
            .iter()
            .map(|(at, which, on)| match names.get(*which) {
                Some(name) => (START + at, Event::Fault { name: name.clone(), on: *on }),
                None => (START + at, Event::Service { unit: "chain".to_owned(), verb: Verb::Restart }),
            })
            .collect();
        let end = START + 120_000;
        let live = |looks: &[i64]| {
            let mut play = simulation.begin(seed, Surface::AsBuilt, START, "");
            let mut moments: Vec<(i64, Option<&Event>)> = events.iter().map(|(at, event)| (*at, Some(event))).collect();
            moments.extend(looks.iter().map(|at| (START + at, None)));
            // Events of one moment keep their order.
            moments.sort_by_key(|(at, _)| *at);
            for (at, event) in moments {
                match event {
                    Some(event) => play.apply(at, event),
                    None => play.advance(at),
                }
            }
            play.advance(end);
            play
        };
        let (once, often) = (live(&[]), live(&looks));
        let past = past_of(&once, end);
        prop_assert_eq!(&past, &past_of(&once, end), "asked twice");
        prop_assert_eq!(&past, &past_of(&often, end), "looked at in between");
        let request = Request::get("/status");
        let mut play = once.clone();
        let mut again = often.clone();
        prop_assert_eq!(play.answer(end + 5_000, &request), again.answer(end + 5_000, &request));
    }
}

#[test]
fn the_worlds_that_come_with_the_program_have_no_mistakes() {
    let worlds = Script::all(&crate::systems::embedded()).unwrap_or_else(|problems| panic!("{problems:#?}"));
    for (system, script) in &worlds {
        for surface in [Surface::Documented, Surface::AsBuilt] {
            let mut all = World::new(Arc::clone(script), 7, surface, START);
            all.advance(START + 60_000);
            check_answers(system.as_str(), &all, "no fault");
            for (fault, spec) in script.spec.faults.iter().enumerate() {
                let mut world = all.clone();
                world.apply(START + 60_000, Change::Fault { fault, on: true });
                world.advance(START + 120_000);
                check_answers(system.as_str(), &world, &spec.name);
                assert!(!spec.sentence.is_empty() && !spec.from.is_empty(), "{system}: {} says no line", spec.name);
            }
        }
    }
}

/// No program of a world fails, whatever is the matter.
fn check_answers(system: &str, world: &World, matter: &str) {
    let script = Arc::clone(world.script());
    for (number, port) in script.ports.iter().enumerate() {
        for endpoint in &port.endpoints {
            let spec = script.endpoint(*endpoint);
            let path = spec.path.replace('*', "query");
            let request = Request::new(&spec.method, &path).at_port(number);
            let body = match &spec.answers {
                spec::AnswerSpec::Rpc(rpc) => {
                    let calls = rpc.methods.keys().map(|method| json!({"id": 1, "method": method}));
                    Value::Array(calls.collect()).to_string()
                }
                spec::AnswerSpec::Json(_)
                | spec::AnswerSpec::Exposition(_)
                | spec::AnswerSpec::Page(_)
                | spec::AnswerSpec::Query(_) => String::new(),
            };
            let answer = world.answer(world.lived_until(), &request.with_body(&body));
            assert!(!answer.body.contains("world.ron:"), "{system}, {matter}: {}", answer.body);
        }
    }
    assert!(world.files(world.lived_until()).len() >= script.spec.files.len() || matter != "no fault", "{system}");
    for program in &script.spec.programs {
        let ran = world.ran(world.lived_until(), &program.argv).expect("a program");
        assert!(!ran.stdout.contains("world.ron:"), "{system}, {matter}: {}", ran.stdout);
    }
}
