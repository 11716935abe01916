//! What a line of the fleet says of a target, and how much trouble that is.

use crate::alert::{AlertState, slo};
use crate::base::Severity;
use crate::panes::cells::{self, Line};
use crate::panes::header;
use crate::panes::model::{Level, Model, Target};
use crate::promql::Verdict;
use crate::ui::Role;

/// A target and its worst in every dimension.
#[derive(Clone, Debug)]
pub struct Row<'m> {
    pub target: &'m Target,
    /// In the order of the model's dimensions.
    pub health: Vec<Health<'m>>,
    firing: Vec<Severity>,
    pending: usize,
    /// Alerts that nothing can be said of, although their series are exposed.
    blind: usize,
    answering: usize,
    sources: usize,
    objectives: Option<Objectives>,
}

/// One cell.
#[derive(Clone, Debug)]
pub enum Health<'m> {
    /// The target has no row of this dimension.
    NotFed,
    /// The worst row; of rows that are alike the first, which is the one that its system shows first.
    Row(Line<'m>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Objectives {
    met: usize,
    missed: usize,
    unknown: usize,
}

impl<'m> Row<'m> {
    pub fn of(model: &'m Model, target: &'m Target) -> Row<'m> {
        let health = model.dimensions.iter().map(|dimension| {
            let lines: Vec<Line> = cells::of_dimension(target, dimension.dimension).collect();
            worst(&lines).map_or(Health::NotFed, Health::Row)
        });
        let (mut firing, mut pending, mut blind) = (Vec::new(), 0, 0);
        for alert in model.alerts.alerts().filter(|alert| alert.target == target.id) {
            match &alert.state {
                AlertState::Firing { .. } => firing.push(alert.severity()),
                AlertState::Pending { .. } => pending += 1,
                AlertState::NoData { lack, .. } if !lack.is_known() => blind += 1,
                AlertState::NoData { .. }
                | AlertState::WarmingUp { .. }
                | AlertState::Resolved { .. }
                | AlertState::Inactive => {}
            }
        }
        let link = header::link(model, target);
        Row {
            target,
            health: health.collect(),
            firing,
            pending,
            blind,
            answering: link.answering,
            sources: link.asked,
            objectives: objectives(target),
        }
    }

    /// How the target is as a whole.
    pub fn level(&self) -> Level {
        let alerts = self.firing.iter().max().map(|severity| match severity {
            Severity::Critical => Level::Critical,
            Severity::Warning => Level::Warning,
            Severity::Info => Level::Ok,
        });
        let pending = (self.pending > 0).then_some(Level::Warning);
        let known = self.health.iter().map(|health| match health {
            Health::NotFed => Level::Ok,
            Health::Row(line) => cells::level(line),
        });
        let silent = (self.sources == 0 || self.answering < self.sources || self.blind > 0).then_some(Level::Unknown);
        known.chain(alerts).chain(pending).chain(silent).max().unwrap_or(Level::Unknown)
    }

    /// For sorting: what fires first, then how bad it looks, then how much is silent.
    pub fn trouble(&self) -> (Level, Option<Severity>, usize, usize, usize) {
        (
            self.level(),
            self.firing.iter().max().copied(),
            self.firing.len(),
            self.pending,
            self.sources - self.answering,
        )
    }

    pub fn alerts_words(&self) -> String {
        match (self.firing.len(), self.pending, self.blind) {
            (0, 0, 0) => "quiet".to_owned(),
            (0, 0, blind) => format!("{blind} blind"),
            (0, pending, _) => format!("{pending} pending"),
            (firing, _, _) => format!("{firing} firing"),
        }
    }

    pub fn alerts_role(&self) -> Role {
        match (self.firing.iter().max(), self.pending, self.blind) {
            (Some(Severity::Critical), _, _) => Role::Critical,
            (Some(Severity::Warning), _, _) => Role::Warning,
            (Some(Severity::Info), _, _) => Role::Accent,
            (None, 0, 0) => Role::Ok,
            (None, 0, _) => Role::Unknown,
            (None, _, _) => Role::Warning,
        }
    }

    pub fn answers_words(&self) -> String {
        format!("{} of {}", self.answering, self.sources)
    }

    pub fn answers_role(&self) -> Role {
        if self.answering == self.sources { Role::Text } else { Role::Warning }
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

/// The line of the worst level; a row that this node does not have says less than any other.
fn worst<'a>(lines: &[Line<'a>]) -> Option<Line<'a>> {
    let exposed = |line: &&Line| !matches!(line, Line::Value(_, cell) if cell.reading.truth.is_known_lack());
    let rank = |line: &&Line| std::cmp::Reverse(cells::level(line));
    lines.iter().filter(exposed).min_by_key(rank).or_else(|| lines.first()).copied()
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
