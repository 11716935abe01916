//! The facts that every pane reads. Owned and changed by `app/` alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::alerts::Why;
use super::metrics::Explorer;
use super::series::Picture;
use crate::alert::AlertBook;
use crate::alert::slo::Standing;
use crate::base::{At, Boot, Key, PanelId, Ring, RunId, Severity, TargetId};
use crate::config::TargetSpec;
use crate::model::{FaultState, Reading, Store};
use crate::runbook::{Actor, Entry, Run};
use crate::sources::BoundSource;
use crate::systems::{DimensionSpec, System};
use crate::ui::{Action, Keymap, Theme};

/// Everything that is known now.
#[derive(Clone, Debug)]
pub struct Model {
    pub now: At,
    pub console: Console,
    pub link: Link,
    pub theme: Arc<Theme>,
    pub keymap: Arc<Keymap>,
    /// The names of the themes and keymaps that there are, in the order in which they are gone through.
    pub themes: Vec<String>,
    pub keymaps: Vec<String>,
    /// The keys of a sequence that is not complete yet.
    pub strokes: Vec<Key>,
    pub targets: Vec<Target>,
    /// Index into `targets`.
    pub selected: usize,
    pub dimensions: Vec<DimensionSpec>,
    pub store: Store,
    /// What the page of metrics asks, and what it was answered.
    pub explorer: Explorer,
    /// Why the selected alert says what it says, while the page of alerts is shown.
    pub why: Option<Why>,
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
    /// What the demo told last; nothing where it does not tell.
    pub faults: Option<FaultsTold>,
}

/// Which faults of a demo are on. It is asked every few seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultsTold {
    /// Each as `system/name`.
    pub on: Vec<String>,
}

impl FaultsTold {
    /// Those of `faults` that are on.
    #[must_use]
    pub fn of(faults: &[FaultState]) -> FaultsTold {
        FaultsTold { on: faults.iter().filter(|fault| fault.on).map(FaultState::whole_name).collect() }
    }
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
    /// Set where nothing is configured and nothing was found: what was looked for, line by line.
    #[serde(default)]
    pub nothing_found: Vec<String>,
}

/// The line between this console and the eyes of its operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub state: LinkState,
    /// What only decorates is left out.
    pub plain: bool,
}

/// What is known of the line, from the terminal's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkState {
    /// The terminal has not answered yet, or never does.
    #[default]
    Unknown,
    Fast,
    /// It carries this much, or if none is given it takes long whatever it carries.
    Slow {
        bytes_per_second: Option<u32>,
    },
    /// Nothing that was written since then has arrived, as far as can be told.
    Held {
        since: Boot,
    },
}

impl Default for Link {
    /// Nothing is known yet, so that the first frame is one that any line carries in a moment.
    fn default() -> Link {
        Link { state: LinkState::Unknown, plain: true }
    }
}

impl Link {
    /// How often data alone redraws the screen. Beyond a second, seconds are not shown.
    #[must_use]
    pub fn refresh(self) -> Duration {
        Duration::from_secs(match self.state {
            LinkState::Unknown | LinkState::Fast => 1,
            LinkState::Slow { bytes_per_second: None | Some(4_000..) } => 2,
            LinkState::Slow { bytes_per_second: Some(1_000..4_000) } | LinkState::Held { .. } => 5,
            LinkState::Slow { bytes_per_second: Some(0..1_000) } => 10,
        })
    }
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
    /// How its objectives stand, as they were last looked at.
    pub objectives: Vec<Standing>,
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
    /// Why the level of a value that is fresh can not be told; nothing where it can.
    pub unjudged: Option<String>,
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

    /// Gives the theme the frames of the selected target's environment.
    pub fn dress(&mut self) {
        let environment = self.target().map(|target| target.spec.environment);
        if self.theme.environment != environment {
            Arc::make_mut(&mut self.theme).environment = environment;
        }
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
