//! What the console is made of before anything happened. Serialisable, so that a recording can begin with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use super::acting::ArmingState;
use super::beside::Beside;
use super::cells::Compiled;
use super::history::History;
use super::looks::Looks;
use super::rule_files::{self, RuleText};
use super::settings;
use super::walking::Wanted;
use super::watching::{self, Refreshed};
use super::{App, Effect, JournalId, append};
use crate::alert::slo::{History as Minutes, SloBook};
use crate::alert::{AlertBook, Remembered};
use crate::base::{At, Boot, Problem, Ring, Severity, SystemId, TargetId};
use crate::config::ConfigSpec;
use crate::model::{Retention, SourceState, Store};
use crate::panes::metrics::Explorer;
use crate::panes::model::{Banner, Console, Link, Model, Target};
use crate::panes::{Page, Panes};
use crate::promql::Expr;
use crate::runbook::Record;
use crate::sources::BoundSource;
use crate::systems::{self, Files, System};
use crate::ui::{Depth, Keymap, Theme};

/// Entries that the journal pane can show.
const JOURNAL_SHOWN: usize = 1000;

/// Everything the core needs to know of the world it starts in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Setup {
    pub config: ConfigSpec,
    /// The files of every system that a target names.
    pub systems: BTreeMap<SystemId, Files>,
    /// The rule files that the configuration names.
    #[serde(default)]
    pub rules: Vec<RuleText>,
    /// File and text.
    pub theme: (String, String),
    pub keymap: (String, String),
    /// The names of all that there are.
    #[serde(default)]
    pub themes: Vec<String>,
    #[serde(default)]
    pub keymaps: Vec<String>,
    /// What is known from before of the objectives of each target.
    #[serde(default)]
    pub minutes: BTreeMap<TargetId, Minutes>,
    #[serde(default)]
    pub depth: Depth,
    pub ascii: bool,
    pub console: Console,
    /// Clocks and claims of alerts that a console before this one kept.
    #[serde(default)]
    pub remembered: Option<Remembered>,
    /// The kernel's name of this boot; empty where it gives none.
    #[serde(default)]
    pub boot_id: String,
    /// Unique to this console on this host.
    pub nonce: String,
    pub columns: u16,
    pub rows: u16,
    pub banners: Vec<Banner>,
    /// The runbook to open at start.
    #[serde(default)]
    pub wanted: Option<Wanted>,
}

/// The console can not start with what it was given.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("{}", list(.0))]
    Problems(Vec<Problem>),
    #[error("target {target} is of system {system}, which there is no folder for; there are: {known}")]
    UnknownSystem { target: String, system: String, known: String },
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

