//! A theme as written, and everything that can be wrong with it.

use ratatui::style::Modifier;
use serde::{Deserialize, Serialize};

use super::colour::{Ladder, NAMES};
use super::table::{Glyph, RAMP, RAMP_STEPS, Role};
use super::{EMBEDDED, Theme};
use crate::base::problem::nearest;
use crate::base::ron_tree::{Node, Place};
use crate::base::{Problem, text};
use crate::ui::written::{self, Mistakes};

/// What a theme is made of. Everything but the roles may be left out, and with `like` those as well: an embedded theme,
/// as which is what this one does not say. `background` is what the colours are made for, and `painted` whether it is
/// painted or the terminal's own is left.
const FIELDS: [&str; 6] = ["like", "background", "painted", "roles", "glyphs", "ramp"];

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
    let (root, mistakes) = written::read(file, text, "a theme", &FIELDS);
    let given = |name| root.field(name).and_then(Node::given);
    let mut reader = Reader { mistakes };
    let model = given("like").and_then(|node| reader.like(node));
    let background = given("background").and_then(|node| reader.background(node));
    let painted = given("painted").and_then(|node| reader.painted(node));
    // Where the roles themselves are not to be made out, each of them is not missed as well.
    let wants_all = given("like").is_none() && (given("roles").is_some() || reader.mistakes.is_empty());
    let paints = reader.roles(given("roles"), model.as_ref(), wants_all);
    let glyphs = reader.glyphs(given("glyphs"), model.as_ref());
    let ramp = reader.ramp(given("ramp"), model.as_ref());
    if !reader.mistakes.is_empty() {
        return Err(reader.mistakes.into_problems());
    }
    Ok(Written {
        background: background.or(model.as_ref().and_then(|model| model.background)),
        painted: painted.unwrap_or(model.is_some_and(|model| model.painted)),
        paints,
        glyphs,
        ramp,
    })
}

/// Collects what is wrong.
struct Reader<'a> {
    mistakes: Mistakes<'a>,
}

