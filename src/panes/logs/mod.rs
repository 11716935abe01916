//! Lines of one log of the selected target, newest at the bottom.
//!
//! The page either follows the end or stands still on a line; while it stands still it says how many lines came since.
//! Lines are known by their number since the console started, so that a line stays itself while older ones fall out.
//!
//! Must never: pretend to be at the end while it is not; show a line that was not cleaned.

mod draw;

use ratatui::layout::Rect;

use super::{Intent, Look, Model, mark};
use crate::base::{SourceId, text};
use crate::model::{LogLine, SourceState};
use crate::ui::Action;
use crate::ui::widget::wrap::wrap;

/// In the order of [`draw::parts`].
pub const PARTS: &[&str] = &["lines", "logs"];

/// Which log, where in it, and how its lines are shown.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    pub look: Look,
    source: Option<SourceId>,
    /// The line at the bottom and the lines that there were when following ended; without it the end is followed.
    held: Option<Held>,
    cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// The number of the line at the bottom.
    bottom: u64,
    /// How many lines had come by then.
    seen: u64,
}

/// A line with its number.
type Numbered<'m> = (u64, &'m LogLine);

impl Logs {
    pub fn on(&mut self, action: Action, model: &Model, body: Rect) -> Option<Intent> {
        let all = sources(model);
        let Some(source) = self.chosen(&all) else {
            let moves = [Action::Up, Action::Down, Action::PageUp, Action::PageDown, Action::Top, Action::Bottom];
            let words = "no log is read here: there is nothing to show or to copy".to_owned();
            return (!moves.contains(&action)).then_some(Intent::Say(words));
        };
        match action {
            Action::Copy => return Some(self.copy(model, source)),
            Action::Wrap => self.cut = !self.cut,
            Action::ChoosePrevious => self.choose(&all, all.len() - 1),
            Action::ChooseNext => self.choose(&all, 1),
            Action::Follow => {
                self.held = match self.held {
                    Some(_) => None,
                    None => last_number(source).map(|bottom| Held { bottom, seen: kept_ever(source) }),
                };
            }
            other => {
                let lines = self.lines(model, source);
                let [place, _] = self.look.arranged(body, draw::parts(body, all.len()));
                let (width, height) = draw::text_size(place);
                self.scroll(other, source, &lines, width, height);
            }
        }
        None
    }

    /// The line at the bottom: one, so that nothing is run where it is pasted into a shell.
    fn copy(&self, model: &Model, source: &SourceState) -> Intent {
        let lines = self.lines(model, source);
        match lines.get(self.bottom(&lines)) {
            Some((_, line)) => {
                Intent::Copy(text::copyable(&format!("{}{} {}", by_read(line), line.at, line.text)).into_owned())
            }
            None => Intent::Say("no line is shown; there is nothing to copy".to_owned()),
        }
    }

    /// The lines that the filter leaves, oldest first.
    fn lines<'m>(&self, model: &'m Model, source: &SourceState) -> Vec<Numbered<'m>> {
        let kept = model.store.lines(&source.id).count() as u64;
        let first = kept_ever(source).saturating_sub(kept);
        let numbered = (first..).zip(model.store.lines(&source.id));
        numbered.filter(|(_, line)| self.accepts(line)).collect()
    }

    /// A filter looks at the text, and at the severity's word that stands before it.
    fn accepts(&self, line: &LogLine) -> bool {
        match line.severity.filter(|_| self.look.filter.is_set()) {
            Some(severity) => {
                let word = mark::severity(severity).word;
                self.look.filter.accepts_any(&[&*line.text, &format!("{word} {}", line.text)])
            }
            None => self.look.filter.accepts(&line.text),
        }
    }

    fn choose(&mut self, all: &[&SourceState], steps: usize) {
        let at = all.iter().position(|source| Some(&source.id) == self.source.as_ref()).unwrap_or(0);
        self.source = all.get((at + steps) % all.len().max(1)).map(|source| source.id.clone());
        self.held = None;
    }

    fn chosen<'m>(&self, all: &[&'m SourceState]) -> Option<&'m SourceState> {
        let known = all.iter().find(|source| Some(&source.id) == self.source.as_ref());
        known.or(all.first()).copied()
    }

    fn scroll(&mut self, action: Action, source: &SourceState, lines: &[Numbered], width: usize, height: usize) {
        let Some(last) = lines.len().checked_sub(1) else { return };
        let bottom = self.bottom(lines);
        let page = self.page(lines, bottom, width, height).max(2) - 1;
        let least = self.least_bottom(lines, width, height);
        let to = match action {
            Action::Up => bottom.saturating_sub(1),
            Action::Down => bottom + 1,
            Action::PageUp => bottom.saturating_sub(page),
            Action::PageDown => bottom + page,
            Action::Top => 0,
            Action::Bottom => last,
            _other_than_scrolling => return,
        };
        let to = to.clamp(least, last);
        // The end of what there is is the end that is followed.
        let seen = self.held.map_or_else(|| kept_ever(source), |held| held.seen);
        self.held = (to < last).then(|| Held { bottom: lines[to].0, seen });
    }

    /// The index of the line at the bottom.
    fn bottom(&self, lines: &[Numbered]) -> usize {
        let last = lines.len().saturating_sub(1);
        match self.held {
            Some(held) => lines.partition_point(|(number, _)| *number <= held.bottom).saturating_sub(1).min(last),
            None => last,
        }
    }

    /// How many lines fill the page that ends at this one.
    fn page(&self, lines: &[Numbered], bottom: usize, width: usize, height: usize) -> usize {
        let mut rows = 0;
        let above = lines[..=bottom].iter().rev();
        above
            .take_while(|(_, line)| {
                rows += self.rows(line, width).len();
                rows <= height
            })
            .count()
    }

    /// The least line at the bottom with which the page is full.
    fn least_bottom(&self, lines: &[Numbered], width: usize, height: usize) -> usize {
        let mut rows = 0;
        let fits = lines.iter().take_while(|(_, line)| {
            rows += self.rows(line, width).len();
            rows <= height
        });
        fits.count().saturating_sub(1)
    }

    /// A line as it is drawn: whole, or as much as fits.
    fn rows(&self, line: &LogLine, width: usize) -> Vec<String> {
        // A line that fits keeps the blanks that it begins with: a trace is read by them.
        if self.cut || text::width(&line.text) <= width {
            return vec![text::fitted(&text::clean(&line.text), width).into_owned()];
        }
        let rows = wrap(&line.text, width);
        if rows.is_empty() { vec![String::new()] } else { rows }
    }
}

