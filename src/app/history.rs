//! Back and forward through what was looked at: which page, of which target and run, and what was selected there.

use super::App;
use crate::base::{RunId, TargetId};
use crate::panes::{Page, Panes};

/// Remembered places, in each direction; the oldest falls out.
const LIMIT: usize = 32;

/// Something that was looked at.
#[derive(Clone, Debug)]
struct Place {
    page: Page,
    target: Option<TargetId>,
    run: Option<RunId>,
    /// View state alone: how the page was selected, scrolled, zoomed and filtered.
    panes: Panes,
}

/// Where the operator came from, and where they came back from.
#[derive(Clone, Debug, Default)]
pub struct History {
    back: Vec<Place>,
    forward: Vec<Place>,
}

impl App {
    /// Shows a page without a key, for pictures; what was shown can be gone back to.
    pub fn show(&mut self, page: Page) {
        if page != self.page {
            self.leave();
            self.page = page;
        }
    }

    /// Selects a target and shows its page.
    pub(super) fn show_target(&mut self, index: usize) {
        if index != self.model.selected || self.page != Page::Target {
            self.leave();
            self.model.selected = index;
            self.page = Page::Target;
        }
    }

    /// Shows a run.
    pub(super) fn show_run(&mut self, run: RunId) {
        if self.model.shown_run.as_ref() != Some(&run) || self.page != Page::Wizard {
            self.leave();
            self.model.shown_run = Some(run);
            self.page = Page::Wizard;
        }
    }

    /// Back to what was looked at before; from a page that nothing came before, to the overview.
    pub(super) fn go_back(&mut self) {
        let here = self.place();
        match self.history.back.pop() {
            Some(place) => {
                remember(&mut self.history.forward, here);
                self.go_to(&place);
            }
            None if self.page != Page::Overview => {
                remember(&mut self.history.forward, here);
                self.page = Page::Overview;
                self.urgent = true;
            }
            None => self.say(self.model.now, "nothing was looked at before this"),
        }
    }

    /// Forward to what was last gone back from.
    pub(super) fn go_forward(&mut self) {
        match self.history.forward.pop() {
            Some(place) => {
                let here = self.place();
                remember(&mut self.history.back, here);
                self.go_to(&place);
            }
            None => self.say(self.model.now, "nothing to go forward to"),
        }
    }

    /// Remembers what is looked at, before something else is.
    fn leave(&mut self) {
        let here = self.place();
        remember(&mut self.history.back, here);
        self.history.forward.clear();
        self.urgent = true;
    }

    fn place(&self) -> Place {
        Place {
            page: self.page,
            target: self.model.target().map(|target| target.id.clone()),
            run: self.model.shown_run.clone(),
            panes: self.panes.clone(),
        }
    }

    /// What is gone by now (a run that fell out) leaves in place what is shown.
    fn go_to(&mut self, place: &Place) {
        self.page = place.page;
        if let Some(index) = place.target.as_ref().and_then(|target| self.target_index(target)) {
            self.model.selected = index;
        }
        if let Some(run) = place.run.as_ref().filter(|run| self.model.runs.contains_key(*run)) {
            self.model.shown_run = Some(run.clone());
        }
        self.panes.restore(place.page, &place.panes);
        self.urgent = true;
    }
}

fn remember(places: &mut Vec<Place>, place: Place) {
    if places.len() == LIMIT {
        places.remove(0);
    }
    places.push(place);
}
