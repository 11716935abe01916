//! The facts that every pane reads. Owned and changed by `app/` alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::alert::AlertBook;
use crate::base::{At, PanelId, Ring, RunId, Severity, TargetId};
use crate::config::TargetSpec;
use crate::model::{Reading, Store};
use crate::runbook::{Actor, Entry, Run};
use crate::sources::BoundSource;
use crate::systems::{DimensionSpec, System};
use crate::ui::{Action, Keymap, Theme};

/// Everything that is known now.
#[derive(Clone, Debug)]
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
    /// What the pages show instead of this, while the operator holds the screen.
    pub freeze: Option<Freeze>,
}

/// The screen is held: the pages show the facts of a moment, while data goes on coming in.
///
/// The copy is cheap: samples are rows behind `Arc`s, which both stores share. As the live store lets old rows go, the
/// copy keeps them, so a freeze takes at most what the store's cap allows once more.
#[derive(Clone, Debug)]
pub struct Freeze {
    pub since: At,
    /// Batches that came in meanwhile.
    pub batches: u64,
    /// What nobody may miss meanwhile (an alert that began to fire, a sequence that ended), oldest first: the first
    /// [`NEWS_SHOWN`] in words.
    pub news: Vec<String>,
    pub news_more: usize,
    /// The model as it was, itself not frozen.
    pub shown: Box<Model>,
}

/// News that the banner of a freeze tells; the rest is counted.
pub const NEWS_SHOWN: usize = 4;

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
    /// The series that is charted instead of the system's own chart, as a selector.
    pub charted: Option<String>,
    /// The chart of the target's page: the last fixed buckets, oldest first, `None` where nothing was measured.
    pub chart: Vec<Option<f64>>,
    /// Seconds that one bucket of `chart` covers.
    pub chart_bucket_seconds: u32,
}

/// One row of a panel, evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub reading: Reading,
    pub level: Level,
    /// Fixed time buckets, oldest first.
    pub spark: Vec<Option<f64>>,
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

impl Freeze {
    /// Notes what happens behind the frozen screen; once, however often it does.
    pub fn note(&mut self, news: String) {
        if self.news.contains(&news) {
            return;
        }
        if self.news.len() < NEWS_SHOWN {
            self.news.push(news);
        } else {
            self.news_more += 1;
        }
    }

    /// What everyone at the screen must know of it.
    #[must_use]
    pub fn banner(&self, keymap: &Keymap) -> Banner {
        let batches = if self.batches == 1 { "batch" } else { "batches" };
        let news = match (self.news.as_slice(), self.news_more) {
            ([], _) => String::new(),
            (some, 0) => format!(" · since then {}", some.join(", ")),
            (some, more) => format!(" · since then {} and {more} more", some.join(", ")),
        };
        Banner {
            severity: if self.news.is_empty() { Severity::Warning } else { Severity::Critical },
            text: format!(
                "FROZEN since {} UTC, {} ends it{news} · {} {batches} came in",
                self.since.wall.clock(),
                keymap.press(Action::Freeze),
                self.batches,
            ),
        }
    }
}

impl Model {
    /// The facts that the pages show: those of now, or those of the moment at which the screen was frozen.
    #[must_use]
    pub fn shown(&self) -> &Model {
        self.freeze.as_ref().map_or(self, |freeze| &freeze.shown)
    }

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
