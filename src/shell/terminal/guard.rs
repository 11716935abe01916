//! The terminal is left as it was found: on quit, on a panic, on a signal, on suspension, and as far as possible when
//! it is already gone.
//!
//! Everything that is said on leaving is said even if it was never said on entering; saying it twice does no harm.
//! No farewell waits for the terminal longer than [`FAREWELL`]: one that takes nothing must not keep the process.
//!
//! Must never: be the reason that a process does not end; change the terminal from the background.

use std::io;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

use super::Tty;

/// Alternate screen, no cursor, bracketed paste; no focus and no mouse reports whoever had asked for them; an empty
/// screen in the default style. The style is set back before the screen is changed too: a terminal remembers the one it
/// has then, and gives it back to the shell.
pub(super) const ENTER: &[u8] =
    b"\x1b[m\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[m\x1b[2J\x1b[H";

/// Synchronized output off first, so that the rest is seen; an empty alternate screen, for terminals that have none;
/// the whole screen scrolls; then the screen that was there, with its cursor.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[r\x1b[H\x1b[2J\x1b[?2004l\x1b[?1049l\x1b[?25h";

/// How long a terminal may take to accept a farewell.
const FAREWELL: Duration = Duration::from_millis(300);

/// Terminals that this process has entered, for the panic hook. One in practice.
static ENTERED: Mutex<Vec<Arc<Session>>> = Mutex::new(Vec::new());

/// A terminal and how it was found. Shared with the screen, which writes nothing unless it is entered.
#[derive(Debug)]
pub(super) struct Session {
    tty: Tty,
    found: Mutex<Termios>,
    entered: AtomicBool,
    /// Something in this process panicked: the terminal is not taken again.
    panicked: AtomicBool,
}

impl Session {
    pub(super) fn tty(&self) -> &Tty {
        &self.tty
    }

    pub(super) fn is_entered(&self) -> bool {
        self.entered.load(Ordering::Acquire)
    }

    pub(super) fn has_panicked(&self) -> bool {
        self.panicked.load(Ordering::Acquire)
    }

    fn found(&self) -> MutexGuard<'_, Termios> {
        // Settings are replaced whole, so that they are sound even if a thread panicked meanwhile.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> io::Result<()> {
        if self.has_panicked() {
            return Err(io::Error::other("the console failed and has given the terminal back"));
        }
        if !self.is_entered() {
            *self.found() = tcgetattr(&self.tty)?;
        }
        let mut raw = self.found().clone();
        raw.make_raw();
        // From here on leaving has something to undo, even if what follows fails.
        self.entered.store(true, Ordering::Release);
        tcsetattr(&self.tty, OptionalActions::Now, &raw)?;
        self.tty.write_within(ENTER, FAREWELL);
        Ok(())
    }

    /// Idempotent, and never fails: there is nobody left to tell.
    fn leave(&self) {
        if !self.entered.swap(false, Ordering::AcqRel) {
            return;
        }
        let ours = self.tty.is_ours();
        let may_write = ours || tcgetattr(&self.tty).is_ok_and(|now| !now.local_modes.contains(LocalModes::TOSTOP));
        if may_write {
            self.tty.write_within(LEAVE, FAREWELL);
        }
        if ours {
            // Keys meant for the console, and late answers of the terminal, must not become input of a shell. Then
            // the settings at once: waiting for output to drain could take for ever.
            let _gone = tcflush(&self.tty, QueueSelector::IFlush);
            let _gone = tcsetattr(&self.tty, OptionalActions::Now, &self.found());
        }
    }
}

/// What [`TerminalGuard::resume`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumed {
    /// The terminal is the console's again and empty: size and everything on it must be taken anew.
    Redraw,
    /// The process was continued in the background and has stopped again.
    Background,
}

/// Holds the terminal for the console, and gives it back when dropped.
#[derive(Debug)]
pub struct TerminalGuard {
    session: Arc<Session>,
}

