//! The facts that every pane reads. Owned and changed by `app/` alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::metrics::Explorer;
use super::series::Picture;
use crate::alert::AlertBook;
use crate::base::{At, PanelId, Ring, RunId, Severity, TargetId};
use crate::config::TargetSpec;
use crate::model::{Reading, Store};
use crate::runbook::{Actor, Entry, Run};
use crate::sources::BoundSource;
use crate::systems::{DimensionSpec, System};
use crate::ui::{Keymap, Theme};

/// Everything that is known now.
#[derive(Debug)]
pub struct Model {
    pub now: At,
    pub console: Console,
    pub theme: Arc<Theme>,
    pub keymap: Arc<Keymap>,
    pub targets: Vec<Target>,
    /// Index into `targets`.
    pub selected: usize,
    pub dimensions: Vec<DimensionSpec>,
    pub store: Store,
    /// What the page of metrics asks, and what it was answered.
    pub explorer: Explorer,
    pub alerts: AlertBook,
    /// Open runs and runs that ended in this session, oldest first.
    pub runs: IndexMap<RunId, Run>,
    /// The run that the wizard shows.
    pub shown_run: Option<RunId>,
    pub arming: Option<Arming>,
    /// The newest entries of the console's journal and of the runs followed.
    pub journal: Ring<Entry>,
    /// Why nothing can be journalled, and so nothing done, if that is so.
    pub journal_fault: Option<String>,
    /// Standing facts that everyone at the screen must see, worst first.
    pub banners: Vec<Banner>,
    /// The last thing to say, until its time is up.
    pub status: Option<(String, At)>,
}

/// About this console.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Console {
    pub version: String,
    pub actor: Actor,
    /// Set while every target is simulated.
    pub demo: bool,
    pub state_root: String,
    /// Whether other operators of this host see the same state root.
    pub shared_state: bool,
}

/// A target with everything evaluated for display.
#[derive(Clone, Debug)]
pub struct Target {
    pub id: TargetId,
    pub spec: TargetSpec,
    pub system: Arc<System>,
    pub sources: Vec<BoundSource>,
    /// By panel; one cell per row of the panel.
    pub cells: BTreeMap<PanelId, Vec<Cell>>,
    /// The chart of the target's page; nothing where its system has none.
    pub chart: Option<Picture>,
}

/// Seconds of one bucket of a sparkline: it costs bytes only when one closes.
pub const SPARK_BUCKET_SECONDS: u32 = 10;

/// One row of a panel, evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub reading: Reading,
    pub level: Level,
    /// Fixed time buckets, oldest first.
    pub spark: Vec<Option<f64>>,
    /// Values from which on it is of that level, where its conditions compare it with a number.
    pub limits: Vec<(Level, f64)>,
}

/// How well something is. Always told by glyph and word too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// Can not be told.
    Unknown,
    Warning,
    Critical,
}

/// The console may act on one target until then.
#[derive(Clone, Debug, PartialEq)]
pub struct Arming {
    pub target: TargetId,
    pub reason: String,
    pub declared: String,
    pub until: At,
    /// How the shell proved that the target's commands act on the node that is shown, or why it could not.
    pub host_proof: Result<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banner {
    pub severity: Severity,
    pub text: String,
}

impl Model {
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.targets.get(self.selected)
    }

    #[must_use]
    pub fn target_by_id(&self, id: &TargetId) -> Option<&Target> {
        self.targets.iter().find(|target| target.id == *id)
    }

    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        self.runs.get(self.shown_run.as_ref()?)
    }
}

impl Target {
    /// The worst level of any of its cells.
    #[must_use]
    pub fn level(&self) -> Level {
        self.cells.values().flatten().map(|cell| cell.level).max().unwrap_or(Level::Unknown)
    }
}
