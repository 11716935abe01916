//! One colour for terminals of every depth: as written, and where a depth is not written, derived.
//!
//! A ladder is one word: `#d7af5f/179/yellow`, from the richest depth to the poorest; any of the three may be left
//! out. What is left out above is not made up: the poorer one is used, so that `green` alone is the terminal's own
//! green at every depth. What is left out below is the nearest of what the terminal has, in OKLab (Björn Ottosson,
//! "A perceptual color space for image processing", 2020), where equal distances look equally different.

use std::sync::OnceLock;

use ratatui::style::Color;
use serde::{Deserialize, Serialize};

use crate::base::problem::nearest;

/// How many colours the terminal can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Depth {
    /// None: everything is told by sign, word and weight.
    None,
    /// The sixteen that every terminal names, in the terminal's own shades.
    Sixteen,
    Indexed,
    /// Red, green and blue of eight bits each.
    #[default]
    Full,
}

impl Depth {
    pub const ALL: &[Depth] = &[Depth::None, Depth::Sixteen, Depth::Indexed, Depth::Full];

    /// As in the option and in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Depth::None => "never",
            Depth::Sixteen => "16",
            Depth::Indexed => "256",
            Depth::Full => "24bit",
        }
    }

    #[must_use]
    pub fn named(word: &str) -> Option<Depth> {
        Depth::ALL.iter().copied().find(|depth| depth.word() == word)
    }
}

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// A colour at every depth. At least one of the three is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    full: Option<Rgb>,
    /// 0 to 255.
    indexed: Option<u8>,
    /// 0 to 15.
    sixteen: Option<u8>,
}

/// The sixteen by name, in the order of their numbers.
pub const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// xterm's shades of the sixteen. Terminals differ; this is what they are compared as when one has to be chosen.
const SIXTEEN: [Rgb; 16] = [
    Rgb(0, 0, 0),
    Rgb(205, 0, 0),
    Rgb(0, 205, 0),
    Rgb(205, 205, 0),
    Rgb(0, 0, 238),
    Rgb(205, 0, 205),
    Rgb(0, 205, 205),
    Rgb(229, 229, 229),
    Rgb(127, 127, 127),
    Rgb(255, 0, 0),
    Rgb(0, 255, 0),
    Rgb(255, 255, 0),
    Rgb(92, 92, 255),
    Rgb(255, 0, 255),
    Rgb(0, 255, 255),
    Rgb(255, 255, 255),
];

impl Ladder {
    /// Reads `#rrggbb`, a number from 0 to 255 and a name, each at most once and in this order, with `/` between.
    ///
    /// # Errors
    /// What is wrong, and what was probably meant.
    pub fn parse(word: &str) -> Result<Ladder, (String, Option<String>)> {
        let mut ladder = Ladder { full: None, indexed: None, sixteen: None };
        let mut last = 0;
        for part in word.split('/') {
            let rank = if part.starts_with('#') {
                ladder.full = Some(hex(part)?);
                1
            } else if part.starts_with(|c: char| c.is_ascii_digit()) {
                let wrong = || (format!("{part} is no number of a colour; they go from 0 to 255"), None);
                ladder.indexed = Some(part.parse().map_err(|_not_a_byte| wrong())?);
                2
            } else {
                ladder.sixteen = Some(named(part)?);
                3
            };
            if rank <= last {
                let what = format!("{word} is not in the order #rrggbb/0 to 255/name, each at most once");
                return Err((what, None));
            }
            last = rank;
        }
        Ok(ladder)
    }

