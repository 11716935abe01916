//! Every objective of every target: whether it is met, what is left of its budget and how fast that is being used.
//!
//! Must never: show a budget without how much of its window was measured, or an objective that can not be measured as
//! one that is met.

mod detail;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Intent, Look, Model};
use crate::alert::slo::{Budget, Definition, Standing};
use crate::base::{TargetId, text};
use crate::panes::words::number;
use crate::promql::Verdict;
use crate::ui::layout::{above, line};
use crate::ui::widget::pen::{Pen, select};
use crate::ui::widget::{Mark, Rows, Selection, Viewport, frame, rows, spark};
use crate::ui::{Action, Glyph, Role};

/// In the order of [`split`].
pub const PARTS: &[&str] = &["objectives", "details"];
const DETAILS: usize = 1;

/// The budget of thirty days is gone in two at this rate: Prometheus' own examples page somebody for it.
const FAST_BURN: f64 = 14.4;
/// And in five at this one.
const SLOW_BURN: f64 = 6.0;
/// From this part on a window counts as measured: the console may have been restarted now and then.
const WHOLE: f64 = 0.95;

/// Which objective is selected.
#[derive(Clone, Debug, Default)]
pub struct Slos {
    pub look: Look,
    selection: Selection<(TargetId, String)>,
}

/// An objective of a target.
#[derive(Clone, Copy)]
struct Row<'a> {
    target: &'a TargetId,
    standing: &'a Standing,
}

impl Slos {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let shown = self.shown(model);
        let selected = shown.get(self.view(&shown).cursor).copied();
        match (action, selected) {
            (Action::Copy, Some(row)) => return Some(Intent::Copy(text::copyable(&said(row)).into_owned())),
            (Action::Copy, None) => {
                return Some(Intent::Say("no objective is shown: there is nothing to copy".to_owned()));
            }
            (_moves, _) => {}
        }
        let [list, details] = self.look.arranged(body, split(body, shown.len()));
        let inside = frame::inner(details);
        let len = selected.map_or(0, |row| describe(row, inside.width).len());
        if !self.look.pages(DETAILS, action, len, usize::from(inside.height)) {
            let height = usize::from(frame::inner(list).height).saturating_sub(1);
            let key = |at: usize| shown.get(at).map(|row| (row.target.clone(), row.standing.slo.id.clone()));
            self.selection.on(action, (shown.len(), height), |chosen| place(&shown, chosen), key);
        }
        None
    }

    pub fn render(&self, model: &Model, area: Rect, buf: &mut Buffer) {
        let theme = &model.theme;
        let (all, shown) = (all(model).count(), self.shown(model));
        let [upper, lower] = self.look.arranged(area, split(area, shown.len()));
        // With nothing to select, the details alone have this to say too.
        let upper = if shown.is_empty() && upper.height == 0 { lower } else { upper };
        let (role, note) = summary(model);
        let title = self.look.filter.title("objectives", shown.len(), all);
        let inside = frame::frame(buf, theme, upper, &title, (role, &note));
        if shown.is_empty() {
            let words = match all {
                0 => "no system declares an objective, or none was looked at yet",
                _some => "no objective matches the filter",
            };
            Pen::new(buf, theme, inside, 0).put(Role::Unknown, words);
            return;
        }
        let columns = Columns::of(inside.width, model.targets.len() > 1);
        columns.heads(buf, model, inside);
        let (_, list) = above(inside, 1);
        let view = self.view(&shown);
        let window = view.window(shown.len(), usize::from(list.height));
        for (line, at) in window.clone().enumerate() {
            columns.draw(buf, model, list, line, shown[at], at == view.cursor);
        }
        rows::more(buf, theme, list, window.start, shown.len() - window.end);
        let Some(row) = shown.get(view.cursor) else { return };
        let inside = frame::frame(buf, theme, lower, &row.standing.slo.title, (Role::Dim, row.target.as_str()));
        describe(*row, inside.width).draw(buf, theme, inside, &self.look.text(DETAILS));
    }

    fn shown<'m>(&self, model: &'m Model) -> Vec<Row<'m>> {
        let filter = &self.look.filter;
        all(model).filter(|row| !filter.is_set() || filter.accepts(&said(*row))).collect()
    }

    fn view(&self, shown: &[Row]) -> Viewport {
        self.selection.view(shown.len(), |chosen| place(shown, chosen))
    }
}

fn all(model: &Model) -> impl Iterator<Item = Row<'_>> {
    model
        .targets
        .iter()
        .flat_map(|target| target.objectives.iter().map(|standing| Row { target: &target.id, standing }))
}

fn place(shown: &[Row], (target, id): &(TargetId, String)) -> Option<usize> {
    shown.iter().position(|row| row.target == target && row.standing.slo.id == *id)
}

fn describe(row: Row, columns: u16) -> Rows {
    let mut text = Rows::new(columns);
    detail::describe(&mut text, row.standing);
    text
}

