//! The form for what a person says at a step: what they did by hand, why not, whom they told, or the value that is
//! asked for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::form::Fields;
use super::{Answer, Field};
use crate::base::{ActId, Key, KeyCode, RunId, StepId};
use crate::runbook::input;
use crate::runbook::tree::{Accepts, InputPlan};
use crate::ui::Theme;

/// What is said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// The manual step was done.
    Done,
    /// It was not done.
    NotDone,
    /// An item of a checklist does not apply.
    NotApplicable(ActId),
    /// The acts of a sequence were done by hand.
    ByHand,
    /// People were told; these are the ones to tell.
    Told { contacts: Vec<String> },
    /// A value, with what live data has for it now.
    Value { plan: InputPlan, there: Option<Vec<String>> },
}

/// What a person says at a step of a run.
#[derive(Clone, Debug)]
pub struct SaidForm {
    pub run: RunId,
    pub step: StepId,
    pub said: Said,
    about: Vec<String>,
    fields: Fields,
}

impl SaidForm {
    /// `title` is the step's, or the item's.
    #[must_use]
    pub fn new(run: RunId, step: StepId, said: Said, title: &str) -> SaidForm {
        let (about, label) = match &said {
            Said::Done => (vec![format!("done by hand: {title}"), journalled("what you did and saw")], "note"),
            Said::NotDone => (vec![format!("not done: {title}"), journalled("the reason")], "reason"),
            Said::NotApplicable(_) => (vec![format!("not applicable: {title}"), journalled("the reason")], "reason"),
            Said::ByHand => {
                let about = vec![
                    format!("done by hand instead: {title}"),
                    "the console runs nothing. it measures whether it helped, and only that counts.".to_owned(),
                    journalled("what you did"),
                ];
                (about, "note")
            }
            Said::Told { contacts } => {
                let to_tell = format!("to tell: {}", contacts.join(", "));
                (vec![format!("who was told: {title}"), to_tell, journalled("the name of whom you reached")], "told")
            }
            Said::Value { plan, there } => (about_value(plan, there.as_deref()), "value"),
        };
        SaidForm { run, step, said, about, fields: Fields::new(vec![Field::new(label, "")]) }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        self.fields.text(0)
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        if let (KeyCode::Tab, Said::Value { there: Some(there), .. }) = (key.code, &self.said) {
            let next = completed(self.fields.text(0), there);
            if let Some(next) = next {
                self.fields.set(0, &next);
            }
            return Answer::Open;
        }
        let said = &self.said;
        self.fields.key(key, |fields| {
            let text = fields.first().map_or("", Field::text);
            let long = |least: usize| text.chars().count() >= least;
            match said {
                Said::Done | Said::ByHand => (!long(3)).then(|| "say what you did and saw".to_owned()),
                Said::NotDone => (!long(3)).then(|| "say why it is not done".to_owned()),
                Said::NotApplicable(_) => (!long(3)).then(|| "say why it does not apply".to_owned()),
                Said::Told { .. } => (!long(2)).then(|| "say who was told".to_owned()),
                Said::Value { plan, there } => input::objection(&plan.accepts, text, there.as_deref()).err(),
            }
        })
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.fields.paste(pasted);
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let title = match &self.said {
            Said::Done => "done by hand",
            Said::NotDone => "not done",
            Said::NotApplicable(_) => "not applicable",
            Said::ByHand => "done by hand instead",
            Said::Told { .. } => "told",
            Said::Value { .. } => "a value",
        };
        self.fields.render(theme, title, &self.about, area, buffer);
    }
}

fn journalled(what: &str) -> String {
    format!("{what} is written into the journal, with who says it and when.")
}

fn about_value(plan: &InputPlan, there: Option<&[String]>) -> Vec<String> {
    const MOST_SHOWN: usize = 12;
    let mut about = vec![plan.asks.clone()];
    match (&plan.accepts, there) {
        (_, Some([])) => about.push("nothing of the kind is there now.".to_owned()),
        (_, Some(there)) => {
            let more = there.len().saturating_sub(MOST_SHOWN);
            let shown = there.iter().take(MOST_SHOWN).cloned().collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            about.push(format!("tab completes it: {shown}{more}"));
        }
        (Accepts::Text | Accepts::Integer { .. } | Accepts::OneOf(_), None) => about.push(plan.accepts.words()),
        (Accepts::LabelValues { .. } | Accepts::Document { .. }, None) => about.push(plan.accepts.words()),
    }
    about.push(format!("it stands for {{{}}} in the steps after this one, as it is typed.", plan.name));
    about
}

/// The next of these that begins as what is typed does; after the last one the first again.
fn completed(typed: &str, there: &[String]) -> Option<String> {
    if let Some(at) = there.iter().position(|known| known == typed) {
        return there.get((at + 1) % there.len()).cloned();
    }
    there.iter().find(|known| known.starts_with(typed)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(form: &mut SaidForm, text: &str) -> Answer {
        text.chars().for_each(|c| {
            form.key(Key::char(c));
        });
        form.key(Key::plain(KeyCode::Enter))
    }

    #[test]
    fn nothing_is_said_without_words() {
        let told = Said::Told { contacts: vec!["on-call".to_owned()] };
        let every = [Said::Done, Said::NotDone, Said::NotApplicable("a".into()), Said::ByHand, told];
        for said in every {
            let mut form = SaidForm::new("r".into(), "s".into(), said.clone(), "title");
            assert_eq!(typed(&mut form, " "), Answer::Open, "{said:?}");
            assert_eq!(typed(&mut form, "told Ayse"), Answer::Yes, "{said:?}");
            assert_eq!(form.key(Key::plain(KeyCode::Esc)), Answer::No);
        }
    }

    #[test]
    fn a_value_is_completed_from_what_is_there_and_refused_otherwise() {
        let accepts = Accepts::LabelValues { expr: "up".to_owned(), label: "node".to_owned() };
        let plan = InputPlan { name: "node".to_owned(), asks: "which node".to_owned(), accepts };
        let there = Some(vec!["a-1".to_owned(), "b-1".to_owned(), "b-2".to_owned()]);
        let mut form = SaidForm::new("r".into(), "s".into(), Said::Value { plan, there }, "which");
        assert_eq!(typed(&mut form, "c"), Answer::Open);
        form.key(Key::plain(KeyCode::Backspace));
        form.key(Key::char('b'));
        let tab = Key::plain(KeyCode::Tab);
        for want in ["b-1", "b-2", "a-1"] {
            form.key(tab);
            assert_eq!(form.text(), want);
        }
        assert_eq!(form.key(Key::plain(KeyCode::Enter)), Answer::Yes);
    }
}
