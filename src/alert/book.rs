//! The live state of every alert of every target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::claim::{AlertKey, Claim, ClaimError, ClaimKind};
use super::group::{LiveGroup, Turn};
use super::live::{LiveRule, Respond};
use super::marks::Marks;
use super::measured::settling_time;
use super::memory::{MOST_REMEMBERED, Remembered, RememberedAlert};
use super::round::{Away, Evaluated, Round};
use super::{AlertRule, AlertState, RuleFile};
use crate::base::{At, Boot, Severity, TargetId, Wall};
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

/// Which groups are to be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those whose time has come.
    Due,
    /// Every one that is not out.
    All,
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
    /// Grows with every change that no evaluation made: a round that left before it does not know of it.
    serial: u64,
    /// A round is out.
    is_out: bool,
    /// Somebody ever acknowledged or put off an alert. Before that no claim can be over, and not one of all alerts has to
    /// be looked at.
    is_claimed: bool,
    /// Active label sets that are not followed, because their rule already has a thousand alerts.
    pub beyond_limit: usize,
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
        self.serial += 1;
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
        self.is_claimed = true;
        self.serial += 1;
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
        self.is_claimed = true;
        self.serial += 1;
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
        self.serial += 1;
        Ok(had)
    }

    /// Claims that are over and were not told of before.
    pub fn claims_over(&mut self, now: At) -> Vec<ClaimOver> {
        let mut told = Vec::new();
        if !self.claim_ends().any(|end| end <= now.wall) {
            return told;
        }
        for rule in self.groups.iter_mut().flat_map(LiveGroup::alerting_mut) {
            for (labels, kind, claim) in rule.claims_over(now) {
                let key = rule.key(&labels);
                let firing = rule.alerts().any(|alert| alert.labels == labels && alert.state.is_firing());
                told.push(ClaimOver { key, kind, claim, firing });
            }
        }
        self.serial += u64::from(!told.is_empty());
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
        self.evaluate_within(store, at, Which::Due, usize::MAX).0
    }

    /// Evaluates every group, due or not: for a single look at what is known now.
    pub fn evaluate_all(&mut self, store: &mut Store, at: At) -> Vec<Transition> {
        // Whatever is out is overtaken.
        self.serial += 1;
        self.come_back();
        self.evaluate_within(store, at, Which::All, usize::MAX).0
    }

    /// Evaluates groups as long as their [`weight`](crate::promql::weight) is within the budget, and gives back those
    /// that are heavier, to be evaluated beside the key thread. One round is out at a time; while it is, others wait.
    pub fn evaluate_within(
        &mut self,
        store: &mut Store,
        at: At,
        which: Which,
        budget: usize,
    ) -> (Vec<Transition>, Option<Round>) {
        self.note_time(at);
        let (mut transitions, mut heavy, mut left) = (Vec::new(), Vec::new(), budget);
        let nothing = Respond::new();
        for (place, group) in self.groups.iter_mut().enumerate() {
            let wanted = match which {
                Which::Due => group.due().is_some_and(|due| due <= at.boot),
                Which::All => !group.is_away,
            };
            if !wanted {
                continue;
            }
            let scope = Scope::Target(group.target.clone());
            let settling = self.jumped.is_some_and(|jumped| at.boot.since(jumped) <= settling_time(store, &scope));
            let respond = self.respond.get(&group.target).unwrap_or(&nothing);
            let weight = if budget == usize::MAX { 0 } else { group.weight(store, &scope, at) };
            if weight > left {
                group.is_away = true;
                if !self.is_out {
                    heavy.push(Away { place, group: group.clone(), scope, settling, respond: respond.clone() });
                }
                continue;
            }
            left -= weight;
            group.step(&Turn { scope: &scope, at, settling, respond }, store, &mut transitions);
            group.evaluated(at.boot);
        }
        self.beyond_limit = self.rules().map(|rule| rule.beyond_limit).sum();
        let round = (!heavy.is_empty()).then(|| Round::new(self.serial, at, store.clone(), heavy));
        self.is_out |= round.is_some();
        (transitions, round)
    }

    /// Whether a round is out.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.is_out
    }

    /// Takes in what a round found. Where anything was changed while it was out, it is dropped, and its groups are due
    /// again.
    pub fn take_in(&mut self, found: Evaluated, store: &mut Store) -> Vec<Transition> {
        self.come_back();
        if found.serial != self.serial {
            return Vec::new();
        }
        for (place, group) in found.groups {
            if let Some(known) = self.groups.get_mut(place) {
                *known = group;
                known.is_away = false;
            }
        }
        found.recorded.iter().for_each(|batch| store.link_again(batch));
        self.beyond_limit = self.rules().map(|rule| rule.beyond_limit).sum();
        found.transitions
    }

    /// No round is out any more, and whatever waited is due when it was.
    fn come_back(&mut self) {
        self.is_out = false;
        self.groups.iter_mut().for_each(|group| group.is_away = false);
    }

    fn note_time(&mut self, at: At) {
        if self.seen.is_some_and(|seen| at.jump_millis(seen).unsigned_abs() > JUMP_MILLIS) {
            self.jumped = Some(at.boot);
            self.serial += 1;
        }
        self.seen = Some(at);
        if let Some((remembered, boot_id)) = self.remembered.take() {
            self.take_over(remembered, at, &boot_id);
            self.serial += 1;
        }
    }

    /// What a console before this one knew comes back to the rules that are still there.
    fn take_over(&mut self, remembered: Remembered, at: At, boot_id: &str) {
        for (key, returning) in remembered.returning(at, boot_id) {
            self.is_claimed |= returning.marks.ends().next().is_some();
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
            let ends = self.claim_ends().min()?;
            Some(seen.boot.plus(ends.since(seen.wall)))
        });
        self.groups.iter().filter_map(LiveGroup::due).chain(over).min()
    }

    /// When claims end that were not told to be over.
    fn claim_ends(&self) -> impl Iterator<Item = Wall> {
        let rules = self.is_claimed.then(|| self.rules()).into_iter().flatten();
        rules.flat_map(LiveRule::claim_ends)
    }

    /// The alerts of a target, in the order of its rules.
    pub fn of_target<'a>(&'a self, target: &'a TargetId) -> impl Iterator<Item = &'a Alert> {
        let groups = self.groups.iter().filter(move |group| group.target == *target);
        groups.flat_map(LiveGroup::alerting).flat_map(LiveRule::alerts)
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
