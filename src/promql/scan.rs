//! A look at the text before the parser sees it.
//!
//! The parser's own code ends the program on a range that is no finite number of seconds (`x[1e400]`), drops a part
//! of a duration that is too large, and recurses as deep as the expression nests. An expression comes from a file
//! that a person wrote, so these are refused here, with a reason, before they can do harm.

use super::ExprError;
use super::dialect::Dialect;

/// No useful expression is longer; it bounds the work of the parser.
const MAX_BYTES: usize = 8192;
/// Bounds the depth of the tree, and so every recursion over it.
const MAX_OPERATORS: usize = 512;
/// The longest range that is taken: a hundred years, in seconds.
const MAX_RANGE_SECONDS: f64 = 3.2e9;
/// The latest time that is taken behind `@`, in seconds since 1970: in milliseconds it is still a whole number that can
/// be counted with.
const MAX_MOMENT_SECONDS: f64 = 9e15;
/// Digits of one part of a duration.
const MAX_DURATION_DIGITS: usize = 9;

/// Refuses what the parser must not be given.
pub(super) fn scan(source: &str, dialect: Dialect) -> Result<(), ExprError> {
    let syntax = |detail: String| Err(ExprError::Syntax { detail });
    if source.len() > MAX_BYTES {
        return syntax(format!("longer than {MAX_BYTES} bytes"));
    }
    let bare = bare(source);
    if bare.chars().filter(|c| "+-*/%^()<>=!".contains(*c)).count() > MAX_OPERATORS {
        return syntax(format!("more than {MAX_OPERATORS} operators and parentheses"));
    }
    for inside in bare.split('[').skip(1).map(|rest| rest.split(']').next().unwrap_or(rest).trim()) {
        let (range, step) = inside.split_once(':').unwrap_or((inside, ""));
        let step = step.trim();
        if !is_range(range.trim(), dialect) || !(step.is_empty() || is_range(step, dialect)) {
            return syntax(format!("the range [{inside}] is not a duration such as 5m"));
        }
    }
    if let Some(offset) = offsets(&bare).find(|offset| !is_offset(offset, dialect)) {
        return syntax(format!("the offset {offset} is not a duration such as 5m"));
    }
    if let Some(at) = moments(&bare).find(|at| !is_moment(at)) {
        return syntax(format!("{at} behind @ is not a time in seconds since 1970"));
    }
    if let Some(word) = words(&bare).find(|word| has_long_duration(word)) {
        return syntax(format!("the duration {word} is too long"));
    }
    if dialect == Dialect::V2 && quotes_label(&bare) {
        return syntax("Prometheus 2 takes no label or metric name in quotes".to_owned());
    }
    match (dialect, duration_as_number(&bare)) {
        (Dialect::V2, Some(word)) => syntax(format!("the duration {word} stands where Prometheus 2 wants a number")),
        (Dialect::V2, None) | (Dialect::V3, _) => Ok(()),
    }
}

/// What stands before a list of labels.
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Whether a name stands in quotes among the labels of a grouping or of a selector.
fn quotes_label(bare: &str) -> bool {
    let quoted = |list: &str| list.split(',').any(|item| item.trim_start().starts_with('"'));
    let inside = |open: char, close: char| {
        let lists = bare.match_indices(open);
        lists.map(move |(at, _)| (&bare[..at], bare[at + 1..].split(close).next().unwrap_or_default()))
    };
    let is_grouping = |before: &str| {
        let word = before.trim_end().rsplit(|c| !is_word(c)).next().unwrap_or_default();
        GROUPING.iter().any(|grouping| word.eq_ignore_ascii_case(grouping))
    };
    inside('{', '}').any(|(_, list)| quoted(list))
        || inside('(', ')').any(|(before, list)| is_grouping(before) && quoted(list))
}

