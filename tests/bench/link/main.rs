//! What the console costs in a terminal and how fast it answers, measured on the real binary at the far end of a line.
//!
//! `cargo bench --bench link` prints a table with the target beside each figure; a word after `--` picks the rows whose
//! group begins with it: `start`, `keys`, `steady`, `fleet`, `idle`, `slow`. Figures are of this machine in this minute: compare
//! runs side by side, not across machines.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks and starts programs")]

mod far_end;
mod fleet;
mod stage;

use std::time::{Duration, Instant};

use far_end::{Arrived, FarEnd, LOCAL, Line};
use stage::Stage;

const STARTS: usize = 21;
const KEYS: usize = 120;
const SOURCES: usize = 30;
const WATCH: Duration = Duration::from_secs(30);
/// Demos of all systems at once, with what their console may cost: CPU of one core in %, and MB.
const FLEETS: [(usize, &str, &str); 4] = [(1, "1.2", "24"), (2, "-", "-"), (4, "-", "-"), (6, "6", "64")];
/// Keys that change the page, so that each has an answer, and the words that say which page is shown.
const PAGES: [(&[u8], &str); 6] = [
    (b"2", "\u{25b8}2 target"),
    (b"3", "\u{25b8}3 alerts"),
    (b"4", "\u{25b8}4 wizard"),
    (b"5", "\u{25b8}5 journal"),
    (b"6", "\u{25b8}6 sources"),
    (b"1", "\u{25b8}1 overview"),
];
const SLOW: Line = Line { bytes_per_second: Some(2048), in_flight_bytes: 64 * 1024 };

fn main() {
    // `cargo test --benches` asks for no figures.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let stage = Stage::set();
    row("figure", "measured", "target");
    for (group, measure) in [
        ("start", start as fn(&Stage)),
        ("keys", keys),
        ("steady", steady),
        ("fleet", fleet),
        ("idle", idle),
        ("slow", slow),
    ] {
        if asked.is_empty() || asked.iter().any(|asked| group.starts_with(asked.as_str())) {
            measure(&stage);
        }
    }
}

fn row(figure: &str, measured: &str, target: &str) {
    println!("{figure:<58} {measured:>10} {target:>8}");
}

fn quantile(values: &mut [f64], at: f64) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * at).round() as usize]
}

fn start(stage: &Stage) {
    let (config, home) = (stage.one(), stage.empty_home());
    let mut plain = Vec::new();
    let mut full = Vec::new();
    for _ in 0..STARTS {
        let far_end = FarEnd::start(&config, &home, 200, 60, LOCAL);
        let arrived = far_end.collect(Duration::from_millis(250));
        // The words are there with the first frame, the boxes around them with the first full one.
        plain.extend(shown_after(&far_end, &arrived, |screen| screen.contains("chain health")));
        full.extend(shown_after(&far_end, &arrived, |screen| screen.contains('\u{256f}')));
    }
    row("start to the first plain frame, median ms", &format!("{:.1}", quantile(&mut plain, 0.5)), "-");
    row("start to the first full frame, median ms", &format!("{:.1}", quantile(&mut full, 0.5)), "20");
    row("the same, p95 ms", &format!("{:.1}", quantile(&mut full, 0.95)), "-");
}

fn keys(stage: &Stage) {
    let mut idle = latencies(&FarEnd::start(&stage.one(), &stage.empty_home(), 200, 60, LOCAL));
    row("key to screen, idle, median ms", &format!("{:.2}", quantile(&mut idle, 0.5)), "-");
    row("key to screen, idle, p95 ms", &format!("{:.2}", quantile(&mut idle, 0.95)), "3");
    let far_end = FarEnd::start(&stage.large(), &stage.home(), 200, 60, LOCAL);
    let before = stage.scrapes();
    let mut busy = latencies(&far_end);
    row("key to screen, 100 k samples every 5 s, median ms", &format!("{:.2}", quantile(&mut busy, 0.5)), "-");
    row("key to screen, 100 k samples every 5 s, p95 ms", &format!("{:.2}", quantile(&mut busy, 0.95)), "8");
    // A key in the middle of a scrape: it begins when the server has been asked once more.
    let mut during = Vec::new();
    for (key, _) in PAGES.iter().cycle().take(18) {
        let (scrapes, asked) = (stage.scrapes(), Instant::now());
        while stage.scrapes() == scrapes && asked.elapsed() < Duration::from_secs(12) {
            far_end.collect(Duration::from_millis(1));
        }
        if stage.scrapes() == scrapes {
            row("the source is asked no more: it was quarantined", "-", "-");
            break;
        }
        far_end.collect(Duration::from_millis(10 * (during.len() as u64 % 12)));
        let pressed = far_end.type_in(key);
        during.extend(far_end.next(Duration::from_secs(2)).map(|(when, _)| millis(when - pressed)));
    }
    row("key to screen, during the scrape, median ms", &format!("{:.2}", quantile(&mut during, 0.5)), "-");
    row("key to screen, during the scrape, p95 ms", &format!("{:.2}", quantile(&mut during, 0.95)), "8");
    row("scrapes of 100 k samples meanwhile", &(stage.scrapes() - before).to_string(), "-");
    row("resident memory with them, MB", &format!("{:.1}", far_end.megabytes("VmRSS")), "-");
}

