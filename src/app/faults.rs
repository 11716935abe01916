//! The menu of a demo: asks what is on, passes on what is to be switched, and writes down what was.
//!
//! The demo is asked when the menu opens and after each switch; and every few seconds for what is on, because others
//! switch faults too and some end by themselves, and the header is to be true of now.

use std::time::Duration;

use super::{App, Effect, JournalId, append};
use crate::base::{At, Boot};
use crate::model::{DemoOrder, FaultState};
use crate::panes::model::FaultsTold;
use crate::runbook::Record;
use crate::ui::overlay::{FaultMenu, Overlay};

/// How often a demo is asked which faults are on.
const EVERY: Duration = Duration::from_secs(5);
/// One that has not answered for so long is asked again.
const PATIENCE: Duration = Duration::from_secs(60);

/// When the demo was last asked which faults are on, and whether it still owes the answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    at: Option<Boot>,
    owed: bool,
}

impl App {
    /// Asks the demo that this console looks at which faults are on, now and then.
    pub(super) fn ask_demo(&mut self, at: At, effects: &mut Vec<Effect>) {
        let wait = if self.demo_asked.owed { PATIENCE } else { EVERY };
        let early = self.demo_asked.at.is_some_and(|asked| at.boot.since(asked) < wait);
        let Some(folder) = self.demo_folder().filter(|_| self.model.console.demo && !early) else { return };
        self.demo_asked = Asked { at: Some(at.boot), owed: true };
        effects.push(Effect::Demo { folder, order: DemoOrder::TellOn });
    }

    /// What is on now, for the header and an open menu alike; where the demo does not tell, nothing is said of it: that
    /// it is gone, its targets show. What it told before it took an order in is not of now.
    fn demo_told_on(&mut self, at: At, answer: Result<Vec<FaultState>, String>) {
        self.demo_asked.owed = false;
        if matches!(&self.overlay, Some(Overlay::Faults(menu)) if menu.is_waiting()) {
            return;
        }
        let told = answer.as_ref().ok().map(|faults| FaultsTold::of(faults));
        if self.model.faults == told {
            return;
        }
        self.newer = true;
        self.model.faults = told;
        if let (Some(Overlay::Faults(menu)), Ok(faults)) = (&mut self.overlay, &answer) {
            menu.told_on(at, faults);
        }
    }

    /// Opens the menu, in a console that looks at nothing but a demo; elsewhere there is no such key.
    pub(super) fn open_faults(&mut self, effects: &mut Vec<Effect>) {
        if !self.model.console.demo {
            return;
        }
        let mut menu = Box::new(FaultMenu::new(self.demo_folder()));
        order(&mut menu, DemoOrder::Tell, effects);
        self.overlay = Some(Overlay::Faults(menu));
    }

    /// The folder of the selected target's demo, or of the first that names one.
    fn demo_folder(&self) -> Option<String> {
        let targets = self.model.target().into_iter().chain(&self.model.targets);
        targets.filter_map(|target| target.spec.demo.as_ref()).map(|demo| demo.folder.clone()).next()
    }

    /// Passes on what a key of the menu asks for; the menu stays open.
    pub(super) fn fault_ordered(&mut self, mut menu: Box<FaultMenu>, effects: &mut Vec<Effect>) {
        if let Some(asked) = menu.take_order() {
            order(&mut menu, asked, effects);
        }
        self.overlay = Some(Overlay::Faults(menu));
    }

    /// Takes in what the demo told, whether its menu is still open or not.
    pub(super) fn demo_told(
        &mut self,
        at: At,
        order: &DemoOrder,
        answer: Result<Vec<FaultState>, String>,
        effects: &mut Vec<Effect>,
    ) {
        if *order == DemoOrder::TellOn {
            self.demo_told_on(at, answer);
            return;
        }
        self.urgent = true;
        if let Ok(faults) = &answer {
            let before = self.model.faults.replace(FaultsTold::of(faults));
            effects.extend(self.switched(order, before.as_ref()));
        }
        match &mut self.overlay {
            Some(Overlay::Faults(menu)) => menu.told(at, answer),
            Some(_) | None => {
                if let Err(why) = answer {
                    self.say(at, format!("the demo: {why}"));
                }
            }
        }
    }

    /// What is written down of an order that was carried out; nothing where it changed nothing.
    fn switched(&self, order: &DemoOrder, before: Option<&FaultsTold>) -> Option<Effect> {
        let now = self.model.faults.as_ref()?;
        let (faults, on) = match order {
            DemoOrder::Tell | DemoOrder::TellOn => return None,
            DemoOrder::Switch { system, name, on } => (vec![format!("{system}/{name}")], *on),
            DemoOrder::Cure { .. } => {
                let ended = before?.on.iter().filter(|name| !now.on.contains(name));
                (ended.cloned().collect(), false)
            }
        };
        let record = Record::DemoSwitched { faults, on };
        let changed = matches!(&record, Record::DemoSwitched { faults, .. } if !faults.is_empty());
        changed.then(|| append(JournalId::Console, record))
    }
}

fn order(menu: &mut FaultMenu, order: DemoOrder, effects: &mut Vec<Effect>) {
    if let Some(folder) = menu.folder().map(str::to_owned) {
        menu.begin(order.clone());
        effects.push(Effect::Demo { folder, order });
    }
}
