//! RON as people write it: parsing with the place of the first mistake, and the place of every element.
//!
//! serde knows nothing of lines once a file is read, and stops at the first mistake. What the types can not say is
//! checked afterwards, element by element, and [`Places`] tells where each of them stands.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::Problem;
use super::problem::nearest;

/// Parses RON. `Some` may be left out.
///
/// # Errors
/// Not RON, or not of this type: the first mistake, with its place and the name that was probably meant.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    let options = ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    options.from_str(text).map_err(|error| {
        let problem = Problem::new(file, error.span.start.line, error.span.start.col, said(&error.code));
        problem.suggesting(meant(&error.code))
    })
}

/// What is wrong, in our words where the library's would puzzle; its sentences begin with a capital, ours do not.
fn said(code: &ron::Error) -> String {
    match code {
        ron::Error::NoSuchStructField { expected, found, .. } => {
            format!("there is no field {found} here, only {}", expected.join(", "))
        }
        ron::Error::NoSuchEnumVariant { expected, found, .. } => {
            format!("{found} is none of {}", expected.join(", "))
        }
        ron::Error::MissingStructField { field, .. } => format!("the field {field} is missing before here"),
        ron::Error::DuplicateStructField { field, .. } => format!("the field {field} is given twice"),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
        }
    }
}

fn meant(code: &ron::Error) -> Option<String> {
    let (expected, found) = match code {
        ron::Error::NoSuchStructField { expected, found, .. } => (expected, found),
        ron::Error::NoSuchEnumVariant { expected, found, .. } => (expected, found),
        _ => return None,
    };
    nearest(found, expected.iter().copied()).map(|name| format!("did you mean {name}?"))
}

/// Where every element of a RON text stands, by path: `steps[1].kind.branches[0].when[2].expr`.
///
/// The parentheses of a variant add nothing to the path: `kind: Check((readings: […]))` has `kind.readings[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    places: BTreeMap<String, (usize, usize)>,
}

impl Places {
    /// The places of a text that [`parse`] accepts. Of any other text, those up to where it stops being RON.
    #[must_use]
    pub fn of(text: &str) -> Places {
        let mut scan = Scan { chars: text.chars().collect(), next: 0, line: 1, column: 1, places: BTreeMap::new() };
        scan.attributes();
        scan.value("", 0);
        Places { places: scan.places }
    }

    /// Line and column of the element, or of the nearest one around it that is written down; both start at 1, and
    /// are 0 for an empty text.
    #[must_use]
    pub fn at(&self, path: &str) -> (usize, usize) {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.places.get("").copied().unwrap_or((0, 0)),
            }
        }
    }
}

/// Deeper nesting than the parser itself accepts is not followed.
const DEEPEST: usize = 128;

struct Scan {
    chars: Vec<char>,
    next: usize,
    line: usize,
    column: usize,
    places: BTreeMap<String, (usize, usize)>,
}

