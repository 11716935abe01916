//! The form that stands before the confirmation of something destructive: for which incident, and why.
//!
//! What is entered is sealed into the sequence, so that the confirmation after it shows it, the hash covers it and the
//! runner asks for it. It asks for no name: who is logged in is known, and another person's name would prove nothing.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::form::Fields;
use super::{Answer, Field};
use crate::base::{Key, RunId, StepId};
use crate::runbook::seal::Approval;
use crate::ui::Theme;

/// The shortest reason that says something.
const REASON_CHARS: usize = 8;

/// Who does something destructive answers for it with this.
#[derive(Clone, Debug)]
pub struct BreakGlassForm {
    pub run: RunId,
    pub step: StepId,
    about: Vec<String>,
    fields: Fields,
}

impl BreakGlassForm {
    /// `title` is the step's; `commands` are what it would run.
    #[must_use]
    pub fn new(run: RunId, step: StepId, title: &str, commands: &[String]) -> BreakGlassForm {
        let mut about = vec![format!("this is destructive: {title}")];
        about.extend(commands.iter().map(|command| format!("  {command}")));
        about.push(
            "nobody confirms it with you: you alone answer for it. the incident and the reason are written into the \
             journal. then comes the confirmation, and after it ten seconds in which any key calls it off."
                .to_owned(),
        );
        let fields = vec![Field::new("incident id", ""), Field::new("reason", "")];
        BreakGlassForm { run, step, about, fields: Fields::new(fields) }
    }

    #[must_use]
    pub fn approval(&self) -> Approval {
        let [incident, reason] = [0, 1].map(|field| self.fields.text(field).to_owned());
        Approval::BreakGlass { incident, reason }
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        self.fields.key(key, |fields| {
            let [incident, reason] = fields else { return None };
            if let Some(wrong) = wrong_incident(incident.text()) {
                return Some(wrong.to_owned());
            }
            let short = reason.text().chars().count() < REASON_CHARS;
            short.then(|| "say why it has to be done, in words that somebody else understands".to_owned())
        })
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.fields.paste(pasted);
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        self.fields.render(theme, "break-glass", &self.about, area, buffer);
    }
}

/// Why this is the id of no incident, if that is so: it is one word with a digit, which no person's name is.
fn wrong_incident(text: &str) -> Option<&'static str> {
    let one_word = !text.chars().any(char::is_whitespace);
    match text.chars().any(|c| c.is_ascii_digit()) && one_word {
        true => None,
        false => Some("incident id: one word with a digit, such as INC-7; a name is none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::KeyCode;

    #[test]
    fn an_incident_and_a_reason_are_needed_and_a_name_is_neither() {
        let check = |incident: &str, reason: &str, want: bool| {
            let mut form = BreakGlassForm::new("run".into(), "wipe".into(), "wipe", &["rm".to_owned()]);
            let mut answer = Answer::Open;
            for text in [incident, reason] {
                for c in text.chars() {
                    form.key(Key::char(c));
                }
                answer = form.key(Key::plain(KeyCode::Enter));
            }
            assert_eq!(answer == Answer::Yes, want, "{incident:?} {reason:?}");
        };
        check("INC-7", "the ledger is damaged", true);
        check("4711", "the ledger is damaged", true);
        check("", "the ledger is damaged", false);
        check("alice", "the ledger is damaged", false);
        check("Bob Miller 2", "the ledger is damaged", false);
        check("INC-7", "", false);
        check("INC-7", "because", false);
        check("INC-7", "        ", false);
    }

    #[test]
    fn what_was_entered_is_the_approval() {
        let mut form = BreakGlassForm::new("run".into(), "wipe".into(), "wipe", &[]);
        form.paste("INC-7");
        form.key(Key::plain(KeyCode::Tab));
        form.paste("the ledger is damaged");
        let (incident, reason) = ("INC-7".to_owned(), "the ledger is damaged".to_owned());
        assert_eq!(form.approval(), Approval::BreakGlass { incident, reason });
        assert_eq!(form.key(Key::plain(KeyCode::Esc)), Answer::No);
    }
}
