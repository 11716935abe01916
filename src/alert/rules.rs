//! Prometheus rule files: YAML, plain, and accepted by promtool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::{Location, MessageFormatter, UserMessageFormatter};

use super::reader::{self, Reader};
use super::template::{Scene, Template};
use super::yaml::RawFile;
use crate::base::{Problem, Provenance, Severity, Unit};
use crate::model::Labels;
use crate::promql::subject::Counted;
use crate::promql::{Dialect, Expr};

#[derive(Clone, Debug)]
pub struct RuleFile {
    /// As it was named when it was read.
    pub file: Arc<str>,
    pub groups: Vec<RuleGroup>,
}

/// Rules that are evaluated together, in their order.
#[derive(Clone, Debug)]
pub struct RuleGroup {
    pub name: String,
    /// One minute where the file says nothing.
    pub interval: Duration,
    /// The most alerts or series that one of its rules may make; without limit where it is 0.
    pub limit: usize,
    /// How far back its expressions are evaluated.
    pub query_offset: Duration,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub enum Rule {
    Alert(Arc<AlertRule>),
    Record(Arc<RecordRule>),
}

#[derive(Clone, Debug)]
pub struct AlertRule {
    pub name: String,
    pub expr: Expr,
    /// What its value counts, as far as the expression tells.
    pub counted: Counted,
    /// The annotation `opsconsole_unit`: what the alert's value counts, by a unit's name in `system.ron`
    /// ([`Unit::NAMED`]), such as `Seconds`, `Ratio` or `Events`. Where there is none, it is guessed from the expression.
    pub unit: Option<Unit>,
    /// How long the expression must hold before the alert fires.
    pub hold: Duration,
    /// How long the expression must not hold before the alert resolves.
    pub keep_firing_for: Duration,
    /// The group's and the rule's own.
    pub labels: BTreeMap<String, Template>,
    pub annotations: BTreeMap<String, Template>,
}

/// A series that is made of others.
#[derive(Clone, Debug)]
pub struct RecordRule {
    /// The name of the series.
    pub name: Arc<str>,
    pub expr: Expr,
    /// What its values count, as far as the expression tells.
    pub counted: Counted,
    /// The group's and the rule's own.
    pub labels: BTreeMap<String, String>,
}

impl RuleFile {
    /// A file without rules.
    #[must_use]
    pub fn empty(file: &str) -> RuleFile {
        RuleFile { file: Arc::from(file), groups: Vec::new() }
    }

    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }

    /// The rules that alert.
    pub fn alerts(&self) -> impl Iterator<Item = &Arc<AlertRule>> {
        self.groups.iter().flat_map(RuleGroup::alerts)
    }

    /// What a value counts, told through the series that these rules record: what is recorded of an increase counts
    /// events under any name.
    #[must_use]
    pub fn counted(&self, counted: &Counted) -> Counted {
        // A series that is recorded of itself has no beginning.
        const DEEPEST: usize = 8;
        let mut told = counted.clone();
        for _ in 0..DEEPEST {
            let Some(name) = told.subject.as_deref().filter(|_| told.made.is_none()) else { break };
            let Some(record) = self.records().find(|record| *record.name == *name) else { break };
            told = Counted { threshold: told.threshold, ..record.counted.clone() };
        }
        told
    }

    fn records(&self) -> impl Iterator<Item = &Arc<RecordRule>> {
        self.rules().filter_map(|rule| match rule {
            Rule::Record(rule) => Some(rule),
            Rule::Alert(_) => None,
        })
    }

    /// The names of all series that its rules select.
    #[must_use]
    pub fn names(&self) -> BTreeSet<Arc<str>> {
        self.rules().flat_map(|rule| rule.expr().names().iter().cloned()).collect()
    }

    /// The longest range that any of its rules needs.
    #[must_use]
    pub fn longest_range(&self) -> Duration {
        self.groups.iter().map(RuleGroup::longest_range).max().unwrap_or_default()
    }
}

impl RuleGroup {
    /// The rules that alert.
    pub fn alerts(&self) -> impl Iterator<Item = &Arc<AlertRule>> {
        self.rules.iter().filter_map(|rule| match rule {
            Rule::Alert(rule) => Some(rule),
            Rule::Record(_) => None,
        })
    }

    fn longest_range(&self) -> Duration {
        let ranges = self.rules.iter().map(|rule| rule.expr().longest_range());
        ranges.max().map_or(Duration::ZERO, |longest| longest + self.query_offset)
    }
}

