//! Where a word stands in a RON text: serde tells the place of its own mistakes only, and what a file means is
//! judged after it was read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// A string literal, without its quotes, or a bare word; with its line and column, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub text: String,
    pub line: usize,
    pub column: usize,
}

/// Every literal and bare word of a RON text, in order. Comments are skipped, block comments too.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut found = Vec::new();
    let mut chars = Chars { rest: text, line: 1, column: 1 };
    while let Some(c) = chars.peek() {
        let (line, column) = (chars.line, chars.column);
        if chars.rest.starts_with("//") {
            chars.take_while(|c| c != '\n');
        } else if chars.rest.starts_with("/*") {
            chars.comment();
        } else if c == '"' {
            found.push(Word { text: chars.literal(), line, column });
        } else if c.is_alphabetic() || c == '_' {
            found.push(Word { text: chars.take_while(|c| c.is_alphanumeric() || c == '_'), line, column });
        } else {
            chars.next();
        }
    }
    found
}

struct Chars<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl Chars<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        (self.line, self.column) = if c == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        Some(c)
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(c) = self.peek().filter(|c| wanted(*c)) {
            taken.push(c);
            self.next();
        }
        taken
    }

    /// RON's block comments nest.
    fn comment(&mut self) {
        let mut depth = 0;
        while !self.rest.is_empty() {
            let opens = self.rest.starts_with("/*");
            let closes = self.rest.starts_with("*/");
            if opens || closes {
                depth += if opens { 1 } else { -1 };
                self.next();
            }
            self.next();
            if depth == 0 {
                return;
            }
        }
    }

    /// Unescapes quotes and backslashes alone: no key and no action holds another escape.
    fn literal(&mut self) -> String {
        let mut text = String::new();
        self.next();
        while let Some(c) = self.next() {
            match c {
                '"' => break,
                '\\' => text.extend(self.next()),
                c => text.push(c),
            }
        }
        text
    }
}

/// A RON map as it was written: in order, and with the keys that stand there twice.
pub(super) struct Pairs<K, V>(pub Vec<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Pairs<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

struct PairsVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for PairsVisitor<K, V> {
    type Value = Pairs<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<K, V>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

/// A bare word where serde would want to know all of them: so that every unknown one can be named, not only the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(NameVisitor)
    }
}

struct NameVisitor;

impl Visitor<'_> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Name, E> {
        Ok(Name(word.to_owned()))
    }
}

/// Finds words in the order in which the file has them, so that equal ones are told apart.
pub(super) struct Places {
    words: Vec<Word>,
    next: usize,
}

impl Places {
    pub fn of(text: &str) -> Places {
        Places { words: words(text), next: 0 }
    }

    /// Line and column of each of these words, which follow each other; zeros where they do not.
    pub fn row<const N: usize>(&mut self, row: [&str; N]) -> [(usize, usize); N] {
        let from = self.next.min(self.words.len());
        let alike = |seen: &[Word]| seen.iter().zip(row).all(|(word, want)| word.text == want);
        let behind = self.words[from..].windows(N).position(alike).map(|at| at + from);
        // A file may have its parts in another order than they are read in.
        match behind.or_else(|| self.words.windows(N).position(alike)) {
            Some(at) => {
                self.next = at + N;
                std::array::from_fn(|index| (self.words[at + index].line, self.words[at + index].column))
            }
            None => [(0, 0); N],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_their_places_and_comments_hold_none() {
        let text = "// \"no\"\n(a: \"b\\\"c\", /* d /* e */ f */\n  Ok)";
        let seen: Vec<(String, usize, usize)> =
            words(text).into_iter().map(|word| (word.text, word.line, word.column)).collect();
        assert_eq!(seen, [("a".into(), 2, 2), ("b\"c".into(), 2, 5), ("Ok".into(), 3, 3)]);
    }
}