impl Setup {
    /// The systems of the configured targets, loaded and checked.
    ///
    /// # Errors
    /// Every mistake in every file of every needed system.
    pub fn load_systems(&self) -> Result<BTreeMap<SystemId, Arc<System>>, SetupError> {
        let mut loaded = BTreeMap::new();
        let mut problems = Vec::new();
        for target in &self.config.targets {
            if loaded.contains_key(&target.system) {
                continue;
            }
            let Some(files) = self.systems.get(&target.system) else {
                return Err(SetupError::UnknownSystem {
                    target: target.id.to_string(),
                    system: target.system.to_string(),
                    known: self.systems.keys().map(SystemId::as_str).collect::<Vec<_>>().join(", "),
                });
            };
            match System::load(&target.system, files) {
                Ok(system) => {
                    loaded.insert(target.system.clone(), Arc::new(system));
                }
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(loaded) } else { Err(SetupError::Problems(problems)) }
    }
}

impl App {
    /// The console before its first message, and what is to be done first.
    ///
    /// # Errors
    /// A mistake in the files of a system, in the theme or the keymap.
    pub fn new(setup: Setup) -> Result<(App, Vec<Effect>), SetupError> {
        let systems = setup.load_systems()?;
        let theme = Theme::parse(&setup.theme.0, &setup.theme.1).map_err(SetupError::Problems)?;
        let theme = theme.with_depth(setup.depth).with_ascii(setup.ascii);
        let keymap = Keymap::parse(&setup.keymap.0, &setup.keymap.1).map_err(SetupError::Problems)?;
        let dimensions = systems::dimensions().map_err(|problem| SetupError::Problems(vec![problem]))?;
        let mut store = Store::new(Retention::default());
        let mut alerts = AlertBook::default();
        let mut slos = SloBook::default();
        let mut minutes = setup.minutes;
        let mut targets = Vec::new();
        for spec in &setup.config.targets {
            let system = Arc::clone(&systems[&spec.system]);
            let sources = spec.bind(&system.spec);
            sources.iter().for_each(|source| store.declare(declared(source)));
            spec.unbound(&system.spec).into_iter().for_each(|state| store.declare_unbound(state));
            alerts.add(&spec.id, &system.rules);
            for tier in &system.spec.escalation {
                let within = Duration::from_secs(tier.respond_within_minutes.saturating_mul(60));
                alerts.respond_within(&spec.id, tier.severity, within);
            }
            slos.add(&spec.id, &system.spec.objectives(), minutes.remove(&spec.id).unwrap_or_default());
            targets.push(Target {
                id: spec.id.clone(),
                spec: spec.clone(),
                chart: watching::chart(&system),
                system,
                sources,
                cells: BTreeMap::new(),
                objectives: Vec::new(),
            });
        }
        targets.iter().for_each(|target| settings::declare(&mut store, target));
        let ids: Vec<_> = targets.iter().map(|target| target.id.clone()).collect();
        let rule_files = rule_files::Loaded::at_start(&setup.config.rules, setup.rules, &ids, &mut alerts)?;
        alerts.declare(&mut store);
        if let Some(remembered) = setup.remembered {
            alerts.restore(remembered, setup.boot_id.clone());
        }
        let version = setup.console.version.clone();
        let mut banners = setup.banners;
        banners.sort_by_key(|banner| std::cmp::Reverse(banner.severity));
        let looks = Looks::of(&theme, &keymap);
        let mut model = Model {
            now: At::default(),
            console: setup.console,
            link: Link::default(),
            theme: Arc::new(theme),
            keymap: Arc::new(keymap),
            themes: setup.themes,
            keymaps: setup.keymaps,
            strokes: Vec::new(),
            targets,
            selected: 0,
            dimensions,
            store,
            explorer: Explorer::default(),
            why: None,
            alerts,
            runs: IndexMap::new(),
            shown_run: None,
            arming: None,
            journal: Ring::new(JOURNAL_SHOWN),
            journal_fault: None,
            banners,
            status: None,
            freeze: None,
            faults: None,
        };
        model.dress();
        let mut app = App {
            model,
            panes: Panes::default(),
            page: Page::Overview,
            history: History::default(),
            overlay: None,
            looks,
            choices: Vec::new(),
            area: Rect::new(0, 0, setup.columns, setup.rows),
            nonce: setup.nonce,
            boot_id: setup.boot_id,
            alerts_kept: None,
            settings_told: None,
            demo_asked: super::faults::Asked::default(),
            rule_files,
            arming: ArmingState::default(),
            writing: BTreeSet::new(),
            deciding: BTreeSet::new(),
            collecting: BTreeSet::new(),
            to_collect: BTreeMap::new(),
            last_key: Boot(0),
            refreshed: Refreshed::default(),
            compiled: Compiled::default(),
            beside: Beside::default(),
            slos,
            named: (BTreeSet::new(), Duration::ZERO),
            urgent: true,
            newer: true,
            quitting: false,
            wanted: setup.wanted,
        };
        app.keep_loaded();
        let mut first = vec![append(JournalId::Console, Record::ConsoleStarted { version })];
        app.ask_for_the_past(&mut first);
        Ok((app, first))
    }
}

/// A source before its first poll.
fn declared(source: &BoundSource) -> SourceState {
    let seconds = |value| Duration::try_from_secs_f64(value).unwrap_or_default();
    let mut state = SourceState::new(
        source.id.clone(),
        source.target.clone(),
        source.shown(),
        seconds(source.spec.interval_seconds),
        seconds(source.spec.timeout_seconds),
    );
    let kind = &source.spec.kind;
    state.gives_lines = kind.gives_lines();
    state.over_http = kind.over_http();
    state.decides_up = source.spec.decides_up;
    let names = kind.names();
    state.declares_all = names.is_some();
    state.declares = names.unwrap_or_else(|| source.spec.tells.promises.keys().cloned().collect());
    state.labels = source.labels.clone();
    state
}

/// The names and the longest range of every loaded expression: what the store must keep.
pub(super) fn expressions(targets: &[Target], alerts: &AlertBook) -> (BTreeSet<Arc<str>>, Duration) {
    let mut named: BTreeSet<Arc<str>> = alerts.names();
    let mut longest = alerts.longest_range();
    for target in targets {
        let spec = &target.system.spec;
        let rows = spec.panels.iter().flat_map(|panel| &panel.rows);
        let texts = rows
            .flat_map(|row| [Some(&row.expr), row.warning.as_ref(), row.critical.as_ref(), row.needs.as_ref()])
            .chain([spec.chart.as_ref().map(|chart| &chart.expr)])
            .flatten();
        let frozen = target.system.runbooks.iter().flat_map(|runbook| runbook.expressions());
        for text in texts.cloned().chain(frozen) {
            if let Ok(expr) = Expr::parse(&text) {
                longest = longest.max(expr.longest_range());
                named.extend(expr.names().iter().cloned());
            }
        }
    }
    (named, longest)
}

/// The banner of a state root that other operators do not see.
#[must_use]
pub fn unshared_banner() -> Banner {
    Banner {
        severity: Severity::Warning,
        text: "other operators are not excluded: the state root is this user's own".to_owned(),
    }
}
