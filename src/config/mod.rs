//! What the operator writes: targets and options. Serde types, validation, and problems with their place.
//!
//! ```text
//!             ┌─ fit ──────► what differs from the description, at any depth ─┐
//! text ──► Tree                                                               ├──► every problem, each with its place
//!             └─ meaning ──► names, addresses, numbers, contradictions ───────┘
//!   └──────── serde ──► ConfigSpec, where there is no problem
//! ```
//!
//! Must never: read a file itself, rewrite an operator's file, or hold a secret (only references) or repeat one.
//!
//! To add an option: a field of the spec it belongs to, with its sentence and its example; [`described`] does the
//! rest. What its type can not say about it is a rule in `meaning`.

pub mod described;
mod fit;
mod found;
mod meaning;
pub mod target;
mod template;

use std::collections::BTreeMap;

pub use target::{ConfigSpec, DemoSpec, EndpointAddressSpec, NodeSpec, PrometheusSpec, RuleFileSpec, TargetSpec};

use crate::base::ron_tree::Tree;
use crate::base::{Problem, SystemId, ron_text};
use crate::systems::{Files, SystemSpec};
use described::Described;
use found::Found;

/// What the names in a configuration can name.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Their files.
    pub systems: BTreeMap<SystemId, Files>,
    pub looks: Looks,
}

/// The words for how the console looks and which keys it knows. Nothing where the configuration's own word is not used,
/// because something else takes its place: it is not judged then.
#[derive(Clone, Debug, Default)]
pub struct Looks {
    pub themes: Option<Vec<String>>,
    pub keymaps: Option<Vec<String>>,
    pub colours: Option<Vec<String>>,
}

/// What messages call the whole.
const WHOLE: &str = "the configuration";

impl ConfigSpec {
    /// Reads a configuration file's text, as far as its form goes.
    ///
    /// # Errors
    /// Every place where it is not RON, or not what a configuration is made of.
    pub fn parse(file: &str, text: &str) -> Result<ConfigSpec, Vec<Problem>> {
        ConfigSpec::read(file, text, |_, _| {})
    }

    /// Reads a configuration file's text, and holds it against what there is and against itself.
    ///
    /// # Errors
    /// Every mistake in it, in the order of the file.
    pub fn check(file: &str, text: &str, known: &Known) -> Result<ConfigSpec, Vec<Problem>> {
        ConfigSpec::read(file, text, |tree, found| meaning::check(&tree.root, known, found))
    }

    fn read(file: &str, text: &str, more: impl FnOnce(&Tree, &mut Found<'_>)) -> Result<ConfigSpec, Vec<Problem>> {
        let tree = Tree::of(text);
        let mut found = Found::new(file);
        tree.mistakes.iter().for_each(|(place, what)| found.at(*place, what.clone()));
        fit::fit(&tree.root, &ConfigSpec::SHAPE, WHOLE, &mut found);
        more(&tree, &mut found);
        if !found.is_empty() {
            return Err(found.into_problems());
        }
        ron_text::parse(file, text).map_err(|problem| vec![problem])
    }

    /// As RON, for a person to read; it reads back as the same.
    ///
    /// # Errors
    /// Never for a configuration: all of its parts have RON forms.
    pub fn text(&self) -> Result<String, ron::Error> {
        let implicit_some = ron::extensions::Extensions::IMPLICIT_SOME;
        let text = ron::ser::to_string_pretty(self, ron::ser::PrettyConfig::default().extensions(implicit_some))?;
        let lines = text.lines().filter(|line| !line.starts_with("#![enable(")).map(|line| {
            // The library writes the variant raw, to tell it from an option's; a reader need not care.
            if line.trim() == "privilege: r#None," { line.replace("r#None", "None") } else { line.to_owned() }
        });
        Ok(lines.map(|line| line + "\n").collect())
    }

    /// The same with every default written out: labels, settings, and each source's interval.
    #[must_use]
    pub fn effective(mut self, systems: &BTreeMap<SystemId, SystemSpec>) -> ConfigSpec {
        for target in &mut self.targets {
            let Some(system) = systems.get(&target.system) else { continue };
            target.settings = system.settings(&target.settings);
            let intervals = system.sources.iter().map(|source| (source.id.clone(), target.interval_of(source)));
            target.intervals = intervals.collect();
            for address in target.nodes.iter_mut().flat_map(|node| &mut node.endpoints) {
                let endpoint = system.endpoints.iter().find(|endpoint| endpoint.id == address.id.as_str());
                address.instance = Some(address.instance());
                address.job = address.job.take().or_else(|| endpoint.map(|endpoint| endpoint.job.clone()));
            }
        }
        self
    }

    /// A commented configuration to begin with: every option, what it is for, and an example. `systems` are those
    /// that a target can be of.
    #[must_use]
    pub fn template(systems: &BTreeMap<SystemId, SystemSpec>) -> String {
        template::template(systems)
    }
}

#[cfg(test)]
mod tests;
