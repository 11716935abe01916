//! The forms: arming, the reason for another branch or for closing a run, and what became of an unknown outcome.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::field::Field;
use super::{Answer, Line, frame, line, place, wrapped, write_lines};
use crate::base::{BranchId, Key, KeyCode, RunId, StepId, TargetId, text};
use crate::ui::layout::above;
use crate::ui::{Role, Theme};

/// Longest arming.
const MINUTES_LIMIT: u64 = 60;
const WIDTH: u16 = 72;
/// Columns between the longest label and what is typed.
const LABEL_GAP: usize = 2;
/// Lines that the field with the cursor needs, with what was refused in it.
const FIELD_ROWS: u16 = 2;

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

    /// Puts this into a field, with the cursor behind it.
    pub(super) fn set(&mut self, index: usize, text: &str) {
        if let Some(field) = self.fields.get_mut(index) {
            *field = Field::new(field.label, text);
        }
    }

    pub(super) fn text(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", Field::text)
    }

    /// Draws what it is about, the fields, and at the bottom what the keys do. Where there is no room for all of it,
    /// the first line of what it is about, the field with the cursor and the keys stay.
    pub(super) fn render(&self, theme: &Theme, title: &str, about: &[String], area: Rect, buffer: &mut Buffer) {
        let columns = usize::from(WIDTH.min(area.width).saturating_sub(4));
        let prose = |role: Role, text: &str| wrapped(text, columns).into_iter().map(move |text| line(role, text));
        let head: Vec<Line> = about.iter().take(1).flat_map(|text| prose(Role::Text, text)).collect();
        let mut body: Vec<Line> = about.iter().skip(1).flat_map(|text| prose(Role::Text, text)).collect();
        body.push(Line::new());
        let active = self.push_fields(&mut body, columns);
        let mut foot: Vec<Line> = self.complaint.iter().flat_map(|text| prose(Role::Warning, text)).collect();
        foot.extend(prose(Role::Dim, "enter: next field, and answer on the last   esc: no"));
        let height = head.len() + body.len() + 1 + foot.len() + 2;
        let inside =
            frame(theme, Role::Accent, title, place(area, WIDTH, u16::try_from(height).unwrap_or(u16::MAX)), buffer);
        // The keys are kept first, then the line of what it is about, then as much as there is room for.
        let rows = |lines: &[Line]| u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let (upper, keys) = above(inside, inside.height.saturating_sub(rows(&foot)));
        let (about, rest) = above(upper, rows(&head).min(upper.height.saturating_sub(FIELD_ROWS)));
        let offset = (active + 1).saturating_sub(usize::from(rest.height));
        write_lines(theme, &head, 0, about, buffer);
        write_lines(theme, &body, offset, rest, buffer);
        write_lines(theme, &foot, 0, keys, buffer);
    }

    /// Adds a line for every field; returns the last line of the one that has the cursor.
    fn push_fields(&self, lines: &mut Vec<Line>, columns: usize) -> usize {
        let label_columns = self.fields.iter().map(|field| text::width(field.label)).max().unwrap_or(0) + LABEL_GAP;
        let mut last = lines.len();
        for (index, field) in self.fields.iter().enumerate() {
            let active = index == self.at;
            let (mark, role) = if active { ("> ", Role::Accent) } else { ("  ", Role::Dim) };
            let mut pieces = vec![(role, format!("{mark}{:<label_columns$}", field.label))];
            pieces.extend(field.pieces(active, columns.saturating_sub(label_columns + mark.len())));
            lines.push(pieces);
            if let Some(refused) = field.refused {
                lines.push(line(Role::Warning, format!("  {refused}")));
            }
            if active {
                last = lines.len() - 1;
            }
        }
        last
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

/// What a reason is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reasoned {
    /// A branch is taken that the evidence does not suggest.
    Branch { step: StepId, branch: BranchId },
    /// The run is closed; nobody goes on with it afterwards.
    Close,
}

