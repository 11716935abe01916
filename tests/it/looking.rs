//! What is the same on every page: zoom, freeze, filter, palette, help, back and forward, copy, and all at once.

use std::time::Duration;

use opsconsole::app::{Effect, Msg};
use opsconsole::cli::shot::text;
use opsconsole::panes::Page;
use opsconsole::runbook::Record;
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{CODE, Rehearsal};
use opsconsole::sim::volchain::Fault;
use opsconsole::ui::action::{ACTIONS, Danger};

use crate::stage::{shows, shows_not};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A chain whose producer got stuck that long ago: the alert fires three minutes after.
fn stuck(age: u64) -> Rehearsal {
    Rehearsal::begin(Surface::AsBuilt, &[(Fault::ProducerStuck, seconds(age))], 120, 40).expect("the embedded data")
}

fn press(stage: &mut Rehearsal, keys: &[&str]) {
    keys.iter().for_each(|key| stage.press(key));
}

/// Opens the palette, types, and chooses the best match.
fn choose(stage: &mut Rehearsal, typed: &str) {
    stage.press(":");
    stage.type_text(typed);
    stage.press("enter");
}

fn copied(stage: &mut Rehearsal) -> Option<String> {
    stage.asked.clear();
    stage.press("c");
    stage.asked.iter().find_map(|effect| match effect {
        Effect::Copy(text) => Some(text.clone()),
        _ => None,
    })
}

fn arm(stage: &mut Rehearsal) {
    stage.press("A");
    stage.type_text("INC-1 stale");
    press(stage, &["enter", "enter"]);
}

/// On the step that acts, armed.
fn at_the_act() -> Rehearsal {
    let mut stage = stuck(400);
    press(&mut stage, &["3", "enter"]);
    stage.advance(seconds(3));
    stage.press("enter");
    stage.advance(seconds(1));
    arm(&mut stage);
    shows(&stage, "ARMED");
    stage
}

#[test]
fn every_part_of_every_page_is_shown_alone_and_says_the_way_back() {
    let mut stage = stuck(400);
    for (key, parts) in [("1", 6), ("2", 5), ("3", 3), ("4", 3), ("5", 2), ("6", 2), ("7", 3), ("8", 2), ("9", 2)] {
        stage.press(key);
        for part in 1..=parts {
            stage.press("z");
            shows(&stage, &format!("alone, {part} of {parts}"));
            shows(&stage, "esc whole page");
        }
        stage.press("z");
        shows_not(&stage, "alone,");
        press(&mut stage, &["z", "esc"]);
        shows_not(&stage, "alone,");
        assert_eq!(stage.app.page(), Page::ALL[key.parse::<usize>().expect("a digit") - 1]);
    }
}

#[test]
fn the_text_of_a_part_alone_is_scrolled_and_the_list_goes_on_being_moved() {
    let mut stage = stuck(400);
    stage.resize(60, 12);
    press(&mut stage, &["6", "z", "z"]);
    shows(&stage, "/volchain/health");
    let top = text(&stage.screen());
    stage.press("pagedown");
    assert_ne!(text(&stage.screen()), top);
    stage.press("down");
    shows_not(&stage, "GET /volchain/health");
    shows(&stage, "alone, 2 of 2");
    stage.press("up");
    assert_eq!(text(&stage.screen()), top);
}

#[test]
fn a_frozen_screen_stands_still_while_data_comes_in_and_says_what_fires() {
    let mut stage = stuck(100);
    shows_not(&stage, "firing");
    press(&mut stage, &["3", "f"]);
    shows(&stage, "FROZEN since 03:00:01 UTC, f ends it · 0 batches came in");
    let page = |stage: &Rehearsal| text(&stage.screen()).lines().skip(3).map(str::to_owned).collect::<Vec<_>>();
    let (before, version) = (page(&stage), stage.app.model().store.version());
    stage.advance(seconds(200));
    // The settings are told three times meanwhile, which nothing brought.
    let (came, model) = (stage.app.model().store.version() - version - 3, stage.app.model());
    assert!(came > 10);
    assert_eq!(model.freeze.as_ref().map(|freeze| freeze.batches), Some(came));
    shows(&stage, "since then FIRING VolchainBlocksStale");
    shows(&stage, &format!("{came} batches came in"));
    assert_eq!(before[..before.len() - 1], page(&stage)[..before.len() - 1]);
    // The clock and the number of firing alerts are of now.
    shows(&stage, "03:03:2");
    shows(&stage, "alerts ◆1");
    stage.press("f");
    shows(&stage, "firing");
    shows(&stage, "for ");
    shows_not(&stage, "FROZEN");
}

