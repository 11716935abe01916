//! Colours by role, from a RON file; glyphs with an ASCII twin each.

use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;

use super::place::{Pairs, Word, words};
use crate::base::ron_text;
use crate::base::{Problem, text};

/// The themes that come with the program: name and text.
pub const EMBEDDED: &[(&str, &str)] =
    &[("dark", include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/themes/dark.ron")))];

macro_rules! table {
    ($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $variant:ident)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$note])* $variant,)* }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant,)*];
        }
    };
}

table! {
    /// What a piece of the screen means. Colour is never the only sign.
    Role {
        Text
        Dim
        Title
        Border
        /// Laid under a whole line; its foreground is not used.
        Selected
        Ok
        Warning
        Critical
        /// Stale, absent, not exposed, unknown.
        Unknown
        Accent
        /// The frame of production, of an armed console, of the demo.
        Production
        Armed
        Demo
        Chart
    }
}

table! {
    /// A sign that is one column wide.
    Glyph {
        Ok
        Warning
        Critical
        Unknown
        Pending
        Firing
        Resolved
        WarmingUp
        NotStarted
        Running
        Done
        Failed
        Skipped
        WillNotRun
        Cursor
        Suggested
        /// Stands where a value would, and is never 0.
        Absent
        /// A bucket without a measurement.
        Gap
        Above
        Below
        Rule
        Bar
        TopLeft
        TopRight
        BottomLeft
        BottomRight
    }
}

/// How many steps a ramp has: the eighths of a cell.
pub const RAMP_STEPS: usize = 8;

