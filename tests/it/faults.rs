//! The menu of a demo: what it switches in a rehearsal, where it does not exist, and the real one in a terminal.

use std::time::Duration;

use opsconsole::app::JournalId;
use opsconsole::runbook::Record;
use opsconsole::sim::rehearsal::Rehearsal;
use opsconsole::sim::{Simulation, Surface};

use crate::stage::{shows, shows_not};
use crate::terminal::{Chain, Console, on};

fn every_system(columns: u16, rows: u16) -> Rehearsal {
    let all = Simulation::all(&opsconsole::systems::embedded()).expect("the worlds have no mistakes");
    Rehearsal::of_systems(all, Surface::AsBuilt, &[], (columns, rows), |_setup| {}).expect("a rehearsal")
}

fn switched(stage: &Rehearsal) -> Vec<(Vec<String>, bool)> {
    let entries = stage.journal(&JournalId::Console).iter();
    let switched = entries.filter_map(|entry| match &entry.record {
        Record::DemoSwitched { faults, on } => Some((faults.clone(), *on)),
        _other => None,
    });
    switched.collect()
}

#[test]
fn the_menu_lists_switches_and_cures_every_fault_of_every_system() {
    let mut stage = every_system(80, 24);
    stage.press("d");
    let all = stage.faults();
    shows(&stage, &format!("demo: 0 of {} faults on", all.len()));
    shows(&stage, "nothing real is changed");
    shows(&stage, "on now  nothing");
    for fault in &all {
        let name = fault.whole_name();
        stage.type_text(&name.replace('/', " "));
        shows(&stage, &fault.name);
        stage.press("ctrl-u");
    }
    stage.type_text("goud down");
    let goud = all.iter().filter(|fault| fault.system == "goud").count();
    shows(&stage, &format!("goud  0 of {goud} faults on"));
    stage.press("ctrl-u");

    stage.type_text("volchain idle");
    stage.press("enter");
    shows(&stage, "on now  1 fault");
    shows(&stage, "◆ volchain/idle");
    shows(&stage, "enter: cure it");
    stage.press("ctrl-u");
    stage.type_text("pouw sluggish");
    stage.press("enter");
    shows(&stage, &format!("demo: 2 of {} faults on", all.len()));
    stage.press("esc");
    shows(&stage, "2 faults on");

    // The other systems stay as they are.
    stage.press("d");
    stage.type_text("pouw sluggish");
    stage.press("ctrl-t");
    shows(&stage, &format!("demo: 1 of {} faults on", all.len()));
    stage.press("ctrl-x");
    shows(&stage, "on now  nothing");
    stage.press("esc");
    shows_not(&stage, "faults on");
    shows_not(&stage, "fault on");
    assert!(stage.faults().iter().all(|fault| !fault.on));

    let one = |name: &str, on| (vec![name.to_owned()], on);
    let want = [
        one("volchain/idle", true),
        one("pouw/sluggish", true),
        one("pouw/sluggish", false),
        one("volchain/idle", false),
    ];
    assert_eq!(switched(&stage), want);
    stage.press("5");
    shows(&stage, "in the demo, let this go wrong: volchain/idle");
}

/// A fault that a restart ends is told as ended without anybody asking, in the menu and in the header.
#[test]
fn what_ended_by_itself_is_known_within_seconds() {
    let begun = [("volchain", "producer-stuck", Duration::from_secs(70))];
    let by_hand = vec![Simulation::by_hand()];
    let mut stage =
        Rehearsal::of_systems(by_hand, Surface::AsBuilt, &begun, (120, 40), |_setup| {}).expect("a rehearsal");
    stage.press("d");
    shows(&stage, "◆ on since 2026-03-14 02:58:50 UTC; a restart of its unit cures it too");
    shows(&stage, "raises VolchainBlocksStale");
    stage.press("esc");
    shows(&stage, "demo: 1 fault on");
    stage.press("d");
    stage.service(opsconsole::sim::volchain::Verb::Restart);
    stage.advance(Duration::from_secs(20));
    shows(&stage, "on now  nothing");
    stage.press("esc");
    shows_not(&stage, "fault on");
    assert_eq!(switched(&stage), [], "nobody switched it");
}