impl Rule {
    /// The name of the alert, or of the series that it records.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Rule::Alert(rule) => &rule.name,
            Rule::Record(rule) => &rule.name,
        }
    }

    #[must_use]
    pub fn expr(&self) -> &Expr {
        match self {
            Rule::Alert(rule) => &rule.expr,
            Rule::Record(rule) => &rule.expr,
        }
    }
}

impl AlertRule {
    /// The `severity` label; warning where there is none, it is unknown, or each alert has its own.
    #[must_use]
    pub fn severity(&self) -> Severity {
        severity_of(self.labels.get("severity").map_or("", Template::source))
    }

    /// The annotation `opsconsole_runbook`: the file name of the runbook in the system's folder.
    #[must_use]
    pub fn runbook(&self) -> Option<&str> {
        self.text("opsconsole_runbook")
    }

    /// The annotation `opsconsole_absent`: what it means on this system that what the rule looks at is absent, said in
    /// place of its name.
    #[must_use]
    pub fn absent(&self) -> Option<&str> {
        self.text("opsconsole_absent")
    }

    /// An annotation that is no template; nothing where it is empty.
    fn text(&self, name: &str) -> Option<&str> {
        self.annotations.get(name).map(|text| text.source().trim()).filter(|text| !text.is_empty())
    }

    /// From the annotations `opsconsole_from`, `opsconsole_documented`, `opsconsole_deviates`, `opsconsole_answers`.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        let lines = |name: &str| {
            self.text(name)
                .into_iter()
                .flat_map(str::lines)
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect()
        };
        Provenance {
            from: lines("opsconsole_from"),
            documented: lines("opsconsole_documented"),
            deviates: self.text("opsconsole_deviates").map(str::to_owned),
            answers: lines("opsconsole_answers"),
        }
    }

    /// An annotation for one alert, its template expanded; empty where there is none. Templates that ask a query say
    /// that they can not be answered here. Label values come from outside: what is returned must be made harmless
    /// before it is shown.
    #[must_use]
    pub fn annotation(&self, name: &str, labels: &Labels, value: f64) -> String {
        self.annotation_in(name, &Scene::of(labels, value))
    }

    /// As [`AlertRule::annotation`], in a scene that may answer queries.
    #[must_use]
    pub fn annotation_in(&self, name: &str, scene: &Scene<'_>) -> String {
        self.annotations.get(name).map(|text| text.expanded_or_said(scene)).unwrap_or_default()
    }
}

/// What the label `severity` says; warning where it says nothing that is known.
pub(super) fn severity_of(label: &str) -> Severity {
    match label {
        "critical" => Severity::Critical,
        "info" => Severity::Info,
        _other => Severity::Warning,
    }
}

/// Reads a rule file.
///
/// # Errors
/// Every mistake in the file with its place: YAML, unknown keys, durations, unsupported PromQL, duplicate names.
/// A mistake of YAML itself hides those after it.
pub fn load(file: &str, text: &str) -> Result<RuleFile, Vec<Problem>> {
    load_as(file, text, Dialect::V3)
}

