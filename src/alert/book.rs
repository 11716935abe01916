//! The live state of every alert of every target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::claim::{AlertKey, Claim, ClaimError, ClaimKind};
use super::live::{LiveRule, Respond};
use super::marks::Marks;
use super::measured::{Moment, settling_time};
use super::memory::{MOST_REMEMBERED, Remembered, RememberedAlert};
use super::recording::LiveRecord;
use super::{AlertRule, AlertState, Rule, RuleFile, RuleGroup};
use crate::base::{At, Boot, Severity, SourceId, TargetId, Wall};
use crate::model::{Batch, Labels, Layout, Scope, SourceState, Store};

/// A difference between the clocks that is a jump and no drift.
const JUMP_MILLIS: u64 = 5_000;
/// How late a group may be before what it records is stale, beside its intervals.
const GROUP_TIMEOUT: Duration = Duration::from_secs(2);

/// One alert: a rule, on a target, for one label set. Where a rule has no element at all there is one alert with
/// the rule's own labels.
#[derive(Clone, Debug)]
pub struct Alert {
    pub target: TargetId,
    pub rule: Arc<AlertRule>,
    /// The element's labels without the metric name, with the rule's labels over them.
    pub labels: Labels,
    /// The labels of the series that it comes of: what its annotations call `$labels`.
    pub metric: Arc<Labels>,
    pub state: AlertState,
    pub(super) marks: Marks,
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

/// An acknowledgement or a snooze that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimOver {
    pub key: AlertKey,
    pub kind: ClaimKind,
    pub claim: Claim,
    /// Whether the alert fires, so that it needs somebody again.
    pub firing: bool,
}

/// All alerts.
#[derive(Clone, Debug, Default)]
pub struct AlertBook {
    groups: Vec<LiveGroup>,
    respond: BTreeMap<TargetId, Respond>,
    /// What a console before this one knew, until the first evaluation.
    remembered: Option<(Remembered, String)>,
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
    file: Arc<str>,
    name: String,
    interval: Duration,
    limit: usize,
    offset: Duration,
    /// The last evaluation, and when the next is due. Nothing before the first, which is due at once.
    last: Option<Boot>,
    next: Boot,
    rules: Vec<Live>,
}

/// One rule of a group.
#[derive(Clone, Debug)]
enum Live {
    Alert(Box<LiveRule>),
    Record(LiveRecord),
}

impl Alert {
    #[must_use]
    pub fn key(&self) -> AlertKey {
        AlertKey { target: self.target.clone(), alert: self.rule.name.clone(), labels: self.labels.clone() }
    }

    /// Who acknowledged this firing, also where that is over: see [`Claim::is_over`].
    #[must_use]
    pub fn acknowledged(&self) -> Option<&Claim> {
        self.marks.acknowledged.as_ref()
    }

    /// Who put it off, also where that is over: see [`Claim::is_over`].
    #[must_use]
    pub fn snoozed(&self) -> Option<&Claim> {
        self.marks.snoozed.as_ref()
    }

    /// Until when it is put off; nothing where it is not, or not any more.
    #[must_use]
    pub fn snoozed_until(&self, now: Wall) -> Option<Wall> {
        self.marks.snoozed.as_ref().filter(|snooze| !snooze.is_over(now)).map(|snooze| snooze.until)
    }

    /// When somebody must have acknowledged it; nothing where it does not fire, the system's escalation says nothing of
    /// its severity, or it is acknowledged or snoozed. It may be over.
    #[must_use]
    pub fn response_due(&self, now: Wall) -> Option<At> {
        let claimed = |claim: &Option<Claim>| claim.as_ref().is_some_and(|claim| !claim.is_over(now));
        let answered = claimed(&self.marks.acknowledged) || claimed(&self.marks.snoozed);
        self.marks.response_due.filter(|_| self.state.is_firing() && !answered)
    }

    /// Whether it began and ceased to fire at least three times within half an hour.
    #[must_use]
    pub fn is_flapping(&self, now: Boot) -> bool {
        self.marks.is_flapping(now)
    }

    /// From when to when no console looked at it, where it was taken over from one before.
    #[must_use]
    pub fn not_observed(&self) -> Option<(Wall, Wall)> {
        self.marks.not_observed
    }
}