#[test]
fn nobody_decides_on_frozen_facts() {
    let mut stage = at_the_act();
    stage.press("f");
    stage.asked.clear();
    for key in ["X", "enter", "o", "U", "C", "A"] {
        stage.press(key);
        assert_eq!(stage.app.asks(), None, "{key} opened a dialog");
    }
    for typed in ["arm console", "commit", "open the runbook", "close run"] {
        choose(&mut stage, typed);
        assert!(stage.app.asks().is_none(), "{typed} opened {:?}", stage.app.asks());
    }
    shows(&stage, "not done: the screen is frozen since");
    assert!(stage.app.model().freeze.is_some());
    assert!(stage.asked.iter().all(|effect| matches!(effect, Effect::Append { .. })), "{:?}", stage.asked);
    // Taking away the power to act is always possible.
    stage.press("D");
    shows(&stage, "observing");
    stage.press("f");
    shows(&stage, "the screen shows the present again");
}

/// The answer that opens a confirmation may come after the screen was frozen.
#[test]
fn a_confirmation_never_stands_over_frozen_facts() {
    let mut stage = at_the_act();
    let now = stage.now();
    let effects = stage.app.update(now, Msg::Key("X".parse().expect("a key")));
    let prepare = effects.iter().any(|effect| matches!(effect, Effect::Prepare { .. }));
    assert!(prepare, "{effects:?}");
    stage.press("f");
    assert!(stage.app.model().freeze.is_some());
    // The same question again, and this time its answer is played.
    stage.press("f");
    stage.press("X");
    assert_eq!(stage.app.asks(), Some("confirmation"));
    assert!(stage.app.model().freeze.is_none());
}

#[test]
fn a_filter_narrows_as_it_is_typed_and_the_selection_stays() {
    let mut stage = stuck(400);
    press(&mut stage, &["6", "down"]);
    let chosen = copied(&mut stage).expect("a source's address");
    stage.press("/");
    stage.type_text("system");
    shows(&stage, "sources /system/ 2 of 15");
    stage.press("enter");
    stage.press("esc");
    shows_not(&stage, "/system/");
    assert_eq!(stage.app.page(), Page::Sources);
    assert_eq!(copied(&mut stage).as_ref(), Some(&chosen));
    stage.press("/");
    stage.type_text("!system(");
    shows(&stage, "hides nothing: unclosed group");
    stage.press("backspace");
    shows(&stage, "sources /!system/ 13 of 15");
    stage.press("esc");
    shows_not(&stage, "/!system/");
    press(&mut stage, &["1", "/"]);
    shows(&stage, "the overview page has no list to filter");
}

/// What a filter hides is still counted where people look for trouble.
#[test]
fn a_filter_hides_no_trouble() {
    let mut stage = stuck(400);
    stage.advance(seconds(130));
    press(&mut stage, &["3", "/"]);
    stage.type_text("nothing of that name");
    stage.press("enter");
    shows(&stage, "no alert matches the filter");
    shows(&stage, "1 firing");
    stage.asked.clear();
    stage.press("enter");
    assert!(stage.asked.is_empty(), "an alert that is not shown was opened");
}