/// What stands before a time that is only that of the read.
fn by_read(line: &LogLine) -> &'static str {
    if line.timed_by_read { "~" } else { "" }
}

/// The logs of the selected target.
fn sources(model: &Model) -> Vec<&SourceState> {
    let Some(target) = model.target() else { return Vec::new() };
    model.store.sources().filter(|source| source.target == target.id && source.gives_lines).collect()
}

/// Lines that came and were kept, since the console started.
fn kept_ever(source: &SourceState) -> u64 {
    source.lines.saturating_sub(source.dropped_lines)
}

fn last_number(source: &SourceState) -> Option<u64> {
    kept_ever(source).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panes::testing::{self, Condition, logged};

    const BODY: Rect = Rect { x: 0, y: 0, width: 60, height: 12 };

    #[test]
    fn a_held_line_stays_while_others_come_and_the_end_is_followed_again() {
        let mut model = testing::model(Condition::Well);
        logged(&mut model, 100);
        let mut logs = Logs::default();
        let bottom = |logs: &Logs, model: &Model| {
            let lines = logs.lines(model, sources(model)[0]);
            lines[logs.bottom(&lines)].1.text.to_string()
        };
        let newest = bottom(&logs, &model);
        logged(&mut model, 1);
        assert_ne!(bottom(&logs, &model), newest, "the end is followed");
        logs.on(Action::Up, &model, BODY);
        let held = bottom(&logs, &model);
        let seen = logs.held.expect("not following").seen;
        logged(&mut model, 50);
        assert_eq!(bottom(&logs, &model), held);
        assert_eq!(kept_ever(sources(&model)[0]) - seen, 50);
        // More than is kept: the held line falls out, and the oldest takes its place.
        logged(&mut model, 3_000);
        assert_ne!(bottom(&logs, &model), held);
        logs.on(Action::Bottom, &model, BODY);
        assert_eq!(logs.held, None);
        logs.on(Action::Follow, &model, BODY);
        assert!(logs.held.is_some());
        logs.on(Action::Follow, &model, BODY);
        assert_eq!(logs.held, None);
    }

    #[test]
    fn a_filter_finds_the_severity_that_is_shown() {
        let mut model = testing::model(Condition::Well);
        logged(&mut model, 100);
        let mut logs = Logs::default();
        let mut check = |filter: &str, want: usize| {
            logs.look.filter = crate::ui::LineFilter::parse(filter);
            assert_eq!(logs.lines(&model, sources(&model)[0]).len(), want, "{filter}");
        };
        check("warning", 20);
        check("!warning", 80);
        check("^critical.*space left", 20);
        check("^could not append", 20);
        check("info|warning", 60);
    }

    #[test]
    fn a_time_that_is_only_that_of_the_read_is_marked() {
        let mut model = testing::model(Condition::Well);
        logged(&mut model, 5);
        let mut buf = ratatui::buffer::Buffer::empty(Rect { width: 90, ..BODY });
        let area = buf.area;
        Logs::default().render(&model, area, &mut buf);
        let text = crate::ui::widget::testing::text_of(&buf);
        let marked =
            |what: &str| text.lines().find(|line| line.contains(what)).is_some_and(|line| line.contains("~03:"));
        assert!(marked("at seal") && !marked("GET /health"), "{text}");
        assert!(text.contains("~ when it was read"), "{text}");
    }

    #[test]
    fn the_top_is_a_full_page() {
        let mut model = testing::model(Condition::Well);
        logged(&mut model, 100);
        let mut logs = Logs::default();
        logs.on(Action::Top, &model, BODY);
        let lines = logs.lines(&model, sources(&model)[0]);
        assert!(logs.bottom(&lines) > 2);
        logs.on(Action::Up, &model, BODY);
        let first = logs.bottom(&lines);
        logs.on(Action::Down, &model, BODY);
        assert_eq!(logs.bottom(&lines), first + 1);
    }
}