fn steady(stage: &Stage) {
    let home = stage.home();
    let (one, many) = (stage.one(), stage.many(SOURCES));
    for (figure, config, size, key, bytes_target) in [
        ("overview, 30 sources at 1 s, 200x60", &many, (200, 60), b"1", "2000"),
        ("overview, 1 Hz data, 200x60", &one, (200, 60), b"1", "2000"),
        ("overview, 1 Hz data, 80x24", &one, (80, 24), b"1", "1000"),
        ("page of charts, 1 Hz data, 200x60", &one, (200, 60), b"2", "3000"),
    ] {
        let far_end = FarEnd::start(config, &home, size.0, size.1, LOCAL);
        far_end.collect(Duration::from_secs(5));
        far_end.type_in(key);
        far_end.collect(Duration::from_secs(1));
        let (cpu, began) = (far_end.cpu_seconds(), Instant::now());
        let bytes: usize = far_end.collect(WATCH).iter().map(|(_, bytes)| bytes.len()).sum();
        let seconds = began.elapsed().as_secs_f64();
        let cpu = (far_end.cpu_seconds() - cpu) / seconds * 100.0;
        row(&format!("{figure}: bytes/s"), &format!("{:.0}", bytes as f64 / seconds), bytes_target);
        row(&format!("{figure}: CPU of one core, %"), &format!("{cpu:.2}"), "0.7");
        row(&format!("{figure}: peak resident MB"), &format!("{:.1}", far_end.megabytes("VmHWM")), "14");
    }
}

/// How cost grows with targets: all systems, and the same again and again.
fn fleet(stage: &Stage) {
    let fleet = fleet::Fleet::start(FLEETS[FLEETS.len() - 1].0);
    for (demos, cpu_target, memory_target) in FLEETS {
        let (config, targets, sources) = fleet.config(demos);
        let figure = format!("{targets} targets, {sources} sources");
        let far_end = FarEnd::start(&config, &stage.empty_home(), 200, 60, LOCAL);
        // Its first polls come all at once, and so do those of the past.
        far_end.collect(Duration::from_secs(20));
        let (cpu, began) = (far_end.cpu_seconds(), Instant::now());
        let bytes: usize = far_end.collect(2 * WATCH).iter().map(|(_, bytes)| bytes.len()).sum();
        let seconds = began.elapsed().as_secs_f64();
        let cpu = (far_end.cpu_seconds() - cpu) / seconds * 100.0;
        row(&format!("{figure}: CPU of one core, %"), &format!("{cpu:.2}"), cpu_target);
        row(&format!("{figure}: bytes/s"), &format!("{:.0}", bytes as f64 / seconds), "2000");
        row(&format!("{figure}: peak resident MB"), &format!("{:.1}", far_end.megabytes("VmHWM")), memory_target);
        let mut keys = latencies(&far_end);
        row(&format!("{figure}: key to screen, p95 ms"), &format!("{:.2}", quantile(&mut keys, 0.95)), "3");
    }
}

fn idle(stage: &Stage) {
    // One source every two seconds, one every thirty, one every minute.
    let polls = 1.0 / 2.0 + 1.0 / 30.0 + 1.0 / 60.0;
    let far_end = FarEnd::start(&stage.one(), &stage.empty_home(), 200, 60, LOCAL);
    far_end.collect(Duration::from_secs(8));
    let (before, began) = (far_end.wakeups(), Instant::now());
    far_end.collect(WATCH);
    let rate = (far_end.wakeups() - before) as f64 / began.elapsed().as_secs_f64();
    row("wakeups/s, nothing but the clock and 0.55 polls/s", &format!("{rate:.2}"), &format!("{:.2}", polls + 1.0));
}

