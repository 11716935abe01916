//! `opsconsole demo drill`: every fault of the worlds on simulated time, told a fault at a time as it is played.

use std::collections::BTreeSet;
use std::process::ExitCode;

use color_eyre::eyre::{Result, bail};

use crate::cli::load;
use crate::sim::drill::{Calm, Drill, Drilled};
use crate::sim::{Simulation, Surface};

/// Drills every system on both surfaces; the exit code is 1 where a fault did not do what it says.
pub(super) fn run(systems: Vec<Simulation>, only: Option<&str>) -> Result<ExitCode> {
    let files = load::system_files()?;
    let mut right = true;
    for simulation in &systems {
        let mut raised: BTreeSet<String> = BTreeSet::new();
        let mut rules = Vec::new();
        for surface in [Surface::Documented, Surface::AsBuilt] {
            let Some(mut drill) = Drill::begin(simulation, &files, surface)? else { continue };
            say_line!("{}, {}", simulation.system, surface.name());
            let calm = drill.calm();
            right &= calm.firing.is_empty();
            tell_calm(&calm);
            rules = drill.rules();
            let chosen = |fault: &String| only.is_none_or(|only| fault == only);
            for fault in drill.faults().into_iter().filter(chosen) {
                let Some(drilled) = drill.drill(&fault) else { bail!("there is no fault {fault}") };
                right &= drilled.is_right() && drilled.is_seen();
                raised.extend(drilled.fired.iter().map(|(alert, _)| alert.clone()));
                tell(&drilled);
            }
        }
        let never: Vec<_> = rules.into_iter().filter(|rule| !raised.contains(rule)).collect();
        if only.is_none() && !never.is_empty() {
            right = false;
            say_line!("{}: no fault raises {}", simulation.system, never.join(", "));
        }
    }
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell_calm(calm: &Calm) {
    let all = |what: &str, named: &[String]| {
        if !named.is_empty() {
            say_line!("  {what}: {}", named.join("; "));
        }
    };
    all("fires though nothing is wrong", &calm.firing);
    all("not well though nothing is wrong", &calm.rows);
    for (alert, why) in &calm.no_data {
        say_line!("  no data: {alert}: {why}");
    }
}

fn tell(drilled: &Drilled) {
    let fired = drilled.fired.iter().map(|(alert, after)| format!("{alert} after {after} s")).collect::<Vec<_>>();
    let state = match (drilled.is_right(), drilled.is_seen()) {
        (true, true) => "ok   ",
        (true, false) => "UNSEEN",
        (false, _) => "WRONG",
    };
    say_line!(
        "  {state} {}: {}",
        drilled.fault,
        if fired.is_empty() { "no alert".to_owned() } else { fired.join(", ") }
    );
    if let Some(first) = &drilled.first {
        let late = if first.after_seconds > first.within_seconds { ", which is late" } else { "" };
        say_line!("        seen after {} s{late}: {}", first.after_seconds, first.what);
    }
    for (alert, state) in &drilled.missed {
        say_line!("        did not fire: {alert}: {state}");
    }
    for (what, named) in [
        ("fires and is not said", &drilled.unsaid),
        ("fired before its time", &drilled.early),
        ("still fires after the cure", &drilled.lingering),
        ("rows", &drilled.rows),
    ] {
        if !named.is_empty() {
            say_line!("        {what}: {}", named.join("; "));
        }
    }
}
