//! The form that acknowledges or snoozes an alert: why, and until when.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::form::Fields;
use super::{Answer, Field};
use crate::alert::claim::LONGEST;
use crate::alert::{AlertKey, ClaimKind, duration};
use crate::base::Key;
use crate::ui::Theme;

/// Who answers for which alert, why and how long.
#[derive(Clone, Debug)]
pub struct ClaimForm {
    pub key: AlertKey,
    pub kind: ClaimKind,
    /// The operator's name, as the journal will have it.
    pub by: String,
    about: Vec<String>,
    fields: Fields,
}

impl ClaimForm {
    #[must_use]
    pub fn new(key: AlertKey, kind: ClaimKind, by: &str) -> ClaimForm {
        let (what, time) = match kind {
            ClaimKind::Acknowledgement => ("its response clock stops, until it is quiet or the time is up.", "4h"),
            ClaimKind::Snooze => ("it neither rings nor counts down until the time is up.", "1h"),
        };
        let about = vec![
            format!("{} on {}: {what}", key.alert, key.target),
            format!("by {by}, who is named in the journal with the reason."),
        ];
        let fields = vec![Field::new("reason", ""), Field::new("for (15m … 1d)", time)];
        ClaimForm { key, kind, by: by.to_owned(), about, fields: Fields::new(fields) }
    }

    #[must_use]
    pub fn reason(&self) -> &str {
        self.fields.text(0)
    }

    #[must_use]
    pub fn duration(&self) -> Duration {
        time(self.fields.text(1)).unwrap_or_default()
    }

    pub(super) fn key(&mut self, key: Key) -> Answer {
        self.fields.key(key, |fields| {
            let [reason, until] = fields else { return None };
            if reason.text().trim().chars().count() < 3 {
                return Some("say why: an incident id or a reason".to_owned());
            }
            time(until.text()).err()
        })
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.fields.paste(pasted);
    }

    pub(super) fn render(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let title = match self.kind {
            ClaimKind::Acknowledgement => "acknowledge",
            ClaimKind::Snooze => "snooze",
        };
        self.fields.render(theme, title, &self.about, area, buffer);
    }
}

/// # Errors
/// Not a duration, or one that nobody remembers the end of.
fn time(text: &str) -> Result<Duration, String> {
    match duration::parse(text.trim())? {
        none if none.is_zero() => Err("for how long? write 15m, 1h, 4h, 1d or another time".to_owned()),
        long if long > LONGEST => Err("for 30 days at most: change the rule instead".to_owned()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::KeyCode;
    use crate::model::Labels;

    #[test]
    fn it_needs_a_reason_and_a_time() {
        let key = AlertKey { target: "t".into(), alert: "A".to_owned(), labels: Labels::default() };
        let mut form = ClaimForm::new(key, ClaimKind::Snooze, "ayse");
        let enter = Key::plain(KeyCode::Enter);
        form.key(enter);
        assert_eq!(form.key(enter), Answer::Open, "no reason yet");
        form.key(Key::plain(KeyCode::Up));
        for c in "INC-7".chars() {
            form.key(Key::char(c));
        }
        form.key(enter);
        form.key(Key::plain(KeyCode::Backspace));
        assert_eq!(form.key(enter), Answer::Open, "1 of what");
        form.key(Key::char('d'));
        assert_eq!(form.key(enter), Answer::Yes);
        assert_eq!((form.reason(), form.duration()), ("INC-7", Duration::from_secs(86_400)));
        form.key(Key::char('9'));
        assert_eq!(form.key(enter), Answer::Open, "1d9");
        assert_eq!(form.key(Key::plain(KeyCode::Esc)), Answer::No);
        let check = |text: &str, fine: bool| assert_eq!(time(text).is_ok(), fine, "{text}");
        check("15m", true);
        check("30d", true);
        check("31d", false);
        check("0s", false);
        check("", false);
        check("soon", false);
    }
}
