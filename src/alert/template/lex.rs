//! From the text of a template to text and actions, and from an action to tokens.

use super::TemplateError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name: a keyword, a function, `true`, `false` or `nil`.
    Name(String),
    /// `.Field` directly behind what comes before it, or by itself.
    Field {
        name: String,
        spaced: bool,
    },
    /// `.`
    Dot,
    /// `$` and `$name`.
    Variable(String),
    Text(String),
    Int(i64),
    Float(f64),
    Pipe,
    Declare,
    Assign,
    Comma,
    Open,
    Close,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Action { tokens: Vec<Token>, source: &'a str },
}

pub(super) fn syntax(what: impl Into<String>, near: &str) -> TemplateError {
    TemplateError::Syntax { what: what.into(), near: near.chars().take(60).collect() }
}

/// Cuts a template into pieces.
///
/// # Errors
/// An action that does not end, or what can be no token.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = source;
    let mut trim = false;
    loop {
        let start = rest.find("{{");
        let mut text = start.map_or(rest, |start| &rest[..start]);
        if trim {
            text = text.trim_start_matches(is_space);
        }
        let Some(start) = start else {
            pieces.push(Piece::Text(text));
            pieces.retain(|piece| *piece != Piece::Text(""));
            return Ok(pieces);
        };
        let opened = &rest[start..];
        let mut inside = &opened[2..];
        if let Some(trimmed) = inside.strip_prefix('-').filter(|after| after.starts_with(is_space)) {
            text = text.trim_end_matches(is_space);
            inside = trimmed;
        }
        pieces.push(Piece::Text(text));
        let (action, after) = action(inside, opened)?;
        let source = &opened[..opened.len() - after.rest.len()];
        if let Some(tokens) = action {
            pieces.push(Piece::Action { tokens, source });
        }
        trim = after.trim;
        rest = after.rest;
    }
}

/// What follows an action.
struct After<'a> {
    rest: &'a str,
    trim: bool,
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// The tokens of an action, none where it is a comment, and what follows it.
fn action<'a>(inside: &'a str, opened: &str) -> Result<(Option<Vec<Token>>, After<'a>), TemplateError> {
    let unclosed = || syntax("an action does not end with }}", opened);
    if let Some(comment) = inside.trim_start_matches(is_space).strip_prefix("/*") {
        let (_, after) = comment.split_once("*/").ok_or_else(|| syntax("a comment does not end with */", opened))?;
        let trimmed = after.trim_start_matches(is_space);
        return match (after.strip_prefix("}}"), trimmed.strip_prefix("-}}")) {
            (Some(rest), _) => Ok((None, After { rest, trim: false })),
            (None, Some(rest)) if trimmed.len() < after.len() => Ok((None, After { rest, trim: true })),
            (None, _) => Err(syntax("a comment must fill its action", opened)),
        };
    }
    let mut tokens = Vec::new();
    let mut rest = inside;
    loop {
        let trimmed = rest.trim_start_matches(is_space);
        let spaced = trimmed.len() < rest.len();
        if let Some(after) = trimmed.strip_prefix("}}") {
            return Ok((Some(tokens), After { rest: after, trim: false }));
        }
        if spaced && let Some(after) = trimmed.strip_prefix("-}}") {
            return Ok((Some(tokens), After { rest: after, trim: true }));
        }
        let c = trimmed.chars().next().ok_or_else(unclosed)?;
        let (token, after) = token(c, trimmed, spaced || tokens.is_empty())?;
        tokens.push(token);
        rest = after;
    }
}