impl TerminalGuard {
    /// Takes the terminal of this process.
    ///
    /// # Errors
    /// There is none, it is dumb, or it can not be set.
    #[allow(clippy::disallowed_methods, reason = "this is the shell: the kind of terminal is in the environment")]
    pub fn enter() -> io::Result<TerminalGuard> {
        if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "TERM is dumb: this terminal can not place the cursor; set TERM to what it is, for example xterm",
            ));
        }
        TerminalGuard::enter_on(Tty::open()?)
    }

    /// Takes this terminal.
    ///
    /// # Errors
    /// It can not be set.
    pub fn enter_on(tty: Tty) -> io::Result<TerminalGuard> {
        let found = Mutex::new(tcgetattr(&tty)?);
        let session =
            Arc::new(Session { tty, found, entered: AtomicBool::new(false), panicked: AtomicBool::new(false) });
        entered_terminals().push(Arc::clone(&session));
        // The guard exists before the terminal is touched, so that a failure half way is undone by its drop.
        let guard = TerminalGuard { session };
        guard.session.enter()?;
        Ok(guard)
    }

    #[must_use]
    pub fn tty(&self) -> &Tty {
        self.session.tty()
    }

    pub(super) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.session)
    }

    /// False after leaving, suspending, or a panic anywhere in the process.
    #[must_use]
    pub fn is_entered(&self) -> bool {
        self.session.is_entered()
    }

    /// Gives the terminal back as it was found. May be called again.
    pub fn leave(&self) {
        self.session.leave();
    }

    /// Gives the terminal back and stops this process and those it was started with. What follows happens when the
    /// process is continued: await [`ShellSignal::Continue`](crate::shell::signals::ShellSignal), then
    /// [`resume`](TerminalGuard::resume).
    ///
    /// # Errors
    /// Nobody could continue it: it was not started from a shell with job control. The terminal is kept.
    pub fn suspend(&self) -> io::Result<()> {
        let group = rustix::process::getpgrp();
        if rustix::process::getsid(None).is_ok_and(|session| session == group) {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "not suspended: no shell could bring the console back; open a second terminal instead",
            ));
        }
        self.session.leave();
        stop_group()
    }

    /// Takes the terminal again after this process was continued, whoever had stopped it.
    ///
    /// # Errors
    /// The terminal is gone, or something panicked.
    pub fn resume(&self) -> io::Result<Resumed> {
        if !self.tty().is_ours() {
            tcgetattr(self.tty())?;
            stop_group()?;
            return Ok(Resumed::Background);
        }
        self.session.enter()?;
        Ok(Resumed::Redraw)
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        self.session.leave();
        entered_terminals().retain(|session| !Arc::ptr_eq(session, &self.session));
    }
}

fn entered_terminals() -> MutexGuard<'static, Vec<Arc<Session>>> {
    ENTERED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stops the whole job: a program that started this one, as `cargo run` does, would otherwise wait for it in the
/// foreground and the shell would never get the terminal. SIGTSTP is not used, because the console itself catches it.
fn stop_group() -> io::Result<()> {
    Ok(rustix::process::kill_current_process_group(Signal::STOP)?)
}

