//! Patterns of file names: `*`, `?`, `[a-z]`, `[^a]` and `\` before a sign that is to stand for itself.

use std::path::{Component, Path, PathBuf};

/// The files that a pattern names, in the order of their names. A pattern that is not absolute begins at `folder`.
///
/// # Errors
/// The pattern is none.
pub(super) fn files(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let mut found = vec![folder.to_owned()];
    for component in Path::new(pattern).components() {
        let part = component.as_os_str();
        match part
            .to_str()
            .filter(|text| matches!(component, Component::Normal(_)) && text.contains(['*', '?', '[', '\\']))
        {
            None => found.iter_mut().for_each(|path| path.push(part)),
            Some(text) => {
                let signs = signs(text)?;
                found = found.iter().flat_map(|folder| matching(folder, &signs)).collect();
            }
        }
    }
    found.retain(|path| path.exists());
    Ok(found)
}

fn matching(folder: &Path, signs: &[Sign]) -> Vec<PathBuf> {
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = std::fs::read_dir(here).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names.filter(|name| name.to_str().is_some_and(|name| is_match(signs, name))).collect();
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// One sign of a pattern.
#[derive(Debug, PartialEq)]
enum Sign {
    Any,
    One,
    Exactly(char),
    Among { not: bool, ranges: Vec<(char, char)> },
}

fn signs(pattern: &str) -> Result<Vec<Sign>, String> {
    let mut signs = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        signs.push(match c {
            '*' => Sign::Any,
            '?' => Sign::One,
            '\\' => Sign::Exactly(chars.next().ok_or("a pattern can not end with \\")?),
            '[' => {
                let not = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.peek() != Some(&']') {
                    let low = listed(&mut chars)?;
                    let high = if chars.next_if_eq(&'-').is_some() { listed(&mut chars)? } else { low };
                    ranges.push((low, high));
                }
                chars.next();
                Sign::Among { not, ranges }
            }
            c => Sign::Exactly(c),
        });
    }
    Ok(signs)
}

/// A sign between brackets. Those that mean something there must be escaped to stand for themselves.
fn listed(chars: &mut impl Iterator<Item = char>) -> Result<char, &'static str> {
    let sign = match chars.next() {
        Some('\\') => chars.next(),
        Some('-' | ']') | None => None,
        some => some,
    };
    sign.ok_or("a [ that nothing closes")
}

fn is_match(signs: &[Sign], name: &str) -> bool {
    let Some((sign, rest)) = signs.split_first() else { return name.is_empty() };
    let mut chars = name.chars();
    let accepted = |c: char| match sign {
        Sign::Any | Sign::One => true,
        Sign::Exactly(wanted) => c == *wanted,
        Sign::Among { not, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *not,
    };
    match sign {
        Sign::Any => name.char_indices().map(|(at, _)| at).chain([name.len()]).any(|at| is_match(rest, &name[at..])),
        Sign::One | Sign::Exactly(_) | Sign::Among { .. } => {
            chars.next().is_some_and(accepted) && is_match(rest, chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_those_of_promtool() {
        let check = |pattern: &str, name: &str, want: bool| {
            let signs = signs(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(is_match(&signs, name), want, "{pattern} {name}");
        };
        check("*.yml", "a.yml", true);
        check("*.yml", ".yml", true);
        check("*.yml", "a.yaml", false);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("[a-c]x", "bx", true);
        check("[^a-c]x", "bx", false);
        check("[^a-c]x", "dx", true);
        check("[ab\\]]", "]", true);
        check("\\*", "*", true);
        check("\\*", "a", false);
        check("a*b*c", "a1b2b3c", true);
        check("a*b*c", "a1b2", false);
        check("*", "é", true);
        for wrong in ["[", "[]", "[a", "[a-", "a\\", "[-]"] {
            assert!(signs(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_are_found_in_folders_by_pattern() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a/x.yml", "a/y.yml", "b/x.yml", "b/z.txt"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect(name);
            std::fs::File::create_new(path).expect(name);
        }
        let check = |pattern: &str, want: &[&str]| {
            let found = files(folder.path(), pattern).expect(pattern);
            let want: Vec<_> = want.iter().map(|name| folder.path().join(name)).collect();
            assert_eq!(found, want, "{pattern}");
        };
        check("a/x.yml", &["a/x.yml"]);
        check("a/*.yml", &["a/x.yml", "a/y.yml"]);
        check("*/x.yml", &["a/x.yml", "b/x.yml"]);
        check("[b]/*", &["b/x.yml", "b/z.txt"]);
        check("a/none.yml", &[]);
        check("a/../b/x.*", &["a/../b/x.yml"]);
    }
}
