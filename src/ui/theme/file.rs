//! A theme as written, and everything that can be wrong with it.

use ratatui::style::Modifier;
use serde::{Deserialize, Serialize};

use super::colour::{Ladder, NAMES};
use super::table::{Glyph, RAMP, RAMP_STEPS, Role};
use super::{EMBEDDED, Theme};
use crate::base::problem::nearest;
use crate::base::{Problem, ron_text, text};
use crate::ui::place::{Name, Pairs, Places};

/// A theme file. Everything but the roles may be left out, and with `like` those as well.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeSpec {
    /// An embedded theme: what this file does not say is as there.
    #[serde(default)]
    like: Option<String>,
    /// The background that the colours are made for.
    #[serde(default)]
    background: Option<String>,
    /// Whether that background is painted, or the terminal's own is left.
    #[serde(default)]
    painted: Option<bool>,
    #[serde(default = "no_roles")]
    roles: Pairs<Name, String>,
    #[serde(default = "no_glyphs")]
    glyphs: Pairs<Name, (String, String)>,
    #[serde(default)]
    ramp: Option<(String, String)>,
}

fn no_roles() -> Pairs<Name, String> {
    Pairs(Vec::new())
}

fn no_glyphs() -> Pairs<Name, (String, String)> {
    Pairs(Vec::new())
}

/// How a role looks, at every depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Paint {
    pub fg: Option<Ladder>,
    pub bg: Option<Ladder>,
    pub bold: bool,
    pub dim: bool,
    pub underlined: bool,
    pub reversed: bool,
}

const WEIGHTS: [&str; 4] = ["bold", "dim", "underlined", "reversed"];

/// Everything that a theme file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Written {
    pub background: Option<Ladder>,
    pub painted: bool,
    /// By discriminant of [`Role`].
    pub paints: Vec<Paint>,
    /// By discriminant of [`Glyph`]: the sign and its twin.
    pub glyphs: Vec<(String, String)>,
    /// From the lowest eighth to the highest, and the same in ASCII.
    pub ramp: [Vec<String>; 2],
}

impl Paint {
    pub fn weight(&self) -> Modifier {
        let weights = [
            (self.bold, Modifier::BOLD),
            (self.dim, Modifier::DIM),
            (self.underlined, Modifier::UNDERLINED),
            (self.reversed, Modifier::REVERSED),
        ];
        weights.iter().filter(|(on, _)| *on).fold(Modifier::empty(), |all, (_, one)| all | *one)
    }

    /// Reads `FOREGROUND on BACKGROUND bold`: any part may be left out. What is wrong comes with where in the text.
    fn parse(text: &str) -> Result<Paint, Vec<(usize, String, Option<String>)>> {
        let (mut paint, mut wrong, mut behind_on) = (Paint::default(), Vec::new(), false);
        for (at, word) in parts(text) {
            let mut complain = |what: String, near| wrong.push((at, what, near));
            match word {
                "bold" => paint.bold = true,
                "dim" => paint.dim = true,
                "underlined" => paint.underlined = true,
                "reversed" => paint.reversed = true,
                "on" => behind_on = true,
                colour => match Ladder::parse(colour) {
                    Ok(ladder) => {
                        let place = if behind_on { &mut paint.bg } else { &mut paint.fg };
                        if place.replace(ladder).is_some() {
                            complain(format!("{colour} is a second colour; a background stands behind on"), None);
                        }
                    }
                    Err((what, near)) => {
                        let weight = nearest(colour, WEIGHTS).filter(|_| nearest(colour, NAMES).is_none());
                        complain(what, near.or_else(|| weight.map(|weight| format!("did you mean {weight}?"))));
                    }
                },
            }
        }
        if wrong.is_empty() { Ok(paint) } else { Err(wrong) }
    }
}

/// The words of a text, each with the column at which it begins, from 0.
fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(' ')
        .scan(0, |at, word| {
            let begins = *at;
            *at += word.chars().count() + 1;
            Some((begins, word))
        })
        .filter(|(_, word)| !word.is_empty())
}

/// Reads the text of a theme; all its mistakes, each with its place.
pub(super) fn read(file: &str, text: &str) -> Result<Written, Vec<Problem>> {
    let spec: ThemeSpec = ron_text::parse(file, text).map_err(|problem| vec![problem])?;
    let mut reader = Reader { file, places: Places::of(text), problems: Vec::new() };
    let model = spec.like.as_deref().and_then(|name| reader.like(name));
    let background = spec.background.as_deref().and_then(|word| reader.background(word));
    let paints = reader.roles(&spec.roles.0, model.as_ref(), spec.like.is_none());
    let glyphs = reader.glyphs(spec.glyphs.0, model.as_ref());
    let ramp = reader.ramp(spec.ramp.as_ref(), model.as_ref());
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    Ok(Written {
        background: background.or(model.as_ref().and_then(|model| model.background)),
        painted: spec.painted.unwrap_or(model.is_some_and(|model| model.painted)),
        paints,
        glyphs,
        ramp,
    })
}