/// Before a panic is reported, whatever thread it happens in, the terminal is given back: the report is then read on
/// the screen that stays. Call it after any other hook is installed. The console is over then: the screen writes
/// nothing any more, and says [`Drawn::Gone`](super::Drawn).
pub fn install_panic_hook() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic: &PanicHookInfo<'_>| {
        // A panic while the list itself is held leaves without it rather than wait for ever.
        if let Ok(sessions) = ENTERED.try_lock() {
            for session in sessions.iter() {
                session.panicked.store(true, Ordering::Release);
                session.leave();
            }
        }
        report(panic);
    }));
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::ptys::{Pty, child, report};
    use super::*;

    #[test]
    fn the_terminal_is_as_it_was_found_after_leaving() {
        let pty = Pty::open();
        let found = pty.settings();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        assert_ne!(pty.settings(), found, "raw mode changes settings");
        let screen = pty.screen_after(ENTER.len());
        assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste());
        guard.leave();
        guard.leave();
        assert_eq!(pty.settings(), found);
        let screen = pty.screen_after(ENTER.len() + LEAVE.len());
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        drop(guard);
        assert_eq!(pty.settings(), found);
    }

    #[test]
    fn dropping_leaves_too() {
        let pty = Pty::open();
        let found = pty.settings();
        drop(TerminalGuard::enter_on(pty.tty()).expect("the terminal is there"));
        assert_eq!(pty.settings(), found);
    }

    #[test]
    fn a_terminal_that_takes_nothing_does_not_keep_the_process() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        let found = guard.session.found().clone();
        // Nobody reads the other side: fill it until it takes no more.
        while matches!(guard.tty().write(&[b'x'; 4096]), super::super::Wrote::Bytes(count) if count > 0) {}
        drop(guard);
        assert_eq!(pty.settings(), format!("{found:?}"), "settings are restored though nothing could be written");
    }

    #[test]
    fn leaving_a_vanished_terminal_ends() {
        let pty = Pty::open();
        let guard = TerminalGuard::enter_on(pty.tty()).expect("the terminal is there");
        drop(pty);
        guard.leave();
        assert!(!guard.is_entered());
    }

    /// Runs in a process of its own, started by the test below.
    #[test]
    fn child_panics_on_the_screen() {
        if !child("panic") {
            return;
        }
        install_panic_hook();
        let _guard = TerminalGuard::enter().expect("a controlling terminal");
        panic!("the reason");
    }

    #[test]
    fn a_panic_is_reported_on_the_screen_that_stays() {
        let pty = Pty::open();
        let found = pty.settings();
        let said = pty.run("panic", "shell::terminal::guard::tests::child_panics_on_the_screen");
        let left = said.find("\x1b[?1049l").expect("the alternate screen is left");
        let reported = said.find("the reason").expect("the panic is reported");
        assert!(left < reported, "{said:?}");
        assert_eq!(said.matches("\x1b[?1049l").count(), 1, "left once: {said:?}");
        assert_eq!(pty.settings(), found);
    }

    /// Runs in a process of its own, started by the test below.
    #[test]
    fn child_suspends_and_resumes() {
        if !child("suspend") {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut signals = crate::shell::signals::Signals::new().expect("handlers");
            let guard = TerminalGuard::enter().expect("a controlling terminal");
            guard.suspend().expect("a job of a shell can be stopped");
            while signals.next().await != crate::shell::signals::ShellSignal::Continue {}
            let resumed = guard.resume().expect("the terminal is still there");
            report(&format!("resumed {resumed:?}"));
        });
    }

    #[test]
    fn a_shell_gets_its_terminal_back_while_the_console_is_suspended() {
        let pty = Pty::open();
        let found = pty.settings();
        let script = pty.script("suspend", "shell::terminal::guard::tests::child_suspends_and_resumes");
        let said = pty.shell(&format!("set -m; {script}; echo stopped $?; stty -a; fg >/dev/null; echo ended $?"));
        let stopped = said.find("stopped 147").or(said.find("stopped 148")).expect(&said);
        let resumed = said.find("resumed Redraw").expect(&said);
        assert!(said.find("\x1b[?1049l").expect(&said) < stopped, "{said:?}");
        let settings = &said[stopped..resumed];
        assert!(settings.contains("isig icanon iexten echo ") && settings.contains("\nopost "), "{said:?}");
        assert_eq!(said.matches("\x1b[?1049h").count(), 2, "{said:?}");
        assert!(said.contains("ended 0"), "{said:?}");
        assert_eq!(pty.settings(), found);
    }

    /// Runs in a process of its own, started by the test below.
    #[test]
    fn child_can_not_suspend() {
        if !child("refuse") {
            return;
        }
        let guard = TerminalGuard::enter().expect("a controlling terminal");
        let refused = guard.suspend().expect_err("a session leader would never come back");
        assert!(guard.is_entered());
        drop(guard);
        std::io::stdout().flush().expect("a terminal");
        report(&refused.to_string());
    }

    #[test]
    fn without_a_shell_nothing_is_suspended() {
        let pty = Pty::open();
        let said = pty.run("refuse", "shell::terminal::guard::tests::child_can_not_suspend");
        assert!(said.contains("not suspended"), "{said:?}");
    }
}
