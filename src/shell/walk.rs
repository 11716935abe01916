//! A runbook without a terminal: its sources are polled, its run is journalled, and the walk ends before anything that
//! is a person's to decide. It never acts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::clock;
use super::console::ConsoleError;
use super::driver::Driver;
use super::fetch::Fetcher;
use super::poller::Poller;
use super::state_root::StateRoot;
use crate::app::walking::Halt;
use crate::app::{App, Effect, JournalId, Msg, Setup};
use crate::base::RunId;
use crate::runbook::Entry;
use crate::ui::{keymap, theme};

/// Messages that may wait.
const QUEUE: usize = 256;
/// How often the walk is looked at when nothing happens.
const LOOK: Duration = Duration::from_millis(250);

/// How a walk ended.
#[derive(Debug)]
pub struct Walked {
    /// Missing where no run was opened in time.
    pub run: Option<RunId>,
    /// Missing where the time was over first.
    pub halt: Option<Halt>,
}

/// Walks the runbook that the setup wants, at most for `longest`. `told` is given every entry of its run, as it is
/// journalled.
///
/// # Errors
/// Mistakes in the setup.
pub async fn walk(
    mut setup: Setup,
    root: StateRoot,
    longest: Duration,
    mut told: impl FnMut(&Entry),
) -> Result<Walked, ConsoleError> {
    // Nothing is drawn and no key is pressed: a mistake in a theme or a keymap must not stop a walk.
    let own = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    (setup.theme, setup.keymap) = (own(theme::EMBEDDED[0]), own(keymap::EMBEDDED[0]));
    setup.boot_id = clock::boot_id();
    let actor = setup.console.actor.clone();
    let (mut app, first) = App::new(setup)?;
    let (out, mut messages) = mpsc::channel(QUEUE);
    let root = Arc::new(root);
    let fetcher = Fetcher::sharing(Arc::clone(&root));
    let mut driver = Driver::new(root, out.clone(), clock::now, actor);
    carry_out(first, &mut driver).await;
    let poller = Poller::of_targets(&app.model().targets, &fetcher, &out, clock::now)?;
    let end = Instant::now() + longest;
    let mut entries = Vec::new();
    let mut shown = 0;
    let halt = loop {
        let (at, msg) = tokio::select! {
            biased;
            Some(told) = messages.recv() => told,
            () = tokio::time::sleep(LOOK) => (clock::now(), Msg::Woke),
        };
        if let Msg::Journalled { journal: JournalId::Run(run), entry, .. } = &msg {
            entries.push((run.clone(), (**entry).clone()));
        }
        let mut effects = app.update(at, msg);
        let (further, halt) = app.walk(clock::now());
        effects.extend(further);
        carry_out(effects, &mut driver).await;
        if let Some(run) = app.walked() {
            entries[shown..].iter().filter(|(of, _)| of == run).for_each(|(_, entry)| told(entry));
            shown = entries.len();
        }
        if halt.is_some() || Instant::now() >= end {
            break halt;
        }
    };
    // The ledger ends when it has written everything; what it has to say to nobody is let go.
    drop((poller, messages));
    driver.finish().await;
    Ok(Walked { run: app.walked().cloned(), halt })
}

/// A walk journals, evaluates and gathers evidence; of alerts and objectives the consoles keep what is kept.
async fn carry_out(effects: Vec<Effect>, driver: &mut Driver) {
    for effect in effects {
        match effect {
            Effect::Append { .. }
            | Effect::Follow { .. }
            | Effect::Evaluate { .. }
            | Effect::Collect { .. }
            | Effect::Backfill(_)
            | Effect::FetchNow { .. } => drop(driver.carry_out(effect, None).await),
            Effect::Quit
            | Effect::Suspend
            | Effect::Redraw
            | Effect::AskPainted
            | Effect::Bell
            | Effect::Copy(_)
            | Effect::KeepAlerts(_)
            | Effect::KeepMinutes { .. }
            | Effect::Load { .. }
            | Effect::Inquire { .. }
            | Effect::Arm { .. }
            | Effect::Disarm { .. }
            | Effect::Prepare { .. }
            | Effect::Commit { .. }
            | Effect::Demo { .. } => {}
        }
    }
}
