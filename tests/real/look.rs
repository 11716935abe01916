//! What the real program says of a configuration, once: rows, alerts and sources by their names, and its series.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::terminal::PROGRAM;

/// A snapshot of one target.
pub struct Look(Value);

/// A row of a panel.
#[derive(Debug, PartialEq)]
pub struct Row {
    pub value: Option<f64>,
    pub level: String,
    /// The state of its value, and what is said of it.
    pub truth: String,
}

impl Look {
    pub fn at(config: &Path, target: &str) -> Look {
        Look::read(&run(&["snapshot", "--json"], config).1, target)
    }

    /// What a snapshot in JSON says of a target.
    pub fn read(said: &str, target: &str) -> Look {
        let json: Value = serde_json::from_str(said).unwrap_or_else(|error| panic!("{error}: {said}"));
        let found = json["targets"].as_array().into_iter().flatten().find(|found| found["target"] == target);
        Look(found.unwrap_or_else(|| panic!("no target {target}: {said}")).clone())
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0[name].as_array().into_iter().flatten()
    }

    pub fn row(&self, label: &str) -> Row {
        let mut rows = self.list("panels").filter_map(|panel| panel["rows"].as_array()).flatten();
        let row = rows.find(|row| row["label"] == label).unwrap_or_else(|| panic!("no row {label}: {}", self.0));
        Row { value: row["value"].as_f64(), level: text(&row["level"]), truth: truth(row) }
    }

    /// The state of an alert; of several of one name, the first.
    pub fn alert(&self, name: &str) -> String {
        let alert = self.list("alerts").find(|alert| alert["alert"] == name);
        text(&alert.unwrap_or_else(|| panic!("no alert {name}: {}", self.0))["state"])
    }

    /// The state of a source, and what is said of it.
    pub fn source(&self, id: &str) -> String {
        truth(self.found(id))
    }

    pub fn not_exposed(&self, id: &str) -> Vec<String> {
        self.found(id)["not_exposed"].as_array().into_iter().flatten().map(text).collect()
    }

    fn found(&self, id: &str) -> &Value {
        let ends = |source: &&Value| source["source"].as_str().is_some_and(|full| full.ends_with(&format!("/{id}")));
        self.list("sources").find(ends).unwrap_or_else(|| panic!("no source {id}: {}", self.0))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn truth(value: &Value) -> String {
    format!("{} {}", text(&value["state"]), text(&value["truth"])).trim().to_owned()
}

/// The exit code of the program, and all that it prints.
pub fn run(args: &[&str], config: &Path) -> (Option<i32>, String) {
    let output = Command::new(PROGRAM).args(args).arg("--config").arg(config).output().expect("it runs");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), said)
}

/// The series that an expression gives now, with these of their labels, and their values; sorted.
pub fn series(expr: &str, labels: &[&str], config: &Path) -> Vec<(Vec<String>, f64)> {
    let said = run(&["query", "--format", "json", expr], config).1;
    let json: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    let found = json["data"]["result"].as_array().unwrap_or_else(|| panic!("{expr}: {said}"));
    let value = |found: &Value| text(&found["value"][1]).parse().unwrap_or(f64::NAN);
    let named = |found: &Value| labels.iter().map(|label| text(&found["metric"][*label])).collect::<Vec<_>>();
    let mut series: Vec<_> = found.iter().map(|found| (named(found), value(found))).collect();
    series.sort_by(|one, other| one.0.cmp(&other.0));
    series
}
