//! A session that was recorded replays to the screen that its operator last saw.

use ratatui::buffer::Buffer;

use opsconsole::cli::replay::final_screen;
use opsconsole::cli::shot::text;
use opsconsole::shell::recorder::Recording;

use crate::terminal::{Chain, Console, wait};

fn lines(screen: &str) -> Vec<String> {
    screen.lines().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

fn replayed(path: &std::path::Path) -> Option<Buffer> {
    let recording = Recording::read(path).ok()?;
    assert!(!recording.full);
    final_screen(recording, None).ok()
}

#[test]
fn a_recording_replays_to_the_same_final_screen() {
    let chain = Chain::serve("producer-stuck", 100);
    let path = chain.folder.path().join("session");
    let (config, file) = (chain.config().display().to_string(), path.display().to_string());
    let mut console = Console::start(&["--config", &config, "--record", &file], 100, 30);
    console.shows("chain health");
    console.type_text("3");
    console.shows("fires in");
    console.type_text("\r");
    console.shows("suggested");
    console.resize(120, 36);
    console.type_text("5");
    console.shows("entries");
    // What is only looked at replays too: a filter, a zoom, a frozen screen behind which data comes in.
    console.type_text("/started\rzf");
    console.shows("FROZEN since");
    // The console stops in the middle of its life, as a lost connection stops it; what it last drew is what counts.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    console.signal(rustix::process::Signal::STOP);
    let mut seen = lines(&console.screen());
    wait("the last bytes to be drawn", || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let now = lines(&console.screen());
        std::mem::replace(&mut seen, now.clone()) == now
    });
    console.signal(rustix::process::Signal::CONT);
    console.type_text("q");
    console.ended();
    let recording = Recording::read(&path).expect("a recording");
    // Every screen that was drawn can be drawn again; the one that was seen is among the last of them.
    let mut screens = Vec::new();
    let first = recording.happened.first().expect("something happened").0.boot.0;
    let drawn = recording.happened.iter().filter(|(_, msg)| matches!(msg, opsconsole::app::Msg::Drawn));
    let times: Vec<u64> = drawn.map(|(at, _)| at.boot.0 - first).collect();
    for at in times.iter().rev().take(8) {
        let recording = Recording::read(&path).expect("a recording");
        screens.push(lines(&text(&final_screen(recording, Some(*at as f64 / 1000.0)).expect("it replays"))));
    }
    assert!(screens.contains(&seen), "seen:\n{}\n\nreplayed last:\n{}", seen.join("\n"), screens[0].join("\n"));
    assert!(replayed(&path).is_some());
}
