//! Every fault of the system whose simulation is code is visible on the overview within two polls, and is named on the
//! page of its target.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::rehearsal::Rehearsal;
use super::simulation::Simulation;
use super::volchain::Surface;
use crate::panes::Page;
use crate::panes::model::Level;
use crate::ui::widget::testing::text_of;

/// Faults of which the overview shows nothing by design, and why. `None` is on both surfaces.
const UNSEEN: &[(&str, &str, Option<Surface>, &str)] = &[
    ("volchain", "restart-fails", None, "nothing happens before the service is stopped"),
    ("volchain", "clock-off", None, "the page of the sources tells how far its clock is off"),
    ("volchain", "stubborn", None, "only a reconciliation meets it"),
    ("volchain", "slow-sealing", Some(Surface::AsBuilt), "who waits for a block in vain is not counted there"),
];

/// How well everything on the overview is: the rows of its panes, and the alerts. The name is what the screen says.
fn shown(life: &Rehearsal) -> BTreeMap<String, Level> {
    let model = life.app.model();
    let mut shown = BTreeMap::new();
    for target in &model.targets {
        for panel in &target.system.spec.panels {
            let cells = target.cells.get(&panel.id).into_iter().flatten();
            shown.extend(panel.rows.iter().zip(cells).map(|(row, cell)| (row.label.clone(), cell.level)));
        }
    }
    let level = |word: &str| match word {
        "firing" => Level::Critical,
        "pending" => Level::Warning,
        _quiet_or_without_data => Level::Ok,
    };
    shown.extend(model.alerts.alerts().map(|alert| (alert.rule.name.clone(), level(alert.state.word()))));
    shown
}

/// What is worse than it was, and bad.
fn worse(life: &Rehearsal, before: &BTreeMap<String, Level>) -> Vec<String> {
    let was = |name: &str| before.get(name).copied().unwrap_or(Level::Ok);
    let now = shown(life).into_iter();
    now.filter(|(name, level)| *level > was(name).max(Level::Ok)).map(|(name, _)| name).collect()
}

/// Two polls of the slowest source.
fn within(life: &Rehearsal) -> Duration {
    life.app.model().store.sources().map(|source| source.interval).max().unwrap_or_default() * 2
}

fn is_unseen(system: &str, fault: &str, surface: Surface) -> bool {
    UNSEEN.iter().any(|(of, name, on, _)| *of == system && *name == fault && on.is_none_or(|on| on == surface))
}

/// Lets time pass until this is so, at most so long; whether it came.
fn until(life: &mut Rehearsal, most: Duration, mut is: impl FnMut(&Rehearsal) -> bool) -> bool {
    const STEP: Duration = Duration::from_secs(3);
    let mut left = most;
    while !is(life) {
        if left.is_zero() {
            return false;
        }
        life.advance(STEP);
        left = left.saturating_sub(STEP);
    }
    true
}

/// What is wrong with how this fault is shown; nothing where all is well.
fn trouble(life: &mut Rehearsal, system: &str, name: &str, surface: Surface) -> Option<String> {
    let before = shown(life);
    let within = within(life);
    life.fault_of(system, name, true);
    let seen = until(life, within, |life| !worse(life, &before).is_empty());
    let trouble = match (seen, is_unseen(system, name, surface)) {
        (true, true) => Some("is seen, though it is said that nothing shows it".to_owned()),
        (false, false) => Some(format!("is not seen within {} s", within.as_secs())),
        (false, true) => None,
        (true, false) => {
            let names = worse(life, &before);
            life.app.show(Page::Target);
            life.advance(Duration::from_secs(1));
            let page = text_of(&life.screen());
            life.app.show(Page::Overview);
            let named = names.iter().any(|name| page.contains(name.as_str()));
            (!named).then(|| format!("is seen as {names:?}, of which the target's page names none"))
        }
    };
    life.fault_of(system, name, false);
    until(life, Duration::from_secs(900), |life| worse(life, &before).is_empty());
    trouble.map(|why| format!("{system}, {}: {name} {why}", surface.name()))
}

/// What comes and goes while nothing is wrong: whoever looks for a fault would take it for one, and so would this test.
fn noise(life: &mut Rehearsal, system: &str, surface: Surface) -> Vec<String> {
    let before = shown(life);
    let mut noise = BTreeSet::new();
    until(life, Duration::from_secs(200), |life| {
        noise.extend(worse(life, &before));
        false
    });
    let said = |name: &String| format!("{system}, {}: {name} is bad at times while nothing is wrong", surface.name());
    noise.iter().map(said).collect()
}

#[test]
fn every_fault_is_visible_within_two_polls_and_named_on_its_page() {
    let mut wrong = Vec::new();
    for simulation in Simulation::all(&crate::systems::embedded()).expect("the worlds have no mistakes") {
        let system = simulation.system.clone();
        // What is data is drilled, which asks the same of it.
        if simulation.script().is_some() {
            continue;
        }
        for surface in [Surface::AsBuilt, Surface::Documented] {
            // As high as it takes to see all of a page.
            let begun = Rehearsal::of_systems(vec![simulation.clone()], surface, &[], (200, 160), |_setup| {});
            let mut life = begun.expect("a rehearsal");
            life.advance(Duration::from_secs(400));
            wrong.extend(noise(&mut life, system.as_str(), surface));
            for fault in life.faults() {
                wrong.extend(trouble(&mut life, system.as_str(), &fault.name, surface));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