/// A console that never opened the menu says what others let go wrong.
#[test]
fn the_header_counts_faults_that_nobody_here_switched() {
    let begun = [("volchain", "producer-stuck", Duration::from_secs(70))];
    let by_hand = vec![Simulation::by_hand()];
    let stage = Rehearsal::of_systems(by_hand, Surface::AsBuilt, &begun, (120, 40), |_setup| {}).expect("a rehearsal");
    shows(&stage, "demo: 1 fault on");
}

#[test]
fn elsewhere_there_is_neither_key_nor_entry_nor_line() {
    let check = |demo: bool| {
        let by_hand = vec![Simulation::by_hand()];
        let begun = Rehearsal::of_systems(by_hand, Surface::AsBuilt, &[], (160, 50), |setup| {
            setup.console.demo = demo;
        });
        let mut stage = begun.expect("a rehearsal");
        let says = |stage: &Rehearsal, words: &str| if demo { shows(stage, words) } else { shows_not(stage, words) };
        says(&stage, "d demo's faults");
        stage.press("d");
        assert_eq!(stage.app.asks().is_some(), demo);
        stage.press("esc");
        stage.press("?");
        stage.type_text("demo");
        says(&stage, "let something go wrong");
        stage.press("esc");
        stage.press(":");
        stage.type_text("demo_faults");
        says(&stage, "let something go wrong");
        stage.press("enter");
        assert_eq!(stage.app.asks(), if demo { Some("the demo's faults") } else { Some("palette") });
    };
    check(true);
    check(false);
}

/// The whole way: the menu, the control port, the simulated node, its panel, and back.
#[test]
fn a_fault_switched_in_the_menu_is_seen_in_the_panel_and_cured_there() {
    let chain = Chain::serve("none", 0);
    let [flag, path] = on(&chain.config());
    let mut console = Console::start(&[&flag, &path], 120, 40);
    console.shows("chain health");
    console.shows("d demo's faults");
    console.type_text("d");
    console.shows("nothing real is changed");
    console.shows("on now  nothing");
    console.type_text("refused");
    console.shows("> refused");
    console.type_text("\r");
    console.shows("◆ volchain/refused");
    console.type_text("\u{1b}");
    console.shows("demo: 1 fault on");
    console.shows("■ node up");
    let told = chain.fault(&[]);
    let is_on = |line: &str| line.starts_with("volchain/refused ") && line.contains(" on ");
    assert!(told.lines().any(is_on), "{told}");
    console.type_text("d");
    console.shows("on now  1 fault");
    console.type_text("\u{18}");
    console.shows("on now  nothing");
    console.type_text("\u{1b}");
    console.shows("● node up");
    console.type_text("5");
    console.shows("in the demo, cured volchain/refused");
    console.type_text("q");
    assert!(console.ended().success());
    let (code, said) = chain.verify();
    assert_eq!(code, 0, "{said}");
}

/// A demo that is gone is said in the menu, with what to do; the console lives on.
#[test]
fn a_demo_that_has_ended_is_said_with_what_to_do() {
    let chain = Chain::serve("none", 0);
    let config = chain.path().with_extension("ron");
    std::fs::copy(chain.config(), &config).expect("copied");
    let [flag, path] = on(&config);
    let mut console = Console::start(&[&flag, &path], 120, 40);
    console.shows("chain health");
    std::fs::remove_file(chain.path().join("control.json")).expect("removed");
    console.type_text("d");
    console.shows("no demo is running in");
    console.shows("ctrl-r asks again");
    console.type_text("\u{1b}");
    console.shows("chain health");
    console.type_text("q");
    assert!(console.ended().success());
}

#[test]
fn the_command_line_cures_one_those_of_a_system_and_all() {
    let chain = Chain::serve("none", 0);
    let cure = |what: &str| {
        let mut command = std::process::Command::new(crate::terminal::PROGRAM);
        let output = command.args(["demo", "cure", what, "--folder"]).arg(chain.path()).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    for (on, what, want) in [
        (vec!["idle"], "idle", "volchain/idle is cured\n"),
        (vec!["idle", "slow"], "volchain", "volchain/idle is cured\nvolchain/slow is cured\n"),
        (vec!["slow"], "all", "volchain/slow is cured\n"),
        (vec![], "all", "no fault was on\n"),
    ] {
        on.iter().for_each(|name| drop(chain.fault(&[name, "on"])));
        assert_eq!(cure(what), want);
    }
    assert!(cure("nothing-like-that").contains("is no fault of the demo"), "{}", cure("nothing-like-that"));
}
