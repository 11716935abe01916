//! The live state of every alert of every target.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::live::{LiveRule, Moment, settling_time};
use super::{AlertRule, AlertState, RuleFile};
use crate::base::{At, Boot, TargetId};
use crate::model::{Labels, Scope, Store};

/// A difference between the clocks that is a jump and no drift.
const JUMP_MILLIS: u64 = 5_000;

/// One alert: a rule, on a target, for one label set. Where a rule has no element at all there is one alert with
/// the rule's own labels.
#[derive(Clone, Debug)]
pub struct Alert {
    pub target: TargetId,
    pub rule: Arc<AlertRule>,
    /// The element's labels without the metric name, with the rule's labels over them.
    pub labels: Labels,
    pub state: AlertState,
}

/// A change of state, for the journal and the bell.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub target: TargetId,
    pub alert: String,
    pub labels: Labels,
    pub from: AlertState,
    pub to: AlertState,
}

/// All alerts.
#[derive(Clone, Debug, Default)]
pub struct AlertBook {
    groups: Vec<LiveGroup>,
    /// The last time the clocks were seen, to notice a jump between them.
    seen: Option<At>,
    jumped: Option<Boot>,
    /// Active label sets that are not followed, because their rule already has a thousand alerts.
    pub beyond_limit: usize,
}

/// A group of rules on one target, evaluated together.
#[derive(Clone, Debug)]
struct LiveGroup {
    target: TargetId,
    name: String,
    interval: Duration,
    /// The last evaluation, and when the next is due. Nothing before the first, which is due at once.
    last: Option<Boot>,
    next: Boot,
    rules: Vec<LiveRule>,
}

impl AlertBook {
    /// Adds a system's rules for one target. A group that the target already has is replaced, with its alerts.
    pub fn add(&mut self, target: &TargetId, rules: &RuleFile) {
        for group in &rules.groups {
            self.groups.retain(|known| known.target != *target || known.name != group.name);
            self.groups.push(LiveGroup {
                target: target.clone(),
                name: group.name.clone(),
                interval: group.interval.max(Duration::from_millis(1)),
                last: None,
                next: Boot(0),
                rules: group.rules.iter().map(|rule| LiveRule::new(target, rule.clone())).collect(),
            });
        }
    }

    /// Evaluates every group that is due at `at`.
    pub fn evaluate(&mut self, store: &Store, at: At) -> Vec<Transition> {
        self.evaluate_where(store, at, |group| group.due() <= at.boot)
    }

    /// Evaluates every group, due or not: for a single look at what is known now.
    pub fn evaluate_all(&mut self, store: &Store, at: At) -> Vec<Transition> {
        self.evaluate_where(store, at, |_every| true)
    }

    fn evaluate_where(&mut self, store: &Store, at: At, wanted: impl Fn(&LiveGroup) -> bool) -> Vec<Transition> {
        if self.seen.is_some_and(|seen| at.jump_millis(seen).unsigned_abs() > JUMP_MILLIS) {
            self.jumped = Some(at.boot);
        }
        self.seen = Some(at);
        let mut transitions = Vec::new();
        for group in self.groups.iter_mut().filter(|group| wanted(group)) {
            let scope = Scope::Target(group.target.clone());
            let settling = self.jumped.is_some_and(|jumped| at.boot.since(jumped) <= settling_time(store, &scope));
            let moment = Moment { store, scope: &scope, at, settling };
            group.rules.iter_mut().for_each(|rule| rule.step(&moment, &mut transitions));
            group.evaluated(at.boot);
        }
        self.beyond_limit = self.rules().map(|rule| rule.beyond_limit).sum();
        transitions
    }

    /// When the next group is due. Before its first evaluation a group is due since boot.
    #[must_use]
    pub fn wake(&self) -> Option<Boot> {
        self.groups.iter().map(LiveGroup::due).min()
    }

    /// Worst first: firing critical, firing warning, pending, no data, warming up, resolved, inactive. Equals in the
    /// order of the targets and their rules.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        let mut alerts: Vec<_> = self
            .rules()
            .flat_map(|rule| rule.alerts().map(move |alert| (alert.state.rank(rule.severity()), alert)))
            .collect();
        alerts.sort_by_key(|(rank, _)| *rank);
        alerts.into_iter().map(|(_, alert)| alert)
    }

    /// The names of all series that any rule selects: what the store must keep.
    #[must_use]
    pub fn names(&self) -> BTreeSet<Arc<str>> {
        self.rules().flat_map(|live| live.rule.expr.names().iter().cloned()).collect()
    }

    /// The longest range that any rule needs.
    #[must_use]
    pub fn longest_range(&self) -> Duration {
        self.rules().map(|live| live.rule.expr.longest_range()).max().unwrap_or_default()
    }

    fn rules(&self) -> impl Iterator<Item = &LiveRule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }
}

impl LiveGroup {
    /// At its interval, or earlier when a pending alert's time is up.
    fn due(&self) -> Boot {
        let Some(last) = self.last else { return Boot(0) };
        let deadlines = self.rules.iter().flat_map(|rule| {
            rule.alerts().filter_map(|alert| match &alert.state {
                AlertState::Pending { since, .. } => Some(since.boot.plus(rule.rule.hold)),
                AlertState::Inactive
                | AlertState::WarmingUp { .. }
                | AlertState::NoData { .. }
                | AlertState::Firing { .. }
                | AlertState::Resolved { .. } => None,
            })
        });
        // One that passed without firing waits for data, not for time.
        deadlines.filter(|deadline| *deadline > last).fold(self.next, Boot::min)
    }

    /// The next evaluation stays on the group's beat, whatever came in between.
    fn evaluated(&mut self, at: Boot) {
        if self.last.is_none() {
            self.next = at;
        }
        self.last = Some(at);
        let beat = u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX);
        if self.next <= at {
            let beats = (at.0 - self.next.0) / beat + 1;
            self.next = Boot(self.next.0.saturating_add(beats.saturating_mul(beat)));
        }
    }
}