impl AlertBook {
    /// Adds the rules of one file for one target. The groups that the target has of that file are replaced; rules that
    /// stay keep their alerts.
    pub fn add(&mut self, target: &TargetId, rules: &RuleFile) {
        let (mut before, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.groups)
            .into_iter()
            .partition(|known| known.target == *target && known.file == rules.file);
        self.groups = others;
        for group in &rules.groups {
            let known = before.iter().position(|known| known.name == group.name).map(|at| before.remove(at));
            self.groups.push(LiveGroup::new(target, &rules.file, group, known));
        }
    }

    /// How soon an alert of this severity on this target must be acknowledged.
    pub fn respond_within(&mut self, target: &TargetId, severity: Severity, within: Duration) {
        self.respond.entry(target.clone()).or_default().insert(severity, within);
    }

    /// Declares what the recording rules give, so that the store can take it in.
    pub fn declare(&self, store: &mut Store) {
        for group in self.groups.iter().filter(|group| group.records().next().is_some()) {
            if store.source(&group.source()).is_none() {
                store.declare(group.declared());
            }
        }
    }

    /// Takes over the clocks and claims of a console before this one, at the first evaluation.
    pub fn restore(&mut self, remembered: Remembered, boot_id: String) {
        self.remembered = Some((remembered, boot_id));
    }

    /// Clocks and claims, for a console after this one.
    #[must_use]
    pub fn remembered(&self, now: At, boot_id: &str) -> Remembered {
        let mut alerts: Vec<_> = self.alerts().filter_map(|alert| RememberedAlert::of(alert, now)).collect();
        for rule in self.rules() {
            for (labels, marks) in rule.past() {
                let key = rule.key(labels);
                alerts.push(RememberedAlert::of_marks(key, Labels::default(), None, marks, now));
            }
        }
        let left_out = alerts.len().saturating_sub(MOST_REMEMBERED);
        alerts.truncate(MOST_REMEMBERED);
        Remembered { at: now, boot_id: boot_id.to_owned(), alerts, left_out }
    }

    /// Somebody works on a firing alert: its response clock stops. Gives the claim back as it was taken.
    ///
    /// # Errors
    /// There is no such alert, it does not fire, or the claim lacks something.
    pub fn acknowledge(&mut self, key: &AlertKey, claim: Claim) -> Result<Claim, ClaimError> {
        let claim = claim.checked()?;
        let alert = self.alert_mut(key)?;
        if !alert.state.is_firing() {
            return Err(ClaimError::NotFiring { alert: key.alert.clone(), state: alert.state.word() });
        }
        alert.marks.set(ClaimKind::Acknowledgement, Some(claim.clone()));
        Ok(claim)
    }

    /// Puts an alert off: it neither rings nor counts down until then, whatever becomes of it. Gives the claim back as
    /// it was taken.
    ///
    /// # Errors
    /// There is no such alert, or the claim lacks something.
    pub fn snooze(&mut self, key: &AlertKey, claim: Claim) -> Result<Claim, ClaimError> {
        let claim = claim.checked()?;
        self.alert_mut(key)?.marks.set(ClaimKind::Snooze, Some(claim.clone()));
        Ok(claim)
    }

    /// Takes an acknowledgement or a snooze back; says whether there was one.
    ///
    /// # Errors
    /// There is no such alert.
    pub fn withdraw(&mut self, key: &AlertKey, kind: ClaimKind) -> Result<bool, ClaimError> {
        let marks = &mut self.alert_mut(key)?.marks;
        let had = marks.claim(kind).is_some();
        marks.set(kind, None);
        Ok(had)
    }

    /// Claims that are over and were not told of before.
    pub fn claims_over(&mut self, now: At) -> Vec<ClaimOver> {
        let mut told = Vec::new();
        for rule in self.groups.iter_mut().flat_map(LiveGroup::alerting_mut) {
            for (labels, kind, claim) in rule.claims_over(now) {
                let key = rule.key(&labels);
                let firing = rule.alerts().any(|alert| alert.labels == labels && alert.state.is_firing());
                told.push(ClaimOver { key, kind, claim, firing });
            }
        }
        told
    }

    /// The alert of that key.
    #[must_use]
    pub fn alert(&self, key: &AlertKey) -> Option<&Alert> {
        self.rules().filter(|rule| rule.is_of(key)).flat_map(LiveRule::alerts).find(|alert| alert.labels == key.labels)
    }

