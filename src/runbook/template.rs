//! `{name}` in an argv or an expression: what it stands for is written in before anything is sealed.
//!
//! In an argv a name is a setting of the target; in a verification it is a value captured at commit. A value is
//! always data: it becomes a whole or a part of one argv element, or one number, and never syntax.
//!
//! Quotes mean something in an expression, where a label's value may hold braces of its own, and nothing in a text:
//! one that an answer brought into an argument must not hide the names behind it.

use std::fmt::Write as _;

/// The name that stands for the moment when the run was opened, in every act of the run: `20241225_120000`, in UTC.
pub const STAMP: &str = "stamp";

/// A piece of a text with templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    Plain(&'a str),
    Name(&'a str, Position),
}

/// Where a name stands in an expression, and so what it has to become there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Among the operands: a number.
    Operand,
    /// Between the braces of a selector: the text of a label's value.
    Matcher,
}

/// Whether `{name}` is a name within quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quotes {
    /// It is none: in PromQL a label's value may hold braces of its own.
    Hide,
    /// It is one: in a text a quote is a character like others.
    Plain,
}

/// Whether this may stand between the braces: a lower-case word with digits and underscores.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The names that an expression uses, in order.
#[must_use]
pub fn names(expr: &str) -> Vec<&str> {
    names_of(pieces(expr, Quotes::Hide))
}

/// The names that a text uses, in order: an argument, a path, a line of a file.
#[must_use]
pub fn names_in_text(text: &str) -> Vec<&str> {
    names_of(pieces(text, Quotes::Plain))
}

fn names_of(pieces: Vec<Piece<'_>>) -> Vec<&str> {
    pieces
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Name(name, _) => Some(name),
            Piece::Plain(_) => None,
        })
        .collect()
}

/// The expression with every name replaced by what `value` gives for it.
///
/// # Errors
/// The first name for which `value` has nothing but an error.
pub fn fill<E>(expr: &str, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
    fill_at(expr, |name, _| value(name))
}

/// As [`fill`], where it matters where a name stands.
///
/// # Errors
/// As [`fill`].
pub fn fill_at<E>(expr: &str, value: impl FnMut(&str, Position) -> Result<String, E>) -> Result<String, E> {
    written(expr, Quotes::Hide, value)
}

/// As [`fill`], for a text, in which quotes hide nothing.
///
/// # Errors
/// As [`fill`].
pub fn fill_text<E>(text: &str, mut value: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
    written(text, Quotes::Plain, |name, _| value(name))
}

fn written<E>(
    text: &str,
    quotes: Quotes,
    mut value: impl FnMut(&str, Position) -> Result<String, E>,
) -> Result<String, E> {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text, quotes) {
        match piece {
            Piece::Plain(plain) => out.push_str(plain),
            Piece::Name(name, position) => out.push_str(&value(name, position)?),
        }
    }
    Ok(out)
}

/// The text of a label's value as PromQL writes it.
#[must_use]
pub fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The text with a value for every name: the same expression as far as its series are concerned.
#[must_use]
pub fn sampled(text: &str) -> String {
    pieces(text, Quotes::Hide)
        .into_iter()
        .map(|piece| match piece {
            Piece::Plain(plain) => plain,
            Piece::Name(_, Position::Operand) => "1",
            Piece::Name(_, Position::Matcher) => "\"1\"",
        })
        .collect()
}

/// The shortest decimal that reads back as exactly this number; nothing for NaN and the infinities, which no
/// verification may compare with.
#[must_use]
pub fn number(value: f64) -> Option<String> {
    let mut text = String::new();
    if value.is_finite() {
        write!(text, "{value}").ok()?;
    }
    (!text.is_empty()).then_some(text)
}