impl Scan {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.next).copied()
    }

    fn ahead(&self, by: usize) -> Option<char> {
        self.chars.get(self.next + by).copied()
    }

    fn step(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.next += 1;
        (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        Some(c)
    }

    /// White space and comments; block comments nest.
    fn blank(&mut self) {
        loop {
            match (self.peek(), self.ahead(1)) {
                (Some(c), _) if c.is_whitespace() => {
                    self.step();
                }
                (Some('/'), Some('/')) => while self.step().is_some_and(|c| c != '\n') {},
                (Some('/'), Some('*')) => self.block_comment(),
                _ => return,
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(c) = self.step() {
            match (c, self.peek()) {
                ('/', Some('*')) => {
                    self.step();
                    depth += 1;
                }
                ('*', Some('/')) => {
                    self.step();
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    /// `#![enable(…)]` lines at the top.
    fn attributes(&mut self) {
        self.blank();
        while self.peek() == Some('#') {
            while self.step().is_some_and(|c| c != ']') {}
            self.blank();
        }
    }

    fn value(&mut self, path: &str, depth: usize) {
        self.blank();
        // A variant's content has the variant's own path; the place is where the variant begins.
        self.places.entry(path.to_owned()).or_insert((self.line, self.column));
        if depth > DEEPEST {
            self.next = self.chars.len();
            return;
        }
        match self.peek() {
            Some('"') => self.string(),
            Some('\'') => self.char_literal(),
            Some('[') => self.list(path, depth),
            Some('(') => self.parens(path, depth),
            Some('{') => self.map(path, depth),
            Some('r') if matches!(self.ahead(1), Some('"' | '#')) => self.raw_string(),
            Some('b') if self.ahead(1) == Some('"') => {
                self.step();
                self.string();
            }
            Some(_) => {
                self.word();
                self.blank();
                if self.peek() == Some('(') {
                    self.parens(path, depth);
                }
            }
            None => {}
        }
    }

    /// An identifier or a number; always moves on, so that no text can hold the scan.
    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.peek() {
            if !(c.is_alphanumeric() || "_+-.#".contains(c)) {
                break;
            }
            word.push(c);
            self.step();
        }
        if word.is_empty() {
            self.step();
        }
        word
    }

    fn string(&mut self) {
        self.step();
        while let Some(c) = self.step() {
            match c {
                '\\' => {
                    self.step();
                }
                '"' => return,
                _ => {}
            }
        }
    }

    fn raw_string(&mut self) {
        self.step();
        let mut hashes = 0;
        while self.peek() == Some('#') {
            self.step();
            hashes += 1;
        }
        self.step();
        while let Some(c) = self.step() {
            if c == '"' && (0..hashes).all(|by| self.ahead(by) == Some('#')) {
                (0..hashes).for_each(|_| {
                    self.step();
                });
                return;
            }
        }
    }

    fn char_literal(&mut self) {
        self.step();
        if self.step() == Some('\\') {
            self.step();
        }
        while self.step().is_some_and(|c| c != '\'') {}
    }

    fn list(&mut self, path: &str, depth: usize) {
        self.step();
        let mut index = 0;
        while self.more(']') {
            self.value(&format!("{path}[{index}]"), depth + 1);
            index += 1;
        }
    }

    fn map(&mut self, path: &str, depth: usize) {
        self.step();
        let mut index = 0;
        while self.more('}') {
            self.value(&format!("{path}{{{index}}}"), depth + 1);
            self.blank();
            if self.peek() == Some(':') {
                self.step();
                self.value(&format!("{path}[{index}]"), depth + 1);
            }
            index += 1;
        }
    }

    /// A struct, a tuple, or the content of a variant.
    fn parens(&mut self, path: &str, depth: usize) {
        self.step();
        let mut index = 0;
        while self.more(')') {
            if let Some(name) = self.field() {
                let dot = if path.is_empty() { "" } else { "." };
                self.value(&format!("{path}{dot}{name}"), depth + 1);
            } else if index == 0 {
                self.value(path, depth + 1);
            } else {
                self.value(&format!("{path}[{index}]"), depth + 1);
            }
            index += 1;
        }
    }

    /// Whether another element follows before `end`; takes the comma before it, or the end itself.
    fn more(&mut self, end: char) -> bool {
        self.blank();
        while self.peek() == Some(',') {
            self.step();
            self.blank();
        }
        match self.peek() {
            None => false,
            Some(c) if c == end => {
                self.step();
                false
            }
            Some(_) => true,
        }
    }

    /// `name:` if that is what comes next; otherwise nothing moves.
    fn field(&mut self) -> Option<String> {
        let before = (self.next, self.line, self.column);
        if self.peek().is_some_and(|c| c.is_alphabetic() || c == '_') {
            let name = self.word();
            self.blank();
            if self.peek() == Some(':') {
                self.step();
                return Some(name);
            }
        }
        (self.next, self.line, self.column) = before;
        None
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Spec {
        title: String,
        note: Option<String>,
    }

    #[test]
    fn a_mistake_has_its_place_and_what_was_meant() {
        assert!(parse::<Spec>("f", "(title: \"a\", note: \"b\")").is_ok());
        let check = |text: &str, want: &str| {
            assert_eq!(parse::<Spec>("f", text).expect_err("a mistake").to_string(), want, "{text}");
        };
        check("(\n  tittle: \"a\",\n)", "f:2:3: there is no field tittle here, only title, note; did you mean title?");
        check("(note: \"a\")", "f:1:11: the field title is missing before here");
        check("(title: 3)", "f:1:8: expected string");
    }

    #[test]
    fn every_element_has_its_place() {
        let text = r##"#![enable(implicit_some)]
// A "comment" (with [brackets
(
    steps: [
        (id: "a", kind: Check((readings: ["x", r#"y " ) "#, "z\""]))),
        /* ( /* nested */ " */
        (id: "b", kind: Watch(until: ('c', 2.5), map: { "k": [1, 2] })),
    ],
)"##;
        let places = Places::of(text);
        let check = |path: &str, want: (usize, usize)| assert_eq!(places.at(path), want, "{path}");
        check("", (3, 1));
        check("steps", (4, 12));
        check("steps[0].id", (5, 14));
        check("steps[0].kind", (5, 25));
        check("steps[0].kind.readings[0]", (5, 43));
        check("steps[0].kind.readings[1]", (5, 48));
        check("steps[0].kind.readings[2]", (5, 61));
        check("steps[1].id", (7, 14));
        check("steps[1].kind.until[1]", (7, 44));
        check("steps[1].kind.map[0][1]", (7, 66));
        // What is not written down stands where the thing around it stands.
        check("steps[1].kind.deadline", (7, 25));
        check("steps[1].provenance.from[3]", (7, 9));
        check("nothing", (3, 1));
    }

    #[test]
    fn no_text_can_hold_the_scan() {
        for text in ["", "(", "(((", "[,,,]]", "\"", "r#\"", "'", "/*", "{:}", ")", "#", "a(b:c(d:", "\\ \\"] {
            let _ = Places::of(text);
        }
        let _ = Places::of(&"(".repeat(100_000));
    }
}
