//! Themes and keymaps while the console runs: gone through, loaded again, broken and mended.

use std::time::Duration;

use opsconsole::app::{Effect, Msg, Reloaded};
use opsconsole::base::Severity;
use opsconsole::cli::shot::text;
use opsconsole::panes::Page;
use opsconsole::runbook::seal::Environment;
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::Rehearsal;
use opsconsole::sim::volchain::Fault;
use opsconsole::ui::{Keymap, Theme, keymap, theme};
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;

fn stage() -> Rehearsal {
    Rehearsal::begin(Surface::AsBuilt, &[], 100, 30).expect("the embedded data")
}

fn footer(stage: &Rehearsal) -> String {
    text(&stage.screen()).lines().last().unwrap_or_default().trim().to_owned()
}

/// What the shell would answer when these files were read.
fn read(theme: Option<&str>, keymap: Option<&str>) -> Msg {
    Msg::Reloaded(Box::new(Reloaded {
        theme: theme.map(|text| Theme::parse("/etc/themes/mine.ron", text)),
        keymap: keymap.map(|text| Keymap::parse("/etc/keymaps/mine.ron", text)),
        themes: vec!["dark".to_owned(), "mine".to_owned()],
        keymaps: vec!["default".to_owned()],
        rules: Vec::new(),
    }))
}

