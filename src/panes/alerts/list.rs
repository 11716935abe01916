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

    /// The same, or where the selected alert is not among `rows` any more, the worst again: its old place is no place
    /// that anybody chose.
    #[must_use]
    pub fn kept(&self, rows: &[AlertRow]) -> Cursor {
        if self.0.is_gone(|chosen| place(rows, chosen)) { Cursor::default() } else { self.clone() }
    }

    /// The lines to draw on so few rows: those around the selected alert; above them the worst, where it fires and would
    /// be out of sight.
    #[must_use]
    pub fn lines(&self, rows: &[AlertRow], height: usize) -> Vec<usize> {
        let view = self.view(rows);
        let window = view.window(rows.len(), height);
        let fires = rows.first().is_some_and(|row| matches!(row.state, AlertState::Firing { .. }));
        if window.start == 0 || height < 2 || !fires {
            return window.collect();
        }
        std::iter::once(0).chain(view.window(rows.len(), height - 1)).collect()
    }

    /// Moves; returns whether the action is one that moves.
    pub fn on(&mut self, action: Action, rows: &[AlertRow], height: usize) -> bool {
        let key = |at: usize| rows.get(at).map(|row| (row.target.clone(), row.name.to_owned(), row.labels.clone()));
        self.0.on(action, (rows.len(), height), |chosen| place(rows, chosen), key)
    }

    /// The selected alert.
    #[must_use]
    pub fn row<'r, 'a>(&self, rows: &'r [AlertRow<'a>]) -> Option<&'r AlertRow<'a>> {
        rows.get(self.index(rows))
    }

    /// Opens the runbook of the selected alert.
    #[must_use]
    pub fn open(&self, rows: &[AlertRow]) -> Option<Intent> {
        let row = self.row(rows)?;
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

/// Columns of the widest state, `firing, no data`; in a narrow window, of `not exposed`.
const STATE_COLUMNS: [u16; 2] = [15, 11];
/// `critical`; in a narrow window `crit`.
const SEVERITY_COLUMNS: [u16; 2] = [8, 4];
const CLOCK_COLUMNS: u16 = 16;
const VALUE_COLUMNS: u16 = 10;
/// `overdue by 1:04:59`, and a name of eight letters behind `acknowledged by`.
const ANSWER_COLUMNS: u16 = 24;
const RUNBOOK_COLUMNS: u16 = 30;
/// A name of more is rare; the rest goes to where it is.
const MOST_NAME_COLUMNS: u16 = 38;
/// From this width on, states and severities are written whole, and values are shown.
const WHOLE: u16 = 84;

/// Where the columns of a list of this width lie; what does not fit is in the details below the list.
#[derive(Clone, Copy)]
struct Columns {
    whole: bool,
    name: u16,
    place: u16,
    answer: bool,
    runbook: bool,
}

impl Columns {
    fn of(width: u16) -> Columns {
        let whole = width >= WHOLE;
        let (answer, runbook) = (width >= 132, width >= 170);
        let pick = |columns: [u16; 2]| columns[usize::from(!whole)] + 1;
        let optional = [(whole, VALUE_COLUMNS + 1), (answer, ANSWER_COLUMNS + 1), (runbook, RUNBOOK_COLUMNS + 1)];
        let optional: u16 = optional.iter().filter(|(with, _)| *with).map(|(_, columns)| columns).sum();
        let taken = 4 + pick(STATE_COLUMNS) + pick(SEVERITY_COLUMNS) + CLOCK_COLUMNS + 1 + optional;
        let room = width.saturating_sub(taken);
        let name = (room * 3 / 5).clamp(12, MOST_NAME_COLUMNS);
        Columns { whole, name, place: room.saturating_sub(name + 2), answer, runbook }
    }
}

/// A state in few columns; a firing alert whose data is missing is still told from one that is measured.
fn short_state(state: &AlertState, word: &'static str) -> &'static str {
    if matches!(state, AlertState::Firing { no_data: Some(_), .. }) { "fires, lost" } else { word }
}

/// Target and place of an alert; the place alone where there is one target. Where there is not room for both, the name
/// of the target is cut: its beginning says which it is.
fn whence(model: &Model, row: &AlertRow, columns: u16) -> String {
    const LEAST_TARGET: usize = 7;
    let columns = usize::from(columns);
    let place = row.place();
    if model.targets.len() < 2 {
        return text::fitted_middle(&place, columns).into_owned();
    }
    let taken = if place.is_empty() { 0 } else { text::width(&place) + 1 };
    let target = text::fitted(row.target.as_str(), columns.saturating_sub(taken).max(LEAST_TARGET));
    format!("{target} {place}").trim_end().to_owned()
}

/// Draws one alert on the line `index` of `area`.
pub fn draw(buf: &mut Buffer, model: &Model, area: Rect, index: usize, row: &AlertRow, selected: bool) {
    let theme = &model.theme;
    let state = mark::alert(row.state, row.severity);
    let urgency = mark::severity(row.severity);
    let columns = Columns::of(area.width);
    let (state_word, state_columns, severity_columns) = match columns.whole {
        true => (state.word, STATE_COLUMNS[0], SEVERITY_COLUMNS[0]),
        false => (short_state(row.state, state.word), STATE_COLUMNS[1], SEVERITY_COLUMNS[1]),
    };
    let severity = &urgency.word[..urgency.word.len().min(usize::from(severity_columns))];

    let mut pen = Pen::new(buf, theme, area, index);
    if selected {
        pen.glyph(Role::Accent, Glyph::Cursor);
    }
    pen.tab(2).glyph(state.role, state.glyph).gap(1).field(state.role, state_word, state_columns).gap(1);
    pen.field(urgency.role, severity, severity_columns).gap(1);
    let flapping = if row.alert.is_flapping(model.now.boot) { " flapping" } else { "" };
    let name = row.short_name(usize::from(columns.name).saturating_sub(flapping.len()));
    let name_role = if row.is_active() { Role::Title } else { Role::Text };
    pen.field(name_role, &format!("{name}{flapping}"), columns.name).gap(1);
    pen.field(Role::Dim, &whence(model, row, columns.place), columns.place).gap(1);
    let answer = row.answer(model.now);
    match &answer {
        // Who answers for it says more than since when.
        Some(answer) if !columns.answer => pen.field(answer.role, &answer.short, CLOCK_COLUMNS).gap(1),
        Some(_) | None => pen.field(Role::Text, &row.clock(model.now), CLOCK_COLUMNS).gap(1),
    };
    if columns.answer {
        let (role, words) = answer.map_or((Role::Dim, String::new()), |answer| (answer.role, answer.long));
        pen.field(role, &words, ANSWER_COLUMNS).gap(1);
    }
    if columns.whole {
        pen.field_right(Role::Text, &row.value().unwrap_or_default(), VALUE_COLUMNS).gap(1);
    }
    if columns.runbook
        && let Some(runbook) = row.runbook()
    {
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

    /// However far down the selection is, the alert that fires is on the screen; and a selection that has gone is none.
    #[test]
    fn what_fires_is_never_out_of_sight() {
        let model = testing::model(Condition::Ill);
        let mut rows = row::rows(&model);
        let quiet: Vec<AlertRow> = (0..20).flat_map(|_| rows[1..].to_vec()).collect();
        rows.extend(quiet);
        let mut cursor = Cursor::default();
        assert_eq!(cursor.lines(&rows, 4), [0, 1, 2, 3]);
        cursor.on(Action::Bottom, &rows, 4);
        let lines = cursor.lines(&rows, 4);
        assert!(lines[0] == 0 && lines.contains(&cursor.index(&rows)) && lines.len() == 4, "{lines:?}");
        assert_eq!(cursor.lines(&rows, 1), [cursor.index(&rows)]);
        assert_eq!(cursor.kept(&rows).index(&rows), cursor.index(&rows));
        let others: Vec<AlertRow> = rows.iter().filter(|row| row.name != "BarrierTimeouts").copied().collect();
        assert_eq!(cursor.kept(&others).index(&others), 0);
        // A yes or no that is compared says nothing more than that it holds.
        assert_eq!(rows[0].value().as_deref(), Some("3m 20s"));
        let mut alert = rows[0].alert.clone();
        let rule = std::sync::Arc::make_mut(&mut alert.rule);
        (rule.unit, rule.counted.subject) = (None, Some("up".into()));
        alert.metric = std::sync::Arc::default();
        let only = AlertRow { alert: &alert, rule: &alert.rule, ..rows[0] };
        assert_eq!(only.value(), None);
    }

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
