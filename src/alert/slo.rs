//! Service level objectives: how much of a window may be bad, how much was, and how fast the rest is being used.
//!
//! ```text
//! SloSpec ──compile──► Slo ──SloBook::look(store, at)──► minutes of good and total ──► Standing
//! ```
//!
//! A minute counts only where it was measured: what was not is missing from the coverage, and neither good nor bad.
//! The budget is that of the whole window; only what was measured can have used any of it.
//!
//! Must never: count a minute that nobody measured; show a budget without its coverage.

mod budget;
mod past;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::past::Past;
use super::duration;
use crate::base::{At, Boot, Provenance, TargetId};
use crate::model::{Scope, Store};
use crate::promql::truth::{Operand, operands};
use crate::promql::{Condition, Expr, Value, Verdict, evaluate};
pub use budget::Budget;

/// The longest window, and how long minutes are kept.
pub const MOST_DAYS: u64 = 35;
/// How often an objective is looked at: a minute is judged by several looks.
const LOOK: Duration = Duration::from_secs(10);

/// As written in `system.ron`: with `good` and `total`, with `level`, or with the reason why it is neither.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SloSpec {
    pub id: String,
    pub title: String,
    /// The part that must be good: above 0, below 1.
    #[serde(default)]
    pub objective: Option<f64>,
    /// As Prometheus writes durations, at most 35d: `30d`.
    #[serde(default)]
    pub window: Option<String>,
    /// PromQL: the good and all events of the last minute, `increase(x[1m])`. Several series are added up.
    #[serde(default)]
    pub good: Option<String>,
    #[serde(default)]
    pub total: Option<String>,
    /// PromQL with `bool`: what holds in a good minute.
    #[serde(default)]
    pub level: Option<String>,
    /// Why a row of the document can not be measured: it is kept, and shown as such.
    #[serde(default)]
    pub needs_definition: Option<String>,
    #[serde(default)]
    pub provenance: Provenance,
}

/// An objective, checked.
#[derive(Clone, Debug)]
pub struct Slo {
    pub id: String,
    pub title: String,
    pub provenance: Provenance,
    pub definition: Definition,
}

#[derive(Clone, Debug)]
pub enum Definition {
    Measured {
        objective: f64,
        window: Duration,
        measure: Box<Measure>,
    },
    /// The document has the row; what it means can not be measured, and why.
    Needed(String),
}

#[derive(Clone, Debug)]
pub enum Measure {
    Ratio { good: Expr, total: Expr },
    Level(Condition),
}

/// A minute that was measured: minutes since 1970, good and all of it. Of a level `total` is 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Minute(pub i64, pub f32, pub f32);

/// Measured minutes by objective, oldest first.
pub type History = BTreeMap<String, Vec<Minute>>;

/// One closed minute of one objective, to be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    pub slo: String,
    pub minute: Minute,
}

/// How an objective stands.
#[derive(Clone, Debug)]
pub struct Standing {
    pub slo: Arc<Slo>,
    /// Whether it is met at this moment; nothing of one that needs a definition, or before the first look.
    pub now: Option<Verdict>,
    /// Nothing of one that needs a definition.
    pub budget: Option<Budget>,
}

/// All objectives of all targets.
#[derive(Debug, Default)]
pub struct SloBook {
    targets: Vec<(TargetId, Vec<LiveSlo>)>,
    last: Option<Boot>,
}

#[derive(Debug)]
struct LiveSlo {
    slo: Arc<Slo>,
    past: Past,
    open: Open,
    now: Option<Verdict>,
}

/// The minute that is going on.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    minute: i64,
    good: f64,
    total: f64,
    looks: u32,
}

impl Slo {
    /// Checks what is written.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn compile(spec: &SloSpec) -> Result<Slo, String> {
        let definition = match (&spec.needs_definition, &spec.good, &spec.total, &spec.level) {
            (Some(why), None, None, None) if !why.trim().is_empty() => Definition::Needed(why.clone()),
            (None, Some(good), Some(total), None) => {
                let expr = |text: &str| Expr::parse(text).map_err(|error| format!("{text}: {error}"));
                defined(spec, Measure::Ratio { good: expr(good)?, total: expr(total)? })?
            }
            (None, None, None, Some(level)) => {
                let level = Condition::parse(level).map_err(|error| format!("{level}: {error}"))?;
                defined(spec, Measure::Level(level))?
            }
            _none_or_several => {
                return Err("it has either good and total, or level, or needs_definition with the reason".to_owned());
            }
        };
        Ok(Slo { id: spec.id.clone(), title: spec.title.clone(), provenance: spec.provenance.clone(), definition })
    }

    fn exprs(&self) -> Vec<&Expr> {
        match &self.definition {
            Definition::Needed(_) => Vec::new(),
            Definition::Measured { measure, .. } => match &**measure {
                Measure::Ratio { good, total } => vec![good, total],
                Measure::Level(level) => vec![level.expr()],
            },
        }
    }
}

fn defined(spec: &SloSpec, measure: Measure) -> Result<Definition, String> {
    let objective = spec.objective.filter(|objective| *objective > 0.0 && *objective < 1.0);
    let objective = objective.ok_or("objective: write a number above 0 and below 1, such as 0.995")?;
    let window = spec.window.as_deref().ok_or("window: write one, such as 30d")?;
    let window = duration::parse(window).map_err(|error| format!("window: {error}"))?;
    let most = Duration::from_secs(MOST_DAYS * 86_400);
    if window < Duration::from_secs(3600) || window > most {
        return Err(format!("window: from 1h to {MOST_DAYS}d"));
    }
    Ok(Definition::Measured { objective, window, measure: Box::new(measure) })
}