#[test]
fn the_palette_finds_every_action_and_leads_where_its_key_leads() {
    let mut stage = stuck(400);
    for row in ACTIONS.iter().filter(|row| row.name != "palette") {
        stage.press(":");
        stage.type_text(row.name);
        let screen = text(&stage.screen());
        assert!(screen.contains(row.sentence.get(..40).unwrap_or(row.sentence)), "{}:\n{screen}", row.name);
        assert!(row.danger == Danger::None || screen.contains(row.danger.note()), "{}:\n{screen}", row.name);
        stage.press("esc");
    }
    choose(&mut stage, "page_journal");
    assert_eq!(stage.app.page(), Page::Journal);
    choose(&mut stage, "show alone entry");
    shows(&stage, "entry alone, 2 of 2");
    choose(&mut stage, "select target volchain");
    assert_eq!(stage.app.page(), Page::Target);
    choose(&mut stage, "open the runbook stale");
    stage.advance(seconds(2));
    assert_eq!(stage.app.page(), Page::Wizard);
    assert!(stage.app.model().run().is_some());
}

#[test]
fn the_palette_is_no_way_around_a_confirmation() {
    let mut stage = at_the_act();
    stage.asked.clear();
    choose(&mut stage, "open the confirmation");
    assert_eq!(stage.app.asks(), Some("confirmation"));
    assert!(!stage.asked.iter().any(|effect| matches!(effect, Effect::Commit { .. })));
    stage.press("end");
    stage.type_text("volchain-demo ");
    stage.type_text(CODE);
    assert!(stage.asked.iter().any(|effect| matches!(effect, Effect::Commit { .. })));
}

#[test]
fn help_begins_with_the_page_and_is_searched() {
    let mut stage = stuck(100);
    press(&mut stage, &["5", "?"]);
    shows(&stage, "on this page: journal");
    stage.type_text("confirmation");
    shows(&stage, "acts, after its confirmation");
    shows_not(&stage, "on this page");
    stage.press("esc");
    assert_eq!(stage.app.asks(), None);
}

#[test]
fn back_and_forward_go_through_what_was_looked_at() {
    let mut stage = stuck(400);
    press(&mut stage, &["6", "down", "down"]);
    let chosen = copied(&mut stage);
    press(&mut stage, &["3", "enter"]);
    stage.advance(seconds(1));
    assert_eq!(stage.app.page(), Page::Wizard);
    press(&mut stage, &["6", "g"]);
    assert_ne!(copied(&mut stage), chosen);
    press(&mut stage, &["backspace"]);
    assert_eq!(stage.app.page(), Page::Wizard);
    press(&mut stage, &["ctrl-o", "alt-left"]);
    assert_eq!(stage.app.page(), Page::Sources);
    assert_eq!(copied(&mut stage), chosen, "the selection is the one of then");
    press(&mut stage, &["ctrl-f", "alt-right", "ctrl-f"]);
    assert_eq!(stage.app.page(), Page::Sources);
    assert_ne!(copied(&mut stage), chosen, "and forward it is the later one again");
    stage.press("ctrl-f");
    shows(&stage, "nothing to go forward to");
    (0..200).for_each(|n| press(&mut stage, &[["1", "2", "3"][n % 3]]));
    (0..200).for_each(|_| press(&mut stage, &["esc"]));
    assert_eq!(stage.app.page(), Page::Overview);
    shows(&stage, "nothing was looked at before this");
}

#[test]
fn one_key_copies_what_is_selected_on_every_page() {
    let mut stage = stuck(400);
    let mut check = |keys: &[&str], want: &str| {
        press(&mut stage, keys);
        let text = copied(&mut stage).unwrap_or_else(|| panic!("{keys:?} copies nothing"));
        assert!(text.contains(want) && !text.contains('\n'), "{keys:?}: {text}");
        shows(&stage, "copied ");
    };
    check(&["1"], "VolchainBlocksStale{");
    check(&["z"], "chain health: last block ");
    check(&["esc", "2", "G"], "ledger errors, 5 min");
    check(&["3"], "VolchainBlocksStale{");
    check(&["6"], "http://127.0.0.1:3001/volchain/health");
    check(&["5"], "ops ");
    check(&["7", "j"], "{");
    check(&["8"], "username=digger");
    let mut stage = at_the_act();
    let copied = copied(&mut stage).expect("the step's command");
    assert!(copied.contains("systemctl restart"), "{copied}");
}

