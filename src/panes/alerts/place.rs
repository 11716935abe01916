//! Where an alert is, and its name in few columns: so that nobody has to open it to know which node it is about.

use std::borrow::Cow;

use super::row::AlertRow;
use crate::alert::RuleFile;
use crate::base::text;
use crate::model::Labels;
use crate::model::labels::NAME;

/// Labels that say nothing of where: the alert's line says them already, or they name a read of the console.
const SAID: [&str; 6] = [NAME, "alertname", "severity", "source", "target", "system"];

/// The node, where its target has several; then the labels in which it differs from the other alerts of its name, until
/// it does; of one alone its endpoint and its other labels.
pub(super) fn place(row: &AlertRow, others: &[&Labels]) -> String {
    let target = row.of_target();
    let several_nodes = target.is_some_and(|target| target.spec.nodes.len() > 1);
    let several_endpoints = target.is_some_and(|target| target.system.spec.endpoints.len() > 1);
    let differs = |name: &str| others.iter().any(|other| other.get(name) != row.labels.get(name));
    let mut told: Vec<(&str, &str)> = Vec::new();
    for (name, value) in in_order(row) {
        let shown = match name {
            "node" => several_nodes || differs(name),
            "job" => differs(name) || (others.is_empty() && several_endpoints && !several_nodes),
            // The address is the last resort.
            "instance" => others.iter().any(|other| without_address(other) == without_address(row.labels)),
            name if SAID.contains(&name) => differs(name),
            name => differs(name) || (others.is_empty() && !row.rule.labels.contains_key(name)),
        };
        if shown {
            told.push((name, value));
        }
    }
    let words = told.iter().map(|(name, value)| match *name {
        "node" | "job" | "instance" => (*value).to_owned(),
        name => format!("{name}={value}"),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn without_address(labels: &Labels) -> Labels {
    labels.clone().without("instance")
}

/// Its labels, those that every operator knows first, the address last.
fn in_order<'r>(row: &'r AlertRow) -> Vec<(&'r str, &'r str)> {
    let mut labels: Vec<(&str, &str)> = row.labels.iter().collect();
    let rank = |name: &str| match name {
        "node" => 0,
        "job" => 1,
        "instance" => 3,
        _other => 2,
    };
    labels.sort_by_key(|(name, _)| rank(name));
    labels
}

/// What the names of all alerts of a system begin with, up to the capital that ends a word: `Volchain`. Nothing where
/// that would be all of a name, or where there is only one.
pub(super) fn family(rules: &RuleFile) -> &str {
    let mut names = rules.alerts().map(|rule| rule.name.as_str());
    let Some(first) = names.next() else { return "" };
    let rest: Vec<&str> = names.filter(|name| *name != first).collect();
    if rest.is_empty() {
        return "";
    }
    let alike = |at: &usize| rest.iter().all(|name| name.get(..*at) == first.get(..*at));
    let mut words = first.char_indices().filter(|(at, letter)| *at > 0 && letter.is_uppercase()).map(|(at, _)| at);
    words.rfind(alike).and_then(|at| first.get(..at)).unwrap_or("")
}

/// The name of an alert in so many columns: whole, else without what all of its system begin with, else cut in its
/// middle: what tells it from its neighbours stands at its end.
pub(super) fn short_name<'a>(name: &'a str, family: impl FnOnce() -> &'a str, columns: usize) -> Cow<'a, str> {
    if text::width(name) <= columns {
        return Cow::Borrowed(name);
    }
    let family = family();
    let own = name.strip_prefix(family).filter(|_| !family.is_empty());
    match own {
        Some(own) => Cow::Owned(text::fitted_middle(&format!("…{own}"), columns).into_owned()),
        None => text::fitted_middle(name, columns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::rules;
    use crate::base::text;
    use crate::panes::alerts::row;
    use crate::panes::testing::{self, Condition};

    #[test]
    fn what_all_names_of_a_system_begin_with_is_found() {
        let check = |names: &[&str], want: &str| {
            let rules: String = names.iter().map(|name| format!("      - {{alert: {name}, expr: x > 1}}\n")).collect();
            let file = rules::load("f", &format!("groups:\n  - name: g\n    rules:\n{rules}")).expect("rules");
            assert_eq!(family(&file), want, "{names:?}");
        };
        check(&["GoudNodeOffline", "GoudForked", "GoudDiskFull"], "Goud");
        check(&["FastMainnetTreasuryStuck", "FastMainnetTreasuryLost"], "FastMainnetTreasury");
        check(&["ParityDrift", "StateViolation"], "");
        check(&["PouwDown", "PouwDownForLong"], "Pouw");
        check(&["Alone"], "");
    }

    #[test]
    fn a_name_is_recognised_in_few_columns() {
        let check = |columns, want: &str| {
            let short = short_name("FastMainnetTreasuryExecutorNotTicking", || "FastMainnet", columns);
            assert_eq!(short, want);
            assert!(text::width(&short) <= columns);
        };
        check(40, "FastMainnetTreasuryExecutorNotTicking");
        check(30, "…TreasuryExecutorNotTicking");
        check(20, "…TreasuryE…otTicking");
    }

    /// Two that fire under one name are told apart, and one of a target with several nodes names its own.
    #[test]
    fn alerts_of_one_name_are_told_apart() {
        let model = testing::model(Condition::Ill);
        let mut second = model.targets[0].spec.nodes[0].clone();
        second.id = "node-2".into();
        let labels = Labels::from_pairs([
            ("node", "node-1"),
            ("job", "chain"),
            ("instance", "127.0.0.1:1"),
            ("target", "main-a"),
        ]);
        let of_there = labels.clone().with("instance", "127.0.0.1:2").with("job", "chain-b");
        let of_twin = labels.clone().with("instance", "127.0.0.1:3");
        let of_reason = labels.clone().with("reason", "late");
        let first = row::rows(&model).remove(0);
        let row_with = |labels| AlertRow { labels, ..first };
        let (here, there) = (row_with(&labels), row_with(&of_there));
        let (twin, reason) = (row_with(&of_twin), row_with(&of_reason));
        let said = |rows: &[AlertRow]| -> Vec<String> {
            let others = |of: &AlertRow| -> Vec<&Labels> {
                rows.iter().map(|row| row.labels).filter(|labels| *labels != of.labels).collect()
            };
            rows.iter().map(|row| place(row, &others(row))).collect()
        };
        assert_eq!(said(&[here, there]), ["chain", "chain-b"]);
        assert_eq!(said(&[here, twin]), ["127.0.0.1:1", "127.0.0.1:3"]);
        assert_eq!(said(&[here, reason]), ["", "reason=late"]);
        assert_eq!(said(&[reason]), ["reason=late"]);
        let mut several = model.clone();
        several.targets[0].spec.nodes.push(second);
        assert_eq!(said(&[AlertRow { model: &several, ..here }]), ["node-1"]);
    }
}