impl SloBook {
    /// Adds the objectives of a target, with what is known of them from before.
    pub fn add(&mut self, target: &TargetId, slos: &[Arc<Slo>], mut history: History) {
        let live = |slo: &Arc<Slo>| {
            let past = history.remove(&slo.id).unwrap_or_default().into_iter().collect();
            LiveSlo { slo: Arc::clone(slo), past, open: Open::default(), now: None }
        };
        self.targets.push((target.clone(), slos.iter().map(live).collect()));
    }

    /// Looks, where it is time to; returns the minutes that were closed. Nothing between two looks.
    pub fn look(&mut self, store: &Store, at: At) -> Option<Vec<(TargetId, Closed)>> {
        if self.last.is_some_and(|last| at.boot.since(last) < LOOK) {
            return None;
        }
        self.last = Some(at.boot);
        let mut closed = Vec::new();
        for (target, slos) in &mut self.targets {
            let scope = Scope::Target(target.clone());
            for slo in slos {
                if let Some(minute) = slo.look(store, &scope, at) {
                    closed.push((target.clone(), Closed { slo: slo.slo.id.clone(), minute }));
                }
            }
        }
        Some(closed)
    }

    /// How the objectives of a target stand, in the order of their declaration.
    #[must_use]
    pub fn standings(&self, target: &TargetId, at: At) -> Vec<Standing> {
        let slos = self.targets.iter().find(|(id, _)| id == target).map_or(&[][..], |(_, slos)| slos);
        slos.iter().map(|live| live.standing(minute_of(at))).collect()
    }

    /// The names of all series that any objective selects, and the longest range of any.
    #[must_use]
    pub fn needs(&self) -> (BTreeSet<Arc<str>>, Duration) {
        let exprs = || self.targets.iter().flat_map(|(_, slos)| slos).flat_map(|live| live.slo.exprs());
        let names = exprs().flat_map(|expr| expr.names().iter().cloned()).collect();
        (names, exprs().map(Expr::longest_range).max().unwrap_or_default())
    }
}

fn minute_of(at: At) -> i64 {
    at.wall.0.div_euclid(60_000)
}

impl LiveSlo {
    fn look(&mut self, store: &Store, scope: &Scope, at: At) -> Option<Minute> {
        let Definition::Measured { objective, measure, .. } = &self.slo.definition else { return None };
        let minute = minute_of(at);
        // The wall clock went back: what it said of later is no minute of this window.
        self.past.forget_from(minute);
        let closed = if self.open.minute < minute { self.open.closed() } else { None };
        if let Some(closed) = closed {
            self.past.push(closed);
        }
        if self.open.minute != minute {
            self.open = Open { minute, ..Open::default() };
        }
        self.now = Some(match &**measure {
            Measure::Level(level) => {
                let verdict = level.judge(store, scope, at);
                self.open.judge(&verdict);
                verdict
            }
            Measure::Ratio { good, total } => match (sum(good, store, scope, at), sum(total, store, scope, at)) {
                (Ok(good), Ok(total)) => {
                    (self.open.good, self.open.total, self.open.looks) = (good.clamp(0.0, total.max(0.0)), total, 1);
                    match total {
                        total if total <= 0.0 => Verdict::Unknown("nothing happened in the last minute".to_owned()),
                        total if good / total >= *objective => Verdict::True,
                        _less => Verdict::False,
                    }
                }
                (Err(why), _) | (Ok(_), Err(why)) => Verdict::Unknown(why),
            },
        });
        closed
    }

    fn standing(&self, minute: i64) -> Standing {
        let budget = match &self.slo.definition {
            Definition::Measured { objective, window, .. } => Some(Budget::of(&self.past, minute, *objective, *window)),
            Definition::Needed(_) => None,
        };
        Standing { slo: Arc::clone(&self.slo), now: self.now.clone(), budget }
    }
}

impl Open {
    /// Takes in one look at a level. What is unknown is no look.
    fn judge(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::True => (self.good, self.looks) = (self.good + 1.0, self.looks + 1),
            Verdict::False => self.looks += 1,
            Verdict::Unknown(_) => return,
        }
        self.total = f64::from(self.looks);
    }

    /// A level's minute is 1 in all; nothing where nothing was measured.
    fn closed(self) -> Option<Minute> {
        let (good, total) = match self.looks {
            0 => return None,
            1 => (self.good, self.total),
            looks => (self.good / f64::from(looks), 1.0),
        };
        Some(Minute(self.minute, good as f32, total as f32))
    }
}

/// All series of an answer added up.
///
/// # Errors
/// Why it was not measured.
fn sum(expr: &Expr, store: &Store, scope: &Scope, at: At) -> Result<f64, String> {
    if let Some(why) = Operand::worst(&operands(expr, store, scope, at)).and_then(|worst| worst.why(at.boot)) {
        return Err(why);
    }
    match evaluate(expr, store, scope, at.wall) {
        Ok(Value::Scalar(value)) if !value.is_nan() => Ok(value),
        Ok(Value::Vector(samples)) if !samples.is_empty() && samples.iter().all(|sample| !sample.value.is_nan()) => {
            Ok(samples.iter().map(|sample| sample.value).sum())
        }
        Ok(Value::Scalar(_) | Value::Vector(_)) => Err(format!("{} has no answer", expr.source())),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
