//! Text from outside, made harmless.
//!
//! Nodes, logs, files and operators' pastes may carry control, escape, C1 and bidirectional characters that would
//! move the cursor, recolour the screen, rename the window or make one command look like another. [`clean`] is for
//! reading; [`escaped`] is for where exactness matters, such as an argv or a value to confirm.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A character that must never reach a terminal, a title, the clipboard or a report as it is.
#[must_use]
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether every character is one of those that each take one column and do nothing else: most text is.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// Hostile characters become one visible replacement each; a tab becomes a space. For prose.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|c| match c {
                '\t' => ' ',
                c if is_hostile(c) => '\u{fffd}',
                c => c,
            })
            .collect(),
    )
}

/// Hostile characters and the backslash are written as escapes (`\x1b`, `\u{202e}`, `\\`), so that two different
/// texts never look the same.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| c == '\\' || is_hostile(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_hostile(c) && u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_hostile(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Text from outside as it may be put on a clipboard: as it is where it is harmless, else escaped as a whole.
#[must_use]
pub fn copyable(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_hostile) { escaped(text) } else { Cow::Borrowed(text) }
}

/// Columns this text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    if is_plain(text) { text.len() } else { text.width() }
}

/// As much of the beginning and of the end of `text` as fits `columns`, with `…` between them: for names that begin
/// alike and differ at their end.
#[must_use]
pub fn fitted_middle(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let tail_columns = columns.saturating_sub(1) / 2;
    let mut used = 0;
    let tail = text.char_indices().rev().take_while(|(_, c)| {
        used += c.width().unwrap_or(0);
        used <= tail_columns
    });
    let from = tail.last().map_or(text.len(), |(at, _)| at);
    let head = fitted(text, columns - width(&text[from..]));
    Cow::Owned(format!("{head}{}", &text[from..]))
}

/// The longest beginning of `text` that fits `columns`; where something is cut, the last column is `…`.
#[must_use]
pub fn fitted(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut out = String::new();
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// One argv element as a POSIX shell would have to be given it.
#[must_use]
pub fn shell_quoted(text: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// `argv` as one line that a POSIX shell would split back into the same argv.
#[must_use]
pub fn shell_line<S: AsRef<str>>(argv: &[S]) -> String {
    argv.iter().map(|part| shell_quoted(part.as_ref())).collect::<Vec<_>>().join(" ")
}

/// `1 source`, `3 sources`, `2 entries`.
#[must_use]
pub fn count(n: impl TryInto<u64>, one: &str) -> String {
    match (n.try_into().unwrap_or(u64::MAX), one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (n, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{n} {stem}ies"),
        (n, _) => format!("{n} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_more_are_more() {
        let check = |n, one: &str, want: &str| assert_eq!(count(n, one), want);
        check(0, "target", "0 targets");
        check(1, "target", "1 target");
        check(1, "entry", "1 entry");
        check(25, "entry", "25 entries");
        check(2, "day", "2 days");
    }

    #[test]
    fn escape_sequences_do_not_survive_cleaning() {
        assert_eq!(clean("a\x1b[2Jb\u{9b}c\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
        assert_eq!(clean("plain"), "plain");
    }

    #[test]
    fn different_texts_look_different_when_escaped() {
        assert_eq!(escaped("a\x1bb"), "a\\x1bb");
        assert_eq!(escaped("a\\x1bb"), "a\\\\x1bb");
        assert_eq!(escaped("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn what_is_harmless_is_copied_as_it_is() {
        assert_eq!(copyable(r#"up{path="C:\x"}"#), r#"up{path="C:\x"}"#);
        assert_eq!(copyable("a\\b\nrm -rf"), "a\\\\b\\nrm -rf");
    }

    #[test]
    fn fitting_counts_columns_not_characters() {
        assert_eq!(fitted("日本語です", 6), "日本…");
        assert_eq!(fitted("abc", 3), "abc");
        assert_eq!(fitted("abcd", 3), "ab…");
        assert_eq!(fitted("abcd", 0), "");
        assert_eq!(fitted_middle("unit_state{name}", 16), "unit_state{name}");
        assert_eq!(fitted_middle("unit_state{name}", 9), "unit…ame}");
        assert_eq!(fitted_middle("日本語です", 6), "日…す");
        assert_eq!((fitted_middle("abcd", 1), fitted_middle("abcd", 0)), ("…".into(), "".into()));
    }

    #[test]
    fn a_shell_line_quotes_what_a_shell_would_read() {
        assert_eq!(shell_line(&["/bin/echo", "a b", "$(id)", "it's", ""]), r"/bin/echo 'a b' '$(id)' 'it'\''s' ''");
    }
}
