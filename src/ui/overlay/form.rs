//! The forms: arming, the reason for another branch, and what became of an unknown outcome.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::field::Field;
use super::{Answer, Line, frame, line, place, wrapped, write_lines};
use crate::base::{BranchId, Key, KeyCode, RunId, StepId, TargetId};
use crate::ui::{Role, Theme};

/// Longest arming.
const MINUTES_LIMIT: u64 = 60;
const WIDTH: u16 = 72;

/// Fields of which one has the cursor. Enter goes to the next, and on the last one answers.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    fields: Vec<Field>,
    at: usize,
    /// What is still missing or wrong.
    complaint: Option<String>,
}

impl Fields {
    pub(super) fn new(fields: Vec<Field>) -> Fields {
        // The cursor starts in the first field that has nothing in it yet.
        let at = fields.iter().position(|field| field.text().is_empty()).unwrap_or(0);
        Fields { fields, at, complaint: None }
    }

    pub(super) fn key(&mut self, key: Key, complete: impl Fn(&[Field]) -> Option<String>) -> Answer {
        self.complaint = None;
        match key.code {
            KeyCode::Esc => return Answer::No,
            KeyCode::Enter if self.at + 1 == self.fields.len() => {
                self.complaint = complete(&self.fields);
                return if self.complaint.is_none() { Answer::Yes } else { Answer::Open };
            }
            KeyCode::Enter | KeyCode::Tab | KeyCode::Down => self.at = (self.at + 1) % self.fields.len(),
            KeyCode::BackTab | KeyCode::Up => self.at = (self.at + self.fields.len() - 1) % self.fields.len(),
            _ => self.fields[self.at].key(key),
        }
        Answer::Open
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.fields[self.at].insert(pasted);
    }

    pub(super) fn text(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", Field::text)
    }

    pub(super) fn render(&self, theme: &Theme, title: &str, about: &[String], area: Rect, buffer: &mut Buffer) {
        let inner_width = usize::from(WIDTH.min(area.width).saturating_sub(4));
        let mut lines: Vec<Line> = Vec::new();
        for text in about {
            lines.extend(wrapped(text, inner_width).into_iter().map(|text| line(Role::Text, text)));
        }
        lines.push(Line::new());
        for (index, field) in self.fields.iter().enumerate() {
            let mark = if index == self.at { "> " } else { "  " };
            let label = (if index == self.at { Role::Accent } else { Role::Dim }, format!("{mark}{:<18}", field.label));
            let mut pieces = vec![label];
            pieces.extend(field.pieces(index == self.at));
            lines.push(pieces);
            if let Some(refused) = field.refused {
                lines.push(line(Role::Warning, format!("  {refused}")));
            }
        }
        lines.push(Line::new());
        if let Some(complaint) = &self.complaint {
            lines.extend(wrapped(complaint, inner_width).into_iter().map(|text| line(Role::Warning, text)));
        }
        lines.push(line(Role::Dim, "enter: next field, and answer on the last   esc: no"));
        let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
        let inside = frame(theme, Role::Accent, title, place(area, WIDTH, height), buffer);
        write_lines(theme, &lines, 0, inside, buffer);
    }
}

/// Who arms, why, and for how long.
#[derive(Clone, Debug)]
pub struct ArmForm {
    pub target: TargetId,
    about: Vec<String>,
    fields: Fields,
}

impl ArmForm {
    #[must_use]
    pub fn new(target: TargetId, environment: &str, user: &str) -> ArmForm {
        let about = vec![
            format!("arm this console for {environment}/{target}."),
            "while it is armed, a runbook's sequence can be confirmed here. it disarms when the time is up, after \
             five minutes without a key, on a clock jump, and when the terminal comes back from a suspension."
                .to_owned(),
        ];
        let fields = vec![
            Field::new("your name", user),
            Field::new("incident or reason", ""),
            Field::new("minutes (1 to 60)", "15"),
        ];
        ArmForm { target, about, fields: Fields::new(fields) }
    }

