//! One group of rules on one target: evaluated together in its own rhythm, its rules in their order.

use std::sync::Arc;
use std::time::Duration;

use super::live::{LiveRule, Respond};
use super::measured::Moment;
use super::recording::LiveRecord;
use super::{Rule, RuleGroup, Transition};
use crate::base::{At, Boot, SourceId, TargetId};
use crate::model::{Batch, Labels, Layout, Scope, SourceState, Store, Truth};
use crate::promql::Expr;
use crate::promql::weight::weight;

/// How late a group may be before what it records is stale, beside its intervals.
const GROUP_TIMEOUT: Duration = Duration::from_secs(2);

/// A group of rules on one target, evaluated together.
#[derive(Clone, Debug)]
pub(super) struct LiveGroup {
    pub(super) target: TargetId,
    pub(super) file: Arc<str>,
    pub(super) name: String,
    interval: Duration,
    limit: usize,
    pub(super) offset: Duration,
    /// The last evaluation, and when the next is due. Nothing before the first, which is due at once.
    last: Option<Boot>,
    next: Boot,
    /// Its turn has come beside the key thread, or waits for that of others there: until then it is not due.
    pub(super) is_away: bool,
    rules: Vec<Live>,
}

/// One rule of a group.
#[derive(Clone, Debug)]
enum Live {
    Alert(Box<LiveRule>),
    Record(LiveRecord),
}

/// What a group is evaluated with, beside the store.
pub(super) struct Turn<'a> {
    pub(super) scope: &'a Scope,
    pub(super) at: At,
    pub(super) settling: bool,
    pub(super) respond: &'a Respond,
}

impl LiveGroup {
    /// A group as its file has it, with the alerts that its rules had before.
    pub(super) fn new(target: &TargetId, file: &Arc<str>, group: &RuleGroup, before: Option<LiveGroup>) -> LiveGroup {
        let (last, next, mut known) =
            before.map_or((None, Boot(0), Vec::new()), |before| (before.last, before.next, before.rules));
        let rules = group.rules.iter().map(|rule| match rule {
            Rule::Record(rule) => Live::Record(LiveRecord::new(Arc::clone(rule))),
            Rule::Alert(rule) => {
                let mut live = LiveRule::new(target, Arc::clone(rule));
                let alike = |known: &Live| matches!(known, Live::Alert(known) if known.is_like(rule));
                if let Some(Live::Alert(before)) = known.iter().position(alike).map(|at| known.remove(at)) {
                    live.succeed(*before);
                }
                Live::Alert(Box::new(live))
            }
        });
        LiveGroup {
            target: target.clone(),
            file: Arc::clone(file),
            name: group.name.clone(),
            interval: group.interval.max(Duration::from_millis(1)),
            limit: group.limit,
            offset: group.query_offset,
            last,
            next,
            is_away: false,
            rules: rules.collect(),
        }
    }

    /// Evaluates its rules in their order. What one records is there for those after it that select it; all of it is
    /// given back as it was linked.
    pub(super) fn step(
        &mut self,
        turn: &Turn<'_>,
        store: &mut Store,
        transitions: &mut Vec<Transition>,
    ) -> Option<Batch> {
        let (offset, limit, source) = (self.offset, self.limit, self.source());
        let mut made = Made::default();
        let mut linked = true;
        let records = self.records().next().is_some();
        let sent = At { wall: turn.at.wall.minus(offset), ..turn.at };
        for rule in &mut self.rules {
            if !linked && rule.reads(&made) {
                store.link_again(&made.batch(&source, sent));
                linked = true;
            }
            let Turn { scope, at, settling, respond } = *turn;
            let moment = Moment { store, scope, at, offset, limit, settling };
            match rule {
                Live::Alert(rule) => rule.step(&moment, respond, transitions),
                Live::Record(record) => {
                    made.series.extend(record.step(&moment));
                    made.lacking.extend(record.lack.clone().map(|truth| (Arc::clone(&record.rule.name), truth)));
                    linked = false;
                }
            }
        }
        if !records {
            return None;
        }
        let whole = made.batch(&source, sent);
        if !linked {
            store.link_again(&whole);
        }
        Some(whole)
    }