    /// The colour to send at this depth.
    #[must_use]
    pub fn at(self, depth: Depth) -> Option<Color> {
        let sixteen = || self.sixteen.unwrap_or_else(|| nearest_sixteen(self.rgb()));
        match depth {
            Depth::None => None,
            Depth::Sixteen => Some(Color::Indexed(sixteen())),
            Depth::Indexed => Some(Color::Indexed(match (self.indexed, self.full) {
                (Some(index), _) => index,
                (None, Some(rgb)) => nearest_indexed(rgb),
                (None, None) => sixteen(),
            })),
            Depth::Full => Some(match (self.full, self.indexed) {
                (Some(Rgb(red, green, blue)), _) => Color::Rgb(red, green, blue),
                (None, Some(index)) => Color::Indexed(index),
                (None, None) => Color::Indexed(sixteen()),
            }),
        }
    }

    /// The colour itself, as rich as it is given.
    #[must_use]
    pub fn rgb(self) -> Rgb {
        match (self.full, self.indexed, self.sixteen) {
            (Some(rgb), _, _) => rgb,
            (None, Some(index), _) | (None, None, Some(index)) => shade(index),
            (None, None, None) => Rgb(0, 0, 0),
        }
    }
}

fn hex(part: &str) -> Result<Rgb, (String, Option<String>)> {
    let digits = &part[1..];
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 6 && !digits.starts_with('+'));
    let value = value.ok_or_else(|| (format!("{part} is no colour; write # and six digits, such as #d7af5f"), None))?;
    let [_, red, green, blue] = value.to_be_bytes();
    Ok(Rgb(red, green, blue))
}

fn named(part: &str) -> Result<u8, (String, Option<String>)> {
    let index = NAMES.iter().position(|name| *name == part).and_then(|index| u8::try_from(index).ok());
    index.ok_or_else(|| {
        let near = nearest(part, NAMES).map(|name| format!("did you mean {name}?"));
        (format!("{part:?} is no colour; write #rrggbb, a number from 0 to 255, or a name such as bright-red"), near)
    })
}

/// What a terminal shows for one of its 256 colours; of the first sixteen, what xterm shows.
#[must_use]
pub fn shade(index: u8) -> Rgb {
    match index {
        0..=15 => SIXTEEN[usize::from(index)],
        16..=231 => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let cube = index - 16;
            Rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..=255 => {
            let level = 8 + 10 * (index - 232);
            Rgb(level, level, level)
        }
    }
}

/// A colour in OKLab: lightness from 0 to 1, and two axes of hue.
#[derive(Clone, Copy, Debug)]
pub struct Lab(pub [f64; 3]);

impl Lab {
    #[must_use]
    pub fn of(Rgb(red, green, blue): Rgb) -> Lab {
        Lab::of_linear([red, green, blue].map(linear))
    }

    /// From linear light.
    #[must_use]
    pub fn of_linear([red, green, blue]: [f64; 3]) -> Lab {
        let cone = |weights: [f64; 3]| (weights[0] * red + weights[1] * green + weights[2] * blue).max(0.0).cbrt();
        let long = cone([0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9]);
        let middle = cone([0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6]);
        let short = cone([0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5]);
        Lab([
            0.210_454_255_3 * long + 0.793_617_785_0 * middle - 0.004_072_046_8 * short,
            1.977_998_495_1 * long - 2.428_592_205_0 * middle + 0.450_593_709_9 * short,
            0.025_904_037_1 * long + 0.782_771_766_2 * middle - 0.808_675_766_0 * short,
        ])
    }

    /// How different two colours look; black and white are 1 apart.
    #[must_use]
    pub fn distance(self, other: Lab) -> f64 {
        self.0.iter().zip(other.0).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    }

    fn chroma(self) -> f64 {
        self.0[1].hypot(self.0[2])
    }
}

