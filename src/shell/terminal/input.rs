//! What a terminal sends, read byte by byte: keys, pastes, mouse reports and answers to questions.
//!
//! The parser is pure and holds no more than one unfinished sequence or paste, each with a limit. Whatever it does
//! not know is taken in whole and reported as [`TermEvent::Unknown`]: a sequence must never fall apart into keys,
//! because keys act. For the same reason nothing inside a bracketed paste is ever read as a key, however the bytes
//! are cut into reads.
//!
//! Two things can only be told by silence, which the caller measures: a lone ESC is the key and not the beginning of
//! a sequence ([`InputParser::flush_escape`]), and a sequence or paste whose end never comes is over
//! ([`InputParser::flush_unfinished`]). [`InputParser::waits`] says which of the two is due.

use crate::base::text::is_hostile;
use crate::base::{Key, KeyCode};

use super::sequence;

/// Bytes of one paste that are kept.
pub const PASTE_LIMIT_BYTES: usize = 64 * 1024;

/// Bytes of one control sequence that are looked at. Real ones have fewer than 40.
const SEQUENCE_LIMIT_BYTES: usize = 128;

/// Bytes of one OSC, DCS, APC, PM or SOS string after which a BEL ends it whatever its kind. None of them is kept.
const STRING_LIMIT_BYTES: usize = 4096;

const PASTE_END: &[u8] = b"\x1b[201~";

/// One thing that the terminal said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TermEvent {
    Key(Key),
    /// A bracketed paste. Line ends are `\n`, nothing else is changed: it may hold any character.
    Paste {
        text: String,
        /// What came beyond [`PASTE_LIMIT_BYTES`].
        dropped_bytes: usize,
    },
    Mouse,
    /// The answer to `CSI 5 n`: everything written before the question has been taken in.
    Status,
    /// Counted from 1.
    CursorPosition {
        row: u16,
        column: u16,
    },
    Focus(bool),
    /// The answer to `CSI ? mode $ p`.
    ModeReport {
        mode: u16,
        known: bool,
    },
    /// A complete sequence without a meaning here, or a character that is no text.
    Unknown,
}

/// What the next silence would decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    Nothing,
    /// A lone ESC: after about 30 ms it is the key.
    Escape,
    /// A sequence or a string without its end.
    Sequence,
    /// A paste without its end.
    Paste,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Ground,
    /// After ESC; `alt` is true after a second one.
    Escape {
        alt: bool,
    },
    /// After `CSI`; the bytes are in `held`.
    Csi {
        alt: bool,
    },
    /// A control sequence past its limit or with a byte it can not have: swallowed up to its last byte.
    CsiIgnored,
    /// After `CSI [`: the Linux console's F1 to F5.
    LinuxFunction,
    Ss3 {
        alt: bool,
    },
    /// The three bytes after `CSI M`.
    MouseX10 {
        left: u8,
    },
    /// In an OSC, DCS, APC, PM or SOS string, none of which is kept.
    String {
        osc: bool,
        seen_bytes: usize,
        escape: bool,
    },
    /// In a paste; `matched` bytes of its end marker have come.
    Paste {
        matched: usize,
    },
    /// In a character of `length` bytes, those so far in `held`.
    Utf8 {
        alt: bool,
        length: usize,
    },
}

/// An incremental reader of terminal input.
#[derive(Clone, Debug)]
pub struct InputParser {
    state: State,
    held: Vec<u8>,
    paste: Vec<u8>,
    dropped_bytes: usize,
}

impl Default for InputParser {
    fn default() -> InputParser {
        InputParser { state: State::Ground, held: Vec::new(), paste: Vec::new(), dropped_bytes: 0 }
    }
}

impl InputParser {
    #[must_use]
    pub fn new() -> InputParser {
        InputParser::default()
    }

