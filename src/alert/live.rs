//! One alerting rule on one target, and the alerts that come of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::claim::{AlertKey, Claim, ClaimKind};
use super::marks::Marks;
use super::measured::{Measured, Moment};
use super::memory::Returning;
use super::rules::severity_of;
use super::state::{AlertState, Holds, Measurement};
use super::template::{Ask, Scene, Template};
use super::{Alert, AlertRule, Transition};
use crate::base::{At, Severity, TargetId, Wall};
use crate::model::Labels;
use crate::model::labels::NAME;
use crate::promql::{Dialect, Expr, Sample, Value, evaluate};

/// Label sets of one rule that are followed. A rule that matches more has lost its meaning for a person.
pub(super) const MAX_ALERTS: usize = 1000;
/// How long a label set without data is told apart from the rule as a whole.
const NO_DATA_SHOWN: Duration = Duration::from_secs(15 * 60);

/// How soon somebody must answer an alert, by its severity.
pub(super) type Respond = BTreeMap<Severity, Duration>;

/// A rule with its alerts.
#[derive(Clone, Debug)]
pub(super) struct LiveRule {
    pub(super) rule: Arc<AlertRule>,
    target: TargetId,
    /// The rule as a whole, while no label set speaks for it. Nothing before the first evaluation.
    whole: Option<Alert>,
    whole_shown: bool,
    /// By their labels.
    elements: IndexMap<Labels, Alert>,
    /// What is remembered of label sets that have no alert now; at most [`MAX_ALERTS`].
    past: IndexMap<Labels, Marks>,
    /// Clocks of a console before this one, until their label set is measured.
    returning: IndexMap<Labels, Returning>,
    /// Active label sets beyond [`MAX_ALERTS`] at the last evaluation.
    pub(super) beyond_limit: usize,
}

/// An active element, as an alert.
struct Active {
    metric: Arc<Labels>,
    value: f64,
}

impl LiveRule {
    pub(super) fn new(target: &TargetId, rule: Arc<AlertRule>) -> LiveRule {
        LiveRule {
            rule,
            target: target.clone(),
            whole: None,
            whole_shown: false,
            elements: IndexMap::new(),
            past: IndexMap::new(),
            returning: IndexMap::new(),
            beyond_limit: 0,
        }
    }

    /// Takes over the alerts of the same rule as it was before its file was read again.
    pub(super) fn succeed(&mut self, before: LiveRule) {
        let rule = Arc::clone(&self.rule);
        *self = LiveRule { rule, ..before };
        let held = self.elements.values_mut().chain(&mut self.whole);
        for alert in held {
            if let AlertState::Pending { since, fires, .. } = &mut alert.state {
                *fires = since.boot.plus(self.rule.hold);
            }
            alert.rule = Arc::clone(&self.rule);
        }
    }

    /// Whether it is the same rule for whoever looks at its alerts.
    pub(super) fn is_like(&self, rule: &AlertRule) -> bool {
        self.rule.name == rule.name && self.rule.labels == rule.labels
    }