/// As [`load`], for a file that was written for this Prometheus.
///
/// # Errors
/// As [`load`]; a function that this Prometheus does not have.
pub fn load_as(file: &str, text: &str, dialect: Dialect) -> Result<RuleFile, Vec<Problem>> {
    let raw = match serde_saphyr::from_str::<Option<RawFile>>(text) {
        Ok(raw) => raw.unwrap_or_default(),
        Err(error) => {
            let place = error.location().unwrap_or(Location::UNKNOWN);
            let what = UserMessageFormatter.format_message(error.without_snippet());
            return Err(vec![reader::problem(file, place, what.into_owned())]);
        }
    };
    Reader::read(file, raw, dialect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> RuleFile {
        load("alerts.yml", text).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    #[test]
    fn a_rule_file_is_read_as_written() {
        let file = loaded(
            r#"
groups:
  - name: chain
    interval: 5s
    rules:
      - alert: Stale
        expr: |
          age_seconds
            > 60
        for: 1m30s
        labels:
          severity: critical
          version: 1.10
          flag: true
        annotations:
          summary: "{{ $labels.node }} is {{ $value }} s old"
          opsconsole_from: "chain:60-63\nchain:67\n"
          opsconsole_documented: |
            curl -s localhost:1/health | jq '.age'
            second
          opsconsole_deviates: " because "
          opsconsole_answers: D16
          opsconsole_runbook: stale-blocks
      - alert: Other
        expr: rate(total{a="b"}[10m]) > 0
  - name: empty
"#,
        );
        assert_eq!(file.groups.len(), 2);
        let group = &file.groups[0];
        assert_eq!((group.name.as_str(), group.interval), ("chain", Duration::from_secs(5)));
        assert_eq!(file.groups[1].interval, Duration::from_secs(60));
        let rules: Vec<_> = group.alerts().collect();
        let [stale, other] = &rules[..] else { panic!("{rules:?}") };
        assert_eq!((stale.name.as_str(), stale.hold), ("Stale", Duration::from_secs(90)));
        assert_eq!(stale.severity(), Severity::Critical);
        assert_eq!((stale.labels["version"].source(), stale.labels["flag"].source()), ("1.10", "true"));
        assert_eq!(stale.runbook(), Some("stale-blocks"));
        assert_eq!(
            stale.provenance(),
            Provenance {
                from: vec!["chain:60-63".to_owned(), "chain:67".to_owned()],
                documented: vec!["curl -s localhost:1/health | jq '.age'".to_owned(), "second".to_owned()],
                deviates: Some("because".to_owned()),
                answers: vec!["D16".to_owned()],
            }
        );
        let labels = Labels::from_pairs([("node", "a")]);
        assert_eq!(stale.annotation("summary", &labels, 61.0), "a is 61 s old");
        assert_eq!(stale.annotation("none", &labels, 61.0), "");
        assert_eq!((other.hold, other.severity(), other.runbook()), (Duration::ZERO, Severity::Warning, None));
        assert_eq!(other.provenance(), Provenance::default());
        assert_eq!(file.names().iter().map(|name| &**name).collect::<Vec<_>>(), ["age_seconds", "total"]);
        assert_eq!(file.longest_range(), Duration::from_secs(600));
        for empty in ["", "# only a comment\n", "groups: []\n", "groups:\n"] {
            assert!(loaded(empty).groups.is_empty(), "{empty:?}");
        }
    }

    /// The problems of a file, without its name.
    fn check(text: &str, want: &[&str]) {
        let got: Vec<_> = match load("f", text) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(|problem| problem.to_string()[2..].to_owned()).collect(),
        };
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn every_mistake_is_reported_with_its_place() {
        check(
            r#"groups:
  - name: g
    intervall: 5s
    limit: -3
    partial_response_strategy: abort
    rules:
      - alert: A
        exprs: x > 1
        keep_firing_for: 5x
        annotations:
          summary: "{{ $valeu | humanize }}"
          first: "{{ humanise $value }}"
          second: "{{ if $value }}"
          opsconsole_unit: Second
          third: "{{ tmpl }}"
      - alert: B
        expr: limitk(1, x) > 1
        for: 5 minutes
        labels: {"bad-name": x, node: "{{ $labels.n }", __name__: y}
      - record: r r
        expr: x
        for: 1m
        annotations: {a: b}
      - expr: x >
      - alert: C
        record: c
        expr: ""
  - name: g
    interval: 0s
unrelated: true
"#,
            &[
                "3:5: unknown key \"intervall\"; did you mean interval?",
                "4:12: a limit is a number of series; 0 means none",
                "5:5: partial_response_strategy is not a key of Prometheus' rule files",
                "7:9: a rule needs an expression: expr",
                "8:9: unknown key \"exprs\"; did you mean expr?",
                "9:26: \"5x\" is not a duration; write numbers with units, such as 90s, 1h30m or 1d",
                "11:20: annotation summary: the variable $valeu is not set; did you mean $value?",
                "12:18: annotation first: there is no template function humanise; did you mean humanize?",
                "13:19: annotation second: a if without its end, in \"{{ if $value }}\"",
                "14:28: annotation opsconsole_unit: \"Second\" is not a unit; did you mean Seconds?",
                "15:18: annotation third: the template function tmpl is not supported",
                "17:15: \"limitk(1, x) > 1\": aggregation limitk is not supported",
                "18:14: \"5 minutes\" is not a duration; write numbers with units, such as 90s, 1h30m or 1d",
                "19:18: \"bad-name\" can not be the name of a label",
                "19:39: label node: '}' has no meaning here, in \"}\"",
                "19:57: \"__name__\" can not be the name of a label",
                "20:17: \"r r\" can not be the name of a series",
                "22:14: for belongs to an alert, not to a record",
                "23:23: annotations belong to an alert, not to a record",
                "24:9: a rule needs a name: alert or record",
                "24:15: \"x >\": not PromQL: invalid promql query",
                "25:9: a rule needs an expression: expr",
                "26:17: a rule is either an alert or a record, not both",
                "28:11: there is another group \"g\" in this file",
                "29:15: the interval of a group must be longer than nothing",
                "30:1: unknown key \"unrelated\"; known here: groups",
            ],
        );
    }

    #[test]
    fn a_whole_rule_file_is_read_as_prometheus_reads_it() {
        let file = loaded(
            r#"
groups:
  - name: chain
    interval: 15s
    limit: 10
    query_offset: 1m
    labels: {team: chain, tier: one}
    rules:
      - record: job:age:max
        expr: max by (job) (age)
        labels: {tier: two, text: "{{ not a template }"}
      - alert: Old
        expr: job:age:max > 60
        for: 1m
        keep_firing_for: 5m
        labels: {severity: '{{ if gt $value 90.0 }}critical{{ else }}warning{{ end }}'}
      - alert: Old
        expr: job:age:max > 60
        for: 1m
"#,
        );
        let group = &file.groups[0];
        assert_eq!((group.limit, group.query_offset), (10, Duration::from_secs(60)));
        let [Rule::Record(record), Rule::Alert(old), Rule::Alert(_)] = &group.rules[..] else { panic!("{group:?}") };
        assert_eq!((&*record.name, record.expr.source()), ("job:age:max", "max by (job) (age)"));
        let labels = |labels: &BTreeMap<String, String>| {
            labels.iter().map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(&record.labels), "team=chain text={{ not a template } tier=two");
        assert_eq!((old.hold.as_secs(), old.keep_firing_for.as_secs()), (60, 300));
        assert_eq!(old.labels["tier"].source(), "one");
        assert_eq!(old.severity(), Severity::Warning);
        assert_eq!(file.longest_range(), Duration::from_secs(60));
    }

    #[test]
    fn a_file_can_be_of_an_older_prometheus() {
        let text = "groups:\n  - name: g\n    rules:\n      - {alert: A, expr: 'FUNCTION(x[5m], 0.5, 0.5) > 1'}\n";
        let check = |function: &str, dialect: Dialect, want: bool| {
            let read = load_as("f", &text.replace("FUNCTION", function), dialect);
            assert_eq!(read.is_ok(), want, "{function} {dialect:?} {read:?}");
        };
        check("holt_winters", Dialect::V2, true);
        check("holt_winters", Dialect::V3, false);
        check("double_exponential_smoothing", Dialect::V3, true);
        check("double_exponential_smoothing", Dialect::V2, false);
    }

    #[test]
    fn the_rules_of_the_first_system_load() {
        let file = loaded(include_str!("../systems/volchain/alerts.yml"));
        let [group] = &file.groups[..] else { panic!("{:?}", file.groups) };
        assert_eq!((group.name.as_str(), group.interval), ("volchain", Duration::from_secs(5)));
        let told: Vec<_> = group
            .alerts()
            .map(|rule| (rule.name.as_str(), rule.hold.as_secs(), rule.severity(), rule.provenance().from.join(" ")))
            .map(|(name, hold, severity, from)| format!("{name} {hold} {} {from}", severity.word()))
            .collect();
        assert_eq!(
            told,
            [
                "VolchainServiceDown 60 critical volchain:188-189",
                "VolchainBlocksStale 120 critical volchain:62-63",
                "VolchainSystemVerificationFailed 300 warning volchain:14-15",
                "VolchainUserMismatches 120 warning volchain:137-138",
                "VolchainBarrierTimeouts 60 warning volchain:101-102",
                "VolchainMempoolOverload 180 warning volchain:163-164",
                "VolchainHighResponseTime 180 warning ",
            ]
        );
        for rule in group.alerts() {
            let provenance = rule.provenance();
            assert!(provenance.deviates.is_some() && !provenance.documented.is_empty(), "{}", rule.name);
        }
    }

    #[test]
    fn broken_yaml_is_a_problem_with_a_place() {
        let check = |text: &str, line: usize, part: &str| match load("f", text) {
            Ok(_) => panic!("{text}"),
            Err(problems) => {
                assert_eq!(problems.len(), 1, "{problems:?}");
                assert_eq!(problems[0].line, line, "{problems:?}");
                assert!(problems[0].what.contains(part), "{problems:?}");
            }
        };
        check("groups:\n  - name: g\n    rules: [\n", 3, "unclosed");
        check("groups:\n  - name: [g]\n", 2, "string");
        check("groups:\n  - name: g\n    name: h\n", 3, "duplicate");
        check("groups: 5\n", 1, "");
        check("groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: x\n        for: [1]\n", 6, "");
    }
}
