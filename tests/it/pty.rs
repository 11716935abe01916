//! The real binary in a terminal: what it shows, and what it leaves behind.

use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::terminal::{Chain, Console, FarEnd, PROGRAM, on, wait};

fn console(chain: &Chain, columns: u16, rows: u16) -> Console {
    let [flag, path] = on(&chain.config());
    Console::start(&[&flag, &path], columns, rows)
}

/// The terminal is left as a shell needs it: main screen, cursor shown, bracketed paste off, no colours. The last
/// bytes may still be on their way when the process has ended.
fn left_as_found(console: &Console) {
    wait("a terminal as it was found", || {
        let parser = console.parser.lock().expect("no panic holds it");
        let screen = parser.screen();
        !screen.alternate_screen()
            && !screen.hide_cursor()
            && !screen.bracketed_paste()
            && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
            && screen.fgcolor() == vt100::Color::Default
            && screen.bgcolor() == vt100::Color::Default
    });
}

#[test]
fn it_starts_draws_resizes_and_quits() {
    let chain = Chain::serve("none", 0);
    let mut console = console(&chain, 80, 24);
    console.shows("DEMO");
    console.shows("chain health");
    console.resize(120, 40);
    console.type_text("6");
    console.shows("/volchain/health");
    console.type_text("?");
    console.shows("keys");
    console.type_text("\u{1b}");
    wait("the help to close", || !console.screen().contains("╭ keys") && !console.screen().contains("─ keys ─"));
    let mode = console.parser.lock().expect("no panic holds it").screen().mouse_protocol_mode();
    assert_eq!(mode, vt100::MouseProtocolMode::None, "the mouse belongs to the terminal, for selecting text");
    console.type_text("q");
    assert!(console.ended().success());
    left_as_found(&console);
    let (code, said) = chain.verify();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn signals_leave_the_terminal_as_it_was() {
    use rustix::process::Signal;
    let chain = Chain::serve("none", 0);
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut console = console(&chain, 80, 24);
        console.shows("chain health");
        console.signal(signal);
        console.ended();
        left_as_found(&console);
    }
}

/// From the moment when the terminal is the console's: no frame has to be there yet.
#[test]
fn a_signal_before_the_first_frame_leaves_the_terminal_as_it_was() {
    use rustix::process::Signal;
    let chain = Chain::serve("none", 0);
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let mut console = console(&chain, 80, 24);
        wait("the console to take the terminal", || console.raw().windows(8).any(|bytes| bytes == b"\x1b[?1049h"));
        console.signal(signal);
        console.ended();
        left_as_found(&console);
    }
}

#[test]
fn a_terminal_that_vanishes_leaves_no_process() {
    let chain = Chain::serve("none", 0);
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).expect("a pty");
    let mut command = CommandBuilder::new(PROGRAM);
    command.args(on(&chain.config()));
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command).expect("the program starts");
    drop(pair.slave);
    // Nobody reads: what the console has written waits in the terminal, as on a line that has stalled.
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().expect("a child").is_none(), "it runs");
    drop(pair.master);
    wait("the console to end without a terminal", || child.try_wait().expect("a child").is_some());
}

#[test]
fn a_terminal_that_never_answers_is_drawn_on_all_the_same() {
    let chain = Chain::serve("none", 0);
    let [flag, path] = on(&chain.config());
    let mut console = Console::start_before(FarEnd::Silent, PROGRAM, &[&flag, &path], 100, 30);
    console.shows("chain health");
    console.shows("terminal unmeasured");
    // Frames and pictures too: nothing says that the line is slow.
    console.shows("╭");
    for (key, words) in [("6", "/volchain/health"), ("3", "severity"), ("1", "chain health")] {
        console.type_text(key);
        console.shows(words);
    }
    console.type_text("q");
    assert!(console.ended().success());
    left_as_found(&console);
    let asked = console.raw().windows(4).filter(|window| *window == b"\x1b[5n").count();
    assert!((2..=8).contains(&asked), "asked {asked} times");
}

#[test]
fn a_far_end_that_answers_late_gets_one_frame_at_a_time() {
    let chain = Chain::serve("none", 0);
    let [flag, path] = on(&chain.config());
    let pause = Duration::from_millis(400);
    let mut console = Console::start_before(FarEnd::Late(pause), PROGRAM, &[&flag, &path], 80, 24);
    console.shows("terminal");
    let before = console.raw().len();
    // Two thousand keys while a frame is under way: what they lead to is drawn, not each of them.
    for _ in 0..200 {
        console.type_text("2345612345");
    }
    console.type_text("6");
    console.shows("/volchain/health");
    let raw = console.raw();
    let asked = raw[before..].windows(4).filter(|window| *window == b"\x1b[5n").count();
    assert!(asked < 60, "{asked} frames for two thousand keys");
    console.type_text("q");
    console.ended();
    left_as_found(&console);
}

#[test]
fn stopped_and_continued_it_draws_again() {
    use rustix::process::Signal;
    let chain = Chain::serve("none", 0);
    let mut console = console(&chain, 80, 24);
    console.shows("chain health");
    console.signal(Signal::STOP);
    std::thread::sleep(Duration::from_millis(200));
    let before = console.raw().len();
    console.signal(Signal::CONT);
    wait("a whole new frame", || console.raw().len() > before + 500);
    console.type_text("q");
    console.ended();
    left_as_found(&console);
}

#[test]
fn a_misbehaving_endpoint_is_named_and_harms_only_its_source() {
    let chain = Chain::serve("none", 0);
    // One look covers no range, and what the node does not expose is said; nothing else is found.
    let findings = |said: &str| {
        let known = |line: &&str| line.contains(" is warming up") || line.contains(" is not exposed: ");
        said.lines().skip(1).filter(|line| !known(line)).map(str::to_owned).collect::<Vec<_>>()
    };
    let (code, said) = chain.command(&["check"]);
    assert_eq!((code, findings(&said)), (3, Vec::new()), "a healthy chain, looked at once: {said}");
    for (fault, words) in [
        ("refused", "connection refused"),
        ("status500", "status 500"),
        ("html", "HTML"),
        ("truncated", "in the middle"),
        ("huge", "larger than"),
        ("slow", "within"),
        ("dripping", "within"),
        ("redirect", "redirect"),
    ] {
        chain.fault(&[fault, "on"]);
        let (code, said) = chain.command(&["snapshot", "--json"]);
        assert_eq!(code, 0, "{fault}: {said}");
        assert!(said.contains(words), "{fault} is not named with {words:?}:\n{said}");
        let (code, said) = chain.command(&["check"]);
        assert!(code == 3 || code == 2, "{fault}: {code} {said}");
        assert!(!findings(&said).is_empty(), "{fault} is no finding: {said}");
        chain.fault(&[fault, "off"]);
    }
    chain.fault(&["clock-off", "on"]);
    let (_, said) = chain.command(&["snapshot", "--json"]);
    assert!(said.contains("\"clock_skew_seconds\": 4"), "{said}");
}
