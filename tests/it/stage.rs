//! Looking at a rehearsed screen.

use opsconsole::cli::shot::text;
use opsconsole::sim::rehearsal::Rehearsal;

/// The screen shows this somewhere.
pub fn shows(stage: &Rehearsal, wanted: &str) {
    let screen = text(&stage.screen());
    assert!(screen.contains(wanted), "{wanted:?} is not on the screen:\n{screen}");
}

/// The screen shows this nowhere.
pub fn shows_not(stage: &Rehearsal, unwanted: &str) {
    let screen = text(&stage.screen());
    assert!(!screen.contains(unwanted), "{unwanted:?} is on the screen:\n{screen}");
}
