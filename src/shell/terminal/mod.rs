//! The terminal: what comes in ([`TtyReader`]), what goes out ([`Screen`]), and that it is left as it was found
//! ([`TerminalGuard`]).
//!
//! ```text
//! Tty::open ──► TerminalGuard::enter ──► TtyReader ──► TermEvent…
//!                                   └──► Screen    ──► frame ──(encode: only what changed)──► one write
//!                                        Pacing: when the next frame may be written, and how much of it
//! ```
//!
//! The console opens the terminal anew instead of using standard input and output: the open file description is then
//! its own, so that it can be non-blocking without making the operator's shell, or whoever else shares standard
//! input, non-blocking as well. Questions put to the terminal are answered on the same line as the keys; therefore
//! one parser reads both.
//!
//! Must never: let a byte from outside become a control sequence; set a title; wait for ever for a terminal that
//! does not take what is written; read part of a paste or of a sequence as keys.
//!
//! To teach it a key or an answer: `sequence`. To save a byte: `travel` and `style`. To change what entering and
//! leaving say: [`guard`].

pub mod burst;
pub mod copy;
pub mod depth;
pub mod encode;
pub mod guard;
pub mod input;
pub mod pacing;
pub mod painter;
pub mod probe;
pub mod reader;
pub mod screen;
mod sequence;
mod style;
mod travel;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use ratatui::layout::Size;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub use copy::CopyRefused;
pub use guard::{Resumed, TerminalGuard, install_panic_hook};
pub use input::TermEvent;
pub use pacing::{Pacing, Ready};
pub use reader::{Drained, ReadOutcome, TtyReader};
pub use screen::{Drawn, Frame, Screen};

/// A terminal that says nothing about its size has this one.
const DEFAULT_SIZE: Size = Size { width: 80, height: 24 };

/// No terminal is larger; a size beyond it is a mistake somewhere, and would cost its cells in memory.
const LARGEST_SIZE: Size = Size { width: 640, height: 240 };

/// The terminal, opened for the console alone: non-blocking, not inherited by children.
#[derive(Debug)]
pub struct Tty {
    fd: OwnedFd,
}

impl Tty {
    /// Opens the controlling terminal, or the terminal that standard input is.
    ///
    /// # Errors
    /// There is no terminal.
    pub fn open() -> io::Result<Tty> {
        Tty::open_path("/dev/tty").or_else(|error| {
            if rustix::termios::isatty(rustix::stdio::stdin()) {
                Tty::open_path("/proc/self/fd/0")
            } else {
                Err(io::Error::new(
                    error.kind(),
                    "not a terminal: the console needs one to draw on and to read keys from",
                ))
            }
        })
    }

    /// Opens the terminal at this path.
    ///
    /// # Errors
    /// It can not be opened, or is no terminal.
    pub fn open_path(path: &str) -> io::Result<Tty> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        if !rustix::termios::isatty(&fd) {
            return Err(io::Error::new(io::ErrorKind::Unsupported, format!("{path} is not a terminal")));
        }
        Ok(Tty { fd })
    }

    /// Another handle on the same open terminal.
    ///
    /// # Errors
    /// The process has no file descriptor left.
    pub fn again(&self) -> io::Result<Tty> {
        Ok(Tty { fd: self.fd.try_clone()? })
    }

    /// Another handle on it, to be waited for in a runtime.
    #[allow(
        deprecated,
        reason = "deprecated because a type may lie about its descriptor; this one owns its own for life"
    )]
    fn watched(&self, interest: Interest) -> io::Result<AsyncFd<Tty>> {
        AsyncFd::with_interest(self.again()?, interest)
    }

    /// Its size in cells, never zero and never absurd.
    #[must_use]
    pub fn size(&self) -> Size {
        let Ok(found) = rustix::termios::tcgetwinsize(&self.fd) else {
            return DEFAULT_SIZE;
        };
        if found.ws_col == 0 || found.ws_row == 0 {
            return DEFAULT_SIZE;
        }
        Size { width: found.ws_col.min(LARGEST_SIZE.width), height: found.ws_row.min(LARGEST_SIZE.height) }
    }

    /// Writes what the terminal takes at once.
    fn write(&self, bytes: &[u8]) -> Wrote {
        loop {
            match rustix::io::write(&self.fd, bytes) {
                Ok(count) => return Wrote::Bytes(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Wrote::Bytes(0),
                // Whatever else it says, nothing can be written to it: hung up, closed, or taken away.
                Err(_gone) => return Wrote::Gone,
            }
        }
    }

    /// Writes everything, unless the terminal takes nothing for this long or is gone. For farewells only: it may
    /// hold the thread for that long.
    #[allow(clippy::disallowed_methods, reason = "this is the shell, and a farewell must come to its end")]
    fn write_within(&self, mut bytes: &[u8], limit: Duration) {
        let begun = Instant::now();
        while !bytes.is_empty() {
            match self.write(bytes) {
                Wrote::Gone => return,
                Wrote::Bytes(0) if begun.elapsed() >= limit => return,
                Wrote::Bytes(0) => std::thread::sleep(Duration::from_millis(5)),
                Wrote::Bytes(count) => bytes = &bytes[count..],
            }
        }
    }

    /// Whether this process may change the terminal now: it is in the foreground, or the terminal does no job
    /// control for it. In the background a change would stop the process.
    fn is_ours(&self) -> bool {
        match rustix::termios::tcgetpgrp(&self.fd) {
            Ok(group) => group == rustix::process::getpgrp(),
            Err(Errno::NOTTY) => true,
            Err(_gone) => false,
        }
    }
}

impl AsFd for Tty {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl std::os::fd::AsRawFd for Tty {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.fd.as_raw_fd()
    }
}

enum Wrote {
    Bytes(usize),
    Gone,
}

#[cfg(test)]
mod ptys;
