//! The one loop: input first, drain, draw at most thirty times a second, and nothing when nothing changed or while the
//! far end has not taken the last frame.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;
use tokio::sync::mpsc;

use super::alarm::Alarm;
use super::clock;
use super::demo::Desk;
use super::driver::{Driver, ForScreen};
use super::fetch::Fetcher;
use super::poller::Poller;
use super::recorder::{Recorder, RecordingError};
use super::reload::Watch;
use super::remembered;
use super::signals::{ShellSignal, Signals};
use super::state_root::StateRoot;
use super::terminal::burst;
use super::terminal::screen::SYNCHRONIZED_MODE;
use super::terminal::{
    Drawn, Pacing, ReadOutcome, Ready, Resumed, Screen, TermEvent, TerminalGuard, TtyReader, install_panic_hook,
};
use crate::app::msg::{Copied, Signal};
use crate::app::{App, Effect, FrameDue, Msg, Setup, SetupError};
use crate::base::{At, Boot, Severity};
use crate::model::Batch;
use crate::panes::model::Banner;

/// Messages from pollers, journal and proofs that may wait; they wait at the other end when there are more.
const QUEUE: usize = 256;
/// Messages taken in before the screen is looked at again.
const DRAIN: usize = 128;
/// Thirty frames a second, while somebody presses keys.
const FRAME: Duration = Duration::from_millis(33);

/// While the terminal takes a frame, the loop looks again this often at the least.
const BUSY: Duration = Duration::from_secs(1);

