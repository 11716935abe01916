//! What one complete control sequence means.
//!
//! To teach the console a sequence: one arm here and one row in the parser's table of tests. What has no arm is
//! [`TermEvent::Unknown`].

use crate::base::text::is_hostile;
use crate::base::{Key, KeyCode};

use super::input::TermEvent;

/// What a control sequence is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Csi {
    Event(TermEvent),
    PasteBegins,
}

impl Csi {
    /// Whether no press of a key is ever written like this, with whatever modifiers.
    pub(super) fn is_said_by_the_terminal(&self) -> bool {
        match self {
            Csi::Event(event) => match event {
                TermEvent::Status
                | TermEvent::CursorPosition { .. }
                | TermEvent::ModeReport { .. }
                | TermEvent::Focus(_)
                | TermEvent::Mouse
                | TermEvent::Paste { .. } => true,
                TermEvent::Key(_) | TermEvent::Unknown => false,
            },
            Csi::PasteBegins => true,
        }
    }
}

/// The modifiers as xterm and kitty encode them: one plus a sum of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Modifiers {
    shift: bool,
    ctrl: bool,
    alt: bool,
    /// Super, hyper or meta: no key of ours has them, and dropping them would make another key of it.
    foreign: bool,
}

impl Modifiers {
    fn decode(parameter: Option<u32>, alt: bool) -> Modifiers {
        let bits = parameter.unwrap_or(1).saturating_sub(1);
        Modifiers {
            shift: bits & 1 != 0,
            alt: alt || bits & 2 != 0,
            ctrl: bits & 4 != 0,
            foreign: bits & (8 | 16 | 32) != 0,
        }
    }

    fn key(self, code: KeyCode) -> TermEvent {
        if self.foreign {
            return TermEvent::Unknown;
        }
        let code = if self.shift && code == KeyCode::Tab { KeyCode::BackTab } else { code };
        TermEvent::Key(Key { code, ctrl: self.ctrl, alt: self.alt })
    }
}

/// Parameters, each with its sub-parameters, as `1;5:3` has them.
struct Parameters<'a> {
    text: &'a [u8],
}

impl<'a> Parameters<'a> {
    fn nth(&self, index: usize) -> Option<&'a [u8]> {
        self.text.split(|byte| *byte == b';').nth(index)
    }

    fn count(&self) -> usize {
        if self.text.is_empty() { 0 } else { self.text.split(|byte| *byte == b';').count() }
    }

    /// The `sub`th part of the `index`th parameter; none where it is left out or is no number.
    fn number(&self, index: usize, sub: usize) -> Option<u32> {
        let part = self.nth(index)?.split(|byte| *byte == b':').nth(sub)?;
        if part.is_empty() || part.len() > 9 {
            return None;
        }
        part.iter().try_fold(0_u32, |sum, byte| {
            let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
            sum.checked_mul(10)?.checked_add(u32::from(digit))
        })
    }
}

/// The meaning of `CSI held last`. `alt`: a further ESC stood before.
pub(super) fn csi(held: &[u8], last: u8, alt: bool) -> Csi {
    let split = held.iter().position(|byte| (0x20..=0x2f).contains(byte)).unwrap_or(held.len());
    let (parameters, intermediates) = held.split_at(split);
    let (private, parameters) = match parameters.first() {
        Some(mark @ b'<'..=b'?') => (Some(*mark), &parameters[1..]),
        Some(_) | None => (None, parameters),
    };
    let parameters = Parameters { text: parameters };
    let event = match (private, intermediates, last) {
        (None, b"", b'~') if parameters.number(0, 0) == Some(200) => return Csi::PasteBegins,
        (None, b"", _) => plain(&parameters, last, alt),
        (Some(b'<'), b"", b'M' | b'm') => TermEvent::Mouse,
        (Some(b'?'), b"", b'R') => position(&parameters),
        (Some(b'?'), b"$", b'y') => mode_report(&parameters),
        _other => TermEvent::Unknown,
    };
    Csi::Event(event)
}

