//! The selected line of a list by what it is, and not by where it stands: lists are sorted anew, filtered and cut
//! between two keys, and the selection stays on its line.

use super::Viewport;
use crate::ui::Action;

/// Remembers the line that was last moved to.
#[derive(Clone, Copy, Debug)]
pub struct Selection<K> {
    chosen: Option<K>,
    view: Viewport,
}

impl<K> Default for Selection<K> {
    fn default() -> Selection<K> {
        Selection { chosen: None, view: Viewport::default() }
    }
}

impl<K> Selection<K> {
    /// The scroll position with the cursor where the selected line is now, which `place` finds among `len` lines: the
    /// first where none was chosen, its old place where it is gone.
    #[must_use]
    pub fn view(&self, len: usize, place: impl FnOnce(&K) -> Option<usize>) -> Viewport {
        let found = self.chosen.as_ref().and_then(place);
        Viewport { cursor: found.unwrap_or(self.view.cursor).min(len.saturating_sub(1)), ..self.view }
    }

    /// Whether a line was chosen that is not there any more.
    #[must_use]
    pub fn is_gone(&self, place: impl FnOnce(&K) -> Option<usize>) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| place(chosen).is_none())
    }

    /// Moves; returns whether the action is one that moves. `key` says what a line is.
    pub fn on(
        &mut self,
        action: Action,
        (len, height): (usize, usize),
        place: impl FnOnce(&K) -> Option<usize>,
        key: impl FnOnce(usize) -> Option<K>,
    ) -> bool {
        self.view = self.view(len, place);
        let moved = self.view.on(action, len, height);
        if moved {
            self.chosen = key(self.view.cursor);
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selection_survives_what_is_sorted_filtered_and_cut() {
        let mut selection = Selection::default();
        let on = |selection: &mut Selection<char>, action, lines: &[char]| {
            let key = |at: usize| lines.get(at).copied();
            selection.on(action, (lines.len(), 3), |have| lines.iter().position(|line| line == have), key)
        };
        let at = |selection: &Selection<char>, lines: &[char]| {
            let view = selection.view(lines.len(), |have| lines.iter().position(|line| line == have));
            lines.get(view.cursor).copied()
        };
        assert_eq!(at(&selection, &['a', 'b', 'c']), Some('a'));
        assert!(on(&mut selection, Action::Bottom, &['a', 'b', 'c', 'd']));
        assert_eq!(at(&selection, &['d', 'a', 'c']), Some('d'));
        // Filtered away, the nearest line to its place is selected; when it comes back, it is.
        assert_eq!(at(&selection, &['a', 'b']), Some('b'));
        assert_eq!(at(&selection, &['a', 'd', 'b']), Some('d'));
        assert_eq!(at(&selection, &[]), None);
        assert!(!on(&mut selection, Action::Open, &['a']));
    }
}
