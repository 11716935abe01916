//! Changing the style by the fewest bytes.

use ratatui::style::{Color, Modifier};

use super::travel::decimal;

/// Modifiers that are seen on a blank cell. Any other makes no difference there, and neither does the foreground.
pub(super) const SEEN_ON_BLANK: Modifier = Modifier::REVERSED.union(Modifier::UNDERLINED).union(Modifier::CROSSED_OUT);

const BLINK: Modifier = Modifier::SLOW_BLINK.union(Modifier::RAPID_BLINK);

/// How a cell looks, and what the terminal would use for the next character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) fg: Color,
    pub(super) bg: Color,
    pub(super) modifier: Modifier,
}

impl Default for Look {
    fn default() -> Look {
        Look { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() }
    }
}

/// Writes the shortest change from `pen` to what a cell needs, and says what the pen is then. A blank cell, on which
/// nothing of [`SEEN_ON_BLANK`] is to be seen, needs its background alone; `look` must be only that.
pub(super) fn change(pen: Look, look: Look, blank: bool, out: &mut Vec<u8>) -> Look {
    let kept =
        if blank { Look { fg: pen.fg, bg: look.bg, modifier: pen.modifier.difference(SEEN_ON_BLANK) } } else { look };
    if pen == kept {
        return pen;
    }
    out.extend_from_slice(b"\x1b[");
    let begun = out.len();
    let mut change = Sgr { begun, out };
    change.modifiers(pen.modifier, kept.modifier);
    change.colors(pen, kept);
    let changed = out.len();
    let mut now = kept;
    if takes_back(pen, kept) {
        // Alone, the code of the reset is left out.
        if look != Look::default() {
            let mut reset = Sgr { begun: changed, out };
            reset.code(0);
            reset.modifiers(Modifier::empty(), look.modifier);
            reset.colors(Look::default(), look);
        }
        if out.len() - changed < changed - begun {
            out.drain(begun..changed);
            now = look;
        } else {
            out.truncate(changed);
        }
    }
    out.push(b'm');
    now
}

/// Whether a change takes anything back to how a reset terminal has it. Where nothing is, a reset has all of its codes
/// and more.
fn takes_back(pen: Look, kept: Look) -> bool {
    let back = |from: Color, to: Color| from != to && to == Color::Reset;
    back(pen.fg, kept.fg) || back(pen.bg, kept.bg) || !pen.modifier.difference(kept.modifier).is_empty()
}

/// The parameters of one change of style, from `begun` on in what is written.
struct Sgr<'o> {
    out: &'o mut Vec<u8>,
    begun: usize,
}

impl Sgr<'_> {
    fn code(&mut self, code: usize) {
        if self.out.len() > self.begun {
            self.out.push(b';');
        }
        decimal(self.out, code);
    }

    fn modifiers(&mut self, from: Modifier, to: Modifier) {
        let (off, mut on) = (from.difference(to), to.difference(from));
        for (modifiers, code) in [
            (Modifier::BOLD.union(Modifier::DIM), 22),
            (Modifier::ITALIC, 23),
            (Modifier::UNDERLINED, 24),
            (BLINK, 25),
            (Modifier::REVERSED, 27),
            (Modifier::HIDDEN, 28),
            (Modifier::CROSSED_OUT, 29),
        ] {
            if off.intersects(modifiers) {
                self.code(code);
                // One code takes back two; the one that stays is said again.
                on |= to.intersection(modifiers);
            }
        }
        for (modifier, code) in [
            (Modifier::BOLD, 1),
            (Modifier::DIM, 2),
            (Modifier::ITALIC, 3),
            (Modifier::UNDERLINED, 4),
            (Modifier::SLOW_BLINK, 5),
            (Modifier::RAPID_BLINK, 6),
            (Modifier::REVERSED, 7),
            (Modifier::HIDDEN, 8),
            (Modifier::CROSSED_OUT, 9),
        ] {
            if on.contains(modifier) {
                self.code(code);
            }
        }
    }

    fn colors(&mut self, from: Look, to: Look) {
        if from.fg != to.fg {
            self.color(to.fg, 30);
        }
        if from.bg != to.bg {
            self.color(to.bg, 40);
        }
    }

    /// `base` is 30 for the foreground and 40 for the background.
    fn color(&mut self, color: Color, base: usize) {
        let index = match color {
            Color::Reset => return self.code(base + 9),
            Color::Rgb(red, green, blue) => {
                for code in [base + 8, 2, usize::from(red), usize::from(green), usize::from(blue)] {
                    self.code(code);
                }
                return;
            }
            Color::Indexed(index) => index,
            Color::Black => 0,
            Color::Red => 1,
            Color::Green => 2,
            Color::Yellow => 3,
            Color::Blue => 4,
            Color::Magenta => 5,
            Color::Cyan => 6,
            Color::Gray => 7,
            Color::DarkGray => 8,
            Color::LightRed => 9,
            Color::LightGreen => 10,
            Color::LightYellow => 11,
            Color::LightBlue => 12,
            Color::LightMagenta => 13,
            Color::LightCyan => 14,
            Color::White => 15,
        };
        match usize::from(index) {
            index @ 0..=7 => self.code(base + index),
            index @ 8..=15 => self.code(base + 60 + index - 8),
            index => {
                for code in [base + 8, 5, index] {
                    self.code(code);
                }
            }
        }
    }
}