fn plain(parameters: &Parameters<'_>, last: u8, alt: bool) -> TermEvent {
    // A kitty event type of 3 is a release; only presses and repeats are keys.
    if parameters.number(1, 1).is_some_and(|event| event > 2) {
        return TermEvent::Unknown;
    }
    let modifiers = Modifiers::decode(parameters.number(1, 0), alt);
    match last {
        b'R' if parameters.count() == 2 => position(parameters),
        b'n' if parameters.count() == 1 && parameters.number(0, 0) == Some(0) => TermEvent::Status,
        b'I' if parameters.count() == 0 => TermEvent::Focus(true),
        b'O' if parameters.count() == 0 => TermEvent::Focus(false),
        b'M' => TermEvent::Mouse,
        b'u' => unicode_key(parameters.number(0, 0), parameters.number(0, 1), modifiers),
        b'~' if parameters.number(0, 0) == Some(27) => unicode_key(parameters.number(2, 0), None, modifiers),
        b'~' => tilde(parameters.number(0, 0), modifiers),
        // rxvt marks ctrl by the last byte.
        b'^' | b'@' => tilde(parameters.number(0, 0), Modifiers { ctrl: true, ..modifiers }),
        b'Z' => Modifiers { shift: false, ..modifiers }.key(KeyCode::BackTab),
        // rxvt marks shift by a small letter.
        b'a'..=b'd' if parameters.count() == 0 => letter(last.to_ascii_uppercase(), modifiers),
        _other => letter(last, modifiers),
    }
}

/// The meaning of `SS3 last`, as arrows in application mode and F1 to F4 have it.
pub(super) fn ss3(last: u8, alt: bool) -> TermEvent {
    let modifiers = Modifiers { alt, ..Modifiers::default() };
    match last {
        // rxvt's ctrl-arrows.
        b'a'..=b'd' => letter(last.to_ascii_uppercase(), Modifiers { ctrl: true, ..modifiers }),
        b'M' => modifiers.key(KeyCode::Enter),
        // The keypad in application mode.
        b'j'..=b'y' => modifiers.key(KeyCode::Char(char::from(last - 0x40))),
        _other => letter(last, modifiers),
    }
}

fn letter(last: u8, modifiers: Modifiers) -> TermEvent {
    let code = match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P' => KeyCode::Function(1),
        b'Q' => KeyCode::Function(2),
        b'R' => KeyCode::Function(3),
        b'S' => KeyCode::Function(4),
        _other => return TermEvent::Unknown,
    };
    modifiers.key(code)
}

fn tilde(number: Option<u32>, modifiers: Modifiers) -> TermEvent {
    let code = match number {
        Some(1 | 7) => KeyCode::Home,
        Some(3) => KeyCode::Delete,
        Some(4 | 8) => KeyCode::End,
        Some(5) => KeyCode::PageUp,
        Some(6) => KeyCode::PageDown,
        Some(number @ 11..=15) => KeyCode::Function((number - 10) as u8),
        Some(number @ 17..=21) => KeyCode::Function((number - 11) as u8),
        Some(number @ 23..=24) => KeyCode::Function((number - 12) as u8),
        Some(_) | None => return TermEvent::Unknown,
    };
    modifiers.key(code)
}

/// A key by its code point, as kitty's and xterm's own encodings have it.
fn unicode_key(code: Option<u32>, shifted: Option<u32>, modifiers: Modifiers) -> TermEvent {
    let Some(c) = code.and_then(char::from_u32) else {
        return TermEvent::Unknown;
    };
    let code = match c {
        '\r' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\u{1b}' => KeyCode::Esc,
        '\u{7f}' | '\u{8}' => KeyCode::Backspace,
        // Kitty's private code points for keys without a character.
        '\u{e000}'..='\u{f8ff}' => return TermEvent::Unknown,
        c if is_hostile(c) => return TermEvent::Unknown,
        c if modifiers.shift => match shifted.and_then(char::from_u32).filter(|c| !is_hostile(*c)) {
            Some(shifted) => KeyCode::Char(shifted),
            None => KeyCode::Char(c.to_ascii_uppercase()),
        },
        c => KeyCode::Char(c),
    };
    modifiers.key(code)
}

fn position(parameters: &Parameters<'_>) -> TermEvent {
    let number = |index| parameters.number(index, 0).and_then(|number| u16::try_from(number).ok());
    match (number(0), number(1)) {
        (Some(row), Some(column)) => TermEvent::CursorPosition { row, column },
        (Some(_) | None, _) => TermEvent::Unknown,
    }
}

fn mode_report(parameters: &Parameters<'_>) -> TermEvent {
    match (parameters.number(0, 0).and_then(|mode| u16::try_from(mode).ok()), parameters.number(1, 0)) {
        // 0: not recognised; 4: recognised and for ever off.
        (Some(mode), Some(setting)) => TermEvent::ModeReport { mode, known: !matches!(setting, 0 | 4) },
        (Some(_) | None, _) => TermEvent::Unknown,
    }
}