fn token(c: char, text: &str, spaced: bool) -> Result<(Token, &str), TemplateError> {
    let after = &text[c.len_utf8()..];
    match c {
        '|' => Ok((Token::Pipe, after)),
        '(' => Ok((Token::Open, after)),
        ')' => Ok((Token::Close, after)),
        ',' => Ok((Token::Comma, after)),
        '=' => Ok((Token::Assign, after)),
        ':' if after.starts_with('=') => Ok((Token::Declare, &after[1..])),
        '"' => quoted(text),
        '`' => {
            let (raw, after) =
                after.split_once('`').ok_or_else(|| syntax("a raw text does not end with a backquote", text))?;
            Ok((Token::Text(raw.to_owned()), after))
        }
        '\'' => character(text),
        '$' => {
            let (name, after) = name_at(after);
            Ok((Token::Variable(format!("${name}")), after))
        }
        '.' if after.starts_with(|c: char| c.is_ascii_digit()) => number(text),
        '.' => {
            let (name, after) = name_at(after);
            match name {
                "" => Ok((Token::Dot, after)),
                name => Ok((Token::Field { name: name.to_owned(), spaced }, after)),
            }
        }
        '+' | '-' | '0'..='9' => number(text),
        c if c == '_' || c.is_alphabetic() => {
            let (name, after) = name_at(text);
            Ok((Token::Name(name.to_owned()), after))
        }
        c => Err(syntax(format!("{c:?} has no meaning here"), text)),
    }
}

fn name_at(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(text.len()))
}

fn quoted(text: &str) -> Result<(Token, &str), TemplateError> {
    let unclosed = || syntax("a text does not end with a quote", text);
    let mut read = String::new();
    let mut chars = text[1..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((Token::Text(read), &text[at + 2..])),
            '\n' => return Err(unclosed()),
            '\\' => read.push(escape(&mut chars).ok_or_else(|| syntax("an escape that there is not", text))?),
            c => read.push(c),
        }
    }
    Err(unclosed())
}

fn escape(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    let (_, c) = chars.next()?;
    let digits = |chars: &mut std::str::CharIndices<'_>, first: Option<char>, count: usize, radix: u32| {
        let mut code = first.and_then(|c| c.to_digit(radix)).unwrap_or(0);
        for _ in 0..count {
            code = code * radix + chars.next()?.1.to_digit(radix)?;
        }
        char::from_u32(code)
    };
    match c {
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        '\\' | '"' | '\'' => Some(c),
        // A lone byte above 127 is no text.
        'x' => digits(chars, None, 2, 16).filter(char::is_ascii),
        'u' => digits(chars, None, 4, 16),
        'U' => digits(chars, None, 8, 16),
        '0'..='7' => digits(chars, Some(c), 2, 8).filter(char::is_ascii),
        _other => None,
    }
}

fn character(text: &str) -> Result<(Token, &str), TemplateError> {
    let bad = || syntax("a character must be one character in single quotes", text);
    let mut chars = text[1..].char_indices();
    let c = match chars.next().ok_or_else(bad)?.1 {
        '\\' => escape(&mut chars).ok_or_else(bad)?,
        c => c,
    };
    match chars.next() {
        Some((at, '\'')) => Ok((Token::Int(i64::from(u32::from(c))), &text[at + 2..])),
        Some(_) | None => Err(bad()),
    }
}

/// A whole number, or a float where it has a point or an exponent.
fn number(text: &str) -> Result<(Token, &str), TemplateError> {
    let bad = || syntax("a number that can not be read", text);
    let unsigned = text.trim_start_matches(['+', '-']);
    let hexadecimal = unsigned.starts_with("0x") || unsigned.starts_with("0X");
    let mut end = text.len();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let sign = matches!(c, '+' | '-') && (at == 0 || (!hexadecimal && matches!(before, 'e' | 'E')));
        if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || sign) {
            end = at;
            break;
        }
        before = c;
    }
    let (digits, after) = text.split_at(end);
    let plain = digits.replace('_', "");
    if let Ok(number) = plain.parse::<i64>() {
        // Go reads a leading zero as octal, which nobody means.
        return if unsigned.len() > 1 && unsigned.starts_with('0') && plain.trim_start_matches(['+', '-']).len() > 1 {
            Err(bad())
        } else {
            Ok((Token::Int(number), after))
        };
    }
    if hexadecimal {
        let sign = if plain.starts_with('-') { -1 } else { 1 };
        let digits = plain.trim_start_matches(['+', '-']).get(2..).unwrap_or("");
        return i64::from_str_radix(digits, 16).map(|number| (Token::Int(sign * number), after)).map_err(|_| bad());
    }
    let is_float = plain.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    plain.parse::<f64>().ok().filter(|_| is_float).map(|number| (Token::Float(number), after)).ok_or_else(bad)
}
