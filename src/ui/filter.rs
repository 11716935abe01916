//! Which lines of a list are shown: a regular expression over what each line says.
//!
//! The case of letters counts only where the expression has an upper-case letter itself; with `!` before it, it names
//! the lines that are *not* shown. One that can not be read says why and hides nothing.

use regex::{Regex, RegexBuilder};

/// What a compiled expression may take.
const COMPILED_BYTES: usize = 1 << 20;

/// A filter over lines. The default one hides nothing.
#[derive(Clone, Debug, Default)]
pub struct LineFilter {
    text: String,
    regex: Option<Regex>,
    inverse: bool,
    fault: Option<String>,
}

impl LineFilter {
    /// Reads a filter as it is typed. Never fails: one that can not be read carries its fault.
    #[must_use]
    pub fn parse(text: &str) -> LineFilter {
        let inverse = text.starts_with('!');
        let pattern = text.strip_prefix('!').unwrap_or(text);
        let mut filter = LineFilter { text: text.to_owned(), inverse, ..LineFilter::default() };
        if !pattern.is_empty() {
            let mut builder = RegexBuilder::new(pattern);
            match builder.case_insensitive(!has_upper_case(pattern)).size_limit(COMPILED_BYTES).build() {
                Ok(regex) => filter.regex = Some(regex),
                Err(error) => filter.fault = Some(reason(&error)),
            }
        }
        filter
    }

    /// As it was typed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it may hide lines.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.regex.is_some()
    }

    /// Why it can not be read, if it can not.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Whether a line that says this is shown.
    #[must_use]
    pub fn accepts(&self, line: &str) -> bool {
        self.regex.as_ref().is_none_or(|regex| regex.is_match(line) != self.inverse)
    }

    /// As [`LineFilter::accepts`], of a line that can be read in several ways: with `!`, none of them may match.
    #[must_use]
    pub fn accepts_any<S: AsRef<str>>(&self, readings: &[S]) -> bool {
        let found = |regex: &Regex| readings.iter().any(|reading| regex.is_match(reading.as_ref()));
        self.regex.as_ref().is_none_or(|regex| found(regex) != self.inverse)
    }

    /// The title of a list of `all` lines, `shown` of which this filter leaves: `alerts /stale/ 2 of 9`.
    #[must_use]
    pub fn title(&self, title: &str, shown: usize, all: usize) -> String {
        match (&self.fault, self.is_set()) {
            (Some(why), _) => format!("{title} /{}/ hides nothing: {why}", self.text),
            (None, true) => format!("{title} /{}/ {shown} of {all}", self.text),
            (None, false) => title.to_owned(),
        }
    }
}

/// Whether the expression has an upper-case letter that stands for itself; those behind a backslash name classes.
fn has_upper_case(pattern: &str) -> bool {
    let mut escaped = false;
    pattern.chars().any(|c| {
        let counts = !escaped && c.is_uppercase();
        escaped = c == '\\' && !escaped;
        counts
    })
}

/// The reason alone: the library draws the expression with a pointer over several lines.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        other => {
            let told = other.to_string();
            let last = told.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_by_what_they_say() {
        let check = |filter: &str, line: &str, want: bool| {
            assert_eq!(LineFilter::parse(filter).accepts(line), want, "{filter:?} on {line:?}");
        };
        check("", "anything", true);
        check("stale", "BlocksStale", true);
        check("Stale", "blocksstale", false);
        check("Stale", "BlocksStale", true);
        check(r"\Sstale", "BlocksStale", true);
        check(r"\\Stale", r"a\stale", false);
        check("^blocks.*e$", "BlocksStale", true);
        check("!stale", "BlocksStale", false);
        check("!stale", "PeersLow", true);
        check("!", "anything", true);
        // A broken one hides nothing, whichever way round it is.
        check("(", "anything", true);
        check("!(", "anything", true);
        check("a{1000}{1000}", "anything", true);
    }

    #[test]
    fn the_title_says_how_many_of_how_many_or_what_is_broken() {
        let check = |filter: &str, want: &str| assert_eq!(LineFilter::parse(filter).title("alerts", 2, 9), want);
        check("", "alerts");
        check("!", "alerts");
        check("stale", "alerts /stale/ 2 of 9");
        check("(", "alerts /(/ hides nothing: unclosed group");
        check("a{1000}{1000}", "alerts /a{1000}{1000}/ hides nothing: it is too large");
    }
}
