//! RON as people write it: parsing with the place of the first mistake, and the place of every element.
//!
//! serde knows nothing of lines once a file is read, and stops at the first mistake. What the types can not say is
//! checked afterwards, element by element, and [`Places`] tells where each of them stands.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::Problem;
use super::problem::nearest;
use super::ron_tree::{Node, Place, Tree, Value};

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
    places: BTreeMap<String, Place>,
}

impl Places {
    /// The places of a text that [`parse`] accepts. Of any other text, those of what can be made out.
    #[must_use]
    pub fn of(text: &str) -> Places {
        let mut places = Places::default();
        places.note(&Tree::of(text).root, "");
        places
    }

    /// Line and column of the element, or of the nearest one around it that is written down; both start at 1, and
    /// are 0 for an empty text.
    #[must_use]
    pub fn at(&self, path: &str) -> (usize, usize) {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return (place.line, place.column);
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.places.get("").map_or((0, 0), |place| (place.line, place.column)),
            }
        }
    }

    fn note(&mut self, node: &Node, path: &str) {
        // A variant's content has the variant's own path; the place is where the variant begins.
        self.places.entry(path.to_owned()).or_insert(node.place);
        match &node.value {
            Value::List(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.note(item, &format!("{path}[{index}]")));
            }
            Value::Map(entries) => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.note(key, &format!("{path}{{{index}}}"));
                    self.note(value, &format!("{path}[{index}]"));
                }
            }
            Value::Parens(parens) => {
                for (index, part) in parens.parts.iter().enumerate() {
                    let dot = if path.is_empty() { "" } else { "." };
                    match &part.name {
                        Some((name, _)) => self.note(&part.node, &format!("{path}{dot}{name}")),
                        None if index == 0 => self.note(&part.node, path),
                        None => self.note(&part.node, &format!("{path}[{index}]")),
                    }
                }
            }
            Value::Word(_) | Value::Text(_) | Value::Char | Value::Missing => {}
        }
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
}
