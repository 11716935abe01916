//! The lines of the menu: what is on, then every fault of every system, narrowed by what is typed.

use crate::model::FaultState;

/// Where a fault stands: one that is on stands twice, so that the list of its system stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// Among what is on now.
    On,
    /// In its system.
    System,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Why there is nothing to choose.
    Nothing(&'static str),
    /// How many are on, above those.
    On(usize),
    System {
        name: String,
        on: usize,
        all: usize,
    },
    /// By its place in what was told.
    Fault(Spot, usize),
}

/// Every line that is found by all words of `typed`.
pub(super) fn lines(faults: &[FaultState], typed: &str) -> Vec<Line> {
    if faults.is_empty() {
        return Vec::new();
    }
    let typed = typed.to_lowercase();
    let wanted: Vec<&str> = typed.split_whitespace().collect();
    let found: Vec<usize> =
        faults.iter().enumerate().filter(|(_, fault)| is_found(fault, &wanted)).map(|(place, _)| place).collect();
    let on: Vec<usize> = found.iter().copied().filter(|place| faults[*place].on).collect();
    let mut lines = vec![Line::On(faults.iter().filter(|fault| fault.on).count())];
    lines.extend(on.into_iter().map(|place| Line::Fault(Spot::On, place)));
    let mut system = None;
    for place in &found {
        let of = faults[*place].system.as_str();
        if system != Some(of) {
            let all = || faults.iter().filter(|fault| fault.system == of);
            let on = all().filter(|fault| fault.on).count();
            lines.push(Line::System { name: of.to_owned(), on, all: all().count() });
            system = Some(of);
        }
        lines.push(Line::Fault(Spot::System, *place));
    }
    if found.is_empty() {
        lines.push(Line::Nothing("no fault is found by these words"));
    }
    lines
}

fn is_found(fault: &FaultState, wanted: &[&str]) -> bool {
    let state = if fault.on { "on" } else { "off" };
    let said = format!("{} {} {} {state}", fault.whole_name(), fault.sentence, fault.raises.join(" "));
    let said = said.to_lowercase();
    wanted.iter().all(|word| said.contains(word))
}

/// The line of a fault that is nearest to `at`, first looked for downwards or upwards.
pub(super) fn nearest(lines: &[Line], at: usize, down: bool) -> Option<usize> {
    let is_fault = |place: &usize| matches!(lines.get(*place), Some(Line::Fault(..)));
    let below = || (at..lines.len()).find(is_fault);
    let above = || (0..=at.min(lines.len())).rev().find(is_fault);
    if down { below().or_else(above) } else { above().or_else(below) }
}
