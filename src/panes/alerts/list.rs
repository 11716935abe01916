//! Alerts as lines, with a selection that stays on its alert when the order changes; the overview shows the same.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::row::AlertRow;
use crate::alert::{AlertState, ClaimKind};
use crate::base::{TargetId, text};
use crate::model::Labels;
use crate::panes::{Intent, Model, mark};
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Selection, Viewport};
use crate::ui::{Action, Glyph, Role};

/// The selected alert, by what it is and not by where it stands.
#[derive(Clone, Debug, Default)]
pub struct Cursor(Selection<(TargetId, String, Labels)>);

impl Cursor {
    /// Where the selected alert stands now; the first where none was chosen, its old place where it is gone.
    #[must_use]
    pub fn index(&self, rows: &[AlertRow]) -> usize {
        self.view(rows).cursor
    }

    /// The scroll position with the cursor where the selected alert is now.
    #[must_use]
    pub fn view(&self, rows: &[AlertRow]) -> Viewport {
        self.0.view(rows.len(), |chosen| place(rows, chosen))
    }

    /// Moves; returns whether the action is one that moves.
    pub fn on(&mut self, action: Action, rows: &[AlertRow], height: usize) -> bool {
        let key = |at: usize| rows.get(at).map(|row| (row.target.clone(), row.name.to_owned(), row.labels.clone()));
        self.0.on(action, (rows.len(), height), |chosen| place(rows, chosen), key)
    }

    /// Opens the runbook of the selected alert.
    #[must_use]
    pub fn open(&self, rows: &[AlertRow]) -> Option<Intent> {
        let row = rows.get(self.index(rows))?;
        Some(Intent::OpenRunbook { target: row.target.clone(), alert: row.name.to_owned() })
    }

    /// Takes the selected alert upon oneself, or puts it off.
    #[must_use]
    pub fn claim(&self, rows: &[AlertRow], kind: ClaimKind) -> Intent {
        match rows.get(self.index(rows)) {
            Some(row) => Intent::Claim { key: row.alert.key(), kind },
            None => Intent::Say("no alert is shown that somebody could answer for".to_owned()),
        }
    }

    /// Copies the name and the labels of the selected alert.
    #[must_use]
    pub fn copy(&self, rows: &[AlertRow]) -> Intent {
        match rows.get(self.index(rows)) {
            Some(row) => Intent::Copy(text::copyable(&row.selector()).into_owned()),
            None => Intent::Say("no alert is shown; there is nothing to copy".to_owned()),
        }
    }
}

fn place(rows: &[AlertRow], (target, name, labels): &(TargetId, String, Labels)) -> Option<usize> {
    rows.iter().position(|row| row.target == target && row.name == name && row.labels == labels)
}

/// How many alerts are in which state, worst first, and the colour of the worst.
#[must_use]
pub fn summary(rows: &[AlertRow]) -> (Role, String) {
    let mut counts: Vec<(&str, Role, usize)> = Vec::new();
    for row in rows {
        let state = mark::alert(row.state, row.severity);
        // Firing is firing, with data or without.
        let word = if matches!(row.state, AlertState::Firing { .. }) { "firing" } else { state.word };
        match counts.iter_mut().find(|(have, _, _)| *have == word) {
            Some((_, _, count)) => *count += 1,
            None => counts.push((word, state.role, 1)),
        }
    }
    let role = counts.first().map_or(Role::Unknown, |(_, role, _)| *role);
    let words: Vec<String> = counts.iter().map(|(word, _, count)| format!("{count} {word}")).collect();
    (role, words.join(" · "))
}

/// Columns of the widest state, `firing, no data`.
const STATE_COLUMNS: u16 = 15;
const SEVERITY_COLUMNS: u16 = 8;
const TARGET_COLUMNS: u16 = 18;
const CLOCK_COLUMNS: u16 = 17;
const VALUE_COLUMNS: u16 = 10;
/// `overdue by 1:04:59`, and a name of eight letters behind `acknowledged by`.
const ANSWER_COLUMNS: u16 = 24;