/// Collects what is wrong.
struct Reader<'a> {
    file: &'a str,
    places: Places,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn complain(&mut self, (line, column): (usize, usize), what: String, near: Option<String>) {
        self.problems.push(Problem::new(self.file, line, column, what).suggesting(near));
    }

    fn like(&mut self, name: &str) -> Option<Written> {
        let [_, place] = self.places.row(["like", name]);
        let Some((known, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
            let names = || EMBEDDED.iter().map(|(known, _)| *known);
            let what =
                format!("{name:?} is no theme of the program; those are {}", names().collect::<Vec<_>>().join(", "));
            self.complain(place, what, nearest(name, names()).map(|near| format!("did you mean {near:?}?")));
            return None;
        };
        // An embedded theme is like no other, so this goes no deeper.
        read(known, text).ok()
    }

    fn background(&mut self, word: &str) -> Option<Ladder> {
        let [_, place] = self.places.row(["background", word]);
        Ladder::parse(word).map_err(|(what, near)| self.complain(place, what, near)).ok()
    }

    fn roles(&mut self, written: &[(Name, String)], model: Option<&Written>, wants_all: bool) -> Vec<Paint> {
        let mut paints: Vec<Option<Paint>> = vec![None; Role::ALL.len()];
        for (Name(name), style) in written {
            let [name_at, (line, column)] = self.places.row([name, style]);
            let Some(role) = Role::ALL.iter().find(|role| role.name() == name) else {
                self.unknown("role", name, name_at, Role::ALL.iter().map(|role| role.name()));
                continue;
            };
            let paint = Paint::parse(style).unwrap_or_else(|wrong| {
                for (at, what, near) in wrong {
                    // Behind the quote, and not where no place is known.
                    self.complain((line, if line > 0 { column + 1 + at } else { 0 }), what, near);
                }
                Paint::default()
            });
            if paints[*role as usize].replace(paint).is_some() {
                self.complain(name_at, format!("the role {name} is there twice"), None);
            }
        }
        for role in Role::ALL.iter().filter(|role| wants_all && paints[**role as usize].is_none()) {
            let what = format!("the role {} is missing", role.name());
            self.complain((0, 0), what, Some(r#"add it, or say like: "dark" to have all that is not said"#.to_owned()));
        }
        let inherited = |at: usize| model.map(|model| model.paints[at]).unwrap_or_default();
        paints.into_iter().enumerate().map(|(at, paint)| paint.unwrap_or_else(|| inherited(at))).collect()
    }

    fn glyphs(&mut self, written: Vec<(Name, (String, String))>, model: Option<&Written>) -> Vec<(String, String)> {
        let mut glyphs: Vec<Option<(String, String)>> = vec![None; Glyph::ALL.len()];
        for (Name(name), (sign, twin)) in written {
            let [name_at, sign_at, twin_at] = self.places.row([&name, &sign, &twin]);
            let Some(glyph) = Glyph::ALL.iter().find(|glyph| glyph.name() == name) else {
                self.unknown("glyph", &name, name_at, Glyph::ALL.iter().map(|glyph| glyph.name()));
                continue;
            };
            self.columns(&sign, 1, sign_at);
            self.ascii(&twin, 1, twin_at);
            if glyphs[*glyph as usize].replace((sign, twin)).is_some() {
                self.complain(name_at, format!("the glyph {name} is there twice"), None);
            }
        }
        let standard = |at: usize| {
            let (sign, twin) = Glyph::ALL[at].standard();
            model.map_or_else(|| (sign.to_owned(), twin.to_owned()), |model| model.glyphs[at].clone())
        };
        glyphs.into_iter().enumerate().map(|(at, glyph)| glyph.unwrap_or_else(|| standard(at))).collect()
    }

    fn ramp(&mut self, written: Option<&(String, String)>, model: Option<&Written>) -> [Vec<String>; 2] {
        let steps = |ramp: &str| ramp.chars().map(String::from).collect();
        match (written, model) {
            (Some((signs, twins)), _) => {
                let [_, signs_at, twins_at] = self.places.row(["ramp", signs, twins]);
                self.columns(signs, RAMP_STEPS, signs_at);
                self.ascii(twins, RAMP_STEPS, twins_at);
                [steps(signs), steps(twins)]
            }
            (None, Some(model)) => model.ramp.clone(),
            (None, None) => [steps(RAMP.0), steps(RAMP.1)],
        }
    }

    fn unknown<'n>(&mut self, kind: &str, name: &str, at: (usize, usize), all: impl Iterator<Item = &'n str>) {
        let near = nearest(name, all).map(|near| format!("did you mean {near}?"));
        self.complain(at, format!("there is no {kind} {name}"), near);
    }

    fn columns(&mut self, sign: &str, want: usize, at: (usize, usize)) {
        let narrow = sign.chars().all(|c| !text::is_hostile(c) && text::width(c.encode_utf8(&mut [0; 4])) == 1);
        if !narrow || sign.chars().count() != want {
            self.complain(
                at,
                format!("{sign:?} does not take {want} column{}", if want == 1 { "" } else { "s" }),
                None,
            );
        }
    }

    fn ascii(&mut self, twin: &str, want: usize, at: (usize, usize)) {
        if twin.len() != want || !twin.chars().all(|c| c.is_ascii_graphic()) {
            self.complain(at, format!("{twin:?} is not {want} of the visible characters of ASCII"), None);
        }
    }
}

impl Theme {
    /// Reads a theme file; the theme is named as the file.
    ///
    /// # Errors
    /// Every mistake with its place: an unknown role, glyph, colour or theme with what was probably meant; a role that
    /// is missing; what is there twice; a glyph that is not one column wide; a twin that is not ASCII.
    pub fn parse(file: &str, text: &str) -> Result<Theme, Vec<Problem>> {
        Ok(Theme::of(super::super::stem(file).to_owned(), read(file, text)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let problems = Theme::parse("my.ron", text).expect_err(text);
        assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
    }

    /// A model that does not exist leaves every role open; that is one mistake and not many.
    #[test]
    fn every_mistake_is_named_with_its_place() {
        check(
            "(\n  like: \"darc\",\n  background: \"#12\",\n  roles: {\n    Okk: \"red\",\n    Dim: \"  gren on 300 bolt\",\n    Text: \
             \"red blue\",\n    Text: \"\",\n  },\n  glyphs: {\n    Waring: (\"!\", \"!\"),\n    Ok: (\"漢\", \"é\"),\n    \
             Stale: (\"\u{202e}\", \"z\"),\n  },\n  ramp: (\"▁\", \"_\"),\n)",
            &[
                "my.ron:2:9: \"darc\" is no theme of the program; those are dark, light, high-contrast, \
                 colour-blind-safe, mono; did you mean \"dark\"?",
                "my.ron:3:15: #12 is no colour; write # and six digits, such as #d7af5f",
                "my.ron:5:5: there is no role Okk; did you mean Ok?",
                "my.ron:6:13: \"gren\" is no colour; write #rrggbb, a number from 0 to 255, or a name such as bright-red; \
                 did you mean green?",
                "my.ron:6:21: 300 is no number of a colour; they go from 0 to 255",
                "my.ron:6:25: \"bolt\" is no colour; write #rrggbb, a number from 0 to 255, or a name such as bright-red; \
                 did you mean bold?",
                "my.ron:7:16: blue is a second colour; a background stands behind on",
                "my.ron:8:5: the role Text is there twice",
                "my.ron:11:5: there is no glyph Waring; did you mean Warning?",
                "my.ron:12:10: \"漢\" does not take 1 column",
                "my.ron:12:15: \"é\" is not 1 of the visible characters of ASCII",
                "my.ron:13:13: \"\\u{202e}\" does not take 1 column",
                "my.ron:15:10: \"▁\" does not take 8 columns",
                "my.ron:15:15: \"_\" is not 8 of the visible characters of ASCII",
            ],
        );
    }

    #[test]
    fn a_theme_says_all_roles_or_whom_it_is_like() {
        let problems = Theme::parse("my.ron", r#"(roles: {Ok: "green"})"#).expect_err("roles are missing");
        assert_eq!(problems.len(), Role::ALL.len() - 1);
        let want = r#"my.ron: the role Text is missing; add it, or say like: "dark" to have all that is not said"#;
        assert_eq!(problems[0].to_string(), want);
        let theme =
            Theme::parse("/x/my.ron", r##"(like: "light", roles: {Ok: "#112233 underlined"})"##).expect("a theme");
        let light = Theme::embedded("light").expect("light is embedded");
        assert_eq!(theme.name(), "my");
        assert_eq!(theme.style(Role::Critical), light.style(Role::Critical));
        assert_ne!(theme.style(Role::Ok), light.style(Role::Ok));
        assert_eq!(theme.ground(), light.ground());
    }

    #[test]
    fn what_is_no_theme_says_where_it_stops_being_one() {
        let problems = Theme::parse("my.ron", "(\n  rolls: {})").expect_err("an unknown field");
        assert_eq!((problems[0].line, problems.len()), (2, 1));
        assert_eq!(problems[0].suggestion.as_deref(), Some("did you mean roles?"));
    }
}
