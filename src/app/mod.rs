//! The Elm machine that joins facts and view; still pure.
//!
//! ```text
//! App::update(at, Msg) -> Vec<Effect>       the only place where state changes
//! App::render(&self, area, buffer)          pure
//! App::wake() -> Option<Boot>               when it next needs to run by itself; there are no ticks
//! ```
//!
//! One file per concern: [`keys`] turns input into intents, [`watching`] turns batches into alerts and [`cells`], [`runs`]
//! opens runs and lets them propose their next record, [`exploring`] answers the page of metrics and [`explaining`] that
//! of alerts, [`people`] takes in what they did and said at a step, [`collecting`] gathers evidence, [`beside`] what
//! takes longer than a person notices, [`claims`] says who answers for an alert, [`acting`] arms and prepares,
//! [`confirming`] confirms and commits; [`history`] goes back and forward, [`freezing`] holds the screen, [`palette`]
//! gathers what can be found by typing, [`looks`] changes theme and keymap, [`rule_files`] the operator's own rules,
//! [`settings`] makes series of what is configured, [`finding_out`] asks a node anew that was started again,
//! [`backfilling`] takes in what servers remember, [`faults`] is the menu of a demo, [`walking`] opens what was asked for
//! from outside.
//!
//! Must never: touch the world; let a mutation out without its journal record and its confirmation.
//!
//! To add something that happens: a variant of [`Msg`]. To add something to be done: a variant of [`Effect`], and
//! its one arm in the shell's driver.

mod acting;
mod backfilling;
pub mod beside;
mod cells;
mod claims;
pub mod collecting;
mod confirming;
mod explaining;
mod exploring;
mod faults;
mod finding_out;
mod freezing;
mod history;
mod keys;
mod looks;
pub mod msg;
mod palette;
mod people;
mod rule_files;
mod runs;
mod settings;
pub mod setup;
pub mod walking;
mod watching;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::alert::slo::SloBook;
use crate::base::{At, Boot, RunId, Severity, TargetId};
use crate::panes::model::{Banner, Link, LinkState};
use crate::panes::{Model, Page, Panes};
use crate::runbook::Record;
use crate::ui::layout;
use crate::ui::overlay::Overlay;
use crate::ui::plain::plain;
pub use acting::place_of;
pub use looks::Reloaded;
pub use msg::{Effect, JournalId, Msg};
pub use rule_files::RuleText;
pub use setup::{Setup, SetupError};

/// A clock that moved this much apart from the other is a jump.
const JUMP_MILLIS: i64 = 5_000;
/// How long a sentence stays in the status line.
const STATUS_FOR: Duration = Duration::from_secs(12);

/// When the screen needs to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameDue {
    /// A person pressed a key, or something happened that can not wait.
    Now,
    /// Data and the clock are newer than what is shown.
    Newer,
    /// Nothing changes before then.
    At(Boot),
}

/// The whole state of the console.
#[derive(Debug)]
pub struct App {
    pub(crate) model: Model,
    panes: Panes,
    page: Page,
    history: history::History,
    overlay: Option<Overlay>,
    looks: looks::Looks,
    /// What the entries of the open palette stand for.
    choices: Vec<palette::Choice>,
    area: Rect,
    /// Distinguishes the runs of this console from those of others opened in the same millisecond.
    nonce: String,
    boot_id: String,
    rule_files: Vec<rule_files::Loaded>,
    /// When clocks and claims of alerts were last handed to the shell.
    alerts_kept: Option<Boot>,
    settings_told: Option<Boot>,
    demo_asked: faults::Asked,
    arming: acting::ArmingState,
    /// Runs with a record on its way to the journal: nothing is proposed for them until it has arrived.
    writing: BTreeSet<RunId>,
    /// Those of them whose record a person decided.
    deciding: BTreeSet<RunId>,
    /// Runs whose evidence the shell is writing.
    collecting: BTreeSet<RunId>,
    /// Since when runs wait for an archive that was not asked for yet.
    to_collect: BTreeMap<RunId, Boot>,
    last_key: Boot,
    refreshed: watching::Refreshed,
    compiled: cells::Compiled,
    beside: beside::Beside,
    slos: SloBook,
    /// What every loaded expression names, and the longest range of any.
    named: (BTreeSet<Arc<str>>, Duration),
    urgent: bool,
    /// Cells and the clock were brought up to date since the last frame.
    newer: bool,
    quitting: bool,
    /// What is to be opened as soon as every open run has been told.
    wanted: Option<walking::Wanted>,
}