    /// The alerts that a person should see.
    pub(super) fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.whole.iter().filter(|_| self.whole_shown).chain(self.elements.values())
    }

    pub(super) fn alerts_mut(&mut self) -> impl Iterator<Item = &mut Alert> {
        let shown = self.whole_shown;
        self.whole.iter_mut().filter(move |_| shown).chain(self.elements.values_mut())
    }

    /// What is remembered of label sets that have no alert now.
    pub(super) fn past(&self) -> impl Iterator<Item = (&Labels, &Marks)> {
        self.past.iter()
    }

    pub(super) fn key(&self, labels: &Labels) -> AlertKey {
        AlertKey { target: self.target.clone(), alert: self.rule.name.clone(), labels: labels.clone() }
    }

    pub(super) fn is_of(&self, key: &AlertKey) -> bool {
        self.target == key.target && self.rule.name == key.alert
    }

    /// Whether an alert of it could have these labels: rules of one name are told apart by their own.
    pub(super) fn may_have(&self, labels: &Labels) -> bool {
        self.rule.labels.iter().all(|(name, text)| !text.is_plain() || labels.get(name) == text.source())
    }

    /// When claims are over of which nobody was told.
    pub(super) fn claim_ends(&self) -> impl Iterator<Item = Wall> {
        let marks = self.elements.values().chain(&self.whole).map(|alert| &alert.marks).chain(self.past.values());
        marks.flat_map(|marks| marks.ends().map(|(_, claim)| claim.until))
    }

    /// Takes in what a console before this one knew.
    pub(super) fn returns(&mut self, labels: &Labels, returning: Returning, at: At) {
        let Some(state) = returning.firing(at) else {
            if returning.marks.is_worth_keeping(at) {
                self.past.insert(labels.clone(), returning.marks.clone());
            }
            if returning.is_pending() {
                self.returning.insert(labels.clone(), returning);
            }
            return;
        };
        let mut alert = self.alert(labels.clone(), Arc::new(returning.metric.clone()), state);
        alert.marks = returning.marks;
        self.elements.insert(labels.clone(), alert);
    }

    /// Evaluates the rule and moves its alerts on.
    pub(super) fn step(&mut self, moment: &Moment<'_>, respond: &Respond, transitions: &mut Vec<Transition>) {
        let mut measured = Measured::now(&self.rule.expr, moment);
        let active = self.active(&mut measured, moment);
        let before = self.whole_shown_state();
        let mut log = Log { moment, respond, transitions };
        self.step_elements(&measured, &active, &mut log);
        self.begin_elements(active, &before, &mut log);
        self.step_whole(&measured, &before, &mut log);
        self.returning.retain(|_, returning| returning.is_awaited(moment.at));
        self.past.retain(|_, marks| marks.is_worth_keeping(moment.at));
    }

    /// The active elements by the labels of their alerts. Two with the same labels are a mistake in the rule.
    fn active(&self, measured: &mut Measured, moment: &Moment<'_>) -> IndexMap<Labels, Active> {
        let mut active = IndexMap::new();
        for (nameless, element) in &measured.active {
            let labels = self.labels(nameless, &element.series, element.value, moment);
            let found = Active { metric: Arc::clone(&element.series), value: element.value };
            if active.insert(labels.clone(), found).is_some() {
                measured.fail(format!("several of its elements have the labels {labels}, which it sets itself"));
                return IndexMap::new();
            }
        }
        active
    }

    /// The labels of an alert: those of its element with the rule's own over them.
    fn labels(&self, nameless: &Labels, metric: &Labels, value: f64, moment: &Moment<'_>) -> Labels {
        let own = &self.rule.labels;
        if own.is_empty() {
            return nameless.clone();
        }
        if own.values().all(Template::is_plain) {
            return nameless.under(own.iter().map(|(name, text)| (name.as_str(), text.source())));
        }
        let dialect = self.rule.expr.dialect();
        let ask = |text: &str| answered(text, dialect, moment);
        let scene = Scene { ask: Some(&ask), ..Scene::of(metric, value) };
        let expanded: Vec<String> = own.values().map(|text| text.expanded_or_said(&scene)).collect();
        nameless.under(own.keys().zip(&expanded).map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// What was shown for the rule as a whole: where a new label set comes from.
    fn whole_shown_state(&self) -> AlertState {
        match &self.whole {
            Some(whole) if self.whole_shown => whole.state.clone(),
            Some(_) | None => AlertState::Inactive,
        }
    }

    fn holds(&self) -> Holds {
        Holds { before: self.rule.hold, after: self.rule.keep_firing_for }
    }

    fn step_elements(&mut self, measured: &Measured, active: &IndexMap<Labels, Active>, log: &mut Log<'_, '_>) {
        let holds = self.holds();
        let at = log.moment.at;
        for (labels, alert) in &mut self.elements {
            let measurement = match active.get(labels) {
                Some(active) => {
                    alert.metric = Arc::clone(&active.metric);
                    Some(Measurement::Active(active.value))
                }
                None => measured.of_inactive(&(*alert.metric).clone().without(NAME), log.moment, self.rule.absent()),
            };
            let Some(measurement) = measurement else { continue };
            let next = alert.state.next(&measurement, at, holds);
            log.moved(alert, next);
        }
        let past = &mut self.past;
        self.elements.retain(|labels, alert| {
            let stays = match &alert.state {
                AlertState::Inactive | AlertState::WarmingUp { .. } => false,
                AlertState::NoData { since, .. } => at.boot.since(since.boot) < NO_DATA_SHOWN,
                AlertState::Pending { .. } | AlertState::Firing { .. } | AlertState::Resolved { .. } => true,
            };
            if !stays && past.len() < MAX_ALERTS && alert.marks.is_worth_keeping(at) {
                past.insert(labels.clone(), std::mem::take(&mut alert.marks));
            }
            stays
        });
    }

    /// Alerts for active elements that have none yet.
    fn begin_elements(&mut self, active: IndexMap<Labels, Active>, before: &AlertState, log: &mut Log<'_, '_>) {
        let holds = self.holds();
        let at = log.moment.at;
        self.beyond_limit = 0;
        for (labels, Active { metric, value }) in active {
            if self.elements.contains_key(&labels) {
                continue;
            }
            if self.elements.len() == MAX_ALERTS {
                self.beyond_limit += 1;
                continue;
            }
            let mut alert = self.alert(labels.clone(), metric, before.clone());
            alert.marks = self.past.shift_remove(&labels).unwrap_or_default();
            let mut next = before.next(&Measurement::Active(value), at, holds);
            if let Some(returning) = self.returning.shift_remove(&labels)
                && let Some((since, fires)) = returning.pending(at, holds.before)
            {
                next = AlertState::Pending { since, fires, value };
                alert.marks.not_observed = returning.marks.not_observed.map(|(from, _)| (from, at.wall));
            }
            log.moved(&mut alert, next);
            self.elements.insert(labels, alert);
        }
    }

    fn step_whole(&mut self, measured: &Measured, before: &AlertState, log: &mut Log<'_, '_>) {
        let first = self.whole.is_none();
        let mut whole = match self.whole.take() {
            Some(whole) => whole,
            None => self.alert(self.labels_of_whole(), Arc::default(), AlertState::Inactive),
        };
        let next = match measured.of_whole(log.moment, self.rule.absent()) {
            Some(measurement) => whole.state.next(&measurement, log.moment.at, self.holds()),
            None => whole.state.clone(),
        };
        let told = self.elements.values().any(|alert| alert.state.lacks_data());
        let shown = self.elements.is_empty() || (next.lacks_data() && !told);
        whole.state = before.clone();
        if shown && !first {
            log.moved(&mut whole, next);
        } else {
            whole.state = next;
        }
        self.whole = Some(whole);
        self.whole_shown = shown;
    }

    /// The labels of the rule's own that need no element.
    fn labels_of_whole(&self) -> Labels {
        let plain = self.rule.labels.iter().filter(|(_, text)| text.is_plain());
        Labels::from_pairs(plain.map(|(name, text)| (name.as_str(), text.source())))
    }

    fn alert(&self, labels: Labels, metric: Arc<Labels>, state: AlertState) -> Alert {
        let (target, rule) = (self.target.clone(), Arc::clone(&self.rule));
        Alert { target, rule, labels, metric, state, marks: Marks::default() }
    }

    /// Claims that are over now and were not told of yet, with the alert's labels; each is told once.
    pub(super) fn claims_over(&mut self, now: At) -> Vec<(Labels, ClaimKind, Claim)> {
        let marks =
            self.elements.iter_mut().map(|(labels, alert)| (labels, &mut alert.marks)).chain(self.past.iter_mut());
        let whole = self.whole.iter_mut().map(|alert| (&alert.labels, &mut alert.marks));
        let mut over = Vec::new();
        for (labels, marks) in marks.chain(whole) {
            let ended: Vec<_> = marks
                .ends()
                .filter(|(_, claim)| claim.is_over(now.wall))
                .map(|(kind, claim)| (kind, claim.clone()))
                .collect();
            for (kind, claim) in ended {
                marks.told_over.push(kind);
                over.push((labels.clone(), kind, claim));
            }
        }
        over
    }
}

/// Answers a template's query over what the rule sees.
fn answered(text: &str, dialect: Dialect, moment: &Moment<'_>) -> Result<Vec<Sample>, String> {
    let expr = Expr::parse_as(text, dialect).map_err(|error| error.to_string())?;
    let at = moment.at.wall.minus(moment.offset);
    match evaluate(&expr, moment.store, moment.scope, at).map_err(|error| error.to_string())? {
        Value::Scalar(value) => Ok(vec![Sample { labels: Arc::default(), value }]),
        Value::Vector(samples) => Ok(samples),
    }
}

/// Where the changes of one evaluation are noted.
struct Log<'a, 'b> {
    moment: &'a Moment<'b>,
    respond: &'a Respond,
    transitions: &'a mut Vec<Transition>,
}

impl Log<'_, '_> {
    /// Gives an alert its next state.
    fn moved(&mut self, alert: &mut Alert, next: AlertState) {
        let within = self.respond.get(&alert.severity()).copied();
        alert.marks.changed(&alert.state, &next, self.moment.at, within);
        if alert.marks.awaited {
            // Until it is measured nobody has looked since the console before this one ended.
            alert.marks.not_observed = alert.marks.not_observed.map(|(from, _)| (from, self.moment.at.wall));
            alert.marks.awaited = next.lacks_data();
        }
        if alert.state.differs(&next) {
            self.transitions.push(Transition {
                target: alert.target.clone(),
                alert: alert.rule.name.clone(),
                labels: alert.labels.clone(),
                from: alert.state.clone(),
                to: next.clone(),
            });
        }
        alert.state = next;
    }
}

impl Alert {
    /// As its label says, which may be another for each alert of a rule; warning where it says nothing known.
    #[must_use]
    pub fn severity(&self) -> Severity {
        severity_of(self.labels.get("severity"))
    }

    /// An annotation of its rule for this alert, as Prometheus expands it; empty where there is none. Queries are not
    /// answered. Label values come from outside: it must be made harmless before it is shown.
    #[must_use]
    pub fn annotation(&self, name: &str) -> String {
        self.annotation_with(name, None)
    }

    /// As [`Alert::annotation`], with queries answered.
    #[must_use]
    pub fn annotation_with(&self, name: &str, ask: Option<Ask<'_>>) -> String {
        // Before anything is measured there are the rule's own labels alone.
        let labels = if self.metric.is_empty() { &self.labels } else { &*self.metric };
        let scene = Scene { ask, ..Scene::of(labels, self.state.value().unwrap_or(f64::NAN)) };
        self.rule.annotation_in(name, &scene)
    }
}