fn slow(stage: &Stage) {
    for (columns, rows) in [(200, 60), (80, 24)] {
        let far_end = FarEnd::start(&stage.one(), &stage.empty_home(), columns, rows, SLOW);
        let mut arrived = far_end.collect(Duration::from_secs(8));
        let signs = |screen: &str| screen.chars().filter(|c| !c.is_whitespace()).count();
        let whole = signs(&screen_of(&far_end, &arrived));
        let useful = shown_after(&far_end, &arrived, |screen| signs(screen) * 100 >= whole * 95);
        let memory = far_end.megabytes("VmRSS");
        let mut presses = Vec::new();
        for (key, words) in PAGES.iter().cycle().take(42) {
            presses.push((far_end.type_in(key), *words));
            // An odd pause, so that keys also come while a frame is under way.
            arrived.extend(far_end.collect(Duration::from_millis(1370)));
        }
        let (mut begun, mut whole) = latencies_on_screen(&far_end, &arrived, &presses);
        let name = format!("2 kB/s, 64 kB in flight, {columns}x{rows}");
        let useful = useful.map_or(f64::NAN, |millis| millis / 1000.0);
        row(&format!("{name}: first useful frame, s"), &format!("{useful:.2}"), "4");
        row(&format!("{name}: key to visible, p95 s"), &format!("{:.3}", quantile(&mut begun, 0.95) / 1e3), "1");
        row(
            &format!("{name}: key to the whole answer, p95 s"),
            &format!("{:.3}", quantile(&mut whole, 0.95) / 1e3),
            "-",
        );
        row(&format!("{name}: memory grew by, MB"), &format!("{:.1}", far_end.megabytes("VmRSS") - memory), "0");
    }
}

/// Milliseconds from the start until the screen was as wanted.
fn shown_after(far_end: &FarEnd, arrived: &[Arrived], wanted: impl Fn(&str) -> bool) -> Option<f64> {
    let mut screen = far_end.screen();
    let (when, _) = arrived.iter().find(|(_, bytes)| {
        screen.process(bytes);
        wanted(&screen.screen().contents())
    })?;
    Some(far_end.since_start_millis(*when))
}

fn screen_of(far_end: &FarEnd, arrived: &[Arrived]) -> String {
    let mut screen = far_end.screen();
    arrived.iter().for_each(|(_, bytes)| screen.process(bytes));
    screen.screen().contents()
}

/// For every key the milliseconds until the screen named its page, and until nothing more of its answer came.
fn latencies_on_screen(far_end: &FarEnd, arrived: &[Arrived], presses: &[(Instant, &str)]) -> (Vec<f64>, Vec<f64>) {
    let mut screen = far_end.screen();
    let (mut begun, mut whole) = (Vec::new(), Vec::new());
    let mut parts = arrived.iter().peekable();
    for (index, (pressed, words)) in presses.iter().enumerate() {
        let until = presses.get(index + 1).map(|(next, _)| *next);
        let (mut named, mut last) = (None, None);
        while let Some((when, bytes)) = parts.next_if(|(when, _)| until.is_none_or(|until| *when < until)) {
            screen.process(bytes);
            if when > pressed && named.is_none() && screen.screen().contents().contains(words) {
                named = Some(*when);
            }
            // A pause of 300 ms ends an answer: what comes later is the clock's.
            if named.is_some() && last.is_none_or(|last| *when - last < Duration::from_millis(300)) {
                last = Some(*when);
            }
        }
        // A key that was not answered before the next counts as the whole pause.
        let end = until.unwrap_or(*pressed + Duration::from_millis(1370));
        begun.push(millis(named.unwrap_or(end) - *pressed));
        whole.push(millis(last.unwrap_or(end) - *pressed));
    }
    (begun, whole)
}

/// Milliseconds from a key to the first byte of its answer, each key pressed well after the last frame.
fn latencies(far_end: &FarEnd) -> Vec<f64> {
    far_end.collect(Duration::from_secs(6));
    let mut found = Vec::new();
    for (key, _) in PAGES.iter().cycle().take(KEYS) {
        // Not in step with anything that has a rhythm of its own.
        far_end.collect(Duration::from_millis(170 + (found.len() as u64 * 37) % 90));
        let pressed = far_end.type_in(key);
        found.extend(far_end.next(Duration::from_secs(2)).map(|(when, _)| millis(when - pressed)));
    }
    found
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
