//! From the shape of a rule file to its meaning, collecting every mistake on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::{Location, Spanned};

use super::duration;
use super::template::{self, Template};
use super::yaml::{Pairs, RawFile, RawGroup, RawRule};
use super::{AlertRule, RecordRule, Rule, RuleFile, RuleGroup};
use crate::base::problem::nearest;
use crate::base::{Problem, Unit};
use crate::model::labels::NAME;
use crate::promql::subject::Counted;
use crate::promql::{Dialect, Expr};

/// Where a group says nothing, as in Prometheus.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// The annotation that says what an alert's value counts.
const UNIT: &str = "opsconsole_unit";

/// Keys of Prometheus' relatives that mean something there and nothing here.
const ELSEWHERE: &[&str] =
    &["partial_response_strategy", "source_tenants", "evaluation_delay", "align_evaluation_time_on_interval"];

pub(super) fn problem(file: &str, place: Location, what: impl Into<String>) -> Problem {
    let number = |at: u64| usize::try_from(at).unwrap_or(0);
    Problem::new(file, number(place.line()), number(place.column()), what)
}

/// Gives meaning to what was read, and collects every mistake on the way.
pub(super) struct Reader<'a> {
    file: &'a str,
    dialect: Dialect,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The meaning of a file, or every mistake in it in the order of their places.
    pub(super) fn read(file: &str, raw: RawFile, dialect: Dialect) -> Result<RuleFile, Vec<Problem>> {
        let mut reader = Reader { file, dialect, problems: Vec::new() };
        let rules = reader.file(raw);
        reader.problems.sort();
        if reader.problems.is_empty() { Ok(rules) } else { Err(reader.problems) }
    }

    fn complain(&mut self, place: Location, what: impl Into<String>) {
        self.problems.push(problem(self.file, place, what));
    }

    fn unknown_keys(&mut self, keys: &[Spanned<String>], known: &[&str]) {
        for key in keys {
            if ELSEWHERE.contains(&key.value.as_str()) {
                self.complain(key.referenced, format!("{} is not a key of Prometheus' rule files", key.value));
                continue;
            }
            let suggestion = nearest(&key.value, known.iter().copied())
                .map(|near| format!("did you mean {near}?"))
                .unwrap_or_else(|| format!("known here: {}", known.join(", ")));
            self.problems.push(
                problem(self.file, key.referenced, format!("unknown key {:?}", key.value)).suggesting(Some(suggestion)),
            );
        }
    }

    /// A duration; zero where it is malformed, which is a problem.
    fn duration(&mut self, text: &Spanned<String>) -> Duration {
        duration::parse(&text.value).unwrap_or_else(|what| {
            self.complain(text.referenced, what);
            Duration::ZERO
        })
    }

    fn file(&mut self, raw: RawFile) -> RuleFile {
        self.unknown_keys(&raw.unknown, RawFile::KEYS);
        let mut names = BTreeSet::new();
        let mut groups = Vec::new();
        for group in raw.groups.unwrap_or_default() {
            let place = group.value.name.as_ref().map_or(group.referenced, |name| name.referenced);
            let group = self.group(group);
            if !names.insert(group.name.clone()) {
                self.complain(place, format!("there is another group {:?} in this file", group.name));
            }
            groups.push(group);
        }
        RuleFile { file: Arc::from(self.file), groups }
    }

    fn group(&mut self, group: Spanned<RawGroup>) -> RuleGroup {
        let (place, raw) = (group.referenced, group.value);
        self.unknown_keys(&raw.unknown, RawGroup::KEYS);
        let name = raw.name.map(|name| name.value).unwrap_or_default();
        if name.is_empty() {
            self.complain(place, "a group needs a name");
        }
        let interval = match &raw.interval {
            None => DEFAULT_INTERVAL,
            Some(text) => {
                let before = self.problems.len();
                let interval = self.duration(text);
                if interval.is_zero() && self.problems.len() == before {
                    self.complain(text.referenced, "the interval of a group must be longer than nothing");
                }
                interval
            }
        };
        let limit = raw.limit.as_ref().map_or(0, |limit| {
            usize::try_from(limit.value).unwrap_or_else(|_| {
                self.complain(limit.referenced, "a limit is a number of series; 0 means none");
                0
            })
        });
        let query_offset = raw.query_offset.as_ref().map(|text| self.duration(text)).unwrap_or_default();
        let shared = self.texts(raw.labels);
        let rules = raw.rules.unwrap_or_default().into_iter().filter_map(|rule| self.rule(rule, &shared)).collect();
        RuleGroup { name, interval, limit, query_offset, rules }
    }

    /// Nothing where the rule can not be used; the reason is among the problems.
    fn rule(&mut self, rule: Spanned<RawRule>, shared: &BTreeMap<String, String>) -> Option<Rule> {
        let (place, mut raw) = (rule.referenced, rule.value);
        self.unknown_keys(&raw.unknown, RawRule::KEYS);
        let named = |name: Option<Spanned<String>>| name.filter(|name| !name.value.is_empty());
        let expr = self.expr(place, raw.expr.take());
        match (named(raw.alert.take()), named(raw.record.take())) {
            (Some(alert), None) => self.alert(alert.value, expr, raw, shared),
            (None, Some(record)) => self.record(&record, expr, raw, shared),
            (Some(_), Some(record)) => {
                self.complain(record.referenced, "a rule is either an alert or a record, not both");
                None
            }
            (None, None) => {
                self.complain(place, "a rule needs a name: alert or record");
                None
            }
        }
    }

    fn expr(&mut self, place: Location, text: Option<Spanned<String>>) -> Option<Expr> {
        let Some(text) = text.filter(|text| !text.value.trim().is_empty()) else {
            self.complain(place, "a rule needs an expression: expr");
            return None;
        };
        Expr::parse_as(&text.value, self.dialect)
            .map_err(|error| self.complain(text.referenced, format!("{:?}: {error}", text.value.trim())))
            .ok()
    }

    fn alert(
        &mut self,
        name: String,
        expr: Option<Expr>,
        raw: RawRule,
        shared: &BTreeMap<String, String>,
    ) -> Option<Rule> {
        let hold = raw.hold.as_ref().map(|text| self.duration(text)).unwrap_or_default();
        let keep_firing_for = raw.keep_firing_for.as_ref().map(|text| self.duration(text)).unwrap_or_default();
        let mut labels = self.templates(Some(from_shared(shared)), "label");
        labels.extend(self.templates(raw.labels, "label"));
        let unit = raw.annotations.as_ref().and_then(|annotations| self.unit(annotations));
        let annotations = self.templates(raw.annotations, "annotation");
        let expr = expr?;
        let counted = Counted::of(&expr);
        Some(Rule::Alert(Arc::new(AlertRule { name, expr, counted, unit, hold, keep_firing_for, labels, annotations })))
    }

    /// What the alert's value counts, where an annotation says so.
    fn unit(&mut self, annotations: &Pairs) -> Option<Unit> {
        let (_, text) = annotations.0.iter().find(|(name, _)| name.value == UNIT)?;
        let name = text.value.trim();
        let unit = Unit::named(name);
        if unit.is_none() {
            let known = || Unit::NAMED.iter().map(|(name, _)| *name);
            let meant = match nearest(name, known()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known here: {}", known().collect::<Vec<_>>().join(", ")),
            };
            self.complain(text.referenced, format!("annotation {UNIT}: {name:?} is not a unit; {meant}"));
        }
        unit
    }

    fn record(
        &mut self,
        name: &Spanned<String>,
        expr: Option<Expr>,
        raw: RawRule,
        shared: &BTreeMap<String, String>,
    ) -> Option<Rule> {
        if !is_metric_name(&name.value) {
            self.complain(name.referenced, format!("{:?} can not be the name of a series", name.value));
        }
        for (key, text) in [("for", &raw.hold), ("keep_firing_for", &raw.keep_firing_for)] {
            if let Some(text) = text {
                self.complain(text.referenced, format!("{key} belongs to an alert, not to a record"));
            }
        }
        if let Some((first, _)) = raw.annotations.as_ref().and_then(|annotations| annotations.0.first()) {
            self.complain(first.referenced, "annotations belong to an alert, not to a record");
        }
        let mut labels = shared.clone();
        labels.extend(self.texts(raw.labels));
        let expr = expr?;
        let counted = Counted::of(&expr);
        Some(Rule::Record(Arc::new(RecordRule { name: Arc::from(name.value.as_str()), expr, counted, labels })))
    }

    /// Labels that are no templates.
    fn texts(&mut self, pairs: Option<Pairs>) -> BTreeMap<String, String> {
        let mut read = BTreeMap::new();
        for (name, text) in pairs.unwrap_or_default().0 {
            self.label_name(&name, "label");
            read.insert(name.value, text.value);
        }
        read
    }

    fn templates(&mut self, pairs: Option<Pairs>, what: &str) -> BTreeMap<String, Template> {
        let mut read = BTreeMap::new();
        for (name, text) in pairs.unwrap_or_default().0 {
            self.label_name(&name, what);
            match Template::parse(&text.value) {
                Ok(template) => {
                    read.insert(name.value, template);
                }
                Err(error) => self.complain(text.referenced, format!("{what} {}: {error}", name.value)),
            }
        }
        read
    }

    fn label_name(&mut self, name: &Spanned<String>, what: &str) {
        if !template::is_label_name(&name.value) || (what == "label" && name.value == NAME) {
            self.complain(name.referenced, format!("{:?} can not be the name of a {what}", name.value));
        }
    }
}

/// The labels of a group, which were checked where they stand.
fn from_shared(shared: &BTreeMap<String, String>) -> Pairs {
    let place = |text: &String| Spanned::new(text.clone(), Location::UNKNOWN, Location::UNKNOWN);
    Pairs(shared.iter().map(|(name, text)| (place(name), place(text))).collect())
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`
fn is_metric_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
}
