//! What a line of the fleet says of a target, and how much trouble that is.

use crate::alert::slo;
use crate::base::Severity;
use crate::panes::cells::{self, Line};
use crate::panes::health::Health;
use crate::panes::model::{Level, Model, Target};
use crate::promql::Verdict;
use crate::systems::Dimension;
use crate::ui::Role;

/// A target and what is told of it in every dimension.
#[derive(Clone, Debug)]
pub struct Row<'m> {
    pub target: &'m Target,
    pub health: Health<'m>,
    /// In the order of the model's dimensions; nothing where the target has no row of one.
    pub cells: Vec<Option<Line<'m>>>,
    objectives: Option<Objectives>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Objectives {
    met: usize,
    missed: usize,
    unknown: usize,
}

impl<'m> Row<'m> {
    pub fn of(model: &'m Model, target: &'m Target) -> Row<'m> {
        let cells = model.dimensions.iter().map(|dimension| told(target, dimension.dimension));
        Row { target, health: Health::of(model, target), cells: cells.collect(), objectives: objectives(target) }
    }

    /// How the target is as a whole.
    pub fn level(&self) -> Level {
        self.health.level()
    }

    /// For sorting: what fires first, then how bad it looks, then how much is silent.
    pub fn trouble(&self) -> (Level, Option<Severity>, usize, usize, usize) {
        let Health { firing, pending, link, .. } = &self.health;
        (self.level(), firing.iter().max().copied(), firing.len(), *pending, link.asked - link.answering)
    }

    pub fn alerts_words(&self) -> String {
        match (self.health.firing.len(), self.health.pending, self.health.no_data) {
            (0, 0, 0) => "quiet".to_owned(),
            (0, 0, no_data) => format!("{no_data} no data"),
            (0, pending, _) => format!("{pending} pending"),
            (firing, _, _) => format!("{firing} firing"),
        }
    }

    pub fn alerts_role(&self) -> Role {
        match (self.health.firing.iter().max(), self.health.pending, self.health.no_data) {
            (Some(Severity::Critical), _, _) => Role::Critical,
            (Some(Severity::Warning), _, _) => Role::Warning,
            (Some(Severity::Info), _, _) => Role::Accent,
            (None, 0, 0) => Role::Ok,
            (None, 0, _) => Role::Unknown,
            (None, _, _) => Role::Warning,
        }
    }

    pub fn answers_words(&self) -> String {
        format!("{} of {}", self.health.link.answering, self.health.link.asked)
    }

    pub fn answers_role(&self) -> Role {
        if self.health.link.answering == self.health.link.asked { Role::Text } else { Role::Warning }
    }

    /// Nothing where the system has no objective.
    pub fn objectives_words(&self) -> Option<String> {
        self.objectives.map(|objectives| match objectives {
            Objectives { missed, .. } if missed > 0 => format!("{missed} missed"),
            Objectives { unknown, .. } if unknown > 0 => format!("{unknown} unknown"),
            Objectives { met, .. } => format!("{met} met"),
        })
    }

    pub fn objectives_role(&self) -> Role {
        match self.objectives {
            Some(Objectives { missed, .. }) if missed > 0 => Role::Critical,
            Some(Objectives { unknown, .. }) if unknown > 0 => Role::Unknown,
            Some(_) => Role::Text,
            None => Role::Dim,
        }
    }
}

/// The row that a dimension is told by: the worst of those in trouble, else always the same: the first that is measured.
/// What is missing for a while, or for ever, is told only where nothing else is there.
fn told(target: &Target, dimension: Dimension) -> Option<Line<'_>> {
    let all = || cells::all_of_dimension(target, dimension);
    let worst = all().map(|line| cells::trouble(&line)).max()?;
    let exposed = |line: &Line| !matches!(line, Line::Value(_, cell) if cell.reading.truth.is_known_lack());
    match worst {
        0 => cells::of_dimension(target, dimension)
            .find(cells::is_measured)
            .or_else(|| all().find(cells::is_measured))
            .or_else(|| all().find(exposed))
            .or_else(|| all().next()),
        worst => all().find(|line| cells::trouble(line) == worst),
    }
}

fn objectives(target: &Target) -> Option<Objectives> {
    let mut counted = Objectives::default();
    for standing in &target.objectives {
        let remaining = standing.budget.as_ref().and_then(|budget| budget.remaining);
        match (&standing.slo.definition, remaining, &standing.now) {
            (slo::Definition::Measured { .. }, Some(left), _) if left < 0.0 => counted.missed += 1,
            (slo::Definition::Measured { .. }, Some(_), Some(Verdict::True | Verdict::False)) => counted.met += 1,
            (_not_known, _, _) => counted.unknown += 1,
        }
    }
    (!target.objectives.is_empty()).then_some(counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Truth;
    use crate::panes::testing::{self, Condition};

    /// What is in trouble is told; else always the first row that is measured, however many warm up before it.
    #[test]
    fn a_dimension_is_told_by_its_worst_row_or_its_first_measured_one() {
        let warming =
            Truth::WarmingUp { have: std::time::Duration::from_secs(1), need: std::time::Duration::from_secs(9) };
        let failing = Truth::Failing { reason: "refused".to_owned(), since: crate::base::Boot(0) };
        let check = |changes: &[(usize, Option<Truth>, Level)], want: &str| {
            let mut model = testing::model(Condition::Well);
            let cells = model.targets[0].cells.get_mut("chain").expect("the panel of the fixture");
            for (at, truth, level) in changes {
                cells[*at].level = *level;
                cells[*at].reading.truth = truth.clone().unwrap_or(Truth::Fresh);
            }
            let Some(Line::Value(row, _)) = told(&model.targets[0], Dimension::ChainHealth) else { panic!("a row") };
            assert_eq!(row.label, want, "{changes:?}");
        };
        let warms = Some(warming);
        check(&[], "node up");
        check(&[(0, warms.clone(), Level::Unknown)], "height");
        check(&[(0, Some(Truth::Absent), Level::Unknown), (1, warms.clone(), Level::Unknown)], "last block");
        check(&[(3, None, Level::Warning)], "blocks verified");
        check(&[(3, None, Level::Warning), (4, None, Level::Critical)], "users with issues");
        check(&[(1, None, Level::Unknown)], "node up");
        check(&[(2, Some(failing), Level::Unknown)], "last block");
        let all: Vec<_> = (0..5).map(|at| (at, warms.clone(), Level::Unknown)).collect();
        check(&all, "node up");
    }
}
