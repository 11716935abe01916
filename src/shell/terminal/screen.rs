//! The writing side of the terminal: frames, as the difference to the last one, each in one write.
//!
//! A terminal may take less than a frame, or nothing for a while: the connection is slow, or the operator stopped
//! the output. Then the rest is kept, no further frame is drawn until it is out ([`Drawn::Busy`]), and what is drawn
//! next is the newest state: at most one frame is ever waiting, and nothing blocks.
//!
//! Must never: write while the terminal is not the console's; write anything when nothing changed.

use std::io;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use tokio::io::Interest;

use super::copy::{self, CopyRefused, Multiplexer};
use super::guard::{Session, TerminalGuard};
use super::painter::{Painted, Painter};
use super::{Tty, Wrote};

/// A request to copy that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Of the request, which is longer than the text.
    pub bytes: usize,
    /// What may be needed for it to arrive, if something may.
    pub needs: Option<&'static str>,
}

/// Asks the terminal how it is. It answers when it has taken in everything written before.
const STATUS_QUESTION: &[u8] = b"\x1b[5n";

/// The mode whose report says whether the terminal can show a frame as one.
pub const SYNCHRONIZED_MODE: u16 = 2026;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// The picture was the same, and nothing else was to be said.
    Unchanged,
    Written {
        bytes: usize,
    },
    /// The terminal has not taken everything yet. If this frame is not among what is waiting, it was not drawn at
    /// all: wait for [`Screen::drained`], then draw again.
    Busy,
    /// The terminal was given back, as while suspended. Nothing was drawn.
    Away,
    /// The terminal vanished, or was given back because something panicked: the console is over.
    Gone,
}

/// One call of [`Screen::draw`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub drawn: Drawn,
    pub painted: Painted,
    /// The terminal was asked about it.
    pub asked: bool,
}

/// The screen.
#[derive(Debug)]
pub struct Screen {
    session: Arc<Session>,
    tty: Tty,
    painter: Painter,
    /// What the terminal has not taken yet: the rest of one frame, or of one text to copy.
    waiting: Vec<u8>,
    written_bytes: u64,
    within: Multiplexer,
    gone: bool,
}