impl App {
    /// Takes in what happened, and says what is to be done.
    pub fn update(&mut self, at: At, msg: Msg) -> Vec<Effect> {
        let mut effects = Vec::new();
        if let Msg::Drawn = msg {
            self.urgent = false;
            self.newer = false;
            return effects;
        }
        self.note_time(at, &mut effects);
        self.forget_strokes(at);
        match msg {
            Msg::Woke | Msg::Drawn => {}
            Msg::Key(key) => self.key(at, key, &mut effects),
            Msg::Paste(text) => self.paste(at, &text, &mut effects),
            Msg::Mouse => {}
            Msg::Reloaded(read) => self.reloaded(at, *read),
            Msg::Resized { columns, rows } => {
                self.area = Rect::new(0, 0, columns, rows);
                self.urgent = true;
                self.call_off(at, "the window changed its size", &mut effects);
            }
            Msg::Link(link) => self.linked(at, link, &mut effects),
            Msg::Painted => self.painted(),
            Msg::Resumed => self.resumed(at, &mut effects),
            Msg::NotSuspended { why } => self.say(at, why),
            Msg::Signal(signal) => self.quit(&format!("signal: {signal}"), &mut effects),
            Msg::Polled(batch) => self.polled(&batch, &mut effects),
            Msg::Evaluated { number, found } => self.evaluated(at, number, found, &mut effects),
            Msg::NextTry { source, at } => {
                if let Some(state) = self.model.store.source_mut(&source) {
                    state.next_try = Some(at);
                }
            }
            Msg::Journalled { journal, entry, more } => self.journalled(at, &journal, *entry, more, &mut effects),
            Msg::Overtaken { run } => self.overtaken(at, &run),
            Msg::JournalRefused { journal, why } => self.journal_refused(at, &journal, &why),
            Msg::AlertsNotKept { why } => self.banner(Severity::Warning, why),
            Msg::ArmAnswered { target, answer } => self.arm_answered(at, &target, answer, &mut effects),
            Msg::Prepared { run, step, answer } => self.prepared(at, &run, &step, *answer, &mut effects),
            Msg::Committed { run, failed } => self.committed(at, &run, failed),
            Msg::MinutesNotKept { why } => {
                self.banner(Severity::Warning, format!("the minutes of objectives are not kept: {why}"));
            }
            Msg::Backfilled(fill) => self.backfilled(&fill),
            Msg::Inquired { number, answer } => {
                self.model.explorer.inquired(number, answer);
                self.urgent = true;
            }
            Msg::Copied(Ok(copied)) => {
                let needs = copied.needs.map(|needs| format!(" ({needs})")).unwrap_or_default();
                self.say(
                    at,
                    format!("copied {}{needs}: {}", crate::base::text::count(copied.bytes, "byte"), copied.text),
                );
            }
            Msg::Copied(Err(why)) => self.say(at, why),
            Msg::Collected { run, step, outcome } => self.collected(&run, step, *outcome, &mut effects),
            Msg::Remembered(batches) => batches.iter().for_each(|batch| self.polled(batch, &mut effects)),
            Msg::DemoTold { order, answer } => self.demo_told(at, &order, answer, &mut effects),
        }
        self.accept_unpainted(at);
        self.count_down(at, &mut effects);
        if !self.quitting {
            self.watch(at, &mut effects);
            self.propose(at, &mut effects);
        }
        self.model.dress();
        self.keep_freeze(at);
        effects
    }

    /// Draws the screen as it should be.
    pub fn render(&self, area: Rect, buffer: &mut Buffer) {
        crate::panes::draw(&self.model, &self.panes, self.page, area, buffer);
        if self.model.link.plain {
            plain(buffer, &self.model.theme);
        }
        if let Some(overlay) = &self.overlay {
            match layout::layout(area.intersection(buffer.area), 0) {
                Ok(_) => overlay.render(&self.model.theme, &self.model.keymap, self.model.now, area, buffer),
                Err(_) => overlay.render_hidden(&self.model.theme, area, buffer),
            }
        }
        self.model.theme.paint(area, buffer);
    }

