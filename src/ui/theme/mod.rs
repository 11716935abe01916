//! Colours by role and signs by meaning, from a RON file, for terminals of every depth.
//!
//! ```text
//! theme file ──parse──► Theme ──with_depth──with_ascii──► style(role), glyph(glyph)
//! ```
//!
//! Must never: name a colour outside a theme file; tell a state by colour alone.
//!
//! To add a role or a sign: one row of `table`; a role also needs a line in each file of `themes/`. To add a theme:
//! one file there, and one line in [`EMBEDDED`].

pub mod colour;
mod file;
mod table;

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use serde::{Deserialize, Serialize};

use crate::base::text;
use crate::runbook::seal::Environment;
pub use colour::Depth;
use colour::Rgb;
use file::Written;
pub use table::{Glyph, RAMP_STEPS, Role};

macro_rules! embedded {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/themes/", $name, ".ron")))),*]
    };
}

/// The themes that come with the program: name and text. The first is the standard one.
pub const EMBEDDED: &[(&str, &str)] = embedded!("dark" "light" "high-contrast" "colour-blind-safe" "mono");

/// The theme of a terminal without colours.
pub const COLOURLESS: &str = "mono";

/// A palette and its signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Parts", into = "Parts")]
pub struct Theme {
    name: String,
    written: Written,
    depth: Depth,
    /// By discriminant of [`Role`], at this depth.
    styles: Vec<Style>,
    /// Draw with nothing but ASCII.
    pub ascii: bool,
    /// Whose frames are drawn: those of the selected target.
    pub environment: Option<Environment>,
}

/// What a theme is made of: styles follow from it.
#[derive(Serialize, Deserialize)]
struct Parts {
    name: String,
    written: Written,
    depth: Depth,
    ascii: bool,
}

impl From<Parts> for Theme {
    fn from(Parts { name, written, depth, ascii }: Parts) -> Theme {
        Theme::of(name, written).with_depth(depth).with_ascii(ascii)
    }
}

impl From<Theme> for Parts {
    fn from(Theme { name, written, depth, ascii, styles: _, environment: _ }: Theme) -> Parts {
        Parts { name, written, depth, ascii }
    }
}

impl Theme {
    fn of(name: String, written: Written) -> Theme {
        let theme = Theme { name, written, depth: Depth::Full, styles: Vec::new(), ascii: false, environment: None };
        theme.with_depth(Depth::Full)
    }

    /// The first of the themes that come with the program.
    #[must_use]
    pub fn standard() -> Theme {
        let (name, text) = EMBEDDED[0];
        Theme::parse(name, text).expect("the embedded theme is read by a test")
    }

    /// A theme that comes with the program.
    #[must_use]
    pub fn embedded(name: &str) -> Option<Theme> {
        let (name, text) = EMBEDDED.iter().find(|(known, _)| *known == name)?;
        Theme::parse(name, text).ok()
    }

    /// The same theme on a terminal of this depth. Without colours, what had a background is reversed.
    #[must_use]
    pub fn with_depth(mut self, depth: Depth) -> Theme {
        let style = |paint: &file::Paint| {
            let mut style = Style::new().add_modifier(paint.weight());
            style.fg = paint.fg.and_then(|ladder| ladder.at(depth));
            style.bg = paint.bg.and_then(|ladder| ladder.at(depth));
            let lost = depth == Depth::None && paint.bg.is_some();
            if lost { style.add_modifier(Modifier::REVERSED) } else { style }
        };
        self.styles = self.written.paints.iter().map(style).collect();
        self.depth = depth;
        self
    }

    /// The same theme, drawing with nothing but ASCII where `ascii` is set.
    #[must_use]
    pub fn with_ascii(self, ascii: bool) -> Theme {
        Theme { ascii, ..self }
    }

    /// The same theme with the frames of an environment.
    #[must_use]
    pub fn with_environment(self, environment: Option<Environment>) -> Theme {
        Theme { environment, ..self }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn depth(&self) -> Depth {
        self.depth
    }

    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let role = match (role, self.environment) {
            (Role::Border, Some(environment)) => Role::frame_of(environment),
            (role, _) => role,
        };
        self.styles[role as usize]
    }

    #[must_use]
    pub fn glyph(&self, glyph: Glyph) -> &str {
        let heavy = self.environment == Some(Environment::Production);
        let (sign, twin) = &self.written.glyphs[if heavy { glyph.heavy() } else { glyph } as usize];
        if self.ascii { twin } else { sign }
    }

    /// Eight signs from the lowest to the highest eighth of a cell.
    #[must_use]
    pub fn ramp(&self) -> &[String] {
        &self.written.ramp[usize::from(self.ascii)]
    }

    /// The background that the colours are made for, painted or not; `None` where any will do.
    #[must_use]
    pub fn ground(&self) -> Option<Rgb> {
        self.written.background.map(colour::Ladder::rgb)
    }

    /// Gives every cell that has none the theme's own background and text colour, if the theme brings one: so that a
    /// light theme can be read in a dark terminal.
    pub fn paint(&self, area: Rect, buffer: &mut Buffer) {
        let background = self.written.background.filter(|_| self.written.painted);
        let Some(background) = background.and_then(|ladder| ladder.at(self.depth)) else { return };
        let text = self.style(Role::Text).fg.unwrap_or(Color::Reset);
        let area = area.intersection(buffer.area);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                let cell = &mut buffer[(x, y)];
                if cell.bg == Color::Reset {
                    cell.bg = background;
                }
                if cell.fg == Color::Reset {
                    cell.fg = text;
                }
            }
        }
    }

    /// Text as it may reach a cell: cleaned, and in ASCII where the theme draws nothing else.
    #[must_use]
    pub fn shown<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let clean = text::clean(text);
        if !self.ascii || clean.is_ascii() {
            return clean;
        }
        Cow::Owned(clean.chars().map(twin).collect())
    }

    /// Text cut to so many columns, with a sign at its end where it was cut.
    #[must_use]
    pub fn fitted<'t>(&self, text: &'t str, columns: usize) -> Cow<'t, str> {
        match text::fitted(text, columns) {
            Cow::Owned(cut) if self.ascii => Cow::Owned(cut.replace('…', "~")),
            fitted => fitted,
        }
    }
}

/// What stands for a character where only ASCII is drawn.
fn twin(c: char) -> char {
    match c {
        '…' => '~',
        '—' | '–' | '─' => '-',
        '·' | '•' => '.',
        '→' => '>',
        '←' => '<',
        '≥' => '>',
        '≤' => '<',
        '×' => 'x',
        'µ' | 'μ' => 'u',
        '«' | '»' | '“' | '”' => '"',
        '‘' | '’' => '\'',
        c if c.is_ascii() => c,
        _ => '?',
    }
}

#[cfg(test)]
mod palette_tests;
#[cfg(test)]
mod state_tests;
