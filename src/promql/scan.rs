//! A look at the text before the parser sees it.
//!
//! The parser's own code ends the program on a range that is no finite number of seconds (`x[1e400]`), drops a part
//! of a duration that is too large, and recurses as deep as the expression nests. An expression comes from a file
//! that a person wrote, so these are refused here, with a reason, before they can do harm.

use super::ExprError;

/// No useful expression is longer; it bounds the work of the parser.
const MAX_BYTES: usize = 8192;
/// Bounds the depth of the tree, and so every recursion over it.
const MAX_OPERATORS: usize = 512;
/// The longest range that is taken: a hundred years, in seconds.
const MAX_RANGE_SECONDS: f64 = 3.2e9;
/// Digits of one part of a duration.
const MAX_DURATION_DIGITS: usize = 9;

/// Refuses what the parser must not be given.
pub(super) fn scan(source: &str) -> Result<(), ExprError> {
    let syntax = |detail: String| Err(ExprError::Syntax { detail });
    if source.len() > MAX_BYTES {
        return syntax(format!("longer than {MAX_BYTES} bytes"));
    }
    let bare = bare(source);
    if bare.chars().filter(|c| "+-*/%^()<>=!".contains(*c)).count() > MAX_OPERATORS {
        return syntax(format!("more than {MAX_OPERATORS} operators and parentheses"));
    }
    if has_offset(&bare) {
        return Err(ExprError::Unsupported { construct: "modifier offset".to_owned() });
    }
    for inside in bare.split('[').skip(1).map(|rest| rest.split(']').next().unwrap_or(rest).trim()) {
        if inside.contains(':') {
            return Err(ExprError::Unsupported { construct: "subquery".to_owned() });
        }
        if !is_range(inside) {
            return syntax(format!("the range [{inside}] is not a duration such as 5m"));
        }
    }
    match words(&bare).find(|word| has_long_duration(word)) {
        Some(word) => syntax(format!("the duration {word} is too long")),
        None => Ok(()),
    }
}

/// The source without comments, and with every string literal empty.
fn bare(source: &str) -> String {
    let mut bare = String::with_capacity(source.len());
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match c {
            '#' => {
                chars.by_ref().find(|c| *c == '\n');
                bare.push('\n');
            }
            '"' | '\'' | '`' => {
                while let Some(inside) = chars.next() {
                    if inside == c {
                        break;
                    }
                    if inside == '\\' && c != '`' {
                        chars.next();
                    }
                }
                bare.push_str("\"\"");
            }
            c => bare.push(c),
        }
    }
    bare
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '.')
}

fn words(bare: &str) -> impl Iterator<Item = &str> {
    bare.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

/// Whether `offset` follows an expression and precedes a duration. Elsewhere it is a metric of that name.
fn has_offset(bare: &str) -> bool {
    let lower = bare.to_ascii_lowercase();
    lower.match_indices("offset").any(|(at, found)| {
        let (before, after) = (&lower[..at], &lower[at + found.len()..]);
        if before.ends_with(is_word) || after.starts_with(is_word) {
            return false;
        }
        let follows = before.trim_end().ends_with(|c| is_word(c) || matches!(c, '}' | ']' | ')'));
        let signed = after.trim_start_matches(|c: char| c.is_whitespace() || c == '+' || c == '-');
        follows && signed.starts_with(is_word)
    })
}

fn is_range(text: &str) -> bool {
    match text.parse::<f64>() {
        Ok(seconds) => seconds > 0.0 && seconds <= MAX_RANGE_SECONDS,
        Err(_) => {
            text.starts_with(|c: char| c.is_ascii_digit())
                && text.chars().all(|c| c.is_ascii_digit() || "smhdwy".contains(c))
                && !has_long_duration(text)
        }
    }
}

/// Whether a word that starts as a number has a part with more digits than the parser's durations hold.
fn has_long_duration(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.split_inclusive(|c: char| !c.is_ascii_digit()).any(|part| {
            part.ends_with(['s', 'm', 'h', 'd', 'w', 'y'])
                && part.trim_start_matches('0').len() > MAX_DURATION_DIGITS + 1
        })
}
