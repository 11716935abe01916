//! The rules of a test, evaluated turn by turn as a Prometheus does it: two-valued, and with the series that it writes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;

use super::compare::{self, Fired};
use super::{evaluated, vector};
use crate::alert::state::{Holds, Measurement};
use crate::alert::{AlertRule, AlertState, RecordRule, Rule, RuleGroup, Scene, Template};
use crate::base::{At, Boot, SourceId, Wall};
use crate::model::labels::NAME;
use crate::model::{Labels, Layout, Store};
use crate::promql::data::history::{row, source};
use crate::promql::{Dialect, Sample};

/// What templates and expressions know beside the series.
#[derive(Debug)]
pub(super) struct Outside {
    pub labels: Labels,
    pub url: String,
    /// Between two turns.
    pub interval: Duration,
    pub dialect: Dialect,
}

/// What the expression of an alert gives now, by the labels of the alert.
type Found = IndexMap<Labels, (f64, BTreeMap<String, String>)>;

/// All groups, in the order of evaluation.
pub(super) struct Groups<'r> {
    outside: Outside,
    began: Option<Wall>,
    groups: Vec<(&'r RuleGroup, Vec<Running<'r>>)>,
}

/// One rule, with the series that it writes: they are a source, so that what it writes no more is stale.
struct Running<'r> {
    rule: &'r Rule,
    id: SourceId,
    wrote: bool,
    active: IndexMap<Labels, Active>,
}

/// One alert of a rule.
struct Active {
    state: AlertState,
    /// Since when the expression holds.
    since: Wall,
    annotations: BTreeMap<String, String>,
}

impl<'r> Groups<'r> {
    /// Declares in the store what the rules will write.
    pub(super) fn new(groups: Vec<&'r RuleGroup>, outside: Outside, store: &mut Store) -> Groups<'r> {
        let mut number = 0;
        let mut running = |rule: &'r Rule| {
            number += 1;
            let id = source(store, &format!("rule-{number}"));
            Running { rule, id, wrote: false, active: IndexMap::new() }
        };
        let groups = groups.into_iter().map(|group| (group, group.rules.iter().map(&mut running).collect())).collect();
        Groups { outside, began: None, groups }
    }

    /// One turn: each rule sees what those before it wrote.
    ///
    /// # Errors
    /// What every rule says that could not be evaluated.
    pub(super) fn evaluate(&mut self, store: &mut Store, now: Wall) -> Result<(), Vec<String>> {
        let began = *self.began.get_or_insert(now);
        let mut broken = Vec::new();
        for (group, rules) in &mut self.groups {
            let turn = Turn { outside: &self.outside, group, now, at: now.minus(group.query_offset) };
            for running in rules {
                if let Err(what) = running.evaluate(&turn, store) {
                    let time = compare::time(now.since(began));
                    broken.push(format!("    rule: {}, time: {time}, err: {what}", running.rule.name()));
                }
            }
        }
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    /// The alerts of this name that fire now.
    pub(super) fn firing(&self, name: &str) -> Vec<Fired> {
        let rules = self.groups.iter().flat_map(|(_, rules)| rules);
        let active = rules.filter(|running| running.rule.name() == name).flat_map(|running| &running.active);
        let firing = active.filter(|(_, active)| matches!(active.state, AlertState::Firing { .. }));
        firing
            .map(|(labels, active)| Fired { labels: owned(labels), annotations: active.annotations.clone() })
            .collect()
    }
}

fn owned(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// One group at one turn.
struct Turn<'a> {
    outside: &'a Outside,
    group: &'a RuleGroup,
    now: Wall,
    /// When its expressions are evaluated, and what they write is of: `query_offset` earlier.
    at: Wall,
}

impl Running<'_> {
    fn evaluate(&mut self, turn: &Turn<'_>, store: &mut Store) -> Result<(), String> {
        let found = evaluated(self.rule.expr(), store, turn.at, turn.outside.interval)?;
        let written = match self.rule {
            Rule::Record(rule) => turn.recorded(rule, &found)?,
            Rule::Alert(rule) => {
                let alerts = turn.alerts(rule, &found, store)?;
                self.follow(rule, alerts, turn)?
            }
        };
        self.write(store, turn.at, written);
        Ok(())
    }

    fn write(&mut self, store: &mut Store, at: Wall, written: IndexMap<Labels, f64>) {
        if written.is_empty() && !self.wrote {
            return;
        }
        self.wrote = !written.is_empty();
        let (series, values) = written.into_iter().unzip();
        store.link(&row(&self.id, at, Arc::new(Layout::new(series)), values));
    }