impl Screen {
    /// The screen of an entered terminal.
    ///
    /// # Errors
    /// No file descriptor is left.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the shell: tmux and screen say in the environment that they are there"
    )]
    pub fn new(guard: &TerminalGuard) -> io::Result<Screen> {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let tty = guard.tty().again()?;
        Ok(Screen {
            painter: Painter::new(tty.size()),
            session: guard.session(),
            tty,
            waiting: Vec::new(),
            written_bytes: 0,
            within: Multiplexer::of(is_set("TMUX"), is_set("STY")),
            gone: false,
        })
    }

    /// Draws what `render` paints on an empty buffer, if the terminal has taken the frame before; at most
    /// `budget_bytes` of it, a row more or less. `asks` is told what was painted, and says whether the terminal is
    /// asked to say that it has taken it.
    pub fn draw(
        &mut self,
        render: impl FnOnce(&mut Buffer, Rect),
        budget_bytes: usize,
        asks: impl FnOnce(Painted) -> bool,
    ) -> Frame {
        // On a terminal that is not the console's there is nothing to be brought up to date.
        let unpainted = |drawn| Frame { drawn, painted: Painted { bytes: 0, whole: true }, asked: false };
        match self.send() {
            Drawn::Unchanged | Drawn::Written { .. } => {}
            held @ (Drawn::Busy | Drawn::Away | Drawn::Gone) => return unpainted(held),
        }
        let painted = self.painter.paint(render, budget_bytes, &mut self.waiting);
        let asked = asks(painted);
        if asked {
            self.waiting.extend_from_slice(STATUS_QUESTION);
        }
        Frame { drawn: self.send(), painted, asked }
    }

    /// Asks, before the first frame, whether the terminal can show a frame as one, and how it is. The first answer is
    /// a [`TermEvent::ModeReport`](super::TermEvent) of [`SYNCHRONIZED_MODE`] from a terminal that knows the
    /// question; what one that does not may write instead, the first frame wipes off. The second comes back after one
    /// round trip of the line. How many bytes that were.
    pub fn ask_first(&mut self) -> usize {
        let question = [format!("\x1b[?{SYNCHRONIZED_MODE}$p").as_bytes(), STATUS_QUESTION].concat();
        self.say(&question);
        question.len()
    }

    /// Large frames are shown as one from now on. Only for a terminal that said it can.
    pub fn set_synchronized(&mut self, on: bool) {
        self.painter.set_synchronized(on);
    }

    /// The window may have another size: takes it, and draws the next frame whole if it has.
    pub fn resize(&mut self) -> Size {
        let size = self.tty.size();
        if size != self.size() {
            self.painter.restart(size);
        }
        size
    }

    /// The next frame is drawn whole, as when somebody else wrote on the terminal.
    pub fn clear(&mut self) {
        self.painter.restart(self.tty.size());
    }

    #[must_use]
    pub fn size(&self) -> Size {
        self.painter.area().as_size()
    }

    /// Everything written since the start.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Rings. A terminal that has not taken the last frame is not rung.
    pub fn bell(&mut self) -> Drawn {
        self.say(b"\x07")
    }

    /// Copies a text through the terminal.
    ///
    /// # Errors
    /// The text could act when pasted, or the terminal does not take it now.
    pub fn copy(&mut self, text: &str) -> Result<Copied, CopyRefused> {
        let request = copy::request(text, self.within)?;
        if !self.waiting.is_empty() {
            return Err(CopyRefused::Busy);
        }
        match self.say(&request) {
            Drawn::Away | Drawn::Gone => Err(CopyRefused::Gone),
            // What the terminal did not take at once follows by itself.
            Drawn::Busy | Drawn::Unchanged | Drawn::Written { .. } => {
                Ok(Copied { bytes: request.len(), needs: self.within.needs() })
            }
        }
    }

    /// Whether something waits for the terminal; then await [`drained`](Screen::drained) along with everything else.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.waiting.is_empty() && !self.gone
    }

    /// Waits until the terminal has taken everything. May be dropped while waiting. The terminal is watched for this
    /// only while something waits: else every frame that is taken would wake the process to say so.
    ///
    /// # Errors
    /// The terminal can not be waited for any more.
    pub async fn drained(&mut self) -> io::Result<Drawn> {
        let watched = self.tty.watched(Interest::WRITABLE)?;
        loop {
            match self.send() {
                Drawn::Busy => {}
                done @ (Drawn::Unchanged | Drawn::Written { .. } | Drawn::Away | Drawn::Gone) => return Ok(done),
            }
            let mut ready = watched.writable().await?;
            // It may have become writable long ago; the attempt above is what tells whether it still is.
            ready.clear_ready();
            drop(ready);
            match self.send() {
                Drawn::Busy => {}
                done @ (Drawn::Unchanged | Drawn::Written { .. } | Drawn::Away | Drawn::Gone) => return Ok(done),
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) -> Drawn {
        match self.send() {
            Drawn::Unchanged | Drawn::Written { .. } => {}
            held @ (Drawn::Busy | Drawn::Away | Drawn::Gone) => return held,
        }
        self.waiting.extend_from_slice(bytes);
        self.send()
    }

    /// Writes what is waiting, as far as the terminal takes it at once.
    fn send(&mut self) -> Drawn {
        if self.gone || !self.session.is_entered() {
            // What was waiting was meant for a screen that is no longer there.
            self.waiting.clear();
            return if self.gone || self.session.has_panicked() { Drawn::Gone } else { Drawn::Away };
        }
        let mut sent = 0;
        while sent < self.waiting.len() {
            match self.tty.write(&self.waiting[sent..]) {
                Wrote::Bytes(0) => break,
                Wrote::Bytes(count) => sent += count,
                Wrote::Gone => {
                    self.gone = true;
                    self.waiting.clear();
                    return Drawn::Gone;
                }
            }
        }
        self.waiting.drain(..sent);
        self.written_bytes += sent as u64;
        match (sent, self.waiting.is_empty()) {
            (_, false) => Drawn::Busy,
            (0, true) => Drawn::Unchanged,
            (bytes, true) => Drawn::Written { bytes },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::ptys::Pty;
    use super::*;
    use crate::shell::eventually::eventually;

    fn within<T>(test: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(20), test).await.expect("it comes to an end") })
    }

    fn text(text: &str) -> impl FnOnce(&mut Buffer, Rect) {
        move |buffer, _area| buffer.set_string(0, 0, text, ratatui::style::Style::new())
    }

    fn draw(screen: &mut Screen, render: impl FnOnce(&mut Buffer, Rect)) -> Drawn {
        screen.draw(render, usize::MAX, |_| false).drawn
    }

    /// A picture that shares no cell with the last.
    fn full(letter: &str) -> impl FnOnce(&mut Buffer, Rect) {
        move |buffer, _area| {
            for cell in &mut buffer.content {
                cell.set_symbol(letter);
            }
        }
    }

    #[test]
    fn only_changes_are_written_each_at_once() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut screen = Screen::new(&guard).expect("a screen");
            assert_eq!(screen.size(), Size::new(80, 24));
            let Drawn::Written { bytes } = draw(&mut screen, text("height 1204")) else {
                panic!("the first frame is written")
            };
            assert_eq!(draw(&mut screen, text("height 1204")), Drawn::Unchanged);
            assert_eq!(draw(&mut screen, text("height 1205")), Drawn::Written { bytes: b"\x1b[1;11H5".len() });
            assert_eq!(screen.written_bytes(), bytes as u64 + 8);
            let entered = pty.said_on_entering();
            let shown = pty.screen_after(entered + bytes + 8);
            assert_eq!(shown.contents().trim_end(), "height 1205");
        });
    }

    #[test]
    fn the_terminal_is_asked_after_the_frame() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut screen = Screen::new(&guard).expect("a screen");
            let asked = screen.ask_first();
            screen.draw(text("a"), usize::MAX, |_| false);
            let again = screen.draw(text("a"), usize::MAX, |painted| {
                assert_eq!(painted, Painted { bytes: 0, whole: true });
                true
            });
            assert_eq!(again.drawn, Drawn::Written { bytes: 4 }, "asked though nothing changed");
            let all = pty.said_on_entering() + screen.written_bytes() as usize;
            let said = pty.hear(all);
            let said = &said[pty.said_on_entering()..];
            assert_eq!(&said[..asked], b"\x1b[?2026$p\x1b[5n");
            assert!(said.ends_with(b"a\x1b[5n"));
        });
    }

    #[test]
    fn a_window_of_another_size_is_drawn_whole() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut screen = Screen::new(&guard).expect("a screen");
            draw(&mut screen, text("a"));
            for (columns, rows, expected) in [
                (100, 30, Size::new(100, 30)),
                (1, 1, Size::new(1, 1)),
                (0, 0, Size::new(80, 24)),
                (u16::MAX, u16::MAX, LARGEST),
            ] {
                pty.resize(columns, rows);
                assert_eq!(screen.resize(), expected);
                assert_eq!(screen.size(), expected);
                let whole = b"\x1b[m\x1b[2J\x1b[Ha".len();
                assert_eq!(draw(&mut screen, text("a")), Drawn::Written { bytes: whole });
                assert_eq!(screen.resize(), expected);
                assert_eq!(draw(&mut screen, text("a")), Drawn::Unchanged);
            }
        });
    }

    const LARGEST: Size = super::super::LARGEST_SIZE;

    #[test]
    fn a_terminal_that_takes_nothing_gets_the_newest_picture_later() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut screen = Screen::new(&guard).expect("a screen");
            let mut letters = ["x", "y"].into_iter().cycle();
            let mut frames = 0;
            while draw(&mut screen, full(letters.next().expect("an endless list"))) != Drawn::Busy {
                frames += 1;
                assert!(frames < 1000, "nobody reads, and still it takes everything");
            }
            let waiting = screen.waiting.len();
            assert!(screen.is_busy() && waiting > 0);
            // While it waits nothing is added, whatever is drawn, rung or copied.
            assert_eq!(draw(&mut screen, full("z")), Drawn::Busy);
            assert_eq!(screen.bell(), Drawn::Busy);
            assert_eq!(screen.copy("text"), Err(CopyRefused::Busy));
            assert_eq!(screen.waiting.len(), waiting);
            let entered = pty.said_on_entering();
            let expected = entered + screen.written_bytes() as usize + waiting;
            let reading = std::thread::spawn(move || {
                pty.hear(expected);
                pty
            });
            screen.drained().await.expect("the terminal takes it");
            let Drawn::Written { bytes } = draw(&mut screen, full("z")) else { panic!("the newest picture is drawn") };
            let pty = reading.join().expect("all was read");
            assert!(pty.screen_after(expected + bytes).contents().chars().all(|c| c == 'z' || c == '\n'));
        });
    }

    #[test]
    fn nothing_is_written_when_the_terminal_is_not_ours() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        within(async {
            let mut screen = Screen::new(&guard).expect("a screen");
            guard.leave();
            assert_eq!(draw(&mut screen, text("a")), Drawn::Away);
            assert_eq!(guard.resume().expect("the terminal is there"), super::super::Resumed::Redraw);
            screen.clear();
            assert!(matches!(draw(&mut screen, text("a")), Drawn::Written { .. }));
            drop(pty);
            let mut letters = ["b", "c"].into_iter().cycle();
            let mut letter = || letters.next().expect("an endless list");
            let mut gone = || draw(&mut screen, text(letter())) == Drawn::Gone;
            assert!(eventually(async || gone()).await);
            assert_eq!(screen.copy("b"), Err(CopyRefused::Gone));
            assert!(!screen.is_busy());
        });
    }
}
