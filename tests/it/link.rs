//! What a slow line changes on the screen, and what it does not.

use std::time::Duration;

use opsconsole::app::{FrameDue, Msg};
use opsconsole::cli::shot::text;
use opsconsole::panes::model::{Link, LinkState};
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::Rehearsal;
use opsconsole::sim::volchain::Fault;

use crate::stage::{shows, shows_not};

fn stage() -> Rehearsal {
    let faults = [(Fault::ProducerStuck, Duration::from_secs(300))];
    let mut stage = Rehearsal::begin(Surface::AsBuilt, &faults, 100, 30).expect("the embedded data");
    stage.advance(Duration::from_secs(130));
    stage
}

const SLOW: Link = Link { state: LinkState::Slow { bytes_per_second: Some(2_000) }, plain: true };

/// How long after everything was brought up to date data alone asks for a frame.
fn until_next(stage: &mut Rehearsal) -> Duration {
    stage.advance(Duration::from_secs(20));
    stage.tell(Msg::Drawn);
    let FrameDue::At(due) = stage.app.frame_due() else { panic!("nothing has happened since the last frame") };
    assert!(due > stage.app.model().now.boot);
    let refresh = stage.app.model().link.refresh();
    assert!(due <= stage.app.model().now.boot.plus(refresh));
    refresh
}

#[test]
fn the_header_always_says_how_the_line_is() {
    let mut stage = stage();
    let since = stage.now().boot;
    stage.advance(Duration::from_secs(3));
    for (state, words) in [
        (LinkState::Unknown, "terminal unmeasured"),
        (LinkState::Fast, "terminal ok"),
        (LinkState::Slow { bytes_per_second: None }, "terminal slow"),
        (LinkState::Slow { bytes_per_second: Some(2_000) }, "terminal 2 kB/s"),
        (LinkState::Slow { bytes_per_second: Some(700) }, "terminal 700 B/s"),
        (LinkState::Held { since }, "terminal held 3s"),
    ] {
        stage.tell(Msg::Link(Link { state, plain: false }));
        for page in ["1", "2", "3", "4", "5", "6"] {
            stage.press(page);
            shows(&stage, words);
        }
    }
}

#[test]
fn a_plain_picture_has_every_word_and_no_decoration() {
    let mut stage = stage();
    for page in ["1", "2", "3", "5", "6", "7", "8"] {
        stage.press(page);
        stage.tell(Msg::Link(Link { state: LinkState::Fast, plain: false }));
        let full = text(&stage.screen());
        stage.tell(Msg::Link(Link { state: LinkState::Fast, plain: true }));
        let plain = text(&stage.screen());
        let words = |screen: &str| {
            let kept = |word: &&str| word.chars().any(char::is_alphanumeric);
            screen
                .split(|c: char| c.is_whitespace() || ('\u{2500}'..='\u{259f}').contains(&c))
                .filter(kept)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&plain), words(&full), "page {page}");
        assert!(full.contains('\u{256d}') && !plain.contains('\u{256d}'), "page {page}:\n{plain}");
    }
    // A dialog keeps its frame: it must not run into what is under it.
    stage.press("?");
    shows(&stage, "\u{256d}\u{2500} keys");
}

#[test]
fn what_is_dangerous_is_as_loud_on_a_slow_line() {
    let mut stage = stage();
    stage.press("3");
    stage.tell(Msg::Link(Link { state: LinkState::Fast, plain: false }));
    let loud = |stage: &Rehearsal| {
        let screen = stage.screen();
        let red = stage.app.model().theme.style(opsconsole::ui::Role::Critical).fg;
        screen
            .content
            .iter()
            .filter(|cell| Some(cell.fg) == red && cell.symbol().chars().all(char::is_alphanumeric))
            .count()
    };
    let before = loud(&stage);
    assert!(before > 0, "something is critical");
    stage.tell(Msg::Link(Link { state: LinkState::Fast, plain: true }));
    assert_eq!(loud(&stage), before);
}

#[test]
fn a_slow_line_gets_fewer_frames_and_no_seconds() {
    let mut stage = stage();
    let fast = until_next(&mut stage);
    let clock = |stage: &Rehearsal| stage.app.model().now.wall.clock();
    shows(&stage, &clock(&stage));
    stage.tell(Msg::Link(SLOW));
    let slow = until_next(&mut stage);
    assert!(slow >= fast * 3, "{slow:?} instead of {fast:?}");
    shows_not(&stage, &clock(&stage));
    shows(&stage, &clock(&stage)[..5]);
    // A key is answered as before.
    stage.tell(Msg::Drawn);
    stage.press("6");
    assert_eq!(stage.app.frame_due(), FrameDue::Now);
}

#[test]
fn a_burst_of_keys_asks_for_one_frame() {
    let mut stage = stage();
    stage.tell(Msg::Drawn);
    for _ in 0..2_000 {
        stage.press("down");
    }
    assert_eq!(stage.app.frame_due(), FrameDue::Now);
    stage.tell(Msg::Drawn);
    assert_ne!(stage.app.frame_due(), FrameDue::Now);
}
