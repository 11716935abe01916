//! Timelines on simulated time: what each fault does to the node, what cures it and what does not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;

const START: i64 = 1_757_407_389_515;
const SURFACES: [Surface; 2] = [Surface::Documented, Surface::AsBuilt];

/// A node whose clock the test holds.
struct Life {
    now: i64,
    timeline: Timeline,
}

impl Life {
    fn new(seed: u64, surface: Surface) -> Life {
        let mut life = Life { now: START, timeline: Timeline::of(Node::new(seed, surface, START)) };
        life.seconds(60);
        life
    }

    fn with(fault: Fault, surface: Surface) -> Life {
        let mut life = Life::new(7, surface);
        life.switch(fault, true);
        life
    }

    fn seconds(&mut self, seconds: i64) {
        self.now += seconds * 1_000;
        self.timeline.advance(self.now);
    }

    fn switch(&mut self, fault: Fault, on: bool) {
        self.timeline.apply(self.now, Change::Fault { fault, on });
    }

    fn command(&mut self, verb: Verb) {
        self.timeline.apply(self.now, Change::Service(verb));
    }

    fn restart(&mut self) {
        self.command(Verb::Restart);
        self.seconds(RESTART_MILLIS / 1_000);
    }

    fn get(&mut self, target: &str) -> Value {
        let answer = self.timeline.answer(self.now, &Request::get(target));
        assert_eq!(answer.status, 200, "{target}");
        serde_json::from_str(&answer.body).unwrap()
    }

    fn health(&mut self) -> Value {
        self.get("/volchain/health")
    }

    fn height(&self) -> u64 {
        self.timeline.node().height()
    }

    fn pending(&self) -> usize {
        self.timeline.node().mempool_size()
    }

