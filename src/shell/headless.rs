//! The console without a terminal: polls, evaluates, and hands back what it knows. It never acts.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::backfill;
use super::clock;
use super::console::ConsoleError;
use super::fetch::Fetcher;
use super::fetch::http::HttpClient;
use super::poller::Poller;
use crate::app::beside::Unwritten;
use crate::app::{App, Effect, Msg, Setup};
use crate::panes::Model;
use crate::ui::{keymap, theme};

/// However long sources take, a look is over after this much more than was asked for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Polls every source at least once, and goes on for `watch`.
///
/// # Errors
/// Mistakes in the setup.
pub async fn look(setup: Setup, fetcher: &Fetcher, watch: Duration) -> Result<App, ConsoleError> {
    let began = Instant::now();
    look_while(setup, fetcher, watch + PATIENCE, move |model| began.elapsed() < watch || !all_polled(model)).await
}

/// Polls until every source was polled and `done` holds, at most for `longest`.
///
/// # Errors
/// Mistakes in the setup.
pub async fn look_until(
    setup: Setup,
    fetcher: &Fetcher,
    longest: Duration,
    done: fn(&Model) -> bool,
) -> Result<App, ConsoleError> {
    look_while(setup, fetcher, longest, move |model| !all_polled(model) || !done(model)).await
}

fn all_polled(model: &Model) -> bool {
    model.store.sources().chain(model.store.backfills()).all(|source| source.polls > 0)
}

async fn look_while(
    mut setup: Setup,
    fetcher: &Fetcher,
    longest: Duration,
    go_on: impl Fn(&Model) -> bool,
) -> Result<App, ConsoleError> {
    // Nothing is drawn and no key is pressed: a mistake in a theme or a keymap must not stop a check.
    let own = |(name, text): (&str, &str)| (name.to_owned(), text.to_owned());
    (setup.theme, setup.keymap) = (own(theme::EMBEDDED[0]), own(keymap::EMBEDDED[0]));
    let (mut app, first) = App::new(setup)?;
    let (out, mut messages) = mpsc::channel(64);
    // The past ends where polling begins, so it is asked for before.
    for effect in first {
        if let Effect::Backfill(plan) = effect {
            backfill::start(*plan, HttpClient::new(), out.clone(), clock::now);
        }
    }
    let _poller = Poller::of_targets(&app.model().targets, fetcher, &out, clock::now)?;
    let end = Instant::now() + longest;
    while go_on(app.model()) && Instant::now() < end {
        let now = clock::now().boot;
        let due = app.wake().map_or(end, |due| Instant::now() + due.since(now)).min(end);
        let effects = tokio::select! {
            biased;
            Some((at, msg)) = messages.recv() => app.update(at, msg),
            () = tokio::time::sleep_until(due) => app.update(clock::now(), Msg::Woke),
        };
        // Nothing is journalled by a look: what it sees is its output.
        debug_assert!(effects.iter().all(|effect| !matches!(effect, Effect::Commit { .. })));
        // No key waits here for anything to be evaluated.
        for effect in effects {
            if let Effect::Evaluate { number, .. } = effect {
                drop(app.update(clock::now(), Msg::Evaluated { number, found: Unwritten::default() }));
            }
        }
        app.update(clock::now(), Msg::Drawn);
    }
    // Everything is evaluated once more on what is known now: the last batches came after the last evaluation.
    app.conclude(clock::now());
    Ok(app)
}