/// How an objective is told: by sign, word and colour.
fn mark(standing: &Standing) -> Mark {
    let (Definition::Measured { .. }, Some(budget)) = (&standing.slo.definition, &standing.budget) else {
        return Mark::new(Glyph::NotExposed, Role::Unknown, "needs definition");
    };
    let burns = |rate: Option<f64>, limit: f64| rate.is_some_and(|rate| rate >= limit);
    match budget.remaining {
        None => Mark::new(Glyph::NeverPolled, Role::NeverPolled, "not measured"),
        Some(remaining) if remaining < 0.0 => Mark::new(Glyph::Critical, Role::Critical, "missed"),
        // What can not be judged now is not said to be met.
        Some(_) if matches!(standing.now, Some(Verdict::Unknown(_)) | None) => {
            Mark::new(Glyph::Unknown, Role::Unknown, "unknown now")
        }
        Some(_) if burns(budget.burn_hour, FAST_BURN) => Mark::new(Glyph::Critical, Role::Critical, "burns fast"),
        Some(_) if burns(budget.burn_six_hours, SLOW_BURN) => Mark::new(Glyph::Warning, Role::Warning, "burns"),
        // Nobody knows of what was not measured; that it is met is said of a window, and this is not one yet.
        Some(_) if budget.coverage() < WHOLE => Mark::new(Glyph::Ok, Role::Ok, "met so far"),
        Some(_) => Mark::new(Glyph::Ok, Role::Ok, "met"),
    }
}

/// A part as people write objectives: 0.9995 is `99.95%`. What is less than all is never written as all.
fn percent(part: f64) -> String {
    format!("{}%", number((part * 100_000.0 + 1e-6).floor() / 1000.0))
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}x"))
}

/// What a line says, whole: for the clipboard and for a filter.
fn said(row: Row) -> String {
    let (slo, word) = (&row.standing.slo, mark(row.standing).word);
    match &row.standing.budget {
        Some(budget) => {
            let left = budget.remaining.map_or_else(|| "-".to_owned(), percent);
            let (objective, covered) = (percent(budget.objective), percent(budget.coverage()));
            format!("{word} {} {} objective {objective} budget left {left} coverage {covered}", slo.title, row.target)
        }
        None => format!("{word} {} {}", slo.title, row.target),
    }
}

/// How many are in which state; the colour of the worst.
fn summary(model: &Model) -> (Role, String) {
    let mut counts: Vec<(Mark, usize)> = Vec::new();
    for mark in all(model).map(|row| mark(row.standing)) {
        match counts.iter_mut().find(|(known, _)| known.word == mark.word) {
            Some((_, count)) => *count += 1,
            None => counts.push((mark, 1)),
        }
    }
    let worst = [Role::Critical, Role::Warning, Role::Ok];
    let role = worst.into_iter().find(|role| counts.iter().any(|(mark, _)| mark.role == *role));
    let words: Vec<String> = counts.iter().map(|(mark, count)| format!("{count} {}", mark.word)).collect();
    (role.unwrap_or(Role::Unknown), words.join(" · "))
}

/// The table takes what it needs, up to half of the page.
fn split(area: Rect, objectives: usize) -> [Rect; 2] {
    let wanted = u16::try_from(objectives.max(1)).unwrap_or(u16::MAX / 2).saturating_add(1 + frame::BOX_ROWS);
    above(area, wanted.min((area.height / 2).max(4))).into()
}

const STATE: u16 = 17;
const NUMBER: u16 = 9;

/// The columns whose width depends on the window.
#[derive(Clone, Copy)]
struct Columns {
    title: u16,
    /// The target's name; none where there is one target or no room.
    target: u16,
    /// The good part so far and the burn of six hours; none where there is no room.
    wide: bool,
    /// The last hour as a picture; none where there is no room.
    spark: u16,
}

impl Columns {
    fn of(width: u16, several: bool) -> Columns {
        let fixed = 4 + STATE + 4 * NUMBER;
        let room = width.saturating_sub(fixed);
        let wide = room >= 20 + 2 * NUMBER;
        let room = room.saturating_sub(if wide { 2 * NUMBER } else { 0 });
        let target = if several && room >= 40 { 16 } else { 0 };
        let room = room - target;
        let spark = if room >= 44 { (room - 26).min(60) } else { 0 };
        Columns { title: (room - spark).saturating_sub(u16::from(spark > 0) * 2), target, wide, spark }
    }

    fn numbers(self, budget: Option<&Budget>) -> Vec<String> {
        let Some(budget) = budget else { return vec![String::new(); if self.wide { 6 } else { 4 }] };
        let part = |part: Option<f64>| part.map_or_else(|| "-".to_owned(), percent);
        let mut numbers = vec![percent(budget.objective)];
        if self.wide {
            numbers.push(part(budget.good));
        }
        numbers.push(match budget.remaining {
            // Beyond that it says no more, and would not fit.
            Some(left) if left < -9.99 => "<-999%".to_owned(),
            left => left.map_or_else(|| "-".to_owned(), |left| format!("{:.1}%", left * 100.0)),
        });
        numbers.push(rate(budget.burn_hour));
        if self.wide {
            numbers.push(rate(budget.burn_six_hours));
        }
        numbers.push(percent(budget.coverage()));
        numbers
    }