    fn alert_mut(&mut self, key: &AlertKey) -> Result<&mut Alert, ClaimError> {
        self.groups
            .iter_mut()
            .flat_map(LiveGroup::alerting_mut)
            .filter(|rule| rule.is_of(key))
            .flat_map(LiveRule::alerts_mut)
            .find(|alert| alert.labels == key.labels)
            .ok_or_else(|| ClaimError::NoSuchAlert { target: key.target.clone(), alert: key.alert.clone() })
    }

    /// Evaluates every group that is due at `at`. What recording rules make is linked into the store.
    pub fn evaluate(&mut self, store: &mut Store, at: At) -> Vec<Transition> {
        self.evaluate_where(store, at, |group| group.due() <= at.boot)
    }

    /// Evaluates every group, due or not: for a single look at what is known now.
    pub fn evaluate_all(&mut self, store: &mut Store, at: At) -> Vec<Transition> {
        self.evaluate_where(store, at, |_every| true)
    }

    fn evaluate_where(&mut self, store: &mut Store, at: At, wanted: impl Fn(&LiveGroup) -> bool) -> Vec<Transition> {
        if self.seen.is_some_and(|seen| at.jump_millis(seen).unsigned_abs() > JUMP_MILLIS) {
            self.jumped = Some(at.boot);
        }
        self.seen = Some(at);
        if let Some((remembered, boot_id)) = self.remembered.take() {
            self.take_over(remembered, at, &boot_id);
        }
        let mut transitions = Vec::new();
        let nothing = Respond::new();
        for group in self.groups.iter_mut().filter(|group| wanted(group)) {
            let scope = Scope::Target(group.target.clone());
            let settling = self.jumped.is_some_and(|jumped| at.boot.since(jumped) <= settling_time(store, &scope));
            let respond = self.respond.get(&group.target).unwrap_or(&nothing);
            group.step(&Turn { scope: &scope, at, settling, respond }, store, &mut transitions);
            group.evaluated(at.boot);
        }
        self.beyond_limit = self.rules().map(|rule| rule.beyond_limit).sum();
        transitions
    }

    /// What a console before this one knew comes back to the rules that are still there.
    fn take_over(&mut self, remembered: Remembered, at: At, boot_id: &str) {
        for (key, returning) in remembered.returning(at, boot_id) {
            let mut rules = self.groups.iter_mut().flat_map(LiveGroup::alerting_mut);
            if let Some(rule) = rules.find(|rule| rule.is_of(&key) && rule.may_have(&key.labels)) {
                rule.returns(&key.labels, returning, at);
            }
        }
    }

    /// When the next group is due or the next claim is over. Before its first evaluation a group is due since boot.
    #[must_use]
    pub fn wake(&self) -> Option<Boot> {
        let over = self.seen.and_then(|seen| {
            let ends = self.rules().flat_map(LiveRule::claim_ends).min()?;
            Some(seen.boot.plus(ends.since(seen.wall)))
        });
        self.groups.iter().map(LiveGroup::due).chain(over).min()
    }

    /// Worst first: firing critical, firing warning, pending, no data, warming up, resolved, inactive. Equals in the
    /// order of the targets and their rules.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        let mut alerts: Vec<_> = self
            .rules()
            .flat_map(|rule| rule.alerts().map(|alert| (alert.state.rank(alert.severity()), alert)))
            .collect();
        alerts.sort_by_key(|(rank, _)| *rank);
        alerts.into_iter().map(|(_, alert)| alert)
    }

    /// The recording rules whose last evaluation failed: target, name of the series, why.
    pub fn record_failures(&self) -> impl Iterator<Item = (&TargetId, &str, &str)> {
        self.groups.iter().flat_map(|group| {
            group.records().filter_map(|record| Some((&group.target, &*record.rule.name, record.failure.as_deref()?)))
        })
    }

    /// The names of all series that any rule selects or makes: what the store must keep.
    #[must_use]
    pub fn names(&self) -> BTreeSet<Arc<str>> {
        let made = self.groups.iter().flat_map(LiveGroup::records).map(|record| Arc::clone(&record.rule.name));
        self.exprs().flat_map(|expr| expr.names().iter().cloned()).chain(made).collect()
    }

    /// The longest range that any rule needs.
    #[must_use]
    pub fn longest_range(&self) -> Duration {
        let reaches = |group: &LiveGroup| group.exprs().map(|expr| expr.longest_range() + group.offset).max();
        self.groups.iter().filter_map(reaches).max().unwrap_or_default()
    }

    fn exprs(&self) -> impl Iterator<Item = &crate::promql::Expr> {
        self.groups.iter().flat_map(LiveGroup::exprs)
    }

    fn rules(&self) -> impl Iterator<Item = &LiveRule> {
        self.groups.iter().flat_map(LiveGroup::alerting)
    }
}