/// A duration that is neither a range nor an offset: since 3 it is a number of seconds.
fn duration_as_number(bare: &str) -> Option<String> {
    let outside: String = bare.split('[').map(|part| part.split_once(']').map_or(part, |(_, after)| after)).fold(
        String::new(),
        |mut outside, part| {
            outside.push_str(part);
            outside.push(' ');
            outside
        },
    );
    let offsets: Vec<&str> = offsets(&outside).collect();
    let is_offset = |word: &str| offsets.iter().any(|offset| std::ptr::eq(offset.as_ptr(), word.as_ptr()));
    let is_duration = |word: &str| word.ends_with(['s', 'm', 'h', 'd', 'w', 'y']) && is_range(word, Dialect::V2);
    words(&outside).find(|word| is_duration(word) && !is_offset(word)).map(str::to_owned)
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

/// What stands behind each `offset` that follows an expression, without its sign. Elsewhere it is a metric of that
/// name.
fn offsets(bare: &str) -> impl Iterator<Item = &str> {
    let lower = bare.to_ascii_lowercase();
    let ends: Vec<usize> = lower
        .match_indices("offset")
        .filter(|(at, found)| {
            let (before, after) = (&lower[..*at], &lower[at + found.len()..]);
            let alone = !before.ends_with(is_word) && !after.starts_with(is_word);
            alone && before.trim_end().ends_with(|c| is_word(c) || matches!(c, '}' | ']' | ')'))
        })
        .map(|(at, found)| at + found.len())
        .collect();
    ends.into_iter().filter_map(|end| signed_word(&bare[end..]))
}

/// What stands behind each `@`, without its sign.
fn moments(bare: &str) -> impl Iterator<Item = &str> {
    bare.match_indices('@').filter_map(|(at, _)| signed_word(&bare[at + 1..]))
}

fn signed_word(text: &str) -> Option<&str> {
    let word = text.trim_start_matches(|c: char| c.is_whitespace() || c == '+' || c == '-');
    let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
    (end > 0).then(|| &word[..end])
}

fn is_offset(text: &str, dialect: Dialect) -> bool {
    is_range(text, dialect) || dialect == Dialect::V3 && text.parse() == Ok(0.0)
}

fn is_moment(text: &str) -> bool {
    match text.parse::<f64>() {
        Ok(seconds) => seconds.is_finite() && seconds <= MAX_MOMENT_SECONDS,
        // `start` and `end`, or what the parser has its own words for.
        Err(_) => !text.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with("0x"),
    }
}

/// Since 3 a number alone is one of seconds.
fn is_range(text: &str, dialect: Dialect) -> bool {
    match text.parse::<f64>() {
        Ok(seconds) => dialect == Dialect::V3 && seconds > 0.0 && seconds <= MAX_RANGE_SECONDS,
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

/// Where a function of this name is called: the places of its first letters.
pub(super) fn calls(source: &str, name: &str) -> Vec<usize> {
    let mut blanked = Vec::with_capacity(source.len());
    let mut quote: Option<u8> = None;
    let mut bytes = source.bytes();
    // Text within quotes and comments is blanked byte by byte, so that places stay what they are.
    while let Some(byte) = bytes.next() {
        match quote {
            Some(b'#') if byte == b'\n' => quote = None,
            Some(end) if end == byte && end != b'#' => quote = None,
            Some(end) if byte == b'\\' && end != b'`' && end != b'#' => {
                blanked.push(b' ');
                if bytes.next().is_some() {
                    blanked.push(b' ');
                }
                continue;
            }
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'' | b'`' | b'#') => quote = Some(byte),
            None => {
                blanked.push(byte);
                continue;
            }
        }
        blanked.push(b' ');
    }
    let blanked = String::from_utf8_lossy(&blanked).into_owned();
    blanked
        .match_indices(name)
        .filter(|(at, _)| !blanked[..*at].ends_with(is_word))
        .filter(|(at, _)| blanked[at + name.len()..].trim_start().starts_with('('))
        .map(|(at, _)| at)
        .collect()
}