/// Draws one alert on the line `index` of `area`.
pub fn draw(buf: &mut Buffer, model: &Model, area: Rect, index: usize, row: &AlertRow, selected: bool) {
    let theme = &model.theme;
    let state = mark::alert(row.state, row.severity);
    let urgency = mark::severity(row.severity);
    // What does not fit is in the details below the list.
    let with_target = area.width >= 96 || (area.width >= 60 && model.targets.len() > 1);
    let with_value = area.width >= 84;
    let with_answer = area.width >= 132;
    let with_runbook = area.width >= 150;
    let fixed = 4 + STATE_COLUMNS + 1 + SEVERITY_COLUMNS + 1 + CLOCK_COLUMNS + 1;
    let optional = [
        (with_answer, ANSWER_COLUMNS + 1),
        (with_target, TARGET_COLUMNS + 1),
        (with_value, VALUE_COLUMNS + 1),
        (with_runbook, 30),
    ];
    let taken: u16 = optional.iter().filter(|(with, _)| *with).map(|(_, columns)| columns).sum();
    let name_columns = area.width.saturating_sub(fixed + taken).clamp(12, 40);

    let mut pen = Pen::new(buf, theme, area, index);
    if selected {
        pen.glyph(Role::Accent, Glyph::Cursor);
    }
    pen.tab(2).glyph(state.role, state.glyph).gap(1).field(state.role, state.word, STATE_COLUMNS).gap(1);
    pen.field(urgency.role, urgency.word, SEVERITY_COLUMNS).gap(1);
    let flapping = if row.alert.is_flapping(model.now.boot) { " flapping" } else { "" };
    let name = format!("{}{flapping}", row.name);
    pen.field(if row.is_active() { Role::Title } else { Role::Text }, &name, name_columns).gap(1);
    if with_target {
        pen.field(Role::Dim, row.target.as_str(), TARGET_COLUMNS).gap(1);
    }
    let answer = row.answer(model.now);
    match &answer {
        // Who answers for it says more than since when.
        Some(answer) if !with_answer => pen.field(answer.role, &answer.short, CLOCK_COLUMNS).gap(1),
        Some(_) | None => pen.field(Role::Text, &row.clock(model.now), CLOCK_COLUMNS).gap(1),
    };
    if with_answer {
        let (role, words) = answer.map_or((Role::Dim, String::new()), |answer| (answer.role, answer.long));
        pen.field(role, &words, ANSWER_COLUMNS).gap(1);
    }
    if with_value {
        let value = row.value().map_or(String::new(), |value| row.unit.write(value));
        pen.field_right(Role::Text, &value, VALUE_COLUMNS).gap(1);
    }
    if with_runbook && let Some(runbook) = row.runbook {
        pen.gap(1).put(Role::Dim, runbook);
    }
    if selected {
        select(buf, theme, area, index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::alerts::row;
    use crate::panes::testing::{self, Condition};

    #[test]
    fn the_selection_stays_on_its_alert_when_the_order_changes() {
        let model = testing::model(Condition::Ill);
        let mut rows = row::rows(&model);
        assert_eq!(summary(&rows), (Role::Critical, "1 firing · 1 pending · 1 not exposed".to_owned()));
        let mut cursor = Cursor::default();
        assert!(cursor.on(Action::Down, &rows, 5));
        let name = rows[1].name;
        rows.swap(0, 1);
        assert_eq!(rows[cursor.index(&rows)].name, name);
        let open = Intent::OpenRunbook { target: rows[0].target.clone(), alert: name.to_owned() };
        assert_eq!(cursor.open(&rows), Some(open));
        rows.remove(0);
        assert!(cursor.index(&rows) < rows.len());
        assert_eq!(cursor.open(&[]), None);
    }
}