    /// Seconds since the last block, however the surface tells it.
    fn block_age(&mut self) -> i64 {
        let health = self.health();
        match health.get("last_block_age_seconds") {
            Some(age) => age.as_i64().unwrap(),
            None => (self.now - health["lastBlockTime"].as_i64().unwrap()) / 1_000,
        }
    }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_healthy_node_seals_what_its_users_send() {
    for surface in SURFACES {
        for seed in [0, 1, 2, u64::MAX] {
            let mut life = Life::new(seed, surface);
            let before = life.height();
            for _ in 0..240 {
                life.seconds(5);
                assert!(life.pending() < 20, "{} pending with seed {seed}", life.pending());
                assert!(life.block_age() < 15, "block age {} with seed {seed}", life.block_age());
            }
            assert!((400..=1_200).contains(&(life.height() - before)), "{} blocks in 20 min", life.height() - before);
            assert_eq!(life.get("/volchain/verify")["ok"], true);
            assert_eq!(life.get("/volchain/verify?mode=system")["ok"], true);
        }
    }
}

#[test]
fn the_chain_depends_on_the_seed_and_not_on_who_looks() {
    let mut often = Life::new(3, Surface::AsBuilt);
    let mut once = Life::new(3, Surface::AsBuilt);
    let mut other = Life::new(4, Surface::AsBuilt);
    for _ in 0..3_600 {
        often.now += 333;
        often.timeline.advance(often.now);
    }
    once.now = often.now;
    other.now = often.now;
    assert_eq!(often.health(), once.health());
    assert_ne!(often.health()["lastBlockHash"], other.health()["lastBlockHash"]);
}

#[test]
fn a_day_is_lived_through() {
    let mut life = Life::new(5, Surface::AsBuilt);
    let before = life.height();
    life.seconds(24 * 3_600);
    assert!(life.height() - before > 30_000);
    assert!(life.pending() < 20);
    life.now -= 3_600_000;
    let height = life.height();
    life.seconds(60);
    assert_eq!(life.height(), height, "a clock that goes back must not make blocks");
}

#[test]
fn the_as_built_health_has_exactly_nine_fields() {
    let mut life = Life::new(1, Surface::AsBuilt);
    let health = life.health();
    let want = [
        "lastId",
        "lastHash",
        "accounts",
        "height",
        "lastBlockId",
        "lastBlockHash",
        "lastBlockTime",
        "mempoolSize",
        "producerUptime",
    ];
    assert_eq!(keys(&health), BTreeSet::from(want));
    assert!(health["lastBlockTime"].as_i64().unwrap() > START, "milliseconds since the epoch");
    assert!(health["producerUptime"].as_i64().unwrap() >= 3_600_000, "milliseconds");
    assert_eq!(health["lastBlockHash"].as_str().unwrap().len(), 64);
    let report = life.get("/volchain/verify?mode=system");
    assert_eq!(keys(&report), BTreeSet::from(["ok", "report"]));
    assert_eq!(keys(&report["report"]), BTreeSet::from(["timestamp", "system", "users", "summary"]));
    assert_eq!(report["report"]["users"].as_array().unwrap().len() as u64, report["report"]["summary"]["total_users"]);
    assert_eq!(life.get("/volchain/verify?mode=anything")["mode"], "blocks");
}

#[test]
fn the_documented_surface_has_what_the_runbook_reads() {
    let mut life = Life::new(1, Surface::Documented);
    let health = life.health();
    let want = [
        "height",
        "last_block_age_seconds",
        "mempoolSize",
        "producerUptime",
        "volchain_barrier_timeouts_total",
        "volchain_barrier_wait_ms_total",
        "volchain_invariant_user_mismatch_total",
        "volchain_invariant_system_mismatch_total",
    ];
    assert_eq!(keys(&health), BTreeSet::from(want));
    assert!(health["volchain_barrier_wait_ms_total"].as_u64().unwrap() > 0);
    let report = life.get("/volchain/verify?mode=system");
    for pointer in ["/ok", "/chainOk", "/system/crossOk", "/users/ok"] {
        assert_eq!(report.pointer(pointer), Some(&Value::Bool(true)), "{pointer}");
    }
    assert!(report["system"]["details"].is_object());
    assert_eq!(report["users"]["mismatches"], serde_json::json!([]));
}

#[test]
fn headers_and_refusals_are_those_of_the_node() {
    let check = |method, target, status, content: &str, body: &str| {
        let mut life = Life::new(1, Surface::AsBuilt);
        let answer = life.timeline.answer(life.now, &Request::new(method, target));
        assert_eq!((answer.status, answer.body.contains(body)), (status, true), "{method} {target}: {}", answer.body);
        assert!(answer.content_type.starts_with(content), "{method} {target}: {}", answer.content_type);
        assert!(answer.headers.contains(&("X-Game-Build", GAME_BUILD.to_owned())));
        assert!(answer.headers.contains(&("Access-Control-Allow-Origin", "*".to_owned())));
    };
    check("GET", "/chain/info", 200, "application/json", r#"{"chain_id":"volchain-main"}"#);
    check("GET", "/metrics", 404, "text/html", "Cannot GET /metrics");
    check("GET", "/<b>", 404, "text/html", "Cannot GET /&lt;b&gt;");
    check("POST", "/volchain/health", 404, "text/html", "Cannot POST /volchain/health");
    check("DELETE", "/volchain/health", 404, "text/html", "Cannot DELETE");
    let secret = r#"{"error":"admin_secret_required","ok":false}"#;
    check("POST", "/admin/volchain-reconcile-stake-from-gridb", 403, "application/json", secret);
    check("GET", "/admin/volchain-reconcile-stake-from-gridb", 404, "text/html", "Cannot GET");
    check("POST", "/admin/volchain-align-from-digzone", 403, "application/json", "forbidden");
}

#[test]
fn blocks_are_listed_newest_first_and_in_pages() {
    let mut life = Life::new(1, Surface::AsBuilt);
    let page = life.get("/volchain/blocks?limit=3");
    let blocks = page["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 3);
    assert_eq!(blocks[0]["height"].as_u64().unwrap(), life.height());
    assert_eq!(blocks[0]["prev_hash"], blocks[1]["hash"]);
    let next = life.get(&format!("/volchain/blocks?limit=1&cursor={}", page["nextCursor"]));
    assert_eq!(next["blocks"][0]["hash"], blocks[2]["prev_hash"]);
    assert_eq!(life.get("/volchain/blocks?cursor=0")["nextCursor"], Value::Null);
    assert_eq!(life.get("/volchain/head")["height"].as_u64(), Some(life.height()));
}

/// Three minutes of a fault, then a restart, then a minute, then the fault is cleared, then two more.
struct Expected {
    seals: bool,
    pending_at_least: usize,
    cured_by_restart: bool,
}

#[test]
fn each_chain_fault_has_its_effect_and_its_cure() {
    let check = |fault: Fault, want: Expected| {
        for surface in SURFACES {
            let name = fault.name();
            let mut life = Life::with(fault, surface);
            life.seconds(5);
            let before = life.height();
            life.seconds(180);
            assert_eq!(life.height() > before, want.seals, "{name}: sealing after 3 min");
            assert!(life.pending() >= want.pending_at_least, "{name}: {} pending", life.pending());
            let pending = life.pending();
            life.restart();
            assert!(life.pending() >= pending, "{name}: a restart must not lose pending transactions");
            assert_eq!(life.timeline.node().service().state, ServiceState::Active, "{name}");
            let after = life.height();
            life.seconds(60);
            let well = life.height() > after && life.pending() < 20;
            assert_eq!(well, want.cured_by_restart, "{name}: well a minute after the restart");
            assert_eq!(life.timeline.node().fault_on(fault), !want.cured_by_restart, "{name}");
            life.switch(fault, false);
            life.seconds(120);
            assert!(life.pending() < 20, "{name}: {} pending after it was cleared", life.pending());
            assert!(life.block_age() < 15, "{name}: block age {} after it was cleared", life.block_age());
        }
    };
    check(Fault::ProducerStuck, Expected { seals: false, pending_at_least: 100, cured_by_restart: true });
    check(Fault::StuckAgain, Expected { seals: false, pending_at_least: 100, cured_by_restart: false });
    check(Fault::ProducerOff, Expected { seals: false, pending_at_least: 100, cured_by_restart: false });
    check(Fault::Idle, Expected { seals: false, pending_at_least: 0, cured_by_restart: false });
    check(Fault::MempoolFlood, Expected { seals: true, pending_at_least: 1_001, cured_by_restart: false });
}

#[test]
fn a_stuck_producer_looks_alive_but_for_its_height() {
    for surface in SURFACES {
        let mut life = Life::with(Fault::ProducerStuck, surface);
        let uptime = life.health()["producerUptime"].as_i64().unwrap();
        let height = life.height();
        life.seconds(3_600);
        assert_eq!(life.height(), height, "time does not cure it");
        assert!(life.block_age() >= 3_600);
        assert_eq!(life.health()["producerUptime"].as_i64().unwrap(), uptime + 3_600_000);
        assert_eq!(life.get("/volchain/verify")["ok"], true);
        life.restart();
        assert_eq!(life.health()["producerUptime"].as_i64().unwrap(), 0);
        life.seconds(1);
        assert_eq!(life.height(), height + 1);
    }
}

#[test]
fn stopping_and_starting_cures_what_a_restart_cures() {
    let mut life = Life::with(Fault::ProducerStuck, Surface::AsBuilt);
    life.command(Verb::Stop);
    let (height, pending) = (life.height(), life.pending());
    life.seconds(600);
    assert_eq!((life.height(), life.pending()), (height, pending), "nobody reaches a stopped node");
    assert!(!life.timeline.node().listening());
    life.command(Verb::Start);
    life.seconds(30);
    assert!(life.height() > height);
}

#[test]
fn an_idle_chain_is_stale_and_healthy() {
    let mut life = Life::with(Fault::Idle, Surface::Documented);
    life.seconds(300);
    assert!(life.block_age() > 290);
    assert_eq!(life.pending(), 0);
    assert_eq!(life.get("/volchain/verify?mode=system")["ok"], true);
    assert!(life.health()["producerUptime"].as_i64().unwrap() > 300_000);
}

#[test]
fn a_node_without_a_producer_says_so_even_after_a_restart() {
    for surface in SURFACES {
        let mut life = Life::with(Fault::ProducerOff, surface);
        assert_eq!(life.health()["producerUptime"], 0);
        life.restart();
        life.seconds(60);
        assert_eq!(life.health()["producerUptime"], 0);
        life.switch(Fault::ProducerOff, false);
        life.seconds(2);
        assert_eq!(life.health()["producerUptime"], 2_000);
    }
}

#[test]
fn a_flood_fills_the_mempool_to_its_limit_and_drains_when_it_ends() {
    let mut life = Life::with(Fault::MempoolFlood, Surface::AsBuilt);
    life.seconds(600);
    assert!(life.pending() > MEMPOOL_LIMIT - 100 && life.pending() <= MEMPOOL_LIMIT);
    life.switch(Fault::MempoolFlood, false);
    life.seconds(60);
    assert!(life.pending() < MEMPOOL_LIMIT - 2_000, "{}", life.pending());
    life.seconds(120);
    assert!(life.pending() < 20, "{}", life.pending());
}

#[test]
fn a_service_that_can_not_come_up_stays_down_until_its_cause_is_gone() {
    let mut life = Life::with(Fault::RestartFails, Surface::AsBuilt);
    let height = life.height();
    life.seconds(60);
    assert!(life.height() > height, "it does no harm before a restart");
    life.restart();
    for _ in 0..3 {
        assert_eq!(life.timeline.node().service().state, ServiceState::Failed);
        life.seconds(300);
        life.command(Verb::Start);
        life.seconds(5);
    }
    life.switch(Fault::RestartFails, false);
    life.seconds(5);
    assert_eq!(life.timeline.node().service().state, ServiceState::Active);
    life.seconds(10);
    assert!(life.block_age() < 10);
}

#[test]
fn barriers_time_out_while_nothing_is_sealed() {
    let mut life = Life::with(Fault::ProducerStuck, Surface::Documented);
    let before = life.health();
    life.seconds(120);
    let after = life.health();
    let rise = |name: &str| after[name].as_u64().unwrap() - before[name].as_u64().unwrap();
    let timeouts = rise("volchain_barrier_timeouts_total");
    assert!(timeouts > 10, "{timeouts}");
    // One who waited before the fault began may have been served.
    assert!(rise("volchain_barrier_wait_ms_total") >= timeouts * 2_000);
    life.restart();
    assert_eq!(life.health()["volchain_barrier_timeouts_total"], 0, "the counters live in the process");
}

#[test]
fn reconciling_cures_what_the_document_says_and_as_built_nothing() {
    for (surface, fault, stubborn) in [
        (Surface::Documented, Fault::UserMismatch, false),
        (Surface::Documented, Fault::CrossMismatch, false),
        (Surface::Documented, Fault::CrossMismatch, true),
        (Surface::AsBuilt, Fault::UserMismatch, false),
        (Surface::AsBuilt, Fault::CrossMismatch, false),
    ] {
        let node = Node::new(7, surface, START).with_admin_secret("right");
        let mut life = Life { now: START, timeline: Timeline::of(node) };
        life.switch(fault, true);
        life.switch(Fault::Stubborn, stubborn);
        life.seconds(1);
        assert_eq!(life.get("/volchain/verify?mode=system")["ok"], false);
        let stakes = |life: &mut Life| life.get("/admin/invariants/check")["summary"]["totalStaked"].as_i64().unwrap();
        let staked = stakes(&mut life);
        let mut request = Request::new("POST", RECONCILE);
        for (secret, status) in [(None, 403), (Some("wrong"), 403), (Some("right "), 200)] {
            request.admin_secret = secret.map(str::to_owned);
            assert_eq!(life.timeline.answer(life.now, &request).status, status, "{secret:?}");
            let moved = stakes(&mut life) - staked;
            assert_eq!(moved, if status == 200 { 5 } else { 0 }, "{secret:?}");
        }
        assert_eq!(life.get("/volchain/verify?mode=system")["ok"], false, "it takes its time");
        life.seconds(30);
        let cured = surface == Surface::Documented && !stubborn;
        assert_eq!(life.get("/volchain/verify?mode=system")["ok"], cured, "{surface:?} {stubborn}");
        let status = if cured { "HEALTHY" } else { "ISSUES_DETECTED" };
        assert_eq!(life.get("/admin/invariants/check")["status"], status);
        life.restart();
        assert_eq!(life.get("/volchain/verify?mode=system")["ok"], cured, "a restart changes nothing");
        life.switch(fault, false);
        assert_eq!(life.get("/volchain/verify?mode=system")["ok"], true);
    }
}

const RECONCILE: &str = "/admin/volchain-reconcile-stake-from-gridb";

#[test]
fn totals_can_differ_while_every_user_adds_up() {
    let mut built = Life::with(Fault::CrossMismatch, Surface::AsBuilt);
    let report = built.get("/volchain/verify?mode=system");
    assert_eq!((&report["ok"], &report["report"]["system"]["invariant_ok"]), (&json!(false), &json!(false)));
    assert_eq!(report["report"]["summary"]["users_with_issues"], 0);
    let mut documented = Life::with(Fault::CrossMismatch, Surface::Documented);
    let report = documented.get("/volchain/verify?mode=system");
    assert_eq!((&report["system"]["crossOk"], &report["users"]["ok"]), (&json!(false), &json!(true)));
    assert_eq!(report["chainOk"], true);
}

#[test]
fn a_broken_chain_is_told_on_both_surfaces() {
    let mut documented = Life::with(Fault::ChainBroken, Surface::Documented);
    let report = documented.get("/volchain/verify?mode=system");
    assert_eq!((&report["ok"], &report["chainOk"]), (&json!(false), &json!(false)));
    assert_eq!(report["system"]["crossOk"], true);
    assert_eq!(documented.get("/volchain/verify")["ok"], false);
    let mut built = Life::with(Fault::ChainBroken, Surface::AsBuilt);
    assert_eq!(built.get("/volchain/verify")["error"], "balance_mismatch");
    assert_eq!(built.get("/volchain/verify?mode=system")["ok"], true, "it never looks at the blocks");
}

#[test]
fn reconciling_without_the_games_database_wipes_every_stake() {
    for surface in SURFACES {
        let node = Node::new(7, surface, START).with_admin_secret("right");
        let mut life = Life { now: START, timeline: Timeline::of(node) };
        life.switch(Fault::GameMissing, true);
        life.seconds(1);
        let summary = life.get("/admin/invariants/check")["summary"].clone();
        assert_eq!(summary["totalMined"], 0);
        assert!(summary["totalStaked"].as_i64().unwrap() > 0);
        let mut request = Request::new("POST", RECONCILE);
        request.admin_secret = Some("right".to_owned());
        assert!(life.timeline.answer(life.now, &request).body.contains(r#""stakedAccounts":0"#));
        assert_eq!(life.get("/admin/invariants/check")["summary"]["totalStaked"], 0);
        life.seconds(30);
        assert_eq!(life.get("/volchain/verify?mode=system")["ok"], false);
    }
}

#[test]
fn a_wrong_clock_is_in_every_time_the_node_tells() {
    let mut life = Life::with(Fault::ClockOff, Surface::AsBuilt);
    life.seconds(30);
    let answer = life.timeline.answer(life.now, &Request::get("/volchain/health"));
    assert_eq!(answer.date_millis, life.now + 45_000);
    let time = life.health()["lastBlockTime"].as_i64().unwrap();
    assert!(time > life.now + 30_000, "blocks are stamped by the node's clock");
    let mut documented = Life::with(Fault::ClockOff, Surface::Documented);
    documented.seconds(30);
    assert!((0..15).contains(&documented.block_age()), "the node's own age has one clock");
}

#[test]
fn endpoint_faults_replace_every_answer() {
    let check = |fault, status, content: &str| {
        let life = Life::with(fault, Surface::AsBuilt);
        let answer = life.timeline.node().answer(life.now, &Request::get("/volchain/health"));
        assert_eq!((answer.status, answer.content_type.starts_with(content)), (status, true), "{}", fault.name());
        assert_eq!(fault == Fault::Redirect, answer.headers.iter().any(|(name, _)| *name == "Location"));
    };
    check(Fault::Status500, 500, "application/json");
    check(Fault::Html, 200, "text/html");
    check(Fault::Redirect, 302, "text/html");
    let check = |fault, delivery| assert_eq!(Life::with(fault, Surface::AsBuilt).timeline.node().delivery(), delivery);
    check(Fault::Refused, Delivery::Refused);
    check(Fault::Slow, Delivery::Slow);
    check(Fault::Dripping, Delivery::Dripping);
    check(Fault::Truncated, Delivery::Truncated);
    check(Fault::Huge, Delivery::Huge);
    check(Fault::ClockOff, Delivery::Whole);
}

#[test]
fn the_past_is_what_was_answered_then() {
    let mut life = Life::new(9, Surface::AsBuilt);
    let (health, system) = (Request::get("/volchain/health"), Request::get("/volchain/verify?mode=system"));
    let mut told = Vec::new();
    for step in 0..720 {
        match step {
            560 => life.switch(Fault::ProducerStuck, true),
            600 => life.command(Verb::Restart),
            620 => life.switch(Fault::MempoolFlood, true),
            640 => life.switch(Fault::MempoolFlood, false),
            660 => life.switch(Fault::Slow, true),
            680 => life.switch(Fault::Slow, false),
            _ => {}
        }
        let node = life.timeline.node();
        if node.listening() && node.delivery() == Delivery::Whole {
            let now = life.now;
            let bodies = [&health, &system].map(|request| life.timeline.answer(now, request).body);
            told.push((now, bodies));
        }
        life.seconds(5);
    }
    let (health, system) =
        (life.timeline.history(life.now, &health, 5_000), life.timeline.history(life.now, &system, 5_000));
    let recent: Vec<_> = told.iter().filter(|(at, _)| *at >= life.now - 15 * 60_000).collect();
    // Of 180 polls one met the restart and 20 the slow stretch.
    assert_eq!((health.len(), recent.len()), (159, 159));
    for ((past, verified), (at, [body, report])) in health.iter().zip(&system).zip(recent) {
        assert_eq!((past.at_millis, past.body.as_str()), (*at, body.as_str()));
        assert_eq!(verified.body.as_str(), report.as_str());
    }
}

#[test]
fn a_new_timeline_has_its_quarter_of_an_hour() {
    let mut timeline = Timeline::of(Node::new(1, Surface::Documented, START - 15 * 60_000));
    assert_eq!(timeline.history(START - 15 * 60_000, &Request::get("/"), 5_000), []);
    timeline.advance(START);
    let past = timeline.history(START, &Request::get("/volchain/health"), 5_000);
    assert_eq!(past.len(), 180);
    assert_eq!((past.first().unwrap().at_millis, past.last().unwrap().at_millis), (START - 900_000, START - 5_000));
    assert!(past.iter().all(|past| past.status == 200));
}