/// A palette.
#[derive(Clone, Debug)]
pub struct Theme {
    name: String,
    /// By discriminant of [`Role`].
    styles: Vec<Style>,
    /// By discriminant of [`Glyph`]: the sign and its twin.
    glyphs: Vec<(String, String)>,
    ramp: [Vec<String>; 2],
    /// Draw with nothing but ASCII.
    pub ascii: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeSpec {
    name: String,
    roles: Pairs<Role, StyleSpec>,
    glyphs: Pairs<Glyph, (String, String)>,
    ramp: (String, String),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StyleSpec {
    fg: Option<u8>,
    bg: Option<u8>,
    bold: bool,
    reversed: bool,
    underlined: bool,
}

impl Theme {
    /// Reads a theme file.
    ///
    /// # Errors
    /// Every mistake with its place: a role or glyph that is missing or stands there twice, a glyph that is not one
    /// column wide, a twin that is not ASCII, a ramp that has not eight steps.
    pub fn parse(file: &str, text: &str) -> Result<Theme, Vec<Problem>> {
        let written: ThemeSpec = ron_text::parse(file, text).map_err(|problem| vec![problem])?;
        let mut check = Check { file, words: words(text), problems: Vec::new() };
        let roles = check.whole("role", Role::ALL, written.roles.0);
        let glyphs = check.whole("glyph", Glyph::ALL, written.glyphs.0);
        for (sign, twin) in &glyphs {
            check.columns(sign, 1);
            check.ascii(twin, 1);
        }
        check.columns(&written.ramp.0, RAMP_STEPS);
        check.ascii(&written.ramp.1, RAMP_STEPS);
        if !check.problems.is_empty() {
            return Err(check.problems);
        }
        let steps = |ramp: &str| ramp.chars().map(String::from).collect();
        Ok(Theme {
            name: written.name,
            styles: roles.iter().map(StyleSpec::style).collect(),
            glyphs,
            ramp: [steps(&written.ramp.0), steps(&written.ramp.1)],
            ascii: false,
        })
    }

    /// The theme that comes with the program.
    #[must_use]
    pub fn standard() -> Theme {
        let (name, text) = EMBEDDED[0];
        Theme::parse(name, text).expect("the embedded theme is read by a test")
    }

    /// The same theme, drawing with nothing but ASCII where `ascii` is set.
    #[must_use]
    pub fn with_ascii(self, ascii: bool) -> Theme {
        Theme { ascii, ..self }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    #[must_use]
    pub fn glyph(&self, glyph: Glyph) -> &str {
        let (sign, twin) = &self.glyphs[glyph as usize];
        if self.ascii { twin } else { sign }
    }

    /// Eight signs from the lowest to the highest eighth of a cell.
    #[must_use]
    pub fn ramp(&self) -> &[String] {
        &self.ramp[usize::from(self.ascii)]
    }
}

impl StyleSpec {
    fn style(&self) -> Style {
        let mut style = Style::new();
        style.fg = self.fg.map(Color::Indexed);
        style.bg = self.bg.map(Color::Indexed);
        let modifiers =
            [(self.bold, Modifier::BOLD), (self.reversed, Modifier::REVERSED), (self.underlined, Modifier::UNDERLINED)];
        modifiers.iter().filter(|(on, _)| *on).fold(style, |style, (_, modifier)| style.add_modifier(*modifier))
    }
}

/// Collects what is wrong with a theme that serde could read.
struct Check<'a> {
    file: &'a str,
    words: Vec<Word>,
    problems: Vec<Problem>,
}

impl Check<'_> {
    /// One value for each of `all`, in that order; complains of what is missing and what is there twice.
    fn whole<K: Copy + PartialEq + std::fmt::Debug, V: Default>(
        &mut self,
        kind: &str,
        all: &[K],
        written: Vec<(K, V)>,
    ) -> Vec<V> {
        let mut values: Vec<Option<V>> = all.iter().map(|_| None).collect();
        for (key, value) in written {
            let Some(at) = all.iter().position(|known| *known == key) else { continue };
            if values[at].replace(value).is_some() {
                // Roles and glyphs share words such as Ok, so the place is the last one of that name in the file.
                let place = self.words.iter().rfind(|word| word.text == format!("{key:?}"));
                let (line, column) = place.map_or((0, 0), |word| (word.line, word.column));
                self.problems.push(Problem::new(self.file, line, column, format!("the {kind} {key:?} is there twice")));
            }
        }
        for (key, value) in all.iter().zip(&values) {
            if value.is_none() {
                self.problems.push(Problem::new(self.file, 0, 0, format!("the {kind} {key:?} is missing")));
            }
        }
        values.into_iter().map(Option::unwrap_or_default).collect()
    }

    fn columns(&mut self, sign: &str, want: usize) {
        let narrow = sign.chars().all(|c| !text::is_hostile(c) && text::width(c.encode_utf8(&mut [0; 4])) == 1);
        if !narrow || sign.chars().count() != want {
            self.complain(sign, format!("{sign:?} does not take {want} column{}", if want == 1 { "" } else { "s" }));
        }
    }

    fn ascii(&mut self, twin: &str, want: usize) {
        if twin.len() != want || !twin.chars().all(|c| c.is_ascii_graphic()) {
            self.complain(twin, format!("{twin:?} is not {want} of the visible characters of ASCII"));
        }
    }

    fn complain(&mut self, literal: &str, what: String) {
        let place = self.words.iter().find(|word| word.text == literal);
        let (line, column) = place.map_or((0, 0), |word| (word.line, word.column));
        self.problems.push(Problem::new(self.file, line, column, what));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_themes_are_sound() {
        for (name, text) in EMBEDDED {
            let theme = Theme::parse(name, text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            assert_eq!(theme.name(), *name);
            assert_eq!(theme.ramp().len(), RAMP_STEPS);
        }
        let theme = Theme::standard();
        assert_eq!((theme.glyph(Glyph::Critical), theme.glyph(Glyph::Absent)), ("■", "—"));
        let plain = theme.with_ascii(true);
        assert!(Glyph::ALL.iter().all(|glyph| plain.glyph(*glyph).is_ascii()));
    }

    #[test]
    fn levels_do_not_share_a_sign_or_a_style() {
        for ascii in [false, true] {
            let theme = Theme::standard().with_ascii(ascii);
            let levels = [Glyph::Ok, Glyph::Warning, Glyph::Critical, Glyph::Unknown];
            let signs: std::collections::BTreeSet<&str> = levels.iter().map(|glyph| theme.glyph(*glyph)).collect();
            assert_eq!(signs.len(), levels.len());
        }
        let theme = Theme::standard();
        let styles = [Role::Ok, Role::Warning, Role::Critical, Role::Unknown].map(|role| theme.style(role).fg);
        assert!(styles.iter().enumerate().all(|(at, fg)| !styles[..at].contains(fg)));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let (_, good) = EMBEDDED[0];
        let check = |from: &str, to: &str, want: &str| {
            assert!(good.contains(from), "{from}");
            let problems = Theme::parse("my.ron", &good.replace(from, to)).expect_err(to);
            assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [want]);
        };
        check("        Dim: (fg: 245),\n", "", "my.ron: the role Dim is missing");
        check("\"▲\"", "\"漢\"", "my.ron:25:19: \"漢\" does not take 1 column");
        check("\"▲\"", "\"\u{202e}\"", r#"my.ron:25:19: "\u{202e}" does not take 1 column"#);
        check("_.,-=+*#", "_.,-=", "my.ron:52:24: \"_.,-=\" is not 8 of the visible characters of ASCII");
        check("Cursor: (", "Above: (\"↑\", \"^\"),\n Cursor: (", "my.ron:43:9: the glyph Above is there twice");
        let problems = Theme::parse("my.ron", &good.replace("Dim: (fg: 245)", "Dimm: (fg: 245)")).expect_err("Dimm");
        assert_eq!((problems[0].line, problems.len()), (9, 1));
    }
}
