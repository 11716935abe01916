//! How a target is as a whole: by its alerts, by every row of every panel, and by whether it answers. The same in the
//! header, on the fleet and wherever targets are counted.
//!
//! Must never: call a target better than the worst panel of its own page.

use super::answering::Answering;
use super::cells;
use super::header;
use super::mark;
use super::model::{Level, Model, Target};
use crate::alert::{AlertState, Lack};
use crate::base::{Severity, text};
use crate::ui::Role;

/// What is known of one target.
#[derive(Clone, Debug)]
pub struct Health<'m> {
    pub target: &'m Target,
    pub firing: Vec<Severity>,
    pub pending: usize,
    /// Alerts that nothing can be said of, although their series are exposed.
    pub no_data: usize,
    pub link: Answering,
    /// The worst of every row that its nodes expose and somebody reads; nothing where there is none.
    rows: Option<Level>,
}

impl<'m> Health<'m> {
    #[must_use]
    pub fn of(model: &'m Model, target: &'m Target) -> Health<'m> {
        let (mut firing, mut pending, mut no_data) = (Vec::new(), 0, 0);
        for alert in model.alerts.of_target(&target.id) {
            match &alert.state {
                AlertState::Firing { .. } => firing.push(alert.severity()),
                AlertState::Pending { .. } => pending += 1,
                AlertState::NoData { lack: Lack::Data, .. } => no_data += 1,
                AlertState::NoData { lack: Lack::NotExposed | Lack::NotRead, .. }
                | AlertState::WarmingUp { .. }
                | AlertState::Resolved { .. }
                | AlertState::Inactive => {}
            }
        }
        let rows = target.system.spec.panels.iter().flat_map(|panel| cells::of_panel(target, panel));
        let tells =
            |line: &cells::Line| !matches!(line, cells::Line::Value(_, cell) if cell.reading.truth.is_known_lack());
        let rows = rows.filter(tells).map(|line| cells::level(&line)).max();
        Health { target, firing, pending, no_data, link: header::link(model, target), rows }
    }

    #[must_use]
    pub fn level(&self) -> Level {
        let alerts = self.firing.iter().max().map(|severity| match severity {
            Severity::Critical => Level::Critical,
            Severity::Warning => Level::Warning,
            Severity::Info => Level::Ok,
        });
        let pending = (self.pending > 0).then_some(Level::Warning);
        let Answering { asked, answering, .. } = self.link;
        let silent = (asked == 0 || answering < asked || self.no_data > 0).then_some(Level::Unknown);
        [self.rows, alerts, pending, silent].into_iter().flatten().max().unwrap_or(Level::Ok)
    }
}

/// How many targets are of which level, the worst first: `1 critical · 4 ok`, in the colour of the worst.
#[must_use]
pub fn counts(levels: &[Level]) -> (Role, String) {
    let order = [Level::Critical, Level::Warning, Level::Unknown, Level::Ok];
    let count = |level: Level| levels.iter().filter(|of| **of == level).count();
    let words = order.iter().filter(|level| count(**level) > 0);
    let words: Vec<String> = words.map(|level| format!("{} {}", count(*level), mark::level(*level).word)).collect();
    let worst = levels.iter().copied().max().unwrap_or(Level::Unknown);
    (mark::level(worst).role, words.join(" · "))
}

/// The fleet in few words, where there are several targets: how many there are, and how many are as bad as the worst.
#[must_use]
pub fn fleet(model: &Model) -> Option<(Role, [String; 2])> {
    if model.targets.len() < 2 {
        return None;
    }
    let levels: Vec<Level> = model.targets.iter().map(|target| Health::of(model, target).level()).collect();
    let worst = levels.iter().copied().max()?;
    let (all, mark) = (text::count(levels.len(), "target"), mark::level(worst));
    let so_bad = levels.iter().filter(|level| **level == worst).count();
    let counted = if worst == Level::Ok { "all ok".to_owned() } else { format!("{so_bad} {}", mark.word) };
    let glyph = model.theme.glyph(mark.glyph);
    Some((mark.role, [format!("{all}: {glyph} {counted}"), format!("{glyph} {so_bad} of {}", levels.len())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Unit;
    use crate::model::{Reading, Truth};
    use crate::panes::model::Cell;
    use crate::panes::testing::{self, Condition};
    use crate::systems::{Dimension, OnOverview, PanelSpec, RowSpec};

    /// Every kind of panel, with every kind of cell as its only row: no page calls the target better than that panel.
    #[test]
    fn a_target_is_never_better_than_the_worst_panel_of_its_page() {
        let truths = [
            Truth::Fresh,
            Truth::Stale { age: std::time::Duration::from_secs(40) },
            Truth::Absent,
            Truth::NeverPolled,
            Truth::Failing { reason: "refused".to_owned(), since: crate::base::Boot(0) },
        ];
        let dimensions = testing::model(Condition::Well).dimensions;
        for dimension in dimensions.iter().map(|spec| spec.dimension) {
            for overview in [OnOverview::Always, OnOverview::InTrouble] {
                for level in [Level::Ok, Level::Unknown, Level::Warning, Level::Critical] {
                    for truth in &truths {
                        check(dimension, overview, level, truth);
                    }
                }
            }
        }
    }

    fn check(dimension: Dimension, overview: OnOverview, level: Level, truth: &Truth) {
        let mut model = testing::model(Condition::Well);
        let mut other = model.targets[0].clone();
        other.id = "other".into();
        model.targets.push(other);
        let row = RowSpec {
            label: "the one".to_owned(),
            expr: "x".to_owned(),
            unit: Unit::Count,
            critical: Some("x > bool 1".to_owned()),
            warning: None,
            provenance: crate::base::Provenance::default(),
            needs: None,
            otherwise: None,
        };
        let panel = PanelSpec { id: "own".into(), dimension, overview, title: "own".to_owned(), rows: vec![row] };
        let target = &mut model.targets[0];
        std::sync::Arc::make_mut(&mut target.system).spec.panels.push(panel);
        let reading = Reading { value: Some(1.0), truth: truth.clone() };
        let cell = Cell { reading, level, spark: Vec::new(), limits: Vec::new(), unjudged: None };
        target.cells.insert("own".into(), vec![cell]);
        let target = &model.targets[0];
        let what = format!("{dimension:?} {overview:?} {level:?} {truth:?}");
        for panel in &target.system.spec.panels {
            let lines: Vec<cells::Line> = cells::of_panel(target, panel).collect();
            let worst = cells::worst(&lines);
            assert!(Health::of(&model, target).level() >= worst, "fleet: {what}");
            let of_dimension: Vec<cells::Line> = cells::all_of_dimension(target, panel.dimension).collect();
            assert!(cells::worst(&of_dimension) >= worst, "overview: {what}");
        }
        let (_, [words, _]) = fleet(&model).expect("two targets");
        let said = mark::level(Health::of(&model, target).level()).word;
        assert!(words.contains(said), "header: {what}: {words}");
        let area = ratatui::layout::Rect { x: 0, y: 0, width: 200, height: 60 };
        let mut buf = ratatui::buffer::Buffer::empty(area);
        crate::panes::draw(&model, &crate::panes::Panes::default(), crate::panes::Page::Overview, area, &mut buf);
        let text = crate::ui::widget::testing::text_of(&buf);
        let of_dimension: Vec<cells::Line> = cells::all_of_dimension(target, dimension).collect();
        let worst = mark::level(cells::worst(&of_dimension));
        let heading = format!("main-a {} {}", model.theme.glyph(worst.glyph), worst.word);
        assert!(text.contains(&heading), "overview: {what}: {heading}\n{text}");
    }
}