impl Reader<'_> {
    fn like(&mut self, node: &Node) -> Option<Written> {
        let name = self.mistakes.text(node, "like")?;
        let Some((known, text)) = EMBEDDED.iter().find(|(known, _)| *known == name) else {
            let names = || EMBEDDED.iter().map(|(known, _)| *known);
            let what =
                format!("{name:?} is no theme of the program; those are {}", names().collect::<Vec<_>>().join(", "));
            self.mistakes.add(node.place, what, nearest(name, names()).map(|near| format!("did you mean {near:?}?")));
            return None;
        };
        // An embedded theme is like no other, so this goes no deeper.
        read(known, text).ok()
    }

    fn background(&mut self, node: &Node) -> Option<Ladder> {
        let word = self.mistakes.text(node, "background")?;
        Ladder::parse(word).map_err(|(what, near)| self.mistakes.add(node.place, what, near)).ok()
    }

    fn painted(&mut self, node: &Node) -> Option<bool> {
        let said = node.word().and_then(|word| word.parse().ok());
        if said.is_none() {
            self.mistakes.add(node.place, "painted must be true or false".to_owned(), None);
        }
        said
    }

    fn roles(&mut self, node: Option<&Node>, model: Option<&Written>, wants_all: bool) -> Vec<Paint> {
        let mut paints: Vec<Option<Paint>> = vec![None; Role::ALL.len()];
        for (key, value) in node.map(|node| self.mistakes.entries(node, "roles")).unwrap_or_default() {
            let Some(name) = self.mistakes.name(key, false, "a role") else { continue };
            let style = self.mistakes.text(value, "a role");
            let Place { line, column } = value.place;
            let name_at = key.place;
            let Some(role) = Role::ALL.iter().find(|role| role.name() == name) else {
                self.unknown("role", name, name_at, Role::ALL.iter().map(|role| role.name()));
                continue;
            };
            let paint = Paint::parse(style.unwrap_or_default()).unwrap_or_else(|wrong| {
                for (at, what, near) in wrong {
                    // Behind the quote.
                    self.mistakes.add(Place { line, column: column + 1 + at }, what, near);
                }
                Paint::default()
            });
            if paints[*role as usize].replace(paint).is_some() {
                self.mistakes.add(name_at, format!("the role {name} is there twice"), None);
            }
        }
        for role in Role::ALL.iter().filter(|role| wants_all && paints[**role as usize].is_none()) {
            let what = format!("the role {} is missing", role.name());
            self.mistakes.add(
                Place::default(),
                what,
                Some(r#"add it, or say like: "dark" to have all that is not said"#.to_owned()),
            );
        }
        let inherited = |at: usize| model.map(|model| model.paints[at]).unwrap_or_default();
        paints.into_iter().enumerate().map(|(at, paint)| paint.unwrap_or_else(|| inherited(at))).collect()
    }

    fn glyphs(&mut self, node: Option<&Node>, model: Option<&Written>) -> Vec<(String, String)> {
        let mut glyphs: Vec<Option<(String, String)>> = vec![None; Glyph::ALL.len()];
        for (key, value) in node.map(|node| self.mistakes.entries(node, "glyphs")).unwrap_or_default() {
            let Some(name) = self.mistakes.name(key, false, "a glyph") else { continue };
            let name_at = key.place;
            let Some(glyph) = Glyph::ALL.iter().find(|glyph| glyph.name() == name) else {
                self.unknown("glyph", name, name_at, Glyph::ALL.iter().map(|glyph| glyph.name()));
                continue;
            };
            let Some([(sign, sign_at), (twin, twin_at)]) = self.mistakes.pair(value, name) else { continue };
            self.columns(sign, 1, sign_at);
            self.ascii(twin, 1, twin_at);
            if glyphs[*glyph as usize].replace((sign.to_owned(), twin.to_owned())).is_some() {
                self.mistakes.add(name_at, format!("the glyph {name} is there twice"), None);
            }
        }
        let standard = |at: usize| {
            let (sign, twin) = Glyph::ALL[at].standard();
            model.map_or_else(|| (sign.to_owned(), twin.to_owned()), |model| model.glyphs[at].clone())
        };
        glyphs.into_iter().enumerate().map(|(at, glyph)| glyph.unwrap_or_else(|| standard(at))).collect()
    }

    fn ramp(&mut self, node: Option<&Node>, model: Option<&Written>) -> [Vec<String>; 2] {
        let steps = |ramp: &str| ramp.chars().map(String::from).collect();
        match (node.and_then(|node| self.mistakes.pair(node, "ramp")), model) {
            (Some([(signs, signs_at), (twins, twins_at)]), _) => {
                self.columns(signs, RAMP_STEPS, signs_at);
                self.ascii(twins, RAMP_STEPS, twins_at);
                [steps(signs), steps(twins)]
            }
            (None, Some(model)) => model.ramp.clone(),
            (None, None) => [steps(RAMP.0), steps(RAMP.1)],
        }
    }

    fn unknown<'n>(&mut self, kind: &str, name: &str, at: Place, all: impl Iterator<Item = &'n str>) {
        let near = nearest(name, all).map(|near| format!("did you mean {near}?"));
        self.mistakes.add(at, format!("there is no {kind} {name}"), near);
    }

    fn columns(&mut self, sign: &str, want: usize, at: Place) {
        let narrow = sign.chars().all(|c| !text::is_hostile(c) && text::width(c.encode_utf8(&mut [0; 4])) == 1);
        if !narrow || sign.chars().count() != want {
            self.mistakes.add(
                at,
                format!("{sign:?} does not take {want} column{}", if want == 1 { "" } else { "s" }),
                None,
            );
        }
    }

    fn ascii(&mut self, twin: &str, want: usize, at: Place) {
        if twin.len() != want || !twin.chars().all(|c| c.is_ascii_graphic()) {
            self.mistakes.add(at, format!("{twin:?} is not {want} of the visible characters of ASCII"), None);
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
        // What the form says and what the names say, all at once.
        check(
            "(\n  like: 3,\n  painted: 1,\n  roles: {\n    \"Okk\": \"red\",\n    Dim: \"gren\",\n    Text: 4,\n  },\n  glyphs: \
             { Ok: \"x\" },\n  rolls: {},\n)",
            &[
                "my.ron:2:9: like must be text in double quotes",
                "my.ron:3:12: painted must be true or false",
                "my.ron:5:5: the name of a role stands without quotes",
                "my.ron:5:5: there is no role Okk; did you mean Ok?",
                "my.ron:6:11: \"gren\" is no colour; write #rrggbb, a number from 0 to 255, or a name such as bright-red; \
                 did you mean green?",
                "my.ron:7:11: a role must be text in double quotes",
                "my.ron:9:17: Ok is two texts: (\"SIGN\", \"ASCII\")",
                "my.ron:10:3: a theme has no field rolls, only like, background, painted, roles, glyphs, ramp; did you mean \
                 roles?",
            ],
        );
    }
}
