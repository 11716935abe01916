//! RON as a tree in which every element knows its place, read past mistakes as far as that makes sense.
//!
//! serde stops at the first mistake and has no places afterwards. This tree is what checks walk that want to find
//! every mistake of a file; the values themselves are still read by serde.

mod scan;

/// Where something begins; both start at 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// An element and where it begins; a variant begins at its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number, `true`, or a variant without content, as written.
    Word(String),
    /// A string, without its quotes and escapes.
    Text(String),
    Char,
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Parens(Parens),
    /// Nothing that can be read stands where a value belongs; that has been told.
    Missing,
}

/// A struct, a tuple, or a variant with content: `(…)` or `Name(…)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parens {
    pub name: Option<String>,
    pub parts: Vec<Part>,
    /// It was not written to its end, or something in it could not be read: what seems to be missing may be there.
    pub broken: bool,
}

/// One part of a [`Parens`]: a field, or a value by position.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub name: Option<(String, Place)>,
    /// Whether the name stands in quotes, which RON does not take.
    pub quoted: bool,
    pub node: Node,
}

/// A text, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    pub root: Node,
    /// Where the text is no RON, in the order of the text.
    pub mistakes: Vec<(Place, String)>,
}

impl Tree {
    /// Reads a text; of one that is not RON, as much as can be made out.
    #[must_use]
    pub fn of(text: &str) -> Tree {
        let (root, mistakes) = scan::scan(text);
        Tree { root, mistakes }
    }
}

impl Node {
    /// The field of a struct, if this is one and it is written down; of two, the first.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Node> {
        let Value::Parens(parens) = &self.value else { return None };
        parens.parts.iter().find(|part| part.name.as_ref().is_some_and(|(own, _)| own == name)).map(|part| &part.node)
    }

    /// The text of a string.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, `true`, or the name of a variant.
    #[must_use]
    pub fn word(&self) -> Option<&str> {
        match &self.value {
            Value::Word(word) => Some(word),
            Value::Parens(parens) => parens.name.as_deref(),
            _ => None,
        }
    }

    /// A number; digits may be grouped with `_`.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Word(word) => number(word),
            _ => None,
        }
    }

    /// The elements of a list; none where it is something else.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a map; none where it is something else.
    #[must_use]
    pub fn entries(&self) -> &[(Node, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The one value by position of a variant: that of `Env("NAME")`.
    #[must_use]
    pub fn content(&self) -> Option<&Node> {
        match &self.value {
            Value::Parens(parens) => parens.parts.first().filter(|part| part.name.is_none()).map(|part| &part.node),
            _ => None,
        }
    }

    /// What `Some(…)` holds, or the node itself; nothing for `None`.
    #[must_use]
    pub fn given(&self) -> Option<&Node> {
        match (&self.value, self.word()) {
            (Value::Word(_), Some("None")) => None,
            (Value::Parens(_), Some("Some")) => self.content(),
            _ => Some(self),
        }
    }
}

/// What RON takes for a number.
#[must_use]
pub fn number(word: &str) -> Option<f64> {
    let plain = word.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let based = |prefix: &str, base| digits.strip_prefix(prefix).map(|rest| u64::from_str_radix(rest, base).ok());
    let value = match based("0x", 16).or_else(|| based("0b", 2)).or_else(|| based("0o", 8)) {
        // A number of a configuration that does not fit a float exactly is out of every range anyway.
        Some(whole) => whole? as f64,
        None => match digits {
            "inf" => f64::INFINITY,
            "NaN" => f64::NAN,
            _ if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => digits.parse().ok()?,
            _ => return None,
        },
    };
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests;
