//! The one loop: input first, drain, draw at most thirty times a second, and nothing when nothing changed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::clock;
use super::driver::{Driver, ForScreen};
use super::http::HttpClient;
use super::poller::Poller;
use super::recorder::{Recorder, RecordingError};
use super::signals::{ShellSignal, Signals};
use super::state_root::StateRoot;
use super::terminal::screen::SYNCHRONIZED_MODE;
use super::terminal::{Drawn, ReadOutcome, Resumed, Screen, TermEvent, TerminalGuard, TtyReader, install_panic_hook};
use crate::app::msg::Signal;
use crate::app::{App, Effect, FrameDue, Msg, Setup, SetupError};
use crate::base::{At, Boot};
use crate::model::Batch;

/// Messages from pollers, journal and proofs that may wait; they wait at the other end when there are more.
const QUEUE: usize = 256;
/// Messages taken in before the screen is looked at again.
const DRAIN: usize = 128;
/// Thirty frames a second.
const FRAME: Duration = Duration::from_millis(33);

/// While the terminal takes a frame, the loop looks again this often at the least.
const BUSY: Duration = Duration::from_secs(1);

/// The console ended otherwise than by its operator.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error("{0}")]
    Setup(#[from] SetupError),
    #[error("the terminal: {0}")]
    Terminal(#[from] std::io::Error),
    #[error("the recording: {0}")]
    Recording(#[from] RecordingError),
    #[error("{0}")]
    Source(#[from] crate::sources::SourceError),
}

/// Runs the console until it is quit or its terminal is gone. `history` is what is known from before; polling begins
/// when it has been taken in.
///
/// # Errors
/// The terminal or a file can not be used, or the setup has mistakes.
pub async fn run(
    mut setup: Setup,
    root: StateRoot,
    record: Option<&Path>,
    history: impl Future<Output = Vec<Batch>>,
) -> Result<(), ConsoleError> {
    install_panic_hook();
    let guard = TerminalGuard::enter()?;
    let screen = Screen::new(&guard)?;
    let size = screen.size();
    (setup.columns, setup.rows) = (size.width, size.height);
    let recorder = record.map(|path| Recorder::begin(path, &setup)).transpose()?;
    let actor = setup.console.actor.clone();
    let (app, first) = App::new(setup)?;
    let mut console = Console { app, screen, recorder, frame: 0, last_frame: None, gone: false, after: Vec::new() };
    console.draw()?;

    let (out, messages) = mpsc::channel(QUEUE);
    let mut driver = Driver::new(Arc::new(root), out.clone(), clock::now, actor);
    console.carry_out(first, &mut driver).await?;
    let result = console.live(&guard, &mut driver, out, messages, history).await;
    guard.leave();
    driver.finish().await;
    if let Some(recorder) = &mut console.recorder {
        recorder.flush()?;
    }
    result
}

struct Console {
    app: App,
    screen: Screen,
    recorder: Option<Recorder>,
    /// Frames drawn so far: the number by which the terminal's acknowledgement is known.
    frame: u64,
    last_frame: Option<Instant>,
    gone: bool,
    /// What only the terminal can do, in order.
    after: Vec<ForScreen>,
}

impl Console {
    async fn live(
        &mut self,
        guard: &TerminalGuard,
        driver: &mut Driver,
        out: mpsc::Sender<(At, Msg)>,
        mut messages: mpsc::Receiver<(At, Msg)>,
        history: impl Future<Output = Vec<Batch>>,
    ) -> Result<(), ConsoleError> {
        let mut signals = Signals::new()?;
        let mut reader = TtyReader::new(guard.tty())?;
        let mut history = std::pin::pin!(history);
        let mut polling: Option<Poller> = None;
        while !self.over() {
            let next = self.next_look();
            tokio::select! {
                biased;
                read = reader.read_events() => match read? {
                    ReadOutcome::Events(events) => {
                        for event in events {
                            self.typed(event, driver).await?;
                        }
                    }
                    ReadOutcome::Gone => self.gone = true,
                },
                signal = signals.next() => self.signalled(signal, guard, driver).await?,
                Some((at, msg)) = messages.recv() => {
                    self.happened(at, msg, driver).await?;
                    for _ in 0..DRAIN {
                        let Ok((at, msg)) = messages.try_recv() else { break };
                        self.happened(at, msg, driver).await?;
                    }
                }
                batches = &mut history, if polling.is_none() => {
                    for batch in batches {
                        self.happened(clock::now(), Msg::Polled(Arc::new(batch)), driver).await?;
                    }
                    let poller = self.start_polling(&out)?;
                    driver.polls(poller.nudges());
                    polling = Some(poller);
                }
                drawn = self.screen.drained(), if self.screen.is_busy() => self.note_drawn(drawn?),
                () = sleep_until(next) => self.happened(clock::now(), Msg::Woke, driver).await?,
            }
            self.for_screen(guard, driver).await?;
            if self.due() {
                self.draw()?;
            }
        }
        Ok(())
    }

    fn over(&self) -> bool {
        self.gone || self.app.is_quitting()
    }

    fn start_polling(&self, out: &mpsc::Sender<(At, Msg)>) -> Result<Poller, ConsoleError> {
        Ok(Poller::of_targets(&self.app.model().targets, &HttpClient::new(), out, clock::now)?)
    }

    async fn typed(&mut self, event: TermEvent, driver: &mut Driver) -> Result<(), ConsoleError> {
        let msg = match event {
            TermEvent::Key(key) => Msg::Key(key),
            TermEvent::Paste { text, .. } => Msg::Paste(text),
            TermEvent::ModeReport { mode: SYNCHRONIZED_MODE, known: true } => {
                self.screen.set_synchronized(true);
                return Ok(());
            }
            TermEvent::Mouse => Msg::Mouse,
            TermEvent::Status if self.screen.acknowledged().is_some() => Msg::Painted,
            TermEvent::Status => return Ok(()),
            TermEvent::CursorPosition { .. }
            | TermEvent::ModeReport { .. }
            | TermEvent::Focus(_)
            | TermEvent::Unknown => return Ok(()),
        };
        self.happened(clock::now(), msg, driver).await
    }

    async fn signalled(
        &mut self,
        signal: ShellSignal,
        guard: &TerminalGuard,
        driver: &mut Driver,
    ) -> Result<(), ConsoleError> {
        let msg = match signal {
            ShellSignal::Terminate => Msg::Signal(Signal::Terminate),
            ShellSignal::HangUp => Msg::Signal(Signal::HangUp),
            ShellSignal::Interrupt => Msg::Signal(Signal::Interrupt),
            ShellSignal::WindowChanged => {
                self.screen.resize();
                let size = self.screen.size();
                Msg::Resized { columns: size.width, rows: size.height }
            }
            ShellSignal::Stop => {
                self.after.push(ForScreen::Suspend);
                return Ok(());
            }
            ShellSignal::Continue => match guard.resume()? {
                Resumed::Background => return Ok(()),
                Resumed::Redraw => {
                    self.screen.resumed();
                    Msg::Resumed
                }
            },
        };
        self.happened(clock::now(), msg, driver).await
    }

    async fn happened(&mut self, at: At, msg: Msg, driver: &mut Driver) -> Result<(), ConsoleError> {
        // A message is stamped where it arose; by the time it is taken in the clocks may be further.
        let at = At { boot: at.boot.max(self.app.model().now.boot), ..at };
        if let Some(recorder) = &mut self.recorder {
            recorder.note(at, &msg)?;
        }
        let effects = self.app.update(at, msg);
        self.carry_out(effects, driver).await
    }

    async fn carry_out(&mut self, effects: Vec<Effect>, driver: &mut Driver) -> Result<(), ConsoleError> {
        for effect in effects {
            let declared = self.app.model().arming.as_ref().map(|arming| arming.declared.clone());
            if let Some(job) = driver.carry_out(effect, declared.as_deref()).await {
                self.after.push(job);
            }
        }
        Ok(())
    }

    async fn for_screen(&mut self, guard: &TerminalGuard, driver: &mut Driver) -> Result<(), ConsoleError> {
        for job in std::mem::take(&mut self.after) {
            match job {
                ForScreen::Quit => {}
                ForScreen::Redraw => self.screen.clear(),
                ForScreen::AskPainted => {
                    self.screen.ask_painted(self.frame);
                }
                ForScreen::Bell => {
                    let rung = self.screen.bell();
                    self.note_drawn(rung);
                }
                ForScreen::Copy(text) => {
                    let failed = self.screen.copy(&text).err().map(|error| error.to_string());
                    self.happened(clock::now(), Msg::Copied { failed }, driver).await?;
                }
                ForScreen::Suspend => {
                    if let Err(error) = guard.suspend() {
                        self.happened(clock::now(), Msg::NotSuspended { why: error.to_string() }, driver).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// When the loop has to look again without being told.
    fn next_look(&self) -> Instant {
        let now = clock::now().boot;
        let in_boot = |due: Boot| Instant::now() + due.since(now);
        let frame = match self.app.frame_due() {
            FrameDue::Now => Instant::now(),
            FrameDue::At(due) => in_boot(due),
        };
        let frame = frame.max(self.last_frame.map_or_else(Instant::now, |last| last + FRAME));
        let frame = if self.screen.is_busy() { Instant::now() + BUSY } else { frame };
        self.app.wake().map_or(frame, |due| frame.min(in_boot(due)))
    }

    fn due(&self) -> bool {
        let spaced = self.last_frame.is_none_or(|last| last.elapsed() >= FRAME);
        // A terminal that has not taken the last frame gets the newest picture when it has, not every one between.
        spaced
            && !self.screen.is_busy()
            && match self.app.frame_due() {
                FrameDue::Now => true,
                FrameDue::At(due) => clock::now().boot >= due,
            }
    }

    fn draw(&mut self) -> Result<(), ConsoleError> {
        let app = &self.app;
        let drawn = self.screen.draw(|buffer, area: Rect| app.render(area, buffer));
        self.note_drawn(drawn);
        self.frame += 1;
        self.last_frame = Some(Instant::now());
        let at = clock::now();
        if let Some(recorder) = &mut self.recorder {
            recorder.note(at, &Msg::Drawn)?;
        }
        self.app.update(at, Msg::Drawn);
        Ok(())
    }

    fn note_drawn(&mut self, drawn: Drawn) {
        if matches!(drawn, Drawn::Gone) {
            self.gone = true;
        }
    }
}