    /// What a turn of it may cost.
    pub(super) fn weight(&self, store: &Store, scope: &Scope, at: At) -> usize {
        let wall = at.wall.minus(self.offset);
        // A rule costs something even where there is nothing to look at.
        let weights = self.exprs().map(|expr| weight(expr, store, scope, wall, Duration::ZERO).saturating_add(1));
        weights.fold(0, usize::saturating_add)
    }

    /// The source of what it records.
    pub(super) fn source(&self) -> SourceId {
        SourceId::new(format!("{}/rules/{}/{}", self.target, self.file, self.name))
    }

    pub(super) fn declared(&self) -> SourceState {
        let address = format!("recording rules of the group {} in {}", self.name, self.file);
        let mut state = SourceState::new(self.source(), self.target.clone(), address, self.interval, GROUP_TIMEOUT);
        state.declares = self.records().map(|record| record.rule.name.to_string()).collect();
        state.declares_all = true;
        state
    }

    pub(super) fn alerting(&self) -> impl Iterator<Item = &LiveRule> {
        self.rules.iter().filter_map(|rule| match rule {
            Live::Alert(rule) => Some(&**rule),
            Live::Record(_) => None,
        })
    }

    pub(super) fn alerting_mut(&mut self) -> impl Iterator<Item = &mut LiveRule> {
        self.rules.iter_mut().filter_map(|rule| match rule {
            Live::Alert(rule) => Some(&mut **rule),
            Live::Record(_) => None,
        })
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &LiveRecord> {
        self.rules.iter().filter_map(|rule| match rule {
            Live::Alert(_) => None,
            Live::Record(record) => Some(record),
        })
    }

    pub(super) fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.rules.iter().map(Live::expr)
    }

    /// At its interval, or earlier when an alert's hold is over; nothing while it is away.
    pub(super) fn due(&self) -> Option<Boot> {
        (!self.is_away).then(|| self.due_here())
    }

    fn due_here(&self) -> Boot {
        let Some(last) = self.last else { return Boot(0) };
        let deadlines = self.alerting().flat_map(LiveRule::alerts).filter_map(|alert| alert.state.deadline());
        // One that passed without a change waits for data, not for time.
        deadlines.filter(|deadline| *deadline > last).fold(self.next, Boot::min)
    }

    /// The next evaluation stays on the group's beat, whatever came in between.
    pub(super) fn evaluated(&mut self, at: Boot) {
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

impl Live {
    fn expr(&self) -> &Expr {
        match self {
            Live::Alert(rule) => &rule.rule.expr,
            Live::Record(record) => &record.rule.expr,
        }
    }

    /// Whether it selects any of what was recorded. A selector without a name may.
    fn reads(&self, made: &Made) -> bool {
        let expr = self.expr();
        expr.selectors().iter().any(|selector| selector.name.is_none())
            || made.series.iter().any(|(labels, _)| expr.names().contains(labels.name()))
            || made.lacking.iter().any(|(name, _)| expr.names().contains(name))
    }
}

/// What a group recorded so far.
#[derive(Default)]
struct Made {
    series: Vec<(Arc<Labels>, f64)>,
    /// By their names, of rules that made nothing: how far what they are made of can be trusted.
    lacking: Vec<(Arc<str>, Truth)>,
}

impl Made {
    fn batch(&self, source: &SourceId, sent: At) -> Batch {
        let layout = Layout::of(self.series.iter().map(|(labels, _)| Arc::clone(labels)).collect());
        let values: Vec<f64> = self.series.iter().map(|(_, value)| *value).collect();
        // Another rule of the same name may have made it.
        let is_made = |name: &Arc<str>| self.series.iter().any(|(labels, _)| labels.name() == &**name);
        let lacking = self.lacking.iter().filter(|(name, _)| !is_made(name)).cloned();
        let (missing, lacking): (Vec<_>, Vec<_>) = lacking.partition(|(_, truth)| *truth == Truth::NotExposed);
        let not_exposed = missing.into_iter().map(|(name, _)| name).collect();
        let series = Batch::of(source.clone(), sent, Duration::ZERO, Arc::new(layout), values);
        Batch { not_exposed, lacking, ..series }
    }
}
