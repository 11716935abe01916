//! Where in a text the mistake is that makes it no expression: the parser itself does not say.

use promql_parser::parser;

use super::ExprError;
use super::dialect::Dialect;
use super::scan::scan;

/// All that the parser says of a text whose grammar is wrong.
const WRONG_GRAMMAR: &str = "invalid promql query";

/// Longest text that is searched: each place costs a few parses.
const SEARCHED_BYTES: usize = 512;

/// The byte at which the mistake begins, as far as it can be told; the end of the text where something is missing.
#[must_use]
pub fn place(source: &str, error: &ExprError) -> Option<usize> {
    match error {
        ExprError::Syntax { detail } if is_grammar(detail) && source.len() <= SEARCHED_BYTES => {
            Some(longest_beginning(source))
        }
        // `unknown function with name 'x'`
        ExprError::Syntax { detail } => detail.split('\'').nth(1).and_then(|word| word_at(source, word)),
        ExprError::Unsupported { construct } => construct_at(source, construct),
        ExprError::Unnamed { .. } => source.find('{'),
        ExprError::NotBool { .. } | ExprError::SetInCondition { .. } | ExprError::NotACondition { .. } => None,
    }
}

/// Whether the words do not fit together, rather than their types.
fn is_grammar(detail: &str) -> bool {
    detail == WRONG_GRAMMAR
        || detail.starts_with("unexpected")
        || detail.starts_with("unclosed")
        || detail.starts_with("unterminated")
}

/// The length of the longest beginning that some ending would make an expression.
fn longest_beginning(source: &str) -> usize {
    let ends = source.char_indices().map(|(at, _)| at).chain([source.len()]);
    let ends: Vec<usize> = ends.collect();
    ends.into_iter().rev().find(|end| could_go_on(&source[..*end])).unwrap_or(0)
}

fn could_go_on(beginning: &str) -> bool {
    let mut open = Vec::new();
    let mut quote = None;
    for c in beginning.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(') => open.push(')'),
            (None, '{') => open.push('}'),
            (None, '[') => open.push(']'),
            (None, ')' | '}' | ']') => {
                if open.pop() != Some(c) {
                    return false;
                }
            }
            (None, _) => {}
        }
    }
    let closed: String = quote.into_iter().chain(open.into_iter().rev()).collect();
    // A word, a label, a duration: one of them continues whatever is still right.
    ["", "x", "x=\"\"", "=\"\"", "\"\"", "5m", "m"].iter().any(|middle| {
        let whole = format!("{beginning}{middle}{closed}");
        scan(&whole, Dialect::V3).is_ok() && parser::parse(&whole).err().is_none_or(|why| !is_grammar(&why))
    })
}

/// Where the construct that is not supported stands: its last word, as a word.
fn construct_at(source: &str, construct: &str) -> Option<usize> {
    if construct == "string literal" {
        return source.find(['"', '\'', '`']);
    }
    if construct == "or between label matchers" {
        return word_at(source, "or");
    }
    if let Some(pattern) = construct.strip_prefix("regular expression ") {
        return source.find(pattern.trim_matches('"'));
    }
    for kind in ["range selector ", "subquery "] {
        if let Some(rest) = construct.strip_prefix(kind) {
            let name = rest.split(['{', '[']).next().filter(|name| !name.is_empty())?;
            return source.find(name);
        }
    }
    let construct = construct.split(" in Prometheus").next()?;
    word_at(source, construct.split(' ').next_back()?)
}

/// Where this word stands as a word of its own.
fn word_at(source: &str, word: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.');
    source
        .match_indices(word)
        .find(|(at, found)| !source[..*at].ends_with(is_word) && !source[at + found.len()..].starts_with(is_word))
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::super::Expr;
    use super::*;

    #[test]
    fn a_mistake_is_pointed_at() {
        let check = |source: &str, want: Option<usize>| {
            let error = Expr::parse(source).expect_err(source);
            assert_eq!(place(source, &error), want, "{source}: {error}");
        };
        check("x y", Some(2));
        check("x +", Some(3));
        check("x + * y", Some(4));
        check("x)", Some(1));
        check("rate(x[5m]", Some(10));
        check("1 + limitk(2, x)", Some(4));
        check("limitk_total + limitk(2, x)", Some(15));
        check("x[5m:1m]", Some(0));
        check("x[5m]", Some(0));
        check("histogram_sum(x)", Some(0));
        check("x{a=~\"b**\"}", Some(6));
        check("{a=\"b\" or c=\"d\"}", Some(7));
        check("1 + foo(x)", Some(4));
        check("x{a=\"1}", Some(7));
    }
}
