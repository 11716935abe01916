//! The faults of a running demo, from the command line: listed, switched and cured.
//!
//! Must never: take a name for another one, or for a fault of several systems.

use std::path::Path;
use std::process::ExitCode;

use color_eyre::eyre::Result;

use super::{Switch, control_of};
use crate::base::problem::nearest;
use crate::base::text::clean;
use crate::shell;
use crate::sim;
use crate::sim::client::FaultState;

/// That there is no fault of this name, with the nearest of those that there are, and how to see them all.
pub(super) fn no_such_fault(asked: &str, known: &[String]) -> String {
    let bare = |whole: &'_ String| whole.split_once('/').map_or(whole.clone(), |(_, name)| name.to_owned());
    let bare_names: Vec<String> = known.iter().map(bare).collect();
    let meant = nearest(asked, known.iter().map(String::as_str)).map(str::to_owned).or_else(|| {
        // `SYSTEM/` may be left out, or be that of another one.
        let name = asked.split_once('/').map_or(asked, |(_, name)| name);
        let near = nearest(name, bare_names.iter().map(String::as_str))?;
        bare_names.iter().position(|name| name == near).map(|at| known[at].clone())
    });
    let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    format!("{asked:?} is no fault of the demo{meant} (opsconsole demo fault lists them all)")
}

/// The one fault of a running demo that is called so.
fn fault_called<'a>(asked: &str, faults: &'a [FaultState]) -> Result<&'a FaultState, String> {
    let called: Vec<&FaultState> = faults.iter().filter(|fault| is_called(&fault.system, &fault.name, asked)).collect();
    match called.as_slice() {
        [one] => Ok(one),
        [] => Err(no_such_fault(asked, &faults.iter().map(FaultState::whole_name).collect::<Vec<_>>())),
        several => {
            let names: Vec<String> = several.iter().map(|fault| fault.whole_name()).collect();
            Err(format!("{asked:?} is a fault of several systems; say {}", names.join(" or ")))
        }
    }
}

/// How a mistake in what was typed is told, and what it exits with.
fn mistaken(why: &str) -> ExitCode {
    eprintln!("opsconsole: {}", clean(why));
    ExitCode::from(2)
}

/// Whether a fault is what is called so: `NAME`, or `SYSTEM/NAME`.
pub(super) fn is_called(system: &str, name: &str, called: &str) -> bool {
    match called.split_once('/') {
        Some((of, called)) => of == system && called == name,
        None => called == name,
    }
}

/// Cures a fault, those of a system, or all; says which those were.
pub(super) fn cure(folder: &Path, what: &str) -> Result<ExitCode> {
    let control = control_of(folder)?;
    shell::runtime()?.block_on(async {
        let runs = sim::client::identity(&control).await?;
        let system = (what != "all").then_some(what);
        if system.is_some_and(|system| !runs.systems.iter().any(|known| known == system)) {
            let faults = sim::client::faults(&control).await?;
            let name = match fault_called(what, &faults) {
                Ok(fault) => fault.whole_name(),
                Err(why) => return Ok(mistaken(&why)),
            };
            let state = sim::client::set_fault(&control, &name, false).await?;
            say_line!("{} is cured", state.whole_name());
            return Ok(ExitCode::SUCCESS);
        }
        let on = |fault: &&FaultState| fault.on && system.is_none_or(|system| fault.system == system);
        let before: Vec<String> =
            sim::client::faults(&control).await?.iter().filter(on).map(FaultState::whole_name).collect();
        let after = sim::client::cure(&control, system).await?;
        let cured = before.iter().filter(|name| !after.iter().any(|fault| fault.on && fault.whole_name() == **name));
        let cured: Vec<&str> = cured.map(String::as_str).collect();
        match cured.as_slice() {
            [] => say_line!("no fault was on"),
            cured => cured.iter().for_each(|name| say_line!("{name} is cured")),
        }
        Ok(ExitCode::SUCCESS)
    })
}

pub(super) fn switch_fault(folder: &Path, name: Option<&str>, switch: Switch) -> Result<ExitCode> {
    let control = control_of(folder)?;
    shell::runtime()?.block_on(async {
        match name {
            Some(asked) => {
                let faults = sim::client::faults(&control).await?;
                let name = match fault_called(asked, &faults) {
                    Ok(fault) => fault.whole_name(),
                    Err(why) => return Ok(mistaken(&why)),
                };
                let state = sim::client::set_fault(&control, &name, switch == Switch::On).await?;
                say_line!("{} is {}: {}", state.whole_name(), if state.on { "on" } else { "off" }, state.sentence);
            }
            None => {
                for state in sim::client::faults(&control).await? {
                    let name = state.whole_name();
                    say_line!("{name:<36} {:<4} {}", if state.on { "on" } else { "off" }, state.sentence);
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_does_not_exist_names_the_nearest_and_how_to_see_them_all() {
        let known = ["goud/fork", "goud/html", "pouw/html", "volchain/slow"].map(str::to_owned);
        let check = |asked: &str, want: &str| {
            let said = no_such_fault(asked, &known);
            assert!(said.contains(want) && said.contains("demo fault lists them all"), "{said}");
            assert!(!said.contains('{') && said.lines().count() == 1, "{said}");
        };
        check("frok", "did you mean goud/fork?");
        check("goud/frok", "did you mean goud/fork?");
        check("pouw/slow", "did you mean volchain/slow?");
        check("nosuch", "\"nosuch\" is no fault of the demo (");
    }
}
