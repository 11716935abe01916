//! Everything that the palette offers, gathered when it is opened.
//!
//! To offer something else (a theme, a keymap, a saved query): one more list in [`App::offers`].

use super::{App, Effect};
use crate::base::{At, text};
use crate::panes::Intent;
use crate::runbook::Run;
use crate::ui::Action;
use crate::ui::action::{ACTIONS, Danger};
use crate::ui::overlay::palette::Entry;
use crate::ui::overlay::{Overlay, Palette};

/// What follows when an entry is chosen: no more than its key or its pane would have asked for.
#[derive(Clone, Debug)]
pub enum Choice {
    Act(Action),
    Intend(Intent),
}

struct Offer {
    entry: Entry,
    choice: Choice,
}

impl App {
    pub(super) fn open_palette(&mut self) {
        let (entries, choices) = self.offers().into_iter().map(|offer| (offer.entry, offer.choice)).unzip();
        self.choices = choices;
        self.overlay = Some(Overlay::Palette(Box::new(Palette::new(entries))));
    }

    /// Does what was chosen, on the way that a key would have taken.
    pub(super) fn chosen(&mut self, at: At, palette: &Palette, effects: &mut Vec<Effect>) {
        let choices = std::mem::take(&mut self.choices);
        match palette.chosen().and_then(|chosen| choices.into_iter().nth(chosen)) {
            Some(Choice::Act(action)) => self.act(at, action, effects),
            Some(Choice::Intend(intent)) => self.intend(at, intent, effects),
            None => {}
        }
    }

    /// The one list: what can be gone to, then every action of the table.
    fn offers(&self) -> Vec<Offer> {
        let mut offers = Vec::new();
        self.offer_parts(&mut offers);
        self.offer_targets(&mut offers);
        self.offer_runbooks(&mut offers);
        self.offer_actions(&mut offers);
        offers
    }

    fn offer_parts(&self, offers: &mut Vec<Offer>) {
        for (part, name) in self.panes.parts(self.page, self.model.shown()).iter().enumerate() {
            offers.push(intending(format!("show alone: {name}"), "zoom", Danger::None, Intent::Zoom(part)));
        }
    }

    fn offer_targets(&self, offers: &mut Vec<Offer>) {
        for target in &self.model.shown().targets {
            let words = format!("select the target {} ({})", target.id, target.spec.environment.word());
            offers.push(intending(
                words,
                target.system.id.as_str(),
                Danger::None,
                Intent::SelectTarget(target.id.clone()),
            ));
        }
    }

    fn offer_runbooks(&self, offers: &mut Vec<Offer>) {
        let runs = |closed: bool| self.model.shown().runs.values().filter(move |run| run.closed.is_some() == closed);
        let show = |run: &Run, state: &str| {
            let words = format!("show the {state} run of {} on {}", run.runbook.title, run.target);
            intending(words, run.id.as_str(), Danger::None, Intent::ShowRun(run.id.clone()))
        };
        offers.extend(runs(false).map(|run| show(run, "open")));
        if let Some(target) = self.model.target() {
            for runbook in &target.system.runbooks {
                let words = format!("open the runbook {} on {}", runbook.title, target.id);
                let intent = Intent::StartRunbook { target: target.id.clone(), runbook: runbook.id.clone() };
                offers.push(intending(words, runbook.id.as_str(), Danger::Decides, intent));
            }
        }
        // What is over is looked at least often, and looks as if it were not.
        offers.extend(runs(true).map(|run| show(run, "closed")));
    }

    fn offer_actions(&self, offers: &mut Vec<Offer>) {
        let demo = self.model.console.demo;
        for row in ACTIONS.iter().filter(|row| row.action != Action::Palette && row.exists(demo)) {
            let keys = self.model.keymap.keys(row.action).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let entry = Entry { text: row.sentence.to_owned(), name: row.name.to_owned(), keys, danger: row.danger };
            offers.push(Offer { entry, choice: Choice::Act(row.action) });
        }
    }
}

fn intending(words: String, name: &str, danger: Danger, intent: Intent) -> Offer {
    let text = text::clean(&words).into_owned();
    Offer { entry: Entry { text, name: name.to_owned(), keys: String::new(), danger }, choice: Choice::Intend(intent) }
}
