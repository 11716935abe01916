//! Where the parts of a target's page lie. It depends on the configuration and the window alone, so that nothing jumps
//! while values change.

use ratatui::layout::Rect;

use super::{is_pictured, panel_lines};
use crate::panes::cells::Line;
use crate::panes::model::{Cell, Target};
use crate::systems::RowSpec;
use crate::ui::layout::{above, beside};
use crate::ui::widget::frame;

/// From this width on, rows of panels get charts of their own.
const WIDE: u16 = 150;
/// Below this width everything stands below each other.
const NARROW: u16 = 72;
/// Rows of the chart of a panel's row, at least and at most.
const LEAST_CHART_ROWS: u16 = 8;
const MOST_CHART_ROWS: u16 = 14;

/// The rows of panels whose past is worth a chart.
pub(super) fn pictured(target: &Target) -> Vec<(&RowSpec, &Cell)> {
    let values = panel_lines(target, usize::MAX).into_iter().filter_map(|line| match line {
        Line::Heading(..) => None,
        Line::Value(row, cell) => Some((row, cell)),
    });
    values.filter(|(row, _)| is_pictured(row)).collect()
}

/// Panels, nodes, chart, facts, and where the charts of single rows lie. What has no room has no height.
pub(super) fn parts(target: &Target, area: Rect) -> [Rect; 5] {
    let boxed = |lines: usize| u16::try_from(lines.max(1)).unwrap_or(u16::MAX / 2).saturating_add(frame::BOX_ROWS);
    let panel_rows = boxed(panel_lines(target, usize::MAX).len());
    let endpoints: usize = target.spec.nodes.iter().map(|node| node.endpoints.len()).sum();
    // A line for each endpoint, and some for what does not answer.
    let node_rows = boxed(endpoints + 2).min(area.height / 4).max(frame::BOX_ROWS + 1);
    let charted = target.system.spec.chart.is_some();
    let none = Rect { height: 0, ..area };
    if area.width < NARROW {
        let (panels, rest) = above(area, panel_rows.min(area.height * 3 / 5));
        let (nodes, facts) = above(rest, boxed(endpoints).min(rest.height / 2));
        return [panels, nodes, none, facts, none];
    }
    if area.width < WIDE {
        let (left, right) = beside(area, area.width / 2);
        let (panels, nodes) = above(left, left.height.saturating_sub(node_rows));
        let chart_rows = if charted { (right.height * 2 / 5).clamp(7, 18).min(right.height) } else { 0 };
        let (chart, facts) = above(right, chart_rows);
        return [panels, nodes, chart, facts, none];
    }
    let (left, right) = beside(area, area.width / 3);
    let (panels, below) = above(left, panel_rows.min(left.height * 3 / 5));
    let (nodes, facts) = above(below, node_rows);
    let chart_rows = if charted { (right.height * 2 / 5).clamp(7, 22).min(right.height) } else { 0 };
    let (chart, charts) = above(right, chart_rows);
    [panels, nodes, chart, facts, charts]
}

/// Two columns of charts of one height; as many as are high enough to say something.
pub(super) fn charts(area: Rect, wanted: usize) -> Vec<Rect> {
    let most = usize::from(area.height / LEAST_CHART_ROWS) * 2;
    let count = wanted.min(most);
    let lines = u16::try_from(count.div_ceil(2)).unwrap_or(0);
    if lines == 0 {
        return Vec::new();
    }
    let height = (area.height / lines).min(MOST_CHART_ROWS);
    (0..count)
        .map(|at| {
            let line = u16::try_from(at / 2).unwrap_or(0);
            let (_, from) = above(area, line * height);
            // The lowest line takes what is left over.
            let rows = if line + 1 == lines { from.height.min(MOST_CHART_ROWS + 2) } else { height };
            let (row, _) = above(from, rows);
            // The last of an odd number takes the whole line.
            let alone = at + 1 == count && at % 2 == 0;
            let (left, right) = beside(row, row.width / 2);
            if alone {
                row
            } else if at % 2 == 0 {
                left
            } else {
                right
            }
        })
        .collect()
}
