//! Where the panes of the overview lie: in columns, each as high as what it has to say, and no higher than there is
//! room for. Panes that no target feeds take one line each below the others. It depends on the configuration and the window alone, so nothing jumps while values change.

use ratatui::layout::Rect;

use crate::ui::layout::above;
use crate::ui::widget::frame::{BOX_COLUMNS, BOX_ROWS};
use crate::ui::widget::wrap::wrap;

/// What a pane wants to say.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// That many lines with values; more room is used for pictures.
    Lines(usize),
    /// A sentence about what would feed it.
    Sentence(&'a str),
}

/// Lines that the panes with values keep, whatever the others have to say.
const LEAST_FED_ROWS: u16 = 6;

/// One rectangle for each of `wanted`. One of a single line is a pane that no target feeds, among others that are fed.
#[must_use]
pub fn places(area: Rect, wanted: &[Wanted]) -> Vec<Rect> {
    let is_fed = |wanted: &&Wanted| matches!(wanted, Wanted::Lines(_));
    let fed: Vec<Wanted> = wanted.iter().filter(is_fed).copied().collect();
    if fed.is_empty() || fed.len() == wanted.len() {
        return stacked(area, wanted);
    }
    let unfed = u16::try_from(wanted.len() - fed.len()).unwrap_or(u16::MAX);
    let lines = unfed.min(area.height.saturating_sub(LEAST_FED_ROWS));
    let (grid, mut below) = above(area, area.height - lines);
    let mut panes = stacked(grid, &fed).into_iter();
    let mut place = |wanted: &Wanted| match wanted {
        Wanted::Lines(_) => panes.next().unwrap_or_default(),
        Wanted::Sentence(_) => {
            let line;
            (line, below) = above(below, 1);
            line
        }
    };
    wanted.iter().map(&mut place).collect()
}

/// Panes below and beside each other that fill `area`.
fn stacked(area: Rect, wanted: &[Wanted]) -> Vec<Rect> {
    let columns: u16 = match area.width {
        0..72 => 1,
        72..150 => 2,
        _wide => 3,
    };
    let inside = usize::from((area.width / columns).saturating_sub(BOX_COLUMNS));
    let needs: Vec<u16> = wanted.iter().map(|wanted| need(*wanted, inside)).collect();
    let stacks = stacks(&needs, usize::from(columns));
    let mut places = vec![Rect::default(); wanted.len()];
    let mut x = area.x;
    for (at, stack) in stacks.iter().enumerate() {
        let left = u16::try_from(stacks.len() - at).unwrap_or(1);
        let width = (area.right() - x) / left;
        let mut y = area.y;
        for (pane, height) in stack.iter().zip(heights(area.height, stack, wanted, &needs)) {
            places[*pane] = Rect { x, y, width, height };
            y += height;
        }
        x += width;
    }
    places
}

/// The height of a pane with its frame.
fn need(wanted: Wanted, columns: usize) -> u16 {
    const MOST: usize = 4096;
    let rows = match wanted {
        Wanted::Lines(rows) => rows,
        Wanted::Sentence(words) => wrap(words, columns).len().max(1),
    };
    u16::try_from(rows.min(MOST)).unwrap_or(0) + BOX_ROWS
}

/// Panes in their order, each on the column that is lowest so far.
fn stacks(needs: &[u16], columns: usize) -> Vec<Vec<usize>> {
    let mut stacks: Vec<(u16, Vec<usize>)> = vec![(0, Vec::new()); columns];
    for (pane, need) in needs.iter().enumerate() {
        let lowest = (0..columns).min_by_key(|column| stacks[*column].0).unwrap_or(0);
        stacks[lowest].0 = stacks[lowest].0.saturating_add(*need);
        stacks[lowest].1.push(pane);
    }
    stacks.into_iter().map(|(_, panes)| panes).filter(|panes| !panes.is_empty()).collect()
}

/// Heights of one column's panes, filling it: what is left over goes to panes with values, what is missing is taken
/// from the highest.
fn heights(total: u16, stack: &[usize], wanted: &[Wanted], needs: &[u16]) -> Vec<u16> {
    let mut heights: Vec<u16> = stack.iter().map(|pane| needs[*pane]).collect();
    let sum = |heights: &[u16]| heights.iter().fold(0_u16, |sum, height| sum.saturating_add(*height));
    while sum(&heights) > total {
        let Some(highest) = heights.iter_mut().max_by_key(|height| **height).filter(|height| **height > 0) else {
            break;
        };
        *highest -= 1;
    }
    let fed: Vec<usize> = (0..stack.len()).filter(|at| matches!(wanted[stack[*at]], Wanted::Lines(_))).collect();
    let takers: Vec<usize> = if fed.is_empty() { (0..stack.len()).collect() } else { fed };
    let spare = total.saturating_sub(sum(&heights));
    let share = u16::try_from(takers.len()).unwrap_or(1).max(1);
    for (nth, at) in takers.iter().enumerate() {
        heights[*at] += spare / share + u16::from(u16::try_from(nth).is_ok_and(|nth| nth < spare % share));
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_feeds_takes_a_line() {
        let unfed = Wanted::Sentence("no target feeds this pane; it would show what another system counts");
        let wanted = [Wanted::Lines(8), unfed, Wanted::Lines(5), unfed, unfed];
        for (width, height) in [(80, 17), (200, 52)] {
            let heights: Vec<u16> =
                places(Rect { x: 0, y: 2, width, height }, &wanted).iter().map(|place| place.height).collect();
            assert_eq!((heights[1], heights[3], heights[4]), (1, 1, 1), "{width}x{height}");
            assert_eq!((heights[0], heights[2]), (height - 3, height - 3), "{width}x{height}");
        }
        // Where there is no room for both, what is measured stays.
        let low: Vec<u16> =
            places(Rect { x: 0, y: 0, width: 80, height: 7 }, &wanted).iter().map(|p| p.height).collect();
        assert_eq!(low, [6, 1, 6, 0, 0]);
    }

    #[test]
    fn panes_fill_their_area_without_overlap_at_any_size() {
        let unfed = Wanted::Sentence("no target feeds this pane; it would show what another system counts");
        let cases: [&[Wanted]; 4] = [
            &[Wanted::Lines(8), Wanted::Lines(5), unfed, unfed, unfed],
            &[unfed; 5],
            &[Wanted::Lines(60), Wanted::Lines(usize::MAX), Wanted::Lines(1), unfed, Wanted::Lines(1)],
            &[],
        ];
        for width in [0, 10, 40, 79, 80, 120, 200] {
            for height in 0..60 {
                for wanted in cases {
                    let area = Rect { x: 1, y: 2, width, height };
                    let places = places(area, wanted);
                    let covered: u32 = places.iter().map(|place| place.area()).sum();
                    assert_eq!(covered, if wanted.is_empty() { 0 } else { area.area() }, "{area} {wanted:?}");
                    for (at, place) in places.iter().enumerate() {
                        assert_eq!(place.intersection(area), *place);
                        assert!(places[..at].iter().all(|other| other.intersection(*place).area() == 0));
                    }
                }
            }
        }
    }
}
