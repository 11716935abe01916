//! Rule files that the configuration names: read at the start, read again when they change. A file with a mistake
//! changes nothing but a banner: the rules and alerts of before stay.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{App, SetupError};
use crate::alert::{AlertBook, RuleFile, rules};
use crate::base::{At, Problem, Severity, TargetId};
use crate::config::RuleFileSpec;
use crate::promql::Dialect;

/// A rule file as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleText {
    /// As the configuration names it.
    pub file: String,
    /// Its text, or why there is none.
    pub text: Result<String, String>,
}

/// One rule file that is loaded.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    spec: RuleFileSpec,
    /// The text that its rules are of.
    text: String,
    /// The banner of what is broken in it now.
    fault: Option<String>,
}

impl Loaded {
    /// The rules of every file for every target that they are for.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub(super) fn at_start(
        specs: &[RuleFileSpec],
        read: Vec<RuleText>,
        targets: &[TargetId],
        alerts: &mut AlertBook,
    ) -> Result<Vec<Loaded>, SetupError> {
        let mut texts: BTreeMap<String, Result<String, String>> =
            read.into_iter().map(|read| (read.file, read.text)).collect();
        let mut loaded = Vec::new();
        let mut problems = Vec::new();
        for spec in specs {
            let text = texts.remove(&spec.file).unwrap_or_else(|| Err("it was not read".to_owned()));
            match parsed(spec, text) {
                Ok((text, rules)) => {
                    spec.add(&rules, targets, alerts);
                    loaded.push(Loaded { spec: spec.clone(), text, fault: None });
                }
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(loaded) } else { Err(SetupError::Problems(problems)) }
    }
}

fn parsed(spec: &RuleFileSpec, text: Result<String, String>) -> Result<(String, RuleFile), Vec<Problem>> {
    let text = text.map_err(|why| vec![Problem::new(&spec.file, 0, 0, why)])?;
    let rules = rules::load_as(&spec.file, &text, spec.dialect())?;
    Ok((text, rules))
}

impl RuleFileSpec {
    /// The Prometheus that it was written for.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        if self.prometheus == Some(2.0) { Dialect::V2 } else { Dialect::V3 }
    }

    fn add(&self, rules: &RuleFile, targets: &[TargetId], alerts: &mut AlertBook) {
        for target in targets.iter().filter(|target| self.targets.is_empty() || self.targets.contains(target)) {
            alerts.add(target, rules);
        }
    }
}

impl App {
    /// The rule files that are to be read when one of them changes.
    #[must_use]
    pub fn wanted_rules(&self) -> Vec<String> {
        self.rule_files.iter().map(|loaded| loaded.spec.file.clone()).collect()
    }

    /// Takes in rule files that were read again.
    pub(super) fn rules_reloaded(&mut self, at: At, read: Vec<RuleText>) {
        let mut files = std::mem::take(&mut self.rule_files);
        for RuleText { file, text } in read {
            for loaded in files.iter_mut().filter(|loaded| loaded.spec.file == file) {
                self.rule_file_reloaded(at, loaded, text.clone());
            }
        }
        self.rule_files = files;
    }

    fn rule_file_reloaded(&mut self, at: At, loaded: &mut Loaded, text: Result<String, String>) {
        let fault = match parsed(&loaded.spec, text) {
            Err(problems) => Some(fault(&problems)),
            Ok((text, _)) if text == loaded.text => None,
            Ok((text, rules)) => {
                let targets: Vec<TargetId> = self.model.targets.iter().map(|target| target.id.clone()).collect();
                loaded.spec.add(&rules, &targets, &mut self.model.alerts);
                self.model.alerts.declare(&mut self.model.store);
                loaded.text = text;
                self.keep_loaded();
                self.say(at, format!("rules: {} was read again", loaded.spec.file));
                None
            }
        };
        if loaded.fault != fault {
            self.model.banners.retain(|banner| loaded.fault.as_ref() != Some(&banner.text));
            self.urgent = true;
            if let Some(text) = &fault {
                self.banner(Severity::Warning, text.clone());
            }
            loaded.fault = fault;
        }
    }
}

/// The banner of a broken file: its first mistake, and how many more there are.
fn fault(problems: &[Problem]) -> String {
    let first = problems.first().map(Problem::to_string).unwrap_or_default();
    let more = match problems.len() {
        0 | 1 => String::new(),
        many => format!(" (and {} more)", many - 1),
    };
    format!("rules: {first}{more}; the rules of before are kept")
}