/// Linear light of one channel of sRGB (IEC 61966-2-1).
#[must_use]
pub fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// The contrast of two colours as WCAG 2.2 defines it: from 1 to 21.
#[must_use]
pub fn contrast(one: Rgb, other: Rgb) -> f64 {
    let luminance = |Rgb(red, green, blue): Rgb| 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// The first sixteen are left out: a terminal shows them as its owner likes.
fn nearest_indexed(rgb: Rgb) -> u8 {
    static SHADES: OnceLock<Vec<(u8, Lab)>> = OnceLock::new();
    let shades = SHADES.get_or_init(|| (16..=255).map(|index| (index, Lab::of(shade(index)))).collect());
    closest(Lab::of(rgb), shades.iter().copied())
}

/// A colour that has a hue keeps one: by distance alone every soft colour would become a grey.
fn nearest_sixteen(rgb: Rgb) -> u8 {
    const HUE_FROM: f64 = 0.04;
    let lab = Lab::of(rgb);
    let all = (0..16).map(|index| (index, Lab::of(shade(index))));
    match lab.chroma() > HUE_FROM {
        true => closest(lab, all.filter(|(_, other)| other.chroma() > HUE_FROM)),
        false => closest(lab, all),
    }
}

fn closest(lab: Lab, among: impl Iterator<Item = (u8, Lab)>) -> u8 {
    among.min_by(|(_, a), (_, b)| lab.distance(*a).total_cmp(&lab.distance(*b))).map_or(7, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ladder_is_read_and_completed() {
        let check = |word: &str, want: [Color; 3]| {
            let ladder = Ladder::parse(word).unwrap_or_else(|why| panic!("{word}: {why:?}"));
            let seen = [Depth::Full, Depth::Indexed, Depth::Sixteen].map(|depth| ladder.at(depth).expect(word));
            assert_eq!(seen, want, "{word}");
            assert_eq!(ladder.at(Depth::None), None);
        };
        let index = Color::Indexed;
        check("#d7af5f/180/bright-yellow", [Color::Rgb(0xd7, 0xaf, 0x5f), index(180), index(11)]);
        // What is left out below is the nearest; a colour of the cube is its own.
        check("#d7af5f", [Color::Rgb(0xd7, 0xaf, 0x5f), index(179), index(3)]);
        check("#ff0000", [Color::Rgb(0xff, 0, 0), index(196), index(9)]);
        check("#808080", [Color::Rgb(0x80, 0x80, 0x80), index(244), index(8)]);
        // What is left out above is not made up.
        check("108", [index(108), index(108), index(6)]);
        check("green", [index(2), index(2), index(2)]);
        check("#87c38a/bright-green", [Color::Rgb(0x87, 0xc3, 0x8a), index(108), index(10)]);
    }

    #[test]
    fn a_wrong_word_says_what_was_meant() {
        let check = |word: &str, want: &str, near: Option<&str>| {
            let (what, suggestion) = Ladder::parse(word).expect_err(word);
            assert_eq!((what.as_str(), suggestion.as_deref()), (want, near));
        };
        check("#d7af5", "#d7af5 is no colour; write # and six digits, such as #d7af5f", None);
        check("#+12345", "#+12345 is no colour; write # and six digits, such as #d7af5f", None);
        check("256", "256 is no number of a colour; they go from 0 to 255", None);
        check("red/12", "red/12 is not in the order #rrggbb/0 to 255/name, each at most once", None);
        let what = "\"bright-gren\" is no colour; write #rrggbb, a number from 0 to 255, or a name such as bright-red";
        check("bright-gren", what, Some("did you mean bright-green?"));
    }

    #[test]
    fn the_measures_are_those_of_their_sources() {
        let black_and_white = contrast(Rgb(0, 0, 0), Rgb(255, 255, 255));
        assert!((black_and_white - 21.0).abs() < 1e-9);
        assert!((contrast(Rgb(0x77, 0x77, 0x77), Rgb(255, 255, 255)) - 4.48).abs() < 0.01);
        let white = Lab::of(Rgb(255, 255, 255));
        assert!((white.0[0] - 1.0).abs() < 1e-3 && white.chroma() < 1e-3);
        assert!((Lab::of(Rgb(255, 0, 0)).0[0] - 0.628).abs() < 1e-3);
    }
}
