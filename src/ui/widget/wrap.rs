//! Breaks prose into lines by the columns it takes.

use unicode_width::UnicodeWidthChar;

use crate::base::text;

/// The lines of `prose`, none wider than `columns`. Breaks at spaces; a word that is wider than a line is broken
/// anywhere. Line ends in the prose are line ends here. No lines where there are no columns.
#[must_use]
pub fn wrap(prose: &str, columns: usize) -> Vec<String> {
    if columns == 0 {
        return Vec::new();
    }
    prose.lines().flat_map(|paragraph| wrap_paragraph(&text::clean(paragraph), columns)).collect()
}

fn wrap_paragraph(paragraph: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in paragraph.split_whitespace() {
        let wide = text::width(word);
        let gap = usize::from(used > 0);
        if used + gap + wide > columns && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        let line = lines.len() - 1;
        if used > 0 {
            lines[line].push(' ');
            used += 1;
        }
        if wide <= columns {
            lines[line].push_str(word);
            used += wide;
        } else {
            used = broken(word, columns, &mut lines);
        }
    }
    lines
}

/// Breaks a word that is wider than a line, beginning on the empty last line; returns the columns of the last line.
fn broken(word: &str, columns: usize, lines: &mut Vec<String>) -> usize {
    let mut used = 0;
    for c in word.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > columns && used > 0 {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
        used += wide;
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_by_columns() {
        let check = |prose: &str, columns, want: &[&str]| assert_eq!(wrap(prose, columns), want, "{prose:?}");
        check("the height moves again", 10, &["the height", "moves", "again"]);
        check("abcdefgh ij", 3, &["abc", "def", "gh", "ij"]);
        check("日本語", 4, &["日本", "語"]);
        check("one\n\ntwo", 9, &["one", "", "two"]);
        check("a\x1bb", 9, &["a\u{fffd}b"]);
        check("", 9, &[]);
        check("word", 0, &[]);
    }
}