fn pieces(text: &str, quotes: Quotes) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut quote, mut escaped, mut open) = (0, None, false, 0_u32);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some('"' | '\''), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') if quotes == Quotes::Hide => quote = Some(c),
            (None, '{') => {
                let name = text[at + 1..].split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
                let Some(name) = name else {
                    open += 1;
                    continue;
                };
                let end = at + 1 + name.len();
                pieces.push(Piece::Plain(&text[start..at]));
                pieces.push(Piece::Name(name, if open > 0 { Position::Matcher } else { Position::Operand }));
                start = end + 1;
                chars.by_ref().take_while(|(at, _)| *at < end).for_each(drop);
            }
            (None, '}') => open = open.saturating_sub(1),
            (None, _) => {}
        }
    }
    pieces.push(Piece::Plain(&text[start..]));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_braces_outside_quotes() {
        let check = |text: &str, want: &[&str]| assert_eq!(names(text), want, "{text}");
        check("{unit}", &["unit"]);
        check("height > bool {height_before}", &["height_before"]);
        check("a{b}c{d_2}e", &["b", "d_2"]);
        check("{a}{b}", &["a", "b"]);
        check(r#"up{job="volchain"} == bool {before}"#, &["before"]);
        check(r#"x{y="{no}"} > bool {yes}"#, &["yes"]);
        check(r#"x{y="\"{no}"} > bool 1"#, &[]);
        check("x{y='{no}',z=`{no}`}", &[]);
        check("{} {A} {1} {a b} {{ {a", &[]);
        check("é{b}é", &["b"]);
    }

    #[test]
    fn in_a_text_quotes_hide_no_name() {
        let check = |text: &str, want: &[&str]| assert_eq!(names_in_text(text), want, "{text}");
        check("it's {unit}", &["unit"]);
        check("\"{a}\" '{b}' `{c}` {d}", &["a", "b", "c", "d"]);
        check(r#"Environment="X={a}""#, &["a"]);
        check(r#"{"a":"{b}"}"#, &["b"]);
        let value = |name: &str| Ok::<_, ()>(if name == "who" { "it's \"" } else { "node" }.to_owned());
        assert_eq!(fill_text("{who}: {unit}", value).as_deref(), Ok("it's \": node"));
        // An answer is written in before the settings are.
        let first = fill_text("{who}: {unit}", |name| {
            Ok::<_, ()>(if name == "who" { "it's".to_owned() } else { format!("{{{name}}}") })
        });
        assert_eq!(first.and_then(|text| fill_text(&text, value)).as_deref(), Ok("it's: node"));
    }

    #[test]
    fn filling_replaces_every_name_or_fails() {
        let value = |name: &str| if name == "unit" { Ok("volchain".to_owned()) } else { Err(name.to_owned()) };
        assert_eq!(fill("restart {unit}.service {unit}", value), Ok("restart volchain.service volchain".to_owned()));
        assert_eq!(fill("{unit} {other}", value), Err("other".to_owned()));
        assert_eq!(fill("nothing", value), Ok("nothing".to_owned()));
        // What is filled in is not looked at again.
        assert_eq!(fill::<()>("{a}", |_| Ok("{b}".to_owned())), Ok("{b}".to_owned()));
    }

    #[test]
    fn where_a_name_stands_says_what_it_becomes() {
        let check = |text: &str, want: &str| {
            let filled = fill_at::<()>(text, |name, position| {
                Ok(match position {
                    Position::Operand => format!("<{name}>"),
                    Position::Matcher => quoted(&format!("a\"{name}")),
                })
            });
            assert_eq!(filled.as_deref(), Ok(want));
        };
        check("up{node={node}} == bool {n}", "up{node=\"a\\\"node\"} == bool <n>");
        check("up{a=\"}\", node={node}}", "up{a=\"}\", node=\"a\\\"node\"}");
        assert_eq!(sampled("up{node={node}} == bool {n}"), "up{node=\"1\"} == bool 1");
    }

    #[test]
    fn numbers_are_written_exactly() {
        let check = |value: f64, want: Option<&str>| assert_eq!(number(value).as_deref(), want, "{value}");
        check(93.0, Some("93"));
        check(0.1, Some("0.1"));
        check(-4.0, Some("-4"));
        check(9_007_199_254_740_993.0, Some("9007199254740992"));
        check(f64::NAN, None);
        check(f64::INFINITY, None);
        for value in [1e-7, 1e22, f64::MIN_POSITIVE, 1.0 / 3.0] {
            assert_eq!(number(value).and_then(|text| text.parse().ok()), Some(value));
        }
    }
}
