//! Files of themes and keymaps, read past their mistakes: so that all of them are told at once, each in its place.
//!
//! Must never: know what a role or an action is; that is the business of whoever reads the file.

use crate::base::Problem;
use crate::base::problem::nearest;
use crate::base::ron_tree::{Node, Place, Tree, Value};

/// The mistakes of one file, while they are being collected.
pub(super) struct Mistakes<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

/// Reads a file that is made of these fields. `what` is what it is called in a message.
pub(super) fn read<'a>(file: &'a str, text: &str, what: &str, fields: &[&str]) -> (Node, Mistakes<'a>) {
    let Tree { root, mistakes: torn } = Tree::of(text);
    let mut mistakes = Mistakes { file, problems: Vec::new() };
    torn.into_iter().for_each(|(place, what)| mistakes.add(place, what, None));
    match &root.value {
        Value::Missing => {}
        Value::Parens(parens) if parens.name.is_none() => {
            let mut seen: Vec<&str> = Vec::new();
            for part in &parens.parts {
                match &part.name {
                    Some((name, place)) => {
                        mistakes.field(*place, name, part.quoted, what, fields, &seen);
                        seen.push(name);
                    }
                    None if parens.broken => {}
                    None => {
                        mistakes.add(part.node.place, format!("a field of {what} has a name: {}: …", fields[0]), None)
                    }
                }
            }
        }
        _ => mistakes.add(root.place, format!("{what} is written as fields in ( )"), None),
    }
    (root, mistakes)
}

impl<'a> Mistakes<'a> {
    pub fn add(&mut self, Place { line, column }: Place, what: String, near: Option<String>) {
        self.problems.push(Problem::new(self.file, line, column, what).suggesting(near));
    }

    fn field(&mut self, place: Place, name: &str, quoted: bool, what: &str, fields: &[&str], seen: &[&str]) {
        if !fields.contains(&name) {
            let near = nearest(name, fields.iter().copied()).map(|near| format!("did you mean {near}?"));
            self.add(place, format!("{what} has no field {name}, only {}", fields.join(", ")), near);
        } else if seen.contains(&name) {
            self.add(place, format!("the field {name} is given twice"), None);
        } else if quoted {
            self.add(place, format!("the name of a field stands without quotes: {name}"), None);
        }
    }

    /// The text of a string.
    pub fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        if node.text().is_none() && !matches!(node.value, Value::Missing) {
            self.add(node.place, format!("{what} must be text in double quotes"), None);
        }
        node.text()
    }

    /// The name of an entry, where names stand in quotes, as keys do, or without them, as roles do. One that stands the
    /// other way is told, and taken.
    pub fn name<'n>(&mut self, node: &'n Node, quoted: bool, what: &str) -> Option<&'n str> {
        let wrong = match (&node.value, quoted) {
            (Value::Text(_), true) | (Value::Word(_), false) | (Value::Missing, _) => None,
            (_, true) => Some("in double quotes"),
            (_, false) => Some("without quotes"),
        };
        if let Some(how) = wrong {
            self.add(node.place, format!("the name of {what} stands {how}"), None);
        }
        node.text().or(node.word())
    }

    /// The entries of a map; none where it is something else.
    pub fn entries<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(Node, Node)] {
        if !matches!(node.value, Value::Map(_) | Value::Missing) {
            self.add(node.place, format!("{what} stand in {{ }}"), None);
        }
        node.entries()
    }

    /// Two strings in ( ).
    pub fn pair<'n>(&mut self, node: &'n Node, what: &str) -> Option<[(&'n str, Place); 2]> {
        if let Value::Parens(parens) = &node.value
            && let [first, second] = parens.parts.as_slice()
            && let (Some(one), Some(other)) = (first.node.text(), second.node.text())
        {
            return Some([(one, first.node.place), (other, second.node.place)]);
        }
        if !matches!(node.value, Value::Missing) {
            self.add(node.place, format!("{what} is two texts: (\"SIGN\", \"ASCII\")"), None);
        }
        None
    }

    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// All of them in the order of the file; what has no place comes first.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems
    }
}