/// Everything at once: zoomed, filtered, frozen, resized, an alert firing, and a confirmation being answered.
#[test]
fn all_at_once_stays_true() {
    let mut stage = at_the_act();
    press(&mut stage, &["3", "/"]);
    stage.type_text("stale");
    press(&mut stage, &["enter", "z", "f"]);
    shows(&stage, "alerts /stale/ 1 of 7");
    shows(&stage, "alone, 1 of 3");
    shows(&stage, "FROZEN");
    stage.fault(Fault::ProducerStuck, false);
    stage.advance(seconds(30));
    stage.fault(Fault::ProducerStuck, true);
    stage.advance(seconds(200));
    shows(&stage, "since then FIRING VolchainBlocksStale");
    for (columns, rows) in [(20, 5), (200, 60), (40, 10), (1, 1), (80, 24)] {
        stage.resize(columns, rows);
        let screen = text(&stage.screen());
        assert!(columns < 40 || screen.contains("FROZEN since"), "{screen}");
    }
    stage.press("X");
    shows(&stage, "▸3 alerts");
    press(&mut stage, &["4", "X"]);
    shows(&stage, "not done: the screen is frozen");
    press(&mut stage, &["f", "X"]);
    // The chain recovered and got stuck again: what the run would do is judged on what is measured now, or refused.
    let dialog = stage.app.asks();
    assert!(dialog.is_none() || dialog == Some("confirmation"), "{dialog:?}");
    if dialog.is_some() {
        assert!(stage.app.model().freeze.is_none());
    }
}

/// Nothing is answered that can not be seen.
#[test]
fn a_dialog_in_a_window_that_is_too_small_can_only_be_closed() {
    let mut stage = at_the_act();
    stage.resize(20, 5);
    stage.press("X");
    assert_eq!(stage.app.asks(), Some("confirmation"));
    shows(&stage, "esc closes:");
    stage.asked.clear();
    stage.type_text("volchain-demo ");
    stage.type_text(CODE);
    press(&mut stage, &["enter", "end"]);
    assert_eq!(stage.app.asks(), Some("confirmation"));
    assert!(stage.asked.is_empty());
    stage.press("esc");
    assert_eq!(stage.app.asks(), None);
    let refused =
        |effect: &Effect| matches!(effect, Effect::Append { record, .. } if matches!(**record, Record::Refused { .. }));
    assert!(stage.asked.iter().any(refused));
}

#[test]
fn every_overlay_is_drawn_at_any_size() {
    for keys in [&["?"][..], &[":"], &["3", "/"], &["A"], &["2", "z", "z", "z"], &["f"]] {
        let mut stage = stuck(400);
        press(&mut stage, keys);
        for (columns, rows) in [(0, 0), (1, 1), (3, 3), (20, 5), (39, 9), (40, 10), (80, 24), (300, 90)] {
            stage.resize(columns, rows);
            let screen = text(&stage.screen());
            assert!(columns != 20 || screen.contains("window too small"), "{keys:?}: {screen}");
        }
    }
}

#[test]
fn overlays_look_as_they_were_last_seen() {
    for (name, keys, typed) in [
        ("help", &["3", "?"][..], ""),
        ("help_found", &["?"], "journ"),
        ("palette", &[":"], ""),
        ("palette_found", &["ctrl-p"], "arm"),
        ("filter", &["3", "/"], "!quiet"),
        ("filter_broken", &["2", "/"], "(up"),
        ("zoom", &["z", "z"], ""),
        ("frozen", &["f"], ""),
    ] {
        let mut stage = stuck(400);
        press(&mut stage, keys);
        stage.type_text(typed);
        for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
            stage.resize(columns, rows);
            insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), text(&stage.screen()));
        }
    }
}