    #[must_use]
    pub fn declared(&self) -> &str {
        self.fields.text(0)
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        self.fields.text(1)
    }

    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_secs(60 * minutes(self.fields.text(2)).unwrap_or(0))
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        self.fields.key(key, |fields| {
            let [name, reason, time] = fields else { return None };
            if name.text().is_empty() {
                return Some("say who arms: your name".to_owned());
            }
            if reason.text().chars().count() < 3 {
                return Some("say why: an incident id or a reason".to_owned());
            }
            minutes(time.text()).is_none().then(|| "minutes: a whole number from 1 to 60".to_owned())
        })
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.fields.paste(pasted);
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        self.fields.render(theme, "arm", &self.about, area, buffer);
    }
}

fn minutes(text: &str) -> Option<u64> {
    text.parse().ok().filter(|minutes| (1..=MINUTES_LIMIT).contains(minutes))
}

/// Why a branch is taken that the evidence does not suggest.
#[derive(Clone, Debug)]
pub struct ReasonForm {
    pub run: RunId,
    pub step: StepId,
    pub branch: BranchId,
    about: Vec<String>,
    fields: Fields,
}

impl ReasonForm {
    #[must_use]
    pub fn new(run: RunId, step: StepId, branch: BranchId, title: &str, suggested: Option<&str>) -> ReasonForm {
        let about = vec![
            format!("take the branch: {title}"),
            match suggested {
                Some(suggested) => format!("the evidence suggests another one: {suggested}"),
                None => "the evidence suggests no branch.".to_owned(),
            },
            "the reason is written into the journal.".to_owned(),
        ];
        ReasonForm { run, step, branch, about, fields: Fields::new(vec![Field::new("reason", "")]) }
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        self.fields.text(0)
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        self.fields.key(key, |fields| {
            let short = fields.first().is_none_or(|reason| reason.text().chars().count() < 3);
            short.then(|| "say why this branch and not the suggested one".to_owned())
        })
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.fields.paste(pasted);
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        self.fields.render(theme, "another branch", &self.about, area, buffer);
    }
}

/// What became of a sequence whose outcome is unknown.
#[derive(Clone, Debug)]
pub struct SettleForm {
    pub run: RunId,
    pub step: StepId,
    about: Vec<String>,
    fields: Fields,
}

impl SettleForm {
    /// `judged` are the verification's conditions as they are measured now, in words.
    #[must_use]
    pub fn new(run: RunId, step: StepId, why: &str, judged: &[String]) -> SettleForm {
        let mut about = vec![format!("the outcome is unknown: {why}"), "measured now:".to_owned()];
        about.extend(judged.iter().map(|condition| format!("  {condition}")));
        about.push("look at the node, then say what became of it. nothing is run again.".to_owned());
        let fields = vec![Field::new("cured (yes or no)", ""), Field::new("note", "")];
        SettleForm { run, step, about, fields: Fields::new(fields) }
    }

    #[must_use]
    pub fn cured(&self) -> bool {
        self.fields.text(0) == "yes"
    }

    #[must_use]
    pub fn note(&self) -> &str {
        self.fields.text(1)
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        self.fields.key(key, |fields| {
            let [cured, note] = fields else { return None };
            if !matches!(cured.text(), "yes" | "no") {
                return Some("cured: write yes or no".to_owned());
            }
            (note.text().chars().count() < 3).then(|| "say what you saw".to_owned())
        })
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.fields.paste(pasted);
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        self.fields.render(theme, "outcome unknown", &self.about, area, buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(form: &mut ArmForm, text: &str) {
        text.chars().for_each(|c| {
            form.key(Key::char(c));
        });
    }

    #[test]
    fn arming_needs_a_name_a_reason_and_a_time() {
        let enter = Key::plain(KeyCode::Enter);
        let mut form = ArmForm::new("t".into(), "demo", "ops");
        assert_eq!(form.key(enter), Answer::Open, "from the reason to the minutes");
        assert_eq!(form.key(enter), Answer::Open, "no reason yet");
        form.key(Key::plain(KeyCode::Up));
        typed(&mut form, "INC-7");
        form.key(enter);
        typed(&mut form, "9");
        assert_eq!(form.key(enter), Answer::Open, "159 minutes is too long");
        form.key(Key::plain(KeyCode::Backspace));
        assert_eq!(form.key(enter), Answer::Yes);
        assert_eq!((form.declared(), form.reason(), form.duration()), ("ops", "INC-7", Duration::from_secs(900)));
        assert_eq!(form.key(Key::plain(KeyCode::Esc)), Answer::No);
    }
}