    /// Which overlay takes the keys, in a word; none where the page does.
    #[must_use]
    pub fn asks(&self) -> Option<&'static str> {
        self.overlay.as_ref().map(Overlay::word)
    }

    /// Whether a confirmation is open: what was not typed by hand means no to it.
    #[must_use]
    pub fn is_confirming(&self) -> bool {
        matches!(self.overlay, Some(Overlay::Confirm(_)))
    }

    /// When the app needs to run by itself: never in the past.
    #[must_use]
    pub fn wake(&self) -> Option<Boot> {
        let confirm = match &self.overlay {
            Some(Overlay::Confirm(confirm)) => confirm.wake(self.model.now.boot),
            Some(
                Overlay::Help(_)
                | Overlay::Palette(_)
                | Overlay::Filter(_)
                | Overlay::Query(_)
                | Overlay::Arm(_)
                | Overlay::Reason(_)
                | Overlay::Settle(_)
                | Overlay::Claim(_)
                | Overlay::BreakGlass(_)
                | Overlay::Said(_)
                | Overlay::Faults(_),
            )
            | None => None,
        };
        let now = self.model.now.boot;
        [
            self.model.alerts.wake(),
            self.arming_wake(),
            confirm,
            self.strokes_wake(),
            self.settings_wake(),
            Some(self.refresh_due().unwrap_or(now)),
            self.alerts_kept.map(|kept| kept.plus(watching::KEEP_EVERY)),
        ]
        .into_iter()
        .flatten()
        .min()
        .map(|due| due.max(Boot(now.0 + 1)))
    }

    /// When the screen needs to be drawn: at once after a key, else when the clock, ages and cells were brought up to
    /// date: once a second, less often over a slow line.
    #[must_use]
    pub fn frame_due(&self) -> FrameDue {
        match (self.urgent, self.newer) {
            (true, _) => FrameDue::Now,
            (false, true) => FrameDue::Newer,
            (false, false) => FrameDue::At(self.refresh_due().unwrap_or(self.model.now.boot)),
        }
    }

    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    #[must_use]
    pub fn page(&self) -> Page {
        self.page
    }

    #[must_use]
    pub fn is_quitting(&self) -> bool {
        self.quitting
    }

    /// Evaluates everything on what is known now, due or not: before what is known is printed.
    pub fn conclude(&mut self, at: At) {
        self.model.now = at;
        self.evaluate_all(at);
    }

    fn note_time(&mut self, at: At, effects: &mut Vec<Effect>) {
        let jump = at.jump_millis(self.model.now);
        let first = self.model.now == At::default();
        self.model.now = at;
        if first || jump.abs() <= JUMP_MILLIS {
            return;
        }
        if jump < 0 {
            self.model.store.forget_after(at.wall);
        }
        let text = format!("the clock of this machine jumped by {} s at {}", jump / 1000, at.wall.clock());
        self.banner(Severity::Warning, text);
        effects.push(append(JournalId::Console, Record::ClockJumped { millis: jump }));
        self.disarm("the clock jumped", effects);
        self.urgent = true;
    }

    fn resumed(&mut self, at: At, effects: &mut Vec<Effect>) {
        self.urgent = true;
        self.last_key = at.boot;
        self.call_off(at, "the terminal came back", effects);
        self.overlay = None;
        self.model.strokes.clear();
        // Whoever comes back to a screen takes what they see for the present.
        self.model.freeze = None;
        self.disarm("the terminal came back", effects);
    }

    fn linked(&mut self, at: At, link: Link, effects: &mut Vec<Effect>) {
        // What counts down unseen can not be called off.
        if matches!(link.state, LinkState::Held { .. }) && self.counts_down() {
            self.call_off(at, "the terminal shows nothing new", effects);
        }
        let before = std::mem::replace(&mut self.model.link, link);
        // Another figure can wait for the next frame; another picture, and that nothing arrives, can not.
        self.urgent |= before.plain != link.plain || matches!(link.state, LinkState::Held { .. });
        self.newer |= std::mem::discriminant(&before.state) != std::mem::discriminant(&link.state);
    }

    /// A terminal that acknowledges nothing is believed to show the confirmation after a while.
    fn accept_unpainted(&mut self, at: At) {
        if let Some(Overlay::Confirm(confirm)) = &self.overlay
            && confirm.believed_painted().is_some_and(|due| due <= at.boot)
        {
            self.painted();
        }
    }

    fn painted(&mut self) {
        if let Some(Overlay::Confirm(confirm)) = &mut self.overlay {
            confirm.painted(self.area);
            self.urgent = true;
        }
    }

    fn quit(&mut self, why: &str, effects: &mut Vec<Effect>) {
        if self.quitting {
            return;
        }
        self.quitting = true;
        self.disarm(why, effects);
        if self.alerts_kept.is_some() {
            self.keep_alerts(self.model.now, effects);
        }
        effects.push(append(JournalId::Console, Record::ConsoleStopped { why: why.to_owned() }));
        effects.push(Effect::Quit);
    }

    fn say(&mut self, at: At, text: impl Into<String>) {
        self.model.status = Some((text.into(), at.plus(STATUS_FOR)));
        self.urgent = true;
    }

    fn banner(&mut self, severity: Severity, text: String) {
        self.model.banners.retain(|banner| banner.text != text);
        self.model.banners.push(Banner { severity, text });
        self.model.banners.sort_by_key(|banner| std::cmp::Reverse(banner.severity));
        self.model.banners.truncate(4);
        self.urgent = true;
    }

    fn is_too_small(&self) -> bool {
        layout::layout(self.area, 0).is_err()
    }

    fn target_index(&self, id: &TargetId) -> Option<usize> {
        self.model.targets.iter().position(|target| target.id == *id)
    }
}

pub(crate) fn append(journal: JournalId, record: Record) -> Effect {
    Effect::Append { journal, record: Box::new(record), after: None }
}