    /// Takes bytes in, in any portions, and appends what they mean.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<TermEvent>) {
        for &byte in bytes {
            self.take(byte, out);
        }
    }

    /// What a silence would decide now.
    #[must_use]
    pub fn waits(&self) -> Waits {
        match self.state {
            State::Ground => Waits::Nothing,
            State::Escape { .. } => Waits::Escape,
            State::Paste { .. } => Waits::Paste,
            State::Csi { .. }
            | State::CsiIgnored
            | State::LinuxFunction
            | State::Ss3 { .. }
            | State::MouseX10 { .. }
            | State::String { .. }
            | State::Utf8 { .. } => Waits::Sequence,
        }
    }

    /// Nothing followed an ESC for a while: it was the key. Does nothing in any other state.
    pub fn flush_escape(&mut self, out: &mut Vec<TermEvent>) {
        if let State::Escape { alt } = self.state {
            self.state = State::Ground;
            if alt {
                out.push(key(KeyCode::Esc, false, false));
            }
            out.push(key(KeyCode::Esc, false, false));
        }
    }

    /// Nothing came for so long that whatever is unfinished will not be finished: a sequence is dropped, a paste is
    /// handed over as far as it came. Without this a stray `ESC ]` would make the keyboard dead.
    pub fn flush_unfinished(&mut self, out: &mut Vec<TermEvent>) {
        match self.state {
            State::Ground => {}
            State::Escape { .. } => self.flush_escape(out),
            State::Paste { matched } => {
                self.keep_pasted(&PASTE_END[..matched]);
                self.end_paste(out);
            }
            State::Csi { .. }
            | State::CsiIgnored
            | State::LinuxFunction
            | State::Ss3 { .. }
            | State::MouseX10 { .. }
            | State::String { .. }
            | State::Utf8 { .. } => self.end_unknown(out),
        }
    }

    fn take(&mut self, byte: u8, out: &mut Vec<TermEvent>) {
        match self.state {
            State::Ground => self.ground(byte, false, out),
            State::Escape { alt } => self.escape(byte, alt, out),
            State::Csi { alt } => self.csi(byte, alt, out),
            State::CsiIgnored => match byte {
                0x1b => self.restart(out),
                0x40..=0x7e | 0x18 | 0x1a => self.end_unknown(out),
                0x00..=0x3f | 0x7f..=0xff => {}
            },
            State::LinuxFunction => match byte {
                0x1b => self.restart(out),
                b'A'..=b'E' => self.end_with(key(KeyCode::Function(byte - b'A' + 1), false, false), out),
                _other => self.end_unknown(out),
            },
            State::Ss3 { alt } => self.ss3(byte, alt, out),
            State::MouseX10 { left } => match byte {
                0x1b => self.restart(out),
                _coordinate if left > 1 => self.state = State::MouseX10 { left: left - 1 },
                _coordinate => self.end_with(TermEvent::Mouse, out),
            },
            State::String { osc, seen_bytes, escape } => self.string(byte, osc, seen_bytes, escape, out),
            State::Paste { matched } => self.pasted(byte, matched, out),
            State::Utf8 { alt, length } => self.utf8(byte, alt, length, out),
        }
    }

    fn ground(&mut self, byte: u8, alt: bool, out: &mut Vec<TermEvent>) {
        self.state = State::Ground;
        match byte {
            0x1b => self.state = State::Escape { alt: false },
            0x00 => out.push(key(KeyCode::Char(' '), true, alt)),
            b'\t' => out.push(key(KeyCode::Tab, false, alt)),
            b'\r' => out.push(key(KeyCode::Enter, false, alt)),
            0x08 | 0x7f => out.push(key(KeyCode::Backspace, false, alt)),
            0x01..=0x1a => out.push(key(KeyCode::Char(char::from(byte - 1 + b'a')), true, alt)),
            0x1c..=0x1f => out.push(key(KeyCode::Char(char::from(byte + 0x40)), true, alt)),
            0x20..=0x7e => out.push(key(KeyCode::Char(char::from(byte)), false, alt)),
            0xc2..=0xdf => self.begin_utf8(byte, alt, 2),
            0xe0..=0xef => self.begin_utf8(byte, alt, 3),
            0xf0..=0xf4 => self.begin_utf8(byte, alt, 4),
            // Neither ASCII nor the beginning of a character: noise on the line.
            0x80..=0xc1 | 0xf5..=0xff => {}
        }
    }

    fn begin_utf8(&mut self, byte: u8, alt: bool, length: usize) {
        self.held.clear();
        self.held.push(byte);
        self.state = State::Utf8 { alt, length };
    }

    fn utf8(&mut self, byte: u8, alt: bool, length: usize, out: &mut Vec<TermEvent>) {
        if byte & 0xc0 != 0x80 {
            // The character was cut short; what came instead is read for itself.
            self.held.clear();
            self.ground(byte, false, out);
            return;
        }
        self.held.push(byte);
        if self.held.len() < length {
            return;
        }
        self.state = State::Ground;
        if let Some(c) = std::str::from_utf8(&self.held).ok().and_then(|text| text.chars().next()) {
            out.push(if is_hostile(c) { TermEvent::Unknown } else { key(KeyCode::Char(c), false, alt) });
        }
        self.held.clear();
    }

    fn escape(&mut self, byte: u8, alt: bool, out: &mut Vec<TermEvent>) {
        match byte {
            // Some terminals put a second ESC before an arrow for alt; more than two are presses of the key.
            0x1b if alt => out.push(key(KeyCode::Esc, false, false)),
            0x1b => self.state = State::Escape { alt: true },
            b'[' => {
                self.held.clear();
                self.state = State::Csi { alt };
            }
            b'O' => self.state = State::Ss3 { alt },
            b']' | b'P' | b'X' | b'^' | b'_' => {
                if alt {
                    out.push(key(KeyCode::Esc, false, false));
                }
                self.state = State::String { osc: byte == b']', seen_bytes: 0, escape: false };
            }
            _other => {
                if alt {
                    out.push(key(KeyCode::Esc, false, false));
                }
                self.ground(byte, true, out);
            }
        }
    }

    fn csi(&mut self, byte: u8, alt: bool, out: &mut Vec<TermEvent>) {
        match byte {
            b'[' if self.held.is_empty() => self.state = State::LinuxFunction,
            b'M' if self.held.is_empty() => self.state = State::MouseX10 { left: 3 },
            0x20..=0x3f if self.held.len() < SEQUENCE_LIMIT_BYTES => self.held.push(byte),
            0x40..=0x7e => {
                let event = sequence::csi(&self.held, byte, alt);
                self.held.clear();
                if alt && event.is_said_by_the_terminal() {
                    // Only keys have alt: this was the ESC key, and right behind it the terminal had something to say.
                    out.push(key(KeyCode::Esc, false, false));
                }
                match event {
                    sequence::Csi::Event(event) => self.end_with(event, out),
                    sequence::Csi::PasteBegins => {
                        self.paste.clear();
                        self.dropped_bytes = 0;
                        self.state = State::Paste { matched: 0 };
                    }
                }
            }
            0x1b => self.restart(out),
            0x18 | 0x1a => self.end_unknown(out),
            0x00..=0x3f | 0x7f..=0xff => {
                self.held.clear();
                self.state = State::CsiIgnored;
            }
        }
    }

    fn ss3(&mut self, byte: u8, alt: bool, out: &mut Vec<TermEvent>) {
        match byte {
            0x1b => self.restart(out),
            // A modifier may stand between, as in `ESC O 5 P`.
            b'0'..=b'9' => {}
            _other => self.end_with(sequence::ss3(byte, alt), out),
        }
    }

    fn string(&mut self, byte: u8, osc: bool, seen_bytes: usize, escape: bool, out: &mut Vec<TermEvent>) {
        let overdue = seen_bytes >= STRING_LIMIT_BYTES;
        match byte {
            b'\\' if escape => self.end_unknown(out),
            // A string can not contain ESC, so the terminal gave this one up and something else began.
            _begun if escape => {
                out.push(TermEvent::Unknown);
                self.state = State::Escape { alt: false };
                self.take(byte, out);
            }
            0x1b => self.state = State::String { osc, seen_bytes, escape: true },
            0x07 if osc || overdue => self.end_unknown(out),
            0x18 | 0x1a => self.end_unknown(out),
            _content => {
                self.state = State::String { osc, seen_bytes: seen_bytes.saturating_add(1), escape: false };
            }
        }
    }

    fn pasted(&mut self, byte: u8, matched: usize, out: &mut Vec<TermEvent>) {
        if byte == PASTE_END[matched] {
            if matched + 1 == PASTE_END.len() {
                self.end_paste(out);
            } else {
                self.state = State::Paste { matched: matched + 1 };
            }
            return;
        }
        // ESC begins the marker and occurs nowhere else in it, so a partial match can only begin again at this byte.
        self.keep_pasted(&PASTE_END[..matched]);
        if byte == PASTE_END[0] {
            self.state = State::Paste { matched: 1 };
        } else {
            self.keep_pasted(&[byte]);
            self.state = State::Paste { matched: 0 };
        }
    }

    fn keep_pasted(&mut self, bytes: &[u8]) {
        let room = PASTE_LIMIT_BYTES.saturating_sub(self.paste.len()).min(bytes.len());
        self.paste.extend_from_slice(&bytes[..room]);
        self.dropped_bytes = self.dropped_bytes.saturating_add(bytes.len() - room);
    }

    fn end_paste(&mut self, out: &mut Vec<TermEvent>) {
        let bytes = std::mem::take(&mut self.paste);
        let kept = match std::str::from_utf8(&bytes) {
            // The limit may have cut a character; its first half is not text.
            Err(error) if self.dropped_bytes > 0 && error.error_len().is_none() => &bytes[..error.valid_up_to()],
            Ok(_) | Err(_) => &bytes[..],
        };
        let text = String::from_utf8_lossy(kept).replace("\r\n", "\n").replace('\r', "\n");
        self.state = State::Ground;
        out.push(TermEvent::Paste { text, dropped_bytes: self.dropped_bytes + (bytes.len() - kept.len()) });
        self.dropped_bytes = 0;
    }

    fn restart(&mut self, out: &mut Vec<TermEvent>) {
        self.held.clear();
        out.push(TermEvent::Unknown);
        self.state = State::Escape { alt: false };
    }

    fn end_unknown(&mut self, out: &mut Vec<TermEvent>) {
        self.end_with(TermEvent::Unknown, out);
    }

    fn end_with(&mut self, event: TermEvent, out: &mut Vec<TermEvent>) {
        self.held.clear();
        self.state = State::Ground;
        out.push(event);
    }
}

fn key(code: KeyCode, ctrl: bool, alt: bool) -> TermEvent {
    TermEvent::Key(Key { code, ctrl, alt })
}

#[cfg(test)]
#[path = "input_tests.rs"]
mod tests;