    /// Moves every alert of the rule on, and gives the series that tell of them.
    fn follow(&mut self, rule: &AlertRule, mut found: Found, turn: &Turn<'_>) -> Result<IndexMap<Labels, f64>, String> {
        let at = At { boot: Boot(u64::try_from(turn.now.0).unwrap_or(0)), wall: turn.now };
        let holds = Holds { before: rule.hold, after: rule.keep_firing_for };
        for (labels, active) in &mut self.active {
            let measured = match found.shift_remove(labels) {
                Some((value, annotations)) => {
                    active.annotations = annotations;
                    Measurement::Active(value)
                }
                None => Measurement::Inactive,
            };
            active.state = active.state.next(&measured, at, holds);
        }
        self.active.retain(|_, active| matches!(active.state, AlertState::Pending { .. } | AlertState::Firing { .. }));
        for (labels, (value, annotations)) in found {
            let state = AlertState::Inactive.next(&Measurement::Active(value), at, holds);
            self.active.insert(labels, Active { state, since: turn.now, annotations });
        }
        if turn.exceeds(self.active.len()) {
            let count = self.active.len();
            self.active.clear();
            return Err(format!("{count} alerts, and the group's limit is {}", turn.group.limit));
        }
        Ok(self.told(rule))
    }

    /// The series `ALERTS` and `ALERTS_FOR_STATE`. A label whose template comes to nothing stands in them as written:
    /// so does Prometheus.
    fn told(&self, rule: &AlertRule) -> IndexMap<Labels, f64> {
        let mut told = IndexMap::new();
        for (labels, active) in &self.active {
            let state = match active.state {
                AlertState::Firing { .. } => "firing",
                AlertState::Pending { .. }
                | AlertState::Inactive
                | AlertState::WarmingUp { .. }
                | AlertState::NoData { .. }
                | AlertState::Resolved { .. } => "pending",
            };
            let written = rule.labels.iter().map(|(name, text)| (name.as_str(), text.source()));
            let labels = Labels::from_pairs(written.chain(labels.iter()));
            told.insert(labels.clone().with(NAME, "ALERTS").with("alertstate", state), 1.0);
            told.insert(labels.with(NAME, "ALERTS_FOR_STATE"), (active.since.0.div_euclid(1000)) as f64);
        }
        told
    }
}

impl Turn<'_> {
    fn exceeds(&self, count: usize) -> bool {
        self.group.limit > 0 && count > self.group.limit
    }

    fn recorded(&self, rule: &RecordRule, found: &[Sample]) -> Result<IndexMap<Labels, f64>, String> {
        let mut recorded = IndexMap::with_capacity(found.len());
        for sample in found {
            let own = rule.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let labels = Labels::from_pairs(sample.labels.iter().chain([(NAME, &*rule.name)]).chain(own));
            if let Some(_twice) = recorded.insert(labels.clone(), sample.value) {
                return Err(format!("two series have the labels {labels}"));
            }
        }
        match self.exceeds(recorded.len()) {
            true => Err(format!("{} series, and the group's limit is {}", recorded.len(), self.group.limit)),
            false => Ok(recorded),
        }
    }

    /// The alerts that an expression's answer makes, with their values and annotations.
    fn alerts(&self, rule: &AlertRule, found: &[Sample], store: &Store) -> Result<Found, String> {
        let ask = |expr: &str| vector(expr, store, self.at, self.outside.interval, self.outside.dialect);
        let mut alerts = IndexMap::with_capacity(found.len());
        for sample in found {
            let scene = Scene {
                external_labels: Some(&self.outside.labels),
                external_url: &self.outside.url,
                ask: Some(&ask),
                ..Scene::of(&sample.labels, sample.value)
            };
            let expanded = |(name, text): (&String, &Template)| (name.clone(), text.expanded_or_said(&scene));
            let own: Vec<_> = rule.labels.iter().map(expanded).collect();
            let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let named = [(NAME, ""), ("alertname", rule.name.as_str())];
            // The later of two counts: the rule's labels over the series', and the name over all.
            let pairs = sample.labels.iter().chain(own).chain(named);
            let labels = Labels::from_pairs(pairs);
            let annotations = rule.annotations.iter().map(expanded).collect();
            if let Some(_twice) = alerts.insert(labels.clone(), (sample.value, annotations)) {
                return Err(format!("two alerts have the labels {labels}"));
            }
        }
        Ok(alerts)
    }
}
