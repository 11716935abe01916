//! Signals as a stream of what they mean to the console.
//!
//! Catching them is what lets the terminal be restored and the journal be closed before the process ends. SIGPIPE
//! needs nothing: Rust ignores it, and a broken pipe is an error of the write.
//!
//! Must never: decide. A signal is reported; what follows is the core's business.
//!
//! To listen to another signal: a row in `LISTENED`.

use std::io;
use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellSignal {
    /// SIGTERM, or SIGQUIT, which would otherwise end the process with the terminal in disorder.
    Terminate,
    /// SIGHUP: the connection or the window is gone.
    HangUp,
    /// SIGINT from outside; the key itself arrives as a key.
    Interrupt,
    /// SIGTSTP from outside: the console is asked to give the terminal back for a while.
    Stop,
    /// SIGCONT: back again, in the foreground or not.
    Continue,
    /// SIGWINCH.
    WindowChanged,
}

/// In the order in which those that are pending together are reported.
const LISTENED: [(fn() -> SignalKind, ShellSignal); 7] = [
    (SignalKind::terminate, ShellSignal::Terminate),
    (SignalKind::quit, ShellSignal::Terminate),
    (SignalKind::hangup, ShellSignal::HangUp),
    (SignalKind::interrupt, ShellSignal::Interrupt),
    (stop, ShellSignal::Stop),
    (go_on, ShellSignal::Continue),
    (SignalKind::window_change, ShellSignal::WindowChanged),
];

fn stop() -> SignalKind {
    SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw())
}

fn go_on() -> SignalKind {
    SignalKind::from_raw(rustix::process::Signal::CONT.as_raw())
}

/// The signals of this process.
#[derive(Debug)]
pub struct Signals {
    listened: Vec<(Signal, ShellSignal)>,
}

impl Signals {
    /// Begins to listen; from now on none of these signals ends the process by itself. Needs a runtime.
    ///
    /// # Errors
    /// The system refuses a handler.
    pub fn new() -> io::Result<Signals> {
        let listened = LISTENED.iter().map(|(kind, meaning)| Ok((signal(kind())?, *meaning)));
        Ok(Signals { listened: listened.collect::<io::Result<_>>()? })
    }

    /// The next signal. May be dropped while waiting: nothing is lost. Signals of one kind that come together are
    /// reported once.
    pub async fn next(&mut self) -> ShellSignal {
        std::future::poll_fn(|context| {
            for (signal, meaning) in &mut self.listened {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(*meaning);
                }
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Signal as Raised, getpid, kill_process};

    const CHILD: &str = "OPSCONSOLE_TEST_SIGNALS";

    /// In a process of its own: handlers stay for the life of a process, and this one must still end on ctrl-c.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test of what processes do")]
    fn each_signal_is_reported_by_what_it_means() {
        if std::env::var_os(CHILD).is_some() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            return runtime.block_on(raise_each());
        }
        let child = std::process::Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "shell::signals::tests::each_signal_is_reported_by_what_it_means", "--test-threads", "1"])
            .env(CHILD, "1")
            .output()
            .expect("a child");
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    }

    async fn raise_each() {
        let mut signals = Signals::new().expect("handlers");
        let check = [
            (Raised::TERM, ShellSignal::Terminate),
            (Raised::QUIT, ShellSignal::Terminate),
            (Raised::HUP, ShellSignal::HangUp),
            (Raised::INT, ShellSignal::Interrupt),
            (Raised::TSTP, ShellSignal::Stop),
            (Raised::CONT, ShellSignal::Continue),
            (Raised::WINCH, ShellSignal::WindowChanged),
        ];
        for (raised, meaning) in check {
            kill_process(getpid(), raised).expect("a signal to oneself");
            assert_eq!(signals.next().await, meaning);
        }
    }
}
