//! A mistake in a file a person wrote: where it is, what it is, and what was probably meant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One mistake in one file. Lines and columns start at 1; 0 means that the place is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
pub struct Problem {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub what: String,
    /// What to write instead, where it can be guessed.
    pub suggestion: Option<String>,
}

impl Problem {
    #[must_use]
    pub fn new(file: &str, line: usize, column: usize, what: impl Into<String>) -> Problem {
        Problem { file: file.to_owned(), line, column, what: what.into(), suggestion: None }
    }

    #[must_use]
    pub fn suggesting(mut self, suggestion: Option<String>) -> Problem {
        self.suggestion = suggestion;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.what)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

/// The candidate that a person most probably meant by `word`: at most a third of its letters differ.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters to change, add, leave out, or swap with their neighbour, until one word is the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let mut cost = (rows[i][j] + usize::from(from != to)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                cost = cost.min(rows[i - 1][j - 1] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_only_when_it_is_near() {
        let names = ["interval_seconds", "timeout_seconds", "kind"];
        assert_eq!(nearest("intervall_seconds", names), Some("interval_seconds"));
        assert_eq!(nearest("knd", names), Some("kind"));
        assert_eq!(nearest("kidn", names), Some("kind"));
        assert_eq!(nearest("colour", names), None);
    }
}