#[test]
fn a_key_goes_through_the_themes_and_says_where_it_is() {
    let mut stage = stage();
    let mut seen = vec![stage.app.model().theme.name().to_owned()];
    for at in 1..=theme::EMBEDDED.len() {
        stage.press("T");
        let name = stage.app.model().theme.name().to_owned();
        let (place, count) = (at % theme::EMBEDDED.len() + 1, theme::EMBEDDED.len());
        assert_eq!(footer(&stage), format!("theme: {name} ({place} of {count})"));
        seen.push(name);
    }
    assert_eq!(seen.first(), seen.last());
    seen.pop();
    assert_eq!(seen, theme::EMBEDDED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn a_broken_file_keeps_the_last_good_one_until_it_is_mended() {
    let mut stage = stage();
    let before = (stage.app.model().theme.clone(), stage.app.model().keymap.clone());
    stage.tell(read(
        Some("(\n  like: \"dark\",\n  roles: {\n    Okk: \"green\", Dim: \"gren\",\n  },\n)"),
        Some("(\n  keys: {\"q\": \"qit\"},\n)"),
    ));
    assert_eq!((stage.app.model().theme.clone(), stage.app.model().keymap.clone()), before);
    let banners: Vec<&str> = stage.app.model().banners.iter().map(|banner| banner.text.as_str()).collect();
    assert_eq!(
        banners,
        [
            "themes/mine.ron:4:5: there is no role Okk; did you mean Ok? (and 1 more); the theme dark is kept",
            "keymaps/mine.ron:2:15: \"qit\" is not an action; did you mean \"quit\"?; the keymap default is kept",
        ]
    );
    assert!(stage.app.model().banners.iter().all(|banner| banner.severity == Severity::Warning));

    // One of them is mended; the other's banner stays, also when only the first was read.
    let good = r#"(like: "dark", roles: {Ok: "green bold"})"#;
    stage.tell(read(Some(good), None));
    assert_eq!(stage.app.model().theme.name(), "mine");
    assert_eq!(stage.app.model().banners.len(), 1);
    stage.tell(read(None, Some(r#"(keys: {"x": "quit"})"#)));
    assert!(stage.app.model().banners.is_empty());
    assert_eq!(footer(&stage), "keymap: mine");
}

#[test]
fn what_did_not_change_is_not_drawn_again() {
    let mut stage = stage();
    let (name, text) = theme::EMBEDDED[0];
    let (_, keys) = keymap::EMBEDDED[0];
    let same = || {
        Msg::Reloaded(Box::new(Reloaded {
            theme: Some(Theme::parse(name, text)),
            keymap: Some(Keymap::parse("default", keys)),
            themes: vec![name.to_owned()],
            keymaps: vec!["default".to_owned()],
            rules: Vec::new(),
        }))
    };
    stage.tell(Msg::Drawn);
    let due = stage.app.frame_due();
    stage.tell(same());
    assert_eq!(stage.app.frame_due(), due);
    assert!(stage.app.model().status.is_none());
}

/// A theme that is wanted and broken is passed by the next press, and the shell is asked for what is wanted.
#[test]
fn the_next_theme_follows_the_wanted_one() {
    let mut stage = stage();
    stage.tell(read(None, None));
    stage.asked.clear();
    stage.press("T");
    let load = |name: &str| Effect::Load { theme: Some(name.to_owned()), keymap: None, rules: Vec::new() };
    // A rehearsal has no such file and answers so.
    assert_eq!(stage.asked, [load("mine")]);
    assert_eq!(stage.app.model().theme.name(), "dark");
    assert_eq!(stage.app.wanted_looks().0, "mine");
    assert!(stage.app.model().banners[0].text.contains("there is no theme \"mine\""));
    stage.press("T");
    assert_eq!(stage.app.wanted_looks().0, theme::EMBEDDED[0].0);
    assert!(stage.app.model().banners.is_empty());
    stage.asked.clear();
    stage.press("ctrl-r");
    let both = Effect::Load { theme: Some("dark".to_owned()), keymap: Some("default".to_owned()), rules: Vec::new() };
    assert_eq!(stage.asked, [both]);
}

#[test]
fn a_sequence_waits_in_sight_and_is_forgotten() {
    let (file, text) = keymap::EMBEDDED.iter().find(|(name, _)| *name == "vim").expect("it is embedded");
    let begin = || {
        let keymap = |setup: &mut opsconsole::app::Setup| setup.keymap = ((*file).to_owned(), (*text).to_owned());
        Rehearsal::begin_as(Surface::AsBuilt, &[], (100, 30), keymap).expect("the embedded data")
    };
    let mut stage = begin();
    stage.press("g");
    assert!(footer(&stage).starts_with("g …  g top"), "{}", footer(&stage));
    stage.press("t");
    assert_eq!(stage.app.page(), Page::Target);
    // Another key cancels, and is not taken for itself.
    stage.press("g");
    stage.press("3");
    assert_eq!(stage.app.page(), Page::Target);
    assert!(stage.app.model().strokes.is_empty());
    stage.press("g");
    let due = stage.app.wake().expect("the sequence has an end");
    assert!(due <= stage.now().boot.plus(Duration::from_secs(2)));
    stage.advance(Duration::from_secs(3));
    assert!(stage.app.model().strokes.is_empty());
    stage.press("t");
    assert_eq!(stage.app.page(), Page::Target);
}

/// Puts an embedded theme on, as when it was chosen by name.
fn put_on(stage: &mut Rehearsal, (name, text): (&str, &str)) {
    stage.tell(Msg::Reloaded(Box::new(Reloaded {
        theme: Some(Theme::parse(name, text)),
        keymap: None,
        themes: Vec::new(),
        keymaps: Vec::new(),
        rules: Vec::new(),
    })));
    assert_eq!(stage.app.model().theme.name(), name);
}

#[test]
fn production_is_unmistakable_without_colour() {
    let band = |buffer: &Buffer, x: u16| {
        let cell = &buffer[(x, 0)];
        (cell.bg, cell.modifier.contains(Modifier::REVERSED))
    };
    for ascii in [false, true] {
        let begin = |environment: Environment| {
            let stage = Rehearsal::begin_as(Surface::AsBuilt, &[], (80, 24), |setup| {
                setup.ascii = ascii;
                setup.console.demo = false;
                setup.config.targets[0].environment = environment;
            });
            stage.expect("the embedded data")
        };
        let mut production = begin(Environment::Production);
        let mut others = [Environment::Demo, Environment::Development, Environment::Staging].map(begin);
        let rule = if ascii { "=====" } else { "━━━━━" };
        for theme in theme::EMBEDDED {
            put_on(&mut production, *theme);
            let screen = production.screen();
            let shown = text(&screen);
            assert!(shown.contains(" PROD ") && shown.contains(rule), "{}\n{shown}", theme.0);
            let first = band(&screen, 0);
            assert!((0..80).all(|x| band(&screen, x) == first), "{}: the band has a hole", theme.0);
            for other in &mut others {
                put_on(other, *theme);
                let screen = other.screen();
                assert!(!text(&screen).contains("PROD") && !text(&screen).contains(rule), "{}", theme.0);
                assert_ne!(band(&screen, 40), first, "{}", theme.0);
            }
        }
    }
}

/// Every page, with and without what lies over it, in every theme.
#[test]
fn in_ascii_every_cell_is_ascii() {
    let faults = [(Fault::ProducerStuck, Duration::from_secs(200))];
    let mut stage = Rehearsal::begin_as(Surface::AsBuilt, &faults, (120, 40), |setup| setup.ascii = true)
        .expect("the embedded data");
    let check = |stage: &mut Rehearsal, what: &str| {
        for theme in theme::EMBEDDED {
            put_on(stage, *theme);
            for cell in stage.screen().content() {
                assert!(cell.symbol().is_ascii(), "{}, {what}: {:?}", theme.0, cell.symbol());
            }
        }
    };
    for page in Page::ALL {
        stage.app.show(page);
        check(&mut stage, page.word());
    }
    stage.press("?");
    check(&mut stage, "help");
    stage.press("esc");
    stage.app.show(Page::Alerts);
    stage.press("enter");
    stage.advance(Duration::from_secs(3));
    stage.press("enter");
    stage.advance(Duration::from_secs(1));
    check(&mut stage, "the runbook");
    stage.press("A");
    check(&mut stage, "arming");
    stage.type_text("INC-1");
    stage.press("enter");
    stage.press("enter");
    stage.press("X");
    check(&mut stage, "the confirmation");
}
