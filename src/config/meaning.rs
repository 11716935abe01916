//! What the form of a configuration can not say: whether its names are those of the systems, its numbers within their
//! ranges, its addresses usable, and whether it contradicts itself.
//!
//! It walks the tree as it is written, so that a mistake of form in one place hides nothing in another.

mod address;

use std::collections::BTreeMap;
use std::path::Path;

use super::found::Found;
use super::target::floor_seconds;
use super::{Known, Looks};
use crate::base::ron_tree::{Node, Value};
use crate::base::{SystemId, text};
use crate::sources::backfill::matchers_fault;
use crate::systems::{Files, SettingValue, SystemSpec, spec};

/// Requests per second that a target may be given.
const RATES: std::ops::RangeInclusive<f64> = 0.01..=100.0;

/// A day.
const LONGEST_INTERVAL_SECONDS: f64 = 86_400.0;

/// Longest name of a target or a node.
const LONGEST_NAME: usize = 64;

/// Everything that can be said about a configuration whose form [`super::fit`] judges.
pub(super) fn check(root: &Node, all: &Known, found: &mut Found) {
    let files = &all.systems;
    check_looks(root, &all.looks, found);
    if let Some(path) = given(root, "state_root")
        && let Some(folder) = path.text()
        && !Path::new(folder).is_absolute()
    {
        found.at(path.place, "state_root must be an absolute path; ~ and variables are not expanded");
    }
    let Some(targets) = root.field("targets") else { return };
    if matches!(&targets.value, Value::List(items) if items.is_empty()) {
        found.at(targets.place, "there is no target; without one there is nothing to watch");
    }
    let known = known(targets, files);
    unique(targets, "target", found);
    for target in targets.items() {
        check_target(target, &known, files, found);
    }
    one_target_per_unit(targets, &known, found);
    check_rules(root, targets, found);
}

/// That every rule file is a path of its own, for a Prometheus and for targets that are known.
fn check_rules(root: &Node, targets: &Node, found: &mut Found) {
    let ids: Vec<&str> = targets.items().iter().filter_map(|target| target.field("id")?.text()).collect();
    let mut seen = Vec::new();
    for rules in root.field("rules").map(Node::items).into_iter().flatten() {
        if let Some((node, file)) = rules.field("file").and_then(|node| Some((node, node.text()?))) {
            if !file.starts_with('/') {
                found.at(node.place, "a rule file is named by its absolute path");
            }
            if seen.contains(&file) {
                found.at(node.place, "this rule file is named before; one name is enough");
            }
            seen.push(file);
        }
        if let Some(version) = given(rules, "prometheus")
            && ![Some(2.0), Some(3.0)].contains(&version.number())
        {
            found.at(version.place, "this is no Prometheus version that is known here; it is 2 or 3");
        }
        for target in rules.field("targets").map(Node::items).into_iter().flatten() {
            if let Some(name) = target.text()
                && !ids.contains(&name)
            {
                let what = format!("there is no target {}", super::fit::shown(name));
                found.unknown(target.place, what, name, ids.iter().copied());
            }
        }
    }
}

/// That theme, keymap and colours are among those that there are.
fn check_looks(root: &Node, looks: &Looks, found: &mut Found) {
    let words = [
        ("theme", "there is no theme", &looks.themes),
        ("keymap", "there is no keymap", &looks.keymaps),
        ("colour", "there is no colour depth", &looks.colours),
    ];
    for (field, none, known) in words {
        let Some(node) = given(root, field) else { continue };
        let (Some(word), Some(known)) = (node.text(), known) else { continue };
        if !known.iter().any(|name| name == word) {
            let what = format!("{none} {}", super::fit::shown(word));
            found.unknown(node.place, what, word, known.iter().map(String::as_str));
        }
    }
}

/// The systems that targets name, as far as they can be read; what is wrong with a system is told elsewhere.
fn known(targets: &Node, files: &BTreeMap<SystemId, Files>) -> BTreeMap<SystemId, SystemSpec> {
    let named = targets.items().iter().filter_map(|target| target.field("system")?.text()).map(SystemId::new);
    let mut known = BTreeMap::new();
    for id in named {
        if !known.contains_key(&id)
            && let Some(text) = files.get(&id).and_then(|files| files.get("system.ron"))
            && let Ok(spec) = spec::load(id.as_str(), text)
        {
            known.insert(id, spec);
        }
    }
    known
}

