//! Keys in, orders out; what is told is shown, at every size and in every theme.

use super::*;
use crate::base::{Boot, Wall};
use crate::model::FaultKind;
use crate::ui::overlay::Overlay;
use crate::ui::theme::EMBEDDED;
use crate::ui::widget::testing::{screen_of, text_of};
use crate::ui::{Keymap, Role};

const AREA: Rect = Rect { x: 0, y: 0, width: 80, height: 24 };
/// 2026-11-21T03:04:05Z
const NOW: At = At { boot: Boot(259_200_000), wall: Wall(1_795_230_245_000) };

fn fault(system: &str, name: &str, on: bool) -> FaultState {
    FaultState {
        system: system.to_owned(),
        name: name.to_owned(),
        sentence: format!("what happens on {system} while {name} is so, in as many words as it takes to say it"),
        kind: FaultKind::Chain,
        on,
        since: on.then_some(Wall(NOW.wall.0 - 61_000)),
        raises: if name == "slow" { Vec::new() } else { vec![format!("{system}-{name}-alert")] },
        ends_by_restart: name == "stuck",
    }
}

fn faults() -> Vec<FaultState> {
    vec![
        fault("anchor", "stuck", false),
        fault("anchor", "flood", true),
        fault("anchor", "slow", false),
        fault("beacon", "forked", false),
        fault("beacon", "slow", false),
    ]
}

fn told(faults: Vec<FaultState>) -> FaultMenu {
    let mut menu = FaultMenu::new(Some("/run/demo".to_owned()));
    menu.begin(DemoOrder::Tell);
    menu.told(NOW, Ok(faults));
    menu
}

fn press(menu: &mut FaultMenu, keys: &str) -> Vec<DemoOrder> {
    let mut orders = Vec::new();
    for key in keys.split(' ') {
        if menu.key(key.parse().expect(key), AREA) == Answer::Yes {
            orders.extend(menu.take_order());
        }
    }
    orders
}

fn switch(system: &str, name: &str, on: bool) -> DemoOrder {
    DemoOrder::Switch { system: system.to_owned(), name: name.to_owned(), on }
}

fn drawn(menu: &FaultMenu, theme: &Theme, width: u16, height: u16) -> Buffer {
    let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
    let area = buf.area;
    menu.render(theme, area, &mut buf);
    buf
}

fn screen(menu: &FaultMenu) -> String {
    text_of(&drawn(menu, &Theme::standard(), 80, 24))
}

#[test]
fn enter_switches_what_is_selected_the_other_way() {
    let check = |keys: &str, want: Vec<DemoOrder>| assert_eq!(press(&mut told(faults()), keys), want, "{keys}");
    check("enter", vec![switch("anchor", "flood", false)]);
    check("up up enter", vec![switch("anchor", "flood", false)]);
    check("down enter", vec![switch("anchor", "stuck", true)]);
    check("down down enter", vec![switch("anchor", "flood", false)]);
    check("down down down down enter", vec![switch("beacon", "forked", true)]);
    check("pagedown enter", vec![switch("beacon", "slow", true)]);
    check("ctrl-n ctrl-p enter", vec![switch("anchor", "flood", false)]);
    check("b e a c enter", vec![switch("beacon", "forked", true)]);
    check("s l o w down enter", vec![switch("beacon", "slow", true)]);
    check("z z enter ctrl-t", vec![]);
    check("ctrl-t", vec![DemoOrder::Cure { system: Some("anchor".to_owned()) }]);
    check("ctrl-x", vec![DemoOrder::Cure { system: None }]);
    check("ctrl-r", vec![DemoOrder::Tell]);
}

#[test]
fn the_cursor_stays_with_the_fault_that_was_switched() {
    let mut menu = told(faults());
    press(&mut menu, "down down down down");
    let mut after = faults();
    after[3] = fault("beacon", "forked", true);
    menu.told(NOW, Ok(after));
    assert_eq!(press(&mut menu, "enter"), [switch("beacon", "forked", false)]);
    // What was cured from among what is on is found in its system.
    let mut menu = told(faults());
    let mut after = faults();
    after[1] = fault("anchor", "flood", false);
    menu.told(NOW, Ok(after));
    assert_eq!(press(&mut menu, "enter"), [switch("anchor", "flood", true)]);
}

#[test]
fn one_order_is_under_way_at_a_time_and_nothing_is_shown_before_it_is_told() {
    let mut menu = told(faults());
    menu.begin(switch("anchor", "stuck", true));
    assert_eq!(press(&mut menu, "enter ctrl-x ctrl-r"), []);
    let before = screen(&menu);
    assert!(before.contains("switching anchor/stuck on") && before.contains("demo: 1 of 5 faults on"), "{before}");
    menu.told(NOW, Ok(faults()));
    assert!(screen(&menu).contains("as of 03:04:05 UTC"), "{}", screen(&menu));
}

