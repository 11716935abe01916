//! Where a list or a text is scrolled to. Facts grow and shrink between frames, so the length is always an argument,
//! and drawing derives what is visible without writing anything back.

use std::ops::Range;

use crate::ui::Action;

/// The first visible line and the selected one, as they were after the last key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Viewport {
    pub offset: usize,
    pub cursor: usize,
}

impl Viewport {
    /// Moves the cursor; returns whether the action is one that moves.
    pub fn on(&mut self, action: Action, len: usize, height: usize) -> bool {
        let last = len.saturating_sub(1);
        let page = height.max(2) - 1;
        let cursor = self.cursor.min(last);
        self.cursor = match action {
            Action::Up => cursor.saturating_sub(1),
            Action::Down => cursor + 1,
            Action::PageUp => cursor.saturating_sub(page),
            Action::PageDown => cursor + page,
            Action::Top => 0,
            Action::Bottom => last,
            _other_than_moving => return false,
        }
        .min(last);
        self.offset = self.window(len, height).start;
        true
    }

    /// Scrolls a text that has no cursor; returns whether the action is one that scrolls.
    pub fn scroll(&mut self, action: Action, len: usize, height: usize) -> bool {
        let most = len.saturating_sub(height);
        let page = height.max(2) - 1;
        let offset = self.offset.min(most);
        self.offset = match action {
            Action::Up => offset.saturating_sub(1),
            Action::Down => offset + 1,
            Action::PageUp => offset.saturating_sub(page),
            Action::PageDown => offset + page,
            Action::Top => 0,
            Action::Bottom => most,
            _other_than_moving => return false,
        }
        .min(most);
        true
    }

    /// The lines to draw: `height` of them where there are as many, the cursor always among them.
    #[must_use]
    pub fn window(&self, len: usize, height: usize) -> Range<usize> {
        if height == 0 || len == 0 {
            return 0..0;
        }
        let cursor = self.cursor.min(len - 1);
        let lowest = cursor.saturating_sub(height - 1);
        let start = self.offset.clamp(lowest, cursor).min(len.saturating_sub(height));
        start..(start + height).min(len)
    }

    /// The lines to draw of a text without a cursor.
    #[must_use]
    pub fn scrolled(&self, len: usize, height: usize) -> Range<usize> {
        let start = self.offset.min(len.saturating_sub(height));
        start..(start + height).min(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_always_visible_and_never_beyond_the_end() {
        let mut view = Viewport::default();
        let actions = [Action::Down, Action::PageDown, Action::Bottom, Action::Up, Action::PageUp, Action::Top];
        let mut state = 7_usize;
        for _ in 0..5_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (len, height) = ((state >> 33) % 40, (state >> 40) % 12);
            assert!(view.on(actions[(state >> 50) % actions.len()], len, height));
            let window = view.window(len, height);
            assert!(window.end <= len && window.len() == height.min(len));
            assert!(window.contains(&view.cursor) || len == 0 || height == 0);
        }
        assert!(!view.on(Action::Open, 3, 3));
    }

    #[test]
    fn a_page_keeps_one_line_of_the_last() {
        let mut view = Viewport::default();
        view.on(Action::PageDown, 100, 10);
        assert_eq!(view.cursor, 9);
        view.scroll(Action::PageDown, 100, 10);
        assert_eq!(view.scrolled(100, 10), 9..19);
        view.scroll(Action::Bottom, 100, 10);
        assert_eq!(view.scrolled(100, 10), 90..100);
        assert_eq!(view.scrolled(5, 10), 0..5);
    }
}
