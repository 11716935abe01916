//! No accident acts: random keys, pastes and mouse events, without and with dialogs open.

use std::time::Duration;

use opsconsole::app::{Effect, Msg};
use opsconsole::base::{Key, KeyCode};
use opsconsole::cli::shot::text;
use opsconsole::runbook::Record;
use opsconsole::sim::Surface;
use opsconsole::sim::rehearsal::{CODE, Rehearsal};
use opsconsole::sim::volchain::Fault;

/// Inputs of one test; `OPSCONSOLE_KEYS` multiplies them: 10 makes it a million and a hundred thousand.
const DISARMED: usize = 100_000;
const IN_DIALOGS: usize = 10_000;

fn times() -> usize {
    std::env::var("OPSCONSOLE_KEYS").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("below a usize")
    }

    fn msg(&mut self) -> Msg {
        const NAMED: [KeyCode; 14] = [
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::PageUp,
            KeyCode::PageDown,
        ];
        match self.below(20) {
            0 => Msg::Paste(["volchain-demo k7", "y\n", "prod/x ab", "\u{1b}[200~"][self.below(4)].to_owned()),
            1 => Msg::Mouse,
            2..6 => Msg::Key(Key::plain(NAMED[self.below(NAMED.len())])),
            _ => {
                let c = char::from(u8::try_from(32 + self.below(95)).expect("printable ASCII"));
                Msg::Key(Key { code: KeyCode::Char(c), ctrl: self.below(12) == 0, alt: self.below(30) == 0 })
            }
        }
    }
}

/// Quitting ends a console, not an accident: the script leaves those keys out.
fn quits(msg: &Msg) -> bool {
    matches!(
        msg,
        Msg::Key(Key { code: KeyCode::Char('q' | 'Q'), .. } | Key { code: KeyCode::Char('c'), ctrl: true, .. })
    )
}

fn seed() -> u64 {
    let seed = std::env::var("OPSCONSOLE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_314);
    println!("seed {seed}; set OPSCONSOLE_SEED to run it again");
    seed
}

fn stage() -> Rehearsal {
    let faults = [(Fault::ProducerStuck, Duration::from_secs(300))];
    let mut stage = Rehearsal::begin(Surface::AsBuilt, &faults, 100, 30).expect("the embedded data");
    stage.advance(Duration::from_secs(130));
    stage
}

fn acts(effect: &Effect) -> bool {
    matches!(effect, Effect::Commit { .. })
        || matches!(effect, Effect::Append { record, .. } if matches!(**record, Record::Confirmed { .. }))
}

#[test]
fn disarmed_nothing_acts_whatever_is_pressed() {
    let mut random = Random(seed());
    let mut stage = stage();
    for pressed in 0..DISARMED * times() {
        let msg = random.msg();
        // Arming takes a form with a name, a reason and minutes; the form may open, but is left before it is answered.
        if quits(&msg) || matches!(&msg, Msg::Key(key) if *key == Key::char('A')) {
            continue;
        }
        stage.tell(msg);
        // The palette leads to the form and to quitting too.
        match stage.app.asks() {
            Some("arming") => stage.press("esc"),
            Some(_) | None if stage.app.is_quitting() => stage = self::stage(),
            Some(_) | None => {}
        }
        if pressed % 500 == 0 {
            stage.advance(Duration::from_millis(250));
        }
        assert!(!stage.asked.iter().any(acts), "after {pressed} inputs something acted");
        assert!(stage.app.model().arming.is_none(), "after {pressed} inputs the console was armed");
        stage.asked.clear();
    }
}

#[test]
fn with_dialogs_open_only_the_exact_confirmation_acts() {
    let mut random = Random(seed() ^ 1);
    let mut stage = stage();
    let phrase = format!("volchain-demo {CODE}");
    let mut opened = 0;
    let mut pressed = 0;
    while pressed < IN_DIALOGS * times() {
        open_dialog(&mut stage);
        opened += 1;
        stage.asked.clear();
        // What stands in the dialog. It begins with a part of what is asked for, so that chance comes near it.
        let mut typed: String = phrase.chars().take(random.below(phrase.len())).collect();
        stage.type_text(&typed);
        for _ in 0..40 {
            let msg = random.msg();
            if quits(&msg) {
                continue;
            }
            pressed += 1;
            let asked = stage.app.asks() == Some("confirmation");
            match &msg {
                Msg::Key(Key { code: KeyCode::Char(c), ctrl: false, alt: false }) if typed.len() < phrase.len() => {
                    typed.push(*c);
                }
                Msg::Key(key) if key.code == KeyCode::Backspace => drop(typed.pop()),
                _scrolls_or_closes => {}
            }
            stage.tell(msg);
            let acted = stage.asked.iter().any(acts);
            assert!(!acted || (asked && typed == phrase), "{typed:?} confirmed");
            // The palette quits too; and what the demo's menu switched is another incident than the one rehearsed here.
            let another = stage.asked.iter().any(|effect| matches!(effect, Effect::Demo { .. }));
            if acted || another || stage.app.is_quitting() {
                stage = self::stage();
                break;
            }
        }
        stage.tell(Msg::Key(Key::plain(KeyCode::Esc)));
        stage.tell(Msg::Key(Key::plain(KeyCode::Esc)));
    }
    assert!(opened > 50, "the dialog was open {opened} times");
}

/// Armed, at the step that acts, with its confirmation open.
fn open_dialog(stage: &mut Rehearsal) {
    for _ in 0..3 {
        stage.press("esc");
    }
    if stage.app.model().freeze.is_some() {
        stage.press("f");
    }
    if stage.app.model().arming.is_none() {
        stage.press("A");
        stage.type_text("INC-1 random");
        stage.press("enter");
        stage.press("enter");
    }
    let closed = stage.app.model().run().is_none_or(|run| run.closed.is_some());
    if closed {
        stage.press("3");
        for key in ["/", "ctrl-u", "enter", "g"] {
            stage.press(key);
        }
        stage.press("enter");
        stage.advance(Duration::from_secs(2));
        stage.press("enter");
        stage.advance(Duration::from_secs(1));
    }
    stage.press("4");
    // What was called done by hand is measured, and has no dialog any more: the next run has.
    if stage.app.model().run().is_some_and(|run| run.steps.values().any(|step| step.by_hand.is_some())) {
        stage.press("C");
        stage.type_text("done by hand");
        stage.press("enter");
        stage.advance(Duration::from_secs(1));
        return open_dialog(stage);
    }
    stage.press("X");
    assert!(
        stage.asked.iter().any(|effect| matches!(effect, Effect::Prepare { .. })),
        "the confirmation opened:\n{}",
        text(&stage.screen())
    );
}