/// A field that is given, and not as `None`.
fn given<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    node.field(name)?.given()
}

/// That no two elements of a list have one id, and that every id can be one.
fn unique(list: &Node, what: &str, found: &mut Found) {
    let mut seen: Vec<&str> = Vec::new();
    for id in list.items().iter().filter_map(|item| item.field("id")) {
        let Some(name) = id.text() else { continue };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(plain) || name.starts_with(['-', '.']) {
            found.at(
                id.place,
                format!(
                    "{} can not name a {what}: letters, digits, -, _ and . can, up to {LONGEST_NAME} of them, not beginning with - or .",
                    text::escaped(&format!("{name:.40?}"))
                ),
            );
        } else if seen.contains(&name) {
            found.at(id.place, format!("there is another {what} {name} before this one; each needs its own id"));
        }
        seen.push(name);
    }
}

fn check_target(
    target: &Node,
    known: &BTreeMap<SystemId, SystemSpec>,
    files: &BTreeMap<SystemId, Files>,
    found: &mut Found,
) {
    let system = target.field("system").and_then(|node| Some((node, node.text()?)));
    if let Some((node, name)) = system
        && !files.contains_key(name)
    {
        let what = format!("there is no system {}", super::fit::shown(name));
        found.unknown(node.place, what, name, files.keys().map(SystemId::as_str));
    }
    let spec = system.and_then(|(_, name)| known.get(name));
    check_place(target, found);
    check_rates(target, spec, found);
    if let Some(spec) = spec {
        check_settings(target, spec, found);
    }
    check_prometheus(target, found);
    address::check_secrets(target, spec, found);
    let Some(nodes) = target.field("nodes") else { return };
    if matches!(&nodes.value, Value::List(items) if items.is_empty()) {
        found.at(nodes.place, "there is no node; without one there is nothing to read");
    }
    unique(nodes, "node", found);
    if let Some(spec) = spec {
        nodes.items().iter().for_each(|node| check_settings(node, spec, found));
    }
    address::check(nodes, spec, found);
}

/// That the server of a target can be asked, and for series that can be selected.
fn check_prometheus(target: &Node, found: &mut Found) {
    let Some(server) = given(target, "prometheus") else { return };
    address::check_server(server, found);
    if let Some(matchers) = given(server, "matchers")
        && let Some(text) = matchers.text()
        && let Some(why) = matchers_fault(text)
    {
        let what = format!("these are no matchers, such as job=\"node\": {why}");
        found.at(matchers.place, text::clean(&what).into_owned());
    }
}

/// Where it acts and as whom: said in full, and possible.
fn check_place(target: &Node, found: &mut Found) {
    let environment = target.field("environment").and_then(Node::word);
    let (acts, privilege) = (given(target, "host"), target.field("privilege"));
    if environment == Some("Demo") && given(target, "demo").is_none() && acts.is_some() {
        found.at(
            target.place,
            "a target in Demo has no host: it is for the nodes that opsconsole demo simulates, and acts on nothing else",
        );
    }
    if let Some(demo) = given(target, "demo")
        && environment.is_some_and(|environment| environment != "Demo")
    {
        found.at(demo.place, "a simulated target is in the environment Demo and in no other");
    }
    if let Some(host) = acts
        && host.word() == Some("Ssh")
    {
        found.at(host.place, "acting over ssh is not built; leave host out, and the console only observes");
    }
    match (acts, privilege) {
        (Some(host), None) => found.at(
            host.place,
            "a target with a host must say as whom its commands run: privilege: None, SudoNonInteractive(\"root\") or Polkit",
        ),
        (None, Some(privilege)) if matches!(privilege.word(), Some("SudoNonInteractive" | "Polkit")) => {
            found.at(privilege.place, "a privilege without a host serves nothing: no command runs without a host");
        }
        _ => {}
    }
    if let Some(user) = privilege.filter(|node| node.word() == Some("SudoNonInteractive")).and_then(Node::content)
        && let Some(name) = user.text()
    {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
            found.at(user.place, format!("{} can not name a user for sudo", super::fit::shown(&format!("{name:?}"))));
        }
    }
}

