//! From text to tree, character by character. No text can hold it, and none makes it fail: a mistake is noted, and what
//! can be made out after it is read.

use super::{Node, Parens, Part, Place, Value};

/// Deeper nesting than the parser itself accepts is not followed.
const DEEPEST: usize = 128;

/// Mistakes beyond this many are not told: the file is something else.
const MOST_MISTAKES: usize = 100;

/// Reads a text to its end.
pub(super) fn scan(text: &str) -> (Node, Vec<(Place, String)>) {
    let mut scan = Scan {
        chars: text.chars().collect(),
        next: 0,
        here: Place { line: 1, column: 1 },
        open: Vec::new(),
        mistakes: Vec::new(),
    };
    scan.attributes();
    let root = scan.value();
    scan.blank();
    if scan.peek().is_some() {
        scan.mistake(scan.here, "nothing belongs after the end of the whole");
    }
    (root, scan.mistakes)
}

struct Scan {
    chars: Vec<char>,
    next: usize,
    here: Place,
    /// What would close the brackets that are open now, outermost first.
    open: Vec<char>,
    mistakes: Vec<(Place, String)>,
}

/// What comes next between two brackets.
enum Next {
    Element,
    End,
    /// The end of the text, or of a bracket further out.
    Broken,
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
        if c == '\n' {
            self.here = Place { line: self.here.line + 1, column: 1 };
        } else {
            self.here.column += 1;
        }
        Some(c)
    }

    fn mistake(&mut self, place: Place, what: impl Into<String>) {
        if self.mistakes.len() < MOST_MISTAKES {
            self.mistakes.push((place, what.into()));
        }
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
        let begin = self.here;
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
        self.mistake(begin, "this comment is never closed");
    }

    /// `#![enable(…)]` lines at the top.
    fn attributes(&mut self) {
        self.blank();
        while self.peek() == Some('#') {
            while self.step().is_some_and(|c| c != ']') {}
            self.blank();
        }
    }

    fn value(&mut self) -> Node {
        self.blank();
        let place = self.here;
        if self.open.len() > DEEPEST {
            self.mistake(place, format!("brackets are nested deeper than {DEEPEST}"));
            self.next = self.chars.len();
        }
        let value = match self.peek() {
            Some('"') => self.string(),
            Some('\'') => self.char_literal(),
            Some('[') => self.list(),
            Some('(') => self.parens(None),
            Some('{') => self.map(),
            Some('r') if self.begins_raw_string() => self.raw_string(),
            Some('b') if self.ahead(1) == Some('"') => {
                self.step();
                self.string()
            }
            Some(c) if is_word(c) => {
                let word = self.word();
                self.blank();
                if self.peek() == Some('(') { self.parens(Some(word)) } else { Value::Word(word) }
            }
            Some(_) | None => {
                self.mistake(place, "a value is missing here");
                Value::Missing
            }
        };
        Node { place, value }
    }

    /// `r"`, `r#"`, … as opposed to `r#name`.
    fn begins_raw_string(&self) -> bool {
        let hashes = (1..).take_while(|by| self.ahead(*by) == Some('#')).count();
        self.ahead(1 + hashes) == Some('"')
    }

    /// An identifier or a number; an identifier that is written raw (`r#None`) is the same one.
    fn word(&mut self) -> String {
        if self.peek() == Some('r') && self.ahead(1) == Some('#') {
            self.step();
            self.step();
        }
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| is_word(*c)) {
            word.push(c);
            self.step();
        }
        word
    }

    fn string(&mut self) -> Value {
        let begin = self.here;
        self.step();
        let mut text = String::new();
        loop {
            let place = self.here;
            match self.step() {
                Some('"') => return Value::Text(text),
                Some('\\') => match self.escape() {
                    Some(c) => text.push(c),
                    None => self.mistake(place, "no character is written like this; a backslash itself is \\\\"),
                },
                Some(c) => text.push(c),
                None => {
                    self.mistake(begin, "this string is never closed");
                    return Value::Text(text);
                }
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        match self.step()? {
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            '0' => Some('\0'),
            c @ ('\\' | '"' | '\'') => Some(c),
            'x' => {
                let digits: String = [self.step()?, self.step()?].into_iter().collect();
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
            }
            'u' if self.peek() == Some('{') => {
                self.step();
                let mut digits = String::new();
                while let Some(c) = self.step().filter(|c| *c != '}' && digits.len() < 8) {
                    digits.push(c);
                }
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
            }
            _ => None,
        }
    }

    fn raw_string(&mut self) -> Value {
        let begin = self.here;
        self.step();
        let mut hashes = 0;
        while self.peek() == Some('#') {
            self.step();
            hashes += 1;
        }
        self.step();
        let mut text = String::new();
        while let Some(c) = self.step() {
            if c == '"' && (0..hashes).all(|by| self.ahead(by) == Some('#')) {
                (0..hashes).for_each(|_| {
                    self.step();
                });
                return Value::Text(text);
            }
            text.push(c);
        }
        self.mistake(begin, "this string is never closed");
        Value::Text(text)
    }

    fn char_literal(&mut self) -> Value {
        let begin = self.here;
        self.step();
        if self.step() == Some('\\') {
            self.escape();
        }
        if self.peek() == Some('\'') {
            self.step();
        } else {
            self.mistake(begin, "text stands in double quotes");
            // The rest of a text in single quotes, on this line.
            while self.peek().is_some_and(|c| !"'\n,)]}".contains(c)) {
                self.step();
            }
            if self.peek() == Some('\'') {
                self.step();
            }
            return Value::Missing;
        }
        Value::Char
    }

    fn list(&mut self) -> Value {
        let mut items = Vec::new();
        self.between('[', ']', |scan| items.push(scan.value()));
        Value::List(items)
    }

    fn map(&mut self) -> Value {
        let mut entries = Vec::new();
        self.between('{', '}', |scan| {
            let key = scan.value();
            scan.blank();
            let value = if scan.peek() == Some(':') {
                scan.step();
                scan.value()
            } else {
                scan.mistake(scan.here, "a colon is missing before here");
                Node { place: scan.here, value: Value::Missing }
            };
            entries.push((key, value));
        });
        Value::Map(entries)
    }

    /// A struct, a tuple, or the content of a variant.
    fn parens(&mut self, name: Option<String>) -> Value {
        let mut parts = Vec::new();
        let sound = self.between('(', ')', |scan| {
            let quoted = scan.peek() == Some('"');
            let name = if quoted { scan.quoted_field() } else { scan.field() };
            let node = scan.value();
            parts.push(Part { quoted: quoted && name.is_some(), name, node });
        });
        Value::Parens(Parens { name, parts, broken: !sound })
    }

    /// Takes what stands between two brackets, element by element; false where a mistake was made directly in it.
    fn between(&mut self, begin: char, end: char, mut element: impl FnMut(&mut Scan)) -> bool {
        let opened = self.here;
        self.step();
        self.open.push(end);
        let (mut first, mut sound) = (true, true);
        loop {
            let before = self.mistakes.len();
            let next = self.more(end, first);
            sound &= self.mistakes.len() == before;
            first = false;
            match next {
                Next::Element => {
                    let at = self.next;
                    element(self);
                    if self.next == at {
                        // Nothing was taken: what stands here belongs nowhere, and must not hold the scan.
                        self.step();
                        sound = false;
                    }
                }
                Next::End => break,
                Next::Broken => {
                    self.mistake(opened, format!("this {begin} is never closed"));
                    sound = false;
                    break;
                }
            }
        }
        self.open.pop();
        sound
    }

    /// Whether another element follows before `end`; takes the comma before it, or the end itself.
    fn more(&mut self, end: char, first: bool) -> Next {
        self.blank();
        let mut commas = 0;
        while self.peek() == Some(',') {
            let place = self.here;
            self.step();
            self.blank();
            commas += 1;
            if commas > 1 || first {
                self.mistake(place, "this comma follows no element");
            }
        }
        loop {
            match self.peek() {
                None => return Next::Broken,
                Some(c) if c == end => {
                    self.step();
                    return Next::End;
                }
                // It closes a bracket further out, so that this one was forgotten.
                Some(c) if ")]}".contains(c) && self.open.iter().rev().skip(1).any(|open| *open == c) => {
                    return Next::Broken;
                }
                Some(c) if ")]}".contains(c) => {
                    self.mistake(self.here, format!("{c} closes nothing here; {end} is expected"));
                    self.step();
                    self.blank();
                }
                Some(_) => {
                    if commas == 0 && !first {
                        self.mistake(self.here, "a comma is missing before here");
                    }
                    return Next::Element;
                }
            }
        }
    }

    /// `name:` if that is what comes next; otherwise nothing moves.
    fn field(&mut self) -> Option<(String, Place)> {
        let before = (self.next, self.here);
        if self.peek().is_some_and(|c| c.is_alphabetic() || c == '_') {
            let place = self.here;
            let name = self.word();
            self.blank();
            if self.peek() == Some(':') {
                self.step();
                return Some((name, place));
            }
        }
        (self.next, self.here) = before;
        None
    }

    /// `"name":`, as in JSON, if that is what comes next; otherwise nothing moves. Whoever knows the fields tells it.
    fn quoted_field(&mut self) -> Option<(String, Place)> {
        let (before, place) = (self.next, self.here);
        let told = self.mistakes.len();
        if let Value::Text(name) = self.string() {
            self.blank();
            if self.peek() == Some(':') {
                self.step();
                return Some((name, place));
            }
        }
        self.mistakes.truncate(told);
        (self.next, self.here) = (before, place);
        None
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || "_+-.#".contains(c)
}