/// The console ended otherwise than by its operator.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error("the terminal: {0}")]
    Terminal(#[from] std::io::Error),
    #[error("the recording: {0}")]
    Recording(#[from] RecordingError),
    #[error("{0}")]
    Source(#[from] crate::sources::SourceError),
}

/// Runs the console until it is quit or its terminal is gone. `desk` takes what its menu asks of a demo. `history` is
/// what is known from before; polling begins when it has been taken in.
///
/// # Errors
/// The terminal or a file can not be used, or the setup has mistakes.
pub async fn run(
    mut setup: Setup,
    root: StateRoot,
    record: Option<&Path>,
    desk: Desk,
    history: impl Future<Output = Vec<Batch>>,
) -> Result<(), ConsoleError> {
    install_panic_hook();
    // Before the terminal is taken: a signal that came in between would end the process with it in disorder.
    let signals = Signals::new()?;
    let guard = TerminalGuard::enter()?;
    let screen = Screen::new(&guard)?;
    let size = screen.size();
    (setup.columns, setup.rows) = (size.width, size.height);
    setup.boot_id = clock::boot_id();
    match remembered::read(&root) {
        Ok(found) => setup.remembered = found,
        Err(text) => setup.banners.push(Banner { severity: Severity::Warning, text }),
    }
    let recorder = record.map(|path| Recorder::begin(path, &setup)).transpose()?;
    let actor = setup.console.actor.clone();
    let root = Arc::new(root);
    let (app, first) = App::new(setup)?;
    let mut console = Console {
        app,
        fetcher: Fetcher::sharing(Arc::clone(&root)),
        screen,
        pacing: Pacing::default(),
        recorder,
        frame: 0,
        unfinished: false,
        painted: Asked::No,
        last_frame: None,
        gone: false,
        after: Vec::new(),
    };
    let asked_bytes = console.screen.ask_first();
    console.pacing.asked_first(clock::now().boot, asked_bytes);
    console.draw()?;

    let (out, messages) = mpsc::channel(QUEUE);
    let mut driver = Driver::new(root, out.clone(), clock::now, actor).with_desk(desk);
    console.carry_out(first, &mut driver).await?;
    let result = console.live(&guard, signals, &mut driver, out, messages, history).await;
    guard.leave();
    driver.finish().await;
    if let Some(recorder) = &mut console.recorder {
        recorder.flush()?;
    }
    result
}

async fn changed(files: &mut Option<Watch>) -> io::Result<()> {
    match files {
        Some(files) => files.changed().await,
        None => std::future::pending().await,
    }
}

/// Whether the core waits for the terminal to show something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    No,
    /// In the next frame that is drawn as a whole.
    NextFrame,
    /// In this frame, which was written.
    Frame(u64),
}

struct Console {
    app: App,
    fetcher: Fetcher,
    screen: Screen,
    pacing: Pacing,
    recorder: Option<Recorder>,
    /// Frames drawn so far: the number by which the terminal's acknowledgement is known.
    frame: u64,
    /// The last frame went out in part: the rest follows when the terminal has taken that.
    unfinished: bool,
    painted: Asked,
    /// When somebody last saw an answer to what they did.
    last_frame: Option<Boot>,
    gone: bool,
    /// What only the terminal can do, in order.
    after: Vec<ForScreen>,
}

impl Console {
    async fn live(
        &mut self,
        guard: &TerminalGuard,
        mut signals: Signals,
        driver: &mut Driver,
        out: mpsc::Sender<(At, Msg)>,
        mut messages: mpsc::Receiver<(At, Msg)>,
        history: impl Future<Output = Vec<Batch>>,
    ) -> Result<(), ConsoleError> {
        let mut reader = TtyReader::new(guard.tty())?;
        let mut history = std::pin::pin!(history);
        let mut polling: Option<Poller> = None;
        // Where files can not be watched, the operator's key reads them again.
        let mut files = Watch::begin(driver.loader(), &self.app.wanted_rules()).ok();
        let mut alarm = Alarm::new()?;
        while !self.over() {
            alarm.set(self.next_look(clock::now().boot))?;
            tokio::select! {
                biased;
                read = reader.read_events() => match read? {
                    ReadOutcome::Events(events) => {
                        let confirming = self.app.is_confirming();
                        for event in if confirming { burst::taken_as_paste(events) } else { events } {
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
                    let past: Vec<Arc<Batch>> = batches.into_iter().map(Arc::new).collect();
                    if !past.is_empty() {
                        self.happened(clock::now(), Msg::Remembered(past), driver).await?;
                    }
                    let poller = self.start_polling(&out)?;
                    driver.polls(poller.nudges());
                    polling = Some(poller);
                }
                watched = changed(&mut files), if files.is_some() => match watched {
                    Ok(()) => {
                        let (theme, keymap) = self.app.wanted_looks();
                        driver.load(Some(theme.to_owned()), Some(keymap.to_owned()), self.app.wanted_rules());
                    }
                    Err(_) => files = None,
                },
                drawn = self.screen.drained(), if self.screen.is_busy() => self.note_drawn(drawn?),
                rung = alarm.rings() => {
                    rung?;
                    self.happened(clock::now(), Msg::Woke, driver).await?;
                }
            }
            self.for_screen(guard, &mut reader, driver).await?;
            let at = clock::now();
            self.pacing.note_time(at.boot);
            self.note_link(at, driver).await?;
            if self.due(at.boot) {
                self.draw()?;
            }
        }
        Ok(())
    }

    fn over(&self) -> bool {
        self.gone || self.app.is_quitting()
    }

    fn start_polling(&self, out: &mpsc::Sender<(At, Msg)>) -> Result<Poller, ConsoleError> {
        Ok(Poller::of_targets(&self.app.model().targets, &self.fetcher, out, clock::now)?)
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
            TermEvent::Status => match self.answered() {
                true => Msg::Painted,
                false => return Ok(()),
            },
            TermEvent::CursorPosition { .. }
            | TermEvent::ModeReport { .. }
            | TermEvent::Focus(_)
            | TermEvent::Unknown => return Ok(()),
        };
        self.happened(clock::now(), msg, driver).await
    }

    /// The terminal answered: whether it shows what the core waits for.
    fn answered(&mut self) -> bool {
        let taken = self.pacing.answered(clock::now().boot);
        match (self.painted, taken) {
            (Asked::Frame(frame), Some(taken)) if taken >= frame => {
                self.painted = Asked::No;
                true
            }
            (Asked::No | Asked::NextFrame | Asked::Frame(_), _) => false,
        }
    }

    /// Tells the core what has become known of the line.
    async fn note_link(&mut self, at: At, driver: &mut Driver) -> Result<(), ConsoleError> {
        let (before, link) = (self.app.model().link, self.pacing.link());
        if link == before {
            return Ok(());
        }
        if before.plain && !link.plain {
            // The rest of the picture belongs to the frame before: it does not wait for its turn.
            self.last_frame = None;
        }
        self.happened(at, Msg::Link(link), driver).await
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
                    self.screen.clear();
                    self.pacing.resumed();
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

    async fn for_screen(
        &mut self,
        guard: &TerminalGuard,
        reader: &mut TtyReader,
        driver: &mut Driver,
    ) -> Result<(), ConsoleError> {
        for job in std::mem::take(&mut self.after) {
            match job {
                ForScreen::Quit => {}
                ForScreen::Redraw => self.screen.clear(),
                ForScreen::AskPainted => {
                    self.painted = Asked::NextFrame;
                    // What was typed by now was meant for what was on the screen by now.
                    let drained = reader.drain();
                    self.gone |= drained.gone;
                    for answer in drained.answers {
                        self.typed(answer, driver).await?;
                    }
                }
                ForScreen::Bell => {
                    let rung = self.screen.bell();
                    self.note_drawn(rung);
                }
                ForScreen::Copy(text) => {
                    let result = match self.screen.copy(&text) {
                        Ok(request) => {
                            // It is carried by the same line as the frames.
                            self.pacing.wrote(clock::now().boot, request.bytes, None);
                            Ok(Copied::of(&text, request.needs))
                        }
                        Err(error) => Err(error.to_string()),
                    };
                    self.happened(clock::now(), Msg::Copied(result), driver).await?;
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
    fn next_look(&self, now: Boot) -> Boot {
        let frame = match (self.screen.is_busy(), self.pacing.ready(now)) {
            (true, _) => Some(now.plus(BUSY)),
            (false, Ready::Answered) => None,
            (false, Ready::At(free)) => Some(self.frame_due().max(free)),
            (false, Ready::Now) => Some(self.frame_due()),
        };
        [self.app.wake(), self.pacing.deadline(), frame].into_iter().flatten().min().unwrap_or_else(|| now.plus(BUSY))
    }

    fn due(&self, now: Boot) -> bool {
        // A terminal that has not taken the last frame gets the newest picture when it has, not every one between.
        !self.screen.is_busy() && self.pacing.ready(now) == Ready::Now && self.frame_due() <= now
    }

    /// When the screen is to be drawn, if the terminal lets it. Two frames that answer to keys are [`FRAME`] apart;
    /// others are seconds apart anyway, and a key is not to wait for them.
    fn frame_due(&self) -> Boot {
        let due = match self.app.frame_due() {
            _any if self.unfinished => Boot(0),
            FrameDue::Now | FrameDue::Newer => Boot(0),
            FrameDue::At(due) => due,
        };
        self.last_frame.map_or(due, |last| due.max(last.plus(FRAME)))
    }

    fn draw(&mut self) -> Result<(), ConsoleError> {
        let at = clock::now();
        let urgent = self.app.frame_due() == FrameDue::Now;
        let (app, pacing) = (&self.app, &self.pacing);
        let waited_for = self.painted == Asked::NextFrame;
        let frame = self.screen.draw(
            |buffer, area: Rect| app.render(area, buffer),
            pacing.budget_bytes(),
            |painted| {
                let insists = !painted.whole || waited_for || (urgent && painted.bytes > 0);
                pacing.asks(at.boot, painted.bytes, insists)
            },
        );
        self.note_drawn(frame.drawn);
        self.frame += 1;
        self.pacing.wrote(at.boot, frame.painted.bytes, frame.asked.then_some(self.frame));
        if urgent {
            self.last_frame = Some(at.boot);
        }
        self.unfinished = !frame.painted.whole;
        if self.unfinished {
            return Ok(());
        }
        if waited_for && frame.asked {
            self.painted = Asked::Frame(self.frame);
        }
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