/// What a group is evaluated with, beside the store.
struct Turn<'a> {
    scope: &'a Scope,
    at: At,
    settling: bool,
    respond: &'a Respond,
}

impl LiveGroup {
    /// A group as its file has it, with the alerts that its rules had before.
    fn new(target: &TargetId, file: &Arc<str>, group: &RuleGroup, before: Option<LiveGroup>) -> LiveGroup {
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
            rules: rules.collect(),
        }
    }

    /// Evaluates its rules in their order. What one records is there for those after it that select it.
    fn step(&mut self, turn: &Turn<'_>, store: &mut Store, transitions: &mut Vec<Transition>) {
        let (offset, limit, source) = (self.offset, self.limit, self.source());
        let mut made: Vec<(Arc<Labels>, f64)> = Vec::new();
        let mut linked = true;
        let records = self.records().next().is_some();
        let sent = At { wall: turn.at.wall.minus(offset), ..turn.at };
        for rule in &mut self.rules {
            if !linked && rule.reads(&made) {
                store.link_again(&batch(&source, sent, &made));
                linked = true;
            }
            let Turn { scope, at, settling, respond } = *turn;
            let moment = Moment { store, scope, at, offset, limit, settling };
            match rule {
                Live::Alert(rule) => rule.step(&moment, respond, transitions),
                Live::Record(record) => {
                    made.extend(record.step(&moment));
                    linked = false;
                }
            }
        }
        if records && !linked {
            store.link_again(&batch(&source, sent, &made));
        }
    }

    /// The source of what it records.
    fn source(&self) -> SourceId {
        SourceId::new(format!("{}/rules/{}/{}", self.target, self.file, self.name))
    }

    fn declared(&self) -> SourceState {
        let address = format!("recording rules of the group {} in {}", self.name, self.file);
        let mut state = SourceState::new(self.source(), self.target.clone(), address, self.interval, GROUP_TIMEOUT);
        state.declares = self.records().map(|record| record.rule.name.to_string()).collect();
        state
    }

    fn alerting(&self) -> impl Iterator<Item = &LiveRule> {
        self.rules.iter().filter_map(|rule| match rule {
            Live::Alert(rule) => Some(&**rule),
            Live::Record(_) => None,
        })
    }

    fn alerting_mut(&mut self) -> impl Iterator<Item = &mut LiveRule> {
        self.rules.iter_mut().filter_map(|rule| match rule {
            Live::Alert(rule) => Some(&mut **rule),
            Live::Record(_) => None,
        })
    }

    fn records(&self) -> impl Iterator<Item = &LiveRecord> {
        self.rules.iter().filter_map(|rule| match rule {
            Live::Alert(_) => None,
            Live::Record(record) => Some(record),
        })
    }

    fn exprs(&self) -> impl Iterator<Item = &crate::promql::Expr> {
        self.rules.iter().map(Live::expr)
    }

    /// At its interval, or earlier when an alert's hold is over.
    fn due(&self) -> Boot {
        let Some(last) = self.last else { return Boot(0) };
        let deadlines = self.alerting().flat_map(LiveRule::alerts).filter_map(|alert| alert.state.deadline());
        // One that passed without a change waits for data, not for time.
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

impl Live {
    fn expr(&self) -> &crate::promql::Expr {
        match self {
            Live::Alert(rule) => &rule.rule.expr,
            Live::Record(record) => &record.rule.expr,
        }
    }

    /// Whether it selects any of what was recorded. A selector without a name may.
    fn reads(&self, made: &[(Arc<Labels>, f64)]) -> bool {
        let expr = self.expr();
        expr.selectors().iter().any(|selector| selector.name.is_none())
            || made.iter().any(|(labels, _)| expr.names().contains(labels.name()))
    }
}

/// What a group recorded so far.
fn batch(source: &SourceId, sent: At, made: &[(Arc<Labels>, f64)]) -> Batch {
    let layout = Layout::of(made.iter().map(|(labels, _)| Arc::clone(labels)).collect());
    let values: Vec<f64> = made.iter().map(|(_, value)| *value).collect();
    Batch::of(source.clone(), sent, Duration::ZERO, Arc::new(layout), values)
}
