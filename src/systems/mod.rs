//! Systems: one folder of data per kind of chain node. No Rust knows a chain's name.
//!
//! A folder holds `system.ron` (endpoints, sources, panels, settings, contacts, policies, allowed reads),
//! `alerts.yml` (Prometheus rules) and `runbooks/*.ron`. All folders are embedded; a folder of the same name in the
//! operator's configuration directory takes an embedded one's place, whole.
//!
//! What tells a node from those of other systems stands with each endpoint (`recognise`, `recognise_at`), what its answers
//! say of itself and what the document promises of them with each source (`tells`): see [`recognise`] and [`promise`].
//!
//! Must never: contain a condition on a system's name; let a source read what `allowed_reads` does not declare.
//!
//! To add a chain: one folder. Nothing else.

pub mod promise;
pub mod recognise;
pub mod spec;

use std::collections::BTreeMap;
use std::sync::Arc;

use include_dir::{Dir, include_dir};

use crate::alert::{RuleFile, rules};
use crate::base::{Problem, SystemId, ron_text};
use crate::promql::Dialect;
use crate::runbook::Runbook;
pub use crate::sources::RecogniseSpec;
use crate::steps::book;
pub use promise::Promise;
pub use recognise::Recogniser;
pub use spec::{
    ContactSpec, Dimension, DimensionSpec, OnOverview, PanelSpec, PolicyKind, RowSpec, SettingValue, SystemSpec,
};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/systems");

/// A system, loaded and checked.
#[derive(Clone, Debug)]
pub struct System {
    pub id: SystemId,
    pub spec: SystemSpec,
    pub rules: RuleFile,
    pub runbooks: Vec<Arc<Runbook>>,
}

/// The files of one system, by path within its folder.
pub type Files = BTreeMap<String, String>;

/// The folders that come with the program, by system.
#[must_use]
pub fn embedded() -> BTreeMap<SystemId, Files> {
    EMBEDDED
        .dirs()
        .map(|folder| {
            let mut files = Files::new();
            collect(folder, folder, &mut files);
            (SystemId::new(folder.path().to_string_lossy()), files)
        })
        .collect()
}

fn collect(root: &Dir<'_>, folder: &Dir<'_>, files: &mut Files) {
    for file in folder.files() {
        let path = file.path().strip_prefix(root.path()).unwrap_or(file.path());
        if let Some(text) = file.contents_utf8() {
            files.insert(path.to_string_lossy().into_owned(), text.to_owned());
        }
    }
    folder.dirs().for_each(|inner| collect(root, inner, files));
}

/// What each of the product's five dimensions shows, and which system feeds it where no configured target does.
///
/// # Errors
/// The embedded file is not as the program expects: a mistake in the program's own data.
pub fn dimensions() -> Result<Vec<DimensionSpec>, Problem> {
    let file = "systems/dimensions.ron";
    let text = EMBEDDED.get_file("dimensions.ron").and_then(|file| file.contents_utf8()).unwrap_or_default();
    ron_text::parse(file, text)
}

impl System {
    /// Reads a system's files.
    ///
    /// # Errors
    /// Every mistake in every file, with its place.
    pub fn load(id: &SystemId, files: &Files) -> Result<System, Vec<Problem>> {
        let mut problems = Vec::new();
        let name = |path: &str| format!("{id}/{path}");
        let spec = match files.get("system.ron") {
            Some(text) => spec::load(&name("system.ron"), text).map_err(|found| problems.extend(found)).ok(),
            None => {
                problems.push(Problem::new(&name("system.ron"), 0, 0, "is missing"));
                None
            }
        };
        let dialect = spec.as_ref().map_or(Dialect::V3, |spec| spec.alerts_prometheus);
        let rules = match files.get("alerts.yml") {
            Some(text) => {
                rules::load_as(&name("alerts.yml"), text, dialect).map_err(|found| problems.extend(found)).ok()
            }
            None => Some(RuleFile::empty(&name("alerts.yml"))),
        };
        let mut runbooks = Vec::new();
        for (path, text) in files {
            let Some(stem) = path.strip_prefix("runbooks/").and_then(|path| path.strip_suffix(".ron")) else {
                continue;
            };
            match book::load(id, stem, &name(path), text) {
                Ok(runbook) => runbooks.push(Arc::new(runbook)),
                Err(found) => problems.extend(found),
            }
        }
        match (spec, rules) {
            (Some(mut spec), Some(rules)) if problems.is_empty() => {
                spec::count_events(&mut spec, &rules);
                Ok(System { id: id.clone(), spec, rules, runbooks })
            }
            _ => Err(problems),
        }
    }

    /// The runbook that serves an alert: the one its annotation names, or one that lists the alert.
    #[must_use]
    pub fn runbook_for(&self, alert: &str) -> Option<&Arc<Runbook>> {
        self.runbooks.iter().find(|runbook| runbook.alerts.iter().any(|served| served == alert))
    }
}
