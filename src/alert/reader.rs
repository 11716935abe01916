//! From the shape of a rule file to its meaning, collecting every mistake on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_saphyr::{Location, Spanned};

use super::duration;
use super::template;
use super::yaml::{Pairs, RawFile, RawGroup, RawRule};
use super::{AlertRule, RuleFile, RuleGroup};
use crate::base::Problem;
use crate::base::problem::nearest;
use crate::promql::Expr;

/// Where a group says nothing, as in Prometheus.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// Keys of Prometheus that mean something this evaluator does not do yet.
const NOT_YET: &[&str] = &["record", "keep_firing_for", "limit", "query_offset", "labels", "partial_response_strategy"];

pub(super) fn problem(file: &str, place: Location, what: impl Into<String>) -> Problem {
    let number = |at: u64| usize::try_from(at).unwrap_or(0);
    Problem::new(file, number(place.line()), number(place.column()), what)
}

/// Gives meaning to what was read, and collects every mistake on the way.
pub(super) struct Reader<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The meaning of a file, or every mistake in it in the order of their places.
    pub(super) fn read(file: &str, raw: RawFile) -> Result<RuleFile, Vec<Problem>> {
        let mut reader = Reader { file, problems: Vec::new() };
        let rules = reader.file(raw);
        reader.problems.sort();
        if reader.problems.is_empty() { Ok(rules) } else { Err(reader.problems) }
    }

    fn complain(&mut self, place: Location, what: impl Into<String>) {
        self.problems.push(problem(self.file, place, what));
    }

    fn unknown_keys(&mut self, keys: &[Spanned<String>], known: &[&str]) {
        for key in keys {
            if NOT_YET.contains(&key.value.as_str()) {
                self.complain(key.referenced, format!("{} is not supported yet", key.value));
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
        RuleFile { groups }
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
        let mut same = BTreeSet::new();
        let mut rules = Vec::new();
        for rule in raw.rules.unwrap_or_default() {
            let place = rule.value.alert.as_ref().map_or(rule.referenced, |alert| alert.referenced);
            let Some(rule) = self.rule(rule) else { continue };
            if !same.insert((rule.name.clone(), rule.labels.clone())) {
                self.complain(
                    place,
                    format!("there is another alert {:?} with the same labels in this group", rule.name),
                );
            }
            rules.push(rule);
        }
        RuleGroup { name, interval, rules }
    }

    /// Nothing where the rule can not be used; the reason is among the problems.
    fn rule(&mut self, rule: Spanned<RawRule>) -> Option<AlertRule> {
        let (place, raw) = (rule.referenced, rule.value);
        self.unknown_keys(&raw.unknown, RawRule::KEYS);
        let name = raw.alert.filter(|alert| !alert.value.is_empty()).map(|alert| alert.value);
        if name.is_none() && !raw.unknown.iter().any(|key| key.value == "record") {
            self.complain(place, "a rule needs a name: alert");
        }
        let expr = match &raw.expr {
            None => {
                self.complain(place, "a rule needs an expression: expr");
                None
            }
            Some(text) => Expr::parse(&text.value)
                .map_err(|error| self.complain(text.referenced, format!("{:?}: {error}", text.value.trim())))
                .ok(),
        };
        let hold = raw.hold.as_ref().map(|text| self.duration(text)).unwrap_or_default();
        let labels = self.pairs(raw.labels, "label");
        let annotations = self.pairs(raw.annotations, "annotation");
        Some(AlertRule { name: name?, expr: expr?, hold, labels, annotations })
    }

    fn pairs(&mut self, pairs: Option<Pairs>, what: &str) -> BTreeMap<String, String> {
        let mut read = BTreeMap::new();
        for (name, text) in pairs.unwrap_or_default().0 {
            if !template::is_label_name(&name.value) {
                self.complain(name.referenced, format!("{:?} can not be the name of a {what}", name.value));
            }
            if what == "label" && template::has_template(&text.value) {
                self.complain(text.referenced, "templates in labels are not supported yet");
            } else if let Some(construct) = template::unknown_construct(&text.value) {
                let what = format!("the template construct {construct} is not supported yet");
                let suggestion = Some("write {{ $value }} or {{ $labels.name }}".to_owned());
                self.problems.push(problem(self.file, text.referenced, what).suggesting(suggestion));
            }
            read.insert(name.value, text.value);
        }
        read
    }
}