    fn heads(self, buf: &mut Buffer, model: &Model, area: Rect) {
        let mut pen = Pen::new(buf, &model.theme, area, 0);
        pen.tab(4).field(Role::Dim, "state", STATE).field(Role::Dim, "objective", self.title);
        if self.target > 0 {
            pen.field(Role::Dim, "target", self.target);
        }
        let words: &[&str] = match self.wide {
            true => &["aim", "good", "left", "burn 1h", "burn 6h", "covered"],
            false => &["aim", "left", "burn 1h", "covered"],
        };
        for word in words {
            pen.field_right(Role::Dim, word, NUMBER);
        }
        if self.spark > 0 {
            pen.gap(2).field(Role::Dim, "last hour", self.spark);
        }
    }

    fn draw(self, buf: &mut Buffer, model: &Model, area: Rect, at: usize, row: Row, selected: bool) {
        let mark = mark(row.standing);
        let mut pen = Pen::new(buf, &model.theme, area, at);
        if selected {
            pen.glyph(Role::Accent, Glyph::Cursor);
        }
        pen.tab(2).glyph(mark.role, mark.glyph).gap(1).field(mark.role, mark.word, STATE);
        pen.field(Role::Text, &row.standing.slo.title, self.title);
        if self.target > 0 {
            pen.field(Role::Dim, row.target.as_str(), self.target);
        }
        // Numbers of something that is not known now do not look alive.
        let role = if matches!(mark.role, Role::Unknown | Role::NeverPolled) { Role::Dim } else { Role::Text };
        for number in self.numbers(row.standing.budget.as_ref()) {
            pen.field_right(role, &number, NUMBER);
        }
        if let Some(budget) = row.standing.budget.as_ref().filter(|_| self.spark > 0) {
            let line = line(area, at);
            let place = Rect { x: line.right().saturating_sub(self.spark), width: self.spark, ..line };
            let role = if role == Role::Dim { Role::Border } else { Role::Chart };
            spark::spark(buf, &model.theme, place.intersection(area), &budget.spark, role);
        }
        if selected {
            select(buf, &model.theme, area, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_all_is_never_written_as_all() {
        let check = |part: f64, want: &str| assert_eq!(percent(part), want);
        check(1.0, "100%");
        check(0.999_999_9, "99.999%");
        check(0.9995, "99.95%");
        check(0.995, "99.5%");
        check(0.0, "0%");
        check(-0.5, "-50%");
    }

    #[test]
    fn every_state_has_its_word_and_none_that_is_not_known_is_met() {
        let spec = r#"(id: "a", title: "b", objective: 0.9, window: "1d", level: "up == bool 1")"#;
        let spec = crate::base::ron_text::parse("f", spec).unwrap_or_else(|problem| panic!("{problem}"));
        let slo = std::sync::Arc::new(crate::alert::slo::Slo::compile(&spec).unwrap_or_else(|why| panic!("{why}")));
        let check_of = |hours: u64, remaining: Option<f64>, hour: f64, six: f64, now: Option<Verdict>, want: &str| {
            let budget = Budget {
                objective: 0.9,
                window: std::time::Duration::from_secs(86_400),
                covered: std::time::Duration::from_secs(hours * 3600),
                good: remaining.map(|_| 0.95),
                remaining,
                burn_hour: Some(hour),
                burn_six_hours: Some(six),
                spark: Vec::new(),
            };
            let standing = Standing { slo: std::sync::Arc::clone(&slo), now, budget: Some(budget) };
            assert_eq!(mark(&standing).word, want);
        };
        let check = |remaining, hour, six, now, want| check_of(23, remaining, hour, six, now, want);
        let yes = || Some(Verdict::True);
        check(Some(1.0), 0.0, 0.0, yes(), "met");
        check(Some(0.1), 14.0, 5.9, Some(Verdict::False), "met");
        check(Some(0.1), 14.0, 6.0, yes(), "burns");
        check(Some(0.1), 14.4, 6.0, yes(), "burns fast");
        check(Some(-0.1), 0.0, 0.0, yes(), "missed");
        check(Some(1.0), 0.0, 0.0, None, "unknown now");
        check(Some(1.0), 0.0, 0.0, Some(Verdict::Unknown("silent".to_owned())), "unknown now");
        check(None, 0.0, 0.0, yes(), "not measured");
        check_of(22, Some(1.0), 0.0, 0.0, yes(), "met so far");
        check_of(1, Some(-0.1), 0.0, 0.0, yes(), "missed");
    }
}