fn check_rates(target: &Node, spec: Option<&SystemSpec>, found: &mut Found) {
    if let Some(rate) = target.field("requests_per_second")
        && rate.number().is_some_and(|number| !RATES.contains(&number))
    {
        let (least, most) = (RATES.start(), RATES.end());
        found.at(rate.place, format!("requests_per_second must be between {least} and {most}"));
    }
    let of_all = given(target, "interval_seconds");
    let floor = spec.and_then(|spec| spec.sources.iter().map(floor_seconds).min_by(f64::total_cmp));
    if let Some(node) = of_all {
        check_interval(node, floor.unwrap_or(0.0), "no source of this system", found);
    }
    let Some(intervals) = given(target, "intervals") else { return };
    for (key, value) in intervals.entries() {
        let (Some(name), Some(spec)) = (key.text(), spec) else { continue };
        match spec.sources.iter().find(|source| source.id == name) {
            Some(source) => check_interval(value, floor_seconds(source), &format!("the source {name} is not"), found),
            None => {
                let what = format!("the system has no source {}", super::fit::shown(name));
                found.unknown(key.place, what, name, spec.sources.iter().map(|source| source.id.as_str()));
            }
        }
    }
}

fn check_interval(node: &Node, floor: f64, whose: &str, found: &mut Found) {
    let Some(seconds) = node.number() else { return };
    if !(seconds > 0.0 && seconds <= LONGEST_INTERVAL_SECONDS) {
        let what = format!("an interval must be more than 0 and at most {LONGEST_INTERVAL_SECONDS} seconds");
        found.at(node.place, what);
    } else if seconds < floor {
        let is = if whose.ends_with("not") { "" } else { " is" };
        found.at(node.place, format!("{seconds} s is too often: {whose}{is} read more often than every {floor} s"));
    }
}

/// The settings of a target, or those of one of its nodes.
fn check_settings(of: &Node, spec: &SystemSpec, found: &mut Found) {
    let Some(settings) = of.field("settings") else { return };
    for (key, value) in settings.entries() {
        let Some(name) = key.text() else { continue };
        let Some(setting) = spec.settings.iter().find(|setting| setting.name == name) else {
            let what = format!("the system has no setting {}", super::fit::shown(name));
            found.unknown(key.place, what, name, spec.settings.iter().map(|setting| setting.name.as_str()));
            continue;
        };
        let (wanted, example) = match &setting.value {
            SettingValue::Number(number) => ("Number", format!("Number({number:?})")),
            SettingValue::Text(text) => ("Text", format!("Text({text:?})")),
        };
        // A word that is neither is a mistake of form, and told as that.
        if value.word().is_some_and(|word| word != wanted && ["Number", "Text"].contains(&word)) {
            found.at(value.place, format!("the setting {name} is a {wanted}, such as {example}"));
        }
    }
}

/// That no two targets command one unit of this machine: whichever acted would act on the other too.
fn one_target_per_unit(targets: &Node, known: &BTreeMap<SystemId, SystemSpec>, found: &mut Found) {
    let mut owners: Vec<(String, &str)> = Vec::new();
    for target in targets.items().iter().filter(|target| given(target, "demo").is_none()) {
        let local = given(target, "host").and_then(Node::word) == Some("Local");
        let (Some(id), true) = (target.field("id").and_then(Node::text), local) else { continue };
        let own = target.field("settings").and_then(|settings| {
            settings.entries().iter().find(|(key, _)| key.text() == Some("unit")).map(|(_, value)| value)
        });
        let system = target.field("system").and_then(Node::text).and_then(|name| known.get(name));
        let default = system.and_then(|spec| spec.settings.iter().find(|setting| setting.name == "unit"));
        let unit = match (own.and_then(Node::content).and_then(Node::text), default.map(|setting| &setting.value)) {
            (Some(unit), _) => unit.to_owned(),
            (None, Some(SettingValue::Text(unit))) => unit.clone(),
            (None, Some(SettingValue::Number(_)) | None) => continue,
        };
        let unit = unit.strip_suffix(".service").unwrap_or(&unit).to_owned();
        if unit.is_empty() {
            continue;
        }
        match owners.iter().find(|(owned, _)| *owned == unit) {
            Some((_, owner)) => found.at(
                own.unwrap_or(target).place,
                format!("{id} would command the unit {unit}, which target {owner} commands already; each unit has one target"),
            ),
            None => owners.push((unit, id)),
        }
    }
}
