//! Text for a terminal of 80 columns: labelled fields, wrapped, with hanging indents. Nothing hostile gets through.

use super::tree::ConditionPlan;
use crate::base::{Provenance, text};

const COLUMNS: usize = 80;
/// Columns that a label takes, the space after it included.
const LABEL: usize = 14;
/// However deep the indent, this much of a line is left for text.
const NARROWEST: usize = 24;

/// Lines, in the order they are written.
#[derive(Clone, Debug, Default)]
pub struct Page {
    text: String,
}

impl Page {
    /// A paragraph.
    pub fn line(&mut self, indent: usize, text: &str) {
        self.write(indent, "", indent + 2, text);
    }

    /// A label and its text; the text hangs under itself. An empty label continues the field before it.
    pub fn field(&mut self, indent: usize, label: &str, text: &str) {
        self.write(indent, &format!("{label:<LABEL$}"), indent + LABEL, text);
    }

    /// One empty line, however often it is asked for.
    pub fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Conditions under one label: what each means, and its expression.
    pub fn conditions(&mut self, indent: usize, label: &str, conditions: &[ConditionPlan]) {
        for (index, condition) in conditions.iter().enumerate() {
            let label = if index == 0 { label } else { "and" };
            self.field(indent, label, &format!("{}: {}", condition.means, condition.expr));
        }
    }

    /// What the document says, where, and why the console differs.
    pub fn provenance(&mut self, indent: usize, provenance: &Provenance) {
        for documented in &provenance.documented {
            self.field(indent, "document", documented);
        }
        if let Some(deviates) = &provenance.deviates {
            let answers = match provenance.answers.is_empty() {
                true => String::new(),
                false => format!(" (answers {})", provenance.answers.join(", ")),
            };
            self.field(indent, "differs", &format!("{deviates}{answers}"));
        }
        if !provenance.from.is_empty() {
            self.field(indent, "lines", &provenance.from.join(", "));
        }
    }

    /// Everything written.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    /// Breaks at spaces, and within a word only where the word alone is too long. No character is lost.
    fn write(&mut self, indent: usize, label: &str, hang: usize, text: &str) {
        let hang = hang.min(COLUMNS - NARROWEST);
        let indent = indent.min(hang);
        let mut line = format!("{:indent$}{label}", "");
        let mut fresh = true;
        for word in text::clean(text).split_inclusive(' ') {
            let fits = text::width(&line) + text::width(word.trim_end()) <= COLUMNS;
            if !fits && !fresh {
                self.end(&mut line, hang);
            }
            for c in word.chars() {
                if text::width(&line) + text::width(c.encode_utf8(&mut [0; 4])) > COLUMNS && c != ' ' {
                    self.end(&mut line, hang);
                }
                line.push(c);
            }
            fresh = false;
        }
        self.end(&mut line, hang);
    }

    /// Ends the line and begins the next under the text.
    fn end(&mut self, line: &mut String, hang: usize) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
        *line = " ".repeat(hang);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_hangs_under_itself() {
        let mut page = Page::default();
        page.field(2, "label", &"seven77 ".repeat(12));
        page.blank();
        page.blank();
        page.field(60, "deep", &"x".repeat(30));
        let want = "  label         seven77 seven77 seven77 seven77 seven77 seven77 seven77 seven77\n\
                    \x20               seven77 seven77 seven77 seven77\n\
                    \n";
        let text = page.finish();
        assert!(text.starts_with(want), "{text}");
        assert!(text.lines().all(|line| text::width(line) <= 80), "{text}");
        assert_eq!(text.matches('x').count(), 30);
    }
}