/// Why an operator decides what the evidence does not decide.
#[derive(Clone, Debug)]
pub struct ReasonForm {
    pub run: RunId,
    pub of: Reasoned,
    about: Vec<String>,
    fields: Fields,
}

impl ReasonForm {
    #[must_use]
    pub fn of_branch(run: RunId, step: StepId, branch: BranchId, title: &str, suggested: Option<&str>) -> ReasonForm {
        let about = vec![
            format!("take the branch: {title}"),
            match suggested {
                Some(suggested) => format!("the evidence suggests another one: {suggested}"),
                None => "the evidence suggests no branch.".to_owned(),
            },
        ];
        ReasonForm::new(run, Reasoned::Branch { step, branch }, about)
    }

    /// `stands_at` is the title of the step at which the run stands; nothing where its path is at its end.
    #[must_use]
    pub fn of_close(run: RunId, title: &str, stands_at: Option<&str>) -> ReasonForm {
        let about = vec![
            format!("close the run: {title}"),
            match stands_at {
                Some(step) => format!("it is not at its end; it stands at: {step}"),
                None => "it is at its end.".to_owned(),
            },
            "a closed run is not gone on with; the alert opens a new one.".to_owned(),
        ];
        ReasonForm::new(run, Reasoned::Close, about)
    }

    fn new(run: RunId, of: Reasoned, mut about: Vec<String>) -> ReasonForm {
        about.push("the reason is written into the journal.".to_owned());
        ReasonForm { run, of, about, fields: Fields::new(vec![Field::new("reason", "")]) }
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        self.fields.text(0)
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        let missing = match self.of {
            Reasoned::Branch { .. } => "say why this branch and not the suggested one",
            Reasoned::Close => "say why the run is closed",
        };
        self.fields.key(key, |fields| {
            let short = fields.first().is_none_or(|reason| reason.text().chars().count() < 3);
            short.then(|| missing.to_owned())
        })
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.fields.paste(pasted);
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let title = match self.of {
            Reasoned::Branch { .. } => "another branch",
            Reasoned::Close => "close the run",
        };
        self.fields.render(theme, title, &self.about, area, buffer);
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

    /// In the lowest window in which a dialog takes keys, what is typed is seen, and how to get out too.
    #[test]
    fn the_field_that_is_typed_into_is_always_seen() {
        use crate::ui::widget::testing::text_of;
        let said = |form: &ArmForm, width, height| {
            let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width, height });
            let area = buffer.area;
            form.render(&Theme::standard(), area, &mut buffer);
            text_of(&buffer)
        };
        for (width, height) in [(40, 10), (44, 11), (80, 24)] {
            let mut form = ArmForm::new("main-a".into(), "demo", "ops");
            typed(&mut form, "INC-7");
            for (steps, want) in [(0, "INC-7"), (1, "15"), (1, "ops")] {
                (0..steps).for_each(|_| assert_eq!(form.key(Key::plain(KeyCode::Tab)), Answer::Open));
                let text = said(&form, width, height);
                let active = text.lines().find(|line| line.contains("> ")).unwrap_or_default();
                assert!(active.contains(want), "{width}x{height} {want}\n{text}");
                assert!(text.contains("esc: no") && text.contains("demo/main-a"), "{width}x{height}\n{text}");
            }
            form.key(Key::plain(KeyCode::Tab));
            form.key(Key::plain(KeyCode::Tab));
            form.key(Key::plain(KeyCode::Enter));
            assert!(said(&form, width, height).contains("incident or reason  INC-7"), "{}", said(&form, width, height));
            typed(&mut form, &"9".repeat(60));
            form.key(Key::plain(KeyCode::Enter));
            let text = said(&form, width, height);
            assert!(text.contains("a whole number") && text.contains("…9999") && text.contains("esc: no"), "{text}");
        }
    }
}
