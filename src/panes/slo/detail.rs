//! The selected objective: how it stands in words, what it measures, and where it comes from.

use super::{mark, percent, rate};
use crate::alert::slo::{Budget, Definition, Measure, Standing};
use crate::base::time::spoken;
use crate::panes::alerts::detail::origin;
use crate::panes::mark as marks;
use crate::promql::Verdict;
use crate::ui::Role;
use crate::ui::widget::Rows;

pub fn describe(rows: &mut Rows, standing: &Standing) {
    let state = mark(standing);
    rows.pair(0, "state", state.role, state.word);
    match &standing.slo.definition {
        Definition::Needed(why) => {
            rows.pair(0, "why", Role::Text, why);
        }
        Definition::Measured { measure, .. } => {
            match &standing.now {
                Some(Verdict::Unknown(why)) => rows.pair(0, "now", Role::Unknown, &format!("unknown: {why}")),
                Some(verdict @ (Verdict::True | Verdict::False)) => {
                    let words = if *verdict == Verdict::True { "it is so" } else { "it is not so" };
                    rows.pair(0, "now", marks::verdict(verdict).role, words)
                }
                None => rows.pair(0, "now", Role::Dim, "not looked at yet"),
            };
            if let Some(budget) = &standing.budget {
                told(rows, budget);
            }
            rows.space();
            match &**measure {
                Measure::Level(level) => {
                    rows.pair(0, "good is", Role::Text, level.expr().source());
                }
                Measure::Ratio { good, total } => {
                    rows.pair(0, "good are", Role::Text, good.source()).pair(0, "of all", Role::Text, total.source());
                }
            }
        }
    }
    origin(rows, &standing.slo.provenance);
}

fn told(rows: &mut Rows, budget: &Budget) {
    let (aim, window) = (percent(budget.objective), spoken(budget.window));
    let window = window.trim_end_matches(" 0h");
    rows.pair(0, "aim", Role::Text, &format!("{aim} good over {window}"));
    let covered = format!(
        "{} of {window}, {}: the rest of the window was not measured, and has used none of the budget",
        spoken(budget.covered),
        percent(budget.coverage())
    );
    let (Some(good), Some(remaining)) = (budget.good, budget.remaining) else {
        rows.pair(0, "measured", Role::Unknown, "nothing of the window yet");
        return;
    };
    rows.pair(0, "so far", Role::Text, &format!("{} good", percent(good)));
    let words = match remaining {
        left if left < 0.0 => format!("overdrawn by {}", percent(-left)),
        left => format!("{} left", percent(left)),
    };
    rows.pair(0, "budget", if remaining < 0.0 { Role::Critical } else { Role::Text }, &words);
    let burn = format!(
        "{} over the last hour, {} over the last six; at 1x the budget lasts exactly the window",
        rate(budget.burn_hour),
        rate(budget.burn_six_hours)
    );
    rows.pair(0, "burns", Role::Text, &burn).pair(0, "measured", Role::Text, &covered);
}