#[test]
fn trouble_says_what_to_do_and_keeps_the_list() {
    let mut menu = told(faults());
    menu.told(NOW, Err("no demo is running in /run/demo".to_owned()));
    let said = screen(&menu).split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
    for words in ["no demo is running", "the list is that of before", "ctrl-r asks again", "demo --folder /run/demo"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(press(&mut menu, "ctrl-r"), [DemoOrder::Tell]);
    let mut nowhere = FaultMenu::new(None);
    assert_eq!(press(&mut nowhere, "enter ctrl-r ctrl-x"), []);
    assert!(screen(&nowhere).contains("start it with opsconsole demo"), "{}", screen(&nowhere));
}

#[test]
fn what_is_on_stands_at_the_top_and_is_found_by_its_state() {
    let lines = |typed: &str| list::lines(&faults(), typed);
    let system = |name: &str, on, all| Line::System { name: name.to_owned(), on, all };
    let of = |place| Line::Fault(Spot::System, place);
    let all = vec![
        Line::On(1),
        Line::Fault(Spot::On, 1),
        system("anchor", 1, 3),
        of(0),
        of(1),
        of(2),
        system("beacon", 0, 2),
        of(3),
        of(4),
    ];
    assert_eq!(lines(""), all);
    assert_eq!(lines("FLOOD-alert"), [Line::On(1), Line::Fault(Spot::On, 1), system("anchor", 1, 3), of(1)]);
    assert_eq!(lines("beacon forked off"), [Line::On(1), system("beacon", 0, 2), of(3)]);
    assert_eq!(lines("zzz"), [Line::On(1), Line::Nothing("no fault is found by these words")]);
    assert_eq!(list::lines(&[], ""), []);
}

#[test]
fn it_looks_as_it_was_last_seen() {
    for (width, height) in [(80, 24), (200, 60)] {
        let buf = drawn(&told(faults()), &Theme::standard(), width, height);
        insta::assert_snapshot!(format!("faults_{width}x{height}"), screen_of(&buf, &Theme::standard()));
    }
}

/// In every theme the banner has the demo's own style, and without colour or signs the words are all there.
#[test]
fn it_is_plainly_the_demos_in_every_theme_and_in_ascii() {
    for (name, text) in EMBEDDED {
        let theme = Theme::parse(name, text).expect("an embedded theme has no mistakes");
        let buf = drawn(&told(faults()), &theme, 80, 24);
        let demo = theme.style(Role::Demo);
        let is = |cell: &&ratatui::buffer::Cell| {
            (demo.bg.is_none() || cell.style().bg == demo.bg) && cell.modifier.contains(demo.add_modifier)
        };
        let badge = buf.content().iter().filter(is).count();
        assert!(badge >= " DEMO ".len(), "{name}");
        let ascii = drawn(&told(faults()), &theme.with_ascii(true), 80, 24);
        assert!(ascii.content().iter().all(|cell| cell.symbol().is_ascii()), "{name}");
        let said = text_of(&ascii);
        for words in ["DEMO", "nothing real is changed", "on 03:03:04", "off", "enter: cure it", "anchor-flood-alert"] {
            assert!(said.contains(words), "{name}, {words}: {said}");
        }
    }
}

#[test]
fn hostile_words_of_a_fault_reach_no_cell() {
    let mut hostile = faults();
    hostile[1].name = "a\x1b]0;x\x07\u{202e}".to_owned();
    hostile[1].sentence = "b\u{9b}2J\r\n".repeat(40);
    hostile[1].raises = vec!["\u{200b}c".to_owned()];
    for (width, height) in [(80, 24), (200, 60)] {
        for cell in drawn(&told(hostile.clone()), &Theme::standard(), width, height).content() {
            assert!(!cell.symbol().chars().any(crate::base::text::is_hostile), "{:?}", cell.symbol());
        }
    }
}

#[test]
fn no_size_brings_it_down() {
    let many: Vec<FaultState> = (0..60).map(|at| fault("anchor", &format!("f{at}"), at % 7 == 0)).collect();
    let mut menu = told(many);
    menu.key(Key::plain(KeyCode::PageDown), AREA);
    menu.told(NOW, Err("why ".repeat(90)));
    for width in 0..90 {
        for height in 0..30 {
            let mut buf = Buffer::empty(Rect { x: 0, y: 0, width, height });
            let area = buf.area;
            menu.key(Key::plain(KeyCode::Down), area);
            Overlay::Faults(Box::new(menu.clone())).render(
                &Theme::standard(),
                &Keymap::standard(),
                NOW,
                area,
                &mut buf,
            );
        }
    }
}
