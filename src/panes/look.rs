//! How a page is looked at: which of its parts alone, and through which filter. Every pane has one.
//!
//! A pane gets zoom with two lines: the names of its parts, and its layout passed through [`Look::arranged`]. Drawing
//! into no area draws nothing, so a pane need not know whether it is zoomed.

use ratatui::layout::Rect;

use crate::ui::widget::Viewport;
use crate::ui::{Action, LineFilter};

/// View state that every page has.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Which part is shown alone, counted as the pane names them.
    zoom: Option<usize>,
    /// How far the text of the part that is shown alone is scrolled.
    text: Viewport,
    pub filter: LineFilter,
}

impl Look {
    /// The part that is shown alone, of `parts`.
    #[must_use]
    pub fn zoomed(&self, parts: usize) -> Option<usize> {
        self.zoom.filter(|part| *part < parts)
    }

    /// Shows this part alone, or the whole page.
    pub fn zoom(&mut self, part: Option<usize>) {
        self.zoom = part;
        self.text = Viewport::default();
    }

    /// Shows the next of so many parts alone; after the last one, the whole page.
    pub fn zoom_next(&mut self, parts: usize) {
        let next = self.zoomed(parts).map_or(0, |part| part + 1);
        self.zoom((next < parts).then_some(next));
    }

    /// Undoes the last thing that hides something: the zoom, else the filter. Returns whether there was one.
    pub fn widen(&mut self) -> bool {
        if self.zoom.is_some() {
            self.zoom(None);
            return true;
        }
        !std::mem::take(&mut self.filter).text().is_empty()
    }

    /// The places of a page's parts: as they are, or the whole page for the one that is shown alone.
    #[must_use]
    pub fn arranged<P: AsMut<[Rect]>>(&self, whole: Rect, mut parts: P) -> P {
        let places = parts.as_mut();
        if let Some(alone) = self.zoomed(places.len()) {
            places.fill(Rect { height: 0, ..whole });
            places[alone] = whole;
        }
        parts
    }

    /// Whether this part is the one that is shown alone.
    #[must_use]
    pub fn is_alone(&self, part: usize) -> bool {
        self.zoom == Some(part)
    }

    /// Where the text of a part is scrolled to: only a part that is shown alone is.
    #[must_use]
    pub fn text(&self, part: usize) -> Viewport {
        if self.is_alone(part) { self.text } else { Viewport::default() }
    }

    /// Scrolls the text of a part that is shown alone, by screens: single steps go on selecting what the text tells
    /// of, which begins at its first line again. Returns whether the action was for the text.
    pub fn pages(&mut self, part: usize, action: Action, len: usize, height: usize) -> bool {
        match action {
            Action::PageUp | Action::PageDown => self.is_alone(part) && self.text.scroll(action, len, height),
            _other_than_paging => {
                self.text = Viewport::default();
                false
            }
        }
    }

    /// Scrolls a part that is shown alone and has nothing to select.
    pub fn scrolls(&mut self, part: usize, action: Action, len: usize, height: usize) -> bool {
        self.is_alone(part) && self.text.scroll(action, len, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zoom_goes_through_the_parts_and_back_to_the_whole() {
        let whole = Rect { x: 0, y: 2, width: 80, height: 20 };
        let parts = [Rect { height: 8, ..whole }, Rect { y: 10, height: 12, ..whole }];
        let mut look = Look::default();
        assert_eq!(look.arranged(whole, parts), parts);
        let mut seen = Vec::new();
        for _ in 0..3 {
            look.zoom_next(parts.len());
            seen.push(look.arranged(whole, parts).map(|part| part.height));
        }
        assert_eq!(seen, [[20, 0], [0, 20], [8, 12]]);
        // A page that has fewer parts now is shown whole rather than not at all.
        look.zoom(Some(5));
        assert_eq!(look.arranged(whole, parts), parts);
    }

    #[test]
    fn widening_undoes_the_zoom_and_then_the_filter() {
        let mut look = Look { filter: LineFilter::parse("x"), ..Look::default() };
        look.zoom(Some(1));
        assert!(look.widen() && look.filter.is_set());
        assert!(look.widen() && !look.filter.is_set());
        assert!(!look.widen());
    }

    #[test]
    fn only_what_is_alone_is_scrolled_and_a_move_goes_back_to_its_beginning() {
        let mut look = Look::default();
        assert!(!look.pages(1, Action::PageDown, 50, 10));
        look.zoom(Some(1));
        assert!(look.pages(1, Action::PageDown, 50, 10));
        assert_eq!((look.text(1).offset, look.text(0).offset), (9, 0));
        assert!(!look.pages(1, Action::Down, 50, 10));
        assert_eq!(look.text(1).offset, 0);
    }
}
